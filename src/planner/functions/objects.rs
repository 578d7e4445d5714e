//! Functions about objects: names, visibility, comments, definitions, sizes.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use super::FunctionContext;
use super::function::{Function, integer, oid, text};
use super::registry::id_field;
use crate::system::{CatalogFacts, INFORMATION_SCHEMA_OID, Relation, Value, function_facts, is_function, is_in};
use crate::types::SqlType;

/// The functions of this file.
pub(super) fn functions(context: &Arc<FunctionContext>) -> Vec<Function> {
    let mut functions = names(context);
    functions.extend(visibility(context));
    functions.extend(comments(context));
    functions.push(descriptions(context));
    functions.extend(of_absent_kinds());
    functions.extend(of_functions());
    functions.extend(sizes(context));
    functions
}

fn names(context: &Arc<FunctionContext>) -> Vec<Function> {
    let (catalog, facts) = (Arc::clone(&context.catalog), Arc::clone(context));
    vec![
        Function::new("pg_get_userbyid", 1, 1, SqlType::Name, move |arguments| {
            let role = oid(arguments, 0).unwrap_or(0);
            let unknown = || format!("unknown (OID={role})");
            Ok(catalog.role_name(role).map_or_else(unknown, str::to_owned).into())
        }),
        role_memberships(context),
        relation_oid(context),
        Function::new("format_type", 2, 2, SqlType::Text, move |arguments| {
            let Some(type_oid) = oid(arguments, 0) else { return Ok(Value::Null) };
            let modifier = integer(arguments, 1).and_then(|modifier| i32::try_from(modifier).ok());
            Ok(facts.catalog.format_type(type_oid, modifier, &facts.session.search_path).into())
        })
        .taking_null(),
    ]
}

/// `pg_*_is_visible(oid)`: NULL for an object that does not exist.
fn visibility(context: &FunctionContext) -> Vec<Function> {
    let catalog = Arc::clone(&context.catalog);
    let session = Arc::clone(&context.session);
    let tables = Function::new("pg_table_is_visible", 1, 1, SqlType::Bool, move |arguments| {
        let relation = oid(arguments, 0).and_then(|oid| catalog.relation(oid));
        Ok(relation.map_or(Value::Null, |relation| catalog.is_visible(&relation, &session.search_path).into()))
    });
    let catalog = Arc::clone(&context.catalog);
    let session = Arc::clone(&context.session);
    let types = Function::new("pg_type_is_visible", 1, 1, SqlType::Bool, move |arguments| {
        let Some(type_oid) = oid(arguments, 0) else { return Ok(Value::Null) };
        Ok(catalog.is_type_visible(type_oid, &session.search_path).map_or(Value::Null, Value::from))
    });
    let known = |name, exists: fn(u32) -> bool| {
        Function::new(name, 1, 1, SqlType::Bool, move |arguments| {
            Ok(if oid(arguments, 0).is_some_and(exists) { true.into() } else { Value::Null })
        })
    };
    // Objects of these kinds exist in pg_catalog only, which every search path begins with.
    vec![
        tables,
        types,
        Function::new("pg_function_is_visible", 1, 1, SqlType::Bool, |arguments| {
            // Functions with larger ids are of `information_schema`.
            let found = oid(arguments, 0).filter(|oid| is_function(*oid));
            Ok(found.map_or(Value::Null, |oid| (oid < INFORMATION_SCHEMA_OID).into()))
        }),
        known("pg_operator_is_visible", |oid| is_in("pg_operator", oid)),
        known("pg_opclass_is_visible", |oid| is_in("pg_opclass", oid)),
        known("pg_opfamily_is_visible", |oid| is_in("pg_opfamily", oid)),
        known("pg_collation_is_visible", |oid| is_in("pg_collation", oid)),
        known("pg_conversion_is_visible", |oid| is_in("pg_conversion", oid)),
        known("pg_ts_config_is_visible", |oid| is_in("pg_ts_config", oid)),
        known("pg_ts_dict_is_visible", |oid| is_in("pg_ts_dict", oid)),
        known("pg_ts_parser_is_visible", |oid| is_in("pg_ts_parser", oid)),
        known("pg_ts_template_is_visible", |oid| is_in("pg_ts_template", oid)),
        known("pg_statistics_obj_is_visible", |_| false),
    ]
}

