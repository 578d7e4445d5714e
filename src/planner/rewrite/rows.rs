//! Rows: `(a, b) = (1, 2)`, `(a, b) IN ((1, 2), (3, 4))`, and `(a, b)` as a value.
//!
//! Comparisons of written rows become comparisons of their columns, as PostgreSQL defines them; any other
//! row is a call of `row`.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::build::{call, last_part, plain_arguments};

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    let rewritten = match expr {
        Expr::Tuple(values) => Some(call("row", std::mem::take(values))),
        Expr::BinaryOp { left, op, right } => match (values_of(left), values_of(right)) {
            (Some(left), Some(right)) if *op == BinaryOperator::Overlaps => {
                Some(call("overlaps", [left, right].concat()))
            }
            (Some(left), Some(right)) if left.len() == right.len() => compared(&left, op, &right),
            _ => None,
        },
        // A row of nothing but NULL is NULL; one of nothing but values is not, and one of both is neither.
        Expr::IsNull(value) => values_of(value).and_then(|values| all_are(values, Expr::IsNull)),
        Expr::IsNotNull(value) => values_of(value).and_then(|values| all_are(values, Expr::IsNotNull)),
        Expr::InList { expr: value, list, negated } => {
            values_of(value).and_then(|value| member(&value, list, *negated))
        }
        _ => None,
    };
    if let Some(rewritten) = rewritten {
        *expr = rewritten;
    }
}

/// The columns of a row that is written out.
pub(super) fn values_of(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Nested(inner) => values_of(inner),
        Expr::Function(function) if last_part(&function.name).as_deref() == Some("row") => {
            Some(plain_arguments(function)?.into_iter().cloned().collect())
        }
        _ => None,
    }
}

fn all_are(values: Vec<Expr>, is: fn(Box<Expr>) -> Expr) -> Option<Expr> {
    let each = values.into_iter().map(|value| is(Box::new(nested(value))));
    each.reduce(|one, other| binary(one, BinaryOperator::And, other)).map(nested)
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

fn compared(left: &[Expr], op: &BinaryOperator, right: &[Expr]) -> Option<Expr> {
    let each = |op: &BinaryOperator, joined: &BinaryOperator| {
        let columns = left.iter().zip(right).map(|(left, right)| binary(left.clone(), op.clone(), right.clone()));
        columns.reduce(|one, other| binary(one, joined.clone(), other)).map(nested)
    };
    match op {
        BinaryOperator::Eq => each(op, &BinaryOperator::And),
        BinaryOperator::NotEq => each(op, &BinaryOperator::Or),
        BinaryOperator::Lt | BinaryOperator::LtEq => ordered(left, &BinaryOperator::Lt, op, right),
        BinaryOperator::Gt | BinaryOperator::GtEq => ordered(left, &BinaryOperator::Gt, op, right),
        _ => None,
    }
}

/// The first columns that differ decide: `a < x OR (a = x AND ...)`.
fn ordered(left: &[Expr], strict: &BinaryOperator, last: &BinaryOperator, right: &[Expr]) -> Option<Expr> {
    let ((first, left), (second, right)) = (left.split_first()?, right.split_first()?);
    if left.is_empty() {
        return Some(binary(first.clone(), last.clone(), second.clone()));
    }
    let rest = ordered(left, strict, last, right)?;
    let equal = binary(first.clone(), BinaryOperator::Eq, second.clone());
    let tied = nested(binary(equal, BinaryOperator::And, nested(rest)));
    Some(nested(binary(binary(first.clone(), strict.clone(), second.clone()), BinaryOperator::Or, tied)))
}

fn member(value: &[Expr], list: &[Expr], negated: bool) -> Option<Expr> {
    let rows = list.iter().map(|row| {
        let row = values_of(row).filter(|row| row.len() == value.len())?;
        compared(value, &BinaryOperator::Eq, &row)
    });
    let found =
        rows.collect::<Option<Vec<_>>>()?.into_iter().reduce(|one, other| binary(one, BinaryOperator::Or, other))?;
    let found = nested(found);
    Some(if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) } } else { found })
}
