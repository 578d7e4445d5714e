//! SQL text -> logical plan -> fragments for the owners + a merge plan for here.
//!
//! The engine plans and optimises over the mesh-wide catalog; `split` then replaces what owners can
//! run by fragments, `prune` decides whom to ask, `execution` runs the rest.

mod changes;
mod context;
pub mod definition;
mod error;
mod explain;
pub mod functions;
mod kept;
mod locks;
mod names;
mod origins;
mod parameters;
mod parse;
mod print;
mod prune;
mod relations;
mod resolve;
pub mod rewrite;
mod split;
mod statement;
mod surroundings;
mod user_types;
mod written;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry, SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::tokenizer::Token;
use tokio::sync::Semaphore;

use crate::catalog::{Catalog, DEFAULT_DATABASE};
use crate::env::Clock;
use crate::execution::{Coverage, Engine, FleetScanPlanner, StatementRun, with_watched_joins};
use crate::mesh::Fleet;
use crate::system::{Activity, CatalogFacts, RoleFacts};
use crate::types::{Code, ColumnOrigin, SqlError, SqlType, USER_TYPE_KEY};

pub use changes::{Arbiter, Change, ChangeKind, Conflict, Copying, LINE, PAIR, changed_table};
pub use context::{SessionControl, StatementContext};
use error::located_error;
pub use error::sql_error_from_engine;
pub use explain::{Explanation, PlanDetail, PlanStep};
pub use functions::FITTING;
use kept::{Conditions, KeptPlan};
pub use locks::RowLock;
pub use names::{DeclaredType, Names, Relation, TEMPORARY, no_schema, of_user_type};
pub use parse::{CURRENT_ROLE, SQL_BYTES_MAX, parse};
pub use prune::SUMMARY_AGE_MAX;
pub use relations::{CatalogOnly, Relations, lives_elsewhere};
use rewrite::ParameterType;
pub use statement::{
    AfterEnd, CopyFormat, CopyHeader, CopyInto, CopyOptions, CopySource, CursorOptions, DiscardTarget, ExplainFormat,
    ExplainOptions, Explained, FetchCount, FetchRows, ForceQuote, InnerQuery, ParsedStatement, Scroll, SetScope,
    SetValue, Statement, StoredChange, StoredRole, StoredScope, TransactionModes,
};
use surroundings::{BuiltInViews, KnownFacts};
pub use written::{Purpose, WrittenExpression, WrittenQuery, write_expression};

/// What a query takes and gives.
#[derive(Debug, Clone)]
pub struct Description {
    /// Types of its parameters `$1..$n`.
    pub parameters: Vec<SqlType>,
    /// Its result's columns; see [`SqlType::of_field`].
    pub columns: SchemaRef,
    /// It gives rows: a change without RETURNING does not.
    pub returns: bool,
}

/// A query that was parsed once, to be run any number of times.
///
/// Names, settings and the moment come in when it is planned, so it stays good for as long as the client keeps it.
/// From its second run on it keeps its plan for runs under the same conditions, where the plan can outlive a run.
#[derive(Debug, Clone)]
pub struct ParsedQuery {
    sql: Arc<str>,
    statement: Arc<EngineStatement>,
    /// What its description told of `$1..$n`; none before.
    parameters: Arc<[SqlType]>,
    kept: Arc<KeptPlan>,
}

impl ParsedQuery {
    /// The query whose parameters have the types of its description, which its runs keep to.
    #[must_use]
    pub fn described(self, description: &Description) -> Self {
        Self { parameters: description.parameters.as_slice().into(), ..self }
    }

    /// How many runs used the plan of a run before, and how many made one.
    pub fn plan_counts(&self) -> (u64, u64) {
        self.kept.counts()
    }

