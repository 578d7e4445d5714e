//! Casts: types by PostgreSQL's names, object names, array literals.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, Expr, Ident, ObjectName, TimezoneInfo, VisitorMut,
};

use super::build::{array, array_literal, call, last_part, null, text, text_of};
use crate::types::SqlType;

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    if let Expr::TypedString(typed) = expr {
        let value = Expr::Value(typed.value.clone());
        *expr = Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(value),
            data_type: typed.data_type.clone(),
            array: false,
            format: None,
        };
    }
    let Expr::Cast { expr: inner, data_type, .. } = expr else { return };
    if let Some(function) = registry_cast(data_type) {
        let value = std::mem::replace(inner.as_mut(), null());
        *expr = call(function, vec![value]);
        return;
    }
    if let DataType::Array(_) = data_type
        && let Some(items) = text_of(inner).and_then(array_literal)
    {
        **inner = array(items.iter().map(|item| item.as_deref().map_or_else(null, text)).collect());
    }
    if let Some(function) = own_cast(data_type) {
        let value = std::mem::replace(inner.as_mut(), null());
        *expr = call(function, vec![value]);
        return;
    }
    retype(data_type);
}

/// Casts to days and instants by functions that know the session's zone.
pub(super) struct ZonedCasts;

impl VisitorMut for ZonedCasts {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast { expr: inner, data_type, .. } = expr
            && let Some(function) = zoned_cast(data_type)
        {
            let value = std::mem::replace(inner.as_mut(), null());
            *expr = call(function, vec![value]);
        }
        ControlFlow::Continue(())
    }
}

fn zoned_cast(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Date => Some("as_date"),
        DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => Some("as_timestamp"),
        DataType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => Some("as_timestamptz"),
        _ => None,
    }
}

/// The function that gives the object id that a cast to such a type means.
fn registry_cast(data_type: &DataType) -> Option<&'static str> {
    let name = match data_type {
        DataType::Regclass => "regclass".to_owned(),
        DataType::Custom(name, arguments) if arguments.is_empty() => last_part(name)?,
        _ => return None,
    };
    Some(match name.as_str() {
        "oid" => "as_oid",
        "xid" => "as_xid",
        "regclass" => "as_regclass",
        "regtype" => "as_regtype",
        "regproc" => "as_regproc",
        "regprocedure" => "as_regprocedure",
        "regoper" => "as_regoper",
        "regoperator" => "as_regoperator",
        "regnamespace" => "as_regnamespace",
        "regrole" => "as_regrole",
        "regcollation" => "as_regcollation",
        "regconfig" => "as_regconfig",
        "regdictionary" => "as_regdictionary",
        _ => return None,
    })
}

/// Types that are text to the engine and keep their meaning by a function of ours.
fn own_cast(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::JSON => Some("as_json"),
        DataType::JSONB => Some("as_jsonb"),
        DataType::Uuid => Some("as_uuid"),
        DataType::Custom(name, arguments) if arguments.is_empty() => match last_part(name)?.as_str() {
            "json" => Some("as_json"),
            "jsonb" => Some("as_jsonb"),
            "uuid" => Some("as_uuid"),
            "inet" => Some("as_inet"),
            _ => None,
        },
        _ => None,
    }
}

/// Puts a type into the engine's spelling; array elements too.
pub(super) fn retype(data_type: &mut DataType) {
    match data_type {
        // Instants are microseconds everywhere (DESIGN section 4).
        DataType::Timestamp(precision @ None, _) => *precision = Some(6),
        DataType::Timestamp(Some(precision), _) => *precision = 6,
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element),
        ) => match element.as_ref() {
            // By the name that pg_type has for it: an element alone would be a plain number.
            DataType::Custom(name, _) if last_part(name).as_deref() == Some(SqlType::Oid.name()) => {
                let array = Ident::with_quote('"', SqlType::OidArray.name());
                *data_type = DataType::Custom(ObjectName::from(vec![array]), Vec::new());
            }
            _ => retype(element),
        },
        DataType::Custom(name, arguments)
            if arguments.is_empty() || last_part(name).as_deref() == Some("timestamptz") =>
        {
            if let Some(known) = last_part(name).and_then(|name| builtin(&name)) {
                *data_type = known;
            }
        }
        _ => {}
    }
}

fn array_of(element: DataType) -> DataType {
    DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), None))
}

/// A type by PostgreSQL's short name.
fn builtin(name: &str) -> Option<DataType> {
    Some(match name {
        "oid" | "regclass" | "regtype" | "regproc" | "regnamespace" | "regrole" | "cid" => DataType::Int(None),
        "int2vector" => array_of(DataType::SmallInt(None)),
        "oidvector" => array_of(DataType::Int(None)),
        "xid" | "xid8" => DataType::BigInt(None),
        "timestamp" => DataType::Timestamp(Some(6), TimezoneInfo::None),
        "timestamptz" => DataType::Timestamp(Some(6), TimezoneInfo::Tz),
        "interval" => DataType::Interval { fields: None, precision: None },
        "unknown" | "citext" | "pg_node_tree" | "aclitem" | "sql_identifier" | "character_data" | "yes_or_no" => {
            DataType::Text
        }
        "cardinal_number" => DataType::Int(None),
        _ => return None,
    })
}
