//! Reads KubeArmor's times.

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_from_1970(year: i64, month: i64, day: i64) -> i64 {
    // A year that starts in March has its leap day last; an era of 400 such years has 146,097 days.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The largest number of seconds since 1970 that is taken for a time: the end of year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    }

    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        allowed.contains(first).then_some(*first)
    }

    /// The digits after the point as microseconds; more than six are cut.
    fn fraction(&mut self) -> Option<i64> {
        if self.0.first() != Some(&b'.') {
            return Some(0);
        }
        let length = self.0[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0[1..].split_at(length);
        self.0 = rest;
        let kept = digits.iter().chain(std::iter::repeat(&b'0')).take(6);
        (length > 0).then(|| kept.fold(0, |value, byte| value * 10 + i64::from(byte - b'0')))
    }

    /// `Z` or an offset, as seconds east of UTC.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.number(2)?;
        if self.0.first() == Some(&b':') {
            self.0 = &self.0[1..];
        }
        let minutes = self.number(2)?;
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
    }
}

/// Microseconds since 1970 UTC of a text such as `2023-12-11T16:46:18.590190Z`, in either case.
pub(super) fn parse_instant(text: &str) -> Option<i64> {
    let mut digits = Digits(text.trim().as_bytes());
    let year = digits.number(4)?;
    digits.one_of(b"-")?;
    let month = digits.number(2)?;
    digits.one_of(b"-")?;
    let day = digits.number(2)?;
    digits.one_of(b"Tt ")?;
    let hour = digits.number(2)?;
    digits.one_of(b":")?;
    let minute = digits.number(2)?;
    digits.one_of(b":")?;
    let second = digits.number(2)?;
    let fraction = digits.fraction()?;
    let offset = digits.zone()?;
    let fits = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && year > 0
        && digits.0.is_empty();
    let seconds = days_from_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    fits.then_some(seconds * 1_000_000 + fraction)
}

/// Microseconds since 1970 UTC of a count of seconds, when that is a time before year 10000.
pub(super) fn instant_from_seconds(seconds: i64) -> Option<i64> {
    (1..=SECONDS_MAX).contains(&seconds).then(|| seconds * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::{instant_from_seconds, parse_instant};

    #[test]
    fn times_are_read_to_the_microsecond() {
        assert_eq!(parse_instant("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_instant("2023-12-11T16:46:18.590190Z"), Some(1_702_313_178_590_190));
        assert_eq!(parse_instant("2021-06-29t00:05:46.844879z"), Some(1_624_925_146_844_879));
        assert_eq!(parse_instant("2024-03-08T08:07:33.906Z"), Some(1_709_885_253_906_000));
        assert_eq!(parse_instant("2024-02-29T01:00:00.1234567+01:00"), Some(1_709_164_800_123_456));
        for refused in
            ["", "2023-02-29T00:00:00Z", "2023-12-11T16:46:18", "2023-12-11T16:46:18.Z", "x", "2023-13-01T00:00:00Z"]
        {
            assert_eq!(parse_instant(refused), None, "{refused}");
        }
    }

    #[test]
    fn only_seconds_are_taken_for_seconds() {
        assert_eq!(instant_from_seconds(1), Some(1_000_000));
        assert_eq!(instant_from_seconds(0), None);
        assert_eq!(instant_from_seconds(1_702_313_177_000), None);
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_chrono(seconds in 0_i64..253_402_300_799, micros in 0_u32..1_000_000) {
            let time = chrono::DateTime::from_timestamp(seconds, micros * 1_000).expect("in range");
            let text = time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            assert_eq!(parse_instant(&text), Some(time.timestamp_micros()));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse_instant(&text);
        }
    }
}
