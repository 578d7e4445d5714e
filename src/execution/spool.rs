//! Rows that are held back until they are known to be complete: in memory, then on disk.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_plan::SpillManager;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};

type SpilledRows = Arc<dyn SpillFile>;

/// Batches of one reply; readable as often as wanted.
pub(super) struct Spool {
    schema: SchemaRef,
    runtime: Arc<RuntimeEnv>,
    reservation: MemoryReservation,
    in_memory: Vec<RecordBatch>,
    on_disk: Vec<SpilledRows>,
    rows: u64,
}

impl fmt::Debug for Spool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Spool").field("rows", &self.rows).field("files", &self.on_disk.len()).finish_non_exhaustive()
    }
}

impl Spool {
    /// An empty spool that takes its memory from the statement's pool.
    pub(super) fn new(schema: SchemaRef, context: &TaskContext) -> Self {
        let runtime = context.runtime_env();
        let reservation = MemoryConsumer::new("gather").with_can_spill(true).register(&runtime.memory_pool);
        Self { schema, runtime, reservation, in_memory: Vec::new(), on_disk: Vec::new(), rows: 0 }
    }

    /// Adds a batch; what is in memory goes to disk when the pool is used up.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let bytes = batch.get_array_memory_size();
        self.rows += batch.num_rows() as u64;
        if self.reservation.try_grow(bytes).is_err() {
            self.in_memory.push(batch);
            return self.spill();
        }
        self.in_memory.push(batch);
        Ok(())
    }

    /// Rows in it.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    fn spill(&mut self) -> Result<()> {
        if let Some(file) = self.manager().spill_record_batch_and_finish(&self.in_memory, "gather")? {
            self.on_disk.push(file);
        }
        self.in_memory.clear();
        self.reservation.free();
        Ok(())
    }

    fn manager(&self) -> SpillManager {
        let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        SpillManager::new(Arc::clone(&self.runtime), metrics, Arc::clone(&self.schema))
    }

    /// All rows, from the start.
    pub(super) fn read(self: &Arc<Self>) -> SendableRecordBatchStream {
        let (files, spool) = (self.on_disk.clone(), Arc::clone(self));
        let from_disk = stream::iter(files).then(move |file| {
            let reader = spool.manager().read_spill_as_stream(file, None);
            async move { reader }
        });
        let in_memory = stream::iter(self.in_memory.clone().into_iter().map(Ok::<_, DataFusionError>));
        let all = from_disk.try_flatten().chain(in_memory);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), all))
    }
}
