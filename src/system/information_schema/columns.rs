//! Columns and the types of columns.

use super::View;
use crate::system::lookup::{Attribute, Relation, TYPES, TypeFacts, format_type};
use crate::system::relations::{INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID, PG_CATALOG};
use crate::system::rows::{Rows, Value};

/// Object id of the collation `C`.
const COLLATION_C: u32 = 950;
/// Most bytes of a text, as PostgreSQL tells it.
const TEXT_BYTES: i64 = 1_073_741_824;

impl View<'_> {
    pub(super) fn columns(&self, rows: &mut Rows) {
        for relation in self.facts.relations() {
            for attribute in self.facts.attributes(&relation) {
                self.column(&relation, &attribute, rows);
            }
        }
    }

    fn column(&self, relation: &Relation<'_>, attribute: &Attribute, rows: &mut Rows) {
        let column = ColumnType::of(attribute.type_oid);
        let (precision, radix, scale) = numbers(column.type_oid);
        let collated = attribute.collation == COLLATION_C;
        let domain = column.domain.map(|domain| domain.name.as_str());
        let mut values = self.names(relation, attribute);
        values.extend([
            ("ordinal_position", Value::Integer(i64::from(attribute.number))),
            ("is_nullable", if attribute.not_null { "NO" } else { "YES" }.into()),
            ("data_type", data_type(column.type_oid).into()),
            ("character_maximum_length", optional(column.length())),
            ("character_octet_length", optional(column.bytes())),
            ("numeric_precision", optional(precision)),
            ("numeric_precision_radix", optional(radix)),
            ("numeric_scale", optional(scale)),
            ("datetime_precision", optional(column.moment_precision())),
            ("collation_catalog", if collated { self.database() } else { Value::Null }),
            ("collation_schema", if collated { PG_CATALOG.into() } else { Value::Null }),
            ("collation_name", if collated { "C".into() } else { Value::Null }),
            ("domain_catalog", domain.map_or(Value::Null, |_| self.database())),
            ("domain_schema", domain.map_or(Value::Null, |_| INFORMATION_SCHEMA.into())),
            ("domain_name", Value::text_or_null(domain)),
            ("udt_catalog", self.database()),
            ("udt_schema", PG_CATALOG.into()),
            ("udt_name", Value::text_or_null(column.facts.map(|facts| facts.name.as_str()))),
            ("dtd_identifier", attribute.number.to_string().into()),
            ("is_self_referencing", "NO".into()),
            ("is_identity", "NO".into()),
            ("identity_cycle", "NO".into()),
            ("is_generated", "NEVER".into()),
            ("is_updatable", "NO".into()),
        ]);
        rows.push(&values);
    }

    fn names(&self, relation: &Relation<'_>, attribute: &Attribute) -> Vec<(&'static str, Value)> {
        vec![
            ("table_catalog", self.database()),
            ("table_schema", relation.schema.into()),
            ("table_name", relation.name.into()),
            ("column_name", attribute.name.as_str().into()),
        ]
    }

    /// `column_udt_usage` and `column_domain_usage`: which column is of which type or domain.
    pub(super) fn type_usage(&self, of_domains: bool, rows: &mut Rows) {
        for relation in self.facts.relations() {
            for attribute in self.facts.attributes(&relation) {
                let column = ColumnType::of(attribute.type_oid);
                let mut values = self.names(&relation, &attribute);
                match (of_domains, column.domain, column.facts) {
                    (true, Some(domain), _) => values.extend([
                        ("domain_catalog", self.database()),
                        ("domain_schema", INFORMATION_SCHEMA.into()),
                        ("domain_name", domain.name.as_str().into()),
                    ]),
                    (false, _, Some(facts)) => values.extend([
                        ("udt_catalog", self.database()),
                        ("udt_schema", PG_CATALOG.into()),
                        ("udt_name", facts.name.as_str().into()),
                    ]),
                    _ => continue,
                }
                rows.push(&values);
            }
        }
    }

    /// The types of the elements of arrays.
    pub(super) fn element_types(&self, rows: &mut Rows) {
        for relation in self.facts.relations() {
            for attribute in self.facts.attributes(&relation) {
                let Some(element) = element_of(attribute.type_oid) else { continue };
                let (number, name) = (attribute.number, TYPES.get(&element).map(|facts| facts.name.as_str()));
                rows.push(&[
                    ("object_catalog", self.database()),
                    ("object_schema", relation.schema.into()),
                    ("object_name", relation.name.into()),
                    ("object_type", if relation.kind == 'v' { "VIEW" } else { "TABLE" }.into()),
                    ("collection_type_identifier", number.to_string().into()),
                    ("data_type", data_type(element).into()),
                    ("udt_catalog", self.database()),
                    ("udt_schema", PG_CATALOG.into()),
                    ("udt_name", Value::text_or_null(name)),
                    ("dtd_identifier", format!("a{number}").into()),
                ]);
            }
        }
    }

    /// What has a data type descriptor: here, columns.
    pub(super) fn data_types(&self, rows: &mut Rows) {
        for relation in self.facts.relations() {
            for attribute in self.facts.attributes(&relation) {
                rows.push(&[
                    ("object_catalog", self.database()),
                    ("object_schema", relation.schema.into()),
                    ("object_name", relation.name.into()),
                    ("object_type", if relation.kind == 'v' { "VIEW" } else { "TABLE" }.into()),
                    ("dtd_identifier", attribute.number.to_string().into()),
                ]);
            }
        }
    }

    /// The domains of this schema itself.
    pub(super) fn domains(&self, rows: &mut Rows) {
        let mut domains: Vec<_> = TYPES.iter().filter(|(_, facts)| facts.base != 0).collect();
        domains.sort_unstable_by_key(|(oid, _)| **oid);
        for (oid, domain) in domains.into_iter().filter(|(oid, _)| **oid > INFORMATION_SCHEMA_OID) {
            let column = ColumnType::of(*oid);
            let (precision, radix, scale) = numbers(column.type_oid);
            let collated = domain.collation == COLLATION_C;
            rows.push(&[
                ("domain_catalog", self.database()),
                ("domain_schema", INFORMATION_SCHEMA.into()),
                ("domain_name", domain.name.as_str().into()),
                ("data_type", data_type(column.type_oid).into()),
                ("character_maximum_length", optional(column.length())),
                ("character_octet_length", optional(column.bytes())),
                ("collation_catalog", if collated { self.database() } else { Value::Null }),
                ("collation_schema", if collated { PG_CATALOG.into() } else { Value::Null }),
                ("collation_name", if collated { "C".into() } else { Value::Null }),
                ("numeric_precision", optional(precision)),
                ("numeric_precision_radix", optional(radix)),
                ("numeric_scale", optional(scale)),
                ("datetime_precision", optional(column.moment_precision())),
                ("domain_default", if domain.name == "time_stamp" { TIME_STAMP_DEFAULT.into() } else { Value::Null }),
                ("udt_catalog", self.database()),
                ("udt_schema", PG_CATALOG.into()),
                ("udt_name", Value::text_or_null(column.facts.map(|facts| facts.name.as_str()))),
                ("dtd_identifier", "1".into()),
            ]);
        }
    }
}

