//! Rows of a statement, pulled a batch at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use crate::execution::Coverage;
use crate::planner::{CopyOptions, QueryRun, sql_error_from_engine};
use crate::types::SqlError;

use super::control::Control;
use super::copy_from::CopyFrom;
use super::cursor::{Cursor, Step};
use super::interrupt::Interrupt;

/// What a statement gives.
#[derive(Debug)]
pub enum Execution {
    /// Nothing: the text was empty.
    Empty,
    /// No rows; the tag tells what was done.
    Done(String),
    /// Rows to pull; hand them back with `Session::finish`, `suspend` or `abandon`.
    Rows(Box<RowStream>),
    /// Rows to pull for COPY, to be written in its own form; handed back the same way.
    Copy(Box<RowStream>, Arc<CopyOptions>),
    /// Rows are wanted from the client: hand them over with `Session::copy_rows`, and end with `finish_copy`.
    CopyFrom(Box<CopyFrom>),
}

/// Where rows come from.
enum Source {
    /// The planner.
    Query(SendableRecordBatchStream),
    /// They were all made at once.
    Made(VecDeque<RecordBatch>),
    /// A cursor that stands where the wanted rows begin.
    Cursor { name: String, cursor: Box<Cursor>, step: Step },
    /// Nowhere any more.
    Ended,
}

