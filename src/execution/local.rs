//! The owner's side: plans and runs a fragment over this node's own rows.
//!
//! The owner parses the fragment's text and plans it with its own schema and statistics; nothing
//! executable comes from a peer. All fragments of one statement see one [`Version`].

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::Statement;
use futures::{StreamExt, stream};

use super::EventTable;
use super::aggregate::{LoweredAggregates, aggregate_of, without_alias};
use super::engine::{Engine, StatementCatalog};
use super::own_relations::OwnRelations;
use super::pins::{Pinned, Pins};
use crate::catalog::{Catalog, DEFAULT_DATABASE, MESH, PUBLIC, Scope, Table};
use crate::env::{Clock, Monotonic};
use crate::mesh::{
    ExpectedColumn, FragmentMode, FragmentReply, FragmentRequest, FragmentRunner, MeshError, ReplyStream, Trailer,
};
use crate::storage::{ScanStats, Store, Version};
use crate::types::{Code, NodeName, SqlError, limits};

/// Answers the status tables of schema `mesh` for this node. Implemented by `node` with `system`.
pub trait StatusTables: Send + Sync + Debug + 'static {
    /// This node's rows of a status table of scope `fleet` or `local`.
    fn rows(&self, table: &Table) -> Result<RecordBatch, SqlError>;
}

/// Runs fragments on this node's rows.
#[derive(Debug)]
pub struct LocalRunner {
    engine: Arc<Engine>,
    catalog: Arc<Catalog>,
    store: Arc<Store>,
    status: Arc<dyn StatusTables>,
    node: NodeName,
    clock: Arc<dyn Clock>,
    translate: Translate,
    pins: Arc<Pins>,
}

/// Turns an engine error into what clients are told.
pub type Translate = fn(&DataFusionError) -> SqlError;

impl LocalRunner {
    /// A runner over a store; `translate` turns engine errors into what clients are told.
    pub fn new(
        engine: Arc<Engine>,
        catalog: Arc<Catalog>,
        store: Arc<Store>,
        status: Arc<dyn StatusTables>,
        clock: Arc<dyn Clock>,
        translate: Translate,
    ) -> Self {
        let pins = Pins::new(Arc::clone(&store), Arc::clone(&clock));
        let node = store.node().clone();
        Self { engine, catalog, store, status, node, clock, translate, pins }
    }

    async fn start(&self, version: &Arc<Version>, request: &FragmentRequest) -> Result<Running> {
        let tables = Arc::new(OwnTables::new(self, version, &request.settings.current_database)?);
        let session = self.engine.session(tables.catalog(), &request.settings)?;
        let statement = session.sql_to_statement(&request.sql, &datafusion::config::Dialect::PostgreSQL)?;
        if !matches!(statement, Statement::Statement(_)) {
            return Err(DataFusionError::Plan("a fragment is one SELECT".to_owned()));
        }
        let plan = session.statement_to_plan(statement).await?;
        if !is_reading(&plan) {
            return Err(DataFusionError::Plan("a fragment is one SELECT".to_owned()));
        }
        let physical = match request.mode {
            FragmentMode::Rows => session.create_physical_plan(&plan).await?,
            FragmentMode::Partial => partial_plan(&session, plan).await?,
        };
        Ok(Running { context: session.task_ctx(), plan: physical, tables })
    }

    fn refused(&self, error: &DataFusionError) -> MeshError {
        let error = (self.translate)(error);
        MeshError::Refused { code: error.code, message: error.message }
    }
}

struct Running {
    context: Arc<datafusion::execution::TaskContext>,
    plan: Arc<dyn ExecutionPlan>,
    tables: Arc<OwnTables>,
}

#[async_trait]
impl FragmentRunner for LocalRunner {
    async fn run(&self, caller: &NodeName, request: FragmentRequest) -> Result<ReplyStream, MeshError> {
        if request.roles.is_empty() {
            let message = "permission denied: the asking node may not act for any role of the user".to_owned();
            return Err(MeshError::Refused { code: Code::InsufficientPrivilege, message });
        }
        if request.sql.len() > limits::FRAGMENT_SQL_BYTES_MAX {
            let message = "fragment is too long".to_owned();
            return Err(MeshError::Refused { code: Code::StatementTooComplex, message });
        }
        let started = self.clock.monotonic();
        let pinned = self.pins.take(caller, &request);
        let running = self.start(pinned.version(), &request).await.map_err(|error| self.refused(&error))?;
        let rows = execute_stream(running.plan, running.context).map_err(|error| self.refused(&error))?;
        let schema = reply_schema(&request.expected);
        let reply = Reply {
            rows,
            schema: Arc::clone(&schema),
            trailer: Trailer { watermark: pinned.version().sequence, ..Trailer::default() },
            tables: running.tables,
            bytes_left: request.reply_bytes_max,
            clock: Arc::clone(&self.clock),
            started,
            translate: self.translate,
            pinned,
            ended: false,
        };
        let header = stream::once(async move { Ok(FragmentReply::Header(schema)) });
        let pieces = stream::unfold(reply, |mut reply| async move { reply.next().await.map(|piece| (piece, reply)) });
        Ok(header.chain(pieces).boxed())
    }
}

