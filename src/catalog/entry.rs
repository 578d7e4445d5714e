//! One object that a user made, as storage keeps it and nodes exchange it, and catalogs with one more or less.
//!
//! A catalog is the built-in part and entries put into it one by one; each step gives a new snapshot. Objects are
//! told apart by their object ids, so an entry that is there already is replaced wherever it was.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::{Catalog, Column, Database, Schema, Scope, Table, View};
use super::relational::{Constraint, Index, Relational, Rule, Sequence, UserType};
use super::{DEFAULT_DATABASE, FIRST_USER_OID, MESH, PUBLIC};

/// Names of schemas of temporary objects begin with it.
const TEMPORARY_PREFIX: &str = "pg_temp";

/// One object that a user made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Object id of its database; a database's is its own.
    pub database: u32,
    /// What it is.
    pub object: Object,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    /// A database; it begins with the schemas `public` and `mesh`.
    Database(DatabaseEntry),
    /// A schema.
    Schema(SchemaEntry),
    /// A relational table with its constraints and indexes.
    Table(Table),
    /// A view.
    View(View),
    /// A sequence.
    Sequence(Sequence),
    /// A type.
    Type(UserType),
}

/// A database without what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseEntry {
    /// Its name.
    pub name: String,
    /// Name of the role that owns it.
    #[serde(default)]
    pub owner: Option<String>,
    /// What it holds.
    #[serde(default)]
    pub comment: String,
}

/// A schema without what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaEntry {
    /// Its name.
    pub name: String,
    /// Name of the role that owns it.
    #[serde(default)]
    pub owner: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub comment: String,
    /// It was there from the start and is not any more.
    #[serde(default)]
    pub is_gone: bool,
}

/// A table as a record: what follows from its columns is left out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TableRecord {
    oid: u32,
    schema: String,
    name: String,
    #[serde(default)]
    comment: String,
    columns: Vec<Column>,
    relational: Option<Relational>,
}

impl From<Table> for TableRecord {
    fn from(table: Table) -> Self {
        let Table { oid, schema, name, comment, columns, relational, .. } = table;
        Self { oid, schema, name, comment, columns, relational }
    }
}

impl From<TableRecord> for Table {
    fn from(record: TableRecord) -> Self {
        let TableRecord { oid, schema, name, comment, columns, relational } = record;
        Self { relational, ..Self::new(oid, &schema, &name, Scope::Relational, &comment, columns) }
    }
}

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its database.
    pub database: &'a Database,
    /// The name of its schema; none for a database or schema.
    pub schema: Option<&'a str>,
}

impl Object {
    /// The name of the object.
    pub fn name(&self) -> &str {
        match self {
            Self::Database(database) => &database.name,
            Self::Schema(schema) => &schema.name,
            Self::Table(table) => &table.name,
            Self::View(view) => &view.name,
            Self::Sequence(sequence) => &sequence.name,
            Self::Type(kind) => &kind.name,
        }
    }

    /// The name of the schema that it is in.
    pub fn schema(&self) -> Option<&str> {
        match self {
            Self::Database(_) | Self::Schema(_) => None,
            Self::Table(table) => Some(&table.schema),
            Self::View(view) => Some(&view.schema),
            Self::Sequence(sequence) => Some(&sequence.schema),
            Self::Type(kind) => Some(&kind.schema),
        }
    }

    /// The same object under another name.
    #[must_use]
    pub(super) fn renamed(mut self, name: &str) -> Self {
        let held = match &mut self {
            Self::Database(database) => &mut database.name,
            Self::Schema(schema) => &mut schema.name,
            Self::Table(table) => &mut table.name,
            Self::View(view) => &mut view.name,
            Self::Sequence(sequence) => &mut sequence.name,
            Self::Type(kind) => &mut kind.name,
        };
        name.clone_into(held);
        self
    }

    fn set_schema(&mut self, name: &str) {
        match self {
            Self::Database(_) | Self::Schema(_) => {}
            Self::Table(table) => name.clone_into(&mut table.schema),
            Self::View(view) => name.clone_into(&mut view.schema),
            Self::Sequence(sequence) => name.clone_into(&mut sequence.schema),
            Self::Type(kind) => name.clone_into(&mut kind.schema),
        }
    }
}

