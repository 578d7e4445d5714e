//! Reads KubeArmor's JSON into a [`Draft`].
//!
//! Three spellings exist: Go's names (`HostPPID`), those of the daemon's own file (`hostPPid`) and all
//! lower case (`hostppid`), with numbers as numbers or as texts. Names match when they are equal
//! without case and `_`. A key that no field of the event's kind has is kept in `extra`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::draft::Draft;
use super::wire::{self, Meaning};
use crate::types::{EventKind, Field};

/// Longest JSON text of one event in bytes.
pub const JSON_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a text is no event.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It is longer than [`JSON_BYTES_MAX`].
    #[error("event of {bytes} bytes is longer than {JSON_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is no JSON.
    #[error("event is no JSON")]
    Syntax(#[source] serde_json::Error),
    /// It is JSON, but no object.
    #[error("event is no JSON object")]
    Shape,
}

type Names = HashMap<String, Meaning>;

static NAMES: LazyLock<[Names; 3]> = LazyLock::new(|| EventKind::ALL.map(names_of));

fn names_of(kind: EventKind) -> Names {
    let name = |meaning: &Meaning| match meaning {
        Meaning::Text(field) | Meaning::Int(field) => field.source(),
        Meaning::Owner => "Owner",
        Meaning::ExecEvent => "ExecEvent",
        Meaning::Tag => Field::ATags.source(),
        Meaning::EventData => Field::EventData.source(),
    };
    (1..=wire::NUMBER_MAX)
        .filter_map(|number| wire::meaning(kind, number))
        .map(|meaning| (folded(name(&meaning)), meaning))
        .collect()
}

fn folded(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Reads one event, bare or in an envelope.
pub(super) fn read_event(text: &[u8], kind: Option<EventKind>, draft: &mut Draft) -> Result<(), JsonError> {
    if text.len() > JSON_BYTES_MAX {
        return Err(JsonError::TooLong { bytes: text.len() });
    }
    let text = String::from_utf8_lossy(text);
    let parsed: Value = serde_json::from_str(&text).map_err(JsonError::Syntax)?;
    let Value::Object(mut entries) = parsed else { return Err(JsonError::Shape) };
    let named = entries.get("kind").and_then(Value::as_str).and_then(EventKind::from_name);
    let enveloped = entries.keys().all(|key| key == "kind" || key == "event");
    if let (true, Some(Value::Object(inner))) = (enveloped, entries.get_mut("event")) {
        entries = std::mem::take(inner);
    }
    let kind = named.or(kind).unwrap_or_else(|| kind_of(&entries));
    draft.clear(kind);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        draft.note_damage();
    }
    let names = &NAMES[EventKind::ALL.iter().position(|one| *one == kind).unwrap_or(0)];
    let mut seen: Vec<String> = Vec::with_capacity(entries.len());
    for (key, value) in &entries {
        let name = folded(key);
        match names.get(&name) {
            Some(_) if value.is_null() || value.as_str() == Some("") => {}
            Some(meaning) if !seen.contains(&name) => {
                read_value(meaning, key, value, draft);
                seen.push(name);
            }
            _ => draft.keep_unknown(key, value),
        }
    }
    Ok(())
}

fn kind_of(entries: &Map<String, Value>) -> EventKind {
    let text = |name: &str| entries.iter().find(|(key, _)| folded(key) == name).and_then(|(_, value)| value.as_str());
    match (text("type"), text("level")) {
        (Some(event_type), _) => EventKind::from_type(event_type),
        (None, Some(_)) => EventKind::Message,
        (None, None) => EventKind::Log,
    }
}

fn read_value(meaning: &Meaning, key: &str, value: &Value, draft: &mut Draft) {
    match meaning {
        Meaning::Text(Field::Labels) => read_labels(value, draft),
        Meaning::Text(Field::Tags) | Meaning::Tag => read_tags(value, draft),
        Meaning::Text(field) => read_text(*field, value, draft),
        Meaning::Int(field) => read_int(*field, value, draft),
        Meaning::Owner => read_parts(
            key,
            value,
            &[("ref", Field::OwnerRef), ("name", Field::OwnerName), ("namespace", Field::OwnerNamespace)],
            draft,
        ),
        Meaning::ExecEvent => {
            read_parts(key, value, &[("execid", Field::ExecId), ("executablename", Field::ExecName)], draft);
        }
        Meaning::EventData => read_event_data(value, draft),
    }
}

/// A value that is written as one word.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn read_text(field: Field, value: &Value, draft: &mut Draft) {
    match (value, scalar(value)) {
        (Value::String(text), _) => draft.set_str(field, text),
        (_, Some(text)) => draft.set_str(field, &text),
        (_, None) => draft.refuse(field, value),
    }
}

fn read_int(field: Field, value: &Value, draft: &mut Draft) {
    let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64);
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let fits = |number: &i64| field == Field::Timestamp || i32::try_from(*number).is_ok();
    match number.filter(fits) {
        Some(number) => draft.set_int(field, number),
        None => draft.refuse(field, value),
    }
}

fn read_parts(key: &str, value: &Value, fields: &[(&str, Field)], draft: &mut Draft) {
    let Value::Object(entries) = value else { return draft.keep_unknown(key, value) };
    for (part, value) in entries {
        let name = folded(part);
        match fields.iter().find(|(known, _)| *known == name) {
            Some((_, field)) => read_text(*field, value, draft),
            None => draft.keep_unknown(&format!("{key}.{part}"), value),
        }
    }
}

fn read_labels(value: &Value, draft: &mut Draft) {
    let joined = match value {
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| scalar(value).map(|value| format!("{key}={value}")))
            .collect::<Option<Vec<_>>>(),
        Value::Array(items) => items.iter().map(scalar).collect(),
        other => return read_text(Field::Labels, other, draft),
    };
    match joined {
        Some(parts) => draft.set_str(Field::Labels, &parts.join(",")),
        None => draft.refuse(Field::Labels, value),
    }
}

/// `Tags` in one text and `ATags` one by one say the same; the second wins when both are there.
fn read_tags(value: &Value, draft: &mut Draft) {
    match value {
        Value::Array(items) => {
            let before = std::mem::take(&mut draft.tags);
            items.iter().for_each(|item| match scalar(item) {
                Some(tag) => draft.add_tag(&tag),
                None => draft.keep_unparsed(Field::ATags, item),
            });
            if draft.tags.is_empty() {
                draft.tags = before;
            }
        }
        other => read_text(Field::Tags, other, draft),
    }
}

fn read_event_data(value: &Value, draft: &mut Draft) {
    let Value::Object(entries) = value else { return draft.refuse(Field::EventData, value) };
    for (key, value) in entries {
        match (value, scalar(value)) {
            (Value::String(text), _) => draft.add_event_data(key, text),
            (_, Some(text)) => draft.add_event_data(key, &text),
            (_, None) => draft.add_event_data(key, &value.to_string()),
        }
    }
}