/// A reply on its way out.
struct Reply {
    rows: datafusion::execution::SendableRecordBatchStream,
    schema: SchemaRef,
    trailer: Trailer,
    tables: Arc<OwnTables>,
    bytes_left: u64,
    clock: Arc<dyn Clock>,
    started: Monotonic,
    translate: Translate,
    pinned: Pinned,
    ended: bool,
}

impl Reply {
    async fn next(&mut self) -> Option<Result<FragmentReply, MeshError>> {
        if self.ended {
            return None;
        }
        loop {
            match self.rows.next().await {
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => return Some(self.batch(&batch)),
                Some(Err(error)) => {
                    self.ended = true;
                    let error = (self.translate)(&error);
                    return Some(Err(MeshError::Refused { code: error.code, message: error.message }));
                }
                None => {
                    self.ended = true;
                    self.pinned.served();
                    self.tables.tell(&mut self.trailer);
                    self.trailer.elapsed = self.clock.monotonic().since(self.started);
                    return Some(Ok(FragmentReply::Trailer(self.trailer.clone())));
                }
            }
        }
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<FragmentReply, MeshError> {
        let bytes = batch.get_array_memory_size() as u64;
        if bytes > self.bytes_left {
            self.ended = true;
            let message = "the reply is larger than the coordinator takes".to_owned();
            return Err(MeshError::Refused { code: Code::OutOfMemory, message });
        }
        self.bytes_left -= bytes;
        self.trailer.rows += batch.num_rows() as u64;
        conform(batch, &self.schema).map(FragmentReply::Batch).inspect_err(|_| self.ended = true)
    }
}

fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, MeshError> {
    let mismatch = |message: String| MeshError::Refused { code: Code::DatatypeMismatch, message };
    if batch.num_columns() != schema.fields().len() {
        let message =
            format!("the fragment gives {} columns, {} are expected", batch.num_columns(), schema.fields().len());
        return Err(mismatch(message));
    }
    // A value that does not fit is an error: it must not become a NULL.
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast_with_options(column, field.data_type(), &strict));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(|error| mismatch(error.to_string()))?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| mismatch(error.to_string()))
}

fn reply_schema(expected: &[ExpectedColumn]) -> SchemaRef {
    let field = |column: &ExpectedColumn| Field::new(&column.name, column.data_type.clone(), true);
    Arc::new(Schema::new(expected.iter().map(field).collect::<Vec<_>>()))
}

fn is_reading(plan: &LogicalPlan) -> bool {
    !matches!(
        plan,
        LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::DescribeTable(_)
    )
}

/// The partial stage of a fragment whose root is one aggregation.
async fn partial_plan(session: &SessionState, plan: LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = session.analyzer().execute_and_check(plan, session.config_options(), |_, _| {})?;
    let no_aggregate =
        || DataFusionError::Plan("a partial fragment is one SELECT with aggregates or groups".to_owned());
    let LogicalPlan::Projection(projection) = plan else { return Err(no_aggregate()) };
    let LogicalPlan::Aggregate(aggregate) = projection.input.as_ref() else { return Err(no_aggregate()) };
    if aggregate.group_expr.iter().any(|key| matches!(key, Expr::GroupingSet(_))) {
        return Err(no_aggregate());
    }
    let (keys, calls) = select_list(&projection.expr, aggregate)?;
    let lowered = LoweredAggregates::new(&keys, &calls, aggregate.input.schema())?;
    let input =
        LogicalPlanBuilder::from(aggregate.input.as_ref().clone()).project(lowered.projection.clone())?.build()?;
    let input = session.create_physical_plan(&input).await?;
    lowered.partial(input)
}

type Calls = Vec<(datafusion::logical_expr::expr::AggregateFunction, String)>;

