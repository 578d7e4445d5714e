//! The leaf of a coordinator's logical plan that stands for rows held by owners.
//!
//! `planner::split` puts it where the largest part of a plan that owners can run was;
//! [`FleetScanPlanner`] turns it into a [`GatherExec`], with the final stage of aggregates above it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::DFSchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::aggregate::{LoweredAggregates, mesh_type};
use super::{Delivery, GatherExec, StatementRun};
use crate::mesh::{ExpectedColumn, FragmentMode};
use crate::types::NodeName;

/// A node that is asked, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The owner.
    pub owner: NodeName,
    /// Rows it is known to hold of the fragment's table.
    pub rows_known: u64,
    /// Age of the summary that says so.
    pub summary_age: Option<Duration>,
}

/// A node that is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunedNode {
    /// Its name and what is known of it.
    pub ask: Ask,
    /// Why it cannot have matching rows.
    pub reason: String,
}

/// One SELECT, and the owners it is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The table it reads, for people.
    pub table: String,
    /// Its text.
    pub sql: String,
    /// Who is asked.
    pub asked: Vec<Ask>,
    /// Who is not, and why.
    pub pruned: Vec<PrunedNode>,
}

/// What the fragments' replies are.
#[derive(Debug, Clone)]
pub enum ScanKind {
    /// Rows of the scan's schema.
    Rows(Delivery),
    /// Partial states, merged here into rows of the scan's schema.
    Aggregate(Arc<LoweredAggregates>),
}

/// Rows held by owners, as a leaf of the logical plan.
#[derive(Debug, Clone)]
pub struct FleetScan {
    /// The fragments; the result is the union of their replies.
    pub fragments: Arc<Vec<Fragment>>,
    /// What the replies are.
    pub kind: ScanKind,
    /// The result's columns.
    pub schema: DFSchemaRef,
}

impl PartialEq for FleetScan {
    fn eq(&self, other: &Self) -> bool {
        self.fragments == other.fragments && self.schema == other.schema
    }
}

impl Eq for FleetScan {}

impl Hash for FleetScan {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fragments.iter().for_each(|fragment| fragment.sql.hash(state));
        self.schema.hash(state);
    }
}

impl PartialOrd for FleetScan {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for FleetScan {
    fn name(&self) -> &'static str {
        "FleetScan"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FleetScan: {} fragments", self.fragments.len())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, _: Vec<LogicalPlan>) -> Result<Self> {
        Ok(self.clone())
    }
}

/// Turns [`FleetScan`] into operators of one running statement.
#[derive(Debug)]
pub struct FleetScanPlanner {
    /// The statement.
    pub statement: Arc<StatementRun>,
}

#[async_trait]
impl ExtensionPlanner for FleetScanPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        _physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(scan) = node.as_any().downcast_ref::<FleetScan>() else { return Ok(None) };
        let output: SchemaRef = Arc::clone(scan.schema.inner());
        match &scan.kind {
            ScanKind::Rows(delivery) => Ok(Some(self.gather(scan, output, FragmentMode::Rows, *delivery))),
            ScanKind::Aggregate(lowered) => {
                let keys = output.fields().iter().take(lowered.key_count());
                let states = lowered.state_schema(&keys.map(|field| field.name().clone()).collect::<Vec<_>>())?;
                Ok(Some(lowered.merge(self.gather(scan, states, FragmentMode::Partial, Delivery::Held))?))
            }
        }
    }
}

impl FleetScanPlanner {
    fn gather(
        &self,
        scan: &FleetScan,
        schema: SchemaRef,
        mode: FragmentMode,
        delivery: Delivery,
    ) -> Arc<dyn ExecutionPlan> {
        let fragments = Arc::clone(&scan.fragments);
        Arc::new(GatherExec::new(Arc::clone(&self.statement), fragments, mode, delivery, schema))
    }
}

/// The columns that an owner must reply with for this schema: plain types, at least one column.
pub(super) fn expected_columns(schema: &Schema) -> Vec<ExpectedColumn> {
    if schema.fields().is_empty() {
        return vec![ExpectedColumn { name: PRESENCE.to_owned(), data_type: DataType::Boolean }];
    }
    let column =
        |field: &Arc<Field>| ExpectedColumn { name: field.name().clone(), data_type: mesh_type(field.data_type()) };
    schema.fields().iter().map(column).collect()
}

/// The column that stands for a row when the coordinator needs only the number of rows.
pub(super) const PRESENCE: &str = "present";
