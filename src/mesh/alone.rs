//! A fleet of one: a node that is configured without a mesh.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Fleet, FragmentRequest, FragmentRunner, Member, MemberStatus, MeshError, ReplyStream, Role};
use crate::types::{NodeName, TableSummary};

/// This node and no other.
#[derive(Debug)]
pub struct Alone {
    name: NodeName,
    role: Role,
    version: String,
    started_us: i64,
    runner: Arc<dyn FragmentRunner>,
    summaries: watch::Receiver<BTreeMap<String, TableSummary>>,
}

impl Alone {
    /// A node that answers by itself; `started_us` is when it came up, in microseconds since 1970 UTC.
    pub fn new(
        name: NodeName,
        role: Role,
        version: &str,
        started_us: i64,
        runner: Arc<dyn FragmentRunner>,
        summaries: watch::Receiver<BTreeMap<String, TableSummary>>,
    ) -> Self {
        Self { name, role, version: version.to_owned(), started_us, runner, summaries }
    }
}

#[async_trait]
impl Fleet for Alone {
    fn own_name(&self) -> &NodeName {
        &self.name
    }

    fn members(&self) -> Vec<Member> {
        vec![Member {
            name: self.name.clone(),
            role: self.role,
            address: String::new(),
            version: self.version.clone(),
            status: MemberStatus::Up,
            reason: None,
            status_since_us: self.started_us,
            last_heard_us: None,
            tables: Arc::new(self.summaries.borrow().clone()),
            summary_age: Some(Duration::ZERO),
            is_self: true,
        }]
    }

    async fn request(&self, owner: &NodeName, request: FragmentRequest) -> Result<ReplyStream, MeshError> {
        if *owner != self.name {
            return Err(MeshError::Unreachable { reason: String::from("no such node is known") });
        }
        self.runner.run(owner, request).await
    }
}