impl Database {
    /// A database with the schemas that every one begins with.
    fn with_first_schemas(entry: &Entry, made: &DatabaseEntry, catalog: &Catalog) -> Self {
        let model = catalog.databases.get(DEFAULT_DATABASE);
        let of_model = |name: &str| model.and_then(|model| model.schemas.get(name));
        let public = Schema { oid: of_model(PUBLIC).map_or(0, |public| public.oid), ..Schema::default() };
        let mesh = of_model(MESH).cloned();
        let schemas = [(PUBLIC.to_owned(), public)].into_iter().chain(mesh.map(|mesh| (MESH.to_owned(), mesh)));
        Self {
            oid: entry.oid,
            name: made.name.clone(),
            comment: made.comment.clone(),
            owner: made.owner.clone(),
            schemas: schemas.collect(),
        }
    }

    /// The name of the schema with this object id.
    pub fn schema_name(&self, oid: u32) -> Option<&str> {
        self.schemas.iter().find(|(_, schema)| schema.oid == oid).map(|(name, _)| name.as_str())
    }

    fn remove(&mut self, oid: u32) {
        self.schemas.retain(|_, schema| schema.oid != oid);
        for schema in self.schemas.values_mut() {
            schema.tables.retain(|_, table| table.oid != oid);
            schema.views.retain(|_, view| view.oid != oid);
            schema.sequences.retain(|_, sequence| sequence.oid != oid);
            schema.types.retain(|_, kind| kind.oid != oid);
        }
    }

    fn put(&mut self, entry: &Entry) {
        let schema = match &entry.object {
            Object::Database(_) => return,
            Object::Schema(made) => return self.put_schema(entry.oid, made),
            other => other.schema().and_then(|name| self.schemas.get_mut(name)),
        };
        let Some(schema) = schema else { return };
        let name = entry.object.name().to_owned();
        match &entry.object {
            Object::Database(_) | Object::Schema(_) => {}
            Object::Table(table) => drop(schema.tables.insert(name, Arc::new(table.clone()))),
            Object::View(view) => drop(schema.views.insert(name, Arc::new(view.clone()))),
            Object::Sequence(sequence) => drop(schema.sequences.insert(name, Arc::new(sequence.clone()))),
            Object::Type(kind) => drop(schema.types.insert(name, Arc::new(kind.clone()))),
        }
    }

    fn put_schema(&mut self, oid: u32, made: &SchemaEntry) {
        let old = self.schema_name(oid).map(str::to_owned);
        let mut schema = old.and_then(|old| self.schemas.remove(&old)).unwrap_or_default();
        if made.is_gone {
            return;
        }
        schema.oid = oid;
        schema.owner.clone_from(&made.owner);
        schema.comment.clone_from(&made.comment);
        self.schemas.insert(made.name.clone(), schema);
        for mut inside in self.entries_in(&made.name) {
            inside.object.set_schema(&made.name);
            self.put(&inside);
        }
    }

    /// The entries of what users made in a schema.
    fn entries_in(&self, schema: &str) -> Vec<Entry> {
        let Some(schema) = self.schemas.get(schema) else { return Vec::new() };
        let entry = |oid, object| Entry { oid, database: self.oid, object };
        let tables = schema.tables.values().filter(|table| table.scope == Scope::Relational);
        let tables = tables.map(|table| entry(table.oid, Object::Table(Table::clone(table))));
        let views = schema.views.values().filter(|view| view.oid >= FIRST_USER_OID);
        let views = views.map(|view| entry(view.oid, Object::View(View::clone(view))));
        let sequences = schema.sequences.values();
        let sequences = sequences.map(|sequence| entry(sequence.oid, Object::Sequence(Sequence::clone(sequence))));
        let types = schema.types.values().map(|kind| entry(kind.oid, Object::Type(UserType::clone(kind))));
        types.chain(sequences).chain(tables).chain(views).collect()
    }
}

impl Catalog {
    /// The catalog with this object, in place of what had its object id. An object whose database or schema is not
    /// there is left out.
    #[must_use]
    pub fn with_entry(&self, entry: &Entry) -> Self {
        let mut next = self.clone();
        next.put(entry);
        next
    }

    /// The catalog with all these objects, which may come in any order.
    #[must_use]
    pub fn with_entries(&self, entries: &[Entry]) -> Self {
        let mut next = self.clone();
        let rank = |entry: &&Entry| match &entry.object {
            Object::Database(_) => 0,
            Object::Schema(_) => 1,
            _ => 2,
        };
        let mut ordered: Vec<&Entry> = entries.iter().collect();
        ordered.sort_by_key(rank);
        ordered.into_iter().for_each(|entry| next.put_into(entry));
        next
    }

