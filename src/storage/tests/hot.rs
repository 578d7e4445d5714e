//! What was appended is there after any end of the process, with its progress, all or nothing.

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::datatypes::Schema;
use proptest::prelude::{any, prop, proptest};
use proptest::test_runner::Config;

use crate::env::ManualClock;
use crate::storage::testing::{alerts, append, clock, config, contents, copy_directory, open, reopened, rows, table};
use crate::storage::{FeedProgress, Gap, Store};
use crate::types::{Code, DistinctSet, NodeName, TimeRange};

fn progress(committed: u64) -> FeedProgress {
    FeedProgress {
        feed: "one".to_owned(),
        stream: "alerts".to_owned(),
        epoch: 1,
        committed,
        last_received_us: i64::try_from(committed).expect("small"),
    }
}

fn gap(from_us: i64, to_us: Option<i64>) -> Gap {
    Gap {
        feed: "one".to_owned(),
        stream: "alerts".to_owned(),
        from_us,
        to_us,
        reason: "disconnect".to_owned(),
        lost: None,
    }
}

/// Rows, progress, gaps and documents are back after a store was dropped without being closed.
#[tokio::test]
async fn a_dropped_store_loses_nothing() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    let mut changes = store.changes();
    append(&store, 0..10).await;
    assert!(changes.has_changed().expect("open"));
    let batches = vec![("alerts".to_owned(), rows(10..15))];
    let sequence = store.append(batches, vec![progress(15)]).await.expect("append");
    assert_eq!((sequence, *changes.borrow_and_update()), (2, 2));
    store.put_gap(gap(5, None)).await.expect("gap");
    store.put_gap(gap(3, Some(4))).await.expect("gap");
    store.put_gap(gap(5, Some(9))).await.expect("gap");
    store.put_document("room/key", b"value".to_vec()).await.expect("document");
    let before = contents(&store).await;
    drop(store);

    let store = open(directory.path()).await;
    assert_eq!(contents(&store).await, before);
    assert_eq!(before, rows(0..15));
    assert_eq!(store.version().sequence, 2);
    assert_eq!(store.progress(), vec![progress(15)]);
    assert_eq!(store.gaps(), vec![gap(3, Some(4)), gap(5, Some(9))]);
    assert_eq!(store.document("room/key").await.expect("read"), Some(b"value".to_vec()));
    assert_eq!(store.document("room/other").await.expect("read"), None);
    append(&store, 15..20).await;
    assert_eq!(contents(&store).await, rows(0..20));
}

/// A copy of the files, taken while the store is open, holds everything that was acknowledged: this
/// is what a killed process leaves.
#[tokio::test]
async fn a_killed_process_leaves_everything_acknowledged() {
    let directory = tempfile::tempdir().expect("directory");
    let crash = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    append(&store, 0..100).await;
    append(&store, 100..200).await;
    copy_directory(directory.path(), crash.path());
    append(&store, 200..300).await;
    assert_eq!(reopened(crash.path()).await, rows(0..200));
}

/// Writers that come at the same time share transactions, and every row is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_appends_are_all_kept() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    let appends = (0..40).map(|number| {
        let store = Arc::clone(&store);
        async move { append(&store, number * 10..number * 10 + 10).await }
    });
    futures::future::join_all(appends).await;
    assert_eq!(contents(&store).await, rows(0..400));
    assert!(store.version().sequence < 40, "appends that wait should share a transaction");
    drop(store);
    assert_eq!(reopened(directory.path()).await, rows(0..400));
}

/// A batch for an unknown table, or with other columns, is refused with all that came with it.
#[tokio::test]
async fn a_batch_that_does_not_fit_is_refused() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    let good = || ("alerts".to_owned(), rows(0..2));
    let unknown = store.append(vec![good(), ("nothing".to_owned(), rows(0..1))], vec![progress(2)]).await;
    assert_eq!(unknown.expect_err("unknown table").code(), Code::UndefinedTable);
    let plain: Vec<_> = rows(0..2)
        .schema()
        .fields()
        .iter()
        .map(|field| Arc::new(field.as_ref().clone().with_metadata(std::collections::HashMap::new())))
        .collect();
    let other = RecordBatch::try_new(Arc::new(Schema::new(plain)), rows(0..2).columns().to_vec()).expect("batch");
    let mismatch = store.append(vec![good(), ("alerts".to_owned(), other)], vec![progress(2)]).await;
    assert_eq!(mismatch.expect_err("metadata is part of a column").code(), Code::DatatypeMismatch);
    assert_eq!((alerts(&store).summary.rows, store.progress()), (0, Vec::new()));
}

