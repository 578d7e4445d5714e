//! Foreign keys: at the end of a statement every reference leads to a row again, or the statement fails.
//!
//! The actions of foreign keys change rows, which may be referred to themselves; so rounds of actions are taken until
//! nothing changes, and then what must hold is checked: rows that are new have what they refer to, and rows that are
//! gone are referred to by none. RESTRICT is checked before any action.
//!
//! Storage evaluates no expressions. Rows that an action changed and that have CHECK constraints, generated columns or
//! columns of a domain, and rows that shall get defaults, are given to the caller between the rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, new_null_array};
use datafusion::arrow::compute::{cast, take, take_record_batch};

use super::key::{KeyShape, has_null};
use super::rows::{RowKey, TableRows};
use super::transaction::SqlTransaction;
use super::violation;
use super::write_set::RowBytes;
use crate::catalog::{Constraint, ForeignAction, Rule, Table};
use crate::storage::StorageError;
use crate::types::Code;

/// Rows that the action of a foreign key concerns, and about which expressions must be asked.
#[derive(Debug, Clone)]
pub struct Concerned {
    /// Their table.
    pub table: Arc<Table>,
    /// The rows, some of which may be gone by now.
    pub keys: Vec<RowKey>,
    /// Numbers of the columns that shall get their defaults.
    pub defaults: Vec<i16>,
}

/// What a statement has found out about references, until its end.
#[derive(Debug, Default)]
pub(super) struct Pending {
    written: Vec<Changes>,
    gone: Vec<Gone>,
    concerned: Vec<Concerned>,
}

/// A row that was written.
#[derive(Debug)]
pub(super) struct RowChange {
    pub(super) table: Arc<Table>,
    pub(super) number: u64,
    pub(super) old: Option<RowBytes>,
    pub(super) new: Option<RowBytes>,
}

/// A foreign key seen from the table that it refers to.
#[derive(Debug, Clone)]
struct Incoming {
    referring: Arc<Table>,
    constraint: Constraint,
    referenced: Vec<i16>,
    on_update: ForeignAction,
    on_delete: ForeignAction,
}

/// Keys that are gone, and must not be referred to.
#[derive(Debug)]
struct Gone {
    incoming: Incoming,
    table: Arc<Table>,
    columns: Vec<ArrayRef>,
}

/// Changes of one table, as rows.
#[derive(Debug)]
struct Changes {
    table: Arc<Table>,
    changes: Vec<RowChange>,
}

fn arrow(source: datafusion::arrow::error::ArrowError) -> StorageError {
    StorageError::conversion("check a foreign key", source)
}

impl SqlTransaction {
    /// Takes the actions of foreign keys, after the writes of a statement. Where rows come back, the caller gives them
    /// their defaults and generated columns, holds them against their CHECK constraints, writes them with
    /// [`Self::update`] and calls this again, until none come back.
    pub fn reference_actions(&mut self) -> Result<Vec<Concerned>, StorageError> {
        while !self.changed.is_empty() {
            for group in grouped(std::mem::take(&mut self.changed)) {
                self.take_actions(&group)?;
                self.pending.written.push(group);
            }
        }
        Ok(std::mem::take(&mut self.pending.concerned))
    }

    /// The end of a statement: takes the actions of foreign keys that need no expressions, and checks them (23503).
    pub fn check_references(&mut self) -> Result<(), StorageError> {
        if !self.reference_actions()?.is_empty() {
            let message = "rows that foreign keys have changed were not looked at";
            return Err(StorageError::statement(Code::Internal, message));
        }
        let Pending { written, gone, .. } = std::mem::take(&mut self.pending);
        gone.iter().try_for_each(|gone| self.check_gone(gone))?;
        folded(written).iter().try_for_each(|group| self.check_written(group))
    }

    fn incoming(&self, table: &Table) -> Vec<Incoming> {
        let of = |(referring, constraint): (&Arc<Table>, &Constraint)| match &constraint.rule {
            Rule::ForeignKey { referenced, on_update, on_delete, .. } => Some(Incoming {
                referring: Arc::clone(referring),
                constraint: constraint.clone(),
                referenced: referenced.clone(),
                on_update: *on_update,
                on_delete: *on_delete,
            }),
            _ => None,
        };
        self.catalog.references_to(table.oid).filter_map(of).collect()
    }

