//! JSON texts in the one spelling that equal values share: PostgreSQL's jsonb.
//!
//! Keys are unique and sorted by length, then bytes; one blank follows each `,` and `:`. NUL cannot
//! occur in jsonb and becomes U+FFFD.

use std::fmt::Write as _;

use serde_json::Value;

/// Appends a JSON string.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (position, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0 => "\u{fffd}",
            1..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..position]);
        plain_from = position + 1;
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// Sorts pairs into jsonb's order of keys; of equal keys the last one stays.
pub(super) fn sort_keys<K: AsRef<str>, V>(pairs: &mut Vec<(K, V)>) {
    pairs.reverse();
    pairs.sort_by(|(left, _), (right, _)| order(left.as_ref(), right.as_ref()));
    pairs.dedup_by(|(later, _), (kept, _)| (*later).as_ref() == (*kept).as_ref());
}

fn order(left: &str, right: &str) -> std::cmp::Ordering {
    (left.len(), left).cmp(&(right.len(), right))
}

/// Appends an object of texts; the pairs must be sorted.
pub(super) fn push_text_object<'a>(out: &mut String, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push('{');
    for (count, (key, value)) in pairs.enumerate() {
        if count > 0 {
            out.push_str(", ");
        }
        push_string(out, key);
        out.push_str(": ");
        push_string(out, value);
    }
    out.push('}');
}

/// Appends any JSON value.
pub(super) fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => push_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (count, item) in items.iter().enumerate() {
                if count > 0 {
                    out.push_str(", ");
                }
                push_value(out, item);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            let mut pairs: Vec<(&String, &Value)> = entries.iter().collect();
            sort_keys(&mut pairs);
            push_object(out, pairs.into_iter().map(|(key, value)| (key.as_str(), value)), push_value);
        }
    }
}

/// Appends an object whose values `push` writes; the pairs must be sorted.
pub(super) fn push_object<'a, V>(
    out: &mut String,
    pairs: impl Iterator<Item = (&'a str, V)>,
    push: impl Fn(&mut String, V),
) {
    out.push('{');
    for (count, (key, value)) in pairs.enumerate() {
        if count > 0 {
            out.push_str(", ");
        }
        push_string(out, key);
        out.push_str(": ");
        push(out, value);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{push_string, push_value, sort_keys};

    #[test]
    fn values_are_written_as_postgresql_prints_jsonb() {
        let mut out = String::new();
        push_value(&mut out, &json!({"bb": [1, 2.5, null], "a": {"z": true, "y": "q\"\u{1}\u{0}"}, "c": "é"}));
        assert_eq!(out, r#"{"a": {"y": "q\"\u0001�", "z": true}, "c": "é", "bb": [1, 2.5, null]}"#);
    }

    #[test]
    fn of_equal_keys_the_last_stays() {
        let mut pairs = vec![("k", 1), ("j", 2), ("k", 3)];
        sort_keys(&mut pairs);
        assert_eq!(pairs, [("j", 2), ("k", 3)]);
    }

    proptest::proptest! {
        #[test]
        fn every_text_is_read_back(text in "\\PC*|[\\x01-\\x20\"\\\\]*") {
            let mut out = String::new();
            push_string(&mut out, &text);
            assert_eq!(serde_json::from_str::<Value>(&out).expect("valid JSON"), Value::String(text));
        }
    }
}
