//! Finishes events: the same rules for protobuf and for JSON.
//!
//! An event is never dropped for a bad value: the value becomes NULL and its raw form goes to
//! `extra`. Empty texts are NULL; process ids and the user id keep their 0. Called by `ingest::feed`,
//! importers and benches.

use super::draft::Draft;
use super::facts::{Direction, Facts, Words};
use super::instant::{instant_from_seconds, parse_instant};
use super::{json, jsonb, wire};
use crate::types::{Event, EventKind, FeedName, Field, NodeName, Span, Value};

pub use super::json::JsonError;

/// Where and when an event arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Which connection of its stream it came through, from 1.
    pub epoch: u64,
    /// How many events that connection brought before it.
    pub index: u64,
    /// When, in microseconds since 1970 UTC.
    pub received_at_us: i64,
}

/// Turns what KubeArmor sends into events; one per thread of work, used again and again.
#[derive(Debug)]
pub struct Decoder {
    node: NodeName,
    feed: FeedName,
    draft: Draft,
    text: String,
    canonical: Vec<u8>,
}

/// Fields that say nothing of the content: our own notes, and what is read out of other fields.
pub(super) fn is_content(field: Field) -> bool {
    !matches!(
        field,
        Field::UpdatedTime
            | Field::TimeSource
            | Field::Timestamp
            | Field::Node
            | Field::Feed
            | Field::ReceivedAt
            | Field::EventId
            | Field::ContentHash
            | Field::Extra
            | Field::EventTags
            | Field::Tags
            | Field::EventData
            | Field::Syscall
            | Field::OpenFlags
            | Field::RemoteIp
            | Field::RemotePort
            | Field::Protocol
            | Field::Domain
            | Field::QType
    )
}

impl Decoder {
    /// A decoder for the events of one feed.
    pub fn new(node: NodeName, feed: FeedName) -> Self {
        Self { node, feed, draft: Draft::new(), text: String::new(), canonical: Vec::new() }
    }

    /// Decodes the protobuf bytes of one event; what cannot be read is noted in it.
    pub fn decode_wire(&mut self, kind: EventKind, bytes: &[u8], arrival: Arrival) -> &Event {
        self.draft.clear(kind);
        wire::read_event(kind, bytes, &mut self.draft);
        self.finish(arrival)
    }

    /// Decodes one JSON event, bare or in an envelope `{"kind": ..., "event": {...}}`. Its kind is
    /// the envelope's, else `kind`, else what its `Type` says.
    pub fn decode_json(&mut self, text: &[u8], kind: Option<EventKind>, arrival: Arrival) -> Result<&Event, JsonError> {
        json::read_event(text, kind, &mut self.draft)?;
        Ok(self.finish(arrival))
    }

    /// The event that was decoded last.
    pub fn event(&self) -> &Event {
        &self.draft.event
    }

    /// A row for an event that cannot be decoded at all.
    pub(super) fn undecodable(&mut self, kind: EventKind, arrival: Arrival) -> &Event {
        self.draft.clear(kind);
        self.draft.note_damage();
        self.finish(arrival)
    }

    fn finish(&mut self, arrival: Arrival) -> &Event {
        self.finish_time(arrival.received_at_us);
        self.finish_labels();
        self.finish_tags();
        self.finish_numbers();
        let event_data_sent = self.finish_event_data();
        self.finish_facts();
        self.finish_identity(arrival, event_data_sent);
        if let Some(extra) = self.draft.extra() {
            self.draft.event.set_text(Field::Extra, &extra);
        }
        let event = &mut self.draft.event;
        event.set_text(Field::Node, self.node.as_str());
        event.set_text(Field::Feed, self.feed.as_str());
        event.set_int(Field::ReceivedAt, arrival.received_at_us);
        event
    }

    fn finish_time(&mut self, received_at_us: i64) {
        let sent = self.draft.event.text(Field::UpdatedTime).map(parse_instant);
        if sent == Some(None) {
            self.draft.refuse_text(Field::UpdatedTime);
        }
        let seconds = self.draft.event.int(Field::Timestamp).filter(|seconds| *seconds != 0);
        let stamped = seconds.map(instant_from_seconds);
        if let (Some(seconds), Some(None)) = (seconds, stamped) {
            self.draft.refuse(Field::Timestamp, &seconds.into());
        }
        let (time, source) = match (sent.flatten(), stamped.flatten()) {
            (Some(time), _) => (time, 0),
            (None, Some(time)) => (time, 1),
            (None, None) => (received_at_us, 2),
        };
        self.draft.event.set_int(Field::UpdatedTime, time);
        self.draft.event.set_int(Field::TimeSource, source);
    }

