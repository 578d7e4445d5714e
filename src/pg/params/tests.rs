//! Values go out and come back; bytes of ill will are refused.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, IntervalMonthDayNano, Schema};
use datafusion::common::ScalarValue;
use proptest::prelude::*;

use super::read;
use crate::pg::encode::{Format, RowEncoder};
use crate::session::{FormatSettings, Zone};
use crate::types::{Code, SqlType};

fn encoded(kind: SqlType, value: &ScalarValue, format: Format, settings: &FormatSettings) -> Vec<u8> {
    let array = value.to_array().expect("an array");
    let metadata = [(crate::types::SQL_TYPE_KEY.to_owned(), kind.name().to_owned())];
    let field = Field::new("c", array.data_type().clone(), true).with_metadata(metadata.into());
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).expect("a batch");
    let mut out = BytesMut::new();
    RowEncoder::new(&schema, &[format], settings.clone()).batch(&batch).expect("fits").row(0, &mut out).expect("a row");
    out[11..].to_vec()
}

/// Values of all types that survive the way out and back in.
fn values() -> impl Strategy<Value = (SqlType, ScalarValue)> {
    let day_us = 86_400_000_000_i64;
    let instants = -60_000_000_000_000_000..250_000_000_000_000_000_i64;
    prop_oneof![
        any::<bool>().prop_map(|value| (SqlType::Bool, ScalarValue::Boolean(Some(value)))),
        any::<i16>().prop_map(|value| (SqlType::Int2, ScalarValue::Int16(Some(value)))),
        any::<i32>().prop_map(|value| (SqlType::Int4, ScalarValue::Int32(Some(value)))),
        any::<i32>().prop_map(|value| (SqlType::Oid, ScalarValue::Int32(Some(value)))),
        any::<i64>().prop_map(|value| (SqlType::Int8, ScalarValue::Int64(Some(value)))),
        any::<f32>().prop_map(|value| (SqlType::Float4, ScalarValue::Float32(Some(value)))),
        any::<f64>().prop_map(|value| (SqlType::Float8, ScalarValue::Float64(Some(value)))),
        any::<i64>().prop_map(|value| (SqlType::Numeric, ScalarValue::Decimal128(Some(value.into()), 38, 0))),
        "[^\0]{0,12}".prop_map(|value| (SqlType::Text, ScalarValue::Utf8(Some(value)))),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|value| (SqlType::Bytea, ScalarValue::Binary(Some(value)))),
        any::<[u8; 16]>().prop_map(|id| (SqlType::Uuid, ScalarValue::FixedSizeBinary(16, Some(id.to_vec())))),
        (-700_000..2_000_000).prop_map(|days| (SqlType::Date, ScalarValue::Date32(Some(days)))),
        (0..day_us).prop_map(|time| (SqlType::Time, ScalarValue::Time64Microsecond(Some(time)))),
        instants.clone().prop_map(|at| (SqlType::Timestamp, ScalarValue::TimestampMicrosecond(Some(at), None))),
        instants
            .prop_map(|at| { (SqlType::Timestamptz, ScalarValue::TimestampMicrosecond(Some(at), Some("UTC".into()))) }),
        (0..1_000_i32, 0..1_000_i32, 0..day_us).prop_map(|(months, days, time)| {
            let value = IntervalMonthDayNano::new(months, days, time * 1_000);
            (SqlType::Interval, ScalarValue::IntervalMonthDayNano(Some(value)))
        }),
        any::<[u8; 4]>().prop_map(|address| {
            (SqlType::Inet, ScalarValue::Utf8(Some(std::net::Ipv4Addr::from(address).to_string())))
        }),
        prop::collection::vec(prop::option::of("[^\0]{0,8}"), 0..5).prop_map(|items| {
            let items: Vec<ScalarValue> = items.into_iter().map(ScalarValue::Utf8).collect();
            let list = ScalarValue::new_list_nullable(&items, &SqlType::Text.arrow());
            (SqlType::TextArray, ScalarValue::List(list))
        }),
        prop::collection::vec(prop::option::of(any::<i64>()), 0..5).prop_map(|items| {
            let items: Vec<ScalarValue> = items.into_iter().map(ScalarValue::Int64).collect();
            let list = ScalarValue::new_list_nullable(&items, &SqlType::Int8.arrow());
            (SqlType::Int8Array, ScalarValue::List(list))
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back((kind, value) in values(), escape in any::<bool>()) {
        let settings = FormatSettings {
            zone: Zone::parse("+03:30").expect("a zone"),
            bytea_escape: escape,
            ..FormatSettings::default()
        };
        for format in [Format::Text, Format::Binary] {
            let bytes = encoded(kind, &value, format, &settings);
            let back = read(Some(&bytes), kind, format, &settings);
            prop_assert_eq!(back.as_ref(), Ok(&value), "{:?} {:?} {:?}", kind, format, String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), text in ".{0,30}") {
        let settings = FormatSettings::default();
        for kind in SqlType::ALL {
            let _ = read(Some(&bytes), *kind, Format::Binary, &settings);
            let _ = read(Some(&bytes), *kind, Format::Text, &settings);
            let _ = read(Some(text.as_bytes()), *kind, Format::Text, &settings);
        }
    }
}

#[test]
fn what_cannot_be_read_has_its_sqlstate() {
    let settings = FormatSettings::default();
    for (kind, format, bytes, code) in [
        (SqlType::Int4, Format::Text, &b"abc"[..], Code::InvalidTextRepresentation),
        (SqlType::Int4, Format::Text, b"9999999999", Code::NumericValueOutOfRange),
        (SqlType::Int4, Format::Binary, b"\0\0", Code::ProtocolViolation),
        (SqlType::Int4, Format::Binary, b"\0\0\0\0\0", Code::InvalidBinaryRepresentation),
        (SqlType::Text, Format::Text, b"\xff", Code::CharacterNotInRepertoire),
        (SqlType::Text, Format::Text, b"a\0b", Code::CharacterNotInRepertoire),
        (SqlType::Timestamptz, Format::Text, b"2024-13-01", Code::InvalidTextRepresentation),
        (SqlType::Numeric, Format::Text, b"1e99", Code::NumericValueOutOfRange),
        (SqlType::Numeric, Format::Binary, b"\0\x01\0\0\xc0\0\0\0\0\0", Code::FeatureNotSupported),
        (SqlType::Int8Array, Format::Text, b"{1,}", Code::InvalidTextRepresentation),
        (
            SqlType::Int8Array,
            Format::Binary,
            b"\0\0\0\x01\0\0\0\0\0\0\0\x14\x7f\xff\xff\xff\0\0\0\x01",
            Code::InvalidBinaryRepresentation,
        ),
        (SqlType::Jsonb, Format::Text, b"{", Code::InvalidTextRepresentation),
        (SqlType::Uuid, Format::Text, b"123", Code::InvalidTextRepresentation),
    ] {
        let error = read(Some(bytes), kind, format, &settings).expect_err(kind.name());
        assert_eq!(error.code, code, "{kind:?} {format:?}");
    }
}

#[test]
fn times_without_a_zone_are_the_sessions() {
    let settings = FormatSettings { zone: Zone::parse("Asia/Tokyo").expect("a zone"), ..FormatSettings::default() };
    for (text, microseconds) in [
        ("1970-01-01 09:00:00", 0),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01 02:00:00.5+02", 500_000),
        ("1970-01-01 00:00:00-0830", 30_600_000_000),
        ("1970-01-02", 54_000_000_000),
        ("1970-01-01 00:00:00 America/New_York", 18_000_000_000),
    ] {
        let value = read(Some(text.as_bytes()), SqlType::Timestamptz, Format::Text, &settings).expect(text);
        assert_eq!(value, ScalarValue::TimestampMicrosecond(Some(microseconds), Some("UTC".into())), "{text}");
    }
}
