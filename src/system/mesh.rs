//! Rows of schema `mesh` that this node answers itself.
//!
//! Each function takes plain facts and the table's definition (`catalog/system.toml`) and gives one
//! batch in the table's Arrow schema. A column that the definition has and this file does not know
//! is NULL, so the two may be changed one after the other.

use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result;

use super::rows::{Rows, Value};
use crate::catalog::Table;
use crate::execution::CoverageReport;
use crate::mesh::{Member, MemberStatus};
use crate::storage::{Gap, SegmentStatus, Version};
use crate::types::NodeName;

/// One stream of one feed, for `mesh.sources`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceRow {
    /// Configured name of the endpoint.
    pub feed: String,
    /// `alerts`, `logs` or `messages`.
    pub stream: String,
    /// Address of the endpoint.
    pub address: String,
    /// `connected` or `disconnected`.
    pub status: String,
    /// When the status changed: microseconds since 1970 UTC.
    pub status_since_us: Option<i64>,
    /// Connections made so far.
    pub epoch: u64,
    /// Events received since the node started.
    pub received: u64,
    /// Events committed since the node started.
    pub stored: u64,
    /// Events that the full local queue refused.
    pub dropped: u64,
    /// Events with a value that did not parse into its column.
    pub malformed: u64,
    /// When the newest event was received: microseconds since 1970 UTC.
    pub last_received_us: Option<i64>,
    /// Why it was last disconnected.
    pub last_error: Option<String>,
}

/// `mesh.nodes`: every node that this node knows.
pub fn nodes_batch(table: &Table, members: &[Member]) -> Result<RecordBatch> {
    let mut rows = Rows::new(&table.arrow);
    for member in members {
        let known: u64 = member.tables.values().map(|table| table.rows).sum();
        let status = match member.status {
            MemberStatus::Up => "up",
            MemberStatus::Down => "down",
            MemberStatus::Unknown => "unknown",
        };
        rows.push_known(&[
            ("node", member.name.as_str().into()),
            ("role", member.role.as_str().into()),
            ("address", member.address.as_str().into()),
            ("version", member.version.as_str().into()),
            ("status", status.into()),
            ("status_since", Value::Instant(member.status_since_us)),
            ("last_heard", instant(member.last_heard_us)),
            ("rows", count(known)),
            ("summary_age_ms", milliseconds(member.summary_age)),
        ]);
    }
    rows.finish()
}

/// `mesh.sources`: the streams that `node` pulls from.
pub fn sources_batch(table: &Table, node: &NodeName, sources: &[SourceRow]) -> Result<RecordBatch> {
    let mut rows = Rows::new(&table.arrow);
    for source in sources {
        rows.push_known(&[
            ("node", node.as_str().into()),
            ("feed", source.feed.as_str().into()),
            ("stream", source.stream.as_str().into()),
            ("address", source.address.as_str().into()),
            ("status", source.status.as_str().into()),
            ("status_since", instant(source.status_since_us)),
            ("epoch", count(source.epoch)),
            ("received", count(source.received)),
            ("stored", count(source.stored)),
            ("dropped", count(source.dropped)),
            ("malformed", count(source.malformed)),
            ("last_received", instant(source.last_received_us)),
            ("last_error", Value::text_or_null(source.last_error.as_deref())),
        ]);
    }
    rows.finish()
}

/// `mesh.source_gaps`: when feeds of `node` were not heard.
pub fn source_gaps_batch(table: &Table, node: &NodeName, gaps: &[Gap]) -> Result<RecordBatch> {
    let mut rows = Rows::new(&table.arrow);
    for gap in gaps {
        rows.push_known(&[
            ("node", node.as_str().into()),
            ("feed", gap.feed.as_str().into()),
            ("stream", gap.stream.as_str().into()),
            ("from_time", Value::Instant(gap.from_us)),
            ("to_time", instant(gap.to_us)),
            ("reason", gap.reason.as_str().into()),
            ("lost", gap.lost.map_or(Value::Null, count)),
        ]);
    }
    rows.finish()
}

/// `mesh.tables`: the event tables of `node`.
pub fn tables_batch(table: &Table, node: &NodeName, version: &Version) -> Result<RecordBatch> {
    let mut rows = Rows::new(&table.arrow);
    for (name, held) in &version.tables {
        let hot: usize = held.hot.iter().map(RecordBatch::num_rows).sum();
        let time = held.summary.time;
        rows.push_known(&[
            ("node", node.as_str().into()),
            ("table_name", name.as_str().into()),
            ("rows", count(held.summary.rows)),
            ("hot_rows", count(hot as u64)),
            ("segments", count(held.segments.len() as u64)),
            ("bytes", count(held.summary.bytes)),
            ("min_time", instant(time.map(|time| time.min_us))),
            ("max_time", instant(time.map(|time| time.max_us))),
        ]);
    }
    rows.finish()
}

