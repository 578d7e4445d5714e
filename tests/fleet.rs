//! Proves, from outside, that a mesh of whole processes answers as one database: from any node, with
//! a node killed, paused and back again, and never smaller than it says.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Authority, NodeFile, PATIENCE, Process, connect, free_port, rows, wait_until};
use tokio::time::Instant;
use tokio_postgres::Client;

/// Two edge nodes with three feeds, and a query node, as the demo runs them.
struct Fleet {
    feeds: Vec<Process>,
    nodes: Vec<Process>,
    files: Vec<std::path::PathBuf>,
    clients: Vec<Client>,
    /// Last, so that the logs are there as long as a process may want to show its own.
    _folder: tempfile::TempDir,
}

const NAMES: [&str; 3] = ["edge-1", "edge-2", "query-3"];

impl Fleet {
    async fn start(feed_arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        let authority = Authority::init(path.join("ca"));
        let mut feeds = Vec::new();
        let mut addresses = Vec::new();
        for (index, name) in ["cluster-a", "cluster-b", "cluster-c"].iter().enumerate() {
            let seed = format!("--seed={}", index + 1);
            let mut arguments = vec![seed.as_str()];
            arguments.extend(feed_arguments);
            let mut feed = Process::simulate(name, &arguments, &path);
            addresses.push((*name, feed.address_of("simulate").await));
            feeds.push(feed);
        }
        let seed_port = free_port();
        let seed = ([127, 0, 0, 1], seed_port).into();
        let files = [
            NodeFile::new("edge-1", "edge").with_mesh_port(seed_port).with_feed(addresses[0].0, addresses[0].1),
            NodeFile::new("edge-2", "edge")
                .with_mesh_port(free_port())
                .with_seed(seed)
                .with_feed(addresses[1].0, addresses[1].1)
                .with_feed(addresses[2].0, addresses[2].1),
            NodeFile::new("query-3", "query").with_seed(seed),
        ]
        .map(|file| file.write(&path, &authority));
        let mut fleet = Self { _folder: folder, feeds, nodes: Vec::new(), files: files.to_vec(), clients: Vec::new() };
        for (name, file) in NAMES.iter().zip(&files) {
            let mut node = Process::serve(name, file, &path);
            fleet.clients.push(connect(node.address_of("pg").await).await);
            fleet.nodes.push(node);
        }
        fleet.wait_until_up(3).await;
        fleet
    }

    /// Waits until every node sees so many nodes up.
    async fn wait_until_up(&self, count: usize) {
        for client in &self.clients {
            wait_until("all nodes up", PATIENCE, || async {
                let up = rows(client, "SELECT count(*) FROM mesh.nodes WHERE status = 'up'").await.ok()?;
                (up == [count.to_string()]).then_some(())
            })
            .await;
        }
    }

    async fn ask(&self, node: usize, sql: &str) -> Vec<String> {
        rows(&self.clients[node], sql).await.unwrap_or_else(|error| panic!("{}: {sql}: {error:?}", NAMES[node]))
    }

    /// The answer of all nodes: an incomplete one is an error here, and asked again.
    async fn ask_completely(&self, node: usize, sql: &str) -> Vec<String> {
        let client = &self.clients[node];
        client.batch_execute("SET armorlake.missing_nodes = 'error'").await.expect("set");
        let answer = wait_until("a complete answer", PATIENCE, || async { rows(client, sql).await.ok() }).await;
        client.batch_execute("SET armorlake.missing_nodes = 'warn'").await.expect("set");
        answer
    }

    /// Starts a killed node again, on its data, and connects to it.
    async fn restart(&mut self, node: usize, folder: &Path) {
        self.nodes[node] = Process::serve(NAMES[node], &self.files[node], folder);
        self.clients[node] = connect(self.nodes[node].address_of("pg").await).await;
    }

    fn folder(&self) -> std::path::PathBuf {
        self._folder.path().to_owned()
    }
}

