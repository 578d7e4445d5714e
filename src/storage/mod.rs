//! Rows on disk: the hot tier in redb, sealed segments in Parquet, and what a scan sees of both.
//!
//! Promises of this room:
//! - what [`Store::append`] has acknowledged is durable, with its feed's progress, all or nothing;
//! - a row is in exactly one place, the hot tier or one segment, at every moment and after a crash;
//! - a reader holds an immutable [`Version`] and never waits for a writer;
//! - damaged bytes are set aside and named, never guessed, and the node still starts.
//!
//! `ingest` appends, `execution` scans, `system` shows, `node` opens, closes and runs the sealing.

mod batch;
mod commit;
mod core;
mod error;
mod glue;
mod hot;
mod layout;
mod load;
mod manifest;
mod open;
mod record;
mod relations;
mod scan;
mod seal;
mod segment;
mod store;
mod summary;
mod version;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use error::StorageError;
pub use glue::GlueStorage;
pub use load::Load;
pub use record::{DamagedBatch, FeedProgress, Gap, StoreConfig};
pub use relations::{
    Batches, Concerned, ROW_KEY_COLUMN, RowKey, Savepoint, SequenceState, SqlTransaction, TableRows, failing_row,
    row_key_field,
};
pub use scan::{ScanRequest, ScanStats, scan, table_statistics};
pub use store::Store;
pub use version::{Segment, SegmentStatus, TableVersion, Version};
