//! `to_timestamp` and `to_date`: texts read by a pattern.
//!
//! As PostgreSQL reads them: a field takes as many digits as its name has, unless no digit can
//! follow; a separator of the pattern stands for one of the text, or for none.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use datafusion::error::{DataFusionError, Result};

use super::function::sql_error;
use super::time_pattern::{DAYS, Field, Item, MONTHS, Piece, ROMAN_MONTHS, pieces};
use crate::types::Code;

/// A text that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) local: NaiveDateTime,
    /// Seconds east of UTC, where the text says.
    pub(super) offset: Option<i32>,
}

/// What the fields said.
#[derive(Debug, Default)]
struct Fields {
    year: Option<i64>,
    /// Digits that the year has by its name.
    year_digits: u32,
    iso_year: Option<i64>,
    century: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    week: Option<i64>,
    week_of_month: Option<i64>,
    julian: Option<i64>,
    iso_week: Option<i64>,
    /// From Monday, 1.
    iso_day: Option<i64>,
    iso_day_of_year: Option<i64>,
    hour: Option<i64>,
    twelve_hours: bool,
    afternoon: bool,
    minute: i64,
    second: i64,
    second_of_day: Option<i64>,
    us: i64,
    zone_sign: i32,
    zone_hour: Option<i32>,
    zone_minute: i32,
}

/// Reads a text by a pattern.
pub(super) fn parse(text: &str, pattern: &str) -> Result<Parsed> {
    let pieces = pieces(pattern);
    let mut reader = Reader { rest: text, fields: Fields::default(), fixed: false, skipped: 0 };
    for index in 0..pieces.len() {
        if reader.rest.is_empty() {
            break;
        }
        reader.piece(&pieces[index], &pieces[index + 1..], index == 0)?;
    }
    reader.fields.combine()
}

fn wrong(text: String) -> DataFusionError {
    sql_error(Code::InvalidDatetimeFormat, text)
}

fn out_of_range() -> DataFusionError {
    sql_error(Code::DatetimeFieldOverflow, "date/time field value out of range")
}

fn is_separator(character: char) -> bool {
    character.is_ascii_graphic() && !character.is_ascii_alphanumeric()
}

struct Reader<'a> {
    rest: &'a str,
    fields: Fields,
    /// `FX`: blanks count.
    fixed: bool,
    /// Blanks that were passed over and that the pattern may still ask for.
    skipped: i32,
}

impl<'a> Reader<'a> {
    fn skip_blanks(&mut self) {
        let trimmed = self.rest.trim_start();
        self.skipped += i32::try_from(self.rest.len() - trimmed.len()).unwrap_or(i32::MAX);
        self.rest = trimmed;
    }

    fn advance(&mut self) {
        let mut characters = self.rest.chars();
        characters.next();
        self.rest = characters.as_str();
    }

    fn piece(&mut self, piece: &Piece, behind: &[Piece], first: bool) -> Result<()> {
        let is_text = match piece {
            Piece::Item(_) => false,
            Piece::Plain { character, quoted } => *quoted || !(is_separator(*character) || character.is_whitespace()),
        };
        if !self.fixed && (!is_text || first) {
            self.skip_blanks();
        }
        match piece {
            Piece::Item(item) => {
                self.item(item, behind)?;
                self.skipped = 0;
                if !self.fixed {
                    self.skip_blanks();
                }
            }
            Piece::Plain { .. } if self.fixed => self.advance(),
            Piece::Plain { .. } if is_text => {
                // It need not be the same character.
                if self.skipped > 0 { self.skipped -= 1 } else { self.advance() }
            }
            Piece::Plain { .. } => {
                self.skipped -= 1;
                if self.rest.starts_with(|next: char| is_separator(next) || next.is_whitespace()) {
                    self.advance();
                    self.skipped += 1;
                }
            }
        }
        Ok(())
    }

