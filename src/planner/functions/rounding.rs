//! `round`, `trunc`, `ceil`, `floor`, `abs`, `sign`, `sqrt`, `power`, `mod`, `div`, `exp`, `ln`, `log`.
//!
//! PostgreSQL has each of them twice: decimals give decimals, rounded half away from zero; all other
//! numbers are floats, rounded half to even. `abs` and `mod` keep integers. They stand in for the
//! engine's functions of the same names.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::function::sql_error;
use super::numbers::{Kind, decimal, numeric_error, out_of_range, strict_cast};
use crate::types::numeric::{Cut, QUOTIENT_SCALE, SHORTEST_SCALE, plain_scale};
use crate::types::{Code, Numeric, SqlError, SqlType, logarithm};

/// Largest exponent whose power is multiplied out exactly.
const EXACT_EXPONENT_MAX: i128 = 128;

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Cut(Cut),
    Abs,
    Sign,
    Sqrt,
    Power,
    Mod,
    Div,
    Exp,
    Ln,
    Log,
}

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let jobs: [(&str, &[&str], Job); 13] = [
        ("round", &[], Job::Cut(Cut::Round)),
        ("trunc", &[], Job::Cut(Cut::Truncate)),
        ("ceil", &["ceiling"], Job::Cut(Cut::Ceiling)),
        ("floor", &[], Job::Cut(Cut::Floor)),
        ("abs", &[], Job::Abs),
        ("sign", &["signum"], Job::Sign),
        ("sqrt", &[], Job::Sqrt),
        ("power", &["pow"], Job::Power),
        ("mod", &[], Job::Mod),
        ("div", &[], Job::Div),
        ("exp", &[], Job::Exp),
        ("ln", &[], Job::Ln),
        ("log", &["log10"], Job::Log),
    ];
    jobs.map(|(name, aliases, job)| ScalarUDF::new_from_impl(NumberFunction::new(name, aliases, job))).to_vec()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NumberFunction {
    name: &'static str,
    aliases: Vec<String>,
    job: Job,
    signature: Signature,
}

impl NumberFunction {
    fn new(name: &'static str, aliases: &[&str], job: Job) -> Self {
        let counts = match job {
            Job::Cut(Cut::Round | Cut::Truncate) | Job::Log => vec![TypeSignature::Any(1), TypeSignature::Any(2)],
            Job::Power | Job::Mod | Job::Div => vec![TypeSignature::Any(2)],
            _ => vec![TypeSignature::Any(1)],
        };
        let signature = Signature::one_of(counts, Volatility::Immutable);
        Self { name, aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(), job, signature }
    }

    fn missing(&self, types: &[DataType]) -> DataFusionError {
        let name = |data_type: &DataType| SqlType::from_arrow(data_type).unwrap_or(SqlType::Unknown).spelling();
        let types: Vec<String> = types.iter().map(name).collect();
        let text = format!("function {}({}) does not exist", self.name, types.join(", "));
        let hint = "No function matches the given name and argument types. You might need to add explicit type casts.";
        DataFusionError::External(Box::new(SqlError::new(Code::UndefinedFunction, text).with_hint(hint)))
    }

    /// The kind of the result of arguments of these kinds.
    fn result(&self, kinds: &[Kind], digits: Option<i64>) -> Option<Kind> {
        let first = *kinds.first()?;
        let common = kinds.iter().copied().fold(Kind::Nothing, Kind::common);
        Some(match (self.job, kinds.len()) {
            (Job::Cut(_), 2) => match first {
                Kind::Float4 | Kind::Float8 => return None,
                _ => Kind::Numeric(cut_scale(digits)),
            },
            (Job::Cut(_) | Job::Sign, _) if is_decimal(first) => Kind::Numeric(0),
            (Job::Abs, _) if first == Kind::Nothing => Kind::Float8,
            (Job::Abs, _) => first,
            (Job::Mod, _) => match common {
                Kind::Float4 | Kind::Float8 => return None,
                Kind::Nothing => Kind::Int4,
                other => other,
            },
            (Job::Div, _) => match common {
                Kind::Float4 | Kind::Float8 => return None,
                _ => Kind::Numeric(0),
            },
            (Job::Log, 2) => match common {
                Kind::Float4 | Kind::Float8 => return None,
                _ => Kind::Numeric(QUOTIENT_SCALE),
            },
            _ if is_decimal(common) => Kind::Numeric(QUOTIENT_SCALE),
            _ => Kind::Float8,
        })
    }

