//! Prints queries: views, and queries inside of expressions.
//!
//! `*` becomes the columns that are there now, every column has its table's name before it, and what ORDER BY and
//! GROUP BY name by number is written out.

use datafusion::sql::sqlparser::ast::{
    Cte, Distinct, Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Join, JoinConstraint, JoinOperator, LimitClause,
    ObjectName, OrderBy, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    SetQuantifier, TableAlias, TableFactor, TableWithJoins, Value,
};

use super::super::definition::QualifiedName;
use super::super::names::{DeclaredType, Names, Relation};
use super::super::parse::parser;
use super::super::rewrite::{column_name, folded, last_name, name_parts};
use super::super::statement::InnerQuery;
use super::expression::{Scope, Source, Writer};
use crate::catalog::quote_for_engine;
use crate::types::{Code, SqlError};

/// Columns of relations that are no user's: what a name means, if anything.
pub(in crate::planner) type Outside<'a> = &'a dyn Fn(Option<&str>, &str) -> Option<(String, Columns)>;

/// Columns with their types as far as they are known.
pub(super) type Columns = Vec<(String, Option<DeclaredType>)>;

/// A query that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenQuery {
    /// Its text.
    pub sql: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// It reads a temporary relation.
    pub is_temporary: bool,
}

/// Writes a query.
pub(in crate::planner) fn write_query(
    text: &InnerQuery,
    columns: &[String],
    names: Names<'_>,
    outside: Outside<'_>,
) -> Result<WrittenQuery, SqlError> {
    let unreadable = |error: datafusion::sql::sqlparser::parser::ParserError| {
        SqlError::new(Code::SyntaxError, format!("syntax error: {error}"))
    };
    let mut parser = parser(&text.sql).map_err(unreadable)?;
    let query = parser.parse_query().map_err(unreadable)?;
    let mut writer = Writer::of_query(names, outside);
    writer.output = columns.to_vec();
    let (sql, columns) = writer.query(&query, 0)?;
    let sql = sql.trim_start().to_owned();
    let columns = columns.into_iter().map(|(name, _)| name).collect();
    Ok(WrittenQuery { sql, columns, is_temporary: writer.reads_temporary })
}

impl<'a> Writer<'a> {
    /// A query inside an expression.
    pub(super) fn subquery(&mut self, query: &Query) -> Result<String, SqlError> {
        if let Some(purpose) = self.purpose {
            let text = format!("cannot use subquery in {}", purpose.named());
            return Err(SqlError::new(Code::FeatureNotSupported, text));
        }
        Ok(self.query(query, self.depth + 8)?.0.trim_start().to_owned())
    }

    fn query(&mut self, query: &Query, indent: usize) -> Result<(String, Columns), SqlError> {
        let (common, before) = (self.common.len(), std::mem::replace(&mut self.depth, indent));
        let written = self.query_inside(query, indent);
        self.common.truncate(common);
        self.depth = before;
        written
    }

