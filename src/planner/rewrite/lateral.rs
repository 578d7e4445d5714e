//! `FROM alerts a CROSS JOIN LATERAL unnest(a.tags) AS t(tag)`, and other functions that give rows.
//!
//! The engine unnests in a select list, not beside another relation. So the relation whose list is
//! unnested becomes a derived table, `(SELECT a.*, unnest(a.tags) AS tag FROM alerts a) AS a`, and
//! what was called `t.tag` is `a.tag` from there on. The rows are the same: every row of the left
//! side, once per element; a LEFT JOIN keeps a row without elements, too.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, VisitMut, VisitorMut, visit_expressions,
};

use super::build::{folded, last_part, parse_query};
use super::columns::hidden;
use super::sets::{self, Found};

/// Rewrites the FROM clause of one query and what refers to it.
pub(super) fn rewrite(query: &mut Query) {
    if let SetExpr::Select(select) = query.body.as_mut() {
        name_values(select);
    }
    let bare = bare_names(query);
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    while let Some(moved) = move_one(select, bare.as_ref()) {
        let mut renamer = Renamer { moved: &moved };
        let _ = select.visit(&mut renamer);
        let items = std::mem::take(&mut select.projection);
        select.projection = items.into_iter().flat_map(|item| moved.renamed_wildcard(item)).collect();
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(keys) = &mut order.kind
        {
            for key in keys {
                let _ = key.expr.visit(&mut renamer);
            }
        }
    }
}

/// The names of a query that stand without a relation's; none where `*` may mean any.
fn bare_names(query: &Query) -> Option<HashSet<String>> {
    if let SetExpr::Select(select) = query.body.as_ref()
        && select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)))
    {
        return None;
    }
    let mut names = HashSet::new();
    let _ = visit_expressions(query, |expr| {
        if let Expr::Identifier(name) = expr {
            names.insert(folded(name));
        }
        ControlFlow::<()>::Continue(())
    });
    Some(names)
}

/// `FROM jsonb_array_elements(j) AS e` has a column `value`, but `e` means it, too.
fn name_values(select: &mut Select) {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let values: Vec<(Ident, Ident)> =
        factors.filter_map(|factor| sets::found_in(factor).and_then(|found| found.value_column())).collect();
    for (name, column) in values {
        let qualified = Expr::CompoundIdentifier(vec![name.clone(), column]);
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(Expr::Identifier(ident)) = item
                && folded(ident) == folded(&name)
            {
                *item = SelectItem::ExprWithAlias { expr: qualified.clone(), alias: name.clone() };
            }
        }
        let _ = datafusion::sql::sqlparser::ast::visit_expressions_mut(select, |expr| {
            if matches!(expr, Expr::Identifier(ident) if folded(ident) == folded(&name)) {
                *expr = qualified.clone();
            }
            ControlFlow::<()>::Continue(())
        });
    }
}

/// An unnest that went into a derived table.
struct Moved {
    /// What it was called, where it was called anything.
    old: Option<Ident>,
    /// The derived table.
    host: Ident,
    /// What its columns are called, in order.
    names: Vec<Ident>,
    /// Its columns in the derived table.
    columns: Vec<Ident>,
}

/// Moves the first unnest of the FROM clause that belongs to a relation on its left.
fn move_one(select: &mut Select, bare: Option<&HashSet<String>>) -> Option<Moved> {
    for from in 0..select.from.len() {
        for join in 0..select.from[from].joins.len() {
            let candidate = &select.from[from].joins[join];
            let Some(keeps_empty) = unconditional(&candidate.join_operator) else { continue };
            let Some(found) = Beside::of(&candidate.relation) else { continue };
            if let Some(moved) = move_into_host(select, (from, join), &found, keeps_empty, bare) {
                select.from[from].joins.remove(join);
                return Some(moved);
            }
        }
        if from > 0
            && select.from[from].joins.is_empty()
            && let Some(found) = Beside::of(&select.from[from].relation)
            && let Some(moved) = move_into_host(select, (from, 0), &found, false, bare)
        {
            select.from.remove(from);
            return Some(moved);
        }
    }
    None
}

