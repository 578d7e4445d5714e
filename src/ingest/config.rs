//! Which KubeArmor endpoints a node pulls from.

use std::path::PathBuf;
use std::time::Duration;

use crate::types::limits::{COMMIT_DELAY_MS_MAX, COMMIT_ROWS_MAX};
use crate::types::{EventKind, FeedName};

/// Mutual TLS towards a KubeArmor endpoint: paths of PEM files, read again at every connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedTls {
    /// Authority of the endpoint's certificate.
    pub ca: PathBuf,
    /// Our certificate.
    pub cert: PathBuf,
    /// Our key.
    pub key: PathBuf,
    /// The name in the endpoint's certificate; the host of the address when it is absent.
    pub server_name: Option<String>,
}

/// One KubeArmor endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedConfig {
    /// Its name, shown in every row.
    pub name: FeedName,
    /// `host:port`, or a URI with scheme `http` or `https`.
    pub address: String,
    /// Mutual TLS, where the endpoint has it.
    pub tls: Option<FeedTls>,
    /// The streams to pull.
    pub streams: Vec<EventKind>,
}

impl FeedConfig {
    /// All streams of a plain endpoint.
    pub fn new(name: FeedName, address: impl Into<String>) -> Self {
        Self { name, address: address.into(), tls: None, streams: EventKind::ALL.to_vec() }
    }
}

/// Bounds and delays; only tests use others than the default.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuning {
    /// Most events in the queue of one stream.
    pub(super) queue_events: usize,
    /// Most bytes in it.
    pub(super) queue_bytes: usize,
    /// Most events in one commit.
    pub(super) commit_rows: usize,
    /// Shortest time from one commit to the next that is not full.
    pub(super) commit_delay: Duration,
    /// The first wait after a failure; it doubles from there.
    pub(super) retry_min: Duration,
    /// The longest wait.
    pub(super) retry_max: Duration,
    /// The longest wait while the endpoint cannot be dialled: that costs next to nothing, and every
    /// moment after its return is a blind one.
    pub(super) redial_max: Duration,
    /// Longest time to connect, and to answer the health check.
    pub(super) connect_timeout: Duration,
    /// A stream that did not end within this time counts as open, also without an event.
    pub(super) settle: Duration,
    /// A peer that has sent pings and then no byte for so long is gone.
    pub(super) silence_max: Duration,
    /// How often a quiet stream notes durably that it is being heard.
    pub(super) heartbeat: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            queue_events: 256 * 1024,
            queue_bytes: 256 * 1024 * 1024,
            commit_rows: COMMIT_ROWS_MAX,
            commit_delay: Duration::from_millis(COMMIT_DELAY_MS_MAX),
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(10),
            redial_max: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            settle: Duration::from_millis(250),
            silence_max: Duration::from_secs(20),
            heartbeat: Duration::from_secs(60),
        }
    }
}
