//! Subqueries in the place of a value: NULL where they have no row, and an error where they have several.
//!
//! The engine takes such a value for one that is never NULL when the column is not, and folds `IS NULL` away;
//! [`MAYBE_NULL`] around it says better. A subquery that looks at the outer row may give one row only where the
//! engine can see it, so its rows are gathered in a list, of which [`ONLY_VALUE`] takes the single one.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::UInt32Array;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, Spans};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::functions_aggregate::first_last::first_value;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, FetchType, Limit, LogicalPlan, LogicalPlanBuilder, Projection, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, SkipType, SortExpr, Volatility,
};

use super::function::sql_error;
use crate::types::Code;

/// The value of a subquery, as one that may be NULL.
pub(super) const MAYBE_NULL: &str = "maybe_null";
/// The item of a list of one; NULL for an empty list, an error for a longer one.
pub(super) const ONLY_VALUE: &str = "only_value";
/// The name of the aggregate of a subquery's rows.
const GATHERED: &str = "gathered";
/// The name of the value that is made of it.
const FOUND: &str = "found";

/// The functions of this file.
pub(super) fn functions() -> [ScalarUDF; 2] {
    [Kind::MaybeNull, Kind::OnlyValue].map(|kind| ScalarUDF::new_from_impl(OfSubquery::of(kind, None)))
}

/// Puts the functions around subqueries.
#[derive(Debug)]
pub(super) struct SubqueryReader {
    pub(super) maybe_null: Arc<ScalarUDF>,
}

impl FunctionRewrite for SubqueryReader {
    fn name(&self) -> &'static str {
        "subquery_reader"
    }

    fn rewrite(&self, expr: Expr, _schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::ScalarSubquery(subquery) = expr else { return Ok(Transformed::no(expr)) };
        let [field] = subquery.subquery.schema().fields().as_ref() else {
            return Ok(Transformed::no(Expr::ScalarSubquery(subquery)));
        };
        let is_told = field.is_nullable() || has_one_row(&subquery.subquery);
        if !subquery.outer_ref_columns.is_empty()
            && let Some(plan) = self.gathered(&subquery.subquery)?
        {
            return Ok(Transformed::yes(Expr::ScalarSubquery(subquery.with_plan(Arc::new(plan)))));
        }
        if is_told {
            return Ok(Transformed::no(Expr::ScalarSubquery(subquery)));
        }
        let call = ScalarFunction::new_udf(Arc::clone(&self.maybe_null), vec![Expr::ScalarSubquery(subquery)]);
        Ok(Transformed::yes(Expr::ScalarFunction(call)))
    }
}

impl SubqueryReader {
    /// The rows of a subquery about the outer row as one; none where the engine sees already that there is one.
    fn gathered(&self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
        if is_aggregate(plan) {
            return Ok(None);
        }
        let (input, value, order, is_first) = match first_row(plan) {
            Some(first) => (first.input, first.value, first.order, true),
            None if plan.max_rows().is_some_and(|most| most <= 1) => return Ok(None),
            None => (plan.clone(), only_column(plan), Vec::new(), false),
        };
        let schema = Arc::clone(input.schema());
        let gathered =
            if is_first { first_value(value.clone(), order) } else { array_agg_udaf().call(vec![value.clone()]) };
        let gathered = LogicalPlanBuilder::from(input).aggregate(Vec::<Expr>::new(), [gathered.alias(GATHERED)])?;
        let (_, field) = value.to_field(&schema)?;
        let kind = if is_first { Kind::MaybeNull } else { Kind::OnlyValue };
        let told = Arc::new(OfSubquery::of(kind, Some(field)));
        let found = vec![Expr::Column(Column::from_name(GATHERED))];
        let found = ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_shared_impl(told)), found);
        // A name of its own: the engine adds the columns that are compared with the outer row under theirs.
        gathered.project([Expr::ScalarFunction(found).alias(FOUND)])?.build().map(Some)
    }
}

/// `ORDER BY ... LIMIT 1` of a subquery.
struct FirstRow {
    input: LogicalPlan,
    value: Expr,
    order: Vec<SortExpr>,
}

