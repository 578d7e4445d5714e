//! `timestamp(0)`, `timestamptz(3)`, `time(2)`: the cast without its precision, and the rounding around it.

use datafusion::sql::sqlparser::ast::{DataType, Expr};

use super::build::{call, null, number};

/// Digits of a second that every instant has.
const DIGITS_MAX: u64 = 6;

/// The precision that a cast to a time names.
pub(super) fn of(expr: &Expr) -> Option<u64> {
    let data_type = match expr {
        Expr::Cast { data_type, .. } => data_type,
        Expr::TypedString(typed) => &typed.data_type,
        _ => return None,
    };
    match data_type {
        DataType::Timestamp(precision, _) | DataType::Time(precision, _) => *precision,
        DataType::Custom(_, arguments) if data_type.to_string().to_lowercase().starts_with("timestamptz(") => {
            arguments.first()?.parse().ok()
        }
        _ => None,
    }
}

/// Rounds what the cast gives.
pub(super) fn apply(expr: &mut Expr, precision: Option<u64>) {
    if let Some(digits) = precision.filter(|digits| *digits <= DIGITS_MAX) {
        let value = std::mem::replace(expr, null());
        *expr = call("rounded_time", vec![value, number(&digits.to_string())]);
    }
}
