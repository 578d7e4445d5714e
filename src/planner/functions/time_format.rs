//! `to_char` of dates, times, instants and spans.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::error::Result;

use super::calendar::out_of_range;
use super::datum::Datum;
use super::function::sql_error;
use super::time_pattern::{DAYS, Field, Item, Letters, MONTHS, Piece, ROMAN_MONTHS, pieces};
use crate::types::{Code, Zone};

/// What fields are read from.
struct Told {
    year: i64,
    month: u32,
    day: i64,
    /// Hours, of a span more than 24 and below zero too.
    hour: i64,
    minute: i64,
    second: i64,
    us: i64,
    /// None of a span.
    date: Option<NaiveDate>,
    /// Name and seconds east of UTC.
    zone: Option<(String, i32)>,
}

/// A local time by a pattern.
pub(super) fn local(us: i64, pattern: &str) -> Result<Datum> {
    let told = of_local(DateTime::from_timestamp_micros(us).ok_or_else(out_of_range)?.naive_utc(), None);
    formatted(&told, pattern)
}

/// An instant by a pattern, in a zone.
pub(super) fn instant(us: i64, pattern: &str, zone: &Zone) -> Result<Datum> {
    let local = super::calendar::local_of(us, zone)?;
    formatted(&of_local(local, Some((zone.abbreviation(us), zone.offset_seconds(us)))), pattern)
}

/// A span by a pattern.
pub(super) fn span(span: IntervalMonthDayNano, pattern: &str) -> Result<Datum> {
    let us = span.nanoseconds / 1_000;
    let told = Told {
        year: i64::from(span.months / 12),
        month: (span.months % 12).unsigned_abs(),
        day: i64::from(span.days),
        hour: us / 3_600_000_000,
        minute: us / 60_000_000 % 60,
        second: us / 1_000_000 % 60,
        us: us % 1_000_000,
        date: None,
        zone: None,
    };
    formatted(&told, pattern)
}

fn of_local(local: NaiveDateTime, zone: Option<(String, i32)>) -> Told {
    Told {
        year: i64::from(local.year()),
        month: local.month(),
        day: i64::from(local.day()),
        hour: i64::from(local.hour()),
        minute: i64::from(local.minute()),
        second: i64::from(local.second()),
        us: i64::from(local.and_utc().timestamp_subsec_micros()),
        date: Some(local.date()),
        zone,
    }
}

/// An empty pattern gives NULL, as in PostgreSQL.
fn formatted(told: &Told, pattern: &str) -> Result<Datum> {
    if pattern.is_empty() {
        return Ok(Datum::NULL);
    }
    let mut out = String::new();
    for piece in pieces(pattern) {
        match piece {
            Piece::Plain { character, .. } => out.push(character),
            Piece::Item(item) => field(told, &item, &mut out)?,
        }
    }
    Ok(out.into())
}

fn field(told: &Told, item: &Item, out: &mut String) -> Result<()> {
    if let Some(number) = number(told, item)? {
        out.push_str(&number);
        if let Some(letters) = item.ordinal {
            out.push_str(ordinal(&number, letters));
        }
        return Ok(());
    }
    let name = |name: &str, width: usize| {
        let name = cased(name, item.letters);
        if item.fill || item.translated { name } else { format!("{name:width$}") }
    };
    match item.field {
        Field::Era => out.push_str(&dotted(if told.year <= 0 { "BC" } else { "AD" }, item)),
        Field::HalfDay => out.push_str(&dotted(if told.hour.rem_euclid(24) >= 12 { "PM" } else { "AM" }, item)),
        Field::MonthName | Field::MonthShort => {
            let Some(full) = (told.month as usize).checked_sub(1).and_then(|month| MONTHS.get(month)) else {
                return Ok(());
            };
            out.push_str(&if item.field == Field::MonthName { name(full, 9) } else { name(&full[..3], 3) });
        }
        Field::DayName | Field::DayShort => {
            let full = DAYS[date(told)?.weekday().num_days_from_sunday() as usize];
            out.push_str(&if item.field == Field::DayName { name(full, 9) } else { name(&full[..3], 3) });
        }
        Field::Roman => {
            if let Some(month) = (told.month as usize).checked_sub(1).and_then(|month| ROMAN_MONTHS.get(month)) {
                out.push_str(&name(month, 4));
            }
        }
        Field::ZoneName => {
            out.push_str(&cased(told.zone.as_ref().map_or("", |(name, _)| name.as_str()), item.letters));
        }
        Field::Offset | Field::ZoneHour => {
            let seconds = offset(told)?;
            let sign = if seconds < 0 { '-' } else { '+' };
            let _ = write!(out, "{sign}{:02}", seconds.abs() / 3600);
            if item.field == Field::Offset && seconds.abs() % 3600 != 0 {
                let _ = write!(out, ":{:02}", seconds.abs() / 60 % 60);
            }
        }
        _ => {}
    }
    Ok(())
}

