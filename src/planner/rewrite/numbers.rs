//! Number literals with PostgreSQL's types: int4, else int8, else numeric with the digits that are written.
//!
//! The engine would read them as 64-bit integers and floats. Here they get casts that say their types;
//! where SQL wants a bare number - LIMIT, ORDER BY 1, a window's frame - [`bare`] takes the cast off again.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    Ident, LimitClause, NamedWindowExpr, ObjectName, ObjectNamePart, OrderByKind, Query, Select, UnaryOperator, Value,
    WindowFrameBound, WindowSpec, WindowType,
};

use super::build::{call, last_part, number, text, text_of};
use crate::types::Numeric;

/// The type of literals with a point; `functions::type_names` knows it.
pub(super) const LITERAL: &str = "numeric_literal";
/// Functions whose second argument says how many digits the result has: it stays bare, see `functions::rounding`.
const DIGIT_FUNCTIONS: &[&str] = &["round", "trunc"];

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::Value(value) => {
            if let Value::Number(digits, _) = &value.value
                && let Some(typed) = typed(digits)
            {
                *expr = typed;
            }
        }
        Expr::UnaryOp { op, expr: operand } => {
            let rewritten = match op {
                UnaryOperator::Minus => digits_of(operand).and_then(|digits| {
                    let digits = digits.strip_prefix('-').map_or_else(|| format!("-{digits}"), str::to_owned);
                    typed(&digits).or_else(|| is_int8(&digits).then(|| negative(&digits)))
                }),
                UnaryOperator::PGAbs => Some(call("abs", vec![operand.as_ref().clone()])),
                UnaryOperator::PGSquareRoot => Some(call("sqrt", vec![float(operand)])),
                UnaryOperator::PGCubeRoot => Some(call("cbrt", vec![float(operand)])),
                UnaryOperator::BitwiseNot => Some(call("number_complement", vec![operand.as_ref().clone()])),
                _ => None,
            };
            if let Some(rewritten) = rewritten {
                *expr = rewritten;
            }
        }
        Expr::Function(function) => bare_arguments(function),
        Expr::Cast { expr: inner, data_type, .. } if is_plain_numeric(data_type) => {
            // The digits that are written are those that are shown.
            let digits = text_of(inner).map(str::to_owned).or_else(|| digits_of(inner));
            if let Some(literal) = digits.and_then(|digits| decimal(digits.trim())) {
                *expr = literal;
            }
        }
        // A float may be larger than any numeric here: the digits are read as a float at once.
        Expr::Cast { expr: inner, data_type, .. } if is_float(data_type) => {
            if let Expr::Cast { expr: digits, data_type: DataType::Numeric(ExactNumberInfo::None), .. } = inner.as_ref()
                && text_of(digits).is_some()
            {
                *inner = digits.clone();
            }
        }
        _ => {}
    }
}

fn is_plain_numeric(data_type: &DataType) -> bool {
    match data_type {
        DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None) => true,
        DataType::Custom(name, arguments) => arguments.is_empty() && last_part(name).as_deref() == Some("numeric"),
        _ => false,
    }
}

fn is_float(data_type: &DataType) -> bool {
    match data_type {
        DataType::DoublePrecision | DataType::Real | DataType::Float(_) | DataType::Float4 | DataType::Float8 => true,
        DataType::Custom(name, arguments) => {
            arguments.is_empty() && matches!(last_part(name).as_deref(), Some("float4" | "float8"))
        }
        _ => false,
    }
}

fn float(operand: &Expr) -> Expr {
    cast(operand.clone(), DataType::DoublePrecision, false)
}

fn is_int8(digits: &str) -> bool {
    digits.parse::<i64>().is_ok()
}

/// A negative number that the engine reads as 64 bits.
fn negative(digits: &str) -> Expr {
    cast(number(digits.trim_start_matches('-')), DataType::BigInt(None), digits.starts_with('-'))
}

fn cast(value: Expr, data_type: DataType, minus: bool) -> Expr {
    let value = if minus { Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(value) } } else { value };
    Expr::Cast { kind: CastKind::DoubleColon, expr: Box::new(value), data_type, array: false, format: None }
}

/// The literal under a cast to its type; none for 64-bit integers, which the engine reads as such.
fn typed(digits: &str) -> Option<Expr> {
    let (minus, plain) = digits.strip_prefix('-').map_or((false, digits), |rest| (true, rest));
    let plain = plain.replace('_', "");
    if plain.bytes().all(|byte| byte.is_ascii_digit()) {
        if format!("{}{plain}", if minus { "-" } else { "" }).parse::<i32>().is_ok() {
            return Some(cast(number(&plain), DataType::Int(None), minus));
        }
        if is_int8(&format!("{}{plain}", if minus { "-" } else { "" })) {
            return None;
        }
    }
    decimal(&format!("{}{plain}", if minus { "-" } else { "" }))
}

