//! The mesh on loopback, with real certificates: it forms, answers, notices losses and heals.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringViewArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use futures::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::{Instant, interval, timeout};

use super::*;
use crate::env::{Clock, SystemClock, SystemRandom};
use crate::tasks::Tasks;
use crate::tls::{CertificateRequest, IssuedFiles, TlsMaterial, ca_init, ca_issue};
use crate::types::{Code, DistinctSet, FragmentSettings, NodeName, QueryId, TableSummary, TimeRange};

const PATIENCE: Duration = Duration::from_secs(20);

fn name(text: &str) -> NodeName {
    NodeName::new(text).expect("name")
}

/// Answers by the text of the fragment, and remembers who asked with which roles.
#[derive(Debug, Default)]
struct FakeRunner {
    asked: Mutex<Vec<(NodeName, Vec<String>)>>,
    running: Arc<AtomicUsize>,
}

/// Counts a reply as running until it is dropped.
#[derive(Debug)]
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn batches() -> Vec<RecordBatch> {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>((0..50_000).map(|row| Some(vec![Some(row), None])));
    let texts =
        StringViewArray::from_iter_values((0..50_000).map(|row| format!("a text of more than twelve bytes {row}")));
    let numbers = Int64Array::from_iter((0..50_000).map(|row| (row % 3 != 0).then_some(row)));
    let columns: [(&str, ArrayRef); 3] =
        [("numbers", Arc::new(numbers)), ("texts", Arc::new(texts)), ("lists", Arc::new(lists))];
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    vec![batch.slice(0, 1), batch.slice(1, 0), batch.slice(1, 49_999)]
}

#[async_trait]
impl FragmentRunner for FakeRunner {
    async fn run(&self, caller: &NodeName, request: FragmentRequest) -> Result<ReplyStream, MeshError> {
        self.asked.lock().expect("lock").push((caller.clone(), request.roles.clone()));
        let rows = batches();
        let header = Ok(FragmentReply::Header(rows[0].schema()));
        match request.sql.as_str() {
            "rows" => {
                let trailer = Trailer { rows: 50_000, watermark: 9, segments_scanned: 2, ..Trailer::default() };
                let pieces = rows.into_iter().map(|batch| Ok(FragmentReply::Batch(batch)));
                let pieces = std::iter::once(header).chain(pieces).chain([Ok(FragmentReply::Trailer(trailer))]);
                Ok(Box::pin(stream::iter(pieces.collect::<Vec<_>>())))
            }
            "hang" => {
                self.running.fetch_add(1, Ordering::SeqCst);
                let running = Running(Arc::clone(&self.running));
                Ok(Box::pin(stream::iter([header]).chain(stream::pending().map(move |never: Never| {
                    let _held = &running;
                    match never {}
                }))))
            }
            "fail late" => {
                let error =
                    MeshError::Refused { code: Code::DivisionByZero, message: String::from("division by zero") };
                Ok(Box::pin(stream::iter([header, Err(error)])))
            }
            "panic" => panic!("a fragment that panics on purpose"),
            other => Err(MeshError::Refused { code: Code::UndefinedTable, message: format!("no table {other}") }),
        }
    }
}

enum Never {}

fn fragment(sql: &str) -> FragmentRequest {
    FragmentRequest {
        query_id: QueryId(uuid::Uuid::from_u128(1)),
        sql: sql.to_owned(),
        mode: FragmentMode::Rows,
        expected: vec![ExpectedColumn { name: String::from("numbers"), data_type: DataType::Int64 }],
        settings: FragmentSettings {
            time_zone: String::from("UTC"),
            date_style: String::from("ISO, MDY"),
            interval_style: String::from("postgres"),
            now_us: 0,
            current_user: String::from("ada"),
            current_database: String::from("kubearmor"),
        },
        roles: vec![String::from("reader"), String::from("owner")],
        deadline: Duration::from_secs(10),
        reply_bytes_max: 64 << 20,
        fragments: 1,
    }
}

/// A CA and everything that nodes of it need.
struct Ground {
    directory: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        ca_init(&directory.path().join("ca"), &SystemClock::new()).expect("CA");
        Self { directory }
    }

    fn files(&self, node: &str) -> IssuedFiles {
        let home: PathBuf = self.directory.path().join(node);
        let request = CertificateRequest::new(name(node), Role::Edge);
        ca_issue(&self.directory.path().join("ca"), &request, &home, &SystemClock::new()).expect("certificate")
    }

    async fn node(&self, node: &str, seeds: Vec<String>, known: Vec<KnownMember>) -> Node {
        Node::start(&self.files(node), node, seeds, known).await
    }
}

