//! `[pg]`: the door for PostgreSQL clients.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::address::parse_listen;
use super::findings::Findings;
use super::raw::{RawPg, RawPgTls, RawUser};
use super::secret::Secret;
use super::units::shorten;

const PASSWORD_FILE_BYTES_MAX: u64 = 4_096;
const CONNECTIONS_MAX: u64 = 100_000;
/// Connections that are kept for administrators, where there are enough of them.
const RESERVED_CONNECTIONS: u64 = 3;

/// How a user proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A password as it was typed; only its verifier may be kept.
    Password(Secret),
    /// PostgreSQL's `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.
    Verifier(Secret),
    /// None: only `trust_loopback` or a certificate lets this user in.
    Absent,
}

/// A user that may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgUser {
    /// Its name.
    pub name: String,
    /// How it proves who it is.
    pub credential: Credential,
    /// The roles it has; never empty.
    pub roles: Vec<String>,
    /// What a certificate in its name is worth.
    pub certificate: UserCertificate,
}

/// What a client certificate in a user's name is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserCertificate {
    /// Nothing: the password decides.
    Ignored,
    /// It must be shown besides the password.
    Required,
    /// It takes the place of the password.
    Enough,
}

/// Which clients must use TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequireTls {
    /// None.
    No,
    /// Those that are not on this machine.
    Outside,
    /// All.
    Always,
}

/// The certificate that PostgreSQL clients see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PgTls {
    /// No TLS.
    Off,
    /// The node's mesh certificate.
    Node,
    /// A certificate of its own.
    Files {
        /// The certificate and its chain, PEM.
        cert: PathBuf,
        /// Its private key, PEM.
        key: PathBuf,
    },
}

/// The door for PostgreSQL clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgConfig {
    /// Where to listen; port 0 lets the machine choose.
    pub listen: SocketAddr,
    /// Users from this machine need no password.
    pub trust_loopback: bool,
    /// The users that may log in, each name once.
    pub users: Vec<PgUser>,
    /// The certificate that clients see.
    pub tls: PgTls,
    /// The CA whose certificates clients may show.
    pub client_ca: Option<PathBuf>,
    /// Which clients must use TLS.
    pub require_tls: RequireTls,
    /// Most connections at the same time.
    pub max_connections: usize,
    /// How many of them only users with the role `admin` can have.
    pub reserved_connections: usize,
    /// Longest time until a client is logged in.
    pub startup_timeout: Duration,
    /// Largest message before a client is logged in, in bytes.
    pub startup_bytes_max: usize,
    /// Largest message after that, in bytes.
    pub message_bytes_max: usize,
    /// What `statement_timeout` is at first; none when it is 0.
    pub statement_timeout: Option<Duration>,
}

impl PgConfig {
    pub(super) fn check(raw: RawPg, node_has_certificate: NodeCertificate, findings: &mut Findings) -> Option<Self> {
        let listen = findings.keep("pg.listen", parse_listen(&raw.listen));
        let client_ca = check_client_ca(raw.tls.client_ca.as_deref(), findings);
        let users = check_users(raw.users, raw.trust_loopback, client_ca.is_some(), findings);
        let tls = check_tls(raw.tls, node_has_certificate, findings);
        let require_tls = check_require_tls(&raw.require_tls, tls.as_ref(), findings);
        let most_reserved = raw.max_connections.saturating_sub(1);
        let reserved = raw.reserved_connections.unwrap_or(RESERVED_CONNECTIONS.min(most_reserved));
        let reserved = in_range("pg.reserved_connections", reserved, 0, most_reserved, findings);
        let connections = in_range("pg.max_connections", raw.max_connections, 1, CONNECTIONS_MAX, findings);
        let startup_bytes = in_range("pg.startup_bytes_max", raw.startup_bytes_max.0, 1_024, 1 << 20, findings);
        let message_bytes = in_range("pg.message_bytes_max", raw.message_bytes_max.0, 65_536, (1 << 30) - 1, findings);
        if raw.startup_timeout.is_zero() {
            findings.wrong("pg.startup_timeout", "a client that never logs in would stay for ever; it must be above 0");
        }
        Some(Self {
            listen: listen?,
            trust_loopback: raw.trust_loopback,
            users,
            tls: tls?,
            client_ca,
            require_tls: require_tls?,
            max_connections: connections?,
            reserved_connections: reserved?,
            startup_timeout: raw.startup_timeout,
            startup_bytes_max: startup_bytes?,
            message_bytes_max: message_bytes?,
            statement_timeout: (!raw.statement_timeout.is_zero()).then_some(raw.statement_timeout),
        })
    }
}

