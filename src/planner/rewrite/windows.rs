//! Windows that are made of named ones: `WINDOW b AS (a ORDER BY x)`, `OVER (a ORDER BY x)`.
//!
//! The engine would forget what the named window says; here it is written out (PostgreSQL's documentation,
//! chapter SELECT, WINDOW clause: the partition and the order are copied, a frame never is).

use datafusion::sql::sqlparser::ast::{
    Expr, NamedWindowExpr, OrderByExpr, OrderByKind, Query, Select, SetExpr, VisitMut, WindowSpec, WindowType,
};

use super::build::folded;
use super::own_level::each_expression;

/// Writes the windows of a SELECT out, also in the ORDER BY of its query.
pub(super) fn rewrite(query: &mut Query) {
    let Query { body, order_by, .. } = query;
    let SetExpr::Select(select) = body.as_mut() else { return };
    let named = resolved(select);
    if named.is_empty() {
        return;
    }
    for item in &mut select.projection {
        put(item, &named);
    }
    if let Some(OrderByKind::Expressions(keys)) = order_by.as_mut().map(|order| &mut order.kind) {
        for key in keys {
            put(&mut key.expr, &named);
        }
    }
}

/// The named windows, each with what it takes from the one before.
fn resolved(select: &mut Select) -> Vec<(String, WindowSpec)> {
    let mut known: Vec<(String, WindowSpec)> = Vec::new();
    for window in &mut select.named_window {
        if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
            inherit(spec, &known);
            known.push((folded(&window.0), spec.clone()));
        }
    }
    known
}

fn inherit(spec: &mut WindowSpec, known: &[(String, WindowSpec)]) {
    let Some(name) = &spec.window_name else { return };
    let Some((_, base)) = known.iter().find(|(known, _)| *known == folded(name)) else { return };
    spec.partition_by.clone_from(&base.partition_by);
    if !base.order_by.is_empty() {
        spec.order_by.clone_from(&base.order_by);
    }
    spec.window_name = None;
}

fn put(node: &mut impl VisitMut, named: &[(String, WindowSpec)]) {
    each_expression(node, |expr| {
        if let Expr::Function(function) = expr
            && let Some(WindowType::WindowSpec(spec)) = &mut function.over
        {
            inherit(spec, named);
        }
    });
}

/// A key that was there before changes no order, and the engine stumbles over it.
pub(super) fn drop_repeated_keys(keys: &mut Vec<OrderByExpr>) {
    let mut seen: Vec<Expr> = Vec::with_capacity(keys.len());
    keys.retain(|key| {
        let is_new = !seen.contains(&key.expr);
        if is_new {
            seen.push(key.expr.clone());
        }
        is_new
    });
}
