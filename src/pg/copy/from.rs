//! COPY ... FROM STDIN: the client's data in, part by part.

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::CopyInResponse;

use crate::planner::CopyFormat;
use crate::session::{CopyFrom, SentRows};
use crate::types::{Code, SqlError};

use super::super::connection::Connection;
use super::super::encode::Format;
use super::super::guard::{self, Phase, violation};
use super::super::output::{Failure, send};
use super::super::wire::WireError;
use super::binary::BinaryReader;
use super::lines::LineReader;

/// Bytes of lines after which rows are put into the table, however few they are.
pub(super) const ROWS_BYTES_TARGET: usize = 32 * 1024 * 1024;
/// Longest line, or row of binary data.
pub(super) const ROW_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Cuts the client's bytes into rows, in one of COPY's forms.
#[derive(Debug)]
pub(super) enum CopyReader {
    Lines(Box<LineReader>),
    Binary(Box<BinaryReader>),
}

impl CopyReader {
    pub(super) fn new(copy: &CopyFrom) -> Self {
        match copy.options().format {
            CopyFormat::Binary => Self::Binary(Box::new(BinaryReader::new(copy))),
            _ => Self::Lines(Box::new(LineReader::new(copy))),
        }
    }

    /// Takes bytes over.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Lines(reader) => reader.push(bytes),
            Self::Binary(reader) => reader.push(bytes),
        }
    }

    /// Reads rows; true when there are enough to be taken, and there may be more.
    pub(super) fn fill(&mut self, copy: &CopyFrom) -> Result<bool, SqlError> {
        match self {
            Self::Lines(reader) => reader.fill(copy),
            Self::Binary(reader) => reader.fill(copy),
        }
    }

    /// How many columns the last row has, when reading failed because it has too few.
    fn present(&self) -> Option<usize> {
        match self {
            Self::Lines(reader) => reader.present(),
            Self::Binary(_) => None,
        }
    }

    /// Nothing more will be pushed.
    pub(super) fn end(&mut self) {
        match self {
            Self::Lines(reader) => reader.end(),
            Self::Binary(reader) => reader.end(),
        }
    }

    /// The rows that were read.
    pub(super) fn take(&mut self, copy: &CopyFrom) -> Result<SentRows, SqlError> {
        match self {
            Self::Lines(reader) => Ok(reader.take()),
            Self::Binary(reader) => reader.take(copy),
        }
    }
}

impl Connection {
    /// Reads all rows of a COPY and gives its tag.
    pub(in crate::pg) async fn copy_in(&mut self, mut copy: Box<CopyFrom>) -> Result<String, Failure> {
        let format = if copy.options().format == CopyFormat::Binary { Format::Binary } else { Format::Text };
        let columns = copy.columns().len();
        let count = i16::try_from(columns)
            .map_err(|_| SqlError::new(Code::StatementTooComplex, "a table has too many columns"))?;
        let response = CopyInResponse::new(i8::from(format == Format::Binary), count, vec![format.code(); columns]);
        send(&mut self.wire, PgWireBackendMessage::CopyInResponse(response)).await?;
        self.wire.flush().await?;
        let mut reader = CopyReader::new(&copy);
        loop {
            let frame = tokio::select! {
                biased;
                error = copy.interrupt().ended() => return Err(error.into()),
                frame = self.wire.next_frame(Phase::Session) => frame?,
            };
            guard::check(&frame)?;
            let body = frame.get(5..).unwrap_or_default();
            match frame.first().copied().unwrap_or_default() {
                b'd' => {
                    reader.push(body);
                    self.put_rows(&mut copy, &mut reader).await?;
                }
                b'c' => break,
                b'f' => return Err(failed_by_client(body).into()),
                // A client that pipelines may send these before it knows that data is wanted.
                b'H' | b'S' => {}
                b'X' => return Err(WireError::Closed.into()),
                kind => {
                    let text = format!("unexpected message type 0x{kind:02X} during COPY from stdin");
                    return Err(violation(text).into());
                }
            }
        }
        reader.end();
        self.put_rows(&mut copy, &mut reader).await?;
        let rest = reader.take(&copy)?;
        self.wire.watch(self.session.copy_rows(&mut copy, &rest)).await??;
        Ok(self.wire.watch(self.session.finish_copy(copy)).await??)
    }

    async fn put_rows(&mut self, copy: &mut CopyFrom, reader: &mut CopyReader) -> Result<(), Failure> {
        loop {
            match reader.fill(copy) {
                Ok(false) => return Ok(()),
                Ok(true) => {
                    let rows = reader.take(copy)?;
                    self.wire.watch(self.session.copy_rows(copy, &rows)).await??;
                }
                // The first error in the data is the one to tell.
                Err(error) => {
                    let present = reader.present();
                    let rows = reader.take(copy)?;
                    self.wire.watch(self.session.copy_rows_before(copy, &rows, present)).await??;
                    return Err(error.into());
                }
            }
        }
    }
}

/// What CopyFail says.
fn failed_by_client(body: &[u8]) -> SqlError {
    let text = String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(body));
    let text: String = text.chars().take(1_000).collect();
    SqlError::new(Code::QueryCanceled, format!("COPY from stdin failed: {text}"))
}
