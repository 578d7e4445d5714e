//! COPY FROM as queries over the rows that a client has sent.
//!
//! ```text
//! COPY t (a, b) FROM STDIN WHERE e
//!   -> SELECT ... FROM (SELECT s.c1::<type of a> AS a, s.c2::<type of b> AS b, <default of c> AS c, s.__line
//!                       FROM <rows that were sent> AS s) AS t WHERE e
//! ```
//! What is sent as text is cast as a literal would be. The number of each row's line goes along, so that errors can
//! tell it.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{Expr, Query, Statement as Ast};

use super::assign::fitted;
use super::build::{column, derived, exact, expression, named, rows_table, select, select_of};
use super::insert::value_by_default;
use super::{
    Change, ChangeKind, ChangeRows, Target, Types, changed_table, checks_of, column_not_found, finish, mem_table,
};
use crate::catalog::{Column, Schema, Scope, Table};
use crate::mesh::Role;
use crate::planner::{
    CopyInto, InnerQuery, Names, ParsedQuery, Planner, Purpose, QueryRun, StatementContext, write_expression,
};
use crate::types::{Code, NodeName, SqlError, SqlType};

/// The column with the numbers of lines, after those that values are given for.
pub const LINE: &str = "__line";
/// The rows that were sent, among the tables that only a change sees.
const SENT: &str = "sent";
/// The column with the numbers of lines, among the columns of a change.
const LINE_OF_CHANGE: &str = "__other_0";

/// A COPY FROM that was planned as far as no row is needed for it.
#[derive(Debug)]
pub struct Copying {
    target: Target,
    /// Numbers of the columns that values are given for, in their order.
    given: Vec<i16>,
    condition: Option<Expr>,
    of: ParsedQuery,
}

impl Copying {
    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.target.table
    }

    /// The columns that values are given for, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        let of_number = |number: &i16| self.target.table.columns.iter().find(|column| column.number == *number);
        self.given.iter().filter_map(of_number)
    }

    /// The statement, for what is asked after its rows were written.
    pub fn query(&self) -> &ParsedQuery {
        &self.of
    }
}

impl Planner {
    /// Whether a COPY FROM is into an event table.
    pub fn copies_events(&self, into: &CopyInto, context: &StatementContext) -> bool {
        event_table(into, context).is_some()
    }

    /// This node's name.
    pub fn own_name(&self) -> &NodeName {
        self.fleet.own_name()
    }

    /// Whether this node keeps events, and whether it knows of other nodes.
    pub fn place_in_fleet(&self) -> (bool, bool) {
        let members = self.fleet.members();
        let own = members.iter().find(|member| member.name == *self.fleet.own_name());
        (own.is_none_or(|own| own.role != Role::Query), members.len() > 1)
    }

    /// Finds the table and the columns of a COPY FROM, and reads its condition.
    pub fn copying(&self, into: &CopyInto, sql: &str, context: &StatementContext) -> Result<Copying, SqlError> {
        let table = match event_table(into, context) {
            Some(table) => table,
            None => changed_table(into.schema.as_deref(), &into.table, "copy to", context)?,
        };
        let target = Target { alias: exact(&table.name), table };
        let given = given(&into.columns, &target)?;
        let condition = into.condition.as_ref().map(|text| read_condition(text, &target.table, context)).transpose()?;
        let statement = EngineStatement::Statement(Box::new(Ast::Query(Box::new(select(Vec::new(), Vec::new())?))));
        let of = ParsedQuery {
            sql: Arc::from(sql),
            statement: Arc::new(statement),
            parameters: Arc::default(),
            kept: Arc::default(),
        };
        Ok(Copying { target, given, condition, of })
    }

    /// Plans what becomes of some rows. `sent` has the columns of [`Copying::columns`] in their order, as text or in
    /// their own types, and [`LINE`]. The query's rows have the table's columns and the number of the line.
    pub async fn copied(
        &self,
        copying: &Copying,
        sent: RecordBatch,
        context: &StatementContext,
    ) -> Result<(Change, QueryRun), SqlError> {
        let target = &copying.target;
        let catalog = context.relations.catalog();
        let types = Types::of(target, &catalog);
        let query = rows(copying, &types)?;
        let full = finish(query, target, (false, true, 1), checks_of(target), &types)?;
        let run = self.run_rows(full, &copying.of, sent_rows(sent)?, context, Vec::new()).await?;
        let checks = checks_of(target).map(|(name, _)| name.to_owned()).collect();
        let (kind, target) = (ChangeKind::Insert, target.clone());
        Ok((Change { kind, table: Arc::clone(&target.table), checks, conflict: None, target, returning: None }, run))
    }

