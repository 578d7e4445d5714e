//! The demo's processes: three feeds, two edge nodes, one query node.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::env::{SystemClock, SystemRandom, random_uuid};
use crate::tls::{CertificateRequest, Role, ca_init, ca_issue};
use crate::types::NodeName;

/// The demo's only user.
pub(super) const USER: &str = "demo";
/// How long the fleet may take to come up.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long a process may take to stop before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// A process of the demo.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    /// The port that its users connect to: PostgreSQL for nodes, gRPC for feeds.
    pub(super) port: u16,
    pub(super) is_node: bool,
    arguments: Vec<String>,
    log: PathBuf,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// The child stops when this is dropped.
    input: Option<ChildStdin>,
}

/// All of the demo.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) parts: Vec<Part>,
    pub(super) password: String,
    pub(super) folder: PathBuf,
}

/// What a node of the demo is.
struct NodePlan {
    name: &'static str,
    role: Role,
    feeds: &'static [usize],
}

const NODES: [NodePlan; 3] = [
    NodePlan { name: "edge-1", role: Role::Edge, feeds: &[0] },
    NodePlan { name: "edge-2", role: Role::Edge, feeds: &[1, 2] },
    NodePlan { name: "query-3", role: Role::Query, feeds: &[] },
];
const FEEDS: [&str; 3] = ["cluster-a", "cluster-b", "cluster-c"];

impl Fleet {
    /// Writes certificates and configuration files, and chooses ports.
    pub(super) fn prepare(folder: &Path, rate: u64, first_port: u16) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let clock = SystemClock::new();
        let authority = folder.join("ca");
        if !authority.join("ca.crt").exists() {
            ca_init(&authority, &clock)?;
        }
        let password = kept_password(&folder)?;
        let mut ports = Ports { next: first_port };
        let pg_ports = [ports.take()?, ports.take()?, ports.take()?];
        let mesh_ports = [ports.take()?, ports.take()?, ports.take()?];
        let feed_ports = [ports.take()?, ports.take()?, ports.take()?];
        let mut parts = Vec::new();
        for ((name, port), seed) in FEEDS.iter().zip(feed_ports).zip(1_u64..) {
            parts.push(feed_part(&folder, name, port, rate, seed));
        }
        for (index, plan) in NODES.iter().enumerate() {
            let own = folder.join(plan.name);
            let request = CertificateRequest::new(NodeName::new(plan.name)?, plan.role);
            if !own.join("tls").join("node.crt").exists() {
                ca_issue(&authority, &request, &own.join("tls"), &clock)?;
            }
            let feeds: Vec<(&str, u16)> = plan.feeds.iter().map(|feed| (FEEDS[*feed], feed_ports[*feed])).collect();
            let file = own.join("node.toml");
            let text = node_file(plan, pg_ports[index], mesh_ports[index], mesh_ports[0], &feeds);
            fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
            let arguments =
                ["serve", "--until-input-ends", "--config", &file.to_string_lossy()].map(str::to_owned).to_vec();
            let log = folder.join(format!("{}.log", plan.name));
            let (name, port) = (plan.name.to_owned(), pg_ports[index]);
            parts.push(Part { name, port, is_node: true, arguments, log, running: None });
        }
        Ok(Self { parts, password, folder })
    }

    /// Starts the feeds, then the nodes.
    pub(super) fn start_all(&mut self) -> anyhow::Result<()> {
        self.parts.iter_mut().try_for_each(Part::start)
    }

    /// Waits until every node takes connections.
    pub(super) async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let ready = async {
            for part in &mut self.parts {
                while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, part.port)).await.is_err() {
                    if !part.is_running() {
                        bail!("{} ended; its log is {}\n{}", part.name, part.log.display(), last_lines(&part.log));
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Ok(())
        };
        tokio::time::timeout(START_PATIENCE, ready).await.context("the fleet did not come up in time")?
    }

    /// The nodes, in the order of their names.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.is_node)
    }

    /// Does what the user typed: `stop NAME` or `start NAME`.
    pub(super) fn obey(&mut self, line: &str) {
        let (verb, name) = line.split_once(' ').unwrap_or((line, ""));
        let part = self.parts.iter_mut().find(|part| part.name == name.trim());
        let done = match (verb, part) {
            ("", _) => return,
            ("stop", Some(part)) => {
                part.kill();
                println!("{name} was killed; \"start {name}\" brings it back");
                return;
            }
            ("start", Some(part)) => {
                if part.is_running() {
                    Err(anyhow::anyhow!("{name} is running"))
                } else {
                    part.start()
                }
            }
            _ => Err(anyhow::anyhow!("type \"stop edge-2\" or \"start edge-2\"; Ctrl-C stops all")),
        };
        if let Err(error) = done {
            println!("{error:#}");
        }
    }

    /// Stops the nodes, then the feeds; each in order, with patience.
    pub(super) async fn stop_all(&mut self) {
        for part in self.parts.iter_mut().rev() {
            part.stop().await;
        }
    }
}

