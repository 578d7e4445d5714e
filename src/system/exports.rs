//! The system tables that are the same on every PostgreSQL: types, functions, operators, ...
//!
//! Their rows come from `datafusion-pg-catalog`, which embeds an export of a newer PostgreSQL. Here
//! they are put into the columns and types of PostgreSQL 15 (`relations.txt`): names of functions
//! become object ids, lists written as text become arrays; `corrections.txt` says what else differs.
//! Read once per process and shared.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::compute::{cast, filter_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::error::{DataFusionError, Result};
use datafusion_pg_catalog::pg_catalog::{ArrowTable, PgCatalogStaticTables};

use super::corrections::{corrected, list_value};
use super::relations::{PG_CATALOG, SystemRelation, system_relation};
use super::rows::{Value, array_from_values};
use crate::types::SqlType;

/// Object ids below this one are PostgreSQL's own and the same everywhere.
const FIRST_UNPINNED_OID: i32 = 12_000;
/// From this one on, object ids were given by PostgreSQL's build, the arrays of most row types among them.
const FIRST_GENERATED_OID: i32 = 10_000;
/// pg_class id of pg_extension: no extension of the export exists here.
const EXTENSION_CLASS: i32 = 3_079;

/// Key words that PostgreSQL 15 does not have.
const NEWER_KEYWORDS: &[&str] = &[
    "absent",
    "conditional",
    "empty",
    "enforced",
    "error",
    "format",
    "indent",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "keep",
    "keys",
    "merge_action",
    "nested",
    "objects",
    "omit",
    "path",
    "period",
    "plan",
    "quotes",
    "scalar",
    "source",
    "string",
    "system_user",
    "target",
    "unconditional",
    "virtual",
];

type Shared = Result<PgCatalogStaticTables, String>;
static EXPORT: LazyLock<Shared> = LazyLock::new(|| PgCatalogStaticTables::try_new().map_err(|error| error.to_string()));
static CONVERTED: LazyLock<Mutex<BTreeMap<&'static str, RecordBatch>>> = LazyLock::new(Mutex::default);

/// The rows of a table that is the same everywhere; none when this room makes its rows itself.
pub(crate) fn exported(relation: &'static SystemRelation) -> Result<Option<RecordBatch>> {
    if relation.schema != PG_CATALOG {
        return Ok(None);
    }
    if let Some(batch) = CONVERTED.lock().unwrap_or_else(PoisonError::into_inner).get(relation.name) {
        return Ok(Some(batch.clone()));
    }
    let export = EXPORT.as_ref().map_err(|error| DataFusionError::Internal(error.clone()))?;
    let Some(table) = table_of(export, relation.name) else { return Ok(None) };
    let batch = corrected(relation.name, convert(export, relation, &whole(table)?)?)?;
    CONVERTED.lock().unwrap_or_else(PoisonError::into_inner).insert(relation.name, batch.clone());
    Ok(Some(batch))
}

/// There are rows for this table in the export.
pub(crate) fn is_exported(name: &str) -> bool {
    EXPORT.as_ref().is_ok_and(|export| table_of(export, name).is_some())
}

fn table_of<'a>(export: &'a PgCatalogStaticTables, name: &str) -> Option<&'a Arc<ArrowTable>> {
    Some(match name {
        "pg_aggregate" => &export.pg_aggregate,
        "pg_am" => &export.pg_am,
        "pg_amop" => &export.pg_amop,
        "pg_amproc" => &export.pg_amproc,
        "pg_cast" => &export.pg_cast,
        "pg_collation" => &export.pg_collation,
        "pg_conversion" => &export.pg_conversion,
        "pg_description" => &export.pg_description,
        "pg_language" => &export.pg_language,
        "pg_opclass" => &export.pg_opclass,
        "pg_operator" => &export.pg_operator,
        "pg_opfamily" => &export.pg_opfamily,
        "pg_proc" => &export.pg_proc,
        "pg_range" => &export.pg_range,
        "pg_tablespace" => &export.pg_tablespace,
        "pg_ts_config" => &export.pg_ts_config,
        "pg_ts_dict" => &export.pg_ts_dict,
        "pg_ts_parser" => &export.pg_ts_parser,
        "pg_ts_template" => &export.pg_ts_template,
        "pg_type" => &export.pg_type,
        _ => return None,
    })
}

