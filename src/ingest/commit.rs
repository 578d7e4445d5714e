//! Takes events out of the queues of one feed, has them decoded and commits them.
//!
//! While one batch is being written the next one is decoded. Alerts go before logs, but leave them a
//! share. An event counts as received when `Store::append` has returned; only then the line
//! `committed up to N` is logged. It ends when its queues are closed and empty.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use futures::FutureExt;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, Decoded};
use super::config::Tuning;
use super::gaps;
use super::queue::{Item, Queue};
use super::status::StreamStatus;
use crate::env::run_blocking;
use crate::storage::{FeedProgress, Gap, StorageError, Store};
use crate::types::{EventKind, FeedName};

/// Most protobuf bytes of one stream in one commit.
const CHUNK_BYTES_MAX: usize = 32 * 1024 * 1024;
/// One part in so many of a commit is kept for each stream that waits behind another.
const SHARE: usize = 8;
/// The first and the longest wait after a commit that failed.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// How often a commit is tried once the node is stopping.
const STOPPING_TRIES: u32 = 5;
/// How often a running overflow is written down.
const OVERFLOW_INTERVAL: Duration = Duration::from_secs(1);

/// One stream as the commits see it.
#[derive(Debug)]
pub(super) struct Line {
    kind: EventKind,
    queue: Arc<Queue>,
    status: Arc<StreamStatus>,
    /// The connection, and how many of its events are committed or on their way to it.
    epoch: u64,
    committed: u64,
    /// The same, of what is committed.
    settled: (u64, u64),
    /// Events that are out of the queue and not committed yet, and the time of the last one.
    in_flight: (u64, i64),
}

impl Line {
    pub(super) fn new(kind: EventKind, queue: Arc<Queue>, status: Arc<StreamStatus>) -> Self {
        Self { kind, queue, status, epoch: 0, committed: 0, settled: (0, 0), in_flight: (0, 0) }
    }
}

/// How far a commit brings one connection of a stream.
#[derive(Debug, Clone, Copy)]
struct Mark {
    kind: EventKind,
    epoch: u64,
    committed: u64,
    events: u64,
    last_us: i64,
}

/// Decoded events, ready for one commit.
#[derive(Debug, Default)]
struct Ready {
    batches: Vec<(String, RecordBatch)>,
    marks: Vec<Mark>,
    notices: Vec<Gap>,
}

type Parts = Vec<(EventKind, Vec<Item>)>;

/// The commits of one feed.
#[derive(Debug)]
pub(super) struct Committer {
    pub(super) feed: FeedName,
    pub(super) tuning: Tuning,
    pub(super) store: Arc<Store>,
    pub(super) changed: Arc<Notify>,
    pub(super) stop: CancellationToken,
    /// In the order in which they are served.
    pub(super) lines: Vec<Line>,
}

impl Committer {
    /// Commits until all queues are closed and empty. A panic loses what was on its way, which is
    /// counted, and nothing that is committed.
    pub(super) async fn run(mut self, make_bench: impl Fn() -> Option<Bench>) {
        while AssertUnwindSafe(self.work(&make_bench)).catch_unwind().await.is_err() {
            tracing::error!(feed = %self.feed, "the commits of a feed panicked and go on");
            for position in 0..self.lines.len() {
                let line = &mut self.lines[position];
                (line.epoch, line.committed) = line.settled;
                let (kind, (events, last_us)) = (line.kind, std::mem::take(&mut line.in_flight));
                self.note_lost(kind, events, last_us).await;
            }
        }
    }

    async fn work(&mut self, make_bench: &impl Fn() -> Option<Bench>) {
        let (mut bench, mut ready) = (make_bench(), None);
        let (mut last_commit, mut overflow_told) = (None, Instant::now());
        loop {
            let parts = match &ready {
                // While a batch waits to be written the next one is decoded, if it is worth it.
                Some(_) if self.waiting() >= self.tuning.commit_rows / 2 => self.take(),
                Some(_) => Vec::new(),
                None if self.gather(last_commit).await => self.take(),
                None => break,
            };
            last_commit = Some(Instant::now());
            let parts = Arc::new(parts);
            let decoding = decode(bench.take(), Arc::clone(&parts));
            let ((used, decoded), ()) = tokio::join!(decoding, self.commit(ready.take()));
            bench = used.or_else(make_bench);
            ready = self.ready(&parts, decoded).await;
            if overflow_told.elapsed() >= OVERFLOW_INTERVAL || self.waiting() == 0 {
                overflow_told = Instant::now();
                self.tell_overflows().await;
            }
        }
        self.tell_overflows().await;
    }

