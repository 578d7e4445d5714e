//! Reads protobuf bytes of an Alert, Log or Message field by field, straight into a [`Draft`].
//!
//! Generated types would allocate a string per field, drop unknown fields without a word and refuse
//! a whole event for one bad byte; this reader borrows, counts and goes on. Field numbers are those
//! of `proto/kubearmor.proto`; a test compares every one of them with the generated types.

use super::draft::Draft;
use crate::types::{EventKind, Field};

/// What a field number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A text.
    Text(Field),
    /// A number.
    Int(Field),
    /// The nested message with the pod's owner.
    Owner,
    /// The nested message with the entry into a container.
    ExecEvent,
    /// One tag of several.
    Tag,
    /// One pair of the map EventData.
    EventData,
}

/// No kind of event has a higher field number.
pub(super) const NUMBER_MAX: u32 = 44;

/// What a field number of a kind of event means.
pub(super) fn meaning(kind: EventKind, number: u32) -> Option<Meaning> {
    match kind {
        EventKind::Alert => alert_meaning(number),
        EventKind::Log => log_meaning(number),
        EventKind::Message => message_meaning(number),
    }
}

fn shared_meaning(number: u32) -> Option<Meaning> {
    Some(match number {
        1 => Meaning::Int(Field::Timestamp),
        2 => Meaning::Text(Field::UpdatedTime),
        3 => Meaning::Text(Field::ClusterName),
        4 => Meaning::Text(Field::HostName),
        _ => return None,
    })
}

/// Numbers that Alert and Log share.
fn common_meaning(number: u32) -> Option<Meaning> {
    Some(match number {
        5 => Meaning::Text(Field::NamespaceName),
        6 => Meaning::Text(Field::PodName),
        7 => Meaning::Text(Field::ContainerId),
        8 => Meaning::Text(Field::ContainerName),
        9 => Meaning::Int(Field::HostPid),
        10 => Meaning::Int(Field::Ppid),
        11 => Meaning::Int(Field::Pid),
        12 => Meaning::Int(Field::Uid),
        other => return shared_meaning(other),
    })
}

fn alert_meaning(number: u32) -> Option<Meaning> {
    Some(match number {
        13 => Meaning::Text(Field::PolicyName),
        14 => Meaning::Text(Field::Severity),
        15 => Meaning::Text(Field::Tags),
        16 => Meaning::Text(Field::Message),
        17 => Meaning::Text(Field::Type),
        18 => Meaning::Text(Field::Source),
        19 => Meaning::Text(Field::Operation),
        20 => Meaning::Text(Field::Resource),
        21 => Meaning::Text(Field::Data),
        22 => Meaning::Text(Field::Action),
        23 => Meaning::Text(Field::Result),
        24 => Meaning::Text(Field::ContainerImage),
        25 => Meaning::Text(Field::ParentProcessName),
        26 => Meaning::Text(Field::ProcessName),
        27 => Meaning::Int(Field::HostPpid),
        28 => Meaning::Text(Field::Enforcer),
        29 => Meaning::Text(Field::Labels),
        30 => Meaning::Tag,
        31 => Meaning::Owner,
        32 => Meaning::Text(Field::Cwd),
        33 => Meaning::Text(Field::Tty),
        34 => Meaning::Int(Field::MaxAlertsPerSec),
        35 => Meaning::Int(Field::DroppingAlertsInterval),
        36 => Meaning::ExecEvent,
        37 => Meaning::Text(Field::KubeArmorVersion),
        38 => Meaning::Text(Field::NodeId),
        39 => Meaning::Text(Field::ProcessHash),
        40 => Meaning::Text(Field::ParentHash),
        41 => Meaning::Text(Field::ResourceHash),
        42 => Meaning::Text(Field::HashAlgo),
        43 => Meaning::EventData,
        44 => Meaning::Text(Field::UserName),
        other => return common_meaning(other),
    })
}

