//! Where in a statement's text an error is, when the engine does not say: found by what it names.
//!
//! PostgreSQL points at the first name, operator or literal that it cannot use. The engine's errors
//! name it, so its first place in the text is what is meant.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::planner::parse::{Lexeme, Lexer};
use crate::types::{Code, SqlError};

/// The place of an error in a text, as a count of characters from 1.
pub(super) fn find(error: &SqlError, sql: &str) -> Option<u32> {
    let lexer = Lexer::new(sql).ok()?;
    let lexemes = lexer.lexemes();
    match error.code {
        Code::UndefinedColumn | Code::AmbiguousColumn | Code::GroupingError => {
            in_clause(error, lexemes).or_else(|| name(lexemes, first_quoted_or_dotted(&error.message)?))
        }
        Code::UndefinedTable | Code::InvalidSchemaName => name(lexemes, first_quoted_or_dotted(&error.message)?),
        Code::UndefinedFunction => match error.message.strip_prefix("operator does not exist: ") {
            Some(expression) => operator(lexemes, expression),
            None => call(lexemes, function_name(&error.message)?).map(Lexeme::position),
        },
        Code::UndefinedParameter => {
            let number = error.message.rsplit(' ').next()?;
            let found = |lexeme: &&Lexeme| matches!(&lexeme.token.token, Token::Placeholder(text) if text == number);
            lexemes.iter().find(found).map(Lexeme::position)
        }
        Code::UndefinedObject if error.message.starts_with("type ") => {
            named(lexemes, first_quoted_or_dotted(&error.message)?, |_| true)
        }
        Code::InvalidTextRepresentation
        | Code::InvalidDatetimeFormat
        | Code::DatetimeFieldOverflow
        | Code::NumericValueOutOfRange => {
            let (_, rest) = error.message.split_once('"')?;
            literal(lexemes, rest.rsplit_once('"')?.0)
        }
        Code::WrongObjectType => call(lexemes, function_name(&error.message)?).map(Lexeme::position),
        Code::DatatypeMismatch | Code::InvalidColumnReference | Code::SyntaxError | Code::CannotCoerce => {
            in_clause(error, lexemes)
        }
        _ => None,
    }
}

/// The name in quotes in a message, else the word with dots in it: `column l.x does not exist`.
fn first_quoted_or_dotted(message: &str) -> Option<&str> {
    if let Some((_, rest)) = message.split_once('"') {
        return rest.split_once('"').map(|(name, _)| name);
    }
    message.split(' ').find(|word| word.contains('.'))
}

/// The name in `function a.b(integer) does not exist`.
fn function_name(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("function ").or_else(|| message.strip_prefix("window function "))?;
    rest.split(['(', ' ']).next()?.rsplit('.').next()
}

fn word(lexeme: &Lexeme) -> Option<String> {
    match &lexeme.token.token {
        Token::Word(word) if word.quote_style.is_some() => Some(word.value.clone()),
        Token::Word(word) => Some(word.value.to_lowercase()),
        _ => None,
    }
}

/// The first place where a column or table is used; behind AS a name is only made.
fn name(lexemes: &[Lexeme], name: &str) -> Option<u32> {
    named(lexemes, name, |before| word(before).as_deref() != Some("as"))
}

/// The first place where a name with all its parts is written behind what may stand before it, or its
/// last part alone.
fn named(lexemes: &[Lexeme], name: &str, may_follow: impl Fn(&Lexeme) -> bool) -> Option<u32> {
    let parts: Vec<&str> = name.split('.').map(|part| part.trim_matches('"')).collect();
    let starts = |start: &usize| {
        parts.iter().enumerate().all(|(index, part)| {
            lexemes.get(start + index * 2).and_then(word).is_some_and(|word| word == *part)
                && (index == 0
                    || lexemes.get(start + index * 2 - 1).is_some_and(|between| between.token.token == Token::Period))
        })
    };
    // A name behind a dot is part of another one.
    let alone = |start: &usize| {
        let before = start.checked_sub(1).and_then(|before| lexemes.get(before));
        before.is_none_or(|before| before.token.token != Token::Period && may_follow(before))
    };
    if let Some(start) = (0..lexemes.len()).filter(alone).find(starts) {
        return lexemes.get(start).map(Lexeme::position);
    }
    let last = parts.last()?;
    lexemes.iter().find(|lexeme| word(lexeme).is_some_and(|word| word == *last)).map(Lexeme::position)
}