struct Node {
    mesh: Arc<Mesh>,
    runner: Arc<FakeRunner>,
    summaries: watch::Sender<BTreeMap<String, TableSummary>>,
    tasks: Tasks,
}

impl Node {
    async fn start(files: &IssuedFiles, node: &str, seeds: Vec<String>, known: Vec<KnownMember>) -> Self {
        let (tasks, runner) = (Tasks::new(), Arc::new(FakeRunner::default()));
        let summaries = watch::Sender::new(BTreeMap::new());
        let config = MeshConfig {
            name: name(node),
            role: Role::Edge,
            listen: "127.0.0.1:0".parse().expect("address"),
            advertise: None,
            seeds,
            version: String::from("0.1.0"),
        };
        let tls = TlsMaterial::load(&files.ca, &files.certificate, &files.key).expect("material");
        let fragments = Arc::clone(&runner) as Arc<dyn FragmentRunner>;
        let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
        let watched = summaries.subscribe();
        let mesh = Mesh::start(config, tls, fragments, watched, known, clock, random, &tasks).await.expect("mesh");
        Self { mesh, runner, summaries, tasks }
    }

    fn seed(&self) -> Vec<String> {
        vec![self.mesh.local_addr().to_string()]
    }

    fn member(&self, of: &str) -> Option<Member> {
        self.mesh.members().into_iter().find(|member| member.name.as_str() == of)
    }

    fn sees(&self, of: &str, status: MemberStatus) -> bool {
        self.member(of).is_some_and(|member| member.status == status)
    }

    async fn stop(&self) {
        assert!(self.tasks.stop(PATIENCE).await, "a task of the mesh did not stop");
        assert_eq!(self.tasks.panics(), 0);
    }

    async fn rows_of(&self, owner: &str) -> Result<Vec<FragmentReply>, MeshError> {
        self.reply(owner, fragment("rows")).await
    }

    async fn reply(&self, owner: &str, request: FragmentRequest) -> Result<Vec<FragmentReply>, MeshError> {
        let mut reply = self.mesh.request(&name(owner), request).await?;
        let mut pieces = Vec::new();
        while let Some(piece) = reply.next().await {
            pieces.push(piece?);
        }
        Ok(pieces)
    }
}

