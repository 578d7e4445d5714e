//! Proves that PostgreSQL's clients are served as PostgreSQL serves them: what 15 of them sent is sent again and
//! its answers are compared, and live programs of theirs do all they do. On one node, and on the query node of a
//! mesh that reads the tables of another node.
//!
//! Needs the folder shared; a program whose client library can be neither found nor installed is skipped by name.

#[path = "clients/installed.rs"]
mod installed;
mod support;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use installed::{PROGRAMS, cache, is_installed};
use support::{Authority, NodeFile, PATIENCE, Process, connect_with, free_port, rows, shared_folder, wait_until};

/// The user that the recorded clients logged in as, who may do everything.
const CLIENT: &str = "postgres";
const PASSWORD: &str = "of-the-test";
/// The database with the recorded clients' tables.
const DATABASE: &str = "kube";
/// The least share of statements that are accepted, in thousandths; all were when this was written.
const ACCEPTED_MIN: u64 = 995;
/// The least share of results with PostgreSQL's columns and types, in thousandths; all were.
const SHAPED_MIN: u64 = 990;
/// The least share of results with as many rows as PostgreSQL's, in thousandths. Lists of schemas and tables are
/// longer here, for every database has a schema `mesh`.
const ROWS_MIN: u64 = 980;

/// Nodes in a folder of their own; the tables are made on the first.
struct Nodes {
    processes: Vec<Process>,
    _folder: tempfile::TempDir,
}

impl Nodes {
    async fn start(plan: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::init(folder.path().join("ca"));
        let seed = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut processes = Vec::new();
        for (place, (name, role)) in plan.iter().enumerate() {
            let user = format!("[[pg.users]]\nname = \"{CLIENT}\"\npassword = \"{PASSWORD}\"\nroles = [\"admin\"]");
            let file = NodeFile::new(name, role).with_sections(&user);
            let file = if place == 0 { file.with_mesh_port(seed.port()) } else { file.with_seed(seed) };
            // A query node states the roles of its clients to the owners, as far as its certificate lets it.
            authority.issue(name, role, &file.folder(folder.path()).join("tls"), &["--act-as", "reader,admin"]);
            let config = file.write(folder.path(), &authority);
            processes.push(Process::serve(name, &config, folder.path()));
        }
        Self { processes, _folder: folder }
    }

    /// Where clients connect to the last node, once it shows what the first one has.
    async fn address(&mut self, schema: &Path) -> SocketAddr {
        let home = self.processes[0].address_of("pg").await;
        let _home = client(home, "kubearmor").await;
        psql(home, "kubearmor", &["-c", &format!("CREATE DATABASE {DATABASE}")]);
        psql(home, DATABASE, &["-f", &schema.to_string_lossy()]);
        let tables = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'v', 'S') AND oid >= 65536";
        let wanted = rows(&client(home, DATABASE).await, tables).await.expect("the tables at home");
        let last = self.processes.last_mut().expect("a node").address_of("pg").await;
        let reader = client(last, DATABASE).await;
        wait_until("the tables", PATIENCE, || async {
            rows(&reader, tables).await.ok().filter(|found| *found == wanted)
        })
        .await;
        last
    }
}

/// Prints a text that is seen although the test passes.
fn tell(text: &str) {
    let told = writeln!(std::io::stdout(), "{}", text.trim_end());
    told.expect("print");
}

/// A client of a database, once it is there.
async fn client(address: SocketAddr, database: &str) -> tokio_postgres::Client {
    let mut config = tokio_postgres::Config::new();
    config.host(address.ip().to_string()).port(address.port()).user(CLIENT).password(PASSWORD).dbname(database);
    wait_until("a login", PATIENCE, || async { connect_with(&config).await.ok() }).await
}

