//! Rows survive their bytes, and keys sort as values do.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, IntervalMonthDayNanoArray, ListArray, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Int32Type, IntervalMonthDayNano, Schema};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

use super::codec::{RowReader, encode};
use super::key::{KeyShape, behind};
use super::text::value_text;
use crate::catalog::{Column, Index, IndexKey, Scope, Table};
use crate::types::SqlType;

fn table(types: &[SqlType]) -> Table {
    let column = |(number, kind): (i16, &SqlType)| Column::new(number, &format!("c{number}"), *kind);
    Table::new(1, "public", "t", Scope::Relational, "", (1..).zip(types).map(column).collect())
}

fn shape(kind: SqlType, descending: bool, nulls_first: bool) -> KeyShape {
    let key = IndexKey { column: Some(1), expression: None, descending, nulls_first };
    let index = Index {
        oid: 2,
        name: "i".to_owned(),
        unique: false,
        nulls_not_distinct: false,
        keys: vec![key],
        include: Vec::new(),
        predicate: None,
        comment: String::new(),
    };
    KeyShape::of(&table(&[kind]), &index).expect("shape")
}

/// Bytes compare as the values do, upwards and downwards, and the key of a longer list begins with the shorter's.
fn check_order(kind: SqlType, values: &ArrayRef, expected: Ordering) {
    let values = &[Arc::clone(values)];
    for descending in [false, true] {
        let shape = shape(kind, descending, false);
        let (left, right) = (shape.key(values, 0).expect("key"), shape.key(values, 1).expect("key"));
        let found = if descending { right.cmp(&left) } else { left.cmp(&right) };
        assert_eq!(found, expected, "{kind:?} {values:?}");
        if left != right {
            let between = |key: &Vec<u8>, other: &[u8]| {
                other.starts_with(key)
                    || (key.as_slice() <= other && behind(key).is_none_or(|end| other < end.as_slice()))
            };
            assert!(!between(&left, &right) && !between(&right, &left), "one key begins with the other");
        }
    }
}

fn address() -> impl Strategy<Value = (IpAddr, u8)> {
    // Few bits differ, so that networks contain each other.
    let four = (0_u32..4, 0_u8..=32)
        .prop_map(|(bits, length)| (IpAddr::from((0x0a00_0000 | bits << 14).to_be_bytes()), length));
    let six = (0_u128..4, 0_u8..=128).prop_map(|(bits, length)| (IpAddr::from((bits << 100).to_be_bytes()), length));
    prop_oneof![four, six]
}

/// As PostgreSQL compares addresses: family, common bits, length, all bits.
fn compare_addresses(left: (IpAddr, u8), right: (IpAddr, u8)) -> Ordering {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect::<String>(),
        IpAddr::V6(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect::<String>(),
    };
    let (left_bits, right_bits) = (bits(left.0), bits(right.0));
    let common = usize::from(left.1.min(right.1));
    left.0
        .is_ipv6()
        .cmp(&right.0.is_ipv6())
        .then_with(|| left_bits[..common].cmp(&right_bits[..common]))
        .then(left.1.cmp(&right.1))
        .then(left_bits.cmp(&right_bits))
}

fn compare_floats(left: f64, right: f64) -> Ordering {
    match (left.is_nan(), right.is_nan()) {
        (false, false) => left.partial_cmp(&right).expect("numbers"),
        (left, right) => left.cmp(&right),
    }
}

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        prop::sample::select(vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0, -1.0])
    ]
}

