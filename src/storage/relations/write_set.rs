//! What a transaction has written to relational tables and nobody else sees yet: bounded, in memory, and able to
//! go back to any moment of the transaction.
//!
//! Views of it are shared and never change: whoever holds one keeps what it saw, and the next write copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redb::{ReadableTable, WriteTransaction};
use tokio::sync::OwnedMutexGuard;

use super::shared::{SequenceState, Shared};
use crate::catalog::{Catalog, Entry};
use crate::storage::{StorageError, layout};

/// Largest write set.
const WRITE_SET_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What an entry takes beside its bytes, with what is kept to take it back.
const ENTRY_BYTES: usize = 128;

/// A row as bytes.
pub(super) type RowBytes = Arc<[u8]>;

/// How many rows a table has, and the last number that a row of it got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) rows: u64,
    pub(super) last_number: u64,
}

/// The writes to the rows of one table.
#[derive(Debug, Clone, Default)]
pub(super) struct TableWrites {
    /// The rows in the store are gone.
    pub(super) replaced: bool,
    /// Rows by number; none where a row is gone.
    pub(super) rows: Arc<BTreeMap<u64, Option<RowBytes>>>,
    /// The facts afterwards; none when no row was written.
    pub(super) facts: Option<Facts>,
}

/// The writes to one index.
#[derive(Debug, Clone, Default)]
pub(super) struct IndexWrites {
    /// The keys in the store are gone.
    pub(super) replaced: bool,
    /// Keys, each with its row's number at the end, and whether they are there.
    pub(super) keys: Arc<BTreeMap<Vec<u8>, bool>>,
}

/// A definition as bytes, under database and object id; none when it is gone.
type EncodedEntry = ((u32, u32), Option<Vec<u8>>);

/// What a write has replaced.
#[derive(Debug)]
enum Undo {
    Row { table: u32, number: u64, old: Option<Option<RowBytes>> },
    Key { index: u32, key: Vec<u8>, old: Option<bool> },
    Facts { table: u32, old: Option<Facts> },
    Table { table: u32, old: Option<TableWrites> },
    Index { index: u32, old: Option<IndexWrites> },
    Entry { key: (u32, u32), old: Option<Option<Entry>> },
}

/// A moment of a write set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    undo: usize,
    bytes: usize,
}

/// The writes of one transaction.
#[derive(Debug, Default)]
pub(in crate::storage) struct RelationWrites {
    tables: BTreeMap<u32, TableWrites>,
    indexes: BTreeMap<u32, IndexWrites>,
    /// Definitions by database and object id; none where one is gone.
    entries: BTreeMap<(u32, u32), Option<Entry>>,
    undo: Vec<Undo>,
    bytes: usize,
    /// How often relational tables had been changed when the transaction took its turn.
    pub(super) base: u64,
    /// The catalog afterwards; none when no definition was written.
    pub(super) catalog: Option<Arc<Catalog>>,
    /// Sequences whose values this transaction has taken.
    pub(super) sequences: BTreeSet<u32>,
    /// Sequences that begin anew with the commit.
    pub(super) restarted: BTreeMap<u32, SequenceState>,
    /// Object ids were taken.
    pub(super) takes_oids: bool,
    /// The turn of the one SQL writer: it ends when the commit has ended, even when nobody waits for it.
    pub(super) turn: Option<OwnedMutexGuard<()>>,
}

impl RelationWrites {
    /// Nothing of it would be seen after a commit.
    pub(super) fn is_empty(&self) -> bool {
        self.undo.is_empty() && self.sequences.is_empty() && self.restarted.is_empty() && !self.takes_oids
    }

    /// Neither rows nor definitions were written.
    pub(super) fn has_no_rows(&self) -> bool {
        self.undo.is_empty()
    }

    pub(super) fn table(&self, table: u32) -> Option<&TableWrites> {
        self.tables.get(&table)
    }

    pub(super) fn index(&self, index: u32) -> Option<&IndexWrites> {
        self.indexes.get(&index)
    }

