//! Snapshots, savepoints, the one writer's turn, durability.

use std::sync::Arc;
use std::time::Duration;

use super::{Build, PATIENCE, batch, index, insert, keys, seen, stored, table, table_entry, update, with_tables};
use super::{lines, writer};
use crate::catalog::{Entry, Object, Sequence, Table};
use crate::storage::testing::{append, contents, copy_directory, open};
use crate::storage::{SequenceState, StorageError};
use crate::types::{Code, NodeName, SqlType};

fn small() -> Table {
    let columns = [("id!", SqlType::Int4), ("name", SqlType::Text)];
    table(70_001, "t", &columns).with_index(index(70_002, "t_pkey", true, &[1]))
}

fn sequence() -> Sequence {
    Sequence {
        oid: 70_009,
        schema: "public".to_owned(),
        name: "s".to_owned(),
        home: NodeName::new("edge-1").expect("name"),
        owner: "admin".to_owned(),
        type_oid: 20,
        start: 1,
        increment: 1,
        minimum: 1,
        maximum: 1_000,
        cache: 1,
        cycle: false,
        owned_by: None,
        internal: false,
        comment: String::new(),
    }
}

/// Readers keep what they saw when they began, and see nothing of what is not committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_keep_their_snapshot() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[small()]).await;
    let t = &tables[0];
    insert(&store, t, &["1 a"]).await.expect("insert");
    let mut reader = store.begin().expect("begin");
    let mut writing = writer(&store).await;
    writing.insert(t, &batch(t, &["2 b"])).expect("insert");
    let view = writing.rows(t).expect("rows");
    writing.insert(t, &batch(t, &["3 c"])).expect("insert");
    assert_eq!((seen(&writing, t).len(), view.row_count(), seen(&reader, t).len()), (3, 2, 1));
    let held: Vec<_> = view.batches(None, false).expect("scan").map(|rows| rows.expect("rows")).collect();
    assert_eq!(held.iter().flat_map(lines).collect::<Vec<_>>(), ["1 a", "2 b"], "a view never changes");
    assert_eq!(stored(&store, t), ["1 a"]);
    writing.check_references().expect("references");
    writing.commit().await.expect("commit");
    assert_eq!(seen(&reader, t), ["1 a"]);
    reader.refresh().expect("refresh");
    assert_eq!(seen(&reader, t), ["1 a", "2 b", "3 c"]);
}

/// One transaction writes at a time; the next waits, gives up in time, or goes on when the first has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_take_turns() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[small()]).await;
    let t = &tables[0];
    let mut repeatable = store.begin().expect("begin");
    assert!(seen(&repeatable, t).is_empty());
    let mut first = writer(&store).await;
    let mut second = store.begin().expect("begin");
    let error = second.start_writing(Some(Duration::from_millis(1)), false).await.expect_err("taken");
    assert_eq!(error.code(), Code::LockNotAvailable);
    assert_eq!(error.into_sql_error().message, "canceling statement due to lock timeout");
    first.insert(t, &batch(t, &["1 a"])).expect("insert");
    // Events do not wait for a client that thinks.
    append(&store, 0..3).await;
    assert_eq!(contents(&store).await.num_rows(), 3);
    first.check_references().expect("references");
    first.commit().await.expect("commit");
    second.start_writing(PATIENCE, false).await.expect("free");
    assert_eq!(seen(&second, t), ["1 a"]);
    drop(second);
    let error = repeatable.start_writing(PATIENCE, true).await.expect_err("the snapshot is old");
    assert_eq!(error.code(), Code::SerializationFailure);
    repeatable.refresh().expect("refresh");
    repeatable.start_writing(PATIENCE, true).await.expect("nobody has written since");
    let error = store.begin().expect("begin").insert(t, &batch(t, &["9 z"])).expect_err("without a turn");
    assert_eq!(error.code(), Code::Internal);
}

