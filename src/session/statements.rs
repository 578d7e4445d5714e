//! Prepared statements and portals of one session, with bounds on their number and size.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;

use crate::planner::{ParsedQuery, ParsedStatement};
use crate::system::CursorFacts;
use crate::types::{Code, SqlError, SqlType};

use super::cursor::Cursor;
use super::rows::RowStream;

/// Most prepared statements of one session.
const PREPARED_MAX: usize = 5_000;
/// Most text of all prepared statements of one session, in bytes.
const PREPARED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most portals of one session.
const PORTALS_MAX: usize = 1_000;

/// A prepared statement.
#[derive(Debug)]
pub struct Prepared {
    /// What it runs.
    pub parsed: ParsedStatement,
    /// The same parsed for the engine, when it is a query.
    pub query: Option<ParsedQuery>,
    /// Types of its parameters.
    pub parameters: Vec<SqlType>,
    /// Its result's columns; none when it gives no rows.
    pub columns: Option<SchemaRef>,
    /// The text that prepared it.
    pub source: String,
    /// PREPARE made it, not a message of the protocol.
    pub from_sql: bool,
    /// When it was made: microseconds since 1970 UTC.
    pub prepared_us: i64,
}

impl Prepared {
    /// What it adds to [`PREPARED_BYTES_MAX`].
    fn bytes(&self) -> usize {
        self.parsed.sql.len() + self.source.len()
    }
}

/// What became of a portal.
#[derive(Debug)]
pub(super) enum PortalState {
    /// Not started.
    Ready(Vec<ScalarValue>),
    /// Some rows were sent, more may come.
    Suspended(Box<RowStream>),
    /// A cursor that FETCH has moved, or may move.
    Cursor(Box<Cursor>),
    /// Its rows are with a running FETCH or Execute.
    Running,
    /// All was sent.
    Done,
}

/// A statement with its parameters, ready to run or half way through.
#[derive(Debug)]
pub struct Portal {
    /// The statement; none for a cursor that SQL declared.
    pub prepared: Option<Arc<Prepared>>,
    /// The result's columns; none when it gives no rows.
    pub columns: Option<SchemaRef>,
    /// Result formats as the client asked for them (protocol codes).
    pub formats: Vec<i16>,
    pub(super) state: PortalState,
    /// How long it lives.
    pub(super) life: Life,
    /// The text that declared it; none for a portal of the protocol.
    pub(super) source: Option<String>,
    /// It can go back.
    pub(super) scrolls: bool,
    /// When it was made: microseconds since 1970 UTC.
    pub(super) created_us: i64,
}

/// How long a portal lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// To the end of its transaction, or to a ROLLBACK TO that has fewer savepoints.
    Transaction {
        /// Savepoints there were when it was made.
        savepoints: usize,
        /// It is to outlive the transaction.
        hold: bool,
    },
    /// To the end of the session: the transaction that made it was committed.
    Session,
}

/// Prepared statements and portals by name; the empty name is the unnamed one.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// Shared with the statement that runs, which may list them.
    prepared: Arc<HashMap<String, Arc<Prepared>>>,
    prepared_bytes: usize,
    portals: HashMap<String, Portal>,
}

impl Statements {
    /// Fails when a named statement exists already.
    pub(super) fn check_new(&self, name: &str) -> Result<(), SqlError> {
        if !name.is_empty() && self.prepared.contains_key(name) {
            let text = format!("prepared statement \"{name}\" already exists");
            return Err(SqlError::new(Code::DuplicatePreparedStatement, text));
        }
        Ok(())
    }

    pub(super) fn add_prepared(&mut self, name: &str, prepared: Prepared) -> Result<(), SqlError> {
        self.check_new(name)?;
        self.remove_prepared(name);
        let bytes = prepared.bytes();
        if self.prepared.len() >= PREPARED_MAX || self.prepared_bytes + bytes > PREPARED_BYTES_MAX {
            return Err(SqlError::new(Code::OutOfMemory, "too many prepared statements in one session"));
        }
        self.prepared_bytes += bytes;
        Arc::make_mut(&mut self.prepared).insert(name.to_owned(), Arc::new(prepared));
        Ok(())
    }

