//! Arrays: sizes, items by number, search, change, and how values compare with all items.
//!
//! The engine has functions of most of these names; theirs differ in what they give for nothing,
//! for NULL and for numbers outside of an array, and in the type of what they count.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{Expr, ReturnFieldArgs, ScalarUDF};

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::limits::{checked_items, checked_product};
use super::typed::{Kind, Returns, Typed};
use crate::types::{Code, SqlType};

use Kind::{Any, Bool, Int, List, Text};

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut functions = sizes();
    functions.extend(subscripts());
    functions.extend(items());
    functions.extend(changes());
    functions.extend(comparisons());
    functions.into_iter().map(Typed::udf).collect()
}

fn count(count: usize) -> Result<Datum> {
    Ok(i32::try_from(count).unwrap_or(i32::MAX).into())
}

fn sizes() -> Vec<Typed> {
    let length = |row: &Row<'_>| {
        let dimension = usize::try_from(row.int(1)).ok().and_then(|number| number.checked_sub(1));
        dimension.and_then(|dimension| dimensions(&row.list(0)).get(dimension).copied())
    };
    vec![
        Typed::new("array_length")
            .takes(&[List, Int], SqlType::Int4, move |row| length(row).map_or(Ok(Datum::NULL), count)),
        Typed::new("array_upper")
            .takes(&[List, Int], SqlType::Int4, move |row| length(row).map_or(Ok(Datum::NULL), count)),
        Typed::new("array_lower").takes(&[List, Int], SqlType::Int4, move |row| Ok(length(row).map(|_| 1_i32).into())),
        Typed::new("cardinality").takes(&[List], SqlType::Int4, |row| count(flat_items(&row.list(0))?.len())),
        Typed::new("array_ndims").takes(&[List], SqlType::Int4, |row| match dimensions(&row.list(0)).len() {
            0 => Ok(Datum::NULL),
            number => count(number),
        }),
        Typed::new("array_dims").takes(&[List], SqlType::Text, |row| {
            let dimensions = dimensions(&row.list(0));
            let text: String = dimensions.iter().map(|length| format!("[1:{length}]")).collect();
            Ok((!text.is_empty()).then_some(text).into())
        }),
    ]
}

/// Lengths by dimension; an empty array has none.
fn dimensions(items: &ArrayRef) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut items = Arc::clone(items);
    while !items.is_empty() {
        lengths.push(items.len());
        match items.as_list_opt::<i32>() {
            Some(lists) => items = lists.value(0),
            None => break,
        }
    }
    lengths
}

/// The items of all dimensions, one after the other.
pub(super) fn flat_items(items: &ArrayRef) -> Result<Vec<ScalarValue>> {
    let mut all = Vec::with_capacity(items.len());
    for index in 0..items.len() {
        match items.as_list_opt::<i32>() {
            Some(lists) => all.extend(flat_items(&lists.value(index))?),
            None => all.push(ScalarValue::try_from_array(items, index)?),
        }
    }
    Ok(all)
}

fn item_field(field: &FieldRef) -> Field {
    match field.data_type() {
        DataType::List(item) => {
            let plain = item.as_ref().clone().with_metadata(field.metadata().clone());
            // The array's own SQL type says which of the same Arrow type its items are.
            match SqlType::of_field(field) {
                SqlType::NameArray => SqlType::Name.field("item", true),
                SqlType::OidArray => SqlType::Oid.field("item", true),
                _ => plain.with_metadata(item.metadata().clone()),
            }
        }
        other => Field::new("item", other.clone(), true),
    }
}

fn item_told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    Ok(item_field(&arguments.arg_fields[0]))
}

fn innermost_list_told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    let mut data_type = arguments.arg_fields[0].data_type();
    while let DataType::List(item) = data_type
        && matches!(item.data_type(), DataType::List(_))
    {
        data_type = item.data_type();
    }
    Ok(Field::new("items", data_type.clone(), true))
}

