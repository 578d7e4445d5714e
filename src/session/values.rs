//! Reads the text of a setting's value and gives back the form that SHOW shows.

use crate::catalog::quote_ident;
use crate::types::{Code, SqlError, read_truth};

use super::numbers::{self, Unit};
use crate::types::Zone;

/// Longest value of a setting, in bytes.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// The type of a setting.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// on or off.
    Bool,
    /// A whole number with bounds, maybe with a unit.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
        /// What it counts.
        unit: Unit,
    },
    /// A number with bounds.
    Real {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A text that a function checks and spells its own way; none refuses it.
    Text(fn(&str) -> Result<String, Refusal>),
    /// A text whose meaning depends on the value before.
    Merge(fn(&str, &str) -> Result<String, Refusal>),
    /// Names with commas between.
    List,
}

/// Why a value is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has no meaning.
    Invalid,
    /// It has a meaning that this node does not serve.
    NotServed,
}

/// Checks a value and spells it as SHOW does; `before` is the value that it replaces. Errors name the
/// setting as it was `given` where PostgreSQL does.
pub(super) fn check(name: &str, given: &str, kind: Kind, values: &[String], before: &str) -> Result<String, SqlError> {
    let joined = match (kind, values) {
        (Kind::List, _) => values
            .iter()
            .map(|value| if value.is_empty() { "\"\"".into() } else { quote_ident(value) })
            .collect::<Vec<_>>()
            .join(", "),
        (_, [one]) => one.clone(),
        (Kind::Merge(_), _) => values.join(", "),
        _ => return Err(SqlError::new(Code::InvalidParameterValue, format!("SET {given} takes only one argument"))),
    };
    check_length(name, &joined)?;
    match kind {
        Kind::Bool => match read_truth(&joined) {
            Some(true) => Ok(String::from("on")),
            Some(false) => Ok(String::from("off")),
            None => Err(SqlError::new(
                Code::InvalidParameterValue,
                format!("parameter \"{given}\" requires a Boolean value"),
            )),
        },
        Kind::Integer { min, max, unit } => numbers::integer(given, &joined, min, max, unit),
        Kind::Real { min, max } => numbers::real(given, &joined, min, max),
        Kind::Choice(choices) => choices
            .iter()
            .find(|choice| choice.eq_ignore_ascii_case(&joined))
            .map(|choice| (*choice).to_owned())
            .ok_or_else(|| invalid(given, &joined).with_hint(format!("Available values: {}.", choices.join(", ")))),
        Kind::Text(read) => read(&joined).map_err(|refusal| refused(name, &joined, &refusal)),
        Kind::Merge(read) => read(&joined, before).map_err(|refusal| refused(name, &joined, &refusal)),
        Kind::List => Ok(joined),
    }
}

/// Checks names with commas between, which stay as they were written.
pub(super) fn check_list(name: &str, text: &str) -> Result<String, SqlError> {
    check_length(name, text)?;
    split_names(text).map(|_| text.to_owned()).ok_or_else(|| invalid(name, text))
}

fn check_length(name: &str, value: &str) -> Result<(), SqlError> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(invalid(name, "...").with_detail(format!("it is longer than {VALUE_BYTES_MAX} bytes")));
    }
    Ok(())
}

pub(super) fn invalid(name: &str, value: &str) -> SqlError {
    let shown: String = value.chars().take(80).collect();
    SqlError::new(Code::InvalidParameterValue, format!("invalid value for parameter \"{name}\": \"{shown}\""))
}

fn refused(name: &str, value: &str, refusal: &Refusal) -> SqlError {
    let mut error = invalid(name, value);
    if name == "DateStyle" {
        let word = value.split(',').map(str::trim).find(|word| date_style(word, "ISO, MDY").is_err());
        error.detail = Some(format!("Unrecognized key word: \"{}\".", word.unwrap_or(value).to_lowercase()));
    }
    if *refusal == Refusal::NotServed {
        error.code = Code::FeatureNotSupported;
        error.detail = Some(String::from("this node does not serve that value"));
    }
    error
}

