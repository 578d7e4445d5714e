//! What all nodes of the mesh made, as one catalog.
//!
//! Databases and schemas of one name are one, wherever they were made. A name that this node uses itself means its
//! own object; the others' are `name@node`. A name that several other nodes use means none of them: each is
//! `name@node`, so that no node can take another one's name, and no name silently changes its meaning. A view of
//! another node whose text mentions such a name is left out, for it might read other tables than at its home.
//!
//! Entries of another node are not trusted further than its certificate goes: they may only tell of tables and
//! sequences that lie on that node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::builtin::{DATABASE_OID, POSTGRES_OID};
use super::entry::{DatabaseEntry, Entry, Object, SchemaEntry};
use super::model::{Catalog, Column, Scope};
use super::relational::UserTypeKind;
use super::texts::named_objects;
use super::{DEFAULT_DATABASE, FIRST_USER_OID, MESH, POSTGRES_DATABASE};
use crate::types::{NodeName, SqlType};

/// Most bytes of a name.
const NAME_BYTES_MAX: usize = 63;
/// Most columns of a table or view.
const COLUMNS_MAX: usize = 1_664;
/// Most digits behind the point of a numeric column.
const SCALE_MAX: i8 = 38;

/// What another node made, as it told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The node, as its certificate names it.
    pub node: NodeName,
    /// What it made.
    pub entries: Vec<Entry>,
}

/// An object of another node that this node does not show under its name, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hidden {
    /// The node that made it.
    pub node: NodeName,
    /// Its name there.
    pub name: String,
    /// Why, and under which name it is shown.
    pub reason: String,
}

/// The catalog of the whole mesh, as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Union {
    /// What exists.
    pub catalog: Arc<Catalog>,
    /// What is not shown as it was made.
    pub hidden: Vec<Hidden>,
    homes: BTreeMap<u32, NodeName>,
}

impl Union {
    /// What this node made, and what the others did.
    pub fn of(own: &Arc<Catalog>, others: &[Arc<Published>]) -> Self {
        let (catalog, homes, hidden) = (Arc::clone(own), BTreeMap::new(), Vec::new());
        if others.iter().all(|other| other.entries.is_empty()) {
            return Self { catalog, hidden, homes };
        }
        let mut builder = Builder { own, next: Catalog::clone(own), used: BTreeSet::new(), homes, hidden };
        builder.used.extend(own.made_entries().iter().flat_map(oids_of));
        let ordered = in_order(others);
        builder.add_databases(&ordered);
        builder.add_schemas(&ordered);
        builder.add_objects(&ordered);
        builder.hidden.sort();
        Self { catalog: Arc::new(builder.next), hidden: builder.hidden, homes: builder.homes }
    }

    /// The other node on which an object lies; none for one that is here too.
    pub fn home_of(&self, oid: u32) -> Option<&NodeName> {
        self.homes.get(&oid)
    }
}

/// The others by name, each once: the order in which they came must not matter.
fn in_order(others: &[Arc<Published>]) -> Vec<&Published> {
    let by_name: BTreeMap<&NodeName, &Published> = others.iter().map(|other| (&other.node, other.as_ref())).collect();
    by_name.into_values().collect()
}

/// Where an object is by names: what nodes agree on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    database: String,
    schema: String,
    /// Types have names of their own beside tables, views and sequences.
    is_type: bool,
    name: String,
}

struct Candidate<'a> {
    node: &'a NodeName,
    entry: &'a Entry,
}

struct Builder<'a> {
    own: &'a Catalog,
    next: Catalog,
    /// Object ids that are taken.
    used: BTreeSet<u32>,
    homes: BTreeMap<u32, NodeName>,
    hidden: Vec<Hidden>,
}

