//! SET, SHOW, RESET, and what the client is told unasked.

use super::raw::{Answer, Raw, kinds};
use super::server::{Server, config};

fn told(answers: &[Answer]) -> Vec<String> {
    answers.iter().filter(|answer| answer.kind == 'S').map(Answer::text).collect()
}

#[tokio::test]
async fn changes_of_reported_settings_are_told_and_taken_back() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    assert_eq!(told(&raw.query("begin; set timezone to 'Asia/Tokyo'").await), ["TimeZone\0Asia/Tokyo"]);
    assert_eq!(told(&raw.query("rollback").await), ["TimeZone\0UTC"]);
    assert_eq!(told(&raw.query("set statement_timeout = 60000").await), [""; 0]);
    assert_eq!(raw.query("show statement_timeout").await[1].values(), [Some("1min".to_owned())]);
    assert_eq!(told(&raw.query("set application_name = 'ä b'").await), ["application_name\0? b"]);
    server.until("the name in the list", |sessions| sessions[0].application == "? b").await;
    assert_eq!(told(&raw.query("reset all").await), ["application_name\0"]);
    server.stop().await;
}

#[tokio::test]
async fn local_settings_end_with_the_transaction() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let outside = raw.query("set local timezone = 'Asia/Tokyo'").await;
    assert_eq!((kinds(&outside).as_str(), outside[0].field(b'C').as_deref()), ("NCZ", Some("25P01")));
    let inside = raw.query("begin; set local timezone = 'Asia/Tokyo'; show timezone; commit; show timezone").await;
    let values: Vec<_> = inside.iter().filter(|answer| answer.kind == 'D').flat_map(Answer::values).flatten().collect();
    assert_eq!(values, ["Asia/Tokyo", "UTC"]);
    let modes = raw
        .query("begin isolation level serializable read only; show transaction_isolation; show transaction read only")
        .await;
    assert_eq!(modes[0].field(b'C').as_deref(), Some("42601"));
    let modes = raw
        .query(
            "begin isolation level serializable; show transaction isolation level; commit; show transaction_isolation",
        )
        .await;
    let values: Vec<_> = modes.iter().filter(|answer| answer.kind == 'D').flat_map(Answer::values).flatten().collect();
    assert_eq!(values, ["serializable", "read committed"]);
    server.stop().await;
}

#[tokio::test]
async fn the_wrong_settings_are_refused_as_postgresql_refuses_them() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for (sql, state) in [
        ("set no_such_setting = 1", "42704"),
        ("show no.such", "42704"),
        ("set armorlake.missing_nodes = 'maybe'", "22023"),
        ("set server_version = '9'", "55P02"),
        ("set client_encoding = 'latin1'", "0A000"),
        ("set statement_timeout = '1 fortnight'", "22023"),
        ("listen c", "0A000"),
        ("set role somebody", "42501"),
    ] {
        assert_eq!(raw.query(sql).await[0].field(b'C').as_deref(), Some(state), "{sql}");
    }
    for sql in ["set session authorization default", "unlisten *", "close all", "deallocate all", "set my.own = 'x'"] {
        assert_eq!(kinds(&raw.query(sql).await), "CZ", "{sql}");
    }
    assert!(kinds(&raw.query("show all").await).matches('D').count() > 30);
    server.stop().await;
}
