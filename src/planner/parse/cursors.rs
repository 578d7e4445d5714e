//! DECLARE, FETCH, MOVE, CLOSE.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::types::SqlError;

use super::super::statement::{CursorOptions, FetchCount, FetchRows, Statement};
use super::{Reader, commands};

/// What follows DECLARE.
pub(super) fn declare(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let name = reader.name()?;
    let mut options = CursorOptions::default();
    loop {
        if reader.take_keyword("BINARY") {
            options.binary = true;
        } else if reader.take_keywords(&["NO", "SCROLL"]) {
            options.scroll = false;
        } else if reader.take_keyword("SCROLL") {
            options.scroll = true;
        } else if !(reader.take_keyword("INSENSITIVE") || reader.take_keyword("ASENSITIVE")) {
            break;
        }
    }
    reader.expect_keyword("CURSOR")?;
    if reader.take_keywords(&["WITH", "HOLD"]) {
        options.hold = true;
    } else {
        reader.take_keywords(&["WITHOUT", "HOLD"]);
    }
    reader.expect_keyword("FOR")?;
    let (kind, inner) = commands::inner_query(reader)?;
    match kind {
        Statement::Query => Ok(Statement::Declare { name, options, inner }),
        Statement::Unsupported { tag } => Ok(Statement::Unsupported { tag: format!("DECLARE CURSOR for {tag}") }),
        _ => Ok(Statement::Unsupported { tag: String::from("DECLARE CURSOR for this statement") }),
    }
}

/// What follows FETCH or MOVE.
pub(super) fn fetch(reader: &mut Reader<'_>, keyword: &str) -> Result<Statement, SqlError> {
    let rows = if keyword == "FETCH" { FetchRows::Send } else { FetchRows::Skip };
    let count = count(reader)?;
    let _ = reader.take_keyword("FROM") || reader.take_keyword("IN");
    Ok(Statement::Fetch { name: reader.name()?, count, rows })
}

/// The direction; a lone name is a cursor, so key words count only when more follows them.
fn count(reader: &mut Reader<'_>) -> Result<FetchCount, SqlError> {
    if reader.is_last() {
        return Ok(FetchCount::Forward(1));
    }
    if reader.take_keyword("NEXT") {
        return Ok(FetchCount::Forward(1));
    }
    if reader.take_keyword("ALL") {
        return Ok(FetchCount::All);
    }
    if reader.take_keyword("FORWARD") {
        if reader.take_keyword("ALL") {
            return Ok(FetchCount::All);
        }
        return signed(reader);
    }
    for keyword in ["PRIOR", "FIRST", "LAST"] {
        if reader.take_keyword(keyword) {
            return Ok(FetchCount::Backward);
        }
    }
    for keyword in ["ABSOLUTE", "RELATIVE", "BACKWARD"] {
        if reader.take_keyword(keyword) {
            let _ = reader.take_keyword("ALL");
            signed(reader)?;
            return Ok(FetchCount::Backward);
        }
    }
    signed(reader)
}

fn signed(reader: &mut Reader<'_>) -> Result<FetchCount, SqlError> {
    if reader.take(&Token::Minus) {
        reader.take_count().ok_or_else(|| reader.error())?;
        return Ok(FetchCount::Backward);
    }
    reader.take(&Token::Plus);
    Ok(FetchCount::Forward(reader.take_count().unwrap_or(1)))
}

/// What follows CLOSE.
pub(super) fn close(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keyword("ALL") {
        return Ok(Statement::Close(None));
    }
    Ok(Statement::Close(Some(reader.name()?)))
}
