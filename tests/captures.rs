//! Proves, from outside, the whole way of real events: recorded KubeArmor JSON in its three spellings
//! goes through gRPC into a node and comes back through PostgreSQL's protocol, each event once, and
//! every column of every row is what the JSON says; in the hot tier and from sealed segments.

mod support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::path::Path;

use armorlake::env::{Clock, SystemClock};
use chrono::{DateTime, Utc};
use serde_json::Value;
use support::expected::{Cell, OWN, Row, Sent, columns, events, row};
use support::spelling::{Spelling, respell};
use support::{Authority, NodeFile, PATIENCE, Process, connect, rows, shared_folder, wait_until};
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

const TABLES: [&str; 3] = ["alerts", "logs", "messages"];
const SPELLINGS: [(&str, Spelling); 3] =
    [("given", Spelling::Given), ("camel", Spelling::Camel), ("lower", Spelling::Lower)];

/// What the recordings lack: messages, hashes, firewalls, throttling, values that do not parse, every field at once.
const OWN_LINES: &str = r#"{"kind":"message","event":{"Timestamp":1779770817,"UpdatedTime":"2026-05-26T04:46:57.355927Z","ClusterName":"prod","HostName":"n1","HostIP":"10.0.0.1","Type":"Message","Level":"WARN","Message":"Lost Perf Events Count : 7"}}
{"kind":"message","event":{"Timestamp":1779770818,"Type":"Message","Level":"INFO","Message":"tab\t, \"quotes\", back\\slash and 日本語"}}
{"kind":"message","event":{"Level":"DEBUG","Message":"without a time"}}
{"kind":"alert","event":{"Timestamp":1779770817,"UpdatedTime":"2026-05-26T04:46:57.000001Z","ClusterName":"prod","HostName":"n1","NodeID":"ab12","NamespaceName":"shop","Owner":{"Ref":"StatefulSet","Name":"cart","Namespace":"shop"},"PodName":"cart-0","Labels":"team=shop,app=cart","ContainerID":"c0ffee","ContainerName":"cart","ContainerImage":"cart:1@sha256:00","HostPPID":1,"HostPID":2,"PPID":3,"PID":4,"UID":2147483647,"UserName":"root","ParentProcessName":"/bin/sh","ProcessName":"/bin/cat","PolicyName":"keep-out","Severity":"7","Tags":"A,B","ATags":["A","B","with, comma","{braces}"],"Message":"it's \"seen\"","Type":"MatchedPolicy","Source":"/bin/cat /etc/shadow","Operation":"File","Resource":"/etc/shadow","Data":"syscall=SYS_OPENAT fd=-100 flags=O_RDONLY|O_CLOEXEC","EventData":{"Syscall":"SYS_OPENAT","Fd":"-100","Flags":"O_RDONLY|O_CLOEXEC"},"Enforcer":"BPFLSM","Action":"Block","Result":"Permission denied","Cwd":"/","TTY":"pts0","MaxAlertsPerSec":0,"ExecEvent":{"ExecID":"18446744073709551615","ExecutableName":"cat"},"KubeArmorVersion":"v1.6.3","ProcessHash":"p1","ParentHash":"p2","ResourceHash":"r1","HashAlgo":"sha256"}}
{"kind":"alert","event":{"Timestamp":1779770820,"UpdatedTime":"2026-05-26T04:47:00.5Z","HostName":"n1","Type":"SystemEvent","Operation":"AlertThreshold","MaxAlertsPerSec":10,"DroppingAlertsInterval":30}}
{"kind":"alert","event":{"Timestamp":1779770821,"UpdatedTime":"yesterday","HostName":"n1","Severity":"Medium","Tags":" MITRE , ,CIS","Labels":"app=x,orphan","Type":"MatchedHostPolicy","Operation":"Capabilities","Resource":"CAP_NET_RAW","Data":"lsm=CAPABLE CAP_NET_RAW","ExecEvent":{"ExecID":"0"}}}
{"kind":"alert","event":{"Timestamp":1779770822,"UpdatedTime":"2026-05-26T04:47:02.000000Z","HostName":"n2","Type":"MatchedNetworkPolicy","Operation":"NetworkFirewall","Resource":"INGRESS","Data":"SourceIP=2001:DB8::1 SourcePort=5000 DestinationIP=10.0.0.9 DestinationPort=443 Protocol=TCP","Action":"Block","Enforcer":"NetworkPolicyEnforcer"}}
{"kind":"log","event":{"Timestamp":1779770823,"UpdatedTime":"2026-05-26T04:47:03.000000Z","HostName":"n2","Type":"SystemLog","Operation":"NetworkFirewall","Resource":"EGRESS","Data":"SourceIP=10.0.0.9 SourcePort=5000 DestinationIP=203.0.113.7 DestinationPort=443 Protocol=UDP"}}
{"kind":"log","event":{"Timestamp":1779770824,"UpdatedTime":"2026-05-26T04:47:04.000000Z","HostName":"n2","Type":"HostLog","UserName":"daemon","Operation":"Syscall","Data":"syscall=SYS_MOUNT source=tmpfs target=/mnt filesystem=tmpfs mountflag=0 data=size=64k,mode=755"}}
{"kind":"log","event":{"Timestamp":1779770825,"UpdatedTime":"2026-05-26T04:47:05.000000Z","HostName":"n2","Type":"HostLog","Operation":"Network","Resource":"sin_port=443 sin_addr=10.0.0.1 sa_family=AF_INET","Data":"syscall=SYS_BIND fd=3"}}
{"kind":"log","event":{"Timestamp":1779770826,"UpdatedTime":"2026-05-26T04:47:06.000000Z","HostName":"n2","Type":"HostLog","Operation":"Network","Resource":"sin_port=443 sa_family=AF_INET sin_addr=300.0.0.1","Data":"syscall=SYS_CONNECT fd=3"}}
{"kind":"log","event":{"Timestamp":1779770827,"UpdatedTime":"2026-05-26T04:47:07.000000Z","HostName":"n2","Type":"HostLog","Operation":"File","Resource":"/tmp/d","Data":"syscall=SYS_UNLINKAT flags=AT_REMOVEDIR"}}
{"kind":"log","event":{"HostName":"no time at all","Type":"HostLog"}}
"#;

