//! Texts: quoting, format(), the name of a type.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::function::{Function, integer, sql_error, text};
use super::limits::checked_bytes;
use super::shown::shown;
use crate::catalog::{quote_ident, quote_literal};
use crate::planner::rewrite::backslashed;
use crate::system::{Value, format_type};
use crate::types::{Code, SqlType};

/// Most arguments of a variadic function: PostgreSQL's own bound.
const ARGUMENTS_MAX: usize = 100;

/// The functions of this file.
pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new("quote_ident", 1, 1, SqlType::Text, |arguments| Ok(quote_ident(&shown(&arguments[0])?).into())),
        Function::new("quote_literal", 1, 1, SqlType::Text, |arguments| Ok(literal(&shown(&arguments[0])?).into())),
        Function::new("quote_nullable", 1, 1, SqlType::Text, |arguments| {
            let value = &arguments[0];
            Ok(if value.is_null() { "NULL".into() } else { literal(&shown(value)?).into() })
        })
        .taking_null(),
        Function::new("format", 1, ARGUMENTS_MAX, SqlType::Text, |arguments| {
            text(arguments, 0).map_or(Ok(Value::Null), |pattern| formatted(pattern, &arguments[1..]).map(Value::Text))
        })
        .taking_null(),
        Function::new("like_pattern", 2, 2, SqlType::Text, |arguments| {
            let chosen = text(arguments, 1).and_then(|chosen| chosen.chars().next()).unwrap_or('\\');
            Ok(backslashed(text(arguments, 0).unwrap_or_default(), chosen).into())
        }),
    ]
}

/// Functions of this file that look at their argument's type.
pub(super) fn typed_functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(TypeOf::new())]
}

/// Backslashes make it an escape string, as PostgreSQL writes it.
fn literal(value: &str) -> String {
    if value.contains('\\') {
        return format!(" E{}", quote_literal(&value.replace('\\', "\\\\"))).trim_start().to_owned();
    }
    quote_literal(value)
}

/// `format('%I.%s', ...)` with `%s`, `%I`, `%L`, `%%`, positions (`%2$s`) and widths (`%-10s`).
fn formatted(pattern: &str, arguments: &[ScalarValue]) -> Result<String> {
    let mut out = String::new();
    let mut next = 0;
    let mut rest = pattern;
    while let Some(start) = rest.find('%') {
        out.push_str(&rest[..start]);
        let (directive, after) = directive_of(&rest[start + 1..])?;
        rest = after;
        let Some(directive) = directive else {
            out.push('%');
            continue;
        };
        if let Some(position) = directive.position {
            next = position.checked_sub(1).ok_or_else(|| wrong("format specifies argument 0"))?;
        }
        let mut directive = directive;
        if directive.width_is_argument {
            let width = arguments.get(next).ok_or_else(|| wrong("too few arguments for format()"))?;
            next += 1;
            let width = integer(std::slice::from_ref(width), 0).unwrap_or(0);
            directive.left |= width < 0;
            directive.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        }
        let value = arguments.get(next).ok_or_else(|| wrong("too few arguments for format()"))?;
        next += 1;
        let shown = converted(directive.kind, value)?;
        checked_bytes(out.len().saturating_add(shown.len().max(directive.width)))?;
        pad(&mut out, &shown, &directive);
    }
    out.push_str(rest);
    Ok(out)
}

struct Directive {
    position: Option<usize>,
    left: bool,
    width: usize,
    /// `*`: the width is the next argument.
    width_is_argument: bool,
    kind: char,
}

fn wrong(message: &str) -> datafusion::error::DataFusionError {
    sql_error(Code::InvalidParameterValue, message)
}

/// What follows a `%`: none for `%%`; and the text after it.
fn directive_of(text: &str) -> Result<(Option<Directive>, &str)> {
    if let Some(after) = text.strip_prefix('%') {
        return Ok((None, after));
    }
    let number = |text: &str| -> (Option<usize>, usize) {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        // A number that is too large for any text is too large.
        let number = text[..digits].parse().unwrap_or(usize::MAX);
        ((digits > 0).then_some(number), digits)
    };
    let mut rest = text;
    let mut position = None;
    let (first, digits) = number(rest);
    if let Some(after) = rest[digits..].strip_prefix('$') {
        position = first;
        rest = after;
    }
    let left = rest.starts_with('-');
    rest = rest.strip_prefix('-').unwrap_or(rest);
    let width_is_argument = rest.starts_with('*');
    rest = rest.strip_prefix('*').unwrap_or(rest);
    let (width, digits) = number(rest);
    rest = &rest[digits..];
    let kind = rest.chars().next().ok_or_else(|| wrong("unterminated format() type specifier"))?;
    if !matches!(kind, 's' | 'I' | 'L') {
        return Err(wrong(&format!("unrecognized format() type specifier \"{kind}\"")));
    }
    let width = width.unwrap_or(0);
    Ok((Some(Directive { position, left, width, width_is_argument, kind }), &rest[1..]))
}

fn converted(kind: char, value: &ScalarValue) -> Result<String> {
    match (kind, value.is_null()) {
        ('s', true) => Ok(String::new()),
        ('I', true) => {
            Err(sql_error(Code::NullValueNotAllowed, "null values cannot be formatted as an SQL identifier"))
        }
        ('L', true) => Ok("NULL".to_owned()),
        ('I', false) => Ok(quote_ident(&shown(value)?)),
        ('L', false) => Ok(literal(&shown(value)?)),
        _ => shown(value),
    }
}

fn pad(out: &mut String, text: &str, directive: &Directive) {
    let blanks = " ".repeat(directive.width.saturating_sub(text.chars().count()));
    if directive.left {
        out.push_str(text);
        out.push_str(&blanks);
    } else {
        out.push_str(&blanks);
        out.push_str(text);
    }
}

/// `pg_typeof(x)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TypeOf {
    signature: Signature,
}

impl TypeOf {
    fn new() -> Self {
        Self { signature: Signature::new(TypeSignature::Any(1), Volatility::Stable) }
    }
}

impl ScalarUDFImpl for TypeOf {
    fn name(&self) -> &'static str {
        "pg_typeof"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(SqlType::Regtype.field(self.name(), false)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sql_type = arguments.arg_fields.first().map_or(SqlType::Unknown, |field| SqlType::of_field(field));
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(Some(format_type(sql_type.oid(), None)))))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;

    use super::{formatted, literal, quote_ident};

    #[test]
    fn names_and_texts_are_quoted_where_needed() {
        assert_eq!(quote_ident("pod_name"), "pod_name");
        assert_eq!(quote_ident("select"), "\"select\"");
        assert_eq!(quote_ident("a\"B"), "\"a\"\"B\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b"), "E'a\\\\b'");
    }

    #[test]
    fn format_fills_in_its_arguments() {
        let arguments = [ScalarValue::from("a b"), ScalarValue::from("x"), ScalarValue::Utf8(None)];
        let format = |pattern| formatted(pattern, &arguments).expect("formatted");
        assert_eq!(format("%I.%s %% %L"), "\"a b\".x % NULL");
        assert_eq!(format("%2$s|%2$4s|%2$-3s|"), "x|   x|x  |");
        assert!(formatted("%s%s%s%s", &arguments).is_err());
        assert!(formatted("%d", &arguments).is_err());
        assert!(formatted("%1000000000s", &arguments).is_err());
        assert!(formatted("%99999999999999999999s", &arguments).is_err());
    }
}
