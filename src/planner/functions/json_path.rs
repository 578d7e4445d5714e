//! `jsonb_path_exists`, `jsonb_path_query` and their kin: paths over jsonb in lax mode.
//!
//! Members, items, ranges, filters with comparisons, `exists`, `like_regex` and `starts with`, and
//! the methods that need no arithmetic. What is not read here is refused.

use std::cmp::Ordering;

use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::json_value::{Json, number_order};
use super::regex_functions::{self, Patterns};
use super::typed::{Kind, Typed};
use crate::types::{Code, SqlType};

use Kind::Text;

/// Most steps of a path, and values on its way.
const STEPS_MAX: usize = 200;
const VALUES_MAX: usize = 1_000_000;

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let found = |row: &Row<'_>| -> Result<Vec<Json>> {
        let root = Json::read(row.text(0))?;
        Path::read(row.text(1))?.values(&Over { root: &root, patterns: row.patterns() })
    };
    let functions = vec![
        Typed::new("jsonb_path_exists")
            .takes(&[Text, Text], SqlType::Bool, move |row| Ok((!found(row)?.is_empty()).into())),
        Typed::new("jsonb_path_match").takes(&[Text, Text], SqlType::Bool, move |row| match found(row)?.as_slice() {
            [Json::Bool(value)] => Ok((*value).into()),
            [Json::Null] => Ok(Datum::NULL),
            _ => Err(sql_error(Code::SqlJsonError, "single boolean result is expected")),
        }),
        // The operator `@@` gives NULL for what is no condition.
        Typed::new("jsonb_path_holds").takes(&[Text, Text], SqlType::Bool, move |row| match found(row)?.first() {
            Some(Json::Bool(value)) => Ok((*value).into()),
            _ => Ok(Datum::NULL),
        }),
        Typed::new("jsonb_path_query_list").takes(&[Text, Text], SqlType::TextArray, move |row| {
            Ok(Datum::texts(found(row)?.iter().map(|value| Some(value.text()))))
        }),
        Typed::new("jsonb_path_query_array")
            .takes(&[Text, Text], SqlType::Jsonb, move |row| Ok(Json::Array(found(row)?).text().into())),
        Typed::new("jsonb_path_query_first")
            .takes(&[Text, Text], SqlType::Jsonb, move |row| Ok(found(row)?.first().map(Json::text).into())),
    ];
    functions.into_iter().map(Typed::udf).collect()
}

/// What a path is followed over.
struct Over<'a> {
    root: &'a Json,
    /// The patterns of `like_regex` that were read for other rows.
    patterns: &'a Patterns,
}

/// A path: a beginning and steps from there.
#[derive(Debug, Clone)]
struct Path {
    start: Start,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Start {
    Root,
    /// `@` in a filter.
    Current,
    Literal(Json),
    /// A condition is a path of its own: it gives true, false or null.
    Condition(Box<Condition>),
}

#[derive(Debug, Clone)]
enum Step {
    Member(String),
    AnyMember,
    AnyItem,
    Items(Vec<(Place, Place)>),
    Filter(Box<Condition>),
    Method(Method),
}

/// A number from the beginning or from the end.
#[derive(Debug, Clone, Copy)]
enum Place {
    First(i64),
    Last(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Size,
    Type,
}

#[derive(Debug, Clone)]
enum Condition {
    Compare(Path, &'static str, Path),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Exists(Path),
    Matches(Path, String, String),
    StartsWith(Path, String),
}

fn wrong(what: &str) -> DataFusionError {
    sql_error(Code::SyntaxError, format!("syntax error in jsonpath near \"{what}\""))
}

/// Reads the text of a path.
struct Reader<'a> {
    rest: &'a str,
    steps: usize,
}

const COMPARISONS: &[&str] = &["==", "!=", "<>", "<=", ">=", "<", ">"];

impl Path {
    fn read(text: &str) -> Result<Self> {
        let mut reader = Reader { rest: text.trim(), steps: 0 };
        if reader.word("strict") {
            return Err(sql_error(Code::FeatureNotSupported, "the strict mode of jsonpath is not supported"));
        }
        reader.word("lax");
        let path = reader.whole()?;
        reader.blanks();
        if reader.rest.is_empty() { Ok(path) } else { Err(wrong(reader.rest)) }
    }

    fn values(&self, over: &Over<'_>) -> Result<Vec<Json>> {
        self.from(over, over.root)
    }

