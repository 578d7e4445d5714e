//! SELECT ... FOR UPDATE and its kin: whether a query locks rows that somebody may change.
//!
//! A node lets one transaction write at a time, so a lock on rows is the turn to write: whoever has it reads what
//! nobody changes before its end. Events and what the system tells are never changed, and locks on them mean nothing.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{NonBlock, Query, Visit, Visitor, visit_relations};

use super::rewrite::name_parts;
use super::{ParsedQuery, Planner, StatementContext, lives_elsewhere};
use crate::catalog::Scope;
use crate::types::SqlError;

/// How long a query waits for the rows that it locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLock {
    /// As long as `lock_timeout` says. SKIP LOCKED waits as well, and then finds what nobody has locked.
    Wait,
    /// Not at all.
    NoWait,
}

/// Finds the first lock.
struct Locks;

impl Visitor for Locks {
    type Break = RowLock;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<RowLock> {
        match query.locks.as_slice() {
            [] => ControlFlow::Continue(()),
            locks if locks.iter().any(|lock| matches!(lock.nonblock, Some(NonBlock::Nowait))) => {
                ControlFlow::Break(RowLock::NoWait)
            }
            _ => ControlFlow::Break(RowLock::Wait),
        }
    }
}

impl Planner {
    /// How a query locks rows of users' tables; none where it locks none. 0A000 for a table of another node.
    pub fn row_lock(&self, query: &ParsedQuery, context: &StatementContext) -> Result<Option<RowLock>, SqlError> {
        let EngineStatement::Statement(statement) = query.statement.as_ref() else { return Ok(None) };
        let ControlFlow::Break(lock) = statement.visit(&mut Locks) else { return Ok(None) };
        let catalog = context.relations.catalog();
        let Some(database) = catalog.databases.get(&context.settings.current_database) else { return Ok(None) };
        let mut is_locking = false;
        let mut elsewhere = None;
        let _ = visit_relations(statement.as_ref(), |name| {
            let mut parts = name_parts(name);
            let bare = parts.pop().unwrap_or_default();
            let written = parts.pop();
            let schemas = written.iter().chain(context.search_path.iter().filter(|_| written.is_none()));
            let mut entries = schemas.filter_map(|schema| database.schemas.get(schema));
            let found = entries.find(|entry| entry.tables.contains_key(&bare) || entry.views.contains_key(&bare));
            if let Some(table) = found.and_then(|entry| entry.tables.get(&bare)) {
                if table.scope == Scope::Relational {
                    is_locking = true;
                    elsewhere =
                        context.relations.home_of(table).map(|home| lives_elsewhere("table", &table.name, &home));
                }
            } else if let Some(view) = found.and_then(|entry| entry.views.get(&bare)) {
                // Built-in views read events, and have no owner.
                is_locking |= view.owner.is_some();
            }
            if elsewhere.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match elsewhere {
            Some(error) => Err(error),
            None => Ok(is_locking.then_some(lock)),
        }
    }
}
