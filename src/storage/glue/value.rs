//! Arrow values to GlueSQL's and back, by the SQL type of the column.
//!
//! An instant is UTC on both sides. An address with a prefix length has no GlueSQL value and stays
//! text, and so does a number with more digits than GlueSQL's decimal.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike};
use datafusion::arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::arrow::util::display::array_value_to_string;
use gluesql::core::data::Value;

use crate::storage::StorageError;
use crate::types::{Code, SqlType};

/// Days from the first day of the year 1 to 1970, as chrono counts them.
const DAYS_TO_1970: i32 = 719_163;

/// The value in a row of a column.
pub(super) fn from_arrow(column: &dyn Array, row: usize, sql_type: SqlType) -> Result<Value, StorageError> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    macro_rules! at {
        ($array:ty) => {
            column.as_any().downcast_ref::<$array>().ok_or_else(|| unexpected(column.data_type()))?.value(row)
        };
    }
    Ok(match column.data_type() {
        DataType::Boolean => Value::Bool(at!(BooleanArray)),
        DataType::Int16 => Value::I16(at!(Int16Array)),
        DataType::Int32 => Value::I32(at!(Int32Array)),
        DataType::Int64 => Value::I64(at!(Int64Array)),
        DataType::Float32 => Value::F32(at!(Float32Array)),
        DataType::Float64 => Value::F64(at!(Float64Array)),
        DataType::Binary => Value::Bytea(at!(BinaryArray).to_vec()),
        DataType::Utf8 => text(at!(StringArray), sql_type),
        DataType::Date32 => date(at!(Date32Array))?,
        DataType::Time64(TimeUnit::Microsecond) => time(at!(Time64MicrosecondArray))?,
        DataType::Timestamp(TimeUnit::Microsecond, _) => instant(at!(TimestampMicrosecondArray))?,
        DataType::FixedSizeBinary(16) => uuid(at!(FixedSizeBinaryArray))?,
        DataType::Decimal128(_, _) => {
            let numbers = column.as_any().downcast_ref::<Decimal128Array>();
            let text = numbers.ok_or_else(|| unexpected(column.data_type()))?.value_as_string(row);
            text.parse().map(Value::Decimal).unwrap_or(Value::Str(text))
        }
        DataType::List(item) => {
            let items = at!(ListArray);
            let item_type = SqlType::of_field(item);
            let values = (0..items.len()).map(|row| from_arrow(items.as_ref(), row, item_type));
            Value::List(values.collect::<Result<_, _>>()?)
        }
        _ => Value::Str(
            array_value_to_string(column, row).map_err(|source| StorageError::conversion("print a value", source))?,
        ),
    })
}

fn unexpected(found: &DataType) -> StorageError {
    StorageError::statement(Code::FeatureNotSupported, format!("values of type {found} are not supported here"))
}

fn text(text: &str, sql_type: SqlType) -> Value {
    match sql_type {
        SqlType::Inet => text.parse::<IpAddr>().map_or_else(|_| Value::Str(text.to_owned()), Value::Inet),
        _ => Value::Str(text.to_owned()),
    }
}

fn out_of_range(what: &str) -> StorageError {
    StorageError::statement(Code::DatetimeFieldOverflow, format!("{what} out of range"))
}

fn date(days: i32) -> Result<Value, StorageError> {
    let date = days.checked_add(DAYS_TO_1970).and_then(NaiveDate::from_num_days_from_ce_opt);
    date.map(Value::Date).ok_or_else(|| out_of_range("date"))
}

fn time(us: i64) -> Result<Value, StorageError> {
    let seconds = u32::try_from(us.div_euclid(1_000_000)).ok();
    let nanos = u32::try_from(us.rem_euclid(1_000_000) * 1_000).ok();
    let time =
        seconds.zip(nanos).and_then(|(seconds, nanos)| NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos));
    time.map(Value::Time).ok_or_else(|| out_of_range("time"))
}

fn instant(us: i64) -> Result<Value, StorageError> {
    let instant = DateTime::from_timestamp_micros(us).map(|instant| Value::Timestamp(instant.naive_utc()));
    instant.ok_or_else(|| out_of_range("timestamp"))
}

fn uuid(bytes: &[u8]) -> Result<Value, StorageError> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| unexpected(&DataType::FixedSizeBinary(16)))?;
    Ok(Value::Uuid(u128::from_be_bytes(bytes)))
}

