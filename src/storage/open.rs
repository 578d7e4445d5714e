//! Opening a data directory: everything that was committed is there again.
//!
//! Files that the manifest does not know are left over from a seal that a crash ended: their rows
//! are still in the hot tier, so they are deleted. A segment whose file is missing or has the wrong
//! length is set aside and named, and so is a hot batch that cannot be read; the node starts all the
//! same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use redb::{ReadTransaction, ReadableTable};

use super::core::{Core, Loaded, Opener, Writer};
use super::hot::{Chunk, HotTable};
use super::segment::verify::{self, Finding};
use super::summary::{RowFacts, check_table};
use super::{DamagedBatch, Segment, SegmentStatus, StorageError, StoreConfig, batch, layout, manifest};
use crate::catalog::Table;
use crate::env::{Clock, run_blocking};
use crate::types::NodeName;

/// The name of the store's file in the data directory.
const FILE_NAME: &str = "node.redb";

/// Opens the store's file as a node does.
pub(super) fn open_database(config: &StoreConfig) -> Result<redb::Database, redb::Error> {
    let path = config.directory.join(FILE_NAME);
    Ok(redb::Builder::new().set_cache_size(config.cache_bytes).create(path)?)
}

/// Opens a data directory, with this opener for its file.
pub(super) async fn open(
    config: StoreConfig,
    node: NodeName,
    tables: Vec<Arc<Table>>,
    clock: Arc<dyn Clock>,
    opener: Box<Opener>,
) -> Result<Arc<Core>, StorageError> {
    tables.iter().try_for_each(|table| check_table(table))?;
    let core = Arc::new(Core::new(config, node, tables, clock, opener));
    let mut writer = Arc::clone(&core.writer).lock_owned().await;
    let opening = Arc::clone(&core);
    run_blocking("open the store", move || opening.open_directory(&mut writer)).await??;
    Ok(core)
}

impl Core {
    fn open_directory(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let segments = self.segments_directory();
        fs::create_dir_all(&segments).map_err(|source| StorageError::file("create the data directory", source))?;
        self.open_file(writer)?;
        verify::sync_directory(&self.config.directory)?;
        let known = writer.hot.values().flat_map(HotTable::segments).map(|segment| segment.name.clone()).collect();
        remove_orphans(&segments, &known)?;
        self.check_lengths(writer)?;
        let rows: u64 = self.version().tables.values().map(|table| table.summary.rows).sum();
        tracing::info!(node = %self.node, rows, segments = known.len(), "store opened");
        Ok(())
    }

    /// Sets segments aside whose files are obviously not what was sealed.
    fn check_lengths(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let mut damaged = Vec::new();
        for hot in writer.hot.values() {
            for segment in hot.segments().iter().filter(|segment| segment.status == SegmentStatus::Ready) {
                if let Finding::Damaged(reason) = verify::check_length(segment)? {
                    damaged.push((hot.table.name.clone(), Arc::clone(segment), reason));
                }
            }
        }
        damaged.into_iter().try_for_each(|(table, segment, reason)| self.set_aside(writer, table, &segment, &reason))
    }

    /// Reads everything that is in the file.
    pub(super) fn load(&self) -> Result<Loaded, StorageError> {
        self.create_tables()?;
        let snapshot = self.begin_read()?;
        let mut loaded = Loaded {
            hot: BTreeMap::new(),
            sequence: self.load_counter(&snapshot)?,
            progress: load_records(&snapshot, layout::PROGRESS, "progress of a feed")?,
            gaps: load_records(&snapshot, layout::GAPS, "a gap")?,
            damaged_batches: Vec::new(),
        };
        for table in &self.tables {
            let (hot, damaged) = self.load_table(&snapshot, table)?;
            loaded.hot.insert(table.name.clone(), hot);
            loaded.damaged_batches.extend(damaged);
        }
        self.relations.load(&snapshot)?;
        let kept = load_kept_aside(&snapshot)?;
        drop(snapshot);
        self.keep_aside(&loaded.damaged_batches)?;
        loaded.damaged_batches.extend(kept);
        for hot in loaded.hot.values_mut() {
            let damaged = loaded.damaged_batches.iter().filter(|one| one.table == hot.table.name);
            hot.damaged_batches = damaged.count() as u64;
        }
        Ok(loaded)
    }

