//! Options of COPY: collected in any order, then checked together as PostgreSQL checks them.

use crate::types::{Code, SqlError};

use super::super::statement::{CopyFormat, CopyHeader, CopyOptions, ForceQuote};

/// The right side of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OptionValue {
    /// The name stood alone.
    None,
    /// A text, word or number.
    Text(String),
    /// `*`
    Star,
    /// Names in parentheses.
    Names(Vec<String>),
}

/// Options as they were written.
#[derive(Debug, Default)]
pub(super) struct Given {
    format: Option<String>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<CopyHeader>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<ForceQuote>,
    force_not_null: Option<Vec<String>>,
    force_null: Option<Vec<String>>,
    seen: Vec<&'static str>,
}

const NAMES: &[&str] = &[
    "format",
    "freeze",
    "delimiter",
    "null",
    "header",
    "quote",
    "escape",
    "force_quote",
    "force_not_null",
    "force_null",
    "encoding",
];

impl Given {
    /// Takes an option whose value needs no place of its own in an error.
    pub(super) fn set(&mut self, name: &str, value: OptionValue, place: u32) -> Result<(), SqlError> {
        self.set_with_value_at(name, value, place, place)
    }

    /// Takes an option; `place` is that of its name.
    pub(super) fn set_with_value_at(
        &mut self,
        name: &str,
        value: OptionValue,
        place: u32,
        value_place: u32,
    ) -> Result<(), SqlError> {
        let Some(known) = NAMES.iter().find(|known| **known == name) else {
            return Err(syntax(format!("option \"{name}\" not recognized")).at(place));
        };
        if self.seen.contains(known) {
            return Err(syntax("conflicting or redundant options").at(place));
        }
        self.seen.push(known);
        match *known {
            "format" => self.format = Some(format(text(known, value)?, value_place)?),
            "delimiter" => self.delimiter = Some(text(known, value)?),
            "null" => self.null = Some(text(known, value)?),
            "quote" => self.quote = Some(text(known, value)?),
            "escape" => self.escape = Some(text(known, value)?),
            "header" => self.header = Some(header(value)?),
            "freeze" => drop(truth(known, &value)?),
            "encoding" => encoding(&text(known, value)?, place)?,
            "force_quote" => {
                self.force_quote = Some(match value {
                    OptionValue::Star => ForceQuote::All,
                    other => ForceQuote::Columns(columns(known, other, place)?),
                });
            }
            "force_not_null" => self.force_not_null = Some(columns(known, value, place)?),
            _ => self.force_null = Some(columns(known, value, place)?),
        }
        Ok(())
    }

    /// Checks what was given, and fills in what was not; `is_from` tells COPY FROM from COPY TO.
    pub(super) fn finish(self, is_from: bool) -> Result<CopyOptions, SqlError> {
        if self.header == Some(CopyHeader::Match) && !is_from {
            return Err(unsupported("cannot use \"match\" with HEADER in COPY TO"));
        }
        let csv = self.format.as_deref() == Some("csv");
        if self.format.as_deref() == Some("binary") {
            return self.finish_binary(is_from);
        }
        let delimiter = one_byte("delimiter", self.delimiter.as_deref(), if csv { b',' } else { b'\t' })?;
        let null = self.null.clone().unwrap_or_else(|| String::from(if csv { "" } else { "\\N" }));
        if matches!(delimiter, b'\n' | b'\r') {
            return Err(invalid("COPY delimiter cannot be newline or carriage return"));
        }
        if null.contains(['\n', '\r']) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        // These would look like an escape or like the end of the data.
        if !csv && (delimiter.is_ascii_lowercase() || delimiter.is_ascii_digit() || matches!(delimiter, b'\\' | b'.')) {
            return Err(invalid(format!("COPY delimiter cannot be \"{}\"", char::from(delimiter))));
        }
        if !csv {
            self.check_csv_only()?;
        }
        let quote = one_byte("quote", self.quote.as_deref(), b'"')?;
        if csv && delimiter == quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        let escape = one_byte("escape", self.escape.as_deref(), quote)?;
        self.check_direction(is_from)?;
        if null.as_bytes().contains(&delimiter) {
            return Err(unsupported("COPY delimiter must not appear in the NULL specification"));
        }
        if csv && null.as_bytes().contains(&quote) {
            return Err(unsupported("CSV quote character must not appear in the NULL specification"));
        }
        let force_quote = self.force_quote.unwrap_or(ForceQuote::Columns(Vec::new()));
        let format = match csv {
            true => CopyFormat::Csv {
                delimiter,
                null,
                quote,
                escape,
                force_quote,
                force_not_null: self.force_not_null.unwrap_or_default(),
                force_null: self.force_null.unwrap_or_default(),
            },
            false => CopyFormat::Text { delimiter, null },
        };
        Ok(CopyOptions { format, header: self.header.unwrap_or(CopyHeader::None) })
    }

