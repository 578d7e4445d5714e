//! Builds every room bottom up, owns the tasks, stops in order; the only file that knows all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use tokio::sync::watch;

use crate::catalog::{Catalog, Published, Table, builtin};
use crate::config::{Config, Credential, FeedStream, PgTls, PgUser, RequireTls, UserCertificate};
use crate::env::{Clock, Random, SystemClock, SystemRandom};
use crate::execution::{Engine, EngineConfig, LocalRunner, StatusTables};
use crate::ingest::{self, Ingest};
use crate::mesh::{Alone, Fleet, FragmentRunner, KnownMember, Mesh, MeshConfig, Role};
use crate::pg::{CertificateUse, Databases, Listener, PgConfig, PgLimits, ScramVerifier, TlsUse, Trust, UserConfig};
use crate::planner::{self, NodeFacts, Planner, sql_error_from_engine};
use crate::session::{Channels, FleetCatalog, SessionList, SessionShared, SettingsKeeper, StoredSettings};
use crate::storage::{Store, StoreConfig};
use crate::system::{RoleFacts, mesh as status};
use crate::tasks::Tasks;
use crate::tls::{PostgresAcceptor, ServerCertificate, TlsMaterial};
use crate::types::{Code, EventKind, NodeName, SqlError, TableSummary};

/// How long work in flight may take when the node stops.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// The store's document that remembers the other nodes over a restart.
const KNOWN_MEMBERS: &str = "mesh.known";
/// First object id of the roles that the configuration names.
const FIRST_ROLE_OID: u32 = 16_450;

/// A running node.
#[derive(Debug)]
pub struct Node {
    tasks: Tasks,
    store: Arc<Store>,
    mesh: Option<Arc<Mesh>>,
    pg_address: SocketAddr,
}

/// What every room is given.
struct Ground {
    name: NodeName,
    role: Role,
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tasks: Tasks,
    started_us: i64,
}

impl Node {
    /// Starts a node: store, feeds, mesh, PostgreSQL, in this order.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ground = Ground {
            name: config.node.name.clone(),
            role: role_of(&config),
            catalog: Arc::new(builtin()?),
            started_us: clock.now_us(),
            clock,
            random: Arc::new(SystemRandom),
            tasks: Tasks::new(),
        };
        let store = open_store(&config, &ground).await?;
        let summaries = publish_summaries(&store, &ground.tasks);
        let engine = Arc::new(engine(&config)?);
        let own_status =
            Arc::new(OwnStatus { node: ground.name.clone(), store: Arc::clone(&store), ingest: OnceLock::new() });
        let runner = Arc::new(LocalRunner::new(
            Arc::clone(&engine),
            Arc::clone(&ground.catalog),
            Arc::clone(&store),
            Arc::clone(&own_status) as Arc<dyn StatusTables>,
            Arc::clone(&ground.clock),
            sql_error_from_engine,
        ));
        let (fleet, mesh) = join(&config, &ground, &store, runner, summaries).await?;
        let sessions = SessionList::default();
        let facts = node_facts(&config, &ground, &sessions);
        let planner =
            Planner::new(engine, Arc::clone(&ground.catalog), fleet, facts, Arc::clone(&ground.clock)).await?;
        let catalogs = fleet_catalog(mesh.as_ref(), &store, &ground.tasks).await?;
        let pg_address = open_pg(&config, &ground, &store, catalogs, planner, sessions).await?;
        // Events are pulled last: what arrives is asked for at once.
        let _first = own_status.ingest.set(start_ingest(&config, &ground, &store));
        tracing::info!(node = %ground.name, role = ground.role.as_str(), version = env!("CARGO_PKG_VERSION"), "node is up");
        Ok(Self { tasks: ground.tasks, store, mesh, pg_address })
    }

    /// Where PostgreSQL clients connect.
    pub fn pg_address(&self) -> SocketAddr {
        self.pg_address
    }

    /// Returns when a service failed, so that the node cannot go on.
    pub async fn failed(&self) {
        self.tasks.stop_token().cancelled().await;
    }

    /// Stops in order: tells the others, stops taking work, lets work in flight end, closes the store.
    pub async fn stop(&self) -> anyhow::Result<()> {
        if let Some(mesh) = &self.mesh {
            mesh.drain();
        }
        if !self.tasks.stop(STOP_PATIENCE).await {
            tracing::warn!("some work did not end in time and is dropped");
        }
        self.store.close().await.context("close the store")?;
        tracing::info!("stopped");
        Ok(())
    }
}

