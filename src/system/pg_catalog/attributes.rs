//! Columns of all relations.

use crate::system::facts::CatalogFacts;
use crate::system::lookup::{Attribute, Relation, TYPES};
use crate::system::rows::{Rows, Value};

/// pg_attribute.
pub(super) fn attributes(facts: &CatalogFacts, rows: &mut Rows) {
    for relation in facts.relations() {
        for attribute in facts.attributes(&relation) {
            push(&relation, &attribute, rows);
        }
    }
}

fn push(relation: &Relation<'_>, attribute: &Attribute, rows: &mut Rows) {
    let facts = TYPES.get(&attribute.type_oid);
    let is_array = facts.is_some_and(|facts| facts.category == 'A');
    rows.push(&[
        ("attrelid", relation.oid.into()),
        ("attname", attribute.name.as_str().into()),
        ("atttypid", attribute.type_oid.into()),
        ("attstattarget", Value::Integer(-1)),
        ("attlen", Value::Integer(i64::from(attribute.length))),
        ("attnum", Value::Integer(i64::from(attribute.number))),
        ("attndims", Value::Integer(i64::from(is_array && relation.kind == 'r'))),
        ("attcacheoff", Value::Integer(-1)),
        ("atttypmod", Value::Integer(-1)),
        ("attbyval", facts.is_some_and(|facts| facts.by_value).into()),
        ("attalign", facts.map_or('i', |facts| facts.align).to_string().into()),
        ("attstorage", facts.map_or('p', |facts| facts.storage).to_string().into()),
        ("attnotnull", attribute.not_null.into()),
        ("attislocal", true.into()),
        ("attcollation", attribute.collation.into()),
    ]);
}
