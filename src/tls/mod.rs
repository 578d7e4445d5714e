//! Certificates: the mesh CA, server and client configurations, who a peer is.
//!
//! A node's name is the first DNS name of its certificate; its role and the roles it may act as are
//! URI names (`armorlake:role:edge`, `armorlake:act-as:reader`). Every configuration made here
//! resolves the certificate at the moment of the handshake, so that [`TlsMaterial::reload`] takes
//! effect without a restart, and no session is ever resumed: each connection proves both ends anew.
//! Private keys appear in no `Debug` output and in no error. Called by `mesh`, `pg`, `node`, `cli`.

mod authority;
mod config;
mod error;
mod handshake;
mod identity;
mod material;
mod postgres;
mod verify;

pub use authority::{CertificateRequest, IssuedFiles, ca_init, ca_issue};
pub use error::TlsError;
pub use handshake::{AcceptedStream, DialledStream, NodeAcceptor, refusal_in};
pub use identity::{DEFAULT_ACT_AS, NodeIdentity, Role};
pub use material::{ServerCertificate, TlsMaterial};
pub use postgres::{PostgresAcceptor, PostgresPeer};
