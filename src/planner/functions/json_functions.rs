//! Functions and operators over json and jsonb: what is in a value, and how it is changed.
//!
//! json keeps its text, so that a part of it is a slice of that text; jsonb is in its one spelling.

use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::json_value::{Json, Node, Shape};
use super::typed::{Kind, Typed};
use crate::types::{Code, Numeric, SqlType};

use Kind::{Bool, Int, Text, Texts};

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut functions = reading();
    for (prefix, sql_type) in [("json", SqlType::Json), ("jsonb", SqlType::Jsonb)] {
        functions.extend(parts(prefix, sql_type));
        functions.extend(rows(prefix));
    }
    functions.extend(questions());
    functions.extend(changes());
    functions.into_iter().map(Typed::udf).collect()
}

fn named(prefix: &str, rest: &'static str) -> &'static str {
    // Both names of a pair are written out in `PAIRS`.
    let found = PAIRS.iter().find(|(name, ..)| *name == rest);
    found.map_or(rest, |(_, json, jsonb)| if prefix == "json" { json } else { jsonb })
}

const PAIRS: &[(&str, &str, &str)] = &[
    ("get", "json_get", "jsonb_get"),
    ("get_text", "json_get_text", "jsonb_get_text"),
    ("get_path", "json_get_path", "jsonb_get_path"),
    ("get_path_text", "json_get_path_text", "jsonb_get_path_text"),
    ("extract_path", "json_extract_path", "jsonb_extract_path"),
    ("extract_path_text", "json_extract_path_text", "jsonb_extract_path_text"),
    ("typeof", "json_typeof", "jsonb_typeof"),
    ("array_length", "json_array_length", "jsonb_array_length"),
    ("array_elements_list", "json_array_elements_list", "jsonb_array_elements_list"),
    ("array_elements_text_list", "json_array_elements_text_list", "jsonb_array_elements_text_list"),
    ("object_keys_list", "json_object_keys_list", "jsonb_object_keys_list"),
    ("each_values", "json_each_values", "jsonb_each_values"),
    ("each_text_values", "json_each_text_values", "jsonb_each_text_values"),
    ("strip_nulls", "json_strip_nulls", "jsonb_strip_nulls"),
];

/// What texts are read as json and jsonb.
fn reading() -> Vec<Typed> {
    vec![
        Typed::new("as_json").takes(&[Text], SqlType::Json, |row| {
            Node::read(row.text(0))?;
            Ok(row.text(0).into())
        }),
        Typed::new("as_jsonb").takes(&[Text], SqlType::Jsonb, |row| Ok(Json::read(row.text(0))?.text().into())),
        // Parts of a value that was read already: only their type is missing.
        Typed::new("json_part").takes(&[Text], SqlType::Json, |row| Ok(row.text(0).into())),
        Typed::new("jsonb_part").takes(&[Text], SqlType::Jsonb, |row| Ok(row.text(0).into())),
        // A value of jsonb as one of SQL: a string has no quotes there.
        Typed::new("jsonb_scalar").takes(&[Text], SqlType::Text, |row| {
            let node = Node::read(row.text(0))?;
            match node.shape {
                Shape::Null => Ok(Datum::NULL),
                Shape::Bool(_) | Shape::Number => Ok(node.raw.into()),
                _ => {
                    let text = format!("cannot cast jsonb {} to another type", node.kind());
                    Err(sql_error(Code::InvalidParameterValue, text))
                }
            }
        }),
    ]
}

fn followed<'n, 'a>(node: &'n Node<'a>, steps: &[Option<String>]) -> Option<&'n Node<'a>> {
    steps.iter().try_fold(node, |node, step| node.step(step.as_deref()?))
}

fn raw(node: Option<&Node<'_>>) -> Datum {
    node.map(|node| node.raw.to_owned()).into()
}

fn steps(row: &Row<'_>) -> Vec<Option<String>> {
    (1..row.len()).map(|index| row.text_at(index).map(str::to_owned)).collect()
}

fn parts(prefix: &str, sql_type: SqlType) -> Vec<Typed> {
    let text = |node: Option<&Node<'_>>| Datum::from(node.and_then(Node::as_text));
    vec![
        Typed::new(named(prefix, "get"))
            .takes(&[Text, Int], sql_type, |row| Ok(raw(Node::read(row.text(0))?.item(row.int(1)))))
            .takes(&[Text, Text], sql_type, |row| Ok(raw(Node::read(row.text(0))?.member(row.text(1))))),
        Typed::new(named(prefix, "get_text"))
            .takes(&[Text, Int], SqlType::Text, move |row| Ok(text(Node::read(row.text(0))?.item(row.int(1)))))
            .takes(&[Text, Text], SqlType::Text, move |row| Ok(text(Node::read(row.text(0))?.member(row.text(1))))),
        Typed::new(named(prefix, "get_path"))
            .takes(&[Text, Texts], sql_type, |row| Ok(raw(followed(&Node::read(row.text(0))?, &row.texts(1)?)))),
        Typed::new(named(prefix, "get_path_text")).takes(&[Text, Texts], SqlType::Text, move |row| {
            Ok(text(followed(&Node::read(row.text(0))?, &row.texts(1)?)))
        }),
        Typed::new(named(prefix, "extract_path"))
            .takes(&[Text], sql_type, |row| Ok(raw(followed(&Node::read(row.text(0))?, &steps(row)))))
            .and_any_number_of(Text),
        Typed::new(named(prefix, "extract_path_text"))
            .takes(&[Text], SqlType::Text, move |row| Ok(text(followed(&Node::read(row.text(0))?, &steps(row)))))
            .and_any_number_of(Text),
        Typed::new(named(prefix, "typeof"))
            .takes(&[Text], SqlType::Text, |row| Ok(Node::read(row.text(0))?.kind().into())),
        Typed::new(named(prefix, "strip_nulls")).takes(&[Text], sql_type, move |row| {
            let mut out = String::new();
            without_nulls(&Node::read(row.text(0))?, sql_type == SqlType::Jsonb, &mut out);
            Ok(out.into())
        }),
    ]
}

/// The value without members that are null.
fn without_nulls(node: &Node<'_>, spaced: bool, out: &mut String) {
    let (comma, colon) = if spaced { (", ", ": ") } else { (",", ":") };
    match &node.shape {
        Shape::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { comma } else { "" });
                without_nulls(item, spaced, out);
            }
            out.push(']');
        }
        Shape::Object(members) => {
            out.push('{');
            let kept = members.iter().filter(|(_, value)| value.shape != Shape::Null);
            for (index, (key, value)) in kept.enumerate() {
                out.push_str(if index > 0 { comma } else { "" });
                super::json_value::push_string(out, key);
                out.push_str(colon);
                without_nulls(value, spaced, out);
            }
            out.push('}');
        }
        _ => out.push_str(node.raw),
    }
}

