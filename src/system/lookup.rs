//! Names <-> object ids of schemas and relations, and the columns of relations.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int32Type;

use super::directory::{SchemaFacts, Stored};
use super::exports::exported;
use super::facts::{CatalogFacts, OWNER_OID};
use super::relations::{
    PG_CATALOG, SystemRelation, system_relation, system_relation_by_oid, system_relations, type_of,
};
use super::type_facts::{TYPES, type_oid};
use crate::catalog::{Column, Identity, Index, MESH, PUBLIC, Sequence, Table, View, quote_ident, split_quoted};
use crate::types::{SqlType, USER_TYPE_KEY};

/// Object id of the collation `C`.
const COLLATION_C: u32 = 950;
/// Object ids below this one are PostgreSQL's own and the same everywhere.
pub(super) const FIRST_UNPINNED_OID: u32 = 12_000;
/// Row types of our own relations, and the arrays of these, have ids that follow from the relation's.
const ROW_TYPES: u32 = 0x2000_0000;
const ROW_ARRAYS: u32 = 0x3000_0000;

/// A relation of any schema: a table, a view, an index, a sequence or a system relation.
#[derive(Debug, Clone)]
pub struct Relation<'a> {
    /// Object id.
    pub oid: u32,
    /// Name of its schema.
    pub schema: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `r` table, `v` view, `i` index, `S` sequence.
    pub kind: char,
    /// Its owner.
    pub owner: u32,
    /// What it holds.
    pub comment: Option<&'a str>,
    /// SELECT of a view.
    pub definition: Option<&'a str>,
    /// It is one of PostgreSQL's own relations.
    pub is_system: bool,
    /// What the catalog has of it.
    pub(super) source: Source<'a>,
}

