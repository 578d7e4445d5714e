//! Schema `information_schema` of one database: the SQL standard's view of the same objects.
//!
//! All views of PostgreSQL 15 are there with their columns; those that describe what this server
//! does not have (triggers, sequences, foreign tables, ...) are empty.

mod columns;
mod grants;
mod routines;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::Result;

use super::facts::{CatalogFacts, SessionFacts};
use super::lookup::Relation;
use super::relations::{INFORMATION_SCHEMA, PG_CATALOG, SystemRelation, system_relation, system_relations};
use super::rows::{Rows, Value};

/// The provider of `information_schema`.
#[derive(Debug)]
pub struct InformationSchema {
    facts: Arc<CatalogFacts>,
    session: Arc<SessionFacts>,
}

impl InformationSchema {
    /// `information_schema` of the database that `facts` are about.
    pub fn new(facts: Arc<CatalogFacts>, session: Arc<SessionFacts>) -> Self {
        Self { facts, session }
    }

    fn rows(&self, relation: &'static SystemRelation) -> Result<RecordBatch> {
        let mut rows = Rows::new(&relation.arrow);
        let view = View { facts: &self.facts, session: &self.session };
        match relation.name {
            "schemata" => view.schemata(&mut rows),
            "tables" => view.tables(&mut rows),
            "views" => view.views(&mut rows),
            "columns" => view.columns(&mut rows),
            "table_privileges" => view.table_privileges(&mut rows),
            "column_privileges" => view.column_privileges(&mut rows),
            "usage_privileges" => view.usage_privileges(&mut rows),
            "udt_privileges" => view.type_privileges(&mut rows),
            "column_udt_usage" => view.type_usage(false, &mut rows),
            "column_domain_usage" => view.type_usage(true, &mut rows),
            "element_types" => view.element_types(&mut rows),
            "data_type_privileges" => view.data_types(&mut rows),
            "domains" => view.domains(&mut rows),
            "parameters" => view.parameters(&mut rows),
            "information_schema_catalog_name" => rows.push(&[("catalog_name", view.database())]),
            "character_sets" => view.character_sets(&mut rows),
            "collations" => view.collations(&mut rows),
            "collation_character_set_applicability" => view.collation_character_sets(&mut rows),
            "enabled_roles" | "applicable_roles" | "administrable_role_authorizations" => {
                view.enabled_roles(relation, &mut rows);
            }
            "routines" => view.routines(&mut rows),
            _ => {}
        }
        rows.finish()
    }
}

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        let own = system_relations().filter(|relation| relation.schema == INFORMATION_SCHEMA);
        own.map(|relation| relation.name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(relation) = system_relation(INFORMATION_SCHEMA, name) else { return Ok(None) };
        let batch = self.rows(relation)?;
        Ok(Some(Arc::new(MemTable::try_new(Arc::clone(&relation.arrow), vec![vec![batch]])?)))
    }

    fn table_exist(&self, name: &str) -> bool {
        system_relation(INFORMATION_SCHEMA, name).is_some()
    }
}

struct View<'a> {
    facts: &'a CatalogFacts,
    session: &'a SessionFacts,
}

impl View<'_> {
    fn database(&self) -> Value {
        self.facts.database.as_str().into()
    }

    fn owner(&self, relation: &Relation<'_>) -> Value {
        Value::text_or_null(self.facts.role_name(relation.owner))
    }

    fn schemata(&self, rows: &mut Rows) {
        let owner = Value::text_or_null(self.facts.role_name(super::OWNER_OID));
        for (_, name, _) in self.facts.schemas() {
            rows.push(&[
                ("catalog_name", self.database()),
                ("schema_name", name.into()),
                ("schema_owner", owner.clone()),
            ]);
        }
    }

    fn tables(&self, rows: &mut Rows) {
        for relation in self.facts.relations() {
            let is_table = relation.kind == 'r';
            // Events come in through feeds, not through INSERT; system relations are read only.
            rows.push(&[
                ("table_catalog", self.database()),
                ("table_schema", relation.schema.into()),
                ("table_name", relation.name.into()),
                ("table_type", if is_table { "BASE TABLE" } else { "VIEW" }.into()),
                ("is_insertable_into", "NO".into()),
                ("is_typed", "NO".into()),
            ]);
        }
    }

    fn views(&self, rows: &mut Rows) {
        for view in self.facts.relations().iter().filter(|relation| relation.kind == 'v') {
            rows.push(&[
                ("table_catalog", self.database()),
                ("table_schema", view.schema.into()),
                ("table_name", view.name.into()),
                ("view_definition", view.definition.map_or(Value::Null, |sql| format!("{sql};").into())),
                ("check_option", "NONE".into()),
                ("is_updatable", "NO".into()),
                ("is_insertable_into", "NO".into()),
                ("is_trigger_updatable", "NO".into()),
                ("is_trigger_deletable", "NO".into()),
                ("is_trigger_insertable_into", "NO".into()),
            ]);
        }
    }

    fn character_sets(&self, rows: &mut Rows) {
        rows.push(&[
            ("character_set_name", "UTF8".into()),
            ("character_repertoire", "UCS".into()),
            ("form_of_use", "UTF8".into()),
            ("default_collate_catalog", self.database()),
            ("default_collate_schema", PG_CATALOG.into()),
            ("default_collate_name", "C".into()),
        ]);
    }

    fn collations(&self, rows: &mut Rows) {
        for name in ["C", "POSIX", "ucs_basic"] {
            rows.push(&[
                ("collation_catalog", self.database()),
                ("collation_schema", PG_CATALOG.into()),
                ("collation_name", name.into()),
                ("pad_attribute", "NO PAD".into()),
            ]);
        }
    }

    fn collation_character_sets(&self, rows: &mut Rows) {
        for name in ["C", "POSIX", "ucs_basic"] {
            rows.push(&[
                ("collation_catalog", self.database()),
                ("collation_schema", PG_CATALOG.into()),
                ("collation_name", name.into()),
                ("character_set_name", "UTF8".into()),
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::InformationSchema;
    use crate::system::facts::{CatalogFacts, RoleFacts, SessionFacts};
    use crate::system::relations::{INFORMATION_SCHEMA, system_relation, system_relations};

    #[test]
    fn every_view_can_be_built_and_columns_are_spelled_as_in_postgresql() {
        let catalog = Arc::new(crate::catalog::builtin().expect("built-in catalog"));
        let facts = CatalogFacts::new(catalog, "kubearmor", vec![RoleFacts::owner("root")], BTreeMap::new());
        let session = SessionFacts { current_user: "root".to_owned(), ..SessionFacts::default() };
        let provider = InformationSchema::new(Arc::new(facts), Arc::new(session));
        for relation in system_relations().filter(|relation| relation.schema == INFORMATION_SCHEMA) {
            let batch = provider.rows(relation).expect(relation.name);
            assert_eq!(batch.schema(), relation.arrow, "{}", relation.name);
        }
        let columns = system_relation(INFORMATION_SCHEMA, "columns").expect("columns");
        let text = datafusion::arrow::util::pretty::pretty_format_batches(&[provider.rows(columns).expect("rows")]);
        let text = text.expect("printed").to_string();
        assert!(text.contains("timestamp with time zone") && text.contains("| ARRAY"), "types are spelled out");
    }
}
