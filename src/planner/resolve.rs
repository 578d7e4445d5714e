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

use super::relations::{Relations, StatementViews};
use crate::catalog::{Catalog, Scope, Table};
use crate::execution::{CoverageReport, RelationTable};
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

/// The table behind a scan's source, when its rows lie at owners.
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

/// A schema of one database for one statement.
#[derive(Debug)]
pub(super) struct UserSchema {
    pub(super) catalog: Arc<Catalog>,
    pub(super) relations: Arc<dyn Relations>,
    pub(super) database: String,
    pub(super) schema: String,
    /// The built-in views by object id.
    pub(super) built_in: Arc<BTreeMap<u32, Arc<ViewTable>>>,
    pub(super) views: Arc<StatementViews>,
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
        let Some(database) = self.catalog.databases.get(&self.database) else { return Ok(None) };
        let Some(schema) = database.schemas.get(&self.schema) else { return Ok(None) };
        if let Some(table) = schema.tables.get(name) {
            if table.is_spread() || self.relations.home_of(table).is_some() {
                return Ok(Some(Arc::new(FleetTable(Arc::clone(table)))));
            }
            if table.scope == Scope::Relational {
                let rows = self.relations.rows(table).map_err(|error| DataFusionError::External(Box::new(error)))?;
                return Ok(Some(Arc::new(RelationTable::new(Arc::clone(table), rows))));
            }
            let rows = self.own_rows(table)?;
            return Ok(Some(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?)));
        }
        let Some(view) = schema.views.get(name) else { return Ok(None) };
        let planned = self.built_in.get(&view.oid).map(Arc::clone).or_else(|| self.views.planned(view.oid));
        Ok(planned.map(|view| view as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        let schema = self.catalog.databases.get(&self.database).and_then(|database| database.schemas.get(&self.schema));
        schema.is_some_and(|schema| schema.tables.contains_key(name) || schema.views.contains_key(name))
    }
}

/// The schemas of the search path as one: a bare name means the first that has it.
#[derive(Debug)]
pub(super) struct SearchedSchemas(pub(super) Vec<Arc<dyn SchemaProvider>>);

#[async_trait]
impl SchemaProvider for SearchedSchemas {
    fn table_names(&self) -> Vec<String> {
        self.0.iter().flat_map(|schema| schema.table_names()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.0.iter().find(|schema| schema.table_exist(name)) {
            Some(schema) => schema.table(name).await,
            None => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.iter().any(|schema| schema.table_exist(name))
    }
}