/// An item by its number.
fn item_at(row: &Row<'_>) -> Result<Datum> {
    let items = row.list(0);
    let place = usize::try_from(row.int(1)).ok().and_then(|number| number.checked_sub(1));
    match place.filter(|place| *place < items.len()) {
        Some(place) => Ok(ScalarValue::try_from_array(&items, place)?.into()),
        None => Ok(Datum::NULL),
    }
}

/// The field of an item of the last dimension.
fn innermost_item_told(arguments: &ReturnFieldArgs<'_>) -> Result<Field> {
    let item = item_told(arguments)?;
    Ok(match item.data_type() {
        DataType::List(_) => Field::new("item", innermost(item.data_type()), true),
        _ => item,
    })
}

/// `j['key']` and `j[0]` of jsonb.
fn with_json_steps(function: Typed) -> Typed {
    let step = function.takes(&[Text, Int], SqlType::Jsonb, |row| {
        Ok(super::json_value::Node::read(row.text(0))?.item(row.int(1)).map(|node| node.raw.to_owned()).into())
    });
    step.takes(&[Text, Text], SqlType::Jsonb, |row| {
        Ok(super::json_value::Node::read(row.text(0))?.step(row.text(1)).map(|node| node.raw.to_owned()).into())
    })
}

/// A part of every dimension; nothing where there are more bounds than dimensions.
fn part(items: &ArrayRef, bounds: &[(i64, i64)]) -> Result<ArrayRef> {
    let Some(((lower, upper), rest)) = bounds.split_first() else { return Ok(Arc::clone(items)) };
    let from = usize::try_from(lower - 1).unwrap_or(0).min(items.len());
    let to = usize::try_from(*upper).unwrap_or(0).min(items.len());
    let kept = items.slice(from, to.saturating_sub(from));
    if rest.is_empty() || kept.is_empty() {
        return Ok(kept);
    }
    let (DataType::List(field), Some(lists)) = (kept.data_type(), kept.as_list_opt::<i32>()) else {
        return Ok(kept.slice(0, 0));
    };
    let rows = (0..lists.len()).map(|row| part(&lists.value(row), rest)).collect::<Result<Vec<_>>>()?;
    if rows.iter().all(|row| row.is_empty()) {
        return Ok(kept.slice(0, 0));
    }
    let lengths = OffsetBuffer::from_lengths(rows.iter().map(|row| row.len()));
    let values = concat(&rows.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), lengths, values, None)?))
}

fn subscripts() -> Vec<Typed> {
    // `a[i]`: with fewer subscripts than dimensions it is no item.
    let item = Typed::new("array_item").takes(&[List, Int], SqlType::Text, |row| match row.list(0).data_type() {
        DataType::List(_) => Ok(Datum::NULL),
        _ => item_at(row),
    });
    // `a[i]` before another subscript.
    let row = Typed::new("array_row").takes(&[List, Int], SqlType::Text, item_at);
    // `a[i:j][k:l]`
    let slice = Typed::new("array_part").takes(&[List, Int, Int], SqlType::Text, |row| {
        let bounds = (1..row.len()).step_by(2).map(|index| (row.int(index), row.int(index + 1)));
        Ok(Datum::list(part(&row.list(0), &bounds.collect::<Vec<_>>())?))
    });
    vec![
        with_json_steps(item.returning(Returns::Told(innermost_item_told))),
        with_json_steps(row.returning(Returns::Told(item_told))),
        slice.and_any_number_of(Int).returning(Returns::SameAs(0)),
    ]
}

