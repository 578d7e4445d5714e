//! Where `as_type` stands: casts that SQL writes, arrays whose items say more than their column, decimals
//! that meet floats.
//!
//! Runs over every expression before the engine's own coercion, with the types at hand. Casts that the
//! engine adds itself only ever widen, and stay.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::{Between, BinaryExpr, Case, Cast, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF, lit};

use super::convert::{AS_TYPE, Target, read_constant};
use super::function::sql_error;
use super::literals::{is_comparison, literal_text};
use super::marks::{MARKED, check_results, mark};
use super::numbers::Kind;
use super::passing::AS_WRITTEN;
use crate::types::{Code, SqlType};

/// Puts `as_type` in the place of casts whose meaning is not the engine's.
#[derive(Debug)]
pub(super) struct CastReader {
    pub(super) as_type: Arc<ScalarUDF>,
    pub(super) marked: Arc<ScalarUDF>,
    pub(super) negate: Arc<ScalarUDF>,
    pub(super) scalar_text: Arc<ScalarUDF>,
    pub(super) checks: Checks,
}

/// What is looked at besides values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Checks {
    /// Nothing: the words of a fragment say less of types than those of its statement did.
    Nothing,
    /// Whether the results of a choice have a common type.
    Types,
}

impl CastReader {
    /// With the functions that a session knows.
    pub(super) fn of(functions: &dyn FunctionRegistry, checks: Checks) -> Result<Self> {
        Ok(Self {
            as_type: functions.udf(AS_TYPE)?,
            marked: functions.udf(MARKED)?,
            negate: functions.udf("number_negate")?,
            scalar_text: functions.udf("jsonb_scalar_text")?,
            checks,
        })
    }
}

impl FunctionRewrite for CastReader {
    fn name(&self) -> &'static str {
        "cast_reader"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        let (inner, field) = match expr {
            Expr::Cast(Cast { expr, field }) => (expr, field),
            Expr::ScalarFunction(call) => return self.function(call, schema),
            // The engine's own sign would leave the type in silence.
            Expr::Negative(value) if value.get_type(schema)?.is_integer() => {
                let call = ScalarFunction::new_udf(Arc::clone(&self.negate), vec![*value]);
                return Ok(Transformed::yes(Expr::ScalarFunction(call)));
            }
            Expr::Case(case) => return Ok(Transformed::yes(self.case(case, schema)?)),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
                let [left, right] = <[Expr; 2]>::try_from(mixed(vec![*left, *right], schema)).unwrap_or_default();
                let binary = BinaryExpr { left: Box::new(left), op, right: Box::new(right) };
                return Ok(Transformed::yes(Expr::BinaryExpr(binary)));
            }
            Expr::Between(Between { expr, negated, low, high }) => {
                let all = mixed(vec![*expr, *low, *high], schema).into_iter().map(Box::new);
                let [expr, low, high] = <[Box<Expr>; 3]>::try_from(all.collect::<Vec<_>>()).unwrap_or_default();
                return Ok(Transformed::yes(Expr::Between(Between { expr, negated, low, high })));
            }
            Expr::InList(InList { expr, list, negated }) => {
                let mut all = mixed(std::iter::once(*expr).chain(list).collect(), schema);
                let expr = Box::new(all.remove(0));
                return Ok(Transformed::yes(Expr::InList(InList { expr, list: all, negated })));
            }
            other => return Ok(Transformed::no(other)),
        };
        let from = inner.to_field(schema).map(|(_, field)| field)?;
        let (source, target) = (SqlType::of_field(&from), Target::of_field(&field));
        // Left standing, it would be dropped by the optimiser, and the column with it lose its nullability.
        if source == target.kind
            && target.modifier == -1
            && from.data_type() == field.data_type()
            && from.metadata() == field.metadata()
        {
            return Ok(Transformed::yes(*inner));
        }
        if !is_ours(source, target, &from, &field) {
            return Ok(Transformed::no(Expr::Cast(Cast { expr: inner, field })));
        }
        if target.arrow() != *field.data_type() {
            // A fragment names a precision of its own.
            return Ok(Transformed::no(Expr::Cast(Cast { expr: inner, field })));
        }
        let value = match source {
            SqlType::Jsonb if target.kind.is_number() || target.kind == SqlType::Bool => {
                let arguments = vec![*inner, lit(target.kind.name())];
                Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.scalar_text), arguments))
            }
            _ => *inner,
        };
        let arguments = vec![value, lit(target.kind.name()), lit(i64::from(target.modifier))];
        let call = ScalarFunction::new_udf(Arc::clone(&self.as_type), arguments);
        Ok(Transformed::yes(Expr::ScalarFunction(call)))
    }
}

