//! What a client of a fleet sees: latency of small statements over three nodes on loopback, memory of
//! idle nodes, size of the program. Whole release processes, as `armorlake demo` runs them.
//!
//! One connection to the query node, which holds no rows: every statement asks both edge nodes over
//! mutual TLS. The feeds are quiet by then, so figures are of statements alone. Prints figures only;
//! there is nothing to compare with a run before. Needs `/proc`, so Linux.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use support::fleet::{Fleet, NODES};
use support::{PATIENCE, rows, wait_until};
use tokio_postgres::Client;

/// Events that each of the three feeds sends before it falls silent.
const EVENTS_PER_FEED: u64 = 5_000;
/// Runs before the clock counts, and runs that it counts.
const WARM_UP_RUNS: usize = 100;
const RUNS: usize = 300;
/// Feeds that bring nothing for this long have sent everything.
const SILENCE: Duration = Duration::from_secs(3);
/// Silence before memory is read a last time.
const IDLE: Duration = Duration::from_secs(60);

const STATEMENTS: [(&str, &str); 5] = [
    ("no table", "SELECT 1"),
    ("count", "SELECT count(*) FROM logs"),
    ("top-k", "SELECT time, pod_name FROM alerts ORDER BY time DESC LIMIT 10"),
    ("group by", "SELECT namespace_name, count(*) FROM logs GROUP BY namespace_name"),
    ("one node", "SELECT count(*) FROM logs WHERE node = 'edge-1'"),
];

/// How thorough a run is.
struct Effort {
    warm_up_runs: usize,
    runs: usize,
    idle: Duration,
}

impl Effort {
    /// `cargo bench` asks for figures; anything else only wants to see that it works.
    fn asked_for() -> Self {
        if std::env::args().any(|argument| argument == "--bench") {
            return Self { warm_up_runs: WARM_UP_RUNS, runs: RUNS, idle: IDLE };
        }
        Self { warm_up_runs: 0, runs: 3, idle: Duration::ZERO }
    }
}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Simple,
    Prepared,
}

/// Times of every run, shortest first.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn latencies(client: &Client, sql: &str, protocol: Protocol, effort: &Effort) -> Vec<Duration> {
    let prepared = client.prepare(sql).await.expect("prepare");
    let mut times = Vec::new();
    for run in 0..effort.warm_up_runs + effort.runs {
        let begun = Instant::now();
        match protocol {
            Protocol::Simple => drop(client.simple_query(sql).await.expect("run")),
            Protocol::Prepared => drop(client.query(&prepared, &[]).await.expect("run")),
        }
        if run >= effort.warm_up_runs {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    times
}

/// The time that this share of the runs did not exceed.
fn quantile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

async fn print_latencies(client: &Client, effort: &Effort) {
    println!("{:<10} {:<9} {:>9} {:>9} {:>9}", "statement", "protocol", "p50 ms", "p95 ms", "min ms");
    for (name, sql) in STATEMENTS {
        for protocol in [Protocol::Simple, Protocol::Prepared] {
            let times = latencies(client, sql, protocol, effort).await;
            let (middle, slow, fastest) = (quantile(&times, 50), quantile(&times, 95), quantile(&times, 0));
            println!("{name:<10} {:<9} {middle:>9.2} {slow:>9.2} {fastest:>9.2}", format!("{protocol:?}"));
        }
    }
}

/// Resident memory of a process in MB: all, and what is not backed by a file.
fn resident_mb(process: u32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("read /proc");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse::<f64>().ok());
        kilobytes.unwrap_or(f64::NAN) / 1024.0
    };
    (field("VmRSS:"), field("RssAnon:"))
}

fn print_memory(fleet: &mut Fleet, when: &str) {
    for name in NODES {
        let (all, own) = resident_mb(fleet.node(name).id());
        println!("resident {when:<28} {name:<8} {all:>7.1} MB, without files {own:>7.1} MB");
    }
}

/// Waits until the feeds are silent and every event is in the answer; gives the number of events.
///
/// What a feed sends before a stream is open is lost, so that number is not known before.
async fn wait_for_silence(client: &Client) -> u64 {
    wait_until("silent feeds", PATIENCE, || async {
        let before = count_events(client).await;
        tokio::time::sleep(SILENCE).await;
        (before >= EVENTS_PER_FEED && count_events(client).await == before).then_some(before)
    })
    .await
}

async fn count_events(client: &Client) -> u64 {
    let counted = rows(client, "SELECT count(*) FROM events").await.expect("count");
    counted.first().and_then(|text| text.parse().ok()).expect("a number")
}

async fn measure(effort: &Effort) {
    let count = EVENTS_PER_FEED.to_string();
    let mut fleet = Fleet::start(&["--count", &count, "--rate", "2500", "--wait-for-client"]).await;
    print_memory(&mut fleet, "when started");
    let client = fleet.connect("query-3").await;
    let events = wait_for_silence(&client).await;
    print_memory(&mut fleet, &format!("with {events} events"));
    print_latencies(&client, effort).await;
    print_memory(&mut fleet, "after the statements");
    tokio::time::sleep(effort.idle).await;
    print_memory(&mut fleet, &format!("after {} s of silence", effort.idle.as_secs()));
}

fn main() {
    let program = std::fs::metadata(env!("CARGO_BIN_EXE_armorlake")).expect("the program");
    println!("program: {:.1} MB", program.len() as f64 / 1e6);
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(measure(&Effort::asked_for()));
}
