//! `marked(value, type, modifier)`: the value, as a column that says its type.
//!
//! The engine's CASE, COALESCE and the like keep the Arrow type of their results, but not what their columns say
//! besides, such as that a text is a `name` or JSON. Where all results say the same, the whole says it too.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};

use crate::types::SqlType;

/// The name of the function.
pub(super) const MARKED: &str = "marked";

/// The function.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(Marked { signature: Signature::any(3, Volatility::Immutable) })
}

/// The expression under a mark, where all its results say one type that their Arrow type does not tell.
pub(super) fn mark(expr: Expr, results: &[&Expr], schema: &DFSchema, marked: &Arc<ScalarUDF>) -> Expr {
    let mut said = None;
    for result in results {
        // NULL and texts without a type take that of the others.
        if matches!(result, Expr::Literal(value, None) if value.is_null() || value.data_type().is_string()) {
            continue;
        }
        let Ok((_, field)) = result.to_field(schema) else { return expr };
        let kind = SqlType::of_field(&field);
        let of_texts = |one: SqlType, other: SqlType| one.is_text() && other.is_text();
        // Among texts of several kinds the first one counts.
        if said.is_some_and(|said| said != kind && !of_texts(said, kind)) {
            return expr;
        }
        said = said.or(Some(kind));
    }
    let arrow = expr.get_type(schema).ok();
    match said.filter(|said| arrow.as_ref().and_then(SqlType::from_arrow) != Some(*said)) {
        Some(kind) => {
            let arguments = vec![expr, lit(kind.name()), lit(-1_i64)];
            Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(marked), arguments))
        }
        None => expr,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Marked {
    signature: Signature,
}

impl ScalarUDFImpl for Marked {
    fn name(&self) -> &'static str {
        MARKED
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("marked is typed by its arguments' values".to_owned()))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let kind = match arguments.scalar_arguments.get(1).copied().flatten() {
            Some(ScalarValue::Utf8(Some(name))) => SqlType::from_name(name),
            _ => None,
        };
        let value = arguments.arg_fields.first();
        match value.zip(kind) {
            Some((value, kind)) => {
                let field: Field = kind.marked_field(MARKED, value.data_type().clone(), -1);
                Ok(Arc::new(field))
            }
            None => Err(DataFusionError::Internal("marked takes a value and a type".to_owned())),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = arguments.args.into_iter().next();
        value.ok_or_else(|| DataFusionError::Internal("marked takes a value".to_owned()))
    }
}
