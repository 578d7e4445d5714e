//! Arrow schemas and record batches <-> IPC messages.
//!
//! The schema travels once, in the header of a reply; batches travel without it, uncompressed, with
//! buffers aligned to 8 bytes. Views and dictionaries become plain arrays before they are sent: a
//! view would ship its whole data buffers, a dictionary would need messages of its own.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{Array, RecordBatch, RecordBatchOptions};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc;
use datafusion::arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};

use super::super::MeshError;
use super::bad;
use crate::proto::mesh as proto;
use crate::types::Code;
use crate::types::limits::{MESH_BATCH_BYTES_TARGET, MESH_MESSAGE_BYTES_MAX};

/// Largest schema message, in bytes.
const SCHEMA_BYTES_MAX: usize = 1024 * 1024;
/// Most fields of a schema, nested ones counted.
const FIELDS_MAX: usize = 4_096;
/// Most rows of one message; bounds batches whose columns take no bytes.
const ROWS_MAX: usize = 1 << 20;
/// Most values of one (nested) column of a message.
const VALUES_MAX: i64 = 1 << 28;
/// What a message needs besides the batch's body.
const ENVELOPE_BYTES: usize = 256 * 1024;

/// Turns the batches of one reply into messages.
#[derive(Debug)]
pub(in crate::mesh) struct BatchEncoder {
    schema: SchemaRef,
    options: IpcWriteOptions,
}

impl BatchEncoder {
    /// An encoder for batches of that schema.
    pub(in crate::mesh) fn new(schema: &Schema) -> Result<Self, MeshError> {
        let fields: Vec<FieldRef> = schema.fields().iter().map(plain_field).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        Ok(Self { schema, options: write_options()? })
    }

    /// The header message.
    pub(in crate::mesh) fn header(&self) -> proto::FragmentReply {
        let header = proto::Header { schema: schema_message(&self.schema, &self.options).into() };
        proto::FragmentReply { piece: Some(proto::fragment_reply::Piece::Header(header)) }
    }

    /// The batch with plain arrays only, as the header announced it.
    pub(in crate::mesh) fn plain(&self, batch: &RecordBatch) -> Result<RecordBatch, MeshError> {
        if batch.num_columns() != self.schema.fields().len() {
            return Err(failed("the batch has other columns than its header"));
        }
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else if plain_type(column.data_type()) == *field.data_type() {
                cast(column, field.data_type()).map_err(|error| failed(&error.to_string()))
            } else {
                Err(failed("a column has another type than in the header"))
            }
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| failed(&error.to_string()))
    }

    /// The message for a plain batch that [`slices`] has cut.
    pub(in crate::mesh) fn message(&self, batch: &RecordBatch) -> Result<proto::Batch, MeshError> {
        let mut tracker = DictionaryTracker::new(true);
        let (dictionaries, encoded) = IpcDataGenerator::default()
            .encode(batch, &mut tracker, &self.options, &mut IpcWriteContext::default())
            .map_err(|error| failed(&error.to_string()))?;
        if !dictionaries.is_empty() {
            return Err(failed("a dictionary was left in a batch"));
        }
        let bytes = encoded.ipc_message.len() + encoded.arrow_data.len();
        if bytes > MESH_MESSAGE_BYTES_MAX - ENVELOPE_BYTES {
            let message = format!("a row of {bytes} bytes is larger than a mesh message");
            return Err(MeshError::Refused { code: Code::StatementTooComplex, message });
        }
        Ok(proto::Batch { metadata: encoded.ipc_message.into(), body: encoded.arrow_data.into() })
    }
}

/// Cuts a plain batch into pieces near the target size, first rows first; copies nothing.
pub(in crate::mesh) fn slices(batch: &RecordBatch) -> Vec<RecordBatch> {
    let mut cut = Vec::new();
    let mut uncut = vec![batch.clone()];
    while let Some(piece) = uncut.pop() {
        let rows = piece.num_rows();
        if rows > 1 && (rows > ROWS_MAX || bytes_of(&piece) > MESH_BATCH_BYTES_TARGET) {
            uncut.push(piece.slice(rows / 2, rows - rows / 2));
            uncut.push(piece.slice(0, rows / 2));
        } else {
            cut.push(piece);
        }
    }
    cut
}

fn bytes_of(batch: &RecordBatch) -> usize {
    let column = |array: &Arc<dyn Array>| array.to_data().get_slice_memory_size().unwrap_or(usize::MAX);
    batch.columns().iter().map(column).fold(0, usize::saturating_add)
}

fn failed(what: &str) -> MeshError {
    MeshError::Refused { code: Code::Internal, message: format!("encode a batch: {what}") }
}

fn write_options() -> Result<IpcWriteOptions, MeshError> {
    IpcWriteOptions::try_new(8, false, ipc::MetadataVersion::V5).map_err(|error| failed(&error.to_string()))
}

