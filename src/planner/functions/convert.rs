//! Casts as PostgreSQL makes them: `as_type(value, type, modifier)`.
//!
//! `cast_rules` puts the function where SQL writes a cast between numbers, texts, truth values, bytes or
//! arrays. Casts of instants, days and identities have rules of their own (`zone_rules`, `literals`).

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array,
    IntervalMonthDayNanoArray, ListArray, StringArray, Time64MicrosecondArray, new_null_array,
};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType,
};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::cast_text::shown_texts;
use super::function::sql_error;
use super::numbers::{Kind, decimal, numeric_error, out_of_range, strict_cast};
use crate::planner::rewrite::array_literal;
use crate::types::numeric::SHORTEST_SCALE;
use crate::types::{Code, Numeric, NumericError, SqlError, SqlType, read_bytes, read_interval, read_truth};

/// The name of the function.
pub(super) const AS_TYPE: &str = "as_type";

/// What a value is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// The type.
    pub(super) kind: SqlType,
    /// PostgreSQL's type modifier; -1 for none.
    pub(super) modifier: i32,
}

impl Target {
    /// The type of a field.
    pub(super) fn of_field(field: &Field) -> Self {
        Self { kind: SqlType::of_field(field), modifier: SqlType::modifier_of_field(field) }
    }

    /// The Arrow type of its values.
    pub(super) fn arrow(self) -> DataType {
        match self.kind {
            SqlType::Numeric => decimal(self.scale()),
            SqlType::NumericArray => {
                let item = Self { kind: SqlType::Numeric, ..self };
                DataType::List(Arc::new(Field::new("item", item.arrow(), true)))
            }
            other => other.arrow(),
        }
    }

    /// A field of this type.
    pub(super) fn field(self, name: &str) -> Field {
        let data_type = self.arrow();
        if self.modifier == -1 && SqlType::from_arrow(&data_type) == Some(self.kind) {
            return Field::new(name, data_type, true);
        }
        self.kind.marked_field(name, data_type, self.modifier)
    }

    fn scale(self) -> u8 {
        match self.precision() {
            Some((_, scale)) => scale,
            None => SHORTEST_SCALE,
        }
    }

    /// Precision and scale of a numeric that has them.
    fn precision(self) -> Option<(u32, u8)> {
        let modifier = u32::try_from(self.modifier.checked_sub(4)?).ok()?;
        Some((modifier >> 16, u8::try_from(modifier & 0x7ff).ok()?.min(38)))
    }

    /// Characters of a text that has a bound.
    fn length(self) -> Option<usize> {
        SqlType::length_of_modifier(self.modifier)
    }

    fn item(self) -> Option<Self> {
        self.kind.item().map(|kind| Self { kind, ..self })
    }
}

/// `as_type(value, type, modifier)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AsType {
    signature: Signature,
}

impl AsType {
    /// The function.
    pub(super) fn udf() -> ScalarUDF {
        ScalarUDF::new_from_impl(Self { signature: Signature::any(3, Volatility::Immutable) })
    }
}

fn target_of(kind: Option<&ScalarValue>, modifier: Option<&ScalarValue>) -> Result<Target> {
    let kind = kind.and_then(|kind| kind.try_as_str().flatten()).and_then(SqlType::from_name);
    let modifier = match modifier {
        Some(ScalarValue::Int64(Some(modifier))) => i32::try_from(*modifier).ok(),
        _ => None,
    };
    let target = kind.zip(modifier).map(|(kind, modifier)| Target { kind, modifier });
    target.ok_or_else(|| sql_error(Code::UndefinedFunction, "as_type takes a value, a type and a modifier"))
}

