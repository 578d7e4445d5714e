//! Statements that drivers and tools send about the catalog, as recorded from real clients.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::Statement;

use super::harness::{self, Harness, shared};

/// Statements that mean something on every server: they name system tables.
pub(super) fn is_about_the_catalog(sql: &str) -> bool {
    let lower = sql.to_lowercase();
    let first = lower.trim_start().split(|character: char| !character.is_alphabetic()).next().unwrap_or_default();
    ["select", "with", "values", "table"].contains(&first)
        && (lower.contains("pg_") || lower.contains("information_schema"))
}

/// Sessions' own functions, and a relation that the recording server had.
fn names_what_only_their_server_has(sql: &str) -> bool {
    ["pg_notify", "pg_advisory", "'alert_summary'"].iter().any(|word| sql.contains(word))
}

/// Proves that the recorded catalog statements run.
#[tokio::test]
async fn recorded_catalog_statements_run() {
    let Some(folder) = shared().map(|folder| folder.join("clients")).filter(|folder| folder.is_dir()) else {
        return println!("skipped: no shared recordings of clients");
    };
    let harness = Harness::new(BTreeMap::new()).await;
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("recordings").filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let (mut total, mut failed) = (0, Vec::new());
    for path in files {
        let client = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (mut asked, mut ran) = (0, 0);
        for line in std::fs::read_to_string(&path).expect("recording").lines() {
            let entry: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let Some(sql) = entry["sql"].as_str() else { continue };
            if entry["expect"] == "error" || !is_about_the_catalog(sql) {
                continue;
            }
            for statement in harness::parse_all(&with_parameters(sql, &entry["params"])) {
                if !matches!(statement, Statement::Query(_)) || names_what_only_their_server_has(&statement.to_string())
                {
                    continue;
                }
                asked += 1;
                match harness.run_parsed(statement).await {
                    Ok(answer) => {
                        ran += 1;
                        compare(&client, &entry, &answer);
                    }
                    Err(error) => failed.push(format!("{client} #{} {}: {error}", entry["n"], entry["action"])),
                }
            }
        }
        total += asked;
        println!("{client:24} {ran:4} of {asked:4}");
    }
    failed.iter().for_each(|line| println!("{}", line.lines().next().unwrap_or_default()));
    println!("all {} of {total}", total - failed.len());
    assert!(failed.len() * 20 <= total, "{} of {total} failed", failed.len());
}

/// Prints where names or types of columns are not what PostgreSQL answered.
fn compare(client: &str, entry: &serde_json::Value, answer: &harness::Answer) {
    let Some(wanted) = entry["columns"].as_array() else { return };
    let part = |index: usize| -> Vec<&str> { wanted.iter().filter_map(|column| column[index].as_str()).collect() };
    let place = format!("{client} #{} {}", entry["n"], entry["action"]);
    if part(0) != answer.columns {
        println!("NAMES {place}: {:?} instead of {:?}", answer.columns, part(0));
        return;
    }
    // What has no type of its own goes out as text.
    let found: Vec<&str> = answer.types.iter().map(|name| if *name == "unknown" { "text" } else { name }).collect();
    if part(1) != found {
        let differing = part(0).into_iter().zip(part(1)).zip(found).filter(|((_, wanted), found)| wanted != found);
        println!("TYPES {place}: {:?}", differing.collect::<Vec<_>>());
    }
}

/// `$1` by the recorded value, as a literal; longest number first.
pub(super) fn with_parameters(sql: &str, parameters: &serde_json::Value) -> String {
    let mut text = sql.to_owned();
    let values = parameters.as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, value) in values.iter().enumerate().rev() {
        let literal = match value {
            serde_json::Value::Null => "NULL".to_owned(),
            serde_json::Value::String(value) => crate::catalog::quote_literal(value),
            serde_json::Value::Array(items) => {
                let items: Vec<String> =
                    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
                crate::catalog::quote_literal(&format!("{{{}}}", items.join(",")))
            }
            other => other.to_string(),
        };
        text = text.replace(&format!("${}", index + 1), &literal);
    }
    text
}
