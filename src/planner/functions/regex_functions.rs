//! Functions and operators over regular expressions.
//!
//! A match begins as far left as it can. It is the longest from there, or the shortest, as
//! `regex_syntax` tells; its groups are what an automaton prefers among the ways to that very match.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use datafusion::error::Result;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};
use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::{Anchored, Input, MatchKind};

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::limits::{BYTES_MAX, ITEMS_MAX, checked_bytes, checked_items};
use super::regex_shapes::match_as_comparison;
use super::regex_syntax::{Options, Translated, invalid, translate};
use super::typed::{Kind, Returns, Typed};
use crate::types::{Code, SqlType};

use Kind::{Int, Text};

/// Largest automaton of one pattern, in bytes.
const AUTOMATON_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most patterns that are kept ready.
const KEPT_MAX: usize = 32;

/// A pattern ready to search with.
#[derive(Debug)]
struct Searcher {
    told: Translated,
    /// Finds where the leftmost match begins, and whether there is one.
    first: regex::Regex,
    /// Finds the end and the groups.
    groups: PikeVM,
    /// The same with branches in reverse, to find out whether the groups depend on their order.
    reversed: Option<PikeVM>,
}

/// Where a match lies, and its groups.
#[derive(Debug)]
struct Found {
    span: Range<usize>,
    groups: Vec<Option<Range<usize>>>,
}

fn automaton(pattern: &str) -> Result<PikeVM> {
    PikeVM::builder()
        .configure(PikeVM::config().match_kind(MatchKind::All))
        .thompson(thompson::Config::new().nfa_size_limit(Some(AUTOMATON_BYTES_MAX)))
        .build(pattern)
        .map_err(|_| invalid("regular expression is too complex"))
}

impl Searcher {
    fn new(pattern: &str, options: Options) -> Result<Self> {
        let told = translate(pattern, options)?;
        let first = regex::RegexBuilder::new(&told.pattern).size_limit(AUTOMATON_BYTES_MAX).build();
        let first = first.map_err(|_| invalid("regular expression is too complex"))?;
        let groups = automaton(&told.pattern)?;
        let ambiguous = told.reversed.as_ref().filter(|_| told.groups > 0);
        let reversed = ambiguous.map(|pattern| automaton(pattern)).transpose()?;
        Ok(Self { told, first, groups, reversed })
    }

    /// The first match at or after a place.
    fn find(&self, text: &str, from: usize) -> Result<Option<Found>> {
        let Some(first) = self.first.find_at(text, from) else { return Ok(None) };
        let mut span = first.range();
        if !self.told.is_plain {
            let mut cache = self.groups.create_cache();
            let input = Input::new(text).range(span.start..).anchored(Anchored::Yes).earliest(self.told.shortest);
            span.end = self.groups.find(&mut cache, input).map_or(span.end, |found| found.end());
        }
        let groups = if self.told.groups == 0 { Vec::new() } else { self.groups_of(text, &span)? };
        Ok(Some(Found { span, groups }))
    }

    fn groups_of(&self, text: &str, span: &Range<usize>) -> Result<Vec<Option<Range<usize>>>> {
        let of = |automaton: &PikeVM| {
            let (mut cache, mut captures) = (automaton.create_cache(), automaton.create_captures());
            let input = Input::new(text).range(span.clone()).anchored(Anchored::Yes);
            automaton.captures(&mut cache, input, &mut captures);
            (1..=self.told.groups).map(|group| captures.get_group(group).map(|span| span.range())).collect::<Vec<_>>()
        };
        let groups = of(&self.groups);
        match &self.reversed {
            Some(reversed) if of(reversed) != groups => {
                let text = "regular expression groups that depend on the order of branches are not supported";
                Err(sql_error(Code::FeatureNotSupported, text))
            }
            _ => Ok(groups),
        }
    }

    /// Matches one after the other, from a place on; empty ones only where nothing else ended.
    fn find_all(&self, text: &str, from: usize, mut take: impl FnMut(Found) -> bool) -> Result<()> {
        let mut at = from;
        while let Some(found) = self.find(text, at)? {
            let (start, end) = (found.span.start, found.span.end);
            if !take(found) {
                break;
            }
            at = if end > start { end } else { end + text[end..].chars().next().map_or(1, char::len_utf8) };
            if at > text.len() {
                break;
            }
        }
        Ok(())
    }
}

/// Patterns that one call has read already: most calls have one for all their rows.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// By options, then by pattern.
    ready: RefCell<HashMap<String, HashMap<String, Arc<Searcher>>>>,
}