impl ScalarUDFImpl for AsType {
    fn name(&self) -> &'static str {
        AS_TYPE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("as_type is typed by its arguments' values".to_owned()))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let scalar = |index: usize| arguments.scalar_arguments.get(index).copied().flatten();
        Ok(Arc::new(target_of(scalar(1), scalar(2))?.field(AS_TYPE)))
    }

    fn simplify(&self, mut arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // Where the engine's cast means the same, statistics can prune by it.
        let (Some(first), [_, Expr::Literal(kind, _), Expr::Literal(modifier, _)]) =
            (arguments.first(), arguments.as_slice())
        else {
            return Ok(ExprSimplifyResult::Original(arguments));
        };
        let target = target_of(Some(kind), Some(modifier))?;
        if let Expr::Literal(value, _) = first {
            // What cannot be read is an error of the statement, also where no row would meet it.
            let source = SqlType::from_arrow(&value.data_type()).unwrap_or(SqlType::Text);
            converted(&value.to_array()?, source, target)?;
        }
        let from = info.get_data_type(first)?;
        let widens = matches!(
            (&from, target.kind),
            (DataType::Int16, SqlType::Int4 | SqlType::Int8 | SqlType::Float8)
                | (DataType::Int32, SqlType::Int8 | SqlType::Float8)
        );
        if widens && target.modifier == -1 {
            let inner = arguments.swap_remove(0);
            return Ok(ExprSimplifyResult::Simplified(Expr::Cast(Cast::new(Box::new(inner), target.arrow()))));
        }
        Ok(ExprSimplifyResult::Original(arguments))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let target = Target::of_field(&arguments.return_field);
        let Some((value, field)) = arguments.args.into_iter().next().zip(arguments.arg_fields.first()) else {
            return Err(sql_error(Code::UndefinedFunction, "as_type takes a value"));
        };
        let is_constant = matches!(value, ColumnarValue::Scalar(_));
        let array = value.into_array(if is_constant { 1 } else { arguments.number_rows })?;
        let result = converted(&array, SqlType::of_field(field), target)?;
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

/// A text as a constant of a type.
pub(super) fn read_constant(text: &str, target: Target) -> Result<ScalarValue> {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    ScalarValue::try_from_array(&converted(&array, SqlType::Text, target)?, 0)
}

/// The values as another type.
pub(super) fn converted(array: &ArrayRef, source: SqlType, target: Target) -> Result<ArrayRef> {
    if array.data_type().is_null() {
        return Ok(new_null_array(&target.arrow(), array.len()));
    }
    let is_alike = source == target.kind || source.item().is_some_and(|item| item.arrow() == SqlType::Text.arrow());
    if target.modifier == -1 && is_alike && array.data_type() == &target.arrow() && !target.kind.is_text() {
        return Ok(Arc::clone(array));
    }
    match target.kind {
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 => integers(array, source, target),
        SqlType::Float4 | SqlType::Float8 => floats(array, source, target),
        SqlType::Numeric => decimals(array, source, target),
        SqlType::Oid => ids(array, source),
        SqlType::Bool => truths(array, source),
        SqlType::Bytea => bytes(array, source),
        SqlType::Interval => spans(array, source),
        kind if kind.item().is_some() => lists(array, source, target),
        kind if kind.is_text() && matches!(source, SqlType::Inet | SqlType::Cidr) => {
            cut_texts(&super::networks::with_prefixes(&texts_of(array)?)?, target)
        }
        kind if kind.is_text() => cut_texts(&shown_texts(array, source)?, target),
        SqlType::Cidr => Ok(Arc::new(super::networks::networks_of(&texts_of(array)?, source)?)),
        SqlType::Inet | SqlType::Json | SqlType::Jsonb => Ok(Arc::new(shown_texts(array, source)?)),
        SqlType::Uuid if source.is_text() => super::events::uuids(&texts_of(array)?),
        SqlType::Uuid if array.data_type() == &target.arrow() => Ok(Arc::clone(array)),
        SqlType::Time if source == SqlType::Interval => times_of_day(array),
        SqlType::Date | SqlType::Time | SqlType::Timestamp if source.is_text() => strict_cast(array, &target.arrow()),
        _ => Err(no_cast(source, target.kind)),
    }
}

/// The error for types that have no cast.
fn no_cast(source: SqlType, target: SqlType) -> DataFusionError {
    let text = format!("cannot cast type {} to {}", source.spelling(), target.spelling());
    sql_error(Code::CannotCoerce, text)
}

/// The error for a text that is no value of a type.
pub(super) fn invalid(target: SqlType, text: &str) -> DataFusionError {
    let shown: String = text.chars().take(100).collect();
    let text = format!("invalid input syntax for type {}: \"{shown}\"", target.spelling());
    sql_error(Code::InvalidTextRepresentation, text)
}

fn spans(array: &ArrayRef, source: SqlType) -> Result<ArrayRef> {
    if source == SqlType::Time {
        let us = strict_cast(&strict_cast(array, &SqlType::Time.arrow())?, &DataType::Int64)?;
        let values = us.as_primitive::<Int64Type>().iter();
        let values = values.map(|us| us.map(|us| IntervalMonthDayNano::new(0, 0, us * 1_000)));
        return Ok(Arc::new(values.collect::<IntervalMonthDayNanoArray>()));
    }
    if !source.is_text() {
        return strict_cast(array, &SqlType::Interval.arrow());
    }
    let read = |text: &str| read_interval(text).ok_or_else(|| invalid(SqlType::Interval, text));
    let values = texts_of(array)?.iter().map(|text| text.map(read).transpose()).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(IntervalMonthDayNanoArray::from(values)))
}

