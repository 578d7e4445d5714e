//! JSON texts read into values, and written in jsonb's one spelling.
//!
//! `serde_json` is not used here: numbers keep all their digits, objects of the type json keep the
//! order and the repetitions of their keys, and every value knows the text that it was read from.

use std::cmp::Ordering;

use datafusion::error::{DataFusionError, Result};

use super::function::sql_error;
use crate::types::Code;

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 1_000;
/// Most digits that an exponent may make of a number.
const DIGITS_MAX: i64 = 16_383;

/// A value with the text that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node<'a> {
    pub(super) raw: &'a str,
    pub(super) shape: Shape<'a>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    Null,
    Bool(bool),
    Number,
    Text(String),
    Array(Vec<Node<'a>>),
    Object(Vec<(String, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Reads a text.
    pub(super) fn read(text: &'a str) -> Result<Self> {
        let mut reader = Reader { text, at: 0 };
        let node = reader.value(0)?;
        reader.blanks();
        if reader.at < text.len() {
            return Err(reader.wrong());
        }
        Ok(node)
    }

    /// The name of its kind, as `jsonb_typeof` gives it.
    pub(super) fn kind(&self) -> &'static str {
        match self.shape {
            Shape::Null => "null",
            Shape::Bool(_) => "boolean",
            Shape::Number => "number",
            Shape::Text(_) => "string",
            Shape::Array(_) => "array",
            Shape::Object(_) => "object",
        }
    }

    /// The member of an object.
    pub(super) fn member(&self, key: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Object(members) => members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The item of an array; a number below zero counts from the end.
    pub(super) fn item(&self, index: i64) -> Option<&Self> {
        let Shape::Array(items) = &self.shape else { return None };
        let place = if index < 0 { index.checked_add(i64::try_from(items.len()).ok()?)? } else { index };
        items.get(usize::try_from(place).ok()?)
    }

    /// What a step of a path leads to.
    pub(super) fn step(&self, step: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Array(_) => self.item(step.trim().parse().ok()?),
            _ => self.member(step),
        }
    }

    /// As a text value: a string without its quotes; none for JSON's null.
    pub(super) fn as_text(&self) -> Option<String> {
        match &self.shape {
            Shape::Null => None,
            Shape::Text(text) => Some(text.clone()),
            _ => Some(self.raw.to_owned()),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self) -> DataFusionError {
        let place = self.text[..self.at.min(self.text.len())].chars().count() + 1;
        sql_error(Code::InvalidTextRepresentation, format!("invalid input syntax for type json at character {place}"))
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>> {
        if depth > DEPTH_MAX {
            return Err(sql_error(Code::StatementTooComplex, "json is nested too deeply"));
        }
        self.blanks();
        let from = self.at;
        let shape = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Shape::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { raw: &self.text[from..self.at], shape })
    }

    fn word(&mut self) -> Result<Shape<'a>> {
        for (word, shape) in [("null", Shape::Null), ("true", Shape::Bool(true)), ("false", Shape::Bool(false))] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(shape);
            }
        }
        Err(self.wrong())
    }

    fn number(&mut self) -> Result<Shape<'a>> {
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || (leading_zero && digits > 1) {
            return Err(self.wrong());
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.wrong());
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'-') {
                self.take(b'+');
            }
            if self.digits() == 0 {
                return Err(self.wrong());
            }
        }
        Ok(Shape::Number)
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }

    fn array(&mut self, depth: usize) -> Result<Shape<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Ok(Shape::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(b']') {
                return Ok(Shape::Array(items));
            }
            if !self.take(b',') {
                return Err(self.wrong());
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Shape<'a>> {
        self.at += 1;
        let mut members = Vec::new();
        self.blanks();
        if self.take(b'}') {
            return Ok(Shape::Object(members));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.wrong());
            }
            let key = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return Err(self.wrong());
            }
            members.push((key, self.value(depth + 1)?));
            self.blanks();
            if self.take(b'}') {
                return Ok(Shape::Object(members));
            }
            if !self.take(b',') {
                return Err(self.wrong());
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|character: char| matches!(character, '"' | '\\' | '\0'..='\u{1f}'));
            let Some(plain) = plain else { return Err(self.wrong()) };
            out.push_str(&rest[..plain]);
            self.at += plain;
            if self.take(b'"') {
                return Ok(out);
            }
            if !self.take(b'\\') {
                return Err(self.wrong());
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char> {
        let Some(letter) = self.peek() else { return Err(self.wrong()) };
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let code = match first {
                    0xd800..0xdc00 => {
                        if !(self.take(b'\\') && self.take(b'u')) {
                            return Err(self.wrong());
                        }
                        let second = self.hex()?;
                        if !(0xdc00..0xe000).contains(&second) {
                            return Err(self.wrong());
                        }
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    other => other,
                };
                if code == 0 {
                    return Err(sql_error(Code::UntranslatableCharacter, "unsupported Unicode escape sequence"));
                }
                char::from_u32(code).ok_or_else(|| self.wrong())?
            }
            _ => return Err(self.wrong()),
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).ok_or_else(|| self.wrong())?;
        let value = u32::from_str_radix(digits, 16).map_err(|_| self.wrong())?;
        self.at += 4;
        Ok(value)
    }
}