    /// A number of so many digits; and how many there were.
    fn number(&mut self, digits: usize, item: &Item, behind: &[Piece]) -> Result<(i64, usize)> {
        self.rest = self.rest.trim_start();
        let free = item.fill
            || item.ordinal.is_some()
            || match behind.first() {
                None => true,
                Some(Piece::Item(next)) => !next.field.is_digit(),
                Some(Piece::Plain { character, .. }) => !character.is_ascii_digit(),
            };
        let window = if free { self.rest } else { self.rest.get(..digits).unwrap_or(self.rest) };
        let invalid = || {
            let shown: String = self.rest.chars().take(digits).collect();
            wrong(format!("invalid value \"{shown}\" in a date or time"))
        };
        if !free && window.len() < digits {
            return Err(wrong("source string too short for a field of the format".to_owned()));
        }
        let sign = usize::from(window.starts_with(['-', '+']));
        let length = sign + window[sign..].bytes().take_while(u8::is_ascii_digit).count();
        if length == sign || (!free && length < digits) {
            return Err(invalid());
        }
        let value: i32 = window[..length].parse().map_err(|_| out_of_range())?;
        self.rest = &self.rest[length..];
        if item.ordinal.is_some() {
            self.rest = self.rest.get(2..).unwrap_or_default();
        }
        Ok((i64::from(value), length))
    }

    /// Which of some names the text begins with, in any letters.
    fn name(&mut self, names: &[&str], length: Option<usize>) -> Result<usize> {
        let fits = |name: &&str| {
            let name = length.map_or(*name, |length| &name[..length]);
            self.rest.get(..name.len()).filter(|written| written.eq_ignore_ascii_case(name)).map(str::len)
        };
        let found = names.iter().enumerate().filter_map(|(index, name)| Some((fits(name)?, index)));
        let Some((bytes, index)) = found.max_by_key(|(bytes, _)| *bytes) else {
            let shown: String = self.rest.chars().take(12).collect();
            return Err(wrong(format!("invalid value \"{shown}\" in a date or time")));
        };
        self.rest = &self.rest[bytes..];
        Ok(index)
    }

    fn item(&mut self, item: &Item, behind: &[Piece]) -> Result<()> {
        let whole = |(value, _): (i64, usize)| value;
        match item.field {
            Field::Fixed => self.fixed = true,
            Field::HalfDay => {
                let index = self.name(if item.dotted { &["a.m.", "p.m."] } else { &["am", "pm"] }, None)?;
                self.fields.afternoon = index == 1;
                self.fields.twelve_hours = true;
            }
            Field::Era => {
                let index = self.name(if item.dotted { &["a.d.", "b.c."] } else { &["ad", "bc"] }, None)?;
                self.fields.before_christ = index == 1;
            }
            Field::Hour12 => {
                self.fields.hour = Some(whole(self.number(2, item, behind)?));
                self.fields.twelve_hours = true;
            }
            Field::Hour24 => self.fields.hour = Some(whole(self.number(2, item, behind)?)),
            Field::Minute => self.fields.minute = whole(self.number(2, item, behind)?),
            Field::Second => self.fields.second = whole(self.number(2, item, behind)?),
            Field::SecondOfDay => self.fields.second_of_day = Some(whole(self.number(5, item, behind)?)),
            Field::Millisecond => self.fraction(3, item, behind)?,
            Field::Microsecond => self.fraction(6, item, behind)?,
            Field::Fraction(digits) => self.fraction(digits, item, behind)?,
            Field::ZoneHour => {
                let sign = self.rest.starts_with('-');
                self.rest = self.rest.strip_prefix(['+', '-', ' ']).unwrap_or(self.rest);
                self.fields.zone_sign = if sign { -1 } else { 1 };
                self.fields.zone_hour = i32::try_from(whole(self.number(2, item, behind)?)).ok();
            }
            Field::ZoneMinute => {
                self.fields.zone_minute = i32::try_from(whole(self.number(2, item, behind)?)).unwrap_or_default();
            }
            Field::ZoneName | Field::Offset => {
                let text = "formatting fields TZ and OF are only supported in to_char";
                return Err(sql_error(Code::FeatureNotSupported, text));
            }
            _ => self.day_item(item, behind)?,
        }
        Ok(())
    }

