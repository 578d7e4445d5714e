//! A mirror of the configuration file: every key and every default, nothing checked yet.
//!
//! A key that has no default is an `Option`, also where it must be given: what is missing is noted
//! as a mistake while reading, and the checks of the other keys go on.

use std::time::Duration;

use super::keys::Keys;
use super::secret::Secret;
use super::units::ByteSize;

const MIB: u64 = 1 << 20;

/// The whole file.
#[derive(Debug)]
pub(super) struct RawConfig {
    pub(super) node: RawNode,
    pub(super) pg: RawPg,
    pub(super) mesh: Option<RawMesh>,
    pub(super) feeds: Vec<RawFeed>,
    pub(super) storage: RawStorage,
    pub(super) log: RawLog,
}

impl RawConfig {
    pub(super) fn read(keys: &mut Keys<'_, '_>) -> Self {
        Self {
            node: keys.section("node", RawNode::read),
            pg: keys.section("pg", RawPg::read),
            mesh: keys.is_given("mesh").then(|| keys.section("mesh", RawMesh::read)),
            feeds: keys.list("feeds", RawFeed::read),
            storage: keys.section("storage", RawStorage::read),
            log: keys.section("log", RawLog::read),
        }
    }
}

/// `[node]`
#[derive(Debug)]
pub(super) struct RawNode {
    pub(super) name: Option<String>,
    pub(super) role: String,
    pub(super) data_dir: Option<String>,
}

impl Default for RawNode {
    fn default() -> Self {
        Self { name: None, role: "edge".to_owned(), data_dir: None }
    }
}

impl RawNode {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let default = Self::default();
        Self { name: keys.required("name"), role: keys.or("role", default.role), data_dir: keys.required("data_dir") }
    }
}

/// `[pg]`
#[derive(Debug)]
pub(super) struct RawPg {
    pub(super) listen: String,
    pub(super) trust_loopback: bool,
    pub(super) users: Vec<RawUser>,
    pub(super) tls: RawPgTls,
    pub(super) max_connections: u64,
    /// Three, or less when there are hardly more slots.
    pub(super) reserved_connections: Option<u64>,
    pub(super) require_tls: String,
    pub(super) startup_timeout: Duration,
    pub(super) startup_bytes_max: ByteSize,
    pub(super) message_bytes_max: ByteSize,
    pub(super) statement_timeout: Duration,
}

impl Default for RawPg {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:5432".to_owned(),
            trust_loopback: false,
            users: Vec::new(),
            tls: RawPgTls::default(),
            max_connections: 100,
            reserved_connections: None,
            require_tls: "no".to_owned(),
            startup_timeout: Duration::from_secs(60),
            startup_bytes_max: ByteSize(10_000),
            message_bytes_max: ByteSize(64 * MIB),
            statement_timeout: Duration::ZERO,
        }
    }
}

impl RawPg {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            listen: keys.or("listen", default.listen),
            trust_loopback: keys.or("trust_loopback", default.trust_loopback),
            users: keys.list("users", RawUser::read),
            tls: keys.section("tls", RawPgTls::read),
            max_connections: keys.or("max_connections", default.max_connections),
            reserved_connections: keys.optional("reserved_connections"),
            require_tls: keys.or("require_tls", default.require_tls),
            startup_timeout: keys.or("startup_timeout", default.startup_timeout),
            startup_bytes_max: keys.or("startup_bytes_max", default.startup_bytes_max),
            message_bytes_max: keys.or("message_bytes_max", default.message_bytes_max),
            statement_timeout: keys.or("statement_timeout", default.statement_timeout),
        }
    }
}

/// `[[pg.users]]`
#[derive(Debug)]
pub(super) struct RawUser {
    pub(super) path: String,
    pub(super) name: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) password_file: Option<String>,
    pub(super) verifier: Option<Secret>,
    pub(super) roles: Vec<String>,
    pub(super) certificate: String,
}

impl Default for RawUser {
    fn default() -> Self {
        Self {
            path: String::new(),
            name: None,
            password: None,
            password_file: None,
            verifier: None,
            roles: vec!["reader".to_owned()],
            certificate: "ignored".to_owned(),
        }
    }
}

