//! Spans of months, days and time in all of PostgreSQL's interval styles.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::datatypes::IntervalMonthDayNano;

use crate::session::IntervalStyle;

use super::datetime::fraction;

/// A span taken apart.
struct Parts {
    years: i32,
    months: i32,
    days: i32,
    /// Microseconds.
    time: i64,
}

impl Parts {
    fn new(value: IntervalMonthDayNano) -> Self {
        Self { years: value.months / 12, months: value.months % 12, days: value.days, time: value.nanoseconds / 1_000 }
    }

    fn is_zero(&self) -> bool {
        self.years == 0 && self.months == 0 && self.days == 0 && self.time == 0
    }

    /// Hours, minutes, seconds and microseconds without sign.
    fn clock(&self) -> (u64, u64, u64, i64) {
        let total = self.time.unsigned_abs();
        let seconds = total / 1_000_000;
        let rest = i64::try_from(total % 1_000_000).unwrap_or_default();
        (seconds / 3_600, seconds % 3_600 / 60, seconds % 60, rest)
    }
}

/// Writes a span as text.
pub(super) fn text(value: IntervalMonthDayNano, style: IntervalStyle, out: &mut BytesMut) {
    let parts = Parts::new(value);
    match style {
        IntervalStyle::Postgres => postgres(&parts, out),
        IntervalStyle::PostgresVerbose => verbose(&parts, out),
        IntervalStyle::SqlStandard => sql_standard(&parts, out),
        IntervalStyle::Iso8601 => iso_8601(&parts, out),
    }
}

/// Microseconds, days, months.
pub(super) fn binary(value: IntervalMonthDayNano, out: &mut BytesMut) {
    out.put_i64(value.nanoseconds / 1_000);
    out.put_i32(value.days);
    out.put_i32(value.months);
}

fn postgres(parts: &Parts, out: &mut BytesMut) {
    let (mut first, mut negative_before) = (true, false);
    for (amount, unit) in [(parts.years, "year"), (parts.months, "mon"), (parts.days, "day")] {
        if amount == 0 {
            continue;
        }
        let space = if first { "" } else { " " };
        let sign = if negative_before && amount > 0 { "+" } else { "" };
        let plural = if amount == 1 { "" } else { "s" };
        let _ = write!(out, "{space}{sign}{amount} {unit}{plural}");
        (first, negative_before) = (false, amount < 0);
    }
    if parts.time != 0 || first {
        let space = if first { "" } else { " " };
        let sign = if parts.time < 0 {
            "-"
        } else if negative_before {
            "+"
        } else {
            ""
        };
        let _ = write!(out, "{space}{sign}");
        clock(parts, 2, out);
    }
}

/// `02:03:04.5` with at least so many digits for the hours.
fn clock(parts: &Parts, hour_digits: usize, out: &mut BytesMut) {
    let (hours, minutes, seconds, rest) = parts.clock();
    let _ = write!(out, "{hours:0hour_digits$}:{minutes:02}:{seconds:02}");
    fraction(rest, out);
}

fn verbose(parts: &Parts, out: &mut BytesMut) {
    out.put_slice(b"@");
    if parts.is_zero() {
        out.put_slice(b" 0");
        return;
    }
    let (hours, minutes, seconds, rest) = parts.clock();
    let sign = if parts.time < 0 { -1 } else { 1 };
    let signed = |amount: u64| sign * i64::try_from(amount).unwrap_or(i64::MAX);
    let whole = [
        (i64::from(parts.years), "year"),
        (i64::from(parts.months), "mon"),
        (i64::from(parts.days), "day"),
        (signed(hours), "hour"),
        (signed(minutes), "min"),
    ];
    let leading = whole.iter().map(|(amount, _)| *amount).find(|amount| *amount != 0).unwrap_or(sign);
    let ago = leading < 0;
    let turned = |amount: i64| if ago { -amount } else { amount };
    for (amount, unit) in whole {
        if amount != 0 {
            let plural = if amount.abs() == 1 { "" } else { "s" };
            let _ = write!(out, " {} {unit}{plural}", turned(amount));
        }
    }
    if seconds != 0 || rest != 0 {
        let minus = if turned(sign) < 0 { "-" } else { "" };
        let _ = write!(out, " {minus}{seconds}");
        fraction(rest, out);
        out.put_slice(if seconds == 1 && rest == 0 { b" sec" } else { b" secs" });
    }
    if ago {
        out.put_slice(b" ago");
    }
}

