//! The life of a transaction: snapshot, the writer's turn, savepoints, commit; and sequences and object ids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redb::ReadTransaction;
use tokio::sync::watch;

use super::references::{Pending, RowChange};
use super::rows::TableRows;
use super::shared::{SequenceState, counter};
use super::write_set::{Mark, RelationWrites};
use crate::catalog::{Catalog, Sequence, Table};
use crate::storage::commit::Changes;
use crate::storage::core::{Core, lock};
use crate::storage::{StorageError, Store, layout};
use crate::types::{Code, SqlError};

/// One transaction over relational tables. Dropping it rolls it back.
///
/// After an error of a writing method what the method had done until then is still there: go back to a savepoint,
/// or drop the transaction.
pub struct SqlTransaction {
    pub(super) core: Arc<Core>,
    pub(super) snapshot: Arc<ReadTransaction>,
    pub(super) catalog: Arc<Catalog>,
    /// The snapshot's catalog, without own definitions.
    base: Arc<Catalog>,
    pub(super) writes: RelationWrites,
    /// Rows that were written since the last check of references.
    pub(super) changed: Vec<RowChange>,
    /// What the end of the statement has to check.
    pub(super) pending: Pending,
    sequences: Mutex<OwnSequences>,
}

/// What a transaction did with sequences.
#[derive(Debug, Clone, Default)]
struct OwnSequences {
    /// Values were taken that count for everybody.
    taken: BTreeSet<u32>,
    /// They begin anew, for this transaction now and for everybody with its commit.
    restarted: BTreeMap<u32, SequenceState>,
}

/// A moment of a transaction that it can go back to.
#[derive(Debug, Clone)]
pub struct Savepoint {
    mark: Mark,
    catalog: Arc<Catalog>,
    is_defining: bool,
    changed: usize,
    restarted: BTreeMap<u32, SequenceState>,
}

impl std::fmt::Debug for SqlTransaction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SqlTransaction").field("is_writing", &self.is_writing()).finish_non_exhaustive()
    }
}

impl Store {
    /// The newest committed catalog; cheap.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.core.relations.catalog()
    }

    /// Tells of every new catalog.
    pub fn catalog_changes(&self) -> watch::Receiver<u64> {
        self.core.relations.changes()
    }

    /// Sessions have ended with the process that had them, and their tables with them.
    pub(in crate::storage) async fn drop_temporary_tables(self: &Arc<Self>) -> Result<(), StorageError> {
        let catalog = self.catalog();
        let is_temporary = |table: &&Arc<Table>| table.relational.as_ref().is_some_and(|own| own.temporary);
        let going: Vec<u32> = catalog.relational_tables().filter(is_temporary).map(|table| table.oid).collect();
        if going.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin()?;
        transaction.start_writing(None, false).await?;
        for table in going {
            let sequences: Vec<u32> = catalog.sequences_of(table).map(|sequence| sequence.oid).collect();
            transaction.drop_entry(table)?;
            sequences.into_iter().try_for_each(|sequence| transaction.drop_entry(sequence))?;
        }
        transaction.commit().await
    }

    /// A transaction over a snapshot of now; it writes nothing and locks nothing until its first write.
    pub fn begin(self: &Arc<Self>) -> Result<SqlTransaction, StorageError> {
        let (snapshot, catalog) = now(&self.core)?;
        Ok(SqlTransaction {
            core: Arc::clone(&self.core),
            snapshot,
            base: Arc::clone(&catalog),
            catalog,
            writes: RelationWrites::default(),
            changed: Vec::new(),
            pending: Pending::default(),
            sequences: Mutex::default(),
        })
    }
}

/// Another transaction has written what this one has read.
fn has_moved() -> StorageError {
    SqlError::new(Code::SerializationFailure, "could not serialize access due to concurrent update").into()
}

impl RelationWrites {
    /// Refused where relational tables are not as they were when the transaction took its turn. That happens only when
    /// a commit before it had failed, as it seemed, and turns out to be on disk when the file is opened again.
    pub(in crate::storage) fn check_base(&self, core: &Core) -> Result<(), StorageError> {
        let is_new = self.has_no_rows() || counter(&core.begin_read()?, layout::RELATIONS_KEY)? == self.base;
        if is_new { Ok(()) } else { Err(has_moved()) }
    }
}

