//! INSERT, UPDATE, DELETE and TRUNCATE: rows from the planner, writes to the transaction, rows for RETURNING.
//!
//! All rows of a change are found before the first one is written, so a change never meets its own work.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array};
use datafusion::arrow::compute::{CastOptions, cast_with_options, concat_batches, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::Session;
use super::data::Data;
use super::interrupt::Interrupt;
use super::notice::Notice;
use super::rows::{Execution, RowStream};
use crate::catalog::Table;
use crate::execution::MissingNodes;
use crate::planner::{
    self, Arbiter, Change, ChangeKind, PAIR, ParsedQuery, Planner, QueryRun, Relations, StatementContext,
    sql_error_from_engine,
};
use crate::storage::{Concerned, RowKey, SequenceState};
use crate::types::{Code, ErrorObject, SqlError};

/// Most bytes of rows that one change finds before it writes.
const ROWS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a change has done.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) count: u64,
    /// The rows afterwards, with columns of other tables; for RETURNING.
    changed: Vec<RecordBatch>,
    /// ON CONFLICT: which of the proposed rows each of them was.
    places: Vec<u64>,
}

impl Session {
    /// INSERT, UPDATE and DELETE.
    pub(super) async fn change(
        &mut self,
        query: &ParsedQuery,
        tag: &'static str,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        self.start_writing(tag, interrupt).await?;
        let mut context = self.context(interrupt);
        // What is written must be whole: nobody would see later that rows were missing.
        context.missing_nodes = MissingNodes::Error;
        let planner = Arc::clone(&self.shared.planner);
        let writer = Writer(self.data.clone());
        // Futures this large would fill the stack of a thread.
        let changing = Box::pin(async {
            let (change, mut run) = Box::pin(planner.change(query, &context, parameters.clone())).await?;
            let found = collected(&mut run.rows).await?;
            let pairs = match (change.kind, &change.conflict) {
                (ChangeKind::Insert, Some(_)) => writer.insert_unless_there(&change, &found)?,
                _ => writer.write(&change, &found).map(|done| (done, None))?,
            };
            let (mut done, pairs) = pairs;
            if let Some((pairs, proposed)) = pairs {
                let mut run =
                    Box::pin(planner.conflicting(&change, query, pairs, &context, parameters.clone())).await?;
                let rows = collected(&mut run.rows).await?;
                let updated = writer.update_rows(&change, &rows)?;
                done.count += updated.count;
                done.take_updated(&change, updated, &rows, &proposed)?;
            }
            let following = Following { planner: &planner, writer: &writer, query, context: &context };
            Box::pin(following.take_actions(&parameters)).await?;
            Ok((change, done, run.coverage))
        });
        let (change, done, coverage) = interrupt.guard(changing).await?;
        self.note_report(coverage.report(), true);
        let tag = match change.kind {
            ChangeKind::Insert => format!("INSERT 0 {}", done.count),
            kind => format!("{} {}", kind.word(), done.count),
        };
        if !change.returns() {
            return Ok(Execution::Done(tag));
        }
        let run: QueryRun =
            interrupt.guard(Box::pin(planner.returning(&change, query, &done.changed, &context, parameters))).await?;
        let rows = RowStream::of_query(run, Arc::clone(interrupt)).with_control(self.control.clone()).with_tag(tag);
        Ok(Execution::Rows(Box::new(rows)))
    }

    /// TRUNCATE.
    pub(super) async fn truncate(
        &mut self,
        names: &[(Option<String>, String)],
        restart_identity: bool,
        cascade: bool,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        self.start_writing("TRUNCATE TABLE", interrupt).await?;
        let context = self.context(interrupt);
        let catalog = self.data.catalog();
        let mut tables = Vec::with_capacity(names.len());
        for (schema, name) in names {
            tables.push(planner::changed_table(schema.as_deref(), name, "truncate", &context)?);
        }
        let mut next = 0;
        while let Some(table) = tables.get(next).map(Arc::clone) {
            next += 1;
            for (referring, _) in catalog.references_to(table.oid) {
                if tables.iter().any(|known| known.oid == referring.oid) {
                    continue;
                }
                if !cascade {
                    return Err(referred_to(&table, referring));
                }
                let text = format!("truncate cascades to table \"{}\"", referring.name);
                self.notify(Notice::told(text));
                tables.push(Arc::clone(referring));
            }
        }
        for table in &tables {
            self.data.with(|transaction| transaction.truncate(table))?;
        }
        if restart_identity {
            for sequence in tables.iter().flat_map(|table| catalog.sequences_of(table.oid)) {
                let first = SequenceState::first(sequence);
                self.data.with(|transaction| transaction.restart(sequence, first))?;
            }
        }
        Ok(Execution::Done(String::from("TRUNCATE TABLE")))
    }
}

