//! The expressions of one query level: those of its subqueries are theirs.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, Visit, VisitMut, Visitor, VisitorMut};

/// Changes every expression under `root`, the inner ones first, but none inside a subquery.
pub(super) fn each_expression(root: &mut impl VisitMut, change: impl FnMut(&mut Expr)) {
    let _ = root.visit(&mut Level { change, depth: 0 });
}

/// Whether an expression in `root`, outside of subqueries, is such a one.
pub(super) fn holds_expression(root: &Expr, is: impl Fn(&Expr) -> bool) -> bool {
    root.visit(&mut Search { is, depth: 0 }).is_break()
}

struct Level<F> {
    change: F,
    depth: usize,
}

impl<F: FnMut(&mut Expr)> VisitorMut for Level<F> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0 {
            (self.change)(expr);
        }
        ControlFlow::Continue(())
    }
}

struct Search<F> {
    is: F,
    depth: usize,
}

impl<F: Fn(&Expr) -> bool> Visitor for Search<F> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth == 0 && (self.is)(expr) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
