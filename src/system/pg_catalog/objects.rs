//! Databases, schemas, relations and what is said about them.

use crate::catalog::Database;
use crate::system::exports::exported;
use crate::system::facts::{CatalogFacts, OWNER_OID};
use crate::system::lookup::{Relation, row_type};
use crate::system::relations::{PG_CATALOG, system_relation};
use crate::system::rows::{Rows, Value};

/// pg_class id of pg_class: comments on relations and columns carry it.
pub(super) const CLASS_OF_RELATIONS: u32 = 1_259;
/// pg_class id of pg_namespace.
const CLASS_OF_SCHEMAS: u32 = 2_615;
/// pg_class id of pg_database.
const CLASS_OF_DATABASES: u32 = 1_262;
/// pg_class id of pg_authid.
const CLASS_OF_ROLES: u32 = 1_260;
/// pg_class id of pg_rewrite.
const CLASS_OF_RULES: u32 = 2_618;
/// The heap access method.
const HEAP: u32 = 2;
/// The default tablespace.
const DEFAULT_TABLESPACE: u32 = 1_663;
/// The tablespace of shared tables.
const GLOBAL_TABLESPACE: u32 = 1_664;
/// UTF8 among PostgreSQL's encodings.
pub(super) const UTF8: i64 = 6;
/// Texts compare by their bytes.
pub(super) const COLLATION: &str = "C";

/// pg_class.
pub(super) fn classes(facts: &CatalogFacts, rows: &mut Rows) {
    for relation in facts.relations() {
        class(facts, &relation, rows);
    }
}

fn class(facts: &CatalogFacts, relation: &Relation<'_>, rows: &mut Rows) {
    let is_table = relation.kind == 'r';
    let columns = facts.attributes(relation).len();
    rows.push(&[
        ("oid", relation.oid.into()),
        ("relname", relation.name.into()),
        ("relnamespace", facts.schema_oid(relation.schema).unwrap_or(0).into()),
        ("reltype", row_type(relation).0.into()),
        ("relowner", relation.owner.into()),
        ("relam", if is_table { HEAP } else { 0 }.into()),
        ("relfilenode", if is_table { relation.oid } else { 0 }.into()),
        ("reltablespace", if is_shared(relation) { GLOBAL_TABLESPACE } else { 0 }.into()),
        ("relisshared", is_shared(relation).into()),
        ("reltuples", Value::Real(-1.0)),
        ("relpersistence", "p".into()),
        ("relkind", relation.kind.to_string().into()),
        ("relnatts", Value::Integer(i64::try_from(columns).unwrap_or(0))),
        ("relhasrules", (relation.kind == 'v').into()),
        ("relispopulated", true.into()),
        ("relreplident", if is_table && relation.schema != PG_CATALOG { "d" } else { "n" }.into()),
    ]);
}

/// Tables that are one for all databases, where PostgreSQL keeps them so.
const SHARED: &[&str] = &[
    "pg_auth_members",
    "pg_authid",
    "pg_database",
    "pg_db_role_setting",
    "pg_parameter_acl",
    "pg_replication_origin",
    "pg_shdepend",
    "pg_shdescription",
    "pg_shseclabel",
    "pg_subscription",
    "pg_tablespace",
];

/// The table is one for all databases.
pub(super) fn is_shared(relation: &Relation<'_>) -> bool {
    relation.is_system && relation.schema == PG_CATALOG && SHARED.contains(&relation.name)
}

/// pg_namespace.
pub(super) fn namespaces(facts: &CatalogFacts, rows: &mut Rows) {
    for (oid, name, _) in facts.schemas() {
        rows.push(&[("oid", oid.into()), ("nspname", name.into()), ("nspowner", OWNER_OID.into())]);
    }
}

