//! What all gathers of one running statement share.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use datafusion::error::DataFusionError;
use tokio_util::sync::CancellationToken;

use super::{Coverage, MissingNodes};
use crate::env::{Clock, Monotonic};
use crate::mesh::Fleet;
use crate::types::{Code, FragmentSettings, QueryId, SqlError};

/// How long a fragment may take when the statement has no timeout of its own.
const FRAGMENT_DEADLINE_DEFAULT: Duration = Duration::from_secs(24 * 3600);

/// One statement while it runs on its coordinator.
#[derive(Debug)]
pub struct StatementRun {
    /// The nodes that can be asked.
    pub fleet: Arc<dyn Fleet>,
    /// Where the gathers note what happened to every node.
    pub coverage: Coverage,
    /// The statement's id.
    pub query_id: QueryId,
    /// The client's session as far as expressions need it.
    pub settings: FragmentSettings,
    /// The client's roles.
    pub roles: Vec<String>,
    /// What a missing node does to the statement.
    pub missing_nodes: MissingNodes,
    /// Longest silence of an owner that is not known to be up.
    pub node_timeout: Duration,
    /// When the statement began, on `clock`.
    pub started: Monotonic,
    /// Time for the whole statement; none when it has no timeout.
    pub deadline: Option<Duration>,
    /// Cancelled when the client cancels or goes away.
    pub cancel: CancellationToken,
    /// Most fragments of the statement that one owner is sent; the planner counts them.
    pub fragments: AtomicU32,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl StatementRun {
    /// Time since the statement began.
    pub fn elapsed(&self) -> Duration {
        self.clock.monotonic().since(self.started)
    }

    /// Time left for a fragment that is sent now.
    pub fn time_left(&self) -> Duration {
        self.deadline.map_or(FRAGMENT_DEADLINE_DEFAULT, |deadline| deadline.saturating_sub(self.elapsed()))
    }

    /// An error when the client cancelled or the time is over.
    pub fn check(&self) -> Result<(), DataFusionError> {
        if self.cancel.is_cancelled() {
            return Err(engine_error(SqlError::new(Code::QueryCanceled, "canceling statement due to user request")));
        }
        if self.deadline.is_some_and(|deadline| self.elapsed() >= deadline) {
            return Err(engine_error(SqlError::new(
                Code::QueryCanceled,
                "canceling statement due to statement timeout",
            )));
        }
        Ok(())
    }
}

/// Our error in the engine's clothes; `planner::sql_error_from_engine` takes it out again.
pub(super) fn engine_error(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
