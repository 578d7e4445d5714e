//! What objects are made of, as SQL: constraints, indexes, views, sequences of columns.
//!
//! The catalog keeps expressions as PostgreSQL prints them, operators in parentheses; the pretty form leaves the
//! outermost ones out.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::directory::ConstraintPlace;
use super::facts::CatalogFacts;
use super::lookup::{Relation, Source, qualified};
use crate::catalog::{Constraint, ForeignAction, Index, IndexKey, Rule, Table, quote_ident};

/// Whether a definition is meant for reading, or to be run again anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As few parentheses and schemas as may be.
    Pretty,
    /// Every operator in parentheses.
    Exact,
}

impl Style {
    /// An expression in this style.
    pub fn expression(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Pretty => BARE_CAST.replace_all(without_parentheses(text), "${before}${value}::"),
            Self::Exact => Cow::Borrowed(text),
        }
    }
}

/// A cast of a name or number, whose parentheses are no function's.
static BARE_CAST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?P<before>^|[^\w"$])\((?P<value>[\w.]+)\)::"#).expect("a pattern"));

/// The text inside of the parentheses that hold the whole of it.
fn without_parentheses(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return text };
    let (mut depth, mut quote) = (0_u32, None);
    for character in inner.chars() {
        match (quote, character) {
            (Some(open), found) if open == found => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return text,
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    inner
}

impl CatalogFacts {
    /// A text that the catalog keeps, without schemas where the search path finds the same.
    pub fn shown_text(&self, sql: &str, search_path: &[String]) -> String {
        match self.catalog.databases.get(&self.database) {
            Some(database) => crate::catalog::shown_text(sql, database, search_path),
            None => sql.to_owned(),
        }
    }

    /// `pg_get_constraintdef`.
    pub fn constraint_definition(&self, oid: u32, style: Style, search_path: &[String]) -> Option<String> {
        let place = self.directory.constraint(oid)?;
        let constraint = place.constraint()?;
        let ConstraintPlace::Table(table, _) = place else {
            let shown = |expression| style.expression(&self.shown_text(expression, search_path)).into_owned();
            return check_of(constraint).map(|expression| format!("CHECK ({})", shown(expression)));
        };
        let columns = column_list(table, &constraint.columns);
        Some(match &constraint.rule {
            Rule::PrimaryKey { index } => format!("PRIMARY KEY ({columns}){}", included(table, *index)),
            Rule::Unique { index } => {
                let nulls = if index_of(table, *index).is_some_and(|index| index.nulls_not_distinct) {
                    " NULLS NOT DISTINCT"
                } else {
                    ""
                };
                format!("UNIQUE{nulls} ({columns}){}", included(table, *index))
            }
            Rule::Check { expression } => {
                format!("CHECK ({})", style.expression(&self.shown_text(expression, search_path)))
            }
            Rule::ForeignKey { table: other, referenced, on_update, on_delete } => {
                let name = self.relation_text(*other, search_path)?;
                let keys = self.directory.table(*other).map(|other| column_list(other, referenced))?;
                let actions = [("UPDATE", on_update), ("DELETE", on_delete)];
                let actions = actions.map(|(event, action)| match action {
                    ForeignAction::NoAction => String::new(),
                    action => format!(" ON {event} {}", action_text(*action)),
                });
                format!("FOREIGN KEY ({columns}) REFERENCES {name}({keys}){}", actions.concat())
            }
        })
    }

    /// `pg_get_indexdef` of the whole index.
    pub fn index_definition(&self, oid: u32, style: Style, search_path: &[String]) -> Option<String> {
        let relation = self.relation(oid)?;
        let Source::Index(table, index) = relation.source else { return None };
        let name = match style {
            Style::Pretty => self.relation_text(table.oid, search_path)?,
            Style::Exact => qualified(&table.schema, &table.name),
        };
        let key_text = |key| self.shown_text(&key_text(table, key, style), search_path);
        let keys: Vec<String> = index.keys.iter().map(|key| format!("{}{}", key_text(key), order_text(key))).collect();
        let mut text = format!(
            "CREATE {}INDEX {} ON {name} USING btree ({})",
            if index.unique { "UNIQUE " } else { "" },
            quote_ident(&index.name),
            keys.join(", ")
        );
        if !index.include.is_empty() {
            text.push_str(&format!(" INCLUDE ({})", column_list(table, &index.include)));
        }
        if index.nulls_not_distinct {
            text.push_str(" NULLS NOT DISTINCT");
        }
        if let Some(predicate) = &index.predicate {
            text.push_str(&format!(" WHERE {}", style.expression(&self.shown_text(predicate, search_path))));
        }
        Some(text)
    }

    /// `pg_get_indexdef` of one column of an index, counted from 1; empty for one that is not there.
    pub fn index_column_definition(&self, oid: u32, number: i64, style: Style) -> Option<String> {
        let relation = self.relation(oid)?;
        let Source::Index(table, index) = relation.source else { return None };
        let place = usize::try_from(number - 1).ok();
        let key = place.and_then(|place| index.keys.get(place));
        let included = || {
            let column = index.include.get(place?.checked_sub(index.keys.len())?)?;
            Some(column_list(table, &[*column]))
        };
        Some(key.map(|key| key_text(table, key, style)).or_else(included).unwrap_or_default())
    }

    /// The sequence that belongs to a column, always with its schema.
    pub fn serial_sequence(&self, table: u32, column: i16) -> Option<String> {
        let sequence = self.directory.owned_sequence(table, column)?;
        Some(qualified(&sequence.schema, &sequence.name))
    }

    /// Bounds and steps of a sequence.
    pub fn sequence(&self, oid: u32) -> Option<&crate::catalog::Sequence> {
        match self.directory.relation(oid)? {
            super::directory::Stored::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The foreign keys between the rows of tables make triggers of the server's own.
    pub(super) fn has_triggers(&self, relation: &Relation<'_>) -> bool {
        let Some((table, relational)) = relation.relational() else { return false };
        let refers = relational.constraints.iter().any(|one| matches!(one.rule, Rule::ForeignKey { .. }));
        refers || self.directory.is_referenced(table.oid)
    }
}

/// The SELECT of a view as PostgreSQL shows it: behind a blank, closed by a semicolon.
pub(crate) fn view_definition(sql: &str) -> String {
    format!(" {};", sql.trim().trim_end_matches(';').trim_end())
}

fn check_of(constraint: &Constraint) -> Option<&str> {
    match &constraint.rule {
        Rule::Check { expression } => Some(expression),
        _ => None,
    }
}

fn index_of(table: &Table, oid: u32) -> Option<&Index> {
    table.relational.as_ref()?.indexes.iter().find(|index| index.oid == oid)
}

fn included(table: &Table, index: u32) -> String {
    match index_of(table, index) {
        Some(index) if !index.include.is_empty() => format!(" INCLUDE ({})", column_list(table, &index.include)),
        _ => String::new(),
    }
}

fn column_list(table: &Table, numbers: &[i16]) -> String {
    let name = |number: &i16| table.column(*number).map_or_else(String::new, |column| quote_ident(&column.name));
    numbers.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What a foreign key does, in words.
pub(super) fn action_text(action: ForeignAction) -> &'static str {
    match action {
        ForeignAction::NoAction => "NO ACTION",
        ForeignAction::Restrict => "RESTRICT",
        ForeignAction::Cascade => "CASCADE",
        ForeignAction::SetNull => "SET NULL",
        ForeignAction::SetDefault => "SET DEFAULT",
    }
}

/// A column's name, or an expression: bare where it is a call of a function, else in parentheses.
fn key_text(table: &Table, key: &IndexKey, style: Style) -> String {
    if let Some(column) = key.column {
        return column_list(table, &[column]);
    }
    let expression = style.expression(key.expression.as_deref().unwrap_or_default());
    if called_function(&expression).is_some() { expression.into_owned() } else { format!("({expression})") }
}

/// The function that the whole expression is a call of.
fn called_function(expression: &str) -> Option<&str> {
    let (name, rest) = expression.split_at(expression.find('(')?);
    let is_name = |text: &str| text.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '.' | '"' | '$'));
    let is_whole = without_parentheses(rest).len() < rest.len();
    (!name.is_empty() && is_name(name) && is_whole).then_some(name)
}

fn order_text(key: &IndexKey) -> &'static str {
    match (key.descending, key.nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    }
}

/// The names of an index's columns: those of the table's columns, of functions, or `expr`; numbered where they meet.
pub(super) fn index_column_names(table: &Table, index: &Index) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut taken = HashSet::new();
    let of_keys = index.keys.iter().map(|key| (key.column, key.expression.as_deref()));
    for (column, expression) in of_keys.chain(index.include.iter().map(|column| (Some(*column), None))) {
        let column = column.and_then(|column| table.column(column)).map(|column| column.name.clone());
        let base = column.unwrap_or_else(|| {
            let function = expression.and_then(called_function).and_then(|name| name.rsplit('.').next());
            function.map_or("expr", |name| name.trim_matches('"')).to_owned()
        });
        let mut name = base.clone();
        let mut number = 0;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{base}{number}");
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{called_function, without_parentheses};

    #[test]
    fn parentheses_around_the_whole_are_told_from_others() {
        for (text, bare) in [
            ("(a > 0)", "a > 0"),
            ("((a > 0) AND (b > 0))", "(a > 0) AND (b > 0)"),
            ("(a > 0) AND (b > 0)", "(a > 0) AND (b > 0)"),
            ("(a = ')')", "a = ')'"),
            ("lower(a)", "lower(a)"),
        ] {
            assert_eq!(without_parentheses(text), bare);
        }
    }

    #[test]
    fn a_call_is_told_from_an_operator() {
        assert_eq!(called_function("lower(name)"), Some("lower"));
        assert_eq!(called_function("(a + b)"), None);
        assert_eq!(called_function("lower(a) || lower(b)"), None);
        assert_eq!(called_function("name"), None);
    }
}
