//! Proves, from outside, that the questions of KubeArmor's users have one answer on every node of a
//! fleet: the same columns, types and rows from the owners of the rows and from a node without any.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use support::answers::{Answer, agree, statements};
use support::fleet::{Fleet, NODES, PlannedFeed};
use support::postgres::{Postgres, copied};
use support::{PATIENCE, rows, shared_folder, wait_until};
use tokio_postgres::{Client, SimpleQueryMessage};

/// Logs to have before the feeds stop; some seconds at the rate of the three generators.
const LOGS_MIN: u64 = 12_000;
/// Questions whose answers are not yet what PostgreSQL gives, each with the reason. One that is not
/// named here must not differ.
const DIFFERENT: [(usize, &str); 1] =
    [(29, "the epoch of an interval has no fraction and is float8 instead of numeric")];
/// Rows of an answer that are printed.
const SHOWN: usize = 3;

/// Events that some questions name, and that neither the generator nor the recordings have.
const ASKED_FOR: &str = r#"{"kind":"log","event":{"Timestamp":1765218527,"UpdatedTime":"2025-12-08T18:28:47.000001Z","HostName":"n1","NamespaceName":"default","Owner":{"Ref":"Deployment","Name":"nginx","Namespace":"default"},"PodName":"nginx-1","ContainerID":"c1","HostPPID":1,"HostPID":251151,"PPID":0,"PID":10,"UID":0,"Type":"ContainerLog","Operation":"Process","Resource":"/bin/bash -i","ProcessName":"/bin/bash","TTY":"pts0","Data":"syscall=SYS_EXECVE","Result":"Passed"}}
{"kind":"log","event":{"Timestamp":1765218528,"UpdatedTime":"2025-12-08T18:28:48.000001Z","HostName":"n1","NamespaceName":"default","Owner":{"Ref":"Deployment","Name":"nginx","Namespace":"default"},"PodName":"nginx-1","ContainerID":"c1","HostPPID":251151,"HostPID":251152,"PPID":10,"PID":11,"UID":1000,"Type":"ContainerLog","Operation":"Process","Resource":"/tmp/x --daemon","ProcessName":"/tmp/x","Data":"syscall=SYS_EXECVE","Result":"Passed"}}
{"kind":"log","event":{"Timestamp":1765218529,"UpdatedTime":"2025-12-08T18:28:49.000001Z","HostName":"n1","NamespaceName":"default","Owner":{"Ref":"Deployment","Name":"nginx","Namespace":"default"},"PodName":"nginx-1","ContainerID":"c1","HostPPID":251152,"HostPID":251153,"PPID":11,"PID":12,"UID":1000,"Type":"ContainerLog","Operation":"Syscall","ProcessName":"/tmp/x","Data":"syscall=SYS_SETUID userid=0","Result":"Passed"}}
{"kind":"log","event":{"Timestamp":1765218530,"UpdatedTime":"2025-12-08T18:28:50.000001Z","HostName":"n1","NamespaceName":"default","Owner":{"Ref":"Deployment","Name":"nginx","Namespace":"default"},"PodName":"nginx-1","ContainerID":"c1","HostPPID":251152,"HostPID":251154,"PPID":11,"PID":13,"UID":1000,"Type":"ContainerLog","Operation":"File","Resource":"/var/log/auth.log","ProcessName":"/tmp/x","Data":"syscall=SYS_UNLINK","Result":"Passed"}}
{"kind":"alert","event":{"Timestamp":1765218531,"UpdatedTime":"2025-12-08T18:28:51.000001Z","HostName":"n1","NamespaceName":"default","PodName":"nginx-1","ContainerName":"nginx","Type":"SystemEvent","Operation":"AlertThreshold","MaxAlertsPerSec":10,"DroppingAlertsInterval":30}}
{"kind":"log","event":{"Timestamp":1765218532,"UpdatedTime":"2025-12-08T18:28:52.000001Z","HostName":"n2","NamespaceName":"wordpress-mysql","Owner":{"Ref":"Deployment","Name":"wordpress","Namespace":"wordpress-mysql"},"PodName":"wordpress-1","ContainerID":"c2","ContainerName":"wordpress","HostPPID":1,"HostPID":7,"PPID":1,"PID":7,"UID":33,"Type":"ContainerLog","Operation":"Process","Resource":"/usr/sbin/apache2 -k start","ProcessName":"/usr/sbin/apache2","Data":"syscall=SYS_EXECVE","Result":"Passed"}}
"#;

