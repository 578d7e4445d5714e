//! History into an event table: written to segments aside, and there for readers all at once.
//!
//! Rows that come through a feed are hot first, so that each commit is small and soon. Whoever loads millions of rows
//! that exist elsewhere wants all of them or none: they go straight into Parquet files that nothing refers to, and one
//! transaction enters all files in the manifest. What a crash or a client that gave up leaves is an orphan file, which
//! opening the store deletes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use datafusion::arrow::array::RecordBatch;

use super::commit::{Changes, NewRows};
use super::core::Core;
use super::segment::write::write_segment;
use super::summary::RowFacts;
use super::{Segment, SegmentStatus, StorageError, Store, manifest};
use crate::env::{BlockingFailed, run_blocking};

/// Rows on their way into an event table. Dropping it leaves nothing of them.
pub struct Load {
    core: Arc<Core>,
    table: String,
    /// What the names of its files have in common.
    prefix: String,
    waiting: Vec<NewRows>,
    facts: RowFacts,
    /// The file that is being written, on a thread of its own.
    writing: Option<Writing>,
    files: usize,
    written: Vec<LooseFile>,
}

impl std::fmt::Debug for Load {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Load").field("table", &self.table).field("files", &self.files).finish_non_exhaustive()
    }
}

/// A file that is being written.
type Writing = Pin<Box<dyn Future<Output = Result<Result<LooseFile, StorageError>, BlockingFailed>> + Send + Sync>>;

/// A segment that the manifest does not know: its file goes with it.
struct LooseFile(Option<Arc<Segment>>);

impl Drop for LooseFile {
    fn drop(&mut self) {
        let Some(segment) = self.0.take() else { return };
        if let Err(error) = std::fs::remove_file(&segment.path) {
            tracing::debug!(segment = %segment.name, %error, "an unused segment stays until the next start");
        }
    }
}

impl Store {
    /// Starts to load rows into an event table.
    pub fn load(&self, table: &str) -> Result<Load, StorageError> {
        if !self.core.tables.iter().any(|known| known.name == table) {
            return Err(StorageError::UnknownTable { table: table.to_owned() });
        }
        let number = self.core.loads.fetch_add(1, Ordering::Relaxed);
        Ok(Load {
            core: Arc::clone(&self.core),
            table: table.to_owned(),
            prefix: format!("{table}-loaded-{:020}-{number}", self.core.clock.now_us()),
            waiting: Vec::new(),
            facts: RowFacts::default(),
            writing: None,
            files: 0,
            written: Vec::new(),
        })
    }
}

impl Load {
    /// Takes rows over; their columns must be the table's. Waits while files cannot be written as fast.
    pub async fn push(&mut self, rows: &RecordBatch) -> Result<(), StorageError> {
        let new = self.core.check_rows(self.table.clone(), rows)?;
        if new.facts.rows == 0 {
            return Ok(());
        }
        self.facts.absorb(&new.facts);
        self.waiting.push(new);
        let config = &self.core.config;
        if self.facts.rows >= config.seal_rows as u64 || self.facts.bytes >= config.seal_bytes as u64 {
            self.write().await?;
        }
        Ok(())
    }

    /// Makes all rows durable, then visible; returns how many there are.
    pub async fn commit(mut self) -> Result<u64, StorageError> {
        self.write().await?;
        self.finish_file().await?;
        let segments = self.written.iter_mut().filter_map(|file| Some((self.table.clone(), file.0.take()?)));
        let segments: Vec<(String, Arc<Segment>)> = segments.collect();
        let rows = segments.iter().map(|(_, segment)| segment.rows).sum();
        if rows > 0 {
            // A commit that fails may still be on disk: its files stay until the store is opened again.
            self.core.commit(Changes { segments, ..Changes::default() }).await?;
        }
        Ok(rows)
    }

    /// Begins the next file with what waits; one is written at a time.
    async fn write(&mut self) -> Result<(), StorageError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.finish_file().await?;
        let rows: Vec<RecordBatch> = std::mem::take(&mut self.waiting).into_iter().map(NewRows::into_rows).collect();
        let facts = std::mem::take(&mut self.facts);
        self.files += 1;
        let name = format!("{}-{:06}", self.prefix, self.files);
        let core = Arc::clone(&self.core);
        let mut writing: Writing = Box::pin(run_blocking("write a segment", move || {
            segment_of(&core, name, &rows, facts).map(|segment| LooseFile(Some(Arc::new(segment))))
        }));
        // The work begins when it is first asked for, and goes on while nobody asks.
        match futures::poll!(&mut writing) {
            Poll::Ready(written) => self.written.push(written??),
            Poll::Pending => self.writing = Some(writing),
        }
        Ok(())
    }

    async fn finish_file(&mut self) -> Result<(), StorageError> {
        if let Some(writing) = self.writing.take() {
            self.written.push(writing.await??);
        }
        Ok(())
    }
}

fn segment_of(core: &Core, name: String, rows: &[RecordBatch], facts: RowFacts) -> Result<Segment, StorageError> {
    let directory = core.segments_directory();
    let written = write_segment(&directory, &name, rows)?;
    let no_time = || StorageError::Corrupt { what: "rows to load".to_owned(), reason: "no time".to_owned() };
    Ok(Segment {
        path: manifest::segment_path(&directory, &name),
        name,
        rows: facts.rows,
        bytes: written.bytes,
        time: facts.time.ok_or_else(no_time)?,
        sealed_at_us: core.clock.now_us(),
        checksum: written.checksum,
        status: SegmentStatus::Ready,
        null_counts: facts.null_counts,
        distinct: facts.distinct,
    })
}
