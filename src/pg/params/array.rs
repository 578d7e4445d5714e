//! Parameters that are arrays of one dimension.

use bytes::Buf;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use crate::session::FormatSettings;
use crate::types::{Code, SqlError, SqlType};

use super::{binary, invalid_binary, invalid_text, null, text, utf8};

/// The type of the items of an array type.
pub(super) fn item_kind(kind: SqlType) -> Option<SqlType> {
    kind.item()
}

fn list(items: &[ScalarValue], item: SqlType) -> ScalarValue {
    ScalarValue::List(ScalarValue::new_list_nullable(items, &item.arrow()))
}

fn one_dimension() -> SqlError {
    SqlError::new(Code::FeatureNotSupported, "arrays of more than one dimension are not supported as parameters")
}

/// A vector of object ids or small integers, which is written as `1 2` and has no place for a null.
fn is_vector(kind: SqlType) -> bool {
    matches!(kind, SqlType::OidVector | SqlType::Int2Vector)
}

/// Reads `{a,"b c",NULL}`, and `1 2` where the type is a vector.
pub(super) fn from_text(
    whole: &str,
    kind: SqlType,
    item: SqlType,
    settings: &FormatSettings,
) -> Result<ScalarValue, SqlError> {
    let invalid = || {
        let shown: String = whole.chars().take(80).collect();
        SqlError::new(Code::InvalidTextRepresentation, format!("malformed array literal: \"{shown}\""))
    };
    if is_vector(kind) {
        let items: Result<Vec<_>, _> =
            whole.split_ascii_whitespace().map(|value| text::read(value, item, settings)).collect();
        return Ok(list(&items?, item));
    }
    if whole.trim_start().starts_with('[') {
        return Err(one_dimension());
    }
    let inner = whole.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(invalid)?;
    let mut items = Vec::new();
    let mut rest = inner.trim();
    while !rest.is_empty() {
        if rest.starts_with('{') {
            return Err(one_dimension());
        }
        let (value, after) = one_item(rest).ok_or_else(invalid)?;
        items.push(match value {
            None => null(item)?,
            Some(value) => text::read(&value, item, settings).map_err(|error| match error.code {
                Code::InvalidTextRepresentation => invalid_text(item, &value),
                _ => error,
            })?,
        });
        rest = match after.trim_start() {
            "" => "",
            more => match more.strip_prefix(',').map(str::trim_start) {
                Some("") | None => return Err(invalid()),
                Some(next) => next,
            },
        };
    }
    debug_assert!(item_kind(kind).is_some(), "only array types come here");
    Ok(list(&items, item))
}

/// One item and what follows it; none inside stands for NULL.
fn one_item(text: &str) -> Option<(Option<String>, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut places = quoted.char_indices();
        while let Some((at, next)) = places.next() {
            match next {
                '"' => return Some((Some(value), quoted.get(at + 1..)?)),
                '\\' => value.push(places.next()?.1),
                other => value.push(other),
            }
        }
        return None;
    }
    let (mut value, mut end, mut escaped) = (String::new(), text.len(), false);
    let mut places = text.char_indices();
    while let Some((at, next)) = places.next() {
        match next {
            ',' => {
                end = at;
                break;
            }
            '"' | '{' | '}' => return None,
            '\\' => {
                escaped = true;
                value.push(places.next()?.1);
            }
            other => value.push(other),
        }
    }
    let trimmed = value.trim_end();
    if trimmed.is_empty() {
        return None;
    }
    let is_null = trimmed.eq_ignore_ascii_case("null") && !escaped;
    Some(((!is_null).then(|| trimmed.to_owned()), text.get(end..)?))
}

/// Reads dimensions, item type, length and items.
pub(super) fn from_binary(mut bytes: &[u8], kind: SqlType, item: SqlType) -> Result<ScalarValue, SqlError> {
    let invalid = || invalid_binary(kind);
    if bytes.len() < 12 {
        return Err(invalid());
    }
    let (dimensions, _has_nulls, oid) = (bytes.get_i32(), bytes.get_i32(), bytes.get_u32());
    let texts = [SqlType::Text, SqlType::Varchar, SqlType::Bpchar, SqlType::Name, SqlType::Unknown];
    let sent = SqlType::from_oid(oid);
    // Object ids and integers of their size have the same bytes.
    let is_id = |kind: SqlType| kind.arrow() == DataType::Int32 || kind.is_registry();
    let same = oid == item.oid()
        || (texts.contains(&item) && texts.iter().any(|text| text.oid() == oid))
        || (is_id(item) && sent.is_some_and(is_id));
    if !same {
        return Err(SqlError::new(Code::DatatypeMismatch, "an array's items are not of the expected type"));
    }
    match dimensions {
        0 if bytes.is_empty() => return Ok(list(&[], item)),
        1 if bytes.len() >= 8 => {}
        2.. => return Err(one_dimension()),
        _ => return Err(invalid()),
    }
    let (count, _lower_bound) = (bytes.get_i32(), bytes.get_i32());
    let count = usize::try_from(count).map_err(|_| invalid())?;
    if count > bytes.len() / 4 {
        return Err(invalid());
    }
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        if bytes.len() < 4 {
            return Err(invalid());
        }
        items.push(match bytes.get_i32() {
            -1 if is_vector(kind) => return Err(invalid()),
            -1 => null(item)?,
            length => {
                let length = usize::try_from(length).map_err(|_| invalid())?;
                let (value, rest) = bytes.split_at_checked(length).ok_or_else(invalid)?;
                bytes = rest;
                if item == SqlType::Text {
                    ScalarValue::Utf8(Some(utf8(value)?.to_owned()))
                } else {
                    binary::read(value, item)?
                }
            }
        });
    }
    if bytes.is_empty() { Ok(list(&items, item)) } else { Err(invalid()) }
}
