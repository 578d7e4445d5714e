//! What INSERT and UPDATE do to a value before it is put into a column.
//!
//! `assignable(value, type, column, spelling)` is its value; planning it fails where PostgreSQL has no assignment
//! cast. `fitting(text, type, modifier)` is its text, and fails where it is too long: an explicit cast cuts.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::function::sql_error;
use crate::types::{Code, SqlError, SqlType, USER_TYPE_KEY};

/// The name of the function that checks types.
pub(in crate::planner) const ASSIGNABLE: &str = "assignable";
/// The name of the function that checks lengths.
pub const FITTING: &str = "fitting";

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::new_from_impl(Assignable { signature: Signature::any(4, Volatility::Immutable) }),
        ScalarUDF::new_from_impl(Fitting { signature: Signature::any(3, Volatility::Immutable) }),
    ]
}

fn text<'a>(values: &[Option<&'a ScalarValue>], place: usize) -> Result<&'a str> {
    let value = values.get(place).copied().flatten().and_then(|value| value.try_as_str().flatten());
    value.ok_or_else(|| DataFusionError::Internal("an assignment takes literals".to_owned()))
}

/// Whether a value of one type can be put into a column of another without a cast; from pg_cast.
fn is_assignable(from: SqlType, to: SqlType) -> bool {
    use SqlType as T;
    let dated = |kind| matches!(kind, T::Date | T::Timestamp | T::Timestamptz);
    if from == to || matches!(from, T::Unknown | T::Void) {
        return true;
    }
    // Everything has an assignment cast to texts, by its output function.
    if matches!(to, T::Text | T::Varchar | T::Bpchar | T::Name) || (to == T::Char && from.is_text()) {
        return true;
    }
    if let (Some(from), Some(to)) = (from.item(), to.item()) {
        return is_assignable(from, to);
    }
    match (from, to) {
        (from, to) if from.is_number() && to.is_number() => true,
        (from, to) if dated(from) && dated(to) => true,
        (T::Timestamp | T::Timestamptz | T::Interval, T::Time) | (T::Time, T::Interval) => true,
        (T::Json | T::Jsonb, T::Json | T::Jsonb) | (T::Inet | T::Cidr, T::Inet | T::Cidr) => true,
        (T::Int2 | T::Int4 | T::Int8, to) if to == T::Oid || to.is_registry() => true,
        (from, T::Int4 | T::Int8) if from == T::Oid || from.is_registry() => true,
        (from, to) if from.is_registry() && to == T::Oid || from == T::Oid && to.is_registry() => true,
        _ => false,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Assignable {
    signature: Signature,
}

impl ScalarUDFImpl for Assignable {
    fn name(&self) -> &'static str {
        ASSIGNABLE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("assignable is typed by its argument".to_owned()))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let Some(value) = arguments.arg_fields.first() else {
            return Err(DataFusionError::Internal("assignable takes a value".to_owned()));
        };
        let (to, column) = (text(arguments.scalar_arguments, 1)?, text(arguments.scalar_arguments, 2)?);
        let spelling = text(arguments.scalar_arguments, 3)?;
        let (from, to) = (SqlType::of_field(value), SqlType::from_name(to).unwrap_or(SqlType::Text));
        // A column of a user's type says so by its name; a text is no value of it.
        let is_user_type = spelling.contains('.');
        let has_user_type = value.metadata().contains_key(USER_TYPE_KEY);
        // A domain over another type than text takes what that type takes.
        let is_user_type = is_user_type && matches!(to, SqlType::Text | SqlType::TextArray);
        let fits = if is_user_type { has_user_type || from == SqlType::Unknown } else { is_assignable(from, to) };
        if fits {
            return Ok(Arc::clone(value));
        }
        let spelling = spelling.rsplit('.').next().unwrap_or(spelling);
        let found = from.spelling();
        let message = format!("column \"{column}\" is of type {spelling} but expression is of type {found}");
        let error = SqlError::new(Code::DatatypeMismatch, message)
            .with_hint("You will need to rewrite or cast the expression.");
        Err(DataFusionError::External(Box::new(error)))
    }

    fn simplify(&self, arguments: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match arguments.into_iter().next() {
            Some(value) => Ok(ExprSimplifyResult::Simplified(value)),
            None => Err(DataFusionError::Internal("assignable takes a value".to_owned())),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = arguments.args.into_iter().next();
        value.ok_or_else(|| DataFusionError::Internal("assignable takes a value".to_owned()))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Fitting {
    signature: Signature,
}

impl ScalarUDFImpl for Fitting {
    fn name(&self) -> &'static str {
        FITTING
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("fitting is typed by its argument".to_owned()))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let value = arguments.arg_fields.first().map(Arc::clone);
        value.ok_or_else(|| DataFusionError::Internal("fitting takes a text".to_owned()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [value, ColumnarValue::Scalar(kind), ColumnarValue::Scalar(modifier)] = arguments.args.as_slice() else {
            return Err(DataFusionError::Internal("fitting takes a text, a type and a modifier".to_owned()));
        };
        let kind = kind.try_as_str().flatten().and_then(SqlType::from_name).unwrap_or(SqlType::Varchar);
        let ScalarValue::Int32(Some(modifier)) = modifier.cast_to(&DataType::Int32)? else {
            return Err(DataFusionError::Internal("fitting takes a modifier".to_owned()));
        };
        let most = SqlType::length_of_modifier(modifier).unwrap_or(usize::MAX);
        let array = value.to_array(rows)?;
        Ok(ColumnarValue::Array(fitted(&array, kind, most)?))
    }
}

/// The texts without the blanks that do not fit; an error where more than blanks does not.
fn fitted(array: &ArrayRef, kind: SqlType, most: usize) -> Result<ArrayRef> {
    if let Some(lists) = array.as_list_opt::<i32>() {
        let item = kind.item().unwrap_or(kind);
        let items = fitted(lists.values(), item, most)?;
        let DataType::List(field) = lists.data_type() else {
            return Err(DataFusionError::Internal("a list has items".to_owned()));
        };
        let lists = ListArray::try_new(Arc::clone(field), lists.offsets().clone(), items, lists.nulls().cloned())?;
        return Ok(Arc::new(lists));
    }
    let Some(texts) = array.as_string_opt::<i32>() else { return Ok(Arc::clone(array)) };
    let fitted: StringArray =
        texts.iter().map(|text| text.map(|text| fit(text, kind, most)).transpose()).collect::<Result<_>>()?;
    Ok(Arc::new(fitted))
}

fn fit(text: &str, kind: SqlType, most: usize) -> Result<&str> {
    let Some((end, _)) = text.char_indices().nth(most) else { return Ok(text) };
    let (kept, rest) = text.split_at(end);
    if rest.bytes().all(|byte| byte == b' ') {
        return Ok(kept);
    }
    let message = format!("value too long for type {}({most})", kind.spelling());
    Err(sql_error(Code::StringDataRightTruncation, message))
}

#[cfg(test)]
mod tests {
    use super::{SqlType, fit, is_assignable};

    #[test]
    fn only_blanks_are_cut() {
        assert_eq!(fit("äbc", SqlType::Varchar, 3).expect("fits"), "äbc");
        assert_eq!(fit("äb  ", SqlType::Varchar, 3).expect("blanks"), "äb ");
        assert!(fit("äbcd", SqlType::Bpchar, 3).is_err());
    }

    #[test]
    fn texts_are_put_into_no_numbers() {
        assert!(is_assignable(SqlType::Int8, SqlType::Int2));
        assert!(is_assignable(SqlType::Int4, SqlType::Text));
        assert!(is_assignable(SqlType::Float8Array, SqlType::Int4Array));
        assert!(!is_assignable(SqlType::Text, SqlType::Int4));
        assert!(!is_assignable(SqlType::Int4, SqlType::Bool));
        assert!(!is_assignable(SqlType::Text, SqlType::Jsonb));
    }
}
