//! Texts beside values of another type: PostgreSQL reads such a literal as that type.
//!
//! Runs over every expression before the engine's own coercion, with the types at hand. Instants
//! and identities become typed constants, so that statistics can prune by them.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, BinaryExpr, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, ScalarUDF};

use super::events::{canonical_address, uuid_constant};
use super::function::sql_error;
use super::moments::{Moment, constant};
use crate::types::{Code, SqlType};

/// Reads text literals as the type of what they are compared with or cast to.
#[derive(Debug)]
pub(super) struct LiteralReader {
    pub(super) moment: Moment,
    pub(super) uuid_text: Arc<ScalarUDF>,
}

impl FunctionRewrite for LiteralReader {
    fn name(&self) -> &'static str {
        "literal_reader"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
                let (left, right) = self.pair(*left, *right, schema)?;
                let binary = BinaryExpr { left: Box::new(left), op, right: Box::new(right) };
                Ok(Transformed::yes(Expr::BinaryExpr(binary)))
            }
            Expr::Between(Between { expr, negated, low, high }) => {
                let wanted = type_of(&expr, schema);
                let low = self.read(*low, wanted)?;
                let high = self.read(*high, wanted)?;
                let between = Between { expr, negated, low: Box::new(low), high: Box::new(high) };
                Ok(Transformed::yes(Expr::Between(between)))
            }
            Expr::InList(InList { expr, list, negated }) => {
                let wanted = type_of(&expr, schema);
                let list = list.into_iter().map(|item| self.read(item, wanted)).collect::<Result<_>>()?;
                Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
            }
            Expr::Cast(cast) => self.cast(Expr::Cast(cast), schema),
            other => Ok(Transformed::no(other)),
        }
    }
}

impl LiteralReader {
    fn pair(&self, left: Expr, right: Expr, schema: &DFSchema) -> Result<(Expr, Expr)> {
        let (of_left, of_right) = (type_of(&left, schema), type_of(&right, schema));
        Ok((self.read(left, of_right)?, self.read(right, of_left)?))
    }

    /// A text literal as the wanted type; everything else as it is.
    fn read(&self, expr: Expr, wanted: Option<SqlType>) -> Result<Expr> {
        let Some(text) = literal_text(&expr) else { return Ok(expr) };
        let value = match wanted {
            Some(SqlType::Timestamptz) => constant(self.moment.read(text)?),
            Some(SqlType::Timestamp) => ScalarValue::TimestampMicrosecond(Some(self.moment.read_local(text)?), None),
            Some(SqlType::Date) => ScalarValue::Date32(Some(self.moment.read_date(text)?)),
            Some(SqlType::Interval) => match crate::types::read_interval(text) {
                Some(span) => ScalarValue::IntervalMonthDayNano(Some(span)),
                None => return Ok(expr),
            },
            Some(SqlType::Uuid) => uuid_constant(text)?,
            Some(SqlType::Inet) => match canonical_address(text) {
                Some(spelling) => ScalarValue::Utf8(Some(spelling)),
                None => return Ok(expr),
            },
            _ => return Ok(expr),
        };
        Ok(Expr::Literal(value, None))
    }

    fn cast(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let Expr::Cast(cast) = &expr else { return Ok(Transformed::no(expr)) };
        match cast.field.data_type() {
            data_type if data_type.is_string() && type_of(&cast.expr, schema) == Some(SqlType::Uuid) => {
                let arguments = vec![cast.expr.as_ref().clone()];
                let call = ScalarFunction::new_udf(Arc::clone(&self.uuid_text), arguments);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            DataType::Time32(_) | DataType::Time64(_) => match literal_text(&cast.expr) {
                Some(text) => Ok(Transformed::yes(Expr::Literal(self.clock(text)?, None))),
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        }
    }
}

impl LiteralReader {
    /// A text as a time of day.
    fn clock(&self, text: &str) -> Result<ScalarValue> {
        let local = self.moment.read_local(&format!("1970-01-01 {text}")).map_err(|_| {
            let shown: String = text.chars().take(60).collect();
            // A text of the right form names a time that does not exist.
            match text.trim_start().starts_with(|first: char| first.is_ascii_digit()) && text.contains(':') {
                true => {
                    let text = format!("date/time field value out of range: \"{shown}\"");
                    sql_error(Code::DatetimeFieldOverflow, text)
                }
                false => {
                    let text = format!("invalid input syntax for type time: \"{shown}\"");
                    sql_error(Code::InvalidDatetimeFormat, text)
                }
            }
        })?;
        Ok(ScalarValue::Time64Microsecond(Some(local.rem_euclid(super::calendar::DAY_US))))
    }
}

pub(super) fn is_comparison(operator: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn type_of(expr: &Expr, schema: &DFSchema) -> Option<SqlType> {
    expr.to_field(schema).ok().map(|(_, field)| SqlType::of_field(&field))
}

pub(super) fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}
