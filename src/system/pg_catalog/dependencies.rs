//! What goes when something else goes.
//!
//! Which columns a view or an expression reads is known to the planner alone: those dependencies are not listed.

use super::objects::{
    CLASS_OF_CONSTRAINTS, CLASS_OF_DEFAULTS, CLASS_OF_RELATIONS, CLASS_OF_RULES, CLASS_OF_SCHEMAS, CLASS_OF_TYPES,
    rule_of,
};
use crate::catalog::{Constraint, Index, Rule, Table, UserTypeKind};
use crate::system::directory::ConstraintPlace;
use crate::system::facts::CatalogFacts;
use crate::system::lookup::{Relation, Source, row_type, split_name};
use crate::system::rows::{Rows, Value};

/// An object: the class it is listed in, its id, and the number of a column.
type Object = (u32, u32, i16);

/// It goes together with the other, as a part of it.
const INTERNAL: &str = "i";
/// It goes together with the other.
const AUTOMATIC: &str = "a";
/// The other cannot go while it is there.
const NORMAL: &str = "n";

/// pg_depend.
pub(super) fn dependencies(facts: &CatalogFacts, rows: &mut Rows) {
    let mut pairs = Pairs { rows };
    for relation in facts.own_relations() {
        relation_parts(facts, &relation, &mut pairs);
    }
    for ((table, number), oid) in facts.defaults() {
        default(facts, (table, number), oid, &mut pairs);
    }
    for place in facts.constraints() {
        let Some(constraint) = place.constraint() else { continue };
        let own = (CLASS_OF_CONSTRAINTS, constraint.oid, 0);
        match place {
            ConstraintPlace::Table(table, _) => table_constraint(facts, table, constraint, &mut pairs),
            ConstraintPlace::Domain(domain, _) => pairs.add(own, (CLASS_OF_TYPES, domain.oid, 0), AUTOMATIC),
        }
    }
    for user_type in facts.user_types() {
        let own = (CLASS_OF_TYPES, user_type.oid, 0);
        pairs.add(own, schema(facts, &user_type.schema), NORMAL);
        pairs.add((CLASS_OF_TYPES, user_type.array_oid, 0), own, INTERNAL);
        if let UserTypeKind::Domain { base, .. } = user_type.kind
            && facts.user_type(base).is_some()
        {
            pairs.add(own, (CLASS_OF_TYPES, base, 0), NORMAL);
        }
    }
}

struct Pairs<'a> {
    rows: &'a mut Rows,
}

impl Pairs<'_> {
    fn add(&mut self, object: Object, other: Object, kind: &str) {
        self.rows.push(&[
            ("classid", object.0.into()),
            ("objid", object.1.into()),
            ("objsubid", Value::Integer(i64::from(object.2))),
            ("refclassid", other.0.into()),
            ("refobjid", other.1.into()),
            ("refobjsubid", Value::Integer(i64::from(other.2))),
            ("deptype", kind.into()),
        ]);
    }
}

fn schema(facts: &CatalogFacts, name: &str) -> Object {
    (CLASS_OF_SCHEMAS, facts.schema_oid(name).unwrap_or(0), 0)
}

fn relation_parts(facts: &CatalogFacts, relation: &Relation<'_>, pairs: &mut Pairs<'_>) {
    let own = (CLASS_OF_RELATIONS, relation.oid, 0);
    match relation.source {
        Source::Index(table, index) => return index_parts(facts, table, index, pairs),
        Source::Sequence(sequence) => {
            if let Some((table, column)) = sequence.owned_by {
                let kind = if sequence.internal { INTERNAL } else { AUTOMATIC };
                pairs.add(own, (CLASS_OF_RELATIONS, table, column), kind);
            }
        }
        Source::Table(table) => {
            for column in &table.columns {
                if let Some(user_type) = column.user_type {
                    let column = (CLASS_OF_RELATIONS, table.oid, column.number);
                    pairs.add(column, (CLASS_OF_TYPES, user_type, 0), NORMAL);
                }
            }
        }
        Source::View(view) => pairs.add((CLASS_OF_RULES, rule_of(view.oid), 0), own, INTERNAL),
        Source::System(_) => return,
    }
    pairs.add(own, schema(facts, relation.schema), NORMAL);
    let (row, array) = row_type(relation);
    if row != 0 {
        pairs.add((CLASS_OF_TYPES, row, 0), own, INTERNAL);
        pairs.add((CLASS_OF_TYPES, array, 0), (CLASS_OF_TYPES, row, 0), INTERNAL);
    }
}