/// The key words of PostgreSQL's grammar, for `pg_get_keywords()`.
pub fn keywords() -> Result<RecordBatch> {
    let export = EXPORT.as_ref().map_err(|error| DataFusionError::Internal(error.clone()))?;
    let all = whole(&export.pg_get_keywords)?;
    let words = all.column_by_name("word").and_then(|column| column.as_string_opt::<i32>());
    let words = words.ok_or_else(|| DataFusionError::Internal("unexpected export of keywords".to_owned()))?;
    let known: BooleanArray = words.iter().map(|word| word.map(|word| !NEWER_KEYWORDS.contains(&word))).collect();
    let kept = filter_record_batch(&all, &known)?;
    let fields: Vec<Field> = kept.schema().fields().iter().map(|field| keyword_field(field)).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), kept.columns().to_vec())?)
}

fn keyword_field(field: &Field) -> Field {
    let sql_type = if field.name() == "catcode" { SqlType::Char } else { SqlType::of_field(field) };
    sql_type.field(field.name(), true)
}

fn whole(table: &ArrowTable) -> Result<RecordBatch> {
    Ok(datafusion::arrow::compute::concat_batches(&table.schema(), table.data())?)
}

fn convert(
    export: &PgCatalogStaticTables,
    relation: &'static SystemRelation,
    source: &RecordBatch,
) -> Result<RecordBatch> {
    let source = filter_record_batch(source, &rows_that_exist_here(relation.name, source))?;
    let mut functions = Functions::read(&whole(&export.pg_proc)?, relation.name == "pg_aggregate")?;
    let mut columns = Vec::with_capacity(relation.columns.len());
    for (column, field) in relation.columns.iter().zip(relation.arrow.fields()) {
        let found = source.column_by_name(column.name).or_else(|| source.column_by_name(newer_name(column.name)?));
        let array = match found {
            None => absent(field, source.num_rows())?,
            Some(array) if column.type_name == "regproc" => functions.ids(array),
            Some(_) if relation.name == "pg_type" && column.name == "typrelid" => relation_ids(&source)?,
            Some(array) => retype(array, field.data_type())?,
        };
        columns.push(array);
    }
    Ok(RecordBatch::try_new(Arc::clone(&relation.arrow), columns)?)
}

/// PostgreSQL renamed these columns after version 15.
fn newer_name(name: &str) -> Option<&'static str> {
    match name {
        "colliculocale" => Some("colllocale"),
        _ => None,
    }
}

fn absent(field: &Field, rows: usize) -> Result<ArrayRef> {
    let value = match field.data_type() {
        _ if field.is_nullable() => Value::Null,
        DataType::Boolean => Value::Bool(false),
        DataType::Utf8 => Value::Text(String::new()),
        _ => Value::Integer(0),
    };
    array_from_values(field.data_type(), &vec![value; rows])
}

/// Leaves out what the exporting server had and this one has not: its own views' row types,
/// extensions, languages to write functions in, ICU collations.
fn rows_that_exist_here(table: &str, source: &RecordBatch) -> BooleanArray {
    let integers = |name: &str| source.column_by_name(name).and_then(|array| array.as_primitive_opt::<Int32Type>());
    let texts = |name: &str| source.column_by_name(name).and_then(|array| array.as_string_opt::<i32>());
    let keep = |row: usize| -> Option<bool> {
        Some(match table {
            "pg_type" => {
                let (oid, name) = (integers("oid")?.value(row), texts("typname")?.value(row));
                let relation = name.strip_prefix('_').unwrap_or(name);
                let is_array_of_rows = name.starts_with("_pg_") && oid >= FIRST_GENERATED_OID;
                let row_type = integers("typrelid")?.value(row) != 0 || is_array_of_rows;
                // Those of views are made from the listing of relations, with its object ids.
                oid < FIRST_UNPINNED_OID && (!row_type || system_relation(PG_CATALOG, relation).is_some())
            }
            "pg_collation" => {
                integers("oid")?.value(row) < FIRST_UNPINNED_OID && texts("collprovider")?.value(row) != "i"
            }
            "pg_language" => integers("lanplcallfoid")?.value(row) == 0,
            "pg_proc" => integers("oid")?.value(row) < FIRST_UNPINNED_OID,
            "pg_description" => integers("classoid")?.value(row) != EXTENSION_CLASS,
            _ => true,
        })
    };
    BooleanArray::from_iter((0..source.num_rows()).map(|row| Some(keep(row).unwrap_or(true))))
}

