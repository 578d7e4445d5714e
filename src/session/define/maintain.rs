//! ANALYZE, VACUUM, REINDEX and LOCK: the names must exist; there is nothing else to do.
//!
//! One transaction writes at a time, so whoever may write has every lock already.

use super::Definer;
use crate::planner::Relation;
use crate::planner::definition::{ObjectKind, QualifiedName};
use crate::types::{Code, SqlError};

impl Definer {
    /// ANALYZE and its like.
    pub(super) fn maintain(&self, targets: &[(ObjectKind, QualifiedName, Vec<String>)]) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let names = self.names(&catalog)?;
        for (kind, name, columns) in targets {
            match kind {
                ObjectKind::Database if name.name != self.context.settings.current_database => {
                    let text = "can only reindex the currently open database";
                    return Err(SqlError::new(Code::FeatureNotSupported, text));
                }
                ObjectKind::Database => {}
                ObjectKind::Schema => drop(names.schema(&name.name)?),
                _ => {
                    if names.find_relation(name)?.is_none() && crate::system::is_pg_catalog_relation(&name.name) {
                        continue;
                    }
                    let found = names.relation(name)?;
                    if *kind == ObjectKind::Index && !matches!(found, Relation::Index(..)) {
                        let text = format!("\"{}\" is not an index", found.name());
                        return Err(SqlError::new(Code::WrongObjectType, text));
                    }
                    if let Relation::Table(table) = &found {
                        for column in columns {
                            super::tables::column_named(table, column)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// LOCK TABLE.
    pub(super) fn lock(&self, tables: &[QualifiedName]) -> Result<(), SqlError> {
        let catalog = self.catalog();
        for name in tables {
            match self.names(&catalog)?.relation(name)? {
                Relation::Table(_) | Relation::View(_) => {}
                found => {
                    let text = format!("\"{}\" is not a table or view", found.name());
                    return Err(SqlError::new(Code::WrongObjectType, text));
                }
            }
        }
        Ok(())
    }
}
