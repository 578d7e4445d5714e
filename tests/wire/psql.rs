//! The real psql; skips with a message where there is none.

use std::process::Command;

use armorlake::env::run_blocking;
use armorlake::pg::{PgConfig, Trust};

use super::server::{PASSWORD, Server, config};

/// What psql prints for a script, errors included; none when psql is not installed.
async fn psql(server: &Server, password: &'static str, script: &'static str) -> Option<String> {
    let port = server.address.port().to_string();
    let ran = run_blocking("psql", move || {
        Command::new("psql")
            .args(["-X", "-A", "-t", "-w", "-h", "127.0.0.1", "-p", &port, "-U", "reader", "-d", "kubearmor", "-c"])
            .arg(script)
            .env("PGPASSWORD", password)
            .env("PGCONNECT_TIMEOUT", "20")
            .output()
    });
    let Ok(output) = ran.await.expect("psql ran") else {
        println!("skipped: psql is not installed");
        return None;
    };
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_logs_in_and_shows_rows() {
    let server = Server::start(PgConfig { trust: Trust::Nobody, ..config() }).await;
    if let Some(shown) = psql(&server, PASSWORD, "select 1 as a, 'b'; show server_version; begin; commit").await {
        assert_eq!(shown, "1|b\n15.0\nBEGIN\nCOMMIT\n");
        let refused = psql(&server, "wrong", "select 1").await.expect("psql is there");
        assert!(refused.contains("password authentication failed for user \"reader\""), "{refused}");
        let error = psql(&server, PASSWORD, "select 1 frm x y").await.expect("psql is there");
        assert!(error.contains("syntax error at or near") && error.contains('^'), "{error}");
    }
    server.stop().await;
}
