//! Functions over event columns: intervals, addresses, identities.
//!
//! They depend on their arguments alone, so an owner evaluates them as the coordinator would.

use std::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, IntervalMonthDayNanoArray, StringArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, IntervalMonthDayNano, IntervalUnit,
};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::sql_error;
use crate::types::{Code, SqlType};

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let kinds = [Kind::Inet, Kind::Uuid, Kind::UuidText, Kind::InetKey];
    let mut functions: Vec<ScalarUDF> =
        kinds.into_iter().map(|kind| ScalarUDF::new_from_impl(Reading::new(kind))).collect();
    functions.push(ScalarUDF::new_from_impl(MakeInterval::new()));
    functions
}

/// `make_interval(years, months, weeks, days, hours, mins, secs)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MakeInterval {
    signature: Signature,
}

impl MakeInterval {
    fn new() -> Self {
        let mut types = vec![DataType::Int64; 6];
        types.push(DataType::Float64);
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for MakeInterval {
    fn name(&self) -> &'static str {
        "make_interval"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Interval(IntervalUnit::MonthDayNano))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays: Vec<ArrayRef> =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<_>>()?;
        let whole: Vec<_> = arrays[..6].iter().map(|array| array.as_primitive::<Int64Type>()).collect();
        let seconds = arrays[6].as_primitive::<Float64Type>();
        let interval = |row: usize| -> Option<Result<IntervalMonthDayNano>> {
            if arrays.iter().any(|array| array.is_null(row)) {
                return None;
            }
            let parts: [i64; 6] = std::array::from_fn(|part| whole[part].value(row));
            Some(
                interval_of(parts, seconds.value(row))
                    .ok_or_else(|| sql_error(Code::DatetimeFieldOverflow, "interval out of range")),
            )
        };
        let values = (0..rows).map(|row| interval(row).transpose()).collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array(Arc::new(IntervalMonthDayNanoArray::from(values))))
    }
}

fn interval_of([years, months, weeks, days, hours, minutes]: [i64; 6], seconds: f64) -> Option<IntervalMonthDayNano> {
    let months = years.checked_mul(12)?.checked_add(months)?;
    let days = weeks.checked_mul(7)?.checked_add(days)?;
    // Microseconds are the finest that PostgreSQL keeps.
    let microseconds = (seconds * 1e6).round();
    if !microseconds.is_finite() || microseconds.abs() >= i64::MAX as f64 / 1_000.0 {
        return None;
    }
    let clock = hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?.checked_mul(1_000_000)?;
    let nanoseconds = clock.checked_add(microseconds as i64)?.checked_mul(1_000)?;
    Some(IntervalMonthDayNano::new(i32::try_from(months).ok()?, i32::try_from(days).ok()?, nanoseconds))
}

/// What a text (or identity) is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// `x::inet`: checked, in the spelling that events use.
    Inet,
    /// `x::uuid`.
    Uuid,
    /// A uuid as text.
    UuidText,
    /// An address as a text that sorts as PostgreSQL sorts addresses.
    InetKey,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Reading {
    kind: Kind,
    signature: Signature,
}

impl Reading {
    fn new(kind: Kind) -> Self {
        Self { kind, signature: Signature::any(1, Volatility::Immutable) }
    }

    fn sql_type(&self) -> SqlType {
        match self.kind {
            Kind::Inet => SqlType::Inet,
            Kind::Uuid => SqlType::Uuid,
            Kind::UuidText | Kind::InetKey => SqlType::Text,
        }
    }

    fn read(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self.kind {
            Kind::UuidText => uuid_texts(array),
            Kind::Uuid if matches!(array.data_type(), DataType::FixedSizeBinary(16)) => Ok(Arc::clone(array)),
            Kind::Uuid if array.data_type().is_numeric() || *array.data_type() == DataType::Boolean => {
                let given = SqlType::from_arrow(array.data_type()).unwrap_or(SqlType::Unknown).spelling();
                Err(sql_error(Code::CannotCoerce, format!("cannot cast type {given} to uuid")))
            }
            Kind::Uuid => uuids(&texts(array)?),
            Kind::Inet => each(&texts(array)?, |text| address(text).map(|address| address.text())),
            Kind::InetKey => each(&texts(array)?, |text| address(text).map(|address| address.key())),
        }
    }
}

