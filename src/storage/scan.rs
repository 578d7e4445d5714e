//! From one version of an event table to a DataFusion plan over its hot batches and segments.
//!
//! Whole segments and hot batches that cannot have matching rows are left out by what is known of
//! them (time range, NULLs, distinct values); inside a segment DataFusion's Parquet source prunes row
//! groups, pages and bloom filters. Filters are a help, never a promise: whoever asks applies them
//! again. Statistics are exact only where nothing is filtered or limited. `execution::table` calls it.

mod hot_source;
mod prune;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::DateTime;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::conjunction;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use self::hot_source::{HotBatch, HotSource};
use self::prune::{Facts, may_match};
use super::segment::read::SegmentReaders;
use super::summary::TIME_COLUMN;
use super::{Segment, TableVersion};
use crate::types::TimeRange;

/// What a scan should bring.
#[derive(Debug, Clone, Copy)]
pub struct ScanRequest<'a> {
    /// Positions of the wanted columns; all when absent.
    pub projection: Option<&'a Vec<usize>>,
    /// Conditions that are applied again later.
    pub filters: &'a [Expr],
    /// Rows that are enough; only without filters.
    pub limit: Option<usize>,
}

/// What scans did; shared by all scans that are planned from one provider.
#[derive(Debug, Default)]
pub struct ScanStats {
    segments_scanned: AtomicU64,
    segments_pruned: AtomicU64,
    segments_damaged: AtomicU64,
    batches_damaged: AtomicU64,
    rows_missing: AtomicU64,
}

impl ScanStats {
    /// Segments that were opened, or would have been without a limit.
    pub fn segments_scanned(&self) -> u64 {
        self.segments_scanned.load(Ordering::Relaxed)
    }

    /// Segments left out because no row of theirs can match.
    pub fn segments_pruned(&self) -> u64 {
        self.segments_pruned.load(Ordering::Relaxed)
    }

    /// Segments left out because they are damaged; an answer without them is not complete.
    pub fn segments_damaged(&self) -> u64 {
        self.segments_damaged.load(Ordering::Relaxed)
    }

    /// Hot batches left out because they are damaged; an answer without them is not complete.
    pub fn batches_damaged(&self) -> u64 {
        self.batches_damaged.load(Ordering::Relaxed)
    }

    /// Rows of the damaged segments; how many were in damaged batches is not known.
    pub fn rows_missing(&self) -> u64 {
        self.rows_missing.load(Ordering::Relaxed)
    }
}

/// Plans a scan; the counters are raised at once.
pub fn scan(
    version: &TableVersion,
    session: &dyn Session,
    request: ScanRequest<'_>,
    stats: &ScanStats,
) -> Result<Arc<dyn ExecutionPlan>> {
    let predicate = predicate(session, request.filters, &version.table.arrow)?;
    let wanted = Wanted::choose(version, predicate.as_ref(), stats)?;
    let exact = request.filters.is_empty() && request.limit.is_none();
    let hot = wanted.hot_plan(version, session, request, exact)?;
    let Some(sealed) = wanted.sealed_plan(version, session, request, predicate, exact)? else { return Ok(hot) };
    if wanted.hot.is_empty() {
        return Ok(sealed);
    }
    UnionExec::try_new(vec![hot, sealed])
}

/// Exact statistics of all rows of a table.
pub fn table_statistics(version: &TableVersion) -> Statistics {
    let hot = version.hot_facts.iter().map(|facts| Facts::of_hot(facts));
    let sealed = version.ready_segments().map(|segment| Facts::of_segment(segment));
    statistics(&version.table.arrow, hot.chain(sealed), true)
}

/// The filters as one physical expression; those that cannot be expressed are left to the caller.
fn predicate(session: &dyn Session, filters: &[Expr], schema: &SchemaRef) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let names = DFSchema::try_from(Arc::clone(schema))?;
    let usable: Vec<Arc<dyn PhysicalExpr>> =
        filters.iter().filter_map(|filter| session.create_physical_expr(filter.clone(), &names).ok()).collect();
    Ok((!usable.is_empty()).then(|| conjunction(usable)))
}

/// The parts of a version that a scan reads.
struct Wanted<'a> {
    hot: Vec<usize>,
    segments: Vec<&'a Arc<Segment>>,
}

impl<'a> Wanted<'a> {
    fn choose(version: &'a TableVersion, predicate: Option<&Arc<dyn PhysicalExpr>>, stats: &ScanStats) -> Result<Self> {
        let schema = &version.table.arrow;
        let hot: Vec<Facts<'_>> = version.hot_facts.iter().map(|facts| Facts::of_hot(facts)).collect();
        let keep_hot = may_match(predicate, schema, &hot)?;
        let ready: Vec<&Arc<Segment>> = version.ready_segments().collect();
        let sealed: Vec<Facts<'_>> = ready.iter().map(|segment| Facts::of_segment(segment)).collect();
        let keep_sealed = may_match(predicate, schema, &sealed)?;
        let chosen = Self {
            hot: (0..hot.len()).filter(|number| keep_hot[*number]).collect(),
            segments: ready.iter().zip(&keep_sealed).filter(|(_, keep)| **keep).map(|(segment, _)| *segment).collect(),
        };
        let (scanned, all) = (chosen.segments.len() as u64, ready.len() as u64);
        stats.segments_scanned.fetch_add(scanned, Ordering::Relaxed);
        stats.segments_pruned.fetch_add(all - scanned, Ordering::Relaxed);
        stats.batches_damaged.fetch_add(version.damaged_batches, Ordering::Relaxed);
        for damaged in version.damaged_segments() {
            stats.segments_damaged.fetch_add(1, Ordering::Relaxed);
            stats.rows_missing.fetch_add(damaged.rows, Ordering::Relaxed);
        }
        Ok(chosen)
    }

