//! `+ - * / %` and unary minus of numbers, with PostgreSQL's types and errors.
//!
//! Integers that leave their type are an error and their quotients are cut; decimals are exact; a float
//! makes the result a float. The operators of SQL become calls of these functions (`operators`), so that
//! owners compute what the coordinator would; [`symbol`] lets fragments show them as operators again.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Datum, Decimal128Array, Float32Array, Float64Array};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::sql_error;
use crate::types::numeric::{NUMERIC_DIGITS_MAX, QUOTIENT_SCALE, product_scale, sum_scale};
use crate::types::{Code, Numeric, NumericError, SqlType};

/// The kinds of numbers, in the order in which one turns into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No value: NULL of no type yet.
    Nothing,
    /// 16-bit integer.
    Int2,
    /// 32-bit integer.
    Int4,
    /// 64-bit integer.
    Int8,
    /// Exact decimal with so many digits behind the point.
    Numeric(u8),
    /// 32-bit float.
    Float4,
    /// 64-bit float.
    Float8,
}

impl Kind {
    /// The kind of number that a column of this type holds.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Null => Self::Nothing,
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => Self::Int2,
            DataType::UInt16 | DataType::Int32 => Self::Int4,
            DataType::UInt32 | DataType::Int64 => Self::Int8,
            DataType::UInt64 => Self::Numeric(0),
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
                Self::Numeric(u8::try_from(*scale).unwrap_or_default().min(NUMERIC_DIGITS_MAX))
            }
            DataType::Float16 | DataType::Float32 => Self::Float4,
            DataType::Float64 => Self::Float8,
            _ => return None,
        })
    }

    /// The type of a column of this kind.
    pub(super) fn arrow(self) -> DataType {
        match self {
            Self::Int2 => DataType::Int16,
            Self::Nothing | Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Numeric(scale) => decimal(scale),
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::Float4 | Self::Float8)
    }

    /// The scale as a decimal; integers have none behind the point.
    pub(super) fn scale(self) -> u8 {
        match self {
            Self::Numeric(scale) => scale,
            _ => 0,
        }
    }

    /// The kind in which two numbers meet.
    pub(super) fn common(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, kind) | (kind, Self::Nothing) => kind,
            (Self::Float4, Self::Float4) => Self::Float4,
            (left, right) if left.is_float() || right.is_float() => Self::Float8,
            (Self::Numeric(_), _) | (_, Self::Numeric(_)) => Self::Numeric(sum_scale(self.scale(), other.scale())),
            (Self::Int8, _) | (_, Self::Int8) => Self::Int8,
            (Self::Int4, _) | (_, Self::Int4) => Self::Int4,
            _ => Self::Int2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Int2 => "smallint",
            Self::Nothing | Self::Int4 => "integer",
            Self::Int8 => "bigint",
            Self::Numeric(_) => "numeric",
            Self::Float4 => "real",
            Self::Float8 => "double precision",
        }
    }
}

/// The Arrow type of decimals with this scale.
pub(super) fn decimal(scale: u8) -> DataType {
    DataType::Decimal128(NUMERIC_DIGITS_MAX, scale.cast_signed())
}

/// The operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `-` before one number.
    Negate,
    /// `~` before one integer.
    Complement,
}

impl Operation {
    const ALL: [Self; 7] =
        [Self::Plus, Self::Minus, Self::Times, Self::Divide, Self::Modulo, Self::Negate, Self::Complement];

