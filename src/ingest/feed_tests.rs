//! Proves what a feed does at its bounds, against a scripted daemon: a full queue is counted, a
//! silent peer is left, throttling notices are gaps, a refused stream is tried again.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::config::Tuning;
use super::{FeedConfig, Ingest, Shared};
use crate::catalog::builtin;
use crate::env::{Clock, SystemClock, SystemRandom};
use crate::proto::feeder::log_service_server::{LogService, LogServiceServer};
use crate::proto::feeder::{Alert, Log, Message, NonceMessage, ReplyMessage, RequestMessage};
use crate::storage::{Gap, Store, StoreConfig};
use crate::tasks::Tasks;
use crate::types::{EventKind, FeedName, NodeName};

const PATIENCE: Duration = Duration::from_secs(30);

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Sends what it is told to and then keeps its streams open; it has no messages.
#[derive(Debug, Clone, Default)]
struct Script {
    alerts: Vec<Alert>,
    logs: Vec<Log>,
}

fn then_open<T: Send + 'static>(events: Vec<T>) -> Response<Events<T>> {
    let events = futures::stream::iter(events.into_iter().map(Ok)).chain(futures::stream::pending());
    Response::new(Box::pin(events))
}

#[tonic::async_trait]
impl LogService for Script {
    type WatchMessagesStream = Events<Message>;
    type WatchAlertsStream = Events<Alert>;
    type WatchLogsStream = Events<Log>;

    async fn health_check(&self, request: Request<NonceMessage>) -> Result<Response<ReplyMessage>, Status> {
        Ok(Response::new(ReplyMessage { retval: request.into_inner().nonce }))
    }

    async fn watch_messages(&self, _: Request<RequestMessage>) -> Result<Response<Events<Message>>, Status> {
        Err(Status::unimplemented("no messages here"))
    }

    async fn watch_alerts(&self, _: Request<RequestMessage>) -> Result<Response<Events<Alert>>, Status> {
        Ok(then_open(self.alerts.clone()))
    }

    async fn watch_logs(&self, _: Request<RequestMessage>) -> Result<Response<Events<Log>>, Status> {
        Ok(then_open(self.logs.clone()))
    }
}

async fn serve(script: Script, tasks: &Tasks) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let (address, stop) = (listener.local_addr().expect("address"), tasks.stop_token());
    let router = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_millis(20)))
        .add_service(LogServiceServer::new(script));
    tasks.spawn_session("scripted daemon", async move {
        tokio::select! {
            _ = router.serve_with_incoming(TcpListenerStream::new(listener)) => {}
            () = stop.cancelled() => {}
        }
    });
    address
}

/// What a test does with a proxy and sees of it.
#[derive(Debug, Default)]
struct Valve {
    frozen: AtomicBool,
    passed: AtomicU64,
}

