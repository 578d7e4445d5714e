//! Which columns of tables the columns of a result are, for clients that ask a result where it comes from.
//!
//! As PostgreSQL tells it: a column that only passes through subqueries, joins and sorts is still the table's, or
//! the view's; what is computed is nobody's.

use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};

use super::definition::QualifiedName;
use super::names::{Names, Relation};
use crate::system::{INFORMATION_SCHEMA, PG_CATALOG, system_columns, system_relation_oid};
use crate::types::ColumnOrigin;

/// The origins of a plan's columns, in their order.
pub(super) fn of_plan(plan: &LogicalPlan, names: &Names<'_>) -> Vec<Option<ColumnOrigin>> {
    (0..plan.schema().fields().len()).map(|column| of_column(plan, column, names)).collect()
}

fn of_column(plan: &LogicalPlan, column: usize, names: &Names<'_>) -> Option<ColumnOrigin> {
    match plan {
        LogicalPlan::Projection(projection) => of_expr(projection.expr.get(column)?, &projection.input, names),
        LogicalPlan::Aggregate(aggregate) => of_expr(aggregate.group_expr.get(column)?, &aggregate.input, names),
        LogicalPlan::Filter(filter) => of_column(&filter.input, column, names),
        LogicalPlan::Sort(sort) => of_column(&sort.input, column, names),
        LogicalPlan::Limit(limit) => of_column(&limit.input, column, names),
        LogicalPlan::Distinct(distinct) => of_column(distinct.input(), column, names),
        // What a window adds stands behind the columns of its input.
        LogicalPlan::Window(window) => {
            (column < window.input.schema().fields().len()).then(|| of_column(&window.input, column, names))?
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    of_column(&join.right, column, names)
                }
                _ if column < left => of_column(&join.left, column, names),
                _ => of_column(&join.right, column - left, names),
            }
        }
        LogicalPlan::SubqueryAlias(alias) => match view_of(&alias.alias, names) {
            // The engine puts the query of a view where the view is named.
            Some(view) => Some(ColumnOrigin { relation: view, number: i16::try_from(column + 1).ok()? }),
            None => of_column(&alias.input, column, names),
        },
        LogicalPlan::TableScan(scan) => {
            let name = scan.projected_schema.fields().get(column)?.name();
            of_table(&scan.table_name, name, names)
        }
        _ => None,
    }
}

fn of_expr(expr: &Expr, input: &LogicalPlan, names: &Names<'_>) -> Option<ColumnOrigin> {
    match expr {
        Expr::Alias(alias) => of_expr(&alias.expr, input, names),
        Expr::Column(column) => of_column(input, place(input, column)?, names),
        // An object id that is shown by its name.
        Expr::ScalarFunction(call) if call.func.name().starts_with("shown_") => {
            of_expr(call.args.first()?, input, names)
        }
        _ => None,
    }
}

fn place(input: &LogicalPlan, column: &Column) -> Option<usize> {
    input.schema().maybe_index_of_column(column)
}

fn view_of(reference: &TableReference, names: &Names<'_>) -> Option<u32> {
    match named(reference, names)? {
        Relation::View(view) => Some(view.oid),
        _ => None,
    }
}

fn named(reference: &TableReference, names: &Names<'_>) -> Option<Relation> {
    match reference.schema() {
        Some(schema) => names.relation_in(schema, reference.table()),
        None => names.find_relation(&QualifiedName::bare(reference.table())).ok()?,
    }
}

fn of_table(reference: &TableReference, column: &str, names: &Names<'_>) -> Option<ColumnOrigin> {
    if let Some(schema @ (PG_CATALOG | INFORMATION_SCHEMA)) = reference.schema() {
        let place = system_columns(schema, reference.table())?.position(|known| known == column)?;
        let relation = system_relation_oid(schema, reference.table())?;
        return Some(ColumnOrigin { relation, number: i16::try_from(place + 1).ok()? });
    }
    let Relation::Table(table) = named(reference, names)? else { return None };
    let found = table.columns.iter().find(|known| known.name == column)?;
    Some(ColumnOrigin { relation: table.oid, number: found.number })
}
