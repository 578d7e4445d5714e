//! The log: one line of text per event on standard error, never on standard output.
//!
//! `cli` starts it once per process, as soon as the configuration is known. What may be logged is
//! each room's own care: fields, not formatted text, and never a secret.

use std::fmt;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::types::Code;

/// Which events are logged: a level, or levels per room, as `tracing` writes them.
///
/// Examples: `info`, `warn,armorlake::mesh=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Checks and takes a filter.
    pub fn new(text: &str) -> Result<Self, LogFilterError> {
        let refused = || LogFilterError { text: text.chars().take(80).collect() };
        // A lone word that is no level would be taken for the name of a crate, and silence us.
        let says_a_level = text.split(',').all(|part| {
            let level = part.rsplit_once('=').map_or(part, |(_, level)| level).trim();
            ["error", "warn", "info", "debug", "trace", "off"].iter().any(|known| level.eq_ignore_ascii_case(known))
        });
        if !says_a_level || EnvFilter::try_new(text).is_err() {
            return Err(refused());
        }
        Ok(Self(text.to_owned()))
    }

    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Why a text is no log filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no log level: error, warn, info, debug, trace, off, or a list such as warn,armorlake::mesh=debug"
)]
pub struct LogFilterError {
    /// The refused text, cut to 80 characters.
    pub text: String,
}

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Something in this process logs already.
    #[error("the log was started twice")]
    AlreadyStarted,
}

impl TelemetryError {
    /// The kind of the error.
    pub fn code(&self) -> Code {
        match self {
            Self::AlreadyStarted => Code::Internal,
        }
    }
}

/// Starts the log of this process.
pub fn start_log(filter: &LogFilter) -> Result<(), TelemetryError> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter.as_str()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .compact()
        .try_init()
        .map_err(|_| TelemetryError::AlreadyStarted)
}

#[cfg(test)]
mod tests {
    use super::{LogFilter, TelemetryError, start_log};

    #[test]
    fn levels_and_lists_of_levels_are_filters() {
        for taken in ["info", "WARN", "warn,armorlake::mesh=debug", "off"] {
            assert_eq!(LogFilter::new(taken).expect(taken).as_str(), taken);
        }
        for refused in ["", "loud", "armorlake", "info,armorlake::mesh=loud", "info,,", "[=info"] {
            assert!(LogFilter::new(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_second_log_is_refused() {
        let filter = LogFilter::new("off").expect("a level");
        // Another test of this process may have been first.
        let _first = start_log(&filter);
        assert!(matches!(start_log(&filter), Err(TelemetryError::AlreadyStarted)));
    }
}
