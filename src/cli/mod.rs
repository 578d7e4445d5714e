//! The subcommands of `armorlake`, a file each.
//!
//! Errors go to standard error with their causes and end in exit code 1; wrong usage ends in 2.

mod authority;
mod check;
mod demo;
mod serve;
mod simulate;
mod until;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One PostgreSQL over a fleet's KubeArmor events.
#[derive(Debug, Parser)]
#[command(name = "armorlake", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a small fleet on this machine: three simulated feeds, two edge nodes, one query node
    Demo(demo::DemoArguments),
    /// Run a node
    Serve(serve::ServeArguments),
    /// Make the mesh's certificates
    Ca(authority::CaArguments),
    /// Check a configuration file and name every mistake at once
    Check(check::CheckArguments),
    /// Run a KubeArmor endpoint that makes up events, or replays a file of them
    Simulate(simulate::SimulateArguments),
    /// Print the version
    Version,
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(arguments) => runtime().and_then(|runtime| runtime.block_on(demo::run(arguments))),
        Command::Serve(arguments) => runtime().and_then(|runtime| runtime.block_on(serve::run(arguments))),
        Command::Ca(arguments) => authority::run(&arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Simulate(arguments) => runtime().and_then(|runtime| runtime.block_on(simulate::run(arguments))),
        Command::Version => {
            println!("armorlake {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("armorlake: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Fewest threads of the runtime: on a small machine the system's scheduler then shares the cores
/// between events, queries and heartbeats, so that none of them starves the others.
const WORKERS_MIN: usize = 8;

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(cores.max(WORKERS_MIN)).enable_all().build()?)
}
