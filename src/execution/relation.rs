//! A relational table as DataFusion sees it: the rows of one moment, scanned where they lie.
//!
//! The rows come from a [`RelationRows`], which a transaction makes; a scan may outlive the transaction. Conditions
//! are used to find rows by an index and are applied again above the scan. Such a table is never part of a fragment:
//! its rows lie on one node, and that is where the statement runs.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ScalarValue, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::stream;

use super::statement::engine_error;
use crate::catalog::{Column, Table};
use crate::types::{SqlError, SqlType};

/// Name of the column that holds a row's key, behind the table's own columns.
pub const ROW_KEY: &str = "__row";

/// Batches of rows, made as they are asked for.
pub type RelationBatches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, SqlError>> + Send>;

/// What is wanted of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationRequest {
    /// Positions of the wanted columns, in the wanted order.
    pub columns: Vec<usize>,
    /// Whether each row's key comes behind them, as bytes.
    pub with_keys: bool,
    /// Only rows with these keys; none for all rows.
    pub lookup: Option<IndexLookup>,
}

/// Rows by the values of an index's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexLookup {
    /// Object id of the index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// A value for each of its keys, in their order, of the column's type and not NULL.
    pub values: Vec<ScalarValue>,
}

/// The rows of one table at one moment; `session` gives them from a transaction.
pub trait RelationRows: fmt::Debug + Send + Sync {
    /// How many rows there are.
    fn row_count(&self) -> u64;
    /// The rows that are wanted; with a lookup maybe more, never less.
    fn batches(&self, request: &RelationRequest) -> std::result::Result<RelationBatches, SqlError>;
}

/// A relational table with the rows of one moment.
#[derive(Debug)]
pub struct RelationTable {
    table: Arc<Table>,
    rows: Arc<dyn RelationRows>,
    schema: SchemaRef,
}

impl RelationTable {
    /// The table's columns.
    pub fn new(table: Arc<Table>, rows: Arc<dyn RelationRows>) -> Self {
        let schema = Arc::clone(&table.arrow);
        Self { table, rows, schema }
    }

    /// The table's columns, and the key of each row as the last one, [`ROW_KEY`].
    pub fn with_keys(table: Arc<Table>, rows: Arc<dyn RelationRows>) -> Self {
        let key = Arc::new(Field::new(ROW_KEY, DataType::Binary, false));
        let schema = Arc::new(Schema::new(table.arrow.fields().iter().cloned().chain([key]).collect::<Vec<_>>()));
        Self { table, rows, schema }
    }

    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The index all of whose keys have a value in the conditions; a unique one rather than another.
    fn lookup(&self, filters: &[Expr]) -> Option<IndexLookup> {
        let relational = self.table.relational.as_ref()?;
        let known: Vec<(&str, &ScalarValue)> = filters.iter().filter_map(equality).collect();
        let value_of = |number: i16| {
            let column = self.table.column(number).filter(|column| is_looked_up(column))?;
            let (_, value) = known.iter().find(|(name, _)| *name == column.name)?;
            let field = self.table.arrow.field_with_name(&column.name).ok()?;
            (value.data_type() == *field.data_type() && !value.is_null()).then(|| (*value).clone())
        };
        let usable = relational.indexes.iter().filter(|index| index.predicate.is_none() && !index.keys.is_empty());
        let mut found = usable.filter_map(|index| {
            let values = index.keys.iter().map(|key| value_of(key.column?)).collect::<Option<Vec<_>>>()?;
            Some((index.unique, IndexLookup { index: index.oid, name: index.name.clone(), values }))
        });
        let first = found.next()?;
        if first.0 {
            return Some(first.1);
        }
        Some(found.find(|(unique, _)| *unique).unwrap_or(first).1)
    }
}

