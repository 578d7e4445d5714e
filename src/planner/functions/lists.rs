//! Functions over arrays that the engine lacks.

use std::sync::Arc;

use datafusion::arrow::array::Int32Array;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int32Builder, ListArray, ListBuilder, StringArray, StructArray, new_null_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::types::SqlType;

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    use Shape::{ArrayOrEmpty, ArrayOrNullItem, ExpandArray, Options, Ordinals, Subscripts};
    let shapes = [ArrayOrEmpty, ArrayOrNullItem, ExpandArray, Options, Ordinals, Subscripts];
    shapes.into_iter().map(|shape| ScalarUDF::new_from_impl(ListFunction::new(shape))).collect()
}

/// Functions that give rows, and those that give one field of these rows.
pub(super) const FIELDS: &[(&str, &[(&str, &str)])] = &[
    ("expandarray_rows", &[("expandarray_x", "x"), ("expandarray_n", "n")]),
    ("options_rows", &[("options_option_name", "option_name"), ("options_option_value", "option_value")]),
];

/// What the function makes of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    /// The list itself, empty instead of NULL.
    ArrayOrEmpty,
    /// The list itself, one NULL instead of NULL or nothing.
    ArrayOrNullItem,
    /// `_pg_expandarray`: elements `x` with their numbers `n`.
    ExpandArray,
    /// `generate_subscripts`: the numbers of the elements; a vector of a system table counts from 0.
    Subscripts,
    /// `WITH ORDINALITY`: the numbers of the elements, from 1.
    Ordinals,
    /// `pg_options_to_table`: `name=value` in two.
    Options,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ListFunction {
    shape: Shape,
    signature: Signature,
}

impl ListFunction {
    fn new(shape: Shape) -> Self {
        let signature = match shape {
            Shape::Subscripts => TypeSignature::OneOf(vec![TypeSignature::Any(2), TypeSignature::Any(3)]),
            _ => TypeSignature::Any(1),
        };
        Self { shape, signature: Signature::new(signature, Volatility::Immutable) }
    }
}

fn item_of(data_type: &DataType) -> Result<Arc<Field>> {
    match data_type {
        DataType::List(item) => Ok(Arc::clone(item)),
        DataType::Null => Ok(Arc::new(Field::new("item", DataType::Null, true))),
        other => plan_err!("an array is wanted, not {other}"),
    }
}

fn pair_fields(item: &Field) -> Fields {
    Fields::from(vec![Field::new("x", item.data_type().clone(), true), Field::new("n", DataType::Int32, true)])
}

