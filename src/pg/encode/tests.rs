//! What PostgreSQL clients see of each type.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray,
    Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, LargeStringArray, ListArray, NullArray,
    RecordBatch, StringArray, StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::{Field, Int32Type, Int64Type, Schema};

use super::{Format, RowEncoder, row_description};
use crate::session::{DateOrder, DateStyle, FormatSettings, Zone};
use crate::types::SqlType;

/// The first value of a column of a type, as the wire has it; none for NULL.
fn encoded(kind: SqlType, array: ArrayRef, format: Format, settings: &FormatSettings) -> Option<Vec<u8>> {
    let metadata = [(crate::types::SQL_TYPE_KEY.to_owned(), kind.name().to_owned())];
    let field = Field::new("c", array.data_type().clone(), true).with_metadata(metadata.into());
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).expect("a batch");
    let encoder = RowEncoder::new(&schema, &[format], settings.clone());
    let mut out = BytesMut::new();
    encoder.batch(&batch).expect("fits").row(0, &mut out).expect("a row");
    assert_eq!(out[0], b'D');
    assert_eq!(i32::from_be_bytes(out[1..5].try_into().expect("four")), i32::try_from(out.len()).expect("short") - 1);
    let length = i32::from_be_bytes(out[7..11].try_into().expect("four"));
    usize::try_from(length).ok().map(|length| {
        assert_eq!(length, out.len() - 11);
        out[11..].to_vec()
    })
}

fn text(kind: SqlType, array: impl Array + 'static) -> String {
    text_in(kind, Arc::new(array), &FormatSettings::default())
}

fn text_in(kind: SqlType, array: ArrayRef, settings: &FormatSettings) -> String {
    String::from_utf8(encoded(kind, array, Format::Text, settings).expect("not null")).expect("text")
}

fn binary(kind: SqlType, array: impl Array + 'static) -> Vec<u8> {
    encoded(kind, Arc::new(array), Format::Binary, &FormatSettings::default()).expect("not null")
}

#[test]
fn plain_values_as_text() {
    assert_eq!(text(SqlType::Bool, BooleanArray::from(vec![true])), "t");
    assert_eq!(text(SqlType::Int2, Int16Array::from(vec![-7])), "-7");
    assert_eq!(text(SqlType::Int8, Int64Array::from(vec![i64::MIN])), "-9223372036854775808");
    assert_eq!(text(SqlType::Oid, Int32Array::from(vec![-1])), "4294967295");
    assert_eq!(text(SqlType::Float4, Float32Array::from(vec![0.1])), "0.1");
    assert_eq!(text(SqlType::Float8, Float64Array::from(vec![1e21])), "1e+21");
    assert_eq!(text(SqlType::Numeric, UInt64Array::from(vec![u64::MAX])), "18446744073709551615");
    let numeric = Decimal128Array::from(vec![1_500]).with_precision_and_scale(38, 3).expect("fits");
    assert_eq!(text(SqlType::Numeric, numeric), "1.500");
    assert_eq!(text(SqlType::Text, StringViewArray::from(vec!["zażółć"])), "zażółć");
    assert_eq!(text(SqlType::Varchar, LargeStringArray::from(vec!["x"])), "x");
    let dictionary: DictionaryArray<Int32Type> = vec!["pod-1"].into_iter().collect();
    assert_eq!(text(SqlType::Text, dictionary), "pod-1");
    assert_eq!(text(SqlType::Bytea, BinaryArray::from(vec![&b"\x00\xff"[..]])), "\\x00ff");
    let id = FixedSizeBinaryArray::try_from_iter([[0x11_u8; 16]].iter()).expect("a uuid");
    assert_eq!(text(SqlType::Uuid, id), "11111111-1111-1111-1111-111111111111");
    assert_eq!(text(SqlType::Jsonb, StringArray::from(vec!["{\"a\": 1}"])), "{\"a\": 1}");
    assert_eq!(text(SqlType::Inet, StringArray::from(vec!["10.0.0.0/8"])), "10.0.0.0/8");
}

#[test]
fn nulls_are_nulls_in_every_type() {
    let null = |kind, array: ArrayRef| encoded(kind, array, Format::Text, &FormatSettings::default());
    assert_eq!(null(SqlType::Int4, Arc::new(Int32Array::from(vec![None]))), None);
    assert_eq!(null(SqlType::Unknown, Arc::new(NullArray::new(1))), None);
    let dictionary: DictionaryArray<Int32Type> = vec![None::<&str>].into_iter().collect();
    assert_eq!(null(SqlType::Text, Arc::new(dictionary)), None);
}

