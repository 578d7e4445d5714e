//! Whole processes for tests: certificates and nodes through the command line as a user types it,
//! logs in files, watched line by line; nothing here knows the inside of the program.
//!
//! Everything lives in one temporary folder per test and ends with it: a process that is dropped
//! is killed, and when the test fails the end of its log is printed. Nothing sleeps for a guess;
//! [`wait_until`] asks again until a condition holds or patience ends.
#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod answers;
pub(crate) mod expected;
pub(crate) mod fleet;
pub(crate) mod postgres;
pub(crate) mod spelling;

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{Read, Seek, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use armorlake::tasks::Tasks;

/// Patience for what takes a moment on a busy machine with two cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks at a condition.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(25);
/// The user of every test node that needs no password from this machine.
pub(crate) const USER: &str = "tester";

/// Asks `check` until it gives a value; panics with `what` when patience ends.
pub(crate) async fn wait_until<T, F, Fut>(what: &str, patience: Duration, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let asked = async {
        loop {
            if let Some(value) = check().await {
                return value;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    };
    tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| panic!("{what}: not within {patience:?}"))
}

/// A port of this machine that nobody listens on; for what must keep its port over a restart.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind a port");
    listener.local_addr().expect("an address").port()
}

/// The folder beside the project with material to test with; `None`, and a word about it, where
/// there is none.
pub(crate) fn shared_folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("ARMORLAKE_SHARED").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no folder shared, and ARMORLAKE_SHARED names none");
    None
}

/// The program, without what the environment of the test would configure.
pub(crate) fn armorlake() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armorlake"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ARMORLAKE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program to its end and demands success.
pub(crate) fn run_armorlake<I: AsRef<std::ffi::OsStr>>(arguments: &[I]) -> Output {
    let output = armorlake().args(arguments).stdin(Stdio::null()).output().expect("start armorlake");
    let shown: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy().into_owned()).collect();
    assert!(
        output.status.success(),
        "armorlake {}: {}\n{}{}",
        shown.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A mesh CA, made by the command line.
#[derive(Debug)]
pub(crate) struct Authority {
    folder: PathBuf,
}

impl Authority {
    /// Makes a CA in a folder.
    pub(crate) fn init(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        run_armorlake(&["ca".as_ref(), "init".as_ref(), folder.as_os_str()]);
        Self { folder }
    }

    /// Puts `ca.crt`, `node.crt` and `node.key` for a node into a folder; `more` are further arguments.
    pub(crate) fn issue(&self, name: &str, role: &str, out: &Path, more: &[&str]) {
        let mut arguments: Vec<&std::ffi::OsStr> = vec!["ca".as_ref(), "issue".as_ref(), name.as_ref()];
        arguments.extend(["--ca".as_ref(), self.folder.as_os_str(), "--role".as_ref(), role.as_ref()]);
        arguments.extend(["--out".as_ref(), out.as_os_str()]);
        arguments.extend(more.iter().map(std::ffi::OsStr::new));
        run_armorlake(&arguments);
    }

    /// The CA's certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }
}

/// The configuration of a test node; listens on ports of 127.0.0.1 that the machine chooses.
#[derive(Debug, Clone)]
pub(crate) struct NodeFile {
    name: String,
    role: String,
    mesh_port: u16,
    seeds: Vec<SocketAddr>,
    feeds: Vec<(String, SocketAddr)>,
    pg: String,
    more: String,
}

impl NodeFile {
    /// A node without seeds and feeds.
    pub(crate) fn new(name: &str, role: &str) -> Self {
        Self {
            name: name.to_owned(),
            role: role.to_owned(),
            mesh_port: 0,
            seeds: Vec::new(),
            feeds: Vec::new(),
            pg: String::new(),
            more: String::new(),
        }
    }

    /// Keeps its mesh port over a restart; see [`free_port`].
    #[must_use]
    pub(crate) fn with_mesh_port(mut self, port: u16) -> Self {
        self.mesh_port = port;
        self
    }

    /// Finds the mesh through another node.
    #[must_use]
    pub(crate) fn with_seed(mut self, address: SocketAddr) -> Self {
        self.seeds.push(address);
        self
    }

    /// Pulls from a KubeArmor endpoint.
    #[must_use]
    pub(crate) fn with_feed(mut self, name: &str, address: SocketAddr) -> Self {
        self.feeds.push((name.to_owned(), address));
        self
    }

    /// More keys of `[pg]`, such as `max_connections = 5`.
    #[must_use]
    pub(crate) fn with_pg(mut self, keys: &str) -> Self {
        self.pg.push_str(keys);
        self.pg.push('\n');
        self
    }

    /// More sections, such as `[storage]`, and `[[pg.users]]`.
    #[must_use]
    pub(crate) fn with_sections(mut self, sections: &str) -> Self {
        self.more.push_str(sections);
        self.more.push('\n');
        self
    }

    /// The node's folder below `folder`.
    pub(crate) fn folder(&self, folder: &Path) -> PathBuf {
        folder.join(&self.name)
    }

    /// Issues its certificate, unless it has one, and writes its file; returns the file.
    pub(crate) fn write(&self, folder: &Path, authority: &Authority) -> PathBuf {
        let own = self.folder(folder);
        let certificates = own.join("tls");
        if !certificates.join("node.crt").exists() {
            authority.issue(&self.name, &self.role, &certificates, &[]);
        }
        let path = own.join("node.toml");
        std::fs::write(&path, self.text()).expect("write a configuration");
        path
    }

    fn text(&self) -> String {
        let Self { name, role, mesh_port, pg, more, .. } = self;
        let seeds: Vec<String> = self.seeds.iter().map(SocketAddr::to_string).collect();
        let feeds: String = self
            .feeds
            .iter()
            .map(|(name, address)| format!("[[feeds]]\nname = \"{name}\"\naddress = \"{address}\"\n"))
            .collect();
        format!(
            "[node]\nname = \"{name}\"\nrole = \"{role}\"\ndata_dir = \".\"\n\
             [pg]\nlisten = \"127.0.0.1:0\"\ntrust_loopback = true\n{pg}\
             [[pg.users]]\nname = \"{USER}\"\n\
             [mesh]\nlisten = \"127.0.0.1:{mesh_port}\"\nseeds = {seeds:?}\n\
             {feeds}{more}"
        )
    }
}

/// A running process whose log goes to a file.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where the log of this start begins.
    start: u64,
    /// Where the next [`Process::wait_for_line`] goes on.
    cursor: u64,
}

