//! Opens one authenticated connection to a node and says in few words why it could not.

use std::error::Error;
use std::io;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use super::peer::Problem;
use crate::tls::{DialledStream, NodeIdentity, TlsMaterial, refusal_in};
use crate::types::NodeName;

/// Longest wait for a TCP connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for the TLS handshake and for the first HTTP/2 frames after it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection over which nothing comes back for twice this long is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Unread bytes of one reply that may be under way.
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// Unread bytes of all replies of a connection: no bound of its own, or one slow reader would
/// stop all others; the streams' windows and their number bound it.
const CONNECTION_WINDOW_BYTES: u32 = i32::MAX as u32;

/// An open connection and who is at its other end.
pub(super) struct Dialled {
    pub(super) channel: Channel,
    pub(super) identity: NodeIdentity,
}

/// Connects to `address`, to the node `expected` or to any node of the mesh.
pub(super) async fn dial(tls: &TlsMaterial, address: &str, expected: Option<&NodeName>) -> Result<Dialled, Problem> {
    let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let tcp = connecting.map_err(|_| unreachable("connect timed out"))?.map_err(|error| refusal_of(&error))?;
    tcp.set_nodelay(true).map_err(|error| refusal_of(&error))?;
    let shaking = timeout(HANDSHAKE_TIMEOUT, tls.connect(tcp, expected)).await;
    let shaken = shaking.map_err(|_| unreachable("TLS handshake timed out"))?;
    let (stream, identity) = shaken.map_err(|error| refusal_of(&error))?;
    let opening = timeout(HANDSHAKE_TIMEOUT, channel_over(stream)).await;
    let channel = opening.map_err(|_| unreachable("connection timed out"))?.map_err(|error| problem_of(&error))?;
    Ok(Dialled { channel, identity })
}

/// A channel over this one connection; when the connection ends, so does the channel.
async fn channel_over(stream: DialledStream) -> Result<Channel, tonic::transport::Error> {
    let mut only = Some(TokioIo::new(stream));
    let connector = service_fn(move |_: Uri| {
        let taken = only.take().ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "connection lost"));
        std::future::ready(taken)
    });
    Endpoint::from_static("http://mesh.invalid")
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .connect_with_connector(connector)
        .await
}

fn unreachable(reason: &str) -> Problem {
    Problem::Unreachable(reason.to_owned())
}

fn refusal_of(error: &io::Error) -> Problem {
    if let Some(reason) = refusal_in(error) {
        return Problem::Refuses(reason.to_owned());
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Problem::Refuses(String::from("connection refused")),
        io::ErrorKind::PermissionDenied => Problem::Refuses(String::from("certificate refused")),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            unreachable("connection lost")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => unreachable("no route to the node"),
        io::ErrorKind::TimedOut => unreachable("connect timed out"),
        // Names are resolved inside connect; its error kind differs between systems.
        _ => unreachable("address cannot be reached or resolved"),
    }
}

/// What an error of the RPC library comes down to.
pub(super) fn problem_of(error: &(dyn Error + 'static)) -> Problem {
    match refusal_in(error) {
        Some(reason) => Problem::Refuses(reason.to_owned()),
        None => unreachable("connection lost"),
    }
}
