//! Table summaries <-> the frames of one `WatchSummary` stream.
//!
//! The first frame holds everything; later ones hold the tables that changed, and of those the
//! distinct sets only when these changed, since sets are large and row counts move all the time.

use std::collections::{BTreeMap, BTreeSet};

use super::super::MeshError;
use super::{Digest, bad, is_address};
use crate::proto::mesh as proto;
use crate::types::limits::SUMMARY_VALUES_MAX;
use crate::types::{DistinctSet, TableSummary, TimeRange};

/// Most tables in a node's summaries.
const TABLES_MAX: usize = 256;
/// Most summarised columns of a table.
const COLUMNS_MAX: usize = 256;
/// Longest name of a table or column, and longest listed value, in bytes.
const TEXT_BYTES_MAX: usize = 512;

type Tables = BTreeMap<String, TableSummary>;

/// Whether the change must reach the others at once: a bound or a set moved, not only a count.
pub(in crate::mesh) fn is_urgent(sent: &Tables, now: &Tables) -> bool {
    let same = |(name, table): (&String, &TableSummary)| {
        sent.get(name).is_some_and(|old| {
            old.time == table.time
                && old.receiving == table.receiving
                && old.damaged == table.damaged
                && old.distinct == table.distinct
        })
    };
    sent.len() != now.len() || !now.iter().all(same)
}

/// What the serving node says of itself in the first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mesh) struct SummaryOrigin {
    /// Version of its Armorlake.
    pub(in crate::mesh) version: String,
    /// Where it is reached.
    pub(in crate::mesh) address: String,
}

/// The sending end of one stream.
#[derive(Debug, Default)]
pub(in crate::mesh) struct SummaryEncoder {
    sent: Option<Tables>,
    sent_digest: Option<Digest>,
}

impl SummaryEncoder {
    /// What the other end knows by now.
    pub(in crate::mesh) fn sent(&self) -> Option<&Tables> {
        self.sent.as_ref()
    }

    /// The next frame; without tables when nothing changed, which is a heartbeat.
    pub(in crate::mesh) fn frame(
        &mut self,
        now: &Tables,
        origin: &SummaryOrigin,
        draining: bool,
        digest: Option<Digest>,
    ) -> proto::SummaryFrame {
        let is_first = self.sent.is_none();
        let news = digest.filter(|digest| self.sent_digest != Some(*digest));
        self.sent_digest = digest.or(self.sent_digest);
        let catalog_digest = news.map(|digest| digest.0.to_vec().into()).unwrap_or_default();
        let sent = self.sent.get_or_insert_default();
        let changed = now.iter().filter(|(name, table)| sent.get(*name) != Some(table));
        let tables: Vec<_> = changed.map(|(name, table)| encode_table(name, table, sent.get(name))).collect();
        let dropped_tables: Vec<_> = sent.keys().filter(|name| !now.contains_key(*name)).cloned().collect();
        if !tables.is_empty() || !dropped_tables.is_empty() {
            sent.clone_from(now);
        }
        let (software_version, address) =
            if is_first { (origin.version.clone(), origin.address.clone()) } else { Default::default() };
        proto::SummaryFrame {
            complete: is_first,
            tables,
            dropped_tables,
            draining,
            software_version,
            address,
            catalog_digest,
        }
    }
}

fn encode_table(name: &str, table: &TableSummary, sent: Option<&TableSummary>) -> proto::TableSummary {
    let distinct_unchanged = sent.is_some_and(|sent| sent.distinct == table.distinct);
    let sets = table.distinct.iter().filter(|_| !distinct_unchanged);
    proto::TableSummary {
        table: name.to_owned(),
        rows: table.rows,
        bytes: table.bytes,
        time_min_us: table.time.map(|time| time.min_us),
        time_max_us: table.time.map(|time| time.max_us),
        receiving: table.receiving,
        damaged: table.damaged,
        distinct_unchanged,
        distinct: sets.map(|(column, set)| encode_set(column, set)).collect(),
    }
}

fn encode_set(column: &str, set: &DistinctSet) -> proto::DistinctSet {
    let (values, too_many) = match set {
        DistinctSet::Values(values) => (values.iter().cloned().collect(), false),
        DistinctSet::TooMany => (Vec::new(), true),
    };
    proto::DistinctSet { column: column.to_owned(), values, too_many }
}

/// What a frame said besides the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mesh) struct FrameNews {
    /// A table changed.
    pub(in crate::mesh) tables_changed: bool,
    /// The node is about to stop.
    pub(in crate::mesh) draining: bool,
    /// In the first frame, what the node says of itself.
    pub(in crate::mesh) origin: Option<SummaryOrigin>,
    /// What the node made is another than before.
    pub(in crate::mesh) digest: Option<Digest>,
}

/// The receiving end of one stream.
#[derive(Debug, Default)]
pub(in crate::mesh) struct SummaryDecoder {
    tables: Option<Tables>,
}

impl SummaryDecoder {
    /// The tables as of the last frame.
    pub(in crate::mesh) fn tables(&self) -> Tables {
        self.tables.clone().unwrap_or_default()
    }

    /// Takes in a frame; after an error the stream is of no use.
    pub(in crate::mesh) fn apply(&mut self, frame: proto::SummaryFrame) -> Result<FrameNews, MeshError> {
        if self.tables.is_none() != frame.complete {
            return Err(bad("summaries do not begin with a complete frame"));
        }
        let tables_changed = frame.complete || !frame.tables.is_empty() || !frame.dropped_tables.is_empty();
        let tables = self.tables.get_or_insert_default();
        for name in &frame.dropped_tables {
            tables.remove(name);
        }
        for table in frame.tables {
            let known = tables.remove(&table.table);
            if table.table.len() > TEXT_BYTES_MAX || tables.len() >= TABLES_MAX {
                return Err(bad("too many summarised tables"));
            }
            tables.insert(table.table.clone(), decode_table(table, known)?);
        }
        let origin = frame.complete.then(|| SummaryOrigin {
            version: frame.software_version.chars().filter(|letter| !letter.is_control()).take(64).collect(),
            address: if is_address(&frame.address) { frame.address } else { String::new() },
        });
        let digest = <[u8; 32]>::try_from(frame.catalog_digest.as_ref()).ok().map(Digest);
        Ok(FrameNews { tables_changed, draining: frame.draining, origin, digest })
    }
}

