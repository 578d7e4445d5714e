//! Tokens with their places in the text, in bytes and in characters.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::types::{Code, SqlError};

use super::InnerQuery;

/// A token that is neither blank nor comment.
#[derive(Debug, Clone)]
pub(super) struct Lexeme {
    /// The token as the engine's parser wants it.
    pub(super) token: TokenWithSpan,
    /// First byte.
    start: usize,
    /// Byte behind the last.
    end: usize,
    /// Characters of the text before it.
    chars_before: u32,
}

impl Lexeme {
    /// Its place as errors count it: characters, from 1.
    pub(super) fn position(&self) -> u32 {
        self.chars_before + 1
    }

    /// Its text when it is a word without quotes.
    pub(super) fn bare_word(&self) -> Option<&str> {
        match &self.token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }
}

/// A text cut into lexemes.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    sql: &'a str,
    lexemes: Vec<Lexeme>,
}

impl<'a> Lexer<'a> {
    /// Cuts a text; fails on an unterminated string or comment.
    pub(super) fn new(sql: &'a str) -> Result<Self, SqlError> {
        let dialect = PostgreSqlDialect {};
        let tokens =
            Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|error| unterminated(sql, &error))?;
        let mut place = Place::new(sql);
        let mut lexemes = Vec::new();
        for token in tokens {
            if matches!(token.token, Token::Whitespace(_) | Token::EOF) {
                continue;
            }
            let (start, chars_before) = place.advance_to(token.span.start);
            let (end, _) = place.advance_to(token.span.end);
            lexemes.push(Lexeme { token, start, end, chars_before });
        }
        Ok(Self { sql, lexemes })
    }

    /// The lexemes of each statement that is not empty.
    pub(super) fn statements(&self) -> impl Iterator<Item = &[Lexeme]> {
        self.lexemes.split(|lexeme| lexeme.token.token == Token::SemiColon).filter(|lexemes| !lexemes.is_empty())
    }

    /// The text from the first to the last of some neighbouring lexemes.
    pub(super) fn text_of(&self, lexemes: &[Lexeme]) -> InnerQuery {
        let (Some(first), Some(last)) = (lexemes.first(), lexemes.last()) else {
            return InnerQuery { sql: String::new(), position_offset: 0 };
        };
        let sql = self.sql.get(first.start..last.end).unwrap_or_default().to_owned();
        InnerQuery { sql, position_offset: first.chars_before }
    }

    /// A syntax error at a lexeme.
    pub(super) fn error_at(&self, lexeme: &Lexeme) -> SqlError {
        let text: String = self.sql.get(lexeme.start..lexeme.end).unwrap_or_default().chars().take(200).collect();
        SqlError::new(Code::SyntaxError, format!("syntax error at or near \"{text}\"")).at(lexeme.chars_before + 1)
    }

    /// A syntax error behind the last of some lexemes: at the semicolon there, or at the text's end.
    pub(super) fn error_at_end(&self, lexemes: &[Lexeme]) -> SqlError {
        let end = lexemes.last().map_or(0, |lexeme| lexeme.end);
        match self.lexemes.iter().find(|lexeme| lexeme.start >= end) {
            Some(next) if !lexemes.is_empty() => self.error_at(next),
            _ => {
                let characters = u32::try_from(self.sql.chars().count()).unwrap_or(u32::MAX - 1);
                SqlError::new(Code::SyntaxError, "syntax error at end of input").at(characters + 1)
            }
        }
    }
}

fn unterminated(sql: &str, error: &TokenizerError) -> SqlError {
    let (start, characters) = Place::new(sql).advance_to(error.location);
    let near: String = sql.get(start..).unwrap_or_default().chars().take(40).collect();
    SqlError::new(Code::SyntaxError, format!("syntax error at or near \"{near}\""))
        .with_detail(error.message.clone())
        .at(characters + 1)
}

/// Walks a text forward once and translates the tokenizer's lines and columns.
struct Place<'a> {
    rest: std::str::Chars<'a>,
    line: u64,
    column: u64,
    bytes: usize,
    characters: u32,
}

impl<'a> Place<'a> {
    fn new(sql: &'a str) -> Self {
        Self { rest: sql.chars(), line: 1, column: 1, bytes: 0, characters: 0 }
    }

    /// Bytes and characters before a location that is not behind the last one asked for.
    fn advance_to(&mut self, location: Location) -> (usize, u32) {
        while (self.line, self.column) < (location.line, location.column) {
            let Some(next) = self.rest.next() else { break };
            self.bytes += next.len_utf8();
            self.characters = self.characters.saturating_add(1);
            if next == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        (self.bytes, self.characters)
    }
}
