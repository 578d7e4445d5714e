//! Constraints of tables: keys with their indexes, CHECK, foreign keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Definer;
use super::object_names::{free_name, is_constraint, is_relation};
use super::tables::column_named;
use crate::catalog::{Catalog, Constraint, Index, IndexKey, Rule, Scope, Table, UserTypeKind};
use crate::planner::definition::{Reference, TableConstraint, TableRule};
use crate::planner::{DeclaredType, InnerQuery, Purpose, Relation};
use crate::types::{Code, SqlError, SqlType};

/// Most columns of an index.
const KEYS_MAX: usize = 32;

impl Definer {
    /// Adds primary key and UNIQUE constraints with their indexes.
    pub(super) fn add_keys(&self, table: &mut Table, constraints: &[TableConstraint]) -> Result<(), SqlError> {
        let primaries = |constraint: &&TableConstraint| matches!(constraint.rule, TableRule::Key { primary: true, .. });
        let (first, rest): (Vec<_>, Vec<_>) = constraints.iter().partition(primaries);
        for constraint in first.into_iter().chain(rest) {
            let TableRule::Key { primary, nulls_not_distinct, columns, include } = &constraint.rule else { continue };
            self.add_key(table, constraint.name.as_deref(), *primary, *nulls_not_distinct, columns, include)?;
        }
        Ok(())
    }

    fn add_key(
        &self,
        table: &mut Table,
        name: Option<&str>,
        primary: bool,
        nulls_not_distinct: bool,
        columns: &[String],
        include: &[String],
    ) -> Result<(), SqlError> {
        let has_primary =
            table.constraints().iter().any(|constraint| matches!(constraint.rule, Rule::PrimaryKey { .. }));
        if primary && has_primary {
            let text = format!("multiple primary keys for table \"{}\" are not allowed", table.name);
            return Err(SqlError::new(Code::InvalidTableDefinition, text));
        }
        let numbers = key_columns(table, columns, if primary { "primary key" } else { "unique" })?;
        let carried = key_columns(table, include, "unique")?;
        let name = self.key_name(table, name, primary, columns)?;
        if primary {
            for column in table.columns.iter_mut().filter(|column| numbers.contains(&column.number)) {
                column.not_null = true;
            }
        }
        let (oid, index) = (self.new_oid()?, self.new_oid()?);
        let keys = numbers.iter().map(|number| IndexKey {
            column: Some(*number),
            expression: None,
            descending: false,
            nulls_first: false,
        });
        let made = Index {
            oid: index,
            name: name.clone(),
            unique: true,
            nulls_not_distinct,
            keys: keys.collect(),
            include: carried,
            predicate: None,
            comment: String::new(),
        };
        let rule = if primary { Rule::PrimaryKey { index } } else { Rule::Unique { index } };
        let constraint = Constraint { oid, name, rule, columns: numbers, comment: String::new() };
        if let Some(relational) = &mut table.relational {
            relational.indexes.push(made);
            relational.constraints.push(constraint);
        }
        Ok(())
    }

