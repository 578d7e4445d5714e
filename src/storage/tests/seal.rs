//! A row is in exactly one place, the hot tier or one segment, whatever happens while it moves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::env::ManualClock;
use crate::storage::testing::{
    START_US, alerts, append, clock, config, contents, copy_directory, open, query, reopened, rows, session, table,
};
use crate::storage::{SegmentStatus, Store};
use crate::types::{Code, NodeName, TimeRange};

/// Sealed rows are the same rows, described by a segment that survives a restart.
#[tokio::test]
async fn a_seal_moves_all_rows() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    append(&store, 50..100).await;
    append(&store, 0..50).await;
    let held = alerts(&store);
    let summary = held.summary.clone();
    let segment = store.seal_table("alerts").await.expect("seal").expect("rows");
    assert_eq!(store.seal_table("alerts").await.expect("seal"), None);
    let version = alerts(&store);
    assert_eq!((version.hot_rows(), version.segments.len(), segment.rows), (0, 1, 100));
    let time = TimeRange { min_us: START_US, max_us: START_US + 99_000_000 };
    assert_eq!((segment.time, segment.status), (time, SegmentStatus::Ready));
    assert_eq!(version.summary.distinct, summary.distinct);
    assert_eq!(contents(&store).await, rows(0..100));
    assert_eq!(held.hot_rows(), 100, "a version that is held stays as it is");
    append(&store, 100..110).await;
    drop(store);
    let store = open(directory.path()).await;
    assert_eq!(contents(&store).await, rows(0..110));
    assert_eq!(alerts(&store).segments, vec![segment]);
    assert_eq!(store.verify_segment("alerts", "alerts-000000000001").await.expect("verify"), SegmentStatus::Ready);
}

/// Appends that run while a table is sealed again and again lose nothing and show nothing twice, and
/// every version on the way has all rows that were acknowledged before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealing_goes_on_beside_appends() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    let appending = async {
        for number in 0..30 {
            append(&store, number * 20..number * 20 + 20).await;
            let seen = alerts(&store).summary.rows;
            assert!(seen >= (number as u64 + 1) * 20, "saw {seen} rows after batch {number}");
        }
    };
    let sealing = async {
        for _ in 0..6 {
            store.seal_table("alerts").await.expect("seal");
            let version = alerts(&store);
            let sealed: u64 = version.segments.iter().map(|segment| segment.rows).sum();
            assert_eq!(sealed + version.hot_rows(), version.summary.rows);
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(appending, sealing);
    assert_eq!(contents(&store).await, rows(0..600));
    drop(store);
    assert_eq!(reopened(directory.path()).await, rows(0..600));
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory.join("segments")).expect("list");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A crash before the manifest knows the file leaves an orphan: it goes, and the rows are still hot.
/// A crash right after the transaction leaves the segment, and the rows are not hot any more.
#[tokio::test]
async fn a_crash_while_sealing_loses_and_doubles_nothing() {
    let directory = tempfile::tempdir().expect("directory");
    let (before, after) = (tempfile::tempdir().expect("directory"), tempfile::tempdir().expect("directory"));
    let store = open(directory.path()).await;
    append(&store, 0..40).await;
    copy_directory(directory.path(), before.path());
    store.seal_table("alerts").await.expect("seal");
    copy_directory(directory.path(), after.path());
    // The file has its name, the manifest does not know it; another was cut off while it was written.
    let written = directory.path().join("segments/alerts-000000000001.parquet");
    std::fs::copy(&written, before.path().join("segments/alerts-000000000001.parquet")).expect("copy");
    std::fs::write(before.path().join("segments/alerts-000000000002.parquet.unfinished"), b"PAR1").expect("write");
    std::fs::write(before.path().join("segments/notes.txt"), b"not ours").expect("write");

    let store = open(before.path()).await;
    assert_eq!((contents(&store).await, alerts(&store).hot_rows()), (rows(0..40), 40));
    assert_eq!(files(before.path()), ["notes.txt"]);
    store.seal_table("alerts").await.expect("seal");
    assert_eq!(contents(&store).await, rows(0..40));
    let store = open(after.path()).await;
    assert_eq!((contents(&store).await, alerts(&store).hot_rows()), (rows(0..40), 0));
}

/// A segment that was cut, or is gone, is named when the store opens, and the rest is readable. One
/// whose bytes changed is found by its checksum.
#[tokio::test]
async fn damaged_segments_are_set_aside_and_named() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    for number in 0..4 {
        append(&store, number * 10..number * 10 + 10).await;
        store.seal_table("alerts").await.expect("seal");
    }
    let paths: Vec<_> = alerts(&store).segments.iter().map(|segment| segment.path.clone()).collect();
    drop(store);
    let bytes = std::fs::read(&paths[0]).expect("read");
    std::fs::write(&paths[0], &bytes[..bytes.len() - 1]).expect("cut");
    std::fs::remove_file(&paths[1]).expect("remove");
    let mut bytes = std::fs::read(&paths[2]).expect("read");
    bytes[100] ^= 1;
    std::fs::write(&paths[2], &bytes).expect("flip");

    let store = open(directory.path()).await;
    let damaged = |store: &Store| -> Vec<String> {
        alerts(store).damaged_segments().map(|segment| segment.name.clone()).collect()
    };
    assert_eq!(damaged(&store), ["alerts-000000000001", "alerts-000000000002"]);
    assert_eq!(store.verify_segment("alerts", "alerts-000000000004").await.expect("verify"), SegmentStatus::Ready);
    assert_eq!(store.verify_segment("alerts", "alerts-000000000003").await.expect("verify"), SegmentStatus::Damaged);
    assert_eq!(alerts(&store).summary.rows, 10);
    assert_eq!(contents(&store).await, rows(30..40));
    let (context, stats) = session(alerts(&store));
    query(&context, "SELECT number FROM alerts").await;
    assert_eq!((stats.segments_damaged(), stats.rows_missing(), stats.segments_scanned()), (3, 30, 1));
    assert_eq!(
        files(directory.path()),
        ["alerts-000000000001.parquet.damaged", "alerts-000000000003.parquet.damaged", "alerts-000000000004.parquet"]
    );
    let answer = store.execute("SELECT number FROM alerts").await;
    assert_eq!(answer.expect_err("rows are missing").code(), Code::DataCorrupted);
    drop(store);
    let store = open(directory.path()).await;
    assert_eq!(damaged(&store).len(), 3);
}

