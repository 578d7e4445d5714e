//! Proves that a prepared query uses its plan again, and only where it means the same.

mod in_process;

use armorlake::planner::{ParsedQuery, StatementContext};
use armorlake::types::FragmentSettings;
use datafusion::common::ScalarValue;
use futures::StreamExt;
use in_process::rows::{fleet, plain_logs};
use in_process::{NOW_US, TestFleet, context};

async fn run(
    fleet: &TestFleet,
    query: &ParsedQuery,
    context: &StatementContext,
    parameters: Vec<ScalarValue>,
) -> Vec<String> {
    let mut run = fleet.planner.run_parsed(query, context, parameters).await.expect("runs");
    let mut cells = Vec::new();
    while let Some(batch) = run.rows.next().await {
        let batch = batch.expect("rows");
        let options = datafusion::arrow::util::display::FormatOptions::default().with_null("NULL");
        for column in batch.columns() {
            let shown = datafusion::arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options);
            let shown = shown.expect("can be shown");
            cells.extend((0..batch.num_rows()).map(|row| shown.value(row).to_string()));
        }
    }
    cells
}

fn text(value: &str) -> Vec<ScalarValue> {
    vec![ScalarValue::from(value)]
}

#[tokio::test]
async fn the_second_run_keeps_the_plan_and_values_are_each_runs_own() {
    let fleet = fleet(2, &[("logs", plain_logs("shop", 40))], 3).await;
    let context = context();
    let sql = "SELECT count(*) FROM logs WHERE namespace_name = $1 AND time <= now()";
    let query = fleet.planner.parse_query(sql).expect("parses");
    let description = fleet.planner.describe(&query, &context, &[]).await.expect("described");
    let query = query.described(&description);
    assert_eq!(run(&fleet, &query, &context, text("shop")).await, ["40"]);
    assert!(!query.keeps_plan(), "a query that runs once keeps nothing");
    assert_eq!(run(&fleet, &query, &context, text("bank")).await, ["0"]);
    assert!(query.keeps_plan());
    for (namespace, count) in [("shop", "40"), ("bank", "0"), ("shop", "40")] {
        assert_eq!(run(&fleet, &query, &context, text(namespace)).await, [count]);
    }
}

#[tokio::test]
async fn the_moment_and_the_settings_are_those_of_the_run() {
    let fleet = fleet(1, &[("logs", plain_logs("shop", 5))], 3).await;
    let before = context();
    let later = StatementContext {
        settings: FragmentSettings { now_us: NOW_US + 86_400_000_000, ..before.settings.clone() },
        ..before.clone()
    };
    let elsewhere = StatementContext {
        settings: FragmentSettings { time_zone: "Asia/Tokyo".to_owned(), ..before.settings.clone() },
        ..before.clone()
    };
    let renamed = StatementContext {
        settings: FragmentSettings { current_user: "somebody".to_owned(), ..before.settings.clone() },
        ..before.clone()
    };
    let queries = [
        "SELECT now()::text",
        "SELECT to_char(now(), 'HH24:MI')",
        "SELECT current_user::text, date_trunc('day', max(time))::text FROM logs",
        "SELECT count(*) FROM logs WHERE time > now() - interval '12 hours'",
    ];
    for sql in queries {
        let query = fleet.planner.parse_query(sql).expect("parses");
        for context in [&before, &before, &before, &later, &elsewhere, &elsewhere, &elsewhere, &renamed, &before] {
            let fresh = fleet.planner.parse_query(sql).expect("parses");
            let expected = run(&fleet, &fresh, context, Vec::new()).await;
            assert_eq!(run(&fleet, &query, context, Vec::new()).await, expected, "{sql}");
        }
        assert!(query.keeps_plan(), "{sql}");
    }
}

#[tokio::test]
async fn a_plan_that_holds_rows_is_not_kept() {
    let fleet = fleet(1, &[("logs", plain_logs("shop", 5))], 3).await;
    let context = context();
    for sql in [
        "SELECT count(*) FROM mesh.nodes",
        "SELECT count(*) FROM generate_series(1, 3)",
        "SELECT count(*) FROM logs WHERE EXISTS (SELECT 1 FROM pg_class)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT count(*) FROM t",
    ] {
        let query = fleet.planner.parse_query(sql).expect("parses");
        let first = run(&fleet, &query, &context, Vec::new()).await;
        for _ in 0..3 {
            assert_eq!(run(&fleet, &query, &context, Vec::new()).await, first, "{sql}");
        }
        assert!(!query.keeps_plan(), "{sql}");
    }
}