    fn waiting(&self) -> usize {
        self.lines.iter().map(|line| line.queue.len()).sum()
    }

    /// Waits until a commit is worth it; false when nothing will ever come.
    async fn gather(&self, last_commit: Option<Instant>) -> bool {
        loop {
            let waiting = self.waiting();
            if waiting == 0 {
                if self.lines.iter().all(|line| line.queue.is_finished()) {
                    return false;
                }
                self.changed.notified().await;
                continue;
            }
            if let Some(last) = last_commit.filter(|_| waiting < self.tuning.commit_rows) {
                tokio::time::sleep_until(last + self.tuning.commit_delay).await;
            }
            return true;
        }
    }

    /// Takes the items of one commit: each stream leaves a share to those behind it.
    fn take(&mut self) -> Parts {
        let mut left = self.tuning.commit_rows;
        let mut parts = Vec::new();
        for position in 0..self.lines.len() {
            let behind = self.lines[position + 1..].iter();
            let kept: usize = behind.map(|line| line.queue.len().min(self.tuning.commit_rows / SHARE)).sum();
            let line = &mut self.lines[position];
            let items = line.queue.take(left.saturating_sub(kept), CHUNK_BYTES_MAX);
            left -= items.len();
            for item in &items {
                if let Item::Event { arrival, .. } = item {
                    line.in_flight = (line.in_flight.0 + 1, arrival.received_at_us);
                }
            }
            if !items.is_empty() {
                parts.push((line.kind, items));
            }
        }
        parts
    }

    /// What was decoded, with the progress that its commit makes.
    async fn ready(&mut self, parts: &Parts, decoded: Option<Vec<Decoded>>) -> Option<Ready> {
        let mut ready = Ready::default();
        let Some(decoded) = decoded else {
            self.give_up(parts).await;
            ready.notices.extend(parts.iter().flat_map(|(_, items)| gaps_of(items)));
            return (!ready.notices.is_empty()).then_some(ready);
        };
        for one in decoded {
            let table = one.kind.table();
            ready.batches.extend(one.batches.into_iter().map(|batch| (table.to_owned(), batch)));
            ready.notices.extend(one.notices);
            if let Some(line) = self.lines.iter().find(|line| line.kind == one.kind) {
                line.status.count_malformed(one.malformed);
                line.status.count_unknown_fields(one.unknown_fields);
            }
        }
        for (kind, items) in parts {
            if let Some(line) = self.lines.iter_mut().find(|line| line.kind == *kind) {
                line.advance(items, &mut ready.marks);
            }
            ready.notices.extend(gaps_of(items));
        }
        (!ready.marks.is_empty() || !ready.notices.is_empty()).then_some(ready)
    }

    async fn give_up(&mut self, parts: &Parts) {
        for (kind, items) in parts {
            let times = items.iter().filter_map(|item| match item {
                Item::Event { arrival, .. } => Some(arrival.received_at_us),
                Item::Heard { .. } | Item::Gap(_) => None,
            });
            let (events, last_us) = times.fold((0, 0), |(events, _), time| (events + 1, time));
            if let Some(line) = self.lines.iter_mut().find(|line| line.kind == *kind) {
                line.in_flight.0 -= events;
                line.status.set_error("events could not be made into rows");
            }
            self.note_lost(*kind, events, last_us).await;
        }
    }

    /// Records events that were received and will never be stored.
    async fn note_lost(&self, kind: EventKind, events: u64, last_us: i64) {
        let Some(line) = self.lines.iter().find(|line| line.kind == kind).filter(|_| events > 0) else { return };
        tracing::error!(feed = %self.feed, stream = kind.table(), events, "events were lost");
        line.status.count_dropped(events);
        let lost = gaps::gap(&self.feed, kind, "not stored", last_us);
        gaps::put(&self.store, Gap { to_us: Some(last_us), lost: Some(events), ..lost }).await;
    }

    /// Writes one commit. A store that cannot take it is asked again and again: the queue is what
    /// gives way then, and counts.
    async fn commit(&mut self, ready: Option<Ready>) {
        let Some(ready) = ready else { return };
        if !ready.marks.is_empty() && self.append(&ready).await {
            self.settle(&ready.marks);
        }
        for notice in ready.notices {
            gaps::put(&self.store, notice).await;
        }
    }