    fn from(&self, over: &Over<'_>, current: &Json) -> Result<Vec<Json>> {
        let mut values = vec![match &self.start {
            Start::Root => over.root.clone(),
            Start::Current => current.clone(),
            Start::Literal(value) => value.clone(),
            Start::Condition(condition) => condition.holds(over, current)?.map_or(Json::Null, Json::Bool),
        }];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in values {
                step.follow(value, over, &mut next)?;
            }
            if next.len() > VALUES_MAX {
                return Err(sql_error(Code::ProgramLimitExceeded, "too many values of a jsonpath"));
            }
            values = next;
        }
        Ok(values)
    }
}

/// In lax mode an array stands for its items, and a single value for an array of it.
fn unwrapped(value: Json) -> Vec<Json> {
    match value {
        Json::Array(items) => items,
        single => vec![single],
    }
}

impl Step {
    fn follow(&self, value: Json, over: &Over<'_>, next: &mut Vec<Json>) -> Result<()> {
        match self {
            Self::Member(key) => {
                for value in unwrapped(value) {
                    if let Json::Object(members) = value {
                        next.extend(members.into_iter().find(|(name, _)| name == key).map(|(_, member)| member));
                    }
                }
            }
            Self::AnyMember => {
                for value in unwrapped(value) {
                    if let Json::Object(members) = value {
                        next.extend(members.into_iter().map(|(_, member)| member));
                    }
                }
            }
            Self::AnyItem => next.extend(unwrapped(value)),
            Self::Items(ranges) => {
                let items = unwrapped(value);
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let place = |place: Place| match place {
                    Place::First(number) => number,
                    Place::Last(before) => length - 1 - before,
                };
                for (from, to) in ranges {
                    let wanted = place(*from).max(0)..=place(*to).min(length - 1);
                    next.extend(wanted.filter_map(|at| items.get(usize::try_from(at).ok()?).cloned()));
                }
            }
            Self::Filter(condition) => {
                for value in unwrapped(value) {
                    if condition.holds(over, &value)? == Some(true) {
                        next.push(value);
                    }
                }
            }
            Self::Method(Method::Size) => {
                let size = if let Json::Array(items) = &value { items.len() } else { 1 };
                next.push(Json::Number(size.to_string()));
            }
            Self::Method(Method::Type) => next.push(Json::Text(kind(&value).to_owned())),
        }
        Ok(())
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::Text(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

impl Condition {
    /// None where it cannot tell.
    fn holds(&self, over: &Over<'_>, current: &Json) -> Result<Option<bool>> {
        let values = |path: &Path| -> Result<Vec<Json>> {
            Ok(path.from(over, current)?.into_iter().flat_map(unwrapped).collect())
        };
        Ok(match self {
            Self::And(one, other) => match (one.holds(over, current)?, other.holds(over, current)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(one, other) => match (one.holds(over, current)?, other.holds(over, current)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(inner) => inner.holds(over, current)?.map(|holds| !holds),
            Self::Exists(path) => Some(!path.from(over, current)?.is_empty()),
            Self::Compare(one, operator, other) => {
                let others = values(other)?;
                let mut unknown = false;
                for one in values(one)? {
                    for other in &others {
                        match compared(&one, operator, other) {
                            Some(true) => return Ok(Some(true)),
                            Some(false) => {}
                            None => unknown = true,
                        }
                    }
                }
                if unknown { None } else { Some(false) }
            }
            Self::Matches(path, pattern, flags) => texts(&values(path)?, |text| {
                regex_functions::holds(over.patterns, if flags.contains('i') { "~*" } else { "~" }, text, pattern)
            })?,
            Self::StartsWith(path, start) => texts(&values(path)?, |text| Ok(text.starts_with(start.as_str())))?,
        })
    }
}

/// Whether a condition holds for one of the texts; none when something else is among them.
fn texts(values: &[Json], holds: impl Fn(&str) -> Result<bool>) -> Result<Option<bool>> {
    let mut unknown = false;
    for value in values {
        match value {
            Json::Text(text) if holds(text)? => return Ok(Some(true)),
            Json::Text(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { None } else { Some(false) })
}

fn compared(one: &Json, operator: &str, other: &Json) -> Option<bool> {
    let order = match (one, other) {
        (Json::Number(one), Json::Number(other)) => number_order(one, other),
        (Json::Text(one), Json::Text(other)) => one.cmp(other),
        (Json::Bool(one), Json::Bool(other)) => one.cmp(other),
        (Json::Null, Json::Null) => Ordering::Equal,
        // Null is unequal to everything else, and other kinds do not compare.
        (Json::Null, _) | (_, Json::Null) => return Some(matches!(operator, "!=" | "<>")),
        _ => return None,
    };
    Some(match operator {
        "==" => order.is_eq(),
        "!=" | "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(word);
        let ends = |rest: &&str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        match rest.filter(ends) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.take(symbol) { Ok(()) } else { Err(wrong(self.rest)) }
    }

    /// A path, or a condition that stands alone.
    fn whole(&mut self) -> Result<Path> {
        let (before, steps) = (self.rest, self.steps);
        if let Ok(path) = self.path() {
            self.blanks();
            if self.rest.is_empty() {
                return Ok(path);
            }
        }
        (self.rest, self.steps) = (before, steps);
        Ok(Path { start: Start::Condition(Box::new(self.condition()?)), steps: Vec::new() })
    }

    fn path(&mut self) -> Result<Path> {
        self.blanks();
        let start = if self.take("$") {
            if self.rest.starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '"') {
                return Err(sql_error(Code::FeatureNotSupported, "variables of jsonpath are not supported"));
            }
            Start::Root
        } else if self.take("@") {
            Start::Current
        } else {
            Start::Literal(self.literal()?)
        };
        let mut steps = Vec::new();
        while let Some(step) = self.step()? {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Err(sql_error(Code::StatementTooComplex, "jsonpath has too many steps"));
            }
            steps.push(step);
        }
        Ok(Path { start, steps })
    }

    fn literal(&mut self) -> Result<Json> {
        if self.rest.starts_with('"') {
            return self.string().map(Json::Text);
        }
        for (word, value) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))] {
            if self.word(word) {
                return Ok(value);
            }
        }
        let number = |next: char| next.is_ascii_digit() || matches!(next, '-' | '.' | 'e' | 'E' | '+');
        let end = self.rest.find(|next: char| !number(next)).unwrap_or(self.rest.len());
        let value = Json::read(&self.rest[..end]).map_err(|_| wrong(self.rest))?;
        self.rest = &self.rest[end..];
        Ok(value)
    }

    fn string(&mut self) -> Result<String> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, character)| {
            let ends = *character == '"' && !escaped;
            escaped = *character == '\\' && !escaped;
            ends
        });
        let (end, _) = end.ok_or_else(|| wrong(self.rest))?;
        let Ok(Json::Text(text)) = Json::read(&self.rest[..=end]) else { return Err(wrong(self.rest)) };
        self.rest = &self.rest[end + 1..];
        Ok(text)
    }

