//! What would lose its meaning if an object went away.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Column, Constraint, Database, Rule, Schema, Scope, Table, UserTypeKind, named_objects};

/// Something that can be dropped because something else is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A table, view, sequence or type.
    Object(u32),
    /// A schema.
    Schema(u32),
    /// A constraint of a table.
    Constraint(u32, u32),
    /// An index of a table.
    Index(u32, u32),
    /// The default of a column of a table.
    Default(u32, i16),
    /// A column of a table.
    Column(u32, i16),
}

/// Finds what depends on what, in one database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dependencies<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) database: &'a Database,
    pub(super) search_path: &'a [String],
}

impl<'a> Dependencies<'a> {
    fn tables(&self) -> impl Iterator<Item = &'a std::sync::Arc<Table>> {
        let schemas = self.database.schemas.values();
        schemas.flat_map(|schema| schema.tables.values()).filter(|table| table.scope == Scope::Relational)
    }

    /// A name with its schema unless the search path finds it.
    fn shown(&self, schema: &str, name: &str) -> String {
        let holds = |schema: &Schema| {
            schema.tables.contains_key(name)
                || schema.views.contains_key(name)
                || schema.sequences.contains_key(name)
                || schema.types.contains_key(name)
        };
        let first = self.search_path.iter().find(|path| self.database.schemas.get(*path).is_some_and(holds));
        let quote = crate::catalog::quote_for_engine;
        if first.is_some_and(|first| first == schema) {
            quote(name)
        } else {
            format!("{}.{}", quote(schema), quote(name))
        }
    }

    /// What a part is called in messages.
    pub(super) fn described(&self, part: &Part) -> String {
        let table =
            |oid: u32| self.catalog.table_by_oid(oid).map(|table| (table, self.shown(&table.schema, &table.name)));
        match part {
            Part::Schema(oid) => format!("schema {}", self.database.schema_name(*oid).unwrap_or_default()),
            Part::Object(oid) => self.described_object(*oid),
            Part::Constraint(oid, constraint) => {
                let Some((table, shown)) = table(*oid) else { return String::new() };
                let found = table.constraints().iter().find(|known| known.oid == *constraint);
                let name = found.map(|found| found.name.as_str()).unwrap_or_default();
                format!("constraint {name} on table {shown}")
            }
            Part::Index(oid, index) => {
                let Some((table, _)) = table(*oid) else { return String::new() };
                let name = table.index(*index).map(|index| index.name.as_str()).unwrap_or_default();
                format!("index {name}")
            }
            Part::Default(oid, number) | Part::Column(oid, number) => {
                let Some((table, shown)) = table(*oid) else { return String::new() };
                let name = table.column(*number).map(|column| column.name.as_str()).unwrap_or_default();
                let what = if matches!(part, Part::Default(..)) { "default value for column" } else { "column" };
                format!("{what} {name} of table {shown}")
            }
        }
    }

    fn described_object(&self, oid: u32) -> String {
        if let Some(table) = self.catalog.table_by_oid(oid) {
            return format!("table {}", self.shown(&table.schema, &table.name));
        }
        if let Some(view) = self.catalog.view_by_oid(oid) {
            return format!("view {}", self.shown(&view.schema, &view.name));
        }
        if let Some(sequence) = self.catalog.sequence_by_oid(oid) {
            return format!("sequence {}", self.shown(&sequence.schema, &sequence.name));
        }
        match self.catalog.type_by_oid(oid) {
            Some(kind) => format!("type {}", self.shown(&kind.schema, &kind.name)),
            None => String::new(),
        }
    }

    /// What depends on a part by itself, in the order in which PostgreSQL tells it.
    pub(super) fn of(&self, part: &Part) -> Vec<Part> {
        match part {
            Part::Schema(oid) => self.inside(*oid),
            Part::Object(oid) => {
                if let Some(table) = self.catalog.table_by_oid(*oid) {
                    let keys = self.catalog.references_to(*oid).filter(|(referring, _)| referring.oid != *oid);
                    let keys = keys.map(|(referring, key)| Part::Constraint(referring.oid, key.oid));
                    return self.views_of(&table.schema, &table.name).into_iter().chain(keys).collect();
                }
                if let Some(view) = self.catalog.view_by_oid(*oid) {
                    return self.views_of(&view.schema, &view.name);
                }
                if let Some(sequence) = self.catalog.sequence_by_oid(*oid) {
                    let defaults = self.defaults_with(&sequence.schema, &sequence.name);
                    return defaults.into_iter().chain(self.views_of(&sequence.schema, &sequence.name)).collect();
                }
                self.of_type(*oid)
            }
            Part::Column(table, number) => self.of_column(*table, *number),
            Part::Constraint(table, constraint) => {
                let Some(table) = self.catalog.table_by_oid(*table) else { return Vec::new() };
                let found = table.constraints().iter().find(|known| known.oid == *constraint);
                found.map(|constraint| self.keys_upon(table, constraint)).unwrap_or_default()
            }
            Part::Index(..) | Part::Default(..) => Vec::new(),
        }
    }

    fn inside(&self, schema: u32) -> Vec<Part> {
        let Some(name) = self.database.schema_name(schema) else { return Vec::new() };
        let Some(schema) = self.database.schemas.get(name) else { return Vec::new() };
        let types = schema.types.values().map(|kind| kind.oid);
        let sequences = schema.sequences.values().filter(|sequence| sequence.owned_by.is_none());
        let tables = schema.tables.values().map(|table| table.oid);
        let views = schema.views.values().map(|view| view.oid);
        let mut oids: Vec<u32> =
            types.chain(sequences.map(|sequence| sequence.oid)).chain(tables).chain(views).collect();
        oids.sort_unstable();
        oids.into_iter().map(Part::Object).collect()
    }

    fn views_of(&self, schema: &str, name: &str) -> Vec<Part> {
        let views = self.database.schemas.values().flat_map(|schema| schema.views.values());
        let users = views.filter(|view| view.owner.is_some());
        let names = |sql: &str| named_objects(sql).iter().any(|(one, other)| one == schema && other == name);
        let mut oids: Vec<u32> = users.filter(|view| names(&view.sql)).map(|view| view.oid).collect();
        oids.sort_unstable();
        oids.into_iter().map(Part::Object).collect()
    }

    fn defaults_with(&self, schema: &str, name: &str) -> Vec<Part> {
        let names = |sql: &String| named_objects(sql).iter().any(|(one, other)| one == schema && other == name);
        let of_table = |table: &'a std::sync::Arc<Table>| {
            let columns = table.columns.iter().filter(|column| column.default.as_ref().is_some_and(names));
            columns.map(|column| Part::Default(table.oid, column.number)).collect::<Vec<_>>()
        };
        self.tables().flat_map(of_table).collect()
    }

    fn of_type(&self, oid: u32) -> Vec<Part> {
        let Some(kind) = self.catalog.type_by_oid(oid) else { return Vec::new() };
        let is_of = |column: &&Column| column.user_type.is_some_and(|used| used == kind.oid || used == kind.array_oid);
        let mut parts = Vec::new();
        for table in self.tables() {
            parts.extend(table.columns.iter().filter(is_of).map(|column| Part::Column(table.oid, column.number)));
        }
        for schema in self.database.schemas.values() {
            let over = schema.types.values().filter(|other| {
                matches!(&other.kind, UserTypeKind::Domain { base, .. } if *base == kind.oid || *base == kind.array_oid)
            });
            parts.extend(over.map(|other| Part::Object(other.oid)));
            let views = schema.views.values().filter(|view| view.columns.iter().any(|column| is_of(&column)));
            parts.extend(views.map(|view| Part::Object(view.oid)));
        }
        parts.extend(self.views_of(&kind.schema, &kind.name));
        let mut seen = BTreeSet::new();
        parts.retain(|part| seen.insert(part.clone()));
        parts
    }

    /// Views are told from the text: a column that is named as one of the table's, or of an alias of it.
    fn of_column(&self, table: u32, number: i16) -> Vec<Part> {
        let Some(table) = self.catalog.table_by_oid(table) else { return Vec::new() };
        let Some(column) = table.column(number) else { return Vec::new() };
        let mut parts = Vec::new();
        for part in self.views_of(&table.schema, &table.name) {
            let Part::Object(oid) = part else { continue };
            let reads = self.catalog.view_by_oid(oid).is_some_and(|view| {
                named_objects(&view.sql).iter().any(|(_, name)| *name == column.name) || view.sql.contains(" USING (")
            });
            if reads {
                parts.push(part);
            }
        }
        for constraint in table.constraints().iter().filter(|constraint| constraint.columns.contains(&number)) {
            parts.extend(self.keys_upon(table, constraint));
        }
        let reads = |other: &&Column| {
            let text = other.generated.as_deref().unwrap_or_default();
            words(text).any(|word| word == column.name)
        };
        parts.extend(table.columns.iter().filter(reads).map(|other| Part::Column(table.oid, other.number)));
        parts
    }

    /// The foreign keys that need the unique columns of a constraint.
    fn keys_upon(&self, table: &Table, constraint: &Constraint) -> Vec<Part> {
        if !matches!(constraint.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. }) {
            return Vec::new();
        }
        let wanted: BTreeSet<i16> = constraint.columns.iter().copied().collect();
        let keys = self.catalog.references_to(table.oid).filter(|(_, key)| match &key.rule {
            Rule::ForeignKey { referenced, .. } => referenced.iter().copied().collect::<BTreeSet<_>>() == wanted,
            _ => false,
        });
        keys.map(|(referring, key)| Part::Constraint(referring.oid, key.oid)).collect()
    }
}

/// The words of an expression; names in quotes are words, too.
pub(super) fn words(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(|character: char| !character.is_alphanumeric() && character != '_')
}
