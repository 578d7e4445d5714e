//! Data of a COPY in PostgreSQL's binary form.
//!
//! A signature, flags, an extension that is passed over; for each row its number of columns and each value with its
//! length; -1 in the place of a number of columns at the end. Source: PostgreSQL's documentation of COPY.

use datafusion::arrow::array::{ArrayBuilder, ArrayRef, Int64Builder, new_empty_array};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType};
use datafusion::common::ScalarValue;

use crate::session::{CopyColumn, CopyFrom, FormatSettings, Place, SentRows};
use crate::types::{Code, SqlError};

use super::super::encode::Format;
use super::super::params;
use super::from::{ROW_BYTES_MAX, ROWS_BYTES_TARGET};
use super::{BINARY_END, BINARY_SIGNATURE};

/// Flags that a reader must know; none is known.
const CRITICAL_FLAGS: u32 = 0xffff_0000;
/// The flag of rows with object ids, which PostgreSQL 12 and later do not read.
const HAS_OIDS: u32 = 1 << 16;

/// Cuts bytes into rows and keeps their values until they are taken.
#[derive(Debug)]
pub(super) struct BinaryReader {
    bytes: Vec<u8>,
    start: usize,
    has_head: bool,
    is_ended: bool,
    /// The mark of the end was read.
    is_over: bool,
    row: i64,
    columns: Vec<Vec<ScalarValue>>,
    lines: Int64Builder,
    /// Bytes of the rows that were read.
    taken: usize,
}

impl BinaryReader {
    pub(super) fn new(copy: &CopyFrom) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            has_head: false,
            is_ended: false,
            is_over: false,
            row: 0,
            columns: copy.columns().iter().map(|_| Vec::new()).collect(),
            lines: Int64Builder::new(),
            taken: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn end(&mut self) {
        self.is_ended = true;
    }

    pub(super) fn fill(&mut self, copy: &CopyFrom) -> Result<bool, SqlError> {
        if !self.has_head {
            match self.head()? {
                Some(length) => (self.start, self.has_head) = (self.start + length, true),
                None if self.is_ended => return Err(self.short_head()),
                None => return Ok(false),
            }
        }
        loop {
            if self.lines.len() >= copy.rows_at_once() || self.taken >= ROWS_BYTES_TARGET {
                return Ok(true);
            }
            let rest = self.bytes.get(self.start..).unwrap_or_default();
            if self.is_over {
                let over = if rest.is_empty() { Ok(false) } else { Err(bad("received copy data after EOF marker")) };
                return over.map_err(|error| copy.placed(error, self.row + 1, Place::Line(None)));
            }
            let placed = |error| copy.placed(error, self.row + 1, Place::Line(None));
            let in_column = |error, column: usize| {
                let name = copy.columns().get(column).map_or("", |column| column.name.as_str());
                copy.placed(error, self.row + 1, Place::Column(name, None))
            };
            match row_length(rest, copy.columns().len()).map_err(placed)? {
                Row::BadField(column) => return Err(in_column(bad("invalid field size"), column)),
                Row::End(length) => (self.start, self.is_over) = (self.start + length, true),
                Row::Whole(length) => {
                    self.row += 1;
                    self.read(self.start + 2, copy)?;
                    self.start += length;
                    self.taken += length;
                }
                // A client may leave the mark of the end out.
                Row::Unfinished(_) if self.is_ended && rest.len() < 2 => return Ok(false),
                Row::Unfinished(column) if self.is_ended => {
                    return Err(in_column(bad("unexpected EOF in COPY data"), column));
                }
                Row::Unfinished(_) if rest.len() > ROW_BYTES_MAX => {
                    let text = format!("a row of COPY data is longer than {} MB", ROW_BYTES_MAX >> 20);
                    return Err(placed(SqlError::new(Code::StatementTooComplex, text)));
                }
                Row::Unfinished(_) => return Ok(false),
            }
        }
    }

    pub(super) fn take(&mut self, copy: &CopyFrom) -> Result<SentRows, SqlError> {
        self.taken = 0;
        let values = copy.columns().iter().zip(&mut self.columns).map(|(column, values)| {
            let values = std::mem::take(values);
            if values.is_empty() {
                return Ok(new_empty_array(&roomy(&column.arrow)));
            }
            let array = ScalarValue::iter_to_array(values);
            array.map_err(|error| SqlError::new(Code::Internal, error.to_string()))
        });
        let values = values.collect::<Result<Vec<ArrayRef>, SqlError>>()?;
        Ok(SentRows { values, lines: self.lines.finish(), texts: None })
    }

