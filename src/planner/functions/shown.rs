//! Values as PostgreSQL prints them, for functions that put any value into a text.
//!
//! Instants are printed in a zone that the caller gives; the rules of `zone_rules` turn those that
//! stand alone into texts before functions that do not know it see them.

use std::fmt::Write;

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::calendar::{DAY_US, time_text, timestamp_text, timestamptz_text};
use super::function::sql_error;
use crate::types::{Code, Numeric, Zone};

/// A value as a text; NULL is empty.
pub(super) fn shown(value: &ScalarValue) -> Result<String> {
    shown_in(value, &Zone::utc())
}

/// The same with instants in a zone.
pub(super) fn shown_in(value: &ScalarValue, zone: &Zone) -> Result<String> {
    if let Some(text) = value.try_as_str().flatten() {
        return Ok(text.to_owned());
    }
    Ok(match value {
        _ if value.is_null() => String::new(),
        ScalarValue::Boolean(Some(value)) => if *value { "t" } else { "f" }.to_owned(),
        ScalarValue::Float64(Some(value)) => double_text(*value),
        ScalarValue::Float32(Some(value)) => number_text(&format!("{value:e}"), f64::from(*value), 6),
        ScalarValue::Date32(Some(days)) => date_text(*days)?,
        ScalarValue::Time64Microsecond(Some(us)) => time_text(*us),
        ScalarValue::TimestampMicrosecond(Some(us), None) => timestamp_text(*us)?,
        ScalarValue::TimestampMicrosecond(Some(us), Some(_)) => timestamptz_text(*us, zone)?,
        ScalarValue::IntervalMonthDayNano(Some(span)) => span_text(*span),
        ScalarValue::Binary(Some(bytes)) => format!("\\x{}", hex(bytes)),
        ScalarValue::FixedSizeBinary(16, Some(bytes)) => match uuid::Uuid::from_slice(bytes) {
            Ok(id) => id.hyphenated().to_string(),
            Err(_) => format!("\\x{}", hex(bytes)),
        },
        ScalarValue::Decimal128(Some(digits), _, scale) => {
            Numeric { value: *digits, scale: u8::try_from(*scale).unwrap_or_default() }.to_string()
        }
        ScalarValue::Decimal256(..) => match value.cast_to(&super::TEXT)? {
            ScalarValue::Utf8(Some(text)) => text,
            _ => String::new(),
        },
        ScalarValue::List(list) => array_text(&list.value(0), zone)?,
        ScalarValue::Struct(fields) => {
            let columns = fields.columns().iter().map(|column| ScalarValue::try_from_array(column, 0));
            row_text(&columns.collect::<Result<Vec<_>>>()?, zone)?
        }
        other if other.data_type().is_integer() => other.to_string(),
        other => {
            let text = format!("a value of type {} cannot be shown as text", other.data_type());
            return Err(sql_error(Code::FeatureNotSupported, text));
        }
    })
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The shortest text that reads back as the same double.
pub(super) fn double_text(value: f64) -> String {
    number_text(&format!("{value:e}"), value, 15)
}

/// `1.25e3` as `1250`; very large and very small numbers keep an exponent of two digits.
fn number_text(scientific: &str, value: f64, digits_max: i32) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    if !(-4..digits_max).contains(&exponent) {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.abs());
    }
    let digits: String = mantissa.chars().filter(|character| *character != '.').collect();
    match usize::try_from(exponent) {
        Ok(exponent) if exponent + 1 < digits.len() => {
            let (whole, fraction) = digits.split_at(exponent + 1);
            format!("{sign}{whole}.{fraction}")
        }
        Ok(exponent) => format!("{sign}{digits:0<width$}", width = exponent + 1),
        Err(_) => format!("{sign}0.{:0<zeros$}{digits}", "", zeros = (-exponent - 1).unsigned_abs() as usize),
    }
}

fn date_text(days: i32) -> Result<String> {
    let text = timestamp_text(i64::from(days) * DAY_US)?;
    Ok(text.replacen(" 00:00:00", "", 1))
}

/// `1 year 2 mons -3 days +04:05:06.7`.
pub(super) fn span_text(span: IntervalMonthDayNano) -> String {
    let us = span.nanoseconds / 1_000;
    let (mut out, mut negative_before) = (String::new(), false);
    for (amount, unit) in [(span.months / 12, "year"), (span.months % 12, "mon"), (span.days, "day")] {
        if amount != 0 {
            let space = if out.is_empty() { "" } else { " " };
            let sign = if negative_before && amount > 0 { "+" } else { "" };
            let plural = if amount == 1 { "" } else { "s" };
            let _ = write!(out, "{space}{sign}{amount} {unit}{plural}");
            negative_before = amount < 0;
        }
    }
    if us != 0 || out.is_empty() {
        let space = if out.is_empty() { "" } else { " " };
        let sign = match us {
            us if us < 0 => "-",
            _ if negative_before => "+",
            _ => "",
        };
        let _ = write!(out, "{space}{sign}{}", time_text(us.saturating_abs()));
    }
    out
}

/// `{1,"a b",NULL}`.
fn array_text(items: &dyn Array, zone: &Zone) -> Result<String> {
    let mut parts = Vec::with_capacity(items.len());
    for index in 0..items.len() {
        let item = ScalarValue::try_from_array(items, index)?;
        parts.push(match &item {
            _ if item.is_null() => "NULL".to_owned(),
            ScalarValue::List(_) => shown_in(&item, zone)?,
            _ => quoted_item(&shown_in(&item, zone)?),
        });
    }
    Ok(format!("{{{}}}", parts.join(",")))
}

fn quoted_item(item: &str) -> String {
    let special =
        |character: char| matches!(character, '{' | '}' | ',' | '"' | '\\') || character.is_ascii_whitespace();
    if !item.is_empty() && !item.eq_ignore_ascii_case("null") && !item.contains(special) {
        return item.to_owned();
    }
    format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `(1,"a b",)`.
fn row_text(values: &[ScalarValue], zone: &Zone) -> Result<String> {
    let mut parts = Vec::with_capacity(values.len());
    for value in values {
        let text = shown_in(value, zone)?;
        let special =
            |character: char| matches!(character, '(' | ')' | ',' | '"' | '\\') || character.is_ascii_whitespace();
        let plain = value.is_null() || (!text.is_empty() && !text.contains(special));
        parts.push(if plain { text } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\"")) });
    }
    Ok(format!("({})", parts.join(",")))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::IntervalMonthDayNano;
    use datafusion::common::ScalarValue;

    use super::{double_text, shown, span_text};

    #[test]
    fn numbers_and_spans_look_as_in_postgresql() {
        for (value, text) in
            [(1.5, "1.5"), (1e20, "1e+20"), (-0.0001, "-0.0001"), (1e-5, "1e-05"), (120.0, "120"), (0.0, "0")]
        {
            assert_eq!(double_text(value), text);
        }
        assert_eq!(span_text(IntervalMonthDayNano::new(14, -3, 3_600_000_000_000)), "1 year 2 mons -3 days +01:00:00");
        assert_eq!(span_text(IntervalMonthDayNano::new(0, 0, 0)), "00:00:00");
        let list = ScalarValue::new_list(
            &["a b", "c", "null"].map(|item| ScalarValue::Utf8(Some(item.to_owned()))),
            &super::super::TEXT,
            true,
        );
        assert_eq!(shown(&ScalarValue::List(list)).expect("text"), "{\"a b\",c,\"null\"}");
    }
}
