//! Arrow columns as PostgreSQL's text or binary values: RowDescription and DataRow.
//!
//! One encoder serves all types, so that a value looks the same in a simple query, a portal and an
//! array. What a column's type is, [`SqlType::of_field`] tells. Called by `pg::output`.

mod column;
pub(in crate::pg) mod datetime;
pub(in crate::pg) mod inet;
mod interval;
mod list;
mod number;

use bytes::{BufMut, BytesMut};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use pgwire::messages::data::{FieldDescription, RowDescription};

use crate::session::FormatSettings;
use crate::types::{Code, ColumnOrigin, SqlError, SqlType, USER_TYPE_KEY};

use column::Column;

/// Whether a value goes over the wire as text or in its binary form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Text.
    Text,
    /// The type's binary form.
    Binary,
}

impl Format {
    /// The format with this protocol code.
    pub(super) fn from_code(code: i16) -> Result<Self, SqlError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            _ => Err(SqlError::new(Code::ProtocolViolation, format!("unsupported format code: {code}"))),
        }
    }

    /// Its protocol code.
    pub(super) fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }

    /// One format per column from the codes of a Bind message: none, one for all, or one each.
    pub(super) fn of_columns(codes: &[i16], columns: usize) -> Result<Vec<Self>, SqlError> {
        match codes {
            [] => Ok(vec![Self::Text; columns]),
            [one] => Ok(vec![Self::from_code(*one)?; columns]),
            many if many.len() == columns => many.iter().map(|code| Self::from_code(*code)).collect(),
            many => {
                let text = format!("bind message has {} result formats but query has {columns} columns", many.len());
                Err(SqlError::new(Code::ProtocolViolation, text))
            }
        }
    }
}

/// The types and formats of a result's columns, and how values look as text.
#[derive(Debug)]
pub(super) struct RowEncoder {
    columns: Vec<(SqlType, Format)>,
    /// The lengths to which blanks fill texts, by column; none for most.
    filled: Vec<Option<usize>>,
    settings: FormatSettings,
}

impl RowEncoder {
    /// An encoder for results with these columns.
    pub(super) fn new(schema: &Schema, formats: &[Format], settings: FormatSettings) -> Self {
        let types = schema.fields().iter().map(|field| SqlType::of_field(field));
        let formats = formats.iter().copied().chain(std::iter::repeat(Format::Text));
        let filled = schema.fields().iter().map(|field| filled_length(field)).collect();
        Self { columns: types.zip(formats).collect(), filled, settings }
    }

    /// Whether another result has the same types; what was announced as text takes any.
    pub(super) fn fits(&self, schema: &Schema) -> bool {
        self.columns.len() == schema.fields().len()
            && self
                .columns
                .iter()
                .zip(schema.fields())
                .all(|((kind, _), field)| is_sent_as(*kind, SqlType::of_field(field)))
    }

    /// Gets a batch ready to be written row by row.
    pub(super) fn batch<'a>(&'a self, batch: &RecordBatch) -> Result<BatchEncoder<'a>, SqlError> {
        if batch.num_columns() != self.columns.len() {
            return Err(SqlError::new(Code::Internal, "a batch does not have the columns of its result"));
        }
        let columns = self
            .columns
            .iter()
            .zip(batch.columns().iter().zip(&self.filled))
            .map(|((kind, format), (array, length))| {
                let (kind, format) = shown_as(*kind, *format, array.data_type());
                let column = match length {
                    Some(length) => Column::new(kind, &with_blanks(array, *length))?,
                    None => Column::new(kind, array)?,
                };
                Ok((column, format))
            })
            .collect::<Result<Vec<_>, SqlError>>()?;
        Ok(BatchEncoder { columns, settings: &self.settings })
    }
}

/// The length to which a column's texts are filled with blanks: they travel without them, as they compare.
fn filled_length(field: &Field) -> Option<usize> {
    let length = SqlType::length_of_modifier(SqlType::modifier_of_field(field))?;
    (SqlType::of_field(field) == SqlType::Bpchar).then_some(length)
}

fn with_blanks(array: &ArrayRef, length: usize) -> ArrayRef {
    match array.as_string_opt::<i32>() {
        Some(texts) => {
            let filled = texts.iter().map(|text| text.map(|text| format!("{text:<length$}")));
            Arc::new(filled.collect::<StringArray>())
        }
        None => Arc::clone(array),
    }
}

