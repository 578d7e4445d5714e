//! What storing and scanning events costs: events per second into the store, bytes per event on disk,
//! and aggregates over a million hot and a million sealed rows.
//!
//! Rows have all columns of the built-in table `alerts`, filled as KubeArmor fills them: few
//! namespaces, some hundreds of pods and executables, ids that never repeat.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use armorlake::catalog::{Table, builtin};
use armorlake::env::SystemClock;
use armorlake::execution::EventTable;
use armorlake::storage::{Store, StoreConfig, TableVersion};
use armorlake::types::{NodeName, SqlType};
use criterion::{Criterion, Throughput};
use datafusion::arrow::array::{
    ArrayRef, FixedSizeBinaryArray, Int32Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray, new_null_array,
};
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::runtime::Runtime;

const BATCH_ROWS: i64 = 8_192;
const SCAN_BATCHES: i64 = 123;
const START_US: i64 = 1_700_000_000_000_000;
/// Events come this far apart.
const EVENT_US: i64 = 500;

/// The built-in table of alerts.
fn table() -> Arc<Table> {
    let catalog = builtin().expect("catalog");
    Arc::clone(catalog.event_table("alerts").expect("alerts"))
}

fn text(column: &str, row: i64) -> Option<String> {
    let pod = row.wrapping_mul(7_919) % 300;
    Some(match column {
        "node" => "edge-1".to_owned(),
        "feed" => format!("feed-{}", pod % 2),
        "cluster_name" => "default".to_owned(),
        "host_name" => format!("worker-{}", pod % 5),
        "namespace_name" => format!("namespace-{}", pod % 20),
        "pod_name" => format!("app-{}-7d9f8b6c5d-{pod:05}", pod % 40),
        "owner_ref" => "Deployment".to_owned(),
        "owner_name" => format!("app-{}", pod % 40),
        "owner_namespace" => format!("namespace-{}", pod % 20),
        "labels" => format!("{{\"app\":\"app-{}\",\"tier\":\"backend\"}}", pod % 40),
        "container_id" => format!("{:064x}", pod * 1_000_003),
        "container_name" => format!("app-{}", pod % 40),
        "container_image" => format!("registry.example/app-{}:1.{}", pod % 40, pod % 7),
        "parent_process_name" => "/bin/bash".to_owned(),
        "process_name" => format!("/usr/bin/tool-{}", row.wrapping_mul(31) % 200),
        "type" => "MatchedPolicy".to_owned(),
        "source" => format!("/usr/bin/tool-{} --input /data/{}", row.wrapping_mul(31) % 200, row % 1_000),
        "operation" => ["Process", "File", "Network"][usize::try_from(row % 3).unwrap_or(0)].to_owned(),
        "resource" => format!("/data/{}/file-{}", row % 1_000, row % 17),
        "data" => format!("syscall=SYS_OPENAT fd=-100 flags=O_RDONLY pid={}", row % 30_000),
        "result" => "Permission denied".to_owned(),
        "cwd" => "/".to_owned(),
        "remote_ip" if row % 3 == 2 => format!("10.{}.{}.{}", row % 4, row % 250, row % 199),
        "policy_name" => format!("policy-{}", row % 12),
        "message" => "access to a protected file was denied".to_owned(),
        "enforcer" => "BPFLSM".to_owned(),
        "action" => "Block".to_owned(),
        "kubearmor_version" => "v1.4.3".to_owned(),
        _ => return None,
    })
}