fn psql(address: SocketAddr, database: &str, arguments: &[&str]) {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--username", CLIENT, "--dbname", database]);
    command.arg("--host").arg(address.ip().to_string()).arg("--port").arg(address.port().to_string());
    command.args(arguments).env("PGPASSWORD", PASSWORD).stdin(Stdio::null());
    let output = command.output().expect("start psql");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Sends what was recorded, prints the counts, and demands the floors.
fn replay(material: &Path, address: SocketAddr, place: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let counts = folder.path().join("counts.json");
    let mut command = Command::new("python3");
    command.arg(material.join("replay.py")).args(["--no-writes", "--max-fail", "40", "--json"]).arg(&counts);
    command.arg(format!("postgresql://{CLIENT}:{PASSWORD}@{address}/{DATABASE}"));
    let output = command.stdin(Stdio::null()).output().expect("start python3");
    tell(&format!("recorded clients on {place}:\n{}", String::from_utf8_lossy(&output.stdout)));
    let text = std::fs::read_to_string(&counts).unwrap_or_else(|error| {
        panic!("the replay did not end well: {error}\n{}", String::from_utf8_lossy(&output.stderr))
    });
    let counts: serde_json::Value = serde_json::from_str(&text).expect("counts");
    let clients = counts["totals"].as_object().expect("counts by client");
    let sum = |name: &str| clients.values().map(|client| client[name].as_u64().unwrap_or_default()).sum::<u64>();
    for (part, whole, least) in [
        ("accepted", "total", ACCEPTED_MIN),
        ("cols", "cols_total", SHAPED_MIN),
        ("types", "cols_total", SHAPED_MIN),
        ("rows", "rows_total", ROWS_MIN),
    ] {
        let (found, all) = (sum(part), sum(whole));
        assert!(all > 0 && found * 1_000 >= all * least, "{place}: {part} {found} of {all}, wanted {least} of 1000");
    }
}

/// Runs the live programs and demands that nothing fails.
fn run_programs(material: &Path, address: SocketAddr, place: &str) {
    let out = tempfile::tempdir().expect("a folder");
    let mut failed = Vec::new();
    for program in PROGRAMS {
        if let Err(missing) = is_installed(program, material) {
            tell(&format!("{place}: {} is skipped: {missing}", program.name));
            continue;
        }
        let _turn = program.turn();
        let mut command = Command::new("bash");
        command.arg(material.join("live/run_all.sh")).arg(program.name).stdin(Stdio::null());
        command.env("PGHOST", address.ip().to_string()).env("PGPORT", address.port().to_string());
        command.env("PGUSER", CLIENT).env("PGPASSWORD", PASSWORD).env("PGDATABASE", DATABASE);
        command.env("LIVE_READONLY", "1").env("CACHE", cache()).env("OUT", out.path());
        let output = command.output().expect("start bash");
        let text = String::from_utf8_lossy(&output.stdout);
        tell(&format!("{place}: {text}"));
        let is_clean = text.lines().any(|line| line.starts_with("TOTAL") && line.contains(" fail=0 "));
        if !is_clean {
            failed.push(program.name);
        }
    }
    assert!(failed.is_empty(), "{place}: {failed:?}");
}

/// The material, and whether there is what every part of it needs.
fn material() -> Option<PathBuf> {
    let Some(shared) = shared_folder() else {
        tell("recorded and live clients are skipped: there is no folder shared");
        return None;
    };
    let folder = shared.join("clients");
    if !folder.join("replay.py").is_file() {
        tell("skipped: the folder shared has no clients");
        return None;
    }
    for program in ["psql", "python3", "bash"] {
        if Command::new(program).arg("--version").output().is_err() {
            tell(&format!("recorded and live clients are skipped: there is no {program}"));
            return None;
        }
    }
    Some(folder)
}

async fn check(plan: &[(&str, &str)], place: &str) {
    let Some(material) = material() else { return };
    let mut nodes = Nodes::start(plan).await;
    let address = nodes.address(&material.join("schema.sql")).await;
    replay(&material, address, place);
    run_programs(&material, address, place);
    nodes.processes.iter().for_each(|node| node.assert_no_errors(&[]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_serves_them() {
    check(&[("edge-1", "edge")], "one node").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_node_serves_them_from_a_table_of_another() {
    check(&[("edge-1", "edge"), ("edge-2", "edge"), ("query-3", "query")], "query-3").await;
}
