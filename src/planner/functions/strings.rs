//! Functions over texts that the engine does not have, or means otherwise.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::limits::{checked_bytes, checked_items, checked_product};
use super::regex_shapes::start_as_comparison;
use super::shown::shown;
use super::typed::{Kind, Returns, Typed};
use crate::types::{Code, SqlError, SqlType, read_bytes};

use Kind::{Any, Bytes, Int, List, Number, Text, Texts};

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut functions = parts();
    functions.extend(padding());
    functions.extend(characters());
    functions.extend(arrays());
    functions.extend(any_values());
    functions.into_iter().map(Typed::udf).collect()
}

fn parts() -> Vec<Typed> {
    vec![
        Typed::new("substring")
            .takes(&[Text, Int], SqlType::Text, |row| Ok(substring(row.text(0), row.int(1), None)?.into()))
            .takes(&[Text, Int, Int], SqlType::Text, |row| {
                Ok(substring(row.text(0), row.int(1), Some(row.int(2)))?.into())
            })
            .takes(&[Text, Text], SqlType::Text, |row| super::regex_functions::first_part(row, row.text(1)))
            .takes(&[Text, Text, Text], SqlType::Text, super::similar::substring)
            .takes(&[Bytes, Int], SqlType::Bytea, |row| super::bytes::slice(row.bytes(0), row.int(1), None))
            .takes(&[Bytes, Int, Int], SqlType::Bytea, |row| {
                super::bytes::slice(row.bytes(0), row.int(1), Some(row.int(2)))
            }),
        Typed::new("substr")
            .takes(&[Text, Int], SqlType::Text, |row| Ok(substring(row.text(0), row.int(1), None)?.into()))
            .takes(&[Text, Int, Int], SqlType::Text, |row| {
                Ok(substring(row.text(0), row.int(1), Some(row.int(2)))?.into())
            })
            .takes(&[Bytes, Int], SqlType::Bytea, |row| super::bytes::slice(row.bytes(0), row.int(1), None))
            .takes(&[Bytes, Int, Int], SqlType::Bytea, |row| {
                super::bytes::slice(row.bytes(0), row.int(1), Some(row.int(2)))
            }),
        Typed::new("overlay")
            .takes(&[Text, Text, Int], SqlType::Text, |row| {
                let length = i64::try_from(row.text(1).chars().count()).unwrap_or(i64::MAX);
                overlay(row.text(0), row.text(1), row.int(2), length)
            })
            .takes(&[Text, Text, Int, Int], SqlType::Text, |row| {
                overlay(row.text(0), row.text(1), row.int(2), row.int(3))
            })
            .takes(&[Bytes, Bytes, Int], SqlType::Bytea, |row| {
                let length = i64::try_from(row.bytes(1).len()).unwrap_or(i64::MAX);
                super::bytes::overlaid(row.bytes(0), row.bytes(1), row.int(2), length)
            })
            .takes(&[Bytes, Bytes, Int, Int], SqlType::Bytea, |row| {
                super::bytes::overlaid(row.bytes(0), row.bytes(1), row.int(2), row.int(3))
            }),
        Typed::new("split_part")
            .takes(&[Text, Text, Int], SqlType::Text, |row| split_part(row.text(0), row.text(1), row.int(2))),
        Typed::new("left").takes(&[Text, Int], SqlType::Text, |row| {
            let count = row.text(0).chars().count();
            Ok(row.text(0).chars().take(kept(count, row.int(1))).collect::<String>().into())
        }),
        Typed::new("right").takes(&[Text, Int], SqlType::Text, |row| {
            let count = row.text(0).chars().count();
            Ok(row.text(0).chars().skip(count - kept(count, row.int(1))).collect::<String>().into())
        }),
        Typed::new("starts_with")
            .takes(&[Text, Text], SqlType::Bool, |row| Ok(row.text(0).starts_with(row.text(1)).into()))
            .simplified_by(start_as_comparison),
    ]
}

fn padding() -> Vec<Typed> {
    let pad = |name, on_left: bool| {
        Typed::new(name)
            .takes(&[Text, Int], SqlType::Text, move |row| pad(row.text(0), row.int(1), " ", on_left))
            .takes(&[Text, Int, Text], SqlType::Text, move |row| pad(row.text(0), row.int(1), row.text(2), on_left))
    };
    vec![
        pad("lpad", true),
        pad("rpad", false),
        Typed::new("repeat").takes(&[Text, Int], SqlType::Text, |row| {
            let count = usize::try_from(row.int(1)).unwrap_or(0);
            checked_product(row.text(0).len(), count)?;
            Ok(row.text(0).repeat(count).into())
        }),
    ]
}

