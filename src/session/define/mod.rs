//! Carries out statements that define things: names are looked up, definitions checked and put into the transaction.
//!
//! Expressions and queries are written and planned by `planner` over a catalog that already has what is being
//! defined, so that every mistake is told before anything is kept. What goes wrong half-way is taken back with the
//! transaction.

mod alter;
mod column_changes;
mod columns;
mod comments;
mod constraints;
mod databases;
mod dependencies;
mod drops;
mod expressions;
mod fill;
mod indexes;
mod maintain;
mod object_names;
mod renames;
mod sequences;
mod table_changes;
mod tables;
mod types;
mod views;

use std::sync::Arc;

use super::Session;
use super::commands::done;
use super::data::Data;
use super::interrupt::Interrupt;
use super::notice::Notice;
use super::rows::Execution;
use super::transaction::TransactionStatus;
use crate::catalog::{Catalog, Database, Entry, Object, Table};
use crate::execution::MissingNodes;
use crate::planner::definition::{Definition, ObjectKind};
use crate::planner::{CURRENT_ROLE, Names, Planner, Relations, StatementContext};
use crate::types::{Code, NodeName, SqlError};

impl Session {
    /// CREATE, ALTER, DROP and what is like them.
    pub(super) async fn define(
        &mut self,
        definition: &Definition,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let in_block = self.transaction.status() != TransactionStatus::Idle;
        if in_block && let Some(what) = alone(definition) {
            let text = format!("{what} cannot run inside a transaction block");
            return Err(SqlError::new(Code::ActiveSqlTransaction, text));
        }
        if let Definition::Lock { .. } = definition
            && !in_block
        {
            return Err(super::transaction::outside_block("LOCK TABLE"));
        }
        if !matches!(definition, Definition::Maintain { .. }) {
            self.start_writing(&tag(definition), interrupt).await?;
        }
        let mut context = self.context(interrupt);
        // What is written must be whole: nobody would see later that rows were missing.
        context.missing_nodes = MissingNodes::Error;
        let mut definer = Definer {
            planner: Arc::clone(&self.shared.planner),
            data: self.data.clone(),
            home: self.shared.store.node().clone(),
            user: self.user.clone(),
            temporary: temporary_schema(context.backend_pid),
            context,
            notices: Vec::new(),
            dropped_on_commit: Vec::new(),
        };
        // What it awaits is large, and would lie on the stack.
        let done_with = interrupt.guard(Box::pin(definer.apply(definition))).await;
        for table in std::mem::take(&mut definer.dropped_on_commit) {
            self.add_effect(super::effects::Effect::DropTable(table))?;
        }
        definer.notices.into_iter().for_each(|notice| self.notify(notice));
        done_with.map(|tag| done(&tag))
    }
}

impl Session {
    /// The search path; the session's temporary objects, where there are some, come before everything else.
    pub(super) fn searched_schemas(&self) -> Vec<String> {
        let temporary = temporary_schema(self.entry.key().pid);
        let catalog = self.data.catalog();
        let database = catalog.databases.get(&self.database);
        let is_there = database.is_some_and(|database| database.schemas.contains_key(&temporary));
        is_there.then_some(temporary).into_iter().chain(self.settings.search_path()).collect()
    }
}

/// The schema of a session's temporary objects.
pub(super) fn temporary_schema(pid: i32) -> String {
    format!("pg_temp_{pid}")
}

/// What the statement is called where it may not stand inside a transaction block.
fn alone(definition: &Definition) -> Option<String> {
    match definition {
        Definition::CreateDatabase { .. } => Some(String::from("CREATE DATABASE")),
        Definition::Drop { kind: ObjectKind::Database, .. } => Some(String::from("DROP DATABASE")),
        Definition::CreateIndex(index) if index.concurrently => Some(String::from("CREATE INDEX CONCURRENTLY")),
        Definition::Maintain { tag, alone: true, .. } => Some((*tag).to_owned()),
        _ => None,
    }
}

/// What the client is told when the statement is done.
fn tag(definition: &Definition) -> String {
    match definition {
        Definition::CreateDatabase { .. } => String::from("CREATE DATABASE"),
        Definition::CreateSchema { .. } => String::from("CREATE SCHEMA"),
        Definition::CreateTable(_) => String::from("CREATE TABLE"),
        Definition::CreateTableAs(_) => String::from("CREATE TABLE AS"),
        Definition::CreateView(_) => String::from("CREATE VIEW"),
        Definition::CreateIndex(_) => String::from("CREATE INDEX"),
        Definition::CreateSequence { .. } => String::from("CREATE SEQUENCE"),
        Definition::CreateEnum { .. } => String::from("CREATE TYPE"),
        Definition::CreateDomain { .. } => String::from("CREATE DOMAIN"),
        Definition::Alter { kind, .. } => kind.tag("ALTER"),
        Definition::AlterTable { .. } => String::from("ALTER TABLE"),
        Definition::Drop { kind, .. } => kind.tag("DROP"),
        Definition::Comment { .. } => String::from("COMMENT"),
        Definition::Maintain { tag, .. } => (*tag).to_owned(),
        Definition::Lock { .. } => String::from("LOCK TABLE"),
    }
}

