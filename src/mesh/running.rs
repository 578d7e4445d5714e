//! Starts the mesh and answers for it: the one type that the rest of the house holds.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::directory::{Directory, NewPeer, OwnNode};
use super::gossip::{self, Greeter};
use super::gossip_transport::GossipInbox;
use super::listener::{DoorCounters, Listener};
use super::server::{Served, Services};
use super::summary::Watcher;
use super::{
    Fleet, FragmentRequest, FragmentRunner, KnownMember, Member, MeshError, ReplyStream, Role, client, codec, seeds,
};
use crate::catalog::{Entry, Published};
use crate::env::{Clock, Random};
use crate::proto::mesh::fragment_service_server::FragmentServiceServer;
use crate::proto::mesh::membership_service_server::MembershipServiceServer;
use crate::tasks::Tasks;
use crate::tls::{NodeAcceptor, TlsMaterial};
use crate::types::limits::{FRAGMENT_SQL_BYTES_MAX, MESH_MESSAGE_BYTES_MAX};
use crate::types::{Code, NodeName, TableSummary};

/// Most replies at once on one connection.
const STREAMS_MAX: u32 = 256;
/// A connection over which nothing comes back for twice this long is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// What ends in time when the node stops may still be sent; then connections are cut.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// Largest request for a fragment: its text, its columns and room for the rest.
const REQUEST_BYTES_MAX: usize = FRAGMENT_SQL_BYTES_MAX + 3 * 1024 * 1024;
/// Largest request of the membership service.
const GOSSIP_BYTES_MAX: usize = 128 * 1024;

/// How this node takes part in the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshConfig {
    /// Its name; the certificate must be of the same.
    pub name: NodeName,
    /// Its role; the certificate must be of the same.
    pub role: Role,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where others reach it, host:port; what it listens on when absent.
    pub advertise: Option<String>,
    /// Addresses of nodes to join, host:port; one that is up is enough.
    pub seeds: Vec<String>,
    /// Version of this Armorlake.
    pub version: String,
}

/// Counts since the start, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeshCounts {
    /// Connections refused: no or a wrong certificate, no TLS at all, too slow.
    pub handshakes_refused: u64,
    /// Connections dropped because there were too many.
    pub handshakes_dropped: u64,
    /// Fragments that other nodes asked for.
    pub fragments_served: u64,
}

/// This node's place in the mesh. Stops with the [`Tasks`] that it was started with.
pub struct Mesh {
    directory: Arc<Directory>,
    tls: TlsMaterial,
    runner: Arc<dyn FragmentRunner>,
    served: Arc<Served>,
    door: Arc<DoorCounters>,
    draining: watch::Sender<bool>,
    local_addr: SocketAddr,
}

impl fmt::Debug for Mesh {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mesh").field("own", &self.directory.own).finish_non_exhaustive()
    }
}

impl Mesh {
    /// Listens, joins and keeps watch; everything runs in `tasks`. `known` are the members of
    /// before a restart, and `summaries` what this node tells the others of its tables.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the node that is built once, in `node`")]
    pub async fn start(
        config: MeshConfig,
        tls: TlsMaterial,
        runner: Arc<dyn FragmentRunner>,
        summaries: watch::Receiver<BTreeMap<String, TableSummary>>,
        known: Vec<KnownMember>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, MeshError> {
        check_certificate(&config, &tls)?;
        let socket = TcpListener::bind(config.listen).await.map_err(|error| cannot_listen(&config, &error))?;
        let local_addr = socket.local_addr().map_err(|error| cannot_listen(&config, &error))?;
        let address = advertised(&config, local_addr)?;
        let own = OwnNode { name: config.name, role: config.role, address, version: config.version };
        tracing::info!(node = %own.name, address = own.address, listen = %local_addr, "the mesh is open");
        let (directory, new_peers) = Directory::new(own, clock, summaries);
        let (directory, inbox) = (Arc::new(directory), GossipInbox::default());
        known.into_iter().for_each(|member| directory.hinted(member.into_hint()));
        let draining = watch::Sender::new(false);
        let served = Arc::new(Served {
            directory: Arc::clone(&directory),
            runner: Arc::clone(&runner),
            inbox: inbox.clone(),
            draining: draining.subscribe(),
            stop: tasks.stop_token(),
            fragments: AtomicU64::new(0),
        });
        let door = Arc::new(DoorCounters::default());
        serve(socket, &tls, &served, &door, tasks)?;
        let (greeter, greetings) = Greeter::new();
        let gossiping = Arc::clone(&directory);
        tasks.spawn("mesh gossip", |stop| gossip::run(gossiping, inbox, greetings, stop));
        let stop = tasks.stop_token();
        let watcher = Watcher { directory: Arc::clone(&directory), tls: tls.clone(), random, greeter, stop };
        watch_all(watcher, new_peers, tasks);
        for seed in config.seeds {
            let (directory, tls, stop) = (Arc::clone(&directory), tls.clone(), tasks.stop_token());
            tasks.spawn_session("mesh seed", seeds::follow(directory, tls, seed, stop));
        }
        Ok(Arc::new(Self { directory, tls, runner, served, door, draining, local_addr }))
    }

    /// Where this node listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where others are told to reach it, host:port.
    pub fn advertised_address(&self) -> &str {
        &self.directory.own.address
    }

    /// Counts changes of members and their status; wait on it to see the next one.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.directory.changes()
    }

    /// The other nodes as they are worth keeping for the next start.
    pub fn known(&self) -> Vec<KnownMember> {
        self.directory.known()
    }

    /// Tells the others what users made on this node, in place of what it told before.
    pub fn publish(&self, entries: &[Entry]) -> Result<(), MeshError> {
        let made = codec::EntriesMessages::of(entries)?;
        self.directory.definitions.send_if_modified(|told| {
            let changed = told.as_ref().is_none_or(|told| told.digest != made.digest);
            if changed {
                *told = Some(Arc::new(made));
            }
            changed
        });
        Ok(())
    }

