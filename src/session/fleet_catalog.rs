//! What exists in the whole mesh, as this node knows it: its own catalog and what the other nodes made.
//!
//! Shared by all sessions. A united catalog is made once for each pair of an own catalog and what the others told,
//! so that statements of one moment share one snapshot.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::catalog::{Catalog, Hidden, Published, Union};
use crate::storage::Store;

/// What other nodes told, in the order of their names.
pub type Others = Arc<Vec<Arc<Published>>>;

/// Most united catalogs that are kept: transactions with own definitions have catalogs of their own.
const KEPT_MAX: usize = 8;

/// Makes the catalogs that statements see.
#[derive(Debug)]
pub struct FleetCatalog {
    store: Arc<Store>,
    others: watch::Receiver<Others>,
    /// The one that was used last comes last.
    kept: Mutex<Vec<Kept>>,
    /// What was hidden when it was told last.
    told: Mutex<BTreeSet<Hidden>>,
}

#[derive(Debug)]
struct Kept {
    own: Arc<Catalog>,
    others: Others,
    union: Arc<Union>,
}

impl FleetCatalog {
    /// Over a store and what the other nodes tell.
    pub fn new(store: Arc<Store>, others: watch::Receiver<Others>) -> Self {
        Self { store, others, kept: Mutex::default(), told: Mutex::default() }
    }

    /// Of a node without a mesh.
    pub fn alone(store: Arc<Store>) -> Self {
        // Nothing comes from a sender that is gone, and what it said first stays.
        let (_, others) = watch::channel(Others::default());
        Self::new(store, others)
    }

    /// What is known and committed now.
    pub fn newest(&self) -> Arc<Union> {
        self.with(&self.store.catalog(), &self.others())
    }

    /// What the others told by now.
    pub(super) fn others(&self) -> Others {
        Arc::clone(&self.others.borrow())
    }

    /// An own catalog together with what the others told.
    pub(super) fn with(&self, own: &Arc<Catalog>, others: &Others) -> Arc<Union> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |kept: &Kept| Arc::ptr_eq(&kept.own, own) && Arc::ptr_eq(&kept.others, others);
        let found = match kept.iter().position(is_same) {
            Some(place) => kept.remove(place),
            None => {
                let union = Arc::new(Union::of(own, others));
                self.tell(&union);
                Kept { own: Arc::clone(own), others: Arc::clone(others), union }
            }
        };
        let union = Arc::clone(&found.union);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(found);
        union
    }

    /// Warns of what is newly hidden.
    fn tell(&self, union: &Union) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now: BTreeSet<Hidden> = union.hidden.iter().cloned().collect();
        for hidden in now.difference(&told) {
            let Hidden { node, name, reason } = hidden;
            tracing::warn!(%node, name, reason, "an object of another node is not shown as it was made");
        }
        *told = now;
    }
}
