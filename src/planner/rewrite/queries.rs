//! Clauses of queries in another spelling, FETCH FIRST as LIMIT, and clauses that are refused.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Fetch, GroupByExpr, LimitClause, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, Statement,
    Visit, VisitMut, Visitor, VisitorMut,
};

use super::build::{number, text, text_of, truth};
use super::merged;
use super::subqueries::select_aggregates;

/// Rewrites one query.
pub(super) fn rewrite(query: &mut Query) {
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
}

impl Refusals {
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
