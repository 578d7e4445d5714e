//! SIMILAR TO and `substring(text SIMILAR pattern ESCAPE character)`: SQL's own regular expressions.

use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::typed::{Kind, Typed};
use crate::types::{Code, SqlType};

use Kind::Text;

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        // The operator: a pattern, and its escape character, as PostgreSQL's regular expression.
        Typed::new("similar_to_escape")
            .takes(&[Text], SqlType::Text, |row| Ok(respelled(row.text(0), "\\")?.pattern.into()))
            .takes(&[Text, Text], SqlType::Text, |row| Ok(respelled(row.text(0), row.text(1))?.pattern.into()))
            .udf(),
    ]
}

struct Respelled {
    pattern: String,
    /// Separators `#"` that were in it.
    separators: usize,
}

/// `substring('abcdefg' SIMILAR 'a#"%#"g' ESCAPE '#')`.
pub(super) fn substring(row: &Row<'_>) -> Result<Datum> {
    let respelled = respelled(row.text(1), row.text(2))?;
    match respelled.separators {
        0 | 2 => super::regex_functions::first_part(row, &respelled.pattern),
        _ => {
            let text = "SQL regular expression may not contain more than two escape-double-quote separators";
            Err(sql_error(Code::InvalidParameterValue, text))
        }
    }
}

/// The pattern in PostgreSQL's regular expressions, which must match the whole text.
fn respelled(pattern: &str, escape: &str) -> Result<Respelled> {
    let mut characters = escape.chars();
    let escape = characters.next();
    if characters.next().is_some() {
        return Err(sql_error(Code::InvalidEscapeSequence, "invalid escape string"));
    }
    let (mut out, mut separators, mut in_brackets) = (String::from("^(?:"), 0, false);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if Some(character) == escape {
            match characters.next() {
                Some('"') if !in_brackets => {
                    // What stands before the first separator is as short as it can be.
                    out.push_str(if separators == 0 { "){1,1}?(" } else { "){1,1}(?:" });
                    separators += 1;
                }
                Some(plain) => {
                    if !plain.is_alphanumeric() {
                        out.push('\\');
                    }
                    out.push(plain);
                }
                None => {}
            }
            continue;
        }
        match character {
            '[' if !in_brackets => {
                in_brackets = true;
                out.push('[');
            }
            ']' if in_brackets => {
                in_brackets = false;
                out.push(']');
            }
            '\\' => out.push_str("\\\\"),
            plain if in_brackets => out.push(plain),
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            plain @ ('.' | '^' | '$') => {
                out.push('\\');
                out.push(plain);
            }
            plain => out.push(plain),
        }
    }
    out.push_str(")$");
    Ok(Respelled { pattern: out, separators })
}
