//! Subqueries over system tables that mix their own rows with the outer one.
//!
//! The engine looks a subquery's rows up by equal values, and an aggregate sees them alone. So a value over both
//! rows is taken apart into values over each, and an outer value among the elements of an array becomes one
//! that equals an unnested element.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query, Select, SelectItem,
    SetExpr, TableAlias, TableFactor, helpers::attached_token::AttachedToken, visit_expressions,
};

use std::ops::ControlFlow;

use super::build::{call, last_part, parse_query, plain_arguments};
use super::subqueries::{Inner, exists_as_scalar, scalar, split};

/// The element of an array that a condition names.
const MEMBER: &str = "member_of_array";

/// `(SELECT f(outer, own) FROM ...)` -> `CASE WHEN (row exists) THEN f(outer, (SELECT own FROM ...)) END`.
pub(super) fn taken_apart(query: &Query, value: &Expr) -> Option<Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let inner = Inner::of(select);
    let (own, outer) = inner.columns(value);
    let Expr::Function(function) = value else { return None };
    if own == 0 || outer == 0 {
        return None;
    }
    let mut function = function.clone();
    let FunctionArguments::List(list) = &mut function.args else { return None };
    for argument in &mut list.args {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument else { return None };
        match inner.columns(argument) {
            (0, _) => {}
            (_, 0) => *argument = subquery_of(query, argument)?,
            _ => return None,
        }
    }
    let case = CaseWhen { condition: exists_as_scalar(query)?, result: Expr::Function(function) };
    Some(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![case],
        else_result: None,
    })
}

/// The same subquery with another value.
fn subquery_of(query: &Query, value: &Expr) -> Option<Expr> {
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.projection = vec![SelectItem::UnnamedExpr(value.clone())];
    scalar(&mut query)
}

/// In a subquery over one table: `outer = ANY (own array)` -> `member = outer`, with a row per element;
/// an expression that equals an outer column becomes such a column, too.
pub(super) fn unnest_membership(select: &mut Select) {
    if let Some((factor, selection)) = with_members(select) {
        select.from[0].relation = factor;
        select.selection = Some(selection);
    }
}

fn with_members(select: &Select) -> Option<(TableFactor, Expr)> {
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Table { name, args: None, alias, .. } = &from.relation else { return None };
    if !from.joins.is_empty() {
        return None;
    }
    let inner = Inner::of(select);
    let mut conjuncts = Vec::new();
    split(select.selection.clone()?, &mut conjuncts);
    let found = conjuncts.iter().enumerate().find_map(|(place, conjunct)| {
        let (value, outer) = member(&inner, conjunct)?;
        Some((place, value, outer))
    });
    let (place, value, outer) = found?;
    conjuncts[place] = Expr::BinaryOp {
        left: Box::new(Expr::Identifier(Ident::new(MEMBER))),
        op: BinaryOperator::Eq,
        right: Box::new(outer),
    };
    let mut subquery = parse_query(&format!("SELECT *, 1 AS {MEMBER} FROM listed"))?;
    let SetExpr::Select(members) = subquery.body.as_mut() else { return None };
    members.from[0].relation = from.relation.clone();
    let SelectItem::ExprWithAlias { expr, .. } = members.projection.last_mut()? else { return None };
    *expr = value;
    let called = match alias {
        Some(alias) => alias.name.clone(),
        None => Ident::new(last_part(name)?),
    };
    let alias = TableAlias { explicit: true, name: called, columns: Vec::new(), at: None };
    let factor =
        TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias: Some(alias), sample: None };
    let both = |left, right| Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) };
    Some((factor, conjuncts.into_iter().reduce(both)?))
}

/// What a condition compares the outer row with, where that is no plain column: an array's elements, or an expression.
fn member(inner: &Inner, conjunct: &Expr) -> Option<(Expr, Expr)> {
    if let Some((outer, own)) = inner.equality(conjunct) {
        let is_column = matches!(own, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        return (!is_column && inner.columns(&own).0 > 0).then_some((own, outer));
    }
    let Expr::Function(function) = conjunct else { return None };
    let arguments = plain_arguments(function)?;
    let [operator, outer, array] = arguments.as_slice() else { return None };
    let is_membership = last_part(&function.name).as_deref() == Some("compare_any")
        && super::build::text_of(operator).is_some_and(|operator| operator == "=");
    let (own, of_outer) = inner.columns(array);
    let is_mixed = own > 0 && of_outer == 0 && inner.columns(outer).0 == 0;
    (is_membership && is_mixed).then(|| (call("unnest", vec![(*array).clone()]), (*outer).clone()))
}

/// `ARRAY(SELECT pg_get_indexdef(i, k + 1, pretty) FROM generate_subscripts(keys, 1) AS k ORDER BY k)`: the columns
/// of an index, asked for one by one.
pub(super) fn index_columns(query: &Query) -> Option<Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [item] = select.projection.as_slice() else { return None };
    let (SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }) = item else { return None };
    let Expr::Function(function) = value else { return None };
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Derived { subquery, .. } = &from.relation else { return None };
    let arguments = plain_arguments(function)?;
    let [index, Expr::BinaryOp { op: BinaryOperator::Plus, .. }, pretty] = arguments.as_slice() else { return None };
    let is_definition = last_part(&function.name).as_deref() == Some("pg_get_indexdef");
    let is_whole = from.joins.is_empty() && select.selection.is_none() && query.limit_clause.is_none();
    (is_definition && is_whole && gives_subscripts(subquery))
        .then(|| call("index_column_definitions", vec![(*index).clone(), (*pretty).clone()]))
}

fn gives_subscripts(query: &Query) -> bool {
    let mut found = false;
    let _ = visit_expressions(query, |inner| {
        if let Expr::Function(function) = inner {
            found |= last_part(&function.name).as_deref() == Some("subscripts_rows");
        }
        ControlFlow::<()>::Continue(())
    });
    found
}
