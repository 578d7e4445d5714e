//! Group commit: everything that is written becomes part of one durable redb transaction at a time.
//!
//! A writer puts its changes into the queue and asks for the writer's lock. Whoever gets it commits
//! all that has queued up by then, so that writers who come while the disk is busy share the next
//! transaction. Only after the commit has returned do readers see the rows, and only then do the
//! waiting writers hear of it. A writer that gave up before its turn leaves nothing behind.
//!
//! redb calls block, so the whole turn runs in the blocking pool and takes the lock with it: it ends
//! in order even when the future that started it is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use redb::WriteTransaction;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::batch::{BatchEncoder, bytes_of};
use super::core::{Core, Writer, WriterGuard, lock};
use super::glue::WriteSet;
use super::hot::Chunk;
use super::relations::RelationWrites;
use super::summary::RowFacts;
use super::{FeedProgress, Gap, Segment, StorageError, layout, manifest};
use crate::env::run_blocking;

/// Most rows that queued writers put into one transaction (a single writer may bring more).
const GROUP_ROWS_MAX: u64 = 65_536;
/// Largest batch in memory that is taken.
const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Largest document.
const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A batch that has been checked against its table.
#[derive(Debug)]
pub(super) struct NewRows {
    table: String,
    rows: RecordBatch,
    pub(super) facts: Arc<RowFacts>,
}

impl NewRows {
    /// The rows alone.
    pub(super) fn into_rows(self) -> RecordBatch {
        self.rows
    }
}

/// A table's generations up to `cut` have become this segment.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) table: String,
    pub(super) cut: u64,
    pub(super) segment: Arc<Segment>,
}

/// What one writer wants to be durable, all or nothing.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) rows: Vec<NewRows>,
    pub(super) progress: Vec<FeedProgress>,
    pub(super) gaps: Vec<Gap>,
    pub(super) documents: Vec<(String, Vec<u8>)>,
    pub(super) relational: Option<WriteSet>,
    pub(super) relations: Option<RelationWrites>,
    pub(super) sealed: Option<Sealed>,
    /// Segments that are new or whose entry changes, with their tables.
    pub(super) segments: Vec<(String, Arc<Segment>)>,
}

/// Changes that wait for their turn.
#[derive(Debug)]
pub(super) struct Pending {
    changes: Changes,
    done: oneshot::Sender<Result<u64, StorageError>>,
}

/// A writer that waits for its turn. When it gives up its changes leave the queue, and with them what they hold: the
/// turn of the SQL writer.
struct Waiting<'a> {
    core: &'a Core,
    outcome: oneshot::Receiver<Result<u64, StorageError>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.outcome.close();
        lock(&self.core.queue).retain(|pending| !pending.done.is_closed());
    }
}

impl Core {
    /// Checks a batch; its columns must be the table's, metadata included.
    pub(super) fn check_rows(&self, table: String, rows: &RecordBatch) -> Result<NewRows, StorageError> {
        let Some(known) = self.tables.iter().find(|known| known.name == table) else {
            return Err(StorageError::UnknownTable { table });
        };
        let (expected, found) = (known.arrow.fields(), rows.schema_ref().fields());
        if expected != found {
            let reason = match expected.iter().zip(found.iter()).find(|(expected, found)| expected != found) {
                Some((expected, found)) => format!("expected column {expected}, found {found}"),
                None => format!("expected {} columns, found {}", expected.len(), found.len()),
            };
            return Err(StorageError::SchemaMismatch { table, reason });
        }
        if bytes_of(rows) > BATCH_BYTES_MAX as u64 {
            return Err(StorageError::TooLarge { what: "a batch", bytes_max: BATCH_BYTES_MAX });
        }
        let rows = RecordBatch::try_new(Arc::clone(&known.arrow), rows.columns().to_vec())
            .map_err(|error| StorageError::SchemaMismatch { table: table.clone(), reason: error.to_string() })?;
        Ok(NewRows { table, facts: Arc::new(RowFacts::of(&rows)), rows })
    }

