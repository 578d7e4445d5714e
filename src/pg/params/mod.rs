//! Bound parameters: bytes of a client, as text or binary, to values of the engine.
//!
//! Every byte comes from outside: lengths and counts are checked before they are used, and what
//! cannot be read is an error of class 22. Called by `pg::extended`.

mod array;
mod binary;
mod datetime;
mod text;

use datafusion::common::ScalarValue;

use crate::session::FormatSettings;
use crate::types::{Code, SqlError, SqlType};

use super::encode::Format;

/// Reads one parameter; none stands for NULL.
pub(super) fn read(
    bytes: Option<&[u8]>,
    kind: SqlType,
    format: Format,
    settings: &FormatSettings,
) -> Result<ScalarValue, SqlError> {
    let Some(bytes) = bytes else { return null(kind) };
    match format {
        Format::Text => text::read(utf8(bytes)?, kind, settings),
        Format::Binary => binary::read(bytes, kind),
    }
}

fn null(kind: SqlType) -> Result<ScalarValue, SqlError> {
    ScalarValue::try_from(&kind.arrow()).map_err(|_| SqlError::new(Code::Internal, "a type has no NULL"))
}

fn utf8(bytes: &[u8]) -> Result<&str, SqlError> {
    utf8_before(bytes, &[])
}

/// The bytes as text; an error shows as many of them, and of those that follow, as the character would have.
pub(super) fn utf8_before<'a>(bytes: &'a [u8], behind: &[u8]) -> Result<&'a str, SqlError> {
    let wrong = |shown: &[u8]| {
        let shown: Vec<String> = shown.iter().map(|byte| format!("0x{byte:02x}")).collect();
        let text = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
        SqlError::new(Code::CharacterNotInRepertoire, text)
    };
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err(wrong(b"\0")),
        Ok(text) => Ok(text),
        Err(error) => {
            let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
            let announced = match rest.first() {
                Some(0xc0..=0xdf) => 2,
                Some(0xe0..=0xef) => 3,
                Some(0xf0..=0xf7) => 4,
                _ => 1,
            };
            let shown: Vec<u8> = rest.iter().chain(behind).copied().take(announced).collect();
            Err(wrong(&shown))
        }
    }
}

/// The error for a text that is no value of its type.
fn invalid_text(kind: SqlType, text: &str) -> SqlError {
    let name = match kind {
        SqlType::Bool => "boolean",
        SqlType::Int2 => "smallint",
        SqlType::Int4 => "integer",
        SqlType::Int8 => "bigint",
        SqlType::Float4 => "real",
        SqlType::Float8 => "double precision",
        SqlType::Timestamptz => "timestamp with time zone",
        other => other.name(),
    };
    let shown: String = text.chars().take(80).collect();
    SqlError::new(Code::InvalidTextRepresentation, format!("invalid input syntax for type {name}: \"{shown}\""))
}

/// The error for bytes that are no value of their type.
fn invalid_binary(kind: SqlType) -> SqlError {
    SqlError::new(
        Code::InvalidBinaryRepresentation,
        format!("incorrect binary data format of a parameter of type {}", kind.name()),
    )
}

#[cfg(test)]
mod tests;
