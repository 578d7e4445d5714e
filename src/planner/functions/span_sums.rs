//! What `sum` and `avg` of spans are made of: sums of their months, days and microseconds.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, IntervalMonthDayNanoArray};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::function::sql_error;
use super::numbers::{decimal, strict_cast};
use crate::types::{Code, SqlType};

/// The functions that take a span apart, in the order in which [`OF_SUMS`] takes their sums.
pub(super) const PARTS: [&str; 3] = ["interval_months", "interval_days", "interval_microseconds"];
/// The function that puts one together.
pub(super) const OF_SUMS: &str = "interval_of_sums";

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let parts = [Job::Months, Job::Days, Job::Microseconds].map(|job| (job, 1));
    let all = parts.into_iter().chain([(Job::OfSums, 3)]);
    all.map(|(job, count)| {
        ScalarUDF::new_from_impl(SpanSum { job, signature: Signature::any(count, Volatility::Immutable) })
    })
    .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Months,
    Days,
    /// As decimals, whose sums have room.
    Microseconds,
    OfSums,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SpanSum {
    job: Job,
    signature: Signature,
}

impl ScalarUDFImpl for SpanSum {
    fn name(&self) -> &'static str {
        match self.job {
            Job::Months => PARTS[0],
            Job::Days => PARTS[1],
            Job::Microseconds => PARTS[2],
            Job::OfSums => OF_SUMS,
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.job {
            Job::Months | Job::Days => DataType::Int64,
            Job::Microseconds => decimal(0),
            Job::OfSums => SqlType::Interval.arrow(),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { arguments.number_rows };
        let arrays =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let result = match arrays.as_slice() {
            [spans] => self.part(spans)?,
            [months, days, us] => put_together(months, days, us)?,
            _ => return Err(sql_error(Code::UndefinedFunction, "sums of months, days and microseconds are wanted")),
        };
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

impl SpanSum {
    fn part(&self, spans: &ArrayRef) -> Result<ArrayRef> {
        let spans = strict_cast(spans, &SqlType::Interval.arrow())?;
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>().iter();
        Ok(match self.job {
            Job::Months => Arc::new(spans.map(|span| span.map(|span| i64::from(span.months))).collect::<Int64Array>()),
            Job::Days => Arc::new(spans.map(|span| span.map(|span| i64::from(span.days))).collect::<Int64Array>()),
            Job::Microseconds | Job::OfSums => {
                let us = spans.map(|span| span.map(|span| i128::from(span.nanoseconds / 1_000)));
                Arc::new(us.collect::<Decimal128Array>().with_data_type(decimal(0)))
            }
        })
    }
}

fn put_together(months: &ArrayRef, days: &ArrayRef, us: &ArrayRef) -> Result<ArrayRef> {
    let (months, days) = (strict_cast(months, &DataType::Int64)?, strict_cast(days, &DataType::Int64)?);
    let us = strict_cast(us, &decimal(0))?;
    let (months, days) = (months.as_primitive::<Int64Type>(), days.as_primitive::<Int64Type>());
    let us = us.as_primitive::<Decimal128Type>();
    let span = |row: usize| -> Option<IntervalMonthDayNano> {
        let nanoseconds = i64::try_from(us.value(row).checked_mul(1_000)?).ok()?;
        let (months, days) = (i32::try_from(months.value(row)).ok()?, i32::try_from(days.value(row)).ok()?);
        Some(IntervalMonthDayNano::new(months, days, nanoseconds))
    };
    let values = (0..months.len()).map(|row| {
        if months.is_null(row) || days.is_null(row) || us.is_null(row) {
            return Ok(None);
        }
        span(row).map(Some).ok_or_else(|| sql_error(Code::DatetimeFieldOverflow, "interval out of range"))
    });
    Ok(Arc::new(IntervalMonthDayNanoArray::from(values.collect::<Result<Vec<_>>>()?)))
}
