//! The relations of `pg_catalog` and `information_schema` as PostgreSQL 15 has them.
//!
//! `relations.txt` holds a line per relation: qualified name, object id, kind (`r` or `v`), then
//! `column:type`, with `!` for NOT NULL and `@C` for the collation where it is not the type's own. It is data: a tool that reads a column which is not listed
//! there gets "no such column", as on PostgreSQL. Read once per process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::types::{SQL_TYPE_KEY, SqlType};

const LISTING: &str = include_str!("relations.txt");

/// The schema of the system tables.
pub const PG_CATALOG: &str = "pg_catalog";
/// The schema of the SQL standard's views.
pub const INFORMATION_SCHEMA: &str = "information_schema";
/// Object id of `pg_catalog`.
pub const PG_CATALOG_OID: u32 = 11;
/// Object id of `information_schema`.
pub const INFORMATION_SCHEMA_OID: u32 = 13_207;

/// One relation that exists in every database.
#[derive(Debug)]
pub(crate) struct SystemRelation {
    /// Its schema.
    pub(crate) schema: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// Its object id.
    pub(crate) oid: u32,
    /// It is a view.
    pub(crate) is_view: bool,
    /// Its columns.
    pub(crate) columns: Vec<SystemColumn>,
    /// Its columns as Arrow fields.
    pub(crate) arrow: SchemaRef,
}

/// A column of a system relation.
#[derive(Debug)]
pub(crate) struct SystemColumn {
    /// Its name.
    pub(crate) name: &'static str,
    /// PostgreSQL's spelling of its type, blanks as `_`.
    pub(crate) type_name: &'static str,
    /// Never NULL.
    pub(crate) not_null: bool,
    /// Its texts have the collation `C`, though those of its type have the default one.
    pub(crate) is_collated_by_bytes: bool,
}

/// By qualified name, as it is written in the listing.
static RELATIONS: LazyLock<BTreeMap<&'static str, SystemRelation>> =
    LazyLock::new(|| LISTING.lines().filter_map(|line| Some((line.split(' ').next()?, read_line(line)?))).collect());

static BY_OID: LazyLock<HashMap<u32, &'static SystemRelation>> =
    LazyLock::new(|| RELATIONS.values().map(|relation| (relation.oid, relation)).collect());

/// The relation with this object id.
pub(crate) fn system_relation_by_oid(oid: u32) -> Option<&'static SystemRelation> {
    BY_OID.get(&oid).copied()
}

/// The relation `schema.name`.
pub(crate) fn system_relation(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    RELATIONS.get(format!("{schema}.{name}").as_str())
}

/// The object id of the system relation `schema.name`.
pub fn system_relation_oid(schema: &str, name: &str) -> Option<u32> {
    system_relation(schema, name).map(|relation| relation.oid)
}

/// The columns of the system relation `schema.name`.
pub fn system_columns(schema: &str, name: &str) -> Option<impl Iterator<Item = &'static str>> {
    system_relation(schema, name).map(|relation| relation.columns.iter().map(|column| column.name))
}

/// The type of a column of the system relation `schema.name`.
pub fn system_column_type(schema: &str, name: &str, column: &str) -> Option<SqlType> {
    system_relation(schema, name)?.arrow.field_with_name(column).ok().map(SqlType::of_field)
}

/// All relations, in name order per schema.
pub(crate) fn system_relations() -> impl Iterator<Item = &'static SystemRelation> {
    RELATIONS.values()
}

/// A bare name means a relation of `pg_catalog`, which PostgreSQL looks through first.
pub fn is_pg_catalog_relation(name: &str) -> bool {
    system_relation(PG_CATALOG, name).is_some()
}

