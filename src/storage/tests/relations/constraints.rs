//! NOT NULL, unique indexes, and rows found by them.

use std::ops::Bound;

use datafusion::arrow::array::RecordBatch;

use super::{Build, keys};
use super::{
    batch, delete, index, insert, ints, key, lines, run, seen, stored, table, told, update, with_tables, writer,
};
use crate::catalog::IndexKey;
use crate::types::{Code, ErrorObject, SqlType};

const COLUMNS: [(&str, SqlType); 2] = [("id!", SqlType::Int4), ("name", SqlType::Text)];

/// A NULL and a value that is there already are refused in PostgreSQL's words, and nothing of the statement stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_constraints_are_told_as_postgresql_does() {
    let directory = tempfile::tempdir().expect("directory");
    let made = table(70_001, "policies", &COLUMNS)
        .with_index(index(70_002, "policies_pkey", true, &[1]))
        .with_index(index(70_003, "policies_name_key", true, &[2, 1]));
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    let policies = &tables[0];
    insert(&store, policies, &["1 a", "2 -"]).await.expect("insert");
    let error = insert(&store, policies, &["3 c", "- d"]).await.expect_err("null");
    let message = "null value in column \"id\" of relation \"policies\" violates not-null constraint";
    assert_eq!(told(&error), (Code::NotNullViolation, message, Some("Failing row contains (null, d).")));
    let error = insert(&store, policies, &["4 d", "1 e"]).await.expect_err("duplicate");
    let message = "duplicate key value violates unique constraint \"policies_pkey\"";
    assert_eq!(told(&error), (Code::UniqueViolation, message, Some("Key (id)=(1) already exists.")));
    let object = ErrorObject {
        schema: Some("public".to_owned()),
        table: Some("policies".to_owned()),
        constraint: Some("policies_pkey".to_owned()),
        ..ErrorObject::default()
    };
    assert_eq!(error.object.as_deref(), Some(&object));
    insert(&store, policies, &["7 x", "7 y"]).await.expect_err("twice in one statement");
    assert_eq!(stored(&store, policies), ["1 a", "2 -"]);
}

/// NULLs are different from each other, unless the index says otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nulls_do_not_collide_unless_they_shall() {
    let directory = tempfile::tempdir().expect("directory");
    let strict = crate::catalog::Index { nulls_not_distinct: true, ..index(70_004, "strict", true, &[2]) };
    let made = [
        table(70_001, "loose", &COLUMNS).with_index(index(70_002, "loose_key", true, &[2])),
        table(70_003, "strict", &COLUMNS).with_index(strict),
    ];
    let (store, tables) = with_tables(directory.path(), &made).await;
    insert(&store, &tables[0], &["1 -", "2 -"]).await.expect("distinct");
    let error = insert(&store, &tables[1], &["1 -", "2 -"]).await.expect_err("not distinct");
    assert_eq!(error.detail.as_deref(), Some("Key (name)=(null) already exists."));
}

/// `UPDATE t SET a = a + 1` works on a unique column, and a collision at the end of the call does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unique_values_may_move_in_one_step() {
    let directory = tempfile::tempdir().expect("directory");
    let made = table(70_001, "t", &COLUMNS).with_index(index(70_002, "t_pkey", true, &[1]));
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    let t = &tables[0];
    insert(&store, t, &["1 a", "2 b", "3 c"]).await.expect("insert");
    update(&store, t, &[0, 1, 2], &["2 a", "3 b", "4 c"]).await.expect("plus one");
    assert_eq!(stored(&store, t), ["2 a", "3 b", "4 c"]);
    let error = update(&store, t, &[0], &["4 a"]).await.expect_err("collision");
    assert_eq!(error.detail.as_deref(), Some("Key (id)=(4) already exists."));
    delete(&store, t, &[2]).await.expect("delete");
    update(&store, t, &[0], &["4 a"]).await.expect("free again");
    assert_eq!(stored(&store, t), ["4 a", "3 b"]);
}

