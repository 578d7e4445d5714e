//! SQL text -> our own [`Statement`]s, with bounds on length and nesting.
//!
//! A text is split at its semicolons. Queries are checked with the engine's parser, so that a
//! syntax error anywhere stops the whole text before its first statement runs; the small commands
//! of a session are read here token by token. Called by `session`.

mod begin;
mod commands;
mod copy;
mod copy_options;
mod cursors;
mod definitions;
mod explain;
mod lexer;
mod limits;
mod mend;
mod reader;
mod reserved;
mod settings;
mod stored;

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::types::{Code, SqlError};

use super::statement::{InnerQuery, ParsedStatement, Statement};
pub use definitions::CURRENT_ROLE;
pub(super) use definitions::type_of_text;
pub(super) use lexer::{Lexeme, Lexer};
pub(super) use mend::parser;
use reader::Reader;

/// Longest text of SQL in one message, in bytes.
pub const SQL_BYTES_MAX: usize = 1024 * 1024;

/// Splits and reads a text; blanks and comments alone give one [`Statement::Empty`].
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>, SqlError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(SqlError::new(Code::StatementTooComplex, "statement text is too long")
            .with_detail(format!("it has {} bytes, the limit is {SQL_BYTES_MAX}", sql.len())));
    }
    let lexer = Lexer::new(sql)?;
    let mut statements = Vec::new();
    for lexemes in lexer.statements() {
        limits::check(lexemes)?;
        statements.push(parse_one(&lexer, lexemes)?);
    }
    if statements.is_empty() {
        let empty = ParsedStatement { statement: Statement::Empty, sql: String::new(), position_offset: 0 };
        statements.push(empty);
    }
    Ok(statements)
}

fn parse_one(lexer: &Lexer<'_>, lexemes: &[Lexeme]) -> Result<ParsedStatement, SqlError> {
    let mut reader = Reader::new(lexer, lexemes);
    let statement = commands::statement(&mut reader)?;
    let InnerQuery { sql, position_offset } = query_text(lexer, lexemes);
    Ok(ParsedStatement { statement, sql, position_offset })
}

/// The words that `TABLE name` stands for; the engine's parser does not know it.
const TABLE_MEANS: &str = "SELECT * FROM ";

fn starts_with_table(lexemes: &[Lexeme]) -> bool {
    lexemes.first().and_then(Lexeme::bare_word).is_some_and(|word| word.eq_ignore_ascii_case("table"))
}

/// The text of a statement as the engine can read it.
fn query_text(lexer: &Lexer<'_>, lexemes: &[Lexeme]) -> InnerQuery {
    match lexemes.split_first() {
        Some((_, rest)) if starts_with_table(lexemes) => {
            let InnerQuery { sql, position_offset } = lexer.text_of(rest);
            let added = i64::try_from(TABLE_MEANS.len()).unwrap_or_default();
            InnerQuery { sql: format!("{TABLE_MEANS}{sql}"), position_offset: position_offset - added }
        }
        _ => lexer.text_of(lexemes),
    }
}

/// Checks that the lexemes are one query.
fn check_query(lexer: &Lexer<'_>, lexemes: &[Lexeme]) -> Result<Statement, SqlError> {
    let mut tokens: Vec<TokenWithSpan> = lexemes.iter().map(|lexeme| lexeme.token.clone()).collect();
    if starts_with_table(lexemes) {
        let words = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")];
        tokens.splice(..1, words.map(TokenWithSpan::wrap));
    }
    let mut parser = mend::parser_of(tokens);
    let parsed = parser.parse_statement().map_err(|error| syntax_error(lexer, lexemes, &error))?;
    let next = parser.peek_token_ref();
    if next.token != Token::EOF {
        let read = lexemes.iter().position(|lexeme| lexeme.token.span == next.span);
        return Err(error_from(lexer, lexemes, read.unwrap_or_default()));
    }
    reserved::check(lexer, lexemes, &parsed)?;
    match parsed {
        ast::Statement::Query(query) => Ok(query_kind(&query)),
        ast::Statement::Insert(_) => Ok(Statement::Change("INSERT")),
        ast::Statement::Update(_) => Ok(Statement::Change("UPDATE")),
        ast::Statement::Delete(_) => Ok(Statement::Change("DELETE")),
        _ => Ok(Statement::Unsupported { tag: first_word(lexemes) }),
    }
}

fn query_kind(query: &ast::Query) -> Statement {
    match query.body.as_ref() {
        ast::SetExpr::Select(select) if select.into.is_some() => {
            Statement::Unsupported { tag: String::from("SELECT INTO") }
        }
        ast::SetExpr::Insert(_) => Statement::Change("INSERT"),
        ast::SetExpr::Update(_) => Statement::Change("UPDATE"),
        ast::SetExpr::Delete(_) => Statement::Change("DELETE"),
        ast::SetExpr::Merge(_) => Statement::Unsupported { tag: String::from("MERGE") },
        _ => Statement::Query,
    }
}

fn first_word(lexemes: &[Lexeme]) -> String {
    lexemes.first().and_then(Lexeme::bare_word).unwrap_or_default().to_ascii_uppercase()
}

fn syntax_error(lexer: &Lexer<'_>, lexemes: &[Lexeme], error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::RecursionLimitExceeded => {
            return SqlError::new(Code::StatementTooComplex, "statement is nested too deeply");
        }
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let place = place(text);
    let found = place.and_then(|(line, column)| {
        lexemes
            .iter()
            .position(|lexeme| lexeme.token.span.start.line == line && lexeme.token.span.start.column == column)
    });
    match found {
        Some(place) => error_from(lexer, lexemes, place),
        None => lexer.error_at_end(lexemes),
    }
}

/// A syntax error at a lexeme. ORDER and GROUP are fine by themselves; it is what follows them that is not.
fn error_from(lexer: &Lexer<'_>, lexemes: &[Lexeme], place: usize) -> SqlError {
    let word = lexemes.get(place).and_then(Lexeme::bare_word).unwrap_or_default();
    let is_half = word.eq_ignore_ascii_case("order") || word.eq_ignore_ascii_case("group");
    match lexemes.get(if is_half { place + 1 } else { place }) {
        Some(lexeme) => lexer.error_at(lexeme),
        None => lexer.error_at_end(lexemes),
    }
}

/// Line and column in the parser's ` at Line: 1, Column: 8`.
fn place(text: &str) -> Option<(u64, u64)> {
    let (_, place) = text.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let column = column.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests;
