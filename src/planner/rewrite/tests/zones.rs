//! Expressions over instants in three zones, around their changes of offset.
//!
//! `zones.tsv` holds zone, expression and what PostgreSQL 15 answers for its text.

use std::collections::BTreeMap;

use super::harness::{Harness, parse};

const TABLE: &str = include_str!("zones.tsv");

#[tokio::test]
async fn expressions_mean_the_same_as_in_postgresql() {
    let mut by_zone: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for line in TABLE.lines() {
        let mut parts = line.split('\t');
        let (Some(zone), Some(expression), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            panic!("a line of the table: {line}");
        };
        by_zone.entry(zone).or_default().push((expression, text));
    }
    let (mut failures, mut count) = (Vec::new(), 0);
    for (zone, cases) in by_zone {
        let harness = Harness::in_zone(zone, BTreeMap::new()).await;
        for (expression, expected) in cases {
            count += 1;
            let found = match harness.run(&format!("SELECT ({expression})::text")).await {
                Ok(answer) => answer.rows.concat().join("|"),
                Err(error) => format!("{error}"),
            };
            if found != expected {
                failures.push(format!("{zone}\t{expression}\t{found} instead of {expected}"));
            }
        }
    }
    assert!(count >= 1_200, "{count}");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test]
async fn series_follow_the_calendar_of_the_zone() {
    let harness = Harness::in_zone("Europe/Berlin", BTreeMap::new()).await;
    let sql = "SELECT v::text FROM generate_series('2025-10-25'::timestamptz, '2025-10-28'::date, '1 day') v";
    let days = harness.ask(sql).await.rows.concat();
    let expected =
        ["2025-10-25 00:00:00+02", "2025-10-26 00:00:00+02", "2025-10-27 00:00:00+01", "2025-10-28 00:00:00+01"];
    assert_eq!(days, expected);
    let sql = "SELECT count(*) FROM generate_series(date_trunc('day', '2025-10-26 12:00'::timestamptz), \
               '2025-10-26'::timestamptz + interval '1 day', interval '1 hour') v";
    assert_eq!(harness.ask(sql).await.rows.concat(), ["26"]);
}

#[tokio::test]
async fn zones_are_known_or_refused() {
    let one = async |zone: &str, expression: &str| {
        let harness = Harness::in_zone(zone, BTreeMap::new()).await;
        match harness.run_parsed(parse(&format!("SELECT {expression}")).expect("parses")).await {
            Ok(answer) => answer.rows.concat().join("|"),
            Err(error) => crate::planner::sql_error_from_engine(&error).code.sqlstate().to_owned(),
        }
    };
    assert_eq!(one("+02:00", "'2025-07-01 12:00+00'::timestamptz::text").await, "2025-07-01 14:00:00+02");
    assert_eq!(
        one("-03:30", "date_trunc('hour', '2025-07-01 12:00+00'::timestamptz)::text").await,
        "2025-07-01 08:00:00-03:30"
    );
    for (expression, code) in [
        ("now() AT TIME ZONE 'Mars/Olympus'", "22023"),
        ("date_trunc('day', now(), 'Mars/Olympus')", "22023"),
        ("date_trunc('fortnight', now())", "22023"),
        ("date_bin('1 month', now(), '2020-01-01')", "0A000"),
        ("current_time", "0A000"),
        ("array_agg(time)::text FROM logs", "0A000"),
        ("count(*) OVER (ORDER BY time RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW) FROM logs", "0A000"),
        ("'soon'::timestamptz", "22007"),
    ] {
        assert_eq!(one("Europe/Berlin", expression).await, code, "{expression}");
    }
}

#[tokio::test]
async fn comparisons_of_days_bound_the_time() {
    let harness = Harness::in_zone("Europe/Berlin", BTreeMap::new()).await;
    let plan = |sql: &'static str| {
        let harness = &harness;
        async move { harness.optimised(sql).await.expect(sql) }
    };
    for condition in [
        "SELECT count(*) FROM logs WHERE time::date = '2026-11-23'",
        "SELECT count(*) FROM logs WHERE time::date BETWEEN '2026-11-22' AND current_date",
        "SELECT count(*) FROM logs WHERE date_trunc('day', time) = '2026-11-23'",
        "SELECT count(*) FROM logs WHERE time >= date '2026-11-23' AND time < date '2026-11-24'",
    ] {
        let shown = plan(condition).await;
        assert!(shown.contains("time >= TimestampMicrosecond("), "{condition}: {shown}");
        assert!(shown.contains("time < TimestampMicrosecond("), "{condition}: {shown}");
    }
}
