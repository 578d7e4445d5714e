//! Proves that users' tables are one database over the mesh: known and read on every node, changed at their home
//! only, and named as missing when that is down.

mod in_process;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use armorlake::catalog::{
    Catalog, Column, DatabaseEntry, Entry, Object, Published, Relational, Scope, Table, Union, View,
};
use armorlake::execution::{CoverageStatus, MissingNodes, RelationRows, StoredRows};
use armorlake::mesh::MeshError;
use armorlake::planner::{Relations, StatementContext, changed_table};
use armorlake::storage::Store;
use armorlake::types::{Code, NodeName, SqlError, SqlType};
use datafusion::arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use in_process::rows::plain_logs;
use in_process::{TestFleet, context};
use support::{Authority, NodeFile, PATIENCE, Process, USER, connect_with, free_port, rows, wait_until};
use tokio_postgres::Client;

const KUBEARMOR: u32 = 16_390;
const KUBE: u32 = 100_000;

fn name(text: &str) -> NodeName {
    NodeName::new(text).expect("name")
}

fn table(oid: u32, called: &str, home: &NodeName) -> Table {
    let columns = vec![Column::new(1, "id", SqlType::Int4), Column::new(2, "label", SqlType::Text)];
    let relational = Relational {
        home: home.clone(),
        owner: "admin".to_owned(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        columns_made: 2,
        temporary: false,
    };
    Table { relational: Some(relational), ..Table::new(oid, "public", called, Scope::Relational, "", columns) }
}

/// Makes a table with `count` rows on a node.
async fn make(store: &Arc<Store>, database: u32, table: Table, count: i32) {
    let mut transaction = store.begin().expect("begin");
    transaction.start_writing(None, false).await.expect("turn");
    if database == KUBE && transaction.catalog().database_by_oid(KUBE).is_none() {
        let made = DatabaseEntry { name: "kube".to_owned(), owner: None, comment: String::new() };
        transaction.put(Entry { oid: KUBE, database: KUBE, object: Object::Database(made) }).expect("database");
    }
    let oid = table.oid;
    transaction.put(Entry { oid, database, object: Object::Table(table) }).expect("table");
    let table = Arc::clone(transaction.catalog().table_by_oid(oid).expect("known"));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(0..count)),
        Arc::new(StringArray::from_iter_values((0..count).map(|row| format!("label {}", row % 3)))),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&table.arrow), columns).expect("rows");
    transaction.insert(&table, &batch).expect("inserted");
    transaction.check_references().expect("checked");
    transaction.commit().await.expect("commit");
}

/// What a session on one node sees.
#[derive(Debug)]
struct Seen {
    store: Arc<Store>,
    union: Union,
}

impl Seen {
    fn on_first(fleet: &TestFleet, more: &[Entry]) -> Arc<Self> {
        let others = fleet.nodes[1..].iter().map(|node| {
            let entries = node.store.catalog().made_entries().into_iter().chain(more.iter().cloned()).collect();
            Arc::new(Published { node: node.name.clone(), entries })
        });
        let store = Arc::clone(&fleet.nodes[0].store);
        let union = Union::of(&store.catalog(), &others.collect::<Vec<_>>());
        Arc::new(Self { store, union })
    }
}

impl Relations for Seen {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.union.catalog)
    }

    fn home_of(&self, table: &Table) -> Option<NodeName> {
        self.union.home_of(table.oid).cloned()
    }

    fn rows(&self, table: &Arc<Table>) -> Result<Arc<dyn RelationRows>, SqlError> {
        let rows = self.store.begin().and_then(|transaction| transaction.rows(table));
        Ok(Arc::new(StoredRows(rows.map_err(armorlake::storage::StorageError::into_sql_error)?)))
    }
}

fn seeing(seen: &Arc<Seen>, database: &str) -> StatementContext {
    let mut context = context();
    context.relations = Arc::<Seen>::clone(seen);
    database.clone_into(&mut context.settings.current_database);
    context
}

async fn answer(fleet: &TestFleet, sql: &str, context: &StatementContext) -> Vec<String> {
    let (rows, _) = fleet.query(sql, context).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.into_iter().map(|row| row.join("|")).collect()
}

