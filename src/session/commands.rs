//! Statements that are not queries: settings, transactions, and what else a session does alone.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Field, Schema};

use crate::planner::{AfterEnd, DiscardTarget, SetScope, SetValue, Statement, TransactionModes};
use crate::types::{Code, SqlError, SqlType};

use super::Session;
use super::effects::Effect;
use super::interrupt::Interrupt;
use super::notice::Notice;
use super::rows::{Execution, RowStream};
use super::settings;
use super::transaction::{self, End, TransactionStatus};

impl Session {
    /// Carries out a statement that needs nobody else.
    pub(super) fn command(&mut self, statement: &Statement, interrupt: &Arc<Interrupt>) -> Result<Execution, SqlError> {
        match statement {
            Statement::Set { name, value, scope } => self.set(name, value, *scope),
            Statement::SetTransaction(modes) => self.set_transaction(modes),
            Statement::SetCharacteristics(modes) => self.set_characteristics(modes),
            Statement::SetUser { tag, role } => self.set_user(tag, role.as_deref()),
            Statement::Show(name) => self.show(name, interrupt),
            Statement::ShowAll => self.show_all(interrupt),
            Statement::Reset(name) => {
                self.settings.reset(name, SetScope::Session)?;
                Ok(done("RESET"))
            }
            Statement::ResetAll => {
                self.settings.reset_all();
                Ok(done("RESET"))
            }
            Statement::Begin { tag, modes } => {
                self.transaction.check_modes(&self.settings, modes)?;
                let notice = self.transaction.begin(&mut self.settings, modes.clone(), self.shared.clock.now_us());
                notice.into_iter().for_each(|notice| self.notify(notice));
                Ok(done(tag))
            }
            Statement::Savepoint(name) => {
                self.transaction.savepoint(&self.settings, name.clone(), self.effects.len())?;
                self.marks.push(self.data.savepoint());
                Ok(done("SAVEPOINT"))
            }
            Statement::Release(name) => {
                let left = self.transaction.release(name)?;
                self.statements.release(left);
                self.marks.truncate(left);
                Ok(done("RELEASE"))
            }
            Statement::RollbackTo(name) => {
                let left = self.transaction.rollback_to(&mut self.settings, name)?;
                self.statements.roll_back_to(left.savepoints);
                self.marks.truncate(left.savepoints);
                let mark = self.marks.last().and_then(Option::as_ref);
                self.data.roll_back_to(mark, self.keeps_moment());
                self.effects.truncate(left.effects);
                Ok(done("ROLLBACK"))
            }
            Statement::Discard(target) => self.discard(*target),
            Statement::Deallocate(name) => self.deallocate(name.as_deref()),
            Statement::Close(name) => self.close_cursor(name.as_deref()),
            Statement::Listen(channel) => self.listen(channel),
            Statement::Notify { channel, payload } => self.notify_channel(channel, payload),
            Statement::Unlisten(channel) => {
                self.add_effect(Effect::Unlisten(channel.clone()))?;
                Ok(done("UNLISTEN"))
            }
            Statement::AlterSettings { tag, scope, change } => self.alter_settings(tag, scope, change),
            Statement::Unsupported { tag } => {
                Err(SqlError::new(Code::FeatureNotSupported, format!("{tag} is not supported")))
            }
            _ => Err(SqlError::new(Code::Internal, "statement without an executor")),
        }
    }

    fn in_block(&self) -> bool {
        self.transaction.status() != TransactionStatus::Idle
    }

    fn warn_outside_block(&mut self, command: &str) {
        if !self.in_block() {
            let text = format!("{command} can only be used in transaction blocks");
            self.notify(Notice::warning(Code::NoActiveSqlTransaction.sqlstate(), text));
        }
    }

    fn set(&mut self, name: &str, value: &SetValue, scope: SetScope) -> Result<Execution, SqlError> {
        // These tell the modes of the transaction, so they follow the rules for modes.
        let values = match value {
            SetValue::Values(values) => values.as_slice(),
            SetValue::Text(text) => std::slice::from_ref(text),
            SetValue::Default => &[],
        };
        if let Some(modes) = transaction::modes_of(name, values) {
            self.transaction.check_modes(&self.settings, &modes)?;
        }
        self.settings.set(name, value, scope)?;
        if scope == SetScope::Local {
            self.warn_outside_block("SET LOCAL");
        }
        Ok(done("SET"))
    }

    fn set_transaction(&mut self, modes: &TransactionModes) -> Result<Execution, SqlError> {
        self.warn_outside_block("SET TRANSACTION");
        if self.in_block() {
            self.transaction.check_modes(&self.settings, modes)?;
        }
        transaction::apply_stated(&mut self.settings, modes);
        Ok(done("SET"))
    }

