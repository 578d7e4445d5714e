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
use datafusion::logical_expr::expr::{Case, Cast, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF, lit};

use super::convert::Target;
use super::marks::{MARKED, mark};
use super::numbers::Kind;
use crate::types::SqlType;

/// Puts `as_type` in the place of casts whose meaning is not the engine's.
#[derive(Debug)]
pub(super) struct CastReader {
    pub(super) as_type: Arc<ScalarUDF>,
    pub(super) marked: Arc<ScalarUDF>,
}

impl FunctionRewrite for CastReader {
    fn name(&self) -> &'static str {
        "cast_reader"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        let (inner, field) = match expr {
            Expr::Cast(Cast { expr, field }) => (expr, field),
            Expr::ScalarFunction(call) => return self.function(call, schema),
            Expr::Case(case) => return Ok(Transformed::yes(self.case(case, schema))),
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
        let arguments = vec![*inner, lit(target.kind.name()), lit(i64::from(target.modifier))];
        let call = ScalarFunction::new_udf(Arc::clone(&self.as_type), arguments);
        Ok(Transformed::yes(Expr::ScalarFunction(call)))
    }
}

impl CastReader {
    fn function(&self, function: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match function.name() {
            // Items whose type their column alone does not tell, such as addresses.
            "make_array" => {
                let told = function.args.iter().find_map(|item| {
                    let field = item.to_field(schema).ok()?.1;
                    let kind = SqlType::of_field(&field);
                    (kind != SqlType::Unknown && SqlType::from_arrow(field.data_type()) != Some(kind)).then_some(kind)
                });
                let Some(array) = told.and_then(SqlType::array) else {
                    return Ok(Transformed::no(Expr::ScalarFunction(function)));
                };
                let arguments = vec![Expr::ScalarFunction(function), lit(array.name()), lit(-1_i64)];
                let call = ScalarFunction::new_udf(Arc::clone(&self.as_type), arguments);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            "coalesce" | "greatest" | "least" | "nullif" => {
                Ok(Transformed::yes(self.choice(Expr::ScalarFunction(function), schema).data))
            }
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
    pub(super) fn choice(&self, expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
        match expr {
            Expr::Case(case) => Transformed::yes(self.case(case, schema)),
            Expr::ScalarFunction(mut function) => {
                function.args = mixed(function.args, schema);
                let mut results = function.args.clone();
                // NULLIF is of the type of its first argument.
                if function.name() == "nullif" {
                    results.truncate(1);
                }
                let call = Expr::ScalarFunction(function);
                Transformed::yes(mark(call, &results.iter().collect::<Vec<_>>(), schema, &self.marked))
            }
            other => Transformed::no(other),
        }
    }

    fn case(&self, mut case: Case, schema: &DFSchema) -> Expr {
        let otherwise = case.else_expr.take();
        let has_else = otherwise.is_some();
        let (whens, thens): (Vec<_>, Vec<_>) = case.when_then_expr.into_iter().unzip();
        let mut results = mixed(thens.into_iter().chain(otherwise).map(|result| *result).collect(), schema);
        let mut all = results.clone();
        // PostgreSQL looks at ELSE first.
        if has_else {
            all.rotate_right(1);
        }
        case.else_expr = if has_else { results.pop().map(Box::new) } else { None };
        case.when_then_expr = whens.into_iter().zip(results.into_iter().map(Box::new)).collect();
        mark(Expr::Case(case), &all.iter().collect::<Vec<_>>(), schema, &self.marked)
    }
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
    // Instants and days are shown in the session's zone, also inside arrays: `zone_rules` knows it.
    let timed = |kind| matches!(kind, SqlType::Timestamptz | SqlType::Timestamp | SqlType::Date | SqlType::Time);
    let listed = source.item().is_some_and(|item| !timed(item));
    let shown = plain(source) || listed || matches!(source, SqlType::Interval | SqlType::Record);
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
        kind if plain(kind) => plain(source),
        SqlType::Cidr => source.is_text() || source == SqlType::Inet,
        SqlType::Interval => source.is_text() || source == SqlType::Time,
        // There is no such cast: the function says so.
        SqlType::Date | SqlType::Time | SqlType::Timestamp | SqlType::Timestamptz => {
            (source.is_number() && from.data_type() != &DataType::Null) || source == SqlType::Bool
        }
        _ => false,
    }
}