/// The rows of one statement or portal.
pub struct RowStream {
    columns: SchemaRef,
    source: Source,
    /// Rows that were pulled beyond what the client wanted.
    pending: Option<RecordBatch>,
    coverage: Option<Coverage>,
    tag: &'static str,
    /// The whole tag, where it does not tell of the rows.
    told: Option<String>,
    sent: u64,
    /// Rows that were handed out in all.
    total: u64,
    interrupt: Arc<Interrupt>,
    binary: bool,
    control: Option<Arc<Control>>,
}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RowStream").field("tag", &self.tag).field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl RowStream {
    /// The rows of a query.
    pub(super) fn of_query(run: QueryRun, interrupt: Arc<Interrupt>) -> Self {
        Self {
            columns: run.columns,
            source: Source::Query(run.rows),
            pending: None,
            coverage: Some(run.coverage),
            tag: "SELECT",
            told: None,
            sent: 0,
            total: 0,
            control: None,
            interrupt,
            binary: false,
        }
    }

    /// Rows that are there already.
    pub(super) fn made(batch: RecordBatch, tag: &'static str, interrupt: Arc<Interrupt>) -> Self {
        Self {
            columns: batch.schema(),
            source: Source::Made(VecDeque::from([batch])),
            pending: None,
            coverage: None,
            tag,
            told: None,
            sent: 0,
            total: 0,
            control: None,
            interrupt,
            binary: false,
        }
    }

    /// The next rows of a cursor.
    pub(super) fn of_cursor(name: String, cursor: Box<Cursor>, step: Step, interrupt: Arc<Interrupt>) -> Self {
        Self {
            columns: Arc::clone(&cursor.rows().columns),
            binary: cursor.rows().binary,
            source: Source::Cursor { name, cursor, step },
            pending: None,
            coverage: None,
            tag: "FETCH",
            told: None,
            sent: 0,
            total: 0,
            control: None,
            interrupt,
        }
    }

    /// The columns.
    pub fn columns(&self) -> &SchemaRef {
        &self.columns
    }

    /// Whether a BINARY cursor wants its rows in binary form.
    pub fn is_binary(&self) -> bool {
        self.binary
    }

    pub(super) fn set_binary(&mut self) {
        self.binary = true;
    }

    /// What the client is told at the end.
    pub fn tag(&self) -> String {
        if let Some(told) = &self.told {
            return told.clone();
        }
        match self.tag {
            "SELECT" | "FETCH" | "COPY" => format!("{} {}", self.tag, self.sent),
            tag => tag.to_owned(),
        }
    }

    /// The way to end it.
    pub fn interrupt(&self) -> &Arc<Interrupt> {
        &self.interrupt
    }

    /// Goes on under a new time limit.
    pub(super) fn resume(&mut self, interrupt: Arc<Interrupt>) {
        self.interrupt = interrupt;
        self.sent = 0;
    }

    pub(super) fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// The cursor that the rows came from, to be put back.
    pub(super) fn into_cursor(self) -> Option<(String, Box<Cursor>)> {
        match self.source {
            Source::Cursor { name, cursor, .. } => Some((name, cursor)),
            _ => None,
        }
    }

    /// Whether the rows come from a cursor.
    pub(super) fn is_cursor(&self) -> bool {
        matches!(self.source, Source::Cursor { .. })
    }

    /// The functions that make the rows may change the session.
    pub(super) fn with_control(mut self, control: Option<Arc<Control>>) -> Self {
        self.control = control;
        self
    }

    /// What functions did to the session, so far.
    pub(super) fn control(&self) -> Option<&Arc<Control>> {
        match &self.source {
            Source::Cursor { cursor, .. } => cursor.rows().control.as_ref(),
            _ => self.control.as_ref(),
        }
    }

    /// Rows that were handed out in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The columns as batches have them, before they get the names that clients see.
    pub(super) fn batch_schema(&self) -> SchemaRef {
        match &self.source {
            Source::Query(stream) => stream.schema(),
            _ => Arc::clone(&self.columns),
        }
    }

    /// The rows are those of a portal that the protocol runs on.
    pub(super) fn for_select(mut self) -> Self {
        self.tag = "SELECT";
        self
    }

    /// The rows are those of a change, which has its own tag.
    pub(super) fn with_tag(mut self, tag: String) -> Self {
        self.told = Some(tag);
        self
    }

    /// The rows are COPY's.
    pub(super) fn for_copy(mut self) -> Self {
        self.tag = "COPY";
        self
    }

    /// At most `rows_max` more rows; none at the end. Fails when the statement is ended or times out.
    pub async fn next(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        let interrupt = Arc::clone(&self.interrupt);
        interrupt.guard(self.pull(rows_max)).await
    }

    pub(super) async fn pull(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        let Some(batch) = self.next_whole(rows_max).await? else { return Ok(None) };
        let taken = batch.num_rows().min(rows_max);
        if taken < batch.num_rows() {
            self.pending = Some(batch.slice(taken, batch.num_rows() - taken));
        }
        self.sent += taken as u64;
        self.total += taken as u64;
        Ok(Some(batch.slice(0, taken)))
    }

    async fn next_whole(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        if let Some(batch) = self.pending.take() {
            return Ok(Some(batch));
        }
        loop {
            let batch = match &mut self.source {
                Source::Query(stream) => match stream.next().await {
                    Some(Ok(batch)) => Some(batch),
                    Some(Err(error)) => return Err(sql_error_from_engine(&error)),
                    None => None,
                },
                Source::Made(batches) => batches.pop_front(),
                Source::Cursor { cursor, step, .. } => return pull_cursor(cursor, step, rows_max).await,
                Source::Ended => return Ok(None),
            };
            match batch {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => return Ok(Some(batch)),
                None => {
                    self.source = Source::Ended;
                    return Ok(None);
                }
            }
        }
    }
}

async fn pull_cursor(cursor: &mut Cursor, step: &mut Step, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
    let (Step::Forward(left) | Step::Backward(left)) = *step else { return Ok(None) };
    let wanted = left.map_or(rows_max, |left| usize::try_from(left).unwrap_or(usize::MAX).min(rows_max));
    if wanted == 0 {
        return Ok(None);
    }
    let batch = match step {
        Step::Backward(_) => cursor.backward(wanted).await?,
        _ => cursor.forward(wanted).await?,
    };
    let taken = batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
    if let Step::Forward(Some(left)) | Step::Backward(Some(left)) = step {
        *left = left.saturating_sub(taken);
    }
    Ok(batch)
}
