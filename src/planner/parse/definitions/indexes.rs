//! CREATE INDEX.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{CreateIndex, Definition, IndexedKey};
use super::super::Reader;
use super::columns::{index_parameters, nulls_not_distinct};
use super::{column_list, if_not_exists, parenthesized, qualified_name};
use crate::types::SqlError;

/// Words that end the expression of a key.
const KEY_ENDS: &[&str] = &["COLLATE", "ASC", "DESC", "NULLS"];

/// What follows CREATE.
pub(super) fn index(reader: &mut Reader<'_>) -> Result<Definition, SqlError> {
    let unique = reader.take_keyword("UNIQUE");
    reader.expect_keyword("INDEX")?;
    let concurrently = reader.take_keyword("CONCURRENTLY");
    let if_not_exists = if_not_exists(reader);
    let name = if reader.peek_keyword() == "ON" { None } else { Some(reader.name()?) };
    reader.expect_keyword("ON")?;
    reader.take_keyword("ONLY");
    let table = qualified_name(reader)?;
    let method = if reader.take_keyword("USING") { Some(reader.name()?) } else { None };
    reader.expect(&Token::LParen)?;
    let mut keys = vec![key(reader)?];
    while reader.take(&Token::Comma) {
        keys.push(key(reader)?);
    }
    reader.expect(&Token::RParen)?;
    let include = if reader.take_keyword("INCLUDE") { column_list(reader)? } else { Vec::new() };
    let nulls_not_distinct = nulls_not_distinct(reader);
    index_parameters(reader)?;
    if reader.take_keyword("TABLESPACE") {
        reader.name()?;
    }
    let predicate = if reader.take_keyword("WHERE") { Some(reader.expression(&[])?) } else { None };
    let index = CreateIndex {
        name,
        table,
        unique,
        nulls_not_distinct,
        if_not_exists,
        concurrently,
        method,
        keys,
        include,
        predicate,
    };
    Ok(Definition::CreateIndex(Box::new(index)))
}

fn key(reader: &mut Reader<'_>) -> Result<IndexedKey, SqlError> {
    let (mut column, mut expression) = (None, None);
    if reader.peek() == Some(&Token::LParen) {
        expression = Some(parenthesized(reader)?);
    } else if reader.is_call() {
        expression = Some(reader.expression(KEY_ENDS)?);
    } else {
        column = Some(reader.name()?);
    }
    if reader.take_keyword("COLLATE") {
        qualified_name(reader)?;
    }
    // An operator class says how values compare; there is one way for each type.
    let word = reader.peek_keyword();
    if !word.is_empty() && !matches!(word.as_str(), "ASC" | "DESC" | "NULLS") {
        qualified_name(reader)?;
        if reader.peek() == Some(&Token::LParen) {
            super::storage_parameters(reader)?;
        }
    }
    let descending = reader.take_keyword("DESC");
    if !descending {
        reader.take_keyword("ASC");
    }
    let nulls_first = if reader.take_keywords(&["NULLS", "FIRST"]) {
        true
    } else if reader.take_keywords(&["NULLS", "LAST"]) {
        false
    } else {
        descending
    };
    Ok(IndexedKey { column, expression, descending, nulls_first })
}
