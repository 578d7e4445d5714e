//! Where the time of a small statement goes, without network, sessions and wire: set up an engine
//! session, plan, and all of it over three nodes in one process of which two have rows.

mod feed;
#[path = "../tests/in_process/mod.rs"]
mod in_process;

use std::collections::BTreeMap;

use armorlake::execution::StatementCatalog;
use armorlake::types::FragmentSettings;
use criterion::Criterion;
use feed::{Line, received};
use in_process::{TestFleet, context, engine};
use tokio::runtime::Runtime;

const STATEMENTS: [(&str, &str); 4] = [
    ("no table", "SELECT 1"),
    ("count", "SELECT count(*) FROM logs"),
    ("top-k", "SELECT time, pod_name FROM alerts ORDER BY time DESC LIMIT 10"),
    ("group by", "SELECT namespace_name, count(*) FROM logs GROUP BY namespace_name"),
];

/// Three nodes; the planner's own has no rows.
async fn fleet() -> TestFleet {
    let fleet = TestFleet::new(3).await;
    for (node, events) in fleet.nodes.iter().skip(1).zip(received(2)) {
        node.store.append(Line::new().batches(&events), Vec::new()).await.expect("append");
    }
    fleet
}

fn main() {
    let runtime = Runtime::new().expect("runtime");
    let mut criterion = Criterion::default().configure_from_args();
    let engine = engine(&armorlake::execution::EngineConfig::default());
    let mut group = criterion.benchmark_group("statement");
    group.sample_size(50);
    group.bench_function("session of a fragment", |bencher| {
        let (catalog, settings) = (StatementCatalog::new("kubearmor", BTreeMap::new()), FragmentSettings::default());
        bencher.iter(|| engine.session(std::sync::Arc::clone(&catalog), &settings).expect("session"));
    });
    let fleet = runtime.block_on(fleet());
    for (name, sql) in STATEMENTS {
        group.bench_function(format!("{name}: plan"), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| async { fleet.planner.explain(sql, &context(), Vec::new()).await.expect("plan") });
        });
        group.bench_function(format!("{name}: plan and run"), |bencher| {
            bencher.to_async(&runtime).iter(|| async { fleet.query(sql, &context()).await.expect("run") });
        });
    }
    group.finish();
    criterion.final_summary();
}
