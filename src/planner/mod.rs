//! SQL text -> logical plan -> fragments for the owners + a merge plan for here.
//!
//! The engine plans and optimises over the mesh-wide catalog; `split` then replaces what owners can
//! run by fragments, `prune` decides whom to ask, `execution` runs the rest.

mod context;
mod error;
mod explain;
pub mod functions;
mod parse;
mod print;
mod prune;
mod resolve;
pub mod rewrite;
mod split;
mod statement;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::SchemaProvider;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::datasource::ViewTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::sql::parser::Statement as EngineStatement;

use crate::catalog::{Catalog, DEFAULT_DATABASE, MESH, PUBLIC};
use crate::env::Clock;
use crate::execution::{
    Coverage, CoverageReport, Engine, FleetScanPlanner, MissingNodes, StatementCatalog, StatementRun,
};
use crate::mesh::Fleet;
use crate::system::{
    CatalogFacts, INFORMATION_SCHEMA, InformationSchema, PG_CATALOG, PgCatalog, RoleFacts, SessionFacts,
};
use crate::types::{Code, FragmentSettings, QueryId, SqlError, SqlType};

pub use context::StatementContext;
use error::located_error;
pub use error::sql_error_from_engine;
pub use parse::{SQL_BYTES_MAX, parse};
pub use statement::{
    AfterEnd, CursorOptions, DiscardTarget, ExplainFormat, FetchCount, FetchRows, InnerQuery, ParsedStatement,
    SetScope, SetValue, Statement, TransactionModes,
};

/// What a query takes and gives.
#[derive(Debug, Clone)]
pub struct Description {
    /// Types of its parameters `$1..$n`.
    pub parameters: Vec<SqlType>,
    /// Its result's columns; see [`SqlType::of_field`].
    pub columns: SchemaRef,
}

/// A running query.
pub struct QueryRun {
    /// Its result's columns.
    pub columns: SchemaRef,
    /// Its rows; errors turn into [`SqlError`] by [`sql_error_from_engine`]. Dropping it cancels.
    pub rows: SendableRecordBatchStream,
    /// Which nodes answered; final once `rows` ended.
    pub coverage: Coverage,
}

