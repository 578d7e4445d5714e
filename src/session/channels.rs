//! LISTEN and NOTIFY: who listens to which channel, and what waits for whom.
//!
//! Notifications reach the sessions of this node that are connected to the same database. What a
//! transaction says takes effect at its commit; a listener is told between its transactions.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::types::{Code, SqlError};

/// Most bytes of notifications that wait for one session.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most channels that one session listens to.
const CHANNELS_MAX: usize = 10_000;
/// Longest name of a channel, in bytes.
const CHANNEL_BYTES_MAX: usize = 63;
/// Longest payload, in bytes.
const PAYLOAD_BYTES_MAX: usize = 7_999;

/// What a listener is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The process id of the session that said it.
    pub pid: i32,
    /// The channel.
    pub channel: String,
    /// What was said.
    pub payload: String,
}

impl Notification {
    fn bytes(&self) -> usize {
        self.channel.len() + self.payload.len() + std::mem::size_of::<Self>()
    }
}

/// What waits for one session.
#[derive(Debug, Default)]
struct Inbox {
    waiting: Mutex<(VecDeque<Notification>, usize)>,
    arrived: Notify,
}

#[derive(Debug)]
struct Listener {
    database: String,
    channels: BTreeSet<String>,
    inbox: Arc<Inbox>,
}

/// All listeners of a node; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Channels(Arc<Mutex<HashMap<i32, Listener>>>);

impl Channels {
    /// One session's own end; it listens to nothing at first, and to nothing once it is dropped.
    pub(super) fn open(&self, pid: i32, database: &str) -> ChannelEnd {
        ChannelEnd { channels: self.clone(), pid, database: database.to_owned(), inbox: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's end of the channels.
#[derive(Debug)]
pub(super) struct ChannelEnd {
    channels: Channels,
    pid: i32,
    database: String,
    inbox: Arc<Inbox>,
}

impl ChannelEnd {
    /// Listens to a channel from now on.
    pub(super) fn listen(&self, channel: &str) -> Result<(), SqlError> {
        let mut listeners = self.channels.lock();
        let listener = listeners.entry(self.pid).or_insert_with(|| Listener {
            database: self.database.clone(),
            channels: BTreeSet::new(),
            inbox: Arc::clone(&self.inbox),
        });
        if listener.channels.len() >= CHANNELS_MAX {
            return Err(SqlError::new(Code::ProgramLimitExceeded, "a session listens to too many channels"));
        }
        listener.channels.insert(channel.to_owned());
        Ok(())
    }

    /// Listens to a channel no more, or to none at all.
    pub(super) fn unlisten(&self, channel: Option<&str>) {
        let mut listeners = self.channels.lock();
        let Some(listener) = listeners.get_mut(&self.pid) else { return };
        match channel {
            Some(channel) => drop(listener.channels.remove(channel)),
            None => listener.channels.clear(),
        }
        if listener.channels.is_empty() {
            listeners.remove(&self.pid);
        }
    }

    /// The channels that this session listens to.
    pub(super) fn listening(&self) -> Vec<String> {
        let listeners = self.channels.lock();
        listeners.get(&self.pid).map(|listener| listener.channels.iter().cloned().collect()).unwrap_or_default()
    }

    /// Tells all listeners, or nobody when one of them has too much waiting.
    pub(super) fn notify(&self, said: &[(String, String)]) -> Result<(), SqlError> {
        if said.is_empty() {
            return Ok(());
        }
        let listeners = self.channels.lock();
        let in_database = || listeners.values().filter(|listener| listener.database == self.database);
        let heard = |listener: &Listener| -> Vec<Notification> {
            let of_channel = said.iter().filter(|(channel, _)| listener.channels.contains(channel));
            of_channel
                .map(|(channel, payload)| Notification {
                    pid: self.pid,
                    channel: channel.clone(),
                    payload: payload.clone(),
                })
                .collect()
        };
        let full = in_database().any(|listener| {
            let bytes: usize = heard(listener).iter().map(Notification::bytes).sum();
            bytes > 0 && bytes + waiting(&listener.inbox).1 > WAITING_BYTES_MAX
        });
        if full {
            return Err(SqlError::new(Code::ProgramLimitExceeded, "too many notifications in the NOTIFY queue"));
        }
        for listener in in_database() {
            let heard = heard(listener);
            if heard.is_empty() {
                continue;
            }
            let mut waiting = waiting(&listener.inbox);
            waiting.1 += heard.iter().map(Notification::bytes).sum::<usize>();
            waiting.0.extend(heard);
            listener.inbox.arrived.notify_one();
        }
        Ok(())
    }

    /// What waits, oldest first.
    pub(super) fn take(&self) -> Vec<Notification> {
        let mut waiting = waiting(&self.inbox);
        waiting.1 = 0;
        waiting.0.drain(..).collect()
    }

    /// Waits until something arrives. May be dropped while it waits.
    pub(super) fn arrived(&self) -> impl Future<Output = ()> + Send + 'static {
        let inbox = Arc::clone(&self.inbox);
        async move {
            loop {
                let arrived = inbox.arrived.notified();
                if !waiting(&inbox).0.is_empty() {
                    return;
                }
                arrived.await;
            }
        }
    }
}

impl Drop for ChannelEnd {
    fn drop(&mut self) {
        self.channels.lock().remove(&self.pid);
    }
}

fn waiting(inbox: &Inbox) -> MutexGuard<'_, (VecDeque<Notification>, usize)> {
    inbox.waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks what NOTIFY and `pg_notify` are given.
pub(super) fn check(channel: &str, payload: &str) -> Result<(), SqlError> {
    let invalid = |text| Err(SqlError::new(Code::InvalidParameterValue, text));
    if channel.is_empty() {
        return invalid("channel name cannot be empty");
    }
    if channel.len() > CHANNEL_BYTES_MAX {
        return invalid("channel name too long");
    }
    if payload.len() > PAYLOAD_BYTES_MAX {
        return invalid("payload string too long");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Channels, WAITING_BYTES_MAX};
    use crate::types::Code;

    fn said(channel: &str, payload: &str) -> Vec<(String, String)> {
        vec![(channel.to_owned(), payload.to_owned())]
    }

    #[test]
    fn listeners_of_the_database_are_told_and_nobody_else() {
        let channels = Channels::default();
        let (own, other) = (channels.open(1, "a"), channels.open(2, "b"));
        own.listen("c").expect("room");
        other.listen("c").expect("room");
        own.notify(&said("c", "x")).expect("room");
        own.notify(&said("d", "y")).expect("room");
        let heard = own.take();
        assert_eq!((heard.len(), heard[0].pid, heard[0].payload.as_str()), (1, 1, "x"));
        assert!(other.take().is_empty());
        own.unlisten(None);
        own.notify(&said("c", "x")).expect("nobody listens");
        assert!(own.take().is_empty());
    }

    /// A listener that reads nothing makes later ones fail instead of using memory without end.
    #[test]
    fn a_full_inbox_refuses() {
        let channels = Channels::default();
        let end = channels.open(1, "a");
        end.listen("c").expect("room");
        let large = said("c", &"x".repeat(7_000));
        let refused = (0..WAITING_BYTES_MAX).find_map(|_| end.notify(&large).err()).expect("an end");
        assert_eq!(refused.code, Code::ProgramLimitExceeded);
        assert!(end.take().len() > 1_000);
        end.notify(&large).expect("room again");
    }
}