/// What a relation was made from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    System(&'static SystemRelation),
    Table(&'a Arc<Table>),
    View(&'a Arc<View>),
    Sequence(&'a Arc<Sequence>),
    Index(&'a Arc<Table>, &'a Index),
}

impl Relation<'_> {
    /// A table or a view: what a query can read.
    pub fn has_rows(&self) -> bool {
        matches!(self.kind, 'r' | 'v')
    }

    /// A user created it, and others have no rights on it.
    pub fn is_private(&self) -> bool {
        match self.source {
            Source::Table(table) | Source::Index(table, _) => table.relational.is_some(),
            Source::View(view) => view.owner.is_some(),
            Source::Sequence(_) => true,
            Source::System(_) => false,
        }
    }

    /// The SELECT of a view as PostgreSQL shows it.
    pub fn view_definition(&self) -> Option<String> {
        self.definition.map(super::definitions::view_definition)
    }

    /// The indexes of a table.
    pub fn indexes(&self) -> &[Index] {
        self.relational().map_or(&[], |(_, relational)| &relational.indexes)
    }

    /// The relational table that it is.
    pub(super) fn relational(&self) -> Option<(&Arc<Table>, &crate::catalog::Relational)> {
        match self.source {
            Source::Table(table) => Some((table, table.relational.as_ref()?)),
            _ => None,
        }
    }
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its number, from 1; columns that were dropped leave gaps.
    pub number: i16,
    /// Its name.
    pub name: String,
    /// Object id of its type.
    pub type_oid: u32,
    /// Modifier of its type; -1 where there is none.
    pub modifier: i32,
    /// Bytes of a value; -1 without fixed length.
    pub length: i16,
    /// Never NULL.
    pub not_null: bool,
    /// Object id of its collation; 0 where the type has none.
    pub collation: u32,
    /// SQL text of its default, or of the expression that gives its value.
    pub default: Option<String>,
    /// It takes its values from a sequence of its own.
    pub identity: Option<Identity>,
    /// `default` gives its value in every row.
    pub is_generated: bool,
    /// What it means.
    pub comment: Option<String>,
}

impl CatalogFacts {
    /// Every schema of this database.
    pub fn schemas(&self) -> &[SchemaFacts] {
        &self.directory.schemas
    }

    /// The object id of a schema.
    pub fn schema_oid(&self, name: &str) -> Option<u32> {
        self.directory.schema_named(name).map(|schema| schema.oid)
    }

    /// The name of the schema with this object id.
    pub fn schema_name(&self, oid: u32) -> Option<&str> {
        self.directory.schema(oid).map(|schema| schema.name.as_str())
    }

    /// Our own relations of this database: tables, views, sequences, indexes.
    pub fn own_relations(&self) -> Vec<Relation<'_>> {
        self.directory.relations.iter().map(|stored| self.describe_stored(stored)).collect()
    }

    /// All relations, PostgreSQL's own included.
    pub fn relations(&self) -> Vec<Relation<'_>> {
        let mut relations = self.own_relations();
        relations.extend(system_relations().map(|relation| -> Relation<'_> { from_system(relation) }));
        relations
    }

    /// All tables and views, PostgreSQL's own included.
    pub fn tables_and_views(&self) -> Vec<Relation<'_>> {
        let mut relations = self.relations();
        relations.retain(Relation::has_rows);
        relations
    }

    fn describe_stored<'a>(&self, stored: &'a Stored) -> Relation<'a> {
        let named = |kind, owner, comment, definition, source| Relation {
            oid: stored.oid(),
            schema: stored.schema(),
            name: stored.name(),
            kind,
            owner: self.directory.owner(owner),
            comment: non_empty(comment),
            definition,
            is_system: false,
            source,
        };
        let owner = |table: &'a Table| table.relational.as_ref().map(|relational| relational.owner.as_str());
        match stored {
            Stored::Table(table) => named('r', owner(table), &table.comment, None, Source::Table(table)),
            Stored::View(view) => {
                named('v', view.owner.as_deref(), &view.comment, Some(view.sql.as_str()), Source::View(view))
            }
            Stored::Sequence(sequence) => {
                named('S', Some(&sequence.owner), &sequence.comment, None, Source::Sequence(sequence))
            }
            Stored::Index(table, _) => match stored.index() {
                Some(index) => named('i', owner(table), &index.comment, None, Source::Index(table, index)),
                None => named('i', owner(table), "", None, Source::Table(table)),
            },
        }
    }

    /// The relation with this object id.
    pub fn relation(&self, oid: u32) -> Option<Relation<'_>> {
        match self.directory.relation(oid) {
            Some(stored) => Some(self.describe_stored(stored)),
            None => system_relation_by_oid(oid).map(from_system),
        }
    }

    /// The relation with this name, by the rules for qualified and bare names.
    pub fn relation_named(&self, schema: Option<&str>, name: &str, search_path: &[String]) -> Option<Relation<'_>> {
        let find = |schema: &str| -> Option<Relation<'_>> {
            match system_relation(schema, name) {
                Some(relation) => Some(from_system(relation)),
                None => self.directory.relation_named(schema, name).map(|stored| self.describe_stored(stored)),
            }
        };
        match schema {
            Some(schema) => find(schema),
            None => find(PG_CATALOG).or_else(|| search_path.iter().find_map(|schema| find(schema))),
        }
    }

    /// The columns of a relation, in order.
    pub fn attributes(&self, relation: &Relation<'_>) -> Vec<Attribute> {
        match relation.source {
            Source::System(relation) => system_attributes(relation),
            Source::Table(table) => table.columns.iter().map(|column| self.attribute_of(column)).collect(),
            Source::View(view) if !view.columns.is_empty() => {
                let columns = view.columns.iter().map(|column| self.attribute_of(column));
                columns.map(|column| Attribute { not_null: false, ..column }).collect()
            }
            Source::View(view) => self.planned_attributes(view.oid),
            Source::Sequence(_) => sequence_attributes(),
            Source::Index(table, index) => self.index_attributes(table, index),
        }
    }

    fn attribute_of(&self, column: &Column) -> Attribute {
        let sql_type = if column.sql_type == SqlType::Unknown { SqlType::Text } else { column.sql_type };
        let type_oid = column.user_type.unwrap_or_else(|| sql_type.oid());
        Attribute {
            modifier: column.modifier,
            not_null: column.not_null,
            default: column.generated.clone().or_else(|| column.default.clone()),
            identity: column.identity,
            is_generated: column.generated.is_some(),
            comment: non_empty(&column.comment).map(str::to_owned),
            ..self.attribute(column.number, &column.name, type_oid)
        }
    }

    /// The columns of a view as the engine plans it.
    fn planned_attributes(&self, view: u32) -> Vec<Attribute> {
        let Some(schema) = self.view_columns.get(&view) else { return Vec::new() };
        let fields = (1..).zip(schema.fields());
        let attributes = fields.map(|(number, field)| {
            let user_type = field.metadata().get(USER_TYPE_KEY).and_then(|oid| oid.parse().ok());
            // A column of no known type is shown as text, as PostgreSQL does for a view's literal.
            let sql_type = match SqlType::of_field(field) {
                SqlType::Unknown => SqlType::Text,
                known => known,
            };
            let attribute = self.attribute(number, field.name(), user_type.unwrap_or_else(|| sql_type.oid()));
            Attribute { modifier: SqlType::modifier_of_field(field), ..attribute }
        });
        attributes.collect()
    }

    fn index_attributes(&self, table: &Table, index: &Index) -> Vec<Attribute> {
        let names = super::definitions::index_column_names(table, index);
        let keys = index.keys.iter().map(|key| key.column);
        let columns = keys.chain(index.include.iter().copied().map(Some));
        let attributes = (1..).zip(names).zip(columns).map(|((number, name), column)| {
            match column.and_then(|column| table.column(column)) {
                Some(column) => {
                    let of_table = self.attribute_of(column);
                    let own = self.attribute(number, &name, of_table.type_oid);
                    // Nothing is ordered by the columns that an index only carries.
                    let is_key = usize::try_from(number).is_ok_and(|number| number <= index.keys.len());
                    let collation = if is_key { own.collation } else { 0 };
                    Attribute { modifier: of_table.modifier, collation, ..own }
                }
                // The catalog keeps no type of an expression.
                None => self.attribute(number, &name, SqlType::Text.oid()),
            }
        });
        attributes.collect()
    }

    fn attribute(&self, number: i16, name: &str, type_oid: u32) -> Attribute {
        let facts = self.type_facts(type_oid);
        attribute(
            number,
            name,
            type_oid,
            facts.map_or(-1, |facts| facts.length),
            facts.map_or(0, |facts| facts.collation),
        )
    }

    /// A bare name finds this relation and no other.
    pub fn is_visible(&self, relation: &Relation<'_>, search_path: &[String]) -> bool {
        self.relation_named(None, relation.name, search_path).is_some_and(|found| found.oid == relation.oid)
    }

    /// The comment on a relation, or on its column with a number from 1.
    pub fn comment(&self, relation: u32, column: Option<i64>) -> Option<String> {
        let relation = self.relation(relation)?;
        match column {
            None | Some(0) => relation.comment.map(str::to_owned),
            Some(number) => {
                let mut attributes = self.attributes(&relation).into_iter();
                attributes.find(|attribute| i64::from(attribute.number) == number)?.comment
            }
        }
    }

    /// The comment on an object of the kind that the system table `class` lists.
    pub fn object_comment(&self, oid: u32, class: &str) -> Option<String> {
        let given = |text: &str| non_empty(text).map(str::to_owned);
        match class {
            "pg_class" => self.comment(oid, None),
            "pg_constraint" => given(&self.directory.constraint(oid)?.constraint()?.comment),
            "pg_database" => given(&self.catalog.databases.values().find(|database| database.oid == oid)?.comment),
            "pg_authid" | "pg_roles" => self.roles.iter().find(|role| role.oid == oid)?.comment.clone(),
            _ => {
                let own = match class {
                    "pg_namespace" => self.directory.schema(oid).and_then(|schema| given(self.schema_comment(schema))),
                    "pg_type" => {
                        let user_type = self.directory.user_type(oid).filter(|user_type| user_type.oid == oid);
                        user_type.and_then(|user_type| given(&user_type.comment))
                    }
                    _ => None,
                };
                own.or_else(|| DESCRIPTIONS.get(&(system_relation(PG_CATALOG, class)?.oid, oid)).cloned())
            }
        }
    }

    /// What a schema is for, where that is not what PostgreSQL itself says of it.
    pub(super) fn schema_comment<'a>(&self, schema: &'a SchemaFacts) -> &'a str {
        let is_default = self.database == crate::catalog::DEFAULT_DATABASE;
        match schema.name.as_str() {
            _ if !schema.comment.is_empty() => &schema.comment,
            PUBLIC if is_default => "event tables and views",
            MESH => "the fleet's own state",
            _ => "",
        }
    }

    /// A relation's name as `regclass` shows it: qualified where the bare name would not find it.
    pub fn relation_text(&self, oid: u32, search_path: &[String]) -> Option<String> {
        let relation = self.relation(oid)?;
        let bare = self.is_visible(&relation, search_path);
        Some(if bare { quote_ident(relation.name) } else { qualified(relation.schema, relation.name) })
    }

    /// The relation of ours whose row type, or the array of it, has this object id.
    pub fn relation_of_type(&self, oid: u32) -> Option<Relation<'_>> {
        let relation = self.relation(row_relation(oid)?).filter(|relation| !relation.is_system)?;
        let (row, array) = row_type(&relation);
        (oid == row || oid == array).then_some(relation)
    }

    /// The row type of a relation of ours by its name, or the array of it.
    pub(super) fn row_type_named(&self, schema: &str, name: &str, is_array: bool) -> Option<u32> {
        let relation = self.describe_stored(self.directory.relation_named(schema, name)?);
        let (row, array) = row_type(&relation);
        Some(if is_array { array } else { row }).filter(|oid| *oid != 0)
    }
}

