//! Operators that the parser binds otherwise than PostgreSQL (its documentation, chapter 4.1.6).
//!
//! IS DISTINCT FROM: the parser takes all that follows for its right side, an AND or OR too. `a IS DISTINCT FROM b AND c` means `(a IS DISTINCT FROM b) AND c`. What stands in parentheses is a
//! `Nested` of the tree, so a bare AND or OR in the wrong place is always the parser's doing.
//! A sign binds more tightly than `^`: `-2 ^ 2` is 4. `~`, `@` and the roots bind less tightly than
//! arithmetic: `~ 5 + 1` is `~ (5 + 1)`.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::build::null;

/// Puts one expression, whose operands are right already, into the order that PostgreSQL reads.
pub(super) fn restore(expr: &mut Expr) {
    let (inner, over_and): (&mut Expr, bool) = match expr {
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => (right, true),
        Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } => (inner, true),
        Expr::BinaryOp { op: BinaryOperator::And, right, .. } => (right, false),
        _ => return,
    };
    if !is_looser(inner, over_and) {
        return;
    }
    let mut whole = std::mem::replace(inner, null());
    let first = first_operand(&mut whole, over_and);
    std::mem::swap(inner, first);
    // `expr` is now the tight operator over its right operand, and goes where that operand was.
    std::mem::swap(expr, &mut whole);
    *first_operand(expr, over_and) = whole;
}

/// Puts signs and prefixes, whose operands are as the parser read them, where PostgreSQL has them.
pub(super) fn of_prefixes(expr: &mut Expr) {
    let is_power = |op: &BinaryOperator| matches!(op, BinaryOperator::PGExp | BinaryOperator::BitwiseXor);
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr: inner } if matches!(inner.as_ref(), Expr::BinaryOp { op, .. } if is_power(op)) =>
        {
            let mut whole = std::mem::replace(inner.as_mut(), null());
            let base = first_of(&mut whole, &is_power);
            std::mem::swap(inner.as_mut(), base);
            // `expr` is now the sign over the base, and goes where the base was.
            std::mem::swap(expr, &mut whole);
            *first_of(expr, &is_power) = whole;
        }
        Expr::BinaryOp { op, .. } if is_arithmetic(op) => {
            let is_prefix = |op: &UnaryOperator| {
                use UnaryOperator::{BitwiseNot, PGAbs, PGCubeRoot, PGSquareRoot};
                matches!(op, BitwiseNot | PGAbs | PGSquareRoot | PGCubeRoot)
            };
            let first = first_of(expr, &is_arithmetic);
            let Expr::UnaryOp { op, expr: operand } = first else { return };
            if !is_prefix(op) {
                return;
            }
            let (op, operand) = (*op, std::mem::replace(operand.as_mut(), null()));
            *first = operand;
            let whole = std::mem::replace(expr, null());
            *expr = Expr::UnaryOp { op, expr: Box::new(whole) };
        }
        _ => {}
    }
}

fn is_arithmetic(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, PGExp, Plus};
    matches!(operator, Plus | Minus | Multiply | Divide | Modulo | PGExp)
}

/// The leftmost operand below such operators.
fn first_of<'a>(expr: &'a mut Expr, is_such: &impl Fn(&BinaryOperator) -> bool) -> &'a mut Expr {
    if !matches!(expr, Expr::BinaryOp { op, .. } if is_such(op)) {
        return expr;
    }
    match expr {
        Expr::BinaryOp { left, .. } => first_of(left, is_such),
        other => other,
    }
}

/// Whether an expression binds less tightly than an AND, or also than what an AND joins.
fn is_looser(expr: &Expr, over_and: bool) -> bool {
    match expr {
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => true,
        Expr::BinaryOp { op: BinaryOperator::And, .. } => over_and,
        _ => false,
    }
}

fn first_operand(expr: &mut Expr, over_and: bool) -> &mut Expr {
    if !is_looser(expr, over_and) {
        return expr;
    }
    match expr {
        Expr::BinaryOp { left, .. } => first_operand(left, over_and),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, SelectItem, SetExpr, Statement, UnaryOperator};
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use crate::planner::rewrite::rewrite_statement;

    #[test]
    fn is_distinct_from_binds_more_tightly_than_and() {
        for (written, meant) in [
            ("a IS DISTINCT FROM b AND c", "(a IS DISTINCT FROM b) AND c"),
            ("a IS NOT DISTINCT FROM b OR c AND d", "(a IS NOT DISTINCT FROM b) OR c AND d"),
            ("x AND a IS DISTINCT FROM b OR c AND d", "(x AND (a IS DISTINCT FROM b)) OR (c AND d)"),
            ("x OR a IS DISTINCT FROM b AND c OR d", "x OR ((a IS DISTINCT FROM b) AND c) OR d"),
            ("x AND NOT a IS DISTINCT FROM b AND c OR d", "x AND (NOT (a IS DISTINCT FROM b)) AND c OR d"),
            (
                "a IS DISTINCT FROM b AND c IS DISTINCT FROM d AND e",
                "(a IS DISTINCT FROM b) AND (c IS DISTINCT FROM d) AND e",
            ),
            ("a IS DISTINCT FROM b = c AND d", "(a IS DISTINCT FROM (b = c)) AND d"),
            ("a IS DISTINCT FROM (b AND c) AND d", "(a IS DISTINCT FROM (b AND c)) AND d"),
        ] {
            assert_eq!(truths(written), truths(meant), "{written}");
        }
    }

    /// What the expression gives for all values of its names.
    fn truths(condition: &str) -> Vec<bool> {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, &format!("SELECT {condition}")).expect("parses");
        rewrite_statement(&mut statements[0]);
        let expr = only_item(&statements[0]);
        (0..64_u32).map(|bits| value(&expr, bits)).collect()
    }

    fn only_item(statement: &Statement) -> Expr {
        let Statement::Query(query) = statement else { panic!("a query") };
        let SetExpr::Select(select) = query.body.as_ref() else { panic!("a SELECT") };
        match &select.projection[0] {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr.clone(),
            other => panic!("{other}"),
        }
    }

    fn value(expr: &Expr, bits: u32) -> bool {
        match expr {
            Expr::Nested(inner) => value(inner, bits),
            Expr::Identifier(name) => {
                let place = "abcdex".find(name.value.as_str()).expect("a known name");
                bits & (1 << place) != 0
            }
            Expr::IsDistinctFrom(left, right) => value(left, bits) != value(right, bits),
            Expr::IsNotDistinctFrom(left, right) => value(left, bits) == value(right, bits),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => !value(expr, bits),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::And => value(left, bits) && value(right, bits),
                BinaryOperator::Or => value(left, bits) || value(right, bits),
                _ => value(left, bits) == value(right, bits),
            },
            other => panic!("{other}"),
        }
    }
}
