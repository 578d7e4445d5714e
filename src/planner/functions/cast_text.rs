//! Values as texts, the way a cast to text writes them.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;

use super::function::sql_error;
use super::numbers::{Kind, decimal, strict_cast};
use crate::types::float::{float4_text, float8_text};
use crate::types::{Code, Numeric, SqlType};

/// More digits than any float needs: its shortest exact text.
const SHORTEST: i32 = 1;

/// The values as texts.
pub(super) fn shown_texts(array: &ArrayRef, source: SqlType) -> Result<StringArray> {
    Ok(match source {
        SqlType::Bool => {
            let text = |value: bool| if value { "true" } else { "false" };
            array.as_boolean().iter().map(|value| value.map(text)).collect()
        }
        SqlType::Numeric => {
            let scale = Kind::of(array.data_type()).map_or(0, Kind::scale);
            let decimals = strict_cast(array, &decimal(scale))?;
            let decimals = decimals.as_primitive::<Decimal128Type>();
            decimals.iter().map(|value| value.map(|value| Numeric { value, scale }.to_string())).collect()
        }
        SqlType::Float4 => {
            let floats = strict_cast(array, &DataType::Float32)?;
            floats
                .as_primitive::<Float32Type>()
                .iter()
                .map(|value| value.map(|value| float4_text(value, SHORTEST)))
                .collect()
        }
        SqlType::Float8 => {
            let floats = strict_cast(array, &DataType::Float64)?;
            floats
                .as_primitive::<Float64Type>()
                .iter()
                .map(|value| value.map(|value| float8_text(value, SHORTEST)))
                .collect()
        }
        SqlType::Bytea => {
            let bytes = strict_cast(array, &DataType::Binary)?;
            bytes.as_binary::<i32>().iter().map(|value| value.map(hexadecimal)).collect()
        }
        source if source.item().is_some() => list_texts(array, source)?,
        SqlType::Interval | SqlType::Record => {
            let text = format!("a cast of type {} to text is not supported", source.spelling());
            return Err(sql_error(Code::FeatureNotSupported, text));
        }
        _ => strict_cast(array, &DataType::Utf8)?.as_string::<i32>().clone(),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{digits}")
}

/// `{a,"b c",NULL}`.
fn list_texts(array: &ArrayRef, source: SqlType) -> Result<StringArray> {
    let item = source.item().unwrap_or(SqlType::Text);
    let Some(lists) = array.as_list_opt::<i32>() else {
        return Ok(strict_cast(array, &DataType::Utf8)?.as_string::<i32>().clone());
    };
    let items = match item {
        SqlType::Date
        | SqlType::Time
        | SqlType::Timestamp
        | SqlType::Timestamptz
        | SqlType::Uuid
        | SqlType::Interval => displayed(lists.values())?,
        SqlType::Bool => {
            lists.values().as_boolean().iter().map(|value| value.map(|value| if value { "t" } else { "f" })).collect()
        }
        item => shown_texts(lists.values(), item)?,
    };
    let offsets = lists.value_offsets();
    let text = |row: usize| {
        let bound =
            |place: usize| offsets.get(place).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or_default();
        let shown: Vec<String> = (bound(row)..bound(row + 1))
            .map(|place| if items.is_null(place) { "NULL".to_owned() } else { quoted(items.value(place)) })
            .collect();
        format!("{{{}}}", shown.join(","))
    };
    Ok((0..lists.len()).map(|row| lists.is_valid(row).then(|| text(row))).collect())
}

fn displayed(array: &ArrayRef) -> Result<StringArray> {
    if matches!(array.data_type(), DataType::FixedSizeBinary(16)) {
        let ids = array.as_fixed_size_binary();
        let text =
            |bytes: &[u8]| uuid::Uuid::from_slice(bytes).map(|id| id.hyphenated().to_string()).unwrap_or_default();
        return Ok(ids.iter().map(|bytes| bytes.map(text)).collect());
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    Ok((0..array.len()).map(|row| array.is_valid(row).then(|| formatter.value(row).to_string())).collect())
}

/// An item, in double quotes where it could be mistaken.
fn quoted(item: &str) -> String {
    let special = item.is_empty()
        || item.eq_ignore_ascii_case("null")
        || item.contains(|c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_ascii_whitespace());
    if special { format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\"")) } else { item.to_owned() }
}
