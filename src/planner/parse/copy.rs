//! COPY ... TO STDOUT and FROM STDIN: a table or a query, and its options in the new and the old spelling.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::catalog::quote_for_engine;
use crate::types::{Code, SqlError};

use super::super::statement::{CopyInto, CopySource, InnerQuery, Statement};
use super::copy_options::{Given, OptionValue};
use super::{Reader, commands};

/// What follows COPY.
pub(super) fn copy(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    let mut given = Given::default();
    let binary = reader.take_keyword("BINARY");
    if binary {
        given.set("format", OptionValue::Text(String::from("binary")), 0)?;
    }
    if !binary && reader.peek() == Some(&Token::LParen) {
        return match query(reader)? {
            Ok(source) => copy_to(reader, source, given, false),
            Err(unsupported) => Ok(unsupported),
        };
    }
    let named = table(reader)?;
    if reader.take_keyword("FROM") {
        return copy_from(reader, named, given);
    }
    let source = named.source();
    copy_to(reader, source, given, true)
}

/// What follows what is copied to the client.
fn copy_to(
    reader: &mut Reader<'_>,
    source: CopySource,
    mut given: Given,
    is_table: bool,
) -> Result<Statement, SqlError> {
    reader.expect_keyword("TO")?;
    destination(reader, "to a file")?;
    if is_table {
        old_delimiters(reader, &mut given)?;
    }
    options(reader, &mut given)?;
    let place = reader.position();
    if is_table && reader.take_keyword("WHERE") {
        return Err(SqlError::new(Code::SyntaxError, "WHERE clause not allowed with COPY TO").at(place));
    }
    reader.expect_end()?;
    Ok(Statement::Copy { source, options: given.finish(false)? })
}

/// What follows FROM.
fn copy_from(reader: &mut Reader<'_>, named: NamedTable, mut given: Given) -> Result<Statement, SqlError> {
    destination(reader, "from a file")?;
    old_delimiters(reader, &mut given)?;
    options(reader, &mut given)?;
    let condition = reader.take_keyword("WHERE").then(|| reader.expression(&[])).transpose()?;
    reader.expect_end()?;
    let NamedTable { mut name, columns } = named;
    let table = name.pop().unwrap_or_default();
    let options = given.finish(true)?;
    Ok(Statement::CopyFrom(Box::new(CopyInto { schema: name.pop(), table, columns, options, condition })))
}

/// The query in parentheses, or what is said to a statement that cannot stand there.
fn query(reader: &mut Reader<'_>) -> Result<Result<CopySource, Statement>, SqlError> {
    let lexer = reader.lexer();
    let lexemes = reader.parenthesized()?;
    let (kind, inner) = commands::inner_query(&mut Reader::new(lexer, lexemes))?;
    Ok(match kind {
        Statement::Query => Ok(CopySource { inner, table: None }),
        Statement::Change(tag) => Err(Statement::Unsupported { tag: format!("COPY of {tag}") }),
        Statement::Unsupported { tag } => Err(Statement::Unsupported { tag: format!("COPY of {tag}") }),
        _ => Err(Statement::Unsupported { tag: String::from("COPY of this statement") }),
    })
}

/// A table, maybe with some of its columns.
struct NamedTable {
    name: Vec<String>,
    columns: Vec<String>,
}

impl NamedTable {
    /// The query that reads it.
    fn source(&self) -> CopySource {
        let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        let wanted = match self.columns.as_slice() {
            [] => String::from("*"),
            some => some.iter().map(quoted).collect::<Vec<_>>().join(", "),
        };
        let from = self.name.iter().map(quoted).collect::<Vec<_>>().join(".");
        let inner = InnerQuery { sql: format!("SELECT {wanted} FROM {from}"), position_offset: 0 };
        let shown = self.name.iter().map(|part| quote_for_engine(part)).collect::<Vec<_>>().join(".");
        CopySource { inner, table: Some(shown) }
    }
}

fn table(reader: &mut Reader<'_>) -> Result<NamedTable, SqlError> {
    let mut name = vec![reader.name()?];
    while reader.take(&Token::Period) {
        name.push(reader.name()?);
    }
    let columns = if reader.take(&Token::LParen) { names(reader)? } else { Vec::new() };
    for (place, column) in columns.iter().enumerate() {
        if columns.iter().take(place).any(|before| before == column) {
            let text = format!("column \"{column}\" specified more than once");
            return Err(SqlError::new(Code::DuplicateColumn, text));
        }
    }
    Ok(NamedTable { name, columns })
}

