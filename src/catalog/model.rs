//! The model: database, schema, table, column, view.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::entry::TableRecord;
use super::relational::{Identity, Relational, Sequence, UserType};
use crate::types::numeric::SHORTEST_SCALE;
use crate::types::{SqlType, USER_TYPE_KEY};

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
    /// A relational table: its rows lie on its home node.
    Relational,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// Never NULL.
    #[serde(default)]
    pub not_null: bool,
    /// What it means.
    #[serde(default)]
    pub comment: String,
    /// Event tables: the field of a decoded event that fills it.
    #[serde(default)]
    pub source: Option<String>,
    /// Its attribute number, from 1; it stays when columns before it are dropped.
    pub number: i16,
    /// PostgreSQL's type modifier; -1 where there is none.
    pub modifier: i32,
    /// Object id of a user's type: an enum (then `sql_type` is text) or a domain (then it is the base type).
    #[serde(default)]
    pub user_type: Option<u32>,
    /// SQL text of its default.
    #[serde(default)]
    pub default: Option<String>,
    /// It takes its values from a sequence of its own.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// SQL text of the expression that gives its value (GENERATED ALWAYS AS ... STORED).
    #[serde(default)]
    pub generated: Option<String>,
}

impl Column {
    /// A column that may be NULL and has nothing else.
    pub fn new(number: i16, name: &str, sql_type: SqlType) -> Self {
        Self {
            name: name.to_owned(),
            sql_type,
            not_null: false,
            comment: String::new(),
            source: None,
            number,
            modifier: -1,
            user_type: None,
            default: None,
            identity: None,
            generated: None,
        }
    }

    /// The Arrow field that carries it.
    pub fn field(&self) -> Field {
        let plain = self.sql_type.field(&self.name, !self.not_null);
        if self.modifier == -1 && self.user_type.is_none() && self.sql_type != SqlType::Numeric {
            return plain;
        }
        let data_type = match (self.sql_type, SqlType::scale_of_modifier(self.modifier)) {
            (SqlType::Numeric, Some(scale)) => DataType::Decimal128(38, scale),
            // Each value is shown with the digits that it has.
            (SqlType::Numeric, None) => DataType::Decimal128(38, SHORTEST_SCALE.cast_signed()),
            _ => plain.data_type().clone(),
        };
        let mut field = self.sql_type.marked_field(&self.name, data_type, self.modifier).with_nullable(!self.not_null);
        if let Some(oid) = self.user_type {
            field.metadata_mut().insert(USER_TYPE_KEY.to_owned(), oid.to_string());
        }
        field
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TableRecord", into = "TableRecord")]
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
    /// What only a relational table has.
    pub relational: Option<Relational>,
}

impl Table {
    /// A table whose Arrow schema follows from its columns.
    pub fn new(oid: u32, schema: &str, name: &str, scope: Scope, comment: &str, columns: Vec<Column>) -> Self {
        let fields: Vec<_> = columns.iter().map(Column::field).collect();
        Self {
            oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
            scope,
            comment: comment.to_owned(),
            columns,
            arrow: Arc::new(ArrowSchema::new(fields)),
            relational: None,
        }
    }

    /// The number for a column that is added: never that of another one, not even of one that was dropped.
    pub fn next_column_number(&self) -> i16 {
        let given = self.relational.as_ref().map_or(0, |relational| relational.columns_made);
        self.columns.iter().map(|column| column.number).fold(given, i16::max).saturating_add(1)
    }

    /// The column with this attribute number.
    pub fn column(&self, number: i16) -> Option<&Column> {
        self.columns.iter().find(|column| column.number == number)
    }

    /// Its rows are spread over nodes, so a query sends fragments to them.
    pub fn is_spread(&self) -> bool {
        matches!(self.scope, Scope::Event | Scope::Fleet)
    }
}

/// A view: a stored SELECT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Name of the role that owns it; none for the built-in ones.
    pub owner: Option<String>,
    /// Its columns as they were when a user made it; none for the built-in ones, which the planner plans.
    pub columns: Vec<Column>,
}

/// A schema: tables, views, sequences and types by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Tables by name.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// Views by name.
    pub views: BTreeMap<String, Arc<View>>,
    /// Sequences by name.
    pub sequences: BTreeMap<String, Arc<Sequence>>,
    /// Users' types by name.
    pub types: BTreeMap<String, Arc<UserType>>,
    /// Name of the role that owns it; none for the built-in ones.
    pub owner: Option<String>,
    /// What it is for.
    pub comment: String,
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
    /// Name of the role that owns it; none for the built-in one.
    pub owner: Option<String>,
    /// Schemas by name, `public` and `mesh` among them; `pg_catalog` and `information_schema` are made by `system`.
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
