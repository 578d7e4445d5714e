//! Maps over what users created in one database, so that nothing is looked for from end to end.
//!
//! Built once with [`CatalogFacts`](super::CatalogFacts); a database may hold thousands of objects.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::facts::{OWNER_OID, RoleFacts};
use super::relations::{INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID, PG_CATALOG, PG_CATALOG_OID};
use super::type_facts::TypeFacts;
use crate::catalog::{Catalog, Constraint, Index, PUBLIC, Rule, Schema, Sequence, Table, UserType, UserTypeKind, View};

/// Defaults have no place in the catalog: they are numbered within one snapshot, in a range of their own.
const DEFAULT_BASE: u32 = 0x6000_0000;
/// The role that PostgreSQL lets own the schema `public`.
pub(super) const DATABASE_OWNER_ROLE: u32 = 6_171;

/// Something that pg_class lists.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    Table(Arc<Table>),
    View(Arc<View>),
    Sequence(Arc<Sequence>),
    /// A table, and the place of the index among its indexes.
    Index(Arc<Table>, usize),
}

impl Stored {
    pub(super) fn oid(&self) -> u32 {
        match self {
            Self::Table(table) => table.oid,
            Self::View(view) => view.oid,
            Self::Sequence(sequence) => sequence.oid,
            Self::Index(..) => self.index().map_or(0, |index| index.oid),
        }
    }

    pub(super) fn index(&self) -> Option<&Index> {
        match self {
            Self::Index(table, place) => table.relational.as_ref()?.indexes.get(*place),
            _ => None,
        }
    }

    pub(super) fn schema(&self) -> &str {
        match self {
            Self::Table(table) | Self::Index(table, _) => &table.schema,
            Self::View(view) => &view.schema,
            Self::Sequence(sequence) => &sequence.schema,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::View(view) => &view.name,
            Self::Sequence(sequence) => &sequence.name,
            Self::Index(..) => self.index().map_or("", |index| &index.name),
        }
    }
}

/// A schema as pg_namespace lists it.
#[derive(Debug, Clone)]
pub struct SchemaFacts {
    /// Object id.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub comment: String,
    /// Object id of its owner.
    pub owner: u32,
    /// A user created it, and others have no rights on it.
    pub is_private: bool,
}

/// A constraint, and what it belongs to.
#[derive(Debug, Clone)]
pub(super) enum ConstraintPlace {
    /// A table, and the place among its constraints.
    Table(Arc<Table>, usize),
    /// A domain, and the place among its checks.
    Domain(Arc<UserType>, usize),
}

impl ConstraintPlace {
    pub(super) fn constraint(&self) -> Option<&Constraint> {
        match self {
            Self::Table(table, place) => table.relational.as_ref()?.constraints.get(*place),
            Self::Domain(domain, place) => match &domain.kind {
                UserTypeKind::Domain { checks, .. } => checks.get(*place),
                UserTypeKind::Enum { .. } => None,
            },
        }
    }

    pub(super) fn schema(&self) -> &str {
        match self {
            Self::Table(table, _) => &table.schema,
            Self::Domain(domain, _) => &domain.schema,
        }
    }
}

/// The maps.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    /// Relations in the order of their schemas, kinds and names.
    pub(super) relations: Vec<Stored>,
    pub(super) schemas: Vec<SchemaFacts>,
    pub(super) types: Vec<Arc<UserType>>,
    pub(super) constraints: Vec<ConstraintPlace>,
    schema_by_oid: HashMap<u32, usize>,
    schema_by_name: HashMap<String, usize>,
    relation_by_oid: HashMap<u32, usize>,
    relation_by_name: HashMap<String, HashMap<String, usize>>,
    type_facts: HashMap<u32, TypeFacts>,
    type_by_name: HashMap<String, HashMap<String, u32>>,
    user_type_by_oid: HashMap<u32, usize>,
    constraint_by_oid: HashMap<u32, usize>,
    /// Per index: the primary key or UNIQUE that it serves.
    constraint_of_index: HashMap<u32, u32>,
    /// Tables that foreign keys of others, or of their own, refer to.
    referenced: HashSet<u32>,
    /// Per column with a default: the object id of the default.
    defaults: BTreeMap<(u32, i16), u32>,
    /// Per column: the sequence that belongs to it.
    owned_sequences: HashMap<(u32, i16), usize>,
    roles: HashMap<String, u32>,
}

