//! Single spellings of PostgreSQL.

use std::collections::BTreeMap;

use super::harness::{Answer, Harness};
use super::questions::sample_rows;

async fn ask(sql: &str) -> Answer {
    Harness::new(sample_rows()).await.ask(sql).await
}

/// The only row of a statement.
async fn row(sql: &str) -> Vec<String> {
    let mut answer = ask(sql).await;
    assert_eq!(answer.rows.len(), 1, "{sql}: {answer:?}");
    answer.rows.swap_remove(0)
}

#[tokio::test]
async fn columns_are_named_as_postgresql_names_them() {
    for (sql, names) in [
        (
            "SELECT count(*), max(time), 1, 'a', node FROM logs GROUP BY node",
            &["count", "max", "?column?", "?column?", "node"][..],
        ),
        (
            "SELECT severity::text, '1'::int, 1 + 1, CASE WHEN true THEN 1 END FROM alerts",
            &["severity", "int4", "?column?", "case"],
        ),
        (
            "SELECT extract(epoch FROM time), date_trunc('hour', time), lower(node) FROM logs",
            &["extract", "date_trunc", "lower"],
        ),
        (
            "SELECT 'alerts'::regclass, 16384::regclass::oid, current_user, NULL",
            &["regclass", "oid", "current_user", "?column?"],
        ),
        ("SELECT (SELECT 1 AS one), ARRAY[1], EXISTS (SELECT 1), true", &["one", "array", "exists", "?column?"]),
        ("SELECT max FROM (SELECT max(time) FROM logs) newest", &["max"]),
        ("SELECT time '10:00', interval '1 day', date '2026-01-01'", &["time", "interval", "date"]),
    ] {
        assert_eq!(ask(sql).await.columns, names, "{sql}");
    }
}

#[tokio::test]
async fn equal_names_of_columns_are_allowed() {
    let answer = ask("SELECT oid, *, oid FROM pg_namespace WHERE nspname = 'public'").await;
    assert_eq!(answer.columns, ["oid", "oid", "nspname", "nspowner", "nspacl", "oid"]);
    let answer = ask("SELECT count(*), count(severity), max(node), max(feed) FROM alerts").await;
    assert_eq!(answer.columns, ["count", "count", "max", "max"]);
    assert_eq!(answer.rows[0][..2], ["3", "2"]);
}

#[tokio::test]
async fn objects_are_found_by_name_and_shown_by_name() {
    assert_eq!(
        row("SELECT 'alerts'::regclass, 'mesh.nodes'::regclass, 1259::regclass").await,
        ["alerts", "mesh.nodes", "pg_class"]
    );
    assert_eq!(row("SELECT 'alerts'::regclass::oid, 'public.logs'::regclass::oid::text").await, ["16384", "16385"]);
    assert_eq!(
        row("SELECT 'int4'::regtype, 'timestamptz'::regtype, 'text[]'::regtype::oid").await,
        ["integer", "timestamp with time zone", "1009"]
    );
    assert_eq!(row("SELECT relname FROM pg_class WHERE oid = 'messages'::regclass").await, ["messages"]);
    assert_eq!(
        row("SELECT to_regclass('nothing'), to_regclass('logs'), 'mesh'::regnamespace").await,
        ["NULL", "logs", "mesh"]
    );
    let harness = Harness::new(BTreeMap::new()).await;
    let error = harness.run("SELECT 'nothing'::regclass").await.expect_err("unknown");
    assert!(error.to_string().contains("relation \"nothing\" does not exist"), "{error}");
}

#[tokio::test]
async fn instants_beside_texts_are_compared_as_instants() {
    let count = |condition: &str| format!("SELECT count(*) FROM logs WHERE {condition}");
    for condition in [
        "time BETWEEN '2025-12-08 18:00+00' AND '2025-12-08 19:00+00'",
        "time >= '2025-12-08 19:00+01' AND time < '2025-12-08 18:30'",
        "time IN ('2025-12-08 18:01Z', '2025-12-08T18:02:00Z')",
        "time < timestamptz '2026-01-01'",
        "time < '2026-01-01'::timestamptz",
        "date_trunc('day', time) = '2025-12-08'",
    ] {
        assert_eq!(row(&count(condition)).await, ["2"], "{condition}");
    }
    assert_eq!(row("SELECT count(*) FROM logs WHERE time > now() - interval '1 hour'").await, ["3"]);
    assert_eq!(row("SELECT extract(epoch FROM now() - max(time)) FROM logs").await, ["60.000000"]);
    let harness = Harness::new(BTreeMap::new()).await;
    let error = harness.run("SELECT count(*) FROM logs WHERE time > 'soon'").await.expect_err("no instant");
    assert!(error.to_string().contains("invalid input syntax"), "{error}");
}

