//! Row types of relations, which pg_type has beside PostgreSQL's own types.

use crate::system::facts::CatalogFacts;
use crate::system::lookup::{Relation, has_made_row_type, row_type};
use crate::system::rows::{Rows, Value};

/// pg_type: a row type and an array of it for every relation that the export has none for.
pub(super) fn row_types(facts: &CatalogFacts, rows: &mut Rows) {
    for relation in facts.relations().iter().filter(|relation| has_made_row_type(relation)) {
        let schema = facts.schema_oid(relation.schema).unwrap_or(0);
        push(relation, schema, rows);
    }
}

fn push(relation: &Relation<'_>, schema: u32, rows: &mut Rows) {
    let (row, array) = row_type(relation);
    let common = [
        ("typnamespace", schema.into()),
        ("typowner", relation.owner.into()),
        ("typlen", Value::Integer(-1)),
        ("typisdefined", true.into()),
        ("typdelim", ",".into()),
        ("typalign", "d".into()),
        ("typstorage", "x".into()),
        ("typtypmod", Value::Integer(-1)),
    ];
    let functions =
        |names: [u32; 4]| ["typinput", "typoutput", "typreceive", "typsend"].into_iter().zip(names.map(Value::from));
    let mut of_row = vec![
        ("oid", row.into()),
        ("typname", relation.name.into()),
        ("typtype", "c".into()),
        ("typcategory", "C".into()),
        ("typrelid", relation.oid.into()),
        ("typarray", array.into()),
    ];
    of_row.extend(functions(RECORD_FUNCTIONS));
    of_row.extend(common.clone());
    rows.push(&of_row);
    let mut of_array = vec![
        ("oid", array.into()),
        ("typname", format!("_{}", relation.name).into()),
        ("typtype", "b".into()),
        ("typcategory", "A".into()),
        ("typelem", row.into()),
        ("typsubscript", ARRAY_SUBSCRIPT.into()),
        ("typanalyze", ARRAY_ANALYZE.into()),
    ];
    of_array.extend(functions(ARRAY_FUNCTIONS));
    of_array.extend(common);
    rows.push(&of_array);
}

/// Object ids of record_in, record_out, record_recv, record_send.
const RECORD_FUNCTIONS: [u32; 4] = [2_290, 2_291, 2_402, 2_403];
/// Object ids of array_in, array_out, array_recv, array_send.
const ARRAY_FUNCTIONS: [u32; 4] = [750, 751, 2_400, 2_401];
/// Object id of array_subscript_handler.
const ARRAY_SUBSCRIPT: u32 = 6_179;
/// Object id of array_typanalyze.
const ARRAY_ANALYZE: u32 = 3_816;
