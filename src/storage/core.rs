//! The inside of a store: its file, its writer's state, and what readers see.
//!
//! `Store` is the face; group commit is in `commit`, opening in `open`, sealing in `seal`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use redb::{ReadTransaction, ReadableDatabase, WriteTransaction};
use tokio::sync::{OwnedMutexGuard, watch};

use super::commit::Pending;
use super::hot::HotTable;
use super::record::GapKey;
use super::relations::Shared;
use super::{DamagedBatch, FeedProgress, Gap, StorageError, StoreConfig, Version};
use crate::catalog::Table;
use crate::env::{Clock, Monotonic};
use crate::types::NodeName;

/// A table counts as receiving when its newest batch is younger than this.
const RECEIVING_US: i64 = 5 * 60 * 1_000_000;
/// A file that failed is not opened again more often than this.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// Opens the store's file; tests put faults under it.
pub(super) type Opener = dyn Fn(&StoreConfig) -> Result<redb::Database, redb::Error> + Send + Sync;

/// What only the holder of the writer's lock may see and change.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) hot: BTreeMap<String, HotTable>,
    pub(super) sequence: u64,
    /// How often the file was opened again: a seal that began before must not end after.
    pub(super) epoch: u64,
    /// A transaction began and its end is not known: memory may differ from disk.
    pub(super) doubtful: Option<StorageError>,
    reopened_at: Option<Monotonic>,
}

pub(super) type WriterGuard = OwnedMutexGuard<Writer>;

/// Everything that was read from the file when it was opened.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) hot: BTreeMap<String, HotTable>,
    pub(super) sequence: u64,
    pub(super) progress: Vec<FeedProgress>,
    pub(super) gaps: Vec<Gap>,
    pub(super) damaged_batches: Vec<DamagedBatch>,
}

enum File {
    Open(redb::Database),
    Failed,
    Closed,
}

pub(super) struct Core {
    pub(super) config: StoreConfig,
    pub(super) node: NodeName,
    pub(super) tables: Vec<Arc<Table>>,
    pub(super) clock: Arc<dyn Clock>,
    opener: Box<Opener>,
    file: RwLock<File>,
    pub(super) writer: Arc<tokio::sync::Mutex<Writer>>,
    pub(super) queue: Mutex<Vec<Pending>>,
    /// One seal at a time.
    pub(super) sealing: tokio::sync::Mutex<()>,
    /// One SQL transaction that writes at a time.
    pub(super) sql_writer: Arc<tokio::sync::Mutex<()>>,
    version: RwLock<Arc<Version>>,
    sequence: watch::Sender<u64>,
    pub(super) progress: Mutex<BTreeMap<(String, String), FeedProgress>>,
    pub(super) gaps: Mutex<BTreeMap<GapKey, Gap>>,
    pub(super) damaged_batches: Mutex<Vec<DamagedBatch>>,
    pub(super) relations: Shared,
    /// How many loads were begun.
    pub(super) loads: AtomicU64,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Core").field("node", &self.node).field("config", &self.config).finish_non_exhaustive()
    }
}

