//! COPY ... FROM STDIN: rows that a client sends, put into a table by the thousand.
//!
//! `pg` cuts the client's bytes into fields and hands them over in parts; everything else is done as for an INSERT.
//! When a part cannot be taken, its rows are tried by halves, so that the error tells the line and the column.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use futures::StreamExt;

use super::Session;
use super::changes::{Following, Writer, check, collected, table_rows};
use super::effects::ADMIN;
use super::interrupt::Interrupt;
use super::rows::Execution;
use super::transaction::TransactionStatus;
use crate::catalog::Table;
use crate::env::random_u64;
use crate::execution::MissingNodes;
use crate::ingest::{History, HistoryError};
use crate::planner::{
    Change, CopyInto, CopyOptions, Copying, LINE, Planner, SUMMARY_AGE_MAX, StatementContext, sql_error_from_engine,
};
use crate::storage::{Load, StorageError};
use crate::types::{Code, SqlError, SqlType};

/// Rows that are put into a table at once.
const ROWS_AT_ONCE: usize = 8_192;
/// Events that are put into a table at once: they cost less in larger parts, and none of them meets an index.
const EVENTS_AT_ONCE: usize = 65_536;
/// Most bytes of a value or a line that an error shows.
const SHOWN_BYTES_MAX: usize = 100;

/// A COPY FROM whose rows are to come.
#[derive(Debug)]
pub struct CopyFrom {
    copying: Copying,
    options: CopyOptions,
    columns: Vec<CopyColumn>,
    context: StatementContext,
    interrupt: Arc<Interrupt>,
    count: u64,
    /// Where rows of events go.
    events: Option<EventLoad>,
}

/// Events on their way into the store.
#[derive(Debug)]
struct EventLoad {
    load: Load,
    history: History,
}

/// A column that a client sends values for.
#[derive(Debug, Clone)]
pub struct CopyColumn {
    /// Its name.
    pub name: String,
    /// The type that its binary form has.
    pub kind: SqlType,
    /// How the table carries it.
    pub arrow: DataType,
}

/// A part of the rows that a client has sent.
#[derive(Debug)]
pub struct SentRows {
    /// The columns' values in their order: as text, or as the table carries them.
    pub values: Vec<ArrayRef>,
    /// The number of each row's line, or of the row in binary data, from 1.
    pub lines: Int64Array,
    /// The lines themselves; none in binary data.
    pub texts: Option<StringArray>,
}

impl CopyFrom {
    /// How the rows are written.
    pub fn options(&self) -> &CopyOptions {
        &self.options
    }

    /// The columns that values are given for, in their order.
    pub fn columns(&self) -> &[CopyColumn] {
        &self.columns
    }

    /// How many rows are best put into the table at once.
    pub fn rows_at_once(&self) -> usize {
        if self.events.is_some() { EVENTS_AT_ONCE } else { ROWS_AT_ONCE }
    }

    /// What ends the statement.
    pub fn interrupt(&self) -> &Arc<Interrupt> {
        &self.interrupt
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.copying.table().name
    }

    /// An error in the data, with its line and its column where one is to blame.
    pub fn placed(&self, error: SqlError, line: i64, place: Place<'_>) -> SqlError {
        let start = format!("COPY {}, line {line}", self.table());
        error.in_context(match place {
            Place::Line(Some(text)) => format!("{start}: \"{}\"", cut(text)),
            Place::Line(None) => start,
            Place::Column(name, Some(text)) => format!("{start}, column {name}: \"{}\"", cut(text)),
            Place::Column(name, None) => format!("{start}, column {name}"),
            Place::Null(name) => format!("{start}, column {name}: null input"),
        })
    }
}