/// What spans say of a time of day: days and months left out.
fn times_of_day(array: &ArrayRef) -> Result<ArrayRef> {
    let spans = strict_cast(array, &SqlType::Interval.arrow())?;
    let day = super::calendar::DAY_US;
    let of_day = |span: IntervalMonthDayNano| (span.nanoseconds / 1_000).rem_euclid(day);
    let spans = spans.as_primitive::<IntervalMonthDayNanoType>().iter();
    Ok(Arc::new(spans.map(|span| span.map(of_day)).collect::<Time64MicrosecondArray>()))
}

fn texts_of(array: &ArrayRef) -> Result<StringArray> {
    Ok(strict_cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn decimal_at(array: &Decimal128Array, row: usize) -> Numeric {
    Numeric { value: array.value(row), scale: u8::try_from(array.scale()).unwrap_or_default() }
}

/// Decimals of any width as those that this file reads.
fn narrow(array: &ArrayRef) -> Result<Decimal128Array> {
    let scale = Kind::of(array.data_type()).map_or(0, Kind::scale);
    Ok(strict_cast(array, &decimal(scale))?.as_primitive::<Decimal128Type>().clone())
}

fn integers(array: &ArrayRef, source: SqlType, target: Target) -> Result<ArrayRef> {
    let name = target.kind.spelling();
    let range = || out_of_range(&name);
    let whole: Int64Array = match source {
        SqlType::Float4 | SqlType::Float8 => {
            let floats = strict_cast(array, &DataType::Float64)?;
            let values = floats.as_primitive::<Float64Type>().iter().map(|value| {
                value
                    .map(|value| {
                        let rounded = value.round_ties_even();
                        // The bounds are powers of two, which floats hold exactly.
                        let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded);
                        #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
                        if fits { Ok(rounded as i64) } else { Err(range()) }
                    })
                    .transpose()
            });
            values.collect::<Result<_>>()?
        }
        SqlType::Numeric => {
            let decimals = narrow(array)?;
            let value = |row: usize| {
                let rounded = decimal_at(&decimals, row).rescaled(0).map_err(|_| range())?;
                i64::try_from(rounded.value).map_err(|_| range())
            };
            (0..decimals.len())
                .map(|row| decimals.is_valid(row).then(|| value(row)).transpose())
                .collect::<Result<_>>()?
        }
        SqlType::Bool if target.kind == SqlType::Int4 => {
            array.as_boolean().iter().map(|value| value.map(i64::from)).collect()
        }
        source if source.is_text() => {
            let texts = texts_of(array)?;
            texts.iter().map(|text| text.map(|text| integer(text, target.kind)).transpose()).collect::<Result<_>>()?
        }
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 => {
            strict_cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone()
        }
        SqlType::Oid if target.kind == SqlType::Int4 => return Ok(Arc::clone(array)),
        SqlType::Oid if target.kind == SqlType::Int8 => {
            let ids = strict_cast(array, &DataType::Int32)?;
            ids.as_primitive::<Int32Type>().iter().map(|id| id.map(|id| i64::from(id.cast_unsigned()))).collect()
        }
        other => return Err(no_cast(other, target.kind)),
    };
    let whole: ArrayRef = Arc::new(whole);
    strict_cast(&whole, &target.arrow()).map_err(|_| range())
}

/// Object ids: numbers without a sign, that travel in the bits of numbers with one.
fn ids(array: &ArrayRef, source: SqlType) -> Result<ArrayRef> {
    if array.data_type() == &DataType::Int32 {
        return Ok(Arc::clone(array));
    }
    let wide = Target { kind: SqlType::Int8, modifier: -1 };
    let numbers = match source {
        source if source.is_text() || matches!(source, SqlType::Int2 | SqlType::Int8) => integers(array, source, wide)?,
        other => return Err(no_cast(other, SqlType::Oid)),
    };
    let id = |number: i64| {
        let id = u32::try_from(number).map(u32::cast_signed).or_else(|_| i32::try_from(number));
        id.map_err(|_| out_of_range(&SqlType::Oid.spelling()))
    };
    let ids = numbers.as_primitive::<Int64Type>().iter().map(|number| number.map(id).transpose());
    Ok(Arc::new(ids.collect::<Result<Int32Array>>()?))
}

fn integer(text: &str, target: SqlType) -> Result<i64> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let too_large = || {
        let shown: String = text.chars().take(100).collect();
        let text = format!("value \"{shown}\" is out of range for type {}", target.spelling());
        sql_error(Code::NumericValueOutOfRange, text)
    };
    let value = text.trim().parse::<i64>().map_err(|error| match error.kind() {
        PosOverflow | NegOverflow => too_large(),
        _ => invalid(target, text),
    })?;
    let fits = match target {
        SqlType::Int2 => i16::try_from(value).is_ok(),
        SqlType::Int4 => i32::try_from(value).is_ok(),
        _ => true,
    };
    if fits { Ok(value) } else { Err(too_large()) }
}

