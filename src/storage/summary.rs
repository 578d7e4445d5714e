//! Facts about rows: counted once per batch, then only added up.
//!
//! They serve three readers: the summary that the node publishes, the exact statistics of a scan,
//! and the manifest entry of a segment (so that opening the store reads no Parquet file).

use std::collections::{BTreeMap, HashSet};

use datafusion::arrow::array::{Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::{max, min};
use datafusion::arrow::datatypes::{DataType, TimeUnit};

use super::{Segment, SegmentStatus, StorageError, batch};
use crate::catalog::Table;
use crate::types::{DistinctSet, TableSummary, TimeRange};

/// The column that event tables are ordered and pruned by.
pub(super) const TIME_COLUMN: &str = "time";

/// The columns whose distinct values a summary lists.
pub(super) const SUMMARY_COLUMNS: [&str; 4] = ["cluster_name", "feed", "host_name", "namespace_name"];

/// What is true of some rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RowFacts {
    /// Rows.
    pub(super) rows: u64,
    /// Bytes in memory.
    pub(super) bytes: u64,
    /// Range of `time`; none without rows.
    pub(super) time: Option<TimeRange>,
    /// NULLs, by column name.
    pub(super) null_counts: BTreeMap<String, u64>,
    /// Distinct values of the summary columns.
    pub(super) distinct: BTreeMap<String, DistinctSet>,
}

impl RowFacts {
    /// Looks at every row of a batch that has its table's columns.
    pub(super) fn of(rows: &RecordBatch) -> Self {
        let mut facts = Self { rows: rows.num_rows() as u64, bytes: batch::bytes_of(rows), ..Self::default() };
        for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
            facts.null_counts.insert(field.name().clone(), column.null_count() as u64);
            if SUMMARY_COLUMNS.contains(&field.name().as_str())
                && let Some(texts) = column.as_any().downcast_ref::<StringArray>()
            {
                facts.distinct.insert(field.name().clone(), distinct_of(texts));
            }
        }
        facts.time = rows.column_by_name(TIME_COLUMN).and_then(|column| time_range_of(column.as_ref()));
        facts
    }

    /// Adds other rows.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.time = TimeRange::union_of(self.time, other.time);
        for (column, nulls) in &other.null_counts {
            *self.null_counts.entry(column.clone()).or_default() += nulls;
        }
        absorb_distinct(&mut self.distinct, &other.distinct);
    }
}

fn absorb_distinct(into: &mut BTreeMap<String, DistinctSet>, from: &BTreeMap<String, DistinctSet>) {
    for (column, set) in from {
        into.entry(column.clone()).or_default().merge(set);
    }
}

fn distinct_of(texts: &StringArray) -> DistinctSet {
    let mut seen = HashSet::new();
    let mut set = DistinctSet::default();
    for text in texts.iter().flatten() {
        if seen.insert(text) {
            set.insert(text);
            if set == DistinctSet::TooMany {
                break;
            }
        }
    }
    set
}

/// The range of an array of instants; none when it is empty or of another type.
fn time_range_of(column: &dyn Array) -> Option<TimeRange> {
    let instants = column.as_any().downcast_ref::<TimestampMicrosecondArray>()?;
    Some(TimeRange { min_us: min(instants)?, max_us: max(instants)? })
}

/// Event tables have a column `time` that is never NULL, and a name that can be part of a file name.
pub(super) fn check_table(table: &Table) -> Result<(), StorageError> {
    let refuse = |reason| Err(StorageError::UnsuitableTable { table: table.name.clone(), reason });
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if table.name.is_empty() || !table.name.bytes().all(plain) {
        return refuse("its name has characters other than a-z, 0-9 and _");
    }
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match table.arrow.field_with_name(TIME_COLUMN) {
        Err(_) => refuse("it has no column \"time\""),
        Ok(field) if *field.data_type() != instant => refuse("its column \"time\" is no timestamptz"),
        Ok(field) if field.is_nullable() => refuse("its column \"time\" may be NULL"),
        Ok(_) => Ok(()),
    }
}

/// The summary of a table with these hot rows and segments. Damaged segments are not in it: what it
/// says is about rows that can be read.
pub(super) fn summarise<'a>(
    hot: impl IntoIterator<Item = &'a RowFacts>,
    segments: impl IntoIterator<Item = &'a Segment>,
) -> TableSummary {
    let mut summary = TableSummary::default();
    for segment in segments {
        if segment.status == SegmentStatus::Ready {
            summary.rows += segment.rows;
            summary.bytes += segment.bytes;
            summary.time = TimeRange::union_of(summary.time, Some(segment.time));
            absorb_distinct(&mut summary.distinct, &segment.distinct);
        }
    }
    for facts in hot {
        absorb_facts(&mut summary, facts);
    }
    summary
}

/// Adds hot rows to a summary.
pub(super) fn absorb_facts(summary: &mut TableSummary, facts: &RowFacts) {
    summary.rows += facts.rows;
    summary.bytes += facts.bytes;
    summary.time = TimeRange::union_of(summary.time, facts.time);
    absorb_distinct(&mut summary.distinct, &facts.distinct);
}
