//! What the system tables and functions are made from: plain facts that the rooms above hand in.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;

use super::directory::{ConstraintPlace, Directory};
use crate::catalog::{Catalog, Constraint, Sequence, Table, UserType};
use crate::types::SqlType;

/// Object id of the role that owns what is there from the start.
pub const OWNER_OID: u32 = 10;

/// A role (user or group).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// It may do everything.
    pub is_superuser: bool,
    /// It may log in.
    pub can_login: bool,
    /// It may create roles.
    pub can_create_role: bool,
    /// It may create databases.
    pub can_create_database: bool,
    /// What it is for.
    pub comment: Option<String>,
    /// Object ids of the roles that it is a member of.
    pub member_of: Vec<u32>,
}

impl RoleFacts {
    /// The role that owns the built-in objects, where the caller has no role of that id.
    pub fn owner(name: &str) -> Self {
        Self {
            oid: OWNER_OID,
            name: name.to_owned(),
            is_superuser: true,
            can_login: true,
            can_create_role: true,
            can_create_database: true,
            comment: None,
            member_of: Vec::new(),
        }
    }

    fn predefined((oid, name, member_of): &(u32, &str, &[u32])) -> Self {
        Self {
            oid: *oid,
            is_superuser: false,
            can_login: false,
            can_create_role: false,
            can_create_database: false,
            member_of: member_of.to_vec(),
            ..Self::owner(name)
        }
    }
}

/// PostgreSQL's predefined roles, and what each is a member of.
const PREDEFINED_ROLES: &[(u32, &str, &[u32])] = &[
    (3373, "pg_monitor", &[3374, 3375, 3377]),
    (3374, "pg_read_all_settings", &[]),
    (3375, "pg_read_all_stats", &[]),
    (3377, "pg_stat_scan_tables", &[]),
    (4200, "pg_signal_backend", &[]),
    (4544, "pg_checkpoint", &[]),
    (4569, "pg_read_server_files", &[]),
    (4570, "pg_write_server_files", &[]),
    (4571, "pg_execute_server_program", &[]),
    (6171, "pg_database_owner", &[]),
    (6181, "pg_read_all_data", &[]),
    (6182, "pg_write_all_data", &[]),
];

/// A setting as `SHOW` and `pg_settings` tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingFacts {
    /// Its name.
    pub name: String,
    /// Its value now, in this session, as SHOW shows it.
    pub value: String,
    /// The same as a bare number of `unit`, where it is one.
    pub bare: Option<String>,
    /// Unit of a number without one, such as `ms`.
    pub unit: Option<String>,
    /// Group of settings.
    pub category: String,
    /// One line on what it does.
    pub description: String,
    /// Who may change it: `user`, `internal`, `postmaster`, ...
    pub context: String,
    /// `bool`, `integer`, `real`, `string` or `enum`.
    pub kind: String,
    /// Where the value came from: `default`, `session`, `client`, ...
    pub source: String,
    /// Smallest number allowed.
    pub minimum: Option<String>,
    /// Largest number allowed.
    pub maximum: Option<String>,
    /// Allowed words of an `enum`.
    pub choices: Vec<String>,
    /// Value at start.
    pub boot_value: String,
    /// Value that RESET gives.
    pub reset_value: String,
}

/// What exists, seen from one database. Built once per catalog snapshot and shared by sessions.
#[derive(Debug, Clone)]
pub struct CatalogFacts {
    /// The snapshot.
    pub catalog: Arc<Catalog>,
    /// The database that the client is connected to.
    pub database: String,
    /// All roles; one with [`OWNER_OID`] is among them.
    pub roles: Vec<RoleFacts>,
    /// Columns of the views, by the view's object id, as the engine plans them.
    pub view_columns: BTreeMap<u32, SchemaRef>,
    /// Maps over the objects of the database, made once.
    pub(super) directory: Arc<Directory>,
}

