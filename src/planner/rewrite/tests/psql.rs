//! What psql's commands show; the queries are those that psql 15 sends.

use std::collections::BTreeMap;

use super::harness::{Answer, Harness, shared};

/// The statements that psql sent for a command, with the object ids of its server replaced by ours.
fn recorded(action: &str) -> Option<Vec<String>> {
    let path = shared().map(|folder| folder.join("clients/psql.jsonl")).filter(|path| path.is_file())?;
    let text = std::fs::read_to_string(path).expect("recording");
    let entries = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"));
    let of_action = entries.filter(|entry| entry["action"] == action && entry["kind"] == "catalog");
    let statements = of_action.filter_map(|entry| {
        let mut sql = entry["sql"].as_str()?.to_owned();
        for (oid, object) in entry["oid_refs"].as_object().into_iter().flatten() {
            let own = match object.as_str()? {
                "class:public.alerts" => "16384",
                _ => "16410",
            };
            sql = sql.replace(&format!("'{oid}'"), &format!("'{own}'"));
        }
        Some(sql.replace("alert_summary", "events"))
    });
    Some(statements.collect())
}

async fn answers(action: &str) -> Option<Vec<Answer>> {
    let Some(statements) = recorded(action) else {
        println!("skipped: no shared recording of psql");
        return None;
    };
    let harness = Harness::new(BTreeMap::new()).await;
    let mut answers = Vec::new();
    for sql in statements {
        answers.push(harness.ask(&sql).await);
    }
    assert!(!answers.is_empty(), "{action}");
    Some(answers)
}

/// The rows of a command of one statement.
async fn rows(action: &str) -> Option<Answer> {
    answers(action).await.map(|mut answers| answers.swap_remove(0))
}

#[tokio::test]
async fn databases_and_schemas_are_listed() {
    let Some(databases) = rows("\\l+").await else { return };
    assert_eq!(databases.column("Name"), ["kubearmor", "postgres"]);
    assert_eq!(databases.column("Encoding"), ["UTF8", "UTF8"]);
    assert_eq!(databases.column("Size"), ["20 kB", "0 bytes"]);
    let about = ["KubeArmor events of the whole mesh", "default administrative connection database"];
    assert_eq!(databases.column("Description"), about);
    let schemas = rows("\\dn+").await.expect("recorded");
    assert_eq!(schemas.column("Name"), ["mesh", "public"]);
    assert_eq!(schemas.column("Description"), ["the fleet's own state", "event tables and views"]);
}

#[tokio::test]
async fn tables_and_views_are_listed() {
    let Some(tables) = rows("\\dt+").await else { return };
    assert_eq!(tables.column("Name"), ["alerts", "logs", "messages"]);
    assert_eq!(tables.column("Size"), ["20 kB", "0 bytes", "0 bytes"]);
    assert_eq!(tables.column("Access method"), ["heap"; 3]);
    assert_eq!(tables.column("Description")[0], "Policy alerts of KubeArmor");
    let all = rows("\\d").await.expect("recorded");
    assert_eq!(all.column("Name"), ["alerts", "events", "logs", "messages", "processes"]);
    assert_eq!(all.column("Type"), ["table", "view", "table", "table", "view"]);
    assert_eq!(all.column("Owner"), ["armorlake"; 5]);
    let views = rows("\\dv").await.expect("recorded");
    assert_eq!(views.column("Name"), ["events", "processes"]);
    for empty in ["\\di", "\\ds", "\\dm", "\\dE", "\\df", "\\dT", "\\dy"] {
        assert!(rows(empty).await.expect("recorded").rows.is_empty(), "{empty}");
    }
    assert_eq!(rows("\\dx").await.expect("recorded").column("Name"), ["plpgsql"]);
}

#[tokio::test]
async fn another_schema_is_listed_by_its_name() {
    let harness = Harness::new(BTreeMap::new()).await;
    let tables = harness
        .ask(
            "SELECT c.relname FROM pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r','p','t','s','') \
             AND n.nspname OPERATOR(pg_catalog.~) '^(mesh)$' COLLATE pg_catalog.default ORDER BY 1",
        )
        .await;
    assert_eq!(tables.column("relname"), ["last_coverage", "nodes", "segments", "source_gaps", "sources", "tables"]);
}

#[tokio::test]
async fn a_table_is_described() {
    let Some(answers) = answers("\\d+ alerts").await else { return };
    let columns = answers.iter().find(|answer| answer.columns.iter().any(|name| name == "attname")).expect("columns");
    assert_eq!(columns.column("attname").len(), 60);
    assert_eq!(columns.column("attname")[..3], ["time", "time_source", "node"]);
    assert_eq!(columns.column("format_type")[..3], ["timestamp with time zone", "integer", "text"]);
    assert_eq!(columns.column("attnotnull")[7..9], ["false", "false"]);
    assert!(columns.column("col_description")[2].starts_with("The Armorlake node"));
    let heading = &answers[0];
    assert_eq!(heading.column("relkind"), ["r"]);
    assert_eq!(heading.column("amname"), ["heap"]);
    let plain = super::psql::answers("\\d alerts").await.expect("recorded");
    assert_eq!(plain[0].column("oid"), ["16384"]);
    // No index, constraint, policy, statistics object, publication, trigger or child.
    assert!(plain[3..].iter().all(|answer| answer.rows.is_empty()));
}

#[tokio::test]
async fn a_view_is_described_with_its_definition() {
    let Some(answers) = answers("\\d+ alert_summary").await else { return };
    let columns = &answers[1];
    assert_eq!(columns.column("attname")[..2], ["kind", "time"]);
    assert_eq!(columns.column("format_type")[..2], ["text", "timestamp with time zone"]);
    assert!(answers[2].rows[0][0].starts_with(" SELECT 'alert' AS kind"));
    assert!(answers[2].rows[0][0].ends_with("FROM logs;"));
}

#[tokio::test]
async fn roles_are_listed_with_their_groups() {
    let Some(roles) = rows("\\du+").await else { return };
    assert_eq!(roles.column("rolname"), ["analyst", "armorlake", "reader"]);
    assert_eq!(roles.column("memberof"), ["[reader]", "[]", "[]"]);
    assert_eq!(roles.column("rolsuper"), ["false", "true", "false"]);
    assert_eq!(roles.column("description")[2], "may look");
    let privileges = rows("\\dp").await.expect("recorded");
    assert_eq!(privileges.column("Name").len(), 5);
}
