//! Users' tables of this node as fragments of other nodes read them.
//!
//! A fragment sees one snapshot of its own, of the database that its client is connected to. Only tables whose rows
//! are here are found: what the store keeps and nothing that other nodes told.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::error::Result;

use super::statement::engine_error;
use super::{RelationTable, StoredRows};
use crate::catalog::{Catalog, Database, Scope, Table};
use crate::storage::{SqlTransaction, StorageError, Store};
use crate::types::NodeName;

/// The users' tables of one database in one snapshot.
#[derive(Debug)]
pub(super) struct OwnRelations {
    pub(super) database: String,
    transaction: SqlTransaction,
    catalog: Arc<Catalog>,
    node: NodeName,
}

impl OwnRelations {
    /// A snapshot of now.
    pub(super) fn new(store: &Arc<Store>, node: &NodeName, database: &str) -> Result<Self> {
        let transaction = store.begin().map_err(|error| engine_error(error.into_sql_error()))?;
        let catalog = transaction.catalog();
        Ok(Self { database: database.to_owned(), transaction, catalog, node: node.clone() })
    }

    fn own_database(&self) -> Option<&Database> {
        self.catalog.databases.get(&self.database)
    }

    /// The names of the database's schemas.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &str> {
        self.own_database().into_iter().flat_map(|database| database.schemas.keys().map(String::as_str))
    }

    /// The table of this name. Where several nodes use a name, others call a table of this node `name@node`.
    pub(super) fn find(&self, schema: &str, name: &str) -> Option<&Arc<Table>> {
        let tables = &self.own_database()?.schemas.get(schema)?.tables;
        let told_apart = || tables.get(name.strip_suffix(self.node.as_str())?.strip_suffix('@')?);
        let table = tables.get(name).or_else(told_apart)?;
        let is_temporary = table.relational.as_ref().is_none_or(|relational| relational.temporary);
        (table.scope == Scope::Relational && !is_temporary).then_some(table)
    }

    /// A provider of the table's rows.
    pub(super) fn table(&self, schema: &str, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = self.find(schema, name) else { return Ok(None) };
        let rows = self.transaction.rows(table).map_err(StorageError::into_sql_error).map_err(engine_error)?;
        Ok(Some(Arc::new(RelationTable::new(Arc::clone(table), Arc::new(StoredRows(rows))))))
    }
}
