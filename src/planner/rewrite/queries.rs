//! Clauses of queries in another spelling, FETCH FIRST as LIMIT, and clauses that are refused.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Distinct, Expr, Fetch, GroupByExpr, Ident, LimitClause, Query, Select, SelectItem, SetExpr,
    SetOperator, SetQuantifier, Statement, TableAlias, TableFactor, TableSample, TableSampleKind, TableSampleMethod,
    Value, Visit, VisitMut, Visitor, VisitorMut, visit_expressions,
};

use super::build::{last_part, number, parse_query, text, text_of, truth};
use super::clauses::named_item;
use super::merged;
use super::subqueries::select_aggregates;

/// Rewrites one query.
pub(super) fn rewrite(query: &mut Query) {
    with_subqueries_in_values(&mut query.body);
    if let SetExpr::Select(select) = query.body.as_mut() {
        name_distinct_keys(select);
    }
    if let SetExpr::Select(select) = query.body.as_mut()
        && let GroupByExpr::Expressions(keys, _) = &mut select.group_by
        && matches!(keys.as_slice(), [Expr::Tuple(none)] if none.is_empty())
    {
        // One group of all rows: what an aggregate without keys has.
        keys.clear();
        if !select_aggregates(select) {
            select.having = Some(select.having.take().unwrap_or_else(|| truth(true)));
        }
    }
    if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause {
        for count in limit.iter_mut().chain(offset.iter_mut().map(|offset| &mut offset.value)) {
            // A written text is read as a number, as everywhere.
            if let Some(read) = text_of(count).and_then(|text| text.trim().parse::<i64>().ok()) {
                *count = number(&read.to_string());
            }
        }
    }
    let plain = matches!(&query.fetch, Some(Fetch { with_ties: false, percent: false, .. }));
    let offset = match &query.limit_clause {
        None => None,
        Some(LimitClause::LimitOffset { limit: None, offset, .. }) => offset.clone(),
        Some(_) => return,
    };
    if !plain {
        return;
    }
    let Some(fetch) = query.fetch.take() else { return };
    let limit = Some(fetch.quantity.unwrap_or_else(|| number("1")));
    query.limit_clause = Some(LimitClause::LimitOffset { limit, offset, limit_by: Vec::new() });
}

/// A written text in the place of a condition is read as a truth value.
pub(super) fn read_conditions(select: &mut Select) {
    for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
        if text_of(condition).is_some() {
            *condition = Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(condition.clone()),
                data_type: DataType::Boolean,
                array: false,
                format: None,
            };
        }
    }
}

/// `DISTINCT ON (1)`: a number is the place of a column in the select list.
fn name_distinct_keys(select: &mut Select) {
    let Some(Distinct::On(keys)) = &select.distinct else { return };
    let meant = |key: &Expr| named_item(key, select).unwrap_or(key).clone();
    select.distinct = Some(Distinct::On(keys.iter().map(meant).collect()));
}

/// `VALUES (1), ((SELECT 2))`: the engine reads no rows in a list of values, so each row is a SELECT.
fn with_subqueries_in_values(body: &mut SetExpr) {
    let SetExpr::Values(values) = &*body else { return };
    let asks = |value: &Expr| {
        visit_expressions(value, |inner| match inner {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .is_break()
    };
    let is_even = values.rows.windows(2).all(|pair| pair[0].content.len() == pair[1].content.len());
    if !is_even || !values.rows.iter().any(|row| row.content.iter().any(asks)) {
        return;
    }
    let selects: Option<Vec<SetExpr>> = values.rows.iter().map(|row| select_of(&row.content)).collect();
    if let Some(united) = selects.and_then(|mut selects| united(&mut selects)) {
        *body = united;
    }
}

/// One row as a SELECT whose columns have the names that VALUES gives them.
fn select_of(row: &[Expr]) -> Option<SetExpr> {
    let mut query = parse_query("SELECT 1")?;
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let named = row.iter().enumerate().map(|(place, value)| SelectItem::ExprWithAlias {
        expr: value.clone(),
        alias: Ident::new(format!("column{}", place + 1)),
    });
    select.projection = named.collect();
    Some(*query.body)
}

/// All of them in one UNION ALL, no deeper than it has to be.
fn united(selects: &mut Vec<SetExpr>) -> Option<SetExpr> {
    if selects.len() < 2 {
        return selects.pop();
    }
    let mut behind = selects.split_off(selects.len() / 2);
    let (left, right) = (Box::new(united(selects)?), Box::new(united(&mut behind)?));
    Some(SetExpr::SetOperation { op: SetOperator::Union, set_quantifier: SetQuantifier::All, left, right })
}

/// `x ISNULL` and `'a' 'b'`: the parser takes the second word for the name of a column.
pub(super) fn mend_aliases(statement: &mut Statement) {
    let _ = statement.visit(&mut Aliases);
}

struct Aliases;

impl VisitorMut for Aliases {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            let SelectItem::ExprWithAlias { expr, alias } = item else { continue };
            let mended = match (alias.quote_style, alias.value.to_ascii_lowercase().as_str()) {
                (None, "isnull") => Expr::IsNull(Box::new(expr.clone())),
                (None, "notnull") => Expr::IsNotNull(Box::new(expr.clone())),
                // Texts on lines that follow each other are one text.
                (Some('\''), _) => match text_of(expr) {
                    Some(first) => text(&format!("{first}{}", alias.value)),
                    None => continue,
                },
                _ => continue,
            };
            *item = SelectItem::UnnamedExpr(mended);
        }
        ControlFlow::Continue(())
    }
}

