//! The tables inside `node.redb`, and how small records become bytes.
//!
//! The format number is raised when an older program could no longer read what a newer one wrote;
//! records are JSON objects so that fields can be added without that.

use redb::TableDefinition;
use serde::{Serialize, de::DeserializeOwned};

use super::StorageError;

/// The format that this program writes, and the newest that it reads.
pub(super) const FORMAT: u64 = 1;

/// Counters of the whole store, by name.
pub(super) const COUNTERS: TableDefinition<&str, u64> = TableDefinition::new("counters");
/// Counter: the format of the file.
pub(super) const FORMAT_KEY: &str = "format";
/// Counter: the newest commit that changed event tables.
pub(super) const SEQUENCE_KEY: &str = "sequence";

/// Counter: how often the catalog was changed.
pub(super) const CATALOG_KEY: &str = "catalog";
/// Counter: how often relational tables or the catalog were changed.
pub(super) const RELATIONS_KEY: &str = "relations";
/// Counter: the object id that is given next, and the end of its block.
pub(super) const OID_NEXT_KEY: &str = "oid_next";
/// Counter: the end of the block of object ids that is being given out.
pub(super) const OID_END_KEY: &str = "oid_end";

/// Event batches: (table, generation, sequence) to one framed Arrow message.
pub(super) const BATCHES: TableDefinition<(&str, u64, u64), &[u8]> = TableDefinition::new("batches");
/// Batches that could not be read back, under the same key.
pub(super) const DAMAGED_BATCHES: TableDefinition<(&str, u64, u64), &[u8]> = TableDefinition::new("damaged_batches");
/// Generations: (table, generation) to when it began and the framed schema of its batches.
pub(super) const GENERATIONS: TableDefinition<(&str, u64), (i64, &[u8])> = TableDefinition::new("generations");
/// The last generation that was sealed, by table: names of segments are never used twice.
pub(super) const SEALED_GENERATIONS: TableDefinition<&str, u64> = TableDefinition::new("sealed_generations");
/// The manifest: (table, segment) to its record.
pub(super) const SEGMENTS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("segments");
/// Progress of feeds: (feed, stream) to its record.
pub(super) const PROGRESS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("progress");
/// Gaps: (from, feed, stream, reason) to its record.
pub(super) const GAPS: TableDefinition<(i64, &str, &str, &str), &[u8]> = TableDefinition::new("gaps");
/// Documents of other rooms, by key.
pub(super) const DOCUMENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("documents");
/// Definitions of relational tables, by name.
pub(super) const SCHEMAS: TableDefinition<&str, &[u8]> = TableDefinition::new("schemas");
/// Rows of relational tables: (table, ordered key) to the row.
pub(super) const ROWS: TableDefinition<(&str, &[u8]), &[u8]> = TableDefinition::new("rows");
/// The last row number of relational tables without a primary key, by table.
pub(super) const ROW_NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("row_numbers");

/// What users made: (database, object id) to its definition.
pub(super) const ENTRIES: TableDefinition<(u32, u32), &[u8]> = TableDefinition::new("entries");
/// Rows of users' tables: (object id of the table, number of the row) to the row.
pub(super) const RELATION_ROWS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("relation_rows");
/// Keys of their indexes: (object id of the index, key and number of the row).
pub(super) const RELATION_KEYS: TableDefinition<(u32, &[u8]), ()> = TableDefinition::new("relation_keys");
/// How many rows a table has, and the last number that one got, by object id.
pub(super) const RELATION_FACTS: TableDefinition<u32, (u64, u64)> = TableDefinition::new("relation_facts");
/// The last value of every sequence, and whether it was taken, by object id.
pub(super) const SEQUENCES: TableDefinition<u32, (i64, bool)> = TableDefinition::new("sequences");

/// A record as bytes.
pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StorageError> {
    serde_json::to_vec(record).map_err(|source| StorageError::conversion("encode a record", source))
}

/// A record from its bytes; `what` names it when they are damaged.
pub(super) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, StorageError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StorageError::Corrupt { what: what.to_owned(), reason: error.to_string() })
}