impl Patterns {
    fn ready(&self, pattern: &str, flags: &str) -> Result<(Arc<Searcher>, Options)> {
        let options = Options::read(flags)?;
        if let Some(ready) = self.ready.borrow().get(flags).and_then(|patterns| patterns.get(pattern)) {
            return Ok((Arc::clone(ready), options));
        }
        let made = Arc::new(Searcher::new(pattern, options)?);
        let mut ready = self.ready.borrow_mut();
        let patterns = ready.entry(flags.to_owned()).or_default();
        if patterns.len() >= KEPT_MAX {
            patterns.clear();
        }
        patterns.insert(pattern.to_owned(), Arc::clone(&made));
        Ok((made, options))
    }
}

fn searcher(row: &Row<'_>, pattern: &str, flags: &str) -> Result<(Arc<Searcher>, Options)> {
    row.patterns().ready(pattern, flags)
}

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut functions = matching();
    functions.extend(splitting());
    functions.extend(counting());
    functions.push(replacing());
    functions.into_iter().map(Typed::udf).collect()
}

/// The name under which a match stands that was looked at by `regex_shapes` already.
const DECIDED: &str = "text_matches_too";

fn matching() -> Vec<Typed> {
    let matches = |name| {
        Typed::new(name).takes(&[Text, Text, Text], SqlType::Bool, |row| {
            Ok(searcher(row, row.text(1), row.text(2))?.0.first.is_match(row.text(0)).into())
        })
    };
    let decided = Arc::new(matches(DECIDED).udf());
    let texts = |found: Option<Datum>| Ok(found.unwrap_or(Datum::NULL));
    vec![
        // The operators `~`, `~*`: text, pattern, options.
        matches("text_matches")
            .simplified_by(move |arguments, context| match_as_comparison(arguments, context, &decided)),
        matches(DECIDED),
        Typed::new("regexp_like")
            .takes(&[Text, Text], SqlType::Bool, |row| {
                Ok(searcher(row, row.text(1), "")?.0.first.is_match(row.text(0)).into())
            })
            .takes(&[Text, Text, Text], SqlType::Bool, |row| {
                Ok(searcher(row, row.text(1), without_all(row.text(2), "regexp_like")?)?
                    .0
                    .first
                    .is_match(row.text(0))
                    .into())
            }),
        Typed::new("regexp_match")
            .takes(&[Text, Text], SqlType::TextArray, move |row| texts(first_match(row, "")?))
            .takes(&[Text, Text, Text], SqlType::TextArray, move |row| {
                texts(first_match(row, without_all(row.text(2), "regexp_match")?)?)
            }),
    ]
}

fn splitting() -> Vec<Typed> {
    let mut functions = vec![
        // Lists of the rows of `regexp_matches`; a row is spelled as an array.
        Typed::new("regexp_matches_list")
            .takes(&[Text, Text], SqlType::TextArray, |row| all_matches(row, ""))
            .returning(Returns::Told(lists_of_texts))
            .takes(&[Text, Text, Text], SqlType::TextArray, |row| all_matches(row, row.text(2)))
            .returning(Returns::Told(lists_of_texts)),
    ];
    for name in ["regexp_split_to_array", "regexp_split_to_table_list"] {
        functions.push(Typed::new(name).takes(&[Text, Text], SqlType::TextArray, move |row| split(row, "")).takes(
            &[Text, Text, Text],
            SqlType::TextArray,
            move |row| split(row, row.text(2)),
        ));
    }
    functions
}

fn lists_of_texts(_: &ReturnFieldArgs<'_>) -> Result<Field> {
    Ok(Field::new_list("rows", Field::new("item", SqlType::TextArray.arrow(), true), true))
}

fn without_all<'a>(flags: &'a str, function: &str) -> Result<&'a str> {
    if flags.contains('g') {
        let text = format!("{function}() does not support the \"global\" option");
        return Err(sql_error(Code::InvalidParameterValue, text));
    }
    Ok(flags)
}

fn groups_or_all(text: &str, found: &Found) -> Vec<Option<String>> {
    if found.groups.is_empty() {
        return vec![Some(text[found.span.clone()].to_owned())];
    }
    found.groups.iter().map(|group| group.clone().map(|span| text[span].to_owned())).collect()
}

fn first_match(row: &Row<'_>, flags: &str) -> Result<Option<Datum>> {
    let text = row.text(0);
    let found = searcher(row, row.text(1), flags)?.0.find(text, 0)?;
    Ok(found.map(|found| Datum::texts(groups_or_all(text, &found))))
}

