//! The bounded queue between the reader of a stream and the commits behind it.
//!
//! The reader never waits: KubeArmor drops silently when a client lags by 1,000 events. When the
//! queue is full it is we who drop; that is counted and becomes a gap.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::decode::Arrival;
use crate::storage::Gap;

/// What a reader hands over.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// An event's protobuf bytes.
    Event {
        /// Where and when it arrived.
        arrival: Arrival,
        /// The bytes.
        bytes: Bytes,
    },
    /// A gap opened or was closed. It takes this way so that a reader never waits for the disk.
    Gap(Gap),
    /// The stream was heard at this time, although it had nothing to say.
    Heard {
        /// The connection.
        epoch: u64,
        /// The time, in microseconds since 1970 UTC.
        at_us: i64,
    },
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Event { bytes, .. } => bytes.len(),
            Self::Heard { .. } | Self::Gap(_) => 0,
        }
    }
}

/// A time in which the queue was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow {
    /// The first loss, in microseconds since 1970 UTC.
    pub(super) from_us: i64,
    /// The last one.
    pub(super) to_us: i64,
    /// Events lost.
    pub(super) lost: u64,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    closed: bool,
    overflow: Option<Overflow>,
    overflow_told: u64,
}

/// The queue of one stream.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Arc<Notify>,
    events_max: usize,
    bytes_max: usize,
}

impl Queue {
    /// An empty queue; `changed` wakes its one consumer.
    pub(super) fn new(events_max: usize, bytes_max: usize, changed: Arc<Notify>) -> Self {
        Self { state: Mutex::default(), changed, events_max, bytes_max }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item; returns false when it was an event and the queue was full.
    pub(super) fn push(&self, item: Item) -> bool {
        let mut state = self.state();
        if let Item::Event { arrival, bytes } = &item {
            let full = state.items.len() >= self.events_max || state.bytes + bytes.len() > self.bytes_max;
            if full {
                let now = arrival.received_at_us;
                let overflow = state.overflow.get_or_insert(Overflow { from_us: now, to_us: now, lost: 0 });
                overflow.to_us = overflow.to_us.max(now);
                overflow.lost += 1;
                return false;
            }
        }
        state.bytes += item.bytes();
        state.items.push_back(item);
        drop(state);
        self.changed.notify_one();
        true
    }

    /// Moves out the oldest items, up to a count and (but for the first) a number of bytes.
    pub(super) fn take(&self, items_max: usize, bytes_max: usize) -> Vec<Item> {
        let mut state = self.state();
        let (mut count, mut bytes) = (0, 0);
        for item in state.items.iter().take(items_max) {
            bytes += item.bytes();
            if count > 0 && bytes > bytes_max {
                break;
            }
            count += 1;
        }
        let taken: Vec<Item> = state.items.drain(..count).collect();
        state.bytes -= taken.iter().map(Item::bytes).sum::<usize>();
        taken
    }

    /// Items in it.
    pub(super) fn len(&self) -> usize {
        self.state().items.len()
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    /// Nothing is in it and nothing more will come.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.state();
        state.closed && state.items.is_empty()
    }

    /// The losses so far of the running overflow, if there are some that were not told yet. It ends
    /// when half of the queue is free again.
    pub(super) fn overflow_to_tell(&self) -> Option<Overflow> {
        let mut state = self.state();
        let overflow = state.overflow?;
        let news = (overflow.lost > state.overflow_told).then_some(overflow);
        state.overflow_told = overflow.lost;
        if state.items.len() * 2 <= self.events_max && state.bytes * 2 <= self.bytes_max {
            state.overflow = None;
            state.overflow_told = 0;
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::{Item, Overflow, Queue};
    use crate::ingest::Arrival;

    fn event(received_at_us: i64) -> Item {
        Item::Event { arrival: Arrival { epoch: 1, index: 0, received_at_us }, bytes: Bytes::from_static(b"1234") }
    }

    #[test]
    fn a_full_queue_drops_and_counts_until_it_is_half_empty() {
        let queue = Queue::new(4, 1_000, Arc::default());
        for time in 0..7 {
            assert_eq!(queue.push(event(time)), time < 4);
        }
        assert_eq!(queue.overflow_to_tell(), Some(Overflow { from_us: 4, to_us: 6, lost: 3 }));
        assert_eq!(queue.overflow_to_tell(), None);
        assert_eq!(queue.take(1, 1_000).len(), 1);
        assert!(queue.push(event(7)));
        assert!(!queue.push(event(8)));
        assert_eq!(queue.take(10, 1_000).len(), 4);
        assert_eq!(queue.overflow_to_tell(), Some(Overflow { from_us: 4, to_us: 8, lost: 4 }));
        for time in 9..14 {
            queue.push(event(time));
        }
        assert_eq!(queue.overflow_to_tell(), Some(Overflow { from_us: 13, to_us: 13, lost: 1 }));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let queue = Queue::new(100, 10, Arc::default());
        assert!(queue.push(event(0)) && queue.push(event(1)) && !queue.push(event(2)));
        assert!(queue.push(Item::Heard { epoch: 1, at_us: 3 }));
        assert_eq!(queue.take(10, 4).len(), 1);
        assert_eq!(queue.take(10, 1).len(), 1);
        assert_eq!(queue.take(10, 1).len(), 1);
        queue.close();
        assert!(queue.is_finished());
    }
}
