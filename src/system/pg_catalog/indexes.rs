//! Indexes of tables.

use crate::catalog::{Index, Rule, Table};
use crate::system::definitions::Style;
use crate::system::facts::{CatalogFacts, SessionFacts};
use crate::system::lookup::{Attribute, Relation, Source};
use crate::system::named::index_class;
use crate::system::rows::{Rows, Value};

/// Bits of indoption.
const DESCENDING: i64 = 1;
const NULLS_FIRST: i64 = 2;

/// pg_index.
pub(super) fn indexes(facts: &CatalogFacts, rows: &mut Rows) {
    each(facts, |relation, table, index| push(facts, relation, table, index, rows));
}

fn each(facts: &CatalogFacts, mut act: impl FnMut(&Relation<'_>, &Table, &Index)) {
    for relation in facts.own_relations() {
        if let Source::Index(table, index) = relation.source {
            act(&relation, table, index);
        }
    }
}

fn push(facts: &CatalogFacts, relation: &Relation<'_>, table: &Table, index: &Index, rows: &mut Rows) {
    let attributes = facts.attributes(relation);
    let keys = &attributes[..index.keys.len().min(attributes.len())];
    let columns = index.keys.iter().map(|key| key.column.unwrap_or(0)).chain(index.include.iter().copied());
    let list = |of: &dyn Fn(&Attribute) -> u32| Value::Integers(keys.iter().map(|key| i64::from(of(key))).collect());
    let options = index.keys.iter().map(|key| {
        let descending = if key.descending { DESCENDING } else { 0 };
        descending | if key.nulls_first { NULLS_FIRST } else { 0 }
    });
    let expressions: Vec<&str> = index.keys.iter().filter_map(|key| key.expression.as_deref()).collect();
    let constraint = facts.constraint_of_index(index.oid);
    rows.push(&[
        ("indexrelid", index.oid.into()),
        ("indrelid", table.oid.into()),
        ("indnatts", count(attributes.len())),
        ("indnkeyatts", count(keys.len())),
        ("indisunique", index.unique.into()),
        ("indnullsnotdistinct", index.nulls_not_distinct.into()),
        ("indisprimary", constraint.is_some_and(|one| matches!(one.rule, Rule::PrimaryKey { .. })).into()),
        ("indimmediate", true.into()),
        ("indisvalid", true.into()),
        ("indisready", true.into()),
        ("indislive", true.into()),
        ("indkey", Value::Integers(columns.map(i64::from).collect())),
        ("indcollation", list(&|key| key.collation)),
        ("indclass", list(&|key| index_class(facts.operand_type(key.type_oid)))),
        ("indoption", Value::Integers(options.collect())),
        ("indexprs", if expressions.is_empty() { Value::Null } else { expressions.join(", ").into() }),
        ("indpred", Value::text_or_null(index.predicate.as_deref())),
    ]);
}

fn count(value: usize) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(0))
}

/// pg_indexes.
pub(super) fn definitions(facts: &CatalogFacts, session: &SessionFacts, rows: &mut Rows) {
    let shown = |oid| facts.index_definition(oid, Style::Exact, &session.search_path);
    each(facts, |relation, table, index| {
        rows.push(&[
            ("schemaname", relation.schema.into()),
            ("tablename", table.name.as_str().into()),
            ("indexname", relation.name.into()),
            ("indexdef", shown(index.oid).map_or(Value::Null, Value::from)),
        ]);
    });
}

/// pg_stat_user_indexes and its like: the indexes, without counters.
pub(super) fn statistics(facts: &CatalogFacts, rows: &mut Rows) {
    each(facts, |relation, table, index| {
        rows.push(&[
            ("relid", table.oid.into()),
            ("indexrelid", index.oid.into()),
            ("schemaname", relation.schema.into()),
            ("relname", table.name.as_str().into()),
            ("indexrelname", relation.name.into()),
        ]);
    });
}
