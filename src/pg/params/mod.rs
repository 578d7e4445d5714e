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
    let text = std::str::from_utf8(bytes)
        .map_err(|_| SqlError::new(Code::CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\""))?;
    if text.contains('\0') {
        let message = "invalid byte sequence for encoding \"UTF8\": 0x00";
        return Err(SqlError::new(Code::CharacterNotInRepertoire, message));
    }
    Ok(text)
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