    fn decimals(&self, columns: &[ArrayRef], scale: u8) -> Result<ArrayRef> {
        let rows = columns.first().map_or(0, |column| column.len());
        let mut values = Vec::with_capacity(rows);
        for row in 0..rows {
            if columns.iter().any(|column| column.is_null(row)) {
                values.push(None);
                continue;
            }
            let number = |index: usize| {
                let column = columns.get(index)?.as_primitive_opt::<Decimal128Type>()?;
                Some(Numeric { value: column.value(row), scale: u8::try_from(column.scale()).unwrap_or_default() })
            };
            let digits = columns.get(1).and_then(|column| column.as_primitive_opt::<Int64Type>());
            let first = number(0).unwrap_or(Numeric::whole(0));
            let result = self.decimal(first, number(1), digits.map_or(0, |digits| digits.value(row)))?;
            values.push(Some(result.rescaled(scale).map_err(numeric_error)?.value));
        }
        Ok(Arc::new(Decimal128Array::from(values).with_data_type(decimal(scale))))
    }

    fn decimal(&self, value: Numeric, other: Option<Numeric>, digits: i64) -> Result<Numeric> {
        let second = other.unwrap_or(Numeric::whole(0));
        match self.job {
            Job::Cut(cut) => {
                let digits = i32::try_from(digits.clamp(-100, 100)).unwrap_or_default();
                value.rounded(digits, cut).map(Numeric::without_zeros).map_err(numeric_error)
            }
            Job::Abs => Ok(Numeric { value: value.value.abs(), ..value }),
            Job::Sign => Ok(Numeric::whole(value.value.signum())),
            Job::Sqrt => value.root(value.root_scale()).map_err(numeric_error),
            Job::Mod => value.remainder(second).map_err(numeric_error),
            Job::Div => value.whole_quotient(second).map_err(numeric_error),
            Job::Power => power(value, second),
            Job::Exp => logarithm::exp(value).map_err(numeric_error),
            Job::Ln | Job::Log => self.logarithm(value, other),
        }
    }

    fn logarithm(&self, value: Numeric, other: Option<Numeric>) -> Result<Numeric> {
        // What has no logarithm is an error of floats, too.
        for number in [Some(value), other].into_iter().flatten() {
            self.float(number.to_float(), None)?;
        }
        let result = match (self.job, other) {
            (Job::Log, Some(number)) => logarithm::log(value, number),
            (Job::Log, None) => logarithm::log10(value),
            _ => logarithm::ln(value),
        };
        result.map_err(numeric_error)
    }

    fn floats(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let first = columns.first().map(|column| column.as_primitive::<Float64Type>());
        let second = columns.get(1).map(|column| column.as_primitive::<Float64Type>());
        let Some(first) = first else { return Err(out_of_range("double precision")) };
        let mut values = Vec::with_capacity(first.len());
        for row in 0..first.len() {
            let is_null = first.is_null(row) || second.is_some_and(|second| second.is_null(row));
            let value = || self.float(first.value(row), second.map(|second| second.value(row)));
            values.push(if is_null { None } else { Some(value()?) });
        }
        Ok(Arc::new(Float64Array::from(values)))
    }

    fn float(&self, value: f64, second: Option<f64>) -> Result<f64> {
        let second = second.unwrap_or(0.0);
        let result = match self.job {
            Job::Cut(Cut::Round) => value.round_ties_even(),
            Job::Cut(Cut::Truncate) => value.trunc(),
            Job::Cut(Cut::Ceiling) => value.ceil(),
            Job::Cut(Cut::Floor) => value.floor(),
            Job::Abs => value.abs(),
            Job::Sign => {
                if value == 0.0 || value.is_nan() {
                    value
                } else {
                    value.signum()
                }
            }
            Job::Sqrt if value < 0.0 => {
                let text = "cannot take square root of a negative number";
                return Err(sql_error(Code::InvalidPowerArgument, text));
            }
            Job::Sqrt => value.sqrt(),
            Job::Power => return float_power(value, second),
            Job::Exp => value.exp(),
            Job::Ln | Job::Log if value == 0.0 => {
                return Err(sql_error(Code::InvalidLogarithmArgument, "cannot take logarithm of zero"));
            }
            Job::Ln | Job::Log if value < 0.0 => {
                let text = "cannot take logarithm of a negative number";
                return Err(sql_error(Code::InvalidLogarithmArgument, text));
            }
            Job::Ln => value.ln(),
            Job::Log => value.log10(),
            Job::Mod | Job::Div => value % second,
        };
        finite(result, value)
    }
}

fn is_decimal(kind: Kind) -> bool {
    matches!(kind, Kind::Numeric(_))
}

/// The scale of a rounded number: what was written, or by value where it was not.
fn cut_scale(digits: Option<i64>) -> u8 {
    digits.map_or(SHORTEST_SCALE, |digits| plain_scale(u8::try_from(digits.clamp(0, 38)).unwrap_or_default()))
}

