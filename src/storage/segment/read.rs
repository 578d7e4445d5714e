//! Reads segments: for DataFusion's Parquet source in ranges, for GlueSQL batch after batch.
//!
//! A reader holds its segment, so a file stays as long as anybody reads it. Footers with their page
//! index are kept in the session's bounded metadata cache; files never change, so an entry holds as
//! long as name, length and sealing time agree.

use std::fmt::Debug;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetMetaData;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use crate::env::run_blocking;
use crate::storage::{Segment, StorageError, batch};

const READ_ROWS: usize = 8_192;

/// Opens segments for DataFusion; a file of the scan carries its `Arc<Segment>` as an extension.
pub(in crate::storage) struct SegmentReaders {
    pub(in crate::storage) footers: Arc<FileMetadataCache>,
}

impl Debug for SegmentReaders {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SegmentReaders").finish_non_exhaustive()
    }
}

impl ParquetFileReaderFactory for SegmentReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let segment = file
            .extension::<Arc<Segment>>()
            .cloned()
            .ok_or_else(|| DataFusionError::Internal("a file of a scan is no segment".to_owned()))?;
        let metrics = ParquetFileMetrics::new(partition, &segment.name, metrics);
        Ok(Box::new(SegmentReader { segment, file, footers: Arc::clone(&self.footers), metrics }))
    }
}

struct SegmentReader {
    segment: Arc<Segment>,
    file: PartitionedFile,
    footers: Arc<FileMetadataCache>,
    metrics: ParquetFileMetrics,
}

impl SegmentReader {
    fn read(&self, ranges: Vec<Range<u64>>) -> BoxFuture<'static, Result<Vec<Bytes>, ParquetError>> {
        let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        self.metrics.bytes_scanned.add(usize::try_from(bytes).unwrap_or(usize::MAX));
        let segment = Arc::clone(&self.segment);
        let work = move || read_ranges(&segment, &ranges);
        async move { run_blocking("read a segment", work).await.map_err(failed)?.map_err(failed) }.boxed()
    }
}

impl AsyncFileReader for SegmentReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let pieces = self.read(vec![range]);
        async move { Ok(pieces.await?.pop().unwrap_or_default()) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        self.read(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let (segment, footers) = (Arc::clone(&self.segment), Arc::clone(&self.footers));
        let meta = self.file.object_meta.clone();
        async move {
            if let Some(cached) = footers.get(&meta.location)
                && cached.is_valid_for(&meta)
                && let Some(footer) = cached.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()
            {
                return Ok(Arc::clone(footer.parquet_metadata()));
            }
            let footer = run_blocking("read a footer", move || read_footer(&segment)).await.map_err(failed)??;
            let footer = Arc::new(footer);
            let cached = Arc::new(CachedParquetMetaData::new(Arc::clone(&footer)));
            footers.put(&meta.location.clone(), CachedFileMetadataEntry::new(meta, cached));
            Ok(footer)
        }
        .boxed()
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

fn read_footer(segment: &Segment) -> Result<ParquetMetaData, ParquetError> {
    let file = File::open(&segment.path).map_err(failed)?;
    ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional).parse_and_finish(&file)
}

fn read_ranges(segment: &Segment, ranges: &[Range<u64>]) -> std::io::Result<Vec<Bytes>> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(&segment.path)?;
    let mut pieces = Vec::with_capacity(ranges.len());
    for range in ranges {
        if range.end > segment.bytes || range.start > range.end {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
        let mut piece = vec![0; length];
        file.seek(SeekFrom::Start(range.start))?;
        file.read_exact(&mut piece)?;
        pieces.push(Bytes::from(piece));
    }
    Ok(pieces)
}

/// The rows of a segment in the table's columns, batch after batch; blocks.
pub(in crate::storage) fn read_batches(
    segment: &Segment,
    schema: SchemaRef,
) -> Result<impl Iterator<Item = Result<RecordBatch, StorageError>> + use<>, StorageError> {
    let failed = |source| StorageError::conversion("read a segment", source);
    let file = File::open(&segment.path).map_err(|source| StorageError::file("read a segment", source))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let reader = reader.with_batch_size(READ_ROWS).build().map_err(failed)?;
    Ok(reader.map(move |rows| {
        let rows = rows.and_then(|rows| batch::adapt(&rows, &schema));
        rows.map_err(|source| StorageError::conversion("read a segment", source))
    }))
}