fn elements<'n, 'a>(node: &'n Node<'a>, function: &str) -> Result<&'n [Node<'a>]> {
    match &node.shape {
        Shape::Array(items) => Ok(items),
        Shape::Object(_) => Err(sql_error(Code::InvalidParameterValue, format!("cannot {function} of a non-array"))),
        _ => Err(sql_error(Code::InvalidParameterValue, format!("cannot {function} of a scalar"))),
    }
}

fn members<'n, 'a>(node: &'n Node<'a>) -> Result<&'n [(String, Node<'a>)]> {
    match &node.shape {
        Shape::Object(members) => Ok(members),
        _ => Err(sql_error(Code::InvalidParameterValue, format!("cannot take members of a json {}", node.kind()))),
    }
}

/// Lists of what functions in FROM give row by row.
fn rows(prefix: &str) -> Vec<Typed> {
    let keys = |row: &Row<'_>| {
        let node = Node::read(row.text(0))?;
        Ok(Datum::texts(members(&node)?.iter().map(|(key, _)| Some(key.clone()))))
    };
    vec![
        Typed::new(named(prefix, "array_length")).takes(&[Text], SqlType::Int4, |row| {
            let node = Node::read(row.text(0))?;
            Ok(i32::try_from(elements(&node, "get array length")?.len()).unwrap_or(i32::MAX).into())
        }),
        Typed::new(named(prefix, "array_elements_list")).takes(&[Text], SqlType::TextArray, |row| {
            let node = Node::read(row.text(0))?;
            let items = elements(&node, "extract elements")?.iter().map(|item| Some(item.raw.to_owned()));
            Ok(Datum::texts(items))
        }),
        Typed::new(named(prefix, "array_elements_text_list")).takes(&[Text], SqlType::TextArray, |row| {
            let node = Node::read(row.text(0))?;
            Ok(Datum::texts(elements(&node, "extract elements")?.iter().map(Node::as_text)))
        }),
        Typed::new(named(prefix, "object_keys_list")).takes(&[Text], SqlType::TextArray, keys),
        Typed::new(named(prefix, "each_values")).takes(&[Text], SqlType::TextArray, |row| {
            let node = Node::read(row.text(0))?;
            Ok(Datum::texts(members(&node)?.iter().map(|(_, value)| Some(value.raw.to_owned()))))
        }),
        Typed::new(named(prefix, "each_text_values")).takes(&[Text], SqlType::TextArray, |row| {
            let node = Node::read(row.text(0))?;
            Ok(Datum::texts(members(&node)?.iter().map(|(_, value)| value.as_text())))
        }),
    ]
}

