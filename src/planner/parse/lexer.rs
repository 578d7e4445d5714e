//! Tokens with their places in the text, in bytes and in characters.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::types::{Code, SqlError};

use super::InnerQuery;

/// Most of a text that an error repeats, in characters.
const NEAR_CHARS_MAX: usize = 200;
/// Most places that are tried to find where a token without an end opens.
const OPENINGS_MAX: usize = 20;

/// A token that is neither blank nor comment.
#[derive(Debug, Clone)]
pub(in crate::planner) struct Lexeme {
    /// The token as the engine's parser wants it.
    pub(in crate::planner) token: TokenWithSpan,
    /// First byte.
    start: usize,
    /// Byte behind the last.
    end: usize,
    /// Characters of the text before it.
    chars_before: u32,
}

impl Lexeme {
    /// Its place as errors count it: characters, from 1.
    pub(in crate::planner) fn position(&self) -> u32 {
        self.chars_before + 1
    }

    /// Its text when it is a word without quotes.
    pub(in crate::planner) fn bare_word(&self) -> Option<&str> {
        match &self.token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }
}

/// A text cut into lexemes.
#[derive(Debug)]
pub(in crate::planner) struct Lexer<'a> {
    sql: &'a str,
    lexemes: Vec<Lexeme>,
}

impl<'a> Lexer<'a> {
    /// Cuts a text; fails on an unterminated string or comment.
    pub(in crate::planner) fn new(sql: &'a str) -> Result<Self, SqlError> {
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
        let lexer = Self { sql, lexemes };
        let is_nameless = |lexeme: &&Lexeme| {
            matches!(&lexeme.token.token,
            Token::Word(word) if word.quote_style.is_some() && word.value.is_empty())
        };
        match lexer.lexemes.iter().find(is_nameless) {
            Some(lexeme) => {
                let text = "zero-length delimited identifier at or near \"\"\"\"";
                Err(SqlError::new(Code::SyntaxError, text).at(lexeme.position()))
            }
            None => Ok(lexer),
        }
    }

    /// All lexemes of the text.
    pub(in crate::planner) fn lexemes(&self) -> &[Lexeme] {
        &self.lexemes
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
        InnerQuery { sql, position_offset: i64::from(first.chars_before) }
    }

    /// A syntax error at a lexeme.
    pub(super) fn error_at(&self, lexeme: &Lexeme) -> SqlError {
        let text: String =
            self.sql.get(lexeme.start..lexeme.end).unwrap_or_default().chars().take(NEAR_CHARS_MAX).collect();
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

/// Where a text stops in the middle of a token; the tokenizer may point at the start or at the end.
fn unterminated(sql: &str, error: &TokenizerError) -> SqlError {
    let kind = [
        ("string literal", "quoted string", "'"),
        ("close delimiter", "quoted identifier", "\""),
        ("comment", "/* comment", "/*"),
        ("dollar", "dollar-quoted string", "$"),
    ];
    let message = error.message.to_lowercase();
    let found = kind.iter().find(|(word, ..)| message.contains(word));
    let (mut start, mut characters) = Place::new(sql).advance_to(error.location);
    if let Some((_, _, opening)) = found
        && sql.get(start..).is_some_and(|rest| !rest.starts_with(opening))
        && let Some(opened) = last_opening(sql, opening)
    {
        start = opened;
        characters = u32::try_from(sql.get(..start).unwrap_or_default().chars().count()).unwrap_or(u32::MAX - 1);
    }
    let near: String = sql.get(start..).unwrap_or_default().chars().take(NEAR_CHARS_MAX).collect();
    let what = found.map_or_else(|| String::from("syntax error"), |(_, what, _)| format!("unterminated {what}"));
    SqlError::new(Code::SyntaxError, format!("{what} at or near \"{near}\"")).at(characters + 1)
}

/// Where the token opens that has no end: from there on nothing else opens one.
fn last_opening(sql: &str, opening: &str) -> Option<usize> {
    let dialect = PostgreSqlDialect {};
    let mut places = sql.match_indices(opening).map(|(place, _)| place).take(OPENINGS_MAX);
    places.find(|place| {
        let before = sql.get(..*place).unwrap_or_default();
        Tokenizer::new(&dialect, before).tokenize().is_ok()
            && Tokenizer::new(&dialect, sql.get(*place..).unwrap_or_default()).tokenize().is_err()
    })
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
