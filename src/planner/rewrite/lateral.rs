//! `FROM alerts a CROSS JOIN LATERAL unnest(a.tags) AS t(tag)`.
//!
//! The engine unnests in a select list, not beside another relation. So the relation whose list is
//! unnested becomes a derived table, `(SELECT a.*, unnest(a.tags) AS tag FROM alerts a) AS a`, and
//! what was called `t.tag` is `a.tag` from there on. The rows are the same: every row of the left
//! side, once per element; a LEFT JOIN keeps a row without elements, too.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, FunctionArg, FunctionArgExpr, Ident, JoinConstraint, JoinOperator, ObjectName,
    OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor,
    TableFunctionArgs, VisitMut, VisitorMut, visit_expressions,
};

use super::build::{call, folded, last_part, parse_query, parts};
use super::columns::hidden;
use super::sets::{self, SetFunction};

/// Rewrites the FROM clause of one query and what refers to it.
pub(super) fn rewrite(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    while let Some(moved) = move_one(select) {
        let mut renamer = Renamer { moved: &moved };
        let _ = select.visit(&mut renamer);
        for item in &mut select.projection {
            moved.rename_wildcard(item);
        }
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(keys) = &mut order.kind
        {
            for key in keys {
                let _ = key.expr.visit(&mut renamer);
            }
        }
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

/// An unnest found beside other relations.
struct Found {
    /// The function, where it is not unnest itself.
    set: Option<&'static SetFunction>,
    arrays: Vec<Expr>,
    with_ordinality: bool,
    alias: Option<TableAlias>,
    keeps_empty: bool,
}

/// Moves the first unnest of the FROM clause that belongs to a relation on its left.
fn move_one(select: &mut Select) -> Option<Moved> {
    for from in 0..select.from.len() {
        for join in 0..select.from[from].joins.len() {
            let candidate = &select.from[from].joins[join];
            let Some(keeps_empty) = unconditional(&candidate.join_operator) else { continue };
            let Some(found) = as_unnest(&candidate.relation, keeps_empty) else { continue };
            if let Some(moved) = move_into_host(select, (from, join), &found) {
                select.from[from].joins.remove(join);
                return Some(moved);
            }
        }
        if from > 0
            && select.from[from].joins.is_empty()
            && let Some(found) = as_unnest(&select.from[from].relation, false)
            && let Some(moved) = move_into_host(select, (from, 0), &found)
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

fn as_unnest(factor: &TableFactor, keeps_empty: bool) -> Option<Found> {
    let called = |name: &ObjectName| last_part(name).filter(|_| parts(name).len() <= 2);
    let is_set = |name: &str| name == "unnest" || sets::find(name).is_some();
    let (name, arrays, with_ordinality, alias) = match factor {
        TableFactor::UNNEST { array_exprs, with_ordinality, alias, with_offset: false, .. } => {
            (String::from("unnest"), array_exprs.clone(), *with_ordinality, alias)
        }
        TableFactor::Function { name, args, with_ordinality, alias, .. } => {
            (called(name).filter(|name| is_set(name))?, plain(args)?, *with_ordinality, alias)
        }
        TableFactor::Table { name, args: Some(TableFunctionArgs { args, .. }), with_ordinality, alias, .. } => {
            (called(name).filter(|name| is_set(name))?, plain(args)?, *with_ordinality, alias)
        }
        _ => return None,
    };
    Some(Found { set: sets::find(&name), arrays, with_ordinality, alias: alias.clone(), keeps_empty })
}

fn plain(arguments: &[FunctionArg]) -> Option<Vec<Expr>> {
    arguments
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect()
}

/// Finds the one relation on the left that the arrays come from, and puts the unnest into it.
fn move_into_host(select: &mut Select, place: (usize, usize), found: &Found) -> Option<Moved> {
    let owner = owner_of(&found.arrays)?;
    let aliases: Vec<String> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { expr: Expr::Identifier(_) | Expr::CompoundIdentifier(_), .. } => None,
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
            _ => None,
        })
        .collect();
    let (from, join) = place;
    let mut hosts: Vec<&mut TableFactor> = Vec::new();
    for (index, table) in select.from.iter_mut().enumerate().take(from + 1) {
        if index == from && join == 0 && as_unnest(&table.relation, false).is_some() {
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
    embed(host, found, &aliases)
}

enum Owner {
    /// All columns are qualified with this name.
    Named(String),
    /// No column is qualified.
    Unnamed,
}

fn owner_of(arrays: &[Expr]) -> Option<Owner> {
    let mut owners: Vec<String> = Vec::new();
    let mut bare = false;
    for array in arrays {
        let _ = visit_expressions(array, |expr| {
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
/// the two would be one.
fn embed(host: &mut TableFactor, found: &Found, aliases: &[String]) -> Option<Moved> {
    let name = name_of(host)?;
    let names = column_names(found);
    let apart = |column: &Ident| match aliases.contains(&folded(column)) && found.alias.is_some() {
        true => hidden(column),
        false => column.clone(),
    };
    let columns: Vec<Ident> = names.iter().map(apart).collect();
    let lists = match found.set {
        Some(set) => vec![call(set.list, found.arrays.clone())],
        None => found.arrays.clone(),
    };
    let kept = |list: Expr| if found.keeps_empty { call("array_or_null_item", vec![list]) } else { list };
    let rows = lists.iter().map(|list| call("unnest", vec![kept(list.clone())]));
    let is_row = found.set.is_some_and(|set| !set.columns.is_empty());
    let called = if is_row { vec![Ident::new(ROW)] } else { columns.clone() };
    let mut items: Vec<SelectItem> =
        rows.zip(&called).map(|(expr, alias)| SelectItem::ExprWithAlias { expr, alias: alias.clone() }).collect();
    if found.with_ordinality {
        let numbers = call("unnest", vec![kept(call("ordinals_rows", vec![lists.first()?.clone()]))]);
        items.push(SelectItem::ExprWithAlias { expr: numbers, alias: columns.last()?.clone() });
    }
    let mut inner = host.clone();
    if let TableFactor::Table { alias: alias @ None, .. } = &mut inner {
        *alias = Some(table_alias(&name));
    }
    *host = derived(&name, inner, None, items)?;
    if let Some(set) = found.set.filter(|_| is_row) {
        let row = Expr::CompoundIdentifier(vec![name.clone(), Ident::new(ROW)]);
        *host = derived(&name, host.clone(), Some(ROW), set.fields(&row, &columns))?;
    }
    Some(Moved { old: found.alias.as_ref().map(|alias| alias.name.clone()), host: name, names, columns })
}

/// The column that holds a whole row until its fields are taken out.
const ROW: &str = "armorlake_row";

fn table_alias(name: &Ident) -> TableAlias {
    TableAlias { explicit: true, name: name.clone(), columns: Vec::new(), at: None }
}

/// A derived table over a relation, both of the same name, with more columns and perhaps without one.
fn derived(name: &Ident, inner: TableFactor, without: Option<&str>, mut items: Vec<SelectItem>) -> Option<TableFactor> {
    let mut subquery = parse_query(&format!("SELECT {name}.* FROM {name}"))?;
    let SetExpr::Select(select) = subquery.body.as_mut() else { return None };
    if let Some(SelectItem::QualifiedWildcard(_, options)) = select.projection.first_mut() {
        options.opt_exclude = without.map(|column| ExcludeSelectItem::Multiple(vec![Ident::new(column).into()]));
    }
    select.projection.append(&mut items);
    select.from.first_mut()?.relation = inner;
    let alias = Some(table_alias(name));
    Some(TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias, sample: None })
}

/// The names that PostgreSQL gives to the columns of the unnest.
fn column_names(found: &Found) -> Vec<Ident> {
    let given = found.alias.as_ref().map(|alias| alias.columns.as_slice()).unwrap_or_default();
    if let Some(set) = found.set {
        let mut names = set.column_names(found.alias.as_ref());
        if found.with_ordinality {
            let number = given.get(names.len()).map_or_else(|| Ident::new("ordinality"), |column| column.name.clone());
            names.push(number);
        }
        return names;
    }
    let only = match &found.alias {
        Some(alias) if found.arrays.len() == 1 => alias.name.clone(),
        _ => Ident::new("unnest"),
    };
    let count = found.arrays.len() + usize::from(found.with_ordinality);
    let name = |index: usize| match given.get(index) {
        Some(column) => column.name.clone(),
        None if found.with_ordinality && index + 1 == count => Ident::new("ordinality"),
        None => only.clone(),
    };
    (0..count).map(name).collect()
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
    fn rename_wildcard(&self, item: &mut SelectItem) {
        let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) = item else {
            return;
        };
        let Some(qualifier) = last_part(name) else { return };
        if qualifier == folded(&self.host) {
            let mut excluded: Vec<ObjectName> = self.columns.iter().map(|column| column.clone().into()).collect();
            match &mut options.opt_exclude {
                Some(ExcludeSelectItem::Multiple(names)) => names.append(&mut excluded),
                other => *other = Some(ExcludeSelectItem::Multiple(excluded)),
            }
        } else if let (Some(old), [column]) = (&self.old, self.columns.as_slice())
            && qualifier == folded(old)
        {
            let column = Expr::CompoundIdentifier(vec![self.host.clone(), column.clone()]);
            *item = SelectItem::UnnamedExpr(column);
        }
    }
}
