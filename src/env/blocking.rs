//! Disk and CPU work leaves the asynchronous threads through here.

/// Why blocking work gave no result.
#[derive(Debug, thiserror::Error)]
#[error("blocking work \"{name}\" did not finish")]
pub struct BlockingFailed {
    /// What was tried.
    pub name: &'static str,
    #[source]
    source: tokio::task::JoinError,
}

/// Runs `work` on the blocking pool and waits for it; a panic in it becomes an error.
pub async fn run_blocking<T, F>(name: &'static str, work: F) -> Result<T, BlockingFailed>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|source| BlockingFailed { name, source })
}