/// Whether the node has a mesh certificate that `pg` can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeCertificate {
    Configured,
    Absent,
}

/// The number, or a mistake when it is out of its range.
pub(super) fn in_range(key: &str, value: u64, least: u64, most: u64, findings: &mut Findings) -> Option<usize> {
    let fitting = usize::try_from(value).ok().filter(|_| (least..=most).contains(&value));
    if fitting.is_none() {
        findings.wrong(key, format!("{value} is out of range: {least} to {most}"));
    }
    fitting
}

fn check_users(users: Vec<RawUser>, trust_loopback: bool, has_client_ca: bool, findings: &mut Findings) -> Vec<PgUser> {
    let mut names = BTreeSet::new();
    if trust_loopback && users.is_empty() {
        findings.wrong("pg.trust_loopback", "it lets the configured users in, and pg.users is empty");
    }
    let mut checked = Vec::new();
    for user in users {
        let path = user.path.clone();
        let certificate = check_certificate(&user, has_client_ca, findings);
        let needs_no_password = trust_loopback || certificate == Some(UserCertificate::Enough);
        let credential = check_credential(&user, needs_no_password, findings);
        let roles = check_roles(&path, user.roles, findings);
        let Some(name) = user.name else { continue };
        let name_key = format!("{path}.name");
        if let Some(problem) = role_name_problem(&name) {
            findings.wrong(name_key, problem);
        } else if !names.insert(name.clone()) {
            findings.wrong(name_key, format!("there are two users \"{name}\""));
        } else if let (Some(credential), Some(roles), Some(certificate)) = (credential, roles, certificate) {
            checked.push(PgUser { name, credential, roles, certificate });
        }
    }
    checked
}

fn check_certificate(user: &RawUser, has_client_ca: bool, findings: &mut Findings) -> Option<UserCertificate> {
    let key = format!("{}.certificate", user.path);
    let wanted = match user.certificate.as_str() {
        "ignored" => return Some(UserCertificate::Ignored),
        "required" => UserCertificate::Required,
        "enough" => UserCertificate::Enough,
        other => {
            findings.wrong(key, format!("\"{}\" is none of ignored, required and enough", shorten(other)));
            return None;
        }
    };
    if !has_client_ca {
        findings.wrong(key, "no certificate can be checked without pg.tls.client_ca");
        return None;
    }
    Some(wanted)
}

fn check_client_ca(text: Option<&str>, findings: &mut Findings) -> Option<PathBuf> {
    let path = findings.path(text?);
    findings.file("pg.tls.client_ca", &path)
}

fn check_require_tls(text: &str, tls: Option<&PgTls>, findings: &mut Findings) -> Option<RequireTls> {
    let wanted = match text {
        "no" => return Some(RequireTls::No),
        "outside" => RequireTls::Outside,
        "always" => RequireTls::Always,
        other => {
            let problem = format!("\"{}\" is none of no, outside and always", shorten(other));
            findings.wrong("pg.require_tls", problem);
            return None;
        }
    };
    if tls == Some(&PgTls::Off) {
        findings.wrong("pg.require_tls", "clients cannot use TLS, since pg.tls.mode is \"off\"");
        return None;
    }
    Some(wanted)
}

fn check_roles(path: &str, roles: Vec<String>, findings: &mut Findings) -> Option<Vec<String>> {
    let key = format!("{path}.roles");
    if roles.is_empty() {
        findings.wrong(key, "a user without a role may do nothing; leave the key out for \"reader\"");
        return None;
    }
    match roles.iter().find_map(|role| role_name_problem(role)) {
        Some(problem) => findings.wrong(key, problem),
        None => return Some(roles),
    }
    None
}

/// Why PostgreSQL would not take this name for a role.
fn role_name_problem(name: &str) -> Option<String> {
    let shown = shorten(name);
    if name.is_empty() || name.len() > 63 {
        Some(format!("\"{shown}\" is no name of a role: 1 to 63 bytes"))
    } else if name.chars().any(char::is_control) {
        Some("a name of a role has no control characters".to_owned())
    } else if name == "public" || name == "none" {
        Some(format!("\"{shown}\" is a reserved word of SQL"))
    } else {
        None
    }
}