fn planned(folder: &std::path::Path, recorded: &str) -> Vec<PlannedFeed> {
    let generated = |(name, node, seed): (&'static str, &'static str, &str)| PlannedFeed {
        name,
        node,
        arguments: ["--rate", "800", "--wait-for-client", "--seed", seed].map(str::to_owned).to_vec(),
    };
    let feeds = [("feed-a", "edge-1", "1"), ("feed-b", "edge-2", "2"), ("feed-c", "edge-2", "3")];
    let mut plan: Vec<PlannedFeed> = feeds.into_iter().map(generated).collect();
    // Both owners get some of the recorded events, so that each question meets rows of both.
    for (turn, (name, node)) in [("recorded-a", "edge-1"), ("recorded-b", "edge-2")].into_iter().enumerate() {
        let lines = recorded.lines().chain(ASKED_FOR.lines()).enumerate();
        let own: String =
            lines.filter(|(number, _)| number % 2 == turn).map(|(_, line)| line.to_owned() + "\n").collect();
        let path = folder.join(format!("{name}.jsonl"));
        std::fs::write(&path, own).expect("write a recording");
        let path = path.to_str().expect("a path").to_owned();
        let arguments = ["--pace", "fast", "--replay", &path].map(str::to_owned).to_vec();
        plan.push(PlannedFeed { name, node, arguments });
    }
    plan
}