    /// The name of the function.
    pub(super) fn function(self) -> &'static str {
        match self {
            Self::Plus => "number_plus",
            Self::Minus => "number_minus",
            Self::Times => "number_times",
            Self::Divide => "number_divide",
            Self::Modulo => "number_modulo",
            Self::Negate => "number_negate",
            Self::Complement => "number_complement",
        }
    }

    /// The operator as SQL writes it.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus | Self::Negate => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Complement => "~",
        }
    }

    fn is_unary(self) -> bool {
        matches!(self, Self::Negate | Self::Complement)
    }

    /// The kind of the result; none when numbers of these kinds do not have the operator.
    pub(super) fn result(self, left: Kind, right: Kind) -> Option<Kind> {
        let common = left.common(right);
        Some(match (self, common) {
            (Self::Modulo | Self::Complement, Kind::Float4 | Kind::Float8) | (Self::Complement, Kind::Numeric(_)) => {
                return None;
            }
            (_, Kind::Nothing) => Kind::Int4,
            (Self::Times, Kind::Numeric(_)) => Kind::Numeric(product_scale(left.scale(), right.scale())),
            (Self::Divide, Kind::Numeric(_)) => Kind::Numeric(QUOTIENT_SCALE),
            _ => common,
        })
    }

    /// The value of a constant expression, with exactly the digits that PostgreSQL gives it.
    pub(super) fn constant(self, left: &ScalarValue, right: &ScalarValue) -> Result<ScalarValue> {
        let exact = [left, right].map(|value| match value {
            ScalarValue::Decimal128(Some(value), _, scale) => {
                u8::try_from(*scale).ok().map(|scale| Numeric { value: *value, scale })
            }
            ScalarValue::Int16(Some(value)) => Some(Numeric::whole(i128::from(*value))),
            ScalarValue::Int32(Some(value)) => Some(Numeric::whole(i128::from(*value))),
            ScalarValue::Int64(Some(value)) => Some(Numeric::whole(i128::from(*value))),
            _ => None,
        });
        let is_decimal = [left, right].iter().any(|value| matches!(value, ScalarValue::Decimal128(..)));
        if let ([Some(dividend), Some(divisor)], Self::Divide, true) = (exact, self, is_decimal) {
            let quotient = dividend.divided_by(divisor).map_err(numeric_error)?;
            return Ok(decimal_constant(quotient));
        }
        let values = [left, right].map(|value| ColumnarValue::Scalar(value.clone()));
        let result = self.evaluate(&values, 1)?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn evaluate(self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let kind = |index: usize| match arguments.get(index) {
            Some(argument) => Kind::of(&argument.data_type()).ok_or_else(|| self.missing(arguments)),
            None => Ok(Kind::Nothing),
        };
        let (left, right) = (kind(0)?, kind(1)?);
        let result = self.result(left, right).ok_or_else(|| self.missing(arguments))?;
        match result {
            Kind::Numeric(scale) => {
                let scales = [left, right].map(|kind| decimal(kind.scale()));
                let columns = columns(arguments, rows, &scales)?;
                self.decimals(&columns, scale)
            }
            Kind::Float4 | Kind::Float8 => {
                let columns = columns(arguments, rows, &[DataType::Float64, DataType::Float64])?;
                self.floats(&columns, result)
            }
            _ => self.integers(arguments, result),
        }
    }

    fn missing(self, arguments: &[ColumnarValue]) -> DataFusionError {
        let types: Vec<String> = arguments
            .iter()
            .map(|argument| SqlType::from_arrow(&argument.data_type()).unwrap_or(SqlType::Unknown).spelling())
            .collect();
        no_operator(self.symbol(), &types)
    }

    fn integers(self, arguments: &[ColumnarValue], kind: Kind) -> Result<ArrayRef> {
        let mut operands = Vec::with_capacity(arguments.len());
        for argument in arguments {
            operands.push(operand(argument, &kind.arrow())?);
        }
        let result = match (self, operands.as_slice()) {
            (Self::Plus, [left, right]) => numeric::add(left.as_ref(), right.as_ref()),
            (Self::Minus, [left, right]) => numeric::sub(left.as_ref(), right.as_ref()),
            (Self::Times, [left, right]) => numeric::mul(left.as_ref(), right.as_ref()),
            (Self::Divide, [left, right]) => numeric::div(left.as_ref(), right.as_ref()),
            (Self::Modulo, [left, right]) => numeric::rem(left.as_ref(), right.as_ref()),
            (Self::Negate, [value]) => numeric::neg(value.get().0),
            (Self::Complement, [value]) => numeric::neg_wrapping(value.get().0).and_then(|negated| {
                let one = ScalarValue::new_one(&kind.arrow()).and_then(|one| one.to_scalar());
                let one = one.map_err(|error| ArrowError::ComputeError(error.to_string()))?;
                numeric::sub_wrapping(&negated, &one)
            }),
            _ => return Err(self.missing(arguments)),
        };
        result.map_err(|error| match error {
            ArrowError::DivideByZero => division_by_zero(),
            ArrowError::ArithmeticOverflow(_) => out_of_range(kind.name()),
            other => other.into(),
        })
    }

    fn decimals(self, columns: &[ArrayRef], scale: u8) -> Result<ArrayRef> {
        let left = columns.first().map(|column| column.as_primitive::<Decimal128Type>());
        let right = columns.get(1).map(|column| column.as_primitive::<Decimal128Type>());
        let Some(left) = left else { return Err(out_of_range("numeric")) };
        let scale_of = |column: &Decimal128Array| u8::try_from(column.scale()).unwrap_or_default();
        let mut values = Vec::with_capacity(left.len());
        for row in 0..left.len() {
            if left.is_null(row) || right.is_some_and(|right| right.is_null(row)) {
                values.push(None);
                continue;
            }
            let first = Numeric { value: left.value(row), scale: scale_of(left) };
            let second = right.map(|right| Numeric { value: right.value(row), scale: scale_of(right) });
            let result = self.decimal(first, second.unwrap_or(Numeric::whole(0)), scale);
            values.push(Some(result.map_err(numeric_error)?.value));
        }
        Ok(Arc::new(Decimal128Array::from(values).with_data_type(decimal(scale))))
    }

    fn decimal(self, left: Numeric, right: Numeric, scale: u8) -> std::result::Result<Numeric, NumericError> {
        match self {
            Self::Plus => left.plus(right)?.rescaled(scale),
            Self::Minus => left.plus(right.negated())?.rescaled(scale),
            Self::Times => left.times(right, scale),
            Self::Divide => left.quotient_of(right),
            Self::Modulo => left.remainder(right)?.rescaled(scale),
            Self::Negate | Self::Complement => Ok(left.negated()),
        }
    }

    fn floats(self, columns: &[ArrayRef], kind: Kind) -> Result<ArrayRef> {
        let left = columns.first().map(|column| column.as_primitive::<Float64Type>());
        let right = columns.get(1).map(|column| column.as_primitive::<Float64Type>());
        let Some(left) = left else { return Err(out_of_range("double precision")) };
        let mut values = Vec::with_capacity(left.len());
        for row in 0..left.len() {
            if left.is_null(row) || right.is_some_and(|right| right.is_null(row)) {
                values.push(None);
            } else {
                let second = right.map_or(0.0, |right| right.value(row));
                values.push(Some(self.float(left.value(row), second, kind)?));
            }
        }
        if kind == Kind::Float4 {
            let singles = values.into_iter().map(|value| value.map(single));
            return Ok(Arc::new(singles.collect::<Float32Array>()));
        }
        Ok(Arc::new(Float64Array::from(values)))
    }

    fn float(self, left: f64, right: f64, kind: Kind) -> Result<f64> {
        let exact = match self {
            Self::Plus => left + right,
            Self::Minus => left - right,
            Self::Times => left * right,
            Self::Divide if right == 0.0 && !left.is_nan() => return Err(division_by_zero()),
            Self::Divide => left / right,
            Self::Modulo | Self::Negate | Self::Complement => -left,
        };
        let result = if kind == Kind::Float4 { f64::from(single(exact)) } else { exact };
        if result.is_infinite() && !left.is_infinite() && !right.is_infinite() {
            return Err(sql_error(Code::NumericValueOutOfRange, "value out of range: overflow"));
        }
        let vanishes = match self {
            Self::Times => left != 0.0 && right != 0.0,
            Self::Divide => left != 0.0 && !right.is_infinite(),
            _ => false,
        };
        if result == 0.0 && vanishes {
            return Err(sql_error(Code::NumericValueOutOfRange, "value out of range: underflow"));
        }
        Ok(result)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a real keeps fewer digits")]
fn single(value: f64) -> f32 {
    value as f32
}

/// An argument as the engine's kernels take it: a constant stays one value.
fn operand(argument: &ColumnarValue, data_type: &DataType) -> Result<Box<dyn Datum>> {
    Ok(match argument {
        ColumnarValue::Scalar(value) => Box::new(value.cast_to(data_type)?.to_scalar()?),
        ColumnarValue::Array(array) => Box::new(strict_cast(array, data_type)?),
    })
}

fn columns(arguments: &[ColumnarValue], rows: usize, types: &[DataType]) -> Result<Vec<ArrayRef>> {
    let column = |(argument, data_type): (&ColumnarValue, &DataType)| {
        let array = match argument {
            ColumnarValue::Scalar(value) => value.cast_to(data_type)?.to_array_of_size(rows)?,
            ColumnarValue::Array(array) => Arc::clone(array),
        };
        strict_cast(&array, data_type)
    };
    arguments.iter().zip(types).map(column).collect()
}

/// A cast that fails where a value does not fit.
pub(super) fn strict_cast(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    if array.data_type() == data_type {
        return Ok(Arc::clone(array));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(array, data_type, &strict)?)
}

/// A decimal as a constant with its own digits.
pub(super) fn decimal_constant(value: Numeric) -> ScalarValue {
    ScalarValue::Decimal128(Some(value.value), NUMERIC_DIGITS_MAX, value.scale.cast_signed())
}

/// What a client is told when decimals have no result.
pub(super) fn numeric_error(error: NumericError) -> DataFusionError {
    match error {
        NumericError::TooLarge => {
            let text = format!("numeric value out of range: at most {NUMERIC_DIGITS_MAX} digits are supported");
            sql_error(Code::NumericValueOutOfRange, text)
        }
        NumericError::DivisionByZero => division_by_zero(),
        NumericError::NegativeRoot => {
            sql_error(Code::InvalidPowerArgument, "cannot take square root of a negative number")
        }
    }
}

fn division_by_zero() -> DataFusionError {
    sql_error(Code::DivisionByZero, "division by zero")
}

/// The error for an integer that does not fit its type.
pub(super) fn out_of_range(name: &str) -> DataFusionError {
    sql_error(Code::NumericValueOutOfRange, format!("{name} out of range"))
}

/// The error for an operator that operands of these types do not have.
pub(super) fn no_operator(symbol: &str, types: &[String]) -> DataFusionError {
    let text = match types {
        [left, right] => format!("operator does not exist: {left} {symbol} {right}"),
        other => format!("operator does not exist: {symbol} {}", other.join(", ")),
    };
    let hint = "No operator matches the given name and argument types. You might need to add explicit type casts.";
    let error = crate::types::SqlError::new(Code::UndefinedFunction, text).with_hint(hint);
    DataFusionError::External(Box::new(error))
}

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    Operation::ALL.map(|operation| ScalarUDF::new_from_impl(Arithmetic::new(operation))).to_vec()
}

/// The operator that a function of this file stands for, when it takes two numbers.
pub(in crate::planner) fn symbol(function: &str) -> Option<&'static str> {
    let found = Operation::ALL.into_iter().find(|operation| operation.function() == function)?;
    (!found.is_unary()).then(|| found.symbol())
}

/// An operator as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Arithmetic {
    operation: Operation,
    signature: Signature,
}

impl Arithmetic {
    fn new(operation: Operation) -> Self {
        let count = if operation.is_unary() { 1 } else { 2 };
        Self { operation, signature: Signature::any(count, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        self.operation.function()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let missing = || {
            let name = |data_type: &DataType| SqlType::from_arrow(data_type).unwrap_or(SqlType::Unknown).spelling();
            no_operator(self.operation.symbol(), &arguments.iter().map(name).collect::<Vec<_>>())
        };
        let mut kinds = arguments.iter().map(Kind::of);
        let left = kinds.next().flatten().ok_or_else(missing)?;
        let right = kinds.next().unwrap_or(Some(Kind::Nothing)).ok_or_else(missing)?;
        self.operation.result(left, right).map(Kind::arrow).ok_or_else(missing)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { arguments.number_rows };
        let result = self.operation.evaluate(&arguments.args, rows)?;
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}
