//! Arithmetic in SQL -> calls of `numbers` and `dates_and_numbers`, by the types of the operands.
//!
//! Plugged into the engine's SQL planner. A text literal or a parameter beside a number is read as a number
//! of that type, as PostgreSQL resolves operators. Sums of instants and spans stay the engine's.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::expr::{Cast, Placeholder, ScalarFunction, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawWindowExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, ScalarUDF, WindowFunctionDefinition, binary_expr};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::convert::{Target, read_constant};
use super::numbers::{Kind, Operation, no_operator};
use crate::types::{Code, SqlError, SqlType};

/// Plans the operators between numbers.
#[derive(Debug)]
pub(super) struct NumberPlanner {
    functions: Vec<(Operation, Arc<ScalarUDF>)>,
    power: Arc<ScalarUDF>,
    span_times: Arc<ScalarUDF>,
    span_divided: Arc<ScalarUDF>,
}

impl NumberPlanner {
    /// The planner with the functions that the session knows.
    pub(super) fn new(state: &SessionState) -> Result<Self> {
        use Operation::{Divide, Minus, Modulo, Plus, Times};
        let find = |operation: Operation| Ok((operation, state.udf(operation.function())?));
        let functions = [Plus, Minus, Times, Divide, Modulo].map(find).into_iter().collect::<Result<_>>()?;
        let (span_times, span_divided) = (state.udf("interval_times")?, state.udf("interval_divided")?);
        Ok(Self { functions, power: state.udf("power")?, span_times, span_divided })
    }
}

/// Only integers have bits.
fn with_bits(raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let is_broken = |expr: &Expr| {
        let side = side(expr, schema)?;
        Ok::<_, DataFusionError>(matches!(side, Side::Number(Kind::Float4 | Kind::Float8 | Kind::Numeric(_))))
    };
    if !is_broken(&raw.left)? && !is_broken(&raw.right)? {
        return Ok(PlannerResult::Original(raw));
    }
    let spelled = |expr: &Expr| expr.to_field(schema).map(|(_, field)| SqlType::of_field(&field).spelling());
    let (left, right) = (spelled(&raw.left)?, spelled(&raw.right)?);
    let symbol = if raw.op == BinaryOperator::PGBitwiseXor { "#".to_owned() } else { raw.op.to_string() };
    let text = format!("operator does not exist: {left} {symbol} {right}");
    let hint = "No operator matches the given name and argument types. You might need to add explicit type casts.";
    Err(DataFusionError::External(Box::new(SqlError::new(Code::UndefinedFunction, text).with_hint(hint))))
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
    /// Numbers of rows, which the engine counts in types that PostgreSQL does not have.
    fn plan_window(&self, raw: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        let WindowFunctionDefinition::WindowUDF(function) = &raw.func_def else {
            return Ok(PlannerResult::Original(raw));
        };
        let wanted = match function.name() {
            "row_number" | "rank" | "dense_rank" => DataType::Int64,
            "ntile" => DataType::Int32,
            _ => return Ok(PlannerResult::Original(raw)),
        };
        let params = WindowFunctionParams {
            args: raw.args,
            partition_by: raw.partition_by,
            order_by: raw.order_by,
            window_frame: raw.window_frame,
            filter: raw.filter,
            null_treatment: raw.null_treatment,
            distinct: raw.distinct,
        };
        let window = Expr::WindowFunction(Box::new(WindowFunction { fun: raw.func_def, params }));
        Ok(PlannerResult::Planned(cast(window, wanted)))
    }

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
            BinaryOperator::BitwiseOr | BinaryOperator::BitwiseAnd | BinaryOperator::PGBitwiseXor => {
                return with_bits(raw, schema);
            }
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
            (Side::Other(one), _) | (_, Side::Other(one)) if is_calendar(one) => {
                return self.calendar(RawBinaryExpr { op, left, right }, operation, sides);
            }
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

/// A type whose values are sums of spans, or spans.
fn is_calendar(kind: SqlType) -> bool {
    matches!(kind, SqlType::Date | SqlType::Timestamp | SqlType::Timestamptz | SqlType::Time | SqlType::Interval)
}

impl NumberPlanner {
    /// Days, instants and spans, where the engine's result has another type than PostgreSQL's.
    fn calendar(
        &self,
        raw: RawBinaryExpr,
        operation: Operation,
        sides: (Side, Side),
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = raw;
        let instant = || SqlType::Timestamp.arrow();
        let is_parameter = |expr: &Expr| matches!(expr, Expr::Placeholder(_));
        let original = |left, right, op| Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        match (operation, sides) {
            (Operation::Plus, (_, Side::Open)) if is_parameter(&right) => {
                original(left, typed(right, SqlType::Interval)?, op)
            }
            (Operation::Plus, (Side::Open, _)) if is_parameter(&left) => {
                original(typed(left, SqlType::Interval)?, right, op)
            }
            (Operation::Times | Operation::Divide, (Side::Other(SqlType::Interval), Side::Number(_))) => {
                let name = if operation == Operation::Times { &self.span_times } else { &self.span_divided };
                Ok(PlannerResult::Planned(call(name, vec![left, cast(right, DataType::Float64)])))
            }
            (Operation::Times, (Side::Number(_), Side::Other(SqlType::Interval))) => {
                Ok(PlannerResult::Planned(call(&self.span_times, vec![right, cast(left, DataType::Float64)])))
            }
            (Operation::Minus, (Side::Other(SqlType::Date), Side::Other(SqlType::Date))) => {
                let days = binary_expr(left, Operator::Minus, right);
                Ok(PlannerResult::Planned(cast(days, DataType::Int32)))
            }
            (Operation::Plus | Operation::Minus, (Side::Other(SqlType::Date), Side::Other(SqlType::Interval))) => {
                original(cast(left, instant()), right, op)
            }
            (Operation::Plus, (Side::Other(SqlType::Interval), Side::Other(SqlType::Date))) => {
                original(left, cast(right, instant()), op)
            }
            (_, (Side::Number(_), _) | (_, Side::Number(_)))
                if !matches!(sides, (Side::Other(SqlType::Date), _) | (_, Side::Other(SqlType::Date))) =>
            {
                Err(missing(operation, sides.0, sides.1))
            }
            _ => original(left, right, op),
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
        (Side::Other(kind), Side::Open) if is_literal(&raw.right) && reads_literals(kind) => {
            raw.right = typed(raw.right, kind)?;
        }
        (Side::Open, Side::Other(kind)) if is_literal(&raw.left) && reads_literals(kind) => {
            raw.left = typed(raw.left, kind)?;
        }
        // A real beside another number is compared as a double precision.
        (Side::Number(one), Side::Number(other)) if (one == Kind::Float4) != (other == Kind::Float4) => {
            raw.left = cast(raw.left, DataType::Float64);
            raw.right = cast(raw.right, DataType::Float64);
        }
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

/// The types whose literals are read here; those of instants, days, ids and addresses are read elsewhere.
fn reads_literals(kind: SqlType) -> bool {
    matches!(kind, SqlType::Bool | SqlType::Bytea | SqlType::Interval)
}

fn cast(expr: Expr, to: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to))
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
