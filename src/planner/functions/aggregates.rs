//! `sum`, `avg`, `stddev`, `variance` with PostgreSQL's types, exact over any number of nodes.
//!
//! The functions here only know what type they give. [`ExactAggregates`] replaces them by the engine's own
//! sums and counts over values that cannot overflow or lose digits, and puts the division above: `avg(pid)`
//! becomes `sum(pid) / count(pid)` in decimals. So the partial states that owners send are sums and counts,
//! and no aggregate state is ours.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Decimal256Array};
use datafusion::arrow::datatypes::{
    DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, Int64Type, i256,
};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::functions_aggregate::{average::avg_udaf, count::count_udaf, stddev, sum::sum_udaf, variance};
use datafusion::logical_expr::expr::{AggregateFunction, Cast, ScalarFunction};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, Aggregate, AggregateUDF, AggregateUDFImpl, ColumnarValue, Expr, ExprSchemable, LogicalPlan,
    Projection, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, Window, WindowFunctionDefinition,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::function::sql_error;
use super::numbers::{Kind, decimal, numeric_error, strict_cast};
use super::span_sums;
use crate::types::numeric::{NUMERIC_DIGITS_MAX, QUOTIENT_SCALE, ROOT_SCALE};
use crate::types::{Code, Numeric, NumericError, SqlError, SqlType};

/// Which aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Sum,
    Average,
    /// Variance or its root, over a sample or all values.
    Spread {
        root: Root,
        of: Of,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Root {
    Taken,
    Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    Sample,
    Population,
}

const JOBS: [(&str, &[&str], Job); 6] = [
    ("sum", &[], Job::Sum),
    ("avg", &["mean"], Job::Average),
    ("stddev", &["stddev_samp"], Job::Spread { root: Root::Taken, of: Of::Sample }),
    ("stddev_pop", &[], Job::Spread { root: Root::Taken, of: Of::Population }),
    ("variance", &["var", "var_samp", "var_sample"], Job::Spread { root: Root::Left, of: Of::Sample }),
    ("var_pop", &["var_population"], Job::Spread { root: Root::Left, of: Of::Population }),
];

/// The functions that the aggregates are made with.
pub(super) fn scalars() -> impl Iterator<Item = ScalarUDF> {
    [Width::Squared, Width::Wide, Width::Narrow].map(Digits::udf).into_iter().chain(spread_functions())
}

/// Adds the aggregates and the rule that replaces them; for coordinators. What they send to owners has
/// the engine's own aggregates.
pub(super) fn register(state: &mut SessionState) -> Result<()> {
    for (name, aliases, job) in JOBS {
        state.register_udaf(Arc::new(AggregateUDF::new_from_impl(Exact::new(name, aliases, job))))?;
    }
    let rule = ExactAggregates {
        divide: state.udf("number_divide")?,
        square: state.udf(SQUARE)?,
        wide: state.udf(WIDE)?,
        narrow: state.udf(NARROW)?,
        as_real: state.udf(super::convert::AS_TYPE)?,
        span_parts: span_sums::PARTS.iter().map(|name| state.udf(name)).collect::<Result<_>>()?,
        of_span_sums: state.udf(span_sums::OF_SUMS)?,
        span_divided: state.udf("interval_divided")?,
        spreads: spread_functions().into_iter().map(Arc::new).collect(),
    };
    state.add_analyzer_rule(Arc::new(rule));
    Ok(())
}

/// An aggregate that is replaced before it runs.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    name: &'static str,
    aliases: Vec<String>,
    job: Job,
    signature: Signature,
}