    /// Commits changes together with whatever else is waiting; returns the sequence that shows them.
    pub(super) async fn commit(self: &Arc<Self>, changes: Changes) -> Result<u64, StorageError> {
        if changes.documents.iter().any(|(_, bytes)| bytes.len() > DOCUMENT_BYTES_MAX) {
            return Err(StorageError::TooLarge { what: "a document", bytes_max: DOCUMENT_BYTES_MAX });
        }
        let (done, outcome) = oneshot::channel();
        let mut waiting = Waiting { core: self, outcome };
        lock(&self.queue).push(Pending { changes, done });
        loop {
            let turn = Arc::clone(&self.writer).lock_owned().await;
            match waiting.outcome.try_recv() {
                Ok(outcome) => return outcome,
                Err(TryRecvError::Closed) => return Err(StorageError::Interrupted { action: "commit" }),
                Err(TryRecvError::Empty) => {}
            }
            let core = Arc::clone(self);
            run_blocking("commit", move || core.take_turn(turn)).await?;
        }
    }

    /// Commits these changes alone, on a thread that may block.
    pub(super) fn commit_blocking(&self, changes: Changes) -> Result<u64, StorageError> {
        let mut turn = Arc::clone(&self.writer).blocking_lock_owned();
        self.carry_out(&mut turn, &[changes])
    }

    /// One turn with the writer's lock.
    fn take_turn(&self, mut turn: WriterGuard) {
        let mut group = self.take_group();
        if group.is_empty() {
            return;
        }
        // An error speaks again in `carry_out`.
        if self.heal(&mut turn).is_ok() {
            for stored in group.extract_if(.., |pending| self.is_stored(&pending.changes)) {
                // Whoever stopped waiting has no use for the outcome.
                let _ = stored.done.send(Ok(turn.sequence));
            }
            for pending in group.extract_if(.., |pending| self.base_error(&pending.changes).is_some()) {
                let error = self.base_error(&pending.changes).unwrap_or(StorageError::Interrupted { action: "commit" });
                // Whoever stopped waiting has no use for the outcome.
                let _ = pending.done.send(Err(error));
            }
        }
        let (changes, waiting): (Vec<Changes>, Vec<_>) =
            group.into_iter().map(|pending| (pending.changes, pending.done)).unzip();
        if changes.is_empty() {
            return;
        }
        let outcome = self.carry_out(&mut turn, &changes);
        for done in waiting {
            // Whoever stopped waiting has no use for the outcome.
            let _ = done.send(outcome.clone());
        }
    }

    /// Whether these rows are there already: a feed's progress is durable together with its rows, so a
    /// writer that did not hear of its commit and tries again brings progress that is known.
    fn is_stored(&self, changes: &Changes) -> bool {
        let known = lock(&self.progress);
        let is_known = |one: &FeedProgress| {
            let known = known.get(&(one.feed.clone(), one.stream.clone()));
            known.is_some_and(|known| (known.epoch, known.committed) == (one.epoch, one.committed))
        };
        !changes.rows.is_empty() && !changes.progress.is_empty() && changes.progress.iter().all(is_known)
    }

    /// Why these changes do not fit to what is on disk.
    fn base_error(&self, changes: &Changes) -> Option<StorageError> {
        changes.relations.as_ref().and_then(|relations| relations.check_base(self).err())
    }

    fn take_group(&self) -> Vec<Pending> {
        let mut queue = lock(&self.queue);
        queue.retain(|pending| !pending.done.is_closed());
        let mut rows = 0;
        let mut count = 0;
        for pending in queue.iter() {
            rows += pending.changes.rows.iter().map(|new| new.facts.rows).sum::<u64>();
            if count > 0 && rows > GROUP_ROWS_MAX {
                break;
            }
            count += 1;
        }
        queue.drain(..count).collect()
    }

