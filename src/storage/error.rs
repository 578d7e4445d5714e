//! What can go wrong with stored rows, and the one fact about it that callers act on.
//!
//! An error can be cloned: writers that share one transaction share its failure.

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;

use crate::env::BlockingFailed;
use crate::types::{Code, SqlError};

type Cause = Arc<dyn Error + Send + Sync + 'static>;

/// What can go wrong with stored rows.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// An unknown table was named.
    #[error("no event table \"{table}\"")]
    UnknownTable {
        /// Its name.
        table: String,
    },
    /// A table cannot be an event table.
    #[error("table \"{table}\" cannot hold events: {reason}")]
    UnsuitableTable {
        /// Its name.
        table: String,
        /// What it lacks.
        reason: &'static str,
    },
    /// A batch does not have its table's columns.
    #[error("rows for table \"{table}\" do not fit: {reason}")]
    SchemaMismatch {
        /// The table's name.
        table: String,
        /// The first difference.
        reason: String,
    },
    /// More than the store takes at once.
    #[error("{what} is larger than the {bytes_max} bytes that are allowed")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The bound.
        bytes_max: usize,
    },
    /// The disk or the store's file failed; the store opens its file again before the next write.
    #[error("{action} failed")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// The kind: an I/O error, a full disk, or damaged bytes.
        code: Code,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Rows could not be turned into bytes or back.
    #[error("{action} failed")]
    Conversion {
        /// What was tried.
        action: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Stored bytes are damaged.
    #[error("{what} is damaged: {reason}")]
    Corrupt {
        /// What is damaged.
        what: String,
        /// How it shows.
        reason: String,
    },
    /// The data directory was written by a newer Armorlake.
    #[error("the data directory has format {found}; this node reads up to {known}")]
    NewerFormat {
        /// The directory's format.
        found: u64,
        /// The newest that this program knows.
        known: u64,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Work was given up before it was done; whether it took effect is not known.
    #[error("{action} was interrupted")]
    Interrupted {
        /// What was tried.
        action: &'static str,
    },
    /// The lock of the SQL writers could not be had in time.
    #[error("another transaction is writing")]
    LockTimeout,
    /// A statement that breaks a rule of its tables: what the client is told, word for word.
    #[error(transparent)]
    Sql(Box<SqlError>),
    /// A statement that the store refuses, or that failed.
    #[error("{message}")]
    Statement {
        /// Its kind.
        code: Code,
        /// What is wrong with it.
        message: String,
    },
}

impl StorageError {
    /// The kind of the error.
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownTable { .. } => Code::UndefinedTable,
            Self::UnsuitableTable { .. } | Self::Conversion { .. } | Self::Interrupted { .. } => Code::Internal,
            Self::SchemaMismatch { .. } => Code::DatatypeMismatch,
            Self::TooLarge { .. } => Code::OutOfMemory,
            Self::Corrupt { .. } => Code::DataCorrupted,
            Self::NewerFormat { .. } => Code::FeatureNotSupported,
            Self::Closed => Code::AdminShutdown,
            Self::LockTimeout => Code::LockNotAvailable,
            Self::Sql(error) => error.code,
            Self::Disk { code, .. } | Self::Statement { code, .. } => *code,
        }
    }

    /// A failed file operation.
    pub(super) fn file(action: &'static str, source: std::io::Error) -> Self {
        Self::Disk { action, code: code_of_io(&source), source: Arc::new(source) }
    }

    /// A failed operation of redb.
    pub(super) fn redb(action: &'static str, source: impl Into<redb::Error>) -> Self {
        let source = source.into();
        let code = match &source {
            redb::Error::Io(io) => code_of_io(io),
            redb::Error::Corrupted(_) => Code::DataCorrupted,
            _ => Code::IoError,
        };
        Self::Disk { action, code, source: Arc::new(source) }
    }

    /// A failed conversion by Arrow, Parquet or serde.
    pub(super) fn conversion(action: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Conversion { action, source: Arc::new(source) }
    }

    /// What a client is told about it.
    pub fn into_sql_error(self) -> SqlError {
        match self {
            Self::Sql(error) => *error,
            Self::LockTimeout => SqlError::new(Code::LockNotAvailable, "canceling statement due to lock timeout"),
            other => SqlError::new(other.code(), other.to_string()),
        }
    }

    /// A refused or failed statement.
    pub(super) fn statement(code: Code, message: impl Into<String>) -> Self {
        Self::Statement { code, message: message.into() }
    }
}

impl From<SqlError> for StorageError {
    fn from(error: SqlError) -> Self {
        Self::Sql(Box::new(error))
    }
}

impl From<BlockingFailed> for StorageError {
    fn from(failed: BlockingFailed) -> Self {
        Self::Interrupted { action: failed.name }
    }
}

fn code_of_io(error: &std::io::Error) -> Code {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Code::DiskFull,
        _ => Code::IoError,
    }
}
