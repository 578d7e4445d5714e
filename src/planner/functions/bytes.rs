//! Functions over bytes: encodings, digests, parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions::crypto;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};
use std::sync::Arc;

use super::datum::Datum;
use super::function::sql_error;
use super::shown::hex;
use super::typed::{Kind, Typed};
use crate::types::{Code, SqlType, read_escaped_bytes};

use Kind::{Bytes, Int, Text};

/// Characters of a line of `encode(.., 'base64')`.
const BASE64_LINE: usize = 76;

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let digest = |name, make: fn() -> Arc<ScalarUDF>| {
        Typed::new(name).takes(&[Bytes], SqlType::Bytea, move |row| digested(&make(), row.bytes(0)))
    };
    let functions = vec![
        Typed::new("encode").takes(&[Bytes, Text], SqlType::Text, |row| encode(row.bytes(0), row.text(1))),
        Typed::new("decode").takes(&[Text, Text], SqlType::Bytea, |row| decode(row.text(0), row.text(1))),
        Typed::new("md5").takes(&[Text], SqlType::Text, |row| md5(row.text(0).as_bytes())).takes(
            &[Bytes],
            SqlType::Text,
            |row| md5(row.bytes(0)),
        ),
        digest("sha224", crypto::sha224),
        digest("sha256", crypto::sha256),
        digest("sha384", crypto::sha384),
        digest("sha512", crypto::sha512),
        Typed::new("convert_to").takes(&[Text, Text], SqlType::Bytea, |row| {
            only_utf8(row.text(1))?;
            Ok(row.text(0).as_bytes().to_vec().into())
        }),
        Typed::new("convert_from").takes(&[Bytes, Text], SqlType::Text, |row| {
            only_utf8(row.text(1))?;
            let wrong = |_| sql_error(Code::CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"");
            Ok(std::str::from_utf8(row.bytes(0)).map_err(wrong)?.into())
        }),
        // A text that spells bytes: `\x` and hexadecimal digits, or PostgreSQL's old escapes.
        Typed::new("get_byte").takes(&[Bytes, Int], SqlType::Int4, |row| {
            let place = place(row.int(1), row.bytes(0).len())?;
            Ok(i32::from(row.bytes(0)[place]).into())
        }),
        Typed::new("set_byte").takes(&[Bytes, Int, Int], SqlType::Bytea, |row| {
            let mut bytes = row.bytes(0).to_vec();
            let place = place(row.int(1), bytes.len())?;
            bytes[place] = row.int(2).to_le_bytes()[0];
            Ok(bytes.into())
        }),
        Typed::new("get_bit").takes(&[Bytes, Int], SqlType::Int4, |row| {
            let place = place(row.int(1), row.bytes(0).len().saturating_mul(8))?;
            Ok(i32::from(row.bytes(0)[place / 8] >> (place % 8) & 1).into())
        }),
        Typed::new("bytes_concat")
            .takes(&[Bytes, Bytes], SqlType::Bytea, |row| Ok([row.bytes(0), row.bytes(1)].concat().into())),
        measure("length", |text| text.chars().count(), <[u8]>::len),
        measure("octet_length", str::len, <[u8]>::len),
        measure("bit_length", |text| text.len() * 8, |bytes| bytes.len() * 8),
        // `position(x IN y)` is `position(y, x)` here.
        Typed::new("position")
            .takes(&[Text, Text], SqlType::Int4, |row| Ok(text_position(row.text(0), row.text(1))))
            .takes(&[Bytes, Bytes], SqlType::Int4, |row| Ok(bytes_position(row.bytes(0), row.bytes(1)))),
        Typed::new("strpos").takes(&[Text, Text], SqlType::Int4, |row| Ok(text_position(row.text(0), row.text(1)))),
        trimmed("btrim", true, true),
        trimmed("ltrim", true, false),
        trimmed("rtrim", false, true),
    ];
    functions.into_iter().map(Typed::udf).collect()
}

fn measure(name: &'static str, text: fn(&str) -> usize, bytes: fn(&[u8]) -> usize) -> Typed {
    let count = |count: usize| Ok(i32::try_from(count).unwrap_or(i32::MAX).into());
    Typed::new(name).takes(&[Text], SqlType::Int4, move |row| count(text(row.text(0)))).takes(
        &[Bytes],
        SqlType::Int4,
        move |row| count(bytes(row.bytes(0))),
    )
}

fn trimmed(name: &'static str, start: bool, end: bool) -> Typed {
    let trim = move |text: &str, set: &str| -> Result<Datum> {
        let drops = |character: char| set.contains(character);
        let text = if start { text.trim_start_matches(drops) } else { text };
        Ok(if end { text.trim_end_matches(drops) } else { text }.into())
    };
    Typed::new(name)
        .takes(&[Text], SqlType::Text, move |row| trim(row.text(0), " "))
        .takes(&[Text, Text], SqlType::Text, move |row| trim(row.text(0), row.text(1)))
        .takes(&[Bytes, Bytes], SqlType::Bytea, move |row| {
            let (bytes, set) = (row.bytes(0), row.bytes(1));
            let kept = |byte: &u8| !set.contains(byte);
            let from = if start { bytes.iter().position(kept).unwrap_or(bytes.len()) } else { 0 };
            let to = if end { bytes.iter().rposition(kept).map_or(from, |last| last + 1) } else { bytes.len() };
            Ok(bytes[from..to].to_vec().into())
        })
}

