//! One client: user, settings, transaction state, prepared statements, portals, cancel.
//!
//! `pg` opens a [`Session`] after login and hands it statements; a session hands back rows to pull
//! and notices to send, and knows nothing of messages. Queries go to the planner, the small
//! commands (SET, BEGIN, DECLARE, ...) are carried out here.

mod arguments;
mod commands;
mod cursors;
mod definitions;
mod explain;
mod facts;
mod format;
mod interrupt;
mod list;
mod notice;
mod rows;
mod run;
mod settings;
mod statements;
mod transaction;
mod values;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::env::{Clock, Random};
use crate::execution::CoverageReport;
use crate::planner::Planner;

pub use crate::types::Zone;
pub use definitions::{Access, Report, SETTINGS, SettingDefinition};
pub use format::{DateOrder, DateStyle, FormatSettings, IntervalStyle};
pub use interrupt::{Interrupt, InterruptReason};
pub use list::{CancelKey, SessionInfo, SessionList, SessionState};
pub use notice::{Notice, Severity};
pub use rows::{Execution, RowStream};
pub use settings::Settings;
pub use statements::{Portal, Prepared};
pub use transaction::TransactionStatus;

use facts::FactsCache;
use list::SessionEntry;
use statements::Statements;
use transaction::Transaction;

/// What all sessions of a node share.
#[derive(Debug, Clone)]
pub struct SessionShared {
    /// Plans and starts queries.
    pub planner: Arc<Planner>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives statement ids and cancel keys.
    pub random: Arc<dyn Random>,
    /// Who is connected.
    pub sessions: SessionList,
}

/// Who logged in, and from where.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The user's roles.
    pub roles: Vec<String>,
    /// The database.
    pub database: String,
    /// Settings that came with the login, in order.
    pub settings: Vec<(String, String)>,
    /// The client's address; none for a connection inside the process.
    pub client: Option<SocketAddr>,
}

/// The session of one client.
#[derive(Debug)]
pub struct Session {
    shared: SessionShared,
    user: String,
    roles: Vec<String>,
    database: String,
    settings: Settings,
    facts: FactsCache,
    transaction: Transaction,
    statements: Statements,
    notices: Vec<Notice>,
    last_coverage: CoverageReport,
    entry: SessionEntry,
}
