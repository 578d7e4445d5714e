//! Spans in the forms that PostgreSQL shows and drivers send: `1 year 2 mons -03:04:05.6`, `P1DT2H`.

use datafusion::arrow::datatypes::IntervalMonthDayNano;

/// Millionths, in which numbers with a fraction are kept.
const ONE: i128 = 1_000_000;
const DAY_US: i128 = 86_400_000_000;
/// Most words of one span.
const WORDS_MAX: usize = 64;

/// A span while it is read.
#[derive(Default)]
struct Span {
    months: i128,
    days: i128,
    microseconds: i128,
}

/// Reads a span; none when the text is no span or does not fit.
pub fn read_interval(text: &str) -> Option<IntervalMonthDayNano> {
    read_interval_of(text, "s")
}

/// The same where a lone number counts another unit than seconds, as in `INTERVAL '1' DAY`.
pub fn read_interval_of(text: &str, unit: &str) -> Option<IntervalMonthDayNano> {
    let mut span = Span::default();
    let text = text.trim().trim_start_matches('@').trim_start();
    match text.strip_prefix('P') {
        Some(rest) => iso_8601(rest, &mut span)?,
        None => words(text, unit, &mut span)?,
    }
    let nanoseconds = i64::try_from(span.microseconds.checked_mul(1_000)?).ok()?;
    Some(IntervalMonthDayNano::new(i32::try_from(span.months).ok()?, i32::try_from(span.days).ok()?, nanoseconds))
}

fn words(text: &str, unit: &str, span: &mut Span) -> Option<()> {
    let lower = text.to_ascii_lowercase();
    let mut words = split_units(&lower).into_iter().peekable();
    if words.len() == 0 || words.len() > WORDS_MAX {
        return None;
    }
    while let Some(word) = words.next() {
        if word == "ago" {
            (span.months, span.days, span.microseconds) = (-span.months, -span.days, -span.microseconds);
            return words.next().is_none().then_some(());
        }
        if word.contains(':') {
            span.microseconds += clock(word)?;
            continue;
        }
        if let Some(months) = years_and_months(word) {
            span.months += months;
            continue;
        }
        let number = number(word)?;
        match words.next_if(|next| next.starts_with(|c: char| c.is_ascii_alphabetic()) && *next != "ago") {
            Some(unit) => add(span, number, unit)?,
            // A lone number at the end counts seconds, one before a time of day days.
            None if words.peek().is_none() => add(span, number, unit)?,
            None if words.peek().is_some_and(|next| next.contains(':')) => add_days(span, number),
            None => return None,
        }
    }
    Some(())
}

/// `1-2`: years and months.
fn years_and_months(word: &str) -> Option<i128> {
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
    let (years, months) = digits.split_once('-')?;
    let (years, months) = (years.parse::<u32>().ok()?, months.parse::<u32>().ok().filter(|months| *months < 12)?);
    Some(sign * (i128::from(years) * 12 + i128::from(months)))
}

/// Words, with a unit that sticks to its number cut off.
fn split_units(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let digits = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
        let (number, unit) = word.split_at(digits);
        words.extend([number, unit].into_iter().filter(|part| !part.is_empty()));
    }
    words
}

/// A number with sign and fraction, in millionths.
fn number(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || whole.len() > 18 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some(sign * (whole * ONE + i128::from(span_millionths_of(fraction)?)))
}

/// The same of a span, whose millionths PostgreSQL cuts off before it rounds the rest: a half is nothing.
fn span_millionths_of(fraction: &str) -> Option<i64> {
    let exact = format!("0.{fraction}0").parse::<f64>().ok()? * 1e6;
    let cut = millionths_of(fraction.get(..6).unwrap_or(fraction))?;
    #[allow(clippy::cast_precision_loss, reason = "it is a million at most")]
    let rest = exact - cut as f64;
    Some(if rest > 0.5 { cut + 1 } else { cut })
}

/// The digits behind a point as millionths; what lies behind these is rounded as PostgreSQL's floats are.
pub fn millionths_of(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if fraction.len() <= 6 {
        return format!("{fraction:0<6}").parse().ok();
    }
    let rounded = (format!("0.{fraction}").parse::<f64>().ok()? * 1e6).round_ties_even();
    #[allow(clippy::cast_possible_truncation, reason = "it is a million at most")]
    Some(rounded as i64)
}

