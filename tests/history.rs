//! Proves that history which is loaded into event tables is there for the whole mesh as soon as the COPY has ended, and
//! that a node that is killed keeps all of it or nothing.

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use support::{Authority, NodeFile, PATIENCE, Process, connect_with, free_port, rows, wait_until};
use tokio_postgres::Client;

/// Who may load history.
const LOADER: &str = "loader";
/// How often a node is killed while it loads.
const KILLS: u32 = 3;

fn node_file(name: &str, role: &str) -> NodeFile {
    let user = format!("[storage]\nseal_rows = 20_000\n[[pg.users]]\nname = \"{LOADER}\"\nroles = [\"admin\"]");
    NodeFile::new(name, role).with_sections(&user)
}

async fn client(address: SocketAddr) -> Client {
    let mut config = tokio_postgres::Config::new();
    config.host(address.ip().to_string()).port(address.port()).user(LOADER).dbname("kubearmor");
    wait_until("the node", PATIENCE, || async { connect_with(&config).await.ok() }).await
}

/// Lines of so many events in one year.
fn lines(year: u32, count: u32) -> String {
    (0..count)
        .map(|row| format!("{year}-01-01 00:{:02}:{:02}+00\tns-{year}\t{row}\n", row / 60 % 60, row % 60))
        .collect()
}

/// Loads lines in pieces; how many rows the node says that it took.
async fn load(client: &Client, lines: &str) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in("COPY logs (time, namespace_name, pid) FROM STDIN").await?;
    let mut sink = std::pin::pin!(sink);
    for piece in lines.as_bytes().chunks(100_000) {
        sink.send(Bytes::copy_from_slice(piece)).await?;
    }
    sink.finish().await
}

async fn ask(client: &Client, sql: &str) -> Vec<String> {
    rows(client, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn segments(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("segments")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn the_whole_mesh_has_it_when_the_copy_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::init(folder.path().join("ca"));
    let seed = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let edge = node_file("edge-1", "edge").with_mesh_port(seed.port());
    let query = node_file("query-3", "query").with_seed(seed);
    let mut nodes: Vec<Process> = Vec::new();
    for (file, name, role) in [(&edge, "edge-1", "edge"), (&query, "query-3", "query")] {
        authority.issue(name, role, &file.folder(folder.path()).join("tls"), &["--act-as", "reader,admin"]);
        nodes.push(Process::serve(name, &file.write(folder.path(), &authority), folder.path()));
    }
    let loader = client(nodes[0].address_of("pg").await).await;
    let asker = client(nodes[1].address_of("pg").await).await;
    let up = "SELECT count(*) FROM mesh.nodes WHERE status = 'up'";
    for client in [&loader, &asker] {
        wait_until("the mesh", PATIENCE, || async { (ask(client, up).await == ["2"]).then_some(()) }).await;
    }
    // Each load lies before all that the other node knows of, and has a namespace that it knows nothing of.
    for year in (2015..2018).rev() {
        assert_eq!(load(&loader, &lines(year, 500)).await.expect("loaded"), 500);
        let counted = format!("SELECT count(*) FROM logs WHERE time < '{}-01-01'", year + 1);
        assert_eq!(ask(&asker, &counted).await, ["500"]);
        let named = format!("SELECT count(*), min(node) FROM logs WHERE namespace_name = 'ns-{year}'");
        assert_eq!(ask(&asker, &named).await, ["500|edge-1"]);
    }
    let refused = load(&asker, &lines(2020, 1)).await.expect_err("it keeps no events");
    assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("55000"));
}

#[tokio::test]
async fn a_killed_node_keeps_all_of_it_or_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::init(folder.path().join("ca"));
    let file = node_file("edge-1", "edge");
    let config = file.write(folder.path(), &authority);
    let lines = lines(2019, 60_000);
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let mut node = Process::serve("edge-1", &config, folder.path());
        let loader = client(node.address_of("pg").await).await;
        let before: u64 = ask(&loader, "SELECT count(*) FROM logs").await[0].parse().expect("a number");
        assert!(before == acknowledged || before == acknowledged + 60_000, "{before} after {acknowledged}");
        acknowledged = before;
        let own = file.folder(folder.path());
        let known = segments(&own);
        // Later each time: among the first files, then near the commit.
        let killed = async {
            let wanted = known + 1 + usize::try_from(kill).expect("small");
            wait_until("a file", PATIENCE, || async { (segments(&own) >= wanted).then_some(()) }).await;
            node.kill();
        };
        let (loaded, ()) = tokio::join!(load(&loader, &lines), killed);
        acknowledged += loaded.unwrap_or(0);
    }
    let mut node = Process::serve("edge-1", &config, folder.path());
    let loader = client(node.address_of("pg").await).await;
    let kept: u64 = ask(&loader, "SELECT count(*) FROM logs").await[0].parse().expect("a number");
    assert!(kept == acknowledged || kept == acknowledged + 60_000, "{kept} after {acknowledged}");
    assert_eq!(load(&loader, &lines).await.expect("loaded"), 60_000);
    let all = tokio::time::timeout(
        Duration::from_secs(60),
        ask(&loader, "SELECT count(*), count(DISTINCT event_id) FROM logs"),
    );
    let wanted = format!("{0}|{0}", kept + 60_000);
    assert_eq!(all.await.expect("in time"), [wanted]);
}
