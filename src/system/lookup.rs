//! Names <-> object ids: of schemas, relations, types and functions, ours and PostgreSQL's own.

use std::collections::HashMap;
use std::sync::LazyLock;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int32Type;

use super::exports::exported;
use super::facts::{CatalogFacts, OWNER_OID};
use super::relations::{
    INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID, PG_CATALOG, PG_CATALOG_OID, SystemRelation, system_relation,
    system_relations, type_of,
};
use crate::catalog::{MESH, PUBLIC, quote_ident};
use crate::types::SqlType;

/// Object id of the collation `C`.
const COLLATION_C: u32 = 950;
/// Object ids below this one are PostgreSQL's own and the same everywhere.
const FIRST_UNPINNED_OID: u32 = 12_000;
/// Row types of our own relations, and the arrays of these, have ids that follow from the relation's.
const ROW_TYPES: u32 = 0x2000_0000;
const ROW_ARRAYS: u32 = 0x3000_0000;

/// A relation of any schema: a table, a view or a system relation.
#[derive(Debug, Clone)]
pub struct Relation<'a> {
    /// Object id.
    pub oid: u32,
    /// Name of its schema.
    pub schema: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `r` table, `v` view.
    pub kind: char,
    /// Its owner.
    pub owner: u32,
    /// What it holds.
    pub comment: Option<&'a str>,
    /// SELECT of a view.
    pub definition: Option<&'a str>,
    /// It is one of PostgreSQL's own relations.
    pub is_system: bool,
}

/// A column of a relation.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Position, from 1.
    pub number: i16,
    /// Its name.
    pub name: String,
    /// Object id of its type.
    pub type_oid: u32,
    /// Bytes of a value; -1 without fixed length.
    pub length: i16,
    /// Never NULL.
    pub not_null: bool,
    /// Object id of its collation; 0 where the type has none.
    pub collation: u32,
    /// What it means.
    pub comment: Option<String>,
}

/// What is known of a type of PostgreSQL.
#[derive(Debug, Clone)]
pub(crate) struct TypeFacts {
    /// Short name, such as `int4`.
    pub(crate) name: String,
    /// Type of the elements of an array; else 0.
    pub(crate) element: u32,
    /// `A` array, `S` string, ...
    pub(crate) category: char,
    /// Collation of its texts; else 0.
    pub(crate) collation: u32,
    /// Alignment: c, s, i or d.
    pub(crate) align: char,
    /// Storage: p, x, m or e.
    pub(crate) storage: char,
    /// Passed by value.
    pub(crate) by_value: bool,
    /// Type that a domain is over; else 0.
    pub(crate) base: u32,
}

impl CatalogFacts {
    /// Every schema of this database: object id, name, comment.
    pub fn schemas(&self) -> Vec<(u32, &str, &'static str)> {
        let own = self.catalog.databases.get(&self.database).into_iter().flat_map(|database| &database.schemas);
        let mut schemas: Vec<_> = own.map(|(name, schema)| (schema.oid, name.as_str(), schema_comment(name))).collect();
        schemas.push((PG_CATALOG_OID, PG_CATALOG, "system catalog schema"));
        schemas.push((INFORMATION_SCHEMA_OID, INFORMATION_SCHEMA, ""));
        schemas
    }

    /// The object id of a schema.
    pub fn schema_oid(&self, name: &str) -> Option<u32> {
        self.schemas().into_iter().find(|(_, schema, _)| *schema == name).map(|(oid, ..)| oid)
    }

    /// The name of the schema with this object id.
    pub fn schema_name(&self, oid: u32) -> Option<&str> {
        self.schemas().into_iter().find(|(id, ..)| *id == oid).map(|(_, schema, _)| schema)
    }

