//! Walks over the lexemes of one statement.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::catalog::names_nothing;
use crate::types::SqlError;

use super::super::statement::InnerQuery;
use super::{Lexeme, Lexer};

/// A place in a statement that moves forward.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    lexer: &'a Lexer<'a>,
    lexemes: &'a [Lexeme],
    next: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first lexeme.
    pub(super) fn new(lexer: &'a Lexer<'a>, lexemes: &'a [Lexeme]) -> Self {
        Self { lexer, lexemes, next: 0 }
    }

    /// The text that is read.
    pub(super) fn lexer(&self) -> &'a Lexer<'a> {
        self.lexer
    }

    /// The next token, or none at the end.
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.lexemes.get(self.next).map(|lexeme| &lexeme.token.token)
    }

    /// The next word without quotes in upper case, or an empty text.
    pub(super) fn peek_keyword(&self) -> String {
        self.lexemes.get(self.next).and_then(Lexeme::bare_word).unwrap_or_default().to_ascii_uppercase()
    }

    /// The word behind the next lexeme, like [`Self::peek_keyword`].
    pub(super) fn peek_second_keyword(&self) -> String {
        self.lexemes.get(self.next + 1).and_then(Lexeme::bare_word).unwrap_or_default().to_ascii_uppercase()
    }

    /// Whether one of these words without quotes is among the next few lexemes.
    pub(super) fn has_keyword_within(&self, keywords: &[&str], lexemes: usize) -> bool {
        let next = self.lexemes.get(self.next..).unwrap_or_default().iter().take(lexemes);
        next.filter_map(Lexeme::bare_word).any(|word| keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)))
    }

    /// Whether exactly one lexeme is left.
    pub(super) fn is_last(&self) -> bool {
        self.next + 1 == self.lexemes.len()
    }

    /// Takes the next lexeme.
    pub(super) fn advance(&mut self) -> Option<&'a Lexeme> {
        let lexeme = self.lexemes.get(self.next)?;
        self.next += 1;
        Some(lexeme)
    }

    /// Takes a keyword if it comes next.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let matches = self
            .lexemes
            .get(self.next)
            .and_then(Lexeme::bare_word)
            .is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(matches);
        matches
    }

    /// Takes keywords if all of them come next, in order.
    pub(super) fn take_keywords(&mut self, keywords: &[&str]) -> bool {
        let start = self.next;
        let all = keywords.iter().all(|keyword| self.take_keyword(keyword));
        if !all {
            self.next = start;
        }
        all
    }

    /// Takes a keyword that must come next.
    pub(super) fn expect_keyword(&mut self, keyword: &str) -> Result<(), SqlError> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.error()) }
    }

    /// Takes a token if it comes next.
    pub(super) fn take(&mut self, token: &Token) -> bool {
        let matches = self.peek() == Some(token);
        self.next += usize::from(matches);
        matches
    }

    /// Takes a token that must come next.
    pub(super) fn expect(&mut self, token: &Token) -> Result<(), SqlError> {
        if self.take(token) { Ok(()) } else { Err(self.error()) }
    }

    /// Takes a name: folded to lower case unless quoted.
    pub(super) fn name(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.next += 1;
                Ok(if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() })
            }
            _ => Err(self.error()),
        }
    }

    /// Takes the name of something that is made or meant by its name: no reserved word.
    pub(super) fn free_name(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Some(Token::Word(word)) if word.quote_style.is_none() && names_nothing(&word.value.to_lowercase()) => {
                Err(self.error())
            }
            _ => self.name(),
        }
    }

    /// Takes an unsigned number without a fraction.
    pub(super) fn take_count(&mut self) -> Option<u64> {
        match self.peek() {
            Some(Token::Number(digits, _)) => {
                let number = digits.parse().ok()?;
                self.next += 1;
                Some(number)
            }
            _ => None,
        }
    }

    /// Takes a literal of text.
    pub(super) fn text_literal(&mut self) -> Result<String, SqlError> {
        let text = match self.peek() {
            Some(
                Token::SingleQuotedString(text)
                | Token::EscapedStringLiteral(text)
                | Token::NationalStringLiteral(text),
            ) => text.clone(),
            Some(Token::DollarQuotedString(text)) => text.value.clone(),
            _ => return Err(self.error()),
        };
        self.next += 1;
        Ok(text)
    }

    /// Takes a number with its sign, as text.
    pub(super) fn number_literal(&mut self) -> Result<String, SqlError> {
        let sign = if self.take(&Token::Minus) {
            "-"
        } else {
            self.take(&Token::Plus);
            ""
        };
        match self.peek() {
            Some(Token::Number(digits, _)) => {
                self.next += 1;
                Ok(format!("{sign}{digits}"))
            }
            _ => Err(self.error()),
        }
    }

    /// Takes a parenthesis with everything up to its closing one; gives what stands between.
    pub(super) fn parenthesized(&mut self) -> Result<&'a [Lexeme], SqlError> {
        self.expect(&Token::LParen)?;
        let (start, mut depth) = (self.next, 1_usize);
        while let Some(token) = self.peek() {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            self.next += 1;
            if depth == 0 {
                return Ok(self.lexemes.get(start..self.next - 1).unwrap_or_default());
            }
        }
        Err(self.error())
    }

    /// The place of the next lexeme as errors count it.
    pub(super) fn position(&self) -> u32 {
        self.lexemes.get(self.next).map_or(0, Lexeme::position)
    }

    /// The lexemes that are left; the reader is at the end then.
    pub(super) fn rest(&mut self) -> &'a [Lexeme] {
        let rest = self.lexemes.get(self.next..).unwrap_or_default();
        self.next = self.lexemes.len();
        rest
    }

    /// Takes lexemes up to a comma or closing parenthesis outside inner parentheses, as text.
    pub(super) fn argument(&mut self) -> Result<InnerQuery, SqlError> {
        let (start, mut depth) = (self.next, 0_usize);
        while let Some(token) = self.peek() {
            match token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::Comma if depth == 0 => break,
                Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.next += 1;
        }
        if start == self.next {
            return Err(self.error());
        }
        Ok(self.lexer.text_of(self.lexemes.get(start..self.next).unwrap_or_default()))
    }

    /// Takes an expression, as text: up to a comma, a closing parenthesis or one of these words outside
    /// parentheses and CASE, or to the end.
    pub(super) fn expression(&mut self, ends: &[&str]) -> Result<InnerQuery, SqlError> {
        let (start, mut depth, mut cases) = (self.next, 0_usize, 0_usize);
        let mut before = String::new();
        while let Some(token) = self.peek() {
            let word = self.peek_keyword();
            match token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::Comma if depth == 0 => break,
                Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
                // `IS NOT NULL` and a first NULL belong to the expression.
                _ if depth == 0
                    && cases == 0
                    && self.next > start
                    && ends.contains(&word.as_str())
                    && before != "IS"
                    && !(before == "NOT" && word == "NULL") =>
                {
                    break;
                }
                _ if word == "CASE" => cases += 1,
                _ if word == "END" => cases = cases.saturating_sub(1),
                _ => {}
            }
            before = word;
            self.next += 1;
        }
        if start == self.next {
            return Err(self.error());
        }
        Ok(self.lexer.text_of(self.lexemes.get(start..self.next).unwrap_or_default()))
    }

    /// Takes the lexemes up to a last `WITH` that one of these words follows, or to the end.
    pub(super) fn up_to_tail(&mut self, words: &[&str]) -> &'a [Lexeme] {
        let rest = self.lexemes.get(self.next..).unwrap_or_default();
        let is = |lexeme: &Lexeme, word: &str| lexeme.bare_word().is_some_and(|found| found.eq_ignore_ascii_case(word));
        let last = rest.len().saturating_sub(4);
        let tail = (last..rest.len().saturating_sub(1))
            .find(|place| is(&rest[*place], "WITH") && words.iter().any(|word| is(&rest[place + 1], word)));
        let taken = tail.unwrap_or(rest.len());
        self.next += taken;
        rest.get(..taken).unwrap_or_default()
    }

    /// Whether `(a, b, ...)` of names alone comes next, and then no more of a table's definition.
    pub(super) fn is_list_of_names(&self) -> bool {
        let rest = self.lexemes.get(self.next..).unwrap_or_default();
        let mut inside = rest.iter().skip(1);
        loop {
            let is_name = matches!(inside.next().map(|lexeme| &lexeme.token.token), Some(Token::Word(_)));
            match inside.next().map(|lexeme| &lexeme.token.token) {
                Some(Token::Comma) if is_name => {}
                Some(Token::RParen) if is_name => return true,
                _ => return false,
            }
        }
    }

    /// Whether a function's call comes next.
    pub(super) fn is_call(&self) -> bool {
        let token = |place: usize| self.lexemes.get(place).map(|lexeme| &lexeme.token.token);
        let mut place = self.next;
        while matches!(token(place), Some(Token::Word(_))) && token(place + 1) == Some(&Token::Period) {
            place += 2;
        }
        matches!(token(place), Some(Token::Word(_))) && token(place + 1) == Some(&Token::LParen)
    }

    /// Whether nothing is left.
    pub(super) fn at_end(&self) -> bool {
        self.next >= self.lexemes.len()
    }

    /// Fails unless nothing is left.
    pub(super) fn expect_end(&self) -> Result<(), SqlError> {
        if self.at_end() { Ok(()) } else { Err(self.error()) }
    }

    /// A syntax error at the next lexeme.
    pub(super) fn error(&self) -> SqlError {
        match self.lexemes.get(self.next) {
            Some(lexeme) => self.lexer.error_at(lexeme),
            None => self.lexer.error_at_end(self.lexemes),
        }
    }
}