impl CastReader {
    fn function(&self, mut function: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match function.name() {
            // Items whose type their column alone does not tell, such as addresses.
            "make_array" => {
                check_lengths(&function.args)?;
                function.args = mixed(function.args, schema);
                let told = function.args.iter().find_map(|item| {
                    let field = item.to_field(schema).ok()?.1;
                    let kind = SqlType::of_field(&field);
                    (kind != SqlType::Unknown && SqlType::from_arrow(field.data_type()) != Some(kind)).then_some(kind)
                });
                let Some(array) = told.and_then(SqlType::array) else {
                    return Ok(Transformed::yes(Expr::ScalarFunction(function)));
                };
                let arguments = vec![Expr::ScalarFunction(function), lit(array.name()), lit(-1_i64)];
                let call = ScalarFunction::new_udf(Arc::clone(&self.as_type), arguments);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            "coalesce" | "greatest" | "least" | "nullif" => self.choice(Expr::ScalarFunction(function), schema),
            // The plan has its names: the cast alone is left.
            AS_WRITTEN if !function.args.is_empty() => Ok(Transformed::yes(function.args.swap_remove(0))),
            // What was marked before is marked once more when a plan is looked at again.
            MARKED => match function.args.first() {
                Some(Expr::ScalarFunction(inner)) if inner.name() == MARKED => {
                    Ok(Transformed::yes(Expr::ScalarFunction(inner.clone())))
                }
                _ => Ok(Transformed::no(Expr::ScalarFunction(function))),
            },
            _ => Ok(Transformed::no(Expr::ScalarFunction(function))),
        }
    }

    /// A CASE, COALESCE or the like that says the common type of its results.
    pub(super) fn choice(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Case(case) => Ok(Transformed::yes(self.case(case, schema)?)),
            Expr::ScalarFunction(mut function) => {
                function.args = self.read(mixed(function.args, schema), schema)?;
                let mut results = function.args.clone();
                let name = function.name().to_owned();
                // NULLIF is of the type of its first argument.
                if function.name() == "nullif" {
                    results.truncate(1);
                }
                let call = Expr::ScalarFunction(function);
                let results: Vec<&Expr> = results.iter().collect();
                if let Checks::Types = self.checks {
                    check_results(&name.to_uppercase(), &results, schema)?;
                }
                Ok(Transformed::yes(mark(call, &results, schema, &self.marked)))
            }
            other => Ok(Transformed::no(other)),
        }
    }

    fn case(&self, mut case: Case, schema: &DFSchema) -> Result<Expr> {
        if case.expr.is_none() {
            for (when, _) in &case.when_then_expr {
                let given = SqlType::of_field(&when.to_field(schema)?.1);
                if given.is_number() {
                    let text = format!("argument of CASE/WHEN must be type boolean, not type {}", given.spelling());
                    return Err(sql_error(Code::DatatypeMismatch, text));
                }
            }
        }
        let otherwise = case.else_expr.take();
        let has_else = otherwise.is_some();
        let (whens, thens): (Vec<_>, Vec<_>) = case.when_then_expr.into_iter().unzip();
        let results = thens.into_iter().chain(otherwise).map(|result| *result).collect();
        let mut results = self.read(mixed(results, schema), schema)?;
        let mut all = results.clone();
        if has_else {
            // PostgreSQL looks at ELSE first when it chooses the type.
            all.rotate_right(1);
        }
        case.else_expr = if has_else { results.pop().map(Box::new) } else { None };
        case.when_then_expr = whens.into_iter().zip(results.into_iter().map(Box::new)).collect();
        let all: Vec<&Expr> = all.iter().collect();
        if let Checks::Types = self.checks {
            check_results("CASE", &all, schema)?;
        }
        Ok(mark(Expr::Case(case), &all, schema, &self.marked))
    }

