//! The hot tier in memory: an Arrow mirror of the batches that redb holds, merged into larger ones.
//!
//! Only the holder of the writer's lock changes it. A generation is the run of batches that one seal
//! takes; batches of two generations are never merged, so a finished seal can drop exactly its own.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;

use super::summary::{RowFacts, absorb_facts, summarise};
use super::{Segment, TableVersion};
use crate::catalog::Table;
use crate::types::TableSummary;

/// How many neighbours of a size class become one chunk of the next: a row is copied once per class.
const FAN_IN: usize = 8;
/// A chunk of this many rows or bytes is left as it is.
const CHUNK_ROWS: u64 = 32_768;
const CHUNK_BYTES: u64 = 32 * 1024 * 1024;

/// A piece of the hot tier.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) generation: u64,
    pub(super) rows: RecordBatch,
    pub(super) facts: Arc<RowFacts>,
    pub(super) arrived_us: i64,
}

/// One event table, as its writer keeps it.
#[derive(Debug)]
pub(super) struct HotTable {
    pub(super) table: Arc<Table>,
    /// The generation that appends go to.
    pub(super) generation: u64,
    /// The sequence of its next batch.
    pub(super) next_sequence: u64,
    /// Its schema is in the store.
    pub(super) generation_stored: bool,
    /// Batches that could not be read back.
    pub(super) damaged_batches: u64,
    chunks: Vec<Chunk>,
    segments: Vec<Arc<Segment>>,
    summary: TableSummary,
    newest_arrival_us: Option<i64>,
}

impl HotTable {
    /// A table whose next batch opens `generation`.
    pub(super) fn new(table: Arc<Table>, generation: u64, segments: Vec<Arc<Segment>>) -> Self {
        let mut this = Self {
            table,
            generation,
            next_sequence: 0,
            generation_stored: false,
            damaged_batches: 0,
            chunks: Vec::new(),
            segments: Vec::new(),
            summary: TableSummary::default(),
            newest_arrival_us: None,
        };
        this.set_segments(segments);
        this
    }

    /// Later appends go to this generation.
    pub(super) fn continue_at(&mut self, generation: u64) {
        self.generation = generation;
        self.next_sequence = 0;
        self.generation_stored = false;
    }

    /// Takes in a batch that is durable.
    pub(super) fn push(&mut self, chunk: Chunk) {
        absorb_facts(&mut self.summary, &chunk.facts);
        self.newest_arrival_us = self.newest_arrival_us.max(Some(chunk.arrived_us));
        self.chunks.push(chunk);
        self.coalesce();
    }

    fn coalesce(&mut self) {
        while let Some(last) = self.chunks.last() {
            let (generation, class) = (last.generation, size_class(&last.facts));
            let run = self.chunks.iter().rev();
            let run =
                run.take_while(|chunk| chunk.generation == generation && size_class(&chunk.facts) <= class).count();
            if class == LARGEST || run < FAN_IN {
                return;
            }
            let start = self.chunks.len() - run;
            // Batches that do not fit into one (offsets are 32 bits) stay apart.
            let Some(merged) = merge(&self.chunks[start..]) else { return };
            self.chunks.truncate(start);
            self.chunks.push(merged);
        }
    }

    /// Closes the generation: later appends go to a new one. None when there is nothing to seal.
    pub(super) fn cut(&mut self) -> Option<(u64, Vec<Chunk>)> {
        if self.chunks.is_empty() {
            return None;
        }
        let cut = self.generation;
        self.continue_at(cut + 1);
        Some((cut, self.chunks.clone()))
    }

    /// Puts a segment in the place of all generations up to `cut`.
    pub(super) fn replace_with_segment(&mut self, cut: u64, segment: Arc<Segment>) {
        self.chunks.retain(|chunk| chunk.generation > cut);
        let mut segments = std::mem::take(&mut self.segments);
        segments.push(segment);
        self.set_segments(segments);
    }

