//! INSERT, UPDATE, DELETE and TRUNCATE of rows that are computed already: columns, NOT NULL, unique indexes.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};

use super::codec;
use super::key::{KeyShape, has_null};
use super::references::RowChange;
use super::rows::{RowKey, TableRows, nullable, stored_facts};
use super::transaction::SqlTransaction;
use super::violation;
use super::write_set::{Facts, RowBytes};
use crate::catalog::{Index, Rule, Table};
use crate::storage::StorageError;
use crate::types::Code;

/// An index of a table with the values of its keys in some rows.
struct Keys<'a> {
    index: &'a Index,
    shape: KeyShape,
    columns: Vec<ArrayRef>,
}

impl<'a> Keys<'a> {
    fn all(table: &'a Table, rows: &RecordBatch) -> Result<Vec<Self>, StorageError> {
        let of_index = |index: &'a Index| {
            let shape = KeyShape::of(table, index)?;
            let columns = shape.columns(table, rows)?;
            Ok(Keys { index, shape, columns })
        };
        table.indexes().iter().map(of_index).collect()
    }

    fn key(&self, row: usize) -> Result<Vec<u8>, StorageError> {
        self.shape.key(&self.columns, row)
    }

    /// No other row may have the same key.
    fn is_exclusive(&self, row: usize) -> bool {
        self.index.unique && (self.index.nulls_not_distinct || !has_null(&self.columns, row))
    }
}

/// A key with the number of its row at the end, as it is kept.
pub(super) fn with_number(mut key: Vec<u8>, number: u64) -> Vec<u8> {
    key.extend_from_slice(&number.to_be_bytes());
    key
}

