//! Definitions on their way into this node's store: only of what lies here, in databases that may come from elsewhere.
//!
//! A database or schema that another node made is made here too, under the same object id, when the first object in
//! it is: both nodes then have it, and it is one.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;

use super::data::Data;
use crate::catalog::{Catalog, Entry, Object, Rule, Table};
use crate::planner::{Relations, lives_elsewhere};
use crate::types::{Code, SqlError};

impl Data {
    /// Makes an object, or gives it another definition.
    pub(super) fn put(&self, entry: Entry) -> Result<(), SqlError> {
        self.check_home(kind_of(&entry.object), entry.object.name(), entry.oid)?;
        if let Object::Table(table) = &entry.object {
            self.check_ties(table)?;
        }
        self.adopt_place(&entry)?;
        self.with(|transaction| transaction.put(entry))
    }

    /// Removes an object.
    pub(super) fn drop_entry(&self, oid: u32) -> Result<(), SqlError> {
        self.check_drop(oid)?;
        self.with(|transaction| transaction.drop_entry(oid))
    }

    /// Removes a schema of a database, both by object id.
    pub(super) fn drop_schema(&self, database: u32, oid: u32) -> Result<(), SqlError> {
        self.check_drop(oid)?;
        if self.own_catalog().schema_entry(database, oid).is_none()
            && let Some(entry) = self.catalog().schema_entry(database, oid)
        {
            // A built-in schema of a database that this node only knows of.
            self.adopt_place(&entry)?;
        }
        self.with(|transaction| transaction.drop_schema(database, oid))
    }

    /// Gives a table another definition and other rows.
    pub(super) fn rewrite_rows(
        &self,
        old: &Arc<Table>,
        new: &Arc<Table>,
        rows: Vec<RecordBatch>,
    ) -> Result<(), SqlError> {
        self.check_home("table", &old.name, old.oid)?;
        self.check_ties(new)?;
        self.with(|transaction| transaction.rewrite_rows(old, new, rows))
    }

    fn check_drop(&self, oid: u32) -> Result<(), SqlError> {
        let union = self.union();
        let Some(home) = union.home_of(oid) else { return Ok(()) };
        let entry = union.catalog.entry(oid);
        let (kind, name) = entry.as_ref().map_or(("object", ""), |e| (kind_of(&e.object), e.object.name()));
        Err(lives_elsewhere(kind, name, home))
    }

    /// Foreign keys and types of a table's columns must be where the table is.
    fn check_ties(&self, table: &Table) -> Result<(), SqlError> {
        let union = self.union();
        for constraint in table.constraints() {
            if let Rule::ForeignKey { table: other, .. } = &constraint.rule
                && let Some(home) = union.home_of(*other)
            {
                let name = union.catalog.table_by_oid(*other).map_or("", |other| other.name.as_str());
                return Err(lives_elsewhere("table", name, home));
            }
        }
        for oid in table.columns.iter().filter_map(|column| column.user_type) {
            let Some(kind) = union.catalog.type_by_oid(oid) else { continue };
            if let Some(home) = union.home_of(kind.oid) {
                return Err(lives_elsewhere("type", &kind.name, home));
            }
        }
        Ok(())
    }

    /// Makes the database and schema of an object here, when only other nodes have them.
    fn adopt_place(&self, entry: &Entry) -> Result<(), SqlError> {
        if matches!(entry.object, Object::Database(_)) {
            return Ok(());
        }
        let (own, all) = (self.own_catalog(), self.catalog());
        if own.database_by_oid(entry.database).is_none() {
            let database = all.entry(entry.database).ok_or_else(|| gone("database"))?;
            self.with(|transaction| transaction.put(database))?;
        }
        let Some(schema) = entry.object.schema() else { return Ok(()) };
        if has_schema(&self.own_catalog(), entry.database, schema) {
            return Ok(());
        }
        let known = all.database_by_oid(entry.database).and_then(|database| database.schemas.get(schema));
        let oid = known.map(|schema| schema.oid).ok_or_else(|| gone("schema"))?;
        let schema = all.schema_entry(entry.database, oid).ok_or_else(|| gone("schema"))?;
        self.with(|transaction| transaction.put(schema))
    }
}

fn has_schema(catalog: &Catalog, database: u32, schema: &str) -> bool {
    catalog.database_by_oid(database).is_some_and(|database| database.schemas.contains_key(schema))
}

fn gone(what: &str) -> SqlError {
    SqlError::new(Code::UndefinedObject, format!("the {what} does not exist any more"))
}

fn kind_of(object: &Object) -> &'static str {
    match object {
        Object::Database(_) => "database",
        Object::Schema(_) => "schema",
        Object::Table(_) => "table",
        Object::View(_) => "view",
        Object::Sequence(_) => "sequence",
        Object::Type(_) => "type",
    }
}