/// `schema.name`, each part quoted where it must be.
pub(super) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_ident(schema), quote_ident(name))
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn from_system(relation: &'static SystemRelation) -> Relation<'static> {
    Relation {
        oid: relation.oid,
        schema: relation.schema,
        name: relation.name,
        kind: if relation.is_view { 'v' } else { 'r' },
        owner: OWNER_OID,
        comment: None,
        definition: None,
        is_system: true,
        source: Source::System(relation),
    }
}

fn attribute(number: i16, name: &str, type_oid: u32, length: i16, collation: u32) -> Attribute {
    Attribute {
        number,
        name: name.to_owned(),
        type_oid,
        modifier: -1,
        length,
        not_null: false,
        collation,
        default: None,
        identity: None,
        is_generated: false,
        comment: None,
    }
}

fn system_attributes(relation: &SystemRelation) -> Vec<Attribute> {
    let columns = (1..).zip(&relation.columns).map(|(number, column)| {
        let (sql_type, type_oid) = type_of(column.type_name);
        let own = TYPES.get(&type_oid).map_or(0, |facts| facts.collation);
        let collation = if column.is_collated_by_bytes { COLLATION_C } else { own };
        Attribute {
            not_null: column.not_null,
            ..attribute(number, column.name, type_oid, sql_type.length(), collation)
        }
    });
    columns.collect()
}

/// Every sequence can be read like a table of one row.
fn sequence_attributes() -> Vec<Attribute> {
    let columns = [("last_value", SqlType::Int8), ("log_cnt", SqlType::Int8), ("is_called", SqlType::Bool)];
    let columns = (1..).zip(columns).map(|(number, (name, sql_type))| Attribute {
        not_null: true,
        ..attribute(number, name, sql_type.oid(), sql_type.length(), 0)
    });
    columns.collect()
}

/// Comments on PostgreSQL's own objects, by the class and id of the object.
static DESCRIPTIONS: LazyLock<HashMap<(u32, u32), String>> = LazyLock::new(|| read_descriptions().unwrap_or_default());

fn read_descriptions() -> Option<HashMap<(u32, u32), String>> {
    let batch = exported(system_relation(PG_CATALOG, "pg_description")?).ok()??;
    let integers = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int32Type>();
    let (objects, classes, parts) = (integers("objoid")?, integers("classoid")?, integers("objsubid")?);
    let texts = batch.column_by_name("description")?.as_string_opt::<i32>()?;
    let whole = (0..batch.num_rows()).filter(|row| parts.value(*row) == 0);
    let entry = |row: usize| ((classes.value(row) as u32, objects.value(row) as u32), texts.value(row).to_owned());
    Some(whole.map(entry).collect())
}

/// Splits `schema.name` or `name` as PostgreSQL reads them: quoted parts as they are, others folded.
pub fn split_name(text: &str) -> Option<(Option<String>, String)> {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') {
            split_quoted(quoted)?
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            (rest[..end].trim().to_lowercase(), &rest[end..])
        };
        if part.is_empty() || parts.len() == 3 {
            return None;
        }
        parts.push(part);
        match after.trim_start() {
            "" => break,
            after => rest = after.strip_prefix('.')?.trim_start(),
        }
    }
    let name = parts.pop()?;
    Some((parts.pop(), name))
}

