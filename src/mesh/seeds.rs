//! Finds the first nodes of the mesh by the addresses in the configuration.
//!
//! The name behind a seed's address is not known beforehand: whoever answers must show a node
//! certificate of the mesh's CA, and its name is learned from that. From then on it is a peer like
//! all others; the seed's address is tried again while that peer is not up, since another node may
//! have taken its place.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::MemberStatus;
use super::dial::dial;
use super::directory::Directory;
use super::peer::Problem;
use crate::tls::TlsMaterial;
use crate::types::NodeName;

/// Wait between attempts to reach a seed at first, and at most.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// Time between looks at whether a known seed is up.
const CHECK: Duration = Duration::from_secs(5);

/// Keeps one seed known until `stop`.
pub(super) async fn follow(directory: Arc<Directory>, tls: TlsMaterial, address: String, stop: CancellationToken) {
    let mut known: Option<NodeName> = None;
    let mut pause = RETRY_MIN;
    let mut last_problem: Option<Problem> = None;
    loop {
        let is_up = |name: &NodeName| {
            *name == directory.own.name || directory.peer(name).is_some_and(|peer| peer.status() == MemberStatus::Up)
        };
        if known.as_ref().is_some_and(is_up) {
            pause = CHECK;
        } else {
            let dialled = tokio::select! {
                () = stop.cancelled() => return,
                dialled = dial(&tls, &address, None) => dialled,
            };
            match dialled {
                Ok(dialled) => {
                    tracing::info!(seed = address, node = %dialled.identity.name, "reached a seed");
                    // All nodes may be given the same list of seeds, so one may be this node.
                    if dialled.identity.name != directory.own.name {
                        directory.introduced(&dialled.identity, &address);
                    }
                    known = Some(dialled.identity.name);
                    (pause, last_problem) = (CHECK, None);
                }
                Err(problem) => {
                    if last_problem.as_ref() != Some(&problem) {
                        tracing::warn!(seed = address, ?problem, "cannot reach a seed, trying on");
                    }
                    (pause, last_problem) = ((pause * 2).min(RETRY_MAX), Some(problem));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}
