//! What a transaction does only when it is committed: LISTEN, NOTIFY, ALTER ROLE ... SET.

use std::collections::HashSet;

use crate::planner::{StoredChange, StoredRole, StoredScope};
use crate::types::{Code, SqlError};

use super::Session;
use super::channels;
use super::commands::done;
use super::rows::Execution;
use super::stored::{Change, Scope};

/// Most effects of one transaction.
const EFFECTS_MAX: usize = 100_000;
/// The role that may change what is not its own.
pub(super) const ADMIN: &str = "admin";

/// Something that waits for the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Listen(String),
    Unlisten(Option<String>),
    Notify(String, String),
    Stored(Scope, Change),
    /// A table of ON COMMIT DROP goes, by its object id.
    DropTable(u32),
}

impl Session {
    /// Lets something wait for the commit.
    pub(super) fn add_effect(&mut self, effect: Effect) -> Result<(), SqlError> {
        if self.effects.len() >= EFFECTS_MAX {
            return Err(SqlError::new(Code::ProgramLimitExceeded, "a transaction does too much at its commit"));
        }
        if self.effects.last() != Some(&effect) {
            self.effects.push(effect);
        }
        Ok(())
    }

    /// LISTEN.
    pub(super) fn listen(&mut self, channel: &str) -> Result<Execution, SqlError> {
        channels::check(channel, "")?;
        self.add_effect(Effect::Listen(channel.to_owned()))?;
        Ok(done("LISTEN"))
    }

    /// NOTIFY.
    pub(super) fn notify_channel(&mut self, channel: &str, payload: &str) -> Result<Execution, SqlError> {
        channels::check(channel, payload)?;
        self.add_effect(Effect::Notify(channel.to_owned(), payload.to_owned()))?;
        Ok(done("NOTIFY"))
    }

    /// ALTER ROLE ... SET and ALTER DATABASE ... SET.
    pub(super) fn alter_settings(
        &mut self,
        tag: &'static str,
        scope: &StoredScope,
        change: &StoredChange,
    ) -> Result<Execution, SqlError> {
        let scope = self.stored_scope(scope)?;
        let change = match change {
            StoredChange::Set { name, value } => {
                let (name, value) = self.settings.check_value(name, value)?;
                Change::Set(name, value)
            }
            StoredChange::FromCurrent(name) => {
                let (name, value) = self.settings.show(name).ok_or_else(|| super::settings::unknown(name))?;
                Change::Set(name.to_ascii_lowercase(), value.to_owned())
            }
            StoredChange::Reset(name) => {
                self.settings.show(name).ok_or_else(|| super::settings::unknown(name))?;
                Change::Reset(name.to_ascii_lowercase())
            }
            StoredChange::ResetAll => Change::ResetAll,
        };
        self.add_effect(Effect::Stored(scope, change))?;
        Ok(done(tag))
    }

    /// Whose settings are meant, if this user may change them.
    fn stored_scope(&self, scope: &StoredScope) -> Result<Scope, SqlError> {
        let role = match &scope.role {
            StoredRole::All => None,
            StoredRole::Current => Some(self.user.clone()),
            StoredRole::Named(name) => Some(name.clone()),
        };
        if let Some(role) = &role
            && !self.shared.planner.has_role(role)
            && *role != self.user
        {
            return Err(SqlError::new(Code::UndefinedObject, format!("role \"{role}\" does not exist")));
        }
        if let Some(database) = &scope.database
            && !self.relations().catalog().databases.contains_key(database)
        {
            return Err(SqlError::new(Code::InvalidCatalogName, format!("database \"{database}\" does not exist")));
        }
        let is_own = role.as_ref() == Some(&self.user);
        if !is_own && !self.is_admin() {
            let text = match (&role, &scope.database) {
                (None, Some(database)) => format!("must be owner of database {database}"),
                _ => String::from("permission denied"),
            };
            return Err(SqlError::new(Code::InsufficientPrivilege, text));
        }
        Ok(Scope { role, database: scope.database.clone() })
    }

    /// Whether the user has the role that stands above others.
    pub(super) fn is_admin(&self) -> bool {
        self.roles.iter().any(|role| role == ADMIN)
    }

    /// Commits what was written and does what waited for it; what can fail comes first.
    pub(super) async fn carry_out_effects(&mut self) -> Result<(), SqlError> {
        if self.effects.is_empty() {
            return self.data.commit().await;
        }
        let effects = std::mem::take(&mut self.effects);
        let (mut stored, mut said, mut known) = (Vec::new(), Vec::new(), HashSet::new());
        for effect in &effects {
            match effect {
                Effect::Stored(scope, change) => stored.push((scope.clone(), change.clone())),
                // The same words twice in one transaction are told once.
                Effect::Notify(channel, payload) if known.insert((channel, payload)) => {
                    said.push((channel.clone(), payload.clone()));
                }
                Effect::DropTable(table) => self.data.with(|transaction| {
                    let is_there = transaction.catalog().table_by_oid(*table).is_some();
                    if is_there { transaction.drop_entry(*table) } else { Ok(()) }
                })?,
                _ => {}
            }
        }
        self.shared.stored.change(&stored).await?;
        self.data.commit().await?;
        for effect in &effects {
            match effect {
                Effect::Listen(channel) => self.channel_end.listen(channel)?,
                Effect::Unlisten(channel) => self.channel_end.unlisten(channel.as_deref()),
                Effect::Notify(..) | Effect::Stored(..) | Effect::DropTable(_) => {}
            }
        }
        self.channel_end.notify(&said)
    }
}
