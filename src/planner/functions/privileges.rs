//! `has_*_privilege` and `pg_has_role`: everybody may look at what is there from the start; owners and superusers
//! may do everything.
//!
//! All argument forms of PostgreSQL: without a role the current one is meant, roles and objects are given
//! by name or by object id. An unknown name is an error, an unknown id gives NULL.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::FunctionContext;
use super::function::{Function, integer, oid, sql_error, text};
use crate::catalog::Database;
use crate::system::{
    CatalogFacts, OWNER_OID, Relation, SchemaFacts, Value, function_by_arguments, is_function, is_in, language_oid,
    split_name, tablespace_oid,
};
use crate::types::{Code, SqlType};

/// What a function asks about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    AnyColumn,
    Column,
    Sequence,
    Schema,
    Database,
    Function,
    Language,
    Type,
    Tablespace,
    Wrapper,
    Server,
    Parameter,
}

const TABLE: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "RULE"];
const COLUMN: &[&str] = &["SELECT", "INSERT", "UPDATE", "REFERENCES"];

/// Per function: its kind, the privileges it knows, and those that everybody has.
const FUNCTIONS: &[(&str, Kind, &[&str], &[&str])] = &[
    ("has_table_privilege", Kind::Table, TABLE, &["SELECT"]),
    ("has_any_column_privilege", Kind::AnyColumn, COLUMN, &["SELECT"]),
    ("has_column_privilege", Kind::Column, COLUMN, &["SELECT"]),
    ("has_sequence_privilege", Kind::Sequence, &["USAGE", "SELECT", "UPDATE"], &["USAGE", "SELECT"]),
    ("has_schema_privilege", Kind::Schema, &["CREATE", "USAGE"], &["USAGE"]),
    ("has_database_privilege", Kind::Database, &["CREATE", "TEMPORARY", "TEMP", "CONNECT"], &["CONNECT"]),
    ("has_function_privilege", Kind::Function, &["EXECUTE"], &["EXECUTE"]),
    ("has_language_privilege", Kind::Language, &["USAGE"], &["USAGE"]),
    ("has_type_privilege", Kind::Type, &["USAGE"], &["USAGE"]),
    ("has_tablespace_privilege", Kind::Tablespace, &["CREATE"], &[]),
    ("has_foreign_data_wrapper_privilege", Kind::Wrapper, &["USAGE"], &[]),
    ("has_server_privilege", Kind::Server, &["USAGE"], &[]),
    ("has_parameter_privilege", Kind::Parameter, &["SET", "ALTER SYSTEM"], &[]),
];

/// What `pg_has_role` can be asked.
const MEMBERSHIP: &[&str] = &["USAGE", "MEMBER"];

/// The functions of this file.
pub(super) fn functions(context: &Arc<FunctionContext>) -> Vec<Function> {
    let mut functions: Vec<Function> = FUNCTIONS.iter().map(|spec| privilege(context, *spec)).collect();
    let facts = Arc::clone(context);
    functions.push(Function::new("pg_has_role", 2, 3, SqlType::Bool, move |arguments| {
        wanted(arguments, MEMBERSHIP)?;
        let member = if arguments.len() == 3 { role(&facts, arguments, 0)? } else { current(&facts) };
        let group = role(&facts, arguments, arguments.len() - 2)?;
        let name = |oid: Option<u32>| facts.catalog.role_name(oid?);
        let (Some(member), Some(group)) = (name(member), name(group)) else { return Ok(Value::Null) };
        Ok(facts.catalog.is_member(member, group).into())
    }));
    functions
}

