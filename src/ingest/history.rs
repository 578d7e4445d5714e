//! Rows of event tables that come from elsewhere than a feed: what a row must have and nobody sent.
//!
//! A row that was exported from a node keeps what it was given. One that knows nothing of Armorlake gets this node's
//! name, a feed, the moment, a hash of its content like that of an event that comes in, and an identity.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, Int32Array, RecordBatch, StringBuilder, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;

use super::decode::{first_half, is_content, push_canonical, push_text_item};
use crate::catalog::Table;
use crate::types::{Field, NodeName, Value};

/// The feed of rows that name none.
const HISTORY_FEED: &str = "copy";

/// Why a row cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It has no time.
    #[error("a row without a time")]
    NoTime {
        /// Its place.
        row: usize,
    },
    /// It says that it is another node's.
    #[error("a row of node \"{node}\"")]
    OtherNode {
        /// Its place.
        row: usize,
        /// Whose it is.
        node: String,
    },
    /// The columns do not make rows of the table.
    #[error("rows of an event table")]
    Rows(#[from] ArrowError),
}

/// Completes the rows of one load.
#[derive(Debug)]
pub struct History {
    table: Arc<Table>,
    node: NodeName,
    now_us: i64,
    /// Makes identities of this load differ from those of others.
    epoch: u64,
    /// Rows so far.
    rows: u64,
    canonical: Vec<u8>,
}

impl History {
    /// For rows of an event table that are loaded into a node now.
    pub fn new(table: &Arc<Table>, node: &NodeName, now_us: i64, epoch: u64) -> Self {
        Self { table: Arc::clone(table), node: node.clone(), now_us, epoch, rows: 0, canonical: Vec::new() }
    }

    /// The rows as the table has them; `sent` has all of its columns.
    pub fn complete(&mut self, sent: &RecordBatch) -> Result<RecordBatch, HistoryError> {
        let count = sent.num_rows();
        let mut columns = sent.columns().to_vec();
        let place = |field: Field| {
            self.table.columns.iter().position(|column| column.source.as_deref() == Some(field.source()))
        };
        if let Some(time) = place(Field::UpdatedTime).and_then(|place| columns.get(place))
            && let Some(row) = (0..count).find(|row| time.is_null(*row))
        {
            return Err(HistoryError::NoTime { row });
        }
        if let Some(slot) = place(Field::Node).and_then(|place| columns.get_mut(place)) {
            let known = slot.as_string_opt::<i32>();
            let other = known.and_then(|nodes| {
                let is_other = |node: Option<&str>| node.is_some_and(|node| node != self.node.as_str());
                nodes.iter().enumerate().find(|(_, node)| is_other(*node))
            });
            if let Some((row, node)) = other {
                return Err(HistoryError::OtherNode { row, node: node.unwrap_or_default().to_owned() });
            }
            *slot = texts_or(slot, self.node.as_str());
        }
        if let Some(slot) = place(Field::Feed).and_then(|place| columns.get_mut(place)) {
            *slot = texts_or(slot, HISTORY_FEED);
        }
        if let Some(slot) = place(Field::ReceivedAt).and_then(|place| columns.get_mut(place)) {
            let known = slot.as_primitive_opt::<TimestampMicrosecondType>();
            let filled = (0..count).map(|row| match known {
                Some(known) if known.is_valid(row) => known.value(row),
                _ => self.now_us,
            });
            *slot = Arc::new(TimestampMicrosecondArray::from_iter_values(filled).with_timezone("UTC"));
        }
        if let Some(slot) = place(Field::TimeSource).and_then(|place| columns.get_mut(place)) {
            let known = slot.as_primitive_opt::<Int32Type>();
            let filled =
                (0..count).map(|row| known.filter(|known| known.is_valid(row)).map_or(0, |known| known.value(row)));
            *slot = Arc::new(Int32Array::from_iter_values(filled));
        }
        let (content, event) = (place(Field::ContentHash), place(Field::EventId));
        if let Some((content, event)) = content.zip(event) {
            self.identify(&mut columns, content, event, count)?;
        }
        self.rows += count as u64;
        Ok(RecordBatch::try_new(Arc::clone(&self.table.arrow), columns)?)
    }

