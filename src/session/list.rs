//! Who is connected: for pg_stat_activity, and for cancel requests.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use crate::env::{Random, random_u64};
use crate::system::{Activity, ActivityFacts};

use super::interrupt::{Interrupt, InterruptReason};

/// Longest text of a statement that the list keeps, in bytes.
const QUERY_BYTES_MAX: usize = 1024;

/// What a client must know to cancel a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CancelKey {
    /// The connection's process id.
    pub pid: i32,
    /// The secret that goes with it.
    pub secret: i32,
}

impl std::fmt::Debug for CancelKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CancelKey").field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Runs a statement.
    Active,
    /// Waits for the client.
    Idle,
    /// Waits for the client inside a transaction.
    IdleInTransaction,
    /// Waits for the client inside a transaction that failed.
    IdleInFailedTransaction,
}

impl SessionState {
    /// As pg_stat_activity spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::IdleInTransaction => "idle in transaction",
            Self::IdleInFailedTransaction => "idle in transaction (aborted)",
        }
    }
}

/// One connected client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// The connection's process id.
    pub pid: i32,
    /// The user.
    pub user: String,
    /// The database.
    pub database: String,
    /// The program's name as it gave it.
    pub application: String,
    /// The client's address.
    pub client: Option<SocketAddr>,
    /// What it does.
    pub state: SessionState,
    /// Its last statement, cut to 1 kB.
    pub query: String,
    /// Login: microseconds since 1970 UTC.
    pub started_us: i64,
    /// Start of the last statement.
    pub query_started_us: Option<i64>,
    /// Last change of `state`.
    pub changed_us: i64,
}

/// What `pg_cancel_backend` and `pg_terminate_backend` end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backend {
    Statement,
    Session,
}

#[derive(Debug)]
struct Connected {
    secret: i32,
    terminated: CancellationToken,
    info: SessionInfo,
    running: Option<Arc<Interrupt>>,
}

#[derive(Debug, Default)]
struct Registry {
    last_pid: i32,
    connected: HashMap<i32, Connected>,
}

/// All sessions of a node; clones share it.
#[derive(Debug, Clone, Default)]
pub struct SessionList(Arc<Mutex<Registry>>);

