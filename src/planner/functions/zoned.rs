//! Casts and arithmetic of instants in a zone, column by column.
//!
//! They are put into expressions by `zone_rules` and by the rewrite, and print under their own
//! names, so that an owner evaluates them in the same zone.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int32Array, IntervalMonthDayNanoArray, PrimitiveArray, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, Field, FieldRef, IntervalMonthDayNano, IntervalUnit,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::calendar::{
    DAY_US, Unit, days_of, out_of_range, plus, time_text, timestamp_text, timestamptz_text, truncate,
};
use super::function::sql_error;
use super::moments::{Moment, TextStyle, unknown_zone};
use super::shown::span_text;
use crate::types::{Code, SqlType, Zone};

/// What a function of this file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    AsDate,
    AsTime,
    AsTimestamp,
    AsTimestamptz,
    AsText,
    AsJsonText,
    Plus,
    Minus,
    AtZone,
    Truncate,
    Offset,
    FixedSpan,
}

/// The functions of this file.
pub(super) fn functions(moment: &Moment) -> Vec<ScalarUDF> {
    let jobs = [
        ("as_date", Job::AsDate, 1),
        ("as_time", Job::AsTime, 1),
        ("as_timestamp", Job::AsTimestamp, 1),
        ("as_timestamptz", Job::AsTimestamptz, 1),
        ("time_text", Job::AsText, 1),
        ("time_json_text", Job::AsJsonText, 1),
        ("timestamptz_plus", Job::Plus, 2),
        ("timestamptz_minus", Job::Minus, 2),
        ("timezone", Job::AtZone, 2),
        ("date_trunc_in_zone", Job::Truncate, 3),
        ("timestamptz_offset", Job::Offset, 1),
        ("fixed_span", Job::FixedSpan, 1),
    ];
    let function = |(name, job, count)| {
        let signature = Signature::new(TypeSignature::Any(count), Volatility::Stable);
        ScalarUDF::new_from_impl(Zoned { name, job, moment: moment.clone(), signature })
    };
    jobs.into_iter().map(function).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Zoned {
    name: &'static str,
    job: Job,
    moment: Moment,
    signature: Signature,
}

impl ScalarUDFImpl for Zoned {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = arguments.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name, self.return_type(&types)?, nullable)))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.job {
            Job::AsDate => SqlType::Date.arrow(),
            Job::AsTime => SqlType::Time.arrow(),
            Job::AsTimestamp => SqlType::Timestamp.arrow(),
            Job::AsText | Job::AsJsonText => SqlType::Text.arrow(),
            Job::Offset => SqlType::Int4.arrow(),
            Job::FixedSpan => SqlType::Interval.arrow(),
            Job::AtZone if !matches!(arguments.get(1), Some(DataType::Timestamp(_, None))) => {
                SqlType::Timestamp.arrow()
            }
            Job::AsTimestamptz | Job::Plus | Job::Minus | Job::AtZone | Job::Truncate => SqlType::Timestamptz.arrow(),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let columns =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let array = self.call(&columns)?;
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
        } else {
            ColumnarValue::Array(array)
        })
    }
}

impl Zoned {
    fn call(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let first = columns.first().ok_or_else(|| wrong_type(self.name, &DataType::Null))?;
        let second = || columns.get(1).ok_or_else(|| wrong_type(self.name, &DataType::Null));
        let zone = &self.moment.zone;
        match self.job {
            Job::AsDate => self.dates(first),
            Job::AsTime => Ok(Arc::new(try_map::<_, Time64MicrosecondType>(&locals(&self.moment, first)?, |local| {
                Ok(local.rem_euclid(DAY_US))
            })?)),
            Job::AsTimestamp => Ok(Arc::new(locals(&self.moment, first)?)),
            Job::AsTimestamptz => Ok(Arc::new(instants(&self.moment, first)?.with_timezone("UTC"))),
            Job::AsText => self.texts(first, false),
            Job::AsJsonText => self.texts(first, true),
            Job::Plus => self.moved(first, second()?, 1),
            Job::Minus => self.moved(first, second()?, -1),
            Job::AtZone => self.at_zone(first, second()?),
            Job::Truncate => self.truncated(columns),
            Job::Offset => {
                let instants = instants(&self.moment, first)?;
                let offsets: Vec<Option<i32>> =
                    instants.iter().map(|instant| instant.map(|instant| zone.offset_seconds(instant))).collect();
                Ok(Arc::new(Int32Array::from(offsets)))
            }
            Job::FixedSpan => fixed_spans(first),
        }
    }

