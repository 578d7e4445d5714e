//! Rows of relational tables as bytes, and keys as bytes that sort as the keys do.
//!
//! Every value is a tag and its bytes; whatever does not fit that on reading is damage, found with a
//! bound on depth and never more memory than the input has bytes.

use std::net::IpAddr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike};
use gluesql::core::data::{Interval, Key, Point, Value};

use crate::storage::StorageError;

const DEPTH_MAX: usize = 32;
const DAMAGED: &str = "a row";

/// A key and its row.
pub(super) fn encode(key: &Key, row: &[Value]) -> Result<Vec<u8>, StorageError> {
    let mut out = Vec::new();
    put(&mut out, &Value::from(key.clone()), 0)?;
    row.iter().try_for_each(|value| put(&mut out, value, 0))?;
    Ok(out)
}

/// A key and its row, from their bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<(Key, Vec<Value>), StorageError> {
    let mut input = Input(bytes);
    let key = Key::try_from(input.value(0)?).map_err(|_| damaged("no key"))?;
    let mut row = Vec::new();
    while !input.0.is_empty() {
        row.push(input.value(0)?);
    }
    Ok((key, row))
}

fn damaged(reason: &str) -> StorageError {
    StorageError::Corrupt { what: DAMAGED.to_owned(), reason: reason.to_owned() }
}

fn put(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), StorageError> {
    if depth > DEPTH_MAX {
        return Err(StorageError::TooLarge { what: "the depth of a value", bytes_max: DEPTH_MAX });
    }
    let mut fixed = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Null => fixed(0, &[]),
        Value::Bool(value) => fixed(1, &[u8::from(*value)]),
        Value::I8(value) => fixed(2, &value.to_le_bytes()),
        Value::I16(value) => fixed(3, &value.to_le_bytes()),
        Value::I32(value) => fixed(4, &value.to_le_bytes()),
        Value::I64(value) => fixed(5, &value.to_le_bytes()),
        Value::I128(value) => fixed(6, &value.to_le_bytes()),
        Value::U8(value) => fixed(7, &value.to_le_bytes()),
        Value::U16(value) => fixed(8, &value.to_le_bytes()),
        Value::U32(value) => fixed(9, &value.to_le_bytes()),
        Value::U64(value) => fixed(10, &value.to_le_bytes()),
        Value::U128(value) => fixed(11, &value.to_le_bytes()),
        Value::F32(value) => fixed(12, &value.to_le_bytes()),
        Value::F64(value) => fixed(13, &value.to_le_bytes()),
        Value::Decimal(value) => put_bytes(out, 14, value.to_string().as_bytes())?,
        Value::Str(value) => put_bytes(out, 15, value.as_bytes())?,
        Value::Bytea(value) => put_bytes(out, 16, value)?,
        Value::Inet(IpAddr::V4(value)) => fixed(17, &value.octets()),
        Value::Inet(IpAddr::V6(value)) => fixed(18, &value.octets()),
        Value::Date(value) => fixed(19, &value.num_days_from_ce().to_le_bytes()),
        Value::Timestamp(value) => {
            fixed(20, &value.and_utc().timestamp().to_le_bytes());
            out.extend_from_slice(&value.nanosecond().to_le_bytes());
        }
        Value::Time(value) => {
            fixed(21, &value.num_seconds_from_midnight().to_le_bytes());
            out.extend_from_slice(&value.nanosecond().to_le_bytes());
        }
        Value::Interval(Interval::Month(value)) => fixed(22, &value.to_le_bytes()),
        Value::Interval(Interval::Microsecond(value)) => fixed(23, &value.to_le_bytes()),
        Value::Uuid(value) => fixed(24, &value.to_be_bytes()),
        Value::Map(map) => {
            fixed(25, &count(map.len())?);
            for (name, value) in map {
                put_bytes(out, 15, name.as_bytes())?;
                put(out, value, depth + 1)?;
            }
        }
        Value::List(list) => {
            fixed(26, &count(list.len())?);
            list.iter().try_for_each(|value| put(out, value, depth + 1))?;
        }
        Value::Point(value) => {
            fixed(27, &value.x.to_le_bytes());
            out.extend_from_slice(&value.y.to_le_bytes());
        }
    }
    Ok(())
}

