//! What exists: databases, schemas, tables, columns, views, with ids that never change.
//!
//! A [`Catalog`] is an immutable snapshot; whoever plans a statement holds one for its whole
//! length. The built-in part is data, not code: `catalog/*.toml` and `catalog/views/*.sql`.

mod builtin;
mod entry;
mod ident;
mod keywords;
mod model;
mod relational;
mod texts;
mod union;

pub use builtin::{BuiltinError, builtin};
pub use entry::{DatabaseEntry, Entry, Object, Place, SchemaEntry};
pub use ident::{quote_for_engine, quote_ident, quote_literal, split_quoted};
pub use keywords::{is_reserved, names_nothing};
pub use model::{Catalog, Column, Database, Schema, Scope, Table, View};
pub use relational::{
    Constraint, EnumLabel, ForeignAction, Identity, Index, IndexKey, Relational, Rule, Sequence, UserType, UserTypeKind,
};
pub use texts::{named_objects, shown_text, with_object_renamed};
pub use union::{Hidden, Published, Union};

/// The database that is there from the start.
pub const DEFAULT_DATABASE: &str = "kubearmor";
/// The database that programs connect to when none is named, such as `psql -l` and `createdb`.
pub const POSTGRES_DATABASE: &str = "postgres";
/// The first object id of what users make; those below are built in, and the same in every database.
pub const FIRST_USER_OID: u32 = 65_536;
/// The schema of event tables and of the user's tables.
pub const PUBLIC: &str = "public";
/// The schema of the fleet's own state.
pub const MESH: &str = "mesh";
