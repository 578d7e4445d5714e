//! Values that the bodies of functions take and give, see `typed`.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array,
    IntervalMonthDayNanoArray, ListArray, ListBuilder, StringArray, StringBuilder, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};

use super::function::sql_error;
use super::regex_functions::Patterns;
use crate::planner::rewrite::array_literal;
use crate::types::Code;

/// What a body gives: a value, or NULL.
#[derive(Debug, Clone)]
pub(super) struct Datum(Option<ScalarValue>);

impl Datum {
    /// No value.
    pub(super) const NULL: Self = Self(None);

    /// How many bytes a value takes that has no fixed size.
    pub(super) fn bytes(&self) -> usize {
        match &self.0 {
            Some(ScalarValue::Utf8(Some(text))) => text.len(),
            Some(ScalarValue::Binary(Some(bytes))) => bytes.len(),
            Some(ScalarValue::List(list)) => list.value(0).to_data().get_slice_memory_size().unwrap_or(0),
            _ => 0,
        }
    }

    /// The value in exactly this type.
    pub(super) fn into_scalar(self, data_type: &DataType) -> Result<ScalarValue> {
        match self.0 {
            None => ScalarValue::try_from(data_type),
            Some(value) if &value.data_type() == data_type => Ok(value),
            Some(value) => value.cast_to(data_type),
        }
    }

    /// An array of texts.
    pub(super) fn texts(items: impl IntoIterator<Item = Option<String>>) -> Self {
        Self::list(Arc::new(items.into_iter().collect::<StringArray>()))
    }

    /// An array of these items.
    pub(super) fn list(items: ArrayRef) -> Self {
        let list = datafusion::common::utils::SingleRowListArrayBuilder::new(items).build_list_array();
        Self(Some(ScalarValue::List(Arc::new(list))))
    }

    /// An array of arrays of texts, which need not be of one length.
    pub(super) fn lists_of_texts(rows: &[Vec<Option<String>>]) -> Self {
        let mut builder = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
        for row in rows {
            builder.values().append_value(row.iter().map(Option::as_deref));
        }
        builder.append(true);
        Self(Some(ScalarValue::List(Arc::new(builder.finish()))))
    }

    /// Microseconds since 1970 UTC.
    pub(super) fn instant(us: i64) -> Self {
        Self(Some(ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()))))
    }

    /// Microseconds since 1970 of a local time.
    pub(super) fn local(us: i64) -> Self {
        Self(Some(ScalarValue::TimestampMicrosecond(Some(us), None)))
    }

    /// Days since 1970.
    pub(super) fn date(days: i32) -> Self {
        Self(Some(ScalarValue::Date32(Some(days))))
    }

    /// Microseconds since midnight.
    pub(super) fn time(us: i64) -> Self {
        Self(Some(ScalarValue::Time64Microsecond(Some(us))))
    }
}

macro_rules! datum_from {
    ($($from:ty => |$value:ident| $scalar:expr;)*) => {
        $(impl From<$from> for Datum {
            fn from($value: $from) -> Self {
                Self(Some($scalar))
            }
        })*
    };
}

datum_from! {
    ScalarValue => |value| value;
    String => |value| ScalarValue::Utf8(Some(value));
    &str => |value| ScalarValue::Utf8(Some(value.to_owned()));
    bool => |value| ScalarValue::Boolean(Some(value));
    i32 => |value| ScalarValue::Int32(Some(value));
    i64 => |value| ScalarValue::Int64(Some(value));
    f64 => |value| ScalarValue::Float64(Some(value));
    Vec<u8> => |value| ScalarValue::Binary(Some(value));
    IntervalMonthDayNano => |value| ScalarValue::IntervalMonthDayNano(Some(value));
}

impl<T: Into<Datum>> From<Option<T>> for Datum {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

/// The arguments of all rows.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    columns: Vec<Cells>,
    fields: &'a [FieldRef],
    patterns: Patterns,
}

/// One argument's values.
#[derive(Debug)]
enum Cells {
    Bool(BooleanArray),
    Int(Int64Array),
    Float(Float64Array),
    Text(StringArray),
    Bytes(BinaryArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Instant(TimestampMicrosecondArray),
    Span(IntervalMonthDayNanoArray),
    List(ListArray),
    Other(ArrayRef),
}

impl<'a> Rows<'a> {
    /// Arguments as the engine hands them over.
    pub(super) fn new(arrays: &[ArrayRef], fields: &'a [FieldRef]) -> Result<Self> {
        let columns = arrays.iter().map(cells).collect::<Result<_>>()?;
        Ok(Self { columns, fields, patterns: Patterns::default() })
    }

    /// The arguments of one row.
    pub(super) fn row(&self, at: usize) -> Row<'_> {
        Row { columns: &self.columns, fields: self.fields, patterns: &self.patterns, at }
    }
}

