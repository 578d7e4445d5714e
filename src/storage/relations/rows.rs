//! The rows of one table at one moment: a snapshot of the store with a transaction's own writes over it.
//!
//! A view is cheap to make and never changes, so a scan may outlive the call, the statement, even the transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BinaryArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use redb::{ReadOnlyTable, ReadTransaction};

use super::codec::RowReader;
use super::key::{KeyPart, KeyShape, behind};
use super::write_set::{Facts, IndexWrites, RowBytes, TableWrites};
use crate::catalog::{Column, Table};
use crate::storage::{StorageError, layout};
use crate::types::Code;

/// The name of the column of row keys.
pub const ROW_KEY_COLUMN: &str = "__row";

/// Most rows of a batch.
const BATCH_ROWS: usize = 8_192;
/// Bytes of rows after which a batch ends.
const BATCH_BYTES: usize = 4 << 20;

/// What tells a row from all others of its table, now and later; rows sort by it in the order of their insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey(pub(super) u64);

impl RowKey {
    /// The bytes of a row key column.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// A row key from such bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(u64::from_be_bytes(bytes.try_into().ok()?)))
    }

    /// The keys in the last column of a batch that was read with keys.
    pub fn of_batch(rows: &RecordBatch) -> Option<Vec<Self>> {
        let column = rows.column_by_name(ROW_KEY_COLUMN)?.as_any().downcast_ref::<BinaryArray>()?;
        column.iter().map(|bytes| bytes.and_then(Self::from_bytes)).collect()
    }
}

/// The field of row keys.
pub fn row_key_field() -> Field {
    Field::new(ROW_KEY_COLUMN, DataType::Binary, false)
}

/// The rows of one table at one moment.
#[derive(Clone)]
pub struct TableRows {
    table: Arc<Table>,
    snapshot: Arc<ReadTransaction>,
    writes: TableWrites,
    indexes: BTreeMap<u32, IndexWrites>,
    facts: Facts,
}

impl std::fmt::Debug for TableRows {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TableRows")
            .field("table", &self.table.name)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// Batches of rows.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, StorageError>> + Send>;

/// A row by its number.
type NumberedRow = (u64, RowBytes);

fn unreadable(source: impl Into<redb::Error>) -> StorageError {
    StorageError::redb("read rows", source)
}

/// The facts of a table in the store.
pub(super) fn stored_facts(snapshot: &ReadTransaction, table: u32) -> Result<Facts, StorageError> {
    let facts = snapshot.open_table(layout::RELATION_FACTS).map_err(unreadable)?;
    let found = facts.get(table).map_err(unreadable)?.map(|facts| facts.value());
    Ok(found.map_or_else(Facts::default, |(rows, last_number)| Facts { rows, last_number }))
}

impl TableRows {
    pub(in crate::storage) fn new(
        table: Arc<Table>,
        snapshot: Arc<ReadTransaction>,
        writes: Option<&super::write_set::RelationWrites>,
    ) -> Result<Self, StorageError> {
        let own = writes.and_then(|writes| writes.table(table.oid)).cloned().unwrap_or_default();
        let facts = match own.facts {
            Some(facts) => facts,
            None => stored_facts(&snapshot, table.oid)?,
        };
        let of_index = |index: &crate::catalog::Index| {
            Some((index.oid, writes.and_then(|writes| writes.index(index.oid))?.clone()))
        };
        let indexes = table.indexes().iter().filter_map(of_index).collect();
        Ok(Self { table, snapshot, writes: own, indexes, facts })
    }

    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// How many rows there are; exact.
    pub fn row_count(&self) -> u64 {
        self.facts.rows
    }

    /// The columns of batches with this projection (positions in the table's columns; all without one).
    pub fn schema(&self, projection: Option<&[usize]>, with_keys: bool) -> Result<SchemaRef, StorageError> {
        let fields = &self.table.arrow.fields();
        let mut chosen = match projection {
            None => fields.to_vec(),
            Some(positions) => {
                let field = |position: &usize| fields.get(*position).cloned().ok_or_else(no_column);
                positions.iter().map(field).collect::<Result<_, _>>()?
            }
        };
        if with_keys {
            chosen.push(Arc::new(row_key_field()));
        }
        Ok(Arc::new(Schema::new(chosen)))
    }

    fn columns(&self, projection: Option<&[usize]>) -> Vec<&Column> {
        match projection {
            None => self.table.columns.iter().collect(),
            Some(positions) => positions.iter().filter_map(|position| self.table.columns.get(*position)).collect(),
        }
    }

    /// All rows in the order of their insertion.
    pub fn batches(&self, projection: Option<&[usize]>, with_keys: bool) -> Result<Batches, StorageError> {
        let mut builder = BatchBuilder::new(self, projection, with_keys)?;
        let mut rows = self.numbered(0..=u64::MAX)?;
        let next = move || {
            while !builder.is_full() {
                match rows.next() {
                    None => break,
                    Some(Ok((number, row))) => {
                        if let Err(error) = builder.push(number, &row) {
                            return Some(Err(error));
                        }
                    }
                    Some(Err(error)) => return Some(Err(error)),
                }
            }
            (!builder.is_empty()).then(|| builder.finish())
        };
        Ok(Box::new(std::iter::from_fn(next)))
    }

