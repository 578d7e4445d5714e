//! Functions that do something to a session: its settings, its channels, its end.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};

use super::FunctionContext;
use super::function::{Function, integer, text, truth};
use crate::planner::{SessionControl, SetScope};
use crate::system::Value;
use crate::types::{Code, SqlError, SqlType};

/// The functions of this file; none where there is no session.
pub(super) fn functions(context: &FunctionContext) -> Vec<Function> {
    let Some(control) = &context.control else { return Vec::new() };
    let acting = |name, least, most, result, act: Act| {
        let control = Arc::clone(control);
        Function::new(name, least, most, result, move |arguments| {
            act(control.as_ref(), arguments).map_err(|error| DataFusionError::External(Box::new(error)))
        })
        .acting()
    };
    vec![
        acting("set_config", 3, 3, SqlType::Text, set_config).taking_null(),
        acting("pg_notify", 2, 2, SqlType::Void, notify).taking_null(),
        acting("pg_cancel_backend", 1, 1, SqlType::Bool, |control, arguments| {
            control.cancel_backend(pid(arguments)).map(Value::from)
        }),
        acting("pg_terminate_backend", 1, 2, SqlType::Bool, |control, arguments| {
            control.terminate_backend(pid(arguments)).map(Value::from)
        }),
    ]
}

type Act = fn(&dyn SessionControl, &[ScalarValue]) -> Result<Value, SqlError>;

fn set_config(control: &dyn SessionControl, arguments: &[ScalarValue]) -> Result<Value, SqlError> {
    let Some(name) = text(arguments, 0) else {
        return Err(SqlError::new(Code::NullValueNotAllowed, "SET requires parameter name"));
    };
    let scope = if truth(arguments, 2) == Some(true) { SetScope::Local } else { SetScope::Session };
    let value =
        text(arguments, 1).map(str::to_owned).or_else(|| integer(arguments, 1).map(|number| number.to_string()));
    control.set_config(name, value.as_deref(), scope).map(|value| value.as_str().into())
}

fn notify(control: &dyn SessionControl, arguments: &[ScalarValue]) -> Result<Value, SqlError> {
    let (channel, payload) = (text(arguments, 0).unwrap_or_default(), text(arguments, 1).unwrap_or_default());
    control.notify(channel, payload).map(|()| Value::Null)
}

/// A number that is no process id stands for no session.
fn pid(arguments: &[ScalarValue]) -> i32 {
    integer(arguments, 0).and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default()
}
