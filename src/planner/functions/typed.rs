//! Scalar functions over columns: overloads by PostgreSQL's argument types, and a body per row.
//!
//! What the functions over events are made of. An overload is chosen as PostgreSQL does it: the one
//! that most arguments fit exactly, a text standing for any type as an unknown literal does.
//! Arguments come to the body in the type that the overload names. A NULL argument makes the result
//! NULL without a call, unless the overload takes NULL.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, BinaryArray, BooleanArray, StringBuilder, new_empty_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::datum::{Datum, Row, Rows};
use super::limits::checked_bytes;
use super::moments::Moment;
use crate::types::{Code, SqlError, SqlType, read_bytes};

/// What an overload takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// Any integer, as 64 bits.
    Int,
    /// Any number, as a double.
    Float,
    /// Any number, in its own type.
    Number,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    /// An array of texts, or a text that spells one.
    Texts,
    /// Any array.
    List,
    /// Anything, in its own type.
    Any,
}

impl Kind {
    /// How well a type fits: more is better, none is not at all.
    fn fit(self, given: &DataType) -> Option<u32> {
        use DataType::{Date32, Date64, Decimal128, Decimal256, Duration, Interval, Time32, Time64, Timestamp};
        let is_list = |data_type: &DataType| matches!(data_type, DataType::List(_) | DataType::LargeList(_));
        let exact = 100;
        if given.is_null() {
            return Some(if self == Self::Any { 60 } else { 50 });
        }
        let unknown = given.is_string();
        match self {
            Self::Bool if *given == DataType::Boolean => Some(exact),
            Self::Int if given.is_integer() => Some(exact),
            Self::Float if given.is_floating() => Some(exact),
            Self::Float if given.is_numeric() => Some(60),
            Self::Number if given.is_integer() || given.is_floating() => Some(exact),
            Self::Number if matches!(given, Decimal128(..) | Decimal256(..)) => Some(exact),
            Self::Text if unknown => Some(exact),
            Self::Bytes if given.is_binary() || matches!(given, DataType::FixedSizeBinary(_)) => Some(exact),
            Self::Date if matches!(given, Date32 | Date64) => Some(exact),
            Self::Time if matches!(given, Time32(_) | Time64(_)) => Some(exact),
            Self::Timestamp if matches!(given, Timestamp(_, None)) => Some(exact),
            Self::Timestamp if matches!(given, Date32 | Date64) => Some(40),
            Self::Timestamptz if matches!(given, Timestamp(_, Some(_))) => Some(exact),
            Self::Timestamptz if matches!(given, Timestamp(_, None) | Date32 | Date64) => Some(45),
            Self::Interval if matches!(given, Interval(_) | Duration(_)) => Some(exact),
            Self::Interval if matches!(given, Time32(_) | Time64(_)) => Some(40),
            Self::Texts => match given {
                DataType::List(item) if item.data_type().is_string() => Some(exact),
                DataType::List(item) if item.data_type().is_null() => Some(50),
                _ => unknown.then_some(20),
            },
            Self::List if is_list(given) => Some(exact),
            Self::List => None,
            Self::Any => Some(30),
            Self::Timestamptz if unknown => Some(25),
            _ => unknown.then_some(20),
        }
    }

    /// The type in which an argument comes to the body.
    fn arrow(self, given: &DataType) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
            // The engine would take a text for its bytes; PostgreSQL reads it.
            Self::Bytes if given.is_string() => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => SqlType::Timestamp.arrow(),
            Self::Timestamptz => SqlType::Timestamptz.arrow(),
            Self::Interval => SqlType::Interval.arrow(),
            Self::Number if given.is_string() || given.is_null() => DataType::Float64,
            // A text is read by the body: the engine's own cast knows no such literal.
            Self::Texts if given.is_string() => DataType::Utf8,
            Self::Texts => SqlType::TextArray.arrow(),
            Self::Number | Self::List | Self::Any => plain(given),
        }
    }
}

/// The same values without the engine's encodings.
fn plain(given: &DataType) -> DataType {
    match given {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, value) => plain(value),
        DataType::LargeList(item) => DataType::List(Arc::clone(item)),
        other => other.clone(),
    }
}

