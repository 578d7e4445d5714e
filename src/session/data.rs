//! The relational part of a session's transaction: what its statements see, and what they have written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Session;
use super::effects::ADMIN;
use super::fleet_catalog::{FleetCatalog, Others};
use super::interrupt::Interrupt;
use crate::catalog::{Catalog, Table, Union};
use crate::execution::{RelationRows, StoredRows};
use crate::planner::{Relations, RowLock, lives_elsewhere};
use crate::storage::{Load, Savepoint, SqlTransaction, StorageError, Store};
use crate::types::{Code, NodeName, SqlError};

/// The role that may change relational tables.
const WRITER: &str = "writer";

/// The transaction's handle, shared with the statement that runs.
///
/// It is there from the first statement that needs it to the end of the transaction.
#[derive(Debug, Clone)]
pub(super) struct Data {
    store: Arc<Store>,
    fleet: Arc<FleetCatalog>,
    current: Arc<Mutex<Option<SqlTransaction>>>,
    /// What other nodes had told when the statement began.
    others: Arc<Mutex<Others>>,
}

impl Data {
    pub(super) fn new(store: Arc<Store>, fleet: Arc<FleetCatalog>) -> Self {
        let others = Arc::new(Mutex::new(fleet.others()));
        Self { store, fleet, current: Arc::default(), others }
    }

    fn lock(&self) -> MutexGuard<'_, Option<SqlTransaction>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the transaction, which begins with it.
    pub(super) fn with<T>(
        &self,
        act: impl FnOnce(&mut SqlTransaction) -> Result<T, StorageError>,
    ) -> Result<T, SqlError> {
        let mut current = self.lock();
        let transaction = match &mut *current {
            Some(transaction) => transaction,
            none => none.insert(self.store.begin().map_err(StorageError::into_sql_error)?),
        };
        act(transaction).map_err(StorageError::into_sql_error)
    }

    /// A statement begins: it sees what was committed until now, unless the transaction keeps its first moment.
    ///
    /// A store that cannot be read now tells so when its rows are asked for.
    pub(super) fn refresh(&self, keep_moment: bool) {
        let mut current = self.lock();
        if keep_moment && current.is_some() {
            return;
        }
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = self.fleet.others();
        if let Some(transaction) = &mut *current
            && let Err(error) = transaction.refresh()
        {
            tracing::debug!(%error, "a transaction keeps its moment");
        }
    }

    /// What exists on this node, with the transaction's own definitions.
    pub(super) fn own_catalog(&self) -> Arc<Catalog> {
        self.lock().as_ref().map_or_else(|| self.store.catalog(), SqlTransaction::catalog)
    }

    /// What exists in the mesh, with the transaction's own definitions.
    pub(super) fn union(&self) -> Arc<Union> {
        let others = Arc::clone(&self.others.lock().unwrap_or_else(PoisonError::into_inner));
        self.fleet.with(&self.own_catalog(), &others)
    }

    /// Fails when an object lies on another node: it is changed there only.
    pub(super) fn check_home(&self, kind: &str, name: &str, oid: u32) -> Result<(), SqlError> {
        match self.union().home_of(oid) {
            Some(home) => Err(lives_elsewhere(kind, name, home)),
            None => Ok(()),
        }
    }

    /// Takes the turn to write, before the first write of a transaction.
    pub(super) async fn start_writing(&self, longest: Option<Duration>, keep_moment: bool) -> Result<(), SqlError> {
        let taken = self.lock().take();
        let transaction = match taken {
            Some(transaction) => transaction,
            None => self.store.begin().map_err(StorageError::into_sql_error)?,
        };
        let mut waiting = Waiting { data: self, transaction: Some(transaction) };
        let Some(transaction) = &mut waiting.transaction else { return Ok(()) };
        transaction.start_writing(longest, keep_moment).await.map_err(StorageError::into_sql_error)
    }

    /// Begins to load rows into an event table, beside the transaction.
    pub(super) fn load(&self, table: &str) -> Result<Load, SqlError> {
        self.store.load(table).map_err(StorageError::into_sql_error)
    }

