//! Keys of indexes: bytes that sort as PostgreSQL sorts the values, and are equal when the values are.
//!
//! Every value says where it ends, so the bytes of several values one after the other sort as the list of them
//! does, and the beginning of a key finds all that begin so. Texts sort by their bytes (collation C).

use std::net::IpAddr;

use datafusion::arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray, ListArray, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::DataType;

use super::codec::unexpected;
use crate::catalog::{Column, Index, Table};
use crate::storage::StorageError;
use crate::types::{Code, Numeric, SqlError, SqlType};

/// How the values of a column sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Truth values, whole numbers, days, times and instants.
    Whole,
    /// Object ids: whole numbers without sign.
    Unsigned,
    Float,
    Numeric,
    Text,
    /// Blanks at the end do not count.
    BlankText,
    Bytes,
    Span,
    Address,
    List(Box<Order>),
}

impl Order {
    /// How a type sorts; none for a type that has no order.
    pub(super) fn of(sql_type: SqlType) -> Option<Self> {
        Some(match sql_type {
            SqlType::Bool | SqlType::Int2 | SqlType::Int4 | SqlType::Int8 => Self::Whole,
            SqlType::Date | SqlType::Time | SqlType::Timestamp | SqlType::Timestamptz => Self::Whole,
            SqlType::Oid | SqlType::Xid | SqlType::Cid => Self::Unsigned,
            SqlType::Float4 | SqlType::Float8 => Self::Float,
            SqlType::Numeric => Self::Numeric,
            SqlType::Text | SqlType::Varchar | SqlType::Name | SqlType::Char => Self::Text,
            SqlType::Bpchar => Self::BlankText,
            SqlType::Bytea | SqlType::Uuid => Self::Bytes,
            SqlType::Interval => Self::Span,
            SqlType::Inet | SqlType::Cidr => Self::Address,
            other => Self::List(Box::new(Self::of(other.item()?)?)),
        })
    }

    /// How a column of an index sorts.
    pub(super) fn of_column(column: &Column) -> Result<Self, StorageError> {
        Self::of(column.sql_type).ok_or_else(|| {
            let kind = column.sql_type.spelling();
            if column.sql_type == SqlType::Jsonb {
                let message = "indexes on columns of type jsonb are not supported";
                return StorageError::statement(Code::FeatureNotSupported, message);
            }
            let message = format!("data type {kind} has no default operator class for access method \"btree\"");
            let hint = "You must specify an operator class for the index or define a default operator class for the \
                        data type.";
            SqlError::new(Code::UndefinedObject, message).with_hint(hint).into()
        })
    }
}

/// One key of an index.
#[derive(Debug, Clone)]
pub(super) struct KeyPart {
    /// Number of the column.
    pub(super) column: i16,
    order: Order,
    descending: bool,
    nulls_first: bool,
}

/// What the keys of an index are made of.
#[derive(Debug, Clone)]
pub(super) struct KeyShape {
    pub(super) parts: Vec<KeyPart>,
}

impl KeyShape {
    /// The keys of an index of a table; an error when they are more than plain columns.
    pub(super) fn of(table: &Table, index: &Index) -> Result<Self, StorageError> {
        let unsupported = |what: &str| {
            Err(StorageError::statement(Code::FeatureNotSupported, format!("indexes {what} are not supported")))
        };
        if index.predicate.is_some() {
            return unsupported("with a condition");
        }
        let mut parts = Vec::with_capacity(index.keys.len());
        for key in &index.keys {
            let Some(number) = key.column else { return unsupported("on expressions") };
            let column = column(table, number)?;
            parts.push(KeyPart {
                column: number,
                order: Order::of_column(column)?,
                descending: key.descending,
                nulls_first: key.nulls_first,
            });
        }
        Ok(Self { parts })
    }

    /// Keys over columns that need no index, smallest first.
    pub(super) fn plain(table: &Table, numbers: &[i16]) -> Result<Self, StorageError> {
        let part = |number: &i16| {
            let order = Order::of_column(column(table, *number)?)?;
            Ok(KeyPart { column: *number, order, descending: false, nulls_first: false })
        };
        Ok(Self { parts: numbers.iter().map(part).collect::<Result<_, StorageError>>()? })
    }

