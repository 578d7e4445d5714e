//! COPY ... TO STDOUT and FROM STDIN: rows as CopyData, in text, csv or binary form.

mod binary;
mod csv;
mod fields;
mod from;
mod lines;
mod out;

/// What binary data starts with; flags and the length of an extension follow.
const BINARY_SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// What binary data ends with, in the place of a row's number of columns.
const BINARY_END: i16 = -1;
