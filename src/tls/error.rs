//! What can go wrong with certificates and keys.

use std::path::PathBuf;

use crate::types::Code;

/// Why certificates could not be made, loaded or used. Never holds key bytes.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{verb} {}", .path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} {what}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, such as `holds no certificate`.
        what: String,
    },
    /// The file is there and must not be overwritten.
    #[error("{} exists already", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that is not one of a node.
    #[error("not a node certificate: {what}")]
    NotANode {
        /// What is missing or wrong.
        what: String,
    },
    /// A certificate was asked for that cannot be made.
    #[error("cannot issue a certificate: {what}")]
    Issue {
        /// Why.
        what: String,
    },
    /// The TLS library refused the configuration.
    #[error("TLS configuration")]
    Configuration(#[source] rustls::Error),
}

impl TlsError {
    /// The kind of the error.
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } | Self::Exists { .. } => Code::IoError,
            Self::Malformed { .. } | Self::Issue { .. } => Code::InvalidParameterValue,
            Self::NotANode { .. } => Code::InvalidAuthorization,
            Self::Configuration(_) => Code::Internal,
        }
    }

    pub(super) fn io(verb: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { verb, path: path.to_owned(), source }
    }
}
