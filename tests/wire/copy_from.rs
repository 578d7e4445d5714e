//! COPY ... FROM STDIN: the rows and the errors of PostgreSQL 15 for the same bytes.
//!
//! copy_from.jsonl has the cases, with what PostgreSQL answered (scripts/copy/record.py).

use super::changes::writing;
use super::raw::{Answer, Raw, bind, execute, kinds, message, parse, query, sync};
use super::server::{Server, config};

/// An error of a case: SQLSTATE, message, detail, hint, context.
const FIELDS: [u8; 5] = [b'C', b'M', b'D', b'H', b'W'];
/// Cases in which a node answers otherwise, by their data: it takes no value of a sequence for a row that WHERE does
/// not let in, tells other details of texts that cannot be read, and has neither infinite times nor arrays in arrays.
const OTHERWISE: &[&str] =
    &["13\tx\n14\ty\n", "1\tx\n2\ty\n\\N\tz\n", "{1,2\n", "{\"a\":}\n", "infinity\n", "{{1,2},{3,4}}\n"];

fn data(bytes: &[u8]) -> Vec<u8> {
    message(b'd', bytes)
}

fn done() -> Vec<u8> {
    message(b'c', b"")
}

/// A statement with all its data at once, or byte by byte.
async fn copied(raw: &mut Raw, sql: &str, bytes: &[u8], is_split: bool) -> Vec<Answer> {
    let sent: Vec<u8> = match is_split {
        true => bytes.chunks(1).flat_map(data).collect(),
        false => data(bytes),
    };
    raw.bytes(&[query(sql), sent, done()].concat()).await;
    raw.until('Z').await
}

fn error_of(answers: &[Answer]) -> Option<Vec<String>> {
    let error = answers.iter().find(|answer| answer.kind == 'E')?;
    Some(FIELDS.iter().map(|field| error.field(*field).unwrap_or_default()).collect())
}

fn texts(value: &serde_json::Value) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    value.as_array().expect("a list").iter().map(text).collect()
}

