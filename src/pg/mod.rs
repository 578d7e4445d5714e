//! The PostgreSQL border: messages in, session calls, messages out.
//!
//! The connection loop is ours, on the library's message types: it waits for bytes, time limits,
//! cancel and shutdown at once, checks every frame before the library decodes it, pulls rows
//! instead of collecting them, and notices a client that goes away during a query. Nothing about
//! plans is known in here. `node` starts a [`Listener`].

mod config;
mod connection;
mod copy;
mod encode;
mod extended;
pub mod fuzz;
mod guard;
mod listener;
mod negotiate;
mod output;
mod params;
mod scram;
mod simple;
mod sqlstate;
mod startup;
mod wire;

pub use config::{CertificateUse, Databases, PgConfig, PgLimits, TlsUse, Trust, UserConfig};
pub use listener::{Listener, PgError};
pub use scram::{ITERATIONS, ScramVerifier, VerifierError};