    /// What users made on the other nodes, as each of them told last.
    pub fn published(&self) -> watch::Receiver<Arc<Vec<Arc<Published>>>> {
        self.directory.published()
    }

    /// What other nodes had told before this one was started; those that told again since are left out, and so are
    /// nodes that nobody knows.
    pub fn published_before(&self, before: Vec<Published>) {
        for published in before {
            if let Some(peer) = self.directory.peer(&published.node) {
                peer.published_before(published);
            }
        }
        self.directory.publish();
    }

    /// Removes a node that is not up and will not come back; it returns only when it shows its
    /// certificate again. Returns whether there was such a node.
    pub fn forget(&self, name: &NodeName) -> bool {
        self.directory.forget(name)
    }

    /// Tells the others that this node is about to stop, and takes no new fragments.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Counts since the start.
    pub fn counts(&self) -> MeshCounts {
        MeshCounts {
            handshakes_refused: self.door.refused.load(Ordering::Relaxed),
            handshakes_dropped: self.door.dropped.load(Ordering::Relaxed),
            fragments_served: self.served.fragments.load(Ordering::Relaxed),
        }
    }
}

#[async_trait]
impl Fleet for Mesh {
    fn own_name(&self) -> &NodeName {
        &self.directory.own.name
    }

    fn members(&self) -> Vec<Member> {
        self.directory.members()
    }

    async fn request(&self, owner: &NodeName, request: FragmentRequest) -> Result<ReplyStream, MeshError> {
        if *owner == self.directory.own.name {
            return self.runner.run(owner, request).await;
        }
        let unknown = || MeshError::Unreachable { reason: String::from("no such node is known") };
        let peer = self.directory.peer(owner).ok_or_else(unknown)?;
        client::request(&self.directory, &self.tls, peer, request).await
    }
}

fn invalid(message: String) -> MeshError {
    MeshError::Refused { code: Code::InvalidParameterValue, message }
}

fn check_certificate(config: &MeshConfig, tls: &TlsMaterial) -> Result<(), MeshError> {
    let identity = tls.identity();
    if identity.name != config.name {
        return Err(invalid(format!("the certificate is of node \"{}\", not \"{}\"", identity.name, config.name)));
    }
    if identity.role != config.role {
        let (certified, configured) = (identity.role.as_str(), config.role.as_str());
        return Err(invalid(format!("the certificate is of role {certified}, not {configured}")));
    }
    Ok(())
}

fn cannot_listen(config: &MeshConfig, error: &std::io::Error) -> MeshError {
    MeshError::Refused { code: Code::IoError, message: format!("listen for the mesh on {}: {error}", config.listen) }
}

fn advertised(config: &MeshConfig, local_addr: SocketAddr) -> Result<String, MeshError> {
    match &config.advertise {
        Some(address) if codec::is_address(address) => Ok(address.clone()),
        Some(address) => Err(invalid(format!("\"{address}\" is not host:port"))),
        None if local_addr.ip().is_unspecified() => {
            Err(invalid(String::from("a mesh that listens on every address needs one to advertise")))
        }
        None => Ok(local_addr.to_string()),
    }
}

/// Starts the door and the services behind it.
fn serve(
    socket: TcpListener,
    tls: &TlsMaterial,
    served: &Arc<Served>,
    door: &Arc<DoorCounters>,
    tasks: &Tasks,
) -> Result<(), MeshError> {
    let acceptor = NodeAcceptor::new(tls);
    let acceptor = acceptor.map_err(|error| MeshError::Refused { code: error.code(), message: error.to_string() })?;
    let (accepted, connections) = mpsc::channel(64);
    let cut = CancellationToken::new();
    let listener =
        Listener { socket, acceptor, tasks: tasks.clone(), counters: Arc::clone(door), cut: cut.clone(), accepted };
    tasks.spawn("mesh listener", |stop| async {
        listener.run(stop).await;
        Ok(())
    });
    let services = Services(Arc::clone(served));
    let fragments = FragmentServiceServer::new(services.clone())
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(MESH_MESSAGE_BYTES_MAX);
    let membership = MembershipServiceServer::new(services)
        .max_decoding_message_size(GOSSIP_BYTES_MAX)
        .max_encoding_message_size(MESH_MESSAGE_BYTES_MAX);
    let router = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .http2_max_header_list_size(16 * 1024)
        .add_service(fragments)
        .add_service(membership);
    tasks.spawn("mesh server", |stop| async move {
        let grace = stop.clone();
        let serving = router.serve_with_incoming_shutdown(ReceiverStream::new(connections), stop.cancelled_owned());
        tokio::pin!(serving);
        let cutting = async {
            grace.cancelled().await;
            sleep(STOP_GRACE).await;
        };
        tokio::select! {
            served = &mut serving => served?,
            () = cutting => {
                cut.cancel();
                // Cut connections end at once; the wait only bounds what a library may do with them.
                if let Ok(served) = timeout(STOP_GRACE, serving).await {
                    served?;
                }
            }
        }
        cut.cancel();
        Ok(())
    });
    Ok(())
}

/// Gives every new peer its watcher.
fn watch_all(watcher: Watcher, mut new_peers: mpsc::UnboundedReceiver<NewPeer>, tasks: &Tasks) {
    let sessions = tasks.clone();
    tasks.spawn("mesh watch", |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                new = new_peers.recv() => {
                    let Some((peer, outbox)) = new else { return Ok(()) };
                    sessions.spawn_session("mesh peer", watcher.clone().watch(peer, outbox));
                }
            }
        }
    });
}
