//! The one door through which a coordinator reaches owners.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{FragmentRequest, Member, MeshError, ReplyStream};
use crate::types::NodeName;

/// The nodes that can be asked. Implemented by the mesh over mutual TLS, and by fleets of
/// in-process nodes in tests.
#[async_trait]
pub trait Fleet: Send + Sync + Debug + 'static {
    /// The asked node's own name.
    fn own_name(&self) -> &NodeName;

    /// Every known node, this one included, in name order.
    fn members(&self) -> Vec<Member>;

    /// Sends a fragment to an owner; to this node itself without any network.
    async fn request(&self, owner: &NodeName, request: FragmentRequest) -> Result<ReplyStream, MeshError>;
}