    /// Does for rows that have gone or changed what the foreign keys to them demand.
    fn take_actions(&mut self, group: &Changes) -> Result<(), StorageError> {
        let incoming = self.incoming(&group.table);
        let changes: Vec<&RowChange> = group.changes.iter().filter(|change| change.old.is_some()).collect();
        if incoming.is_empty() || changes.is_empty() {
            return Ok(());
        }
        let old = TableRows::decode(&group.table, changes.iter().filter_map(|change| change.old.as_ref()))?;
        // Where a row is gone its old values stand in, so that both have the same length.
        let new = changes.iter().filter_map(|change| change.new.as_ref().or(change.old.as_ref()));
        let new = TableRows::decode(&group.table, new)?;
        for incoming in incoming {
            let shape = KeyShape::plain(&group.table, &incoming.referenced)?;
            let (old_columns, new_columns) = (shape.columns(&group.table, &old)?, shape.columns(&group.table, &new)?);
            let (mut deleted, mut updated) = (Vec::new(), Vec::new());
            for (row, change) in (0_u32..).zip(&changes) {
                let place = row as usize;
                if has_null(&old_columns, place) {
                    continue;
                }
                if change.new.is_none() {
                    deleted.push(row);
                } else if shape.key(&old_columns, place)? != shape.key(&new_columns, place)? {
                    updated.push(row);
                }
            }
            for (rows, action, is_update) in [(deleted, incoming.on_delete, false), (updated, incoming.on_update, true)]
            {
                if !rows.is_empty() {
                    let rows = UInt32Array::from(rows);
                    let chosen = |columns: &[ArrayRef]| {
                        columns.iter().map(|column| take(column, &rows, None)).collect::<Result<Vec<_>, _>>()
                    };
                    let old = chosen(&old_columns).map_err(arrow)?;
                    let new = if is_update { Some(chosen(&new_columns).map_err(arrow)?) } else { None };
                    self.act(&group.table, &incoming, action, old, new)?;
                }
            }
        }
        Ok(())
    }

    fn act(
        &mut self,
        table: &Arc<Table>,
        incoming: &Incoming,
        action: ForeignAction,
        old: Vec<ArrayRef>,
        new: Option<Vec<ArrayRef>>,
    ) -> Result<(), StorageError> {
        let referring = Arc::clone(&incoming.referring);
        if matches!(action, ForeignAction::NoAction | ForeignAction::SetDefault) {
            // The default may be the very key that is gone.
            let gone = Gone { incoming: incoming.clone(), table: Arc::clone(table), columns: old.clone() };
            self.pending.gone.push(gone);
        }
        if action == ForeignAction::NoAction {
            return Ok(());
        }
        let found = self.referring_rows(table, incoming, &old)?;
        let Some((first, _)) = found.first() else { return Ok(()) };
        if action == ForeignAction::Restrict {
            let by = (referring.as_ref(), &incoming.constraint);
            return Err(violation::still_referenced(table, &incoming.referenced, &old, *first, by));
        }
        let keys: Vec<RowKey> = found.iter().map(|(_, key)| *key).collect();
        if let (ForeignAction::Cascade, None) = (action, &new) {
            return self.delete(&referring, &keys);
        }
        if action == ForeignAction::SetDefault {
            let defaults = incoming.constraint.columns.clone();
            self.pending.concerned.push(Concerned { table: referring, keys, defaults });
            return Ok(());
        }
        let places: UInt32Array = found.iter().map(|(place, _)| u32::try_from(*place).ok()).collect();
        let rows = self.rows(&referring)?.rows_by_key(&keys, None, false)?;
        let mut columns = rows.columns().to_vec();
        for (key, number) in incoming.constraint.columns.iter().enumerate() {
            let position = referring.position(*number).unwrap_or(usize::MAX);
            let kind = referring.arrow.field(position).data_type();
            columns[position] = match (action, &new) {
                (ForeignAction::Cascade, Some(new)) => {
                    cast(&take(&new[key], &places, None).map_err(arrow)?, kind).map_err(arrow)?
                }
                _ => new_null_array(kind, keys.len()),
            };
        }
        let rows = RecordBatch::try_new(super::rows::nullable(&referring.arrow), columns).map_err(arrow)?;
        self.update(&referring, &keys, &rows)?;
        if has_expressions(&referring) {
            self.pending.concerned.push(Concerned { table: referring, keys, defaults: Vec::new() });
        }
        Ok(())
    }