/// `labels` lies on n2, in the database of the events and in one of its own.
async fn three_nodes() -> (TestFleet, Arc<Seen>) {
    let fleet = TestFleet::new(3).await;
    for node in &fleet.nodes {
        let batch = plain_logs(node.name.as_str(), 10);
        node.store.append(vec![("logs".to_owned(), batch)], Vec::new()).await.expect("append");
    }
    let home = &fleet.nodes[1];
    make(&home.store, KUBEARMOR, table(KUBE + 1, "labels", &home.name), 5).await;
    make(&home.store, KUBE, table(KUBE + 2, "labels", &home.name), 100).await;
    make(&home.store, KUBE, table(KUBE + 3, "logs", &home.name), 7).await;
    let seen = Seen::on_first(&fleet, &[]);
    (fleet, seen)
}

#[tokio::test]
async fn rows_come_from_the_home_node() {
    let (fleet, seen) = three_nodes().await;
    let (events, kube) = (seeing(&seen, "kubearmor"), seeing(&seen, "kube"));
    assert_eq!(answer(&fleet, "SELECT count(*) FROM labels", &events).await, ["5"]);
    assert_eq!(answer(&fleet, "SELECT count(*), min(id), max(id) FROM labels", &kube).await, ["100|0|99"]);
    assert_eq!(answer(&fleet, "SELECT count(*) FROM logs", &kube).await, ["7"], "not the events");
    assert_eq!(answer(&fleet, "SELECT count(*) FROM logs", &events).await, ["30"]);
    let sql = "SELECT label, sum(id) FROM public.labels WHERE id >= 90 GROUP BY 1 ORDER BY 1";
    assert_eq!(answer(&fleet, sql, &kube).await, ["label 0|378", "label 1|282", "label 2|285"]);
    let sql = "SELECT id FROM labels ORDER BY id DESC LIMIT 2";
    assert_eq!(answer(&fleet, sql, &kube).await, ["99", "98"]);
    let sql = "SELECT l.label, count(*) FROM logs e JOIN labels l ON l.id = length(e.node) GROUP BY 1";
    assert_eq!(answer(&fleet, sql, &events).await, ["label 2|30"]);
}

#[tokio::test]
async fn only_the_home_is_asked_and_the_plan_says_why() {
    let (fleet, seen) = three_nodes().await;
    let context = seeing(&seen, "kube");
    let sql = "SELECT label, count(*) FROM labels WHERE id < 50 GROUP BY 1";
    let plan = fleet.planner.explain(sql, &context, Vec::new()).await.expect("plan").lines().join("\n");
    assert!(plan.contains("FROM labels WHERE id < "), "{plan}");
    assert!(plan.contains("Gather partial aggregates"), "{plan}");
    assert!(plan.contains("Nodes asked: n2 (0 rows)"), "{plan}");
    for other in ["n1", "n3"] {
        assert!(plan.contains(&format!("Node pruned: {other}: labels lives on n2")), "{plan}");
    }
    let mut all = context;
    all.pruning = false;
    let (_, coverage) = fleet.query("SELECT id FROM labels", &all).await.expect("rows");
    let asked: Vec<_> = coverage.nodes.iter().filter(|node| node.fragments > 0).map(|node| &node.node).collect();
    assert_eq!(asked, [&name("n2")]);
}

#[tokio::test]
async fn a_home_that_is_down_is_named() {
    let (fleet, seen) = three_nodes().await;
    let down = MeshError::Unreachable { reason: "connection refused".to_owned() };
    fleet.network.broken.lock().expect("lock").insert(name("n2"), down);
    let mut context = seeing(&seen, "kube");
    let (rows, coverage) = fleet.query("SELECT count(*) FROM labels", &context).await.expect("an answer");
    assert_eq!(rows, [["0"]]);
    let warning = coverage.warning().expect("a warning");
    assert!(warning.starts_with("result is incomplete: node \"n2\" is missing (connection refused)"), "{warning}");
    let missing = coverage.nodes.iter().filter(|node| node.status == CoverageStatus::Missing).count();
    assert_eq!(missing, 1);
    context.missing_nodes = MissingNodes::Error;
    let error = fleet.query("SELECT id FROM labels", &context).await.expect_err("no answer");
    assert_eq!((error.code, error.message.contains("n2")), (Code::Unavailable, true));
    let elsewhere = seeing(&seen, "kubearmor");
    let (rows, coverage) = fleet.query("SELECT count(*) FROM logs WHERE node <> 'n2'", &elsewhere).await.expect("rows");
    assert_eq!((rows, coverage.warning()), (vec![vec!["20".to_owned()]], None));
}

