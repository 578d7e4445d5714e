//! Columns of tables that are made or changed.

use super::Definer;
use super::object_names::{free_name, is_relation};
use super::sequences::{bounded, new_sequence};
use super::tables::set_column;
use crate::catalog::{Column, Index, Object, Rule as KeptRule, Table, quote_for_engine, quote_literal};
use crate::planner::definition::{
    ColumnDefinition, ColumnRule, Including, Rule, SequenceOptions, TableConstraint, TableRule,
};
use crate::planner::{DeclaredType, InnerQuery};
use crate::types::{Code, SqlError, SqlType};

/// Names that PostgreSQL's own columns have in every table.
const SYSTEM_COLUMNS: &[&str] = &["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// What a table still needs when its columns are known.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Defaults by column.
    pub(super) defaults: Vec<(String, InnerQuery)>,
    /// Expressions of generated columns.
    pub(super) generated: Vec<(String, InnerQuery)>,
    /// Sequences of columns; true for those of identity columns.
    pub(super) sequences: Vec<(String, SequenceOptions, bool)>,
    /// Constraints.
    pub(super) constraints: Vec<TableConstraint>,
    /// Indexes of another table whose definitions are taken, with that table.
    pub(super) indexes: Vec<(Table, Index)>,
}

impl Pending {
    /// The rules of another table that LIKE takes.
    pub(super) fn take_rules(&mut self, other: &Table, including: Including) {
        if including.indexes {
            let of_key = |index: &Index| {
                other.constraints().iter().any(|constraint| match constraint.rule {
                    KeptRule::PrimaryKey { index: own } | KeptRule::Unique { index: own } => own == index.oid,
                    _ => false,
                })
            };
            let plain = other.indexes().iter().filter(|index| !of_key(index));
            self.indexes.extend(plain.map(|index| (other.clone(), index.clone())));
        }
        let name = |number: &i16| other.column(*number).map(|column| column.name.clone()).unwrap_or_default();
        for constraint in other.constraints() {
            let rule = match &constraint.rule {
                KeptRule::Check { expression } if including.constraints => {
                    TableRule::Check(InnerQuery { sql: expression.clone(), position_offset: 0 })
                }
                KeptRule::PrimaryKey { index } | KeptRule::Unique { index } if including.indexes => {
                    let index = other.index(*index);
                    TableRule::Key {
                        primary: matches!(constraint.rule, KeptRule::PrimaryKey { .. }),
                        nulls_not_distinct: index.is_some_and(|index| index.nulls_not_distinct),
                        columns: constraint.columns.iter().map(name).collect(),
                        include: index.map(|index| index.include.iter().map(name).collect()).unwrap_or_default(),
                    }
                }
                _ => continue,
            };
            let kept_name = matches!(rule, TableRule::Check(_)).then(|| constraint.name.clone());
            self.constraints.push(TableConstraint { name: kept_name, rule });
        }
    }
}

/// A column, and its rules that it does not show itself.
pub(super) struct DraftColumn {
    pub(super) column: Column,
    pub(super) rules: Vec<ColumnRule>,
}

impl Definer {
    /// Whether the column was declared as `serial`.
    pub(super) fn is_serial(&self, definition: &ColumnDefinition) -> Result<bool, SqlError> {
        let catalog = self.catalog();
        Ok(self.names(&catalog)?.declared_type(&definition.kind)?.is_serial)
    }

