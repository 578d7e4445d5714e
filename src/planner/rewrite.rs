//! PostgreSQL spellings -> what the engine understands, on parsed statements.
//!
//! [`rewrite_statement`] is called once per statement, after parsing and before planning. It never
//! looks at data and answers nothing itself: a rewritten query asks the same tables the same
//! question. In order:
//! 1. `columns`: result columns get PostgreSQL's names;
//! 2. `parameters`: `$1` gets the type that is known of it;
//! 3. `merged`: columns that USING merges are what they are in PostgreSQL;
//!    `names`: bare names of `pg_catalog` relations are qualified;
//! 4. `lateral`: `CROSS JOIN LATERAL unnest(a.x)` becomes a derived table;
//! 5. `numbers`, `rows`, `operators`, `calls`, `types`, `subqueries`: expressions, innermost first;
//! 6. `outer_names`: names of outer relations are told from columns;
//! 7. `columns` again: objects in the outermost select list are shown by name.

mod aggregates;
mod build;
mod calls;
mod clauses;
mod columns;
mod intervals;
mod lateral;
mod merged;
mod names;
mod numbers;
mod operators;
mod outer_names;
mod outer_rows;
mod own_level;
mod parameters;
mod precedence;
mod precision;
mod queries;
mod rows;
mod same_names;
mod sets;
mod single_rows;
mod subqueries;
mod system_keys;
#[cfg(test)]
mod tests;
mod types;
mod values;
mod windows;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, OrderBy, OrderByKind, Query, Select, Statement, TableFactor, VisitMut, VisitorMut,
};

pub(in crate::planner) use build::{array_literal, folded, last_part as last_name, parts as name_parts};
pub(in crate::planner) use clauses::check as check_clauses;
pub(in crate::planner) use columns::column_name;

pub use columns::shown_name;
pub(in crate::planner) use operators::backslashed;
pub use parameters::ParameterType;
pub(in crate::planner) use queries::refused;

/// Rewrites a statement in place. Names of result columns may carry a suffix that makes them
/// unique for the engine: show them through [`shown_name`].
pub fn rewrite_statement(statement: &mut Statement) {
    rewrite_with_parameters(statement, &[]);
}

/// The same with the types of parameters as far as they are known.
pub fn rewrite_with_parameters(statement: &mut Statement, parameters: &[Option<ParameterType>]) {
    queries::mend_aliases(statement);
    merged::merge(statement);
    columns::name_columns(statement);
    parameters::type_parameters(statement, parameters);
    names::qualify(statement);
    names::name_table_ids(statement);
    let _ = statement.visit(&mut Rewriter);
    outer_names::qualify(statement);
}

/// Rewrites a query in place, such as the SELECT of a view; see [`rewrite_statement`].
pub fn rewrite_query(query: &mut Query) {
    let mut statement = Statement::Query(Box::new(query.clone()));
    rewrite_statement(&mut statement);
    if let Statement::Query(rewritten) = statement {
        *query = *rewritten;
    }
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        // The session has taken the turn to write before, where a lock means something.
        query.locks.clear();
        queries::rewrite(query);
        values::rewrite(query);
        windows::rewrite(query);
        same_names::tell_apart(query);
        lateral::rewrite(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        numbers::bare_query(query);
        if let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = &mut query.order_by {
            keys.iter_mut().for_each(|key| subqueries::rewrite_value(&mut key.expr));
            windows::drop_repeated_keys(keys);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        names::qualify_wildcards(select);
        numbers::bare_select(select);
        queries::read_conditions(select);
        subqueries::simplify_empty(select);
        subqueries::rewrite_select_list(select);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        names::table_function(factor);
        queries::sample(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        precedence::of_prefixes(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let precision = precision::of(expr);
        numbers::rewrite(expr);
        rows::rewrite(expr);
        intervals::rewrite(expr);
        operators::rewrite(expr);
        aggregates::rewrite(expr);
        calls::rewrite(expr);
        types::rewrite(expr);
        precision::apply(expr, precision);
        subqueries::rewrite(expr);
        ControlFlow::Continue(())
    }
}
