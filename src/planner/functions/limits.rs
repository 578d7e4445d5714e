//! How much functions make: a small call must not ask for more memory than a node has.
//!
//! Rows come in batches, and what a function makes of a batch is there at once. So one bound holds for a value
//! and for all values of a batch; it is looked at before anything is made.

use datafusion::error::{DataFusionError, Result};

use super::function::sql_error;
use crate::types::Code;

/// Most bytes that a function makes of one batch of rows.
pub(super) const BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most items of an array that a function makes.
pub(super) const ITEMS_MAX: usize = 5_000_000;

/// The error for a value that would be too large.
pub(super) fn too_large() -> DataFusionError {
    sql_error(Code::ProgramLimitExceeded, "requested length too large")
}

/// An error when so many bytes are too many.
pub(super) fn checked_bytes(bytes: usize) -> Result<()> {
    if bytes <= BYTES_MAX { Ok(()) } else { Err(too_large()) }
}

/// The product of two sizes, when it is not too large.
pub(super) fn checked_product(one: usize, other: usize) -> Result<usize> {
    one.checked_mul(other).filter(|bytes| *bytes <= BYTES_MAX).ok_or_else(too_large)
}

/// An error when so many items are too many.
pub(super) fn checked_items(items: usize) -> Result<()> {
    if items <= ITEMS_MAX {
        return Ok(());
    }
    let text = format!("array size exceeds the maximum allowed ({ITEMS_MAX})");
    Err(sql_error(Code::ProgramLimitExceeded, text))
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, ITEMS_MAX, checked_bytes, checked_items, checked_product};

    #[test]
    fn sizes_have_bounds() {
        assert!(checked_bytes(BYTES_MAX).is_ok() && checked_bytes(BYTES_MAX + 1).is_err());
        assert!(checked_items(ITEMS_MAX).is_ok() && checked_items(ITEMS_MAX + 1).is_err());
        assert_eq!(checked_product(3, 5).ok(), Some(15));
        assert!(checked_product(BYTES_MAX, 2).is_err() && checked_product(usize::MAX, usize::MAX).is_err());
    }
}