fn index_parts(facts: &CatalogFacts, table: &Table, index: &Index, pairs: &mut Pairs<'_>) {
    let own = (CLASS_OF_RELATIONS, index.oid, 0);
    if let Some(constraint) = facts.constraint_of_index(index.oid) {
        return pairs.add(own, (CLASS_OF_CONSTRAINTS, constraint.oid, 0), INTERNAL);
    }
    let columns: Vec<i16> =
        index.keys.iter().filter_map(|key| key.column).chain(index.include.iter().copied()).collect();
    for column in &columns {
        pairs.add(own, (CLASS_OF_RELATIONS, table.oid, *column), AUTOMATIC);
    }
    if columns.is_empty() {
        pairs.add(own, (CLASS_OF_RELATIONS, table.oid, 0), AUTOMATIC);
    }
}

fn table_constraint(facts: &CatalogFacts, table: &Table, constraint: &Constraint, pairs: &mut Pairs<'_>) {
    let own = (CLASS_OF_CONSTRAINTS, constraint.oid, 0);
    for column in &constraint.columns {
        pairs.add(own, (CLASS_OF_RELATIONS, table.oid, *column), AUTOMATIC);
    }
    if let Rule::Check { .. } = constraint.rule {
        for column in &constraint.columns {
            pairs.add(own, (CLASS_OF_RELATIONS, table.oid, *column), NORMAL);
        }
    }
    if let Rule::ForeignKey { table: other, referenced, .. } = &constraint.rule {
        for column in referenced {
            pairs.add(own, (CLASS_OF_RELATIONS, *other, *column), NORMAL);
        }
        if let Some((_, index)) = facts.referenced_key(*other, referenced) {
            pairs.add(own, (CLASS_OF_RELATIONS, index, 0), NORMAL);
        }
    }
}

fn default(facts: &CatalogFacts, (table, number): (u32, i16), oid: u32, pairs: &mut Pairs<'_>) {
    let own = (CLASS_OF_DEFAULTS, oid, 0);
    let Some(table) = facts.table(table) else { return };
    let Some(column) = table.column(number) else { return };
    let kind = if column.generated.is_some() { INTERNAL } else { AUTOMATIC };
    pairs.add(own, (CLASS_OF_RELATIONS, table.oid, number), kind);
    let text = column.default.as_deref().unwrap_or_default();
    if let Some(sequence) = sequence_of(facts, table, text) {
        pairs.add(own, (CLASS_OF_RELATIONS, sequence, 0), NORMAL);
    }
    if let Some(user_type) = column.user_type.filter(|_| text.contains("::")) {
        pairs.add(own, (CLASS_OF_TYPES, user_type, 0), NORMAL);
    }
}

/// The sequence that `nextval('name'::regclass)` takes its value from; a bare name is looked for beside the table.
fn sequence_of(facts: &CatalogFacts, table: &Table, default: &str) -> Option<u32> {
    let (name, _) = default.strip_prefix("nextval('")?.split_once("'::regclass)")?;
    let (schema, name) = split_name(&name.replace("''", "'"))?;
    let path = [table.schema.clone(), crate::catalog::PUBLIC.to_owned()];
    Some(facts.relation_named(schema.as_deref(), &name, &path)?.oid)
}
