//! What is known of types: PostgreSQL's own and those that users made.

use std::collections::HashMap;
use std::sync::LazyLock;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{Int16Type, Int32Type};

use super::exports::exported;
use super::facts::CatalogFacts;
use super::lookup::{FIRST_UNPINNED_OID, is_row_array, row_relation, split_name};
use super::relations::{INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID, PG_CATALOG, system_relation, system_relations};
use crate::catalog::{UserType, UserTypeKind, quote_ident};

/// The pseudo-type that every enum is.
const ANY_ENUM: u32 = 3_500;
/// The pseudo-type that every array is.
const ANY_ARRAY: u32 = 2_277;

/// What is known of a type.
#[derive(Debug, Clone)]
pub(crate) struct TypeFacts {
    /// Short name, such as `int4`.
    pub(crate) name: String,
    /// Name of its schema.
    pub(crate) schema: String,
    /// Type of the elements of an array; else 0.
    pub(crate) element: u32,
    /// `A` array, `S` string, `E` enum, ...
    pub(crate) category: char,
    /// `b` base type, `e` enum, `d` domain, `c` row type, ...
    pub(crate) kind: char,
    /// Collation of its texts; else 0.
    pub(crate) collation: u32,
    /// Alignment: c, s, i or d.
    pub(crate) align: char,
    /// Storage: p, x, m or e.
    pub(crate) storage: char,
    /// Passed by value.
    pub(crate) by_value: bool,
    /// Bytes of a value; -1 without fixed length.
    pub(crate) length: i16,
    /// Type that a domain is over; else 0.
    pub(crate) base: u32,
    /// Modifier of that type; -1 where there is none.
    pub(crate) modifier: i32,
    /// A domain that is never NULL.
    pub(crate) not_null: bool,
    /// Object ids of the functions that write a value as text and as bytes.
    pub(crate) writers: (u32, u32),
}

/// enum_out and enum_send.
const ENUM_WRITERS: (u32, u32) = (3_507, 3_533);
/// array_out and array_send.
const ARRAY_WRITERS: (u32, u32) = (751, 2_401);
/// record_out and record_send.
const ROW_WRITERS: (u32, u32) = (2_291, 2_403);

impl TypeFacts {
    /// The row type of a relation.
    pub(super) fn of_rows(schema: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            schema: schema.to_owned(),
            element: 0,
            category: 'C',
            kind: 'c',
            collation: 0,
            align: 'd',
            storage: 'x',
            by_value: false,
            length: -1,
            base: 0,
            modifier: -1,
            not_null: false,
            writers: ROW_WRITERS,
        }
    }

    pub(super) fn of_enum(user_type: &UserType) -> Self {
        Self {
            category: 'E',
            kind: 'e',
            align: 'i',
            storage: 'p',
            by_value: true,
            length: 4,
            writers: ENUM_WRITERS,
            ..Self::of_rows(&user_type.schema, &user_type.name)
        }
    }

    /// A domain is carried as the type that it is over.
    pub(super) fn of_domain(user_type: &UserType, carrier: Option<&Self>) -> Self {
        let own = Self::of_enum(user_type);
        let carrier = carrier.cloned().unwrap_or_else(|| own.clone());
        let (base, modifier, not_null) = match &user_type.kind {
            UserTypeKind::Domain { base, modifier, not_null, .. } => (*base, *modifier, *not_null),
            UserTypeKind::Enum { .. } => (0, -1, false),
        };
        Self { name: own.name, schema: own.schema, kind: 'd', base, modifier, not_null, element: 0, ..carrier }
    }

    /// The type of the arrays of this type, which has this object id.
    pub(super) fn array_of(&self, oid: u32) -> Self {
        Self {
            name: format!("_{}", self.name),
            schema: self.schema.clone(),
            element: oid,
            category: 'A',
            kind: 'b',
            collation: self.collation,
            align: if self.align == 'd' { 'd' } else { 'i' },
            storage: 'x',
            by_value: false,
            length: -1,
            base: 0,
            modifier: -1,
            not_null: false,
            writers: ARRAY_WRITERS,
        }
    }

    /// An array that is shown as its elements' type with brackets.
    pub(crate) fn is_array(&self) -> bool {
        self.category == 'A' && self.element != 0 && self.length == -1 && self.kind == 'b'
    }
}

/// All types of PostgreSQL by object id.
pub(crate) static TYPES: LazyLock<HashMap<u32, TypeFacts>> = LazyLock::new(|| read_types().unwrap_or_default());
/// Types of `pg_catalog`; those of `information_schema` have larger ids and are no bare names.
static TYPE_NAMES: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let bare = TYPES.iter().filter(|(oid, _)| **oid < INFORMATION_SCHEMA_OID);
    bare.map(|(oid, facts)| (facts.name.as_str(), *oid)).collect()
});

