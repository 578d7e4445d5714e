//! Columns, the types of columns, and domains.

use super::View;
use super::types::ColumnType;
use crate::catalog::{Identity, UserTypeKind};
use crate::system::lookup::{Attribute, Relation};
use crate::system::relations::{INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID};
use crate::system::rows::{Rows, Value};
use crate::system::type_facts::{TYPES, TypeFacts};

/// What a `time_stamp` is where nothing else is said.
const TIME_STAMP_DEFAULT: &str = "CURRENT_TIMESTAMP(2)";

fn yes_or_no(value: bool) -> Value {
    if value { "YES" } else { "NO" }.into()
}

impl View<'_> {
    fn each_column(&self, mut act: impl FnMut(&Relation<'_>, &Attribute, &ColumnType<'_>)) {
        for relation in self.tables_and_views() {
            for attribute in self.facts.attributes(&relation) {
                let column = ColumnType::of(self.facts, attribute.type_oid, attribute.modifier);
                act(&relation, &attribute, &column);
            }
        }
    }

    pub(super) fn columns(&self, rows: &mut Rows) {
        self.each_column(|relation, attribute, column| self.column(relation, attribute, column, rows));
    }

    fn column(&self, relation: &Relation<'_>, attribute: &Attribute, column: &ColumnType<'_>, rows: &mut Rows) {
        let not_null = attribute.not_null || column.domain.is_some_and(|domain| domain.not_null);
        let expression = attribute.default.as_deref().map(|sql| self.shown(sql));
        let expression = Value::text_or_null(expression.as_deref());
        let (default, generation) =
            if attribute.is_generated { (Value::Null, expression) } else { (expression, Value::Null) };
        let is_updatable = relation.kind == 'r' && relation.is_private();
        let mut values = self.names(relation, attribute);
        values.extend(column.values(self, attribute.collation));
        values.extend(column.domain_name(self));
        values.extend(self.identity(relation, attribute));
        values.extend([
            ("ordinal_position", Value::Integer(i64::from(attribute.number))),
            ("column_default", default),
            ("is_nullable", yes_or_no(!not_null)),
            ("dtd_identifier", attribute.number.to_string().into()),
            ("is_self_referencing", "NO".into()),
            ("is_generated", if attribute.is_generated { "ALWAYS" } else { "NEVER" }.into()),
            ("generation_expression", generation),
            ("is_updatable", yes_or_no(is_updatable)),
        ]);
        rows.push(&values);
    }

    fn identity(&self, relation: &Relation<'_>, attribute: &Attribute) -> Vec<(&'static str, Value)> {
        let generation = attribute.identity.map(|identity| match identity {
            Identity::Always => "ALWAYS",
            Identity::ByDefault => "BY DEFAULT",
        });
        let mut values = vec![
            ("is_identity", yes_or_no(attribute.identity.is_some())),
            ("identity_generation", Value::text_or_null(generation)),
            ("identity_cycle", "NO".into()),
        ];
        let sequence = self.facts.owned_sequence(relation.oid, attribute.number).filter(|sequence| sequence.internal);
        if let Some(sequence) = sequence {
            values.extend([
                ("identity_start", sequence.start.to_string().into()),
                ("identity_increment", sequence.increment.to_string().into()),
                ("identity_maximum", sequence.maximum.to_string().into()),
                ("identity_minimum", sequence.minimum.to_string().into()),
                ("identity_cycle", yes_or_no(sequence.cycle)),
            ]);
        }
        values
    }

    pub(super) fn names(&self, relation: &Relation<'_>, attribute: &Attribute) -> Vec<(&'static str, Value)> {
        vec![
            ("table_catalog", self.database()),
            ("table_schema", relation.schema.into()),
            ("table_name", relation.name.into()),
            ("column_name", attribute.name.as_str().into()),
        ]
    }

    /// `column_udt_usage` and `column_domain_usage`: which column is of which type or domain.
    pub(super) fn type_usage(&self, of_domains: bool, rows: &mut Rows) {
        self.each_column(|relation, attribute, column| {
            let mut values = self.names(relation, attribute);
            match (of_domains, column.domain, column.facts) {
                (true, Some(_), _) => values.extend(column.domain_name(self)),
                (false, _, Some(_)) => values.extend(column.name(self)),
                _ => return,
            }
            rows.push(&values);
        });
    }

    /// The types of the elements of arrays.
    pub(super) fn element_types(&self, rows: &mut Rows) {
        self.each_column(|relation, attribute, column| {
            let Some(array) = column.facts.filter(|facts| facts.category == 'A' && facts.element != 0) else { return };
            let element = ColumnType::of(self.facts, array.element, -1);
            let number = attribute.number;
            let mut values = self.object(relation);
            values.extend([
                ("collection_type_identifier", number.to_string().into()),
                ("data_type", element.data_type().into()),
                ("dtd_identifier", format!("a{number}").into()),
            ]);
            values.extend(element.name(self));
            rows.push(&values);
        });
    }

    fn object(&self, relation: &Relation<'_>) -> Vec<(&'static str, Value)> {
        vec![
            ("object_catalog", self.database()),
            ("object_schema", relation.schema.into()),
            ("object_name", relation.name.into()),
            ("object_type", if relation.kind == 'v' { "VIEW" } else { "TABLE" }.into()),
        ]
    }

    /// What has a data type descriptor: here, columns and users' domains.
    pub(super) fn data_types(&self, rows: &mut Rows) {
        self.each_column(|relation, attribute, _| {
            let mut values = self.object(relation);
            values.push(("dtd_identifier", attribute.number.to_string().into()));
            rows.push(&values);
        });
        for (_, domain, _) in self.user_domains() {
            rows.push(&[
                ("object_catalog", self.database()),
                ("object_schema", domain.schema.as_str().into()),
                ("object_name", domain.name.as_str().into()),
                ("object_type", "DOMAIN".into()),
                ("dtd_identifier", "1".into()),
            ]);
        }
    }

    /// Users' domains: object id, what is known, default.
    pub(super) fn user_domains(&self) -> impl Iterator<Item = (u32, &TypeFacts, Option<&str>)> {
        self.facts.user_types().filter_map(|user_type| match &user_type.kind {
            UserTypeKind::Domain { default, .. } => {
                Some((user_type.oid, self.facts.type_facts(user_type.oid)?, default.as_deref()))
            }
            UserTypeKind::Enum { .. } => None,
        })
    }

    /// The domains of this schema itself, and those of users.
    fn each_domain(&self, mut act: impl FnMut(u32, &TypeFacts, Option<&str>)) {
        let mut domains: Vec<_> = TYPES.iter().filter(|(_, facts)| facts.base != 0).collect();
        domains.sort_unstable_by_key(|(oid, _)| **oid);
        for (oid, domain) in domains.into_iter().filter(|(oid, _)| **oid > INFORMATION_SCHEMA_OID) {
            act(*oid, domain, (domain.name == "time_stamp").then_some(TIME_STAMP_DEFAULT));
        }
        for (oid, domain, default) in self.user_domains() {
            act(oid, domain, default);
        }
    }

    /// `domains`.
    pub(super) fn domains(&self, rows: &mut Rows) {
        self.each_domain(|oid, domain, default| {
            let column = ColumnType::of(self.facts, oid, -1);
            let mut values = column.values(self, domain.collation);
            values.extend(column.domain_name(self));
            values.extend([("domain_default", Value::text_or_null(default)), ("dtd_identifier", "1".into())]);
            rows.push(&values);
        });
    }

    /// `domain_udt_usage`: the types that domains are over, as far as the user owns them.
    pub(super) fn domain_types(&self, rows: &mut Rows) {
        self.each_domain(|oid, domain, _| {
            let is_standard = domain.schema == INFORMATION_SCHEMA;
            if self.is_mine(super::super::OWNER_OID) || !is_standard && self.owns_type(domain.base) {
                let column = ColumnType::of(self.facts, oid, -1);
                let mut values = column.name(self).to_vec();
                values.extend(column.domain_name(self));
                rows.push(&values);
            }
        });
    }
}
