//! DROP, and what goes with an object that is dropped.

use std::collections::{BTreeMap, BTreeSet};

use super::Definer;
use super::comments::not_owner;
use super::dependencies::{Dependencies, Part};
use super::tables::refreshed;
use crate::catalog::{Catalog, Rule, Scope, Table};
use crate::planner::Relation;
use crate::planner::definition::{ObjectKind, QualifiedName};
use crate::types::{Code, SqlError};

/// Most dependent objects that an error or notice lists.
const LISTED_MAX: usize = 100;

impl Definer {
    /// DROP.
    pub(super) fn drop_all(
        &mut self,
        kind: ObjectKind,
        names: &[QualifiedName],
        if_exists: bool,
        cascade: bool,
    ) -> Result<(), SqlError> {
        if kind == ObjectKind::Database {
            return names.iter().try_for_each(|name| self.drop_database(&name.name, if_exists));
        }
        let mut targets = Vec::new();
        for name in names {
            match self.dropped(kind, name) {
                Ok(part) => targets.push(part),
                Err(error) if if_exists && is_missing(&error) => {
                    self.notice(Code::SuccessfulCompletion, format!("{}, skipping", error.message));
                }
                Err(error) => return Err(error),
            }
        }
        self.remove(&targets, cascade)
    }

    /// Counts sessions of other clients before it is called; see `Session::define`.
    fn drop_database(&mut self, name: &str, if_exists: bool) -> Result<(), SqlError> {
        if *name == self.context.settings.current_database {
            return Err(SqlError::new(Code::ObjectInUse, "cannot drop the currently open database"));
        }
        match self.database_entry(name) {
            Ok(entry) => self.drop_object(entry.oid),
            Err(error) if if_exists && error.code == Code::InvalidCatalogName => {
                self.notice(Code::SuccessfulCompletion, format!("{}, skipping", error.message));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// What a name in DROP means.
    fn dropped(&self, kind: ObjectKind, name: &QualifiedName) -> Result<Part, SqlError> {
        let catalog = self.catalog();
        let names = self.names(&catalog)?;
        let word = kind.word();
        let missing = |code| SqlError::new(code, format!("{word} \"{}\" does not exist", name.name));
        match kind {
            ObjectKind::Schema => {
                let entry = self.schema_entry(&name.name)?;
                Ok(Part::Schema(entry.oid))
            }
            ObjectKind::Type | ObjectKind::Domain => {
                let found = names.find_type(name)?.ok_or_else(|| missing(Code::UndefinedObject))?;
                let is_domain = matches!(found.kind, crate::catalog::UserTypeKind::Domain { .. });
                if kind == ObjectKind::Domain && !is_domain {
                    return Err(SqlError::new(Code::WrongObjectType, format!("\"{}\" is not a domain", name.name)));
                }
                Ok(Part::Object(found.oid))
            }
            _ => {
                let code = if kind == ObjectKind::Index { Code::UndefinedObject } else { Code::UndefinedTable };
                let found = names.find_relation(name)?.ok_or_else(|| missing(code))?;
                if found.word() != word {
                    let text = format!("\"{}\" is not {} {word}", name.name, if word == "index" { "an" } else { "a" });
                    let own = found.word();
                    let article = if own == "index" { "an" } else { "a" };
                    return Err(SqlError::new(Code::WrongObjectType, text)
                        .with_hint(format!("Use DROP {} to remove {article} {own}.", own.to_uppercase())));
                }
                dropped_relation(&catalog, &found)
            }
        }
    }

    /// Removes parts and what depends on them.
    pub(super) fn remove(&mut self, targets: &[Part], cascade: bool) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let search_path = self.context.search_path.clone();
        let dependencies = Dependencies { catalog: &catalog, database, search_path: &search_path };
        let found = dependents(&dependencies, targets);
        if !found.is_empty() && !cascade {
            return Err(still_needed(&dependencies, targets, &found));
        }
        match found.as_slice() {
            [] => {}
            [(one, _)] => {
                let text = format!("drop cascades to {}", dependencies.described(one));
                self.notice(Code::SuccessfulCompletion, text);
            }
            several => {
                let lines: Vec<String> = several
                    .iter()
                    .take(LISTED_MAX)
                    .map(|(part, _)| format!("drop cascades to {}", dependencies.described(part)))
                    .collect();
                let text = format!("drop cascades to {} other objects", several.len());
                self.notices.push(super::Notice::told(text).with_detail(lines.join("\n")));
            }
        }
        let all = targets.iter().cloned().chain(found.into_iter().map(|(part, _)| part)).collect();
        self.remove_parts(&catalog, database.oid, all)
    }

    /// Takes the parts out of tables that stay, then the objects away.
    fn remove_parts(&self, catalog: &Catalog, database: u32, parts: BTreeSet<Part>) -> Result<(), SqlError> {
        let mut changed: BTreeMap<u32, Table> = BTreeMap::new();
        for part in &parts {
            let (Part::Constraint(oid, _) | Part::Index(oid, _) | Part::Default(oid, _) | Part::Column(oid, _)) = part
            else {
                continue;
            };
            if parts.contains(&Part::Object(*oid)) {
                continue;
            }
            let known = changed.remove(oid).or_else(|| catalog.table_by_oid(*oid).map(|table| table.as_ref().clone()));
            let Some(mut table) = known else { continue };
            match part {
                Part::Constraint(_, constraint) => without_constraint(&mut table, *constraint),
                Part::Index(_, index) => {
                    if let Some(relational) = &mut table.relational {
                        relational.indexes.retain(|known| known.oid != *index);
                    }
                }
                Part::Default(_, number) => {
                    table.columns.iter_mut().filter(|column| column.number == *number).for_each(|column| {
                        column.default = None;
                    });
                }
                Part::Column(_, number) => without_column(&mut table, *number),
                Part::Object(_) | Part::Schema(_) => {}
            }
            changed.insert(*oid, table);
        }
        for table in changed.into_values() {
            self.put_table(refreshed(table))?;
        }
        self.drop_columns_sequences(catalog, &parts)?;
        let object = |part: &Part| match part {
            Part::Object(oid) => Some(*oid),
            _ => None,
        };
        // What reads goes before what is read: views, tables, sequences, types.
        let mut objects: Vec<u32> = parts.iter().filter_map(object).collect();
        objects.sort_by_key(|oid| rank(catalog, *oid));
        for oid in objects {
            let sequences: Vec<u32> = catalog.sequences_of(oid).map(|sequence| sequence.oid).collect();
            self.drop_object(oid)?;
            for sequence in sequences.into_iter().filter(|sequence| !parts.contains(&Part::Object(*sequence))) {
                self.drop_object(sequence)?;
            }
        }
        for part in parts {
            if let Part::Schema(schema) = part {
                self.data.drop_schema(database, schema)?;
            }
        }
        Ok(())
    }

    /// The sequences of columns that go.
    fn drop_columns_sequences(&self, catalog: &Catalog, parts: &BTreeSet<Part>) -> Result<(), SqlError> {
        for part in parts {
            let Part::Column(table, number) = part else { continue };
            for sequence in catalog.sequences_of(*table) {
                let is_own = sequence.owned_by == Some((*table, *number));
                if is_own && !parts.contains(&Part::Object(*table)) && !parts.contains(&Part::Object(sequence.oid)) {
                    self.drop_object(sequence.oid)?;
                }
            }
        }
        Ok(())
    }
}

fn rank(catalog: &Catalog, oid: u32) -> u8 {
    match () {
        () if catalog.view_by_oid(oid).is_some() => 0,
        () if catalog.table_by_oid(oid).is_some() => 1,
        () if catalog.sequence_by_oid(oid).is_some() => 2,
        () => 3,
    }
}

fn is_missing(error: &SqlError) -> bool {
    matches!(error.code, Code::UndefinedTable | Code::UndefinedObject | Code::InvalidSchemaName)
}

fn dropped_relation(catalog: &Catalog, found: &Relation) -> Result<Part, SqlError> {
    let required = |found: &str, by: String| {
        let text = format!("cannot drop {found} because {by} requires it");
        SqlError::new(Code::DependentObjectsStillExist, text).with_hint(format!("You can drop {by} instead."))
    };
    match found {
        Relation::Table(table) if table.scope != Scope::Relational => Err(not_owner("table", &table.name)),
        Relation::View(view) if view.owner.is_none() => Err(not_owner("view", &view.name)),
        Relation::Table(_) | Relation::View(_) => Ok(Part::Object(found.oid())),
        Relation::Sequence(sequence) if sequence.internal => {
            let owner = sequence.owned_by.and_then(|(table, number)| {
                let table = catalog.table_by_oid(table)?;
                Some(format!("column {} of table {}", table.column(number)?.name, table.name))
            });
            Err(required(&format!("sequence {}", sequence.name), owner.unwrap_or_default()))
        }
        Relation::Sequence(sequence) => Ok(Part::Object(sequence.oid)),
        Relation::Index(table, index) => {
            let by = table.constraints().iter().find(|constraint| match constraint.rule {
                Rule::PrimaryKey { index: own } | Rule::Unique { index: own } => own == index.oid,
                _ => false,
            });
            match by {
                Some(by) => Err(required(
                    &format!("index {}", index.name),
                    format!("constraint {} on table {}", by.name, table.name),
                )),
                None => Ok(Part::Index(table.oid, index.oid)),
            }
        }
    }
}

/// What depends on the targets, with what it depends on; without what goes along silently.
fn dependents(dependencies: &Dependencies<'_>, targets: &[Part]) -> Vec<(Part, Part)> {
    let mut seen: BTreeSet<Part> = targets.iter().cloned().collect();
    let mut found = Vec::new();
    for target in targets {
        follow(dependencies, target, &mut seen, &mut found);
    }
    // A constraint or default goes with its table.
    found.retain(|(part, _)| match part {
        Part::Constraint(table, _) | Part::Index(table, _) | Part::Default(table, _) | Part::Column(table, _) => {
            !seen.contains(&Part::Object(*table)) && !is_of_column(dependencies, part, &seen)
        }
        _ => true,
    });
    found
}

/// Adds what depends on a part, the oldest first, each followed by what depends on it.
fn follow(dependencies: &Dependencies<'_>, part: &Part, seen: &mut BTreeSet<Part>, found: &mut Vec<(Part, Part)>) {
    if let Part::Object(oid) = part {
        let owned: Vec<Part> =
            dependencies.catalog.sequences_of(*oid).map(|sequence| Part::Object(sequence.oid)).collect();
        for owned in owned {
            if seen.insert(owned.clone()) {
                follow(dependencies, &owned, seen, found);
            }
        }
    }
    let age = |part: &Part| match part {
        Part::Object(oid) | Part::Schema(oid) | Part::Constraint(_, oid) | Part::Index(_, oid) => *oid,
        Part::Default(oid, _) | Part::Column(oid, _) => *oid,
    };
    let mut next = dependencies.of(part);
    next.sort_by_key(age);
    for dependent in next {
        if seen.insert(dependent.clone()) {
            found.push((dependent.clone(), part.clone()));
            follow(dependencies, &dependent, seen, found);
        }
    }
}

/// It goes with a column that goes.
fn is_of_column(dependencies: &Dependencies<'_>, part: &Part, going: &BTreeSet<Part>) -> bool {
    match part {
        Part::Default(table, number) => going.contains(&Part::Column(*table, *number)),
        Part::Constraint(table, constraint) => {
            let table = dependencies.catalog.table_by_oid(*table);
            let found = table.and_then(|table| table.constraints().iter().find(|known| known.oid == *constraint));
            let oid = table.map_or(0, |table| table.oid);
            found.is_some_and(|found| found.columns.iter().any(|number| going.contains(&Part::Column(oid, *number))))
        }
        _ => false,
    }
}

fn still_needed(dependencies: &Dependencies<'_>, targets: &[Part], found: &[(Part, Part)]) -> SqlError {
    let text = match targets {
        [one] => format!("cannot drop {} because other objects depend on it", dependencies.described(one)),
        _ => String::from("cannot drop desired object(s) because other objects depend on them"),
    };
    let lines: Vec<String> = found
        .iter()
        .take(LISTED_MAX)
        .map(|(part, of)| format!("{} depends on {}", dependencies.described(part), dependencies.described(of)))
        .collect();
    SqlError::new(Code::DependentObjectsStillExist, text)
        .with_detail(lines.join("\n"))
        .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

/// Takes a constraint out of a table, with its index.
pub(super) fn without_constraint(table: &mut Table, constraint: u32) {
    let Some(relational) = &mut table.relational else { return };
    let found = relational.constraints.iter().find(|known| known.oid == constraint);
    let index = found.and_then(|found| match found.rule {
        Rule::PrimaryKey { index } | Rule::Unique { index } => Some(index),
        _ => None,
    });
    relational.constraints.retain(|known| known.oid != constraint);
    relational.indexes.retain(|known| Some(known.oid) != index);
}

/// Takes a column out of a table, with the constraints and indexes that it is part of.
pub(super) fn without_column(table: &mut Table, number: i16) {
    let name = table.column(number).map(|column| column.name.clone()).unwrap_or_default();
    if let Some(relational) = &mut table.relational {
        relational.constraints.retain(|constraint| !constraint.columns.contains(&number));
        let reads = |sql: &String| super::dependencies::words(sql).any(|word| word == name);
        relational.indexes.retain(|index| {
            let by_key =
                index.keys.iter().any(|key| key.column == Some(number) || key.expression.as_ref().is_some_and(reads));
            !by_key && !index.include.contains(&number) && !index.predicate.as_ref().is_some_and(reads)
        });
    }
    table.columns.retain(|column| column.number != number);
}
