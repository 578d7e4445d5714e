//! Texts read as instants, in the spellings that PostgreSQL takes.

use chrono::{Days, NaiveDate, NaiveTime, Timelike};

use super::calendar::DAY_US;
use crate::types::{Zone, millionths_of};

/// A text read as day and time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    /// `now`.
    Now,
    /// `epoch`: midnight both as an instant and as a local time.
    Epoch,
    /// Microseconds of a local time, and the zone that stands behind it.
    Local(i64, Option<Zone>),
}

/// Which part DateStyle has first in a written date, where its words do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum DateOrder {
    /// `12/31/2025`.
    #[default]
    Month,
    /// `31/12/2025`.
    Day,
    /// `25/12/31`.
    Year,
}

impl DateOrder {
    /// The order of a DateStyle such as `ISO, DMY`.
    pub(super) fn of_style(style: &str) -> Self {
        let has = |word: &str| style.split([',', ' ']).any(|part| part.eq_ignore_ascii_case(word));
        match (has("dmy"), has("ymd")) {
            (true, _) => Self::Day,
            (_, true) => Self::Year,
            _ => Self::Month,
        }
    }
}

/// What a text depends on besides its words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The session's zone.
    pub(super) zone: &'a Zone,
    /// The statement's moment.
    pub(super) now_us: i64,
    /// The order of the parts of a date.
    pub(super) order: DateOrder,
}

/// Microseconds since 1970 UTC of a text such as `2025-12-08 18:00+00`, `2025-12-08T18:00:00.5Z`,
/// `2025-12-08`, `today` or `epoch`. A text without zone means the session's zone.
pub(super) fn instant_of(text: &str, reading: Reading<'_>) -> Option<i64> {
    match read(text, reading)? {
        Read::Now => Some(reading.now_us),
        Read::Epoch => Some(0),
        Read::Local(local, named) => named.as_ref().unwrap_or(reading.zone).instant_us(local),
    }
}

/// The same as a local time: a zone in the text is left out, as in PostgreSQL.
pub(super) fn local_of(text: &str, reading: Reading<'_>) -> Option<i64> {
    match read(text, reading)? {
        Read::Now => reading.zone.local_us(reading.now_us),
        Read::Epoch => Some(0),
        Read::Local(local, _) => Some(local),
    }
}

fn read(text: &str, reading: Reading<'_>) -> Option<Read> {
    let text = text.trim();
    if let Some(read) = named(text, reading) {
        return Some(read);
    }
    // By far the most texts are of this form.
    let date_end = text.find(['T', 't', ' ', 'Z', 'z']).unwrap_or(text.len());
    if let Some(date) = text.get(..date_end).and_then(date_of)
        && let Some(read) = plain(date, text[date_end..].trim_start_matches(['T', 't', ' ']))
    {
        return Some(read);
    }
    Words { order: reading.order, ..Words::default() }.read(text)
}

/// A time of day and a zone behind a date.
fn plain(date: NaiveDate, rest: &str) -> Option<Read> {
    let time_end = rest.find(|character: char| !matches!(character, '0'..='9' | ':' | '.')).unwrap_or(rest.len());
    let (clock, zone_text) = (&rest[..time_end], rest[time_end..].trim());
    let (time, next_day) = if clock.is_empty() { (NaiveTime::MIN, false) } else { time_of(clock)? };
    let date = if next_day { date.checked_add_days(Days::new(1))? } else { date };
    let named = if zone_text.is_empty() { None } else { Some(zone_behind(zone_text)?) };
    Some(Read::Local(date.and_time(time).and_utc().timestamp_micros(), named))
}

/// A date and time in words that may come in any order, as in `Mon Feb 05 07:08:09 2024`.
#[derive(Debug, Default)]
struct Words {
    order: DateOrder,
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    date: Option<NaiveDate>,
    time: Option<(NaiveTime, bool)>,
    afternoon: Option<bool>,
    before_christ: bool,
    zone: Option<Zone>,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Most words of a date and time.
const WORDS_MAX: usize = 12;

/// A month by its name or the beginning of it.
fn month_of(word: &str) -> Option<u32> {
    let short = word.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == short)?;
    u32::try_from(at + 1).ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

impl Words {
    fn read(mut self, text: &str) -> Option<Read> {
        let words: Vec<&str> = text.split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect();
        if words.len() > WORDS_MAX {
            return None;
        }
        for word in words {
            let compact = word.split_once(['T', 't']).filter(|(date, clock)| is_digits(date) && is_digits(clock));
            match compact {
                Some((date, clock)) => {
                    self.word(date)?;
                    self.word(clock)?;
                }
                None => self.word(word)?,
            }
        }
        self.finish()
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let has_date = self.date.is_some();
        if word.contains(':') {
            let end = word.find(|character: char| !matches!(character, '0'..='9' | ':' | '.')).unwrap_or(word.len());
            self.time = Some(time_of(&word[..end])?);
            return if end < word.len() { self.word(&word[end..]) } else { Some(()) };
        }
        if is_digits(word) {
            return self.number(word, has_date);
        }
        if word.starts_with(['+', '-']) {
            self.zone = Some(zone_behind(word)?);
            return Some(());
        }
        if word.starts_with(|first: char| first.is_ascii_digit()) || word.contains(['-', '/']) {
            return self.joined(word);
        }
        match word.to_ascii_lowercase().as_str() {
            "am" => self.afternoon = Some(false),
            "pm" => self.afternoon = Some(true),
            "bc" => self.before_christ = true,
            "ad" => {}
            _ if month_of(word).is_some() => self.month = month_of(word),
            lower if lower.get(..3).is_some_and(|short| DAYS.contains(&short)) && lower.ends_with("day") => {}
            lower if DAYS.contains(&lower) => {}
            _ => self.zone = Some(zone_behind(word)?),
        }
        Some(())
    }

