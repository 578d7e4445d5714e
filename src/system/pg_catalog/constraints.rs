//! Constraints of tables and domains.

use crate::catalog::{Constraint, ForeignAction, Rule, Table, UserType};
use crate::system::directory::ConstraintPlace;
use crate::system::facts::CatalogFacts;
use crate::system::named::equality;
use crate::system::rows::{Rows, Value};

/// What a constraint of another kind has in the columns of foreign keys.
const NO_ACTION_KNOWN: &str = " ";

/// pg_constraint.
pub(super) fn constraints(facts: &CatalogFacts, rows: &mut Rows) {
    for place in facts.constraints() {
        let Some(constraint) = place.constraint() else { continue };
        let mut values = vec![
            ("oid", constraint.oid.into()),
            ("conname", constraint.name.as_str().into()),
            ("connamespace", facts.schema_oid(place.schema()).unwrap_or(0).into()),
            ("convalidated", true.into()),
            ("conislocal", true.into()),
        ];
        match place {
            ConstraintPlace::Table(table, _) => values.extend(of_table(facts, table, constraint)),
            ConstraintPlace::Domain(domain, _) => values.extend(of_domain(domain, constraint)),
        }
        rows.push(&values);
    }
}

fn of_domain(domain: &UserType, constraint: &Constraint) -> Vec<(&'static str, Value)> {
    let mut values = vec![("contypid", domain.oid.into())];
    values.extend(of_no_foreign_key("c", false));
    if let Rule::Check { expression } = &constraint.rule {
        values.push(("conbin", expression.as_str().into()));
    }
    values
}

fn of_no_foreign_key(kind: &str, is_key: bool) -> Vec<(&'static str, Value)> {
    vec![
        ("contype", kind.into()),
        ("connoinherit", is_key.into()),
        ("confupdtype", NO_ACTION_KNOWN.into()),
        ("confdeltype", NO_ACTION_KNOWN.into()),
        ("confmatchtype", NO_ACTION_KNOWN.into()),
    ]
}

fn of_table(facts: &CatalogFacts, table: &Table, constraint: &Constraint) -> Vec<(&'static str, Value)> {
    let mut values = vec![("conrelid", table.oid.into()), ("conkey", numbers(&constraint.columns))];
    match &constraint.rule {
        Rule::PrimaryKey { index } => {
            values.push(("conindid", (*index).into()));
            values.extend(of_no_foreign_key("p", true));
        }
        Rule::Unique { index } => {
            values.push(("conindid", (*index).into()));
            values.extend(of_no_foreign_key("u", true));
        }
        Rule::Check { expression } => {
            values.push(("conbin", expression.as_str().into()));
            values.extend(of_no_foreign_key("c", false));
        }
        Rule::ForeignKey { table: other, referenced, on_update, on_delete } => {
            let index = facts.referenced_key(*other, referenced).map_or(0, |(_, index)| index);
            values.extend([
                ("contype", "f".into()),
                ("connoinherit", true.into()),
                ("conindid", index.into()),
                ("confrelid", (*other).into()),
                ("confkey", numbers(referenced)),
                ("confupdtype", action_letter(*on_update).into()),
                ("confdeltype", action_letter(*on_delete).into()),
                ("confmatchtype", "s".into()),
            ]);
            let own = operands(facts, table, &constraint.columns);
            let keys = facts.table(*other).map(|other| operands(facts, other, referenced)).unwrap_or_default();
            values.extend([
                ("conpfeqop", equalities(&keys, &own)),
                ("conppeqop", equalities(&keys, &keys)),
                ("conffeqop", equalities(&own, &own)),
            ]);
        }
    }
    values
}

fn numbers(columns: &[i16]) -> Value {
    Value::Integers(columns.iter().map(|number| i64::from(*number)).collect())
}

fn operands(facts: &CatalogFacts, table: &Table, columns: &[i16]) -> Vec<u32> {
    let columns = columns.iter().filter_map(|number| table.column(*number));
    let types = columns.map(|column| column.user_type.unwrap_or_else(|| column.sql_type.oid()));
    types.map(|type_oid| facts.operand_type(type_oid)).collect()
}

fn equalities(left: &[u32], right: &[u32]) -> Value {
    Value::Integers(left.iter().zip(right).map(|(left, right)| i64::from(equality(*left, *right))).collect())
}

fn action_letter(action: ForeignAction) -> &'static str {
    match action {
        ForeignAction::NoAction => "a",
        ForeignAction::Restrict => "r",
        ForeignAction::Cascade => "c",
        ForeignAction::SetNull => "n",
        ForeignAction::SetDefault => "d",
    }
}
