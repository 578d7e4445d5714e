//! Proves the way of an event from a daemon's stream to a stored row, against the simulator: nothing
//! that was received is lost, every blind moment is recorded, and TLS is mutual.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use armorlake::catalog::builtin;
use armorlake::env::{Clock, SystemClock, SystemRandom};
use armorlake::ingest::{Arrival, Decoder, EventBatcher, FeedConfig, FeedTls, Ingest};
use armorlake::proto::feeder::RequestMessage;
use armorlake::proto::feeder::log_service_client::LogServiceClient;
use armorlake::simulate::{Pace, SimulateConfig, SimulateTls, Simulator};
use armorlake::storage::{Gap, Store, StoreConfig};
use armorlake::tasks::Tasks;
use armorlake::types::{EventKind, FeedName, NodeName};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::array_value_to_string;

const PATIENCE: Duration = Duration::from_secs(30);

fn node() -> NodeName {
    NodeName::new("edge-1").expect("name")
}

fn feed() -> FeedName {
    FeedName::new("local").expect("name")
}

async fn open_store(directory: &Path) -> Arc<Store> {
    let config = StoreConfig {
        directory: directory.to_owned(),
        seal_rows: 10_000_000,
        seal_bytes: 1 << 40,
        seal_age: Duration::from_secs(86_400),
        cache_bytes: 16 * 1024 * 1024,
    };
    let tables = builtin().expect("catalog").event_tables().cloned().collect();
    Store::open(config, node(), tables, Arc::new(SystemClock::new())).await.expect("store")
}

fn start_ingest(config: FeedConfig, store: &Arc<Store>, tasks: &Tasks) -> Ingest {
    let tables = builtin().expect("catalog").event_tables().cloned().collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    Ingest::start(vec![config], Arc::clone(store), tables, node(), clock, Arc::new(SystemRandom), tasks)
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain for {what}");
}

fn hot(store: &Store, table: &str) -> Vec<RecordBatch> {
    store.version().tables[table].hot.clone()
}

fn rows(store: &Store, table: &str) -> u64 {
    store.version().tables[table].summary.rows
}

fn gaps(store: &Store, stream: &str, reason: &str) -> Vec<Gap> {
    store.gaps().into_iter().filter(|gap| gap.stream == stream && gap.reason == reason).collect()
}

fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ARMORLAKE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = folder.join("kubearmor").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the shared capture {name} is absent");
    None
}

/// The rows of batches as texts, without what differs from one arrival to the next.
fn shown(batches: &[RecordBatch]) -> Vec<Vec<(String, String)>> {
    let own = ["received_at", "event_id", "extra"];
    let mut shown = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells = schema.fields().iter().zip(batch.columns()).filter_map(|(field, column)| {
                let text = array_value_to_string(column, row).expect("text");
                (!own.contains(&field.name().as_str())).then(|| (field.name().clone(), text))
            });
            let mut cells: Vec<(String, String)> = cells.collect();
            if cells.iter().any(|(name, text)| name == "time_source" && text == "2") {
                cells.retain(|(name, _)| name != "time");
            }
            shown.push(cells);
        }
    }
    shown.sort();
    shown
}

/// The rows that the JSON path makes of a file, per table.
fn rows_from_json(path: &Path) -> BTreeMap<&'static str, Vec<RecordBatch>> {
    let catalog = builtin().expect("catalog");
    let mut decoder = Decoder::new(node(), feed());
    let mut batchers: BTreeMap<&'static str, EventBatcher> = EventKind::ALL
        .into_iter()
        .map(|kind| {
            let table = catalog.event_table(kind.table()).expect("table");
            (kind.table(), EventBatcher::new(table, &node()).expect("batcher"))
        })
        .collect();
    for line in std::fs::read_to_string(path).expect("capture").lines() {
        let arrival = Arrival { epoch: 1, index: 0, received_at_us: 0 };
        let event = decoder.decode_json(line.as_bytes(), None, arrival).expect("event");
        batchers.get_mut(event.kind().table()).expect("batcher").push(event);
    }
    batchers.into_iter().map(|(table, mut batcher)| (table, vec![batcher.finish().expect("batch")])).collect()
}

