//! `regclass`, `regtype`, ...: objects by name or id, whichever is given.
//!
//! Values of these types are object ids to the engine, and carry the type in their field. The syntax
//! rewrite turns casts into `as_regclass(x)` and its like, where `x` is an id or a name. Where a name is
//! wanted, [`RegistryReader`] and `with_names` call `regclass_text` and `shown_regclass`: they go by the
//! type, wherever the value came from, be it a cast or a column such as `pg_type.typinput`.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Field, Int32Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};

use super::FunctionContext;
use super::function::{Function, oid, sql_error, text};
use super::names::RegistryReader;
use crate::catalog::quote_ident;
use crate::system::{
    Value, collation_name, collation_oid, format_type, function_by_arguments, function_facts, function_oid,
    functions_named, operator_by_operands, operator_facts, operator_oid, operators_named, split_name, text_search_name,
    text_search_oid,
};
use crate::types::{Code, SQL_TYPE_KEY, SqlType};

/// The kinds of objects, and the functions that give the id, the name, and what a client is shown.
pub(super) const KINDS: &[(SqlType, &str, &str, &str)] = &[
    (SqlType::Regclass, "as_regclass", "regclass_text", "shown_regclass"),
    (SqlType::Regtype, "as_regtype", "regtype_text", "shown_regtype"),
    (SqlType::Regproc, "as_regproc", "regproc_text", "shown_regproc"),
    (SqlType::Regprocedure, "as_regprocedure", "regprocedure_text", "shown_regprocedure"),
    (SqlType::Regoper, "as_regoper", "regoper_text", "shown_regoper"),
    (SqlType::Regoperator, "as_regoperator", "regoperator_text", "shown_regoperator"),
    (SqlType::Regnamespace, "as_regnamespace", "regnamespace_text", "shown_regnamespace"),
    (SqlType::Regrole, "as_regrole", "regrole_text", "shown_regrole"),
    (SqlType::Regcollation, "as_regcollation", "regcollation_text", "shown_regcollation"),
    (SqlType::Regconfig, "as_regconfig", "regconfig_text", "shown_regconfig"),
    (SqlType::Regdictionary, "as_regdictionary", "regdictionary_text", "shown_regdictionary"),
];

/// Gives what a client is shown of `regtype[]`.
pub(super) const SHOWN_TYPES: &str = "shown_regtypes";

/// `to_reg*`: NULL for a name that means nothing.
const LOOKUPS: &[(&str, SqlType)] = &[
    ("to_regclass", SqlType::Regclass),
    ("to_regtype", SqlType::Regtype),
    ("to_regproc", SqlType::Regproc),
    ("to_regprocedure", SqlType::Regprocedure),
    ("to_regoper", SqlType::Regoper),
    ("to_regoperator", SqlType::Regoperator),
    ("to_regnamespace", SqlType::Regnamespace),
    ("to_regrole", SqlType::Regrole),
    ("to_regcollation", SqlType::Regcollation),
];

/// Adds the functions of this file, and the rule that calls them where names are wanted.
pub(super) fn register(state: &mut SessionState, context: &Arc<FunctionContext>) -> Result<()> {
    super::register(state, functions(context).into_iter().map(Function::udf))?;
    let mut texts = HashMap::new();
    let mut ids = HashMap::new();
    for (kind, id, text, _) in KINDS {
        texts.insert(*kind, state.udf(text)?);
        ids.insert(*kind, state.udf(id)?);
    }
    let as_list = state.udf("array_or_empty")?;
    state.register_function_rewrite(Arc::new(RegistryReader { texts, ids, as_list }))
}

fn functions(context: &Arc<FunctionContext>) -> Vec<Function> {
    let mut functions = Vec::new();
    for (kind, id, text, shown) in KINDS {
        let (kind, facts) = (*kind, Arc::clone(context));
        let as_id = Function::new(id, 1, 1, SqlType::Oid, move |arguments| {
            required(&facts, kind, arguments).map(|oid| Value::Integer(i64::from(oid as i32)))
        });
        functions.push(as_id.giving(id_field(kind)));
        for (name, result) in [(text, SqlType::Text), (shown, kind)] {
            let facts = Arc::clone(context);
            functions.push(Function::new(name, 1, 1, result, move |arguments| {
                Ok(show(&facts, kind, required(&facts, kind, arguments)?).into())
            }));
        }
    }
    for (name, kind) in LOOKUPS {
        let (kind, facts) = (*kind, Arc::clone(context));
        let lookup = Function::new(name, 1, 1, SqlType::Oid, move |arguments| {
            let found = find(&facts, kind, text(arguments, 0).unwrap_or_default());
            Ok(found.map_or(Value::Null, |oid| Value::Integer(i64::from(oid as i32))))
        });
        functions.push(lookup.giving(id_field(kind)));
    }
    functions.push(shown_types(context));
    functions
}