fn characters() -> Vec<Typed> {
    vec![
        Typed::new("initcap").takes(&[Text], SqlType::Text, |row| Ok(initcap(row.text(0)).into())),
        Typed::new("upper")
            .takes(&[Text], SqlType::Text, |row| Ok(row.text(0).chars().map(upper).collect::<String>().into())),
        Typed::new("lower")
            .takes(&[Text], SqlType::Text, |row| Ok(row.text(0).chars().map(lower).collect::<String>().into())),
        Typed::new("chr").takes(&[Int], SqlType::Text, |row| match u32::try_from(row.int(0)) {
            Ok(0) => Err(sql_error(Code::ProgramLimitExceeded, "null character not permitted")),
            Ok(point) => char::from_u32(point).map(|character| character.to_string().into()).ok_or_else(|| {
                sql_error(Code::ProgramLimitExceeded, format!("requested character not valid for encoding: {point}"))
            }),
            Err(_) => Err(sql_error(Code::InvalidParameterValue, "character number must be positive")),
        }),
        Typed::new("translate").takes(&[Text, Text, Text], SqlType::Text, |row| {
            Ok(translate(row.text(0), row.text(1), row.text(2)).into())
        }),
        Typed::new("to_hex").takes(&[Number], SqlType::Text, |row| to_hex(&row.scalar(0)?)),
        Typed::new("replace").takes(&[Text, Text, Text], SqlType::Text, |row| {
            let (text, from, to) = (row.text(0), row.text(1), row.text(2));
            if from.is_empty() {
                return Ok(text.into());
            }
            if to.len() > from.len() {
                let grown = checked_product(text.matches(from).count(), to.len() - from.len())?;
                checked_bytes(text.len() + grown)?;
            }
            Ok(text.replace(from, to).into())
        }),
        Typed::new("normalize").takes(&[Text], SqlType::Text, |row| normalized(row.text(0), "NFC")).takes(
            &[Text, Text],
            SqlType::Text,
            |row| normalized(row.text(0), row.text(1)),
        ),
    ]
}

fn arrays() -> Vec<Typed> {
    vec![
        Typed::new("string_to_array")
            .takes(&[Text, Text], SqlType::TextArray, string_to_array)
            .with_null()
            .takes(&[Text, Text, Text], SqlType::TextArray, string_to_array)
            .with_null(),
        Typed::new("array_to_string")
            .takes(&[List, Text], SqlType::Text, array_to_string)
            .takes(&[List, Text, Text], SqlType::Text, array_to_string)
            .with_null(),
        // What `string_agg` makes of its values; the delimiters of a list stand before the values of their rows.
        Typed::new("joined_items")
            .takes(&[List, Text], SqlType::Text, joined_items)
            .with_null()
            .returning(Returns::Told(joined_told))
            .takes(&[List, Bytes], SqlType::Bytea, joined_items)
            .with_null()
            .returning(Returns::Told(joined_told))
            .takes(&[List, List], SqlType::Text, joined_items)
            .with_null()
            .returning(Returns::Told(joined_told)),
        Typed::new("text_of_array").takes(&[Texts], SqlType::TextArray, |row| Ok(Datum::texts(row.texts(0)?))),
    ]
}

/// Functions that take values of any type.
fn any_values() -> Vec<Typed> {
    let count = |row: &Row<'_>, nulls: bool| {
        let found = (0..row.len()).filter(|index| row.is_null(*index) == nulls).count();
        Ok(i32::try_from(found).unwrap_or(i32::MAX).into())
    };
    vec![
        Typed::new("concat")
            .takes(&[], SqlType::Text, |row| Ok(joined(row, 0, "")?.into()))
            .and_any_number_of(Any)
            .with_null(),
        Typed::new("concat_ws")
            .takes(&[Text], SqlType::Text, |row| match row.text_at(0) {
                Some(separator) => Ok(joined(row, 1, separator)?.into()),
                None => Ok(Datum::NULL),
            })
            .and_any_number_of(Any)
            .with_null(),
        Typed::new("text_concat")
            .takes(&[Any, Any], SqlType::Text, |row| Ok((shown(&row.scalar(0)?)? + &shown(&row.scalar(1)?)?).into())),
        Typed::new("num_nulls")
            .takes(&[], SqlType::Int4, move |row| count(row, true))
            .and_any_number_of(Any)
            .with_null(),
        Typed::new("num_nonnulls")
            .takes(&[], SqlType::Int4, move |row| count(row, false))
            .and_any_number_of(Any)
            .with_null(),
    ]
}

