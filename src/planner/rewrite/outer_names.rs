//! `item.id` in a subquery that has a column `item` of its own: the outer table is meant.
//!
//! The engine looks for a field of the inner column first. PostgreSQL knows relations before columns,
//! so a name of an outer relation gets a schema that any relation without one answers to, and no
//! column does. Runs last: the other passes see the names as they were written.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Select, Statement, TableFactor, VisitMut, VisitorMut};

use super::build::folded;
use super::merged::factors;

/// The schema of outer relations: nobody types it.
const OUTER: &str = "\u{1f}";

/// Qualifies what names a relation of an outer query.
pub(super) fn qualify(statement: &mut Statement) {
    let _ = statement.visit(&mut OuterNames::default());
}

/// The relations of each SELECT around an expression, the outermost first.
#[derive(Default)]
struct OuterNames(Vec<Vec<String>>);

impl VisitorMut for OuterNames {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.0.push(factors(select).filter_map(bare_name).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<()> {
        self.0.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr
            && let [relation, _] = idents.as_slice()
            && let Some((own, outer)) = self.0.split_last()
        {
            let name = folded(relation);
            if !own.contains(&name) && outer.iter().any(|names| names.contains(&name)) {
                idents.insert(0, Ident::with_quote('"', OUTER));
            }
        }
        ControlFlow::Continue(())
    }
}

/// What a relation is called, when it is called so without a schema.
fn bare_name(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(folded(&alias.name)),
        TableFactor::Table { name, alias: None, .. } => match name.0.as_slice() {
            [only] => only.as_ident().map(folded),
            _ => None,
        },
        _ => None,
    }
}
