//! Columns of all relations, and their defaults.

use crate::catalog::Identity;
use crate::system::facts::CatalogFacts;
use crate::system::lookup::{Attribute, Relation};
use crate::system::rows::{Rows, Value};

/// pg_attribute.
pub(super) fn attributes(facts: &CatalogFacts, rows: &mut Rows) {
    for relation in facts.relations() {
        for attribute in facts.attributes(&relation) {
            push(facts, &relation, &attribute, rows);
        }
    }
}

fn push(facts: &CatalogFacts, relation: &Relation<'_>, attribute: &Attribute, rows: &mut Rows) {
    let type_facts = facts.type_facts(attribute.type_oid);
    let is_array = type_facts.is_some_and(|facts| facts.category == 'A');
    rows.push(&[
        ("attrelid", relation.oid.into()),
        ("attname", attribute.name.as_str().into()),
        ("atttypid", attribute.type_oid.into()),
        ("attstattarget", Value::Integer(-1)),
        ("attlen", Value::Integer(i64::from(attribute.length))),
        ("attnum", Value::Integer(i64::from(attribute.number))),
        ("attndims", Value::Integer(i64::from(is_array && relation.kind == 'r'))),
        ("attcacheoff", Value::Integer(-1)),
        ("atttypmod", Value::Integer(i64::from(attribute.modifier))),
        ("attbyval", type_facts.is_some_and(|facts| facts.by_value).into()),
        ("attalign", type_facts.map_or('i', |facts| facts.align).to_string().into()),
        ("attstorage", type_facts.map_or('p', |facts| facts.storage).to_string().into()),
        ("attnotnull", attribute.not_null.into()),
        ("atthasdef", attribute.default.is_some().into()),
        ("attidentity", attribute.identity.map_or("", identity_letter).into()),
        ("attgenerated", if attribute.is_generated { "s" } else { "" }.into()),
        ("attislocal", true.into()),
        ("attcollation", attribute.collation.into()),
    ]);
}

fn identity_letter(identity: Identity) -> &'static str {
    match identity {
        Identity::Always => "a",
        Identity::ByDefault => "d",
    }
}

/// pg_attrdef: an expression is kept as its SQL text, which `pg_get_expr` gives back.
pub(super) fn defaults(facts: &CatalogFacts, rows: &mut Rows) {
    for ((table, number), oid) in facts.defaults() {
        let column = facts.table(table).and_then(|table| table.column(number));
        let Some(text) = column.and_then(|column| column.generated.as_deref().or(column.default.as_deref())) else {
            continue;
        };
        rows.push(&[
            ("oid", oid.into()),
            ("adrelid", table.into()),
            ("adnum", Value::Integer(i64::from(number))),
            ("adbin", text.into()),
        ]);
    }
}