/// A value of this type is found in an index exactly where `=` finds it.
fn is_looked_up(column: &Column) -> bool {
    matches!(
        column.sql_type,
        SqlType::Bool
            | SqlType::Int2
            | SqlType::Int4
            | SqlType::Int8
            | SqlType::Text
            | SqlType::Varchar
            | SqlType::Uuid
            | SqlType::Date
            | SqlType::Timestamp
            | SqlType::Timestamptz
    )
}

/// The column and the value of `column = value`.
fn equality(filter: &Expr) -> Option<(&str, &ScalarValue)> {
    let Expr::BinaryExpr(binary) = filter else { return None };
    if binary.op != Operator::Eq {
        return None;
    }
    match (binary.left.as_ref(), binary.right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _)) | (Expr::Literal(value, _), Expr::Column(column)) => {
            Some((&column.name, value))
        }
        _ => None,
    }
}

#[async_trait]
impl TableProvider for RelationTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match equality(filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let key = self.table.arrow.fields().len();
        let columns: Vec<usize> = wanted.iter().copied().filter(|column| *column != key).collect();
        // Keys come last from below; this puts them where they are wanted.
        let mut next = 0;
        let order = wanted.iter().map(|column| {
            if *column == key {
                return columns.len();
            }
            next += 1;
            next - 1
        });
        let order: Vec<usize> = order.collect();
        let with_keys = columns.len() < wanted.len();
        let schema = Arc::new(self.schema.project(&wanted)?);
        let request = RelationRequest { columns, with_keys, lookup: self.lookup(filters) };
        Ok(Arc::new(RelationScan::new(self, request, order, schema, limit)))
    }
}

/// The operator that reads a relational table; it has one partition.
#[derive(Debug, Clone)]
pub struct RelationScan {
    table: Arc<Table>,
    rows: Arc<dyn RelationRows>,
    request: RelationRequest,
    order: Vec<usize>,
    limit: Option<usize>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RelationScan {
    fn new(
        provider: &RelationTable,
        request: RelationRequest,
        order: Vec<usize>,
        schema: SchemaRef,
        limit: Option<usize>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            table: Arc::clone(&provider.table),
            rows: Arc::clone(&provider.rows),
            request,
            order,
            limit,
            schema,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for RelationScan {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RelationScan: {}.{}", self.table.schema, self.table.name)?;
        match &self.request.lookup {
            Some(lookup) => write!(out, " by {}", lookup.name),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for RelationScan {
    fn name(&self) -> &'static str {
        "RelationScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn partition_statistics(&self, _: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        let rows = usize::try_from(self.rows.row_count()).unwrap_or(usize::MAX);
        statistics.num_rows = match (&self.request.lookup, self.limit) {
            (None, None) => Precision::Exact(rows),
            (None, Some(limit)) => Precision::Inexact(rows.min(limit)),
            (Some(_), _) => Precision::Inexact(rows.min(1)),
        };
        Ok(Arc::new(statistics))
    }

    fn execute(&self, _partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = self.rows.batches(&self.request).map_err(engine_error)?;
        let counted = MetricBuilder::new(&self.metrics).output_rows(0);
        let (schema, order) = (Arc::clone(&self.schema), self.order.clone());
        let mut left = self.limit.unwrap_or(usize::MAX);
        let rows = batches.map_while(move |batch| {
            if left == 0 {
                return None;
            }
            let batch = batch.map_err(engine_error).and_then(|batch| arranged(&batch, &schema, &order));
            Some(batch.map(|batch| {
                let batch = batch.slice(0, batch.num_rows().min(left));
                left -= batch.num_rows();
                counted.add(batch.num_rows());
                batch
            }))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(rows))))
    }
}

/// The columns in the wanted order, under the table's own fields.
fn arranged(batch: &RecordBatch, schema: &SchemaRef, order: &[usize]) -> Result<RecordBatch> {
    let column = |index: &usize| batch.columns().get(*index).map(Arc::clone);
    let columns = order.iter().map(column).collect::<Option<Vec<_>>>();
    let columns = columns.ok_or_else(|| DataFusionError::Internal("a table gave too few columns".to_owned()))?;
    let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
