//! `armorlake ca`: the mesh's certificate authority and the nodes' certificates.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::env::SystemClock;
use crate::tls::{CertificateRequest, Role, ca_init, ca_issue};
use crate::types::NodeName;

#[derive(Debug, Args)]
pub(super) struct CaArguments {
    #[command(subcommand)]
    command: CaCommand,
}

#[derive(Debug, Subcommand)]
enum CaCommand {
    /// Make the authority: ca.crt and ca.key in a folder
    Init {
        /// The folder
        directory: PathBuf,
    },
    /// Make a node's key and certificate: ca.crt, node.crt and node.key in a folder
    Issue(IssueArguments),
}

#[derive(Debug, Args)]
struct IssueArguments {
    /// The node's name
    name: String,
    /// The authority's folder
    #[arg(long, default_value = "ca")]
    ca: PathBuf,
    /// What the node may be: edge, query or admin
    #[arg(long, default_value = "edge")]
    role: String,
    /// SQL roles that it may state for its users, separated by commas [default: reader]
    #[arg(long, value_delimiter = ',')]
    act_as: Vec<String>,
    /// Host names and addresses that PostgreSQL clients use, separated by commas
    #[arg(long, value_delimiter = ',')]
    host: Vec<String>,
    /// How many days the certificate is valid
    #[arg(long, default_value_t = 365)]
    days: u64,
    /// The folder for the node's files
    #[arg(long)]
    out: PathBuf,
}

/// Makes what was asked for and says where it lies.
pub(super) fn run(arguments: &CaArguments) -> anyhow::Result<()> {
    let clock = SystemClock::new();
    match &arguments.command {
        CaCommand::Init { directory } => {
            ca_init(directory, &clock)?;
            println!("made {}; keep ca.key where only you can read it", directory.join("ca.crt").display());
        }
        CaCommand::Issue(issue) => {
            let role = Role::from_name(&issue.role)
                .ok_or_else(|| anyhow::anyhow!("\"{}\" is no role: edge, query or admin", issue.role))?;
            let request = CertificateRequest {
                act_as: issue.act_as.clone(),
                hosts: issue.host.clone(),
                valid_for: Duration::from_secs(issue.days.saturating_mul(24 * 60 * 60)),
                ..CertificateRequest::new(NodeName::new(&issue.name)?, role)
            };
            let files = ca_issue(&issue.ca, &request, &issue.out, &clock)?;
            println!("made {} and its key", files.certificate.display());
        }
    }
    Ok(())
}
