//! Takes over what users made on a peer, each time that the peer says it is something else.
//!
//! A node tells only what was made on it, and is believed only for itself: its certificate names it, so nothing
//! has to be signed, and nobody passes on what another node made. What it told last is kept, also while it is
//! down.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tonic::Request;
use tonic::transport::Channel;

use super::MeshError;
use super::codec::{Digest, EntriesDecoder};
use super::directory::Directory;
use super::peer::Peer;
use crate::catalog::{Entry, Published};
use crate::proto::mesh as proto;
use crate::proto::mesh::membership_service_client::MembershipServiceClient;
use crate::types::limits::MESH_MESSAGE_BYTES_MAX;

/// Longest time that one transfer may take.
const TRANSFER_MAX: Duration = Duration::from_secs(30);
/// Least time between two transfers from one peer.
const TRANSFER_PAUSE: Duration = Duration::from_millis(50);
/// Wait after a transfer that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps a peer's definitions up to date for as long as it is polled.
pub(super) async fn follow(directory: &Directory, peer: &Peer, channel: Channel) {
    let mut announced = peer.announced.subscribe();
    let mut taken = None;
    loop {
        let wanted = *announced.borrow_and_update();
        if wanted.is_none() || wanted == taken {
            if announced.changed().await.is_err() {
                return std::future::pending().await;
            }
            continue;
        }
        match timeout(TRANSFER_MAX, transfer(channel.clone())).await {
            Ok(Ok((entries, digest))) => {
                // Another one than announced is a newer one, which the next frame announces.
                taken = if Some(digest) == wanted { wanted } else { None };
                let published = Arc::new(Published { node: peer.name.clone(), entries });
                if peer.publishes(published) {
                    tracing::debug!(node = %peer.name, "took over the definitions of a node");
                    directory.publish();
                }
                sleep(TRANSFER_PAUSE).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(node = %peer.name, %error, "the definitions of a node did not arrive");
                sleep(RETRY).await;
            }
            Err(_) => sleep(RETRY).await,
        }
    }
}

async fn transfer(channel: Channel) -> Result<(Vec<Entry>, Digest), MeshError> {
    let lost =
        |status: tonic::Status| MeshError::Unreachable { reason: format!("transfer ended: {:?}", status.code()) };
    let mut client = MembershipServiceClient::new(channel).max_decoding_message_size(MESH_MESSAGE_BYTES_MAX);
    let request = Request::new(proto::CatalogEntriesRequest {});
    let mut messages = client.catalog_entries(request).await.map_err(lost)?.into_inner();
    let mut decoder = EntriesDecoder::default();
    while let Some(message) = messages.message().await.map_err(lost)? {
        decoder.take(&message)?;
    }
    let (entries, unreadable, digest) = decoder.end();
    if unreadable > 0 {
        tracing::warn!(unreadable, "some definitions of a node cannot be read by this version");
    }
    Ok((entries, digest))
}