    fn query_inside(&mut self, query: &Query, indent: usize) -> Result<(String, Columns), SqlError> {
        let blank = " ".repeat(indent);
        let mut text = String::new();
        let output = std::mem::take(&mut self.output);
        if let Some(with) = &query.with {
            let mut parts = Vec::new();
            for cte in &with.cte_tables {
                parts.push(self.common_table(cte, with.recursive, indent)?);
            }
            let recursive = if with.recursive { "RECURSIVE " } else { "" };
            text = format!("{blank} WITH {recursive}{}\n", parts.join(", "));
        }
        self.output = output;
        let (body, columns, keys) = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, query.order_by.as_ref(), indent)?,
            other => {
                let (body, columns) = self.set(other, indent)?;
                let keys = query.order_by.as_ref().map(order_text).transpose()?;
                (body, columns, keys)
            }
        };
        text += &body;
        if let Some(keys) = keys {
            text += &format!("\n{blank}  ORDER BY {keys}");
        }
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            if let Some(offset) = offset {
                text += &format!("\n{blank} OFFSET {}", self.print(&offset.value)?.text);
            }
            if let Some(limit) = limit {
                text += &format!("\n{blank} LIMIT {}", self.print(limit)?.text);
            }
        }
        if query.fetch.is_some() {
            return Err(SqlError::new(Code::FeatureNotSupported, "FETCH FIRST in a view is not supported: use LIMIT"));
        }
        Ok((text, columns))
    }

    fn common_table(&mut self, cte: &Cte, recursive: bool, indent: usize) -> Result<String, SqlError> {
        let alias = folded(&cte.alias.name);
        let named: Vec<String> = cte.alias.columns.iter().map(|column| folded(&column.name)).collect();
        if recursive {
            // Its columns are those of its first part.
            let first = match cte.query.body.as_ref() {
                SetExpr::SetOperation { left, .. } => self.set(left, indent + 8)?.1,
                _ => Vec::new(),
            };
            self.common.push(Source { alias: alias.clone(), columns: renamed(first, &named) });
        }
        let (text, columns) = self.query(&cte.query, indent + 8)?;
        if recursive {
            self.common.pop();
        }
        self.common.push(Source { alias: alias.clone(), columns: renamed(columns, &named) });
        let list = name_list(&named);
        let materialized = cte.materialized.as_ref().map(|kind| format!("{kind} ")).unwrap_or_default();
        let blank = " ".repeat(indent + 8);
        Ok(format!("{}{list} AS {materialized}(\n{text}\n{blank})", quote_for_engine(&alias)))
    }

    fn set(&mut self, body: &SetExpr, indent: usize) -> Result<(String, Columns), SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select, None, indent).map(|(text, columns, _)| (text, columns)),
            SetExpr::Query(query) => {
                let (text, columns) = self.query(query, indent)?;
                Ok((format!("({text})"), columns))
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let (left, columns) = self.set(left, indent)?;
                let (right, _) = self.set(right, indent)?;
                let all = if *set_quantifier == SetQuantifier::All { " ALL" } else { "" };
                Ok((format!("{left}\n{}{op}{all}\n{right}", " ".repeat(indent)), columns))
            }
            SetExpr::Values(values) => self.values(values.rows.iter().map(|row| &row.content), indent),
            other => Err(SqlError::new(Code::FeatureNotSupported, format!("a view of {other} is not supported"))),
        }
    }

    fn values<'e>(
        &mut self,
        rows: impl Iterator<Item = &'e Vec<Expr>>,
        indent: usize,
    ) -> Result<(String, Columns), SqlError> {
        let (mut texts, mut columns): (Vec<String>, Columns) = (Vec::new(), Vec::new());
        for row in rows {
            let items = row.iter().map(|item| self.print(item)).collect::<Result<Vec<_>, _>>()?;
            let items: Vec<_> = items.iter().map(|item| self.settled(item)).collect();
            if columns.is_empty() {
                let column = |(index, item): (usize, &super::kinds::Printed)| {
                    (format!("column{}", index + 1), item.kind.clone())
                };
                columns = items.iter().enumerate().map(column).collect();
            }
            texts.push(format!("({})", items.into_iter().map(|item| item.text).collect::<Vec<_>>().join(",")));
        }
        Ok((format!("{} VALUES {}", " ".repeat(indent), texts.join(", ")), columns))
    }

    fn select(
        &mut self,
        select: &Select,
        order: Option<&OrderBy>,
        indent: usize,
    ) -> Result<(String, Columns, Option<String>), SqlError> {
        if select.qualify.is_some() || select.top.is_some() || !select.lateral_views.is_empty() {
            return Err(SqlError::new(Code::SyntaxError, "a clause of the view's query is not PostgreSQL's"));
        }
        self.scopes.push(Scope::default());
        let written = self.select_inside(select, order, indent);
        self.scopes.pop();
        written
    }

    fn select_inside(
        &mut self,
        select: &Select,
        order: Option<&OrderBy>,
        indent: usize,
    ) -> Result<(String, Columns, Option<String>), SqlError> {
        let blank = " ".repeat(indent);
        let output = std::mem::take(&mut self.output);
        let mut from = Vec::new();
        for item in &select.from {
            from.push(self.print_from(item, indent)?);
        }
        let (items, mut columns) = self.select_list(&select.projection)?;
        columns.iter_mut().zip(&output).for_each(|((name, _), given)| given.clone_into(name));
        let distinct = match &select.distinct {
            Some(Distinct::Distinct) => String::from("DISTINCT "),
            Some(Distinct::On(keys)) => {
                let keys = keys.iter().map(|key| self.key(key, &items, &columns, true));
                format!("DISTINCT ON ({}) ", keys.collect::<Result<Vec<_>, _>>()?.join(", "))
            }
            _ => String::new(),
        };
        let shown: Vec<String> = items.iter().zip(&columns).map(|(item, (name, _))| item.shown(name)).collect();
        let mut text = format!("{blank} SELECT {distinct}{}", shown.join(&format!(",\n{blank}    ")));
        if !from.is_empty() {
            text += &format!("\n{blank}   FROM {}", from.join(&format!(",\n{blank}    ")));
        }
        if let Some(condition) = &select.selection {
            text += &format!("\n{blank}  WHERE {}", self.print(condition)?.text);
        }
        if let GroupByExpr::Expressions(keys, modifiers) = &select.group_by
            && !keys.is_empty()
        {
            if !modifiers.is_empty() {
                return Err(SqlError::new(Code::SyntaxError, "GROUP BY of another kind than PostgreSQL's"));
            }
            let keys = keys.iter().map(|key| self.key(key, &items, &columns, false)).collect::<Result<Vec<_>, _>>()?;
            text += &format!("\n{blank}  GROUP BY {}", keys.join(", "));
        }
        if let Some(condition) = &select.having {
            text += &format!("\n{blank} HAVING {}", self.print(condition)?.text);
        }
        if !select.named_window.is_empty() {
            return Err(SqlError::new(
                Code::FeatureNotSupported,
                "WINDOW in a view is not supported: write it in OVER",
            ));
        }
        let order = match order.map(|order| &order.kind) {
            Some(OrderByKind::Expressions(keys)) => {
                let mut texts = Vec::new();
                for key in keys {
                    let text = self.key(&key.expr, &items, &columns, true)?;
                    let written =
                        self.sort_keys(std::slice::from_ref(&datafusion::sql::sqlparser::ast::OrderByExpr {
                            expr: Expr::Value(Value::Boolean(true).into()),
                            ..key.clone()
                        }))?;
                    texts.push(format!("{text}{}", written.trim_start_matches("true")));
                }
                Some(texts.join(", "))
            }
            _ => None,
        };
        Ok((text, columns, order))
    }

    /// A key of GROUP BY or ORDER BY: a number or a name of the select list means what stands there.
    fn key(&mut self, key: &Expr, items: &[Item], columns: &Columns, list_first: bool) -> Result<String, SqlError> {
        if let Expr::Value(value) = key
            && let Value::Number(digits, _) = &value.value
            && let Some(item) = digits.parse::<usize>().ok().and_then(|number| items.get(number.wrapping_sub(1)))
        {
            return Ok(item.text.clone());
        }
        if let Expr::Identifier(ident) = key {
            let name = folded(ident);
            let listed = columns.iter().position(|(column, _)| *column == name).and_then(|place| items.get(place));
            if list_first && let Some(item) = listed {
                return Ok(item.text.clone());
            }
            return match (self.print(key), listed) {
                (Err(_), Some(item)) => Ok(item.text.clone()),
                (printed, _) => printed.map(|printed| printed.text),
            };
        }
        let printed = self.print(key)?;
        Ok(self.settled(&printed).text)
    }

    fn select_list(&mut self, list: &[SelectItem]) -> Result<(Vec<Item>, Columns), SqlError> {
        let (mut items, mut columns) = (Vec::new(), Vec::new());
        for item in list {
            let (expr, name) = match item {
                SelectItem::UnnamedExpr(expr) => (expr, column_name(expr)),
                SelectItem::ExprWithAlias { expr, alias } => (expr, folded(alias)),
                SelectItem::Wildcard(_) => {
                    self.all_columns(None, &mut items, &mut columns)?;
                    continue;
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    self.all_columns(last_name(name), &mut items, &mut columns)?;
                    continue;
                }
                other => return Err(SqlError::new(Code::SyntaxError, format!("{other} is not PostgreSQL's"))),
            };
            let printed = self.print(expr)?;
            let printed = self.settled(&printed);
            let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
            let own = is_column.then(|| column_name(expr));
            items.push(Item { text: printed.text, column: own });
            columns.push((name, printed.kind));
        }
        Ok((items, columns))
    }

    /// The columns of `*` and `t.*`.
    fn all_columns(
        &mut self,
        table: Option<String>,
        items: &mut Vec<Item>,
        columns: &mut Columns,
    ) -> Result<(), SqlError> {
        let scope = self.scopes.last().cloned().unwrap_or_default();
        let sources = scope.sources.iter().filter(|source| table.as_ref().is_none_or(|table| *table == source.alias));
        let mut merged_seen = Vec::new();
        let mut any = false;
        let mut add = |alias: &str, name: &String, kind: &Option<DeclaredType>| {
            let quoted = quote_for_engine(name);
            let text = if alias.is_empty() { quoted } else { format!("{}.{quoted}", quote_for_engine(alias)) };
            items.push(Item { text, column: Some(name.clone()) });
            columns.push((name.clone(), kind.clone()));
        };
        if table.is_none() {
            for name in &scope.merged {
                let found = scope.sources.iter().find_map(|source| source.columns.iter().find(|(own, _)| own == name));
                if let Some((name, kind)) = found {
                    add("", name, kind);
                }
            }
            merged_seen.clone_from(&scope.merged);
        }
        for source in sources {
            any = true;
            for (name, kind) in source.columns.iter().filter(|(name, _)| !merged_seen.contains(name)) {
                add(&source.alias, name, kind);
            }
        }
        match table {
            Some(table) if !any => {
                let text = format!("missing FROM-clause entry for table \"{table}\"");
                Err(SqlError::new(Code::UndefinedTable, text))
            }
            None if !any => Err(SqlError::new(Code::SyntaxError, "SELECT * with no tables specified is not valid")),
            _ => Ok(()),
        }
    }

    fn print_from(&mut self, item: &TableWithJoins, indent: usize) -> Result<String, SqlError> {
        let mut text = self.factor(&item.relation, indent)?;
        for join in &item.joins {
            text = format!("({text}\n{}     {})", " ".repeat(indent), self.join(join, indent)?);
        }
        Ok(text)
    }

    fn join(&mut self, join: &Join, indent: usize) -> Result<String, SqlError> {
        let before = self.scopes.last().map_or(0, |scope| scope.sources.len());
        let right = self.factor(&join.relation, indent)?;
        let (word, constraint) = match &join.join_operator {
            JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => ("JOIN", constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => ("LEFT JOIN", constraint),
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => ("RIGHT JOIN", constraint),
            JoinOperator::FullOuter(constraint) => ("FULL JOIN", constraint),
            JoinOperator::CrossJoin(constraint) => ("CROSS JOIN", constraint),
            _ => return Err(SqlError::new(Code::FeatureNotSupported, "this kind of join in a view is not supported")),
        };
        match constraint {
            JoinConstraint::On(condition) => Ok(format!("{word} {right} ON ({})", self.print(condition)?.text)),
            JoinConstraint::None => Ok(format!("{word} {right}")),
            JoinConstraint::Using(columns) => {
                let columns: Vec<String> = columns.iter().filter_map(last_name).collect();
                Ok(self.using(word, &right, columns))
            }
            JoinConstraint::Natural => {
                let scope = self.scopes.last().cloned().unwrap_or_default();
                let (left, own) = scope.sources.split_at(before.min(scope.sources.len()));
                let has = |sources: &[Source], name: &String| {
                    sources.iter().any(|source| source.columns.iter().any(|(column, _)| column == name))
                };
                let of_left = left.iter().flat_map(|source| source.columns.iter().map(|(name, _)| name.clone()));
                let shared = of_left.filter(|name| has(own, name)).collect();
                Ok(self.using(word, &right, shared))
            }
        }
    }

    fn using(&mut self, word: &str, right: &str, columns: Vec<String>) -> String {
        let list = name_list(&columns);
        if let Some(scope) = self.scopes.last_mut() {
            scope.merged.extend(columns);
        }
        format!("{word} {right} USING {}", list.trim_start())
    }

    fn factor(&mut self, factor: &TableFactor, indent: usize) -> Result<String, SqlError> {
        let (text, source) = match factor {
            TableFactor::Table { name, alias, args: None, .. } => self.named(name, alias.as_ref())?,
            TableFactor::Table { name, alias, args: Some(arguments), .. } => {
                self.function(name, &arguments.args, alias.as_ref())?
            }
            TableFactor::Function { name, args, alias, .. } => self.function(name, args, alias.as_ref())?,
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let (query, columns) = self.query(subquery, indent + 12)?;
                let word = if *lateral { "LATERAL " } else { "" };
                let (named, source) = aliased(alias.as_ref(), "", columns);
                (format!("{word}({}) {named}", query.trim_start_matches(' ').replacen("SELECT", " SELECT", 1)), source)
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.print_from(table_with_joins, indent);
            }
            other => {
                let text = format!("{other} in a view is not supported");
                return Err(SqlError::new(Code::FeatureNotSupported, text));
            }
        };
        if let Some(scope) = self.scopes.last_mut() {
            if scope.sources.iter().any(|known| known.alias == source.alias) {
                let text = format!("table name \"{}\" specified more than once", source.alias);
                return Err(SqlError::new(Code::DuplicateAlias, text));
            }
            scope.sources.push(source);
        }
        Ok(text)
    }

    fn named(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Result<(String, Source), SqlError> {
        let mut parts = name_parts(name);
        let bare = parts.pop().unwrap_or_default();
        let (schema, database) = (parts.pop(), parts.pop());
        if schema.is_none()
            && let Some(common) = self.common.iter().rev().find(|common| common.alias == bare).cloned()
        {
            let (named, source) = aliased(alias, &bare, common.columns);
            return Ok((with_alias(quote_for_engine(&bare), &bare, alias, named), source));
        }
        let wanted = QualifiedName { database, schema, name: bare, position: 0 };
        let (schema, name, columns) = self.relation_columns(&wanted)?;
        self.reads_temporary |= schema == self.names.temporary;
        let text = format!("{}.{}", quote_for_engine(&schema), quote_for_engine(&name));
        let (named, source) = aliased(alias, &name, columns);
        Ok((with_alias(text, &name, alias, named), source))
    }

    fn relation_columns(&self, wanted: &QualifiedName) -> Result<(String, String, Columns), SqlError> {
        let own = |columns: &[crate::catalog::Column]| {
            columns.iter().map(|column| (column.name.clone(), Some(DeclaredType::of_column(column)))).collect()
        };
        let found = match wanted.schema.as_deref() {
            // A bare name is looked up in pg_catalog first.
            None if (self.outside)(Some(crate::system::PG_CATALOG), &wanted.name).is_some() => None,
            _ => self.names.find_relation(wanted)?,
        };
        match found {
            Some(Relation::Table(table)) => Ok((table.schema.clone(), table.name.clone(), own(&table.columns))),
            Some(Relation::View(view)) if view.owner.is_some() => {
                Ok((view.schema.clone(), view.name.clone(), own(&view.columns)))
            }
            Some(other @ (Relation::Index(..) | Relation::Sequence(_))) => {
                let text = format!("cannot open relation \"{}\"", other.name());
                Err(SqlError::new(Code::WrongObjectType, text))
            }
            found => {
                let schema = found.as_ref().map(Relation::schema).or(wanted.schema.as_deref());
                let columns = (self.outside)(schema, &wanted.name);
                let unknown = || {
                    let text = format!("relation \"{}\" does not exist", wanted.written());
                    SqlError::new(Code::UndefinedTable, text)
                };
                columns.map(|(schema, columns)| (schema, wanted.name.clone(), columns)).ok_or_else(unknown)
            }
        }
    }

    fn function(
        &mut self,
        name: &ObjectName,
        arguments: &[FunctionArg],
        alias: Option<&TableAlias>,
    ) -> Result<(String, Source), SqlError> {
        let function = last_name(name).unwrap_or_default();
        let mut texts = Vec::new();
        for argument in arguments {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
                return Err(SqlError::new(Code::FeatureNotSupported, format!("argument {argument} is not supported")));
            };
            let printed = self.print(expr)?;
            texts.push(self.settled(&printed).text);
        }
        let called = alias.map_or_else(|| function.clone(), |alias| folded(&alias.name));
        let columns = vec![(called.clone(), None)];
        let (_, source) = aliased(alias, &called, columns);
        let list: Vec<String> = source.columns.iter().map(|(name, _)| quote_for_engine(name)).collect();
        let text = format!(
            "{}({}) {}({})",
            quote_for_engine(&function),
            texts.join(", "),
            quote_for_engine(&called),
            list.join(", ")
        );
        Ok((text, source))
    }
}

