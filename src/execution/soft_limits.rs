//! Takes limits back that an aggregate cannot keep to.
//!
//! For `SELECT DISTINCT ... LIMIT n` the engine tells the aggregate that `n` groups are enough. Where its
//! input turns out to be ordered, as under a window, that aggregate runs as one for the top groups,
//! which wants a direction that nobody gave it, and the query fails. Without the hint it only does more.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

/// Drops such limits.
#[derive(Debug)]
pub(super) struct SoftLimits;

impl PhysicalOptimizerRule for SoftLimits {
    fn name(&self) -> &'static str {
        "soft_limits"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _options: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let kept = plan.transform_up(|plan| match plan.downcast_ref::<AggregateExec>() {
            Some(aggregate) if wants_direction(aggregate) => {
                let unlimited = aggregate.with_new_limit_options(None);
                Ok(Transformed::yes(Arc::new(unlimited) as Arc<dyn ExecutionPlan>))
            }
            _ => Ok(Transformed::no(plan)),
        })?;
        Ok(kept.data)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A limit without a direction, over something else than plain groups or a minimum.
fn wants_direction(aggregate: &AggregateExec) -> bool {
    let hint = aggregate.limit_options().is_some_and(|limit| limit.descending().is_none());
    hint && !aggregate.is_unordered_unfiltered_group_by_distinct() && aggregate.get_minmax_desc().is_none()
}
