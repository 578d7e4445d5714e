//! CREATE TABLE ... AS: a table from a query, with its rows.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use futures::StreamExt;

use super::Definer;
use super::tables::{check_columns, refreshed};
use crate::catalog::Table;
use crate::planner::definition::CreateTableAs;
use crate::planner::sql_error_from_engine;
use crate::types::{Code, SqlError};

impl Definer {
    /// CREATE TABLE ... AS; gives the tag.
    pub(super) async fn create_table_as(&mut self, create: &CreateTableAs) -> Result<String, SqlError> {
        let mut columns = Box::pin(self.query_columns(&create.query)).await?;
        if create.columns.len() > columns.len() {
            return Err(SqlError::new(Code::SyntaxError, "too many column names were specified"));
        }
        columns.iter_mut().zip(&create.columns).for_each(|(column, name)| name.clone_into(&mut column.name));
        let schema = self.target_schema(&create.name, create.temporary)?;
        if self.is_taken(&schema, &create.name.name, create.if_not_exists)? {
            return Ok(String::from("CREATE TABLE AS"));
        }
        self.check_options(&create.options)?;
        let mut table = self.new_table(&schema, &create.name.name, create.temporary)?;
        table.columns = columns;
        check_columns(&table)?;
        let table = refreshed(table);
        self.put_table(table.clone())?;
        if create.dropped_on_commit {
            self.dropped_on_commit.push(table.oid);
        }
        if !create.with_data {
            return Ok(String::from("CREATE TABLE AS"));
        }
        let rows = self.fill(&Arc::new(table), &create.query.sql).await?;
        Ok(format!("SELECT {rows}"))
    }

    async fn fill(&self, table: &Arc<Table>, sql: &str) -> Result<u64, SqlError> {
        let mut run = Box::pin(self.planner.run(sql, &self.context, Vec::new())).await?;
        let mut count = 0;
        while let Some(batch) = run.rows.next().await {
            let batch = batch.map_err(|error| sql_error_from_engine(&error))?;
            let batch = fitted(&batch, table)?;
            count += batch.num_rows() as u64;
            self.data.with(|transaction| transaction.insert(table, &batch))?;
        }
        Ok(count)
    }
}

/// The rows with the table's own types.
pub(super) fn fitted(batch: &RecordBatch, table: &Table) -> Result<RecordBatch, SqlError> {
    let unfit = |error| sql_error_from_engine(&datafusion::error::DataFusionError::from(error));
    let fields = table.arrow.fields();
    let columns = batch.columns().iter().zip(fields).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(unfit)?;
    RecordBatch::try_new(Arc::clone(&table.arrow), columns).map_err(unfit)
}