/// What a statement asks for and would get another answer to.
pub(in crate::planner) fn refused(statement: &Statement) -> Option<&'static str> {
    let mut refusals = Refusals(None);
    let _ = statement.visit(&mut refusals);
    refusals.0
}

struct Refusals(Option<&'static str>);

impl Visitor for Refusals {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.body(&query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.0 = self.0.or(merged::refusal(select));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            sample: Some(TableSampleKind::AfterTableAlias(sample) | TableSampleKind::BeforeTableAlias(sample)),
            ..
        } = factor
        {
            self.sample(sample);
        }
        ControlFlow::Continue(())
    }
}

/// `t TABLESAMPLE BERNOULLI (10)`: each row by its own chance, as PostgreSQL's own methods do by row or by page.
pub(super) fn sample(factor: &mut TableFactor) {
    let TableFactor::Table { name, alias, sample, .. } = factor else { return };
    let Some(TableSampleKind::AfterTableAlias(taken) | TableSampleKind::BeforeTableAlias(taken)) = sample.take() else {
        return;
    };
    let Some(mut sampled) = parse_query("SELECT * FROM t WHERE random() * 100 < 0") else { return };
    let SetExpr::Select(select) = sampled.body.as_mut() else { return };
    let known_as = alias.take().or_else(|| {
        let name = Ident::with_quote('"', last_part(name)?);
        Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None })
    });
    if let (Some(quantity), Some(Expr::BinaryOp { right, .. })) = (taken.quantity, select.selection.as_mut()) {
        **right = quantity.value;
    }
    if let Some(from) = select.from.first_mut() {
        from.relation = factor.clone();
    }
    *factor = TableFactor::Derived { lateral: false, subquery: Box::new(sampled), alias: known_as, sample: None };
}

impl Refusals {
    fn sample(&mut self, sample: &TableSample) {
        let percent = match sample.quantity.as_ref().map(|quantity| &quantity.value) {
            Some(Expr::Value(value)) => match &value.value {
                Value::Number(digits, _) => digits.parse::<f64>().ok(),
                _ => None,
            },
            _ => None,
        };
        let is_known = matches!(sample.name, Some(TableSampleMethod::Bernoulli | TableSampleMethod::System));
        if sample.seed.is_some() {
            self.0 = Some("TABLESAMPLE with REPEATABLE is not supported");
        } else if !is_known || !percent.is_some_and(|percent| (0.0..=100.0).contains(&percent)) {
            self.0 = Some("TABLESAMPLE takes BERNOULLI or SYSTEM and a number between 0 and 100");
        }
    }

    /// The engine makes joins of EXCEPT ALL and INTERSECT ALL, which do not count how often a row is there.
    fn body(&mut self, body: &SetExpr) {
        let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return };
        match (op, set_quantifier) {
            (SetOperator::Except, SetQuantifier::All) => self.0 = Some("EXCEPT ALL is not supported"),
            (SetOperator::Intersect, SetQuantifier::All) => self.0 = Some("INTERSECT ALL is not supported"),
            _ => {}
        }
        self.body(left);
        self.body(right);
    }
}