/// The characters from a place on, counted from 1; a place before the first shortens the rest.
fn substring(text: &str, start: i64, length: Option<i64>) -> Result<String> {
    let end = match length {
        Some(length) if length < 0 => {
            return Err(sql_error(Code::SubstringError, "negative substring length not allowed"));
        }
        Some(length) => start.saturating_add(length),
        None => i64::MAX,
    };
    let skipped = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
    let taken = usize::try_from(end.saturating_sub(start.max(1))).unwrap_or(0);
    Ok(text.chars().skip(skipped).take(taken).collect())
}

fn overlay(text: &str, placed: &str, start: i64, length: i64) -> Result<Datum> {
    if start <= 0 {
        return Err(sql_error(Code::SubstringError, "negative substring length not allowed"));
    }
    let before = substring(text, 1, Some(start - 1))?;
    let after = substring(text, start.saturating_add(length), None)?;
    Ok(format!("{before}{placed}{after}").into())
}

fn split_part(text: &str, separator: &str, number: i64) -> Result<Datum> {
    let Ok(place) = usize::try_from(number.unsigned_abs().wrapping_sub(1)) else { return Ok("".into()) };
    if number == 0 {
        return Err(sql_error(Code::InvalidParameterValue, "field position must not be zero"));
    }
    let whole = || if place == 0 { text } else { "" };
    if separator.is_empty() || text.is_empty() {
        return Ok(whole().into());
    }
    let found = if number > 0 { text.split(separator).nth(place) } else { text.rsplit(separator).nth(place) };
    Ok(found.unwrap_or_default().into())
}

/// How many of so many characters `left` and `right` keep: a negative number counts what goes.
fn kept(count: usize, wanted: i64) -> usize {
    let amount = usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX);
    if wanted < 0 { count.saturating_sub(amount) } else { amount.min(count) }
}

fn pad(text: &str, length: i64, fill: &str, on_left: bool) -> Result<Datum> {
    let length = usize::try_from(length).unwrap_or(0);
    let count = text.chars().count();
    if count >= length || fill.is_empty() {
        return Ok(text.chars().take(length).collect::<String>().into());
    }
    let widest = fill.chars().map(char::len_utf8).max().unwrap_or(1);
    checked_bytes(checked_product(length - count, widest)?.saturating_add(text.len()))?;
    let filling: String = fill.chars().cycle().take(length - count).collect();
    Ok(if on_left { filling + text } else { format!("{text}{filling}") }.into())
}

/// One character for one: PostgreSQL does not make two of `ß`.
fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn lower(character: char) -> char {
    let mut mapped = character.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn initcap(text: &str) -> String {
    let mut inside = false;
    let mut turn = |character: char| {
        let turned = if inside { lower(character) } else { upper(character) };
        inside = character.is_alphanumeric();
        turned
    };
    text.chars().map(&mut turn).collect()
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let turn = |character: char| match from.chars().position(|known| known == character) {
        Some(place) => to.get(place).copied(),
        None => Some(character),
    };
    text.chars().filter_map(turn).collect()
}

/// Two's complement in as many bits as the integer has.
fn to_hex(value: &ScalarValue) -> Result<Datum> {
    Ok(match value {
        ScalarValue::Int64(Some(value)) => format!("{value:x}"),
        ScalarValue::Int32(Some(value)) => format!("{value:x}"),
        ScalarValue::Int16(Some(value)) => format!("{:x}", i32::from(*value)),
        _ => return Err(sql_error(Code::UndefinedFunction, "function to_hex(numeric) does not exist")),
    }
    .into())
}

fn string_to_array(row: &Row<'_>) -> Result<Datum> {
    let Some(text) = row.text_at(0) else { return Ok(Datum::NULL) };
    let null = row.text_at(2);
    let item = |part: &str| (Some(part) != null).then(|| part.to_owned());
    Ok(match row.text_at(1) {
        _ if text.is_empty() => Datum::texts([]),
        None => {
            checked_items(text.chars().count())?;
            Datum::texts(text.chars().map(|character| item(&character.to_string())))
        }
        Some("") => Datum::texts([item(text)]),
        Some(separator) => {
            checked_items(text.matches(separator).count())?;
            Datum::texts(text.split(separator).map(item))
        }
    })
}

fn array_to_string(row: &Row<'_>) -> Result<Datum> {
    if row.is_null(0) || row.is_null(1) {
        return Ok(Datum::NULL);
    }
    let mut parts = Vec::new();
    for item in super::arrays::flat_items(&row.list(0))? {
        match item.is_null() {
            false => parts.push(shown(&item)?),
            true => parts.extend(row.text_at(2).map(str::to_owned)),
        }
    }
    put_together(&parts, row.text(1)).map(Datum::from)
}

/// Texts give a text, bytes give bytes; there is no `string_agg` of anything else.
fn joined_told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    let item = |index: usize| match arguments.arg_fields[index].data_type() {
        DataType::List(item) => SqlType::of_field(item),
        _ => SqlType::of_field(&arguments.arg_fields[index]),
    };
    let (value, delimiter) = (item(0), item(1));
    if value.is_text() && (delimiter.is_text() || delimiter == SqlType::Unknown) {
        return Ok(SqlType::Text.field("string_agg", true));
    }
    if value == SqlType::Bytea && (delimiter.is_text() || delimiter == SqlType::Bytea) {
        return Ok(SqlType::Bytea.field("string_agg", true));
    }
    let text = format!("function string_agg({}, {}) does not exist", value.spelling(), delimiter.spelling());
    let hint = "No function matches the given name and argument types. You might need to add explicit type casts.";
    Err(DataFusionError::External(Box::new(SqlError::new(Code::UndefinedFunction, text).with_hint(hint))))
}

