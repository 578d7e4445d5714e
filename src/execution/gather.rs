//! Asks owners for their replies and hands the rows on; notes what happened to every owner.
//!
//! *Held* replies count only with their trailer: until then they are spooled, so that an owner which
//! fails leaves no half of its rows in the answer, may be asked once more, and a plan that runs the
//! leaf again (a recursive query) gets the same rows without asking again. *Streamed* replies go
//! up as they arrive; an owner that fails after its first batch truncates the result, and says so.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::fleet_scan::expected_columns;
use super::spool::Spool;
use super::statement::engine_error;
use super::{Ask, CoverageStatus, Fragment, MissingNodes, NodeCoverage, StatementRun};
use crate::mesh::{FragmentMode, FragmentReply, FragmentRequest, MemberStatus, MeshError, ReplyStream, Trailer};
use crate::types::{Code, NodeName, SqlError};

/// Most fragments under way at once for one gather.
const IN_FLIGHT_MAX: usize = 64;
/// How often a silent owner's status is looked at.
const SILENCE_LOOK: Duration = Duration::from_millis(200);
/// Most bytes of one owner's reply.
const REPLY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// When the rows of a reply may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// With the reply's trailer.
    Held,
    /// As they arrive.
    Streamed,
}

/// The operator that asks owners; it has one partition.
#[derive(Debug, Clone)]
pub struct GatherExec {
    gather: Arc<Gather>,
    properties: Arc<PlanProperties>,
    held: Arc<OnceCell<Vec<Arc<Spool>>>>,
    metrics: ExecutionPlanMetricsSet,
}

#[derive(Debug)]
struct Gather {
    statement: Arc<StatementRun>,
    fragments: Arc<Vec<Fragment>>,
    mode: FragmentMode,
    delivery: Delivery,
    schema: SchemaRef,
}

impl GatherExec {
    /// A gather of these fragments; `schema` is what it gives upwards.
    pub fn new(
        statement: Arc<StatementRun>,
        fragments: Arc<Vec<Fragment>>,
        mode: FragmentMode,
        delivery: Delivery,
        schema: SchemaRef,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            if delivery == Delivery::Held { EmissionType::Final } else { EmissionType::Incremental },
            Boundedness::Bounded,
        );
        let gather = Gather { statement, fragments, mode, delivery, schema };
        Self {
            gather: Arc::new(gather),
            properties: Arc::new(properties),
            held: Arc::default(),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The fragments it sends.
    pub fn fragments(&self) -> &[Fragment] {
        &self.gather.fragments
    }

    /// What the replies are.
    pub fn mode(&self) -> FragmentMode {
        self.gather.mode
    }
}

impl DisplayAs for GatherExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.gather.mode == FragmentMode::Partial { "partial states" } else { "rows" };
        write!(out, "GatherExec: {what} of {} fragment(s)", self.gather.fragments.len())
    }
}

impl ExecutionPlan for GatherExec {
    fn name(&self) -> &'static str {
        "GatherExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (gather, held) = (Arc::clone(&self.gather), Arc::clone(&self.held));
        let schema = Arc::clone(&gather.schema);
        gather.note_plan();
        let counted = MetricBuilder::new(&self.metrics).output_rows(0);
        let count = move |batch: &RecordBatch| counted.add(batch.num_rows());
        if gather.delivery == Delivery::Streamed {
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, gather.streamed().inspect_ok(count))));
        }
        let rows = async move {
            let spools = held.get_or_try_init(|| gather.held(&context)).await?;
            let readers: Vec<SendableRecordBatchStream> = spools.iter().map(Spool::read).collect();
            Ok::<_, DataFusionError>(stream::iter(readers).flatten())
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::once(rows).try_flatten().inspect_ok(count))))
    }
}

impl Gather {
    /// Notes who is asked and who is not, before anything is sent.
    fn note_plan(&self) {
        for fragment in self.fragments.iter() {
            for pruned in &fragment.pruned {
                self.statement.coverage.note(&pruned.ask.owner, |node| {
                    node.know(&pruned.ask);
                    if node.status == CoverageStatus::Pruned {
                        node.reason = Some(pruned.reason.clone());
                    }
                });
            }
            for ask in &fragment.asked {
                self.statement.coverage.note(&ask.owner, |node| {
                    node.know(ask);
                    node.worsen(CoverageStatus::Answered, None);
                });
            }
        }
    }

    fn asks(self: &Arc<Self>) -> Vec<(usize, Ask)> {
        let fragments = self.fragments.iter().enumerate();
        fragments.flat_map(|(index, fragment)| fragment.asked.iter().map(move |ask| (index, ask.clone()))).collect()
    }

    fn request(&self, fragment: usize) -> FragmentRequest {
        let statement = &self.statement;
        FragmentRequest {
            query_id: statement.query_id,
            sql: self.fragments[fragment].sql.clone(),
            mode: self.mode,
            expected: expected_columns(&self.schema),
            settings: statement.settings.clone(),
            roles: statement.roles.clone(),
            deadline: statement.time_left(),
            reply_bytes_max: REPLY_BYTES_MAX,
            fragments: statement.fragments.load(Ordering::Relaxed),
        }
    }

