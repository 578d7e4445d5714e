//! Rows of relational tables as bytes and back.
//!
//! A row is its values that are not NULL, each under the number of its column, with its length. So a column that
//! was dropped is passed over, one that was added is NULL, and neither needs the rows to be written again. A decimal
//! keeps a scale of its own. Whatever does not fit on reading is damage; nothing takes more memory than the input.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryBuilder, BooleanArray, BooleanBuilder, Date32Array, Date32Builder,
    Decimal128Array, Decimal128Builder, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Float32Array, Float32Builder,
    Float64Array, Float64Builder, Int16Array, Int16Builder, Int32Array, Int32Builder, Int64Array, Int64Builder,
    IntervalMonthDayNanoArray, IntervalMonthDayNanoBuilder, ListArray, RecordBatch, RecordBatchOptions, StringArray,
    StringBuilder, Time64MicrosecondArray, Time64MicrosecondBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, FieldRef, IntervalMonthDayNano, IntervalUnit, SchemaRef, TimeUnit};

use crate::catalog::Column;
use crate::storage::StorageError;
use crate::types::{Code, Numeric};

/// A row of a batch as bytes; `numbers` are those of the batch's columns.
pub(super) fn encode(rows: &RecordBatch, row: usize, numbers: &[i16]) -> Result<Vec<u8>, StorageError> {
    let mut out = Vec::new();
    let mut value = Vec::new();
    for (column, number) in rows.columns().iter().zip(numbers) {
        if column.is_valid(row) {
            value.clear();
            put(&mut value, column.as_ref(), row)?;
            put_count(&mut out, usize::from(number.unsigned_abs()));
            put_count(&mut out, value.len());
            out.extend_from_slice(&value);
        }
    }
    Ok(out)
}

fn damaged(reason: &str) -> StorageError {
    StorageError::Corrupt { what: "a row".to_owned(), reason: reason.to_owned() }
}

pub(super) fn unexpected(found: &DataType) -> StorageError {
    StorageError::statement(Code::FeatureNotSupported, format!("values of type {found} cannot be stored"))
}

/// Seven bits to a byte, the lowest first.
fn put_count(out: &mut Vec<u8>, mut count: usize) {
    while count >= 0x80 {
        #[allow(clippy::cast_possible_truncation, reason = "the lowest seven bits are meant")]
        out.push(0x80 | (count & 0x7f) as u8);
        count >>= 7;
    }
    #[allow(clippy::cast_possible_truncation, reason = "less than 128")]
    out.push(count as u8);
}

fn put(out: &mut Vec<u8>, column: &dyn Array, row: usize) -> Result<(), StorageError> {
    macro_rules! at {
        ($array:ty) => {
            column.as_any().downcast_ref::<$array>().ok_or_else(|| unexpected(column.data_type()))?.value(row)
        };
    }
    match column.data_type() {
        DataType::Boolean => out.push(u8::from(at!(BooleanArray))),
        DataType::Int16 => out.extend_from_slice(&at!(Int16Array).to_le_bytes()),
        DataType::Int32 => out.extend_from_slice(&at!(Int32Array).to_le_bytes()),
        DataType::Int64 => out.extend_from_slice(&at!(Int64Array).to_le_bytes()),
        DataType::Float32 => out.extend_from_slice(&at!(Float32Array).to_le_bytes()),
        DataType::Float64 => out.extend_from_slice(&at!(Float64Array).to_le_bytes()),
        DataType::Utf8 => out.extend_from_slice(at!(StringArray).as_bytes()),
        DataType::Binary => out.extend_from_slice(at!(BinaryArray)),
        DataType::FixedSizeBinary(16) => out.extend_from_slice(at!(FixedSizeBinaryArray)),
        DataType::Date32 => out.extend_from_slice(&at!(Date32Array).to_le_bytes()),
        DataType::Time64(TimeUnit::Microsecond) => out.extend_from_slice(&at!(Time64MicrosecondArray).to_le_bytes()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            out.extend_from_slice(&at!(TimestampMicrosecondArray).to_le_bytes());
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let span = at!(IntervalMonthDayNanoArray);
            out.extend_from_slice(&span.months.to_le_bytes());
            out.extend_from_slice(&span.days.to_le_bytes());
            out.extend_from_slice(&span.nanoseconds.to_le_bytes());
        }
        DataType::Decimal128(_, scale) => put_numeric(out, at!(Decimal128Array), *scale),
        DataType::List(_) => {
            let items = at!(ListArray);
            put_count(out, items.len());
            let mut value = Vec::new();
            for item in 0..items.len() {
                value.clear();
                if items.is_valid(item) {
                    put(&mut value, items.as_ref(), item)?;
                    put_count(out, value.len() + 1);
                    out.extend_from_slice(&value);
                } else {
                    put_count(out, 0);
                }
            }
        }
        other => return Err(unexpected(other)),
    }
    Ok(())
}

