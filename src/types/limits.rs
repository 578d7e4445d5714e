//! Bounds that more than one room must agree on.

/// Largest mesh message that a node accepts, in bytes.
pub const MESH_MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest record batch (in memory) that a node puts into one mesh message, in bytes.
pub const MESH_BATCH_BYTES_TARGET: usize = 2 * 1024 * 1024;
/// Longest text of a fragment, in bytes.
pub const FRAGMENT_SQL_BYTES_MAX: usize = 1024 * 1024;
/// Most events in one commit of the store.
pub const COMMIT_ROWS_MAX: usize = 8_192;
/// Longest wait of an event for its commit, in milliseconds.
pub const COMMIT_DELAY_MS_MAX: u64 = 50;
/// Most distinct values that a table summary lists of one column; beyond that it says nothing of it.
pub const SUMMARY_VALUES_MAX: usize = 256;
