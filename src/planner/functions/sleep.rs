//! `pg_sleep` and `pg_sleep_for`: they wait without a thread, and end with their statement.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, AsArray, NullArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::sql_error;
use crate::types::{Code, SqlType};

/// Longest time that one call waits.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
const NANOSECONDS_PER_SECOND: f64 = 1e9;
const SECONDS_PER_DAY: f64 = 86_400.0;
const DAYS_PER_MONTH: f64 = 30.0;

/// What the argument tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Until {
    /// Seconds.
    Seconds,
    /// A span.
    Span,
}

/// The functions of this file.
pub(super) fn functions() -> [ScalarUDF; 2] {
    [("pg_sleep", Until::Seconds), ("pg_sleep_for", Until::Span)].map(|(name, until)| {
        let signature = Signature::any(1, Volatility::Volatile);
        AsyncScalarUDF::new(Arc::new(Sleep { name, until, signature })).into_scalar_udf()
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sleep {
    name: &'static str,
    until: Until,
    signature: Signature,
}

impl ScalarUDFImpl for Sleep {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Null)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let found = arguments.arg_fields.first().map_or(SqlType::Unknown, |field| SqlType::of_field(field));
        let fits = match self.until {
            Until::Seconds => found.is_number() || found == SqlType::Unknown,
            Until::Span => found == SqlType::Interval || found.is_text(),
        };
        if !fits {
            let text = format!("function {}({}) does not exist", self.name, found.spelling());
            return Err(sql_error(Code::UndefinedFunction, text));
        }
        Ok(Arc::new(SqlType::Void.field(self.name, true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("{} waits", self.name)))
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Sleep {
    async fn invoke_async_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let Some(argument) = arguments.args.into_iter().next() else {
            return Err(DataFusionError::Internal(format!("{} takes a time", self.name)));
        };
        for seconds in self.seconds(&argument.into_array(rows)?)?.into_iter().flatten() {
            let longest = LONGEST.as_secs_f64();
            let time = Duration::try_from_secs_f64(seconds.clamp(0.0, longest)).unwrap_or(Duration::ZERO);
            tokio::time::sleep(time).await;
        }
        let nothing: ArrayRef = Arc::new(NullArray::new(rows));
        Ok(ColumnarValue::Array(nothing))
    }
}

impl Sleep {
    fn seconds(&self, argument: &ArrayRef) -> Result<Vec<Option<f64>>> {
        match self.until {
            Until::Seconds => {
                let seconds = cast(argument, &DataType::Float64)?;
                Ok(seconds.as_primitive::<Float64Type>().iter().collect())
            }
            Until::Span => {
                let spans = cast(argument, &SqlType::Interval.arrow())?;
                let spans = spans.as_primitive::<IntervalMonthDayNanoType>().iter();
                #[expect(clippy::cast_precision_loss, reason = "nobody sees a nanosecond of a sleep")]
                let seconds = |span: IntervalMonthDayNano| {
                    let days = f64::from(span.months) * DAYS_PER_MONTH + f64::from(span.days);
                    days * SECONDS_PER_DAY + span.nanoseconds as f64 / NANOSECONDS_PER_SECOND
                };
                Ok(spans.map(|span| span.map(seconds)).collect())
            }
        }
    }
}
