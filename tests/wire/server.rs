//! A listener with a planner behind it, for one test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use armorlake::env::{SystemClock, SystemRandom};
use armorlake::pg::{
    CertificateUse, Databases, Listener, PgConfig, PgLimits, ScramVerifier, TlsUse, Trust, UserConfig,
};
use armorlake::session::{Channels, FleetCatalog, SessionInfo, SessionList, SessionShared, StoredSettings};
use armorlake::storage::Store;
use armorlake::tasks::Tasks;

use crate::in_process::TestFleet;

/// The password of the user `reader`.
pub(super) const PASSWORD: &str = "correct horse é";
/// Longest wait for anything in a test.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A running listener.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) sessions: SessionList,
    pub(super) tasks: Tasks,
    _directory: tempfile::TempDir,
}

#[derive(Debug)]
struct OneDatabase;

impl Databases for OneDatabase {
    fn exists(&self, name: &str) -> bool {
        name == "kubearmor"
    }
}

/// The databases that a store knows.
#[derive(Debug)]
struct StoreDatabases(Arc<Store>);

impl Databases for StoreDatabases {
    fn exists(&self, name: &str) -> bool {
        self.0.catalog().databases.contains_key(name)
    }
}

/// What most tests want: known users on loopback need no password.
pub(super) fn config() -> PgConfig {
    PgConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
        tls_use: TlsUse::Optional,
        users: vec![
            UserConfig {
                name: "reader".into(),
                verifier: Some(ScramVerifier::from_password(PASSWORD, &SystemRandom)),
                roles: vec!["reader".into()],
                certificate: CertificateUse::Ignored,
            },
            UserConfig {
                name: "keyless".into(),
                verifier: None,
                roles: Vec::new(),
                certificate: CertificateUse::Ignored,
            },
        ],
        trust: Trust::Loopback,
        databases: Arc::new(OneDatabase),
        settings: Vec::new(),
        limits: PgLimits::default(),
    }
}

impl Server {
    /// Starts a listener over one node.
    pub(super) async fn start(config: PgConfig) -> Self {
        Self::start_over(config, 1).await
    }

    /// Starts a listener of the first of so many nodes.
    pub(super) async fn start_over(config: PgConfig, nodes: usize) -> Self {
        Self::start_of(config, TestFleet::new(nodes).await).await
    }

    /// Starts a listener of the first node of a fleet.
    pub(super) async fn start_of(config: PgConfig, fleet: TestFleet) -> Self {
        let (tasks, sessions) = (Tasks::new(), SessionList::default());
        let (planner, store, directory) = fleet.into_planner();
        let shared = SessionShared {
            planner: Arc::new(planner),
            store: Arc::clone(&store),
            fleet: Arc::new(FleetCatalog::alone(Arc::clone(&store))),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            sessions: sessions.clone(),
            channels: Channels::default(),
            stored: StoredSettings::default(),
        };
        let config = PgConfig { databases: Arc::new(StoreDatabases(store)), ..config };
        let listener = Listener::start(config, shared, &tasks).await.expect("listen");
        Self { address: listener.local_addr(), sessions, tasks, _directory: directory }
    }

    /// Waits until the list of sessions is as wanted.
    pub(super) async fn until(&self, what: &str, wanted: impl Fn(&[SessionInfo]) -> bool) {
        let reached = async {
            while !wanted(&self.sessions.snapshot()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("never came: {what}"));
    }

    /// Stops it; nothing may hang, and nothing may have panicked.
    pub(super) async fn stop(self) {
        assert!(self.tasks.stop(PATIENCE).await, "a connection did not end");
        assert_eq!(self.tasks.panics(), 0, "a connection panicked");
    }
}
