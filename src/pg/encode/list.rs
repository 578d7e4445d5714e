//! Arrays as text and in binary form, and the vectors of system tables.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use datafusion::arrow::datatypes::{DataType, Field};

use crate::session::FormatSettings;
use crate::types::{Code, SqlError, SqlType};

use super::column::{Column, cast, kind_of_item};
use super::{Format, write_value};

/// A column whose values are lists.
#[derive(Debug)]
pub(super) struct List {
    lists: ListArray,
    items: Column,
    item_kind: SqlType,
}

/// The type of the items when a column of this SQL and Arrow type is an array.
pub(super) fn item_kind(kind: SqlType, data_type: &DataType) -> Option<SqlType> {
    let field: &Field = match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => field,
        _ => return None,
    };
    // Items may say their own type where the column's does not.
    Some(kind.item().unwrap_or_else(|| kind_of_item(field)))
}

impl List {
    pub(super) fn new(item_kind: SqlType, array: &ArrayRef) -> Result<Self, SqlError> {
        let lists = match array.data_type() {
            DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
                cast(array, &DataType::List(Arc::clone(field)))?.as_list::<i32>().clone()
            }
            _ => array.as_list::<i32>().clone(),
        };
        let items = Column::new(item_kind, lists.values())?;
        Ok(Self { lists, items, item_kind })
    }

    fn range(&self, row: usize) -> Result<std::ops::Range<usize>, SqlError> {
        let wrong = |_| SqlError::new(Code::DataCorrupted, "a list has a negative offset");
        let offsets = self.lists.value_offsets();
        let at = |place: usize| offsets.get(place).copied().unwrap_or_default();
        Ok(usize::try_from(at(row)).map_err(wrong)?..usize::try_from(at(row + 1)).map_err(wrong)?)
    }

    /// `{a,"b c",NULL}`; vectors have no braces.
    pub(super) fn text(
        &self,
        row: usize,
        kind: SqlType,
        settings: &FormatSettings,
        out: &mut BytesMut,
    ) -> Result<(), SqlError> {
        let vector = is_vector(kind);
        if !vector {
            out.put_u8(b'{');
        }
        let range = self.range(row)?;
        let first = range.start;
        let mut item = BytesMut::new();
        for place in range {
            if place > first {
                out.put_u8(if vector { b' ' } else { b',' });
            }
            if self.items.is_null(place) {
                out.put_slice(b"NULL");
                continue;
            }
            item.clear();
            self.items.text(place, settings, &mut item)?;
            // A list within a list is a further dimension, not a text.
            if self.is_nested() {
                out.put_slice(&item);
            } else {
                quoted(&item, out);
            }
        }
        if !vector {
            out.put_u8(b'}');
        }
        Ok(())
    }

    fn is_nested(&self) -> bool {
        matches!(self.lists.value_type(), DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
    }

    /// Dimensions, whether there are nulls, item type, length and lower bound, items.
    pub(super) fn binary(
        &self,
        row: usize,
        kind: SqlType,
        settings: &FormatSettings,
        out: &mut BytesMut,
    ) -> Result<(), SqlError> {
        if kind == SqlType::Text {
            return self.text(row, kind, settings, out);
        }
        let too_long = |_| SqlError::new(Code::OutOfMemory, "an array is too long for the protocol");
        let range = self.range(row)?;
        let length = i32::try_from(range.len()).map_err(too_long)?;
        let lower_bound = i32::from(!is_vector(kind));
        out.put_i32(i32::from(length > 0 || is_vector(kind)));
        out.put_i32(i32::from(range.clone().any(|place| self.items.is_null(place))));
        out.put_u32(self.item_kind.oid());
        if length > 0 || is_vector(kind) {
            out.put_i32(length);
            out.put_i32(lower_bound);
        }
        for place in range {
            write_value(&self.items, place, Format::Binary, settings, out)?;
        }
        Ok(())
    }
}

/// The types that count from 0 and are written without braces.
fn is_vector(kind: SqlType) -> bool {
    matches!(kind, SqlType::Int2Vector | SqlType::OidVector)
}

/// `(1,"a b",)`: nothing stands for NULL.
pub(super) fn record_text(
    columns: &[Column],
    row: usize,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<(), SqlError> {
    out.put_u8(b'(');
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            out.put_u8(b',');
        }
        if column.is_null(row) {
            continue;
        }
        let mut text = BytesMut::new();
        column.text(row, settings, &mut text)?;
        let special = text.is_empty()
            || text.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',') || byte.is_ascii_whitespace());
        if !special {
            out.put_slice(&text);
            continue;
        }
        out.put_u8(b'"');
        for byte in &text {
            if matches!(byte, b'"' | b'\\') {
                out.put_u8(*byte);
            }
            out.put_u8(*byte);
        }
        out.put_u8(b'"');
    }
    out.put_u8(b')');
    Ok(())
}

/// The number of columns, then type, length and bytes of each.
pub(super) fn record_binary(
    columns: &[Column],
    row: usize,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<(), SqlError> {
    let too_long = |_| SqlError::new(Code::OutOfMemory, "a row has too many columns for the protocol");
    out.put_i32(i32::try_from(columns.len()).map_err(too_long)?);
    for column in columns {
        out.put_u32(column.kind().oid());
        write_value(column, row, Format::Binary, settings, out)?;
    }
    Ok(())
}

/// Writes an item, in double quotes where it could be mistaken.
fn quoted(item: &[u8], out: &mut BytesMut) {
    let special =
        |byte: &u8| matches!(byte, b'{' | b'}' | b',' | b'"' | b'\\') || byte.is_ascii_whitespace() || *byte == 0x0b;
    if !item.is_empty() && !item.eq_ignore_ascii_case(b"null") && !item.iter().any(special) {
        out.put_slice(item);
        return;
    }
    out.put_u8(b'"');
    for byte in item {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}
