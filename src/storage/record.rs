//! The small things that the store is given and keeps: its configuration, feeds' progress, gaps.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where and how a node keeps its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The data directory.
    pub directory: PathBuf,
    /// Seal a table's hot tier when it has this many rows.
    pub seal_rows: usize,
    /// Seal it when it has this many bytes in memory.
    pub seal_bytes: usize,
    /// Seal it when its oldest batch is this old.
    pub seal_age: Duration,
    /// redb's cache in bytes.
    pub cache_bytes: usize,
}

/// How far a stream of a feed has been committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedProgress {
    /// Name of the feed.
    pub feed: String,
    /// `alerts`, `logs` or `messages`.
    pub stream: String,
    /// Count of connections that the stream has had, from 1.
    pub epoch: u64,
    /// Events of this epoch that are committed.
    pub committed: u64,
    /// When the newest of them was received, in microseconds since 1970 UTC.
    pub last_received_us: i64,
}

/// A time in which a feed was not heard, or lost events. The key is feed, stream, from and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Name of the feed.
    pub feed: String,
    /// `alerts`, `logs` or `messages`.
    pub stream: String,
    /// Its start, in microseconds since 1970 UTC.
    pub from_us: i64,
    /// Its end; none while it lasts.
    pub to_us: Option<i64>,
    /// Why.
    pub reason: String,
    /// Events known to be lost; none when nobody can know.
    pub lost: Option<u64>,
}

/// What makes two gaps the same, with the start first so that a map of them is in time order.
pub(super) type GapKey = (i64, String, String, String);

impl Gap {
    pub(super) fn key(&self) -> GapKey {
        (self.from_us, self.feed.clone(), self.stream.clone(), self.reason.clone())
    }
}

/// Hot rows that could not be read back after a restart; they are kept aside and not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedBatch {
    /// The event table.
    pub table: String,
    /// Generation and sequence: the batch's key.
    pub key: (u64, u64),
    /// What is wrong with it.
    pub reason: String,
}
