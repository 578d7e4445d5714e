//! What a scan sees: the hot batches and the list of segments of every event table, immutable.
//!
//! A commit makes a new version and swaps it in; whoever holds the old one goes on reading it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;

use super::summary::{RowFacts, summarise};
use crate::catalog::Table;
use crate::types::{DistinctSet, TableSummary, TimeRange};

/// Whether a segment can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentStatus {
    /// It is whole.
    Ready,
    /// Its checksum failed; it was set aside and is not read.
    Damaged,
}

impl SegmentStatus {
    /// Its name in `mesh.segments`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Damaged => "damaged",
        }
    }
}

/// An immutable Parquet file of one event table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its name, unique on the node.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Rows.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Range of the column `time`.
    pub time: TimeRange,
    /// When it was sealed, in microseconds since 1970 UTC.
    pub sealed_at_us: i64,
    /// Checksum of the file, hexadecimal.
    pub checksum: String,
    /// Whether it can be read.
    pub status: SegmentStatus,
    /// NULLs by column name; a column that is absent did not exist when it was sealed.
    pub null_counts: BTreeMap<String, u64>,
    /// Distinct values of the columns that summaries list.
    pub distinct: BTreeMap<String, DistinctSet>,
}

/// One event table at one moment.
#[derive(Debug, Clone)]
pub struct TableVersion {
    /// Its definition.
    pub table: Arc<Table>,
    /// The rows that are durable but not sealed.
    pub hot: Vec<RecordBatch>,
    /// The sealed rows, in the order of their earliest events; damaged segments too.
    pub segments: Vec<Arc<Segment>>,
    /// What is true of all its rows that can be read.
    pub summary: TableSummary,
    /// Hot batches whose rows are missing from every answer because they were found damaged.
    pub damaged_batches: u64,
    /// Facts about each batch of `hot`.
    pub(super) hot_facts: Vec<Arc<RowFacts>>,
    /// When the newest hot batch arrived.
    pub(super) newest_arrival_us: Option<i64>,
}

impl TableVersion {
    /// A table with these rows; the batches must have its columns.
    pub fn new(table: Arc<Table>, hot: Vec<RecordBatch>, segments: Vec<Arc<Segment>>) -> Self {
        let hot_facts: Vec<Arc<RowFacts>> = hot.iter().map(|batch| Arc::new(RowFacts::of(batch))).collect();
        let summary = summarise(hot_facts.iter().map(Arc::as_ref), segments.iter().map(Arc::as_ref));
        Self { table, hot, segments, summary, damaged_batches: 0, hot_facts, newest_arrival_us: None }
    }

    /// Rows of the hot tier.
    pub fn hot_rows(&self) -> u64 {
        self.hot_facts.iter().map(|facts| facts.rows).sum()
    }

    /// Bytes of the hot tier in memory.
    pub fn hot_bytes(&self) -> u64 {
        self.hot_facts.iter().map(|facts| facts.bytes).sum()
    }

    /// The segments that can be read.
    pub fn ready_segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments.iter().filter(|segment| segment.status == SegmentStatus::Ready)
    }

    /// The segments whose rows are missing from every answer because they were found damaged.
    pub fn damaged_segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments.iter().filter(|segment| segment.status == SegmentStatus::Damaged)
    }
}

/// All event tables at one moment.
#[derive(Debug, Clone)]
pub struct Version {
    /// Sequence of the newest commit in it.
    pub sequence: u64,
    /// The tables by name.
    pub tables: BTreeMap<String, Arc<TableVersion>>,
}

impl Version {
    /// Tables without rows.
    pub fn empty(tables: Vec<Arc<Table>>) -> Self {
        let tables = tables
            .into_iter()
            .map(|table| (table.name.clone(), Arc::new(TableVersion::new(Arc::clone(&table), Vec::new(), Vec::new()))));
        Self { sequence: 0, tables: tables.collect() }
    }
}
