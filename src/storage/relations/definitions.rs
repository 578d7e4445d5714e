//! Definitions: objects come, change and go, and the rows of tables with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};

use super::change::with_number;
use super::key::{KeyShape, has_null};
use super::rows::RowKey;
use super::transaction::SqlTransaction;
use super::violation;
use crate::catalog::{Catalog, Constraint, Entry, FIRST_USER_OID, Index, Object, Rule, SchemaEntry, Scope, Table};
use crate::storage::StorageError;
use crate::types::Code;

impl SqlTransaction {
    /// Makes an object, or gives the one with this object id another definition.
    ///
    /// A table's new indexes are built, new unique ones checked (23505), and so are columns that may no longer be NULL
    /// (23502) and new foreign keys (23503). Columns of another type need [`Self::rewrite_rows`]. Indexes on expressions
    /// or with a condition are refused (0A000). Names and rights are the caller's question, CHECK constraints too.
    pub fn put(&mut self, entry: Entry) -> Result<(), StorageError> {
        self.must_write()?;
        let old = match &entry.object {
            Object::Schema(_) => self.catalog.schema_entry(entry.database, entry.oid),
            _ => self.catalog.entry(entry.oid),
        };
        self.check_place(&entry)?;
        let Object::Table(table) = entry.object else {
            let renamed = old.as_ref().is_some_and(|old| old.object.name() != entry.object.name());
            let is_schema = matches!(entry.object, Object::Schema(_));
            let (database, oid) = (entry.database, entry.oid);
            self.define(entry)?;
            if renamed && is_schema {
                // What is in it carries its name.
                let inside = self.catalog.entries_in_schema(database, oid);
                inside.into_iter().try_for_each(|entry| self.define(entry))?;
            }
            return Ok(());
        };
        let old = match old.map(|old| old.object) {
            Some(Object::Table(old)) => Some(Arc::new(old)),
            _ => None,
        };
        let table = with_columns_made(table, old.as_deref())?;
        for index in table.indexes() {
            KeyShape::of(&table, index)?;
        }
        self.define(Entry { object: Object::Table(table.clone()), ..entry })?;
        let Some(old) = old else { return Ok(()) };
        let table = Arc::new(table);
        for index in old.indexes().iter().filter(|index| table.index(index.oid).is_none()) {
            self.writes.clear_index(index.oid);
        }
        self.check_new_not_null(&old, &table)?;
        for index in table.indexes() {
            if old.index(index.oid).is_none_or(|known| !is_same_index(known, index)) {
                self.build_index(&table, index)?;
            }
        }
        for constraint in table.constraints() {
            let is_new =
                !old.constraints().iter().any(|known| known.rule == constraint.rule && known.oid == constraint.oid);
            if is_new && matches!(constraint.rule, Rule::ForeignKey { .. }) {
                self.check_all_references(&table, constraint)?;
            }
        }
        Ok(())
    }

    /// Removes an object that a user made with its rows and all that is in it; what depends on it is the caller's
    /// question.
    pub fn drop_entry(&mut self, oid: u32) -> Result<(), StorageError> {
        let unknown = || StorageError::statement(Code::UndefinedObject, format!("there is no object {oid}"));
        let entry = self.catalog.entry(oid).ok_or_else(unknown)?;
        let mut going = match &entry.object {
            Object::Database(_) => self.catalog.entries_in_database(oid),
            Object::Schema(_) => self.catalog.entries_in_schema(entry.database, oid),
            _ => Vec::new(),
        };
        going.push(entry);
        self.remove(going)
    }

    /// Removes a schema of a database, both by object id, with all that is in it; built-in ones, too.
    pub fn drop_schema(&mut self, database: u32, oid: u32) -> Result<(), StorageError> {
        let unknown = || StorageError::statement(Code::InvalidSchemaName, format!("there is no schema {oid}"));
        let entry = self.catalog.schema_entry(database, oid).ok_or_else(unknown)?;
        let mut going = self.catalog.entries_in_schema(database, oid);
        if oid >= FIRST_USER_OID {
            going.push(entry);
            return self.remove(going);
        }
        self.remove(going)?;
        let Object::Schema(schema) = entry.object else { return Ok(()) };
        let object = Object::Schema(SchemaEntry { is_gone: true, ..schema });
        self.define(Entry { oid, database, object })
    }

