//! Objects come, change and go.

use std::sync::Arc;

use gluesql::core::data::Value;
use gluesql::prelude::Payload;

use super::{Build, batch, entry, index, insert, ints, keys, run, seen, stored, table, table_entry, told, with_tables};
use super::{lines, writer};
use crate::catalog::{Column, ForeignAction, Object, SchemaEntry, Table};
use crate::storage::testing::open;
use crate::storage::{SqlTransaction, StorageError};
use crate::types::{Code, SqlType};

const COLUMNS: [(&str, SqlType); 2] = [("id", SqlType::Int4), ("name", SqlType::Text)];

fn changed(table: &Arc<Table>, change: impl FnOnce(&mut Table)) -> Table {
    let mut next = Table::clone(table);
    change(&mut next);
    let Table { oid, schema, name, comment, columns, relational, scope, .. } = next;
    Table { relational, ..Table::new(oid, &schema, &name, scope, &comment, columns) }
}

fn put(transaction: &mut SqlTransaction, table: &Table) -> Result<Arc<Table>, StorageError> {
    transaction.put(table_entry(table))?;
    Ok(Arc::clone(transaction.catalog().table_by_oid(table.oid).expect("put")))
}

/// Columns that are added are NULL in old rows, dropped ones are gone for good, and no number is given twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_come_and_go_without_a_rewrite() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[table(70_001, "t", &COLUMNS)]).await;
    insert(&store, &tables[0], &["1 secret"]).await.expect("insert");
    let mut transaction = writer(&store).await;
    let without = changed(&tables[0], |table| drop(table.columns.remove(1)));
    let without = put(&mut transaction, &without).expect("drop a column");
    assert_eq!((without.next_column_number(), seen(&transaction, &without)), (3, vec!["1".to_owned()]));
    let reused = changed(&without, |table| table.columns.push(Column::new(2, "again", SqlType::Text)));
    assert_eq!(put(&mut transaction, &reused).expect_err("number 2 was another's").code(), Code::Internal);
    let added = changed(&without, |table| table.columns.push(Column::new(3, "more", SqlType::Text)));
    let added = put(&mut transaction, &added).expect("add a column");
    assert_eq!(seen(&transaction, &added), ["1 -"]);
    transaction.insert(&added, &batch(&added, &["2 new"])).expect("insert");
    transaction.check_references().expect("references");
    transaction.commit().await.expect("commit");
    drop(store);
    let store = open(directory.path()).await;
    let known = Arc::clone(store.catalog().table("kube", "public", "t").expect("known"));
    assert_eq!((stored(&store, &known), known.next_column_number()), (vec!["1 -".to_owned(), "2 new".to_owned()], 4));
}

/// New indexes and constraints are checked against the rows that are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_rules_hold_for_old_rows() {
    let directory = tempfile::tempdir().expect("directory");
    let other = table(70_005, "other", &[("id", SqlType::Int4)]);
    let (store, tables) = with_tables(directory.path(), &[table(70_001, "t", &COLUMNS), other]).await;
    let t = &tables[0];
    insert(&store, t, &["1 a", "2 a", "- c"]).await.expect("insert");
    let mut transaction = writer(&store).await;
    let before = transaction.savepoint();
    let mut refused = |change: &dyn Fn(&mut Table)| {
        let error = put(&mut transaction, &changed(t, change)).expect_err("refused").into_sql_error();
        transaction.roll_back_to(&before);
        error
    };
    let push = |columns: &'static [i16]| {
        move |table: &mut Table| *table = table.clone().with_index(index(70_002, "t_key", true, columns))
    };
    let error = refused(&push(&[2]));
    let message = "could not create unique index \"t_key\"";
    assert_eq!(told(&error), (Code::UniqueViolation, message, Some("Key (name)=(a) is duplicated.")));
    let error = refused(&|table| table.columns[0].not_null = true);
    let message = "column \"id\" of relation \"t\" contains null values";
    assert_eq!(told(&error), (Code::NotNullViolation, message, None));
    let actions = [ForeignAction::NoAction; 2];
    let error = refused(&|table| *table = table.clone().with_reference("f", &[1], (70_005, &[1]), actions));
    assert_eq!(error.detail.as_deref(), Some("Key (id)=(1) is not present in table \"other\"."));
    let error = refused(&|table| {
        let partial = crate::catalog::Index { predicate: Some("id > 1".to_owned()), ..index(70_002, "p", false, &[1]) };
        *table = table.clone().with_index(partial);
    });
    assert_eq!(error.code, Code::FeatureNotSupported);
    let found = put(&mut transaction, &changed(t, push(&[2, 1]))).expect("unique pairs");
    transaction.insert(&found, &batch(&found, &["1 a"])).expect_err("the index is kept");
    transaction.roll_back_to(&before);
    assert!(transaction.catalog().table_by_oid(70_001).is_some_and(|table| table.indexes().is_empty()));
}

