//! CREATE, ALTER, DROP, COMMENT ON and what is like them, as values without a catalog.

mod alter;
mod columns;
mod create;
mod drop;
mod indexes;
mod maintain;
mod sequences;
mod tables;
mod types;
#[cfg(test)]
mod tests;

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::definition::{ObjectKind, QualifiedName, TypeReference};
use super::super::statement::{InnerQuery, Statement};
use super::{Lexeme, Lexer, Reader};
use crate::types::{Code, SqlError};

/// Reads a statement that begins with this keyword, which was taken; none when it is of another kind, and then
/// nothing more was taken.
pub(super) fn definition(reader: &mut Reader<'_>, keyword: &str) -> Result<Option<Statement>, SqlError> {
    let definition = match keyword {
        "CREATE" => create::create(reader)?,
        "ALTER" => alter::alter(reader)?,
        "DROP" => drop::drop_objects(reader)?,
        "COMMENT" => drop::comment(reader)?,
        "ANALYZE" | "ANALYSE" | "VACUUM" | "REINDEX" | "CLUSTER" => Some(maintain::maintain(reader, keyword)?),
        "LOCK" => Some(maintain::lock(reader)?),
        _ => None,
    };
    Ok(definition.map(|definition| Statement::Define(Box::new(definition))))
}

/// A type from its text alone.
pub(in crate::planner) fn type_of_text(text: &str) -> Result<TypeReference, SqlError> {
    let lexer = Lexer::new(text)?;
    let mut reader = Reader::new(&lexer, lexer.lexemes());
    let reference = types::type_reference(&mut reader)?;
    reader.expect_end()?;
    Ok(reference)
}

/// Takes a name of up to three parts.
fn qualified_name(reader: &mut Reader<'_>) -> Result<QualifiedName, SqlError> {
    let position = reader.position();
    let mut parts = vec![reader.free_name()?];
    while reader.take(&Token::Period) {
        parts.push(reader.name()?);
    }
    let written = parts.join(".");
    let name = parts.pop().unwrap_or_default();
    let (schema, database) = (parts.pop(), parts.pop());
    if !parts.is_empty() {
        let text = format!("improper qualified name (too many dotted names): {written}");
        return Err(SqlError::new(Code::SyntaxError, text).at(position));
    }
    Ok(QualifiedName { database, schema, name, position })
}

/// Takes `[database.][schema.]table.column`; a bare name is an error with this text.
fn column_name(
    reader: &mut Reader<'_>,
    otherwise: &str,
    hint: Option<&str>,
) -> Result<(QualifiedName, String), SqlError> {
    let position = reader.position();
    let mut parts = vec![reader.free_name()?];
    while reader.take(&Token::Period) {
        parts.push(reader.name()?);
    }
    let column = parts.pop().unwrap_or_default();
    let Some(name) = parts.pop() else {
        let error = SqlError::new(Code::SyntaxError, otherwise);
        return Err(hint.map_or_else(|| error.clone(), |hint| error.clone().with_hint(hint)));
    };
    let (schema, database) = (parts.pop(), parts.pop());
    Ok((QualifiedName { database, schema, name, position }, column))
}

/// Takes names between commas.
fn qualified_names(reader: &mut Reader<'_>) -> Result<Vec<QualifiedName>, SqlError> {
    let mut names = vec![qualified_name(reader)?];
    while reader.take(&Token::Comma) {
        names.push(qualified_name(reader)?);
    }
    Ok(names)
}

/// Takes `(name, name, ...)`.
fn column_list(reader: &mut Reader<'_>) -> Result<Vec<String>, SqlError> {
    reader.expect(&Token::LParen)?;
    let mut names = vec![reader.free_name()?];
    while reader.take(&Token::Comma) {
        names.push(reader.free_name()?);
    }
    reader.expect(&Token::RParen)?;
    Ok(names)
}

/// Takes an expression in parentheses.
fn parenthesized(reader: &mut Reader<'_>) -> Result<InnerQuery, SqlError> {
    let start = reader.error();
    let lexer = reader.lexer();
    let inside: &[Lexeme] = reader.parenthesized()?;
    if inside.is_empty() { Err(start) } else { Ok(lexer.text_of(inside)) }
}

/// Takes a role's name.
fn role(reader: &mut Reader<'_>) -> Result<String, SqlError> {
    match reader.peek_keyword().as_str() {
        word @ ("CURRENT_USER" | "CURRENT_ROLE" | "SESSION_USER") => {
            reader.take_keyword(word);
            Ok(CURRENT_ROLE.to_owned())
        }
        _ => reader.name(),
    }
}

/// Stands for the role of the session, which no role can be called.
pub const CURRENT_ROLE: &str = "$current";

fn if_exists(reader: &mut Reader<'_>) -> bool {
    reader.take_keywords(&["IF", "EXISTS"])
}

fn if_not_exists(reader: &mut Reader<'_>) -> bool {
    reader.take_keywords(&["IF", "NOT", "EXISTS"])
}

/// Takes CASCADE or RESTRICT.
fn cascade(reader: &mut Reader<'_>) -> bool {
    let cascade = reader.take_keyword("CASCADE");
    if !cascade {
        reader.take_keyword("RESTRICT");
    }
    cascade
}

/// Takes `(name = value, name, ...)`; names may have a dot.
fn storage_parameters(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, SqlError> {
    reader.expect(&Token::LParen)?;
    let mut options = Vec::new();
    loop {
        let mut name = reader.name()?;
        while reader.take(&Token::Period) {
            name = format!("{name}.{}", reader.name()?);
        }
        let value = if reader.take(&Token::Eq) { option_value(reader)? } else { String::from("true") };
        options.push((name, value));
        if reader.take(&Token::RParen) {
            return Ok(options);
        }
        reader.expect(&Token::Comma)?;
    }
}

/// Takes the value of an option: a word, a text or a number.
fn option_value(reader: &mut Reader<'_>) -> Result<String, SqlError> {
    match reader.peek() {
        Some(Token::Word(_)) => reader.name(),
        Some(Token::Number(..) | Token::Minus | Token::Plus) => reader.number_literal(),
        _ => reader.text_literal(),
    }
}

/// Takes a whole number with its sign.
fn whole_number(reader: &mut Reader<'_>) -> Result<i64, SqlError> {
    let error = reader.error();
    reader.number_literal()?.parse().map_err(|_| error)
}

/// What is PostgreSQL's but not ours.
fn unsupported(what: impl std::fmt::Display) -> SqlError {
    SqlError::new(Code::FeatureNotSupported, format!("{what} is not supported"))
}

/// The kind of object that words such as `TABLE` or `MATERIALIZED VIEW` name, if they do; they are taken then.
fn object_kind(reader: &mut Reader<'_>) -> Option<ObjectKind> {
    if reader.take_keywords(&["MATERIALIZED", "VIEW"]) {
        return Some(ObjectKind::MaterializedView);
    }
    let kinds = [
        ("DATABASE", ObjectKind::Database),
        ("SCHEMA", ObjectKind::Schema),
        ("TABLE", ObjectKind::Table),
        ("VIEW", ObjectKind::View),
        ("INDEX", ObjectKind::Index),
        ("SEQUENCE", ObjectKind::Sequence),
        ("TYPE", ObjectKind::Type),
        ("DOMAIN", ObjectKind::Domain),
    ];
    kinds.into_iter().find(|(word, _)| reader.take_keyword(word)).map(|(_, kind)| kind)
}
