//! EXPLAIN: its options, and what it explains.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::types::{Code, SqlError};

use super::super::statement::{ExplainFormat, ExplainOptions, Explained, Statement};
use super::{Reader, commands};

/// Options as they were written; the later of two wins.
#[derive(Default)]
struct Given {
    analyze: bool,
    verbose: bool,
    wal: bool,
    timing: Option<bool>,
    summary: Option<bool>,
    settings: bool,
    format: Option<ExplainFormat>,
}

/// What follows EXPLAIN.
pub(super) fn explain(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let mut given = Given::default();
    if reader.peek() == Some(&Token::LParen) && !starts_query_after_parenthesis(reader) {
        read_options(reader, &mut given)?;
    } else {
        given.analyze = reader.take_keyword("ANALYZE") || reader.take_keyword("ANALYSE");
        given.verbose = reader.take_keyword("VERBOSE");
    }
    let options = finish(&given)?;
    if reader.take_keyword("EXECUTE") {
        let (name, arguments) = commands::executed(reader)?;
        return Ok(Statement::Explain { options, what: Explained::Execute { name, arguments } });
    }
    if reader.peek_keyword() == "DECLARE" {
        return declared(reader, options);
    }
    let (kind, inner) = commands::inner_query(reader)?;
    match kind {
        Statement::Query => Ok(Statement::Explain { options, what: Explained::Query(inner) }),
        Statement::Change(tag) => Ok(Statement::Unsupported { tag: format!("EXPLAIN {tag}") }),
        Statement::Unsupported { tag } => Ok(Statement::Unsupported { tag: format!("EXPLAIN {tag}") }),
        _ => Ok(Statement::Unsupported { tag: String::from("EXPLAIN of this statement") }),
    }
}

/// EXPLAIN DECLARE explains the cursor's query.
fn declared(reader: &mut Reader<'_>, options: ExplainOptions) -> Result<Statement, SqlError> {
    reader.advance();
    match super::cursors::declare(reader)? {
        Statement::Declare { inner, .. } => Ok(Statement::Explain { options, what: Explained::Query(inner) }),
        other => Ok(other),
    }
}

/// Tells `EXPLAIN (SELECT ...)` from `EXPLAIN (ANALYZE) SELECT ...`.
fn starts_query_after_parenthesis(reader: &Reader<'_>) -> bool {
    let second = reader.peek_second_keyword();
    second.is_empty() || matches!(second.as_str(), "SELECT" | "WITH" | "VALUES" | "TABLE")
}

fn read_options(reader: &mut Reader<'_>, given: &mut Given) -> Result<(), SqlError> {
    reader.expect(&Token::LParen)?;
    loop {
        let place = reader.position();
        let name = reader.name()?;
        let value = match reader.peek() {
            Some(Token::Comma | Token::RParen) => None,
            Some(Token::Number(..) | Token::Plus | Token::Minus) => Some(reader.number_literal()?),
            Some(Token::Word(_)) => Some(reader.name()?),
            _ => Some(reader.text_literal()?),
        };
        take(given, &name, value.as_deref(), place)?;
        if reader.take(&Token::RParen) {
            return Ok(());
        }
        reader.expect(&Token::Comma)?;
    }
}

fn take(given: &mut Given, name: &str, value: Option<&str>, place: u32) -> Result<(), SqlError> {
    match name {
        "analyze" | "analyse" => given.analyze = truth(name, value)?,
        "verbose" => given.verbose = truth(name, value)?,
        "wal" => given.wal = truth(name, value)?,
        "timing" => given.timing = Some(truth(name, value)?),
        "summary" => given.summary = Some(truth(name, value)?),
        "settings" => given.settings = truth(name, value)?,
        // The engine's plan knows no costs and no shared buffers.
        "costs" | "buffers" => drop(truth(name, value)?),
        "format" => given.format = Some(format(value, place)?),
        _ => {
            let text = format!("unrecognized EXPLAIN option \"{name}\"");
            return Err(SqlError::new(Code::SyntaxError, text).at(place));
        }
    }
    Ok(())
}

fn truth(name: &str, value: Option<&str>) -> Result<bool, SqlError> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "on" | "1") => Ok(true),
        Some("false" | "off" | "0") => Ok(false),
        Some(_) => Err(SqlError::new(Code::SyntaxError, format!("{name} requires a Boolean value"))),
    }
}

fn format(value: Option<&str>, place: u32) -> Result<ExplainFormat, SqlError> {
    match value {
        Some("text") => Ok(ExplainFormat::Text),
        Some("json") => Ok(ExplainFormat::Json),
        Some("xml") => Ok(ExplainFormat::Xml),
        Some("yaml") => Ok(ExplainFormat::Yaml),
        Some(other) => {
            let text = format!("unrecognized value for EXPLAIN option \"format\": \"{other}\"");
            Err(SqlError::new(Code::InvalidParameterValue, text).at(place))
        }
        None => Err(SqlError::new(Code::SyntaxError, "format requires a parameter")),
    }
}

fn finish(given: &Given) -> Result<ExplainOptions, SqlError> {
    for (name, wanted) in [("WAL", given.wal), ("TIMING", given.timing == Some(true))] {
        if wanted && !given.analyze {
            let text = format!("EXPLAIN option {name} requires ANALYZE");
            return Err(SqlError::new(Code::InvalidParameterValue, text));
        }
    }
    Ok(ExplainOptions {
        analyze: given.analyze,
        verbose: given.verbose,
        timing: given.timing.unwrap_or(given.analyze),
        summary: given.summary.unwrap_or(given.analyze),
        settings: given.settings,
        format: given.format.unwrap_or(ExplainFormat::Text),
    })
}