    fn dates(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if array.data_type().is_string() {
            let dates = read_texts(array, |text| self.moment.read_date(text))?;
            return Ok(Arc::new(Date32Array::from(dates)));
        }
        Ok(Arc::new(try_map::<_, Date32Type>(&locals(&self.moment, array)?, days_of)?))
    }

    fn texts(&self, array: &ArrayRef, json: bool) -> Result<ArrayRef> {
        if let DataType::Interval(_) | DataType::Duration(_) = array.data_type() {
            return self.span_texts(array);
        }
        if self.moment.style != TextStyle::Iso && !json {
            let text = "instants cannot be cast to text with this DateStyle: use ISO";
            return Err(sql_error(Code::FeatureNotSupported, text));
        }
        let zone = &self.moment.zone;
        let shown: Vec<Option<String>> = match array.data_type() {
            DataType::Timestamp(_, Some(_)) => {
                let show = |instant: i64| timestamptz_text(instant, zone).map(|text| spelled(text, json, true));
                micros(array)?.iter().map(|value| value.map(show).transpose()).collect::<Result<_>>()?
            }
            DataType::Timestamp(_, None) => {
                let show = |local: i64| timestamp_text(local).map(|text| spelled(text, json, false));
                micros(array)?.iter().map(|value| value.map(show).transpose()).collect::<Result<_>>()?
            }
            DataType::Time32(_) | DataType::Time64(_) => {
                let times = cast(array, &DataType::Time64(TimeUnit::Microsecond))?;
                times.as_primitive::<Time64MicrosecondType>().iter().map(|time| time.map(time_text)).collect()
            }
            _ => return Ok(cast(array, &DataType::Utf8)?),
        };
        Ok(Arc::new(StringArray::from(shown)))
    }

    fn span_texts(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if self.moment.span_style != TextStyle::Iso {
            let text = "intervals cannot be cast to text with this IntervalStyle: use postgres";
            return Err(sql_error(Code::FeatureNotSupported, text));
        }
        let texts = spans_of(array)?.iter().map(|span| span.map(span_text)).collect::<StringArray>();
        Ok(Arc::new(texts))
    }

    fn moved(&self, moved: &ArrayRef, spans: &ArrayRef, sign: i32) -> Result<ArrayRef> {
        let (instants, spans) = (instants(&self.moment, moved)?, spans_of(spans)?);
        let moved = instants.iter().zip(spans.iter()).map(|pair| {
            let (Some(instant), Some(span)) = pair else { return Ok(None) };
            let months = span.months.checked_mul(sign).ok_or_else(out_of_range)?;
            let days = span.days.checked_mul(sign).ok_or_else(out_of_range)?;
            let us = span.nanoseconds / 1_000 * i64::from(sign);
            plus(instant, months, days, us, &self.moment.zone).map(Some)
        });
        let moved: TimestampMicrosecondArray = moved.collect::<Result<Vec<_>>>()?.into();
        Ok(Arc::new(moved.with_timezone("UTC")))
    }

    /// `timezone(zone, value)`, which is `value AT TIME ZONE zone`.
    fn at_zone(&self, zones: &ArrayRef, values: &ArrayRef) -> Result<ArrayRef> {
        let zones = Zones::of(zones)?;
        match values.data_type() {
            DataType::Timestamp(_, None) => {
                let moved = zones.map(&micros(values)?, |local, zone| zone.instant_us(local).ok_or_else(out_of_range));
                Ok(Arc::new(moved?.with_timezone("UTC")))
            }
            DataType::Time32(_) | DataType::Time64(_) => {
                Err(sql_error(Code::FeatureNotSupported, "AT TIME ZONE of a time of day is not supported"))
            }
            number if number.is_numeric() => {
                let given = SqlType::from_arrow(number).unwrap_or(SqlType::Unknown).spelling();
                let text = format!("function pg_catalog.timezone(unknown, {given}) does not exist");
                Err(sql_error(Code::UndefinedFunction, text))
            }
            _ => {
                let instants = instants(&self.moment, values)?;
                let moved = zones.map(&instants, |instant, zone| zone.local_us(instant).ok_or_else(out_of_range));
                Ok(Arc::new(moved?))
            }
        }
    }