/// What of a line an error is about.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// All of it, which is shown where it is text.
    Line(Option<&'a str>),
    /// A column and its value, which is shown where it is text.
    Column(&'a str, Option<&'a str>),
    /// A column that is NULL.
    Null(&'a str),
}

fn cut(text: &str) -> String {
    if text.len() <= SHOWN_BYTES_MAX {
        return text.to_owned();
    }
    let end = (0..=SHOWN_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", text.get(..end).unwrap_or_default())
}

impl SentRows {
    fn len(&self) -> usize {
        self.lines.len()
    }

    /// Some of the rows as the planner takes them.
    fn batch(&self, range: Range<usize>) -> Result<RecordBatch, SqlError> {
        let all: Vec<ArrayRef> =
            self.values.iter().map(Arc::clone).chain([Arc::new(self.lines.clone()) as ArrayRef]).collect();
        let names = (1..=self.values.len()).map(|place| format!("c{place}")).chain([LINE.to_owned()]);
        let fields = names.zip(&all).map(|(name, values)| Field::new(name, values.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let whole = RecordBatch::try_new(schema, all);
        let whole = whole.map_err(|error| SqlError::new(Code::Internal, error.to_string()))?;
        Ok(whole.slice(range.start, range.len()))
    }

    fn slice(&self, range: Range<usize>) -> Self {
        let (start, length) = (range.start, range.len());
        Self {
            values: self.values.iter().map(|values| values.slice(start, length)).collect(),
            lines: self.lines.slice(start, length),
            texts: self.texts.as_ref().map(|texts| texts.slice(start, length)),
        }
    }

    /// The row of a line.
    fn row_of(&self, line: i64) -> usize {
        self.lines.iter().position(|sent| sent == Some(line)).unwrap_or_default()
    }

    fn line(&self, row: usize) -> i64 {
        if row < self.lines.len() { self.lines.value(row) } else { 0 }
    }

    fn text(&self, row: usize) -> Option<&str> {
        self.texts.as_ref().filter(|texts| row < texts.len()).map(|texts| texts.value(row))
    }

    /// Blames a row for an error.
    fn blamed(&self, copy: &CopyFrom, error: SqlError, row: usize) -> SqlError {
        copy.placed(error, self.line(row), Place::Line(self.text(row)))
    }
}

impl Session {
    /// COPY FROM STDIN: what the client has to be told before it sends rows.
    pub(super) async fn copy_from(
        &mut self,
        into: &CopyInto,
        sql: &str,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let context = self.context(interrupt);
        let is_of_events = self.shared.planner.copies_events(into, &context);
        match is_of_events {
            true => self.check_loading(&into.table)?,
            false => self.start_writing("COPY FROM", interrupt).await?,
        }
        let mut context = self.context(interrupt);
        context.missing_nodes = MissingNodes::Error;
        let copying = self.shared.planner.copying(into, sql, &context)?;
        let columns = copying.columns().map(|column| CopyColumn {
            name: column.name.clone(),
            kind: column.sql_type,
            arrow: copying
                .table()
                .arrow
                .field_with_name(&column.name)
                .map_or(DataType::Utf8, |field| field.data_type().clone()),
        });
        let columns: Vec<CopyColumn> = columns.collect();
        check_options(&into.options, &columns, copying.table())?;
        let options = into.options.clone();
        let interrupt = Arc::clone(interrupt);
        let events = if is_of_events { Some(self.event_load(copying.table())?) } else { None };
        let copy = CopyFrom { copying, options, columns, context, interrupt, count: 0, events };
        Ok(Execution::CopyFrom(Box::new(copy)))
    }

    /// What loading events needs: it is no part of a transaction, for it is durable when it ends.
    fn check_loading(&self, table: &str) -> Result<(), SqlError> {
        self.check_not_read_only("COPY FROM")?;
        if !self.roles.iter().any(|role| role == ADMIN) {
            let text = format!("permission denied for table {table}");
            let hint = format!("COPY into event tables needs the role {ADMIN}.");
            return Err(SqlError::new(Code::InsufficientPrivilege, text).with_hint(hint));
        }
        if self.transaction.status() != TransactionStatus::Idle {
            let text = format!("COPY into event table \"{table}\" cannot run inside a transaction block");
            return Err(SqlError::new(Code::ActiveSqlTransaction, text));
        }
        let (keeps_events, _) = self.shared.planner.place_in_fleet();
        if !keeps_events {
            let text = format!("cannot copy to \"{table}\" on a node of the role query, which holds no events");
            let hint = "Connect to a node of the role edge.";
            return Err(SqlError::new(Code::ObjectNotInPrerequisiteState, text).with_hint(hint));
        }
        Ok(())
    }

    fn event_load(&self, table: &Arc<Table>) -> Result<EventLoad, SqlError> {
        let load = self.data.load(&table.name)?;
        let (now_us, epoch) = (self.shared.clock.now_us(), random_u64(self.shared.random.as_ref()));
        let history = History::new(table, self.shared.planner.own_name(), now_us, epoch);
        Ok(EventLoad { load, history })
    }

    /// Puts a part of the rows into the table.
    pub async fn copy_rows(&mut self, copy: &mut CopyFrom, sent: &SentRows) -> Result<(), SqlError> {
        if sent.len() == 0 {
            return Ok(());
        }
        let writer = Writer(self.data.clone());
        let interrupt = Arc::clone(&copy.interrupt);
        let mut events = copy.events.take();
        let putting = Putting { planner: &self.shared.planner, writer: &writer, copy, sent };
        let put = async {
            match &mut events {
                Some(events) => Box::pin(putting.load(events)).await,
                None => Box::pin(putting.put()).await,
            }
        };
        let count = interrupt.guard(put).await?;
        copy.count += count;
        copy.events = events;
        Ok(())
    }

    /// Rows before one that cannot be read: fails when one of them cannot be taken. Of the last one only so many columns
    /// are there, where `present` tells so.
    pub async fn copy_rows_before(
        &mut self,
        copy: &mut CopyFrom,
        sent: &SentRows,
        present: Option<usize>,
    ) -> Result<(), SqlError> {
        let Some(columns) = present else { return self.copy_rows(copy, sent).await };
        let last = sent.len().saturating_sub(1);
        self.copy_rows(copy, &sent.slice(0..last)).await?;
        let last = sent.slice(last..sent.len());
        let writer = Writer(self.data.clone());
        let putting = Putting { planner: &self.shared.planner, writer: &writer, copy, sent: &last };
        match copy.interrupt.guard(async { Ok(Box::pin(putting.unreadable(0, columns)).await) }).await? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// All rows were sent: what refers to other tables is checked. Gives the command tag.
    pub async fn finish_copy(&mut self, mut copy: Box<CopyFrom>) -> Result<String, SqlError> {
        if let Some(events) = copy.events.take() {
            // Not to be interrupted: nobody would know how it ended.
            events.load.commit().await.map_err(StorageError::into_sql_error)?;
            let (_, has_others) = self.shared.planner.place_in_fleet();
            if has_others && copy.count > 0 {
                // Others leave this node out by what they know of it, which may be as old as this.
                tokio::time::sleep(SUMMARY_AGE_MAX).await;
            }
            self.entry.done();
            return Ok(format!("COPY {}", copy.count));
        }
        let writer = Writer(self.data.clone());
        let planner = Arc::clone(&self.shared.planner);
        let query = copy.copying.query();
        let following = Following { planner: &planner, writer: &writer, query, context: &copy.context };
        copy.interrupt.guard(Box::pin(following.take_actions(&[]))).await?;
        self.entry.done();
        Ok(format!("COPY {}", copy.count))
    }
}

/// One part of the rows on its way into the table.
struct Putting<'a> {
    planner: &'a Planner,
    writer: &'a Writer,
    copy: &'a CopyFrom,
    sent: &'a SentRows,
}

impl Putting<'_> {
    /// Gives how many rows were taken.
    async fn put(&self) -> Result<u64, SqlError> {
        let (change, found) = match Box::pin(self.found(0..self.sent.len())).await {
            Ok(found) => found,
            Err(error) => return Err(Box::pin(self.blamed(error)).await),
        };
        let mark = self.writer.0.savepoint();
        match self.writer.insert_rows(&change, &found) {
            Ok(done) => Ok(done.count),
            Err(error) => {
                self.writer.0.roll_back_to(mark.as_ref(), true);
                Err(self.refused(&change, &found, error))
            }
        }
    }

    /// Gives how many events were taken.
    async fn load(&self, events: &mut EventLoad) -> Result<u64, SqlError> {
        let batch = self.sent.batch(0..self.sent.len())?;
        let (change, mut run) = Box::pin(self.planner.copied(&self.copy.copying, batch, &self.copy.context)).await?;
        let mut count = 0;
        while let Some(batch) = run.rows.next().await {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => return Err(Box::pin(self.blamed(sql_error_from_engine(&error))).await),
            };
            let rows = table_rows(&change, &batch, 0)?;
            let rows = events.history.complete(&rows).map_err(|error| self.not_history(&change, &batch, error))?;
            events.load.push(&rows).await.map_err(StorageError::into_sql_error)?;
            count += rows.num_rows() as u64;
        }
        Ok(count)
    }

    /// Finds the line that is no event of this node.
    fn not_history(&self, change: &Change, batch: &RecordBatch, error: HistoryError) -> SqlError {
        let table = &change.table.name;
        let (row, error) = match error {
            HistoryError::NoTime { row } => {
                let text =
                    format!("null value in column \"time\" of relation \"{table}\" violates not-null constraint");
                (row, SqlError::new(Code::NotNullViolation, text))
            }
            HistoryError::OtherNode { row, node } => {
                let text = format!("events of node \"{node}\" cannot be kept by another node");
                let hint = "Load them there, or leave the column \"node\" out.";
                (row, SqlError::new(Code::InvalidParameterValue, text).with_hint(hint))
            }
            HistoryError::Rows(error) => return SqlError::new(Code::Internal, error.to_string()),
        };
        let line = line_of(change, batch, row);
        self.sent.blamed(self.copy, error, self.sent.row_of(line))
    }

    /// The rows as the table takes them.
    async fn found(&self, range: Range<usize>) -> Result<(Change, Vec<RecordBatch>), SqlError> {
        let batch = self.sent.batch(range)?;
        let (change, mut run) = Box::pin(self.planner.copied(&self.copy.copying, batch, &self.copy.context)).await?;
        Ok((change, collected(&mut run.rows).await?))
    }

    /// Finds the first row that cannot be read, and the column in it.
    async fn blamed(&self, error: SqlError) -> SqlError {
        // Other errors are not those of a row.
        if !matches!(error.code.sqlstate().get(..2), Some("0A" | "22" | "23")) {
            return error;
        }
        let (mut first, mut end, mut last) = (0, self.sent.len(), error);
        while end - first > 1 {
            let middle = first + (end - first) / 2;
            match Box::pin(self.found(first..middle)).await {
                Ok(_) => first = middle,
                Err(error) => (end, last) = (middle, error),
            }
        }
        match Box::pin(self.unreadable(first, self.copy.columns.len())).await {
            Some(error) => error,
            None => self.sent.blamed(self.copy, last, first),
        }
    }

    /// What is wrong with the first column of a row that cannot be read, of so many columns.
    async fn unreadable(&self, row: usize, columns: usize) -> Option<SqlError> {
        let batch = self.sent.batch(row..row + 1).ok()?;
        for (place, column) in self.copy.columns.iter().enumerate().take(columns) {
            let run = self.planner.copied_column(&self.copy.copying, place, batch.clone(), &self.copy.context);
            let failed = match Box::pin(run).await {
                Ok(mut run) => collected(&mut run.rows).await.err(),
                Err(error) => Some(error),
            };
            let Some(error) = failed else { continue };
            let values = batch.column(place);
            let place = match values.as_string_opt::<i32>() {
                _ if values.is_null(0) => Place::Null(&column.name),
                texts => {
                    let texts = texts.filter(|_| self.sent.texts.is_some());
                    Place::Column(&column.name, texts.map(|texts| texts.value(0)))
                }
            };
            return Some(self.copy.placed(error, self.sent.line(row), place));
        }
        None
    }

    /// Finds the row that the table does not take; `error` is what was said to all of them.
    fn refused(&self, change: &Change, found: &[RecordBatch], error: SqlError) -> SqlError {
        for batch in found {
            for row in 0..batch.num_rows() {
                let one = batch.slice(row, 1);
                let refused = table_rows(change, &one, 0).and_then(|rows| {
                    check(change, &one, &rows)?;
                    self.writer.0.with(|transaction| transaction.insert(&change.table, &rows))
                });
                let Err(error) = refused else { continue };
                let line = line_of(change, &one, 0);
                // PostgreSQL meets other rows with the same key when it no longer has the line's text.
                if error.code == Code::UniqueViolation {
                    return self.copy.placed(error, line, Place::Line(None));
                }
                return self.sent.blamed(self.copy, error, self.sent.row_of(line));
            }
        }
        error
    }
}

/// The line that a row of a change comes from.
fn line_of(change: &Change, rows: &RecordBatch, row: usize) -> i64 {
    let lines = rows.columns().get(change.table.columns.len()).and_then(|lines| lines.as_primitive_opt::<Int64Type>());
    lines.filter(|lines| row < lines.len()).map_or(0, |lines| lines.value(row))
}

/// Columns in options are among those that are read.
fn check_options(options: &CopyOptions, columns: &[CopyColumn], table: &Table) -> Result<(), SqlError> {
    let crate::planner::CopyFormat::Csv { force_not_null, force_null, .. } = &options.format else { return Ok(()) };
    for (what, names) in [("FORCE_NOT_NULL", force_not_null), ("FORCE_NULL", force_null)] {
        for name in names {
            if columns.iter().any(|column| column.name == *name) {
                continue;
            }
            if table.columns.iter().any(|column| column.name == *name) {
                let text = format!("{what} column \"{name}\" not referenced by COPY");
                return Err(SqlError::new(Code::InvalidColumnReference, text));
            }
            let text = format!("column \"{name}\" of relation \"{}\" does not exist", table.name);
            return Err(SqlError::new(Code::UndefinedColumn, text));
        }
    }
    Ok(())
}
