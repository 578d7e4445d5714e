//! Operators: qualified ones, ANY and ALL over arrays, COLLATE.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Subscript, UnaryOperator, Value, ValueWithSpan,
};

use super::build::{array, array_literal, call, folded, last_part, null, number, plain_arguments, text, text_of};
use super::{precedence, rows};

/// Most patterns of LIKE ANY that become one LIKE each.
const PATTERNS_MAX: usize = 32;

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        // Texts compare by their bytes, whatever collation is named.
        Expr::Collate { expr: inner, .. } => *expr = std::mem::replace(inner, null()),
        Expr::BinaryOp { op: op @ BinaryOperator::PGCustomBinaryOperator(_), .. } => {
            let plain = plain_compare(op);
            let is_known = plain != *op;
            *op = plain;
            if is_known {
                rewrite(expr);
            }
        }
        Expr::Like { negated, expr: value, pattern, any, .. } if *any => {
            *expr = any_pattern(*negated, "~~", value, pattern);
        }
        Expr::ILike { negated, expr: value, pattern, any, .. } if *any => {
            *expr = any_pattern(*negated, "~~*", value, pattern);
        }
        Expr::Like { negated, expr: value, pattern, .. } if all_of(pattern).is_some() => {
            if let Some(patterns) = all_of(pattern) {
                *expr = all_patterns(*negated, "~~", value, patterns);
            }
        }
        Expr::ILike { negated, expr: value, pattern, .. } if all_of(pattern).is_some() => {
            if let Some(patterns) = all_of(pattern) {
                *expr = all_patterns(*negated, "~~*", value, patterns);
            }
        }
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            use_backslash(pattern, escape_char);
        }
        Expr::SimilarTo { negated, expr: value, pattern, escape_char } => {
            let mut arguments = vec![pattern.as_ref().clone()];
            arguments.extend(escape_char.take().map(Expr::Value));
            let pattern = call("similar_to_escape", arguments);
            *expr = matches(value.as_ref().clone(), pattern, "", *negated);
        }
        Expr::BinaryOp { op, .. } if hidden(op).is_some() => {
            if let Some(symbol) = hidden(op) {
                *op = BinaryOperator::Custom(symbol.to_owned());
            }
        }
        Expr::BinaryOp { left, op, right } if regex_flags(op).is_some() => {
            let (flags, negated) = regex_flags(op).unwrap_or_default();
            *expr = matches(left.as_ref().clone(), right.as_ref().clone(), flags, negated);
        }
        Expr::BinaryOp { left, op: BinaryOperator::PGStartsWith, right } => {
            *expr = call("starts_with", vec![left.as_ref().clone(), right.as_ref().clone()]);
        }
        Expr::CompoundFieldAccess { root, access_chain } => {
            if let [AccessExpr::Dot(Expr::Identifier(field))] = access_chain.as_slice() {
                let field = text(&folded(field));
                let root = std::mem::replace(root.as_mut(), null());
                *expr = call("get_field", vec![root, field]);
            } else if let Some(rewritten) = subscripted(root, access_chain) {
                *expr = rewritten;
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

/// Operators that our own planner of operators is to see before the engine's.
fn hidden(operator: &BinaryOperator) -> Option<&'static str> {
    match operator {
        BinaryOperator::StringConcat => Some("||"),
        BinaryOperator::AtArrow => Some("@>"),
        BinaryOperator::ArrowAt => Some("<@"),
        _ => None,
    }
}

/// The options of a regular expression's operator, and whether it is negated.
fn regex_flags(operator: &BinaryOperator) -> Option<(&'static str, bool)> {
    match operator {
        BinaryOperator::PGRegexMatch => Some(("", false)),
        BinaryOperator::PGRegexIMatch => Some(("i", false)),
        BinaryOperator::PGRegexNotMatch => Some(("", true)),
        BinaryOperator::PGRegexNotIMatch => Some(("i", true)),
        _ => None,
    }
}

fn matches(value: Expr, pattern: Expr, flags: &str, negated: bool) -> Expr {
    let found = call("text_matches", vec![value, pattern, text(flags)]);
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) } } else { found }
}

/// `x LIKE ANY (array)`
fn any_pattern(negated: bool, operator: &str, value: &Expr, pattern: &Expr) -> Expr {
    let operator = if negated { format!("!{operator}") } else { operator.to_owned() };
    let patterns = match pattern {
        Expr::Function(_) => match rows::values_of(pattern) {
            Some(items) => array(items),
            None => pattern.clone(),
        },
        Expr::Nested(inner) => text_of(inner).and_then(as_array).unwrap_or_else(|| inner.as_ref().clone()),
        other => text_of(other).and_then(as_array).unwrap_or_else(|| other.clone()),
    };
    if let Some(each) = (!negated).then(|| each_pattern(&operator, value, &patterns)).flatten() {
        return each;
    }
    call("compare_any", vec![text(&operator), value.clone(), patterns])
}

