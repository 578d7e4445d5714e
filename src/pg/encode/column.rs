//! One column of a batch in the Arrow form that its SQL type is written from.

use std::fmt::Write;
use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray,
    LargeStringArray, StringArray, StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit, UInt32Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::session::FormatSettings;
use crate::types::{Code, Numeric, SqlError, SqlType};

use super::list::List;
use super::{datetime, inet, interval, number};

/// The values of a column.
#[derive(Debug)]
enum Values {
    Bool(BooleanArray),
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Oid(UInt32Array),
    Float4(Float32Array),
    Float8(Float64Array),
    Decimal128(Decimal128Array),
    Decimal256(Decimal256Array),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Bytes(BinaryArray),
    Uuid(FixedSizeBinaryArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Timestamp(TimestampMicrosecondArray),
    Interval(IntervalMonthDayNanoArray),
    List(Box<List>),
    Record(Vec<Column>),
    /// Types that PostgreSQL does not have, as text.
    Shown(StringArray),
    Null,
}

/// A column of a batch.
#[derive(Debug)]
pub(super) struct Column {
    kind: SqlType,
    nulls: ArrayRef,
    values: Values,
}

impl Column {
    /// Brings an array into the form of its SQL type.
    pub(super) fn new(kind: SqlType, array: &ArrayRef) -> Result<Self, SqlError> {
        let values = values(kind, array)?;
        let nulls = match &values {
            // A dictionary's own nulls may hide in its values.
            Values::Text(texts) => std::sync::Arc::new(texts.clone()) as ArrayRef,
            Values::Shown(texts) => std::sync::Arc::new(texts.clone()) as ArrayRef,
            _ => std::sync::Arc::clone(array),
        };
        Ok(Self { kind, nulls, values })
    }

    /// The SQL type of its values.
    pub(super) fn kind(&self) -> SqlType {
        self.kind
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.nulls.is_null(row)
    }

    /// Writes a value that is not null as text.
    pub(super) fn text(&self, row: usize, settings: &FormatSettings, out: &mut BytesMut) -> Result<(), SqlError> {
        match &self.values {
            Values::Bool(values) => out.put_u8(if values.value(row) { b't' } else { b'f' }),
            Values::Int2(values) => shown(out, values.value(row)),
            Values::Int4(values) => shown(out, values.value(row)),
            Values::Int8(values) => shown(out, values.value(row)),
            Values::Oid(values) => shown(out, values.value(row)),
            Values::Float4(values) => number::float4_text(values.value(row), settings.extra_float_digits, out),
            Values::Float8(values) => number::float8_text(values.value(row), settings.extra_float_digits, out),
            Values::Decimal128(values) => {
                let (value, scale) = digits_shown(values.value(row), values.scale());
                number::decimal_text(&value.to_string(), scale, out);
            }
            Values::Decimal256(values) => {
                number::decimal_text(&values.value(row).to_string(), values.scale(), out);
            }
            Values::Text(values) => out.put_slice(values.value(row).as_bytes()),
            Values::LargeText(values) => out.put_slice(values.value(row).as_bytes()),
            Values::TextView(values) => out.put_slice(values.value(row).as_bytes()),
            Values::Shown(values) => out.put_slice(values.value(row).as_bytes()),
            Values::Bytes(values) => bytea_text(values.value(row), settings, out),
            Values::Uuid(values) => shown(out, uuid_of(values.value(row))?.hyphenated()),
            Values::Date(values) => datetime::date_text(values.value(row), settings, out)?,
            Values::Time(values) => datetime::time_text(values.value(row), out),
            Values::Timestamp(values) if self.kind == SqlType::Timestamptz => {
                datetime::timestamptz_text(values.value(row), settings, out)?;
            }
            Values::Timestamp(values) => datetime::timestamp_text(values.value(row), settings, out)?,
            Values::Interval(values) => interval::text(values.value(row), settings.interval_style, out),
            Values::List(list) => list.text(row, self.kind, settings, out)?,
            Values::Record(columns) => super::list::record_text(columns, row, settings, out)?,
            Values::Null => {}
        }
        Ok(())
    }

