//! Foreign keys and their actions.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;

use super::{Build, batch, delete, index, insert, ints, keys, seen, stored, table, told, update, with_tables, writer};
use crate::catalog::{Constraint, ForeignAction, Rule, Table};
use crate::storage::{Concerned, SqlTransaction};
use crate::types::{Code, SqlType};

fn parent() -> Table {
    let columns = [("id!", SqlType::Int4), ("name", SqlType::Text)];
    table(70_001, "parent", &columns).with_index(index(70_002, "parent_pkey", true, &[1]))
}

fn child(actions: [ForeignAction; 2]) -> Table {
    let columns = [("id!", SqlType::Int4), ("parent_id", SqlType::Int4)];
    let made = table(70_003, "child", &columns).with_index(index(70_004, "child_pkey", true, &[1]));
    made.with_reference("child_parent_id_fkey", &[2], (70_001, &[1]), actions)
}

/// A reference to nothing, and taking away what is referred to, are refused in PostgreSQL's words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn references_lead_to_rows() {
    for action in [ForeignAction::NoAction, ForeignAction::Restrict] {
        let directory = tempfile::tempdir().expect("directory");
        let (store, tables) = with_tables(directory.path(), &[parent(), child([action, action])]).await;
        let [parent, child] = [&tables[0], &tables[1]];
        insert(&store, parent, &["1 a", "2 b"]).await.expect("insert");
        insert(&store, child, &["10 1", "11 -"]).await.expect("insert");
        let error = insert(&store, child, &["12 99"]).await.expect_err("nothing there");
        let message = "insert or update on table \"child\" violates foreign key constraint \"child_parent_id_fkey\"";
        let detail = Some("Key (parent_id)=(99) is not present in table \"parent\".");
        assert_eq!(told(&error), (Code::ForeignKeyViolation, message, detail));
        update(&store, child, &[1], &["11 77"]).await.expect_err("nothing there");
        update(&store, child, &[1], &["11 2"]).await.expect("there");
        let error = delete(&store, parent, &[0]).await.expect_err("referred to");
        let message = "update or delete on table \"parent\" violates foreign key constraint \"child_parent_id_fkey\" on \
                       table \"child\"";
        let detail = Some("Key (id)=(1) is still referenced from table \"child\".");
        assert_eq!(told(&error), (Code::ForeignKeyViolation, message, detail));
        update(&store, parent, &[0], &["5 a"]).await.expect_err("referred to");
        update(&store, parent, &[0], &["1 z"]).await.expect("the key stays");
        assert_eq!(
            (stored(&store, parent), stored(&store, child)),
            (vec!["1 z".to_owned(), "2 b".to_owned()], vec!["10 1".to_owned(), "11 2".to_owned()])
        );
    }
}

/// NO ACTION looks at the end of the statement, RESTRICT at once: keys that change places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_action_forgives_what_the_statement_restores() {
    for (action, is_allowed) in [(ForeignAction::NoAction, true), (ForeignAction::Restrict, false)] {
        let directory = tempfile::tempdir().expect("directory");
        let (store, tables) = with_tables(directory.path(), &[parent(), child([action, action])]).await;
        insert(&store, &tables[0], &["1 a", "2 b"]).await.expect("insert");
        insert(&store, &tables[1], &["10 1"]).await.expect("insert");
        let outcome = update(&store, &tables[0], &[0, 1], &["2 a", "1 b"]).await;
        assert_eq!(outcome.is_ok(), is_allowed, "{action:?}");
    }
}

/// CASCADE and SET NULL change what refers, with an index on it and without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actions_change_what_refers() {
    use ForeignAction::{Cascade, SetNull};
    for with_index in [false, true] {
        for (actions, after_update, after_delete) in [
            ([Cascade, Cascade], vec!["10 7", "11 7", "12 2"], vec!["12 2"]),
            ([SetNull, SetNull], vec!["10 -", "11 -", "12 2"], vec!["10 -", "11 -", "12 2"]),
            ([SetNull, Cascade], vec!["10 7", "11 7", "12 2"], vec!["10 -", "11 -", "12 2"]),
        ] {
            let directory = tempfile::tempdir().expect("directory");
            let made = child(actions);
            let made = if with_index { made.with_index(index(70_006, "by_parent", false, &[2])) } else { made };
            let (store, tables) = with_tables(directory.path(), &[parent(), made]).await;
            insert(&store, &tables[0], &["1 a", "2 b"]).await.expect("insert");
            insert(&store, &tables[1], &["10 1", "11 1", "12 2"]).await.expect("insert");
            update(&store, &tables[0], &[0], &["7 a"]).await.expect("update");
            assert_eq!(stored(&store, &tables[1]), after_update);
            delete(&store, &tables[0], &[0]).await.expect("delete");
            assert_eq!(stored(&store, &tables[1]), after_delete);
        }
    }
}

/// Gives rows that ask for it the default 2, and tells how many they were.
fn with_defaults(transaction: &mut SqlTransaction) -> usize {
    let mut count = 0;
    loop {
        let concerned = transaction.reference_actions().expect("actions");
        if concerned.is_empty() {
            return count;
        }
        for Concerned { table, keys, defaults } in concerned {
            assert_eq!(defaults, [2]);
            let rows = transaction.rows(&table).expect("rows").rows_by_key(&keys, None, false).expect("rows");
            let columns = vec![Arc::clone(rows.column(0)), ints(&vec![Some(2); keys.len()])];
            let rows = RecordBatch::try_new(rows.schema(), columns).expect("batch");
            transaction.update(&table, &keys, &rows).expect("update");
            count += keys.len();
        }
    }
}

