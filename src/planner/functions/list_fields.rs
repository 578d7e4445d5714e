//! One field of every row of a list of rows, as a list.
//!
//! `aclexplode_grantor(acl)` is the grantors of `aclexplode_rows(acl)`, in order. So a function that gives
//! rows can be unnested column by column, each beside the others.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// The functions over the rows of `rows`, one for each name with the field that it gives.
pub(super) fn of(rows: &Arc<ScalarUDF>, fields: &[(&'static str, &'static str)]) -> Vec<ScalarUDF> {
    let one = |(name, field): &(&'static str, &'static str)| {
        ScalarUDF::new_from_impl(ListField { name, field, rows: Arc::clone(rows), signature: rows.signature().clone() })
    };
    fields.iter().map(one).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ListField {
    name: &'static str,
    field: &'static str,
    rows: Arc<ScalarUDF>,
    signature: Signature,
}

impl ListField {
    fn item(&self, rows: &DataType) -> Result<FieldRef> {
        if let DataType::List(item) = rows
            && let DataType::Struct(fields) = item.data_type()
            && let Some((_, field)) = fields.find(self.field)
        {
            return Ok(Arc::new(Field::new("item", field.data_type().clone(), true)));
        }
        plan_err!("{} gives no rows with a field {}", self.rows.name(), self.field)
    }
}

impl ScalarUDFImpl for ListField {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(self.item(&self.rows.inner().return_type(arguments)?)?))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let rows = self.rows.inner().return_field_from_args(arguments)?;
        Ok(Arc::new(Field::new(self.name, DataType::List(self.item(rows.data_type())?), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let count = arguments.number_rows;
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let rows_type = self.rows.inner().return_type(&types)?;
        let of_rows =
            ScalarFunctionArgs { return_field: Arc::new(Field::new(self.rows.name(), rows_type, true)), ..arguments };
        let rows = self.rows.inner().invoke_with_args(of_rows)?.into_array(count)?;
        let lists = rows.as_list::<i32>();
        let item = self.item(rows.data_type())?;
        let values: Option<ArrayRef> = lists.values().as_struct().column_by_name(self.field).map(Arc::clone);
        let Some(values) = values else { return plan_err!("no field {}", self.field) };
        let list = ListArray::new(item, lists.offsets().clone(), values, lists.nulls().cloned());
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::of;
    use crate::planner::functions::tokens;

    #[test]
    fn a_field_of_rows_is_a_list() {
        let rows = Arc::new(tokens::function());
        let names: Vec<String> =
            of(&rows, &[("token_type_alias", "alias")]).iter().map(|function| function.name().to_owned()).collect();
        assert_eq!(names, ["token_type_alias"]);
        let function = &of(&rows, &[("token_type_alias", "alias")])[0];
        let list = function.inner().return_type(&[datafusion::arrow::datatypes::DataType::Int32]).expect("a type");
        assert!(matches!(list, datafusion::arrow::datatypes::DataType::List(item) if item.data_type().is_string()));
    }
}