/// Carries out one statement.
struct Definer {
    planner: Arc<Planner>,
    data: Data,
    context: StatementContext,
    home: NodeName,
    user: String,
    /// The schema of the session's temporary objects, there or not.
    temporary: String,
    notices: Vec<Notice>,
    /// Tables that go with the transaction.
    dropped_on_commit: Vec<u32>,
}

impl Definer {
    /// Carries out the statement; gives its tag.
    async fn apply(&mut self, definition: &Definition) -> Result<String, SqlError> {
        match definition {
            Definition::CreateDatabase { name, owner, options } => {
                self.create_database(name, owner.as_deref(), options)?;
            }
            Definition::CreateSchema { name, owner, if_not_exists } => {
                self.create_schema(name.as_deref(), owner.as_deref(), *if_not_exists)?;
            }
            Definition::CreateTable(table) => Box::pin(self.create_table(table)).await?,
            Definition::CreateTableAs(table) => return Box::pin(self.create_table_as(table)).await,
            Definition::CreateView(view) => Box::pin(self.create_view(view)).await?,
            Definition::CreateIndex(index) => Box::pin(self.create_index(index)).await?,
            Definition::CreateSequence { name, options, temporary, if_not_exists } => {
                self.create_sequence(name, options, *temporary, *if_not_exists)?;
            }
            Definition::CreateEnum { name, labels } => self.create_enum(name, labels)?,
            Definition::CreateDomain { name, base, rules } => Box::pin(self.create_domain(name, base, rules)).await?,
            Definition::Alter { kind, name, if_exists, change } => {
                Box::pin(self.alter(*kind, name, *if_exists, change)).await?;
            }
            Definition::AlterTable { name, if_exists, changes } => {
                Box::pin(self.alter_table(name, *if_exists, changes)).await?
            }
            Definition::Drop { kind, names, if_exists, cascade } => {
                self.drop_all(*kind, names, *if_exists, *cascade)?
            }
            Definition::Comment { target, text } => self.comment(target, text.as_deref())?,
            Definition::Maintain { targets, .. } => self.maintain(targets)?,
            Definition::Lock { names } => self.lock(names)?,
        }
        Ok(tag(definition))
    }

    /// What exists now, with what this statement has made already.
    fn catalog(&self) -> Arc<Catalog> {
        self.data.catalog()
    }

    fn database<'a>(&self, catalog: &'a Catalog) -> Result<&'a Database, SqlError> {
        let name = &self.context.settings.current_database;
        let gone = || SqlError::new(Code::InvalidCatalogName, format!("database \"{name}\" does not exist"));
        catalog.databases.get(name).ok_or_else(gone)
    }

    fn names<'a>(&'a self, catalog: &'a Catalog) -> Result<Names<'a>, SqlError> {
        let database = self.database(catalog)?;
        Ok(Names { catalog, database, search_path: &self.context.search_path, temporary: &self.temporary })
    }

    fn new_oid(&self) -> Result<u32, SqlError> {
        self.data.with(|transaction| transaction.new_oid())
    }

    /// Makes or changes an object of this database.
    fn put(&self, oid: u32, object: Object) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?.oid;
        self.data.put(Entry { oid, database, object })
    }

    fn put_table(&self, table: Table) -> Result<(), SqlError> {
        self.put(table.oid, Object::Table(table))
    }

    fn drop_object(&self, oid: u32) -> Result<(), SqlError> {
        self.data.drop_entry(oid)
    }

    /// The role that a statement names as owner.
    fn role(&self, written: &str) -> Result<String, SqlError> {
        if written == CURRENT_ROLE || written == self.user {
            return Ok(self.user.clone());
        }
        if self.planner.has_role(written) {
            return Ok(written.to_owned());
        }
        Err(SqlError::new(Code::UndefinedObject, format!("role \"{written}\" does not exist")))
    }

    fn notice(&mut self, code: Code, text: String) {
        self.notices.push(Notice { sqlstate: code.sqlstate(), ..Notice::told(text) });
    }

    /// The schema in which something is made; the temporary one comes into being with its first object.
    fn target_schema(
        &self,
        name: &crate::planner::definition::QualifiedName,
        temporary: bool,
    ) -> Result<String, SqlError> {
        let catalog = self.catalog();
        let names = self.names(&catalog)?;
        let is_temporary = name.schema.as_deref() == Some(crate::planner::TEMPORARY);
        if !temporary && !is_temporary {
            return names.target_schema(name).map(str::to_owned);
        }
        if name.schema.is_some() && !is_temporary {
            let text = "cannot create temporary relation in non-temporary schema";
            return Err(SqlError::new(Code::InvalidTableDefinition, text));
        }
        if !names.database.schemas.contains_key(&self.temporary) {
            let oid = self.new_oid()?;
            let entry = crate::catalog::SchemaEntry {
                name: self.temporary.clone(),
                owner: Some(self.user.clone()),
                comment: String::new(),
                is_gone: false,
            };
            self.put(oid, Object::Schema(entry))?;
        }
        Ok(self.temporary.clone())
    }
}
