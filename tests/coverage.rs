//! Proves that a result that lacks rows says so: which node, why, and how much is covered.

mod in_process;

use armorlake::execution::{CoverageStatus, MissingNodes};
use armorlake::mesh::MeshError;
use armorlake::types::{Code, NodeName};
use in_process::rows::plain_logs;
use in_process::{TestFleet, context};

async fn three_nodes() -> TestFleet {
    let fleet = TestFleet::new(3).await;
    for (node, count) in fleet.nodes.iter().zip([600, 300, 100]) {
        let batch = plain_logs(node.name.as_str(), count);
        node.store.append(vec![("logs".to_owned(), batch)], Vec::new()).await.expect("append");
    }
    fleet
}

fn break_node(fleet: &TestFleet, name: &str, error: MeshError) {
    fleet.network.broken.lock().expect("lock").insert(NodeName::new(name).expect("name"), error);
}

fn refused() -> MeshError {
    MeshError::Unreachable { reason: "connection refused".to_owned() }
}

#[tokio::test]
async fn a_missing_node_is_named_with_the_share_of_known_rows() {
    let fleet = three_nodes().await;
    break_node(&fleet, "n2", refused());
    let (rows, coverage) = fleet.query("SELECT count(*) FROM logs", &context()).await.expect("rows of the others");
    assert_eq!(rows, vec![vec!["700".to_owned()]]);
    assert_eq!(
        coverage.warning().as_deref(),
        Some("result is incomplete: node \"n2\" is missing (connection refused); it covers 70.0 % of 1000 known rows")
    );
}

#[tokio::test]
async fn under_error_an_incomplete_result_is_none() {
    let fleet = three_nodes().await;
    break_node(&fleet, "n3", refused());
    let mut context = context();
    context.missing_nodes = MissingNodes::Error;
    for sql in ["SELECT count(*) FROM logs", "SELECT pid FROM logs", "SELECT time FROM logs ORDER BY 1 LIMIT 3"] {
        let error = fleet.query(sql, &context).await.expect_err(sql);
        assert_eq!(error.code, Code::Unavailable);
        assert_eq!(
            error.message,
            "result is incomplete: node \"n3\" is missing (connection refused); it covers 90.0 % of 1000 known rows"
        );
    }
}

#[tokio::test]
async fn an_error_of_the_statement_is_not_a_missing_node() {
    let fleet = three_nodes().await;
    let error = fleet.query("SELECT 1 / uid FROM logs", &context()).await.expect_err("division by zero");
    assert_eq!(error.code, Code::DivisionByZero);
}

#[tokio::test]
async fn a_node_that_cannot_have_rows_is_not_asked() {
    let fleet = three_nodes().await;
    for name in ["n1", "n3"] {
        break_node(&fleet, name, refused());
    }
    for sql in [
        "SELECT count(*) FROM logs WHERE node = 'n2'",
        "SELECT count(*) FROM logs WHERE namespace_name = 'n2'",
        "SELECT count(*) FROM logs WHERE namespace_name IN ('n2', 'elsewhere')",
    ] {
        let (rows, coverage) = fleet.query(sql, &context()).await.expect(sql);
        assert_eq!(rows, vec![vec!["300".to_owned()]], "{sql}");
        assert_eq!(coverage.warning(), None, "{sql}");
        let pruned = coverage.nodes.iter().filter(|node| node.status == CoverageStatus::Pruned).count();
        assert_eq!(pruned, 2, "{sql}");
    }
}

#[tokio::test]
async fn explain_shows_the_fragment_and_why_a_node_is_pruned() {
    let fleet = three_nodes().await;
    let sql = "SELECT namespace_name, count(*) FROM logs WHERE time > now() - interval '5 minutes' AND node <> 'n3' GROUP BY 1 ORDER BY 2 DESC LIMIT 5";
    let plan = fleet.planner.explain(sql, &context(), Vec::new()).await.expect("plan").lines().join("\n");
    let fragment = "Fragment on logs: SELECT namespace_name, count(*) AS c1 FROM logs WHERE \"time\" > \
                    CAST('2026-11-23 11:55:00.000000+00:00' AS TIMESTAMP(6) WITH TIME ZONE) AND node != 'n3' GROUP BY namespace_name";
    assert!(plan.contains(fragment), "{plan}");
    assert!(plan.contains("Nodes asked: n1 (600 rows), n2 (300 rows)"), "{plan}");
    assert!(plan.contains("Node pruned: n3: its name does not match"), "{plan}");
    assert!(plan.lines().all(|line| !line.contains("Fragment") || !line.contains("LIMIT")), "{plan}");
}
