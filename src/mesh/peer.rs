//! One other node as this node knows it: where it may be reached, whether it answers, what it holds.
//!
//! `mesh::summary` keeps it up to date, one task per peer; `mesh::client` asks it. The first
//! address is the best one: a certificate vouched for it, or nothing better is known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, watch};
use tonic::transport::Channel;

use super::codec::{Digest, SummaryOrigin};
use super::{Member, MemberStatus, Role};
use crate::catalog::Published;
use crate::env::{Clock, Monotonic};
use crate::types::{NodeName, TableSummary};

/// Most addresses that are kept for one node.
const ADDRESSES_MAX: usize = 4;
/// Most gossip messages that wait for one node; more are dropped, the next round repeats them.
pub(super) const OUTBOX_MAX: usize = 16;

/// Why a node is not up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// Its connection is open and nothing comes.
    Silent,
    /// It refuses: nobody listens there, or one of the certificates is not accepted.
    Refuses(String),
    /// It cannot be reached.
    Unreachable(String),
}

#[derive(Debug)]
struct State {
    role: Role,
    version: String,
    addresses: Vec<String>,
    status: MemberStatus,
    problem: Option<Problem>,
    status_since_us: i64,
    last_heard_us: Option<i64>,
    last_frame: Option<Monotonic>,
    tables: Arc<BTreeMap<String, TableSummary>>,
    published: Option<Arc<Published>>,
}

/// A channel for fragments, and when it was opened: at which connection count of the peer, and as
/// the how many-th one.
#[derive(Debug, Clone)]
pub(super) struct DataChannel {
    pub(super) channel: Channel,
    pub(super) epoch: u64,
    pub(super) serial: u64,
}

/// Another node.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: NodeName,
    state: Mutex<State>,
    /// Status for those who wait for it to change, and the number of connections made so far.
    status: watch::Sender<(MemberStatus, u64)>,
    /// Rung when there is a reason to dial at once.
    pub(super) wake: Notify,
    /// By what its definitions differ from those before; none until it said so.
    pub(super) announced: watch::Sender<Option<Digest>>,
    /// Gossip messages on their way to it.
    pub(super) outbox: mpsc::Sender<Vec<u8>>,
    /// The warm channel for fragments.
    pub(super) data: tokio::sync::Mutex<Option<DataChannel>>,
}

/// What is known of a node that was not heard yet.
#[derive(Debug)]
pub(super) struct Hint {
    pub(super) name: NodeName,
    pub(super) role: Role,
    pub(super) address: String,
    pub(super) version: String,
    pub(super) tables: BTreeMap<String, TableSummary>,
}