/// Rows are found by keys, own writes included, in rising and falling indexes, and in ranges.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_found_by_their_keys() {
    let directory = tempfile::tempdir().expect("directory");
    let falling = IndexKey { descending: true, ..key(1) };
    let falling = crate::catalog::Index { keys: vec![falling], ..index(70_003, "falling", false, &[]) };
    let made = table(70_001, "t", &COLUMNS).with_index(index(70_002, "t_name", false, &[2, 1])).with_index(falling);
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    let t = &tables[0];
    insert(&store, t, &["5 a", "3 b", "9 a", "7 -"]).await.expect("insert");
    let mut transaction = writer(&store).await;
    transaction.insert(t, &batch(t, &["1 a"])).expect("insert");
    let gone = keys(&transaction, t)[0];
    transaction.delete(t, &[gone]).expect("delete");
    let rows = transaction.rows(t).expect("rows");
    let named = RecordBatch::try_from_iter([("name", super::texts(&[Some("a"), Some("b")]))]).expect("values");
    let found = rows.point(70_002, &named, Some(&[0]), false).expect("point");
    assert_eq!(lines(&found), ["3", "9", "1"], "in the order of their insertion");
    let unnamed = RecordBatch::try_from_iter([("name", super::texts(&[None]))]).expect("values");
    assert_eq!(lines(&rows.point(70_002, &unnamed, None, false).expect("point")), ["7 -"]);
    let between = |lower, upper| lines(&rows.between(70_003, lower, upper, Some(&[0]), false).expect("range"));
    let (three, nine) = (ints(&[Some(3)]), ints(&[Some(9)]));
    assert_eq!(between(Bound::Included(&three), Bound::Excluded(&nine)), ["7", "3"]);
    assert_eq!(between(Bound::Excluded(&three), Bound::Unbounded), ["9", "7"]);
    assert_eq!(between(Bound::Unbounded, Bound::Included(&three)), ["3", "1"]);
}

/// ON CONFLICT learns which rows stand in the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_name_the_rows_in_the_way() {
    let directory = tempfile::tempdir().expect("directory");
    let made = table(70_001, "t", &COLUMNS).with_index(index(70_002, "t_name", true, &[2]));
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    let t = &tables[0];
    insert(&store, t, &["1 a", "2 b"]).await.expect("insert");
    let transaction = store.begin().expect("begin");
    let all = keys(&transaction, t);
    let found = transaction.conflicts(t, 70_002, &batch(t, &["5 b", "6 c", "7 -"])).expect("conflicts");
    assert_eq!(found, [Some(all[1]), None, None]);
    let row = transaction.row(t, &all[1]).expect("row").expect("there");
    assert_eq!(lines(&row), ["2 b"]);
}

/// TRUNCATE empties rows and indexes; new rows go on after it, and a rollback brings all back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncate_is_part_of_its_transaction() {
    let directory = tempfile::tempdir().expect("directory");
    let made = table(70_001, "t", &COLUMNS).with_index(index(70_002, "t_pkey", true, &[1]));
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    let t = &tables[0];
    insert(&store, t, &["1 a", "2 b"]).await.expect("insert");
    let mut transaction = writer(&store).await;
    let before = transaction.savepoint();
    transaction.truncate(t).expect("truncate");
    transaction.insert(t, &batch(t, &["1 z"])).expect("the key is free");
    assert_eq!(seen(&transaction, t), ["1 z"]);
    transaction.roll_back_to(&before);
    assert_eq!(seen(&transaction, t), ["1 a", "2 b"]);
    drop(transaction);
    run(&store, |transaction| {
        transaction.truncate(t)?;
        transaction.insert(t, &batch(t, &["2 y"])).map(drop)
    })
    .await
    .expect("commit");
    assert_eq!(stored(&store, t), ["2 y"]);
    insert(&store, t, &["2 x"]).await.expect_err("the index has the new row");
    insert(&store, t, &["1 x"]).await.expect("the index has lost the old rows");
}
