//! What a value has to be to be put into a column: PostgreSQL's assignment casts.
//!
//! Literals without a type take the column's. Everything else must be of a type that PostgreSQL casts in an
//! assignment, and a text that is too long for its column is an error, other than under an explicit cast.

use datafusion::sql::sqlparser::ast::{Expr, Value};

use super::build::{call, cast, number, text, type_of};
use crate::catalog::Column;
use crate::planner::functions::{ASSIGNABLE, FITTING};
use crate::types::{SqlError, SqlType};

/// Spells the types of columns.
pub(super) trait Spelling {
    /// A type as SQL writes it; one that a user made by its schema and name.
    fn spelled(&self, column: &Column, modifier: i32) -> String;
    /// The object id of the sequence that fills an identity column.
    fn sequence(&self, column: &Column) -> Option<u32>;
}

/// The value as the column takes it.
pub(super) fn assigned(value: Expr, column: &Column, spelling: &dyn Spelling) -> Result<Expr, SqlError> {
    let bare = spelling.spelled(column, -1);
    let value = if is_open(&value) {
        value
    } else {
        let column_type = text(column.sql_type.name());
        call(ASSIGNABLE, vec![value, column_type, text(&column.name), text(&bare)])
    };
    fitted(value, column, spelling)
}

/// The value, which may be cast to the column's type, as the column takes it.
pub(super) fn fitted(value: Expr, column: &Column, spelling: &dyn Spelling) -> Result<Expr, SqlError> {
    let is_bounded = column.modifier != -1
        && matches!(column.sql_type, SqlType::Varchar | SqlType::Bpchar | SqlType::VarcharArray | SqlType::BpcharArray);
    let whole = type_of(&spelling.spelled(column, column.modifier))?;
    if !is_bounded {
        return Ok(cast(value, whole));
    }
    // An explicit cast would cut what is too long.
    let unbounded = cast(value, type_of(&spelling.spelled(column, -1))?);
    let modifier = number(i64::from(column.modifier));
    Ok(cast(call(FITTING, vec![unbounded, text(column.sql_type.name()), modifier]), whole))
}

/// The value has no type of its own yet: a literal, a parameter.
pub(super) fn is_open(value: &Expr) -> bool {
    match value {
        Expr::Value(value) => matches!(
            value.value,
            Value::SingleQuotedString(_)
                | Value::EscapedStringLiteral(_)
                | Value::UnicodeStringLiteral(_)
                | Value::DollarQuotedString(_)
                | Value::Null
                | Value::Placeholder(_)
        ),
        Expr::Nested(inner) => is_open(inner),
        _ => false,
    }
}