    /// All rows whose first keys in an index are those of one of the rows of `values` (its columns: one for each of
    /// these keys, in their order). NULL finds NULL.
    pub fn point(
        &self,
        index: u32,
        values: &RecordBatch,
        projection: Option<&[usize]>,
        with_keys: bool,
    ) -> Result<RecordBatch, StorageError> {
        let shape = self.shape(index)?;
        let mut numbers = BTreeSet::new();
        for row in 0..values.num_rows() {
            numbers.extend(self.numbers_with(index, &shape.key(values.columns(), row)?)?);
        }
        self.rows_by_number(numbers.into_iter(), projection, with_keys)
    }

    /// All rows whose first key in an index is between two values (columns of one row each), in the order of the
    /// index; a row with NULL there is none of them.
    pub fn between(
        &self,
        index: u32,
        lower: Bound<&ArrayRef>,
        upper: Bound<&ArrayRef>,
        projection: Option<&[usize]>,
        with_keys: bool,
    ) -> Result<RecordBatch, StorageError> {
        let shape = self.shape(index)?;
        let part = shape.parts.first().ok_or_else(no_column)?;
        if self.table.column(part.column).is_none_or(|column| column.user_type.is_some()) {
            let message = "values of a user's type are not kept in their order";
            return Err(StorageError::statement(Code::FeatureNotSupported, message));
        }
        let (lower, upper) = if part.is_descending() { (upper, lower) } else { (lower, upper) };
        let key = |value: &ArrayRef| {
            let mut key = Vec::new();
            part.put(&mut key, value.as_ref(), 0).map(|()| key)
        };
        let first = match lower {
            Bound::Unbounded => KeyPart::present().to_vec(),
            Bound::Included(value) => key(value)?,
            Bound::Excluded(value) => behind(&key(value)?).unwrap_or_default(),
        };
        let end = match upper {
            Bound::Unbounded => behind(KeyPart::present()),
            Bound::Included(value) => behind(&key(value)?),
            Bound::Excluded(value) => Some(key(value)?),
        };
        self.rows_by_number(self.numbers_in(index, &first, end.as_deref())?.into_iter(), projection, with_keys)
    }

    fn shape(&self, index: u32) -> Result<KeyShape, StorageError> {
        let found = self.table.index(index);
        let unknown =
            || StorageError::statement(Code::Internal, format!("no index {index} of \"{}\"", self.table.name));
        KeyShape::of(&self.table, found.ok_or_else(unknown)?)
    }

    /// These rows, as far as they are there.
    pub fn rows_by_key(
        &self,
        keys: &[RowKey],
        projection: Option<&[usize]>,
        with_keys: bool,
    ) -> Result<RecordBatch, StorageError> {
        self.rows_by_number(keys.iter().map(|key| key.0), projection, with_keys)
    }

    fn rows_by_number(
        &self,
        numbers: impl Iterator<Item = u64>,
        projection: Option<&[usize]>,
        with_keys: bool,
    ) -> Result<RecordBatch, StorageError> {
        let mut builder = BatchBuilder::new(self, projection, with_keys)?;
        let stored = self.snapshot.open_table(layout::RELATION_ROWS).map_err(unreadable)?;
        for number in numbers {
            if let Some(row) = self.row_in(&stored, number)? {
                builder.push(number, &row)?;
            }
        }
        builder.finish()
    }

    /// The bytes of some rows, in their order.
    pub(super) fn bytes(&self, keys: &[RowKey]) -> Result<Vec<Option<RowBytes>>, StorageError> {
        let stored = self.snapshot.open_table(layout::RELATION_ROWS).map_err(unreadable)?;
        keys.iter().map(|key| self.row_in(&stored, key.0)).collect()
    }

    fn row_in(
        &self,
        stored: &ReadOnlyTable<(u32, u64), &'static [u8]>,
        number: u64,
    ) -> Result<Option<RowBytes>, StorageError> {
        if let Some(written) = self.writes.rows.get(&number) {
            return Ok(written.clone());
        }
        if self.writes.replaced {
            return Ok(None);
        }
        let found = stored.get((self.table.oid, number)).map_err(unreadable)?;
        Ok(found.map(|row| RowBytes::from(row.value())))
    }

    /// All columns of rows that are at hand as bytes.
    pub(super) fn decode<'a>(
        table: &Table,
        rows: impl Iterator<Item = &'a RowBytes>,
    ) -> Result<RecordBatch, StorageError> {
        let mut reader = RowReader::new(nullable(&table.arrow), table.columns.iter())?;
        for row in rows {
            reader.push(row)?;
        }
        reader.finish()
    }

    /// Numbers of the rows whose key in an index begins so.
    pub(super) fn numbers_with(&self, index: u32, prefix: &[u8]) -> Result<Vec<u64>, StorageError> {
        self.numbers_in(index, prefix, behind(prefix).as_deref())
    }