    /// The column that a definition describes, behind those that the table has.
    pub(super) fn column(&self, table: &Table, definition: &ColumnDefinition) -> Result<DraftColumn, SqlError> {
        let catalog = self.catalog();
        let declared = self.names(&catalog)?.declared_type(&definition.kind)?;
        let name = &definition.name;
        if SYSTEM_COLUMNS.contains(&name.as_str()) {
            let text = format!("column name \"{name}\" conflicts with a system column name");
            return Err(SqlError::new(Code::DuplicateColumn, text));
        }
        check_rules(table, definition, declared.is_serial)?;
        let mut column = typed(table.next_column_number(), name, &declared);
        column.not_null = declared.is_serial;
        for rule in &definition.rules {
            match &rule.rule {
                Rule::NotNull | Rule::PrimaryKey => column.not_null = true,
                Rule::Identity(identity, _) => {
                    column.identity = Some(*identity);
                    column.not_null = true;
                }
                _ => {}
            }
        }
        if column.identity.is_some() && !matches!(column.sql_type, SqlType::Int2 | SqlType::Int4 | SqlType::Int8) {
            let text = "identity column type must be smallint, integer, or bigint";
            return Err(SqlError::new(Code::InvalidParameterValue, text));
        }
        Ok(DraftColumn { column, rules: definition.rules.clone() })
    }

    /// Makes the sequence of a serial or identity column.
    pub(super) fn add_column_sequence(
        &self,
        table: &mut Table,
        column: &str,
        options: &SequenceOptions,
        internal: bool,
    ) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let Some(found) = table.columns.iter().find(|known| known.name == column).cloned() else { return Ok(()) };
        let name = match &options.name {
            Some(name) => name.name.clone(),
            None => free_name(&table.name, Some(column), "seq", |name| is_relation(database, &table.schema, name)),
        };
        let kind = options.kind.as_ref().map(|kind| self.names(&catalog)?.declared_type(kind)).transpose()?;
        let kind = kind.map_or(found.sql_type, |kind| kind.sql_type);
        let oid = self.new_oid()?;
        let mut sequence = new_sequence(oid, &table.schema, &name, self.home.clone(), &self.user, kind)?;
        bounded(&mut sequence, options, kind)?;
        sequence.owned_by = Some((table.oid, found.number));
        sequence.internal = internal;
        self.put(oid, Object::Sequence(sequence))?;
        if !internal {
            let text = format!("{}.{}", quote_for_engine(&table.schema), quote_for_engine(&name));
            let default = format!("nextval({}::regclass)", quote_literal(&text));
            set_column(table, column, |column| column.default = Some(default));
        }
        Ok(())
    }
}

/// A column of a type.
pub(super) fn typed(number: i16, name: &str, declared: &DeclaredType) -> Column {
    Column {
        modifier: declared.modifier,
        user_type: declared.user_type,
        ..Column::new(number, name, declared.sql_type)
    }
}

/// Rules that exclude each other.
fn check_rules(table: &Table, definition: &ColumnDefinition, is_serial: bool) -> Result<(), SqlError> {
    let count = |is: fn(&Rule) -> bool| definition.rules.iter().filter(|rule| is(&rule.rule)).count();
    let of = format!("for column \"{}\" of table \"{}\"", definition.name, table.name);
    let refused = |text: String| Err(SqlError::new(Code::SyntaxError, text));
    let defaults = count(|rule| matches!(rule, Rule::Default(_))) + usize::from(is_serial);
    let identities = count(|rule| matches!(rule, Rule::Identity(..)));
    let generated = count(|rule| matches!(rule, Rule::Generated(_)));
    let nullable = count(|rule| matches!(rule, Rule::Null));
    let not_null = count(|rule| matches!(rule, Rule::NotNull | Rule::PrimaryKey)) + usize::from(is_serial);
    match () {
        () if nullable > 0 && not_null > 0 => refused(format!("conflicting NULL/NOT NULL declarations {of}")),
        () if defaults > 1 => refused(format!("multiple default values specified {of}")),
        () if identities > 1 => refused(format!("multiple identity specifications {of}")),
        () if generated > 1 => refused(format!("multiple generation clauses specified {of}")),
        () if defaults > 0 && identities > 0 => refused(format!("both default and identity specified {of}")),
        () if defaults > 0 && generated > 0 => {
            refused(format!("both default and generation expression specified {of}"))
        }
        () if identities > 0 && generated > 0 => {
            refused(format!("both identity and generation expression specified {of}"))
        }
        () => Ok(()),
    }
}