/// A savepoint brings back rows, keys, counts and definitions, as often as one likes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn savepoints_take_back_everything_since() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[small()]).await;
    let t = &tables[0];
    insert(&store, t, &["1 a", "2 b"]).await.expect("insert");
    let mut transaction = writer(&store).await;
    transaction.insert(t, &batch(t, &["3 c"])).expect("insert");
    let first = transaction.savepoint();
    let all = keys(&transaction, t);
    transaction.update(t, &all[..1], &batch(t, &["9 z"])).expect("update");
    transaction.delete(t, &all[1..2]).expect("delete");
    let second = transaction.savepoint();
    let other = table(70_005, "other", &[("a", SqlType::Int4)]);
    transaction.put(table_entry(&other)).expect("put");
    transaction.drop_entry(t.oid).expect("drop");
    assert!(
        transaction.catalog().table_by_oid(70_005).is_some() && transaction.catalog().table_by_oid(t.oid).is_none()
    );
    transaction.roll_back_to(&second);
    assert_eq!(seen(&transaction, t), ["9 z", "3 c"]);
    assert!(transaction.catalog().table_by_oid(70_005).is_none());
    transaction.insert(t, &batch(t, &["3 d"])).expect_err("duplicate");
    transaction.roll_back_to(&first);
    assert_eq!(seen(&transaction, t), ["1 a", "2 b", "3 c"]);
    transaction.insert(t, &batch(t, &["9 again"])).expect("the key of the taken back row is free");
    transaction.insert(t, &batch(t, &["2 again"])).expect_err("the key of the restored row is not");
    transaction.roll_back_to(&first);
    transaction.check_references().expect("references");
    transaction.commit().await.expect("commit");
    assert_eq!(stored(&store, t), ["1 a", "2 b", "3 c"]);
}

/// What is committed is there after a crash, what is not is not; numbers of rows, sequences and object ids go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committed_work_survives_a_crash() {
    let directory = tempfile::tempdir().expect("directory");
    let crashed = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[small()]).await;
    let t = Arc::clone(&tables[0]);
    let mut transaction = writer(&store).await;
    let made = sequence();
    transaction
        .put(Entry { oid: made.oid, database: super::DATABASE, object: Object::Sequence(made.clone()) })
        .expect("put");
    let taken: Vec<i64> = (0..3).map(|_| transaction.next_value(&made).expect("next")).collect();
    assert_eq!(taken, [1, 2, 3]);
    let oids = [transaction.new_oid().expect("oid"), transaction.new_oid().expect("oid")];
    transaction.insert(&t, &batch(&t, &["1 a", "2 b"])).expect("insert");
    transaction.check_references().expect("references");
    transaction.commit().await.expect("commit");
    let mut lost = writer(&store).await;
    lost.insert(&t, &batch(&t, &["3 c"])).expect("insert");
    let view = lost.rows(&t).expect("rows");
    copy_directory(directory.path(), crashed.path());
    drop(lost);
    assert_eq!(view.row_count(), 3, "a view outlives its transaction");
    drop(view);
    drop(store);
    for place in [directory.path(), crashed.path()] {
        let store = open(place).await;
        let catalog = store.catalog();
        assert_eq!(catalog.table("kube", "public", "t"), Some(&t));
        assert!(catalog.table("kube", "mesh", "nodes").is_some());
        assert_eq!(stored(&store, &t), ["1 a", "2 b"]);
        insert(&store, &t, &["2 c"]).await.expect_err("the index is there");
        update(&store, &t, &[1], &["3 b"]).await.expect("update");
        insert(&store, &t, &["2 c"]).await.expect("insert");
        let mut transaction = store.begin().expect("begin");
        assert_eq!(transaction.next_value(&made).expect("next"), 4);
        let oid = transaction.new_oid().expect("oid");
        assert!(!oids.contains(&oid) && oid == oids[1] + 1 && (65_536..0x1000_0000).contains(&oid));
        assert!(transaction.has_written());
        transaction.commit().await.expect("commit");
    }
    let store = open(crashed.path()).await;
    assert_eq!(store.begin().expect("begin").next_value(&made).expect("next"), 5);
}

