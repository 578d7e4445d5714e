//! PREPARE, EXECUTE, DEALLOCATE and EXPLAIN.

use super::raw::{Raw, bind, execute, kinds, message, parse, sync};
use super::server::{Server, config};

#[tokio::test]
async fn arguments_are_brought_to_the_types_of_their_parameters() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.query("prepare s(int, text) as select $1, $2; prepare t as select 1; prepare u(timestamptz) as select $1")
        .await;
    for (sql, expected) in [
        ("execute s(1, 2)", "1|2"),
        ("execute s('5', 'x''y')", "5|x'y"),
        ("execute s(1 + 1, upper('a'))", "2|A"),
        ("execute s(null, null)", "-|-"),
        ("execute t", "1"),
        ("execute u('2024-02-29 12:00:00+00')", "2024-02-29 12:00:00+00"),
        ("execute u(date '2024-02-29')", "2024-02-29 00:00:00+00"),
    ] {
        assert_eq!(raw.rows(sql).await, [expected], "{sql}");
    }
    for (sql, state, text) in [
        ("execute s('x', 'y')", "22P02", "invalid input syntax for type integer: \"x\""),
        ("execute s(1)", "42601", "wrong number of parameters for prepared statement \"s\""),
        ("execute t(1)", "42601", "wrong number of parameters for prepared statement \"t\""),
        (
            "execute s(now(), 'a')",
            "42804",
            "parameter $1 of type timestamp with time zone cannot be coerced to the expected type integer",
        ),
        ("execute nosuch", "26000", "prepared statement \"nosuch\" does not exist"),
        ("deallocate nosuch", "26000", "prepared statement \"nosuch\" does not exist"),
        ("prepare s as select 1", "42P05", "prepared statement \"s\" already exists"),
        ("prepare r(nosuch) as select $1", "42704", "type \"nosuch\" does not exist"),
    ] {
        assert_eq!(raw.error(sql).await[..2], [state, text], "{sql}");
    }
    let refused = raw.query("execute s(1, 2); execute s('x', 'y')").await;
    let error = refused.iter().find(|answer| answer.kind == 'E').expect("an error");
    assert_eq!(error.field(b'P').as_deref(), Some("28"), "the place of the argument in the whole text");
    assert_eq!(raw.tags("deallocate prepare s; deallocate all").await, ["DEALLOCATE", "DEALLOCATE ALL"]);
    server.stop().await;
}

/// The session's own statements and cursors, and how often a plan was used again.
#[tokio::test]
async fn statements_and_cursors_are_listed() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    let list = "select name, statement, parameter_types, from_sql, generic_plans, custom_plans \
                from pg_prepared_statements";
    assert!(raw.rows(list).await.is_empty());
    raw.bytes(&[parse("one", "select  1"), parse("", "select 2"), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "11Z");
    let prepared = "prepare counted(text, int[]) as select count(*) from logs where pod_name = $1 and $2 is null";
    raw.query(prepared).await;
    for _ in 0..5 {
        assert_eq!(raw.rows("execute counted('nosuch', null)").await, ["0"]);
    }
    let counted = format!("counted|{prepared}|{{text,integer[]}}|t|3|2");
    assert_eq!(raw.rows(list).await, [counted.as_str(), "one|select  1|{}|f|0|0"]);
    // Another zone means another plan.
    raw.query("set timezone = 'Asia/Tokyo'").await;
    assert_eq!(raw.rows("execute counted('nosuch', null)").await, ["0"]);
    assert_eq!(raw.rows("select generic_plans, custom_plans from pg_prepared_statements limit 1").await, ["3|3"]);
    let recent = "select count(*) from pg_prepared_statements where prepare_time between now() - interval '1 hour' \
                  and clock_timestamp()";
    assert_eq!(raw.rows(recent).await, ["2"]);
    raw.query("deallocate all").await;
    assert!(raw.rows(list).await.is_empty());

    let cursors = "select name, statement, is_holdable, is_binary, is_scrollable from pg_cursors";
    assert!(raw.rows(cursors).await.is_empty());
    let (held, plain) =
        ("declare held binary scroll cursor with hold for select 1", "declare plain cursor for select 2");
    raw.query(&format!("begin; {held}; {plain}")).await;
    let (held, plain) = (format!("held|{held}|t|t|t"), format!("plain|{plain}|f|f|f"));
    assert_eq!(raw.rows(cursors).await, [held.as_str(), plain.as_str()]);
    raw.query("commit").await;
    assert_eq!(raw.rows(cursors).await, [held.as_str()]);
    raw.query("close held").await;
    assert!(raw.rows(cursors).await.is_empty());
    server.stop().await;
}

