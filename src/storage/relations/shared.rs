//! What all transactions of a store share: the newest catalog, the values of sequences, the next object id.
//!
//! Sequences and object ids count on in memory, outside of transactions; a commit makes durable how far they are.
//! So a value is never given again once a transaction that took it, or a later one, has committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::ReadTransaction;
use tokio::sync::watch;

use crate::catalog::{self, Catalog, Entry, FIRST_USER_OID, Sequence};
use crate::storage::core::lock;
use crate::storage::{StorageError, layout};
use crate::types::{Code, NodeName, SqlError};

/// Object ids that a node draws at once.
const OID_BLOCK: u32 = 4_096;
/// Behind the last: from here on ids follow from others.
const OIDS_TO: u32 = 0x1000_0000;

/// Where a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceState {
    /// The last value, or the first when none was taken.
    pub last: i64,
    /// The last value was taken.
    pub is_called: bool,
}

/// The newest committed catalog.
#[derive(Debug, Clone)]
struct Published {
    catalog: Arc<Catalog>,
    /// How many commits have changed it.
    generation: u64,
}

/// What all transactions of a store share.
#[derive(Debug)]
pub(in crate::storage) struct Shared {
    published: RwLock<Published>,
    /// Counts the catalogs that were shown.
    changes: watch::Sender<u64>,
    sequences: Mutex<BTreeMap<u32, SequenceState>>,
    oids: Mutex<Oids>,
}

/// The block of object ids that is being given out.
#[derive(Debug, Clone, Copy, Default)]
struct Oids {
    next: u32,
    end: u32,
}

fn unreadable(source: impl Into<redb::Error>) -> StorageError {
    StorageError::redb("read the catalog", source)
}

fn builtin() -> Result<Catalog, StorageError> {
    catalog::builtin().map_err(|source| StorageError::conversion("read the built-in catalog", source))
}

impl Shared {
    /// Nothing yet; [`Shared::load`] fills it.
    pub(in crate::storage) fn new() -> Self {
        let catalog = Arc::new(Catalog { databases: BTreeMap::new() });
        Self {
            published: RwLock::new(Published { catalog, generation: 0 }),
            changes: watch::Sender::new(0),
            sequences: Mutex::default(),
            oids: Mutex::default(),
        }
    }

