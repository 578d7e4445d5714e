//! Values of SQL as json and jsonb: `to_json`, `json_build_object`, rows as objects.

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::json_value::{Json, push_string};
use super::moments::Moment;
use super::shown::{double_text, shown_in};
use super::typed::{Kind, Typed};
use crate::types::{Code, SqlType, Zone};

use Kind::{Any, List, Texts};

/// The functions of this file. Instants in them are spelled in the session's zone.
pub(super) fn functions(moment: &Moment) -> Vec<ScalarUDF> {
    let mut functions = Vec::new();
    for (name, sql_type) in [("to_json", SqlType::Json), ("to_jsonb", SqlType::Jsonb), ("row_to_json", SqlType::Json)] {
        let zone = moment.zone.clone();
        functions.push(
            Typed::new(name)
                .takes(&[Any], sql_type, move |row| finished(value(&row.scalar(0)?, row.field(0), &zone)?, sql_type)),
        );
    }
    let zone = moment.zone.clone();
    functions.push(
        Typed::new("array_to_json")
            .takes(&[List], SqlType::Json, move |row| Ok(value(&row.scalar(0)?, row.field(0), &zone)?.into())),
    );
    for (name, sql_type) in [("json_build_object", SqlType::Json), ("jsonb_build_object", SqlType::Jsonb)] {
        let zone = moment.zone.clone();
        let build = move |row: &Row<'_>| finished(object(row, &zone)?, sql_type);
        functions.push(Typed::new(name).takes(&[], sql_type, build).and_any_number_of(Any).with_null());
    }
    for (name, sql_type) in [("json_build_array", SqlType::Json), ("jsonb_build_array", SqlType::Jsonb)] {
        let zone = moment.zone.clone();
        let build = move |row: &Row<'_>| {
            let items = (0..row.len()).map(|index| value(&row.scalar(index)?, row.field(index), &zone));
            finished(format!("[{}]", items.collect::<Result<Vec<_>>>()?.join(", ")), sql_type)
        };
        functions.push(Typed::new(name).takes(&[], sql_type, build).and_any_number_of(Any).with_null());
    }
    functions.extend(aggregated(moment));
    functions.into_iter().map(|function| function.of_moment(moment).udf()).collect()
}

/// What aggregates over rows are made of: arrays of keys and of values in JSON come in, one text goes out.
fn aggregated(moment: &Moment) -> Vec<Typed> {
    let mut functions = Vec::new();
    let or_null = |item: Option<String>| item.unwrap_or_else(|| "null".to_owned());
    for (name, sql_type) in [("json_of_items", SqlType::Json), ("jsonb_of_items", SqlType::Jsonb)] {
        functions.push(Typed::new(name).takes(&[Texts], sql_type, move |row| {
            let items: Vec<String> = row.texts(0)?.into_iter().map(or_null).collect();
            finished(format!("[{}]", items.join(", ")), sql_type)
        }));
    }
    for (name, sql_type) in [("json_of_pairs", SqlType::Json), ("jsonb_of_pairs", SqlType::Jsonb)] {
        let zone = moment.zone.clone();
        functions.push(Typed::new(name).takes(&[List, Texts], sql_type, move |row| {
            let (keys, values) = (row.list(0), row.texts(1)?);
            let mut members = Vec::with_capacity(keys.len());
            for (index, value) in values.into_iter().enumerate() {
                let key = ScalarValue::try_from_array(&keys, index)?;
                if key.is_null() {
                    return Err(sql_error(Code::InvalidParameterValue, "field name must not be null"));
                }
                let mut name = String::new();
                push_string(&mut name, &shown_in(&key, &zone)?);
                members.push(format!("{name} : {}", or_null(value)));
            }
            finished(format!("{{ {} }}", members.join(", ")), sql_type)
        }));
    }
    functions
}

/// json stays as it was made, jsonb gets its one spelling.
fn finished(text: String, sql_type: SqlType) -> Result<Datum> {
    if sql_type == SqlType::Jsonb { Ok(Json::read(&text)?.text().into()) } else { Ok(text.into()) }
}

fn object(row: &Row<'_>, zone: &Zone) -> Result<String> {
    if row.len() % 2 == 1 {
        return Err(sql_error(Code::InvalidParameterValue, "argument list must have even number of elements"));
    }
    let mut members = Vec::new();
    for index in (0..row.len()).step_by(2) {
        if row.is_null(index) {
            let text = format!("argument {}: key must not be null", index + 1);
            return Err(sql_error(Code::InvalidParameterValue, text));
        }
        let mut key = String::new();
        push_string(&mut key, &shown_in(&row.scalar(index)?, zone)?);
        members.push(format!("{key} : {}", value(&row.scalar(index + 1)?, row.field(index + 1), zone)?));
    }
    Ok(format!("{{{}}}", members.join(", ")))
}

/// A value as JSON; its field tells json from text.
pub(super) fn value(value: &ScalarValue, field: &Field, zone: &Zone) -> Result<String> {
    Ok(match value {
        _ if value.is_null() => "null".to_owned(),
        ScalarValue::Boolean(Some(value)) => value.to_string(),
        ScalarValue::Float64(Some(number)) if number.is_finite() => double_text(*number),
        ScalarValue::Float32(Some(number)) if number.is_finite() => shown_in(value, zone)?,
        ScalarValue::Decimal128(..) | ScalarValue::Decimal256(..) => shown_in(value, zone)?,
        ScalarValue::List(list) => {
            let inner = match field.data_type() {
                DataType::List(item) => item.as_ref().clone(),
                _ => Field::new("item", list.value_type(), true),
            };
            let items = list.value(0);
            let parts =
                (0..items.len()).map(|index| self::value(&ScalarValue::try_from_array(&items, index)?, &inner, zone));
            format!("[{}]", parts.collect::<Result<Vec<_>>>()?.join(","))
        }
        ScalarValue::Struct(row) => {
            let mut members = Vec::new();
            for (index, (inner, column)) in row.fields().iter().zip(row.columns()).enumerate() {
                let mut name = String::new();
                // The engine names the columns of a row that has no names `c0`, ...
                let plain = inner.name() == &format!("c{index}");
                push_string(&mut name, &if plain { format!("f{}", index + 1) } else { inner.name().clone() });
                members.push(format!("{name}:{}", self::value(&ScalarValue::try_from_array(column, 0)?, inner, zone)?));
            }
            format!("{{{}}}", members.join(","))
        }
        _ if value.data_type().is_integer() => value.to_string(),
        _ => {
            let text = shown_in(value, zone)?;
            if matches!(SqlType::of_field(field), SqlType::Json | SqlType::Jsonb) {
                return Ok(text);
            }
            let text = match value {
                ScalarValue::TimestampMicrosecond(..) => time_spelling(text, value.data_type()),
                _ => text,
            };
            let mut out = String::new();
            push_string(&mut out, &text);
            out
        }
    })
}

/// JSON has a T between day and time, and minutes in every offset.
fn time_spelling(text: String, data_type: DataType) -> String {
    let text = text.replacen(' ', "T", 1);
    let is_zoned = matches!(data_type, DataType::Timestamp(_, Some(_)));
    let offset = text.rfind(['+', '-']).map_or(0, |start| text.len() - start);
    if is_zoned && offset == 3 { text + ":00" } else { text }
}
