//! Turns the raw items of one commit into batches; runs on the blocking pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;

use super::batch::{BatchError, EventBatcher};
use super::decode::{Arrival, Decoder};
use super::gaps::gap;
use super::queue::Item;
use crate::catalog::Table;
use crate::storage::Gap;
use crate::types::{Code, Event, EventKind, FeedName, Field, NodeName};

/// Most throttling notices of one commit that become gaps of their own; later ones prolong the last.
const NOTICES_MAX: usize = 32;

/// Why a feed cannot make rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    /// The catalog has no table for a stream.
    #[error("the catalog has no event table \"{table}\"")]
    NoTable {
        /// The table.
        table: &'static str,
    },
    /// The table cannot be filled.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl BenchError {
    /// The kind of the error.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::NoTable { .. } => Code::UndefinedTable,
            Self::Batch(error) => error.code(),
        }
    }
}

/// What came out of the items of one stream.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) kind: EventKind,
    pub(super) batches: Vec<RecordBatch>,
    /// Times in which KubeArmor itself held alerts back.
    pub(super) notices: Vec<Gap>,
    pub(super) malformed: u64,
    pub(super) unknown_fields: u64,
}

/// The tools of one feed: a decoder, and a batcher per stream.
#[derive(Debug)]
pub(super) struct Bench {
    feed: FeedName,
    decoder: Decoder,
    batchers: Vec<(EventKind, EventBatcher)>,
}

impl Bench {
    pub(super) fn new(
        feed: &FeedName,
        node: &NodeName,
        tables: &[Arc<Table>],
        kinds: &[EventKind],
    ) -> Result<Self, BenchError> {
        let batchers = kinds.iter().map(|kind| {
            let table = tables.iter().find(|table| table.name == kind.table());
            let table = table.ok_or(BenchError::NoTable { table: kind.table() })?;
            Ok((*kind, EventBatcher::new(table, node)?))
        });
        let batchers = batchers.collect::<Result<_, BenchError>>()?;
        Ok(Self { feed: feed.clone(), decoder: Decoder::new(node.clone(), feed.clone()), batchers })
    }

    /// Decodes the items of every stream.
    pub(super) fn decode(&mut self, parts: &[(EventKind, Vec<Item>)]) -> Result<Vec<Decoded>, BatchError> {
        parts.iter().map(|(kind, items)| self.decode_stream(*kind, items)).collect()
    }

    fn decode_stream(&mut self, kind: EventKind, items: &[Item]) -> Result<Decoded, BatchError> {
        let mut decoded = Decoded { kind, batches: Vec::new(), notices: Vec::new(), malformed: 0, unknown_fields: 0 };
        let Some((_, batcher)) = self.batchers.iter_mut().find(|(one, _)| *one == kind) else { return Ok(decoded) };
        for item in items {
            let Item::Event { arrival, bytes } = item else { continue };
            let event = decode_surely(&mut self.decoder, kind, bytes, *arrival);
            batcher.push(event);
            decoded.malformed += u64::from(event.is_malformed());
            decoded.unknown_fields += u64::from(event.unknown_fields());
            note_throttling(event, &self.feed, &mut decoded.notices);
            if batcher.is_full() {
                decoded.batches.push(batcher.finish()?);
            }
        }
        if batcher.rows() > 0 {
            decoded.batches.push(batcher.finish()?);
        }
        Ok(decoded)
    }
}

/// Decodes an event; one that makes the decoder panic still becomes a row, which says so.
fn decode_surely<'a>(decoder: &'a mut Decoder, kind: EventKind, bytes: &[u8], arrival: Arrival) -> &'a Event {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        decoder.decode_wire(kind, bytes, arrival);
    }));
    if decoded.is_err() {
        tracing::error!(stream = kind.table(), "an event could not be decoded");
        return decoder.undecodable(kind, arrival);
    }
    decoder.event()
}

/// A throttling notice tells from when to when KubeArmor drops alerts.
fn note_throttling(event: &Event, feed: &FeedName, notices: &mut Vec<Gap>) {
    let is = |field, text: &str| event.text(field).is_some_and(|value| value.eq_ignore_ascii_case(text));
    if event.kind() != EventKind::Alert || !(is(Field::Operation, "AlertThreshold") || is(Field::Type, "SystemEvent")) {
        return;
    }
    let from_us = event.int(Field::UpdatedTime).unwrap_or_default();
    let seconds = event.int(Field::DroppingAlertsInterval).unwrap_or(0).max(0);
    let to_us = Some(from_us + seconds * 1_000_000);
    let notice = Gap { to_us, ..gap(feed, EventKind::Alert, "AlertThreshold", from_us) };
    let full = notices.len() >= NOTICES_MAX;
    match notices.last_mut() {
        // Two notices of one instant would have the same key.
        Some(last) if full || last.from_us == from_us => last.to_us = last.to_us.max(to_us),
        _ => notices.push(notice),
    }
}
