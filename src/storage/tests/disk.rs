//! A disk that fails: nothing is acknowledged that is not durable, and the store comes back by itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{ReadableTable, StorageBackend};

use super::relations::{Build, batch, database, index, seen, table as relation, table_entry, writer};
use crate::env::ManualClock;
use crate::storage::testing::{START_US, alerts, append, config, contents, open, reopened, rows, table};
use crate::storage::{FeedProgress, Store, layout, open as opening};
use crate::types::{Code, NodeName, SqlType};

/// A file whose syncs, or writes, fail when they are told to.
#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    full: Arc<AtomicBool>,
    deaf: Arc<AtomicBool>,
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()?;
        if self.deaf.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not answer"));
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

struct Disk {
    full: Arc<AtomicBool>,
    deaf: Arc<AtomicBool>,
    clock: Arc<ManualClock>,
}

async fn faulty_store(directory: &std::path::Path) -> (Arc<Store>, Disk) {
    let (full, deaf) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let clock = Arc::new(ManualClock::at(START_US));
    let disk = Disk { full: Arc::clone(&full), deaf: Arc::clone(&deaf), clock: Arc::clone(&clock) };
    let opener = move |config: &crate::storage::StoreConfig| -> Result<redb::Database, redb::Error> {
        let path = config.directory.join("node.redb");
        let file = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let backend = Faulty { file: FileBackend::new(file)?, full: Arc::clone(&full), deaf: Arc::clone(&deaf) };
        Ok(redb::Builder::new().create_with_backend(backend)?)
    };
    let node = NodeName::new("edge-1").expect("name");
    let core = opening::open(config(directory), node, vec![table()], clock, Box::new(opener)).await.expect("open");
    (Arc::new(Store { core }), disk)
}

fn progress(committed: u64) -> Vec<FeedProgress> {
    vec![FeedProgress { feed: "f".into(), stream: "alerts".into(), epoch: 1, committed, last_received_us: 0 }]
}

/// On a full disk an append fails with the right code and shows nothing; when there is room again,
/// the store works again, with exactly the rows that were acknowledged.
#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, disk) = faulty_store(directory.path()).await;
    append(&store, 0..10).await;
    disk.full.store(true, Ordering::SeqCst);
    let batches = || vec![("alerts".to_owned(), rows(10..20))];
    let error = store.append(batches(), progress(20)).await.expect_err("full");
    assert_eq!(error.code(), Code::DiskFull, "{error:?}");
    assert_eq!((contents(&store).await, store.progress().len()), (rows(0..10), 0));
    disk.full.store(false, Ordering::SeqCst);
    disk.clock.advance(Duration::from_secs(2));
    store.append(batches(), progress(20)).await.expect("room again");
    assert_eq!(contents(&store).await, rows(0..20));
    drop(store);
    assert_eq!(reopened(directory.path()).await, rows(0..20));
}

/// When nobody knows whether a commit reached the disk, the caller is told that it failed, and after
/// the next call rows and progress say the same, whatever the disk did.
#[tokio::test]
async fn after_a_doubtful_commit_memory_follows_the_disk() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, disk) = faulty_store(directory.path()).await;
    append(&store, 0..10).await;
    disk.deaf.store(true, Ordering::SeqCst);
    let error = store.append(vec![("alerts".to_owned(), rows(10..20))], progress(20)).await.expect_err("deaf");
    assert_eq!(error.code(), Code::IoError);
    assert_eq!(alerts(&store).summary.rows, 10);
    let error = store.put_document("x", Vec::new()).await.expect_err("too soon to try again");
    assert_eq!(error.code(), Code::IoError);
    disk.deaf.store(false, Ordering::SeqCst);
    disk.clock.advance(Duration::from_secs(2));
    store.put_document("x", Vec::new()).await.expect("healed");
    let committed = store.progress().first().map(|one| one.committed);
    let expected = if committed == Some(20) { rows(0..20) } else { rows(0..10) };
    assert_eq!(contents(&store).await, expected);
    store.seal_table("alerts").await.expect("seal");
    assert_eq!(contents(&store).await, expected);
    drop(store);
    assert_eq!(reopened(directory.path()).await, expected);
}

/// A writer that did not hear of its commit tries again: its rows are there once, whatever the disk did.
#[tokio::test]
async fn a_doubtful_append_that_is_tried_again_is_there_once() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, disk) = faulty_store(directory.path()).await;
    append(&store, 0..10).await;
    let batches = || vec![("alerts".to_owned(), rows(10..20))];
    disk.deaf.store(true, Ordering::SeqCst);
    store.append(batches(), progress(20)).await.expect_err("deaf");
    disk.deaf.store(false, Ordering::SeqCst);
    disk.clock.advance(Duration::from_secs(2));
    store.append(batches(), progress(20)).await.expect("tried again");
    assert_eq!(contents(&store).await, rows(0..20));
    store.append(vec![("alerts".to_owned(), rows(20..30))], progress(30)).await.expect("further rows");
    drop(store);
    assert_eq!(reopened(directory.path()).await, rows(0..30));
}

