//! Operators: qualified ones, ANY and ALL over arrays, COLLATE.

use datafusion::sql::sqlparser::ast::{AccessExpr, BinaryOperator, Expr, UnaryOperator, Value, ValueWithSpan};

use super::build::{array, array_literal, call, folded, null, text, text_of};
use super::precedence;

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        // Texts compare by their bytes, whatever collation is named.
        Expr::Collate { expr: inner, .. } => *expr = std::mem::replace(inner, null()),
        Expr::BinaryOp { op: op @ BinaryOperator::PGCustomBinaryOperator(_), .. } => *op = plain_compare(op),
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            use_backslash(pattern, escape_char);
        }
        Expr::CompoundFieldAccess { root, access_chain } => {
            if let [AccessExpr::Dot(Expr::Identifier(field))] = access_chain.as_slice() {
                let field = text(&folded(field));
                let root = std::mem::replace(root.as_mut(), null());
                *expr = call("get_field", vec![root, field]);
            }
        }
        Expr::AnyOp { left, compare_op, right, .. } => {
            let plain = plain_compare(compare_op);
            if let Some(rewritten) = quantified(left, &plain, right, Quantifier::Any) {
                *expr = rewritten;
            }
        }
        Expr::AllOp { left, compare_op, right } => {
            let plain = plain_compare(compare_op);
            if let Some(rewritten) = quantified(left, &plain, right, Quantifier::All) {
                *expr = rewritten;
            }
        }
        _ => precedence::restore(expr),
    }
}

/// The engine's LIKE knows the backslash alone as escape character.
fn use_backslash(pattern: &mut Expr, escape: &mut Option<ValueWithSpan>) {
    let Some(Value::SingleQuotedString(chosen)) = escape.as_ref().map(|escape| &escape.value) else { return };
    let Some(escape_character) = chosen.chars().next().filter(|chosen| *chosen != '\\') else { return };
    *pattern = match text_of(pattern) {
        Some(written) => text(&backslashed(written, escape_character)),
        None => {
            let written = std::mem::replace(pattern, null());
            call("like_pattern", vec![written, text(chosen)])
        }
    };
    *escape = None;
}

/// A LIKE pattern with another escape character, with backslashes.
pub(in crate::planner) fn backslashed(written: &str, chosen: char) -> String {
    let mut converted = String::new();
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        if character == chosen {
            converted.push('\\');
            converted.extend(characters.next());
        } else if character == '\\' {
            converted.push_str("\\\\");
        } else {
            converted.push(character);
        }
    }
    converted
}

fn plain_compare(operator: &BinaryOperator) -> BinaryOperator {
    match operator {
        BinaryOperator::PGCustomBinaryOperator(parts) => {
            parts.last().and_then(|symbol| plain_operator(symbol)).unwrap_or_else(|| operator.clone())
        }
        other => other.clone(),
    }
}

fn plain_operator(symbol: &str) -> Option<BinaryOperator> {
    Some(match symbol {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Modulo,
        "||" => BinaryOperator::StringConcat,
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    Any,
    All,
}

/// `x = ANY (array)` and `x <> ALL (array)`: a list where the elements are written out, which
/// statistics can prune by; membership in the array otherwise.
fn quantified(left: &Expr, operator: &BinaryOperator, right: &Expr, quantifier: Quantifier) -> Option<Expr> {
    let negated = match (operator, quantifier) {
        (BinaryOperator::Eq, Quantifier::Any) => false,
        (BinaryOperator::NotEq, Quantifier::All) => true,
        _ => return each_element(left, operator, right, quantifier),
    };
    if let Expr::Subquery(query) = right {
        return Some(Expr::InSubquery { expr: Box::new(left.clone()), subquery: query.clone(), negated });
    }
    if let Some(list) = elements(right).filter(|list| !list.is_empty()) {
        return Some(Expr::InList { expr: Box::new(left.clone()), list, negated });
    }
    let array = text_of(right).and_then(as_array).unwrap_or_else(|| right.clone());
    let has = call("array_has", vec![array, left.clone()]);
    Some(if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(has) } } else { has })
}

/// Other comparisons with a written list: one comparison per element.
fn each_element(left: &Expr, operator: &BinaryOperator, right: &Expr, quantifier: Quantifier) -> Option<Expr> {
    let joined = if quantifier == Quantifier::Any { BinaryOperator::Or } else { BinaryOperator::And };
    let compare =
        |element: Expr| Expr::BinaryOp { left: Box::new(left.clone()), op: operator.clone(), right: Box::new(element) };
    let comparisons = elements(right)?.into_iter().map(compare);
    let all = comparisons.reduce(|one, other| Expr::BinaryOp {
        left: Box::new(one),
        op: joined.clone(),
        right: Box::new(other),
    })?;
    Some(Expr::Nested(Box::new(all)))
}

/// The elements of an array that is written out.
fn elements(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Array(array) => Some(array.elem.clone()),
        Expr::Nested(inner) => elements(inner),
        Expr::Cast { expr: inner, .. } if matches!(**inner, Expr::Array(_)) => elements(inner),
        other => array_literal(text_of(other)?).map(|items| items.iter().map(element).collect()),
    }
}

fn element(item: &Option<String>) -> Expr {
    item.as_deref().map_or_else(null, text)
}

fn as_array(literal: &str) -> Option<Expr> {
    array_literal(literal).map(|items| array(items.iter().map(element).collect()))
}