/// Whether a value has a key, or an item that is this text.
fn has(node: &Node<'_>, key: &str) -> bool {
    let is_key = |node: &Node<'_>| matches!(&node.shape, Shape::Text(text) if text == key);
    match &node.shape {
        Shape::Object(members) => members.iter().any(|(name, _)| name == key),
        Shape::Array(items) => items.iter().any(is_key),
        _ => is_key(node),
    }
}

fn questions() -> Vec<Typed> {
    let order = |row: &Row<'_>| -> Result<i32> { Ok(Json::read(row.text(0))?.order(&Json::read(row.text(1))?) as i32) };
    vec![
        Typed::new("jsonb_exists")
            .takes(&[Text, Text], SqlType::Bool, |row| Ok(has(&Node::read(row.text(0))?, row.text(1)).into())),
        Typed::new("jsonb_exists_any").takes(&[Text, Texts], SqlType::Bool, |row| {
            let node = Node::read(row.text(0))?;
            Ok(row.texts(1)?.iter().flatten().any(|key| has(&node, key)).into())
        }),
        Typed::new("jsonb_exists_all").takes(&[Text, Texts], SqlType::Bool, |row| {
            let node = Node::read(row.text(0))?;
            Ok(row.texts(1)?.iter().flatten().all(|key| has(&node, key)).into())
        }),
        Typed::new("jsonb_contains").takes(&[Text, Text], SqlType::Bool, |row| {
            Ok(Json::read(row.text(0))?.contains(&Json::read(row.text(1))?).into())
        }),
        // Below zero, zero or above, as the first is smaller, equal or larger.
        Typed::new("jsonb_order").takes(&[Text, Text], SqlType::Int4, move |row| Ok(order(row)?.into())),
        Typed::new("jsonb_pretty").takes(&[Text], SqlType::Text, |row| {
            let mut out = String::new();
            Json::read(row.text(0))?.pretty(0, &mut out);
            Ok(out.into())
        }),
    ]
}