    /// Every owner's complete reply; owners that have none are noted, or fail the statement.
    async fn held(self: &Arc<Self>, context: &Arc<TaskContext>) -> Result<Vec<Arc<Spool>>> {
        let replies = stream::iter(self.asks()).map(|(fragment, ask)| async move {
            match self.held_reply(fragment, &ask.owner, context).await {
                Ok(spool) => Ok(Some(spool)),
                Err(failure) => self.missing(&ask.owner, failure, 0).map(|()| None),
            }
        });
        let spools: Vec<Option<Arc<Spool>>> = replies.buffer_unordered(IN_FLIGHT_MAX).try_collect().await?;
        self.refuse_if_incomplete()?;
        Ok(spools.into_iter().flatten().collect())
    }

    async fn held_reply(
        &self,
        fragment: usize,
        owner: &NodeName,
        context: &Arc<TaskContext>,
    ) -> Result<Arc<Spool>, Failure> {
        match self.held_once(fragment, owner, context).await {
            // A connection that broke before the trailer: none of its rows were used, so ask once more.
            Err(Failure::Node(MeshError::Unreachable { .. })) if self.is_up(owner) => {
                self.held_once(fragment, owner, context).await
            }
            other => other,
        }
    }

    async fn held_once(
        &self,
        fragment: usize,
        owner: &NodeName,
        context: &Arc<TaskContext>,
    ) -> Result<Arc<Spool>, Failure> {
        let mut reply = self.open(fragment, owner).await?;
        let mut spool = Spool::new(Arc::clone(&self.schema), context);
        loop {
            match self.next(owner, &mut reply).await? {
                FragmentReply::Header(_) => {}
                FragmentReply::Batch(batch) => spool.push(self.conform(&batch)?)?,
                FragmentReply::Trailer(trailer) => {
                    self.answered(owner, spool.rows(), &trailer)?;
                    return Ok(Arc::new(spool));
                }
            }
        }
    }

    /// Rows as they arrive, of all owners at once.
    fn streamed(self: Arc<Self>) -> impl futures::Stream<Item = Result<RecordBatch>> + Send {
        let gather = Arc::clone(&self);
        let owners =
            stream::iter(self.asks()).map(move |(fragment, ask)| Arc::clone(&gather).owner_rows(fragment, ask.owner));
        let rows = owners.flatten_unordered(IN_FLIGHT_MAX);
        let end = stream::once(async move { self.refuse_if_incomplete() });
        rows.chain(end.filter_map(|end| async move { end.err().map(Err) }))
    }

