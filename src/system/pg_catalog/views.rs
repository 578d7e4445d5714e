//! Views over the tables that describe our objects: pg_tables, pg_views, statistics.

use super::objects::is_shared;
use crate::system::definitions::view_definition;
use crate::system::facts::{CatalogFacts, SessionFacts};
use crate::system::lookup::Relation;
use crate::system::rows::{Rows, Value};

fn owner(facts: &CatalogFacts, oid: u32) -> Value {
    Value::text_or_null(facts.role_name(oid))
}

/// pg_tables.
pub(super) fn tables(facts: &CatalogFacts, rows: &mut Rows) {
    for table in facts.tables_and_views().iter().filter(|relation| relation.kind == 'r') {
        rows.push(&[
            ("schemaname", table.schema.into()),
            ("tablename", table.name.into()),
            ("tableowner", owner(facts, table.owner)),
            ("tablespace", if is_shared(table) { "pg_global".into() } else { Value::Null }),
            ("hasindexes", has_indexes(table).into()),
            ("hasrules", false.into()),
            ("hastriggers", facts.has_triggers(table).into()),
            ("rowsecurity", false.into()),
        ]);
    }
}

fn has_indexes(table: &Relation<'_>) -> bool {
    table.relational().is_some_and(|(_, relational)| !relational.indexes.is_empty())
}

/// pg_views.
pub(super) fn views(facts: &CatalogFacts, session: &SessionFacts, rows: &mut Rows) {
    let shown = |sql: &str| facts.shown_text(&view_definition(sql), &session.search_path);
    for view in facts.tables_and_views().iter().filter(|relation| relation.kind == 'v') {
        rows.push(&[
            ("schemaname", view.schema.into()),
            ("viewname", view.name.into()),
            ("viewowner", owner(facts, view.owner)),
            ("definition", view.definition.map_or(Value::Null, |sql| shown(sql).into())),
        ]);
    }
}

/// pg_stat_user_tables and its like: the tables, without counters (the fleet's figures are in `mesh.tables`).
pub(super) fn table_statistics(facts: &CatalogFacts, rows: &mut Rows) {
    for table in facts.own_relations().iter().filter(|relation| relation.kind == 'r') {
        rows.push(&[("relid", table.oid.into()), ("schemaname", table.schema.into()), ("relname", table.name.into())]);
    }
}

/// pg_stat_database: the databases, without counters.
pub(super) fn database_statistics(facts: &CatalogFacts, rows: &mut Rows) {
    for database in facts.catalog.databases.values() {
        rows.push(&[("datid", database.oid.into()), ("datname", database.name.as_str().into())]);
    }
}
