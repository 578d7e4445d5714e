//! Spans that are written out: `INTERVAL '1-2'`, `'90 min'::interval`, `INTERVAL '5' DAY`.
//!
//! PostgreSQL has more spellings of a span than the engine's parser. A span is read here, and
//! written again in the one spelling that both read alike; a text that is no span stays.

use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::sql::sqlparser::ast::{CastKind, DataType, DateTimeField, Expr, Interval, UnaryOperator};

use super::build::{last_part, text, text_of};
use crate::types::{read_interval, read_interval_of};

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::Interval(interval) => {
            if let Some(plain) = written(interval) {
                *interval.value = text(&plain);
                (interval.leading_field, interval.last_field) = (None, None);
            }
        }
        // The engine would turn the sign of the first field alone.
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
            if let Some(plain) = span_of(inner).and_then(negated) {
                *expr = plain_interval(&plain);
            }
        }
        Expr::Cast { expr: inner, data_type, kind, .. } if *kind != CastKind::TryCast && is_interval(data_type) => {
            // A text that is no span stays: reading it says so.
            if let Some(plain) = text_of(inner).and_then(spelled) {
                *expr = plain_interval(&plain);
            }
        }
        Expr::TypedString(typed) if is_interval(&typed.data_type) => {
            if let Some(plain) = typed.value.clone().into_string().as_deref().and_then(spelled) {
                *expr = plain_interval(&plain);
            }
        }
        _ => {}
    }
}

fn is_interval(data_type: &DataType) -> bool {
    match data_type {
        DataType::Interval { fields: None, .. } => true,
        DataType::Custom(name, arguments) => arguments.is_empty() && last_part(name).as_deref() == Some("interval"),
        _ => false,
    }
}

/// The span of a literal of this file's form.
fn span_of(expr: &Expr) -> Option<IntervalMonthDayNano> {
    match expr {
        Expr::Nested(inner) => span_of(inner),
        Expr::Interval(Interval { value, leading_field: None, .. }) => text_of(value).and_then(read_interval),
        _ => None,
    }
}

fn negated(span: IntervalMonthDayNano) -> Option<String> {
    let (months, days) = (span.months.checked_neg()?, span.days.checked_neg()?);
    Some(in_plain_units(IntervalMonthDayNano::new(months, days, span.nanoseconds.checked_neg()?)))
}

fn in_plain_units(span: IntervalMonthDayNano) -> String {
    format!("{} months {} days {} nanoseconds", span.months, span.days, span.nanoseconds)
}

/// A span that is written as a text.
pub(super) fn of_text(expr: &Expr) -> Option<Expr> {
    text_of(expr).and_then(spelled).map(|plain| plain_interval(&plain))
}

fn plain_interval(text_of_span: &str) -> Expr {
    Expr::Interval(Interval {
        value: Box::new(text(text_of_span)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}

fn spelled(text: &str) -> Option<String> {
    read_interval(text).map(in_plain_units)
}

/// A span with the field that it ends in: what is smaller is cut off.
fn written(interval: &Interval) -> Option<String> {
    let value = text_of(&interval.value)?;
    let (mut unit, mut least) = ("s", None);
    if let Some(field) = interval.last_field.as_ref().or(interval.leading_field.as_ref()) {
        unit = unit_of(field)?;
        least = Some(field);
    }
    // `'2:30' MINUTE TO SECOND` begins with minutes.
    let minutes = matches!(
        (&interval.leading_field, &interval.last_field),
        (Some(DateTimeField::Minute), Some(DateTimeField::Second))
    );
    let value = if minutes && value.matches(':').count() == 1 { format!("0:{value}") } else { value.to_owned() };
    let span = read_interval_of(&value, unit)?;
    let (mut months, mut days, mut us) = (span.months, span.days, span.nanoseconds / 1_000);
    match least {
        Some(DateTimeField::Year) => (months, days, us) = (months / 12 * 12, 0, 0),
        Some(DateTimeField::Month) => (days, us) = (0, 0),
        Some(DateTimeField::Day) => us = 0,
        Some(DateTimeField::Hour) => us = us / 3_600_000_000 * 3_600_000_000,
        Some(DateTimeField::Minute) => us = us / 60_000_000 * 60_000_000,
        _ => {}
    }
    Some(format!("{months} months {days} days {} nanoseconds", us * 1_000))
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
