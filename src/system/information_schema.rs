//! Schema `information_schema` of one database: the SQL standard's view of the same objects.
//!
//! All views of PostgreSQL 15 are there with their columns; those that describe what this server
//! does not have (triggers, domains, grants per column, ...) are empty.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::Result;

use super::facts::{CatalogFacts, SessionFacts};
use super::lookup::{Attribute, Relation, TYPES, format_type};
use super::procedures::all_functions;
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
            "table_privileges" | "role_table_grants" => view.table_privileges(&mut rows),
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

    fn columns(&self, rows: &mut Rows) {
        for relation in self.facts.relations() {
            for attribute in self.facts.attributes(&relation) {
                self.column(&relation, &attribute, rows);
            }
        }
    }

    fn column(&self, relation: &Relation<'_>, attribute: &Attribute, rows: &mut Rows) {
        let facts = TYPES.get(&attribute.type_oid);
        let is_array = facts.is_some_and(|facts| facts.category == 'A');
        let data_type = if is_array { "ARRAY".to_owned() } else { format_type(attribute.type_oid, None) };
        let (precision, radix, scale) = numbers(attribute.type_oid);
        let optional = |value: Option<i64>| value.map_or(Value::Null, Value::Integer);
        let moment = matches!(attribute.type_oid, 1083 | 1114 | 1184 | 1186 | 1266);
        let texts = matches!(attribute.type_oid, 25 | 1043);
        rows.push(&[
            ("table_catalog", self.database()),
            ("table_schema", relation.schema.into()),
            ("table_name", relation.name.into()),
            ("column_name", attribute.name.as_str().into()),
            ("ordinal_position", Value::Integer(i64::from(attribute.number))),
            ("is_nullable", if attribute.not_null { "NO" } else { "YES" }.into()),
            ("data_type", data_type.into()),
            ("character_octet_length", if texts { Value::Integer(1_073_741_824) } else { Value::Null }),
            ("numeric_precision", optional(precision)),
            ("numeric_precision_radix", optional(radix)),
            ("numeric_scale", optional(scale)),
            ("datetime_precision", optional(moment.then_some(6).or((attribute.type_oid == 1082).then_some(0)))),
            ("udt_catalog", self.database()),
            ("udt_schema", PG_CATALOG.into()),
            ("udt_name", Value::text_or_null(facts.map(|facts| facts.name.as_str()))),
            ("dtd_identifier", attribute.number.to_string().into()),
            ("is_self_referencing", "NO".into()),
            ("is_identity", "NO".into()),
            ("identity_cycle", "NO".into()),
            ("is_generated", "NEVER".into()),
            ("is_updatable", "NO".into()),
        ]);
    }

    fn table_privileges(&self, rows: &mut Rows) {
        for relation in self.facts.own_relations() {
            rows.push(&[
                ("grantor", self.owner(&relation)),
                ("grantee", "PUBLIC".into()),
                ("table_catalog", self.database()),
                ("table_schema", relation.schema.into()),
                ("table_name", relation.name.into()),
                ("privilege_type", "SELECT".into()),
                ("is_grantable", "NO".into()),
                ("with_hierarchy", "YES".into()),
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
        for name in ["C", "POSIX"] {
            rows.push(&[
                ("collation_catalog", self.database()),
                ("collation_schema", PG_CATALOG.into()),
                ("collation_name", name.into()),
                ("pad_attribute", "NO PAD".into()),
            ]);
        }
    }

    fn collation_character_sets(&self, rows: &mut Rows) {
        for name in ["C", "POSIX"] {
            rows.push(&[
                ("collation_catalog", self.database()),
                ("collation_schema", PG_CATALOG.into()),
                ("collation_name", name.into()),
                ("character_set_name", "UTF8".into()),
            ]);
        }
    }

    /// The user's own roles, directly or through membership.
    fn enabled_roles(&self, relation: &SystemRelation, rows: &mut Rows) {
        let Some(user) = self.facts.role(&self.session.current_user) else { return };
        if relation.name == "enabled_roles" {
            rows.push(&[("role_name", user.name.as_str().into())]);
        }
        for group in user.member_of.iter().filter_map(|oid| self.facts.role_name(*oid)) {
            match relation.name {
                "enabled_roles" => rows.push(&[("role_name", group.into())]),
                "applicable_roles" => rows.push(&[
                    ("grantee", user.name.as_str().into()),
                    ("role_name", group.into()),
                    ("is_grantable", "NO".into()),
                ]),
                _ => {}
            }
        }
    }

    /// The functions of PostgreSQL by name; their bodies are the engine's.
    fn routines(&self, rows: &mut Rows) {
        for (oid, function) in all_functions() {
            let result = function.result_text();
            rows.push(&[
                ("specific_catalog", self.database()),
                ("specific_schema", PG_CATALOG.into()),
                ("specific_name", format!("{}_{oid}", function.name).into()),
                ("routine_catalog", self.database()),
                ("routine_schema", PG_CATALOG.into()),
                ("routine_name", function.name.as_str().into()),
                ("routine_type", if result.is_some() { "FUNCTION" } else { "PROCEDURE" }.into()),
                ("data_type", Value::text_or_null(result.as_deref())),
                ("routine_body", "EXTERNAL".into()),
                ("external_language", "INTERNAL".into()),
            ]);
        }
    }
}

/// Precision, radix and scale of a number type.
fn numbers(type_oid: u32) -> (Option<i64>, Option<i64>, Option<i64>) {
    match type_oid {
        21 => (Some(16), Some(2), Some(0)),
        23 => (Some(32), Some(2), Some(0)),
        20 => (Some(64), Some(2), Some(0)),
        700 => (Some(24), Some(2), None),
        701 => (Some(53), Some(2), None),
        1700 => (None, Some(10), None),
        _ => (None, None, None),
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
