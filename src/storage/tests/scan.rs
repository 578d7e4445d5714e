//! A scan brings the right rows, prunes what cannot match, and is exact only where it may be.

use std::sync::Arc;

use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::physical_plan::displayable;
use datafusion::prelude::SessionContext;

use crate::storage::testing::{alerts, append, open, query, rows, session, table};
use crate::storage::{Store, TableVersion};

/// Four segments of ten rows and ten hot rows in two batches.
async fn store(directory: &std::path::Path) -> Arc<Store> {
    let store = open(directory).await;
    for number in 0..4 {
        append(&store, number * 10..number * 10 + 10).await;
        store.seal_table("alerts").await.expect("seal");
    }
    append(&store, 40..45).await;
    append(&store, 45..50).await;
    store
}

async fn plan(context: &SessionContext, sql: &str) -> String {
    let frame = context.sql(sql).await.expect("plan");
    displayable(frame.create_physical_plan().await.expect("plan").as_ref()).indent(false).to_string()
}

fn numbers(rows: &RecordBatch) -> Vec<i64> {
    let column = rows.column_by_name("number").expect("number").as_any().downcast_ref::<Int64Array>();
    column.expect("integers").values().to_vec()
}

/// What leaves a scan has exactly the table's schema, metadata and string type included.
#[tokio::test]
async fn the_schema_is_the_tables() {
    let directory = tempfile::tempdir().expect("directory");
    let store = store(directory.path()).await;
    let (context, _) = session(alerts(&store));
    let frame = context.sql("SELECT * FROM alerts").await.expect("plan");
    let plan = frame.create_physical_plan().await.expect("plan");
    assert_eq!(plan.schema().fields(), table().arrow.fields());
    let batches = datafusion::physical_plan::collect(plan, context.task_ctx()).await.expect("run");
    assert!(batches.iter().all(|batch| batch.schema().fields() == table().arrow.fields()));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 50);
}

/// Segments outside a time range are not opened; neither are those without the wanted namespace or
/// feed. The rows are the right ones all the same.
#[tokio::test]
async fn whole_segments_are_pruned() {
    let directory = tempfile::tempdir().expect("directory");
    let store = store(directory.path()).await;
    let cases = [
        ("time >= TIMESTAMP '2023-11-14 22:13:55Z' AND time < TIMESTAMP '2023-11-14 22:14:02Z'", 35..42, 1),
        ("time < TIMESTAMP '2023-11-14 22:13:30Z'", 0..10, 1),
        ("time > TIMESTAMP '2030-01-01 00:00:00Z'", 0..0, 0),
        ("namespace_name IN ('nowhere')", 0..0, 0),
        ("namespace_name IS NULL AND number = 5", 5..6, 4),
        ("number BETWEEN 12 AND 14", 12..15, 4),
    ];
    for (condition, expected, scanned) in cases {
        let (context, stats) = session(alerts(&store));
        let sql = format!("SELECT * FROM alerts WHERE {condition} ORDER BY number");
        assert_eq!(query(&context, &sql).await, rows(expected), "{condition}");
        assert_eq!((stats.segments_scanned(), stats.segments_pruned()), (scanned, 4 - scanned), "{condition}");
    }
}

/// Counts and the range of time come from statistics without a scan, but never past a filter.
#[tokio::test]
async fn counts_cost_nothing_without_a_filter() {
    let directory = tempfile::tempdir().expect("directory");
    let store = store(directory.path()).await;
    let (context, _) = session(alerts(&store));
    let free = "SELECT count(*), count(pid), min(time), max(time) FROM alerts";
    let shown = plan(&context, free).await;
    assert!(!shown.contains("DataSourceExec"), "{shown}");
    let counted = query(&context, "SELECT count(*) AS number FROM alerts").await;
    assert_eq!(numbers(&counted), [50]);
    let counted = query(&context, "SELECT count(pid) AS number FROM alerts").await;
    assert_eq!(numbers(&counted), [17]);
    let filtered = "SELECT count(*) AS number FROM alerts WHERE time >= TIMESTAMP '2023-11-14 22:13:25Z'";
    assert!(plan(&context, filtered).await.contains("DataSourceExec"));
    assert_eq!(numbers(&query(&context, filtered).await), [45]);
    let limited = "SELECT count(*) AS number FROM (SELECT * FROM alerts LIMIT 7)";
    assert_eq!(numbers(&query(&context, limited).await), [7]);
    let grouped = "SELECT namespace_name, count(*) AS number FROM alerts GROUP BY 1 ORDER BY 1 NULLS FIRST LIMIT 1";
    assert_eq!(numbers(&query(&context, grouped).await), [10]);
}

/// Projections, limits, orders and filters on every column agree with the same rows in memory.
#[tokio::test]
async fn a_scan_agrees_with_memory() {
    let directory = tempfile::tempdir().expect("directory");
    let store = store(directory.path()).await;
    let (stored, _) = session(alerts(&store));
    let (memory, _) = session(Arc::new(TableVersion::new(table(), vec![rows(0..50)], Vec::new())));
    let queries = [
        "SELECT number FROM alerts ORDER BY time DESC LIMIT 12",
        "SELECT remote_ip, pid, number FROM alerts WHERE pid = 7 ORDER BY number",
        "SELECT number FROM alerts WHERE remote_ip = '10.0.13.1' OR labels LIKE '%a40%' ORDER BY number",
        "SELECT number, tags FROM alerts WHERE tags IS NULL ORDER BY number",
        "SELECT number FROM alerts WHERE namespace_name <> 'namespace-1' ORDER BY number OFFSET 3",
        "SELECT feed, count(*) AS number, min(namespace_name), max(time) FROM alerts GROUP BY feed ORDER BY feed",
        "SELECT count(DISTINCT namespace_name) AS number FROM alerts WHERE event_id IS NOT NULL",
        "SELECT a.number FROM alerts a JOIN alerts b ON a.number = b.number + 1 WHERE b.pid = 7 ORDER BY 1",
    ];
    for sql in queries {
        assert_eq!(query(&stored, sql).await, query(&memory, sql).await, "{sql}");
    }
    assert_eq!(query(&stored, "SELECT number FROM alerts LIMIT 5").await.num_rows(), 5);
}

/// A table without rows has no rows, and says so exactly.
#[tokio::test]
async fn an_empty_table_is_empty() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    let (context, _) = session(alerts(&store));
    assert_eq!(query(&context, "SELECT * FROM alerts").await.num_rows(), 0);
    assert_eq!(numbers(&query(&context, "SELECT count(*) AS number FROM alerts").await), [0]);
    assert_eq!(query(&context, "SELECT min(time) AS t FROM alerts").await.column(0).null_count(), 1);
}