    fn finish_labels(&mut self) {
        let Some(labels) = self.draft.event.text(Field::Labels) else { return };
        let parts = || labels.split(',').map(str::trim).filter(|part| !part.is_empty());
        let mut pairs: Vec<(&str, &str)> = parts()
            .filter_map(|part| part.split_once('='))
            .map(|(key, value)| (key.trim(), value.trim()))
            .filter(|(key, _)| !key.is_empty())
            .collect();
        let all_parsed = pairs.len() == parts().count();
        jsonb::sort_keys(&mut pairs);
        self.text.clear();
        jsonb::push_text_object(&mut self.text, pairs.iter().copied());
        let (nothing, raw) = (pairs.is_empty(), labels.to_owned());
        self.draft.event.set_text(Field::Labels, &self.text);
        if !all_parsed {
            self.draft.keep_unparsed(Field::Labels, &raw.into());
        }
        if nothing {
            self.draft.event.set_null(Field::Labels);
        }
    }

    fn finish_tags(&mut self) {
        if self.draft.tags.is_empty() {
            let Some(tags) = self.draft.event.span(Field::Tags) else { return };
            let tags = self.draft.event.stored(tags).to_owned();
            tags.split(',').for_each(|tag| self.draft.add_tag(tag));
        }
        if !self.draft.tags.is_empty() {
            self.draft.event.set_list(Field::ATags, &self.draft.tags);
        }
    }

    fn finish_numbers(&mut self) {
        let draft = &mut self.draft;
        match draft.event.text(Field::Severity).map(|text| text.trim().parse::<i32>()) {
            Some(Ok(severity)) => draft.event.set_int(Field::Severity, severity.into()),
            Some(Err(_)) => draft.refuse_text(Field::Severity),
            None => {}
        }
        for field in [Field::MaxAlertsPerSec, Field::DroppingAlertsInterval] {
            if draft.event.int(field) == Some(0) {
                draft.event.set_null(field);
            }
        }
        if draft.event.text(Field::ExecId) == Some("0") {
            draft.event.set_null(Field::ExecId);
        }
    }

    /// Sets EventData from what was sent, else from the words of Data and, for network events, of
    /// Resource; returns whether it was sent.
    fn finish_event_data(&mut self) -> bool {
        let event = &self.draft.event;
        let sent = !self.draft.event_data.is_empty();
        let mut pairs: Vec<(String, &str)> = if sent {
            let stored = |span: &Span| event.stored(*span);
            self.draft.event_data.iter().map(|(key, value)| (stored(key).to_owned(), stored(value))).collect()
        } else {
            network_resource(event)
                .into_iter()
                .chain(event.text(Field::Data))
                .flat_map(Words::new)
                .map(|(key, value)| (capitalised(key), value))
                .collect()
        };
        if pairs.is_empty() {
            return sent;
        }
        jsonb::sort_keys(&mut pairs);
        self.text.clear();
        jsonb::push_text_object(&mut self.text, pairs.iter().map(|(key, value)| (key.as_str(), *value)));
        self.draft.event.set_text(Field::EventData, &self.text);
        sent
    }

