//! ALTER TABLE ... ALTER COLUMN, and the rows that follow.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use futures::StreamExt;

use super::Definer;
use super::columns::Pending;
use super::dependencies::{Dependencies, Part};
use super::fill::fitted;
use super::table_changes::in_primary_key;
use super::tables::{column_named, refreshed, set_column};
use crate::catalog::{Catalog, Column, Constraint, Rule, Table, quote_for_engine};
use crate::planner::definition::{ColumnChange, TableRule, TypeReference};
use crate::planner::{DeclaredType, FITTING, InnerQuery, Names, sql_error_from_engine};
use crate::types::{Code, ErrorObject, SqlError, SqlType};

/// The value as a column of this type takes it: a cast alone would cut a text that is too long for it.
fn assigned(value: &str, wanted: &DeclaredType, names: Names<'_>) -> String {
    let spelled = names.spelled(wanted);
    let is_bounded = wanted.modifier != -1
        && matches!(wanted.sql_type, SqlType::Varchar | SqlType::Bpchar | SqlType::VarcharArray | SqlType::BpcharArray);
    if !is_bounded {
        return format!("CAST({value} AS {spelled})");
    }
    let bare = match wanted.sql_type {
        // `character` alone has one character.
        SqlType::Bpchar => String::from("bpchar"),
        SqlType::BpcharArray => String::from("bpchar[]"),
        _ => names.spelled(&DeclaredType { modifier: -1, ..wanted.clone() }),
    };
    let (kind, modifier) = (wanted.sql_type.name(), wanted.modifier);
    format!("CAST({FITTING}(CAST({value} AS {bare}), '{kind}', {modifier}) AS {spelled})")
}

impl Definer {
    /// A change of one column.
    pub(super) async fn change_column(
        &mut self,
        mut table: Table,
        name: &str,
        change: &ColumnChange,
    ) -> Result<(), SqlError> {
        let column = column_named(&table, name)?.clone();
        match change {
            ColumnChange::Nothing => return Ok(()),
            ColumnChange::Default(None) => set_column(&mut table, name, |column| column.default = None),
            ColumnChange::Default(Some(text)) => {
                check_plain(&table, &column)?;
                let trial = self.with_table(&table)?;
                let default = Box::pin(self.default_of(text, &column, &table, &trial)).await?;
                set_column(&mut table, name, |column| column.default = Some(default));
            }
            ColumnChange::NotNull(true) => set_column(&mut table, name, |column| column.not_null = true),
            ColumnChange::NotNull(false) => {
                if in_primary_key(&table, column.number) {
                    let text = format!("column \"{name}\" is in a primary key");
                    return Err(SqlError::new(Code::InvalidTableDefinition, text));
                }
                if column.identity.is_some() {
                    let text = format!("column \"{name}\" of relation \"{}\" is an identity column", table.name);
                    return Err(SqlError::new(Code::SyntaxError, text));
                }
                set_column(&mut table, name, |column| column.not_null = false);
            }
            ColumnChange::Type { kind, using } => return self.change_type(table, &column, kind, using.as_ref()).await,
            ColumnChange::AddIdentity(identity, options) => {
                check_can_be_identity(&table, &column)?;
                set_column(&mut table, name, |column| column.identity = Some(*identity));
                self.add_column_sequence(&mut table, name, options, true)?;
            }
            ColumnChange::SetIdentity(identity, options) => {
                if column.identity.is_none() {
                    let text = format!("column \"{name}\" of relation \"{}\" is not an identity column", table.name);
                    return Err(SqlError::new(Code::ObjectNotInPrerequisiteState, text));
                }
                let catalog = self.catalog();
                let own = catalog.sequences_of(table.oid).find(|one| one.owned_by == Some((table.oid, column.number)));
                if let Some(sequence) = own {
                    self.alter_sequence(sequence, options)?;
                }
                if let Some(identity) = identity {
                    set_column(&mut table, name, |column| column.identity = Some(*identity));
                }
            }
            ColumnChange::DropIdentity { if_exists } => {
                if column.identity.is_none() {
                    let text = format!("column \"{name}\" of relation \"{}\" is not an identity column", table.name);
                    return self.missing(text, *if_exists);
                }
                let catalog = self.catalog();
                let own = catalog.sequences_of(table.oid).find(|one| one.owned_by == Some((table.oid, column.number)));
                if let Some(sequence) = own {
                    self.drop_object(sequence.oid)?;
                }
                set_column(&mut table, name, |column| column.identity = None);
            }
            ColumnChange::DropExpression { if_exists } => {
                if column.generated.is_none() {
                    let text =
                        format!("column \"{name}\" of relation \"{}\" is not a stored generated column", table.name);
                    return self.missing(text, *if_exists);
                }
                set_column(&mut table, name, |column| column.generated = None);
            }
        }
        self.put_table(refreshed(table))
    }

