//! Dials a KubeArmor endpoint and opens one stream.
//!
//! Messages come as raw bytes: the reader of a stream must not spend its time on decoding. We send no
//! HTTP/2 pings of our own (grpc-go answers those with GOAWAY); instead [`Pulse`] sees when bytes
//! arrive, the daemon's pings among them.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};

use super::config::{FeedConfig, FeedTls, Tuning};
use crate::env::{Clock, Monotonic, Random, random_u64};
use crate::proto::feeder::log_service_client::LogServiceClient;
use crate::proto::feeder::{NonceMessage, RequestMessage};
use crate::types::EventKind;

/// Largest message that is taken; KubeArmor's own are about a kilobyte.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much the peer may send ahead: a burst waits here rather than in KubeArmor's short queue.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Why a stream is not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The configured address has no meaning.
    #[error("address \"{address}\" is no host:port")]
    Address { address: String },
    /// The address asks for TLS, but there are no certificates for it.
    #[error("address \"{address}\" asks for TLS, and no certificates are configured")]
    NoTls { address: String },
    /// A certificate file cannot be read.
    #[error("read {what} for TLS")]
    File {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    /// Nobody answers, or TLS fails.
    #[error("connect")]
    Dial(#[source] tonic::transport::Error),
    /// It took too long.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The peer does not behave as KubeArmor.
    #[error("the health check came back with another number")]
    Nonce,
    /// The peer refused or broke off.
    #[error("{} ({:?})", .0.message(), .0.code())]
    Status(#[source] Box<Status>),
    /// The peer ended the stream with status OK.
    #[error("the endpoint ended the stream")]
    EndOfStream,
    /// The peer has stopped to send its pings.
    #[error("nothing heard for {} ms", .0.as_millis())]
    Silent(Duration),
    /// A bug of ours.
    #[error("the reader of the stream panicked")]
    Panic,
}

impl From<Status> for ConnectError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl ConnectError {
    /// The error and its causes in one line, each said once.
    pub(super) fn full_text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            cause = error.source();
        }
        text
    }

    /// The endpoint could not even be reached, so that trying again is cheap.
    pub(super) fn is_dial(&self) -> bool {
        matches!(self, Self::Dial(_))
    }
}

/// When bytes of the peer arrived.
#[derive(Debug)]
pub(super) struct Pulse {
    clock: Arc<dyn Clock>,
    start: Monotonic,
    last_us: AtomicU64,
    reads: AtomicU64,
}

impl Pulse {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let start = clock.monotonic();
        Self { clock, start, last_us: AtomicU64::new(0), reads: AtomicU64::new(0) }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.clock.monotonic().since(self.start).as_micros()).unwrap_or(u64::MAX)
    }

    fn beat(&self) {
        self.last_us.store(self.now_us(), Ordering::Relaxed);
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// How often bytes have arrived.
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Time since bytes last arrived.
    pub(super) fn silence(&self) -> Duration {
        Duration::from_micros(self.now_us().saturating_sub(self.last_us.load(Ordering::Relaxed)))
    }
}

/// A connection that notes when bytes arrive.
struct Heard {
    stream: TcpStream,
    pulse: Arc<Pulse>,
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pulse.beat();
        }
        polled
    }
}

impl AsyncWrite for Heard {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Requests as protobuf, replies as their bytes.
#[derive(Debug, Clone, Copy, Default)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = RequestMessage;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = RequestMessage;
    type Error = Status;

    fn encode(&mut self, item: RequestMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let bytes = prost::Message::encode_to_vec(&item);
        buffer.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        // A copy of its own size: a slice of the receive buffer would keep all of that alive.
        let mut message = Vec::with_capacity(buffer.remaining());
        message.put(buffer);
        Ok(Some(Bytes::from(message)))
    }
}

/// A connection on which a stream can be asked for.
#[derive(Debug)]
pub(super) struct Connection {
    channel: Channel,
    pub(super) pulse: Arc<Pulse>,
}

