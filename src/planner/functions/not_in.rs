//! `x NOT IN (SELECT v FROM t WHERE t.k < o.k)`: NULL among the values of one outer row decides for that row alone.
//!
//! The engine's anti join looks for NULL among all rows of the subquery, whichever outer row they belong to.
//! So a subquery about an outer row becomes NOT EXISTS of a row that equals or is unknown. In a condition both
//! keep the same rows; anywhere else such a subquery is refused.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, LogicalPlanBuilder, Subquery};
use datafusion::optimizer::analyzer::AnalyzerRule;
use std::sync::Arc;

use super::function::sql_error;
use crate::types::Code;

/// Replaces NOT IN about an outer row.
#[derive(Debug)]
pub(super) struct NotIn;

impl AnalyzerRule for NotIn {
    fn name(&self) -> &'static str {
        "not_in"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Filter(filter) if mentions(&filter.predicate)? => replaced(filter).map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        })
        .map(|transformed| transformed.data)
    }
}

/// The subquery of NOT IN, when it is about an outer row.
fn about_outer_row(expr: &Expr) -> Option<&InSubquery> {
    match expr {
        Expr::InSubquery(found) if found.negated && !found.subquery.outer_ref_columns.is_empty() => Some(found),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::InSubquery(found) if !found.negated && !found.subquery.outer_ref_columns.is_empty() => Some(found),
            _ => None,
        },
        _ => None,
    }
}

fn mentions(predicate: &Expr) -> Result<bool> {
    predicate.exists(|expr| Ok(about_outer_row(expr).is_some()))
}

fn replaced(filter: Filter) -> Result<LogicalPlan> {
    let schema = Arc::clone(filter.input.schema());
    let mut kept = Vec::new();
    for condition in split_conjunction_owned(filter.predicate) {
        kept.push(match about_outer_row(&condition) {
            Some(found) => not_exists(found, &schema)?,
            None if mentions(&condition)? => {
                let text = "NOT IN with a subquery about an outer row is supported as a condition of WHERE only";
                return Err(sql_error(Code::FeatureNotSupported, text));
            }
            None => condition,
        });
    }
    match conjunction(kept) {
        Some(predicate) => Filter::try_new(predicate, filter.input).map(LogicalPlan::Filter),
        None => Ok(filter.input.as_ref().clone()),
    }
}

fn not_exists(found: &InSubquery, schema: &DFSchema) -> Result<Expr> {
    let mut outer_ref_columns = found.subquery.outer_ref_columns.clone();
    let value = found.expr.as_ref().clone().transform(|expr| match expr {
        Expr::Column(column) => {
            let field = Arc::clone(schema.qualified_field_from_column(&column)?.1);
            let outer = Expr::OuterReferenceColumn(field, column);
            if !outer_ref_columns.contains(&outer) {
                outer_ref_columns.push(outer.clone());
            }
            Ok(Transformed::yes(outer))
        }
        other => Ok(Transformed::no(other)),
    })?;
    let (value, inner) = (value.data, found.subquery.subquery.as_ref().clone());
    let own = Expr::Column(inner.schema().columns().swap_remove(0));
    let hit = own.clone().eq(value.clone()).or(own.is_null()).or(value.is_null());
    let plan = LogicalPlanBuilder::from(inner).filter(hit)?.build()?;
    let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: found.subquery.spans.clone() };
    Ok(Expr::Exists(Exists::new(subquery, true)))
}