fn joined_items(row: &Row<'_>) -> Result<Datum> {
    if row.is_null(0) {
        return Ok(Datum::NULL);
    }
    let items = row.list(0);
    let is_bytes = items.data_type().is_binary();
    let bytes = |array: &ArrayRef| cast(array, &DataType::Binary);
    let items = bytes(&items)?;
    let delimiters = match row.field(1).data_type() {
        _ if row.is_null(1) => None,
        DataType::List(_) => Some(bytes(&row.list(1))?),
        _ if is_bytes && row.field(1).data_type().is_string() => {
            let read = read_bytes(row.text(1)).unwrap_or_else(|| row.text(1).as_bytes().to_vec());
            Some(Arc::new(BinaryArray::from_iter_values(vec![read; 1])) as ArrayRef)
        }
        _ => Some(bytes(&row.scalar(1)?.to_array()?)?),
    };
    let (items, delimiters) = (items.as_binary::<i32>(), delimiters.as_ref().map(|array| array.as_binary::<i32>()));
    let before = |place: usize| {
        let delimiters = delimiters.filter(|_| place > 0)?;
        let place = if delimiters.len() == 1 { 0 } else { place };
        delimiters.is_valid(place).then(|| delimiters.value(place))
    };
    let length = (0..items.len()).fold(0_usize, |length, place| {
        length.saturating_add(items.value(place).len()).saturating_add(before(place).map_or(0, <[u8]>::len))
    });
    checked_bytes(length)?;
    let mut whole = Vec::with_capacity(length);
    for place in 0..items.len() {
        whole.extend_from_slice(before(place).unwrap_or_default());
        whole.extend_from_slice(items.value(place));
    }
    if is_bytes {
        return Ok(whole.into());
    }
    let text = String::from_utf8(whole);
    text.map(Datum::from).map_err(|error| DataFusionError::External(Box::new(error)))
}

fn joined(row: &Row<'_>, from: usize, separator: &str) -> Result<String> {
    let parts = (from..row.len()).filter(|index| !row.is_null(*index)).map(|index| shown(&row.scalar(index)?));
    put_together(&parts.collect::<Result<Vec<_>>>()?, separator)
}

fn put_together(parts: &[String], separator: &str) -> Result<String> {
    let separators = checked_product(parts.len(), separator.len())?;
    let bytes = parts.iter().fold(separators, |bytes, part| bytes.saturating_add(part.len()));
    checked_bytes(bytes)?;
    Ok(parts.join(separator))
}

/// ASCII is normal in every form.
fn normalized(text: &str, form: &str) -> Result<Datum> {
    if !matches!(form.to_ascii_uppercase().as_str(), "NFC" | "NFD" | "NFKC" | "NFKD") {
        return Err(sql_error(Code::InvalidParameterValue, format!("invalid normalization form: {form}")));
    }
    if !text.is_ascii() {
        return Err(sql_error(Code::FeatureNotSupported, "normalize is supported for ASCII only"));
    }
    Ok(text.into())
}
