//! Arithmetic in SQL -> calls of `numbers` and `dates_and_numbers`, by the types of the operands.
//!
//! Plugged into the engine's SQL planner. A text literal or a parameter beside a number is read as a number
//! of that type, as PostgreSQL resolves operators. Sums of instants and spans stay the engine's.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::expr::{Cast, Placeholder, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::convert::{Target, read_constant};
use super::numbers::{Kind, Operation, no_operator};
use crate::types::{Code, SqlError, SqlType};

/// Plans the operators between numbers.
#[derive(Debug)]
pub(super) struct NumberPlanner {
    functions: Vec<(Operation, Arc<ScalarUDF>)>,
    power: Arc<ScalarUDF>,
}

impl NumberPlanner {
    /// The planner with the functions that the session knows.
    pub(super) fn new(state: &SessionState) -> Result<Self> {
        use Operation::{Divide, Minus, Modulo, Plus, Times};
        let find = |operation: Operation| Ok((operation, state.udf(operation.function())?));
        let functions = [Plus, Minus, Times, Divide, Modulo].map(find).into_iter().collect::<Result<_>>()?;
        Ok(Self { functions, power: state.udf("power")? })
    }
}

/// What is known of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A number.
    Number(Kind),
    /// A literal or parameter whose type the other operand tells.
    Open,
    /// NULL.
    Null,
    /// A value of another type.
    Other(SqlType),
}

impl ExprPlanner for NumberPlanner {
    fn plan_binary_op(&self, mut raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let operation = match raw.op {
            BinaryOperator::Plus => Operation::Plus,
            BinaryOperator::Minus => Operation::Minus,
            BinaryOperator::Multiply => Operation::Times,
            BinaryOperator::Divide => Operation::Divide,
            BinaryOperator::Modulo => Operation::Modulo,
            BinaryOperator::PGExp => {
                raw.left = constant(raw.left);
                raw.right = constant(raw.right);
                return Ok(PlannerResult::Planned(call(&self.power, vec![raw.left, raw.right])));
            }
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => return compared(raw, schema),
            _ => return Ok(PlannerResult::Original(raw)),
        };
        let RawBinaryExpr { op, left, right } = raw;
        let (left, right) = (constant(left), constant(right));
        let sides = (side(&left, schema)?, side(&right, schema)?);
        let (left, right) = match sides {
            (Side::Number(_), Side::Number(_) | Side::Null) | (Side::Null, Side::Number(_)) => (left, right),
            (Side::Number(kind), Side::Open) => (left, typed(right, number_type(kind))?),
            (Side::Open, Side::Number(kind)) => (typed(left, number_type(kind))?, right),
            (Side::Open, Side::Open | Side::Null) | (Side::Null, Side::Open) => {
                return Err(ambiguous(operation, "unknown"));
            }
            (one, other) if misfits(one, other) => return Err(missing(operation, one, other)),
            _ => return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        };
        if let (Expr::Literal(left, _), Expr::Literal(right, _)) = (&left, &right)
            && !left.is_null()
            && !right.is_null()
            // An error belongs to the row that computes it: there may be none.
            && let Ok(value) = operation.constant(left, right)
        {
            return Ok(PlannerResult::Planned(Expr::Literal(value, None)));
        }
        if operation == Operation::Modulo
            && let (Side::Number(one), Side::Number(other)) = sides
            && operation.result(one, other).is_none()
        {
            return Err(missing(operation, sides.0, sides.1));
        }
        let function = self.functions.iter().find(|(found, _)| *found == operation).map(|(_, function)| function);
        match function {
            Some(function) => Ok(PlannerResult::Planned(call(function, vec![left, right]))),
            None => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        }
    }
}

