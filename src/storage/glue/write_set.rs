//! What a SQL transaction has written and nobody else sees yet: bounded, in memory, by key.

use std::collections::BTreeMap;

use datafusion::arrow::array::RecordBatch;
use gluesql::core::data::Schema;
use redb::WriteTransaction;

use crate::storage::{StorageError, batch, layout};

/// Largest write set.
const WRITE_SET_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What an entry takes beside its bytes.
const ENTRY_BYTES: usize = 64;

/// The writes to the rows of one table.
#[derive(Debug, Default)]
pub(super) struct TableWrites {
    /// The rows in the store are gone: the table was made or dropped here.
    pub(super) replaced: bool,
    /// Encoded rows by ordered key; none where a row is gone.
    pub(super) rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// The last row number given out, when rows were appended.
    pub(super) row_number: Option<u64>,
}

/// The writes of one transaction.
#[derive(Debug, Default)]
pub(in crate::storage) struct WriteSet {
    schemas: BTreeMap<String, Option<Schema>>,
    tables: BTreeMap<String, TableWrites>,
    events: Vec<(String, RecordBatch)>,
    bytes: usize,
}

impl WriteSet {
    pub(super) fn is_empty(&self) -> bool {
        self.schemas.is_empty() && self.tables.is_empty() && self.events.is_empty()
    }

    /// The definition as written here: none when this set says nothing about the table.
    pub(super) fn schema(&self, table: &str) -> Option<Option<&Schema>> {
        self.schemas.get(table).map(Option::as_ref)
    }

    pub(super) fn schemas(&self) -> impl Iterator<Item = (&String, Option<&Schema>)> {
        self.schemas.iter().map(|(name, schema)| (name, schema.as_ref()))
    }

    pub(super) fn table(&self, table: &str) -> Option<&TableWrites> {
        self.tables.get(table)
    }

    pub(super) fn table_mut(&mut self, table: &str) -> &mut TableWrites {
        self.tables.entry(table.to_owned()).or_default()
    }

    pub(super) fn put_schema(&mut self, schema: &Schema, is_new: bool) {
        self.schemas.insert(schema.table_name.clone(), Some(schema.clone()));
        if is_new {
            self.table_mut(&schema.table_name).replaced = true;
        }
    }

    pub(super) fn drop_table(&mut self, table: &str) {
        self.schemas.insert(table.to_owned(), None);
        self.tables.insert(table.to_owned(), TableWrites { replaced: true, ..TableWrites::default() });
    }

    pub(super) fn put_row(&mut self, table: &str, key: Vec<u8>, row: Option<Vec<u8>>) -> Result<(), StorageError> {
        self.grow(key.len() + row.as_ref().map_or(0, Vec::len) + ENTRY_BYTES)?;
        self.table_mut(table).rows.insert(key, row);
        Ok(())
    }

    pub(super) fn append_events(&mut self, table: &str, rows: RecordBatch) -> Result<(), StorageError> {
        self.grow(usize::try_from(batch::bytes_of(&rows)).unwrap_or(usize::MAX))?;
        self.events.push((table.to_owned(), rows));
        Ok(())
    }

    pub(super) fn take_events(&mut self) -> Vec<(String, RecordBatch)> {
        std::mem::take(&mut self.events)
    }

    fn grow(&mut self, bytes: usize) -> Result<(), StorageError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > WRITE_SET_BYTES_MAX {
            return Err(StorageError::TooLarge { what: "the transaction", bytes_max: WRITE_SET_BYTES_MAX });
        }
        Ok(())
    }

    /// Writes definitions and rows into the store's transaction.
    pub(in crate::storage) fn write(&self, transaction: &WriteTransaction) -> Result<(), StorageError> {
        let mut encoded = Vec::with_capacity(self.schemas.len());
        for (table, schema) in &self.schemas {
            encoded.push((table, schema.as_ref().map(layout::encode).transpose()?));
        }
        let write = || -> Result<(), redb::Error> {
            let mut schemas = transaction.open_table(layout::SCHEMAS)?;
            for (table, record) in &encoded {
                match record {
                    Some(record) => drop(schemas.insert(table.as_str(), record.as_slice())?),
                    None => drop(schemas.remove(table.as_str())?),
                }
            }
            let mut rows = transaction.open_table(layout::ROWS)?;
            let mut row_numbers = transaction.open_table(layout::ROW_NUMBERS)?;
            for (table, writes) in &self.tables {
                write_table(&mut rows, table, writes)?;
                match writes.row_number {
                    Some(last) => drop(row_numbers.insert(table.as_str(), last)?),
                    None if writes.replaced => drop(row_numbers.remove(table.as_str())?),
                    None => {}
                }
            }
            Ok(())
        };
        write().map_err(|source| StorageError::redb("write rows", source))
    }
}

fn write_table(
    rows: &mut redb::Table<'_, (&'static str, &'static [u8]), &'static [u8]>,
    table: &str,
    writes: &TableWrites,
) -> Result<(), redb::Error> {
    if writes.replaced {
        // The name with a zero byte sorts right behind all keys of the table.
        let end = format!("{table}\0");
        let (first, last): (&[u8], &[u8]) = (&[], &[]);
        rows.retain_in((table, first)..(end.as_str(), last), |_, _| false)?;
    }
    for (key, row) in &writes.rows {
        match row {
            Some(row) => drop(rows.insert((table, key.as_slice()), row.as_slice())?),
            None => drop(rows.remove((table, key.as_slice()))?),
        }
    }
    Ok(())
}
