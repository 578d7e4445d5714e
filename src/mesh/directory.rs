//! All nodes that this node knows of, by name.
//!
//! A name has one entry whatever happens to the process behind it: a restart, a new address, gossip
//! of an earlier life. Entries come from certificates of callers and of dialled nodes, from gossip
//! (a hint: the node is dialled and must prove itself) and from before a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::codec::{EntriesMessages, is_address};
use super::gossip_transport::address_of;
use super::peer::{Hint, Peer};
use super::{KnownMember, Member, MemberStatus};
use crate::catalog::Published;
use crate::env::Clock;
use crate::tls::NodeIdentity;
use crate::types::{NodeName, TableSummary};

/// Most nodes that are kept; a mesh is flat up to 500.
pub(super) const MEMBERS_MAX: usize = 1_000;

/// What the mesh says of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnNode {
    pub(super) name: NodeName,
    pub(super) role: super::Role,
    pub(super) address: String,
    pub(super) version: String,
}

/// A new peer and the messages that wait for it; its watcher takes both.
pub(super) type NewPeer = (Arc<Peer>, mpsc::Receiver<Vec<u8>>);

#[derive(Debug, Default)]
struct Peers {
    by_name: BTreeMap<NodeName, Arc<Peer>>,
    by_gossip_address: BTreeMap<SocketAddr, Arc<Peer>>,
    /// Names that were removed by hand: gossip of old days must not bring them back.
    forgotten: BTreeSet<NodeName>,
}

/// The nodes of the mesh.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) own: OwnNode,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) summaries: watch::Receiver<BTreeMap<String, TableSummary>>,
    peers: Mutex<Peers>,
    new_peers: mpsc::UnboundedSender<NewPeer>,
    changes: watch::Sender<u64>,
    /// What users made on this node; none until it is known.
    pub(super) definitions: watch::Sender<Option<Arc<EntriesMessages>>>,
    published: watch::Sender<Arc<Vec<Arc<Published>>>>,
    started_us: i64,
    is_full: AtomicBool,
}

impl Directory {
    /// A directory of this node alone; what it learns of goes to the receiver, at most
    /// [`MEMBERS_MAX`] at a time.
    pub(super) fn new(
        own: OwnNode,
        clock: Arc<dyn Clock>,
        summaries: watch::Receiver<BTreeMap<String, TableSummary>>,
    ) -> (Self, mpsc::UnboundedReceiver<NewPeer>) {
        let (new_peers, receiver) = mpsc::unbounded_channel();
        let started_us = clock.now_us();
        let directory = Self {
            own,
            clock,
            summaries,
            peers: Mutex::default(),
            new_peers,
            changes: watch::Sender::new(0),
            definitions: watch::Sender::new(None),
            published: watch::Sender::new(Arc::default()),
            started_us,
            is_full: AtomicBool::new(false),
        };
        (directory, receiver)
    }

    fn peers(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node of that name, unless it is this one.
    pub(super) fn peer(&self, name: &NodeName) -> Option<Arc<Peer>> {
        self.peers().by_name.get(name).map(Arc::clone)
    }

    /// The node that gossip knows under that address.
    pub(super) fn peer_at(&self, address: SocketAddr) -> Option<Arc<Peer>> {
        self.peers().by_gossip_address.get(&address).map(Arc::clone)
    }

    /// All other nodes.
    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.peers().by_name.values().map(Arc::clone).collect()
    }

    /// A node showed its certificate and said where it is reached.
    pub(super) fn introduced(&self, identity: &NodeIdentity, address: &str) {
        if !is_address(address) {
            return;
        }
        if identity.name == self.own.name {
            if address != self.own.address {
                tracing::warn!(node = %identity.name, "another process uses this node's certificate");
            }
            return;
        }
        let hint = Hint {
            name: identity.name.clone(),
            role: identity.role,
            address: address.to_owned(),
            version: String::new(),
            tables: BTreeMap::new(),
        };
        self.peers().forgotten.remove(&identity.name);
        if let Some(peer) = self.peer_or_new(hint) {
            peer.introduced(address, identity.role);
        }
    }

