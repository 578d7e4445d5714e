//! `nextval`, `currval`, `setval`, `lastval`, and what tells of a sequence.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};

use super::FunctionContext;
use super::function::{Function, integer, text, truth};
use crate::catalog::Sequence;
use crate::planner::SessionControl;
use crate::system::{Value, split_name};
use crate::types::{Code, SqlError, SqlType};

/// The functions of this file; none where there is no session.
pub(super) fn functions(context: &Arc<FunctionContext>) -> Vec<Function> {
    let Some(control) = &context.control else { return Vec::new() };
    let acting = |name, least, most, act: Act| {
        let (control, context) = (Arc::clone(control), Arc::clone(context));
        Function::new(name, least, most, SqlType::Int8, move |arguments| {
            act(control.as_ref(), &context, arguments).map_err(|error| DataFusionError::External(Box::new(error)))
        })
        .acting()
    };
    vec![
        acting("nextval", 1, 1, |control, context, arguments| {
            control.next_value(&*sequence(context, arguments)?).map(Value::Integer)
        }),
        acting("currval", 1, 1, |control, context, arguments| {
            control.current_value(&*sequence(context, arguments)?).map(Value::Integer)
        }),
        acting("lastval", 0, 0, |control, _, _| control.last_value().map(Value::Integer)),
        acting("setval", 2, 3, set_value),
    ]
}

type Act = fn(&dyn SessionControl, &FunctionContext, &[ScalarValue]) -> Result<Value, SqlError>;

fn set_value(
    control: &dyn SessionControl,
    context: &FunctionContext,
    arguments: &[ScalarValue],
) -> Result<Value, SqlError> {
    let sequence = sequence(context, arguments)?;
    let Some(value) = integer(arguments, 1) else { return Ok(Value::Null) };
    if value < sequence.minimum || value > sequence.maximum {
        let text = format!(
            "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
            sequence.name, sequence.minimum, sequence.maximum
        );
        return Err(SqlError::new(Code::NumericValueOutOfRange, text));
    }
    control.set_value(&sequence, value, truth(arguments, 2).unwrap_or(true))?;
    Ok(Value::Integer(value))
}

/// The sequence that the first argument names, by its object id or its name.
fn sequence(context: &FunctionContext, arguments: &[ScalarValue]) -> Result<Arc<Sequence>, SqlError> {
    let (facts, catalog) = (&context.catalog, &context.catalog.catalog);
    let (found, shown) = match (integer(arguments, 0), text(arguments, 0)) {
        (Some(oid), _) => {
            let oid = u32::try_from(oid).unwrap_or_default();
            (catalog.sequence_by_oid(oid).map(Arc::clone), oid.to_string())
        }
        (None, Some(name)) => {
            let invalid = || SqlError::new(Code::InvalidParameterValue, "invalid name syntax");
            let (schema, bare) = split_name(name).ok_or_else(invalid)?;
            let schemas = catalog.databases.get(&facts.database).map(|database| &database.schemas);
            let in_schema = |schema: &String| schemas?.get(schema)?.sequences.get(&bare).map(Arc::clone);
            let found = match &schema {
                Some(schema) => in_schema(schema),
                None => context.session.search_path.iter().find_map(in_schema),
            };
            (found, name.to_owned())
        }
        (None, None) => return Err(SqlError::new(Code::NullValueNotAllowed, "a sequence has no name")),
    };
    found.ok_or_else(|| {
        let is_number = shown.bytes().all(|byte| byte.is_ascii_digit());
        let relation = shown.parse().ok().and_then(|oid| facts.relation(oid));
        match relation {
            Some(relation) => SqlError::new(Code::WrongObjectType, format!("\"{}\" is not a sequence", relation.name)),
            None if is_number => {
                SqlError::new(Code::UndefinedTable, format!("could not open relation with OID {shown}"))
            }
            None => SqlError::new(Code::UndefinedTable, format!("relation \"{shown}\" does not exist")),
        }
    })
}
