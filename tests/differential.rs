//! Proves that where rows lie does not change an answer: the same rows on one, three and seven nodes
//! give equal results for hundreds of generated queries. A failing case prints its seed and SQL.

mod in_process;
mod support;

use in_process::context;
use in_process::rows::{fleet, rows};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use support::answers::{agree, same, statements};
use support::shared_folder;

const ROWS: usize = 1_500;
const QUERIES: u64 = 500;

const TEXTS: &[&str] = &["namespace_name", "pod_name", "operation", "result", "process_name", "host_name"];
const NUMBERS: &[&str] = &["pid", "uid", "host_pid", "remote_port"];

fn one<'a>(random: &mut StdRng, list: &[&'a str]) -> &'a str {
    list.choose(random).expect("not empty")
}

fn condition(random: &mut StdRng) -> String {
    let (text, number) = (one(random, TEXTS), one(random, NUMBERS));
    let (small, minutes) = (random.random_range(0..20), random.random_range(1..150));
    match random.random_range(0..14) {
        0 => format!("{text} = '{text}1'"),
        1 => format!("{text} IN ('{text}0', '{text}3', 'File')"),
        2 => format!("{text} IS NULL"),
        3 => format!("{text} LIKE '%{}'", random.random_range(0..5)),
        4 => format!("{number} > {small}"),
        5 => format!("{number} BETWEEN {small} AND {}", small + 5),
        6 => format!("time > now() - interval '{minutes} minutes'"),
        7 => format!("NOT ({text} = '{text}2' OR {number} < {small})"),
        8 => format!("coalesce({text}, 'none') <> '{text}4'"),
        9 => format!("({number} IS DISTINCT FROM {small})"),
        10 => "resource ~ 'file1[0-9]$'".to_owned(),
        11 => format!("CASE WHEN {number} > {small} THEN {text} ELSE 'x' END = 'x'"),
        12 => "operation = 'it''s'".to_owned(),
        _ => format!("time < '2026-11-23 11:{:02}:00+00'", random.random_range(0..60)),
    }
}

fn conditions(random: &mut StdRng) -> String {
    let count = random.random_range(0..3);
    let list: Vec<String> = (0..count).map(|_| condition(random)).collect();
    if list.is_empty() { String::new() } else { format!(" WHERE {}", list.join(one(random, &[" AND ", " OR "]))) }
}

fn aggregate(random: &mut StdRng) -> String {
    let (text, number) = (one(random, TEXTS), one(random, NUMBERS));
    let call = match random.random_range(0..16) {
        0 => "count(*)".to_owned(),
        1 => format!("count({text})"),
        2 => format!("count(DISTINCT {text})"),
        3 => format!("sum({number})"),
        4 => format!("min({text})"),
        5 => format!("max({number})"),
        6 => format!("avg({number})"),
        7 => format!("bool_and({number} > 3)"),
        8 => format!("bool_or({text} IS NULL)"),
        9 => format!("stddev({number})"),
        10 => format!("var_pop({number})"),
        11 => format!("approx_distinct({text})"),
        12 => "max(time)".to_owned(),
        13 => format!("sum(CASE WHEN {text} = '{text}1' THEN 1 ELSE 0 END)"),
        14 => format!("count(DISTINCT {number})"),
        _ => format!("stddev_pop({number} * 1.5)"),
    };
    if random.random_bool(0.2) { format!("{call} FILTER (WHERE {})", condition(random)) } else { call }
}

