//! Reads one stream of one KubeArmor endpoint for as long as the node runs.
//!
//! The reader only moves bytes into a queue. Whatever ends a stream, a clean end included, is a
//! failure: it is noted, a gap opens, and the reader dials again with growing, jittered waits. A
//! panic in it counts as such a failure too.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::config::{FeedConfig, Tuning};
use super::connect::{ConnectError, Connection, Pulse};
use super::decode::Arrival;
use super::gaps::OpenGaps;
use super::queue::{Item, Queue};
use super::status::StreamStatus;
use crate::env::{Clock, Monotonic, Random, random_u64};
use crate::types::EventKind;

/// How often a reader looks for silence.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// Intervals with bytes but without an event, after which the peer is known to ping.
const PINGS_TO_TRUST: u32 = 3;

/// The reader of one stream.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) config: Arc<FeedConfig>,
    pub(super) kind: EventKind,
    pub(super) tuning: Tuning,
    pub(super) queue: Arc<Queue>,
    pub(super) status: Arc<StreamStatus>,
    pub(super) gaps: OpenGaps,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) stop: CancellationToken,
    /// Connections so far, also before a restart.
    pub(super) epoch: u64,
    /// When the stream was last known to be heard, before a restart.
    pub(super) heard_before_us: Option<i64>,
    /// The stream is open now.
    pub(super) open: bool,
}

/// Closes the queue however the reader ends, so that the commits behind it end too.
struct CloseQueue(Arc<Queue>);

impl Drop for CloseQueue {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Reader {
    /// Reads until the node stops.
    pub(super) async fn run(mut self) {
        let _close = CloseQueue(Arc::clone(&self.queue));
        if let Some(heard) = self.heard_before_us {
            self.gaps.open("node stopped", heard.min(self.clock.now_us()));
        }
        let started_us = self.clock.now_us();
        let stop = self.stop.clone();
        let mut wait = self.tuning.retry_min;
        while !stop.is_cancelled() {
            let dialled = self.clock.monotonic();
            let connection = AssertUnwindSafe(self.one_connection()).catch_unwind();
            let Some(ended) = stop.run_until_cancelled(connection).await else { break };
            let error = ended.unwrap_or(ConnectError::Panic);
            self.note_end(&error, started_us);
            if self.clock.monotonic().since(dialled) > self.tuning.retry_max {
                wait = self.tuning.retry_min;
            }
            let longest = if error.is_dial() { self.tuning.redial_max } else { self.tuning.retry_max };
            wait = wait.min(longest);
            if stop.run_until_cancelled(tokio::time::sleep(self.jittered(wait))).await.is_none() {
                break;
            }
            wait *= 2;
        }
        if self.open {
            self.queue.push(Item::Heard { epoch: self.epoch, at_us: self.clock.now_us() });
        }
        self.status.set_disconnected(self.clock.now_us());
    }

    /// Between half of the wait and all of it.
    fn jittered(&self, wait: Duration) -> Duration {
        let part = random_u64(self.random.as_ref()) % 1_000;
        wait / 2 + wait.mul_f64(part as f64 / 2_000.0)
    }

    fn note_end(&mut self, error: &ConnectError, started_us: i64) {
        let text = error.full_text();
        let (feed, stream) = (&self.config.name, self.kind.table());
        if self.open {
            tracing::warn!(%feed, stream, epoch = self.epoch, error = text, "stream ended");
        } else {
            tracing::debug!(%feed, stream, error = text, "stream did not open");
        }
        let now = self.clock.now_us();
        self.status.set_disconnected(now);
        self.status.set_error(&text);
        let (reason, from_us) = match error {
            _ if !self.open => ("connect", started_us),
            ConnectError::EndOfStream => ("end of stream", now),
            ConnectError::Silent(silence) => {
                ("disconnect", now - i64::try_from(silence.as_micros()).unwrap_or(i64::MAX))
            }
            _ => ("disconnect", now),
        };
        self.open = false;
        self.gaps.open_unless_open(reason, from_us);
    }

