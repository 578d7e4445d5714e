//! Relational tables: rows, indexes, definitions, foreign keys, sequences, and the transactions over them.
//!
//! ```text
//! store.catalog()                  the newest committed catalog
//! store.begin()                    a transaction over a snapshot of now: SqlTransaction
//!   .rows(table)                   a view of a table's rows, own writes included: TableRows
//!   .start_writing(timeout, keep)  the one writer's turn; then insert, update, delete, put, drop_entry, ...
//!   .check_references()            at the end of every statement
//!   .savepoint(), .roll_back_to()
//!   .commit()                      durable, then visible
//! ```
//! A row has a number for life, and that is its key; every index, a primary key's too, leads from values to numbers.
//! What a transaction writes stays in memory until COMMIT, so a thinking client never stops ingest. What needs
//! expressions (defaults, CHECK, generated columns) is done above, also for rows that
//! foreign keys change: [`SqlTransaction::reference_actions`] hands them out.

mod change;
mod codec;
mod definitions;
mod key;
mod references;
mod rows;
mod shared;
mod text;
mod transaction;
mod violation;
mod write_set;

#[cfg(test)]
mod bytes_tests;

pub use references::Concerned;
pub use rows::{Batches, ROW_KEY_COLUMN, RowKey, TableRows, row_key_field};
pub use shared::SequenceState;
pub(super) use shared::Shared;
pub use transaction::{Savepoint, SqlTransaction};
pub use violation::failing_row;
pub(super) use write_set::RelationWrites;
