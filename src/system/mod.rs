//! Tables that describe the cluster: pg_catalog, information_schema, mesh.
//!
//! Nothing here looks anything up by itself: the planner hands in facts and registers what it gets.
//! ```text
//! let facts = Arc::new(CatalogFacts::new(catalog, "kubearmor", roles, view_columns)); // per catalog snapshot
//! let session = Arc::new(SessionFacts { current_user, search_path, now_us, .. });     // per statement
//! PgCatalog::new(facts, session)          -> impl SchemaProvider, schema `pg_catalog`
//! InformationSchema::new(facts, session)  -> impl SchemaProvider, schema `information_schema`
//! planner::functions::register_of_session(&mut SessionState, &Arc<FunctionContext>, &settings)
//! planner::rewrite::rewrite_statement(&mut Statement), rewrite_query(&mut Query), shown_name(&str)
//! system::mesh::nodes_batch(&catalog::Table, &[Member]) and its like -> RecordBatch
//! ```
//! `view_columns` holds the Arrow schema of every view as the engine plans it, by the view's object
//! id: pg_attribute lists them. Object ids travel as int4, so that `c.oid = a.attrelid` and
//! `c.oid = '16384'` mean what they say.

mod corrections;
mod definitions;
mod directory;
mod exports;
mod facts;
mod information_schema;
mod lookup;
pub mod mesh;
mod named;
mod pg_catalog;
mod procedures;
mod relations;
mod rows;
#[cfg(test)]
pub(crate) mod testing;
mod type_facts;

pub use definitions::Style;
pub use directory::SchemaFacts;
pub use exports::keywords;
pub use facts::{
    Activity, ActivityFacts, CatalogFacts, CursorFacts, OWNER_OID, PreparedFacts, RoleFacts, SequenceValues,
    SessionFacts, SessionObjects, SettingFacts,
};
pub use information_schema::InformationSchema;
pub use lookup::{Attribute, Relation, split_name};
pub use named::{
    OperatorFacts, collation_name, collation_oid, is_in, language_oid, operator_by_operands, operator_facts,
    operator_oid, operators_named, tablespace_oid, text_search_name, text_search_oid,
};
pub use pg_catalog::{PgCatalog, TOKEN_TYPES, is_always_empty};
pub(crate) use procedures::functions_called;
pub use procedures::{
    FunctionFacts, function_by_arguments, function_facts, function_oid, functions_named, is_function,
};
pub use relations::{
    INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID, PG_CATALOG, PG_CATALOG_OID, is_pg_catalog_relation, system_column_type,
    system_columns, system_relation_oid,
};
pub use rows::{Value, array_from_values};
pub use type_facts::{format_type, type_name, type_oid};
