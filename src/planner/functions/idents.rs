//! `parse_ident`: the parts of a qualified name.

use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::function::{Function, sql_error, text, truth};
use crate::system::Value;
use crate::types::{Code, SqlType};

/// The functions of this file.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::new("parse_ident", 1, 2, SqlType::TextArray, parse_ident)]
}

fn parse_ident(arguments: &[ScalarValue]) -> Result<Value> {
    let whole = text(arguments, 0).unwrap_or_default();
    let strict = truth(arguments, 1) != Some(false);
    let shown: String = whole.chars().take(200).collect();
    let wrong = || sql_error(Code::InvalidParameterValue, format!("string is not a valid identifier: \"{shown}\""));
    let (mut parts, mut rest) = (Vec::new(), whole.trim_start());
    loop {
        let (part, after) = one(rest).ok_or_else(wrong)?;
        parts.push(Some(part));
        rest = after.trim_start();
        match rest.strip_prefix('.') {
            Some(next) => rest = next.trim_start(),
            None if rest.is_empty() || !strict => return Ok(Value::Texts(parts)),
            None => return Err(wrong()),
        }
    }
}

/// The first identifier, and what follows: quoted as it is, else folded to lower case.
fn one(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let is_first = |c: char| c.is_alphabetic() || c == '_' || !c.is_ascii();
        let is_part = |c: char| is_first(c) || c.is_ascii_digit() || c == '$';
        text.chars().next().filter(|c| is_first(*c))?;
        let end = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
        return Some((text[..end].to_lowercase(), &text[end..]));
    };
    let (mut name, mut characters) = (String::new(), quoted.char_indices().peekable());
    while let Some((index, character)) = characters.next() {
        if character != '"' {
            name.push(character);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, &quoted[index + 1..])).filter(|(name, _)| !name.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;

    use super::parse_ident;
    use crate::system::Value;

    #[test]
    fn names_are_taken_apart() {
        let parse = |text: &str, strict: bool| {
            parse_ident(&[ScalarValue::Utf8(Some(text.to_owned())), ScalarValue::Boolean(Some(strict))]).ok()
        };
        let parts = |parts: &[&str]| Some(Value::Texts(parts.iter().map(|part| Some((*part).to_owned())).collect()));
        assert_eq!(parse("Public.\"A b\"\"c\"", true), parts(&["public", "A b\"c"]));
        assert_eq!(parse("a.b.c(", false), parts(&["a", "b", "c"]));
        assert_eq!(parse("a.b(", true), None);
        assert_eq!(parse("1a", true), None);
        assert_eq!(parse("a.", false), None);
    }
}
