//! Values as texts, for the details of errors: as PostgreSQL shows them with its default settings, in UTC.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Timelike};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::arrow::util::display::array_value_to_string;

use crate::types::float::{float4_text, float8_text};
use crate::types::{Numeric, SqlType};

/// A value that is not NULL; values of a type that is not stored are shown as the engine does.
pub(super) fn value_text(column: &dyn Array, row: usize, sql_type: SqlType) -> String {
    match column.data_type() {
        DataType::Boolean => if column.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => float4_text(column.as_primitive::<Float32Type>().value(row), 1),
        DataType::Float64 => float8_text(column.as_primitive::<Float64Type>().value(row), 1),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => format!("\\x{}", hexadecimal(column.as_binary::<i32>().value(row))),
        DataType::FixedSizeBinary(16) => uuid_text(column.as_fixed_size_binary().value(row)),
        DataType::Decimal128(_, scale) => {
            let value = column.as_primitive::<Decimal128Type>().value(row);
            Numeric { value, scale: scale.unsigned_abs() }.to_string()
        }
        DataType::Date32 => date_text(column.as_primitive::<Date32Type>().value(row)),
        DataType::Time64(_) => time_text(column.as_primitive::<Time64MicrosecondType>().value(row)),
        DataType::Timestamp(_, zone) => {
            let text = instant_text(column.as_primitive::<TimestampMicrosecondType>().value(row));
            if zone.is_some() && !text.ends_with("infinity") { with_offset(&text) } else { text }
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            span_text(column.as_primitive::<IntervalMonthDayNanoType>().value(row))
        }
        DataType::List(_) => list_text(column.as_list::<i32>().value(row).as_ref(), sql_type),
        _ => array_value_to_string(column, row).unwrap_or_default(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uuid_text(bytes: &[u8]) -> String {
    uuid::Uuid::from_slice(bytes).map(|id| id.to_string()).unwrap_or_default()
}

/// The offset stands before the era.
fn with_offset(text: &str) -> String {
    match text.strip_suffix(" BC") {
        Some(text) => format!("{text}+00 BC"),
        None => format!("{text}+00"),
    }
}

fn year_text(date: NaiveDate) -> (String, &'static str) {
    let (_, year) = date.year_ce();
    (format!("{year:04}-{:02}-{:02}", date.month(), date.day()), if date.year() > 0 { "" } else { " BC" })
}

fn date_text(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        days => match DateTime::UNIX_EPOCH.date_naive().checked_add_signed(Duration::days(days.into())) {
            Some(date) => {
                let (text, era) = year_text(date);
                format!("{text}{era}")
            }
            None => days.to_string(),
        },
    }
}

fn clock_text(clock: impl Timelike) -> String {
    let micros = clock.nanosecond() / 1_000;
    let text = format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second());
    if micros == 0 { text } else { format!("{text}.{}", format!("{micros:06}").trim_end_matches('0')) }
}

fn instant_text(us: i64) -> String {
    match us {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        us => match DateTime::from_timestamp_micros(us).map(|instant| instant.naive_utc()) {
            Some(instant) => local_text(instant),
            None => us.to_string(),
        },
    }
}

fn local_text(instant: NaiveDateTime) -> String {
    let (date, era) = year_text(instant.date());
    format!("{date} {}{era}", clock_text(instant.time()))
}

/// 24:00:00 is a time of day, too.
fn time_text(us: i64) -> String {
    span_clock(us.into())
}

fn span_clock(us: i128) -> String {
    let (sign, us) = (if us < 0 { "-" } else { "" }, us.unsigned_abs());
    let (seconds, micros) = (us / 1_000_000, us % 1_000_000);
    let text = format!("{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if micros == 0 { text } else { format!("{text}.{}", format!("{micros:06}").trim_end_matches('0')) }
}

fn span_text(span: IntervalMonthDayNano) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut is_before_negative = false;
    for (count, unit) in [(span.months / 12, "year"), (span.months % 12, "mon"), (span.days, "day")] {
        if count != 0 {
            let sign = if is_before_negative && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{sign}{count} {unit}{plural}"));
            is_before_negative = count < 0;
        }
    }
    let us = i128::from(span.nanoseconds / 1_000);
    if us != 0 || parts.is_empty() {
        let sign = if is_before_negative && us >= 0 { "+" } else { "" };
        parts.push(format!("{sign}{}", span_clock(us)));
    }
    parts.join(" ")
}

fn list_text(items: &dyn Array, sql_type: SqlType) -> String {
    let item_type = sql_type.item().unwrap_or(SqlType::Text);
    let item = |row: usize| {
        if items.is_null(row) {
            return "NULL".to_owned();
        }
        let text = value_text(items, row, item_type);
        let is_special = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\\' | '{' | '}' | ',');
        if text.is_empty() || text.eq_ignore_ascii_case("null") || text.contains(is_special) {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            text
        }
    };
    let items: Vec<String> = (0..items.len()).map(item).collect();
    format!("{{{}}}", items.join(","))
}
