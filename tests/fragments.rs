//! Proves that what owners evaluate is what the coordinator would have: every query runs over tables as they
//! are and over tables behind a LIMIT, which keeps all expressions, groups and orders on the coordinator.

mod in_process;

use armorlake::planner::StatementContext;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use in_process::rows::{fleet, rows};
use in_process::{NOW_US, TestFleet, context};
use rand::SeedableRng;
use rand::rngs::StdRng;

const ROWS: usize = 400;

/// Queries whose rows have a total order, or whose order does not matter; `<logs>` and `<alerts>` are tables.
const QUERIES: &str = include_str!("fragments.sql");

async fn fleets() -> (TestFleet, TestFleet) {
    let catalog = in_process::catalog();
    let mut random = StdRng::seed_from_u64(21);
    let logs = rows(catalog.event_table("logs").expect("logs"), &mut random, ROWS);
    let alerts = rows(catalog.event_table("alerts").expect("alerts"), &mut random, ROWS / 3);
    let tables = [("logs", logs), ("alerts", alerts)];
    (fleet(1, &tables, 1).await, fleet(5, &tables, 2).await)
}

/// The query over tables of which owners can only give rows.
fn fenced(template: &str) -> String {
    let mut sql = template.to_owned();
    for table in ["logs", "alerts", "events"] {
        sql = sql.replace(&format!("<{table}>"), &format!("(SELECT * FROM {table} LIMIT 1000000)"));
    }
    sql
}

fn plain(template: &str) -> String {
    ["logs", "alerts", "events"]
        .iter()
        .fold(template.to_owned(), |sql, table| sql.replace(&format!("<{table}>"), table))
}

/// Sorted unless the query orders its rows; floats to nine digits.
fn comparable(rows: &[Vec<String>], sql: &str) -> Vec<Vec<String>> {
    let short = |cell: &String| match cell.parse::<f64>() {
        Ok(number) if cell.contains('.') => format!("{number:.9e}"),
        _ => cell.clone(),
    };
    let mut rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(short).collect()).collect();
    let end = sql.rsplit(')').next().unwrap_or(sql);
    if !end.contains("ORDER BY") {
        rows.sort();
    }
    rows
}

/// What owners and coordinator give for one query; an error of the fenced query is a failure too.
async fn compare(
    line: &str,
    context: &StatementContext,
    parameters: &[ScalarValue],
    (one, five): (&TestFleet, &TestFleet),
) -> Option<String> {
    let expected = match five.query_with(&fenced(line), context, parameters.to_vec()).await {
        Ok((rows, _)) => comparable(&rows, line),
        Err(error) => return Some(format!("on the coordinator: {:?} {}: {line}", error.code, error.message)),
    };
    for (name, fleet) in [("one node", one), ("five nodes", five)] {
        let actual = match fleet.query_with(&plain(line), context, parameters.to_vec()).await {
            Ok((rows, coverage)) if coverage.warning().is_none() => comparable(&rows, line),
            Ok((_, coverage)) => return Some(format!("{name}: {:?}: {line}", coverage.warning())),
            Err(error) => return Some(format!("{name}: {:?} {}: {line}", error.code, error.message)),
        };
        if actual != expected {
            let first = |rows: &[Vec<String>]| format!("{:?}", rows.iter().take(3).collect::<Vec<_>>());
            let (left, right) = (first(&actual), first(&expected));
            let counts = format!("{} rows instead of {}", actual.len(), expected.len());
            return Some(format!("{name}: {counts}: {line}\n   {left}\n   {right}"));
        }
    }
    None
}

fn lines() -> impl Iterator<Item = &'static str> {
    QUERIES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"))
}

fn check(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_evaluate_as_the_coordinator_would() {
    let (one, five) = fleets().await;
    let mut failures = Vec::new();
    for line in lines() {
        failures.extend(compare(line, &context(), &[], (&one, &five)).await);
    }
    check(&failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_know_the_clients_zone() {
    let (one, five) = fleets().await;
    let mut failures = Vec::new();
    for line in lines().filter(|line| line.contains("time")) {
        let mut context = context();
        context.settings.time_zone = "America/St_Johns".to_owned();
        failures.extend(compare(line, &context, &[], (&one, &five)).await);
    }
    check(&failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_of_all_types_reach_the_owners() {
    let (one, five) = fleets().await;
    let list = |items: &[ScalarValue], of: &DataType| ScalarValue::List(ScalarValue::new_list_nullable(items, of));
    let texts = [ScalarValue::from("namespace_name1"), ScalarValue::Utf8(None), ScalarValue::from("it's")];
    let hour_ago = NOW_US - 3_600_000_000;
    let mut failures = Vec::new();
    for (condition, value) in [
        ("pid = $1", ScalarValue::Int32(Some(3))),
        ("pid = $1", ScalarValue::Int32(None)),
        ("pid IS NOT DISTINCT FROM $1", ScalarValue::Int32(None)),
        ("pid > $1", ScalarValue::Int64(Some(i64::MIN))),
        ("pid < $1", ScalarValue::Int16(Some(7))),
        ("pid > $1", ScalarValue::Float64(Some(2.5))),
        ("pid::float8 <> $1", ScalarValue::Float64(Some(f64::NAN))),
        ("pid::real > $1", ScalarValue::Float32(Some(0.1))),
        ("pid > $1", ScalarValue::Decimal128(Some(25), 38, 1)),
        ("(pid > 3) = $1", ScalarValue::Boolean(Some(true))),
        ("namespace_name = $1", ScalarValue::from("namespace_name1")),
        ("namespace_name = $1", ScalarValue::Utf8(None)),
        ("operation = $1", ScalarValue::from("it's")),
        ("operation <> $1", ScalarValue::from("a\\b\n\t\u{1}'\"$1")),
        ("namespace_name = ANY ($1)", list(&texts, &DataType::Utf8)),
        ("namespace_name <> ALL ($1)", list(&texts[..1], &DataType::Utf8)),
        ("pid = ANY ($1)", list(&[ScalarValue::Int32(Some(1)), ScalarValue::Int32(Some(4))], &DataType::Int32)),
        ("pid = ANY ($1)", list(&[], &DataType::Int32)),
        ("time > $1", ScalarValue::TimestampMicrosecond(Some(hour_ago), Some("UTC".into()))),
        ("time > $1", ScalarValue::TimestampMicrosecond(Some(hour_ago), None)),
        ("time > $1", ScalarValue::TimestampMicrosecond(Some(300_000_000_000_000_000), Some("UTC".into()))),
        ("time > $1", ScalarValue::TimestampMicrosecond(Some(-100_000_000_000_000_000), Some("UTC".into()))),
        ("time::date = $1", ScalarValue::Date32(Some(20_780))),
        (
            "event_id > $1",
            ScalarValue::FixedSizeBinary(16, Some(vec![0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0])),
        ),
        ("event_id <> $1", ScalarValue::FixedSizeBinary(16, None)),
        ("event_id = $1", ScalarValue::from("00000000-0000-0004-0000-000000000000")),
        ("remote_ip = $1", ScalarValue::from("10.0.0.1")),
    ] {
        for line in [
            format!("SELECT event_id FROM <logs> AS l WHERE {condition}"),
            format!("SELECT {condition} AS c, count(*) FROM <logs> AS l GROUP BY 1"),
            "SELECT $1 AS p, pid FROM <logs> AS l".to_owned(),
        ] {
            let failure = compare(&line, &context(), std::slice::from_ref(&value), (&one, &five)).await;
            failures.extend(failure.map(|text| format!("{value:?}: {text}")));
        }
    }
    check(&failures);
}