    /// Makes everything durable and visible.
    pub(super) async fn commit(&self) -> Result<(), SqlError> {
        let transaction = self.lock().take();
        match transaction {
            Some(transaction) => transaction.commit().await.map_err(StorageError::into_sql_error),
            None => Ok(()),
        }
    }

    /// Forgets everything that was written.
    pub(super) fn roll_back(&self) {
        *self.lock() = None;
    }

    /// A mark to come back to; none where nothing was begun.
    pub(super) fn savepoint(&self) -> Option<Savepoint> {
        self.lock().as_mut().map(SqlTransaction::savepoint)
    }

    /// Forgets what was written since a mark; a transaction that keeps its moment keeps it.
    pub(super) fn roll_back_to(&self, mark: Option<&Savepoint>, keep_moment: bool) {
        let mut current = self.lock();
        match (&mut *current, mark) {
            (Some(transaction), Some(mark)) => transaction.roll_back_to(mark),
            (Some(transaction), None) if keep_moment => transaction.roll_back_writes(),
            // Nothing had been begun at the mark.
            (current, None) => *current = None,
            (None, Some(_)) => {}
        }
    }
}

/// A transaction that waits for its turn, and is there again however the wait ends: with it, its moment.
struct Waiting<'a> {
    data: &'a Data,
    transaction: Option<SqlTransaction>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.data.lock() = self.transaction.take();
    }
}

impl Relations for Data {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.union().catalog)
    }

    fn home_of(&self, table: &Table) -> Option<NodeName> {
        self.union().home_of(table.oid).cloned()
    }

    fn rows(&self, table: &Arc<Table>) -> Result<Arc<dyn RelationRows>, SqlError> {
        let rows = self.with(|transaction| transaction.rows(table))?;
        Ok(Arc::new(StoredRows(rows)))
    }
}

impl Session {
    /// The catalog and rows of this moment.
    pub(super) fn relations(&self) -> Arc<dyn Relations> {
        Arc::new(self.data.clone())
    }

    /// The transaction sees no commit after its first statement.
    pub(super) fn keeps_moment(&self) -> bool {
        matches!(self.settings.get("transaction_isolation"), "repeatable read" | "serializable")
    }

    pub(super) fn may_write(&self) -> bool {
        self.roles.iter().any(|role| role == ADMIN || role == WRITER)
    }

    /// Refuses to write in a transaction that only reads.
    pub(super) fn check_not_read_only(&self, tag: &str) -> Result<(), SqlError> {
        if self.settings.is_on("transaction_read_only") {
            let text = format!("cannot execute {tag} in a read-only transaction");
            return Err(SqlError::new(Code::ReadOnlySqlTransaction, text));
        }
        Ok(())
    }

    /// What a statement that writes needs first; `tag` names it.
    pub(super) async fn start_writing(&mut self, tag: &str, interrupt: &Arc<Interrupt>) -> Result<(), SqlError> {
        self.check_may_write(tag)?;
        let longest = self.settings.timeout("lock_timeout");
        let keep = self.keeps_moment();
        let data = self.data.clone();
        interrupt.guard(data.start_writing(longest, keep)).await
    }

    fn check_may_write(&self, tag: &str) -> Result<(), SqlError> {
        self.check_not_read_only(tag)?;
        if !self.may_write() {
            let text = format!("permission denied: role \"{}\" may only read", self.user);
            let hint = format!("{tag} needs the role {WRITER} or {ADMIN}.");
            return Err(SqlError::new(Code::InsufficientPrivilege, text).with_hint(hint));
        }
        Ok(())
    }

    /// What a query needs that locks rows.
    pub(super) async fn lock_rows(&mut self, lock: RowLock, interrupt: &Arc<Interrupt>) -> Result<(), SqlError> {
        if lock == RowLock::Wait {
            return self.start_writing("SELECT FOR UPDATE", interrupt).await;
        }
        let longest = Duration::ZERO;
        let keep = self.keeps_moment();
        self.check_may_write("SELECT FOR UPDATE")?;
        let data = self.data.clone();
        let taken = interrupt.guard(data.start_writing(Some(longest), keep)).await;
        taken.map_err(|error| match error.code {
            Code::LockNotAvailable => SqlError::new(Code::LockNotAvailable, "could not obtain lock on row"),
            _ => error,
        })
    }
}
