//! Cursors of SQL: DECLARE, FETCH, MOVE, CLOSE. They share names with the protocol's portals.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;

use crate::planner::{CursorOptions, FetchCount, FetchRows, InnerQuery, Scroll};
use crate::types::{Code, SqlError};

use super::Session;
use super::commands::done;
use super::cursor::{Cursor, Step};
use super::interrupt::Interrupt;
use super::rows::{Execution, RowStream};
use super::run::shifted;
use super::statements::{Life, Portal, PortalState};
use super::transaction::{self, TransactionStatus};

/// Rows that MOVE skips at once.
const MOVE_ROWS: usize = 8_192;

impl Session {
    /// DECLARE: the query starts now, its rows wait for FETCH.
    pub(super) async fn declare(
        &mut self,
        name: &str,
        options: CursorOptions,
        (inner, source): (&InnerQuery, &str),
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        self.statements.check_new_portal(name)?;
        if !options.hold && self.transaction.status() == TransactionStatus::Idle {
            return Err(transaction::outside_block("DECLARE CURSOR"));
        }
        // The cursor outlives this statement, so it gets a token of its own.
        let own = Arc::new(Interrupt::new(None));
        let context = self.context(&own);
        let planner = Arc::clone(&self.shared.planner);
        let run = interrupt.guard(planner.run(&inner.sql, &context, parameters)).await;
        let run = run.map_err(|error| shifted(error, inner.position_offset))?;
        let mut rows = RowStream::of_query(run, own).with_control(self.control.clone());
        if options.binary {
            rows.set_binary();
        }
        let columns = Some(Arc::clone(rows.columns()));
        let cursor = match options.scroll {
            Scroll::Yes => Cursor::scrolling(rows, Arc::clone(self.shared.planner.runtime())),
            Scroll::No | Scroll::Unsaid => Cursor::forward_only(rows),
        };
        let portal = Portal {
            prepared: None,
            columns,
            formats: vec![i16::from(options.binary)],
            state: PortalState::Cursor(Box::new(cursor)),
            life: Life::Transaction { savepoints: self.transaction.savepoints(), hold: options.hold },
            source: Some(source.to_owned()),
            scrolls: options.scroll == Scroll::Yes,
            created_us: self.shared.clock.now_us(),
        };
        self.statements.add_portal(name, portal)?;
        Ok(done("DECLARE CURSOR"))
    }

    /// FETCH and MOVE.
    pub(super) async fn fetch(
        &mut self,
        name: &str,
        count: FetchCount,
        wanted: FetchRows,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let columns = self.statements.portal(name)?.columns.clone();
        let Some(mut cursor) = self.take_cursor(name, interrupt).await? else {
            return no_rows(columns, wanted, interrupt);
        };
        let resumed = self.resume(cursor.rows());
        let step = match resumed.guard(cursor.go(count, wanted)).await {
            Ok(step) => step,
            Err(error) => {
                self.statements.remove_portal(name);
                return Err(error);
            }
        };
        let mut rows = Box::new(RowStream::of_cursor(name.to_owned(), cursor, step, resumed));
        if wanted == FetchRows::Send {
            return Ok(Execution::Rows(rows));
        }
        let mut moved = if let Step::Nothing(moved) = step { moved } else { 0 };
        loop {
            match rows.next(MOVE_ROWS).await {
                Ok(Some(batch)) => moved += batch.num_rows() as u64,
                Ok(None) => break,
                Err(error) => {
                    self.abandon(*rows);
                    return Err(error);
                }
            }
        }
        self.finish(*rows);
        Ok(Execution::Done(format!("MOVE {moved}")))
    }

    /// A cursor, or the rows of a portal that the protocol made and may not have started yet.
    async fn take_cursor(&mut self, name: &str, interrupt: &Arc<Interrupt>) -> Result<Option<Box<Cursor>>, SqlError> {
        let portal = self.statements.portal_mut(name)?;
        if portal.columns.is_none() {
            return Err(SqlError::new(Code::InvalidCursorName, format!("\"{name}\" is not a cursor")));
        }
        match std::mem::replace(&mut portal.state, PortalState::Running) {
            PortalState::Cursor(cursor) => Ok(Some(cursor)),
            PortalState::Suspended(rows) => Ok(Some(Box::new(Cursor::forward_only(*rows)))),
            PortalState::Ready(parameters) => {
                let rows = self.start_portal(name, parameters, interrupt).await?;
                Ok(Some(Box::new(Cursor::forward_only(*rows))))
            }
            PortalState::Running | PortalState::Done => {
                portal.state = PortalState::Done;
                Ok(None)
            }
        }
    }

    /// Before a commit: cursors that outlive the transaction take the rows that they still need.
    pub(super) async fn keep_held_cursors(&mut self, interrupt: &Arc<Interrupt>) -> Result<(), SqlError> {
        let runtime = Arc::clone(self.shared.planner.runtime());
        let mut reports = Vec::new();
        for portal in self.statements.held() {
            let PortalState::Cursor(cursor) = &mut portal.state else { continue };
            interrupt.guard(cursor.keep_all(&runtime)).await?;
            if cursor.take_untold_end() {
                reports.extend(cursor.rows().coverage().map(crate::execution::Coverage::report));
            }
        }
        reports.into_iter().for_each(|report| self.note_report(report, true));
        Ok(())
    }

    async fn start_portal(
        &mut self,
        name: &str,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Box<RowStream>, SqlError> {
        let prepared = self.statements.portal(name)?.prepared.clone();
        match prepared.as_ref().and_then(|prepared| prepared.query.as_ref()) {
            Some(query) => match self.run_parsed(query, parameters, interrupt).await? {
                Execution::Rows(rows) => Ok(rows),
                _ => Err(SqlError::new(Code::Internal, "a query gave no rows")),
            },
            None => Err(SqlError::new(Code::InvalidCursorName, format!("portal \"{name}\" is not a query"))),
        }
    }

    /// CLOSE.
    pub(super) fn close_cursor(&mut self, name: Option<&str>) -> Result<Execution, SqlError> {
        let Some(name) = name else {
            self.statements.clear_portals();
            return Ok(done("CLOSE CURSOR ALL"));
        };
        self.statements.portal(name)?;
        self.statements.remove_portal(name);
        Ok(done("CLOSE CURSOR"))
    }
}

/// What FETCH and MOVE give of a portal that was run to its end.
fn no_rows(columns: Option<SchemaRef>, wanted: FetchRows, interrupt: &Arc<Interrupt>) -> Result<Execution, SqlError> {
    match (wanted, columns) {
        (FetchRows::Send, Some(columns)) => {
            let none = RecordBatch::new_empty(columns);
            Ok(Execution::Rows(Box::new(RowStream::made(none, "FETCH", Arc::clone(interrupt)))))
        }
        _ => Ok(done("MOVE 0")),
    }
}