/// Everything to send, as recorded.
fn recordings() -> String {
    let mut text = String::from(OWN_LINES);
    let Some(folder) = shared_folder() else { return text };
    for (name, count) in [("capture-aks.jsonl", 1_352), ("samples.jsonl", 102)] {
        let Ok(file) = std::fs::read_to_string(folder.join("kubearmor").join(name)) else {
            println!("skipped: the recording {name} is absent");
            continue;
        };
        let lines = file.lines().filter(|line| !line.trim().is_empty());
        assert!(lines.clone().count() >= count, "{name} is not whole");
        lines.for_each(|line| text.extend([line, "\n"]));
    }
    text
}

/// The value of a column in PostgreSQL's binary format.
fn cell(row: &tokio_postgres::Row, place: usize) -> Cell {
    fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a tokio_postgres::Row, place: usize) -> Option<T> {
        row.try_get(place).unwrap_or_else(|error| panic!("{}: {error}", row.columns()[place].name()))
    }
    let value = match row.columns()[place].type_().name() {
        "text" => get::<String>(row, place).map(Cell::Text),
        "int4" => get::<i32>(row, place).map(Cell::Int),
        "timestamptz" => get::<DateTime<Utc>>(row, place).map(|time| Cell::Time(time.timestamp_micros())),
        "uuid" => get::<Uuid>(row, place).map(Cell::Id),
        "jsonb" => get::<Value>(row, place).map(Cell::Json),
        "inet" => get::<IpAddr>(row, place).map(Cell::Address),
        "_text" => get::<Vec<String>>(row, place).map(Cell::Texts),
        other => panic!("{} is of type {other}", row.columns()[place].name()),
    };
    value.unwrap_or(Cell::Null)
}

/// What PostgreSQL shows for a value.
fn shown(cell: &Cell) -> Option<String> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Text(text) => text.clone(),
        Cell::Int(number) => number.to_string(),
        Cell::Time(micros) => {
            let time = DateTime::from_timestamp_micros(*micros).expect("a time");
            let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            text.trim_end_matches('0').trim_end_matches('.').to_owned() + "+00"
        }
        Cell::Json(value) => jsonb(value),
        Cell::Address(address) => address.to_string(),
        Cell::Texts(texts) => format!("{{{}}}", texts.iter().map(|text| element(text)).collect::<Vec<_>>().join(",")),
        Cell::Id(id) => id.to_string(),
    })
}