impl Exact {
    fn new(name: &'static str, aliases: &[&str], job: Job) -> Self {
        let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        Self { name, aliases, job, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Exact {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let found = arguments.first().unwrap_or(&DataType::Null);
        if matches!((self.job, found), (Job::Sum | Job::Average, DataType::Interval(_) | DataType::Duration(_))) {
            return Ok(SqlType::Interval.arrow());
        }
        let kind = Kind::of(found).ok_or_else(|| {
            let name = SqlType::from_arrow(found).unwrap_or(SqlType::Unknown).spelling();
            let text = format!("function {}({name}) does not exist", self.name);
            let hint =
                "No function matches the given name and argument types. You might need to add explicit type casts.";
            DataFusionError::External(Box::new(SqlError::new(Code::UndefinedFunction, text).with_hint(hint)))
        })?;
        Ok(match (self.job, kind) {
            (Job::Sum, Kind::Nothing | Kind::Int2 | Kind::Int4) => DataType::Int64,
            (Job::Sum, Kind::Int8) => decimal(0),
            (Job::Sum, other) => other.arrow(),
            (_, Kind::Float4 | Kind::Float8) => DataType::Float64,
            (Job::Spread { root: Root::Taken, .. }, _) => decimal(ROOT_SCALE),
            _ => decimal(QUOTIENT_SCALE),
        })
    }

    fn accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Err(DataFusionError::Internal(format!("the aggregate {} was not replaced by its parts", self.name)))
    }
}

/// Replaces the aggregates of this file by sums and counts.
#[derive(Debug)]
struct ExactAggregates {
    divide: Arc<ScalarUDF>,
    square: Arc<ScalarUDF>,
    wide: Arc<ScalarUDF>,
    narrow: Arc<ScalarUDF>,
    as_real: Arc<ScalarUDF>,
    spreads: Vec<Arc<ScalarUDF>>,
    span_parts: Vec<Arc<ScalarUDF>>,
    of_span_sums: Arc<ScalarUDF>,
    span_divided: Arc<ScalarUDF>,
}

impl AnalyzerRule for ExactAggregates {
    fn name(&self) -> &'static str {
        "exact_aggregates"
    }

    fn analyze(&self, plan: LogicalPlan, _options: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Window(window) => self.window(window),
            other => Ok(Transformed::no(other)),
        })
        .data()
    }
}