/// A query; when it ends in a LIMIT its order is total, so that the answer is one.
fn query(random: &mut StdRng) -> String {
    let table = one(random, &["logs", "logs", "alerts", "events"]);
    let filter = conditions(random);
    let (text, other) = (one(random, TEXTS), one(random, TEXTS));
    match random.random_range(0..12) {
        0 => format!("SELECT event_id, time, {text}, pid FROM {table}{filter}"),
        1 => format!(
            "SELECT time, {text}, event_id FROM {table}{filter} ORDER BY time DESC, event_id LIMIT {}",
            random.random_range(1..60)
        ),
        2 => format!("SELECT DISTINCT {text}, {other} AS other FROM {table}{filter}"),
        3 | 4 => format!("SELECT {}, {} FROM {table}{filter}", aggregate(random), aggregate(random)),
        5 | 6 => format!(
            "SELECT {text}, {} AS a, {} AS b FROM {table}{filter} GROUP BY 1",
            aggregate(random),
            aggregate(random)
        ),
        7 => format!(
            "SELECT date_trunc('minute', time) AS minute, {text}, count(*) AS n, {} AS a FROM {table}{filter} GROUP BY 1, 2 HAVING count(*) > {} ORDER BY n DESC, 1, 2 LIMIT 40",
            aggregate(random),
            random.random_range(1..4)
        ),
        8 => format!(
            "SELECT l.{text}, count(*) FROM logs l JOIN alerts a ON l.pid = a.pid AND l.{text} = a.{text}{} GROUP BY 1",
            if random.random_bool(0.5) { " WHERE l.uid > 10" } else { "" }
        ),
        9 => format!(
            "SELECT event_id, row_number() OVER (PARTITION BY {text} ORDER BY time, event_id) AS r FROM {table}{filter}"
        ),
        10 => format!(
            "WITH few AS (SELECT {text}, max(pid) AS p FROM {table}{filter} GROUP BY 1) SELECT f.{text}, p, (SELECT count(*) FROM alerts) FROM few f WHERE p > (SELECT avg(uid) FROM logs)"
        ),
        _ => format!(
            "SELECT {text}, pid + uid AS s, upper({other}) AS u FROM {table}{filter} ORDER BY event_id OFFSET {} LIMIT 30",
            random.random_range(0..20)
        ),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_of_kubearmors_users_have_one_answer() {
    let Some(shared) = shared_folder() else { return };
    let Ok(text) = std::fs::read_to_string(shared.join("kubearmor/questions.sql")) else {
        println!("skipped: the shared folder has no questions");
        return;
    };
    let catalog = in_process::catalog();
    let mut random = StdRng::seed_from_u64(12);
    let logs = rows(catalog.event_table("logs").expect("logs"), &mut random, ROWS);
    let alerts = rows(catalog.event_table("alerts").expect("alerts"), &mut random, ROWS / 3);
    let tables = [("logs", logs), ("alerts", alerts)];
    let (one, seven) = (fleet(1, &tables, 1).await, fleet(7, &tables, 3).await);
    let statements = statements(&text);
    let (mut failures, mut with_rows) = (Vec::new(), 0);
    for sql in &statements {
        let context = context();
        match (one.query(sql, &context).await, seven.query(sql, &context).await) {
            (Ok((left, _)), Ok((right, _))) => {
                with_rows += usize::from(!left.is_empty());
                if !agree(sql, &[], &left, &right) {
                    failures.push(format!("{} and {} rows: {sql}", left.len(), right.len()));
                }
            }
            (left, right) => failures.push(format!("{:?} against {:?}: {sql}", left.map(|_| ()), right.map(|_| ()))),
        }
    }
    println!("{} statements, {with_rows} with rows", statements.len());
    assert!(statements.len() >= 36);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_do_not_depend_on_where_the_rows_lie() {
    let catalog = in_process::catalog();
    let mut random = StdRng::seed_from_u64(11);
    let logs = rows(catalog.event_table("logs").expect("logs"), &mut random, ROWS);
    let alerts = rows(catalog.event_table("alerts").expect("alerts"), &mut random, ROWS / 3);
    let tables = [("logs", logs), ("alerts", alerts)];
    let (one, three, seven) = (fleet(1, &tables, 1).await, fleet(3, &tables, 2).await, fleet(7, &tables, 3).await);
    let mut failures = Vec::new();
    for seed in 0..QUERIES {
        let mut random = StdRng::seed_from_u64(seed);
        let sql = query(&mut random);
        let context = context();
        let expected = one.query(&sql, &context).await;
        let ordered = sql.contains("ORDER BY") && sql.contains("LIMIT");
        for (nodes, fleet) in [(3, &three), (7, &seven)] {
            match (&expected, fleet.query(&sql, &context).await) {
                (Ok((left, _)), Ok((right, coverage))) => {
                    if coverage.warning().is_some() || !same(left, &right, ordered) {
                        failures.push(format!(
                            "seed {seed}, {nodes} nodes: {} and {} rows: {sql}",
                            left.len(),
                            right.len()
                        ));
                    }
                }
                (left, right) => failures.push(format!(
                    "seed {seed}, {nodes} nodes: {:?} against {:?}: {sql}",
                    left.as_ref().map(|_| ()),
                    right.map(|_| ())
                )),
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Questions whose answer depends on the session's zone.
const ZONED: &[&str] = &[
    "SELECT date_trunc('hour', time) AS hour, count(*) FROM logs GROUP BY 1",
    "SELECT date_trunc('day', time, 'Asia/Kathmandu') AS day, count(*) FROM logs GROUP BY 1",
    "SELECT extract(hour FROM time) AS hour, extract(dow FROM time) AS dow, count(*) FROM logs GROUP BY 1, 2",
    "SELECT time::date AS day, count(*), min(time::text) FROM logs GROUP BY 1",
    "SELECT count(*) FROM logs WHERE time::date = '2026-11-23' AND time::time > '07:30'",
    "SELECT count(*) FROM logs WHERE time >= '2026-11-23 07:15' AND time < date '2026-11-24'",
    "SELECT count(*) FROM logs WHERE time > now() - interval '1 day' AND time::date = current_date",
    "SELECT time AT TIME ZONE 'Europe/Berlin' AS local, count(*) FROM logs GROUP BY 1 ORDER BY 1 LIMIT 20",
    "SELECT date_bin('15 minutes', time, '2026-01-01') AS bin, count(*) FROM logs GROUP BY 1",
    "SELECT event_id, time + interval '1 month', time::timestamp, time::text FROM alerts ORDER BY event_id LIMIT 30",
    "SELECT count(*) FROM events WHERE date_trunc('day', time) = '2026-11-23'",
    "SELECT count(*) FROM logs WHERE 'at ' || time LIKE '%-03:30'",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_means_the_same_on_every_node() {
    let catalog = in_process::catalog();
    let mut random = StdRng::seed_from_u64(21);
    let logs = rows(catalog.event_table("logs").expect("logs"), &mut random, 400);
    let alerts = rows(catalog.event_table("alerts").expect("alerts"), &mut random, 100);
    let tables = [("logs", logs), ("alerts", alerts)];
    let (one, seven) = (fleet(1, &tables, 1).await, fleet(7, &tables, 3).await);
    let mut answers = Vec::new();
    for zone in ["UTC", "America/St_Johns", "+05:30"] {
        let mut context = context();
        context.settings.time_zone = zone.to_owned();
        for sql in ZONED {
            let (left, _) = one.query(sql, &context).await.unwrap_or_else(|error| panic!("{zone}: {error:?}: {sql}"));
            let (right, _) =
                seven.query(sql, &context).await.unwrap_or_else(|error| panic!("{zone}: {error:?}: {sql}"));
            assert!(!left.is_empty() && same(&left, &right, false), "{zone}: {left:?} against {right:?}: {sql}");
            let mut rows = left;
            rows.sort();
            answers.push((*sql, zone, rows));
        }
        // Days are bounded in the fragment too, or owners could not skip segments.
        let plan = seven.planner.explain(ZONED[4], &context, Vec::new()).await.expect("explain").lines().join("\n");
        assert!(plan.contains("as_date") == (zone != "UTC"), "{zone}: {plan}");
    }
    let hour = |zone: &str| {
        answers.iter().find(|(sql, at, _)| *at == zone && *sql == ZONED[2]).map(|(_, _, rows)| rows.clone())
    };
    assert_ne!(hour("UTC"), hour("America/St_Johns"));
    let mut context = context();
    context.settings.time_zone = "Mars/Olympus".to_owned();
    let error = one.query("SELECT now()", &context).await.expect_err("no such zone");
    assert_eq!(error.code.sqlstate(), "22023");
}
