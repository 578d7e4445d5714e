//! Time zones as a client names them, and the offset of an instant in them.
//!
//! One reader for the setting TimeZone, for AT TIME ZONE and for the zone that travels with a
//! fragment, so that a name means the same offset everywhere.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};

/// A zone with the spelling that SHOW shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Zone {
    /// As SHOW shows it.
    pub shown: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// Seconds east of UTC and the name that goes with them.
    Fixed(i32, String),
    /// A zone with rules.
    Named(Tz),
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { shown: String::from("UTC"), place: Place::Fixed(0, String::from("UTC")) }
    }

    /// Reads a value of the setting TimeZone: a plain number is hours east of Greenwich, anything
    /// else an IANA name in any case or an offset in POSIX's spelling (positive is west).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.parse::<f64>() {
            Ok(hours) if text.ends_with(|last: char| last.is_ascii_digit()) => Self::of_hours(hours),
            _ => Self::by_name(text),
        }
    }

    /// Reads a zone as AT TIME ZONE and literals name it: an abbreviation, an IANA name in any case,
    /// or an offset in POSIX's spelling.
    pub fn of_expression(text: &str) -> Option<Self> {
        let text = text.trim();
        let fixed = ABBREVIATIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        fixed.map_or_else(|| Self::by_name(text), |(name, minutes)| Some(Self::fixed(name, minutes * 60)))
    }

    /// Reads what [`Zone::engine_name`] wrote: an IANA name, or an offset whose `+` is east.
    pub fn of_engine_name(text: &str) -> Option<Self> {
        let (sign, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return Self::by_name(text),
        };
        let (hours, minutes) = digits.split_once(':')?;
        let seconds = sign * (two_digits(hours)? * 3600 + two_digits(minutes)? * 60);
        Some(Self::fixed(&shown_offset(seconds), seconds))
    }

    /// A zone that is always so many seconds east of Greenwich.
    pub fn of_offset(seconds: i32) -> Self {
        Self::fixed(&shown_offset(seconds), seconds)
    }

    fn of_hours(hours: f64) -> Option<Self> {
        if !(-16.0..=16.0).contains(&hours) {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
        let seconds = (hours * 60.0).round() as i32 * 60;
        Some(Self::of_offset(seconds))
    }

    fn fixed(name: &str, seconds: i32) -> Self {
        let shown = format!("<{name}>{}", shown_offset(-seconds));
        Self { shown, place: Place::Fixed(seconds, name.to_owned()) }
    }

    fn by_name(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("zulu") {
            return Some(Self::utc());
        }
        if let Some(zone) = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text)) {
            return Some(Self { shown: zone.name().to_owned(), place: Place::Named(*zone) });
        }
        posix(text)
    }

    /// IANA name or offset such as `+05:30`, as the engine reads it.
    pub fn engine_name(&self) -> String {
        match &self.place {
            Place::Named(zone) => zone.name().to_owned(),
            Place::Fixed(0, _) => String::from("UTC"),
            Place::Fixed(seconds, _) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() % 3600 / 60)
            }
        }
    }

    /// Whether local time is UTC at every instant.
    pub fn is_utc(&self) -> bool {
        match &self.place {
            Place::Fixed(seconds, _) => *seconds == 0,
            Place::Named(zone) => {
                matches!(zone, Tz::UTC | Tz::Etc__UTC | Tz::UCT | Tz::Etc__UCT | Tz::Zulu | Tz::GMT | Tz::Etc__GMT)
            }
        }
    }

    /// Seconds east of UTC at an instant (microseconds since 1970 UTC).
    pub fn offset_seconds(&self, instant_us: i64) -> i32 {
        match &self.place {
            Place::Fixed(seconds, _) => *seconds,
            Place::Named(zone) => {
                let instant = DateTime::from_timestamp_micros(instant_us).unwrap_or_default();
                zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc()
            }
        }
    }

    /// The short name of the zone at an instant, such as `CET`.
    pub fn abbreviation(&self, instant_us: i64) -> String {
        match &self.place {
            Place::Fixed(_, name) => name.clone(),
            Place::Named(zone) => {
                let instant = DateTime::from_timestamp_micros(instant_us).unwrap_or_default();
                let offset = zone.offset_from_utc_datetime(&instant.naive_utc());
                offset.abbreviation().map_or_else(|| offset.to_string(), str::to_owned)
            }
        }
    }

    /// Seconds east of UTC at a local time. Of a time that a zone skips the offset before counts, of
    /// one that it has twice the offset after, as in PostgreSQL.
    pub fn offset_at_local(&self, local: &NaiveDateTime) -> i32 {
        match &self.place {
            Place::Fixed(seconds, _) => *seconds,
            Place::Named(zone) => match zone.offset_from_local_datetime(local) {
                chrono::LocalResult::Single(offset) => offset.fix().local_minus_utc(),
                chrono::LocalResult::Ambiguous(_, after) => after.fix().local_minus_utc(),
                chrono::LocalResult::None => {
                    // No zone is farther than this from UTC: surely before the jump.
                    let before = local.checked_sub_signed(TimeDelta::hours(26)).unwrap_or(*local);
                    zone.offset_from_utc_datetime(&before).fix().local_minus_utc()
                }
            },
        }
    }

    /// The local time at an instant, both in microseconds; none out of range.
    pub fn local_us(&self, instant_us: i64) -> Option<i64> {
        instant_us.checked_add(i64::from(self.offset_seconds(instant_us)) * 1_000_000)
    }

    /// The instant of a local time, both in microseconds; none out of range.
    pub fn instant_us(&self, local_us: i64) -> Option<i64> {
        let local = DateTime::from_timestamp_micros(local_us)?.naive_utc();
        local_us.checked_sub(i64::from(self.offset_at_local(&local)) * 1_000_000)
    }
}

