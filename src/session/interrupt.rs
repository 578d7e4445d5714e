//! Ends a running statement: cancel request, statement_timeout, vanished client.

use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::types::{Code, SqlError};

/// Why a statement was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterruptReason {
    /// The client sent a cancel request.
    UserRequest = 1,
    /// It ran longer than statement_timeout.
    Timeout = 2,
    /// The client went away.
    ClientGone = 3,
    /// The node stops.
    Shutdown = 4,
}

/// The way to end one statement, shared by whoever may want to.
#[derive(Debug)]
pub struct Interrupt {
    token: CancellationToken,
    reason: AtomicU8,
    deadline: Option<Instant>,
}

impl Interrupt {
    /// For a statement that starts now.
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Self::resumed(CancellationToken::new(), timeout)
    }

    /// For a portal that goes on now: same token, new time.
    pub(super) fn resumed(token: CancellationToken, timeout: Option<Duration>) -> Self {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self { token, reason: AtomicU8::new(0), deadline }
    }

    /// Ends the statement.
    pub fn interrupt(&self, reason: InterruptReason) {
        let _ = self.reason.compare_exchange(0, reason as u8, Ordering::SeqCst, Ordering::SeqCst);
        self.token.cancel();
    }

    /// The token that ends the statement's work on all nodes.
    pub(super) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Time left.
    pub(super) fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Waits until the statement must end, and tells why.
    pub async fn ended(&self) -> SqlError {
        let expired = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.token.cancelled() => {}
            () = expired => self.interrupt(InterruptReason::Timeout),
        }
        self.error()
    }

    /// Does some work of the statement unless it must end first.
    pub(super) async fn guard<T>(&self, work: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        tokio::select! {
            biased;
            error = self.ended() => Err(error),
            result = work => match result {
                Err(error) if error.code == Code::QueryCanceled && self.token.is_cancelled() => Err(self.error()),
                other => other,
            },
        }
    }

    fn error(&self) -> SqlError {
        let reason = self.reason.load(Ordering::SeqCst);
        if reason == InterruptReason::Timeout as u8 {
            SqlError::new(Code::QueryCanceled, "canceling statement due to statement timeout")
        } else if reason == InterruptReason::Shutdown as u8 {
            SqlError::new(Code::AdminShutdown, "terminating connection due to administrator command")
        } else if reason == InterruptReason::ClientGone as u8 {
            SqlError::new(Code::ConnectionFailure, "connection to client lost")
        } else {
            SqlError::new(Code::QueryCanceled, "canceling statement due to user request")
        }
    }
}
