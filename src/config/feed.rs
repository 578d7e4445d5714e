//! `[[feeds]]`: the KubeArmor endpoints that this node pulls from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::address::HostPort;
use super::findings::Findings;
use super::raw::{RawFeed, RawFeedTls};
use super::units::shorten;
use crate::types::FeedName;

/// One stream of KubeArmor's LogService.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeedStream {
    /// Events that matched a policy.
    Alerts,
    /// Everything else that was seen.
    Logs,
    /// What the daemon says of itself.
    Messages,
}

impl FeedStream {
    /// Its name, also that of its event table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Logs => "logs",
            Self::Messages => "messages",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        [Self::Alerts, Self::Logs, Self::Messages]
            .into_iter()
            .find(|stream| stream.as_str() == text)
            .ok_or_else(|| format!("\"{}\" is no stream: alerts, logs or messages", shorten(text)))
    }
}

/// This node's certificate towards KubeArmor: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedIdentity {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// TLS towards a KubeArmor endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedTls {
    /// The CA that signed the endpoint's certificate, PEM.
    pub ca: PathBuf,
    /// What this node shows; none where the endpoint asks for nothing.
    pub identity: Option<FeedIdentity>,
    /// The name in the endpoint's certificate; none means the host of its address.
    pub server_name: Option<String>,
}

/// One KubeArmor endpoint that this node pulls from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedConfig {
    /// Its name, one on this node.
    pub name: FeedName,
    /// Where it listens.
    pub address: HostPort,
    /// What to pull: each stream once, alerts first.
    pub streams: Vec<FeedStream>,
    /// TLS; none means plain text.
    pub tls: Option<FeedTls>,
}

impl FeedConfig {
    pub(super) fn check_all(raw: Vec<RawFeed>, findings: &mut Findings) -> Vec<Self> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut checked = Vec::new();
        for feed in raw {
            if let Some(name) = &feed.name {
                match names.get(name) {
                    Some(first) => {
                        findings
                            .wrong(format!("{}.name", feed.path), format!("{first} has the name \"{name}\" already"));
                    }
                    None => {
                        names.insert(name.clone(), feed.path.clone());
                    }
                }
            }
            checked.extend(Self::check(feed, findings));
        }
        checked
    }

    fn check(raw: RawFeed, findings: &mut Findings) -> Option<Self> {
        let path = raw.path;
        let name = raw.name.and_then(|name| findings.keep(format!("{path}.name"), FeedName::new(&name)));
        let address =
            raw.address.and_then(|address| findings.keep(format!("{path}.address"), HostPort::parse(&address)));
        let streams_key = format!("{path}.streams");
        let mut streams: Vec<FeedStream> = raw
            .streams
            .iter()
            .filter_map(|stream| findings.keep(streams_key.as_str(), FeedStream::parse(stream)))
            .collect();
        if raw.streams.is_empty() {
            findings.wrong(streams_key, "a feed without a stream brings nothing; leave the key out for all of them");
        }
        streams.sort();
        streams.dedup();
        let tls = match raw.tls {
            Some(tls) => Some(check_tls(&path, tls, findings)?),
            None => None,
        };
        Some(Self { name: name?, address: address?, streams, tls })
    }
}

fn check_tls(path: &str, raw: RawFeedTls, findings: &mut Findings) -> Option<FeedTls> {
    let mut file = |key: &str, text: &Option<String>| {
        let path_on_disk = findings.path(text.as_deref()?);
        findings.file(format!("{path}.tls.{key}"), &path_on_disk)
    };
    let (ca, cert, key) = (file("ca", &raw.ca), file("cert", &raw.cert), file("key", &raw.key));
    for (given, missing, name) in [(&raw.cert, &raw.key, "key"), (&raw.key, &raw.cert, "cert")] {
        if given.is_some() && missing.is_none() {
            findings.wrong(format!("{path}.tls.{name}"), "missing; a certificate and its key belong together");
        }
    }
    let server_name = match raw.server_name {
        // The port only completes it to an address, so that one rule says what a host name is.
        Some(name) => Some(
            findings.keep(
                format!("{path}.tls.server_name"),
                HostPort::parse(&format!("{name}:1"))
                    .map(|_| name.clone())
                    .map_err(|_| format!("\"{}\" is no name of a server", shorten(&name))),
            )?,
        ),
        None => None,
    };
    let identity = match (cert, key) {
        (Some(cert), Some(key)) => Some(FeedIdentity { cert, key }),
        _ => None,
    };
    Some(FeedTls { ca: ca?, identity, server_name })
}