fn items() -> Vec<Typed> {
    vec![
        // What `unnest` takes apart: items of all dimensions.
        Typed::new("array_flat")
            .takes(&[List], SqlType::Text, |row| {
                let items = row.list(0);
                match items.as_list_opt::<i32>() {
                    Some(_) => Ok(list_of(&flat_items(&items)?, &innermost(items.data_type()))),
                    None => Ok(Datum::list(items)),
                }
            })
            .returning(Returns::Told(innermost_list_told)),
        // The numbers of as many rows as the longest array has items.
        Typed::new("set_numbers")
            .takes(&[List], SqlType::Int8Array, |row| {
                let lengths = (0..row.len()).filter(|index| !row.is_null(*index)).map(|index| row.list(index).len());
                let length = i64::try_from(lengths.max().unwrap_or(0)).unwrap_or(i64::MAX);
                let numbers: Vec<ScalarValue> = (1..=length).map(|number| ScalarValue::Int64(Some(number))).collect();
                Ok(list_of(&numbers, &DataType::Int64))
            })
            .and_any_number_of(List)
            .with_null(),
        Typed::new("array_position")
            .takes(&[List, Any], SqlType::Int4, |row| position(row, 1))
            .with_null()
            .takes(&[List, Any, Int], SqlType::Int4, |row| position(row, row.int(2)))
            .with_null(),
        Typed::new("array_positions")
            .takes(&[List, Any], SqlType::Int4Array, |row| {
                if row.is_null(0) {
                    return Ok(Datum::NULL);
                }
                let (items, wanted) = (row.list(0), row.scalar(1)?);
                let mut places = Vec::new();
                for index in 0..items.len() {
                    if is_same(&ScalarValue::try_from_array(&items, index)?, &wanted)? {
                        places.push(ScalarValue::Int32(i32::try_from(index + 1).ok()));
                    }
                }
                Ok(list_of(&places, &DataType::Int32))
            })
            .with_null(),
    ]
}

fn innermost(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(item) => innermost(item.data_type()),
        other => other.clone(),
    }
}

fn list_of(items: &[ScalarValue], item_type: &DataType) -> Datum {
    ScalarValue::List(ScalarValue::new_list(items, item_type, true)).into()
}

fn position(row: &Row<'_>, from: i64) -> Result<Datum> {
    if row.is_null(0) {
        return Ok(Datum::NULL);
    }
    let (items, wanted) = (row.list(0), row.scalar(1)?);
    for index in usize::try_from(from - 1).unwrap_or(0)..items.len() {
        if is_same(&ScalarValue::try_from_array(&items, index)?, &wanted)? {
            return count(index + 1);
        }
    }
    Ok(Datum::NULL)
}

/// Equal, or both NULL.
fn is_same(one: &ScalarValue, other: &ScalarValue) -> Result<bool> {
    if one.is_null() || other.is_null() {
        return Ok(one.is_null() && other.is_null());
    }
    Ok(compare(one, other)? == Some(Ordering::Equal))
}

/// The order of two values of types that can be compared.
pub(super) fn compare(one: &ScalarValue, other: &ScalarValue) -> Result<Option<Ordering>> {
    if let (ScalarValue::IntervalMonthDayNano(Some(one)), ScalarValue::IntervalMonthDayNano(Some(other))) = (one, other)
    {
        return Ok(Some(super::spans::length_us(*one).cmp(&super::spans::length_us(*other))));
    }
    let (left, right) = (one.data_type(), other.data_type());
    if left == right {
        return Ok(one.partial_cmp(other));
    }
    // A text beside an identity is read as one.
    if let (DataType::FixedSizeBinary(16), Some(text)) = (&left, other.try_as_str().flatten()) {
        return Ok(one.partial_cmp(&super::events::uuid_constant(text)?));
    }
    match comparison_coercion(&left, &right) {
        Some(common) => Ok(one.cast_to(&common)?.partial_cmp(&other.cast_to(&common)?)),
        None => Err(sql_error(Code::UndefinedFunction, "operator does not exist for the items of an array")),
    }
}

/// An array of the items that `keep` leaves, or turns into others.
fn changed(row: &Row<'_>, mut change: impl FnMut(ScalarValue) -> Result<Option<ScalarValue>>) -> Result<Datum> {
    if row.is_null(0) {
        return Ok(Datum::NULL);
    }
    let items = row.list(0);
    let mut kept = Vec::with_capacity(items.len());
    for index in 0..items.len() {
        kept.extend(change(ScalarValue::try_from_array(&items, index)?)?);
    }
    Ok(list_of(&kept, items.data_type()))
}