/// Rows that a cascade changed come back when expressions are to be asked about them, and others do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_rows_with_expressions_are_handed_out() {
    for has_check in [false, true] {
        let directory = tempfile::tempdir().expect("directory");
        let mut made = child([ForeignAction::Cascade; 2]);
        if has_check {
            let rule = Rule::Check { expression: "parent_id < 5".to_owned() };
            let constraint =
                Constraint { oid: 70_099, name: "small".to_owned(), columns: vec![2], rule, comment: String::new() };
            made.relational.as_mut().expect("relational").constraints.push(constraint);
        }
        let (store, tables) = with_tables(directory.path(), &[parent(), made]).await;
        insert(&store, &tables[0], &["1 a"]).await.expect("insert");
        insert(&store, &tables[1], &["10 1", "11 1"]).await.expect("insert");
        let mut transaction = writer(&store).await;
        let all = keys(&transaction, &tables[0]);
        let rows = transaction.rows(&tables[0]).expect("rows").rows_by_key(&all, None, false).expect("rows");
        let rows = RecordBatch::try_new(rows.schema(), vec![ints(&[Some(9)]), Arc::clone(rows.column(1))]);
        transaction.update(&tables[0], &all, &rows.expect("batch")).expect("update");
        let concerned = transaction.reference_actions().expect("actions");
        let found: Vec<usize> = concerned.iter().map(|one| one.keys.len()).collect();
        assert_eq!(found, if has_check { vec![2] } else { vec![] });
        transaction.check_references().expect("references");
        assert_eq!(seen(&transaction, &tables[1]), ["10 9", "11 9"]);
    }
}

/// SET DEFAULT asks for the default, which must lead to a row, too; changed rows are checked above storage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defaults_come_from_above() {
    let directory = tempfile::tempdir().expect("directory");
    let mut made = child([ForeignAction::SetDefault, ForeignAction::NoAction]);
    made.columns[1].default = Some("2".to_owned());
    let (store, tables) = with_tables(directory.path(), &[parent(), made]).await;
    let [parent, child] = [&tables[0], &tables[1]];
    insert(&store, parent, &["1 a", "2 b"]).await.expect("insert");
    insert(&store, child, &["10 1", "11 1"]).await.expect("insert");
    let error = delete(&store, parent, &[0]).await.expect_err("nobody evaluates");
    assert_eq!(error.code, Code::Internal);
    let mut transaction = writer(&store).await;
    let all = keys(&transaction, parent);
    transaction.delete(parent, &all[..1]).expect("delete");
    assert_eq!(with_defaults(&mut transaction), 2);
    assert_eq!(seen(&transaction, child), ["10 2", "11 2"]);
    transaction.delete(parent, &all[1..]).expect("delete");
    assert_eq!(with_defaults(&mut transaction), 2);
    let error = transaction.check_references().expect_err("the default is gone, too").into_sql_error();
    let detail = Some("Key (id)=(2) is still referenced from table \"child\".");
    assert_eq!((error.code, error.detail.as_deref()), (Code::ForeignKeyViolation, detail));
}

/// Rows that refer to their own table: all at once, in any order, and cascades through them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_may_refer_to_itself() {
    let directory = tempfile::tempdir().expect("directory");
    let columns = [("id!", SqlType::Int4), ("above", SqlType::Int4)];
    let made = table(70_001, "tree", &columns).with_index(index(70_002, "tree_pkey", true, &[1]));
    let made = made.with_reference("tree_fkey", &[2], (70_001, &[1]), [ForeignAction::Cascade; 2]);
    let (store, tables) = with_tables(directory.path(), &[made]).await;
    let tree = &tables[0];
    insert(&store, tree, &["3 2", "2 1", "1 -", "4 3", "9 9"]).await.expect("insert");
    delete(&store, tree, &[2]).await.expect("the whole branch");
    assert_eq!(stored(&store, tree), ["9 9"]);
    update(&store, tree, &[0], &["8 9"]).await.expect("the reference follows");
    assert_eq!(stored(&store, tree), ["8 8"]);
}

/// Keys of several columns, in another order than the index has them, and of different whole number types.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_may_have_several_columns() {
    let directory = tempfile::tempdir().expect("directory");
    let above = table(70_001, "above", &[("a!", SqlType::Int4), ("b!", SqlType::Text)]).with_index(index(
        70_002,
        "above_pkey",
        true,
        &[2, 1],
    ));
    let below = table(70_003, "below", &[("x", SqlType::Text), ("y", SqlType::Int4)]).with_reference(
        "below_fkey",
        &[2, 1],
        (70_001, &[1, 2]),
        [ForeignAction::Cascade; 2],
    );
    let (store, tables) = with_tables(directory.path(), &[above, below]).await;
    insert(&store, &tables[0], &["1 a", "2 b"]).await.expect("insert");
    insert(&store, &tables[1], &["a 1", "b 2", "- 7", "q -"]).await.expect("insert");
    let error = insert(&store, &tables[1], &["b 1"]).await.expect_err("no such pair");
    assert_eq!(error.detail.as_deref(), Some("Key (y, x)=(1, b) is not present in table \"above\"."));
    update(&store, &tables[0], &[1], &["3 c"]).await.expect("update");
    assert_eq!(stored(&store, &tables[1]), ["a 1", "c 3", "- 7", "q -"]);
    let mut transaction = writer(&store).await;
    transaction.insert(&tables[1], &batch(&tables[1], &["a 2"])).expect("insert");
    let error = transaction.commit().await.expect_err("the check was forgotten");
    assert_eq!(error.code(), Code::Internal);
}
