//! Subqueries over system tables.
//!
//! Clients look objects up by their keys in correlated subqueries (`psql \d` does). The engine runs
//! those in fewer forms than PostgreSQL, so they are put into a form that it runs:
//! - a scalar subquery becomes an aggregate, `first_value(x)`: a key gives one row at most, else the rows are
//!   counted, too;
//! - a condition on the outer row alone moves out, into CASE; an outer column that equals an inner
//!   one is replaced by that one;
//! - EXISTS in a select list becomes such a scalar subquery;
//! - a subquery over a system table that is always empty here is its constant answer.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, FunctionArgumentClause, GroupByExpr, Ident, JoinOperator,
    LimitClause, ObjectName, OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor, UnaryOperator, Value,
    visit_expressions, visit_expressions_mut,
};

use super::aggregates::is_aggregate;
use super::build::{call, call_with, folded, last_part, null, parse_query, parts, truth};
use super::{outer_rows, single_rows, system_keys};
use crate::system::{INFORMATION_SCHEMA, PG_CATALOG, is_always_empty, system_column_type, system_columns};
use crate::types::SqlType;

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::Subquery(query) => {
            if let Some(simple) = scalar(query) {
                *expr = simple;
            } else if let Some(single) = single_rows::rewrite(query) {
                *expr = single;
            }
        }
        Expr::Exists { subquery, negated } if reads_nothing(subquery) => *expr = truth(*negated),
        _ => {}
    }
}

/// Rewrites what the engine does not run in a select list.
pub(super) fn rewrite_select_list(select: &mut Select) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            rewrite_value(expr);
        }
    }
}

/// The same for a key of ORDER BY.
pub(super) fn rewrite_value(expr: &mut Expr) {
    let _ = visit_expressions_mut(expr, |inner| {
        let (found, negated) = match inner {
            Expr::Exists { subquery, negated } => (exists_as_scalar(subquery), *negated),
            Expr::InSubquery { expr, subquery, negated } => {
                // NULL where no row decides and one is NULL.
                if let Some(listed) = listed(subquery) {
                    let found = call("compare_any", vec![super::build::text("="), expr.as_ref().clone(), listed]);
                    let not = |found| Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) };
                    *inner = if *negated { not(found) } else { found };
                }
                return ControlFlow::<()>::Continue(());
            }
            _ => return ControlFlow::<()>::Continue(()),
        };
        if let Some(found) = found {
            let found = call("coalesce", vec![found, truth(false)]);
            *inner = if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) } } else { found };
        }
        ControlFlow::Continue(())
    });
}

/// The rows of a query of one column as an array, which is empty where there are none.
pub(super) fn listed(query: &Query) -> Option<Expr> {
    let mut list = parse_query("SELECT array_agg(item) FROM (SELECT 1) AS listed (item)")?;
    let SetExpr::Select(select) = list.body.as_mut() else { return None };
    let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation else { return None };
    **subquery = query.clone();
    Some(call("array_or_empty", vec![Expr::Subquery(Box::new(list))]))
}

pub(super) fn scalar(query: &mut Query) -> Option<Expr> {
    if let Some(known) = domain_base(query).or_else(|| relation_lookup(query)) {
        return Some(known);
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    if query.with.is_some() || !is_plain(select) || !reads_system_tables(select) {
        return None;
    }
    let [item] = select.projection.as_mut_slice() else { return None };
    let value = match item {
        SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. } => value.clone(),
        _ => return None,
    };
    if aggregates(&value) {
        // One row in any case: the engine runs the subquery without the limit only.
        if allows_one_row(query.limit_clause.as_ref()) {
            query.limit_clause = None;
        }
        return None;
    }
    if select_reads_nothing(select) {
        return Some(typed_null(select, &value));
    }
    // What depends on no outer row the engine runs as it is written, and counts its rows.
    if query.limit_clause.as_ref().is_some_and(|limit| !allows_one_row(Some(limit))) || !looks_out(select) {
        return None;
    }
    let clauses = match query.order_by.take().map(|order| order.kind) {
        Some(OrderByKind::Expressions(keys)) => vec![FunctionArgumentClause::OrderBy(keys)],
        _ => Vec::new(),
    };
    let is_limited = query.limit_clause.take().is_some();
    let value = with_own_columns(select, value);
    if clauses.is_empty()
        && let Some(parts) = outer_rows::taken_apart(query, &value)
    {
        return Some(parts);
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    // Without a limit or a key there may be several rows.
    if !is_limited && !system_keys::reads_by_key(select) {
        return single_rows::only_row(query, value);
    }
    select.projection = vec![SelectItem::UnnamedExpr(call_with("first_value", vec![value], clauses))];
    let outer = decorrelate(select);
    guarded(outer, Expr::Subquery(Box::new(query.clone())))
}

/// NULL of the type of a subquery's value, as far as the subquery alone tells it.
fn typed_null_of(query: &Query) -> Expr {
    let SetExpr::Select(select) = query.body.as_ref() else { return null() };
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] => typed_null(select, value),
        _ => null(),
    }
}