impl SqlTransaction {
    /// Adds rows, whose columns are the table's in their order. 23502 for a NULL where none may be, 23505 where a
    /// unique index has the values already.
    pub fn insert(&mut self, table: &Arc<Table>, rows: &RecordBatch) -> Result<Vec<RowKey>, StorageError> {
        self.must_write()?;
        let rows = conform(table, rows)?;
        check_not_null(table, &rows)?;
        let keys = Keys::all(table, &rows)?;
        let numbers: Vec<i16> = table.columns.iter().map(|column| column.number).collect();
        let is_referring = self.has_references(table);
        let mut facts = self.facts(table.oid)?;
        let mut added = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            let number = facts.last_number + 1;
            let bytes = RowBytes::from(codec::encode(&rows, row, &numbers)?);
            facts = Facts { rows: facts.rows + 1, last_number: number };
            if is_referring {
                let new = Some(RowBytes::clone(&bytes));
                self.changed.push(RowChange { table: Arc::clone(table), number, old: None, new });
            }
            self.writes.put_row(table.oid, number, Some(bytes))?;
            for keys in &keys {
                self.writes.put_key(keys.index.oid, with_number(keys.key(row)?, number), true)?;
            }
            added.push(RowKey(number));
        }
        self.writes.put_facts(table.oid, facts);
        let all: Vec<usize> = (0..rows.num_rows()).collect();
        self.check_unique(table, &keys, &all)?;
        Ok(added)
    }

    /// No row has a NULL where none may be (23502).
    pub fn check_not_null(&self, table: &Table, rows: &RecordBatch) -> Result<(), StorageError> {
        check_not_null(table, rows)
    }

    /// Replaces rows; `rows` has a row for every key, in the same order, with all columns, and no key comes twice. Unique indexes are checked
    /// when all are in their places.
    pub fn update(&mut self, table: &Arc<Table>, keys: &[RowKey], rows: &RecordBatch) -> Result<(), StorageError> {
        self.must_write()?;
        if keys.len() != rows.num_rows() {
            return Err(StorageError::statement(Code::Internal, "an update with more or fewer rows than keys"));
        }
        check_distinct(table, keys)?;
        let rows = conform(table, rows)?;
        check_not_null(table, &rows)?;
        let old_bytes = self.old_rows(table, keys)?;
        let old_rows = TableRows::decode(table, old_bytes.iter())?;
        let (old_keys, new_keys) = (Keys::all(table, &old_rows)?, Keys::all(table, &rows)?);
        let numbers: Vec<i16> = table.columns.iter().map(|column| column.number).collect();
        let is_referring = self.has_references(table);
        let mut moved = Vec::new();
        for (row, (key, old)) in keys.iter().zip(old_bytes).enumerate() {
            let number = key.0;
            let mut has_moved = false;
            for (old, new) in old_keys.iter().zip(&new_keys) {
                let (old_key, new_key) = (old.key(row)?, new.key(row)?);
                if old_key != new_key {
                    self.writes.put_key(old.index.oid, with_number(old_key, number), false)?;
                    self.writes.put_key(new.index.oid, with_number(new_key, number), true)?;
                    has_moved = true;
                }
            }
            if has_moved {
                moved.push(row);
            }
            let bytes = RowBytes::from(codec::encode(&rows, row, &numbers)?);
            if is_referring {
                let new = Some(RowBytes::clone(&bytes));
                self.changed.push(RowChange { table: Arc::clone(table), number, old: Some(old), new });
            }
            self.writes.put_row(table.oid, number, Some(bytes))?;
        }
        self.check_unique(table, &new_keys, &moved)
    }

    /// Removes rows; no key comes twice.
    pub fn delete(&mut self, table: &Arc<Table>, keys: &[RowKey]) -> Result<(), StorageError> {
        self.must_write()?;
        check_distinct(table, keys)?;
        let old_bytes = self.old_rows(table, keys)?;
        let old_rows = TableRows::decode(table, old_bytes.iter())?;
        let old_keys = Keys::all(table, &old_rows)?;
        let is_referring = self.has_references(table);
        let facts = self.facts(table.oid)?;
        for (row, (key, old)) in keys.iter().zip(old_bytes).enumerate() {
            for keys in &old_keys {
                self.writes.put_key(keys.index.oid, with_number(keys.key(row)?, key.0), false)?;
            }
            self.writes.put_row(table.oid, key.0, None)?;
            if is_referring {
                let change = RowChange { table: Arc::clone(table), number: key.0, old: Some(old), new: None };
                self.changed.push(change);
            }
        }
        let rows = facts.rows.saturating_sub(u64::try_from(keys.len()).unwrap_or(u64::MAX));
        self.writes.put_facts(table.oid, Facts { rows, ..facts });
        Ok(())
    }

    /// Removes all rows; whether other tables refer to them is the caller's question.
    pub fn truncate(&mut self, table: &Arc<Table>) -> Result<(), StorageError> {
        self.must_write()?;
        let facts = self.facts(table.oid)?;
        self.writes.clear_table(table.oid, facts.last_number);
        table.indexes().iter().for_each(|index| self.writes.clear_index(index.oid));
        Ok(())
    }

    /// For every row the key of the row that has the same values in a unique index (ON CONFLICT).
    pub fn conflicts(
        &self,
        table: &Arc<Table>,
        index: u32,
        rows: &RecordBatch,
    ) -> Result<Vec<Option<RowKey>>, StorageError> {
        let rows = conform(table, rows)?;
        let keys = Keys::all(table, &rows)?;
        let keys = keys.into_iter().find(|keys| keys.index.oid == index);
        let unknown = || StorageError::statement(Code::Internal, format!("no index {index} of \"{}\"", table.name));
        let keys = keys.ok_or_else(unknown)?;
        let view = self.rows(table)?;
        let conflict = |row| {
            if !keys.is_exclusive(row) {
                return Ok(None);
            }
            Ok(view.numbers_with(index, &keys.key(row)?)?.first().map(|number| RowKey(*number)))
        };
        (0..rows.num_rows()).map(conflict).collect()
    }

    /// One row with all its columns; none when it is gone.
    pub fn row(&self, table: &Arc<Table>, key: &RowKey) -> Result<Option<RecordBatch>, StorageError> {
        let found = self.rows(table)?.rows_by_key(&[*key], None, false)?;
        Ok((found.num_rows() == 1).then_some(found))
    }

    /// The facts of a table now.
    pub(super) fn facts(&self, table: u32) -> Result<Facts, StorageError> {
        match self.writes.table(table).and_then(|writes| writes.facts) {
            Some(facts) => Ok(facts),
            None => stored_facts(&self.snapshot, table),
        }
    }

    fn old_rows(&self, table: &Arc<Table>, keys: &[RowKey]) -> Result<Vec<RowBytes>, StorageError> {
        let found = self.rows(table)?.bytes(keys)?;
        let gone = || StorageError::statement(Code::Internal, format!("a row of \"{}\" is gone", table.name));
        found.into_iter().map(|row| row.ok_or_else(gone)).collect()
    }

    /// The first of these rows whose key another row has, too, is an error.
    fn check_unique(&self, table: &Arc<Table>, keys: &[Keys<'_>], rows: &[usize]) -> Result<(), StorageError> {
        if rows.is_empty() || !keys.iter().any(|keys| keys.index.unique) {
            return Ok(());
        }
        let view = self.rows(table)?;
        for row in rows {
            for keys in keys.iter().filter(|keys| keys.is_exclusive(*row)) {
                if view.numbers_with(keys.index.oid, &keys.key(*row)?)?.len() > 1 {
                    return Err(violation::duplicate_key(table, keys.index, &keys.columns, *row));
                }
            }
        }
        Ok(())
    }

    /// Foreign keys want to know of changes to the table's rows.
    pub(super) fn has_references(&self, table: &Table) -> bool {
        table.constraints().iter().any(|constraint| matches!(constraint.rule, Rule::ForeignKey { .. }))
            || self.catalog.references_to(table.oid).next().is_some()
    }
}