/// A batch whose first row has this number.
fn rows(table: &Table, first: i64) -> RecordBatch {
    let numbers = first..first + BATCH_ROWS;
    let column = |name: &str, sql_type: SqlType| -> ArrayRef {
        match sql_type {
            SqlType::Timestamptz => {
                let instants = numbers.clone().map(|row| Some(START_US + row * EVENT_US));
                Arc::new(instants.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            SqlType::Uuid => {
                let ids =
                    numbers.clone().map(|row| (row as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
                Arc::new(FixedSizeBinaryArray::try_from_iter(ids.map(u128::to_be_bytes)).expect("ids"))
            }
            SqlType::Int4 => {
                Arc::new(numbers.clone().map(|row| i32::try_from(row % 30_000).ok()).collect::<Int32Array>())
            }
            SqlType::TextArray => {
                let mut tags = ListBuilder::new(StringBuilder::new());
                for row in numbers.clone() {
                    tags.values().append_value(["MITRE", "NIST"][usize::try_from(row % 2).unwrap_or(0)]);
                    tags.append(true);
                }
                Arc::new(tags.finish())
            }
            _ if text(name, 2).is_some() => {
                Arc::new(numbers.clone().map(|row| text(name, row)).collect::<StringArray>())
            }
            other => new_null_array(&other.arrow(), usize::try_from(BATCH_ROWS).unwrap_or(0)),
        }
    };
    let columns = table.columns.iter().map(|one| column(&one.name, one.sql_type)).collect();
    RecordBatch::try_new(Arc::clone(&table.arrow), columns).expect("batch")
}

async fn open(directory: &Path) -> Arc<Store> {
    let config = StoreConfig {
        directory: directory.to_owned(),
        seal_rows: usize::MAX,
        seal_bytes: usize::MAX,
        seal_age: Duration::MAX,
        cache_bytes: 32 << 20,
    };
    let node = NodeName::new("edge-1").expect("name");
    Store::open(config, node, vec![table()], Arc::new(SystemClock::new())).await.expect("open")
}

async fn append(store: &Store, batch: RecordBatch) {
    store.append(vec![("alerts".to_owned(), batch)], Vec::new()).await.expect("append");
}

/// Time of `count` appends, each durable on its own; what piles up is sealed off the clock.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn time_appends(count: u64) -> Duration {
    let directory = tempfile::tempdir().expect("directory");
    let store = open(directory.path()).await;
    let batch = rows(&table(), 0);
    let mut spent = Duration::ZERO;
    for number in 0..count {
        let begun = Instant::now();
        append(&store, batch.clone()).await;
        spent += begun.elapsed();
        if number % 64 == 63 {
            store.seal_table("alerts").await.expect("seal");
        }
    }
    spent
}

fn bench_append(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("append");
    group.sample_size(10).throughput(Throughput::Elements(BATCH_ROWS as u64));
    group.bench_function("8192 events per commit", |bencher| {
        bencher.to_async(runtime).iter_custom(time_appends);
    });
    group.finish();
}

/// A store with a million rows, and a few figures about them on standard error.
async fn filled(directory: &Path) -> Arc<Store> {
    let store = open(directory).await;
    let table = table();
    for number in 0..SCAN_BATCHES {
        append(&store, rows(&table, number * BATCH_ROWS)).await;
    }
    store
}

fn version(store: &Store) -> Arc<TableVersion> {
    Arc::clone(&store.version().tables["alerts"])
}

fn report(what: &str, bytes: u64, rows: u64) {
    eprintln!("{what}: {} bytes per event ({rows} events)", bytes / rows.max(1));
}

async fn count_rows(context: &SessionContext, sql: &str) -> usize {
    let batches = context.sql(sql).await.expect("plan").collect().await.expect("run");
    batches.iter().map(RecordBatch::num_rows).sum()
}

fn bench_scan(criterion: &mut Criterion, runtime: &Runtime) {
    let directory = tempfile::tempdir().expect("directory");
    let store = runtime.block_on(filled(directory.path()));
    let hot = version(&store);
    let file = std::fs::metadata(directory.path().join("node.redb")).expect("file");
    report("hot in memory", hot.hot_bytes(), hot.summary.rows);
    report("hot on disk, free pages included", file.len(), hot.summary.rows);
    let segment = runtime.block_on(store.seal_table("alerts")).expect("seal").expect("rows");
    report("sealed", segment.bytes, segment.rows);
    let queries = [
        ("group by", "SELECT namespace_name, count(*) FROM alerts GROUP BY namespace_name"),
        ("needle", "SELECT * FROM alerts WHERE resource = '/data/7/file-3' AND pid = 24007"),
        ("one minute", "SELECT count(*) FROM alerts WHERE time < TIMESTAMP '2023-11-14 22:14:20Z'"),
        ("count", "SELECT count(*), min(time), max(time) FROM alerts"),
    ];
    for (tier, version) in [("hot", hot), ("sealed", version(&store))] {
        let mut group = criterion.benchmark_group(format!("scan/{tier}"));
        group.sample_size(10).throughput(Throughput::Elements(version.summary.rows));
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        context.register_table("alerts", Arc::new(EventTable::new(version))).expect("register");
        for (name, sql) in queries {
            group.bench_function(name, |bencher| bencher.to_async(runtime).iter(|| count_rows(&context, sql)));
        }
        group.finish();
    }
}

fn main() {
    let runtime = Runtime::new().expect("runtime");
    let mut criterion = Criterion::default().configure_from_args();
    bench_append(&mut criterion, &runtime);
    bench_scan(&mut criterion, &runtime);
    criterion.final_summary();
}