    fn finish_facts(&mut self) {
        let event = &self.draft.event;
        let mut facts = Facts::default();
        for (key, value) in event.text(Field::Data).into_iter().flat_map(Words::new) {
            facts.note(key, value);
        }
        for (key, value) in &self.draft.event_data {
            facts.note_pair(event.stored(*key), event.stored(*value));
        }
        for (key, value) in network_resource(event).into_iter().flat_map(Words::new) {
            facts.note(key, value);
        }
        let direction = direction(event);
        let address = direction.and_then(|direction| facts.peer_address(direction));
        let port = direction.and_then(|direction| facts.peer_port(direction));
        let network = |text: Option<&'_ str>| text.filter(|_| direction.is_some()).and_then(|text| event.span_of(text));
        let texts = [
            (Field::Syscall, facts.syscall().and_then(|text| event.span_of(text))),
            (Field::OpenFlags, facts.open_flags().and_then(|text| event.span_of(text))),
            (Field::Protocol, network(facts.protocol())),
            (Field::Domain, network(facts.domain())),
            (Field::QType, network(facts.qtype())),
        ];
        let event = &mut self.draft.event;
        for (field, span) in texts {
            if let Some(span) = span {
                event.set_stored(field, span);
            }
        }
        if let Some(address) = address {
            event.set_text(Field::RemoteIp, &address.to_string());
        }
        if let Some(port) = port {
            event.set_int(Field::RemotePort, port.into());
        }
    }

    /// Hashes the content field by field, name and length before each value, so that no two contents
    /// run into each other and a field that a later version adds leaves old hashes as they are.
    fn finish_identity(&mut self, arrival: Arrival, event_data_sent: bool) {
        let (event, canonical) = (&self.draft.event, &mut self.canonical);
        canonical.clear();
        canonical.extend_from_slice(event.kind().table().as_bytes());
        for field in Field::ALL {
            let sent_time = *field == Field::UpdatedTime && event.int(Field::TimeSource) != Some(2);
            if is_content(*field) || sent_time || (*field == Field::EventData && event_data_sent) {
                push_canonical(canonical, field.source(), event.value(*field));
            }
        }
        for (field, raw) in &self.draft.unparsed {
            push_canonical(canonical, field.source(), Value::Text(raw));
        }
        canonical.shrink_to(64 * 1024);
        let content = blake3::hash(canonical);
        let mut row = blake3::Hasher::new();
        row.update(content.as_bytes());
        for name in [self.node.as_str(), self.feed.as_str()] {
            row.update(&[u8::try_from(name.len()).unwrap_or(u8::MAX)]).update(name.as_bytes());
        }
        row.update(&arrival.epoch.to_le_bytes()).update(&arrival.index.to_le_bytes());
        let event = &mut self.draft.event;
        event.set_id(Field::ContentHash, first_half(&content));
        event.set_id(Field::EventId, first_half(&row.finalize()));
    }
}

pub(super) fn first_half(hash: &blake3::Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    half
}

/// One of the texts of a field that has several.
pub(super) fn push_text_item(canonical: &mut Vec<u8>, name: &str, text: &str) {
    push_bytes(canonical, name, 4, text.as_bytes());
}

fn push_bytes(canonical: &mut Vec<u8>, name: &str, kind: u8, bytes: &[u8]) {
    canonical.extend_from_slice(name.as_bytes());
    canonical.extend_from_slice(&[0, kind]);
    canonical.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    canonical.extend_from_slice(bytes);
}

pub(super) fn push_canonical(canonical: &mut Vec<u8>, name: &str, value: Value<'_>) {
    let mut push = |kind: u8, bytes: &[u8]| push_bytes(canonical, name, kind, bytes);
    match value {
        // 0 and absent are the same on the wire.
        Value::Null | Value::Int(0) => {}
        Value::Int(number) => push(1, &number.to_le_bytes()),
        Value::Text(text) => push(2, text.as_bytes()),
        Value::Id(id) => push(3, &id),
        Value::List(texts) => texts.iter().for_each(|text| push_text_item(canonical, name, text)),
    }
}

fn is_operation(event: &Event, operation: &str) -> bool {
    event.text(Field::Operation).is_some_and(|text| text.eq_ignore_ascii_case(operation))
}

/// The resource of a network event is made of words; every other one is a path or a command line.
fn network_resource(event: &Event) -> Option<&str> {
    event.text(Field::Resource).filter(|_| is_operation(event, "Network"))
}

fn direction(event: &Event) -> Option<Direction> {
    if is_operation(event, "Network") {
        return Some(Direction::Connection);
    }
    is_operation(event, "NetworkFirewall").then(|| {
        let ingress = event.text(Field::Resource).is_some_and(|text| text.trim().eq_ignore_ascii_case("INGRESS"));
        if ingress { Direction::Ingress } else { Direction::Egress }
    })
}

fn capitalised(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
