//! An event while it is being filled: the raw values of KubeArmor, and notes on what did not fit.
//!
//! `ingest::wire` and `ingest::json` fill it, `ingest::decode` finishes it; so both paths share every
//! rule. Texts are cleaned and bounded here, at the one door through which they come.

use std::borrow::Cow;

use serde_json::Value;

use super::jsonb;
use crate::types::{Event, EventKind, Field, Span};

/// Longest text of one value in bytes; what is longer is cut and noted.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// Notes about a value; each is one key of `extra` that lists field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    /// It was longer than the bound.
    Cut,
    /// It had NUL bytes, which no text of PostgreSQL can have.
    Nul,
    /// It was no UTF-8.
    Encoding,
}

impl Note {
    const ALL: [Self; 3] = [Self::Cut, Self::Nul, Self::Encoding];

    fn key(self) -> &'static str {
        match self {
            Self::Cut => "armorlake_cut",
            Self::Nul => "armorlake_nul_replaced",
            Self::Encoding => "armorlake_not_utf8",
        }
    }
}

/// An event that is not finished.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) event: Event,
    /// The pairs of EventData as they were sent.
    pub(super) event_data: Vec<(Span, Span)>,
    /// The tags as they were sent one by one.
    pub(super) tags: Vec<Span>,
    /// Values that did not parse: the field and its raw value as JSON. They are part of the content.
    pub(super) unparsed: Vec<(Field, String)>,
    /// Keys that have no field, with their value as JSON.
    unknown: Vec<(String, String)>,
    notes: Vec<(Note, &'static str)>,
    damaged: bool,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            event: Event::new(EventKind::Log),
            event_data: Vec::new(),
            tags: Vec::new(),
            unparsed: Vec::new(),
            unknown: Vec::new(),
            notes: Vec::new(),
            damaged: false,
        }
    }

    /// Starts the next event. Process ids and the user id are 0 when they are absent.
    pub(super) fn clear(&mut self, kind: EventKind) {
        self.event.clear(kind);
        self.event_data.clear();
        self.tags.clear();
        self.unparsed.clear();
        self.unknown.clear();
        self.notes.clear();
        self.damaged = false;
        if kind != EventKind::Message {
            for field in [Field::HostPpid, Field::HostPid, Field::Ppid, Field::Pid, Field::Uid] {
                self.event.set_int(field, 0);
            }
        }
    }

    /// Sets a text; an empty one says nothing.
    pub(super) fn set_str(&mut self, field: Field, text: &str) {
        if !text.is_empty() {
            let span = self.keep(field.source(), text);
            self.event.set_stored(field, span);
        }
    }

    /// Sets a text from bytes that ought to be UTF-8.
    pub(super) fn set_bytes(&mut self, field: Field, bytes: &[u8]) {
        let text = self.as_text(field.source(), bytes);
        self.set_str(field, &text);
    }

    pub(super) fn set_int(&mut self, field: Field, value: i64) {
        self.event.set_int(field, value);
    }

    pub(super) fn add_tag(&mut self, tag: &str) {
        if !tag.trim().is_empty() {
            let span = self.keep(Field::ATags.source(), tag.trim());
            self.tags.push(span);
        }
    }

    pub(super) fn add_tag_bytes(&mut self, bytes: &[u8]) {
        let text = self.as_text(Field::ATags.source(), bytes);
        self.add_tag(&text);
    }

    pub(super) fn add_event_data(&mut self, key: &str, value: &str) {
        let pair = (self.keep(Field::EventData.source(), key), self.keep(Field::EventData.source(), value));
        self.event_data.push(pair);
    }

    pub(super) fn add_event_data_bytes(&mut self, key: &[u8], value: &[u8]) {
        let (key, value) =
            (self.as_text(Field::EventData.source(), key), self.as_text(Field::EventData.source(), value));
        self.add_event_data(&key, &value);
    }

    /// Keeps a raw value that its field cannot hold; the field becomes NULL.
    pub(super) fn refuse(&mut self, field: Field, raw: &Value) {
        self.event.set_null(field);
        self.keep_unparsed(field, raw);
    }

    /// Keeps a raw value although its field has what could be read of it.
    pub(super) fn keep_unparsed(&mut self, field: Field, raw: &Value) {
        let mut json = String::new();
        jsonb::push_value(&mut json, raw);
        let json = self.bounded(field.source(), json);
        self.unparsed.push((field, json));
        self.event.mark_malformed();
    }

    /// The text of a field did not parse into it.
    pub(super) fn refuse_text(&mut self, field: Field) {
        let raw = Value::String(self.event.text(field).unwrap_or_default().to_owned());
        self.refuse(field, &raw);
    }

    /// Keeps the value of a key that no field has.
    pub(super) fn keep_unknown(&mut self, key: &str, value: &Value) {
        let mut json = String::new();
        jsonb::push_value(&mut json, value);
        let json = self.bounded("unknown", json);
        let key = if key.contains('\0') { key.replace('\0', "\u{fffd}") } else { key.to_owned() };
        self.unknown.push((key, json));
    }

    /// Notes that the bytes of the event did not have the expected shape.
    pub(super) fn note_damage(&mut self) {
        self.damaged = true;
        self.event.mark_malformed();
    }

    fn as_text<'a>(&mut self, name: &'static str, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        if matches!(text, Cow::Owned(_)) {
            self.note(Note::Encoding, name);
        }
        text
    }

    fn keep(&mut self, name: &'static str, text: &str) -> Span {
        if text.len() <= VALUE_BYTES_MAX && !text.as_bytes().contains(&0) {
            return self.event.store(text);
        }
        let mut kept = &text[..text.floor_char_boundary(VALUE_BYTES_MAX)];
        if kept.len() < text.len() {
            self.note(Note::Cut, name);
        }
        if !kept.contains('\0') {
            return self.event.store(kept);
        }
        self.note(Note::Nul, name);
        // A replacement takes three bytes, so the bound is applied once more.
        let replaced = kept.replace('\0', "\u{fffd}");
        kept = &replaced[..replaced.floor_char_boundary(VALUE_BYTES_MAX)];
        self.event.store(kept)
    }

    fn bounded(&mut self, name: &'static str, json: String) -> String {
        if json.len() <= VALUE_BYTES_MAX {
            return json;
        }
        self.note(Note::Cut, name);
        let mut kept = String::new();
        jsonb::push_string(&mut kept, &json[..json.floor_char_boundary(VALUE_BYTES_MAX)]);
        kept
    }

    fn note(&mut self, note: Note, name: &'static str) {
        self.event.mark_malformed();
        if !self.notes.contains(&(note, name)) {
            self.notes.push((note, name));
        }
    }

    /// Everything that found no column, as JSON; nothing in the usual case.
    pub(super) fn extra(&self) -> Option<String> {
        if self.unparsed.is_empty() && self.unknown.is_empty() && self.notes.is_empty() && !self.damaged {
            return None;
        }
        let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::new();
        pairs.extend(self.unknown.iter().map(|(key, json)| (key.as_str(), Cow::Borrowed(json.as_str()))));
        pairs.extend(self.unparsed.iter().map(|(field, json)| (field.source(), Cow::Borrowed(json.as_str()))));
        for note in Note::ALL {
            let names: Vec<Value> =
                self.notes.iter().filter(|(noted, _)| *noted == note).map(|(_, name)| Value::from(*name)).collect();
            if !names.is_empty() {
                let mut json = String::new();
                jsonb::push_value(&mut json, &Value::Array(names));
                pairs.push((note.key(), Cow::Owned(json)));
            }
        }
        if self.damaged {
            pairs.push(("armorlake_damaged", Cow::Borrowed("true")));
        }
        jsonb::sort_keys(&mut pairs);
        let mut extra = String::new();
        jsonb::push_object(&mut extra, pairs.iter().map(|(key, json)| (*key, json)), |out, json| out.push_str(json));
        Some(extra)
    }
}
