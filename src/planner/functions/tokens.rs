//! `ts_token_type`: the kinds of tokens of a text search parser, as rows.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Int32Array, ListArray, StringArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::system::TOKEN_TYPES;

/// The functions that give one field of the rows.
pub(super) const FIELDS: &[(&str, &str)] =
    &[("token_type_tokid", "tokid"), ("token_type_alias", "alias"), ("token_type_description", "description")];

/// The function of this file; there is one parser, so its rows do not depend on the argument.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(TokenTypes { signature: Signature::new(TypeSignature::Any(1), Volatility::Stable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TokenTypes {
    signature: Signature,
}

fn row_fields() -> Fields {
    Fields::from(vec![
        Field::new("tokid", DataType::Int32, true),
        Field::new("alias", DataType::Utf8, true),
        Field::new("description", DataType::Utf8, true),
    ])
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(row_fields()), true))
}

impl ScalarUDFImpl for TokenTypes {
    fn name(&self) -> &'static str {
        "token_type_rows"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(item()))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from_iter_values(TOKEN_TYPES.iter().map(|(number, ..)| *number))),
            Arc::new(StringArray::from_iter_values(TOKEN_TYPES.iter().map(|(_, alias, _)| *alias))),
            Arc::new(StringArray::from_iter_values(TOKEN_TYPES.iter().map(|(.., description)| *description))),
        ];
        let rows = StructArray::new(row_fields(), columns, None);
        let list = ListArray::new(item(), OffsetBuffer::from_lengths([rows.len()]), Arc::new(rows), None);
        Ok(ColumnarValue::Scalar(ScalarValue::List(Arc::new(list))))
    }
}