    fn remove(&mut self, going: Vec<Entry>) -> Result<(), StorageError> {
        self.must_write()?;
        let mut catalog = Catalog::clone(&self.catalog);
        for entry in going {
            if let Object::Table(table) = &entry.object {
                self.clear_rows(table)?;
            }
            self.writes.put_entry(entry.database, entry.oid, None)?;
            if entry.oid >= FIRST_USER_OID {
                catalog = catalog.without(entry.oid);
            }
        }
        self.set_catalog(Arc::new(catalog), true);
        Ok(())
    }

    /// Gives a table another definition and other rows (ALTER TABLE with new types or computed columns): `rows` are all
    /// of its rows with the columns of `new`, in their order. Foreign keys of it and to it must still hold (23503).
    pub fn rewrite_rows(
        &mut self,
        old: &Arc<Table>,
        new: &Arc<Table>,
        rows: Vec<RecordBatch>,
    ) -> Result<(), StorageError> {
        self.must_write()?;
        let unknown = || StorageError::statement(Code::UndefinedTable, format!("table \"{}\" is gone", old.name));
        let database = self.catalog.place(old.oid).ok_or_else(unknown)?.database.oid;
        self.clear_rows(old)?;
        let entry = Entry { oid: new.oid, database, object: Object::Table(Table::clone(new)) };
        self.put(entry)?;
        let written = self.changed.len();
        for batch in &rows {
            self.insert(new, batch)?;
        }
        // They are no new rows: no action follows, but what they refer to, and what refers to them, is looked at again.
        self.changed.truncate(written);
        let foreign = |constraint: &&Constraint| matches!(constraint.rule, Rule::ForeignKey { .. });
        for constraint in new.constraints().iter().filter(foreign) {
            self.check_all_references(new, constraint)?;
        }
        let catalog = Arc::clone(&self.catalog);
        for (referring, constraint) in catalog.references_to(new.oid).filter(|(other, _)| other.oid != new.oid) {
            self.check_all_references(referring, constraint)?;
        }
        Ok(())
    }

    fn clear_rows(&mut self, table: &Table) -> Result<(), StorageError> {
        let facts = self.facts(table.oid)?;
        self.writes.clear_table(table.oid, facts.last_number);
        table.indexes().iter().for_each(|index| self.writes.clear_index(index.oid));
        self.changed.retain(|change| change.table.oid != table.oid);
        Ok(())
    }

    fn define(&mut self, entry: Entry) -> Result<(), StorageError> {
        let catalog = Arc::new(self.catalog.with_entry(&entry));
        self.writes.put_entry(entry.database, entry.oid, Some(entry))?;
        self.set_catalog(catalog, true);
        Ok(())
    }

    /// An entry whose place is missing, or taken by another object, would be lost or hide that one.
    fn check_place(&self, entry: &Entry) -> Result<(), StorageError> {
        let name = entry.object.name();
        let refused = |what: &str| {
            let message = format!("cannot define \"{name}\": {what}");
            Err(StorageError::statement(Code::Internal, message))
        };
        let taken = match &entry.object {
            Object::Database(_) if entry.oid != entry.database => return refused("a database is its own"),
            Object::Database(_) => self.catalog.databases.get(name).map(|database| database.oid),
            object => {
                let Some(database) = self.catalog.database_by_oid(entry.database) else {
                    return refused("its database does not exist");
                };
                let Some(schema) = object.schema() else {
                    return match database.schemas.get(name).is_some_and(|schema| schema.oid != entry.oid) {
                        true => refused("another schema has the name"),
                        false => Ok(()),
                    };
                };
                let Some(schema) = database.schemas.get(schema) else { return refused("its schema does not exist") };
                if let Object::Table(table) = object
                    && (table.scope != Scope::Relational || table.relational.is_none())
                {
                    return refused("it is no relational table");
                }
                match object {
                    Object::Type(_) => schema.types.get(name).map(|kind| kind.oid),
                    _ => {
                        let table = schema.tables.get(name).map(|table| table.oid);
                        let view = schema.views.get(name).map(|view| view.oid);
                        table.or(view).or_else(|| schema.sequences.get(name).map(|sequence| sequence.oid))
                    }
                }
            }
        };
        if taken.is_some_and(|oid| oid != entry.oid) { refused("another object has the name") } else { Ok(()) }
    }

