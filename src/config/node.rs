//! `[node]`: who this node is and where it keeps its data.

use std::fmt;
use std::path::PathBuf;

use super::findings::Findings;
use super::raw::RawNode;
use super::units::shorten;
use crate::types::NodeName;

/// What a node is for; its certificate must allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRole {
    /// Pulls feeds, stores events, serves SQL.
    Edge,
    /// Serves SQL and pulls nothing.
    Query,
    /// Serves SQL and may publish shared metadata.
    Admin,
}

impl NodeRole {
    /// Its name in the configuration and in certificates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Query => "query",
            Self::Admin => "admin",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        [Self::Edge, Self::Query, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("\"{}\" is no role: edge, query or admin", shorten(text)))
    }
}

impl fmt::Display for NodeRole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Its name, one in the mesh.
    pub name: NodeName,
    /// What it is for.
    pub role: NodeRole,
    /// Its data directory; made when it is not there.
    pub data_dir: PathBuf,
}

impl NodeConfig {
    pub(super) fn check(raw: RawNode, findings: &mut Findings) -> Option<Self> {
        let name = raw.name.and_then(|name| findings.keep("node.name", NodeName::new(&name)));
        let role = findings.keep("node.role", NodeRole::parse(&raw.role));
        let data_dir = raw.data_dir.and_then(|text| {
            let path = findings.path(&text);
            let problem = match (text.is_empty(), path.is_file()) {
                (true, _) => Some("it is empty"),
                (_, true) => Some("it is a file"),
                _ => None,
            };
            problem.map_or_else(|| Ok(path), Err).map_err(|problem| findings.wrong("node.data_dir", problem)).ok()
        });
        Some(Self { name: name?, role: role?, data_dir: data_dir? })
    }
}
