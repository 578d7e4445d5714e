//! Quoting of names and texts for SQL, and reading of quoted names.

use super::keywords::{is_quoted, is_quoted_for_engine};

/// A name as PostgreSQL shows it: bare when it folds to itself and is no key word, else in double quotes.
pub fn quote_ident(name: &str) -> String {
    let plain = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !is_quoted(name);
    if plain { name.to_owned() } else { quoted(name) }
}

/// A name in SQL that the engine's parser reads: quoted too where only that parser would trip over it.
pub fn quote_for_engine(name: &str) -> String {
    if is_quoted_for_engine(name) { quoted(name) } else { quote_ident(name) }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A quoted name behind its opening quote, and what follows the closing one; none where that is missing.
pub fn split_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if character != '"' {
            name.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == '"') {
            characters.next();
            name.push('"');
        } else {
            return Some((name, &text[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{quote_for_engine, quote_ident, quote_literal, split_quoted};

    #[test]
    fn only_names_that_need_it_are_quoted() {
        assert_eq!(quote_ident("pod_name"), "pod_name");
        assert_eq!(quote_ident("Pod"), "\"Pod\"");
        assert_eq!(quote_ident("time"), "\"time\"");
        assert_eq!(quote_ident("user"), "\"user\"");
        assert_eq!(quote_ident("date"), "date");
        assert_eq!(quote_for_engine("date"), "\"date\"");
        assert_eq!(quote_ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
    }

    #[test]
    fn quoted_names_are_read_back() {
        assert_eq!(split_quoted("a\"\"b\".c"), Some(("a\"b".to_owned(), ".c")));
        assert_eq!(split_quoted("open"), None);
    }
}