impl CatalogFacts {
    /// Facts on one database; a missing owner role is added under the name `armorlake`.
    pub fn new(
        catalog: Arc<Catalog>,
        database: &str,
        mut roles: Vec<RoleFacts>,
        view_columns: BTreeMap<u32, SchemaRef>,
    ) -> Self {
        if !roles.iter().any(|role| role.oid == OWNER_OID) {
            roles.insert(0, RoleFacts::owner("armorlake"));
        }
        roles.extend(PREDEFINED_ROLES.iter().map(RoleFacts::predefined));
        let directory = Arc::new(Directory::new(&catalog, database, &roles));
        Self { catalog, database: database.to_owned(), roles, view_columns, directory }
    }

    /// The name of the role with this object id.
    pub fn role_name(&self, oid: u32) -> Option<&str> {
        self.roles.iter().find(|role| role.oid == oid).map(|role| role.name.as_str())
    }

    /// A role is another one, a member of it directly or through others, or a superuser.
    pub fn is_member(&self, member: &str, group: &str) -> bool {
        let mut members: Vec<&RoleFacts> = self.role(member).into_iter().collect();
        let mut next = 0;
        while let Some(role) = members.get(next).copied() {
            next += 1;
            if role.is_superuser || role.name == group {
                return true;
            }
            let groups = self.roles.iter().filter(|known| role.member_of.contains(&known.oid));
            let new: Vec<&RoleFacts> =
                groups.filter(|known| !members.iter().any(|seen| seen.oid == known.oid)).collect();
            members.extend(new);
        }
        false
    }

    /// The object id of the role that owns an object; the built-in owner's where none is named.
    pub fn owner(&self, name: Option<&str>) -> u32 {
        self.directory.owner(name)
    }

    /// Every constraint of tables and domains.
    pub(super) fn constraints(&self) -> impl Iterator<Item = &ConstraintPlace> {
        self.directory.constraints.iter()
    }

    /// Every type that users made.
    pub(super) fn user_types(&self) -> impl Iterator<Item = &Arc<UserType>> {
        self.directory.types.iter()
    }

    /// The user's type with this object id, or with this object id for its arrays.
    pub(super) fn user_type(&self, oid: u32) -> Option<&Arc<UserType>> {
        self.directory.user_type(oid)
    }

    /// Every column with a default, and the object id of the default.
    pub(super) fn defaults(&self) -> impl Iterator<Item = ((u32, i16), u32)> {
        self.directory.defaults()
    }

    /// The table with this object id.
    pub(super) fn table(&self, oid: u32) -> Option<&Arc<Table>> {
        self.directory.table(oid)
    }

    /// The primary key or UNIQUE that an index serves.
    pub(super) fn constraint_of_index(&self, index: u32) -> Option<&Constraint> {
        self.directory.constraint(self.directory.constraint_of_index(index)?)?.constraint()
    }

    /// The key of a table that a foreign key over these columns leans on, and its index.
    pub(super) fn referenced_key(&self, table: u32, columns: &[i16]) -> Option<(&Constraint, u32)> {
        self.directory.referenced_key(table, columns)
    }

    /// The sequence that belongs to a column.
    pub(super) fn owned_sequence(&self, table: u32, column: i16) -> Option<&Arc<Sequence>> {
        self.directory.owned_sequence(table, column)
    }

    /// The role with this name.
    pub fn role(&self, name: &str) -> Option<&RoleFacts> {
        self.roles.iter().find(|role| role.name == name)
    }
}

