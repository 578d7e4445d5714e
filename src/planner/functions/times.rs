//! Dates and times made, formatted, read, compared and taken apart; see `extracts` for fields.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use datafusion::arrow::datatypes::{DataType, Field, IntervalMonthDayNano};
use datafusion::error::Result;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};

use super::calendar::{DAY_US, local_of, out_of_range, plus};
use super::datum::{Datum, Row};
use super::function::sql_error;
use super::moments::{Moment, unknown_zone};
use super::typed::{Kind, Returns, Typed};
use super::{number_format, time_format, time_parse};
use crate::types::{Code, SqlType, Zone};

use Kind::{Date, Float, Int, Interval, Number, Text, Time, Timestamp, Timestamptz};

/// Functions that depend on their arguments alone.
pub(super) fn lasting() -> Vec<ScalarUDF> {
    let functions = vec![
        Typed::new("to_number")
            .takes(
                &[Text, Text],
                SqlType::Numeric,
                |row| Ok(number_format::to_number(row.text(0), row.text(1))?.into()),
            )
            .returning(Returns::Told(numeric_told)),
        Typed::new("to_date").takes(&[Text, Text], SqlType::Date, |row| {
            let parsed = time_parse::parse(row.text(0), row.text(1))?;
            Ok(date_of(parsed.local.date()))
        }),
        Typed::new("make_date")
            .takes(&[Int, Int, Int], SqlType::Date, |row| Ok(date_of(day(row.int(0), row.int(1), row.int(2))?))),
        Typed::new("make_time").takes(&[Int, Int, Float], SqlType::Time, |row| {
            Ok(Datum::time(clock(row.int(0), row.int(1), row.float(2))?))
        }),
        Typed::new("make_timestamp")
            .takes(&[Int, Int, Int, Int, Int, Float], SqlType::Timestamp, |row| Ok(Datum::local(made(row)?))),
        Typed::new("justify_hours").takes(&[Interval], SqlType::Interval, |row| justified(row.span(0), true, false)),
        Typed::new("justify_days").takes(&[Interval], SqlType::Interval, |row| justified(row.span(0), false, true)),
        Typed::new("justify_interval").takes(&[Interval], SqlType::Interval, |row| justified(row.span(0), true, true)),
        [Date, Timestamp, Timestamptz, Interval]
            .into_iter()
            .fold(Typed::new("isfinite"), |function, kind| function.takes(&[kind], SqlType::Bool, |_| Ok(true.into()))),
        Typed::new("time_difference").takes(&[Time, Time], SqlType::Interval, |row| {
            Ok(IntervalMonthDayNano::new(0, 0, (row.time(0) - row.time(1)) * 1_000).into())
        }),
        Typed::new("time_plus")
            .takes(&[Time, Interval], SqlType::Time, |row| Ok(Datum::time(turned(row.time(0), row.span(1), 1)))),
        Typed::new("time_minus")
            .takes(&[Time, Interval], SqlType::Time, |row| Ok(Datum::time(turned(row.time(0), row.span(1), -1)))),
        Typed::new("date_with_time").takes(&[Date, Time], SqlType::Timestamp, |row| {
            Ok(Datum::local(i64::from(row.date(0)) * DAY_US + row.time(1)))
        }),
        Typed::new("interval_of_time")
            .takes(&[Time], SqlType::Interval, |row| Ok(IntervalMonthDayNano::new(0, 0, row.time(0) * 1_000).into())),
        Typed::new("time_of_interval")
            .takes(&[Interval], SqlType::Time, |row| Ok(Datum::time(turned(0, row.span(0), 1)))),
    ];
    functions.into_iter().map(Typed::udf).collect()
}

/// Functions that depend on the session's zone or the statement's moment.
pub(super) fn of_moment(moment: &Moment) -> Vec<ScalarUDF> {
    let mut functions = formatting(moment);
    functions.push(ages(moment));
    functions.push(overlaps(moment));
    let zone = moment.zone.clone();
    let parts = [Int, Int, Int, Int, Int, Float, Text];
    functions.push(
        Typed::new("make_timestamptz")
            .takes(&parts[..6], SqlType::Timestamptz, move |row| instant_in(made(row)?, &zone))
            .takes(&parts, SqlType::Timestamptz, |row| {
                let zone = Zone::of_expression(row.text(6)).ok_or_else(|| unknown_zone(row.text(6)))?;
                instant_in(made(row)?, &zone)
            }),
    );
    functions.into_iter().map(|function| function.of_moment(moment).udf()).collect()
}