fn jsonb(value: &Value) -> String {
    let Value::Object(fields) = value else { return value.to_string() };
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(key, _)| (key.len(), *key));
    let fields: Vec<String> =
        fields.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), jsonb(value))).collect();
    format!("{{{}}}", fields.join(", "))
}

fn element(text: &str) -> String {
    let is_plain = !text.is_empty() && !text.eq_ignore_ascii_case("null");
    if is_plain && !text.contains([',', '{', '}', '"', '\\', ' ', '\t', '\n', '\r', '\u{b}', '\u{c}']) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// All rows of a table in both formats of the protocol, which must agree.
async fn read(client: &Client, table: &str) -> Vec<Row> {
    let sql = format!("SELECT * FROM {table} ORDER BY event_id");
    let binary = client.query(&sql, &[]).await.expect("rows in binary");
    let text = client.simple_query(&sql).await.expect("rows as text");
    let text: Vec<_> = text.into_iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_))).collect();
    assert_eq!(binary.len(), text.len(), "{table}");
    let mut all = Vec::new();
    for (row, text) in binary.iter().zip(&text) {
        let SimpleQueryMessage::Row(text) = text else { continue };
        let names = row.columns().iter().map(|column| column.name().to_owned());
        let cells: Row = names.zip((0..row.len()).map(|place| cell(row, place))).collect();
        for (place, column) in row.columns().iter().enumerate() {
            let expected = shown(&cells[column.name()]);
            assert_eq!(text.get(place), expected.as_deref(), "{} of {table} as text", column.name());
        }
        all.push(cells);
    }
    let description = client.prepare(&sql).await.expect("a description");
    let found: BTreeMap<String, String> =
        description.columns().iter().map(|one| (one.name().to_owned(), one.type_().name().to_owned())).collect();
    assert_eq!(found, columns(table), "columns of {table}");
    all
}

/// Both lists hold the same values equally often.
fn assert_same<T: Debug>(what: &str, found: &[T], expected: &[T]) {
    let count = |list: &[T]| {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        list.iter().for_each(|one| *counts.entry(format!("{one:?}")).or_default() += 1);
        counts
    };
    let (left, right) = (count(found), count(expected));
    let surplus = |one: &BTreeMap<String, i64>, other: &BTreeMap<String, i64>| -> Vec<String> {
        let more = one.iter().filter(|(key, count)| other.get(*key).copied().unwrap_or(0) < **count);
        more.map(|(key, _)| key.clone()).take(3).collect()
    };
    let (extra, lacking) = (surplus(&left, &right), surplus(&right, &left));
    assert!(
        extra.is_empty() && lacking.is_empty(),
        "{what}\nfound and not expected:\n{}\nexpected and not found:\n{}",
        extra.join("\n"),
        lacking.join("\n")
    );
}

/// The identities that the node gave; how often it called each content by one hash.
type Hashes = BTreeMap<String, Uuid>;

/// Checks the rows of one feed and table against what was sent; returns the hash of each content.
fn assert_rows(
    feed: &str,
    table: &str,
    found: &[Row],
    sent: &[Sent],
    received: std::ops::RangeInclusive<i64>,
) -> Hashes {
    let expected: Vec<Row> = sent.iter().filter(|event| event.table == table).map(row).collect();
    let (mut contents, mut hashes) = (Vec::new(), Hashes::new());
    for cells in found {
        let mut content = cells.clone();
        OWN.iter().for_each(|column| drop(content.remove(*column)));
        assert_eq!(cells["node"], Cell::Text("edge-1".to_owned()));
        let Cell::Time(received_at) = cells["received_at"] else { panic!("received_at: {cells:?}") };
        assert!(received.contains(&received_at), "received_at {received_at}");
        if cells["time_source"] == Cell::Int(2) {
            assert_eq!(content.remove("time"), Some(Cell::Time(received_at)));
        }
        let Cell::Id(hash) = cells["content_hash"] else { panic!("content_hash: {cells:?}") };
        let known = hashes.entry(format!("{content:?}")).or_insert(hash);
        assert_eq!(*known, hash, "one content, two hashes");
        contents.push(content);
    }
    assert_same(&format!("{table} of feed {feed}"), &contents, &expected);
    let mut distinct: Vec<&Uuid> = hashes.values().collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), hashes.len(), "two contents, one hash");
    hashes
}

