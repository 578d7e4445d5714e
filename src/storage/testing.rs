//! Tables, rows and stores for this room's tests.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::array::{
    Array, FixedSizeBinaryArray, Int32Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::{ScanRequest, ScanStats, Store, StoreConfig, TableVersion, scan};
use crate::catalog::{Column, Scope, Table};
use crate::env::{Clock, ManualClock};
use crate::types::{NodeName, SqlType};

/// The instant of row 0; a row comes every second.
pub(super) const START_US: i64 = 1_700_000_000_000_000;

/// A small event table with every kind of column that event tables have.
pub(super) fn table() -> Arc<Table> {
    named_table("alerts")
}

pub(super) fn named_table(name: &str) -> Arc<Table> {
    let column = |name: &str, sql_type, not_null| Column { not_null, ..Column::new(1, name, sql_type) };
    let columns = vec![
        column("time", SqlType::Timestamptz, true),
        column("feed", SqlType::Text, true),
        column("number", SqlType::Int8, true),
        column("event_id", SqlType::Uuid, true),
        column("namespace_name", SqlType::Text, false),
        column("pid", SqlType::Int4, false),
        column("tags", SqlType::TextArray, false),
        column("labels", SqlType::Jsonb, false),
        column("remote_ip", SqlType::Inet, false),
    ];
    Arc::new(Table::new(1, "public", name, Scope::Event, "", columns))
}

/// Rows whose values follow from their numbers.
pub(super) fn rows(numbers: Range<i64>) -> RecordBatch {
    let numbers: Vec<i64> = numbers.collect();
    let each = |of: &dyn Fn(i64) -> Option<String>| -> Arc<dyn Array> {
        Arc::new(numbers.iter().map(|number| of(*number)).collect::<StringArray>())
    };
    let mut tags = ListBuilder::new(StringBuilder::new());
    for number in &numbers {
        for tag in 0..number % 3 {
            tags.values().append_option((tag != 1).then(|| format!("tag-{tag}")));
        }
        tags.append(number % 4 != 3);
    }
    let ids = numbers.iter().map(|number| i128::from(*number).to_be_bytes());
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(
            numbers
                .iter()
                .map(|number| Some(START_US + number * 1_000_000))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        each(&|number| Some(format!("feed-{}", number % 2))),
        Arc::new(Int64Array::from(numbers.clone())),
        Arc::new(FixedSizeBinaryArray::try_from_iter(ids).unwrap_or_else(|_| FixedSizeBinaryArray::new_null(16, 0))),
        each(&|number| (number % 5 != 0).then(|| format!("namespace-{}", number % 7))),
        Arc::new(numbers.iter().map(|number| (number % 3 == 0).then_some(7)).collect::<Int32Array>()),
        Arc::new(tags.finish()),
        each(&|number| (number % 2 == 0).then(|| format!("{{\"app\":\"a{number}\"}}"))),
        each(&|number| (number % 2 == 1).then(|| format!("10.0.{}.1", number % 256))),
    ];
    RecordBatch::try_new(Arc::clone(&table().arrow), columns).expect("rows")
}

pub(super) fn config(directory: &Path) -> StoreConfig {
    StoreConfig {
        directory: directory.to_owned(),
        seal_rows: 1_000_000,
        seal_bytes: 1 << 30,
        seal_age: Duration::from_secs(3_600),
        cache_bytes: 4 << 20,
    }
}

pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(START_US))
}

pub(super) async fn open(directory: &Path) -> Arc<Store> {
    let node = NodeName::new("edge-1").expect("name");
    Store::open(config(directory), node, vec![table()], clock()).await.expect("open")
}

pub(super) async fn append(store: &Store, numbers: Range<i64>) {
    store.append(vec![("alerts".to_owned(), rows(numbers))], Vec::new()).await.expect("append");
}

pub(super) fn alerts(store: &Store) -> Arc<TableVersion> {
    Arc::clone(&store.version().tables["alerts"])
}

/// A version as a table of DataFusion, as `execution` makes one.
#[derive(Debug)]
struct ScannedTable {
    version: Arc<TableVersion>,
    stats: Arc<ScanStats>,
}

#[async_trait]
impl TableProvider for ScannedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.version.table.arrow)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
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

/// A session in which `alerts` is this version, and the counters of its scans.
pub(super) fn session(version: Arc<TableVersion>) -> (SessionContext, Arc<ScanStats>) {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let stats = Arc::new(ScanStats::default());
    let table = ScannedTable { version, stats: Arc::clone(&stats) };
    context.register_table("alerts", Arc::new(table)).expect("register");
    (context, stats)
}

/// The rows of a query, as one batch.
pub(super) async fn query(context: &SessionContext, sql: &str) -> RecordBatch {
    let frame = context.sql(sql).await.expect("plan");
    let schema = Arc::clone(frame.schema().inner());
    concat_batches(&schema, &frame.collect().await.expect("run")).expect("concat")
}

/// Everything that a scan brings, in the order of `number`.
pub(super) async fn contents(store: &Store) -> RecordBatch {
    let (context, _) = session(alerts(store));
    query(&context, "SELECT * FROM alerts ORDER BY number").await
}

/// Everything that a store shows that is opened on this directory.
pub(super) async fn reopened(directory: &Path) -> RecordBatch {
    let store = open(directory).await;
    contents(&store).await
}

/// What is in the data directory at this moment, as a crash would leave it.
pub(super) fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("create");
    for entry in std::fs::read_dir(from).expect("list") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
}