/// Every event of the real captures arrives through gRPC, and its row is the one that the JSON itself gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_captures_are_stored_whole() {
    for path in ["capture-aks.jsonl", "samples.jsonl"].into_iter().filter_map(shared) {
        let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
        let store = open_store(directory.path()).await;
        let config = SimulateConfig { replay: Some(path.clone()), pace: Pace::Fast, ..SimulateConfig::default() };
        let simulator = Simulator::start(config, &tasks).await.expect("simulator");
        let ingest = start_ingest(FeedConfig::new(feed(), simulator.local_addr().to_string()), &store, &tasks);
        let expected = rows_from_json(&path);
        for (table, batches) in &expected {
            let wanted: usize = batches.iter().map(RecordBatch::num_rows).sum();
            wait_until(table, || rows(&store, table) >= wanted as u64).await;
            assert_eq!(shown(&hot(&store, table)), shown(batches), "{table} of {}", path.display());
        }
        let counters = simulator.counters();
        assert_eq!((counters.sent, counters.dropped), (counters.produced, 0));
        assert_eq!(ingest.status().iter().map(|status| status.stored).sum::<u64>(), counters.sent);
        assert!(tasks.stop(PATIENCE).await);
    }
}

/// A daemon that stops ends its streams cleanly; that is a gap until it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_stream_is_a_gap_until_the_daemon_is_back() {
    let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
    let store = open_store(directory.path()).await;
    let config = SimulateConfig { numbered: true, rate: 2_000, ..SimulateConfig::default() };
    let simulator = Simulator::start(config.clone(), &tasks).await.expect("simulator");
    let address = simulator.local_addr();
    let ingest = start_ingest(FeedConfig::new(feed(), address.to_string()), &store, &tasks);
    wait_until("all streams", || ingest.status().iter().all(|status| status.connected)).await;
    wait_until("events", || rows(&store, "logs") > 200).await;
    simulator.stop().await;
    wait_until("open gaps", || {
        EventKind::ALL.iter().all(|kind| gaps(&store, kind.table(), "end of stream").len() == 1)
    })
    .await;
    assert!(gaps(&store, "logs", "end of stream")[0].to_us.is_none());
    let status = ingest.status().into_iter().find(|status| status.stream == "logs").expect("status");
    assert!(!status.connected && status.epoch == 1 && status.last_error.is_some(), "{status:?}");

    let before = rows(&store, "logs");
    let again = Simulator::start(SimulateConfig { listen: address, ..config }, &tasks).await.expect("simulator");
    wait_until("events again", || rows(&store, "logs") > before + 200).await;
    wait_until("closed gaps", || gaps(&store, "logs", "end of stream").iter().all(|gap| gap.to_us.is_some())).await;
    let status = ingest.status().into_iter().find(|status| status.stream == "logs").expect("status");
    assert!(status.connected && status.epoch == 2, "{status:?}");
    again.stop().await;
    assert!(tasks.stop(PATIENCE).await);
    let progress = store.progress().into_iter().find(|progress| progress.stream == "logs").expect("progress");
    assert_eq!((progress.epoch, store.gaps().iter().filter(|gap| gap.reason == "connect").count()), (2, 0));
}

/// A stopping node commits all it received; the time until it is back is a gap; epochs go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_has_every_event_it_received_and_says_when_it_was_away() {
    let (source, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
    let config = SimulateConfig { numbered: true, rate: 5_000, ..SimulateConfig::default() };
    let simulator = Simulator::start(config, &source).await.expect("simulator");
    let address = simulator.local_addr().to_string();
    let store = open_store(directory.path()).await;
    let mut received = 0;
    for run in 1..=2_u64 {
        let tasks = Tasks::new();
        let ingest = start_ingest(FeedConfig::new(feed(), address.clone()), &store, &tasks);
        let before = rows(&store, "logs");
        wait_until("events", || rows(&store, "logs") > before + 1_000).await;
        assert!(tasks.stop(PATIENCE).await);
        let status = ingest.status().into_iter().find(|status| status.stream == "logs").expect("status");
        assert_eq!((status.stored, status.dropped, status.epoch), (status.received, 0, run));
        received += status.received;
        assert_eq!(rows(&store, "logs"), received);
        assert_eq!(gaps(&store, "logs", "node stopped").len() as u64, run - 1);
    }
    let gap = &gaps(&store, "logs", "node stopped")[0];
    assert!(gap.to_us.is_some_and(|to_us| to_us > gap.from_us), "{gap:?}");
    let mut numbers: Vec<String> = Vec::new();
    for batch in hot(&store, "logs") {
        let column = batch.column_by_name("resource").expect("resource");
        numbers.extend((0..batch.num_rows()).map(|row| array_value_to_string(column, row).expect("text")));
    }
    let count = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "an event was stored twice");
    assert!(source.stop(PATIENCE).await);
}

