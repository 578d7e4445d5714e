//! Lets long joins be cancelled.
//!
//! A query is cancelled, and its time limit looked at, where its stream gives way. The engine gives way
//! at leaves, per batch they produce; but a join or an unnest turns one such batch into any number of
//! rows. This rule makes them give way per batch of their own.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::unnest::UnnestExec;

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
