//! `extract` and `date_part`: fields of instants, times, days and spans.
//!
//! The two differ in the type of what they give: `extract` a numeric with as many digits behind the
//! point as the field has, `date_part` a double.

use chrono::{DateTime, Datelike, NaiveDateTime};
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};

use super::calendar::{DAY_US, out_of_range};
use super::datum::{Datum, Row};
use super::function::sql_error;
use super::moments::Moment;
use super::time_format::julian;
use super::typed::{Kind, Returns, Typed};
use crate::types::{Code, SqlType, Zone};

use Kind::{Date, Interval, Text, Time, Timestamp, Timestamptz};

/// Digits that the numeric of a field has, and those behind its point.
const PRECISION: u8 = 20;
const JULIAN: (u8, i8) = (38, 20);
/// What every field is counted in until the end.
const ONE: i128 = 1_000_000;

/// A field of a date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Microseconds,
    Milliseconds,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Julian,
    IsoYear,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Epoch,
    Zone,
    ZoneHour,
    ZoneMinute,
}

impl Part {
    fn named(name: &str) -> Option<Self> {
        Some(match name.trim_matches(['\'', '"', ' ']).to_ascii_lowercase().as_str() {
            "us" | "usec" | "usecs" | "microsecond" | "microseconds" => Self::Microseconds,
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => Self::Milliseconds,
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Hour,
            "d" | "day" | "days" => Self::Day,
            "w" | "week" | "weeks" => Self::Week,
            "mon" | "mons" | "month" | "months" => Self::Month,
            "qtr" | "quarter" => Self::Quarter,
            "y" | "yr" | "yrs" | "year" | "years" => Self::Year,
            "dec" | "decs" | "decade" | "decades" => Self::Decade,
            "c" | "cent" | "century" | "centuries" => Self::Century,
            "mil" | "mils" | "millennium" | "millennia" => Self::Millennium,
            "julian" | "jd" | "j" => Self::Julian,
            "isoyear" => Self::IsoYear,
            "dow" => Self::DayOfWeek,
            "isodow" => Self::IsoDayOfWeek,
            "doy" => Self::DayOfYear,
            "epoch" => Self::Epoch,
            "timezone" => Self::Zone,
            "timezone_h" | "timezone_hour" => Self::ZoneHour,
            "timezone_m" | "timezone_minute" => Self::ZoneMinute,
            _ => return None,
        })
    }

    /// Precision and scale of the numeric.
    fn digits(self, of: Kind) -> (u8, i8) {
        match self {
            Self::Julian if of != Date => JULIAN,
            Self::Epoch if of != Date => (PRECISION, 6),
            Self::Second => (PRECISION, 6),
            Self::Milliseconds => (PRECISION, 3),
            _ => (PRECISION, 0),
        }
    }
}

/// The functions of this file.
pub(super) fn functions(moment: &Moment) -> Vec<ScalarUDF> {
    let numeric = |row: &Row<'_>, of: Kind, zone: &Zone| -> Result<Datum> {
        let part = named(row.text(0), of)?;
        let (precision, scale) = part.digits(of);
        let value = match (part, of) {
            // A fraction of a day has more digits than millionths.
            (Part::Julian, Timestamp | Timestamptz) => precise_julian(local(row.us(1), of, zone)?),
            _ => value(part, row, of, zone)? / 10_i128.pow(6 - u32::from(scale.unsigned_abs())),
        };
        Ok(ScalarValue::Decimal128(Some(value), precision, scale).into())
    };
    #[allow(clippy::cast_precision_loss, reason = "a double is what date_part gives")]
    let double = |row: &Row<'_>, of: Kind, zone: &Zone| -> Result<Datum> {
        let part = named(row.text(0), of)?;
        Ok((value(part, row, of, zone)? as f64 / 1e6).into())
    };
    let mut extract = Typed::new("extract");
    let mut date_part = Typed::new("date_part");
    // To date_part a day is a timestamp, with a time of day.
    date_part = date_part.takes(&[Text, Date], SqlType::Float8, move |row| {
        let part = named(row.text(0), Timestamp)?;
        of_moment(part, i64::from(row.date(1)) * DAY_US, Timestamp, &Zone::utc())
            .and_then(|value| value.ok_or_else(|| unsupported(row.text(0), Timestamp)))
            .map(|value| (value as f64 / 1e6).into())
    });
    for of in [Timestamptz, Timestamp, Date, Time, Interval] {
        let zone = moment.zone.clone();
        extract = extract
            .takes(&[Text, of], SqlType::Numeric, move |row| numeric(row, of, &zone))
            .returning(Returns::Told(told));
        let zone = moment.zone.clone();
        if of != Date {
            date_part = date_part.takes(&[Text, of], SqlType::Float8, move |row| double(row, of, &zone));
        }
    }
    [extract, date_part].map(|function| function.of_moment(moment).udf()).to_vec()
}

/// The numeric of a field that is written out; of another it has all digits.
fn told(arguments: &ReturnFieldArgs<'_>) -> Result<datafusion::arrow::datatypes::Field> {
    let name = arguments.scalar_arguments.first().copied().flatten().and_then(|name| name.try_as_str().flatten());
    let of = match arguments.arg_fields.get(1).map(|field| field.data_type()) {
        Some(DataType::Date32) => Date,
        _ => Timestamp,
    };
    let (precision, scale) = name.and_then(Part::named).map_or((PRECISION, 6), |part| part.digits(of));
    Ok(datafusion::arrow::datatypes::Field::new("extract", DataType::Decimal128(precision, scale), true))
}