    /// The length of what stands before the first row, when all of it is here.
    fn head(&self) -> Result<Option<usize>, SqlError> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let signature = rest.get(..BINARY_SIGNATURE.len().min(rest.len())).unwrap_or_default();
        if !BINARY_SIGNATURE.starts_with(signature) {
            return Err(bad("COPY file signature not recognized"));
        }
        let number = |place: usize| four(rest, BINARY_SIGNATURE.len() + place);
        let Some((flags, extension)) = number(0).zip(number(4)) else { return Ok(None) };
        if flags & HAS_OIDS != 0 {
            return Err(bad("invalid COPY file header (WITH OIDS)"));
        }
        if flags & CRITICAL_FLAGS != 0 {
            return Err(bad("unrecognized critical flags in COPY file header"));
        }
        let extension = usize::try_from(extension).ok().filter(|length| *length <= ROW_BYTES_MAX);
        let Some(extension) = extension else { return Err(bad("invalid COPY file header (wrong length)")) };
        let length = BINARY_SIGNATURE.len() + 8 + extension;
        Ok((rest.len() >= length).then_some(length))
    }

    /// What is missing of what stands before the first row.
    fn short_head(&self) -> SqlError {
        bad(match self.bytes.len().checked_sub(BINARY_SIGNATURE.len()) {
            None => "COPY file signature not recognized",
            Some(..4) => "invalid COPY file header (missing flags)",
            Some(..8) => "invalid COPY file header (missing length)",
            Some(_) => "invalid COPY file header (wrong length)",
        })
    }

    /// Reads the values of a row that is whole; they begin at `place`.
    fn read(&mut self, mut place: usize, copy: &CopyFrom) -> Result<(), SqlError> {
        let settings = FormatSettings::default();
        for (column, values) in copy.columns().iter().zip(&mut self.columns) {
            let length = four(&self.bytes, place).unwrap_or_default().cast_signed();
            place += 4;
            let bytes = usize::try_from(length).ok().map(|length| {
                let bytes = self.bytes.get(place..place + length).unwrap_or_default();
                place += length;
                bytes
            });
            let blamed = |error| copy.placed(error, self.row, Place::Column(&column.name, None));
            values.push(value(bytes, column, &settings).map_err(blamed)?);
        }
        self.lines.append_value(self.row);
        Ok(())
    }
}

/// A value as the table carries it, so that all values of a column have one type.
fn value(bytes: Option<&[u8]>, column: &CopyColumn, settings: &FormatSettings) -> Result<ScalarValue, SqlError> {
    let value = params::read(bytes, column.kind, Format::Binary, settings)?;
    let wanted = roomy(&column.arrow);
    if value.data_type() == wanted {
        return Ok(value);
    }
    let out_of_range = |_| SqlError::new(Code::NumericValueOutOfRange, "a value is out of the range of its column");
    value.cast_to(&wanted).map_err(out_of_range)
}

/// The column's type, with all digits before the point that there can be: how many there may be is asked later.
fn roomy(wanted: &DataType) -> DataType {
    match wanted {
        DataType::Decimal128(_, scale) => DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale),
        other => other.clone(),
    }
}

/// What comes next in binary data.
enum Row {
    /// A row of so many bytes.
    Whole(usize),
    /// The mark of the end, of so many bytes.
    End(usize),
    /// The column at this place has no length.
    BadField(usize),
    /// Not all of it is here; the column at this place is the first one that is missing.
    Unfinished(usize),
}

fn row_length(rest: &[u8], columns: usize) -> Result<Row, SqlError> {
    let Some(count) = rest.get(..2).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok()) else {
        return Ok(Row::Unfinished(0));
    };
    let count = i16::from_be_bytes(count);
    if count == BINARY_END {
        return Ok(Row::End(2));
    }
    if usize::try_from(count) != Ok(columns) {
        return Err(bad(format!("row field count is {count}, expected {columns}")));
    }
    let mut place = 2;
    for column in 0..columns {
        let Some(length) = four(rest, place) else { return Ok(Row::Unfinished(column)) };
        place += 4;
        match usize::try_from(length.cast_signed()) {
            Ok(length) if length <= ROW_BYTES_MAX => place += length,
            Err(_) if length.cast_signed() == -1 => {}
            _ => return Ok(Row::BadField(column)),
        }
        if rest.len() < place {
            return Ok(Row::Unfinished(column));
        }
    }
    Ok(Row::Whole(place))
}

fn four(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..place + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(u32::from_be_bytes)
}

fn bad(text: impl Into<String>) -> SqlError {
    SqlError::new(Code::BadCopyFileFormat, text)
}