    fn put(&mut self, entry: &Entry) {
        if !matches!(entry.object, Object::Database(_) | Object::Schema(_)) {
            self.databases.values_mut().filter(|one| one.oid == entry.database).for_each(|one| one.remove(entry.oid));
        }
        self.put_into(entry);
    }

    pub(super) fn put_into(&mut self, entry: &Entry) {
        if let Object::Database(made) = &entry.object {
            let old = self.database_by_oid(entry.oid).map(|old| old.name.clone());
            let mut database = match old.and_then(|old| self.databases.remove(&old)) {
                Some(database) => database,
                None => Database::with_first_schemas(entry, made, self),
            };
            database.name.clone_from(&made.name);
            database.owner.clone_from(&made.owner);
            database.comment.clone_from(&made.comment);
            self.databases.insert(made.name.clone(), database);
            return;
        }
        if let Some(database) = self.databases.values_mut().find(|database| database.oid == entry.database) {
            database.put(entry);
        }
    }

    /// The catalog without the object with this id, and without what is in it.
    #[must_use]
    pub fn without(&self, oid: u32) -> Self {
        let mut next = self.clone();
        next.databases.retain(|_, database| database.oid != oid);
        next.databases.values_mut().for_each(|database| database.remove(oid));
        next
    }

    /// The database with this object id.
    pub fn database_by_oid(&self, oid: u32) -> Option<&Database> {
        self.databases.values().find(|database| database.oid == oid)
    }

    fn schemas(&self) -> impl Iterator<Item = (&Database, &str, &Schema)> {
        self.databases
            .values()
            .flat_map(|database| database.schemas.iter().map(move |(name, schema)| (database, name.as_str(), schema)))
    }

    /// The table with this object id.
    pub fn table_by_oid(&self, oid: u32) -> Option<&Arc<Table>> {
        self.schemas().flat_map(|(.., schema)| schema.tables.values()).find(|table| table.oid == oid)
    }

    /// The view with this object id.
    pub fn view_by_oid(&self, oid: u32) -> Option<&Arc<View>> {
        self.schemas().flat_map(|(.., schema)| schema.views.values()).find(|view| view.oid == oid)
    }

    /// The sequence with this object id.
    pub fn sequence_by_oid(&self, oid: u32) -> Option<&Arc<Sequence>> {
        self.schemas().flat_map(|(.., schema)| schema.sequences.values()).find(|sequence| sequence.oid == oid)
    }

    /// The user's type with this object id, or whose arrays have it.
    pub fn type_by_oid(&self, oid: u32) -> Option<&Arc<UserType>> {
        let mut types = self.schemas().flat_map(|(.., schema)| schema.types.values());
        types.find(|kind| kind.oid == oid || kind.array_oid == oid)
    }

    /// The index with this object id, and its table.
    pub fn index_by_oid(&self, oid: u32) -> Option<(&Arc<Table>, &Index)> {
        self.relational_tables()
            .find_map(|table| table.indexes().iter().find(|index| index.oid == oid).map(|index| (table, index)))
    }

    /// The constraint with this object id, and its table.
    pub fn constraint_by_oid(&self, oid: u32) -> Option<(&Arc<Table>, &Constraint)> {
        self.relational_tables()
            .find_map(|table| table.constraints().iter().find(|one| one.oid == oid).map(|one| (table, one)))
    }

