//! A PostgreSQL of this machine, to ask it the same questions; where one is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio_postgres::Client;

use super::{PATIENCE, Process, USER, connect_with, free_port, wait_until};

/// A running server with an empty database of its own.
#[derive(Debug)]
pub(crate) struct Postgres {
    // The process first: it ends before its folder goes.
    _server: Process,
    port: u16,
    _folder: tempfile::TempDir,
}

/// Where the server's programs are.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.into_iter().rev().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// A program as a user that the server accepts: it refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    // Without a signal for its own death, a killed test would leave the server behind.
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig=KILL", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

impl Postgres {
    /// Starts one; `None`, and a word about it, where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let found = programs().filter(|_| Command::new("setpriv").arg("--version").output().is_ok());
        let Some(programs) = found else {
            println!("skipped: there is no PostgreSQL server to compare with");
            return None;
        };
        let folder = tempfile::tempdir().expect("make a folder");
        if is_root() {
            let owned = Command::new("chown").arg("postgres:").arg(folder.path()).status().expect("run chown");
            assert!(owned.success(), "give a folder to the user postgres");
        }
        let data = folder.path().join("data");
        let mut init = unprivileged(&programs.join("initdb"));
        init.args(["--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8", "--username", USER])
            .arg("-D")
            .arg(&data);
        let made = init.stdin(Stdio::null()).output().expect("run initdb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let mut serve = unprivileged(&programs.join("postgres"));
        serve.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "TimeZone=UTC"]);
        serve.args(["-c", "unix_socket_directories=", "-c", &format!("port={port}")]);
        let logs = folder.path().join("logs");
        Some(Self { _server: Process::start("postgres", serve, &logs), port, _folder: folder })
    }

    /// A client of it.
    pub(crate) async fn connect(&self) -> Client {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(USER).dbname("postgres");
        wait_until("PostgreSQL", PATIENCE, || async { connect_with(&config).await.ok() }).await
    }
}

/// A value in the text format of COPY.
pub(crate) fn copied(value: Option<&str>) -> String {
    let Some(value) = value else { return "\\N".to_owned() };
    value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}
