//! The configuration of a node: a file, the environment and the command line in, a checked
//! [`Config`] or every mistake at once out.
//!
//! Order, the last one wins: default, file, environment (`ARMORLAKE_PG_LISTEN` for `pg.listen`),
//! command line. Relative paths start at the folder of the file. Every check that needs no network
//! happens here, so that a node that starts does not fail later for its configuration. The keys
//! stand in `raw`; `keys` walks them, `findings` remembers what was wrong.
//! Called by `cli`; `node` gives each room its part.

mod address;
mod feed;
mod findings;
mod keys;
mod leaf;
mod mesh;
mod node;
mod pg;
mod raw;
mod secret;
mod storage;
mod units;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use self::findings::Findings;
use self::keys::Reading;
use self::pg::NodeCertificate;
use self::raw::RawConfig;
use crate::telemetry::LogFilter;

pub use address::HostPort;
pub use feed::{FeedConfig, FeedIdentity, FeedStream, FeedTls};
pub use findings::{ConfigError, Mistake, Origin, ResolvedKey};
pub use mesh::{MeshConfig, MeshTls};
pub use node::{NodeConfig, NodeRole};
pub use pg::{Credential, PgConfig, PgTls, PgUser, RequireTls, UserCertificate};
pub use secret::Secret;
pub use storage::StorageConfig;

/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file; none means defaults, environment and command line alone.
    pub file: Option<PathBuf>,
    /// Environment variables, name and value.
    pub environment: Vec<(String, String)>,
    /// Values of the command line, key (`pg.listen`) and value; they win.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// A file and this process's environment.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .filter(|(name, _)| name.starts_with("ARMORLAKE_"))
            .collect();
        Self { file, environment, flags: Vec::new() }
    }

    /// The same with a value of the command line.
    #[must_use]
    pub fn with_flag(mut self, key: &str, value: impl Into<String>) -> Self {
        self.flags.push((key.to_owned(), value.into()));
        self
    }
}

/// Everything a node is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who this node is.
    pub node: NodeConfig,
    /// The door for PostgreSQL clients.
    pub pg: PgConfig,
    /// The mesh; none for a node that stands alone.
    pub mesh: Option<MeshConfig>,
    /// The KubeArmor endpoints, in the order of the file.
    pub feeds: Vec<FeedConfig>,
    /// How rows are kept.
    pub storage: StorageConfig,
    /// What is logged.
    pub log: LogFilter,
    /// Every key with the value that counts, for the log; secrets are masked.
    pub resolved: Vec<ResolvedKey>,
}

impl Config {
    /// Reads and checks a configuration.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let text = match &sources.file {
            Some(path) => read_file(path)?,
            None => String::new(),
        };
        let base = sources.file.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        Self::from_text(&text, base, sources)
    }

    fn from_text(text: &str, base: PathBuf, sources: &Sources) -> Result<Self, ConfigError> {
        let mut reading = Reading::new(text, sources, Findings::new(base));
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let mistakes = errors.iter().map(|error| syntax_mistake(error, &reading)).collect();
            return Err(ConfigError::Mistakes { mistakes });
        }
        let raw = reading.walk(table.get_ref(), RawConfig::read);
        let mut findings = reading.findings;
        let config = Self::check(raw, &mut findings);
        let resolved = findings.finish()?;
        // Without a mistake every part is there.
        let config = config.ok_or(ConfigError::Mistakes { mistakes: Vec::new() })?;
        Ok(Self { resolved, ..config })
    }

    /// Checks every part, also when an earlier one had mistakes.
    fn check(raw: RawConfig, findings: &mut Findings) -> Option<Self> {
        let certificate = if raw.mesh.is_some() { NodeCertificate::Configured } else { NodeCertificate::Absent };
        let data_dir = raw.node.data_dir.as_deref().map(|text| findings.path(text));
        let feed_count = raw.feeds.len();
        let node = NodeConfig::check(raw.node, findings);
        let pg = PgConfig::check(raw.pg, certificate, findings);
        let mesh = raw.mesh.map(|mesh| MeshConfig::check(mesh, data_dir.as_deref(), findings));
        let feeds = FeedConfig::check_all(raw.feeds, findings);
        let storage = StorageConfig::check(raw.storage, findings);
        let log = findings.keep("log.level", LogFilter::new(&raw.log.level));
        if feed_count > 0 && node.as_ref().is_some_and(|node| node.role == NodeRole::Query) {
            findings.wrong("feeds", "a node of the role \"query\" pulls no feeds; write role = \"edge\"");
        }
        let mesh = match mesh {
            Some(mesh) => Some(mesh?),
            None => None,
        };
        Some(Self { node: node?, pg: pg?, mesh, feeds, storage: storage?, log: log?, resolved: Vec::new() })
    }
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(std::io::Error::other(format!("it has {length} bytes, and may have {FILE_BYTES_MAX}"))));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn syntax_mistake(error: &toml::de::Error, reading: &Reading<'_>) -> Mistake {
    let origin = error.span().map(|span| Origin::File { line: reading.line(span.start) });
    Mistake { key: String::new(), origin, text: error.message().to_owned() }
}
