//! Rows of plain values -> Arrow, by the schema of the table that they belong to.
//!
//! Every table of this room is small (a row per object that exists), so it is built row by row:
//! a [`Rows`] takes named values, fills what a row does not name with the column's zero (NOT NULL)
//! or NULL, and gives one record batch in exactly the wanted schema.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray,
    ListBuilder, RecordBatch, RecordBatchOptions, StringArray, StringBuilder, TimestampMicrosecondArray,
    new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNano, IntervalUnit, SchemaRef, TimeUnit};
use datafusion::error::{DataFusionError, Result};

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// Any integer, also an object id.
    Integer(i64),
    /// Any float.
    Real(f64),
    /// Any text.
    Text(String),
    /// An array of texts; an element may be NULL.
    Texts(Vec<Option<String>>),
    /// An array of integers.
    Integers(Vec<i64>),
    /// An instant: microseconds since 1970 UTC.
    Instant(i64),
    /// A span of time in microseconds.
    Span(i64),
}

impl Value {
    /// A text, or NULL for none.
    pub fn text_or_null(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

/// Rows of one table under construction.
#[derive(Debug)]
pub(crate) struct Rows {
    schema: SchemaRef,
    columns: Vec<Vec<Value>>,
    count: usize,
}

impl Rows {
    /// No rows yet.
    pub(crate) fn new(schema: &SchemaRef) -> Self {
        Self { schema: Arc::clone(schema), columns: vec![Vec::new(); schema.fields().len()], count: 0 }
    }

    /// The table has a column of this name.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.schema.index_of(name).is_ok()
    }

    /// Adds a row; columns that it does not name get zero (NOT NULL) or NULL.
    ///
    /// # Panics
    /// When the table has no column of that name: a mistake in this room, found by its tests.
    pub(crate) fn push(&mut self, values: &[(&str, Value)]) {
        for (field, column) in self.schema.fields().iter().zip(&mut self.columns) {
            column.push(if field.is_nullable() { Value::Null } else { zero(field.data_type()) });
        }
        for (name, value) in values {
            let index = self.schema.index_of(name).unwrap_or_else(|_| panic!("system table has no column {name}"));
            self.columns[index][self.count] = value.clone();
        }
        self.count += 1;
    }

    /// Adds a row; values of columns that the table does not have are left out.
    pub(crate) fn push_known(&mut self, values: &[(&str, Value)]) {
        let known: Vec<(&str, Value)> = values
            .iter()
            .filter(|(name, _)| self.has_column(name))
            .map(|(name, value)| (*name, value.clone()))
            .collect();
        self.push(&known);
    }

    /// The rows as one batch.
    pub(crate) fn finish(self) -> Result<RecordBatch> {
        let arrays = self
            .schema
            .fields()
            .iter()
            .zip(&self.columns)
            .map(|(field, values)| array_from_values(field.data_type(), values))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        Ok(RecordBatch::try_new_with_options(self.schema, arrays, &options)?)
    }
}

fn zero(data_type: &DataType) -> Value {
    match data_type {
        DataType::Boolean => Value::Bool(false),
        DataType::Float32 | DataType::Float64 => Value::Real(0.0),
        DataType::Utf8 => Value::Text(String::new()),
        DataType::List(item) if item.data_type() == &DataType::Utf8 => Value::Texts(Vec::new()),
        DataType::List(_) => Value::Integers(Vec::new()),
        DataType::Timestamp(..) => Value::Instant(0),
        DataType::Interval(_) => Value::Span(0),
        _ => Value::Integer(0),
    }
}

/// Values as an array of the wanted type; a value of another kind is NULL.
pub fn array_from_values(data_type: &DataType, values: &[Value]) -> Result<ArrayRef> {
    let integers = || values.iter().map(integer);
    Ok(match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from_iter(values.iter().map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        DataType::Int16 => Arc::new(Int16Array::from_iter(integers().map(|value| value.map(|value| value as i16)))),
        DataType::Int32 => Arc::new(Int32Array::from_iter(integers().map(|value| value.map(|value| value as i32)))),
        DataType::Int64 => Arc::new(Int64Array::from_iter(integers())),
        DataType::Float32 => Arc::new(Float32Array::from_iter(values.iter().map(|v| real(v).map(|v| v as f32)))),
        DataType::Float64 => Arc::new(Float64Array::from_iter(values.iter().map(real))),
        DataType::Utf8 => Arc::new(StringArray::from_iter(values.iter().map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let instants = values.iter().map(|value| match value {
                Value::Instant(us) => Some(*us),
                _ => None,
            });
            Arc::new(TimestampMicrosecondArray::from_iter(instants).with_timezone_opt(zone.clone()))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let spans = values.iter().map(|value| match value {
                Value::Span(us) => Some(IntervalMonthDayNano::new(0, 0, us.saturating_mul(1_000))),
                _ => None,
            });
            Arc::new(IntervalMonthDayNanoArray::from_iter(spans))
        }
        DataType::List(item) if item.data_type() == &DataType::Utf8 => {
            text_lists(values, ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(item)))
        }
        DataType::List(item) if item.data_type().is_integer() => {
            let lists = values.iter().map(|value| match value {
                Value::Integers(items) => Some(items.iter().map(|item| Some(*item)).collect::<Vec<_>>()),
                _ => None,
            });
            let wide = datafusion::arrow::array::ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
            cast(&wide, data_type)?
        }
        other if values.iter().all(|value| *value == Value::Null) => new_null_array(other, values.len()),
        other => return Err(DataFusionError::Internal(format!("system table with a value of type {other}"))),
    })
}

fn text_lists(values: &[Value], mut builder: ListBuilder<StringBuilder>) -> ArrayRef {
    for value in values {
        if let Value::Texts(items) = value {
            builder.append_value(items.iter().map(Option::as_deref));
        } else {
            builder.append_null();
        }
    }
    Arc::new(builder.finish())
}

/// Object ids above 2^31 keep their bits: PostgreSQL's oid is unsigned, ours travels as int4.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(*value),
        _ => None,
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Real(value) => Some(*value),
        Value::Integer(value) => Some(*value as f64),
        _ => None,
    }
}