    /// Writes a value that is not null in its type's binary form.
    pub(super) fn binary(&self, row: usize, settings: &FormatSettings, out: &mut BytesMut) -> Result<(), SqlError> {
        match &self.values {
            Values::Bool(values) => out.put_u8(u8::from(values.value(row))),
            Values::Int2(values) => out.put_i16(values.value(row)),
            Values::Int4(values) => out.put_i32(values.value(row)),
            Values::Int8(values) => out.put_i64(values.value(row)),
            Values::Oid(values) => out.put_u32(values.value(row)),
            Values::Float4(values) => out.put_f32(values.value(row)),
            Values::Float8(values) => out.put_f64(values.value(row)),
            Values::Decimal128(values) => {
                let (value, scale) = digits_shown(values.value(row), values.scale());
                number::decimal_binary(&value.to_string(), scale, out)?;
            }
            Values::Decimal256(values) => {
                number::decimal_binary(&values.value(row).to_string(), values.scale(), out)?;
            }
            Values::Text(values) => text_binary(self.kind, values.value(row), out)?,
            Values::LargeText(values) => text_binary(self.kind, values.value(row), out)?,
            Values::TextView(values) => text_binary(self.kind, values.value(row), out)?,
            Values::Shown(values) => text_binary(self.kind, values.value(row), out)?,
            Values::Bytes(values) => out.put_slice(values.value(row)),
            Values::Uuid(values) => out.put_slice(uuid_of(values.value(row))?.as_bytes()),
            Values::Date(values) => datetime::date_binary(values.value(row), out)?,
            Values::Time(values) => out.put_i64(values.value(row)),
            Values::Timestamp(values) => datetime::timestamp_binary(values.value(row), out)?,
            Values::Interval(values) => interval::binary(values.value(row), out),
            Values::List(list) => list.binary(row, self.kind, settings, out)?,
            Values::Record(columns) => super::list::record_binary(columns, row, settings, out)?,
            Values::Null => {}
        }
        Ok(())
    }
}

/// A decimal with the digits that its value has, see [`Numeric::shown`].
fn digits_shown(value: i128, scale: i8) -> (i128, i8) {
    let Ok(known) = u8::try_from(scale) else { return (value, scale) };
    let shown = Numeric { value, scale: known }.shown();
    (shown.value, shown.scale.cast_signed())
}

fn shown(out: &mut BytesMut, value: impl std::fmt::Display) {
    // A buffer in memory takes every text.
    let _ = write!(out, "{value}");
}

fn values(kind: SqlType, array: &ArrayRef) -> Result<Values, SqlError> {
    if array.data_type() == &DataType::Null {
        return Ok(Values::Null);
    }
    if let Some(item) = super::list::item_kind(kind, array.data_type()) {
        return Ok(Values::List(Box::new(List::new(item, array)?)));
    }
    if let Some(record) = array.as_struct_opt() {
        let columns = record.fields().iter().zip(record.columns());
        let columns = columns.map(|(field, column)| Column::new(SqlType::of_field(field), column));
        return Ok(Values::Record(columns.collect::<Result<_, _>>()?));
    }
    Ok(match kind {
        SqlType::Bool => Values::Bool(cast(array, &DataType::Boolean)?.as_boolean().clone()),
        SqlType::Int2 => Values::Int2(cast(array, &DataType::Int16)?.as_primitive().clone()),
        SqlType::Int4 => Values::Int4(cast(array, &DataType::Int32)?.as_primitive().clone()),
        SqlType::Int8 => Values::Int8(cast(array, &DataType::Int64)?.as_primitive().clone()),
        SqlType::Oid | SqlType::Xid | SqlType::Cid => Values::Oid(oids(array)?),
        SqlType::Float4 => Values::Float4(cast(array, &DataType::Float32)?.as_primitive().clone()),
        SqlType::Float8 => Values::Float8(cast(array, &DataType::Float64)?.as_primitive().clone()),
        SqlType::Numeric => decimals(array)?,
        SqlType::Bytea => Values::Bytes(cast(array, &DataType::Binary)?.as_binary().clone()),
        SqlType::Uuid if matches!(array.data_type(), DataType::FixedSizeBinary(16)) => {
            Values::Uuid(array.as_fixed_size_binary().clone())
        }
        SqlType::Date => Values::Date(cast(array, &DataType::Date32)?.as_primitive().clone()),
        SqlType::Time => Values::Time(cast(array, &DataType::Time64(TimeUnit::Microsecond))?.as_primitive().clone()),
        SqlType::Timestamp | SqlType::Timestamptz => Values::Timestamp(instants(array)?),
        SqlType::Interval => {
            Values::Interval(cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?.as_primitive().clone())
        }
        _ => texts(array)?,
    })
}

/// A strict cast: a value that does not fit is an error, never NULL.
pub(super) fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    if array.data_type() == to {
        return Ok(std::sync::Arc::clone(array));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &strict)
        .map_err(|_| SqlError::new(Code::NumericValueOutOfRange, "a value is out of the range of its column's type"))
}