/// `regtype[]` as a client sees it: the names of types.
fn shown_types(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    let shown = Function::new(SHOWN_TYPES, 1, 1, SqlType::TextArray, move |arguments| {
        let Some(ScalarValue::List(list)) = arguments.first() else { return Ok(Value::Null) };
        let types = list.value(0);
        let name = |oid: Option<i32>| oid.map(|oid| show(&facts, SqlType::Regtype, oid.cast_unsigned()));
        Ok(Value::Texts(types.as_primitive::<Int32Type>().iter().map(name).collect()))
    });
    let kind = SqlType::RegtypeArray.name().to_owned();
    let field = SqlType::TextArray.field("types", true);
    shown.giving(field.with_metadata([(SQL_TYPE_KEY.to_owned(), kind)].into()))
}

/// A column of object ids that are shown as names.
pub(super) fn id_field(kind: SqlType) -> Field {
    Field::new("id", DataType::Int32, true).with_metadata([(SQL_TYPE_KEY.to_owned(), kind.name().to_owned())].into())
}

/// Casts to types that are plain numbers, which no session changes.
pub(super) fn numbers() -> Vec<Function> {
    vec![as_oid(), as_xid()]
}

/// `x::oid`: a number, or the id that a value of a registry type is.
fn as_oid() -> Function {
    Function::new("as_oid", 1, 1, SqlType::Oid, |arguments| match oid(arguments, 0) {
        Some(oid) => Ok(Value::Integer(i64::from(oid as i32))),
        None => {
            let shown: String = text(arguments, 0).unwrap_or_default().chars().take(200).collect();
            let code = Code::InvalidTextRepresentation;
            Err(sql_error(code, format!("invalid input syntax for type oid: \"{shown}\"")))
        }
    })
}

/// `x::xid`: a number.
fn as_xid() -> Function {
    Function::new("as_xid", 1, 1, SqlType::Xid, |arguments| match oid(arguments, 0) {
        Some(number) => Ok(Value::Integer(i64::from(number as i32))),
        None => {
            let shown: String = text(arguments, 0).unwrap_or_default().chars().take(200).collect();
            let code = Code::InvalidTextRepresentation;
            Err(sql_error(code, format!("invalid input syntax for type xid: \"{shown}\"")))
        }
    })
}

/// The object id of what the argument means; an unknown name is an error.
fn required(context: &FunctionContext, kind: SqlType, arguments: &[ScalarValue]) -> Result<u32> {
    if let Some(oid) = oid(arguments, 0) {
        return Ok(oid);
    }
    let name = text(arguments, 0).unwrap_or_default();
    if name == "-" {
        return Ok(0);
    }
    let shown: String = name.chars().take(200).collect();
    if matches!(kind, SqlType::Regprocedure | SqlType::Regoperator) && !name.contains('(') {
        return Err(sql_error(Code::InvalidTextRepresentation, "expected a left parenthesis"));
    }
    if candidates(kind, name) > 1 {
        let what = if kind == SqlType::Regproc { "function" } else { "operator" };
        return Err(sql_error(Code::AmbiguousFunction, format!("more than one {what} named \"{shown}\"")));
    }
    find(context, kind, name).ok_or_else(|| unknown(kind, &shown))
}

