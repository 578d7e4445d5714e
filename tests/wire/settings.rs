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
        ("set role somebody", "22023"),
        ("set role keyless", "22023"),
        ("set max_connections = 5", "55P02"),
        ("set log_statement = 'all'", "42501"),
        ("set work_mem = '1 parsec'", "22023"),
        ("set enable_seqscan = maybe", "22023"),
        ("set transform_null_equals = on", "0A000"),
    ] {
        assert_eq!(raw.query(sql).await[0].field(b'C').as_deref(), Some(state), "{sql}");
    }
    for sql in ["set session authorization default", "unlisten *", "close all", "deallocate all", "set my.own = 'x'"] {
        assert_eq!(kinds(&raw.query(sql).await), "CZ", "{sql}");
    }
    assert!(kinds(&raw.query("show all").await).matches('D').count() > 150);
    server.stop().await;
}

/// Values in the spelling of PostgreSQL 15, which was asked for each of these.
#[tokio::test]
async fn settings_are_shown_as_postgresql_shows_them() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for (set, show, value) in [
        ("set work_mem = '1GB'", "work_mem", "1GB"),
        ("set work_mem = '100kB'", "work_mem", "100kB"),
        ("set random_page_cost = 1.1", "random_page_cost", "1.1"),
        ("set extra_float_digits = '0x2'", "extra_float_digits", "2"),
        ("set extra_float_digits = 1.5", "extra_float_digits", "2"),
        ("set search_path = a, b, \"C d\"", "search_path", "a, b, \"C d\""),
        ("set search_path = ''", "search_path", "\"\""),
        ("set foo.bar = 'x'", "foo.bar", "x"),
        ("reset foo.bar", "foo.bar", ""),
        ("set statement_timeout to default", "statement_timeout", "0"),
        ("set default_transaction_isolation = 'Serializable'", "default_transaction_isolation", "serializable"),
        ("select set_config('timezone', 'Asia/Tokyo', false)", "timezone", "Asia/Tokyo"),
        ("select set_config('statement_timeout', '60000', false)", "statement_timeout", "1min"),
        ("begin; select set_config('timezone', 'UTC', true); commit", "timezone", "Asia/Tokyo"),
        ("begin; select set_config('timezone', 'UTC', false); rollback", "timezone", "Asia/Tokyo"),
    ] {
        raw.query(set).await;
        assert_eq!(raw.rows(&format!("show {show}")).await, [value], "{set}");
    }
    let [state, message, hint] = raw.error("set statement_timeout = '10 parsecs'").await;
    assert_eq!(
        (state.as_str(), message.as_str()),
        ("22023", "invalid value for parameter \"statement_timeout\": \"10 parsecs\"")
    );
    assert_eq!(hint, "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".");
    let [_, message, _] = raw.error("set work_mem = 1").await;
    assert_eq!(message, "1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)");
    let [_, _, hint] = raw.error("set intervalstyle = foo").await;
    assert_eq!(hint, "Available values: postgres, postgres_verbose, sql_standard, iso_8601.");
    assert_eq!(raw.error("select set_config('no_such', 'x', false)").await[0], "42704");
    server.stop().await;
}

#[tokio::test]
async fn a_setting_that_a_function_changed_is_told() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    assert_eq!(told(&raw.query("select set_config('TimeZone', 'Asia/Tokyo', false)").await), ["TimeZone\0Asia/Tokyo"]);
    assert_eq!(told(&raw.query("begin; savepoint a; set timezone = 'UTC'").await), ["TimeZone\0UTC"]);
    assert_eq!(told(&raw.query("rollback to a").await), ["TimeZone\0Asia/Tokyo"]);
    assert_eq!(told(&raw.query("commit").await), [""; 0]);
    server.stop().await;
}

/// The rules for SET TRANSACTION, with the texts of PostgreSQL.
#[tokio::test]
async fn the_modes_of_a_transaction_are_set_before_its_queries() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for (sql, message) in [
        (
            "begin; select 1; set transaction isolation level serializable",
            "SET TRANSACTION ISOLATION LEVEL must be called before any query",
        ),
        (
            "begin; savepoint a; set transaction isolation level serializable",
            "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction",
        ),
        (
            "begin read only; select 1; set transaction read write",
            "transaction read-write mode must be set before any query",
        ),
        (
            "begin; select 1; set transaction deferrable",
            "SET TRANSACTION [NOT] DEFERRABLE must be called before any query",
        ),
        (
            "begin; select 1; begin isolation level serializable",
            "SET TRANSACTION ISOLATION LEVEL must be called before any query",
        ),
    ] {
        let [state, found, _] = raw.error(sql).await;
        assert_eq!((state.as_str(), found.as_str()), ("25001", message), "{sql}");
        raw.query("rollback").await;
    }
    let shown = "show transaction_isolation; show transaction_read_only";
    raw.query("begin read only; set transaction isolation level repeatable read").await;
    assert_eq!(raw.rows(shown).await, ["repeatable read", "on"]);
    raw.query("commit; set session characteristics as transaction read only").await;
    assert_eq!(raw.rows(shown).await, ["read committed", "on"]);
    assert_eq!(raw.error("set transaction snapshot 'x'").await[0], "0A000");
    server.stop().await;
}