/// Checks all rows of the node; returns how many there are.
async fn assert_everything(client: &Client, sent: &[Sent], start_us: i64) -> usize {
    let mut count = 0;
    for table in TABLES {
        let all = read(client, table).await;
        count += all.len();
        let ids: Vec<&Cell> = all.iter().map(|row| &row["event_id"]).collect();
        let mut distinct: Vec<String> = ids.iter().map(|id| format!("{id:?}")).collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len(), "an event_id of {table} occurs twice");
        let received = start_us..=SystemClock::new().now_us();
        let hashes = SPELLINGS.map(|(feed, _)| {
            let of_feed = |row: &&Row| row["feed"] == Cell::Text(feed.to_owned());
            let found: Vec<Row> = all.iter().filter(of_feed).cloned().collect();
            assert_rows(feed, table, &found, sent, received.clone())
        });
        assert_eq!(hashes[0], hashes[1], "{table}: the hash depends on the spelling");
        assert_eq!(hashes[0], hashes[2], "{table}: the hash depends on the spelling");
    }
    count
}

async fn simulators(folder: &Path, text: &str) -> Vec<Process> {
    let mut simulators = Vec::new();
    for (feed, spelling) in SPELLINGS {
        let path = folder.join(format!("{feed}.jsonl"));
        std::fs::write(&path, respell(text, spelling)).expect("write a recording");
        let path = path.to_str().expect("a path");
        simulators.push(Process::simulate(feed, &["--replay", path, "--pace", "fast"], folder));
    }
    simulators
}

/// Stops the simulators and checks that each sent every event once and dropped none.
async fn assert_all_sent(simulators: &mut [Process], count: usize) {
    for simulator in simulators {
        assert!(simulator.stop(PATIENCE).await.success());
        let line = simulator.wait_for_line("counters=", PATIENCE).await;
        let expected = format!("Counters {{ produced: {count}, sent: {count}, dropped: 0, unheard: 0 }}");
        assert!(line.contains(&expected), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_events_come_back_whole_in_every_spelling() {
    let start_us = SystemClock::new().now_us();
    let (text, folder) = (recordings(), tempfile::tempdir().expect("a folder"));
    let sent = events(&text);
    let authority = Authority::init(folder.path().join("ca"));
    let mut feeds = simulators(folder.path(), &text).await;
    let mut file = NodeFile::new("edge-1", "edge");
    for ((name, _), feed) in SPELLINGS.into_iter().zip(&mut feeds) {
        file = file.with_feed(name, feed.address_of("simulate").await);
    }
    let mut node = Process::serve("edge-1", &file.write(folder.path(), &authority), folder.path());
    let client = connect(node.address_of("pg").await).await;
    let total = sent.len() * SPELLINGS.len();
    let counts = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM messages)";
    wait_until("all events", PATIENCE, || async {
        let count: usize = rows(&client, counts).await.ok()?.first()?.parse().ok()?;
        (count >= total).then_some(())
    })
    .await;
    assert_all_sent(&mut feeds, sent.len()).await;
    assert_eq!(assert_everything(&client, &sent, start_us).await, total);
    let stored = rows(&client, "SELECT sum(received), sum(stored), sum(dropped) FROM mesh.sources").await;
    assert_eq!(stored.expect("sources"), [format!("{total}|{total}|0")]);
    node.assert_no_errors(&[]);

    // The same rows once more, from sealed segments and after a power failure.
    drop(client);
    node.kill();
    let file = file.with_sections("[storage]\nseal_rows = 1\nseal_age = \"1s\"").write(folder.path(), &authority);
    let mut node = Process::serve("edge-1", &file, folder.path());
    let client = connect(node.address_of("pg").await).await;
    wait_until("sealed rows", PATIENCE, || async {
        let hot = rows(&client, "SELECT sum(hot_rows), sum(segments) >= 3 FROM mesh.tables").await.ok()?;
        (hot == ["0|t"]).then_some(())
    })
    .await;
    assert_eq!(assert_everything(&client, &sent, start_us).await, total);
    node.assert_no_errors(&[]);
    let per_table = TABLES.map(|table| sent.iter().filter(|event| event.table == table).count());
    println!("{total} rows, each checked twice: three times {per_table:?} {TABLES:?}");
}
