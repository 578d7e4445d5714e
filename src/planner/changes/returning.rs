//! RETURNING: a select list over the rows after the change, with what else the change's FROM has.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, SelectItem, SelectItemQualifiedWildcardKind, VisitMut, VisitorMut};

use super::Target;
use super::build::{column, exact, named, rows_table, select};
use crate::planner::rewrite::{folded, name_parts};
use crate::types::{Code, SqlError};

/// The select list, and what it needs of tables beside the changed one.
#[derive(Debug, Clone)]
pub(super) struct Returning {
    /// The query over the changed rows.
    pub(super) query: Query,
    /// Further items of the query that finds the rows.
    pub(super) more: Vec<SelectItem>,
}

/// Reads a RETURNING list; `joined` says that the change has further tables.
pub(super) fn read(items: &[SelectItem], joined: bool, target: &Target) -> Result<Returning, SqlError> {
    let mut list = Vec::with_capacity(items.len());
    let mut others = Others { target, joined, more: Vec::new() };
    for item in items {
        match item {
            SelectItem::Wildcard(_) if joined => {
                let text = "RETURNING * of a change with further tables is not supported: name the columns";
                return Err(SqlError::new(Code::FeatureNotSupported, text));
            }
            SelectItem::Wildcard(_) => list.extend(all_columns(target)),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _)
                if name_parts(name).last() == Some(&folded(&target.alias)) =>
            {
                list.extend(all_columns(target));
            }
            SelectItem::QualifiedWildcard(kind, _) => {
                return Err(SqlError::new(
                    Code::UndefinedTable,
                    format!("missing FROM-clause entry for table \"{kind}\""),
                ));
            }
            other => {
                let mut item = with_own_name(other);
                let _ = item.visit(&mut others);
                list.push(item);
            }
        }
    }
    let query = select(list, vec![rows_table(super::CHANGED, &target.alias)])?;
    Ok(Returning { query, more: others.more })
}

/// A column of another table keeps its name, whatever stands for it.
fn with_own_name(item: &SelectItem) -> SelectItem {
    let last = match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last(),
        _ => None,
    };
    match (item, last) {
        (SelectItem::UnnamedExpr(expr), Some(name)) => named(expr.clone(), &folded(name)),
        _ => item.clone(),
    }
}

fn all_columns(target: &Target) -> impl Iterator<Item = SelectItem> {
    target.table.columns.iter().map(|facts| named(column(&target.alias, &facts.name), &facts.name))
}

/// Takes columns of the other tables into the query that finds the rows.
struct Others<'a> {
    target: &'a Target,
    joined: bool,
    more: Vec<SelectItem>,
}

impl Others<'_> {
    fn is_own(&self, name: &str) -> bool {
        self.target.table.columns.iter().any(|column| column.name == name)
    }
}

impl VisitorMut for Others<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let other = match expr {
            Expr::Identifier(name) => self.joined && !self.is_own(&folded(name)),
            Expr::CompoundIdentifier(parts) => {
                parts.first().is_some_and(|table| folded(table) != folded(&self.target.alias))
            }
            _ => false,
        };
        if other && self.joined {
            let name = format!("__other_{}", self.more.len());
            self.more.push(named(expr.clone(), &name));
            *expr = Expr::Identifier(exact(&name));
        }
        ControlFlow::Continue(())
    }
}