fn changes() -> Vec<Typed> {
    use super::json_edit::{concatenated, placed, removed, removed_path};
    let edit = |row: &Row<'_>, insert: bool, flag: bool| {
        let path = row.texts(1)?;
        Ok(placed(Json::read(row.text(0))?, &path, &Json::read(row.text(2))?, insert, flag)?.text().into())
    };
    vec![
        Typed::new("jsonb_concat").takes(&[Text, Text], SqlType::Jsonb, |row| {
            Ok(concatenated(Json::read(row.text(0))?, Json::read(row.text(1))?).text().into())
        }),
        Typed::new("jsonb_delete")
            .takes(&[Text, Int], SqlType::Jsonb, |row| {
                let value = Json::read(row.text(0))?;
                Ok(super::json_edit::removed_item(value, row.int(1))?.text().into())
            })
            .takes(&[Text, Text], SqlType::Jsonb, |row| {
                Ok(removed(Json::read(row.text(0))?, &[Some(row.text(1).to_owned())])?.text().into())
            }),
        Typed::new("jsonb_delete_keys").takes(&[Text, Texts], SqlType::Jsonb, |row| {
            Ok(removed(Json::read(row.text(0))?, &row.texts(1)?)?.text().into())
        }),
        Typed::new("jsonb_scalar_text").takes(&[Text, Text], SqlType::Text, scalar_text),
        Typed::new("jsonb_delete_path").takes(&[Text, Texts], SqlType::Jsonb, |row| {
            let value = Json::read(row.text(0))?;
            if !matches!(value, Json::Object(_) | Json::Array(_)) {
                return Err(sql_error(Code::InvalidParameterValue, "cannot delete path in scalar"));
            }
            Ok(removed_path(value, &row.texts(1)?)?.text().into())
        }),
        Typed::new("jsonb_set").takes(&[Text, Texts, Text], SqlType::Jsonb, move |row| edit(row, false, true)).takes(
            &[Text, Texts, Text, Bool],
            SqlType::Jsonb,
            move |row| edit(row, false, row.bool(3)),
        ),
        Typed::new("jsonb_insert")
            .takes(&[Text, Texts, Text], SqlType::Jsonb, move |row| edit(row, true, false))
            .takes(&[Text, Texts, Text, Bool], SqlType::Jsonb, move |row| edit(row, true, row.bool(3))),
        Typed::new("json_object").takes(&[Texts], SqlType::Json, |row| pairs(row, SqlType::Json)).takes(
            &[Texts, Texts],
            SqlType::Json,
            |row| pairs(row, SqlType::Json),
        ),
        Typed::new("jsonb_object").takes(&[Texts], SqlType::Jsonb, |row| pairs(row, SqlType::Jsonb)).takes(
            &[Texts, Texts],
            SqlType::Jsonb,
            |row| pairs(row, SqlType::Jsonb),
        ),
    ]
}

/// An object of keys and texts, from one array of both or from two.
fn pairs(row: &Row<'_>, sql_type: SqlType) -> Result<Datum> {
    let first = row.texts(0)?;
    let pairs: Vec<(Option<String>, Option<String>)> = if row.len() > 1 {
        let values = row.texts(1)?;
        if values.len() != first.len() {
            return Err(sql_error(Code::ArraySubscriptError, "mismatched array dimensions"));
        }
        first.into_iter().zip(values).collect()
    } else if first.len().is_multiple_of(2) {
        first.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    } else {
        return Err(sql_error(Code::ArraySubscriptError, "array must have even number of elements"));
    };
    let mut members = Vec::new();
    for (key, value) in pairs {
        let key = key.ok_or_else(|| sql_error(Code::NullValueNotAllowed, "null value not allowed for object key"))?;
        members.push((key, value.map_or(Json::Null, Json::Text)));
    }
    if sql_type == SqlType::Jsonb {
        return Ok(Json::object(members).text().into());
    }
    let members: Vec<String> =
        members.iter().map(|(key, value)| format!("{} : {}", Json::Text(key.clone()).text(), value.text())).collect();
    Ok(format!("{{{}}}", members.join(", ")).into())
}
/// A single jsonb value as a text of a type: a number for a number, a truth value for one.
fn scalar_text(row: &Row<'_>) -> Result<Datum> {
    let wanted = SqlType::from_name(row.text(1)).unwrap_or(SqlType::Text);
    let node = Node::read(row.text(0))?;
    let name = match &node.shape {
        Shape::Number if wanted.is_number() => return Ok(whole_or_exact(node.raw, wanted)?.into()),
        Shape::Bool(truth) if wanted == SqlType::Bool => return Ok(truth.to_string().into()),
        Shape::Null => "null",
        Shape::Bool(_) => "boolean",
        Shape::Number => "numeric",
        Shape::Text(_) => "string",
        Shape::Array(_) => "array",
        Shape::Object(_) => "object",
    };
    let told = format!("cannot cast jsonb {name} to type {}", wanted.spelling());
    Err(sql_error(Code::InvalidParameterValue, told))
}

/// A number of JSON as a text that a type reads: integers are rounded.
fn whole_or_exact(digits: &str, wanted: SqlType) -> Result<String> {
    if !matches!(wanted, SqlType::Int2 | SqlType::Int4 | SqlType::Int8) {
        return Ok(digits.to_owned());
    }
    let out_of_range = || sql_error(Code::NumericValueOutOfRange, format!("{} out of range", wanted.spelling()));
    match Numeric::parse(digits) {
        Some(Ok(number)) => number.rescaled(0).map(|whole| whole.value.to_string()).map_err(|_| out_of_range()),
        _ => Err(out_of_range()),
    }
}
