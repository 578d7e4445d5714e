//! A KubeArmor LogService of our own, with its drop rules: for tests, demos and load.
//!
//! It answers as a daemon does: exact filters (any other ends the stream with status OK), one queue
//! of 1,000 events per client and stream that drops silently when it is full, server pings, optional
//! mutual TLS, response headers only with the first event. What it drops, it counts. It does not use
//! `ingest`, so a test of ingest is not checked against itself.

mod config;
mod convert;
mod dice;
mod drive;
mod generate;
mod hub;
mod kinds;
mod replay;
mod service;
mod story;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::env::{Clock, SystemClock};
use crate::proto::feeder::log_service_server::LogServiceServer;
use crate::tasks::Tasks;
use hub::Hub;
use service::Service;

pub use config::{Pace, PaceError, SimulateConfig, SimulateTls};
pub use convert::{ConvertError, Produced, produced_from_json};
pub use generate::Generator;
pub use hub::Counters;

/// How long the server may be idle before it pings, and how long it waits for the answer: KubeArmor's values.
const PING_INTERVAL: Duration = Duration::from_secs(1);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a stopping server waits for its connections.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Why the simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The address cannot be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be read.
    #[error("read {what}")]
    File {
        /// What the file is for.
        what: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The certificates do not make a TLS server.
    #[error("set up mutual TLS")]
    Tls(#[source] tonic::transport::Error),
    /// A line of the replayed file is no event.
    #[error("line {line} of the replayed file")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// Why.
        #[source]
        source: ConvertError,
    },
}

/// A running simulator.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    hub: Arc<Hub>,
    stop: CancellationToken,
    stopped: CancellationToken,
}

impl Simulator {
    /// Listens, and starts to produce events.
    pub async fn start(config: SimulateConfig, tasks: &Tasks) -> Result<Self, SimulateError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let listen = |source| SimulateError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let mut server =
            Server::builder().http2_keepalive_interval(Some(PING_INTERVAL)).http2_keepalive_timeout(Some(PING_TIMEOUT));
        if let Some(tls) = &config.tls {
            server = server.tls_config(tls_config(tls).await?).map_err(SimulateError::Tls)?;
        }
        let stop = tasks.stop_token().child_token();
        let hub = Arc::new(Hub::new(config.queue_events));
        let plan = drive::plan(&config).await?;
        let router = server.add_service(LogServiceServer::new(Service { hub: Arc::clone(&hub), stop: stop.clone() }));
        let stopped = CancellationToken::new();
        tasks.spawn_session("simulate server", {
            let (stop, stopped) = (stop.clone(), stopped.clone().drop_guard());
            async move {
                let served = router
                    .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.clone().cancelled_owned());
                let forced = async {
                    stop.cancelled().await;
                    tokio::time::sleep(STOP_PATIENCE).await;
                };
                tokio::select! {
                    ended = served => if let Err(error) = ended {
                        tracing::error!(%error, "the simulated server failed");
                    },
                    () = forced => tracing::warn!("the simulated server left connections open"),
                }
                drop(stopped);
            }
        });
        drive::start(plan, &hub, &clock, &stop, tasks);
        tracing::info!(%address, "simulated KubeArmor listens");
        Ok(Self { address, hub, stop, stopped })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What became of the events so far.
    pub fn counters(&self) -> Counters {
        self.hub.counters()
    }

    /// Clients of all streams at the moment.
    pub fn clients(&self) -> usize {
        self.hub.clients()
    }

    /// Ends all streams with status OK, as a stopping daemon does, and waits for the server's end.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.stopped.cancelled().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn tls_config(tls: &SimulateTls) -> Result<ServerTlsConfig, SimulateError> {
    let read = async |what, path| tokio::fs::read(path).await.map_err(|source| SimulateError::File { what, source });
    let authority = read("the certificate authority", &tls.ca).await?;
    let certificate = read("the server certificate", &tls.cert).await?;
    let key = read("the server key", &tls.key).await?;
    Ok(ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(authority))
        .client_auth_optional(false))
}
