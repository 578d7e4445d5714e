//! What exists: databases, schemas, tables, columns, views, with ids that never change.
//!
//! A [`Catalog`] is an immutable snapshot; whoever plans a statement holds one for its whole
//! length. The built-in part is data, not code: `catalog/*.toml` and `catalog/views/*.sql`.

mod builtin;
mod ident;
mod model;

pub use builtin::{BuiltinError, builtin};
pub use ident::{quote_ident, quote_literal};
pub use model::{Catalog, Column, Database, Schema, Scope, Table, View};

/// The database that is there from the start.
pub const DEFAULT_DATABASE: &str = "kubearmor";
/// The schema of event tables and of the user's tables.
pub const PUBLIC: &str = "public";
/// The schema of the fleet's own state.
pub const MESH: &str = "mesh";
