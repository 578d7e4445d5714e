//! Our GlueSQL storage: a cheap handle per statement or transaction.
//!
//! Two kinds of tables share the store. An event table is read from a [`Version`] (hot batches, then
//! segments) and INSERT appends a batch to it, through the same transaction code as `ingest`; UPDATE
//! and DELETE are refused. A user's table is called `database.schema.table` and only read here: `relations` writes it.
//! Any other relational table is rows under ordered keys; a handle reads one
//! snapshot, keeps what it writes in a bounded write set, and redb's write transaction exists only
//! inside COMMIT, so a thinking client never stops ingest.
//!
//! GlueSQL is synchronous and a commit blocks: use a handle on a thread that may block, which is what
//! `Store::execute` does. Nothing outside of this folder knows that GlueSQL is there.

mod event;
mod row;
mod schema;
mod statement;
mod traits;
mod value;
mod write_set;

use std::sync::{Arc, Mutex};

use gluesql::core::data::Schema;
use gluesql::core::error::Error as GlueError;
use redb::ReadTransaction;
use tokio::sync::OwnedMutexGuard;

pub(super) use self::write_set::WriteSet;
use super::commit::Changes;
use super::core::{Core, lock};
use super::{StorageError, TableVersion, Version, layout};
use crate::catalog::{Catalog, Table};
use crate::types::Code;

type GlueResult<T> = gluesql::core::error::Result<T>;

/// A handle for one statement, or one transaction, of GlueSQL.
pub struct GlueStorage {
    core: Arc<Core>,
    snapshot: Arc<ReadTransaction>,
    catalog: Arc<Catalog>,
    version: Arc<Version>,
    writing: Option<Writing>,
    /// The error behind the last failure: GlueSQL passes on its text only.
    failure: Mutex<Option<StorageError>>,
}

/// What a handle that may write has beside the snapshot.
struct Writing {
    writes: WriteSet,
    /// BEGIN was said: statements do not commit on their own.
    in_transaction: bool,
    _turn: OwnedMutexGuard<()>,
}

impl std::fmt::Debug for GlueStorage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("GlueStorage")
            .field("sequence", &self.version.sequence)
            .field("writes", &self.writing.as_ref().map(|writing| &writing.writes))
            .finish_non_exhaustive()
    }
}

impl GlueStorage {
    pub(super) fn reader(core: &Arc<Core>) -> Result<Self, StorageError> {
        let snapshot = Arc::new(core.begin_read()?);
        Ok(Self {
            catalog: core.relations.catalog_of(&snapshot)?,
            snapshot,
            version: core.version(),
            core: Arc::clone(core),
            writing: None,
            failure: Mutex::default(),
        })
    }

    pub(super) fn writer(core: &Arc<Core>, turn: OwnedMutexGuard<()>) -> Result<Self, StorageError> {
        let mut this = Self::reader(core)?;
        this.writing = Some(Writing { writes: WriteSet::default(), in_transaction: false, _turn: turn });
        Ok(this)
    }

    /// The error behind the last failed statement.
    pub(super) fn take_failure(&self) -> Option<StorageError> {
        lock(&self.failure).take()
    }

    /// Drops what was written and reads the store as it is now.
    fn restart(&mut self, in_transaction: bool) -> Result<(), StorageError> {
        self.snapshot = Arc::new(self.core.begin_read()?);
        self.catalog = self.core.relations.catalog_of(&self.snapshot)?;
        self.version = self.core.version();
        if let Some(writing) = &mut self.writing {
            writing.writes = WriteSet::default();
            writing.in_transaction = in_transaction;
        }
        Ok(())
    }

    fn commit_writes(&mut self) -> Result<(), StorageError> {
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let mut writes = std::mem::take(&mut writing.writes);
        writing.in_transaction = false;
        if writes.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::default();
        for (table, rows) in writes.take_events() {
            changes.add_rows(self.core.check_rows(table, &rows)?);
        }
        changes.relational = Some(writes);
        self.core.commit_blocking(changes)?;
        self.restart(false)
    }

    fn event_table(&self, name: &str) -> Option<&Arc<TableVersion>> {
        self.version.tables.get(name)
    }

    /// The users' table that is called `database.schema.table` here.
    fn users_table(&self, name: &str) -> Option<&Arc<Table>> {
        let mut tables = schema::users_tables(&self.catalog);
        tables.find(|(known, _)| known == name).map(|(_, table)| table)
    }

    /// Event tables are only appended to, and users' tables are written by `SqlTransaction` only, which knows their
    /// constraints.
    fn refuse_write(&self, name: &str, action: &str) -> Result<(), StorageError> {
        let message = if self.event_table(name).is_some() {
            format!("cannot {action} event table \"{name}\": events are only appended")
        } else if self.users_table(name).is_some() {
            format!("cannot {action} table \"{name}\" here: it is only read")
        } else {
            return Ok(());
        };
        Err(StorageError::statement(Code::FeatureNotSupported, message))
    }

    /// The write set, for handles that may write.
    fn writes(&mut self) -> Result<&mut WriteSet, StorageError> {
        let refused = || StorageError::statement(Code::ReadOnlySqlTransaction, "the handle is for reading only");
        Ok(&mut self.writing.as_mut().ok_or_else(refused)?.writes)
    }

    fn own_writes(&self) -> Option<&WriteSet> {
        self.writing.as_ref().map(|writing| &writing.writes)
    }

    /// The definition of a table of either kind.
    fn schema(&self, name: &str) -> Result<Option<Schema>, StorageError> {
        if let Some(event) = self.event_table(name) {
            return Ok(Some(schema::of_event_table(&event.table)));
        }
        if let Some(table) = self.users_table(name) {
            return Ok(Some(schema::of_users_table(name, table)));
        }
        if let Some(written) = self.own_writes().and_then(|writes| writes.schema(name)) {
            return Ok(written.cloned());
        }
        let table = self.snapshot.open_table(layout::SCHEMAS).map_err(unreadable)?;
        let record = table.get(name).map_err(unreadable)?;
        record.map(|record| layout::decode("the definition of a table", record.value())).transpose()
    }

    /// Passes an error through GlueSQL, which keeps its text only.
    fn pass<T>(&self, result: Result<T, StorageError>) -> GlueResult<T> {
        result.map_err(|error| pass_error(&self.failure, error))
    }
}

fn pass_error(failure: &Mutex<Option<StorageError>>, error: StorageError) -> GlueError {
    let message = error.to_string();
    *lock(failure) = Some(error);
    GlueError::StorageMsg(message)
}

fn unreadable(source: impl Into<redb::Error>) -> StorageError {
    StorageError::redb("read the store", source)
}
