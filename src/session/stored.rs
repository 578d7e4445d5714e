//! Settings that new sessions start with: ALTER ROLE ... SET and ALTER DATABASE ... SET.
//!
//! They belong to this node. A keeper, which `node` plugs in, writes them down before the command
//! that changes them succeeds.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::types::{Code, SqlError};

/// Most values that are stored in all.
const VALUES_MAX: usize = 10_000;

/// Whose sessions; none stands for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Scope {
    pub(super) role: Option<String>,
    pub(super) database: Option<String>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Set(String, String),
    Reset(String),
    ResetAll,
}

/// Writes the stored settings down.
#[async_trait]
pub trait SettingsKeeper: Debug + Send + Sync + 'static {
    /// Keeps a document; it replaces the one before.
    async fn keep(&self, document: Vec<u8>) -> Result<(), SqlError>;
}

type Values = BTreeMap<Scope, BTreeMap<String, String>>;

/// The stored settings of a node; clones share them.
#[derive(Debug, Clone, Default)]
pub struct StoredSettings {
    values: Arc<Mutex<Values>>,
    /// Held from a change to the end of its writing, so that documents are kept in order.
    writing: Arc<tokio::sync::Mutex<()>>,
    keeper: Option<Arc<dyn SettingsKeeper>>,
}

impl StoredSettings {
    /// The settings of a document that a keeper kept; none at the first start.
    pub fn open(document: Option<&[u8]>, keeper: Arc<dyn SettingsKeeper>) -> Result<Self, SqlError> {
        let entries: Vec<(Scope, BTreeMap<String, String>)> = match document {
            Some(document) => serde_json::from_slice(document)
                .map_err(|_| SqlError::new(Code::DataCorrupted, "the stored settings of roles cannot be read"))?,
            None => Vec::new(),
        };
        let values = Arc::new(Mutex::new(entries.into_iter().collect()));
        Ok(Self { values, writing: Arc::default(), keeper: Some(keeper) })
    }

    /// What a session of this role in this database starts with; later ones win.
    pub(super) fn of(&self, role: &str, database: &str) -> Vec<(String, String)> {
        let (role, database) = (Some(role.to_owned()), Some(database.to_owned()));
        let scopes = [
            Scope { role: None, database: None },
            Scope { role: None, database: database.clone() },
            Scope { role: role.clone(), database: None },
            Scope { role, database },
        ];
        let values = self.lock();
        let found = scopes.iter().filter_map(|scope| values.get(scope)).flatten();
        found.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Applies changes, all of them or none.
    pub(super) async fn change(&self, changes: &[(Scope, Change)]) -> Result<(), SqlError> {
        if changes.is_empty() {
            return Ok(());
        }
        let _writing = self.writing.lock().await;
        let mut changed = self.lock().clone();
        changes.iter().for_each(|(scope, change)| apply(&mut changed, scope, change));
        if changed.values().map(BTreeMap::len).sum::<usize>() > VALUES_MAX {
            return Err(SqlError::new(Code::OutOfMemory, "too many stored settings"));
        }
        if let Some(keeper) = &self.keeper {
            let entries: Vec<_> = changed.iter().collect();
            let document = serde_json::to_vec(&entries)
                .map_err(|_| SqlError::new(Code::Internal, "the stored settings cannot be written"))?;
            keeper.keep(document).await?;
        }
        *self.lock() = changed;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Values> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn apply(values: &mut Values, scope: &Scope, change: &Change) {
    match change {
        Change::Set(name, value) => {
            values.entry(scope.clone()).or_default().insert(name.clone(), value.clone());
        }
        Change::Reset(name) => {
            if let Some(own) = values.get_mut(scope) {
                own.remove(name);
            }
        }
        Change::ResetAll => drop(values.remove(scope)),
    }
    values.retain(|_, own| !own.is_empty());
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Change, Scope, SettingsKeeper, StoredSettings};
    use crate::types::SqlError;

    #[derive(Debug, Default)]
    struct Drawer(Mutex<Option<Vec<u8>>>);

    #[async_trait::async_trait]
    impl SettingsKeeper for Drawer {
        async fn keep(&self, document: Vec<u8>) -> Result<(), SqlError> {
            *self.0.lock().expect("lock") = Some(document);
            Ok(())
        }
    }

    fn scope(role: Option<&str>, database: Option<&str>) -> Scope {
        Scope { role: role.map(str::to_owned), database: database.map(str::to_owned) }
    }

    fn set(value: &str) -> Change {
        Change::Set("timezone".to_owned(), value.to_owned())
    }

    /// The narrower scope wins, and what was kept is there after a restart.
    #[tokio::test]
    async fn stored_settings_come_back_in_order() {
        let drawer = Arc::new(Drawer::default());
        let keeper = || Arc::<Drawer>::clone(&drawer) as Arc<dyn SettingsKeeper>;
        let stored = StoredSettings::open(None, keeper()).expect("empty");
        let changes = [(scope(None, None), set("a")), (scope(Some("r"), None), set("b"))];
        stored.change(&changes).await.expect("kept");
        let document = drawer.0.lock().expect("lock").clone().expect("a document");
        let stored = StoredSettings::open(Some(&document), keeper()).expect("read back");
        let last = |role: &str| stored.of(role, "d").last().map(|(_, value)| value.clone());
        assert_eq!((last("r").as_deref(), last("other").as_deref()), (Some("b"), Some("a")));
        stored.change(&[(scope(Some("r"), None), Change::ResetAll)]).await.expect("kept");
        assert_eq!(last("r").as_deref(), Some("a"));
        assert!(StoredSettings::open(Some(b"{"), keeper()).is_err());
    }
}