    /// Makes sure that every table is there and that the format is known.
    fn create_tables(&self) -> Result<(), StorageError> {
        let transaction = self.begin_write()?;
        let create = || -> Result<u64, redb::Error> {
            transaction.open_table(layout::BATCHES)?;
            transaction.open_table(layout::DAMAGED_BATCHES)?;
            transaction.open_table(layout::GENERATIONS)?;
            transaction.open_table(layout::SEALED_GENERATIONS)?;
            transaction.open_table(layout::SEGMENTS)?;
            transaction.open_table(layout::PROGRESS)?;
            transaction.open_table(layout::GAPS)?;
            transaction.open_table(layout::DOCUMENTS)?;
            transaction.open_table(layout::SCHEMAS)?;
            transaction.open_table(layout::ROWS)?;
            transaction.open_table(layout::ROW_NUMBERS)?;
            transaction.open_table(layout::ENTRIES)?;
            transaction.open_table(layout::RELATION_ROWS)?;
            transaction.open_table(layout::RELATION_KEYS)?;
            transaction.open_table(layout::RELATION_FACTS)?;
            transaction.open_table(layout::SEQUENCES)?;
            let mut counters = transaction.open_table(layout::COUNTERS)?;
            let format = counters.get(layout::FORMAT_KEY)?.map(|format| format.value());
            if format.is_none() {
                counters.insert(layout::FORMAT_KEY, layout::FORMAT)?;
            }
            Ok(format.unwrap_or(layout::FORMAT))
        };
        let found = create().map_err(|source| StorageError::redb("open the store", source))?;
        if found > layout::FORMAT {
            return Err(StorageError::NewerFormat { found, known: layout::FORMAT });
        }
        transaction.commit().map_err(|source| StorageError::redb("open the store", source))
    }

    fn load_counter(&self, snapshot: &ReadTransaction) -> Result<u64, StorageError> {
        let counters = snapshot.open_table(layout::COUNTERS).map_err(unreadable)?;
        Ok(counters.get(layout::SEQUENCE_KEY).map_err(unreadable)?.map_or(0, |sequence| sequence.value()))
    }

    fn load_table(
        &self,
        snapshot: &ReadTransaction,
        table: &Arc<Table>,
    ) -> Result<(HotTable, Vec<DamagedBatch>), StorageError> {
        let segments = self.load_segments(snapshot, &table.name)?;
        let generations = load_generations(snapshot, &table.name)?;
        let sealed = snapshot.open_table(layout::SEALED_GENERATIONS).map_err(unreadable)?;
        let sealed = sealed.get(table.name.as_str()).map_err(unreadable)?.map_or(0, |cut| cut.value());
        let last = generations.keys().next_back().copied().unwrap_or(0).max(sealed);
        // A generation has one schema, and today's may be new: rows from now on get their own.
        let mut hot = HotTable::new(Arc::clone(table), last + 1, segments);
        let mut damaged = Vec::new();
        let batches = snapshot.open_table(layout::BATCHES).map_err(unreadable)?;
        let name = table.name.as_str();
        for entry in batches.range((name, 0, 0)..=(name, u64::MAX, u64::MAX)).map_err(unreadable)? {
            let (key, value) = entry.map_err(unreadable)?;
            let (_, generation, sequence) = key.value();
            match load_batch(generations.get(&generation), value.value(), table) {
                Ok(chunk) => hot.push(Chunk { generation, ..chunk }),
                Err(reason) => {
                    damaged.push(DamagedBatch { table: name.to_owned(), key: (generation, sequence), reason })
                }
            }
        }
        Ok((hot, damaged))
    }

    fn load_segments(&self, snapshot: &ReadTransaction, table: &str) -> Result<Vec<Arc<Segment>>, StorageError> {
        let directory = self.segments_directory();
        let manifest = snapshot.open_table(layout::SEGMENTS).map_err(unreadable)?;
        let mut segments = Vec::new();
        for entry in manifest.range((table, "")..).map_err(unreadable)? {
            let (key, record) = entry.map_err(unreadable)?;
            if key.value().0 != table {
                break;
            }
            segments.push(Arc::new(manifest::decode_segment(&directory, record.value())?));
        }
        Ok(segments)
    }

