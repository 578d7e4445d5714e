//! JSON: `->`, `->>`, `#>`, `#>>`, `?` over jsonb kept as text.
//!
//! The reading is `datafusion-functions-json`'s; here its results get our types: `->` yields jsonb,
//! never a union, so that it can be grouped by, sent and read again.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use datafusion_functions_json::udfs::{json_as_text_udf, json_contains_udf, json_get_json_udf, json_length_udf};

use crate::types::SqlType;

static GET: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(JsonbGet::new())));

/// The functions of this file, as an owner needs them to read a fragment.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::clone(&GET), json_as_text_udf(), json_contains_udf(), json_length_udf()]
}

/// The function behind an operator.
pub(super) fn operator(operator: &BinaryOperator) -> Option<Arc<ScalarUDF>> {
    match operator {
        BinaryOperator::Arrow | BinaryOperator::HashArrow => Some(Arc::clone(&GET)),
        BinaryOperator::LongArrow | BinaryOperator::HashLongArrow => Some(json_as_text_udf()),
        BinaryOperator::Question => Some(json_contains_udf()),
        _ => None,
    }
}

/// `jsonb_get(value, key or index or path)`: the value there, as jsonb.
#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonbGet {
    signature: Signature,
}

impl JsonbGet {
    fn new() -> Self {
        Self { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for JsonbGet {
    fn name(&self) -> &'static str {
        "jsonb_get"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        json_get_json_udf().inner().return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        // The inner function says whether it can read these arguments at all.
        self.return_type(&types)?;
        Ok(Arc::new(SqlType::Jsonb.field(self.name(), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        json_get_json_udf().inner().invoke_with_args(arguments)
    }
}
