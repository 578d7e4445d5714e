//! Constraints of tables and domains. As on PostgreSQL, a column that is never NULL counts as a CHECK.

use super::View;
use crate::catalog::{Constraint, Rule, Table};
use crate::system::definitions::{Style, action_text};
use crate::system::directory::ConstraintPlace;
use crate::system::lookup::Relation;
use crate::system::rows::{Rows, Value};

impl View<'_> {
    /// A constraint's own name; a constraint is in the schema of its table.
    fn constraint(&self, schema: &str, name: &str) -> Vec<(&'static str, Value)> {
        vec![
            ("constraint_catalog", self.database()),
            ("constraint_schema", schema.into()),
            ("constraint_name", name.into()),
        ]
    }

    fn table(&self, schema: &str, name: &str) -> [(&'static str, Value); 3] {
        [("table_catalog", self.database()), ("table_schema", schema.into()), ("table_name", name.into())]
    }

    /// The constraints of the user's own tables.
    fn each_constraint(&self, mut act: impl FnMut(&Table, &Constraint)) {
        for place in self.facts.constraints() {
            if let (ConstraintPlace::Table(table, _), Some(constraint)) = (place, place.constraint())
                && self.owns_table(table)
            {
                act(table, constraint);
            }
        }
    }

    /// The columns of the user's own tables that are never NULL: table, name of the constraint, column.
    fn each_not_null(&self, mut act: impl FnMut(&Relation<'_>, &str, &str)) {
        let tables = self.facts.tables_and_views().into_iter();
        for relation in tables.filter(|relation| relation.kind == 'r' && self.is_mine(relation.owner)) {
            let schema = self.facts.schema_oid(relation.schema).unwrap_or(0);
            for attribute in self.facts.attributes(&relation).iter().filter(|attribute| attribute.not_null) {
                let name = format!("{schema}_{}_{}_not_null", relation.oid, attribute.number);
                act(&relation, &name, &attribute.name);
            }
        }
    }

    pub(super) fn table_constraints(&self, rows: &mut Rows) {
        self.each_constraint(|table, constraint| {
            let (kind, nulls_distinct) = match &constraint.rule {
                Rule::PrimaryKey { .. } => ("PRIMARY KEY", Value::Null),
                Rule::Unique { index } => ("UNIQUE", self.nulls_distinct(table, *index)),
                Rule::Check { .. } => ("CHECK", Value::Null),
                Rule::ForeignKey { .. } => ("FOREIGN KEY", Value::Null),
            };
            let names = (table.schema.as_str(), table.name.as_str());
            self.table_constraint(names, &constraint.name, kind, nulls_distinct, rows);
        });
        self.each_not_null(|relation, name, _| {
            self.table_constraint((relation.schema, relation.name), name, "CHECK", Value::Null, rows);
        });
    }

    fn nulls_distinct(&self, table: &Table, index: u32) -> Value {
        let indexes = table.relational.iter().flat_map(|relational| &relational.indexes);
        let index = indexes.into_iter().find(|one| one.oid == index);
        if index.is_some_and(|index| index.nulls_not_distinct) { "NO" } else { "YES" }.into()
    }

    fn table_constraint(
        &self,
        (schema, table): (&str, &str),
        name: &str,
        kind: &str,
        nulls_distinct: Value,
        rows: &mut Rows,
    ) {
        let mut values = self.constraint(schema, name);
        values.extend(self.table(schema, table));
        values.extend([
            ("constraint_type", kind.into()),
            ("is_deferrable", "NO".into()),
            ("initially_deferred", "NO".into()),
            ("enforced", "YES".into()),
            ("nulls_distinct", nulls_distinct),
        ]);
        rows.push(&values);
    }

    pub(super) fn check_constraints(&self, rows: &mut Rows) {
        for place in self.facts.constraints() {
            let Some(constraint) = place.constraint() else { continue };
            let is_mine = match place {
                ConstraintPlace::Table(table, _) => self.owns_table(table),
                ConstraintPlace::Domain(domain, _) => self.owns_type(domain.oid),
            };
            if let Rule::Check { .. } = constraint.rule
                && is_mine
            {
                let text = self.facts.constraint_definition(constraint.oid, Style::Exact, &self.session.search_path);
                let clause = text.as_deref().and_then(|text| text.strip_prefix("CHECK "));
                let mut values = self.constraint(place.schema(), &constraint.name);
                values.push(("check_clause", Value::text_or_null(clause)));
                rows.push(&values);
            }
        }
        self.each_not_null(|relation, name, column| {
            let mut values = self.constraint(relation.schema, name);
            values.push(("check_clause", format!("{column} IS NOT NULL").into()));
            rows.push(&values);
        });
    }

    pub(super) fn key_column_usage(&self, rows: &mut Rows) {
        self.each_constraint(|table, constraint| {
            if let Rule::Check { .. } = constraint.rule {
                return;
            }
            for (place, number) in constraint.columns.iter().enumerate() {
                let Some(column) = table.column(*number) else { continue };
                let mut values = self.constraint(&table.schema, &constraint.name);
                values.extend(self.table(&table.schema, &table.name));
                values.extend([
                    ("column_name", column.name.as_str().into()),
                    ("ordinal_position", position(place)),
                    ("position_in_unique_constraint", self.position_in_key(constraint, place)),
                ]);
                rows.push(&values);
            }
        });
    }

    /// Where the column that the n-th column of a foreign key refers to stands in its own key.
    fn position_in_key(&self, constraint: &Constraint, place: usize) -> Value {
        let Rule::ForeignKey { table, referenced, .. } = &constraint.rule else { return Value::Null };
        let key = self.facts.referenced_key(*table, referenced).map(|(key, _)| key);
        let found = key.and_then(|key| key.columns.iter().position(|column| referenced.get(place) == Some(column)));
        found.map_or(Value::Null, position)
    }

    /// The table and columns that a constraint speaks of: those of the other table for a foreign key.
    fn each_use(&self, mut act: impl FnMut(&Table, &[i16], &Table, &Constraint)) {
        for place in self.facts.constraints() {
            let (ConstraintPlace::Table(table, _), Some(constraint)) = (place, place.constraint()) else { continue };
            let (used, columns) = match &constraint.rule {
                Rule::ForeignKey { table, referenced, .. } => (self.facts.table(*table), referenced),
                _ => (Some(table), &constraint.columns),
            };
            if let Some(used) = used.filter(|used| self.owns_table(used)) {
                act(used, columns, table, constraint);
            }
        }
    }

    pub(super) fn constraint_column_usage(&self, rows: &mut Rows) {
        self.each_use(|used, columns, table, constraint| {
            for column in columns.iter().filter_map(|number| used.column(*number)) {
                let mut values = self.constraint(&table.schema, &constraint.name);
                values.extend(self.table(&used.schema, &used.name));
                values.push(("column_name", column.name.as_str().into()));
                rows.push(&values);
            }
        });
    }

    pub(super) fn constraint_table_usage(&self, rows: &mut Rows) {
        self.each_use(|used, _, table, constraint| {
            if !matches!(constraint.rule, Rule::Check { .. }) {
                let mut values = self.constraint(&table.schema, &constraint.name);
                values.extend(self.table(&used.schema, &used.name));
                rows.push(&values);
            }
        });
    }

    pub(super) fn referential_constraints(&self, rows: &mut Rows) {
        self.each_constraint(|table, constraint| {
            let Rule::ForeignKey { table: other, referenced, on_update, on_delete } = &constraint.rule else { return };
            let schema = self.facts.table(*other).map(|other| other.schema.as_str());
            let key = self.facts.referenced_key(*other, referenced).map(|(key, _)| key.name.as_str());
            let mut values = self.constraint(&table.schema, &constraint.name);
            values.extend([
                ("unique_constraint_catalog", key.map_or(Value::Null, |_| self.database())),
                ("unique_constraint_schema", Value::text_or_null(key.and(schema))),
                ("unique_constraint_name", Value::text_or_null(key)),
                ("match_option", "NONE".into()),
                ("update_rule", action_text(*on_update).into()),
                ("delete_rule", action_text(*on_delete).into()),
            ]);
            rows.push(&values);
        });
    }

    pub(super) fn domain_constraints(&self, rows: &mut Rows) {
        for place in self.facts.constraints() {
            let (ConstraintPlace::Domain(domain, _), Some(constraint)) = (place, place.constraint()) else { continue };
            let mut values = self.constraint(&domain.schema, &constraint.name);
            values.extend([
                ("domain_catalog", self.database()),
                ("domain_schema", domain.schema.as_str().into()),
                ("domain_name", domain.name.as_str().into()),
                ("is_deferrable", "NO".into()),
                ("initially_deferred", "NO".into()),
            ]);
            rows.push(&values);
        }
    }
}

fn position(place: usize) -> Value {
    Value::Integer(i64::try_from(place + 1).unwrap_or(i64::MAX))
}
