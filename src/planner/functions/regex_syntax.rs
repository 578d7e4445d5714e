//! PostgreSQL's regular expressions (its documentation, chapter 9.7.3) in the spelling of the crate
//! `regex`, whose automata know no backtracking.
//!
//! Besides the pattern this finds out whether a match is the longest or the shortest, which
//! PostgreSQL decides for the whole expression. Back references and conditions on what stands ahead
//! or behind are beyond automata: they are refused.

use datafusion::error::{DataFusionError, Result};

use super::function::sql_error;
use crate::types::Code;

/// Most repetitions that a bound may ask for: PostgreSQL's own limit.
const REPEAT_MAX: u32 = 255;
/// Deepest nesting of groups.
const DEPTH_MAX: usize = 100;

/// Options behind a pattern, or in its head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// All matches, not the first alone.
    pub(super) all: bool,
    insensitive: bool,
    /// The pattern is a plain text.
    literal: bool,
    expanded: bool,
    /// `.` and `[^...]` do not match a newline.
    newline_stops: bool,
    /// `^` and `$` match at newlines.
    newline_anchors: bool,
}

impl Options {
    /// Reads the letters of an argument.
    pub(super) fn read(letters: &str) -> Result<Self> {
        let mut options = Self::default();
        for letter in letters.chars() {
            options.set(letter).ok_or_else(|| {
                let text = format!("invalid regular expression option: \"{letter}\"");
                sql_error(Code::InvalidParameterValue, text)
            })?;
        }
        Ok(options)
    }

    fn set(&mut self, letter: char) -> Option<()> {
        match letter {
            'g' => self.all = true,
            'i' => self.insensitive = true,
            'c' => self.insensitive = false,
            'q' => self.literal = true,
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'n' | 'm' => (self.newline_stops, self.newline_anchors) = (true, true),
            's' => (self.newline_stops, self.newline_anchors) = (false, false),
            'p' => (self.newline_stops, self.newline_anchors) = (true, false),
            'w' => (self.newline_stops, self.newline_anchors) = (false, true),
            'b' | 'e' => {}
            _ => return None,
        }
        Some(())
    }
}

/// A pattern in the other spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) pattern: String,
    /// The same with the branches of every `|` in reverse, where there are any.
    pub(super) reversed: Option<String>,
    /// Groups that capture.
    pub(super) groups: usize,
    /// The match is the shortest, not the longest.
    pub(super) shortest: bool,
    /// Whichever match an automaton finds first is the one.
    pub(super) is_plain: bool,
}

/// Translates a pattern.
pub(super) fn translate(pattern: &str, mut options: Options) -> Result<Translated> {
    let pattern = head(pattern, &mut options)?;
    let mut flags = String::new();
    for (letter, is_on) in [('i', options.insensitive), ('s', !options.newline_stops), ('m', options.newline_anchors)] {
        if is_on {
            flags.push(letter);
        }
    }
    let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
    if options.literal {
        let pattern = flags + &regex::escape(pattern);
        return Ok(Translated { pattern, reversed: None, groups: 0, shortest: false, is_plain: true });
    }
    let mut reader = Reader::new(pattern, options);
    let whole = reader.branches(0)?;
    if reader.peek().is_some() {
        return Err(invalid("parentheses () not balanced"));
    }
    let reversed = reader.has_branches.then(|| flags.clone() + &whole.reversed);
    Ok(Translated {
        pattern: flags + &whole.text,
        reversed,
        groups: reader.groups,
        shortest: whole.greedy == Some(false),
        is_plain: !reader.has_branches && reader.quantifiers <= 1,
    })
}

/// Takes `***=`, `***:` and `(?i)` off the head of a pattern.
fn head<'a>(pattern: &'a str, options: &mut Options) -> Result<&'a str> {
    if let Some(rest) = pattern.strip_prefix("***=") {
        options.literal = true;
        return Ok(rest);
    }
    let rest = pattern.strip_prefix("***:").unwrap_or(pattern);
    let Some(inner) = rest.strip_prefix("(?").filter(|inner| inner.starts_with(|c: char| c.is_ascii_alphabetic()))
    else {
        return Ok(rest);
    };
    let Some((letters, rest)) = inner.split_once(')') else { return Err(invalid("invalid embedded option")) };
    for letter in letters.chars() {
        if letter == 'g' || options.set(letter).is_none() {
            return Err(invalid("invalid embedded option"));
        }
    }
    Ok(rest)
}