fn cells(array: &ArrayRef) -> Result<Cells> {
    Ok(match array.data_type() {
        DataType::Boolean => Cells::Bool(array.as_boolean().clone()),
        DataType::Int64 => Cells::Int(array.as_primitive().clone()),
        DataType::Float64 => Cells::Float(array.as_primitive().clone()),
        DataType::Utf8 => Cells::Text(array.as_string().clone()),
        DataType::Utf8View | DataType::LargeUtf8 => Cells::Text(cast(array, &DataType::Utf8)?.as_string().clone()),
        DataType::Binary => Cells::Bytes(array.as_binary().clone()),
        DataType::Date32 => Cells::Date(array.as_primitive().clone()),
        DataType::Time64(TimeUnit::Microsecond) => Cells::Time(array.as_primitive().clone()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Cells::Instant(array.as_primitive().clone()),
        DataType::Interval(IntervalUnit::MonthDayNano) => Cells::Span(array.as_primitive().clone()),
        DataType::List(_) => Cells::List(array.as_list().clone()),
        _ => Cells::Other(Arc::clone(array)),
    })
}

impl Cells {
    fn array(&self) -> &dyn Array {
        match self {
            Self::Bool(array) => array,
            Self::Int(array) => array,
            Self::Float(array) => array,
            Self::Text(array) => array,
            Self::Bytes(array) => array,
            Self::Date(array) => array,
            Self::Time(array) => array,
            Self::Instant(array) => array,
            Self::Span(array) => array,
            Self::List(array) => array,
            Self::Other(array) => array.as_ref(),
        }
    }
}

/// The arguments of one call. Reading one as another type than its overload names is a mistake of
/// this room, and panics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    columns: &'a [Cells],
    fields: &'a [FieldRef],
    patterns: &'a Patterns,
    at: usize,
}

macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident -> $type:ty, $cells:ident;)*) => {
        $($(#[$doc])*
        pub(super) fn $name(&self, index: usize) -> $type {
            match &self.columns[index] {
                Cells::$cells(array) => array.value(self.at),
                other => unreachable!("argument {index} is {:?}", other.array().data_type()),
            }
        })*
    };
}

impl<'a> Row<'a> {
    accessors! {
        /// A truth value.
        bool -> bool, Bool;
        /// An integer.
        int -> i64, Int;
        /// A double.
        float -> f64, Float;
        /// Days since 1970.
        date -> i32, Date;
        /// Microseconds since midnight.
        time -> i64, Time;
        /// Microseconds since 1970: of an instant or of a local time.
        us -> i64, Instant;
        /// A span.
        span -> IntervalMonthDayNano, Span;
    }

    /// The patterns that this call has read for other rows.
    pub(super) fn patterns(&self) -> &'a Patterns {
        self.patterns
    }

    /// How many arguments there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn is_null(&self, index: usize) -> bool {
        let array = self.columns[index].array();
        array.is_null(self.at) || array.data_type().is_null()
    }

    /// A text.
    pub(super) fn text(&self, index: usize) -> &'a str {
        match &self.columns[index] {
            Cells::Text(array) => array.value(self.at),
            other => unreachable!("argument {index} is {:?}", other.array().data_type()),
        }
    }

    /// A text, where the argument is there and not NULL.
    pub(super) fn text_at(&self, index: usize) -> Option<&'a str> {
        (index < self.len() && !self.is_null(index)).then(|| self.text(index))
    }

    /// Bytes.
    pub(super) fn bytes(&self, index: usize) -> &'a [u8] {
        match &self.columns[index] {
            Cells::Bytes(array) => array.value(self.at),
            other => unreachable!("argument {index} is {:?}", other.array().data_type()),
        }
    }

    /// The items of an array.
    pub(super) fn list(&self, index: usize) -> ArrayRef {
        match &self.columns[index] {
            Cells::List(array) => array.value(self.at),
            other => unreachable!("argument {index} is {:?}", other.array().data_type()),
        }
    }

    /// The items of an array of texts, or of a text that spells one.
    pub(super) fn texts(&self, index: usize) -> Result<Vec<Option<String>>> {
        match &self.columns[index] {
            Cells::Text(array) => array_literal(array.value(self.at)).ok_or_else(|| {
                let shown: String = array.value(self.at).chars().take(60).collect();
                sql_error(Code::InvalidTextRepresentation, format!("malformed array literal: \"{shown}\""))
            }),
            _ => {
                let items = cast(&self.list(index), &DataType::Utf8)?;
                Ok(items.as_string::<i32>().iter().map(|item| item.map(str::to_owned)).collect())
            }
        }
    }

    /// Anything.
    pub(super) fn scalar(&self, index: usize) -> Result<ScalarValue, DataFusionError> {
        ScalarValue::try_from_array(self.columns[index].array(), self.at)
    }

    /// The field of an argument.
    pub(super) fn field(&self, index: usize) -> &'a FieldRef {
        &self.fields[index]
    }
}
