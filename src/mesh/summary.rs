//! Table summaries from owner to coordinator, and with them whether a node is alive.
//!
//! Every node watches every other one over a connection of its own. The owner sends a frame at once
//! when a bound or a set of its tables changes, and otherwise a heartbeat. A node is up while frames
//! come and down when none came for three seconds, when its connection breaks or when it refuses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Request;
use tonic::transport::Channel;

use super::codec::{EntriesMessages, SummaryDecoder, SummaryEncoder, SummaryOrigin, is_urgent};
use super::definitions;
use super::dial::{dial, problem_of};
use super::directory::Directory;
use super::gossip::Greeter;
use super::peer::{Peer, Problem};
use crate::env::{Clock, Random, random_u64};
use crate::proto::mesh as proto;
use crate::proto::mesh::membership_service_client::MembershipServiceClient;
use crate::tls::TlsMaterial;
use crate::types::TableSummary;
use crate::types::limits::MESH_MESSAGE_BYTES_MAX;

/// Time between heartbeats, a little under the promised 500 ms.
const HEARTBEAT: Duration = Duration::from_millis(450);
/// Least time between two frames of a stream.
const FRAME_PAUSE: Duration = Duration::from_millis(20);
/// A node that sent nothing for so long is down.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// Shortest and longest wait before a node is dialled again.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// Longest time that one gossip message may take.
const GOSSIP_TIMEOUT: Duration = Duration::from_secs(2);

/// What is sent to one watcher.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) summaries: watch::Receiver<BTreeMap<String, TableSummary>>,
    pub(super) draining: watch::Receiver<bool>,
    pub(super) definitions: watch::Receiver<Option<Arc<EntriesMessages>>>,
    pub(super) origin: SummaryOrigin,
    pub(super) clock: Arc<dyn Clock>,
    /// End of the watcher's certificate, and so of the stream.
    pub(super) valid_until_us: i64,
}

struct Publisher {
    publication: Publication,
    encoder: SummaryEncoder,
    last_frame: Option<Instant>,
    stop: CancellationToken,
}

/// The frames for one watcher, until `stop`.
pub(super) fn frames(
    publication: Publication,
    stop: CancellationToken,
) -> impl Stream<Item = proto::SummaryFrame> + Send {
    let publisher = Publisher { publication, encoder: SummaryEncoder::default(), last_frame: None, stop };
    stream::unfold(publisher, |mut publisher| async {
        let frame = publisher.next().await?;
        Some((frame, publisher))
    })
}

impl Publisher {
    async fn next(&mut self) -> Option<proto::SummaryFrame> {
        if let Some(last_frame) = self.last_frame {
            let stop = self.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                () = self.until_due(last_frame) => {}
            }
        }
        if self.stop.is_cancelled() || self.publication.valid_until_us < self.publication.clock.now_us() {
            return None;
        }
        self.last_frame = Some(Instant::now());
        let draining = *self.publication.draining.borrow_and_update();
        let digest = self.publication.definitions.borrow_and_update().as_ref().map(|made| made.digest);
        let now = self.publication.summaries.borrow_and_update();
        Some(self.encoder.frame(&now, &self.publication.origin, draining, digest))
    }

    /// Waits for the next heartbeat or for a change that cannot wait for it.
    async fn until_due(&mut self, last_frame: Instant) {
        sleep_until(last_frame + FRAME_PAUSE).await;
        let heartbeat = sleep_until(last_frame + HEARTBEAT);
        tokio::pin!(heartbeat);
        loop {
            let Publication { summaries, draining, definitions, .. } = &mut self.publication;
            tokio::select! {
                () = &mut heartbeat => return,
                Ok(()) = draining.changed() => return,
                Ok(()) = definitions.changed() => return,
                Ok(()) = summaries.changed() => {
                    let now = summaries.borrow();
                    if self.encoder.sent().is_none_or(|sent| is_urgent(sent, &now)) {
                        return;
                    }
                }
            }
        }
    }
}

/// What a watcher of peers needs.
#[derive(Debug, Clone)]
pub(super) struct Watcher {
    pub(super) directory: Arc<Directory>,
    pub(super) tls: TlsMaterial,
    pub(super) random: Arc<dyn Random>,
    pub(super) greeter: Greeter,
    pub(super) stop: CancellationToken,
}

