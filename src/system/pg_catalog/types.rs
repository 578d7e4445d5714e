//! Types beside PostgreSQL's own: row types of relations, and what users made.

use crate::catalog::{UserType, UserTypeKind};
use crate::system::facts::CatalogFacts;
use crate::system::lookup::{Relation, has_made_row_type, row_type};
use crate::system::rows::{Rows, Value};
use crate::system::type_facts::TypeFacts;

/// pg_type: a row type and an array of it for every relation that the export has none for, and users' types.
pub(super) fn types(facts: &CatalogFacts, rows: &mut Rows) {
    for relation in facts.relations().iter().filter(|relation| has_made_row_type(relation)) {
        row_types(facts, relation, rows);
    }
    for user_type in facts.user_types() {
        let schema = facts.schema_oid(&user_type.schema).unwrap_or(0);
        let owner = facts.owner(Some(&user_type.owner));
        if let Some(own) = facts.type_facts(user_type.oid) {
            let mut values = common(own, schema, owner);
            values.extend([("oid", user_type.oid.into()), ("typarray", user_type.array_oid.into())]);
            values.extend(of_user_type(facts, user_type));
            rows.push(&values);
        }
        if let Some(array) = facts.type_facts(user_type.array_oid) {
            push_array(user_type.array_oid, common(array, schema, owner), rows);
        }
    }
}

/// What every type has.
fn common(facts: &TypeFacts, schema: u32, owner: u32) -> Vec<(&'static str, Value)> {
    vec![
        ("typname", facts.name.as_str().into()),
        ("typnamespace", schema.into()),
        ("typowner", owner.into()),
        ("typlen", Value::Integer(i64::from(facts.length))),
        ("typbyval", facts.by_value.into()),
        ("typtype", facts.kind.to_string().into()),
        ("typcategory", facts.category.to_string().into()),
        ("typisdefined", true.into()),
        ("typdelim", ",".into()),
        ("typelem", facts.element.into()),
        ("typalign", facts.align.to_string().into()),
        ("typstorage", facts.storage.to_string().into()),
        ("typtypmod", Value::Integer(-1)),
        ("typcollation", facts.collation.into()),
        ("typoutput", facts.writers.0.into()),
        ("typsend", facts.writers.1.into()),
    ]
}

/// The functions that read a value as text and as bytes.
fn readers((input, receive): (u32, u32)) -> [(&'static str, Value); 2] {
    [("typinput", input.into()), ("typreceive", receive.into())]
}

fn push_array(oid: u32, mut values: Vec<(&'static str, Value)>, rows: &mut Rows) {
    values.extend([
        ("oid", oid.into()),
        ("typsubscript", ARRAY_SUBSCRIPT.into()),
        ("typanalyze", ARRAY_ANALYZE.into()),
    ]);
    values.extend(readers(ARRAY_READERS));
    rows.push(&values);
}

fn of_user_type(facts: &CatalogFacts, user_type: &UserType) -> Vec<(&'static str, Value)> {
    match &user_type.kind {
        UserTypeKind::Enum { .. } => readers(ENUM_READERS).to_vec(),
        UserTypeKind::Domain { base, modifier, not_null, default, .. } => {
            let mut values = vec![
                ("typbasetype", (*base).into()),
                ("typtypmod", Value::Integer(i64::from(*modifier))),
                ("typnotnull", (*not_null).into()),
                ("typdefault", Value::text_or_null(default.as_deref())),
                ("typdefaultbin", Value::text_or_null(default.as_deref())),
                ("typndims", Value::Integer(i64::from(facts.type_facts(*base).is_some_and(TypeFacts::is_array)))),
            ];
            values.extend(readers(DOMAIN_READERS));
            values
        }
    }
}

fn row_types(facts: &CatalogFacts, relation: &Relation<'_>, rows: &mut Rows) {
    let schema = facts.schema_oid(relation.schema).unwrap_or(0);
    let (row, array) = row_type(relation);
    let own = TypeFacts::of_rows(relation.schema, relation.name);
    let mut values = common(&own, schema, relation.owner);
    values.extend([("oid", row.into()), ("typrelid", relation.oid.into()), ("typarray", array.into())]);
    values.extend(readers(ROW_READERS));
    rows.push(&values);
    push_array(array, common(&own.array_of(row), schema, relation.owner), rows);
}

/// pg_enum: the labels of enums, in their order.
pub(super) fn labels(facts: &CatalogFacts, rows: &mut Rows) {
    for user_type in facts.user_types() {
        let UserTypeKind::Enum { labels } = &user_type.kind else { continue };
        for (number, label) in (1_u16..).zip(labels) {
            rows.push(&[
                ("oid", label.oid.into()),
                ("enumtypid", user_type.oid.into()),
                ("enumsortorder", Value::Real(f64::from(number))),
                ("enumlabel", label.label.as_str().into()),
            ]);
        }
    }
}

/// record_in and record_recv.
const ROW_READERS: (u32, u32) = (2_290, 2_402);
/// array_in and array_recv.
const ARRAY_READERS: (u32, u32) = (750, 2_400);
/// enum_in and enum_recv.
const ENUM_READERS: (u32, u32) = (3_506, 3_532);
/// domain_in and domain_recv.
const DOMAIN_READERS: (u32, u32) = (2_597, 2_598);
/// Object id of array_subscript_handler.
const ARRAY_SUBSCRIPT: u32 = 6_179;
/// Object id of array_typanalyze.
const ARRAY_ANALYZE: u32 = 3_816;
