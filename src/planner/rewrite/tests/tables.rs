//! What clients see of users' tables, as PostgreSQL 15 shows the same tables.

use std::collections::{BTreeMap, HashMap};

use datafusion::sql::sqlparser::ast::Statement;

use super::clients::{is_about_the_catalog, with_parameters};
use super::harness::{self, Answer, Harness, shared};
use crate::system::testing::{KUBE, kube, kube_with_stock};

async fn engine() -> Harness {
    Harness::over(kube(), KUBE, "UTC", BTreeMap::new()).await
}

/// The object ids of the recording server, as ours.
struct ObjectIds {
    known: HashMap<String, String>,
}

impl ObjectIds {
    /// Replaces every id that the recording names the object of.
    async fn replace(&mut self, harness: &Harness, entry: &serde_json::Value, sql: &str) -> String {
        let mut text = sql.to_owned();
        for (oid, object) in entry["oid_refs"].as_object().into_iter().flatten() {
            let object = object.as_str().expect("an object");
            if !self.known.contains_key(object) {
                self.known.insert(object.to_owned(), look_up(harness, object).await);
            }
            let pattern = regex::Regex::new(&format!(r"\b{oid}\b")).expect("a number");
            text = pattern.replace_all(&text, self.known[object].as_str()).into_owned();
        }
        text
    }
}

async fn look_up(harness: &Harness, object: &str) -> String {
    let (kind, name) = object.split_once(':').expect("kind and name");
    let (schema, bare) = name.rsplit_once('.').unwrap_or(("", name));
    let sql = match kind {
        "class" => format!(
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                            WHERE n.nspname = '{schema}' AND c.relname = '{bare}'"
        ),
        "type" => format!(
            "SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
                           WHERE n.nspname = '{schema}' AND t.typname = '{bare}'"
        ),
        "namespace" => format!("SELECT oid FROM pg_namespace WHERE nspname = '{name}'"),
        "database" => format!("SELECT oid FROM pg_database WHERE datname = '{KUBE}'"),
        "role" => "SELECT 10".to_owned(),
        _ => format!("SELECT oid FROM pg_constraint WHERE conname = '{name}'"),
    };
    let answer = harness.ask(&sql).await;
    assert_eq!(answer.rows.len(), 1, "{object}");
    answer.rows[0][0].clone()
}

fn recordings() -> Option<Vec<(String, Vec<serde_json::Value>)>> {
    let folder = shared().map(|folder| folder.join("clients")).filter(|folder| folder.is_dir())?;
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("recordings").filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("recording");
        let entries = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), entries)
    };
    Some(files.into_iter().map(read).collect())
}

/// The answers to psql's statements for a command.
async fn psql(action: &str) -> Option<Vec<Answer>> {
    let Some(recordings) = recordings() else {
        println!("skipped: no shared recordings of clients");
        return None;
    };
    let harness = engine().await;
    let mut ids = ObjectIds { known: HashMap::new() };
    let mut answers = Vec::new();
    for entry in recordings.iter().filter(|(client, _)| client == "psql").flat_map(|(_, entries)| entries) {
        if entry["action"] == action && entry["kind"] == "catalog" {
            let sql = ids.replace(&harness, entry, entry["sql"].as_str().expect("a statement")).await;
            answers.push(harness.ask(&sql).await);
        }
    }
    assert!(!answers.is_empty(), "{action}");
    Some(answers)
}

/// Proves that statements about the catalog give as many rows as on PostgreSQL with the same tables.
#[tokio::test]
async fn recorded_statements_give_as_many_rows_as_on_postgresql() {
    let Some(recordings) = recordings() else { return println!("skipped: no shared recordings of clients") };
    let harness = engine().await;
    let mut ids = ObjectIds { known: HashMap::new() };
    let (mut total, mut wrong) = (0, Vec::new());
    for (client, entries) in recordings {
        for entry in entries.iter().filter(|entry| entry["kind"] == "catalog" && entry["expect"] == "rows") {
            let sql = with_parameters(entry["sql"].as_str().unwrap_or_default(), &entry["params"]);
            if !is_about_the_catalog(&sql) {
                continue;
            }
            let sql = ids.replace(&harness, entry, &sql).await;
            let mut statements = harness::parse_all(&sql);
            let Some(statement @ Statement::Query(_)) = statements.pop().filter(|_| statements.is_empty()) else {
                continue;
            };
            total += 1;
            let place = format!("{client} #{} {}", entry["n"], entry["action"]);
            match harness.run_parsed(statement).await {
                Ok(answer) => {
                    let wanted = entry["rows_on_postgres"].as_u64().filter(|_| entry["compare"] == "exact");
                    if wanted.is_some_and(|wanted| wanted != answer.rows.len() as u64) {
                        wrong.push(format!("{place}: {} rows, not {wanted:?}", answer.rows.len()));
                    }
                }
                Err(error) => wrong.push(format!("{place}: {}", error.to_string().lines().next().unwrap_or_default())),
            }
        }
    }
    wrong.iter().for_each(|line| println!("{line}"));
    println!("{} of {total}", total - wrong.len());
    // What differs: schema mesh is here too, and tables that a client made while it was recorded are not.
    assert!(wrong.len() * 20 <= total, "{} of {total} differ", wrong.len());
}

