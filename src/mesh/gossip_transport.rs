//! Carries chitchat's messages inside the mesh's mutual TLS; its own UDP is never opened.
//!
//! chitchat knows nodes by socket address. Here that is a number made of the node's name, so that
//! it survives restarts, needs no name service and cannot be lied about: the sender of a message is
//! who its certificate says, and an answer goes to the node of that name wherever it is.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use chitchat::transport::{Socket, Transport};
use chitchat::{ChitchatMessage, Deserializable, Serializable};
use tokio::sync::mpsc;

use super::directory::Directory;
use crate::types::NodeName;

/// Most messages that wait to be read; more are dropped, the next round repeats them.
const INBOX_MAX: usize = 256;
/// Largest message; chitchat cuts its own below this.
const MESSAGE_BYTES_MAX: usize = 65_507;

/// The address under which chitchat knows a node: 44 bits of its name's hash as an IPv4 address of
/// the range that is never routed, and a port. Every digest repeats it, so it is kept short.
pub(super) fn address_of(name: &NodeName) -> SocketAddr {
    let hash = blake3::hash(name.as_str().as_bytes());
    let [a, b, c, d, e, f, ..] = *hash.as_bytes();
    SocketAddr::from((Ipv4Addr::new(a | 0xf0, b, c, d), u16::from_be_bytes([e, f])))
}

type Letter = (SocketAddr, Bytes);

/// Where the server puts what peers send; empty while gossip is not running.
#[derive(Debug, Clone, Default)]
pub(super) struct GossipInbox(Arc<Mutex<Option<mpsc::Sender<Letter>>>>);

impl GossipInbox {
    /// Takes a message of the node with that certificate; drops it when too many wait.
    pub(super) fn deliver(&self, sender: &NodeName, message: Bytes) {
        if message.len() > MESSAGE_BYTES_MAX {
            tracing::debug!(node = %sender, bytes = message.len(), "gossip of impossible size");
            return;
        }
        let inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inbox) = inbox.as_ref()
            && inbox.try_send((address_of(sender), message)).is_err()
        {
            tracing::debug!(node = %sender, "gossip was dropped");
        }
    }

    fn open(&self) -> mpsc::Receiver<Letter> {
        let (sender, receiver) = mpsc::channel(INBOX_MAX);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }
}

/// chitchat's way to the mesh.
#[derive(Debug)]
pub(super) struct MeshTransport {
    pub(super) directory: Arc<Directory>,
    pub(super) inbox: GossipInbox,
}

#[async_trait]
impl Transport for MeshTransport {
    async fn open(&self, _listen: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        Ok(Box::new(MeshSocket { directory: Arc::downgrade(&self.directory), letters: self.inbox.open() }))
    }
}

struct MeshSocket {
    /// Weak, since chitchat's task is the library's own and may end after us.
    directory: Weak<Directory>,
    letters: mpsc::Receiver<Letter>,
}

#[async_trait]
impl Socket for MeshSocket {
    /// Only puts the message into the peer's outbox: chitchat does everything in one task.
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        let Some(directory) = self.directory.upgrade() else { return Ok(()) };
        if let Some(peer) = directory.peer_at(to)
            && peer.outbox.try_send(message.serialize_to_vec()).is_err()
        {
            tracing::trace!(node = %peer.name, "gossip waits for a connection and was dropped");
        }
        Ok(())
    }

    /// An error would end gossip for good, so bad messages are passed over.
    async fn recv(&mut self) -> anyhow::Result<(SocketAddr, ChitchatMessage)> {
        loop {
            let Some((sender, bytes)) = self.letters.recv().await else {
                return std::future::pending().await;
            };
            let mut unread = &bytes[..];
            match ChitchatMessage::deserialize(&mut unread) {
                Ok(message) if unread.is_empty() => return Ok((sender, message)),
                Ok(_) => tracing::debug!("gossip with a tail"),
                Err(error) => tracing::debug!(%error, "gossip that cannot be read"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chitchat::{ChitchatMessage, Deserializable};
    use proptest::prelude::*;

    use super::address_of;
    use crate::types::NodeName;

    #[test]
    fn every_name_has_its_own_address() {
        let name = |text| NodeName::new(text).expect("name");
        assert_eq!(address_of(&name("edge-1")), address_of(&name("edge-1")));
        assert_ne!(address_of(&name("edge-1")), address_of(&name("edge-2")));
    }

    proptest! {
        #[test]
        fn random_messages_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 4..256), kind in 0u8..5) {
            let magic = 45_139_u16.to_le_bytes();
            bytes[..4].copy_from_slice(&[magic[0], magic[1], 0, kind]);
            let _ = ChitchatMessage::deserialize(&mut &bytes[..]);
        }
    }
}