fn now(core: &Core) -> Result<(Arc<ReadTransaction>, Arc<Catalog>), StorageError> {
    // Where nothing but SQL writes nobody else would open the file again. It stays in doubt when that fails.
    if let Ok(mut writer) = core.writer.try_lock()
        && writer.doubtful.is_some()
        && let Err(error) = core.heal(&mut writer)
    {
        tracing::debug!(%error, "the store cannot be opened again yet");
    }
    let snapshot = Arc::new(core.begin_read()?);
    let catalog = core.relations.catalog_of(&snapshot)?;
    Ok((snapshot, catalog))
}

impl SqlTransaction {
    /// What exists: the snapshot's objects, and this transaction's own.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    /// It has the writer's turn.
    pub fn is_writing(&self) -> bool {
        self.writes.turn.is_some()
    }

    /// Something was written that a commit would make durable.
    pub fn has_written(&self) -> bool {
        !self.writes.is_empty() || !lock(&self.sequences).taken.is_empty()
    }

    /// The start of a statement in READ COMMITTED: the snapshot moves to now, unless this transaction writes (then
    /// nobody else does).
    pub fn refresh(&mut self) -> Result<(), StorageError> {
        if !self.is_writing() {
            self.move_to(now(&self.core)?);
        }
        Ok(())
    }

    fn move_to(&mut self, (snapshot, catalog): (Arc<ReadTransaction>, Arc<Catalog>)) {
        self.base = Arc::clone(&catalog);
        (self.snapshot, self.catalog) = (snapshot, catalog);
    }

    /// Takes the writer's turn, and waits for it no longer than `lock_timeout` (55P03); without one, until the call is
    /// dropped. The snapshot moves to now, or with `keep_snapshot` stays if no other transaction has committed since
    /// (40001 if one has). Does nothing when it is this transaction's turn already.
    pub async fn start_writing(
        &mut self,
        lock_timeout: Option<Duration>,
        keep_snapshot: bool,
    ) -> Result<(), StorageError> {
        if self.is_writing() {
            return Ok(());
        }
        let turn = Arc::clone(&self.core.sql_writer).lock_owned();
        let turn = match lock_timeout {
            Some(longest) => tokio::time::timeout(longest, turn).await.map_err(|_| StorageError::LockTimeout)?,
            None => turn.await,
        };
        let (snapshot, catalog) = now(&self.core)?;
        if keep_snapshot {
            let moved = |key| Ok::<_, StorageError>(counter(&snapshot, key)? != counter(&self.snapshot, key)?);
            if moved(layout::RELATIONS_KEY)? || moved(layout::CATALOG_KEY)? {
                return Err(has_moved());
            }
        }
        self.writes.base = counter(&snapshot, layout::RELATIONS_KEY)?;
        self.move_to((snapshot, catalog));
        self.writes.turn = Some(turn);
        Ok(())
    }

    /// A view of a table's rows now, own writes included; cheap, and it stays as it is.
    pub fn rows(&self, table: &Arc<Table>) -> Result<TableRows, StorageError> {
        TableRows::new(Arc::clone(table), Arc::clone(&self.snapshot), Some(&self.writes))
    }

    pub(super) fn must_write(&self) -> Result<(), StorageError> {
        if self.is_writing() {
            return Ok(());
        }
        Err(StorageError::statement(Code::Internal, "the transaction writes before it has the writer's turn"))
    }

    /// This moment.
    pub fn savepoint(&mut self) -> Savepoint {
        Savepoint {
            mark: self.writes.mark(),
            catalog: Arc::clone(&self.catalog),
            is_defining: self.writes.catalog.is_some(),
            changed: self.changed.len(),
            restarted: lock(&self.sequences).restarted.clone(),
        }
    }