impl Builder<'_> {
    fn hide(&mut self, node: &NodeName, name: &str, reason: impl Into<String>) {
        self.hidden.push(Hidden { node: node.clone(), name: name.to_owned(), reason: reason.into() });
    }

    /// Databases that this node has not, each with the lowest object id that a node gave to it.
    fn add_databases(&mut self, others: &[&Published]) {
        let mut made: BTreeMap<&str, (u32, &NodeName, &DatabaseEntry)> = BTreeMap::new();
        for (node, entry) in entries(others) {
            let Object::Database(database) = &entry.object else { continue };
            if self.own.databases.contains_key(&database.name) {
                continue;
            }
            if let Err(reason) = check_made(entry, &database.name) {
                self.hide(node, &database.name, reason);
                continue;
            }
            let lowest = made.entry(&database.name).or_insert((entry.oid, node, database));
            if entry.oid < lowest.0 {
                *lowest = (entry.oid, node, database);
            }
        }
        for (name, (oid, node, database)) in made {
            if !self.used.insert(oid) {
                self.hide(node, name, "its object id is another object's");
                continue;
            }
            self.homes.insert(oid, node.clone());
            self.next.put_into(&Entry { oid, database: oid, object: Object::Database(database.clone()) });
        }
    }

    /// Schemas that are not there yet, in the same way.
    fn add_schemas(&mut self, others: &[&Published]) {
        let mut made: BTreeMap<(String, &str), (u32, &NodeName, &SchemaEntry)> = BTreeMap::new();
        for other in others {
            let databases = databases_of(other);
            for entry in &other.entries {
                let Object::Schema(schema) = &entry.object else { continue };
                let Some(database) = databases.get(&entry.database) else { continue };
                let is_there = self.next.databases.get(*database).is_none_or(|d| d.schemas.contains_key(&schema.name));
                if is_there || schema.is_gone {
                    continue;
                }
                if let Err(reason) = check_made(entry, &schema.name).and_then(|()| check_schema(&schema.name)) {
                    self.hide(&other.node, &schema.name, reason);
                    continue;
                }
                let key = ((*database).to_owned(), schema.name.as_str());
                let lowest = made.entry(key).or_insert((entry.oid, &other.node, schema));
                if entry.oid < lowest.0 {
                    *lowest = (entry.oid, &other.node, schema);
                }
            }
        }
        for ((database, name), (oid, node, schema)) in made {
            let Some(database) = self.next.databases.get(&database).map(|database| database.oid) else { continue };
            if !self.used.insert(oid) {
                self.hide(node, name, "its object id is another object's");
                continue;
            }
            self.homes.insert(oid, node.clone());
            self.next.put_into(&Entry { oid, database, object: Object::Schema(schema.clone()) });
        }
    }

    fn add_objects(&mut self, others: &[&Published]) {
        let mut wanted: BTreeMap<Name, Vec<Candidate<'_>>> = BTreeMap::new();
        for other in others {
            let databases = databases_of(other);
            for entry in &other.entries {
                let Some(schema) = entry.object.schema() else { continue };
                let name = entry.object.name();
                if let Err(reason) = check_object(&other.node, entry) {
                    self.hide(&other.node, name, reason);
                    continue;
                }
                let database = databases.get(&entry.database).and_then(|name| self.next.databases.get(*name));
                let Some(database) = database.filter(|database| database.schemas.contains_key(schema)) else {
                    self.hide(&other.node, name, "its database or schema is not known");
                    continue;
                };
                let is_type = matches!(entry.object, Object::Type(_));
                let (database, schema) = (database.name.clone(), schema.to_owned());
                let name = Name { database, schema, is_type, name: name.to_owned() };
                wanted.entry(name).or_default().push(Candidate { node: &other.node, entry });
            }
        }
        let is_ambiguous = |name: &Name, candidates: &[Candidate<'_>]| candidates.len() > 1 || self.is_own(name);
        let ambiguous: BTreeSet<Name> = wanted
            .iter()
            .filter(|(name, candidates)| is_ambiguous(name, candidates))
            .map(|(name, _)| name.clone())
            .collect();
        for (name, candidates) in &wanted {
            for candidate in candidates {
                self.add_object(name, candidate, &ambiguous);
            }
        }
    }

    /// This node uses the name itself, for what a user made or for what is built in.
    fn is_own(&self, name: &Name) -> bool {
        has(self.own, name)
    }

    fn add_object(&mut self, name: &Name, Candidate { node, entry }: &Candidate<'_>, ambiguous: &BTreeSet<Name>) {
        if let Object::View(view) = &entry.object {
            let named = named_objects(&view.sql);
            let is_named = |other: &&Name| {
                let is_here = other.database == name.database;
                is_here && named.iter().any(|(schema, bare)| *schema == other.schema && *bare == other.name)
            };
            let mentioned = ambiguous.iter().find(is_named);
            if let Some(mentioned) = mentioned {
                let reason = format!("it is about {}, which means something else here", mentioned.name);
                return self.hide(node, &name.name, reason);
            }
        }
        let mut object = entry.object.clone();
        let mut shown = name.clone();
        if ambiguous.contains(name) {
            shown.name = format!("{}@{node}", name.name);
            if shown.name.len() > NAME_BYTES_MAX || has(&self.next, &shown) {
                return self.hide(node, &name.name, "its name is used by several nodes");
            }
            self.hide(node, &name.name, format!("its name is used by several nodes; it is shown as {}", shown.name));
            object = object.renamed(&shown.name);
        }
        let oids = oids_of(entry);
        let Some(database) = self.next.databases.get(&name.database).map(|database| database.oid) else { return };
        if oids.iter().any(|oid| self.used.contains(oid)) {
            return self.hide(node, &name.name, "its object id is another object's");
        }
        self.used.extend(oids);
        self.homes.insert(entry.oid, (*node).clone());
        self.next.put_into(&Entry { oid: entry.oid, database, object });
    }
}

