//! The catalog as real clients read it: every reading statement about it that was recorded from them is sent
//! as they sent it, and must be accepted with PostgreSQL's column names and types.
//!
//! The recordings lie beside the project; without them the test says so and ends. The tables that they
//! name have other columns here, so rows are not compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::raw::{Answer, Raw, describe, execute, message, query, sync};
use super::server::{Server, config};

/// Statements per client, and how many were answered as on PostgreSQL.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    total: usize,
    accepted: usize,
    columns: usize,
    types: usize,
}

fn recordings() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("ARMORLAKE_SHARED").map_or_else(beside, PathBuf::from).join("clients");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no folder shared, and ARMORLAKE_SHARED names none");
    None
}

/// The recorded statements about the catalog, by client.
fn statements(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut clients = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let client = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a recording");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        let reading = lines.filter(|line| line["kind"] == "catalog" && line["needs_writes"] != true);
        clients.insert(client, reading.collect());
    }
    clients
}

fn numbers(value: &Value) -> Vec<i64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_i64).collect()
}

fn short(numbers: &[i64]) -> Vec<u8> {
    let count = i16::try_from(numbers.len()).expect("few");
    let each = numbers.iter().flat_map(|number| i16::try_from(*number).expect("a format").to_be_bytes());
    count.to_be_bytes().into_iter().chain(each).collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).expect("hexadecimal") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// Parse, Bind, Describe, Execute and Sync with the types, formats and bytes that the client sent.
fn extended(sql: &str, wire: &Value) -> Vec<u8> {
    let types = numbers(&wire["ptypes"]);
    let mut parse = format!("\0{sql}\0").into_bytes();
    parse.extend(u16::try_from(types.len()).expect("few").to_be_bytes());
    parse.extend(types.iter().flat_map(|oid| u32::try_from(*oid).expect("an oid").to_be_bytes()));
    let mut bind = b"\0\0".to_vec();
    bind.extend(short(&numbers(&wire["pf"])));
    let values: Vec<&Value> = wire["pv"].as_array().into_iter().flatten().collect();
    bind.extend(u16::try_from(values.len()).expect("few").to_be_bytes());
    for value in values {
        match value.as_str().map(bytes_of) {
            None => bind.extend((-1_i32).to_be_bytes()),
            Some(bytes) => {
                bind.extend(u32::try_from(bytes.len()).expect("short").to_be_bytes());
                bind.extend(bytes);
            }
        }
    }
    bind.extend(short(&numbers(&wire["rf"])));
    [message(b'P', &parse), message(b'B', &bind), describe('P', ""), execute("", 0), sync()].concat()
}

/// Names and type ids of the last result's columns.
fn columns(answers: &[Answer]) -> Vec<(String, u32)> {
    let Some(answer) = answers.iter().rev().find(|answer| answer.kind == 'T') else { return Vec::new() };
    let mut rest = &answer.body[2..];
    let mut columns = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        let facts = &rest[end + 1..];
        columns.push((name, u32::from_be_bytes(facts[6..10].try_into().expect("an oid"))));
        rest = &facts[18..];
    }
    columns
}

/// What a statement was answered with; the reason when that is not what PostgreSQL answered.
async fn check(raw: &mut Raw, line: &Value, types: &Value, count: &mut Count) -> Option<String> {
    let sql = line["sql"].as_str().expect("a statement");
    count.total += 1;
    let request = if line["proto"] == "simple" { query(sql) } else { extended(sql, &line["wire"]) };
    raw.bytes(&request).await;
    let answers = raw.until('Z').await;
    if let Some(error) = answers.iter().find(|answer| answer.kind == 'E') {
        return Some(format!("{} {}", error.field(b'C')?, error.field(b'M')?));
    }
    count.accepted += 1;
    let found = columns(&answers);
    let expected: Vec<(&str, &str)> = line["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|column| (column[0].as_str().expect("a name"), column[1].as_str().expect("a type")))
        .collect();
    let same_names = found.iter().map(|(name, _)| name.as_str()).eq(expected.iter().map(|(name, _)| *name));
    count.columns += usize::from(same_names);
    let named = |oid: u32| types[oid.to_string()].as_str().unwrap_or("?").to_owned();
    let found_types: Vec<String> = found.iter().map(|(_, oid)| named(*oid)).collect();
    let same_types = found_types.iter().map(String::as_str).eq(expected.iter().map(|(_, name)| *name));
    count.types += usize::from(same_types);
    if same_names && same_types {
        return None;
    }
    let wrong: Vec<String> = found
        .iter()
        .zip(&found_types)
        .zip(&expected)
        .filter(|(((name, _), found), wanted)| name != wanted.0 || found.as_str() != wanted.1)
        .map(|(((name, _), found), wanted)| format!("{name} {found}, not {} {}", wanted.0, wanted.1))
        .collect();
    Some(format!("{} of {} columns: {}", found.len(), expected.len(), wrong.join("; ")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_read_of_the_catalog_is_answered_as_by_postgresql() {
    let Some(folder) = recordings() else { return };
    let types = std::fs::read_to_string(folder.join("types.json")).expect("names of types");
    let types: Value = serde_json::from_str(&types).expect("JSON");
    let server = Server::start(config()).await;
    let mut all = Count::default();
    for (client, lines) in statements(&folder) {
        let mut raw = Raw::log_in(server.address).await;
        let mut count = Count::default();
        for line in &lines {
            if let Some(reason) = check(&mut raw, line, &types, &mut count).await {
                println!("{client} {} [{}]: {reason}", line["n"], line["action"].as_str().unwrap_or_default());
            }
        }
        if count.total > 0 {
            println!("{client}: {count:?}");
        }
        all.total += count.total;
        all.accepted += count.accepted;
        all.columns += count.columns;
        all.types += count.types;
    }
    println!("all: {all:?}");
    let share = |part: usize| part as f64 / all.total as f64;
    assert!(share(all.accepted) >= 0.91, "{all:?}");
    assert!(share(all.columns) >= 0.91, "{all:?}");
    assert!(share(all.types) >= 0.74, "{all:?}");
    server.stop().await;
}
