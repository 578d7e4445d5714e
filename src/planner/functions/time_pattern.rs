//! The patterns of `to_char`, `to_timestamp` and `to_date`, cut into fields and plain characters.
//!
//! The names are those of PostgreSQL's documentation, chapter 9.8.

/// A field of a date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// AD or BC, with dots or without.
    Era,
    /// AM or PM, with dots or without.
    HalfDay,
    Century,
    DayName,
    DayShort,
    DayOfYear,
    Day,
    DayOfWeek,
    /// Fractions of a second in so many digits.
    Fraction(u32),
    Fixed,
    Hour24,
    Hour12,
    IsoDayOfYear,
    IsoDay,
    IsoWeek,
    /// The ISO year's last digits, so many of them.
    IsoYear(u32),
    Julian,
    Minute,
    Month,
    MonthName,
    MonthShort,
    Millisecond,
    Offset,
    Quarter,
    Roman,
    SecondOfDay,
    Second,
    ZoneHour,
    ZoneMinute,
    ZoneName,
    Microsecond,
    Week,
    WeekOfMonth,
    /// A year with a comma.
    YearComma,
    /// The year's last digits, so many of them.
    Year(u32),
}

impl Field {
    /// Whether a text of it begins with a digit.
    pub(super) fn is_digit(self) -> bool {
        !matches!(
            self,
            Self::Era
                | Self::HalfDay
                | Self::DayName
                | Self::DayShort
                | Self::Fixed
                | Self::MonthName
                | Self::MonthShort
                | Self::Offset
                | Self::Roman
                | Self::ZoneHour
                | Self::ZoneName
        )
    }
}

/// How the letters of a field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    Upper,
    Capital,
    Lower,
}

/// A field with what surrounds its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) field: Field,
    pub(super) letters: Letters,
    /// Its name has dots.
    pub(super) dotted: bool,
    /// `FM`: no blanks and leading zeros.
    pub(super) fill: bool,
    /// `TM`: names in the language of the session, without blanks.
    pub(super) translated: bool,
    /// `TH` or `th` behind a number.
    pub(super) ordinal: Option<Letters>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Item(Item),
    /// Stands for itself; a quoted one is no separator.
    Plain {
        character: char,
        quoted: bool,
    },
}

/// Names of fields; of two that fit the longer comes first.
const NAMES: &[(&str, Field)] = &[
    ("A.D.", Field::Era),
    ("B.C.", Field::Era),
    ("AD", Field::Era),
    ("BC", Field::Era),
    ("A.M.", Field::HalfDay),
    ("P.M.", Field::HalfDay),
    ("AM", Field::HalfDay),
    ("PM", Field::HalfDay),
    ("CC", Field::Century),
    ("DAY", Field::DayName),
    ("DDD", Field::DayOfYear),
    ("DD", Field::Day),
    ("DY", Field::DayShort),
    ("D", Field::DayOfWeek),
    ("FF1", Field::Fraction(1)),
    ("FF2", Field::Fraction(2)),
    ("FF3", Field::Fraction(3)),
    ("FF4", Field::Fraction(4)),
    ("FF5", Field::Fraction(5)),
    ("FF6", Field::Fraction(6)),
    ("FX", Field::Fixed),
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("IDDD", Field::IsoDayOfYear),
    ("ID", Field::IsoDay),
    ("IW", Field::IsoWeek),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("I", Field::IsoYear(1)),
    ("J", Field::Julian),
    ("MI", Field::Minute),
    ("MM", Field::Month),
    ("MONTH", Field::MonthName),
    ("MON", Field::MonthShort),
    ("MS", Field::Millisecond),
    ("OF", Field::Offset),
    ("Q", Field::Quarter),
    ("RM", Field::Roman),
    ("SSSSS", Field::SecondOfDay),
    ("SSSS", Field::SecondOfDay),
    ("SS", Field::Second),
    ("TZH", Field::ZoneHour),
    ("TZM", Field::ZoneMinute),
    ("TZ", Field::ZoneName),
    ("US", Field::Microsecond),
    ("WW", Field::Week),
    ("W", Field::WeekOfMonth),
    ("Y,YYY", Field::YearComma),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
    ("YY", Field::Year(2)),
    ("Y", Field::Year(1)),
];

/// Cuts a pattern into pieces.
pub(super) fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some((item, after)) = item(rest) {
            pieces.push(Piece::Item(item));
            rest = after;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            '"' => rest = quoted(rest, &mut pieces),
            '\\' if rest.starts_with('"') => {
                pieces.push(Piece::Plain { character: '"', quoted: true });
                rest = &rest[1..];
            }
            character => pieces.push(Piece::Plain { character, quoted: false }),
        }
    }
    pieces
}

/// What stands in double quotes; gives what is behind them.
fn quoted<'a>(text: &'a str, pieces: &mut Vec<Piece>) -> &'a str {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let character = match character {
            '"' => break,
            '\\' => characters.next().unwrap_or('\\'),
            plain => plain,
        };
        pieces.push(Piece::Plain { character, quoted: true });
    }
    characters.as_str()
}

fn item(text: &str) -> Option<(Item, &str)> {
    let mut rest = text;
    let (mut fill, mut translated) = (false, false);
    loop {
        let prefix = rest.get(..2).unwrap_or_default();
        match prefix {
            "FM" | "fm" => fill = true,
            "TM" | "tm" => translated = true,
            _ => break,
        }
        rest = &rest[2..];
    }
    let (field, letters, dotted, length) = name(rest)?;
    rest = &rest[length..];
    let ordinal = match rest.get(..2) {
        Some("TH") => Some(Letters::Upper),
        Some("th") => Some(Letters::Lower),
        _ => None,
    };
    rest = if ordinal.is_some() { &rest[2..] } else { rest };
    Some((Item { field, letters, dotted, fill, translated, ordinal }, rest))
}

/// The field that a text begins with, and how long its name is.
fn name(text: &str) -> Option<(Field, Letters, bool, usize)> {
    let found = |(name, field): &(&str, Field)| {
        let written = text.get(..name.len())?;
        let letters = if written == *name {
            Letters::Upper
        } else if written == name.to_ascii_lowercase() {
            Letters::Lower
        } else if is_capitalised(written, name) {
            Letters::Capital
        } else {
            return None;
        };
        Some((*field, letters, name.contains('.'), name.len()))
    };
    NAMES.iter().find_map(found)
}

/// `Day`, `Dy`, `Month`, `Mon`.
fn is_capitalised(written: &str, name: &str) -> bool {
    matches!(name, "DAY" | "DY" | "MONTH" | "MON")
        && written.eq_ignore_ascii_case(name)
        && written.chars().next().is_some_and(char::is_uppercase)
        && written.chars().skip(1).all(char::is_lowercase)
}

/// Names of months, from January.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Names of days, from Sunday.
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Roman numbers of months, from January.
pub(super) const ROMAN_MONTHS: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