    fn owner_rows(
        self: Arc<Self>,
        fragment: usize,
        owner: NodeName,
    ) -> stream::BoxStream<'static, Result<RecordBatch>> {
        let start = OwnerRows { gather: self, fragment, owner, reply: None, rows: 0 };
        stream::try_unfold(start, |mut state| async move {
            match state.next().await {
                Ok(Some(batch)) => Ok(Some((batch, state))),
                Ok(None) => Ok(None),
                Err(failure) => state.gather.missing(&state.owner, failure, state.rows).map(|()| None),
            }
        })
        .boxed()
    }

    async fn open(&self, fragment: usize, owner: &NodeName) -> Result<ReplyStream, Failure> {
        self.statement.check()?;
        self.statement.coverage.note(owner, |node| node.fragments += 1);
        let request = self.statement.fleet.request(owner, self.request(fragment));
        self.patiently(owner, request).await?.map_err(Failure::Node)
    }

    async fn next(&self, owner: &NodeName, reply: &mut ReplyStream) -> Result<FragmentReply, Failure> {
        match self.patiently(owner, reply.next()).await? {
            Some(Ok(piece)) => Ok(piece),
            Some(Err(error)) => Err(Failure::Node(error)),
            None => {
                Err(Failure::Node(MeshError::Unreachable { reason: "the reply ended without its trailer".to_owned() }))
            }
        }
    }

    /// Waits as long as the owner is up; a silent owner that is not gets `node_timeout`.
    async fn patiently<T>(&self, owner: &NodeName, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::pin!(work);
        let begun = self.statement.elapsed();
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = self.statement.cancel.cancelled() => self.statement.check()?,
                () = tokio::time::sleep(SILENCE_LOOK.min(self.statement.time_left())) => {}
            }
            self.statement.check()?;
            let waited = self.statement.elapsed().saturating_sub(begun);
            if waited >= self.patience_with(owner) {
                return Err(Failure::Node(MeshError::TimedOut { after: waited }));
            }
        }
    }

    fn patience_with(&self, owner: &NodeName) -> Duration {
        match self.status(owner) {
            Some(MemberStatus::Up) => Duration::MAX,
            Some(MemberStatus::Down) => Duration::ZERO,
            Some(MemberStatus::Unknown) | None => self.statement.node_timeout,
        }
    }

    fn is_up(&self, owner: &NodeName) -> bool {
        self.status(owner) == Some(MemberStatus::Up)
    }

    fn status(&self, owner: &NodeName) -> Option<MemberStatus> {
        self.statement.fleet.members().into_iter().find(|member| &member.name == owner).map(|member| member.status)
    }

    fn answered(&self, owner: &NodeName, rows: u64, trailer: &Trailer) -> Result<(), Failure> {
        if trailer.rows != rows {
            let what = format!("{rows} rows came, the trailer says {}", trailer.rows);
            return Err(Failure::Node(MeshError::BadReply { what }));
        }
        let elapsed = self.statement.elapsed();
        self.statement.coverage.note(owner, |node| {
            node.rows_returned += rows;
            node.elapsed = Some(elapsed);
            if let Some(reason) = &trailer.incomplete {
                node.worsen(CoverageStatus::Truncated, Some(reason.clone()));
            }
        });
        Ok(())
    }

    /// Notes that rows of an owner are lacking; errors that are the statement's own go up.
    fn missing(&self, owner: &NodeName, failure: Failure, rows: u64) -> Result<()> {
        let error = match failure {
            Failure::Statement(error) => return Err(error),
            Failure::Node(MeshError::Refused { code, message }) if is_statements_fault(code) => {
                return Err(engine_error(SqlError::new(code, message)));
            }
            Failure::Node(error) => error,
        };
        tracing::debug!(query_id = %self.statement.query_id, %owner, %error, "fragment failed");
        self.statement.coverage.note(owner, |node| {
            node.rows_returned += rows;
            let status = if rows == 0 { CoverageStatus::Missing } else { CoverageStatus::Truncated };
            node.worsen(status, Some(error.to_string()));
        });
        self.refuse_if_incomplete()
    }

    /// Under `missing_nodes = error` an incomplete result is none.
    fn refuse_if_incomplete(&self) -> Result<()> {
        if self.statement.missing_nodes == MissingNodes::Warn {
            return Ok(());
        }
        match self.statement.coverage.report().warning() {
            None => Ok(()),
            Some(text) => Err(engine_error(
                SqlError::new(Code::Unavailable, text)
                    .with_hint("SET armorlake.missing_nodes = 'warn' to get the rows of the other nodes"),
            )),
        }
    }

    /// A reply's batch with this gather's exact column types and names.
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, Failure> {
        let fields = self.schema.fields();
        if batch.num_columns() < fields.len() {
            let what = format!("{} columns instead of {}", batch.num_columns(), fields.len());
            return Err(Failure::Node(MeshError::BadReply { what }));
        }
        // A value that does not fit is an error: it must not become a NULL.
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let columns = fields.iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| cast_with_options(column, field.data_type(), &strict));
        let columns: Vec<ArrayRef> = columns
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| Failure::Node(MeshError::BadReply { what: error.to_string() }))?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| Failure::Node(MeshError::BadReply { what: error.to_string() }))
    }
}

/// One owner's rows on their way up.
struct OwnerRows {
    gather: Arc<Gather>,
    fragment: usize,
    owner: NodeName,
    reply: Option<ReplyStream>,
    rows: u64,
}

impl OwnerRows {
    async fn next(&mut self) -> Result<Option<RecordBatch>, Failure> {
        if self.reply.is_none() {
            self.reply = Some(self.gather.open(self.fragment, &self.owner).await?);
        }
        let Some(reply) = &mut self.reply else { return Ok(None) };
        loop {
            match self.gather.next(&self.owner, reply).await? {
                FragmentReply::Header(_) => {}
                FragmentReply::Batch(batch) => {
                    let batch = self.gather.conform(&batch)?;
                    self.rows += batch.num_rows() as u64;
                    return Ok(Some(batch));
                }
                FragmentReply::Trailer(trailer) => {
                    self.gather.answered(&self.owner, self.rows, &trailer)?;
                    return Ok(None);
                }
            }
        }
    }
}

/// Why an owner's reply is not there.
enum Failure {
    /// The statement itself failed, whoever was asked.
    Statement(DataFusionError),
    /// This owner failed; others may not.
    Node(MeshError),
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        Self::Statement(error)
    }
}

/// Whether an owner's error would be the same at every owner, as a division by zero is.
fn is_statements_fault(code: Code) -> bool {
    !matches!(
        code,
        Code::Unavailable
            | Code::ConnectionFailure
            | Code::AdminShutdown
            | Code::CannotConnectNow
            | Code::IoError
            | Code::DiskFull
            | Code::DataCorrupted
            | Code::Internal
            | Code::TooManyConnections
            | Code::OutOfMemory
            | Code::QueryCanceled
            | Code::ProtocolViolation
    )
}

impl NodeCoverage {
    fn know(&mut self, ask: &Ask) {
        self.rows_known = self.rows_known.max(ask.rows_known);
        self.summary_age = ask.summary_age;
    }

    /// Takes a status that is worse than the one before; the reason goes with it.
    fn worsen(&mut self, status: CoverageStatus, reason: Option<String>) {
        if status > self.status {
            self.status = status;
            self.reason = reason;
        }
    }
}