/// The client's session, as far as system tables and functions tell of it.
#[derive(Debug, Clone, Default)]
pub struct SessionFacts {
    /// The role in force.
    pub current_user: String,
    /// The role the client logged in as.
    pub session_user: String,
    /// Schemas in which bare names are looked up, in order; existing ones only, without implicit ones.
    pub search_path: Vec<String>,
    /// The connection's process id.
    pub backend_pid: i32,
    /// The statement's now(): microseconds since 1970 UTC.
    pub now_us: i64,
    /// When the node started: microseconds since 1970 UTC.
    pub started_us: i64,
    /// The text of `version()`.
    pub version: String,
    /// All settings with their values in this session.
    pub settings: Arc<Vec<SettingFacts>>,
    /// Bytes of tables on all nodes, by object id, as far as this node knows.
    pub table_bytes: BTreeMap<u32, i64>,
    /// Application name as the client stated it.
    pub application_name: String,
    /// Who is connected to this node; without it, only this session is told of.
    pub activity: Option<Arc<dyn Activity>>,
    /// Knows the values of sequences; without it, none is told.
    pub sequences: Option<Arc<dyn SequenceValues>>,
    /// What the session holds; none where there is no session.
    pub objects: Option<Arc<dyn SessionObjects>>,
}

/// Tells what a session holds. Implemented by `session`.
pub trait SessionObjects: Debug + Send + Sync {
    /// Its prepared statements that have a name.
    fn prepared_statements(&self) -> Vec<PreparedFacts>;
    /// Its cursors and portals.
    fn cursors(&self) -> Vec<CursorFacts>;
}

/// A prepared statement as `pg_prepared_statements` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedFacts {
    /// Its name.
    pub name: String,
    /// The text that prepared it.
    pub statement: String,
    /// When: microseconds since 1970 UTC.
    pub prepared_us: i64,
    /// Types of its parameters.
    pub parameters: Vec<SqlType>,
    /// By PREPARE, not by a message of the protocol.
    pub from_sql: bool,
    /// Runs that used the plan of a run before.
    pub plans_used: u64,
    /// Runs that made a plan.
    pub plans_made: u64,
}

/// A cursor as `pg_cursors` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorFacts {
    /// Its name; empty for the unnamed portal.
    pub name: String,
    /// The text that made it.
    pub statement: String,
    /// It outlives its transaction.
    pub is_holdable: bool,
    /// It gives binary values.
    pub is_binary: bool,
    /// It goes back.
    pub is_scrollable: bool,
    /// When it was made: microseconds since 1970 UTC.
    pub created_us: i64,
}

/// Tells where sequences are.
pub trait SequenceValues: Debug + Send + Sync {
    /// The last value that the sequence with this object id gave; none before its first one.
    fn last_value(&self, sequence: u32) -> Option<i64>;
}

/// Tells who is connected to this node. Implemented by `session::SessionList`.
pub trait Activity: Debug + Send + Sync {
    /// Every session, by process id.
    fn sessions(&self) -> Vec<ActivityFacts>;
}

/// A session as `pg_stat_activity` shows it; instants are microseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityFacts {
    /// The connection's process id.
    pub pid: i32,
    /// The role it logged in as.
    pub user: String,
    /// The database.
    pub database: String,
    /// The program's name as it gave it.
    pub application: String,
    /// Where it comes from.
    pub client: Option<SocketAddr>,
    /// `active`, `idle`, ...
    pub state: &'static str,
    /// Its last statement.
    pub query: String,
    /// Login.
    pub started_us: i64,
    /// Start of the last statement.
    pub query_started_us: Option<i64>,
    /// Last change of the state.
    pub changed_us: i64,
}

impl SessionFacts {
    /// The last value that a sequence gave, where the session can tell.
    pub fn last_value(&self, sequence: u32) -> Option<i64> {
        self.sequences.as_ref()?.last_value(sequence)
    }

    /// Where this session's client comes from.
    pub fn client(&self) -> Option<SocketAddr> {
        let sessions = self.activity.as_ref()?.sessions();
        sessions.into_iter().find(|session| session.pid == self.backend_pid)?.client
    }

    /// The setting with this name, case ignored.
    pub fn setting(&self, name: &str) -> Option<&SettingFacts> {
        self.settings.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
    }
}