    /// Digits behind the point: `25` of milliseconds is 250.
    fn fraction(&mut self, digits: u32, item: &Item, behind: &[Piece]) -> Result<()> {
        let (value, length) = self.number(digits as usize, item, behind)?;
        let missing = 6_u32.checked_sub(u32::try_from(length).unwrap_or(u32::MAX)).ok_or_else(out_of_range)?;
        self.fields.us += value * 10_i64.pow(missing);
        Ok(())
    }

    fn day_item(&mut self, item: &Item, behind: &[Piece]) -> Result<()> {
        let whole = |(value, _): (i64, usize)| Some(value);
        match item.field {
            Field::MonthName => self.fields.month = Some(self.name(&MONTHS, None)? as i64 + 1),
            Field::MonthShort => self.fields.month = Some(self.name(&MONTHS, Some(3))? as i64 + 1),
            Field::Roman => self.fields.month = Some(self.name(&ROMAN_MONTHS, None)? as i64 + 1),
            Field::Month => self.fields.month = whole(self.number(2, item, behind)?),
            Field::DayName => self.week_day(None)?,
            Field::DayShort => self.week_day(Some(3))?,
            Field::Day => self.fields.day = whole(self.number(2, item, behind)?),
            Field::DayOfYear => self.fields.day_of_year = whole(self.number(3, item, behind)?),
            Field::IsoDayOfYear => self.fields.iso_day_of_year = whole(self.number(3, item, behind)?),
            Field::IsoDay => self.fields.iso_day = whole(self.number(1, item, behind)?),
            Field::DayOfWeek => {
                let (day, _) = self.number(1, item, behind)?;
                self.fields.iso_day = Some(if day == 1 { 7 } else { day - 1 });
            }
            Field::Week => self.fields.week = whole(self.number(2, item, behind)?),
            Field::WeekOfMonth => self.fields.week_of_month = whole(self.number(1, item, behind)?),
            Field::IsoWeek => self.fields.iso_week = whole(self.number(2, item, behind)?),
            // Read and left out.
            Field::Quarter => drop(self.number(1, item, behind)?),
            Field::Century => self.fields.century = whole(self.number(2, item, behind)?),
            Field::Julian => self.fields.julian = whole(self.number(7, item, behind)?),
            Field::IsoYear(digits) => {
                let (year, length) = self.number(digits as usize, item, behind)?;
                self.fields.iso_year = Some(if digits < 4 && length < 4 { near_2020(year) } else { year });
            }
            Field::Year(digits) => {
                let (year, length) = self.number(digits as usize, item, behind)?;
                self.fields.year = Some(if digits < 4 && length < 4 { near_2020(year) } else { year });
                self.fields.year_digits = digits;
            }
            Field::YearComma => {
                let length = self.rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b',').count();
                let digits = self.rest[..length].replace(',', "");
                self.fields.year =
                    Some(digits.parse().map_err(|_| wrong("invalid input string for \"Y,YYY\"".to_owned()))?);
                self.rest = &self.rest[length..];
                self.fields.year_digits = 4;
            }
            _ => {}
        }
        Ok(())
    }

    fn week_day(&mut self, length: Option<usize>) -> Result<()> {
        let day = self.name(&DAYS, length)? as i64;
        self.fields.iso_day = Some(if day == 0 { 7 } else { day });
        Ok(())
    }
}

/// A year of few digits is the one next to 2020.
fn near_2020(year: i64) -> i64 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        other => other,
    }
}

impl Fields {
    fn combine(&self) -> Result<Parsed> {
        let gregorian = self.year.is_some() || self.month.is_some() || self.day.is_some() || self.day_of_year.is_some();
        let iso = self.iso_year.is_some() || self.iso_week.is_some() || self.iso_day_of_year.is_some();
        if gregorian && iso {
            return Err(wrong("invalid combination of date conventions".to_owned()));
        }
        let date = if iso { self.iso_date()? } else { self.date()? };
        let time = self.time()?;
        let offset = self.zone_hour.map(|hours| self.zone_sign * (hours * 3600 + self.zone_minute * 60));
        Ok(Parsed { local: date.and_time(time), offset })
    }