/// Numbers beside texts: a literal is read as the number, a text column is an error.
fn compared(mut raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let sides = (side(&raw.left, schema)?, side(&raw.right, schema)?);
    let is_literal = |expr: &Expr| matches!(expr, Expr::Literal(..));
    match sides {
        (Side::Number(kind), Side::Open) if is_literal(&raw.right) => raw.right = typed(raw.right, number_type(kind))?,
        (Side::Open, Side::Number(kind)) if is_literal(&raw.left) => raw.left = typed(raw.left, number_type(kind))?,
        (Side::Other(SqlType::Bool), Side::Open) if is_literal(&raw.right) => {
            raw.right = typed(raw.right, SqlType::Bool)?
        }
        (Side::Open, Side::Other(SqlType::Bool)) if is_literal(&raw.left) => raw.left = typed(raw.left, SqlType::Bool)?,
        (Side::Number(_), Side::Other(other)) | (Side::Other(other), Side::Number(_))
            if matches!(other, SqlType::Text | SqlType::Varchar | SqlType::Bpchar | SqlType::Bool) =>
        {
            let names = [sides.0, sides.1].map(|side| side_type(side).spelling());
            return Err(no_operator(&raw.op.to_string(), &names));
        }
        _ => {}
    }
    Ok(PlannerResult::Original(raw))
}

fn call(function: &Arc<ScalarUDF>, arguments: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments))
}

/// A number literal under the cast that gives it its type, as the constant that it is.
fn constant(expr: Expr) -> Expr {
    let Expr::Cast(Cast { expr: inner, field }) = &expr else { return expr };
    let Expr::Literal(value, _) = inner.as_ref() else { return expr };
    let is_number = matches!(value, ScalarValue::Int64(_)) && field.data_type() == &DataType::Int32;
    let is_decimal = matches!(value, ScalarValue::Utf8(_)) && is_plain_decimal(field);
    match value.cast_to(field.data_type()) {
        Ok(value) if is_number || is_decimal => Expr::Literal(value, None),
        _ => expr,
    }
}

/// A decimal that no cast of the statement names: what a literal is.
fn is_plain_decimal(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Decimal128(..))
        && field.metadata().is_empty()
        && field.name() == super::type_names::LITERAL
}

fn side(expr: &Expr, schema: &DFSchema) -> Result<Side> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(_)), metadata) if metadata.is_none() => return Ok(Side::Open),
        Expr::Literal(ScalarValue::Null, _) => return Ok(Side::Null),
        Expr::Placeholder(Placeholder { field: None, .. }) => return Ok(Side::Open),
        _ => {}
    }
    let (_, field) = expr.to_field(schema)?;
    let kind = SqlType::of_field(&field);
    Ok(match Kind::of(field.data_type()) {
        Some(Kind::Nothing) => Side::Null,
        Some(number) if kind.is_number() => Side::Number(number),
        _ => Side::Other(kind),
    })
}

/// The type of a literal beside a number of this kind.
fn number_type(kind: Kind) -> SqlType {
    SqlType::from_arrow(&kind.arrow()).unwrap_or(SqlType::Int4)
}

/// An open operand as one of a type.
fn typed(expr: Expr, kind: SqlType) -> Result<Expr> {
    let target = Target { kind, modifier: -1 };
    Ok(match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Expr::Literal(read_constant(&text, target)?, None),
        Expr::Placeholder(Placeholder { id, .. }) => {
            Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(target.field("parameter")))))
        }
        other => other,
    })
}

/// Whether no operator of arithmetic takes such operands.
fn misfits(one: Side, other: Side) -> bool {
    let wrong = |side: Side| matches!(side, Side::Other(kind) if kind.is_text() || kind == SqlType::Bool);
    let known = |side: Side| !matches!(side, Side::Open);
    (wrong(one) && known(other))
        || (wrong(other) && known(one))
        || (wrong(one) && !known(other))
        || (wrong(other) && !known(one))
}

fn side_type(side: Side) -> SqlType {
    match side {
        Side::Number(kind) => number_type(kind),
        Side::Other(kind) => kind,
        Side::Open | Side::Null => SqlType::Unknown,
    }
}

fn missing(operation: Operation, one: Side, other: Side) -> DataFusionError {
    no_operator(operation.symbol(), &[one, other].map(|side| side_type(side).spelling()))
}

fn ambiguous(operation: Operation, name: &str) -> DataFusionError {
    let text = format!("operator is not unique: {name} {} {name}", operation.symbol());
    let hint = "Could not choose a best candidate operator. You might need to add explicit type casts.";
    DataFusionError::External(Box::new(SqlError::new(Code::AmbiguousFunction, text).with_hint(hint)))
}
