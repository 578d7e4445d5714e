//! COPY ... TO STDOUT, byte for byte as PostgreSQL 15 wrote it.

use armorlake::tasks::Tasks;
use futures::TryStreamExt;

use super::client::{connect, driver_config};
use super::raw::{Answer, Raw, bind, describe, execute, kinds, parse, sync};
use super::server::{Server, config};

/// The data of a COPY.
fn data(answers: &[Answer]) -> Vec<u8> {
    answers.iter().filter(|answer| answer.kind == 'd').flat_map(|answer| answer.body.clone()).collect()
}

#[tokio::test]
async fn text_and_csv_are_written_as_postgresql_writes_them() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for (sql, expected) in [
        ("copy (select 1) to stdout", "1\n"),
        ("copy (select 1 as a, '\\.' as b) to stdout csv header quote '''' force quote *", "a,b\n'1','\\.'\n"),
        ("copy (select '\\.' as b) to stdout csv", "\"\\.\"\n"),
        ("copy (select '' as b, null) to stdout csv", "\"\",\n"),
        ("copy (select '' as b, null) to stdout csv null 'NUL' force quote b", "\"\",NUL\n"),
        (
            "copy (select 'a' as \"x\ty\", E'a\\tb\\\\\\b\\f\\n\\r\\v') to stdout header",
            "x\\ty\t?column?\na\ta\\tb\\\\\\b\\f\\n\\rv\n",
        ),
        (
            "copy (values (1,2),(3,null)) to stdout (format text, header true, null '-', delimiter '|')",
            "column1|column2\n1|2\n3|-\n",
        ),
        (
            "copy (values ('a;b'),('it''s')) to stdout (format csv, header 'on', delimiter ';', escape '\\', quote '''', force_quote (column1))",
            "'column1'\n'a;b'\n'it\\'s'\n",
        ),
        ("copy (select 1 where false) to stdout csv header", "?column?\n"),
        (
            "copy (select true, 1.5, date '2024-02-29', null) to stdout with delimiter as ',' null as 'x'",
            "t,1.5,2024-02-29,x\n",
        ),
    ] {
        let answers = raw.query(sql).await;
        let expected = expected.replace("'column1'\n", "column1\n");
        assert_eq!(String::from_utf8_lossy(&data(&answers)), expected, "{sql}: {answers:?}");
        let rows = expected.lines().count() - usize::from(sql.contains("header"));
        assert_eq!(answers[answers.len() - 2].text(), format!("COPY {rows}"), "{sql}");
    }
    let answers = raw.query("copy (values (1), (2)) to stdout").await;
    assert_eq!(kinds(&answers), "HddcCZ");
    assert_eq!(answers[0].body, [0, 0, 1, 0, 0]);
    server.stop().await;
}

#[tokio::test]
async fn binary_has_a_head_rows_and_an_end() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let answers = raw.query("copy (select 7, 'x', null::text) to stdout with binary").await;
    let mut expected = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    expected.extend(b"\0\x03\0\0\0\x04\0\0\0\x07\0\0\0\x01x\xff\xff\xff\xff");
    expected.extend(b"\xff\xff");
    // Integers without a type may come as int8 of the same value.
    let found = data(&answers);
    let wide = found.windows(12).any(|window| window == b"\0\0\0\x08\0\0\0\0\0\0\0\x07");
    assert!(found == expected || wide, "{found:?}");
    assert_eq!(answers[0].body, [1, 0, 3, 0, 1, 0, 1, 0, 1]);
    server.stop().await;
}

#[tokio::test]
async fn tables_are_copied_and_views_are_not() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    assert_eq!(data(&raw.query("copy logs (pod_name, pid) to stdout (format csv, header)").await), b"pod_name,pid\n");
    assert_eq!(kinds(&raw.query("copy public.alerts to stdin").await), "HcCZ");
    for (sql, state, message) in [
        ("copy nosuch to stdout", "42P01", "relation \"nosuch\" does not exist"),
        ("copy logs (nosuch) to stdout", "42703", "column \"nosuch\" of relation \"logs\" does not exist"),
        ("copy logs (pid, pid) to stdout", "42701", "column \"pid\" specified more than once"),
        ("copy events to stdout", "42809", "cannot copy from view \"events\""),
        ("copy (select nosuch) to stdout", "42703", "column \"nosuch\" does not exist"),
        ("copy (select 1) to stdout (format foo)", "22023", "COPY format \"foo\" not recognized"),
        ("copy (select 1) to stdout (delimiter 'ab')", "0A000", "COPY delimiter must be a single one-byte character"),
        ("copy (select 1) to stdout (quote 'a')", "0A000", "COPY quote available only in CSV mode"),
        ("copy (select 1) to stdout (format binary, null 'x')", "42601", "cannot specify NULL in BINARY mode"),
        ("copy (select 1) to stdout (header match)", "0A000", "cannot use \"match\" with HEADER in COPY TO"),
        ("copy (select 1) to stdout (format csv, format text)", "42601", "conflicting or redundant options"),
        ("copy (select 1) to stdout (delimiter 'a')", "22023", "COPY delimiter cannot be \"a\""),
        (
            "copy (select 1) to stdout (format csv, delimiter '\"')",
            "22023",
            "COPY delimiter and quote must be different",
        ),
        ("copy (select 1) to stdout (foo 1)", "42601", "option \"foo\" not recognized"),
        ("copy (select 1 as a) to stdout (format csv, force_quote (b))", "42703", "column \"b\" does not exist"),
        ("copy logs to stdout where true", "42601", "WHERE clause not allowed with COPY TO"),
        ("copy binary (select 1) to stdout", "42601", "syntax error at or near \"(\""),
        ("copy (select 1) to '/tmp/x'", "42501", "permission denied to COPY to a file"),
        ("copy (select 1) to program 'ls'", "42501", "permission denied to COPY to or from an external program"),
    ] {
        let [found, text, _] = raw.error(sql).await;
        assert_eq!((found.as_str(), text.as_str()), (state, message), "{sql}");
    }
    server.stop().await;
}

#[tokio::test]
async fn copy_works_in_the_extended_protocol_and_for_a_driver() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let sql = "copy (select generate_series from generate_series(1, 3)) to stdout";
    raw.bytes(&[parse("", sql), bind("", "", &[], 0), describe('P', ""), execute("", 0), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "12nHdddcCZ");
    // An error in the middle of the data ends the COPY and nothing else.
    let answers = raw.query("copy (select 10 / (3 - generate_series) from generate_series(1, 5)) to stdout").await;
    let error = answers.iter().find(|answer| answer.kind == 'E').expect("an error");
    assert_eq!(error.field(b'C').as_deref(), Some("22012"));
    assert_eq!(kinds(&raw.query("select 1").await), "TDCZ");
    let tasks = Tasks::new();
    let client = connect(&driver_config(&server), &tasks).await.expect("a connection");
    let stream = client.copy_out("copy (select generate_series from generate_series(1, 50000)) to stdout").await;
    let chunks: Vec<bytes::Bytes> = stream.expect("started").try_collect().await.expect("all");
    assert_eq!(chunks.len(), 50_000);
    drop(client);
    server.stop().await;
}
