//! Parameters in text form.

use datafusion::common::ScalarValue;
use serde::de::IgnoredAny;

use crate::session::FormatSettings;
use crate::types::{Code, SqlError, SqlType, read_bytes, read_interval, read_truth};

use super::super::encode::inet;
use super::{array, datetime, invalid_text};

/// Most digits of a numeric.
const NUMERIC_DIGITS_MAX: usize = 38;

/// Reads a value from its text.
pub(super) fn read(text: &str, kind: SqlType, settings: &FormatSettings) -> Result<ScalarValue, SqlError> {
    let invalid = || invalid_text(kind, text);
    let trimmed = text.trim();
    Ok(match kind {
        SqlType::Bool => ScalarValue::Boolean(Some(read_truth(trimmed).ok_or_else(invalid)?)),
        SqlType::Int2 => ScalarValue::Int16(Some(integer(trimmed, kind)?)),
        SqlType::Int4 => ScalarValue::Int32(Some(integer(trimmed, kind)?)),
        SqlType::Int8 => ScalarValue::Int64(Some(integer(trimmed, kind)?)),
        SqlType::Oid => ScalarValue::Int32(Some(integer::<u32>(trimmed, kind)?.cast_signed())),
        SqlType::Float4 => ScalarValue::Float32(Some(float(trimmed).ok_or_else(invalid)?)),
        SqlType::Float8 => ScalarValue::Float64(Some(float(trimmed).ok_or_else(invalid)?)),
        SqlType::Numeric => numeric(trimmed)?,
        SqlType::Bytea => ScalarValue::Binary(Some(read_bytes(text).ok_or_else(invalid)?)),
        SqlType::Date => ScalarValue::Date32(Some(datetime::date(trimmed).ok_or_else(invalid)?)),
        SqlType::Time => ScalarValue::Time64Microsecond(Some(datetime::time(trimmed).ok_or_else(invalid)?)),
        SqlType::Timestamp => {
            ScalarValue::TimestampMicrosecond(Some(datetime::timestamp(trimmed).ok_or_else(invalid)?), None)
        }
        SqlType::Timestamptz => {
            let instant = datetime::timestamptz(trimmed, &settings.zone).ok_or_else(invalid)?;
            ScalarValue::TimestampMicrosecond(Some(instant), Some("UTC".into()))
        }
        SqlType::Interval => ScalarValue::IntervalMonthDayNano(Some(read_interval(trimmed).ok_or_else(invalid)?)),
        SqlType::Uuid => uuid_value(uuid::Uuid::try_parse(trimmed).map_err(|_| invalid())?),
        SqlType::Inet | SqlType::Cidr => {
            let (address, prefix) = inet::parse(trimmed).ok_or_else(invalid)?;
            ScalarValue::Utf8(Some(inet::text(address, prefix)))
        }
        SqlType::Json | SqlType::Jsonb => {
            serde_json::from_str::<IgnoredAny>(text).map_err(|_| invalid())?;
            ScalarValue::Utf8(Some(text.to_owned()))
        }
        SqlType::Char => ScalarValue::Utf8(Some(text.chars().take(1).collect())),
        SqlType::Name => ScalarValue::Utf8(Some(text.chars().take(63).collect())),
        _ => match array::item_kind(kind) {
            Some(item) => array::from_text(text, kind, item, settings)?,
            None => ScalarValue::Utf8(Some(text.to_owned())),
        },
    })
}

pub(super) fn uuid_value(id: uuid::Uuid) -> ScalarValue {
    ScalarValue::FixedSizeBinary(16, Some(id.as_bytes().to_vec()))
}

fn integer<T: std::str::FromStr<Err = std::num::ParseIntError>>(text: &str, kind: SqlType) -> Result<T, SqlError> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse::<T>().map_err(|error| match error.kind() {
        PosOverflow | NegOverflow => {
            let shown: String = text.chars().take(80).collect();
            let message = format!("value \"{shown}\" is out of range for type {}", kind.name());
            SqlError::new(Code::NumericValueOutOfRange, message)
        }
        _ => invalid_text(kind, text),
    })
}

fn float<T: std::str::FromStr>(text: &str) -> Option<T> {
    // Rust also reads "inf" and "nan", which PostgreSQL does too; hexadecimal floats neither does.
    text.parse().ok()
}

fn numeric(text: &str) -> Result<ScalarValue, SqlError> {
    let invalid = || invalid_text(SqlType::Numeric, text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| invalid())?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(i64::from(exponent));
    decimal(negative, digits.trim_start_matches('0'), scale)
}

/// A decimal from its digits and the number of digits behind the point.
pub(super) fn decimal(negative: bool, digits: &str, scale: i64) -> Result<ScalarValue, SqlError> {
    let out_of_range = || {
        let text = format!("a numeric parameter has more than {NUMERIC_DIGITS_MAX} digits");
        SqlError::new(Code::NumericValueOutOfRange, text)
    };
    let wanted = scale.max(0);
    let zeros = usize::try_from(wanted - scale).map_err(|_| out_of_range())?;
    // A zero has no digits left, however its exponent reads.
    if digits.is_empty() {
        let scale = i8::try_from(scale.clamp(0, 38)).map_err(|_| out_of_range())?;
        return Ok(ScalarValue::Decimal128(Some(0), 38, scale));
    }
    if digits.len() + zeros > NUMERIC_DIGITS_MAX || wanted > i64::try_from(NUMERIC_DIGITS_MAX).unwrap_or(i64::MAX) {
        return Err(out_of_range());
    }
    let unsigned: i128 = format!("{digits}{:0<zeros$}", "").parse().map_err(|_| out_of_range())?;
    let scale = i8::try_from(wanted).map_err(|_| out_of_range())?;
    Ok(ScalarValue::Decimal128(Some(if negative { -unsigned } else { unsigned }), 38, scale))
}