impl RawUser {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            path: keys.path().to_owned(),
            name: keys.required("name"),
            password: keys.optional("password"),
            password_file: keys.optional("password_file"),
            verifier: keys.optional("verifier"),
            roles: keys.or("roles", default.roles),
            certificate: keys.or("certificate", default.certificate),
        }
    }
}

/// `[pg.tls]`
#[derive(Debug, Default)]
pub(super) struct RawPgTls {
    /// Decided by what else is configured when it is left out.
    pub(super) mode: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) client_ca: Option<String>,
}

impl RawPgTls {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        Self {
            mode: keys.optional("mode"),
            cert: keys.optional("cert"),
            key: keys.optional("key"),
            client_ca: keys.optional("client_ca"),
        }
    }
}

/// `[mesh]`
#[derive(Debug)]
pub(super) struct RawMesh {
    pub(super) listen: String,
    pub(super) advertise: Option<String>,
    pub(super) seeds: Vec<String>,
    pub(super) tls: RawMeshTls,
}

impl Default for RawMesh {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7400".to_owned(), advertise: None, seeds: Vec::new(), tls: RawMeshTls::default() }
    }
}

impl RawMesh {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            listen: keys.or("listen", default.listen),
            advertise: keys.optional("advertise"),
            seeds: keys.or("seeds", default.seeds),
            tls: keys.section("tls", RawMeshTls::read),
        }
    }
}

/// `[mesh.tls]`: what is left out lies in `dir`, which is `tls` in the data directory.
#[derive(Debug, Default)]
pub(super) struct RawMeshTls {
    pub(super) dir: Option<String>,
    pub(super) ca: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
}

impl RawMeshTls {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        Self {
            dir: keys.optional("dir"),
            ca: keys.optional("ca"),
            cert: keys.optional("cert"),
            key: keys.optional("key"),
        }
    }
}

/// `[[feeds]]`
#[derive(Debug)]
pub(super) struct RawFeed {
    pub(super) path: String,
    pub(super) name: Option<String>,
    pub(super) address: Option<String>,
    pub(super) streams: Vec<String>,
    pub(super) tls: Option<RawFeedTls>,
}

impl Default for RawFeed {
    fn default() -> Self {
        let streams = ["alerts", "logs", "messages"].map(str::to_owned).to_vec();
        Self { path: String::new(), name: None, address: None, streams, tls: None }
    }
}

impl RawFeed {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            path: keys.path().to_owned(),
            name: keys.required("name"),
            address: keys.required("address"),
            streams: keys.or("streams", default.streams),
            tls: keys.is_given("tls").then(|| keys.section("tls", RawFeedTls::read)),
        }
    }
}

/// `[feeds.tls]` of the feed above it.
#[derive(Debug, Default)]
pub(super) struct RawFeedTls {
    pub(super) ca: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) server_name: Option<String>,
}

impl RawFeedTls {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        Self {
            ca: keys.required("ca"),
            cert: keys.optional("cert"),
            key: keys.optional("key"),
            server_name: keys.optional("server_name"),
        }
    }
}

/// `[storage]`
#[derive(Debug)]
pub(super) struct RawStorage {
    pub(super) seal_rows: u64,
    pub(super) seal_bytes: ByteSize,
    pub(super) seal_age: Duration,
    pub(super) cache_bytes: ByteSize,
}

impl Default for RawStorage {
    fn default() -> Self {
        Self {
            seal_rows: 131_072,
            seal_bytes: ByteSize(64 * MIB),
            seal_age: Duration::from_secs(3_600),
            cache_bytes: ByteSize(24 * MIB),
        }
    }
}

impl RawStorage {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            seal_rows: keys.or("seal_rows", default.seal_rows),
            seal_bytes: keys.or("seal_bytes", default.seal_bytes),
            seal_age: keys.or("seal_age", default.seal_age),
            cache_bytes: keys.or("cache_bytes", default.cache_bytes),
        }
    }
}

/// `[log]`
#[derive(Debug)]
pub(super) struct RawLog {
    pub(super) level: String,
}

impl Default for RawLog {
    fn default() -> Self {
        Self { level: "info".to_owned() }
    }
}

impl RawLog {
    fn read(keys: &mut Keys<'_, '_>) -> Self {
        let default = Self::default();
        Self { level: keys.or("level", default.level) }
    }
}
