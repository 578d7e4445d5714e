//! ON CONFLICT: which indexes are asked, and what DO UPDATE makes of the rows that are there.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ConflictTarget, Expr, OnConflictAction, OnInsert, Query, TableWithJoins,
};

use super::assign::Spelling;
use super::build::{column, exact, rows_table};
use super::{Change, ChangeRows, TARGET, Target, Types, checks_of, column_not_found, finish, mem_table, update};
use crate::catalog::Rule;
use crate::planner::rewrite::{folded, name_parts};
use crate::planner::{ParsedQuery, Planner, QueryRun, StatementContext};
use crate::types::{Code, SqlError};

/// The rows that could not be put in, in [`super::ROWS_SCHEMA`].
const EXCLUDED: &str = "excluded";
/// The column by which a row that is there and the row that was refused find each other.
pub const PAIR: &str = "__pair";

/// Which unique indexes decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arbiter {
    /// Every one of the table.
    All,
    /// The one with this object id.
    Index(u32),
}

/// What an INSERT does about rows that are there already.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// Who decides that a row is there.
    pub arbiter: Arbiter,
    /// The query of DO UPDATE over pairs of rows; none for DO NOTHING.
    update: Option<Query>,
}

impl Conflict {
    /// The rows that are there get new values.
    pub fn updates(&self) -> bool {
        self.update.is_some()
    }
}

/// Reads an ON CONFLICT clause.
pub(super) fn read(on: &OnInsert, target: &Target, spelling: &dyn Spelling) -> Result<Conflict, SqlError> {
    let OnInsert::OnConflict(on) = on else {
        return Err(SqlError::new(Code::SyntaxError, "only ON CONFLICT is known"));
    };
    let arbiter = on.conflict_target.as_ref().map(|wanted| arbiter(wanted, target)).transpose()?;
    let update = match &on.action {
        OnConflictAction::DoNothing => None,
        OnConflictAction::DoUpdate(_) if arbiter.is_none() => {
            let text = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            let hint = "For example, ON CONFLICT (column_name).";
            return Err(SqlError::new(Code::SyntaxError, text).with_hint(hint));
        }
        OnConflictAction::DoUpdate(update) => {
            let values = update::assignments(&update.assignments, target, spelling)?;
            Some(pairs(values, update.selection.clone(), target)?)
        }
    };
    Ok(Conflict { arbiter: arbiter.unwrap_or(Arbiter::All), update })
}

fn arbiter(wanted: &ConflictTarget, target: &Target) -> Result<Arbiter, SqlError> {
    let relational = target.table.relational.as_ref();
    let found = match wanted {
        ConflictTarget::OnConstraint(name) => {
            let name = name_parts(name).pop().unwrap_or_default();
            let constraints = relational.map(|relational| relational.constraints.as_slice()).unwrap_or_default();
            let found = constraints.iter().find(|constraint| constraint.name == name).ok_or_else(|| {
                let text = format!("constraint \"{name}\" for table \"{}\" does not exist", target.table.name);
                SqlError::new(Code::UndefinedObject, text)
            })?;
            match found.rule {
                Rule::PrimaryKey { index } | Rule::Unique { index } => Some(index),
                _ => {
                    let text = "constraint in ON CONFLICT clause has no associated index";
                    return Err(SqlError::new(Code::WrongObjectType, text));
                }
            }
        }
        ConflictTarget::Columns(names) => {
            let mut numbers = Vec::with_capacity(names.len());
            for name in names {
                let name = folded(name);
                let column = target.table.columns.iter().find(|column| column.name == name);
                numbers.push(column.ok_or_else(|| column_not_found(&name, target))?.number);
            }
            numbers.sort_unstable();
            numbers.dedup();
            let indexes = relational.map(|relational| relational.indexes.as_slice()).unwrap_or_default();
            let fits = indexes.iter().find(|index| {
                let mut keys: Vec<i16> = index.keys.iter().filter_map(|key| key.column).collect();
                keys.sort_unstable();
                index.unique && index.predicate.is_none() && keys.len() == index.keys.len() && keys == numbers
            });
            fits.map(|index| index.oid)
        }
    };
    let none = || {
        let text = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
        SqlError::new(Code::InvalidColumnReference, text)
    };
    found.map(Arbiter::Index).ok_or_else(none)
}

/// The query over pairs of a row that is there and the row that was refused.
fn pairs(values: Vec<Option<Expr>>, selection: Option<Expr>, target: &Target) -> Result<Query, SqlError> {
    let excluded = exact("excluded");
    let joined = Expr::BinaryOp {
        left: Box::new(column(&target.alias, PAIR)),
        op: BinaryOperator::Eq,
        right: Box::new(column(&excluded, PAIR)),
    };
    let selection = match selection {
        None => joined,
        Some(selection) => Expr::BinaryOp {
            left: Box::new(joined),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(selection))),
        },
    };
    let from: Vec<TableWithJoins> = vec![rows_table(EXCLUDED, &excluded)];
    update::rows(values, from, Some(selection), Vec::new(), target)
}

impl Planner {
    /// The new values that DO UPDATE gives to rows that are there. `existing` has the columns `__pair`, `__row`
    /// and the table's, `excluded` has `__pair` and the table's; pairs have equal numbers.
    pub async fn conflicting(
        &self,
        change: &Change,
        query: &ParsedQuery,
        (existing, excluded): (RecordBatch, RecordBatch),
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<QueryRun, SqlError> {
        let update = change.conflict.as_ref().and_then(|conflict| conflict.update.clone());
        let Some(update) = update else { return Err(SqlError::new(Code::Internal, "no DO UPDATE")) };
        let catalog = context.relations.catalog();
        let types = Types::of(&change.target, &catalog);
        let full = finish(update, &change.target, (true, true, 0), checks_of(&change.target), &types)?;
        let tables = ChangeRows::of([
            (TARGET, mem_table(existing.schema(), vec![existing])?),
            (EXCLUDED, mem_table(excluded.schema(), vec![excluded])?),
        ]);
        self.run_rows(full, query, Arc::new(tables), context, parameters).await
    }
}
