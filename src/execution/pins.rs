//! Snapshots kept for the further fragments of a statement, so that all of them see the same rows.
//!
//! A fragment counts as served when its reply came to its end: one that broke may be asked again and
//! finds its snapshot still there. What a caller never asks for is let go after a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::env::{Clock, Monotonic};
use crate::mesh::FragmentRequest;
use crate::storage::{Store, Version};
use crate::types::{NodeName, QueryId};

/// Most statements whose snapshot is kept.
const PINS_MAX: usize = 256;
/// Longest time that a snapshot is kept while no fragment of its statement runs.
const IDLE_MAX: Duration = Duration::from_secs(60);

type Key = (NodeName, QueryId);

/// The snapshots that this node keeps.
#[derive(Debug)]
pub(super) struct Pins {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<Key, Pin>>,
}

#[derive(Debug)]
struct Pin {
    version: Arc<Version>,
    used: Monotonic,
    running: usize,
    left: u32,
}

/// The snapshot of one running fragment.
#[derive(Debug)]
pub(super) struct Pinned {
    version: Arc<Version>,
    kept: Option<(Arc<Pins>, Key)>,
    is_served: bool,
}

impl Pins {
    pub(super) fn new(store: Arc<Store>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { store, clock, kept: Mutex::default() })
    }

    /// The snapshot of the request's statement: the kept one, or the newest, kept when more fragments come.
    pub(super) fn take(self: &Arc<Self>, caller: &NodeName, request: &FragmentRequest) -> Pinned {
        let now = self.clock.monotonic();
        let mut kept = self.lock();
        kept.retain(|_, pin| pin.running > 0 || now.since(pin.used) < IDLE_MAX);
        if request.fragments <= 1 {
            return Pinned { version: self.store.version(), kept: None, is_served: false };
        }
        let key = (caller.clone(), request.query_id);
        if kept.len() >= PINS_MAX && !kept.contains_key(&key) {
            let oldest = kept.iter().min_by_key(|(_, pin)| (pin.running > 0, pin.used)).map(|(key, _)| key.clone());
            oldest.and_then(|key| kept.remove(&key));
        }
        let pin = kept.entry(key.clone()).or_insert_with(|| Pin {
            version: self.store.version(),
            used: now,
            running: 0,
            left: request.fragments,
        });
        pin.running += 1;
        Pinned { version: Arc::clone(&pin.version), kept: Some((Arc::clone(self), key)), is_served: false }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Pin>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pinned {
    /// The snapshot.
    pub(super) fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// The fragment's reply came to its end.
    pub(super) fn served(&mut self) {
        self.is_served = true;
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let Some((pins, key)) = self.kept.take() else { return };
        let now = pins.clock.monotonic();
        let mut kept = pins.lock();
        // A pin that was let go to make room may have been followed by another one.
        let Some(pin) = kept.get_mut(&key).filter(|pin| Arc::ptr_eq(&pin.version, &self.version)) else { return };
        pin.running = pin.running.saturating_sub(1);
        pin.left = pin.left.saturating_sub(u32::from(self.is_served));
        pin.used = now;
        if pin.left == 0 && pin.running == 0 {
            kept.remove(&key);
        }
    }
}