    /// The rows that refer to one of these keys: which key, and the row.
    fn referring_rows(
        &self,
        table: &Arc<Table>,
        incoming: &Incoming,
        columns: &[ArrayRef],
    ) -> Result<Vec<(usize, RowKey)>, StorageError> {
        let view = self.rows(&incoming.referring)?;
        let count = columns.first().map_or(0, |column| column.len());
        // Of both tables, the one's types say how the values of both compare.
        let shape = KeyShape::plain(table, &incoming.referenced)?;
        let mut found = Vec::new();
        if let Some((index, order)) = index_on(&incoming.referring, &incoming.constraint.columns)
            && same_types(table, &incoming.referenced, &incoming.referring, &incoming.constraint.columns)
        {
            let keys = KeyShape::of(&incoming.referring, &incoming.referring.indexes()[index])?;
            let oid = incoming.referring.indexes()[index].oid;
            let ordered: Vec<ArrayRef> = order.iter().map(|place| Arc::clone(&columns[*place])).collect();
            for row in 0..count {
                let numbers = view.numbers_with(oid, &keys.key(&ordered, row)?)?;
                found.extend(numbers.into_iter().map(|number| (row, RowKey(number))));
            }
            return Ok(found);
        }
        let mut wanted = BTreeMap::new();
        for row in 0..count {
            wanted.insert(shape.key(columns, row)?, row);
        }
        for batch in view.batches(None, true)? {
            let batch = batch?;
            let numbers = RowKey::of_batch(&batch).unwrap_or_default();
            let values = columns_of(&incoming.referring, &incoming.constraint.columns, &batch)?;
            for (row, number) in numbers.into_iter().enumerate() {
                if !has_null(&values, row)
                    && let Some(place) = wanted.get(&shape.key(&values, row)?)
                {
                    found.push((*place, number));
                }
            }
        }
        Ok(found)
    }

    /// No row refers to keys that are gone, unless another row has them now.
    fn check_gone(&self, gone: &Gone) -> Result<(), StorageError> {
        let found = self.referring_rows(&gone.table, &gone.incoming, &gone.columns)?;
        if found.is_empty() {
            return Ok(());
        }
        let lookup = self.lookup(&gone.table, &gone.incoming.referenced)?;
        for (row, _) in found {
            if !lookup.has(&gone.columns, row)? {
                let by = (gone.incoming.referring.as_ref(), &gone.incoming.constraint);
                return Err(violation::still_referenced(
                    &gone.table,
                    &gone.incoming.referenced,
                    &gone.columns,
                    row,
                    by,
                ));
            }
        }
        Ok(())
    }

    /// Every row that was written, and is still there, has what it refers to: an action may have changed a row again that
    /// the statement had changed, so it is what the row was before the statement that counts.
    fn check_written(&self, group: &Changes) -> Result<(), StorageError> {
        let table = &group.table;
        let mut foreign =
            table.constraints().iter().filter(|one| matches!(one.rule, Rule::ForeignKey { .. })).peekable();
        if foreign.peek().is_none() {
            return Ok(());
        }
        let keys: Vec<RowKey> = group.changes.iter().map(|change| RowKey(change.number)).collect();
        let now = self.rows(table)?.bytes(&keys)?;
        let there = group.changes.iter().zip(now).filter_map(|(change, now)| Some((change, now?)));
        let changes: Vec<(&RowChange, RowBytes)> = there.collect();
        let rows = TableRows::decode(table, changes.iter().map(|(_, now)| now))?;
        let old = changes.iter().map(|(change, now)| change.old.as_ref().unwrap_or(now));
        let old = TableRows::decode(table, old)?;
        for constraint in foreign {
            let shape = KeyShape::plain(table, &constraint.columns)?;
            let (columns, before) = (shape.columns(table, &rows)?, shape.columns(table, &old)?);
            let mut changed = Vec::new();
            for (row, (change, _)) in (0_u32..).zip(&changes) {
                let place = row as usize;
                if change.old.is_none() || shape.key(&columns, place)? != shape.key(&before, place)? {
                    changed.push(row);
                }
            }
            let changed = take_record_batch(&rows, &UInt32Array::from(changed)).map_err(arrow)?;
            self.check_referring(table, constraint, &changed)?;
        }
        Ok(())
    }

    /// These rows of a table have what a foreign key of it refers to.
    pub(super) fn check_referring(
        &self,
        table: &Arc<Table>,
        constraint: &Constraint,
        rows: &RecordBatch,
    ) -> Result<(), StorageError> {
        let Rule::ForeignKey { table: other, referenced, .. } = &constraint.rule else { return Ok(()) };
        let gone = || StorageError::statement(Code::UndefinedTable, format!("table {other} is gone"));
        let other = Arc::clone(self.catalog.table_by_oid(*other).ok_or_else(gone)?);
        let columns = columns_of(table, &constraint.columns, rows)?;
        let lookup = self.lookup(&other, referenced)?;
        for row in 0..rows.num_rows() {
            if !has_null(&columns, row) && !lookup.has(&columns, row)? {
                return Err(violation::missing_reference(table, constraint, &other, &columns, row));
            }
        }
        Ok(())
    }