    /// Our own relations of this database.
    pub fn own_relations(&self) -> Vec<Relation<'_>> {
        let mut relations = Vec::new();
        let schemas = self.catalog.databases.get(&self.database).into_iter().flat_map(|database| &database.schemas);
        for (schema, entry) in schemas {
            relations.extend(entry.tables.values().map(|table| Relation {
                oid: table.oid,
                schema,
                name: &table.name,
                kind: 'r',
                owner: OWNER_OID,
                comment: non_empty(&table.comment),
                definition: None,
                is_system: false,
            }));
            relations.extend(entry.views.values().map(|view| Relation {
                oid: view.oid,
                schema,
                name: &view.name,
                kind: 'v',
                owner: OWNER_OID,
                comment: non_empty(&view.comment),
                definition: Some(&view.sql),
                is_system: false,
            }));
        }
        relations
    }

    /// All relations, PostgreSQL's own included.
    pub fn relations(&self) -> Vec<Relation<'_>> {
        let mut relations = self.own_relations();
        relations.extend(system_relations().map(|relation| -> Relation<'_> { from_system(relation) }));
        relations
    }

    /// The relation with this object id.
    pub fn relation(&self, oid: u32) -> Option<Relation<'_>> {
        self.relations().into_iter().find(|relation| relation.oid == oid)
    }

    /// The relation with this name, by the rules for qualified and bare names.
    pub fn relation_named(&self, schema: Option<&str>, name: &str, search_path: &[String]) -> Option<Relation<'_>> {
        let find = |schema: &str| {
            system_relation(schema, name).map(from_system).or_else(|| {
                self.own_relations().into_iter().find(|relation| relation.schema == schema && relation.name == name)
            })
        };
        match schema {
            Some(schema) => find(schema),
            None => find(PG_CATALOG).or_else(|| search_path.iter().find_map(|schema| find(schema))),
        }
    }

    /// The columns of a relation, in order.
    pub fn attributes(&self, relation: &Relation<'_>) -> Vec<Attribute> {
        if relation.is_system {
            return system_relation(relation.schema, relation.name).map(system_attributes).unwrap_or_default();
        }
        if let Some(table) = self.catalog.table(&self.database, relation.schema, relation.name) {
            let columns = table.columns.iter().enumerate();
            return columns
                .map(|(index, column)| {
                    let comment = non_empty(&column.comment).map(str::to_owned);
                    attribute(index, &column.name, column.sql_type, column.not_null, comment)
                })
                .collect();
        }
        let Some(schema) = self.view_columns.get(&relation.oid) else { return Vec::new() };
        let fields = schema.fields().iter().enumerate();
        fields.map(|(index, field)| attribute(index, field.name(), SqlType::of_field(field), false, None)).collect()
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
        match class {
            "pg_class" => self.comment(oid, None),
            "pg_database" => {
                let database = self.catalog.databases.values().find(|database| database.oid == oid)?;
                non_empty(&database.comment).map(str::to_owned)
            }
            "pg_authid" | "pg_roles" => self.roles.iter().find(|role| role.oid == oid)?.comment.clone(),
            _ => {
                let own = self.schemas().into_iter().find(|(id, ..)| class == "pg_namespace" && *id == oid);
                let own = own.and_then(|(_, _, comment)| non_empty(comment)).map(str::to_owned);
                own.or_else(|| DESCRIPTIONS.get(&(system_relation(PG_CATALOG, class)?.oid, oid)).cloned())
            }
        }
    }

    /// A relation's name as `regclass` shows it: qualified where the bare name would not find it.
    pub fn relation_text(&self, oid: u32, search_path: &[String]) -> Option<String> {
        let relation = self.relation(oid)?;
        let name = quote_ident(relation.name);
        let bare = self.is_visible(&relation, search_path);
        Some(if bare { name } else { format!("{}.{name}", quote_ident(relation.schema)) })
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn schema_comment(name: &str) -> &'static str {
    match name {
        PUBLIC => "event tables and views",
        MESH => "the fleet's own state",
        _ => "",
    }
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
    }
}

