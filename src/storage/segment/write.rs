//! Arrow to Parquet: rows in time order, in a file that is durable before it has its name.
//!
//! Row groups are large enough to compress and small enough to skip; pages have an index; columns
//! that people look for by value have bloom filters. Memory beside the rows is a permutation and
//! one window of rows.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use datafusion::arrow::array::{Array, RecordBatch, TimestampMicrosecondArray};
use datafusion::arrow::compute::interleave_record_batch;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::verify::sync_directory;
use crate::storage::StorageError;
use crate::storage::manifest::{UNFINISHED_SUFFIX, segment_path};
use crate::storage::summary::TIME_COLUMN;

const ROW_GROUP_ROWS: usize = 131_072;
const PAGE_ROWS: usize = 16_384;
const WINDOW_ROWS: usize = 16_384;
const ZSTD_LEVEL: i32 = 3;
/// Columns that people look for by value.
const BLOOM_COLUMNS: [&str; 7] =
    ["container_id", "host_name", "namespace_name", "pod_name", "process_name", "remote_ip", "resource"];
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::storage) struct WrittenFile {
    pub(in crate::storage) bytes: u64,
    pub(in crate::storage) checksum: String,
}

/// Writes batches as the segment `name`, sorted by time; rows of one instant stay in order.
pub(in crate::storage) fn write_segment(
    directory: &Path,
    name: &str,
    batches: &[RecordBatch],
) -> Result<WrittenFile, StorageError> {
    let unfinished = directory.join(format!("{name}{UNFINISHED_SUFFIX}"));
    let written = write_file(&unfinished, batches).and_then(|written| {
        fs::rename(&unfinished, segment_path(directory, name)).map_err(failed_file)?;
        sync_directory(directory)?;
        Ok(written)
    });
    if written.is_err() {
        // Best effort: what stays is removed when the store is opened again.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_file(path: &Path, batches: &[RecordBatch]) -> Result<WrittenFile, StorageError> {
    let schema = batches.first().map(RecordBatch::schema).unwrap_or_else(|| SchemaRef::new(Schema::empty()));
    let file = File::create(path).map_err(failed_file)?;
    let output = HashingWriter { output: BufWriter::new(file), hasher: blake3::Hasher::new(), bytes: 0 };
    let properties = properties(&schema)?;
    let mut writer = ArrowWriter::try_new(output, schema, Some(properties)).map_err(failed_write)?;
    let references: Vec<&RecordBatch> = batches.iter().collect();
    for window in order_by_time(batches)?.chunks(WINDOW_ROWS) {
        let rows = interleave_record_batch(&references, window)
            .map_err(|source| StorageError::conversion("sort a segment", source))?;
        writer.write(&rows).map_err(failed_write)?;
    }
    let HashingWriter { output, hasher, bytes } = writer.into_inner().map_err(failed_write)?;
    let file = output.into_inner().map_err(|error| failed_file(error.into_error()))?;
    file.sync_all().map_err(failed_file)?;
    Ok(WrittenFile { bytes, checksum: hasher.finalize().to_hex().to_string() })
}

/// (batch, row) of every row, in the order of time.
fn order_by_time(batches: &[RecordBatch]) -> Result<Vec<(usize, usize)>, StorageError> {
    let mut order = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (number, batch) in batches.iter().enumerate() {
        let times = batch
            .column_by_name(TIME_COLUMN)
            .and_then(|column| column.as_any().downcast_ref::<TimestampMicrosecondArray>())
            .ok_or_else(|| StorageError::Corrupt { what: "the hot tier".to_owned(), reason: "no time".to_owned() })?;
        order.extend(times.values().iter().enumerate().map(|(row, time)| (*time, (number, row))));
    }
    order.sort_unstable();
    Ok(order.into_iter().map(|(_, place)| place).collect())
}

fn properties(schema: &Schema) -> Result<WriterProperties, StorageError> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(failed_write)?;
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by(concat!("armorlake ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page);
    for (position, field) in schema.fields().iter().enumerate() {
        let path = ColumnPath::from(field.name().as_str());
        if field.name() == TIME_COLUMN {
            let column_idx = i32::try_from(position).unwrap_or_default();
            let sorting = SortingColumn { column_idx, descending: false, nulls_first: false };
            // Leaf and column numbers agree while no column before `time` is nested in several leaves.
            if schema.fields()[..position].iter().all(|before| !before.data_type().is_nested()) {
                builder = builder.set_sorting_columns(Some(vec![sorting]));
            }
        }
        builder = match field.data_type() {
            // Instants differ little from row to row; ids never repeat: a dictionary only costs.
            DataType::Timestamp(..) => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED),
            DataType::FixedSizeBinary(_) => builder.set_column_dictionary_enabled(path.clone(), false),
            _ => builder,
        };
        if BLOOM_COLUMNS.contains(&field.name().as_str()) {
            // Made for as many values as a row group can have, then folded to what it has.
            builder = builder
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS as u64);
        }
    }
    Ok(builder.build())
}

fn failed_file(source: std::io::Error) -> StorageError {
    StorageError::file("write a segment", source)
}

/// A full disk inside of Parquet's error is still a full disk.
fn failed_write(error: parquet::errors::ParquetError) -> StorageError {
    match error {
        parquet::errors::ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => failed_file(*source),
            Err(source) => StorageError::conversion("write a segment", parquet::errors::ParquetError::External(source)),
        },
        other => StorageError::conversion("write a segment", other),
    }
}

/// Counts and hashes what goes through.
struct HashingWriter {
    output: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for HashingWriter {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        let written = self.output.write(piece)?;
        self.hasher.update(&piece[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}
