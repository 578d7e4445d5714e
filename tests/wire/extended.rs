//! Parse, Bind, Describe, Execute, Close, Flush, Sync.

use armorlake::tasks::Tasks;
use tokio_postgres::types::Type;

use super::client::{connect, driver_config, state};
use super::raw::{Raw, bind, describe, execute, kinds, message, parse, sync};
use super::server::{Server, config};

const SERIES: &str = "select generate_series from generate_series(1, 10)";

#[tokio::test]
async fn a_driver_sends_and_gets_binary_values() {
    let server = Server::start(config()).await;
    let tasks = Tasks::new();
    let client = connect(&driver_config(&server), &tasks).await.expect("a connection");
    let row = client
        .query_one("select true as a, cast(-5 as int) as b, 1.5 as c, 'zażółć' as d, cast(7 as smallint), null", &[])
        .await
        .expect("a row");
    assert!(row.get::<_, bool>(0));
    assert_eq!((row.get::<_, i32>(1), row.get::<_, &str>(3), row.get::<_, i16>(4)), (-5, "zażółć", 7));
    assert_eq!(row.get::<_, Option<String>>(5), None);
    let row = client
        .query_one("select timestamp '2024-02-29 12:34:56.5' as t, date '1999-12-31' as d", &[])
        .await
        .expect("a row");
    assert_eq!(row.get::<_, chrono::NaiveDateTime>(0).to_string(), "2024-02-29 12:34:56.500");
    assert_eq!(row.get::<_, chrono::NaiveDate>(1).to_string(), "1999-12-31");
    let typed = [Type::INT8, Type::TEXT, Type::FLOAT8, Type::BOOL];
    let text = "select generate_series from generate_series(1, 3) where generate_series = $1 and 'x' = $2 and 0.25 < $3 and $4 = true";
    let statement = client.prepare_typed(text, &typed).await.expect("prepared");
    assert_eq!(statement.params(), typed);
    let row = client.query_one(&statement, &[&2_i64, &"x", &0.5_f64, &true]).await.expect("a row");
    assert_eq!(row.get::<_, i32>(0), 2);
    let text = "select generate_series from generate_series(1, 10) where generate_series > $1 and generate_series < $2";
    assert_eq!(client.query(text, &[&3_i32, &6_i32]).await.expect("rows").len(), 2);
    let error = client.query("selec", &[]).await.expect_err("no statement");
    assert_eq!(state(&error), "42601");
    assert_eq!(client.query("select 1", &[]).await.expect("still open").len(), 1);
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn a_portal_hands_its_rows_out_in_pages() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("begin").await;
    raw.bytes(&[parse("", SERIES), bind("c", "", &[], 0), describe('P', "c"), execute("c", 4), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "12TDDDDsZ");
    // It survives Sync, and a FETCH by its name.
    raw.bytes(&[execute("c", 4), sync()].concat()).await;
    let page = raw.until('Z').await;
    assert_eq!(kinds(&page), "DDDDsZ");
    assert_eq!(page[3].values(), [Some("8".to_owned())]);
    let fetched = raw.query("fetch 1 from c").await;
    assert_eq!(fetched[1].values(), [Some("9".to_owned())]);
    raw.bytes(&[execute("c", 4), sync()].concat()).await;
    let last = raw.until('Z').await;
    assert_eq!((kinds(&last).as_str(), last[1].text().as_str()), ("DCZ", "SELECT 1"));
    raw.bytes(&[message(b'C', b"Pc\0"), execute("c", 0), sync()].concat()).await;
    let closed = raw.until('Z').await;
    assert_eq!((kinds(&closed).as_str(), closed[1].field(b'C').as_deref()), ("3EZ", Some("34000")));
    server.stop().await;
}

#[tokio::test]
async fn a_pipeline_skips_to_sync_after_an_error() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let good = [parse("", "select 1"), bind("", "", &[], 0), execute("", 0)].concat();
    let bad = [parse("", "show no_such_setting"), bind("", "", &[], 0), execute("", 0)].concat();
    raw.bytes(&[good.clone(), bad, good.clone(), sync(), good, sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "12DCEZ");
    assert_eq!(kinds(&raw.until('Z').await), "12DCZ");
    // A portal does not outlive Sync outside a transaction; a statement does.
    raw.bytes(
        &[
            parse("s", "select 2"),
            bind("p", "s", &[], 0),
            sync(),
            execute("p", 0),
            sync(),
            bind("", "s", &[], 0),
            execute("", 0),
            sync(),
        ]
        .concat(),
    )
    .await;
    assert_eq!(kinds(&raw.until('Z').await), "12Z");
    assert_eq!(kinds(&raw.until('Z').await), "EZ");
    assert_eq!(kinds(&raw.until('Z').await), "2DCZ");
    server.stop().await;
}

#[tokio::test]
async fn flush_answers_without_sync() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let flush = message(b'H', b"");
    raw.bytes(&[parse("s", SERIES), describe('S', "s"), flush.clone()].concat()).await;
    assert_eq!(kinds(&raw.until('T').await), "1tT");
    raw.bytes(&[bind("c", "s", &[], 0), execute("c", 3), flush.clone()].concat()).await;
    assert_eq!(kinds(&raw.until('s').await), "2DDDs");
    raw.bytes(&[execute("c", 0), flush].concat()).await;
    assert_eq!(kinds(&raw.until('C').await), "DDDDDDDC");
    raw.bytes(&sync()).await;
    assert_eq!(kinds(&raw.until('Z').await), "Z");
    server.stop().await;
}