/// The scale, and as many bytes as the number needs.
fn put_numeric(out: &mut Vec<u8>, value: i128, scale: i8) {
    let number = Numeric { value, scale: scale.unsigned_abs() }.without_zeros();
    out.push(number.scale);
    let bytes = number.value.to_le_bytes();
    let fill = if number.value < 0 { 0xff } else { 0 };
    let is_needed = |length: &usize| {
        let (kept, rest) = bytes.split_at(*length);
        let sign_fits = kept.last().is_some_and(|last| (last & 0x80 != 0) == (fill == 0xff));
        sign_fits && rest.iter().all(|byte| *byte == fill)
    };
    let length = (1..16).find(is_needed).unwrap_or(16);
    out.extend_from_slice(&bytes[..length]);
}

/// Reads values one after the other.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], StorageError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| damaged("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn count(&mut self) -> Result<usize, StorageError> {
        let mut count = 0_usize;
        for shift in (0..35).step_by(7) {
            let [byte] = fixed(self.take(1)?)?;
            count |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(count);
            }
        }
        Err(damaged("a count without an end"))
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StorageError> {
    bytes.try_into().map_err(|_| damaged("a value of another length"))
}

/// Collects rows into a batch of some columns of a table.
#[derive(Debug)]
pub(super) struct RowReader {
    schema: SchemaRef,
    /// The place of every column that is wanted, by its number.
    places: Vec<Option<usize>>,
    columns: Vec<Values>,
    filled: Vec<bool>,
    rows: usize,
    bytes: usize,
}

impl RowReader {
    /// A reader of these columns, whose fields are the schema's.
    pub(super) fn new<'a>(schema: SchemaRef, columns: impl Iterator<Item = &'a Column>) -> Result<Self, StorageError> {
        let mut places = Vec::new();
        for (place, column) in columns.enumerate() {
            let number = usize::from(column.number.unsigned_abs());
            if places.len() <= number {
                places.resize(number + 1, None);
            }
            places[number] = Some(place);
        }
        let columns: Vec<Values> =
            schema.fields().iter().map(|field| Values::new(field.data_type())).collect::<Result<_, _>>()?;
        Ok(Self { filled: vec![false; columns.len()], schema, places, columns, rows: 0, bytes: 0 })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the rows that were read.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &[u8]) -> Result<(), StorageError> {
        let mut input = Input(row);
        while !input.0.is_empty() {
            let number = input.count()?;
            let length = input.count()?;
            let value = input.take(length)?;
            let Some(place) = self.places.get(number).copied().flatten() else { continue };
            if std::mem::replace(&mut self.filled[place], true) {
                return Err(damaged("a column twice"));
            }
            self.columns[place].push(value)?;
        }
        for (filled, column) in self.filled.iter_mut().zip(&mut self.columns) {
            if !std::mem::take(filled) {
                column.push_null();
            }
        }
        self.rows += 1;
        self.bytes += row.len();
        Ok(())
    }

    /// The rows so far; the reader begins again. The batch has the schema's columns.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, StorageError> {
        let columns = self.columns.iter_mut().map(Values::finish).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| damaged(&error.to_string()))
    }
}

/// The values of one column.
#[derive(Debug)]
enum Values {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Instant(TimestampMicrosecondBuilder),
    Span(IntervalMonthDayNanoBuilder),
    Numeric(Decimal128Builder, i8),
    List { item: FieldRef, items: Box<Values>, lengths: Vec<usize>, present: Vec<bool> },
}

