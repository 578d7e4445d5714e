//! Span literals in all of PostgreSQL's forms: `interval '1 day 02:00'`, `'P1D'::interval`, `interval '1' day`.
//!
//! They become the one form that the engine reads as a constant.

use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::sql::sqlparser::ast::{DataType, DateTimeField, Expr, Interval, UnaryOperator};

use super::build::{last_part, text, text_of};
use crate::types::interval;

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    let negative = match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => span_of(inner).and_then(negated),
        _ => None,
    };
    if let Some(span) = negative {
        *expr = literal(span);
        return;
    }
    let written = match expr {
        Expr::Interval(Interval { value, leading_field: None, last_field: None, .. }) => {
            text_of(value).map(str::to_owned)
        }
        Expr::Interval(Interval { value, leading_field: Some(field), last_field: None, .. }) => {
            text_of(value).zip(unit_of(field)).map(|(text, unit)| format!("{text} {unit}"))
        }
        Expr::Cast { expr: inner, data_type, .. } if is_interval(data_type) => text_of(inner).map(str::to_owned),
        Expr::TypedString(typed) if is_interval(&typed.data_type) => typed.value.clone().into_string(),
        _ => None,
    };
    // A text that is no span stays: reading it says so.
    if let Some(span) = written.as_deref().and_then(interval::read) {
        *expr = literal(span);
    }
}

fn literal(span: IntervalMonthDayNano) -> Expr {
    let plain = format!("{} months {} days {} nanoseconds", span.months, span.days, span.nanoseconds);
    Expr::Interval(Interval {
        value: Box::new(text(&plain)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}

/// The span of a literal of this file's form: the engine's own minus would turn its first number only.
fn span_of(expr: &Expr) -> Option<IntervalMonthDayNano> {
    match expr {
        Expr::Nested(inner) => span_of(inner),
        Expr::Interval(Interval { value, leading_field: None, .. }) => {
            let mut words = text_of(value)?.split_whitespace();
            let mut number = |unit: &str| {
                let digits = words.next()?;
                (words.next()? == unit).then(|| digits.parse::<i64>().ok())?
            };
            let (months, days, nanoseconds) = (number("months")?, number("days")?, number("nanoseconds")?);
            Some(IntervalMonthDayNano::new(i32::try_from(months).ok()?, i32::try_from(days).ok()?, nanoseconds))
        }
        _ => None,
    }
}

fn negated(span: IntervalMonthDayNano) -> Option<IntervalMonthDayNano> {
    let (months, days) = (span.months.checked_neg()?, span.days.checked_neg()?);
    Some(IntervalMonthDayNano::new(months, days, span.nanoseconds.checked_neg()?))
}

fn is_interval(data_type: &DataType) -> bool {
    match data_type {
        DataType::Interval { fields: None, .. } => true,
        DataType::Custom(name, arguments) => arguments.is_empty() && last_part(name).as_deref() == Some("interval"),
        _ => false,
    }
}

fn unit_of(field: &DateTimeField) -> Option<&'static str> {
    Some(match field {
        DateTimeField::Year => "year",
        DateTimeField::Month => "month",
        DateTimeField::Day => "day",
        DateTimeField::Hour => "hour",
        DateTimeField::Minute => "minute",
        DateTimeField::Second => "second",
        _ => return None,
    })
}