/// The error for a pattern that cannot be read.
pub(super) fn invalid(what: &str) -> DataFusionError {
    sql_error(Code::InvalidRegularExpression, format!("invalid regular expression: {what}"))
}

fn refused(what: &str) -> DataFusionError {
    sql_error(Code::FeatureNotSupported, format!("{what} in regular expressions are not supported"))
}

/// A part of a pattern, translated.
struct Part {
    text: String,
    reversed: String,
    /// Whether it prefers the longest match; none when it cannot tell.
    greedy: Option<bool>,
}

impl Part {
    fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { reversed: text.clone(), text, greedy: None }
    }
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    options: Options,
    groups: usize,
    has_branches: bool,
    quantifiers: usize,
}

impl<'a> Reader<'a> {
    fn new(pattern: &'a str, options: Options) -> Self {
        Self { rest: pattern.chars().peekable(), options, groups: 0, has_branches: false, quantifiers: 0 }
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// `a|b|c`
    fn branches(&mut self, depth: usize) -> Result<Part> {
        if depth > DEPTH_MAX {
            return Err(invalid("regular expression is too complex"));
        }
        let mut branches = vec![self.branch(depth)?];
        while self.take('|') {
            branches.push(self.branch(depth)?);
        }
        if let [only] = branches.as_mut_slice() {
            return Ok(std::mem::replace(only, Part::plain("")));
        }
        self.has_branches = true;
        let texts: Vec<&str> = branches.iter().map(|branch| branch.text.as_str()).collect();
        let reversed: Vec<&str> = branches.iter().rev().map(|branch| branch.reversed.as_str()).collect();
        Ok(Part { text: texts.join("|"), reversed: reversed.join("|"), greedy: Some(true) })
    }

    fn branch(&mut self, depth: usize) -> Result<Part> {
        let mut branch = Part::plain("");
        loop {
            self.skip_comments()?;
            match self.peek() {
                None | Some('|' | ')') => return Ok(branch),
                Some(_) => {
                    let part = self.quantified(depth)?;
                    branch.text += &part.text;
                    branch.reversed += &part.reversed;
                    branch.greedy = branch.greedy.or(part.greedy);
                }
            }
        }
    }

    /// Blanks and comments of the expanded syntax.
    fn skip_comments(&mut self) -> Result<()> {
        while self.options.expanded {
            match self.peek() {
                Some(blank) if blank.is_whitespace() => drop(self.rest.next()),
                Some('#') => while self.rest.next().is_some_and(|character| character != '\n') {},
                _ => break,
            }
        }
        Ok(())
    }

    fn quantified(&mut self, depth: usize) -> Result<Part> {
        let (mut part, is_constraint) = self.atom(depth)?;
        self.skip_comments()?;
        let Some(quantifier) = self.quantifier()? else { return Ok(part) };
        if is_constraint {
            return Err(invalid("quantifier operand invalid"));
        }
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return Err(invalid("quantifier operand invalid"));
        }
        self.quantifiers += 1;
        part.text += &quantifier.text;
        part.reversed += &quantifier.text;
        part.greedy = quantifier.greedy.or(part.greedy);
        Ok(part)
    }

    /// A quantifier; a fixed count leaves it to its operand whether it is greedy.
    fn quantifier(&mut self) -> Result<Option<Part>> {
        let mut text = match self.peek() {
            Some(symbol @ ('*' | '+' | '?')) => {
                self.rest.next();
                symbol.to_string()
            }
            Some('{') => {
                let mut ahead = self.rest.clone();
                ahead.next();
                if !ahead.peek().is_some_and(char::is_ascii_digit) {
                    return Ok(None);
                }
                self.rest.next();
                self.bound()?
            }
            _ => return Ok(None),
        };
        let lazy = self.take('?');
        if lazy {
            text.push('?');
        }
        let is_fixed = text.starts_with('{') && !text.contains(',');
        let greedy = if is_fixed { None } else { Some(!lazy) };
        Ok(Some(Part { reversed: String::new(), text, greedy }))
    }

