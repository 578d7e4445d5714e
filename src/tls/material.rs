//! A node's CA, certificate and key, loaded from files and reloadable while connections are served.
//!
//! Clones share what is loaded. A reload that fails leaves the old files in use and says why.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{NodeIdentity, TlsError};

/// Largest PEM file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most certificates that are taken out of one file.
const CERTIFICATES_MAX: usize = 100;

/// The cryptography that all configurations use.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A certificate chain with its key, for servers that ask their clients for none.
#[derive(Clone)]
pub struct ServerCertificate {
    certificate_path: PathBuf,
    key_path: PathBuf,
    current: Arc<RwLock<Arc<CertifiedKey>>>,
}

impl ServerCertificate {
    /// Loads a certificate chain and its key from PEM files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let loaded = Arc::new(certified_key(certificate, key)?);
        Ok(Self {
            certificate_path: certificate.to_owned(),
            key_path: key.to_owned(),
            current: Arc::new(RwLock::new(loaded)),
        })
    }

    /// Reads the files again; connections made from now on use them.
    pub fn reload(&self) -> Result<(), TlsError> {
        let loaded = certified_key(&self.certificate_path, &self.key_path)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ServerCertificate").field("certificate", &self.certificate_path).finish_non_exhaustive()
    }
}

/// What is replaced by one reload, all of it or nothing.
pub(super) struct Loaded {
    pub(super) roots: RootCertStore,
    pub(super) identity: NodeIdentity,
}

/// Everything a node needs to prove itself to the mesh and to check others.
#[derive(Clone)]
pub struct TlsMaterial {
    ca_path: PathBuf,
    certificate: ServerCertificate,
    loaded: Arc<RwLock<Arc<Loaded>>>,
}

impl TlsMaterial {
    /// Loads the mesh CA's certificate, and this node's certificate and key, from PEM files.
    pub fn load(ca: &Path, certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let certificate = ServerCertificate::load(certificate, key)?;
        let loaded = Arc::new(load(ca, &certificate.certificate_path, &certificate.current())?);
        Ok(Self { ca_path: ca.to_owned(), certificate, loaded: Arc::new(RwLock::new(loaded)) })
    }

    /// Reads the files again; connections made from now on use them. A certificate of another node
    /// is refused: a node keeps its name for life.
    pub fn reload(&self) -> Result<(), TlsError> {
        let key = certified_key(&self.certificate.certificate_path, &self.certificate.key_path)?;
        let loaded = load(&self.ca_path, &self.certificate.certificate_path, &key)?;
        if loaded.identity.name != self.identity().name {
            let what = format!("is of another node, \"{}\"", loaded.identity.name);
            return Err(TlsError::Malformed { path: self.certificate.certificate_path.clone(), what });
        }
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        *self.certificate.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        Ok(())
    }

    /// Who this node is, as its own certificate says.
    pub fn identity(&self) -> NodeIdentity {
        self.loaded().identity.clone()
    }

    /// The node's certificate alone, for serving clients that need none.
    pub fn certificate(&self) -> &ServerCertificate {
        &self.certificate
    }

    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TlsMaterial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TlsMaterial").field("identity", &self.loaded().identity).finish_non_exhaustive()
    }
}

fn load(ca_path: &Path, certificate_path: &Path, key: &CertifiedKey) -> Result<Loaded, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca_path)? {
        roots.add(certificate).map_err(|_| malformed(ca_path, "holds a certificate that cannot be a CA"))?;
    }
    let own = key.cert.first().ok_or_else(|| malformed(certificate_path, "holds no certificate"))?;
    let identity = NodeIdentity::from_certificate(own)?;
    Ok(Loaded { roots, identity })
}

fn certified_key(certificate_path: &Path, key_path: &Path) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(certificate_path)?;
    let pem = read(key_path)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| malformed(key_path, "holds no private key"))?;
    // The library's own text is left out: nothing that saw the key's bytes gets into an error.
    CertifiedKey::from_der(chain, key, &provider())
        .map_err(|_| malformed(key_path, "does not hold the key of the certificate"))
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        chain.push(certificate.map_err(|_| malformed(path, "is not PEM"))?);
        if chain.len() > CERTIFICATES_MAX {
            return Err(malformed(path, "holds too many certificates"));
        }
    }
    if chain.is_empty() {
        return Err(malformed(path, "holds no certificate"));
    }
    Ok(chain)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let file = std::fs::File::open(path).map_err(|source| TlsError::io("open", path, source))?;
    let mut bytes = Vec::new();
    let taken = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    taken.map_err(|source| TlsError::io("read", path, source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(malformed(path, "is too large"));
    }
    Ok(bytes)
}

pub(super) fn malformed(path: &Path, what: &str) -> TlsError {
    TlsError::Malformed { path: path.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemClock;
    use crate::tls::{CertificateRequest, Role, ca_init, ca_issue};
    use crate::types::NodeName;

    #[test]
    fn a_reload_takes_new_files_and_keeps_the_old_ones_when_it_cannot() {
        let directory = tempfile::tempdir().expect("directory");
        let (ca, node, clock) = (directory.path().join("ca"), directory.path().join("node"), SystemClock::new());
        ca_init(&ca, &clock).expect("CA");
        let mut request = CertificateRequest::new(NodeName::new("edge-1").expect("name"), Role::Edge);
        let files = ca_issue(&ca, &request, &node, &clock).expect("certificate");
        let material = TlsMaterial::load(&files.ca, &files.certificate, &files.key).expect("material");
        let first = material.certificate().current();

        request.role = Role::Admin;
        ca_issue(&ca, &request, &node, &clock).expect("second certificate");
        material.reload().expect("reload");
        assert_eq!(material.identity().role, Role::Admin);
        assert_ne!(material.certificate().current().cert, first.cert);

        std::fs::write(&files.key, "no key").expect("write");
        let failed = material.reload().expect_err("a broken key file");
        assert!(failed.to_string().ends_with("holds no private key"), "{failed}");
        assert_eq!(material.identity().role, Role::Admin);

        request.name = NodeName::new("edge-2").expect("name");
        ca_issue(&ca, &request, &node, &clock).expect("certificate of another node");
        assert!(material.reload().is_err());
        assert_eq!(material.identity().name.as_str(), "edge-1");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let directory = tempfile::tempdir().expect("directory");
        let (ca, clock) = (directory.path().join("ca"), SystemClock::new());
        ca_init(&ca, &clock).expect("CA");
        let request = CertificateRequest::new(NodeName::new("edge-1").expect("name"), Role::Edge);
        let one = ca_issue(&ca, &request, &directory.path().join("one"), &clock).expect("certificate");
        let two = ca_issue(&ca, &request, &directory.path().join("two"), &clock).expect("certificate");
        assert!(ServerCertificate::load(&one.certificate, &two.key).is_err());
    }
}