    fn missing(&mut self, text: String, if_exists: bool) -> Result<(), SqlError> {
        if !if_exists {
            return Err(SqlError::new(Code::ObjectNotInPrerequisiteState, text));
        }
        self.notice(Code::SuccessfulCompletion, format!("{text}, skipping"));
        Ok(())
    }

    /// The table with what its new column still needs; not yet kept.
    pub(super) async fn finished(&mut self, table: Table, pending: Pending) -> Result<Table, SqlError> {
        let mut table = refreshed(table);
        for (column, options, internal) in pending.sequences {
            self.add_column_sequence(&mut table, &column, &options, internal)?;
        }
        self.add_keys(&mut table, &pending.constraints)?;
        let trial = self.with_table(&refreshed(table.clone()))?;
        for (name, text) in &pending.defaults {
            let column = column_named(&table, name)?.clone();
            let default = Box::pin(self.default_of(text, &column, &table, &trial)).await?;
            set_column(&mut table, name, |column| column.default = Some(default));
        }
        for (name, text) in &pending.generated {
            let generated = Box::pin(self.generated_of(text, name, &table, &trial)).await?;
            set_column(&mut table, name, |column| column.generated = Some(generated));
        }
        for constraint in &pending.constraints {
            match &constraint.rule {
                TableRule::Check(text) => {
                    Box::pin(self.add_check(&mut table, constraint.name.as_deref(), text, &trial)).await?;
                }
                TableRule::ForeignKey { columns, reference } => {
                    self.add_foreign_key(&mut table, constraint.name.as_deref(), columns, reference)?;
                }
                TableRule::Key { .. } => {}
            }
        }
        for (other, index) in &pending.indexes {
            self.add_index_like(&mut table, other, index)?;
        }
        Ok(refreshed(table))
    }

    /// Puts the table with its new column, whose values the rows that are there get.
    pub(super) async fn fill_column(&self, old: &Table, table: Table, added: &Column) -> Result<(), SqlError> {
        let identity = match added.identity {
            Some(_) => {
                let catalog = self.catalog();
                let own = catalog.sequences_of(table.oid).find(|one| one.owned_by == Some((table.oid, added.number)));
                own.map(|sequence| {
                    let name = format!("{}.{}", quote_for_engine(&sequence.schema), quote_for_engine(&sequence.name));
                    format!("nextval({}::regclass)", crate::catalog::quote_literal(&name))
                })
            }
            None => None,
        };
        let value = added.generated.clone().or_else(|| added.default.clone()).or(identity);
        let rows = self.data.with(|transaction| transaction.rows(&Arc::new(old.clone())))?.row_count();
        if rows == 0 {
            return self.put_table(table);
        }
        let value = value.unwrap_or_else(|| String::from("NULL"));
        self.rewritten(old, table, &added.name, &value).await
    }

