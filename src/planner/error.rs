//! The engine's errors as PostgreSQL's: kind, text, hint and position.
//!
//! `texts` knows the engine's words, `kinds` its types, `place` finds what an error names in the
//! statement's text where the engine does not say.

mod kinds;
mod place;
mod texts;
mod undefined;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use crate::types::{Code, SqlError};

pub(super) use undefined::{Reporter, suspect};

/// What a client is told of an engine error.
pub fn sql_error_from_engine(error: &DataFusionError) -> SqlError {
    translate(error.find_root())
}

/// The same with what only the statement's text tells: the position, and names as they were written.
pub(super) fn located_error(error: &DataFusionError, sql: &str) -> SqlError {
    let mut told = sql_error_from_engine(error);
    complete(&mut told, sql);
    if told.position.is_none() {
        told.position = place::find(&told, sql).or_else(|| position(error, sql));
    }
    told
}

/// Corrects what the engine tells differently from how it was written.
fn complete(told: &mut SqlError, sql: &str) {
    let quoted = |text: &str| text.split('"').nth(1).map(str::to_owned);
    if told.code == Code::UndefinedTable && told.message.starts_with("relation ") {
        if let Some(written) = quoted(&told.message).and_then(|name| place::written_relation(sql, &name)) {
            told.message = format!("relation \"{written}\" does not exist");
        }
    } else if told.code == Code::UndefinedTable && told.message.starts_with("missing FROM-clause entry") {
        if let Some(name) = quoted(&told.message)
            && let Some(alias) = place::alias_of(sql, &name)
        {
            told.message = format!("invalid reference to FROM-clause entry for table \"{name}\"");
            told.hint = Some(format!("Perhaps you meant to reference the table alias \"{alias}\"."));
        }
    } else if told.code == Code::UndefinedFunction
        && let Some(rest) = told.message.strip_prefix("function ")
        && let Some((name, rest)) = rest.split_once('(')
        && let Some(written) = place::written_function(sql, name)
    {
        told.message = format!("function {written}({rest}");
    } else if told.message == "subquery must return only one column" && place::has_subquery_behind_in(sql) {
        told.message = String::from("subquery has too many columns");
    }
}

fn translate(error: &DataFusionError) -> SqlError {
    match error {
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(own) => texts::own_words(own.clone()).unwrap_or_else(|| own.clone()),
            None => of_text(&inner.to_string(), Code::Internal),
        },
        DataFusionError::SQL(parser, _) => SqlError::new(Code::SyntaxError, parser_text(&parser.to_string())),
        DataFusionError::SchemaError(schema, _) => from_schema(schema),
        DataFusionError::ArrowError(arrow, _) => from_arrow(arrow),
        DataFusionError::ResourcesExhausted(text) => SqlError::new(Code::OutOfMemory, first_line(text)),
        DataFusionError::NotImplemented(text) => of_text(text, Code::FeatureNotSupported),
        DataFusionError::Plan(text) => from_plan(text),
        DataFusionError::Execution(text) => from_execution(text),
        DataFusionError::Collection(errors) => {
            errors.first().map_or_else(|| SqlError::new(Code::Internal, "several errors"), translate)
        }
        other => of_text(&other.strip_backtrace(), Code::Internal),
    }
}

/// A text that a rule knows, or its first line as an error of the given kind.
fn of_text(text: &str, otherwise: Code) -> SqlError {
    texts::translated(text).unwrap_or_else(|| SqlError::new(otherwise, first_line(text)))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn parser_text(text: &str) -> String {
    let text = text.strip_prefix("sql parser error: ").unwrap_or(text);
    format!("syntax error: {}", first_line(text))
}

fn quoted_name(column: &Column) -> String {
    match &column.relation {
        Some(relation) => format!("{relation}.{}", column.name),
        None => format!("\"{}\"", column.name),
    }
}

fn from_schema(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = |relation: &datafusion::common::TableReference| {
                valid_fields.iter().any(|field| {
                    field
                        .relation
                        .as_ref()
                        .is_some_and(|known| known.resolved_eq(relation) || known.table() == relation.table())
                })
            };
            match &field.relation {
                Some(relation) if !known(relation) => {
                    let text = format!("missing FROM-clause entry for table \"{}\"", relation.table());
                    SqlError::new(Code::UndefinedTable, text)
                }
                _ => SqlError::new(Code::UndefinedColumn, format!("column {} does not exist", quoted_name(field))),
            }
        }
        SchemaError::AmbiguousReference { field } => {
            SqlError::new(Code::AmbiguousColumn, format!("column reference \"{}\" is ambiguous", field.name))
        }
        other => of_text(&other.to_string(), Code::AmbiguousColumn),
    }
}

fn from_arrow(error: &ArrowError) -> SqlError {
    match error {
        ArrowError::DivideByZero => SqlError::new(Code::DivisionByZero, "division by zero"),
        ArrowError::CastError(text) => of_text(text, Code::InvalidTextRepresentation),
        ArrowError::ParseError(text) => of_text(text, Code::InvalidTextRepresentation),
        ArrowError::ArithmeticOverflow(text) => of_text(text, Code::NumericValueOutOfRange),
        ArrowError::ComputeError(text) if text.to_lowercase().contains("overflow") => {
            of_text(text, Code::NumericValueOutOfRange)
        }
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(engine) => translate(engine.find_root()),
            None => match inner.downcast_ref::<SqlError>() {
                Some(own) => own.clone(),
                None => of_text(&inner.to_string(), Code::Internal),
            },
        },
        other => of_text(&other.to_string(), Code::InvalidParameterValue),
    }
}

fn from_plan(text: &str) -> SqlError {
    if let Some(told) = texts::translated(text) {
        return told;
    }
    if let Some(rest) = text.strip_prefix("Invalid function '") {
        let name = rest.split('\'').next().unwrap_or_default();
        return SqlError::new(Code::UndefinedFunction, format!("function {name} does not exist"))
            .with_hint(texts::FUNCTION_HINT);
    }
    let text = first_line(text);
    let lower = text.to_lowercase();
    let code = if lower.contains("coerc") || lower.contains("signature") || lower.contains("no function matches") {
        Code::UndefinedFunction
    } else if lower.contains("cannot infer common") || lower.contains("type") {
        Code::DatatypeMismatch
    } else {
        Code::SyntaxError
    };
    SqlError::new(code, text)
}

fn from_execution(text: &str) -> SqlError {
    if let Some(told) = texts::translated(text) {
        return told;
    }
    let text = first_line(text);
    let lower = text.to_lowercase();
    let code = if lower.contains("overflow") || lower.contains("out of range") {
        Code::NumericValueOutOfRange
    } else if lower.contains("parse") || lower.contains("cast") {
        Code::InvalidTextRepresentation
    } else {
        Code::InvalidParameterValue
    };
    SqlError::new(code, text)
}

/// Where the engine's diagnostic points, as a count of characters from 1.
fn position(error: &DataFusionError, sql: &str) -> Option<u32> {
    let start = error.diagnostic()?.span?.start;
    let line = usize::try_from(start.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(start.column).ok()?;
    let before: usize = sql.lines().take(line).map(|line| line.chars().count() + 1).sum();
    u32::try_from(before + column).ok().filter(|position| *position > 0)
}
