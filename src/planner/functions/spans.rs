//! Spans of time as PostgreSQL has them: the difference of two instants is an interval of days and
//! time, intervals compare by their length, and their parts are their fields.
//!
//! The engine alone would keep a difference as a duration, whose parts overflow, and compare
//! intervals field by field. Length: a month counts as 30 days, a day as 24 hours (PostgreSQL's
//! documentation, chapters 9.9 and 8.5).

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, IntervalMonthDayNanoArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, BinaryExpr, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::sql_error;
use crate::types::Code;

const DAY_US: i64 = 86_400_000_000;
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// The functions that [`SpanReader`] puts in.
pub(super) fn functions() -> Vec<ScalarUDF> {
    [Span::Difference, Span::Length].map(|span| ScalarUDF::new_from_impl(SpanFunction::new(span))).to_vec()
}

/// Puts PostgreSQL's meaning where spans are subtracted, compared and taken apart.
#[derive(Debug)]
pub(super) struct SpanReader {
    pub(super) difference: Arc<ScalarUDF>,
    pub(super) length: Arc<ScalarUDF>,
}

impl FunctionRewrite for SpanReader {
    fn name(&self) -> &'static str {
        "span_reader"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        let kind = |expr: &Expr| expr.get_type(schema).ok();
        let instant = |expr: &Expr| matches!(kind(expr), Some(DataType::Timestamp(..)));
        let interval = |expr: &Expr| matches!(kind(expr), Some(DataType::Interval(_)));
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }) if instant(&left) && instant(&right) => {
                Ok(Transformed::yes(call(&self.difference, vec![*left, *right])))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) && interval(&left) && interval(&right) => {
                let (left, right) = (call(&self.length, vec![*left]), call(&self.length, vec![*right]));
                Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })))
            }
            Expr::Between(Between { expr, negated, low, high })
                if interval(&expr) && interval(&low) && interval(&high) =>
            {
                let [expr, low, high] = [expr, low, high].map(|side| Box::new(call(&self.length, vec![*side])));
                Ok(Transformed::yes(Expr::Between(Between { expr, negated, low, high })))
            }
            // The engine would compare them field by field.
            Expr::ScalarFunction(ScalarFunction { ref func, ref args })
                if matches!(func.name(), "greatest" | "least") && args.iter().any(interval) =>
            {
                let text = format!("{} of intervals is not supported", func.name());
                Err(sql_error(Code::FeatureNotSupported, text))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

fn call(function: &Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction { func: Arc::clone(function), args })
}

fn compares(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Which of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Span {
    /// `instant_difference(a, b)`: a - b in days and time.
    Difference,
    /// `interval_length(i)`: microseconds.
    Length,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SpanFunction {
    span: Span,
    signature: Signature,
}

impl SpanFunction {
    fn new(span: Span) -> Self {
        let instant = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        let signature = match span {
            Span::Difference => Signature::one_of(
                [None, Some("UTC")]
                    .map(|zone| datafusion::logical_expr::TypeSignature::Exact(vec![instant(zone), instant(zone)]))
                    .to_vec(),
                Volatility::Immutable,
            ),
            Span::Length => Signature::exact(vec![INTERVAL], Volatility::Immutable),
        };
        Self { span, signature }
    }
}

impl ScalarUDFImpl for SpanFunction {
    fn name(&self) -> &'static str {
        match self.span {
            Span::Difference => "instant_difference",
            Span::Length => "interval_length",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.span {
            Span::Difference => INTERVAL,
            Span::Length => DataType::Int64,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let arrays =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let result: ArrayRef = match self.span {
            Span::Difference => differences(&arrays)?,
            Span::Length => lengths(&arrays[0])?,
        };
        Ok(if constant && rows > 0 {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

fn differences(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let micros = |array: &ArrayRef| cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None));
    let (left, right) = (micros(&arrays[0])?, micros(&arrays[1])?);
    let (left, right) =
        (left.as_primitive::<TimestampMicrosecondType>(), right.as_primitive::<TimestampMicrosecondType>());
    let out_of_range = || sql_error(Code::DatetimeFieldOverflow, "interval out of range");
    let difference = |row: usize| -> Result<Option<IntervalMonthDayNano>> {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        let micros = left.value(row).checked_sub(right.value(row)).ok_or_else(out_of_range)?;
        let days = i32::try_from(micros / DAY_US).map_err(|_| out_of_range())?;
        Ok(Some(IntervalMonthDayNano::new(0, days, (micros % DAY_US) * 1_000)))
    };
    let values = (0..left.len()).map(difference).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(IntervalMonthDayNanoArray::from(values)))
}

/// How long a span is, in microseconds.
pub(super) fn length_us(span: IntervalMonthDayNano) -> i128 {
    let days = i128::from(span.months) * 30 + i128::from(span.days);
    days * i128::from(DAY_US) + i128::from(span.nanoseconds / 1_000)
}

fn lengths(array: &ArrayRef) -> Result<ArrayRef> {
    let intervals = cast(array, &INTERVAL)?;
    let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
    let out_of_range = || sql_error(Code::DatetimeFieldOverflow, "interval out of range");
    let values = intervals
        .iter()
        .map(|interval| interval.map(|span| i64::try_from(length_us(span)).map_err(|_| out_of_range())).transpose());
    Ok(Arc::new(values.collect::<Result<Int64Array>>()?))
}
