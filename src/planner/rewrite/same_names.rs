//! `GROUP BY x::date, x::time`, `sum(x::int8), sum(x)`: casts that the engine gives no name of their own.
//!
//! It names an expression without its casts and wants unique names, so two that differ by a cast alone
//! are one too many. Where that happens the casts of the SELECT stand in `as_written(cast, type)`,
//! which has such a name; the rule of casts takes it away again once the plan is made.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, Expr, GroupByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, Value, visit_expressions,
    visit_expressions_mut,
};

use super::build::{call, folded, text};
use super::own_level::each_expression;

/// The function around such a cast.
pub(super) const AS_WRITTEN: &str = "as_written";

/// Gives the casts of a SELECT names where two of them would have one.
pub(super) fn tell_apart(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_ref() else { return };
    if !clash(select) {
        return;
    }
    let Query { body, order_by, .. } = query;
    let SetExpr::Select(select) = body.as_mut() else { return };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            mark(expr);
        }
    }
    let mut own: Vec<&mut Expr> = select.having.iter_mut().collect();
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        own.extend(keys);
    }
    if let Some(OrderByKind::Expressions(keys)) = order_by.as_mut().map(|order| &mut order.kind) {
        own.extend(keys.iter_mut().map(|key| &mut key.expr));
    }
    own.into_iter().for_each(mark);
}

/// Whether two keys or calls differ by their casts alone.
fn clash(select: &Select) -> bool {
    let mut named: Vec<&Expr> = Vec::new();
    if let GroupByExpr::Expressions(keys, _) = &select.group_by {
        named.extend(keys.iter().map(|key| key_of(key, select)));
    }
    let mut calls: Vec<Expr> = Vec::new();
    for item in &select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
        let _ = visit_expressions(expr, |inner| {
            if matches!(inner, Expr::Function(_)) {
                calls.push(inner.clone());
            }
            ControlFlow::<()>::Continue(())
        });
    }
    let written: Vec<(String, String)> =
        named.into_iter().chain(&calls).map(|expr| (without_casts(expr), expr.to_string())).collect();
    written.iter().enumerate().any(|(place, (bare, whole))| {
        written[..place].iter().any(|(other_bare, other)| bare == other_bare && whole != other)
    })
}

/// What a key of GROUP BY means: a place or a name of the select list, or itself.
fn key_of<'a>(key: &'a Expr, select: &'a Select) -> &'a Expr {
    let item = match key {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => {
                digits.parse::<usize>().ok().and_then(|place| select.projection.get(place.checked_sub(1)?))
            }
            _ => None,
        },
        Expr::Identifier(name) => select
            .projection
            .iter()
            .find(|item| matches!(item, SelectItem::ExprWithAlias { alias, .. } if folded(alias) == folded(name))),
        _ => None,
    };
    match item {
        Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => expr,
        _ => key,
    }
}

fn without_casts(expr: &Expr) -> String {
    let mut bare = expr.clone();
    let _ = visit_expressions_mut(&mut bare, |inner| {
        while let Expr::Cast { expr, .. } | Expr::Nested(expr) = inner {
            *inner = expr.as_ref().clone();
        }
        ControlFlow::<()>::Continue(())
    });
    bare.to_string()
}

fn mark(expr: &mut Expr) {
    each_expression(expr, |expr| {
        if let Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, data_type, .. } = expr {
            let kind = text(&data_type.to_string());
            *expr = call(AS_WRITTEN, vec![expr.clone(), kind]);
        }
    });
}