proptest! {
    #[test]
    fn whole_numbers_sort(left in any::<i64>(), right in any::<i64>(), near in -3_i64..3) {
        for (left, right) in [(left, right), (left, left.wrapping_add(near))] {
            check_order(SqlType::Int8, &(Arc::new(Int64Array::from(vec![left, right])) as ArrayRef), left.cmp(&right));
            let instants: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![left, right]).with_timezone("UTC"));
            check_order(SqlType::Timestamptz, &instants, left.cmp(&right));
        }
        let (left, right) = (left as i32, right as i32);
        check_order(SqlType::Int4, &(Arc::new(Int32Array::from(vec![left, right])) as ArrayRef), left.cmp(&right));
        let oids: ArrayRef = Arc::new(Int32Array::from(vec![left, right]));
        check_order(SqlType::Oid, &oids, left.cast_unsigned().cmp(&right.cast_unsigned()));
        check_order(SqlType::Date, &(Arc::new(Date32Array::from(vec![left, right])) as ArrayRef), left.cmp(&right));
    }

    #[test]
    fn floats_sort(left in any_float(), right in any_float()) {
        let order = compare_floats(left, right);
        check_order(SqlType::Float8, &(Arc::new(Float64Array::from(vec![left, right])) as ArrayRef), order);
        let (left, right) = (left as f32, right as f32);
        let order = compare_floats(left.into(), right.into());
        check_order(SqlType::Float4, &(Arc::new(Float32Array::from(vec![left, right])) as ArrayRef), order);
    }

    #[test]
    fn numerics_sort(left in any::<i128>(), right in any::<i128>(), cuts in (0_u32..38, 0_u32..38), scale in 0_i8..=38) {
        let fit = |value: i128, cut| value % 10_i128.pow(38) / 10_i128.pow(cut);
        let (left, right) = (fit(left, cuts.0), fit(right, cuts.1));
        for (left, right) in [(left, right), (left, left), (left, left + 1), (left, left / 10), (left / 10, left)] {
            let numbers = Decimal128Array::from(vec![left, right]).with_precision_and_scale(38, scale).expect("numbers");
            check_order(SqlType::Numeric, &(Arc::new(numbers) as ArrayRef), left.cmp(&right));
        }
    }

    #[test]
    fn texts_and_bytes_sort(left in "[ab\u{0}é ]{0,4}", right in "[ab\u{0}é ]{0,4}") {
        let order = left.as_bytes().cmp(right.as_bytes());
        check_order(SqlType::Text, &(Arc::new(StringArray::from(vec![left.as_str(), right.as_str()])) as ArrayRef), order);
        let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![left.as_bytes(), right.as_bytes()]));
        check_order(SqlType::Bytea, &bytes, order);
        let order = left.trim_end_matches(' ').as_bytes().cmp(right.trim_end_matches(' ').as_bytes());
        check_order(SqlType::Bpchar, &(Arc::new(StringArray::from(vec![left.as_str(), right.as_str()])) as ArrayRef), order);
    }

    #[test]
    fn addresses_sort(left in address(), right in address()) {
        let text = |(address, length): (IpAddr, u8)| format!("{address}/{length}");
        let texts: ArrayRef = Arc::new(StringArray::from(vec![text(left), text(right)]));
        check_order(SqlType::Inet, &texts, compare_addresses(left, right));
    }

    #[test]
    fn spans_sort(left in any::<(i32, i32, i64)>(), right in any::<(i32, i32, i64)>(), small in (-40..40, -40..40)) {
        for (left, right) in [(left, right), ((small.0, 0, 0), (0, small.1, 0))] {
            let total = |(months, days, nanos): (i32, i32, i64)| {
                (i128::from(months) * 30 + i128::from(days)) * 86_400_000_000_000 + i128::from(nanos)
            };
            let span = |(months, days, nanos)| IntervalMonthDayNano::new(months, days, nanos);
            let spans: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(vec![span(left), span(right)]));
            check_order(SqlType::Interval, &spans, total(left).cmp(&total(right)));
        }
    }

    #[test]
    fn uuids_and_lists_sort(
        left in prop::collection::vec(prop::option::of(-1_i32..2), 0..4),
        right in prop::collection::vec(prop::option::of(-1_i32..2), 0..4),
        ids in any::<[[u8; 16]; 2]>(),
    ) {
        // NULL is the greatest item.
        let rank = |list: &Vec<Option<i32>>| list.iter().map(|item| item.unwrap_or(i32::MAX)).collect::<Vec<_>>();
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(left.clone()), Some(right.clone())]);
        check_order(SqlType::Int4Array, &(Arc::new(lists) as ArrayRef), rank(&left).cmp(&rank(&right)));
        let uuids: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(ids.iter()).expect("uuids"));
        check_order(SqlType::Uuid, &uuids, ids[0].cmp(&ids[1]));
    }

    /// Every type comes back as it was, NULLs and all; cut and foreign bytes are refused or read, without a panic.
    #[test]
    fn rows_survive_their_bytes(
        numbers in any::<(i16, i32, i64, i128)>(),
        floats in any::<(f32, f64)>(),
        text in ".{0,9}",
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        id in any::<[u8; 16]>(),
        list in prop::collection::vec(prop::option::of(".{0,4}"), 0..4),
        absent in any::<u32>(),
    ) {
        let rows = example(numbers, floats, &text, &bytes, id, &list, absent);
        let table = table(&TYPES);
        let numbers: Vec<i16> = table.columns.iter().map(|column| column.number).collect();
        let encoded = encode(&rows, 0, &numbers).expect("encode");
        let read = |bytes: &[u8]| {
            let mut reader = RowReader::new(rows.schema(), table.columns.iter())?;
            reader.push(bytes)?;
            reader.finish()
        };
        assert_eq!(format!("{:?}", read(&encoded).expect("decode")), format!("{rows:?}"));
        if encoded.len() > 1 {
            assert!(read(&encoded[..encoded.len() - 1]).is_err());
        }
        let _ = read(&bytes);
    }
}

const TYPES: [SqlType; 15] = [
    SqlType::Bool,
    SqlType::Int2,
    SqlType::Int4,
    SqlType::Int8,
    SqlType::Numeric,
    SqlType::Float4,
    SqlType::Float8,
    SqlType::Jsonb,
    SqlType::Bytea,
    SqlType::Uuid,
    SqlType::TextArray,
    SqlType::Date,
    SqlType::Time,
    SqlType::Timestamptz,
    SqlType::Interval,
];

