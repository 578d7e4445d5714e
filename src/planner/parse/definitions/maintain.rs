//! ANALYZE, VACUUM, REINDEX, CLUSTER and LOCK.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{Definition, ObjectKind};
use super::super::Reader;
use super::{column_list, object_kind, qualified_name};
use crate::types::SqlError;

/// Words between VACUUM or ANALYZE and the tables.
const OPTIONS: &[&str] = &["FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE"];
/// The modes of LOCK TABLE.
const LOCK_MODES: &[&[&str]] = &[
    &["ACCESS", "SHARE"],
    &["ROW", "SHARE"],
    &["ROW", "EXCLUSIVE"],
    &["SHARE", "UPDATE", "EXCLUSIVE"],
    &["SHARE", "ROW", "EXCLUSIVE"],
    &["SHARE"],
    &["EXCLUSIVE"],
    &["ACCESS", "EXCLUSIVE"],
];

/// What follows one of these keywords.
pub(super) fn maintain(reader: &mut Reader<'_>, keyword: &str) -> Result<Definition, SqlError> {
    let mut targets = Vec::new();
    if reader.peek() == Some(&Token::LParen) {
        reader.parenthesized()?;
    }
    if keyword == "REINDEX" {
        let system = reader.take_keyword("SYSTEM");
        let kind = if system { ObjectKind::Database } else { object_kind(reader).ok_or_else(|| reader.error())? };
        let alone = reader.take_keyword("CONCURRENTLY") || kind == ObjectKind::Database || kind == ObjectKind::Schema;
        targets.push((kind, qualified_name(reader)?, Vec::new()));
        return Ok(Definition::Maintain { tag: "REINDEX", targets, alone });
    }
    while OPTIONS.iter().any(|option| reader.take_keyword(option)) {}
    if !reader.at_end() {
        targets.push(target(reader)?);
        while reader.take(&Token::Comma) {
            targets.push(target(reader)?);
        }
        if keyword == "CLUSTER" && reader.take_keyword("USING") {
            reader.name()?;
        }
    }
    let (tag, alone) = match keyword {
        "VACUUM" => ("VACUUM", true),
        "CLUSTER" => ("CLUSTER", false),
        _ => ("ANALYZE", false),
    };
    Ok(Definition::Maintain { tag, targets, alone })
}

fn target(reader: &mut Reader<'_>) -> Result<(ObjectKind, super::QualifiedName, Vec<String>), SqlError> {
    let name = qualified_name(reader)?;
    let columns = if reader.peek() == Some(&Token::LParen) { column_list(reader)? } else { Vec::new() };
    Ok((ObjectKind::Table, name, columns))
}

/// What follows LOCK.
pub(super) fn lock(reader: &mut Reader<'_>) -> Result<Definition, SqlError> {
    reader.take_keyword("TABLE");
    let mut names = Vec::new();
    loop {
        reader.take_keyword("ONLY");
        names.push(qualified_name(reader)?);
        reader.take(&Token::Mul);
        if !reader.take(&Token::Comma) {
            break;
        }
    }
    if reader.take_keyword("IN") {
        if !LOCK_MODES.iter().any(|mode| reader.take_keywords(mode)) {
            return Err(reader.error());
        }
        reader.expect_keyword("MODE")?;
    }
    reader.take_keyword("NOWAIT");
    Ok(Definition::Lock { names })
}
