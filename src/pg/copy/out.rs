//! COPY ... TO STDOUT: rows as CopyData in text, csv or binary form.

use bytes::{BufMut, BytesMut};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::{CopyDone, CopyOutResponse};

use crate::planner::{CopyFormat, CopyHeader, CopyOptions, ForceQuote};
use crate::session::RowStream;
use crate::types::{Code, SqlError};

use super::super::connection::Connection;
use super::super::encode::{BatchEncoder, Format, RowEncoder};
use super::super::output::{Failure, pull, send};
use super::{BINARY_END, BINARY_SIGNATURE};

/// Rows that are pulled at once.
const ROWS_MAX: usize = 8_192;

impl Connection {
    /// Sends all rows of a COPY.
    pub(in crate::pg) async fn copy_out(
        &mut self,
        mut rows: Box<RowStream>,
        options: &CopyOptions,
    ) -> Result<String, Failure> {
        match self.send_copy(&mut rows, options).await {
            Ok(()) => {
                let tag = rows.tag();
                self.session.finish(*rows);
                send(&mut self.wire, PgWireBackendMessage::CopyDone(CopyDone::new())).await?;
                Ok(tag)
            }
            Err(failure) => {
                self.session.abandon(*rows);
                Err(failure)
            }
        }
    }

    async fn send_copy(&mut self, rows: &mut RowStream, options: &CopyOptions) -> Result<(), Failure> {
        let columns = rows.columns().fields().len();
        let format = if options.format == CopyFormat::Binary { Format::Binary } else { Format::Text };
        let count = i16::try_from(columns)
            .map_err(|_| SqlError::new(Code::StatementTooComplex, "a result has too many columns"))?;
        let response = CopyOutResponse::new(i8::from(format == Format::Binary), count, vec![format.code(); columns]);
        send(&mut self.wire, PgWireBackendMessage::CopyOutResponse(response)).await?;
        let names: Vec<String> = rows.columns().fields().iter().map(|field| field.name().clone()).collect();
        let writer = Writer::new(options, &names);
        let encoder = RowEncoder::new(rows.columns(), &vec![format; columns], self.session.format());
        // Binary data begins together with the first row, as PostgreSQL sends it.
        let mut first = format == Format::Binary;
        if options.header != CopyHeader::None && !first {
            data(self.wire.output(), |out| writer.head(&names, out))?;
        }
        while let Some(batch) = pull(&mut self.wire, rows, ROWS_MAX).await? {
            let encoded = encoder.batch(&batch)?;
            for row in 0..batch.num_rows() {
                data(self.wire.output(), |out| {
                    if std::mem::take(&mut first) {
                        binary_head(out);
                    }
                    writer.row(&encoded, row, out)
                })?;
                self.wire.flush_when_full(rows.interrupt()).await?;
            }
        }
        if format == Format::Binary {
            data(self.wire.output(), |out| {
                if first {
                    binary_head(out);
                }
                out.put_i16(BINARY_END);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// One CopyData message; on failure `out` is as it was before.
fn data(out: &mut BytesMut, body: impl FnOnce(&mut BytesMut) -> Result<(), SqlError>) -> Result<(), SqlError> {
    let start = out.len();
    out.put_u8(b'd');
    out.put_i32(0);
    let written = body(out).and_then(|()| {
        let length = i32::try_from(out.len() - start - 1)
            .map_err(|_| SqlError::new(Code::OutOfMemory, "a row is too large for the protocol"))?;
        if let Some(place) = out.get_mut(start + 1..start + 5) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Writes rows in one of COPY's forms.
struct Writer<'a> {
    format: &'a CopyFormat,
    /// By column: quoted whether it needs it or not.
    quoted: Vec<bool>,
}

impl<'a> Writer<'a> {
    fn new(options: &'a CopyOptions, names: &[String]) -> Self {
        let quoted = match &options.format {
            CopyFormat::Csv { force_quote: ForceQuote::All, .. } => vec![true; names.len()],
            CopyFormat::Csv { force_quote: ForceQuote::Columns(forced), .. } => {
                names.iter().map(|name| forced.contains(name)).collect()
            }
            _ => vec![false; names.len()],
        };
        Self { format: &options.format, quoted }
    }

    /// The line of names before the first row.
    fn head(&self, names: &[String], out: &mut BytesMut) -> Result<(), SqlError> {
        for (place, name) in names.iter().enumerate() {
            self.delimit(place, out);
            self.text(name.as_bytes(), false, names.len() == 1, out);
        }
        out.put_u8(b'\n');
        Ok(())
    }

    fn row(&self, encoded: &BatchEncoder<'_>, row: usize, out: &mut BytesMut) -> Result<(), SqlError> {
        let columns = encoded.columns();
        if *self.format == CopyFormat::Binary {
            return binary_row(encoded, row, out);
        }
        let mut value = BytesMut::new();
        for column in 0..columns {
            self.delimit(column, out);
            value.clear();
            if encoded.value(column, row, &mut value)? {
                self.text(&value, self.quoted.get(column).copied().unwrap_or_default(), columns == 1, out);
            } else if let CopyFormat::Text { null, .. } | CopyFormat::Csv { null, .. } = self.format {
                out.put_slice(null.as_bytes());
            }
        }
        out.put_u8(b'\n');
        Ok(())
    }

    fn delimit(&self, column: usize, out: &mut BytesMut) {
        if let (CopyFormat::Text { delimiter, .. } | CopyFormat::Csv { delimiter, .. }, 1..) = (self.format, column) {
            out.put_u8(*delimiter);
        }
    }

    /// A value that is not NULL.
    fn text(&self, value: &[u8], forced: bool, is_only: bool, out: &mut BytesMut) {
        match self.format {
            CopyFormat::Text { delimiter, .. } => escaped(value, *delimiter, out),
            CopyFormat::Csv { delimiter, null, quote, escape, .. } => {
                let special = |byte: &u8| byte == delimiter || byte == quote || matches!(byte, b'\n' | b'\r');
                // A lone \. would end the data for who reads it back.
                let needs =
                    forced || value == null.as_bytes() || (is_only && value == b"\\.") || value.iter().any(special);
                if needs {
                    quoted(value, *quote, *escape, out);
                } else {
                    out.put_slice(value);
                }
            }
            CopyFormat::Binary => {}
        }
    }
}

/// Signature, flags, length of an extension.
fn binary_head(out: &mut BytesMut) {
    out.put_slice(BINARY_SIGNATURE);
    out.put_u64(0);
}

fn binary_row(encoded: &BatchEncoder<'_>, row: usize, out: &mut BytesMut) -> Result<(), SqlError> {
    let columns = encoded.columns();
    out.put_i16(i16::try_from(columns).unwrap_or(i16::MAX));
    for column in 0..columns {
        let start = out.len();
        out.put_i32(-1);
        if encoded.value(column, row, out)? {
            let length = i32::try_from(out.len() - start - 4)
                .map_err(|_| SqlError::new(Code::OutOfMemory, "a value is too large for the protocol"))?;
            if let Some(place) = out.get_mut(start..start + 4) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
    }
    Ok(())
}

fn escaped(value: &[u8], delimiter: u8, out: &mut BytesMut) {
    for byte in value {
        let letter = match byte {
            0x08 => b'b',
            0x0b => b'v',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            b'\\' => b'\\',
            other if *other == delimiter => *other,
            other => {
                out.put_u8(*other);
                continue;
            }
        };
        out.put_slice(&[b'\\', letter]);
    }
}

fn quoted(value: &[u8], quote: u8, escape: u8, out: &mut BytesMut) {
    out.put_u8(quote);
    for byte in value {
        if *byte == quote || *byte == escape {
            out.put_u8(escape);
        }
        out.put_u8(*byte);
    }
    out.put_u8(quote);
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{Writer, escaped};
    use crate::planner::{CopyFormat, CopyHeader, CopyOptions, ForceQuote};

    fn csv(value: &str, is_only: bool, null: &str, escape: u8) -> String {
        let format = CopyFormat::Csv {
            delimiter: b',',
            null: null.to_owned(),
            quote: b'"',
            escape,
            force_quote: ForceQuote::Columns(Vec::new()),
            force_not_null: Vec::new(),
            force_null: Vec::new(),
        };
        let options = CopyOptions { format, header: CopyHeader::None };
        let mut out = BytesMut::new();
        Writer::new(&options, &[]).text(value.as_bytes(), false, is_only, &mut out);
        String::from_utf8(out.to_vec()).expect("text")
    }

    #[test]
    fn values_are_quoted_only_where_they_must() {
        for (value, expected) in
            [("a b", "a b"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a\nb", "\"a\nb\""), ("", "\"\"")]
        {
            assert_eq!(csv(value, false, "", b'"'), expected);
        }
        assert_eq!((csv("\\.", true, "", b'"').as_str(), csv("\\.", false, "", b'"').as_str()), ("\"\\.\"", "\\."));
        assert_eq!(csv("NUL", false, "NUL", b'"'), "\"NUL\"");
        assert_eq!(csv("a\"\\b", false, "", b'\\'), "\"a\\\"\\\\b\"");
    }

    #[test]
    fn text_escapes_what_would_break_a_line() {
        let mut out = BytesMut::new();
        escaped(b"a\tb\\|\x08\x0b\x0c\n\r\x01", b'|', &mut out);
        assert_eq!(&out[..], b"a\\tb\\\\\\|\\b\\v\\f\\n\\r\x01");
    }
}
