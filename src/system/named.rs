//! Objects of `pg_catalog` by name and id: operators, collations, text search.

use std::collections::HashMap;
use std::sync::LazyLock;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int32Type;

use super::directory::ConstraintPlace;
use super::exports::exported;
use super::facts::CatalogFacts;
use super::procedures::function_facts;
use super::relations::{PG_CATALOG, system_relation, system_relation_by_oid};
use super::type_facts::{format_type, type_oid};
use crate::catalog::quote_ident;

/// An operator of PostgreSQL.
#[derive(Debug, Clone)]
pub struct OperatorFacts {
    /// Its symbol.
    pub name: String,
    /// Type of the left operand; 0 for a prefix operator.
    pub left: u32,
    /// Type of the right operand.
    pub right: u32,
}

/// Operators `=` by the types of their operands.
static EQUALITIES: LazyLock<HashMap<(u32, u32), u32>> = LazyLock::new(|| {
    let equal = OPERATORS.iter().filter(|(_, facts)| facts.name == "=");
    equal.map(|(oid, facts)| ((facts.left, facts.right), *oid)).collect()
});
/// Per type that indexes are looked up for: the class of operators that a btree index goes by.
static INDEX_CLASSES: LazyLock<HashMap<u32, u32>> = LazyLock::new(|| read_index_classes().unwrap_or_default());
/// Object id of the access method btree.
pub(super) const BTREE: u32 = 403;

fn read_index_classes() -> Option<HashMap<u32, u32>> {
    let batch = rows_of("pg_opclass")?;
    let integers = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int32Type>();
    let (ids, methods, inputs) = (integers("oid")?, integers("opcmethod")?, integers("opcintype")?);
    let defaults = batch.column_by_name("opcdefault")?.as_boolean_opt()?;
    let rows = (0..batch.num_rows()).filter(|row| defaults.value(*row) && methods.value(*row) as u32 == BTREE);
    Some(rows.map(|row| (inputs.value(row) as u32, ids.value(row) as u32)).collect())
}

/// The class of operators that a btree index of this operand type goes by; 0 where there is none.
pub(super) fn index_class(operand: u32) -> u32 {
    INDEX_CLASSES.get(&operand).copied().unwrap_or(0)
}

/// The operator `=` over these operand types; 0 where there is none.
pub(super) fn equality(left: u32, right: u32) -> u32 {
    EQUALITIES.get(&(left, right)).copied().unwrap_or(0)
}

static OPERATORS: LazyLock<HashMap<u32, OperatorFacts>> = LazyLock::new(|| read_operators().unwrap_or_default());

fn rows_of(table: &str) -> Option<RecordBatch> {
    exported(system_relation(PG_CATALOG, table)?).ok()?
}

fn read_operators() -> Option<HashMap<u32, OperatorFacts>> {
    let batch = rows_of("pg_operator")?;
    let integers = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int32Type>();
    let (ids, left, right) = (integers("oid")?, integers("oprleft")?, integers("oprright")?);
    let names = batch.column_by_name("oprname")?.as_string_opt::<i32>()?;
    let facts = |row: usize| OperatorFacts {
        name: names.value(row).to_owned(),
        left: left.value(row) as u32,
        right: right.value(row) as u32,
    };
    Some((0..batch.num_rows()).map(|row| (ids.value(row) as u32, facts(row))).collect())
}

/// The operator with this object id.
pub fn operator_facts(oid: u32) -> Option<&'static OperatorFacts> {
    OPERATORS.get(&oid)
}

/// How many operators have this symbol.
pub fn operators_named(symbol: &str) -> usize {
    OPERATORS.values().filter(|facts| facts.name == symbol).count()
}

/// The one operator with this symbol.
pub fn operator_oid(symbol: &str) -> Option<u32> {
    OPERATORS.iter().find(|(_, facts)| facts.name == symbol).map(|(oid, _)| *oid)
}

/// The operator that `symbol(left,right)` means, with NONE for an operand that is not there.
pub fn operator_by_operands(text: &str) -> Option<u32> {
    let (symbol, operands) = text.trim().strip_suffix(')')?.rsplit_once('(')?;
    let symbol = symbol.trim();
    let symbol = symbol.strip_prefix("pg_catalog.").unwrap_or(symbol);
    let (left, right) = operands.split_once(',')?;
    let operand = |name: &str| if name.trim().eq_ignore_ascii_case("none") { Some(0) } else { type_oid(name) };
    let (left, right) = (operand(left)?, operand(right)?);
    let is_meant = |facts: &OperatorFacts| facts.name == symbol && facts.left == left && facts.right == right;
    OPERATORS.iter().find(|(_, facts)| is_meant(facts)).map(|(oid, _)| *oid)
}

/// There is a row with this object id in an exported table.
pub fn is_in(table: &str, oid: u32) -> bool {
    name_in(table, "oid", oid).is_some()
}

/// Text of the second column of the row with this object id; the oid alone where there is no text.
fn name_in(table: &str, column: &str, oid: u32) -> Option<String> {
    let batch = rows_of(table)?;
    let ids = batch.column_by_name("oid")?.as_primitive_opt::<Int32Type>()?;
    let row = ids.values().iter().position(|id| *id as u32 == oid)?;
    match batch.column_by_name(column)?.as_string_opt::<i32>() {
        Some(names) => Some(names.value(row).to_owned()),
        None => Some(oid.to_string()),
    }
}

fn oid_in(table: &str, column: &str, name: &str) -> Option<u32> {
    let batch = rows_of(table)?;
    let ids = batch.column_by_name("oid")?.as_primitive_opt::<Int32Type>()?;
    let names = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    let row = names.iter().position(|found| found == Some(name))?;
    Some(ids.value(row) as u32)
}

