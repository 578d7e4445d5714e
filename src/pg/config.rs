//! What the PostgreSQL listener is told: addresses, users, limits.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::scram::ScramVerifier;
use crate::tls::PostgresAcceptor;

/// A role that may log in.
#[derive(Debug, Clone)]
pub struct UserConfig {
    /// Its name.
    pub name: String,
    /// What is kept of its password; none: it cannot log in with one.
    pub verifier: Option<ScramVerifier>,
    /// The roles that it has.
    pub roles: Vec<String>,
    /// What its certificate is worth.
    pub certificate: CertificateUse,
}

/// What a client certificate in a user's name is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CertificateUse {
    /// Nothing: the password decides.
    #[default]
    Ignored,
    /// It must be there besides the password.
    Required,
    /// It must be there, and no password is asked for.
    Enough,
}

/// Tells which databases there are.
pub trait Databases: Send + Sync + Debug + 'static {
    /// Whether clients may connect to a database of this name.
    fn exists(&self, name: &str) -> bool;
}

/// Whether connections must be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsUse {
    /// The client decides.
    Optional,
    /// Connections without TLS are refused, except from this machine.
    RequiredFromOutside,
    /// Connections without TLS are refused.
    Required,
}

/// Whom the server believes without a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Nobody.
    Nobody,
    /// Known users that connect from this machine's loopback address.
    Loopback,
}

/// Bounds on what clients may use.
#[derive(Debug, Clone)]
pub struct PgLimits {
    /// Most clients at once.
    pub connections_max: usize,
    /// How many of them only users with the role `admin` can be.
    pub reserved: usize,
    /// Largest message after login, in bytes.
    pub message_bytes_max: usize,
    /// Longest time from connect to the end of login.
    pub login_timeout: Duration,
}

impl Default for PgLimits {
    fn default() -> Self {
        Self {
            connections_max: 500,
            reserved: 0,
            message_bytes_max: 64 * 1024 * 1024,
            login_timeout: Duration::from_secs(10),
        }
    }
}

/// Everything that the listener is told.
#[derive(Clone)]
pub struct PgConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Encryption; none: clients are told that there is none.
    pub tls: Option<PostgresAcceptor>,
    /// Whether connections must be encrypted.
    pub tls_use: TlsUse,
    /// Who may log in.
    pub users: Vec<UserConfig>,
    /// Whom the server believes without a password.
    pub trust: Trust,
    /// Which databases there are.
    pub databases: Arc<dyn Databases>,
    /// Settings that every session starts with, name and value; what the client sends wins.
    pub settings: Vec<(String, String)>,
    /// Bounds on what clients may use.
    pub limits: PgLimits,
}

impl Debug for PgConfig {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PgConfig")
            .field("listen", &self.listen)
            .field("tls", &self.tls.is_some())
            .field("tls_use", &self.tls_use)
            .field("users", &self.users.len())
            .field("trust", &self.trust)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
