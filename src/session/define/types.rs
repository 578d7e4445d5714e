//! Types: enums and domains.

use std::collections::BTreeSet;

use super::Definer;
use super::object_names::free_name;
use crate::catalog::{Column, Constraint, EnumLabel, Object, Rule as KeptRule, Scope, Table, UserType, UserTypeKind};
use crate::planner::definition::{ColumnRule, QualifiedName, Rule, TypeReference};
use crate::planner::{DeclaredType, InnerQuery, Purpose, of_user_type};
use crate::types::{Code, SqlError, SqlType};

/// Most bytes of a label.
const LABEL_BYTES_MAX: usize = 63;

impl Definer {
    fn check_type_name(&self, schema: &str, name: &str) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let taken = database.schemas.get(schema).is_some_and(|schema| {
            schema.types.contains_key(name) || schema.tables.contains_key(name) || schema.views.contains_key(name)
        });
        if taken {
            return Err(SqlError::new(Code::DuplicateObject, format!("type \"{name}\" already exists")));
        }
        Ok(())
    }

    fn put_type(&self, schema: &str, name: &str, kind: UserTypeKind) -> Result<(), SqlError> {
        let (oid, array_oid) = (self.new_oid()?, self.new_oid()?);
        let made = UserType {
            oid,
            array_oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
            owner: self.user.clone(),
            kind,
            comment: String::new(),
        };
        self.put(oid, Object::Type(made))
    }

    /// CREATE TYPE ... AS ENUM.
    pub(super) fn create_enum(&mut self, name: &QualifiedName, labels: &[String]) -> Result<(), SqlError> {
        let schema = self.target_schema(name, false)?;
        self.check_type_name(&schema, &name.name)?;
        let (mut kept, mut seen) = (Vec::new(), BTreeSet::new());
        for label in labels {
            check_label(label)?;
            if !seen.insert(label) {
                let text = format!("enum label \"{label}\" used more than once");
                return Err(SqlError::new(Code::InvalidObjectDefinition, text));
            }
            kept.push(EnumLabel { oid: self.new_oid()?, label: label.clone() });
        }
        self.put_type(&schema, &name.name, UserTypeKind::Enum { labels: kept })
    }

    /// CREATE DOMAIN.
    pub(super) async fn create_domain(
        &mut self,
        name: &QualifiedName,
        base: &TypeReference,
        rules: &[ColumnRule],
    ) -> Result<(), SqlError> {
        let schema = self.target_schema(name, false)?;
        self.check_type_name(&schema, &name.name)?;
        let catalog = self.catalog();
        let declared = self.names(&catalog)?.declared_type(base)?;
        let value = self.value_table(&declared)?;
        let (mut not_null, mut default, mut checks) = (false, None, Vec::new());
        for rule in rules {
            match &rule.rule {
                Rule::NotNull => not_null = true,
                Rule::Null => not_null = false,
                Rule::Default(text) => {
                    default = Some(self.default_of(text, &value.columns[0], &value, &catalog).await?);
                }
                Rule::Check(text) => {
                    let check = self.domain_check(&name.name, rule.name.as_deref(), text, &declared, &checks).await?;
                    checks.push(check);
                }
                _ => {
                    let text = "a domain has NOT NULL, DEFAULT and CHECK, and nothing else";
                    return Err(SqlError::new(Code::SyntaxError, text));
                }
            }
        }
        let base = declared.user_type.unwrap_or_else(|| declared.sql_type.oid());
        let kind = UserTypeKind::Domain { base, modifier: declared.modifier, not_null, default, checks };
        self.put_type(&schema, &name.name, kind)
    }

    /// A table that has nothing but VALUE.
    fn value_table(&self, declared: &DeclaredType) -> Result<Table, SqlError> {
        let column = Column {
            modifier: declared.modifier,
            user_type: declared.user_type,
            ..Column::new(1, "value", declared.sql_type)
        };
        let catalog = self.catalog();
        let schema = self.database(&catalog)?.schemas.keys().next().cloned().unwrap_or_default();
        let table = self.new_table(&schema, "value of a domain", false)?;
        let relational = table.relational.clone();
        Ok(Table { relational, ..Table::new(table.oid, &schema, &table.name, Scope::Relational, "", vec![column]) })
    }

    /// A condition of a domain.
    pub(super) async fn domain_check(
        &self,
        domain: &str,
        name: Option<&str>,
        text: &InnerQuery,
        declared: &DeclaredType,
        others: &[Constraint],
    ) -> Result<Constraint, SqlError> {
        let value = self.value_table(declared)?;
        let trial = self.with_table(&value)?;
        let truth = DeclaredType::plain(SqlType::Bool);
        let (written, planned) = self.expression(text, Purpose::Check, &value, Some(&truth), &trial).await?;
        if planned.sql_type != SqlType::Bool {
            let text = "argument of CHECK must be type boolean";
            return Err(SqlError::new(Code::DatatypeMismatch, text));
        }
        let taken = |name: &str| others.iter().any(|other| other.name == name);
        let name = match name {
            Some(name) if taken(name) => {
                let text = format!("constraint \"{name}\" for domain \"{domain}\" already exists");
                return Err(SqlError::new(Code::DuplicateObject, text));
            }
            Some(name) => name.to_owned(),
            None => free_name(domain, None, "check", taken),
        };
        let rule = KeptRule::Check { expression: written.sql };
        Ok(Constraint { oid: self.new_oid()?, name, rule, columns: Vec::new(), comment: String::new() })
    }

    /// ALTER TYPE ... ADD VALUE.
    pub(super) fn add_label(
        &mut self,
        kind: &UserType,
        label: &str,
        if_not_exists: bool,
        beside: Option<&(String, bool)>,
    ) -> Result<(), SqlError> {
        check_label(label)?;
        let mut changed = kind.clone();
        let UserTypeKind::Enum { labels } = &mut changed.kind else { return Err(not_an_enum(kind)) };
        if labels.iter().any(|known| known.label == label) {
            let text = format!("enum label \"{label}\" already exists");
            if if_not_exists {
                self.notice(Code::DuplicateObject, format!("{text}, skipping"));
                return Ok(());
            }
            return Err(SqlError::new(Code::DuplicateObject, text));
        }
        let place = match beside {
            None => labels.len(),
            Some((neighbour, before)) => {
                let found = labels.iter().position(|known| known.label == *neighbour);
                let unknown = || {
                    let text = format!("\"{neighbour}\" is not an existing enum label");
                    SqlError::new(Code::InvalidParameterValue, text)
                };
                found.ok_or_else(unknown)? + usize::from(!before)
            }
        };
        let made = EnumLabel { oid: self.new_oid()?, label: label.to_owned() };
        labels.insert(place, made);
        self.put(changed.oid, Object::Type(changed))
    }

    /// ALTER TYPE ... RENAME VALUE is refused where rows may have the label, which they keep as text.
    pub(super) fn rename_label(&self, kind: &UserType, old: &str, new: &str) -> Result<(), SqlError> {
        check_label(new)?;
        let mut changed = kind.clone();
        let UserTypeKind::Enum { labels } = &mut changed.kind else { return Err(not_an_enum(kind)) };
        if labels.iter().any(|known| known.label == new) {
            return Err(SqlError::new(Code::DuplicateObject, format!("enum label \"{new}\" already exists")));
        }
        let Some(label) = labels.iter_mut().find(|known| known.label == old) else {
            let text = format!("\"{old}\" is not an existing enum label");
            return Err(SqlError::new(Code::InvalidParameterValue, text));
        };
        new.clone_into(&mut label.label);
        let catalog = self.catalog();
        let of_type = |column: &Column| column.user_type.is_some_and(|oid| oid == kind.oid || oid == kind.array_oid);
        let user = catalog.relational_tables().find(|table| table.columns.iter().any(of_type));
        if let Some(table) = user {
            let text =
                format!("a label of type \"{}\" cannot be renamed while table \"{}\" uses it", kind.name, table.name);
            return Err(SqlError::new(Code::FeatureNotSupported, text));
        }
        self.put(changed.oid, Object::Type(changed))
    }

    /// A change of a domain's default, NOT NULL or conditions.
    pub(super) async fn alter_domain(
        &self,
        kind: &UserType,
        change: &crate::planner::definition::ObjectChange,
    ) -> Result<(), SqlError> {
        use crate::planner::definition::ObjectChange;
        let declared = DeclaredType { user_type: None, ..of_user_type(kind)? };
        let catalog = self.catalog();
        let mut changed = kind.clone();
        let UserTypeKind::Domain { not_null, default, checks, .. } = &mut changed.kind else {
            let text = format!("\"{}\" is not a domain", kind.name);
            return Err(SqlError::new(Code::WrongObjectType, text));
        };
        let of_type = |column: &Column| column.user_type == Some(kind.oid);
        let in_use = catalog.relational_tables().any(|table| table.columns.iter().any(of_type));
        match change {
            ObjectChange::Default(None) => *default = None,
            ObjectChange::Default(Some(text)) => {
                let value = self.value_table(&declared)?;
                *default = Some(self.default_of(text, &value.columns[0], &value, &catalog).await?);
            }
            ObjectChange::NotNull(false) => *not_null = false,
            ObjectChange::NotNull(true) | ObjectChange::AddCheck(..) if in_use => {
                let text = format!("domain \"{}\" cannot get another condition while tables use it", kind.name);
                return Err(SqlError::new(Code::FeatureNotSupported, text));
            }
            ObjectChange::NotNull(true) => *not_null = true,
            ObjectChange::AddCheck(name, text) => {
                let check = self.domain_check(&kind.name, name.as_deref(), text, &declared, checks).await?;
                checks.push(check);
            }
            ObjectChange::DropCheck { name, if_exists } => {
                let before = checks.len();
                checks.retain(|check| check.name != *name);
                if checks.len() == before && !if_exists {
                    let text = format!("constraint \"{name}\" of domain \"{}\" does not exist", kind.name);
                    return Err(SqlError::new(Code::UndefinedObject, text));
                }
            }
            _ => {}
        }
        self.put(changed.oid, Object::Type(changed))
    }
}

fn check_label(label: &str) -> Result<(), SqlError> {
    if label.is_empty() || label.len() > LABEL_BYTES_MAX {
        return Err(SqlError::new(Code::InvalidName, format!("invalid enum label \"{label}\""))
            .with_detail(format!("Labels must be {LABEL_BYTES_MAX} bytes or less.")));
    }
    Ok(())
}

fn not_an_enum(kind: &UserType) -> SqlError {
    SqlError::new(Code::WrongObjectType, format!("{} is not an enum", kind.name))
}
