//! Days, times and instants in the forms that drivers send: ISO 8601 with or without a zone.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::session::Zone;

/// Days since 1970.
pub(super) fn date(text: &str) -> Option<i32> {
    let (day, rest) = day_part(text)?;
    // A time and a zone behind the day are allowed and left out, as in PostgreSQL.
    let (clock, zone) = clock_and_zone(rest)?;
    if !zone.is_empty() {
        offset_of(zone, &day.and_time(clock))?;
    }
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// Microseconds since midnight.
pub(super) fn time(text: &str) -> Option<i64> {
    let (clock, rest) = clock_part(text)?;
    rest.is_empty().then(|| clock.signed_duration_since(NaiveTime::MIN).num_microseconds())?
}

/// Microseconds since 1970; a zone is left out, as in PostgreSQL.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let (local, zone) = local_part(text)?;
    if !zone.is_empty() {
        offset_of(zone, &local)?;
    }
    Some(local.and_utc().timestamp_micros())
}

/// Microseconds since 1970 UTC; without a zone in the text the session's holds.
pub(super) fn timestamptz(text: &str, session: &Zone) -> Option<i64> {
    let (local, zone) = local_part(text)?;
    let offset = if zone.is_empty() { session.offset_at_local(&local) } else { offset_of(zone, &local)? };
    let utc = local.checked_sub_signed(TimeDelta::seconds(i64::from(offset)))?;
    Some(utc.and_utc().timestamp_micros())
}

/// Day and time, and what stands behind them.
fn local_part(text: &str) -> Option<(NaiveDateTime, &str)> {
    let (day, rest) = day_part(text)?;
    let (clock, zone) = clock_and_zone(rest)?;
    Some((day.and_time(clock), zone))
}

/// What stands behind a day: a time, a zone, both, or nothing.
fn clock_and_zone(text: &str) -> Option<(NaiveTime, &str)> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Some((NaiveTime::MIN, text.trim()));
    }
    clock_part(text).map(|(clock, zone)| (clock, zone.trim()))
}

fn day_part(text: &str) -> Option<(NaiveDate, &str)> {
    let end = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (day, rest) = text.split_at(end);
    let mut parts = day.splitn(3, '-');
    let year: i32 = digits(parts.next()?, 4, 6)?.try_into().ok()?;
    let (month, of_month) = (digits(parts.next()?, 1, 2)?, digits(parts.next()?, 1, 2)?);
    let rest = rest.get(1..).unwrap_or_default().trim_start();
    let (year, rest) = match rest.strip_suffix("BC") {
        Some(rest) => (1 - year, rest.trim_end()),
        None => (year, rest),
    };
    Some((NaiveDate::from_ymd_opt(year, month, of_month)?, rest))
}

fn clock_part(text: &str) -> Option<(NaiveTime, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
    let (clock, rest) = text.split_at(end);
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 1, 2)?, digits(parts.next()?, 1, 2)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
            (digits(whole, 1, 2)?, fraction_us(fraction)?)
        }
    };
    let clock = NaiveTime::from_hms_micro_opt(hour, minute, second, fraction)?;
    Some((clock, rest))
}

/// Microseconds of a fraction; more than six digits are rounded.
fn fraction_us(text: &str) -> Option<u32> {
    if text.len() > 18 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{text:0<9}");
    let nanoseconds: u32 = padded.get(..9)?.parse().ok()?;
    Some(((nanoseconds + 500) / 1_000).min(999_999))
}

fn digits(text: &str, least: usize, most: usize) -> Option<u32> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Seconds east of UTC of a zone behind a time: `Z`, `+02`, `-08:30`, or a name.
fn offset_of(zone: &str, local: &NaiveDateTime) -> Option<i32> {
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return Zone::of_expression(zone).map(|zone| zone.offset_at_local(local)),
    };
    let mut parts: Vec<&str> = rest.split(':').collect();
    if let [all] = parts.as_slice()
        && let (4, Some(hours), Some(minutes)) = (all.len(), all.get(..2), all.get(2..))
    {
        parts = vec![hours, minutes];
    }
    let mut seconds = 0;
    for (place, part) in parts.iter().enumerate() {
        let number = i32::try_from(digits(part, 1, 2)?).ok()?;
        seconds += number * *[3_600, 60, 1].get(place)?;
    }
    (seconds <= 16 * 3_600).then_some(sign * seconds)
}