fn unknown(kind: SqlType, name: &str) -> datafusion::error::DataFusionError {
    let (code, text) = match kind {
        SqlType::Regclass => (Code::UndefinedTable, format!("relation \"{name}\" does not exist")),
        SqlType::Regtype => (Code::UndefinedObject, format!("type \"{name}\" does not exist")),
        SqlType::Regnamespace => (Code::InvalidSchemaName, format!("schema \"{name}\" does not exist")),
        SqlType::Regrole => (Code::UndefinedObject, format!("role \"{name}\" does not exist")),
        SqlType::Regcollation => {
            (Code::UndefinedObject, format!("collation \"{name}\" for encoding \"UTF8\" does not exist"))
        }
        SqlType::Regconfig => (Code::UndefinedObject, format!("text search configuration \"{name}\" does not exist")),
        SqlType::Regdictionary => (Code::UndefinedObject, format!("text search dictionary \"{name}\" does not exist")),
        SqlType::Regoper | SqlType::Regoperator => {
            (Code::UndefinedFunction, format!("operator does not exist: {name}"))
        }
        _ => (Code::UndefinedFunction, format!("function \"{name}\" does not exist")),
    };
    sql_error(code, text)
}

/// How many objects a bare name of a function or operator means.
fn candidates(kind: SqlType, name: &str) -> usize {
    match kind {
        SqlType::Regproc => split_name(name).map_or(0, |(_, bare)| functions_named(&bare)),
        SqlType::Regoper => operators_named(name.strip_prefix("pg_catalog.").unwrap_or(name)),
        _ => 0,
    }
}

fn find(context: &FunctionContext, kind: SqlType, name: &str) -> Option<u32> {
    match kind {
        SqlType::Regtype => return context.catalog.type_oid(name, &context.session.search_path),
        SqlType::Regprocedure => return function_by_arguments(name),
        SqlType::Regoper => return operator_oid(name.strip_prefix("pg_catalog.").unwrap_or(name)),
        SqlType::Regoperator => return operator_by_operands(name),
        _ => {}
    }
    let (schema, bare) = split_name(name)?;
    match kind {
        SqlType::Regclass => {
            let search_path = &context.session.search_path;
            Some(context.catalog.relation_named(schema.as_deref(), &bare, search_path)?.oid)
        }
        SqlType::Regnamespace => context.catalog.schema_oid(&bare),
        SqlType::Regrole => context.catalog.role(&bare).map(|role| role.oid),
        SqlType::Regcollation => collation_oid(&bare),
        SqlType::Regconfig => text_search_oid("pg_ts_config", &bare),
        SqlType::Regdictionary => text_search_oid("pg_ts_dict", &bare),
        _ => function_oid(&bare),
    }
}

/// The name as PostgreSQL shows it; the bare number for an object that does not exist.
fn show(context: &FunctionContext, kind: SqlType, oid: u32) -> String {
    let (catalog, search_path) = (&context.catalog, &context.session.search_path);
    let shown = match kind {
        SqlType::Regoper | SqlType::Regoperator if oid == 0 => Some("0".to_owned()),
        _ if oid == 0 => Some("-".to_owned()),
        SqlType::Regclass => catalog.relation_text(oid, search_path),
        SqlType::Regtype => Some(catalog.format_type(oid, None, search_path)).filter(|text| text != "???"),
        SqlType::Regnamespace => catalog.schema_name(oid).map(quote_ident),
        SqlType::Regrole => catalog.role_name(oid).map(quote_ident),
        SqlType::Regcollation => collation_name(oid).map(|name| quote_ident(&name)),
        SqlType::Regconfig => text_search_name("pg_ts_config", oid).map(|name| quote_ident(&name)),
        SqlType::Regdictionary => text_search_name("pg_ts_dict", oid).map(|name| quote_ident(&name)),
        SqlType::Regoper => operator_facts(oid).map(|facts| match operators_named(&facts.name) {
            1 => facts.name.clone(),
            _ => format!("pg_catalog.{}", facts.name),
        }),
        SqlType::Regoperator => operator_facts(oid).map(|facts| {
            let operand = |oid: u32| if oid == 0 { "NONE".to_owned() } else { format_type(oid, None) };
            format!("{}({},{})", facts.name, operand(facts.left), operand(facts.right))
        }),
        SqlType::Regprocedure => {
            function_facts(oid).map(|facts| format!("{}({})", quote_ident(&facts.name), facts.signature_text()))
        }
        // A name that several functions have is not enough to find this one again.
        _ => function_facts(oid).map(|facts| match functions_named(&facts.name) {
            1 => quote_ident(&facts.name),
            _ => format!("pg_catalog.{}", quote_ident(&facts.name)),
        }),
    };
    shown.unwrap_or_else(|| oid.to_string())
}
