//! `armorlake demo`: a small fleet on this machine, each part as it would be deployed: a process of
//! its own with its own data directory, certificate and ports.
//!
//! Children run until their standard input ends, so that they end with this process however it ends.

mod fleet;
mod questions;
mod status;

use std::io::BufRead;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tokio::sync::mpsc;

use super::until::{StopWith, told_to_stop};
use fleet::Fleet;

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Keep the data in this folder; a second start goes on with it
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Events per second of each simulated feed
    #[arg(long, default_value_t = 50)]
    rate: u64,
    /// First port that PostgreSQL clients connect to; the next free ones are taken when it is in use
    #[arg(long, default_value_t = 5441)]
    port: u16,
}

/// Runs the fleet until Ctrl-C, then stops all of it in order.
pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let temporary = match arguments.keep {
        Some(_) => None,
        None => Some(TemporaryFolder::make()?),
    };
    let folder = match (&arguments.keep, &temporary) {
        (Some(folder), _) => folder.clone(),
        (None, Some(temporary)) => temporary.0.clone(),
        (None, None) => anyhow::bail!("no folder for the demo's data"),
    };
    let mut fleet = Fleet::prepare(&folder, arguments.rate, arguments.port).context("prepare the demo")?;
    fleet.start_all()?;
    fleet.wait_until_ready().await?;
    println!("{}", questions::welcome(&fleet));
    let mut typed = typed_lines();
    let mut status = status::Status::new(&fleet);
    let stop = told_to_stop(StopWith::Signal);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            told = &mut stop => {
                told?;
                break;
            }
            Some(line) = typed.recv() => fleet.obey(line.trim()),
            () = status.next() => status.show(&mut fleet).await,
        }
    }
    println!("\nstopping");
    fleet.stop_all().await;
    Ok(())
}

/// Lines of standard input; none when there is none.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    // A thread of its own: a read of standard input cannot be cancelled, and must not hold up the end.
    let reader = std::thread::Builder::new().name("typed lines".to_owned());
    let started = reader.spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    if let Err(error) = started {
        eprintln!("commands cannot be typed: {error}");
    }
    receiver
}

/// A folder that ends with the demo.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn make() -> anyhow::Result<Self> {
        let name = format!("armorlake-demo-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}