/// All entries of all nodes.
fn entries<'a>(others: &[&'a Published]) -> impl Iterator<Item = (&'a NodeName, &'a Entry)> {
    others.iter().flat_map(|other| other.entries.iter().map(|entry| (&other.node, entry)))
}

/// The names of a node's databases by the object ids that it gave to them.
fn databases_of(other: &Published) -> BTreeMap<u32, &str> {
    let made = other.entries.iter().filter_map(|entry| match &entry.object {
        Object::Database(database) => Some((entry.oid, database.name.as_str())),
        _ => None,
    });
    made.chain([(DATABASE_OID, DEFAULT_DATABASE), (POSTGRES_OID, POSTGRES_DATABASE)]).collect()
}

fn has(catalog: &Catalog, name: &Name) -> bool {
    let schema = catalog.databases.get(&name.database).and_then(|database| database.schemas.get(&name.schema));
    schema.is_some_and(|schema| match name.is_type {
        true => schema.types.contains_key(&name.name),
        false => {
            schema.tables.contains_key(&name.name)
                || schema.views.contains_key(&name.name)
                || schema.sequences.contains_key(&name.name)
        }
    })
}

/// The object ids that an entry takes.
fn oids_of(entry: &Entry) -> Vec<u32> {
    let mut oids = vec![entry.oid];
    match &entry.object {
        Object::Table(table) => {
            oids.extend(table.indexes().iter().map(|index| index.oid));
            oids.extend(table.constraints().iter().map(|constraint| constraint.oid));
        }
        Object::Type(kind) => {
            oids.push(kind.array_oid);
            match &kind.kind {
                UserTypeKind::Enum { labels } => oids.extend(labels.iter().map(|label| label.oid)),
                UserTypeKind::Domain { checks, .. } => oids.extend(checks.iter().map(|check| check.oid)),
            }
        }
        _ => {}
    }
    oids
}

type Check = Result<(), &'static str>;

fn check_name(name: &str) -> Check {
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err("it has no proper name") }
}

/// A name, and an object id that is not built in.
fn check_made(entry: &Entry, name: &str) -> Check {
    check_name(name)?;
    if oids_of(entry).iter().any(|oid| *oid < FIRST_USER_OID) {
        return Err("its object id is that of something built in");
    }
    Ok(())
}

/// Schemas that mean the same everywhere are nobody's.
fn check_schema(name: &str) -> Check {
    match name.starts_with("pg_") || name == MESH || name == "information_schema" {
        true => Err("its schema is a system schema"),
        false => Ok(()),
    }
}

fn check_object(node: &NodeName, entry: &Entry) -> Check {
    check_made(entry, entry.object.name())?;
    check_schema(entry.object.schema().unwrap_or_default())?;
    match &entry.object {
        Object::Table(table) => {
            let Some(relational) = table.relational.as_ref().filter(|_| table.scope == Scope::Relational) else {
                return Err("it is no relational table");
            };
            if relational.home != *node || table.oid != entry.oid {
                return Err("it lies on another node");
            }
            if relational.temporary {
                return Err("it is temporary");
            }
            check_columns(&table.columns)
        }
        Object::View(view) if view.oid == entry.oid && view.owner.is_some() => check_columns(&view.columns),
        Object::Sequence(sequence) if sequence.home == *node && sequence.oid == entry.oid => Ok(()),
        Object::Type(kind) if kind.oid == entry.oid => Ok(()),
        Object::View(_) | Object::Sequence(_) | Object::Type(_) => Err("it lies on another node"),
        Object::Database(_) | Object::Schema(_) => Err("it is in no schema"),
    }
}

fn check_columns(columns: &[Column]) -> Check {
    let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    if columns.len() > COLUMNS_MAX || names.len() != columns.len() {
        return Err("its columns are not told apart");
    }
    let is_sound = |column: &Column| {
        // What the modifier of another type says is a length.
        let is_decimal = matches!(column.sql_type, SqlType::Numeric | SqlType::NumericArray);
        let scale = SqlType::scale_of_modifier(column.modifier).filter(|_| is_decimal).unwrap_or(0);
        check_name(&column.name).is_ok() && column.number > 0 && (0..=SCALE_MAX).contains(&scale)
    };
    if columns.iter().all(is_sound) { Ok(()) } else { Err("its columns make no sense") }
}

#[cfg(test)]
mod tests;
