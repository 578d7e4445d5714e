//! The demo's status line: events received per node and nodes up, asked as any client would.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::fleet::{Fleet, USER};
use crate::tasks::Tasks;

const QUESTION: &str = "SELECT n.node, n.status, s.received FROM mesh.nodes n \
    LEFT JOIN (SELECT node, sum(received) AS received FROM mesh.sources GROUP BY node) s ON s.node = n.node ORDER BY n.node";

/// The line, and when it is due.
#[derive(Debug)]
pub(super) struct Status {
    tick: tokio::time::Interval,
    config: tokio_postgres::Config,
    client: Option<tokio_postgres::Client>,
    tasks: Tasks,
    on_terminal: bool,
    last: String,
}

impl Status {
    /// A line that asks the last node of the fleet.
    pub(super) fn new(fleet: &Fleet) -> Self {
        let on_terminal = std::io::stdout().is_terminal();
        let every = if on_terminal { Duration::from_secs(2) } else { Duration::from_secs(10) };
        let mut config = tokio_postgres::Config::new();
        let port = fleet.nodes().last().map_or(0, |node| node.port);
        config.host("127.0.0.1").port(port).user(USER).password(&fleet.password).dbname("kubearmor");
        config.connect_timeout(Duration::from_secs(2)).application_name("armorlake demo");
        let tick = tokio::time::interval(every);
        Self { tick, config, client: None, tasks: Tasks::new(), on_terminal, last: String::new() }
    }

    /// Returns when the line is due.
    pub(super) async fn next(&mut self) {
        self.tick.tick().await;
    }

    /// Asks and prints.
    pub(super) async fn show(&mut self, fleet: &mut Fleet) {
        let line = match self.ask().await {
            Ok(line) => line,
            Err(error) => {
                self.client = None;
                format!("no answer from the asked node ({error})")
            }
        };
        let ended: Vec<String> =
            fleet.parts.iter_mut().filter_map(|part| (!part.is_running()).then(|| part.name.clone())).collect();
        let ended = if ended.is_empty() { String::new() } else { format!("  [not running: {}]", ended.join(", ")) };
        self.print(&format!("{line}{ended}"));
    }

    async fn ask(&mut self) -> Result<String, tokio_postgres::Error> {
        if self.client.is_none() {
            let (client, connection) = self.config.connect(NoTls).await?;
            self.tasks.spawn_session("status connection", async move {
                // The client is told when its connection breaks.
                let _broken = connection.await;
            });
            self.client = Some(client);
        }
        let Some(client) = &self.client else { return Ok(String::new()) };
        let (mut up, mut nodes) = (0, Vec::new());
        for message in client.simple_query(QUESTION).await? {
            let SimpleQueryMessage::Row(row) = message else { continue };
            let (name, status) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
            up += usize::from(status == "up");
            let received = row.get(2).map_or_else(|| status.to_owned(), |count| format!("{count} events"));
            nodes.push(format!("{name} {received}"));
        }
        Ok(format!("{up} of {} nodes up  |  {}", nodes.len(), nodes.join("  |  ")))
    }

    fn print(&mut self, line: &str) {
        if self.on_terminal {
            let blank = " ".repeat(self.last.chars().count().saturating_sub(line.chars().count()));
            print!("\r{line}{blank}");
            // A terminal that is gone takes the demo with it at the next signal.
            let _flushed = std::io::stdout().flush();
        } else {
            println!("{line}");
        }
        line.clone_into(&mut self.last);
    }
}
