//! Proves what becomes of a statement when an owner's reply goes wrong: rows that lack are told, none
//! comes twice, and all fragments of a statement see the same rows.

mod in_process;

use std::sync::atomic::Ordering;
use std::time::Duration;

use armorlake::execution::{EngineConfig, MissingNodes};
use armorlake::mesh::{ExpectedColumn, FragmentMode, FragmentReply, FragmentRequest, MeshError};
use armorlake::types::{Code, NodeName, QueryId};
use datafusion::arrow::datatypes::DataType;
use futures::TryStreamExt;
use in_process::faults::Fault;
use in_process::rows::plain_logs;
use in_process::{TestFleet, context};

/// Queries whose rows come with the replies' trailers: one, the number of log rows.
const HELD: &[&str] = &[
    "SELECT count(*) FROM logs",
    "SELECT count(*) FROM (SELECT pid FROM logs ORDER BY time LIMIT 5000) AS r",
    "SELECT (SELECT count(*) FROM logs)",
    "SELECT count(*) FROM logs AS a JOIN logs AS b ON a.node = b.node AND a.time = b.time",
    "SELECT count(*) FROM logs WHERE time IN (SELECT time FROM logs) AND node IN (SELECT DISTINCT node FROM logs)",
    "SELECT sum(n) FROM (SELECT count(*) AS n FROM logs UNION ALL SELECT count(*) FROM alerts) AS r",
    "SELECT max(r) FROM (SELECT row_number() OVER () AS r FROM logs) AS r",
    "SELECT sum(n) FROM (SELECT node, count(*) AS n FROM logs GROUP BY node) AS r",
];

/// Queries whose rows come as they arrive.
const STREAMED: &[&str] = &[
    "SELECT time FROM logs",
    "SELECT time FROM logs WHERE random() >= 0",
    "SELECT 1 FROM logs UNION ALL SELECT 2 FROM alerts",
    "SELECT time FROM logs LIMIT 5000",
    "SELECT random(), time FROM (SELECT * FROM logs WHERE uid = 0) AS r",
];

async fn three_nodes() -> TestFleet {
    three_nodes_with(&EngineConfig::default()).await
}

async fn three_nodes_with(config: &EngineConfig) -> TestFleet {
    let fleet = TestFleet::with_engine(3, config).await;
    for (node, count) in fleet.nodes.iter().zip([600, 300, 100]) {
        let batch = plain_logs(node.name.as_str(), count);
        node.store.append(vec![("logs".to_owned(), batch)], Vec::new()).await.expect("append");
    }
    fleet
}

fn name(text: &str) -> NodeName {
    NodeName::new(text).expect("name")
}

fn set_fault(fleet: &TestFleet, fault: Fault) {
    fleet.network.faults.lock().expect("lock").insert(name("n2"), fault);
}

fn lost() -> MeshError {
    MeshError::Unreachable { reason: "connection lost".to_owned() }
}

fn failed() -> MeshError {
    MeshError::Refused { code: Code::IoError, message: "read a segment".to_owned() }
}

fn faults() -> Vec<Fault> {
    vec![
        Fault::AfterHeader(lost()),
        Fault::AfterHeader(failed()),
        Fault::AfterBatch(lost()),
        Fault::AfterBatch(failed()),
        Fault::CutShort,
        Fault::WrongCount,
    ]
}

#[tokio::test]
async fn a_broken_reply_is_told_and_leaves_no_half() {
    let fleet = three_nodes().await;
    for fault in faults() {
        set_fault(&fleet, fault.clone());
        for sql in HELD {
            let (rows, coverage) = fleet.query(sql, &context()).await.expect(sql);
            assert_eq!(rows, vec![vec!["700".to_owned()]], "{fault:?}: {sql}");
            let warning = coverage.warning().unwrap_or_default();
            assert!(warning.contains("node \"n2\" is missing"), "{fault:?}: {sql}: {warning}");
        }
        for sql in STREAMED {
            let (rows, coverage) = fleet.query(sql, &context()).await.expect(sql);
            assert!([700, 1000].contains(&rows.len()), "{fault:?}: {sql}: {} rows", rows.len());
            let warning = coverage.warning().unwrap_or_default();
            let told = if rows.len() == 700 { "node \"n2\" is missing" } else { "truncated after 300 rows" };
            assert!(warning.contains(told), "{fault:?}: {sql}: {warning}");
        }
    }
}

