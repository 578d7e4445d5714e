//! Rows from a session to the client: pulled a batch at a time, never collected.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use pgwire::messages::PgWireBackendMessage;

use crate::session::{InterruptReason, RowStream};
use crate::types::SqlError;

use super::encode::RowEncoder;
use super::wire::{Wire, WireError};

/// Why a statement did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client is told, and goes on.
    Statement(SqlError),
    /// There is no client any more.
    Wire(WireError),
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Statement(error)
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

/// How far the rows of a statement went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// All are sent.
    All,
    /// The client's limit was reached; there may be more.
    Limit,
}

/// Sends rows up to a limit. A slow client slows the query down; one that goes away ends it.
pub(super) async fn send_rows(
    wire: &mut Wire,
    rows: &mut RowStream,
    encoder: &RowEncoder,
    rows_max: Option<usize>,
) -> Result<Sent, Failure> {
    let mut left = rows_max.unwrap_or(usize::MAX);
    loop {
        if left == 0 {
            return Ok(Sent::Limit);
        }
        let Some(batch) = pull(wire, rows, left).await? else { return Ok(Sent::All) };
        let encoded = encoder.batch(&batch)?;
        for row in 0..batch.num_rows() {
            encoded.row(row, wire.output())?;
            wire.flush_when_full(rows.interrupt()).await?;
        }
        if rows_max.is_some() {
            left = left.saturating_sub(batch.num_rows());
        }
    }
}

/// The next rows; their statement ends when the client goes away.
pub(super) async fn pull(
    wire: &mut Wire,
    rows: &mut RowStream,
    rows_max: usize,
) -> Result<Option<RecordBatch>, Failure> {
    let interrupt = Arc::clone(rows.interrupt());
    match wire.watch(rows.next(rows_max)).await {
        Ok(next) => Ok(next?),
        Err(error) => {
            interrupt.interrupt(InterruptReason::ClientGone);
            Err(error.into())
        }
    }
}

/// Adds a message to the output and sends the output when it is large.
pub(super) async fn send(wire: &mut Wire, message: PgWireBackendMessage) -> Result<(), WireError> {
    wire.send(message);
    if wire.is_full() { wire.flush().await } else { Ok(()) }
}
