//! Membership by gossip: who is in the mesh and where, spread without any central list.
//!
//! What gossip says is a hint and never evidence: a node that it names is dialled and must show the
//! certificate of that name. Only address, role and version are published. An exchange with a peer
//! begins as soon as it is connected, so that a new node is known everywhere within a few rounds;
//! one connected peer is enough to learn of all.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chitchat::{
    Chitchat, ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, NodeState, spawn_chitchat,
};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::Role;
use super::directory::{Directory, MEMBERS_MAX};
use super::gossip_transport::{GossipInbox, MeshTransport, address_of};
use super::peer::Hint;
use crate::types::NodeName;

/// Time between rounds; each talks to three peers.
const ROUND: Duration = Duration::from_millis(250);
/// Nodes of different meshes that got hold of the same CA do not mix.
const CLUSTER: &str = "armorlake";
/// How long deleted keys and dead nodes are kept so that they do not come back. Every restart of a
/// node leaves its earlier life behind as a dead one, so a node that restarts over and over must not
/// fill the digest; who was ever a member is remembered by the directory.
const KEY_GRACE: Duration = Duration::from_secs(60 * 60);
const NODE_GRACE: Duration = Duration::from_secs(10 * 60);
/// A digest of all lives is part of each message, and the library asserts that it stays below
/// 65,507 bytes; gossip begins anew before that.
const DIGEST_BYTES_MAX: usize = 60_000;
/// What one life takes in the digest besides its name.
const DIGEST_ENTRY_BYTES: usize = 41;
/// Wait before gossip is started again after it failed.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// Longest value that is read from gossip, in bytes.
const VALUE_BYTES_MAX: usize = 4_096;

const ADDRESS: &str = "address";
const ROLE: &str = "role";
const VERSION: &str = "version";

/// Asks gossip to talk to a peer at once.
#[derive(Debug, Clone)]
pub(super) struct Greeter(mpsc::Sender<NodeName>);

impl Greeter {
    /// A greeter and where its wishes arrive.
    pub(super) fn new() -> (Self, mpsc::Receiver<NodeName>) {
        let (sender, receiver) = mpsc::channel(MEMBERS_MAX);
        (Self(sender), receiver)
    }

    /// Talks to that peer soon; in the next rounds when too many are waiting.
    pub(super) fn greet(&self, name: &NodeName) {
        let _ = self.0.try_send(name.clone());
    }
}

/// Runs gossip until `stop`. A message that trips the library ends its task only: gossip starts
/// again with what it can learn from its peers.
pub(super) async fn run(
    directory: Arc<Directory>,
    inbox: GossipInbox,
    mut greetings: mpsc::Receiver<NodeName>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let transport = MeshTransport { directory: Arc::clone(&directory), inbox };
    while !stop.is_cancelled() {
        let handle = spawn_chitchat(configuration(&directory), published(&directory), &transport).await?;
        for peer in directory.all() {
            handle.gossip(address_of(&peer.name))?;
        }
        let end = handle.termination_watcher();
        let ended = spread(&directory, &handle, &mut greetings, end, &stop).await;
        // A panicked task has nothing left to shut down.
        if handle.shutdown().await.is_err() || ended {
            tracing::warn!("gossip failed and is started again");
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(RESTART_PAUSE) => {}
            }
        }
    }
    Ok(())
}

/// Takes over what gossip learns; returns true when gossip ended by itself.
async fn spread(
    directory: &Directory,
    handle: &ChitchatHandle,
    greetings: &mut mpsc::Receiver<NodeName>,
    end: impl Future<Output = anyhow::Result<()>>,
    stop: &CancellationToken,
) -> bool {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = stop.cancelled() => return false,
            _ = &mut end => return true,
            Some(name) = greetings.recv() => {
                if handle.gossip(address_of(&name)).is_err() {
                    return true;
                }
            }
            _ = rounds.tick() => {
                let (digest_bytes, hints) = handle.with_chitchat(|gossip| (digest_bytes(gossip), hints(gossip))).await;
                hints.into_iter().for_each(|hint| directory.hinted(hint));
                if digest_bytes > DIGEST_BYTES_MAX {
                    tracing::warn!(digest_bytes, "gossip holds too many lives of nodes and begins anew");
                    return true;
                }
            }
        }
    }
}

fn configuration(directory: &Directory) -> ChitchatConfig {
    let own = address_of(&directory.own.name);
    let generation = u64::try_from(directory.clock.now_us()).unwrap_or(0);
    ChitchatConfig {
        chitchat_id: ChitchatId::new(directory.own.name.as_str(), generation, own),
        cluster_id: CLUSTER.to_owned(),
        gossip_interval: ROUND,
        listen_addr: own,
        seed_nodes: Vec::new(),
        failure_detector_config: FailureDetectorConfig {
            dead_node_grace_period: NODE_GRACE,
            ..FailureDetectorConfig::default()
        },
        marked_for_deletion_grace_period: KEY_GRACE,
        catchup_callback: None,
        extra_liveness_predicate: None,
    }
}

