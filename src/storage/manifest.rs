//! The manifest: which segments exist, as records of the store.
//!
//! An entry holds all that a summary and a scan's statistics need, so that opening the store reads
//! no Parquet file. Written in the transaction that removes the sealed batches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Segment, SegmentStatus, StorageError, layout};
use crate::types::{DistinctSet, TimeRange};

/// What the name of a segment's file ends with.
pub(super) const SEGMENT_SUFFIX: &str = ".parquet";
/// What the name of a file that is being written ends with.
pub(super) const UNFINISHED_SUFFIX: &str = ".parquet.unfinished";
/// What the name of a file that was set aside ends with.
pub(super) const DAMAGED_SUFFIX: &str = ".parquet.damaged";

#[derive(Debug, Serialize, Deserialize)]
struct SegmentRecord {
    name: String,
    rows: u64,
    bytes: u64,
    min_us: i64,
    max_us: i64,
    sealed_at_us: i64,
    checksum: String,
    status: SegmentStatus,
    #[serde(default)]
    null_counts: BTreeMap<String, u64>,
    /// No list: too many values.
    #[serde(default)]
    distinct: BTreeMap<String, Option<Vec<String>>>,
}

/// The record of a segment.
pub(super) fn encode_segment(segment: &Segment) -> Result<Vec<u8>, StorageError> {
    let distinct = segment.distinct.iter().map(|(column, set)| {
        let values = match set {
            DistinctSet::Values(values) => Some(values.iter().cloned().collect()),
            DistinctSet::TooMany => None,
        };
        (column.clone(), values)
    });
    layout::encode(&SegmentRecord {
        name: segment.name.clone(),
        rows: segment.rows,
        bytes: segment.bytes,
        min_us: segment.time.min_us,
        max_us: segment.time.max_us,
        sealed_at_us: segment.sealed_at_us,
        checksum: segment.checksum.clone(),
        status: segment.status,
        null_counts: segment.null_counts.clone(),
        distinct: distinct.collect(),
    })
}

/// The segment of a record, in this directory.
pub(super) fn decode_segment(directory: &Path, bytes: &[u8]) -> Result<Segment, StorageError> {
    let record: SegmentRecord = layout::decode("an entry of the manifest", bytes)?;
    let distinct = record.distinct.into_iter().map(|(column, values)| {
        let set = values.map_or(DistinctSet::TooMany, |values| DistinctSet::Values(values.into_iter().collect()));
        (column, set)
    });
    Ok(Segment {
        path: segment_path(directory, &record.name),
        name: record.name,
        rows: record.rows,
        bytes: record.bytes,
        time: TimeRange { min_us: record.min_us, max_us: record.max_us },
        sealed_at_us: record.sealed_at_us,
        checksum: record.checksum,
        status: record.status,
        null_counts: record.null_counts,
        distinct: distinct.collect(),
    })
}

/// The name of the segment that takes a table's generations up to `generation`.
pub(super) fn segment_name(table: &str, generation: u64) -> String {
    format!("{table}-{generation:012}")
}

/// The file of a segment.
pub(super) fn segment_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{SEGMENT_SUFFIX}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Segment, SegmentStatus, decode_segment, encode_segment, segment_path};
    use crate::types::{DistinctSet, TimeRange};

    /// Everything about a segment is in its record.
    #[test]
    fn a_segment_survives_its_record() {
        let directory = Path::new("somewhere");
        let values = DistinctSet::Values(["a".to_owned(), String::new()].into());
        let segment = Segment {
            name: "alerts-000000000001".to_owned(),
            path: segment_path(directory, "alerts-000000000001"),
            rows: 7,
            bytes: 99,
            time: TimeRange { min_us: -5, max_us: i64::MAX },
            sealed_at_us: 12,
            checksum: "00ff".to_owned(),
            status: SegmentStatus::Damaged,
            null_counts: BTreeMap::from([("pid".to_owned(), 3)]),
            distinct: BTreeMap::from([("feed".to_owned(), values), ("host_name".to_owned(), DistinctSet::TooMany)]),
        };
        let bytes = encode_segment(&segment).expect("encode");
        assert_eq!(decode_segment(directory, &bytes).expect("decode"), segment);
        assert!(decode_segment(directory, &bytes[1..]).is_err());
    }
}