    fn set_characteristics(&mut self, modes: &TransactionModes) -> Result<Execution, SqlError> {
        let stated = [
            ("default_transaction_isolation", modes.isolation),
            ("default_transaction_read_only", modes.read_only),
            ("default_transaction_deferrable", modes.deferrable),
        ];
        for (name, value) in stated {
            if let Some(value) = value {
                self.settings.set(name, &SetValue::Values(vec![value.to_owned()]), SetScope::Session)?;
            }
        }
        Ok(done("SET"))
    }

    /// A session keeps the user that it logged in as.
    fn set_user(&mut self, tag: &'static str, role: Option<&str>) -> Result<Execution, SqlError> {
        match role {
            Some(role) if role == self.user => Ok(done(tag)),
            Some(role) if !self.shared.planner.has_role(role) => {
                Err(SqlError::new(Code::InvalidParameterValue, format!("role \"{role}\" does not exist")))
            }
            Some(role) => {
                Err(SqlError::new(Code::InsufficientPrivilege, format!("permission denied to set role \"{role}\"")))
            }
            None => Ok(done(tag)),
        }
    }

    fn show(&mut self, name: &str, interrupt: &Arc<Interrupt>) -> Result<Execution, SqlError> {
        let (name, value) = self.settings.show(name).ok_or_else(|| settings::unknown(name))?;
        let columns = [(name.to_owned(), vec![Some(value.to_owned())])];
        texts(&columns, "SHOW", interrupt)
    }

    fn show_all(&mut self, interrupt: &Arc<Interrupt>) -> Result<Execution, SqlError> {
        let (mut names, mut values, mut descriptions) = (Vec::new(), Vec::new(), Vec::new());
        for (setting, value) in self.settings.all() {
            names.push(Some(setting.name.to_owned()));
            values.push(Some(value.to_owned()));
            descriptions.push(Some(setting.description.to_owned()));
        }
        let columns =
            [("name".to_owned(), names), ("setting".to_owned(), values), ("description".to_owned(), descriptions)];
        texts(&columns, "SHOW", interrupt)
    }

    /// COMMIT and ROLLBACK.
    pub(super) async fn end(
        &mut self,
        how: End,
        after: AfterEnd,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let now_us = self.shared.clock.now_us();
        let commits = how == End::Commit && self.transaction.status() != TransactionStatus::Failed;
        if commits && let Err(error) = self.before_commit(interrupt).await {
            // A commit that fails is a rollback.
            self.transaction.end(&mut self.settings, End::Rollback, AfterEnd::Nothing, now_us)?;
            self.roll_back();
            return Err(error);
        }
        let (tag, notice) = self.transaction.end(&mut self.settings, how, after, now_us)?;
        if tag == "COMMIT" {
            self.marks.clear();
            self.statements.commit();
        } else {
            self.roll_back();
        }
        notice.into_iter().for_each(|notice| self.notify(notice));
        Ok(done(tag))
    }

    /// What a commit needs to have done, as long as it can still fail.
    pub(super) async fn before_commit(&mut self, interrupt: &Arc<Interrupt>) -> Result<(), SqlError> {
        self.keep_held_cursors(interrupt).await?;
        self.carry_out_effects().await
    }

    /// The transaction is over and nothing of it stays.
    pub(super) fn roll_back(&mut self) {
        self.statements.roll_back();
        self.effects.clear();
        self.marks.clear();
        self.data.roll_back();
    }

    fn discard(&mut self, target: DiscardTarget) -> Result<Execution, SqlError> {
        let DiscardTarget::All = target else {
            let DiscardTarget::Nothing(tag) = target else { return Ok(done("DISCARD")) };
            return Ok(done(tag));
        };
        if self.in_block() {
            let text = "DISCARD ALL cannot run inside a transaction block";
            return Err(SqlError::new(Code::ActiveSqlTransaction, text));
        }
        self.settings.reset_all();
        self.statements.clear_portals();
        self.statements.clear_prepared();
        self.add_effect(Effect::Unlisten(None))?;
        Ok(done("DISCARD ALL"))
    }

    fn deallocate(&mut self, name: Option<&str>) -> Result<Execution, SqlError> {
        let Some(name) = name else {
            self.statements.clear_prepared();
            return Ok(done("DEALLOCATE ALL"));
        };
        self.statements.prepared(name)?;
        self.statements.remove_prepared(name);
        Ok(done("DEALLOCATE"))
    }
}

pub(super) fn done(tag: &str) -> Execution {
    Execution::Done(tag.to_owned())
}

/// Columns of text as the rows of a statement.
pub(super) fn texts(
    columns: &[(String, Vec<Option<String>>)],
    tag: &'static str,
    interrupt: &Arc<Interrupt>,
) -> Result<Execution, SqlError> {
    let fields: Vec<Field> = columns.iter().map(|(name, _)| SqlType::Text.field(name, true)).collect();
    let arrays = columns.iter().map(|(_, values)| Arc::new(StringArray::from(values.clone())) as ArrayRef).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|_| SqlError::new(Code::Internal, "rows of a command do not fit their columns"))?;
    Ok(Execution::Rows(Box::new(RowStream::made(batch, tag, Arc::clone(interrupt)))))
}