fn example(
    numbers: (i16, i32, i64, i128),
    floats: (f32, f64),
    text: &str,
    bytes: &[u8],
    id: [u8; 16],
    list: &[Option<String>],
    absent: u32,
) -> RecordBatch {
    let (small, middle, large, huge) = numbers;
    let mut lists = datafusion::arrow::array::ListBuilder::new(datafusion::arrow::array::StringBuilder::new());
    list.iter().for_each(|item| lists.values().append_option(item.as_deref()));
    lists.append(true);
    let table = table(&TYPES);
    let numeric = Decimal128Array::from(vec![huge % 10_i128.pow(38)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![small > 0])),
        Arc::new(Int16Array::from(vec![small])),
        Arc::new(Int32Array::from(vec![middle])),
        Arc::new(Int64Array::from(vec![large])),
        Arc::new(numeric.with_data_type(table.arrow.field(4).data_type().clone())),
        Arc::new(Float32Array::from(vec![floats.0])),
        Arc::new(Float64Array::from(vec![floats.1])),
        Arc::new(StringArray::from(vec![text])),
        Arc::new(BinaryArray::from(vec![bytes])),
        Arc::new(FixedSizeBinaryArray::try_from_iter([id].iter()).expect("uuid")),
        Arc::new(lists.finish()),
        Arc::new(Date32Array::from(vec![middle])),
        Arc::new(Time64MicrosecondArray::from(vec![large])),
        Arc::new(TimestampMicrosecondArray::from(vec![if small == 0 { i64::MAX } else { large }]).with_timezone("UTC")),
        Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(middle, small.into(), large)])),
    ];
    let some = columns.into_iter().enumerate().map(|(place, column)| {
        if absent >> place & 1 == 1 { datafusion::arrow::array::new_null_array(column.data_type(), 1) } else { column }
    });
    let fields: Vec<_> = table.arrow.fields().iter().cloned().collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), some.collect()).expect("rows")
}

/// NULL stands first or last, whatever the direction.
#[test]
fn nulls_stand_where_they_shall() {
    let values: [ArrayRef; 1] = [Arc::new(Int32Array::from(vec![None, Some(i32::MIN), Some(i32::MAX)]))];
    for descending in [false, true] {
        for nulls_first in [false, true] {
            let shape = shape(SqlType::Int4, descending, nulls_first);
            let keys: Vec<_> = (0..3).map(|row| shape.key(&values, row).expect("key")).collect();
            assert_eq!((keys[0] < keys[1], keys[0] < keys[2]), (nulls_first, nulls_first));
            assert_eq!(keys[1] < keys[2], !descending);
        }
    }
}

/// Values are shown as PostgreSQL's defaults show them.
#[test]
fn values_are_shown_as_in_postgresql() {
    let check = |array: ArrayRef, kind, expected: &str| assert_eq!(value_text(array.as_ref(), 0, kind), expected);
    check(Arc::new(BooleanArray::from(vec![true])), SqlType::Bool, "t");
    check(Arc::new(BinaryArray::from(vec![&[1_u8, 0xab][..]])), SqlType::Bytea, "\\x01ab");
    check(Arc::new(Float64Array::from(vec![1e20])), SqlType::Float8, "1e+20");
    check(Arc::new(Date32Array::from(vec![-719_163])), SqlType::Date, "0001-12-31 BC");
    check(Arc::new(Time64MicrosecondArray::from(vec![3_723_500_000])), SqlType::Time, "01:02:03.5");
    let instant = TimestampMicrosecondArray::from(vec![1_714_521_600_250_000]);
    check(Arc::new(instant.clone()), SqlType::Timestamp, "2024-05-01 00:00:00.25");
    check(Arc::new(instant.with_timezone("UTC")), SqlType::Timestamptz, "2024-05-01 00:00:00.25+00");
    let endless = TimestampMicrosecondArray::from(vec![i64::MAX]).with_timezone("UTC");
    check(Arc::new(endless), SqlType::Timestamptz, "infinity");
    let span = |months, days, nanos| {
        let spans: ArrayRef =
            Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(months, days, nanos)]));
        spans
    };
    check(span(14, 3, 14_705_250_000_000), SqlType::Interval, "1 year 2 mons 3 days 04:05:05.25");
    check(span(-1, 2, -3_600_000_000_000), SqlType::Interval, "-1 mons +2 days -01:00:00");
    check(span(0, 0, 0), SqlType::Interval, "00:00:00");
    let mut lists = datafusion::arrow::array::ListBuilder::new(datafusion::arrow::array::StringBuilder::new());
    ["a", "b c", "", "NULL", "q\"\\"].into_iter().for_each(|item| lists.values().append_value(item));
    lists.values().append_null();
    lists.append(true);
    check(Arc::new(lists.finish()), SqlType::TextArray, r#"{a,"b c","","NULL","q\"\\",NULL}"#);
}