#[tokio::test]
async fn changes_of_other_nodes_tables_are_refused() {
    let (_fleet, seen) = three_nodes().await;
    let error = changed_table(None, "labels", "insert into", &seeing(&seen, "kube")).expect_err("refused");
    assert_eq!(
        (error.code, error.message.as_str()),
        (Code::FeatureNotSupported, "table \"labels\" lives on node \"n2\"")
    );
    assert_eq!(error.hint.as_deref(), Some("Connect to node \"n2\" to change it."));
}

#[tokio::test]
async fn tables_of_one_name_are_told_apart_and_views_are_seen_through() {
    let (fleet, _) = three_nodes().await;
    let third = &fleet.nodes[2];
    make(&third.store, KUBE, table(KUBE + 20, "labels", &third.name), 3).await;
    make(&third.store, KUBE, table(KUBE + 21, "Odd \"name\"", &third.name), 4).await;
    let view = View {
        oid: KUBE + 22,
        schema: "public".to_owned(),
        name: "few".to_owned(),
        sql: "SELECT logs.id FROM public.logs WHERE (logs.id < 3)".to_owned(),
        comment: String::new(),
        owner: Some("admin".to_owned()),
        columns: vec![Column::new(1, "id", SqlType::Int4)],
    };
    let view = Entry { oid: view.oid, database: KUBE, object: Object::View(view) };
    let mut transaction = third.store.begin().expect("begin");
    transaction.start_writing(None, false).await.expect("turn");
    transaction.put(view).expect("view");
    transaction.commit().await.expect("commit");
    let context = seeing(&Seen::on_first(&fleet, &[]), "kube");
    assert_eq!(answer(&fleet, "SELECT count(*) FROM \"labels@n2\"", &context).await, ["100"]);
    assert_eq!(answer(&fleet, "SELECT count(*) FROM \"labels@n3\"", &context).await, ["3"]);
    assert_eq!(answer(&fleet, "SELECT max(id) FROM \"Odd \"\"name\"\"\"", &context).await, ["3"]);
    assert_eq!(answer(&fleet, "SELECT sum(id) FROM few", &context).await, ["3"], "a view of n3 over a table of n2");
    let error = fleet.query("SELECT 1 FROM labels", &context).await.expect_err("neither");
    assert_eq!(error.code, Code::UndefinedTable);
}

/// Three processes without feeds, whose clients may write.
struct Nodes {
    processes: Vec<Process>,
    files: Vec<std::path::PathBuf>,
    folder: tempfile::TempDir,
}

const NODES: [(&str, &str); 3] = [("edge-1", "edge"), ("edge-2", "edge"), ("query-3", "query")];
const EDGE_1: usize = 0;
const EDGE_2: usize = 1;
const QUERY_3: usize = 2;

impl Nodes {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::init(folder.path().join("ca"));
        let ports = NODES.map(|_| free_port());
        let file = |place: usize| {
            let (node, role) = NODES[place];
            let file = NodeFile::new(node, role).with_mesh_port(ports[place]);
            let file = if place == 0 { file } else { file.with_seed(SocketAddr::from(([127, 0, 0, 1], ports[0]))) };
            file.with_sections("[[pg.users]]\nname = \"ada\"\nroles = [\"reader\", \"writer\"]")
                .write(folder.path(), &authority)
        };
        let files: Vec<_> = (0..NODES.len()).map(file).collect();
        let mut nodes = Self { processes: Vec::new(), files, folder };
        for place in 0..NODES.len() {
            let process = nodes.serve(place);
            nodes.processes.push(process);
        }
        nodes
    }

    fn serve(&self, place: usize) -> Process {
        Process::serve(NODES[place].0, &self.files[place], self.folder.path())
    }

    /// A client of a database on a node, once it is there.
    async fn connect(&mut self, place: usize, user: &str, database: &str) -> Client {
        let address = self.processes[place].address_of("pg").await;
        let mut config = tokio_postgres::Config::new();
        config.host(address.ip().to_string()).port(address.port()).user(user).dbname(database);
        wait_until("the database", PATIENCE, || async { connect_with(&config).await.ok() }).await
    }
}

