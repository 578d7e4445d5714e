//! The first words of a statement decide how the rest is read.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::types::SqlError;

use super::super::statement::{DiscardTarget, InnerQuery, Statement};
use super::{Lexeme, Reader, begin, check_query, copy, cursors, definitions, explain, query_text, settings, stored};

/// Reads one statement.
pub(super) fn statement(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let keyword = reader.peek_keyword();
    match keyword.as_str() {
        "SELECT" | "WITH" | "VALUES" | "TABLE" | "INSERT" | "UPDATE" | "DELETE" => return query(reader),
        "" if reader.peek() == Some(&Token::LParen) => return query(reader),
        "" => return Err(reader.error()),
        _ => {}
    }
    let command = command(reader, &keyword)?;
    reader.expect_end()?;
    Ok(command)
}

fn query(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let lexer = reader.lexer();
    check_query(lexer, reader.rest())
}

fn command(reader: &mut Reader<'_>, keyword: &str) -> Result<Statement, SqlError> {
    let start = reader.advance();
    match keyword {
        "BEGIN" => begin::begin(reader, "BEGIN"),
        "START" => begin::begin(reader, "START TRANSACTION"),
        "COMMIT" | "END" => begin::commit(reader),
        "ROLLBACK" | "ABORT" => begin::rollback(reader),
        "SAVEPOINT" => Ok(Statement::Savepoint(reader.name()?)),
        "RELEASE" => begin::release(reader),
        "SET" => settings::set(reader),
        "SHOW" => settings::show(reader),
        "RESET" => settings::reset(reader),
        "DISCARD" => discard(reader),
        "EXPLAIN" => explain::explain(reader),
        "PREPARE" => prepare(reader),
        "EXECUTE" => execute(reader),
        "DEALLOCATE" => deallocate(reader),
        "DECLARE" => cursors::declare(reader),
        "FETCH" | "MOVE" => cursors::fetch(reader, keyword),
        "CLOSE" => cursors::close(reader),
        "COPY" => copy::copy(reader),
        "LISTEN" => Ok(Statement::Listen(reader.name()?)),
        "NOTIFY" => notify(reader),
        "UNLISTEN" => unlisten(reader),
        "TRUNCATE" => truncate(reader),
        "ALTER" if stored::is_stored(reader) => stored::alter(reader),
        _ => match definitions::definition(reader, keyword)? {
            Some(statement) => Ok(statement),
            None => unsupported(reader, keyword, start),
        },
    }
}

fn discard(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    const TARGETS: [(&str, DiscardTarget); 5] = [
        ("ALL", DiscardTarget::All),
        ("PLANS", DiscardTarget::Nothing("DISCARD PLANS")),
        ("SEQUENCES", DiscardTarget::Nothing("DISCARD SEQUENCES")),
        ("TEMP", DiscardTarget::Nothing("DISCARD TEMP")),
        ("TEMPORARY", DiscardTarget::Nothing("DISCARD TEMP")),
    ];
    let found = TARGETS.into_iter().find(|(keyword, _)| reader.take_keyword(keyword));
    found.map(|(_, target)| Statement::Discard(target)).ok_or_else(|| reader.error())
}

fn notify(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let channel = reader.name()?;
    let payload = if reader.take(&Token::Comma) { reader.text_literal()? } else { String::new() };
    Ok(Statement::Notify { channel, payload })
}

fn unlisten(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take(&Token::Mul) {
        return Ok(Statement::Unlisten(None));
    }
    Ok(Statement::Unlisten(Some(reader.name()?)))
}

fn truncate(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    reader.take_keyword("TABLE");
    let mut tables = Vec::new();
    loop {
        reader.take_keyword("ONLY");
        let first = reader.name()?;
        tables.push(if reader.take(&Token::Period) { (Some(first), reader.name()?) } else { (None, first) });
        reader.take(&Token::Mul);
        if !reader.take(&Token::Comma) {
            break;
        }
    }
    let restart_identity = reader.take_keyword("RESTART");
    if restart_identity || reader.take_keyword("CONTINUE") {
        reader.expect_keyword("IDENTITY")?;
    }
    let cascade = reader.take_keyword("CASCADE");
    if !cascade {
        reader.take_keyword("RESTRICT");
    }
    Ok(Statement::Truncate { tables, restart_identity, cascade })
}