    /// Makes a group of changes durable, then visible. The caller holds the writer's lock.
    pub(super) fn carry_out(&self, writer: &mut Writer, group: &[Changes]) -> Result<u64, StorageError> {
        self.heal(writer)?;
        let values = encode_rows(group)?;
        let shown = group.iter().any(|changes| !changes.rows.is_empty() || changes.touches_segments());
        let sequence = writer.sequence + u64::from(shown);
        let now_us = self.clock.now_us();
        // Until the transaction has ended well nobody knows what is on disk, not even after a panic.
        writer.doubtful = Some(StorageError::Interrupted { action: "commit" });
        let commit = Commit { core: self, writer, group, sequence, now_us };
        let prepared = commit.prepare(&values);
        let committed = prepared.and_then(|(keys, transaction)| match transaction.commit() {
            Ok(()) => Ok(keys),
            Err(source) => Err(StorageError::redb("commit", source)),
        });
        let keys = committed.inspect_err(|error| {
            let file_failed = matches!(error, StorageError::Disk { .. });
            writer.doubtful = file_failed.then(|| error.clone());
        })?;
        self.remember(writer, group, &keys, now_us);
        writer.sequence = sequence;
        if shown {
            let changed: Vec<&str> = group.iter().flat_map(Changes::tables).collect();
            self.publish(writer, Some(&changed));
        }
        writer.doubtful = None;
        Ok(sequence)
    }

    /// Brings memory to where the disk is.
    fn remember(&self, writer: &mut Writer, group: &[Changes], keys: &BTreeMap<String, u64>, now_us: i64) {
        for changes in group {
            for one in &changes.progress {
                lock(&self.progress).insert((one.feed.clone(), one.stream.clone()), one.clone());
            }
            if let Some(relations) = &changes.relations {
                relations.publish(&self.relations);
            }
            for gap in &changes.gaps {
                lock(&self.gaps).insert(gap.key(), gap.clone());
            }
            for new in &changes.rows {
                let Some(hot) = writer.hot.get_mut(&new.table) else { continue };
                let (generation, facts) = (hot.generation, Arc::clone(&new.facts));
                hot.push(Chunk { generation, rows: new.rows.clone(), facts, arrived_us: now_us });
                hot.set_receiving();
            }
            if let Some(sealed) = &changes.sealed
                && let Some(hot) = writer.hot.get_mut(&sealed.table)
            {
                hot.replace_with_segment(sealed.cut, Arc::clone(&sealed.segment));
            }
            for (table, segment) in &changes.segments {
                if let Some(hot) = writer.hot.get_mut(table) {
                    hot.put_segment(segment);
                }
            }
        }
        for (table, next) in keys {
            if let Some(hot) = writer.hot.get_mut(table) {
                hot.next_sequence = *next;
                hot.generation_stored = true;
            }
        }
    }
}

impl Changes {
    /// Rows for event tables; empty batches are left out.
    pub(super) fn add_rows(&mut self, new: NewRows) {
        if new.facts.rows > 0 {
            self.rows.push(new);
        }
    }

    fn touches_segments(&self) -> bool {
        self.sealed.is_some() || !self.segments.is_empty()
    }

    /// The event tables that look different afterwards.
    fn tables(&self) -> impl Iterator<Item = &str> {
        let rows = self.rows.iter().map(|new| new.table.as_str());
        let sealed = self.sealed.iter().map(|sealed| sealed.table.as_str());
        rows.chain(sealed).chain(self.segments.iter().map(|(table, _)| table.as_str()))
    }
}

/// The values of all new batches, in order.
fn encode_rows(group: &[Changes]) -> Result<Vec<Vec<u8>>, StorageError> {
    let mut encoder = BatchEncoder::new()?;
    group.iter().flat_map(|changes| &changes.rows).map(|new| encoder.encode(&new.rows)).collect()
}

/// One transaction in the making.
struct Commit<'a> {
    core: &'a Core,
    writer: &'a Writer,
    group: &'a [Changes],
    sequence: u64,
    now_us: i64,
}

