//! Rows of event tables for GlueSQL: the hot batches first, then the segments, a batch at a time.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use gluesql::core::data::{Key, Value};

use super::value;
use crate::storage::segment::read;
use crate::storage::{StorageError, TableVersion};
use crate::types::SqlType;

type Row = Result<(Key, Vec<Value>), StorageError>;

/// All rows of a version of a table. Rows that cannot be read make it fail: it cannot say otherwise
/// that its answer is incomplete.
pub(super) fn rows(version: &Arc<TableVersion>) -> impl Iterator<Item = Row> + use<> {
    let version = Arc::clone(version);
    let types: Arc<[SqlType]> = version.table.columns.iter().map(|column| column.sql_type).collect();
    batches(version).enumerate().flat_map(move |(number, batch)| -> Box<dyn Iterator<Item = Row>> {
        match batch {
            Err(error) => Box::new(std::iter::once(Err(error))),
            Ok(batch) => {
                let types = Arc::clone(&types);
                Box::new((0..batch.num_rows()).map(move |row| {
                    let values = batch
                        .columns()
                        .iter()
                        .zip(types.iter())
                        .map(|(column, sql_type)| value::from_arrow(column.as_ref(), row, *sql_type));
                    Ok((row_key(number, row), values.collect::<Result<_, _>>()?))
                }))
            }
        }
    })
}

/// Event rows have no key; GlueSQL wants one that is unique within the scan.
fn row_key(batch: usize, row: usize) -> Key {
    Key::U128(((batch as u128) << 64) | row as u128)
}

fn batches(version: Arc<TableVersion>) -> impl Iterator<Item = Result<RecordBatch, StorageError>> {
    let segment = version.damaged_segments().next().map(|segment| {
        let reason = format!("{} rows are missing", segment.rows);
        Err(StorageError::Corrupt { what: format!("segment \"{}\"", segment.name), reason })
    });
    let damaged = segment.or_else(|| {
        let reason = format!("{} batches cannot be read", version.damaged_batches);
        let what = format!("the hot tier of \"{}\"", version.table.name);
        (version.damaged_batches > 0).then_some(Err(StorageError::Corrupt { what, reason }))
    });
    let hot = version.hot.clone().into_iter().map(Ok);
    let segments: Vec<_> = version.ready_segments().cloned().collect();
    let sealed = segments.into_iter().flat_map(move |segment| -> Box<dyn Iterator<Item = _>> {
        match read::read_batches(&segment, Arc::clone(&version.table.arrow)) {
            Ok(batches) => Box::new(batches),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    });
    damaged.into_iter().chain(hot).chain(sealed)
}
