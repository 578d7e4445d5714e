//! Replays a file of JSON lines.
//!
//! Each kind of event has its own reader of the file, so that a client of one stream never waits for
//! a client of another. After the last event the streams stay open.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};

use super::SimulateError;
use super::config::Pace;
use super::convert::{Produced, produced_from_json};
use super::hub::Hub;
use crate::env::{Clock, Monotonic};
use crate::types::EventKind;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Recording {
    path: PathBuf,
    /// Kinds that occur in it.
    pub(super) kinds: Vec<EventKind>,
    /// The first time in it, in microseconds since 1970 UTC.
    first_us: Option<i64>,
}

struct Reader {
    lines: Lines<BufReader<File>>,
    number: u64,
}

impl Reader {
    async fn open(path: &Path) -> Result<Self, SimulateError> {
        let file = File::open(path).await.map_err(file_error)?;
        Ok(Self { lines: BufReader::with_capacity(256 * 1024, file).lines(), number: 0 })
    }

    async fn next(&mut self) -> Result<Option<Produced>, SimulateError> {
        while let Some(line) = self.lines.next_line().await.map_err(file_error)? {
            self.number += 1;
            if !line.trim().is_empty() {
                let event = produced_from_json(&line);
                return event.map(Some).map_err(|source| SimulateError::Line { line: self.number, source });
            }
        }
        Ok(None)
    }
}

fn file_error(source: std::io::Error) -> SimulateError {
    SimulateError::File { what: "the file to replay", source }
}

fn time_us(event: &Produced) -> Option<i64> {
    let text = event.updated_time().to_ascii_uppercase();
    chrono::DateTime::parse_from_rfc3339(&text).ok().map(|time| time.timestamp_micros())
}

impl Recording {
    /// Reads the file once, so that a bad line is told at start.
    pub(super) async fn scan(path: &Path) -> Result<Self, SimulateError> {
        let mut reader = Reader::open(path).await?;
        let mut recording = Self { path: path.to_owned(), kinds: Vec::new(), first_us: None };
        while let Some(event) = reader.next().await? {
            if !recording.kinds.contains(&event.kind()) {
                recording.kinds.push(event.kind());
            }
            recording.first_us = recording.first_us.or_else(|| time_us(&event));
        }
        Ok(recording)
    }
}

/// Sends all events of one kind.
pub(super) async fn replay(
    recording: Arc<Recording>,
    kind: EventKind,
    pace: Pace,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
) -> Result<(), SimulateError> {
    let mut reader = Reader::open(&recording.path).await?;
    let mut start = None;
    while let Some(event) = reader.next().await? {
        if event.kind() != kind {
            continue;
        }
        match pace {
            Pace::Fast => hub.deliver(event).await,
            Pace::Times(factor) => {
                if start.is_none() {
                    hub.wait_for_client_of(kind).await;
                }
                let start = *start.get_or_insert_with(|| clock.monotonic());
                let offset = time_us(&event).zip(recording.first_us).map_or(0, |(time, first)| time - first);
                wait_until(start, offset, factor, clock.as_ref()).await;
                hub.offer(event);
            }
        }
    }
    tracing::info!(stream = kind.table(), "the replay has ended, the stream stays open");
    Ok(())
}

async fn wait_until(start: Monotonic, offset_us: i64, factor: f64, clock: &dyn Clock) {
    // A recording of many years still waits, but no wait overflows.
    let seconds = (offset_us.max(0) as f64 / 1e6 / factor).min(1e9);
    let due = Duration::from_secs_f64(seconds);
    let gone = clock.monotonic().since(start);
    if due > gone {
        tokio::time::sleep(due - gone).await;
    }
}
