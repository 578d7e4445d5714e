//! Functions that give their first argument as it is: `only_row`, `maybe`, `as_written`.
//!
//! They tell the engine something, or check something, about a value: see `rewrite::single_rows` and
//! `rewrite::same_names`, which put them in.

use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::sql_error;
use crate::types::Code;

/// `as_written(value, type)`: the rule of casts takes it away.
pub(super) const AS_WRITTEN: &str = "as_written";

/// The functions of this file.
pub(super) fn functions() -> [ScalarUDF; 3] {
    [("only_row", 2), ("maybe", 1), (AS_WRITTEN, 2)].map(|(name, arguments)| {
        ScalarUDF::new_from_impl(Passing { name, signature: Signature::any(arguments, Volatility::Immutable) })
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Passing {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for Passing {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(given.first().cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        match arguments.arg_fields.first() {
            Some(field) => Ok(Arc::new(field.as_ref().clone().with_name(self.name).with_nullable(true))),
            None => Err(DataFusionError::Internal(format!("{} takes a value", self.name))),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let mut given = arguments.args.into_iter();
        let value = given.next().ok_or_else(|| DataFusionError::Internal(format!("{} takes a value", self.name)))?;
        if let Some(counts) = given.next().filter(|_| self.name == "only_row") {
            let counts = counts.into_array(rows)?;
            let counts = counts.as_primitive_opt::<Int64Type>();
            if counts.is_some_and(|counts| counts.iter().flatten().any(|count| count > 1)) {
                let text = "more than one row returned by a subquery used as an expression";
                return Err(sql_error(Code::CardinalityViolation, text));
            }
        }
        Ok(value)
    }
}