#[tokio::test]
async fn addresses_and_identities_beside_texts() {
    assert_eq!(row("SELECT count(*) FROM logs WHERE remote_ip = '203.0.113.7/32'").await, ["1"]);
    assert_eq!(row("SELECT count(*) FROM logs WHERE remote_ip > '9.0.0.0'").await, ["1"]);
    assert_eq!(row("SELECT count(*) FROM logs WHERE event_id = '00000000-0000-0000-0000-000000000000'").await, ["1"]);
    assert_eq!(
        row("SELECT count(*) FROM logs WHERE event_id IN ('01010101-0101-0101-0101-010101010101')").await,
        ["1"]
    );
    assert_eq!(row("SELECT min(event_id::text) FROM logs").await, ["00000000-0000-0000-0000-000000000000"]);
}

#[tokio::test]
async fn json_is_read_as_jsonb_or_text() {
    let sql = "SELECT event_data->'SourceIP', event_data->>'SourceIP', event_data ? 'Nothing' FROM alerts WHERE event_data IS NOT NULL";
    let answer = ask(sql).await;
    assert_eq!(answer.rows, [["\"10.0.0.1\"", "10.0.0.1", "false"]]);
    assert_eq!(answer.types, ["jsonb", "text", "bool"]);
    assert_eq!(row("SELECT '{\"a\":{\"b\":[1,2]}}'::jsonb -> 'a' -> 'b' ->> 1").await, ["2"]);
    let grouped = ask("SELECT event_data->'SourceIP' AS ip, count(*) FROM alerts GROUP BY 1 ORDER BY 2").await;
    assert_eq!(grouped.rows.len(), 2);
}

#[tokio::test]
async fn lists_are_unnested_beside_their_rows() {
    let tags =
        ask("SELECT a.policy_name, t.tag FROM alerts a CROSS JOIN LATERAL unnest(a.tags) AS t(tag) ORDER BY t.tag")
            .await;
    assert_eq!(tags.rows, [["block-shell", "MITRE_T1059"], ["block-shell", "NIST_800-53"]]);
    let comma = ask("SELECT tag FROM alerts, unnest(tags) AS tag WHERE tag LIKE 'MITRE%'").await;
    assert_eq!(comma.rows, [["MITRE_T1059"]]);
    let kept = ask("SELECT a.host_name, t.tag FROM alerts a LEFT JOIN LATERAL unnest(a.tags) AS t(tag) ON true ORDER BY 2 NULLS FIRST").await;
    assert_eq!(kept.rows.len(), 4);
    let numbered =
        ask("SELECT t.n, t.tag FROM alerts a CROSS JOIN unnest(a.tags) WITH ORDINALITY AS t(tag, n) ORDER BY 1").await;
    assert_eq!(numbered.rows, [["1", "MITRE_T1059"], ["2", "NIST_800-53"]]);
    let all = ask("SELECT a.*, t.* FROM alerts a CROSS JOIN LATERAL unnest(a.tags) AS t(tag)").await;
    assert_eq!((all.columns.len(), all.columns.last().map(String::as_str)), (61, Some("tag")));
}

#[tokio::test]
async fn any_and_all_over_arrays() {
    let count = |condition: &str| format!("SELECT count(*) FROM logs WHERE {condition}");
    for (condition, rows) in [
        ("host_name = ANY (ARRAY['n1', 'n3'])", "2"),
        ("host_name = ANY ('{n1,n2}')", "5"),
        ("host_name <> ALL ('{n1}')", "3"),
        ("host_name OPERATOR(pg_catalog.~) '^n[12]$' COLLATE pg_catalog.default", "5"),
        ("host_name LIKE 'n/_%' ESCAPE '/'", "0"),
        ("host_name = ANY (SELECT host_name FROM alerts)", "5"),
    ] {
        assert_eq!(row(&count(condition)).await, [rows], "{condition}");
    }
    assert_eq!(
        row("SELECT 'public' = ANY (current_schemas(true)), 'x' = ANY (current_schemas(true))").await,
        ["true", "false"]
    );
    assert_eq!(row("SELECT current_schemas(true), current_schema()").await, ["[pg_catalog, public]", "public"]);
}