/// Names up to the closing parenthesis.
fn names(reader: &mut Reader<'_>) -> Result<Vec<String>, SqlError> {
    let mut names = vec![reader.name()?];
    while reader.take(&Token::Comma) {
        names.push(reader.name()?);
    }
    reader.expect(&Token::RParen)?;
    Ok(names)
}

/// Only the client's own end of the connection: a node writes no files and starts no programs for clients.
fn destination(reader: &mut Reader<'_>, file: &str) -> Result<(), SqlError> {
    const HINT: &str = "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.";
    if reader.take_keyword("STDOUT") || reader.take_keyword("STDIN") {
        return Ok(());
    }
    let what = if reader.take_keyword("PROGRAM") { "to or from an external program" } else { file };
    match reader.peek() {
        Some(Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_)) => {
            Err(SqlError::new(Code::InsufficientPrivilege, format!("permission denied to COPY {what}")).with_hint(HINT))
        }
        _ => Err(reader.error()),
    }
}

fn old_delimiters(reader: &mut Reader<'_>, given: &mut Given) -> Result<(), SqlError> {
    let place = reader.position();
    if reader.take_keywords(&["USING", "DELIMITERS"]) || reader.take_keyword("DELIMITERS") {
        let text = reader.text_literal()?;
        given.set("delimiter", OptionValue::Text(text), place)?;
    }
    Ok(())
}

fn options(reader: &mut Reader<'_>, given: &mut Given) -> Result<(), SqlError> {
    reader.take_keyword("WITH");
    if reader.take(&Token::LParen) {
        return new_options(reader, given);
    }
    while old_option(reader, given)? {}
    Ok(())
}

/// `(NAME value, NAME, ...)`
fn new_options(reader: &mut Reader<'_>, given: &mut Given) -> Result<(), SqlError> {
    loop {
        let place = reader.position();
        let name = reader.name()?;
        let value_place = reader.position();
        let value = match reader.peek() {
            Some(Token::Comma | Token::RParen) => OptionValue::None,
            Some(Token::LParen) => {
                reader.advance();
                OptionValue::Names(names(reader)?)
            }
            Some(Token::Mul) => {
                reader.advance();
                OptionValue::Star
            }
            Some(Token::Number(..) | Token::Plus | Token::Minus) => OptionValue::Text(reader.number_literal()?),
            Some(Token::Word(_)) => OptionValue::Text(reader.name()?),
            _ => OptionValue::Text(reader.text_literal()?),
        };
        given.set_with_value_at(&name, value, place, value_place)?;
        if reader.take(&Token::RParen) {
            return Ok(());
        }
        reader.expect(&Token::Comma)?;
    }
}

/// One option in the spelling before PostgreSQL 9; false when none comes next.
fn old_option(reader: &mut Reader<'_>, given: &mut Given) -> Result<bool, SqlError> {
    const TEXTS: [(&str, &str); 4] =
        [("DELIMITER", "delimiter"), ("NULL", "null"), ("QUOTE", "quote"), ("ESCAPE", "escape")];
    const FORMATS: [(&str, &str); 2] = [("BINARY", "binary"), ("CSV", "csv")];
    const FLAGS: [(&str, &str); 2] = [("HEADER", "header"), ("FREEZE", "freeze")];
    let place = reader.position();
    for (keyword, name) in TEXTS {
        if reader.take_keyword(keyword) {
            reader.take_keyword("AS");
            let text = reader.text_literal()?;
            return given.set(name, OptionValue::Text(text), place).map(|()| true);
        }
    }
    for (keyword, format) in FORMATS {
        if reader.take_keyword(keyword) {
            return given.set("format", OptionValue::Text(format.to_owned()), place).map(|()| true);
        }
    }
    for (keyword, name) in FLAGS {
        if reader.take_keyword(keyword) {
            return given.set(name, OptionValue::None, place).map(|()| true);
        }
    }
    if reader.take_keyword("ENCODING") {
        let text = reader.text_literal()?;
        return given.set("encoding", OptionValue::Text(text), place).map(|()| true);
    }
    if reader.take_keyword("FORCE") {
        let name = if reader.take_keyword("QUOTE") {
            "force_quote"
        } else if reader.take_keywords(&["NOT", "NULL"]) {
            "force_not_null"
        } else {
            reader.expect_keyword("NULL")?;
            "force_null"
        };
        let value = if name == "force_quote" && reader.take(&Token::Mul) {
            OptionValue::Star
        } else {
            let mut names = vec![reader.name()?];
            while reader.take(&Token::Comma) {
                names.push(reader.name()?);
            }
            OptionValue::Names(names)
        };
        return given.set(name, value, place).map(|()| true);
    }
    Ok(false)
}
