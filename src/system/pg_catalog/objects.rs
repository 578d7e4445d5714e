//! Databases, schemas, relations and what is said about them.

use std::collections::HashSet;

use datafusion::arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::Int32Type;
use datafusion::error::Result;

use crate::catalog::{Database, PUBLIC, Rule};
use crate::system::directory::{ConstraintPlace, DATABASE_OWNER_ROLE};
use crate::system::exports::exported;
use crate::system::facts::{CatalogFacts, OWNER_OID};
use crate::system::lookup::{Relation, row_type};
use crate::system::named::BTREE;
use crate::system::relations::{PG_CATALOG, PG_CATALOG_OID, system_relation};
use crate::system::rows::{Rows, Value};

/// pg_class id of pg_class: comments on relations and columns carry it.
pub(super) const CLASS_OF_RELATIONS: u32 = 1_259;
/// pg_class id of pg_namespace.
pub(super) const CLASS_OF_SCHEMAS: u32 = 2_615;
/// pg_class id of pg_database.
const CLASS_OF_DATABASES: u32 = 1_262;
/// pg_class id of pg_authid.
const CLASS_OF_ROLES: u32 = 1_260;
/// pg_class id of pg_constraint.
pub(super) const CLASS_OF_CONSTRAINTS: u32 = 2_606;
/// pg_class id of pg_attrdef.
pub(super) const CLASS_OF_DEFAULTS: u32 = 2_604;
/// pg_class id of pg_type.
pub(super) const CLASS_OF_TYPES: u32 = 1_247;
/// pg_class id of pg_rewrite.
pub(super) const CLASS_OF_RULES: u32 = 2_618;
/// pg_class id of pg_extension.
const CLASS_OF_EXTENSIONS: u32 = 3_079;
/// The object id of the extension `plpgsql`.
const PROCEDURAL_EXTENSION: u32 = 13_559;
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
    let kind = relation.kind;
    let is_table = kind == 'r';
    let attributes = facts.attributes(relation);
    let method = match kind {
        'r' => HEAP,
        'i' => BTREE,
        _ => 0,
    };
    let relational = relation.relational().map(|(_, relational)| relational);
    let checks = relational.map_or(0, |relational| {
        relational.constraints.iter().filter(|constraint| matches!(constraint.rule, Rule::Check { .. })).count()
    });
    let is_temporary = relational.is_some_and(|relational| relational.temporary);
    rows.push(&[
        ("oid", relation.oid.into()),
        ("relname", relation.name.into()),
        ("relnamespace", facts.schema_oid(relation.schema).unwrap_or(0).into()),
        ("reltype", row_type(relation).0.into()),
        ("relowner", relation.owner.into()),
        ("relam", method.into()),
        ("relfilenode", if kind == 'v' { 0 } else { relation.oid }.into()),
        ("reltablespace", if is_shared(relation) { GLOBAL_TABLESPACE } else { 0 }.into()),
        ("relpages", Value::Integer(i64::from(kind == 'S'))),
        ("relhasindex", relational.is_some_and(|relational| !relational.indexes.is_empty()).into()),
        ("relisshared", is_shared(relation).into()),
        ("reltuples", Value::Real(row_estimate(kind))),
        ("relpersistence", if is_temporary { "t" } else { "p" }.into()),
        ("relkind", kind.to_string().into()),
        ("relnatts", Value::Integer(attributes.last().map_or(0, |last| i64::from(last.number)))),
        ("relchecks", Value::Integer(i64::try_from(checks).unwrap_or(0))),
        ("relhasrules", (kind == 'v').into()),
        ("relhastriggers", facts.has_triggers(relation).into()),
        ("relispopulated", true.into()),
        ("relreplident", if is_table && relation.schema != PG_CATALOG { "d" } else { "n" }.into()),
    ]);
}

/// What PostgreSQL says of a relation whose rows it has not counted.
fn row_estimate(kind: char) -> f64 {
    match kind {
        'i' => 0.0,
        'S' => 1.0,
        _ => -1.0,
    }
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
    for schema in facts.schemas() {
        let is_public = schema.name == PUBLIC && schema.owner == DATABASE_OWNER_ROLE;
        let owner = facts.role_name(schema.owner).unwrap_or_default();
        let grants = vec![Some(format!("{owner}=UC/{owner}")), Some(format!("=U/{owner}"))];
        rows.push(&[
            ("oid", schema.oid.into()),
            ("nspname", schema.name.as_str().into()),
            ("nspowner", schema.owner.into()),
            ("nspacl", if is_public { Value::Texts(grants) } else { Value::Null }),
        ]);
    }
}

/// pg_database.
pub(super) fn databases(facts: &CatalogFacts, rows: &mut Rows) {
    for database in facts.catalog.databases.values() {
        rows.push(&[
            ("oid", database.oid.into()),
            ("datname", database.name.as_str().into()),
            ("datdba", facts.owner(database.owner.as_deref()).into()),
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

/// pg_extension: the one that every database of PostgreSQL begins with, since programs look for it. What it is for,
/// functions written by users, is refused here where they are made.
pub(super) fn extensions(rows: &mut Rows) {
    rows.push(&[
        ("oid", PROCEDURAL_EXTENSION.into()),
        ("extname", "plpgsql".into()),
        ("extowner", OWNER_OID.into()),
        ("extnamespace", PG_CATALOG_OID.into()),
        ("extversion", "1.0".into()),
    ]);
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
    for schema in facts.schemas() {
        // The export describes PostgreSQL's own schemas; what a user says of `public` replaces that.
        if !described_by_export(schema.oid) || !schema.comment.is_empty() && schema.name == PUBLIC {
            add(schema.oid, CLASS_OF_SCHEMAS, 0, facts.schema_comment(schema));
        }
    }
    for relation in facts.own_relations() {
        add(relation.oid, CLASS_OF_RELATIONS, 0, relation.comment.unwrap_or_default());
        for attribute in facts.attributes(&relation) {
            let text = attribute.comment.as_deref().unwrap_or_default();
            add(relation.oid, CLASS_OF_RELATIONS, i64::from(attribute.number), text);
        }
    }
    for constraint in facts.constraints().filter_map(ConstraintPlace::constraint) {
        add(constraint.oid, CLASS_OF_CONSTRAINTS, 0, &constraint.comment);
    }
    add(PROCEDURAL_EXTENSION, CLASS_OF_EXTENSIONS, 0, "PL/pgSQL procedural language");
    for user_type in facts.user_types() {
        add(user_type.oid, CLASS_OF_TYPES, 0, &user_type.comment);
    }
}

/// One comment per object: what a user says of an object of PostgreSQL's own stands before the export's.
pub(super) fn latest_descriptions(batch: &RecordBatch) -> Result<RecordBatch> {
    let column = |name: &str| batch.column_by_name(name).and_then(|array| array.as_primitive_opt::<Int32Type>());
    let (Some(objects), Some(classes), Some(parts)) = (column("objoid"), column("classoid"), column("objsubid")) else {
        return Ok(batch.clone());
    };
    let mut seen = HashSet::new();
    let rows = 0..batch.num_rows();
    let is_first = rows.map(|row| Some(seen.insert((objects.value(row), classes.value(row), parts.value(row)))));
    Ok(filter_record_batch(batch, &BooleanArray::from_iter(is_first))?)
}

fn described_by_export(schema: u32) -> bool {
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
    for view in facts.tables_and_views().iter().filter(|relation| relation.kind == 'v') {
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

/// Rules have no place in the catalog: their id follows from the view's, in a range of its own.
pub(super) fn rule_of(view: u32) -> u32 {
    0x4000_0000 | view
}