impl Commit<'_> {
    /// Writes everything into a transaction; also returns the next sequence of each table's
    /// generation. A transaction that is dropped because of an error leaves no trace.
    fn prepare(&self, values: &[Vec<u8>]) -> Result<(BTreeMap<String, u64>, WriteTransaction), StorageError> {
        let transaction = self.core.begin_write()?;
        let keys = self.write_rows(&transaction, values)?;
        self.write_counter(&transaction).map_err(failed)?;
        for changes in self.group {
            write_small(&transaction, changes)?;
            if let Some(sealed) = &changes.sealed {
                let record = manifest::encode_segment(&sealed.segment)?;
                write_sealed(&transaction, sealed, &record).map_err(failed)?;
            }
            for (table, segment) in &changes.segments {
                let record = manifest::encode_segment(segment)?;
                write_segment(&transaction, table, &segment.name, &record).map_err(failed)?;
            }
            if let Some(relational) = &changes.relational {
                relational.write(&transaction)?;
            }
            if let Some(relations) = &changes.relations {
                relations.write(&transaction, &self.core.relations)?;
            }
        }
        Ok((keys, transaction))
    }

    fn write_rows(
        &self,
        transaction: &WriteTransaction,
        values: &[Vec<u8>],
    ) -> Result<BTreeMap<String, u64>, StorageError> {
        let mut next = BTreeMap::new();
        if values.is_empty() {
            return Ok(next);
        }
        let mut batches = transaction.open_table(layout::BATCHES).map_err(failed)?;
        for (new, value) in self.group.iter().flat_map(|changes| &changes.rows).zip(values) {
            let table = new.table.as_str();
            let hot = self.writer.hot.get(table);
            let hot = hot.ok_or_else(|| StorageError::UnknownTable { table: table.to_owned() })?;
            if !hot.generation_stored && !next.contains_key(table) {
                let schema = BatchEncoder::new()?.encode_schema(&hot.table.arrow);
                let mut generations = transaction.open_table(layout::GENERATIONS).map_err(failed)?;
                generations.insert((table, hot.generation), (self.now_us, schema.as_slice())).map_err(failed)?;
            }
            let sequence: &mut u64 = next.entry(table.to_owned()).or_insert(hot.next_sequence);
            batches.insert((table, hot.generation, *sequence), value.as_slice()).map_err(failed)?;
            *sequence += 1;
        }
        Ok(next)
    }

    fn write_counter(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        transaction.open_table(layout::COUNTERS)?.insert(layout::SEQUENCE_KEY, self.sequence)?;
        Ok(())
    }
}

fn failed(source: impl Into<redb::Error>) -> StorageError {
    StorageError::redb("write", source)
}

fn write_small(transaction: &WriteTransaction, changes: &Changes) -> Result<(), StorageError> {
    for one in &changes.progress {
        let record = layout::encode(one)?;
        let mut table = transaction.open_table(layout::PROGRESS).map_err(failed)?;
        table.insert((one.feed.as_str(), one.stream.as_str()), record.as_slice()).map_err(failed)?;
    }
    for gap in &changes.gaps {
        let record = layout::encode(gap)?;
        let key = (gap.from_us, gap.feed.as_str(), gap.stream.as_str(), gap.reason.as_str());
        let mut table = transaction.open_table(layout::GAPS).map_err(failed)?;
        table.insert(key, record.as_slice()).map_err(failed)?;
    }
    for (key, bytes) in &changes.documents {
        let mut table = transaction.open_table(layout::DOCUMENTS).map_err(failed)?;
        table.insert(key.as_str(), bytes.as_slice()).map_err(failed)?;
    }
    Ok(())
}

/// Enters the segment and removes exactly the batches that are in it.
fn write_sealed(transaction: &WriteTransaction, sealed: &Sealed, record: &[u8]) -> Result<(), redb::Error> {
    let table = sealed.table.as_str();
    write_segment(transaction, table, &sealed.segment.name, record)?;
    let batches = (table, 0, 0)..=(table, sealed.cut, u64::MAX);
    transaction.open_table(layout::BATCHES)?.retain_in(batches, |_, _| false)?;
    transaction.open_table(layout::GENERATIONS)?.retain_in((table, 0)..=(table, sealed.cut), |_, _| false)?;
    transaction.open_table(layout::SEALED_GENERATIONS)?.insert(table, sealed.cut)?;
    Ok(())
}

fn write_segment(transaction: &WriteTransaction, table: &str, name: &str, record: &[u8]) -> Result<(), redb::Error> {
    transaction.open_table(layout::SEGMENTS)?.insert((table, name), record)?;
    Ok(())
}