    /// Every relational table of every database.
    pub fn relational_tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.schemas().flat_map(|(.., schema)| schema.tables.values()).filter(|table| table.scope == Scope::Relational)
    }

    /// The foreign keys that refer to a table, and the tables that they are of.
    pub fn references_to(&self, table: u32) -> impl Iterator<Item = (&Arc<Table>, &Constraint)> {
        let is_about = move |rule: &Rule| matches!(rule, Rule::ForeignKey { table: other, .. } if *other == table);
        self.relational_tables().flat_map(move |referring| {
            let constraints = referring.constraints().iter().filter(move |one| is_about(&one.rule));
            constraints.map(move |one| (referring, one))
        })
    }

    /// The sequences that belong to columns of a table.
    pub fn sequences_of(&self, table: u32) -> impl Iterator<Item = &Arc<Sequence>> {
        self.schemas()
            .flat_map(|(.., schema)| schema.sequences.values())
            .filter(move |sequence| sequence.owned_by.is_some_and(|(owner, _)| owner == table))
    }

    /// Where the object with this id is; of a built-in schema nobody can tell, for it is in every database.
    pub fn place(&self, oid: u32) -> Option<Place<'_>> {
        if let Some(database) = self.database_by_oid(oid) {
            return Some(Place { database, schema: None });
        }
        self.schemas().find_map(|(database, name, schema)| {
            if schema.oid == oid && oid >= FIRST_USER_OID {
                return Some(Place { database, schema: None });
            }
            schema.holds(oid).then_some(Place { database, schema: Some(name) })
        })
    }

    /// The entry of an object that a user made, or of a database; see [`Self::schema_entry`] for built-in schemas.
    pub fn entry(&self, oid: u32) -> Option<Entry> {
        let Place { database, schema } = self.place(oid)?;
        if let Some(schema) = schema {
            return database.entries_in(schema).into_iter().find(|entry| entry.oid == oid);
        }
        if database.oid != oid {
            return self.schema_entry(database.oid, oid);
        }
        let (name, owner, comment) = (database.name.clone(), database.owner.clone(), database.comment.clone());
        Some(Entry { oid, database: oid, object: Object::Database(DatabaseEntry { name, owner, comment }) })
    }

    /// The entries of everything that users made, but for what is temporary: what other nodes are told.
    pub fn made_entries(&self) -> Vec<Entry> {
        let is_temporary = |schema: &str| schema.starts_with(TEMPORARY_PREFIX);
        let lasts = |entry: &Entry| match &entry.object {
            Object::Database(_) => true,
            Object::Schema(schema) => entry.oid >= FIRST_USER_OID && !is_temporary(&schema.name),
            Object::Table(table) if table.relational.as_ref().is_some_and(|own| own.temporary) => false,
            object => object.schema().is_some_and(|schema| !is_temporary(schema)),
        };
        let mut made = Vec::new();
        for database in self.databases.values() {
            made.extend(self.entry(database.oid).filter(|entry| entry.oid >= FIRST_USER_OID));
            made.extend(self.entries_in_database(database.oid).into_iter().filter(lasts));
        }
        made
    }

    /// The entry of a schema of a database, both by object id.
    pub fn schema_entry(&self, database: u32, oid: u32) -> Option<Entry> {
        let (name, schema) = self.database_by_oid(database)?.schemas.iter().find(|(_, schema)| schema.oid == oid)?;
        let (owner, comment) = (schema.owner.clone(), schema.comment.clone());
        let object = Object::Schema(SchemaEntry { name: name.clone(), owner, comment, is_gone: false });
        Some(Entry { oid, database, object })
    }

    /// The entries of what users made in a schema of a database, those first that others may need.
    pub fn entries_in_schema(&self, database: u32, schema: u32) -> Vec<Entry> {
        let Some(database) = self.database_by_oid(database) else { return Vec::new() };
        database.schema_name(schema).map(|name| database.entries_in(name)).unwrap_or_default()
    }

    /// The entries of all schemas of a database and of what users made in them, those first that others may need.
    pub fn entries_in_database(&self, database: u32) -> Vec<Entry> {
        let Some(found) = self.database_by_oid(database) else { return Vec::new() };
        let schemas = found.schemas.values().filter_map(|schema| self.schema_entry(database, schema.oid));
        schemas.chain(found.schemas.keys().flat_map(|schema| found.entries_in(schema))).collect()
    }
}

impl Schema {
    fn holds(&self, oid: u32) -> bool {
        self.tables.values().any(|table| table.oid == oid)
            || self.views.values().any(|view| view.oid == oid)
            || self.sequences.values().any(|sequence| sequence.oid == oid)
            || self.types.values().any(|kind| kind.oid == oid)
    }
}

impl Table {
    /// Its indexes; none for a table that is not relational.
    pub fn indexes(&self) -> &[Index] {
        self.relational.as_ref().map_or(&[], |relational| &relational.indexes)
    }

    /// Its constraints; none for a table that is not relational.
    pub fn constraints(&self) -> &[Constraint] {
        self.relational.as_ref().map_or(&[], |relational| &relational.constraints)
    }

    /// The index with this object id.
    pub fn index(&self, oid: u32) -> Option<&Index> {
        self.indexes().iter().find(|index| index.oid == oid)
    }

    /// The position of the column with this attribute number.
    pub fn position(&self, number: i16) -> Option<usize> {
        self.columns.iter().position(|column| column.number == number)
    }
}
