//! `armorlake serve`: one node, until it is told to stop.

use std::path::PathBuf;

use clap::Args;

use super::until::{StopWith, told_to_stop};
use crate::config::{Config, Sources};
use crate::node::Node;
use crate::telemetry::start_log;

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The configuration file
    #[arg(long)]
    config: PathBuf,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

/// Runs the node; an error when it could not start or a service of it failed.
pub(super) async fn run(arguments: ServeArguments) -> anyhow::Result<()> {
    let config = Config::load(&Sources::of_process(Some(arguments.config)))?;
    start_log(&config.log)?;
    for key in &config.resolved {
        tracing::debug!(key = key.key, value = key.value, "configuration");
    }
    let node = Node::start(config).await?;
    let stop_with = if arguments.until_input_ends { StopWith::StandardInput } else { StopWith::Signal };
    tokio::select! {
        told = told_to_stop(stop_with) => {
            told?;
            tracing::info!("stopping");
            node.stop().await
        }
        () = node.failed() => {
            // What failed stands in the log already.
            let _stopped = node.stop().await;
            anyhow::bail!("a service of the node failed; the log says which")
        }
    }
}
