//! `gcd` and `lcm`: of integers in the wider of their types, of decimals with the digits of the finer one.

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDF};

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::numbers::{Kind, decimal};
use super::typed::{Kind as Taken, Returns, Typed};
use crate::types::numeric::NUMERIC_DIGITS_MAX;
use crate::types::{Code, SqlType};

/// The functions of this file.
pub(super) fn functions() -> [ScalarUDF; 2] {
    let function = |name, of: fn(u128, u128) -> Option<u128>| {
        let body = move |row: &Row<'_>| divided(row, of);
        Typed::new(name)
            .takes(&[Taken::Number, Taken::Number], SqlType::Int8, body)
            .returning(Returns::Told(told))
            .udf()
    };
    [
        function("gcd", |one, other| Some(divisor(one, other))),
        function("lcm", |one, other| match divisor(one, other) {
            0 => Some(0),
            common => (one / common).checked_mul(other),
        }),
    ]
}

fn is_wide(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::UInt32 | DataType::UInt64)
}

fn told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    let types = || arguments.arg_fields.iter().map(|field| field.data_type());
    if types().any(DataType::is_decimal) {
        return Ok(Field::new("divisor", decimal(scale_of(types())), true));
    }
    Ok(if types().any(is_wide) { SqlType::Int8 } else { SqlType::Int4 }.field("divisor", true))
}

/// The most digits behind the point.
fn scale_of<'a>(types: impl Iterator<Item = &'a DataType>) -> u8 {
    types.filter_map(Kind::of).map(Kind::scale).max().unwrap_or_default()
}

fn divisor(one: u128, other: u128) -> u128 {
    if other == 0 { one } else { divisor(other, one % other) }
}

fn divided(row: &Row<'_>, of: fn(u128, u128) -> Option<u128>) -> Result<Datum> {
    let types = [row.field(0).data_type(), row.field(1).data_type()];
    let has_decimals = types.iter().any(|kind| kind.is_decimal());
    let wanted = decimal(scale_of(types.into_iter()));
    let number = |index: usize| match row.scalar(index)?.cast_to(&wanted)? {
        ScalarValue::Decimal128(Some(units), ..) => Ok(units.unsigned_abs()),
        _ => Err(sql_error(Code::Internal, "a divisor of no number")),
    };
    let result = of(number(0)?, number(1)?).and_then(|result| i128::try_from(result).ok());
    let out_of_range = |name: &str| sql_error(Code::NumericValueOutOfRange, format!("{name} out of range"));
    if has_decimals {
        let digits = result.filter(|result| *result < 10_i128.pow(u32::from(NUMERIC_DIGITS_MAX)));
        let digits = digits.ok_or_else(|| out_of_range("numeric"))?;
        return Ok(ScalarValue::Decimal128(Some(digits), NUMERIC_DIGITS_MAX, scale(&wanted)).into());
    }
    if types.into_iter().any(is_wide) {
        let whole = result.and_then(|result| i64::try_from(result).ok());
        return Ok(whole.ok_or_else(|| out_of_range("bigint"))?.into());
    }
    let whole = result.and_then(|result| i32::try_from(result).ok());
    Ok(whole.ok_or_else(|| out_of_range("integer"))?.into())
}

fn scale(decimal: &DataType) -> i8 {
    match decimal {
        DataType::Decimal128(_, scale) => *scale,
        _ => 0,
    }
}