fn role_of(config: &Config) -> Role {
    match config.node.role {
        crate::config::NodeRole::Edge => Role::Edge,
        crate::config::NodeRole::Query => Role::Query,
        crate::config::NodeRole::Admin => Role::Admin,
    }
}

async fn open_store(config: &Config, ground: &Ground) -> anyhow::Result<Arc<Store>> {
    let store_config = StoreConfig {
        directory: config.node.data_dir.clone(),
        seal_rows: config.storage.seal_rows,
        seal_bytes: config.storage.seal_bytes,
        seal_age: config.storage.seal_age,
        cache_bytes: config.storage.cache_bytes,
    };
    let tables = ground.catalog.event_tables().map(Arc::clone).collect();
    let store = Store::open(store_config, ground.name.clone(), tables, Arc::clone(&ground.clock));
    let store = store.await.context("open the store")?;
    let sealing = Arc::clone(&store);
    ground.tasks.spawn("seal", |stop| async move {
        sealing.run_sealing(stop).await;
        Ok(())
    });
    Ok(store)
}

/// What the mesh tells of this node's tables, after every commit.
fn publish_summaries(store: &Arc<Store>, tasks: &Tasks) -> watch::Receiver<BTreeMap<String, TableSummary>> {
    let mut changes = store.changes();
    let (sender, receiver) = watch::channel(store.summaries());
    let store = Arc::clone(store);
    tasks.spawn("publish summaries", |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = changes.changed() => changed.context("the store is gone")?,
            }
            sender.send_replace(store.summaries());
        }
    });
    receiver
}

fn engine(config: &Config) -> anyhow::Result<Engine> {
    let spill = config.node.data_dir.join("spill");
    std::fs::create_dir_all(&spill).with_context(|| format!("make {}", spill.display()))?;
    let engine_config = EngineConfig { spill_directory: Some(spill), ..EngineConfig::default() };
    Engine::new(&engine_config, planner::functions::OF_OWNERS).context("set up the query engine")
}

type Joined = (Arc<dyn Fleet>, Option<Arc<Mesh>>);

async fn join(
    config: &Config,
    ground: &Ground,
    store: &Arc<Store>,
    runner: Arc<LocalRunner>,
    summaries: watch::Receiver<BTreeMap<String, TableSummary>>,
) -> anyhow::Result<Joined> {
    let runner: Arc<dyn FragmentRunner> = runner;
    let version = env!("CARGO_PKG_VERSION");
    let Some(mesh) = &config.mesh else {
        let alone = Alone::new(ground.name.clone(), ground.role, version, ground.started_us, runner, summaries);
        return Ok((Arc::new(alone), None));
    };
    let tls = TlsMaterial::load(&mesh.tls.ca, &mesh.tls.cert, &mesh.tls.key).context("read the node's certificate")?;
    let known = store.document(KNOWN_MEMBERS).await?.unwrap_or_else(|| b"[]".to_vec());
    // What was known is a help, not a need: a document of a later version starts from nothing.
    let known: Vec<KnownMember> = serde_json::from_slice(&known).unwrap_or_default();
    let mesh_config = MeshConfig {
        name: ground.name.clone(),
        role: ground.role,
        listen: mesh.listen,
        advertise: mesh.advertise.as_ref().map(ToString::to_string),
        seeds: mesh.seeds.iter().map(ToString::to_string).collect(),
        version: version.to_owned(),
    };
    let (clock, random) = (Arc::clone(&ground.clock), Arc::clone(&ground.random));
    let mesh = Mesh::start(mesh_config, tls, runner, summaries, known, clock, random, &ground.tasks).await?;
    tracing::info!(service = "mesh", address = %mesh.local_addr(), "listening");
    remember_members(&mesh, store, &ground.tasks);
    Ok((Arc::clone(&mesh) as Arc<dyn Fleet>, Some(mesh)))
}