fn all_matches(row: &Row<'_>, flags: &str) -> Result<Datum> {
    let text = row.text(0);
    let (searcher, options) = searcher(row, row.text(1), flags)?;
    let mut rows = Vec::new();
    searcher.find_all(text, 0, |found| {
        rows.push(groups_or_all(text, &found));
        options.all && rows.len() <= ITEMS_MAX
    })?;
    checked_items(rows.len())?;
    Ok(Datum::lists_of_texts(&rows))
}

/// `substring(text FROM pattern)`: the first group, or the whole match.
pub(super) fn first_part(row: &Row<'_>, pattern: &str) -> Result<Datum> {
    let text = row.text(0);
    let found = searcher(row, pattern, "")?.0.find(text, 0)?;
    Ok(found.and_then(|found| groups_or_all(text, &found).into_iter().next().flatten()).into())
}

fn split(row: &Row<'_>, flags: &str) -> Result<Datum> {
    let text = row.text(0);
    let (searcher, _) = searcher(row, row.text(1), without_all(flags, "regexp_split_to_array")?)?;
    let (mut parts, mut begin) = (Vec::new(), 0);
    searcher.find_all(text, 0, |found| {
        // An empty match at either end, or right behind another, separates nothing.
        let empty = found.span.is_empty();
        if !(empty && (found.span.start == begin || found.span.start >= text.len())) {
            parts.push(Some(text[begin..found.span.start].to_owned()));
            begin = found.span.end;
        }
        parts.len() <= ITEMS_MAX
    })?;
    checked_items(parts.len())?;
    parts.push(Some(text[begin..].to_owned()));
    Ok(Datum::texts(parts))
}

/// An operator over a text and a pattern: `~`, `!~*`, `~~`, ...
pub(super) fn holds(patterns: &Patterns, operator: &str, text: &str, pattern: &str) -> Result<bool> {
    let plain = operator.strip_prefix('!').unwrap_or(operator);
    let (is_like, flags) = match plain {
        "~" => (false, ""),
        "~*" => (false, "i"),
        "~~" => (true, ""),
        "~~*" => (true, "i"),
        other => return Err(sql_error(Code::UndefinedFunction, format!("operator does not exist: text {other} text"))),
    };
    let found = if is_like {
        patterns.ready(&like_as_regex(pattern)?, flags)?.0.first.is_match(text)
    } else {
        patterns.ready(pattern, flags)?.0.first.is_match(text)
    };
    Ok(found != operator.starts_with('!'))
}

/// A pattern of LIKE as a regular expression.
fn like_as_regex(pattern: &str) -> Result<String> {
    let mut out = String::from("^");
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            '%' => {
                out.push_str(".*");
                continue;
            }
            '_' => {
                out.push('.');
                continue;
            }
            '\\' => characters.next().ok_or_else(|| {
                sql_error(Code::InvalidEscapeSequence, "LIKE pattern must not end with escape character")
            })?,
            plain => plain,
        };
        if !plain.is_alphanumeric() {
            out.push('\\');
        }
        out.push(plain);
    }
    out.push('$');
    Ok(out)
}

/// Where a search begins: a character's number from 1.
fn begin_of(text: &str, start: i64, name: &str) -> Result<Option<usize>> {
    let place = usize::try_from(start).ok().and_then(|start| start.checked_sub(1)).ok_or_else(|| {
        sql_error(Code::InvalidParameterValue, format!("invalid value for parameter \"{name}\": {start}"))
    })?;
    let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    Ok(places.nth(place))
}

fn counting() -> Vec<Typed> {
    let count = |row: &Row<'_>, start: i64, flags: &str| -> Result<Datum> {
        let (searcher, _) = searcher(row, row.text(1), without_all(flags, "regexp_count")?)?;
        let mut count = 0_i32;
        if let Some(from) = begin_of(row.text(0), start, "start")? {
            searcher.find_all(row.text(0), from, |_| {
                count = count.saturating_add(1);
                true
            })?;
        }
        Ok(count.into())
    };
    let instr = [Text, Text, Int, Int, Int, Text, Int];
    let substr = [Text, Text, Int, Int, Text, Int];
    let mut in_text = Typed::new("regexp_instr");
    for count in 2..=instr.len() {
        in_text = in_text.takes(&instr[..count], SqlType::Int4, position_of);
    }
    let mut part = Typed::new("regexp_substr");
    for count in 2..=substr.len() {
        part = part.takes(&substr[..count], SqlType::Text, |row| {
            let found = nth(row, "regexp_substr", row.text_at(4).unwrap_or_default(), 5)?;
            Ok(found.map(|span| row.text(0)[span].to_owned()).into())
        });
    }
    let counts = Typed::new("regexp_count")
        .takes(&[Text, Text], SqlType::Int4, move |row| count(row, 1, ""))
        .takes(&[Text, Text, Int], SqlType::Int4, move |row| count(row, row.int(2), ""))
        .takes(&[Text, Text, Int, Text], SqlType::Int4, move |row| count(row, row.int(2), row.text(3)));
    vec![counts, in_text, part]
}