/// A value of jsonb: numbers in plain digits, keys unique and in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Result<Self> {
        Self::of(&Node::read(text)?)
    }

    pub(super) fn of(node: &Node<'_>) -> Result<Self> {
        Ok(match &node.shape {
            Shape::Null => Self::Null,
            Shape::Bool(value) => Self::Bool(*value),
            Shape::Number => Self::Number(plain_number(node.raw)?),
            Shape::Text(text) => Self::Text(text.clone()),
            Shape::Array(items) => Self::Array(items.iter().map(Self::of).collect::<Result<_>>()?),
            Shape::Object(members) => {
                let members = members.iter().map(|(key, value)| Ok((key.clone(), Self::of(value)?)));
                Self::object(members.collect::<Result<_>>()?)
            }
        })
    }

    /// An object; of equal keys the last counts.
    pub(super) fn object(mut members: Vec<(String, Self)>) -> Self {
        members.reverse();
        members.sort_by(|(left, _), (right, _)| key_order(left, right));
        members.dedup_by(|(later, _), (kept, _)| later == kept);
        Self::Object(members)
    }

    /// In jsonb's spelling.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(digits) => out.push_str(digits),
            Self::Text(text) => push_string(out, text),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    push_string(out, key);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Over lines, as `jsonb_pretty` shows it.
    pub(super) fn pretty(&self, depth: usize, out: &mut String) {
        let indent = |depth: usize, out: &mut String| {
            out.push('\n');
            out.extend(std::iter::repeat_n("    ", depth));
        };
        match self {
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    indent(depth + 1, out);
                    item.pretty(depth + 1, out);
                }
                indent(depth, out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    indent(depth + 1, out);
                    push_string(out, key);
                    out.push_str(": ");
                    value.pretty(depth + 1, out);
                }
                indent(depth, out);
                out.push('}');
            }
            other => other.write(out),
        }
    }

    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Null => 1,
            Self::Text(_) => 2,
            Self::Number(_) => 3,
            Self::Bool(_) => 4,
            Self::Array(items) if items.is_empty() => 0,
            Self::Array(_) => 5,
            Self::Object(_) => 6,
        }
    }

    /// The order in which PostgreSQL sorts jsonb.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => number_order(one, other),
            (Self::Array(one), Self::Array(other)) if !one.is_empty() && !other.is_empty() => {
                let items = || one.iter().zip(other).map(|(one, other)| one.order(other));
                one.len().cmp(&other.len()).then_with(|| items().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
            }
            (Self::Object(one), Self::Object(other)) => {
                let member = |((key, value), (other_key, other)): (&(String, Self), &(String, Self))| {
                    key.cmp(other_key).then_with(|| value.order(other))
                };
                let members = || one.iter().zip(other).map(member);
                one.len()
                    .cmp(&other.len())
                    .then_with(|| members().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Whether it contains another value, as `@>` asks.
    pub(super) fn contains(&self, part: &Self) -> bool {
        match (self, part) {
            (Self::Object(members), Self::Object(wanted)) => wanted.iter().all(|(key, value)| {
                members.iter().any(|(name, member)| name == key && member.contains(value) && is_alike(member, value))
            }),
            (Self::Array(items), Self::Array(wanted)) => {
                wanted.iter().all(|value| items.iter().any(|item| is_alike(item, value) && item.contains(value)))
            }
            // An array contains a single value that is one of its items.
            (Self::Array(items), single @ (Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_))) => {
                items.iter().any(|item| item.order(single).is_eq())
            }
            _ => self.order(part).is_eq(),
        }
    }
}

/// Inside of a value, only values of the same kind contain one another.
fn is_alike(one: &Json, other: &Json) -> bool {
    let is_array = |value: &Json| matches!(value, Json::Array(_));
    is_array(one) == is_array(other)
}

/// Shorter keys come first.
fn key_order(left: &str, right: &str) -> Ordering {
    (left.len(), left).cmp(&(right.len(), right))
}

/// The order of two numbers in plain digits.
pub(super) fn number_order(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (whole.trim_start_matches('0').to_owned(), fraction.trim_end_matches('0').to_owned());
        (negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction)
    };
    let (one, other) = (parts(one), parts(other));
    let size = |one: &(bool, String, String), other: &(bool, String, String)| {
        (one.1.len(), &one.1, &one.2).cmp(&(other.1.len(), &other.1, &other.2))
    };
    match (one.0, other.0) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => size(&one, &other),
        (true, true) => size(&other, &one),
    }
}