    /// The values of one column alone, by its place among [`Copying::columns`]: whether it can be read at all.
    pub async fn copied_column(
        &self,
        copying: &Copying,
        place: usize,
        sent: RecordBatch,
        context: &StatementContext,
    ) -> Result<QueryRun, SqlError> {
        let catalog = context.relations.catalog();
        let types = Types::of(&copying.target, &catalog);
        let Some(wanted) = copying.columns().nth(place) else {
            return Err(SqlError::new(Code::Internal, "COPY has no such column"));
        };
        let alias = exact(SENT);
        let value = fitted(column(&alias, &name_of(place)), wanted, &types)?;
        let query = select(vec![named(value, &wanted.name)], vec![rows_table(SENT, &alias)])?;
        self.run_rows(query, &copying.of, sent_rows(sent)?, context, Vec::new()).await
    }
}

/// The condition: no subquery and no aggregate, and a truth value.
fn read_condition(text: &InnerQuery, table: &Table, context: &StatementContext) -> Result<Expr, SqlError> {
    let catalog = context.relations.catalog();
    let database = catalog.databases.get(&context.settings.current_database);
    let Some(database) = database else { return Err(SqlError::new(Code::Internal, "no database")) };
    let names = Names { catalog: &catalog, database, search_path: &context.search_path, temporary: "" };
    let written = write_expression(text, Purpose::CopyWhere, &table.columns, None, names)?;
    match written.kind {
        Some(kind) if kind.sql_type != SqlType::Bool => {
            let text = format!("argument of WHERE must be type boolean, not type {}", names.told(&kind));
            Err(SqlError::new(Code::DatatypeMismatch, text))
        }
        _ => expression(&written.sql),
    }
}

/// The event table that a COPY FROM names, if it names one.
fn event_table(into: &CopyInto, context: &StatementContext) -> Option<Arc<Table>> {
    let catalog = context.relations.catalog();
    let database = catalog.databases.get(&context.settings.current_database)?;
    let schemas: Vec<&str> = match &into.schema {
        Some(schema) => vec![schema.as_str()],
        None => context.search_path.iter().map(String::as_str).collect(),
    };
    let mut entries = schemas.into_iter().filter_map(|schema| database.schemas.get(schema));
    let is_there = |entry: &&Schema| entry.tables.contains_key(&into.table) || entry.views.contains_key(&into.table);
    let found = entries.find(is_there)?.tables.get(&into.table)?;
    (found.scope == Scope::Event).then(|| Arc::clone(found))
}

fn sent_rows(sent: RecordBatch) -> Result<Arc<ChangeRows>, SqlError> {
    Ok(Arc::new(ChangeRows::of([(SENT, mem_table(sent.schema(), vec![sent])?)])))
}

/// What the column at a place is called among the rows that were sent.
fn name_of(place: usize) -> String {
    format!("c{}", place + 1)
}

/// The rows with all columns of the table, before generated columns are filled.
fn rows(copying: &Copying, types: &Types<'_>) -> Result<Query, SqlError> {
    let (target, sent) = (&copying.target, exact(SENT));
    let item = |wanted: &Column| match copying.given.iter().position(|number| *number == wanted.number) {
        Some(place) => Ok(named(fitted(column(&sent, &name_of(place)), wanted, types)?, &wanted.name)),
        None => Ok(named(value_by_default(wanted, types)?, &wanted.name)),
    };
    let mut items = target.table.columns.iter().map(item).collect::<Result<Vec<_>, SqlError>>()?;
    items.push(named(column(&sent, LINE), LINE_OF_CHANGE));
    let all = select(items, vec![rows_table(SENT, &sent)])?;
    let Some(condition) = &copying.condition else { return Ok(all) };
    let names = target.table.columns.iter().map(|column| column.name.as_str()).chain([LINE_OF_CHANGE]);
    let items = names.map(|name| named(column(&target.alias, name), name)).collect();
    let mut taken = select(items, vec![derived(all, &target.alias, &[])])?;
    select_of(&mut taken)?.selection = Some(condition.clone());
    Ok(taken)
}

/// The numbers of the columns that values are given for: without a list all but the generated ones.
fn given(names: &[String], target: &Target) -> Result<Vec<i16>, SqlError> {
    let columns = &target.table.columns;
    if names.is_empty() {
        let plain = columns.iter().filter(|column| column.generated.is_none());
        return Ok(plain.map(|column| column.number).collect());
    }
    let number = |name: &String| {
        let found = columns.iter().find(|column| column.name == *name);
        let found = found.ok_or_else(|| column_not_found(name, target))?;
        if found.generated.is_some() {
            let text = format!("column \"{name}\" is a generated column");
            let detail = "Generated columns cannot be used in COPY.";
            return Err(SqlError::new(Code::InvalidColumnReference, text).with_detail(detail));
        }
        Ok(found.number)
    };
    names.iter().map(number).collect()
}