#[tokio::test]
async fn under_error_a_broken_reply_fails_the_statement() {
    let fleet = three_nodes().await;
    let mut context = context();
    context.missing_nodes = MissingNodes::Error;
    let incomplete = Fault::Incomplete("1 damaged segment".to_owned());
    for fault in faults().into_iter().chain([incomplete]) {
        set_fault(&fleet, fault.clone());
        for sql in HELD.iter().chain(STREAMED) {
            let error = fleet.query(sql, &context).await.expect_err(sql);
            assert_eq!(error.code, Code::Unavailable, "{fault:?}: {sql}: {}", error.message);
            assert!(error.message.contains("n2"), "{fault:?}: {sql}: {}", error.message);
        }
    }
}

#[tokio::test]
async fn rows_that_an_owner_cannot_read_are_told() {
    let fleet = three_nodes().await;
    set_fault(&fleet, Fault::Incomplete("1 damaged segment".to_owned()));
    for sql in HELD.iter().chain(STREAMED) {
        let (_, coverage) = fleet.query(sql, &context()).await.expect(sql);
        let warning = coverage.warning().unwrap_or_default();
        assert!(warning.contains("node \"n2\" was truncated"), "{sql}: {warning}");
        assert!(warning.contains("1 damaged segment"), "{sql}: {warning}");
    }
}

#[tokio::test]
async fn a_held_reply_that_broke_is_asked_for_once_more() {
    let fleet = three_nodes().await;
    for sql in HELD {
        set_fault(&fleet, Fault::Once(lost()));
        let (rows, coverage) = fleet.query(sql, &context()).await.expect(sql);
        assert_eq!((rows, coverage.warning()), (vec![vec!["1000".to_owned()]], None), "{sql}");
    }
}

/// The same rows, counted by fragments that owners cannot share.
const TWICE: &[&str] = &[
    "SELECT a.n, b.n FROM (SELECT count(*) AS n FROM logs) AS a, (SELECT count(*) AS n FROM logs WHERE uid >= 0) AS b",
    "SELECT (SELECT count(*) FROM logs), (SELECT count(*) FROM logs WHERE uid >= 0)",
    "SELECT count(*), (SELECT count(*) FROM logs WHERE uid >= 0) FROM logs",
];

#[tokio::test]
async fn all_fragments_of_a_statement_see_the_same_rows() {
    let fleet = three_nodes().await;
    *fleet.network.append_before_each.lock().expect("lock") = Some(plain_logs("late", 1));
    for fault in [None, Some(Fault::Once(lost()))] {
        for sql in TWICE {
            fault.clone().into_iter().for_each(|fault| set_fault(&fleet, fault));
            let (rows, coverage) = fleet.query(sql, &context()).await.expect(sql);
            assert_eq!(coverage.warning(), None, "{sql}");
            assert_eq!(rows[0][0], rows[0][1], "{fault:?}: {sql}");
        }
    }
}

#[tokio::test]
async fn a_silent_owner_ends_with_the_statements_time_or_its_cancellation() {
    let fleet = three_nodes().await;
    set_fault(&fleet, Fault::Silent);
    for sql in HELD.iter().chain(STREAMED) {
        let mut timed = context();
        timed.deadline = Some(Duration::from_millis(300));
        let error = fleet.query(sql, &timed).await.expect_err(sql);
        assert_eq!(error.code, Code::QueryCanceled, "{sql}: {}", error.message);
        assert_eq!(error.message, "canceling statement due to statement timeout", "{sql}");

        let cancelled = context();
        let asked = fleet.network.requests.load(Ordering::SeqCst);
        let cancel = async {
            while fleet.network.requests.load(Ordering::SeqCst) == asked {
                tokio::task::yield_now().await;
            }
            cancelled.cancel.cancel();
        };
        let (outcome, ()) = tokio::join!(fleet.query(sql, &cancelled), cancel);
        assert_eq!(outcome.expect_err(sql).message, "canceling statement due to user request", "{sql}");
    }
}

#[tokio::test]
async fn an_error_in_the_rows_of_one_owner_fails_the_statement() {
    let fleet = three_nodes().await;
    for (sql, code) in [
        ("SELECT 1 / (CASE WHEN namespace_name = 'n2' THEN 0 ELSE 1 END) FROM logs", Code::DivisionByZero),
        ("SELECT sum(1 / (CASE WHEN namespace_name = 'n2' THEN 0 ELSE 1 END)) FROM logs", Code::DivisionByZero),
        (
            "SELECT CASE WHEN namespace_name = 'n2' THEN 'x' ELSE '1' END::int FROM logs",
            Code::InvalidTextRepresentation,
        ),
        (
            "SELECT count(*) FROM logs WHERE (CASE WHEN namespace_name = 'n2' THEN 'x' ELSE '1' END)::int = 1",
            Code::InvalidTextRepresentation,
        ),
    ] {
        let error = fleet.query(sql, &context()).await.expect_err(sql);
        assert_eq!(error.code, code, "{sql}: {}", error.message);
    }
}

