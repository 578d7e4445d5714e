//! The engine's errors as PostgreSQL's: kind, text and, where the engine knows it, the position.

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use crate::types::{Code, SqlError};

/// What a client is told of an engine error.
pub fn sql_error_from_engine(error: &DataFusionError) -> SqlError {
    translate(error.find_root())
}

/// The same with the position in the statement's text, where the engine knows it.
pub(super) fn located_error(error: &DataFusionError, sql: &str) -> SqlError {
    let mut told = sql_error_from_engine(error);
    if told.position.is_none() {
        told.position = position(error, sql);
    }
    told
}

fn translate(error: &DataFusionError) -> SqlError {
    match error {
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(own) => own.clone(),
            None => SqlError::new(Code::Internal, inner.to_string()),
        },
        DataFusionError::SQL(parser, _) => SqlError::new(Code::SyntaxError, parser_text(&parser.to_string())),
        DataFusionError::SchemaError(schema, _) => from_schema(schema),
        DataFusionError::ArrowError(arrow, _) => from_arrow(arrow),
        DataFusionError::ResourcesExhausted(text) => SqlError::new(Code::OutOfMemory, first_line(text)),
        DataFusionError::NotImplemented(text) => SqlError::new(Code::FeatureNotSupported, first_line(text)),
        DataFusionError::Plan(text) => from_plan(&first_line(text)),
        DataFusionError::Execution(text) => from_execution(&first_line(text)),
        DataFusionError::Collection(errors) => {
            errors.first().map_or_else(|| SqlError::new(Code::Internal, "several errors"), translate)
        }
        other => SqlError::new(Code::Internal, first_line(&other.strip_backtrace())),
    }
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
        SchemaError::FieldNotFound { field, .. } => {
            SqlError::new(Code::UndefinedColumn, format!("column {} does not exist", quoted_name(field)))
        }
        SchemaError::AmbiguousReference { field } => {
            SqlError::new(Code::AmbiguousColumn, format!("column reference \"{}\" is ambiguous", field.name))
        }
        other => SqlError::new(Code::AmbiguousColumn, first_line(&other.to_string())),
    }
}

fn from_arrow(error: &ArrowError) -> SqlError {
    match error {
        ArrowError::DivideByZero => SqlError::new(Code::DivisionByZero, "division by zero"),
        ArrowError::CastError(text) => SqlError::new(Code::InvalidTextRepresentation, first_line(text)),
        ArrowError::ParseError(text) => SqlError::new(Code::InvalidTextRepresentation, first_line(text)),
        ArrowError::ArithmeticOverflow(text) => SqlError::new(Code::NumericValueOutOfRange, first_line(text)),
        ArrowError::ComputeError(text) if text.to_lowercase().contains("overflow") => {
            SqlError::new(Code::NumericValueOutOfRange, first_line(text))
        }
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(engine) => translate(engine.find_root()),
            None => SqlError::new(Code::Internal, first_line(&inner.to_string())),
        },
        other => SqlError::new(Code::InvalidParameterValue, first_line(&other.to_string())),
    }
}

fn from_plan(text: &str) -> SqlError {
    if let Some(name) = text.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        let short = name.rsplit_once('.').map_or(name, |(schema, table)| {
            if schema.ends_with("public") { table } else { name.split_once('.').map_or(name, |(_, rest)| rest) }
        });
        return SqlError::new(Code::UndefinedTable, format!("relation \"{short}\" does not exist"));
    }
    if let Some(rest) = text.strip_prefix("Invalid function '") {
        let name = rest.split('\'').next().unwrap_or_default();
        return SqlError::new(Code::UndefinedFunction, format!("function {name} does not exist")).with_hint(
            "No function matches the given name and argument types. You might need to add explicit type casts.",
        );
    }
    let lower = text.to_lowercase();
    let code = if lower.contains("must appear in the group by") || lower.contains("must be part of group by") {
        Code::GroupingError
    } else if lower.contains("coerc") || lower.contains("signature") || lower.contains("no function matches") {
        Code::UndefinedFunction
    } else if lower.contains("cannot infer common") || lower.contains("type") {
        Code::DatatypeMismatch
    } else {
        Code::SyntaxError
    };
    SqlError::new(code, text)
}

fn from_execution(text: &str) -> SqlError {
    let lower = text.to_lowercase();
    let code = if lower.contains("regular expression") || lower.contains("regex") {
        Code::InvalidParameterValue
    } else if lower.contains("overflow") || lower.contains("out of range") {
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
