//! COMMENT ON.

use super::Definer;
use crate::catalog::{Column, Object, Scope, Table, UserTypeKind};
use crate::planner::definition::{CommentTarget, ObjectKind, QualifiedName};
use crate::planner::{Relation, no_schema};
use crate::types::{Code, SqlError};

impl Definer {
    /// COMMENT ON.
    pub(super) fn comment(&mut self, target: &CommentTarget, text: Option<&str>) -> Result<(), SqlError> {
        let text = text.unwrap_or_default();
        match target {
            CommentTarget::Object(kind, name) => self.comment_on_object(*kind, name, text),
            CommentTarget::Column(relation, column) => self.comment_on_column(relation, column, text),
            CommentTarget::Constraint(name, table) => {
                let mut table = self.own_table(table)?;
                let unknown = || {
                    let text = format!("constraint \"{name}\" for table \"{}\" does not exist", table.name);
                    SqlError::new(Code::UndefinedObject, text)
                };
                let place = table.constraints().iter().position(|constraint| constraint.name == *name);
                let place = place.ok_or_else(unknown)?;
                if let Some(relational) = &mut table.relational {
                    text.clone_into(&mut relational.constraints[place].comment);
                }
                self.put_table(table)
            }
            CommentTarget::DomainConstraint(name, domain) => {
                let mut kind = self.own_type(domain)?;
                if let UserTypeKind::Domain { checks, .. } = &mut kind.kind
                    && let Some(check) = checks.iter_mut().find(|check| check.name == *name)
                {
                    text.clone_into(&mut check.comment);
                    return self.put(kind.oid, Object::Type(kind));
                }
                let text = format!("constraint \"{name}\" for domain {} does not exist", kind.name);
                Err(SqlError::new(Code::UndefinedObject, text))
            }
        }
    }

    fn comment_on_object(&self, kind: ObjectKind, name: &QualifiedName, text: &str) -> Result<(), SqlError> {
        match kind {
            ObjectKind::Database => {
                let mut entry = self.database_entry(&name.name)?;
                if let Object::Database(database) = &mut entry.object {
                    text.clone_into(&mut database.comment);
                }
                self.data.put(entry)
            }
            ObjectKind::Schema => {
                let mut entry = self.schema_entry(&name.name)?;
                if let Object::Schema(schema) = &mut entry.object {
                    text.clone_into(&mut schema.comment);
                }
                self.data.put(entry)
            }
            ObjectKind::Type | ObjectKind::Domain => {
                let mut kind = self.own_type(name)?;
                text.clone_into(&mut kind.comment);
                self.put(kind.oid, Object::Type(kind))
            }
            ObjectKind::Table
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Index
            | ObjectKind::Sequence => self.comment_on_relation(kind, name, text),
        }
    }

    fn comment_on_relation(&self, kind: ObjectKind, name: &QualifiedName, text: &str) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let found = self.names(&catalog)?.relation(name)?;
        if found.word() != kind.word() {
            let text = format!("\"{}\" is not {} {}", found.name(), article(kind.word()), kind.word());
            return Err(SqlError::new(Code::WrongObjectType, text));
        }
        match found {
            Relation::Table(table) if table.scope == Scope::Relational => {
                self.put_table(Table { comment: text.to_owned(), ..table.as_ref().clone() })
            }
            Relation::View(view) if view.owner.is_some() => {
                let mut view = view.as_ref().clone();
                text.clone_into(&mut view.comment);
                self.put(view.oid, Object::View(view))
            }
            Relation::Sequence(sequence) => {
                let mut sequence = sequence.as_ref().clone();
                text.clone_into(&mut sequence.comment);
                self.put(sequence.oid, Object::Sequence(sequence))
            }
            Relation::Index(table, index) => {
                let mut table = table.as_ref().clone();
                let indexes = table.relational.iter_mut().flat_map(|relational| &mut relational.indexes);
                indexes.filter(|known| known.oid == index.oid).for_each(|known| text.clone_into(&mut known.comment));
                self.put_table(table)
            }
            found => Err(not_owner(found.word(), found.name())),
        }
    }

    fn comment_on_column(&self, relation: &QualifiedName, column: &str, text: &str) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let found = self.names(&catalog)?.relation(relation)?;
        let set = |columns: &mut Vec<Column>| {
            let unknown = || {
                let text = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
                SqlError::new(Code::UndefinedColumn, text)
            };
            let found = columns.iter_mut().find(|known| known.name == column).ok_or_else(unknown)?;
            text.clone_into(&mut found.comment);
            Ok(())
        };
        match found {
            Relation::Table(table) if table.scope == Scope::Relational => {
                let mut table = table.as_ref().clone();
                set(&mut table.columns)?;
                self.put_table(table)
            }
            Relation::View(view) if view.owner.is_some() => {
                let mut view = view.as_ref().clone();
                set(&mut view.columns)?;
                self.put(view.oid, Object::View(view))
            }
            found => Err(not_owner(found.word(), found.name())),
        }
    }

    /// A relational table by its name, to be changed.
    pub(super) fn own_table(&self, name: &QualifiedName) -> Result<Table, SqlError> {
        let catalog = self.catalog();
        match self.names(&catalog)?.relation(name)? {
            Relation::Table(table) if table.scope == Scope::Relational => {
                self.data.check_home("table", &table.name, table.oid)?;
                Ok(table.as_ref().clone())
            }
            Relation::Table(table) => Err(not_owner("table", &table.name)),
            found => {
                let text = format!("\"{}\" is not a table", found.name());
                Err(SqlError::new(Code::WrongObjectType, text))
            }
        }
    }

    /// A user's type by its name, to be changed.
    pub(super) fn own_type(&self, name: &QualifiedName) -> Result<crate::catalog::UserType, SqlError> {
        let catalog = self.catalog();
        let found = self.names(&catalog)?.find_type(name)?;
        let unknown = || SqlError::new(Code::UndefinedObject, format!("type \"{}\" does not exist", name.written()));
        let found = found.ok_or_else(unknown)?;
        self.data.check_home("type", &found.name, found.oid)?;
        Ok(found.as_ref().clone())
    }

    /// A database's entry.
    pub(super) fn database_entry(&self, name: &str) -> Result<crate::catalog::Entry, SqlError> {
        let catalog = self.catalog();
        let found = catalog.databases.get(name);
        let unknown = || SqlError::new(Code::InvalidCatalogName, format!("database \"{name}\" does not exist"));
        let found = found.ok_or_else(unknown)?;
        if found.oid == self.built_in_database() {
            return Err(not_owner("database", name));
        }
        catalog.entry(found.oid).ok_or_else(unknown)
    }

    /// The object id of the database that is there from the start.
    pub(super) fn built_in_database(&self) -> u32 {
        self.planner.built_in().databases.values().next().map_or(0, |database| database.oid)
    }

    /// A schema's entry.
    pub(super) fn schema_entry(&self, name: &str) -> Result<crate::catalog::Entry, SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let found = database.schemas.get(name).ok_or_else(|| no_schema(name))?;
        if name == crate::catalog::MESH {
            return Err(not_owner("schema", name));
        }
        catalog.schema_entry(database.oid, found.oid).ok_or_else(|| no_schema(name))
    }
}

/// The error for an object that is built in.
pub(super) fn not_owner(kind: &str, name: &str) -> SqlError {
    SqlError::new(Code::InsufficientPrivilege, format!("must be owner of {kind} {name}"))
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}
