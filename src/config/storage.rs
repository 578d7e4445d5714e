//! `[storage]`: when the hot tier is sealed, and how much memory the store may cache.

use std::time::Duration;

use super::findings::Findings;
use super::pg::in_range;
use super::raw::RawStorage;

/// How a node keeps its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    /// Seal a table's hot tier when it has this many rows.
    pub seal_rows: usize,
    /// Seal it when it has this many bytes in memory.
    pub seal_bytes: usize,
    /// Seal it when its oldest batch is this old.
    pub seal_age: Duration,
    /// The store's cache in bytes.
    pub cache_bytes: usize,
}

impl StorageConfig {
    pub(super) fn check(raw: RawStorage, findings: &mut Findings) -> Option<Self> {
        let seal_rows = in_range("storage.seal_rows", raw.seal_rows, 1, 100_000_000, findings);
        let seal_bytes = in_range("storage.seal_bytes", raw.seal_bytes.0, 1 << 10, 16 << 30, findings);
        let cache_bytes = in_range("storage.cache_bytes", raw.cache_bytes.0, 1 << 20, 64 << 30, findings);
        if raw.seal_age < Duration::from_secs(1) {
            findings.wrong("storage.seal_age", "a segment for every batch would be many small files; at least 1s");
        }
        Some(Self { seal_rows: seal_rows?, seal_bytes: seal_bytes?, seal_age: raw.seal_age, cache_bytes: cache_bytes? })
    }
}