/// ALTER TABLE with another type: new definition and rows in one step, indexes included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_rewritten_with_their_table() {
    let directory = tempfile::tempdir().expect("directory");
    let made = table(70_001, "t", &COLUMNS).with_index(index(70_002, "t_key", true, &[2]));
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    let old = &tables[0];
    insert(&store, old, &["1 5", "2 6"]).await.expect("insert");
    let new = Arc::new(changed(old, |table| table.columns[1].sql_type = SqlType::Int4));
    let batches = |rows: &[&str]| vec![batch(&new, rows)];
    let error = run(&store, |transaction| transaction.rewrite_rows(old, &new, batches(&["1 5", "2 5"]))).await;
    assert_eq!(error.expect_err("not unique any more").code, Code::UniqueViolation);
    run(&store, |transaction| transaction.rewrite_rows(old, &new, batches(&["1 5", "2 6"]))).await.expect("rewrite");
    let known = Arc::clone(store.catalog().table_by_oid(70_001).expect("known"));
    assert_eq!(stored(&store, &known), ["1 5", "2 6"]);
    let rows = store.begin().expect("begin").rows(&known).expect("rows");
    let values = datafusion::arrow::array::RecordBatch::try_from_iter([("name", ints(&[Some(6)]))]).expect("values");
    assert_eq!(lines(&rows.point(70_002, &values, None, false).expect("point")), ["2 6"]);
    insert(&store, &known, &["3 6"]).await.expect_err("unique");
}

/// Dropping takes rows and keys along; a schema and a database take what is in them; renaming a schema, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dropped_is_gone_with_all_in_it() {
    let directory = tempfile::tempdir().expect("directory");
    let made = table(70_001, "t", &COLUMNS).with_index(index(70_002, "t_key", true, &[1]));
    let (store, tables) = with_tables(directory.path(), std::slice::from_ref(&made)).await;
    insert(&store, &tables[0], &["1 a"]).await.expect("insert");
    run(&store, |transaction| transaction.drop_entry(70_001)).await.expect("drop");
    run(&store, |transaction| transaction.put(table_entry(&made))).await.expect("again");
    let again = Arc::clone(store.catalog().table_by_oid(70_001).expect("known"));
    assert!(stored(&store, &again).is_empty());
    insert(&store, &again, &["1 b"]).await.expect("the index is empty, too");
    let schema = |name: &str| {
        let (name, owner, comment) = (name.to_owned(), Some("admin".to_owned()), "for tests".to_owned());
        entry(Object::Schema(SchemaEntry { name, owner, comment, is_gone: false }), 70_010)
    };
    let inside = Table { schema: "edge".to_owned(), ..table(70_011, "nodes", &COLUMNS) };
    run(&store, |transaction| {
        transaction.put(schema("edge"))?;
        transaction.put(table_entry(&inside))
    })
    .await
    .expect("a schema");
    run(&store, |transaction| transaction.put(schema("border"))).await.expect("rename");
    drop(store);
    let store = open(directory.path()).await;
    let catalog = store.catalog();
    assert!(catalog.table("kube", "edge", "nodes").is_none());
    let nodes = Arc::clone(catalog.table("kube", "border", "nodes").expect("renamed"));
    assert_eq!((nodes.schema.as_str(), catalog.entry(70_010)), ("border", Some(schema("border"))));
    insert(&store, &nodes, &["1 a"]).await.expect("insert");
    run(&store, |transaction| transaction.drop_schema(super::DATABASE, 2_200)).await.expect("public");
    run(&store, |transaction| transaction.drop_entry(70_010)).await.expect("border");
    drop(store);
    let store = open(directory.path()).await;
    let names = |catalog: &crate::catalog::Catalog| {
        let schemas =
            catalog.databases.get("kube").map(|database| database.schemas.keys().cloned().collect::<Vec<_>>());
        schemas.unwrap_or_default()
    };
    assert_eq!(names(&store.catalog()), ["mesh"]);
    assert!(store.catalog().event_table("alerts").is_some());
    run(&store, |transaction| transaction.drop_entry(super::DATABASE)).await.expect("database");
    drop(store);
    let left: Vec<String> = open(directory.path()).await.catalog().databases.keys().cloned().collect();
    assert_eq!(left, ["kubearmor", "postgres"], "those that are built in");
}

/// Temporary tables end with the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporary_tables_are_gone_after_a_restart() {
    let directory = tempfile::tempdir().expect("directory");
    let mut made = table(70_001, "t", &COLUMNS);
    made.relational.as_mut().expect("relational").temporary = true;
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    insert(&store, &tables[0], &["1 a"]).await.expect("insert");
    drop(store);
    assert!(open(directory.path()).await.catalog().table_by_oid(70_001).is_none());
}

/// GlueSQL reads users' tables under their full names, and does not write them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_opinion_reads_users_tables() {
    let directory = tempfile::tempdir().expect("directory");
    let (store, tables) = with_tables(directory.path(), &[table(70_001, "t", &COLUMNS)]).await;
    insert(&store, &tables[0], &["1 a", "2 -", "3 c"]).await.expect("insert");
    let sql = "SELECT name, id FROM \"kube.public.t\" WHERE id > 1 ORDER BY id DESC";
    let Payload::Select { rows, .. } = store.execute(sql).await.expect("select") else { panic!("no rows") };
    assert_eq!(rows, [[Value::Str("c".to_owned()), Value::I32(3)], [Value::Null, Value::I32(2)]]);
    for sql in [
        "INSERT INTO \"kube.public.t\" VALUES (4, 'd')",
        "DELETE FROM \"kube.public.t\"",
        "DROP TABLE \"kube.public.t\"",
    ] {
        assert_eq!(store.execute(sql).await.expect_err(sql).code(), Code::FeatureNotSupported, "{sql}");
    }
    let transaction = store.begin().expect("begin");
    assert_eq!(keys(&transaction, &tables[0]).len(), 3);
}
