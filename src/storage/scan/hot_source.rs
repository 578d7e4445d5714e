//! The hot batches as a DataFusion source: its memory source, with the statistics that we know.
//!
//! The stock source counts all batches again for every plan and knows no minimum or maximum. And it
//! reads every batch: a question for the newest rows (`ORDER BY time DESC LIMIT 50`) tells while it
//! runs how new a row must be, so here batches that are too old by then are left out.

use std::collections::VecDeque;
use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::Statistics;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source::DataSource;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::conjunction;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_expr_common::physical_expr::{snapshot_generation, snapshot_physical_expr};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::filter_pushdown::{FilterPushdownPropagation, PushedDown};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, Partitioning};
use futures::stream;

use super::prune::{Facts, may_match};
use crate::storage::summary::RowFacts;

/// A hot batch and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct HotBatch {
    pub(super) rows: RecordBatch,
    pub(super) facts: Arc<RowFacts>,
}

#[derive(Debug, Clone)]
pub(super) struct HotSource {
    batches: MemorySourceConfig,
    /// What is known of the batches of each partition.
    facts: Arc<Vec<Vec<Arc<RowFacts>>>>,
    /// Conditions on the projected columns that grow while the query runs; they are applied again above.
    conditions: Vec<Arc<dyn PhysicalExpr>>,
    /// Of all columns of the table.
    statistics: Statistics,
}

impl HotSource {
    pub(super) fn new(
        partitions: &[Vec<HotBatch>],
        schema: &SchemaRef,
        projection: Option<Vec<usize>>,
        statistics: Statistics,
    ) -> Result<Self> {
        let rows: Vec<Vec<RecordBatch>> =
            partitions.iter().map(|part| part.iter().map(|batch| batch.rows.clone()).collect()).collect();
        let facts = partitions.iter().map(|part| part.iter().map(|batch| Arc::clone(&batch.facts)).collect()).collect();
        let batches = MemorySourceConfig::try_new(&rows, Arc::clone(schema), projection)?.with_show_sizes(false);
        Ok(Self { batches, facts: Arc::new(facts), conditions: Vec::new(), statistics })
    }

    pub(super) fn with_limit(mut self, limit: Option<usize>) -> Self {
        self.batches = self.batches.with_limit(limit);
        self
    }
}