impl SessionList {
    /// Every session, by process id.
    pub fn snapshot(&self) -> Vec<SessionInfo> {
        let mut sessions: Vec<SessionInfo> =
            self.lock().connected.values().map(|connected| connected.info.clone()).collect();
        sessions.sort_by_key(|session| session.pid);
        sessions
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.lock().connected.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends what a session runs, if the key is right; says nothing about whether it was.
    pub fn cancel(&self, key: CancelKey) {
        let registry = self.lock();
        let found = registry.connected.get(&key.pid);
        let secret = found.map_or(0, |connected| connected.secret);
        let matches: bool = secret.to_be_bytes().ct_eq(&key.secret.to_be_bytes()).into();
        if let Some(running) = found.and_then(|connected| connected.running.as_ref())
            && matches
        {
            running.interrupt(InterruptReason::UserRequest);
        }
    }

    /// Ends a session or what it runs; false when there is no such session.
    pub(super) fn end(&self, pid: i32, what: Backend) -> bool {
        let registry = self.lock();
        let Some(connected) = registry.connected.get(&pid) else { return false };
        let reason = match what {
            Backend::Statement => InterruptReason::UserRequest,
            Backend::Session => {
                connected.terminated.cancel();
                InterruptReason::Shutdown
            }
        };
        if let Some(running) = &connected.running {
            running.interrupt(reason);
        }
        true
    }

    /// The user of a session.
    pub(super) fn user_of(&self, pid: i32) -> Option<String> {
        self.lock().connected.get(&pid).map(|connected| connected.info.user.clone())
    }

    /// Adds a session; it leaves the list when the entry is dropped.
    pub(super) fn enter(&self, mut info: SessionInfo, random: &dyn Random) -> SessionEntry {
        let secret = i32::from_ne_bytes(low_bytes(random_u64(random)));
        let mut registry = self.lock();
        loop {
            registry.last_pid = registry.last_pid.checked_add(1).unwrap_or(1);
            if !registry.connected.contains_key(&registry.last_pid) {
                break;
            }
        }
        let pid = registry.last_pid;
        info.pid = pid;
        let terminated = CancellationToken::new();
        let connected = Connected { secret, terminated: terminated.clone(), info, running: None };
        registry.connected.insert(pid, connected);
        SessionEntry { list: self.clone(), key: CancelKey { pid, secret }, terminated }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn low_bytes(number: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = number.to_ne_bytes();
    [a, b, c, d]
}

impl Activity for SessionList {
    fn sessions(&self) -> Vec<ActivityFacts> {
        let told = |session: SessionInfo| ActivityFacts {
            pid: session.pid,
            user: session.user,
            database: session.database,
            application: session.application,
            client: session.client,
            state: session.state.as_str(),
            query: session.query,
            started_us: session.started_us,
            query_started_us: session.query_started_us,
            changed_us: session.changed_us,
        };
        self.snapshot().into_iter().map(told).collect()
    }
}

/// A session's place in the list.
#[derive(Debug)]
pub(super) struct SessionEntry {
    list: SessionList,
    key: CancelKey,
    terminated: CancellationToken,
}

impl SessionEntry {
    pub(super) fn key(&self) -> CancelKey {
        self.key
    }

    /// Waits until somebody ends the session.
    pub(super) fn terminated(&self) -> impl Future<Output = ()> + Send + 'static {
        self.terminated.clone().cancelled_owned()
    }

    /// A statement starts.
    pub(super) fn active(&self, query: Option<&str>, running: Arc<Interrupt>, now_us: i64) {
        self.change(|connected| {
            connected.running = Some(running);
            connected.info.changed_us = now_us;
            connected.info.state = SessionState::Active;
            if let Some(query) = query {
                connected.info.query = cut(query);
                connected.info.query_started_us = Some(now_us);
            }
        });
    }

    /// A statement ended; the session may go on with the next one.
    pub(super) fn done(&self) {
        self.change(|connected| connected.running = None);
    }

    /// The session waits for its client.
    pub(super) fn idle(&self, state: SessionState, application: &str, now_us: i64) {
        self.change(|connected| {
            connected.running = None;
            connected.info.state = state;
            connected.info.changed_us = now_us;
            if connected.info.application != application {
                application.clone_into(&mut connected.info.application);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Connected)) {
        if let Some(connected) = self.list.lock().connected.get_mut(&self.key.pid) {
            change(connected);
        }
    }
}

impl Drop for SessionEntry {
    fn drop(&mut self) {
        let left = self.list.lock().connected.remove(&self.key.pid);
        if let Some(running) = left.and_then(|connected| connected.running) {
            running.interrupt(InterruptReason::ClientGone);
        }
    }
}

fn cut(query: &str) -> String {
    let mut end = query.len().min(QUERY_BYTES_MAX);
    while !query.is_char_boundary(end) {
        end -= 1;
    }
    query.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{CancelKey, SessionInfo, SessionList, SessionState};
    use crate::env::SeededRandom;
    use crate::session::interrupt::Interrupt;

    #[test]
    fn only_the_right_secret_cancels() {
        let list = SessionList::default();
        let info = SessionInfo {
            pid: 0,
            user: "u".into(),
            database: "d".into(),
            application: String::new(),
            client: None,
            state: SessionState::Idle,
            query: String::new(),
            started_us: 0,
            query_started_us: None,
            changed_us: 0,
        };
        let entry = list.enter(info, &SeededRandom::new(1));
        let interrupt = Arc::new(Interrupt::new(None));
        entry.active(Some("select 1"), Arc::clone(&interrupt), 1);
        list.cancel(CancelKey { secret: entry.key().secret ^ 1, ..entry.key() });
        list.cancel(CancelKey { pid: entry.key().pid + 1, secret: 0 });
        assert!(!interrupt.token().is_cancelled());
        list.cancel(entry.key());
        assert!(interrupt.token().is_cancelled());
        assert_eq!(list.snapshot()[0].query, "select 1");
        drop(entry);
        assert!(list.is_empty());
    }
}
