//! A scalar function that is evaluated row by row; what the system functions are made of.
//!
//! They run over a few hundred rows of system tables at most. Functions over events are written
//! column by column instead, see `events`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::limits::checked_bytes;
use crate::system::{Value, array_from_values};
use crate::types::{Code, SqlError, SqlType};

type Body = dyn Fn(&[ScalarValue]) -> Result<Value> + Send + Sync;

/// A function under definition.
#[derive(Clone)]
pub(crate) struct Function {
    name: &'static str,
    signature: Signature,
    result: Field,
    takes_null: bool,
    body: Arc<Body>,
}

impl Function {
    /// A function that takes from `least` to `most` arguments of any type. A NULL argument makes
    /// the result NULL without a call, as for PostgreSQL's STRICT functions.
    pub(crate) fn new(
        name: &'static str,
        least: usize,
        most: usize,
        result: SqlType,
        body: impl Fn(&[ScalarValue]) -> Result<Value> + Send + Sync + 'static,
    ) -> Self {
        let counts = (least..=most).map(|count| match count {
            0 => TypeSignature::Nullary,
            count => TypeSignature::Any(count),
        });
        Self {
            name,
            signature: Signature::one_of(counts.collect(), Volatility::Stable),
            result: result.field(name, true),
            takes_null: false,
            body: Arc::new(body),
        }
    }

    /// The result is a column like this one, under the function's name.
    pub(crate) fn giving(mut self, result: Field) -> Self {
        self.result = result.with_name(self.name);
        self
    }

    /// The body sees NULL arguments too.
    pub(crate) fn taking_null(mut self) -> Self {
        self.takes_null = true;
        self
    }

    /// The body does something: it is called for every row, and never while planning.
    pub(crate) fn acting(mut self) -> Self {
        self.signature.volatility = Volatility::Volatile;
        self
    }

    /// Ready to be registered.
    pub(crate) fn udf(self) -> ScalarUDF {
        ScalarUDF::new_from_impl(self)
    }

    fn call(&self, arguments: &[ScalarValue]) -> Result<Value> {
        if !self.takes_null && arguments.iter().any(ScalarValue::is_null) {
            return Ok(Value::Null);
        }
        (self.body)(arguments)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.body, &other.body)
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.data_type().clone())
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(self.result.clone()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constants: Option<Vec<ScalarValue>> = arguments.args.iter().map(constant).collect();
        let volatile = self.signature.volatility == Volatility::Volatile;
        if let Some(constants) = constants
            && !volatile
        {
            let array = array_from_values(self.result.data_type(), &[self.call(&constants)?])?;
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        let rows = arguments.number_rows;
        let columns: Vec<ArrayRef> =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<_>>()?;
        let row_values = (0..rows).map(|row| {
            let row: Vec<ScalarValue> =
                columns.iter().map(|column| ScalarValue::try_from_array(column, row)).collect::<Result<_>>()?;
            self.call(&row)
        });
        let mut bytes = 0_usize;
        let values = row_values.map(|value| {
            if let Ok(Value::Text(text)) = &value {
                bytes = bytes.saturating_add(text.len());
                checked_bytes(bytes)?;
            }
            value
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array(array_from_values(self.result.data_type(), &values)?))
    }
}

fn constant(argument: &ColumnarValue) -> Option<ScalarValue> {
    match argument {
        ColumnarValue::Scalar(value) => Some(value.clone()),
        ColumnarValue::Array(_) => None,
    }
}

/// An argument as an integer: any integer type, or a text of digits (a literal of unknown type).
pub(crate) fn integer(arguments: &[ScalarValue], index: usize) -> Option<i64> {
    match arguments.get(index)? {
        ScalarValue::Int8(value) => value.map(i64::from),
        ScalarValue::Int16(value) => value.map(i64::from),
        ScalarValue::Int32(value) => value.map(i64::from),
        ScalarValue::Int64(value) => *value,
        ScalarValue::UInt8(value) => value.map(i64::from),
        ScalarValue::UInt16(value) => value.map(i64::from),
        ScalarValue::UInt32(value) => value.map(i64::from),
        ScalarValue::UInt64(value) => value.and_then(|value| i64::try_from(value).ok()),
        ScalarValue::Float64(Some(value)) if value.is_finite() => Some(value.round() as i64),
        _ => text(arguments, index)?.trim().parse().ok(),
    }
}

/// An argument as an object id.
pub(crate) fn oid(arguments: &[ScalarValue], index: usize) -> Option<u32> {
    // Object ids above 2^31 travel as negative int4 of the same bits.
    integer(arguments, index).and_then(|value| match value {
        value if value < 0 => i32::try_from(value).ok().map(|value| value as u32),
        value => u32::try_from(value).ok(),
    })
}

/// An argument as a text.
pub(crate) fn text(arguments: &[ScalarValue], index: usize) -> Option<&str> {
    arguments.get(index)?.try_as_str().flatten()
}

/// An argument as a truth value.
pub(crate) fn truth(arguments: &[ScalarValue], index: usize) -> Option<bool> {
    match arguments.get(index)? {
        ScalarValue::Boolean(value) => *value,
        _ => match text(arguments, index)? {
            "t" | "true" | "on" | "yes" | "1" => Some(true),
            "f" | "false" | "off" | "no" | "0" => Some(false),
            _ => None,
        },
    }
}

/// An error that reaches the client with its SQLSTATE.
pub(crate) fn sql_error(code: Code, message: impl Into<String>) -> DataFusionError {
    DataFusionError::External(Box::new(SqlError::new(code, message)))
}
