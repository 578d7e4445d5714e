//! The model: database, schema, table, column, view.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema as ArrowSchema, SchemaRef};

use crate::types::SqlType;

/// Who holds the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// An event table: its rows are spread over the nodes that received them.
    Event,
    /// A status table whose rows each node answers for itself.
    Fleet,
    /// A status table that the connected node answers from what it knows.
    Local,
    /// A status table of the client's own session.
    Session,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// Never NULL.
    pub not_null: bool,
    /// What it means.
    pub comment: String,
    /// Event tables: the field of a decoded event that fills it.
    pub source: Option<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Who holds its rows.
    pub scope: Scope,
    /// What it holds.
    pub comment: String,
    /// Its columns; attribute numbers are positions, from 1.
    pub columns: Vec<Column>,
    /// The columns as Arrow fields, in the same order.
    pub arrow: SchemaRef,
}

impl Table {
    /// A table whose Arrow schema follows from its columns.
    pub fn new(oid: u32, schema: &str, name: &str, scope: Scope, comment: &str, columns: Vec<Column>) -> Self {
        let fields: Vec<_> =
            columns.iter().map(|column| column.sql_type.field(&column.name, !column.not_null)).collect();
        Self {
            oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
            scope,
            comment: comment.to_owned(),
            columns,
            arrow: Arc::new(ArrowSchema::new(fields)),
        }
    }

    /// Its rows are spread over nodes, so a query sends fragments to them.
    pub fn is_spread(&self) -> bool {
        matches!(self.scope, Scope::Event | Scope::Fleet)
    }
}

/// A view: a stored SELECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its SELECT.
    pub sql: String,
    /// What it shows.
    pub comment: String,
}

/// A schema: tables and views by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Tables by name.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// Views by name.
    pub views: BTreeMap<String, Arc<View>>,
}

/// A database: schemas by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub comment: String,
    /// `public` and `mesh`; `pg_catalog` and `information_schema` are made by `system`.
    pub schemas: BTreeMap<String, Schema>,
}

/// A snapshot of everything that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Databases by name.
    pub databases: BTreeMap<String, Database>,
}

impl Catalog {
    /// The table `schema.name` of a database.
    pub fn table(&self, database: &str, schema: &str, name: &str) -> Option<&Arc<Table>> {
        self.databases.get(database)?.schemas.get(schema)?.tables.get(name)
    }

    /// The built-in event tables, in name order.
    pub fn event_tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.databases
            .get(super::DEFAULT_DATABASE)
            .and_then(|database| database.schemas.get(super::PUBLIC))
            .into_iter()
            .flat_map(|schema| schema.tables.values())
            .filter(|table| table.scope == Scope::Event)
    }

    /// The built-in event table with this name.
    pub fn event_table(&self, name: &str) -> Option<&Arc<Table>> {
        self.table(super::DEFAULT_DATABASE, super::PUBLIC, name).filter(|table| table.scope == Scope::Event)
    }
}