/// The summary is true of all rows, and says that rows are arriving only while they may be.
#[tokio::test]
async fn the_summary_follows_the_rows() {
    let directory = tempfile::tempdir().expect("directory");
    let clock = Arc::new(ManualClock::at(1_000_000_000));
    let node = NodeName::new("edge-1").expect("name");
    let store = Store::open(config(directory.path()), node, vec![table()], Arc::<ManualClock>::clone(&clock))
        .await
        .expect("open");
    assert!(!store.summaries()["alerts"].receiving);
    append(&store, 10..20).await;
    let summary = store.summaries().remove("alerts").expect("summary");
    let times = |first: i64, last: i64| TimeRange {
        min_us: crate::storage::testing::START_US + first * 1_000_000,
        max_us: crate::storage::testing::START_US + last * 1_000_000,
    };
    assert_eq!((summary.rows, summary.time, summary.receiving), (10, Some(times(10, 19)), true));
    assert!(summary.bytes > 0);
    let feeds = DistinctSet::Values(["feed-0".to_owned(), "feed-1".to_owned()].into());
    assert_eq!(summary.distinct["feed"], feeds);
    assert!(!summary.distinct.contains_key("host_name"));
    clock.advance(Duration::from_secs(3_600));
    assert!(!store.summaries()["alerts"].receiving);
    store.append(Vec::new(), vec![progress(1)]).await.expect("append");
    assert!(store.summaries()["alerts"].receiving);
}

/// After `close` nothing is written, what is held stays readable, and the directory can be opened.
#[tokio::test]
async fn a_closed_store_lets_go_of_its_file() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    append(&store, 0..5).await;
    store.close().await.expect("close");
    let refused = store.append(vec![("alerts".to_owned(), rows(5..6))], Vec::new()).await;
    assert_eq!(refused.expect_err("closed").code(), Code::AdminShutdown);
    assert_eq!(contents(&store).await, rows(0..5));
    assert_eq!(reopened(directory.path()).await, rows(0..5));
}

/// Rows that an older catalog wrote are there in today's columns.
#[tokio::test]
async fn old_rows_get_new_columns() {
    let directory = tempfile::tempdir().expect("directory");
    let today = table();
    let older = {
        let columns = today.columns.iter().filter(|column| column.name != "labels").cloned().collect();
        Arc::new(crate::catalog::Table::new(1, "public", "alerts", crate::catalog::Scope::Event, "", columns))
    };
    let node = || NodeName::new("edge-1").expect("name");
    let old_rows = {
        let kept: Vec<usize> = (0..today.columns.len()).filter(|at| today.columns[*at].name != "labels").collect();
        rows(0..4).project(&kept).expect("project")
    };
    for sealed in [true, false] {
        let store =
            Store::open(config(directory.path()), node(), vec![Arc::clone(&older)], clock()).await.expect("open");
        store.append(vec![("alerts".to_owned(), old_rows.clone())], Vec::new()).await.expect("append");
        if sealed {
            store.seal_table("alerts").await.expect("seal");
        }
    }
    let store = open(directory.path()).await;
    append(&store, 4..6).await;
    let found = contents(&store).await;
    assert_eq!(found.num_rows(), 10);
    assert_eq!(found.column_by_name("labels").expect("column").null_count(), 8 + 1);
    let (context, _) = crate::storage::testing::session(alerts(&store));
    let counted = crate::storage::testing::query(&context, "SELECT count(labels) AS n FROM alerts").await;
    assert_eq!(format!("{:?}", counted.column(0)).matches("1,").count(), 1);
}

proptest! {
    #![proptest_config(Config { cases: 12, ..Config::default() })]

    /// Any batches, in any cuts, sealed or not, come out as they went in.
    #[test]
    fn rows_in_are_rows_out(cuts in prop::collection::vec((0_i64..300, any::<bool>()), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let directory = tempfile::tempdir().expect("directory");
            let mut store = open(directory.path()).await;
            let mut next = 0;
            for (count, seal) in cuts {
                append(&store, next..next + count).await;
                next += count;
                if seal {
                    store.seal_table("alerts").await.expect("seal");
                } else {
                    drop(store);
                    store = open(directory.path()).await;
                }
            }
            assert_eq!(contents(&store).await, rows(0..next));
        });
    }
}