/// Rows as a batch in these columns.
pub(super) fn to_batch(rows: &[Vec<Value>], schema: &SchemaRef) -> Result<RecordBatch, StorageError> {
    let columns = schema.fields().iter().enumerate().map(|(position, field)| {
        let values: Vec<&Value> = rows.iter().map(|row| row.get(position).unwrap_or(&Value::Null)).collect();
        to_arrow(&values, field)
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<Vec<_>, _>>()?)
        .map_err(|source| StorageError::conversion("build a batch", source))
}

fn to_arrow(values: &[&Value], field: &Field) -> Result<ArrayRef, StorageError> {
    let mismatch = |value: &Value| {
        let message = format!("value {value:?} does not fit column \"{}\" of type {}", field.name(), field.data_type());
        StorageError::statement(Code::DatatypeMismatch, message)
    };
    macro_rules! collect {
        ($array:ty, $($pattern:pat => $value:expr),+) => {
            Arc::new(
                values
                    .iter()
                    .map(|value| match value {
                        Value::Null => Ok(None),
                        $($pattern => Ok(Some($value)),)+
                        other => Err(mismatch(other)),
                    })
                    .collect::<Result<$array, _>>()?,
            )
        };
    }
    Ok(match field.data_type() {
        DataType::Boolean => collect!(BooleanArray, Value::Bool(value) => *value),
        DataType::Int16 => collect!(Int16Array, Value::I16(value) => *value),
        DataType::Int32 => collect!(Int32Array, Value::I32(value) => *value),
        DataType::Int64 => collect!(Int64Array, Value::I64(value) => *value),
        DataType::Float32 => collect!(Float32Array, Value::F32(value) => *value),
        DataType::Float64 => collect!(Float64Array, Value::F64(value) => *value),
        DataType::Utf8 => {
            collect!(StringArray, Value::Str(value) => value.clone(), Value::Inet(value) => value.to_string())
        }
        DataType::Binary => collect!(BinaryArray, Value::Bytea(value) => value.clone()),
        DataType::Date32 => collect!(Date32Array, Value::Date(value) => value.num_days_from_ce() - DAYS_TO_1970),
        DataType::Time64(TimeUnit::Microsecond) => collect!(Time64MicrosecondArray, Value::Time(value) => {
            i64::from(value.num_seconds_from_midnight()) * 1_000_000 + i64::from(value.nanosecond() / 1_000)
        }),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let instants = values.iter().map(|value| match value {
                Value::Null => Ok(None),
                Value::Timestamp(value) => Ok(Some(value.and_utc().timestamp_micros())),
                other => Err(mismatch(other)),
            });
            let instants = instants.collect::<Result<TimestampMicrosecondArray, _>>()?;
            Arc::new(instants.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let numbers = values.iter().map(|value| match value {
                Value::Null => Ok(None),
                Value::Decimal(number) => scaled(&number.to_string(), *scale).map(Some).ok_or_else(|| mismatch(value)),
                other => Err(mismatch(other)),
            });
            let numbers = numbers.collect::<Result<Decimal128Array, _>>()?.with_precision_and_scale(*precision, *scale);
            Arc::new(numbers.map_err(|source| StorageError::conversion("build a batch", source))?)
        }
        DataType::FixedSizeBinary(16) => {
            let ids = values.iter().map(|value| match value {
                Value::Null => Ok(None),
                Value::Uuid(value) => Ok(Some(value.to_be_bytes())),
                other => Err(mismatch(other)),
            });
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            let ids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(ids.into_iter(), 16);
            Arc::new(ids.map_err(|source| StorageError::conversion("build a batch", source))?)
        }
        DataType::List(item) => lists(values, item, mismatch)?,
        other => return Err(unexpected(other)),
    })
}

fn lists(
    values: &[&Value],
    item: &Arc<Field>,
    mismatch: impl Fn(&Value) -> StorageError,
) -> Result<ArrayRef, StorageError> {
    let (mut items, mut lengths, mut present) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let list = match value {
            Value::Null => &[],
            Value::List(list) => list.as_slice(),
            other => return Err(mismatch(other)),
        };
        items.extend(list);
        lengths.push(list.len());
        present.push(!matches!(value, Value::Null));
    }
    let items = to_arrow(&items, item)?;
    let lists = ListArray::try_new(
        Arc::clone(item),
        OffsetBuffer::from_lengths(lengths),
        items,
        Some(NullBuffer::from(present)),
    );
    Ok(Arc::new(lists.map_err(|source| StorageError::conversion("build a batch", source))?))
}

/// A decimal text as an integer of 10^-scale; none when it has more digits than that.
fn scaled(text: &str, scale: i8) -> Option<i128> {
    let scale = usize::try_from(scale).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale {
        return None;
    }
    format!("{whole}{fraction:0<scale$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::scaled;

    /// Digits are kept exactly or the number is refused.
    #[test]
    fn decimals_are_scaled_exactly() {
        assert_eq!(scaled("1.5", 3), Some(1_500));
        assert_eq!(scaled("-0.25", 2), Some(-25));
        assert_eq!(scaled("7", 0), Some(7));
        assert_eq!(scaled("1.250", 2), Some(125));
        assert_eq!(scaled("1.234", 2), None);
    }
}