/// A decimal literal with the digits that are written; none when the text is no number.
fn decimal(digits: &str) -> Option<Expr> {
    let (minus, plain) = digits.strip_prefix('-').map_or((false, digits), |rest| (true, rest));
    let scale = match Numeric::parse(plain)? {
        Ok(value) => value.scale,
        // Reading it says that it has too many digits.
        Err(_) => return Some(cast(text(digits), DataType::Numeric(ExactNumberInfo::None), false)),
    };
    let name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(LITERAL))]);
    Some(cast(text(&shown(minus, plain)?), DataType::Custom(name, vec![scale.to_string()]), false))
}

/// The digits without an exponent.
fn shown(minus: bool, plain: &str) -> Option<String> {
    let value = Numeric::parse(plain)?.ok()?;
    let digits = value.value.to_string();
    let scale = usize::from(value.scale);
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let sign = if minus { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// The digits of a literal that is rewritten or was left as it is, with its sign; none for any other expression.
fn digits_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => Some(digits.clone()),
            _ => None,
        },
        Expr::Nested(inner) => digits_of(inner),
        Expr::Cast {
            expr,
            data_type: DataType::Int(None) | DataType::BigInt(None),
            kind: CastKind::DoubleColon,
            ..
        } => match expr.as_ref() {
            Expr::Value(_) => digits_of(expr),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } if matches!(**expr, Expr::Value(_)) => {
                digits_of(expr).map(|digits| format!("-{digits}"))
            }
            _ => None,
        },
        Expr::Cast { expr, data_type: DataType::Custom(name, _), .. }
            if last_part(name).as_deref() == Some(LITERAL) =>
        {
            text_of(expr).map(str::to_owned)
        }
        _ => None,
    }
}

/// Takes the cast off a whole number.
pub(super) fn bare(expr: &mut Expr) {
    if let Expr::Cast {
        expr: inner,
        data_type: DataType::Int(None) | DataType::BigInt(None),
        kind: CastKind::DoubleColon,
        ..
    } = expr
    {
        let is_number = |value: &Expr| matches!(value, Expr::Value(value) if matches!(value.value, Value::Number(..)));
        let plain = match inner.as_ref() {
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_number(expr),
            value => is_number(value),
        };
        if plain {
            *expr = inner.as_ref().clone();
        }
    }
}

fn bare_arguments(function: &mut Function) {
    let named = |name: &String| DIGIT_FUNCTIONS.contains(&name.as_str());
    if last_part(&function.name).as_ref().is_some_and(named)
        && let FunctionArguments::List(list) = &mut function.args
        && let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(digits))] = list.args.as_mut_slice()
    {
        bare(digits);
    }
    if let Some(WindowType::WindowSpec(window)) = &mut function.over {
        bare_frame(window);
    }
}

fn bare_frame(window: &mut WindowSpec) {
    if let Some(frame) = &mut window.window_frame {
        let bounds = std::iter::once(&mut frame.start_bound).chain(frame.end_bound.as_mut());
        for bound in bounds {
            if let WindowFrameBound::Preceding(Some(distance)) | WindowFrameBound::Following(Some(distance)) = bound {
                bare(distance);
            }
        }
    }
}

/// Bare numbers of a query: LIMIT, OFFSET, FETCH, and places of columns in ORDER BY.
pub(super) fn bare_query(query: &mut Query) {
    if let Some(order) = &mut query.order_by
        && let OrderByKind::Expressions(keys) = &mut order.kind
    {
        keys.iter_mut().for_each(|key| bare(&mut key.expr));
    }
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit, offset, .. }) => {
            limit.iter_mut().for_each(bare);
            offset.iter_mut().for_each(|offset| bare(&mut offset.value));
        }
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => [offset, limit].into_iter().for_each(bare),
        None => {}
    }
    if let Some(quantity) = query.fetch.as_mut().and_then(|fetch| fetch.quantity.as_mut()) {
        bare(quantity);
    }
}

/// Bare numbers of a SELECT: places of columns in GROUP BY, frames of named windows.
pub(super) fn bare_select(select: &mut Select) {
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        for key in keys {
            bare(key);
            let (Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets)) = key else { continue };
            sets.iter_mut().flatten().for_each(bare);
        }
    }
    for window in &mut select.named_window {
        if let NamedWindowExpr::WindowSpec(window) = &mut window.1 {
            bare_frame(window);
        }
    }
}
