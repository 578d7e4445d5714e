//! What PostgreSQL 15 has differently from the newer export that [`super::exports`] reads.
//!
//! `corrections.txt` is data, with tabs between its fields. A line is about rows of one table: `-` and the
//! ids of rows to leave out, the id of one row and its `column=value`s, or `+` and those of a new row.
//! The id is the first column, `<NULL>` stands for NULL.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{concat, filter_record_batch, interleave};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::error::{DataFusionError, Result};

use super::rows::{Rows, Value, array_from_values};

const LISTING: &str = include_str!("corrections.txt");

/// Columns and their values as text.
type Values = Vec<(&'static str, &'static str)>;

/// Corrections of one table.
#[derive(Debug, Default)]
struct Corrections {
    removed: HashSet<i32>,
    changed: HashMap<i32, Values>,
    added: Vec<Values>,
}

static BY_TABLE: LazyLock<HashMap<&'static str, Corrections>> = LazyLock::new(read);

fn read() -> HashMap<&'static str, Corrections> {
    let mut tables: HashMap<&'static str, Corrections> = HashMap::new();
    for line in LISTING.lines() {
        let mut fields = line.split('\t');
        let (Some(table), Some(what)) = (fields.next(), fields.next()) else { continue };
        let corrections = tables.entry(table).or_default();
        match what {
            "-" => corrections
                .removed
                .extend(fields.flat_map(|ids| ids.split(',')).filter_map(|id| id.parse::<i32>().ok())),
            "+" => corrections.added.push(fields.filter_map(|field| field.split_once('=')).collect()),
            id => {
                let values = fields.filter_map(|field| field.split_once('=')).collect();
                corrections.changed.extend(id.parse().ok().map(|id: i32| (id, values)));
            }
        }
    }
    tables
}

/// The rows of a table as PostgreSQL 15 has them.
pub(super) fn corrected(table: &str, batch: RecordBatch) -> Result<RecordBatch> {
    let Some(corrections) = BY_TABLE.get(table) else { return Ok(batch) };
    let keep: BooleanArray = ids(&batch)?.iter().map(|id| Some(!corrections.removed.contains(id))).collect();
    let batch = filter_record_batch(&batch, &keep)?;
    let ids = ids(&batch)?;
    let mut added = Rows::new(&batch.schema());
    for row in &corrections.added {
        let typed = |(name, text): &(&'static str, &'static str)| -> Result<(&'static str, Value)> {
            Ok((*name, value(batch.schema().field_with_name(name)?.data_type(), text)))
        };
        added.push(&row.iter().map(typed).collect::<Result<Vec<_>>>()?);
    }
    let added = added.finish()?;
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).zip(added.columns()).map(
        |((field, column), added)| -> Result<ArrayRef> {
            let changed = changed(column, field.name(), &ids, &corrections.changed)?;
            Ok(concat(&[changed.as_ref(), added.as_ref()])?)
        },
    );
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn ids(batch: &RecordBatch) -> Result<Vec<i32>> {
    let first = batch.columns().first().and_then(|column| column.as_primitive_opt::<Int32Type>());
    let first =
        first.ok_or_else(|| DataFusionError::Internal("a system table does not begin with its id".to_owned()))?;
    Ok(first.values().to_vec())
}

/// The column with the new values in the rows that have one.
fn changed(column: &ArrayRef, name: &str, ids: &[i32], changes: &HashMap<i32, Values>) -> Result<ArrayRef> {
    let new = |id: &i32| changes.get(id)?.iter().find(|(column, _)| *column == name).map(|(_, text)| *text);
    let mut values = Vec::new();
    let mut places = Vec::with_capacity(ids.len());
    for (row, id) in ids.iter().enumerate() {
        match new(id) {
            Some(text) => {
                places.push((1, values.len()));
                values.push(value(column.data_type(), text));
            }
            None => places.push((0, row)),
        }
    }
    if values.is_empty() {
        return Ok(ArrayRef::clone(column));
    }
    let values = array_from_values(column.data_type(), &values)?;
    let sources: [&dyn Array; 2] = [column.as_ref(), values.as_ref()];
    Ok(interleave(&sources, &places)?)
}

/// A value of a system table from PostgreSQL's text form of it.
pub(super) fn value(data_type: &DataType, text: &str) -> Value {
    match data_type {
        _ if text == "<NULL>" => Value::Null,
        DataType::Boolean => Value::Bool(text == "t"),
        DataType::List(item) => list_value(text, item.data_type().is_integer()),
        DataType::Utf8 => text.into(),
        DataType::Float32 | DataType::Float64 => text.parse().map_or(Value::Null, Value::Real),
        _ => text.parse().map_or(Value::Null, Value::Integer),
    }
}

/// A list as text: elements between commas or blanks, with brackets or braces around them or not.
pub(super) fn list_value(text: &str, numbers: bool) -> Value {
    let bare = text.trim_matches(['[', ']', '{', '}']);
    let items = bare.split([',', ' ']).map(|item| item.trim_matches(['\'', '"', ' '])).filter(|item| !item.is_empty());
    if numbers {
        Value::Integers(items.filter_map(|item| item.parse().ok()).collect())
    } else {
        Value::Texts(items.map(|item| Some(item.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{BY_TABLE, LISTING};
    use crate::system::relations::{PG_CATALOG, system_relation};

    #[test]
    fn every_correction_names_a_column_that_is_there() {
        let lines = LISTING.lines().count();
        let read: usize = BY_TABLE.values().map(|table| table.changed.len() + table.added.len()).sum();
        let removing = BY_TABLE.values().filter(|table| !table.removed.is_empty()).count();
        assert_eq!(read + removing, lines);
        for (table, corrections) in BY_TABLE.iter() {
            let relation = system_relation(PG_CATALOG, table).expect(table);
            for (column, _) in corrections.changed.values().chain(&corrections.added).flatten() {
                assert!(relation.arrow.field_with_name(column).is_ok(), "{table}.{column}");
            }
        }
    }
}