/// Row types belong to a relation of the same name; its object id here is PostgreSQL 15's.
fn relation_ids(source: &RecordBatch) -> Result<ArrayRef> {
    let wrong = || DataFusionError::Internal("unexpected export of pg_type".to_owned());
    let names = source.column_by_name("typname").and_then(|array| array.as_string_opt::<i32>()).ok_or_else(wrong)?;
    let kinds = source.column_by_name("typtype").and_then(|array| array.as_string_opt::<i32>()).ok_or_else(wrong)?;
    let ids = names.iter().zip(kinds).map(|(name, kind)| match (name, kind) {
        (Some(name), Some("c")) => Some(system_relation(PG_CATALOG, name).map_or(0, |relation| relation.oid as i32)),
        _ => Some(0),
    });
    Ok(Arc::new(Int32Array::from_iter(ids)))
}

/// A column of the export in the wanted type: numbers are cast, lists written as text are read.
fn retype(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    let DataType::List(item) = wanted else { return Ok(cast(array, wanted)?) };
    let Some(texts) = array.as_string_opt::<i32>() else { return Ok(cast(array, wanted)?) };
    let numbers = item.data_type().is_integer();
    let values: Vec<Value> =
        texts.iter().map(|text| text.map_or(Value::Null, |text| list_value(text, numbers))).collect();
    array_from_values(wanted, &values)
}

/// Functions by name, to read columns of type regproc.
struct Functions {
    /// Per name: is it no aggregate, and its object id.
    by_name: HashMap<String, Vec<(bool, i32)>>,
    /// Aggregates share names: the n-th row with a name means the n-th aggregate with it.
    in_turn: bool,
    seen: HashMap<String, usize>,
}

impl Functions {
    fn read(functions: &RecordBatch, aggregates_first: bool) -> Result<Self> {
        let wrong = || DataFusionError::Internal("unexpected export of pg_proc".to_owned());
        let ids = functions.column_by_name("oid").and_then(|a| a.as_primitive_opt::<Int32Type>()).ok_or_else(wrong)?;
        let texts = |name: &str| -> Result<&StringArray> {
            functions.column_by_name(name).and_then(|array| array.as_string_opt::<i32>()).ok_or_else(wrong)
        };
        let (names, kinds) = (texts("proname")?, texts("prokind")?);
        let mut by_name: HashMap<String, Vec<(bool, i32)>> = HashMap::new();
        for row in 0..functions.num_rows() {
            by_name.entry(names.value(row).to_owned()).or_default().push((kinds.value(row) != "a", ids.value(row)));
        }
        if aggregates_first {
            by_name.values_mut().for_each(|candidates| candidates.sort_by_key(|(plain, _)| *plain));
        }
        Ok(Self { by_name, in_turn: aggregates_first, seen: HashMap::new() })
    }

    fn ids(&mut self, names: &ArrayRef) -> ArrayRef {
        let texts: Vec<Option<String>> = match names.as_string_opt::<i32>() {
            Some(texts) => texts.iter().map(|text| text.map(str::to_owned)).collect(),
            None => vec![None; names.len()],
        };
        Arc::new(Int32Array::from_iter(texts.iter().map(|name| Some(self.id(name.as_deref().unwrap_or("-"))))))
    }

    fn id(&mut self, name: &str) -> i32 {
        let bare = name.rsplit('.').next().unwrap_or(name);
        let Some(ids) = self.by_name.get(bare) else { return 0 };
        let turn = self.seen.entry(bare.to_owned()).or_default();
        let index = if self.in_turn { *turn } else { 0 };
        *turn += 1;
        ids.get(index).or_else(|| ids.first()).map_or(0, |(_, oid)| *oid)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::Int32Type;

    use super::{exported, keywords};
    use crate::system::relations::{PG_CATALOG, system_relation};

    #[test]
    fn types_and_functions_are_in_the_columns_of_version_15() {
        for (name, at_least) in [("pg_type", 300), ("pg_proc", 2_500), ("pg_operator", 700), ("pg_tablespace", 2)] {
            let relation = system_relation(PG_CATALOG, name).expect(name);
            let batch = exported(relation).expect(name).expect("is exported");
            assert!(batch.num_rows() >= at_least, "{name}: {}", batch.num_rows());
            assert_eq!(batch.schema(), relation.arrow);
        }
        assert!(keywords().expect("keywords").num_rows() > 400);
    }

    #[test]
    fn functions_of_types_are_object_ids() {
        let types = exported(system_relation(PG_CATALOG, "pg_type").expect("pg_type")).expect("read").expect("rows");
        let ids = types.column_by_name("oid").expect("oid").as_primitive::<Int32Type>();
        let input = types.column_by_name("typinput").expect("typinput").as_primitive::<Int32Type>();
        let row = ids.values().iter().position(|oid| *oid == 25).expect("text");
        assert_eq!(input.value(row), 46, "textin");
    }
}
