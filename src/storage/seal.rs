//! Moves the hot tier of a table into a Parquet segment.
//!
//! A row is visible in exactly one place at any moment: the manifest entry of the new segment and
//! the end of its batches are one transaction, and readers see both or neither. A crash before it
//! leaves an orphan file, which opening the store deletes; the rows are still hot. Ingest goes on
//! meanwhile: the seal closes the current generation, and later batches go to the next. Called by
//! the background loop that `node` starts, and by whoever wants a table sealed now.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use tokio_util::sync::CancellationToken;

use super::commit::{Changes, Sealed};
use super::core::{Core, Writer};
use super::hot::Chunk;
use super::segment::verify::{self, Finding};
use super::segment::write::write_segment;
use super::summary::RowFacts;
use super::{Segment, SegmentStatus, StorageError, manifest};
use crate::env::run_blocking;

/// How often the loop looks at the tables.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long it waits after a seal that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(30);

/// A closed generation on its way to a segment.
struct Cut {
    table: String,
    generation: u64,
    chunks: Vec<Chunk>,
    /// The file was not opened again since.
    epoch: u64,
}

impl Core {
    /// Seals a table's hot tier now; none when it is empty.
    pub(super) async fn seal_table(self: &Arc<Self>, table: &str) -> Result<Option<Arc<Segment>>, StorageError> {
        let _one_at_a_time = self.sealing.lock().await;
        let Some(cut) = self.cut(table).await? else { return Ok(None) };
        let core = Arc::clone(self);
        let (cut, segment) = run_blocking("write a segment", move || {
            let segment = core.write(&cut);
            (cut, segment)
        })
        .await?;
        self.finish(cut, Arc::new(segment?)).await.map(Some)
    }