    /// Somebody said that there is such a node.
    pub(super) fn hinted(&self, hint: Hint) {
        if hint.name == self.own.name || !is_address(&hint.address) || self.peers().forgotten.contains(&hint.name) {
            return;
        }
        let (address, version) = (hint.address.clone(), hint.version.clone());
        if let Some(peer) = self.peer_or_new(hint) {
            peer.hinted(&address, &version);
        }
    }

    fn peer_or_new(&self, hint: Hint) -> Option<Arc<Peer>> {
        let mut peers = self.peers();
        if let Some(peer) = peers.by_name.get(&hint.name) {
            return Some(Arc::clone(peer));
        }
        if peers.by_name.len() >= MEMBERS_MAX {
            if !self.is_full.swap(true, Ordering::Relaxed) {
                tracing::warn!(members_max = MEMBERS_MAX, "the mesh is full, further nodes are ignored");
            }
            return None;
        }
        let (peer, messages) = Peer::new(hint, &*self.clock);
        peers.by_gossip_address.insert(address_of(&peer.name), Arc::clone(&peer));
        peers.by_name.insert(peer.name.clone(), Arc::clone(&peer));
        drop(peers);
        tracing::debug!(node = %peer.name, "learned of a node");
        // Fails only when the mesh is stopping, and then nobody needs a watcher.
        let _ = self.new_peers.send((Arc::clone(&peer), messages));
        self.changed();
        Some(peer)
    }

    /// Removes a node that is not up for good; returns whether it was there.
    pub(super) fn forget(&self, name: &NodeName) -> bool {
        let mut peers = self.peers();
        if peers.by_name.get(name).is_none_or(|peer| peer.status() == MemberStatus::Up) {
            return false;
        }
        if let Some(peer) = peers.by_name.remove(name) {
            peers.by_gossip_address.remove(&address_of(&peer.name));
            peer.wake.notify_one();
        }
        if peers.forgotten.len() < MEMBERS_MAX {
            peers.forgotten.insert(name.clone());
        }
        drop(peers);
        self.changed();
        self.publish();
        true
    }

    /// Whether the entry is still the one under its name.
    pub(super) fn holds(&self, peer: &Arc<Peer>) -> bool {
        self.peer(&peer.name).is_some_and(|held| Arc::ptr_eq(&held, peer))
    }

    /// Tells those who watch that a member or its status changed.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Counts changes of members and their status.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Shows what users made on the other nodes, as it is known now.
    pub(super) fn publish(&self) {
        let (mut peers, published) = (self.all(), &self.published);
        published.send_if_modified(|shown| {
            let now: Vec<_> = peers.drain(..).filter_map(|peer| peer.published()).collect();
            let same = shown.len() == now.len() && shown.iter().zip(&now).all(|(old, new)| Arc::ptr_eq(old, new));
            if !same {
                *shown = Arc::new(now);
            }
            !same
        });
    }

    /// What users made on the other nodes.
    pub(super) fn published(&self) -> watch::Receiver<Arc<Vec<Arc<Published>>>> {
        self.published.subscribe()
    }

    /// Every node in name order, this one included.
    pub(super) fn members(&self) -> Vec<Member> {
        let mut members: Vec<Member> = self.all().iter().map(|peer| peer.member(&*self.clock)).collect();
        members.push(self.own_member());
        members.sort_by(|left, right| left.name.cmp(&right.name));
        members
    }

    fn own_member(&self) -> Member {
        Member {
            name: self.own.name.clone(),
            role: self.own.role,
            address: self.own.address.clone(),
            version: self.own.version.clone(),
            status: MemberStatus::Up,
            reason: None,
            status_since_us: self.started_us,
            last_heard_us: Some(self.clock.now_us()),
            tables: Arc::new(self.summaries.borrow().clone()),
            summary_age: Some(Duration::ZERO),
            is_self: true,
        }
    }

    /// The other nodes as they are worth remembering over a restart.
    pub(super) fn known(&self) -> Vec<KnownMember> {
        self.all().iter().map(|peer| KnownMember::of(&peer.member(&*self.clock))).collect()
    }
}
