//! The mesh CA: makes itself once, then certificates for nodes.
//!
//! Keys are ECDSA P-256 in files that only their owner can read. The CA's key is written once and
//! never overwritten; a node's files are replaced whole, so that a running node may reload them at
//! any time. Called by the `armorlake ca` commands and by tests.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};

use super::identity::{Role, act_as_uri, role_uri};
use super::{DEFAULT_ACT_AS, TlsError};
use crate::env::Clock;
use crate::types::NodeName;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a CA is valid.
const CA_VALID_FOR: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);
/// Certificates are valid from a little before they are made: clocks of nodes differ.
const BACKDATED_BY: Duration = Duration::from_secs(5 * 60);
/// Longest validity of a node's certificate.
const VALID_FOR_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What a node's certificate shall say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The node's name.
    pub name: NodeName,
    /// Its role.
    pub role: Role,
    /// The SQL roles that it may state for its users; `reader` when empty.
    pub act_as: Vec<String>,
    /// Host names and addresses besides `localhost`, `127.0.0.1` and `::1`, for PostgreSQL clients.
    pub hosts: Vec<String>,
    /// How long the certificate is valid.
    pub valid_for: Duration,
}

impl CertificateRequest {
    /// A certificate for a year, to act as `reader`, for no host but this one.
    pub fn new(name: NodeName, role: Role) -> Self {
        Self { name, role, act_as: Vec::new(), hosts: Vec::new(), valid_for: 365 * DAY }
    }
}

/// The files that a node needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedFiles {
    /// The CA's certificate.
    pub ca: PathBuf,
    /// The node's certificate.
    pub certificate: PathBuf,
    /// The node's private key.
    pub key: PathBuf,
}

impl IssuedFiles {
    /// The names of the files inside a node's directory: `ca.crt`, `node.crt`, `node.key`.
    pub fn in_directory(directory: &Path) -> Self {
        Self { ca: directory.join("ca.crt"), certificate: directory.join("node.crt"), key: directory.join("node.key") }
    }
}

/// Makes a mesh CA: `ca.crt` and `ca.key` in `directory`. Refuses to replace one that is there.
pub fn ca_init(directory: &Path, clock: &dyn Clock) -> Result<(), TlsError> {
    std::fs::create_dir_all(directory).map_err(|source| TlsError::io("create", directory, source))?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let fingerprint = blake3::hash(key.public_key_raw()).to_hex();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = named(&format!("Armorlake mesh CA {}", &fingerprint[..8]));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut parameters, clock, CA_VALID_FOR)?;
    let certificate = parameters.self_signed(&key).map_err(failed)?;
    let (key_path, certificate_path) = (directory.join("ca.key"), directory.join("ca.crt"));
    if certificate_path.exists() {
        return Err(TlsError::Exists { path: certificate_path });
    }
    create_new(&key_path, key.serialize_pem().as_bytes(), 0o600)?;
    create_new(&certificate_path, certificate.pem().as_bytes(), 0o644)
}

/// Makes a key and a certificate for a node, signed by the CA in `ca_directory`, and puts them with
/// the CA's certificate into `directory`; files of an earlier certificate are replaced.
pub fn ca_issue(
    ca_directory: &Path,
    request: &CertificateRequest,
    directory: &Path,
    clock: &dyn Clock,
) -> Result<IssuedFiles, TlsError> {
    let (ca_path, ca_key_path) = (ca_directory.join("ca.crt"), ca_directory.join("ca.key"));
    let ca_pem = read_text(&ca_path)?;
    let malformed = |path: &Path, what: &str| TlsError::Malformed { path: path.to_owned(), what: what.to_owned() };
    let ca_key =
        KeyPair::from_pem(&read_text(&ca_key_path)?).map_err(|_| malformed(&ca_key_path, "holds no usable key"))?;
    let issuer = Issuer::from_ca_cert_pem(&ca_pem, ca_key).map_err(|_| malformed(&ca_path, "holds no certificate"))?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let certificate = parameters_of(request, clock)?.signed_by(&key, &issuer).map_err(failed)?;
    std::fs::create_dir_all(directory).map_err(|source| TlsError::io("create", directory, source))?;
    let files = IssuedFiles::in_directory(directory);
    replace(&files.ca, ca_pem.as_bytes(), 0o644)?;
    replace(&files.key, key.serialize_pem().as_bytes(), 0o600)?;
    replace(&files.certificate, certificate.pem().as_bytes(), 0o644)?;
    Ok(files)
}

fn parameters_of(request: &CertificateRequest, clock: &dyn Clock) -> Result<CertificateParams, TlsError> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = named(request.name.as_str());
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    parameters.use_authority_key_identifier_extension = true;
    if request.valid_for > VALID_FOR_MAX {
        return Err(TlsError::Issue { what: String::from("it would be valid for more than ten years") });
    }
    set_validity(&mut parameters, clock, request.valid_for)?;
    // The name comes first: that is what makes it the node's name and not one of its hosts.
    parameters.subject_alt_names.push(dns_name(request.name.as_str())?);
    let local = ["localhost", "127.0.0.1", "::1"].map(String::from);
    for host in local.iter().chain(&request.hosts) {
        let name = match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => dns_name(host)?,
        };
        if !parameters.subject_alt_names.contains(&name) {
            parameters.subject_alt_names.push(name);
        }
    }
    parameters.subject_alt_names.push(uri_name(&role_uri(request.role))?);
    let default = [DEFAULT_ACT_AS.to_owned()];
    let act_as = if request.act_as.is_empty() { &default[..] } else { &request.act_as };
    for role in act_as {
        let uri = act_as_uri(role)
            .ok_or_else(|| TlsError::Issue { what: format!("\"{role}\" cannot stand in a certificate as a role") })?;
        parameters.subject_alt_names.push(uri_name(&uri)?);
    }
    Ok(parameters)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Armorlake");
    name.push(DnType::CommonName, common_name);
    name
}