    /// The columns of the keys, out of rows of the whole table.
    pub(super) fn columns(&self, table: &Table, rows: &RecordBatch) -> Result<Vec<ArrayRef>, StorageError> {
        let column = |part: &KeyPart| {
            let found = table.position(part.column).and_then(|position| rows.columns().get(position));
            found.cloned().ok_or_else(|| missing(table, part.column))
        };
        self.parts.iter().map(column).collect()
    }

    /// The key of a row; `columns` are those of the first keys, or of all.
    pub(super) fn key(&self, columns: &[ArrayRef], row: usize) -> Result<Vec<u8>, StorageError> {
        let mut out = Vec::new();
        for (part, column) in self.parts.iter().zip(columns) {
            part.put(&mut out, column.as_ref(), row)?;
        }
        Ok(out)
    }
}

pub(super) fn column(table: &Table, number: i16) -> Result<&Column, StorageError> {
    table.column(number).ok_or_else(|| missing(table, number))
}

fn missing(table: &Table, number: i16) -> StorageError {
    StorageError::statement(Code::Internal, format!("table \"{}\" has no column number {number}", table.name))
}

/// Marks in front of every value.
const NULL_FIRST: u8 = 0;
const PRESENT: u8 = 1;
const NULL_LAST: u8 = 2;

impl KeyPart {
    pub(super) fn is_descending(&self) -> bool {
        self.descending
    }

    /// Adds the key of one value.
    pub(super) fn put(&self, out: &mut Vec<u8>, column: &dyn Array, row: usize) -> Result<(), StorageError> {
        if column.is_null(row) {
            out.push(if self.nulls_first { NULL_FIRST } else { NULL_LAST });
            return Ok(());
        }
        out.push(PRESENT);
        let start = out.len();
        put(out, column, row, &self.order)?;
        if self.descending {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
        Ok(())
    }

    /// What every key begins with whose value is not NULL.
    pub(super) fn present() -> &'static [u8] {
        &[PRESENT]
    }
}

/// The first bytes behind all that begin with these; none when there are none behind.
pub(super) fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

fn put(out: &mut Vec<u8>, column: &dyn Array, row: usize, order: &Order) -> Result<(), StorageError> {
    macro_rules! at {
        ($array:ty) => {
            column.as_any().downcast_ref::<$array>().ok_or_else(|| unexpected(column.data_type()))?.value(row)
        };
    }
    match order {
        Order::Whole => put_whole(out, whole(column, row)?),
        #[allow(clippy::cast_sign_loss, reason = "object ids travel as int4, and their bits are meant")]
        Order::Unsigned => match column.data_type() {
            DataType::Int32 => put_whole(out, i64::from(at!(Int32Array) as u32)),
            _ => put_whole(out, whole(column, row)?),
        },
        Order::Float => {
            let value = match column.data_type() {
                DataType::Float32 => f64::from(at!(Float32Array)),
                #[allow(clippy::cast_precision_loss, reason = "PostgreSQL casts whole numbers to floats so")]
                DataType::Int16 | DataType::Int32 | DataType::Int64 => whole(column, row)? as f64,
                _ => at!(Float64Array),
            };
            out.extend_from_slice(&float(value));
        }
        Order::Numeric => match column.data_type() {
            DataType::Decimal128(_, scale) => {
                put_numeric(out, Numeric { value: at!(Decimal128Array), scale: scale.unsigned_abs() });
            }
            _ => put_numeric(out, Numeric::whole(whole(column, row)?.into())),
        },
        Order::Text => put_bytes(out, at!(StringArray).as_bytes()),
        Order::BlankText => put_bytes(out, at!(StringArray).trim_end_matches(' ').as_bytes()),
        Order::Bytes => match column.data_type() {
            DataType::FixedSizeBinary(_) => out.extend_from_slice(at!(FixedSizeBinaryArray)),
            _ => put_bytes(out, at!(BinaryArray)),
        },
        Order::Span => {
            let span = at!(IntervalMonthDayNanoArray);
            let days = i128::from(span.months) * 30 + i128::from(span.days);
            let total = days * 86_400_000_000_000 + i128::from(span.nanoseconds);
            out.extend_from_slice(&(total ^ i128::MIN).to_be_bytes());
        }
        Order::Address => put_address(out, at!(StringArray))?,
        Order::List(item) => {
            let items = at!(ListArray);
            for row in 0..items.len() {
                if items.is_null(row) {
                    out.push(NULL_LAST);
                } else {
                    out.push(PRESENT);
                    put(out, items.as_ref(), row, item)?;
                }
            }
            out.push(0);
        }
    }
    Ok(())
}

