//! The traits that GlueSQL asks of a storage.

use std::iter::Peekable;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use gluesql::core::ast::ColumnDef;
use gluesql::core::data::{Key, Schema, Value};
use gluesql::core::store::{
    AlterTable, CustomFunction, CustomFunctionMut, Index, IndexMut, Metadata, Planner, RowIter, Store, StoreMut,
    Transaction,
};

use super::write_set::TableWrites;
use super::{GlueResult, GlueStorage, event, pass_error, row, unreadable, value};
use crate::catalog::Table;
use crate::storage::{StorageError, TableRows, layout};
use crate::types::{Code, SqlType};

impl Index for GlueStorage {}
impl IndexMut for GlueStorage {}
impl Metadata for GlueStorage {}
impl Planner for GlueStorage {}
impl CustomFunction for GlueStorage {}
impl CustomFunctionMut for GlueStorage {}

impl Store for GlueStorage {
    fn fetch_schema(&self, table_name: &str) -> GlueResult<Option<Schema>> {
        self.pass(self.schema(table_name))
    }

    fn fetch_all_schemas(&self) -> GlueResult<Vec<Schema>> {
        self.pass(self.all_schemas())
    }

    fn fetch_data(&self, table_name: &str, key: &Key) -> GlueResult<Option<Vec<Value>>> {
        self.pass(self.row(table_name, key))
    }

    fn scan_data<'a>(&'a self, table_name: &str) -> GlueResult<RowIter<'a>> {
        let pass = |row: Result<_, StorageError>| row.map_err(|error| pass_error(&self.failure, error));
        if let Some(version) = self.event_table(table_name) {
            return Ok(Box::new(event::rows(version).map(pass)));
        }
        if let Some(table) = self.users_table(table_name) {
            return Ok(Box::new(self.pass(self.users_rows(table))?.map(pass)));
        }
        Ok(Box::new(self.pass(self.relational_rows(table_name))?.map(pass)))
    }
}

impl GlueStorage {
    fn all_schemas(&self) -> Result<Vec<Schema>, StorageError> {
        let events = self.version.tables.values().map(|version| super::schema::of_event_table(&version.table));
        let mut schemas: Vec<Schema> = events.collect();
        let tables = super::schema::users_tables(&self.catalog);
        schemas.extend(tables.map(|(name, table)| super::schema::of_users_table(&name, table)));
        let table = self.snapshot.open_table(layout::SCHEMAS).map_err(unreadable)?;
        for entry in table.range::<&str>(..).map_err(unreadable)? {
            let (name, record) = entry.map_err(unreadable)?;
            if self.own_writes().is_none_or(|writes| writes.schema(name.value()).is_none()) {
                schemas.push(layout::decode("the definition of a table", record.value())?);
            }
        }
        let written = self.own_writes().into_iter().flat_map(|writes| writes.schemas());
        schemas.extend(written.filter_map(|(_, schema)| schema.cloned()));
        schemas.sort_by(|left, right| left.table_name.cmp(&right.table_name));
        Ok(schemas)
    }

    /// The rows of a user's table in the order of their insertion.
    fn users_rows(
        &self,
        table: &Arc<Table>,
    ) -> Result<impl Iterator<Item = Result<(Key, Vec<Value>), StorageError>> + use<>, StorageError> {
        let rows = TableRows::new(Arc::clone(table), Arc::clone(&self.snapshot), None)?;
        let types: Vec<SqlType> = table.columns.iter().map(|column| column.sql_type).collect();
        let values = move |batch: &RecordBatch| {
            let row = |row| {
                let columns = batch.columns().iter().zip(&types);
                columns.map(|(column, kind)| value::from_arrow(column.as_ref(), row, *kind)).collect()
            };
            (0..batch.num_rows()).map(row).collect::<Result<Vec<Vec<Value>>, StorageError>>()
        };
        let batches = rows.batches(None, false)?.map(move |batch| values(&batch?));
        let rows = batches.flat_map(|batch| match batch {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        Ok(rows.enumerate().map(|(number, row)| Ok((Key::U64(number as u64), row?))))
    }

    fn row(&self, table: &str, key: &Key) -> Result<Option<Vec<Value>>, StorageError> {
        let key = row::order(key)?;
        if let Some(writes) = self.own_writes().and_then(|writes| writes.table(table)) {
            if let Some(written) = writes.rows.get(&key) {
                return written.as_deref().map(|bytes| row::decode(bytes).map(|(_, row)| row)).transpose();
            }
            if writes.replaced {
                return Ok(None);
            }
        }
        let rows = self.snapshot.open_table(layout::ROWS).map_err(unreadable)?;
        let found = rows.get((table, key.as_slice())).map_err(unreadable)?;
        found.map(|bytes| row::decode(bytes.value()).map(|(_, row)| row)).transpose()
    }

    /// The rows of a relational table in key order: the snapshot's, overlaid with our own.
    fn relational_rows<'a>(
        &'a self,
        table: &str,
    ) -> Result<impl Iterator<Item = Result<(Key, Vec<Value>), StorageError>> + use<'a>, StorageError> {
        let rows = self.snapshot.open_table(layout::ROWS).map_err(unreadable)?;
        let (first, end, none): (&[u8], String, &[u8]) = (&[], format!("{table}\0"), &[]);
        let stored = rows.range((table, first)..(end.as_str(), none)).map_err(unreadable)?;
        let stored = stored.map(|entry| {
            let (key, bytes) = entry.map_err(unreadable)?;
            Ok((key.value().1.to_vec(), bytes.value().to_vec()))
        });
        let writes = self.own_writes().and_then(|writes| writes.table(table));
        let replaced = writes.is_some_and(|writes| writes.replaced);
        let stored = stored.take_while(move |_| !replaced);
        Ok(Overlay { stored: stored.peekable(), written: written_rows(writes).peekable() })
    }

