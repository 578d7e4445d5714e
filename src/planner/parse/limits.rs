//! Bounds on how deep the tree of a statement can become.
//!
//! The engine's parser bounds its own recursion, but a chain such as `1+1+1+...` grows a tree as
//! deep as the chain is long without recursing; walking or dropping that tree would then exhaust
//! the stack. So the links of chains are counted before anything is parsed. A list's elements
//! stand side by side, so the longest of them counts.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::types::{Code, SqlError};

use super::Lexeme;

/// Deepest nesting of parentheses and brackets.
const NESTING_MAX: usize = 200;
/// Longest chain of operators, casts, joins and set operations.
const LINKS_MAX: usize = 3_000;

/// What stands between one pair of parentheses.
#[derive(Debug, Default)]
struct Level {
    /// Links of the list element that is being read.
    element: usize,
    /// Links of the longest element before it.
    longest: usize,
    /// Links that commas do not end: set operations, joins, tables.
    steady: usize,
    /// Reading the tables of a FROM.
    in_from: bool,
}

impl Level {
    fn links(&self) -> usize {
        self.longest.max(self.element) + self.steady
    }

    fn next_element(&mut self) {
        self.longest = self.longest.max(self.element);
        self.element = 0;
    }
}

/// Refuses a statement whose tree could become too deep.
pub(super) fn check(lexemes: &[Lexeme]) -> Result<(), SqlError> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    for lexeme in lexemes {
        match &lexeme.token.token {
            Token::LParen | Token::LBracket => outer.push(std::mem::take(&mut level)),
            Token::RParen | Token::RBracket => {
                let inner = level.links();
                level = outer.pop().unwrap_or_default();
                level.element += inner + usize::from(lexeme.token.token == Token::RBracket);
            }
            Token::Comma if level.in_from => level.steady += 1,
            Token::Comma => level.next_element(),
            Token::Word(word) if word.quote_style.is_none() => keyword(&mut level, &word.value),
            token => level.element += usize::from(is_operator(token)),
        }
        if outer.len() > NESTING_MAX || level.links() > LINKS_MAX {
            return Err(SqlError::new(Code::StatementTooComplex, "statement is nested too deeply"));
        }
    }
    Ok(())
}

fn keyword(level: &mut Level, word: &str) {
    match word.to_ascii_uppercase().as_str() {
        "FROM" => level.in_from = true,
        "WHERE" | "GROUP" | "ORDER" | "HAVING" | "LIMIT" | "WINDOW" | "SELECT" => level.in_from = false,
        "JOIN" => level.steady += 1,
        "UNION" | "EXCEPT" | "INTERSECT" => {
            level.in_from = false;
            level.steady += 1;
        }
        "AND" | "OR" | "NOT" | "COLLATE" | "IS" | "AT" | "LIKE" | "ILIKE" | "BETWEEN" => level.element += 1,
        _ => {}
    }
}

/// Anything that is neither a literal nor a name: every such token may add a level.
fn is_operator(token: &Token) -> bool {
    !matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::DollarQuotedString(_)
            | Token::Word(_)
            | Token::Number(..)
            | Token::Placeholder(_)
            | Token::Period
            | Token::SemiColon
    )
}
