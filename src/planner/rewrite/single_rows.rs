//! Scalar subqueries over tables of users and events: at most one row, and NULL where there is none.
//!
//! The engine runs a subquery about an outer row as a join with an aggregate. So `(SELECT x FROM t WHERE t.k = o.k)`
//! becomes its first value and the number of its rows, which `only_row` checks where the value is
//! wanted, and with `ORDER BY y LIMIT 1` its first value in that order. A subquery of its own stays as it is,
//! except that its column may be NULL whatever the table says.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, OrderByKind, Query, SelectItem,
    SetExpr,
};

use super::build::{call, call_with};
use super::subqueries::{Inner, allows_one_row, decorrelate, guarded, is_plain, select_aggregates};

/// `only_row(value, rows)`: the value; an error when there are several rows.
const ONLY_ROW: &str = "only_row";
/// `maybe(value)`: the value, as a column that may be NULL.
const MAYBE: &str = "maybe";

/// Rewrites one scalar subquery; what replaces it, if it does not change in place.
pub(super) fn rewrite(query: &mut Query) -> Option<Expr> {
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    if query.with.is_some() || select.from.is_empty() || !is_plain(select) || select_aggregates(select) {
        return None;
    }
    let inner = Inner::of(select);
    let is_correlated = select.selection.as_ref().is_some_and(|condition| inner.mentions_outer(condition));
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_mut_slice()
    else {
        return None;
    };
    if !is_correlated {
        *value = call(MAYBE, vec![value.clone()]);
        return None;
    }
    if inner.mentions_outer(value) {
        return None;
    }
    let value = value.clone();
    if query.limit_clause.is_none() {
        return only_row(query, value);
    }
    if !allows_one_row(query.limit_clause.as_ref()) || !takes_one(query) {
        return None;
    }
    let clauses = match query.order_by.take().map(|order| order.kind) {
        Some(OrderByKind::Expressions(keys)) => vec![FunctionArgumentClause::OrderBy(keys)],
        _ => Vec::new(),
    };
    query.limit_clause = None;
    aggregated(query, call_with("first_value", vec![value], clauses))
}

/// The value of the single row of a subquery without a limit, and an error where it has several.
pub(super) fn only_row(query: &mut Query, value: Expr) -> Option<Expr> {
    query.order_by = None;
    let count = aggregated(query, count_of_rows())?;
    let first = aggregated(query, call("first_value", vec![value]))?;
    Some(call(ONLY_ROW, vec![first, count]))
}

/// `LIMIT 1`: a larger limit could still let a second row through.
fn takes_one(query: &Query) -> bool {
    use datafusion::sql::sqlparser::ast::LimitClause;
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit: Some(limit), .. }) => limit.to_string().trim() == "1",
        _ => false,
    }
}

fn count_of_rows() -> Expr {
    let mut count = call("count", Vec::new());
    if let Expr::Function(function) = &mut count
        && let FunctionArguments::List(list) = &mut function.args
    {
        list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
    }
    count
}

/// The subquery with an aggregate in the place of its value.
fn aggregated(query: &Query, value: Expr) -> Option<Expr> {
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.projection = vec![SelectItem::UnnamedExpr(value)];
    let outer = decorrelate(select);
    guarded(outer, Expr::Subquery(Box::new(query)))
}