/// A hot batch whose bytes changed on disk is named and kept aside; the node starts with the rest.
#[tokio::test]
async fn a_damaged_hot_batch_is_named() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    for number in 0..3 {
        append(&store, number * 10..number * 10 + 10).await;
    }
    store.close().await.expect("close");
    {
        let database = redb::Database::open(directory.path().join("node.redb")).expect("open");
        let transaction = database.begin_write().expect("begin");
        {
            let mut batches = transaction.open_table(layout::BATCHES).expect("table");
            let mut value = batches.get(("alerts", 1, 1)).expect("get").expect("batch").value().to_vec();
            let middle = value.len() / 2;
            value[middle] ^= 1;
            batches.insert(("alerts", 1, 1), value.as_slice()).expect("insert");
        }
        transaction.commit().expect("commit");
    }
    for reason in ["checksum does not match", "it was set aside at an earlier start"] {
        let store = open(directory.path()).await;
        assert_eq!(contents(&store).await.num_rows(), 20);
        let damaged = store.damaged_batches();
        assert_eq!(damaged.iter().map(|one| one.key).collect::<Vec<_>>(), [(1, 1)]);
        assert_eq!(damaged[0].reason, reason);
        assert_eq!(alerts(&store).damaged_batches, 1);
        store.close().await.expect("close");
    }
}

/// A directory of a newer format is left alone.
#[tokio::test]
async fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().expect("directory");
    open(directory.path()).await.close().await.expect("close");
    {
        let database = redb::Database::open(directory.path().join("node.redb")).expect("open");
        let transaction = database.begin_write().expect("begin");
        transaction
            .open_table(layout::COUNTERS)
            .expect("table")
            .insert(layout::FORMAT_KEY, layout::FORMAT + 1)
            .expect("insert");
        transaction.commit().expect("commit");
    }
    let node = NodeName::new("edge-1").expect("name");
    let clock = Arc::new(ManualClock::at(START_US));
    let refused = Store::open(config(directory.path()), node, vec![table()], clock).await;
    assert_eq!(refused.expect_err("newer").code(), Code::FeatureNotSupported);
}

/// A SQL transaction whose commit failed is whole or not there; the next one is not built on what turns out to be
/// otherwise, and one that lives through it reads what it read before, or fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_follow_the_disk_after_a_doubtful_commit() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, disk) = faulty_store(directory.path()).await;
    let made = relation(70_001, "t", &[("id!", SqlType::Int4)]).with_index(index(70_002, "t_pkey", true, &[1]));
    let mut transaction = writer(&store).await;
    transaction.put(database()).expect("database");
    transaction.put(table_entry(&made)).expect("table");
    transaction.commit().await.expect("commit");
    let t = Arc::clone(store.catalog().table_by_oid(70_001).expect("known"));
    let add = async |id: &str| {
        let mut transaction = writer(&store).await;
        transaction.insert(&t, &batch(&t, &[id]))?;
        transaction.check_references()?;
        transaction.commit().await
    };
    add("1").await.expect("insert");
    let old = store.begin().expect("begin");
    disk.deaf.store(true, Ordering::SeqCst);
    add("2").await.expect_err("deaf");
    // It may begin over what is in memory, or fail as the disk does.
    let mut next = store.begin().ok();
    if let Some(transaction) = &mut next {
        transaction.start_writing(None, false).await.expect("turn");
    }
    disk.deaf.store(false, Ordering::SeqCst);
    disk.clock.advance(Duration::from_secs(2));
    if let Some(mut next) = next
        && next.insert(&t, &batch(&t, &["2"])).is_ok()
    {
        next.check_references().expect("references");
        let refused = next.commit().await.err();
        assert!(refused.is_none_or(|error| error.code() == Code::SerializationFailure));
    }
    store.put_document("x", Vec::new()).await.expect("healed");
    if let Ok(rows) = old.rows(&t) {
        let batches: Result<Vec<_>, _> = rows.batches(None, false).and_then(Iterator::collect);
        assert!(
            batches.is_err() || batches.is_ok_and(|found| found.iter().map(|one| one.num_rows()).sum::<usize>() == 1)
        );
    }
    add("3").await.expect("insert");
    add("1").await.expect_err("the index is whole");
    let found = seen(&store.begin().expect("begin"), &t);
    assert!(found == ["1", "2", "3"] || found == ["1", "3"], "{found:?}");
    drop(old);
    disk.deaf.store(true, Ordering::SeqCst);
    add("4").await.expect_err("deaf");
    disk.deaf.store(false, Ordering::SeqCst);
    disk.clock.advance(Duration::from_secs(2));
    let after = seen(&store.begin().expect("a reader heals the store, too"), &t);
    assert!(after.starts_with(&found) && after.len() <= found.len() + 1, "{after:?}");
    drop(store);
    let store = open(directory.path()).await;
    assert_eq!(seen(&store.begin().expect("begin"), &t), after);
}