    fn grow(&mut self, bytes: usize) -> Result<(), StorageError> {
        self.bytes = self.bytes.saturating_add(bytes).saturating_add(ENTRY_BYTES);
        if self.bytes > WRITE_SET_BYTES_MAX {
            return Err(StorageError::TooLarge { what: "the transaction", bytes_max: WRITE_SET_BYTES_MAX });
        }
        Ok(())
    }

    pub(super) fn put_row(&mut self, table: u32, number: u64, row: Option<RowBytes>) -> Result<(), StorageError> {
        self.grow(row.as_ref().map_or(0, |row| row.len()))?;
        let writes = self.tables.entry(table).or_default();
        let old = Arc::make_mut(&mut writes.rows).insert(number, row);
        self.undo.push(Undo::Row { table, number, old });
        Ok(())
    }

    pub(super) fn put_key(&mut self, index: u32, key: Vec<u8>, is_there: bool) -> Result<(), StorageError> {
        self.grow(2 * key.len())?;
        let writes = self.indexes.entry(index).or_default();
        let old = Arc::make_mut(&mut writes.keys).insert(key.clone(), is_there);
        self.undo.push(Undo::Key { index, key, old });
        Ok(())
    }

    pub(super) fn put_facts(&mut self, table: u32, facts: Facts) {
        let old = self.tables.entry(table).or_default().facts.replace(facts);
        self.undo.push(Undo::Facts { table, old });
    }

    /// All rows go; numbers go on, so that no row gets the number of another.
    pub(super) fn clear_table(&mut self, table: u32, last_number: u64) {
        let facts = Some(Facts { rows: 0, last_number });
        let writes = TableWrites { replaced: true, facts, ..TableWrites::default() };
        let old = self.tables.insert(table, writes);
        self.undo.push(Undo::Table { table, old });
    }

    /// All keys go.
    pub(super) fn clear_index(&mut self, index: u32) {
        let old = self.indexes.insert(index, IndexWrites { replaced: true, ..IndexWrites::default() });
        self.undo.push(Undo::Index { index, old });
    }

    pub(super) fn put_entry(&mut self, database: u32, oid: u32, entry: Option<Entry>) -> Result<(), StorageError> {
        self.grow(ENTRY_BYTES)?;
        let key = (database, oid);
        let old = self.entries.insert(key, entry);
        self.undo.push(Undo::Entry { key, old });
        Ok(())
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { undo: self.undo.len(), bytes: self.bytes }
    }