/// Object ids are unsigned, but travel as the engine's 32-bit integers.
fn oids(array: &ArrayRef) -> Result<UInt32Array, SqlError> {
    if array.data_type() == &DataType::Int32 {
        let signed: &Int32Array = array.as_primitive();
        return Ok(signed.unary::<_, UInt32Type>(i32::cast_unsigned));
    }
    Ok(cast(array, &DataType::UInt32)?.as_primitive().clone())
}

fn decimals(array: &ArrayRef) -> Result<Values, SqlError> {
    Ok(match array.data_type() {
        DataType::Decimal128(..) => Values::Decimal128(array.as_primitive().clone()),
        DataType::Decimal256(..) => Values::Decimal256(array.as_primitive().clone()),
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
            Values::Decimal128(cast(array, &DataType::Decimal128(38, *scale))?.as_primitive().clone())
        }
        whole if whole.is_integer() => {
            Values::Decimal128(cast(array, &DataType::Decimal128(20, 0))?.as_primitive().clone())
        }
        _ => Values::Decimal128(cast(array, &DataType::Decimal128(38, 10))?.as_primitive().clone()),
    })
}

/// Instants in microseconds; the zone of the Arrow type does not move them.
fn instants(array: &ArrayRef) -> Result<TimestampMicrosecondArray, SqlError> {
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    Ok(cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?.as_primitive().clone())
}

fn texts(array: &ArrayRef) -> Result<Values, SqlError> {
    Ok(match array.data_type() {
        DataType::Utf8 => Values::Text(array.as_string().clone()),
        DataType::LargeUtf8 => Values::LargeText(array.as_string().clone()),
        DataType::Utf8View => Values::TextView(array.as_string_view().clone()),
        DataType::Dictionary(_, value) if value.is_string() => {
            Values::Text(cast(array, &DataType::Utf8)?.as_string().clone())
        }
        _ => Values::Shown(formatted(array)?),
    })
}

/// What PostgreSQL has no type for, as the engine shows it.
fn formatted(array: &ArrayRef) -> Result<StringArray, SqlError> {
    let failed = |_| SqlError::new(Code::DatatypeMismatch, "a value cannot be shown as text");
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).map_err(failed)?;
    (0..array.len())
        .map(
            |row| {
                if array.is_null(row) {
                    Ok(None)
                } else {
                    formatter.value(row).try_to_string().map(Some).map_err(failed)
                }
            },
        )
        .collect()
}

fn uuid_of(bytes: &[u8]) -> Result<uuid::Uuid, SqlError> {
    uuid::Uuid::from_slice(bytes).map_err(|_| SqlError::new(Code::DataCorrupted, "a uuid does not have 16 bytes"))
}

/// `\x` and hexadecimal digits, or PostgreSQL's old escapes.
fn bytea_text(bytes: &[u8], settings: &FormatSettings, out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if settings.bytea_escape {
        for byte in bytes {
            match byte {
                b'\\' => out.put_slice(b"\\\\"),
                0x20..=0x7e => out.put_u8(*byte),
                _ => {
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
        }
        return;
    }
    out.reserve(2 + bytes.len() * 2);
    out.put_slice(b"\\x");
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.put_u8(DIGITS.get(usize::from(digit)).copied().unwrap_or_default());
        }
    }
}

/// The binary form of types that travel as text.
fn text_binary(kind: SqlType, text: &str, out: &mut BytesMut) -> Result<(), SqlError> {
    let wrong = || SqlError::new(Code::DataCorrupted, format!("a value is no {}", kind.name()));
    match kind {
        SqlType::Jsonb => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        SqlType::Inet | SqlType::Cidr => {
            let (address, prefix): (IpAddr, u8) = inet::parse(text).ok_or_else(wrong)?;
            inet::binary(address, prefix, kind == SqlType::Cidr, out);
        }
        SqlType::Uuid => out.put_slice(uuid::Uuid::try_parse(text).map_err(|_| wrong())?.as_bytes()),
        // One byte by definition; a part of a character would be text that no client can read.
        SqlType::Char => match text.chars().next() {
            Some(one) if !one.is_ascii() => {
                let message = format!("\"{one}\" is more than one byte, which type \"char\" cannot hold");
                return Err(SqlError::new(Code::CharacterNotInRepertoire, message));
            }
            _ => out.put_u8(text.as_bytes().first().copied().unwrap_or_default()),
        },
        kind if kind.is_registry() => {
            let text = format!("binary form of {} is not supported", kind.name());
            return Err(SqlError::new(Code::FeatureNotSupported, text));
        }
        _ => out.put_slice(text.as_bytes()),
    }
    Ok(())
}

/// The SQL type of a list's items.
pub(super) fn kind_of_item(field: &Field) -> SqlType {
    SqlType::of_field(field)
}
