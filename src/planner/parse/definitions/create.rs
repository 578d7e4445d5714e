//! CREATE of databases, schemas, views, types and domains; what it reads first decides the rest.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{CreateView, Definition};
use super::super::super::statement::InnerQuery;
use super::super::{Reader, check_query, query_text};
use super::{
    column_list, columns, if_not_exists, indexes, option_value, qualified_name, role, sequences, storage_parameters,
    tables, types, unsupported,
};
use crate::types::SqlError;

/// What follows CREATE.
pub(super) fn create(reader: &mut Reader<'_>) -> Result<Option<Definition>, SqlError> {
    let definition = match reader.peek_keyword().as_str() {
        "DATABASE" => database(reader)?,
        "SCHEMA" => schema(reader)?,
        "TYPE" => enumeration(reader)?,
        "DOMAIN" => domain(reader)?,
        "UNIQUE" | "INDEX" => indexes::index(reader)?,
        "MATERIALIZED" => return Err(unsupported("CREATE MATERIALIZED VIEW")),
        "OR" if reader.peek_second_keyword() == "REPLACE" && reader.has_keyword_within(&["VIEW"], 4) => {
            reader.take_keywords(&["OR", "REPLACE"]);
            let temporary = temporary(reader);
            view(reader, temporary, true)?
        }
        "RECURSIVE" if reader.peek_second_keyword() == "VIEW" => return Err(unsupported("CREATE RECURSIVE VIEW")),
        "VIEW" | "TABLE" | "SEQUENCE" => relation(reader, false)?,
        "UNLOGGED" if reader.take_keyword("UNLOGGED") => relation(reader, false)?,
        "TEMP" | "TEMPORARY" | "LOCAL" | "GLOBAL" => {
            let temporary = temporary(reader);
            relation(reader, temporary)?
        }
        _ => return Ok(None),
    };
    Ok(Some(definition))
}

fn temporary(reader: &mut Reader<'_>) -> bool {
    if !reader.take_keyword("LOCAL") {
        reader.take_keyword("GLOBAL");
    }
    reader.take_keyword("TEMP") || reader.take_keyword("TEMPORARY")
}

fn relation(reader: &mut Reader<'_>, temporary: bool) -> Result<Definition, SqlError> {
    if reader.take_keyword("TABLE") {
        return tables::table(reader, temporary);
    }
    if reader.take_keyword("SEQUENCE") {
        let if_not_exists = if_not_exists(reader);
        let name = qualified_name(reader)?;
        let options = Box::new(sequences::options(reader)?);
        return Ok(Definition::CreateSequence { name, options, temporary, if_not_exists });
    }
    view(reader, temporary, false)
}

fn view(reader: &mut Reader<'_>, temporary: bool, or_replace: bool) -> Result<Definition, SqlError> {
    reader.expect_keyword("VIEW")?;
    let name = qualified_name(reader)?;
    let columns = if reader.peek() == Some(&Token::LParen) { column_list(reader)? } else { Vec::new() };
    if reader.take_keyword("WITH") {
        storage_parameters(reader)?;
    }
    reader.expect_keyword("AS")?;
    let query = query(reader, &["WITH", "CHECK"])?;
    if reader.take_keyword("WITH") {
        return Err(unsupported("WITH CHECK OPTION"));
    }
    Ok(Definition::CreateView(Box::new(CreateView { name, temporary, or_replace, columns, query })))
}

/// Takes the query that is the rest of the statement, or ends with `WITH` and one of these words.
pub(super) fn query(reader: &mut Reader<'_>, tail: &[&str]) -> Result<InnerQuery, SqlError> {
    let lexer = reader.lexer();
    let lexemes = reader.up_to_tail(tail);
    if lexemes.is_empty() {
        return Err(reader.error());
    }
    check_query(lexer, lexemes)?;
    Ok(query_text(lexer, lexemes))
}

fn database(reader: &mut Reader<'_>) -> Result<Definition, SqlError> {
    reader.expect_keyword("DATABASE")?;
    let name = reader.name()?;
    reader.take_keyword("WITH");
    let (mut owner, mut options) = (None, Vec::new());
    while !reader.at_end() {
        if reader.take_keyword("OWNER") {
            reader.take(&Token::Eq);
            owner = Some(role(reader)?);
            continue;
        }
        let mut option = reader.name()?;
        if option == "connection" {
            reader.expect_keyword("LIMIT")?;
            option = String::from("connection limit");
        }
        reader.take(&Token::Eq);
        options.push((option, option_value(reader)?));
    }
    Ok(Definition::CreateDatabase { name, owner, options })
}

fn schema(reader: &mut Reader<'_>) -> Result<Definition, SqlError> {
    reader.expect_keyword("SCHEMA")?;
    let if_not_exists = if_not_exists(reader);
    let name = if reader.peek_keyword() == "AUTHORIZATION" { None } else { Some(reader.name()?) };
    let owner = if reader.take_keyword("AUTHORIZATION") { Some(role(reader)?) } else { None };
    if name.is_none() && owner.is_none() {
        return Err(reader.error());
    }
    if matches!(reader.peek_keyword().as_str(), "CREATE" | "GRANT") {
        return Err(unsupported("CREATE SCHEMA with elements"));
    }
    Ok(Definition::CreateSchema { name, owner, if_not_exists })
}

fn enumeration(reader: &mut Reader<'_>) -> Result<Definition, SqlError> {
    reader.expect_keyword("TYPE")?;
    let name = qualified_name(reader)?;
    if !reader.take_keywords(&["AS", "ENUM"]) {
        reader.rest();
        return Err(unsupported("CREATE TYPE of another kind than ENUM"));
    }
    reader.expect(&Token::LParen)?;
    let mut labels = Vec::new();
    if !reader.take(&Token::RParen) {
        labels.push(reader.text_literal()?);
        while reader.take(&Token::Comma) {
            labels.push(reader.text_literal()?);
        }
        reader.expect(&Token::RParen)?;
    }
    Ok(Definition::CreateEnum { name, labels })
}

fn domain(reader: &mut Reader<'_>) -> Result<Definition, SqlError> {
    reader.expect_keyword("DOMAIN")?;
    let name = qualified_name(reader)?;
    reader.take_keyword("AS");
    let base = types::type_reference(reader)?;
    Ok(Definition::CreateDomain { name, base, rules: columns::rules(reader)? })
}