    fn numbers_in(&self, index: u32, first: &[u8], end: Option<&[u8]>) -> Result<Vec<u64>, StorageError> {
        if end.is_some_and(|end| end <= first) {
            return Ok(Vec::new());
        }
        let writes = self.indexes.get(&index);
        let mut numbers = Vec::new();
        if writes.is_none_or(|writes| !writes.replaced) {
            let keys = self.snapshot.open_table(layout::RELATION_KEYS).map_err(unreadable)?;
            let none: &[u8] = &[];
            let end = end.map_or((index.saturating_add(1), none), |end| (index, end));
            for entry in keys.range((index, first)..end).map_err(unreadable)? {
                let (key, _) = entry.map_err(unreadable)?;
                let key = key.value().1;
                if writes.is_none_or(|writes| !writes.keys.contains_key(key)) {
                    numbers.push((key.to_vec(), number_of(key)?));
                }
            }
        }
        if let Some(writes) = writes {
            let end = end.map_or(Bound::Unbounded, Bound::Excluded);
            for (key, _) in writes.keys.range::<[u8], _>((Bound::Included(first), end)).filter(|(_, there)| **there) {
                numbers.push((key.clone(), number_of(key)?));
            }
            numbers.sort_unstable();
        }
        Ok(numbers.into_iter().map(|(_, number)| number).collect())
    }

    /// Rows by number, in order.
    fn numbered(
        &self,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<impl Iterator<Item = Result<NumberedRow, StorageError>> + Send + use<>, StorageError> {
        let stored = self.snapshot.open_table(layout::RELATION_ROWS).map_err(unreadable)?;
        let (first, last) = (*range.start(), *range.end());
        let stored = stored.range((self.table.oid, first)..=(self.table.oid, last)).map_err(unreadable)?;
        let replaced = self.writes.replaced;
        // The rows must not outlive the snapshot.
        let snapshot = Arc::clone(&self.snapshot);
        let stored = stored.take_while(move |_| !replaced).map(move |entry| {
            let _held = &snapshot;
            let (key, row) = entry.map_err(unreadable)?;
            Ok((key.value().1, RowBytes::from(row.value())))
        });
        Ok(Overlay { stored: stored.peekable(), own: Arc::clone(&self.writes.rows), next_own: Some(first) })
    }
}

fn no_column() -> StorageError {
    StorageError::statement(Code::Internal, "no such column")
}

fn number_of(key: &[u8]) -> Result<u64, StorageError> {
    let number = key.last_chunk::<8>().map(|number| u64::from_be_bytes(*number));
    number.ok_or_else(|| StorageError::Corrupt { what: "an index".to_owned(), reason: "a key without row".to_owned() })
}

/// The same columns, all of which may be NULL: what is stored is shown, whatever was promised.
pub(super) fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// Stored rows with a transaction's own over them.
struct Overlay<S: Iterator> {
    stored: Peekable<S>,
    own: Arc<BTreeMap<u64, Option<RowBytes>>>,
    next_own: Option<u64>,
}

impl<S: Iterator<Item = Result<NumberedRow, StorageError>>> Iterator for Overlay<S> {
    type Item = Result<NumberedRow, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let own = self.next_own.and_then(|from| self.own.range(from..).next());
            let stored_first = match (self.stored.peek(), own) {
                (None, None) => return None,
                (Some(Err(_)), _) | (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(Ok((stored, _))), Some((own, _))) => stored < own,
            };
            if stored_first {
                return self.stored.next();
            }
            let (number, row) = own.map(|(number, row)| (*number, row.clone()))?;
            self.next_own = number.checked_add(1);
            self.stored.next_if(|entry| entry.as_ref().is_ok_and(|(stored, _)| *stored == number));
            if let Some(row) = row {
                return Some(Ok((number, row)));
            }
        }
    }
}

/// A batch in the making.
struct BatchBuilder {
    schema: SchemaRef,
    reader: RowReader,
    keys: Option<Vec<[u8; 8]>>,
}

impl BatchBuilder {
    fn new(rows: &TableRows, projection: Option<&[usize]>, with_keys: bool) -> Result<Self, StorageError> {
        let schema = rows.schema(projection, with_keys)?;
        let reader = RowReader::new(rows.schema(projection, false)?, rows.columns(projection).into_iter())?;
        Ok(Self { schema, reader, keys: with_keys.then(Vec::new) })
    }

    fn is_full(&self) -> bool {
        self.reader.rows() >= BATCH_ROWS || self.reader.bytes() >= BATCH_BYTES
    }

    fn is_empty(&self) -> bool {
        self.reader.rows() == 0
    }

    fn push(&mut self, number: u64, row: &[u8]) -> Result<(), StorageError> {
        if let Some(keys) = &mut self.keys {
            keys.push(number.to_be_bytes());
        }
        self.reader.push(row)
    }

    fn finish(&mut self) -> Result<RecordBatch, StorageError> {
        let rows = self.reader.finish()?;
        let Some(keys) = &mut self.keys else { return Ok(rows) };
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(std::mem::take(keys).iter().map(Some).collect::<BinaryArray>()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|source| StorageError::conversion("build a batch", source))
    }
}
