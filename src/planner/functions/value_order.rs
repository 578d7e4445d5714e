//! The order of values that the engine would sort otherwise: addresses by number, intervals by length, jsonb by
//! value.
//!
//! Addresses and jsonb are texts and intervals are months, days and time to the engine. Where such a value is a key
//! of ORDER BY, of a window or of an aggregate, its key in PostgreSQL's order takes its place; `min` and
//! `max` become the first value in that order. Windows over times of day, bytes and identities get
//! keys that the engine has ranges for.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Cast, ScalarFunction, Sort, WindowFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, ScalarUDF, WindowFrameUnits, WindowFunctionDefinition, lit,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::function::sql_error;
use super::json_key::JSONB_KEY;
use crate::types::{Code, SqlType};

/// Puts keys in PostgreSQL's order where values are sorted.
#[derive(Debug)]
pub(super) struct ValueOrder {
    address: Arc<ScalarUDF>,
    length: Arc<ScalarUDF>,
    identity: Arc<ScalarUDF>,
    hex: Arc<ScalarUDF>,
    json: Arc<ScalarUDF>,
    inet: Arc<ScalarUDF>,
}

/// Adds the rules; for owners and coordinators alike.
pub(super) fn register(state: &mut SessionState) -> Result<()> {
    let order = Arc::new(ValueOrder {
        address: state.udf("inet_key")?,
        length: state.udf("interval_length")?,
        identity: state.udf("uuid_text")?,
        hex: state.udf("encode")?,
        json: state.udf(JSONB_KEY)?,
        inet: state.udf("as_inet")?,
    });
    state.register_function_rewrite(Arc::<ValueOrder>::clone(&order))?;
    state.add_analyzer_rule(order);
    Ok(())
}

fn call(function: &Arc<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments))
}

impl ValueOrder {
    /// The key of a value whose order is not the engine's.
    fn key(&self, value: &Expr, schema: &DFSchema) -> Option<Expr> {
        let (_, field) = value.to_field(schema).ok()?;
        match SqlType::of_field(&field) {
            SqlType::Inet | SqlType::Cidr => Some(call(&self.address, vec![value.clone()])),
            SqlType::Interval => Some(call(&self.length, vec![value.clone()])),
            SqlType::Jsonb => Some(call(&self.json, vec![value.clone()])),
            _ => None,
        }
    }

    /// The key of a value that the engine has no ranges for.
    fn range_key(&self, value: &Expr, schema: &DFSchema) -> Option<Expr> {
        match value.get_type(schema).ok()? {
            DataType::Time64(_) => Some(Expr::Cast(Cast::new(Box::new(value.clone()), DataType::Int64))),
            DataType::FixedSizeBinary(16) => Some(call(&self.identity, vec![value.clone()])),
            DataType::Binary => Some(call(&self.hex, vec![value.clone(), lit("hex")])),
            _ => None,
        }
    }

    fn sorted(&self, keys: &mut [Sort], schema: &DFSchema) -> bool {
        let mut any = false;
        for key in keys {
            if let Some(own) = self.key(&key.expr, schema) {
                key.expr = own;
                any = true;
            }
        }
        any
    }

    fn window(&self, mut window: Box<WindowFunction>, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let params = &mut window.params;
        if let WindowFunctionDefinition::AggregateUDF(function) = &window.fun
            && matches!(function.name(), "min" | "max")
            && params.args.first().is_some_and(|value| self.key(value, schema).is_some())
        {
            let text = format!("{} of addresses or intervals over a window is not supported", function.name());
            return Err(sql_error(Code::FeatureNotSupported, text));
        }
        let mut any = self.sorted(&mut params.order_by, schema);
        if params.window_frame.units == WindowFrameUnits::Range {
            for key in &mut params.order_by {
                if let Some(own) = self.range_key(&key.expr, schema) {
                    key.expr = own;
                    any = true;
                }
            }
        }
        let expr = Expr::WindowFunction(window);
        Ok(if any { Transformed::yes(expr) } else { Transformed::no(expr) })
    }

    fn aggregate(&self, mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let params = &mut aggregate.params;
        let any = self.sorted(&mut params.order_by, schema);
        let extreme = matches!(aggregate.func.name(), "min" | "max");
        let Some(value) = params.args.first().filter(|_| extreme) else {
            let expr = Expr::AggregateFunction(aggregate);
            return Ok(if any { Transformed::yes(expr) } else { Transformed::no(expr) });
        };
        let kind = value.to_field(schema).map(|(_, field)| SqlType::of_field(&field))?;
        if matches!(kind, SqlType::Json | SqlType::Jsonb) {
            let text = format!("function {}({}) does not exist", aggregate.func.name(), kind.spelling());
            return Err(sql_error(Code::UndefinedFunction, text));
        }
        let Some(key) = self.key(value, schema) else { return Ok(Transformed::no(Expr::AggregateFunction(aggregate))) };
        let is_there = value.clone().is_not_null();
        let filter = match params.filter.take() {
            Some(filter) => filter.and(is_there),
            None => is_there,
        };
        if kind == SqlType::Cidr {
            // Networks are compared as addresses, and give one.
            params.args = vec![call(&self.inet, vec![value.clone()])];
        }
        params.filter = Some(Box::new(filter));
        params.order_by = vec![Sort::new(key, aggregate.func.name() == "min", false)];
        params.distinct = false;
        aggregate.func = first_value_udaf();
        Ok(Transformed::yes(Expr::AggregateFunction(aggregate)))
    }
}

impl FunctionRewrite for ValueOrder {
    fn name(&self) -> &'static str {
        "value_order"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::WindowFunction(window) => self.window(window, schema),
            Expr::AggregateFunction(aggregate) => self.aggregate(aggregate, schema),
            other => Ok(Transformed::no(other)),
        }
    }
}

impl AnalyzerRule for ValueOrder {
    fn name(&self) -> &'static str {
        "value_order"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let sorted = plan.transform_up_with_subqueries(|plan| {
            let LogicalPlan::Sort(mut sort) = plan else { return Ok(Transformed::no(plan)) };
            let schema = Arc::clone(sort.input.schema());
            let any = self.sorted(&mut sort.expr, &schema);
            let plan = LogicalPlan::Sort(sort);
            Ok(if any { Transformed::yes(plan) } else { Transformed::no(plan) })
        });
        sorted.map(|transformed| transformed.data)
    }
}
