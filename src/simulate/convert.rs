//! JSON lines of KubeArmor -> protobuf, for replays.
//!
//! Names match without case and `_`; numbers may be texts. What the protobuf has no place for is
//! left out. The event is first written as protobuf bytes, by a table of names and field numbers.

use prost::Message as _;
use prost::encoding::{int32, int64, string};
use serde_json::{Map, Value};

use crate::proto::feeder;
use crate::types::EventKind;

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// It is no JSON.
    #[error("no JSON")]
    Syntax(#[source] serde_json::Error),
    /// It is JSON, but no object.
    #[error("no JSON object")]
    Shape,
    /// Our own table does not agree with the contract.
    #[error("not of the contract's shape")]
    Encoding(#[source] prost::DecodeError),
}

/// An event that the simulator sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Produced {
    /// For WatchAlerts.
    Alert(Box<feeder::Alert>),
    /// For WatchLogs.
    Log(Box<feeder::Log>),
    /// For WatchMessages.
    Message(feeder::Message),
}

impl Produced {
    /// Which stream carries it.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Alert(_) => EventKind::Alert,
            Self::Log(_) => EventKind::Log,
            Self::Message(_) => EventKind::Message,
        }
    }

    /// Its `UpdatedTime`.
    pub fn updated_time(&self) -> &str {
        match self {
            Self::Alert(alert) => &alert.updated_time,
            Self::Log(log) => &log.updated_time,
            Self::Message(message) => &message.updated_time,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Int,
    Long,
    Texts,
    Pairs,
    Parts(&'static [&'static str]),
}