fn floats(array: &ArrayRef, source: SqlType, target: Target) -> Result<ArrayRef> {
    let wide: Float64Array = match source {
        SqlType::Numeric => {
            let decimals = narrow(array)?;
            (0..decimals.len())
                .map(|row| decimals.is_valid(row).then(|| decimal_at(&decimals, row).to_float()))
                .collect()
        }
        source if source.is_text() => {
            let texts = texts_of(array)?;
            let read = |text: &str| if target.kind == SqlType::Float4 { single(text) } else { double(text) };
            texts.iter().map(|text| text.map(read).transpose()).collect::<Result<_>>()?
        }
        SqlType::Bool | SqlType::Bytea => return Err(no_cast(source, target.kind)),
        _ => strict_cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone(),
    };
    let wide: ArrayRef = Arc::new(wide);
    let result = strict_cast(&wide, &target.arrow())?;
    if target.kind == SqlType::Float4 {
        let singles = result.as_primitive::<Float32Type>();
        let lost = |(wide, single): (Option<f64>, Option<f32>)| match (wide, single) {
            (Some(wide), Some(single)) => (single.is_infinite() && wide.is_finite()) || (single == 0.0 && wide != 0.0),
            _ => false,
        };
        if wide.as_primitive::<Float64Type>().iter().zip(singles.iter()).any(lost) {
            return Err(sql_error(Code::NumericValueOutOfRange, "value out of range: overflow"));
        }
    }
    Ok(result)
}

/// What Rust reads as a float and PostgreSQL too: digits, and the names of what is not finite.
fn double(text: &str) -> Result<f64> {
    let value: f64 = text.trim().parse().map_err(|_| invalid(SqlType::Float8, text))?;
    checked_float(value, text, SqlType::Float8)
}