/// A feed that nobody answers stays down, says why, and its blindness is recorded from the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_daemon_is_shown() {
    let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
    let store = open_store(directory.path()).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let address = listener.local_addr().expect("address");
    drop(listener);
    let ingest = start_ingest(FeedConfig::new(feed(), address.to_string()), &store, &tasks);
    wait_until("an error", || ingest.status().iter().all(|status| status.last_error.is_some())).await;
    wait_until("a gap", || gaps(&store, "alerts", "connect").len() == 1).await;
    assert!(ingest.status().iter().all(|status| !status.connected && status.epoch == 0));
    assert!(tasks.stop(PATIENCE).await);
    let bad = start_ingest(FeedConfig::new(feed(), "nowhere"), &store, &Tasks::new());
    wait_until("a refusal", || bad.status()[0].last_error.as_deref() == Some("address \"nowhere\" is no host:port"))
        .await;
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line that operators and tests count on: `committed up to N`, with feed, stream and epoch.
#[tokio::test]
async fn commits_are_logged_with_their_count() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    // For all tests of this file: a subscriber of one thread would miss what another thread saw first.
    tracing::subscriber::set_global_default(subscriber).expect("only this test listens");
    let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
    let store = open_store(directory.path()).await;
    let config = SimulateConfig {
        numbered: true,
        rate: 5_000,
        count: Some(500),
        wait_for_client: true,
        ..SimulateConfig::default()
    };
    let simulator = Simulator::start(config, &tasks).await.expect("simulator");
    let logged = FeedName::new("logged").expect("name");
    let _ingest = start_ingest(FeedConfig::new(logged, simulator.local_addr().to_string()), &store, &tasks);
    wait_until("all events", || rows(&store, "logs") == 500).await;
    assert!(tasks.stop(PATIENCE).await);
    let text = String::from_utf8(captured.0.lock().expect("log").clone()).expect("text");
    let is_commit = |line: &&str| line.contains("committed up to") && line.contains("feed=logged");
    let last = text.lines().rfind(is_commit).expect("a commit");
    for part in ["committed up to 500", "stream=\"logs\"", "epoch=1"] {
        assert!(last.contains(part), "{part} in {last}");
    }
}