/// Takes the actions of foreign keys after the writes of a statement.
pub(super) struct Following<'a> {
    pub(super) planner: &'a Planner,
    pub(super) writer: &'a Writer,
    pub(super) query: &'a ParsedQuery,
    pub(super) context: &'a StatementContext,
}

impl Following<'_> {
    /// Ends with every reference checked; rows that actions changed keep to their CHECK constraints.
    pub(super) async fn take_actions(&self, parameters: &[ScalarValue]) -> Result<(), SqlError> {
        loop {
            let concerned = self.writer.0.with(|transaction| transaction.reference_actions())?;
            if concerned.is_empty() {
                return self.writer.0.with(|transaction| transaction.check_references());
            }
            for Concerned { table, keys, defaults } in concerned {
                let rows =
                    self.writer.0.with(|transaction| transaction.rows(&table)?.rows_by_key(&keys, None, true))?;
                if rows.num_rows() == 0 {
                    continue;
                }
                let of = (&table, rows, defaults.as_slice());
                let planned = self.planner.followed(of, self.query, self.context, parameters.to_vec());
                let (change, mut run) = Box::pin(planned).await?;
                let rows = collected(&mut run.rows).await?;
                self.writer.update_rows(&change, &rows)?;
            }
        }
    }
}

/// Carries out what the rows of a change tell.
pub(super) struct Writer(pub(super) Data);

impl Writer {
    fn write(&self, change: &Change, found: &[RecordBatch]) -> Result<Done, SqlError> {
        match change.kind {
            ChangeKind::Insert => self.insert_rows(change, found),
            ChangeKind::Update => self.update_rows(change, found),
            ChangeKind::Delete => self.delete_rows(change, found),
        }
    }

    pub(super) fn insert_rows(&self, change: &Change, found: &[RecordBatch]) -> Result<Done, SqlError> {
        let mut done = Done::default();
        for batch in found {
            let rows = table_rows(change, batch, 0)?;
            check(change, batch, &rows)?;
            self.0.with(|transaction| transaction.insert(&change.table, &rows))?;
            done.count += rows.num_rows() as u64;
            done.keep(change, batch, rows, 0)?;
        }
        Ok(done)
    }

    fn update_rows(&self, change: &Change, found: &[RecordBatch]) -> Result<Done, SqlError> {
        let mut done = Done::default();
        let (mut seen, mut keys, mut rows) = (HashSet::new(), Vec::new(), Vec::new());
        for batch in found {
            let batch = first_of_each(batch, &mut seen)?;
            let new = table_rows(change, &batch, 1)?;
            check(change, &batch, &new)?;
            keys.extend(keys_of(&batch)?);
            done.count += batch.num_rows() as u64;
            done.keep(change, &batch, new.clone(), 1)?;
            rows.push(new);
        }
        let rows = concat_batches(&nullable(&change.table.arrow), &rows).map_err(internal)?;
        self.0.with(|transaction| transaction.update(&change.table, &keys, &rows))?;
        Ok(done)
    }

    fn delete_rows(&self, change: &Change, found: &[RecordBatch]) -> Result<Done, SqlError> {
        let mut done = Done::default();
        let mut seen = HashSet::new();
        for batch in found {
            let batch = first_of_each(batch, &mut seen)?;
            let keys = keys_of(&batch)?;
            done.count += batch.num_rows() as u64;
            if change.returns() {
                let old = table_rows(change, &batch, 1)?;
                done.keep(change, &batch, old, 1)?;
            }
            self.0.with(|transaction| transaction.delete(&change.table, &keys))?;
        }
        Ok(done)
    }