    fn key_name(
        &self,
        table: &Table,
        given: Option<&str>,
        primary: bool,
        columns: &[String],
    ) -> Result<String, SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let own = |name: &str| {
            table.indexes().iter().any(|index| index.name == name)
                || table.constraints().iter().any(|constraint| constraint.name == name)
        };
        if let Some(name) = given {
            if table.constraints().iter().any(|constraint| constraint.name == name) {
                return Err(duplicate_constraint(name, table));
            }
            if is_relation(database, &table.schema, name) || own(name) || name == table.name {
                let text = format!("relation \"{name}\" already exists");
                return Err(SqlError::new(Code::DuplicateTable, text));
            }
            return Ok(name.to_owned());
        }
        let taken = |name: &str| {
            is_relation(database, &table.schema, name) || own(name) || is_constraint(database, &table.schema, name)
        };
        let joined = columns.join("_");
        let (second, label) = if primary { (None, "pkey") } else { (Some(joined.as_str()), "key") };
        Ok(free_name(&table.name, second, label, taken))
    }

    /// Adds a CHECK constraint.
    pub(super) async fn add_check(
        &self,
        table: &mut Table,
        name: Option<&str>,
        text: &InnerQuery,
        trial: &Arc<Catalog>,
    ) -> Result<(), SqlError> {
        let truth = DeclaredType::plain(SqlType::Bool);
        let (written, planned) = self.expression(text, Purpose::Check, table, Some(&truth), trial).await?;
        if !matches!(planned.sql_type, SqlType::Bool | SqlType::Unknown) {
            let names = self.names(trial)?;
            let message = format!("argument of CHECK must be type boolean, not type {}", names.told(&planned));
            return Err(SqlError::new(Code::DatatypeMismatch, message).at(super::expressions::beginning(text)));
        }
        let columns: Vec<i16> = written
            .columns
            .iter()
            .map(|name| column_named(table, name).map(|column| column.number))
            .collect::<Result<_, _>>()?;
        let only = match written.columns.len() {
            1 => written.columns.first().map(String::as_str),
            _ => None,
        };
        let name = self.constraint_name(table, name, only, "check")?;
        let constraint = Constraint {
            oid: self.new_oid()?,
            name,
            rule: Rule::Check { expression: written.sql },
            columns,
            comment: String::new(),
        };
        if let Some(relational) = &mut table.relational {
            relational.constraints.push(constraint);
        }
        Ok(())
    }

    /// The given name if it is free in the table, else one that is made.
    fn constraint_name(
        &self,
        table: &Table,
        given: Option<&str>,
        second: Option<&str>,
        label: &str,
    ) -> Result<String, SqlError> {
        let own = |name: &str| table.constraints().iter().any(|constraint| constraint.name == name);
        if let Some(name) = given {
            return if own(name) { Err(duplicate_constraint(name, table)) } else { Ok(name.to_owned()) };
        }
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let taken = |name: &str| own(name) || is_constraint(database, &table.schema, name);
        Ok(free_name(&table.name, second, label, taken))
    }

    /// Adds a foreign key.
    pub(super) fn add_foreign_key(
        &self,
        table: &mut Table,
        name: Option<&str>,
        columns: &[String],
        reference: &Reference,
    ) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let other = self.referenced_table(&catalog, table, reference)?;
        let numbers = foreign_columns(table, columns)?;
        let referenced = if reference.columns.is_empty() {
            primary_key(&other)?
        } else {
            foreign_columns(&other, &reference.columns)?
        };
        if numbers.len() != referenced.len() {
            let text = "number of referencing and referenced columns for foreign key disagree";
            return Err(SqlError::new(Code::InvalidForeignKey, text));
        }
        if !is_unique(&other, &referenced) {
            let text =
                format!("there is no unique constraint matching given keys for referenced table \"{}\"", other.name);
            return Err(SqlError::new(Code::InvalidForeignKey, text));
        }
        let name = self.constraint_name(table, name, Some(&columns.join("_")), "fkey")?;
        self.check_comparable(&catalog, table, &other, (&numbers, &referenced), &name)?;
        let rule = Rule::ForeignKey {
            table: other.oid,
            referenced,
            on_update: reference.on_update,
            on_delete: reference.on_delete,
        };
        let constraint = Constraint { oid: self.new_oid()?, name, rule, columns: numbers, comment: String::new() };
        if let Some(relational) = &mut table.relational {
            relational.constraints.push(constraint);
        }
        Ok(())
    }

    /// The other table of a foreign key, which may be the table itself.
    fn referenced_table(&self, catalog: &Catalog, table: &Table, reference: &Reference) -> Result<Table, SqlError> {
        let written = &reference.table;
        let is_itself = written.name == table.name && written.schema.as_ref().is_none_or(|own| *own == table.schema);
        let found = if is_itself { None } else { Some(self.names(catalog)?.relation(written)?) };
        let other = match found {
            None => table.clone(),
            Some(Relation::Table(other)) if other.scope == Scope::Relational => other.as_ref().clone(),
            Some(found) => {
                let text = format!("referenced relation \"{}\" is not a table", found.name());
                return Err(SqlError::new(Code::WrongObjectType, text));
            }
        };
        let temporary = |table: &Table| table.relational.as_ref().is_some_and(|relational| relational.temporary);
        match (temporary(table), temporary(&other)) {
            (false, true) => {
                let text = "constraints on permanent tables may reference only permanent tables";
                Err(SqlError::new(Code::InvalidTableDefinition, text))
            }
            (true, false) => {
                let text = "constraints on temporary tables may reference only temporary tables";
                Err(SqlError::new(Code::InvalidTableDefinition, text))
            }
            _ => Ok(other),
        }
    }

    /// Each pair of columns must be of types that can be equal.
    pub(super) fn check_comparable(
        &self,
        catalog: &Catalog,
        table: &Table,
        other: &Table,
        (columns, referenced): (&[i16], &[i16]),
        name: &str,
    ) -> Result<(), SqlError> {
        for (own, foreign) in columns.iter().zip(referenced) {
            let (Some(own), Some(foreign)) = (table.column(*own), other.column(*foreign)) else { continue };
            let (first, second) = (DeclaredType::of_column(own), DeclaredType::of_column(foreign));
            let bare = |declared: &DeclaredType| {
                declared.user_type.filter(|oid| {
                    !catalog.type_by_oid(*oid).is_some_and(|made| matches!(made.kind, UserTypeKind::Domain { .. }))
                })
            };
            let alike = bare(&first) == bare(&second)
                && (first.sql_type == second.sql_type
                    || (first.sql_type.is_text() && second.sql_type.is_text())
                    || (first.sql_type.is_number() && second.sql_type.is_number()));
            if !alike {
                let names = self.names(catalog)?;
                let text = format!("foreign key constraint \"{name}\" cannot be implemented");
                let detail = format!(
                    "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                    own.name,
                    foreign.name,
                    names.told(&first),
                    names.told(&second)
                );
                return Err(SqlError::new(Code::DatatypeMismatch, text).with_detail(detail));
            }
        }
        Ok(())
    }
}

