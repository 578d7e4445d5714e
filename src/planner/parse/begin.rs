//! BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their modes.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::types::SqlError;

use super::super::statement::{AfterEnd, Statement, TransactionModes};
use super::Reader;

/// What follows BEGIN or START TRANSACTION.
pub(super) fn begin(reader: &mut Reader<'_>, tag: &'static str) -> Result<Statement, SqlError> {
    if tag == "BEGIN" {
        skip_noise(reader);
    } else {
        reader.expect_keyword("TRANSACTION")?;
    }
    Ok(Statement::Begin { tag, modes: modes(reader)? })
}

/// ISOLATION LEVEL ..., READ ONLY, DEFERRABLE, in any order, with or without commas.
pub(super) fn modes(reader: &mut Reader<'_>) -> Result<TransactionModes, SqlError> {
    let mut modes = TransactionModes::default();
    while !reader.at_end() {
        if reader.take_keywords(&["ISOLATION", "LEVEL"]) {
            modes.isolation = Some(isolation(reader)?);
        } else if reader.take_keywords(&["READ", "ONLY"]) {
            modes.read_only = Some("on");
        } else if reader.take_keywords(&["READ", "WRITE"]) {
            modes.read_only = Some("off");
        } else if reader.take_keywords(&["NOT", "DEFERRABLE"]) {
            modes.deferrable = Some("off");
        } else if reader.take_keyword("DEFERRABLE") {
            modes.deferrable = Some("on");
        } else {
            return Err(reader.error());
        }
        if reader.take(&Token::Comma) && reader.at_end() {
            return Err(reader.error());
        }
    }
    Ok(modes)
}

fn isolation(reader: &mut Reader<'_>) -> Result<&'static str, SqlError> {
    const LEVELS: [(&[&str], &str); 4] = [
        (&["READ", "COMMITTED"], "read committed"),
        (&["READ", "UNCOMMITTED"], "read uncommitted"),
        (&["REPEATABLE", "READ"], "repeatable read"),
        (&["SERIALIZABLE"], "serializable"),
    ];
    for (keywords, level) in LEVELS {
        if reader.take_keywords(keywords) {
            return Ok(level);
        }
    }
    Err(reader.error())
}

/// What follows COMMIT or END.
pub(super) fn commit(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keyword("PREPARED") {
        reader.rest();
        return Ok(Statement::Unsupported { tag: String::from("COMMIT PREPARED") });
    }
    Ok(Statement::Commit(end(reader)?))
}

/// What follows ROLLBACK or ABORT.
pub(super) fn rollback(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keyword("PREPARED") {
        reader.rest();
        return Ok(Statement::Unsupported { tag: String::from("ROLLBACK PREPARED") });
    }
    skip_noise(reader);
    if reader.take_keyword("TO") {
        reader.take_keyword("SAVEPOINT");
        return Ok(Statement::RollbackTo(reader.name()?));
    }
    Ok(Statement::Rollback(chain(reader)?))
}

fn end(reader: &mut Reader<'_>) -> Result<AfterEnd, SqlError> {
    skip_noise(reader);
    chain(reader)
}

fn skip_noise(reader: &mut Reader<'_>) {
    let _ = reader.take_keyword("WORK") || reader.take_keyword("TRANSACTION");
}

fn chain(reader: &mut Reader<'_>) -> Result<AfterEnd, SqlError> {
    if !reader.take_keyword("AND") {
        return Ok(AfterEnd::Nothing);
    }
    if reader.take_keywords(&["NO", "CHAIN"]) {
        return Ok(AfterEnd::Nothing);
    }
    reader.expect_keyword("CHAIN")?;
    Ok(AfterEnd::Chain)
}

/// What follows RELEASE.
pub(super) fn release(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    reader.take_keyword("SAVEPOINT");
    Ok(Statement::Release(reader.name()?))
}
