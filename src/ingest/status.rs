//! What a node can say about its feeds at any moment.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::types::{EventKind, FeedName};

/// Longest text of an error that is shown.
const ERROR_BYTES_MAX: usize = 400;

/// One stream of one feed: a row of `mesh.sources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// Configured name of the endpoint.
    pub feed: FeedName,
    /// `alerts`, `logs` or `messages`.
    pub stream: &'static str,
    /// Address of the endpoint.
    pub address: String,
    /// The stream is open.
    pub connected: bool,
    /// When that changed, in microseconds since 1970 UTC.
    pub status_since_us: i64,
    /// Connections made so far.
    pub epoch: u64,
    /// Events received since the node started.
    pub received: u64,
    /// Events committed since the node started.
    pub stored: u64,
    /// Events that were lost on the way to the store.
    pub dropped: u64,
    /// Events with a value that did not parse into its column.
    pub malformed: u64,
    /// When the newest event was received, in microseconds since 1970 UTC.
    pub last_received_us: Option<i64>,
    /// Why it was last disconnected, or why commits fail.
    pub last_error: Option<String>,
}

/// The running figures behind a [`SourceStatus`].
#[derive(Debug)]
pub(super) struct StreamStatus {
    feed: FeedName,
    kind: EventKind,
    address: String,
    connected: AtomicBool,
    since_us: AtomicI64,
    epoch: AtomicU64,
    received: AtomicU64,
    stored: AtomicU64,
    dropped: AtomicU64,
    malformed: AtomicU64,
    unknown_fields: AtomicU64,
    last_received_us: AtomicI64,
    last_error: Mutex<Option<String>>,
}

impl StreamStatus {
    pub(super) fn new(feed: &FeedName, kind: EventKind, address: &str, now_us: i64, epoch: u64) -> Self {
        Self {
            feed: feed.clone(),
            kind,
            address: address.to_owned(),
            connected: AtomicBool::new(false),
            since_us: AtomicI64::new(now_us),
            epoch: AtomicU64::new(epoch),
            received: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            unknown_fields: AtomicU64::new(0),
            last_received_us: AtomicI64::new(i64::MIN),
            last_error: Mutex::new(None),
        }
    }

    pub(super) fn set_connected(&self, epoch: u64, now_us: i64) {
        self.epoch.store(epoch, Ordering::Relaxed);
        self.since_us.store(now_us, Ordering::Relaxed);
        self.connected.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_disconnected(&self, now_us: i64) {
        if self.connected.swap(false, Ordering::Relaxed) {
            self.since_us.store(now_us, Ordering::Relaxed);
        }
    }

    pub(super) fn set_error(&self, error: &str) {
        let kept = error[..error.floor_char_boundary(ERROR_BYTES_MAX)].to_owned();
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }

    pub(super) fn count_received(&self, at_us: i64) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.last_received_us.store(at_us, Ordering::Relaxed);
    }

    pub(super) fn count_stored(&self, events: u64) {
        self.stored.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn count_dropped(&self, events: u64) {
        self.dropped.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn count_malformed(&self, events: u64) {
        self.malformed.fetch_add(events, Ordering::Relaxed);
    }

    /// Counts protobuf fields that we do not know; says so once.
    pub(super) fn count_unknown_fields(&self, fields: u64) {
        if fields > 0 && self.unknown_fields.fetch_add(fields, Ordering::Relaxed) == 0 {
            tracing::warn!(feed = %self.feed, stream = self.kind.table(), "the daemon sends fields that this version does not know");
        }
    }

    pub(super) fn snapshot(&self) -> SourceStatus {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let last_received_us = self.last_received_us.load(Ordering::Relaxed);
        SourceStatus {
            feed: self.feed.clone(),
            stream: self.kind.table(),
            address: self.address.clone(),
            connected: self.connected.load(Ordering::Relaxed),
            status_since_us: self.since_us.load(Ordering::Relaxed),
            epoch: read(&self.epoch),
            received: read(&self.received),
            stored: read(&self.stored),
            dropped: read(&self.dropped),
            malformed: read(&self.malformed),
            last_received_us: (last_received_us != i64::MIN).then_some(last_received_us),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