impl Directory {
    pub(super) fn new(catalog: &Catalog, database: &str, roles: &[RoleFacts]) -> Self {
        let mut directory = Self::default();
        directory.roles.extend(roles.iter().map(|role| (role.name.clone(), role.oid)));
        let schemas = catalog.databases.get(database).into_iter().flat_map(|database| &database.schemas);
        for (name, schema) in schemas {
            directory.add_schema(name, schema);
        }
        let own =
            [(PG_CATALOG_OID, PG_CATALOG, "system catalog schema"), (INFORMATION_SCHEMA_OID, INFORMATION_SCHEMA, "")];
        for (oid, name, comment) in own {
            directory.push_schema(SchemaFacts {
                oid,
                name: name.to_owned(),
                comment: comment.to_owned(),
                owner: OWNER_OID,
                is_private: false,
            });
        }
        for place in 0..directory.types.len() {
            directory.add_type(place);
        }
        directory
    }

    fn push_schema(&mut self, schema: SchemaFacts) {
        self.schema_by_oid.insert(schema.oid, self.schemas.len());
        self.schema_by_name.insert(schema.name.clone(), self.schemas.len());
        self.schemas.push(schema);
    }

    fn add_schema(&mut self, name: &str, schema: &Schema) {
        let built_in_owner = if name == PUBLIC { DATABASE_OWNER_ROLE } else { OWNER_OID };
        let owner = schema.owner.as_deref().map_or(built_in_owner, |owner| self.owner(Some(owner)));
        let comment = schema.comment.clone();
        let is_private = schema.owner.is_some() && name != PUBLIC;
        self.push_schema(SchemaFacts { oid: schema.oid, name: name.to_owned(), comment, owner, is_private });
        schema.tables.values().for_each(|table| self.push(Stored::Table(Arc::clone(table))));
        schema.views.values().for_each(|view| self.push(Stored::View(Arc::clone(view))));
        schema.sequences.values().for_each(|sequence| self.push(Stored::Sequence(Arc::clone(sequence))));
        for table in schema.tables.values() {
            self.add_parts(table);
        }
        for user_type in schema.types.values() {
            self.user_type_by_oid.insert(user_type.oid, self.types.len());
            self.user_type_by_oid.insert(user_type.array_oid, self.types.len());
            self.types.push(Arc::clone(user_type));
        }
    }

    fn push(&mut self, stored: Stored) {
        let place = self.relations.len();
        if let Stored::Sequence(sequence) = &stored
            && let Some(column) = sequence.owned_by
        {
            self.owned_sequences.insert(column, place);
        }
        self.relation_by_oid.insert(stored.oid(), place);
        let names = self.relation_by_name.entry(stored.schema().to_owned()).or_default();
        names.insert(stored.name().to_owned(), place);
        self.relations.push(stored);
    }

    /// Defaults, indexes and constraints of a table.
    fn add_parts(&mut self, table: &Arc<Table>) {
        let with_default = |column: &&crate::catalog::Column| column.default.is_some() || column.generated.is_some();
        for column in table.columns.iter().filter(with_default) {
            let number = DEFAULT_BASE + u32::try_from(self.defaults.len()).unwrap_or(0);
            self.defaults.insert((table.oid, column.number), number);
        }
        let Some(relational) = &table.relational else { return };
        (0..relational.indexes.len()).for_each(|place| self.push(Stored::Index(Arc::clone(table), place)));
        for (place, constraint) in relational.constraints.iter().enumerate() {
            match &constraint.rule {
                Rule::PrimaryKey { index } | Rule::Unique { index } => {
                    self.constraint_of_index.insert(*index, constraint.oid);
                }
                Rule::ForeignKey { table: referenced, .. } => {
                    self.referenced.insert(*referenced);
                }
                Rule::Check { .. } => {}
            }
            self.push_constraint(constraint.oid, ConstraintPlace::Table(Arc::clone(table), place));
        }
    }

    fn push_constraint(&mut self, oid: u32, place: ConstraintPlace) {
        self.constraint_by_oid.insert(oid, self.constraints.len());
        self.constraints.push(place);
    }