fn finite(result: f64, value: f64) -> Result<f64> {
    if result.is_infinite() && value.is_finite() {
        return Err(sql_error(Code::NumericValueOutOfRange, "value out of range: overflow"));
    }
    Ok(result)
}

fn float_power(base: f64, exponent: f64) -> Result<f64> {
    if base == 0.0 && exponent < 0.0 {
        let text = "zero raised to a negative power is undefined";
        return Err(sql_error(Code::InvalidPowerArgument, text));
    }
    if base < 0.0 && exponent.fract() != 0.0 && exponent.is_finite() {
        let text = "a negative number raised to a non-integer power yields a complex result";
        return Err(sql_error(Code::InvalidPowerArgument, text));
    }
    finite(base.powf(exponent), base)
}

/// A float's digits in the scale of quotients.
fn of_float(value: f64) -> Result<Numeric> {
    let text = format!("{value:.16e}");
    let parsed = Numeric::parse(&text).unwrap_or(Err(crate::types::NumericError::TooLarge));
    match parsed {
        Ok(number) => number.rescaled(QUOTIENT_SCALE).map_err(numeric_error),
        Err(_) if value.abs() < 1e-20 => Ok(Numeric::whole(0)),
        Err(error) => Err(numeric_error(error)),
    }
}

/// A power: multiplied out for small whole exponents, else through floats.
fn power(base: Numeric, exponent: Numeric) -> Result<Numeric> {
    let whole = exponent.without_zeros();
    if base.value > 0 && whole.scale > 0 {
        return logarithm::power(base, exponent).map_err(numeric_error);
    }
    if whole.scale > 0 || whole.value.abs() > EXACT_EXPONENT_MAX {
        return of_float(float_power(base.to_float(), exponent.to_float())?);
    }
    if base.value == 0 && whole.value < 0 {
        float_power(0.0, -1.0)?;
    }
    let mut result = Numeric::whole(1);
    for _ in 0..whole.value.abs() {
        let scale = (result.scale + base.scale).min(QUOTIENT_SCALE);
        result = result.times(base, scale).map_err(numeric_error)?;
    }
    if whole.value < 0 { Numeric::whole(1).divided_by(result) } else { Ok(result) }.map_err(numeric_error)
}

impl ScalarUDFImpl for NumberFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let kinds: Option<Vec<Kind>> = arguments.iter().map(Kind::of).collect();
        let kind = kinds.and_then(|kinds| self.result(&kinds, None));
        kind.map(Kind::arrow).ok_or_else(|| self.missing(arguments))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let kinds: Option<Vec<Kind>> = types.iter().map(Kind::of).collect();
        let kind = kinds.and_then(|kinds| self.result(&kinds, written_digits(arguments.scalar_arguments)));
        let data_type = kind.map(Kind::arrow).ok_or_else(|| self.missing(&types))?;
        Ok(Arc::new(Field::new(self.name, data_type, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { arguments.number_rows };
        let arrays =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<Vec<_>>>()?;
        let result = self.evaluate(&arrays, arguments.return_field.data_type())?;
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

impl NumberFunction {
    fn evaluate(&self, arrays: &[ArrayRef], result: &DataType) -> Result<ArrayRef> {
        let kind = Kind::of(result).ok_or_else(|| out_of_range("numeric"))?;
        let in_decimal = |array: &ArrayRef| {
            let scale = Kind::of(array.data_type()).map_or(0, Kind::scale);
            strict_cast(array, &decimal(scale))
        };
        match kind {
            Kind::Numeric(scale) => {
                let cuts = matches!(self.job, Job::Cut(_));
                let columns = arrays.iter().enumerate().map(|(index, array)| {
                    if cuts && index == 1 { strict_cast(array, &DataType::Int64) } else { in_decimal(array) }
                });
                self.decimals(&columns.collect::<Result<Vec<_>>>()?, scale)
            }
            Kind::Float4 | Kind::Float8 => {
                let columns = arrays.iter().map(|array| strict_cast(array, &DataType::Float64));
                strict_cast(&self.floats(&columns.collect::<Result<Vec<_>>>()?)?, result)
            }
            _ => {
                let columns = arrays.iter().map(in_decimal).collect::<Result<Vec<_>>>()?;
                let decimals = self.decimals(&columns, 0)?;
                strict_cast(&decimals, result)
                    .map_err(|_| out_of_range(SqlType::from_arrow(result).unwrap_or(SqlType::Int4).spelling().as_str()))
            }
        }
    }
}

/// The digits that a statement writes out. Such an argument is the engine's own kind of literal from the
/// start (`rewrite::numbers` leaves it); any other may become a constant later, and must not change the type.
fn written_digits(arguments: &[Option<&ScalarValue>]) -> Option<i64> {
    match arguments.get(1).copied().flatten() {
        Some(ScalarValue::Int64(digits)) => *digits,
        _ => None,
    }
}