    /// The number of the last row that was appended to a table without a primary key.
    fn row_number(&mut self, table: &str) -> Result<u64, StorageError> {
        let writes = self.own_writes().and_then(|writes| writes.table(table));
        match writes.map(|writes| (writes.row_number, writes.replaced)) {
            Some((Some(last), _)) => Ok(last),
            Some((None, true)) => Ok(0),
            _ => {
                let numbers = self.snapshot.open_table(layout::ROW_NUMBERS).map_err(unreadable)?;
                Ok(numbers.get(table).map_err(unreadable)?.map_or(0, |last| last.value()))
            }
        }
    }

    fn append(&mut self, table: &str, rows: Vec<Vec<Value>>) -> Result<(), StorageError> {
        if let Some(version) = self.event_table(table) {
            if self.writing.as_ref().is_some_and(|writing| writing.in_transaction) {
                let message = format!("cannot insert into event table \"{table}\" inside a transaction block");
                return Err(StorageError::statement(Code::ActiveSqlTransaction, message));
            }
            let batch = value::to_batch(&rows, &version.table.arrow)?;
            return self.writes()?.append_events(table, batch);
        }
        self.refuse_write(table, "insert into")?;
        let mut last = self.row_number(table)?;
        let writes = self.writes()?;
        for values in rows {
            last += 1;
            let key = Key::U64(last);
            writes.put_row(table, row::order(&key)?, Some(row::encode(&key, &values)?))?;
        }
        writes.table_mut(table).row_number = Some(last);
        Ok(())
    }

    fn put_rows(&mut self, table: &str, rows: Vec<(Key, Vec<Value>)>) -> Result<(), StorageError> {
        self.refuse_write(table, "update rows of")?;
        let mut last = self.row_number(table)?;
        let before = last;
        let writes = self.writes()?;
        for (key, values) in rows {
            // Rows of a renamed table keep their numbers.
            if let Key::U64(number) = key {
                last = last.max(number);
            }
            writes.put_row(table, row::order(&key)?, Some(row::encode(&key, &values)?))?;
        }
        if last > before {
            writes.table_mut(table).row_number = Some(last);
        }
        Ok(())
    }

    fn put_schema(&mut self, schema: &Schema) -> Result<(), StorageError> {
        self.refuse_write(&schema.table_name, "redefine")?;
        let is_new = self.schema(&schema.table_name)?.is_none();
        self.writes()?.put_schema(schema, is_new);
        Ok(())
    }
}

/// Rows of the write set; none where a row is gone.
type WrittenRow<'a> = (&'a [u8], Option<&'a [u8]>);

fn written_rows(writes: Option<&TableWrites>) -> impl Iterator<Item = WrittenRow<'_>> {
    writes.into_iter().flat_map(|writes| writes.rows.iter().map(|(key, row)| (key.as_slice(), row.as_deref())))
}

/// Merges stored and written rows by key; a written one hides the stored one.
struct Overlay<S: Iterator, W: Iterator> {
    stored: Peekable<S>,
    written: Peekable<W>,
}

impl<'a, S, W> Iterator for Overlay<S, W>
where
    S: Iterator<Item = Result<(Vec<u8>, Vec<u8>), StorageError>>,
    W: Iterator<Item = WrittenRow<'a>>,
{
    type Item = Result<(Key, Vec<Value>), StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let stored_first = match (self.stored.peek(), self.written.peek()) {
                (None, None) => return None,
                (Some(Err(_)), _) | (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(Ok((stored, _))), Some((written, _))) => stored.as_slice() < *written,
            };
            if stored_first {
                return self.stored.next().map(|entry| entry.and_then(|(_, bytes)| row::decode(&bytes)));
            }
            let (key, written) = self.written.next()?;
            self.stored.next_if(|entry| entry.as_ref().is_ok_and(|(stored, _)| stored == key));
            if let Some(bytes) = written {
                return Some(row::decode(bytes));
            }
        }
    }
}