/// The type of a number that is too wide for the items of an array.
fn wider_item(list: &DataType, added: &DataType) -> Option<DataType> {
    let DataType::List(item) = list else { return None };
    let (kind, added_kind) = (SqlType::from_arrow(item.data_type())?, SqlType::from_arrow(added)?);
    let is_wider = kind != added_kind && SqlType::common([kind, added_kind]) == Some(added_kind);
    (kind.is_number() && added_kind.is_number() && is_wider).then(|| added.clone())
}

/// The type of an array with a further item.
fn longer_told(arguments: &ReturnFieldArgs<'_>, list: usize, item: usize) -> Result<Field> {
    let (list, item) = (&arguments.arg_fields[list], &arguments.arg_fields[item]);
    let unknown = match list.data_type() {
        DataType::List(inner) => inner.data_type().is_null(),
        _ => true,
    };
    if unknown {
        return Ok(Field::new_list("items", Field::new("item", item.data_type().clone(), true), true));
    }
    match (list.data_type(), wider_item(list.data_type(), item.data_type())) {
        (DataType::List(_), Some(wider)) => Ok(Field::new_list("items", Field::new("item", wider, true), true)),
        _ => Ok(list.as_ref().clone()),
    }
}

fn joined(row: &Row<'_>, list_at: usize, item: usize) -> Result<Datum> {
    let added = row.scalar(item)?;
    let (mut items, item_type) = if row.is_null(list_at) {
        (Vec::new(), added.data_type())
    } else {
        let list = row.list(list_at);
        let items =
            (0..list.len()).map(|index| ScalarValue::try_from_array(&list, index)).collect::<Result<Vec<_>>>()?;
        if list.data_type().is_null() {
            (items, added.data_type())
        } else if let Some(wider) = wider_item(row.field(list_at).data_type(), &added.data_type()) {
            let widened = items.into_iter().map(|item| item.cast_to(&wider)).collect::<Result<Vec<_>>>()?;
            (widened, wider)
        } else {
            (items, list.data_type().clone())
        }
    };
    let added = added.cast_to(&item_type)?;
    if list_at < item {
        items.push(added)
    } else {
        items.insert(0, added)
    }
    Ok(list_of(&items, &item_type))
}

/// The items in order; NULL stands at one of the ends.
fn in_order(row: &Row<'_>) -> Result<Datum> {
    let (descending, nulls_first) = (row.bool(1), row.bool(2));
    let items = row.list(0);
    let mut values =
        (0..items.len()).map(|index| ScalarValue::try_from_array(&items, index)).collect::<Result<Vec<_>>>()?;
    values.sort_by(|one, other| {
        let nulls = other.is_null().cmp(&one.is_null());
        if one.is_null() || other.is_null() {
            return if nulls_first { nulls } else { nulls.reverse() };
        }
        let order = compare(one, other).ok().flatten().unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    });
    Ok(list_of(&values, items.data_type()))
}

/// `array_fill(value, ARRAY[length])`.
fn filled(row: &Row<'_>) -> Result<Datum> {
    if row.is_null(1) {
        return Err(sql_error(Code::NullValueNotAllowed, "dimension array or low bound array cannot be null"));
    }
    let lengths = flat_items(&row.list(1))?;
    let [length] = lengths.as_slice() else {
        return Err(sql_error(Code::FeatureNotSupported, "array_fill of several dimensions is not supported"));
    };
    let length = super::function::integer(std::slice::from_ref(length), 0).unwrap_or(0);
    let length = usize::try_from(length).unwrap_or(if length < 0 { 0 } else { usize::MAX });
    checked_items(length)?;
    let item = row.scalar(0)?;
    checked_product(length, Datum::from(item.clone()).bytes().max(16))?;
    Ok(Datum::list(item.to_array_of_size(length)?))
}