/// pg_database.
pub(super) fn databases(facts: &CatalogFacts, rows: &mut Rows) {
    for database in facts.catalog.databases.values() {
        rows.push(&[
            ("oid", database.oid.into()),
            ("datname", database.name.as_str().into()),
            ("datdba", OWNER_OID.into()),
            ("encoding", Value::Integer(UTF8)),
            ("datlocprovider", "c".into()),
            ("datallowconn", true.into()),
            ("datconnlimit", Value::Integer(-1)),
            ("dattablespace", DEFAULT_TABLESPACE.into()),
            ("datcollate", COLLATION.into()),
            ("datctype", COLLATION.into()),
        ]);
    }
}

/// pg_description: comments on schemas, relations and columns.
pub(super) fn descriptions(facts: &CatalogFacts, rows: &mut Rows) {
    let mut add = |object: u32, class: u32, part: i64, text: &str| {
        if !text.is_empty() {
            rows.push(&[
                ("objoid", object.into()),
                ("classoid", class.into()),
                ("objsubid", Value::Integer(part)),
                ("description", text.into()),
            ]);
        }
    };
    for (oid, _, comment) in facts.schemas() {
        // The export describes PostgreSQL's own schemas, `public` among them.
        if !described_by_export(oid) {
            add(oid, CLASS_OF_SCHEMAS, 0, comment);
        }
    }
    for relation in facts.own_relations() {
        add(relation.oid, CLASS_OF_RELATIONS, 0, relation.comment.unwrap_or_default());
        for attribute in facts.attributes(&relation) {
            let text = attribute.comment.as_deref().unwrap_or_default();
            add(relation.oid, CLASS_OF_RELATIONS, i64::from(attribute.number), text);
        }
    }
}

fn described_by_export(schema: u32) -> bool {
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::Int32Type;
    let Some(Ok(Some(batch))) = system_relation(PG_CATALOG, "pg_description").map(exported) else { return false };
    let column = |name: &str| batch.column_by_name(name).and_then(|array| array.as_primitive_opt::<Int32Type>());
    let (Some(objects), Some(classes)) = (column("objoid"), column("classoid")) else { return false };
    let pairs = objects.values().iter().zip(classes.values());
    pairs.into_iter().any(|(object, class)| *object == schema as i32 && *class == CLASS_OF_SCHEMAS as i32)
}

/// pg_shdescription: comments on databases and roles.
pub(super) fn shared_descriptions(facts: &CatalogFacts, rows: &mut Rows) {
    let databases = facts.catalog.databases.values();
    let databases = databases.map(|Database { oid, comment, .. }| (*oid, CLASS_OF_DATABASES, comment.as_str()));
    let roles = facts.roles.iter().map(|role| (role.oid, CLASS_OF_ROLES, role.comment.as_deref().unwrap_or_default()));
    for (oid, class, text) in databases.chain(roles).filter(|(_, _, text)| !text.is_empty()) {
        rows.push(&[("objoid", oid.into()), ("classoid", class.into()), ("description", text.into())]);
    }
}

/// pg_rewrite: every view has its SELECT as the rule `_RETURN`.
pub(super) fn rewrite_rules(facts: &CatalogFacts, rows: &mut Rows) {
    for view in facts.relations().iter().filter(|relation| relation.kind == 'v') {
        rows.push(&[
            ("oid", rule_of(view.oid).into()),
            ("rulename", "_RETURN".into()),
            ("ev_class", view.oid.into()),
            ("ev_type", "1".into()),
            ("ev_enabled", "O".into()),
            ("is_instead", true.into()),
        ]);
    }
}

/// pg_depend: the rule of a view belongs to the view.
pub(super) fn dependencies(facts: &CatalogFacts, rows: &mut Rows) {
    for view in facts.own_relations().iter().filter(|relation| relation.kind == 'v') {
        rows.push(&[
            ("classid", CLASS_OF_RULES.into()),
            ("objid", rule_of(view.oid).into()),
            ("refclassid", CLASS_OF_RELATIONS.into()),
            ("refobjid", view.oid.into()),
            ("deptype", "i".into()),
        ]);
    }
}

/// Rules have no place in the catalog: their id follows from the view's, in a range of its own.
fn rule_of(view: u32) -> u32 {
    0x4000_0000 | view
}
