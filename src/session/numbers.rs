//! Numbers in settings: whole or real, with a unit of time or memory, checked and shown as PostgreSQL does.

use crate::types::{Code, SqlError};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nothing in particular.
    None,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Kilobytes.
    Kilobytes,
    /// Blocks of 8 kB.
    Blocks,
}

/// Units of time by name, in milliseconds, greatest first.
const TIMES: [(&str, f64); 6] =
    [("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1_000.0), ("ms", 1.0), ("us", 0.001)];
/// Units of memory by name, in kilobytes, greatest first.
const SIZES: [(&str, f64); 5] =
    [("TB", 1_073_741_824.0), ("GB", 1_048_576.0), ("MB", 1_024.0), ("kB", 1.0), ("B", 1.0 / 1_024.0)];

impl Unit {
    /// The name in pg_settings.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Milliseconds => Some("ms"),
            Self::Seconds => Some("s"),
            Self::Kilobytes => Some("kB"),
            Self::Blocks => Some("8kB"),
        }
    }

    /// The units that may be written, and how many of the first family's unit one of this is.
    fn family(self) -> (&'static [(&'static str, f64)], f64) {
        match self {
            Self::None => (&[], 1.0),
            Self::Milliseconds => (&TIMES, 1.0),
            Self::Seconds => (&TIMES, 1_000.0),
            Self::Kilobytes => (&SIZES, 1.0),
            Self::Blocks => (&SIZES, 8.0),
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Milliseconds | Self::Seconds => {
                "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
            }
            _ => "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".",
        }
    }
}

/// Why a text is no number of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Malformed,
    Unit,
}

/// A number in this unit, as it is written.
fn read(text: &str, unit: Unit) -> Result<f64, Fault> {
    let text = text.trim();
    let (number, rest) = split(text).ok_or(Fault::Malformed)?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(number);
    }
    let (units, own) = unit.family();
    if units.is_empty() {
        return Err(Fault::Malformed);
    }
    let (_, factor) = units.iter().find(|(name, _)| *name == rest).ok_or(Fault::Unit)?;
    Ok(number * factor / own)
}

/// The number that a text starts with, and what follows.
fn split(text: &str) -> Option<(f64, &str)> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let number = i64::from_str_radix(digits.get(..end)?, 16).ok()?;
        let signed = if text.starts_with('-') { -number } else { number };
        return Some((signed as f64, digits.get(end..)?));
    }
    let mut end = 0;
    for (place, next) in text.char_indices() {
        let exponent =
            matches!(next, '+' | '-') && text.get(..place).is_some_and(|before| before.ends_with(['e', 'E']));
        let starts_exponent = matches!(next, 'e' | 'E')
            && text
                .get(place + 1..)
                .is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+'));
        if next.is_ascii_digit()
            || next == '.'
            || exponent
            || starts_exponent
            || (place == 0 && matches!(next, '+' | '-'))
        {
            end = place + next.len_utf8();
        } else {
            break;
        }
    }
    let number: f64 = text.get(..end)?.parse().ok()?;
    number.is_finite().then_some((number, text.get(end..)?))
}

/// Checks a whole number and spells it as SHOW does.
pub(super) fn integer(name: &str, text: &str, min: i64, max: i64, unit: Unit) -> Result<String, SqlError> {
    let number = read(text, unit).map_err(|fault| refused(name, text, unit, fault))?.round_ties_even();
    if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        return Err(super::values::invalid(name, text).with_hint("Value exceeds integer range."));
    }
    #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
    let number = number as i64;
    if !(min..=max).contains(&number) {
        return Err(outside(name, &number.to_string(), unit, &min.to_string(), &max.to_string()));
    }
    Ok(shown(number, unit))
}

/// Checks a real number and spells it as SHOW does.
pub(super) fn real(name: &str, text: &str, min: f64, max: f64) -> Result<String, SqlError> {
    let number = read(text, Unit::None).map_err(|fault| refused(name, text, Unit::None, fault))?;
    if !(min..=max).contains(&number) {
        return Err(outside(name, &number.to_string(), Unit::None, &min.to_string(), &max.to_string()));
    }
    Ok(number.to_string())
}

fn refused(name: &str, text: &str, unit: Unit, fault: Fault) -> SqlError {
    let error = super::values::invalid(name, text);
    if fault == Fault::Unit { error.with_hint(unit.hint()) } else { error }
}

fn outside(name: &str, number: &str, unit: Unit, min: &str, max: &str) -> SqlError {
    let unit = unit.name().map(|unit| format!(" {unit}")).unwrap_or_default();
    let text = format!("{number}{unit} is outside the valid range for parameter \"{name}\" ({min} .. {max})");
    SqlError::new(Code::InvalidParameterValue, text)
}

/// A number in the greatest unit that divides it.
fn shown(number: i64, unit: Unit) -> String {
    let (units, own) = unit.family();
    if number <= 0 || units.is_empty() {
        return number.to_string();
    }
    #[allow(clippy::cast_possible_truncation, reason = "units are small whole numbers")]
    let base = number * own as i64;
    let whole = units.iter().filter(|(_, factor)| *factor >= 1.0).find(|(_, factor)| {
        #[allow(clippy::cast_possible_truncation, reason = "units are small whole numbers")]
        let factor = *factor as i64;
        base % factor == 0
    });
    match whole {
        #[allow(clippy::cast_possible_truncation, reason = "units are small whole numbers")]
        Some((name, factor)) => format!("{}{name}", base / *factor as i64),
        None => number.to_string(),
    }
}

/// A value that SHOW shows, as the bare number of pg_settings.
pub(super) fn bare(shown: &str, unit: Unit) -> String {
    match read(shown, unit) {
        Ok(number) if unit != Unit::None => number.to_string(),
        _ => shown.to_owned(),
    }
}

/// A shown span of time in milliseconds.
pub(super) fn milliseconds(shown: &str) -> Option<u64> {
    let number = read(shown, Unit::Milliseconds).ok()?.round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (0.0..9e15).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::{Unit, bare, integer, milliseconds, real};

    /// Spellings and their answers as a PostgreSQL 15 gave them.
    #[test]
    fn numbers_are_read_in_their_units_and_shown_in_the_greatest() {
        let max = i64::from(i32::MAX);
        for (text, unit, expected) in [
            ("60000", Unit::Milliseconds, "1min"),
            ("1.5s", Unit::Milliseconds, "1500ms"),
            ("2 h", Unit::Milliseconds, "2h"),
            ("0", Unit::Milliseconds, "0"),
            ("500us", Unit::Milliseconds, "0"),
            ("1GB", Unit::Kilobytes, "1GB"),
            ("100kB", Unit::Kilobytes, "100kB"),
            ("524288", Unit::Blocks, "4GB"),
            ("0x10", Unit::None, "16"),
            ("1.5", Unit::None, "2"),
            ("2.5", Unit::None, "2"),
        ] {
            assert_eq!(integer("p", text, 0, max, unit).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "ms", "1 fortnight", "1e400", "nan", "-1", "1kB", "9999999999"] {
            assert!(integer("p", text, 0, max, Unit::Milliseconds).is_err(), "{text}");
        }
        assert_eq!(real("p", "1.10", 0.0, 9.0).as_deref(), Ok("1.1"));
        assert!(real("p", "10", 0.0, 9.0).is_err());
        assert_eq!((bare("1min", Unit::Milliseconds).as_str(), milliseconds("1500ms")), ("60000", Some(1_500)));
    }
}