    async fn change_type(
        &mut self,
        table: Table,
        column: &Column,
        kind: &TypeReference,
        using: Option<&InnerQuery>,
    ) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let declared = self.names(&catalog)?.declared_type(kind)?;
        let wanted = DeclaredType { is_serial: false, ..declared };
        self.check_unread(&catalog, &table, column)?;
        let mut changed = table.clone();
        set_column(&mut changed, &column.name, |column| {
            column.sql_type = wanted.sql_type;
            column.modifier = wanted.modifier;
            column.user_type = wanted.user_type;
        });
        self.check_still_comparable(&catalog, &changed, column.number)?;
        let names = self.names(&catalog)?;
        let value = match using {
            Some(text) => {
                let field = self.tried(text, &from_clause(&table), &catalog).await?;
                let found = super::expressions::declared(&field);
                self.check_assignable(&column.name, &wanted, &found, "expression", &catalog)?;
                assigned(&format!("({})", text.sql), &wanted, names)
            }
            None => {
                let own = DeclaredType::of_column(column);
                if !self.casts_by_itself(&own, &wanted) {
                    let text = format!(
                        "column \"{}\" cannot be cast automatically to type {}",
                        column.name,
                        names.told(&wanted)
                    );
                    let hint = format!(
                        "You might need to specify \"USING {}::{}\".",
                        quote_for_engine(&column.name),
                        names.told(&wanted)
                    );
                    return Err(SqlError::new(Code::DatatypeMismatch, text).with_hint(hint));
                }
                assigned(&quote_for_engine(&column.name), &wanted, names)
            }
        };
        let changed = refreshed(changed);
        let changed = self.with_converted_default(changed, column, &wanted).await?;
        let rows = self.data.with(|transaction| transaction.rows(&Arc::new(table.clone())))?.row_count();
        if rows == 0 {
            let no_rows = Vec::new();
            return self.data.rewrite_rows(&Arc::new(table.clone()), &Arc::new(changed.clone()), no_rows);
        }
        self.rewritten(&table, changed, &column.name, &value).await
    }

    /// Foreign keys of the column and to it can still be asked under its new type.
    fn check_still_comparable(&self, catalog: &Catalog, changed: &Table, column: i16) -> Result<(), SqlError> {
        for constraint in changed.constraints() {
            let Rule::ForeignKey { table, referenced, .. } = &constraint.rule else { continue };
            let known =
                if *table == changed.oid { Some(changed) } else { catalog.table_by_oid(*table).map(Arc::as_ref) };
            if let Some(other) = known.filter(|_| constraint.columns.contains(&column)) {
                let pairs = (constraint.columns.as_slice(), referenced.as_slice());
                self.check_comparable(catalog, changed, other, pairs, &constraint.name)?;
            }
        }
        for (referring, constraint) in catalog.references_to(changed.oid) {
            let Rule::ForeignKey { referenced, .. } = &constraint.rule else { continue };
            if referring.oid != changed.oid && referenced.contains(&column) {
                let pairs = (constraint.columns.as_slice(), referenced.as_slice());
                self.check_comparable(catalog, referring, changed, pairs, &constraint.name)?;
            }
        }
        Ok(())
    }

    /// The default keeps its meaning under the new type, or there is an error.
    async fn with_converted_default(
        &self,
        mut table: Table,
        column: &Column,
        wanted: &DeclaredType,
    ) -> Result<Table, SqlError> {
        let Some(default) = &column.default else { return Ok(table) };
        let bare =
            default.strip_prefix('\'').and_then(|rest| rest.rsplit_once("'::")).map(|(text, _)| format!("'{text}'"));
        let text = InnerQuery { sql: bare.unwrap_or_else(|| default.clone()), position_offset: 0 };
        let trial = self.with_table(&table)?;
        let changed = Column {
            sql_type: wanted.sql_type,
            modifier: wanted.modifier,
            user_type: wanted.user_type,
            ..column.clone()
        };
        match self.default_of(&text, &changed, &table, &trial).await {
            Ok(default) => set_column(&mut table, &column.name, |column| column.default = Some(default)),
            Err(_) => {
                let names = self.names(&trial)?;
                let text = format!(
                    "default for column \"{}\" cannot be cast automatically to type {}",
                    column.name,
                    names.told(wanted)
                );
                return Err(SqlError::new(Code::DatatypeMismatch, text));
            }
        }
        Ok(table)
    }

    fn casts_by_itself(&self, own: &DeclaredType, wanted: &DeclaredType) -> bool {
        let number = |kind: &DeclaredType| kind.sql_type.is_number();
        let moment =
            |kind: &DeclaredType| matches!(kind.sql_type, SqlType::Date | SqlType::Timestamp | SqlType::Timestamptz);
        own.sql_type == wanted.sql_type && own.user_type == wanted.user_type
            || (wanted.sql_type.is_text() && wanted.user_type.is_none())
            || (number(own) && number(wanted))
            || (moment(own) && moment(wanted))
            || matches!(
                (own.sql_type, wanted.sql_type),
                (SqlType::Json, SqlType::Jsonb) | (SqlType::Jsonb, SqlType::Json)
            )
    }

    /// Views and generated columns that read a column keep its type.
    fn check_unread(&self, catalog: &Catalog, table: &Table, column: &Column) -> Result<(), SqlError> {
        let database = self.database(catalog)?;
        let dependencies = Dependencies { catalog, database, search_path: &self.context.search_path };
        for part in dependencies.of(&Part::Column(table.oid, column.number)) {
            let (text, detail) = match &part {
                Part::Object(_) => (
                    "cannot alter type of a column used by a view or rule",
                    format!("rule _RETURN on {} depends on column \"{}\"", dependencies.described(&part), column.name),
                ),
                Part::Column(_, number) => {
                    let generated = table.column(*number).map(|other| other.name.as_str()).unwrap_or_default();
                    let text = "cannot alter type of a column used by a generated column";
                    (text, format!("Column \"{}\" is used by generated column \"{generated}\".", column.name))
                }
                _ => continue,
            };
            return Err(SqlError::new(Code::FeatureNotSupported, text).with_detail(detail));
        }
        Ok(())
    }

    /// The rows with another value for one column, put with the table's new definition.
    async fn rewritten(&self, old: &Table, new: Table, column: &str, value: &str) -> Result<(), SqlError> {
        let list = new.columns.iter().map(|known| match known.name == column {
            true => format!("{value} AS {}", quote_for_engine(column)),
            false => quote_for_engine(&known.name),
        });
        let sql = format!("SELECT {}{}", list.collect::<Vec<_>>().join(", "), from_clause(old));
        let placeless = |mut error: SqlError| {
            error.position = None;
            error
        };
        let mut run = Box::pin(self.planner.run(&sql, &self.context, Vec::new())).await.map_err(placeless)?;
        let mut rows: Vec<RecordBatch> = Vec::new();
        let not_null = new.columns.iter().position(|known| known.name == column && known.not_null);
        // A NULL in a column that must not have one is told by what keeps the rows, with PostgreSQL's words.
        let lenient = with_nulls(&new);
        while let Some(batch) = run.rows.next().await {
            let batch = batch.map_err(|error| placeless(sql_error_from_engine(&error)))?;
            let batch = fitted(&batch, &lenient)?;
            if not_null.is_some_and(|place| batch.column(place).null_count() > 0) {
                return Err(contains_null(&new, column));
            }
            rows.push(batch);
        }
        for constraint in new.constraints() {
            if old.constraints().iter().all(|known| known.oid != constraint.oid) {
                self.check_given(&new, constraint, &rows).await?;
            }
        }
        let (old, new) = (Arc::new(old.clone()), Arc::new(new));
        self.data.rewrite_rows(&old, &new, rows)?;
        let changed = new.columns.iter().find(|known| known.name == column).map_or(0, |known| known.number);
        for constraint in new.constraints() {
            let is_old = old.constraints().iter().any(|known| known.oid == constraint.oid);
            if is_old && constraint.columns.contains(&changed) {
                self.check_rows(&new, constraint).await?;
            }
        }
        Ok(())
    }

    /// A new CHECK on a new column: only constants and its own value can be tried here.
    async fn check_given(&self, table: &Table, constraint: &Constraint, rows: &[RecordBatch]) -> Result<(), SqlError> {
        let Rule::Check { .. } = &constraint.rule else { return Ok(()) };
        if rows.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(());
        }
        let text = format!("a CHECK on a new column of table \"{}\" is not supported while it has rows", table.name);
        Err(SqlError::new(Code::FeatureNotSupported, text).with_hint("Add the column first, then the constraint."))
    }

    /// Every row that is there keeps to a new CHECK.
    pub(super) async fn check_rows(&self, table: &Table, constraint: &Constraint) -> Result<(), SqlError> {
        let Rule::Check { expression } = &constraint.rule else { return Ok(()) };
        let sql = format!("SELECT count(*){} WHERE NOT ({expression})", from_clause(table));
        let mut run = Box::pin(self.planner.run(&sql, &self.context, Vec::new())).await?;
        let mut broken = 0;
        while let Some(batch) = run.rows.next().await {
            let batch = batch.map_err(|error| sql_error_from_engine(&error))?;
            let counts = batch.column(0).as_primitive_opt::<datafusion::arrow::datatypes::Int64Type>();
            broken += counts.map_or(0, |counts| counts.values().iter().sum::<i64>());
        }
        if broken == 0 {
            return Ok(());
        }
        let text =
            format!("check constraint \"{}\" of relation \"{}\" is violated by some row", constraint.name, table.name);
        Err(SqlError::new(Code::CheckViolation, text).about(ErrorObject {
            schema: Some(table.schema.clone()),
            table: Some(table.name.clone()),
            constraint: Some(constraint.name.clone()),
            ..ErrorObject::default()
        }))
    }
}

