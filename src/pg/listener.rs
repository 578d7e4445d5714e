//! Accepts clients: connection limit, TLS, login time limit, one task each.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::session::SessionShared;
use crate::tasks::Tasks;
use crate::types::{Code, SqlError};

use super::config::{PgConfig, UserConfig};
use super::connection::Connection;
use super::negotiate::{self, Opening, OpeningError, Startup};
use super::output::Failure;
use super::scram::Mock;
use super::sqlstate::{ErrorSeverity, error_message};
use super::startup;
use super::wire::{Wire, WireError};

/// Clients beyond the limit that may be told so at the same time; further ones are hung up on.
const REFUSALS_MAX: usize = 64;
/// Wait after the system refused to accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Longest time to hand a last message to a client.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the listener did not start.
#[derive(Debug, thiserror::Error)]
pub enum PgError {
    /// The address could not be bound.
    #[error("listen for PostgreSQL clients on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl PgError {
    /// The kind of error.
    pub fn code(&self) -> Code {
        match self {
            Self::Listen { .. } => Code::Unavailable,
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: PgConfig,
    pub(super) users: HashMap<String, UserConfig>,
    pub(super) session: SessionShared,
    pub(super) mock: Mock,
    pub(super) stop: CancellationToken,
    slots: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Shared {
    /// Clients that could still connect.
    pub(super) fn free_slots(&self) -> usize {
        self.slots.available_permits()
    }
}

/// Listens for PostgreSQL clients until the tasks are stopped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
}

impl Listener {
    /// Binds the address and starts to accept.
    pub async fn start(config: PgConfig, session: SessionShared, tasks: &Tasks) -> Result<Self, PgError> {
        let failed = |source| PgError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            users: config.users.iter().map(|user| (user.name.clone(), user.clone())).collect(),
            mock: Mock::new(session.random.as_ref()),
            stop: tasks.stop_token(),
            slots: Arc::new(Semaphore::new(config.limits.connections_max.min(Semaphore::MAX_PERMITS))),
            refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
            session,
            config,
        });
        let sessions = tasks.clone();
        tasks.spawn("pg listener", move |stop| async move {
            accept(listener, shared, sessions, stop).await;
            Ok(())
        });
        Ok(Self { address })
    }

    /// The address that clients connect to.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: Tasks, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, client)) => welcome(tcp, client, &shared, &tasks),
            Err(error) => {
                tracing::warn!(%error, "a client could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A client gets a slot, or is told that there is none.
fn welcome(tcp: TcpStream, client: SocketAddr, shared: &Arc<Shared>, tasks: &Tasks) {
    let slot = match Arc::clone(&shared.slots).try_acquire_owned() {
        Ok(slot) => Slot::Free(slot),
        Err(_) => match Arc::clone(&shared.refusals).try_acquire_owned() {
            Ok(refusal) => Slot::None(refusal),
            Err(_) => return,
        },
    };
    let shared = Arc::clone(shared);
    tasks.spawn_session("pg connection", async move { serve(tcp, client, slot, &shared).await });
}

/// A place among the clients; given back when it is dropped.
enum Slot {
    Free(OwnedSemaphorePermit),
    None(OwnedSemaphorePermit),
}

async fn serve(tcp: TcpStream, client: SocketAddr, slot: Slot, shared: &Shared) {
    let _ = tcp.set_nodelay(true);
    let limits = &shared.config.limits;
    let login = tokio::time::timeout(limits.login_timeout, log_in(tcp, client, &slot, shared));
    let connection = tokio::select! {
        () = shared.stop.cancelled() => return,
        logged_in = login => match logged_in {
            Ok(Some(connection)) => connection,
            Ok(None) => return,
            Err(_) => {
                tracing::debug!(%client, "login took too long");
                return;
            }
        },
    };
    connection.run(shared).await;
    match slot {
        Slot::Free(permit) | Slot::None(permit) => drop(permit),
    }
}

/// A connection that is ready for statements; none when it is over.
async fn log_in(tcp: TcpStream, client: SocketAddr, slot: &Slot, shared: &Shared) -> Option<Connection> {
    let opening = negotiate::open(tcp, shared.config.tls.as_ref(), shared.config.limits.message_bytes_max).await;
    let mut startup: Startup = match opening {
        Ok(Opening::Startup(startup)) => startup,
        Ok(Opening::Cancel(key)) => {
            shared.session.sessions.cancel(key);
            return None;
        }
        Err(OpeningError::Refused { mut wire, error }) => {
            farewell(&mut wire, &error).await;
            return None;
        }
        Err(OpeningError::Wire(error)) => {
            tracing::debug!(%client, %error, "a connection ended before login");
            return None;
        }
    };
    let logged_in = match slot {
        Slot::Free(_) => startup::log_in(&mut startup, client, shared).await,
        Slot::None(_) => Err(SqlError::new(Code::TooManyConnections, "sorry, too many clients already").into()),
    };
    match logged_in {
        Ok(session) => Some(Connection::new(startup.wire, session)),
        Err(Failure::Statement(error) | Failure::Wire(WireError::Violation(error))) => {
            tracing::info!(%client, code = %error.code, "login refused");
            farewell(&mut startup.wire, &error).await;
            None
        }
        Err(Failure::Wire(error)) => {
            tracing::debug!(%client, %error, "a connection ended during login");
            None
        }
    }
}

/// Tells a client why the connection ends, as far as it listens.
pub(super) async fn farewell(wire: &mut Wire, error: &SqlError) {
    wire.send(error_message(error, ErrorSeverity::Fatal));
    let _ = tokio::time::timeout(FAREWELL, wire.close()).await;
}