    /// Written texts beside numbers and truth values are read as such.
    fn read(&self, values: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
        let is_text = |value: &Expr| literal_text(value).is_some();
        let kind = values.iter().filter(|value| !is_text(value)).find_map(|value| {
            let (_, field) = value.to_field(schema).ok()?;
            (!field.data_type().is_null()).then(|| SqlType::of_field(&field))
        });
        let is_read = |kind: &SqlType| kind.is_number() || matches!(kind, SqlType::Bool | SqlType::Uuid);
        let Some(kind) = kind.filter(is_read) else { return Ok(values) };
        let target = Target { kind, modifier: -1 };
        let read = |value: Expr| {
            let Some(text) = literal_text(&value) else { return Ok(value) };
            // A text that is no such value is an error, also where no row comes to it.
            read_constant(text, target)?;
            Ok(self.read_as(value, kind))
        };
        values.into_iter().map(read).collect()
    }

    /// A text as a value of a type.
    pub(super) fn read_as(&self, value: Expr, kind: SqlType) -> Expr {
        let arguments = vec![value, lit(kind.name()), lit(-1_i64)];
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.as_type), arguments))
    }
}

/// An error for written arrays in an array that are not of one length.
fn check_lengths(items: &[Expr]) -> Result<()> {
    let mut lengths = items.iter().filter_map(|item| match item {
        Expr::ScalarFunction(array) if array.name() == "make_array" => Some(array.args.len()),
        _ => None,
    });
    let Some(first) = lengths.next() else { return Ok(()) };
    if lengths.all(|length| length == first) {
        return Ok(());
    }
    let text = "multidimensional arrays must have array expressions with matching dimensions";
    Err(sql_error(Code::ArraySubscriptError, text))
}

/// Decimals beside floats become floats, as PostgreSQL chooses among them.
fn mixed(values: Vec<Expr>, schema: &DFSchema) -> Vec<Expr> {
    let kinds: Vec<Option<Kind>> =
        values.iter().map(|value| value.get_type(schema).ok().as_ref().and_then(Kind::of)).collect();
    let has = |wanted: fn(&Kind) -> bool| kinds.iter().flatten().any(wanted);
    if !has(|kind| matches!(kind, Kind::Float4 | Kind::Float8)) || !has(|kind| matches!(kind, Kind::Numeric(_))) {
        return values;
    }
    let float = |(value, kind): (Expr, Option<Kind>)| match kind {
        Some(Kind::Numeric(_) | Kind::Float4) => Expr::Cast(Cast::new(Box::new(value), DataType::Float64)),
        _ => value,
    };
    values.into_iter().zip(kinds).map(float).collect()
}

/// Whether a cast is made by `as_type`.
fn is_ours(source: SqlType, target: Target, from: &Field, to: &Field) -> bool {
    let plain = |kind: SqlType| kind.is_number() || kind.is_text() || matches!(kind, SqlType::Bool | SqlType::Bytea);
    // Instants and days are shown in the session's zone, also inside arrays, and spans in its style: `zone_rules`
    // knows them.
    let timed = |kind| matches!(kind, SqlType::Timestamptz | SqlType::Timestamp | SqlType::Date | SqlType::Time);
    let listed = source.item().is_some_and(|item| !timed(item));
    let shown = plain(source) || listed || source == SqlType::Record;
    // What the engine counts is widened by the engine.
    if from.data_type() == &DataType::UInt64 {
        return false;
    }
    if source == target.kind && target.modifier == -1 && from.data_type() == to.data_type() {
        return false;
    }
    match target.kind {
        kind if kind.item().is_some() => source.item().is_some() || source.is_text(),
        kind if kind.is_text() && kind != SqlType::Unknown => {
            shown || matches!(source, SqlType::Json | SqlType::Jsonb | SqlType::Inet | SqlType::Cidr)
        }
        kind if kind.is_number() || kind == SqlType::Bool => {
            // There is no cast of an instant or an identity: the function says so.
            let has_none = timed(source) || matches!(source, SqlType::Uuid | SqlType::Json);
            plain(source) || source == SqlType::Jsonb || (has_none && source != SqlType::Time)
        }
        kind if plain(kind) => plain(source),
        SqlType::Cidr => source.is_text() || source == SqlType::Inet,
        SqlType::Interval => source.is_text() || source == SqlType::Time,
        SqlType::Time if source == SqlType::Interval => true,
        // There is no such cast: the function says so.
        SqlType::Date | SqlType::Time | SqlType::Timestamp | SqlType::Timestamptz => {
            (source.is_number() && from.data_type() != &DataType::Null) || source == SqlType::Bool
        }
        _ => false,
    }
}