fn type_name(of: Kind) -> String {
    match of {
        Date => SqlType::Date,
        Time => SqlType::Time,
        Interval => SqlType::Interval,
        Timestamp => SqlType::Timestamp,
        _ => SqlType::Timestamptz,
    }
    .spelling()
}

fn named(name: &str, of: Kind) -> Result<Part> {
    Part::named(name).ok_or_else(|| {
        let shown: String = name.chars().take(40).collect();
        let text = format!("unit \"{shown}\" not recognized for type {}", type_name(of));
        sql_error(Code::InvalidParameterValue, text)
    })
}

fn unsupported(name: &str, of: Kind) -> DataFusionError {
    let shown: String = name.chars().take(40).collect();
    let text = format!("unit \"{shown}\" not supported for type {}", type_name(of));
    sql_error(Code::FeatureNotSupported, text)
}

fn local(us: i64, of: Kind, zone: &Zone) -> Result<NaiveDateTime> {
    if of == Timestamptz {
        return super::calendar::local_of(us, zone);
    }
    Ok(DateTime::from_timestamp_micros(us).ok_or_else(out_of_range)?.naive_utc())
}

fn precise_julian(local: NaiveDateTime) -> i128 {
    let of_day = local.and_utc().timestamp_micros().rem_euclid(DAY_US);
    let unit = 10_i128.pow(20);
    i128::from(julian(local.date())) * unit + i128::from(of_day) * unit / i128::from(DAY_US)
}

/// A field in millionths.
fn value(part: Part, row: &Row<'_>, of: Kind, zone: &Zone) -> Result<i128> {
    let unsupported = || unsupported(row.text(0), of);
    match of {
        Interval => of_span(part, row.span(1)).ok_or_else(unsupported),
        Time => of_clock(part, row.time(1)).ok_or_else(unsupported),
        Date => {
            let local = local(i64::from(row.date(1)) * DAY_US, Timestamp, zone)?;
            of_day(part, local).ok_or_else(unsupported)
        }
        _ => of_moment(part, row.us(1), of, zone)?.ok_or_else(unsupported),
    }
}

/// Fields of a timestamp, with or without zone.
fn of_moment(part: Part, us: i64, of: Kind, zone: &Zone) -> Result<Option<i128>> {
    let zoned = of == Timestamptz;
    let offset = i128::from(zone.offset_seconds(us));
    Ok(match part {
        Part::Epoch => Some(i128::from(us)),
        Part::Zone if zoned => Some(offset * ONE),
        Part::ZoneHour if zoned => Some(offset / 3600 * ONE),
        Part::ZoneMinute if zoned => Some(offset / 60 % 60 * ONE),
        Part::Julian => Some(precise_julian(local(us, of, zone)?) / 10_i128.pow(14)),
        _ => {
            let local = local(us, of, zone)?;
            let clock = local.and_utc().timestamp_micros().rem_euclid(DAY_US);
            of_clock(part, clock).or_else(|| of_day(part, local))
        }
    })
}

/// Fields of a time of day.
fn of_clock(part: Part, us: i64) -> Option<i128> {
    let us = i128::from(us);
    Some(match part {
        Part::Microseconds => us % 60_000_000 * ONE,
        Part::Milliseconds => us % 60_000_000 * 1_000,
        Part::Second => us % 60_000_000,
        Part::Minute => us / 60_000_000 % 60 * ONE,
        Part::Hour => us / 3_600_000_000 * ONE,
        Part::Epoch => us,
        _ => return None,
    })
}

/// Fields of a day.
fn of_day(part: Part, local: NaiveDateTime) -> Option<i128> {
    let (date, year) = (local.date(), i128::from(local.year()));
    // There is no year 0: 1 BC is the year before 1.
    let shown_year = if year > 0 { year } else { year - 1 };
    let counted = |length: i128| if year > 0 { (year + length - 1) / length } else { -((length - year) / length) };
    let whole = match part {
        Part::Day => i128::from(date.day()),
        Part::Week => i128::from(date.iso_week().week()),
        Part::Month => i128::from(date.month()),
        Part::Quarter => i128::from(date.month0() / 3 + 1),
        Part::Year => shown_year,
        Part::Decade => year.div_euclid(10),
        Part::Century => counted(100),
        Part::Millennium => counted(1_000),
        Part::Julian => i128::from(julian(date)),
        Part::IsoYear => {
            let year = i128::from(date.iso_week().year());
            if year > 0 { year } else { year - 1 }
        }
        Part::DayOfWeek => i128::from(date.weekday().num_days_from_sunday()),
        Part::IsoDayOfWeek => i128::from(date.weekday().number_from_monday()),
        Part::DayOfYear => i128::from(date.ordinal()),
        Part::Epoch => i128::from(local.and_utc().timestamp()),
        _ => return None,
    };
    Some(whole * ONE)
}

/// Fields of a span.
fn of_span(part: Part, span: IntervalMonthDayNano) -> Option<i128> {
    let us = i128::from(span.nanoseconds / 1_000);
    let (years, months) = (i128::from(span.months / 12), i128::from(span.months % 12));
    let whole = match part {
        Part::Epoch => {
            // A year has 365.25 days.
            let days = years * 36_525 + (months * 30 + i128::from(span.days)) * 100;
            return Some(days * 864 * ONE + us);
        }
        Part::Microseconds | Part::Milliseconds | Part::Second | Part::Minute => {
            return of_clock(part, i64::try_from(us).ok()?);
        }
        Part::Hour => us / 3_600_000_000,
        Part::Day => i128::from(span.days),
        Part::Month => months,
        Part::Quarter => months / 3 + 1,
        Part::Year => years,
        Part::Decade => years / 10,
        Part::Century => years / 100,
        Part::Millennium => years / 1_000,
        _ => return None,
    };
    Some(whole * ONE)
}
