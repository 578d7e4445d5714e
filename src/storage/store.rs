//! The face of the room: what other rooms may ask of a node's rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::commit::Changes;
use super::core::{Core, lock};
use super::glue::GlueStorage;
use super::{
    DamagedBatch, FeedProgress, Gap, Segment, SegmentStatus, StorageError, StoreConfig, Version, layout, open,
};
use crate::catalog::Table;
use crate::env::{Clock, run_blocking};
use crate::types::{NodeName, TableSummary};

/// The rows of one node.
#[derive(Debug)]
pub struct Store {
    pub(super) core: Arc<Core>,
}

impl Store {
    /// Opens the data directory and rebuilds what was committed.
    pub async fn open(
        config: StoreConfig,
        node: NodeName,
        tables: Vec<Arc<Table>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StorageError> {
        let core = open::open(config, node, tables, clock, Box::new(open::open_database)).await?;
        let store = Arc::new(Self { core });
        store.drop_temporary_tables().await?;
        Ok(store)
    }

    /// Appends batches (table name, rows in the table's Arrow schema) and notes the feeds' progress
    /// in ONE durable transaction; returns its sequence once it is on disk and visible.
    ///
    /// After an error the rows are not visible; when the disk failed in the middle, whether they
    /// will be is told by [`Store::progress`] after the next call that works.
    pub async fn append(
        &self,
        batches: Vec<(String, RecordBatch)>,
        progress: Vec<FeedProgress>,
    ) -> Result<u64, StorageError> {
        let mut changes = Changes { progress, ..Changes::default() };
        for (table, rows) in batches {
            changes.add_rows(self.core.check_rows(table, &rows)?);
        }
        self.core.commit(changes).await
    }

    /// The node whose rows are here.
    pub fn node(&self) -> &NodeName {
        &self.core.node
    }

    /// The rows as they are now; it stays as it is for whoever holds it.
    pub fn version(&self) -> Arc<Version> {
        self.core.version()
    }

    /// Tells of every new version.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.core.changes()
    }

    /// What this node publishes about its event tables.
    pub fn summaries(&self) -> BTreeMap<String, TableSummary> {
        let version = self.version();
        let current = version.tables.iter().map(|(name, table)| {
            let receiving = self.core.is_receiving(name, table.newest_arrival_us);
            let damaged = table.damaged_batches > 0 || table.damaged_segments().next().is_some();
            (name.clone(), TableSummary { receiving, damaged, ..table.summary.clone() })
        });
        current.collect()
    }

    /// How far every stream has been committed, also before a restart.
    pub fn progress(&self) -> Vec<FeedProgress> {
        lock(&self.core.progress).values().cloned().collect()
    }

    /// Writes a gap durably, replacing the one with the same key.
    pub async fn put_gap(&self, gap: Gap) -> Result<(), StorageError> {
        self.core.commit(Changes { gaps: vec![gap], ..Changes::default() }).await.map(drop)
    }

    /// All gaps, oldest first.
    pub fn gaps(&self) -> Vec<Gap> {
        lock(&self.core.gaps).values().cloned().collect()
    }

    /// Writes a small document durably under a key (for other rooms' own state).
    pub async fn put_document(&self, key: &str, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.core.commit(Changes { documents: vec![(key.to_owned(), bytes)], ..Changes::default() }).await.map(drop)
    }

    /// Reads a document.
    pub async fn document(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let (core, key) = (Arc::clone(&self.core), key.to_owned());
        let read = move || {
            let failed = |source: redb::Error| StorageError::redb("read a document", source);
            let table = core.begin_read()?.open_table(layout::DOCUMENTS).map_err(|error| failed(error.into()))?;
            let found = table.get(key.as_str()).map_err(|error| failed(error.into()))?;
            Ok(found.map(|bytes| bytes.value().to_vec()))
        };
        run_blocking("read a document", read).await?
    }

    /// Hot batches that could not be read back when the store was opened; their rows are missing.
    pub fn damaged_batches(&self) -> Vec<DamagedBatch> {
        lock(&self.core.damaged_batches).clone()
    }

    /// Seals a table's hot tier now; none when it is empty.
    pub async fn seal_table(&self, table: &str) -> Result<Option<Arc<Segment>>, StorageError> {
        self.core.seal_table(table).await
    }

    /// Reads a segment through and compares it with the manifest; a damaged one is set aside.
    pub async fn verify_segment(&self, table: &str, segment: &str) -> Result<SegmentStatus, StorageError> {
        self.core.verify_segment(table, segment).await
    }

    /// Seals what is due and verifies segments in the background, until `stop`.
    pub async fn run_sealing(self: Arc<Self>, stop: CancellationToken) {
        Arc::clone(&self.core).run_sealing(stop).await;
    }

    /// A handle for one reading statement of GlueSQL, over a snapshot of now.
    pub fn glue_reader(&self) -> Result<GlueStorage, StorageError> {
        GlueStorage::reader(&self.core)
    }

    /// A handle for one writing statement or transaction of GlueSQL, over a snapshot of now. Only one
    /// exists at a time; waits for it no longer than `lock_timeout`.
    pub async fn glue_writer(&self, lock_timeout: Duration) -> Result<GlueStorage, StorageError> {
        let turn = Arc::clone(&self.core.sql_writer).lock_owned();
        let turn = tokio::time::timeout(lock_timeout, turn).await.map_err(|_| StorageError::LockTimeout)?;
        GlueStorage::writer(&self.core, turn)
    }

    /// Waits for what is being written and closes the store's file; versions that are held stay
    /// readable.
    pub async fn close(&self) -> Result<(), StorageError> {
        let turn = Arc::clone(&self.core.writer).lock_owned().await;
        let core = Arc::clone(&self.core);
        run_blocking("close the store", move || {
            let _turn = turn;
            core.close_file()
        })
        .await?
    }
}