impl Peer {
    pub(super) fn new(hint: Hint, clock: &dyn Clock) -> (Arc<Self>, mpsc::Receiver<Vec<u8>>) {
        let (outbox, messages) = mpsc::channel(OUTBOX_MAX);
        let state = State {
            role: hint.role,
            version: hint.version,
            addresses: vec![hint.address],
            status: MemberStatus::Unknown,
            problem: None,
            status_since_us: clock.now_us(),
            last_heard_us: None,
            last_frame: None,
            tables: Arc::new(hint.tables),
            published: None,
        };
        let peer = Self {
            name: hint.name,
            state: Mutex::new(state),
            status: watch::Sender::new((MemberStatus::Unknown, 0)),
            wake: Notify::new(),
            announced: watch::Sender::new(None),
            outbox,
            data: tokio::sync::Mutex::new(None),
        };
        (Arc::new(peer), messages)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address to try at the `attempt`-th dial since it was last up.
    pub(super) fn address(&self, attempt: usize) -> String {
        let state = self.state();
        state.addresses[attempt % state.addresses.len()].clone()
    }

    /// An address that a certificate of this very node vouches for.
    pub(super) fn introduced(&self, address: &str, role: Role) {
        let mut state = self.state();
        state.role = role;
        if state.addresses.first().is_none_or(|first| first != address) {
            state.addresses.retain(|known| known != address);
            state.addresses.insert(0, address.to_owned());
            state.addresses.truncate(ADDRESSES_MAX);
        }
        if state.status != MemberStatus::Up {
            self.wake.notify_one();
        }
    }

    /// An address that somebody mentioned; tried when the others fail.
    pub(super) fn hinted(&self, address: &str, version: &str) {
        let mut state = self.state();
        if state.status == MemberStatus::Up {
            return;
        }
        if state.version.is_empty() {
            version.clone_into(&mut state.version);
        }
        if state.addresses.len() < ADDRESSES_MAX && !state.addresses.iter().any(|known| known == address) {
            state.addresses.push(address.to_owned());
            self.wake.notify_one();
        }
    }

    /// A dial reached the node: its certificate is of that role.
    pub(super) fn connected(&self, address: &str, role: Role) {
        let mut state = self.state();
        state.role = role;
        if let Some(at) = state.addresses.iter().position(|known| known == address) {
            state.addresses[..=at].rotate_right(1);
        }
        drop(state);
        self.status.send_modify(|(_, epoch)| *epoch += 1);
    }

    /// A frame arrived; returns whether the status changed.
    pub(super) fn heard(&self, clock: &dyn Clock, tables: Option<BTreeMap<String, TableSummary>>) -> bool {
        let mut state = self.state();
        state.last_heard_us = Some(clock.now_us());
        state.last_frame = Some(clock.monotonic());
        if let Some(tables) = tables {
            state.tables = Arc::new(tables);
        }
        self.change(&mut state, clock, MemberStatus::Up, None)
    }

    /// What the node says of itself, under its certificate.
    pub(super) fn described(&self, origin: &SummaryOrigin) {
        let mut state = self.state();
        state.version.clone_from(&origin.version);
        drop(state);
        let address = origin.address.as_str();
        if !address.is_empty() {
            let mut state = self.state();
            let known = state.addresses.iter().any(|known| known == address);
            // Second place: the one that just worked stays first.
            if !known {
                state.addresses.insert(1, address.to_owned());
                state.addresses.truncate(ADDRESSES_MAX);
            }
        }
    }

    /// It cannot be used now; returns whether status or reason changed.
    pub(super) fn failed(&self, clock: &dyn Clock, problem: Problem) -> bool {
        let mut state = self.state();
        // What became of an open connection says more than that a new one hangs as well.
        let keeps = matches!(problem, Problem::Unreachable(_)) && state.problem == Some(Problem::Silent);
        let problem = if keeps { Problem::Silent } else { problem };
        let was_heard = state.last_frame.is_some() || matches!(problem, Problem::Refuses(_));
        let status = if was_heard { MemberStatus::Down } else { MemberStatus::Unknown };
        self.change(&mut state, clock, status, Some(problem))
    }

    fn change(&self, state: &mut State, clock: &dyn Clock, status: MemberStatus, problem: Option<Problem>) -> bool {
        let changed = state.status != status || state.problem != problem;
        if state.status != status {
            tracing::info!(
                node = %self.name,
                status = ?status,
                reason = reason_of(problem.as_ref(), state.last_frame, clock),
                "a node of the mesh changed its status"
            );
            state.status = status;
            state.status_since_us = clock.now_us();
            self.status.send_modify(|(published, _)| *published = status);
        }
        state.problem = problem;
        changed
    }

    /// It told what users made on it; returns whether that changed.
    pub(super) fn publishes(&self, published: Arc<Published>) -> bool {
        let mut state = self.state();
        let changed = state.published.as_deref() != Some(&*published);
        if changed {
            state.published = Some(published);
        }
        changed
    }

    /// What it told before a restart of this node, unless it has told again.
    pub(super) fn published_before(&self, published: Published) {
        let mut state = self.state();
        state.published.get_or_insert_with(|| Arc::new(published));
    }

    /// What users made on it, as it told last.
    pub(super) fn published(&self) -> Option<Arc<Published>> {
        self.state().published.clone()
    }

    /// Whether it answers.
    pub(super) fn status(&self) -> MemberStatus {
        self.status.borrow().0
    }

    /// How often it was connected; a channel from an earlier time is of no use.
    pub(super) fn epoch(&self) -> u64 {
        self.status.borrow().1
    }

    /// Waits until it is down.
    pub(super) async fn until_down(&self) {
        let mut status = self.status.subscribe();
        if status.wait_for(|(status, _)| *status == MemberStatus::Down).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Why it is not up.
    pub(super) fn reason(&self, clock: &dyn Clock) -> Option<String> {
        let state = self.state();
        reason_of(state.problem.as_ref(), state.last_frame, clock)
    }

    /// The row that the rest of the house sees.
    pub(super) fn member(&self, clock: &dyn Clock) -> Member {
        let state = self.state();
        Member {
            name: self.name.clone(),
            role: state.role,
            address: state.addresses[0].clone(),
            version: state.version.clone(),
            status: state.status,
            reason: reason_of(state.problem.as_ref(), state.last_frame, clock),
            status_since_us: state.status_since_us,
            last_heard_us: state.last_heard_us,
            tables: Arc::clone(&state.tables),
            summary_age: state.last_frame.map(|at| clock.monotonic().since(at)),
            is_self: false,
        }
    }
}

fn reason_of(problem: Option<&Problem>, last_frame: Option<Monotonic>, clock: &dyn Clock) -> Option<String> {
    match problem? {
        Problem::Silent => {
            let seconds = last_frame.map_or(0, |at| clock.monotonic().since(at).as_secs());
            Some(format!("no heartbeat for {seconds} s"))
        }
        Problem::Refuses(reason) | Problem::Unreachable(reason) => Some(reason.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::env::ManualClock;

    fn peer(clock: &ManualClock) -> Arc<Peer> {
        let hint = Hint {
            name: NodeName::new("edge-2").expect("name"),
            role: Role::Edge,
            address: String::from("old:1"),
            version: String::new(),
            tables: BTreeMap::new(),
        };
        Peer::new(hint, clock).0
    }

    #[test]
    fn a_node_is_unknown_until_it_is_heard_or_refuses() {
        let clock = ManualClock::at(1_000_000);
        let peer = peer(&clock);
        peer.failed(&clock, Problem::Unreachable(String::from("connect timed out")));
        assert_eq!(peer.status(), MemberStatus::Unknown);
        peer.failed(&clock, Problem::Refuses(String::from("connection refused")));
        assert_eq!(peer.status(), MemberStatus::Down);
        assert_eq!(peer.reason(&clock).as_deref(), Some("connection refused"));
        assert!(peer.heard(&clock, None));
        assert_eq!((peer.status(), peer.reason(&clock)), (MemberStatus::Up, None));
    }

    #[test]
    fn silence_grows_and_outlives_dials_that_hang() {
        let clock = ManualClock::at(1_000_000);
        let peer = peer(&clock);
        peer.heard(&clock, None);
        clock.advance(Duration::from_secs(3));
        peer.failed(&clock, Problem::Silent);
        clock.advance(Duration::from_secs(4));
        peer.failed(&clock, Problem::Unreachable(String::from("handshake timed out")));
        let member = peer.member(&clock);
        assert_eq!(member.reason.as_deref(), Some("no heartbeat for 7 s"));
        assert_eq!(member.status, MemberStatus::Down);
        assert_eq!(member.status_since_us, 4_000_000);
        assert_eq!(member.summary_age, Some(Duration::from_secs(7)));
    }

    #[test]
    fn addresses_with_better_evidence_come_first() {
        let clock = ManualClock::at(0);
        let peer = peer(&clock);
        peer.hinted("hearsay:1", "");
        peer.introduced("vouched:1", Role::Edge);
        assert_eq!([0, 1, 2, 3].map(|at| peer.address(at)), ["vouched:1", "old:1", "hearsay:1", "vouched:1"]);
        peer.connected("hearsay:1", Role::Query);
        assert_eq!(peer.address(0), "hearsay:1");
        assert_eq!(peer.member(&clock).role, Role::Query);
        assert_eq!(peer.epoch(), 1);
    }
}
