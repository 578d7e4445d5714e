//! Rows that a cursor keeps: in memory as long as the pool of all queries has room, then on disk.
//!
//! Unlike a spool a row is found by its number, so that a cursor can go back.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, UInt32Array};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SpillFile;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::SpillManager;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use futures::TryStreamExt;

use crate::planner::sql_error_from_engine;
use crate::types::SqlError;

/// Rows in a row, where they are.
enum Place {
    Memory(RecordBatch),
    Disk(Arc<dyn SpillFile>),
}

struct Page {
    first: u64,
    rows: usize,
    place: Place,
}

/// Kept rows, numbered from the first one that was kept.
pub(super) struct Pages {
    schema: SchemaRef,
    runtime: Arc<RuntimeEnv>,
    reservation: MemoryReservation,
    pages: Vec<Page>,
    end: u64,
    /// The page that was last read from disk.
    read: Option<(usize, RecordBatch)>,
}

impl fmt::Debug for Pages {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pages").field("pages", &self.pages.len()).field("end", &self.end).finish_non_exhaustive()
    }
}

impl Pages {
    /// No rows yet; the first one that comes has the number `first`.
    pub(super) fn new(schema: SchemaRef, runtime: Arc<RuntimeEnv>, first: u64) -> Self {
        let reservation = MemoryConsumer::new("cursor").with_can_spill(true).register(&runtime.memory_pool);
        Self { schema, runtime, reservation, pages: Vec::new(), end: first, read: None }
    }

    /// The number behind the last row.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Adds rows behind the last one.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<(), SqlError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let has_room = self.reservation.try_grow(batch.get_array_memory_size()).is_ok();
        let page = Page { first: self.end, rows: batch.num_rows(), place: Place::Memory(batch) };
        self.end += page.rows as u64;
        self.pages.push(page);
        if has_room { Ok(()) } else { self.spill().map_err(|error| sql_error_from_engine(&error)) }
    }

    fn spill(&mut self) -> Result<(), DataFusionError> {
        let manager = self.manager();
        for page in &mut self.pages {
            let Place::Memory(batch) = &page.place else { continue };
            // A batch may be a small part of a large one, which must not go to disk as a whole.
            let own = concat_batches(&self.schema, [batch])?;
            if let Some(file) = manager.spill_record_batch_and_finish(&[own], "cursor")? {
                page.place = Place::Disk(file);
            }
        }
        self.reservation.free();
        Ok(())
    }

    fn manager(&self) -> SpillManager {
        let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        SpillManager::new(Arc::clone(&self.runtime), metrics, Arc::clone(&self.schema))
    }

    /// Rows from this number on, at most so many and at least one; none when they are not kept.
    pub(super) async fn from(&mut self, first: u64, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        let Some((batch, offset)) = self.page_of(first).await? else { return Ok(None) };
        let rows = (batch.num_rows() - offset).min(rows_max);
        Ok(Some(batch.slice(offset, rows)))
    }

    /// Rows from this number on backwards, in that order.
    pub(super) async fn back_from(&mut self, last: u64, rows_max: usize) -> Result<Option<RecordBatch>, SqlError> {
        let Some((batch, offset)) = self.page_of(last).await? else { return Ok(None) };
        let rows = (offset + 1).min(rows_max);
        let places = (0..rows).filter_map(|back| u32::try_from(offset - back).ok());
        let turned = take_record_batch(&batch, &UInt32Array::from_iter_values(places));
        turned.map(Some).map_err(|error| sql_error_from_engine(&error.into()))
    }

    /// The page that holds a row, and the row's place in it.
    async fn page_of(&mut self, row: u64) -> Result<Option<(RecordBatch, usize)>, SqlError> {
        let index = self.pages.partition_point(|page| page.first + page.rows as u64 <= row);
        let Some(page) = self.pages.get(index).filter(|page| page.first <= row) else { return Ok(None) };
        let Ok(offset) = usize::try_from(row - page.first) else { return Ok(None) };
        let batch = match (&page.place, &self.read) {
            (Place::Memory(batch), _) => batch.clone(),
            (Place::Disk(_), Some((read, batch))) if *read == index => batch.clone(),
            (Place::Disk(file), _) => {
                let batch = self.read_back(Arc::clone(file)).await.map_err(|error| sql_error_from_engine(&error))?;
                self.read = Some((index, batch.clone()));
                batch
            }
        };
        Ok(Some((batch, offset)))
    }

    async fn read_back(&self, file: Arc<dyn SpillFile>) -> Result<RecordBatch, DataFusionError> {
        let batches: Vec<RecordBatch> = self.manager().read_spill_as_stream(file, None)?.try_collect().await?;
        Ok(concat_batches(&self.schema, &batches)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{AsArray, Int64Array, RecordBatch};
    use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

    use super::Pages;

    fn pages(runtime: Arc<RuntimeEnv>) -> Pages {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let mut pages = Pages::new(Arc::clone(&schema), runtime, 0);
        for start in [0_i64, 10, 20] {
            let numbers = Arc::new(Int64Array::from_iter_values(start..start + 10));
            pages.push(RecordBatch::try_new(Arc::clone(&schema), vec![numbers]).expect("a batch")).expect("room");
        }
        pages
    }

    fn numbers(batch: Option<RecordBatch>) -> Vec<i64> {
        batch.map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).unwrap_or_default()
    }

    /// Rows are found by their number both ways, whether they are in memory or on disk.
    #[tokio::test]
    async fn rows_are_found_by_their_number() {
        let tight = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(1))).build_arc();
        for runtime in [Arc::new(RuntimeEnv::default()), tight.expect("a runtime")] {
            let mut pages = pages(runtime);
            assert_eq!(pages.end(), 30);
            assert_eq!(numbers(pages.from(8, 5).await.expect("read")), [8, 9]);
            assert_eq!(numbers(pages.from(12, 3).await.expect("read")), [12, 13, 14]);
            assert_eq!(numbers(pages.back_from(21, 5).await.expect("read")), [21, 20]);
            assert_eq!(numbers(pages.back_from(19, 2).await.expect("read")), [19, 18]);
            assert!(pages.from(30, 1).await.expect("read").is_none());
        }
    }
}
