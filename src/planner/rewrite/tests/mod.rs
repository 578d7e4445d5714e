//! What clients see of the catalog, run in one process: psql's commands, the questions of
//! KubeArmor's users, the statements that drivers and tools send.
//!
//! The engine here is plain: the built-in catalog over tables in memory, the system tables, the
//! functions and the rewrite; no mesh, no fragments.

mod catalog;
mod clients;
mod harness;
mod psql;
mod questions;
mod statements;
mod tables;
mod zones;