    /// What follows `{`.
    fn bound(&mut self) -> Result<String> {
        let least = self.number()?;
        let mut text = format!("{{{least}");
        if self.take(',') {
            text.push(',');
            if self.peek().is_some_and(|next| next.is_ascii_digit()) {
                let most = self.number()?;
                if most < least {
                    return Err(invalid("invalid repetition count(s)"));
                }
                text += &most.to_string();
            }
        }
        if !self.take('}') {
            return Err(invalid("invalid repetition count(s)"));
        }
        text.push('}');
        Ok(text)
    }

    fn number(&mut self) -> Result<u32> {
        let mut number = 0;
        while let Some(digit) = self.peek().and_then(|next| next.to_digit(10)) {
            self.rest.next();
            number = number * 10 + digit;
            if number > REPEAT_MAX {
                return Err(invalid("invalid repetition count(s)"));
            }
        }
        Ok(number)
    }

    /// One atom or constraint, and whether it is a constraint.
    fn atom(&mut self, depth: usize) -> Result<(Part, bool)> {
        let Some(character) = self.rest.next() else { return Ok((Part::plain(""), true)) };
        Ok(match character {
            '(' => (self.group(depth)?, false),
            '[' => return self.bracket(),
            '.' => (Part::plain("."), false),
            '^' => (Part::plain("^"), true),
            '$' => (Part::plain("$"), true),
            '*' | '+' | '?' => return Err(invalid("quantifier operand invalid")),
            '{' if self.peek().is_some_and(|next| next.is_ascii_digit()) => {
                return Err(invalid("quantifier operand invalid"));
            }
            '\\' => return self.escape(),
            plain => (Part::plain(escaped(plain)), false),
        })
    }

    fn group(&mut self, depth: usize) -> Result<Part> {
        let mut open = "(";
        if self.take('?') {
            match self.rest.next() {
                Some(':') => open = "(?:",
                Some('=' | '!' | '<') => return Err(refused("conditions on what stands ahead or behind")),
                Some('#') => {
                    while self.rest.next().is_some_and(|character| character != ')') {}
                    return Ok(Part::plain(""));
                }
                _ => return Err(invalid("quantifier operand invalid")),
            }
        } else {
            self.groups += 1;
        }
        let inner = self.branches(depth + 1)?;
        if !self.take(')') {
            return Err(invalid("parentheses () not balanced"));
        }
        let around = |text: &str| format!("{open}{text})");
        Ok(Part { text: around(&inner.text), reversed: around(&inner.reversed), greedy: inner.greedy })
    }

    /// What follows a backslash outside of brackets.
    fn escape(&mut self) -> Result<(Part, bool)> {
        let Some(character) = self.rest.next() else { return Err(invalid("invalid escape \\ sequence")) };
        let constraint = match character {
            'A' => Some("\\A"),
            'Z' => Some("\\z"),
            'm' => Some("\\b{start}"),
            'M' => Some("\\b{end}"),
            'y' => Some("\\b"),
            'Y' => Some("\\B"),
            _ => None,
        };
        if let Some(text) = constraint {
            return Ok((Part::plain(text), true));
        }
        if let '1'..='9' = character {
            return Err(refused("back references"));
        }
        let text = match class_of(character) {
            Some(class) => format!("[{class}]"),
            None => escaped(self.character(character)?),
        };
        Ok((Part::plain(text), false))
    }

    /// The character that an escape stands for.
    fn character(&mut self, letter: char) -> Result<char> {
        let hex = |reader: &mut Self, digits: usize| {
            let mut value = 0;
            for _ in 0..digits {
                let Some(digit) = reader.peek().and_then(|next| next.to_digit(16)) else { break };
                reader.rest.next();
                value = value * 16 + digit;
            }
            char::from_u32(value).ok_or_else(|| invalid("invalid escape \\ sequence"))
        };
        Ok(match letter {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'B' => '\\',
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0' => '\0',
            'u' => hex(self, 4)?,
            'U' => hex(self, 8)?,
            'x' => hex(self, 6)?,
            'c' => match self.rest.next() {
                Some(control) if control.is_ascii() => char::from(control as u8 & 0x1f),
                _ => return Err(invalid("invalid escape \\ sequence")),
            },
            letter if letter.is_ascii_alphanumeric() => return Err(invalid("invalid escape \\ sequence")),
            plain => plain,
        })
    }

