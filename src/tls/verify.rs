//! The checks of a mesh handshake: signed by the mesh CA, valid now, of a node, of the expected node.
//!
//! Both ends look up the CA at the moment of the handshake. The address that was dialled means
//! nothing: a client knows the name it expects (or, for a seed, learns it), and a certificate that
//! merely lists that name among its hosts is not enough.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::{NodeIdentity, TlsMaterial};
use crate::types::NodeName;

/// Lets in nodes of the mesh only.
#[derive(Debug)]
pub(super) struct NodeClientVerifier {
    material: TlsMaterial,
    provider: Arc<CryptoProvider>,
}

impl NodeClientVerifier {
    pub(super) fn new(material: TlsMaterial, provider: Arc<CryptoProvider>) -> Self {
        Self { material, provider }
    }
}

impl ClientCertVerifier for NodeClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let roots = Arc::new(self.material.loaded().roots.clone());
        let chain = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        let verified = chain.verify_client_cert(end_entity, intermediates, now)?;
        identity_of(end_entity)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, algorithms(&self.provider))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, algorithms(&self.provider))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms(&self.provider).supported_schemes()
    }
}

/// Accepts one node, or any node of the mesh when its name is not known yet.
#[derive(Debug)]
pub(super) struct NodeServerVerifier {
    material: TlsMaterial,
    expected: Option<NodeName>,
    provider: Arc<CryptoProvider>,
}

impl NodeServerVerifier {
    pub(super) fn new(material: TlsMaterial, expected: Option<NodeName>, provider: Arc<CryptoProvider>) -> Self {
        Self { material, expected, provider }
    }
}

impl ServerCertVerifier for NodeServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let (loaded, supported) = (self.material.loaded(), algorithms(&self.provider).all);
        verify_server_cert_signed_by_trust_anchor(&parsed, &loaded.roots, intermediates, now, supported)?;
        let identity = identity_of(end_entity)?;
        match &self.expected {
            Some(expected) if *expected != identity.name => Err(CertificateError::NotValidForName.into()),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, algorithms(&self.provider))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, algorithms(&self.provider))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms(&self.provider).supported_schemes()
    }
}

fn algorithms(provider: &CryptoProvider) -> &WebPkiSupportedAlgorithms {
    &provider.signature_verification_algorithms
}

fn identity_of(certificate: &CertificateDer<'_>) -> Result<NodeIdentity, Error> {
    NodeIdentity::from_certificate(certificate).map_err(|_| CertificateError::ApplicationVerificationFailure.into())
}