fn from_clause(table: &Table) -> String {
    format!(" FROM {}.{}", quote_for_engine(&table.schema), quote_for_engine(&table.name))
}

fn with_nulls(table: &Table) -> Table {
    let mut lenient = table.clone();
    lenient.columns.iter_mut().for_each(|column| column.not_null = false);
    refreshed(lenient)
}

fn contains_null(table: &Table, column: &str) -> SqlError {
    let text = format!("column \"{column}\" of relation \"{}\" contains null values", table.name);
    SqlError::new(Code::NotNullViolation, text).about(ErrorObject {
        schema: Some(table.schema.clone()),
        table: Some(table.name.clone()),
        column: Some(column.to_owned()),
        ..ErrorObject::default()
    })
}

/// A generated or identity column has no default.
fn check_plain(table: &Table, column: &Column) -> Result<(), SqlError> {
    if column.identity.is_some() {
        let text = format!("column \"{}\" of relation \"{}\" is an identity column", column.name, table.name);
        return Err(SqlError::new(Code::SyntaxError, text));
    }
    if column.generated.is_some() {
        let text = format!("column \"{}\" of relation \"{}\" is a generated column", column.name, table.name);
        return Err(SqlError::new(Code::SyntaxError, text));
    }
    Ok(())
}

fn check_can_be_identity(table: &Table, column: &Column) -> Result<(), SqlError> {
    let of = format!("column \"{}\" of relation \"{}\"", column.name, table.name);
    let refused = |text: String| Err(SqlError::new(Code::ObjectNotInPrerequisiteState, text));
    if !column.not_null {
        return refused(format!("{of} must be declared NOT NULL before identity can be added"));
    }
    if column.identity.is_some() {
        return refused(format!("{of} is already an identity column"));
    }
    if column.default.is_some() {
        return refused(format!("{of} already has a default value"));
    }
    Ok(())
}
