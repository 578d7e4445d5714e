//! Types by PostgreSQL's names, with their modifiers: `varchar(10)`, `numeric(10, 2)`, `name`.
//!
//! Plugged into the engine's SQL planner of statements, not of fragments: those name the engine's types.
//! A field says all that a cast must know; what is not listed here stays the engine's.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType as SqlName, ExactNumberInfo, ObjectName, ObjectNamePart, TimezoneInfo,
};

use super::convert::Target;
use super::function::sql_error;
use super::numbers::decimal;
use crate::types::{Code, SqlType};

/// Most digits of a real; a float of more is a double precision.
const REAL_BITS_MAX: u64 = 24;
/// Most digits that a numeric can be declared with in PostgreSQL.
const PRECISION_MAX: i64 = 1_000;

/// The type of number literals with a point, whose argument is the digits behind it (`rewrite::numbers`).
pub(super) const LITERAL: &str = "numeric_literal";

/// Plans the types of statements.
#[derive(Debug)]
pub(super) struct TypeNames;

impl TypePlanner for TypeNames {
    fn plan_type_field(&self, name: &SqlName) -> Result<Option<FieldRef>> {
        if let SqlName::Custom(name, arguments) = name
            && name.0.last().and_then(ObjectNamePart::as_ident).is_some_and(|ident| ident.value == LITERAL)
        {
            let scale = arguments.first().and_then(|text| text.parse().ok()).unwrap_or_default();
            return Ok(Some(Arc::new(Field::new(LITERAL, decimal(scale), true))));
        }
        Ok(target(name)?.map(|target| Arc::new(target.field(target.kind.name()))))
    }
}

fn target(name: &SqlName) -> Result<Option<Target>> {
    let plain = |kind| Ok(Some(Target { kind, modifier: -1 }));
    match name {
        SqlName::SmallInt(None) | SqlName::Int2(None) => plain(SqlType::Int2),
        SqlName::Int(None) | SqlName::Integer(None) | SqlName::Int4(None) => plain(SqlType::Int4),
        SqlName::BigInt(None) | SqlName::Int8(None) => plain(SqlType::Int8),
        SqlName::Real | SqlName::Float4 => plain(SqlType::Float4),
        SqlName::Float(ExactNumberInfo::Precision(bits)) if *bits <= REAL_BITS_MAX => plain(SqlType::Float4),
        SqlName::Float(_) | SqlName::DoublePrecision | SqlName::Double(_) | SqlName::Float8 => plain(SqlType::Float8),
        SqlName::Numeric(info) | SqlName::Decimal(info) | SqlName::Dec(info) => numeric(info).map(Some),
        SqlName::Boolean | SqlName::Bool => plain(SqlType::Bool),
        SqlName::Text => plain(SqlType::Text),
        SqlName::Bytea => plain(SqlType::Bytea),
        SqlName::Date => plain(SqlType::Date),
        SqlName::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => plain(SqlType::Time),
        SqlName::Varchar(length) | SqlName::CharacterVarying(length) | SqlName::CharVarying(length) => {
            Ok(Some(Target { kind: SqlType::Varchar, modifier: modifier(length.as_ref(), None) }))
        }
        SqlName::Char(length) | SqlName::Character(length) => {
            Ok(Some(Target { kind: SqlType::Bpchar, modifier: modifier(length.as_ref(), Some(1)) }))
        }
        SqlName::Array(
            ArrayElemTypeDef::SquareBracket(item, _)
            | ArrayElemTypeDef::AngleBracket(item)
            | ArrayElemTypeDef::Parenthesis(item),
        ) => Ok(target(item)?.and_then(|item| Some(Target { kind: item.kind.array()?, modifier: item.modifier }))),
        SqlName::Uuid => plain(SqlType::Uuid),
        SqlName::JSON => plain(SqlType::Json),
        SqlName::JSONB => plain(SqlType::Jsonb),
        SqlName::Interval { fields: None, precision: None } => plain(SqlType::Interval),
        SqlName::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => plain(SqlType::Timestamp),
        SqlName::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => plain(SqlType::Timestamptz),
        SqlName::Custom(name, arguments) => Ok(custom(name, arguments)),
        _ => Ok(None),
    }
}

/// A type that the parser does not know by itself.
fn custom(name: &ObjectName, arguments: &[String]) -> Option<Target> {
    let ident = name.0.last().and_then(ObjectNamePart::as_ident)?;
    if ident.quote_style.is_some() && ident.value == SqlType::Char.name() {
        return Some(Target { kind: SqlType::Char, modifier: -1 });
    }
    let lower = ident.value.to_lowercase();
    let number = |index: usize| arguments.get(index).and_then(|text| text.trim().parse::<i32>().ok());
    let (kind, modifier) = match lower.as_str() {
        "decimal" | "numeric" => {
            let modifier = number(0).map(|precision| SqlType::numeric_modifier(precision, number(1).unwrap_or(0)));
            return Some(Target { kind: SqlType::Numeric, modifier: modifier.unwrap_or(-1) });
        }
        "smallint" => (SqlType::Int2, -1),
        "integer" | "int" => (SqlType::Int4, -1),
        "bigint" => (SqlType::Int8, -1),
        "real" => (SqlType::Float4, -1),
        "boolean" => (SqlType::Bool, -1),
        "varchar" | "bpchar" => {
            let kind = if lower == "varchar" { SqlType::Varchar } else { SqlType::Bpchar };
            (kind, number(0).map_or(-1, SqlType::length_modifier))
        }
        "int2" | "int4" | "int8" | "float4" | "float8" | "bool" | "text" | "bytea" | "date" | "time" | "timestamp"
        | "timestamptz" | "interval" | "uuid" | "json" | "jsonb" | "inet" | "cidr" | "name" => {
            (SqlType::from_name(&lower)?, -1)
        }
        // Arrays by the names that pg_type has for them, such as `_int4`.
        name if name.starts_with('_') => (SqlType::from_name(name)?, -1),
        _ => return None,
    };
    Some(Target { kind, modifier })
}

fn numeric(info: &ExactNumberInfo) -> Result<Target> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok(Target { kind: SqlType::Numeric, modifier: -1 }),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    let precision = i64::try_from(precision).unwrap_or(i64::MAX);
    if !(1..=PRECISION_MAX).contains(&precision) {
        let text = format!("NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}");
        return Err(sql_error(Code::InvalidParameterValue, text));
    }
    if !(0..=38).contains(&scale) {
        let text = format!("numeric with {scale} digits behind the point is not supported");
        return Err(sql_error(Code::FeatureNotSupported, text));
    }
    let narrow = |number: i64| i32::try_from(number).unwrap_or_default();
    Ok(Target { kind: SqlType::Numeric, modifier: SqlType::numeric_modifier(narrow(precision), narrow(scale)) })
}

fn modifier(length: Option<&CharacterLength>, without: Option<i32>) -> i32 {
    let length = match length {
        Some(CharacterLength::IntegerLength { length, .. }) => i32::try_from(*length).ok(),
        Some(CharacterLength::Max) => None,
        None => without,
    };
    length.map_or(-1, SqlType::length_modifier)
}