/// One item of a select list.
#[derive(Debug, Clone)]
struct Item {
    text: String,
    /// The column's own name, where it is nothing but a column.
    column: Option<String>,
}

impl Item {
    /// With its name, where that does not follow from it.
    fn shown(&self, name: &str) -> String {
        match &self.column {
            Some(column) if column == name => self.text.clone(),
            _ => format!("{} AS {}", self.text, quote_for_engine(name)),
        }
    }
}

fn order_text(order: &OrderBy) -> Result<String, SqlError> {
    match &order.kind {
        OrderByKind::Expressions(keys) => Ok(keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        OrderByKind::All(_) => Err(SqlError::new(Code::SyntaxError, "ORDER BY ALL is not PostgreSQL's")),
    }
}

fn name_list(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = names.iter().map(|name| quote_for_engine(name)).collect();
    format!("({})", quoted.join(", "))
}

fn renamed(mut columns: Columns, names: &[String]) -> Columns {
    columns.iter_mut().zip(names).for_each(|((column, _), name)| column.clone_from(name));
    if columns.len() < names.len() {
        columns.extend(names.iter().skip(columns.len()).map(|name| (name.clone(), None)));
    }
    columns
}

/// What stands behind something in FROM, and how its columns are called.
fn aliased(alias: Option<&TableAlias>, own: &str, columns: Columns) -> (String, Source) {
    let Some(alias) = alias else {
        return (String::new(), Source { alias: own.to_owned(), columns });
    };
    let name = folded(&alias.name);
    let names: Vec<String> = alias.columns.iter().map(|column| folded(&column.name)).collect();
    let text = format!("{}{}", quote_for_engine(&name), name_list(&names));
    (text, Source { alias: name, columns: renamed(columns, &names) })
}

fn with_alias(text: String, own: &str, alias: Option<&TableAlias>, named: String) -> String {
    let same = alias.is_none_or(|alias| folded(&alias.name) == own && alias.columns.is_empty());
    if same { text } else { format!("{text} {named}") }
}
