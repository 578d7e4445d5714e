//! The GlueSQL definition of an event table, derived in code from the catalog's.
//!
//! Our catalog is the truth; no DDL text is ever parsed for it (GlueSQL's INT8 has 8 bits, and it
//! refuses VARCHAR, TIMESTAMPTZ and JSONB).

use gluesql::core::ast::{ColumnDef, DataType};
use gluesql::core::data::Schema;

use crate::catalog::Table;
use crate::types::SqlType;

/// The definition of an event table.
pub(super) fn of_event_table(table: &Table) -> Schema {
    let columns = table.columns.iter().map(|column| ColumnDef {
        name: column.name.clone(),
        data_type: data_type(column.sql_type),
        nullable: !column.not_null,
        default: None,
        unique: None,
        comment: Some(column.comment.clone()),
    });
    Schema {
        table_name: table.name.clone(),
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
