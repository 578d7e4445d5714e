//! SQL text -> logical plan -> fragments for the owners + a merge plan for here.
//!
//! The engine plans and optimises over the mesh-wide catalog; `split` then replaces what owners can
//! run by fragments, `prune` decides whom to ask, `execution` runs the rest.

mod context;
mod error;
mod explain;
pub mod functions;
mod parameters;
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
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry, SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::sql::parser::Statement as EngineStatement;

use crate::catalog::{Catalog, DEFAULT_DATABASE, MESH, PUBLIC};
use crate::env::Clock;
use crate::execution::{
    Coverage, CoverageReport, Engine, FleetScanPlanner, MissingNodes, StatementCatalog, StatementRun,
    with_watched_joins,
};
use crate::mesh::Fleet;
use crate::system::{
    Activity, CatalogFacts, INFORMATION_SCHEMA, InformationSchema, PG_CATALOG, PgCatalog, RoleFacts, SessionFacts,
};
use crate::types::{Code, FragmentSettings, QueryId, SqlError, SqlType};

pub use context::{SessionControl, StatementContext};
use error::located_error;
pub use error::sql_error_from_engine;
pub use explain::{Explanation, PlanDetail, PlanStep};
pub use parse::{SQL_BYTES_MAX, parse};
use rewrite::ParameterType;
pub use statement::{
    AfterEnd, CopyFormat, CopyOptions, CopySource, CursorOptions, DiscardTarget, ExplainFormat, ExplainOptions,
    Explained, FetchCount, FetchRows, ForceQuote, InnerQuery, ParsedStatement, Scroll, SetScope, SetValue, Statement,
    StoredChange, StoredRole, StoredScope, TransactionModes,
};

/// What a query takes and gives.
#[derive(Debug, Clone)]
pub struct Description {
    /// Types of its parameters `$1..$n`.
    pub parameters: Vec<SqlType>,
    /// Its result's columns; see [`SqlType::of_field`].
    pub columns: SchemaRef,
}

/// A query that was parsed once, to be rewritten and planned whenever it runs.
///
/// Nothing in it depends on a session: names, settings and the moment come in when it is planned, so
/// it stays good for as long as the client keeps it.
#[derive(Debug, Clone)]
pub struct ParsedQuery {
    sql: Arc<str>,
    statement: Arc<EngineStatement>,
    /// What its description told of `$1..$n`; none before.
    parameters: Arc<[SqlType]>,
}

impl ParsedQuery {
    /// The query whose parameters have the types of its description, which its runs keep to.
    #[must_use]
    pub fn described(self, description: &Description) -> Self {
        Self { parameters: description.parameters.as_slice().into(), ..self }
    }
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
    /// Who is connected.
    pub activity: Option<Arc<dyn Activity>>,
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

    /// Parses a query, to be run any number of times.
    pub fn parse_query(&self, sql: &str) -> Result<ParsedQuery, SqlError> {
        let statement = parse_statement(&self.base, sql).map_err(|error| located_error(&error, sql))?;
        Ok(ParsedQuery { sql: sql.into(), statement: Arc::new(statement), parameters: Arc::default() })
    }

    /// Finds out parameters and columns; `hints` are the types that the client declared.
    pub async fn describe(
        &self,
        query: &ParsedQuery,
        context: &StatementContext,
        hints: &[Option<SqlType>],
    ) -> Result<Description, SqlError> {
        let session = self.session(context)?;
        let sql = query.sql.as_ref();
        let described = async {
            let declared: Vec<_> =
                hints.iter().map(|hint| hint.map(|kind| ParameterType { kind, scale: None })).collect();
            let (plan, parameters) = typed_plan(&session, &query.statement, &declared).await?;
            let plan = session.analyzer().execute_and_check(plan, session.config_options(), |_, _| {})?;
            Ok(Description { parameters, columns: Arc::new(shown_columns(plan.schema().as_arrow())) })
        };
        match described.await {
            Ok(description) => Ok(description),
            Err(error) => Err(self.told(&error, sql, context).await),
        }
    }

    /// What the client is told of an error in planning.
    async fn told(&self, error: &DataFusionError, sql: &str, context: &StatementContext) -> SqlError {
        let told = located_error(error, sql);
        let Some(name) = error::suspect(error) else { return told };
        let Ok(mut session) = self.session(context) else { return told };
        let reporter = error::Reporter::new(&name, &session);
        if session.register_udf(Arc::new(ScalarUDF::new_from_impl(reporter))).is_err() {
            return told;
        }
        let planned = async {
            let plan = logical_plan(&session, &parse_statement(&session, sql)?, &[]).await?;
            session.analyzer().execute_and_check(plan, session.config_options(), |_, _| {})
        };
        match planned.await {
            Err(reported) if matches!(reported.find_root(), DataFusionError::External(_)) => {
                located_error(&reported, sql)
            }
            _ => told,
        }
    }