/// Waits until what each node knows of every other is what that node has.
async fn wait_until_settled(clients: &BTreeMap<&str, Client>) {
    let held = "SELECT (SELECT count(*) FROM events WHERE node = $1) + (SELECT count(*) FROM messages WHERE node = $1)";
    let known = "SELECT node, rows FROM mesh.nodes WHERE status = 'up' ORDER BY node";
    wait_until("settled summaries", PATIENCE, || async {
        let mut expected = Vec::new();
        for node in NODES {
            let own = rows(&clients[node], &held.replace("$1", &format!("'{node}'"))).await.ok()?;
            expected.push(format!("{node}|{}", own.first()?));
        }
        for client in clients.values() {
            if rows(client, known).await.ok()? != expected {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// What a statement gives.
#[derive(Debug)]
struct Asked {
    names: Vec<String>,
    types: Vec<String>,
    rows: Answer,
}

async fn ask(client: &Client, sql: &str) -> Result<Asked, tokio_postgres::Error> {
    let described = client.prepare(sql).await?;
    let names = described.columns().iter().map(|column| column.name().to_owned()).collect();
    let types = described.columns().iter().map(|column| column.type_().name().to_owned()).collect();
    let mut rows = Answer::new();
    for message in client.simple_query(sql).await? {
        if let SimpleQueryMessage::Row(row) = message {
            rows.push((0..row.len()).map(|place| row.get(place).unwrap_or("NULL").to_owned()).collect());
        }
    }
    Ok(Asked { names, types, rows })
}

/// Asks and waits for the answer, but not for ever.
async fn ask_in_time(client: &Client, sql: &str) -> Result<Asked, tokio_postgres::Error> {
    tokio::time::timeout(Duration::from_secs(30), ask(client, sql)).await.expect("an answer in time")
}

/// The questions with `now()` fixed to a time after the newest event.
async fn fixed(questions: &str, client: &Client) -> Vec<String> {
    let newest = rows(client, "SELECT max(time) + interval '1 second' FROM logs").await.expect("a time");
    let now = format!("timestamptz '{}'", newest[0]);
    statements(questions).iter().map(|question| question.replace("now()", &now)).collect()
}

/// The fleet with its rows: feeds ended, one node restarted, everything settled.
async fn fleet_with_rows(recorded: &str) -> (Fleet, BTreeMap<&'static str, Client>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut fleet = Fleet::start_with(&planned(folder.path(), recorded)).await;
    let query = fleet.connect("query-3").await;
    wait_until("events of all feeds", PATIENCE, || async {
        let seen = rows(&query, "SELECT count(*), count(DISTINCT feed) FROM logs").await.ok()?;
        let (count, feeds) = seen.first()?.split_once('|')?;
        (count.parse::<u64>().ok()? >= LOGS_MIN && feeds == "5").then_some(())
    })
    .await;
    // A node that was away leaves gaps behind, about which one of the questions asks.
    fleet.node("edge-2").kill();
    fleet.start_node("edge-2");
    let client = fleet.connect("edge-2").await;
    wait_until("closed gaps", PATIENCE, || async {
        let open = "SELECT count(*) FROM mesh.source_gaps WHERE node = 'edge-2' AND reason = 'node stopped' AND to_time IS NOT NULL";
        let closed: u64 = rows(&client, open).await.ok()?.first()?.parse().ok()?;
        (closed >= 6).then_some(())
    })
    .await;
    fleet.kill_feeds();
    let mut clients = BTreeMap::new();
    for node in NODES {
        clients.insert(node, fleet.connect(node).await);
    }
    wait_until_settled(&clients).await;
    (fleet, clients)
}

/// What differs between the nodes' answers to one question; how many rows it has.
async fn compare_nodes(clients: &BTreeMap<&str, Client>, sql: &str, failures: &mut Vec<String>) -> usize {
    let mut answers = BTreeMap::new();
    for (node, client) in clients {
        match ask_in_time(client, sql).await {
            Ok(answer) => drop(answers.insert(*node, answer)),
            Err(error) => failures.push(format!("{node}: {error:?}: {sql}")),
        }
    }
    let Some(expected) = answers.get("query-3") else { return 0 };
    println!("{} rows: {sql}\n   {:?} {:?}", expected.rows.len(), expected.names, expected.types);
    expected.rows.iter().take(SHOWN).for_each(|row| println!("   {}", row.join("|")));
    for (node, found) in &answers {
        let is_same_shape = (&found.names, &found.types) == (&expected.names, &expected.types);
        if !is_same_shape || !agree(sql, &expected.names, &expected.rows, &found.rows) {
            failures.push(format!("{node} has {} rows, query-3 {}: {sql}", found.rows.len(), expected.rows.len()));
        }
    }
    expected.rows.len()
}

/// Copies a table of the fleet into PostgreSQL, under the same name.
async fn copy_table(from: &Client, to: &Client, table: &str) {
    let all = format!("SELECT * FROM {table}");
    let described = from.prepare(&all).await.expect("a description");
    let columns = described.columns().iter().map(|one| format!("\"{}\" {}", one.name(), one.type_().name()));
    let columns: Vec<String> = columns.collect();
    let create = format!("CREATE TABLE {table} ({})", columns.join(", "));
    to.batch_execute(&create).await.unwrap_or_else(|error| panic!("{create}: {error:?}"));
    let mut lines = String::new();
    for message in from.simple_query(&all).await.expect("rows") {
        if let SimpleQueryMessage::Row(row) = message {
            let values: Vec<String> = (0..row.len()).map(|place| copied(row.get(place))).collect();
            lines.extend([values.join("\t").as_str(), "\n"]);
        }
    }
    let sink = to.copy_in(&format!("COPY {table} FROM STDIN")).await.expect("begin to copy");
    let mut sink = std::pin::pin!(sink);
    sink.send(Bytes::from(lines)).await.expect("copy");
    sink.finish().await.expect("rows that PostgreSQL reads");
}

/// How PostgreSQL's answer to a question differs from the fleet's; empty when it does not.
async fn differences(fleet: &Client, postgres: &Client, sql: &str) -> Vec<String> {
    let expected = ask_in_time(postgres, sql).await.unwrap_or_else(|error| panic!("PostgreSQL: {error:?}: {sql}"));
    let found = ask_in_time(fleet, sql).await.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    let mut different = Vec::new();
    if found.names != expected.names {
        different.push(format!("names {:?}, PostgreSQL {:?}", found.names, expected.names));
    }
    if found.types != expected.types {
        different.push(format!("types {:?}, PostgreSQL {:?}", found.types, expected.types));
    }
    if !agree(sql, &expected.names, &expected.rows, &found.rows) {
        let first = found.rows.iter().zip(&expected.rows).find(|(one, other)| one != other);
        different.push(format!("{} and {} rows, such as {first:?}", found.rows.len(), expected.rows.len()));
    }
    different
}

/// PostgreSQL gives the same over the same rows, where it is installed.
async fn compare_with_postgres(fleet: &Client, statements: &[String]) {
    let Some(postgres) = Postgres::start() else { return };
    let client = postgres.connect().await;
    client.batch_execute("CREATE SCHEMA mesh").await.expect("a schema");
    for table in ["alerts", "logs", "mesh.source_gaps"] {
        copy_table(fleet, &client, table).await;
    }
    let mut failures = Vec::new();
    for (number, sql) in (1..).zip(statements) {
        let different = differences(fleet, &client, sql).await.join("; ");
        let known = DIFFERENT.iter().find(|(one, _)| *one == number).map(|(_, reason)| *reason);
        match (different.is_empty(), known) {
            (true, None) => {}
            (true, Some(reason)) => println!("question {number} no longer differs: {reason}"),
            (false, Some(reason)) => println!("question {number} differs, since {reason}: {different}"),
            (false, None) => failures.push(format!("question {number}: {different}: {sql}")),
        }
    }
    assert!(failures.is_empty(), "unlike PostgreSQL:\n{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_gives_the_same_answer_to_every_question() {
    let Some(shared) = shared_folder() else { return };
    let read = |name: &str| std::fs::read_to_string(shared.join("kubearmor").join(name));
    let (Ok(questions), Ok(samples), Ok(capture)) =
        (read("questions.sql"), read("samples.jsonl"), read("capture-aks.jsonl"))
    else {
        println!("skipped: the shared folder lacks the questions or the recordings");
        return;
    };
    let (mut fleet, clients) = fleet_with_rows(&(samples + &capture)).await;
    let query = &clients["query-3"];
    let statements = fixed(&questions, query).await;
    let (mut failures, mut with_rows) = (Vec::new(), 0);
    for sql in &statements {
        with_rows += usize::from(compare_nodes(&clients, sql, &mut failures).await > 0);
    }
    println!("{} questions, {with_rows} with rows, on {} nodes", statements.len(), clients.len());
    assert!(statements.len() >= 36);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    compare_with_postgres(query, &statements).await;
    for node in NODES {
        fleet.node(node).assert_no_errors(&[]);
    }
}
