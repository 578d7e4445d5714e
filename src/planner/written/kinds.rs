//! The casts that PostgreSQL adds so that both sides of an operator are of one type.

use super::super::names::{DeclaredType, Names};
use crate::catalog::quote_literal;
use crate::types::SqlType;

/// A piece of an expression as text, and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Printed {
    /// Its text; for an open literal, as it was written.
    pub(super) text: String,
    /// Its type, if it can be told.
    pub(super) kind: Option<DeclaredType>,
    /// A literal that takes the type of what stands beside it.
    pub(super) open: Option<Open>,
    /// It is a number literal, so a cast of it is of a constant.
    pub(super) number: bool,
}

/// A literal without a type of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Open {
    /// NULL.
    Null,
    /// A text.
    Text(String),
}

impl Printed {
    /// A piece of a known type.
    pub(super) fn of(text: String, kind: impl Into<Option<DeclaredType>>) -> Self {
        Self { text, kind: kind.into(), open: None, number: false }
    }

    /// A piece of a type of PostgreSQL's own.
    pub(super) fn plain(text: String, kind: SqlType) -> Self {
        Self::of(text, DeclaredType::plain(kind))
    }

    /// The type that carries it.
    pub(super) fn sql_type(&self) -> Option<SqlType> {
        self.kind.as_ref().map(|kind| kind.sql_type)
    }
}

/// A type without its modifier.
pub(super) fn bare(kind: &DeclaredType) -> DeclaredType {
    DeclaredType { modifier: -1, is_serial: false, ..kind.clone() }
}

/// `text::type`, or what PostgreSQL prints for such a constant.
pub(super) fn literal(open: &Open, kind: &DeclaredType, names: Names<'_>) -> String {
    match open {
        Open::Null => format!("NULL::{}", names.spelled(kind)),
        Open::Text(text) => {
            let truth = match text.trim().to_ascii_lowercase().as_str() {
                "t" | "true" | "y" | "yes" | "on" | "1" => Some("true"),
                "f" | "false" | "n" | "no" | "off" | "0" => Some("false"),
                _ => None,
            };
            if kind.user_type.is_none() {
                match (kind.sql_type, truth) {
                    (SqlType::Bool, Some(truth)) => return truth.to_owned(),
                    (SqlType::Int4 | SqlType::Numeric, _) if is_number(text.trim(), kind.sql_type) => {
                        return text.trim().to_owned();
                    }
                    _ => {}
                }
            }
            format!("{}::{}", escaped_literal(text), names.spelled(kind))
        }
    }
}

/// A text as a literal; with a backslash in it, the form that says so.
pub(super) fn escaped_literal(text: &str) -> String {
    if text.contains('\\') { format!("E{}", quote_literal(&text.replace('\\', "\\\\"))) } else { quote_literal(text) }
}

fn is_number(text: &str, kind: SqlType) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        SqlType::Int4 => digits(text) && text.parse::<i32>().is_ok(),
        _ => match text.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => false,
        },
    }
}

/// `(text)::type`.
pub(super) fn cast(text: &str, kind: &DeclaredType, names: Names<'_>) -> String {
    format!("({text})::{}", names.spelled(kind))
}

/// The type that both sides of an operator are brought to; none when they fit as they are.
pub(super) fn common(left: SqlType, right: SqlType) -> Option<SqlType> {
    use SqlType::{Bpchar, Float4, Float8, Int2, Int4, Int8, Name, Numeric, Text, Varchar};
    let whole = |kind| matches!(kind, Int2 | Int4 | Int8);
    match (left, right) {
        (Varchar, _) | (_, Varchar) => Some(Text),
        (Text, Bpchar | Name) | (Bpchar | Name, Text) => Some(Text),
        (Numeric, other) | (other, Numeric) if whole(other) => Some(Numeric),
        (Float8 | Float4, other) | (other, Float8 | Float4) if whole(other) || other == Numeric => Some(Float8),
        _ => None,
    }
}

/// The piece as a value of that type, if PostgreSQL would show a cast to get there.
pub(super) fn coerced(printed: &Printed, kind: SqlType, names: Names<'_>) -> String {
    let wanted = DeclaredType::plain(kind);
    if let Some(open) = &printed.open {
        return literal(open, &wanted, names);
    }
    match printed.sql_type() {
        Some(own) if own != kind => cast(&printed.text, &wanted, names),
        _ => printed.text.clone(),
    }
}