    /// Takes over what the file says. Sequences and object ids that are further here stay.
    pub(in crate::storage) fn load(&self, snapshot: &ReadTransaction) -> Result<(), StorageError> {
        let published = load_catalog(snapshot)?;
        let stored = snapshot.open_table(layout::SEQUENCES).map_err(unreadable)?;
        let mut sequences = lock(&self.sequences);
        for entry in stored.range::<u32>(..).map_err(unreadable)? {
            let (oid, state) = entry.map_err(unreadable)?;
            let (last, is_called) = state.value();
            sequences.entry(oid.value()).or_insert(SequenceState { last, is_called });
        }
        drop(sequences);
        let mut oids = lock(&self.oids);
        if oids.end == 0 {
            let of = |key| -> Result<u32, StorageError> { Ok(u32::try_from(counter(snapshot, key)?).unwrap_or(0)) };
            *oids = Oids { next: of(layout::OID_NEXT_KEY)?, end: of(layout::OID_END_KEY)? };
        }
        drop(oids);
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = published;
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(in crate::storage) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner).catalog)
    }

    /// The catalog of a snapshot.
    pub(in crate::storage) fn catalog_of(&self, snapshot: &ReadTransaction) -> Result<Arc<Catalog>, StorageError> {
        let generation = counter(snapshot, layout::CATALOG_KEY)?;
        let published = self.published.read().unwrap_or_else(PoisonError::into_inner).clone();
        if published.generation == generation {
            return Ok(published.catalog);
        }
        // A commit has ended between the snapshot and here, or is just about to be shown.
        Ok(load_catalog(snapshot)?.catalog)
    }

    /// Shows the catalog of the commit that has just ended.
    pub(super) fn publish_next(&self, catalog: &Arc<Catalog>) {
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        let generation = published.generation + 1;
        *published = Published { catalog: Arc::clone(catalog), generation };
        drop(published);
        self.changes.send_modify(|count| *count += 1);
    }

    /// The next value of a sequence.
    pub(super) fn next_value(&self, sequence: &Sequence) -> Result<i64, StorageError> {
        let mut sequences = lock(&self.sequences);
        let state = sequences.entry(sequence.oid).or_insert_with(|| SequenceState::first(sequence));
        state.step(sequence)
    }

    pub(super) fn sequence(&self, oid: u32) -> Option<SequenceState> {
        lock(&self.sequences).get(&oid).copied()
    }

    pub(super) fn set_sequence(&self, oid: u32, state: SequenceState) {
        lock(&self.sequences).insert(oid, state);
    }

    pub(super) fn forget_sequence(&self, oid: u32) {
        lock(&self.sequences).remove(&oid);
    }

    /// The next object id, and the end of its block.
    pub(super) fn oids(&self) -> (u32, u32) {
        let oids = lock(&self.oids);
        (oids.next, oids.end)
    }

    /// An object id that nobody has; a node that has used a block up draws another.
    pub(super) fn next_oid(&self, node: &NodeName, now_us: i64) -> u32 {
        let mut oids = lock(&self.oids);
        if oids.next >= oids.end {
            let seed = format!("{node} {now_us} {}", oids.end);
            let drawn = u32::from_le_bytes(first_bytes(&seed));
            oids.next = FIRST_USER_OID + drawn % ((OIDS_TO - FIRST_USER_OID) / OID_BLOCK) * OID_BLOCK;
            oids.end = oids.next + OID_BLOCK;
        }
        oids.next += 1;
        oids.next - 1
    }
}

/// Bytes that names and moments decide, spread evenly.
fn first_bytes(seed: &str) -> [u8; 4] {
    let hash = blake3::hash(seed.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

impl SequenceState {
    /// Where a new sequence stands.
    pub fn first(sequence: &Sequence) -> Self {
        Self { last: sequence.start, is_called: false }
    }

    /// Takes the next value.
    pub(super) fn step(&mut self, sequence: &Sequence) -> Result<i64, StorageError> {
        let bounds = sequence.minimum..=sequence.maximum;
        let next = match (self.is_called, self.last.checked_add(sequence.increment)) {
            (false, _) => self.last,
            (true, Some(next)) if bounds.contains(&next) => next,
            (true, _) if sequence.cycle && sequence.increment > 0 => sequence.minimum,
            (true, _) if sequence.cycle => sequence.maximum,
            (true, _) => {
                let (which, bound) =
                    if sequence.increment > 0 { ("maximum", sequence.maximum) } else { ("minimum", sequence.minimum) };
                let message = format!("nextval: reached {which} value of sequence \"{}\" ({bound})", sequence.name);
                return Err(SqlError::new(Code::SequenceLimitExceeded, message).into());
            }
        };
        *self = Self { last: next, is_called: true };
        Ok(next)
    }
}

/// A counter of the store.
pub(super) fn counter(snapshot: &ReadTransaction, key: &str) -> Result<u64, StorageError> {
    let counters = snapshot.open_table(layout::COUNTERS).map_err(unreadable)?;
    Ok(counters.get(key).map_err(unreadable)?.map_or(0, |count| count.value()))
}

fn load_catalog(snapshot: &ReadTransaction) -> Result<Published, StorageError> {
    let stored = snapshot.open_table(layout::ENTRIES).map_err(unreadable)?;
    let mut entries: Vec<Entry> = Vec::new();
    for entry in stored.range::<(u32, u32)>(..).map_err(unreadable)? {
        let (_, record) = entry.map_err(unreadable)?;
        entries.push(layout::decode("a definition", record.value())?);
    }
    let catalog = Arc::new(builtin()?.with_entries(&entries));
    Ok(Published { catalog, generation: counter(snapshot, layout::CATALOG_KEY)? })
}