/// The object id of a relation by the names of its schema and its own.
fn relation_oid(context: &FunctionContext) -> Function {
    let catalog = Arc::clone(&context.catalog);
    Function::new("relation_oid", 2, 2, SqlType::Oid, move |arguments| {
        let (Some(schema), Some(name)) = (text(arguments, 0), text(arguments, 1)) else { return Ok(Value::Null) };
        Ok(catalog.relation_named(Some(schema), name, &[]).map_or(Value::Null, |relation| relation.oid.into()))
    })
}

/// The names of a role and of all roles that it is a member of, directly or through others.
fn role_memberships(context: &FunctionContext) -> Function {
    let catalog = Arc::clone(&context.catalog);
    Function::new("role_memberships", 1, 1, SqlType::NameArray, move |arguments| {
        let mut members: Vec<u32> = oid(arguments, 0).into_iter().collect();
        let (mut names, mut next) = (Vec::new(), 0);
        while let Some(member) = members.get(next).copied() {
            next += 1;
            for role in catalog.roles.iter().filter(|role| role.oid == member) {
                names.push(Some(role.name.clone()));
                let new: Vec<u32> = role.member_of.iter().copied().filter(|group| !members.contains(group)).collect();
                members.extend(new);
            }
        }
        Ok(Value::Texts(names))
    })
}

fn comments(context: &FunctionContext) -> Vec<Function> {
    let catalog = Arc::clone(&context.catalog);
    let columns = Function::new("col_description", 2, 2, SqlType::Text, move |arguments| {
        let (Some(relation), Some(number)) = (oid(arguments, 0), integer(arguments, 1)) else { return Ok(Value::Null) };
        Ok(catalog.comment(relation, Some(number)).map_or(Value::Null, Value::from))
    });
    let catalog = Arc::clone(&context.catalog);
    let objects = Function::new("obj_description", 1, 2, SqlType::Text, move |arguments| {
        let Some(object) = oid(arguments, 0) else { return Ok(Value::Null) };
        let class = text(arguments, 1).unwrap_or("pg_class");
        Ok(catalog.object_comment(object, class).map_or(Value::Null, Value::from))
    });
    let catalog = Arc::clone(&context.catalog);
    let shared = Function::new("shobj_description", 2, 2, SqlType::Text, move |arguments| {
        let Some(object) = oid(arguments, 0) else { return Ok(Value::Null) };
        let class = text(arguments, 1).unwrap_or_default();
        Ok(catalog.object_comment(object, class).map_or(Value::Null, Value::from))
    });
    vec![columns, objects, shared]
}

fn descriptions(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    Function::new("pg_describe_object", 3, 3, SqlType::Text, move |arguments| {
        let (Some(class), Some(object)) = (oid(arguments, 0), oid(arguments, 1)) else { return Ok(Value::Null) };
        let part = integer(arguments, 2).unwrap_or(0);
        Ok(facts
            .catalog
            .describe_object(class, object, part, &facts.session.search_path)
            .map_or(Value::Null, Value::from))
    })
}

/// The relation that an argument names or has the object id of.
pub(super) fn find_relation<'a>(
    catalog: &'a CatalogFacts,
    search_path: &[String],
    arguments: &[ScalarValue],
) -> Option<Relation<'a>> {
    if let Some(oid) = oid(arguments, 0) {
        return catalog.relation(oid);
    }
    let (schema, name) = crate::system::split_name(text(arguments, 0)?)?;
    catalog.relation_named(schema.as_deref(), &name, search_path)
}

/// Definitions of kinds of objects that this server does not have: asked of, there is none.
fn of_absent_kinds() -> Vec<Function> {
    let none = |name, least, most| Function::new(name, least, most, SqlType::Text, |_| Ok(Value::Null));
    vec![
        Function::new("ancestors_rows", 1, 1, SqlType::OidArray, |_| Ok(Value::Integers(Vec::new()))),
        none("pg_get_partkeydef", 1, 1),
        none("pg_get_partition_constraintdef", 1, 1),
        none("pg_get_triggerdef", 1, 2),
        none("pg_get_ruledef", 1, 2),
        none("pg_get_statisticsobjdef", 1, 1),
        none("pg_get_statisticsobjdef_columns", 1, 1),
        none("pg_get_statisticsobjdef_expressions", 1, 1),
        Function::new("pg_partition_root", 1, 1, SqlType::Oid, |_| Ok(Value::Null)).giving(id_field(SqlType::Regclass)),
        Function::new("pg_relation_is_publishable", 1, 1, SqlType::Bool, |_| Ok(false.into())),
        Function::new("pg_relation_is_updatable", 2, 2, SqlType::Int4, |_| Ok(Value::Integer(0))),
        Function::new("pg_column_is_updatable", 3, 3, SqlType::Bool, |_| Ok(false.into())),
        Function::new("pg_extension_config_dump", 2, 2, SqlType::Void, |_| Ok(Value::Null)),
    ]
}