fn read_line(line: &'static str) -> Option<SystemRelation> {
    let mut words = line.split(' ');
    let (schema, name) = words.next()?.split_once('.')?;
    let oid = words.next()?.parse().ok()?;
    let is_view = words.next()? == "v";
    let columns: Vec<SystemColumn> = words
        .filter_map(|word| {
            let (name, type_name) = word.split_once(':')?;
            let (type_name, is_collated_by_bytes) = match type_name.strip_suffix("@C") {
                Some(type_name) => (type_name, true),
                None => (type_name, false),
            };
            let not_null = type_name.ends_with('!');
            Some(SystemColumn { name, type_name: type_name.trim_end_matches('!'), not_null, is_collated_by_bytes })
        })
        .collect();
    let fields: Vec<Field> = columns.iter().map(field_of).collect();
    Some(SystemRelation { schema, name, oid, is_view, columns, arrow: Arc::new(Schema::new(fields)) })
}

fn field_of(column: &SystemColumn) -> Field {
    let (sql_type, _) = type_of(column.type_name);
    let nullable = !column.not_null;
    match column.type_name {
        // Shown as a name, joined as an object id: the planner shows what carries this metadata.
        registry @ ("regproc" | "regtype") => Field::new(column.name, DataType::Int32, nullable)
            .with_metadata([(SQL_TYPE_KEY.to_owned(), registry.to_owned())].into()),
        _ => sql_type.field(column.name, nullable),
    }
}

/// The SQL type that carries a type of the system tables, and PostgreSQL's own object id of it.
pub(crate) fn type_of(type_name: &str) -> (SqlType, u32) {
    let own = |sql_type: SqlType| (sql_type, sql_type.oid());
    match type_name {
        "oid" => own(SqlType::Oid),
        "name" => own(SqlType::Name),
        "\"char\"" => own(SqlType::Char),
        "boolean" => own(SqlType::Bool),
        "smallint" => own(SqlType::Int2),
        "integer" => own(SqlType::Int4),
        "bigint" => own(SqlType::Int8),
        "real" => own(SqlType::Float4),
        "double_precision" => own(SqlType::Float8),
        "numeric" => own(SqlType::Numeric),
        "character_varying" => own(SqlType::Varchar),
        "bytea" => own(SqlType::Bytea),
        "inet" => own(SqlType::Inet),
        "interval" => own(SqlType::Interval),
        "timestamp_with_time_zone" => own(SqlType::Timestamptz),
        "regproc" => own(SqlType::Regproc),
        "regtype" => own(SqlType::Regtype),
        "xid" => own(SqlType::Xid),
        "pg_lsn" => own(SqlType::PgLsn),
        "pg_node_tree" => own(SqlType::NodeTree),
        "text[]" => own(SqlType::TextArray),
        "name[]" => own(SqlType::NameArray),
        "oid[]" => own(SqlType::OidArray),
        "smallint[]" => own(SqlType::Int2Array),
        "boolean[]" => own(SqlType::BoolArray),
        "double_precision[]" => own(SqlType::Float8Array),
        "int2vector" => own(SqlType::Int2Vector),
        "real[]" => own(SqlType::Float4Array),
        "oidvector" => own(SqlType::OidVector),
        "regtype[]" => own(SqlType::RegtypeArray),
        "aclitem[]" => own(SqlType::AclitemArray),
        "\"char\"[]" => own(SqlType::CharArray),
        "pg_ndistinct" => (SqlType::Text, 3_361),
        "pg_dependencies" => (SqlType::Text, 3_402),
        "pg_mcv_list" => (SqlType::Text, 5_017),
        "anyarray" => own(SqlType::AnyArray),
        // Domains of the SQL standard's views: values are of the type that the domain is over.
        "cardinal_number" => (SqlType::Int4, 13_221),
        "character_data" => (SqlType::Varchar, 13_224),
        "sql_identifier" => (SqlType::Name, 13_226),
        "time_stamp" => (SqlType::Timestamptz, 13_232),
        "yes_or_no" => (SqlType::Varchar, 13_234),
        _ => own(SqlType::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::{system_relation, system_relations};

    #[test]
    fn every_line_of_the_listing_reads() {
        assert_eq!(system_relations().count(), super::LISTING.lines().count());
        let class = system_relation("pg_catalog", "pg_class").expect("pg_class");
        assert_eq!((class.oid, class.columns.len()), (1259, 33));
        assert!(system_relation("information_schema", "columns").is_some_and(|relation| relation.is_view));
    }
}
