//! What receiving events costs, from KubeArmor's protobuf bytes on: decode and batch on one thread,
//! and the same followed by a durable commit of 8,192 events, as a feed's committer does it; then
//! what these events take on disk.
//!
//! Throughput is events per second of one feed: its decoder is one thread, and waits for the commit.

mod feed;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use armorlake::catalog::{Table, builtin};
use armorlake::env::SystemClock;
use armorlake::storage::{Store, StoreConfig};
use armorlake::types::{EventKind, NodeName};
use criterion::{Criterion, Throughput};
use feed::{COMMIT_EVENTS, Line, Received, received};
use tokio::runtime::Runtime;

/// Commits that differ from each other; after them what was written is sealed, off the clock.
const COMMITS: usize = 16;

async fn open(directory: &Path) -> Arc<Store> {
    let config = StoreConfig {
        directory: directory.to_owned(),
        seal_rows: usize::MAX,
        seal_bytes: usize::MAX,
        seal_age: Duration::MAX,
        cache_bytes: 32 << 20,
    };
    let catalog = builtin().expect("catalog");
    let tables: Vec<Arc<Table>> = catalog.event_tables().map(Arc::clone).collect();
    let node = NodeName::new("edge-1").expect("name");
    Store::open(config, node, tables, Arc::new(SystemClock::new())).await.expect("open")
}

/// Seals every table; gives bytes and rows of what was written.
async fn seal(store: &Store) -> (u64, u64) {
    let (mut bytes, mut rows) = (0, 0);
    for kind in EventKind::ALL {
        if let Some(segment) = store.seal_table(kind.table()).await.expect("seal") {
            bytes += segment.bytes;
            rows += segment.rows;
        }
    }
    (bytes, rows)
}

/// Time to decode and durably commit so many commits, one after the other.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn time_commits(commits: &[Vec<Received>], count: u64) -> Duration {
    let directory = tempfile::tempdir().expect("directory");
    let (store, mut line) = (open(directory.path()).await, Line::new());
    let mut spent = Duration::ZERO;
    for (number, events) in (1..=count).zip(commits.iter().cycle()) {
        let begun = Instant::now();
        store.append(line.batches(events), Vec::new()).await.expect("append");
        spent += begun.elapsed();
        if number.is_multiple_of(COMMITS as u64) {
            seal(&store).await;
        }
    }
    spent
}

/// Prints what an event takes on the wire, in memory and on disk.
async fn print_sizes(commits: &[Vec<Received>]) {
    let directory = tempfile::tempdir().expect("directory");
    let (store, mut line) = (open(directory.path()).await, Line::new());
    let events = (commits.len() * COMMIT_EVENTS) as u64;
    let received: usize = commits.iter().flatten().map(|event| event.bytes.len()).sum();
    println!("received:       {:>5} bytes of protobuf per event ({events} events)", received as u64 / events);
    for events in commits {
        store.append(line.batches(events), Vec::new()).await.expect("append");
    }
    let hot: u64 = store.version().tables.values().map(|table| table.hot_bytes()).sum();
    let file = std::fs::metadata(directory.path().join("node.redb")).expect("file").len();
    println!("hot in memory:  {:>5} bytes per event", hot / events);
    println!("hot on disk:    {:>5} bytes per event, free pages included", file / events);
    let (bytes, rows) = seal(&store).await;
    println!("sealed on disk: {:>5} bytes per event", bytes / rows.max(1));
}

fn main() {
    let (runtime, commits) = (Runtime::new().expect("runtime"), received(COMMITS));
    runtime.block_on(print_sizes(&commits));
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(20).throughput(Throughput::Elements(COMMIT_EVENTS as u64));
    let (mut line, mut next) = (Line::new(), commits.iter().cycle());
    group.bench_function("decode and batch", |bencher| {
        bencher.iter(|| next.next().map(|events| line.batches(events)));
    });
    group.sample_size(10);
    group.bench_function("decode, batch and commit", |bencher| {
        bencher.to_async(&runtime).iter_custom(|count| time_commits(&commits, count));
    });
    group.finish();
    criterion.final_summary();
}