/// Waits until the condition holds; fails the test when it does not in time.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut look = interval(Duration::from_millis(10));
    let waited = timeout(PATIENCE, async {
        while !condition() {
            look.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

fn all_up(nodes: &[&Node]) -> bool {
    nodes.iter().all(|node| {
        let members = node.mesh.members();
        members.len() == nodes.len() && members.iter().all(|member| member.status == MemberStatus::Up)
    })
}

fn summary(rows: u64, namespace: &str) -> TableSummary {
    let values = DistinctSet::Values(BTreeSet::from([namespace.to_owned()]));
    TableSummary {
        rows,
        bytes: rows * 10,
        time: Some(TimeRange { min_us: 1, max_us: 2 }),
        receiving: true,
        damaged: false,
        distinct: BTreeMap::from([(String::from("namespace"), values)]),
    }
}

#[tokio::test]
async fn three_nodes_form_a_mesh_from_one_seed() {
    let ground = Ground::new();
    let started = Instant::now();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    let three = ground.node("edge-3", one.seed(), vec![]).await;
    until("the mesh formed", || all_up(&[&one, &two, &three])).await;
    println!("a mesh of three formed in {} ms", started.elapsed().as_millis());

    let members = three.mesh.members();
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["edge-1", "edge-2", "edge-3"]);
    assert!(members[2].is_self && !members[0].is_self);
    assert_eq!(members[0].address, one.mesh.local_addr().to_string());
    assert_eq!((members[0].version.as_str(), members[0].role), ("0.1.0", Role::Edge));
    for node in [&one, &two, &three] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_reply_arrives_whole_and_in_order() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    until("the mesh formed", || all_up(&[&one, &two])).await;
    let pieces = one.rows_of("edge-2").await.expect("reply");
    let FragmentReply::Header(schema) = &pieces[0] else { panic!("no header") };
    assert_eq!(schema.field(1).data_type(), &DataType::Utf8, "views do not travel");
    let received: Vec<RecordBatch> = pieces[1..pieces.len() - 1]
        .iter()
        .map(|piece| match piece {
            FragmentReply::Batch(batch) => batch.clone(),
            other => panic!("{other:?} among the batches"),
        })
        .collect();
    assert!(received.len() > 3, "large batches are cut");
    let received = concat_batches(schema, &received).expect("one batch");
    let sent = concat_batches(&batches()[0].schema(), &batches()).expect("one batch");
    assert_eq!(received.column(0), sent.column(0));
    assert_eq!(received.column(2), sent.column(2));
    let Some(FragmentReply::Trailer(trailer)) = pieces.last() else { panic!("no trailer") };
    assert_eq!((trailer.rows, trailer.watermark, trailer.segments_scanned), (50_000, 9, 2));

    let own = two.rows_of("edge-2").await.expect("reply without a network");
    assert!(matches!(own.last(), Some(FragmentReply::Trailer(_))));
    let asked = two.runner.asked.lock().expect("lock").clone();
    let (reader, both) = (vec![String::from("reader")], vec![String::from("reader"), String::from("owner")]);
    assert_eq!(asked, [(name("edge-1"), reader), (name("edge-2"), both)]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn errors_keep_their_sqlstate_and_end_only_their_fragment() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    until("the mesh formed", || all_up(&[&one, &two])).await;
    let code_of = async |request| one.reply("edge-2", request).await.expect_err("an error").code();
    let no_roles = FragmentRequest { roles: vec![String::from("owner")], ..fragment("rows") };
    let too_long = FragmentRequest { sql: "x".repeat(2 << 20), ..fragment("") };
    let too_large = FragmentRequest { reply_bytes_max: 1_000, ..fragment("rows") };
    let too_slow = FragmentRequest { deadline: Duration::from_millis(50), ..fragment("hang") };
    assert_eq!(code_of(fragment("nothing")).await, Code::UndefinedTable);
    assert_eq!(code_of(fragment("fail late")).await, Code::DivisionByZero);
    assert_eq!(code_of(fragment("panic")).await, Code::Internal);
    assert_eq!(code_of(no_roles).await, Code::InsufficientPrivilege);
    assert_eq!(code_of(too_long).await, Code::StatementTooComplex);
    assert_eq!(code_of(too_large).await, Code::OutOfMemory);
    assert_eq!(code_of(too_slow).await, Code::QueryCanceled);
    assert!(one.rows_of("edge-2").await.is_ok());
    assert!(one.rows_of("edge-9").await.is_err());
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_dropped_reply_cancels_the_fragment() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    until("the mesh formed", || all_up(&[&one, &two])).await;
    let mut reply = one.mesh.request(&name("edge-2"), fragment("hang")).await.expect("reply");
    assert!(matches!(reply.next().await, Some(Ok(FragmentReply::Header(_)))));
    assert_eq!(two.runner.running.load(Ordering::SeqCst), 1);
    drop(reply);
    until("the fragment was dropped", || two.runner.running.load(Ordering::SeqCst) == 0).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_stopped_node_is_down_and_comes_back_under_its_name() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    let three = ground.node("edge-3", one.seed(), vec![]).await;
    two.summaries.send_replace(BTreeMap::from([(String::from("logs"), summary(7, "shop"))]));
    until("the mesh formed", || all_up(&[&one, &two, &three])).await;
    until("summaries arrived", || one.member("edge-2").is_some_and(|member| member.tables.len() == 1)).await;
    one.rows_of("edge-2").await.expect("reply");
    let hanging = one.mesh.request(&name("edge-2"), fragment("hang")).await.expect("reply");
    let old_address = two.mesh.local_addr();
    two.stop().await;
    let ended = hanging.filter_map(|piece| std::future::ready(piece.err())).next().await.expect("an error");
    assert!(matches!(ended.code(), Code::AdminShutdown | Code::Unavailable), "{ended:?}");
    until("the others saw it go", || [&one, &three].iter().all(|node| node.sees("edge-2", MemberStatus::Down))).await;
    let down = one.member("edge-2").expect("still a member");
    assert!(down.reason.is_some());
    assert_eq!(down.tables["logs"].rows, 7, "its last summaries are kept");
    let asked = Instant::now();
    let refused = one.rows_of("edge-2").await.expect_err("a node that is down");
    assert!(matches!(refused, MeshError::Unreachable { .. }), "{refused:?}");
    assert!(asked.elapsed() < Duration::from_millis(500));

    // Its first node may be any: here it returns on another port, through edge-3.
    let again = ground.node("edge-2", three.seed(), vec![]).await;
    assert_ne!(again.mesh.local_addr(), old_address);
    let returned = Instant::now();
    until("it is up again everywhere", || all_up(&[&one, &again, &three])).await;
    println!("a returning node was up after {} ms", returned.elapsed().as_millis());
    one.rows_of("edge-2").await.expect("reply of the new process");
    assert_eq!(one.member("edge-2").expect("member").address, again.mesh.local_addr().to_string());
    for node in [&one, &again, &three] {
        node.stop().await;
    }
}

#[tokio::test]
async fn members_of_before_a_restart_are_missed_until_they_answer() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    two.summaries.send_replace(BTreeMap::from([(String::from("alerts"), summary(3, "bank"))]));
    until("the mesh formed", || all_up(&[&one, &two])).await;
    until("summaries arrived", || one.member("edge-2").is_some_and(|member| member.tables.len() == 1)).await;
    let known = one.mesh.known();
    one.stop().await;
    two.stop().await;

    let json = serde_json::to_string(&known).expect("written");
    let known: Vec<KnownMember> = serde_json::from_str(&json).expect("read");
    let one = ground.node("edge-1", vec![], known).await;
    let before = one.member("edge-2").expect("known from before");
    assert_eq!((before.status, before.summary_age), (MemberStatus::Unknown, None));
    assert_eq!(before.tables["alerts"].rows, 3);
    let error = one.rows_of("edge-2").await.expect_err("nobody listens there");
    assert!(matches!(error, MeshError::Unreachable { .. }), "{error:?}");
    until("the refusal was noted", || one.sees("edge-2", MemberStatus::Down)).await;
    assert_eq!(one.member("edge-2").expect("member").reason.as_deref(), Some("connection refused"));
    assert!(one.mesh.forget(&name("edge-2")) && one.member("edge-2").is_none());

    let two = ground.node("edge-2", one.seed(), vec![]).await;
    until("it is back", || all_up(&[&one, &two])).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn changed_bounds_travel_at_once_and_heartbeats_go_on() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    until("the mesh formed", || all_up(&[&one, &two])).await;
    let mut slowest = Duration::ZERO;
    for round in 1..=10_u64 {
        let table = summary(round, &format!("namespace-{round}"));
        let sent = Instant::now();
        two.summaries.send_replace(BTreeMap::from([(String::from("logs"), table.clone())]));
        until("the change arrived", || {
            one.member("edge-2").is_some_and(|member| member.tables.get("logs") == Some(&table))
        })
        .await;
        slowest = slowest.max(sent.elapsed());
    }
    println!("the slowest of ten changes took {} ms", slowest.as_millis());
    assert!(slowest < Duration::from_millis(400), "changes wait for heartbeats");
    two.summaries.send_modify(|tables| tables.get_mut("logs").expect("table").rows = 99);
    until("counts come with a heartbeat", || {
        one.member("edge-2").is_some_and(|member| member.tables["logs"].rows == 99)
    })
    .await;
    let aged = |limit| one.member("edge-2").and_then(|member| member.summary_age).is_some_and(|age| age > limit);
    until("time passes", || aged(Duration::from_millis(100))).await;
    until("a heartbeat came", || !aged(Duration::from_millis(100))).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_draining_node_takes_no_new_fragments() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    until("the mesh formed", || all_up(&[&one, &two])).await;
    two.mesh.drain();
    assert_eq!(one.rows_of("edge-2").await.expect_err("draining").code(), Code::AdminShutdown);
    one.stop().await;
    two.stop().await;
}

/// What the test tells a node that runs in a runtime of its own.
enum Order {
    Freeze(std::sync::mpsc::Receiver<()>),
    Stop,
}

/// Runs a node whose whole runtime can be frozen, as SIGSTOP does to a process.
fn run_freezable(files: &IssuedFiles, seeds: Vec<String>, mut orders: tokio::sync::mpsc::Receiver<Order>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let node = Node::start(files, "edge-2", seeds, vec![]).await;
        while let Some(order) = orders.recv().await {
            match order {
                Order::Freeze(thaw) => thaw.recv().expect("thawed"),
                Order::Stop => break,
            }
        }
        node.stop().await;
    });
}