fn formatting(moment: &Moment) -> Vec<Typed> {
    let (zone, read_zone) = (moment.zone.clone(), moment.zone.clone());
    let day_zone = moment.zone.clone();
    vec![
        Typed::new("to_char")
            .takes(&[Timestamptz, Text], SqlType::Text, move |row| time_format::instant(row.us(0), row.text(1), &zone))
            .takes(&[Timestamp, Text], SqlType::Text, |row| time_format::local(row.us(0), row.text(1)))
            .takes(&[Date, Text], SqlType::Text, move |row| {
                let instant = day_zone.instant_us(i64::from(row.date(0)) * DAY_US).ok_or_else(out_of_range)?;
                time_format::instant(instant, row.text(1), &day_zone)
            })
            .takes(&[Interval, Text], SqlType::Text, |row| time_format::span(row.span(0), row.text(1)))
            .takes(&[Time, Text], SqlType::Text, |row| {
                time_format::span(IntervalMonthDayNano::new(0, 0, row.time(0) * 1_000), row.text(1))
            })
            .takes(&[Number, Text], SqlType::Text, |row| number_format::to_char(&row.scalar(0)?, row.text(1))),
        Typed::new("to_timestamp")
            .takes(&[Float], SqlType::Timestamptz, |row| {
                let us = (row.float(0) * 1e6).round_ties_even();
                if !us.is_finite() || us.abs() >= 9.2e18 {
                    return Err(out_of_range());
                }
                Ok(Datum::instant(us as i64))
            })
            .takes(&[Text, Text], SqlType::Timestamptz, move |row| {
                let parsed = time_parse::parse(row.text(0), row.text(1))?;
                let local = parsed.local.and_utc().timestamp_micros();
                match parsed.offset {
                    Some(seconds) => Ok(Datum::instant(local - i64::from(seconds) * 1_000_000)),
                    None => instant_in(local, &read_zone),
                }
            }),
    ]
}

fn ages(moment: &Moment) -> Typed {
    let (zone, now) = (moment.zone.clone(), moment.clone());
    let local_now = moment.clone();
    let today = |moment: &Moment| moment.local_now().map(|local| local.div_euclid(DAY_US) * DAY_US);
    Typed::new("age")
        .takes(&[Timestamptz, Timestamptz], SqlType::Interval, move |row| {
            age(local_of(row.us(0), &zone)?, local_of(row.us(1), &zone)?)
        })
        .takes(&[Timestamp, Timestamp], SqlType::Interval, |row| age(plain(row.us(0))?, plain(row.us(1))?))
        .takes(&[Timestamptz], SqlType::Interval, move |row| age(plain(today(&now)?)?, local_of(row.us(0), &now.zone)?))
        .takes(&[Timestamp], SqlType::Interval, move |row| age(plain(today(&local_now)?)?, plain(row.us(0))?))
}

/// `(a, b) OVERLAPS (c, d)`; an end may be given as a span from the start.
///
/// NULL where a missing end could decide, as the SQL standard has it; a missing start stands for the end.
fn overlaps(moment: &Moment) -> Typed {
    let mut function = Typed::new("overlaps");
    for kind in [Timestamptz, Timestamp, Date, Time] {
        for (one, other) in [(kind, kind), (Interval, kind), (kind, Interval), (Interval, Interval)] {
            let zone = if kind == Timestamptz { moment.zone.clone() } else { Zone::utc() };
            function = function
                .takes(&[kind, one, kind, other], SqlType::Bool, move |row| {
                    let (one, other) = (period(row, 0, kind, one, &zone)?, period(row, 2, kind, other, &zone)?);
                    Ok(one.zip(other).and_then(|(one, other)| one.overlaps(other)).into())
                })
                .with_null();
        }
    }
    function
}

/// A time from its start to its end, which may be unknown.
#[derive(Debug, Clone, Copy)]
struct Period {
    start: i64,
    end: Option<i64>,
}

impl Period {
    fn overlaps(self, other: Self) -> Option<bool> {
        let (first, second) = if self.start <= other.start { (self, other) } else { (other, self) };
        if first.start == second.start {
            return first.end.and(second.end).map(|_| true);
        }
        // The end of the second matters only where it could be before its own start.
        match second.start < first.end? {
            true => Some(true),
            false => second.end.map(|_| false),
        }
    }
}

/// The period of two arguments; none where neither end is known.
fn period(row: &Row<'_>, index: usize, kind: Kind, end: Kind, zone: &Zone) -> Result<Option<Period>> {
    let point = |index: usize| {
        let known = !row.is_null(index);
        known.then(|| match kind {
            Date => i64::from(row.date(index)) * DAY_US,
            Time => row.time(index),
            _ => row.us(index),
        })
    };
    let start = point(index);
    let end = match (end == Interval, start) {
        (false, _) => point(index + 1),
        (true, Some(start)) if !row.is_null(index + 1) => {
            let span = row.span(index + 1);
            Some(plus(start, span.months, span.days, span.nanoseconds / 1_000, zone)?)
        }
        (true, _) => None,
    };
    Ok(match (start, end) {
        (Some(start), Some(end)) => Some(Period { start: start.min(end), end: Some(start.max(end)) }),
        (Some(known), None) | (None, Some(known)) => Some(Period { start: known, end: None }),
        (None, None) => None,
    })
}

fn plain(us: i64) -> Result<NaiveDateTime> {
    Ok(DateTime::from_timestamp_micros(us).ok_or_else(out_of_range)?.naive_utc())
}

