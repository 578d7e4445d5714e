//! Instants and the calendar of a zone: truncation, spans of months and days, texts.
//!
//! Everything is microseconds: an instant since 1970 UTC, a local time as if it were UTC. Where a
//! zone skips or repeats an hour, the rules are PostgreSQL's (its documentation, chapter 9.9).

use std::fmt::Write;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::error::Result;

use super::function::sql_error;
use crate::types::{Code, Zone};

/// Microseconds of a day.
pub(super) const DAY_US: i64 = 86_400_000_000;
/// Farther than any zone is from UTC, so that it can widen a bound on instants.
pub(super) const ZONES_SPAN_US: i64 = 26 * 3_600_000_000;

/// What date_trunc truncates to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of microseconds that divides the day; the offset stays.
    Short(i64),
    Day,
    Week,
    Month,
    Quarter,
    /// A number of years; the count begins in the year 1 where it is 100 or more.
    Years(i32),
}

impl Unit {
    /// By any of the names that PostgreSQL takes.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" | "microsecond" | "microseconds" => {
                Self::Short(1)
            }
            "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" | "millisecond" | "milliseconds" => {
                Self::Short(1_000)
            }
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Short(1_000_000),
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Short(60_000_000),
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Short(3_600_000_000),
            "d" | "day" | "days" => Self::Day,
            "w" | "week" | "weeks" => Self::Week,
            "mon" | "mons" | "month" | "months" => Self::Month,
            "qtr" | "quarter" => Self::Quarter,
            "y" | "yr" | "yrs" | "year" | "years" => Self::Years(1),
            "dec" | "decs" | "decade" | "decades" => Self::Years(10),
            "c" | "cent" | "century" | "centuries" => Self::Years(100),
            "mil" | "mils" | "millennia" | "millennium" => Self::Years(1000),
            _ => return None,
        })
    }

    /// The longest that one such unit lasts, changes of offset left out.
    pub(super) fn longest_us(self) -> i64 {
        match self {
            Self::Short(length) => length,
            Self::Day => DAY_US,
            Self::Week => 7 * DAY_US,
            Self::Month => 31 * DAY_US,
            Self::Quarter => 92 * DAY_US,
            Self::Years(years) => i64::from(years) * 366 * DAY_US,
        }
    }
}

/// `date_trunc(unit, instant)` in a zone.
pub(super) fn truncate(unit: Unit, instant: i64, zone: &Zone) -> Result<i64> {
    let local = zone.local_us(instant).ok_or_else(out_of_range)?;
    if let Unit::Short(length) = unit {
        // The offset of the instant stays, so that an hour that comes twice remains apart.
        return Ok(instant - local.rem_euclid(length));
    }
    let day = date_of(local)?;
    let start = match unit {
        Unit::Short(_) | Unit::Day => Some(day),
        Unit::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
        Unit::Month => day.with_day(1),
        Unit::Quarter => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1),
        Unit::Years(1) => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        Unit::Years(_) if day.year() < 1 => {
            return Err(sql_error(Code::FeatureNotSupported, "truncating years before Christ is not supported"));
        }
        Unit::Years(10) => NaiveDate::from_ymd_opt(day.year() / 10 * 10, 1, 1),
        Unit::Years(years) => NaiveDate::from_ymd_opt((day.year() - 1) / years * years + 1, 1, 1),
    };
    instant_of_date(start.ok_or_else(out_of_range)?, zone)
}

/// An instant moved by months, then days of the zone's calendar, then microseconds.
pub(super) fn plus(instant: i64, months: i32, days: i32, us: i64, zone: &Zone) -> Result<i64> {
    let mut moved = instant;
    if months != 0 {
        let local = local_of(moved, zone)?;
        let count = Months::new(months.unsigned_abs());
        let local = if months < 0 { local.checked_sub_months(count) } else { local.checked_add_months(count) };
        moved = instant_of(local.ok_or_else(out_of_range)?, zone)?;
    }
    if days != 0 {
        let local = zone.local_us(moved).and_then(|local| local.checked_add(i64::from(days) * DAY_US));
        moved = local.and_then(|local| zone.instant_us(local)).ok_or_else(out_of_range)?;
    }
    moved.checked_add(us).ok_or_else(out_of_range)
}

/// The local time at an instant.
pub(super) fn local_of(instant: i64, zone: &Zone) -> Result<NaiveDateTime> {
    let local = zone.local_us(instant).ok_or_else(out_of_range)?;
    Ok(DateTime::from_timestamp_micros(local).ok_or_else(out_of_range)?.naive_utc())
}

fn instant_of(local: NaiveDateTime, zone: &Zone) -> Result<i64> {
    zone.instant_us(local.and_utc().timestamp_micros()).ok_or_else(out_of_range)
}

/// The instant at which a day begins in a zone.
pub(super) fn instant_of_date(date: NaiveDate, zone: &Zone) -> Result<i64> {
    instant_of(date.and_time(NaiveTime::MIN), zone)
}

/// Days since 1970 of a local time.
pub(super) fn days_of(local_us: i64) -> Result<i32> {
    i32::try_from(local_us.div_euclid(DAY_US)).map_err(|_| out_of_range())
}

fn date_of(local_us: i64) -> Result<NaiveDate> {
    DateTime::from_timestamp_micros(local_us).map(|local| local.date_naive()).ok_or_else(out_of_range)
}

/// `2025-12-08 19:00:00.5`, as PostgreSQL's DateStyle ISO shows it; and the mark of years before Christ.
fn local_text(local: NaiveDateTime) -> (String, &'static str) {
    let (year, era) = if local.year() > 0 { (local.year(), "") } else { (1 - local.year(), " BC") };
    let mut text = format!("{year:04}-{}", local.format("%m-%d %H:%M:%S"));
    fraction(i64::from(local.and_utc().timestamp_subsec_micros()), &mut text);
    (text, era)
}

fn fraction(us: i64, text: &mut String) {
    if us != 0 {
        let digits = format!("{us:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
}

/// A local time as text.
pub(super) fn timestamp_text(local_us: i64) -> Result<String> {
    let (text, era) = local_text(DateTime::from_timestamp_micros(local_us).ok_or_else(out_of_range)?.naive_utc());
    Ok(text + era)
}

/// A time of day as text.
pub(super) fn time_text(us: i64) -> String {
    let seconds = us.div_euclid(1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    fraction(us.rem_euclid(1_000_000), &mut text);
    text
}

/// An instant as text with the zone's offset.
pub(super) fn timestamptz_text(instant: i64, zone: &Zone) -> Result<String> {
    let (mut text, era) = local_text(local_of(instant, zone)?);
    text += &offset_text(zone.offset_seconds(instant));
    Ok(text + era)
}

/// `+01`, `-03:30`.
pub(super) fn offset_text(offset: i32) -> String {
    let (sign, seconds) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
    let mut text = format!("{sign}{:02}", seconds / 3600);
    if seconds % 3600 != 0 {
        let _ = write!(text, ":{:02}", seconds / 60 % 60);
    }
    if seconds % 60 != 0 {
        let _ = write!(text, ":{:02}", seconds % 60);
    }
    text
}

/// The error for an instant that does not fit.
pub(super) fn out_of_range() -> datafusion::error::DataFusionError {
    sql_error(Code::DatetimeFieldOverflow, "timestamp out of range")
}