/// The object ids of a relation's row type and of the array of it; 0 for what has no rows of its own.
pub(crate) fn row_type(relation: &Relation<'_>) -> (u32, u32) {
    match relation {
        Relation { is_system: true, oid, .. } if *oid >= FIRST_UNPINNED_OID => (oid + 2, oid + 1),
        Relation { is_system: true, name, .. } => {
            (type_oid(&quote_ident(name)).unwrap_or(0), type_oid(&quote_ident(&format!("_{name}"))).unwrap_or(0))
        }
        Relation { kind: 'i' | 'S', .. } => (0, 0),
        Relation { oid, .. } => (ROW_TYPES | oid, ROW_ARRAYS | oid),
    }
}

/// The relation that an object id may be the row type of, or of the array of it.
pub(super) fn row_relation(oid: u32) -> Option<u32> {
    matches!(oid & 0xf000_0000, ROW_TYPES | ROW_ARRAYS).then_some(oid & !ROW_ARRAYS)
}

/// The object id is one of an array of a row type.
pub(super) fn is_row_array(oid: u32) -> bool {
    oid & 0xf000_0000 == ROW_ARRAYS
}

/// The row types that no export has: those of views of PostgreSQL's own, and of our relations.
pub(crate) fn has_made_row_type(relation: &Relation<'_>) -> bool {
    relation.has_rows() && (!relation.is_system || relation.oid >= FIRST_UNPINNED_OID)
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn names_are_split_and_folded() {
        let split = |text| split_name(text).map(|(schema, name)| (schema.unwrap_or_default(), name));
        let pair = |schema: &str, name: &str| Some((schema.to_owned(), name.to_owned()));
        assert_eq!(split("Alerts"), pair("", "alerts"));
        assert_eq!(split("mesh.\"No.des\"\"x\""), pair("mesh", "No.des\"x"));
        assert_eq!(split("a."), None);
        assert_eq!(split("\"a"), None);
    }
}
