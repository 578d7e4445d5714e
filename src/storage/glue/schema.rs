//! The GlueSQL definitions of event tables and users' tables, derived in code from the catalog's.
//!
//! Our catalog is the truth; no DDL text is ever parsed for it (GlueSQL's INT8 has 8 bits, and it
//! refuses VARCHAR, TIMESTAMPTZ and JSONB).

use std::sync::Arc;

use gluesql::core::ast::{ColumnDef, DataType};
use gluesql::core::data::Schema;

use crate::catalog::{Catalog, Scope, Table};
use crate::types::SqlType;

/// The definition of an event table.
pub(super) fn of_event_table(table: &Table) -> Schema {
    definition(&table.name, table)
}

/// The definition of a user's table, under this name. Its keys are not told: nothing is written by them.
pub(super) fn of_users_table(name: &str, table: &Table) -> Schema {
    definition(name, table)
}

/// The users' tables with the names that they have here.
pub(super) fn users_tables(catalog: &Catalog) -> impl Iterator<Item = (String, &Arc<Table>)> {
    catalog.databases.values().flat_map(|database| {
        let schemas = database.schemas.values();
        let tables = schemas.flat_map(|schema| schema.tables.values());
        let tables = tables.filter(|table| table.scope == Scope::Relational);
        tables.map(|table| (format!("{}.{}.{}", database.name, table.schema, table.name), table))
    })
}

fn definition(name: &str, table: &Table) -> Schema {
    let columns = table.columns.iter().map(|column| ColumnDef {
        name: column.name.clone(),
        data_type: data_type(column.sql_type),
        nullable: !column.not_null,
        default: None,
        unique: None,
        comment: Some(column.comment.clone()),
    });
    Schema {
        table_name: name.to_owned(),
        column_defs: Some(columns.collect()),
        indexes: Vec::new(),
        engine: None,
        foreign_keys: Vec::new(),
        comment: Some(table.comment.clone()),
    }
}

/// The GlueSQL type that holds the values of a SQL type.
pub(super) fn data_type(sql_type: SqlType) -> DataType {
    match sql_type {
        SqlType::Bool => DataType::Boolean,
        SqlType::Int2 => DataType::Int16,
        SqlType::Int4 | SqlType::Oid | SqlType::Xid | SqlType::Cid => DataType::Int32,
        SqlType::Int8 => DataType::Int,
        SqlType::Float4 => DataType::Float32,
        SqlType::Float8 => DataType::Float,
        SqlType::Numeric => DataType::Decimal,
        SqlType::Bytea => DataType::Bytea,
        SqlType::Date => DataType::Date,
        SqlType::Time => DataType::Time,
        SqlType::Timestamp | SqlType::Timestamptz => DataType::Timestamp,
        SqlType::Uuid => DataType::Uuid,
        SqlType::Inet => DataType::Inet,
        kind if kind.item().is_some() => DataType::List,
        // Names, checked texts and what only system tables hold.
        _ => DataType::Text,
    }
}