impl Values {
    fn new(data_type: &DataType) -> Result<Self, StorageError> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int16 => Self::Int16(Int16Builder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Float32 => Self::Float32(Float32Builder::new()),
            DataType::Float64 => Self::Float64(Float64Builder::new()),
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            DataType::FixedSizeBinary(16) => Self::Uuid(FixedSizeBinaryBuilder::new(16)),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Time64(TimeUnit::Microsecond) => Self::Time(Time64MicrosecondBuilder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Instant(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()))
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::Span(IntervalMonthDayNanoBuilder::new()),
            DataType::Decimal128(_, scale) => {
                Self::Numeric(Decimal128Builder::new().with_data_type(data_type.clone()), *scale)
            }
            DataType::List(item) => Self::List {
                item: Arc::clone(item),
                items: Box::new(Self::new(item.data_type())?),
                lengths: Vec::new(),
                present: Vec::new(),
            },
            other => return Err(unexpected(other)),
        })
    }

    fn push_null(&mut self) {
        match self {
            Self::Bool(values) => values.append_null(),
            Self::Int16(values) => values.append_null(),
            Self::Int32(values) => values.append_null(),
            Self::Int64(values) => values.append_null(),
            Self::Float32(values) => values.append_null(),
            Self::Float64(values) => values.append_null(),
            Self::Text(values) => values.append_null(),
            Self::Bytes(values) => values.append_null(),
            Self::Uuid(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Time(values) => values.append_null(),
            Self::Instant(values) => values.append_null(),
            Self::Span(values) => values.append_null(),
            Self::Numeric(values, _) => values.append_null(),
            Self::List { lengths, present, .. } => {
                lengths.push(0);
                present.push(false);
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        match self {
            Self::Bool(values) => values.append_value(fixed::<1>(bytes)? != [0]),
            Self::Int16(values) => values.append_value(i16::from_le_bytes(fixed(bytes)?)),
            Self::Int32(values) => values.append_value(i32::from_le_bytes(fixed(bytes)?)),
            Self::Int64(values) => values.append_value(i64::from_le_bytes(fixed(bytes)?)),
            Self::Float32(values) => values.append_value(f32::from_le_bytes(fixed(bytes)?)),
            Self::Float64(values) => values.append_value(f64::from_le_bytes(fixed(bytes)?)),
            Self::Text(values) => values.append_value(std::str::from_utf8(bytes).map_err(|_| damaged("no text"))?),
            Self::Bytes(values) => values.append_value(bytes),
            Self::Uuid(values) => {
                values.append_value(bytes).map_err(|error| damaged(&error.to_string()))?;
            }
            Self::Date(values) => values.append_value(i32::from_le_bytes(fixed(bytes)?)),
            Self::Time(values) => values.append_value(i64::from_le_bytes(fixed(bytes)?)),
            Self::Instant(values) => values.append_value(i64::from_le_bytes(fixed(bytes)?)),
            Self::Span(values) => {
                let mut input = Input(bytes);
                let (months, days) = (fixed(input.take(4)?)?, fixed(input.take(4)?)?);
                let (months, days) = (i32::from_le_bytes(months), i32::from_le_bytes(days));
                values.append_value(IntervalMonthDayNano::new(months, days, i64::from_le_bytes(fixed(input.0)?)));
            }
            Self::Numeric(values, scale) => values.append_value(numeric(bytes, *scale)?),
            Self::List { items, lengths, present, .. } => {
                let mut input = Input(bytes);
                let count = input.count()?;
                for _ in 0..count {
                    match input.count()?.checked_sub(1) {
                        None => items.push_null(),
                        Some(length) => items.push(input.take(length)?)?,
                    }
                }
                lengths.push(count);
                present.push(true);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, StorageError> {
        Ok(match self {
            Self::Bool(values) => Arc::new(values.finish()),
            Self::Int16(values) => Arc::new(values.finish()),
            Self::Int32(values) => Arc::new(values.finish()),
            Self::Int64(values) => Arc::new(values.finish()),
            Self::Float32(values) => Arc::new(values.finish()),
            Self::Float64(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
            Self::Bytes(values) => Arc::new(values.finish()),
            Self::Uuid(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Time(values) => Arc::new(values.finish()),
            Self::Instant(values) => Arc::new(values.finish()),
            Self::Span(values) => Arc::new(values.finish()),
            Self::Numeric(values, _) => Arc::new(values.finish()),
            Self::List { item, items, lengths, present } => {
                let offsets = OffsetBuffer::from_lengths(std::mem::take(lengths));
                let present = NullBuffer::from(std::mem::take(present));
                let lists = ListArray::try_new(Arc::clone(item), offsets, items.finish()?, Some(present));
                Arc::new(lists.map_err(|error| damaged(&error.to_string()))?)
            }
        })
    }
}

/// A number in a column's scale.
fn numeric(bytes: &[u8], scale: i8) -> Result<i128, StorageError> {
    let (own, digits) = bytes.split_first().ok_or_else(|| damaged("no number"))?;
    let negative = digits.last().ok_or_else(|| damaged("no number"))? & 0x80 != 0;
    let mut all = [if negative { 0xff } else { 0 }; 16];
    all.get_mut(..digits.len()).ok_or_else(|| damaged("too many digits"))?.copy_from_slice(digits);
    let number = Numeric { value: i128::from_le_bytes(all), scale: *own };
    let scaled = number.rescaled(scale.unsigned_abs()).map_err(|_| damaged("too many digits"))?;
    Ok(scaled.value)
}
