//! A fleet of nodes in one process: real stores, runners and planners, no network.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod faults;
pub(crate) mod rows;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use armorlake::catalog::{Catalog, Table, builtin};
use armorlake::env::{Clock, SystemClock};
use armorlake::execution::{CoverageReport, Engine, EngineConfig, LocalRunner, MissingNodes, StatusTables};
use armorlake::mesh::{Fleet, FragmentRequest, FragmentRunner, Member, MemberStatus, MeshError, ReplyStream, Role};
use armorlake::planner::{CatalogOnly, NodeFacts, Planner, StatementContext, functions, sql_error_from_engine};
use armorlake::storage::{Store, StoreConfig};
use armorlake::system::RoleFacts;
use armorlake::types::{Code, FragmentSettings, NodeName, QueryId, SqlError};
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use faults::Fault;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

/// The instant that `now()` is in every statement of these tests: 2026-11-23 12:00:00 UTC.
pub(crate) const NOW_US: i64 = 1_795_435_200_000_000;

/// The object id of the role `reader`.
const READER_OID: u32 = 16_450;

/// Nodes `n1..`, each with its own store; the planner is that of `n1`.
pub(crate) struct TestFleet {
    pub(crate) planner: Planner,
    pub(crate) nodes: Vec<TestNode>,
    pub(crate) network: Arc<TestNetwork>,
    _directory: tempfile::TempDir,
}

pub(crate) struct TestNode {
    pub(crate) name: NodeName,
    pub(crate) store: Arc<Store>,
}

/// Reaches the nodes without a network; a node can be made to fail.
#[derive(Debug)]
pub(crate) struct TestNetwork {
    own: NodeName,
    runners: BTreeMap<NodeName, (Arc<LocalRunner>, Arc<Store>)>,
    pub(crate) broken: Mutex<BTreeMap<NodeName, MeshError>>,
    pub(crate) faults: Mutex<BTreeMap<NodeName, Fault>>,
    /// Rows that arrive at an owner right before each request.
    pub(crate) append_before_each: Mutex<Option<RecordBatch>>,
    pub(crate) requests: AtomicUsize,
}

#[derive(Debug)]
struct NoTables;

impl StatusTables for NoTables {
    fn rows(&self, table: &Table) -> Result<RecordBatch, SqlError> {
        Ok(RecordBatch::new_empty(Arc::clone(&table.arrow)))
    }
}

#[async_trait]
impl Fleet for TestNetwork {
    fn own_name(&self) -> &NodeName {
        &self.own
    }

    fn members(&self) -> Vec<Member> {
        let member = |(name, (_, store)): (&NodeName, &(Arc<LocalRunner>, Arc<Store>))| Member {
            name: name.clone(),
            role: Role::Edge,
            address: String::new(),
            version: "test".to_owned(),
            status: MemberStatus::Up,
            reason: None,
            status_since_us: 0,
            last_heard_us: None,
            tables: Arc::new(store.summaries()),
            summary_age: Some(Duration::ZERO),
            is_self: name == &self.own,
        };
        self.runners.iter().map(member).collect()
    }

    async fn request(&self, owner: &NodeName, request: FragmentRequest) -> Result<ReplyStream, MeshError> {
        if let Some(error) = self.broken.lock().expect("lock").get(owner) {
            return Err(error.clone());
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        let (runner, store) = &self.runners[owner];
        let late = self.append_before_each.lock().expect("lock").clone();
        if let Some(rows) = late {
            store.append(vec![("logs".to_owned(), rows)], Vec::new()).await.expect("append");
        }
        let fault = {
            let mut faults = self.faults.lock().expect("lock");
            let fault = faults.get(owner).cloned();
            faults.retain(|node, fault| node != owner || !matches!(fault, Fault::Once(_)));
            fault
        };
        let reply = runner.run(&self.own, request).await?;
        Ok(match fault {
            Some(fault) => fault.play(reply),
            None => reply,
        })
    }
}

pub(crate) fn catalog() -> Arc<Catalog> {
    Arc::new(builtin().expect("embedded catalog"))
}

pub(crate) fn engine(config: &EngineConfig) -> Arc<Engine> {
    Arc::new(Engine::new(config, functions::OF_OWNERS).expect("engine"))
}

impl TestFleet {
    /// `count` nodes without rows.
    pub(crate) async fn new(count: usize) -> Self {
        Self::with_engine(count, &EngineConfig::default()).await
    }

