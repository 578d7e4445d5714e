//! One statement of GlueSQL's dialect, start to end: the right handle, the blocking pool, the code of
//! an error.

use std::time::Duration;

use gluesql::core::ast::Statement;
use gluesql::core::error::Error as GlueError;
use gluesql::prelude::{Glue, Payload, parse, translate};

use super::GlueStorage;
use crate::env::run_blocking;
use crate::storage::{StorageError, Store};
use crate::types::Code;

/// Longest wait for another transaction that writes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

impl Store {
    /// Runs one statement in a transaction of its own.
    pub async fn execute(&self, sql: &str) -> Result<Payload, StorageError> {
        let handle = if only_reads(sql)? { self.glue_reader()? } else { self.glue_writer(LOCK_TIMEOUT).await? };
        let sql = sql.to_owned();
        run_blocking("run a statement", move || handle.execute(&sql).1).await?
    }
}

impl GlueStorage {
    /// Runs one statement and gives the handle back, for the next one of a transaction. Blocks.
    pub fn execute(self, sql: &str) -> (Self, Result<Payload, StorageError>) {
        let mut glue = Glue::new(self);
        let result = glue.execute(sql);
        let handle = glue.storage;
        let outcome = match result {
            Ok(mut payloads) if payloads.len() == 1 => Ok(payloads.remove(0)),
            Ok(_) => Err(StorageError::statement(Code::SyntaxError, "expected one statement")),
            Err(error) => Err(handle.take_failure().unwrap_or_else(|| failed_statement(&error))),
        };
        (handle, outcome)
    }
}

/// Whether a reading handle is enough.
fn only_reads(sql: &str) -> Result<bool, StorageError> {
    let statements = parse(sql).map_err(|error| failed_statement(&error))?;
    let [statement] = statements.as_slice() else {
        return Err(StorageError::statement(Code::SyntaxError, "expected one statement"));
    };
    match translate(statement).map_err(|error| failed_statement(&error))? {
        Statement::Query(_)
        | Statement::ShowColumns { .. }
        | Statement::ShowIndexes(_)
        | Statement::ShowVariable(_) => Ok(true),
        Statement::StartTransaction | Statement::Commit | Statement::Rollback => {
            Err(StorageError::statement(Code::FeatureNotSupported, "a transaction needs a handle of its own"))
        }
        _ => Ok(false),
    }
}

fn failed_statement(error: &GlueError) -> StorageError {
    let code = match error {
        GlueError::Parser(_) => Code::SyntaxError,
        GlueError::Translate(_) => Code::FeatureNotSupported,
        GlueError::Value(_) | GlueError::Evaluate(_) | GlueError::Interval(_) | GlueError::StringExt(_) => {
            Code::InvalidTextRepresentation
        }
        GlueError::Execute(_) | GlueError::Fetch(_) | GlueError::AlterTable(_) | GlueError::Alter(_) => {
            Code::UndefinedTable
        }
        GlueError::Validate(_) | GlueError::Insert(_) | GlueError::Update(_) | GlueError::Delete(_) => {
            Code::InvalidParameterValue
        }
        _ => Code::Internal,
    };
    StorageError::statement(code, error.to_string())
}
