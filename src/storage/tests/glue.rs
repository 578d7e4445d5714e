//! GlueSQL over the same store: a second opinion on events, and small relational tables.

use std::sync::Arc;
use std::time::Duration;

use gluesql::core::data::Value;
use gluesql::prelude::Payload;

use crate::env::run_blocking;
use crate::storage::testing::{START_US, alerts, append, contents, open, rows};
use crate::storage::{GlueStorage, StorageError, Store};
use crate::types::Code;

const PATIENCE: Duration = Duration::from_secs(10);

fn selected(payload: Payload) -> Vec<Vec<Value>> {
    match payload {
        Payload::Select { rows, .. } => rows,
        other => panic!("no rows: {other:?}"),
    }
}

async fn select(store: &Store, sql: &str) -> Vec<Vec<Value>> {
    selected(store.execute(sql).await.expect("select"))
}

/// Runs the statements of one transaction on one handle.
async fn transaction(handle: GlueStorage, statements: &'static [&'static str]) -> Vec<Result<Payload, StorageError>> {
    let work = move || {
        let mut results = Vec::new();
        statements.iter().fold(handle, |handle, sql| {
            let (handle, result) = handle.execute(sql);
            results.push(result);
            handle
        });
        results
    };
    run_blocking("transaction", work).await.expect("run")
}

/// Every value of every row, hot and sealed, is what Arrow holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_opinion_agrees_on_events() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    append(&store, 0..20).await;
    store.seal_table("alerts").await.expect("seal");
    append(&store, 20..30).await;
    let found = select(&store, "SELECT * FROM alerts ORDER BY number").await;
    assert_eq!(found.len(), 30);
    for (number, row) in found.iter().enumerate() {
        let number = i64::try_from(number).expect("small");
        let text = |text: String| Value::Str(text);
        let instant = chrono::DateTime::from_timestamp_micros(START_US + number * 1_000_000).expect("instant");
        let tags = (0..number % 3).map(|tag| if tag == 1 { Value::Null } else { text(format!("tag-{tag}")) });
        let tags = if number % 4 == 3 { Value::Null } else { Value::List(tags.collect()) };
        let when = |holds: bool, value: Value| if holds { value } else { Value::Null };
        let address = format!("10.0.{number}.1").parse().expect("address");
        let expected = vec![
            Value::Timestamp(instant.naive_utc()),
            text(format!("feed-{}", number % 2)),
            Value::I64(number),
            Value::Uuid(u128::try_from(number).expect("positive")),
            when(number % 5 != 0, text(format!("namespace-{}", number % 7))),
            when(number % 3 == 0, Value::I32(7)),
            tags,
            when(number % 2 == 0, text(format!("{{\"app\":\"a{number}\"}}"))),
            when(number % 2 == 1, Value::Inet(address)),
        ];
        assert_eq!(row, &expected, "row {number}");
    }
    let counted = select(&store, "SELECT feed, COUNT(*) FROM alerts WHERE pid = 7 GROUP BY feed ORDER BY feed").await;
    assert_eq!(counted, [[Value::Str("feed-0".into()), Value::I64(5)], [Value::Str("feed-1".into()), Value::I64(5)]]);
}

/// INSERT appends durably and visibly; what would change or remove events is refused and says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_only_appended() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    append(&store, 0..2).await;
    let insert = "INSERT INTO alerts (time, feed, number, event_id, namespace_name, pid, remote_ip, labels) VALUES \
        (TIMESTAMP '2023-11-14 22:13:22', 'feed-0', 2, '00000000-0000-0000-0000-000000000002', 'namespace-2', \
        NULL, NULL, '{\"app\":\"a2\"}')";
    let inserted = store.execute(insert).await.expect("insert");
    assert_eq!(inserted, Payload::Insert(1));
    let found = contents(&store).await;
    assert_eq!(found.num_rows(), 3);
    let without_tags = [0, 1, 2, 3, 4, 5, 7, 8];
    let project = |batch: &datafusion::arrow::array::RecordBatch| batch.project(&without_tags).expect("project");
    assert_eq!(project(&found), project(&rows(0..3)));
    assert_eq!(store.version().sequence, 2);
    drop(store);
    let store = open(directory.path()).await;
    assert_eq!(alerts(&store).summary.rows, 3);
    for sql in [
        "UPDATE alerts SET pid = 1",
        "DELETE FROM alerts WHERE pid = 7",
        "DROP TABLE alerts",
        "ALTER TABLE alerts ADD COLUMN more INTEGER",
        "ALTER TABLE alerts RENAME TO other",
    ] {
        let error = store.execute(sql).await.expect_err(sql);
        assert_eq!(error.code(), Code::FeatureNotSupported, "{sql}: {error}");
        assert!(error.to_string().contains("events are only appended"), "{sql}: {error}");
    }
    let error = store.execute("INSERT INTO alerts (number) VALUES (1)").await;
    error.expect_err("not null columns are missing");
    assert_eq!(alerts(&store).summary.rows, 3);
    let handle = store.glue_writer(PATIENCE).await.expect("handle");
    let results = transaction(handle, &["BEGIN", "INSERT INTO alerts SELECT * FROM alerts"]).await;
    assert_eq!(results[1].as_ref().expect_err("in a transaction").code(), Code::ActiveSqlTransaction);
    store.execute("INSERT INTO alerts SELECT * FROM alerts").await.expect("insert");
    assert_eq!(alerts(&store).summary.rows, 6);
}