/// Both ways of preparing share their names, and any statement of the protocol can be executed by SQL.
#[tokio::test]
async fn statements_of_the_protocol_and_of_sql_are_one() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    raw.bytes(&[parse("shown", "show timezone"), parse("one", "select 1"), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "11Z");
    assert_eq!(raw.rows("execute shown; execute one").await, ["UTC", "1"]);
    raw.query("prepare two as select 2").await;
    raw.bytes(&[bind("", "two", &[], 0), execute("", 0), message(b'C', b"Stwo\0"), sync()].concat()).await;
    assert_eq!(kinds(&raw.until('Z').await), "2DC3Z");
    assert_eq!(raw.error("execute two").await[0], "26000");
    server.stop().await;
}

#[tokio::test]
async fn explain_tells_rows_and_times_in_every_form() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    const QUERY: &str = "select generate_series from generate_series(1, 100) where generate_series > 90";
    let plain = raw.rows(&format!("explain {QUERY}")).await;
    assert!(plain.iter().all(|line| !line.contains("actual") && !line.contains("Time")), "{plain:?}");
    let lines = raw.rows(&format!("explain analyze {QUERY}")).await;
    assert!(lines.iter().any(|line| line.contains("actual time=") && line.contains("rows=10 loops=1)")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("Planning Time: ")), "{lines:?}");
    assert!(lines.last().expect("a line").starts_with("Execution Time: "));
    let lines = raw.rows(&format!("explain (analyze, timing off, summary off) {QUERY}")).await;
    assert!(lines.iter().any(|line| line.contains("(actual rows=10 loops=1)")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("Time")), "{lines:?}");
    let json = raw.rows(&format!("explain (analyze, verbose, settings, format json) {QUERY}")).await;
    let document: serde_json::Value = serde_json::from_str(&json[0]).expect("JSON");
    assert!(document[0]["Execution Time"].as_f64().is_some_and(|time| time > 0.0));
    assert!(document[0]["Plan"]["Output"].is_string() && document[0]["Settings"].is_object());
    let xml = raw.rows(&format!("explain (format xml) {QUERY}")).await;
    assert!(xml[0].starts_with("<explain") && xml[0].ends_with("</explain>"), "{xml:?}");
    assert!(raw.rows(&format!("explain (format yaml) {QUERY}")).await[0].starts_with("- Plan:\n"));
    raw.query("prepare p(int) as select $1 + 1").await;
    assert!(!raw.rows("explain execute p(1)").await.is_empty());
    assert!(!raw.rows("explain declare c cursor for select 1").await.is_empty());
    for (sql, state, text) in [
        ("explain (foo) select 1", "42601", "unrecognized EXPLAIN option \"foo\""),
        ("explain (analyze maybe) select 1", "42601", "analyze requires a Boolean value"),
        ("explain (format foo) select 1", "22023", "unrecognized value for EXPLAIN option \"format\": \"foo\""),
        ("explain (timing) select 1", "22023", "EXPLAIN option TIMING requires ANALYZE"),
        ("explain execute nosuch", "26000", "prepared statement \"nosuch\" does not exist"),
    ] {
        assert_eq!(raw.error(sql).await[..2], [state, text], "{sql}");
    }
    server.stop().await;
}
