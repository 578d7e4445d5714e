//! Names that PostgreSQL gives to what has none: `t_pkey`, `t_a_key`, `t_a_seq`.

use crate::catalog::{Database, Schema};

/// Most bytes of a name.
const NAME_BYTES_MAX: usize = 63;

/// `first_second_label`, shortened to fit, its longer part first.
pub(super) fn made_name(first: &str, second: Option<&str>, label: &str) -> String {
    let overhead = label.len() + usize::from(!label.is_empty()) + second.map_or(0, |_| 1);
    let room = NAME_BYTES_MAX.saturating_sub(overhead);
    let (mut of_first, mut of_second) = (first.len(), second.map_or(0, str::len));
    while of_first + of_second > room {
        if of_first > of_second {
            of_first -= 1;
        } else {
            of_second -= 1;
        }
    }
    let mut name = cut(first, of_first).to_owned();
    if let Some(second) = second {
        name = format!("{name}_{}", cut(second, of_second));
    }
    if label.is_empty() { name } else { format!("{name}_{label}") }
}

/// The first bytes of a text, without half of a character.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The first of `name`, `name1`, `name2`, ... that is free.
pub(super) fn free_name(first: &str, second: Option<&str>, label: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let plain = made_name(first, second, label);
    if !is_taken(&plain) {
        return plain;
    }
    let mut number = 1_u32;
    loop {
        let name = made_name(first, second, &format!("{label}{number}"));
        if !is_taken(&name) {
            return name;
        }
        number += 1;
    }
}

/// A relation of a schema has this name.
pub(super) fn is_relation(database: &Database, schema: &str, name: &str) -> bool {
    database.schemas.get(schema).is_some_and(|schema| has_relation(schema, name))
}

fn has_relation(schema: &Schema, name: &str) -> bool {
    schema.tables.contains_key(name)
        || schema.views.contains_key(name)
        || schema.sequences.contains_key(name)
        || schema.tables.values().any(|table| table.indexes().iter().any(|index| index.name == name))
}

/// A constraint of a table of a schema has this name.
pub(super) fn is_constraint(database: &Database, schema: &str, name: &str) -> bool {
    let Some(schema) = database.schemas.get(schema) else { return false };
    schema.tables.values().any(|table| table.constraints().iter().any(|constraint| constraint.name == name))
}

#[cfg(test)]
mod tests {
    use super::{free_name, made_name};

    #[test]
    fn names_are_made_as_postgresql_makes_them() {
        assert_eq!(made_name("policies", None, "pkey"), "policies_pkey");
        assert_eq!(made_name("alerts", Some("policy_id"), "fkey"), "alerts_policy_id_fkey");
        let long = "a".repeat(60);
        assert_eq!(made_name(&long, Some("identifier"), "seq").len(), 63);
        assert_eq!(made_name(&long, Some("identifier"), "seq"), format!("{}_identifier_seq", "a".repeat(48)));
        let taken = ["t_a_check", "t_a_check1"];
        assert_eq!(free_name("t", Some("a"), "check", |name| taken.contains(&name)), "t_a_check2");
    }
}