/// Hands bytes on to `target` until it is frozen; then it keeps the connections and hands on nothing.
async fn proxy(target: SocketAddr, valve: Arc<Valve>, tasks: &Tasks) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let (address, stop, sessions) = (listener.local_addr().expect("address"), tasks.stop_token(), tasks.clone());
    tasks.spawn_session("proxy", async move {
        while let Some(Ok((near, _))) = stop.run_until_cancelled(listener.accept()).await {
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = TcpStream::connect(target).await.expect("connect").into_split();
            for (mut from, mut to) in [(near_read, far_write), (far_read, near_write)] {
                let (valve, stop) = (Arc::clone(&valve), stop.clone());
                sessions.spawn_session("proxy connection", async move {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Some(Ok(count)) = stop.run_until_cancelled(from.read(&mut buffer)).await {
                        if valve.frozen.load(Ordering::Relaxed) {
                            stop.cancelled().await;
                        }
                        valve.passed.fetch_add(1, Ordering::Relaxed);
                        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        }
    });
    address
}

async fn shared(tuning: Tuning, directory: &std::path::Path) -> Shared {
    let node = NodeName::new("edge-1").expect("name");
    let tables: Vec<_> = builtin().expect("catalog").event_tables().cloned().collect();
    let config = StoreConfig {
        directory: directory.to_owned(),
        seal_rows: 1_000_000,
        seal_bytes: 1 << 40,
        seal_age: Duration::from_secs(86_400),
        cache_bytes: 16 * 1024 * 1024,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::open(config, node.clone(), tables.clone(), Arc::clone(&clock)).await.expect("store");
    Shared { store, tables, node, clock, random: Arc::new(SystemRandom), tuning }
}

fn feed(address: SocketAddr) -> Vec<FeedConfig> {
    vec![FeedConfig::new(FeedName::new("local").expect("name"), address.to_string())]
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain for {what}");
}

fn gaps(shared: &Shared, reason: &str) -> Vec<Gap> {
    shared.store.gaps().into_iter().filter(|gap| gap.reason == reason).collect()
}

fn rows(shared: &Shared, kind: EventKind) -> u64 {
    shared.store.version().tables[kind.table()].summary.rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_queue_loses_is_counted_and_recorded() {
    let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
    let tuning =
        Tuning { queue_events: 50, commit_rows: 100, commit_delay: Duration::from_millis(20), ..Tuning::default() };
    let shared = shared(tuning, directory.path()).await;
    let logs = (0..5_000).map(|pid| Log { pid, ..Log::default() }).collect();
    let address = serve(Script { logs, ..Script::default() }, &tasks).await;
    let ingest = Ingest::start_tuned(feed(address), &shared, &tasks);
    let status = || ingest.status().into_iter().find(|status| status.stream == "logs").expect("status");
    wait_until("all events", || status().received == 5_000 && status().stored + status().dropped == 5_000).await;
    let dropped = status().dropped;
    assert!(dropped > 0);
    assert_eq!(rows(&shared, EventKind::Log), 5_000 - dropped);
    let told = || gaps(&shared, "queue full").iter().filter_map(|gap| gap.lost).sum::<u64>();
    wait_until("the whole loss", || told() == dropped).await;
    assert!(tasks.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_stops_to_ping_is_left() {
    let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
    let tuning = Tuning { silence_max: Duration::from_millis(400), ..Tuning::default() };
    let shared = shared(tuning, directory.path()).await;
    let daemon = serve(Script { logs: vec![Log::default()], ..Script::default() }, &tasks).await;
    let valve = Arc::new(Valve::default());
    let address = proxy(daemon, Arc::clone(&valve), &tasks).await;
    let ingest = Ingest::start_tuned(feed(address), &shared, &tasks);
    let status = || ingest.status().into_iter().find(|status| status.stream == "logs").expect("status");
    wait_until("the stream", || status().connected && rows(&shared, EventKind::Log) == 1).await;
    // Three streams with a ping and its answer every 20 ms: well over the longest silence.
    let passed = valve.passed.load(Ordering::Relaxed);
    wait_until("pings", || valve.passed.load(Ordering::Relaxed) > passed + 400).await;
    assert!(status().connected, "a quiet peer that pings is no silent one");
    valve.frozen.store(true, Ordering::Relaxed);
    wait_until("the end", || !status().connected).await;
    wait_until("a gap", || gaps(&shared, "disconnect").iter().any(|gap| gap.stream == "logs")).await;
    let error = status().last_error.expect("error");
    assert!(error.contains("nothing heard") || error.contains("no answer"), "{error}");
    assert!(tasks.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_notices_are_gaps_and_refused_streams_are_tried_again() {
    let (tasks, directory) = (Tasks::new(), tempfile::tempdir().expect("directory"));
    let tuning = Tuning { retry_max: Duration::from_millis(200), ..Tuning::default() };
    let shared = shared(tuning, directory.path()).await;
    let notice = Alert {
        updated_time: "2024-05-01T10:00:00.000001Z".into(),
        r#type: "SystemEvent".into(),
        operation: "AlertThreshold".into(),
        max_alerts_per_sec: 10,
        dropping_alerts_interval: 30,
        ..Alert::default()
    };
    let address = serve(Script { alerts: vec![notice], ..Script::default() }, &tasks).await;
    let ingest = Ingest::start_tuned(feed(address), &shared, &tasks);
    wait_until("the notice", || gaps(&shared, "AlertThreshold").len() == 1).await;
    let gap = gaps(&shared, "AlertThreshold").remove(0);
    assert_eq!((gap.from_us, gap.to_us), (1_714_557_600_000_001, Some(1_714_557_630_000_001)));
    let status = |stream: &str| ingest.status().into_iter().find(|status| status.stream == stream).expect("status");
    wait_until("the refusal", || status("messages").last_error.is_some()).await;
    let refused = status("messages");
    assert!(!refused.connected && refused.epoch == 0, "{refused:?}");
    assert!(refused.last_error.expect("error").contains("no messages here"));
    wait_until("the others", || status("alerts").connected && status("logs").connected).await;
    wait_until("a gap", || gaps(&shared, "connect").iter().any(|gap| gap.stream == "messages")).await;
    assert!(tasks.stop(PATIENCE).await);
}