/// Keeps the known members in the store, so that a dead node is still missed after a restart.
fn remember_members(mesh: &Arc<Mesh>, store: &Arc<Store>, tasks: &Tasks) {
    let (mesh, store, mut changes) = (Arc::clone(mesh), Arc::clone(store), mesh.changes());
    tasks.spawn("remember members", |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = changes.changed() => changed.context("the mesh is gone")?,
            }
            store.put_document(KNOWN_MEMBERS, serde_json::to_vec(&mesh.known())?).await?;
        }
    });
}

/// Tells the mesh what users made here, and keeps what it tells.
async fn fleet_catalog(
    mesh: Option<&Arc<Mesh>>,
    store: &Arc<Store>,
    tasks: &Tasks,
) -> anyhow::Result<Arc<FleetCatalog>> {
    let Some(mesh) = mesh else { return Ok(Arc::new(FleetCatalog::alone(Arc::clone(store)))) };
    let mut before = Vec::new();
    for member in mesh.known() {
        let document = store.document(&definitions_of(&member.name)).await?.unwrap_or_default();
        // A help, not a need, as the members are: the node tells again when it is up.
        before.extend(serde_json::from_slice::<Published>(&document).ok());
    }
    mesh.published_before(before);
    publish_definitions(mesh, store, tasks);
    remember_definitions(mesh, store, tasks);
    Ok(Arc::new(FleetCatalog::new(Arc::clone(store), mesh.published())))
}

/// The store's document with what a node made.
fn definitions_of(node: &NodeName) -> String {
    format!("mesh.definitions.{node}")
}

/// Tells the other nodes what users made here, now and after every change.
fn publish_definitions(mesh: &Arc<Mesh>, store: &Arc<Store>, tasks: &Tasks) {
    let (mesh, store, mut changes) = (Arc::clone(mesh), Arc::clone(store), store.catalog_changes());
    tasks.spawn("publish definitions", |stop| async move {
        loop {
            if let Err(error) = mesh.publish(&store.catalog().made_entries()) {
                tracing::error!(%error, "other nodes are not told of the newest definitions");
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = changes.changed() => changed.context("the store is gone")?,
            }
        }
    });
}

/// Keeps what the other nodes made in the store, so that it is known, and missed, while they are down.
fn remember_definitions(mesh: &Arc<Mesh>, store: &Arc<Store>, tasks: &Tasks) {
    let (mut published, store) = (mesh.published(), Arc::clone(store));
    tasks.spawn("remember definitions", |stop| async move {
        let mut kept: Vec<Arc<Published>> = Vec::new();
        loop {
            let now = published.borrow_and_update().to_vec();
            let is_new = |one: &&Arc<Published>| !kept.iter().any(|known| Arc::ptr_eq(known, one));
            for one in now.iter().filter(is_new) {
                store.put_document(&definitions_of(&one.node), serde_json::to_vec(one.as_ref())?).await?;
            }
            for gone in kept.iter().filter(|known| !now.iter().any(|one| one.node == known.node)) {
                store.put_document(&definitions_of(&gone.node), Vec::new()).await?;
            }
            kept = now;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = published.changed() => changed.context("the mesh is gone")?,
            }
        }
    });
}