/// The rows in the columns in which they are stored; an error when they are no rows of the table.
pub(super) fn conform(table: &Table, rows: &RecordBatch) -> Result<RecordBatch, StorageError> {
    let mismatch = |reason: String| StorageError::SchemaMismatch { table: table.name.clone(), reason };
    let fields = table.arrow.fields();
    if fields.len() != rows.num_columns() {
        return Err(mismatch(format!("expected {} columns, found {}", fields.len(), rows.num_columns())));
    }
    let column = |(field, column): (&Arc<Field>, &ArrayRef)| {
        let (wanted, found) = (field.data_type(), column.data_type());
        if wanted.equals_datatype(found) {
            return retyped(column, wanted);
        }
        let is_same_kind = matches!(
            (wanted, found),
            (DataType::Utf8, DataType::Utf8View | DataType::LargeUtf8 | DataType::Null)
                | (DataType::Binary, DataType::BinaryView | DataType::LargeBinary | DataType::Null)
                | (_, DataType::Null | DataType::Dictionary(..))
                | (
                    DataType::Timestamp(TimeUnit::Microsecond, Some(_)),
                    DataType::Timestamp(TimeUnit::Microsecond, Some(_))
                )
        );
        if !is_same_kind {
            return Err(mismatch(format!("column \"{}\" is {wanted}, found {found}", field.name())));
        }
        cast(column, wanted).map_err(|source| StorageError::conversion("store a value", source))
    };
    let columns = fields.iter().zip(rows.columns()).map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(nullable(&table.arrow), columns, &options)
        .map_err(|source| StorageError::conversion("store rows", source))
}

/// A row that is changed twice in one step would leave keys behind.
fn check_distinct(table: &Table, keys: &[RowKey]) -> Result<(), StorageError> {
    let mut seen = HashSet::with_capacity(keys.len());
    if keys.iter().all(|key| seen.insert(key.0)) {
        return Ok(());
    }
    Err(StorageError::statement(Code::Internal, format!("a row of \"{}\" is changed twice in one step", table.name)))
}

/// The same values; lists get the item field that the table's column has.
fn retyped(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, StorageError> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    cast(column, wanted).map_err(|source| StorageError::conversion("store a value", source))
}

fn check_not_null(table: &Table, rows: &RecordBatch) -> Result<(), StorageError> {
    let wanted: Vec<_> = table.columns.iter().zip(rows.columns()).filter(|(column, _)| column.not_null).collect();
    if wanted.iter().all(|(_, values)| values.null_count() == 0) {
        return Ok(());
    }
    for row in 0..rows.num_rows() {
        if let Some((column, _)) = wanted.iter().find(|(_, values)| values.is_null(row)) {
            return Err(violation::null_value(table, column, rows, row));
        }
    }
    Ok(())
}