/// The object id of a collation.
pub fn collation_oid(name: &str) -> Option<u32> {
    oid_in("pg_collation", "collname", name)
}

/// The name of a collation.
pub fn collation_name(oid: u32) -> Option<String> {
    name_in("pg_collation", "collname", oid)
}

fn text_search_column(table: &str) -> &'static str {
    if table == "pg_ts_dict" { "dictname" } else { "cfgname" }
}

/// The object id of a text search configuration (`pg_ts_config`) or dictionary (`pg_ts_dict`).
pub fn text_search_oid(table: &str, name: &str) -> Option<u32> {
    oid_in(table, text_search_column(table), name)
}

/// The name of a text search configuration or dictionary.
pub fn text_search_name(table: &str, oid: u32) -> Option<String> {
    name_in(table, text_search_column(table), oid)
}

/// The object ids of all text search configurations (`pg_ts_config`) or dictionaries (`pg_ts_dict`).
pub(super) fn text_search_oids(table: &str) -> Vec<u32> {
    let Some(batch) = rows_of(table) else { return Vec::new() };
    let ids = batch.column_by_name("oid").and_then(|ids| ids.as_primitive_opt::<Int32Type>());
    ids.map(|ids| ids.values().iter().map(|id| *id as u32).collect()).unwrap_or_default()
}

/// The object id of a tablespace.
pub fn tablespace_oid(name: &str) -> Option<u32> {
    oid_in("pg_tablespace", "spcname", name)
}

/// The object id of a language.
pub fn language_oid(name: &str) -> Option<u32> {
    oid_in("pg_language", "lanname", name)
}

impl CatalogFacts {
    /// What an object is, in words; none for one that does not exist.
    pub fn describe_object(&self, class: u32, oid: u32, part: i64, search_path: &[String]) -> Option<String> {
        let class = system_relation_by_oid(class)?.name;
        Some(match class {
            "pg_class" => {
                let relation = self.relation(oid)?;
                let what = match relation.kind {
                    'v' => "view",
                    'i' => "index",
                    'S' => "sequence",
                    _ => "table",
                };
                let whole = format!("{what} {}", self.relation_text(oid, search_path)?);
                match self.column_name(oid, part) {
                    Some(column) => format!("column {} of {whole}", quote_ident(&column)),
                    None => whole,
                }
            }
            "pg_constraint" => self.describe_constraint(oid, search_path)?,
            "pg_attrdef" => {
                let (table, number) = self.directory.column_of_default(oid)?;
                let column = quote_ident(&self.column_name(table, number.into())?);
                format!("default value for column {column} of table {}", self.relation_text(table, search_path)?)
            }
            "pg_proc" => {
                let facts = function_facts(oid)?;
                format!("function {}({})", quote_ident(&facts.name), facts.signature_text())
            }
            "pg_type" if self.is_type(oid) => format!("type {}", self.format_type(oid, None, search_path)),
            "pg_namespace" => format!("schema {}", quote_ident(self.schema_name(oid)?)),
            "pg_authid" => format!("role {}", quote_ident(self.role_name(oid)?)),
            "pg_database" => {
                let database = self.catalog.databases.values().find(|database| database.oid == oid)?;
                format!("database {}", quote_ident(&database.name))
            }
            "pg_collation" => format!("collation {}", quote_ident(&collation_name(oid)?)),
            "pg_language" => format!("language {}", quote_ident(&name_in(class, "lanname", oid)?)),
            "pg_am" => format!("access method {}", quote_ident(&name_in(class, "amname", oid)?)),
            "pg_tablespace" => format!("tablespace {}", quote_ident(&name_in(class, "spcname", oid)?)),
            "pg_operator" => {
                let facts = operator_facts(oid)?;
                let operand = |oid: u32| if oid == 0 { "NONE".to_owned() } else { format_type(oid, None) };
                format!("operator {}({},{})", facts.name, operand(facts.left), operand(facts.right))
            }
            "pg_rewrite" => format!("rule _RETURN on view {}", self.relation_text(oid & 0x0fff_ffff, search_path)?),
            _ => return None,
        })
    }

    fn column_name(&self, relation: u32, number: i64) -> Option<String> {
        let relation = self.relation(relation)?;
        let mut columns = self.attributes(&relation).into_iter();
        columns.find(|column| i64::from(column.number) == number).map(|column| column.name)
    }

    fn describe_constraint(&self, oid: u32, search_path: &[String]) -> Option<String> {
        let place = self.directory.constraint(oid)?;
        let name = quote_ident(&place.constraint()?.name);
        Some(match place {
            ConstraintPlace::Table(table, _) => {
                format!("constraint {name} on table {}", self.relation_text(table.oid, search_path)?)
            }
            ConstraintPlace::Domain(..) => format!("constraint {name}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{collation_oid, operator_by_operands, operator_facts, text_search_name, text_search_oid};

    #[test]
    fn operators_are_found_by_their_operands() {
        assert_eq!(operator_by_operands("=(integer,integer)"), Some(96));
        assert_eq!(operator_by_operands("pg_catalog.+(int4,int4)"), Some(551));
        assert_eq!(operator_by_operands("-(NONE,int4)"), Some(558));
        assert_eq!(operator_by_operands("=(nothing,int4)"), None);
        assert_eq!(operator_facts(96).map(|facts| facts.name.as_str()), Some("="));
    }

    #[test]
    fn collations_and_text_search_objects_have_names() {
        assert_eq!(collation_oid("C"), Some(950));
        let english = text_search_oid("pg_ts_config", "english").expect("english");
        assert_eq!(text_search_name("pg_ts_config", english).as_deref(), Some("english"));
    }
}