#[tokio::test]
async fn psql_describes_tables_with_their_keys() {
    let Some(alerts) = psql("\\d alerts").await else { return };
    let columns = alerts.iter().find(|answer| answer.columns.iter().any(|name| name == "attname")).expect("columns");
    assert_eq!(columns.rows.len(), 27);
    assert_eq!(columns.rows[0][..4], ["id", "bigint", "nextval('alerts_id_seq'::regclass)", "true"]);
    assert_eq!(columns.column("format_type")[4], "character varying(128)");
    assert_eq!(columns.column("format_type")[13..16], ["numeric(12,4)", "boolean", "text[]"]);
    let indexes = alerts.iter().find(|answer| answer.columns.iter().any(|name| name == "indisprimary"));
    let indexes = indexes.expect("indexes");
    assert_eq!(indexes.column("relname"), ["alerts_pkey", "alerts_ns_idx", "alerts_ts_idx"]);
    assert_eq!(
        indexes.column("pg_get_indexdef"),
        [
            "CREATE UNIQUE INDEX alerts_pkey ON alerts USING btree (id)",
            "CREATE INDEX alerts_ns_idx ON alerts USING btree (namespace, pod_name)",
            "CREATE INDEX alerts_ts_idx ON alerts USING btree (ts DESC)",
        ]
    );
    assert_eq!(indexes.column("pg_get_constraintdef"), ["PRIMARY KEY (id)", "NULL", "NULL"]);
    let foreign = alerts.iter().find(|answer| answer.columns.iter().any(|name| name == "condef"));
    assert_eq!(foreign.expect("keys").column("condef"), ["FOREIGN KEY (policy_id) REFERENCES policies(id)"]);
    let policies = psql("\\d policies").await.expect("recorded");
    let referring = policies.iter().filter(|answer| answer.columns.iter().any(|name| name == "ontable"));
    assert_eq!(referring.flat_map(|answer| answer.column("conname")).collect::<Vec<_>>(), ["alerts_policy_id_fkey"]);
}

#[tokio::test]
async fn psql_lists_indexes_sequences_and_types() {
    let Some(indexes) = psql("\\di").await else { return };
    let names = [
        "alerts_ns_idx",
        "alerts_pkey",
        "alerts_ts_idx",
        "logs_pkey",
        "logs_ts_idx",
        "policies_name_key",
        "policies_pkey",
    ];
    assert_eq!(indexes[0].column("Name"), names);
    assert_eq!(indexes[0].column("Type"), ["index"; 7]);
    let sequences = psql("\\ds").await.expect("recorded");
    assert_eq!(sequences[0].column("Name"), ["alerts_id_seq", "logs_id_seq", "policies_id_seq"]);
    let types = psql("\\dT+").await.expect("recorded");
    assert_eq!(types[0].column("Name"), ["severity_level"]);
    assert_eq!(types[0].column("Elements"), ["low\nmedium\nhigh\ncritical"]);
    let schemas = psql("\\dn+").await.expect("recorded");
    assert_eq!(schemas[0].column("Name"), ["edge", "mesh", "public"]);
    assert_eq!(schemas[0].column("Owner"), ["armorlake", "armorlake", "pg_database_owner"]);
    assert_eq!(schemas[0].column("Description")[2], "standard public schema");
}

