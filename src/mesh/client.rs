//! Asks an owner to run a fragment and reads its reply.
//!
//! Fragments have a connection of their own per node, apart from heartbeats, so that a reply that
//! nobody reads can never make a node look dead. It is opened when first needed and kept warm.
//! Dropping the reply resets its stream, which cancels the fragment at the owner.

use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use super::codec::{ReplyDecoder, encode_request};
use super::dial::{dial, problem_of};
use super::directory::Directory;
use super::peer::{DataChannel, Peer, Problem};
use super::{FragmentReply, FragmentRequest, MemberStatus, MeshError, ReplyStream};
use crate::proto::mesh as proto;
use crate::proto::mesh::fragment_service_client::FragmentServiceClient;
use crate::tls::TlsMaterial;
use crate::types::limits::MESH_MESSAGE_BYTES_MAX;

/// What a reply may come after the deadline: the owner's own word on it is worth waiting for.
const GRACE: Duration = Duration::from_millis(250);
/// A reply in which nothing comes for this long ends when its node is down.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Sends the fragment to the peer.
pub(super) async fn request(
    directory: &Directory,
    tls: &TlsMaterial,
    peer: Arc<Peer>,
    request: FragmentRequest,
) -> Result<ReplyStream, MeshError> {
    if peer.status() == MemberStatus::Down {
        return Err(down(directory, &peer));
    }
    let given = request.deadline;
    let deadline = Instant::now() + given + GRACE;
    let message = encode_request(&request)?;
    let opening = async {
        tokio::select! {
            opened = open(tls, &peer, message) => opened,
            () = peer.until_down() => Err(down(directory, &peer)),
        }
    };
    let replies = timeout_at(deadline, opening).await.map_err(|_| MeshError::TimedOut { after: given })??;
    let reply = Reply { replies, peer, given, deadline, decoder: ReplyDecoder::new(request.reply_bytes_max) };
    Ok(Box::pin(stream::unfold(Some(reply), |reply| async {
        let mut reply = reply?;
        let piece = reply.next().await?;
        let goes_on = piece.is_ok();
        Some((piece, goes_on.then_some(reply)))
    })))
}

fn down(directory: &Directory, peer: &Peer) -> MeshError {
    let reason = peer.reason(&*directory.clock).unwrap_or_else(|| String::from("the node is down"));
    MeshError::Unreachable { reason }
}

/// Opens the reply's stream; a warm connection that turns out to be dead is replaced once.
async fn open(
    tls: &TlsMaterial,
    peer: &Peer,
    message: proto::FragmentRequest,
) -> Result<Streaming<proto::FragmentReply>, MeshError> {
    let (first, was_warm) = data_channel(tls, peer, None).await?;
    match run(first.channel.clone(), message.clone()).await {
        Err(status) if was_warm && is_lost(&status) => {
            let (second, _) = data_channel(tls, peer, Some(first.serial)).await?;
            run(second.channel, message).await.map_err(|status| failure_of(&status))
        }
        other => other.map_err(|status| failure_of(&status)),
    }
}

async fn run(channel: Channel, message: proto::FragmentRequest) -> Result<Streaming<proto::FragmentReply>, Status> {
    let mut client = FragmentServiceClient::new(channel)
        .max_decoding_message_size(MESH_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESH_MESSAGE_BYTES_MAX);
    Ok(client.run(Request::new(message)).await?.into_inner())
}

/// The warm channel, or a new one when there is none, when the peer was connected anew since, or
/// when it is the `dead` one. The flag tells whether it was warm.
async fn data_channel(tls: &TlsMaterial, peer: &Peer, dead: Option<u64>) -> Result<(DataChannel, bool), MeshError> {
    let mut data = peer.data.lock().await;
    let (epoch, serial) = (peer.epoch(), data.as_ref().map_or(0, |last| last.serial + 1));
    if let Some(warm) = data.as_ref()
        && dead != Some(warm.serial)
        && warm.epoch == epoch
    {
        return Ok((warm.clone(), true));
    }
    let dialled = dial(tls, &peer.address(0), Some(&peer.name)).await;
    let channel = dialled.map_err(|problem| MeshError::Unreachable { reason: text_of(problem) })?.channel;
    Ok((data.insert(DataChannel { channel, epoch, serial }).clone(), false))
}

fn text_of(problem: Problem) -> String {
    match problem {
        Problem::Refuses(reason) | Problem::Unreachable(reason) => reason,
        Problem::Silent => String::from("no heartbeat"),
    }
}

/// Whether the connection failed, rather than the node's service.
fn is_lost(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

fn failure_of(status: &Status) -> MeshError {
    match std::error::Error::source(status) {
        Some(cause) => MeshError::Unreachable { reason: text_of(problem_of(cause)) },
        None if status.code() == tonic::Code::Unavailable => {
            MeshError::Unreachable { reason: String::from("connection lost") }
        }
        None => MeshError::BadReply { what: format!("the node answered with {:?}", status.code()) },
    }
}

struct Reply {
    replies: Streaming<proto::FragmentReply>,
    peer: Arc<Peer>,
    given: Duration,
    deadline: Instant,
    decoder: ReplyDecoder,
}

impl Reply {
    async fn next(&mut self) -> Option<Result<FragmentReply, MeshError>> {
        let peer = &self.peer;
        let silence = async {
            sleep(SILENCE_MAX).await;
            peer.until_down().await;
        };
        let next = tokio::select! {
            next = timeout_at(self.deadline, self.replies.message()) => next,
            () = silence => {
                return Some(Err(MeshError::Unreachable { reason: String::from("the node fell silent during its reply") }));
            }
        };
        match next {
            Err(_) => Some(Err(MeshError::TimedOut { after: self.given })),
            Ok(Err(status)) => Some(Err(failure_of(&status))),
            Ok(Ok(Some(reply))) => Some(self.decoder.decode(reply)),
            Ok(Ok(None)) if self.decoder.is_complete() => None,
            Ok(Ok(None)) => Some(Err(MeshError::BadReply { what: String::from("the reply has no end") })),
        }
    }
}