    /// Adds a segment, or puts it in the place of the one with its name.
    pub(super) fn put_segment(&mut self, segment: &Arc<Segment>) {
        let mut segments = std::mem::take(&mut self.segments);
        match segments.iter_mut().find(|known| known.name == segment.name) {
            Some(known) => *known = Arc::clone(segment),
            None => segments.push(Arc::clone(segment)),
        }
        self.set_segments(segments);
    }

    fn set_segments(&mut self, mut segments: Vec<Arc<Segment>>) {
        segments.sort_by(|left, right| (left.time.min_us, &left.name).cmp(&(right.time.min_us, &right.name)));
        self.segments = segments;
        let receiving = self.summary.receiving;
        self.summary =
            summarise(self.chunks.iter().map(|chunk| chunk.facts.as_ref()), self.segments.iter().map(Arc::as_ref));
        self.summary.receiving = receiving;
    }

    /// Notes that rows may be arriving.
    pub(super) fn set_receiving(&mut self) {
        self.summary.receiving = true;
    }

    pub(super) fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Rows and bytes of the hot tier, and when its oldest batch arrived.
    pub(super) fn pressure(&self) -> (u64, u64, Option<i64>) {
        let rows = self.chunks.iter().map(|chunk| chunk.facts.rows).sum();
        let bytes = self.chunks.iter().map(|chunk| chunk.facts.bytes).sum();
        (rows, bytes, self.chunks.iter().map(|chunk| chunk.arrived_us).min())
    }

    /// The table as readers see it.
    pub(super) fn version(&self) -> TableVersion {
        TableVersion {
            table: Arc::clone(&self.table),
            hot: self.chunks.iter().map(|chunk| chunk.rows.clone()).collect(),
            segments: self.segments.clone(),
            summary: self.summary.clone(),
            hot_facts: self.chunks.iter().map(|chunk| Arc::clone(&chunk.facts)).collect(),
            damaged_batches: self.damaged_batches,
            newest_arrival_us: self.newest_arrival_us,
        }
    }
}

const LARGEST: u32 = u32::MAX;

fn size_class(facts: &RowFacts) -> u32 {
    if facts.rows >= CHUNK_ROWS || facts.bytes >= CHUNK_BYTES { LARGEST } else { facts.rows.max(1).ilog(8) }
}

fn merge(chunks: &[Chunk]) -> Option<Chunk> {
    let first = chunks.first()?;
    let rows = concat_batches(&first.rows.schema(), chunks.iter().map(|chunk| &chunk.rows)).ok()?;
    let mut facts = RowFacts::default();
    chunks.iter().for_each(|chunk| facts.absorb(&chunk.facts));
    Some(Chunk { rows, facts: Arc::new(facts), ..first.clone() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Chunk, HotTable, RowFacts};
    use crate::storage::testing;

    /// A million single-row batches would be a million chunks; merging keeps few, copies each row a
    /// bounded number of times, and never mixes generations.
    #[test]
    fn many_small_batches_become_few_chunks() {
        let mut hot = HotTable::new(testing::table(), 1, Vec::new());
        let one = testing::rows(0..1);
        for count in 0_u64..40_000 {
            let generation = 1 + count / 30_000;
            let facts = Arc::new(RowFacts::of(&one));
            hot.push(Chunk { generation, rows: one.clone(), facts, arrived_us: i64::try_from(count).expect("small") });
        }
        let version = hot.version();
        assert_eq!(version.hot.iter().map(|batch| batch.num_rows()).sum::<usize>(), 40_000);
        assert_eq!(version.summary.rows, 40_000);
        assert!(version.hot.len() <= 2 * 5 * 7 + 2, "{} chunks", version.hot.len());
        assert_eq!(hot.pressure().2, Some(0));
        hot.generation = 1;
        let (cut, chunks) = hot.cut().expect("rows");
        assert_eq!(
            chunks.iter().filter(|chunk| chunk.generation <= cut).map(|chunk| chunk.facts.rows).sum::<u64>(),
            30_000
        );
    }
}
