//! Everything about the client and the moment that a statement's plan depends on.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalog::Sequence;
use crate::execution::{CoverageReport, MissingNodes};
use crate::system::{SessionObjects, SettingFacts};
use crate::types::{FragmentSettings, QueryId, SqlError};

use super::relations::Relations;
use super::statement::SetScope;

/// One statement of one client.
#[derive(Debug, Clone)]
pub struct StatementContext {
    /// The statement's id, the same on every node that takes part.
    pub query_id: QueryId,
    /// What expressions depend on; travels with fragments.
    pub settings: FragmentSettings,
    /// The user's roles.
    pub roles: Vec<String>,
    /// Schemas in which bare names are looked up, in order (`"$user"` left out).
    pub search_path: Vec<String>,
    /// What exists, and the rows of relational tables.
    pub relations: Arc<dyn Relations>,
    /// What a missing node does to the statement.
    pub missing_nodes: MissingNodes,
    /// Leave nodes out that cannot have matching rows (`armorlake.pruning`).
    pub pruning: bool,
    /// Longest silence of an owner before it counts as missing (`armorlake.node_timeout`).
    pub node_timeout: Duration,
    /// Time left for the statement; none without statement_timeout.
    pub deadline: Option<Duration>,
    /// Cancelled when the client cancels or goes away.
    pub cancel: CancellationToken,
    /// The report on this session's query before, for `mesh.last_coverage`.
    pub last_coverage: CoverageReport,
    /// The connection's process id, for `pg_backend_pid()`.
    pub backend_pid: i32,
    /// The session's settings, for `pg_settings` and `current_setting()`.
    pub shown_settings: Arc<Vec<SettingFacts>>,
    /// What functions may do to the session; none where there is no session.
    pub control: Option<Arc<dyn SessionControl>>,
}

/// What functions such as `set_config` do to the session that runs them; `session` implements it.
pub trait SessionControl: SessionObjects {
    /// Sets a setting as SET does, or back to its default without a value; gives the value as SHOW shows it.
    fn set_config(&self, name: &str, value: Option<&str>, scope: SetScope) -> Result<String, SqlError>;
    /// Says something on a channel, as NOTIFY does.
    fn notify(&self, channel: &str, payload: &str) -> Result<(), SqlError>;
    /// The channels that the session listens to.
    fn listening(&self) -> Vec<String>;
    /// Ends the statement of a session of this node; false when there is no such session.
    fn cancel_backend(&self, pid: i32) -> Result<bool, SqlError>;
    /// Ends a session of this node; false when there is no such session.
    fn terminate_backend(&self, pid: i32) -> Result<bool, SqlError>;
    /// The next value of a sequence.
    fn next_value(&self, sequence: &Sequence) -> Result<i64, SqlError>;
    /// The value that `next_value` gave last in this session.
    fn current_value(&self, sequence: &Sequence) -> Result<i64, SqlError>;
    /// The value that any sequence gave last in this session.
    fn last_value(&self) -> Result<i64, SqlError>;
    /// Sets a sequence's value; it is the next one unless `is_called`.
    fn set_value(&self, sequence: &Sequence, value: i64, is_called: bool) -> Result<(), SqlError>;
    /// The value that a sequence gave last to anybody, and whether it gave any.
    fn sequence_state(&self, sequence: &Sequence) -> Result<(i64, bool), SqlError>;
}