impl ExactAggregates {
    fn aggregate(&self, aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
        let mut parts = Parts { schema: aggregate.input.schema().as_ref().clone(), calls: Vec::new() };
        let mut results = Vec::with_capacity(aggregate.aggr_expr.len());
        for expr in &aggregate.aggr_expr {
            let name = expr.schema_name().to_string();
            let replaced = expr.clone().transform_up(|inner| match inner {
                Expr::AggregateFunction(call) => match exact(&call.func) {
                    Some(job) => {
                        let make = |func: Arc<AggregateUDF>, argument: Expr| {
                            let mut call = call.clone();
                            call.func = func;
                            call.params.args = vec![argument];
                            Expr::AggregateFunction(call)
                        };
                        Ok(Transformed::yes(self.replaced(job, call.params.args.first(), &parts.schema, &make)?))
                    }
                    None => Ok(Transformed::no(Expr::AggregateFunction(call))),
                },
                other => Ok(Transformed::no(other)),
            })?;
            results.push((name, replaced));
        }
        if !results.iter().any(|(_, replaced)| replaced.transformed) {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        if results.iter().all(|(_, replaced)| is_call(&replaced.data)) {
            let calls = results.into_iter().map(|(name, replaced)| named(replaced.data, name)).collect();
            let plan = Aggregate::try_new(aggregate.input, aggregate.group_expr, calls)?;
            return Ok(Transformed::yes(LogicalPlan::Aggregate(plan)));
        }
        let mut outputs = Vec::with_capacity(results.len());
        for (name, replaced) in results {
            outputs.push((name, parts.collect(replaced.data)?));
        }
        let keys = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
        let lower = Aggregate::try_new(aggregate.input, aggregate.group_expr, parts.calls)?;
        above(LogicalPlan::Aggregate(lower), keys, outputs)
    }

    fn window(&self, window: Window) -> Result<Transformed<LogicalPlan>> {
        let mut parts = Parts { schema: window.input.schema().as_ref().clone(), calls: Vec::new() };
        let mut outputs = Vec::with_capacity(window.window_expr.len());
        let mut any = false;
        for expr in &window.window_expr {
            let name = expr.schema_name().to_string();
            let replaced = expr.clone().transform_up(|inner| match inner {
                Expr::WindowFunction(call) => match &call.fun {
                    WindowFunctionDefinition::AggregateUDF(func) if exact(func).is_some() => {
                        let job = exact(func).unwrap_or(Job::Sum);
                        let make = |func: Arc<AggregateUDF>, argument: Expr| {
                            let mut call = call.clone();
                            call.fun = WindowFunctionDefinition::AggregateUDF(func);
                            call.params.args = vec![argument];
                            Expr::WindowFunction(call)
                        };
                        Ok(Transformed::yes(self.replaced(job, call.params.args.first(), &parts.schema, &make)?))
                    }
                    _ => Ok(Transformed::no(Expr::WindowFunction(call))),
                },
                other => Ok(Transformed::no(other)),
            })?;
            any |= replaced.transformed;
            outputs.push((name, replaced.data));
        }
        if !any {
            return Ok(Transformed::no(LogicalPlan::Window(window)));
        }
        let outputs = outputs.into_iter().map(|(name, expr)| Ok((name, parts.collect(expr)?)));
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        let inputs = window.input.schema().fields().len();
        let lower = Window::try_new(parts.calls, window.input)?;
        above(LogicalPlan::Window(lower), inputs, outputs)
    }

    /// The same value out of the engine's own aggregates.
    fn replaced(
        &self,
        job: Job,
        argument: Option<&Expr>,
        schema: &DFSchema,
        make: &dyn Fn(Arc<AggregateUDF>, Expr) -> Expr,
    ) -> Result<Expr> {
        let argument = argument.cloned().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let found = argument.get_type(schema)?;
        if matches!(found, DataType::Interval(_) | DataType::Duration(_)) {
            return self.span(job, &argument, make);
        }
        let kind = Kind::of(&found).unwrap_or(Kind::Nothing);
        let cast = |to: DataType| if to == found { argument.clone() } else { cast(argument.clone(), to) };
        let exact_sum = || match kind {
            Kind::Int8 => make(sum_udaf(), cast(decimal(0))),
            // The engine's sums wrap around: with twice the digits they cannot.
            Kind::Numeric(_) => {
                let sum = make(sum_udaf(), call(&self.wide, vec![argument.clone()]));
                call(&self.narrow, vec![sum])
            }
            _ => make(sum_udaf(), cast(DataType::Int64)),
        };
        Ok(match (job, kind) {
            (Job::Sum, Kind::Float8) => make(sum_udaf(), argument),
            (Job::Sum, Kind::Float4) => self.real(make(sum_udaf(), cast(DataType::Float64))),
            (Job::Sum, _) => exact_sum(),
            (Job::Average, Kind::Float4 | Kind::Float8) => make(avg_udaf(), cast(DataType::Float64)),
            (Job::Average, _) => {
                let sum = as_decimal(exact_sum(), kind);
                call(&self.divide, vec![sum, make(count_udaf(), argument)])
            }
            (Job::Spread { root, of }, Kind::Float4 | Kind::Float8) => {
                make(float_spread(root, of), cast(DataType::Float64))
            }
            (Job::Spread { root, of }, _) => {
                let function = self.spreads.iter().find(|function| function.name() == spread_name(root, of));
                let function = function.ok_or_else(|| DataFusionError::Internal("no such spread".to_owned()))?;
                let squares = make(sum_udaf(), call(&self.square, vec![cast(decimal(kind.scale()))]));
                let sum = as_decimal(exact_sum(), kind);
                call(function, vec![make(count_udaf(), argument), sum, squares])
            }
        })
    }

    /// Months, days and time are summed apart.
    fn span(&self, job: Job, argument: &Expr, make: &dyn Fn(Arc<AggregateUDF>, Expr) -> Expr) -> Result<Expr> {
        let part = |function: &Arc<ScalarUDF>| make(sum_udaf(), call(function, vec![argument.clone()]));
        let parts: Vec<Expr> = self.span_parts.iter().map(part).collect();
        // Distinct days and distinct months are not those of distinct spans.
        if matches!(parts.first(), Some(Expr::AggregateFunction(part)) if part.params.distinct) {
            return Err(sql_error(Code::FeatureNotSupported, "sums of DISTINCT intervals are not supported"));
        }
        let sum = call(&self.of_span_sums, parts);
        Ok(match job {
            Job::Average => {
                let count = make(count_udaf(), argument.clone());
                call(&self.span_divided, vec![sum, cast(count, DataType::Float64)])
            }
            _ => sum,
        })
    }

    fn real(&self, sum: Expr) -> Expr {
        let (name, modifier) = (SqlType::Float4.name(), -1_i64);
        call(&self.as_real, vec![sum, datafusion::logical_expr::lit(name), datafusion::logical_expr::lit(modifier)])
    }
}

fn float_spread(root: Root, of: Of) -> Arc<AggregateUDF> {
    match (root, of) {
        (Root::Taken, Of::Sample) => stddev::stddev_udaf(),
        (Root::Taken, Of::Population) => stddev::stddev_pop_udaf(),
        (Root::Left, Of::Sample) => variance::var_samp_udaf(),
        (Root::Left, Of::Population) => variance::var_pop_udaf(),
    }
}

fn exact(function: &AggregateUDF) -> Option<Job> {
    function.inner().downcast_ref::<Exact>().map(|exact| exact.job)
}

fn call(function: &Arc<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments))
}