/// NULL of the type of a SELECT's value: of the cast around it, or of the system table's column that it is.
fn typed_null(select: &Select, value: &Expr) -> Expr {
    match value {
        Expr::Nested(inner) => typed_null(select, inner),
        Expr::Cast { kind, data_type, array, .. } => {
            let (kind, data_type) = (kind.clone(), data_type.clone());
            Expr::Cast { kind, expr: Box::new(null()), data_type, array: *array, format: None }
        }
        // What a cast to an object id became.
        Expr::Function(function) => match last_part(&function.name) {
            Some(name) if name.starts_with("as_reg") || name == "as_oid" => call(&name, vec![null()]),
            _ => null(),
        },
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            column_type(select, value).map_or_else(null, |kind| null_of(kind.name()))
        }
        _ => null(),
    }
}

/// NULL of a type by PostgreSQL's short name.
fn null_of(name: &str) -> Expr {
    let data_type = DataType::Custom(ObjectName::from(vec![Ident::with_quote('"', name)]), Vec::new());
    let mut cast = Expr::Cast { kind: CastKind::Cast, expr: Box::new(null()), data_type, array: false, format: None };
    super::types::rewrite(&mut cast);
    cast
}

/// The type of a column of a system table in FROM.
pub(super) fn column_type(select: &Select, column: &Expr) -> Option<SqlType> {
    let (table, name) = match column {
        Expr::Identifier(ident) => (None, folded(ident)),
        Expr::CompoundIdentifier(idents) => {
            let [.., table, name] = idents.as_slice() else { return None };
            (Some(folded(table)), folded(name))
        }
        _ => return None,
    };
    factors(select).filter(|factor| table.is_none() || called(factor) == table).find_map(|factor| match factor {
        TableFactor::Table { name: relation, args: None, .. } => match parts(relation).as_slice() {
            [schema, relation] => system_column_type(schema, relation, &name),
            _ => None,
        },
        _ => None,
    })
}

/// Whether it mentions a column that is not its own, as far as one knows.
fn looks_out(select: &Select) -> bool {
    let inner = Inner::of(select);
    let found = visit_expressions(select, |expr| match inner.is_outer_column(expr) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// The value with the subquery's own columns in the place of outer ones that they equal.
fn with_own_columns(select: &Select, mut value: Expr) -> Expr {
    let inner = Inner::of(select);
    let mut conjuncts = Vec::new();
    if let Some(selection) = &select.selection {
        split(selection.clone(), &mut conjuncts);
    }
    let equal: Vec<(Expr, Expr)> = conjuncts.iter().filter_map(|conjunct| inner.equality(conjunct)).collect();
    let _ = visit_expressions_mut(&mut value, |expr| {
        if let Some((_, own)) = equal.iter().find(|(outer, _)| outer == expr) {
            *expr = own.clone();
        }
        ControlFlow::<()>::Continue(())
    });
    value
}

/// `EXISTS (SELECT ...)` as a scalar that is true or NULL.
pub(super) fn exists_as_scalar(query: &Query) -> Option<Expr> {
    let mut query = query.clone();
    if query.with.is_some() {
        return None;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    if !is_plain(select) || select_aggregates(select) {
        return None;
    }
    query.order_by = None;
    query.limit_clause = None;
    outer_rows::unnest_membership(select);
    select.projection = vec![SelectItem::UnnamedExpr(call("bool_or", vec![truth(true)]))];
    let outer = decorrelate(select);
    guarded(outer, Expr::Subquery(Box::new(query)))
}

/// The value where all conditions on the outer row hold, else NULL.
pub(super) fn guarded(conditions: Vec<Expr>, value: Expr) -> Option<Expr> {
    let Some(condition) = conditions.into_iter().reduce(and) else { return Some(value) };
    Some(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result: value }],
        else_result: None,
    })
}