fn duplicate_constraint(name: &str, table: &Table) -> SqlError {
    let text = format!("constraint \"{name}\" for relation \"{}\" already exists", table.name);
    SqlError::new(Code::DuplicateObject, text)
}

/// Numbers of the columns of a key.
fn key_columns(table: &Table, columns: &[String], what: &str) -> Result<Vec<i16>, SqlError> {
    if columns.len() > KEYS_MAX {
        let text = format!("cannot use more than {KEYS_MAX} columns in an index");
        return Err(SqlError::new(Code::TooManyColumns, text));
    }
    let (mut numbers, mut seen) = (Vec::new(), BTreeSet::new());
    for name in columns {
        let column = table.columns.iter().find(|column| column.name == *name).ok_or_else(|| {
            SqlError::new(Code::UndefinedColumn, format!("column \"{name}\" named in key does not exist"))
        })?;
        if !seen.insert(name) {
            let text = format!("column \"{name}\" appears twice in {what} constraint");
            return Err(SqlError::new(Code::DuplicateColumn, text));
        }
        numbers.push(column.number);
    }
    Ok(numbers)
}

fn foreign_columns(table: &Table, columns: &[String]) -> Result<Vec<i16>, SqlError> {
    let number = |name: &String| {
        let column = table.columns.iter().find(|column| column.name == *name);
        column.map(|column| column.number).ok_or_else(|| {
            let text = format!("column \"{name}\" referenced in foreign key constraint does not exist");
            SqlError::new(Code::UndefinedColumn, text)
        })
    };
    columns.iter().map(number).collect()
}

fn primary_key(table: &Table) -> Result<Vec<i16>, SqlError> {
    let found = table.constraints().iter().find(|constraint| matches!(constraint.rule, Rule::PrimaryKey { .. }));
    found.map(|constraint| constraint.columns.clone()).ok_or_else(|| {
        let text = format!("there is no primary key for referenced table \"{}\"", table.name);
        SqlError::new(Code::UndefinedObject, text)
    })
}

/// A unique index is over exactly these columns.
fn is_unique(table: &Table, columns: &[i16]) -> bool {
    let wanted: BTreeSet<i16> = columns.iter().copied().collect();
    table.indexes().iter().any(|index| {
        let keys: Option<BTreeSet<i16>> = index.keys.iter().map(|key| key.column).collect();
        index.unique && index.predicate.is_none() && keys.is_some_and(|keys| keys == wanted)
    })
}