fn sql_standard(parts: &Parts, out: &mut BytesMut) {
    let has_months = parts.years != 0 || parts.months != 0;
    let has_days = parts.days != 0 || parts.time != 0;
    let negative = parts.years < 0 || parts.months < 0 || parts.days < 0 || parts.time < 0;
    let positive = parts.years > 0 || parts.months > 0 || parts.days > 0 || parts.time > 0;
    if parts.is_zero() {
        out.put_slice(b"0");
    } else if (negative && positive) || (has_months && has_days) {
        let sign = |negative: bool| if negative { '-' } else { '+' };
        let months_sign = sign(parts.years < 0 || parts.months < 0);
        let _ = write!(out, "{months_sign}{}-{} ", parts.years.unsigned_abs(), parts.months.unsigned_abs());
        let _ = write!(out, "{}{} {}", sign(parts.days < 0), parts.days.unsigned_abs(), sign(parts.time < 0));
        clock(parts, 1, out);
    } else {
        out.put_slice(if negative { b"-" } else { b"" });
        if has_months {
            let _ = write!(out, "{}-{}", parts.years.unsigned_abs(), parts.months.unsigned_abs());
        } else {
            if parts.days != 0 {
                let _ = write!(out, "{} ", parts.days.unsigned_abs());
            }
            clock(parts, 1, out);
        }
    }
}

fn iso_8601(parts: &Parts, out: &mut BytesMut) {
    if parts.is_zero() {
        out.put_slice(b"PT0S");
        return;
    }
    out.put_slice(b"P");
    for (amount, unit) in [(parts.years, 'Y'), (parts.months, 'M'), (parts.days, 'D')] {
        if amount != 0 {
            let _ = write!(out, "{amount}{unit}");
        }
    }
    if parts.time == 0 {
        return;
    }
    let (hours, minutes, seconds, rest) = parts.clock();
    let sign = if parts.time < 0 { "-" } else { "" };
    out.put_slice(b"T");
    for (amount, unit) in [(hours, 'H'), (minutes, 'M')] {
        if amount != 0 {
            let _ = write!(out, "{sign}{amount}{unit}");
        }
    }
    if seconds != 0 || rest != 0 {
        let _ = write!(out, "{sign}{seconds}");
        fraction(rest, out);
        out.put_slice(b"S");
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use datafusion::arrow::datatypes::IntervalMonthDayNano;

    use super::{IntervalStyle, text};

    #[test]
    fn spans_look_as_in_postgresql() {
        use IntervalStyle::{Iso8601, Postgres, PostgresVerbose, SqlStandard};
        let value = IntervalMonthDayNano::new;
        let hour = 3_600_000_000_000;
        for (span, style, expected) in [
            (value(14, 3, 4 * hour + 5_000_000_000 + 250_000_000), Postgres, "1 year 2 mons 3 days 04:00:05.25"),
            (value(0, 0, 0), Postgres, "00:00:00"),
            (value(-1, 2, -hour), Postgres, "-1 mons +2 days -01:00:00"),
            (value(0, 1, 0), Postgres, "1 day"),
            (value(14, 3, 4 * hour), PostgresVerbose, "@ 1 year 2 mons 3 days 4 hours"),
            (value(0, -1, -hour), PostgresVerbose, "@ 1 day 1 hour ago"),
            (value(14, 3, 4 * hour), SqlStandard, "+1-2 +3 +4:00:00"),
            (value(0, 1, 2 * hour), SqlStandard, "1 2:00:00"),
            (value(14, 3, 4 * hour + 500_000_000), Iso8601, "P1Y2M3DT4H0.5S"),
            (value(0, 0, 0), Iso8601, "PT0S"),
        ] {
            let mut out = BytesMut::new();
            text(span, style, &mut out);
            assert_eq!(std::str::from_utf8(&out), Ok(expected));
        }
    }
}