#[tokio::test]
async fn intervals_are_made_of_columns() {
    let sql = "SELECT time + make_interval(secs => dropping_alerts_interval) - time AS span FROM alerts WHERE type = 'SystemEvent'";
    assert_eq!(row(sql).await, ["30.000000000 secs"]);
    assert_eq!(
        row("SELECT make_interval(1, 2, 0, 3, mins => 5) = interval '14 months 3 days 5 minutes'").await,
        ["true"]
    );
}

#[tokio::test]
async fn privileges_follow_roles() {
    assert_eq!(
        row("SELECT has_table_privilege('logs', 'SELECT'), has_table_privilege('reader', 'logs', 'INSERT')").await,
        ["true", "false"]
    );
    assert_eq!(
        row("SELECT pg_has_role('analyst', 'reader', 'USAGE'), pg_has_role('reader', 'analyst', 'USAGE')").await,
        ["true", "false"]
    );
}

#[tokio::test]
async fn the_processes_view_tells_the_newest_exec() {
    let answer = ask(
        "SELECT node, host_pid, process_name, uid, events, process_events, file_events, network_events FROM processes",
    )
    .await;
    assert_eq!(answer.rows, [["edge-1", "7", "/bin/cat", "1000", "3", "1", "1", "1"]]);
}

#[tokio::test]
async fn patterns_and_lists_reach_statistics() {
    let harness = Harness::new(BTreeMap::new()).await;
    for (condition, shown) in [
        ("resource ~ '^/etc/'", "LIKE Utf8(\"/etc/%\")"),
        ("resource !~ 'passwd'", "NOT LIKE Utf8(\"%passwd%\")"),
        ("resource ~ '^curl$'", "resource = Utf8(\"curl\")"),
        ("resource ~ '^kube_.*x'", "resource >= Utf8(\"kube_\")"),
        ("resource ~ '^kube_.*x'", "resource < Utf8(\"kube`\")"),
        ("resource ~ '^kube_.*x'", "text_matches_too("),
        ("starts_with(resource, '/etc')", "LIKE Utf8(\"/etc%\")"),
        ("resource ^@ '/etc'", "LIKE Utf8(\"/etc%\")"),
        ("resource LIKE ANY (ARRAY['/etc%', '/usr%'])", "LIKE Utf8(\"/usr%\")"),
        ("pid = ANY ('{1,2}'::int[])", "Int32(2)"),
        ("pid = ANY (ARRAY[1, 2])", "Int32(2)"),
    ] {
        let plan = harness.optimised(&format!("SELECT count(*) FROM logs WHERE {condition}")).await.expect(condition);
        assert!(plan.contains(shown) && !plan.contains("compare_any"), "{condition}: {plan}");
    }
}

#[tokio::test]
async fn a_small_call_cannot_ask_for_a_huge_value() {
    let harness = Harness::new(BTreeMap::new()).await;
    for call in [
        "repeat('a', 2000000000)",
        "lpad('a', 2000000000)",
        "rpad('a', 300000000, 'xy')",
        "format('%1000000000s', 'x')",
        "array_fill(7, ARRAY[2000000000])",
        "replace(repeat('a', 10000), 'a', repeat('b', 100000))",
        "array_to_string(array_fill('a'::text, ARRAY[10000]), repeat('b', 100000))",
        "regexp_replace(repeat('a', 10000), 'a', repeat('b', 100000), 'g')",
        "string_to_array(repeat(',', 10000000), ',')",
        "max(repeat('x', 100000 + g)) FROM generate_series(1, 5000) AS g",
    ] {
        let error = harness.run(&format!("SELECT {call}")).await.expect_err(call);
        assert_eq!(crate::planner::sql_error_from_engine(&error).code.sqlstate(), "54000", "{call}: {error}");
    }
}

#[tokio::test]
async fn distinct_spans_are_not_summed_part_by_part() {
    let harness = Harness::new(BTreeMap::new()).await;
    let spans = "FROM (VALUES (interval '1 day 1 hour'), (interval '1 day 2 hours')) AS v(x)";
    assert_eq!(harness.ask(&format!("SELECT extract(hour FROM sum(x)) {spans}")).await.rows.concat(), ["3"]);
    let error = harness.run(&format!("SELECT sum(DISTINCT x) {spans}")).await.expect_err("refused");
    assert_eq!(crate::planner::sql_error_from_engine(&error).code.sqlstate(), "0A000");
}
