//! Events as columns: one record batch in the Arrow schema of an event table.
//!
//! Which field fills a column, and as which type, is the catalog's word. Used by `ingest::feed`, by
//! importers, benches and tests.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, Int32Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::error::ArrowError;

use crate::catalog::Table;
use crate::types::limits::COMMIT_ROWS_MAX;
use crate::types::{Code, Event, Field, NodeName, SqlType, Value};

/// Most bytes of text that a batch takes in before it counts as full.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why events cannot become the rows of a table.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The catalog wants a field that no event has.
    #[error("column \"{column}\" wants field \"{source_name}\", which no event has")]
    UnknownField {
        /// The column.
        column: String,
        /// The field.
        source_name: String,
    },
    /// The catalog wants a type that no field can be turned into.
    #[error("column \"{column}\" has type {sql_type}, which no field of an event can fill")]
    UnfitType {
        /// The column.
        column: String,
        /// Its type.
        sql_type: &'static str,
    },
    /// The columns do not make a batch of the table.
    #[error("rows of table \"{table}\"")]
    Rows {
        /// The table.
        table: String,
        /// What Arrow says.
        #[source]
        source: ArrowError,
    },
}

impl BatchError {
    /// The kind of the error.
    pub fn code(&self) -> Code {
        Code::Internal
    }
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Instant(TimestampMicrosecondBuilder),
    Id(FixedSizeBinaryBuilder),
    Texts(ListBuilder<StringBuilder>),
}

#[derive(Debug)]
struct Column {
    field: Field,
    builder: Builder,
}

/// Collects the events of one table.
#[derive(Debug)]
pub struct EventBatcher {
    table: Arc<Table>,
    node: NodeName,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl EventBatcher {
    /// A batcher without rows for an event table; `node` fills the node of events that have none.
    pub fn new(table: &Arc<Table>, node: &NodeName) -> Result<Self, BatchError> {
        let columns = table.columns.iter().map(|column| {
            let source = column.source.as_deref().unwrap_or_default();
            let field = Field::from_source(source).ok_or_else(|| BatchError::UnknownField {
                column: column.name.clone(),
                source_name: source.to_owned(),
            })?;
            let builder = builder(column.sql_type).ok_or_else(|| BatchError::UnfitType {
                column: column.name.clone(),
                sql_type: column.sql_type.name(),
            })?;
            Ok(Column { field, builder })
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Self { table: Arc::clone(table), node: node.clone(), columns, rows: 0, bytes: 0 })
    }

    /// Adds an event as a row.
    pub fn push(&mut self, event: &Event) {
        for Column { field, builder } in &mut self.columns {
            match event.value(*field) {
                Value::Null if *field == Field::Node => push(builder, Value::Text(self.node.as_str())),
                value => push(builder, value),
            }
        }
        self.rows += 1;
        self.bytes += event.bytes();
    }

    /// Rows collected so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The batch should be finished before more is pushed.
    pub fn is_full(&self) -> bool {
        self.rows >= COMMIT_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    /// The rows as a batch; the batcher starts anew.
    pub fn finish(&mut self) -> Result<RecordBatch, BatchError> {
        let (rows, columns) = (self.rows, self.columns.iter_mut().map(|column| finish(&mut column.builder)).collect());
        (self.rows, self.bytes) = (0, 0);
        debug_assert!(rows <= i32::MAX as usize);
        RecordBatch::try_new(Arc::clone(&self.table.arrow), columns)
            .map_err(|source| BatchError::Rows { table: self.table.name.clone(), source })
    }
}

fn builder(sql_type: SqlType) -> Option<Builder> {
    Some(match sql_type {
        SqlType::Text | SqlType::Varchar | SqlType::Json | SqlType::Jsonb | SqlType::Inet => {
            Builder::Text(StringBuilder::new())
        }
        SqlType::Int4 => Builder::Int4(Int32Builder::new()),
        SqlType::Int8 => Builder::Int8(Int64Builder::new()),
        SqlType::Timestamptz => Builder::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        SqlType::Uuid => Builder::Id(FixedSizeBinaryBuilder::new(16)),
        SqlType::TextArray => Builder::Texts(ListBuilder::new(StringBuilder::new())),
        _ => return None,
    })
}

/// Appends a value; one that does not fit the column's type is NULL.
fn push(builder: &mut Builder, value: Value<'_>) {
    match (builder, value) {
        (Builder::Text(builder), Value::Text(text)) => builder.append_value(text),
        (Builder::Text(builder), Value::Int(number)) => builder.append_value(number.to_string()),
        (Builder::Text(builder), Value::Id(id)) => builder.append_value(uuid::Uuid::from_bytes(id).to_string()),
        (Builder::Text(builder), Value::List(texts)) => {
            builder.append_value(texts.iter().collect::<Vec<_>>().join(","));
        }
        (Builder::Text(builder), Value::Null) => builder.append_null(),
        (Builder::Int4(builder), Value::Int(number)) => builder.append_option(i32::try_from(number).ok()),
        (Builder::Int4(builder), Value::Text(text)) => builder.append_option(text.parse().ok()),
        (Builder::Int4(builder), _) => builder.append_null(),
        (Builder::Int8(builder), Value::Int(number)) => builder.append_value(number),
        (Builder::Int8(builder), Value::Text(text)) => builder.append_option(text.parse().ok()),
        (Builder::Int8(builder), _) => builder.append_null(),
        (Builder::Instant(builder), Value::Int(micros)) => builder.append_value(micros),
        (Builder::Instant(builder), _) => builder.append_null(),
        (Builder::Id(builder), Value::Id(id)) => {
            // The length is that of the builder, so this does not fail.
            if builder.append_value(id).is_err() {
                builder.append_null();
            }
        }
        (Builder::Id(builder), _) => builder.append_null(),
        (Builder::Texts(builder), Value::List(texts)) => {
            texts.iter().for_each(|text| builder.values().append_value(text));
            builder.append(true);
        }
        (Builder::Texts(builder), Value::Text(text)) => {
            builder.values().append_value(text);
            builder.append(true);
        }
        (Builder::Texts(builder), _) => builder.append_null(),
    }
}

fn finish(builder: &mut Builder) -> ArrayRef {
    match builder {
        Builder::Text(builder) => Arc::new(builder.finish()),
        Builder::Int4(builder) => Arc::new(builder.finish()),
        Builder::Int8(builder) => Arc::new(builder.finish()),
        Builder::Instant(builder) => Arc::new(builder.finish()),
        Builder::Id(builder) => Arc::new(builder.finish()),
        Builder::Texts(builder) => Arc::new(builder.finish()),
    }
}
