//! CREATE TABLE.

use std::collections::BTreeSet;

use super::Definer;
use super::columns::{DraftColumn, Pending};
use super::object_names::is_relation;
use crate::catalog::{Relational, Scope, Table};
use crate::planner::definition::{
    ColumnDefinition, CreateTable, Including, QualifiedName, Rule, TableConstraint, TableElement, TableRule,
};
use crate::planner::{Purpose, Relation};
use crate::types::{Code, SqlError};

/// Most columns of a table.
const COLUMNS_MAX: usize = 1_600;

impl Definer {
    /// CREATE TABLE.
    pub(super) async fn create_table(&mut self, create: &CreateTable) -> Result<(), SqlError> {
        let schema = self.target_schema(&create.name, create.temporary)?;
        if self.is_taken(&schema, &create.name.name, create.if_not_exists)? {
            return Ok(());
        }
        self.check_options(&create.options)?;
        let mut table = self.new_table(&schema, &create.name.name, create.temporary)?;
        let mut pending = Pending::default();
        for element in &create.elements {
            match element {
                TableElement::Column(column) => self.draft_column(&mut table, column, &mut pending)?,
                TableElement::Constraint(constraint) => pending.constraints.push(constraint.clone()),
                TableElement::Like { table: other, including } => {
                    self.draft_like(&mut table, other, *including, &mut pending)?;
                }
            }
        }
        check_columns(&table)?;
        let table = self.complete(table, pending).await?;
        if create.dropped_on_commit {
            self.dropped_on_commit.push(table.oid);
        }
        Ok(())
    }

