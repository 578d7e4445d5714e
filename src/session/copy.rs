//! COPY ... TO STDOUT: the rows of a table or a query, to be written in COPY's own forms.

use std::sync::Arc;

use crate::planner::{CopyFormat, CopyOptions, CopySource, ForceQuote};
use crate::types::{Code, SqlError};

use super::Session;
use super::interrupt::Interrupt;
use super::rows::Execution;

impl Session {
    /// COPY TO.
    pub(super) async fn copy(
        &mut self,
        source: &CopySource,
        options: &CopyOptions,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        if let Some(table) = &source.table {
            let context = self.context(interrupt);
            if self.shared.planner.is_view(&context, table) {
                let name = table.rsplit('.').next().unwrap_or(table);
                let text = format!("cannot copy from view \"{name}\"");
                return Err(
                    SqlError::new(Code::WrongObjectType, text).with_hint("Try the COPY (SELECT ...) TO variant.")
                );
            }
        }
        let rows = self.query_rows(&source.inner.sql, Vec::new(), interrupt).await;
        let rows = rows.map_err(|error| match &source.table {
            Some(table) => of_table(error, table),
            None => super::run::shifted(error, source.inner.position_offset),
        })?;
        if let CopyFormat::Csv { force_quote: ForceQuote::Columns(names), .. } = &options.format {
            let unknown = names.iter().find(|name| rows.columns().fields().iter().all(|field| field.name() != *name));
            if let Some(name) = unknown {
                return Err(SqlError::new(Code::UndefinedColumn, format!("column \"{name}\" does not exist")));
            }
        }
        Ok(Execution::Copy(Box::new(rows.for_copy()), Arc::new(options.clone())))
    }
}

/// The query was made from the table's name, so its places mean nothing to the client.
fn of_table(mut error: SqlError, table: &str) -> SqlError {
    error.position = None;
    error.hint = None;
    if error.code == Code::UndefinedColumn
        && let Some(column) = error.message.split('"').nth(1)
    {
        error.message = format!("column \"{column}\" of relation \"{table}\" does not exist");
    }
    error
}