fn count(count: usize) -> Result<[u8; 4], StorageError> {
    let too_large = |_| StorageError::TooLarge { what: "a value", bytes_max: u32::MAX as usize };
    u32::try_from(count).map(u32::to_le_bytes).map_err(too_large)
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) -> Result<(), StorageError> {
    out.push(tag);
    out.extend_from_slice(&count(bytes.len())?);
    out.extend_from_slice(bytes);
    Ok(())
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], StorageError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| damaged("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], StorageError> {
        self.take(N)?.try_into().map_err(|_| damaged("cut short"))
    }

    fn count(&mut self) -> Result<usize, StorageError> {
        Ok(u32::from_le_bytes(self.fixed()?) as usize)
    }

    fn bytes(&mut self) -> Result<&'a [u8], StorageError> {
        let length = self.count()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str, StorageError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| damaged("no text"))
    }

    fn value(&mut self, depth: usize) -> Result<Value, StorageError> {
        if depth > DEPTH_MAX {
            return Err(damaged("nested too deeply"));
        }
        let [tag] = self.fixed()?;
        Ok(match tag {
            0 => Value::Null,
            1 => Value::Bool(self.fixed::<1>()? != [0]),
            2 => Value::I8(i8::from_le_bytes(self.fixed()?)),
            3 => Value::I16(i16::from_le_bytes(self.fixed()?)),
            4 => Value::I32(i32::from_le_bytes(self.fixed()?)),
            5 => Value::I64(i64::from_le_bytes(self.fixed()?)),
            6 => Value::I128(i128::from_le_bytes(self.fixed()?)),
            7 => Value::U8(u8::from_le_bytes(self.fixed()?)),
            8 => Value::U16(u16::from_le_bytes(self.fixed()?)),
            9 => Value::U32(u32::from_le_bytes(self.fixed()?)),
            10 => Value::U64(u64::from_le_bytes(self.fixed()?)),
            11 => Value::U128(u128::from_le_bytes(self.fixed()?)),
            12 => Value::F32(f32::from_le_bytes(self.fixed()?)),
            13 => Value::F64(f64::from_le_bytes(self.fixed()?)),
            14 => Value::Decimal(self.text()?.parse().map_err(|_| damaged("no number"))?),
            15 => Value::Str(self.text()?.to_owned()),
            16 => Value::Bytea(self.bytes()?.to_vec()),
            17 => Value::Inet(IpAddr::from(self.fixed::<4>()?)),
            18 => Value::Inet(IpAddr::from(self.fixed::<16>()?)),
            19..=23 => self.calendar(tag)?,
            24 => Value::Uuid(u128::from_be_bytes(self.fixed()?)),
            25 | 26 => self.nested(tag, depth)?,
            27 => Value::Point(Point { x: f64::from_le_bytes(self.fixed()?), y: f64::from_le_bytes(self.fixed()?) }),
            _ => return Err(damaged("unknown kind of value")),
        })
    }

    fn calendar(&mut self, tag: u8) -> Result<Value, StorageError> {
        let value = match tag {
            19 => NaiveDate::from_num_days_from_ce_opt(i32::from_le_bytes(self.fixed()?)).map(Value::Date),
            20 => {
                let (seconds, nanos) = (i64::from_le_bytes(self.fixed()?), u32::from_le_bytes(self.fixed()?));
                DateTime::from_timestamp(seconds, nanos).map(|instant| Value::Timestamp(instant.naive_utc()))
            }
            21 => {
                let (seconds, nanos) = (u32::from_le_bytes(self.fixed()?), u32::from_le_bytes(self.fixed()?));
                NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).map(Value::Time)
            }
            22 => Some(Value::Interval(Interval::Month(i32::from_le_bytes(self.fixed()?)))),
            _ => Some(Value::Interval(Interval::Microsecond(i64::from_le_bytes(self.fixed()?)))),
        };
        value.ok_or_else(|| damaged("no such date or time"))
    }

    fn nested(&mut self, tag: u8, depth: usize) -> Result<Value, StorageError> {
        let count = self.count()?;
        if tag == 26 {
            let mut list = Vec::new();
            for _ in 0..count {
                list.push(self.value(depth + 1)?);
            }
            return Ok(Value::List(list));
        }
        let mut map = std::collections::BTreeMap::new();
        for _ in 0..count {
            let Value::Str(name) = self.value(depth + 1)? else { return Err(damaged("no name in a map")) };
            map.insert(name, self.value(depth + 1)?);
        }
        Ok(Value::Map(map))
    }
}