fn cast(expr: Expr, to: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to))
}

/// A sum of integers as a decimal, so that dividing it keeps the rest.
fn as_decimal(sum: Expr, kind: Kind) -> Expr {
    match kind {
        Kind::Int8 | Kind::Numeric(_) => sum,
        _ => cast(sum, decimal(0)),
    }
}

fn is_call(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_call(&alias.expr),
        other => matches!(other, Expr::AggregateFunction(_)),
    }
}

/// The expression under the name that the plan above knows.
fn named(expr: Expr, name: String) -> Expr {
    if expr.schema_name().to_string() == name { expr } else { expr.unalias().alias(name) }
}

/// The calls below a projection, each once.
struct Parts {
    schema: DFSchema,
    calls: Vec<Expr>,
}

impl Parts {
    /// Takes the calls out of an expression; columns of their results are left in their place.
    fn collect(&mut self, expr: Expr) -> Result<Expr> {
        let collected = expr.transform_up(|inner| match inner {
            Expr::AggregateFunction(AggregateFunction { .. }) | Expr::WindowFunction(_) => {
                Ok(Transformed::yes(Expr::Column(Column::new_unqualified(self.name_of(inner)))))
            }
            other => Ok(Transformed::no(other)),
        });
        collected.data()
    }

    /// The name of a call among the others: two that differ by a cast alone would have one.
    fn name_of(&mut self, call: Expr) -> String {
        let plain = call.schema_name().to_string();
        let unaliased = |known: &Expr| known.clone().unalias();
        if let Some(known) = self.calls.iter().find(|known| unaliased(known) == call) {
            return known.schema_name().to_string();
        }
        let is_taken = self.calls.iter().any(|known| known.schema_name().to_string() == plain);
        if !is_taken {
            self.calls.push(call);
            return plain;
        }
        let name = format!("{plain} {}", self.calls.len());
        self.calls.push(call.alias(name.clone()));
        name
    }
}

/// A projection that keeps the first columns and gives the results their old names.
fn above(lower: LogicalPlan, kept: usize, outputs: Vec<(String, Expr)>) -> Result<Transformed<LogicalPlan>> {
    let columns = lower.schema().columns().into_iter().take(kept).map(Expr::Column);
    let outputs = outputs.into_iter().map(|(name, expr)| expr.unalias().alias(name));
    let list = columns.chain(outputs).collect();
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(list, Arc::new(lower))?)))
}

const SQUARE: &str = "number_square";
const WIDE: &str = "number_wide";
const NARROW: &str = "number_narrow";

fn spread_name(root: Root, of: Of) -> &'static str {
    match (root, of) {
        (Root::Taken, Of::Sample) => "deviation_of_sums",
        (Root::Taken, Of::Population) => "deviation_pop_of_sums",
        (Root::Left, Of::Sample) => "variance_of_sums",
        (Root::Left, Of::Population) => "variance_pop_of_sums",
    }
}

fn spread_functions() -> Vec<ScalarUDF> {
    let mut functions = Vec::new();
    for (_, _, job) in JOBS {
        if let Job::Spread { root, of } = job {
            let signature = Signature::any(3, Volatility::Immutable);
            functions.push(ScalarUDF::new_from_impl(Spread { root, of, signature }));
        }
    }
    functions
}

/// How many digits a decimal is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Width {
    /// Its square, with twice the digits, so that none is too large.
    Squared,
    /// Twice the digits, so that its sums cannot overflow.
    Wide,
    /// The digits of a numeric again; an error where they do not suffice.
    Narrow,
}

/// `number_square(x)`, `number_wide(x)`, `number_narrow(x)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Digits {
    width: Width,
    signature: Signature,
}

impl Digits {
    fn udf(width: Width) -> ScalarUDF {
        ScalarUDF::new_from_impl(Self { width, signature: Signature::any(1, Volatility::Immutable) })
    }
}