fn attribute(index: usize, name: &str, sql_type: SqlType, not_null: bool, comment: Option<String>) -> Attribute {
    let number = i16::try_from(index + 1).unwrap_or(i16::MAX);
    // A column of no known type is shown as text, as PostgreSQL does for a view's literal.
    let sql_type = if sql_type == SqlType::Unknown { SqlType::Text } else { sql_type };
    let (type_oid, length) = (sql_type.oid(), sql_type.length());
    Attribute { number, name: name.to_owned(), type_oid, length, not_null, collation: collation_of(type_oid), comment }
}

fn collation_of(type_oid: u32) -> u32 {
    TYPES.get(&type_oid).map_or(0, |facts| facts.collation)
}

fn system_attributes(relation: &SystemRelation) -> Vec<Attribute> {
    let columns = relation.columns.iter().enumerate();
    columns
        .map(|(index, column)| {
            let (sql_type, type_oid) = type_of(column.type_name);
            let collation = if column.is_collated_by_bytes { COLLATION_C } else { collation_of(type_oid) };
            Attribute { type_oid, collation, ..attribute(index, column.name, sql_type, column.not_null, None) }
        })
        .collect()
}

/// All types by object id.
pub(crate) static TYPES: LazyLock<HashMap<u32, TypeFacts>> = LazyLock::new(|| read_types().unwrap_or_default());
/// Types of `pg_catalog`; those of `information_schema` have larger ids and are no bare names.
static TYPE_NAMES: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let bare = TYPES.iter().filter(|(oid, _)| **oid < INFORMATION_SCHEMA_OID);
    bare.map(|(oid, facts)| (facts.name.as_str(), *oid)).collect()
});
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

/// The type that a domain is made of, through domains over domains; 0 for what is no domain.
pub fn base_type(oid: u32) -> u32 {
    let mut base = 0;
    let mut next = TYPES.get(&oid).map_or(0, |facts| facts.base);
    while next != 0 && base != next {
        base = next;
        next = TYPES.get(&base).map_or(0, |facts| facts.base);
    }
    base
}

/// There is a type with this object id.
pub fn is_type(oid: u32) -> bool {
    TYPES.contains_key(&oid)
}

/// The short name of a type, such as `int4`.
pub fn type_name(oid: u32) -> Option<&'static str> {
    TYPES.get(&oid).map(|facts| facts.name.as_str())
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

/// A quoted part up to its closing quote, and what follows.
fn split_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if character != '"' {
            name.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == '"') {
            characters.next();
            name.push('"');
        } else {
            return Some((name, &text[index + 1..]));
        }
    }
    None
}

fn read_types() -> Option<HashMap<u32, TypeFacts>> {
    let mut types = read_exported_types()?;
    for relation in system_relations().filter(|relation| relation.oid >= FIRST_UNPINNED_OID) {
        let row = TypeFacts {
            name: relation.name.to_owned(),
            element: 0,
            category: 'C',
            collation: 0,
            align: 'd',
            storage: 'x',
            by_value: false,
            base: 0,
        };
        let array =
            TypeFacts { name: format!("_{}", relation.name), element: relation.oid + 2, category: 'A', ..row.clone() };
        types.extend([(relation.oid + 2, row), (relation.oid + 1, array)]);
    }
    Some(types)
}

fn read_exported_types() -> Option<HashMap<u32, TypeFacts>> {
    let batch = exported(system_relation(PG_CATALOG, "pg_type")?).ok()??;
    let integers = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int32Type>();
    let texts = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let (oids, elements, collations) = (integers("oid")?, integers("typelem")?, integers("typcollation")?);
    let (names, categories) = (texts("typname")?, texts("typcategory")?);
    let (aligns, storages) = (texts("typalign")?, texts("typstorage")?);
    let bases = integers("typbasetype")?;
    let by_values = batch.column_by_name("typbyval")?.as_boolean_opt()?;
    let letter = |text: &str| text.chars().next().unwrap_or('p');
    let facts = |row: usize| TypeFacts {
        name: names.value(row).to_owned(),
        element: elements.value(row) as u32,
        category: letter(categories.value(row)),
        collation: collations.value(row) as u32,
        align: letter(aligns.value(row)),
        storage: letter(storages.value(row)),
        by_value: by_values.value(row),
        base: bases.value(row) as u32,
    };
    Some((0..batch.num_rows()).map(|row| (oids.value(row) as u32, facts(row))).collect())
}