    /// Returns whether the events are stored.
    async fn append(&self, ready: &Ready) -> bool {
        let progress = self.progress(&ready.marks);
        let (mut wait, mut stopping_tries) = (RETRY_MIN, 0);
        while let Err(error) = self.store.append(ready.batches.clone(), progress.clone()).await {
            self.note_failure(&ready.marks, &error);
            stopping_tries += u32::from(self.stop.is_cancelled());
            if stopping_tries >= STOPPING_TRIES {
                let events: u64 = ready.marks.iter().map(|mark| mark.events).sum();
                tracing::error!(feed = %self.feed, events, "the node stops and these events could not be stored");
                return false;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        true
    }

    fn settle(&mut self, marks: &[Mark]) {
        for mark in marks {
            let (stream, epoch, committed) = (mark.kind.table(), mark.epoch, mark.committed);
            if mark.events > 0 {
                tracing::info!(feed = %self.feed, stream, epoch, "committed up to {committed}");
            }
            if let Some(line) = self.lines.iter_mut().find(|line| line.kind == mark.kind) {
                line.settled = (epoch, committed);
                line.in_flight.0 -= mark.events;
                line.status.count_stored(mark.events);
            }
        }
    }

    fn note_failure(&self, marks: &[Mark], error: &StorageError) {
        tracing::warn!(feed = %self.feed, %error, "commit failed, it is tried again");
        let touched = |line: &&Line| marks.iter().any(|mark| mark.kind == line.kind);
        for line in self.lines.iter().filter(touched) {
            line.status.set_error(&format!("store: {error}"));
        }
    }

    /// The newest mark of each stream.
    fn progress(&self, marks: &[Mark]) -> Vec<FeedProgress> {
        let newest = |line: &Line| marks.iter().rev().find(|mark| mark.kind == line.kind);
        let newest = self.lines.iter().filter_map(newest);
        newest
            .map(|mark| FeedProgress {
                feed: self.feed.as_str().to_owned(),
                stream: mark.kind.table().to_owned(),
                epoch: mark.epoch,
                committed: mark.committed,
                last_received_us: mark.last_us,
            })
            .collect()
    }

    async fn tell_overflows(&self) {
        for line in &self.lines {
            let Some(overflow) = line.queue.overflow_to_tell() else { continue };
            tracing::warn!(feed = %self.feed, stream = line.kind.table(), lost = overflow.lost, "the local queue was full");
            let full = gaps::gap(&self.feed, line.kind, "queue full", overflow.from_us);
            let gap = Gap { to_us: Some(overflow.to_us), lost: Some(overflow.lost), ..full };
            gaps::put(&self.store, gap).await;
        }
    }
}

impl Line {
    /// Counts the items on; one mark per connection that they came through.
    fn advance(&mut self, items: &[Item], marks: &mut Vec<Mark>) {
        let mut mark: Option<Mark> = None;
        for item in items {
            let (epoch, events, at_us) = match item {
                Item::Event { arrival, .. } => (arrival.epoch, 1, arrival.received_at_us),
                Item::Heard { epoch, at_us } => (*epoch, 0, *at_us),
                Item::Gap(_) => continue,
            };
            if epoch != self.epoch {
                (self.epoch, self.committed) = (epoch, 0);
                marks.extend(mark.take());
            }
            self.committed += events;
            let counted = mark.map_or(0, |mark| mark.events);
            let (kind, committed) = (self.kind, self.committed);
            mark = Some(Mark { kind, epoch, committed, events: counted + events, last_us: at_us });
        }
        marks.extend(mark);
    }
}

fn gaps_of(items: &[Item]) -> impl Iterator<Item = Gap> {
    items.iter().filter_map(|item| match item {
        Item::Gap(gap) => Some(gap.clone()),
        Item::Event { .. } | Item::Heard { .. } => None,
    })
}

/// Decodes in the blocking pool; the bench comes back unless decoding panicked.
async fn decode(bench: Option<Bench>, parts: Arc<Parts>) -> (Option<Bench>, Option<Vec<Decoded>>) {
    let Some(mut bench) = bench else { return (None, parts.is_empty().then(Vec::new)) };
    if parts.is_empty() {
        return (Some(bench), Some(Vec::new()));
    }
    let worked = run_blocking("decode events", move || {
        let decoded = bench.decode(&parts);
        (bench, decoded)
    });
    match worked.await {
        Ok((bench, Ok(decoded))) => (Some(bench), Some(decoded)),
        Ok((_, Err(error))) => {
            tracing::error!(error = &error as &dyn std::error::Error, "events could not be made into rows");
            (None, None)
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "events could not be decoded");
            (None, None)
        }
    }
}