#[tokio::test]
async fn a_frozen_node_is_down_after_three_seconds_and_up_soon_after_it_goes_on() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let (files, seeds) = (ground.files("edge-2"), one.seed());
    let (orders, received) = tokio::sync::mpsc::channel(1);
    let other = tokio::task::spawn_blocking(move || run_freezable(&files, seeds, received));
    until("the mesh formed", || one.sees("edge-2", MemberStatus::Up)).await;
    one.rows_of("edge-2").await.expect("reply");

    let (thaw, thawed) = std::sync::mpsc::channel();
    orders.send(Order::Freeze(thawed)).await.map_err(|_| "gone").expect("frozen");
    let frozen = Instant::now();
    let mut hanging = Box::pin(one.rows_of("edge-2"));
    let error = timeout(PATIENCE, &mut hanging).await.expect("no hang").expect_err("a frozen node");
    assert!(matches!(error, MeshError::Unreachable { .. }), "{error:?}");
    assert!(frozen.elapsed() < Duration::from_secs(5), "{:?}", frozen.elapsed());
    until("it is down", || one.sees("edge-2", MemberStatus::Down)).await;
    let reason = one.member("edge-2").and_then(|member| member.reason).expect("reason");
    assert!(reason.starts_with("no heartbeat for "), "{reason}");

    thaw.send(()).expect("thaw");
    let going_on = Instant::now();
    until("it is up again", || one.sees("edge-2", MemberStatus::Up)).await;
    println!("a frozen node was up {} ms after it went on", going_on.elapsed().as_millis());
    one.rows_of("edge-2").await.expect("reply");
    orders.send(Order::Stop).await.map_err(|_| "gone").expect("stopped");
    other.await.expect("the other node");
    one.stop().await;
}