/// `-03:04:05.6` or `03:04` in microseconds.
fn clock(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let parts = digits.split(':').map(number).collect::<Option<Vec<_>>>()?;
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, 0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let fits = (0..60 * ONE).contains(&minutes) && (0..=60 * ONE).contains(&seconds);
    fits.then(|| sign * (hours * 3_600 + minutes * 60 + seconds))
}

/// Adds so many millionths of a unit.
fn add(span: &mut Span, number: i128, unit: &str) -> Option<()> {
    match unit.strip_suffix('s').filter(|rest| rest.len() > 1).unwrap_or(unit) {
        "nanosecond" => span.microseconds += number / ONE / 1_000,
        "us" | "usec" | "microsecond" => span.microseconds += number / ONE,
        "ms" | "msec" | "millisecond" => span.microseconds += number / 1_000,
        "s" | "sec" | "second" => span.microseconds += number,
        "m" | "min" | "minute" => span.microseconds += number * 60,
        "h" | "hr" | "hour" => span.microseconds += number * 3_600,
        "d" | "day" => add_days(span, number),
        "w" | "week" => add_days(span, number * 7),
        "mon" | "month" => add_months(span, number),
        "y" | "yr" | "year" => add_months(span, number * 12),
        "dec" | "decade" => add_months(span, number * 120),
        "c" | "cent" | "century" | "centurie" => add_months(span, number * 1_200),
        "mil" | "millennium" | "millennia" => add_months(span, number * 12_000),
        "qtr" | "quarter" => add_months(span, number * 3),
        _ => return None,
    }
    Some(())
}

fn add_days(span: &mut Span, number: i128) {
    span.days += number / ONE;
    span.microseconds += number % ONE * (DAY_US / ONE);
}

/// A fraction of a month counts by 30 days.
fn add_months(span: &mut Span, number: i128) {
    span.months += number / ONE;
    add_days(span, number % ONE * 30);
}

fn iso_8601(text: &str, span: &mut Span) -> Option<()> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    if date.is_empty() && time.is_empty() {
        return None;
    }
    for (part, units) in [
        (date, &[('Y', "y"), ('M', "mon"), ('W', "w"), ('D', "d")][..]),
        (time, &[('H', "h"), ('M', "m"), ('S', "s")][..]),
    ] {
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let (digits, behind) = rest.split_at(end);
            let letter = behind.chars().next()?;
            let (_, unit) = units.iter().find(|(known, _)| *known == letter)?;
            add(span, number(digits)?, unit)?;
            rest = behind.get(1..)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{IntervalMonthDayNano, read_interval};

    #[test]
    fn spans_are_read_in_all_their_forms() {
        let hour = 3_600_000_000_000;
        for (text, months, days, nanoseconds) in [
            ("1 year 2 mons 3 days 04:00:05.25", 14, 3, 4 * hour + 5_250_000_000),
            ("-1 mons +2 days -01:00:00", -1, 2, -hour),
            ("@ 1 day 2 hours ago", 0, -1, -2 * hour),
            ("90", 0, 0, 90_000_000_000),
            ("1.5 days", 0, 1, 12 * hour),
            ("5min", 0, 0, hour / 12),
            ("2 weeks", 0, 14, 0),
            ("P1Y2M3DT4H0.5S", 14, 3, 4 * hour + 500_000_000),
            ("P-1DT-2H", 0, -1, -2 * hour),
            ("250 ms", 0, 0, 250_000_000),
            ("1-2", 14, 0, 0),
            ("3 4:05", 0, 3, 4 * hour + hour / 12),
            ("1 century 2 decades", 1440, 0, 0),
            ("0.1234567 seconds", 0, 0, 123_457_000),
        ] {
            assert_eq!(read_interval(text), Some(IntervalMonthDayNano::new(months, days, nanoseconds)), "{text}");
        }
        for text in ["", "one day", "1 2 days", "P", "1:2:3:4", "99999999999 years", "ago 1", "1 fortnight"] {
            assert_eq!(read_interval(text), None, "{text}");
        }
    }
}