/// `overlay(bytes placing other from start for count)`.
pub(super) fn overlaid(bytes: &[u8], other: &[u8], start: i64, count: i64) -> Result<Datum> {
    if start <= 0 {
        return Err(sql_error(Code::SubstringError, "negative substring length not allowed"));
    }
    let place = |index: i64| usize::try_from(index.max(0)).unwrap_or(usize::MAX).min(bytes.len());
    let (head, tail) = (place(start - 1), place(start.saturating_add(count).saturating_sub(1)));
    Ok([&bytes[..head], other, &bytes[tail..]].concat().into())
}

fn text_position(text: &str, part: &str) -> Datum {
    let found = text.find(part).map_or(0, |start| text[..start].chars().count() + 1);
    i32::try_from(found).unwrap_or(i32::MAX).into()
}

fn bytes_position(bytes: &[u8], part: &[u8]) -> Datum {
    let found = if part.is_empty() { Some(0) } else { bytes.windows(part.len()).position(|window| window == part) };
    i32::try_from(found.map_or(0, |start| start + 1)).unwrap_or(i32::MAX).into()
}

/// Bytes from a place on, counted from 1.
pub(super) fn slice(bytes: &[u8], start: i64, length: Option<i64>) -> Result<Datum> {
    let end = match length {
        Some(length) if length < 0 => {
            return Err(sql_error(Code::SubstringError, "negative substring length not allowed"));
        }
        Some(length) => start.saturating_add(length),
        None => i64::MAX,
    };
    let within = |place: i64| usize::try_from(place.saturating_sub(1)).unwrap_or(0).min(bytes.len());
    let (from, to) = (within(start), within(end));
    Ok(bytes.get(from..to.max(from)).unwrap_or_default().to_vec().into())
}

fn place(index: i64, length: usize) -> Result<usize> {
    usize::try_from(index).ok().filter(|place| *place < length).ok_or_else(|| {
        let last = i64::try_from(length).unwrap_or(i64::MAX) - 1;
        sql_error(Code::ArraySubscriptError, format!("index {index} out of valid range, 0..{last}"))
    })
}

fn digested(digest: &Arc<ScalarUDF>, bytes: &[u8]) -> Result<Datum> {
    use datafusion::arrow::datatypes::{DataType, Field};
    let argument = ScalarValue::Binary(Some(bytes.to_vec()));
    let arguments = datafusion::logical_expr::ScalarFunctionArgs {
        args: vec![ColumnarValue::Scalar(argument)],
        arg_fields: vec![Arc::new(Field::new("bytes", DataType::Binary, true))],
        number_rows: 1,
        return_field: Arc::new(Field::new("digest", digest.inner().return_type(&[DataType::Binary])?, true)),
        config_options: Arc::default(),
    };
    match digest.invoke_with_args(arguments)? {
        ColumnarValue::Scalar(value) => Ok(value.into()),
        ColumnarValue::Array(array) => Ok(ScalarValue::try_from_array(&array, 0)?.into()),
    }
}

fn md5(bytes: &[u8]) -> Result<Datum> {
    digested(&crypto::md5(), bytes)
}

fn only_utf8(encoding: &str) -> Result<()> {
    let name = encoding.to_ascii_lowercase().replace(['-', '_'], "");
    if matches!(name.as_str(), "utf8" | "unicode") {
        return Ok(());
    }
    Err(sql_error(Code::FeatureNotSupported, format!("conversion between {encoding} and UTF8 is not supported")))
}

fn encode(bytes: &[u8], format: &str) -> Result<Datum> {
    Ok(match format.to_ascii_lowercase().as_str() {
        "hex" => hex(bytes).into(),
        "base64" => {
            let text = STANDARD.encode(bytes);
            let lines: Vec<&str> =
                text.as_bytes().chunks(BASE64_LINE).filter_map(|line| std::str::from_utf8(line).ok()).collect();
            lines.join("\n").into()
        }
        "escape" => escaped(bytes).into(),
        _ => return Err(unknown_encoding(format)),
    })
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
            _ => out.push(char::from(*byte)),
        }
    }
    out
}

fn unknown_encoding(format: &str) -> datafusion::error::DataFusionError {
    let shown: String = format.chars().take(60).collect();
    sql_error(Code::InvalidParameterValue, format!("unrecognized encoding: \"{shown}\""))
}

fn decode(text: &str, format: &str) -> Result<Datum> {
    let wrong = |what: &str| sql_error(Code::InvalidParameterValue, format!("invalid {what}"));
    let compact: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    Ok(match format.to_ascii_lowercase().as_str() {
        "hex" if !compact.is_ascii() => return Err(wrong("hexadecimal digit")),
        "hex" if compact.len() % 2 == 1 => return Err(wrong("hexadecimal data: odd number of digits")),
        "hex" => {
            let pair = |start: usize| u8::from_str_radix(&compact[start..start + 2], 16);
            let bytes: Result<Vec<u8>, _> = (0..compact.len()).step_by(2).map(pair).collect();
            bytes.map_err(|_| wrong("hexadecimal digit"))?.into()
        }
        "base64" => STANDARD.decode(&compact).map_err(|_| wrong("base64 end sequence"))?.into(),
        "escape" => read_escaped_bytes(text).ok_or_else(malformed)?.into(),
        _ => return Err(unknown_encoding(format)),
    })
}

fn malformed() -> datafusion::error::DataFusionError {
    sql_error(Code::InvalidTextRepresentation, "invalid input syntax for type bytea")
}