    /// Whether it has a plan that its next run may use again.
    pub fn keeps_plan(&self) -> bool {
        self.kept.is_kept()
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
    /// What is there before any user makes something.
    built_in: Arc<Catalog>,
    fleet: Arc<dyn Fleet>,
    node: NodeFacts,
    clock: Arc<dyn Clock>,
    /// What does not change with the catalog: the roles.
    roles: CatalogFacts,
    views: BuiltInViews,
    /// Facts of the snapshots that statements used last, the newest use last.
    known: Mutex<Vec<KnownFacts>>,
    /// How many plans may still be kept.
    places: Arc<Semaphore>,
}

/// A statement ready to run.
struct Prepared {
    session: SessionState,
    plan: Arc<dyn ExecutionPlan>,
    /// The tables' columns that its columns are.
    origins: Vec<Option<ColumnOrigin>>,
    coverage: Coverage,
}

impl Prepared {
    fn started(self) -> Result<QueryRun, DataFusionError> {
        let rows = execute_stream(self.plan, self.session.task_ctx())?;
        let columns = Arc::new(shown_columns(&rows.schema(), &self.origins, &self.session));
        Ok(QueryRun { columns, rows, coverage: self.coverage })
    }
}

impl Planner {
    /// A planner over the built-in catalog, whose views it plans once.
    pub async fn new(
        engine: Arc<Engine>,
        built_in: Arc<Catalog>,
        fleet: Arc<dyn Fleet>,
        node: NodeFacts,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SqlError> {
        let roles = CatalogFacts::new(Arc::clone(&built_in), DEFAULT_DATABASE, node.roles.clone(), BTreeMap::new());
        let mut base = engine.base();
        functions::register_tables(&mut base).map_err(|error| sql_error_from_engine(&error))?;
        let (views, known) = (BuiltInViews::default(), Mutex::default());
        let places = Arc::new(Semaphore::new(kept::PLANS_MAX));
        let mut planner = Self { engine, base, built_in, fleet, node, clock, roles, views, known, places };
        planner.views = planner.plan_built_in_views().await.map_err(|error| sql_error_from_engine(&error))?;
        planner.known = Mutex::default();
        Ok(planner)
    }

    /// Parses a query, to be run any number of times.
    pub fn parse_query(&self, sql: &str) -> Result<ParsedQuery, SqlError> {
        let statement = parse_statement(sql).map_err(|error| located_error(&error, sql))?;
        Ok(ParsedQuery {
            sql: sql.into(),
            statement: Arc::new(statement),
            parameters: Arc::default(),
            kept: Arc::default(),
        })
    }

    /// Finds out parameters and columns; `hints` are the types that the client declared.
    pub async fn describe(
        &self,
        query: &ParsedQuery,
        context: &StatementContext,
        hints: &[Option<SqlType>],
    ) -> Result<Description, SqlError> {
        let session = self.session(context)?;
        match describe_in(query, &session, hints).await {
            Ok(description) => Ok(description),
            Err(error) => Err(self.told(&error, &query.sql, context).await),
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
            let plan = logical_plan(&session, &parse_statement(sql)?, &[]).await?;
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
        self.prepare(query, context, parameters).await?.started().map_err(|error| located_error(&error, &query.sql))
    }

    /// Plans a query to be shown, and maybe run.
    pub async fn explain(
        &self,
        sql: &str,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<Explanation, SqlError> {
        let started = self.clock.monotonic();
        let Prepared { session, plan, coverage, .. } =
            self.prepare(&self.parse_query(sql)?, context, parameters).await?;
        let planning = self.clock.monotonic().since(started);
        Ok(Explanation { plan, session, coverage, sql: sql.to_owned(), planning })
    }

    /// The memory and disk that queries share.
    pub fn runtime(&self) -> &Arc<RuntimeEnv> {
        self.engine.runtime()
    }

    /// Whether there is a role of this name.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.role(name).is_some()
    }

    /// What is there before any user makes something.
    pub fn built_in(&self) -> &Arc<Catalog> {
        &self.built_in
    }

    /// Whether a relation of this name, as written or through the search path, is a view.
    pub fn is_view(&self, context: &StatementContext, name: &str) -> bool {
        let catalog = context.relations.catalog();
        let Some(database) = catalog.databases.get(&context.settings.current_database) else { return false };
        let found = |schema: &str, name: &str| {
            database.schemas.get(schema).is_some_and(|schema| schema.views.contains_key(name))
        };
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
        match self.prepare_in(query, session, context, parameters).await {
            Ok(prepared) => Ok(prepared),
            Err(error) => Err(self.told(&error, &query.sql, context).await),
        }
    }

    async fn prepare_in(
        &self,
        query: &ParsedQuery,
        session: SessionState,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<Prepared, DataFusionError> {
        let told = |(index, value): (usize, &ScalarValue)| type_of_parameter(value, query.parameters.get(index));
        let known: Vec<_> = parameters.iter().enumerate().map(told).collect();
        let conditions = Conditions::new(context, &known);
        let (mut plan, origins) = match query.kept.get(&conditions, (&self.base, &session))? {
            Some(planned) => planned,
            None => {
                let (plan, _) = typed_plan(&session, &query.statement, &known).await?;
                let origins = origins_of(&plan, &session);
                let planned = (plan, origins);
                query.kept.keep(conditions, &planned, (&self.base, &session), &self.places);
                planned
            }
        };
        if !parameters.is_empty() {
            let values = parameters.into_iter().map(ScalarAndMetadata::from).collect();
            plan = plan.with_param_values(ParamValues::List(values))?;
        }
        let (plan, coverage) = self.physical_plan(&session, &plan, context).await?;
        Ok(Prepared { session, plan, origins, coverage })
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
}

async fn describe_in(
    query: &ParsedQuery,
    session: &SessionState,
    hints: &[Option<SqlType>],
) -> Result<Description, DataFusionError> {
    let declared: Vec<_> = hints.iter().map(|hint| hint.map(|kind| ParameterType { kind, scale: None })).collect();
    let (plan, parameters) = typed_plan(session, &query.statement, &declared).await?;
    let origins = origins_of(&plan, session);
    let plan = session.analyzer().execute_and_check(plan, session.config_options(), |_, _| {})?;
    let columns = Arc::new(shown_columns(plan.schema().as_arrow(), &origins, session));
    Ok(Description { parameters, columns, returns: true })
}

/// The columns of tables and views that a query's columns are.
fn origins_of(plan: &LogicalPlan, session: &SessionState) -> Vec<Option<ColumnOrigin>> {
    let views = session.config().get_extension::<relations::StatementViews>();
    views.as_ref().and_then(|views| views.names()).map(|names| origins::of_plan(plan, &names)).unwrap_or_default()
}

/// The columns under the names and types that clients see, with where they come from.
fn shown_columns(schema: &Schema, origins: &[Option<ColumnOrigin>], session: &SessionState) -> Schema {
    let views = session.config().get_extension::<relations::StatementViews>();
    let is_told = |oid: &String| oid.parse().is_ok_and(|oid| views.as_ref().is_some_and(|views| views.is_told(oid)));
    let origins = origins.iter().copied().chain(std::iter::repeat(None));
    let fields = schema.fields().iter().zip(origins).map(|(field, origin)| {
        let mut field = field.as_ref().clone().with_name(rewrite::shown_name(field.name()));
        if field.metadata().get(USER_TYPE_KEY).is_some_and(|oid| !is_told(oid)) {
            field.metadata_mut().remove(USER_TYPE_KEY);
        }
        if let Some(origin) = origin {
            origin.put_into(&mut field);
        }
        field
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// A text as the engine's parser reads it.
fn parse_statement(sql: &str) -> Result<EngineStatement, DataFusionError> {
    let unreadable = |error| DataFusionError::SQL(Box::new(error), None);
    let mut parser = parse::parser(sql).map_err(unreadable)?;
    let statement = parser.parse_statement().map_err(unreadable)?;
    if parser.peek_token_ref().token != Token::EOF {
        let error = parser.expected_ref::<EngineStatement>("end of statement", parser.peek_token_ref());
        return error.map_err(unreadable);
    }
    Ok(EngineStatement::Statement(Box::new(statement)))
}

/// The plan of a query for a client, who sees objects by their names.
async fn logical_plan(
    session: &SessionState,
    statement: &EngineStatement,
    parameters: &[Option<ParameterType>],
) -> Result<LogicalPlan, DataFusionError> {
    functions::with_names(plan_of(session, statement, parameters).await?, session)
}

/// The plan of a query, with the views that it names.
async fn plan_of(
    session: &SessionState,
    statement: &EngineStatement,
    parameters: &[Option<ParameterType>],
) -> Result<LogicalPlan, DataFusionError> {
    let mut statement = statement.clone();
    if let EngineStatement::Statement(inner) = &mut statement {
        if let Some(refusal) = rewrite::refused(inner) {
            return Err(DataFusionError::NotImplemented(refusal.to_owned()));
        }
        rewrite::check_clauses(inner).map_err(|error| DataFusionError::External(Box::new(error)))?;
        rewrite::rewrite_with_parameters(inner, parameters);
        let views = session.config().get_extension::<relations::StatementViews>();
        if let Some(names) = views.as_ref().and_then(|views| views.names()) {
            user_types::rewrite(inner, names).map_err(|error| DataFusionError::External(Box::new(error)))?;
        }
    }
    relations::plan_views(session, &statement).await?;
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
        query => functions::with_common_types(query, session),
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
