//! Named, owned, cancellable background work: nothing else in the house starts a task.
//!
//! A *service* is work that the node cannot do without: when it fails or panics, the node stops.
//! A *session* is work for one client, fragment or feed: a panic in it is caught, logged and
//! counted, and ends only that session. `node` joins them all when it stops.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The owner of all background work of one node; clones share it.
#[derive(Debug, Clone)]
pub struct Tasks {
    stop: CancellationToken,
    running: TaskTracker,
    panics: Arc<AtomicU64>,
}

impl Tasks {
    /// An owner with no work yet.
    pub fn new() -> Self {
        Self { stop: CancellationToken::new(), running: TaskTracker::new(), panics: Arc::default() }
    }

    /// The token that is cancelled when the node is to stop.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a service; the node stops when it fails or panics.
    #[allow(clippy::disallowed_methods, reason = "this is the door to the runtime")]
    pub fn spawn<F>(&self, name: &'static str, make: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (work, stop_all) = (make(self.stop.child_token()), self.stop.clone());
        self.running.spawn(async move {
            let stop_if_panicked = stop_all.drop_guard();
            match work.await {
                Ok(()) => {
                    stop_if_panicked.disarm();
                    tracing::debug!(task = name, "task ended");
                }
                Err(error) => tracing::error!(task = name, error = format!("{error:#}"), "task failed, node stops"),
            }
        });
    }

    /// Starts work for one client, fragment or feed; a panic ends only that work.
    #[allow(clippy::disallowed_methods, reason = "this is the door to the runtime")]
    pub fn spawn_session<F>(&self, name: &'static str, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let panics = Arc::clone(&self.panics);
        self.running.spawn(async move {
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                panics.fetch_add(1, Ordering::Relaxed);
                tracing::error!(task = name, "a session panicked and was ended");
            }
        });
    }

    /// How many sessions have panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Asks all work to stop and waits for it; returns false when some still ran after `patience`.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.stop.cancel();
        self.running.close();
        tokio::time::timeout(patience, self.running.wait()).await.is_ok()
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Tasks;

    #[tokio::test]
    async fn a_panicking_session_ends_alone_and_is_counted() {
        let tasks = Tasks::new();
        tasks.spawn_session("panics", async { panic!("on purpose") });
        assert!(tasks.stop(Duration::from_secs(5)).await);
        assert_eq!(tasks.panics(), 1);
    }

    #[tokio::test]
    async fn a_failing_service_stops_the_node() {
        let tasks = Tasks::new();
        tasks.spawn("fails", |_| async { anyhow::bail!("on purpose") });
        tasks.stop_token().cancelled().await;
    }
}