#[tokio::test]
async fn a_node_must_show_the_certificate_of_its_own_name() {
    let ground = Ground::new();
    let files = ground.files("edge-1");
    let tls = TlsMaterial::load(&files.ca, &files.certificate, &files.key).expect("material");
    for (text, role, advertise) in
        [("edge-2", Role::Edge, None), ("edge-1", Role::Admin, None), ("edge-1", Role::Edge, Some("no address"))]
    {
        let config = MeshConfig {
            name: name(text),
            role,
            listen: "127.0.0.1:0".parse().expect("address"),
            advertise: advertise.map(String::from),
            seeds: vec![],
            version: String::new(),
        };
        let runner = Arc::new(FakeRunner::default());
        let (_sender, summaries) = watch::channel(BTreeMap::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let tasks = Tasks::new();
        let started =
            Mesh::start(config, tls.clone(), runner, summaries, vec![], clock, Arc::new(SystemRandom), &tasks).await;
        assert_eq!(started.expect_err("refused").code(), Code::InvalidParameterValue);
    }
    assert!(Path::new(&files.key).exists());
}

fn made(oid: u32) -> crate::catalog::Entry {
    let object = crate::catalog::Object::Database(crate::catalog::DatabaseEntry {
        name: format!("d{oid}"),
        owner: None,
        comment: String::new(),
    });
    crate::catalog::Entry { oid, database: oid, object }
}

fn told(node: &Node) -> Vec<(String, Vec<u32>)> {
    let published = node.mesh.published().borrow().clone();
    let oids = |one: &crate::catalog::Published| one.entries.iter().map(|entry| entry.oid).collect();
    published.iter().map(|one| (one.node.as_str().to_owned(), oids(one))).collect()
}

#[tokio::test]
async fn definitions_reach_every_node_and_stay_while_their_node_is_down() {
    let ground = Ground::new();
    let one = ground.node("edge-1", vec![], vec![]).await;
    let two = ground.node("edge-2", one.seed(), vec![]).await;
    one.mesh.publish(&[made(70_001)]).expect("told");
    two.mesh.publish(&[]).expect("told");
    let of_one = |oids: &[u32]| vec![("edge-1".to_owned(), oids.to_vec())];
    until("edge-2 knows", || told(&two) == of_one(&[70_001])).await;
    until("edge-1 knows that there are none", || told(&one) == [("edge-2".to_owned(), Vec::new())]).await;
    let started = Instant::now();
    one.mesh.publish(&[made(70_001), made(70_002)]).expect("told");
    until("edge-2 knows the change", || told(&two) == of_one(&[70_001, 70_002])).await;
    println!("a definition was known after {} ms", started.elapsed().as_millis());

    let (known, kept) = (two.mesh.known(), two.mesh.published().borrow().clone());
    one.stop().await;
    until("edge-1 is down", || two.sees("edge-1", MemberStatus::Down)).await;
    assert_eq!(told(&two), of_one(&[70_001, 70_002]));
    two.stop().await;
    let again = Node::start(&ground.files("edge-2"), "edge-2", vec![], known).await;
    assert_eq!(told(&again), []);
    let stranger = crate::catalog::Published { node: name("edge-9"), entries: vec![made(70_009)] };
    let before = kept.iter().map(|one| (**one).clone()).chain([stranger]);
    again.mesh.published_before(before.collect());
    assert_eq!(told(&again), of_one(&[70_001, 70_002]));
    until("edge-1 is down", || again.sees("edge-1", MemberStatus::Down)).await;
    assert!(again.mesh.forget(&name("edge-1")));
    assert_eq!(told(&again), []);
    again.stop().await;
}