impl DataSource for HotSource {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (Some(rows), Some(facts)) = (self.batches.partitions().get(partition), self.facts.get(partition)) else {
            return self.batches.open(partition, context);
        };
        if self.conditions.is_empty() {
            return self.batches.open(partition, context);
        }
        let mut rest: Vec<HotBatch> = rows
            .iter()
            .zip(facts)
            .map(|(rows, facts)| HotBatch { rows: rows.clone(), facts: Arc::clone(facts) })
            .collect();
        rest.sort_by_key(|batch| batch.facts.time.map(|time| time.max_us));
        let schema = Arc::clone(self.batches.eq_properties().schema());
        let needed = Needed {
            rest: rest.into(),
            condition: conjunction(self.conditions.iter().cloned()),
            schema: Arc::clone(&schema),
            projection: self.batches.projection().clone(),
            left: self.fetch().unwrap_or(usize::MAX),
            looked_at: None,
            oldest_first: false,
        };
        Ok(Box::pin(cooperative(RecordBatchStreamAdapter::new(schema, stream::iter(needed)))))
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
            // The conditions name columns that may be other ones from here on.
            .map(|batches| -> Arc<dyn DataSource> {
                Arc::new(Self { batches, conditions: Vec::new(), ..self.clone() })
            }))
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn DataSource>>> {
        let answer = FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; filters.len()]);
        // What is known before the query runs was looked at when its batches were chosen.
        let growing: Vec<_> = filters.into_iter().filter(|filter| snapshot_generation(filter) > 0).collect();
        if growing.is_empty() {
            return Ok(answer);
        }
        let conditions = self.conditions.iter().cloned().chain(growing).collect();
        Ok(answer.with_updated_node(Arc::new(Self { conditions, ..self.clone() })))
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for condition in &self.conditions {
            if visit(condition)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

/// The batches of a partition that may still have rows that match, one after the other.
struct Needed {
    /// By their newest rows.
    rest: VecDeque<HotBatch>,
    condition: Arc<dyn PhysicalExpr>,
    /// The projected columns, which the condition names.
    schema: SchemaRef,
    projection: Option<Vec<usize>>,
    /// Rows that are still wanted.
    left: usize,
    /// The state of the condition that `rest` was compared with last.
    looked_at: Option<u64>,
    /// Most such questions ask for the newest rows. Where the condition leaves nothing out from this
    /// end, it is tried from the other.
    oldest_first: bool,
}

impl Needed {
    fn leave_out(&mut self) -> Result<()> {
        let state = snapshot_generation(&self.condition);
        if self.looked_at == Some(state) {
            return Ok(());
        }
        let condition = snapshot_physical_expr(Arc::clone(&self.condition))?;
        let facts: Vec<Facts<'_>> = self.rest.iter().map(|batch| Facts::of_hot(&batch.facts)).collect();
        let mut keep = may_match(Some(&condition), &self.schema, &facts)?.into_iter();
        let before = self.rest.len();
        self.rest.retain(|_| keep.next().unwrap_or(true));
        if self.looked_at.is_some() && self.rest.len() == before {
            self.oldest_first = !self.oldest_first;
        }
        self.looked_at = Some(state);
        Ok(())
    }

    fn projected(&mut self, rows: &RecordBatch) -> Result<RecordBatch> {
        let rows = rows.slice(0, rows.num_rows().min(self.left));
        self.left -= rows.num_rows();
        match &self.projection {
            Some(columns) => Ok(rows.project(columns)?),
            None => Ok(rows),
        }
    }
}

impl Iterator for Needed {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.leave_out() {
            self.rest.clear();
            return Some(Err(error));
        }
        if self.left == 0 {
            return None;
        }
        let batch = if self.oldest_first { self.rest.pop_front() } else { self.rest.pop_back() }?;
        Some(self.projected(&batch.rows))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{AsArray, TimestampMicrosecondArray};
    use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMicrosecondType};
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::expressions::{BinaryExpr, Column, DynamicFilterPhysicalExpr, lit};
    use futures::StreamExt;

    use super::*;
    use crate::storage::summary::TIME_COLUMN;

    const ZONE: &str = "UTC";

    /// Ten batches of ten rows, one row a microsecond, in the order of their arrival.
    fn source() -> HotSource {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE.into()));
        let schema = Arc::new(Schema::new(vec![Field::new(TIME_COLUMN, kind, false)]));
        let batch = |number: i64| {
            let times: TimestampMicrosecondArray = (number * 10..number * 10 + 10).map(Some).collect();
            let columns = vec![Arc::new(times.with_timezone(ZONE)) as _];
            let rows = RecordBatch::try_new(Arc::clone(&schema), columns).expect("batch");
            HotBatch { facts: Arc::new(RowFacts::of(&rows)), rows }
        };
        let statistics = Statistics::new_unknown(&schema);
        HotSource::new(&[(0..10).map(batch).collect()], &schema, None, statistics).expect("source")
    }

    fn column() -> Arc<dyn PhysicalExpr> {
        Arc::new(Column::new(TIME_COLUMN, 0))
    }

    /// The first times of the batches that are read while the condition follows them: after each it is
    /// `time <operator> bound(its first time)`.
    async fn read(operator: Operator, bound: fn(i64) -> i64) -> Vec<i64> {
        let condition = Arc::new(DynamicFilterPhysicalExpr::new(vec![column()], lit(true)));
        let pushed = Arc::<DynamicFilterPhysicalExpr>::clone(&condition);
        let answer = source().try_pushdown_filters(vec![pushed], &ConfigOptions::new()).expect("answer");
        let mut rows = answer.updated_node.expect("source").open(0, Arc::default()).expect("rows");
        let mut firsts = Vec::new();
        while let Some(batch) = rows.next().await {
            let batch = batch.expect("batch");
            let first = batch.column(0).as_primitive::<TimestampMicrosecondType>().value(0);
            firsts.push(first);
            let bound = lit(ScalarValue::TimestampMicrosecond(Some(bound(first)), Some(ZONE.into())));
            condition.update(Arc::new(BinaryExpr::new(column(), operator, bound))).expect("update");
        }
        firsts
    }

    #[tokio::test]
    async fn batches_that_are_too_old_by_then_are_not_read() {
        assert_eq!(read(Operator::Gt, |_| 75).await, [90, 80, 70]);
    }

    #[tokio::test]
    async fn the_oldest_rows_are_found_from_the_other_end() {
        assert_eq!(read(Operator::Lt, |first| first + 5).await, [90, 0]);
    }

    #[tokio::test]
    async fn without_a_growing_condition_all_is_read_as_it_came() {
        let answer = source().try_pushdown_filters(vec![lit(true)], &ConfigOptions::new()).expect("answer");
        assert!(answer.updated_node.is_none());
        let batches: Vec<_> = source().open(0, Arc::default()).expect("rows").collect().await;
        assert_eq!(batches.len(), 10);
    }
}
