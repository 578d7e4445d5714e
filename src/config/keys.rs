//! Walks a configuration key by key, in the order default, file, environment, command line.
//!
//! A room of the configuration asks for each key that it knows; what is left over in its table
//! after that is a mistake of the file. So the list of known keys stands in one place only.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Sources;
use super::findings::{Findings, Origin};
use super::leaf::Leaf;
use super::units::shorten;

/// The parts of every environment variable that is ours.
const PREFIX: &str = "ARMORLAKE_";
/// A short name that outlives any layout of the file.
const LOG_VARIABLE: &str = "ARMORLAKE_LOG";

/// Everything outside the file, and what reading found so far.
#[derive(Debug)]
pub(super) struct Reading<'t> {
    text: &'t str,
    environment: BTreeMap<String, String>,
    flags: BTreeMap<String, String>,
    pub(super) findings: Findings,
}

impl<'t> Reading<'t> {
    pub(super) fn new(text: &'t str, sources: &Sources, findings: Findings) -> Self {
        let mut environment: BTreeMap<String, String> = sources.environment.iter().cloned().collect();
        if let Some(level) = environment.remove(LOG_VARIABLE) {
            environment.entry("ARMORLAKE_LOG_LEVEL".to_owned()).or_insert(level);
        }
        Self { text, environment, flags: sources.flags.iter().cloned().collect(), findings }
    }

    /// The line of a place in the file, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    /// Reads the whole file with `read`, then reports what nobody asked for.
    pub(super) fn walk<T>(&mut self, table: &DeTable<'_>, read: impl FnOnce(&mut Keys<'_, '_>) -> T) -> T {
        let sections: Vec<String>;
        let result = {
            let mut keys = Keys { reading: self, table: Some(table), path: String::new(), known: BTreeSet::new() };
            let result = read(&mut keys);
            sections = keys.known.iter().map(|section| variable_of(section) + "_").collect();
            keys.finish();
            result
        };
        for (variable, _) in std::mem::take(&mut self.environment) {
            let is_ours = sections.iter().any(|section| variable.starts_with(section.as_str()));
            if is_ours && !is_service_link(&variable) {
                self.findings.wrong(variable, "no key has this environment variable");
            }
        }
        for (key, _) in std::mem::take(&mut self.flags) {
            self.findings.wrong(key, "unknown key on the command line");
        }
        result
    }

    /// The text outside the file that replaces the value of a key.
    fn take_outside(&mut self, key: &str) -> Option<(String, Origin)> {
        let variable = variable_of(key);
        let environment = self.environment.remove(&variable);
        if let Some(text) = self.flags.remove(key) {
            return Some((text, Origin::Flag));
        }
        environment.map(|text| (text, Origin::Environment { variable }))
    }
}

/// The environment variable of a key: `pg.listen` is ARMORLAKE_PG_LISTEN.
fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Kubernetes gives every container variables for the services of its namespace; a service called
/// `armorlake-pg` must not keep a node from starting.
fn is_service_link(variable: &str) -> bool {
    ["_SERVICE_HOST", "_PORT"].iter().any(|end| variable.ends_with(end))
        || ["_SERVICE_PORT", "_PORT_"].iter().any(|part| variable.contains(part))
}

/// One table of the file, and the keys that were asked for.
#[derive(Debug)]
pub(super) struct Keys<'r, 't> {
    reading: &'r mut Reading<'t>,
    table: Option<&'r DeTable<'r>>,
    path: String,
    known: BTreeSet<&'static str>,
}

