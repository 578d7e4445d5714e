//! Schema `pg_catalog` of one database.
//!
//! Every relation of PostgreSQL 15 is there with its columns. What describes our objects is made
//! from [`CatalogFacts`], with the object ids of the catalog; what every PostgreSQL has alike comes
//! from [`super::exports`]; what this server does not have (triggers, policies, ...) is empty.
//! Tables are built when a statement first names them; those of the catalog are kept with the
//! provider, those of the session are built anew.

mod attributes;
mod constraints;
mod dependencies;
mod indexes;
mod objects;
mod roles;
mod sequences;
mod session;
mod text_search;
mod types;
mod views;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::Result;

use super::exports::{exported, is_exported};
use super::facts::{CatalogFacts, SessionFacts};
use super::relations::{PG_CATALOG, SystemRelation, system_relation, system_relations};
use super::rows::Rows;

pub use text_search::TOKEN_TYPES;

/// The relations whose rows are made here; see [`PgCatalog::rows`].
const MADE_HERE: &[&str] = &[
    "pg_attrdef",
    "pg_attribute",
    "pg_auth_members",
    "pg_authid",
    "pg_class",
    "pg_constraint",
    "pg_cursors",
    "pg_database",
    "pg_depend",
    "pg_description",
    "pg_enum",
    "pg_extension",
    "pg_group",
    "pg_index",
    "pg_indexes",
    "pg_namespace",
    "pg_prepared_statements",
    "pg_rewrite",
    "pg_roles",
    "pg_sequence",
    "pg_sequences",
    "pg_settings",
    "pg_shadow",
    "pg_shdescription",
    "pg_stat_activity",
    "pg_stat_all_indexes",
    "pg_stat_all_tables",
    "pg_stat_database",
    "pg_stat_user_indexes",
    "pg_stat_user_tables",
    "pg_statio_all_indexes",
    "pg_statio_all_sequences",
    "pg_statio_all_tables",
    "pg_statio_user_indexes",
    "pg_statio_user_sequences",
    "pg_statio_user_tables",
    "pg_tables",
    "pg_timezone_names",
    "pg_ts_config_map",
    "pg_type",
    "pg_user",
    "pg_views",
];

/// This server has nothing that the relation of `pg_catalog` would list (triggers, policies, ...):
/// it is empty for every client at every time.
pub fn is_always_empty(name: &str) -> bool {
    system_relation(PG_CATALOG, name).is_some() && !MADE_HERE.contains(&name) && !is_exported(name)
}

/// The provider of `pg_catalog`.
#[derive(Debug)]
pub struct PgCatalog {
    facts: Arc<CatalogFacts>,
    session: Arc<SessionFacts>,
    built: Mutex<HashMap<&'static str, Arc<dyn TableProvider>>>,
}

impl PgCatalog {
    /// `pg_catalog` of the database that `facts` are about, for one session.
    pub fn new(facts: Arc<CatalogFacts>, session: Arc<SessionFacts>) -> Self {
        Self { facts, session, built: Mutex::default() }
    }

    fn build(&self, relation: &'static SystemRelation) -> Result<Arc<dyn TableProvider>> {
        let batch = self.rows(relation)?;
        Ok(Arc::new(MemTable::try_new(Arc::clone(&relation.arrow), vec![vec![batch]])?))
    }