    fn number(&mut self, word: &str, has_date: bool) -> Option<()> {
        let part = |from: usize, to: usize| word.get(from..to)?.parse::<u32>().ok();
        match word.len() {
            8 if !has_date => {
                self.date = Some(NaiveDate::from_ymd_opt(word[..4].parse().ok()?, part(4, 6)?, part(6, 8)?)?);
            }
            4 | 6 if self.time.is_none() && (has_date || word.len() == 6) => {
                let second = if word.len() == 6 { part(4, 6)? } else { 0 };
                self.time = Some((NaiveTime::from_hms_opt(part(0, 2)?, part(2, 4)?, second)?, false));
            }
            1 | 2 if self.day.is_none() => self.day = Some(word.parse().ok()?),
            _ if self.year.is_none() => self.year = Some(word.parse().ok()?),
            _ => return None,
        }
        Some(())
    }

    /// Parts of a date with dashes, slashes or dots between them.
    fn joined(&mut self, word: &str) -> Option<()> {
        if let Some((year, day)) = word.split_once('.')
            && year.len() == 4
            && day.len() == 3
        {
            self.date = NaiveDate::from_yo_opt(year.parse().ok()?, day.parse().ok()?);
            return self.date.map(drop);
        }
        let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
        let [first, second, third] = parts.as_slice() else { return None };
        let year_first = |first: &str| (first.len() >= 3 || self.order == DateOrder::Year) && is_digits(first);
        let (year, month, day) = if let Some(month) = month_of(first) {
            if year_first(second) { (*second, month, *third) } else { (*third, month, *second) }
        } else if let Some(month) = month_of(second) {
            if year_first(first) { (*first, month, *third) } else { (*third, month, *first) }
        } else if year_first(first) {
            (*first, second.parse().ok()?, *third)
        } else if self.order == DateOrder::Day {
            (*third, second.parse().ok()?, *first)
        } else {
            (*third, first.parse().ok()?, *second)
        };
        let short = year.len() < 3;
        let year: i32 = year.parse().ok()?;
        let year = if short { year + if year < 70 { 2000 } else { 1900 } } else { year };
        (self.year, self.month, self.day) = (Some(year), Some(month), Some(day.parse().ok()?));
        Some(())
    }

