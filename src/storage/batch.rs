//! A batch of events as one value of the store: a frame around Arrow IPC record-batch messages.
//!
//! The schema is not repeated: it is kept once per generation. The frame's checksum is looked at
//! before Arrow sees a byte, so damage on disk is found and never guessed around. Everything is
//! aligned to 8 bytes, and a value is copied once into aligned memory when it is read.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch, new_null_array};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use datafusion::arrow::ipc::{CompressionType, MetadataVersion, convert, reader, root_as_message};

use super::StorageError;

/// The frame: format, 3 bytes of zero, length of the message (u32), 8 bytes of zero, checksum.
const FRAME_BYTES: usize = 32;
const FRAME_FORMAT: u8 = 1;
const ALIGNMENT: usize = 8;

/// Turns batches into values; keep it for a run of batches, it reuses its buffers.
pub(super) struct BatchEncoder {
    generator: IpcDataGenerator,
    options: IpcWriteOptions,
    context: IpcWriteContext,
}

impl BatchEncoder {
    pub(super) fn new() -> Result<Self, StorageError> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)
            .and_then(|options| options.try_with_compression(Some(CompressionType::LZ4_FRAME)))
            .map_err(|source| StorageError::conversion("set up batch encoding", source))?;
        Ok(Self { generator: IpcDataGenerator::default(), options, context: IpcWriteContext::default() })
    }

    /// The value of a batch.
    pub(super) fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, StorageError> {
        let mut tracker = DictionaryTracker::new(true);
        let (dictionaries, encoded) = self
            .generator
            .encode(batch, &mut tracker, &self.options, &mut self.context)
            .map_err(|source| StorageError::conversion("encode a batch", source))?;
        if !dictionaries.is_empty() {
            let source = ArrowError::NotYetImplemented("dictionary columns in event tables".to_owned());
            return Err(StorageError::conversion("encode a batch", source));
        }
        Ok(frame(&encoded.ipc_message, &encoded.arrow_data))
    }

    /// The value of a schema.
    pub(super) fn encode_schema(&self, schema: &Schema) -> Vec<u8> {
        let mut tracker = DictionaryTracker::new(true);
        let encoded = self.generator.schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &self.options);
        frame(&encoded.ipc_message, &[])
    }
}

fn frame(message: &[u8], body: &[u8]) -> Vec<u8> {
    let padded = message.len().next_multiple_of(ALIGNMENT);
    let mut value = vec![0; FRAME_BYTES];
    value.reserve_exact(padded + body.len());
    value.extend_from_slice(message);
    value.resize(FRAME_BYTES + padded, 0);
    value.extend_from_slice(body);
    value[0] = FRAME_FORMAT;
    let message_bytes = u32::try_from(message.len()).unwrap_or(u32::MAX);
    value[4..8].copy_from_slice(&message_bytes.to_le_bytes());
    let checksum = checksum(&value);
    value[16..FRAME_BYTES].copy_from_slice(&checksum);
    value
}

/// Covers the head of the frame too, except the checksum itself.
fn checksum(value: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&value[..16]).update(&value[FRAME_BYTES..]);
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    short
}

/// The message and where the body starts, once the frame has been found whole.
fn unframe(value: &[u8]) -> Result<(&[u8], usize), String> {
    if value.len() < FRAME_BYTES {
        return Err(format!("only {} bytes long", value.len()));
    }
    if value[0] != FRAME_FORMAT {
        return Err(format!("unknown frame format {}", value[0]));
    }
    if value[16..FRAME_BYTES] != checksum(value) {
        return Err("checksum does not match".to_owned());
    }
    let message_bytes = u32::from_le_bytes([value[4], value[5], value[6], value[7]]) as usize;
    let body = FRAME_BYTES + message_bytes.next_multiple_of(ALIGNMENT);
    let message = value.get(FRAME_BYTES..FRAME_BYTES + message_bytes).ok_or("cut short")?;
    if body > value.len() {
        return Err("cut short".to_owned());
    }
    Ok((message, body))
}

/// The batch of a value; an error says what is wrong with the bytes.
pub(super) fn decode_batch(value: &[u8], schema: &SchemaRef) -> Result<RecordBatch, String> {
    let (message, body) = unframe(value)?;
    let message = root_as_message(message).map_err(|error| error.to_string())?;
    let header = message.header_as_record_batch().ok_or("no record batch in it")?;
    let body = Buffer::from(&value[body..]);
    reader::read_record_batch(&body, header, Arc::clone(schema), &HashMap::new(), None, &message.version())
        .map_err(|error| error.to_string())
}

/// The schema of a value; an error says what is wrong with the bytes.
pub(super) fn decode_schema(value: &[u8]) -> Result<Schema, String> {
    let (message, _) = unframe(value)?;
    convert::try_schema_from_flatbuffer_bytes(message).map_err(|error| error.to_string())
}

/// Rows that an older catalog wrote, in today's columns: new ones are NULL, gone ones are left out.
pub(super) fn adapt(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref().fields() == schema.fields() {
        return RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => cast(column, field.data_type()),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<Vec<_>, _>>()?)
}

/// Bytes that the rows take in memory, whatever larger buffers they may be a part of.
pub(super) fn bytes_of(batch: &RecordBatch) -> u64 {
    let bytes = |column: &Arc<dyn Array>| column.to_data().get_slice_memory_size().unwrap_or(0) as u64;
    batch.columns().iter().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Array, Int32Array, RecordBatch, StringArray};
    use datafusion::arrow::datatypes::{DataType, Field, Schema};

    use super::{BatchEncoder, adapt, decode_batch, decode_schema};

    fn batch() -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("number", DataType::Int32, false),
            Field::new("text", DataType::Utf8, true)
                .with_metadata([("armorlake.sql_type".to_owned(), "jsonb".to_owned())].into()),
        ]);
        let text = StringArray::from(vec![Some("a"), None, Some("ccc")]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int32Array::from(vec![1, 2, 3])), Arc::new(text)])
            .expect("batch")
    }

    /// Rows and field metadata come back as they went in.
    #[test]
    fn a_batch_and_its_schema_survive_their_bytes() {
        let mut encoder = BatchEncoder::new().expect("encoder");
        let batch = batch();
        let schema = Arc::new(decode_schema(&encoder.encode_schema(&batch.schema())).expect("schema"));
        assert_eq!(schema, batch.schema());
        let value = encoder.encode(&batch).expect("encode");
        assert_eq!(decode_batch(&value, &schema).expect("decode"), batch);
    }

    /// Any flipped bit and any cut is found.
    #[test]
    fn damage_is_found() {
        let value = BatchEncoder::new().expect("encoder").encode(&batch()).expect("encode");
        let schema = batch().schema();
        for position in 0..value.len() {
            let mut damaged = value.clone();
            damaged[position] ^= 4;
            assert!(decode_batch(&damaged, &schema).is_err(), "byte {position}");
            assert!(decode_batch(&value[..position], &schema).is_err(), "cut at {position}");
        }
    }

    /// A column that the catalog gained is NULL in old rows; one that it lost is gone.
    #[test]
    fn old_rows_fit_a_new_catalog() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("text", DataType::Utf8, true),
            Field::new("new", DataType::Int64, true),
        ]));
        let adapted = adapt(&batch(), &schema).expect("adapt");
        assert_eq!(adapted.column(1).null_count(), 3);
        assert_eq!(adapted.column(0), batch().column(1));
    }
}