/// Group keys and aggregate calls in the order of the select list: keys first.
fn select_list(list: &[Expr], aggregate: &Aggregate) -> Result<(Vec<Expr>, Calls)> {
    let (mut keys, mut calls) = (Vec::new(), Vec::new());
    let outputs = aggregate.schema.columns();
    for item in list {
        let item = without_alias(item);
        let position = outputs.iter().position(|column| *item == Expr::Column(column.clone()));
        let position =
            position.ok_or_else(|| DataFusionError::Plan(format!("\"{item}\" is neither grouped nor aggregated")))?;
        match aggregate.group_expr.get(position) {
            Some(key) => keys.push(without_alias(key).clone()),
            None => {
                let call = aggregate.aggr_expr.get(position - aggregate.group_expr.len()).and_then(aggregate_of);
                let call = call.ok_or_else(|| DataFusionError::Plan(format!("\"{item}\" is no aggregate")))?;
                calls.push((call.clone(), format!("s{}", calls.len())));
            }
        }
    }
    Ok((keys, calls))
}

/// The tables that fragments may read: this node's rows of event tables, status tables and users' tables.
#[derive(Debug)]
struct OwnTables {
    version: Arc<Version>,
    /// What is built in; its status tables are those of every database.
    built_in: Arc<Catalog>,
    status: Arc<dyn StatusTables>,
    relational: OwnRelations,
    scans: Mutex<Vec<Arc<ScanStats>>>,
}

impl OwnTables {
    fn new(runner: &LocalRunner, version: &Arc<Version>, database: &str) -> Result<Self> {
        Ok(Self {
            version: Arc::clone(version),
            built_in: Arc::clone(&runner.catalog),
            status: Arc::clone(&runner.status),
            relational: OwnRelations::new(&runner.store, &runner.node, database)?,
            scans: Mutex::default(),
        })
    }

    fn catalog(self: &Arc<Self>) -> Arc<StatementCatalog> {
        let mut names: BTreeSet<String> = self.relational.schemas().map(str::to_owned).collect();
        names.extend([PUBLIC, MESH].map(str::to_owned));
        let schemas = names.into_iter().map(|schema| {
            let tables: Arc<dyn SchemaProvider> =
                Arc::new(OwnSchema { tables: Arc::clone(self), schema: schema.clone() });
            (schema, tables)
        });
        StatementCatalog::new(DEFAULT_DATABASE, schemas.collect())
    }

    /// Adds to a trailer what the scans did, and which rows they could not read.
    fn tell(&self, trailer: &mut Trailer) {
        let (mut segments, mut rows, mut batches) = (0, 0, 0);
        for stats in self.scans.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            trailer.segments_scanned += stats.segments_scanned();
            trailer.segments_pruned += stats.segments_pruned();
            segments += stats.segments_damaged();
            batches += stats.batches_damaged();
            rows += stats.rows_missing();
        }
        if segments > 0 || batches > 0 {
            let text =
                format!("{segments} damaged segments with {rows} rows and {batches} damaged batches cannot be read");
            trailer.incomplete = Some(text);
        }
    }
}

#[derive(Debug)]
struct OwnSchema {
    tables: Arc<OwnTables>,
    schema: String,
}

impl OwnSchema {
    /// The built-in table of this name. Those for events are in their own database only.
    fn built_in(&self, name: &str) -> Option<&Arc<Table>> {
        let is_here = self.schema == MESH || self.tables.relational.database == DEFAULT_DATABASE;
        self.tables.built_in.table(DEFAULT_DATABASE, &self.schema, name).filter(|_| is_here)
    }
}

#[async_trait]
impl SchemaProvider for OwnSchema {
    fn table_names(&self) -> Vec<String> {
        let databases = &self.tables.built_in.databases;
        let schema = databases.get(DEFAULT_DATABASE).and_then(|database| database.schemas.get(&self.schema));
        schema.map(|schema| schema.tables.keys().cloned().collect()).unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = self.built_in(name) else { return self.tables.relational.table(&self.schema, name) };
        match table.scope {
            Scope::Event => {
                let Some(version) = self.tables.version.tables.get(name) else { return Ok(None) };
                let provider = EventTable::new(Arc::clone(version));
                self.tables.scans.lock().unwrap_or_else(PoisonError::into_inner).push(provider.stats());
                Ok(Some(Arc::new(provider)))
            }
            Scope::Fleet => {
                let rows = self.tables.status.rows(table).map_err(super::statement::engine_error)?;
                Ok(Some(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?)))
            }
            Scope::Local | Scope::Session | Scope::Relational => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.built_in(name).is_some() || self.tables.relational.find(&self.schema, name).is_some()
    }
}