/// The object ids of a relation's row type and of the array of it.
pub(crate) fn row_type(relation: &Relation<'_>) -> (u32, u32) {
    match relation {
        Relation { is_system: true, oid, .. } if *oid >= FIRST_UNPINNED_OID => (oid + 2, oid + 1),
        Relation { is_system: true, name, .. } => {
            (TYPE_NAMES.get(*name).copied().unwrap_or(0), type_oid(&format!("_{name}")).unwrap_or(0))
        }
        Relation { oid, .. } => (ROW_TYPES | oid, ROW_ARRAYS | oid),
    }
}

/// The row types that no export has: those of views of PostgreSQL's own, and of our relations.
pub(crate) fn has_made_row_type(relation: &Relation<'_>) -> bool {
    !relation.is_system || relation.oid >= FIRST_UNPINNED_OID
}

impl CatalogFacts {
    /// The relation of ours whose row type, or the array of it, has this object id.
    pub fn relation_of_type(&self, oid: u32) -> Option<Relation<'_>> {
        let relation = self.relation(oid & !ROW_ARRAYS).filter(|relation| !relation.is_system)?;
        let (row, array) = row_type(&relation);
        (oid == row || oid == array).then_some(relation)
    }

    /// PostgreSQL's spelling of a type, row types of relations included.
    pub fn format_type(&self, oid: u32, modifier: Option<i32>, search_path: &[String]) -> String {
        let relation = (oid & ROW_TYPES != 0).then(|| self.relation_of_type(oid)).flatten();
        match relation.and_then(|relation| self.relation_text(relation.oid, search_path)) {
            Some(name) if oid & ROW_ARRAYS == ROW_ARRAYS => format!("{name}[]"),
            Some(name) => name,
            None => format_type(oid, modifier),
        }
    }
}

/// The object id of a type, by its short name, its SQL spelling or either with `[]`.
pub fn type_oid(name: &str) -> Option<u32> {
    let trimmed = name.trim();
    let (base, is_array) = match trimmed.strip_suffix("[]") {
        Some(base) => (base, true),
        None => (trimmed, false),
    };
    // A modifier may stand inside: `timestamp(3) with time zone`.
    let base = match base.split_once('(').map(|(before, rest)| (before, rest.split_once(')'))) {
        Some((before, Some((_, after)))) => format!("{}{after}", before.trim_end()),
        _ => base.to_owned(),
    };
    let base = base.trim_end();
    let (schema, bare) = split_name(base)?;
    // In double quotes a name is no SQL spelling: `"char"` is another type than `char`.
    let short = if base.ends_with('"') { bare.as_str() } else { short_name(&bare) };
    let wanted = if is_array { format!("_{short}") } else { short.to_owned() };
    match schema.as_deref() {
        None | Some(PG_CATALOG) => TYPE_NAMES.get(wanted.as_str()).copied(),
        Some(INFORMATION_SCHEMA) => {
            let mut types = TYPES.iter().filter(|(oid, _)| **oid > INFORMATION_SCHEMA_OID);
            types.find(|(_, facts)| facts.name == wanted).map(|(oid, _)| *oid)
        }
        Some(_) => None,
    }
}

fn short_name(spelling: &str) -> &str {
    match spelling {
        "boolean" => "bool",
        "smallint" => "int2",
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" | "float" => "float8",
        "decimal" => "numeric",
        "character varying" => "varchar",
        "character" | "char" => "bpchar",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        "time without time zone" => "time",
        "time with time zone" => "timetz",
        "bit varying" => "varbit",
        other => other,
    }
}

