//! `regclass`, `regtype`, ...: objects by name or id, whichever is given.
//!
//! The rewrite turns casts into these two functions: `reg_oid('regclass', x)` where an object id is
//! wanted, `reg_text('regclass', x)` where the name is shown. `x` is an id or a name.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::FunctionContext;
use super::function::{Function, oid, sql_error, text};
use crate::catalog::quote_ident;
use crate::system::{Value, format_type, function_facts, function_oid, split_name, type_oid};
use crate::types::{Code, SqlType};

/// The functions of this file.
pub(super) fn functions(context: &Arc<FunctionContext>) -> Vec<Function> {
    let mut functions = vec![];
    let facts = Arc::clone(context);
    functions.push(Function::new("reg_oid", 2, 2, SqlType::Oid, move |arguments| {
        let kind = text(arguments, 0).unwrap_or_default();
        required(&facts, kind, arguments).map(|oid| Value::Integer(i64::from(oid as i32)))
    }));
    let facts = Arc::clone(context);
    functions.push(Function::new("reg_text", 2, 2, SqlType::Text, move |arguments| {
        let kind = text(arguments, 0).unwrap_or_default();
        Ok(show(&facts, kind, required(&facts, kind, arguments)?).into())
    }));
    // What the outermost select list shows; the type tells which kind of object it is.
    for (name, sql_type) in [("shown_regclass", SqlType::Regclass), ("shown_regtype", SqlType::Regtype)] {
        let facts = Arc::clone(context);
        functions.push(Function::new(name, 2, 2, sql_type, move |arguments| {
            let kind = text(arguments, 0).unwrap_or_default();
            Ok(show(&facts, kind, required(&facts, kind, arguments)?).into())
        }));
    }
    for (name, kind) in [
        ("to_regclass", "regclass"),
        ("to_regtype", "regtype"),
        ("to_regproc", "regproc"),
        ("to_regprocedure", "regprocedure"),
        ("to_regnamespace", "regnamespace"),
        ("to_regrole", "regrole"),
    ] {
        let facts = Arc::clone(context);
        functions.push(Function::new(name, 1, 1, SqlType::Regclass, move |arguments| {
            let found = find(&facts, kind, text(arguments, 0).unwrap_or_default());
            Ok(found.map_or(Value::Null, |oid| show(&facts, kind, oid).into()))
        }));
    }
    functions
}

/// The object id of what the second argument means; an unknown name is an error.
fn required(context: &FunctionContext, kind: &str, arguments: &[ScalarValue]) -> Result<u32> {
    if let Some(oid) = oid(arguments, 1) {
        return Ok(oid);
    }
    let name = text(arguments, 1).unwrap_or_default();
    let shown: String = name.chars().take(200).collect();
    find(context, kind, name).ok_or_else(|| match kind {
        "regclass" => sql_error(Code::UndefinedTable, format!("relation \"{shown}\" does not exist")),
        "regtype" => sql_error(Code::UndefinedObject, format!("type \"{shown}\" does not exist")),
        "regnamespace" => sql_error(Code::InvalidSchemaName, format!("schema \"{shown}\" does not exist")),
        "regrole" => sql_error(Code::UndefinedObject, format!("role \"{shown}\" does not exist")),
        _ => sql_error(Code::UndefinedFunction, format!("function \"{shown}\" does not exist")),
    })
}

fn find(context: &FunctionContext, kind: &str, name: &str) -> Option<u32> {
    if kind == "regtype" {
        return type_oid(name);
    }
    // An argument list says which of several functions is meant; names are enough for us.
    let name = name.split('(').next().unwrap_or(name);
    let (schema, bare) = split_name(name)?;
    match kind {
        "regclass" => {
            let search_path = &context.session.search_path;
            Some(context.catalog.relation_named(schema.as_deref(), &bare, search_path)?.oid)
        }
        "regnamespace" => context.catalog.schema_oid(&bare),
        "regrole" => context.catalog.role(&bare).map(|role| role.oid),
        _ => function_oid(&bare),
    }
}

/// The name as PostgreSQL shows it; the bare number for an object that does not exist.
fn show(context: &FunctionContext, kind: &str, oid: u32) -> String {
    let catalog = &context.catalog;
    let shown = match kind {
        _ if oid == 0 => Some("-".to_owned()),
        "regclass" => catalog.relation_text(oid, &context.session.search_path),
        "regtype" => Some(format_type(oid, None)).filter(|text| text != "???"),
        "regnamespace" => catalog.schema_name(oid).map(quote_ident),
        "regrole" => catalog.role_name(oid).map(quote_ident),
        "regprocedure" => {
            function_facts(oid).map(|facts| format!("{}({})", facts.name, facts.arguments_text().replace(", ", ",")))
        }
        _ => function_facts(oid).map(|facts| facts.name.clone()),
    };
    shown.unwrap_or_else(|| oid.to_string())
}