    /// What follows `[`.
    fn bracket(&mut self) -> Result<(Part, bool)> {
        let rest: String = self.rest.clone().take(6).collect();
        for (word, meaning) in [("[:<:]]", "\\b{start}"), ("[:>:]]", "\\b{end}")] {
            if rest == word {
                self.rest.by_ref().take(6).for_each(drop);
                return Ok((Part::plain(meaning), true));
            }
        }
        let negated = self.take('^');
        let mut text = String::from(if negated { "[^" } else { "[" });
        let mut first = true;
        loop {
            match self.rest.next() {
                None => return Err(invalid("brackets [] not balanced")),
                Some(']') if !first => break,
                Some(character) => self.bracket_item(character, &mut text)?,
            }
            first = false;
        }
        if negated && self.options.newline_stops {
            text.push_str("\\n");
        }
        text.push(']');
        Ok((Part::plain(text), false))
    }

    /// A character, class or range inside of brackets.
    fn bracket_item(&mut self, character: char, text: &mut String) -> Result<()> {
        let from = match character {
            '[' if self.take(':') => {
                let name: String = std::iter::from_fn(|| self.rest.next_if(char::is_ascii_alphabetic)).collect();
                if !self.take(':') || !self.take(']') {
                    return Err(invalid("invalid character class"));
                }
                text.push_str(posix_class(&name).ok_or_else(|| invalid("invalid character class"))?);
                return Ok(());
            }
            '[' if matches!(self.peek(), Some('.' | '=')) => return Err(refused("collating elements")),
            '\\' => {
                let letter = self.rest.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                if let Some(class) = class_of(letter) {
                    if letter.is_ascii_uppercase() {
                        return Err(invalid("invalid escape \\ sequence"));
                    }
                    text.push_str(class);
                    return Ok(());
                }
                self.character(letter)?
            }
            plain => plain,
        };
        text.push_str(&escaped_in_class(from));
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']') {
            self.rest.next();
            let to = match self.rest.next() {
                Some('\\') => {
                    let letter = self.rest.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                    self.character(letter)?
                }
                Some(to) => to,
                None => return Err(invalid("brackets [] not balanced")),
            };
            if to < from {
                return Err(invalid("invalid character range"));
            }
            text.push('-');
            text.push_str(&escaped_in_class(to));
        }
        Ok(())
    }
}

/// What stands between brackets for `\d` and its kin.
fn class_of(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "0-9",
        'D' => "^0-9",
        's' => "\\s",
        'S' => "\\S",
        'w' => "\\w",
        'W' => "\\W",
        _ => return None,
    })
}

fn posix_class(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => "\\p{Alphabetic}",
        "digit" => "0-9",
        "alnum" => "\\p{Alphabetic}0-9",
        "word" => "\\w",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\s",
        "blank" => " \\t",
        "punct" => "\\p{Punctuation}\\p{Symbol}",
        "cntrl" => "\\p{Cc}",
        "xdigit" => "0-9A-Fa-f",
        "ascii" => "\\x00-\\x7f",
        "print" => "\\P{C}",
        "graph" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
        _ => return None,
    })
}

fn escaped(character: char) -> String {
    regex::escape(character.encode_utf8(&mut [0; 4]))
}

fn escaped_in_class(character: char) -> String {
    if matches!(character, '[' | ']' | '^' | '-' | '&' | '~' | '\\') {
        format!("\\{character}")
    } else {
        character.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, translate};

    fn pattern(text: &str) -> String {
        translate(text, Options::default()).expect("a pattern").pattern
    }

    #[test]
    fn patterns_are_respelled() {
        assert_eq!(pattern(r"\mab\M\d"), r"(?s)\b{start}ab\b{end}[0-9]");
        assert_eq!(pattern("[]a-]x{2,3}?"), r"(?s)[\]a\-]x{2,3}?");
        assert_eq!(pattern("(?i)a{b"), r"(?is)a\{b");
        assert_eq!(pattern("***=a.b"), r"(?s)a\.b");
        let told = translate("(a|b)+?c*", Options::default()).expect("a pattern");
        assert!(told.shortest && !told.is_plain && told.groups == 1);
        assert_eq!(told.reversed.as_deref(), Some("(?s)(b|a)+?c*"));
        for wrong in ["(", ")", "[a", "*", "a**", "a{1,300}", r"\q", "a{3,1}", "[[:nope:]]", "(?g)a"] {
            assert!(translate(wrong, Options::default()).is_err(), "{wrong}");
        }
    }
}