impl Connection {
    /// Dials the endpoint and lets it prove that it is alive.
    pub(super) async fn open(
        config: &FeedConfig,
        tuning: &Tuning,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
    ) -> Result<Self, ConnectError> {
        let endpoint = endpoint(config, tuning).await?;
        let pulse = Arc::new(Pulse::new(Arc::clone(clock)));
        let connector = tower::service_fn({
            let pulse = Arc::clone(&pulse);
            move |uri: Uri| dial(uri, Arc::clone(&pulse))
        });
        let timeout = tuning.connect_timeout;
        let dialled = tokio::time::timeout(timeout, endpoint.connect_with_connector(connector)).await;
        let channel = dialled.map_err(|_| ConnectError::Timeout(timeout))?.map_err(ConnectError::Dial)?;
        let nonce = (random_u64(random.as_ref()) as u32 >> 1).cast_signed();
        let mut client = LogServiceClient::new(channel.clone());
        let answer = tokio::time::timeout(timeout, client.health_check(NonceMessage { nonce })).await;
        match answer.map_err(|_| ConnectError::Timeout(timeout))? {
            Ok(reply) if reply.get_ref().retval == nonce => {}
            Ok(_) => return Err(ConnectError::Nonce),
            // The call is deprecated; a daemon without it may still stream.
            Err(status) if status.code() == Code::Unimplemented => {}
            Err(status) => return Err(status.into()),
        }
        Ok(Self { channel, pulse })
    }

    /// Asks for a stream. The answer may come only with the first event.
    pub(super) async fn watch(&self, kind: EventKind) -> Result<Streaming<Bytes>, Status> {
        let (path, filter) = match kind {
            EventKind::Alert => ("/feeder.LogService/WatchAlerts", "policy"),
            EventKind::Log => ("/feeder.LogService/WatchLogs", "system"),
            EventKind::Message => ("/feeder.LogService/WatchMessages", "all"),
        };
        let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let request = Request::new(RequestMessage { filter: filter.to_owned() });
        let stream = client.server_streaming(request, PathAndQuery::from_static(path), RawCodec).await?;
        Ok(stream.into_inner())
    }
}

async fn dial(uri: Uri, pulse: Arc<Pulse>) -> io::Result<TokioIo<Heard>> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or_default())).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(Heard { stream, pulse }))
}

async fn endpoint(config: &FeedConfig, tuning: &Tuning) -> Result<Endpoint, ConnectError> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let bad = || ConnectError::Address { address: config.address.clone() };
    if config.tls.is_none() && config.address.starts_with("https://") {
        return Err(ConnectError::NoTls { address: config.address.clone() });
    }
    let text = match config.address.split_once("://") {
        Some((_, rest)) => format!("{scheme}://{rest}"),
        None => format!("{scheme}://{}", config.address),
    };
    let uri: Uri = text.parse().map_err(|_| bad())?;
    if uri.host().is_none() || uri.port_u16().is_none() {
        return Err(bad());
    }
    let server_name = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let endpoint = Endpoint::from(uri)
        .connect_timeout(tuning.connect_timeout)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    match &config.tls {
        None => Ok(endpoint),
        Some(tls) => endpoint.tls_config(tls_config(tls, server_name).await?).map_err(ConnectError::Dial),
    }
}

async fn tls_config(tls: &FeedTls, host: String) -> Result<ClientTlsConfig, ConnectError> {
    let read = async |what, path| tokio::fs::read(path).await.map_err(|source| ConnectError::File { what, source });
    let authority = read("the certificate authority", &tls.ca).await?;
    let certificate = read("the certificate", &tls.cert).await?;
    let key = read("the key", &tls.key).await?;
    Ok(ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority))
        .identity(Identity::from_pem(certificate, key))
        .domain_name(tls.server_name.clone().unwrap_or(host)))
}
