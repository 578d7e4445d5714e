//! Operators that need the types of their operands: JSON access, addresses, identities.
//!
//! Plugged into the engine's SQL planner. Operators over plain texts stay the engine's own.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::events::{canonical_address, is_uuid};
use super::function::sql_error;
use super::json;
use crate::planner::rewrite::array_literal;
use crate::types::{Code, SqlType};

/// Plans the operators of this file.
#[derive(Debug)]
pub(super) struct OperatorPlanner {
    pub(super) uuid_text: Arc<ScalarUDF>,
    pub(super) as_uuid: Arc<ScalarUDF>,
    pub(super) inet_key: Arc<ScalarUDF>,
}

impl ExprPlanner for OperatorPlanner {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Some(function) = json::operator(&raw.op) {
            return Ok(PlannerResult::Planned(call(&function, vec![raw.left, place(raw.right)])));
        }
        if !is_comparison(&raw.op) {
            return Ok(PlannerResult::Original(raw));
        }
        let (Ok((_, left)), Ok((_, right))) = (raw.left.to_field(schema), raw.right.to_field(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        let raw = read_truths(raw, &left, &right)?;
        // An identity in a fragment is plain bytes: both sides are of one type already.
        if is_uuid(&left) != is_uuid(&right) && left.data_type() != right.data_type() {
            return Ok(PlannerResult::Original(self.compare_uuid(raw, &left, &right)));
        }
        if let Some(rewritten) = compare_list(&raw, &left, &right) {
            return Ok(PlannerResult::Original(rewritten));
        }
        let is_inet = |field: &FieldRef| SqlType::of_field(field) == SqlType::Inet;
        if is_inet(&left) || is_inet(&right) {
            return Ok(PlannerResult::Original(self.compare_inet(raw)));
        }
        Ok(PlannerResult::Original(raw))
    }
}

/// A text beside a truth value is read as one: `relispartition = 'f'`.
fn read_truths(mut raw: RawBinaryExpr, left: &FieldRef, right: &FieldRef) -> Result<RawBinaryExpr> {
    for (side, other) in [(&mut raw.left, right), (&mut raw.right, left)] {
        if other.data_type() == &DataType::Boolean
            && let Some(text) = literal_text(side)
        {
            *side = lit(truth_of(text)?);
        }
    }
    Ok(raw)
}

/// PostgreSQL takes every beginning of these words that is not ambiguous.
fn truth_of(text: &str) -> Result<bool> {
    let word = text.trim().to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(word.as_str());
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        return Ok(true);
    }
    if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        return Ok(false);
    }
    let shown: String = text.chars().take(200).collect();
    let code = Code::InvalidTextRepresentation;
    Err(sql_error(code, format!("invalid input syntax for type boolean: \"{shown}\"")))
}

impl OperatorPlanner {
    /// A text beside a uuid is read as one; anything else is compared as text.
    fn compare_uuid(&self, mut raw: RawBinaryExpr, left: &FieldRef, right: &FieldRef) -> RawBinaryExpr {
        let is_parameter = |expr: &Expr| matches!(expr, Expr::Placeholder(_));
        let has_text =
            is_text_field(left) || is_text_field(right) || is_parameter(&raw.left) || is_parameter(&raw.right);
        for (side, field) in [(&mut raw.left, left), (&mut raw.right, right)] {
            // A parameter is a text or an identity, as the client sends it; as_uuid takes both.
            if !is_uuid(field) && (is_text_field(field) || is_parameter(side)) {
                *side = call(&self.as_uuid, vec![side.clone()]);
            } else if is_uuid(field) && !has_text {
                *side = call(&self.uuid_text, vec![side.clone()]);
            }
        }
        raw
    }

    /// Equality compares the one spelling, so that statistics can prune; order needs a key.
    fn compare_inet(&self, mut raw: RawBinaryExpr) -> RawBinaryExpr {
        let equality = matches!(raw.op, BinaryOperator::Eq | BinaryOperator::NotEq);
        for side in [&mut raw.left, &mut raw.right] {
            if let Some(spelling) = literal_text(side).and_then(canonical_address) {
                *side = lit(spelling);
            }
            if !equality {
                *side = call(&self.inet_key, vec![side.clone()]);
            }
        }
        raw
    }
}

/// The place of an item, as the engine's own kind of number.
fn place(expr: Expr) -> Expr {
    match expr {
        Expr::Cast(cast) if matches!(*cast.expr, Expr::Literal(ScalarValue::Int64(_), _)) => *cast.expr,
        other => other,
    }
}

/// `array = '{a,b}'`: the literal is an array of the same kind.
fn compare_list(raw: &RawBinaryExpr, left: &FieldRef, right: &FieldRef) -> Option<RawBinaryExpr> {
    let mut rewritten = raw.clone();
    let read = |expr: &Expr, other: &FieldRef| -> Option<Expr> {
        let DataType::List(item) = other.data_type() else { return None };
        let elements = array_literal(literal_text(expr)?)?;
        let texts: Vec<ScalarValue> = elements.into_iter().map(ScalarValue::Utf8).collect();
        let list = ScalarValue::List(ScalarValue::new_list(&texts, &DataType::Utf8, true));
        let wanted = DataType::List(Arc::clone(item));
        list.cast_to(&wanted).ok().map(|list| Expr::Literal(list, None))
    };
    if let Some(list) = read(&raw.right, left) {
        rewritten.right = list;
        return Some(rewritten);
    }
    rewritten.left = read(&raw.left, right)?;
    Some(rewritten)
}

fn is_text_field(field: &FieldRef) -> bool {
    matches!(field.data_type(), DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

fn is_comparison(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => Some(text),
        _ => None,
    }
}

fn call(function: &Arc<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments))
}
