//! The hot batches as a DataFusion source: its memory source, with the statistics that we know.
//!
//! The stock source counts all batches again for every plan and knows no minimum or maximum.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source::DataSource;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::{DisplayFormatType, Partitioning};

#[derive(Debug, Clone)]
pub(super) struct HotSource {
    batches: MemorySourceConfig,
    /// Of all columns of the table.
    statistics: Statistics,
}

impl HotSource {
    pub(super) fn new(
        partitions: &[Vec<RecordBatch>],
        schema: &SchemaRef,
        projection: Option<Vec<usize>>,
        statistics: Statistics,
    ) -> Result<Self> {
        let batches = MemorySourceConfig::try_new(partitions, Arc::clone(schema), projection)?.with_show_sizes(false);
        Ok(Self { batches, statistics })
    }

    pub(super) fn with_limit(mut self, limit: Option<usize>) -> Self {
        self.batches = self.batches.with_limit(limit);
        self
    }
}

impl DataSource for HotSource {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.batches.open(partition, context)
    }

    fn fmt_as(&self, format: DisplayFormatType, out: &mut Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::TreeRender => writeln!(out, "format=hot"),
            _ => {
                write!(out, "hot, ")?;
                self.batches.fmt_as(format, out)
            }
        }
    }

    fn output_partitioning(&self) -> Partitioning {
        self.batches.output_partitioning()
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        self.batches.eq_properties()
    }

    fn scheduling_type(&self) -> SchedulingType {
        self.batches.scheduling_type()
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let whole = partition.is_none() || self.batches.partitions().len() == 1;
        if !whole {
            return self
                .batches
                .partition_statistics(partition)
                .map(|counted| Arc::new(Statistics::clone(&counted).to_inexact()));
        }
        let statistics = self.statistics.clone().project(self.batches.projection().as_ref());
        Ok(Arc::new(if self.fetch().is_some() { statistics.to_inexact() } else { statistics }))
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        Some(Arc::new(self.clone().with_limit(limit)))
    }

    fn fetch(&self) -> Option<usize> {
        self.batches.fetch()
    }

    fn try_swapping_with_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        let Some(swapped) = self.batches.try_swapping_with_projection(projection)? else { return Ok(None) };
        let batches = swapped.downcast_ref::<MemorySourceConfig>().cloned();
        Ok(batches
            .map(|batches| -> Arc<dyn DataSource> { Arc::new(Self { batches, statistics: self.statistics.clone() }) }))
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
