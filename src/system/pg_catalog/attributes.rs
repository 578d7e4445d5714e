//! Columns of all relations.

use crate::system::facts::CatalogFacts;
use crate::system::lookup::{Attribute, TYPES};
use crate::system::rows::{Rows, Value};

/// Object id of the collation `default`.
const DEFAULT_COLLATION: u32 = 100;

/// pg_attribute.
pub(super) fn attributes(facts: &CatalogFacts, rows: &mut Rows) {
    for relation in facts.relations() {
        for attribute in facts.attributes(&relation) {
            push(relation.oid, &attribute, rows);
        }
    }
}

fn push(relation: u32, attribute: &Attribute, rows: &mut Rows) {
    let facts = TYPES.get(&attribute.type_oid);
    let collation = facts.map_or(0, |facts| facts.collation);
    // Types of system tables may name no collation of their own beside C and default.
    let collation = if collation == 0 || collation == 950 { collation } else { DEFAULT_COLLATION };
    rows.push(&[
        ("attrelid", relation.into()),
        ("attname", attribute.name.as_str().into()),
        ("atttypid", attribute.type_oid.into()),
        ("attstattarget", Value::Integer(-1)),
        ("attlen", Value::Integer(i64::from(attribute.length))),
        ("attnum", Value::Integer(i64::from(attribute.number))),
        ("attndims", Value::Integer(i64::from(facts.is_some_and(|facts| facts.category == 'A')))),
        ("attcacheoff", Value::Integer(-1)),
        ("atttypmod", Value::Integer(-1)),
        ("attbyval", facts.is_some_and(|facts| facts.by_value).into()),
        ("attalign", facts.map_or('i', |facts| facts.align).to_string().into()),
        ("attstorage", facts.map_or('p', |facts| facts.storage).to_string().into()),
        ("attnotnull", attribute.not_null.into()),
        ("attislocal", true.into()),
        ("attcollation", collation.into()),
    ]);
}