/// A poisoned lock is taken all the same: what it guards is replaced as a whole, never half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// A core whose file is not open yet.
    pub(super) fn new(
        config: StoreConfig,
        node: NodeName,
        tables: Vec<Arc<Table>>,
        clock: Arc<dyn Clock>,
        opener: Box<Opener>,
    ) -> Self {
        Self {
            config,
            node,
            version: RwLock::new(Arc::new(Version::empty(tables.clone()))),
            tables,
            clock,
            opener,
            file: RwLock::new(File::Failed),
            writer: Arc::default(),
            queue: Mutex::default(),
            sealing: tokio::sync::Mutex::default(),
            sql_writer: Arc::default(),
            sequence: watch::channel(0).0,
            progress: Mutex::default(),
            gaps: Mutex::default(),
            damaged_batches: Mutex::default(),
            relations: Shared::new(),
            loads: AtomicU64::new(0),
        }
    }

    pub(super) fn segments_directory(&self) -> PathBuf {
        self.config.directory.join("segments")
    }

    pub(super) fn version(&self) -> Arc<Version> {
        Arc::clone(&self.version.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.sequence.subscribe()
    }

    /// Shows readers the writer's tables; those that are named, or all.
    pub(super) fn publish(&self, writer: &Writer, changed: Option<&[&str]>) {
        let mut tables = match changed {
            Some(_) => self.version().tables.clone(),
            None => BTreeMap::new(),
        };
        for (name, hot) in &writer.hot {
            if changed.is_none_or(|changed| changed.contains(&name.as_str())) {
                tables.insert(name.clone(), Arc::new(hot.version()));
            }
        }
        let next = Arc::new(Version { sequence: writer.sequence, tables });
        *self.version.write().unwrap_or_else(PoisonError::into_inner) = next;
        self.sequence.send_replace(writer.sequence);
    }

    /// A snapshot of the file.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, StorageError> {
        match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            File::Open(database) => {
                database.begin_read().map_err(|source| StorageError::redb("read the store", source))
            }
            File::Failed => Err(StorageError::Interrupted { action: "read the store" }),
            File::Closed => Err(StorageError::Closed),
        }
    }

    /// The write transaction; the caller holds the writer's lock, so nobody else has one.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StorageError> {
        let mut transaction = match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            File::Open(database) => {
                database.begin_write().map_err(|source| StorageError::redb("begin a commit", source))?
            }
            File::Failed => return Err(StorageError::Interrupted { action: "begin a commit" }),
            File::Closed => return Err(StorageError::Closed),
        };
        transaction.set_quick_repair(true);
        Ok(transaction)
    }

    /// Opens the file and fills the writer and everything that readers see from it.
    pub(super) fn open_file(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*file, File::Closed) {
            return Err(StorageError::Closed);
        }
        // The failed handle goes first: it holds the file's lock.
        *file = File::Failed;
        let database = (self.opener)(&self.config).map_err(|source| StorageError::redb("open the store", source))?;
        *file = File::Open(database);
        drop(file);
        let mut loaded = self.load()?;
        for (name, hot) in &mut loaded.hot {
            // A generation that a seal has cut stays closed.
            if let Some(old) = writer.hot.get(name)
                && old.generation > hot.generation
            {
                hot.continue_at(old.generation);
            }
        }
        writer.hot = loaded.hot;
        writer.sequence = loaded.sequence.max(writer.sequence);
        *lock(&self.progress) =
            loaded.progress.into_iter().map(|one| ((one.feed.clone(), one.stream.clone()), one)).collect();
        *lock(&self.gaps) = loaded.gaps.into_iter().map(|gap| (gap.key(), gap)).collect();
        *lock(&self.damaged_batches) = loaded.damaged_batches;
        for hot in writer.hot.values_mut().filter(|hot| self.has_feed(&hot.table.name)) {
            hot.set_receiving();
        }
        self.publish(writer, None);
        writer.doubtful = None;
        Ok(())
    }

    /// Makes sure that memory says what the file says: after a failed commit nobody knows whether it
    /// took place, and redb refuses all further work on the handle, so the file is opened again.
    pub(super) fn heal(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let Some(error) = writer.doubtful.clone() else { return Ok(()) };
        let now = self.clock.monotonic();
        if writer.reopened_at.is_some_and(|last| now.since(last) < REOPEN_PAUSE) {
            return Err(error);
        }
        writer.reopened_at = Some(now);
        writer.epoch += 1;
        self.open_file(writer).inspect_err(|error| writer.doubtful = Some(error.clone()))?;
        tracing::warn!(node = %self.node, %error, "the store failed and was opened again");
        Ok(())
    }

    /// Closes the file; nothing can be written after it.
    pub(super) fn close_file(&self) -> Result<(), StorageError> {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *file, File::Closed) {
            File::Open(database) => database.close().map_err(|source| StorageError::redb("close the store", source)),
            File::Failed | File::Closed => Ok(()),
        }
    }

    /// The table is the target of a feed that has ever delivered.
    fn has_feed(&self, table: &str) -> bool {
        lock(&self.progress).keys().any(|(_, stream)| stream == table)
    }

    /// Whether rows may be arriving that the summary does not know yet.
    pub(super) fn is_receiving(&self, table: &str, newest_arrival_us: Option<i64>) -> bool {
        let recent = |arrival| self.clock.now_us().saturating_sub(arrival) < RECEIVING_US;
        newest_arrival_us.is_some_and(recent) || self.has_feed(table)
    }
}
