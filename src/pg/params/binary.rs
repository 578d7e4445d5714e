//! Parameters in binary form.

use std::sync::Arc;

use bytes::Buf;
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::ScalarValue;

use crate::types::{Code, SqlError, SqlType};

use super::super::encode::{datetime, inet};
use super::{array, invalid_binary, text, utf8};

/// Reads a value from its binary form.
pub(super) fn read(bytes: &[u8], kind: SqlType) -> Result<ScalarValue, SqlError> {
    let invalid = || invalid_binary(kind);
    Ok(match kind {
        SqlType::Bool => ScalarValue::Boolean(Some(fixed::<1>(bytes, kind)? != [0])),
        SqlType::Int2 => ScalarValue::Int16(Some(i16::from_be_bytes(fixed(bytes, kind)?))),
        SqlType::Int4 | SqlType::Oid => ScalarValue::Int32(Some(i32::from_be_bytes(fixed(bytes, kind)?))),
        SqlType::Int8 => ScalarValue::Int64(Some(i64::from_be_bytes(fixed(bytes, kind)?))),
        SqlType::Float4 => ScalarValue::Float32(Some(f32::from_be_bytes(fixed(bytes, kind)?))),
        SqlType::Float8 => ScalarValue::Float64(Some(f64::from_be_bytes(fixed(bytes, kind)?))),
        SqlType::Numeric => numeric(bytes)?,
        SqlType::Bytea => ScalarValue::Binary(Some(bytes.to_vec())),
        SqlType::Uuid => text::uuid_value(uuid::Uuid::from_bytes(fixed(bytes, kind)?)),
        SqlType::Date => {
            let days = i32::from_be_bytes(fixed(bytes, kind)?);
            ScalarValue::Date32(Some(days.checked_add(datetime::EPOCH_DAYS).ok_or_else(out_of_range)?))
        }
        SqlType::Time => {
            let time = i64::from_be_bytes(fixed(bytes, kind)?);
            ScalarValue::Time64Microsecond(Some(
                Some(time).filter(|time| (0..86_400_000_000).contains(time)).ok_or_else(out_of_range)?,
            ))
        }
        SqlType::Timestamp => ScalarValue::TimestampMicrosecond(Some(instant(bytes, kind)?), None),
        SqlType::Timestamptz => ScalarValue::TimestampMicrosecond(Some(instant(bytes, kind)?), Some(Arc::from("UTC"))),
        SqlType::Interval => interval(fixed(bytes, kind)?)?,
        SqlType::Inet | SqlType::Cidr => {
            let (address, prefix) = inet::from_binary(bytes).ok_or_else(invalid)?;
            ScalarValue::Utf8(Some(inet::text(address, prefix)))
        }
        SqlType::Jsonb => match bytes.split_first() {
            Some((1, json)) => text::read(utf8(json)?, kind, &crate::session::FormatSettings::default())?,
            _ => return Err(invalid()),
        },
        kind if kind.is_registry() => ScalarValue::Utf8(Some(u32::from_be_bytes(fixed(bytes, kind)?).to_string())),
        // A zero byte stands for the empty one.
        SqlType::Char => match fixed::<1>(bytes, kind)? {
            [0] => ScalarValue::Utf8(Some(String::new())),
            _ => ScalarValue::Utf8(Some(utf8(bytes)?.to_owned())),
        },
        SqlType::Json | SqlType::Name => text::read(utf8(bytes)?, kind, &crate::session::FormatSettings::default())?,
        _ => match array::item_kind(kind) {
            Some(item) => array::from_binary(bytes, kind, item)?,
            None => ScalarValue::Utf8(Some(utf8(bytes)?.to_owned())),
        },
    })
}

fn fixed<const N: usize>(bytes: &[u8], kind: SqlType) -> Result<[u8; N], SqlError> {
    if bytes.len() < N {
        return Err(SqlError::new(Code::ProtocolViolation, "insufficient data left in message"));
    }
    bytes.try_into().map_err(|_| invalid_binary(kind))
}

fn out_of_range() -> SqlError {
    SqlError::new(Code::DatetimeFieldOverflow, "a date or time is out of range")
}

fn instant(bytes: &[u8], kind: SqlType) -> Result<i64, SqlError> {
    let since_2000 = i64::from_be_bytes(fixed(bytes, kind)?);
    since_2000.checked_add(datetime::EPOCH_US).ok_or_else(out_of_range)
}

fn interval(bytes: [u8; 16]) -> Result<ScalarValue, SqlError> {
    let mut bytes = bytes.as_slice();
    let (microseconds, days, months) = (bytes.get_i64(), bytes.get_i32(), bytes.get_i32());
    let nanoseconds = microseconds.checked_mul(1_000).ok_or_else(out_of_range)?;
    Ok(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(months, days, nanoseconds))))
}

/// Groups of four digits with weight, sign and scale.
fn numeric(bytes: &[u8]) -> Result<ScalarValue, SqlError> {
    let invalid = || invalid_binary(SqlType::Numeric);
    let (mut head, mut groups) = bytes.split_at_checked(8).ok_or_else(invalid)?;
    let (count, weight, sign, scale) = (head.get_u16(), head.get_i16(), head.get_u16(), head.get_u16());
    if groups.len() != usize::from(count) * 2 || scale > 0x3fff {
        return Err(invalid());
    }
    let negative = match sign {
        0 => false,
        0x4000 => true,
        _ => {
            let text = "NaN and infinity of type numeric are not supported";
            return Err(SqlError::new(Code::FeatureNotSupported, text));
        }
    };
    if count > 16 || i32::from(weight) > 10 {
        return Err(SqlError::new(Code::NumericValueOutOfRange, "a numeric parameter is out of range"));
    }
    let mut digits = String::with_capacity(usize::from(count) * 4);
    while groups.has_remaining() {
        let group = groups.get_u16();
        if group > 9_999 {
            return Err(invalid());
        }
        digits.push_str(&format!("{group:04}"));
    }
    // Digits behind the point as they stand; the stated scale adds or cuts zeros.
    let behind = (i64::from(count) - 1 - i64::from(weight)) * 4;
    let (scale, digits) = cut(digits, behind, i64::from(scale));
    text::decimal(negative, digits.trim_start_matches('0'), scale)
}

/// Takes zeros off the end that stand behind the stated scale.
fn cut(mut digits: String, mut behind: i64, scale: i64) -> (i64, String) {
    while behind > scale && digits.ends_with('0') {
        digits.pop();
        behind -= 1;
    }
    (behind, digits)
}