/// The type of a result.
#[derive(Clone, Copy)]
pub(super) enum Returns {
    /// Always this one.
    Type(SqlType),
    /// That of an argument.
    SameAs(usize),
    /// What the arguments' fields and constants tell.
    Told(fn(&ReturnFieldArgs<'_>) -> Result<Field>),
}

/// Finds a simpler expression that means the same, given the arguments.
type Simplify = dyn Fn(&[Expr], &SimplifyContext) -> Option<Expr> + Send + Sync;

type Body = dyn Fn(&Row<'_>) -> Result<Datum> + Send + Sync;

#[derive(Clone)]
struct Overload {
    parameters: Vec<Kind>,
    /// What any number of further arguments are.
    rest: Option<Kind>,
    returns: Returns,
    takes_null: bool,
    body: Arc<Body>,
}

impl Overload {
    fn kind(&self, index: usize) -> Option<Kind> {
        self.parameters.get(index).copied().or(self.rest)
    }

    fn fit(&self, given: &[DataType]) -> Option<u32> {
        if given.len() < self.parameters.len() {
            return None;
        }
        given.iter().enumerate().try_fold(0, |sum, (index, data_type)| Some(sum + self.kind(index)?.fit(data_type)?))
    }
}

/// A function under definition.
#[derive(Clone)]
pub(super) struct Typed {
    name: &'static str,
    overloads: Vec<Overload>,
    signature: Signature,
    moment: Option<Moment>,
    simplify: Option<Arc<Simplify>>,
}

impl Typed {
    /// A function without overloads yet, which depends on its arguments alone.
    pub(super) fn new(name: &'static str) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name, overloads: Vec::new(), signature, moment: None, simplify: None }
    }

    /// It depends on the session's zone or the statement's moment.
    pub(super) fn of_moment(mut self, moment: &Moment) -> Self {
        self.signature = Signature::user_defined(Volatility::Stable);
        self.moment = Some(moment.clone());
        self
    }

    /// The optimiser may put something else in its place.
    pub(super) fn simplified_by(
        mut self,
        simplify: impl Fn(&[Expr], &SimplifyContext) -> Option<Expr> + Send + Sync + 'static,
    ) -> Self {
        self.simplify = Some(Arc::new(simplify));
        self
    }

    /// Adds an overload.
    pub(super) fn takes(
        mut self,
        parameters: &[Kind],
        returns: SqlType,
        body: impl Fn(&Row<'_>) -> Result<Datum> + Send + Sync + 'static,
    ) -> Self {
        let (parameters, returns) = (parameters.to_vec(), Returns::Type(returns));
        self.overloads.push(Overload { parameters, rest: None, returns, takes_null: false, body: Arc::new(body) });
        self
    }

    /// The overload added last takes any number of further arguments.
    pub(super) fn and_any_number_of(mut self, kind: Kind) -> Self {
        if let Some(overload) = self.overloads.last_mut() {
            overload.rest = Some(kind);
        }
        self
    }

    /// The overload added last is called with NULL too.
    pub(super) fn with_null(mut self) -> Self {
        if let Some(overload) = self.overloads.last_mut() {
            overload.takes_null = true;
        }
        self
    }

    /// The overload added last returns this.
    pub(super) fn returning(mut self, returns: Returns) -> Self {
        if let Some(overload) = self.overloads.last_mut() {
            overload.returns = returns;
        }
        self
    }

    /// Ready to be registered.
    pub(super) fn udf(self) -> ScalarUDF {
        ScalarUDF::new_from_impl(self)
    }

    fn choose(&self, given: &[DataType]) -> Result<&Overload> {
        let fits = self.overloads.iter().filter_map(|overload| Some((overload.fit(given)?, overload)));
        // Of equally good ones the first counts.
        let best = fits.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, overload)| overload).ok_or_else(|| {
            let name = |data_type: &DataType| SqlType::from_arrow(data_type).unwrap_or(SqlType::Unknown).spelling();
            let names: Vec<String> = given.iter().map(name).collect();
            let text = format!("function {}({}) does not exist", self.name, names.join(", "));
            let hint =
                "No function matches the given name and argument types. You might need to add explicit type casts.";
            DataFusionError::External(Box::new(SqlError::new(Code::UndefinedFunction, text).with_hint(hint)))
        })
    }

    fn evaluate(&self, arguments: ScalarFunctionArgs, rows: usize) -> Result<ArrayRef> {
        let types: Vec<DataType> = arguments.args.iter().map(ColumnarValue::data_type).collect();
        let overload = self.choose(&types)?;
        let mut arrays = arguments.args.into_iter().map(|value| value.into_array(rows)).collect::<Result<Vec<_>>>()?;
        for (index, array) in arrays.iter_mut().enumerate() {
            if overload.kind(index) == Some(Kind::Bytes) && array.data_type().is_string() {
                *array = bytes_of(array)?;
            }
        }
        let columns = Rows::new(&arrays, &arguments.arg_fields)?;
        let data_type = arguments.return_field.data_type();
        if rows == 0 {
            return Ok(new_empty_array(data_type));
        }
        let mut bytes = 0_usize;
        let values = (0..rows).map(|at| {
            let row = columns.row(at);
            let has_null = !overload.takes_null && (0..row.len()).any(|index| row.is_null(index));
            let value = if has_null { Datum::NULL } else { (overload.body)(&row)? };
            bytes = bytes.saturating_add(value.bytes());
            checked_bytes(bytes)?;
            Ok(value)
        });
        collected(values, data_type)
    }
}

/// Texts that spell bytes, as these.
fn bytes_of(texts: &ArrayRef) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8)?;
    let read = |text: Option<&str>| {
        text.map(|text| read_bytes(text).ok_or_else(|| super::convert::no_bytes(text))).transpose()
    };
    let values = texts.as_string::<i32>().iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>()))
}

