//! `coalesce`, which the engine does not have for bytes.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::functions::core::coalesce::CoalesceFunc;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// The function.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(Coalesce { engines: CoalesceFunc::new() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Coalesce {
    engines: CoalesceFunc,
}

impl ScalarUDFImpl for Coalesce {
    fn name(&self) -> &str {
        self.engines.name()
    }

    fn signature(&self) -> &Signature {
        self.engines.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engines.return_type(types)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        self.engines.return_field_from_args(arguments)
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.engines.simplify(arguments, info)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.engines.invoke_with_args(arguments)
    }

    fn conditional_arguments<'a>(&self, arguments: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.engines.conditional_arguments(arguments)
    }

    fn short_circuits(&self) -> bool {
        self.engines.short_circuits()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let of_bytes = |kind: &DataType| matches!(kind, DataType::Binary | DataType::Null);
        if types.contains(&DataType::Binary) && types.iter().all(of_bytes) {
            return Ok(vec![DataType::Binary; types.len()]);
        }
        // Written texts beside identities are read as such (`cast_rules`), and other texts are refused there.
        let is_identity = |kind: &DataType| *kind == DataType::FixedSizeBinary(16);
        if types.iter().any(is_identity)
            && types.iter().all(|kind| is_identity(kind) || kind.is_string() || kind.is_null())
        {
            return Ok(types.to_vec());
        }
        self.engines.coerce_types(types)
    }
}
