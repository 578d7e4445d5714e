//! `interval * number` and `interval / number`, with PostgreSQL's way of carrying fractions down.
//!
//! A fraction of a month becomes days (30 to a month), a fraction of a day becomes time. Source:
//! PostgreSQL's documentation, chapter 9.9, and what PostgreSQL 15 answers.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, IntervalMonthDayNanoArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::function::sql_error;
use super::numbers::strict_cast;
use crate::types::{Code, SqlType};

const DAYS_PER_MONTH: f64 = 30.0;
const SECONDS_PER_DAY: f64 = 86_400.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Times,
    Divided,
}

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    [Job::Times, Job::Divided]
        .map(|job| ScalarUDF::new_from_impl(Factor { job, signature: Signature::any(2, Volatility::Immutable) }))
        .to_vec()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Factor {
    job: Job,
    signature: Signature,
}

impl ScalarUDFImpl for Factor {
    fn name(&self) -> &'static str {
        match self.job {
            Job::Times => "interval_times",
            Job::Divided => "interval_divided",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(SqlType::Interval.arrow())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { arguments.number_rows };
        let arrays =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let spans = strict_cast(&arrays[0], &SqlType::Interval.arrow())?;
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>();
        let factors = strict_cast(&arrays[1], &DataType::Float64)?;
        let factors = factors.as_primitive::<Float64Type>();
        let value = |row: usize| {
            (spans.is_valid(row) && factors.is_valid(row))
                .then(|| self.scaled(spans.value(row), factors.value(row)))
                .transpose()
        };
        let values = (0..rows).map(value).collect::<Result<Vec<_>>>()?;
        let result: datafusion::arrow::array::ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(values));
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

impl Factor {
    #[allow(clippy::cast_precision_loss, reason = "PostgreSQL computes spans in floats too")]
    fn scaled(&self, span: IntervalMonthDayNano, factor: f64) -> Result<IntervalMonthDayNano> {
        if self.job == Job::Divided && factor == 0.0 {
            return Err(sql_error(Code::DivisionByZero, "division by zero"));
        }
        let scale = |value: f64| if self.job == Job::Times { value * factor } else { value / factor };
        let (months, days) = (scale(f64::from(span.months)), scale(f64::from(span.days)));
        let time = scale((span.nanoseconds / 1_000) as f64);
        let days_of_months = millionths((months - months.trunc()) * DAYS_PER_MONTH);
        let of_days = days - days.trunc() + days_of_months - days_of_months.trunc();
        let mut seconds = millionths(of_days * SECONDS_PER_DAY);
        let mut whole_days = days.trunc() + days_of_months.trunc();
        if seconds.abs() >= SECONDS_PER_DAY {
            whole_days += (seconds / SECONDS_PER_DAY).trunc();
            seconds %= SECONDS_PER_DAY;
        }
        let time = (time + seconds * 1e6).round_ties_even();
        let in_range = |value: f64, most: f64| value.is_finite() && value.abs() < most;
        if !in_range(months, 2_147_483_648.0) || !in_range(whole_days, 2_147_483_648.0) || !in_range(time, 9.2e15) {
            return Err(sql_error(Code::DatetimeFieldOverflow, "interval out of range"));
        }
        #[allow(clippy::cast_possible_truncation, reason = "the ranges were checked")]
        Ok(IntervalMonthDayNano::new(months as i32, whole_days as i32, time as i64 * 1_000))
    }
}

/// What survives a float: fractions are carried down in millionths.
fn millionths(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}
