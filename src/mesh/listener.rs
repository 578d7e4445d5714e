//! Accepts mesh connections: TCP, then mutual TLS, then the caller's identity from its certificate.
//!
//! Nothing of ours is parsed before the handshake is done. Handshakes run beside each other, each
//! with a time limit; when too many are under way the oldest is dropped, since honest ones take
//! milliseconds. One that fails is counted and disturbs nobody.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use crate::tasks::Tasks;
use crate::tls::{AcceptedStream, NodeAcceptor, NodeIdentity};

/// Longest time of a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Most handshakes at once.
const HANDSHAKES_MAX: usize = 128;
/// Most open connections: two of each member of a full mesh, and room for restarts.
const CONNECTIONS_MAX: usize = 2_500;
/// Wait after a failed accept, which mostly means that the process is out of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What happened at the door since the start.
#[derive(Debug, Default)]
pub(super) struct DoorCounters {
    /// Handshakes that failed or took too long.
    pub(super) refused: AtomicU64,
    /// Connections and handshakes dropped because there were too many.
    pub(super) dropped: AtomicU64,
}

/// The way in for other nodes.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) acceptor: NodeAcceptor,
    pub(super) tasks: Tasks,
    pub(super) counters: Arc<DoorCounters>,
    /// Cancelled when open connections are to be cut.
    pub(super) cut: CancellationToken,
    /// Where accepted connections go.
    pub(super) accepted: mpsc::Sender<io::Result<NodeStream>>,
}

impl Listener {
    /// Accepts until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let (places, handshakes) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Handshakes::default());
        loop {
            let incoming = tokio::select! {
                () = stop.cancelled() => return,
                incoming = self.socket.accept() => incoming,
            };
            let tcp = match incoming {
                Ok((tcp, _)) => tcp,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a mesh connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                tracing::debug!("too many mesh connections, one was dropped");
                continue;
            };
            self.shake(tcp, place, &handshakes, &stop);
        }
    }

    fn shake(&self, tcp: TcpStream, place: OwnedSemaphorePermit, handshakes: &Handshakes, stop: &CancellationToken) {
        let (turn, was_full) = handshakes.begin(stop.child_token());
        if was_full {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
        let (acceptor, counters) = (self.acceptor.clone(), Arc::clone(&self.counters));
        let (accepted, cut) = (self.accepted.clone(), self.cut.clone());
        self.tasks.spawn_session("mesh handshake", async move {
            let shaking = timeout(HANDSHAKE_TIMEOUT, handshake(&acceptor, tcp));
            let outcome = tokio::select! {
                () = turn.token.cancelled() => return,
                outcome = shaking => outcome.unwrap_or(Err("the handshake took too long".to_owned())),
            };
            drop(turn);
            match outcome {
                Ok((tls, identity)) => {
                    tracing::debug!(node = %identity.name, "a node connected");
                    let _ = accepted.send(Ok(NodeStream::new(tls, identity, cut, place))).await;
                }
                Err(reason) => {
                    let refused = counters.refused.fetch_add(1, Ordering::Relaxed) + 1;
                    // The first one must not be missed, and a flood must not fill the log.
                    if refused.is_power_of_two() {
                        tracing::warn!(refused, reason, "a mesh connection was refused");
                    } else {
                        tracing::debug!(refused, reason, "a mesh connection was refused");
                    }
                }
            }
        });
    }
}

async fn handshake(acceptor: &NodeAcceptor, tcp: TcpStream) -> Result<(AcceptedStream, NodeIdentity), String> {
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    acceptor.accept(tcp).await.map_err(|error| error.to_string())
}

/// The handshakes under way, oldest first.
#[derive(Debug, Default, Clone)]
struct Handshakes(Arc<Mutex<VecDeque<(u64, CancellationToken)>>>);

impl Handshakes {
    /// Begins one; drops the oldest when there are too many, and says so.
    fn begin(&self, token: CancellationToken) -> (Turn, bool) {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if under_way.len() >= HANDSHAKES_MAX { under_way.pop_front() } else { None };
        let was_full = oldest.is_some();
        if let Some((_, dropped)) = oldest {
            dropped.cancel();
        }
        let id = under_way.back().map_or(0, |(id, _)| id + 1);
        under_way.push_back((id, token.clone()));
        (Turn { id, token, all: self.clone() }, was_full)
    }
}

/// One handshake; ends when dropped.
struct Turn {
    id: u64,
    token: CancellationToken,
    all: Handshakes,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != self.id);
    }
}

/// A connection whose other end is a node of the mesh.
pub(super) struct NodeStream {
    tls: AcceptedStream,
    identity: Arc<NodeIdentity>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: OwnedSemaphorePermit,
}

impl NodeStream {
    fn new(tls: AcceptedStream, identity: NodeIdentity, cut: CancellationToken, place: OwnedSemaphorePermit) -> Self {
        Self { tls, identity: Arc::new(identity), cut: Box::pin(cut.cancelled_owned()), _place: place }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the node stops")),
            Poll::Pending => Ok(()),
        }
    }
}

impl Connected for NodeStream {
    type ConnectInfo = Arc<NodeIdentity>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.identity)
    }
}

impl AsyncRead for NodeStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        stream.check(context)?;
        Pin::new(&mut stream.tls).poll_read(context, buffer)
    }
}

impl AsyncWrite for NodeStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        stream.check(context)?;
        Pin::new(&mut stream.tls).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::{CancellationToken, HANDSHAKES_MAX, Handshakes};

    #[test]
    fn the_oldest_of_too_many_handshakes_is_dropped() {
        let handshakes = Handshakes::default();
        let mut turns: Vec<_> = (0..HANDSHAKES_MAX).map(|_| handshakes.begin(CancellationToken::new())).collect();
        assert!(turns.iter().all(|(turn, was_full)| !was_full && !turn.token.is_cancelled()));
        let (_newest, was_full) = handshakes.begin(CancellationToken::new());
        assert!(was_full && turns[0].0.token.is_cancelled() && !turns[1].0.token.is_cancelled());
        turns.truncate(1);
        assert!(!handshakes.begin(CancellationToken::new()).1);
    }
}
