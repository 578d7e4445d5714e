//! `JOIN ... USING (k)`: one column `k` for both sides, first in `*`, and never NULL where one side has it.
//!
//! The engine takes the left side's column whatever the join, and leaves it in its place. PostgreSQL takes
//! the left one for inner and left joins, the right one for right joins, and whichever is there for
//! full joins. Runs on the client's own words. Columns of relations are not known here: where
//! one of several relations on the left must have the column, [`refusal`] says that it is not served.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExceptSelectItem, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, OrderByKind,
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement, TableFactor, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use super::build::{call, folded};
use super::own_level::each_expression;

/// The relations of a SELECT, in the order of its FROM.
pub(super) fn factors(select: &Select) -> impl Iterator<Item = &TableFactor> {
    select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)))
}

/// Puts merged columns where they are named, in all queries of a statement.
pub(super) fn merge(statement: &mut Statement) {
    let _ = statement.visit(&mut Merger);
}

/// Why the joins of a SELECT are not served.
pub(super) fn refusal(select: &Select) -> Option<&'static str> {
    let mut refusal = None;
    for from in &select.from {
        let names: Vec<_> =
            std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)).collect();
        let mut merged: Vec<String> = Vec::new();
        for (left_relations, join) in (1..).zip(&from.joins) {
            let (side, constraint) = side_of(&join.join_operator);
            if side == Side::Left {
                merged.extend(using(constraint).iter().map(folded));
                continue;
            }
            if matches!(constraint, Some(JoinConstraint::Natural)) {
                refusal = Some("NATURAL RIGHT JOIN and NATURAL FULL JOIN are not supported");
            }
            for column in using(constraint) {
                let known = left_relations == 1 || merged.contains(&folded(&column));
                if side == Side::Both && !(known && names.iter().all(|factor| called(factor).is_some())) {
                    refusal = Some("FULL JOIN USING of more than two relations is not supported");
                }
                merged.push(folded(&column));
            }
        }
    }
    refusal
}

struct Merger;

impl VisitorMut for Merger {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let SetExpr::Select(select) = query.body.as_mut() else { return ControlFlow::Continue(()) };
        let columns = merged_columns(select);
        if columns.is_empty() {
            return ControlFlow::Continue(());
        }
        let shown: Vec<String> = select.projection.iter().filter_map(output_name).collect();
        if let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) {
            for key in keys {
                // A name of the select list means that column already.
                let is_output = matches!(&key.expr, Expr::Identifier(name) if shown.contains(&folded(name)));
                if !is_output {
                    put(&mut key.expr, &columns);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let columns = merged_columns(select);
        if columns.is_empty() {
            return ControlFlow::Continue(());
        }
        expand_wildcards(select);
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => {
                    if let Some(column) = find(&columns, name).filter(|column| !column.stays) {
                        *item = SelectItem::ExprWithAlias { expr: column.value.clone(), alias: name.clone() };
                    }
                }
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => put(expr, &columns),
                _ => {}
            }
        }
        let mut own: Vec<&mut Expr> = select.selection.iter_mut().chain(&mut select.having).collect();
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            own.extend(keys);
        }
        own.into_iter().for_each(|expr| put(expr, &columns));
        ControlFlow::Continue(())
    }
}

fn output_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) | SelectItem::ExprWithAlias { alias: name, .. } => {
            Some(folded(name))
        }
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

/// Which side a merged column is of, and what is joined by.
fn side_of(operator: &JoinOperator) -> (Side, Option<&JoinConstraint>) {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint) => (Side::Left, Some(constraint)),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (Side::Right, Some(constraint)),
        JoinOperator::FullOuter(constraint) => (Side::Both, Some(constraint)),
        _ => (Side::Left, None),
    }
}

fn using(constraint: Option<&JoinConstraint>) -> Vec<Ident> {
    match constraint {
        Some(JoinConstraint::Using(names)) => {
            names.iter().filter_map(|name| name.0.last()?.as_ident().cloned()).collect()
        }
        _ => Vec::new(),
    }
}