fn single(text: &str) -> Result<f64> {
    let value: f32 = text.trim().parse().map_err(|_| invalid(SqlType::Float4, text))?;
    checked_float(f64::from(value), text, SqlType::Float4)
}

fn checked_float(value: f64, text: &str, target: SqlType) -> Result<f64> {
    let digits = text.trim();
    let names_infinity = digits.contains(['n', 'N']);
    let has_digits =
        digits.split(['e', 'E']).next().is_some_and(|mantissa| mantissa.contains(|c: char| ('1'..='9').contains(&c)));
    if (value.is_infinite() && !names_infinity) || (value == 0.0 && has_digits) {
        let shown: String = digits.chars().take(100).collect();
        let text = format!("\"{shown}\" is out of range for type {}", target.spelling());
        return Err(sql_error(Code::NumericValueOutOfRange, text));
    }
    Ok(value)
}

fn overflow(precision: u32, scale: u8) -> SqlError {
    let whole = i64::from(precision) - i64::from(scale);
    let most = if whole == 0 { String::from("1") } else { format!("10^{whole}") };
    let detail =
        format!("A field with precision {precision}, scale {scale} must round to an absolute value less than {most}.");
    SqlError::new(Code::NumericValueOutOfRange, "numeric field overflow").with_detail(detail)
}

fn decimals(array: &ArrayRef, source: SqlType, target: Target) -> Result<ArrayRef> {
    let fit = |value: std::result::Result<Numeric, NumericError>| -> Result<i128> {
        let rounded = value.and_then(|value| value.rescaled(target.scale())).map_err(numeric_error)?;
        match target.precision() {
            Some((precision, scale)) if rounded.value.unsigned_abs() >= 10_u128.pow(precision.min(38)) => {
                Err(DataFusionError::External(Box::new(overflow(precision, scale))))
            }
            _ => Ok(rounded.value),
        }
    };
    let values: Vec<Option<i128>> = match source {
        SqlType::Float4 | SqlType::Float8 => {
            let floats = strict_cast(array, &DataType::Float64)?;
            let is_single = source == SqlType::Float4;
            let read = |value: f64| if is_single { of_single(value) } else { Numeric::of_float(value) };
            floats
                .as_primitive::<Float64Type>()
                .iter()
                .map(|value| value.map(|value| fit(read(value))).transpose())
                .collect::<Result<_>>()?
        }
        source if source.is_text() => {
            let read = |text: &str| match Numeric::parse(text) {
                Some(value) => fit(value),
                None => Err(not_numeric(text)),
            };
            texts_of(array)?.iter().map(|text| text.map(read).transpose()).collect::<Result<_>>()?
        }
        SqlType::Bool | SqlType::Bytea => return Err(no_cast(source, SqlType::Numeric)),
        _ => {
            let decimals = narrow(array)?;
            let value = |row: usize| decimals.is_valid(row).then(|| fit(Ok(decimal_at(&decimals, row)))).transpose();
            (0..decimals.len()).map(value).collect::<Result<_>>()?
        }
    };
    Ok(Arc::new(Decimal128Array::from(values).with_data_type(target.arrow())))
}

/// A real has six digits for PostgreSQL.
fn of_single(value: f64) -> std::result::Result<Numeric, NumericError> {
    Numeric::parse(&format!("{value:.5e}")).unwrap_or(Err(NumericError::TooLarge)).map(Numeric::without_zeros)
}

fn not_numeric(text: &str) -> DataFusionError {
    let lower = text.trim().trim_start_matches(['+', '-']).to_ascii_lowercase();
    if ["nan", "inf", "infinity"].contains(&lower.as_str()) {
        return sql_error(Code::FeatureNotSupported, "NaN and infinity of type numeric are not supported");
    }
    invalid(SqlType::Numeric, text)
}