/// The type without views and dictionaries, at any depth.
fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::RunEndEncoded(_, value) => plain_type(value.data_type()),
        DataType::List(item) | DataType::ListView(item) => DataType::List(plain_field(item)),
        DataType::LargeList(item) | DataType::LargeListView(item) => DataType::LargeList(plain_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(plain_field(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        other => other.clone(),
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    let plain = plain_type(field.data_type());
    if plain == *field.data_type() {
        Arc::clone(field)
    } else {
        Arc::new(Field::new(field.name(), plain, field.is_nullable()).with_metadata(field.metadata().clone()))
    }
}

fn schema_message(schema: &Schema, options: &IpcWriteOptions) -> Vec<u8> {
    let mut tracker = DictionaryTracker::new(true);
    IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, options).ipc_message
}

/// A schema of any types as a message.
pub(super) fn encode_schema(schema: &Schema) -> Result<Bytes, MeshError> {
    Ok(schema_message(schema, &write_options()?).into())
}

/// The schema in a message of a peer.
pub(super) fn decode_schema(bytes: &[u8]) -> Result<Schema, MeshError> {
    if bytes.len() > SCHEMA_BYTES_MAX {
        return Err(bad("the schema is too large"));
    }
    let decoded = caught(|| ipc::convert::try_schema_from_flatbuffer_bytes(bytes))?;
    let schema = decoded.map_err(|_| bad("the schema cannot be read"))?;
    if schema.flattened_fields().len() > FIELDS_MAX {
        return Err(bad("the schema has too many fields"));
    }
    Ok(schema)
}

/// Turns messages of one reply into batches.
#[derive(Debug)]
pub(super) struct BatchDecoder {
    schema: SchemaRef,
}

impl BatchDecoder {
    /// A decoder of a reply with that header.
    pub(super) fn new(header: &[u8]) -> Result<Self, MeshError> {
        let schema = decode_schema(header)?;
        let is_plain = |field: &FieldRef| plain_type(field.data_type()) == *field.data_type();
        let has_union = |field: &&Field| matches!(field.data_type(), DataType::Union(..));
        if !schema.fields().iter().all(is_plain) || schema.flattened_fields().iter().any(has_union) {
            return Err(bad("the schema has a type that does not travel"));
        }
        Ok(Self { schema: Arc::new(schema) })
    }

    /// The reply's schema.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batch in a message.
    pub(super) fn decode(&self, message: proto::Batch) -> Result<RecordBatch, MeshError> {
        let body_bytes = message.body.len();
        let body = Buffer::from(message.body);
        caught(|| {
            let metadata = ipc::root_as_message(&message.metadata).map_err(|_| bad("a batch cannot be read"))?;
            let batch = metadata.header_as_record_batch().ok_or_else(|| bad("a message is no batch"))?;
            check(&batch, body_bytes)?;
            let schema = Arc::clone(&self.schema);
            let read = ipc::reader::read_record_batch(&body, batch, schema, &HashMap::new(), None, &metadata.version());
            read.map_err(|_: ArrowError| bad("a batch does not fit its schema"))
        })?
    }
}

/// Refuses what the library would follow blindly: lengths, counts and offsets outside the message.
fn check(batch: &ipc::RecordBatch<'_>, body_bytes: usize) -> Result<(), MeshError> {
    let rows_fit = usize::try_from(batch.length()).is_ok_and(|rows| rows <= ROWS_MAX);
    if !rows_fit
        || batch.compression().is_some()
        || batch.variadicBufferCounts().is_some_and(|counts| !counts.is_empty())
    {
        return Err(bad("a batch breaks the contract"));
    }
    let inside = |buffer: &ipc::Buffer| {
        let (offset, length) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
        match (offset, length) {
            (Ok(offset), Ok(length)) => offset.checked_add(length).is_some_and(|end| end <= body_bytes),
            _ => false,
        }
    };
    if !batch.buffers().is_none_or(|buffers| buffers.iter().all(inside)) {
        return Err(bad("a buffer lies outside its batch"));
    }
    let counts_fit = |node: &ipc::FieldNode| {
        (0..=VALUES_MAX).contains(&node.length()) && (0..=node.length()).contains(&node.null_count())
    };
    if !batch.nodes().is_none_or(|nodes| nodes.iter().all(counts_fit)) {
        return Err(bad("a column has an impossible length"));
    }
    Ok(())
}

/// The last net under a library that asserts on some malformed input.
fn caught<T>(read: impl FnOnce() -> T) -> Result<T, MeshError> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| bad("malformed Arrow data"))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{
        ArrayRef, BinaryViewArray, BooleanArray, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float64Array,
        Int32Array, Int64Array, ListArray, NullArray, StringArray, StringViewArray, StructArray,
        TimestampMicrosecondArray,
    };
    use datafusion::arrow::datatypes::{Int32Type, Int64Type};
    use proptest::prelude::*;

    use super::*;

    fn many_types() -> RecordBatch {
        let texts = StringViewArray::from(vec![Some("short"), None, Some("longer than twelve bytes, so not inline")]);
        let words: DictionaryArray<Int32Type> = vec![Some("a"), Some("b"), None].into_iter().collect();
        let lists =
            ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![])]);
        let inner: ArrayRef = Arc::new(StringViewArray::from(vec!["x", "y", "z"]));
        let nested = StructArray::from(vec![(Arc::new(Field::new("v", DataType::Utf8View, true)), inner)]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            ("int4", Arc::new(Int32Array::from(vec![Some(1), None, Some(i32::MIN)]))),
            ("int8", Arc::new(Int64Array::from(vec![i64::MAX, 0, -1]))),
            ("float8", Arc::new(Float64Array::from(vec![1.5, f64::NAN, -0.0]))),
            ("text", Arc::new(StringArray::from(vec![Some(""), None, Some("ä")]))),
            ("view", Arc::new(texts)),
            ("bytes", Arc::new(BinaryViewArray::from(vec![Some(b"\x00".as_ref()), None, Some(b"b".as_ref())]))),
            ("word", Arc::new(words)),
            ("list", Arc::new(lists)),
            ("nested", Arc::new(nested)),
            ("none", Arc::new(NullArray::new(3))),
            ("time", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("UTC"))),
            (
                "numeric",
                Arc::new(
                    Decimal128Array::from(vec![Some(1), None, Some(-5)]).with_data_type(DataType::Decimal128(38, 10)),
                ),
            ),
            ("uuid", Arc::new(FixedSizeBinaryArray::try_from_iter((0..3u8).map(|at| [at; 16])).expect("uuid"))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .expect("batch")
    }

    fn decoder_of(encoder: &BatchEncoder) -> BatchDecoder {
        match encoder.header().piece {
            Some(proto::fragment_reply::Piece::Header(header)) => BatchDecoder::new(&header.schema).expect("decoder"),
            other => panic!("no header: {other:?}"),
        }
    }

    fn round_trip(batch: &RecordBatch) -> (RecordBatch, RecordBatch) {
        let encoder = BatchEncoder::new(&batch.schema()).expect("encoder");
        let plain = encoder.plain(batch).expect("plain");
        let decoded = decoder_of(&encoder).decode(encoder.message(&plain).expect("message")).expect("decoded");
        (plain, decoded)
    }

    #[test]
    fn a_batch_of_many_types_survives_and_loses_its_views() {
        let batch = many_types();
        for piece in [batch.clone(), batch.slice(1, 2), batch.slice(2, 1), batch.slice(0, 0)] {
            let (plain, decoded) = round_trip(&piece);
            assert_eq!(decoded, plain);
        }
        let (plain, _) = round_trip(&batch);
        assert_eq!(plain.schema().field_with_name("view").expect("field").data_type(), &DataType::Utf8);
        assert_eq!(plain.schema().field_with_name("word").expect("field").data_type(), &DataType::Utf8);
    }

    #[test]
    fn a_batch_without_columns_keeps_its_rows() {
        let options = RecordBatchOptions::new().with_row_count(Some(7));
        let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).expect("batch");
        assert_eq!(round_trip(&empty).1.num_rows(), 7);
    }

    #[test]
    fn large_batches_are_cut_in_order() {
        let numbers = Int64Array::from_iter_values(0..1_000_000);
        let batch = RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef)]).expect("batch");
        let cut = slices(&batch);
        assert!(cut.len() >= 4);
        assert!(cut.iter().all(|piece| bytes_of(piece) <= MESH_BATCH_BYTES_TARGET));
        let joined = datafusion::arrow::compute::concat_batches(&batch.schema(), &cut).expect("joined");
        assert_eq!(joined, batch);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(schema in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = BatchDecoder::new(&schema);
        }

        #[test]
        fn damaged_messages_never_panic(at in any::<usize>(), value in any::<u8>(), cut in any::<usize>(), in_body in any::<bool>()) {
            let batch = many_types();
            let encoder = BatchEncoder::new(&batch.schema()).expect("encoder");
            let message = encoder.message(&encoder.plain(&batch).expect("plain")).expect("message");
            let (mut metadata, mut body) = (message.metadata.to_vec(), message.body.to_vec());
            let damaged = if in_body { &mut body } else { &mut metadata };
            let at = at % damaged.len();
            damaged[at] = value;
            if cut % 4 == 0 {
                damaged.truncate(cut % (damaged.len() + 1));
            }
            let _ = decoder_of(&encoder).decode(proto::Batch { metadata: metadata.into(), body: body.into() });
        }

        #[test]
        fn damaged_schemas_never_panic(at in any::<usize>(), value in any::<u8>()) {
            let mut bytes = encode_schema(&many_types().schema()).expect("schema").to_vec();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = BatchDecoder::new(&bytes);
        }
    }
}