impl ScalarUDFImpl for Digits {
    fn name(&self) -> &'static str {
        match self.width {
            Width::Squared => SQUARE,
            Width::Wide => WIDE,
            Width::Narrow => NARROW,
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let scale = arguments.first().and_then(Kind::of).map_or(0, Kind::scale);
        Ok(match self.width {
            Width::Squared => DataType::Decimal256(DECIMAL256_MAX_PRECISION, (scale * 2).cast_signed()),
            Width::Wide => DataType::Decimal256(DECIMAL256_MAX_PRECISION, scale.cast_signed()),
            Width::Narrow => decimal(scale),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (rows, returned) = (arguments.number_rows, arguments.return_field.data_type().clone());
        let Some(argument) = arguments.args.into_iter().next() else {
            return Err(sql_error(Code::UndefinedFunction, format!("{} takes a number", self.name())));
        };
        let array = argument.into_array(rows)?;
        let scale = Kind::of(array.data_type()).map_or(0, Kind::scale);
        if self.width == Width::Narrow {
            let wide = strict_cast(&array, &DataType::Decimal256(DECIMAL256_MAX_PRECISION, scale.cast_signed()))?;
            let narrowed = wide.as_primitive::<Decimal256Type>().iter().map(|value| value.map(narrowed).transpose());
            let narrowed: Decimal128Array = narrowed.collect::<Result<_>>()?;
            return Ok(ColumnarValue::Array(Arc::new(narrowed.with_data_type(returned))));
        }
        let numbers = strict_cast(&array, &decimal(scale))?;
        let widened = numbers.as_primitive::<Decimal128Type>().iter().map(|value| {
            let value = value.map(i256::from_i128);
            // Both factors have 128 bits.
            if self.width == Width::Squared { value.map(|value| value.wrapping_mul(value)) } else { value }
        });
        let widened: Decimal256Array = widened.collect();
        Ok(ColumnarValue::Array(Arc::new(widened.with_data_type(returned))))
    }
}

fn narrowed(value: i256) -> Result<i128> {
    let fits = |value: &i128| value.unsigned_abs() < 10_u128.pow(u32::from(NUMERIC_DIGITS_MAX));
    value.to_i128().filter(fits).ok_or_else(|| numeric_error(NumericError::TooLarge))
}

/// Variance and deviation from a count, a sum and a sum of squares.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Spread {
    root: Root,
    of: Of,
    signature: Signature,
}

impl ScalarUDFImpl for Spread {
    fn name(&self) -> &str {
        spread_name(self.root, self.of)
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(decimal(self.scale()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let [counts, sums, squares] = arrays.as_slice() else {
            return Err(sql_error(Code::UndefinedFunction, "three sums are wanted"));
        };
        let scale = Kind::of(sums.data_type()).map_or(0, Kind::scale);
        let counts = strict_cast(counts, &DataType::Int64)?;
        let (counts, sums, squares) = (
            counts.as_primitive::<Int64Type>(),
            sums.as_primitive::<Decimal128Type>(),
            squares.as_primitive::<Decimal256Type>(),
        );
        let mut values = Vec::with_capacity(rows);
        for row in 0..rows {
            let is_null = counts.is_null(row) || sums.is_null(row) || squares.is_null(row);
            let value =
                || self.spread(counts.value(row), Numeric { value: sums.value(row), scale }, squares.value(row));
            values.push(if is_null { None } else { value()? });
        }
        let values: ArrayRef = Arc::new(Decimal128Array::from(values).with_data_type(decimal(self.scale())));
        Ok(ColumnarValue::Array(values))
    }
}

impl Spread {
    fn scale(&self) -> u8 {
        match self.root {
            Root::Taken => ROOT_SCALE,
            Root::Left => QUOTIENT_SCALE,
        }
    }

    fn spread(&self, count: i64, sum: Numeric, squares: i256) -> Result<Option<i128>> {
        if count == 0 || (count == 1 && self.of == Of::Sample) {
            return Ok(None);
        }
        let divisor = i128::from(count) * i128::from(if self.of == Of::Sample { count - 1 } else { count });
        let variance = Numeric::spread(i128::from(count), sum, squares, divisor).map_err(numeric_error)?;
        let value = match self.root {
            Root::Left => variance.rescaled(QUOTIENT_SCALE),
            // As many digits as the variance has, and zeros behind them.
            Root::Taken => variance.root(variance.scale).and_then(|root| root.rescaled(ROOT_SCALE)),
        };
        value.map(|value| Some(value.value)).map_err(numeric_error)
    }
}
