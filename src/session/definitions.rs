//! Every setting that a client can see, with its type, bounds and default.
//!
//! Names, types and meanings are PostgreSQL's; our own start with `armorlake.`.

mod known;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::numbers::Unit;
use super::values::{self, Kind};

/// Who may change a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every client, at any time.
    User,
    /// Only a superuser of PostgreSQL, which no client of a node is.
    Superuser,
    /// Only the node's own configuration.
    Server,
    /// Nobody: it tells a fact.
    Fact,
}

/// Whether clients are told of every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// By a ParameterStatus message.
    Yes,
    /// Only when they ask.
    No,
}

/// One setting.
#[derive(Debug)]
pub struct SettingDefinition {
    /// Its name as PostgreSQL spells it.
    pub name: &'static str,
    /// Its value until somebody changes it.
    pub default: &'static str,
    /// Who may change it.
    pub access: Access,
    /// Whether clients are told of changes.
    pub report: Report,
    /// What it does, for SHOW ALL.
    pub description: &'static str,
    /// Its type and bounds.
    pub(super) kind: Kind,
}

const fn user(name: &'static str, default: &'static str, kind: Kind, description: &'static str) -> SettingDefinition {
    SettingDefinition { name, default, access: Access::User, report: Report::No, description, kind }
}

const fn told(name: &'static str, default: &'static str, kind: Kind, description: &'static str) -> SettingDefinition {
    SettingDefinition { name, default, access: Access::User, report: Report::Yes, description, kind }
}

const fn fact(name: &'static str, value: &'static str, report: Report, description: &'static str) -> SettingDefinition {
    SettingDefinition { name, default: value, access: Access::Fact, report, description, kind: Kind::Text(values::any) }
}

const fn with_access(
    name: &'static str,
    value: &'static str,
    access: Access,
    description: &'static str,
) -> SettingDefinition {
    SettingDefinition { name, default: value, access, report: Report::No, description, kind: Kind::Text(values::any) }
}

const fn denied(name: &'static str, value: &'static str, description: &'static str) -> SettingDefinition {
    with_access(name, value, Access::Superuser, description)
}

const fn fixed(name: &'static str, value: &'static str, description: &'static str) -> SettingDefinition {
    with_access(name, value, Access::Server, description)
}

