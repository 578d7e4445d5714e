//! ALTER of one object: names, owners, schemas, labels, options.

use super::Definer;
use super::comments::not_owner;
use crate::catalog::{Object, Scope};
use crate::planner::Relation;
use crate::planner::definition::{ObjectChange, ObjectKind, QualifiedName};
use crate::types::{Code, SqlError};

impl Definer {
    /// ALTER of one object.
    pub(super) async fn alter(
        &mut self,
        kind: ObjectKind,
        name: &QualifiedName,
        if_exists: bool,
        change: &ObjectChange,
    ) -> Result<(), SqlError> {
        let altered = match kind {
            ObjectKind::Database => self.alter_database(&name.name, change),
            ObjectKind::Schema => self.alter_schema(&name.name, change),
            ObjectKind::Type | ObjectKind::Domain => self.alter_type(name, change).await,
            _ => self.alter_relation(kind, name, change),
        };
        match altered {
            Err(error) if if_exists && error.code == Code::UndefinedTable => {
                self.notice(Code::SuccessfulCompletion, format!("{}, skipping", error.message));
                Ok(())
            }
            altered => altered,
        }
    }

    fn alter_database(&mut self, name: &str, change: &ObjectChange) -> Result<(), SqlError> {
        if *change == ObjectChange::Nothing {
            let catalog = self.catalog();
            let known = catalog.databases.contains_key(name);
            let text = format!("database \"{name}\" does not exist");
            return if known { Ok(()) } else { Err(SqlError::new(Code::InvalidCatalogName, text)) };
        }
        let mut entry = self.database_entry(name)?;
        let Object::Database(database) = &mut entry.object else { return Ok(()) };
        match change {
            ObjectChange::Rename(new) => {
                if *name == self.context.settings.current_database {
                    return Err(SqlError::new(Code::FeatureNotSupported, "current database cannot be renamed"));
                }
                if self.catalog().databases.contains_key(new) {
                    let text = format!("database \"{new}\" already exists");
                    return Err(SqlError::new(Code::DuplicateDatabase, text));
                }
                database.name.clone_from(new);
            }
            ObjectChange::Owner(owner) => database.owner = Some(self.role(owner)?),
            _ => return Err(SqlError::new(Code::FeatureNotSupported, "ALTER DATABASE of this kind is not supported")),
        }
        self.data.put(entry)
    }

    fn alter_schema(&mut self, name: &str, change: &ObjectChange) -> Result<(), SqlError> {
        let mut entry = self.schema_entry(name)?;
        let Object::Schema(schema) = &mut entry.object else { return Ok(()) };
        match change {
            ObjectChange::Rename(new) => {
                let catalog = self.catalog();
                let database = self.database(&catalog)?;
                if database.schemas.contains_key(new) {
                    let text = format!("schema \"{new}\" already exists");
                    return Err(SqlError::new(Code::DuplicateSchema, text));
                }
                if new.starts_with("pg_") {
                    let text = format!("unacceptable schema name \"{new}\"");
                    return Err(SqlError::new(Code::ReservedName, text)
                        .with_detail("The prefix \"pg_\" is reserved for system schemas."));
                }
                let has_built_in = database.schemas.get(name).is_some_and(|schema| {
                    schema.tables.values().any(|table| table.scope != Scope::Relational)
                        || schema.views.values().any(|view| view.owner.is_none())
                });
                if has_built_in {
                    return Err(not_owner("schema", name));
                }
                schema.name.clone_from(new);
                self.data.put(entry)?;
                return self.rename_schema_in_texts(name, new);
            }
            ObjectChange::Owner(owner) => schema.owner = Some(self.role(owner)?),
            _ => return Err(SqlError::new(Code::FeatureNotSupported, "ALTER SCHEMA of this kind is not supported")),
        }
        self.data.put(entry)
    }

