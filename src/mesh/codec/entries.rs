//! What users made on a node <-> the messages that tell it, and the digest by which it is told apart.

use bytes::Bytes;

use super::super::MeshError;
use super::bad;
use crate::catalog::Entry;
use crate::proto::mesh as proto;
use crate::types::Code;

/// Most definitions of one node.
const ENTRIES_MAX: usize = 20_000;
/// Most bytes of all definitions of one node.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most bytes of one definition.
const ENTRY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a message after which another one begins.
const MESSAGE_BYTES: usize = 1024 * 1024;

/// Tells two sets of definitions apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mesh) struct Digest(pub(super) [u8; 32]);

/// The definitions of this node, ready to be sent.
#[derive(Debug, Clone)]
pub(in crate::mesh) struct EntriesMessages {
    pub(in crate::mesh) digest: Digest,
    pub(in crate::mesh) messages: Vec<proto::CatalogEntriesReply>,
}

impl EntriesMessages {
    /// Fails when there is more than other nodes take.
    pub(in crate::mesh) fn of(entries: &[Entry]) -> Result<Self, MeshError> {
        let (mut digest, mut messages, mut open) = (Digester::default(), Vec::new(), Vec::new());
        let mut open_bytes = 0;
        for entry in entries {
            let encoded = serde_json::to_vec(entry).map_err(|error| refused(error.to_string()))?;
            if !digest.take(&encoded) {
                return Err(refused("this node has more definitions than other nodes take".to_owned()));
            }
            open_bytes += encoded.len();
            open.push(Bytes::from(encoded));
            if open_bytes >= MESSAGE_BYTES {
                messages.push(proto::CatalogEntriesReply { entries: std::mem::take(&mut open) });
                open_bytes = 0;
            }
        }
        if !open.is_empty() {
            messages.push(proto::CatalogEntriesReply { entries: open });
        }
        Ok(Self { digest: digest.end(), messages })
    }
}

fn refused(message: String) -> MeshError {
    MeshError::Refused { code: Code::StatementTooComplex, message }
}

/// The receiving end.
#[derive(Debug, Default)]
pub(in crate::mesh) struct EntriesDecoder {
    digest: Digester,
    entries: Vec<Entry>,
    unreadable: usize,
}

impl EntriesDecoder {
    /// Takes in a message.
    pub(in crate::mesh) fn take(&mut self, message: &proto::CatalogEntriesReply) -> Result<(), MeshError> {
        for encoded in &message.entries {
            if !self.digest.take(encoded) {
                return Err(bad("too many definitions"));
            }
            // A definition of a later version, with a type that is not known here: the others are still good.
            match serde_json::from_slice(encoded) {
                Ok(entry) => self.entries.push(entry),
                Err(_) => self.unreadable += 1,
            }
        }
        Ok(())
    }

    /// The definitions, how many of them cannot be read here, and the digest of all.
    pub(in crate::mesh) fn end(self) -> (Vec<Entry>, usize, Digest) {
        (self.entries, self.unreadable, self.digest.end())
    }
}

/// Counts and digests definitions as they come.
#[derive(Debug, Default)]
struct Digester {
    hash: blake3::Hasher,
    count: usize,
    bytes: usize,
}

impl Digester {
    /// Whether the definition is still within the bounds.
    fn take(&mut self, encoded: &[u8]) -> bool {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(encoded.len());
        self.hash.update(&(encoded.len() as u64).to_le_bytes());
        self.hash.update(encoded);
        self.count <= ENTRIES_MAX && self.bytes <= BYTES_MAX && encoded.len() <= ENTRY_BYTES_MAX
    }

    fn end(self) -> Digest {
        Digest(*self.hash.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::catalog::{DatabaseEntry, Object};

    fn databases(count: u32, comment: &str) -> Vec<Entry> {
        let database = |oid| {
            let made = DatabaseEntry { name: format!("d{oid}"), owner: None, comment: comment.to_owned() };
            Entry { oid, database: oid, object: Object::Database(made) }
        };
        (0..count).map(database).collect()
    }

    fn decoded(messages: &[proto::CatalogEntriesReply]) -> Result<(Vec<Entry>, usize, Digest), MeshError> {
        let mut decoder = EntriesDecoder::default();
        messages.iter().try_for_each(|message| decoder.take(message))?;
        Ok(decoder.end())
    }

    #[test]
    fn definitions_arrive_with_their_digest() {
        let entries = databases(3, &"x".repeat(600_000));
        let sent = EntriesMessages::of(&entries).expect("sent");
        assert_eq!(sent.messages.len(), 2);
        assert_eq!(decoded(&sent.messages).expect("read"), (entries.clone(), 0, sent.digest));
        assert_ne!(EntriesMessages::of(&entries[1..]).expect("sent").digest, sent.digest);
        let strange = proto::CatalogEntriesReply { entries: vec![Bytes::from_static(b"{\"oid\":1}")] };
        assert_eq!(decoded(&[strange]).map(|(entries, unreadable, _)| (entries.len(), unreadable)).ok(), Some((0, 1)));
    }

    #[test]
    fn there_is_a_bound_at_both_ends() {
        assert!(EntriesMessages::of(&databases(9, &"x".repeat(4_000_000))).is_err());
        assert!(EntriesMessages::of(&databases(20_001, "")).is_err());
        let many = proto::CatalogEntriesReply { entries: vec![Bytes::new(); 20_001] };
        assert!(decoded(&[many]).is_err());
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let message = proto::CatalogEntriesReply { entries: vec![bytes.clone().into()] };
            let _ = decoded(&[message]);
            if let Ok(message) = proto::CatalogEntriesReply::decode(bytes.as_slice()) {
                let _ = decoded(&[message]);
            }
        }
    }
}
