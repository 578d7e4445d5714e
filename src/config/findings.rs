//! What was found while reading a configuration: values, where they came from, and mistakes.
//!
//! Reading never stops at the first mistake: each one is noted with its key, and a person sees
//! them all at once.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use super::units::shorten;
use crate::types::Code;

/// Where a value came from; a later one of this list wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// Its line there, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The command line.
    Flag,
}

impl Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { line } => write!(out, "line {line}"),
            Self::Environment { variable } => out.write_str(variable),
            Self::Flag => out.write_str("command line"),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, such as `feeds[1].address`; empty for a file that is no TOML.
    pub key: String,
    /// Where its value came from; none when there is no value.
    pub origin: Option<Origin>,
    /// What is wrong, and what would be right.
    pub text: String,
}

impl Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.as_str(), &self.origin) {
            ("", Some(origin)) => write!(out, "{origin}: {}", self.text),
            ("", None) => out.write_str(&self.text),
            (key, Some(origin)) => write!(out, "{key} ({origin}): {}", self.text),
            (key, None) => write!(out, "{key}: {}", self.text),
        }
    }
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It has mistakes: all of them, in the order of the file.
    #[error("{}", list(mistakes))]
    Mistakes {
        /// At least one.
        mistakes: Vec<Mistake>,
    },
}

impl ConfigError {
    /// The kind of the error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::IoError,
            Self::Mistakes { .. } => Code::InvalidParameterValue,
        }
    }
}

fn list(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

/// A key with the value that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedKey {
    /// The key, such as `storage.seal_rows`.
    pub key: String,
    /// Its value; `***` for a secret.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Display for ResolvedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} = {} ({})", self.key, self.value, self.origin)
    }
}

/// Collects what reading and checking find.
#[derive(Debug)]
pub(super) struct Findings {
    base: PathBuf,
    origins: BTreeMap<String, Origin>,
    resolved: Vec<ResolvedKey>,
    mistakes: Vec<(String, String)>,
}

impl Findings {
    /// Relative paths of the configuration start at `base`.
    pub(super) fn new(base: PathBuf) -> Self {
        Self { base, origins: BTreeMap::new(), resolved: Vec::new(), mistakes: Vec::new() }
    }

    /// Notes where the value of a key stands.
    pub(super) fn seen(&mut self, key: &str, origin: Origin) {
        self.origins.insert(key.to_owned(), origin);
    }

    /// Notes the value of a key that counts.
    pub(super) fn resolved(&mut self, key: &str, value: String, origin: Origin) {
        self.resolved.push(ResolvedKey { key: key.to_owned(), value, origin });
    }

    /// Notes a mistake.
    pub(super) fn wrong(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.mistakes.push((key.into(), text.into()));
    }

    /// The value, or a mistake noted under its key.
    pub(super) fn keep<T, E: Display>(&mut self, key: impl Into<String>, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.wrong(key, error.to_string())).ok()
    }

    /// The path as this process must open it.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.base.join(text)
    }

    /// The path of a file that must be there and readable.
    pub(super) fn file(&mut self, key: impl Into<String>, path: &Path) -> Option<PathBuf> {
        // Only what is a file is opened: opening a pipe would wait for its writer.
        let problem = match std::fs::metadata(path) {
            Ok(facts) if !facts.is_file() => "it is no file".to_owned(),
            Ok(_) => match std::fs::File::open(path) {
                Ok(_) => return Some(path.to_owned()),
                Err(error) => error.to_string(),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            Err(error) => error.to_string(),
        };
        self.wrong(key, format!("{}: {problem}", shorten(&path.display().to_string())));
        None
    }

    /// All values that count, or all mistakes in the order of the file.
    pub(super) fn finish(self) -> Result<Vec<ResolvedKey>, ConfigError> {
        if self.mistakes.is_empty() {
            return Ok(self.resolved);
        }
        let mut mistakes: Vec<Mistake> = self
            .mistakes
            .into_iter()
            .map(|(key, text)| Mistake { origin: self.origins.get(&key).cloned(), key, text })
            .collect();
        mistakes.sort_by(|left, right| match (&left.origin, &right.origin) {
            (Some(left), Some(right)) => left.cmp(right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        });
        Err(ConfigError::Mistakes { mistakes })
    }
}