async fn wait_until(store: &Store, holds: impl Fn(&Store) -> bool) {
    let mut changes = store.changes();
    let wait = async {
        while !holds(store) {
            changes.changed().await.expect("store");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("in time");
}

/// The background loop seals by rows and by age, finds damage, and ends when it is told to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_background_loop_seals_what_is_due() {
    let directory = tempfile::tempdir().expect("directory");
    let clock = Arc::new(ManualClock::at(START_US));
    let node = NodeName::new("edge-1").expect("name");
    let mut config = config(directory.path());
    config.seal_rows = 100;
    let store = Store::open(config, node, vec![table()], Arc::<ManualClock>::clone(&clock)).await.expect("open");
    append(&store, 0..100).await;
    let (tasks, stop) = (crate::tasks::Tasks::new(), CancellationToken::new());
    tasks.spawn_session("sealing", Arc::clone(&store).run_sealing(stop.clone()));
    wait_until(&store, |store| alerts(store).segments.len() == 1).await;
    append(&store, 100..101).await;
    clock.advance(Duration::from_secs(3_600));
    wait_until(&store, |store| alerts(store).segments.len() == 2).await;
    assert_eq!(contents(&store).await, rows(0..101));
    stop.cancel();
    assert!(tasks.stop(Duration::from_secs(10)).await);
}

/// A reader that holds a version can read its segments after the store was closed.
#[tokio::test]
async fn a_held_version_keeps_its_segments() {
    let directory = tempfile::tempdir().expect("directory");
    let node = NodeName::new("edge-1").expect("name");
    let store = Store::open(config(directory.path()), node, vec![table()], clock()).await.expect("open");
    append(&store, 0..10).await;
    store.seal_table("alerts").await.expect("seal");
    let (context, _) = session(alerts(&store));
    store.close().await.expect("close");
    assert_eq!(query(&context, "SELECT * FROM alerts ORDER BY number").await, rows(0..10));
}
