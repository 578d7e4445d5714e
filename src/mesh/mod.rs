//! The other nodes: who they are, what they hold, how a fragment reaches them.
//!
//! `execution` implements [`FragmentRunner`]; `mesh` calls it for a peer, `execution::gather` calls
//! it for this node, so a query over one node and one over fifty take the same path.
//!
//! All traffic is gRPC over mutual TLS 1.3. [`Mesh::start`] opens the door (`listener`, `server`),
//! finds others (`seeds`, `gossip`), watches each of them (`summary`) and asks them (`client`); what
//! is known of them is in `directory`. What users made on them is taken over as well (`definitions`).
//! A node has two connections to each other one: for heartbeats
//! and gossip, and for fragments.

mod alone;
mod client;
mod codec;
mod definitions;
mod dial;
mod directory;
mod fleet;
mod fragment;
mod gossip;
mod gossip_transport;
mod known;
mod listener;
mod member;
mod peer;
mod running;
mod seeds;
mod server;
mod summary;
#[cfg(test)]
mod tests;

pub use alone::Alone;
pub use fleet::Fleet;
pub use fragment::{
    ExpectedColumn, FragmentMode, FragmentReply, FragmentRequest, FragmentRunner, MeshError, ReplyStream, Trailer,
};
pub use known::KnownMember;
pub use member::{Member, MemberStatus, Role};
pub use running::{Mesh, MeshConfig, MeshCounts};
