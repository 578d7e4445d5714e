//! `generate_series` of instants, in the session's zone.
//!
//! A step of days or months follows the calendar of the zone. The values are made when the
//! statement is planned, and are few by a bound; series of numbers stay the engine's own.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, Schema};
use datafusion::catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;

use super::calendar::{DAY_US, plus};
use super::function::sql_error;
use super::moments::Moment;
use super::zoned::instants;
use crate::types::{Code, SqlType};

/// Most values of one series.
const VALUES_MAX: usize = 1_000_000;

/// Puts a function that knows the zone before the engine's own.
pub(super) fn register(state: &mut SessionState, moment: &Moment) {
    let name = "generate_series";
    let inner = state.table_functions().get(name).map(|table| Arc::clone(table.function()));
    if let Some(inner) = inner {
        state.register_udtf(name, Arc::new(Series { inner, moment: moment.clone() }));
    }
}

#[derive(Debug)]
struct Series {
    inner: Arc<dyn TableFunctionImpl>,
    moment: Moment,
}

impl TableFunctionImpl for Series {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let constants: Vec<&ScalarValue> = arguments.exprs().iter().filter_map(Expr::as_literal).collect();
        let is_instant = |value: &&ScalarValue| {
            matches!(value.data_type(), DataType::Timestamp(_, Some(_)) | DataType::Date32 | DataType::Date64)
        };
        match constants.as_slice() {
            [start, stop, step] if is_instant(start) || is_instant(stop) => self.table(start, stop, step),
            _ => self.inner.call_with_args(arguments),
        }
    }
}

impl Series {
    fn table(&self, start: &ScalarValue, stop: &ScalarValue, step: &ScalarValue) -> Result<Arc<dyn TableProvider>> {
        let schema = Arc::new(Schema::new(vec![SqlType::Timestamptz.field("value", true)]));
        let values = match (self.instant(start)?, self.instant(stop)?, span(step)?) {
            (Some(start), Some(stop), Some(step)) => self.values(start, stop, step)?,
            _ => Vec::new(),
        };
        let column = Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column])?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }

    fn instant(&self, value: &ScalarValue) -> Result<Option<i64>> {
        Ok(instants(&self.moment, &value.to_array()?)?.iter().next().flatten())
    }

    fn values(&self, start: i64, stop: i64, step: IntervalMonthDayNano) -> Result<Vec<i64>> {
        let step_us = step.nanoseconds / 1_000;
        // As PostgreSQL compares spans: 30 days to a month.
        let length = (i128::from(step.months) * 30 + i128::from(step.days)) * i128::from(DAY_US) + i128::from(step_us);
        if length == 0 {
            return Err(sql_error(Code::InvalidParameterValue, "step size cannot equal zero"));
        }
        let mut values = Vec::new();
        let mut value = start;
        while if length > 0 { value <= stop } else { value >= stop } {
            if values.len() == VALUES_MAX {
                let text = format!("series of more than {VALUES_MAX} instants are not supported");
                return Err(sql_error(Code::FeatureNotSupported, text));
            }
            values.push(value);
            value = plus(value, step.months, step.days, step_us, &self.moment.zone)?;
        }
        Ok(values)
    }
}

/// The step: an interval, or a text that is read as one.
fn span(step: &ScalarValue) -> Result<Option<IntervalMonthDayNano>> {
    match step.cast_to(&DataType::Interval(IntervalUnit::MonthDayNano))? {
        ScalarValue::IntervalMonthDayNano(step) => Ok(step),
        _ => Ok(None),
    }
}