/// Reads the statement that EXPLAIN, PREPARE or DECLARE holds.
pub(super) fn inner_query(reader: &mut Reader<'_>) -> Result<(Statement, InnerQuery), SqlError> {
    let lexer = reader.lexer();
    let lexemes = reader.rest();
    if lexemes.is_empty() {
        return Err(reader.error());
    }
    let mut inner = Reader::new(lexer, lexemes);
    Ok((statement_without_nesting(&mut inner)?, query_text(lexer, lexemes)))
}

/// Queries are read; statements that may not stand inside another are refused.
fn statement_without_nesting(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    match reader.peek_keyword().as_str() {
        "SELECT" | "WITH" | "VALUES" | "TABLE" | "INSERT" | "UPDATE" | "DELETE" => query(reader),
        "" if reader.peek() == Some(&Token::LParen) => query(reader),
        keyword @ ("MERGE" | "CREATE" | "EXECUTE" | "DECLARE" | "REFRESH") => {
            Ok(Statement::Unsupported { tag: keyword.to_owned() })
        }
        _ => Err(reader.error()),
    }
}

fn prepare(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keyword("TRANSACTION") {
        reader.rest();
        return Ok(Statement::Unsupported { tag: String::from("PREPARE TRANSACTION") });
    }
    let name = reader.name()?;
    let mut types = Vec::new();
    if reader.take(&Token::LParen) {
        types = arguments(reader)?;
    }
    reader.expect_keyword("AS")?;
    let (kind, inner) = inner_query(reader)?;
    match kind {
        Statement::Query => Ok(Statement::Prepare { name, types, inner }),
        Statement::Change(tag) => Ok(Statement::Unsupported { tag: format!("PREPARE of {tag}") }),
        Statement::Unsupported { tag } => Ok(Statement::Unsupported { tag: format!("PREPARE of {tag}") }),
        _ => Ok(Statement::Unsupported { tag: String::from("PREPARE of this statement") }),
    }
}

/// Texts up to the closing parenthesis.
fn arguments(reader: &mut Reader<'_>) -> Result<Vec<InnerQuery>, SqlError> {
    let mut arguments = Vec::new();
    if reader.take(&Token::RParen) {
        return Ok(arguments);
    }
    loop {
        arguments.push(reader.argument()?);
        if reader.take(&Token::RParen) {
            return Ok(arguments);
        }
        reader.expect(&Token::Comma)?;
    }
}

fn execute(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let (name, arguments) = executed(reader)?;
    Ok(Statement::Execute { name, arguments })
}

/// The name and the arguments behind EXECUTE.
pub(super) fn executed(reader: &mut Reader<'_>) -> Result<(String, Vec<InnerQuery>), SqlError> {
    let name = reader.name()?;
    let arguments = if reader.take(&Token::LParen) { arguments(reader)? } else { Vec::new() };
    Ok((name, arguments))
}

fn deallocate(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    reader.take_keyword("PREPARE");
    if reader.take_keyword("ALL") {
        return Ok(Statement::Deallocate(None));
    }
    Ok(Statement::Deallocate(Some(reader.name()?)))
}

/// Commands of PostgreSQL that a client may rightly try; anything else is a syntax error.
const KNOWN: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "ANALYSE",
    "CALL",
    "CHECKPOINT",
    "CLUSTER",
    "COMMENT",
    "CREATE",
    "DO",
    "DROP",
    "GRANT",
    "IMPORT",
    "LOAD",
    "LOCK",
    "MERGE",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "REVOKE",
    "SECURITY",
    "VACUUM",
];
/// Commands whose tag has a second word.
const WITH_OBJECT: &[&str] = &["ALTER", "CREATE", "DROP", "REFRESH", "REASSIGN", "IMPORT", "SECURITY"];

fn unsupported(reader: &mut Reader<'_>, keyword: &str, start: Option<&Lexeme>) -> Result<Statement, SqlError> {
    if !KNOWN.contains(&keyword) {
        return Err(start.map_or_else(|| reader.error(), |lexeme| reader.lexer().error_at(lexeme)));
    }
    if reader.at_end() && !matches!(keyword, "CHECKPOINT" | "VACUUM" | "ANALYZE" | "ANALYSE" | "CLUSTER") {
        return Err(reader.error());
    }
    let object = reader.peek_keyword();
    reader.rest();
    let tag = if WITH_OBJECT.contains(&keyword) && !object.is_empty() {
        format!("{keyword} {object}")
    } else {
        keyword.to_owned()
    };
    Ok(Statement::Unsupported { tag })
}
