//! Views over the tables that describe our objects: pg_tables, pg_views, statistics.

use super::objects::is_shared;
use crate::system::facts::CatalogFacts;
use crate::system::rows::{Rows, Value};

fn owner(facts: &CatalogFacts, oid: u32) -> Value {
    Value::text_or_null(facts.role_name(oid))
}

/// pg_tables.
pub(super) fn tables(facts: &CatalogFacts, rows: &mut Rows) {
    for table in facts.relations().iter().filter(|relation| relation.kind == 'r') {
        rows.push(&[
            ("schemaname", table.schema.into()),
            ("tablename", table.name.into()),
            ("tableowner", owner(facts, table.owner)),
            ("tablespace", if is_shared(table) { "pg_global".into() } else { Value::Null }),
            ("hasindexes", false.into()),
            ("hasrules", false.into()),
            ("hastriggers", false.into()),
            ("rowsecurity", false.into()),
        ]);
    }
}

/// pg_views.
pub(super) fn views(facts: &CatalogFacts, rows: &mut Rows) {
    for view in facts.relations().iter().filter(|relation| relation.kind == 'v') {
        rows.push(&[
            ("schemaname", view.schema.into()),
            ("viewname", view.name.into()),
            ("viewowner", owner(facts, view.owner)),
            ("definition", view.definition.map_or(Value::Null, |sql| format!("{sql};").into())),
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