/// A join whose condition leaves every pair: false when it drops rows without elements, true when
/// it keeps them.
fn unconditional(operator: &JoinOperator) -> Option<bool> {
    let always = |constraint: &JoinConstraint| match constraint {
        JoinConstraint::None => true,
        JoinConstraint::On(Expr::Value(value)) => {
            matches!(value.value, datafusion::sql::sqlparser::ast::Value::Boolean(true))
        }
        _ => false,
    };
    match operator {
        JoinOperator::CrossJoin(constraint) | JoinOperator::Inner(constraint) | JoinOperator::Join(constraint) => {
            always(constraint).then_some(false)
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => always(constraint).then_some(true),
        _ => None,
    }
}

/// What depends on a relation on its left.
enum Beside {
    Set(Found),
    /// `LATERAL (SELECT a.x + 1 AS y)`: columns without rows of their own.
    Columns(Vec<(Expr, Ident)>, Option<Ident>),
}

impl Beside {
    fn of(factor: &TableFactor) -> Option<Self> {
        if let Some(found) = sets::found_in(factor) {
            return Some(Self::Set(found));
        }
        let TableFactor::Derived { lateral: true, subquery, alias, .. } = factor else { return None };
        let SetExpr::Select(select) = subquery.body.as_ref() else { return None };
        let plain = subquery.with.is_none()
            && subquery.limit_clause.is_none()
            && subquery.fetch.is_none()
            && select.from.is_empty()
            && select.selection.is_none()
            && select.having.is_none()
            && select.distinct.is_none();
        let columns = select.projection.iter().enumerate().map(|(index, item)| {
            let given = alias.as_ref().and_then(|alias| alias.columns.get(index)).map(|column| column.name.clone());
            match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    Some((expr.clone(), given.unwrap_or_else(|| alias.clone())))
                }
                SelectItem::UnnamedExpr(expr @ Expr::Identifier(name)) => {
                    Some((expr.clone(), given.unwrap_or_else(|| name.clone())))
                }
                SelectItem::UnnamedExpr(expr) => Some((expr.clone(), given?)),
                _ => None,
            }
        });
        let columns = columns.collect::<Option<Vec<_>>>().filter(|_| plain)?;
        Some(Self::Columns(columns, alias.as_ref().map(|alias| alias.name.clone())))
    }

    fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Set(found) => found.lists.iter().map(|(_, list)| list).collect(),
            Self::Columns(columns, _) => columns.iter().map(|(expr, _)| expr).collect(),
        }
    }

    /// The values of its columns, in order.
    fn values(&self, keeps_empty: bool) -> Vec<Expr> {
        match self {
            Self::Set(found) => found.values(keeps_empty),
            Self::Columns(columns, _) => columns.iter().map(|(expr, _)| expr.clone()).collect(),
        }
    }

    fn column_names(&self) -> Vec<Ident> {
        match self {
            Self::Set(found) => found.column_names(),
            Self::Columns(columns, _) => columns.iter().map(|(_, name)| name.clone()).collect(),
        }
    }

    fn name(&self) -> Option<Ident> {
        match self {
            Self::Set(found) => found.alias.as_ref().map(|alias| alias.name.clone()),
            Self::Columns(_, name) => name.clone(),
        }
    }
}

/// Finds the one relation on the left that the arrays come from, and puts the unnest into it.
fn move_into_host(
    select: &mut Select,
    place: (usize, usize),
    found: &Beside,
    keeps_empty: bool,
    bare: Option<&HashSet<String>>,
) -> Option<Moved> {
    let owner = owner_of(&found.expressions())?;
    let results = computed_results(select);
    let (from, join) = place;
    let mut hosts: Vec<&mut TableFactor> = Vec::new();
    for (index, table) in select.from.iter_mut().enumerate().take(from + 1) {
        if index == from && join == 0 && Beside::of(&table.relation).is_some() {
            break;
        }
        // Rows of an outer join's other side may be missing: unnesting them early is another question.
        let joins = if index == from { join } else { table.joins.len() };
        let outer = |operator: &JoinOperator| {
            !matches!(operator, JoinOperator::CrossJoin(_) | JoinOperator::Inner(_) | JoinOperator::Join(_))
        };
        let preserved = table.joins.iter().take(joins).all(|join| {
            !outer(&join.join_operator)
                || matches!(join.join_operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_))
        });
        if preserved {
            hosts.push(&mut table.relation);
        }
        let inner_joins = table.joins.iter_mut().take(joins).filter(|join| !outer(&join.join_operator));
        hosts.extend(inner_joins.map(|join| &mut join.relation));
    }
    let only_one = hosts.len() == 1;
    let host = hosts.into_iter().find(|host| match (&owner, name_of(host)) {
        (Owner::Named(owner), Some(name)) => folded(&name) == *owner,
        (Owner::Unnamed, Some(_)) => only_one,
        (_, None) => false,
    })?;
    let is_bare = |name: &str| bare.is_none_or(|bare| bare.contains(name));
    let keeps_name = |name: &str| is_bare(name) && !results.iter().any(|result| result == name);
    embed(host, found, keeps_empty, &keeps_name)
}

