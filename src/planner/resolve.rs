//! Names -> tables: what one statement sees, from one catalog snapshot.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{SchemaProvider, Session, TableProvider, default_table_source::source_as_provider};
use datafusion::datasource::{MemTable, TableType, ViewTable};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableSource};
use datafusion::physical_plan::ExecutionPlan;

use crate::catalog::{Catalog, Table};
use crate::execution::CoverageReport;
use crate::mesh::Fleet;
use crate::system::mesh;

/// A table whose rows lie at owners: known by its columns, replaced by fragments before it is scanned.
#[derive(Debug)]
struct FleetTable(Arc<Table>);

#[async_trait]
impl TableProvider for FleetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.arrow)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(DataFusionError::Internal(format!("table {} was not split into fragments", self.0.name)))
    }
}

/// The spread table behind a scan's source.
pub(super) fn fleet_table_of(source: &Arc<dyn TableSource>) -> Option<Arc<Table>> {
    let provider = source_as_provider(source).ok()?;
    provider.downcast_ref::<FleetTable>().map(|table| Arc::clone(&table.0))
}

impl UserSchema {
    /// The rows of a status table that the asked node knows by itself.
    fn own_rows(&self, table: &Table) -> Result<RecordBatch> {
        match table.name.as_str() {
            "nodes" => mesh::nodes_batch(table, &self.fleet.members()),
            "last_coverage" => mesh::last_coverage_batch(table, &self.last_coverage),
            other => Err(DataFusionError::Internal(format!("nobody answers the status table {other}"))),
        }
    }
}

/// `public` or `mesh` of one database for one statement.
#[derive(Debug)]
pub(super) struct UserSchema {
    pub(super) catalog: Arc<Catalog>,
    pub(super) database: String,
    pub(super) schema: String,
    pub(super) views: Arc<BTreeMap<String, Arc<ViewTable>>>,
    pub(super) fleet: Arc<dyn Fleet>,
    pub(super) last_coverage: CoverageReport,
}

#[async_trait]
impl SchemaProvider for UserSchema {
    fn table_names(&self) -> Vec<String> {
        let schema = self.catalog.databases.get(&self.database).and_then(|database| database.schemas.get(&self.schema));
        schema.map(|schema| schema.tables.keys().chain(schema.views.keys()).cloned().collect()).unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.catalog.table(&self.database, &self.schema, name) {
            if table.is_spread() {
                return Ok(Some(Arc::new(FleetTable(Arc::clone(table)))));
            }
            let rows = self.own_rows(table)?;
            return Ok(Some(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?)));
        }
        let view = self.views.get(&format!("{}.{name}", self.schema));
        Ok(view.map(|view| Arc::clone(view) as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|known| known == name)
    }
}