const ISOLATION: Kind = Kind::Choice(&["serializable", "repeatable read", "read committed", "read uncommitted"]);
const TIMEOUT: Kind = Kind::Integer { min: 0, max: i32::MAX as i64, unit: Unit::Milliseconds };
const MESSAGES: Kind =
    Kind::Choice(&["debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "notice", "warning", "error"]);

/// Settings that mean something here.
const OWN: &[SettingDefinition] = &[
    told("application_name", "", Kind::Text(values::printable), "Name of the program, for statistics and logs."),
    user(
        "armorlake.missing_nodes",
        "warn",
        Kind::Choice(&["warn", "error"]),
        "What a missing node does to a statement: its rows come with a warning, or the statement fails.",
    ),
    user(
        "armorlake.node_timeout",
        "5s",
        Kind::Integer { min: 1, max: 600_000, unit: Unit::Milliseconds },
        "Longest silence of a node before it counts as missing.",
    ),
    user("armorlake.pruning", "on", Kind::Bool, "Leaves nodes out that cannot have matching rows."),
    fact("block_size", "8192", Report::No, "Size of a disk block in PostgreSQL's terms."),
    user("bytea_output", "hex", Kind::Choice(&["escape", "hex"]), "Text form of bytea values."),
    told("client_encoding", "UTF8", Kind::Text(values::encoding), "Character set of the client; UTF8 only."),
    user("client_min_messages", "notice", MESSAGES, "Least level of the messages that are sent."),
    told("DateStyle", "ISO, MDY", Kind::Merge(values::date_style), "Text form of dates and times."),
    user("default_transaction_deferrable", "off", Kind::Bool, "Deferrable status of new transactions."),
    user("default_transaction_isolation", "read committed", ISOLATION, "Isolation level of new transactions."),
    told("default_transaction_read_only", "off", Kind::Bool, "Read-only status of new transactions."),
    user(
        "extra_float_digits",
        "1",
        Kind::Integer { min: -15, max: 3, unit: Unit::None },
        "Digits of floats: shortest exact text above zero, fewer digits below.",
    ),
    user("idle_in_transaction_session_timeout", "0", TIMEOUT, "Longest idle time inside a transaction."),
    user("idle_session_timeout", "0", TIMEOUT, "Longest idle time outside a transaction."),
    fact("in_hot_standby", "off", Report::Yes, "Whether the server replays another one's log."),
    fact("integer_datetimes", "on", Report::Yes, "Whether times are integers in binary form."),
    told(
        "IntervalStyle",
        "postgres",
        Kind::Choice(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
        "Text form of intervals.",
    ),
    fact("is_superuser", "off", Report::Yes, "Whether the user is above all rights."),
    fact("lc_collate", "C", Report::No, "Order of texts."),
    fact("lc_ctype", "C", Report::No, "Kinds of characters."),
    user("lock_timeout", "0", TIMEOUT, "Longest wait for a lock."),
    fact("max_identifier_length", "63", Report::No, "Longest name in bytes."),
    fact("max_index_keys", "32", Report::No, "Most columns of an index."),
    user("password_encryption", "scram-sha-256", Kind::Choice(&["scram-sha-256"]), "How passwords are kept."),
    fact("role", "none", Report::No, "The role in force, when it is not the one that logged in."),
    user("row_security", "on", Kind::Bool, "Whether row policies hide rows rather than fail."),
    user("search_path", "\"$user\", public", Kind::List, "Schemas in which bare names are looked up."),
    fact("server_encoding", "UTF8", Report::Yes, "Character set of the server."),
    fact("server_version", "15.0", Report::Yes, "The PostgreSQL version that this server behaves like."),
    fact("server_version_num", "150000", Report::No, "The same as a number."),
    fact("session_authorization", "", Report::Yes, "The role that logged in."),
    told(
        "standard_conforming_strings",
        "on",
        Kind::Text(values::standard_strings),
        "Whether a backslash in '...' is an ordinary character; always on.",
    ),
    user("statement_timeout", "0", TIMEOUT, "Longest time of a statement."),
    told("TimeZone", "UTC", Kind::Text(values::time_zone), "Zone in which instants are read and shown."),
    user("transaction_deferrable", "off", Kind::Bool, "Deferrable status of this transaction."),
    user("transaction_isolation", "read committed", ISOLATION, "Isolation level of this transaction."),
    user("transaction_read_only", "off", Kind::Bool, "Read-only status of this transaction."),
    user("transform_null_equals", "off", Kind::Text(values::always_off), "Whether = NULL means IS NULL; never."),
];

/// All settings in the order of SHOW ALL.
pub static SETTINGS: LazyLock<Vec<&'static SettingDefinition>> = LazyLock::new(|| {
    let mut all: Vec<&SettingDefinition> = OWN.iter().chain(known::KNOWN).collect();
    all.sort_by_key(|setting| setting.name.to_ascii_lowercase());
    all
});

/// The settings whose changes clients are told.
pub(super) static REPORTED: LazyLock<Vec<&'static SettingDefinition>> =
    LazyLock::new(|| SETTINGS.iter().copied().filter(|setting| setting.report == Report::Yes).collect());

static BY_NAME: LazyLock<HashMap<String, &'static SettingDefinition>> =
    LazyLock::new(|| SETTINGS.iter().map(|setting| (setting.name.to_ascii_lowercase(), *setting)).collect());

/// The definition of a setting, by its name in any case.
pub(super) fn definition(name: &str) -> Option<&'static SettingDefinition> {
    match BY_NAME.get(name) {
        Some(found) => Some(found),
        None => BY_NAME.get(&name.to_ascii_lowercase()).copied(),
    }
}