    /// Takes back everything that was written since then; values of sequences stay taken.
    pub fn roll_back_to(&mut self, savepoint: &Savepoint) {
        self.writes.roll_back_to(savepoint.mark);
        // Since a savepoint without own definitions the snapshot may have moved.
        let catalog = if savepoint.is_defining { &savepoint.catalog } else { &self.base };
        self.set_catalog(Arc::clone(catalog), savepoint.is_defining);
        self.changed.truncate(savepoint.changed);
        self.pending = Pending::default();
        lock(&self.sequences).restarted.clone_from(&savepoint.restarted);
    }

    /// Takes back everything that was written and gives the turn back; what the transaction sees stays.
    pub fn roll_back_writes(&mut self) {
        self.roll_back_to(&Savepoint {
            mark: Mark::default(),
            catalog: Arc::clone(&self.base),
            is_defining: false,
            changed: 0,
            restarted: BTreeMap::new(),
        });
        self.writes.turn = None;
    }

    pub(super) fn set_catalog(&mut self, catalog: Arc<Catalog>, is_own: bool) {
        self.writes.catalog = is_own.then(|| Arc::clone(&catalog));
        self.catalog = catalog;
    }

    /// Makes everything durable, then visible. It must have called [`Self::check_references`] after the last write.
    pub async fn commit(mut self) -> Result<(), StorageError> {
        let own = std::mem::take(&mut *lock(&self.sequences));
        let mut writes = std::mem::take(&mut self.writes);
        (writes.sequences, writes.restarted) = (own.taken, own.restarted);
        if writes.is_empty() {
            return Ok(());
        }
        if !self.changed.is_empty() {
            return Err(StorageError::statement(Code::Internal, "references were not checked before the commit"));
        }
        let changes = Changes { relations: Some(writes), ..Changes::default() };
        self.core.commit(changes).await.map(drop)
    }

    /// An object id that no object of the mesh has.
    pub fn new_oid(&mut self) -> Result<u32, StorageError> {
        self.writes.takes_oids = true;
        loop {
            let oid = self.core.relations.next_oid(&self.core.node, self.core.clock.now_us());
            // A block that was drawn twice, after the data directory of a node was lost, may be in use here.
            if self.catalog.place(oid).is_none() {
                return Ok(oid);
            }
        }
    }

    /// Takes the next value of a sequence, for good: a rollback does not give it back.
    pub fn next_value(&self, sequence: &Sequence) -> Result<i64, StorageError> {
        let mut own = lock(&self.sequences);
        if let Some(state) = own.restarted.get_mut(&sequence.oid) {
            return state.step(sequence);
        }
        own.taken.insert(sequence.oid);
        self.core.relations.next_value(sequence)
    }

    /// Where a sequence stands.
    pub fn sequence_state(&self, sequence: &Sequence) -> SequenceState {
        let own = lock(&self.sequences).restarted.get(&sequence.oid).copied();
        let state = own.or_else(|| self.core.relations.sequence(sequence.oid));
        state.unwrap_or_else(|| SequenceState::first(sequence))
    }

    /// Lets a sequence stand elsewhere, at once and for everybody (setval).
    pub fn set_value(&self, sequence: &Sequence, state: SequenceState) -> Result<(), StorageError> {
        if !(sequence.minimum..=sequence.maximum).contains(&state.last) {
            let (value, name) = (state.last, &sequence.name);
            let bounds = format!("({}..{})", sequence.minimum, sequence.maximum);
            let message = format!("setval: value {value} is out of bounds for sequence \"{name}\" {bounds}");
            return Err(SqlError::new(Code::NumericValueOutOfRange, message).into());
        }
        let mut own = lock(&self.sequences);
        if let Some(known) = own.restarted.get_mut(&sequence.oid) {
            *known = state;
            return Ok(());
        }
        own.taken.insert(sequence.oid);
        self.core.relations.set_sequence(sequence.oid, state);
        Ok(())
    }

    /// Lets a sequence stand elsewhere for this transaction now, and for everybody with its commit (ALTER SEQUENCE ...
    /// RESTART, TRUNCATE ... RESTART IDENTITY). A rollback takes it back.
    pub fn restart(&mut self, sequence: &Sequence, state: SequenceState) -> Result<(), StorageError> {
        self.must_write()?;
        lock(&self.sequences).restarted.insert(sequence.oid, state);
        Ok(())
    }
}