/// The names of the results of a SELECT that are more than a column.
fn computed_results(select: &Select) -> Vec<String> {
    let computed = select.projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { expr: Expr::Identifier(_) | Expr::CompoundIdentifier(_), .. } => None,
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    });
    computed.collect()
}

enum Owner {
    /// All columns are qualified with this name.
    Named(String),
    /// No column is qualified.
    Unnamed,
}

fn owner_of(arrays: &[&Expr]) -> Option<Owner> {
    let mut owners: Vec<String> = Vec::new();
    let mut bare = false;
    for array in arrays {
        let _ = visit_expressions(*array, |expr| {
            match expr {
                Expr::CompoundIdentifier(idents) if idents.len() >= 2 => owners.push(folded(&idents[idents.len() - 2])),
                Expr::Identifier(_) => bare = true,
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
    }
    owners.dedup();
    match (owners.as_slice(), bare) {
        ([owner], false) => Some(Owner::Named(owner.clone())),
        ([], true) => Some(Owner::Unnamed),
        _ => None,
    }
}

/// What a relation of FROM is called.
fn name_of(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, args: None, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

/// Replaces the relation by `(SELECT host.*, unnest(...) AS ... FROM relation) AS host`.
///
/// A column that is called like a computed result of the SELECT gets another name there: to the engine's ORDER BY
/// the two would be one. So does one that nothing names without its relation: the host may have a column of that name.
fn embed(
    host: &mut TableFactor,
    found: &Beside,
    keeps_empty: bool,
    keeps_name: &dyn Fn(&str) -> bool,
) -> Option<Moved> {
    let name = name_of(host)?;
    let names = found.column_names();
    let apart = |column: &Ident| match found.name() {
        Some(of) if !keeps_name(&folded(column)) => hidden(column, &folded(&of)),
        _ => column.clone(),
    };
    let columns: Vec<Ident> = names.iter().map(apart).collect();
    let values = found.values(keeps_empty).into_iter().zip(columns.iter().cloned());
    let mut items = values.map(|(expr, alias)| SelectItem::ExprWithAlias { expr, alias }).collect();
    let mut inner = host.clone();
    if let TableFactor::Table { alias: alias @ None, .. } = &mut inner {
        *alias = Some(TableAlias { explicit: true, name: name.clone(), columns: Vec::new(), at: None });
    }
    let mut subquery = parse_query(&format!("SELECT {name}.* FROM {name}"))?;
    let SetExpr::Select(select) = subquery.body.as_mut() else { return None };
    select.projection.append(&mut items);
    select.from.first_mut()?.relation = inner;
    let alias = TableAlias { explicit: true, name: name.clone(), columns: Vec::new(), at: None };
    *host = TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias: Some(alias), sample: None };
    Some(Moved { old: found.name(), host: name, names, columns })
}

struct Renamer<'a> {
    moved: &'a Moved,
}

impl VisitorMut for Renamer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let (Some(old), Expr::CompoundIdentifier(idents)) = (&self.moved.old, &mut *expr) else {
            return ControlFlow::Continue(());
        };
        if let [qualifier, column] = idents.as_mut_slice()
            && folded(qualifier) == folded(old)
            && let Some(place) = self.moved.names.iter().position(|known| folded(known) == folded(column))
        {
            *qualifier = self.moved.host.clone();
            *column = self.moved.columns[place].clone();
        }
        ControlFlow::Continue(())
    }
}

impl Moved {
    /// `t.*` is the unnested columns, `a.*` is everything else of the derived table.
    fn renamed_wildcard(&self, mut item: SelectItem) -> Vec<SelectItem> {
        let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) = &mut item
        else {
            return vec![item];
        };
        let Some(qualifier) = last_part(name) else { return vec![item] };
        if qualifier == folded(&self.host) {
            let mut excluded: Vec<ObjectName> = self.columns.iter().map(|column| column.clone().into()).collect();
            match &mut options.opt_exclude {
                Some(ExcludeSelectItem::Multiple(names)) => names.append(&mut excluded),
                other => *other = Some(ExcludeSelectItem::Multiple(excluded)),
            }
        } else if self.old.as_ref().is_some_and(|old| qualifier == folded(old)) {
            let own = |column: &Ident| Expr::CompoundIdentifier(vec![self.host.clone(), column.clone()]);
            return self.columns.iter().map(|column| SelectItem::UnnamedExpr(own(column))).collect();
        }
        vec![item]
    }
}