fn read_types() -> Option<HashMap<u32, TypeFacts>> {
    let mut types = read_exported_types()?;
    for relation in system_relations().filter(|relation| relation.oid >= FIRST_UNPINNED_OID) {
        let row = TypeFacts::of_rows(relation.schema, relation.name);
        let array = row.array_of(relation.oid + 2);
        types.extend([(relation.oid + 2, row), (relation.oid + 1, array)]);
    }
    Some(types)
}

fn read_exported_types() -> Option<HashMap<u32, TypeFacts>> {
    let batch = exported(system_relation(PG_CATALOG, "pg_type")?).ok()??;
    let integers = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int32Type>();
    let texts = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let (oids, elements, collations) = (integers("oid")?, integers("typelem")?, integers("typcollation")?);
    let (names, categories, kinds) = (texts("typname")?, texts("typcategory")?, texts("typtype")?);
    let (aligns, storages) = (texts("typalign")?, texts("typstorage")?);
    let lengths = batch.column_by_name("typlen")?.as_primitive_opt::<Int16Type>()?;
    let (bases, outputs, sends) = (integers("typbasetype")?, integers("typoutput")?, integers("typsend")?);
    let modifiers = integers("typtypmod")?;
    let not_nulls = batch.column_by_name("typnotnull")?.as_boolean_opt()?;
    let by_values = batch.column_by_name("typbyval")?.as_boolean_opt()?;
    let letter = |text: &str| text.chars().next().unwrap_or('p');
    let facts = |row: usize| {
        let is_standard = oids.value(row) as u32 > INFORMATION_SCHEMA_OID;
        TypeFacts {
            name: names.value(row).to_owned(),
            schema: if is_standard { INFORMATION_SCHEMA } else { PG_CATALOG }.to_owned(),
            element: elements.value(row) as u32,
            category: letter(categories.value(row)),
            kind: letter(kinds.value(row)),
            collation: collations.value(row) as u32,
            align: letter(aligns.value(row)),
            storage: letter(storages.value(row)),
            by_value: by_values.value(row),
            length: lengths.value(row),
            base: bases.value(row) as u32,
            modifier: modifiers.value(row),
            not_null: not_nulls.value(row),
            writers: (outputs.value(row) as u32, sends.value(row) as u32),
        }
    };
    Some((0..batch.num_rows()).map(|row| (oids.value(row) as u32, facts(row))).collect())
}

/// The short name of a type of PostgreSQL, such as `int4`.
pub fn type_name(oid: u32) -> Option<&'static str> {
    TYPES.get(&oid).map(|facts| facts.name.as_str())
}

impl CatalogFacts {
    /// What is known of a type, users' types included; row types of users' relations are not.
    pub(crate) fn type_facts(&self, oid: u32) -> Option<&TypeFacts> {
        self.directory.type_facts(oid)
    }

    /// There is a type with this object id, row types included.
    pub fn is_type(&self, oid: u32) -> bool {
        self.type_facts(oid).is_some() || self.relation_of_type(oid).is_some()
    }

    /// The type that a domain is made of, through domains over domains; 0 for what is no domain.
    pub fn base_type(&self, oid: u32) -> u32 {
        let mut base = 0;
        let mut next = self.type_facts(oid).map_or(0, |facts| facts.base);
        while next != 0 && base != next {
            base = next;
            next = self.type_facts(base).map_or(0, |facts| facts.base);
        }
        base
    }

    /// The type that operators and indexes are looked up for: what carries a domain, a text for a bounded
    /// text, and the pseudo-type of enums and arrays.
    pub(crate) fn operand_type(&self, oid: u32) -> u32 {
        let base = self.base_type(oid);
        let carrier = if base == 0 { oid } else { base };
        match self.type_facts(carrier) {
            Some(facts) if facts.kind == 'e' => ANY_ENUM,
            Some(facts) if facts.is_array() => ANY_ARRAY,
            Some(facts) if facts.name == "varchar" => 25,
            Some(facts) if facts.name == "cidr" => 869,
            _ => carrier,
        }
    }

    /// The object id of a type by its name: its short name, its SQL spelling or either with `[]`.
    pub fn type_oid(&self, name: &str, search_path: &[String]) -> Option<u32> {
        if let Some(found) = type_oid(name) {
            return Some(found);
        }
        let (schema, bare, is_array) = parts(name)?;
        let find = |schema: &str| {
            let wanted = if is_array { format!("_{bare}") } else { bare.clone() };
            self.directory.type_named(schema, &wanted).or_else(|| self.row_type_called(schema, &wanted))
        };
        match schema {
            Some(schema) => find(&schema),
            None => search_path.iter().find_map(|schema| find(schema)),
        }
    }

