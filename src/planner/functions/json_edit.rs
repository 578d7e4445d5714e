//! Changed copies of jsonb values: joined, with parts set, put in or taken out.

use datafusion::error::Result;

use super::function::sql_error;
use super::json_value::Json;
use crate::types::Code;

fn wrong(text: &str) -> datafusion::error::DataFusionError {
    sql_error(Code::InvalidParameterValue, text)
}

/// `a || b`
pub(super) fn concatenated(one: Json, other: Json) -> Json {
    match (one, other) {
        (Json::Object(mut members), Json::Object(added)) => {
            members.extend(added);
            Json::object(members)
        }
        (one, other) => {
            let items = |value| match value {
                Json::Array(items) => items,
                single => vec![single],
            };
            let mut all = items(one);
            all.extend(items(other));
            Json::Array(all)
        }
    }
}

/// `a - key`: without members of these names, or items that are these texts.
pub(super) fn removed(value: Json, keys: &[Option<String>]) -> Result<Json> {
    let is_wanted = |name: &str| keys.iter().flatten().all(|key| key != name);
    match value {
        Json::Object(members) => Ok(Json::Object(members.into_iter().filter(|(name, _)| is_wanted(name)).collect())),
        Json::Array(items) => {
            let kept = items.into_iter().filter(|item| !matches!(item, Json::Text(text) if !is_wanted(text)));
            Ok(Json::Array(kept.collect()))
        }
        _ => Err(wrong("cannot delete from scalar")),
    }
}

/// The place of an item; numbers below zero count from the end.
fn place_of(index: i64, length: usize) -> Option<usize> {
    let place = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(place).ok().filter(|place| *place < length)
}

/// `a - number`
pub(super) fn removed_item(value: Json, index: i64) -> Result<Json> {
    match value {
        Json::Array(mut items) => {
            if let Some(place) = place_of(index, items.len()) {
                items.remove(place);
            }
            Ok(Json::Array(items))
        }
        Json::Object(_) => Err(wrong("cannot delete from object using integer index")),
        _ => Err(wrong("cannot delete from scalar")),
    }
}

fn number(step: &str) -> Result<i64> {
    step.trim()
        .parse()
        .map_err(|_| sql_error(Code::InvalidTextRepresentation, format!("path element is not an integer: \"{step}\"")))
}

/// `a #- path`
pub(super) fn removed_path(value: Json, path: &[Option<String>]) -> Result<Json> {
    let Some((Some(step), rest)) = path.split_first() else { return Ok(value) };
    Ok(match value {
        Json::Object(mut members) => {
            if let Some(at) = members.iter().position(|(name, _)| name == step) {
                if rest.is_empty() {
                    members.remove(at);
                } else {
                    let (name, inner) = members.swap_remove(at);
                    members.push((name, removed_path(inner, rest)?));
                }
            }
            Json::object(members)
        }
        Json::Array(mut items) => {
            if let Some(at) = place_of(number(step)?, items.len()) {
                let inner = items.remove(at);
                if !rest.is_empty() {
                    items.insert(at, removed_path(inner, rest)?);
                }
            }
            Json::Array(items)
        }
        scalar => scalar,
    })
}

/// `jsonb_set` (`flag`: make what is missing) and `jsonb_insert` (`flag`: behind the item).
pub(super) fn placed(value: Json, path: &[Option<String>], new: &Json, insert: bool, flag: bool) -> Result<Json> {
    if !matches!(value, Json::Object(_) | Json::Array(_)) {
        return Err(wrong("cannot set path in scalar"));
    }
    inside(value, path, new, insert, flag)
}

fn inside(value: Json, path: &[Option<String>], new: &Json, insert: bool, flag: bool) -> Result<Json> {
    let Some((step, rest)) = path.split_first() else { return Ok(value) };
    let Some(step) = step else {
        return Err(sql_error(Code::NullValueNotAllowed, "path element must not be null"));
    };
    Ok(match value {
        Json::Object(mut members) => {
            match (members.iter().position(|(name, _)| name == step), rest.is_empty()) {
                (Some(_), true) if insert => {
                    return Err(wrong("cannot replace existing key"));
                }
                (Some(at), true) => members[at].1 = new.clone(),
                (Some(at), false) => {
                    let (name, inner) = members.swap_remove(at);
                    members.push((name, inside(inner, rest, new, insert, flag)?));
                }
                (None, true) if insert || flag => members.push((step.clone(), new.clone())),
                (None, _) => {}
            }
            Json::object(members)
        }
        Json::Array(mut items) => {
            let index = number(step)?;
            let length = items.len();
            match (place_of(index, length), rest.is_empty()) {
                (Some(at), true) if insert => items.insert(if flag { at + 1 } else { at }, new.clone()),
                (Some(at), true) => items[at] = new.clone(),
                (Some(at), false) => {
                    let inner = items.remove(at);
                    items.insert(at, inside(inner, rest, new, insert, flag)?);
                }
                (None, true) if insert || flag => items.insert(if index < 0 { 0 } else { length }, new.clone()),
                (None, _) => {}
            }
            Json::Array(items)
        }
        scalar => scalar,
    })
}
