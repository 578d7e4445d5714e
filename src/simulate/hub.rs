//! Who listens, and what becomes of each event: the daemon's drop rule, counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};

use super::convert::Produced;
use crate::proto::feeder::{Alert, Log, Message};
use crate::types::EventKind;

/// What became of the events so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that were made.
    pub produced: u64,
    /// Events that went out, once per client.
    pub sent: u64,
    /// Events that a client's full queue refused, once per client.
    pub dropped: u64,
    /// Events that nobody listened to.
    pub unheard: u64,
}

/// The clients of one stream.
#[derive(Debug)]
pub(super) struct Fan<T> {
    clients: Mutex<Vec<mpsc::Sender<T>>>,
    arrived: Notify,
}

impl<T> Default for Fan<T> {
    fn default() -> Self {
        Self { clients: Mutex::default(), arrived: Notify::new() }
    }
}

impl<T: Clone> Fan<T> {
    fn open_clients(&self) -> Vec<mpsc::Sender<T>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|client| !client.is_closed());
        clients.clone()
    }

    fn subscribe(&self, queue_events: usize) -> mpsc::Receiver<T> {
        let (sender, receiver) = mpsc::channel(queue_events.max(1));
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        self.arrived.notify_waiters();
        receiver
    }

    /// Puts the event into every client's queue; a full queue loses it.
    fn offer(&self, event: T, counts: &Counts) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = false;
        clients.retain(|client| match client.try_send(event.clone()) {
            Ok(()) => {
                heard = true;
                true
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                heard = true;
                counts.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
        if !heard {
            counts.unheard.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts the event into every client's queue; waits for a client and for room.
    async fn deliver(&self, event: T) {
        loop {
            let mut delivered = false;
            for client in self.wait_for_client().await {
                delivered |= client.send(event.clone()).await.is_ok();
            }
            if delivered {
                return;
            }
        }
    }

    async fn wait_for_client(&self) -> Vec<mpsc::Sender<T>> {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let clients = self.open_clients();
            if !clients.is_empty() {
                return clients;
            }
            arrived.await;
        }
    }
}

/// Running totals.
#[derive(Debug, Default)]
pub(super) struct Counts {
    produced: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
    unheard: AtomicU64,
}

/// The three streams with their clients.
#[derive(Debug)]
pub(super) struct Hub {
    queue_events: usize,
    alerts: Fan<Alert>,
    logs: Fan<Log>,
    messages: Fan<Message>,
    counts: Arc<Counts>,
}

impl Hub {
    pub(super) fn new(queue_events: usize) -> Self {
        Self {
            queue_events,
            alerts: Fan::default(),
            logs: Fan::default(),
            messages: Fan::default(),
            counts: Arc::default(),
        }
    }

    pub(super) fn subscribe_alerts(&self) -> mpsc::Receiver<Alert> {
        self.alerts.subscribe(self.queue_events)
    }

    pub(super) fn subscribe_logs(&self) -> mpsc::Receiver<Log> {
        self.logs.subscribe(self.queue_events)
    }

    pub(super) fn subscribe_messages(&self) -> mpsc::Receiver<Message> {
        self.messages.subscribe(self.queue_events)
    }

    /// Hands out an event as the daemon does: who is not there or too slow does not get it.
    pub(super) fn offer(&self, event: Produced) {
        self.counts.produced.fetch_add(1, Ordering::Relaxed);
        match event {
            Produced::Alert(alert) => self.alerts.offer(*alert, &self.counts),
            Produced::Log(log) => self.logs.offer(*log, &self.counts),
            Produced::Message(message) => self.messages.offer(message, &self.counts),
        }
    }

    /// Hands out an event and loses none: waits for a client and for room in its queue.
    pub(super) async fn deliver(&self, event: Produced) {
        self.counts.produced.fetch_add(1, Ordering::Relaxed);
        match event {
            Produced::Alert(alert) => self.alerts.deliver(*alert).await,
            Produced::Log(log) => self.logs.deliver(*log).await,
            Produced::Message(message) => self.messages.deliver(message).await,
        }
    }

    /// Waits until alerts and logs both have a client.
    pub(super) async fn wait_for_clients(&self) {
        self.alerts.wait_for_client().await;
        self.logs.wait_for_client().await;
    }

    /// Waits until the stream of a kind has a client.
    pub(super) async fn wait_for_client_of(&self, kind: EventKind) {
        match kind {
            EventKind::Alert => drop(self.alerts.wait_for_client().await),
            EventKind::Log => drop(self.logs.wait_for_client().await),
            EventKind::Message => drop(self.messages.wait_for_client().await),
        }
    }

    /// One event has left for a client.
    pub(super) fn count_sent(&self) {
        self.counts.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counters(&self) -> Counters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            produced: read(&self.counts.produced),
            sent: read(&self.counts.sent),
            dropped: read(&self.counts.dropped),
            unheard: read(&self.counts.unheard),
        }
    }

    pub(super) fn clients(&self) -> usize {
        self.alerts.open_clients().len() + self.logs.open_clients().len() + self.messages.open_clients().len()
    }
}