/// A statement and its rows, as PostgreSQL gives them for the same tables.
const STOCK: &[(&str, &[&[&str]])] = &[
    (
        "SELECT attname, attnum, format_type(atttypid, atttypmod), attidentity, attgenerated, attndims FROM pg_attribute \
         WHERE attrelid IN ('stock.assets'::regclass, 'stock.parts'::regclass) ORDER BY attrelid, attnum",
        &[
            &["id", "1", "integer", "a", "", "0"],
            &["code", "3", "stock.code", "", "", "0"],
            &["price", "4", "numeric(8,2)", "", "", "0"],
            &["twice", "5", "numeric", "", "s", "0"],
            &["owner", "6", "text", "", "", "0"],
            &["asset", "1", "integer", "", "", "0"],
            &["code", "2", "text", "", "", "0"],
            &["kinds", "3", "severity_level[]", "", "", "1"],
        ],
    ),
    (
        "SELECT conname, pg_get_constraintdef(oid), pg_get_constraintdef(oid, true) FROM pg_constraint \
         WHERE connamespace = 'stock'::regnamespace AND contype <> 'p' ORDER BY 1",
        &[
            &[
                "assets_code_owner_key",
                "UNIQUE NULLS NOT DISTINCT (code, owner)",
                "UNIQUE NULLS NOT DISTINCT (code, owner)",
            ],
            &["assets_price_check", "CHECK ((price > (0)::numeric))", "CHECK (price > 0::numeric)"],
            &["code_check", "CHECK (((VALUE)::text ~ '^[a-z]+$'::text))", "CHECK (VALUE::text ~ '^[a-z]+$'::text)"],
            &[
                "parts_asset_fkey",
                "FOREIGN KEY (asset) REFERENCES stock.assets(id) ON UPDATE CASCADE ON DELETE SET NULL",
                "FOREIGN KEY (asset) REFERENCES stock.assets(id) ON UPDATE CASCADE ON DELETE SET NULL",
            ],
        ],
    ),
    (
        "SELECT pg_get_indexdef('stock.assets_lower_idx'::regclass), \
         pg_get_indexdef('stock.assets_lower_idx'::regclass, 1, false), array_to_string(indkey, ' '), \
         array_to_string(indclass, ' '), array_to_string(indoption, ' ') \
         FROM pg_index WHERE indexrelid = 'stock.assets_lower_idx'::regclass",
        &[&[
            "CREATE UNIQUE INDEX assets_lower_idx ON stock.assets USING btree (lower(owner), price DESC NULLS LAST) \
             INCLUDE (code) WHERE (price > (10)::numeric)",
            "lower(owner)",
            "0 4 3",
            "3126 3125",
            "0 1",
        ]],
    ),
    (
        "SELECT column_name, is_nullable, data_type, character_maximum_length, domain_name, identity_generation, \
         identity_maximum, generation_expression FROM information_schema.columns WHERE table_name = 'assets' \
         AND ordinal_position < 6 ORDER BY ordinal_position",
        &[
            &["id", "NO", "integer", "NULL", "NULL", "ALWAYS", "2147483647", "NULL"],
            &["code", "NO", "character varying", "8", "code", "NULL", "NULL", "NULL"],
            &["price", "YES", "numeric", "NULL", "NULL", "NULL", "NULL", "NULL"],
            &["twice", "YES", "numeric", "NULL", "NULL", "NULL", "NULL", "(price * (2)::numeric)"],
        ],
    ),
    (
        "SELECT unique_constraint_name, update_rule, delete_rule FROM information_schema.referential_constraints \
         WHERE constraint_schema = 'stock'",
        &[&["assets_pkey", "CASCADE", "SET NULL"]],
    ),
    ("SELECT deptype FROM pg_depend WHERE objid = 'stock.assets_id_seq'::regclass AND refobjsubid = 1", &[&["i"]]),
    (
        "SELECT pg_get_serial_sequence('stock.assets', 'id'), 'stock.code[]'::regtype::text, nspowner::regrole::text, \
         obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'stock'",
        &[&["stock.assets_id_seq", "stock.code[]", "analyst", "what there is"]],
    ),
    (
        "SELECT has_table_privilege('analyst', 'stock.assets', 'delete'), has_table_privilege('reader', 'stock.assets', \
         'select'), has_schema_privilege('reader', 'stock', 'usage'), has_table_privilege('stock.assets', 'truncate'), \
         has_sequence_privilege('analyst', 'stock.assets_id_seq', 'usage')",
        &[&["true", "false", "false", "true", "true"]],
    ),
];

#[tokio::test]
async fn domains_identity_columns_and_partial_indexes_are_told_as_on_postgresql() {
    let harness = Harness::over(kube_with_stock(), KUBE, "UTC", BTreeMap::new()).await;
    for (sql, rows) in STOCK {
        assert_eq!(harness.ask(sql).await.rows, *rows, "{sql}");
    }
}