impl Part {
    fn start(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(std::env::current_exe().context("find this program")?);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C in the terminal goes to the whole group: the demo itself stops its parts, in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().with_context(|| format!("start {}", self.name))?;
        let input = child.stdin.take();
        self.running = Some(Running { child, input });
        Ok(())
    }

    /// Whether its process has not ended.
    pub(super) fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|running| matches!(running.child.try_wait(), Ok(None)))
    }

    /// Its process id, for a user who wants to kill it from outside.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It may have ended by itself; then there is nothing to kill.
            let _ended = running.child.kill();
            let _status = running.child.wait();
        }
    }

    async fn stop(&mut self) {
        if let Some(running) = &mut self.running {
            running.input = None;
        }
        let gone = async {
            while self.is_running() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(STOP_PATIENCE, gone).await.is_err() {
            println!("{} did not stop in time and is killed", self.name);
        }
        self.kill();
    }
}

fn feed_part(folder: &Path, name: &str, port: u16, rate: u64, seed: u64) -> Part {
    let arguments = vec![
        "simulate".to_owned(),
        "--until-input-ends".to_owned(),
        format!("--listen=127.0.0.1:{port}"),
        format!("--rate={rate}"),
        format!("--seed={seed}"),
    ];
    let log = folder.join(format!("{name}.log"));
    Part { name: name.to_owned(), port, is_node: false, arguments, log, running: None }
}

fn node_file(plan: &NodePlan, pg_port: u16, mesh_port: u16, seed_port: u16, feeds: &[(&str, u16)]) -> String {
    let seeds = if mesh_port == seed_port { String::new() } else { format!("\"127.0.0.1:{seed_port}\"") };
    let feeds: String = feeds
        .iter()
        .map(|(name, port)| format!("\n[[feeds]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n"))
        .collect();
    format!(
        "[node]\nname = \"{}\"\nrole = \"{}\"\ndata_dir = \".\"\n\n\
         [pg]\nlisten = \"127.0.0.1:{pg_port}\"\nusers = [{{ name = \"{USER}\", password_file = \"../password\" }}]\n\n\
         [mesh]\nlisten = \"127.0.0.1:{mesh_port}\"\nseeds = [{seeds}]\n{feeds}",
        plan.name,
        plan.role.as_str()
    )
}

/// The password of the demo's user: made once per folder.
fn kept_password(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("password");
    if let Ok(kept) = fs::read_to_string(&path) {
        return Ok(kept.trim().to_owned());
    }
    let password = random_uuid(&SystemRandom).simple().to_string()[..12].to_owned();
    let mut options = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.create_new(true).write(true), 0o600);
    let mut file: File = options.open(&path).with_context(|| format!("write {}", path.display()))?;
    std::io::Write::write_all(&mut file, password.as_bytes())?;
    Ok(password)
}

/// Free ports of this machine, upwards from a first one.
struct Ports {
    next: u16,
}

impl Ports {
    fn take(&mut self) -> anyhow::Result<u16> {
        loop {
            let port = self.next;
            self.next = self.next.checked_add(1).context("no free port is left")?;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
        }
    }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
