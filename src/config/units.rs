//! Sizes and times as people write them: `64MiB`, `30s`.

use std::fmt;
use std::time::Duration;

/// A count of bytes, written as a number or with a unit: `65536`, `64KiB`, `2GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByteSize(pub(super) u64);

const SIZE_UNITS: [(&str, u64); 5] = [("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const TIME_UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl ByteSize {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        number_with_unit(text, &SIZE_UNITS)
            .map(Self)
            .ok_or_else(|| format!("\"{}\" is no size; write for example 65536, 64KiB, 64MiB or 2GiB", shorten(text)))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = SIZE_UNITS
            .into_iter()
            .rev()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .unwrap_or(("B", 1));
        write!(out, "{}{unit}", self.0 / factor)
    }
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    number_with_unit(text, &TIME_UNITS)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("\"{}\" is no time; write for example 500ms, 30s, 5m, 2h or 7d", shorten(text)))
}

pub(super) fn show_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 {
        return "0".to_owned();
    }
    let (unit, factor) = TIME_UNITS
        .into_iter()
        .rev()
        .find(|(unit, factor)| *unit != "min" && milliseconds.is_multiple_of(*factor))
        .unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / factor)
}

/// A value cut short, so that an error never repeats a whole file.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

fn number_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit = text.get(digits..)?.trim();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ByteSize, parse_duration, show_duration};

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, shown) in [
            ("65537", 65_537, "65537B"),
            ("64 MiB", 64 << 20, "64MiB"),
            ("1536KiB", 1536 << 10, "1536KiB"),
            ("0", 0, "0B"),
        ] {
            let size = ByteSize::parse(text).expect(text);
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown));
        }
        for refused in ["", "MiB", "-1", "1.5GiB", "64MB", "99999999999GiB", "18446744073709551616"] {
            assert!(ByteSize::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn times_are_read_and_shown() {
        for (text, seconds, shown) in [("30s", 30, "30s"), ("90s", 90, "90s"), ("120s", 120, "2m"), ("1h", 3600, "1h")]
        {
            let time = parse_duration(text).expect(text);
            assert_eq!((time, show_duration(time).as_str()), (Duration::from_secs(seconds), shown));
        }
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        for refused in ["30", "", "s", "1y", "-1s", "1 s s"] {
            assert!(parse_duration(refused).is_err(), "{refused}");
        }
    }
}