impl std::fmt::Debug for QueryRun {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("QueryRun").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// What the system tables tell of this node.
#[derive(Debug, Clone, Default)]
pub struct NodeFacts {
    /// The roles that exist.
    pub roles: Vec<RoleFacts>,
    /// When the node started: microseconds since 1970 UTC.
    pub started_us: i64,
    /// The text of `version()`.
    pub version: String,
}

/// Plans and starts queries of one node.
#[derive(Debug)]
pub struct Planner {
    engine: Arc<Engine>,
    /// What sessions are copies of.
    base: SessionState,
    catalog: Arc<Catalog>,
    fleet: Arc<dyn Fleet>,
    node: NodeFacts,
    clock: Arc<dyn Clock>,
    facts: Arc<CatalogFacts>,
    views: Arc<BTreeMap<String, Arc<ViewTable>>>,
}

/// A statement ready to run.
struct Prepared {
    session: SessionState,
    plan: Arc<dyn ExecutionPlan>,
    coverage: Coverage,
}

impl Planner {
    /// A planner over a catalog snapshot; plans the built-in views once.
    pub async fn new(
        engine: Arc<Engine>,
        catalog: Arc<Catalog>,
        fleet: Arc<dyn Fleet>,
        node: NodeFacts,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SqlError> {
        let facts = CatalogFacts::new(Arc::clone(&catalog), DEFAULT_DATABASE, node.roles.clone(), BTreeMap::new());
        let (facts, views, mut base) = (Arc::new(facts), Arc::default(), engine.base());
        functions::register_tables(&mut base).map_err(|error| sql_error_from_engine(&error))?;
        let mut planner = Self { engine, base, catalog, fleet, node, clock, facts, views };
        planner.plan_views().await.map_err(|error| sql_error_from_engine(&error))?;
        Ok(planner)
    }

    /// Finds out parameters and columns; `hints` are the types that the client declared.
    pub async fn describe(
        &self,
        sql: &str,
        context: &StatementContext,
        hints: &[Option<SqlType>],
    ) -> Result<Description, SqlError> {
        let session = self.session(context)?;
        let described = async {
            let plan = logical_plan(&session, sql).await?;
            let parameters = parameter_types(&plan, hints)?;
            let plan = session.analyzer().execute_and_check(plan, session.config_options(), |_, _| {})?;
            Ok(Description { parameters, columns: Arc::new(shown_columns(plan.schema().as_arrow())) })
        };
        described.await.map_err(|error| located_error(&error, sql))
    }

    /// Starts a query.
    pub async fn run(
        &self,
        sql: &str,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<QueryRun, SqlError> {
        let prepared = self.prepare(sql, context, parameters).await?;
        let rows = execute_stream(prepared.plan, prepared.session.task_ctx());
        let rows = rows.map_err(|error| located_error(&error, sql))?;
        Ok(QueryRun { columns: Arc::new(shown_columns(&rows.schema())), rows, coverage: prepared.coverage })
    }

    /// The plan of a query as lines of text: operators, fragments, nodes asked and pruned.
    pub async fn explain(
        &self,
        sql: &str,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<Vec<String>, SqlError> {
        let prepared = self.prepare(sql, context, parameters).await?;
        Ok(explain::lines(&prepared.plan))
    }

    async fn prepare(
        &self,
        sql: &str,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<Prepared, SqlError> {
        let session = self.session(context)?;
        let planned = async {
            let mut plan = logical_plan(&session, sql).await?;
            if !parameters.is_empty() {
                let values = parameters.into_iter().map(ScalarAndMetadata::from).collect();
                plan = plan.with_param_values(ParamValues::List(values))?;
            }
            self.physical_plan(&session, &plan, context).await
        };
        let (plan, coverage) = planned.await.map_err(|error: DataFusionError| located_error(&error, sql))?;
        Ok(Prepared { session, plan, coverage })
    }

    async fn physical_plan(
        &self,
        session: &SessionState,
        plan: &LogicalPlan,
        context: &StatementContext,
    ) -> Result<(Arc<dyn ExecutionPlan>, Coverage), DataFusionError> {
        let optimised = session.optimize(plan)?;
        let (optimised, fragments) = self.split(optimised, session, context)?;
        let statement = Arc::new(self.statement(context, fragments));
        let coverage = statement.coverage.clone();
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(FleetScanPlanner { statement })]);
        Ok((planner.create_physical_plan(&optimised, session).await?, coverage))
    }

    /// The plan with fragments in it, and how many of them the busiest owner is sent.
    fn split(
        &self,
        plan: LogicalPlan,
        session: &SessionState,
        context: &StatementContext,
    ) -> Result<(LogicalPlan, u32), DataFusionError> {
        let members = self.fleet.members();
        let owners_have = |name: &str| self.engine.has_scalar_function(name);
        let mut splitter = split::Splitter {
            printer: print::Printer { owners_have: &owners_have },
            pruner: prune::Pruner { members: &members, enabled: context.pruning, session },
            fragments: HashMap::new(),
        };
        let plan = splitter.split(plan)?;
        Ok((plan, splitter.fragments.values().copied().max().unwrap_or(0)))
    }

    fn statement(&self, context: &StatementContext, fragments: u32) -> StatementRun {
        StatementRun {
            fleet: Arc::clone(&self.fleet),
            coverage: Coverage::default(),
            query_id: context.query_id,
            settings: context.settings.clone(),
            roles: context.roles.clone(),
            missing_nodes: context.missing_nodes,
            node_timeout: context.node_timeout,
            started: self.clock.monotonic(),
            deadline: context.deadline,
            cancel: context.cancel.clone(),
            fragments: AtomicU32::new(fragments),
            clock: Arc::clone(&self.clock),
        }
    }

    fn session(&self, context: &StatementContext) -> Result<SessionState, SqlError> {
        let database = &context.settings.current_database;
        let mut schemas: BTreeMap<String, Arc<dyn SchemaProvider>> = BTreeMap::new();
        for schema in [PUBLIC, MESH] {
            let provider = resolve::UserSchema {
                catalog: Arc::clone(&self.catalog),
                database: database.clone(),
                schema: schema.to_owned(),
                views: Arc::clone(&self.views),
                fleet: Arc::clone(&self.fleet),
                last_coverage: context.last_coverage.clone(),
            };
            schemas.insert(schema.to_owned(), Arc::new(provider));
        }
        let session = Arc::new(self.session_facts(context));
        let pg_catalog = PgCatalog::new(Arc::clone(&self.facts), Arc::clone(&session));
        schemas.insert(PG_CATALOG.to_owned(), Arc::new(pg_catalog));
        let information_schema = InformationSchema::new(Arc::clone(&self.facts), Arc::clone(&session));
        schemas.insert(INFORMATION_SCHEMA.to_owned(), Arc::new(information_schema));
        let first = context.search_path.iter().find(|schema| schemas.contains_key(*schema)).cloned();
        let functions = Arc::new(functions::FunctionContext { catalog: Arc::clone(&self.facts), session });
        let tables = StatementCatalog::new(database, schemas);
        let state = self.engine.session_from(&self.base, tables, &context.settings);
        let mut state = state.map_err(|error| sql_error_from_engine(&error))?;
        state.config_mut().options_mut().catalog.default_schema = first.unwrap_or_else(|| PUBLIC.to_owned());
        functions::register_of_session(&mut state, &functions).map_err(|error| sql_error_from_engine(&error))?;
        Ok(state)
    }

    fn session_facts(&self, context: &StatementContext) -> SessionFacts {
        let exists = |schema: &&String| schema.as_str() == PUBLIC || schema.as_str() == MESH;
        SessionFacts {
            current_user: context.settings.current_user.clone(),
            session_user: context.settings.current_user.clone(),
            search_path: context.search_path.iter().filter(exists).cloned().collect(),
            backend_pid: context.backend_pid,
            now_us: context.settings.now_us,
            started_us: self.node.started_us,
            version: self.node.version.clone(),
            settings: context.shown_settings.as_ref().clone(),
            table_bytes: self.table_bytes(),
            ..SessionFacts::default()
        }
    }

    /// Bytes of the event tables on all known nodes, by object id.
    fn table_bytes(&self) -> BTreeMap<u32, i64> {
        let mut bytes = BTreeMap::new();
        for member in self.fleet.members() {
            for (name, summary) in member.tables.iter() {
                if let Some(table) = self.catalog.event_table(name) {
                    *bytes.entry(table.oid).or_default() += i64::try_from(summary.bytes).unwrap_or(i64::MAX);
                }
            }
        }
        bytes
    }

    /// Plans the built-in views, and notes their columns for the system tables.
    async fn plan_views(&mut self) -> Result<(), DataFusionError> {
        let session = self.session(&built_in_context()).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let (mut views, mut columns) = (BTreeMap::new(), BTreeMap::new());
        let database = self.catalog.databases.get(DEFAULT_DATABASE);
        for (schema, objects) in database.iter().flat_map(|database| &database.schemas) {
            for view in objects.views.values() {
                let plan = logical_plan(&session, &view.sql).await?;
                let analysed =
                    session.analyzer().execute_and_check(plan.clone(), session.config_options(), |_, _| {})?;
                columns.insert(view.oid, Arc::new(shown_columns(analysed.schema().as_arrow())));
                views.insert(format!("{schema}.{}", view.name), Arc::new(ViewTable::new(plan, Some(view.sql.clone()))));
            }
        }
        let roles = self.node.roles.clone();
        self.facts = Arc::new(CatalogFacts::new(Arc::clone(&self.catalog), DEFAULT_DATABASE, roles, columns));
        self.views = Arc::new(views);
        Ok(())
    }
}

/// The columns under the names that clients see.
fn shown_columns(schema: &Schema) -> Schema {
    let fields =
        schema.fields().iter().map(|field| field.as_ref().clone().with_name(rewrite::shown_name(field.name())));
    Schema::new(fields.collect::<Vec<_>>())
}

async fn logical_plan(session: &SessionState, sql: &str) -> Result<LogicalPlan, DataFusionError> {
    let mut statement = session.sql_to_statement(sql, &datafusion::config::Dialect::PostgreSQL)?;
    if let EngineStatement::Statement(inner) = &mut statement {
        if let Some(refusal) = rewrite::refused(inner) {
            return Err(DataFusionError::NotImplemented(refusal.to_owned()));
        }
        rewrite::rewrite_statement(inner);
    }
    let plan = session.statement_to_plan(statement).await?;
    match plan {
        LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::DescribeTable(_) => {
            Err(DataFusionError::NotImplemented("only queries can be run here".to_owned()))
        }
        query => Ok(query),
    }
}

/// The types of `$1..$n`: what the client declared, else what the engine inferred, else text.
fn parameter_types(plan: &LogicalPlan, hints: &[Option<SqlType>]) -> Result<Vec<SqlType>, DataFusionError> {
    let inferred = plan.get_parameter_types()?;
    let number = |name: &String| name.trim_start_matches('$').parse::<usize>().ok();
    let count = inferred.keys().filter_map(number).max().unwrap_or(0).max(hints.len());
    let of = |index: usize| {
        let known = inferred.get(&format!("${}", index + 1)).cloned().flatten();
        let from_engine = known
            .filter(|data_type| data_type != &DataType::Null)
            .and_then(|data_type| SqlType::from_arrow(&data_type));
        hints.get(index).copied().flatten().or(from_engine).unwrap_or(SqlType::Text)
    };
    if count > usize::from(u16::MAX) {
        return Err(DataFusionError::External(Box::new(SqlError::new(
            Code::StatementTooComplex,
            "too many parameters",
        ))));
    }
    Ok((0..count).map(of).collect())
}

/// Nobody's statement: for planning the built-in views, which depend on no session.
fn built_in_context() -> StatementContext {
    StatementContext {
        query_id: QueryId(uuid::Uuid::nil()),
        settings: FragmentSettings { current_database: DEFAULT_DATABASE.to_owned(), ..FragmentSettings::default() },
        roles: Vec::new(),
        search_path: vec![PUBLIC.to_owned()],
        missing_nodes: MissingNodes::Warn,
        pruning: true,
        node_timeout: std::time::Duration::from_secs(5),
        deadline: None,
        cancel: tokio_util::sync::CancellationToken::new(),
        last_coverage: CoverageReport::default(),
        backend_pid: 0,
        shown_settings: Arc::default(),
    }
}
