//! Days, times of day and instants in all of PostgreSQL's date styles.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use crate::session::{DateOrder, DateStyle, FormatSettings};
use crate::types::{Code, SqlError};

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL's binary forms begin.
pub(in crate::pg) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(in crate::pg) const EPOCH_US: i64 = 946_684_800_000_000;

fn out_of_range() -> SqlError {
    SqlError::new(Code::DatetimeFieldOverflow, "a date or time is out of range")
}

/// Writes a day (days since 1970).
pub(super) fn date_text(days: i32, settings: &FormatSettings, out: &mut BytesMut) -> Result<(), SqlError> {
    let start = NaiveDate::from_ymd_opt(1970, 1, 1).ok_or_else(out_of_range)?;
    let date = start.checked_add_signed(TimeDelta::days(i64::from(days))).ok_or_else(out_of_range)?;
    let (year, era) = year_of(date);
    let (month, day) = (date.month(), date.day());
    let _ = match (settings.date_style, settings.date_order) {
        (DateStyle::Iso, _) | (DateStyle::Postgres, DateOrder::YearFirst) => {
            write!(out, "{year:04}-{month:02}-{day:02}")
        }
        (DateStyle::Sql, DateOrder::DayFirst) => write!(out, "{day:02}/{month:02}/{year:04}"),
        (DateStyle::Sql, _) => write!(out, "{month:02}/{day:02}/{year:04}"),
        (DateStyle::German, _) => write!(out, "{day:02}.{month:02}.{year:04}"),
        (DateStyle::Postgres, DateOrder::DayFirst) => write!(out, "{day:02}-{month:02}-{year:04}"),
        (DateStyle::Postgres, DateOrder::MonthFirst) => write!(out, "{month:02}-{day:02}-{year:04}"),
    };
    out.put_slice(era.as_bytes());
    Ok(())
}

/// The year as it is counted, and the mark of years before Christ.
fn year_of(date: NaiveDate) -> (i32, &'static str) {
    let year = date.year();
    if year > 0 { (year, "") } else { (1 - year, " BC") }
}

/// Writes a time of day (microseconds since midnight).
pub(super) fn time_text(microseconds: i64, out: &mut BytesMut) {
    let seconds = microseconds.div_euclid(1_000_000);
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60);
    fraction(microseconds.rem_euclid(1_000_000), out);
}

/// Writes `.25` for a quarter of a second, nothing for none.
pub(super) fn fraction(microseconds: i64, out: &mut BytesMut) {
    if microseconds != 0 {
        let digits = format!("{microseconds:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// Writes an instant without zone (microseconds since 1970).
pub(super) fn timestamp_text(instant_us: i64, settings: &FormatSettings, out: &mut BytesMut) -> Result<(), SqlError> {
    let local = DateTime::from_timestamp_micros(instant_us).ok_or_else(out_of_range)?.naive_utc();
    let era = local_text(local, settings, out);
    out.put_slice(era.as_bytes());
    Ok(())
}

/// Writes an instant in the session's zone.
pub(super) fn timestamptz_text(instant_us: i64, settings: &FormatSettings, out: &mut BytesMut) -> Result<(), SqlError> {
    let offset = settings.zone.offset_seconds(instant_us);
    let utc = DateTime::from_timestamp_micros(instant_us).ok_or_else(out_of_range)?.naive_utc();
    let local = utc.checked_add_signed(TimeDelta::seconds(i64::from(offset))).ok_or_else(out_of_range)?;
    let era = local_text(local, settings, out);
    if settings.date_style == DateStyle::Iso {
        let (sign, seconds) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
        let _ = write!(out, "{sign}{:02}", seconds / 3600);
        if seconds % 3600 != 0 {
            let _ = write!(out, ":{:02}", seconds % 3600 / 60);
        }
        if seconds % 60 != 0 {
            let _ = write!(out, ":{:02}", seconds % 60);
        }
    } else {
        let _ = write!(out, " {}", settings.zone.abbreviation(instant_us));
    }
    out.put_slice(era.as_bytes());
    Ok(())
}

/// Writes day and time; returns the mark of years before Christ, which stands behind the zone.
fn local_text(local: NaiveDateTime, settings: &FormatSettings, out: &mut BytesMut) -> &'static str {
    let (year, era) = year_of(local.date());
    let (month, day) = (local.month(), local.day());
    if settings.date_style == DateStyle::Postgres {
        let (weekday, name) = (local.format("%a"), local.format("%b"));
        let _ = match settings.date_order {
            DateOrder::DayFirst => write!(out, "{weekday} {day:02} {name} "),
            DateOrder::MonthFirst | DateOrder::YearFirst => write!(out, "{weekday} {name} {day:02} "),
        };
        clock_text(local, out);
        let _ = write!(out, " {year:04}");
        return era;
    }
    let _ = match (settings.date_style, settings.date_order) {
        (DateStyle::Sql, DateOrder::DayFirst) => write!(out, "{day:02}/{month:02}/{year:04} "),
        (DateStyle::Sql, _) => write!(out, "{month:02}/{day:02}/{year:04} "),
        (DateStyle::German, _) => write!(out, "{day:02}.{month:02}.{year:04} "),
        _ => write!(out, "{year:04}-{month:02}-{day:02} "),
    };
    clock_text(local, out);
    era
}

fn clock_text(local: NaiveDateTime, out: &mut BytesMut) {
    let _ = write!(out, "{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second());
    fraction(i64::from(local.nanosecond() / 1_000), out);
}

/// Writes days since 2000.
pub(super) fn date_binary(days: i32, out: &mut BytesMut) -> Result<(), SqlError> {
    out.put_i32(days.checked_sub(EPOCH_DAYS).ok_or_else(out_of_range)?);
    Ok(())
}

/// Writes microseconds since 2000.
pub(super) fn timestamp_binary(instant_us: i64, out: &mut BytesMut) -> Result<(), SqlError> {
    out.put_i64(instant_us.checked_sub(EPOCH_US).ok_or_else(out_of_range)?);
    Ok(())
}
