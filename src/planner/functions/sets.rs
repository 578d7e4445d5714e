//! Series as arrays, which the rewrite unnests where a function gives rows.
//!
//! A step of days or months follows the calendar: of the session's zone for instants. The values
//! are made at once, and are few by a bound.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Decimal128Array, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};

use super::calendar::plus;
use super::datum::{Datum, Row};
use super::function::sql_error;
use super::limits::ITEMS_MAX;
use super::moments::Moment;
use super::numbers::strict_cast;
use super::typed::{Kind, Returns, Typed};
use crate::types::{Code, SqlType, Zone};

use Kind::{Interval, Number, Timestamp, Timestamptz};

/// The function of this file.
pub(super) fn function(moment: &Moment) -> ScalarUDF {
    let zone = moment.zone.clone();
    Typed::new("series_list")
        .takes(&[Number, Number], SqlType::Int4Array, numbers)
        .returning(Returns::Told(numbers_told))
        .takes(&[Number, Number, Number], SqlType::Int4Array, numbers)
        .returning(Returns::Told(numbers_told))
        .takes(&[Timestamptz, Timestamptz, Interval], SqlType::Text, move |row| times(row, &zone, true))
        .returning(Returns::Told(|_| Ok(list_of(SqlType::Timestamptz.arrow()))))
        .takes(&[Timestamp, Timestamp, Interval], SqlType::Text, |row| times(row, &Zone::utc(), false))
        .returning(Returns::Told(|_| Ok(list_of(SqlType::Timestamp.arrow()))))
        .of_moment(moment)
        .udf()
}

fn list_of(item: DataType) -> Field {
    Field::new_list("series", Field::new("item", item, true), true)
}

/// The widest of the arguments' types: whole numbers, or decimals with as many digits as one has.
fn numbers_told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    let types = || arguments.arg_fields.iter().map(|field| field.data_type());
    let item = if types().all(|data_type| matches!(data_type, DataType::Int16 | DataType::Int32)) {
        DataType::Int32
    } else if types().all(|data_type| data_type.is_integer() || data_type.is_null()) {
        DataType::Int64
    } else if types().any(DataType::is_floating) {
        // A fraction that is written out is a numeric; one that is none needs as many digits as may be.
        DataType::Decimal128(38, 10)
    } else {
        let scale = types().map(|data_type| match data_type {
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
            _ => 0,
        });
        DataType::Decimal128(38, scale.max().unwrap_or(0))
    };
    Ok(list_of(item))
}

fn checked_count(count: usize) -> Result<()> {
    if count < ITEMS_MAX {
        return Ok(());
    }
    let text = format!("series of more than {ITEMS_MAX} values are not supported");
    Err(sql_error(Code::FeatureNotSupported, text))
}

fn no_step() -> datafusion::error::DataFusionError {
    sql_error(Code::InvalidParameterValue, "step size cannot equal zero")
}

fn numbers(row: &Row<'_>) -> Result<Datum> {
    let scalars = (0..row.len()).map(|index| row.scalar(index)).collect::<Result<Vec<_>>>()?;
    let is_whole = scalars.iter().all(|value| value.data_type().is_integer());
    let is_short = scalars.iter().all(|value| matches!(value.data_type(), DataType::Int16 | DataType::Int32));
    let scale = scalars.iter().map(|value| match value.data_type() {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => scale,
        other if other.is_floating() => 10,
        _ => 0,
    });
    let scale = scale.max().unwrap_or(0);
    let exact = |value: &ScalarValue| match value.cast_to(&DataType::Decimal128(38, scale))? {
        ScalarValue::Decimal128(Some(value), ..) => Ok(value),
        _ => Err(no_step()),
    };
    let (start, stop) = (exact(&scalars[0])?, exact(&scalars[1])?);
    let step = match scalars.get(2) {
        Some(step) => exact(step)?,
        None => 10_i128.pow(u32::from(scale.unsigned_abs())),
    };
    if step == 0 {
        return Err(no_step());
    }
    let mut values: Vec<i128> = Vec::new();
    let mut value = start;
    while if step > 0 { value <= stop } else { value >= stop } {
        checked_count(values.len())?;
        values.push(value);
        let Some(next) = value.checked_add(step) else { break };
        value = next;
    }
    let decimals = Decimal128Array::from(values).with_data_type(DataType::Decimal128(38, scale));
    let item = match (is_whole, is_short) {
        (true, true) => DataType::Int32,
        (true, false) => DataType::Int64,
        _ => DataType::Decimal128(38, scale),
    };
    Ok(Datum::list(strict_cast(&(Arc::new(decimals) as ArrayRef), &item)?))
}

fn times(row: &Row<'_>, zone: &Zone, is_instant: bool) -> Result<Datum> {
    let (start, stop, step) = (row.us(0), row.us(1), row.span(2));
    // As PostgreSQL compares spans: 30 days to a month.
    let length = super::spans::length_us(step);
    if length == 0 {
        return Err(no_step());
    }
    let (mut values, mut value) = (Vec::new(), start);
    while if length > 0 { value <= stop } else { value >= stop } {
        checked_count(values.len())?;
        values.push(value);
        value = plus(value, step.months, step.days, step.nanoseconds / 1_000, zone)?;
    }
    let series = TimestampMicrosecondArray::from(values);
    Ok(Datum::list(Arc::new(if is_instant { series.with_timezone("UTC") } else { series })))
}