    /// A way to find rows of a table by these columns.
    fn lookup(&self, table: &Arc<Table>, numbers: &[i16]) -> Result<Lookup, StorageError> {
        let index = match index_on(table, numbers) {
            None => None,
            Some((place, order)) => {
                let index = &table.indexes()[place];
                Some((index.oid, KeyShape::of(table, index)?, order))
            }
        };
        let shape = KeyShape::plain(table, numbers)?;
        Ok(Lookup { view: self.rows(table)?, numbers: numbers.to_vec(), shape, index })
    }
}

/// Finds rows of a table by some of its columns: by an index on them, or by reading all.
struct Lookup {
    view: TableRows,
    numbers: Vec<i16>,
    shape: KeyShape,
    /// The index, its keys, and the place of each among the columns.
    index: Option<(u32, KeyShape, Vec<usize>)>,
}

impl Lookup {
    /// Whether the table has a row with the values that these columns have in this row.
    fn has(&self, columns: &[ArrayRef], row: usize) -> Result<bool, StorageError> {
        if let Some((index, keys, order)) = &self.index {
            let ordered: Vec<ArrayRef> = order.iter().map(|place| Arc::clone(&columns[*place])).collect();
            return Ok(!self.view.numbers_with(*index, &keys.key(&ordered, row)?)?.is_empty());
        }
        let wanted = self.shape.key(columns, row)?;
        for batch in self.view.batches(None, false)? {
            let values = columns_of(self.view.table(), &self.numbers, &batch?)?;
            for row in 0..values.first().map_or(0, |column| column.len()) {
                if self.shape.key(&values, row)? == wanted {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// A changed row of the table must be looked at by somebody who evaluates expressions.
fn has_expressions(table: &Table) -> bool {
    table.columns.iter().any(|column| column.generated.is_some() || column.user_type.is_some())
        || table.constraints().iter().any(|constraint| matches!(constraint.rule, Rule::Check { .. }))
}

fn columns_of(table: &Table, numbers: &[i16], rows: &RecordBatch) -> Result<Vec<ArrayRef>, StorageError> {
    KeyShape::plain(table, numbers)?.columns(table, rows)
}

/// An index whose first keys are these columns, and the place of each of its keys among them.
fn index_on(table: &Table, numbers: &[i16]) -> Option<(usize, Vec<usize>)> {
    table.indexes().iter().enumerate().find_map(|(place, index)| {
        let keys = index.keys.get(..numbers.len())?;
        let order: Vec<usize> = keys
            .iter()
            .map(|key| numbers.iter().position(|number| key.column == Some(*number)))
            .collect::<Option<_>>()?;
        let mut all = order.clone();
        all.sort_unstable();
        all.dedup();
        (all.len() == numbers.len() && index.predicate.is_none()).then_some((place, order))
    })
}

/// Keys of the ones are keys of the others.
fn same_types(left: &Table, left_numbers: &[i16], right: &Table, right_numbers: &[i16]) -> bool {
    let order =
        |table: &Table, number: &i16| table.column(*number).and_then(|column| super::key::Order::of(column.sql_type));
    left_numbers.iter().zip(right_numbers).all(|(one, other)| order(left, one) == order(right, other))
}

/// Each row that was written once, with what it was before the statement.
fn folded(written: Vec<Changes>) -> Vec<Changes> {
    let mut seen = BTreeSet::new();
    let mut groups: Vec<Changes> = Vec::new();
    for Changes { table, changes } in written {
        let first = changes.into_iter().filter(|change| seen.insert((table.oid, change.number)));
        let first: Vec<RowChange> = first.collect();
        match groups.iter_mut().find(|group| group.table.oid == table.oid) {
            Some(group) => group.changes.extend(first),
            None => groups.push(Changes { table, changes: first }),
        }
    }
    groups
}

/// Changes by table, in the order of their tables' first.
fn grouped(changes: Vec<RowChange>) -> Vec<Changes> {
    let mut groups: Vec<Changes> = Vec::new();
    for change in changes {
        match groups.iter_mut().find(|group| group.table.oid == change.table.oid) {
            Some(group) => group.changes.push(change),
            None => groups.push(Changes { table: Arc::clone(&change.table), changes: vec![change] }),
        }
    }
    groups
}
