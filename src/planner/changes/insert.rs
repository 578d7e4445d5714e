//! INSERT as the query whose rows are put into the table.
//!
//! ```text
//! INSERT INTO t (a, b) <source>
//!   -> SELECT s.c1::<type of a> AS a, s.c2::<type of b> AS b, <default of c> AS c FROM (<source>) AS s(c1, c2)
//! ```
//! The values of a VALUES list and of a plain select list are assigned one by one, so that a literal takes the
//! type of its column.

use datafusion::sql::sqlparser::ast::{Expr, Insert, ObjectName, Query, SelectItem, SetExpr, TableObject};

use super::assign::{Spelling, assigned, is_open};
use super::build::{call, column, derived, exact, expression, named, null, number, select};
use super::{Target, column_not_found};
use crate::catalog::{Column, Identity};
use crate::planner::rewrite::name_parts;
use crate::types::{Code, SqlError};

/// The name of the table that an INSERT names.
pub(super) fn table_name(insert: &Insert) -> Result<&ObjectName, SqlError> {
    match &insert.table {
        TableObject::TableName(name) => Ok(name),
        _ => Err(SqlError::new(Code::SyntaxError, "INSERT needs the name of a table")),
    }
}

/// How many columns a source has, as far as its text tells.
pub(super) fn width(source: &Query) -> Option<usize> {
    match source.body.as_ref() {
        SetExpr::Values(values) => values.rows.first().map(|row| row.content.len()),
        SetExpr::Select(select) => {
            let plain =
                |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
            select.projection.iter().all(plain).then_some(select.projection.len())
        }
        _ => None,
    }
}

/// The query that gives the new rows, all columns of the table in order; `width` is the number of the source's
/// columns.
pub(super) fn rows(insert: &Insert, width: usize, target: &Target, spelling: &dyn Spelling) -> Result<Query, SqlError> {
    let columns = target_columns(insert, target)?;
    let default_of = |column: &Column| Ok(named(value_by_default(column, spelling)?, &column.name));
    let Some(source) = &insert.source else {
        let items = target.table.columns.iter().map(default_of).collect::<Result<_, SqlError>>()?;
        return select(items, Vec::new());
    };
    check_width(width, columns.len(), !insert.columns.is_empty())?;
    let given = columns.get(..width).unwrap_or(&columns);
    let mut source = source.as_ref().clone();
    let done = assign_in_place(&mut source, given, spelling)?;
    if !done {
        given.iter().try_for_each(|column| check_given(column))?;
    }
    let alias = exact("__source");
    let names: Vec<String> = (1..=given.len()).map(|place| format!("c{place}")).collect();
    let item = |wanted: &Column| match given.iter().zip(&names).find(|(given, _)| given.number == wanted.number) {
        Some((_, name)) if done => Ok(named(column(&alias, name), &wanted.name)),
        Some((_, name)) => Ok(named(assigned(column(&alias, name), wanted, spelling)?, &wanted.name)),
        None => default_of(wanted),
    };
    let items = target.table.columns.iter().map(item).collect::<Result<_, SqlError>>()?;
    select(items, vec![derived(source, &alias, &names)])
}

/// The columns that values are given for, in their order.
fn target_columns<'a>(insert: &Insert, target: &'a Target) -> Result<Vec<&'a Column>, SqlError> {
    if insert.columns.is_empty() {
        return Ok(target.table.columns.iter().collect());
    }
    let mut columns: Vec<&Column> = Vec::with_capacity(insert.columns.len());
    for name in &insert.columns {
        let name = name_parts(name).pop().unwrap_or_default();
        let found = target.table.columns.iter().find(|column| column.name == name);
        let found = found.ok_or_else(|| column_not_found(&name, target))?;
        if columns.iter().any(|column| column.number == found.number) {
            return Err(SqlError::new(Code::DuplicateColumn, format!("column \"{name}\" specified more than once")));
        }
        columns.push(found);
    }
    Ok(columns)
}

fn check_width(width: usize, columns: usize, has_list: bool) -> Result<(), SqlError> {
    let refused = |text: &str| Err(SqlError::new(Code::SyntaxError, text));
    if width > columns {
        return refused("INSERT has more expressions than target columns");
    }
    if has_list && width < columns {
        return refused("INSERT has more target columns than expressions");
    }
    Ok(())
}

/// Assigns the values of a VALUES list where they stand, and then all is done; in a select list only literals.
fn assign_in_place(source: &mut Query, columns: &[&Column], spelling: &dyn Spelling) -> Result<bool, SqlError> {
    let plain =
        source.with.is_none() && source.order_by.is_none() && source.limit_clause.is_none() && source.fetch.is_none();
    match source.body.as_mut() {
        SetExpr::Values(values) => {
            for row in &mut values.rows {
                if row.content.len() != columns.len() {
                    return Err(SqlError::new(Code::SyntaxError, "VALUES lists must all be the same length"));
                }
                for (value, column) in row.content.iter_mut().zip(columns) {
                    *value = given_value(value.clone(), column, spelling)?;
                }
            }
            // A row of its own may have what a list of rows may not, such as subqueries.
            if plain && values.rows.len() == 1 {
                let row = values.rows.remove(0).content.into_iter().enumerate();
                let items = row.map(|(place, value)| named(value, &format!("c{place}")));
                *source = select(items.collect(), Vec::new())?;
            }
            Ok(true)
        }
        SetExpr::Select(select) if plain && select.distinct.is_none() => {
            for (item, column) in select.projection.iter_mut().zip(columns) {
                if let SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. } = item
                    && is_open(value)
                {
                    let typed = assigned(value.clone(), column, spelling)?;
                    *value = typed;
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

fn given_value(value: Expr, column: &Column, spelling: &dyn Spelling) -> Result<Expr, SqlError> {
    if is_default(&value) {
        return value_by_default(column, spelling);
    }
    check_given(column)?;
    assigned(value, column, spelling)
}

/// A generated column takes no value.
pub(super) fn check_given(column: &Column) -> Result<(), SqlError> {
    let text = format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name);
    let refused = SqlError::new(Code::GeneratedAlways, text);
    if column.generated.is_some() {
        return Err(refused.with_detail(format!("Column \"{}\" is a generated column.", column.name)));
    }
    if column.identity == Some(Identity::Always) {
        let detail = format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name);
        return Err(refused.with_detail(detail).with_hint("Use OVERRIDING SYSTEM VALUE to override."));
    }
    Ok(())
}

/// DEFAULT in the place of a value.
pub(super) fn is_default(value: &Expr) -> bool {
    matches!(value, Expr::Identifier(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("default"))
}

/// What a column gets when no value is given; generated columns are filled later.
pub(super) fn value_by_default(column: &Column, spelling: &dyn Spelling) -> Result<Expr, SqlError> {
    if let Some(sequence) = column.identity.and_then(|_| spelling.sequence(column)) {
        return assigned(call("nextval", vec![number(i64::from(sequence))]), column, spelling);
    }
    match &column.default {
        Some(default) if column.generated.is_none() => assigned(expression(default)?, column, spelling),
        _ => assigned(null(), column, spelling),
    }
}