fn dns_name(host: &str) -> Result<SanType, TlsError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let refused = || TlsError::Issue { what: format!("\"{host}\" is neither a host name nor an address") };
    if host.is_empty() || host.len() > 253 || !host.bytes().all(fits) {
        return Err(refused());
    }
    Ok(SanType::DnsName(host.try_into().map_err(|_| refused())?))
}

fn uri_name(uri: &str) -> Result<SanType, TlsError> {
    Ok(SanType::URI(uri.try_into().map_err(failed)?))
}

fn set_validity(parameters: &mut CertificateParams, clock: &dyn Clock, valid_for: Duration) -> Result<(), TlsError> {
    let now = u64::try_from(clock.now_us()).map(Duration::from_micros).unwrap_or_default();
    let from = now.saturating_sub(BACKDATED_BY);
    let year_1970 = rcgen::date_time_ymd(1970, 1, 1);
    let until = now.checked_add(valid_for).filter(|until| until.as_secs() < 253_402_300_800);
    let until = until.ok_or_else(|| TlsError::Issue { what: String::from("its validity ends after the year 9999") })?;
    parameters.not_before = year_1970 + Duration::from_secs(from.as_secs());
    parameters.not_after = year_1970 + Duration::from_secs(until.as_secs());
    Ok(())
}

fn failed(error: rcgen::Error) -> TlsError {
    TlsError::Issue { what: error.to_string() }
}

fn read_text(path: &Path) -> Result<String, TlsError> {
    std::fs::read_to_string(path).map_err(|source| TlsError::io("read", path, source))
}

fn create_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => TlsError::Exists { path: path.to_owned() },
        _ => TlsError::io("create", path, source),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| TlsError::io("write", path, source))
}

/// Writes beside the file and renames, so that a reader sees the old or the new one, whole.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    match std::fs::remove_file(&beside) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(TlsError::io("remove", &beside, source));
        }
        _ => {}
    }
    create_new(&beside, bytes, mode)?;
    std::fs::rename(&beside, path).map_err(|source| TlsError::io("rename", &beside, source))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::env::SystemClock;
    use crate::tls::{NodeIdentity, TlsMaterial};

    fn request() -> CertificateRequest {
        let mut request = CertificateRequest::new(NodeName::new("edge-1").expect("name"), Role::Edge);
        request.act_as = vec![String::from("reader"), String::from("analyst")];
        request.hosts = vec![String::from("db.example"), String::from("10.1.2.3")];
        request
    }

    #[test]
    fn an_issued_certificate_says_who_the_node_is() {
        let directory = tempfile::tempdir().expect("directory");
        let (ca, node) = (directory.path().join("ca"), directory.path().join("node"));
        ca_init(&ca, &SystemClock::new()).expect("CA");
        let files = ca_issue(&ca, &request(), &node, &SystemClock::new()).expect("certificate");
        for secret in [ca.join("ca.key"), files.key.clone()] {
            let mode = std::fs::metadata(&secret).expect("key file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", secret.display());
        }
        let material = TlsMaterial::load(&files.ca, &files.certificate, &files.key).expect("material");
        let identity = material.identity();
        assert_eq!(identity.name.as_str(), "edge-1");
        assert_eq!(identity.role, Role::Edge);
        assert_eq!(identity.act_as, ["analyst", "reader"]);
        let asked = [String::from("reader"), String::from("owner")];
        assert_eq!(identity.allowed_of(&asked), ["reader"]);
        assert!(!format!("{material:?}").contains("PRIVATE"));
        assert!(NodeIdentity::from_certificate(b"no certificate").is_err());
    }

    #[test]
    fn a_ca_is_never_overwritten() {
        let directory = tempfile::tempdir().expect("directory");
        ca_init(directory.path(), &SystemClock::new()).expect("CA");
        let before = std::fs::read(directory.path().join("ca.key")).expect("key");
        let again = ca_init(directory.path(), &SystemClock::new());
        assert!(matches!(again, Err(TlsError::Exists { .. })), "{again:?}");
        assert_eq!(std::fs::read(directory.path().join("ca.key")).expect("key"), before);
    }

    #[test]
    fn names_that_cannot_stand_in_a_certificate_are_refused() {
        let directory = tempfile::tempdir().expect("directory");
        ca_init(directory.path(), &SystemClock::new()).expect("CA");
        let mut with_role = request();
        with_role.act_as = vec![String::from("a b")];
        let mut with_host = request();
        with_host.hosts = vec![String::from("no host")];
        for refused in [with_role, with_host] {
            let result = ca_issue(directory.path(), &refused, directory.path(), &SystemClock::new());
            assert!(matches!(result, Err(TlsError::Issue { .. })), "{result:?}");
        }
    }
}
