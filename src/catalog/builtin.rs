//! Reads the built-in catalog: `catalog/*.toml` and `catalog/views/*.sql`, embedded in the binary.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::model::{Catalog, Column, Database, Schema, Scope, Table, View};
use super::{DEFAULT_DATABASE, MESH, POSTGRES_DATABASE, PUBLIC};
use crate::types::SqlType;

const EVENT_TABLES: &str = include_str!("../../catalog/kubearmor.toml");
const STATUS_TABLES: &str = include_str!("../../catalog/system.toml");
const VIEWS: &[(&str, &str)] = &[
    ("events", include_str!("../../catalog/views/events.sql")),
    ("processes", include_str!("../../catalog/views/processes.sql")),
];

/// The object ids of the built-in database and schemas (public has PostgreSQL's own id).
pub(super) const DATABASE_OID: u32 = 16_390;
/// PostgreSQL's own id of the database that programs connect to when none is named.
pub(super) const POSTGRES_OID: u32 = 5;
const PUBLIC_OID: u32 = 2_200;
const MESH_OID: u32 = 16_391;

/// Why the embedded catalog cannot be read; tests make sure that it can.
#[derive(Debug, thiserror::Error)]
pub enum BuiltinError {
    /// The file is no TOML of the expected shape.
    #[error("catalog file {file}")]
    Shape {
        /// Its name.
        file: &'static str,
        /// What the parser says.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A column, header line or scope has a value that means nothing.
    #[error("catalog file {file}: {what}")]
    Meaning {
        /// Its name.
        file: &'static str,
        /// What was found.
        what: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    database: Option<String>,
    #[serde(default)]
    comment: String,
    table: Vec<RawTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    name: String,
    oid: u32,
    comment: String,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    columns: Vec<RawColumn>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawColumn {
    name: String,
    r#type: String,
    #[serde(default)]
    not_null: bool,
    #[serde(default)]
    source: Option<String>,
    comment: String,
}

/// The catalog that exists before the first CREATE.
pub fn builtin() -> Result<Catalog, BuiltinError> {
    let events = read("kubearmor.toml", EVENT_TABLES)?;
    let status = read("system.toml", STATUS_TABLES)?;
    let mut schemas = BTreeMap::from([
        (PUBLIC.to_owned(), Schema { oid: PUBLIC_OID, ..Schema::default() }),
        (MESH.to_owned(), Schema { oid: MESH_OID, ..Schema::default() }),
    ]);
    let (name, comment) =
        (events.database.clone().unwrap_or_else(|| DEFAULT_DATABASE.to_owned()), events.comment.clone());
    for (file, raw) in [("kubearmor.toml", events), ("system.toml", status)] {
        for table in raw.table {
            let table = table_from_raw(file, table)?;
            schemas.entry(table.schema.clone()).or_default().tables.insert(table.name.clone(), Arc::new(table));
        }
    }
    for (name, text) in VIEWS {
        let view = view_from_text(name, text)?;
        schemas.entry(view.schema.clone()).or_default().views.insert(view.name.clone(), Arc::new(view));
    }
    let first = BTreeMap::from([
        (PUBLIC.to_owned(), Schema { oid: PUBLIC_OID, ..Schema::default() }),
        (MESH.to_owned(), schemas.get(MESH).cloned().unwrap_or_default()),
    ]);
    let database = |oid, name: &str, comment: String, schemas| {
        (name.to_owned(), Database { oid, name: name.to_owned(), comment, owner: None, schemas })
    };
    let administrative = String::from("default administrative connection database");
    let databases = [
        database(DATABASE_OID, &name, comment, schemas),
        database(POSTGRES_OID, POSTGRES_DATABASE, administrative, first),
    ];
    Ok(Catalog { databases: BTreeMap::from(databases) })
}

fn read(file: &'static str, text: &str) -> Result<RawFile, BuiltinError> {
    toml::from_str(text).map_err(|source| BuiltinError::Shape { file, source: Box::new(source) })
}

fn table_from_raw(file: &'static str, raw: RawTable) -> Result<Table, BuiltinError> {
    let scope = match raw.scope.as_deref() {
        None => Scope::Event,
        Some("fleet") => Scope::Fleet,
        Some("local") => Scope::Local,
        Some("session") => Scope::Session,
        Some(other) => return Err(BuiltinError::Meaning { file, what: format!("scope {other}") }),
    };
    let columns = (1..).zip(raw.columns).map(|(number, column)| column_from_raw(file, number, column));
    let columns = columns.collect::<Result<_, _>>()?;
    Ok(Table::new(raw.oid, raw.schema.as_deref().unwrap_or(PUBLIC), &raw.name, scope, &raw.comment, columns))
}

fn column_from_raw(file: &'static str, number: i16, raw: RawColumn) -> Result<Column, BuiltinError> {
    let sql_type = match raw.r#type.as_str() {
        "text[]" => SqlType::TextArray,
        other => SqlType::from_name(other)
            .ok_or_else(|| BuiltinError::Meaning { file, what: format!("type {other} of column {}", raw.name) })?,
    };
    let column = Column::new(number, &raw.name, sql_type);
    Ok(Column { not_null: raw.not_null, comment: raw.comment, source: raw.source, ..column })
}

fn view_from_text(name: &'static str, text: &str) -> Result<View, BuiltinError> {
    let header = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix("-- ")?.strip_prefix(key)?.strip_prefix(": "))
            .ok_or_else(|| BuiltinError::Meaning { file: name, what: format!("no header line \"{key}\"") })
    };
    let oid = header("oid")?;
    let sql: Vec<&str> = text.lines().filter(|line| !line.starts_with("--")).collect();
    Ok(View {
        oid: oid.parse().map_err(|_| BuiltinError::Meaning { file: name, what: format!("oid {oid}") })?,
        schema: PUBLIC.to_owned(),
        name: name.to_owned(),
        sql: sql.join("\n").trim().to_owned(),
        comment: header("comment")?.to_owned(),
        owner: None,
        columns: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::builtin;

    #[test]
    fn the_embedded_catalog_reads_and_has_unique_ids() {
        let catalog = builtin().expect("embedded catalog");
        assert_eq!(catalog.event_tables().count(), 3);
        let schemas = &catalog.databases["kubearmor"].schemas;
        let mut oids: Vec<u32> = schemas
            .values()
            .flat_map(|schema| {
                schema.tables.values().map(|table| table.oid).chain(schema.views.values().map(|view| view.oid))
            })
            .collect();
        let before = oids.len();
        oids.sort_unstable();
        oids.dedup();
        assert_eq!(oids.len(), before);
    }
}
