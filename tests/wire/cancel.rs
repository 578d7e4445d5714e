//! Ends of statements from outside: cancel request, timeouts, a client that leaves, shutdown.

use armorlake::session::SessionState;
use armorlake::tasks::Tasks;
use tokio_postgres::NoTls;

use super::client::{connect, driver_config, state};
use super::raw::{Raw, kinds, packet, query, startup};
use super::server::{PATIENCE, Server, config};

/// Runs for hours unless it is ended.
const ENDLESS: &str = "select sum(generate_series) from generate_series(1, 100000000000)";
/// Sends rows for hours.
const ENDLESS_ROWS: &str = "select generate_series, repeat('x', 100) from generate_series(1, 100000000000)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_request_ends_the_statement_only() {
    let server = Server::start(config()).await;
    let tasks = Tasks::new();
    let client = connect(&driver_config(&server), &tasks).await.expect("a connection");
    let token = client.cancel_token();
    for sql in [ENDLESS, ENDLESS_ROWS] {
        let running = client.simple_query(sql);
        let cancelling = async {
            server.until("a running statement", |sessions| sessions[0].state == SessionState::Active).await;
            token.cancel_query(NoTls).await.expect("the request is sent");
        };
        let (result, ()) =
            tokio::time::timeout(PATIENCE, async { tokio::join!(running, cancelling) }).await.expect("in time");
        let error = result.expect_err("cancelled");
        assert_eq!(state(&error), "57014");
        assert_eq!(error.as_db_error().map(|error| error.message()), Some("canceling statement due to user request"));
    }
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn a_cancel_request_while_nothing_runs_does_nothing() {
    let server = Server::start(config()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&startup(&[("user", "reader"), ("database", "kubearmor")])).await;
    let answers = raw.until('Z').await;
    let key = &answers.iter().find(|answer| answer.kind == 'K').expect("a key").body;
    for secret in [[0; 4].as_slice(), &key[4..]] {
        let mut cancelling = Raw::connect(server.address).await;
        let code = 80_877_102_i32.to_be_bytes();
        cancelling.bytes(&packet(&[&code[..], &key[..4], secret].concat())).await;
        // The server hangs up when it has done what was asked.
        assert!(cancelling.until_closed().await.is_empty());
        assert_eq!(kinds(&raw.query("select 1").await), "TDCZ");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statement_timeout_ends_a_statement_and_not_the_next() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("set statement_timeout = '200ms'").await;
    let answers = raw.query(ENDLESS).await;
    let error = answers.iter().find(|answer| answer.kind == 'E').expect("an error");
    assert_eq!(error.field(b'C').as_deref(), Some("57014"));
    assert_eq!(error.field(b'M').as_deref(), Some("canceling statement due to statement timeout"));
    assert_eq!(kinds(&raw.query("select 1").await), "TDCZ");
    server.stop().await;
}

/// One batch below a join becomes any number of rows: the time limit holds in between as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statement_timeout_ends_joins_that_grow() {
    const NUMBERS: &str = "generate_series(1, 1000000)";
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("set statement_timeout = '300ms'").await;
    for sql in [
        format!("select count(*) from {NUMBERS} a, {NUMBERS} b"),
        format!("select count(*) from {NUMBERS} a(n) join {NUMBERS} b(n) on a.n < b.n"),
        format!("select count(*) from {NUMBERS} a(n) left join {NUMBERS} b(n) on a.n < b.n"),
        format!("select count(*) from {NUMBERS} a(n) join {NUMBERS} b(n) on a.n % 2 = b.n % 2"),
        format!("select count(*) from {NUMBERS} a(n) where exists (select from {NUMBERS} b(n) where a.n < b.n - 1000000)"),
        "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r".to_owned(),
    ] {
        let answers = tokio::time::timeout(PATIENCE, raw.query(&sql)).await.unwrap_or_else(|_| panic!("{sql}"));
        let error = answers.iter().find(|answer| answer.kind == 'E').expect("an error");
        assert_eq!(error.field(b'C').as_deref(), Some("57014"), "{sql}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_its_statement() {
    let server = Server::start(config()).await;
    for sql in [ENDLESS, ENDLESS_ROWS] {
        let mut raw = Raw::log_in(server.address).await;
        raw.bytes(&query(sql)).await;
        server
            .until("a running statement", |sessions| sessions.iter().any(|one| one.state == SessionState::Active))
            .await;
        drop(raw);
        server.until("the end of the session", <[_]>::is_empty).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_holds_nothing_beyond_its_timeout() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("set statement_timeout = '300ms'").await;
    raw.bytes(&query(ENDLESS_ROWS)).await;
    // The statement ends though its rows cannot be sent; then everything is read after all.
    server.until("the end of the statement", |sessions| sessions[0].state == SessionState::Idle).await;
    let answers = raw.until('Z').await;
    let error = answers.iter().find(|answer| answer.kind == 'E').expect("an error");
    assert_eq!(error.field(b'C').as_deref(), Some("57014"));
    assert!(answers.len() < 1_000_000, "rows were collected");
    server.stop().await;
}

#[tokio::test]
async fn idle_time_limits_end_the_connection() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("set idle_in_transaction_session_timeout = '100ms'; begin").await;
    let answers = raw.until_closed().await;
    assert_eq!(answers[0].field(b'C').as_deref(), Some("25P03"));
    assert_eq!(answers[0].field(b'S').as_deref(), Some("FATAL"));
    server.stop().await;
}

#[tokio::test]
async fn a_node_that_stops_says_so() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let farewell = async { raw.until_closed().await };
    let (answers, ()) = tokio::join!(farewell, server.stop());
    assert_eq!(answers[0].field(b'C').as_deref(), Some("57P01"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_idle_clients_do_not_hold_one_up() {
    let server = Server::start(config()).await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(Raw::log_in(server.address).await);
    }
    let tasks = Tasks::new();
    let client = connect(&driver_config(&server), &tasks).await.expect("one more");
    let rows = client.query("select generate_series from generate_series(1, 50000)", &[]).await.expect("rows");
    assert_eq!(rows.len(), 50_000);
    server.until("201 sessions", |sessions| sessions.len() == 201).await;
    for raw in &mut idle {
        assert_eq!(kinds(&raw.query("select 1").await), "TDCZ");
    }
    drop((client, idle));
    server.stop().await;
}