/// A column that USING merges.
struct Merged {
    name: Ident,
    value: Expr,
    /// The engine means the same by the bare name.
    stays: bool,
}

fn find<'a>(columns: &'a [Merged], name: &Ident) -> Option<&'a Merged> {
    columns.iter().rev().find(|column| folded(&column.name) == folded(name))
}

fn merged_columns(select: &Select) -> Vec<Merged> {
    let mut columns: Vec<Merged> = Vec::new();
    for from in &select.from {
        let mut left = called(&from.relation);
        for join in &from.joins {
            let (side, constraint) = side_of(&join.join_operator);
            let right = called(&join.relation);
            for name in using(constraint) {
                let of_left = match find(&columns, &name) {
                    Some(column) => Some(column.value.clone()),
                    None => left.as_ref().map(|relation| column_of(relation, &name)),
                };
                let of_right = right.as_ref().map(|relation| column_of(relation, &name));
                let stays = side == Side::Left && find(&columns, &name).is_none_or(|column| column.stays);
                let value = match (side, of_left, of_right) {
                    (Side::Left, Some(value), _) | (Side::Right, _, Some(value)) => value,
                    (Side::Both, Some(one), Some(other)) => call("coalesce", vec![one, other]),
                    _ => continue,
                };
                columns.push(Merged { name, value, stays });
            }
            // Of several relations nobody knows which one has a column.
            left = None;
        }
    }
    columns
}

/// The parts of the name that columns of a relation are qualified by.
fn called(factor: &TableFactor) -> Option<Vec<Ident>> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(vec![alias.name.clone()]),
        TableFactor::Table { name, .. } => name.0.iter().map(|part| part.as_ident().cloned()).collect(),
        _ => None,
    }
}

fn column_of(relation: &[Ident], name: &Ident) -> Expr {
    Expr::CompoundIdentifier(relation.iter().chain([name]).cloned().collect())
}

/// Replaces bare names of merged columns, not those inside subqueries.
fn put(expr: &mut Expr, columns: &[Merged]) {
    each_expression(expr, |expr| {
        if let Expr::Identifier(name) = expr
            && let Some(column) = find(columns, name).filter(|column| !column.stays)
        {
            *expr = column.value.clone();
        }
    });
}

/// `*` over one USING -> the merged columns, then what else each side has.
fn expand_wildcards(select: &mut Select) {
    let [from] = select.from.as_slice() else { return };
    let [join] = from.joins.as_slice() else { return };
    let (_, constraint) = side_of(&join.join_operator);
    let names = using(constraint);
    let (Some(left), Some(right)) = (called(&from.relation), called(&join.relation)) else { return };
    let columns = merged_columns(select);
    if names.is_empty() || columns.len() != names.len() {
        return;
    }
    let mut items = Vec::new();
    for item in select.projection.drain(..) {
        if !matches!(item, SelectItem::Wildcard(_)) {
            items.push(item);
            continue;
        }
        for column in &columns {
            items.push(SelectItem::ExprWithAlias { expr: column.value.clone(), alias: column.name.clone() });
        }
        items.extend([&left, &right].map(|relation| all_but(relation, &names)));
    }
    select.projection = items;
}

fn all_but(relation: &[Ident], names: &[Ident]) -> SelectItem {
    let relation = ObjectName(relation.iter().cloned().map(ObjectNamePart::Identifier).collect());
    let opt_except = names
        .split_first()
        .map(|(first, more)| ExceptSelectItem { first_element: first.clone(), additional_elements: more.to_vec() });
    SelectItem::QualifiedWildcard(
        SelectItemQualifiedWildcardKind::ObjectName(relation),
        WildcardAdditionalOptions { opt_except, ..WildcardAdditionalOptions::default() },
    )
}