fn and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) }
}

/// Takes the conditions that are about the outer row alone out of WHERE, and replaces outer columns
/// in the others by inner ones that they equal. Returns what was taken out.
pub(super) fn decorrelate(select: &mut Select) -> Vec<Expr> {
    let Some(selection) = select.selection.take() else { return Vec::new() };
    let inner = Inner::of(select);
    let mut conjuncts = Vec::new();
    split(selection, &mut conjuncts);
    let equal: Vec<(Expr, Expr)> = conjuncts.iter().filter_map(|conjunct| inner.equality(conjunct)).collect();
    let (mut kept, mut outer) = (Vec::new(), Vec::new());
    for mut conjunct in conjuncts {
        if inner.equality(&conjunct).is_some() {
            kept.push(conjunct);
        } else if inner.is_outer_only(&conjunct) {
            outer.push(conjunct);
        } else {
            let _ = visit_expressions_mut(&mut conjunct, |expr| {
                if let Some((_, own)) = equal.iter().find(|(outer, _)| outer == expr) {
                    *expr = own.clone();
                }
                ControlFlow::<()>::Continue(())
            });
            kept.push(conjunct);
        }
    }
    select.selection = kept.into_iter().reduce(and);
    outer
}

pub(super) fn split(expr: Expr, conjuncts: &mut Vec<Expr>) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            split(*left, conjuncts);
            split(*right, conjuncts);
        }
        Expr::Nested(inner) if matches!(*inner, Expr::BinaryOp { op: BinaryOperator::And, .. }) => {
            split(*inner, conjuncts);
        }
        other => conjuncts.push(other),
    }
}

/// The names that a subquery's own FROM gives.
pub(super) struct Inner {
    tables: Vec<String>,
    /// All columns, where it reads nothing but system tables.
    columns: Option<HashSet<&'static str>>,
}

impl Inner {
    pub(super) fn of(select: &Select) -> Self {
        Self { tables: factors(select).filter_map(called).collect(), columns: known_columns(select) }
    }

    /// A column whose table is not the subquery's own. Bare columns count as its own, as far as one knows.
    fn is_outer_column(&self, expr: &Expr) -> bool {
        match expr {
            Expr::CompoundIdentifier(idents) if idents.len() >= 2 => {
                !self.tables.contains(&folded(&idents[idents.len() - 2]))
            }
            // The table of `t.list[0]` stands alone.
            Expr::Identifier(ident) => {
                let name = folded(ident);
                let is_own = |columns: &HashSet<&str>| columns.contains(name.as_str()) || self.tables.contains(&name);
                self.columns.as_ref().is_some_and(|columns| !is_own(columns))
            }
            _ => false,
        }
    }

    /// `inner = outer`, either way round: the outer column and the inner expression.
    pub(super) fn equality(&self, expr: &Expr) -> Option<(Expr, Expr)> {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr else { return None };
        match (self.is_outer_column(left), self.is_outer_column(right)) {
            (true, false) if !self.mentions_outer(right) => Some((left.as_ref().clone(), right.as_ref().clone())),
            (false, true) if !self.mentions_outer(left) => Some((right.as_ref().clone(), left.as_ref().clone())),
            _ => None,
        }
    }

    pub(super) fn mentions_outer(&self, expr: &Expr) -> bool {
        self.columns(expr).1 > 0
    }

    fn is_outer_only(&self, expr: &Expr) -> bool {
        let (own, outer) = self.columns(expr);
        own == 0 && outer > 0
    }

    /// How many columns are the subquery's own, and how many are not.
    pub(super) fn columns(&self, expr: &Expr) -> (usize, usize) {
        let (mut own, mut outer) = (0, 0);
        let _ = visit_expressions(expr, |inner| {
            match inner {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) if self.is_outer_column(inner) => outer += 1,
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => own += 1,
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
        (own, outer)
    }
}

/// Columns that every system table has beside those that it is listed with.
const OF_EVERY_TABLE: [&str; 6] = ["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"];

fn known_columns(select: &Select) -> Option<HashSet<&'static str>> {
    let mut known = HashSet::from(OF_EVERY_TABLE);
    for factor in factors(select) {
        let TableFactor::Table { name, args: None, alias, .. } = factor else { return None };
        let parts = parts(name);
        let [schema, name] = parts.as_slice() else { return None };
        if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return None;
        }
        known.extend(system_columns(schema, name)?);
    }
    Some(known)
}