#[tokio::test]
async fn rows_and_errors_are_those_of_postgresql() {
    let server = Server::start(writing()).await;
    let mut raw = Raw::log_in(server.address).await;
    let mut cases = include_str!("copy_from.jsonl").lines().map(|line| serde_json::from_str(line).expect("a case"));
    let setup: serde_json::Value = cases.next().expect("the statements before the cases");
    for statement in texts(&setup["setup"]) {
        raw.tags(&statement).await;
    }
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in cases {
        let sql = case["copy"].as_str().expect("a statement");
        let bytes: Vec<u8> =
            case["data"].as_str().expect("data").chars().map(|c| u8::try_from(c).expect("a byte")).collect();
        let table = sql.split([' ', '(']).nth(1).expect("a table");
        let error = case.get("error").map(texts);
        let rows: Vec<String> = case["rows"].as_array().expect("rows").iter().map(|row| texts(row).join("|")).collect();
        for is_split in [false, true] {
            raw.tags(&format!("truncate {table} restart identity cascade")).await;
            let answers = copied(&mut raw, sql, &bytes, is_split).await;
            let found = (error_of(&answers), raw.rows(&format!("select * from {table} order by 1")).await);
            let is_otherwise = OTHERWISE.contains(&case["data"].as_str().unwrap_or_default());
            if found != (error.clone(), rows.clone()) && !is_otherwise {
                wrong.push(format!(
                    "{sql} {:?} split: {is_split}\n   is {found:?}\n  not {error:?} {rows:?}",
                    case["data"]
                ));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 300, "{count} cases");
    server.stop().await;
}

#[tokio::test]
async fn a_copy_is_all_or_nothing_and_the_client_may_give_up() {
    let server = Server::start(writing()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.tags("create table t (a int primary key, b text)").await;
    let many: String = (0..20_000).map(|row| format!("{row}\tx{row}\n")).collect();
    // The last of three parts has a row twice.
    let answers = copied(&mut raw, "copy t from stdin", format!("{many}7\ty\n").as_bytes(), false).await;
    assert_eq!(error_of(&answers).expect("an error")[4], "COPY t, line 20001");
    assert_eq!(raw.rows("select count(*) from t").await, ["0"]);
    let answers = copied(&mut raw, "copy t from stdin", many.as_bytes(), false).await;
    assert_eq!((kinds(&answers).as_str(), answers[1].text().as_str()), ("GCZ", "COPY 20000"));
    assert_eq!(raw.rows("select count(*), min(a), max(b) from t").await, ["20000|0|x9999"]);

    raw.bytes(&[query("copy t from stdin"), data(b"-1\tx\n"), message(b'f', b"no more\0")].concat()).await;
    let failed = error_of(&raw.until('Z').await).expect("an error");
    assert_eq!(failed[..2], ["57014", "COPY from stdin failed: no more"]);
    raw.bytes(&[query("copy t from stdin"), data(b"-1\tx\n"), query("select 1")].concat()).await;
    let failed = error_of(&raw.until('Z').await).expect("an error");
    assert_eq!(failed[..2], ["08P01", "unexpected message type 0x51 during COPY from stdin"]);
    assert_eq!(raw.rows("select count(*) from t").await, ["20000"]);

    // A block goes on after a savepoint, and sees its own rows.
    raw.tags("begin; delete from t; savepoint s").await;
    copied(&mut raw, "copy t from stdin", b"1\tx\n1\ty\n", false).await;
    raw.tags("rollback to s").await;
    copied(&mut raw, "copy t from stdin", b"1\tx\n2\ty\n", false).await;
    assert_eq!(raw.rows("select count(*) from t").await, ["2"]);
    raw.tags("commit").await;
    assert_eq!(raw.rows("select * from t order by a").await, ["1|x", "2|y"]);

    // A client that goes away in the middle leaves nothing, and nobody waits for it.
    let mut other = Raw::log_in(server.address).await;
    other.bytes(&[query("copy t from stdin"), data(b"3\tz\n")].concat()).await;
    assert_eq!(other.next().await.expect("an answer").kind, 'G');
    drop(other);
    raw.tags("insert into t values (3, 'mine')").await;
    assert_eq!(raw.rows("select b from t where a = 3").await, ["mine"]);
    server.stop().await;
}

#[tokio::test]
async fn copy_works_in_the_extended_protocol_and_needs_the_right() {
    let server = Server::start(writing()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.tags("create table t (a int, b text)").await;
    let start = [parse("", "copy t from stdin (format csv)"), bind("", "", &[], 0), execute("", 0), sync()].concat();
    raw.bytes(&[start, data(b"1,x\n2,"), data(b"y\n"), done(), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "12GCZ");
    assert_eq!(raw.rows("select * from t order by a").await, ["1|x", "2|y"]);
    raw.tags("begin read only").await;
    assert_eq!(
        raw.error("copy t from stdin").await[..2],
        ["25006", "cannot execute COPY FROM in a read-only transaction"]
    );
    raw.tags("rollback").await;
    raw.tags("set statement_timeout = 200").await;
    raw.bytes(&query("copy t from stdin")).await;
    let told = error_of(&raw.until('Z').await).expect("an error");
    assert_eq!(told[..2], ["57014", "canceling statement due to statement timeout"]);
    for (sql, state, text) in [
        ("copy nosuch from stdin", "42P01", "relation \"nosuch\" does not exist"),
        ("copy t from '/tmp/x'", "42501", "permission denied to COPY from a file"),
        ("copy t from program 'ls'", "42501", "permission denied to COPY to or from an external program"),
        ("copy t (a, zz) from stdin", "42703", "column \"zz\" of relation \"t\" does not exist"),
        ("copy t from stdin where", "42601", "syntax error at end of input"),
        ("copy t from stdin (header 7)", "42601", "header requires a Boolean value or \"match\""),
    ] {
        assert_eq!(raw.error(sql).await[..2], [state, text], "{sql}");
    }
    server.stop().await;
    let server = Server::start(config()).await;
    let mut reader = Raw::log_in(server.address).await;
    let denied = ["42501", "permission denied: role \"reader\" may only read"];
    assert_eq!(reader.error("copy t from stdin").await[..2], denied);
    server.stop().await;
}

/// A user of these roles.
fn with_role(role: &str) -> armorlake::pg::PgConfig {
    let mut config = config();
    for user in &mut config.users {
        user.roles = vec![role.into()];
    }
    config
}

#[tokio::test]
async fn history_is_loaded_into_event_tables() {
    let server = Server::start(with_role("admin")).await;
    let mut raw = Raw::log_in(server.address).await;
    let before = raw.rows("select count(*) from logs").await;
    let lines: String = (0..70_000)
        .map(|row| {
            format!(
                "2020-01-01 00:00:{:02}+00,pod-{},{row},\"{{\"\"b\"\":1, \"\"a\"\":\"\"x\"\"}}\",\n",
                row % 60,
                row % 7
            )
        })
        .collect();
    let sql = "copy logs (time, pod_name, pid, labels, resource) from stdin csv";
    let wrong = format!("{lines}2020-01-01,pod-1,x,,\n");
    let failed = error_of(&copied(&mut raw, sql, wrong.as_bytes(), false).await).expect("an error");
    assert_eq!(failed[..2], ["22P02", "invalid input syntax for type integer: \"x\""]);
    assert_eq!(failed[4], "COPY logs, line 70001, column pid: \"x\"");
    assert_eq!(raw.rows("select count(*) from logs").await, before);

    let answers = copied(&mut raw, sql, lines.as_bytes(), false).await;
    assert_eq!((kinds(&answers).as_str(), answers[1].text().as_str()), ("GCZ", "COPY 70000"));
    let facts = "select count(*), count(distinct event_id), count(distinct content_hash), min(node) = max(node), \
                 min(feed), max(pid), min(labels::text), count(resource), count(received_at) \
                 from logs where time < '2021-01-01'";
    assert_eq!(raw.rows(facts).await, ["70000|70000|70000|t|copy|69999|{\"a\": \"x\", \"b\": 1}|0|70000"]);
    let pods = "select pod_name, count(*) from logs where time between '2020-01-01' and '2020-01-02' \
                group by 1 order by 1 limit 2";
    assert_eq!(raw.rows(pods).await, ["pod-0|10000", "pod-1|10000"]);

    // What a node has written it takes again, byte for byte.
    let told = raw.query("copy (select * from logs where pid < 100 and feed = 'copy') to stdout binary").await;
    let all: Vec<u8> = told.iter().filter(|answer| answer.kind == 'd').flat_map(|answer| answer.body.clone()).collect();
    let answers = copied(&mut raw, "copy logs from stdin binary", &all, false).await;
    assert_eq!(answers[1].text(), "COPY 100", "{:?}", error_of(&answers));
    let twice = "select count(*), count(distinct event_id), count(distinct content_hash) from logs where pid < 100 \
                 and feed = 'copy'";
    assert_eq!(raw.rows(twice).await, ["200|100|100"]);
    let tagged = b"2020-01-01\t{a,\"b c\"}\t5\t1.2.3.4\n";
    copied(&mut raw, "copy alerts (time, tags, severity, remote_ip) from stdin", tagged, false).await;
    assert_eq!(
        raw.rows("select tags, severity, remote_ip from alerts where feed = 'copy'").await,
        ["{a,\"b c\"}|5|1.2.3.4"]
    );

    server.stop().await;
}

#[tokio::test]
async fn history_is_refused_that_is_none_of_this_node() {
    let server = Server::start(with_role("admin")).await;
    let mut raw = Raw::log_in(server.address).await;
    for (sql, bytes, expected) in [
        (
            "copy logs (time, node) from stdin",
            &b"2020-01-01\tother\n"[..],
            [
                "22023",
                "events of node \"other\" cannot be kept by another node",
                "COPY logs, line 1: \"2020-01-01\tother\"",
            ],
        ),
        (
            "copy logs (time, pid) from stdin",
            b"2020-01-01\t1\n\\N\t2\n",
            [
                "23502",
                "null value in column \"time\" of relation \"logs\" violates not-null constraint",
                "COPY logs, line 2: \"\\N\t2\"",
            ],
        ),
        ("copy events from stdin", b"", ["0A000", "cannot copy to view \"events\"", ""]),
    ] {
        let error = error_of(&copied(&mut raw, sql, bytes, false).await).expect("an error");
        assert_eq!([error[0].as_str(), error[1].as_str(), error[4].as_str()], expected, "{sql}");
    }
    raw.tags("begin").await;
    let refused = raw.error("copy logs from stdin").await;
    assert_eq!(refused[..2], ["25001", "COPY into event table \"logs\" cannot run inside a transaction block"]);
    raw.tags("rollback").await;
    assert_eq!(raw.rows("select count(*) from logs where feed = 'copy'").await, ["0"]);
    server.stop().await;
    let server = Server::start(writing()).await;
    let mut writer = Raw::log_in(server.address).await;
    assert_eq!(writer.error("copy logs from stdin").await[..2], ["42501", "permission denied for table logs"]);
    server.stop().await;
}
