//! Percentiles and the most common value, over an array that is in order and has no NULL.
//!
//! The rewrite collects the array with `array_agg`. `width_bucket` is here, too.

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, Field, IntervalMonthDayNano};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};

use super::arrays::compare;
use super::datum::{Datum, Row};
use super::function::sql_error;
use super::typed::{Kind, Returns, Typed};
use crate::types::{Code, SqlType};

use Kind::{Any, Float, Int, List};

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let functions = vec![
        Typed::new("percentile_cont_of")
            .takes(&[List, Float], SqlType::Float8, |row| one_fraction(row, continuous))
            .with_null()
            .returning(Returns::Told(|arguments| Ok(Field::new("percentile", continuous_type(arguments), true))))
            .takes(&[List, List], SqlType::Float8Array, |row| {
                each_fraction(row, continuous, &if is_span(&row.list(0)) { SPAN } else { DataType::Float64 })
            })
            .returning(Returns::Told(|arguments| Ok(list_of(continuous_type(arguments))))),
        Typed::new("percentile_disc_of")
            .takes(&[List, Float], SqlType::Text, |row| one_fraction(row, discrete))
            .with_null()
            .returning(Returns::Told(item_told))
            .takes(&[List, List], SqlType::Text, |row| each_fraction(row, discrete, row.list(0).data_type()))
            .returning(Returns::SameAs(0)),
        Typed::new("mode_of")
            .takes(&[List], SqlType::Text, |row| mode(&row.list(0)))
            .returning(Returns::Told(item_told)),
        Typed::new("width_bucket")
            .takes(&[Float, Float, Float, Int], SqlType::Int4, |row| {
                width_bucket(row.float(0), row.float(1), row.float(2), row.int(3))
            })
            .takes(&[Any, List], SqlType::Int4, |row| {
                let (value, bounds) = (row.scalar(0)?, row.list(1));
                let mut bucket = 0_i32;
                for index in 0..bounds.len() {
                    let bound = ScalarValue::try_from_array(&bounds, index)?;
                    bucket += i32::from(compare(&value, &bound)?.is_some_and(std::cmp::Ordering::is_ge));
                }
                Ok(bucket.into())
            }),
    ];
    functions.into_iter().map(Typed::udf).collect()
}

const SPAN: DataType = DataType::Interval(datafusion::arrow::datatypes::IntervalUnit::MonthDayNano);

fn is_span(items: &ArrayRef) -> bool {
    *items.data_type() == SPAN
}

fn list_of(item: DataType) -> Field {
    Field::new_list("percentiles", Field::new("item", item, true), true)
}

/// Between two spans lies a span, between two numbers a double.
fn continuous_type(arguments: &ReturnFieldArgs<'_>) -> DataType {
    match arguments.arg_fields[0].data_type() {
        DataType::List(item) if *item.data_type() == SPAN => SPAN,
        _ => DataType::Float64,
    }
}

fn item_told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    Ok(match arguments.arg_fields[0].data_type() {
        DataType::List(item) => item.as_ref().clone(),
        other => Field::new("item", other.clone(), true),
    })
}

fn checked(fraction: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&fraction) {
        return Ok(fraction);
    }
    let text = format!("percentile value {fraction} is not between 0 and 1");
    Err(sql_error(Code::NumericValueOutOfRange, text))
}

fn item(items: &ArrayRef, index: usize) -> Result<ScalarValue> {
    ScalarValue::try_from_array(items, index)
}

#[allow(clippy::cast_precision_loss, reason = "an array has fewer items than a double has whole numbers")]
fn continuous(items: &ArrayRef, fraction: f64) -> Result<Option<ScalarValue>> {
    let fraction = checked(fraction)?;
    let Some(last) = items.len().checked_sub(1) else { return Ok(None) };
    let place = fraction * last as f64;
    let (low, high) = (place.floor(), place.ceil());
    let part = place - low;
    let (low, high) = (item(items, low as usize)?, item(items, high as usize)?);
    if let (ScalarValue::IntervalMonthDayNano(Some(low)), ScalarValue::IntervalMonthDayNano(Some(high))) = (&low, &high)
    {
        return Ok(Some(ScalarValue::IntervalMonthDayNano(Some(between(*low, *high, part)))));
    }
    let double = |value: ScalarValue| match value.cast_to(&DataType::Float64)? {
        ScalarValue::Float64(Some(value)) => Ok(value),
        _ => Err(sql_error(Code::UndefinedFunction, "function percentile_cont does not exist for this type")),
    };
    let (low, high) = (double(low)?, double(high)?);
    Ok(Some(ScalarValue::Float64(Some(low + part * (high - low)))))
}

