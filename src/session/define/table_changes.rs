//! ALTER TABLE: columns and constraints come and go.

use super::Definer;
use super::columns::Pending;
use super::dependencies::Part;
use super::tables::{column_named, refreshed};
use crate::catalog::{Rule, Table};
use crate::planner::Relation;
use crate::planner::definition::{ColumnDefinition, QualifiedName, TableChange, TableConstraint, TableRule};
use crate::types::{Code, SqlError};

impl Definer {
    /// ALTER TABLE.
    pub(super) async fn alter_table(
        &mut self,
        name: &QualifiedName,
        if_exists: bool,
        changes: &[TableChange],
    ) -> Result<(), SqlError> {
        if let [TableChange::Owner(owner)] = changes {
            let change = crate::planner::definition::ObjectChange::Owner(owner.clone());
            return self.alter(crate::planner::definition::ObjectKind::Table, name, if_exists, &change).await;
        }
        let table = match self.own_table(name) {
            Err(error) if if_exists && error.code == Code::UndefinedTable => {
                self.notice(Code::SuccessfulCompletion, format!("{}, skipping", error.message));
                return Ok(());
            }
            table => table?,
        };
        for change in changes {
            let catalog = self.catalog();
            let Some(table) = catalog.table_by_oid(table.oid).map(|table| table.as_ref().clone()) else { break };
            self.change_table(table, change).await?;
        }
        Ok(())
    }

    async fn change_table(&mut self, table: Table, change: &TableChange) -> Result<(), SqlError> {
        match change {
            TableChange::AddColumn { column, if_not_exists } => self.add_column(table, column, *if_not_exists).await,
            TableChange::DropColumn { name, if_exists, cascade } => {
                self.drop_column(&table, name, *if_exists, *cascade)
            }
            TableChange::Column(name, change) => self.change_column(table, name, change).await,
            TableChange::AddConstraint(constraint) => self.add_constraint(table, constraint).await,
            TableChange::DropConstraint { name, if_exists, cascade } => {
                self.drop_constraint(&table, name, *if_exists, *cascade)
            }
            TableChange::ValidateConstraint(name) => constraint_of(&table, name).map(drop),
            TableChange::Owner(owner) => {
                let owner = self.role(owner)?;
                self.set_owner(&Relation::Table(std::sync::Arc::new(table)), &owner)
            }
            TableChange::Nothing => Ok(()),
        }
    }

    async fn add_column(
        &mut self,
        mut table: Table,
        definition: &ColumnDefinition,
        if_not_exists: bool,
    ) -> Result<(), SqlError> {
        if table.columns.iter().any(|column| column.name == definition.name) {
            let text = format!("column \"{}\" of relation \"{}\" already exists", definition.name, table.name);
            if if_not_exists {
                self.notice(Code::DuplicateColumn, format!("{text}, skipping"));
                return Ok(());
            }
            return Err(SqlError::new(Code::DuplicateColumn, text));
        }
        let old = table.clone();
        let mut pending = Pending::default();
        self.draft_column(&mut table, definition, &mut pending)?;
        super::tables::check_columns(&table)?;
        let table = self.finished(table, pending).await?;
        let added = column_named(&table, &definition.name)?.clone();
        self.fill_column(&old, table, &added).await
    }

    async fn add_constraint(&mut self, mut table: Table, constraint: &TableConstraint) -> Result<(), SqlError> {
        match &constraint.rule {
            TableRule::Key { .. } => self.add_keys(&mut table, std::slice::from_ref(constraint))?,
            TableRule::ForeignKey { columns, reference } => {
                self.add_foreign_key(&mut table, constraint.name.as_deref(), columns, reference)?;
            }
            TableRule::Check(text) => {
                let trial = self.with_table(&table)?;
                self.add_check(&mut table, constraint.name.as_deref(), text, &trial).await?;
                let added = table.constraints().last().cloned();
                if let Some(added) = added {
                    self.check_rows(&table, &added).await?;
                }
            }
        }
        self.put_table(refreshed(table))
    }

    fn drop_column(&mut self, table: &Table, name: &str, if_exists: bool, cascade: bool) -> Result<(), SqlError> {
        match column_named(table, name) {
            Ok(column) => self.remove(&[Part::Column(table.oid, column.number)], cascade),
            Err(error) if if_exists => {
                self.notice(Code::SuccessfulCompletion, format!("{}, skipping", error.message));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn drop_constraint(&mut self, table: &Table, name: &str, if_exists: bool, cascade: bool) -> Result<(), SqlError> {
        match constraint_of(table, name) {
            Ok(constraint) => self.remove(&[Part::Constraint(table.oid, constraint)], cascade),
            Err(error) if if_exists => {
                self.notice(Code::SuccessfulCompletion, format!("{}, skipping", error.message));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Object id of the constraint with this name.
fn constraint_of(table: &Table, name: &str) -> Result<u32, SqlError> {
    let found = table.constraints().iter().find(|constraint| constraint.name == name);
    found.map(|constraint| constraint.oid).ok_or_else(|| {
        let text = format!("constraint \"{name}\" of relation \"{}\" does not exist", table.name);
        SqlError::new(Code::UndefinedObject, text)
    })
}

/// Whether a column is part of the table's primary key.
pub(super) fn in_primary_key(table: &Table, number: i16) -> bool {
    let keys = table.constraints().iter().filter(|constraint| matches!(constraint.rule, Rule::PrimaryKey { .. }));
    keys.into_iter().any(|constraint| constraint.columns.contains(&number))
}
