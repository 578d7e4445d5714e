//! `marked(value, type, modifier)`: the value, as a column that says its type; a fourth argument is the object id
//! of a user's type.
//!
//! The engine's CASE, COALESCE and the like keep the Arrow type of their results, but not what their columns say
//! besides, such as that a text is a `name` or JSON. The whole says what its results have in common.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignature, Volatility, lit,
};

use super::function::sql_error;
use crate::types::{Code, SqlType, USER_TYPE_KEY};

/// The name of the function.
pub(super) const MARKED: &str = "marked";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let arguments = vec![TypeSignature::Any(3), TypeSignature::Any(4)];
    let signature = Signature::one_of(arguments, Volatility::Immutable);
    ScalarUDF::new_from_impl(Marked { signature })
}

/// The expression under a mark, where the common type of its results is not told by its Arrow type; the results
/// are in the order in which PostgreSQL looks at them.
pub(super) fn mark(expr: Expr, results: &[&Expr], schema: &DFSchema, marked: &Arc<ScalarUDF>) -> Expr {
    let (mut kinds, mut users) = (Vec::with_capacity(results.len()), Vec::new());
    for result in results {
        if has_no_type(result) {
            continue;
        }
        let Ok((_, field)) = result.to_field(schema) else { return expr };
        kinds.push(SqlType::of_field(&field));
        users.push(field.metadata().get(USER_TYPE_KEY).and_then(|oid| oid.parse::<u32>().ok()));
    }
    if let Some(user) = users.iter().copied().find(Option::is_some).flatten() {
        let is_one = users.iter().all(|other| *other == Some(user));
        let Some(kind) = kinds.first().filter(|_| is_one) else { return expr };
        return call_marked(expr, *kind, -1, Some(user), marked);
    }
    let Ok(data_type) = expr.get_type(schema) else { return expr };
    match SqlType::common(kinds).filter(|kind| is_untold(*kind, &data_type)) {
        Some(kind) => marked_as(expr, kind, -1, marked),
        None => expr,
    }
}

/// An error where the results of a choice have no common type, in PostgreSQL's order.
pub(super) fn check_results(what: &str, results: &[&Expr], schema: &DFSchema) -> Result<()> {
    let typed = results.iter().filter(|result| !has_no_type(result));
    let fields = typed.filter_map(|result| result.to_field(schema).ok()).map(|(_, field)| field);
    let fields: Vec<FieldRef> = fields.collect();
    if fields.iter().any(|field| field.metadata().contains_key(USER_TYPE_KEY)) {
        return Ok(());
    }
    check_common(fields.iter().map(|field| SqlType::of_field(field)), what)
}

/// An error for types of different kinds, as PostgreSQL has it.
pub(super) fn check_common(kinds: impl IntoIterator<Item = SqlType>, what: &str) -> Result<()> {
    let mut chosen: Option<SqlType> = None;
    for kind in kinds {
        chosen = match chosen {
            Some(before) if SqlType::are_apart(before, kind) => {
                let text = format!("{what} types {} and {} cannot be matched", before.spelling(), kind.spelling());
                return Err(sql_error(Code::DatatypeMismatch, text));
            }
            Some(before) => SqlType::common([before, kind]).or(chosen),
            None => Some(kind).filter(|kind| *kind != SqlType::Unknown),
        };
    }
    Ok(())
}

/// NULL and texts without a type take that of the others.
pub(super) fn has_no_type(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => has_no_type(&alias.expr),
        Expr::Literal(value, None) => value.is_null() || value.data_type().is_string(),
        _ => false,
    }
}

/// The Arrow type carries this SQL type, but would be taken for another one.
pub(super) fn is_untold(kind: SqlType, data_type: &DataType) -> bool {
    let carries = *data_type == kind.arrow() || (kind.is_registry() && *data_type == DataType::Int32);
    carries && SqlType::from_arrow(data_type) != Some(kind)
}

/// `marked(expr, kind, modifier)`
pub(super) fn marked_as(expr: Expr, kind: SqlType, modifier: i32, marked: &Arc<ScalarUDF>) -> Expr {
    call_marked(expr, kind, modifier, None, marked)
}

fn call_marked(expr: Expr, kind: SqlType, modifier: i32, user: Option<u32>, marked: &Arc<ScalarUDF>) -> Expr {
    let mut arguments = vec![expr, lit(kind.name()), lit(i64::from(modifier))];
    arguments.extend(user.map(|oid| lit(i64::from(oid))));
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(marked), arguments))
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
        let modifier = match arguments.scalar_arguments.get(2).copied().flatten() {
            Some(ScalarValue::Int64(Some(modifier))) => i32::try_from(*modifier).unwrap_or(-1),
            _ => -1,
        };
        let value = arguments.arg_fields.first();
        match value.zip(kind) {
            Some((value, kind)) => {
                let mut field: Field = kind.marked_field(MARKED, value.data_type().clone(), modifier);
                if let Some(Some(ScalarValue::Int64(Some(user)))) = arguments.scalar_arguments.get(3) {
                    field.metadata_mut().insert(USER_TYPE_KEY.to_owned(), user.to_string());
                }
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