/// A number of JSON without an exponent.
fn plain_number(raw: &str) -> Result<String> {
    let (mantissa, exponent) = raw.split_once(['e', 'E']).unwrap_or((raw, "0"));
    let too_large = || sql_error(Code::NumericValueOutOfRange, "value overflows numeric format");
    let exponent: i64 = exponent.parse().map_err(|_| too_large())?;
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if exponent.abs() > DIGITS_MAX {
        return Err(too_large());
    }
    let (whole, fraction) = match usize::try_from(exponent) {
        Ok(0) => (whole.to_owned(), fraction.to_owned()),
        Ok(shift) => {
            let fraction = format!("{fraction:0<shift$}");
            (format!("{whole}{}", &fraction[..shift]), fraction[shift..].to_owned())
        }
        Err(_) => {
            let shift = usize::try_from(-exponent).unwrap_or_default();
            let whole = format!("{whole:0>width$}", width = shift + 1);
            let (kept, moved) = whole.split_at(whole.len() - shift);
            (kept.to_owned(), format!("{moved}{fraction}"))
        }
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let point = if fraction.is_empty() { "" } else { "." };
    Ok(format!("{}{whole}{point}{fraction}", if is_zero { "" } else { sign }))
}

/// Appends a JSON string.
pub(super) fn push_string(out: &mut String, text: &str) {
    use std::fmt::Write;
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{Json, Node};

    fn spelled(text: &str) -> String {
        Json::read(text).expect("json").text()
    }

    #[test]
    fn jsonb_has_one_spelling() {
        assert_eq!(spelled(r#"{"bb":1, "a":2, "bb":3}"#), r#"{"a": 2, "bb": 3}"#);
        assert_eq!(spelled(" [1e3, 2.50, -0.0, 12e-4, \"\\u00e9\\n\"] "), "[1000, 2.50, 0.0, 0.0012, \"é\\n\"]");
        for wrong in ["", "{a:1}", "[1,]", "01", "1.", "\"a", "nul", "[1] 2", "'a'"] {
            assert!(Node::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_contain_others() {
        let contains =
            |one: &str, other: &str| Json::read(one).expect("json").contains(&Json::read(other).expect("json"));
        assert!(contains(r#"{"a":[1,2,{"x":1}]}"#, r#"{"a":[{"x":1}]}"#) && contains("[1,2]", "1"));
        assert!(!contains("[1,[2]]", "[2]") && !contains("{\"a\":1}", "{\"a\":2}"));
    }
}
