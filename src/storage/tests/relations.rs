//! Relational tables, tried on real files: constraints, transactions, definitions, restarts.

mod constraints;
mod definitions;
mod references;
mod transactions;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::util::display::array_value_to_string;

use crate::catalog::{
    Column, Constraint, DatabaseEntry, Entry, ForeignAction, Index, IndexKey, Object, Relational, Rule, Scope, Table,
};
use crate::storage::testing::open;
use crate::storage::{RowKey, SqlTransaction, StorageError, Store};
use crate::types::{Code, NodeName, SqlError, SqlType};

/// The object id of the tests' database.
const DATABASE: u32 = 70_000;
const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));

/// A table with a column per name and type; `name!` is never NULL.
pub(super) fn table(oid: u32, name: &str, columns: &[(&str, SqlType)]) -> Table {
    let column = |(number, (name, kind)): (i16, &(&str, SqlType))| {
        let not_null = name.ends_with('!');
        Column { not_null, ..Column::new(number, name.trim_end_matches('!'), *kind) }
    };
    let columns = (1..).zip(columns).map(column).collect();
    let relational = Relational {
        home: NodeName::new("edge-1").expect("name"),
        owner: "admin".to_owned(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        columns_made: 0,
        temporary: false,
    };
    let table = Table::new(oid, "public", name, Scope::Relational, "", columns);
    Table { relational: Some(relational), ..table }
}

fn key(column: i16) -> IndexKey {
    IndexKey { column: Some(column), expression: None, descending: false, nulls_first: false }
}

pub(super) fn index(oid: u32, name: &str, unique: bool, columns: &[i16]) -> Index {
    Index {
        oid,
        name: name.to_owned(),
        unique,
        nulls_not_distinct: false,
        keys: columns.iter().copied().map(key).collect(),
        include: Vec::new(),
        predicate: None,
        comment: String::new(),
    }
}

pub(super) trait Build {
    fn with_index(self, index: Index) -> Self;
    fn with_reference(self, name: &str, columns: &[i16], to: (u32, &[i16]), actions: [ForeignAction; 2]) -> Self;
}

impl Build for Table {
    fn with_index(mut self, index: Index) -> Self {
        self.relational.as_mut().expect("relational").indexes.push(index);
        self
    }

    fn with_reference(mut self, name: &str, columns: &[i16], to: (u32, &[i16]), actions: [ForeignAction; 2]) -> Self {
        let constraints = &mut self.relational.as_mut().expect("relational").constraints;
        let [on_delete, on_update] = actions;
        let rule = Rule::ForeignKey { table: to.0, referenced: to.1.to_vec(), on_update, on_delete };
        let oid = 90_000 + self.oid * 10 + u32::try_from(constraints.len()).expect("few");
        let (columns, comment) = (columns.to_vec(), String::new());
        constraints.push(Constraint { oid, name: name.to_owned(), rule, columns, comment });
        self
    }
}

fn entry(object: Object, oid: u32) -> Entry {
    Entry { oid, database: DATABASE, object }
}

pub(super) fn database() -> Entry {
    let made = DatabaseEntry { name: "kube".to_owned(), owner: Some("admin".to_owned()), comment: String::new() };
    entry(Object::Database(made), DATABASE)
}

pub(super) fn table_entry(table: &Table) -> Entry {
    entry(Object::Table(table.clone()), table.oid)
}

pub(super) async fn writer(store: &Arc<Store>) -> SqlTransaction {
    let mut transaction = store.begin().expect("begin");
    transaction.start_writing(PATIENCE, false).await.expect("turn");
    transaction
}

/// A store in which these tables are; the tables as the catalog has them.
async fn with_tables(directory: &Path, tables: &[Table]) -> (Arc<Store>, Vec<Arc<Table>>) {
    let store = open(directory).await;
    let mut transaction = writer(&store).await;
    transaction.put(database()).expect("database");
    for table in tables {
        transaction.put(table_entry(table)).expect("table");
    }
    transaction.commit().await.expect("commit");
    let catalog = store.catalog();
    let known = tables.iter().map(|table| Arc::clone(catalog.table_by_oid(table.oid).expect("known")));
    let known = known.collect();
    (store, known)
}

fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// A batch from texts like `1 a`, `2 -` (NULL): columns are int4 or text.
pub(super) fn batch(table: &Table, rows: &[&str]) -> RecordBatch {
    let column = |(place, column): (usize, &Column)| {
        let values = rows.iter().map(|row| row.split(' ').nth(place).filter(|value| *value != "-"));
        match column.sql_type {
            SqlType::Int4 => ints(&values.map(|value| value.map(|v| v.parse().expect("int"))).collect::<Vec<_>>()),
            _ => texts(&values.collect::<Vec<_>>()),
        }
    };
    let columns = table.columns.iter().enumerate().map(column).collect();
    let fields: Vec<_> = table.arrow.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    RecordBatch::try_new(Arc::new(datafusion::arrow::datatypes::Schema::new(fields)), columns).expect("batch")
}

fn lines(batch: &RecordBatch) -> Vec<String> {
    let value = |column: &ArrayRef, row: usize| {
        if column.is_null(row) { "-".to_owned() } else { array_value_to_string(column, row).expect("text") }
    };
    let line = |row| batch.columns().iter().map(|column| value(column, row)).collect::<Vec<_>>().join(" ");
    (0..batch.num_rows()).map(line).collect()
}

/// All rows of a table as a transaction sees them.
pub(super) fn seen(transaction: &SqlTransaction, table: &Arc<Table>) -> Vec<String> {
    let rows = transaction.rows(table).expect("rows");
    let found: Vec<String> =
        rows.batches(None, false).expect("scan").flat_map(|batch| lines(&batch.expect("batch"))).collect();
    assert_eq!(rows.row_count(), found.len() as u64, "the count of {}", table.name);
    found
}

/// All rows of a table as everybody sees them.
fn stored(store: &Arc<Store>, table: &Arc<Table>) -> Vec<String> {
    seen(&store.begin().expect("begin"), table)
}

/// The keys of all rows, in order.
fn keys(transaction: &SqlTransaction, table: &Arc<Table>) -> Vec<RowKey> {
    let rows = transaction.rows(table).expect("rows");
    rows.batches(Some(&[]), true)
        .expect("scan")
        .flat_map(|batch| RowKey::of_batch(&batch.expect("batch")).expect("keys"))
        .collect()
}

/// Runs one statement on its own and commits it.
async fn run(
    store: &Arc<Store>,
    statement: impl FnOnce(&mut SqlTransaction) -> Result<(), StorageError>,
) -> Result<(), SqlError> {
    let mut transaction = writer(store).await;
    let done = statement(&mut transaction).and_then(|()| transaction.check_references());
    done.map_err(StorageError::into_sql_error)?;
    transaction.commit().await.map_err(StorageError::into_sql_error)
}

async fn insert(store: &Arc<Store>, table: &Arc<Table>, rows: &[&str]) -> Result<(), SqlError> {
    run(store, |transaction| transaction.insert(table, &batch(table, rows)).map(drop)).await
}

/// Replaces the rows at these places.
async fn update(store: &Arc<Store>, table: &Arc<Table>, places: &[usize], rows: &[&str]) -> Result<(), SqlError> {
    run(store, |transaction| {
        let all = keys(transaction, table);
        let chosen: Vec<RowKey> = places.iter().map(|place| all[*place]).collect();
        transaction.update(table, &chosen, &batch(table, rows))
    })
    .await
}

async fn delete(store: &Arc<Store>, table: &Arc<Table>, places: &[usize]) -> Result<(), SqlError> {
    run(store, |transaction| {
        let all = keys(transaction, table);
        let chosen: Vec<RowKey> = places.iter().map(|place| all[*place]).collect();
        transaction.delete(table, &chosen)
    })
    .await
}

fn told(error: &SqlError) -> (Code, &str, Option<&str>) {
    (error.code, &error.message, error.detail.as_deref())
}
