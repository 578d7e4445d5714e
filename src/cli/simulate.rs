//! `armorlake simulate`: a KubeArmor endpoint for trying, testing and load.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::until::{StopWith, told_to_stop};
use crate::simulate::{Pace, SimulateConfig, SimulateTls, Simulator};
use crate::tasks::Tasks;
use crate::telemetry::{LogFilter, start_log};

#[derive(Debug, Args)]
pub(super) struct SimulateArguments {
    /// Where to listen; port 0 picks one
    #[arg(long, default_value = "127.0.0.1:32767")]
    listen: SocketAddr,
    /// Events per second
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Stop making events after so many
    #[arg(long)]
    count: Option<u64>,
    /// Decides every value but the times
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Hosts that the events come from
    #[arg(long, default_value_t = 3)]
    hosts: usize,
    /// Workloads that run on them
    #[arg(long, default_value_t = 12)]
    workloads: usize,
    /// Make File logs whose resource is /numbered/0, /numbered/1 and so on
    #[arg(long)]
    numbered: bool,
    /// Make events only while somebody listens
    #[arg(long)]
    wait_for_client: bool,
    /// Replay this file of JSON lines, as karmor prints them
    #[arg(long)]
    replay: Option<PathBuf>,
    /// How fast to replay: original, fast, or a factor
    #[arg(long, default_value = "original")]
    pace: Pace,
    /// Certificate of the authority that clients' certificates must come from
    #[arg(long, requires_all = ["tls_cert", "tls_key"])]
    tls_ca: Option<PathBuf>,
    /// The endpoint's certificate
    #[arg(long, requires = "tls_ca")]
    tls_cert: Option<PathBuf>,
    /// The endpoint's key
    #[arg(long, requires = "tls_ca")]
    tls_key: Option<PathBuf>,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

/// Runs the endpoint until it is told to stop, then says what became of the events.
pub(super) async fn run(arguments: SimulateArguments) -> anyhow::Result<()> {
    start_log(&LogFilter::default())?;
    let stop_with = if arguments.until_input_ends { StopWith::StandardInput } else { StopWith::Signal };
    let tasks = Tasks::new();
    let simulator = Simulator::start(config(arguments), &tasks).await?;
    tracing::info!(service = "simulate", address = %simulator.local_addr(), "listening");
    told_to_stop(stop_with).await?;
    simulator.stop().await;
    tasks.stop(std::time::Duration::from_secs(10)).await;
    tracing::info!(counters = ?simulator.counters(), "stopped");
    Ok(())
}

fn config(arguments: SimulateArguments) -> SimulateConfig {
    let tls = match (arguments.tls_ca, arguments.tls_cert, arguments.tls_key) {
        (Some(ca), Some(cert), Some(key)) => Some(SimulateTls { ca, cert, key }),
        _ => None,
    };
    SimulateConfig {
        listen: arguments.listen,
        tls,
        rate: arguments.rate,
        count: arguments.count,
        seed: arguments.seed,
        hosts: arguments.hosts,
        workloads: arguments.workloads,
        numbered: arguments.numbered,
        wait_for_client: arguments.wait_for_client,
        replay: arguments.replay,
        pace: arguments.pace,
        ..SimulateConfig::default()
    }
}