    /// Closes the table's generation. No commit can be under way with its number: that needs the lock.
    async fn cut(self: &Arc<Self>, table: &str) -> Result<Option<Cut>, StorageError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let (core, table) = (Arc::clone(self), table.to_owned());
        run_blocking("begin a seal", move || {
            core.heal(&mut writer)?;
            let epoch = writer.epoch;
            let Some(hot) = writer.hot.get_mut(&table) else { return Err(StorageError::UnknownTable { table }) };
            Ok(hot.cut().map(|(generation, chunks)| Cut { table, generation, chunks, epoch }))
        })
        .await?
    }

    /// Writes the file. Nothing refers to it yet.
    fn write(&self, cut: &Cut) -> Result<Segment, StorageError> {
        let mut facts = RowFacts::default();
        cut.chunks.iter().for_each(|chunk| facts.absorb(&chunk.facts));
        let rows: Vec<RecordBatch> = cut.chunks.iter().map(|chunk| chunk.rows.clone()).collect();
        let directory = self.segments_directory();
        let name = manifest::segment_name(&cut.table, cut.generation);
        let written = write_segment(&directory, &name, &rows)?;
        let no_time = || StorageError::Corrupt { what: "the hot tier".to_owned(), reason: "no time".to_owned() };
        Ok(Segment {
            path: manifest::segment_path(&directory, &name),
            name,
            rows: facts.rows,
            bytes: written.bytes,
            time: facts.time.ok_or_else(no_time)?,
            sealed_at_us: self.clock.now_us(),
            checksum: written.checksum,
            status: SegmentStatus::Ready,
            null_counts: facts.null_counts,
            distinct: facts.distinct,
        })
    }

    /// Enters the segment in the place of its batches.
    async fn finish(self: &Arc<Self>, cut: Cut, segment: Arc<Segment>) -> Result<Arc<Segment>, StorageError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let core = Arc::clone(self);
        run_blocking("finish a seal", move || {
            core.heal(&mut writer)?;
            if writer.epoch != cut.epoch {
                // What is on disk may be more than what was cut, and the batches must go as a whole:
                // the rows stay hot, and the file is an orphan that nothing has ever referred to.
                std::fs::remove_file(&segment.path)
                    .map_err(|source| StorageError::file("remove an unused segment", source))?;
                return Err(StorageError::Interrupted { action: "seal" });
            }
            let sealed = Sealed { table: cut.table, cut: cut.generation, segment: Arc::clone(&segment) };
            core.carry_out(&mut writer, &[Changes { sealed: Some(sealed), ..Changes::default() }])?;
            Ok(segment)
        })
        .await?
    }

    /// The first table whose hot tier is large or old enough.
    async fn due(&self) -> Option<String> {
        let writer = self.writer.lock().await;
        let now_us = self.clock.now_us();
        let age_us = i64::try_from(self.config.seal_age.as_micros()).unwrap_or(i64::MAX);
        let is_due = |pressure: (u64, u64, Option<i64>)| {
            let (rows, bytes, oldest) = pressure;
            rows >= self.config.seal_rows as u64
                || bytes >= self.config.seal_bytes as u64
                || oldest.is_some_and(|oldest| now_us.saturating_sub(oldest) >= age_us)
        };
        let mut tables = writer.hot.iter();
        tables.find(|(_, hot)| hot.pressure().0 > 0 && is_due(hot.pressure())).map(|(name, _)| name.clone())
    }

    /// Seals what is due, and reads every segment through once, until `stop`.
    pub(super) async fn run_sealing(self: Arc<Self>, stop: CancellationToken) {
        let mut unverified = self.segment_names();
        loop {
            let pause = match self.due().await {
                Some(table) => match self.seal_table(&table).await {
                    Ok(segment) => {
                        report_sealed(&table, segment.as_deref());
                        Duration::ZERO
                    }
                    Err(StorageError::Closed) => return,
                    Err(error) => {
                        tracing::error!(%table, %error, cause = ?error, "sealing failed; the rows stay in the hot tier");
                        FAILURE_PAUSE
                    }
                },
                None => self.verify_next(&mut unverified).await,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn verify_next(self: &Arc<Self>, unverified: &mut Vec<(String, String)>) -> Duration {
        if let Some((table, name)) = unverified.pop()
            && let Err(error) = self.verify_segment(&table, &name).await
        {
            tracing::error!(segment = %name, %error, cause = ?error, "a segment could not be verified");
        }
        LOOK_INTERVAL
    }

    /// (table, segment) of all segments that can be read.
    pub(super) fn segment_names(&self) -> Vec<(String, String)> {
        let version = self.version();
        let of_table = |table: &String| {
            let table = table.clone();
            move |segment: &Arc<Segment>| (table.clone(), segment.name.clone())
        };
        version.tables.iter().flat_map(|(name, table)| table.ready_segments().map(of_table(name))).collect()
    }

    /// Reads a segment through; one that is not what was sealed is set aside.
    pub(super) async fn verify_segment(
        self: &Arc<Self>,
        table: &str,
        name: &str,
    ) -> Result<SegmentStatus, StorageError> {
        let version = self.version();
        let found = version.tables.get(table).and_then(|table| {
            table.segments.iter().find(|segment| segment.name == name && segment.status == SegmentStatus::Ready)
        });
        let Some(segment) = found.cloned() else { return Ok(SegmentStatus::Damaged) };
        let read = Arc::clone(&segment);
        let finding = run_blocking("verify a segment", move || verify::check_contents(&read)).await??;
        let Finding::Damaged(reason) = finding else { return Ok(SegmentStatus::Ready) };
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let (core, table) = (Arc::clone(self), table.to_owned());
        run_blocking("set a segment aside", move || {
            core.heal(&mut writer)?;
            core.set_aside(&mut writer, table, &segment, &reason)
        })
        .await??;
        Ok(SegmentStatus::Damaged)
    }

    /// Marks a segment as damaged, durably, then gives its file another name.
    pub(super) fn set_aside(
        &self,
        writer: &mut Writer,
        table: String,
        segment: &Segment,
        reason: &str,
    ) -> Result<(), StorageError> {
        let (name, rows) = (&segment.name, segment.rows);
        tracing::error!(%table, segment = %name, rows, reason, "a segment is damaged; its rows are missing");
        let damaged = Arc::new(Segment { status: SegmentStatus::Damaged, ..segment.clone() });
        self.carry_out(writer, &[Changes { segments: vec![(table, damaged)], ..Changes::default() }])?;
        verify::rename_damaged(segment)
    }
}

fn report_sealed(table: &str, segment: Option<&Segment>) {
    if let Some(segment) = segment {
        tracing::info!(table, segment = %segment.name, rows = segment.rows, bytes = segment.bytes, "sealed");
    }
}