/// Small tables: definitions, rows by key and without, updates, deletes, and all of it after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relational_tables_keep_their_rows() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    for sql in [
        "CREATE TABLE owners (name TEXT PRIMARY KEY, rank INTEGER NOT NULL, note TEXT)",
        "CREATE TABLE notes (text TEXT, weight FLOAT)",
        "INSERT INTO owners VALUES ('carol', 3, NULL), ('alice', 1, 'first'), ('bob', 2, 'second')",
        "INSERT INTO notes VALUES ('one', 0.1), ('two', 2.5)",
        "UPDATE owners SET note = 'changed' WHERE rank = 2",
        "DELETE FROM owners WHERE name = 'carol'",
        "ALTER TABLE notes RENAME TO remarks",
        "INSERT INTO remarks VALUES ('three', NULL)",
    ] {
        store.execute(sql).await.expect(sql);
    }
    assert!(store.execute("INSERT INTO owners VALUES ('bob', 9, NULL)").await.is_err());
    assert!(store.execute("CREATE TABLE alerts (x INTEGER)").await.is_err());
    drop(store);
    let store = open(directory.path()).await;
    let text = |text: &str| Value::Str(text.to_owned());
    let owners = select(&store, "SELECT name, rank, note FROM owners").await;
    assert_eq!(
        owners,
        [vec![text("alice"), Value::I64(1), text("first")], vec![text("bob"), Value::I64(2), text("changed")]]
    );
    assert_eq!(select(&store, "SELECT rank FROM owners WHERE name = 'bob'").await, [[Value::I64(2)]]);
    let remarks = select(&store, "SELECT * FROM remarks").await;
    assert_eq!(remarks.len(), 3);
    assert_eq!(remarks[0], [text("one"), Value::F64(0.1)]);
    store.execute("DROP TABLE owners").await.expect("drop");
    assert_eq!(store.execute("SELECT * FROM owners").await.expect_err("dropped").code(), Code::UndefinedTable);
    store.execute("CREATE TABLE owners (name TEXT PRIMARY KEY)").await.expect("create again");
    assert!(select(&store, "SELECT * FROM owners").await.is_empty());
    assert_eq!(store.execute("SELEC").await.expect_err("typo").code(), Code::SyntaxError);
}

/// A transaction sees its own writes, others see them at COMMIT and all at once; only one writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_all_or_nothing() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)").await.expect("create");
    store.execute("INSERT INTO t VALUES (1, 10), (2, 20)").await.expect("insert");
    let reader = store.glue_reader().expect("reader");
    let handle = store.glue_writer(PATIENCE).await.expect("writer");
    assert_eq!(store.glue_writer(Duration::ZERO).await.expect_err("taken").code(), Code::LockNotAvailable);
    let statements = &[
        "BEGIN",
        "UPDATE t SET v = 11 WHERE id = 1",
        "DELETE FROM t WHERE id = 2",
        "INSERT INTO t VALUES (3, 30)",
        "SELECT * FROM t",
        "COMMIT",
        "BEGIN",
        "DELETE FROM t",
        "ROLLBACK",
    ];
    let mut results = transaction(handle, statements).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let integers = |rows: &[[i64; 2]]| -> Vec<Vec<Value>> {
        rows.iter().map(|row| row.iter().map(|value| Value::I64(*value)).collect()).collect()
    };
    assert_eq!(selected(results.remove(4).expect("select")), integers(&[[1, 11], [3, 30]]));
    assert_eq!(select(&store, "SELECT * FROM t").await, integers(&[[1, 11], [3, 30]]));
    let old = transaction(reader, &["SELECT * FROM t", "DELETE FROM t"]).await;
    assert_eq!(selected(old[0].clone().expect("select")), integers(&[[1, 10], [2, 20]]));
    assert_eq!(old[1].as_ref().expect_err("reader").code(), Code::ReadOnlySqlTransaction);
    let unfinished = store.glue_writer(PATIENCE).await.expect("writer");
    transaction(unfinished, &["BEGIN", "DELETE FROM t"]).await;
    assert_eq!(select(&store, "SELECT * FROM t").await.len(), 2);
}

/// A transaction that grows beyond its bound is refused, not the node's memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_set_is_bounded() {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    store.execute("CREATE TABLE t (v TEXT)").await.expect("create");
    store.execute(&format!("INSERT INTO t VALUES ('{}')", "x".repeat(1 << 20))).await.expect("insert");
    for _ in 0..5 {
        store.execute("INSERT INTO t SELECT v FROM t").await.expect("double");
    }
    let error = store.execute("UPDATE t SET v = v || v").await.expect_err("64 MiB and more");
    assert_eq!(error.code(), Code::OutOfMemory, "{error}");
    let _keep = Arc::clone(&store);
}