async fn open_pg(
    config: &Config,
    ground: &Ground,
    store: &Arc<Store>,
    catalogs: Arc<FleetCatalog>,
    planner: Planner,
    sessions: SessionList,
) -> anyhow::Result<SocketAddr> {
    let limits = PgLimits {
        connections_max: config.pg.max_connections,
        reserved: config.pg.reserved_connections,
        message_bytes_max: config.pg.message_bytes_max,
        login_timeout: config.pg.startup_timeout,
    };
    let users = config.pg.users.iter().map(|user| user_of(user, ground.random.as_ref()));
    let pg_config = PgConfig {
        listen: config.pg.listen,
        tls: pg_tls(config)?
            .map(|certificate| PostgresAcceptor::new(certificate, config.pg.client_ca.as_deref()))
            .transpose()
            .context("set TLS up for PostgreSQL clients")?,
        tls_use: match config.pg.require_tls {
            RequireTls::No => TlsUse::Optional,
            RequireTls::Outside => TlsUse::RequiredFromOutside,
            RequireTls::Always => TlsUse::Required,
        },
        users: users.collect::<Result<_, _>>()?,
        trust: if config.pg.trust_loopback { Trust::Loopback } else { Trust::Nobody },
        databases: Arc::new(KnownDatabases(Arc::clone(&catalogs))),
        settings: config.pg.statement_timeout.iter().map(statement_timeout).collect(),
        limits,
    };
    let shared = SessionShared {
        planner: Arc::new(planner),
        store: Arc::clone(store),
        fleet: catalogs,
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
        sessions,
        channels: Channels::default(),
        stored: stored_settings(store).await?,
    };
    let listener = Listener::start(pg_config, shared, &ground.tasks).await?;
    tracing::info!(service = "pg", address = %listener.local_addr(), "listening");
    Ok(listener.local_addr())
}

/// The name under which the store keeps what ALTER ROLE ... SET set.
const STORED_SETTINGS: &str = "role settings";

/// Keeps the stored settings of roles in the node's store.
#[derive(Debug)]
struct StoreKeeper(Arc<Store>);

#[async_trait]
impl SettingsKeeper for StoreKeeper {
    async fn keep(&self, document: Vec<u8>) -> Result<(), SqlError> {
        let kept = self.0.put_document(STORED_SETTINGS, document).await;
        kept.map_err(|error| SqlError::new(error.code(), error.to_string()))
    }
}

async fn stored_settings(store: &Arc<Store>) -> anyhow::Result<StoredSettings> {
    let document = store.document(STORED_SETTINGS).await?;
    Ok(StoredSettings::open(document.as_deref(), Arc::new(StoreKeeper(Arc::clone(store))))?)
}

fn statement_timeout(timeout: &Duration) -> (String, String) {
    ("statement_timeout".to_owned(), format!("{}ms", timeout.as_millis()))
}

/// The certificate that PostgreSQL clients see.
fn pg_tls(config: &Config) -> anyhow::Result<Option<ServerCertificate>> {
    let (cert, key) = match (&config.pg.tls, &config.mesh) {
        (PgTls::Files { cert, key }, _) => (cert, key),
        (PgTls::Node, Some(mesh)) => (&mesh.tls.cert, &mesh.tls.key),
        (PgTls::Off, _) | (PgTls::Node, None) => return Ok(None),
    };
    Ok(Some(ServerCertificate::load(cert, key).context("read the certificate for PostgreSQL clients")?))
}

/// A user with the verifier of its password; the password itself is not kept.
fn user_of(user: &PgUser, random: &dyn Random) -> anyhow::Result<UserConfig> {
    let verifier = match &user.credential {
        Credential::Password(password) => Some(ScramVerifier::from_password(password.expose(), random)),
        Credential::Verifier(text) => Some(ScramVerifier::from_text(text.expose())?),
        Credential::Absent => None,
    };
    let certificate = match user.certificate {
        UserCertificate::Ignored => CertificateUse::Ignored,
        UserCertificate::Required => CertificateUse::Required,
        UserCertificate::Enough => CertificateUse::Enough,
    };
    Ok(UserConfig { name: user.name.clone(), verifier, roles: user.roles.clone(), certificate })
}