async fn ask(client: &Client, sql: &str) -> Vec<String> {
    rows(client, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

async fn refusal(client: &Client, sql: &str) -> String {
    let error = rows(client, sql).await.expect_err(sql);
    let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error:?}"));
    format!("{} {}", error.code().code(), error.message())
}

/// Waits until a statement succeeds with this answer.
async fn until_answer(client: &Client, sql: &str, wanted: &[&str]) {
    wait_until(sql, PATIENCE, || async { rows(client, sql).await.ok().filter(|rows| rows == wanted) }).await;
}

/// What psql shows for one of its own commands in database kube.
fn described(address: SocketAddr, command: &str) -> Option<String> {
    let output = support::psql(address)?.args(["--dbname", "kube", "-c", command]).output().expect("psql");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

const MADE_ON_EDGE_1: &str = "
    CREATE TYPE level AS ENUM ('low', 'high', 'extreme');
    CREATE TABLE policies (id serial PRIMARY KEY, name text NOT NULL, severity level DEFAULT 'low', weight numeric,
        price numeric(8, 2), tags text[], made timestamptz, span interval, data bytea);
    INSERT INTO policies (name, severity, weight, price, tags, made, span, data) VALUES
        ('a', 'high', 1.5, 2.50, '{x,y}', '2026-01-02 03:04:05+00', '1 day 02:03:04', '\\x00ff'),
        ('b', DEFAULT, 2.25, 10, NULL, NULL, NULL, NULL),
        ('c', 'extreme', NULL, -1, '{}', '0001-01-01 00:00:00+00', '-1 mon', '\\x');
    CREATE VIEW strict AS SELECT id, name FROM policies WHERE severity >= 'high';";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_read_on_every_node_and_changed_on_its_own() {
    let mut nodes = Nodes::start().await;
    let maker = nodes.connect(EDGE_1, "ada", "kubearmor").await;
    maker.batch_execute("CREATE DATABASE kube").await.expect("a database");
    let home = nodes.connect(EDGE_1, "ada", "kube").await;
    home.batch_execute(MADE_ON_EDGE_1).await.expect("made");
    let other = nodes.connect(QUERY_3, "ada", "kube").await;
    until_answer(&other, "SELECT count(*) FROM strict", &["2"]).await;
    for sql in [
        "SELECT * FROM policies ORDER BY id",
        "SELECT severity, count(*), sum(weight), max(price) FROM policies GROUP BY 1 ORDER BY 1",
        "SELECT max(severity), min(made), avg(price) FROM policies",
        "SELECT name FROM policies WHERE severity > 'low' AND weight IS NULL",
        "SELECT name, array_length(tags, 1) FROM policies WHERE 'x' = ANY (tags)",
        "SELECT p.name, s.id FROM policies p LEFT JOIN strict s USING (id) ORDER BY p.id",
        "SELECT name FROM policies WHERE id = (SELECT max(id) FROM strict)",
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT column_name, data_type, column_default FROM information_schema.columns \
         WHERE table_name = 'policies' ORDER BY ordinal_position",
        "SELECT datname FROM pg_database ORDER BY 1",
        "SELECT oid, typname FROM pg_type WHERE typname = 'level'",
    ] {
        assert_eq!(ask(&other, sql).await, ask(&home, sql).await, "{sql}");
    }
    let elsewhere = "0A000 table \"policies\" lives on node \"edge-1\"";
    for sql in [
        "INSERT INTO policies (name) VALUES ('d')",
        "UPDATE policies SET name = 'd'",
        "DELETE FROM policies",
        "TRUNCATE policies",
        "DROP TABLE policies CASCADE",
        "ALTER TABLE policies ADD COLUMN more int",
        "ALTER TABLE policies ALTER COLUMN name TYPE varchar(5)",
        "CREATE INDEX ON policies (name)",
        "COMMENT ON TABLE policies IS 'x'",
        "CREATE TABLE notes (policy int REFERENCES policies)",
    ] {
        let told = refusal(&other, sql).await;
        assert!(told.contains("lives on node \"edge-1\""), "{sql}: {told}");
        assert!(told == elsewhere || told.starts_with("0A000 "), "{sql}: {told}");
    }
    assert_eq!(
        refusal(&other, "SELECT nextval('policies_id_seq')").await,
        "0A000 sequence \"policies_id_seq\" lives on node \"edge-1\""
    );
    assert_eq!(refusal(&other, "CREATE TABLE policies (id int)").await, "42P07 relation \"policies\" already exists");

    let addresses = (nodes.processes[EDGE_1].address_of("pg").await, nodes.processes[QUERY_3].address_of("pg").await);
    for command in ["\\d", "\\d policies", "\\dT+", "\\l", "\\dn"] {
        if let (Some(at_home), Some(elsewhere)) = (described(addresses.0, command), described(addresses.1, command)) {
            assert_eq!(elsewhere, at_home, "{command}");
        }
    }

    // The database is one: what is made in it on another node is beside the rest, everywhere.
    other
        .batch_execute("CREATE TABLE notes (policy int, note text); INSERT INTO notes VALUES (1, 'one')")
        .await
        .expect("made");
    let third = nodes.connect(EDGE_2, "ada", "kube").await;
    for client in [&home, &third, &other] {
        until_answer(client, "SELECT p.name, n.note FROM policies p JOIN notes n ON n.policy = p.id", &["a|one"]).await;
    }
    third
        .batch_execute("CREATE VIEW told AS SELECT p.name, n.note FROM policies p JOIN notes n ON n.policy = p.id")
        .await
        .expect("a view over tables of two other nodes");
    until_answer(&home, "SELECT * FROM told", &["a|one"]).await;
    home.batch_execute("UPDATE policies SET name = 'changed' WHERE id = 1; DROP VIEW strict").await.expect("changed");
    assert_eq!(ask(&other, "SELECT name FROM policies WHERE id = 1").await, ["changed"]);
    until_answer(&other, "SELECT count(*) FROM pg_class WHERE relname = 'strict'", &["0"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_whose_home_is_down_stays_known_and_is_missed() {
    let mut nodes = Nodes::start().await;
    let maker = nodes.connect(EDGE_1, "ada", "kubearmor").await;
    maker.batch_execute("CREATE DATABASE kube").await.expect("a database");
    let home = nodes.connect(EDGE_1, "ada", "kube").await;
    home.batch_execute("CREATE TABLE pods (id int PRIMARY KEY); INSERT INTO pods VALUES (1), (2)").await.expect("made");
    let other = nodes.connect(QUERY_3, "ada", "kube").await;
    until_answer(&other, "SELECT count(*) FROM pods", &["2"]).await;
    other.batch_execute("CREATE TABLE notes (pod int); INSERT INTO notes VALUES (1)").await.expect("made");
    nodes.processes[EDGE_1].kill();
    let missing = "SELECT node FROM mesh.last_coverage WHERE status = 'missing'";
    for is_restarted in [false, true] {
        if is_restarted {
            nodes.processes[QUERY_3].kill();
            nodes.processes[QUERY_3] = nodes.serve(QUERY_3);
        }
        let other = nodes.connect(QUERY_3, "ada", "kube").await;
        assert_eq!(ask(&other, "SELECT count(*) FROM pods").await, ["0"]);
        assert_eq!(ask(&other, missing).await, ["edge-1"], "restarted: {is_restarted}");
        assert_eq!(ask(&other, "SELECT * FROM notes").await, ["1"]);
        assert_eq!(ask(&other, "SELECT relname FROM pg_class WHERE relname = 'pods'").await, ["pods"]);
        other.batch_execute("SET armorlake.missing_nodes = 'error'").await.expect("set");
        let told = refusal(&other, "SELECT * FROM pods").await;
        assert!(told.contains("result is incomplete: node \"edge-1\" is missing"), "{told}");
        assert_eq!(ask(&other, "SELECT * FROM notes").await, ["1"]);
    }
    let address = nodes.processes[QUERY_3].address_of("pg").await;
    if let Some(mut psql) = support::psql(address) {
        let output = psql.args(["--dbname", "kube", "-c", "SELECT count(*) FROM pods"]).output().expect("psql");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("WARNING:  result is incomplete: node \"edge-1\" is missing"), "{told}");
    }
    nodes.processes[EDGE_1] = nodes.serve(EDGE_1);
    let other = nodes.connect(QUERY_3, USER, "kube").await;
    until_answer(&other, "SELECT count(*) FROM pods", &["2"]).await;
}
