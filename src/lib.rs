//! Armorlake: one PostgreSQL over a fleet's KubeArmor events.
//!
//! The rooms, lowest first; a room uses only what stands above it in this list
//! (`tests/tidy.rs` checks it). docs/ARCHITECTURE.md tells the life of an event and of a query.

pub mod types;
pub mod env;
pub mod tasks;
pub mod telemetry;
pub mod config;
pub mod tls;
pub mod proto;
pub mod catalog;
pub mod storage;
pub mod ingest;
pub mod mesh;
pub mod execution;
pub mod system;
pub mod planner;
pub mod session;
pub mod pg;
pub mod node;
pub mod simulate;
pub mod cli;