#[allow(clippy::unnecessary_wraps, reason = "one of several readers")]
pub(super) fn any(text: &str) -> Result<String, Refusal> {
    Ok(text.to_owned())
}

/// Names of programs: PostgreSQL shows everything outside printable ASCII as a question mark.
#[allow(clippy::unnecessary_wraps, reason = "one of several readers")]
pub(super) fn printable(text: &str) -> Result<String, Refusal> {
    Ok(text.chars().take(63).map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect())
}

/// UTF8 in its many spellings; one client sends the quotes along.
pub(super) fn encoding(text: &str) -> Result<String, Refusal> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "utf8" | "unicode" => Ok(String::from("UTF8")),
        known
            if ["latin", "win", "iso8859", "euc", "sjis", "koi8", "sqlascii", "big5", "gb", "johab", "uhc"]
                .iter()
                .any(|prefix| known.starts_with(prefix)) =>
        {
            Err(Refusal::NotServed)
        }
        _ => Err(Refusal::Invalid),
    }
}

pub(super) fn standard_strings(text: &str) -> Result<String, Refusal> {
    match read_truth(text) {
        Some(true) => Ok(String::from("on")),
        Some(false) => Err(Refusal::NotServed),
        None => Err(Refusal::Invalid),
    }
}

pub(super) fn always_off(text: &str) -> Result<String, Refusal> {
    match read_truth(text) {
        Some(false) => Ok(String::from("off")),
        Some(true) => Err(Refusal::NotServed),
        None => Err(Refusal::Invalid),
    }
}

pub(super) fn time_zone(text: &str) -> Result<String, Refusal> {
    Zone::parse(text).map(|zone| zone.shown).ok_or(Refusal::Invalid)
}

/// A style, an order of day and month, or both; what is left out stays as it was.
pub(super) fn date_style(text: &str, before: &str) -> Result<String, Refusal> {
    let (mut style, mut order) = before.split_once(", ").unwrap_or(("ISO", "MDY"));
    for word in text.split(',') {
        match word.trim().to_ascii_lowercase().as_str() {
            "iso" => style = "ISO",
            "sql" => style = "SQL",
            "postgres" => style = "Postgres",
            "german" => (style, order) = ("German", "DMY"),
            "mdy" | "us" | "noneuro" | "noneuropean" => order = "MDY",
            "dmy" | "euro" | "european" => order = "DMY",
            "ymd" => order = "YMD",
            "default" => (style, order) = ("ISO", "MDY"),
            _ => return Err(Refusal::Invalid),
        }
    }
    Ok(format!("{style}, {order}"))
}

/// The names in a value of `search_path`, unquoted; none when the quotes do not match.
pub(super) fn split_names(text: &str) -> Option<Vec<String>> {
    let (mut names, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (name, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_name(quoted)?
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest.get(..end)?.trim().to_lowercase(), rest.get(end..)?)
        };
        names.push(name);
        rest = match after.trim_start() {
            "" => "",
            more => more.strip_prefix(',')?.trim_start(),
        };
    }
    Some(names)
}

fn quoted_name(quoted: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut places = quoted.char_indices().peekable();
    while let Some((at, next)) = places.next() {
        if next != '"' {
            name.push(next);
        } else if places.next_if(|(_, after)| *after == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, quoted.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{date_style, split_names};

    #[test]
    fn a_date_style_keeps_what_is_left_out() {
        assert_eq!(date_style("ISO", "SQL, DMY").as_deref(), Ok("ISO, DMY"));
        assert_eq!(date_style("german", "ISO, MDY").as_deref(), Ok("German, DMY"));
        assert!(date_style("nonsense", "ISO, MDY").is_err());
    }

    #[test]
    fn names_in_a_search_path_keep_their_quotes_meaning() {
        let names = split_names("\"$user\", Public ,\"A \"\"b\"").expect("three names");
        assert_eq!(names, ["$user", "public", "A \"b"]);
        assert_eq!(split_names("\"open"), None);
        assert_eq!(split_names("\"\""), Some(vec![String::new()]));
    }
}