/// Folded name, field number in Alert, Log and Message (0: not there), shape.
type Row = (&'static str, [u32; 3], Shape);

const TABLE: &[Row] = &[
    ("timestamp", [1, 1, 1], Shape::Long),
    ("updatedtime", [2, 2, 2], Shape::Text),
    ("clustername", [3, 3, 3], Shape::Text),
    ("hostname", [4, 4, 4], Shape::Text),
    ("hostip", [0, 0, 5], Shape::Text),
    ("level", [0, 0, 7], Shape::Text),
    ("namespacename", [5, 5, 0], Shape::Text),
    ("podname", [6, 6, 0], Shape::Text),
    ("containerid", [7, 7, 0], Shape::Text),
    ("containername", [8, 8, 0], Shape::Text),
    ("hostpid", [9, 9, 0], Shape::Int),
    ("ppid", [10, 10, 0], Shape::Int),
    ("pid", [11, 11, 0], Shape::Int),
    ("uid", [12, 12, 0], Shape::Int),
    ("policyname", [13, 0, 0], Shape::Text),
    ("severity", [14, 0, 0], Shape::Text),
    ("tags", [15, 0, 0], Shape::Text),
    ("message", [16, 0, 8], Shape::Text),
    ("type", [17, 13, 6], Shape::Text),
    ("source", [18, 14, 0], Shape::Text),
    ("operation", [19, 15, 0], Shape::Text),
    ("resource", [20, 16, 0], Shape::Text),
    ("data", [21, 17, 0], Shape::Text),
    ("action", [22, 0, 0], Shape::Text),
    ("result", [23, 18, 0], Shape::Text),
    ("containerimage", [24, 19, 0], Shape::Text),
    ("parentprocessname", [25, 20, 0], Shape::Text),
    ("processname", [26, 21, 0], Shape::Text),
    ("hostppid", [27, 22, 0], Shape::Int),
    ("enforcer", [28, 0, 0], Shape::Text),
    ("labels", [29, 23, 0], Shape::Text),
    ("atags", [30, 0, 0], Shape::Texts),
    ("owner", [31, 24, 0], Shape::Parts(&["ref", "name", "namespace"])),
    ("cwd", [32, 25, 0], Shape::Text),
    ("tty", [33, 26, 0], Shape::Text),
    ("maxalertspersec", [34, 0, 0], Shape::Int),
    ("droppingalertsinterval", [35, 0, 0], Shape::Int),
    ("execevent", [36, 27, 0], Shape::Parts(&["execid", "executablename"])),
    ("kubearmorversion", [37, 0, 0], Shape::Text),
    ("nodeid", [38, 28, 0], Shape::Text),
    ("processhash", [39, 29, 0], Shape::Text),
    ("parenthash", [40, 30, 0], Shape::Text),
    ("resourcehash", [41, 31, 0], Shape::Text),
    ("hashalgo", [42, 32, 0], Shape::Text),
    ("eventdata", [43, 33, 0], Shape::Pairs),
    ("username", [44, 34, 0], Shape::Text),
];

fn folded(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

/// The event of one JSON line: bare, or in an envelope `{"kind": "alert"|"log"|"message", "event": {...}}`.
pub fn produced_from_json(line: &str) -> Result<Produced, ConvertError> {
    let Value::Object(mut entries) = serde_json::from_str(line).map_err(ConvertError::Syntax)? else {
        return Err(ConvertError::Shape);
    };
    let named = entries.get("kind").and_then(Value::as_str).and_then(EventKind::from_name);
    if let (Some(_), Some(Value::Object(inner))) = (named, entries.get_mut("event")) {
        entries = std::mem::take(inner);
    }
    let kind = named.unwrap_or_else(|| kind_of(&entries));
    let bytes = encode(kind, &entries);
    let bytes = bytes.as_slice();
    let produced = match kind {
        EventKind::Alert => feeder::Alert::decode(bytes).map(|alert| Produced::Alert(Box::new(alert))),
        EventKind::Log => feeder::Log::decode(bytes).map(|log| Produced::Log(Box::new(log))),
        EventKind::Message => feeder::Message::decode(bytes).map(Produced::Message),
    };
    produced.map_err(ConvertError::Encoding)
}

fn kind_of(entries: &Map<String, Value>) -> EventKind {
    let find = |name: &str| entries.iter().find(|(key, _)| folded(key) == name).and_then(|(_, value)| value.as_str());
    match find("type") {
        Some(event_type) => EventKind::from_type(event_type),
        None if find("level").is_some() => EventKind::Message,
        None => EventKind::Log,
    }
}

fn encode(kind: EventKind, entries: &Map<String, Value>) -> Vec<u8> {
    let place = match kind {
        EventKind::Alert => 0,
        EventKind::Log => 1,
        EventKind::Message => 2,
    };
    let (mut bytes, mut seen) = (Vec::new(), Vec::new());
    for (key, value) in entries {
        let name = folded(key);
        let Some((name, numbers, shape)) = TABLE.iter().find(|(known, ..)| *known == name) else { continue };
        let says_nothing = value.is_null() || value.as_str() == Some("");
        if numbers[place] > 0 && !says_nothing && !seen.contains(name) {
            encode_value(numbers[place], *shape, value, &mut bytes);
            seen.push(*name);
        }
    }
    bytes
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn encode_value(tag: u32, shape: Shape, value: &Value, bytes: &mut Vec<u8>) {
    match (shape, value) {
        (Shape::Text, value) => {
            if let Some(text) = word(value) {
                string::encode(tag, &text, bytes);
            }
        }
        (Shape::Int, value) => {
            if let Some(number) = number(value).and_then(|number| i32::try_from(number).ok()) {
                int32::encode(tag, &number, bytes);
            }
        }
        (Shape::Long, value) => {
            if let Some(number) = number(value) {
                int64::encode(tag, &number, bytes);
            }
        }
        (Shape::Texts, Value::Array(items)) => {
            items.iter().filter_map(word).for_each(|text| string::encode(tag, &text, bytes));
        }
        (Shape::Texts, value) => {
            let joined = word(value).unwrap_or_default();
            joined.split(',').for_each(|text| string::encode(tag, &text.to_owned(), bytes));
        }
        (Shape::Pairs, Value::Object(entries)) => {
            for (key, value) in entries {
                let value = word(value).unwrap_or_else(|| value.to_string());
                encode_nested(tag, &[(1, key.clone()), (2, value)], bytes);
            }
        }
        (Shape::Parts(names), Value::Object(entries)) => {
            let parts: Vec<(u32, String)> = entries
                .iter()
                .filter_map(|(key, value)| {
                    let place = names.iter().position(|name| *name == folded(key))?;
                    Some((u32::try_from(place).ok()? + 1, word(value)?))
                })
                .collect();
            encode_nested(tag, &parts, bytes);
        }
        (Shape::Pairs | Shape::Parts(_), _) => {}
    }
}

/// A nested message made of texts.
fn encode_nested(tag: u32, parts: &[(u32, String)], bytes: &mut Vec<u8>) {
    let mut inner = Vec::new();
    parts.iter().for_each(|(tag, text)| string::encode(*tag, text, &mut inner));
    prost::encoding::bytes::encode(tag, &inner, bytes);
}

#[cfg(test)]
mod tests {
    use super::{Produced, TABLE, produced_from_json};

    #[test]
    fn spellings_and_envelopes_give_the_same_event() {
        let lines = [
            r#"{"Type":"MatchedPolicy","HostPID":7,"Timestamp":"5","ATags":["a"],"Owner":{"Ref":"Job"},"EventData":{"K":"v"}}"#,
            r#"{"type":"MatchedPolicy","hostPid":"7","timestamp":5,"atags":"a","owner":{"ref":"Job"},"eventData":{"K":"v"}}"#,
            r#"{"kind":"alert","event":{"type":"MatchedPolicy","host_pid":7,"timestamp":5,"a_tags":["a"],"owner":{"ref":"Job"},"event_data":{"K":"v"}}}"#,
        ];
        let events: Vec<Produced> = lines.iter().map(|line| produced_from_json(line).expect("event")).collect();
        assert_eq!(events[0], events[1]);
        assert_eq!(events[0], events[2]);
        let Produced::Alert(alert) = &events[0] else { panic!("no alert") };
        assert_eq!((alert.host_pid, alert.timestamp, alert.a_tags.len()), (7, 5, 1));
        assert_eq!(alert.owner.as_ref().map(|owner| owner.r#ref.as_str()), Some("Job"));
    }

    #[test]
    fn no_field_number_occurs_twice() {
        for place in 0..3 {
            let mut numbers: Vec<u32> =
                TABLE.iter().map(|(_, numbers, _)| numbers[place]).filter(|number| *number > 0).collect();
            numbers.sort_unstable();
            let highest = [44, 34, 8][place];
            assert_eq!(numbers, (1..=highest).collect::<Vec<u32>>());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line in "\\PC*") {
            let _ = produced_from_json(&line);
        }
    }
}