    /// INSERT ... ON CONFLICT, row by row; gives the pairs of rows that DO UPDATE is about, and their places among the
    /// proposed rows.
    fn insert_unless_there(
        &self,
        change: &Change,
        found: &[RecordBatch],
    ) -> Result<(Done, Option<(Pairs, Proposed)>), SqlError> {
        let Some(conflict) = &change.conflict else { return Err(SqlError::new(Code::Internal, "no ON CONFLICT")) };
        let indexes = arbiters(&change.table, &conflict.arbiter);
        let mut done = Done::default();
        let (mut own, mut existing, mut excluded) = (HashSet::new(), Vec::new(), Vec::new());
        let (mut proposed, mut number) = (Proposed::new(), 0_u64);
        for batch in found {
            let rows = table_rows(change, batch, 0)?;
            self.0.with(|transaction| transaction.check_not_null(&change.table, &rows))?;
            check(change, batch, &rows)?;
            for place in 0..rows.num_rows() {
                let row = rows.slice(place, 1);
                number += 1;
                match self.row_that_is_there(&change.table, &indexes, &row)? {
                    None => {
                        own.extend(self.0.with(|transaction| transaction.insert(&change.table, &row))?);
                        done.count += 1;
                        done.places.push(number);
                        done.keep(change, &batch.slice(place, 1), row, 0)?;
                    }
                    Some(_) if !conflict.updates() => {}
                    Some(key) if own.insert(key) => {
                        existing.push(key);
                        excluded.push(row);
                        proposed.insert(key, number);
                    }
                    Some(_) => {
                        let text = "ON CONFLICT DO UPDATE command cannot affect row a second time";
                        let hint = "Ensure that no rows proposed for insertion within the same command have duplicate \
                                    constrained values.";
                        return Err(SqlError::new(Code::CardinalityViolation, text).with_hint(hint));
                    }
                }
            }
        }
        let pairs = match existing.is_empty() {
            true => None,
            false => Some((self.pairs(&change.table, &existing, &excluded)?, proposed)),
        };
        Ok((done, pairs))
    }

    fn row_that_is_there(
        &self,
        table: &Arc<Table>,
        indexes: &[u32],
        row: &RecordBatch,
    ) -> Result<Option<RowKey>, SqlError> {
        for index in indexes {
            let found = self.0.with(|transaction| transaction.conflicts(table, *index, row))?;
            if let Some(key) = found.into_iter().next().flatten() {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn pairs(&self, table: &Arc<Table>, keys: &[RowKey], excluded: &[RecordBatch]) -> Result<Pairs, SqlError> {
        let excluded = concat_batches(&nullable(&table.arrow), excluded).map_err(internal)?;
        let existing = self.0.with(|transaction| transaction.rows(table)?.rows_by_key(keys, None, true))?;
        if existing.num_rows() != excluded.num_rows() {
            return Err(SqlError::new(Code::Internal, "a row went away while it was looked at"));
        }
        Ok((numbered(&existing)?, numbered(&excluded)?))
    }
}

fn referred_to(table: &Table, referring: &Table) -> SqlError {
    let text = "cannot truncate a table referenced in a foreign key constraint";
    let detail = format!("Table \"{}\" references \"{}\".", referring.name, table.name);
    let hint = format!("Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.", referring.name);
    SqlError::new(Code::FeatureNotSupported, text).with_detail(detail).with_hint(hint)
}

/// Rows that are there, and rows that were refused, with equal numbers.
type Pairs = (RecordBatch, RecordBatch);

/// The place among the proposed rows of each one that was refused, by the row that is there.
type Proposed = HashMap<RowKey, u64>;

impl Done {
    /// Puts rows that were updated to those that were inserted, in the order in which all were proposed: programs match
    /// what RETURNING gives to what they sent.
    fn take_updated(
        &mut self,
        change: &Change,
        updated: Self,
        found: &[RecordBatch],
        proposed: &Proposed,
    ) -> Result<(), SqlError> {
        if !change.returns() {
            return Ok(());
        }
        let mut seen = HashSet::new();
        for batch in found {
            let keys = keys_of(&first_of_each(batch, &mut seen)?)?;
            self.places.extend(keys.iter().map(|key| proposed.get(key).copied().unwrap_or(u64::MAX)));
        }
        self.changed.extend(updated.changed);
        let Some(first) = self.changed.first() else { return Ok(()) };
        let rows = concat_batches(&first.schema(), &self.changed).map_err(internal)?;
        let mut order: Vec<u64> = (0..rows.num_rows() as u64).collect();
        let place = |row: &u64| usize::try_from(*row).ok().and_then(|row| self.places.get(row)).copied();
        order.sort_by_key(place);
        self.changed = vec![take_record_batch(&rows, &UInt64Array::from(order)).map_err(internal)?];
        Ok(())
    }

    /// Keeps rows for RETURNING, with the columns of other tables.
    fn keep(&mut self, change: &Change, found: &RecordBatch, rows: RecordBatch, before: usize) -> Result<(), SqlError> {
        if !change.returns() || rows.num_rows() == 0 {
            return Ok(());
        }
        let start = before + change.table.columns.len();
        let others: Vec<usize> = (start..start + change.others()).collect();
        let others = found.project(&others).map_err(internal)?;
        let fields = rows.schema().fields().iter().chain(others.schema().fields()).cloned().collect::<Vec<_>>();
        let columns = rows.columns().iter().chain(others.columns()).map(Arc::clone).collect();
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(internal)?;
        self.changed.push(rows);
        Ok(())
    }
}

fn internal(error: impl std::fmt::Display) -> SqlError {
    SqlError::new(Code::Internal, error.to_string())
}

pub(super) async fn collected(rows: &mut SendableRecordBatchStream) -> Result<Vec<RecordBatch>, SqlError> {
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| sql_error_from_engine(&error))?;
        bytes = bytes.saturating_add(batch.get_array_memory_size());
        if bytes > ROWS_BYTES_MAX {
            let text = "one statement changes too many rows";
            let detail = format!("They take more than {} MB.", ROWS_BYTES_MAX >> 20);
            return Err(SqlError::new(Code::OutOfMemory, text).with_detail(detail));
        }
        if batch.num_rows() > 0 {
            found.push(batch);
        }
    }
    Ok(found)
}

/// The table's columns of a batch, in the types that the table keeps.
pub(super) fn table_rows(change: &Change, found: &RecordBatch, before: usize) -> Result<RecordBatch, SqlError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let schema = nullable(&change.table.arrow);
    let columns = schema.fields().iter().zip(found.columns().iter().skip(before));
    let columns = columns.map(|(field, column)| cast_with_options(column, field.data_type(), &strict));
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>().map_err(internal)?;
    RecordBatch::try_new(schema, columns).map_err(internal)
}