    /// Dials, opens the stream and reads it to its end.
    async fn one_connection(&mut self) -> ConnectError {
        match self.read_connection().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn read_connection(&mut self) -> Result<std::convert::Infallible, ConnectError> {
        let connection = Connection::open(&self.config, &self.tuning, &self.clock, &self.random).await?;
        let first = first_event(&connection, self.kind);
        tokio::pin!(first);
        // grpc-go answers a stream with its first event, so silence at this point means that it is open.
        let early = tokio::time::timeout(self.tuning.settle, &mut first).await;
        let early = early.ok().transpose()?;
        self.note_open();
        let mut watch = Watch::new(&connection.pulse, &self.tuning, &self.clock);
        let mut index = 0;
        let (mut stream, bytes) = match early {
            Some(first) => first,
            None => loop {
                tokio::select! {
                    answer = &mut first => break answer?,
                    _ = watch.interval.tick() => self.note_quiet(&mut watch, index)?,
                }
            },
        };
        self.take(bytes, &mut index);
        loop {
            tokio::select! {
                next = stream.message() => match next? {
                    Some(bytes) => self.take(bytes, &mut index),
                    None => return Err(ConnectError::EndOfStream),
                },
                _ = watch.interval.tick() => self.note_quiet(&mut watch, index)?,
            }
        }
    }

    fn note_open(&mut self) {
        let now = self.clock.now_us();
        self.epoch += 1;
        self.open = true;
        self.status.set_connected(self.epoch, now);
        self.queue.push(Item::Heard { epoch: self.epoch, at_us: now });
        self.gaps.close(now);
        tracing::info!(feed = %self.config.name, stream = self.kind.table(), epoch = self.epoch, "stream open");
    }

    fn take(&mut self, bytes: Bytes, index: &mut u64) {
        let received_at_us = self.clock.now_us();
        self.status.count_received(received_at_us);
        let arrival = Arrival { epoch: self.epoch, index: *index, received_at_us };
        *index += 1;
        if !self.queue.push(Item::Event { arrival, bytes }) {
            self.status.count_dropped(1);
        }
    }

    fn note_quiet(&self, watch: &mut Watch, index: u64) -> Result<(), ConnectError> {
        watch.look(index)?;
        if watch.heartbeat_due() {
            self.queue.push(Item::Heard { epoch: self.epoch, at_us: self.clock.now_us() });
        }
        Ok(())
    }
}

async fn first_event(connection: &Connection, kind: EventKind) -> Result<(Streaming<Bytes>, Bytes), ConnectError> {
    let mut stream = connection.watch(kind).await?;
    let bytes = stream.message().await?.ok_or(ConnectError::EndOfStream)?;
    Ok((stream, bytes))
}

/// Looks for a peer that has fallen silent.
struct Watch {
    pulse: Arc<Pulse>,
    clock: Arc<dyn Clock>,
    interval: Interval,
    silence_max: Duration,
    heartbeat: Duration,
    reads: u64,
    events: u64,
    pings: u32,
    quiet_since: Monotonic,
}

impl Watch {
    fn new(pulse: &Arc<Pulse>, tuning: &Tuning, clock: &Arc<dyn Clock>) -> Self {
        let mut interval = tokio::time::interval(WATCH_INTERVAL.min(tuning.silence_max / 2));
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pulse: Arc::clone(pulse),
            clock: Arc::clone(clock),
            interval,
            silence_max: tuning.silence_max,
            heartbeat: tuning.heartbeat,
            reads: pulse.reads(),
            events: 0,
            pings: 0,
            quiet_since: clock.monotonic(),
        }
    }

    /// Only a peer that was heard to ping can be too silent: another one may have nothing to say.
    fn look(&mut self, events: u64) -> Result<(), ConnectError> {
        let reads = self.pulse.reads();
        if events > self.events {
            self.quiet_since = self.clock.monotonic();
        } else if reads > self.reads {
            self.pings = self.pings.saturating_add(1);
        }
        (self.reads, self.events) = (reads, events);
        let silence = self.pulse.silence();
        if self.pings >= PINGS_TO_TRUST && silence > self.silence_max {
            return Err(ConnectError::Silent(silence));
        }
        Ok(())
    }

    fn heartbeat_due(&mut self) -> bool {
        let now = self.clock.monotonic();
        let due = now.since(self.quiet_since) >= self.heartbeat;
        if due {
            self.quiet_since = now;
        }
        due
    }
}
