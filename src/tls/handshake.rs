//! Mesh handshakes on either side, and in few words why one failed.
//!
//! `mesh` never sees the TLS library: it hands in a socket and gets a stream and the identity at its
//! other end.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{NodeIdentity, TlsError, TlsMaterial};
use crate::types::NodeName;

/// A connection that another node opened.
pub type AcceptedStream = tokio_rustls::server::TlsStream<TcpStream>;
/// A connection that this node opened.
pub type DialledStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Accepts mesh connections; clones share one configuration.
#[derive(Clone)]
pub struct NodeAcceptor(TlsAcceptor);

impl std::fmt::Debug for NodeAcceptor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("NodeAcceptor")
    }
}

impl NodeAcceptor {
    /// An acceptor that lets in nodes of the mesh only.
    pub fn new(material: &TlsMaterial) -> Result<Self, TlsError> {
        material.mesh_acceptor().map(Self)
    }

    /// Does the handshake; the caller bounds its time.
    pub async fn accept(&self, tcp: TcpStream) -> io::Result<(AcceptedStream, NodeIdentity)> {
        let stream = self.0.accept(tcp).await?;
        let identity = identity_of(stream.get_ref().1.peer_certificates())?;
        Ok((stream, identity))
    }
}

impl TlsMaterial {
    /// Does the handshake with the node `expected`, or with any node of the mesh; the caller bounds
    /// its time.
    pub async fn connect(
        &self,
        tcp: TcpStream,
        expected: Option<&NodeName>,
    ) -> io::Result<(DialledStream, NodeIdentity)> {
        let connector = self.mesh_connector(expected.cloned()).map_err(io::Error::other)?;
        // The library wants a name here, but ours decides nothing: the verifier knows whom to expect.
        let unused = ServerName::try_from("mesh.invalid").map_err(io::Error::other)?;
        let stream = connector.connect(unused, tcp).await?;
        let identity = identity_of(stream.get_ref().1.peer_certificates())?;
        Ok((stream, identity))
    }
}

fn identity_of(certificates: Option<&[CertificateDer<'_>]>) -> io::Result<NodeIdentity> {
    let leaf = certificates.unwrap_or_default().first();
    let leaf = leaf.ok_or_else(|| io::Error::new(io::ErrorKind::PermissionDenied, "no certificate"))?;
    NodeIdentity::from_certificate(leaf).map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error))
}

/// What TLS had to say in an error or in one of its causes; none when TLS was not the reason.
pub fn refusal_in(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        let wrapped = current.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        let inner = wrapped.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = current.downcast_ref::<rustls::Error>().or(inner) {
            return Some(words_for(tls));
        }
        // A node refuses our certificate after our side of the handshake is done, and HTTP/2 hands
        // that alert on as text only.
        if current.to_string().contains("received fatal alert") {
            return Some("certificate refused by the node");
        }
        cause = current.source();
    }
    None
}

fn words_for(error: &rustls::Error) -> &'static str {
    use rustls::Error::{AlertReceived, InvalidCertificate};
    match error {
        InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "certificate refused: it has expired"
        }
        InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "certificate refused: not of this mesh's CA"
        }
        InvalidCertificate(CertificateError::NotValidForName) => "certificate refused: it is of another node",
        InvalidCertificate(_) => "certificate refused",
        AlertReceived(_) => "certificate refused by the node",
        _ => "TLS handshake failed",
    }
}
