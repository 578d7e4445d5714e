//! Rows of a statement, pulled a batch at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use crate::execution::Coverage;
use crate::planner::{QueryRun, sql_error_from_engine};
use crate::types::SqlError;

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
}

/// Where rows come from.
enum Source {
    /// The planner.
    Query(SendableRecordBatchStream),
    /// They were all made at once.
    Made(VecDeque<RecordBatch>),
    /// A cursor, so many rows at most.
    Cursor { name: String, rows: Box<RowStream>, left: Option<u64> },
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
    sent: u64,
    interrupt: Arc<Interrupt>,
    binary: bool,
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
            sent: 0,
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
            sent: 0,
            interrupt,
            binary: false,
        }
    }

    /// The next rows of a cursor.
    pub(super) fn of_cursor(name: String, rows: Box<Self>, left: Option<u64>, interrupt: Arc<Interrupt>) -> Self {
        Self {
            columns: Arc::clone(&rows.columns),
            binary: rows.binary,
            source: Source::Cursor { name, rows, left },
            pending: None,
            coverage: None,
            tag: "FETCH",
            sent: 0,
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
        match self.tag {
            "SELECT" | "FETCH" => format!("{} {}", self.tag, self.sent),
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
    pub(super) fn into_cursor(self) -> Option<(String, Box<Self>)> {
        match self.source {
            Source::Cursor { name, rows, .. } => Some((name, rows)),
            _ => None,
        }
    }

    /// At most `rows_max` more rows; none at the end. Fails when the statement is ended or times out.
    pub async fn next(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        let interrupt = Arc::clone(&self.interrupt);
        interrupt.guard(self.pull(rows_max)).await
    }

    async fn pull(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        let Some(batch) = self.next_whole(rows_max).await? else { return Ok(None) };
        let taken = batch.num_rows().min(rows_max);
        if taken < batch.num_rows() {
            self.pending = Some(batch.slice(taken, batch.num_rows() - taken));
        }
        self.sent += taken as u64;
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
                Source::Cursor { rows, left, .. } => return pull_cursor(rows, left, rows_max).await,
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

async fn pull_cursor(
    rows: &mut RowStream,
    left: &mut Option<u64>,
    rows_max: usize,
) -> Result<Option<RecordBatch>, SqlError> {
    let wanted = left.map_or(rows_max, |left| usize::try_from(left).unwrap_or(usize::MAX).min(rows_max));
    if wanted == 0 {
        return Ok(None);
    }
    let batch = Box::pin(rows.pull(wanted)).await?;
    if let (Some(left), Some(batch)) = (left, &batch) {
        *left = left.saturating_sub(batch.num_rows() as u64);
    }
    Ok(batch)
}