fn check_credential(user: &RawUser, needs_no_password: bool, findings: &mut Findings) -> Option<Credential> {
    let path = user.path.as_str();
    let given = [user.password.is_some(), user.password_file.is_some(), user.verifier.is_some()];
    match given.iter().filter(|given| **given).count() {
        0 if needs_no_password => return Some(Credential::Absent),
        0 => {
            findings.wrong(path, "it has no password, password_file or verifier, so it could never log in");
            return None;
        }
        1 => {}
        _ => {
            findings.wrong(path, "it has more than one of password, password_file and verifier");
            return None;
        }
    }
    if let Some(password) = &user.password {
        let checked = check_password(password.clone()).map(Credential::Password);
        return findings.keep(format!("{path}.password"), checked);
    }
    if let Some(file) = &user.password_file {
        let key = format!("{path}.password_file");
        let file = findings.path(file);
        let file = findings.file(key.as_str(), &file)?;
        let checked = read_password(&file).and_then(check_password).map(Credential::Password);
        return findings.keep(key, checked);
    }
    let verifier = user.verifier.clone()?;
    let checked = check_verifier(&verifier).map(|()| Credential::Verifier(verifier));
    findings.keep(format!("{path}.verifier"), checked)
}

fn read_password(file: &std::path::Path) -> Result<Secret, String> {
    let length = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if length > PASSWORD_FILE_BYTES_MAX {
        return Err(format!("it has {length} bytes; a password file has at most {PASSWORD_FILE_BYTES_MAX}"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn check_password(password: Secret) -> Result<Secret, String> {
    let text = password.expose();
    if text.is_empty() {
        Err("the password is empty".to_owned())
    } else if text.starts_with("SCRAM-SHA-256$") {
        Err("this is a verifier; write it under the key verifier".to_owned())
    } else if text.contains('\0') {
        Err("a password has no NUL".to_owned())
    } else {
        Ok(password)
    }
}

/// Checks `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`; says nothing of its content.
fn check_verifier(verifier: &Secret) -> Result<(), String> {
    let parts = || {
        let rest = verifier.expose().strip_prefix("SCRAM-SHA-256$")?;
        let (first, keys) = rest.split_once('$')?;
        let (iterations, salt) = first.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let iterations: u32 = iterations.parse().ok()?;
        let has_length = |text: &str, length: usize| STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == length);
        let salt = STANDARD.decode(salt).ok()?;
        ((4_096..=10_000_000).contains(&iterations)
            && (8..=64).contains(&salt.len())
            && has_length(stored, 32)
            && has_length(server, 32))
        .then_some(())
    };
    parts().ok_or_else(|| {
        "it is no verifier: SCRAM-SHA-256$<iterations, at least 4096>:<salt>$<StoredKey>:<ServerKey>, keys in base64"
            .to_owned()
    })
}

fn check_tls(raw: RawPgTls, node: NodeCertificate, findings: &mut Findings) -> Option<PgTls> {
    let has_files = raw.cert.is_some() || raw.key.is_some();
    let mode = raw.mode.as_deref().unwrap_or(match (has_files, node) {
        (true, _) => "files",
        (false, NodeCertificate::Configured) => "node",
        (false, NodeCertificate::Absent) => "off",
    });
    match mode {
        "off" | "node" if has_files => {
            findings
                .wrong("pg.tls.mode", format!("\"{mode}\" does not use pg.tls.cert and pg.tls.key; write \"files\""));
            None
        }
        "off" => Some(PgTls::Off),
        "node" if node == NodeCertificate::Configured => Some(PgTls::Node),
        "node" => {
            findings.wrong("pg.tls.mode", "\"node\" needs the certificate of [mesh.tls], and there is no [mesh]");
            None
        }
        "files" => {
            let cert = check_tls_file("pg.tls.cert", raw.cert, findings);
            let key = check_tls_file("pg.tls.key", raw.key, findings);
            Some(PgTls::Files { cert: cert?, key: key? })
        }
        other => {
            findings.wrong("pg.tls.mode", format!("\"{}\" is none of off, node and files", shorten(other)));
            None
        }
    }
}

fn check_tls_file(key: &str, text: Option<String>, findings: &mut Findings) -> Option<PathBuf> {
    let Some(text) = text else {
        findings.wrong(key, "missing; a certificate and its key belong together");
        return None;
    };
    let path = findings.path(&text);
    findings.file(key, &path)
}
