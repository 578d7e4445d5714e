//! The Query message and transactions.

use super::raw::{Raw, kinds};
use super::server::{Server, config};

fn status(answers: &[super::raw::Answer]) -> char {
    char::from(answers.last().expect("answers").body[0])
}

#[tokio::test]
async fn one_text_may_hold_many_statements() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let answers = raw.query("select 1 as a, 'x' as b; select 2; ; show TimeZone").await;
    assert_eq!(kinds(&answers), "TDCTDCTDCZ");
    assert_eq!(answers[1].values(), [Some("1".to_owned()), Some("x".to_owned())]);
    assert_eq!(answers[2].text(), "SELECT 1");
    assert_eq!(answers[8].text(), "SHOW");
    for empty in ["", ";", "-- ping"] {
        assert_eq!(kinds(&raw.query(empty).await), "IZ", "{empty}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_syntax_error_anywhere_stops_everything() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let answers = raw.query("select 1; selec 2").await;
    assert_eq!(kinds(&answers), "EZ");
    assert_eq!(answers[0].field(b'C').as_deref(), Some("42601"));
    assert_eq!(answers[0].field(b'P').as_deref(), Some("11"));
    assert_eq!(answers[0].field(b'M').as_deref(), Some("syntax error at or near \"selec\""));
    server.stop().await;
}

#[tokio::test]
async fn an_error_ends_the_text_and_takes_its_settings_back() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let answers = raw.query("set timezone = 'Asia/Tokyo'; show no_such_setting; select 1").await;
    assert_eq!(kinds(&answers), "CEZ");
    assert_eq!(status(&answers), 'I');
    assert_eq!(raw.query("show timezone").await[1].values(), [Some("UTC".to_owned())]);
    assert_eq!(raw.query("create table t (a int)").await[0].field(b'C').as_deref(), Some("42501"));
    server.stop().await;
}

#[tokio::test]
async fn a_transaction_block_goes_through_its_states() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let answers = raw.query("begin; select 1").await;
    assert_eq!((kinds(&answers).as_str(), status(&answers)), ("CTDCZ", 'T'));
    let again = raw.query("begin").await;
    assert_eq!((kinds(&again).as_str(), again[0].field(b'C').as_deref()), ("NCZ", Some("25001")));
    assert_eq!(status(&raw.query("savepoint a").await), 'T');
    assert_eq!(status(&raw.query("show no_such_setting").await), 'E');
    let refused = raw.query("select 1").await;
    assert_eq!((refused[0].field(b'C').as_deref(), status(&refused)), (Some("25P02"), 'E'));
    assert_eq!(status(&raw.query("rollback to a").await), 'T');
    assert_eq!(raw.query("release b").await[0].field(b'C').as_deref(), Some("3B001"));
    let ended = raw.query("commit").await;
    assert_eq!((ended[0].text().as_str(), status(&ended)), ("ROLLBACK", 'I'));
    let needless = raw.query("rollback").await;
    assert_eq!((kinds(&needless).as_str(), needless[0].field(b'C').as_deref()), ("NCZ", Some("25P01")));
    assert_eq!(raw.query("savepoint a").await[0].field(b'C').as_deref(), Some("25P01"));
    server.stop().await;
}

#[tokio::test]
async fn cursors_and_prepared_statements_by_sql() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let outside = raw.query("declare c cursor for select 1").await;
    assert_eq!(outside[0].field(b'C').as_deref(), Some("25P01"));
    let answers = raw
        .query("begin; declare c no scroll cursor for select generate_series from generate_series(1, 10); fetch 2 from c; move 3 in c; fetch all c; fetch c; close c; commit")
        .await;
    assert_eq!(kinds(&answers), "CCTDDCCTDDDDDCTCCCZ");
    assert_eq!(answers[5].text(), "FETCH 2");
    assert_eq!(answers[6].text(), "MOVE 3");
    assert_eq!(answers[8].values(), [Some("6".to_owned())]);
    let answers = raw.query("prepare p (bigint) as select $1 + 1; execute p(41); deallocate p").await;
    assert_eq!(kinds(&answers), "CTDCCZ");
    assert_eq!(answers[2].values(), [Some("42".to_owned())]);
    assert_eq!(raw.query("execute p(1)").await[0].field(b'C').as_deref(), Some("26000"));
    let held = raw.query("declare h cursor with hold for select 7; begin; commit; fetch h; discard all").await;
    assert!(kinds(&held).contains('D'), "{held:?}");
    server.stop().await;
}

#[tokio::test]
async fn explain_as_text_and_as_json() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let text = raw.query("explain select 1").await;
    assert_eq!(text.last().map(|answer| answer.kind), Some('Z'));
    assert_eq!(text[text.len() - 2].text(), "EXPLAIN");
    let json = raw.query("explain (analyze, format json) select generate_series from generate_series(1, 3)").await;
    let document: serde_json::Value =
        serde_json::from_str(json[1].values()[0].as_deref().expect("a plan")).expect("JSON");
    assert_eq!(document[0]["Plan"]["Actual Rows"], 3);
    assert!(document[0]["Plan"]["Node Type"].is_string());
    server.stop().await;
}

/// What pools and drivers send as one text between two users of a connection.
#[tokio::test]
async fn the_resets_of_pools_are_answered() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("set timezone = 'Asia/Tokyo'; prepare p as select 1; listen c").await;
    for (sql, commands) in [
        ("SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;", 4),
        (
            "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP",
            7,
        ),
        ("SET DateStyle = 'ISO';SET extra_float_digits = 2;show transaction_isolation", 3),
        ("BEGIN;select 1", 2),
        ("RELEASE _EXEC;SAVEPOINT _EXEC;select 1", 0),
        ("ROLLBACK", 1),
        ("DISCARD ALL", 1),
    ] {
        let answers = raw.query(sql).await;
        assert_eq!(kinds(&answers).matches('C').count(), commands, "{sql}: {answers:?}");
    }
    assert_eq!(raw.rows("show timezone").await, ["UTC"]);
    assert_eq!(raw.error("execute p").await[0], "26000");
    server.stop().await;
}