    fn finish_binary(self, is_from: bool) -> Result<CopyOptions, SqlError> {
        if self.delimiter.is_some() {
            return Err(syntax("cannot specify DELIMITER in BINARY mode"));
        }
        if self.null.is_some() {
            return Err(syntax("cannot specify NULL in BINARY mode"));
        }
        if self.header.is_some_and(|header| header != CopyHeader::None) {
            return Err(unsupported("cannot specify HEADER in BINARY mode"));
        }
        self.check_csv_only()?;
        self.check_direction(is_from)?;
        Ok(CopyOptions { format: CopyFormat::Binary, header: CopyHeader::None })
    }

    fn check_csv_only(&self) -> Result<(), SqlError> {
        let given = [
            ("quote", self.quote.is_some()),
            ("escape", self.escape.is_some()),
            ("force quote", self.force_quote.is_some()),
            ("force not null", self.force_not_null.is_some()),
            ("force null", self.force_null.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((what, _)) => Err(unsupported(format!("COPY {what} available only in CSV mode"))),
            None => Ok(()),
        }
    }

    fn check_direction(&self, is_from: bool) -> Result<(), SqlError> {
        let given = [
            ("force quote", self.force_quote.is_some(), false),
            ("force not null", self.force_not_null.is_some(), true),
            ("force null", self.force_null.is_some(), true),
        ];
        match given.iter().find(|(_, given, of_from)| *given && *of_from != is_from) {
            Some((what, _, of_from)) => {
                let only = if *of_from { "FROM" } else { "TO" };
                Err(unsupported(format!("COPY {what} only available using COPY {only}")))
            }
            None => Ok(()),
        }
    }
}

fn text(name: &str, value: OptionValue) -> Result<String, SqlError> {
    match value {
        OptionValue::Text(text) => Ok(text),
        _ => Err(syntax(format!("{name} requires a parameter"))),
    }
}

fn truth(name: &str, value: &OptionValue) -> Result<bool, SqlError> {
    match value {
        OptionValue::None => Ok(true),
        OptionValue::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            _ => Err(syntax(format!("{name} requires a Boolean value"))),
        },
        _ => Err(syntax(format!("{name} requires a Boolean value"))),
    }
}

fn header(value: OptionValue) -> Result<CopyHeader, SqlError> {
    match &value {
        OptionValue::Text(text) if text.eq_ignore_ascii_case("match") => Ok(CopyHeader::Match),
        _ => match truth("header", &value) {
            Ok(true) => Ok(CopyHeader::Names),
            Ok(false) => Ok(CopyHeader::None),
            Err(_) => Err(syntax("header requires a Boolean value or \"match\"")),
        },
    }
}

fn format(name: String, place: u32) -> Result<String, SqlError> {
    match name.as_str() {
        "text" | "csv" | "binary" => Ok(name),
        _ => Err(invalid(format!("COPY format \"{name}\" not recognized")).at(place)),
    }
}

fn encoding(name: &str, place: u32) -> Result<(), SqlError> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "utf8" | "unicode" => Ok(()),
        known
            if ["latin", "win", "iso8859", "euc", "koi8", "sqlascii", "sjis"]
                .iter()
                .any(|one| known.starts_with(one)) =>
        {
            Err(unsupported(format!("COPY with encoding \"{name}\" is not supported")))
        }
        _ => Err(invalid("argument to option \"encoding\" must be a valid encoding name").at(place)),
    }
}

fn columns(name: &str, value: OptionValue, place: u32) -> Result<Vec<String>, SqlError> {
    match value {
        OptionValue::Names(names) => Ok(names),
        _ => Err(invalid(format!("argument to option \"{name}\" must be a list of column names")).at(place)),
    }
}

fn one_byte(what: &str, given: Option<&str>, default: u8) -> Result<u8, SqlError> {
    match given.map(str::as_bytes) {
        None => Ok(default),
        Some([byte]) => Ok(*byte),
        Some(_) => Err(unsupported(format!("COPY {what} must be a single one-byte character"))),
    }
}

fn syntax(message: impl Into<String>) -> SqlError {
    SqlError::new(Code::SyntaxError, message)
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(Code::InvalidParameterValue, message)
}

fn unsupported(message: impl Into<String>) -> SqlError {
    SqlError::new(Code::FeatureNotSupported, message)
}
