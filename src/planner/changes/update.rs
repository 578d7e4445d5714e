//! UPDATE and DELETE as the queries whose rows tell what to do.
//!
//! ```text
//! UPDATE t SET a = e FROM x WHERE c
//!   -> SELECT t.__row, e::<type of a> AS a, t.b AS b FROM <rows of t> AS t, x WHERE c
//! DELETE FROM t USING x WHERE c
//!   -> SELECT t.__row, t.a AS a, t.b AS b FROM <rows of t> AS t, x WHERE c
//! ```

use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, Ident, ObjectName, Query, SelectItem, TableFactor, TableWithJoins,
};

use super::assign::{Spelling, assigned};
use super::build::{column, named, rows_table, select, select_of};
use super::insert::{is_default, value_by_default};
use super::{Target, column_not_found};
use crate::catalog::{Column, Identity};
use crate::execution::ROW_KEY;
use crate::planner::rewrite::name_parts;
use crate::types::{Code, SqlError};

/// The name and the alias of the table that a statement names.
pub(super) fn table_name(table: &TableWithJoins) -> Result<(&ObjectName, Option<&Ident>), SqlError> {
    match &table.relation {
        TableFactor::Table { name, alias, args: None, .. } if table.joins.is_empty() => {
            Ok((name, alias.as_ref().map(|alias| &alias.name)))
        }
        _ => Err(SqlError::new(Code::SyntaxError, "a change needs the name of one table")),
    }
}

/// What each column gets: the assigned value, or none where it stays.
pub(super) fn assignments(
    list: &[Assignment],
    target: &Target,
    spelling: &dyn Spelling,
) -> Result<Vec<Option<Expr>>, SqlError> {
    let mut values: Vec<Option<Expr>> = vec![None; target.table.columns.len()];
    for assignment in list {
        match &assignment.target {
            AssignmentTarget::ColumnName(name) => put(&mut values, name, &assignment.value, target, spelling)?,
            AssignmentTarget::Tuple(names) => {
                let list = match &assignment.value {
                    Expr::Tuple(list) => list,
                    // ROW(...) and (SELECT ...) would need one more step each.
                    Expr::Nested(value) if names.len() == 1 => std::slice::from_ref(value.as_ref()),
                    _ => {
                        let text = "source for a multiple-column UPDATE item must be a list of values here";
                        return Err(SqlError::new(Code::FeatureNotSupported, text));
                    }
                };
                if names.len() != list.len() {
                    let text = "number of columns does not match number of values";
                    return Err(SqlError::new(Code::SyntaxError, text));
                }
                for (name, value) in names.iter().zip(list) {
                    put(&mut values, name, value, target, spelling)?;
                }
            }
        }
    }
    Ok(values)
}

fn put(
    values: &mut [Option<Expr>],
    name: &ObjectName,
    value: &Expr,
    target: &Target,
    spelling: &dyn Spelling,
) -> Result<(), SqlError> {
    let mut parts = name_parts(name);
    let name = parts.pop().unwrap_or_default();
    let place = target.table.columns.iter().position(|column| column.name == name && parts.is_empty());
    let Some((column, slot)) = place.and_then(|place| target.table.columns.get(place).zip(values.get_mut(place)))
    else {
        return Err(column_not_found(parts.first().unwrap_or(&name), target));
    };
    if slot.is_some() {
        let text = format!("multiple assignments to same column \"{name}\"");
        return Err(SqlError::new(Code::SyntaxError, text));
    }
    *slot = Some(if is_default(value) {
        value_by_default(column, spelling)?
    } else {
        check_given(column)?;
        assigned(value.clone(), column, spelling)?
    });
    Ok(())
}

fn check_given(column: &Column) -> Result<(), SqlError> {
    let refused = |detail: String| {
        let text = format!("column \"{}\" can only be updated to DEFAULT", column.name);
        Err(SqlError::new(Code::GeneratedAlways, text).with_detail(detail))
    };
    if column.generated.is_some() {
        return refused(format!("Column \"{}\" is a generated column.", column.name));
    }
    if column.identity == Some(Identity::Always) {
        return refused(format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name));
    }
    Ok(())
}

/// The query over the rows to change: their keys, their columns after the change, and `more` items.
pub(super) fn rows(
    values: Vec<Option<Expr>>,
    from: Vec<TableWithJoins>,
    selection: Option<Expr>,
    more: Vec<SelectItem>,
    target: &Target,
) -> Result<Query, SqlError> {
    let key = named(column(&target.alias, ROW_KEY), ROW_KEY);
    let columns = target
        .table
        .columns
        .iter()
        .zip(values)
        .map(|(facts, value)| named(value.unwrap_or_else(|| column(&target.alias, &facts.name)), &facts.name));
    let items = std::iter::once(key).chain(columns).chain(more).collect();
    let tables = std::iter::once(rows_table(super::TARGET, &target.alias)).chain(from);
    let mut query = select(items, tables.collect())?;
    select_of(&mut query)?.selection = selection;
    Ok(query)
}
