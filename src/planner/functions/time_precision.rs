//! `rounded_time(value, digits)`: instants and times of day with so many digits of a second.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::sql_error;
use super::numbers::strict_cast;
use crate::types::{Code, SqlType};

/// The function of this file.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(RoundedTime { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RoundedTime {
    signature: Signature,
}

fn digits_of(value: Option<&ScalarValue>) -> Result<u32> {
    match value {
        Some(ScalarValue::Int64(Some(digits))) if (0..=6).contains(digits) => Ok(u32::try_from(*digits).unwrap_or(6)),
        _ => Err(sql_error(Code::InvalidParameterValue, "a precision is a number from 0 to 6")),
    }
}

impl ScalarUDFImpl for RoundedTime {
    fn name(&self) -> &'static str {
        "rounded_time"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("rounded_time is typed by its arguments' values".to_owned()))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let digits = digits_of(arguments.scalar_arguments.get(1).copied().flatten())?;
        let value = arguments.arg_fields.first().ok_or_else(|| DataFusionError::Internal("no value".to_owned()))?;
        let kind = SqlType::of_field(value);
        let modifier = i32::try_from(digits).unwrap_or(6);
        Ok(Arc::new(kind.marked_field(self.name(), kind.arrow(), modifier)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let digits = match arguments.args.get(1) {
            Some(ColumnarValue::Scalar(value)) => digits_of(Some(value))?,
            _ => digits_of(None)?,
        };
        let wanted = arguments.return_field.data_type().clone();
        let Some(value) = arguments.args.into_iter().next() else {
            return Err(sql_error(Code::UndefinedFunction, "no value"));
        };
        let is_constant = matches!(value, ColumnarValue::Scalar(_));
        let array = strict_cast(&value.into_array(if is_constant { 1 } else { arguments.number_rows })?, &wanted)?;
        let unit = 10_i64.pow(6 - digits);
        let micros = strict_cast(&array, &DataType::Int64)?;
        let rounded = micros.as_primitive::<Int64Type>().unary::<_, Int64Type>(|us| rounded(us, unit));
        let rounded: ArrayRef = Arc::new(rounded);
        let result = strict_cast(&rounded, &wanted)?;
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

/// To the nearest multiple, half away from zero; what does not fit stays as it is.
fn rounded(us: i64, unit: i64) -> i64 {
    let half = if us < 0 { -(unit / 2) } else { unit / 2 };
    us.checked_add(half).map_or(us, |us| us / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!((rounded(1_500_000, 1_000_000), rounded(-1_500_000, 1_000_000)), (2_000_000, -2_000_000));
        assert_eq!((rounded(1_234_567, 1), rounded(1_234_567, 10_000)), (1_234_567, 1_230_000));
        assert_eq!(rounded(i64::MAX, 1_000_000), i64::MAX);
    }
}
