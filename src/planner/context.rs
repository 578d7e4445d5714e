//! Everything about the client and the moment that a statement's plan depends on.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::execution::{CoverageReport, MissingNodes};
use crate::system::SettingFacts;
use crate::types::{FragmentSettings, QueryId};

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
}