    async fn alter_type(&mut self, name: &QualifiedName, change: &ObjectChange) -> Result<(), SqlError> {
        let mut kind = self.own_type(name)?;
        match change {
            ObjectChange::Rename(new) => {
                let (old, schema) = (kind.name.clone(), kind.schema.clone());
                self.check_free(&schema, new, "type")?;
                kind.name.clone_from(new);
                self.put(kind.oid, Object::Type(kind))?;
                self.rename_in_texts((&schema, &old), (&schema, new))
            }
            ObjectChange::SetSchema(new) => {
                let (old, name) = (kind.schema.clone(), kind.name.clone());
                let new = self.checked_schema(new)?;
                self.check_free(&new, &name, "type")?;
                kind.schema.clone_from(&new);
                self.put(kind.oid, Object::Type(kind))?;
                self.rename_in_texts((&old, &name), (&new, &name))
            }
            ObjectChange::Owner(owner) => {
                kind.owner = self.role(owner)?;
                self.put(kind.oid, Object::Type(kind))
            }
            ObjectChange::AddLabel { label, if_not_exists, beside } => {
                self.add_label(&kind, label, *if_not_exists, beside.as_ref())
            }
            ObjectChange::RenameLabel(old, new) => self.rename_label(&kind, old, new),
            change => self.alter_domain(&kind, change).await,
        }
    }

    fn alter_relation(
        &mut self,
        kind: ObjectKind,
        name: &QualifiedName,
        change: &ObjectChange,
    ) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let found = self.names(&catalog)?.relation(name)?;
        // ALTER TABLE may name any relation where only names and owners change.
        let general = kind == ObjectKind::Table
            && !matches!(change, ObjectChange::RenameConstraint(..) | ObjectChange::Sequence(_));
        if found.word() != kind.word() && !general {
            let article = if kind == ObjectKind::Index { "an" } else { "a" };
            let text = format!("\"{}\" is not {article} {}", found.name(), kind.word());
            return Err(SqlError::new(Code::WrongObjectType, text));
        }
        let is_built_in = match &found {
            Relation::Table(table) | Relation::Index(table, _) => table.scope != Scope::Relational,
            Relation::View(view) => view.owner.is_none(),
            Relation::Sequence(_) => false,
        };
        if is_built_in {
            return Err(not_owner(found.word(), found.name()));
        }
        match change {
            ObjectChange::Rename(new) => self.rename_relation(&found, new),
            ObjectChange::RenameColumn(old, new) => self.rename_column(&found, old, new),
            ObjectChange::RenameConstraint(old, new) => self.rename_constraint(&found, old, new),
            ObjectChange::SetSchema(new) => self.move_relation(&found, new),
            ObjectChange::Owner(owner) => {
                let owner = self.role(owner)?;
                self.set_owner(&found, &owner)
            }
            ObjectChange::Sequence(options) => match &found {
                Relation::Sequence(sequence) => self.alter_sequence(sequence, options),
                _ => Ok(()),
            },
            ObjectChange::Nothing => Ok(()),
            _ => Err(SqlError::new(Code::FeatureNotSupported, "ALTER of this kind is not supported")),
        }
    }

    pub(super) fn set_owner(&self, found: &Relation, owner: &str) -> Result<(), SqlError> {
        match found {
            Relation::Table(table) => {
                let mut table = table.as_ref().clone();
                if let Some(relational) = &mut table.relational {
                    owner.clone_into(&mut relational.owner);
                }
                let oid = table.oid;
                self.put_table(table)?;
                let catalog = self.catalog();
                for sequence in catalog.sequences_of(oid) {
                    let changed = crate::catalog::Sequence { owner: owner.to_owned(), ..sequence.as_ref().clone() };
                    self.put(changed.oid, Object::Sequence(changed))?;
                }
                Ok(())
            }
            Relation::View(view) => {
                let view = crate::catalog::View { owner: Some(owner.to_owned()), ..view.as_ref().clone() };
                self.put(view.oid, Object::View(view))
            }
            Relation::Sequence(sequence) => {
                let sequence = crate::catalog::Sequence { owner: owner.to_owned(), ..sequence.as_ref().clone() };
                self.put(sequence.oid, Object::Sequence(sequence))
            }
            Relation::Index(..) => Ok(()),
        }
    }
}
