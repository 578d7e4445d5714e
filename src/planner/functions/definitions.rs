//! `pg_get_*def` and its like: what objects are made of, as SQL.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use super::FunctionContext;
use super::function::{Function, integer, oid, sql_error, text, truth};
use super::objects::find_relation;
use super::privileges::relation;
use crate::system::{Style, Value, split_name};
use crate::types::{Code, SqlType};

/// The functions of this file.
pub(super) fn functions(context: &Arc<FunctionContext>) -> Vec<Function> {
    let mut functions =
        vec![constraint(context), index(context), expression(context), view(context), base_type(context)];
    functions.extend([index_columns(context), serial_sequence(context), last_value(context)]);
    functions
}

/// The style that the last argument asks for.
fn style(arguments: &[ScalarValue], index: usize) -> Style {
    if truth(arguments, index) == Some(true) { Style::Pretty } else { Style::Exact }
}

fn constraint(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    Function::new("pg_get_constraintdef", 1, 2, SqlType::Text, move |arguments| {
        let style = style(arguments, 1);
        let path = &facts.session.search_path;
        let found = oid(arguments, 0).and_then(|oid| facts.catalog.constraint_definition(oid, style, path));
        Ok(found.map_or(Value::Null, Value::from))
    })
}

fn index(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    Function::new("pg_get_indexdef", 1, 3, SqlType::Text, move |arguments| {
        let Some(index) = oid(arguments, 0) else { return Ok(Value::Null) };
        let style = style(arguments, 2);
        let found = match integer(arguments, 1).unwrap_or(0) {
            0 => facts.catalog.index_definition(index, style, &facts.session.search_path),
            number => facts.catalog.index_column_definition(index, number, style),
        };
        Ok(found.map_or(Value::Null, Value::from))
    })
}

/// `pg_get_indexdef` of every column of an index, which clients ask for one by one.
fn index_columns(context: &Arc<FunctionContext>) -> Function {
    let catalog = Arc::clone(&context.catalog);
    Function::new("index_column_definitions", 2, 2, SqlType::TextArray, move |arguments| {
        let style = style(arguments, 1);
        let Some(index) = oid(arguments, 0).and_then(|oid| catalog.relation(oid)) else {
            return Ok(Value::Texts(Vec::new()));
        };
        let numbers = 1..=i64::try_from(catalog.attributes(&index).len()).unwrap_or(0);
        let definition = |number| catalog.index_column_definition(index.oid, number, style);
        Ok(Value::Texts(numbers.map(definition).collect()))
    })
}

/// System tables keep expressions as their SQL text.
fn expression(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    Function::new("pg_get_expr", 2, 3, SqlType::Text, move |arguments| {
        let Some(expression) = text(arguments, 0) else { return Ok(Value::Null) };
        let shown = facts.catalog.shown_text(expression, &facts.session.search_path);
        Ok(style(arguments, 2).expression(&shown).into_owned().into())
    })
}

fn view(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    Function::new("pg_get_viewdef", 1, 2, SqlType::Text, move |arguments| {
        let relation = find_relation(&facts.catalog, &facts.session.search_path, arguments);
        let definition = relation.and_then(|relation| relation.view_definition());
        let definition = definition.map(|sql| facts.catalog.shown_text(&sql, &facts.session.search_path));
        Ok(definition.map_or(Value::Null, Value::from))
    })
}

fn base_type(context: &Arc<FunctionContext>) -> Function {
    let catalog = Arc::clone(&context.catalog);
    Function::new("base_type_of_domain", 1, 1, SqlType::Oid, move |arguments| {
        let base = catalog.base_type(oid(arguments, 0).unwrap_or(0));
        Ok(if base == 0 { Value::Null } else { base.into() })
    })
}

/// The column's name is taken as it is; the table's is folded.
fn serial_sequence(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    Function::new("pg_get_serial_sequence", 2, 2, SqlType::Text, move |arguments| {
        let Some(relation) = relation(&facts, arguments, 0)? else { return Ok(Value::Null) };
        let column = text(arguments, 1).unwrap_or_default();
        let attributes = facts.catalog.attributes(&relation);
        let Some(attribute) = attributes.iter().find(|attribute| attribute.name == column) else {
            let shown: String = column.chars().take(200).collect();
            let told = format!("column \"{shown}\" of relation \"{}\" does not exist", relation.name);
            return Err(sql_error(Code::UndefinedColumn, told));
        };
        let sequence = facts.catalog.serial_sequence(relation.oid, attribute.number);
        Ok(sequence.map_or(Value::Null, Value::from))
    })
}

/// The last value that a sequence gave; NULL before its first one.
fn last_value(context: &Arc<FunctionContext>) -> Function {
    let facts = Arc::clone(context);
    Function::new("pg_sequence_last_value", 1, 1, SqlType::Int8, move |arguments| {
        let sequence = match (oid(arguments, 0), text(arguments, 0).and_then(split_name)) {
            (Some(oid), _) => Some(oid),
            (None, Some((schema, name))) => {
                let path = &facts.session.search_path;
                facts.catalog.relation_named(schema.as_deref(), &name, path).map(|relation| relation.oid)
            }
            (None, None) => None,
        };
        let value = sequence.and_then(|sequence| facts.session.last_value(sequence));
        Ok(value.map_or(Value::Null, Value::Integer))
    })
}