/// Whether values of a type can be sent as the type that was announced: types that travel as text are alike.
fn is_sent_as(announced: SqlType, kind: SqlType) -> bool {
    let carrier = |kind: SqlType| kind.item().unwrap_or(kind).arrow();
    let is_text = carrier(announced) == DataType::Utf8 && carrier(kind) == DataType::Utf8;
    let is_alike = is_text && announced.item().is_some() == kind.item().is_some();
    announced == SqlType::Unknown || announced == kind || is_alike
}

/// A column that was announced as text but holds another type is shown as that type's text.
fn shown_as(kind: SqlType, format: Format, data_type: &DataType) -> (SqlType, Format) {
    match (kind, SqlType::from_arrow(data_type)) {
        (SqlType::Text | SqlType::Unknown, Some(own)) if own != SqlType::Text => (own, Format::Text),
        _ => (kind, format),
    }
}

/// The rows of one batch.
#[derive(Debug)]
pub(super) struct BatchEncoder<'a> {
    columns: Vec<(Column, Format)>,
    settings: &'a FormatSettings,
}

impl BatchEncoder<'_> {
    /// Writes one row as a whole DataRow message; on failure `out` is as it was before.
    pub(super) fn row(&self, row: usize, out: &mut BytesMut) -> Result<(), SqlError> {
        let start = out.len();
        let written = self.try_row(row, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// Writes one bare value; false stands for NULL, which has no bytes.
    pub(super) fn value(&self, column: usize, row: usize, out: &mut BytesMut) -> Result<bool, SqlError> {
        let Some((column, format)) = self.columns.get(column).filter(|(column, _)| !column.is_null(row)) else {
            return Ok(false);
        };
        match format {
            Format::Text => column.text(row, self.settings, out)?,
            Format::Binary => column.binary(row, self.settings, out)?,
        }
        Ok(true)
    }

    /// How many columns there are.
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    fn try_row(&self, row: usize, out: &mut BytesMut) -> Result<(), SqlError> {
        out.put_u8(b'D');
        let start = out.len();
        out.put_i32(0);
        let count = i16::try_from(self.columns.len())
            .map_err(|_| SqlError::new(Code::StatementTooComplex, "a result has too many columns"))?;
        out.put_i16(count);
        for (column, format) in &self.columns {
            write_value(column, row, *format, self.settings, out)?;
        }
        set_length(out, start, start)
    }
}

/// Writes the length and the bytes of one value; -1 for NULL.
fn write_value(
    column: &Column,
    row: usize,
    format: Format,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<(), SqlError> {
    if column.is_null(row) {
        out.put_i32(-1);
        return Ok(());
    }
    let start = out.len();
    out.put_i32(0);
    match format {
        Format::Text => column.text(row, settings, out)?,
        Format::Binary => column.binary(row, settings, out)?,
    }
    set_length(out, start, start + 4)
}

/// Puts the number of bytes from `from` to the end into the four bytes at `place`.
fn set_length(out: &mut BytesMut, place: usize, from: usize) -> Result<(), SqlError> {
    let length = i32::try_from(out.len() - from)
        .map_err(|_| SqlError::new(Code::OutOfMemory, "a row is too large for the protocol"))?;
    if let Some(bytes) = out.get_mut(place..place + 4) {
        bytes.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// What PostgreSQL says of the length of enums.
const ENUM_LENGTH: i16 = 4;

/// The RowDescription of a result.
pub(super) fn row_description(schema: &Schema, formats: &[Format]) -> RowDescription {
    let formats = formats.iter().copied().chain(std::iter::repeat(Format::Text));
    let fields = schema
        .fields()
        .iter()
        .zip(formats)
        .map(|(field, format)| {
            let kind = SqlType::of_field(field);
            // Clients know no "unknown"; PostgreSQL shows such literals as text.
            let kind = if kind == SqlType::Unknown { SqlType::Text } else { kind };
            let name = field.name().replace('\0', "");
            let modifier = SqlType::modifier_of_field(field);
            let made = field.metadata().get(USER_TYPE_KEY).and_then(|oid| oid.parse().ok());
            let (oid, length) = match made {
                Some(oid) if kind.item().is_none() => (oid, ENUM_LENGTH),
                Some(oid) => (oid, kind.length()),
                None => (kind.oid(), kind.length()),
            };
            let (relation, number) =
                ColumnOrigin::of_field(field).map_or((0, 0), |origin| (origin.relation, origin.number));
            FieldDescription::new(name, relation.cast_signed(), number, oid, length, modifier, format.code())
        })
        .collect();
    RowDescription::new(fields)
}

#[cfg(test)]
mod tests;