fn decode_table(table: proto::TableSummary, known: Option<TableSummary>) -> Result<TableSummary, MeshError> {
    let time = match (table.time_min_us, table.time_max_us) {
        (Some(min_us), Some(max_us)) if min_us <= max_us => Some(TimeRange { min_us, max_us }),
        (None, None) => None,
        _ => return Err(bad("a summary with an impossible time range")),
    };
    let distinct = match (table.distinct_unchanged, known) {
        (true, Some(known)) => known.distinct,
        (true, None) => return Err(bad("a summary refers to sets that were never sent")),
        (false, _) => decode_sets(table.distinct)?,
    };
    Ok(TableSummary {
        rows: table.rows,
        bytes: table.bytes,
        time,
        receiving: table.receiving,
        damaged: table.damaged,
        distinct,
    })
}

fn decode_sets(sets: Vec<proto::DistinctSet>) -> Result<BTreeMap<String, DistinctSet>, MeshError> {
    if sets.len() > COLUMNS_MAX {
        return Err(bad("too many summarised columns"));
    }
    let mut decoded = BTreeMap::new();
    for set in sets {
        if set.column.len() > TEXT_BYTES_MAX {
            return Err(bad("a summarised column with too long a name"));
        }
        let listed = set.values.len() <= SUMMARY_VALUES_MAX
            && !set.too_many
            && set.values.iter().all(|value| value.len() <= TEXT_BYTES_MAX);
        // A list that is longer than ours may be says nothing we could hold, so it says nothing.
        let values = if listed { DistinctSet::Values(BTreeSet::from_iter(set.values)) } else { DistinctSet::TooMany };
        decoded.insert(set.column, values);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    fn origin() -> SummaryOrigin {
        SummaryOrigin { version: String::from("0.1.0"), address: String::from("127.0.0.1:7070") }
    }

    fn table(rows: u64, max_us: i64, names: &[&str]) -> TableSummary {
        let values = names.iter().map(|name| (*name).to_owned()).collect();
        TableSummary {
            rows,
            bytes: rows * 100,
            time: Some(TimeRange { min_us: 1, max_us }),
            receiving: true,
            damaged: rows > 2,
            distinct: BTreeMap::from([(String::from("namespace"), DistinctSet::Values(values))]),
        }
    }

    #[test]
    fn frames_carry_every_change_to_the_other_end() {
        let (mut encoder, mut decoder) = (SummaryEncoder::default(), SummaryDecoder::default());
        let mut now = Tables::from([(String::from("logs"), table(1, 5, &["a"]))]);
        let first = decoder.apply(encoder.frame(&now, &origin(), false, None)).expect("first frame");
        assert_eq!(first.origin, Some(origin()));
        assert_eq!(decoder.tables(), now);

        now.insert(String::from("logs"), table(2, 5, &["a"]));
        assert!(!is_urgent(encoder.sent().expect("sent"), &now));
        let counts = encoder.frame(&now, &origin(), false, None);
        assert!(counts.tables[0].distinct_unchanged && counts.tables[0].distinct.is_empty());
        decoder.apply(counts).expect("counts");
        assert_eq!(decoder.tables(), now);

        now.insert(String::from("alerts"), table(1, 9, &["b"]));
        now.insert(String::from("logs"), table(3, 6, &["a", "b"]));
        assert!(is_urgent(encoder.sent().expect("sent"), &now));
        decoder.apply(encoder.frame(&now, &origin(), false, None)).expect("changes");
        assert_eq!(decoder.tables(), now);

        now.remove("logs");
        assert!(is_urgent(encoder.sent().expect("sent"), &now));
        let last = decoder.apply(encoder.frame(&now, &origin(), true, None)).expect("drop");
        assert!(last.draining && last.tables_changed);
        assert_eq!(decoder.tables(), now);

        let heartbeat = decoder.apply(encoder.frame(&now, &origin(), false, None)).expect("heartbeat");
        assert!(!heartbeat.tables_changed);
    }

    #[test]
    fn a_digest_is_sent_once_and_again_when_it_changes() {
        let (mut encoder, mut decoder, now) = (SummaryEncoder::default(), SummaryDecoder::default(), Tables::new());
        let told = [None, Some(1), Some(1), Some(2), None, Some(2)].map(|digest| {
            let digest = digest.map(|byte| Digest([byte; 32]));
            decoder.apply(encoder.frame(&now, &origin(), false, digest)).expect("frame").digest
        });
        assert_eq!(told, [None, Some(Digest([1; 32])), None, Some(Digest([2; 32])), None, None]);
        let short = proto::SummaryFrame { catalog_digest: vec![1, 2].into(), ..proto::SummaryFrame::default() };
        assert_eq!(decoder.apply(short).expect("frame").digest, None);
    }

    #[test]
    fn a_stream_that_does_not_begin_with_everything_is_refused() {
        assert!(SummaryDecoder::default().apply(proto::SummaryFrame::default()).is_err());
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            if let Ok(frame) = proto::SummaryFrame::decode(bytes.as_slice()) {
                let _ = SummaryDecoder::default().apply(frame);
            }
        }
    }
}
