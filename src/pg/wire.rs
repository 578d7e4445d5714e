//! The byte stream of one client: whole frames in, messages out, with bounds on both buffers.

use std::future::Future;
use std::io;

use bytes::BytesMut;
use pgwire::messages::PgWireBackendMessage;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::session::Interrupt;
use crate::types::SqlError;

use super::guard::{self, Phase};
use super::output::Failure;

/// A buffer of output is sent when it is larger than this.
const OUTPUT_BYTES_TARGET: usize = 32 * 1024;
/// Most bytes of later messages that are read while a statement runs.
const READ_AHEAD_BYTES_MAX: usize = 64 * 1024;
/// A buffer that grew beyond this is given back when the client is idle.
const KEPT_BYTES_MAX: usize = 8 * 1024;

/// A connection with or without TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// Why nothing more comes from a client.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// It closed the connection.
    #[error("the client closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// It broke the protocol in a way that cannot be followed.
    #[error("the client broke the protocol: {0}")]
    Violation(SqlError),
}

/// The byte stream of one client.
pub(super) struct Wire {
    stream: Box<dyn Transport>,
    input: BytesMut,
    output: BytesMut,
    message_bytes_max: usize,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Wire").field("input", &self.input.len()).field("output", &self.output.len()).finish()
    }
}

impl Wire {
    /// Takes a stream over; `input` was read from it already.
    pub(super) fn new(stream: Box<dyn Transport>, input: BytesMut, message_bytes_max: usize) -> Self {
        Self { stream, input, output: BytesMut::new(), message_bytes_max }
    }

    /// The next whole frame. May be dropped while it waits: nothing is lost.
    pub(super) async fn next_frame(&mut self, phase: Phase) -> Result<BytesMut, WireError> {
        loop {
            if let Some(frame) = self.buffered_frame(phase)? {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(WireError::Closed);
            }
        }
    }

    fn buffered_frame(&mut self, phase: Phase) -> Result<Option<BytesMut>, WireError> {
        let length = guard::frame_length(&self.input, phase, self.message_bytes_max).map_err(WireError::Violation)?;
        Ok(length.filter(|length| *length <= self.input.len()).map(|length| self.input.split_to(length)))
    }

    /// Whether the next frame is here already, so that output may wait for more of its kind.
    pub(super) fn has_frame(&self, phase: Phase) -> bool {
        matches!(guard::frame_length(&self.input, phase, self.message_bytes_max),
            Ok(Some(length)) if length <= self.input.len())
    }

    /// Does some work and keeps an eye on the client; fails as soon as it goes away.
    pub(super) async fn watch<T>(&mut self, work: impl Future<Output = T>) -> Result<T, WireError> {
        let mut work = std::pin::pin!(work);
        loop {
            if self.input.len() >= READ_AHEAD_BYTES_MAX {
                return Ok(work.await);
            }
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                read = self.stream.read_buf(&mut self.input) => if read? == 0 {
                    return Err(WireError::Closed);
                },
            }
        }
    }

    /// Adds a message to the output.
    pub(super) fn send(&mut self, message: PgWireBackendMessage) {
        let start = self.output.len();
        if let Err(error) = message.encode(&mut self.output) {
            // Only texts of ours can be too long here; none of them is worth a connection.
            self.output.truncate(start);
            tracing::warn!(%error, "a message to a client was too long and is left out");
        }
    }

    /// The output, for rows that are written in place.
    pub(super) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Whether the output should be sent before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.output.len() >= OUTPUT_BYTES_TARGET
    }

    /// Sends the output. May be dropped while it waits: what is left stays in the output.
    pub(super) async fn flush(&mut self) -> Result<(), WireError> {
        while !self.output.is_empty() {
            if self.stream.write_buf(&mut self.output).await? == 0 {
                return Err(WireError::Closed);
            }
        }
        self.stream.flush().await?;
        Ok(())
    }

    /// Sends the output when it is large, unless the statement that makes it must end first.
    pub(super) async fn flush_when_full(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        if !self.is_full() {
            return Ok(());
        }
        tokio::select! {
            biased;
            sent = self.flush() => Ok(sent?),
            error = interrupt.ended() => Err(error.into()),
        }
    }

    /// Gives memory back that only a busy client needs.
    pub(super) fn rest(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() && self.output.capacity() > KEPT_BYTES_MAX {
            self.output = BytesMut::new();
        }
    }

    /// Sends what is left, and closes.
    pub(super) async fn close(&mut self) {
        let _ = self.flush().await;
        let _ = self.stream.shutdown().await;
    }
}