    fn time(&self) -> Result<NaiveTime> {
        let (mut hour, mut minute, mut second) = (self.hour.unwrap_or(0), self.minute, self.second);
        if let Some(of_day) = self.second_of_day {
            (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        }
        if self.twelve_hours && self.hour.is_some() {
            if !(1..=12).contains(&hour) {
                return Err(wrong(format!("hour \"{hour}\" is invalid for the 12-hour clock")));
            }
            hour = hour % 12 + if self.afternoon { 12 } else { 0 };
        }
        let part = |value: i64| u32::try_from(value).map_err(|_| out_of_range());
        let (hour, minute, second, us) = (part(hour)?, part(minute)?, part(second)?, part(self.us)?);
        NaiveTime::from_hms_micro_opt(hour, minute, second, us).ok_or_else(out_of_range)
    }

    fn date(&self) -> Result<NaiveDate> {
        if let Some(julian) = self.julian {
            let days = i32::try_from(julian - 1_721_425).map_err(|_| out_of_range())?;
            return NaiveDate::from_num_days_from_ce_opt(days).ok_or_else(out_of_range);
        }
        let year = i32::try_from(self.full_year()).map_err(|_| out_of_range())?;
        let part = |value: Option<i64>| u32::try_from(value.unwrap_or(1)).map_err(|_| out_of_range());
        let day_of_year = self.day_of_year.or(self.week.map(|week| (week - 1) * 7 + 1));
        if let Some(day) = day_of_year.filter(|_| self.month.is_none()) {
            return NaiveDate::from_yo_opt(year, part(Some(day))?).ok_or_else(out_of_range);
        }
        let day = self.day.or(self.week_of_month.map(|week| (week - 1) * 7 + 1));
        NaiveDate::from_ymd_opt(year, part(self.month)?, part(day)?).ok_or_else(out_of_range)
    }

    /// Without a year it is the one before the year 1, as in PostgreSQL.
    fn full_year(&self) -> i64 {
        let year = match (self.century, self.year) {
            (Some(century), Some(year)) if self.year_digits <= 2 => {
                let year = year % 100;
                if year == 0 { century * 100 } else { (century - 1) * 100 + year }
            }
            (Some(century), None) => return (century - 1) * 100 + 1,
            (_, year) => year.unwrap_or(0),
        };
        if self.before_christ && year > 0 {
            1 - year
        } else if year < 0 {
            year + 1
        } else {
            year
        }
    }

    fn iso_date(&self) -> Result<NaiveDate> {
        let year = i32::try_from(self.iso_year.unwrap_or(0)).map_err(|_| out_of_range())?;
        let week = u32::try_from(self.iso_week.unwrap_or(1)).map_err(|_| out_of_range())?;
        let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).ok_or_else(out_of_range)?;
        let days = match self.iso_day_of_year {
            Some(day) => day - 1 - i64::from(monday.iso_week().week() - 1) * 7,
            None => self.iso_day.unwrap_or(1) - 1,
        };
        let days = u64::try_from(days).map_err(|_| out_of_range())?;
        let date = monday.checked_add_days(Days::new(days)).ok_or_else(out_of_range)?;
        (date.year() > -290_000).then_some(date).ok_or_else(out_of_range)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn texts_are_read_by_patterns() {
        for (text, pattern, expected) in [
            ("05 Dec 2000", "DD Mon YYYY", "2000-12-05 00:00:00"),
            ("20240205T070809", "YYYYMMDD\"T\"HH24MISS", "2024-02-05 07:08:09"),
            ("2024-02-05 07:08:09.25", "YYYY-MM-DD HH24:MI:SS.MS", "2024-02-05 07:08:09.250"),
            ("2024-06-1", "IYYY-IW-ID", "2024-02-05 00:00:00"),
            ("2024-036", "YYYY-DDD", "2024-02-05 00:00:00"),
            ("February 5, 2024 7 pm", "FMMonth DD, YYYY HH am", "2024-02-05 19:00:00"),
            ("70/1", "YY/MM", "1970-01-01 00:00:00"),
        ] {
            let parsed = parse(text, pattern).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed.local.to_string(), expected, "{text}");
        }
        for (text, pattern) in [("abc", "YYYY"), ("2024-13-01", "YYYY-MM-DD"), ("2024-06-1", "YYYY-IW-ID")] {
            assert!(parse(text, pattern).is_err(), "{text}");
        }
    }
}