    /// The same with an engine of this configuration.
    pub(crate) async fn with_engine(count: usize, config: &EngineConfig) -> Self {
        let (catalog, engine) = (catalog(), engine(config));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let directory = tempfile::tempdir().expect("temporary folder");
        let (mut nodes, mut runners) = (Vec::new(), BTreeMap::new());
        for number in 1..=count {
            let name = NodeName::new(&format!("n{number}")).expect("name");
            let config = StoreConfig {
                directory: directory.path().join(name.as_str()),
                seal_rows: usize::MAX,
                seal_bytes: usize::MAX,
                seal_age: Duration::from_secs(3600),
                cache_bytes: 4 << 20,
            };
            let tables = catalog.event_tables().map(Arc::clone).collect();
            let store = Store::open(config, name.clone(), tables, Arc::clone(&clock)).await.expect("store");
            let runner = Arc::new(LocalRunner::new(
                Arc::clone(&engine),
                Arc::clone(&catalog),
                Arc::clone(&store),
                Arc::new(NoTables),
                Arc::clone(&clock),
                sql_error_from_engine,
            ));
            runners.insert(name.clone(), (runner, Arc::clone(&store)));
            nodes.push(TestNode { name, store });
        }
        let own = nodes[0].name.clone();
        let network = Arc::new(TestNetwork {
            own,
            runners,
            broken: Mutex::default(),
            faults: Mutex::default(),
            append_before_each: Mutex::default(),
            requests: AtomicUsize::new(0),
        });
        let fleet: Arc<dyn Fleet> = Arc::clone(&network) as Arc<dyn Fleet>;
        // The user whom most tests log in as; what it makes is its own.
        let reader = RoleFacts { oid: READER_OID, is_superuser: false, ..RoleFacts::owner("reader") };
        let facts = NodeFacts { roles: vec![reader], ..NodeFacts::default() };
        let planner = Planner::new(engine, catalog, fleet, facts, clock).await.expect("planner");
        Self { planner, nodes, network, _directory: directory }
    }

    /// The planner alone, the first node's store, and what must live as long as they are used.
    pub(crate) fn into_planner(self) -> (Planner, Arc<Store>, tempfile::TempDir) {
        let store = Arc::clone(&self.nodes[0].store);
        (self.planner, store, self._directory)
    }

    /// The result of a query as text cells, and its coverage.
    pub(crate) async fn query(
        &self,
        sql: &str,
        context: &StatementContext,
    ) -> Result<(Vec<Vec<String>>, CoverageReport), SqlError> {
        self.query_with(sql, context, Vec::new()).await
    }

    /// The same with parameters.
    pub(crate) async fn query_with(
        &self,
        sql: &str,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<(Vec<Vec<String>>, CoverageReport), SqlError> {
        let mut run = self.planner.run(sql, context, parameters).await?;
        let mut rows = Vec::new();
        while let Some(batch) = run.rows.next().await {
            let batch = batch.map_err(|error| sql_error_from_engine(&error))?;
            rows.extend(cells(&batch).map_err(|error| SqlError::new(Code::Internal, error.to_string()))?);
        }
        Ok((rows, run.coverage.report()))
    }
}

fn cells(batch: &RecordBatch) -> Result<Vec<Vec<String>>, datafusion::arrow::error::ArrowError> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<_, _>>()?;
    Ok((0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()).collect())
}

/// A statement's context with fixed time.
pub(crate) fn context() -> StatementContext {
    StatementContext {
        query_id: QueryId(uuid::Uuid::new_v4()),
        settings: FragmentSettings {
            now_us: NOW_US,
            current_user: "tester".to_owned(),
            current_database: "kubearmor".to_owned(),
            ..FragmentSettings::default()
        },
        roles: vec!["reader".to_owned()],
        search_path: vec!["public".to_owned()],
        relations: Arc::new(CatalogOnly(Arc::new(armorlake::catalog::builtin().expect("built-in catalog")))),
        missing_nodes: MissingNodes::Warn,
        pruning: true,
        node_timeout: Duration::from_secs(5),
        deadline: None,
        cancel: CancellationToken::new(),
        last_coverage: CoverageReport::default(),
        backend_pid: 1,
        shown_settings: Arc::default(),
        control: None,
    }
}