fn privilege(context: &Arc<FunctionContext>, spec: (&'static str, Kind, &'static [&str], &'static [&str])) -> Function {
    let (name, kind, known, of_everybody) = spec;
    let facts = Arc::clone(context);
    let least = if kind == Kind::Column { 3 } else { 2 };
    Function::new(name, least, least + 1, SqlType::Bool, move |arguments| {
        let first = arguments.len() - least;
        let role = if first == 1 { role(&facts, arguments, 0)? } else { current(&facts) };
        let Some(object) = object(&facts, kind, arguments, first)? else { return Ok(Value::Null) };
        let wanted = wanted(arguments, known)?;
        let role = role.and_then(|role| facts.catalog.role_name(role));
        if role.is_some_and(|role| object.is_owned_by(&facts.catalog, role)) {
            return Ok(true.into());
        }
        let has = |(privilege, grants): &(String, bool)| {
            !grants && !object.is_private && of_everybody.contains(&privilege.as_str())
        };
        Ok(wanted.iter().any(has).into())
    })
}

/// What is asked about: who owns it, and whether others have no rights on it.
struct Object {
    owner: u32,
    is_private: bool,
}

impl Object {
    /// What is there from the start.
    const BUILT_IN: Self = Self { owner: OWNER_OID, is_private: false };

    /// The owner, its members and superusers may do everything.
    fn is_owned_by(&self, catalog: &CatalogFacts, role: &str) -> bool {
        catalog.role_name(self.owner).is_some_and(|owner| catalog.is_member(role, owner))
    }
}

/// The privileges of a comma separated list, and whether each is meant with the right to give it on.
fn wanted(arguments: &[ScalarValue], known: &[&str]) -> Result<Vec<(String, bool)>> {
    let list = text(arguments, arguments.len() - 1).unwrap_or_default();
    let one = |item: &str| {
        let item = item.trim().to_ascii_uppercase();
        let bare = item.strip_suffix(" WITH GRANT OPTION").or_else(|| item.strip_suffix(" WITH ADMIN OPTION"));
        let privilege = bare.unwrap_or(&item).trim().to_owned();
        if known.contains(&privilege.as_str()) {
            return Ok((privilege, bare.is_some()));
        }
        let shown: String = list.trim().chars().take(80).collect();
        Err(sql_error(Code::InvalidParameterValue, format!("unrecognized privilege type: \"{shown}\"")))
    };
    list.split(',').map(one).collect()
}

fn current(context: &FunctionContext) -> Option<u32> {
    context.catalog.role(&context.session.current_user).map(|role| role.oid)
}

/// A role by name, which must exist, or by id.
fn role(context: &FunctionContext, arguments: &[ScalarValue], index: usize) -> Result<Option<u32>> {
    match text(arguments, index) {
        Some(name) if name.eq_ignore_ascii_case("public") => Ok(None),
        Some(name) => match context.catalog.role(name) {
            Some(role) => Ok(Some(role.oid)),
            None => Err(missing(Code::UndefinedObject, "role", name)),
        },
        None => Ok(oid(arguments, index)),
    }
}

fn missing(code: Code, what: &str, name: &str) -> datafusion::error::DataFusionError {
    let shown: String = name.chars().take(200).collect();
    sql_error(code, format!("{what} \"{shown}\" does not exist"))
}

/// The object: a name must mean one, an id may mean none.
fn object(context: &FunctionContext, kind: Kind, arguments: &[ScalarValue], index: usize) -> Result<Option<Object>> {
    let catalog = &context.catalog;
    if matches!(kind, Kind::Table | Kind::AnyColumn | Kind::Column | Kind::Sequence) {
        let Some(relation) = relation(context, arguments, index)? else { return Ok(None) };
        let object = Object { owner: relation.owner, is_private: relation.is_private() };
        return match kind {
            Kind::Column => Ok(column_exists(catalog, &relation, arguments, index + 1)?.then_some(object)),
            Kind::Sequence if relation.kind != 'S' => {
                Err(sql_error(Code::WrongObjectType, format!("\"{}\" is not a sequence", relation.name)))
            }
            _ => Ok(Some(object)),
        };
    }
    let exists = |exists: bool| exists.then_some(Object::BUILT_IN);
    let Some(name) = text(arguments, index) else {
        let Some(oid) = oid(arguments, index) else { return Ok(None) };
        return Ok(match kind {
            Kind::Schema => catalog.schemas().iter().find(|schema| schema.oid == oid).map(schema_object),
            Kind::Database => {
                let mut databases = catalog.catalog.databases.values();
                databases.find(|database| database.oid == oid).map(|database| database_object(catalog, database))
            }
            Kind::Function => exists(is_function(oid)),
            Kind::Language => exists(is_in("pg_language", oid)),
            Kind::Type => exists(catalog.is_type(oid)),
            Kind::Tablespace => exists(is_in("pg_tablespace", oid)),
            _ => None,
        });
    };
    named(context, kind, name).map(Some)
}

fn schema_object(schema: &SchemaFacts) -> Object {
    Object { owner: schema.owner, is_private: schema.is_private }
}

fn database_object(catalog: &CatalogFacts, database: &Database) -> Object {
    Object { owner: catalog.owner(database.owner.as_deref()), is_private: false }
}

fn named(context: &FunctionContext, kind: Kind, name: &str) -> Result<Object> {
    let catalog = &context.catalog;
    if kind == Kind::Schema {
        let schema = catalog.schemas().iter().find(|schema| schema.name == name).map(schema_object);
        return schema.ok_or_else(|| missing(Code::InvalidSchemaName, "schema", name));
    }
    if kind == Kind::Database {
        let database = catalog.catalog.databases.get(name).map(|database| database_object(catalog, database));
        return database.ok_or_else(|| missing(Code::InvalidCatalogName, "database", name));
    }
    let (found, code, what) = match kind {
        Kind::Function => (function_by_arguments(name).is_some(), Code::UndefinedFunction, "function"),
        Kind::Language => (language_oid(name).is_some(), Code::UndefinedObject, "language"),
        Kind::Type => (catalog.type_oid(name, &context.session.search_path).is_some(), Code::UndefinedObject, "type"),
        Kind::Tablespace => (tablespace_oid(name).is_some(), Code::UndefinedObject, "tablespace"),
        Kind::Wrapper => (false, Code::UndefinedObject, "foreign-data wrapper"),
        Kind::Server => (false, Code::UndefinedObject, "server"),
        _ => (true, Code::UndefinedObject, "parameter"),
    };
    if found { Ok(Object::BUILT_IN) } else { Err(missing(code, what, name)) }
}

/// A relation by name, which must exist, or by id.
pub(super) fn relation<'a>(
    context: &'a FunctionContext,
    arguments: &[ScalarValue],
    index: usize,
) -> Result<Option<Relation<'a>>> {
    let Some(name) = text(arguments, index) else {
        return Ok(oid(arguments, index).and_then(|oid| context.catalog.relation(oid)));
    };
    let search_path = &context.session.search_path;
    let found = split_name(name)
        .and_then(|(schema, bare)| context.catalog.relation_named(schema.as_deref(), &bare, search_path));
    found.map(Some).ok_or_else(|| missing(Code::UndefinedTable, "relation", name))
}

fn column_exists(
    catalog: &CatalogFacts,
    relation: &Relation<'_>,
    arguments: &[ScalarValue],
    index: usize,
) -> Result<bool> {
    let attributes = catalog.attributes(relation);
    match text(arguments, index) {
        Some(name) if attributes.iter().any(|attribute| attribute.name == name) => Ok(true),
        Some(name) => {
            let shown: String = name.chars().take(200).collect();
            let text = format!("column \"{shown}\" of relation \"{}\" does not exist", relation.name);
            Err(sql_error(Code::UndefinedColumn, text))
        }
        None => {
            let number = integer(arguments, index);
            Ok(attributes.iter().any(|attribute| Some(i64::from(attribute.number)) == number))
        }
    }
}
