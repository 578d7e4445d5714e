//! The place of a cursor in its rows, and where FETCH and MOVE take it.
//!
//! The place is a number: 0 before the first row, n on row n, and behind the last row. Rows are
//! kept only for cursors that can go back, and for those that outlive their transaction.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;

use crate::planner::{FetchCount, FetchRows};
use crate::types::{Code, SqlError};

use super::pages::Pages;
use super::rows::RowStream;

/// Rows that are pulled or passed over at once.
const CHUNK_ROWS: usize = 8_192;

/// What is left to do once the cursor stands where the wanted rows begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Take the next rows, at most so many.
    Forward(Option<u64>),
    /// Take the rows before, at most so many.
    Backward(Option<u64>),
    /// Nothing; MOVE tells this number.
    Nothing(u64),
}

/// A cursor that was opened.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Where rows come from.
    rows: RowStream,
    /// Rows that were taken, for cursors that need them again.
    pages: Option<Pages>,
    scrolls: bool,
    place: u64,
    behind_last: bool,
    ended: bool,
    /// The client was told which nodes the rows came from.
    told: bool,
}

impl Cursor {
    /// A cursor before its first row that only goes forward.
    pub(super) fn forward_only(rows: RowStream) -> Self {
        let place = rows.total();
        Self { rows, pages: None, scrolls: false, place, behind_last: false, ended: false, told: false }
    }

    /// A cursor before its first row that can go back.
    pub(super) fn scrolling(rows: RowStream, runtime: Arc<RuntimeEnv>) -> Self {
        let pages = Pages::new(rows.batch_schema(), runtime, 0);
        Self { pages: Some(pages), scrolls: true, ..Self::forward_only(rows) }
    }

    /// The rows' source: their columns, coverage and the way to end them.
    pub(super) fn rows(&self) -> &RowStream {
        &self.rows
    }

    /// Whether the last row came and nobody has told the client yet where rows are missing.
    pub(super) fn take_untold_end(&mut self) -> bool {
        let untold = self.ended && !self.told;
        self.told |= untold;
        untold
    }

    /// Goes to where the wanted rows begin.
    pub(super) async fn go(&mut self, count: FetchCount, wanted: FetchRows) -> Result<Step, SqlError> {
        match count {
            FetchCount::Forward(Some(0)) | FetchCount::Backward(Some(0)) | FetchCount::Relative(0) => self.stay(wanted),
            FetchCount::Forward(rows) => Ok(Step::Forward(rows)),
            FetchCount::Backward(rows) => self.may_go_back().map(|()| Step::Backward(rows)),
            FetchCount::Absolute(row) => self.go_to(row).await,
            FetchCount::Relative(rows) => {
                let passed = rows.unsigned_abs() - 1;
                if rows > 0 {
                    self.pass(passed).await?;
                    return Ok(Step::Forward(Some(1)));
                }
                self.may_go_back()?;
                self.pass_back(passed).await?;
                Ok(Step::Backward(Some(1)))
            }
        }
    }

    /// The present row once more.
    fn stay(&mut self, wanted: FetchRows) -> Result<Step, SqlError> {
        let on_row = self.place > 0 && !self.behind_last;
        if wanted == FetchRows::Skip || !on_row {
            return Ok(Step::Nothing(u64::from(on_row)));
        }
        self.may_go_back()?;
        self.place -= 1;
        Ok(Step::Forward(Some(1)))
    }

    async fn go_to(&mut self, row: i64) -> Result<Step, SqlError> {
        let distance = row.unsigned_abs();
        if row < 0 {
            self.may_go_back()?;
            self.pass(u64::MAX).await?;
            self.pass_back(distance - 1).await?;
            return Ok(Step::Backward(Some(1)));
        }
        let before = distance.saturating_sub(1);
        if self.behind_last || self.place > before {
            self.may_go_back_unless_fresh()?;
            (self.place, self.behind_last) = (0, false);
        }
        if row == 0 {
            return Ok(Step::Nothing(0));
        }
        self.pass(before - self.place).await?;
        Ok(Step::Forward(Some(1)))
    }

    fn may_go_back_unless_fresh(&self) -> Result<(), SqlError> {
        if self.place == 0 && !self.behind_last { Ok(()) } else { self.may_go_back() }
    }

    fn may_go_back(&self) -> Result<(), SqlError> {
        if self.scrolls {
            return Ok(());
        }
        let error = SqlError::new(Code::ObjectNotInPrerequisiteState, "cursor can only scan forward");
        Err(error.with_hint("Declare it with SCROLL option to enable backward scan."))
    }

    async fn pass(&mut self, mut rows: u64) -> Result<(), SqlError> {
        while rows > 0 {
            let Some(batch) = self.forward(chunk(rows)).await? else { break };
            rows -= batch.num_rows() as u64;
        }
        Ok(())
    }

    async fn pass_back(&mut self, mut rows: u64) -> Result<(), SqlError> {
        while rows > 0 {
            let Some(batch) = self.backward(chunk(rows)).await? else { break };
            rows -= batch.num_rows() as u64;
        }
        Ok(())
    }

    /// The next rows; none, and the place behind the last row, when there are no more.
    pub(super) async fn forward(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        if self.behind_last {
            return Ok(None);
        }
        let next = match &mut self.pages {
            None => Box::pin(self.rows.pull(rows_max)).await?,
            Some(pages) => {
                while !self.ended && pages.end() <= self.place {
                    match Box::pin(self.rows.pull(CHUNK_ROWS)).await? {
                        Some(batch) => pages.push(batch)?,
                        None => self.ended = true,
                    }
                }
                pages.from(self.place, rows_max).await?
            }
        };
        match &next {
            Some(batch) => self.place += batch.num_rows() as u64,
            None => (self.behind_last, self.ended) = (true, true),
        }
        Ok(next)
    }

    /// The rows before; none, and the place before the first row, when there are no more.
    pub(super) async fn backward(&mut self, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        self.may_go_back()?;
        let above = if self.behind_last { self.place + 1 } else { self.place };
        let previous = match &mut self.pages {
            Some(pages) if above > 1 => pages.back_from(above - 2, rows_max).await?,
            _ => None,
        };
        self.behind_last = false;
        self.place = previous.as_ref().map_or(0, |batch| above - batch.num_rows() as u64);
        Ok(previous)
    }

    /// Takes all rows that are left, so that the cursor needs its transaction no more.
    pub(super) async fn keep_all(&mut self, runtime: &Arc<RuntimeEnv>) -> Result<(), SqlError> {
        let (schema, place) = (self.rows.batch_schema(), self.place);
        let pages = self.pages.get_or_insert_with(|| Pages::new(schema, Arc::clone(runtime), place));
        while !self.ended {
            match Box::pin(self.rows.pull(CHUNK_ROWS)).await? {
                Some(batch) => pages.push(batch)?,
                None => self.ended = true,
            }
        }
        Ok(())
    }
}

fn chunk(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX).min(CHUNK_ROWS)
}