    /// A bare name finds this type and no other; none when there is no such type.
    pub fn is_type_visible(&self, oid: u32, search_path: &[String]) -> Option<bool> {
        let Some(facts) = self.type_facts(oid) else {
            let relation = self.relation_of_type(oid)?;
            return Some(self.is_visible(&relation, search_path));
        };
        let is_visible = facts.schema == PG_CATALOG || self.type_oid_exact(&facts.name, search_path) == Some(oid);
        Some(is_visible)
    }

    /// The type that a bare name, taken as it is, finds.
    fn type_oid_exact(&self, name: &str, search_path: &[String]) -> Option<u32> {
        let own =
            |schema: &String| self.directory.type_named(schema, name).or_else(|| self.row_type_called(schema, name));
        TYPE_NAMES.get(name).copied().or_else(|| search_path.iter().find_map(own))
    }

    /// The row type of this name, or the array of one, whose name begins with an underscore.
    fn row_type_called(&self, schema: &str, name: &str) -> Option<u32> {
        let of_rows = self.row_type_named(schema, name, false);
        of_rows.or_else(|| self.row_type_named(schema, name.strip_prefix('_')?, true))
    }

    /// PostgreSQL's spelling of a type, with its modifier where it has one; `???` for no type.
    pub fn format_type(&self, oid: u32, modifier: Option<i32>, search_path: &[String]) -> String {
        if let Some(user_type) = self.directory.user_type(oid) {
            let visible = self.is_type_visible(user_type.oid, search_path) == Some(true);
            let name = quote_ident(&user_type.name);
            let shown = if visible { name } else { format!("{}.{name}", quote_ident(&user_type.schema)) };
            return if oid == user_type.array_oid { format!("{shown}[]") } else { shown };
        }
        let relation = row_relation(oid).and_then(|_| self.relation_of_type(oid));
        match relation.and_then(|relation| self.relation_text(relation.oid, search_path)) {
            Some(name) if is_row_array(oid) => format!("{name}[]"),
            Some(name) => name,
            None => format_type(oid, modifier),
        }
    }
}

/// Schema, bare name without modifier, and whether `[]` follows.
fn parts(name: &str) -> Option<(Option<String>, String, bool)> {
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
    let short = if base.ends_with('"') { bare } else { short_name(&bare).to_owned() };
    Some((schema, short, is_array))
}

/// The object id of a type of PostgreSQL, by its short name, its SQL spelling or either with `[]`.
pub fn type_oid(name: &str) -> Option<u32> {
    let (schema, short, is_array) = parts(name)?;
    let wanted = if is_array { format!("_{short}") } else { short };
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

/// PostgreSQL's spelling of one of its types, with its modifier where it has one; `???` for no type.
pub fn format_type(oid: u32, modifier: Option<i32>) -> String {
    let Some(facts) = TYPES.get(&oid) else { return String::from(if oid == 0 { "-" } else { "???" }) };
    if facts.is_array() && facts.name.starts_with('_') {
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
        "interval" => interval(modifier),
        "bit" => with_precision("bit", ""),
        "varbit" => with_precision("bit varying", ""),
        "numeric" => match modifier {
            Some(modifier) if modifier >= 4 => {
                format!("numeric({},{})", ((modifier - 4) >> 16) & 0xffff, scale(modifier - 4))
            }
            _ => "numeric".into(),
        },
        other if oid > INFORMATION_SCHEMA_OID => format!("{INFORMATION_SCHEMA}.{other}"),
        other => other.into(),
    }
}

/// The scale is a signed number of eleven bits.
fn scale(bits: i32) -> i32 {
    ((bits & 0x7ff) ^ 1_024) - 1_024
}

/// Lengths of character types are stored with four bytes of header.
fn with_length(name: &str, modifier: Option<i32>) -> String {
    match modifier {
        Some(modifier) if modifier > 4 => format!("{name}({})", modifier - 4),
        _ => name.to_owned(),
    }
}

/// The fields that an interval may have are bits in the upper half of its modifier, its precision is the lower half.
fn interval(modifier: Option<i32>) -> String {
    let Some(modifier) = modifier else { return "interval".to_owned() };
    let fields = match (modifier >> 16) & 0x7fff {
        0x0004 => " year",
        0x0002 => " month",
        0x0008 => " day",
        0x0400 => " hour",
        0x0800 => " minute",
        0x1000 => " second",
        0x0006 => " year to month",
        0x0408 => " day to hour",
        0x0c08 => " day to minute",
        0x1c08 => " day to second",
        0x0c00 => " hour to minute",
        0x1c00 => " hour to second",
        0x1800 => " minute to second",
        _ => "",
    };
    match modifier & 0xffff {
        0xffff => format!("interval{fields}"),
        precision => format!("interval{fields}({precision})"),
    }
}

#[cfg(test)]
mod tests {
    use super::{format_type, type_oid};

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