    /// Takes back everything since then.
    pub(super) fn roll_back_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo
            && let Some(undo) = self.undo.pop()
        {
            self.take_back(undo);
        }
        self.bytes = mark.bytes;
    }

    fn take_back(&mut self, undo: Undo) {
        fn restore<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, old: Option<V>) {
            match old {
                Some(old) => drop(map.insert(key, old)),
                None => drop(map.remove(&key)),
            }
        }
        match undo {
            Undo::Row { table, number, old } => {
                restore(Arc::make_mut(&mut self.tables.entry(table).or_default().rows), number, old);
            }
            Undo::Key { index, key, old } => {
                restore(Arc::make_mut(&mut self.indexes.entry(index).or_default().keys), key, old);
            }
            Undo::Facts { table, old } => self.tables.entry(table).or_default().facts = old,
            Undo::Table { table, old } => restore(&mut self.tables, table, old),
            Undo::Index { index, old } => restore(&mut self.indexes, index, old),
            Undo::Entry { key, old } => restore(&mut self.entries, key, old),
        }
    }

    /// Writes everything into the store's transaction.
    pub(in crate::storage) fn write(
        &self,
        transaction: &WriteTransaction,
        shared: &Shared,
    ) -> Result<(), StorageError> {
        let mut encoded = Vec::with_capacity(self.entries.len());
        for (key, entry) in &self.entries {
            encoded.push((*key, entry.as_ref().map(layout::encode).transpose()?));
        }
        let write = || -> Result<(), redb::Error> {
            self.write_entries(transaction, &encoded)?;
            self.write_rows(transaction)?;
            self.write_keys(transaction)?;
            self.write_counters(transaction, shared)
        };
        write().map_err(|source| StorageError::redb("write rows", source))
    }

    fn write_entries(&self, transaction: &WriteTransaction, encoded: &[EncodedEntry]) -> Result<(), redb::Error> {
        let mut entries = transaction.open_table(layout::ENTRIES)?;
        for (key, record) in encoded {
            match record {
                Some(record) => drop(entries.insert(key, record.as_slice())?),
                None => drop(entries.remove(key)?),
            }
        }
        Ok(())
    }

    fn write_rows(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        let mut rows = transaction.open_table(layout::RELATION_ROWS)?;
        let mut facts = transaction.open_table(layout::RELATION_FACTS)?;
        for (table, writes) in &self.tables {
            if writes.replaced {
                rows.retain_in((*table, 0)..=(*table, u64::MAX), |_, _| false)?;
            }
            for (number, row) in writes.rows.iter() {
                match row {
                    Some(row) => drop(rows.insert((*table, *number), row.as_ref())?),
                    None if writes.replaced => {}
                    None => drop(rows.remove((*table, *number))?),
                }
            }
            let is_dropped = self.entries.iter().any(|((_, oid), entry)| oid == table && entry.is_none());
            if is_dropped {
                facts.remove(table)?;
            } else if let Some(Facts { rows, last_number }) = writes.facts {
                facts.insert(table, (rows, last_number))?;
            }
        }
        Ok(())
    }

    fn write_keys(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        let mut keys = transaction.open_table(layout::RELATION_KEYS)?;
        for (index, writes) in &self.indexes {
            if writes.replaced {
                let (first, last): (&[u8], &[u8]) = (&[], &[]);
                keys.retain_in((*index, first)..(index.saturating_add(1), last), |_, ()| false)?;
            }
            for (key, is_there) in writes.keys.iter() {
                if *is_there {
                    keys.insert((*index, key.as_slice()), ())?;
                } else if !writes.replaced {
                    keys.remove((*index, key.as_slice()))?;
                }
            }
        }
        Ok(())
    }

    fn write_counters(&self, transaction: &WriteTransaction, shared: &Shared) -> Result<(), redb::Error> {
        let mut counters = transaction.open_table(layout::COUNTERS)?;
        let mut raise = |key: &str| -> Result<(), redb::Error> {
            let count = counters.get(key)?.map_or(0, |count| count.value());
            counters.insert(key, count + 1)?;
            Ok(())
        };
        if !self.has_no_rows() {
            raise(layout::RELATIONS_KEY)?;
        }
        if self.catalog.is_some() {
            raise(layout::CATALOG_KEY)?;
        }
        if self.takes_oids {
            let (next, end) = shared.oids();
            counters.insert(layout::OID_NEXT_KEY, u64::from(next))?;
            counters.insert(layout::OID_END_KEY, u64::from(end))?;
        }
        drop(counters);
        let mut sequences = transaction.open_table(layout::SEQUENCES)?;
        // The newest state of all, under the writer's lock: an older one never follows.
        for oid in &self.sequences {
            if let Some(state) = shared.sequence(*oid) {
                sequences.insert(oid, (state.last, state.is_called))?;
            }
        }
        for (oid, state) in &self.restarted {
            sequences.insert(oid, (state.last, state.is_called))?;
        }
        for ((_, oid), _) in self.entries.iter().filter(|(_, entry)| entry.is_none()) {
            sequences.remove(oid)?;
        }
        Ok(())
    }

    /// Shows everybody what is durable now.
    pub(in crate::storage) fn publish(&self, shared: &Shared) {
        for (oid, state) in &self.restarted {
            shared.set_sequence(*oid, *state);
        }
        for ((_, oid), _) in self.entries.iter().filter(|(_, entry)| entry.is_none()) {
            shared.forget_sequence(*oid);
        }
        if let Some(catalog) = &self.catalog {
            shared.publish_next(catalog);
        }
    }
}
