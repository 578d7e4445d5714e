//! date_trunc of instants in a zone other than UTC.
//!
//! It stands in for the engine's own function of this name, which knows UTC alone, and leaves
//! everything that is no instant to it. In UTC the engine's own stays, and so does what its
//! optimiser knows of it.

use std::sync::Arc;

use datafusion::arrow::array::TimestampMicrosecondArray;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::calendar::truncate;
use super::function::sql_error;
use super::moments::Moment;
use super::zoned::{instants, unit_of};
use crate::types::{Code, SqlType};

/// Puts the functions of this file in the place of the engine's, when the zone is not UTC.
pub(super) fn register(state: &mut SessionState, moment: &Moment) -> Result<()> {
    if moment.zone.is_utc() {
        return Ok(());
    }
    let inner = state.udf("date_trunc")?;
    // A session that is set up twice keeps the engine's own below.
    let inner = inner.inner().downcast_ref::<InZone>().map_or_else(|| Arc::clone(&inner), |own| Arc::clone(&own.inner));
    let signature = Signature::user_defined(Volatility::Stable);
    let function = ScalarUDF::new_from_impl(InZone { inner, moment: moment.clone(), signature });
    state.register_udf(Arc::new(function)).map(drop)
}

/// The engine's function, with instants in a zone.
#[derive(Debug, PartialEq, Eq, Hash)]
struct InZone {
    inner: Arc<ScalarUDF>,
    moment: Moment,
    signature: Signature,
}

impl InZone {
    /// Whether a value is an instant. A day is one to date_trunc, as in PostgreSQL.
    fn is_instant(&self, data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp(_, Some(_)) => true,
            DataType::Date32 | DataType::Date64 => true,
            other => other.is_string(),
        }
    }

    fn truncated(&self, field: &str, values: &TimestampMicrosecondArray) -> Result<ColumnarValue> {
        let unit = unit_of(field)?;
        let truncated: TimestampMicrosecondArray =
            values.try_unary(|instant| truncate(unit, instant, &self.moment.zone))?;
        Ok(ColumnarValue::Array(Arc::new(truncated.with_timezone("UTC"))))
    }
}

impl ScalarUDFImpl for InZone {
    fn name(&self) -> &str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [field, value] if field.is_string() || field.is_null() => {
                let value = if value.is_null() { SqlType::Timestamptz.arrow() } else { value.clone() };
                Ok(vec![DataType::Utf8, value])
            }
            _ => {
                let text = format!("function {}({} arguments) does not exist", self.name(), arguments.len());
                Err(sql_error(Code::UndefinedFunction, text))
            }
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let [_, value] = arguments.arg_fields else { return self.inner.return_field_from_args(arguments) };
        if !self.is_instant(value.data_type()) {
            return self.inner.return_field_from_args(arguments);
        }
        Ok(Arc::new(SqlType::Timestamptz.field(self.name(), value.is_nullable())))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [field, value] = arguments.args.as_slice() else { return self.inner.invoke_with_args(arguments) };
        if !self.is_instant(&value.data_type()) {
            return self.inner.invoke_with_args(arguments);
        }
        let ColumnarValue::Scalar(field) = field else {
            let text = format!("the field of {} must be a constant", self.name());
            return Err(sql_error(Code::FeatureNotSupported, text));
        };
        let Some(field) = field.try_as_str().flatten().map(str::to_owned) else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(arguments.return_field.data_type())?));
        };
        let value = value.clone();
        let constant = matches!(value, ColumnarValue::Scalar(_));
        let array = value.to_array(if constant { 1 } else { arguments.number_rows })?;
        let result = self.truncated(&field, &instants(&self.moment, &array)?)?;
        match result {
            ColumnarValue::Array(array) if constant && !array.is_empty() => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            other => Ok(other),
        }
    }
}
