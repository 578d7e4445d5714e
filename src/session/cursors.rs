//! Cursors of SQL: DECLARE, FETCH, MOVE, CLOSE. They share names with the protocol's portals.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use crate::planner::{CursorOptions, FetchCount, FetchRows, InnerQuery, Statement};
use crate::types::{Code, SqlError};

use super::Session;
use super::commands::done;
use super::interrupt::Interrupt;
use super::rows::{Execution, RowStream};
use super::statements::{Portal, PortalState};
use super::transaction::{self, TransactionStatus};

/// Rows that MOVE skips at once.
const MOVE_ROWS: usize = 8_192;

impl Session {
    /// DECLARE: the query starts now, its rows wait for FETCH.
    pub(super) async fn declare(
        &mut self,
        name: &str,
        options: CursorOptions,
        inner: &InnerQuery,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        if !options.hold && self.transaction.status() == TransactionStatus::Idle {
            return Err(transaction::outside_block("DECLARE CURSOR"));
        }
        // The cursor outlives this statement, so it gets a token of its own.
        let own = Arc::new(Interrupt::new(None));
        let context = self.context(&own);
        let planner = Arc::clone(&self.shared.planner);
        let run = interrupt.guard(planner.run(&inner.sql, &context, parameters)).await?;
        let mut rows = RowStream::of_query(run, own);
        if options.binary {
            rows.set_binary();
        }
        let portal = Portal {
            prepared: None,
            columns: Some(Arc::clone(rows.columns())),
            formats: vec![i16::from(options.binary)],
            state: PortalState::Suspended(Box::new(rows)),
            hold: options.hold,
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
        let left = match count {
            FetchCount::Backward => {
                return Err(SqlError::new(Code::FeatureNotSupported, "cursor can only scan forward"));
            }
            FetchCount::All => None,
            FetchCount::Forward(rows) => Some(rows),
        };
        let Some(cursor) = self.take_cursor(name, interrupt).await? else {
            return Ok(done(if wanted == FetchRows::Send { "FETCH 0" } else { "MOVE 0" }));
        };
        let resumed = self.resume(&cursor);
        let mut rows = Box::new(RowStream::of_cursor(name.to_owned(), cursor, left, resumed));
        if wanted == FetchRows::Send {
            return Ok(Execution::Rows(rows));
        }
        let mut moved = 0;
        loop {
            match rows.next(MOVE_ROWS).await {
                Ok(Some(batch)) => moved += batch.num_rows(),
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

    /// The rows of a cursor, or of a portal that the protocol made and may not have started yet.
    async fn take_cursor(
        &mut self,
        name: &str,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Option<Box<RowStream>>, SqlError> {
        let portal = self.statements.portal_mut(name)?;
        if portal.columns.is_none() {
            return Err(SqlError::new(Code::InvalidCursorName, format!("\"{name}\" is not a cursor")));
        }
        match std::mem::replace(&mut portal.state, PortalState::Running) {
            PortalState::Suspended(rows) => Ok(Some(rows)),
            PortalState::Ready(parameters) => self.start_portal(name, parameters, interrupt).await.map(Some),
            PortalState::Running | PortalState::Done => {
                portal.state = PortalState::Done;
                Ok(None)
            }
        }
    }

    async fn start_portal(
        &mut self,
        name: &str,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Box<RowStream>, SqlError> {
        let prepared = self.statements.portal(name)?.prepared.clone();
        let parsed = prepared.as_ref().map(|prepared| &prepared.parsed);
        match parsed {
            Some(parsed) if parsed.statement == Statement::Query => {
                match self.run_query(&parsed.sql, parameters, interrupt).await? {
                    Execution::Rows(rows) => Ok(rows),
                    _ => Err(SqlError::new(Code::Internal, "a query gave no rows")),
                }
            }
            _ => Err(SqlError::new(Code::InvalidCursorName, format!("portal \"{name}\" is not a query"))),
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
