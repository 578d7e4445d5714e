//! The times in which a stream was not heard, as durable rows.

use std::sync::Arc;

use super::queue::{Item, Queue};
use crate::storage::{Gap, Store};
use crate::types::{EventKind, FeedName};

/// Writes a gap; a store that cannot take it is logged, since no caller could do better.
pub(super) async fn put(store: &Store, gap: Gap) {
    let (feed, stream, reason) = (gap.feed.clone(), gap.stream.clone(), gap.reason.clone());
    if let Err(error) = store.put_gap(gap).await {
        tracing::error!(feed, stream, reason, %error, "a gap could not be recorded");
    }
}

/// A gap of one stream that has no end yet.
pub(super) fn gap(feed: &FeedName, kind: EventKind, reason: &str, from_us: i64) -> Gap {
    Gap {
        feed: feed.as_str().to_owned(),
        stream: kind.table().to_owned(),
        from_us,
        to_us: None,
        reason: reason.to_owned(),
        lost: None,
    }
}

/// The open gaps of one stream. They go through its queue, in order with its events.
#[derive(Debug)]
pub(super) struct OpenGaps {
    queue: Arc<Queue>,
    feed: FeedName,
    kind: EventKind,
    open: Vec<Gap>,
}

impl OpenGaps {
    /// Takes over the gaps that an earlier run of the node left open.
    pub(super) fn load(store: &Store, queue: &Arc<Queue>, feed: &FeedName, kind: EventKind) -> Self {
        let is_ours = |gap: &Gap| gap.feed == feed.as_str() && gap.stream == kind.table() && gap.to_us.is_none();
        let open = store.gaps().into_iter().filter(is_ours).collect();
        Self { queue: Arc::clone(queue), feed: feed.clone(), kind, open }
    }

    /// From here on nothing is heard, unless that is known already.
    pub(super) fn open_unless_open(&mut self, reason: &str, from_us: i64) {
        if self.open.is_empty() {
            self.open(reason, from_us);
        }
    }

    /// From here on nothing is heard.
    pub(super) fn open(&mut self, reason: &str, from_us: i64) {
        let gap = gap(&self.feed, self.kind, reason, from_us);
        self.queue.push(Item::Gap(gap.clone()));
        self.open.push(gap);
    }

    /// The stream is heard again.
    pub(super) fn close(&mut self, now_us: i64) {
        for gap in self.open.drain(..) {
            let to_us = Some(now_us.max(gap.from_us));
            self.queue.push(Item::Gap(Gap { to_us, ..gap }));
        }
    }
}