fn position_of(row: &Row<'_>) -> Result<Datum> {
    let Some(span) = nth(row, "regexp_instr", row.text_at(5).unwrap_or_default(), 6)? else { return Ok(0_i32.into()) };
    let behind = row.len() > 4 && row.int(4) == 1;
    let place = row.text(0)[..if behind { span.end } else { span.start }].chars().count() + 1;
    Ok(i32::try_from(place).unwrap_or(i32::MAX).into())
}

/// The match of a number, or one of its groups: arguments from the third on are start and number.
fn nth(row: &Row<'_>, function: &str, flags: &str, group_at: usize) -> Result<Option<Range<usize>>> {
    let (searcher, _) = searcher(row, row.text(1), without_all(flags, function)?)?;
    let start = if row.len() > 2 { row.int(2) } else { 1 };
    let number = if row.len() > 3 { row.int(3) } else { 1 };
    let group = if row.len() > group_at { row.int(group_at) } else { 0 };
    let (Ok(number), Ok(group)) = (u64::try_from(number - 1), usize::try_from(group)) else {
        return Err(sql_error(Code::InvalidParameterValue, "invalid value for parameter \"n\""));
    };
    let Some(from) = begin_of(row.text(0), start, "start")? else { return Ok(None) };
    let (mut seen, mut wanted) = (0, None);
    searcher.find_all(row.text(0), from, |found| {
        if seen == number {
            wanted = Some(found);
        }
        seen += 1;
        seen <= number
    })?;
    Ok(wanted.and_then(|found| match group {
        0 => Some(found.span),
        group => found.groups.get(group - 1).cloned().flatten(),
    }))
}

fn replacing() -> Typed {
    // Either options or a start may be the fourth argument; all matches are the number 0.
    Typed::new("regexp_replace")
        .takes(&[Text, Text, Text], SqlType::Text, |row| replaced(row, 1, 1, ""))
        .takes(&[Text, Text, Text, Text], SqlType::Text, |row| {
            let number = i64::from(!row.text(3).contains('g'));
            replaced(row, 1, number, row.text(3))
        })
        .takes(&[Text, Text, Text, Int], SqlType::Text, |row| replaced(row, row.int(3), 1, ""))
        .takes(&[Text, Text, Text, Int, Int], SqlType::Text, |row| replaced(row, row.int(3), row.int(4), ""))
        .takes(&[Text, Text, Text, Int, Int, Text], SqlType::Text, |row| {
            replaced(row, row.int(3), row.int(4), row.text(5))
        })
}

fn replaced(row: &Row<'_>, start: i64, number: i64, flags: &str) -> Result<Datum> {
    let (searcher, _) = searcher(row, row.text(1), flags)?;
    let (text, replacement) = (row.text(0), row.text(2));
    let Some(from) = begin_of(text, start, "start")? else { return Ok(text.into()) };
    let (mut out, mut begin, mut seen) = (String::new(), 0, 0);
    searcher.find_all(text, from, |found| {
        seen += 1;
        if number == 0 || seen == number {
            out.push_str(&text[begin..found.span.start]);
            put(&mut out, text, &found, replacement);
            begin = found.span.end;
        }
        (number == 0 || seen < number) && out.len() <= BYTES_MAX
    })?;
    checked_bytes(out.len())?;
    out.push_str(&text[begin..]);
    Ok(out.into())
}

/// A replacement with `\1`, `\&` and `\\` in it.
fn put(out: &mut String, text: &str, found: &Found, replacement: &str) {
    let mut rest = replacement;
    while let Some((plain, behind)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = behind.chars();
        match characters.next() {
            Some('&') => out.push_str(&text[found.span.clone()]),
            Some(digit @ '1'..='9') => {
                let group = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(1);
                let span = found.groups.get(group - 1).cloned().flatten();
                out.push_str(span.map_or("", |span| &text[span]));
            }
            Some('\\') | None => out.push('\\'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}