#[test]
fn dates_and_times_follow_the_sessions_settings() {
    let instant = 1_700_000_000_250_000;
    assert_eq!(
        text(SqlType::Timestamptz, TimestampMicrosecondArray::from(vec![instant]).with_timezone("UTC")),
        "2023-11-14 22:13:20.25+00"
    );
    assert_eq!(text(SqlType::Timestamp, TimestampSecondArray::from(vec![0])), "1970-01-01 00:00:00");
    assert_eq!(text(SqlType::Timestamp, TimestampNanosecondArray::from(vec![1_500])), "1970-01-01 00:00:00.000001");
    assert_eq!(text(SqlType::Date, Date32Array::from(vec![-719_528])), "0001-01-01 BC");
    assert_eq!(text(SqlType::Time, Time64MicrosecondArray::from(vec![3_661_000_001])), "01:01:01.000001");
    let zoned = |zone: &str, date_style, date_order| FormatSettings {
        zone: Zone::parse(zone).expect("a zone"),
        date_style,
        date_order,
        ..FormatSettings::default()
    };
    let shown = |settings: &FormatSettings| {
        let array = TimestampMicrosecondArray::from(vec![instant]).with_timezone("+00:00");
        text_in(SqlType::Timestamptz, Arc::new(array), settings)
    };
    let month = DateOrder::MonthFirst;
    assert_eq!(shown(&zoned("Asia/Kolkata", DateStyle::Iso, month)), "2023-11-15 03:43:20.25+05:30");
    assert_eq!(shown(&zoned("America/New_York", DateStyle::Sql, month)), "11/14/2023 17:13:20.25 EST");
    assert_eq!(shown(&zoned("UTC", DateStyle::Sql, DateOrder::DayFirst)), "14/11/2023 22:13:20.25 UTC");
    assert_eq!(shown(&zoned("UTC", DateStyle::German, month)), "14.11.2023 22:13:20.25 UTC");
    assert_eq!(shown(&zoned("UTC", DateStyle::Postgres, month)), "Tue Nov 14 22:13:20.25 2023 UTC");
}

#[test]
fn lists_are_arrays() {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None, Some(3)])]);
    assert_eq!(text(SqlType::Int8Array, list.clone()), "{1,NULL,3}");
    let expected: &[u8] = b"\0\0\0\x01\0\0\0\x01\0\0\0\x14\0\0\0\x03\0\0\0\x01\
        \0\0\0\x08\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\0\0\0\x08\0\0\0\0\0\0\0\x03";
    assert_eq!(binary(SqlType::Int8Array, list), expected);
    let mut builder = datafusion::arrow::array::ListBuilder::new(datafusion::arrow::array::StringBuilder::new());
    builder.append_value([Some("a"), Some("b c"), Some(""), Some("nUll"), Some("q\"\\"), None]);
    assert_eq!(text(SqlType::TextArray, builder.finish()), r#"{a,"b c","","nUll","q\"\\",NULL}"#);
    let empty = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(Vec::<Option<i64>>::new())]);
    assert_eq!(text(SqlType::Int8Array, empty.clone()), "{}");
    assert_eq!(binary(SqlType::Int8Array, empty), b"\0\0\0\0\0\0\0\0\0\0\0\x14");
}

#[test]
fn binary_forms_are_postgresqls() {
    assert_eq!(binary(SqlType::Bool, BooleanArray::from(vec![true])), [1]);
    assert_eq!(binary(SqlType::Int4, Int32Array::from(vec![258])), [0, 0, 1, 2]);
    assert_eq!(binary(SqlType::Date, Date32Array::from(vec![10_958])), [0, 0, 0, 1]);
    let instant = TimestampMicrosecondArray::from(vec![946_684_800_000_001]).with_timezone("UTC");
    assert_eq!(binary(SqlType::Timestamptz, instant), [0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(binary(SqlType::Jsonb, StringArray::from(vec!["{}"])), b"\x01{}");
    assert_eq!(binary(SqlType::Inet, StringArray::from(vec!["10.1.2.3/8"])), [2, 8, 0, 4, 10, 1, 2, 3]);
    assert_eq!(binary(SqlType::Inet, StringArray::from(vec!["::1"]))[..4], [3, 128, 0, 16]);
}

#[test]
fn a_description_names_types_and_formats() {
    let schema = Schema::new(vec![SqlType::Int8.field("a", true), SqlType::Uuid.field("b\0", true)]);
    let description = row_description(&schema, &[Format::Text, Format::Binary]);
    let facts: Vec<(&str, u32, i16, i16)> = description
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.type_id, field.type_size, field.format_code))
        .collect();
    assert_eq!(facts, [("a", 20, 8, 0), ("b", 2950, 16, 1)]);
}
