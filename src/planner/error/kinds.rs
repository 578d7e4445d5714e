//! The engine's names of types in PostgreSQL's words.

use std::str::FromStr;

use datafusion::arrow::datatypes::DataType;

use crate::types::SqlType;

/// Types of PostgreSQL that this node does not have; their names are no mistakes of the client.
const UNSERVED: &[&str] = &[
    "bit",
    "varbit",
    "box",
    "circle",
    "cidr",
    "datemultirange",
    "daterange",
    "int4range",
    "int8range",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "numrange",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "timetz",
    "tsquery",
    "tsrange",
    "tstzrange",
    "tsvector",
    "xml",
    "jsonpath",
    "xid",
    "cid",
    "tid",
    "aclitem",
    "refcursor",
    "record",
    "hstore",
];

/// Whether PostgreSQL has a type of this name.
pub(super) fn is_postgresql_type(name: &str) -> bool {
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name).trim_end_matches("[]");
    UNSERVED.contains(&name) || SqlType::from_name(name).is_some()
}

/// An Arrow type as the engine writes it, under PostgreSQL's name; one that stays unknown keeps its own.
pub(super) fn sql_name(arrow: &str) -> String {
    let arrow = arrow.trim();
    let plain = match arrow {
        "Utf8" | "LargeUtf8" | "Utf8View" | "String" => Some("text"),
        "Null" => Some("unknown"),
        other if other.starts_with("Timestamp(") && other.contains('"') => Some("timestamp with time zone"),
        other if other.starts_with("Timestamp(") => Some("timestamp without time zone"),
        other if other.starts_with("Time64") || other.starts_with("Time32") => Some("time"),
        other if other.starts_with("Decimal") => Some("numeric"),
        other if other.starts_with("Interval") || other.starts_with("Duration") => Some("interval"),
        _ => None,
    };
    if let Some(plain) = plain {
        return plain.to_owned();
    }
    if let Some(item) = arrow.strip_prefix("List(").and_then(|rest| rest.strip_suffix(')')) {
        return format!("{}[]", sql_name(item.trim_start_matches("nullable ")));
    }
    DataType::from_str(arrow).ok().and_then(|kind| of_arrow(&kind)).unwrap_or_else(|| arrow.to_owned())
}

/// An Arrow type under PostgreSQL's name.
pub(super) fn of_arrow(kind: &DataType) -> Option<String> {
    SqlType::from_arrow(kind).map(SqlType::spelling)
}

/// Whether a number is in a type's range.
pub(super) fn fits<T: TryFrom<i128>>(number: i128) -> bool {
    T::try_from(number).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{is_postgresql_type, sql_name};

    #[test]
    fn arrow_types_have_postgresql_names() {
        for (arrow, expected) in [
            ("Int64", "bigint"),
            ("Utf8", "text"),
            ("Timestamp(µs, \"UTC\")", "timestamp with time zone"),
            ("Decimal128(38, 10)", "numeric"),
            ("Interval(MonthDayNano)", "interval"),
            ("Date32", "date"),
            ("no such", "no such"),
        ] {
            assert_eq!(sql_name(arrow), expected);
        }
        assert!(is_postgresql_type("money") && is_postgresql_type("xml[]") && !is_postgresql_type("nosuch"));
    }
}