/// `mesh.segments`: the sealed segments of `node`.
pub fn segments_batch(table: &Table, node: &NodeName, version: &Version) -> Result<RecordBatch> {
    let mut rows = Rows::new(&table.arrow);
    for (name, held) in &version.tables {
        for segment in &held.segments {
            let status = match segment.status {
                SegmentStatus::Ready => "ready",
                SegmentStatus::Damaged => "damaged",
            };
            rows.push_known(&[
                ("node", node.as_str().into()),
                ("table_name", name.as_str().into()),
                ("segment", segment.name.as_str().into()),
                ("rows", count(segment.rows)),
                ("bytes", count(segment.bytes)),
                ("min_time", Value::Instant(segment.time.min_us)),
                ("max_time", Value::Instant(segment.time.max_us)),
                ("sealed_at", Value::Instant(segment.sealed_at_us)),
                ("checksum", segment.checksum.as_str().into()),
                ("status", status.into()),
            ]);
        }
    }
    rows.finish()
}

/// `mesh.last_coverage`: which nodes the session's last query was asked of.
pub fn last_coverage_batch(table: &Table, report: &CoverageReport) -> Result<RecordBatch> {
    let mut rows = Rows::new(&table.arrow);
    for node in &report.nodes {
        rows.push_known(&[
            ("node", node.node.as_str().into()),
            ("status", node.status.as_str().into()),
            ("reason", Value::text_or_null(node.reason.as_deref())),
            ("fragments", count(node.fragments)),
            ("rows_returned", count(node.rows_returned)),
            ("rows_known", count(node.rows_known)),
            ("summary_age_ms", milliseconds(node.summary_age)),
            ("elapsed_ms", node.elapsed.map_or(Value::Null, |elapsed| Value::Real(elapsed.as_secs_f64() * 1_000.0))),
        ]);
    }
    rows.finish()
}

fn count(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn instant(us: Option<i64>) -> Value {
    us.map_or(Value::Null, Value::Instant)
}

fn milliseconds(duration: Option<Duration>) -> Value {
    duration.map_or(Value::Null, |duration| Value::Integer(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use datafusion::arrow::array::{Array, AsArray};
    use datafusion::arrow::datatypes::Int64Type;

    use super::{
        SourceRow, last_coverage_batch, nodes_batch, segments_batch, source_gaps_batch, sources_batch, tables_batch,
    };
    use crate::catalog::{MESH, Table, builtin};
    use crate::execution::{Coverage, CoverageStatus};
    use crate::mesh::{Member, MemberStatus, Role};
    use crate::storage::{Gap, Version};
    use crate::types::{NodeName, TableSummary};

    fn table(name: &str) -> Arc<Table> {
        let catalog = builtin().expect("built-in catalog");
        Arc::clone(catalog.table("kubearmor", MESH, name).expect("mesh table"))
    }

    #[test]
    fn every_batch_has_its_table_s_columns() {
        let node = NodeName::new("edge-1").expect("name");
        let summary = TableSummary { rows: 3, ..TableSummary::default() };
        let member = Member {
            name: node.clone(),
            role: Role::Edge,
            address: "127.0.0.1:1".to_owned(),
            version: "0.1.0".to_owned(),
            status: MemberStatus::Up,
            reason: None,
            status_since_us: 1,
            last_heard_us: None,
            tables: Arc::new([("logs".to_owned(), summary)].into()),
            summary_age: Some(Duration::from_millis(7)),
            is_self: true,
        };
        let nodes = nodes_batch(&table("nodes"), &[member]).expect("nodes");
        assert_eq!(nodes.column_by_name("rows").expect("rows").as_primitive::<Int64Type>().value(0), 3);
        assert!(nodes.column_by_name("last_heard").expect("last_heard").is_null(0));
        let sources = sources_batch(&table("sources"), &node, &[SourceRow::default()]).expect("sources");
        let gap = Gap {
            feed: "f".into(),
            stream: "logs".into(),
            from_us: 1,
            to_us: None,
            reason: "connect".into(),
            lost: None,
        };
        let gaps = source_gaps_batch(&table("source_gaps"), &node, &[gap]).expect("gaps");
        let version = Version::empty(builtin().expect("catalog").event_tables().cloned().collect());
        let tables = tables_batch(&table("tables"), &node, &version).expect("tables");
        let segments = segments_batch(&table("segments"), &node, &version).expect("segments");
        let coverage = Coverage::default();
        coverage.note(&node, |entry| entry.status = CoverageStatus::Answered);
        let coverage = last_coverage_batch(&table("last_coverage"), &coverage.report()).expect("coverage");
        let counts = [sources.num_rows(), gaps.num_rows(), tables.num_rows(), segments.num_rows(), coverage.num_rows()];
        assert_eq!(counts, [1, 1, 3, 0, 1]);
        assert_eq!(coverage.schema(), table("last_coverage").arrow);
    }
}
