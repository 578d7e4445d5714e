//! `jsonb_key(value)`: a text that sorts by its bytes as PostgreSQL sorts the jsonb value.

use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use super::json_value::Json;
use super::typed::{Kind, Typed};
use crate::types::SqlType;

/// The name of the function.
pub(super) const JSONB_KEY: &str = "jsonb_key";
/// Ends a text: below every character that jsonb can hold.
const END: char = '\u{0}';
/// Ends the digits of a number: below every digit.
const END_OF_DIGITS: char = '!';
/// Ends the turned digits of a number below zero: above every digit.
const END_OF_TURNED: char = '~';
/// More than the length of anything.
const LENGTHS: usize = 9_999_999_999;

/// The function.
pub(super) fn function() -> ScalarUDF {
    let key = |text: &str| -> Result<String> {
        let mut key = String::new();
        push(&Json::read(text)?, &mut key);
        Ok(key)
    };
    Typed::new(JSONB_KEY).takes(&[Kind::Text], SqlType::Text, move |row| Ok(key(row.text(0))?.into())).udf()
}

fn push(value: &Json, key: &mut String) {
    key.push_str(&value.rank().to_string());
    match value {
        Json::Null => {}
        Json::Bool(truth) => key.push(if *truth { '1' } else { '0' }),
        Json::Number(digits) => push_number(digits, key),
        Json::Text(text) => push_text(text, key),
        Json::Array(items) => {
            push_length(items.len(), key);
            items.iter().for_each(|item| push(item, key));
        }
        Json::Object(members) => {
            push_length(members.len(), key);
            for (name, member) in members {
                push_text(name, key);
                push(member, key);
            }
        }
    }
}

fn push_length(length: usize, key: &mut String) {
    key.push_str(&format!("{length:010}"));
}

fn push_text(text: &str, key: &mut String) {
    key.push_str(text);
    key.push(END);
}

/// The sign, how many digits there are before the point, then all digits; below zero everything is turned.
fn push_number(digits: &str, key: &mut String) {
    let (is_negative, plain) = digits.strip_prefix('-').map_or((false, digits), |plain| (true, plain));
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if is_negative && !(whole.is_empty() && fraction.is_empty()) {
        key.push('0');
        push_length(LENGTHS - whole.len(), key);
        let turned = whole.bytes().chain(fraction.bytes()).map(|digit| char::from(b'0' + (b'9' - digit)));
        key.extend(turned);
        key.push(END_OF_TURNED);
    } else {
        key.push('1');
        push_length(whole.len(), key);
        key.push_str(whole);
        key.push_str(fraction);
        key.push(END_OF_DIGITS);
    }
}

#[cfg(test)]
mod tests {
    use super::push;
    use crate::planner::functions::json_value::Json;

    #[test]
    fn keys_sort_as_the_values_do() {
        let texts = [
            "[]",
            "null",
            r#""""#,
            r#""a""#,
            r#""a b""#,
            r#""ab""#,
            r#""b""#,
            "-100",
            "-12.5",
            "-12",
            "-0.5",
            "0",
            "0.05",
            "0.5",
            "9",
            "9.25",
            "10",
            "false",
            "true",
            "[9]",
            "[1,2]",
            "{}",
            r#"{"b":1}"#,
            r#"{"aa":1}"#,
            r#"{"a":1,"b":2}"#,
        ];
        let values: Vec<Json> = texts.iter().map(|text| Json::read(text).expect(text)).collect();
        let key = |value: &Json| {
            let mut key = String::new();
            push(value, &mut key);
            key
        };
        for (one, first) in texts.iter().zip(&values) {
            for (other, second) in texts.iter().zip(&values) {
                assert_eq!(key(first).cmp(&key(second)), first.order(second), "{one} {other}");
            }
        }
    }
}
