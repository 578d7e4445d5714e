//! The configurations between nodes: mesh server and mesh client.
//!
//! TLS 1.3 only, both ends with certificates, no session resumption, so that an expired or replaced
//! certificate counts at the next connection.

use std::sync::Arc;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ServerConfig, SignatureScheme};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::material::provider;
use super::verify::{NodeClientVerifier, NodeServerVerifier};
use super::{ServerCertificate, TlsError, TlsMaterial};
use crate::types::NodeName;

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for ServerCertificate {
    fn resolve(&self, _root_hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl TlsMaterial {
    /// Accepts connections of mesh nodes; a client without a valid node certificate is refused.
    pub(super) fn mesh_acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let provider = provider();
        let verifier = Arc::new(NodeClientVerifier::new(self.clone(), Arc::clone(&provider)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Configuration)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(self.certificate().clone()));
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Connects to the node of that name, or to any node of the mesh when none is given; whatever
    /// address is dialled, the certificate decides.
    pub(super) fn mesh_connector(&self, expected: Option<NodeName>) -> Result<TlsConnector, TlsError> {
        let provider = provider();
        let verifier = Arc::new(NodeServerVerifier::new(self.clone(), expected, Arc::clone(&provider)));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Configuration)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(self.certificate().clone()));
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