/// Sequences count outside of transactions, end where they end, and begin anew inside of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_count_as_postgresqls_do() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, _) = with_tables(directory.path(), &[]).await;
    let s = sequence();
    let next = |result: Result<i64, StorageError>| result.map_err(StorageError::into_sql_error);
    let transaction = store.begin().expect("begin");
    assert_eq!(transaction.sequence_state(&s), SequenceState { last: 1, is_called: false });
    assert_eq!(next(transaction.next_value(&s)), Ok(1));
    drop(transaction);
    let mut transaction = writer(&store).await;
    assert_eq!(next(transaction.next_value(&s)), Ok(2), "a rollback gives no value back");
    let before = transaction.savepoint();
    transaction.restart(&s, SequenceState { last: 500, is_called: false }).expect("restart");
    assert_eq!(next(transaction.next_value(&s)), Ok(500));
    assert_eq!(next(store.begin().expect("begin").next_value(&s)), Ok(3), "others go on until the commit");
    transaction.roll_back_to(&before);
    assert_eq!(next(transaction.next_value(&s)), Ok(4));
    transaction.restart(&s, SequenceState { last: 999, is_called: false }).expect("restart");
    transaction.commit().await.expect("commit");
    let transaction = store.begin().expect("begin");
    assert_eq!((next(transaction.next_value(&s)), next(transaction.next_value(&s))), (Ok(999), Ok(1_000)));
    let error = next(transaction.next_value(&s)).expect_err("the end");
    assert_eq!(error.message, "nextval: reached maximum value of sequence \"s\" (1000)");
    assert_eq!(error.code, Code::SequenceLimitExceeded);
    let round = Sequence { cycle: true, ..s.clone() };
    assert_eq!(next(transaction.next_value(&round)), Ok(1));
    transaction.set_value(&s, SequenceState { last: 70, is_called: true }).expect("set");
    assert_eq!(next(transaction.next_value(&s)), Ok(71));
    let error = transaction.set_value(&s, SequenceState { last: 0, is_called: true }).expect_err("bounds");
    let message = "setval: value 0 is out of bounds for sequence \"s\" (1..1000)";
    assert_eq!(error.into_sql_error().message, message);
}

/// A transaction that grows beyond its bound is refused, and what was there stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_set_is_bounded() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[small()]).await;
    let t = &tables[0];
    let mut transaction = writer(&store).await;
    let long = "x".repeat(1 << 20);
    let error = (1..100).find_map(|id| transaction.insert(t, &batch(t, &[&format!("{id} {long}")])).err());
    assert_eq!(error.expect("64 MiB and more").code(), Code::OutOfMemory);
    drop(transaction);
    assert!(stored(&store, t).is_empty());
}

/// A savepoint from before the first write does not bring back a catalog that others have changed since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_early_savepoint_keeps_what_others_defined() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[small()]).await;
    let mut transaction = store.begin().expect("begin");
    let early = transaction.savepoint();
    let mut other = writer(&store).await;
    other.put(table_entry(&table(70_005, "theirs", &[("a", SqlType::Int4)]))).expect("put");
    other.commit().await.expect("commit");
    transaction.start_writing(PATIENCE, false).await.expect("turn");
    transaction.insert(&tables[0], &batch(&tables[0], &["1 a"])).expect("insert");
    transaction.roll_back_to(&early);
    transaction.put(table_entry(&table(70_006, "ours", &[("a", SqlType::Int4)]))).expect("put");
    transaction.commit().await.expect("commit");
    let catalog = store.catalog();
    assert!(catalog.table_by_oid(70_005).is_some() && catalog.table_by_oid(70_006).is_some());
    assert!(stored(&store, &tables[0]).is_empty());
}

/// A transaction and its views may go from thread to thread.
#[test]
fn transactions_may_be_sent() {
    fn is_sent<T: Send + Sync + 'static>() {}
    is_sent::<crate::storage::SqlTransaction>();
    is_sent::<crate::storage::TableRows>();
}

/// A transaction whose commit nobody waits for holds its turn until it has ended, and is whole or not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_given_up_is_whole_or_nothing() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[small()]).await;
    let t = &tables[0];
    let mut transaction = writer(&store).await;
    transaction.insert(t, &batch(t, &["200 a"])).expect("insert");
    transaction.check_references().expect("references");
    // Somebody else's turn: the commit queues, and is given up there.
    let turn = store.core.writer.lock().await;
    tokio::time::timeout(Duration::from_millis(1), transaction.commit()).await.expect_err("it waits");
    assert!(seen(&writer(&store).await, t).is_empty(), "its turn as a SQL writer has ended");
    drop(turn);
    for id in 0..20 {
        let mut transaction = writer(&store).await;
        let before = seen(&transaction, t).len();
        transaction.insert(t, &batch(t, &[&format!("{id} a"), &format!("{} b", id + 100)])).expect("insert");
        transaction.check_references().expect("references");
        let patience = Duration::from_micros(u64::try_from(id).expect("positive") * 200);
        let outcome = tokio::time::timeout(patience, transaction.commit()).await;
        let after = seen(&writer(&store).await, t).len();
        assert!(after == before + 2 || (after == before && outcome.is_err()), "{before} rows became {after}");
    }
}
