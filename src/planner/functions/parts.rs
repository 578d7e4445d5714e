//! date_trunc and date_part of instants in a zone other than UTC.
//!
//! They stand in for the engine's own functions of these names, which know UTC alone, and leave
//! everything that is no instant to them. In UTC the engine's own stay, and so does what its
//! optimiser knows of them.

use std::sync::Arc;

use datafusion::arrow::array::{Array, Int32Array, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::calendar::truncate;
use super::function::sql_error;
use super::moments::Moment;
use super::zoned::{instants, locals, unit_of};
use crate::types::{Code, SqlType};

/// Puts the functions of this file in the place of the engine's, when the zone is not UTC.
pub(super) fn register(state: &mut SessionState, moment: &Moment) -> Result<()> {
    if moment.zone.is_utc() {
        return Ok(());
    }
    for job in [Job::Truncate, Job::Part] {
        let inner = state.udf(job.name())?;
        // A session that is set up twice keeps the engine's own below.
        let inner =
            inner.inner().downcast_ref::<InZone>().map_or_else(|| Arc::clone(&inner), |own| Arc::clone(&own.inner));
        let signature = Signature::user_defined(Volatility::Stable);
        let function = ScalarUDF::new_from_impl(InZone { job, inner, moment: moment.clone(), signature });
        state.register_udf(Arc::new(function))?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Truncate,
    Part,
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::Truncate => "date_trunc",
            Self::Part => "date_part",
        }
    }
}

/// One of the engine's functions of a field and a time, with instants in a zone.
#[derive(Debug, PartialEq, Eq, Hash)]
struct InZone {
    job: Job,
    inner: Arc<ScalarUDF>,
    moment: Moment,
    signature: Signature,
}

impl InZone {
    /// Whether a value is an instant. A day is one to date_trunc, as in PostgreSQL.
    fn is_instant(&self, data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp(_, Some(_)) => true,
            DataType::Date32 | DataType::Date64 => self.job == Job::Truncate,
            other => other.is_string(),
        }
    }

    fn truncated(&self, field: &str, values: &TimestampMicrosecondArray) -> Result<ColumnarValue> {
        let unit = unit_of(field)?;
        let truncated: TimestampMicrosecondArray =
            values.try_unary(|instant| truncate(unit, instant, &self.moment.zone))?;
        Ok(ColumnarValue::Array(Arc::new(truncated.with_timezone("UTC"))))
    }

    fn part(&self, field: &str, values: &ColumnarValue, mut arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = values.to_array(arguments.number_rows)?;
        if let Some(divisor) = offset_field(field) {
            let part = |instant: i64| self.moment.zone.offset_seconds(instant);
            let part = |instant: i64| match divisor {
                OffsetField::Seconds => part(instant),
                OffsetField::Hours => part(instant) / 3600,
                OffsetField::Minutes => part(instant) % 3600 / 60,
            };
            let parts: Int32Array = instants(&self.moment, &array)?.unary(part);
            return Ok(ColumnarValue::Array(Arc::new(parts)));
        }
        // The seconds since 1970 are the same in every zone.
        let epoch = field.eq_ignore_ascii_case("epoch");
        let times = if epoch { instants(&self.moment, &array)? } else { locals(&self.moment, &array)? };
        let shown: Arc<dyn Array> = Arc::new(times);
        arguments.arg_fields = vec![Arc::clone(&arguments.arg_fields[0]), local_field(&arguments.arg_fields[1])];
        arguments.args[1] = ColumnarValue::Array(shown);
        self.inner.invoke_with_args(arguments)
    }
}

impl ScalarUDFImpl for InZone {
    fn name(&self) -> &str {
        self.job.name()
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
        let [field, value] = arguments.arg_fields else { return self.inner.return_field_from_args(arguments) };
        if !self.is_instant(value.data_type()) {
            return self.inner.return_field_from_args(arguments);
        }
        let nullable = value.is_nullable();
        if self.job == Job::Truncate {
            return Ok(Arc::new(SqlType::Timestamptz.field(self.name(), nullable)));
        }
        let name = arguments.scalar_arguments.first().copied().flatten().and_then(|name| name.try_as_str().flatten());
        if name.is_some_and(|name| offset_field(name).is_some()) {
            return Ok(Arc::new(SqlType::Int4.field(self.name(), nullable)));
        }
        let fields = [Arc::clone(field), local_field(value)];
        self.inner.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, ..arguments })
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
        let result = match self.job {
            Job::Truncate => {
                let array = value.to_array(if constant { 1 } else { arguments.number_rows })?;
                self.truncated(&field, &instants(&self.moment, &array)?)?
            }
            Job::Part => self.part(&field, &value, arguments)?,
        };
        match result {
            ColumnarValue::Array(array) if constant && !array.is_empty() => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            other => Ok(other),
        }
    }
}

/// The parts of an instant that tell how far its zone is from UTC.
#[derive(Debug, Clone, Copy)]
enum OffsetField {
    Seconds,
    Hours,
    Minutes,
}

fn offset_field(name: &str) -> Option<OffsetField> {
    match name.trim_matches(['\'', '"']).to_ascii_lowercase().as_str() {
        "timezone" => Some(OffsetField::Seconds),
        "timezone_hour" | "timezone_h" => Some(OffsetField::Hours),
        "timezone_minute" | "timezone_m" => Some(OffsetField::Minutes),
        _ => None,
    }
}

fn local_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), SqlType::Timestamp.arrow(), field.is_nullable()))
}
