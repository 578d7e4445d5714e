//! `armorlake check`: every mistake of a configuration file at once.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, Sources};

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The configuration file
    #[arg(long)]
    config: PathBuf,
}

/// Prints the resolved configuration, or fails with all mistakes.
pub(super) fn run(arguments: CheckArguments) -> anyhow::Result<()> {
    let shown = arguments.config.display().to_string();
    let config = Config::load(&Sources::of_process(Some(arguments.config)))?;
    for key in &config.resolved {
        println!("{} = {}", key.key, key.value);
    }
    println!("{shown} is right");
    Ok(())
}