#[allow(clippy::cast_precision_loss, reason = "parts of a span are rounded to microseconds")]
fn between(low: IntervalMonthDayNano, high: IntervalMonthDayNano, part: f64) -> IntervalMonthDayNano {
    let months = f64::from(high.months - low.months) * part;
    let days = f64::from(high.days - low.days) * part + (months - months.trunc()) * 30.0;
    let us = (high.nanoseconds - low.nanoseconds) as f64 / 1e3 * part + (days - days.trunc()) * 86_400e6;
    IntervalMonthDayNano::new(
        low.months + months.trunc() as i32,
        low.days + days.trunc() as i32,
        low.nanoseconds + us.round_ties_even() as i64 * 1_000,
    )
}

#[allow(clippy::cast_precision_loss, reason = "an array has fewer items than a double has whole numbers")]
fn discrete(items: &ArrayRef, fraction: f64) -> Result<Option<ScalarValue>> {
    let fraction = checked(fraction)?;
    if items.is_empty() {
        return Ok(None);
    }
    let place = (fraction * items.len() as f64).ceil().max(1.0) as usize - 1;
    item(items, place).map(Some)
}

/// A fraction that is none is an error also where there are no values.
fn one_fraction(row: &Row<'_>, percentile: fn(&ArrayRef, f64) -> Result<Option<ScalarValue>>) -> Result<Datum> {
    if row.is_null(1) {
        return Ok(Datum::NULL);
    }
    let fraction = checked(row.float(1))?;
    if row.is_null(0) {
        return Ok(Datum::NULL);
    }
    percentile(&row.list(0), fraction).map(Datum::from)
}

/// An array of percentiles, NULL for a fraction that is NULL.
fn each_fraction(
    row: &Row<'_>,
    percentile: fn(&ArrayRef, f64) -> Result<Option<ScalarValue>>,
    item_type: &DataType,
) -> Result<Datum> {
    let (items, fractions) = (row.list(0), row.list(1));
    let mut values = Vec::with_capacity(fractions.len());
    for index in 0..fractions.len() {
        let fraction = match item(&fractions, index)?.cast_to(&DataType::Float64)? {
            ScalarValue::Float64(Some(fraction)) => percentile(&items, fraction)?,
            _ => None,
        };
        values.push(match fraction {
            Some(value) => value,
            None => ScalarValue::try_from(item_type)?,
        });
    }
    Ok(ScalarValue::List(ScalarValue::new_list(&values, item_type, true)).into())
}

/// The most common value; of several the first.
fn mode(items: &ArrayRef) -> Result<Datum> {
    let (mut best, mut best_count, mut count) = (None, 0, 0);
    let mut before: Option<ScalarValue> = None;
    for index in 0..items.len() {
        let value = item(items, index)?;
        count = if before.as_ref() == Some(&value) { count + 1 } else { 1 };
        if count > best_count {
            (best, best_count) = (Some(value.clone()), count);
        }
        before = Some(value);
    }
    Ok(best.into())
}

#[allow(clippy::cast_precision_loss, reason = "counts of buckets are 32 bits")]
fn width_bucket(value: f64, low: f64, high: f64, count: i64) -> Result<Datum> {
    let wrong = |text: &str| Err(sql_error(Code::InvalidWidthBucketArgument, text));
    let Some(count) = i32::try_from(count).ok().filter(|count| *count > 0) else {
        return wrong("count must be greater than zero");
    };
    if value.is_nan() || !low.is_finite() || !high.is_finite() {
        return wrong("operand, lower bound, and upper bound cannot be NaN, and bounds must be finite");
    }
    let turned = low > high;
    let (value, low, high) = if turned { (-value, -low, -high) } else { (value, low, high) };
    if low == high {
        return wrong("lower bound cannot equal upper bound");
    }
    Ok(if value < low {
        0
    } else if value >= high {
        count.saturating_add(1)
    } else {
        // Rounding must not lead out of the last bucket.
        (((value - low) / (high - low) * f64::from(count)) as i32 + 1).min(count)
    }
    .into())
}