impl<'t> Keys<'_, 't> {
    fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The path of this table, such as `feeds[1]`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The value of a key, or its default.
    pub(super) fn or<T: Leaf>(&mut self, name: &'static str, default: T) -> T {
        match self.optional(name) {
            Some(value) => value,
            None => {
                let key = self.key(name);
                self.reading.findings.resolved(&key, default.show(), Origin::Default);
                default
            }
        }
    }

    /// The value of a key that has no default.
    pub(super) fn required<T: Leaf>(&mut self, name: &'static str) -> Option<T> {
        let given = self.is_given(name);
        let value = self.optional(name);
        if !given {
            self.reading.findings.wrong(self.key(name), format!("missing; it wants {}", T::WANTS));
        }
        value
    }

    /// The value of a key that may be left out; a mistake counts as left out.
    pub(super) fn optional<T: Leaf>(&mut self, name: &'static str) -> Option<T> {
        self.known.insert(name);
        let key = self.key(name);
        let in_file = self.table.and_then(|table| table.get(name));
        let (read, origin) = match (self.reading.take_outside(&key), in_file) {
            (Some((text, origin)), _) => (T::from_text(&text), origin),
            (None, Some(value)) => {
                let origin = Origin::File { line: self.reading.line(value.span().start) };
                let read = T::from_value(value.get_ref()).unwrap_or_else(|| Err(wrong_kind(T::WANTS, value)));
                (read, origin)
            }
            (None, None) => return None,
        };
        self.reading.findings.seen(&key, origin.clone());
        let value = self.reading.findings.keep(key.as_str(), read)?;
        self.reading.findings.resolved(&key, value.show(), origin);
        Some(value)
    }

    /// Whether anybody wrote this key, or one below it.
    pub(super) fn is_given(&self, name: &str) -> bool {
        let key = self.key(name);
        let variable = variable_of(&key);
        let below = format!("{key}.");
        let variable_below = format!("{variable}_");
        self.table.is_some_and(|table| table.contains_key(name))
            || self.reading.flags.keys().any(|flag| *flag == key || flag.starts_with(&below))
            || self
                .reading
                .environment
                .keys()
                .any(|given| *given == variable || (given.starts_with(&variable_below) && !is_service_link(given)))
    }

    /// Reads a table below this one, also when it is not there.
    pub(super) fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Keys<'_, 't>) -> T) -> T {
        self.known.insert(name);
        let path = self.key(name);
        let table = match self.table.and_then(|table| table.get(name)) {
            None => None,
            Some(value) => self.as_table(&path, value),
        };
        let mut keys = Keys { reading: self.reading, table, path, known: BTreeSet::new() };
        let result = read(&mut keys);
        keys.finish();
        result
    }

    /// Reads a list of tables.
    pub(super) fn list<T>(&mut self, name: &'static str, mut read: impl FnMut(&mut Keys<'_, 't>) -> T) -> Vec<T> {
        self.known.insert(name);
        let path = self.key(name);
        let Some(value) = self.table.and_then(|table| table.get(name)) else { return Vec::new() };
        self.note_place(&path, value);
        let Some(items) = value.get_ref().as_array() else {
            self.reading
                .findings
                .wrong(path.as_str(), wrong_kind(&format!("a list of tables, each [[{path}]]"), value));
            return Vec::new();
        };
        let mut results = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let table = self.as_table(&path, item);
            if table.is_some() {
                let mut keys = Keys { reading: self.reading, table, path, known: BTreeSet::new() };
                results.push(read(&mut keys));
                keys.finish();
            }
        }
        results
    }

    fn note_place(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        let line = self.reading.line(value.span().start);
        self.reading.findings.seen(path, Origin::File { line });
    }

    fn as_table<'v>(&mut self, path: &str, value: &'v Spanned<DeValue<'v>>) -> Option<&'v DeTable<'v>> {
        self.note_place(path, value);
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.reading.findings.wrong(path, wrong_kind("a table", value));
        }
        table
    }

    /// Notes a mistake for every key of the table that nobody asked for.
    fn finish(self) {
        let Some(table) = self.table else { return };
        for (name, _) in table {
            if !self.known.contains(name.get_ref().as_ref()) {
                let key = self.key(&shorten(name.get_ref()));
                let line = self.reading.line(name.span().start);
                self.reading.findings.seen(&key, Origin::File { line });
                let text = match nearest(name.get_ref(), &self.known) {
                    Some(meant) => format!("unknown key; did you mean \"{meant}\"?"),
                    None => "unknown key".to_owned(),
                };
                self.reading.findings.wrong(key, text);
            }
        }
    }
}

fn wrong_kind(wants: &str, value: &Spanned<DeValue<'_>>) -> String {
    let has = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    format!("it wants {wants}, and has {has}")
}

/// The known key that a mistyped one probably means: at most two letters away.
fn nearest(typed: &str, known: &BTreeSet<&'static str>) -> Option<&'static str> {
    let close = known.iter().filter(|name| typed.len().abs_diff(name.len()) <= 2);
    let (distance, name) = close.map(|name| (distance(typed, name), *name)).min()?;
    (distance <= 2).then_some(name)
}

/// Letters to insert, remove or replace to get from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in right.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.chars().count()]
}