    /// Fills the hash and the identity of rows that have none.
    fn identify(
        &mut self,
        columns: &mut [ArrayRef],
        content: usize,
        event: usize,
        rows: usize,
    ) -> Result<(), ArrowError> {
        let known = |place: usize| columns.get(place).map(Arc::clone);
        let (Some(hashes), Some(ids)) = (known(content), known(event)) else { return Ok(()) };
        if hashes.null_count() == 0 && ids.null_count() == 0 {
            return Ok(());
        }
        let fields = self.content_columns(columns);
        let (mut new_hashes, mut new_ids) =
            (FixedSizeBinaryBuilder::with_capacity(rows, 16), FixedSizeBinaryBuilder::with_capacity(rows, 16));
        for row in 0..rows {
            self.canonical.clear();
            self.canonical.extend_from_slice(self.table.name.as_bytes());
            for (field, values) in &fields {
                push_cell(&mut self.canonical, *field, values, row);
            }
            let hash = blake3::hash(&self.canonical);
            new_hashes.append_value(given(&hashes, row).unwrap_or_else(|| first_half(&hash)))?;
            let mut identity = blake3::Hasher::new();
            identity.update(hash.as_bytes());
            for name in [self.node.as_str(), HISTORY_FEED] {
                identity.update(&[u8::try_from(name.len()).unwrap_or(u8::MAX)]).update(name.as_bytes());
            }
            identity.update(&self.epoch.to_le_bytes()).update(&(self.rows + row as u64).to_le_bytes());
            new_ids.append_value(given(&ids, row).unwrap_or_else(|| first_half(&identity.finalize())))?;
        }
        for (place, mut filled) in [(content, new_hashes), (event, new_ids)] {
            if let Some(slot) = columns.get_mut(place) {
                *slot = Arc::new(filled.finish());
            }
        }
        Ok(())
    }

    /// The columns that say something of the content, in the order in which events hash them.
    fn content_columns(&self, columns: &[ArrayRef]) -> Vec<(Field, ArrayRef)> {
        let hashed = Field::ALL.iter().filter(|field| is_content(**field) || **field == Field::UpdatedTime);
        let column = |field: &Field| {
            let place =
                self.table.columns.iter().position(|column| column.source.as_deref() == Some(field.source()))?;
            columns.get(place).map(|values| (*field, Arc::clone(values)))
        };
        hashed.filter_map(column).collect()
    }
}

fn given(ids: &ArrayRef, row: usize) -> Option<[u8; 16]> {
    let ids = ids.as_fixed_size_binary_opt().filter(|ids| ids.is_valid(row))?;
    ids.value(row).try_into().ok()
}

fn texts_or(values: &ArrayRef, otherwise: &str) -> ArrayRef {
    let mut filled = StringBuilder::new();
    match values.as_string_opt::<i32>() {
        Some(texts) => texts.iter().for_each(|text| filled.append_value(text.unwrap_or(otherwise))),
        None => (0..values.len()).for_each(|_| filled.append_value(otherwise)),
    }
    Arc::new(filled.finish())
}

fn push_cell(canonical: &mut Vec<u8>, field: Field, values: &ArrayRef, row: usize) {
    if values.is_null(row) {
        return;
    }
    let name = field.source();
    if let Some(texts) = values.as_string_opt::<i32>() {
        push_canonical(canonical, name, Value::Text(texts.value(row)));
    } else if let Some(numbers) = values.as_primitive_opt::<Int32Type>() {
        push_canonical(canonical, name, Value::Int(numbers.value(row).into()));
    } else if let Some(numbers) = values.as_primitive_opt::<Int64Type>() {
        push_canonical(canonical, name, Value::Int(numbers.value(row)));
    } else if let Some(instants) = values.as_primitive_opt::<TimestampMicrosecondType>() {
        push_canonical(canonical, name, Value::Int(instants.value(row)));
    } else if let Some(lists) = values.as_list_opt::<i32>() {
        let items = lists.value(row);
        let texts = items.as_string_opt::<i32>().into_iter().flat_map(|texts| texts.iter().flatten());
        texts.for_each(|text| push_text_item(canonical, name, text));
    }
}
