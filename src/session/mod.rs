//! One client: user, settings, transaction state, prepared statements, portals, cancel.
//!
//! `pg` opens a [`Session`] after login and hands it statements; a session hands back rows to pull
//! and notices to send, and knows nothing of messages. Queries go to the planner, the small
//! commands (SET, BEGIN, DECLARE, ...) are carried out here.

mod arguments;
mod changes;
mod channels;
mod commands;
mod control;
mod copy;
mod copy_from;
mod cursor;
mod cursors;
mod data;
mod define;
mod definitions;
mod effects;
mod explain;
mod facts;
mod fleet_catalog;
mod format;
mod homes;
mod interrupt;
mod list;
mod notice;
mod numbers;
mod pages;
mod plan_document;
mod rows;
mod run;
mod settings;
mod statements;
mod stored;
mod transaction;
mod values;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::env::{Clock, Random};
use crate::execution::CoverageReport;
use crate::planner::Planner;
use crate::storage::{Savepoint, Store};

pub use crate::types::Zone;
pub use channels::{Channels, Notification};
pub use copy_from::{CopyColumn, CopyFrom, Place, SentRows};
pub use definitions::{Access, Report, SETTINGS, SettingDefinition};
pub use fleet_catalog::{FleetCatalog, Others};
pub use format::{DateOrder, DateStyle, FormatSettings, IntervalStyle};
pub use interrupt::{Interrupt, InterruptReason};
pub use list::{CancelKey, SessionInfo, SessionList, SessionState};
pub use notice::{Notice, Severity};
pub use rows::{Execution, RowStream};
pub use settings::Settings;
pub use statements::{Portal, Prepared};
pub use stored::{SettingsKeeper, StoredSettings};
pub use transaction::TransactionStatus;

use channels::ChannelEnd;
use control::{Control, SequenceValues};
use data::Data;
use effects::Effect;
use facts::FactsCache;
use list::SessionEntry;
use statements::Statements;
use transaction::Transaction;

/// What all sessions of a node share.
#[derive(Debug, Clone)]
pub struct SessionShared {
    /// Plans and starts queries.
    pub planner: Arc<Planner>,
    /// Keeps relational tables.
    pub store: Arc<Store>,
    /// What exists here and on the other nodes.
    pub fleet: Arc<FleetCatalog>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives statement ids and cancel keys.
    pub random: Arc<dyn Random>,
    /// Who is connected.
    pub sessions: SessionList,
    /// Who listens to what.
    pub channels: Channels,
    /// Settings that new sessions start with.
    pub stored: StoredSettings,
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
    /// Facts about the node that settings tell, by the setting's name.
    pub facts: Vec<(&'static str, String)>,
    /// Settings of the node's configuration, in order; those of roles and databases come after them.
    pub configured: Vec<(String, String)>,
    /// Settings that came with the login, in order; they come last.
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
    data: Data,
    /// Where the transaction's writes stood at its savepoints, in their order.
    marks: Vec<Option<Savepoint>>,
    /// What sequences gave to this session.
    sequences: Arc<Mutex<SequenceValues>>,
    statements: Statements,
    /// What the functions of the last statement may do.
    control: Option<Arc<Control>>,
    /// What waits for the commit.
    effects: Vec<Effect>,
    channel_end: ChannelEnd,
    notices: Vec<Notice>,
    last_coverage: CoverageReport,
    entry: SessionEntry,
}