    /// Starts a query.
    pub async fn run(
        &self,
        sql: &str,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<QueryRun, SqlError> {
        self.run_parsed(&self.parse_query(sql)?, context, parameters).await
    }

    /// Starts a query that was parsed before.
    pub async fn run_parsed(
        &self,
        query: &ParsedQuery,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<QueryRun, SqlError> {
        let prepared = self.prepare(query, context, parameters).await?;
        let rows = execute_stream(prepared.plan, prepared.session.task_ctx());
        let rows = rows.map_err(|error| located_error(&error, &query.sql))?;
        Ok(QueryRun { columns: Arc::new(shown_columns(&rows.schema())), rows, coverage: prepared.coverage })
    }

    /// Plans a query to be shown, and maybe run.
    pub async fn explain(
        &self,
        sql: &str,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<Explanation, SqlError> {
        let started = self.clock.monotonic();
        let Prepared { session, plan, coverage } = self.prepare(&self.parse_query(sql)?, context, parameters).await?;
        let planning = self.clock.monotonic().since(started);
        Ok(Explanation { plan, session, coverage, sql: sql.to_owned(), planning })
    }

    /// The memory and disk that queries share.
    pub fn runtime(&self) -> &Arc<RuntimeEnv> {
        self.engine.runtime()
    }

    /// Whether there is a role of this name.
    pub fn has_role(&self, name: &str) -> bool {
        self.facts.role(name).is_some()
    }

    /// Whether there is a database of this name.
    pub fn has_database(&self, name: &str) -> bool {
        self.catalog.databases.contains_key(name)
    }

    /// Whether a relation of this name, as written or through the search path, is a view.
    pub fn is_view(&self, context: &StatementContext, name: &str) -> bool {
        let found = |schema: &str, name: &str| self.views.contains_key(&format!("{schema}.{name}"));
        match name.split_once('.') {
            Some((schema, name)) => found(schema, name),
            None => context.search_path.iter().any(|schema| found(schema, name)),
        }
    }

    async fn prepare(
        &self,
        query: &ParsedQuery,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<Prepared, SqlError> {
        let session = self.session(context)?;
        let planned = async {
            let told = |(index, value): (usize, &ScalarValue)| type_of_parameter(value, query.parameters.get(index));
            let known: Vec<_> = parameters.iter().enumerate().map(told).collect();
            let (mut plan, _) = typed_plan(&session, &query.statement, &known).await?;
            if !parameters.is_empty() {
                let values = parameters.into_iter().map(ScalarAndMetadata::from).collect();
                plan = plan.with_param_values(ParamValues::List(values))?;
            }
            self.physical_plan(&session, &plan, context).await
        };
        let planned: Result<_, DataFusionError> = planned.await;
        match planned {
            Ok((plan, coverage)) => Ok(Prepared { session, plan, coverage }),
            Err(error) => Err(self.told(&error, &query.sql, context).await),
        }
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
        let scans = FleetScanPlanner { statement: Arc::clone(&statement) };
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(scans)]);
        let plan = planner.create_physical_plan(&optimised, session).await?;
        Ok((with_watched_joins(plan, &statement)?, coverage))
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
        let functions = Arc::new(functions::FunctionContext {
            catalog: Arc::clone(&self.facts),
            session,
            control: context.control.clone(),
        });
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
            settings: Arc::clone(&context.shown_settings),
            table_bytes: self.table_bytes(),
            activity: self.node.activity.clone(),
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
                let plan = logical_plan(&session, &parse_statement(&session, &view.sql)?, &[]).await?;
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

/// A text as the engine's parser reads it.
fn parse_statement(session: &SessionState, sql: &str) -> Result<EngineStatement, DataFusionError> {
    session.sql_to_statement(sql, &datafusion::config::Dialect::PostgreSQL)
}

async fn logical_plan(
    session: &SessionState,
    statement: &EngineStatement,
    parameters: &[Option<ParameterType>],
) -> Result<LogicalPlan, DataFusionError> {
    let mut statement = statement.clone();
    if let EngineStatement::Statement(inner) = &mut statement {
        if let Some(refusal) = rewrite::refused(inner) {
            return Err(DataFusionError::NotImplemented(refusal.to_owned()));
        }
        rewrite::rewrite_with_parameters(inner, parameters);
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
        query => functions::with_names(query, session),
    }
}

/// The plan of a query and the types of `$1..$n`: what the client declared, else what the query tells, else text.
async fn typed_plan(
    session: &SessionState,
    statement: &EngineStatement,
    hints: &[Option<ParameterType>],
) -> Result<(LogicalPlan, Vec<SqlType>), DataFusionError> {
    let plan = logical_plan(session, statement, hints).await?;
    let inferred = parameters::inferred(&plan, |number| hints.get(number - 1).copied().flatten().is_some())?;
    let count = inferred.keys().copied().max().unwrap_or(0).max(hints.len());
    if count > usize::from(u16::MAX) {
        return Err(DataFusionError::External(Box::new(SqlError::new(
            Code::StatementTooComplex,
            "too many parameters",
        ))));
    }
    let known = |index: usize| hints.get(index).copied().flatten();
    let types: Vec<SqlType> = (0..count)
        .map(|index| {
            let told = inferred.get(&(index + 1)).copied().flatten();
            known(index).map(|known| known.kind).or(told).unwrap_or(SqlType::Text)
        })
        .collect();
    if (0..count).all(|index| known(index).is_some()) {
        return Ok((plan, types));
    }
    let plain = |kind: SqlType| ParameterType { kind, scale: None };
    let all: Vec<_> = types.iter().enumerate().map(|(index, kind)| known(index).or(Some(plain(*kind)))).collect();
    Ok((logical_plan(session, statement, &all).await?, types))
}

/// The type that a parameter was described with, else that of its value; none where texts of several types look
/// alike.
fn type_of_parameter(value: &ScalarValue, described: Option<&SqlType>) -> Option<ParameterType> {
    let data_type = value.data_type();
    let kind = match &data_type {
        _ if described.is_some() => described.copied()?,
        DataType::FixedSizeBinary(16) => SqlType::Uuid,
        DataType::List(item) if item.data_type() == &DataType::FixedSizeBinary(16) => SqlType::UuidArray,
        data_type if data_type.is_string() || data_type.is_null() => return None,
        data_type => SqlType::from_arrow(data_type)?,
    };
    let scale = match data_type {
        DataType::Decimal128(_, scale) => u8::try_from(scale).ok(),
        _ => None,
    };
    Some(ParameterType { kind, scale })
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
        control: None,
    }
}