pub(super) fn factors(select: &Select) -> impl Iterator<Item = &TableFactor> {
    select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)))
}

pub(super) fn called(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(folded(&alias.name)),
        TableFactor::Table { name, .. } => last_part(name),
        _ => None,
    }
}

/// A subquery that reads an always empty system table, so that it has no rows.
pub(super) fn reads_nothing(query: &Query) -> bool {
    match query.body.as_ref() {
        SetExpr::Select(select) => is_plain(select) && !select_aggregates(select) && select_reads_nothing(select),
        _ => false,
    }
}

/// FROM has no rows, because one of its inner relations never has any.
pub(super) fn select_reads_nothing(select: &Select) -> bool {
    select.from.iter().any(|from| {
        let preserved = from.joins.iter().all(|join| {
            !matches!(
                join.join_operator,
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
            )
        });
        let inner = from.joins.iter().filter(|join| {
            matches!(join.join_operator, JoinOperator::Inner(_) | JoinOperator::Join(_) | JoinOperator::CrossJoin(_))
        });
        preserved && (never_has_rows(&from.relation) || inner.map(|join| &join.relation).any(never_has_rows))
    })
}

fn never_has_rows(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::Table { name, args: None, .. } => match parts(name).as_slice() {
            [schema, name] => schema == PG_CATALOG && is_always_empty(name),
            _ => false,
        },
        _ => false,
    }
}

/// Where a SELECT has no rows, its columns are never computed: subqueries among them go.
pub(super) fn simplify_empty(select: &mut Select) {
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    if !ungrouped || select.having.is_some() || select_aggregates(select) || !select_reads_nothing(select) {
        return;
    }
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
        remove_subqueries(expr);
    }
}