    /// A type and the type of its arrays. A domain may be over a domain that comes later: it is added first.
    fn add_type(&mut self, place: usize) {
        let user_type = Arc::clone(&self.types[place]);
        if self.type_facts.contains_key(&user_type.oid) {
            return;
        }
        let mut checks = 0;
        let facts = match &user_type.kind {
            UserTypeKind::Enum { .. } => TypeFacts::of_enum(&user_type),
            UserTypeKind::Domain { base, checks: own, .. } => {
                checks = own.len();
                if let Some(other) = self.user_type_by_oid.get(base).copied().filter(|other| *other != place) {
                    self.add_type(other);
                }
                TypeFacts::of_domain(&user_type, self.type_facts(*base))
            }
        };
        let array = facts.array_of(user_type.oid);
        let names = self.type_by_name.entry(user_type.schema.clone()).or_default();
        names.insert(facts.name.clone(), user_type.oid);
        names.insert(array.name.clone(), user_type.array_oid);
        self.type_facts.extend([(user_type.oid, facts), (user_type.array_oid, array)]);
        for check in 0..checks {
            let place = ConstraintPlace::Domain(Arc::clone(&user_type), check);
            if let Some(oid) = place.constraint().map(|constraint| constraint.oid) {
                self.push_constraint(oid, place);
            }
        }
    }

    /// The object id of an owner; the built-in owner where none is named or the role is gone.
    pub(super) fn owner(&self, name: Option<&str>) -> u32 {
        name.and_then(|name| self.roles.get(name).copied()).unwrap_or(OWNER_OID)
    }

    pub(super) fn schema(&self, oid: u32) -> Option<&SchemaFacts> {
        self.schema_by_oid.get(&oid).map(|place| &self.schemas[*place])
    }

    pub(super) fn schema_named(&self, name: &str) -> Option<&SchemaFacts> {
        self.schema_by_name.get(name).map(|place| &self.schemas[*place])
    }

    pub(super) fn relation(&self, oid: u32) -> Option<&Stored> {
        self.relation_by_oid.get(&oid).map(|place| &self.relations[*place])
    }

    pub(super) fn relation_named(&self, schema: &str, name: &str) -> Option<&Stored> {
        self.relation_by_name.get(schema)?.get(name).map(|place| &self.relations[*place])
    }

    /// What is known of a type, users' types included.
    pub(super) fn type_facts(&self, oid: u32) -> Option<&TypeFacts> {
        self.type_facts.get(&oid).or_else(|| super::type_facts::TYPES.get(&oid))
    }

    pub(super) fn type_named(&self, schema: &str, name: &str) -> Option<u32> {
        self.type_by_name.get(schema)?.get(name).copied()
    }

    /// The user's type with this object id, or with this object id for its arrays.
    pub(super) fn user_type(&self, oid: u32) -> Option<&Arc<UserType>> {
        self.user_type_by_oid.get(&oid).map(|place| &self.types[*place])
    }

    pub(super) fn constraint(&self, oid: u32) -> Option<&ConstraintPlace> {
        self.constraint_by_oid.get(&oid).map(|place| &self.constraints[*place])
    }

    /// The constraint that an index serves.
    pub(super) fn constraint_of_index(&self, index: u32) -> Option<u32> {
        self.constraint_of_index.get(&index).copied()
    }

    pub(super) fn is_referenced(&self, table: u32) -> bool {
        self.referenced.contains(&table)
    }

    /// Every default: table, column, object id.
    pub(super) fn defaults(&self) -> impl Iterator<Item = ((u32, i16), u32)> {
        self.defaults.iter().map(|(column, oid)| (*column, *oid))
    }

    /// The column whose default has this object id.
    pub(super) fn column_of_default(&self, oid: u32) -> Option<(u32, i16)> {
        self.defaults.iter().find(|(_, default)| **default == oid).map(|(column, _)| *column)
    }

    /// The sequence that belongs to a column.
    pub(super) fn owned_sequence(&self, table: u32, column: i16) -> Option<&Arc<Sequence>> {
        match &self.relations[*self.owned_sequences.get(&(table, column))?] {
            Stored::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The table with this object id.
    pub(super) fn table(&self, oid: u32) -> Option<&Arc<Table>> {
        match self.relation(oid)? {
            Stored::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The primary key or UNIQUE of a table that a foreign key over these columns leans on, and its index.
    pub(super) fn referenced_key(&self, table: u32, columns: &[i16]) -> Option<(&Constraint, u32)> {
        let mut wanted = columns.to_vec();
        wanted.sort_unstable();
        let is_meant = |constraint: &&Constraint| {
            let mut own = constraint.columns.clone();
            own.sort_unstable();
            own == wanted
        };
        let keys = self.table(table)?.relational.as_ref()?.constraints.iter().filter(is_meant);
        keys.filter_map(|constraint| match constraint.rule {
            Rule::PrimaryKey { index } | Rule::Unique { index } => Some((constraint, index)),
            _ => None,
        })
        .next()
    }
}
