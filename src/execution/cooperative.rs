//! Lets long joins be cancelled.
//!
//! A query is cancelled, and its time limit looked at, where its stream gives way. The engine gives way
//! at leaves, per batch they produce; but a join or an unnest turns one such batch into any number of
//! rows. A rule makes them give way per batch of their own. A join whose condition holds for nothing has
//! no batch to give: its condition looks at the statement's end itself.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder,
};
use datafusion::physical_plan::unnest::UnnestExec;

use super::StatementRun;

/// Makes what multiplies rows give way per batch.
#[derive(Debug)]
pub(super) struct YieldingJoins;

impl PhysicalOptimizerRule for YieldingJoins {
    fn name(&self) -> &'static str {
        "yielding_joins"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _options: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|plan| {
            let multiplies = plan.children().len() > 1 || plan.downcast_ref::<UnnestExec>().is_some();
            if multiplies && plan.properties().scheduling_type == SchedulingType::NonCooperative {
                return Ok(Transformed::yes(Arc::new(CooperativeExec::new(plan)) as Arc<dyn ExecutionPlan>));
            }
            Ok(Transformed::no(plan))
        })?;
        Ok(wrapped.data)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan with joins whose conditions end with the statement.
pub fn with_watched_joins(
    plan: Arc<dyn ExecutionPlan>,
    statement: &Arc<StatementRun>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let watched = plan.transform_up(|plan| {
        let loops = plan.downcast_ref::<NestedLoopJoinExec>();
        if let Some((join, filter)) = loops.and_then(|join| Some((join, join.filter()?))) {
            let builder = NestedLoopJoinExecBuilder::from(join).with_filter(Some(watch(filter, statement)));
            return Ok(Transformed::yes(Arc::new(builder.build()?) as Arc<dyn ExecutionPlan>));
        }
        let hashes = plan.downcast_ref::<HashJoinExec>();
        if let Some((join, filter)) = hashes.and_then(|join| Some((join, join.filter()?))) {
            let builder = HashJoinExecBuilder::from(join).with_filter(Some(watch(filter, statement)));
            return Ok(Transformed::yes(Arc::new(builder.build()?) as Arc<dyn ExecutionPlan>));
        }
        Ok(Transformed::no(plan))
    })?;
    Ok(watched.data)
}

fn watch(filter: &JoinFilter, statement: &Arc<StatementRun>) -> JoinFilter {
    let condition = Arc::clone(filter.expression());
    let watched = Watched { condition, statement: Arc::clone(statement) };
    JoinFilter::new(Arc::new(watched), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
}

/// A condition that fails once its statement must end.
#[derive(Debug)]
struct Watched {
    condition: Arc<dyn PhysicalExpr>,
    statement: Arc<StatementRun>,
}

impl fmt::Display for Watched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.condition, out)
    }
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl PhysicalExpr for Watched {
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.statement.check()?;
        self.condition.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.condition.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let condition = children.pop().unwrap_or_else(|| Arc::clone(&self.condition));
        Ok(Arc::new(Self { condition, statement: Arc::clone(&self.statement) }))
    }

    fn fmt_sql(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(out)
    }
}