/// The values as one array: the most common types without a detour.
fn collected(values: impl Iterator<Item = Result<Datum>>, data_type: &DataType) -> Result<ArrayRef> {
    let mut scalars = values.map(|value| value?.into_scalar(data_type));
    Ok(match data_type {
        DataType::Boolean => {
            let truths = scalars.map(|value| match value? {
                ScalarValue::Boolean(truth) => Ok(truth),
                _ => Ok(None),
            });
            Arc::new(truths.collect::<Result<BooleanArray>>()?)
        }
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for value in scalars {
                match value? {
                    ScalarValue::Utf8(text) => builder.append_option(text),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        _ => ScalarValue::iter_to_array(scalars.by_ref().collect::<Result<Vec<_>>>()?)?,
    })
}

impl fmt::Debug for Typed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Typed").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Typed {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.moment == other.moment
    }
}

impl Eq for Typed {}

impl Hash for Typed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Typed {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let overload = self.choose(given)?;
        let kinds = (0..given.len()).filter_map(|index| overload.kind(index));
        Ok(kinds.zip(given).map(|(kind, given)| kind.arrow(given)).collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match self.choose(given)?.returns {
            Returns::Type(sql_type) => Ok(sql_type.arrow()),
            Returns::SameAs(index) => Ok(given.get(index).map_or(DataType::Null, plain)),
            Returns::Told(_) => Ok(DataType::Null),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let given: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let field = match self.choose(&given)?.returns {
            Returns::Type(sql_type) => sql_type.field(self.name, true),
            Returns::SameAs(index) => match arguments.arg_fields.get(index) {
                Some(field) => field.as_ref().clone().with_name(self.name).with_nullable(true),
                None => Field::new(self.name, DataType::Null, true),
            },
            Returns::Told(tell) => tell(&arguments)?.with_name(self.name).with_nullable(true),
        };
        Ok(Arc::new(field))
    }

    fn simplify(&self, arguments: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match self.simplify.as_ref().and_then(|simplify| simplify(&arguments, context)) {
            Some(simple) => ExprSimplifyResult::Simplified(simple),
            None => ExprSimplifyResult::Original(arguments),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let array = self.evaluate(arguments, rows)?;
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
        } else {
            ColumnarValue::Array(array)
        })
    }
}
