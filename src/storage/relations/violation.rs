//! Broken constraints, in PostgreSQL's words.

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};

use super::text::value_text;
use crate::catalog::{Column, Constraint, Index, Table, quote_ident};
use crate::storage::StorageError;
use crate::types::{Code, ErrorObject, SqlError};

/// Most bytes of a value that are shown of a failing row.
const SHOWN_BYTES_MAX: usize = 64;

fn about(table: &Table) -> ErrorObject {
    ErrorObject { schema: Some(table.schema.clone()), table: Some(table.name.clone()), ..ErrorObject::default() }
}

/// The values of a row as the detail of a failed NOT NULL or CHECK shows them: `Failing row contains (1, null).`
pub fn failing_row(table: &Table, rows: &RecordBatch, row: usize) -> String {
    let value = |(column, values): (&Column, &ArrayRef)| {
        if values.is_null(row) {
            return "null".to_owned();
        }
        let mut text = value_text(values.as_ref(), row, column.sql_type);
        if text.len() > SHOWN_BYTES_MAX {
            let end = (0..=SHOWN_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            text.push_str("...");
        }
        text
    };
    let values: Vec<String> = table.columns.iter().zip(rows.columns()).map(value).collect();
    format!("Failing row contains ({}).", values.join(", "))
}

/// 23502 of a row.
pub(super) fn null_value(table: &Table, column: &Column, rows: &RecordBatch, row: usize) -> StorageError {
    let (name, relation) = (&column.name, &table.name);
    let message = format!("null value in column \"{name}\" of relation \"{relation}\" violates not-null constraint");
    let object = ErrorObject { column: Some(name.clone()), ..about(table) };
    SqlError::new(Code::NotNullViolation, message).with_detail(failing_row(table, rows, row)).about(object).into()
}

/// 23502 of a column that has NULLs already.
pub(super) fn null_values(table: &Table, column: &Column) -> StorageError {
    let (name, relation) = (&column.name, &table.name);
    let message = format!("column \"{name}\" of relation \"{relation}\" contains null values");
    let object = ErrorObject { column: Some(name.clone()), ..about(table) };
    SqlError::new(Code::NotNullViolation, message).about(object).into()
}

/// `(a, b)=(1, x)`.
fn key_text(names: &[String], columns: &[ArrayRef], row: usize, types: &[crate::types::SqlType]) -> String {
    let value = |(column, kind): (&ArrayRef, &crate::types::SqlType)| {
        if column.is_null(row) { "null".to_owned() } else { value_text(column.as_ref(), row, *kind) }
    };
    let values: Vec<String> = columns.iter().zip(types).map(value).collect();
    format!("({})=({})", names.join(", "), values.join(", "))
}

fn index_key_text(table: &Table, index: &Index, columns: &[ArrayRef], row: usize) -> String {
    let of_keys: Vec<&Column> =
        index.keys.iter().filter_map(|key| key.column.and_then(|number| table.column(number))).collect();
    let names: Vec<String> = of_keys.iter().map(|column| quote_ident(&column.name)).collect();
    let types: Vec<_> = of_keys.iter().map(|column| column.sql_type).collect();
    key_text(&names, columns, row, &types)
}

/// 23505 of a row.
pub(super) fn duplicate_key(table: &Table, index: &Index, columns: &[ArrayRef], row: usize) -> StorageError {
    let message = format!("duplicate key value violates unique constraint \"{}\"", index.name);
    let detail = format!("Key {} already exists.", index_key_text(table, index, columns, row));
    let object = ErrorObject { constraint: Some(index.name.clone()), ..about(table) };
    SqlError::new(Code::UniqueViolation, message).with_detail(detail).about(object).into()
}

/// 23505 of an index that cannot be made.
pub(super) fn duplicated_key(table: &Table, index: &Index, columns: &[ArrayRef], row: usize) -> StorageError {
    let message = format!("could not create unique index \"{}\"", index.name);
    let detail = format!("Key {} is duplicated.", index_key_text(table, index, columns, row));
    let object = ErrorObject { constraint: Some(index.name.clone()), ..about(table) };
    SqlError::new(Code::UniqueViolation, message).with_detail(detail).about(object).into()
}

fn reference_key_text(table: &Table, numbers: &[i16], columns: &[ArrayRef], row: usize) -> String {
    let of_keys: Vec<&Column> = numbers.iter().filter_map(|number| table.column(*number)).collect();
    let names: Vec<String> = of_keys.iter().map(|column| column.name.clone()).collect();
    let types: Vec<_> = of_keys.iter().map(|column| column.sql_type).collect();
    key_text(&names, columns, row, &types)
}

/// 23503 of a row that refers to nothing; `columns` are those of the constraint.
pub(super) fn missing_reference(
    table: &Table,
    constraint: &Constraint,
    referenced: &Table,
    columns: &[ArrayRef],
    row: usize,
) -> StorageError {
    let (relation, name) = (&table.name, &constraint.name);
    let message = format!("insert or update on table \"{relation}\" violates foreign key constraint \"{name}\"");
    let key = reference_key_text(table, &constraint.columns, columns, row);
    let detail = format!("Key {key} is not present in table \"{}\".", referenced.name);
    let object = ErrorObject { constraint: Some(name.clone()), ..about(table) };
    SqlError::new(Code::ForeignKeyViolation, message).with_detail(detail).about(object).into()
}

/// 23503 of a row that others refer to; `columns` are the referenced ones.
pub(super) fn still_referenced(
    table: &Table,
    numbers: &[i16],
    columns: &[ArrayRef],
    row: usize,
    referring: (&Table, &Constraint),
) -> StorageError {
    let (relation, (other, constraint)) = (&table.name, referring);
    let message = format!(
        "update or delete on table \"{relation}\" violates foreign key constraint \"{}\" on table \"{}\"",
        constraint.name, other.name
    );
    let key = reference_key_text(table, numbers, columns, row);
    let detail = format!("Key {key} is still referenced from table \"{}\".", other.name);
    let object = ErrorObject { constraint: Some(constraint.name.clone()), ..about(other) };
    SqlError::new(Code::ForeignKeyViolation, message).with_detail(detail).about(object).into()
}