    fn hot_plan(
        &self,
        version: &TableVersion,
        session: &dyn Session,
        request: ScanRequest<'_>,
        exact: bool,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = &version.table.arrow;
        let facts = self.hot.iter().map(|number| Facts::of_hot(&version.hot_facts[*number]));
        let statistics = statistics(schema, facts, exact);
        let batch = |number: &usize| HotBatch {
            rows: version.hot[*number].clone(),
            facts: Arc::clone(&version.hot_facts[*number]),
        };
        let batches = self.hot.iter().map(batch).collect();
        let partitions = spread(batches, session.config().target_partitions());
        let source = HotSource::new(&partitions, schema, request.projection.cloned(), statistics)?;
        Ok(DataSourceExec::from_data_source(source.with_limit(request.limit)))
    }

    fn sealed_plan(
        &self,
        version: &TableVersion,
        session: &dyn Session,
        request: ScanRequest<'_>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        exact: bool,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if self.segments.is_empty() {
            return Ok(None);
        }
        let schema = &version.table.arrow;
        let statistics = statistics(schema, self.segments.iter().map(|segment| Facts::of_segment(segment)), exact);
        let footers = session.runtime_env().cache_manager.get_file_metadata_cache();
        let options = TableParquetOptions {
            global: session.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let mut source = ParquetSource::new(Arc::clone(schema))
            .with_table_parquet_options(options)
            // Events are wide: the other columns are decoded only for rows that match.
            .with_pushdown_filters(true)
            .with_enable_page_index(true)
            .with_bloom_filter_on_read(true)
            .with_parquet_file_reader_factory(Arc::new(SegmentReaders { footers }));
        if let Some(predicate) = predicate {
            source = source.with_predicate(predicate);
        }
        let files = self.segments.iter().map(|segment| file_of(segment, schema)).collect();
        let groups = FileGroup::new(files).split_files(session.config().target_partitions());
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(request.limit)
            .with_projection_indices(request.projection.cloned())?
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }
}

/// A segment as DataFusion's file; its own statistics let a top-n query skip it while it runs.
fn file_of(segment: &Arc<Segment>, schema: &SchemaRef) -> PartitionedFile {
    let statistics = statistics(schema, std::iter::once(Facts::of_segment(segment)), true);
    let mut file = PartitionedFile::new(segment.path.to_string_lossy(), segment.bytes)
        .with_statistics(Arc::new(statistics))
        .with_extension(Arc::clone(segment));
    file.object_meta.last_modified = DateTime::from_timestamp_micros(segment.sealed_at_us).unwrap_or_default();
    file
}

/// What is known of rows, in DataFusion's words.
fn statistics<'a>(schema: &SchemaRef, parts: impl Iterator<Item = Facts<'a>>, exact: bool) -> Statistics {
    let parts: Vec<Facts<'_>> = parts.collect();
    let count = |count: u64| Precision::Exact(usize::try_from(count).unwrap_or(usize::MAX));
    let time = parts.iter().filter_map(|part| part.time).reduce(TimeRange::union);
    let columns = schema.fields().iter().map(|field| {
        let nulls = parts.iter().map(|part| part.nulls(field.name())).sum();
        let column = ColumnStatistics::new_unknown().with_null_count(count(nulls));
        match (time, field.data_type()) {
            (Some(time), DataType::Timestamp(_, zone)) if field.name() == TIME_COLUMN => {
                let instant = |us| Precision::Exact(ScalarValue::TimestampMicrosecond(Some(us), zone.clone()));
                column.with_min_value(instant(time.min_us)).with_max_value(instant(time.max_us))
            }
            _ => column,
        }
    });
    let statistics = Statistics {
        num_rows: count(parts.iter().map(|part| part.rows).sum()),
        total_byte_size: count(parts.iter().map(|part| part.bytes).sum()).to_inexact(),
        column_statistics: columns.collect(),
    };
    if exact { statistics } else { statistics.to_inexact() }
}

/// Deals batches out to partitions, the next one always to the partition with the fewest rows.
fn spread(batches: Vec<HotBatch>, partitions: usize) -> Vec<Vec<HotBatch>> {
    let count = partitions.clamp(1, batches.len().max(1));
    let mut spread = vec![(0, Vec::new()); count];
    for batch in batches {
        if let Some((rows, partition)) = spread.iter_mut().min_by_key(|(rows, _)| *rows) {
            *rows += batch.rows.num_rows();
            partition.push(batch);
        }
    }
    spread.into_iter().map(|(_, partition)| partition).collect()
}
