//! An event table of this node as DataFusion sees it: one version, scanned through `storage`.
//!
//! Filters are used to leave things out and are applied again above the scan; `count(*)` and the
//! range of `time` cost nothing when no filter applies. Whoever runs a fragment reads the counters
//! for its trailer.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::storage::{ScanRequest, ScanStats, TableVersion, scan, table_statistics};

/// A provider over one version of an event table.
#[derive(Debug)]
pub struct EventTable {
    version: Arc<TableVersion>,
    stats: Arc<ScanStats>,
}

impl EventTable {
    /// A provider with counters of its own.
    pub fn new(version: Arc<TableVersion>) -> Self {
        Self { version, stats: Arc::default() }
    }

    /// What its scans did so far.
    pub fn stats(&self) -> Arc<ScanStats> {
        Arc::clone(&self.stats)
    }
}

/// A provider over one version of an event table; `downcast_ref::<EventTable>()` gives its counters.
pub fn event_table_provider(version: &Arc<TableVersion>) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(EventTable::new(Arc::clone(version))))
}

#[async_trait]
impl TableProvider for EventTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.version.table.arrow)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(table_statistics(&self.version))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if filter.is_volatile() {
                TableProviderFilterPushDown::Unsupported
            } else {
                TableProviderFilterPushDown::Inexact
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        scan(&self.version, session, ScanRequest { projection, filters, limit }, &self.stats)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::prelude::SessionContext;

    use super::{EventTable, event_table_provider};
    use crate::catalog::builtin;
    use crate::env::SystemClock;
    use crate::storage::{Store, StoreConfig, TableVersion};
    use crate::types::NodeName;

    /// The built-in tables can be stored and asked through the provider, which gives its counters.
    #[tokio::test]
    async fn the_provider_scans_and_counts() {
        let directory = tempfile::tempdir().expect("directory");
        let config = StoreConfig {
            directory: directory.path().to_owned(),
            seal_rows: 1_000,
            seal_bytes: 1 << 20,
            seal_age: std::time::Duration::from_secs(60),
            cache_bytes: 1 << 20,
        };
        let tables = builtin().expect("catalog").event_tables().map(Arc::clone).collect();
        let node = NodeName::new("edge-1").expect("name");
        let store = Store::open(config, node, tables, Arc::new(SystemClock::new())).await.expect("open");
        let version: Arc<TableVersion> = Arc::clone(&store.version().tables["alerts"]);
        let provider = event_table_provider(&version).expect("provider");
        let stats = provider.downcast_ref::<EventTable>().expect("event table").stats();
        let context = SessionContext::new();
        context.register_table("alerts", provider).expect("register");
        let rows = context.sql("SELECT * FROM alerts WHERE pid = 1").await.expect("plan").collect().await.expect("run");
        assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 0);
        assert_eq!((stats.segments_scanned(), stats.segments_pruned()), (0, 0));
    }
}