/// Columns that must not be NULL are checked by the transaction, which names the row.
fn nullable(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<Field>>(),
    ))
}

/// Every CHECK must be true or NULL for every row.
pub(super) fn check(change: &Change, found: &RecordBatch, rows: &RecordBatch) -> Result<(), SqlError> {
    let first = found.num_columns().saturating_sub(change.checks.len());
    for (name, held) in change.checks.iter().zip(found.columns().iter().skip(first)) {
        let Some(held) = held.as_boolean_opt() else { return Err(internal("a CHECK is a truth value")) };
        let Some(place) = (0..held.len()).find(|place| held.is_valid(*place) && !held.value(*place)) else { continue };
        let table = &change.table.name;
        let text = format!("new row for relation \"{table}\" violates check constraint \"{name}\"");
        let detail = crate::storage::failing_row(&change.table, rows, place);
        let object = ErrorObject {
            schema: Some(change.table.schema.clone()),
            table: Some(table.clone()),
            constraint: Some(name.clone()),
            ..ErrorObject::default()
        };
        return Err(SqlError::new(Code::CheckViolation, text).with_detail(detail).about(object));
    }
    Ok(())
}

/// The rows of a batch whose keys come for the first time: a join may find a row more than once.
fn first_of_each(batch: &RecordBatch, seen: &mut HashSet<RowKey>) -> Result<RecordBatch, SqlError> {
    let keys = keys_of(batch)?;
    let places = keys.iter().zip(0_u64..).filter(|(key, _)| seen.insert(**key)).map(|(_, place)| place);
    let places: UInt64Array = places.collect();
    if places.len() == batch.num_rows() {
        return Ok(batch.clone());
    }
    take_record_batch(batch, &places).map_err(internal)
}

fn keys_of(batch: &RecordBatch) -> Result<Vec<RowKey>, SqlError> {
    RowKey::of_batch(batch).ok_or_else(|| internal("rows without keys"))
}

fn arbiters(table: &Table, arbiter: &Arbiter) -> Vec<u32> {
    match arbiter {
        Arbiter::Index(index) => vec![*index],
        Arbiter::All => table.indexes().iter().filter(|index| index.unique).map(|index| index.oid).collect(),
    }
}

/// The rows with their numbers as the first column.
fn numbered(rows: &RecordBatch) -> Result<RecordBatch, SqlError> {
    let count = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    let number = Arc::new(Field::new(PAIR, DataType::Int64, false));
    let fields = std::iter::once(number).chain(rows.schema().fields().iter().cloned()).collect::<Vec<_>>();
    let columns = std::iter::once(numbers).chain(rows.columns().iter().map(Arc::clone)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(internal)
}
