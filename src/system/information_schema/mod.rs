//! Schema `information_schema` of one database: the SQL standard's view of the same objects.
//!
//! All views of PostgreSQL 15 are there with their columns; those that describe what this server
//! does not have (triggers, foreign tables, ...) are empty. Everybody is told of what is there from the start;
//! what a user created is told of to its owner, to members of its owner and to superusers.

mod columns;
mod constraints;
mod grants;
mod routines;
mod types;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::Result;

use super::definitions::view_definition;
use super::facts::{CatalogFacts, SessionFacts};
use super::lookup::{Relation, Source};
use super::relations::{INFORMATION_SCHEMA, PG_CATALOG, SystemRelation, system_relation, system_relations};
use super::rows::{Rows, Value};
use super::type_facts::format_type;
use crate::catalog::Table;

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
        let view = View::new(&self.facts, &self.session);
        match relation.name {
            "schemata" => view.schemata(&mut rows),
            "tables" => view.tables(&mut rows),
            "views" => view.views(&mut rows),
            "columns" => view.columns(&mut rows),
            "sequences" => view.sequences(&mut rows),
            "table_constraints" => view.table_constraints(&mut rows),
            "check_constraints" => view.check_constraints(&mut rows),
            "key_column_usage" => view.key_column_usage(&mut rows),
            "constraint_column_usage" => view.constraint_column_usage(&mut rows),
            "constraint_table_usage" => view.constraint_table_usage(&mut rows),
            "referential_constraints" => view.referential_constraints(&mut rows),
            "domain_constraints" => view.domain_constraints(&mut rows),
            "domain_udt_usage" => view.domain_types(&mut rows),
            "table_privileges" | "role_table_grants" => view.table_privileges(relation, &mut rows),
            "column_privileges" | "role_column_grants" => view.column_privileges(relation, &mut rows),
            "usage_privileges" | "role_usage_grants" => view.usage_privileges(relation, &mut rows),
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
    /// Roles whose rights the user has; none for a superuser, who has all.
    roles: Option<HashSet<u32>>,
}

impl<'a> View<'a> {
    fn new(facts: &'a CatalogFacts, session: &'a SessionFacts) -> Self {
        let user = facts.role(&session.current_user);
        let is_superuser = user.is_some_and(|user| user.is_superuser);
        let all = facts.roles.iter().filter(|role| facts.is_member(&session.current_user, &role.name));
        let roles = (!is_superuser).then(|| all.map(|role| role.oid).collect());
        Self { facts, session, roles }
    }

    fn database(&self) -> Value {
        self.facts.database.as_str().into()
    }

    fn owner(&self, relation: &Relation<'_>) -> Value {
        Value::text_or_null(self.facts.role_name(relation.owner))
    }

    /// The user has the rights of this role.
    fn is_mine(&self, owner: u32) -> bool {
        self.roles.as_ref().is_none_or(|roles| roles.contains(&owner))
    }

    fn owns_table(&self, table: &Table) -> bool {
        self.is_mine(self.facts.owner(table.relational.as_ref().map(|relational| relational.owner.as_str())))
    }

    fn owns_type(&self, oid: u32) -> bool {
        self.is_mine(self.facts.owner(self.facts.user_type(oid).map(|user_type| user_type.owner.as_str())))
    }

    /// The tables and views that the user may look at.
    fn tables_and_views(&self) -> Vec<Relation<'a>> {
        let mut relations = self.facts.tables_and_views();
        relations.retain(|relation| !relation.is_private() || self.is_mine(relation.owner));
        relations
    }

    fn schemata(&self, rows: &mut Rows) {
        for schema in self.facts.schemas() {
            rows.push(&[
                ("catalog_name", self.database()),
                ("schema_name", schema.name.as_str().into()),
                ("schema_owner", Value::text_or_null(self.facts.role_name(schema.owner))),
            ]);
        }
    }

    fn tables(&self, rows: &mut Rows) {
        for relation in self.tables_and_views() {
            let is_table = relation.kind == 'r';
            let is_temporary = relation.relational().is_some_and(|(_, relational)| relational.temporary);
            let kind = match is_table {
                _ if is_temporary => "LOCAL TEMPORARY",
                true => "BASE TABLE",
                false => "VIEW",
            };
            // Events come in through feeds, not through INSERT; system relations are read only.
            let is_insertable = is_table && relation.is_private();
            rows.push(&[
                ("table_catalog", self.database()),
                ("table_schema", relation.schema.into()),
                ("table_name", relation.name.into()),
                ("table_type", kind.into()),
                ("is_insertable_into", if is_insertable { "YES" } else { "NO" }.into()),
                ("is_typed", "NO".into()),
                ("commit_action", if is_temporary { "PRESERVE".into() } else { Value::Null }),
            ]);
        }
    }

    /// Sequences, but for those that are parts of identity columns.
    fn sequences(&self, rows: &mut Rows) {
        for relation in self.facts.own_relations() {
            let Source::Sequence(sequence) = relation.source else { continue };
            if sequence.internal || !self.is_mine(relation.owner) {
                continue;
            }
            let precision = match sequence.type_oid {
                21 => 16,
                23 => 32,
                _ => 64,
            };
            rows.push(&[
                ("sequence_catalog", self.database()),
                ("sequence_schema", relation.schema.into()),
                ("sequence_name", relation.name.into()),
                ("data_type", format_type(sequence.type_oid, None).into()),
                ("numeric_precision", Value::Integer(precision)),
                ("numeric_precision_radix", Value::Integer(2)),
                ("numeric_scale", Value::Integer(0)),
                ("start_value", sequence.start.to_string().into()),
                ("minimum_value", sequence.minimum.to_string().into()),
                ("maximum_value", sequence.maximum.to_string().into()),
                ("increment", sequence.increment.to_string().into()),
                ("cycle_option", if sequence.cycle { "YES" } else { "NO" }.into()),
            ]);
        }
    }

    /// A text that the catalog keeps, as this session is shown it.
    fn shown(&self, sql: &str) -> String {
        self.facts.shown_text(sql, &self.session.search_path)
    }

    fn views(&self, rows: &mut Rows) {
        for view in self.tables_and_views().iter().filter(|relation| relation.kind == 'v') {
            let definition = view.definition.filter(|_| self.is_mine(view.owner) || !view.is_private());
            rows.push(&[
                ("table_catalog", self.database()),
                ("table_schema", view.schema.into()),
                ("table_name", view.name.into()),
                ("view_definition", definition.map_or(Value::Null, |sql| self.shown(&view_definition(sql)).into())),
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