/// PostgreSQL's spelling of a type, with its modifier where it has one; `???` for no type.
pub fn format_type(oid: u32, modifier: Option<i32>) -> String {
    let Some(facts) = TYPES.get(&oid) else { return String::from(if oid == 0 { "-" } else { "???" }) };
    if facts.category == 'A' && facts.element != 0 && facts.name.starts_with('_') {
        return format!("{}[]", format_type(facts.element, modifier));
    }
    let modifier = modifier.filter(|modifier| *modifier >= 0);
    let with_precision = |before: &str, after: &str| match modifier {
        Some(modifier) => format!("{before}({modifier}){after}"),
        None => format!("{before}{after}"),
    };
    match facts.name.as_str() {
        "bool" => "boolean".into(),
        "int2" => "smallint".into(),
        "int4" => "integer".into(),
        "int8" => "bigint".into(),
        "float4" => "real".into(),
        "float8" => "double precision".into(),
        "char" => "\"char\"".into(),
        "bpchar" => with_length("character", modifier),
        "varchar" => with_length("character varying", modifier),
        "timestamp" => with_precision("timestamp", " without time zone"),
        "timestamptz" => with_precision("timestamp", " with time zone"),
        "time" => with_precision("time", " without time zone"),
        "timetz" => with_precision("time", " with time zone"),
        "bit" => with_precision("bit", ""),
        "varbit" => with_precision("bit varying", ""),
        "numeric" => match modifier {
            Some(modifier) if modifier >= 4 => {
                format!("numeric({},{})", ((modifier - 4) >> 16) & 0xffff, (modifier - 4) & 0x7ff)
            }
            _ => "numeric".into(),
        },
        other if oid > INFORMATION_SCHEMA_OID => format!("{INFORMATION_SCHEMA}.{other}"),
        other => other.into(),
    }
}

/// Lengths of character types are stored with four bytes of header.
fn with_length(name: &str, modifier: Option<i32>) -> String {
    match modifier {
        Some(modifier) if modifier > 4 => format!("{name}({})", modifier - 4),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{format_type, split_name, type_oid};

    #[test]
    fn names_are_split_and_folded() {
        let split = |text| split_name(text).map(|(schema, name)| (schema.unwrap_or_default(), name));
        let pair = |schema: &str, name: &str| Some((schema.to_owned(), name.to_owned()));
        assert_eq!(split("Alerts"), pair("", "alerts"));
        assert_eq!(split("mesh.\"No.des\"\"x\""), pair("mesh", "No.des\"x"));
        assert_eq!(split("a."), None);
        assert_eq!(split("\"a"), None);
    }

    #[test]
    fn types_are_spelled_as_postgresql_does() {
        for (oid, modifier, text) in [
            (1184, None, "timestamp with time zone"),
            (1184, Some(3), "timestamp(3) with time zone"),
            (1043, Some(68), "character varying(64)"),
            (1700, Some(((12 << 16) | 4) + 4), "numeric(12,4)"),
            (1009, None, "text[]"),
            (18, None, "\"char\""),
            (2205, None, "regclass"),
            (0, None, "-"),
            (999_999, None, "???"),
        ] {
            assert_eq!(format_type(oid, modifier), text);
        }
    }

    #[test]
    fn types_are_found_by_every_spelling() {
        for (name, oid) in [
            ("int4", 23),
            ("integer", 23),
            ("text[]", 1009),
            ("_text", 1009),
            ("Timestamptz", 1184),
            ("timestamp(3) with time zone", 1184),
        ] {
            assert_eq!(type_oid(name), Some(oid), "{name}");
        }
        for (name, oid) in
            [("\"char\"", 18), ("char", 1042), ("\"pg_catalog\".\"int4\"", 23), ("pg_catalog.text[]", 1009)]
        {
            assert_eq!(type_oid(name), Some(oid), "{name}");
        }
        assert_eq!(type_oid("no_such"), None);
        assert_eq!(type_oid("public.int4"), None);
    }
}