fn date_of(date: NaiveDate) -> Datum {
    Datum::date(date.num_days_from_ce() - 719_163)
}

fn instant_in(local: i64, zone: &Zone) -> Result<Datum> {
    Ok(Datum::instant(zone.instant_us(local).ok_or_else(out_of_range)?))
}

/// A numeric with as many digits as the pattern has behind its point.
fn numeric_told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    let pattern = arguments.scalar_arguments.get(1).copied().flatten().and_then(|text| text.try_as_str().flatten());
    let behind = |pattern: &str| {
        let fraction = pattern.split_once(['.', 'D', 'd']).map_or("", |(_, fraction)| fraction);
        fraction.chars().filter(|slot| matches!(slot, '0' | '9')).count()
    };
    let scale = i8::try_from(pattern.map_or(10, behind).min(30)).unwrap_or(10);
    Ok(Field::new("to_number", DataType::Decimal128(38, scale), true))
}

/// A day by its parts; a year below zero is before Christ.
fn day(year: i64, month: i64, day: i64) -> Result<NaiveDate> {
    let made = || {
        let year = i32::try_from(if year < 0 { year + 1 } else { year }).ok()?;
        NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
    };
    made().filter(|_| year != 0).ok_or_else(|| {
        let text = format!("date field value out of range: {year}-{month:02}-{day:02}");
        sql_error(Code::DatetimeFieldOverflow, text)
    })
}

/// A time of day by its parts, in microseconds.
fn clock(hour: i64, minute: i64, second: f64) -> Result<i64> {
    let us = (second * 1e6).round_ties_even();
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60e6).contains(&us);
    let midnight = hour == 24 && minute == 0 && us == 0.0;
    if !fits && !midnight {
        let text = format!("time field value out of range: {hour}:{minute:02}:{second}");
        return Err(sql_error(Code::DatetimeFieldOverflow, text));
    }
    Ok(hour * 3_600_000_000 + minute * 60_000_000 + us as i64)
}

/// Year, month, day, hour, minute, second as a local time.
fn made(row: &Row<'_>) -> Result<i64> {
    let date = day(row.int(0), row.int(1), row.int(2))?;
    Ok(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros() + clock(row.int(3), row.int(4), row.float(5))?)
}

/// The years, months, days and time between two local times.
fn age(later: NaiveDateTime, earlier: NaiveDateTime) -> Result<Datum> {
    let sign = if later < earlier { -1 } else { 1 };
    let (later, earlier) = if sign < 0 { (earlier, later) } else { (later, earlier) };
    let of_day = |time: NaiveDateTime| {
        i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.and_utc().timestamp_subsec_micros())
    };
    let mut us = of_day(later) - of_day(earlier);
    let mut days = i64::from(later.day()) - i64::from(earlier.day());
    let mut months =
        i64::from(later.year() - earlier.year()) * 12 + i64::from(later.month()) - i64::from(earlier.month());
    if us < 0 {
        us += DAY_US;
        days -= 1;
    }
    if days < 0 {
        // The month that is not full any more is the one in which the earlier time lies.
        days += i64::from(earlier.date().num_days_in_month());
        months -= 1;
    }
    let part = |value: i64| i32::try_from(value * sign).map_err(|_| out_of_range());
    Ok(IntervalMonthDayNano::new(part(months)?, part(days)?, us * sign * 1_000).into())
}

/// Time beyond a day becomes days, days beyond 30 months; all of one sign.
fn justified(span: IntervalMonthDayNano, hours: bool, days: bool) -> Result<Datum> {
    let (mut months, mut day, mut us) = (i64::from(span.months), i64::from(span.days), span.nanoseconds / 1_000);
    if hours {
        day += us / DAY_US;
        us %= DAY_US;
    }
    if days {
        months += day / 30;
        day %= 30;
        let rest = if hours { us } else { 0 };
        if months > 0 && (day < 0 || (day == 0 && rest < 0)) {
            (months, day) = (months - 1, day + 30);
        } else if months < 0 && (day > 0 || (day == 0 && rest > 0)) {
            (months, day) = (months + 1, day - 30);
        }
    }
    if hours && day > 0 && us < 0 {
        (day, us) = (day - 1, us + DAY_US);
    } else if hours && day < 0 && us > 0 {
        (day, us) = (day + 1, us - DAY_US);
    }
    let part = |value: i64| i32::try_from(value).map_err(|_| too_long());
    Ok(IntervalMonthDayNano::new(part(months)?, part(day)?, us * 1_000).into())
}

fn too_long() -> datafusion::error::DataFusionError {
    sql_error(Code::DatetimeFieldOverflow, "interval out of range")
}

/// A time of day moved around the clock.
fn turned(us: i64, span: IntervalMonthDayNano, sign: i64) -> i64 {
    (us + sign * (span.nanoseconds / 1_000 % DAY_US)).rem_euclid(DAY_US)
}