#[tokio::test]
async fn statements_that_are_no_queries_can_be_prepared() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for (sql, expected) in [
        ("", "12nIZ"),
        ("begin", "12nCZ"),
        ("show timezone", "12TDCZ"),
        ("declare c cursor for select 1", "12nCZ"),
        ("fetch c", "12TDCZ"),
        ("explain (format json) select 1", "12TDCZ"),
        ("commit", "12nCZ"),
        ("set extra_float_digits = 3", "12nCZ"),
    ] {
        raw.bytes(&[parse("", sql), bind("", "", &[], 0), describe('P', ""), execute("", 0), sync()].concat()).await;
        assert_eq!(kinds(&raw.until('Z').await), expected, "{sql}");
    }
    for (messages, state) in [
        (parse("", "select 1; select 2"), "42601"),
        (bind("", "absent", &[], 0), "26000"),
        (execute("absent", 0), "34000"),
        ([parse("twice", "select 1"), parse("twice", "select 1")].concat(), "42P05"),
        ([parse("", "select 1"), bind("", "", &[Some("1")], 0)].concat(), "08P01"),
        ([parse("", "select 1"), bind("", "", &[], 7)].concat(), "08P01"),
        (
            [
                parse("", "select generate_series from generate_series(1, 10) where generate_series = $1"),
                bind("", "", &[Some("x")], 0),
            ]
            .concat(),
            "22P02",
        ),
    ] {
        raw.bytes(&[messages, sync()].concat()).await;
        let answers = raw.until('Z').await;
        let error = answers.iter().find(|answer| answer.kind == 'E').expect("an error");
        assert_eq!(error.field(b'C').as_deref(), Some(state), "{answers:?}");
    }
    server.stop().await;
}

/// One driver sends a Sync after every message, so the unnamed statement and an open transaction's
/// unnamed portal must outlive it.
#[tokio::test]
async fn unnamed_statements_and_portals_outlive_sync() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.bytes(&[parse("", SERIES), message(b'H', b""), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "1Z");
    raw.bytes(&[describe('S', ""), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "tTZ");
    for _ in 0..2 {
        raw.bytes(&[bind("", "", &[], 0), execute("", 2), sync()].concat()).await;
        assert_eq!(kinds(&raw.until('Z').await), "2DDsZ");
    }
    raw.bytes(&[parse("", "begin"), bind("", "", &[], 0), execute("", 1), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "12CZ");
    raw.bytes(&[parse("", SERIES), bind("", "", &[], 0), execute("", 4), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "12DDDDsZ");
    raw.bytes(&[execute("", 4), sync(), execute("", 0), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "DDDDsZ");
    assert_eq!(kinds(&raw.until('Z').await), "DDCZ");
    // A simple query takes the unnamed statement away.
    raw.query("select 1").await;
    raw.bytes(&[bind("", "", &[], 0), sync()].concat()).await;
    assert_eq!(raw.until('Z').await[0].field(b'C').as_deref(), Some("26000"));
    server.stop().await;
}

#[tokio::test]
async fn columns_may_each_have_a_format() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let mut body = b"\0\0\0\0\0\0\0\x03".to_vec();
    body.extend([0, 1, 0, 0, 0, 1]);
    let mixed = message(b'B', &body);
    let sql = "select true, true, cast(7 as smallint)";
    raw.bytes(&[parse("", sql), mixed, describe('P', ""), execute("", 0), sync()].concat()).await;
    let answers = raw.until('Z').await;
    assert_eq!(kinds(&answers), "12TDCZ");
    assert_eq!(answers[3].body, b"\0\x03\0\0\0\x01\x01\0\0\0\x01t\0\0\0\x02\0\x07");
    // Two formats for three columns.
    let wrong = message(b'B', b"\0\0\0\0\0\0\0\x02\0\x01\0\0");
    raw.bytes(&[parse("", sql), wrong, sync()].concat()).await;
    let refused = raw.until('Z').await;
    assert_eq!(refused[1].field(b'C').as_deref(), Some("08P01"));
    assert_eq!(refused[1].field(b'M').as_deref(), Some("bind message has 2 result formats but query has 3 columns"));
    server.stop().await;
}

#[tokio::test]
async fn a_portal_that_is_no_query_runs_once() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.bytes(&[parse("", "begin"), bind("p", "", &[], 0), execute("p", 0), execute("p", 0), sync()].concat()).await;
    let answers = raw.until('Z').await;
    assert_eq!(kinds(&answers), "12CEZ");
    assert_eq!(answers[3].field(b'C').as_deref(), Some("55000"));
    raw.query("rollback; begin").await;
    raw.bytes(&[parse("", "select 1"), bind("p", "", &[], 0), execute("p", 0), execute("p", 0), sync()].concat()).await;
    let answers = raw.until('Z').await;
    assert_eq!((kinds(&answers).as_str(), answers[4].text().as_str()), ("12DCCZ", "SELECT 0"));
    server.stop().await;
}