    /// Moves batches that cannot be read to a place of their own; their bytes are kept.
    fn keep_aside(&self, damaged: &[DamagedBatch]) -> Result<(), StorageError> {
        if damaged.is_empty() {
            return Ok(());
        }
        let transaction = self.begin_write()?;
        let shift = || -> Result<(), redb::Error> {
            let mut batches = transaction.open_table(layout::BATCHES)?;
            let mut aside = transaction.open_table(layout::DAMAGED_BATCHES)?;
            for one in damaged {
                let key = (one.table.as_str(), one.key.0, one.key.1);
                if let Some(value) = batches.remove(key)? {
                    aside.insert(key, value.value())?;
                }
                tracing::error!(table = %one.table, reason = %one.reason, "a hot batch is damaged and was set aside");
            }
            Ok(())
        };
        shift().map_err(|source| StorageError::redb("set damaged batches aside", source))?;
        transaction.commit().map_err(|source| StorageError::redb("set damaged batches aside", source))
    }
}

/// When a generation began, and its schema or what is wrong with it.
type Generation = (i64, Result<SchemaRef, String>);

fn load_generations(snapshot: &ReadTransaction, table: &str) -> Result<BTreeMap<u64, Generation>, StorageError> {
    let generations = snapshot.open_table(layout::GENERATIONS).map_err(unreadable)?;
    let mut found = BTreeMap::new();
    for entry in generations.range((table, 0)..=(table, u64::MAX)).map_err(unreadable)? {
        let (key, value) = entry.map_err(unreadable)?;
        let (began_us, schema) = value.value();
        found.insert(key.value().1, (began_us, batch::decode_schema(schema).map(Arc::new)));
    }
    Ok(found)
}

fn load_batch(generation: Option<&Generation>, value: &[u8], table: &Table) -> Result<Chunk, String> {
    let (began_us, schema) = generation.ok_or("its generation has no schema")?;
    let schema = schema.as_ref().map_err(|reason| format!("the schema of its generation: {reason}"))?;
    let rows = batch::decode_batch(value, schema)?;
    let rows = batch::adapt(&rows, &table.arrow).map_err(|error| error.to_string())?;
    Ok(Chunk { generation: 0, facts: Arc::new(RowFacts::of(&rows)), rows, arrived_us: *began_us })
}

fn load_records<K, T>(
    snapshot: &ReadTransaction,
    definition: redb::TableDefinition<K, &'static [u8]>,
    what: &str,
) -> Result<Vec<T>, StorageError>
where
    K: redb::Key + 'static,
    T: serde::de::DeserializeOwned,
{
    let table = snapshot.open_table(definition).map_err(unreadable)?;
    let mut records = Vec::new();
    for entry in table.iter().map_err(unreadable)? {
        let (_, record) = entry.map_err(unreadable)?;
        records.push(layout::decode(what, record.value())?);
    }
    Ok(records)
}

/// Batches that were set aside when the store was opened before.
fn load_kept_aside(snapshot: &ReadTransaction) -> Result<Vec<DamagedBatch>, StorageError> {
    let aside = snapshot.open_table(layout::DAMAGED_BATCHES).map_err(unreadable)?;
    let mut kept = Vec::new();
    for entry in aside.iter().map_err(unreadable)? {
        let (key, _) = entry.map_err(unreadable)?;
        let (table, generation, sequence) = key.value();
        let reason = "it was set aside at an earlier start".to_owned();
        kept.push(DamagedBatch { table: table.to_owned(), key: (generation, sequence), reason });
    }
    Ok(kept)
}

fn unreadable(source: impl Into<redb::Error>) -> StorageError {
    StorageError::redb("read the store", source)
}

/// Deletes what a seal left behind that never came to its end; other files are not ours.
fn remove_orphans(directory: &Path, known: &BTreeSet<String>) -> Result<(), StorageError> {
    let failed = |source| StorageError::file("look through the segments", source);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let unfinished = name.ends_with(manifest::UNFINISHED_SUFFIX);
        let unknown = name.strip_suffix(manifest::SEGMENT_SUFFIX).is_some_and(|segment| !known.contains(segment));
        if unfinished || unknown {
            fs::remove_file(entry.path()).map_err(failed)?;
            tracing::info!(file = name, "removed the file of a seal that did not end");
        }
    }
    Ok(())
}