fn remove_subqueries(expr: &mut Expr) {
    let _ = visit_expressions_mut(expr, |inner| {
        match inner {
            Expr::Subquery(query) => *inner = typed_null_of(query),
            Expr::InSubquery { .. } | Expr::Exists { .. } => *inner = null(),
            // What `ARRAY(SELECT ...)` became.
            Expr::Function(function) if last_part(&function.name).as_deref() == Some("array_or_empty") => {
                *inner = super::calls::empty_array();
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
}

pub(super) fn select_aggregates(select: &Select) -> bool {
    select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => aggregates(expr),
        _ => false,
    })
}

pub(super) fn is_plain(select: &Select) -> bool {
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    ungrouped && select.distinct.is_none() && select.having.is_none()
}

fn reads_system_tables(select: &Select) -> bool {
    factors(select).any(|factor| match factor {
        TableFactor::Derived { subquery, .. } => gives_token_types(subquery),
        TableFactor::Table { name, args: None, .. } => {
            parts(name).first().is_some_and(|schema| schema == PG_CATALOG || schema == INFORMATION_SCHEMA)
        }
        _ => false,
    })
}

fn gives_token_types(query: &Query) -> bool {
    let mut found = false;
    let _ = visit_expressions(query, |inner| {
        if let Expr::Function(function) = inner {
            found |= last_part(&function.name).is_some_and(|name| name.starts_with(super::sets::TOKEN_TYPES));
        }
        ControlFlow::<()>::Continue(())
    });
    found
}

/// The expression is an aggregate, or a set; subqueries in it do not count.
fn aggregates(expr: &Expr) -> bool {
    let mut found = false;
    let mut own = expr.clone();
    remove_subqueries(&mut own);
    let _ = visit_expressions(&own, |inner| {
        if let Expr::Function(function) = inner {
            let name = last_part(&function.name).unwrap_or_default();
            found |= is_aggregate(&name);
        }
        ControlFlow::<()>::Continue(())
    });
    found
}

/// `LIMIT n` with a written n above 0, and no OFFSET.
pub(super) fn allows_one_row(limit: Option<&LimitClause>) -> bool {
    let Some(LimitClause::LimitOffset { limit: Some(Expr::Value(count)), offset: None, .. }) = limit else {
        return false;
    };
    matches!(&count.value, Value::Number(digits, _) if digits.parse::<u64>().is_ok_and(|count| count > 0))
}

/// `WITH RECURSIVE ... FROM pg_roles WHERE oid = r.oid UNION ... pg_auth_members ...`: the walk from a role
/// to all roles that it is a member of, which clients write as a recursive query about an outer row.
pub(super) fn role_walk(query: &Query) -> Option<Expr> {
    let with = query.with.as_ref().filter(|with| with.recursive)?;
    let [walk] = with.cte_tables.as_slice() else { return None };
    let SetExpr::SetOperation { left, right, .. } = walk.query.body.as_ref() else { return None };
    let (SetExpr::Select(start), SetExpr::Select(step)) = (left.as_ref(), right.as_ref()) else { return None };
    let SetExpr::Select(shown) = query.body.as_ref() else { return None };
    let reads = |select: &Select, table: &str| {
        factors(select).any(
            |factor| matches!(factor, TableFactor::Table { name, .. } if last_part(name).as_deref() == Some(table)),
        )
    };
    let is_walk = reads(start, "pg_roles") && reads(step, "pg_auth_members") && shown.selection.is_none();
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] = shown.projection.as_slice()
    else {
        return None;
    };
    let is_name = match value {
        Expr::Identifier(ident) => folded(ident) == "rolname",
        Expr::CompoundIdentifier(idents) => idents.last().map(folded).as_deref() == Some("rolname"),
        _ => false,
    };
    let (outer, _) = Inner::of(start).equality(start.selection.as_ref()?)?;
    (is_walk && is_name).then(|| call("role_memberships", vec![outer]))
}

/// `(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON ... WHERE c.relname = o.x AND n.nspname = o.y)`: a
/// relation by two columns of an outer row, which clients write in the condition of a join, too.
fn relation_lookup(query: &Query) -> Option<Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] = select.projection.as_slice()
    else {
        return None;
    };
    let tables: Vec<String> = factors(select)
        .filter_map(|factor| match factor {
            TableFactor::Table { name, args: None, .. } => last_part(name),
            _ => None,
        })
        .collect();
    let is_oid = column_of(value).as_deref() == Some("oid");
    if !is_plain(select) || !is_oid || query.limit_clause.is_some() || tables != ["pg_class", "pg_namespace"] {
        return None;
    }
    let inner = Inner::of(select);
    let mut conjuncts = Vec::new();
    split(select.selection.clone()?, &mut conjuncts);
    let [first, second] = conjuncts.as_slice() else { return None };
    let pairs = [inner.equality(first)?, inner.equality(second)?];
    let outer =
        |name: &str| pairs.iter().find(|(_, own)| column_of(own).as_deref() == Some(name)).map(|(outer, _)| outer);
    Some(call("relation_oid", vec![outer("nspname")?.clone(), outer("relname")?.clone()]))
}

/// The name of a qualified column.
fn column_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::CompoundIdentifier(idents) => idents.last().map(folded),
        Expr::Nested(inner) => column_of(inner),
        _ => None,
    }
}

/// `(WITH RECURSIVE ... SELECT typbasetype ... WHERE oid = t.oid UNION ALL ...)`: the walk from a
/// domain to the type it is made of, which drivers write as a recursive query in a select list.
fn domain_base(query: &Query) -> Option<Expr> {
    let with = query.with.as_ref().filter(|with| with.recursive)?;
    let [walk] = with.cte_tables.as_slice() else { return None };
    let SetExpr::SetOperation { left, .. } = walk.query.body.as_ref() else { return None };
    let SetExpr::Select(start) = left.as_ref() else { return None };
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }, ..] =
        start.projection.as_slice()
    else {
        return None;
    };
    let reads_types = matches!(factors(start).next(), Some(TableFactor::Table { name, .. }) if last_part(name).as_deref() == Some("pg_type"));
    let is_base = matches!(value, Expr::CompoundIdentifier(idents) if idents.last().map(folded).as_deref() == Some("typbasetype"));
    let (outer, _) = Inner::of(start).equality(start.selection.as_ref()?)?;
    (reads_types && is_base).then(|| call("base_type_of_domain", vec![outer]))
}