    pub(super) fn prepared(&self, name: &str) -> Result<&Arc<Prepared>, SqlError> {
        self.prepared.get(name).ok_or_else(|| {
            let text = if name.is_empty() {
                String::from("unnamed prepared statement does not exist")
            } else {
                format!("prepared statement \"{name}\" does not exist")
            };
            SqlError::new(Code::InvalidSqlStatementName, text)
        })
    }

    pub(super) fn remove_prepared(&mut self, name: &str) -> bool {
        if !self.prepared.contains_key(name) {
            return false;
        }
        let removed = Arc::make_mut(&mut self.prepared).remove(name);
        self.prepared_bytes -= removed.as_ref().map_or(0, |prepared| prepared.bytes());
        removed.is_some()
    }

    pub(super) fn clear_prepared(&mut self) {
        self.prepared = Arc::default();
        self.prepared_bytes = 0;
    }

    /// All prepared statements as they are now.
    pub(super) fn all_prepared(&self) -> Arc<HashMap<String, Arc<Prepared>>> {
        Arc::clone(&self.prepared)
    }

    /// What there is to tell of the portals.
    pub(super) fn cursors(&self) -> Vec<CursorFacts> {
        let told = self.portals.iter().map(|(name, portal)| CursorFacts {
            name: name.clone(),
            statement: match (&portal.source, &portal.prepared) {
                (Some(source), _) => source.clone(),
                (None, Some(prepared)) => prepared.source.clone(),
                (None, None) => String::new(),
            },
            is_holdable: matches!(portal.life, Life::Transaction { hold: true, .. } | Life::Session),
            is_binary: portal.source.is_some() && portal.formats == [1],
            is_scrollable: portal.scrolls,
            created_us: portal.created_us,
        });
        told.collect()
    }

    /// Fails when a named portal exists already.
    pub(super) fn check_new_portal(&self, name: &str) -> Result<(), SqlError> {
        if !name.is_empty() && self.portals.contains_key(name) {
            return Err(SqlError::new(Code::DuplicateCursor, format!("cursor \"{name}\" already exists")));
        }
        Ok(())
    }

    pub(super) fn add_portal(&mut self, name: &str, portal: Portal) -> Result<(), SqlError> {
        self.check_new_portal(name)?;
        if self.portals.len() >= PORTALS_MAX {
            return Err(SqlError::new(Code::OutOfMemory, "too many portals in one session"));
        }
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    pub(super) fn portal(&self, name: &str) -> Result<&Portal, SqlError> {
        self.portals.get(name).ok_or_else(|| no_portal(name))
    }

    pub(super) fn portal_mut(&mut self, name: &str) -> Result<&mut Portal, SqlError> {
        self.portals.get_mut(name).ok_or_else(|| no_portal(name))
    }

    pub(super) fn remove_portal(&mut self, name: &str) -> bool {
        self.portals.remove(name).is_some()
    }

    pub(super) fn clear_portals(&mut self) {
        self.portals.clear();
    }

    /// Cursors that are to outlive the transaction that is about to be committed.
    pub(super) fn held(&mut self) -> impl Iterator<Item = &mut Portal> {
        self.portals.values_mut().filter(|portal| matches!(portal.life, Life::Transaction { hold: true, .. }))
    }

    /// The transaction was committed: held cursors belong to the session now, all else is gone.
    pub(super) fn commit(&mut self) {
        self.portals.retain(|_, portal| match portal.life {
            Life::Transaction { hold, .. } => hold,
            Life::Session => true,
        });
        self.portals.values_mut().for_each(|portal| portal.life = Life::Session);
    }

    /// The transaction was rolled back: what it made is gone.
    pub(super) fn roll_back(&mut self) {
        self.portals.retain(|_, portal| portal.life == Life::Session);
    }

    /// ROLLBACK TO left so many savepoints: what was made after the last of them is gone.
    pub(super) fn roll_back_to(&mut self, left: usize) {
        self.portals.retain(|_, portal| match portal.life {
            Life::Transaction { savepoints, .. } => savepoints < left,
            Life::Session => true,
        });
    }

    /// RELEASE left so many savepoints: what was made after them counts as made before.
    pub(super) fn release(&mut self, left: usize) {
        for portal in self.portals.values_mut() {
            if let Life::Transaction { savepoints, .. } = &mut portal.life {
                *savepoints = left.min(*savepoints);
            }
        }
    }
}

fn no_portal(name: &str) -> SqlError {
    SqlError::new(Code::InvalidCursorName, format!("cursor \"{name}\" does not exist"))
}