fn published(directory: &Directory) -> Vec<(String, String)> {
    let own = &directory.own;
    let values = [(ADDRESS, own.address.as_str()), (ROLE, own.role.as_str()), (VERSION, own.version.as_str())];
    values.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

fn digest_bytes(gossip: &Chitchat) -> usize {
    gossip.node_states().keys().map(|id| DIGEST_ENTRY_BYTES + id.node_id.len()).sum()
}

/// One hint per name: of its lives the one that is heard of, of these the youngest.
fn hints(gossip: &Chitchat) -> Vec<Hint> {
    let live: std::collections::HashSet<&ChitchatId> = gossip.live_nodes().collect();
    let mut best: BTreeMap<NodeName, ((bool, u64), &NodeState)> = BTreeMap::new();
    for (id, state) in gossip.node_states() {
        let Ok(name) = NodeName::new(&id.node_id) else { continue };
        if id.gossip_advertise_addr != address_of(&name) {
            continue;
        }
        let rank = (live.contains(id), id.generation_id);
        let kept = best.entry(name).or_insert((rank, state));
        if rank > kept.0 {
            *kept = (rank, state);
        }
    }
    best.into_iter().filter_map(|(name, (_, state))| hint(name, state)).collect()
}

fn hint(name: NodeName, state: &NodeState) -> Option<Hint> {
    let value = |key| state.get(key).filter(|value| value.len() <= VALUE_BYTES_MAX);
    let version = value(VERSION).unwrap_or_default();
    Some(Hint {
        name,
        role: Role::from_name(value(ROLE)?)?,
        address: value(ADDRESS)?.to_owned(),
        version: version.chars().filter(|letter| !letter.is_control()).take(64).collect(),
        tables: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests {
    use chitchat::Serializable;
    use tokio::sync::watch;
    use tokio::time::timeout;

    use super::*;
    use crate::env::SystemClock;
    use crate::mesh::directory::OwnNode;
    use crate::tasks::Tasks;

    /// Begin of a message of the library's wire version 0.
    fn message(kind: u8) -> Vec<u8> {
        let mut bytes = 45_139_u16.to_le_bytes().to_vec();
        bytes.extend([0, kind]);
        bytes
    }

    fn life(node: &str) -> Vec<u8> {
        ChitchatId::new(node, 1, address_of(&NodeName::new(node).expect("name"))).serialize_to_vec()
    }

    /// Claims that these nodes are alive.
    fn claim(nodes: &[String]) -> Vec<u8> {
        let mut bytes = message(0);
        bytes.extend(u16::try_from(nodes.len()).expect("few").to_le_bytes());
        for node in nodes {
            bytes.extend(life(node));
            bytes.extend([1_u64, 0, 0].map(u64::to_le_bytes).concat());
        }
        bytes.extend(CLUSTER.to_owned().serialize_to_vec());
        bytes
    }

    /// Claims 700 nodes that do not exist.
    fn flood(round: usize) -> Vec<u8> {
        let nodes: Vec<String> = (0..700).map(|at| format!("no-such-node-{round}-{at}")).collect();
        claim(&nodes)
    }

    /// Tells of one node with all its values.
    fn news(node: &str) -> Vec<u8> {
        let mut operations = vec![0];
        operations.extend(life(node));
        operations.extend([0_u8; 16]);
        for (version, (key, value)) in
            [(ADDRESS, "127.0.0.1:1"), (ROLE, "edge"), (VERSION, "9")].into_iter().enumerate()
        {
            operations.push(1);
            operations.extend(key.to_owned().serialize_to_vec());
            operations.extend(value.to_owned().serialize_to_vec());
            operations.extend((version as u64 + 1).to_le_bytes());
            operations.push(0);
        }
        let mut bytes = message(2);
        bytes.push(2);
        bytes.extend(u16::try_from(operations.len()).expect("short").to_le_bytes());
        bytes.extend(operations);
        bytes.push(0);
        bytes
    }

    #[tokio::test]
    async fn gossip_survives_a_peer_that_floods_it() {
        let own = OwnNode {
            name: NodeName::new("edge-1").expect("name"),
            role: Role::Edge,
            address: String::from("127.0.0.1:2"),
            version: String::new(),
        };
        let (_summaries, watched) = watch::channel(BTreeMap::new());
        let (directory, _new_peers) = Directory::new(own, Arc::new(SystemClock::new()), watched);
        let (directory, inbox, tasks) = (Arc::new(directory), GossipInbox::default(), Tasks::new());
        let (_greeter, greetings) = Greeter::new();
        let running = run(Arc::clone(&directory), inbox.clone(), greetings, tasks.stop_token());
        tasks.spawn("gossip", |_| running);

        let flooder = NodeName::new("flooder").expect("name");
        let (mut rounds, mut look) = (0, interval(Duration::from_millis(20)));
        let heard_of = |node: &str| directory.peer(&NodeName::new(node).expect("name")).is_some();
        let survives = async {
            while !heard_of("before") {
                inbox.deliver(&flooder, claim(&[String::from("before")]).into());
                inbox.deliver(&flooder, news("before").into());
                look.tick().await;
            }
            while rounds < 4 {
                inbox.deliver(&flooder, flood(rounds).into());
                rounds += 1;
                look.tick().await;
            }
            while !heard_of("after") {
                inbox.deliver(&flooder, claim(&[String::from("after")]).into());
                inbox.deliver(&flooder, news("after").into());
                look.tick().await;
            }
        };
        timeout(Duration::from_secs(20), survives).await.expect("gossip goes on");
        assert!(tasks.stop(Duration::from_secs(5)).await);
    }
}