fn first_row(plan: &LogicalPlan) -> Option<FirstRow> {
    let LogicalPlan::Limit(limit) = plan else { return None };
    if !is_first(limit) {
        return None;
    }
    let (value, below) = match limit.input.as_ref() {
        LogicalPlan::Projection(Projection { expr, input, .. }) if matches!(input.as_ref(), LogicalPlan::Sort(_)) => {
            (expr.first()?.clone().unalias(), input.as_ref())
        }
        below => (only_column(below), below),
    };
    let (input, order) = match below {
        LogicalPlan::Sort(sort) => (sort.input.as_ref().clone(), sort.expr.clone()),
        below => (below.clone(), Vec::new()),
    };
    Some(FirstRow { input, value, order })
}

fn is_first(limit: &Limit) -> bool {
    let skips_none = matches!(limit.get_skip_type(), Ok(SkipType::Literal(0)));
    skips_none && matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(1))))
}

fn only_column(plan: &LogicalPlan) -> Expr {
    let (qualifier, field) = plan.schema().qualified_field(0);
    Expr::Column(Column { relation: qualifier.cloned(), name: field.name().clone(), spans: Spans::new() })
}

/// What the engine takes for one row for each outer row, as its own check does.
fn is_aggregate(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => is_aggregate(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_aggregate(&alias.input),
        LogicalPlan::Filter(filter) => matches!(filter.input.as_ref(), LogicalPlan::Aggregate(_)),
        other => matches!(other, LogicalPlan::Aggregate(_)),
    }
}

/// Whether there is a row in any case.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        _ => false,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    MaybeNull,
    OnlyValue,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OfSubquery {
    kind: Kind,
    /// The subquery's column, which says more of its type than a list of its values does.
    told: Option<FieldRef>,
    signature: Signature,
}

impl OfSubquery {
    fn of(kind: Kind, told: Option<FieldRef>) -> Self {
        Self { kind, told, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OfSubquery {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::MaybeNull => MAYBE_NULL,
            Kind::OnlyValue => ONLY_VALUE,
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match (self.kind, types.first()) {
            (Kind::MaybeNull, Some(value)) => Ok(value.clone()),
            (Kind::OnlyValue, Some(DataType::List(item))) => Ok(item.data_type().clone()),
            (Kind::OnlyValue, _) => Ok(DataType::Null),
            (Kind::MaybeNull, None) => Err(without_argument()),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let value = arguments.arg_fields.first().ok_or_else(without_argument)?;
        let data_type = self.return_type(&[value.data_type().clone()])?;
        let told = match (self.kind, &self.told) {
            (_, Some(told)) => told.metadata().clone(),
            (Kind::MaybeNull, None) => value.metadata().clone(),
            (Kind::OnlyValue, None) => HashMap::new(),
        };
        Ok(Arc::new(Field::new(self.name(), data_type, true).with_metadata(told)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = arguments.args.into_iter().next().ok_or_else(without_argument)?;
        match self.kind {
            Kind::MaybeNull => Ok(value),
            Kind::OnlyValue => only_values(&value.into_array(arguments.number_rows)?).map(ColumnarValue::Array),
        }
    }
}

fn without_argument() -> DataFusionError {
    DataFusionError::Internal("no argument".to_owned())
}

fn only_values(lists: &ArrayRef) -> Result<ArrayRef> {
    let Some(lists) = lists.as_list_opt::<i32>() else { return Ok(new_null_array(&DataType::Null, lists.len())) };
    let mut places = Vec::with_capacity(lists.len());
    for row in 0..lists.len() {
        let length = if lists.is_null(row) { 0 } else { lists.value_length(row) };
        if length > 1 {
            let text = "more than one row returned by a subquery used as an expression";
            return Err(sql_error(Code::CardinalityViolation, text));
        }
        let start = u32::try_from(lists.value_offsets()[row]).ok();
        places.push(start.filter(|_| length == 1));
    }
    Ok(take(lists.values(), &UInt32Array::from(places), None)?)
}