impl Process {
    /// Starts a command; what it prints is added to `NAME.log` in a folder.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("make a folder for logs");
        let log = folder.join(format!("{name}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&log).expect("open a log");
        let start = file.metadata().expect("look at a log").len();
        let both = file.try_clone().expect("share a log");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(both).spawn().expect("start a process");
        Self { name: name.to_owned(), child, log, start, cursor: start }
    }

    /// Starts a node.
    pub(crate) fn serve(name: &str, config: &Path, folder: &Path) -> Self {
        let mut command = armorlake();
        command.arg("serve").arg("--config").arg(config);
        Self::start(name, command, folder)
    }

    /// Starts a simulated KubeArmor endpoint; `more` are further arguments.
    pub(crate) fn simulate(name: &str, more: &[&str], folder: &Path) -> Self {
        let mut command = armorlake();
        command.args(["simulate", "--listen", "127.0.0.1:0"]).args(more);
        Self::start(name, command, folder)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("look at a process").is_none()
    }

    /// Every whole line that it printed since its start.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines_from(&self.log, self.start).into_iter().map(|(line, _)| line).collect()
    }

    /// The next line with `part` in it, after the one that this found before.
    pub(crate) async fn wait_for_line(&mut self, part: &str, patience: Duration) -> String {
        let what = format!("a line with {part:?} from {}", self.name);
        let (log, from) = (self.log.clone(), self.cursor);
        let (line, end) = wait_until(&what, patience, || {
            std::future::ready(lines_from(&log, from).into_iter().find(|(line, _)| line.contains(part)))
        })
        .await;
        self.cursor = end;
        line
    }

    /// The address that one of its services (`pg`, `mesh`, `simulate`) listens on, from its log.
    pub(crate) async fn address_of(&mut self, service: &str) -> SocketAddr {
        let what = format!("{} listening for {service}", self.name);
        let (log, start) = (self.log.clone(), self.start);
        wait_until(&what, PATIENCE, || {
            let lines = lines_from(&log, start);
            let told = lines.iter().filter(|(line, _)| line.contains("listening"));
            let own = told
                .filter(|(line, _)| field(line, "service") == Some(service))
                .find_map(|(line, _)| field(line, "address"));
            let address = own.map(|address| address.parse().expect("an address"));
            assert!(address.is_some() || self.is_running(), "{what}: it ended\n{}", tail(&log, start));
            std::future::ready(address)
        })
        .await
    }