fn offset(told: &Told) -> Result<i32> {
    date(told)?;
    Ok(told.zone.as_ref().map_or(0, |(_, seconds)| *seconds))
}

/// The day; a span has none.
fn date(told: &Told) -> Result<NaiveDate> {
    told.date
        .ok_or_else(|| sql_error(Code::InvalidDatetimeFormat, "invalid format specification for an interval value"))
}

/// Fields that are numbers; none for the others.
fn number(told: &Told, item: &Item) -> Result<Option<String>> {
    // A year before Christ counts from 1.
    let shown_year = |year: i64| if told.date.is_some() && year <= 0 { 1 - year } else { year };
    let padded = |value: i64, width: usize| {
        let width = if item.fill { 0 } else { width + usize::from(value < 0) };
        format!("{value:0width$}")
    };
    let last_digits = |year: i64, digits: u32| match digits {
        4 => padded(shown_year(year), 4),
        digits => padded(shown_year(year) % 10_i64.pow(digits), digits as usize),
    };
    Ok(Some(match item.field {
        Field::Hour24 => padded(told.hour, 2),
        Field::Hour12 => padded(if told.hour % 12 == 0 { 12 } else { told.hour % 12 }, 2),
        Field::Minute => padded(told.minute, 2),
        Field::Second => padded(told.second, 2),
        Field::Millisecond => format!("{:03}", told.us / 1_000),
        Field::Microsecond => format!("{:06}", told.us),
        Field::Fraction(digits) => {
            format!("{:0width$}", told.us / 10_i64.pow(6 - digits), width = digits as usize)
        }
        Field::SecondOfDay => (told.hour * 3600 + told.minute * 60 + told.second).to_string(),
        Field::ZoneMinute => format!("{:02}", offset(told)?.abs() / 60 % 60),
        Field::Month => padded(i64::from(told.month), 2),
        Field::Day => padded(told.day, 2),
        Field::Quarter if told.month == 0 => String::new(),
        Field::Quarter => ((told.month - 1) / 3 + 1).to_string(),
        Field::WeekOfMonth => ((told.day - 1) / 7 + 1).to_string(),
        Field::Century => padded(century(told), 2),
        Field::YearComma => {
            let year = shown_year(told.year);
            format!("{},{:03}", year / 1000, (year % 1000).abs())
        }
        Field::Year(digits) => last_digits(told.year, digits),
        _ => return of_day(told, item.field, padded, last_digits),
    }))
}

/// Fields that only a day has.
fn of_day(
    told: &Told,
    field: Field,
    padded: impl Fn(i64, usize) -> String,
    last_digits: impl Fn(i64, u32) -> String,
) -> Result<Option<String>> {
    let iso = |date: NaiveDate| date.iso_week();
    Ok(Some(match field {
        Field::DayOfYear => padded(i64::from(date(told)?.ordinal()), 3),
        Field::IsoDayOfYear => {
            let date = date(told)?;
            padded(i64::from((iso(date).week() - 1) * 7 + date.weekday().number_from_monday()), 3)
        }
        Field::DayOfWeek => (date(told)?.weekday().num_days_from_sunday() + 1).to_string(),
        Field::IsoDay => date(told)?.weekday().number_from_monday().to_string(),
        Field::Week => padded(i64::from(date(told)?.ordinal0() / 7 + 1), 2),
        Field::IsoWeek => padded(i64::from(iso(date(told)?).week()), 2),
        Field::IsoYear(digits) => last_digits(i64::from(iso(date(told)?).year()), digits),
        Field::Julian => julian(date(told)?).to_string(),
        _ => return Ok(None),
    }))
}

/// Days since the beginning of the year 4714 BC.
pub(super) fn julian(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()) + 1_721_425
}

fn century(told: &Told) -> i64 {
    match (told.date, told.year) {
        (None, year) => year / 100,
        (Some(_), year) if year > 0 => (year - 1) / 100 + 1,
        (Some(_), year) => year / 100 - 1,
    }
}

fn cased(text: &str, letters: Letters) -> String {
    match letters {
        Letters::Upper => text.to_uppercase(),
        Letters::Lower => text.to_lowercase(),
        Letters::Capital => text.to_owned(),
    }
}

/// `AM` or `A.M.`
fn dotted(text: &str, item: &Item) -> String {
    let text = if item.dotted { text.chars().flat_map(|letter| [letter, '.']).collect() } else { text.to_owned() };
    cased(&text, item.letters)
}

/// `st`, `nd`, `rd` or `th`.
pub(super) fn ordinal(number: &str, letters: Letters) -> &'static str {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    let teens = digits.len() > 1 && digits[digits.len() - 2] == b'1';
    let (upper, lower) = match digits.last() {
        Some(b'1') if !teens => ("ST", "st"),
        Some(b'2') if !teens => ("ND", "nd"),
        Some(b'3') if !teens => ("RD", "rd"),
        _ => ("TH", "th"),
    };
    if letters == Letters::Upper { upper } else { lower }
}