fn of_functions() -> Vec<Function> {
    type Tell = fn(u32) -> Option<String>;
    let tell = |name, what: Tell| {
        Function::new(name, 1, 1, SqlType::Text, move |arguments| {
            Ok(oid(arguments, 0).and_then(what).map_or(Value::Null, Value::from))
        })
    };
    vec![
        tell("pg_get_function_result", |oid| function_facts(oid)?.result_text()),
        tell("pg_get_function_arguments", |oid| Some(function_facts(oid)?.arguments_text())),
        tell("pg_get_function_identity_arguments", |oid| Some(function_facts(oid)?.arguments_text())),
        tell("pg_get_functiondef", |oid| Some(function_facts(oid)?.definition_text())),
        tell("pg_get_function_sqlbody", |_| None),
    ]
}

/// Bytes of tables as the caller knows them of all nodes; everything else takes none.
fn sizes(context: &FunctionContext) -> Vec<Function> {
    let mut functions = Vec::new();
    for (name, most) in [("pg_relation_size", 2), ("pg_total_relation_size", 1), ("pg_table_size", 1)] {
        let (catalog, session) = (Arc::clone(&context.catalog), Arc::clone(&context.session));
        functions.push(Function::new(name, 1, most, SqlType::Int8, move |arguments| {
            let relation = find_relation(&catalog, &session.search_path, arguments);
            let bytes = relation.map(|relation| session.table_bytes.get(&relation.oid).copied().unwrap_or(0));
            Ok(bytes.map_or(Value::Null, Value::Integer))
        }));
    }
    let (catalog, session) = (Arc::clone(&context.catalog), Arc::clone(&context.session));
    functions.push(Function::new("pg_database_size", 1, 1, SqlType::Int8, move |arguments| {
        let asked = text(arguments, 0);
        let own = catalog.catalog.databases.get(&catalog.database);
        let is_own = own.is_some_and(|own| asked == Some(own.name.as_str()) || oid(arguments, 0) == Some(own.oid));
        Ok(Value::Integer(if is_own { session.table_bytes.values().sum() } else { 0 }))
    }));
    let (catalog, session) = (Arc::clone(&context.catalog), Arc::clone(&context.session));
    functions.push(Function::new("pg_indexes_size", 1, 1, SqlType::Int8, move |arguments| {
        let relation = find_relation(&catalog, &session.search_path, arguments);
        let size = |index: u32| session.table_bytes.get(&index).copied().unwrap_or(0);
        let bytes = relation.map(|table| table.indexes().iter().map(|index| size(index.oid)).sum());
        Ok(bytes.map_or(Value::Null, Value::Integer))
    }));
    functions.push(Function::new("pg_tablespace_size", 1, 1, SqlType::Int8, |_| Ok(Value::Integer(0))));
    let (catalog, session) = (Arc::clone(&context.catalog), Arc::clone(&context.session));
    functions.push(Function::new("pg_relation_filenode", 1, 1, SqlType::Oid, move |arguments| {
        let table = find_relation(&catalog, &session.search_path, arguments).filter(|relation| relation.kind != 'v');
        Ok(table.map_or(Value::Null, |table| table.oid.into()))
    }));
    functions.push(Function::new("pg_size_pretty", 1, 1, SqlType::Text, |arguments| {
        Ok(integer(arguments, 0).map_or(Value::Null, |bytes| size_text(bytes).into()))
    }));
    functions
}

/// Halves are rounded away from zero at each step, as PostgreSQL does.
fn size_text(bytes: i64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB"];
    if bytes.unsigned_abs() < 10 * 1024 {
        return format!("{bytes} bytes");
    }
    // One bit below the shown unit is kept to round by.
    let mut halves = bytes.unsigned_abs() >> 9;
    let mut unit = 0;
    while halves >= 20 * 1024 - 1 && unit + 1 < units.len() {
        halves >>= 10;
        unit += 1;
    }
    let shown = halves.div_ceil(2);
    format!("{}{shown} {}", if bytes < 0 { "-" } else { "" }, units[unit])
}

#[cfg(test)]
mod tests {
    use super::size_text;

    #[test]
    fn sizes_read_as_in_postgresql() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_752, "11 kB"),
            (-10_240, "-10 kB"),
            (10_485_248, "10 MB"),
            (123_456_789_012, "115 GB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
    }
}