    fn check_new_not_null(&self, old: &Table, table: &Arc<Table>) -> Result<(), StorageError> {
        let is_new = |column: &crate::catalog::Column| {
            column.not_null && old.column(column.number).is_none_or(|known| !known.not_null)
        };
        let columns: Vec<_> = table.columns.iter().filter(|column| is_new(column)).collect();
        if columns.is_empty() {
            return Ok(());
        }
        // Read as columns that may be NULL.
        let mut lenient = Table::clone(table);
        lenient.columns.iter_mut().for_each(|column| column.not_null = false);
        let lenient = Table { relational: table.relational.clone(), ..rebuilt(&lenient) };
        for batch in self.rows(&Arc::new(lenient))?.batches(None, false)? {
            let batch = batch?;
            for column in &columns {
                let values = table.position(column.number).map(|position| batch.column(position));
                if values.is_some_and(|values| values.null_count() > 0) {
                    return Err(violation::null_values(table, column));
                }
            }
        }
        Ok(())
    }

    /// Enters all rows of a table into an index.
    fn build_index(&mut self, table: &Arc<Table>, index: &Index) -> Result<(), StorageError> {
        let shape = KeyShape::of(table, index)?;
        self.writes.clear_index(index.oid);
        let mut seen = BTreeSet::new();
        for batch in self.rows(table)?.batches(None, true)? {
            let batch = batch?;
            let numbers = RowKey::of_batch(&batch).unwrap_or_default();
            let columns = shape.columns(table, &batch)?;
            for (row, number) in numbers.into_iter().enumerate() {
                let key = shape.key(&columns, row)?;
                let is_exclusive = index.unique && (index.nulls_not_distinct || !has_null(&columns, row));
                if is_exclusive && !seen.insert(key.clone()) {
                    return Err(violation::duplicated_key(table, index, &columns, row));
                }
                self.writes.put_key(index.oid, with_number(key, number.0), true)?;
            }
        }
        Ok(())
    }

    /// Every row of a table has what a new foreign key of it refers to.
    fn check_all_references(&self, table: &Arc<Table>, constraint: &Constraint) -> Result<(), StorageError> {
        for batch in self.rows(table)?.batches(None, false)? {
            self.check_referring(table, constraint, &batch?)?;
        }
        Ok(())
    }
}

/// The table with the Arrow schema of its columns.
fn rebuilt(table: &Table) -> Table {
    Table::new(table.oid, &table.schema, &table.name, table.scope, &table.comment, table.columns.clone())
}

/// Keeps the highest number of a column, so that none is given twice.
fn with_columns_made(mut table: Table, old: Option<&Table>) -> Result<Table, StorageError> {
    let made = old.map_or(0, |old| old.next_column_number() - 1);
    let is_reused = |number: i16| number <= made && old.is_some_and(|old| old.column(number).is_none());
    if let Some(column) = table.columns.iter().find(|column| column.number < 1 || is_reused(column.number)) {
        let message = format!("column number {} of \"{}\" was another column's", column.number, table.name);
        return Err(StorageError::statement(Code::Internal, message));
    }
    let made = made.max(table.next_column_number() - 1);
    if let Some(relational) = &mut table.relational {
        relational.columns_made = made;
    }
    Ok(table)
}

/// The stored keys of the one are those of the other.
fn is_same_index(left: &Index, right: &Index) -> bool {
    left.keys == right.keys
        && left.unique == right.unique
        && left.nulls_not_distinct == right.nulls_not_distinct
        && left.predicate == right.predicate
}