fn whole(column: &dyn Array, row: usize) -> Result<i64, StorageError> {
    macro_rules! at {
        ($array:ty) => {
            column.as_any().downcast_ref::<$array>().ok_or_else(|| unexpected(column.data_type()))?.value(row)
        };
    }
    Ok(match column.data_type() {
        DataType::Boolean => i64::from(at!(BooleanArray)),
        DataType::Int16 => i64::from(at!(Int16Array)),
        DataType::Int32 => i64::from(at!(Int32Array)),
        DataType::Int64 => at!(Int64Array),
        DataType::Date32 => i64::from(at!(Date32Array)),
        DataType::Time64(_) => at!(Time64MicrosecondArray),
        DataType::Timestamp(..) => at!(TimestampMicrosecondArray),
        other => return Err(unexpected(other)),
    })
}

fn put_whole(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&(value ^ i64::MIN).to_be_bytes());
}

/// IEEE bits so that they sort; all NaNs are one and the greatest, and both zeros are one.
fn float(value: f64) -> [u8; 8] {
    let value = if value.is_nan() { f64::NAN.abs() } else { value + 0.0 };
    let bits = value.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    ordered.to_be_bytes()
}

/// Zero bytes are marked, and a mark ends the value.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 1]);
}

/// Sign, place of the first digit, digits, end; all but the sign turned round below zero.
fn put_numeric(out: &mut Vec<u8>, number: Numeric) {
    let number = number.without_zeros();
    if number.value == 0 {
        out.push(1);
        return;
    }
    out.push(if number.value < 0 { 0 } else { 2 });
    let start = out.len();
    let digits = number.value.unsigned_abs().to_string();
    let first = u8::try_from(digits.len()).unwrap_or(u8::MAX).wrapping_add(0x80).wrapping_sub(number.scale);
    out.push(first);
    out.extend(digits.trim_end_matches('0').bytes());
    out.push(0);
    if number.value < 0 {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// Family, network, length of the network, whole address: as PostgreSQL compares them.
fn put_address(out: &mut Vec<u8>, text: &str) -> Result<(), StorageError> {
    let unreadable = || -> StorageError {
        let message = format!("invalid input syntax for type inet: \"{text}\"");
        SqlError::new(Code::InvalidTextRepresentation, message).into()
    };
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().map_err(|_| unreadable())?;
    let (family, bytes) = match address {
        IpAddr::V4(address) => (4, address.octets().to_vec()),
        IpAddr::V6(address) => (6, address.octets().to_vec()),
    };
    let all = bytes.len() * 8;
    let length = match length {
        None => all,
        Some(length) => length.parse().ok().filter(|length| *length <= all).ok_or_else(unreadable)?,
    };
    out.push(family);
    for (place, byte) in bytes.iter().enumerate() {
        let kept = length.saturating_sub(place * 8).min(8);
        out.push(if kept == 0 { 0 } else { byte & (0xff << (8 - kept)) });
    }
    out.push(u8::try_from(length).unwrap_or(u8::MAX));
    out.extend_from_slice(&bytes);
    Ok(())
}

/// Whether one of the columns is NULL in a row.
pub(super) fn has_null(columns: &[ArrayRef], row: usize) -> bool {
    columns.iter().any(|column| column.is_null(row))
}
