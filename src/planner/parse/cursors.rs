//! DECLARE, FETCH, MOVE, CLOSE.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::types::{Code, SqlError};

use super::super::statement::{CursorOptions, FetchCount, FetchRows, Scroll, Statement};
use super::{Reader, commands};

/// What follows DECLARE.
pub(super) fn declare(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let name = reader.name()?;
    let mut options = CursorOptions::default();
    let (mut insensitive, mut asensitive) = (false, false);
    loop {
        let wanted = if reader.take_keywords(&["NO", "SCROLL"]) {
            Some(Scroll::No)
        } else if reader.take_keyword("SCROLL") {
            Some(Scroll::Yes)
        } else {
            None
        };
        match wanted {
            Some(wanted) if options.scroll != Scroll::Unsaid && options.scroll != wanted => {
                return Err(conflict("cannot specify both SCROLL and NO SCROLL"));
            }
            Some(wanted) => options.scroll = wanted,
            None if reader.take_keyword("BINARY") => options.binary = true,
            None if reader.take_keyword("INSENSITIVE") => insensitive = true,
            None if reader.take_keyword("ASENSITIVE") => asensitive = true,
            None => break,
        }
    }
    if insensitive && asensitive {
        return Err(conflict("cannot specify both ASENSITIVE and INSENSITIVE"));
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
        Statement::Change(tag) => Ok(Statement::Unsupported { tag: format!("DECLARE CURSOR for {tag}") }),
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
        return Ok(FetchCount::Forward(Some(1)));
    }
    const WORDS: [(&str, FetchCount); 5] = [
        ("NEXT", FetchCount::Forward(Some(1))),
        ("PRIOR", FetchCount::Backward(Some(1))),
        ("FIRST", FetchCount::Absolute(1)),
        ("LAST", FetchCount::Absolute(-1)),
        ("ALL", FetchCount::Forward(None)),
    ];
    for (keyword, count) in WORDS {
        if reader.take_keyword(keyword) {
            return Ok(count);
        }
    }
    if reader.take_keyword("ABSOLUTE") {
        return Ok(FetchCount::Absolute(signed(reader)?.ok_or_else(|| reader.error())?));
    }
    if reader.take_keyword("RELATIVE") {
        return Ok(FetchCount::Relative(signed(reader)?.ok_or_else(|| reader.error())?));
    }
    let back = reader.take_keyword("BACKWARD");
    if (back || reader.take_keyword("FORWARD")) && reader.take_keyword("ALL") {
        return Ok(if back { FetchCount::Backward(None) } else { FetchCount::Forward(None) });
    }
    let rows = signed(reader)?.unwrap_or(1);
    let count = Some(rows.unsigned_abs());
    Ok(if back == (rows < 0) { FetchCount::Forward(count) } else { FetchCount::Backward(count) })
}

/// A number with its sign, if one comes next.
fn signed(reader: &mut Reader<'_>) -> Result<Option<i64>, SqlError> {
    let negative = reader.take(&Token::Minus);
    let positive = !negative && reader.take(&Token::Plus);
    let Some(count) = reader.take_count() else {
        return if negative || positive { Err(reader.error()) } else { Ok(None) };
    };
    let count = i64::try_from(count).map_err(|_| reader.error())?;
    Ok(Some(if negative { -count } else { count }))
}

fn conflict(message: &str) -> SqlError {
    SqlError::new(Code::InvalidCursorDefinition, message)
}

/// What follows CLOSE.
pub(super) fn close(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keyword("ALL") {
        return Ok(Statement::Close(None));
    }
    Ok(Statement::Close(Some(reader.name()?)))
}
