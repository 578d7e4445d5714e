//! TLS for PostgreSQL clients: the handshake, and what login may learn from it.
//!
//! A client may show a certificate of the configured CA; whether it must is decided at login, by
//! user. The hash of the server's own certificate goes into the password exchange (channel
//! binding), so it is taken from the very certificate that this handshake showed.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ring::digest;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::parse_x509_certificate;

use super::material::{certificates, malformed, provider};
use super::{ServerCertificate, TlsError};

/// The protocol's name in the handshake.
const PROTOCOL: &[u8] = b"postgresql";

/// Accepts TLS connections of PostgreSQL clients, TLS 1.2 or 1.3; clones share one configuration.
#[derive(Clone)]
pub struct PostgresAcceptor {
    config: Arc<ServerConfig>,
    certificate: ServerCertificate,
}

impl fmt::Debug for PostgresAcceptor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PostgresAcceptor").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// What a handshake told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostgresPeer {
    /// The common name in the client's certificate, which the configured CA signed; none without one.
    pub common_name: Option<String>,
    /// The hash of the server's certificate as `tls-server-end-point` defines it; none where it does not.
    pub server_end_point: Option<Vec<u8>>,
    /// Whether the client named the protocol.
    pub named_protocol: bool,
}

/// A certificate that no reload replaces while a handshake runs.
#[derive(Debug)]
struct Fixed(Arc<CertifiedKey>);

impl ResolvesServerCert for Fixed {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl PostgresAcceptor {
    /// An acceptor that shows `certificate`; with `client_ca` clients are asked for a certificate
    /// of that CA, and refused when they show another.
    pub fn new(certificate: ServerCertificate, client_ca: Option<&Path>) -> Result<Self, TlsError> {
        let verifier = client_ca.map_or_else(|| Ok(WebPkiClientVerifier::no_client_auth()), verifier)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configuration)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(Fixed(certificate.current())));
        // Clients of version 17 and later name the protocol; older ones name none.
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// Does the handshake; the caller bounds its time.
    pub async fn accept<S>(&self, stream: S) -> std::io::Result<(TlsStream<S>, PostgresPeer)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shown = self.certificate.current();
        let mut config = self.config.as_ref().clone();
        config.cert_resolver = Arc::new(Fixed(Arc::clone(&shown)));
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        let connection = stream.get_ref().1;
        let own = shown.cert.first().map(AsRef::as_ref).unwrap_or_default();
        let peer = PostgresPeer {
            common_name: connection.peer_certificates().and_then(<[_]>::first).and_then(|leaf| common_name(leaf)),
            server_end_point: end_point(own),
            named_protocol: connection.alpn_protocol() == Some(PROTOCOL),
        };
        Ok((stream, peer))
    }
}

fn verifier(client_ca: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(client_ca)? {
        roots.add(certificate).map_err(|_| malformed(client_ca, "holds a certificate that cannot be a CA"))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|_| malformed(client_ca, "holds no CA that clients' certificates can be checked against"))
}

/// The one common name of a certificate's subject; none when it has none, several or a malformed one.
fn common_name(der: &[u8]) -> Option<String> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok().filter(|name| !name.is_empty() && !name.contains('\0'))?;
    names.next().is_none().then(|| name.to_owned())
}

/// RFC 5929, section 4.1: the hash of the signature's algorithm, and SHA-256 in place of weaker ones.
fn end_point(der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let algorithm = match certificate.signature_algorithm.algorithm.to_id_string().as_str() {
        // RSA with MD5, SHA-1, SHA-256; ECDSA with SHA-1, SHA-256.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => &digest::SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &digest::SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, der).as_ref().to_vec())
}