impl ScalarUDFImpl for Reading {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Inet => "as_inet",
            Kind::Uuid => "as_uuid",
            Kind::UuidText => "uuid_text",
            Kind::InetKey => "inet_key",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.sql_type().arrow())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let nullable = arguments.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(self.sql_type().field(self.name(), nullable)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = matches!(arguments.args.first(), Some(ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { arguments.number_rows };
        let array = ColumnarValue::values_to_arrays(&arguments.args)?.swap_remove(0).slice(0, rows);
        let result = self.read(&array)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

fn texts(array: &ArrayRef) -> Result<StringArray> {
    Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn each(array: &StringArray, read: impl Fn(&str) -> Result<String>) -> Result<ArrayRef> {
    let values = array.iter().map(|text| text.map(&read).transpose()).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StringArray::from(values)))
}

pub(super) fn uuids(array: &StringArray) -> Result<ArrayRef> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(array.len(), 16);
    for text in array {
        let Some(text) = text else {
            builder.append_null();
            continue;
        };
        let value = uuid::Uuid::parse_str(text.trim()).map_err(|_| super::convert::invalid(SqlType::Uuid, text))?;
        builder.append_value(value.as_bytes())?;
    }
    Ok(Arc::new(builder.finish()))
}

fn uuid_texts(array: &ArrayRef) -> Result<ArrayRef> {
    let Some(values) = array.as_fixed_size_binary_opt() else { return Ok(cast(array, &DataType::Utf8)?) };
    let texts = values.iter().map(|bytes| {
        let bytes: [u8; 16] = bytes?.try_into().ok()?;
        Some(uuid::Uuid::from_bytes(bytes).hyphenated().to_string())
    });
    Ok(Arc::new(StringArray::from_iter(texts)))
}

/// An address with its prefix length.
struct Address {
    ip: IpAddr,
    prefix: u8,
}

impl Address {
    /// The prefix is shown only when it is not the whole address.
    fn text(&self) -> String {
        let whole = if self.ip.is_ipv4() { 32 } else { 128 };
        if self.prefix == whole { self.ip.to_string() } else { format!("{}/{}", self.ip, self.prefix) }
    }

    /// Family, then the network's bits, then the prefix length, then the rest of the address.
    fn key(&self) -> String {
        let (family, bits, whole) = match self.ip {
            IpAddr::V4(ip) => ('4', u128::from(u32::from(ip)) << 96, 32),
            IpAddr::V6(ip) => ('6', u128::from(ip), 128),
        };
        let mask = if self.prefix == 0 { 0 } else { u128::MAX << (128 - u32::from(self.prefix.min(whole))) };
        format!("{family}{:032x}{:03}{bits:032x}", bits & mask, self.prefix)
    }
}

fn address(text: &str) -> Result<Address> {
    let wrong = || {
        let shown: String = text.chars().take(60).collect();
        sql_error(Code::InvalidTextRepresentation, format!("invalid input syntax for type inet: \"{shown}\""))
    };
    let (ip, prefix) = match text.trim().split_once('/') {
        Some((ip, prefix)) => (ip, Some(prefix)),
        None => (text.trim(), None),
    };
    let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
    let whole = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => whole,
        Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= whole).ok_or_else(wrong)?,
    };
    Ok(Address { ip, prefix })
}

/// The spelling of an address that event columns use; none for what is no address.
pub(super) fn canonical_address(text: &str) -> Option<String> {
    address(text).ok().map(|address| address.text())
}

/// A text as the constant of a uuid.
pub(super) fn uuid_constant(text: &str) -> Result<ScalarValue> {
    ScalarValue::try_from_array(&uuids(&StringArray::from(vec![text]))?, 0)
}

/// Names the field type of a uuid for the planner's comparisons.
pub(super) fn is_uuid(field: &Field) -> bool {
    SqlType::of_field(field) == SqlType::Uuid
}

#[cfg(test)]
mod tests {
    use super::{address, canonical_address, interval_of};

    #[test]
    fn addresses_have_one_spelling_and_sort_by_number() {
        assert_eq!(canonical_address("203.0.113.7/32").as_deref(), Some("203.0.113.7"));
        assert_eq!(canonical_address("2001:DB8:0::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(canonical_address("10.0.0.0/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(canonical_address("10.0.0.0/33"), None);
        let key = |text| address(text).expect("address").key();
        assert!(key("9.0.0.1") < key("10.0.0.1"));
        assert!(key("10.0.0.0/8") < key("10.0.0.0"));
        assert!(key("255.0.0.0") < key("::1"));
    }

    #[test]
    fn intervals_are_put_together_and_bounded() {
        let interval = interval_of([1, 2, 1, 1, 1, 1], 1.5).expect("in range");
        assert_eq!((interval.months, interval.days, interval.nanoseconds), (14, 8, 3_661_500_000_000));
        assert!(interval_of([0, 0, 0, 0, 0, 0], f64::NAN).is_none());
        assert!(interval_of([i64::MAX, 0, 0, 0, 0, 0], 0.0).is_none());
    }
}