/// The first call of a function, with the schema that may stand before its name.
fn call<'a>(lexemes: &'a [Lexeme], name: &str) -> Option<&'a Lexeme> {
    let place = lexemes
        .windows(2)
        .position(|pair| word(&pair[0]).is_some_and(|word| word == name) && pair[1].token.token == Token::LParen)?;
    let qualified = place >= 2 && lexemes.get(place - 1).is_some_and(|before| before.token.token == Token::Period);
    lexemes.get(if qualified { place - 2 } else { place })
}

/// The one place of an operator; none when there are several, of which any may be meant.
fn operator(lexemes: &[Lexeme], expression: &str) -> Option<u32> {
    let symbol = expression.split(' ').find(|word| !word.is_empty() && !word.chars().any(char::is_alphanumeric))?;
    let mut found = lexemes.iter().filter(|lexeme| lexeme.token.token.to_string() == symbol);
    let first = found.next()?;
    found.next().is_none().then(|| first.position())
}

/// The first literal with this text, unless it is made a text of before it is read.
fn literal(lexemes: &[Lexeme], value: &str) -> Option<u32> {
    let place = lexemes.iter().position(|lexeme| match &lexeme.token.token {
        Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => {
            text == value || (text.starts_with('{') && text.contains(value))
        }
        _ => false,
    })?;
    let is_text = lexemes.get(place + 1).is_some_and(|next| next.token.token == Token::DoubleColon)
        && lexemes.get(place + 2).and_then(word).is_some_and(|kind| kind == "text");
    if is_text { None } else { lexemes.get(place).map(Lexeme::position) }
}

/// Errors that name a clause: the first thing behind its words that fits.
fn in_clause(error: &SqlError, lexemes: &[Lexeme]) -> Option<u32> {
    let behind = |clause: &str| {
        let place = lexemes.iter().position(|lexeme| word(lexeme).is_some_and(|word| word == clause))?;
        lexemes.get(place + 1..)
    };
    let message = error.message.as_str();
    if message.starts_with("argument of WHERE") {
        return behind("where")?.first().map(Lexeme::position);
    }
    if message.starts_with("argument of NOT") {
        return behind("not")?.first().map(Lexeme::position);
    }
    if message.starts_with("aggregate functions are not allowed in WHERE") {
        let found = behind("where")?.windows(2).find(|pair| {
            pair[1].token.token == Token::LParen
                && word(&pair[0]).is_some_and(|name| matches!(name.as_str(), "count" | "sum" | "avg" | "min" | "max"))
        })?;
        return found.first().map(Lexeme::position);
    }
    if message.starts_with("aggregate function calls cannot be nested") {
        let found = lexemes.windows(3).find(|three| {
            three[1].token.token == Token::LParen && three[0].bare_word().is_some() && three[2].bare_word().is_some()
        })?;
        return found.get(2).map(Lexeme::position);
    }
    if let Some((_, rest)) = message.split_once("each ")
        && let Some((operation, _)) = rest.split_once(" query must have")
    {
        let next = behind(&operation.to_lowercase())?;
        let skipped = |lexeme: &&Lexeme| !matches!(word(lexeme).as_deref(), Some("all" | "distinct" | "select"));
        return next.iter().find(skipped).map(Lexeme::position);
    }
    if message.starts_with("for SELECT DISTINCT, ORDER BY expressions") {
        return behind("order")?.get(1).map(Lexeme::position);
    }
    if message.starts_with("subquery ") {
        return subquery(lexemes, message.contains("too many"));
    }
    if message.starts_with("cannot cast type") {
        let mut casts = lexemes.iter().filter(|lexeme| lexeme.token.token == Token::DoubleColon);
        let first = casts.next()?;
        return casts.next().is_none().then(|| first.position());
    }
    let (clause, number) = message.split_once(" BY position ")?;
    let number = number.split(' ').next()?;
    let digits = |lexeme: &&Lexeme| matches!(&lexeme.token.token, Token::Number(digits, _) if digits == number);
    behind(&clause.to_lowercase())?.iter().find(digits).map(Lexeme::position)
}

/// The parenthesis before the first subquery, or the IN before it.
fn subquery(lexemes: &[Lexeme], behind_in: bool) -> Option<u32> {
    let place = lexemes.windows(2).enumerate().position(|(place, pair)| {
        pair[0].token.token == Token::LParen
            && word(&pair[1]).as_deref() == Some("select")
            && (!behind_in || is_in(lexemes, place))
    })?;
    lexemes.get(if behind_in { place - 1 } else { place }).map(Lexeme::position)
}