    /// Fails when a relation or type has the name; true when it is to be skipped.
    pub(super) fn is_taken(&mut self, schema: &str, name: &str, if_not_exists: bool) -> Result<bool, SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        if is_relation(database, schema, name) {
            let text = format!("relation \"{name}\" already exists");
            if if_not_exists {
                self.notice(Code::DuplicateTable, format!("{text}, skipping"));
                return Ok(true);
            }
            return Err(SqlError::new(Code::DuplicateTable, text));
        }
        if database.schemas.get(schema).is_some_and(|schema| schema.types.contains_key(name)) {
            let text = format!("type \"{name}\" already exists");
            let hint = "A relation has an associated type of the same name, so you must use a name that doesn't \
                conflict with any existing type.";
            return Err(SqlError::new(Code::DuplicateObject, text).with_hint(hint));
        }
        Ok(false)
    }

    /// Storage parameters: where the rows lie; those of PostgreSQL's own storage change nothing.
    pub(super) fn check_options(&self, options: &[(String, String)]) -> Result<(), SqlError> {
        for (name, value) in options {
            match name.as_str() {
                "home" if *value == self.home.as_str() => {}
                "home" => {
                    let text = format!("a table on node \"{value}\" cannot be made from here");
                    let hint = "Connect to that node to create the table.";
                    return Err(SqlError::new(Code::FeatureNotSupported, text).with_hint(hint));
                }
                "fillfactor" | "parallel_workers" | "toast_tuple_target" | "user_catalog_table" | "vacuum_truncate" => {
                }
                name if name.starts_with("autovacuum_") || name.starts_with("toast.") || name.starts_with("log_") => {}
                other => {
                    let text = format!("unrecognized parameter \"{other}\"");
                    return Err(SqlError::new(Code::InvalidParameterValue, text));
                }
            }
        }
        Ok(())
    }

    /// A table without columns.
    pub(super) fn new_table(&self, schema: &str, name: &str, temporary: bool) -> Result<Table, SqlError> {
        let oid = self.new_oid()?;
        let relational = Relational {
            home: self.home.clone(),
            owner: self.user.clone(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            columns_made: 0,
            temporary: temporary || schema == self.temporary,
        };
        let table = Table::new(oid, schema, name, Scope::Relational, "", Vec::new());
        Ok(Table { relational: Some(relational), ..table })
    }

    /// Adds a column without what its rules need an expression for.
    pub(super) fn draft_column(
        &mut self,
        table: &mut Table,
        definition: &ColumnDefinition,
        pending: &mut Pending,
    ) -> Result<(), SqlError> {
        let DraftColumn { column, rules } = self.column(table, definition)?;
        for rule in rules {
            let constraint = |rule| TableConstraint { name: None, rule };
            let name = column.name.clone();
            match rule.rule {
                Rule::NotNull | Rule::Null => {}
                Rule::Default(text) => pending.defaults.push((name, text)),
                Rule::Generated(text) => pending.generated.push((name, text)),
                Rule::Identity(_, options) => pending.sequences.push((name, *options, true)),
                Rule::Check(text) => {
                    let named = TableConstraint { name: rule.name, rule: TableRule::Check(text) };
                    pending.constraints.push(named);
                }
                Rule::Unique { nulls_not_distinct } => {
                    let rule_ =
                        TableRule::Key { primary: false, nulls_not_distinct, columns: vec![name], include: Vec::new() };
                    pending.constraints.push(TableConstraint { name: rule.name, ..constraint(rule_) });
                }
                Rule::PrimaryKey => {
                    let rule_ = TableRule::Key {
                        primary: true,
                        nulls_not_distinct: false,
                        columns: vec![name],
                        include: Vec::new(),
                    };
                    pending.constraints.push(TableConstraint { name: rule.name, ..constraint(rule_) });
                }
                Rule::References(reference) => {
                    let rule_ = TableRule::ForeignKey { columns: vec![name], reference };
                    pending.constraints.push(TableConstraint { name: rule.name, ..constraint(rule_) });
                }
            }
        }
        if self.is_serial(definition)? {
            pending.sequences.push((column.name.clone(), Default::default(), false));
        }
        table.columns.push(column);
        Ok(())
    }

    /// LIKE: columns of another table.
    fn draft_like(
        &mut self,
        table: &mut Table,
        other: &QualifiedName,
        including: Including,
        pending: &mut Pending,
    ) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let names = self.names(&catalog)?;
        let columns = match names.relation(other)? {
            Relation::Table(other) => {
                pending.take_rules(&other, including);
                other.columns.clone()
            }
            Relation::View(view) => view.columns.clone(),
            found => {
                let text = format!("relation \"{}\" is invalid in LIKE clause", found.name());
                return Err(SqlError::new(Code::WrongObjectType, text).with_detail(format!(
                    "This operation is not supported for {}s.",
                    if found.word() == "index" { "indexe" } else { found.word() }
                )));
            }
        };
        for column in columns {
            let number = i16::try_from(table.columns.len() + 1).unwrap_or(i16::MAX);
            let mut copy = crate::catalog::Column { number, source: None, ..column.clone() };
            if !including.comments {
                copy.comment.clear();
            }
            if !including.defaults {
                copy.default = None;
            }
            if !including.generated {
                copy.generated = None;
            }
            copy.identity = column.identity.filter(|_| including.identity);
            if copy.identity.is_some() {
                pending.sequences.push((copy.name.clone(), Default::default(), true));
            }
            table.columns.push(copy);
        }
        Ok(())
    }

    /// Fills in what needs expressions, sequences and other tables, and makes the table.
    pub(super) async fn complete(&mut self, table: Table, pending: Pending) -> Result<Table, SqlError> {
        let table = Box::pin(self.finished(table, pending)).await?;
        self.put_table(table.clone())?;
        Ok(table)
    }

    pub(super) async fn generated_of(
        &self,
        text: &crate::planner::InnerQuery,
        name: &str,
        table: &Table,
        trial: &std::sync::Arc<crate::catalog::Catalog>,
    ) -> Result<String, SqlError> {
        let wanted = crate::planner::DeclaredType::of_column(column_named(table, name)?);
        let (written, planned) = self.expression(text, Purpose::Generated, table, Some(&wanted), trial).await?;
        for read in &written.columns {
            let column = column_named(table, read)?;
            if column.generated.is_some() || read == name {
                let text = format!("cannot use generated column \"{read}\" in column generation expression");
                return Err(SqlError::new(Code::InvalidObjectDefinition, text)
                    .with_detail("A generated column cannot reference another generated column."));
            }
        }
        let kind = written.kind.clone().unwrap_or(planned);
        self.check_assignable(name, &wanted, &kind, "default expression", trial)?;
        Ok(written.sql)
    }
}

/// The table with the Arrow schema that its columns have now.
pub(super) fn refreshed(table: Table) -> Table {
    let Table { oid, schema, name, scope, comment, columns, relational, .. } = table;
    Table { relational, ..Table::new(oid, &schema, &name, scope, &comment, columns) }
}

pub(super) fn column_named<'a>(table: &'a Table, name: &str) -> Result<&'a crate::catalog::Column, SqlError> {
    let unknown = || {
        let text = format!("column \"{name}\" of relation \"{}\" does not exist", table.name);
        SqlError::new(Code::UndefinedColumn, text)
    };
    table.columns.iter().find(|column| column.name == name).ok_or_else(unknown)
}

pub(super) fn set_column(table: &mut Table, name: &str, set: impl FnOnce(&mut crate::catalog::Column)) {
    if let Some(column) = table.columns.iter_mut().find(|column| column.name == name) {
        set(column);
    }
}

/// No name twice, and not too many.
pub(super) fn check_columns(table: &Table) -> Result<(), SqlError> {
    if table.columns.len() > COLUMNS_MAX {
        let text = format!("tables can have at most {COLUMNS_MAX} columns");
        return Err(SqlError::new(Code::TooManyColumns, text));
    }
    let mut seen = BTreeSet::new();
    for column in &table.columns {
        if !seen.insert(column.name.as_str()) {
            let text = format!("column \"{}\" specified more than once", column.name);
            return Err(SqlError::new(Code::DuplicateColumn, text));
        }
    }
    Ok(())
}
