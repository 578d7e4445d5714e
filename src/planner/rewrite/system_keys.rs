//! Keys of system tables: a subquery that knows one for each of its tables has one row at most.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, JoinConstraint, JoinOperator, Select, TableFactor};

use super::build::{folded, last_part};
use super::subqueries::{called, factors, split};

/// Unique columns of system tables besides the object id.
const KEYS: &[(&str, &[&str])] = &[
    ("pg_attrdef", &["adrelid", "adnum"]),
    ("pg_attribute", &["attrelid", "attname"]),
    ("pg_attribute", &["attrelid", "attnum"]),
    ("pg_authid", &["rolname"]),
    ("pg_class", &["relname", "relnamespace"]),
    ("pg_constraint", &["conrelid", "contypid", "conname"]),
    ("pg_database", &["datname"]),
    ("pg_description", &["objoid", "classoid", "objsubid"]),
    ("pg_index", &["indexrelid"]),
    ("pg_namespace", &["nspname"]),
    ("pg_range", &["rngtypid"]),
    ("pg_roles", &["rolname"]),
    ("pg_sequence", &["seqrelid"]),
    ("pg_settings", &["name"]),
    ("pg_shdescription", &["objoid", "classoid"]),
    ("pg_tablespace", &["spcname"]),
    ("pg_type", &["typname", "typnamespace"]),
    ("pg_user", &["usename"]),
];

/// Whether each table of a SELECT is read by a key of its own.
pub(super) fn reads_by_key(select: &Select) -> bool {
    let mut conjuncts = Vec::new();
    if let Some(selection) = &select.selection {
        split(selection.clone(), &mut conjuncts);
    }
    for join in select.from.iter().flat_map(|from| &from.joins) {
        if let JoinOperator::Join(JoinConstraint::On(on)) | JoinOperator::Inner(JoinConstraint::On(on)) =
            &join.join_operator
        {
            split(on.clone(), &mut conjuncts);
        }
    }
    let is_alone = factors(select).count() == 1;
    factors(select).all(|factor| {
        let TableFactor::Table { name, args: None, .. } = factor else { return false };
        let (Some(table), Some(called)) = (last_part(name), called(factor)) else { return false };
        let equal: HashSet<String> =
            conjuncts.iter().filter_map(|conjunct| equal_column(conjunct, &called, is_alone)).flatten().collect();
        let has = |columns: &[&str]| columns.iter().all(|column| equal.contains(*column));
        has(&["oid"]) || KEYS.iter().any(|(of, columns)| *of == table && has(columns))
    })
}

/// The columns of the table that a condition says to equal something outside of it.
fn equal_column(conjunct: &Expr, table: &str, is_alone: bool) -> Option<Vec<String>> {
    let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = conjunct else { return None };
    let own = |expr: &Expr| match expr {
        Expr::CompoundIdentifier(idents) => match idents.as_slice() {
            [.., of, name] if folded(of) == table => Some(folded(name)),
            _ => None,
        },
        Expr::Identifier(ident) if is_alone => Some(folded(ident)),
        _ => None,
    };
    match (own(left), own(right)) {
        // A column that equals another of its table tells nothing; a bare one may be the outer row's.
        (Some(one), Some(other)) if is_bare(left) != is_bare(right) => Some(vec![one, other]),
        (Some(one), None) | (None, Some(one)) => Some(vec![one]),
        _ => None,
    }
}

fn is_bare(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_))
}
