//! Rows that the actions of foreign keys concern: their defaults, generated columns and CHECK constraints.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::ScalarValue;

use super::assign::assigned;
use super::build::{column, exact};
use super::insert::value_by_default;
use super::{Change, ChangeKind, ChangeRows, TARGET, Target, Types, checks_of, finish, mem_table, update};
use crate::catalog::{Column, Table};
use crate::planner::{ParsedQuery, Planner, QueryRun, StatementContext};
use crate::types::SqlError;

impl Planner {
    /// What becomes of rows that a foreign key has changed, as an UPDATE of them. `rows` has the column `__row` and the
    /// table's; the columns of these numbers get their `defaults`.
    pub async fn followed(
        &self,
        (table, rows, defaults): (&Arc<Table>, RecordBatch, &[i16]),
        query: &ParsedQuery,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<(Change, QueryRun), SqlError> {
        let target = Target { table: Arc::clone(table), alias: exact(&table.name) };
        let catalog = context.relations.catalog();
        let types = Types::of(&target, &catalog);
        let value = |facts: &Column| {
            if defaults.contains(&facts.number) {
                return value_by_default(facts, &types).map(Some);
            }
            // A domain looks at what it is given.
            let again = facts.user_type.is_some();
            again.then(|| assigned(column(&target.alias, &facts.name), facts, &types)).transpose()
        };
        let values = table.columns.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let updated = update::rows(values, Vec::new(), None, Vec::new(), &target)?;
        let full = finish(updated, &target, (true, true, 0), checks_of(&target), &types)?;
        let tables = ChangeRows::of([(TARGET, mem_table(rows.schema(), vec![rows])?)]);
        let run = self.run_rows(full, query, Arc::new(tables), context, parameters).await?;
        let checks = checks_of(&target).map(|(name, _)| name.to_owned()).collect();
        let kind = ChangeKind::Update;
        Ok((Change { kind, table: Arc::clone(table), checks, conflict: None, target, returning: None }, run))
    }
}