fn is_in(lexemes: &[Lexeme], place: usize) -> bool {
    let before = place.checked_sub(1).and_then(|before| lexemes.get(before));
    before.and_then(word).as_deref() == Some("in")
}

/// A called function's name with the schema that is written before it.
pub(super) fn written_function(sql: &str, name: &str) -> Option<String> {
    let lexer = Lexer::new(sql).ok()?;
    let schema = word(call(lexer.lexemes(), name)?).filter(|schema| schema != name)?;
    Some(format!("{schema}.{name}"))
}

/// The hint for a table that has another name in this statement.
pub(super) fn alias_of(sql: &str, table: &str) -> Option<String> {
    let lexer = Lexer::new(sql).ok()?;
    let lexemes = lexer.lexemes();
    let place = lexemes.windows(2).position(|pair| {
        matches!(word(&pair[0]).as_deref(), Some("from" | "join")) && word(&pair[1]).is_some_and(|word| word == table)
    })?;
    let mut next = lexemes.get(place + 2)?;
    if word(next).is_some_and(|word| word == "as") {
        next = lexemes.get(place + 3)?;
    }
    const KEYWORDS: [&str; 12] =
        ["where", "join", "left", "right", "inner", "full", "cross", "on", "group", "order", "limit", "union"];
    word(next).filter(|alias| !KEYWORDS.contains(&alias.as_str()))
}

/// Whether a subquery with too many columns stands behind IN.
pub(super) fn has_subquery_behind_in(sql: &str) -> bool {
    let Ok(lexer) = Lexer::new(sql) else { return false };
    lexer.lexemes().windows(3).any(|three| {
        word(&three[0]).is_some_and(|word| word == "in")
            && three[1].token.token == Token::LParen
            && word(&three[2]).is_some_and(|word| word == "select")
    })
}

/// The table's name as the statement writes it, with its schema.
pub(super) fn written_relation(sql: &str, short: &str) -> Option<String> {
    let lexer = Lexer::new(sql).ok()?;
    let lexemes = lexer.lexemes();
    let place = lexemes.iter().position(|lexeme| word(lexeme).is_some_and(|word| word == short))?;
    let schema = place.checked_sub(2).and_then(|schema| lexemes.get(schema)).and_then(word)?;
    let dotted = lexemes.get(place - 1).is_some_and(|between| between.token.token == Token::Period);
    dotted.then(|| format!("{schema}.{short}"))
}

#[cfg(test)]
mod tests {
    use super::{alias_of, find};
    use crate::types::{Code, SqlError};

    #[test]
    fn what_an_error_names_is_found_in_the_text() {
        for (sql, code, message, place) in [
            ("select nosuch from t", Code::UndefinedColumn, "column \"nosuch\" does not exist", 8),
            ("select 'nosuch', l.nosuch from l", Code::UndefinedColumn, "column l.nosuch does not exist", 18),
            ("select é, x from public.nosuch", Code::UndefinedTable, "relation \"public.nosuch\" does not exist", 18),
            ("select a, pg_catalog.f(1)", Code::UndefinedFunction, "function pg_catalog.f(integer) does not exist", 11),
            ("select a + true", Code::UndefinedFunction, "operator does not exist: integer + boolean", 10),
            (
                "select 'x', 'y'::int",
                Code::InvalidTextRepresentation,
                "invalid input syntax for type integer: \"y\"",
                13,
            ),
            (
                "select 5 from t order by 5",
                Code::InvalidColumnReference,
                "ORDER BY position 5 is not in select list",
                26,
            ),
        ] {
            assert_eq!(find(&SqlError::new(code, message), sql), Some(place), "{sql}");
        }
        let several = SqlError::new(Code::UndefinedFunction, "operator does not exist: integer + boolean");
        assert_eq!(find(&several, "select 1 + 2, a + true"), None);
        let made_text = SqlError::new(Code::InvalidDatetimeFormat, "invalid input syntax for type date: \"1\"");
        assert_eq!(find(&made_text, "select '1'::text::date"), None);
        assert_eq!(alias_of("select logs.x from logs as l", "logs").as_deref(), Some("l"));
        assert_eq!(alias_of("select logs.x from logs where true", "logs"), None);
    }
}
