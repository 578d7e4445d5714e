//! Proves that the scripts of `sql/` print in a real psql what stands beside them: `NAME.out` was
//! printed by PostgreSQL 15. Skips with a message where there is no psql.

use std::path::{Path, PathBuf};
use std::process::Command;

use armorlake::env::run_blocking;
use datafusion::arrow::array::RecordBatch;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::server::{Server, config};
use crate::in_process::catalog;
use crate::in_process::rows::{fleet, rows};

/// What the made-up events come from.
const SEED: u64 = 20_261_123;

/// The events that scripts read, the same for any number of nodes.
fn events() -> Vec<(&'static str, RecordBatch)> {
    let (catalog, mut random) = (catalog(), StdRng::seed_from_u64(SEED));
    [("logs", 400), ("alerts", 80)]
        .into_iter()
        .map(|(name, count)| (name, rows(catalog.event_table(name).expect("a table"), &mut random, count)))
        .collect()
}

/// All scripts, in order.
fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path()).collect()
    };
    let mut scripts: Vec<PathBuf> =
        entries(&root).iter().filter(|path| path.is_dir()).flat_map(|f| entries(f)).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    scripts.sort();
    scripts
}

/// What psql prints: statements, rows, and the SQLSTATE of errors; none when it is not installed.
async fn printed(port: u16, script: PathBuf) -> Option<String> {
    let ran = run_blocking("psql", move || {
        Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-a", "-w", "-P", "null=NULL", "-v", "VERBOSITY=sqlstate"])
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "reader", "-d", "kubearmor", "-f"])
            .arg(&script)
            .env("PGCONNECT_TIMEOUT", "20")
            .env_remove("PGOPTIONS")
            .output()
            .map(|output| (output, script))
    });
    let Ok((output, script)) = ran.await.expect("psql ran") else {
        println!("skipped: psql is not installed");
        return None;
    };
    // psql flushes its two streams apart: errors are put where they belong by their line.
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(with_errors(&shown, &errors, &std::fs::read_to_string(script).expect("read the script")))
}

/// Rows and errors in the order of the script's lines.
fn with_errors(shown: &str, errors: &str, script: &str) -> String {
    let mut by_line: Vec<(usize, String)> = Vec::new();
    for error in errors.lines().filter(|line| !line.contains(": NOTICE:  ")) {
        let parts = error.split_once(": ERROR:  ").and_then(|(place, state)| {
            Some((place.rsplit(':').next()?.parse::<usize>().ok()?, format!("ERROR:  {state}")))
        });
        by_line.push(parts.unwrap_or_else(|| (usize::MAX, error.to_owned())));
    }
    let mut out = String::new();
    let mut line = 0;
    let lines: Vec<&str> = script.lines().collect();
    for shown in shown.lines() {
        out.push_str(shown);
        out.push('\n');
        if lines.get(line).is_some_and(|written| *written == shown) {
            line += 1;
            for (_, error) in by_line.iter().filter(|(at, _)| *at == line) {
                out.push_str(error);
                out.push('\n');
            }
        }
    }
    by_line.iter().filter(|(at, _)| *at == usize::MAX).for_each(|(_, error)| out.push_str(error));
    out
}

/// Keeps what was printed, to be compared by whoever looks for the difference.
fn keep(script: &Path, nodes: usize, actual: &str) -> PathBuf {
    let name = script.file_stem().unwrap_or_default().to_string_lossy();
    let area = script.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripts");
    std::fs::create_dir_all(&folder).expect("make the folder");
    let path = folder.join(format!("{area}-{name}-{nodes}.out"));
    std::fs::write(&path, actual).expect("write what was printed");
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_print_what_postgresql_prints() {
    let (mut differences, mut statements) = (Vec::new(), 0);
    for nodes in [1, 5] {
        let mut config = config();
        // Scripts make tables of their own.
        config.users.iter_mut().for_each(|user| user.roles.push("writer".into()));
        let server = Server::start_of(config, fleet(nodes, &events(), SEED).await).await;
        for script in scripts() {
            let Some(actual) = printed(server.address.port(), script.clone()).await else { return server.stop().await };
            let expected = script.with_extension("out");
            let expected = std::fs::read_to_string(&expected).expect("a script has its .out beside it");
            statements += actual.lines().filter(|line| line.ends_with(';')).count();
            if actual != expected {
                let other = actual.lines().zip(expected.lines()).find(|(actual, expected)| actual != expected);
                let kept = keep(&script, nodes, &actual);
                differences.push(format!(
                    "{nodes} nodes: {}: {other:?}, all of it in {}",
                    script.display(),
                    kept.display()
                ));
            }
        }
        server.stop().await;
    }
    println!("{statements} statements printed what PostgreSQL prints, {} scripts did not", differences.len());
    assert!(statements > 400, "the scripts were not found");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