fn log_meaning(number: u32) -> Option<Meaning> {
    Some(match number {
        13 => Meaning::Text(Field::Type),
        14 => Meaning::Text(Field::Source),
        15 => Meaning::Text(Field::Operation),
        16 => Meaning::Text(Field::Resource),
        17 => Meaning::Text(Field::Data),
        18 => Meaning::Text(Field::Result),
        19 => Meaning::Text(Field::ContainerImage),
        20 => Meaning::Text(Field::ParentProcessName),
        21 => Meaning::Text(Field::ProcessName),
        22 => Meaning::Int(Field::HostPpid),
        23 => Meaning::Text(Field::Labels),
        24 => Meaning::Owner,
        25 => Meaning::Text(Field::Cwd),
        26 => Meaning::Text(Field::Tty),
        27 => Meaning::ExecEvent,
        28 => Meaning::Text(Field::NodeId),
        29 => Meaning::Text(Field::ProcessHash),
        30 => Meaning::Text(Field::ParentHash),
        31 => Meaning::Text(Field::ResourceHash),
        32 => Meaning::Text(Field::HashAlgo),
        33 => Meaning::EventData,
        34 => Meaning::Text(Field::UserName),
        other => return common_meaning(other),
    })
}

fn message_meaning(number: u32) -> Option<Meaning> {
    Some(match number {
        5 => Meaning::Text(Field::HostIp),
        6 => Meaning::Text(Field::Type),
        7 => Meaning::Text(Field::Level),
        8 => Meaning::Text(Field::Message),
        other => return shared_meaning(other),
    })
}

/// A value as it stands on the wire.
#[derive(Debug, Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A fixed-width number; KubeArmor has none.
    Other,
}

/// Walks over the fields of one message; a damaged rest ends it with `damaged` set.
struct Reader<'a> {
    rest: &'a [u8],
    damaged: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, damaged: false }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for (position, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[position + 1..];
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(count).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u32, Raw<'a>)> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        let raw = match key & 7 {
            0 => Raw::Varint(self.varint()?),
            1 => self.take(8).map(|_| Raw::Other)?,
            2 => {
                let length = self.varint()?;
                Raw::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Raw::Other)?,
            _ => return None,
        };
        Some((number, raw))
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = (u32, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.damaged {
            return None;
        }
        let field = self.field();
        self.damaged = field.is_none();
        field
    }
}

/// Reads one event. Never fails: what cannot be read is noted in the draft.
pub(super) fn read_event(kind: EventKind, bytes: &[u8], draft: &mut Draft) {
    let mut reader = Reader::new(bytes);
    for (number, raw) in reader.by_ref() {
        match (meaning(kind, number), raw) {
            (Some(Meaning::Text(field)), Raw::Bytes(bytes)) => draft.set_bytes(field, bytes),
            (Some(Meaning::Int(Field::Timestamp)), Raw::Varint(value)) => {
                draft.set_int(Field::Timestamp, value.cast_signed());
            }
            // An int32 is written as 64 bits and read back as its low 32.
            (Some(Meaning::Int(field)), Raw::Varint(value)) => {
                draft.set_int(field, i64::from((value as u32).cast_signed()));
            }
            (Some(Meaning::Tag), Raw::Bytes(bytes)) => draft.add_tag_bytes(bytes),
            (Some(Meaning::Owner), Raw::Bytes(bytes)) => {
                read_parts(bytes, &[Field::OwnerRef, Field::OwnerName, Field::OwnerNamespace], draft);
            }
            (Some(Meaning::ExecEvent), Raw::Bytes(bytes)) => {
                read_parts(bytes, &[Field::ExecId, Field::ExecName], draft);
            }
            (Some(Meaning::EventData), Raw::Bytes(bytes)) => read_pair(bytes, draft),
            (Some(_), _) => draft.note_damage(),
            (None, _) => draft.event.count_unknown_field(),
        }
    }
    if reader.damaged {
        draft.note_damage();
    }
}

/// Reads a nested message of texts numbered from 1.
fn read_parts(bytes: &[u8], fields: &[Field], draft: &mut Draft) {
    let mut reader = Reader::new(bytes);
    for (number, raw) in reader.by_ref() {
        match (fields.get(number as usize - 1), raw) {
            (Some(field), Raw::Bytes(bytes)) => draft.set_bytes(*field, bytes),
            (Some(_), _) => draft.note_damage(),
            (None, _) => draft.event.count_unknown_field(),
        }
    }
    if reader.damaged {
        draft.note_damage();
    }
}

/// Reads one entry of the map EventData.
fn read_pair(bytes: &[u8], draft: &mut Draft) {
    let (mut key, mut value): (&[u8], &[u8]) = (b"", b"");
    let mut reader = Reader::new(bytes);
    for (number, raw) in reader.by_ref() {
        match (number, raw) {
            (1, Raw::Bytes(bytes)) => key = bytes,
            (2, Raw::Bytes(bytes)) => value = bytes,
            _ => draft.note_damage(),
        }
    }
    if reader.damaged {
        draft.note_damage();
    }
    draft.add_event_data_bytes(key, value);
}