/// What a `time_stamp` is where nothing else is said.
const TIME_STAMP_DEFAULT: &str = "CURRENT_TIMESTAMP(2)";

fn optional(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Integer)
}

/// The type of a column; a column of a domain is told of as one of the type that the domain is over.
struct ColumnType {
    type_oid: u32,
    facts: Option<&'static TypeFacts>,
    domain: Option<&'static TypeFacts>,
}

impl ColumnType {
    fn of(type_oid: u32) -> Self {
        let domain = TYPES.get(&type_oid).filter(|facts| facts.base != 0);
        let type_oid = domain.map_or(type_oid, |domain| domain.base);
        Self { type_oid, facts: TYPES.get(&type_oid), domain }
    }

    /// Characters of the one domain that bounds them.
    fn length(&self) -> Option<i64> {
        self.domain.filter(|domain| domain.name == "yes_or_no").map(|_| 3)
    }

    fn bytes(&self) -> Option<i64> {
        match self.length() {
            // A character has up to four bytes in UTF8.
            Some(length) => Some(length * 4),
            None => matches!(self.type_oid, 25 | 1043).then_some(TEXT_BYTES),
        }
    }

    fn moment_precision(&self) -> Option<i64> {
        match self.type_oid {
            1082 => Some(0),
            1083 | 1114 | 1184 | 1186 | 1266 if self.domain.is_some() => Some(2),
            1083 | 1114 | 1184 | 1186 | 1266 => Some(6),
            _ => None,
        }
    }
}

/// The type of the elements of an array or vector.
fn element_of(type_oid: u32) -> Option<u32> {
    TYPES.get(&type_oid).filter(|facts| facts.category == 'A' && facts.element != 0).map(|facts| facts.element)
}

/// A type as the standard's views spell it.
pub(super) fn data_type(type_oid: u32) -> String {
    if element_of(type_oid).is_some() { "ARRAY".to_owned() } else { format_type(type_oid, None) }
}

/// Precision, radix and scale of a number type.
fn numbers(type_oid: u32) -> (Option<i64>, Option<i64>, Option<i64>) {
    match type_oid {
        21 => (Some(16), Some(2), Some(0)),
        23 => (Some(32), Some(2), Some(0)),
        20 => (Some(64), Some(2), Some(0)),
        700 => (Some(24), Some(2), None),
        701 => (Some(53), Some(2), None),
        1700 => (None, Some(10), None),
        _ => (None, None, None),
    }
}
