//! What a single value of the configuration can be, in the file and as text of the environment.

use std::time::Duration;

use toml::de::DeValue;

use super::secret::Secret;
use super::units::{ByteSize, parse_duration, shorten, show_duration};

/// A value of one key.
pub(super) trait Leaf: Sized {
    /// What the file should have here, with an article.
    const WANTS: &'static str;

    /// Reads it from the file; `None` when it is of another kind.
    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>>;

    /// Reads it from a text of the environment or the command line.
    fn from_text(text: &str) -> Result<Self, String>;

    /// How the log shows it.
    fn show(&self) -> String;
}

impl Leaf for String {
    const WANTS: &'static str = "a text";

    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>> {
        value.as_str().map(Self::from_text)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl Leaf for Secret {
    const WANTS: &'static str = "a text";

    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>> {
        value.as_str().map(Self::from_text)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Leaf for bool {
    const WANTS: &'static str = "true or false";

    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>> {
        value.as_bool().map(Ok)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("\"{}\" is neither true nor false", shorten(text)))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Leaf for u64 {
    const WANTS: &'static str = "a whole number";

    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>> {
        let number = value.as_integer()?;
        let digits: String = number.as_str().chars().filter(|character| *character != '_').collect();
        Some(Self::from_str_radix(&digits, number.radix()).map_err(|_| not_whole(&digits)))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| not_whole(text))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

fn not_whole(text: &str) -> String {
    format!("{} is no whole number from 0 on", shorten(text))
}

impl Leaf for ByteSize {
    const WANTS: &'static str = "a size such as \"64MiB\"";

    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>> {
        match value.as_str() {
            Some(text) => Some(Self::parse(text)),
            None => u64::from_value(value).map(|number| number.map(Self)),
        }
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Leaf for Duration {
    const WANTS: &'static str = "a time with its unit, such as \"30s\"";

    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>> {
        match value.as_str() {
            Some(text) => Some(parse_duration(text)),
            // Of the numbers only 0 means the same in every unit.
            None => matches!(u64::from_value(value), Some(Ok(0))).then_some(Ok(Self::ZERO)),
        }
    }

    fn from_text(text: &str) -> Result<Self, String> {
        parse_duration(text)
    }

    fn show(&self) -> String {
        format!("\"{}\"", show_duration(*self))
    }
}

impl Leaf for Vec<String> {
    const WANTS: &'static str = "a list of texts";

    fn from_value(value: &DeValue<'_>) -> Option<Result<Self, String>> {
        let texts = value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
        texts.collect::<Option<Self>>().map(Ok)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}