    /// Kills it as a power failure would (SIGKILL), and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        self.child.wait().expect("wait for a process");
    }

    /// Lets it stand still: it keeps its connections and answers nothing (SIGSTOP).
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Process::pause`].
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// Asks it to stop in order (SIGTERM) and waits for its end.
    pub(crate) async fn stop(&mut self, patience: Duration) -> ExitStatus {
        self.signal("TERM");
        let what = format!("the end of {}", self.name);
        wait_until(&what, patience, || std::future::ready(self.child.try_wait().expect("look at a process"))).await
    }

    /// Sends a signal by its short name.
    pub(crate) fn signal(&self, signal: &str) {
        // The shell's own kill, since the program of that name is not everywhere.
        let script = format!("kill -{signal} {}", self.id());
        let sent = Command::new("sh").arg("-c").arg(script).status().expect("run a shell");
        assert!(sent.success(), "send {signal} to {}", self.name);
    }

    /// Panics when it logged an error; `expected` are parts of lines that are no surprise.
    pub(crate) fn assert_no_errors(&self, expected: &[&str]) {
        let lines = self.lines();
        let surprises = lines.iter().filter(|line| {
            let is_error = line.split_whitespace().take(3).any(|word| word == "ERROR") || line.contains("panicked at");
            is_error && !expected.iter().any(|part| line.contains(part))
        });
        let surprises: Vec<&str> = surprises.map(String::as_str).collect();
        assert!(surprises.is_empty(), "{} logged errors:\n{}", self.name, surprises.join("\n"));
    }

    /// Memory that it has in use, in bytes; `None` where the system does not tell.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let kib: u64 =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            println!("---- end of the log of {}\n{}", self.name, tail(&self.log, self.start));
        }
    }
}

/// The value of `name=value` in a line of the log.
pub(crate) fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let assignments = line.split_whitespace().filter_map(|word| word.split_once('='));
    let mut values = assignments.filter(|(found, _)| *found == name).map(|(_, value)| value);
    values.next().map(|value| value.trim_matches('"'))
}

/// Whole lines of a file from a place on, each with the place after it.
fn lines_from(path: &Path, from: u64) -> Vec<(String, u64)> {
    let mut file = File::open(path).expect("open a log");
    file.seek(SeekFrom::Start(from)).expect("find a place in a log");
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("read a log");
    let mut lines = Vec::new();
    let mut end = from;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len() as u64;
        if line.ends_with(b"\n") {
            lines.push((String::from_utf8_lossy(line).trim_end().to_owned(), end));
        }
    }
    lines
}

fn tail(path: &Path, from: u64) -> String {
    let lines = lines_from(path, from);
    let last = lines.iter().skip(lines.len().saturating_sub(60));
    last.map(|(line, _)| line.as_str()).collect::<Vec<_>>().join("\n")
}

/// Connects to a node's database `kubearmor` as [`USER`].
pub(crate) async fn connect(address: SocketAddr) -> tokio_postgres::Client {
    let mut config = tokio_postgres::Config::new();
    config.host(address.ip().to_string()).port(address.port()).user(USER).dbname("kubearmor");
    connect_with(&config).await.expect("connect to a node")
}

/// Connects as configured, without TLS.
pub(crate) async fn connect_with(
    config: &tokio_postgres::Config,
) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    Tasks::new().spawn_session("client", async move {
        // The client itself is told when its connection breaks.
        let _broken = connection.await;
    });
    Ok(client)
}

/// The text of every row that a statement returns, columns parted by `|`, NULL as `NULL`.
pub(crate) async fn rows(client: &tokio_postgres::Client, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?;
    let rows = messages.into_iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => {
            let values: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or("NULL")).collect();
            Some(values.join("|"))
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// A `psql` towards a node, quiet and without the user's own settings; `None`, and a word about
/// it, where it is not installed.
pub(crate) fn psql(address: SocketAddr) -> Option<Command> {
    if Command::new("psql").arg("--version").output().is_err() {
        println!("skipped: there is no psql");
        return None;
    }
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--no-password", "--username", USER, "--dbname", "kubearmor"]);
    command.arg("--host").arg(address.ip().to_string()).arg("--port").arg(address.port().to_string());
    command.env("PGCONNECT_TIMEOUT", "10").stdin(Stdio::null());
    Some(command)
}
