//! The two halves of a split aggregate, both made from the engine's own aggregate operator.
//!
//! Owner and coordinator agree on a *lowered input*: a flat row of group keys `k0..`, aggregate
//! arguments `a0..` and filter flags `f0..`. The owner projects its rows to that shape and runs the
//! partial stage; its reply is the keys and the state fields. The coordinator runs the final stage
//! over the gathered states with aggregates lowered over the same shape, so both derive the same
//! state layout without any state function of ours.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};

/// The aggregates whose partial states owners compute; all others are computed over gathered rows.
const SPLITTABLE: &[&str] = &[
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "bool_and",
    "bool_or",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "approx_distinct",
    "bit_and",
    "bit_or",
    "bit_xor",
];

/// Whether owners may compute this aggregate's partial state.
pub fn is_splittable(aggregate: &AggregateFunction) -> bool {
    let AggregateFunctionParams { distinct, order_by, null_treatment, .. } = &aggregate.params;
    let name = aggregate.func.name();
    SPLITTABLE.contains(&name) && (!distinct || name == "count") && order_by.is_empty() && null_treatment.is_none()
}

/// The aggregate call inside an expression that may carry an alias.
pub fn aggregate_of(expr: &Expr) -> Option<&AggregateFunction> {
    match without_alias(expr) {
        Expr::AggregateFunction(aggregate) => Some(aggregate),
        _ => None,
    }
}

/// The expression without any alias around it.
pub fn without_alias(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => without_alias(&alias.expr),
        other => other,
    }
}

/// Group keys and aggregates over their lowered input.
#[derive(Debug, Clone)]
pub struct LoweredAggregates {
    /// What fills the lowered input's columns, in order, over the raw input; aliased `k0..`, `a0..`, `f0..`.
    pub projection: Vec<Expr>,
    /// The lowered input's schema.
    pub input: SchemaRef,
    keys: usize,
    aggregates: Vec<Arc<AggregateFunctionExpr>>,
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
}

impl LoweredAggregates {
    /// Lowers group keys and aggregates that read rows of `raw`; `names` are the aggregates' output names.
    pub fn new(keys: &[Expr], aggregates: &[(AggregateFunction, String)], raw: &DFSchema) -> Result<Self> {
        let mut shape = Shape { raw, projection: Vec::new(), fields: Vec::new() };
        for (index, key) in keys.iter().enumerate() {
            shape.add(key, format!("k{index}"))?;
        }
        let rewritten =
            aggregates.iter().map(|(call, name)| Ok((shape.rewrite(call)?, name))).collect::<Result<Vec<_>>>()?;
        let input = Arc::new(Schema::new(shape.fields));
        let logical = DFSchema::try_from(input.as_ref().clone())?;
        let (properties, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let mut lowered =
            Self { projection: shape.projection, input, keys: keys.len(), aggregates: Vec::new(), filters: Vec::new() };
        for (call, name) in rewritten {
            let call = Expr::AggregateFunction(call);
            let built = LoweredAggregateBuilder::new(&call, &logical, &lowered.input, &properties, &planning)
                .with_name(name)
                .build()?;
            lowered.aggregates.push(built.aggregate);
            lowered.filters.push(built.filter);
        }
        Ok(lowered)
    }

    /// Number of group keys, the first columns of the lowered input and of a partial reply.
    pub fn key_count(&self) -> usize {
        self.keys
    }

    /// The columns of a partial reply: keys under these names, then the state fields of each aggregate.
    pub fn state_schema(&self, key_names: &[String]) -> Result<SchemaRef> {
        let keys = self.input.fields().iter().take(self.keys).zip(key_names);
        let mut fields: Vec<FieldRef> =
            keys.map(|(field, name)| Arc::new(field.as_ref().clone().with_name(name))).collect();
        for aggregate in &self.aggregates {
            fields.extend(aggregate.state_fields()?);
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The owner's half: over rows in the lowered input's shape.
    pub fn partial(&self, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = input.schema();
        let exec = AggregateExec::try_new(
            AggregateMode::Partial,
            self.group_by(&schema),
            self.aggregates.clone(),
            self.filters.clone(),
            input,
            schema,
        )?;
        Ok(Arc::new(exec))
    }

    /// The coordinator's half: over gathered states whose first columns carry the output's key names.
    pub fn merge(&self, states: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let exec = AggregateExec::try_new(
            AggregateMode::Final,
            self.group_by(&states.schema()).as_final(),
            self.aggregates.clone(),
            vec![None; self.aggregates.len()],
            states,
            Arc::clone(&self.input),
        )?;
        Ok(Arc::new(exec))
    }

    fn group_by(&self, schema: &Schema) -> PhysicalGroupBy {
        let keys = schema.fields().iter().take(self.keys).enumerate().map(|(index, field)| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), index));
            (column, field.name().clone())
        });
        PhysicalGroupBy::new_single(keys.collect())
    }
}

/// The lowered input while it is put together.
struct Shape<'a> {
    raw: &'a DFSchema,
    projection: Vec<Expr>,
    fields: Vec<Field>,
}

impl Shape<'_> {
    /// Adds a column that `expr` fills; the type is what the mesh carries.
    fn add(&mut self, expr: &Expr, name: String) -> Result<Expr> {
        let (_, field) = expr.to_field(self.raw)?;
        let data_type = mesh_type(field.data_type());
        let expr =
            if &data_type == field.data_type() { expr.clone() } else { expr.clone().cast_to(&data_type, self.raw)? };
        self.projection.push(expr.alias(&name));
        let column = Field::new(&name, data_type, field.is_nullable()).with_metadata(field.metadata().clone());
        self.fields.push(column);
        Ok(Expr::Column(datafusion::common::Column::new_unqualified(name)))
    }

    /// The aggregate with its arguments and filter replaced by columns of the lowered input.
    fn rewrite(&mut self, call: &AggregateFunction) -> Result<AggregateFunction> {
        let mut call = call.clone();
        for argument in &mut call.params.args {
            if !matches!(argument, Expr::Literal(..)) {
                let name = format!("a{}", self.fields.len());
                *argument = self.add(&without_alias(argument).clone(), name)?;
            }
        }
        if let Some(filter) = call.params.filter.take() {
            let name = format!("f{}", self.fields.len());
            call.params.filter = Some(Box::new(self.add(&filter, name)?));
        }
        if !call.params.order_by.is_empty() {
            return Err(DataFusionError::Internal("an ordered aggregate cannot be split".to_owned()));
        }
        Ok(call)
    }
}

/// The type as it travels between nodes: views become plain, dictionaries their values.
pub fn mesh_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => mesh_type(value),
        other => other.clone(),
    }
}
