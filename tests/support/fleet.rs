//! The picture that our users know, as processes: KubeArmor endpoints, two edge nodes that pull from
//! them, and a query node that holds nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Authority, NodeFile, Process, connect, free_port};

/// Its nodes.
pub(crate) const NODES: [&str; 3] = ["edge-1", "edge-2", "query-3"];

/// A KubeArmor endpoint of a fleet.
#[derive(Debug, Clone)]
pub(crate) struct PlannedFeed {
    pub(crate) name: &'static str,
    /// Which edge node pulls from it.
    pub(crate) node: &'static str,
    /// Further arguments of `simulate`.
    pub(crate) arguments: Vec<String>,
}

/// A running fleet in a folder of its own.
#[derive(Debug)]
pub(crate) struct Fleet {
    // Processes first: they end before their folder goes.
    feeds: BTreeMap<String, Process>,
    nodes: BTreeMap<String, Process>,
    files: BTreeMap<String, PathBuf>,
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Fleet {
    /// Starts everything: `edge-1` pulls from one feed, `edge-2` from two; `simulate` are arguments of
    /// every endpoint, such as `--rate 100`.
    pub(crate) async fn start(simulate: &[&str]) -> Self {
        let plan = [("feed-a", "edge-1", "1"), ("feed-b", "edge-2", "2"), ("feed-c", "edge-2", "3")];
        let plan = plan.map(|(name, node, seed)| PlannedFeed {
            name,
            node,
            arguments: simulate.iter().copied().chain(["--seed", seed]).map(str::to_owned).collect(),
        });
        Self::start_with(&plan).await
    }

    /// Starts everything with these feeds.
    pub(crate) async fn start_with(plan: &[PlannedFeed]) -> Self {
        let folder = tempfile::tempdir().expect("make a folder");
        let authority = Authority::init(folder.path().join("ca"));
        let mut fleet =
            Self { feeds: BTreeMap::new(), nodes: BTreeMap::new(), files: BTreeMap::new(), folder, authority };
        // The seed of the others keeps its port, so that it may be restarted as well.
        let seed = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let query = NodeFile::new("query-3", "query").with_mesh_port(seed.port());
        let mut one = NodeFile::new("edge-1", "edge").with_seed(seed);
        let mut two = NodeFile::new("edge-2", "edge").with_seed(seed);
        for planned in plan {
            let arguments: Vec<&str> = planned.arguments.iter().map(String::as_str).collect();
            let mut feed = Process::simulate(planned.name, &arguments, fleet.folder.path());
            let address = feed.address_of("simulate").await;
            fleet.feeds.insert(planned.name.to_owned(), feed);
            let file = if planned.node == "edge-1" { &mut one } else { &mut two };
            *file = file.clone().with_feed(planned.name, address);
        }
        for (name, file) in [("query-3", query), ("edge-1", one), ("edge-2", two)] {
            fleet.files.insert(name.to_owned(), file.write(fleet.folder.path(), &fleet.authority));
            fleet.start_node(name);
        }
        for name in NODES {
            fleet.address_of(name).await;
        }
        fleet
    }

    /// Starts a node, also one that ended before.
    pub(crate) fn start_node(&mut self, name: &str) {
        let file = self.files.get(name).expect("a node of the fleet");
        let process = Process::serve(name, file, self.folder.path());
        self.nodes.insert(name.to_owned(), process);
    }

    /// The process of a node.
    pub(crate) fn node(&mut self, name: &str) -> &mut Process {
        self.nodes.get_mut(name).expect("a node of the fleet")
    }

    /// The process of a KubeArmor endpoint.
    pub(crate) fn feed(&mut self, name: &str) -> &mut Process {
        self.feeds.get_mut(name).expect("a feed of the fleet")
    }

    /// Kills all endpoints: no more events.
    pub(crate) fn kill_feeds(&mut self) {
        self.feeds.values_mut().for_each(Process::kill);
    }

    /// Where a node serves PostgreSQL clients.
    pub(crate) async fn address_of(&mut self, name: &str) -> SocketAddr {
        self.node(name).address_of("pg").await
    }

    /// A client of a node.
    pub(crate) async fn connect(&mut self, name: &str) -> tokio_postgres::Client {
        connect(self.address_of(name).await).await
    }

    /// The data directory of a node.
    pub(crate) fn folder_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The CA of the fleet.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }
}