/// Common abbreviations and the minutes that they are east of Greenwich, summer time or not. Where
/// one is also the name of a zone, PostgreSQL takes the abbreviation in expressions.
const ABBREVIATIONS: &[(&str, i32)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("UCT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("MET", 60),
    ("CEST", 120),
    ("MEST", 120),
    ("EET", 120),
    ("SAST", 120),
    ("EEST", 180),
    ("IST", 120),
    ("PKT", 300),
    ("NPT", 345),
    ("HKT", 480),
    ("JST", 540),
    ("KST", 540),
    ("ACST", 570),
    ("ACDT", 630),
    ("AEST", 600),
    ("AEDT", 660),
    ("AWST", 480),
    ("NZST", 720),
    ("NZDT", 780),
    ("NST", -210),
    ("NDT", -150),
    ("AST", -240),
    ("ADT", -180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
];

/// `<+05:30>-05:30`, `EST5`, `+5`, `-05:30`: an optional name, then hours west of Greenwich.
fn posix(text: &str) -> Option<Zone> {
    let (name, offset) = match text.strip_prefix('<') {
        Some(rest) => rest.split_once('>').map(|(name, offset)| (name.to_owned(), offset))?,
        None => {
            let end = text.find(|c: char| !c.is_ascii_alphabetic())?;
            let (name, offset) = text.split_at(end);
            if !name.is_empty() && name.len() < 3 {
                return None;
            }
            (name.to_owned(), offset)
        }
    };
    let (sign, digits) = match offset.strip_prefix('-') {
        Some(rest) => (1, rest),
        None => (-1, offset.strip_prefix('+').unwrap_or(offset)),
    };
    let mut parts = digits.split(':');
    let hours: i32 = two_digits(parts.next()?)?;
    let minutes: i32 = parts.next().map_or(Some(0), two_digits)?;
    if parts.next().is_some() || hours > 16 || minutes > 59 {
        return None;
    }
    let seconds = sign * (hours * 3600 + minutes * 60);
    let name = if name.is_empty() { shown_offset(seconds) } else { name };
    Some(Zone { shown: text.to_owned(), place: Place::Fixed(seconds, name) })
}

fn two_digits(text: &str) -> Option<i32> {
    (matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn shown_offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() % 3600 / 60);
    if minutes == 0 { format!("{sign}{hours:02}") } else { format!("{sign}{hours:02}:{minutes:02}") }
}

#[cfg(test)]
mod tests {
    use super::Zone;

    #[test]
    fn zones_are_read_by_name_and_by_offset() {
        for (text, shown, engine) in [
            ("utc", "UTC", "UTC"),
            ("europe/berlin", "Europe/Berlin", "Europe/Berlin"),
            ("<+05:30>-05:30", "<+05:30>-05:30", "+05:30"),
            ("-05:30", "-05:30", "+05:30"),
            ("+9", "<+09>-09", "+09:00"),
            ("3.5", "<+03:30>-03:30", "+03:30"),
            ("UTC+3", "UTC+3", "-03:00"),
        ] {
            let zone = Zone::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((zone.shown.as_str(), zone.engine_name().as_str()), (shown, engine), "{text}");
            let again = Zone::of_engine_name(engine).unwrap_or_else(|| panic!("{engine}"));
            assert_eq!(again.offset_seconds(0), zone.offset_seconds(0), "{text}");
            assert_eq!(Zone::parse(shown).map(|zone| zone.engine_name()).as_deref(), Some(engine), "{text}");
        }
        for text in ["", "Mars/Olympus", "+99", "1:2:3", "<a", "x5"] {
            assert!(Zone::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn offsets_follow_the_zones_rules() {
        let berlin = Zone::parse("Europe/Berlin").expect("a zone");
        assert_eq!(berlin.offset_seconds(1_704_067_200_000_000), 3600);
        assert_eq!(berlin.offset_seconds(1_720_000_000_000_000), 7200);
        assert_eq!(berlin.abbreviation(1_720_000_000_000_000), "CEST");
        let spring_gap = chrono::NaiveDate::from_ymd_opt(2024, 3, 31).and_then(|day| day.and_hms_opt(2, 30, 0));
        assert_eq!(berlin.offset_at_local(&spring_gap.expect("a time")), 3600);
    }
}
