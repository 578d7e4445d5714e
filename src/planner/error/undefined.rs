//! Functions that do not exist for their arguments: which types those have.
//!
//! The engine does not tell the arguments' types of a function that it does not know. So the
//! statement is planned once more with a stand-in of that name, which takes anything and only
//! reports what it was given.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::kinds::of_arrow;
use super::texts::FUNCTION_HINT;
use crate::types::{Code, SqlError, SqlType};

/// The function that an error is about, if it is about a function and its arguments.
pub(in crate::planner) fn suspect(error: &DataFusionError) -> Option<String> {
    let text = error.find_root().strip_backtrace();
    let openings = ["Invalid function '", "Function '", "satisfy a call to '", "argument types '"];
    let about = text.contains("Invalid function '")
        || text.contains("No function matches the given name and argument types")
        || text.contains("failed to match any signature")
        || text.contains("Failed to coerce arguments to satisfy a call");
    let name = openings.iter().filter(|_| about).find_map(|opening| {
        let (_, rest) = text.split_once(opening)?;
        rest.split(['\'', '(']).next()
    })?;
    Some(name.to_owned())
}

/// Stands in for a function and reports its arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::planner) struct Reporter {
    name: String,
    is_window: bool,
    signature: Signature,
}

impl Reporter {
    /// A stand-in for the function of this name in this session.
    pub(in crate::planner) fn new(name: &str, session: &SessionState) -> Self {
        let is_window =
            session.window_functions().contains_key(name) && !session.aggregate_functions().contains_key(name);
        Self { name: name.to_owned(), is_window, signature: Signature::user_defined(Volatility::Volatile) }
    }

    fn report(&self, arguments: &[String]) -> DataFusionError {
        let error = if self.is_window {
            SqlError::new(Code::WrongObjectType, format!("window function {} requires an OVER clause", self.name))
        } else if matches!(self.name.as_str(), "coalesce" | "greatest" | "least") && !arguments.is_empty() {
            let known = || arguments.iter().filter(|argument| *argument != "unknown");
            let other = known().find(|argument| Some(*argument) != known().next());
            let [first, other] = [known().next(), other].map(|argument| argument.map_or("unknown", String::as_str));
            let text = format!("{} types {first} and {other} cannot be matched", self.name.to_uppercase());
            SqlError::new(Code::DatatypeMismatch, text)
        } else {
            let text = format!("function {}({}) does not exist", self.name, arguments.join(", "));
            SqlError::new(Code::UndefinedFunction, text).with_hint(FUNCTION_HINT)
        };
        DataFusionError::External(Box::new(error))
    }
}

impl ScalarUDFImpl for Reporter {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let names: Vec<String> = types.iter().map(|kind| of_arrow(kind).unwrap_or_else(|| kind.to_string())).collect();
        Err(self.report(&names))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let names = arguments.arg_fields.iter().zip(arguments.scalar_arguments).map(|(field, literal)| {
            let kind = SqlType::of_field(field);
            match (kind, literal.and_then(|literal| literal.try_as_str()), literal) {
                // A literal in quotes has no type of its own yet.
                (SqlType::Text, Some(_), _) | (SqlType::Unknown, ..) => String::from("unknown"),
                // The engine's literals are wide.
                (SqlType::Int8, _, Some(literal)) if small(literal) => String::from("integer"),
                (SqlType::Float8, _, Some(_)) => String::from("numeric"),
                _ => of_arrow(&kind.arrow()).unwrap_or_else(|| kind.name().to_owned()),
            }
        });
        Err(self.report(&names.collect::<Vec<_>>()))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.report(&[]))
    }
}

fn small(literal: &datafusion::common::ScalarValue) -> bool {
    matches!(literal, datafusion::common::ScalarValue::Int64(Some(number)) if i32::try_from(*number).is_ok())
}