/// The databases of the whole mesh.
#[derive(Debug)]
struct KnownDatabases(Arc<FleetCatalog>);

impl Databases for KnownDatabases {
    fn exists(&self, name: &str) -> bool {
        self.0.newest().catalog.databases.contains_key(name)
    }
}

fn start_ingest(config: &Config, ground: &Ground, store: &Arc<Store>) -> Ingest {
    let feeds = config.feeds.iter().map(|feed| ingest::FeedConfig {
        name: feed.name.clone(),
        address: feed.address.to_string(),
        tls: feed.tls.as_ref().and_then(|tls| {
            let identity = tls.identity.as_ref()?;
            Some(ingest::FeedTls {
                ca: tls.ca.clone(),
                cert: identity.cert.clone(),
                key: identity.key.clone(),
                server_name: tls.server_name.clone(),
            })
        }),
        streams: feed.streams.iter().map(event_kind).collect(),
    });
    let tables = ground.catalog.event_tables().map(Arc::clone).collect();
    let (clock, random) = (Arc::clone(&ground.clock), Arc::clone(&ground.random));
    Ingest::start(feeds.collect(), Arc::clone(store), tables, ground.name.clone(), clock, random, &ground.tasks)
}

fn event_kind(stream: &FeedStream) -> EventKind {
    match stream {
        FeedStream::Alerts => EventKind::Alert,
        FeedStream::Logs => EventKind::Log,
        FeedStream::Messages => EventKind::Message,
    }
}

/// Users of the configuration as roles with stable object ids: in the order of their names.
fn node_facts(config: &Config, ground: &Ground, sessions: &SessionList) -> NodeFacts {
    let mut names: Vec<&str> = config.pg.users.iter().map(|user| user.name.as_str()).collect();
    names.sort_unstable();
    let role = |(name, oid): (&str, u32)| RoleFacts {
        oid,
        is_superuser: false,
        can_create_role: false,
        can_create_database: false,
        ..RoleFacts::owner(name)
    };
    NodeFacts {
        roles: names.into_iter().zip(FIRST_ROLE_OID..).map(role).collect(),
        started_us: ground.started_us,
        version: format!("PostgreSQL 15.0 (Armorlake {})", env!("CARGO_PKG_VERSION")),
        activity: Some(Arc::new(sessions.clone())),
    }
}

/// This node's rows of the status tables.
#[derive(Debug)]
struct OwnStatus {
    node: NodeName,
    store: Arc<Store>,
    ingest: OnceLock<Ingest>,
}

impl StatusTables for OwnStatus {
    fn rows(&self, table: &Table) -> Result<RecordBatch, SqlError> {
        let rows = match table.name.as_str() {
            "sources" => status::sources_batch(table, &self.node, &self.sources()),
            "source_gaps" => status::source_gaps_batch(table, &self.node, &self.store.gaps()),
            "tables" => status::tables_batch(table, &self.node, &self.store.version()),
            "segments" => status::segments_batch(table, &self.node, &self.store.version()),
            other => {
                return Err(SqlError::new(Code::UndefinedTable, format!("relation \"mesh.{other}\" does not exist")));
            }
        };
        rows.map_err(|error| sql_error_from_engine(&error))
    }
}

impl OwnStatus {
    fn sources(&self) -> Vec<status::SourceRow> {
        let row = |source: ingest::SourceStatus| status::SourceRow {
            feed: source.feed.to_string(),
            stream: source.stream.to_owned(),
            address: source.address,
            status: if source.connected { "connected" } else { "disconnected" }.to_owned(),
            status_since_us: Some(source.status_since_us),
            epoch: source.epoch,
            received: source.received,
            stored: source.stored,
            dropped: source.dropped,
            malformed: source.malformed,
            last_received_us: source.last_received_us,
            last_error: source.last_error,
        };
        self.ingest.get().map(|ingest| ingest.status().into_iter().map(row).collect()).unwrap_or_default()
    }
}