/// A fixed range of time in which all events have arrived at all nodes' published bounds.
async fn settled_range(fleet: &Fleet) -> String {
    let newest = fleet.ask(2, "SELECT max(time) - interval '3 seconds' FROM logs").await;
    format!("time < '{}'", newest[0])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_answer_as_one_database() {
    let fleet = Fleet::start(&["--rate=200"]).await;
    let question = "SELECT node, feed, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2";
    let seen = wait_until("rows of two nodes and three feeds", PATIENCE, || async {
        let seen = fleet.ask(2, question).await;
        (seen.len() == 3).then_some(seen)
    })
    .await;
    let sources: Vec<&str> = seen.iter().filter_map(|row| row.rsplit_once('|')).map(|(source, _)| source).collect();
    assert_eq!(sources, ["edge-1|cluster-a", "edge-2|cluster-b", "edge-2|cluster-c"]);
    wait_until("a growing count", PATIENCE, || async { (fleet.ask(2, question).await != seen).then_some(()) }).await;
    wait_until("some seconds of events", PATIENCE, || async {
        let span = fleet.ask(2, "SELECT extract(epoch FROM max(time) - min(time)) > 6 FROM logs").await;
        (span == ["t"]).then_some(())
    })
    .await;
    let range = settled_range(&fleet).await;
    let fixed =
        format!("SELECT node, feed, count(*), min(time), max(pid) FROM logs WHERE {range} GROUP BY 1, 2 ORDER BY 1, 2");
    let answers = [fleet.ask(0, &fixed).await, fleet.ask(1, &fixed).await, fleet.ask(2, &fixed).await];
    assert_eq!(answers[0].len(), 3, "{answers:?}");
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    for node in &fleet.nodes {
        node.assert_no_errors(&[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_shows_fragments_and_pruned_nodes() {
    let fleet = Fleet::start(&["--rate=200"]).await;
    wait_until("alerts of both edge nodes", PATIENCE, || async {
        (fleet.ask(2, "SELECT DISTINCT node FROM alerts").await.len() == 2).then_some(())
    })
    .await;
    let sql = "EXPLAIN SELECT namespace_name, count(*) FROM alerts WHERE time > now() - interval '5 minutes' GROUP BY 1 ORDER BY 2 DESC LIMIT 5";
    let plan = fleet.ask(2, sql).await.join("\n");
    assert!(plan.contains("Fragment on alerts: SELECT namespace_name, count(*)"), "{plan}");
    assert!(plan.contains("WHERE \"time\" > CAST('"), "{plan}");
    assert!(plan.contains("Nodes asked: edge-1") && plan.contains("edge-2"), "{plan}");
    assert!(plan.contains("Node pruned: query-3: its role is query"), "{plan}");
    assert!(plan.lines().all(|line| !line.contains("Fragment on") || !line.contains("LIMIT")), "{plan}");
    let one = fleet.ask(2, "EXPLAIN SELECT count(*) FROM logs WHERE node = 'edge-1'").await.join("\n");
    assert!(
        one.contains("Nodes asked: edge-1 (") && one.contains("Node pruned: edge-2: its name does not match"),
        "{one}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_is_named_and_loses_nothing_that_it_acknowledged() {
    let loops: usize = std::env::var("ARMORLAKE_KILL_LOOPS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let mut fleet = Fleet::start(&["--rate=2500", "--numbered"]).await;
    let folder = fleet.folder();
    for round in 0..loops {
        let numbers = "SELECT feed, max(split_part(resource, '/', 3)::bigint) FROM logs WHERE node = 'edge-2' GROUP BY 1 ORDER BY 1";
        let before = wait_until("events of both feeds", PATIENCE, || async {
            let seen = fleet.ask(2, numbers).await;
            (seen.len() == 2).then_some(seen)
        })
        .await;
        wait_until("more events", PATIENCE, || async { (fleet.ask(2, numbers).await != before).then_some(()) }).await;
        let returned =
            fleet.ask(2, "SELECT event_id FROM logs WHERE node = 'edge-2' ORDER BY received_at DESC LIMIT 1000").await;
        let acknowledged = acknowledged_rows(&fleet.nodes[1]);
        fleet.nodes[1].kill();
        missing_is_told(&fleet).await;
        fleet.restart(1, &folder).await;
        let back = Instant::now();
        wait_until("a complete answer", Duration::from_secs(10), || async {
            let covered = covered_after(&fleet.clients[2], "SELECT count(*) FROM logs").await;
            covered.then_some(())
        })
        .await;
        println!("round {round}: complete again after {:?}", back.elapsed());
        nothing_is_lost(&fleet, &returned, acknowledged).await;
    }
    let gaps = fleet
        .ask(2, "SELECT count(*) >= 2 FROM mesh.source_gaps WHERE node = 'edge-2' AND reason = 'node stopped'")
        .await;
    assert_eq!(gaps, ["t"]);
}

/// Whether the last query of this client found every node that it asked.
async fn covered_after(client: &Client, sql: &str) -> bool {
    if rows(client, sql).await.is_err() {
        return false;
    }
    let lacking = "SELECT count(*) FROM mesh.last_coverage WHERE status NOT IN ('answered', 'pruned')";
    rows(client, lacking).await.is_ok_and(|count| count == ["0"])
}

/// Rows that the node logged as committed, over all its starts' epochs.
fn acknowledged_rows(node: &Process) -> u64 {
    let mut newest = std::collections::BTreeMap::new();
    for line in node.lines().iter().filter(|line| line.contains("committed up to ")) {
        let number = line.split("committed up to ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let number: u64 = number.and_then(|text| text.parse().ok()).expect("a number");
        let key = ["feed", "stream", "epoch"].map(|name| support::field(line, name).expect(name).to_owned());
        newest.insert(key, number);
    }
    newest.iter().filter(|([_, stream, _], _)| stream == "logs").map(|(_, number)| number).sum()
}

async fn missing_is_told(fleet: &Fleet) {
    let client = &fleet.clients[2];
    // The first question may be the one that finds out.
    let _first = rows(client, "SELECT count(*) FROM logs").await;
    let asked = Instant::now();
    rows(client, "SELECT count(*) FROM logs").await.expect("the rows of the others");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let told =
        rows(client, "SELECT node, status FROM mesh.last_coverage WHERE status = 'missing'").await.expect("coverage");
    assert_eq!(told, ["edge-2|missing"]);
    client.batch_execute("SET armorlake.missing_nodes = 'error'").await.expect("set");
    let error = rows(client, "SELECT count(*) FROM logs").await.expect_err("incomplete");
    let text = error.as_db_error().expect("told by the server").message().to_owned();
    assert!(text.contains("node \"edge-2\" is missing") && text.contains("% of"), "{text}");
    client.batch_execute("SET armorlake.missing_nodes = 'warn'").await.expect("set");
}

async fn nothing_is_lost(fleet: &Fleet, returned: &[String], acknowledged: u64) {
    let list: Vec<String> = returned.iter().map(|id| format!("'{id}'")).collect();
    let found = fleet
        .ask_completely(
            2,
            &format!("SELECT count(*), count(DISTINCT event_id) FROM logs WHERE event_id IN ({})", list.join(",")),
        )
        .await;
    assert_eq!(found, [format!("{0}|{0}", returned.len())]);
    let once = fleet
        .ask_completely(2, "SELECT count(*) - count(DISTINCT event_id), count(*) FROM logs WHERE node = 'edge-2'")
        .await;
    let (twice, all) = once[0].split_once('|').expect("two columns");
    assert_eq!(twice, "0");
    assert!(all.parse::<u64>().expect("a count") >= acknowledged, "{all} rows, {acknowledged} were acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_node_costs_at_most_its_deadline() {
    let fleet = Fleet::start(&["--rate=100"]).await;
    wait_until("rows", PATIENCE, || async {
        (fleet.ask(2, "SELECT DISTINCT node FROM logs").await.len() == 2).then_some(())
    })
    .await;
    fleet.nodes[1].pause();
    let asked = Instant::now();
    let answer = fleet.ask(2, "SELECT DISTINCT node FROM logs").await;
    let took = asked.elapsed();
    println!("first answer with a paused node after {took:?}");
    assert_eq!(answer, ["edge-1"]);
    assert!(took < Duration::from_secs(6), "{took:?}");
    fleet.nodes[1].resume();
    wait_until("a complete answer", Duration::from_secs(10), || async {
        covered_after(&fleet.clients[2], "SELECT count(*) FROM logs").await.then_some(())
    })
    .await;
    assert!(fleet.feeds.len() == 3);
}