fn changes() -> Vec<Typed> {
    vec![
        Typed::new("array_remove")
            .takes(&[List, Any], SqlType::Text, |row| {
                let unwanted = row.scalar(1)?;
                changed(row, |item| Ok((!is_same(&item, &unwanted)?).then_some(item)))
            })
            .with_null()
            .returning(Returns::SameAs(0)),
        Typed::new("array_replace")
            .takes(&[List, Any, Any], SqlType::Text, |row| {
                let (from, to) = (row.scalar(1)?, row.scalar(2)?);
                changed(row, |item| {
                    if is_same(&item, &from)? { to.cast_to(&item.data_type()).map(Some) } else { Ok(Some(item)) }
                })
            })
            .with_null()
            .returning(Returns::SameAs(0)),
        Typed::new("array_append")
            .takes(&[List, Any], SqlType::Text, |row| joined(row, 0, 1))
            .with_null()
            .returning(Returns::Told(|arguments| longer_told(arguments, 0, 1))),
        Typed::new("array_prepend")
            .takes(&[Any, List], SqlType::Text, |row| joined(row, 1, 0))
            .with_null()
            .returning(Returns::Told(|arguments| longer_told(arguments, 1, 0))),
        // What `array_agg(DISTINCT x ORDER BY x)` gives: descending, NULL first.
        Typed::new("array_in_order").takes(&[List, Bool, Bool], SqlType::Text, in_order).returning(Returns::SameAs(0)),
        Typed::new("trim_array")
            .takes(&[List, Int], SqlType::Text, |row| {
                let items = row.list(0);
                let dropped = usize::try_from(row.int(1)).ok().filter(|count| *count <= items.len());
                let Some(dropped) = dropped else {
                    let text = format!("number of elements to trim must be between 0 and {}", items.len());
                    return Err(sql_error(Code::ArraySubscriptError, text));
                };
                Ok(Datum::list(items.slice(0, items.len() - dropped)))
            })
            .returning(Returns::SameAs(0)),
        Typed::new("array_fill").takes(&[Any, List], SqlType::Text, filled).with_null().returning(Returns::Told(
            |arguments| {
                let item = arguments.arg_fields[0].data_type().clone();
                Ok(Field::new_list("items", Field::new("item", item, true), true))
            },
        )),
    ]
}

/// `x operator ANY (array)` or `ALL`: NULL when no item decides and one is NULL.
fn quantified(row: &Row<'_>, any: bool) -> Result<Datum> {
    if row.is_null(0) || row.is_null(2) {
        return Ok(Datum::NULL);
    }
    let items = flat_items(&row.list(2))?;
    compared(row, &items, any)
}

/// The same with an array that a text spells, such as a parameter.
fn quantified_text(row: &Row<'_>, any: bool) -> Result<Datum> {
    if row.is_null(0) || row.is_null(2) {
        return Ok(Datum::NULL);
    }
    let wanted = row.scalar(1)?.data_type();
    let items = row.texts(2)?.into_iter().map(|item| match &wanted {
        DataType::FixedSizeBinary(_) => Ok(ScalarValue::Utf8(item)),
        wanted => ScalarValue::Utf8(item).cast_to(wanted),
    });
    compared(row, &items.collect::<Result<Vec<_>>>()?, any)
}

fn compared(row: &Row<'_>, items: &[ScalarValue], any: bool) -> Result<Datum> {
    if items.is_empty() {
        return Ok((!any).into());
    }
    let (operator, value) = (row.text(0), row.scalar(1)?);
    let mut unknown = value.is_null();
    for item in items.iter().filter(|_| !value.is_null()) {
        if item.is_null() {
            unknown = true;
            continue;
        }
        if holds(row, operator, &value, item)? == any {
            return Ok(any.into());
        }
    }
    Ok(if unknown { Datum::NULL } else { (!any).into() })
}

