//! A type as the SQL standard's views tell of it: in some ten columns that go together.

use super::View;
use crate::system::facts::CatalogFacts;
use crate::system::relations::PG_CATALOG;
use crate::system::rows::Value;
use crate::system::type_facts::{TypeFacts, format_type};

/// Object id of the collation `C`.
const COLLATION_C: u32 = 950;
/// Most bytes of a text, as PostgreSQL tells it.
const TEXT_BYTES: i64 = 1_073_741_824;
/// Bytes of a character at most, in UTF8.
const CHARACTER_BYTES: i64 = 4;
/// Object ids of the types that the views say more about.
const TEXT: u32 = 25;
const BPCHAR: u32 = 1_042;
const VARCHAR: u32 = 1_043;
const NUMERIC: u32 = 1_700;
const INTERVAL: u32 = 1_186;

/// A type with its modifier; a domain is told of as the type that it is over.
pub(super) struct ColumnType<'a> {
    type_oid: u32,
    modifier: i32,
    /// What is known of the type.
    pub(super) facts: Option<&'a TypeFacts>,
    /// The domain.
    pub(super) domain: Option<&'a TypeFacts>,
}

impl<'a> ColumnType<'a> {
    /// The type of a column.
    pub(super) fn of(facts: &'a CatalogFacts, type_oid: u32, modifier: i32) -> Self {
        let own = facts.type_facts(type_oid);
        match own.filter(|own| own.base != 0) {
            Some(domain) => {
                let (type_oid, modifier) = (domain.base, domain.modifier);
                Self { type_oid, modifier, facts: facts.type_facts(type_oid), domain: Some(domain) }
            }
            None => Self { type_oid, modifier, facts: own, domain: None },
        }
    }

    /// The type in words of the standard.
    pub(super) fn data_type(&self) -> String {
        match self.facts {
            Some(facts) if facts.element != 0 && facts.length == -1 => "ARRAY".to_owned(),
            Some(facts) if facts.schema == PG_CATALOG => format_type(self.type_oid, None),
            Some(_) => "USER-DEFINED".to_owned(),
            None => format_type(self.type_oid, None),
        }
    }

    fn modifier(&self) -> Option<i64> {
        Some(i64::from(self.modifier)).filter(|modifier| *modifier >= 0)
    }

    fn length(&self) -> Option<i64> {
        self.modifier().filter(|_| matches!(self.type_oid, BPCHAR | VARCHAR)).map(|modifier| modifier - 4)
    }

    fn bytes(&self) -> Option<i64> {
        let is_text = matches!(self.type_oid, TEXT | BPCHAR | VARCHAR);
        is_text.then(|| self.length().map_or(TEXT_BYTES, |length| length * CHARACTER_BYTES))
    }

    /// Precision, radix and scale of a number.
    fn number(&self) -> (Option<i64>, Option<i64>, Option<i64>) {
        match self.type_oid {
            21 => (Some(16), Some(2), Some(0)),
            23 => (Some(32), Some(2), Some(0)),
            20 => (Some(64), Some(2), Some(0)),
            700 => (Some(24), Some(2), None),
            701 => (Some(53), Some(2), None),
            NUMERIC => {
                let bits = self.modifier().map(|modifier| modifier - 4);
                (bits.map(|bits| (bits >> 16) & 0xffff), Some(10), bits.map(|bits| bits & 0xffff))
            }
            _ => (None, None, None),
        }
    }

    fn moment_precision(&self) -> Option<i64> {
        match self.type_oid {
            1082 => Some(0),
            1083 | 1114 | 1184 | 1266 => Some(self.modifier().unwrap_or(6)),
            INTERVAL => {
                Some(self.modifier().map(|modifier| modifier & 0xffff).filter(|bits| *bits != 0xffff).unwrap_or(6))
            }
            _ => None,
        }
    }

    /// The fields that an interval is bound to.
    fn interval_fields(&self) -> Option<String> {
        let text = format_type(self.type_oid, Some(self.modifier));
        let fields = text.strip_prefix("interval ")?;
        Some(fields.split('(').next().unwrap_or(fields).to_uppercase())
    }

    /// The columns that every view with types has.
    pub(super) fn values(&self, view: &View<'_>, collation: u32) -> Vec<(&'static str, Value)> {
        let (precision, radix, scale) = self.number();
        let collated = collation == COLLATION_C;
        let mut values = vec![
            ("data_type", self.data_type().into()),
            ("character_maximum_length", optional(self.length())),
            ("character_octet_length", optional(self.bytes())),
            ("numeric_precision", optional(precision)),
            ("numeric_precision_radix", optional(radix)),
            ("numeric_scale", optional(scale)),
            ("datetime_precision", optional(self.moment_precision())),
            ("interval_type", self.interval_fields().map_or(Value::Null, Value::from)),
            ("collation_catalog", if collated { view.database() } else { Value::Null }),
            ("collation_schema", if collated { PG_CATALOG.into() } else { Value::Null }),
            ("collation_name", if collated { "C".into() } else { Value::Null }),
        ];
        values.extend(self.name(view));
        values
    }

    /// The name of the type itself.
    pub(super) fn name(&self, view: &View<'_>) -> [(&'static str, Value); 3] {
        [
            ("udt_catalog", view.database()),
            ("udt_schema", self.facts.map_or(PG_CATALOG, |facts| facts.schema.as_str()).into()),
            ("udt_name", Value::text_or_null(self.facts.map(|facts| facts.name.as_str()))),
        ]
    }

    /// The name of the domain.
    pub(super) fn domain_name(&self, view: &View<'_>) -> [(&'static str, Value); 3] {
        [
            ("domain_catalog", self.domain.map_or(Value::Null, |_| view.database())),
            ("domain_schema", Value::text_or_null(self.domain.map(|domain| domain.schema.as_str()))),
            ("domain_name", Value::text_or_null(self.domain.map(|domain| domain.name.as_str()))),
        ]
    }
}

fn optional(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Integer)
}

/// A type of PostgreSQL as the standard's views spell it.
pub(super) fn data_type(facts: &CatalogFacts, type_oid: u32) -> String {
    ColumnType::of(facts, type_oid, -1).data_type()
}
