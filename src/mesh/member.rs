//! A node of the mesh as this node knows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use crate::tls::Role;
use crate::types::{NodeName, TableSummary};

/// Whether a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Its summary stream is alive.
    Up,
    /// It was heard and is silent now, or refuses.
    Down,
    /// It was never heard since this node started.
    Unknown,
}

/// A node of the mesh, this one included.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name.
    pub name: NodeName,
    /// Its role.
    pub role: Role,
    /// Its mesh address, host:port.
    pub address: String,
    /// Version of its Armorlake.
    pub version: String,
    /// Whether it answers.
    pub status: MemberStatus,
    /// Why it is not up, for the coverage; names no address.
    pub reason: Option<String>,
    /// When the status changed: microseconds since 1970 UTC.
    pub status_since_us: i64,
    /// When it was last heard: microseconds since 1970 UTC.
    pub last_heard_us: Option<i64>,
    /// Its tables, by name of the event table; from the last summary frame, also when that is old.
    pub tables: Arc<BTreeMap<String, TableSummary>>,
    /// Age of the last summary frame by this node's monotonic clock; none when it was never heard
    /// in this process (then `tables` is what was known before the restart).
    pub summary_age: Option<Duration>,
    /// This is the asked node itself.
    pub is_self: bool,
}
