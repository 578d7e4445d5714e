//! Clauses that PostgreSQL refuses by what stands in them, whatever the tables hold.
//!
//! The engine takes most of these, or refuses them in words that do not tell the mistake. [`check`] is asked once
//! per statement, before anything is rewritten.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CharacterLength, Cte, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, GroupByExpr, Join, JoinConstraint, JoinOperator, LimitClause, OrderByKind, Query, Select,
    SelectItem, SetExpr, SetOperator, Statement, TableFactor, TableWithJoins, Value, Visit, Visitor,
};

use super::aggregates::is_aggregate;
use super::build::{folded, last_part, parts, text_of};
use super::own_level::holds_expression;
use super::sets;
use crate::types::{Code, SqlError};

/// What the engine takes for aggregates, and PostgreSQL for window functions and functions of sets.
const NO_AGGREGATES: &[&str] = &["first_value", "last_value", "unnest"];

/// Fails at the first clause that cannot be.
pub(in crate::planner) fn check(statement: &Statement) -> Result<(), SqlError> {
    match statement.visit(&mut Clauses::default()) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Looks at every clause; and knows the empty arrays whose types are written around them.
#[derive(Default)]
struct Clauses {
    told: Vec<*const Expr>,
}

impl Visitor for Clauses {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        flow(of_query(query))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<SqlError> {
        flow(of_select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlError> {
        flow(of_relation(factor))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<SqlError> {
        match expr {
            Expr::Function(function) => flow(of_call(function)),
            Expr::InSubquery { expr, subquery, .. } => flow(of_list(expr, subquery)),
            Expr::BinaryOp { left, op, right } => flow(of_operator(left, op, right)),
            Expr::Like { escape_char: Some(escape), .. } | Expr::ILike { escape_char: Some(escape), .. } => {
                flow(of_escape(&escape.value))
            }
            Expr::Cast { expr: inner, data_type, .. } => {
                self.tell(inner);
                flow(of_length(data_type))
            }
            Expr::Array(array) if array.elem.is_empty() && !self.told.contains(&std::ptr::from_ref(expr)) => {
                let error = SqlError::new(Code::IndeterminateDatatype, "cannot determine type of empty array");
                let hint = "Explicitly cast to the desired type, for example ARRAY[]::integer[].";
                ControlFlow::Break(error.with_hint(hint))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Clauses {
    /// Remembers an array under a cast, and those inside of it.
    fn tell(&mut self, expr: &Expr) {
        match expr {
            Expr::Nested(inner) => self.tell(inner),
            Expr::Array(array) => {
                self.told.push(std::ptr::from_ref(expr));
                array.elem.iter().for_each(|item| self.tell(item));
            }
            _ => {}
        }
    }
}

/// A row is looked for in rows of as many columns.
fn of_list(value: &Expr, subquery: &Query) -> Result<(), SqlError> {
    let wanted = match bare(value) {
        Expr::Tuple(parts) => parts.len(),
        _ => 1,
    };
    match width(&subquery.body) {
        Some(width) if width > wanted => refuse(Code::SyntaxError, "subquery has too many columns"),
        Some(width) if width < wanted => refuse(Code::SyntaxError, "subquery has too few columns"),
        _ => Ok(()),
    }
}

/// How many columns a query has, where its text tells.
fn width(body: &SetExpr) -> Option<usize> {
    match body {
        SetExpr::Select(select) => {
            let items = select_items(select).count();
            (items == select.projection.len()).then_some(items)
        }
        SetExpr::Values(values) => values.rows.first().map(|row| row.content.len()),
        SetExpr::SetOperation { left, .. } => width(left),
        SetExpr::Query(query) => width(&query.body),
        _ => None,
    }
}

fn of_operator(left: &Expr, operator: &BinaryOperator, right: &Expr) -> Result<(), SqlError> {
    match (left, right) {
        (Expr::Tuple(left), Expr::Tuple(right)) if left.len() != right.len() => {
            refuse(Code::SyntaxError, "unequal number of entries in row expressions")
        }
        _ if *operator == BinaryOperator::Spaceship => refuse(Code::UndefinedFunction, "operator does not exist: <=>"),
        _ => Ok(()),
    }
}

fn of_escape(escape: &Value) -> Result<(), SqlError> {
    match escape {
        Value::SingleQuotedString(text) if text.chars().nth(1).is_some() => {
            Err(SqlError::new(Code::InvalidEscapeSequence, "invalid escape string")
                .with_hint("Escape string must be empty or one character."))
        }
        _ => Ok(()),
    }
}

/// `x::varchar(0)`: a text of no characters is no type.
fn of_length(data_type: &DataType) -> Result<(), SqlError> {
    let (name, length) = match data_type {
        DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
            ("varchar", length)
        }
        DataType::Char(length) | DataType::Character(length) => ("char", length),
        _ => return Ok(()),
    };
    match length {
        Some(CharacterLength::IntegerLength { length: 0, .. }) => {
            refuse(Code::InvalidParameterValue, format!("length for type {name} must be at least 1"))
        }
        _ => Ok(()),
    }
}

fn flow(result: Result<(), SqlError>) -> ControlFlow<SqlError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

fn refuse(code: Code, text: impl Into<String>) -> Result<(), SqlError> {
    Err(SqlError::new(code, text))
}

fn of_query(query: &Query) -> Result<(), SqlError> {
    if let Some(with) = query.with.as_ref().filter(|with| with.recursive) {
        with.cte_tables.iter().try_for_each(of_recursion)?;
    }
    if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
        if let Some(limit) = limit {
            of_count(limit, "LIMIT")?;
        }
        if let Some(offset) = offset {
            of_count(&offset.value, "OFFSET")?;
        }
    }
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|order| &order.kind) else { return Ok(()) };
    let is_united = matches!(query.body.as_ref(), SetExpr::SetOperation { .. });
    keys.iter().map(|key| bare(&key.expr)).try_for_each(|key| {
        written_place(key, "ORDER BY")?;
        let is_result = matches!(key, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_));
        if is_united && !is_result {
            return Err(SqlError::new(Code::FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                .with_detail("Only result column names can be used, not expressions or functions.")
                .with_hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause."));
        }
        Ok(())
    })
}

/// A number of rows is read once, before there is any row.
fn of_count(count: &Expr, clause: &str) -> Result<(), SqlError> {
    without_aggregates(count, clause)?;
    if holds_expression(count, |inner| matches!(inner, Expr::Identifier(_) | Expr::CompoundIdentifier(_))) {
        return refuse(Code::InvalidColumnReference, format!("argument of {clause} must not contain variables"));
    }
    match text_of(count).filter(|text| text.trim().parse::<i64>().is_err()) {
        Some(text) => {
            refuse(Code::InvalidTextRepresentation, format!("invalid input syntax for type bigint: \"{text}\""))
        }
        None => Ok(()),
    }
}

/// A part of WITH RECURSIVE that names itself is a UNION.
fn of_recursion(table: &Cte) -> Result<(), SqlError> {
    if matches!(table.query.body.as_ref(), SetExpr::SetOperation { op: SetOperator::Union, .. }) {
        return Ok(());
    }
    let name = folded(&table.alias.name);
    let mut names_itself = false;
    let _ = datafusion::sql::sqlparser::ast::visit_relations(&table.query, |relation| {
        names_itself |= parts(relation).as_slice() == [name.clone()];
        ControlFlow::<()>::Continue(())
    });
    if !names_itself {
        return Ok(());
    }
    let form = "does not have the form non-recursive-term UNION [ALL] recursive-term";
    refuse(Code::InvalidRecursion, format!("recursive query \"{name}\" {form}"))
}

fn of_select(select: &Select) -> Result<(), SqlError> {
    if let Some(condition) = &select.selection {
        without_windows(condition, "WHERE")?;
    }
    if let Some(condition) = &select.having {
        without_windows(condition, "HAVING")?;
    }
    select.from.iter().try_for_each(of_joins)?;
    let GroupByExpr::Expressions(keys, _) = &select.group_by else { return Ok(()) };
    for key in keys {
        written_place(bare(key), "GROUP BY")?;
        let meant = named_item(key, select).unwrap_or(key);
        without_aggregates(meant, "GROUP BY")?;
        without_windows(meant, "GROUP BY")?;
    }
    if keys.is_empty() && calls(select_items(select), |function| name_of(function) == "grouping") {
        let text = "arguments to GROUPING must be grouping expressions of the associated query level";
        return refuse(Code::GroupingError, text);
    }
    Ok(())
}

fn select_items(select: &Select) -> impl Iterator<Item = &Expr> {
    select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    })
}

/// The item of a select list that a number names.
pub(super) fn named_item<'a>(key: &Expr, select: &'a Select) -> Option<&'a Expr> {
    let Expr::Value(value) = bare(key) else { return None };
    let Value::Number(digits, _) = &value.value else { return None };
    let place = digits.to_string().parse::<usize>().ok()?.checked_sub(1)?;
    match select.projection.get(place)? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

fn of_joins(from: &TableWithJoins) -> Result<(), SqlError> {
    if let TableFactor::NestedJoin { table_with_joins, .. } = &from.relation {
        of_joins(table_with_joins)?;
    }
    for Join { relation, join_operator, .. } in &from.joins {
        if let TableFactor::NestedJoin { table_with_joins, .. } = relation {
            of_joins(table_with_joins)?;
        }
        let constraint = match join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint) => constraint,
            _ => continue,
        };
        match constraint {
            JoinConstraint::On(condition) => {
                without_aggregates(condition, "JOIN conditions")?;
                without_windows(condition, "JOIN conditions")?;
            }
            JoinConstraint::None => return refuse(Code::SyntaxError, "a JOIN needs ON, USING or NATURAL"),
            _ => {}
        }
    }
    Ok(())
}

fn of_relation(factor: &TableFactor) -> Result<(), SqlError> {
    if let TableFactor::Derived { subquery, alias: None, .. } = factor {
        let what = if matches!(subquery.body.as_ref(), SetExpr::Values(_)) { "VALUES" } else { "subquery" };
        return Err(SqlError::new(Code::SyntaxError, format!("{what} in FROM must have an alias")).with_hint(format!(
            "For example, FROM ({}) [AS] foo.",
            if what == "VALUES" { "VALUES ..." } else { "SELECT ..." }
        )));
    }
    let Some(found) = sets::found_in(factor) else { return Ok(()) };
    let Some(alias) = &found.alias else { return Ok(()) };
    let (named, there) = (alias.columns.len(), found.lists.len() + usize::from(found.with_ordinality));
    if named > there {
        let text =
            format!("table \"{}\" has {there} columns available but {named} columns specified", folded(&alias.name));
        return refuse(Code::InvalidColumnReference, text);
    }
    Ok(())
}

fn of_call(function: &Function) -> Result<(), SqlError> {
    let name = name_of(function);
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    let is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let takes_all = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    if list.args.is_empty() && name == "count" {
        let text = "count(*) must be used to call a parameterless aggregate function";
        return refuse(Code::WrongObjectType, text);
    }
    if takes_all && name != "count" {
        return refuse(Code::UndefinedFunction, format!("function {name}() does not exist"));
    }
    if takes_all && is_distinct {
        return refuse(Code::SyntaxError, "DISTINCT needs an argument");
    }
    if function.over.is_none() && !aggregates(function) && name != "unnest" {
        let clause = match (is_distinct, &function.filter) {
            (true, _) => "DISTINCT",
            (false, Some(_)) => "FILTER",
            (false, None) => return Ok(()),
        };
        let text = format!("{clause} specified, but {name} is not an aggregate function");
        return refuse(Code::WrongObjectType, text);
    }
    of_window_call(function, &name, &list.args)
}

/// Counts that window functions take from above 0 only.
fn of_window_call(function: &Function, name: &str, arguments: &[FunctionArg]) -> Result<(), SqlError> {
    if function.over.is_none() {
        return Ok(());
    }
    let (place, code) = match name {
        "ntile" => (0, Code::InvalidNtileArgument),
        "nth_value" => (1, Code::InvalidNthValueArgument),
        _ => return Ok(()),
    };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(count))) = arguments.get(place) else { return Ok(()) };
    match sets::written_number(count) {
        Some(count) if count <= 0 => refuse(code, format!("argument of {name} must be greater than zero")),
        _ => Ok(()),
    }
}