impl Watcher {
    /// Watches one peer until `stop` or until it is forgotten; carries gossip to it meanwhile.
    pub(super) async fn watch(self, peer: Arc<Peer>, mut outbox: mpsc::Receiver<Vec<u8>>) {
        let mut attempt = 0;
        while !self.stop.is_cancelled() && self.directory.holds(&peer) {
            let epoch = peer.epoch();
            let problem = tokio::select! {
                () = self.stop.cancelled() => return,
                problem = self.connect_and_follow(&peer, attempt, &mut outbox) => problem,
            };
            if peer.failed(&*self.directory.clock, problem) {
                self.directory.changed();
            }
            attempt = if peer.epoch() == epoch { attempt + 1 } else { 0 };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(self.pause(attempt)) => {}
                () = peer.wake.notified() => {}
            }
        }
    }

    /// Twice as long at each failure, and anything between half and all of that, so that nodes that
    /// lost the same peer do not come back as one.
    fn pause(&self, attempt: usize) -> Duration {
        let longest = RETRY_MIN.saturating_mul(1 << attempt.min(8)).min(RETRY_MAX);
        let share = u32::try_from(random_u64(&*self.random) % 512).unwrap_or(0) + 512;
        longest * share / 1024
    }

    async fn connect_and_follow(&self, peer: &Peer, attempt: usize, outbox: &mut mpsc::Receiver<Vec<u8>>) -> Problem {
        let address = peer.address(attempt);
        let dialled = match dial(&self.tls, &address, Some(&peer.name)).await {
            Ok(dialled) => dialled,
            Err(problem) => return problem,
        };
        let role = dialled.identity.role;
        let channel = dialled.channel;
        // What waited while there was no connection is old; the next round says it better.
        while outbox.try_recv().is_ok() {}
        tokio::select! {
            problem = self.follow(peer, &address, role, channel.clone()) => problem,
            () = carry_gossip(channel.clone(), outbox, &self.directory.own.address) => Problem::Silent,
            () = definitions::follow(&self.directory, peer, channel) => Problem::Silent,
        }
    }

    /// Takes in frames until they end.
    async fn follow(&self, peer: &Peer, address: &str, role: super::Role, channel: Channel) -> Problem {
        let mut client = MembershipServiceClient::new(channel).max_decoding_message_size(MESH_MESSAGE_BYTES_MAX);
        let request = proto::WatchSummaryRequest { watcher_address: self.directory.own.address.clone() };
        let mut frames = match timeout(SILENCE_MAX, client.watch_summary(Request::new(request))).await {
            Err(_) => return Problem::Unreachable(String::from("no answer")),
            Ok(Err(status)) => return lost(&status),
            Ok(Ok(response)) => response.into_inner(),
        };
        let mut decoder = SummaryDecoder::default();
        let mut is_draining = false;
        loop {
            let frame = match timeout(SILENCE_MAX, frames.message()).await {
                Err(_) => return Problem::Silent,
                Ok(Err(_) | Ok(None)) if is_draining => return Problem::Refuses(String::from("the node was stopped")),
                Ok(Err(status)) => return lost(&status),
                Ok(Ok(None)) => return Problem::Refuses(String::from("the node was stopped")),
                Ok(Ok(Some(frame))) => frame,
            };
            let news = match decoder.apply(frame) {
                Ok(news) => news,
                Err(error) => return Problem::Refuses(error.to_string()),
            };
            is_draining = news.draining;
            if let Some(digest) = news.digest {
                peer.announced.send_replace(Some(digest));
            }
            if let Some(origin) = &news.origin {
                peer.connected(address, role);
                peer.described(origin);
                self.greeter.greet(&peer.name);
            }
            if peer.heard(&*self.directory.clock, news.tables_changed.then(|| decoder.tables())) {
                self.directory.changed();
            }
        }
    }
}

fn lost(status: &tonic::Status) -> Problem {
    match std::error::Error::source(status) {
        Some(cause) => problem_of(cause),
        None if status.code() == tonic::Code::Unauthenticated => {
            Problem::Refuses(String::from("certificate refused by the node"))
        }
        None => Problem::Unreachable(String::from("connection lost")),
    }
}

/// Sends gossip messages as they come; one that fails is not repeated.
async fn carry_gossip(channel: Channel, outbox: &mut mpsc::Receiver<Vec<u8>>, own_address: &str) {
    let mut client = MembershipServiceClient::new(channel);
    while let Some(message) = outbox.recv().await {
        let frame = proto::GossipFrame { message: message.into(), sender_address: own_address.to_owned() };
        match timeout(GOSSIP_TIMEOUT, client.gossip(Request::new(frame))).await {
            Ok(Ok(_)) => {}
            Ok(Err(status)) => tracing::debug!(code = ?status.code(), "gossip was not delivered"),
            Err(_) => tracing::debug!("gossip was not delivered in time"),
        }
    }
    std::future::pending::<()>().await;
}