    fn finish(self) -> Option<Read> {
        let date = match self.date {
            Some(date) => date,
            None => {
                let year = if self.before_christ { 1 - self.year? } else { self.year? };
                NaiveDate::from_ymd_opt(year, self.month?, self.day?)?
            }
        };
        let (mut time, next_day) = self.time.unwrap_or((NaiveTime::MIN, false));
        if let Some(afternoon) = self.afternoon {
            let hour = time.hour();
            if !(1..=12).contains(&hour) {
                return None;
            }
            time = time.with_hour(hour % 12 + if afternoon { 12 } else { 0 })?;
        }
        let date = if next_day { date.checked_add_days(Days::new(1))? } else { date };
        Some(Read::Local(date.and_time(time).and_utc().timestamp_micros(), self.zone))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn named(text: &str, reading: Reading<'_>) -> Option<Read> {
    let day = |after: i64| {
        let today = reading.zone.local_us(reading.now_us)?.div_euclid(DAY_US);
        Some(Read::Local((today + after) * DAY_US, None))
    };
    match text.to_ascii_lowercase().as_str() {
        "now" => Some(Read::Now),
        "epoch" => Some(Read::Epoch),
        "today" => day(0),
        "yesterday" => day(-1),
        "tomorrow" => day(1),
        _ => None,
    }
}

fn date_of(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split(['-', '/']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() < 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Time of day; true when it is 24:00, the next day's beginning.
fn time_of(text: &str) -> Option<(NaiveTime, bool)> {
    let mut parts = text.split(':');
    let hour: u32 = parts.next()?.parse().ok()?;
    let minute: u32 = parts.next()?.parse().ok().filter(|minute| *minute < 60)?;
    let microseconds = match parts.next() {
        None => 0,
        Some(seconds) => microseconds_of(seconds)?,
    };
    if parts.next().is_some() || hour > 24 {
        return None;
    }
    // A leap second, and what is rounded up to the next second, carry on.
    let clock = i64::from(hour * 3_600 + minute * 60) * 1_000_000 + microseconds;
    if clock >= DAY_US {
        return (clock == DAY_US).then_some((NaiveTime::MIN, true));
    }
    let seconds = u32::try_from(clock / 1_000_000).ok()?;
    let nanoseconds = u32::try_from(clock % 1_000_000 * 1_000).ok()?;
    Some((NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds)?, false))
}

/// Seconds in microseconds; digits beyond these are rounded.
fn microseconds_of(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok().filter(|seconds| (0..=60).contains(seconds))?;
    let microseconds = whole * 1_000_000 + millionths_of(fraction)?;
    (microseconds <= 60_000_000).then_some(microseconds)
}

/// The zone behind a time: `Z`, `+05:30` (east), `CET`, `Europe/Berlin`.
fn zone_behind(text: &str) -> Option<Zone> {
    let Some(offset) = text.strip_prefix(['+', '-']) else { return Zone::of_expression(text) };
    let seconds = offset_seconds(offset)?;
    Some(Zone::of_offset(if text.starts_with('-') { -seconds } else { seconds }))
}

/// `05`, `0530`, `05:30`, `05:30:15`.
fn offset_seconds(text: &str) -> Option<i32> {
    let digits: String = text.chars().filter(|character| *character != ':').collect();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize| digits.get(from..from + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let padded =
        if digits.len() == 1 { return digits.parse::<i32>().ok().map(|hours| hours * 3600) } else { digits.len() };
    if !plain || !matches!(padded, 2 | 4 | 6) {
        return None;
    }
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    (hours <= 15 && minutes < 60 && seconds < 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::{DateOrder, Reading, instant_of, local_of};
    use crate::types::Zone;

    fn reading(zone: &Zone, now_us: i64) -> Reading<'_> {
        Reading { zone, now_us, order: DateOrder::Month }
    }

    fn read(text: &str) -> Option<i64> {
        instant_of(text, reading(&Zone::utc(), 1_000_000))
    }

    #[test]
    fn the_order_of_a_date_follows_its_style() {
        let day = |text: &str, style: &str| {
            let zone = Zone::utc();
            let reading = Reading { order: DateOrder::of_style(style), ..reading(&zone, 0) };
            local_of(text, reading).map(|us| us / 86_400_000_000)
        };
        for (text, style, days) in [
            ("2/1/1970", "ISO, MDY", Some(31)),
            ("2/1/1970", "SQL, DMY", Some(1)),
            ("70-2-1", "ISO, YMD", Some(31)),
            ("2/1/1970", "ISO, YMD", None),
            ("1970-02-01", "ISO, DMY", Some(31)),
            ("01-Feb-1970", "Postgres, DMY", Some(31)),
        ] {
            assert_eq!(day(text, style), days, "{text} {style}");
        }
    }

    #[test]
    fn instants_are_read_as_postgresql_does() {
        let six = 1_765_216_800_000_000;
        for text in [
            "2025-12-08 18:00+00",
            "2025-12-08 18:00",
            "2025-12-08T18:00:00Z",
            "2025-12-08 18:00:00.000 UTC",
            "2025-12-08 23:30:00+05:30",
            "2025-12-08 23:30:00+0530",
            "2025-12-08 19:00 Europe/Berlin",
            "2025/12/08 13:00 -5",
            "December 8, 2025 6:00 PM",
            "Mon Dec 08 18:00:00 2025",
            "20251208T180000",
            "08-Dec-2025 18:00",
            "12/8/2025 18:00",
        ] {
            assert_eq!(read(text), Some(six), "{text}");
        }
        assert_eq!(read("1970-01-01"), Some(0));
        assert_eq!(read("1970-01-01 24:00"), Some(86_400_000_000));
        assert_eq!(read("1970-01-01 00:00:00.123456789"), Some(123_457));
        assert_eq!(read("1970-01-01 23:59:59.9999996"), Some(86_400_000_000));
        assert_eq!(read("now"), Some(1_000_000));
        assert_eq!(read("today"), Some(0));
        for text in ["", "yesterdayish", "2025-13-01", "2025-01-01 25:00", "18:00", "2025-01-01 10:00+99"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_without_zone_means_the_session_zone() {
        let berlin = Zone::parse("europe/berlin").expect("zone");
        assert_eq!(instant_of("1970-01-01 01:00", reading(&berlin, 0)), Some(0));
        assert_eq!(instant_of("today", reading(&berlin, 0)), Some(-3_600_000_000));
        assert_eq!(local_of("1970-01-01 01:00+05", reading(&berlin, 0)), Some(3_600_000_000));
        assert_eq!(local_of("now", reading(&berlin, 0)), Some(3_600_000_000));
    }
}