    /// `date_trunc(unit, instant, zone)`.
    fn truncated(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let [units, values, zones] = columns else { return Err(wrong_type(self.name, &DataType::Null)) };
        let units = cast(units, &DataType::Utf8)?;
        let units = units.as_string::<i32>();
        let instants = instants(&self.moment, values)?;
        let zones = Zones::of(zones)?;
        let mut values = Vec::with_capacity(instants.len());
        for (row, instant) in instants.iter().enumerate() {
            let value = match (units.is_valid(row).then(|| units.value(row)), instant, zones.at(row)?) {
                (Some(unit), Some(instant), Some(zone)) => Some(truncate(unit_of(unit)?, instant, zone)?),
                _ => None,
            };
            values.push(value);
        }
        Ok(Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")))
    }
}

/// Anything that PostgreSQL casts to timestamptz, as microseconds.
pub(super) fn instants(moment: &Moment, array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let zone = &moment.zone;
    match array.data_type() {
        DataType::Timestamp(_, Some(_)) => micros(array),
        DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => {
            try_map(&locals(moment, array)?, |local| zone.instant_us(local).ok_or_else(out_of_range))
        }
        text if text.is_string() || text.is_null() => {
            read_texts(array, |text| moment.read(text)).map(TimestampMicrosecondArray::from)
        }
        other => Err(wrong_type("timestamp with time zone", other)),
    }
}

/// Anything that PostgreSQL casts to timestamp, as microseconds.
pub(super) fn locals(moment: &Moment, array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let zone = &moment.zone;
    match array.data_type() {
        DataType::Timestamp(_, Some(_)) => {
            let instants = micros(array)?;
            if zone.is_utc() {
                return Ok(instants);
            }
            try_map(&instants, |instant| zone.local_us(instant).ok_or_else(out_of_range))
        }
        DataType::Timestamp(_, None) => micros(array),
        DataType::Date32 | DataType::Date64 => {
            let days = cast(array, &DataType::Date32)?;
            try_map(days.as_primitive::<Date32Type>(), |days| Ok(i64::from(days) * DAY_US))
        }
        text if text.is_string() || text.is_null() => {
            read_texts(array, |text| moment.read_local(text)).map(TimestampMicrosecondArray::from)
        }
        other => Err(wrong_type("timestamp", other)),
    }
}

/// The unit of this name, or the error for one that is none.
pub(super) fn unit_of(name: &str) -> Result<Unit> {
    Unit::of_name(name).ok_or_else(|| {
        let shown: String = name.chars().take(40).collect();
        let text = format!("unit \"{shown}\" not recognized for type timestamp with time zone");
        sql_error(Code::InvalidParameterValue, text)
    })
}

/// Zones by row; one that is the same in all rows is read once.
enum Zones {
    Same(Option<Zone>),
    Each(Vec<Option<Zone>>),
}

impl Zones {
    fn of(array: &ArrayRef) -> Result<Self> {
        let zones: Vec<Option<Zone>> = if let DataType::Interval(_) | DataType::Duration(_) = array.data_type() {
            spans_of(array)?.iter().map(|span| span.map(zone_of_span).transpose()).collect::<Result<_>>()?
        } else {
            let texts = cast(array, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            let first = texts.iter().next().flatten();
            let read = |text: &str| Zone::of_expression(text).ok_or_else(|| unknown_zone(text));
            if texts.iter().all(|text| text == first) {
                return Ok(Self::Same(first.map(read).transpose()?));
            }
            texts.iter().map(|text| text.map(read).transpose()).collect::<Result<_>>()?
        };
        Ok(Self::Each(zones))
    }

    fn at(&self, row: usize) -> Result<Option<&Zone>> {
        Ok(match self {
            Self::Same(zone) => zone.as_ref(),
            Self::Each(zones) => zones.get(row).and_then(Option::as_ref),
        })
    }

    fn map(
        &self,
        values: &TimestampMicrosecondArray,
        change: impl Fn(i64, &Zone) -> Result<i64>,
    ) -> Result<TimestampMicrosecondArray> {
        let mut changed = Vec::with_capacity(values.len());
        for (row, value) in values.iter().enumerate() {
            changed.push(match (value, self.at(row)?) {
                (Some(value), Some(zone)) => Some(change(value, zone)?),
                _ => None,
            });
        }
        Ok(changed.into())
    }
}

/// A zone that is given as its distance east of Greenwich.
fn zone_of_span(span: IntervalMonthDayNano) -> Result<Zone> {
    let seconds = i32::try_from(span.nanoseconds / 1_000_000_000).ok().filter(|seconds| seconds.abs() <= 60_000);
    match (span.months, span.days, seconds) {
        (0, 0, Some(seconds)) => Ok(Zone::of_offset(seconds)),
        _ => Err(sql_error(Code::InvalidParameterValue, "interval time zone must not include months or days")),
    }
}

/// Spans of calendar months, days and time; the distance of two instants counts 24 hours as a day.
fn spans_of(array: &ArrayRef) -> Result<IntervalMonthDayNanoArray> {
    if let DataType::Duration(_) = array.data_type() {
        let distances = cast(array, &DataType::Duration(TimeUnit::Microsecond))?;
        let span = |us: i64| {
            let days = i32::try_from(us / DAY_US).map_err(|_| out_of_range())?;
            Ok(IntervalMonthDayNano::new(0, days, us % DAY_US * 1_000))
        };
        let spans = distances.as_primitive::<DurationMicrosecondType>().iter().map(|us| us.map(span).transpose());
        return Ok(spans.collect::<Result<Vec<_>>>()?.into());
    }
    let spans = cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    Ok(spans.as_primitive().clone())
}

/// The stride of date_bin, which cannot have months.
fn fixed_spans(array: &ArrayRef) -> Result<ArrayRef> {
    let spans = spans_of(array)?;
    if spans.iter().flatten().any(|span| span.months != 0) {
        let text = "timestamps cannot be binned into intervals containing months or years";
        return Err(sql_error(Code::FeatureNotSupported, text));
    }
    if spans.iter().flatten().any(|span| super::spans::length_us(span) <= 0) {
        return Err(sql_error(Code::DatetimeFieldOverflow, "stride must be greater than zero"));
    }
    Ok(Arc::new(spans))
}

/// JSON has a T between day and time, and minutes in every offset.
fn spelled(text: String, json: bool, zoned: bool) -> String {
    if !json {
        return text;
    }
    let text = text.replacen(' ', "T", 1);
    let offset = text.rfind(['+', '-']).map_or(0, |start| text.len() - start);
    if zoned && offset == 3 { text + ":00" } else { text }
}

fn micros(array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    Ok(micros.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(None::<Arc<str>>))
}

fn read_texts<T>(array: &ArrayRef, read: impl Fn(&str) -> Result<T>) -> Result<Vec<Option<T>>> {
    let texts = cast(array, &DataType::Utf8)?;
    texts.as_string::<i32>().iter().map(|text| text.map(&read).transpose()).collect()
}

fn try_map<F, T>(
    values: &PrimitiveArray<F>,
    change: impl Fn(F::Native) -> Result<T::Native>,
) -> Result<PrimitiveArray<T>>
where
    F: datafusion::arrow::datatypes::ArrowPrimitiveType,
    T: datafusion::arrow::datatypes::ArrowPrimitiveType,
{
    values.try_unary(change)
}

fn wrong_type(wanted: &str, found: &DataType) -> datafusion::error::DataFusionError {
    let name = SqlType::from_arrow(found).map_or("unknown", SqlType::name);
    sql_error(Code::DatatypeMismatch, format!("cannot cast type {name} to {wanted}"))
}
