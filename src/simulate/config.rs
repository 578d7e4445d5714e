//! What the simulator is to do.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// How fast a file is replayed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As many times as fast as it was recorded; 1 is its own pace. Full queues drop, as the daemon's do.
    Times(f64),
    /// As fast as the clients take it: it waits for a client and pauses when its queue is full, so
    /// that nothing is lost.
    Fast,
}

/// A text that is no pace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no pace: \"original\", \"fast\" or a positive factor such as \"2.5\"")]
pub struct PaceError {
    /// The refused text.
    pub text: String,
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        match text {
            "fast" => Ok(Self::Fast),
            "original" => Ok(Self::Times(1.0)),
            other => match other.trim_start_matches('x').parse::<f64>() {
                Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Self::Times(factor)),
                _ => Err(PaceError { text: other.to_owned() }),
            },
        }
    }
}

/// Mutual TLS: paths of PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulateTls {
    /// Authority that client certificates must come from.
    pub ca: PathBuf,
    /// The server's certificate.
    pub cert: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

/// What the simulator is to do; the fields are those of the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulateConfig {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// Mutual TLS; without it everything is plain.
    pub tls: Option<SimulateTls>,
    /// Events per second that are generated.
    pub rate: u64,
    /// Stop generating after so many events.
    pub count: Option<u64>,
    /// Decides every generated value but the times.
    pub seed: u64,
    /// Hosts that the generated events come from.
    pub hosts: usize,
    /// Workloads that run on them.
    pub workloads: usize,
    /// Generate plain File logs whose resource is `/numbered/<n>`, from 0, instead of a lively cluster.
    pub numbered: bool,
    /// Generate only while somebody listens to logs and alerts.
    pub wait_for_client: bool,
    /// Replay this file of JSON lines instead of generating.
    pub replay: Option<PathBuf>,
    /// How fast to replay.
    pub pace: Pace,
    /// Events that a client's queue holds.
    pub queue_events: usize,
}

impl Default for SimulateConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            rate: 100,
            count: None,
            seed: 1,
            hosts: 3,
            workloads: 12,
            numbered: false,
            wait_for_client: false,
            replay: None,
            pace: Pace::Times(1.0),
            queue_events: 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn paces_are_read() {
        assert_eq!("fast".parse(), Ok(Pace::Fast));
        assert_eq!("original".parse(), Ok(Pace::Times(1.0)));
        assert_eq!("x2.5".parse(), Ok(Pace::Times(2.5)));
        for refused in ["", "0", "-1", "inf", "quick"] {
            assert!(refused.parse::<Pace>().is_err(), "{refused}");
        }
    }
}