/// A constant in the place of a key names a column of the result, by its number.
fn written_place(key: &Expr, clause: &str) -> Result<(), SqlError> {
    let Expr::Value(value) = key else { return Ok(()) };
    let is_place = match &value.value {
        Value::Number(digits, _) => digits.to_string().parse::<u64>().is_ok(),
        Value::Placeholder(_) => true,
        _ => false,
    };
    if is_place { Ok(()) } else { refuse(Code::SyntaxError, format!("non-integer constant in {clause}")) }
}

fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

fn name_of(function: &Function) -> String {
    last_part(&function.name).unwrap_or_default()
}

fn aggregates(function: &Function) -> bool {
    let name = name_of(function);
    is_aggregate(&name) && !NO_AGGREGATES.contains(&name.as_str())
}

fn without_aggregates(expr: &Expr, clause: &str) -> Result<(), SqlError> {
    if calls([expr], |function| function.over.is_none() && aggregates(function)) {
        return refuse(Code::GroupingError, format!("aggregate functions are not allowed in {clause}"));
    }
    Ok(())
}

fn without_windows(expr: &Expr, clause: &str) -> Result<(), SqlError> {
    if calls([expr], |function| function.over.is_some()) {
        return refuse(Code::WindowingError, format!("window functions are not allowed in {clause}"));
    }
    Ok(())
}

/// Whether one of these has such a call; subqueries are their own level.
fn calls<'a>(exprs: impl IntoIterator<Item = &'a Expr>, is_such: impl Fn(&Function) -> bool) -> bool {
    let mut level = Level { depth: 0, is_such };
    exprs.into_iter().any(|expr| expr.visit(&mut level).is_break())
}

struct Level<F> {
    depth: usize,
    is_such: F,
}

impl<F: Fn(&Function) -> bool> Visitor for Level<F> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) if self.depth == 0 && (self.is_such)(function) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