/// A key as bytes: different keys differ, and the bytes sort as the keys of one column do (decimals
/// that are equal as 64-bit floats sort among themselves by their text).
pub(super) fn order(key: &Key) -> Result<Vec<u8>, StorageError> {
    let tagged = |tag: u8, bytes: &[u8]| {
        let mut out = Vec::with_capacity(bytes.len() + 1);
        out.push(tag);
        out.extend_from_slice(bytes);
        out
    };
    let signed = |value: i128| tagged(2, &(value ^ i128::MIN).to_be_bytes());
    let unsigned = |value: u128| tagged(3, &value.to_be_bytes());
    Ok(match key {
        Key::Bool(value) => tagged(1, &[u8::from(*value)]),
        Key::I8(value) => signed((*value).into()),
        Key::I16(value) => signed((*value).into()),
        Key::I32(value) => signed((*value).into()),
        Key::I64(value) => signed((*value).into()),
        Key::I128(value) => signed(*value),
        Key::U8(value) => unsigned((*value).into()),
        Key::U16(value) => unsigned((*value).into()),
        Key::U32(value) => unsigned((*value).into()),
        Key::U64(value) => unsigned((*value).into()),
        Key::U128(value) => unsigned(*value),
        Key::F32(value) => tagged(4, &float_order(f64::from(value.0))),
        Key::F64(value) => tagged(4, &float_order(value.0)),
        Key::Decimal(value) => {
            let text = value.normalize().to_string();
            let mut out = tagged(5, &float_order(text.parse().unwrap_or_default()));
            out.extend_from_slice(text.as_bytes());
            out
        }
        Key::Str(value) => tagged(6, value.as_bytes()),
        Key::Bytea(value) => tagged(7, value),
        Key::Date(value) => signed(value.num_days_from_ce().into()),
        Key::Timestamp(value) => {
            let nanos = i128::from(value.and_utc().timestamp()) * 2_000_000_000 + i128::from(value.nanosecond());
            signed(nanos)
        }
        Key::Time(value) => {
            unsigned(u128::from(value.num_seconds_from_midnight()) * 2_000_000_000 + u128::from(value.nanosecond()))
        }
        Key::Interval(Interval::Month(value)) => tagged(9, &(i64::from(*value) ^ i64::MIN).to_be_bytes()),
        Key::Interval(Interval::Microsecond(value)) => tagged(8, &(value ^ i64::MIN).to_be_bytes()),
        Key::Uuid(value) => tagged(10, &value.to_be_bytes()),
        Key::Inet(IpAddr::V4(value)) => tagged(11, &value.octets()),
        Key::Inet(IpAddr::V6(value)) => tagged(12, &value.octets()),
        Key::None => tagged(255, &[]),
    })
}

/// IEEE bits so that they sort; all NaNs are one, and so are both zeros.
fn float_order(value: f64) -> [u8; 8] {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let bits = value.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    ordered.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gluesql::core::data::{Interval, Key, Point, Value};
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use super::{decode, encode, order};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i8>().prop_map(Value::I8),
            any::<i32>().prop_map(Value::I32),
            any::<i128>().prop_map(Value::I128),
            any::<u64>().prop_map(Value::U64),
            any::<f64>().prop_map(Value::F64),
            (any::<i64>(), 0_u32..20).prop_map(|(number, scale)| {
                let text = format!("{number}e-{scale}");
                Value::Str(text)
            }),
            ".{0,12}".prop_map(Value::Str),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytea),
            any::<std::net::IpAddr>().prop_map(Value::Inet),
            any::<i64>().prop_map(|us| Value::Interval(Interval::Microsecond(us))),
            any::<u128>().prop_map(Value::Uuid),
            (any::<f64>(), any::<f64>()).prop_map(|(x, y)| Value::Point(Point { x, y })),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|map: BTreeMap<_, _>| Value::Map(map)),
            ]
        })
    }

    proptest! {
        /// A row comes back as it was, and a cut row is damage.
        #[test]
        fn rows_survive_their_bytes(number in any::<i64>(), row in prop::collection::vec(value(), 0..6)) {
            let bytes = encode(&Key::I64(number), &row).expect("encode");
            let (key, decoded) = decode(&bytes).expect("decode");
            assert_eq!(key, Key::I64(number));
            assert_eq!(format!("{decoded:?}"), format!("{row:?}"));
            assert!(decode(&bytes[..4]).is_err());
        }

        /// Bytes that nobody wrote are refused or read as something, without a panic.
        #[test]
        fn any_bytes_are_bounded(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&bytes);
        }

        /// Keys sort by their bytes.
        #[test]
        fn keys_keep_their_order(left in any::<i64>(), right in any::<i64>(), a in any::<f64>(), b in any::<f64>()) {
            let bytes = |key: Key| order(&key).expect("order");
            assert_eq!(left.cmp(&right), bytes(Key::I64(left)).cmp(&bytes(Key::I64(right))));
            let text = |number: i64| Key::Str(number.to_string());
            assert_eq!(left.to_string().cmp(&right.to_string()), bytes(text(left)).cmp(&bytes(text(right))));
            let floats = (Key::try_from(Value::F64(a)).expect("key"), Key::try_from(Value::F64(b)).expect("key"));
            if a != b && !a.is_nan() && !b.is_nan() {
                assert_eq!(floats.0.cmp(&floats.1), bytes(floats.0.clone()).cmp(&bytes(floats.1.clone())));
            }
        }
    }
}