impl StoreMut for GlueStorage {
    fn insert_schema(&mut self, schema: &Schema) -> GlueResult<()> {
        let done = self.put_schema(schema);
        self.pass(done)
    }

    fn delete_schema(&mut self, table_name: &str) -> GlueResult<()> {
        let refused = self.refuse_write(table_name, "drop");
        let done = refused.and_then(|()| self.writes().map(|writes| writes.drop_table(table_name)));
        self.pass(done)
    }

    fn append_data(&mut self, table_name: &str, rows: Vec<Vec<Value>>) -> GlueResult<()> {
        let done = self.append(table_name, rows);
        self.pass(done)
    }

    fn insert_data(&mut self, table_name: &str, rows: Vec<(Key, Vec<Value>)>) -> GlueResult<()> {
        let done = self.put_rows(table_name, rows);
        self.pass(done)
    }

    fn delete_data(&mut self, table_name: &str, keys: Vec<Key>) -> GlueResult<()> {
        let delete = |this: &mut Self| {
            this.refuse_write(table_name, "delete rows of")?;
            let writes = this.writes()?;
            keys.iter().try_for_each(|key| writes.put_row(table_name, row::order(key)?, None))
        };
        let done = delete(self);
        self.pass(done)
    }
}

impl Transaction for GlueStorage {
    fn begin(&mut self, autocommit: bool) -> GlueResult<bool> {
        let in_transaction = self.writing.as_ref().map(|writing| writing.in_transaction);
        let done = match (in_transaction, autocommit) {
            (Some(true), true) => return Ok(false),
            (None, true) => return Ok(true),
            (Some(false), _) => self.restart(!autocommit).map(|()| autocommit),
            (Some(true), false) => {
                Err(StorageError::statement(Code::ActiveSqlTransaction, "a transaction is open already"))
            }
            (None, false) => {
                Err(StorageError::statement(Code::ReadOnlySqlTransaction, "the handle is for reading only"))
            }
        };
        self.pass(done)
    }

    fn rollback(&mut self) -> GlueResult<()> {
        let done = self.restart(false);
        self.pass(done)
    }

    fn commit(&mut self) -> GlueResult<()> {
        let done = self.commit_writes();
        self.pass(done)
    }
}

impl AlterTable for GlueStorage {
    fn rename_schema(&mut self, table_name: &str, new_table_name: &str) -> GlueResult<()> {
        self.pass(self.refuse_write(table_name, "alter"))?;
        Relational(self).rename_schema(table_name, new_table_name)
    }

    fn rename_column(&mut self, table_name: &str, old_name: &str, new_name: &str) -> GlueResult<()> {
        self.pass(self.refuse_write(table_name, "alter"))?;
        Relational(self).rename_column(table_name, old_name, new_name)
    }

    fn add_column(&mut self, table_name: &str, column_def: &ColumnDef) -> GlueResult<()> {
        self.pass(self.refuse_write(table_name, "alter"))?;
        Relational(self).add_column(table_name, column_def)
    }

    fn drop_column(&mut self, table_name: &str, column_name: &str, if_exists: bool) -> GlueResult<()> {
        self.pass(self.refuse_write(table_name, "alter"))?;
        Relational(self).drop_column(table_name, column_name, if_exists)
    }
}

/// A handle whose ALTER TABLE is GlueSQL's own: definition and rows are written anew.
struct Relational<'a>(&'a mut GlueStorage);

impl AlterTable for Relational<'_> {}

impl Store for Relational<'_> {
    fn fetch_schema(&self, table_name: &str) -> GlueResult<Option<Schema>> {
        self.0.fetch_schema(table_name)
    }

    fn fetch_all_schemas(&self) -> GlueResult<Vec<Schema>> {
        self.0.fetch_all_schemas()
    }

    fn fetch_data(&self, table_name: &str, key: &Key) -> GlueResult<Option<Vec<Value>>> {
        self.0.fetch_data(table_name, key)
    }

    fn scan_data<'a>(&'a self, table_name: &str) -> GlueResult<RowIter<'a>> {
        self.0.scan_data(table_name)
    }
}

impl StoreMut for Relational<'_> {
    fn insert_schema(&mut self, schema: &Schema) -> GlueResult<()> {
        self.0.insert_schema(schema)
    }

    fn delete_schema(&mut self, table_name: &str) -> GlueResult<()> {
        self.0.delete_schema(table_name)
    }

    fn insert_data(&mut self, table_name: &str, rows: Vec<(Key, Vec<Value>)>) -> GlueResult<()> {
        self.0.insert_data(table_name, rows)
    }
}
