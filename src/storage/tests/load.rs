//! Rows that are loaded whole are all there or not at all, whatever happens on the way.

use std::path::Path;

use crate::storage::Store;
use crate::storage::testing::{
    alerts, append, clock, config, contents, copy_directory, open, query, reopened, rows, session, table,
};
use crate::types::NodeName;

/// A store that writes a file for every hundred rows that are loaded.
async fn small(directory: &Path) -> std::sync::Arc<Store> {
    let config = crate::storage::StoreConfig { seal_rows: 100, ..config(directory) };
    Store::open(config, NodeName::new("edge-1").expect("name"), vec![table()], clock()).await.expect("open")
}

fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory.join("segments")).expect("list").count()
}

/// Nothing is seen before the end, everything after it, beside rows of feeds, and after a restart.
#[tokio::test]
async fn loaded_rows_come_all_at_once() {
    let directory = tempfile::tempdir().expect("directory");
    let store = small(directory.path()).await;
    append(&store, 300..310).await;
    let mut load = store.load("alerts").expect("an event table");
    for start in [200, 0, 100] {
        load.push(&rows(start..start + 100)).await.expect("push");
        assert_eq!(alerts(&store).summary.rows, 10);
    }
    load.push(&rows(310..315)).await.expect("push");
    assert_eq!(load.commit().await.expect("commit"), 305);
    let version = alerts(&store);
    assert_eq!((version.segments.len(), version.summary.rows, version.hot_rows()), (4, 315, 10));
    assert_eq!(contents(&store).await, rows(0..315));
    store.seal_table("alerts").await.expect("seal").expect("rows");
    assert_eq!(contents(&store).await, rows(0..315));
    drop((store, version));
    assert_eq!(reopened(directory.path()).await, rows(0..315));
    let store = open(directory.path()).await;
    let (context, _) = session(alerts(&store));
    let newest = query(&context, "SELECT number FROM alerts ORDER BY time DESC LIMIT 3").await;
    assert_eq!(newest.num_rows(), 3);
    assert!(store.load("nosuch").is_err());
}

/// Who gives up leaves nothing, and neither does a crash.
#[tokio::test]
async fn what_was_not_committed_is_gone() {
    let directory = tempfile::tempdir().expect("directory");
    let store = small(directory.path()).await;
    append(&store, 0..10).await;
    let mut load = store.load("alerts").expect("an event table");
    for start in [100, 200, 300] {
        load.push(&rows(start..start + 100)).await.expect("push");
    }
    let crashed = tempfile::tempdir().expect("directory");
    copy_directory(directory.path(), crashed.path());
    assert!(files(crashed.path()) >= 2);
    assert_eq!(reopened(crashed.path()).await, rows(0..10));
    assert_eq!(files(crashed.path()), 0);
    drop(load);
    assert_eq!(contents(&store).await, rows(0..10));
    // Files go in the background; the last one when it is written.
    while files(directory.path()) > 0 {
        tokio::task::yield_now().await;
    }
    let empty = store.load("alerts").expect("an event table");
    assert_eq!(empty.commit().await.expect("commit"), 0);
    assert_eq!(contents(&store).await, rows(0..10));
}