#[tokio::test]
async fn a_node_with_damaged_rows_is_asked_so_that_it_can_tell() {
    let fleet = three_nodes().await;
    let store = &fleet.nodes[1].store;
    let segment = store.seal_table("logs").await.expect("seal").expect("a segment");
    let mut bytes = std::fs::read(&segment.path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&segment.path, bytes).expect("write");
    store.verify_segment("logs", &segment.name).await.expect("verify");
    for sql in [
        "SELECT count(*) FROM logs",
        "SELECT count(*) FROM logs WHERE namespace_name = 'n2'",
        "SELECT time FROM logs WHERE node = 'n2'",
        "SELECT time FROM logs WHERE time < now() - interval '4 minutes'",
    ] {
        let (_, coverage) = fleet.query(sql, &context()).await.expect(sql);
        let warning = coverage.warning().unwrap_or_default();
        assert!(warning.contains("\"n2\"") && warning.contains("damaged"), "{sql}: {warning}");
    }
}

#[tokio::test]
async fn held_rows_beyond_the_memory_are_spilled_and_complete() {
    let config = EngineConfig { memory_bytes: 600_000, ..EngineConfig::default() };
    let fleet = three_nodes_with(&config).await;
    let context = context();
    for _ in 0..10 {
        for node in &fleet.nodes {
            let batch = plain_logs(node.name.as_str(), 1_000);
            node.store.append(vec![("logs".to_owned(), batch)], Vec::new()).await.expect("append");
        }
    }
    for (sql, expected) in [
        (
            "SELECT count(*), count(t), max(r) FROM (SELECT time::text || namespace_name || operation AS t, row_number() OVER () AS r FROM logs) AS r",
            "31000",
        ),
        ("SELECT count(*) FROM (SELECT random() FROM logs WHERE uid = 0 LIMIT 50000) AS r WHERE 1 = 1", "31000"),
    ] {
        match fleet.query(sql, &context).await {
            Ok((rows, coverage)) => {
                assert_eq!(rows[0][0], expected, "{sql}");
                assert_eq!(coverage.warning(), None, "{sql}");
            }
            Err(error) => assert_eq!(error.code, Code::OutOfMemory, "{sql}: {}", error.message),
        }
    }
}

/// A request as a coordinator of another version might send it.
fn request(sql: &str, data_type: DataType) -> FragmentRequest {
    FragmentRequest {
        query_id: QueryId(uuid::Uuid::new_v4()),
        sql: sql.to_owned(),
        mode: FragmentMode::Rows,
        expected: vec![ExpectedColumn { name: "a".to_owned(), data_type }],
        settings: context().settings,
        roles: context().roles,
        deadline: Duration::from_secs(5),
        reply_bytes_max: 1 << 20,
        fragments: 1,
    }
}

async fn outcome(fleet: &TestFleet, request: FragmentRequest) -> Result<Vec<FragmentReply>, MeshError> {
    use armorlake::mesh::Fleet;
    fleet.network.request(&name("n1"), request).await?.try_collect().await
}

#[tokio::test]
async fn a_fragment_that_does_not_fit_is_refused() {
    let fleet = three_nodes().await;
    let text_as_number = request("SELECT 'x' AS a FROM logs", DataType::Int32);
    let too_large = FragmentRequest { reply_bytes_max: 100, ..request("SELECT node AS a FROM logs", DataType::Utf8) };
    let two_columns = request("SELECT node AS a, feed FROM logs", DataType::Utf8);
    let no_role = FragmentRequest { roles: Vec::new(), ..request("SELECT node AS a FROM logs", DataType::Utf8) };
    let rollup = "SELECT namespace_name, count(*), sum(pid) FROM logs GROUP BY ROLLUP (namespace_name)";
    for (request, code) in [
        (text_as_number, Code::DatatypeMismatch),
        (too_large, Code::OutOfMemory),
        (two_columns, Code::DatatypeMismatch),
        (no_role, Code::InsufficientPrivilege),
        (request("SELECT node AS a FROM logs; SELECT 1", DataType::Utf8), Code::FeatureNotSupported),
        (FragmentRequest { mode: FragmentMode::Partial, ..request(rollup, DataType::Utf8) }, Code::SyntaxError),
        (request("CREATE TABLE a AS SELECT 1", DataType::Utf8), Code::SyntaxError),
        (request("COPY (SELECT 1) TO 'file.csv'", DataType::Utf8), Code::SyntaxError),
        (request("EXPLAIN SELECT 1", DataType::Utf8), Code::SyntaxError),
    ] {
        let sql = request.sql.clone();
        let error = outcome(&fleet, request).await.map(|pieces| pieces.len()).expect_err(&sql);
        assert_eq!(error.code(), code, "{sql}: {error}");
    }
}