fn truths(array: &ArrayRef, source: SqlType) -> Result<ArrayRef> {
    let values: BooleanArray = match source {
        SqlType::Int4 => {
            let whole = strict_cast(array, &DataType::Int64)?;
            whole.as_primitive::<Int64Type>().iter().map(|value| value.map(|value| value != 0)).collect()
        }
        source if source.is_text() => {
            let read = |text: &str| read_truth(text).ok_or_else(|| invalid(SqlType::Bool, text));
            texts_of(array)?.iter().map(|text| text.map(read).transpose()).collect::<Result<_>>()?
        }
        SqlType::Bool => return Ok(Arc::clone(array)),
        other => return Err(no_cast(other, SqlType::Bool)),
    };
    Ok(Arc::new(values))
}

fn bytes(array: &ArrayRef, source: SqlType) -> Result<ArrayRef> {
    if source == SqlType::Bytea {
        return strict_cast(array, &DataType::Binary);
    }
    if !source.is_text() {
        return Err(no_cast(source, SqlType::Bytea));
    }
    let texts = texts_of(array)?;
    let read = |text: &str| read_bytes(text).ok_or_else(|| no_bytes(text));
    let values = texts.iter().map(|text| text.map(read).transpose()).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(values.iter().map(|value| value.as_deref()).collect::<BinaryArray>()))
}

/// The error for a text that spells no bytes.
pub(super) fn no_bytes(text: &str) -> DataFusionError {
    let Some(digits) = text.strip_prefix("\\x") else { return invalid(SqlType::Bytea, text) };
    let wrong = digits.chars().find(|digit| !digit.is_ascii_hexdigit() && !digit.is_ascii_whitespace());
    let told = match wrong {
        Some(digit) => format!("invalid hexadecimal digit: \"{digit}\""),
        None => "invalid hexadecimal data: odd number of digits".to_owned(),
    };
    sql_error(Code::InvalidParameterValue, told)
}

fn cut_texts(texts: &StringArray, target: Target) -> Result<ArrayRef> {
    let cut = |text: &str| -> String {
        match (target.kind, target.length()) {
            (SqlType::Varchar, Some(length)) => text.chars().take(length).collect(),
            // Blanks at the end mean nothing: they are shown (`pg::encode`), but not kept.
            (SqlType::Bpchar, Some(length)) => {
                text.chars().take(length).collect::<String>().trim_end_matches(' ').to_owned()
            }
            (SqlType::Name, _) => text.chars().take(63).collect(),
            (SqlType::Char, _) => text.chars().take(1).collect(),
            _ => text.to_owned(),
        }
    };
    Ok(Arc::new(texts.iter().map(|text| text.map(cut)).collect::<StringArray>()))
}

fn lists(array: &ArrayRef, source: SqlType, target: Target) -> Result<ArrayRef> {
    let Some(item) = target.item() else { return Err(no_cast(source, target.kind)) };
    let DataType::List(field) = target.arrow() else { return Err(no_cast(source, target.kind)) };
    if let Some(lists) = array.as_list_opt::<i32>() {
        let from = source.item().unwrap_or(SqlType::Text);
        let values = converted(lists.values(), from, item)?;
        let values = strict_cast(&values, field.data_type())?;
        return Ok(Arc::new(ListArray::try_new(field, lists.offsets().clone(), values, lists.nulls().cloned())?));
    }
    let texts = texts_of(array)?;
    let (mut items, mut lengths, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
    for text in &texts {
        let elements = text.map(|text| array_literal(text).ok_or_else(|| malformed(text))).transpose()?;
        nulls.push(elements.is_some());
        let elements = elements.unwrap_or_default();
        lengths.push(elements.len());
        items.extend(elements);
    }
    let items: ArrayRef = Arc::new(StringArray::from(items));
    let values = converted(&items, SqlType::Text, item)?;
    let values = strict_cast(&values, field.data_type())?;
    let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls.into()))?))
}

fn malformed(text: &str) -> DataFusionError {
    let shown: String = text.chars().take(100).collect();
    sql_error(Code::InvalidTextRepresentation, format!("malformed array literal: \"{shown}\""))
}