    fn rows(&self, relation: &'static SystemRelation) -> Result<RecordBatch> {
        let mut rows = Rows::new(&relation.arrow);
        let (facts, session) = (&*self.facts, &*self.session);
        match relation.name {
            "pg_class" => objects::classes(facts, &mut rows),
            "pg_namespace" => objects::namespaces(facts, &mut rows),
            "pg_database" => objects::databases(facts, &mut rows),
            "pg_shdescription" => objects::shared_descriptions(facts, &mut rows),
            "pg_rewrite" => objects::rewrite_rules(facts, &mut rows),
            "pg_depend" => dependencies::dependencies(facts, &mut rows),
            "pg_attribute" => attributes::attributes(facts, &mut rows),
            "pg_attrdef" => attributes::defaults(facts, &mut rows),
            "pg_constraint" => constraints::constraints(facts, &mut rows),
            "pg_index" => indexes::indexes(facts, &mut rows),
            "pg_indexes" => indexes::definitions(facts, session, &mut rows),
            "pg_stat_user_indexes" | "pg_stat_all_indexes" | "pg_statio_user_indexes" | "pg_statio_all_indexes" => {
                indexes::statistics(facts, &mut rows);
            }
            "pg_sequence" => sequences::sequences(facts, &mut rows),
            "pg_sequences" => sequences::values(facts, session, &mut rows),
            "pg_statio_user_sequences" | "pg_statio_all_sequences" => sequences::statistics(facts, &mut rows),
            "pg_extension" => objects::extensions(&mut rows),
            "pg_enum" => types::labels(facts, &mut rows),
            "pg_authid" | "pg_roles" | "pg_user" | "pg_shadow" | "pg_group" => roles::roles(facts, relation, &mut rows),
            "pg_auth_members" => roles::memberships(facts, &mut rows),
            "pg_tables" => views::tables(facts, &mut rows),
            "pg_views" => views::views(facts, session, &mut rows),
            "pg_stat_user_tables" | "pg_stat_all_tables" | "pg_statio_user_tables" | "pg_statio_all_tables" => {
                views::table_statistics(facts, &mut rows);
            }
            "pg_stat_database" => views::database_statistics(facts, &mut rows),
            "pg_settings" => session::settings(session, &mut rows),
            "pg_prepared_statements" => session::prepared_statements(session, &mut rows),
            "pg_cursors" => session::cursors(session, &mut rows),
            "pg_stat_activity" => session::activity(facts, session, &mut rows),
            "pg_ts_config_map" => text_search::config_map(&mut rows),
            "pg_timezone_names" => session::zones(session, &mut rows),
            "pg_type" => {
                types::types(facts, &mut rows);
                return with_export(relation, rows.finish()?);
            }
            "pg_description" => {
                objects::descriptions(facts, &mut rows);
                return objects::latest_descriptions(&with_export(relation, rows.finish()?)?);
            }
            _ => {
                if let Some(batch) = exported(relation)? {
                    return Ok(batch);
                }
            }
        }
        rows.finish()
    }
}

fn with_export(relation: &'static SystemRelation, own: RecordBatch) -> Result<RecordBatch> {
    let Some(export) = exported(relation)? else { return Ok(own) };
    Ok(datafusion::arrow::compute::concat_batches(&relation.arrow, [&own, &export])?)
}

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        system_relations()
            .filter(|relation| relation.schema == PG_CATALOG)
            .map(|relation| relation.name.to_owned())
            .collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(relation) = system_relation(PG_CATALOG, name) else { return Ok(None) };
        if let Some(table) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(relation.name) {
            return Ok(Some(Arc::clone(table)));
        }
        let table = self.build(relation)?;
        self.built.lock().unwrap_or_else(PoisonError::into_inner).insert(relation.name, Arc::clone(&table));
        Ok(Some(table))
    }

    fn table_exist(&self, name: &str) -> bool {
        system_relation(PG_CATALOG, name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::{MADE_HERE, PgCatalog, is_always_empty};
    use crate::system::facts::{CatalogFacts, SessionFacts};
    use crate::system::relations::{PG_CATALOG, system_relations};

    #[test]
    fn a_relation_that_is_said_to_be_always_empty_is_empty() {
        let catalog = Arc::new(crate::catalog::builtin().expect("built-in catalog"));
        let facts = CatalogFacts::new(catalog, "kubearmor", Vec::new(), BTreeMap::new());
        let provider = PgCatalog::new(Arc::new(facts), Arc::new(SessionFacts::default()));
        for relation in system_relations().filter(|relation| relation.schema == PG_CATALOG) {
            let rows = provider.rows(relation).expect(relation.name).num_rows();
            assert!(rows == 0 || !is_always_empty(relation.name), "{} has {rows} rows", relation.name);
        }
        assert!(MADE_HERE.is_sorted());
    }
}
