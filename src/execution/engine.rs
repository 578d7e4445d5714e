//! The query engine as this project uses it: one configuration, one set of functions, for owners
//! and coordinators alike, so that an expression means the same on every node.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider};
use datafusion::error::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;

use super::cooperative::YieldingJoins;
use super::distinct_count;
use super::soft_limits::SoftLimits;
use crate::types::FragmentSettings;

/// How much the engine may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// Memory of all running queries together, in bytes; beyond it they spill or fail with 53200.
    pub memory_bytes: usize,
    /// Where spilled rows go; none keeps them in the system's temporary folder.
    pub spill_directory: Option<PathBuf>,
    /// Partitions a plan is split into.
    pub partitions: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { memory_bytes: 512 * 1024 * 1024, spill_directory: None, partitions: 2 }
    }
}

/// Stack that parser and engine want before they recurse further: frames of an unoptimised build are
/// large, and a stack that is exhausted ends the process.
const STACK_LEFT_MIN: usize = 1024 * 1024;
/// Bytes of a further stack.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// The functions that owners evaluate.
#[derive(Debug, Clone, Copy)]
pub struct OwnerFunctions {
    /// Adds those that depend on their arguments alone; called once.
    pub lasting: fn(&mut SessionState) -> Result<()>,
    /// Adds those that depend on the client's settings or the statement's moment; called for every
    /// statement and fragment.
    pub of_statement: fn(&mut SessionState, &FragmentSettings) -> Result<()>,
}

/// The engine of one node; makes a fresh session for every statement and fragment.
///
/// Sessions are copies of a state that is set up once: registering some hundred functions takes longer
/// than running a small fragment.
#[derive(Debug)]
pub struct Engine {
    base: SessionState,
    functions: OwnerFunctions,
    owners_functions: BTreeSet<String>,
}

impl Engine {
    /// Sets the engine up with the functions that owners evaluate.
    pub fn new(config: &EngineConfig, functions: OwnerFunctions) -> Result<Self> {
        recursive::set_minimum_stack_size(STACK_LEFT_MIN);
        recursive::set_stack_allocation_size(STACK_BYTES);
        let mut base = SessionStateBuilder::new()
            .with_config(session_config(config))
            .with_runtime_env(runtime(config)?)
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(YieldingJoins))
            .with_physical_optimizer_rule(Arc::new(SoftLimits))
            .build();
        base.register_udaf(Arc::new(distinct_count::count()))?;
        (functions.lasting)(&mut base)?;
        let mut engine = Self { base, functions, owners_functions: BTreeSet::new() };
        let sample = engine.session(StatementCatalog::new("", BTreeMap::new()), &FragmentSettings::default())?;
        engine.owners_functions = sample.scalar_functions().keys().cloned().collect();
        Ok(engine)
    }

    /// The session of a fragment: these tables, and the functions that owners evaluate.
    pub fn session(&self, catalog: Arc<StatementCatalog>, settings: &FragmentSettings) -> Result<SessionState> {
        self.session_from(&self.base, catalog, settings)
    }

    /// The session of a statement: as for a fragment, and with whatever was added to a copy of
    /// [`Engine::base`].
    pub fn session_from(
        &self,
        base: &SessionState,
        catalog: Arc<StatementCatalog>,
        settings: &FragmentSettings,
    ) -> Result<SessionState> {
        let mut session = base.clone();
        session.config_mut().options_mut().catalog.default_catalog.clone_from(&catalog.database);
        session.register_catalog_list(catalog);
        (self.functions.of_statement)(&mut session, settings)?;
        let now = chrono::DateTime::from_timestamp_micros(settings.now_us);
        session.execution_props_mut().query_execution_start_time = now;
        Ok(session)
    }

    /// A session without tables, and with functions only that no statement changes.
    pub fn base(&self) -> SessionState {
        self.base.clone()
    }

    /// Whether owners know a function of this name.
    pub fn has_scalar_function(&self, name: &str) -> bool {
        self.owners_functions.contains(name)
    }

    /// The memory and disk that queries share.
    pub fn runtime(&self) -> &Arc<RuntimeEnv> {
        self.base.runtime_env()
    }
}

fn session_config(config: &EngineConfig) -> SessionConfig {
    let mut session = SessionConfig::new()
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false)
        .with_target_partitions(config.partitions)
        .with_default_catalog_and_schema("kubearmor", "public");
    let options = session.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.schema_force_view_types = false;
    options.sql_parser.dialect = datafusion::config::Dialect::PostgreSQL;
    options.sql_parser.collect_spans = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    session
}

fn runtime(config: &EngineConfig) -> Result<Arc<RuntimeEnv>> {
    let disk = match &config.spill_directory {
        Some(directory) => DiskManagerMode::Directories(vec![directory.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(config.memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(disk))
        .build_arc()
}

/// The database that a statement or fragment sees, as the engine's catalog.
#[derive(Debug)]
pub struct StatementCatalog {
    database: String,
    schemas: BTreeMap<String, Arc<dyn SchemaProvider>>,
}

impl StatementCatalog {
    /// One database with these schemas.
    pub fn new(database: &str, schemas: BTreeMap<String, Arc<dyn SchemaProvider>>) -> Arc<Self> {
        Arc::new(Self { database: database.to_owned(), schemas })
    }
}

impl CatalogProviderList for StatementCatalog {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![self.database.clone()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == self.database).then(|| Arc::new(EngineDatabase(self.schemas.clone())) as Arc<dyn CatalogProvider>)
    }
}

#[derive(Debug)]
struct EngineDatabase(BTreeMap<String, Arc<dyn SchemaProvider>>);

impl CatalogProvider for EngineDatabase {
    fn schema_names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        self.0.get(name).map(Arc::clone)
    }
}