impl ScalarUDFImpl for ListFunction {
    fn name(&self) -> &str {
        match self.shape {
            Shape::ArrayOrEmpty => "array_or_empty",
            Shape::ArrayOrNullItem => "array_or_null_item",
            Shape::ExpandArray => "expandarray_rows",
            Shape::Subscripts => "subscripts_rows",
            Shape::Ordinals => "ordinals_rows",
            Shape::Options => "options_rows",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let item = item_of(&arguments[0])?;
        Ok(match self.shape {
            Shape::ArrayOrEmpty | Shape::ArrayOrNullItem => DataType::List(item),
            Shape::ExpandArray => {
                DataType::List(Arc::new(Field::new("item", DataType::Struct(pair_fields(&item)), true)))
            }
            Shape::Subscripts => DataType::List(Arc::new(Field::new("item", DataType::Int32, true))),
            Shape::Ordinals => DataType::List(Arc::new(Field::new("item", DataType::Int64, true))),
            Shape::Options => DataType::List(Arc::new(Field::new("item", DataType::Struct(option_fields()), true))),
        })
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let field = Field::new(self.name(), self.return_type(&types)?, true);
        let keeps_type = matches!(self.shape, Shape::ArrayOrEmpty | Shape::ArrayOrNullItem);
        let Some(list) = arguments.arg_fields.first().filter(|_| keeps_type) else { return Ok(Arc::new(field)) };
        let plain = match SqlType::of_field(list) {
            SqlType::Int2Vector => SqlType::Int2Array,
            SqlType::OidVector => SqlType::OidArray,
            _ => return Ok(Arc::new(field.with_metadata(list.metadata().clone()))),
        };
        Ok(Arc::new(plain.marked_field(self.name(), field.data_type().clone(), -1)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let wanted = arguments.return_field.data_type().clone();
        let is_vector = arguments
            .arg_fields
            .first()
            .is_some_and(|field| matches!(SqlType::of_field(field), SqlType::Int2Vector | SqlType::OidVector));
        let first = arguments.args.into_iter().next().map(|argument| argument.into_array(rows)).transpose()?;
        let array = first.ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let lists = match array.as_list_opt::<i32>() {
            Some(lists) => lists.clone(),
            None => new_null_array(&DataType::List(item_of(array.data_type())?), rows).as_list::<i32>().clone(),
        };
        let result: ArrayRef = match self.shape {
            Shape::ArrayOrEmpty => Arc::new(without_null(&lists)),
            Shape::ArrayOrNullItem => Arc::new(with_null_item(&lists)?),
            Shape::ExpandArray => expanded(&lists, &wanted)?,
            Shape::Subscripts => Arc::new(subscripts(&lists, i32::from(!is_vector))),
            Shape::Ordinals => cast(&subscripts(&lists, 1), &wanted)?,
            Shape::Options => Arc::new(options(&lists)?),
        };
        Ok(ColumnarValue::Array(result))
    }
}

fn without_null(lists: &ListArray) -> ListArray {
    let lengths = (0..lists.len()).map(|row| if lists.is_valid(row) { lists.value_length(row) as usize } else { 0 });
    let taken: Vec<ArrayRef> =
        (0..lists.len()).filter(|row| lists.is_valid(*row)).map(|row| lists.value(row)).collect();
    let item = match lists.data_type() {
        DataType::List(item) => Arc::clone(item),
        _ => Arc::new(Field::new("item", DataType::Null, true)),
    };
    let views: Vec<&dyn Array> = taken.iter().map(|array| array.as_ref() as &dyn Array).collect();
    let values = concat(&views).unwrap_or_else(|_| new_null_array(item.data_type(), 0));
    ListArray::new(item, OffsetBuffer::from_lengths(lengths), values, None)
}

fn with_null_item(lists: &ListArray) -> Result<ListArray> {
    let DataType::List(item) = lists.data_type() else { return Ok(lists.clone()) };
    let nothing = new_null_array(item.data_type(), 1);
    let has_items = |row: usize| lists.is_valid(row) && lists.value_length(row) > 0;
    let parts: Vec<ArrayRef> =
        (0..lists.len()).map(|row| if has_items(row) { lists.value(row) } else { Arc::clone(&nothing) }).collect();
    let views: Vec<&dyn Array> = parts.iter().map(|array| array.as_ref() as &dyn Array).collect();
    let values = if views.is_empty() { new_null_array(item.data_type(), 0) } else { concat(&views)? };
    let lengths = OffsetBuffer::from_lengths(parts.iter().map(|part| part.len()));
    let item = Arc::new(item.as_ref().clone().with_nullable(true));
    Ok(ListArray::new(item, lengths, values, None))
}

fn expanded(lists: &ListArray, wanted: &DataType) -> Result<ArrayRef> {
    let DataType::List(pair) = wanted else { return Ok(new_null_array(wanted, lists.len())) };
    let DataType::Struct(fields) = pair.data_type() else { return Ok(new_null_array(wanted, lists.len())) };
    let plain = without_null(lists);
    let numbers: Int32Array =
        (0..plain.len()).flat_map(|row| (1..=plain.value_length(row)).collect::<Vec<i32>>()).collect();
    let pairs = StructArray::new(fields.clone(), vec![Arc::clone(plain.values()), Arc::new(numbers)], None);
    Ok(Arc::new(ListArray::new(Arc::clone(pair), plain.offsets().clone(), Arc::new(pairs), None)))
}

fn option_fields() -> Fields {
    Fields::from(vec![
        Field::new("option_name", DataType::Utf8, true),
        Field::new("option_value", DataType::Utf8, true),
    ])
}

/// `name=value` as a row of name and value; without `=` the value is NULL.
fn options(lists: &ListArray) -> Result<ListArray> {
    let plain = without_null(lists);
    let texts = cast(plain.values(), &DataType::Utf8)?;
    let pairs = texts.as_string::<i32>().iter().map(|text| match text.map(|text| text.split_once('=')) {
        None => (None, None),
        Some(Some((name, value))) => (Some(name), Some(value)),
        Some(None) => (text, None),
    });
    let (names, values): (Vec<Option<&str>>, Vec<Option<&str>>) = pairs.unzip();
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(names)), Arc::new(StringArray::from(values))];
    let rows = StructArray::new(option_fields(), columns, None);
    let item = Arc::new(Field::new("item", DataType::Struct(option_fields()), true));
    Ok(ListArray::new(item, plain.offsets().clone(), Arc::new(rows), None))
}

fn subscripts(lists: &ListArray, first: i32) -> ListArray {
    let mut builder = ListBuilder::new(Int32Builder::new());
    for row in 0..lists.len() {
        if lists.is_valid(row) {
            builder.append_value((first..first + lists.value_length(row)).map(Some));
        } else {
            builder.append_null();
        }
    }
    builder.finish()
}