fn holds(row: &Row<'_>, operator: &str, value: &ScalarValue, item: &ScalarValue) -> Result<bool> {
    let order = || compare(value, item);
    Ok(match operator {
        "=" => order()? == Some(Ordering::Equal),
        "<>" => order()? != Some(Ordering::Equal),
        "<" => order()? == Some(Ordering::Less),
        "<=" => matches!(order()?, Some(Ordering::Less | Ordering::Equal)),
        ">" => order()? == Some(Ordering::Greater),
        ">=" => matches!(order()?, Some(Ordering::Greater | Ordering::Equal)),
        other => {
            let (Some(text), Some(pattern)) = (value.try_as_str().flatten(), item.try_as_str().flatten()) else {
                return Err(sql_error(Code::UndefinedFunction, format!("operator does not exist: {other}")));
            };
            super::regex_functions::holds(row.patterns(), other, text, pattern)?
        }
    })
}

/// Whether every item of one array is in the other; NULL is in none.
fn contains(whole: &ArrayRef, part: &ArrayRef) -> Result<bool> {
    let whole = flat_items(whole)?;
    for item in flat_items(part)? {
        let mut found = false;
        for other in whole.iter().filter(|other| !other.is_null() && !item.is_null()) {
            found |= compare(other, &item)? == Some(Ordering::Equal);
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `x = ANY (known array)` as `x IN (...)`, and `x <> ALL (...)` as NOT IN: statistics can prune by these.
fn as_list(arguments: &[Expr], context: &SimplifyContext, operator: &str, negated: bool) -> Option<Expr> {
    let [Expr::Literal(symbol, _), value, Expr::Literal(ScalarValue::List(list), _)] = arguments else { return None };
    if symbol.try_as_str().flatten() != Some(operator) || list.is_null(0) {
        return None;
    }
    let wanted = context.get_data_type(value).ok()?;
    let items = flat_items(&list.value(0)).ok()?;
    // Types that do not meet in the value's own are compared item by item.
    let alike = |item: &ScalarValue| item.data_type() == wanted || (item.data_type().is_string() && wanted.is_string());
    if items.is_empty() || !items.iter().all(alike) || matches!(wanted, DataType::Interval(_)) {
        return None;
    }
    let items = items.iter().map(|item| item.cast_to(&wanted).ok().map(|item| Expr::Literal(item, None)));
    let list = items.collect::<Option<Vec<_>>>()?;
    Some(Expr::InList(InList { expr: Box::new(value.clone()), list, negated }))
}

fn without_array() -> DataFusionError {
    sql_error(Code::WrongObjectType, "op ANY/ALL (array) requires array on right side")
}

fn comparisons() -> Vec<Typed> {
    vec![
        Typed::new("compare_any")
            .takes(&[Text, Any, List], SqlType::Bool, |row| quantified(row, true))
            .with_null()
            .takes(&[Text, Any, Text], SqlType::Bool, |row| quantified_text(row, true))
            .with_null()
            .takes(&[Text, Any, Any], SqlType::Bool, |_| Err(without_array()))
            .returning(Returns::Told(|_| Err(without_array())))
            .simplified_by(|arguments, context| as_list(arguments, context, "=", false)),
        Typed::new("compare_all")
            .takes(&[Text, Any, List], SqlType::Bool, |row| quantified(row, false))
            .with_null()
            .takes(&[Text, Any, Text], SqlType::Bool, |row| quantified_text(row, false))
            .with_null()
            .takes(&[Text, Any, Any], SqlType::Bool, |_| Err(without_array()))
            .returning(Returns::Told(|_| Err(without_array())))
            .simplified_by(|arguments, context| as_list(arguments, context, "<>", true)),
        Typed::new("array_contains")
            .takes(&[List, List], SqlType::Bool, |row| Ok(contains(&row.list(0), &row.list(1))?.into())),
        Typed::new("array_overlaps").takes(&[List, List], SqlType::Bool, |row| {
            let (one, other) = (flat_items(&row.list(0))?, flat_items(&row.list(1))?);
            for item in one.iter().filter(|item| !item.is_null()) {
                for candidate in other.iter().filter(|candidate| !candidate.is_null()) {
                    if compare(item, candidate)? == Some(Ordering::Equal) {
                        return Ok(true.into());
                    }
                }
            }
            Ok(false.into())
        }),
    ]
}
