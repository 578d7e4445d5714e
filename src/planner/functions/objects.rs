//! Functions about objects: names, visibility, comments, definitions, privileges, sizes.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use super::FunctionContext;
use super::function::{Function, integer, oid, text};
use crate::system::{CatalogFacts, Relation, Value, base_type, format_type, function_facts, is_function, is_type};
use crate::types::SqlType;

/// The functions of this file.
pub(super) fn functions(context: &FunctionContext) -> Vec<Function> {
    let mut functions = names(context);
    functions.extend(visibility(context));
    functions.extend(comments(context));
    functions.extend(privileges(context));
    functions.extend(definitions(context));
    functions.extend(of_absent_kinds());
    functions.extend(of_functions());
    functions.extend(sizes(context));
    functions
}

fn names(context: &FunctionContext) -> Vec<Function> {
    let catalog = Arc::clone(&context.catalog);
    vec![
        Function::new("pg_get_userbyid", 1, 1, SqlType::Name, move |arguments| {
            let role = oid(arguments, 0).unwrap_or(0);
            let unknown = || format!("unknown (OID={role})");
            Ok(catalog.role_name(role).map_or_else(unknown, str::to_owned).into())
        }),
        Function::new("format_type", 2, 2, SqlType::Text, |arguments| {
            let Some(type_oid) = oid(arguments, 0) else { return Ok(Value::Null) };
            let modifier = integer(arguments, 1).and_then(|modifier| i32::try_from(modifier).ok());
            Ok(format_type(type_oid, modifier).into())
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
    let known = |name, exists: fn(u32) -> bool| {
        Function::new(name, 1, 1, SqlType::Bool, move |arguments| {
            Ok(if oid(arguments, 0).is_some_and(exists) { true.into() } else { Value::Null })
        })
    };
    let mut functions =
        vec![tables, known("pg_type_is_visible", is_type), known("pg_function_is_visible", is_function)];
    // Objects of these kinds exist in pg_catalog only, which every search path begins with.
    for name in [
        "pg_operator_is_visible",
        "pg_opclass_is_visible",
        "pg_opfamily_is_visible",
        "pg_collation_is_visible",
        "pg_conversion_is_visible",
        "pg_ts_config_is_visible",
        "pg_ts_dict_is_visible",
        "pg_ts_parser_is_visible",
        "pg_ts_template_is_visible",
        "pg_statistics_obj_is_visible",
    ] {
        functions.push(known(name, |oid| oid != 0));
    }
    functions
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

/// `has_*_privilege`: everybody may look, superusers may do everything else.
fn privileges(context: &FunctionContext) -> Vec<Function> {
    let names = [
        "has_any_column_privilege",
        "has_column_privilege",
        "has_database_privilege",
        "has_foreign_data_wrapper_privilege",
        "has_function_privilege",
        "has_language_privilege",
        "has_parameter_privilege",
        "has_schema_privilege",
        "has_sequence_privilege",
        "has_server_privilege",
        "has_table_privilege",
        "has_tablespace_privilege",
        "has_type_privilege",
    ];
    let mut functions: Vec<Function> = names
        .into_iter()
        .map(|name| {
            let catalog = Arc::clone(&context.catalog);
            let user = context.session.current_user.clone();
            let most = if name == "has_column_privilege" { 4 } else { 3 };
            Function::new(name, 2, most, SqlType::Bool, move |arguments| {
                let named = arguments.len() == most;
                let role = if named { text(arguments, 0).unwrap_or_default() } else { user.as_str() };
                let wanted = text(arguments, arguments.len() - 1).unwrap_or_default();
                Ok(may(&catalog, role, wanted).into())
            })
        })
        .collect();
    let catalog = Arc::clone(&context.catalog);
    let user = context.session.current_user.clone();
    functions.push(Function::new("pg_has_role", 2, 3, SqlType::Bool, move |arguments| {
        let member = if arguments.len() == 3 { role_name(&catalog, arguments, 0) } else { Some(user.clone()) };
        let group = role_name(&catalog, arguments, arguments.len() - 2);
        let (Some(member), Some(group)) = (member, group) else { return Ok(Value::Null) };
        Ok(is_member(&catalog, &member, &group).into())
    }));
    functions
}

/// A comma separated list of privileges: any of them suffices.
fn may(catalog: &CatalogFacts, role: &str, wanted: &str) -> bool {
    let is_superuser = catalog.role(role).is_some_and(|role| role.is_superuser);
    is_superuser
        || wanted.split(',').any(|privilege| {
            let privilege = privilege.trim().to_ascii_uppercase();
            matches!(privilege.as_str(), "SELECT" | "USAGE" | "CONNECT" | "EXECUTE")
        })
}

fn role_name(catalog: &CatalogFacts, arguments: &[ScalarValue], index: usize) -> Option<String> {
    match oid(arguments, index) {
        Some(oid) => catalog.role_name(oid).map(str::to_owned),
        None => text(arguments, index).map(str::to_owned),
    }
}

fn is_member(catalog: &CatalogFacts, member: &str, group: &str) -> bool {
    let (Some(member), Some(group)) = (catalog.role(member), catalog.role(group)) else { return false };
    let mut seen = vec![member.oid];
    let mut next = 0;
    while let Some(oid) = seen.get(next).copied() {
        next += 1;
        let groups = catalog.roles.iter().filter(|role| role.oid == oid).flat_map(|role| &role.member_of);
        for group in groups {
            if !seen.contains(group) {
                seen.push(*group);
            }
        }
    }
    member.is_superuser || seen.contains(&group.oid)
}

fn definitions(context: &FunctionContext) -> Vec<Function> {
    let catalog = Arc::clone(&context.catalog);
    let session = Arc::clone(&context.session);
    let view = Function::new("pg_get_viewdef", 1, 2, SqlType::Text, move |arguments| {
        let relation = find_relation(&catalog, &session.search_path, arguments);
        let definition = relation.and_then(|relation| relation.definition);
        Ok(definition.map_or(Value::Null, |sql| format!("{};", indent(sql)).into()))
    });
    vec![view]
}

/// psql prints the text as it is; PostgreSQL begins it with a blank.
fn indent(sql: &str) -> String {
    format!(" {sql}")
}

fn find_relation<'a>(
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
        none("pg_get_expr", 2, 3),
        none("pg_get_indexdef", 1, 3),
        none("pg_get_constraintdef", 1, 2),
        none("pg_get_partkeydef", 1, 1),
        none("pg_get_partition_constraintdef", 1, 1),
        none("pg_get_triggerdef", 1, 2),
        none("pg_get_ruledef", 1, 2),
        none("pg_get_statisticsobjdef", 1, 1),
        none("pg_get_statisticsobjdef_columns", 1, 1),
        none("pg_get_statisticsobjdef_expressions", 1, 1),
        none("pg_get_serial_sequence", 2, 2),
        none("pg_describe_object", 3, 3),
        Function::new("base_type_of_domain", 1, 1, SqlType::Oid, |arguments| {
            let base = base_type(oid(arguments, 0).unwrap_or(0));
            Ok(if base == 0 { Value::Null } else { base.into() })
        }),
        Function::new("pg_partition_root", 1, 1, SqlType::Oid, |_| Ok(Value::Null)),
        Function::new("pg_partition_ancestors", 1, 1, SqlType::Oid, |_| Ok(Value::Null)),
        Function::new("pg_relation_is_publishable", 1, 1, SqlType::Bool, |_| Ok(false.into())),
        Function::new("pg_relation_is_updatable", 2, 2, SqlType::Int4, |_| Ok(Value::Integer(0))),
        Function::new("pg_column_is_updatable", 3, 3, SqlType::Bool, |_| Ok(false.into())),
        Function::new("pg_sequence_last_value", 1, 1, SqlType::Int8, |_| Ok(Value::Null)),
        Function::new("pg_stat_get_numscans", 1, 1, SqlType::Int8, |_| Ok(Value::Integer(0))),
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
    let nothing = |name| Function::new(name, 1, 1, SqlType::Int8, |_| Ok(Value::Integer(0)));
    functions.extend([nothing("pg_indexes_size"), nothing("pg_tablespace_size")]);
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
