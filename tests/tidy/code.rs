//! Reads Rust source as far as the rules of the house need it: which paths a file names, and how
//! many of its lines are no tests.

/// A path that a file names, such as `crate::types::Code`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// Its segments; those of a `use` with braces are whole paths.
    pub(crate) segments: Vec<String>,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// How many `mod name { ... }` of the file are around it.
    pub(crate) inline_depth: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Every path in the code of a file; comments and texts do not count.
pub(crate) fn paths(source: &str) -> Vec<NamedPath> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // For each open brace: whether it opened an inline module.
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let inline_depth = braces.iter().filter(|is_module| **is_module).count();
        match token.text.as_str() {
            "{" => braces.push(at >= 2 && tokens[at - 2].text == "mod"),
            "}" => {
                braces.pop();
            }
            "use" => {
                let start = found.len();
                at = use_tree(&tokens, at + 1, &[], &mut found);
                found[start..].iter_mut().for_each(|path| path.inline_depth = inline_depth);
                continue;
            }
            text if is_word(text) => {
                let (segments, next) = plain_path(&tokens, at);
                let is_path = segments.len() > 1 && (at == 0 || tokens[at - 1].text != "::");
                if is_path {
                    found.push(NamedPath { segments, line: token.line, inline_depth });
                }
                at = next;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The words of `a::b::c` from `at` on, and where the path ends.
fn plain_path(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut segments = Vec::new();
    while let Some(token) = tokens.get(at).filter(|token| is_word(&token.text)) {
        segments.push(token.text.clone());
        at += 1;
        let goes_on = tokens.get(at).is_some_and(|token| token.text == "::")
            && tokens.get(at + 1).is_some_and(|token| is_word(&token.text));
        if !goes_on {
            break;
        }
        at += 1;
    }
    (segments, at)
}

/// Flattens a `use` from `at` on; returns where it ends.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut segments = prefix.to_vec();
    let mut is_group = false;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" | "," | "}" => break,
            "{" => {
                is_group = true;
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}" && token.text != ";") {
                    at = use_tree(tokens, at, &segments, found);
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
            }
            // What follows is only a new name.
            "as" => at += 1,
            text if is_word(text) => segments.push(text.to_owned()),
            _ => {}
        }
        at += 1;
    }
    if !is_group {
        found.push(NamedPath { segments, line, inline_depth: 0 });
    }
    at
}

/// Lines of a file without its inline `#[cfg(test)] mod tests`.
pub(crate) fn code_lines(source: &str) -> usize {
    let tokens = tokens(source);
    let opens: Vec<&str> = "# [ cfg ( test ) ] mod tests {".split(' ').collect();
    let mut test_lines = 0;
    for (start, window) in tokens.windows(opens.len()).enumerate() {
        if window.iter().map(|token| token.text.as_str()).eq(opens.iter().copied()) {
            let mut depth = 1;
            let end = tokens[start + opens.len()..].iter().find(|token| {
                depth += i32::from(token.text == "{") - i32::from(token.text == "}");
                depth == 0
            });
            test_lines += end.map_or(0, |end| end.line + 1 - tokens[start].line);
        }
    }
    source.lines().count() - test_lines
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first == '_' || first.is_alphabetic())
}

/// Words, `::` and single signs; comments, texts and characters are left out.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let skipped = skipped_length(rest);
        let length = if skipped > 0 {
            skipped
        } else if first == '_' || first.is_alphanumeric() {
            rest.find(|next: char| next != '_' && !next.is_alphanumeric()).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        if skipped == 0 {
            tokens.push(Token { text: token.to_owned(), line });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// Bytes at the start that are no code: white space, a comment, a text, a character; 0 for code.
fn skipped_length(rest: &str) -> usize {
    let first = rest.chars().next().unwrap_or(' ');
    if first.is_whitespace() {
        return first.len_utf8();
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    let prefix = rest.find(|next: char| !matches!(next, 'b' | 'c' | 'r')).unwrap_or(rest.len());
    let (letters, quoted) = rest.split_at(prefix);
    let hashes = quoted.bytes().take_while(|byte| *byte == b'#').count();
    if prefix <= 2 && letters.contains('r') && quoted[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = prefix + hashes + 1;
        return rest[inside..].find(&end).map_or(rest.len(), |found| inside + found + end.len());
    }
    if prefix <= 1 && quoted.starts_with('"') {
        return prefix + quoted_length(quoted, '"');
    }
    let is_character = quoted.starts_with("'\\") || quoted.chars().nth(2) == Some('\'');
    if prefix <= 1 && quoted.starts_with('\'') && is_character {
        return prefix + quoted_length(quoted, '\'');
    }
    0
}

/// Bytes from a quote to its end, escapes respected.
fn quoted_length(quoted: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, character) in quoted.char_indices().skip(1) {
        if !escaped && character == quote {
            return index + quote.len_utf8();
        }
        escaped = !escaped && character == '\\';
    }
    quoted.len()
}

/// Bytes of a block comment, which may hold others.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let opens = rest.as_bytes()[at..].starts_with(b"/*");
        let closes = rest.as_bytes()[at..].starts_with(b"*/");
        at += if opens || closes { 2 } else { 1 };
        depth += i32::from(opens) - i32::from(closes);
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

#[test]
fn code_is_told_from_texts_and_comments() {
    let source = "// a::b\n/* a::b /* c::d */ e::f */ let x = \"a::b \\\" c::d\"; let r = r#\"a::\"b\"#; \
                  let c = ('\"', '\\'', b'x'); fn f<'a>(v: &'a one::Two) {}\nuse a::{b, c::{self, d as e}, f::*};";
    let found: Vec<(String, usize)> =
        paths(source).into_iter().map(|path| (path.segments.join("::"), path.line)).collect();
    let expected = [("one::Two", 2), ("a::b", 3), ("a::c::self", 3), ("a::c::d", 3), ("a::f", 3)];
    assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
}

#[test]
fn inline_modules_are_counted() {
    let found = paths("mod one { mod two { use super::super::x; } fn f() { super::y() } }");
    assert_eq!(found.iter().map(|path| path.inline_depth).collect::<Vec<_>>(), [2, 1]);
}
