//! SET, SHOW, RESET.

use datafusion::sql::sqlparser::tokenizer::Token;

use crate::types::{Code, SqlError};

use super::super::statement::{SetScope, SetValue, Statement};
use super::{Reader, begin};

/// What follows SET.
pub(super) fn set(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keywords(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) {
        return Ok(Statement::SetCharacteristics(begin::modes(reader)?));
    }
    if reader.take_keywords(&["SESSION", "AUTHORIZATION"]) {
        return user(reader, "SET", "DEFAULT");
    }
    let mut scope = SetScope::Session;
    if reader.take_keyword("LOCAL") {
        scope = SetScope::Local;
    } else {
        reader.take_keyword("SESSION");
    }
    if reader.take_keyword("TRANSACTION") {
        if reader.take_keyword("SNAPSHOT") {
            reader.text_literal()?;
            return Ok(Statement::Unsupported { tag: String::from("SET TRANSACTION SNAPSHOT") });
        }
        return Ok(Statement::SetTransaction(begin::modes(reader)?));
    }
    if reader.take_keyword("ROLE") {
        return user(reader, "SET", "NONE");
    }
    if reader.take_keywords(&["TIME", "ZONE"]) {
        return Ok(Statement::Set { name: String::from("timezone"), value: time_zone(reader)?, scope });
    }
    if reader.take_keyword("NAMES") {
        return Ok(Statement::Set { name: String::from("client_encoding"), value: value(reader)?, scope });
    }
    if reader.take_keyword("SCHEMA") {
        return Ok(Statement::Set { name: String::from("search_path"), value: value(reader)?, scope });
    }
    let name = setting_name(reader)?;
    assignment(reader)?;
    Ok(Statement::Set { name, value: values(reader)?, scope })
}

fn user(reader: &mut Reader<'_>, tag: &'static str, none: &str) -> Result<Statement, SqlError> {
    if reader.take_keyword(none) {
        return Ok(Statement::SetUser { tag, role: None });
    }
    let role = match reader.peek() {
        Some(Token::SingleQuotedString(text)) => {
            reader.advance();
            text.clone()
        }
        _ => reader.name()?,
    };
    Ok(Statement::SetUser { tag, role: Some(role) })
}

/// `=` or TO.
pub(super) fn assignment(reader: &mut Reader<'_>) -> Result<(), SqlError> {
    if reader.take(&Token::Eq) { Ok(()) } else { reader.expect_keyword("TO") }
}

/// A setting's name, which may have dots, in lower case.
pub(super) fn setting_name(reader: &mut Reader<'_>) -> Result<String, SqlError> {
    let mut name = reader.name()?.to_lowercase();
    while reader.take(&Token::Period) {
        name.push('.');
        name.push_str(&reader.name()?.to_lowercase());
    }
    Ok(name)
}

pub(super) fn values(reader: &mut Reader<'_>) -> Result<SetValue, SqlError> {
    if reader.take_keyword("DEFAULT") {
        return Ok(SetValue::Default);
    }
    let mut values = vec![one_value(reader)?];
    while reader.take(&Token::Comma) {
        values.push(one_value(reader)?);
    }
    Ok(SetValue::Values(values))
}

fn value(reader: &mut Reader<'_>) -> Result<SetValue, SqlError> {
    if reader.take_keyword("DEFAULT") {
        return Ok(SetValue::Default);
    }
    Ok(SetValue::Values(vec![one_value(reader)?]))
}

fn one_value(reader: &mut Reader<'_>) -> Result<String, SqlError> {
    match reader.peek() {
        Some(
            Token::SingleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::DollarQuotedString(_),
        ) => reader.text_literal(),
        Some(Token::Plus | Token::Minus | Token::Number(..)) => reader.number_literal(),
        _ => reader.name(),
    }
}

/// A zone's name, hours east of UTC, or an interval; offsets become the POSIX spelling that SHOW shows.
pub(super) fn time_zone(reader: &mut Reader<'_>) -> Result<SetValue, SqlError> {
    if reader.take_keyword("DEFAULT") || reader.take_keyword("LOCAL") {
        return Ok(SetValue::Default);
    }
    if reader.take_keyword("INTERVAL") {
        let Some(Token::SingleQuotedString(text)) = reader.peek() else { return Err(reader.error()) };
        let minutes = minutes_of_interval(text).ok_or_else(|| bad_zone(text))?;
        reader.advance();
        reader.take_keywords(&["HOUR", "TO", "MINUTE"]);
        return Ok(SetValue::Values(vec![posix_zone(minutes)]));
    }
    if let Some(Token::Plus | Token::Minus | Token::Number(..)) = reader.peek() {
        let text = reader.number_literal()?;
        let hours: f64 = text.parse().map_err(|_| bad_zone(&text))?;
        if !(-16.0..=16.0).contains(&hours) {
            return Err(bad_zone(&text));
        }
        #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
        return Ok(SetValue::Values(vec![posix_zone((hours * 60.0).round() as i32)]));
    }
    Ok(SetValue::Values(vec![one_value(reader)?]))
}

fn bad_zone(text: &str) -> SqlError {
    let shown: String = text.chars().take(60).collect();
    SqlError::new(Code::InvalidParameterValue, format!("invalid value for parameter \"TimeZone\": \"{shown}\""))
}

/// `+05:30`, `-08:00`, `5` as minutes.
fn minutes_of_interval(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=16).contains(&hours) && (0..60).contains(&minutes)).then_some(sign * (hours * 60 + minutes))
}

/// `<+05:30>-05:30`: the shown name, then the offset with POSIX's sign.
fn posix_zone(minutes: i32) -> String {
    let (sign, opposite) = if minutes < 0 { ('-', '+') } else { ('+', '-') };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    let offset = if rest == 0 { format!("{hours:02}") } else { format!("{hours:02}:{rest:02}") };
    format!("<{sign}{offset}>{opposite}{offset}")
}

/// What follows SHOW.
pub(super) fn show(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keyword("ALL") {
        return Ok(Statement::ShowAll);
    }
    Ok(Statement::Show(spelled_name(reader)?))
}

/// What follows RESET.
pub(super) fn reset(reader: &mut Reader<'_>) -> Result<Statement, SqlError> {
    if reader.take_keyword("ALL") {
        return Ok(Statement::ResetAll);
    }
    if reader.take_keywords(&["SESSION", "AUTHORIZATION"]) || reader.take_keyword("ROLE") {
        return Ok(Statement::SetUser { tag: "RESET", role: None });
    }
    Ok(Statement::Reset(spelled_name(reader)?))
}

/// A setting by its name or by the words that SQL has for it.
pub(super) fn spelled_name(reader: &mut Reader<'_>) -> Result<String, SqlError> {
    if reader.take_keywords(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
        return Ok(String::from("transaction_isolation"));
    }
    if reader.take_keywords(&["SESSION", "AUTHORIZATION"]) {
        return Ok(String::from("session_authorization"));
    }
    if reader.take_keywords(&["TIME", "ZONE"]) {
        return Ok(String::from("timezone"));
    }
    setting_name(reader)
}