/// PEM files of an authority, a server and a client.
struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let write = |name: &str, text: String| std::fs::write(directory.path().join(name), text).expect("write");
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("key");
        write("ca.crt", authority.self_signed(&key).expect("certificate").pem());
        let issuer = rcgen::Issuer::new(authority, key);
        for (name, host) in [("server", "kubearmor.example"), ("client", "armorlake.example")] {
            let parameters = rcgen::CertificateParams::new(vec![host.to_owned()]).expect("parameters");
            let key = rcgen::KeyPair::generate().expect("key");
            write(&format!("{name}.crt"), parameters.signed_by(&key, &issuer).expect("certificate").pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// With mutual TLS only a client with a certificate of the same authority gets events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_certified_client_gets_events() {
    let (trusted, strangers) = (Certificates::new(), Certificates::new());
    let tasks = Tasks::new();
    let tls =
        SimulateTls { ca: trusted.path("ca.crt"), cert: trusted.path("server.crt"), key: trusted.path("server.key") };
    let config = SimulateConfig { numbered: true, rate: 1_000, tls: Some(tls), ..SimulateConfig::default() };
    let simulator = Simulator::start(config, &tasks).await.expect("simulator");
    let address = simulator.local_addr().to_string();
    let tls_of = |client: &Certificates| FeedTls {
        ca: trusted.path("ca.crt"),
        cert: client.path("client.crt"),
        key: client.path("client.key"),
        server_name: Some("kubearmor.example".to_owned()),
    };
    let wrong_name = FeedTls { server_name: Some("other.example".to_owned()), ..tls_of(&trusted) };
    let missing = FeedTls { key: trusted.path("absent.key"), ..tls_of(&trusted) };
    for refused in [None, Some(tls_of(&strangers)), Some(wrong_name), Some(missing)] {
        let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
        let store = open_store(directory.path()).await;
        let config = FeedConfig { tls: refused.clone(), ..FeedConfig::new(feed(), address.clone()) };
        let ingest = start_ingest(config, &store, &tasks);
        wait_until("a refusal", || ingest.status().iter().all(|status| status.last_error.is_some())).await;
        assert_eq!(rows(&store, "logs"), 0, "{refused:?}");
        assert!(tasks.stop(PATIENCE).await);
    }
    assert_eq!(simulator.clients(), 0);
    let directory = tempfile::tempdir().expect("directory");
    let store = open_store(directory.path()).await;
    let config = FeedConfig { tls: Some(tls_of(&trusted)), ..FeedConfig::new(feed(), address) };
    let _ingest = start_ingest(config, &store, &tasks);
    wait_until("events", || rows(&store, "logs") > 100).await;
    assert!(tasks.stop(PATIENCE).await);
}

/// Exactly the daemon's filters bring events; any other text ends the stream at once, with status OK.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_exact() {
    let tasks = Tasks::new();
    let config = SimulateConfig { rate: 5_000, ..SimulateConfig::default() };
    let simulator = Simulator::start(config, &tasks).await.expect("simulator");
    let address = format!("http://{}", simulator.local_addr());
    let mut client = LogServiceClient::connect(address).await.expect("client");
    let nonce = armorlake::proto::feeder::NonceMessage { nonce: 42 };
    assert_eq!(client.health_check(nonce).await.expect("health").get_ref().retval, 42);
    for (filter, alerts, logs) in [
        ("all", true, true),
        ("policy", true, false),
        ("system", false, true),
        ("", false, false),
        ("ALL", false, false),
    ] {
        let request = || RequestMessage { filter: filter.to_owned() };
        let mut stream = client.watch_alerts(request()).await.expect("alerts").into_inner();
        assert_eq!(stream.message().await.expect("status OK").is_some(), alerts, "alerts, {filter}");
        let mut stream = client.watch_logs(request()).await.expect("logs").into_inner();
        assert_eq!(stream.message().await.expect("status OK").is_some(), logs, "logs, {filter}");
        let mut stream = client.watch_messages(request()).await.expect("messages").into_inner();
        assert!(stream.message().await.expect("status OK").is_some(), "messages, {filter}");
    }
    drop(client);
    assert!(tasks.stop(PATIENCE).await);
}

/// A client that does not read loses what its queue cannot hold, and the simulator counts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_loses_events_and_they_are_counted() {
    let tasks = Tasks::new();
    let config = SimulateConfig { numbered: true, rate: 50_000, count: Some(20_000), ..SimulateConfig::default() };
    let config = SimulateConfig { queue_events: 100, ..config };
    let simulator = Simulator::start(config, &tasks).await.expect("simulator");
    let mut client = LogServiceClient::connect(format!("http://{}", simulator.local_addr())).await.expect("client");
    let request = RequestMessage { filter: "all".to_owned() };
    let mut stream = client.watch_logs(request).await.expect("logs").into_inner();
    wait_until("the end of the events", || simulator.counters().produced == 20_000).await;
    let counters = simulator.counters();
    assert!(counters.dropped > 0, "{counters:?}");
    let expected = counters.produced - counters.dropped - counters.unheard;
    for _ in 0..expected {
        assert!(stream.message().await.expect("event").is_some());
    }
    assert_eq!(simulator.counters().sent, expected);
    drop((stream, client));
    assert!(tasks.stop(PATIENCE).await);
}