/// One LIKE for each of a few written patterns, which statistics can prune by.
fn each_pattern(operator: &str, value: &Expr, patterns: &Expr) -> Option<Expr> {
    let patterns = elements(patterns).filter(|patterns| (1..=PATTERNS_MAX).contains(&patterns.len()))?;
    let is_column = matches!(value, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    let like = |pattern: Expr| {
        let (expr, pattern) = (Box::new(value.clone()), Box::new(pattern));
        match operator {
            "~~" => Expr::Like { negated: false, any: false, expr, pattern, escape_char: None },
            _ => Expr::ILike { negated: false, any: false, expr, pattern, escape_char: None },
        }
    };
    let or = |one, other| Expr::BinaryOp { left: Box::new(one), op: BinaryOperator::Or, right: Box::new(other) };
    is_column.then(|| patterns.into_iter().map(like).reduce(or))?.map(|all| Expr::Nested(Box::new(all)))
}

/// The array of `LIKE ALL (array)`, which the parser takes for a function.
fn all_of(pattern: &Expr) -> Option<Expr> {
    let Expr::Function(function) = pattern else { return None };
    if last_part(&function.name).as_deref() != Some("all") {
        return None;
    }
    match plain_arguments(function)?.as_slice() {
        [patterns] => Some((*patterns).clone()),
        _ => None,
    }
}

fn all_patterns(negated: bool, operator: &str, value: &Expr, patterns: Expr) -> Expr {
    let operator = if negated { format!("!{operator}") } else { operator.to_owned() };
    let patterns = text_of(&patterns).and_then(as_array).unwrap_or(patterns);
    call("compare_all", vec![text(&operator), value.clone(), patterns])
}

/// `a[1]`, `a[2:3]`, and several of them: one for each dimension.
fn subscripted(root: &Expr, chain: &[AccessExpr]) -> Option<Expr> {
    let subscripts = chain.iter().map(|access| match access {
        AccessExpr::Subscript(subscript) => Some(subscript),
        AccessExpr::Dot(_) => None,
    });
    let subscripts = subscripts.collect::<Option<Vec<_>>>()?;
    if subscripts.iter().any(|subscript| matches!(subscript, Subscript::Slice { .. })) {
        return sliced(root, &subscripts);
    }
    let (last, before) = subscripts.split_last()?;
    let item = |function: &str, value: Expr, subscript: &Subscript| match subscript {
        Subscript::Index { index } => Some(call(function, vec![value, index.clone()])),
        Subscript::Slice { .. } => None,
    };
    let row = before.iter().try_fold(root.clone(), |value, subscript| item("array_row", value, subscript))?;
    item("array_item", row, last)
}

/// Where one subscript is a slice, all are: a number is a slice from 1.
fn sliced(root: &Expr, subscripts: &[&Subscript]) -> Option<Expr> {
    let mut arguments = vec![root.clone()];
    for subscript in subscripts {
        let (lower, upper) = match subscript {
            Subscript::Index { index } => (None, Some(index.clone())),
            Subscript::Slice { lower_bound, upper_bound, stride: None } => (lower_bound.clone(), upper_bound.clone()),
            Subscript::Slice { .. } => return None,
        };
        arguments.push(lower.unwrap_or_else(|| number("1")));
        arguments.push(upper.unwrap_or_else(|| number("2147483647")));
    }
    Some(call("array_part", arguments))
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
    each_item(left, operator, right, quantifier)
}

/// Whether the items of an array compare: NULL when none decides and one is NULL.
fn each_item(left: &Expr, operator: &BinaryOperator, right: &Expr, quantifier: Quantifier) -> Option<Expr> {
    let symbol = symbol_of(operator)?;
    let function = if quantifier == Quantifier::Any { "compare_any" } else { "compare_all" };
    let items = match right {
        Expr::Subquery(query) => super::subqueries::listed(query)?,
        other => text_of(other).and_then(as_array).unwrap_or_else(|| other.clone()),
    };
    Some(call(function, vec![text(symbol), left.clone(), items]))
}

fn symbol_of(operator: &BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::PGRegexMatch => "~",
        BinaryOperator::PGRegexIMatch => "~*",
        BinaryOperator::PGRegexNotMatch => "!~",
        BinaryOperator::PGRegexNotIMatch => "!~*",
        BinaryOperator::PGLikeMatch => "~~",
        BinaryOperator::PGILikeMatch => "~~*",
        BinaryOperator::PGNotLikeMatch => "!~~",
        BinaryOperator::PGNotILikeMatch => "!~~*",
        _ => return None,
    })
}

/// Other comparisons with a written list: one comparison per element.
fn each_element(left: &Expr, operator: &BinaryOperator, right: &Expr, quantifier: Quantifier) -> Option<Expr> {
    if symbol_of(operator).is_some_and(|symbol| symbol.contains('~'))
        || elements(right).is_none_or(|list| list.is_empty())
    {
        return each_item(left, operator, right, quantifier);
    }
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