    fn step(&mut self) -> Result<Option<Step>> {
        if self.take("?") {
            self.expect("(")?;
            let condition = self.condition()?;
            self.expect(")")?;
            return Ok(Some(Step::Filter(Box::new(condition))));
        }
        if self.take("[") {
            return self.items().map(Some);
        }
        if !self.take(".") {
            return Ok(None);
        }
        self.blanks();
        if self.take("*") {
            return if self.rest.starts_with('*') {
                Err(sql_error(Code::FeatureNotSupported, "** of jsonpath is not supported"))
            } else {
                Ok(Some(Step::AnyMember))
            };
        }
        if self.rest.starts_with('"') {
            return self.string().map(|key| Some(Step::Member(key)));
        }
        let end = self.rest.find(|next: char| !(next.is_alphanumeric() || next == '_' || next == '$'));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if name.is_empty() {
            return Err(wrong(self.rest));
        }
        self.rest = rest;
        if !self.take("(") {
            return Ok(Some(Step::Member(name.to_owned())));
        }
        self.expect(")")?;
        match name {
            "size" => Ok(Some(Step::Method(Method::Size))),
            "type" => Ok(Some(Step::Method(Method::Type))),
            _ => Err(sql_error(Code::FeatureNotSupported, format!("the jsonpath method {name}() is not supported"))),
        }
    }

    fn items(&mut self) -> Result<Step> {
        if self.take("*") {
            self.expect("]")?;
            return Ok(Step::AnyItem);
        }
        let mut ranges = Vec::new();
        loop {
            let from = self.place()?;
            let to = if self.word("to") { self.place()? } else { from };
            ranges.push((from, to));
            if self.take("]") {
                return Ok(Step::Items(ranges));
            }
            self.expect(",")?;
        }
    }

    fn place(&mut self) -> Result<Place> {
        if self.word("last") {
            return Ok(Place::Last(if self.take("-") { self.number()? } else { 0 }));
        }
        self.number().map(Place::First)
    }

    fn number(&mut self) -> Result<i64> {
        self.blanks();
        let end = self.rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(self.rest.len());
        let number = self.rest[..end].parse().map_err(|_| wrong(self.rest))?;
        self.rest = &self.rest[end..];
        Ok(number)
    }

    fn condition(&mut self) -> Result<Condition> {
        let mut left = self.conjunction()?;
        while self.take("||") {
            left = Condition::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Condition> {
        let mut left = self.predicate()?;
        while self.take("&&") {
            left = Condition::And(Box::new(left), Box::new(self.predicate()?));
        }
        Ok(left)
    }

    fn predicate(&mut self) -> Result<Condition> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(sql_error(Code::StatementTooComplex, "jsonpath has too many steps"));
        }
        self.blanks();
        if self.rest.starts_with('!') {
            self.take("!");
            self.expect("(")?;
            let inner = self.condition()?;
            self.expect(")")?;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.condition()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.word("exists") {
            self.expect("(")?;
            let path = self.path()?;
            self.expect(")")?;
            return Ok(Condition::Exists(path));
        }
        let left = self.path()?;
        if self.word("like_regex") {
            self.blanks();
            let pattern = self.string()?;
            let flags = if self.word("flag") {
                self.blanks();
                self.string()?
            } else {
                String::new()
            };
            return Ok(Condition::Matches(left, pattern, flags));
        }
        if self.word("starts") {
            if !self.word("with") {
                return Err(wrong(self.rest));
            }
            self.blanks();
            return Ok(Condition::StartsWith(left, self.string()?));
        }
        for operator in COMPARISONS {
            if self.take(operator) {
                return Ok(Condition::Compare(left, operator, self.path()?));
            }
        }
        Err(wrong(self.rest))
    }
}
