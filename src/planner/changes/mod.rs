//! INSERT, UPDATE and DELETE as queries: their rows tell `session` what to do to the table.
//!
//! Everything that can be asked is asked of the engine, so a change has every expression, join and subquery that
//! a SELECT has. A query's columns are, in this order: the key of the row (`__row`; UPDATE and DELETE), the
//! columns of the table as they shall be, columns of other tables that RETURNING wants, and one truth value for
//! each CHECK. RETURNING and DO UPDATE are queries of their own over rows that are handed in.

mod assign;
mod build;
mod conflict;
mod copied;
mod follow;
mod insert;
mod returning;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{
    Delete, Expr, FromTable, Ident, Insert, ObjectName, Query, SelectItem, SetExpr, Statement as Ast, TableWithJoins,
    Update, UpdateTableFromKind, With,
};

use super::rewrite::name_parts;
use super::{
    Description, ParsedQuery, Planner, QueryRun, StatementContext, describe_in, located_error, sql_error_from_engine,
};
use crate::catalog::{Column, Rule, Scope, Table, quote_for_engine};
use crate::execution::{ROW_KEY, RelationTable};
use crate::system::format_type;
use crate::types::{Code, SqlError, SqlType};

use assign::{Spelling, assigned};
pub(super) use build::ROWS_SCHEMA;
use build::{column, derived, exact, expression, named, select};
pub use conflict::{Arbiter, Conflict, PAIR};
pub use copied::{Copying, LINE};
use returning::Returning;

/// The rows to change, in [`ROWS_SCHEMA`].
const TARGET: &str = "target";
/// The rows that were changed.
const CHANGED: &str = "changed";

/// What is done to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// They are put in.
    Insert,
    /// They get new values.
    Update,
    /// They go.
    Delete,
}

impl ChangeKind {
    /// The word in the command tag.
    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// A change that was planned.
#[derive(Debug)]
pub struct Change {
    /// What is done.
    pub kind: ChangeKind,
    /// The table.
    pub table: Arc<Table>,
    /// Names of the CHECK constraints, in the order of their truth values.
    pub checks: Vec<String>,
    /// What an INSERT does about rows that are there already.
    pub conflict: Option<Conflict>,
    target: Target,
    returning: Option<Returning>,
}

impl Change {
    /// The client wants rows back.
    pub fn returns(&self) -> bool {
        self.returning.is_some()
    }

    /// How many columns of other tables follow those of the table.
    pub fn others(&self) -> usize {
        self.returning.as_ref().map_or(0, |returning| returning.more.len())
    }
}

/// The table of a change and its name in the statement.
#[derive(Debug, Clone)]
struct Target {
    table: Arc<Table>,
    alias: Ident,
}

/// The types and sequences of a table's columns as SQL writes them.
struct Types<'a> {
    catalog: &'a crate::catalog::Catalog,
    table: u32,
}

impl<'a> Types<'a> {
    fn of(target: &Target, catalog: &'a crate::catalog::Catalog) -> Self {
        Self { catalog, table: target.table.oid }
    }
}

impl Spelling for Types<'_> {
    fn spelled(&self, column: &Column, modifier: i32) -> String {
        let user_type = column.user_type.and_then(|oid| self.catalog.type_by_oid(oid));
        match (user_type, column.sql_type) {
            (Some(made), _) => {
                let name = format!("{}.{}", quote_for_engine(&made.schema), quote_for_engine(&made.name));
                if column.user_type == Some(made.array_oid) { format!("{name}[]") } else { name }
            }
            // `character` alone has one character.
            (None, SqlType::Bpchar) if modifier == -1 => "bpchar".to_owned(),
            (None, sql_type) => format_type(sql_type.oid(), Some(modifier)),
        }
    }

    fn sequence(&self, column: &Column) -> Option<u32> {
        let owner = Some((self.table, column.number));
        self.catalog.sequences_of(self.table).find(|one| one.internal && one.owned_by == owner).map(|one| one.oid)
    }
}

/// The parts of a statement that differ by its kind.
struct Shape {
    kind: ChangeKind,
    target: Target,
    query: Query,
    conflict: Option<Conflict>,
    returning: Option<Returning>,
}

impl Planner {
    /// Plans INSERT, UPDATE or DELETE; the query's rows tell what to do, see the module.
    pub async fn change(
        &self,
        query: &ParsedQuery,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<(Change, QueryRun), SqlError> {
        let shape = self.shape(query, context).await?;
        let checks = checks(&shape).map(|(name, _)| name.to_owned()).collect();
        let catalog = context.relations.catalog();
        let full = finished(&shape, &Types::of(&shape.target, &catalog))?;
        let rows = self.run_rows(full, query, target_rows(&shape.target, context)?, context, parameters).await?;
        let Shape { kind, target, conflict, returning, .. } = shape;
        Ok((Change { kind, table: Arc::clone(&target.table), checks, conflict, target, returning }, rows))
    }

    /// The parameters of a change, and the columns that RETURNING gives.
    pub async fn describe_change(
        &self,
        query: &ParsedQuery,
        context: &StatementContext,
        hints: &[Option<SqlType>],
    ) -> Result<Description, SqlError> {
        let shape = self.shape(query, context).await?;
        let catalog = context.relations.catalog();
        let full = finished(&shape, &Types::of(&shape.target, &catalog))?;
        let rows = target_rows(&shape.target, context)?;
        let parameters = self.describe_rows(full, query, rows, context, hints).await?.parameters;
        let Some(returning) = &shape.returning else {
            return Ok(Description { parameters, columns: Arc::new(Schema::empty()), returns: false });
        };
        let changed = changed_rows(&shape.target, &[], returning.more.len())?;
        let described = self.describe_rows(returning.query.clone(), query, changed, context, hints).await?;
        let mut all = parameters;
        for (place, kind) in described.parameters.iter().enumerate() {
            match all.get_mut(place) {
                None => all.push(*kind),
                Some(known) if *known == SqlType::Text => *known = *kind,
                Some(_) => {}
            }
        }
        Ok(Description { parameters: all, columns: described.columns, returns: true })
    }

    /// The rows of RETURNING, over changed rows with the table's columns and those of other tables.
    pub async fn returning(
        &self,
        change: &Change,
        query: &ParsedQuery,
        changed: &[RecordBatch],
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<QueryRun, SqlError> {
        let Some(returning) = &change.returning else { return Err(SqlError::new(Code::Internal, "no RETURNING")) };
        let rows = changed_rows(&change.target, changed, returning.more.len())?;
        self.run_rows(returning.query.clone(), query, rows, context, parameters).await
    }

    async fn shape(&self, query: &ParsedQuery, context: &StatementContext) -> Result<Shape, SqlError> {
        let EngineStatement::Statement(statement) = query.statement.as_ref() else { return Err(no_change()) };
        let (with, statement) = match statement.as_ref() {
            Ast::Query(outer) => match outer.body.as_ref() {
                SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) => (outer.with.clone(), inner),
                _ => return Err(no_change()),
            },
            other => (None, other),
        };
        let mut shape = match statement {
            Ast::Insert(insert) => self.insert_shape(insert, with.as_ref(), context).await?,
            Ast::Update(update) => update_shape(update, context)?,
            Ast::Delete(delete) => delete_shape(delete, context)?,
            _ => return Err(no_change()),
        };
        if shape.query.with.is_none() {
            shape.query.with = with;
        }
        Ok(shape)
    }

    async fn insert_shape(
        &self,
        insert: &Insert,
        with: Option<&With>,
        context: &StatementContext,
    ) -> Result<Shape, SqlError> {
        let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
        let target = target(insert::table_name(insert)?, alias, "insert into", context)?;
        let catalog = context.relations.catalog();
        let types = Types::of(&target, &catalog);
        let width = match &insert.source {
            None => 0,
            Some(source) => match insert::width(source) {
                Some(width) => width,
                None => {
                    let mut source = source.as_ref().clone();
                    source.with = source.with.or_else(|| with.cloned());
                    let parsed = EngineStatement::Statement(Box::new(Ast::Query(Box::new(source))));
                    let session = self.session(context)?;
                    let plan = Box::pin(super::logical_plan(&session, &parsed, &[])).await;
                    plan.map_err(|error| sql_error_from_engine(&error))?.schema().fields().len()
                }
            },
        };
        let query = insert::rows(insert, width, &target, &types)?;
        let conflict = insert.on.as_ref().map(|on| conflict::read(on, &target, &types)).transpose()?;
        let returning = read_returning(insert.returning.as_ref(), false, &target)?;
        Ok(Shape { kind: ChangeKind::Insert, target, query, conflict, returning })
    }

    /// Runs a query over tables that only this change sees.
    async fn run_rows(
        &self,
        rows: Query,
        of: &ParsedQuery,
        tables: Arc<ChangeRows>,
        context: &StatementContext,
        parameters: Vec<ScalarValue>,
    ) -> Result<QueryRun, SqlError> {
        let query = as_query(rows, of);
        let session = self.session_with(context, Some(tables))?;
        let prepared = Box::pin(self.prepare_in(&query, session, context, parameters)).await;
        prepared.and_then(super::Prepared::started).map_err(|error| located_error(&error, &of.sql))
    }

    async fn describe_rows(
        &self,
        rows: Query,
        of: &ParsedQuery,
        tables: Arc<ChangeRows>,
        context: &StatementContext,
        hints: &[Option<SqlType>],
    ) -> Result<Description, SqlError> {
        let query = as_query(rows, of);
        let session = self.session_with(context, Some(tables))?;
        Box::pin(describe_in(&query, &session, hints)).await.map_err(|error| located_error(&error, &of.sql))
    }
}

fn target_rows(target: &Target, context: &StatementContext) -> Result<Arc<ChangeRows>, SqlError> {
    let rows = context.relations.rows(&target.table)?;
    Ok(Arc::new(ChangeRows::of([(TARGET, Arc::new(RelationTable::with_keys(Arc::clone(&target.table), rows)))])))
}

/// The changed rows as a table; without rows its columns of other tables count as text.
fn changed_rows(target: &Target, changed: &[RecordBatch], others: usize) -> Result<Arc<ChangeRows>, SqlError> {
    let schema = match changed.first() {
        Some(batch) => batch.schema(),
        None => {
            let fields = target.table.arrow.fields().iter().map(|field| field.as_ref().clone());
            let others = (0..others).map(|place| SqlType::Text.field(&format!("__other_{place}"), true));
            Arc::new(Schema::new(fields.chain(others).collect::<Vec<Field>>()))
        }
    };
    Ok(Arc::new(ChangeRows::of([(CHANGED, mem_table(schema, changed.to_vec())?)])))
}

fn mem_table(
    schema: datafusion::arrow::datatypes::SchemaRef,
    batches: Vec<RecordBatch>,
) -> Result<Arc<dyn TableProvider>, SqlError> {
    let table = MemTable::try_new(schema, vec![batches]).map_err(|error| sql_error_from_engine(&error))?;
    Ok(Arc::new(table))
}

fn no_change() -> SqlError {
    SqlError::new(Code::Internal, "the statement changes no table")
}

fn as_query(rows: Query, of: &ParsedQuery) -> ParsedQuery {
    let statement = EngineStatement::Statement(Box::new(Ast::Query(Box::new(rows))));
    ParsedQuery {
        sql: Arc::clone(&of.sql),
        statement: Arc::new(statement),
        parameters: Arc::clone(&of.parameters),
        kept: Arc::default(),
    }
}

/// The tables that a change reads beside the client's own.
#[derive(Debug)]
pub(super) struct ChangeRows(BTreeMap<String, Arc<dyn TableProvider>>);

impl ChangeRows {
    fn of<const N: usize>(tables: [(&str, Arc<dyn TableProvider>); N]) -> Self {
        Self(tables.into_iter().map(|(name, table)| (name.to_owned(), table)).collect())
    }
}

#[async_trait]
impl SchemaProvider for ChangeRows {
    fn table_names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        Ok(self.0.get(name).map(Arc::clone))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// The table of a change, and its name in it.
fn target(
    name: &ObjectName,
    alias: Option<&Ident>,
    action: &str,
    context: &StatementContext,
) -> Result<Target, SqlError> {
    let mut parts = name_parts(name);
    let bare = parts.pop().unwrap_or_default();
    let table = changed_table(parts.pop().as_deref(), &bare, action, context)?;
    Ok(Target { table, alias: alias.cloned().unwrap_or_else(|| exact(&bare)) })
}

/// The relational table of this name, as a change may name it; `action` says what is done to it.
pub fn changed_table(
    schema: Option<&str>,
    bare: &str,
    action: &str,
    context: &StatementContext,
) -> Result<Arc<Table>, SqlError> {
    let catalog = context.relations.catalog();
    let database = catalog.databases.get(&context.settings.current_database);
    let found = database.and_then(|database| match schema {
        Some(schema) => database.schemas.get_key_value(schema),
        None => context.search_path.iter().find_map(|schema| {
            let (name, entry) = database.schemas.get_key_value(schema)?;
            (entry.tables.contains_key(bare) || entry.views.contains_key(bare)).then_some((name, entry))
        }),
    });
    let is_system =
        schema.is_none_or(|schema| schema == crate::system::PG_CATALOG) && crate::system::is_pg_catalog_relation(bare);
    if found.is_none() && is_system {
        let text = format!("permission denied: \"{bare}\" is a system catalog");
        return Err(SqlError::new(Code::InsufficientPrivilege, text));
    }
    if let Some((_, entry)) = found {
        if let Some(table) = entry.tables.get(bare) {
            return match table.scope {
                Scope::Relational => match context.relations.home_of(table) {
                    Some(home) => Err(super::lives_elsewhere("table", &table.name, &home)),
                    None => Ok(Arc::clone(table)),
                },
                _ => {
                    let text =
                        format!("cannot {action} \"{bare}\": events and the fleet's state are not changed by SQL");
                    Err(SqlError::new(Code::FeatureNotSupported, text))
                }
            };
        }
        if entry.views.contains_key(bare) {
            let text = format!("cannot {action} view \"{bare}\"");
            let hint = "Change the tables that it reads from.";
            return Err(SqlError::new(Code::FeatureNotSupported, text).with_hint(hint));
        }
    }
    let shown = schema.map_or_else(|| bare.to_owned(), |schema| format!("{schema}.{bare}"));
    Err(SqlError::new(Code::UndefinedTable, format!("relation \"{shown}\" does not exist")))
}

fn column_not_found(name: &str, target: &Target) -> SqlError {
    let text = format!("column \"{name}\" of relation \"{}\" does not exist", target.table.name);
    SqlError::new(Code::UndefinedColumn, text)
}

fn read_returning(
    items: Option<&Vec<SelectItem>>,
    joined: bool,
    target: &Target,
) -> Result<Option<Returning>, SqlError> {
    items.map(|items| returning::read(items, joined, target)).transpose()
}

fn update_shape(update: &Update, context: &StatementContext) -> Result<Shape, SqlError> {
    let (name, alias) = update::table_name(&update.table)?;
    let target = target(name, alias, "update", context)?;
    let from = match &update.from {
        None => Vec::new(),
        Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from.clone(),
    };
    let returning = read_returning(update.returning.as_ref(), !from.is_empty(), &target)?;
    let catalog = context.relations.catalog();
    let values = update::assignments(&update.assignments, &target, &Types::of(&target, &catalog))?;
    let query = change_rows(values, from, update.selection.clone(), returning.as_ref(), &target)?;
    Ok(Shape { kind: ChangeKind::Update, target, query, conflict: None, returning })
}

fn delete_shape(delete: &Delete, context: &StatementContext) -> Result<Shape, SqlError> {
    let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
    let [table] = tables.as_slice() else {
        return Err(SqlError::new(Code::SyntaxError, "DELETE needs the name of one table"));
    };
    let (name, alias) = update::table_name(table)?;
    let target = target(name, alias, "delete from", context)?;
    let using: Vec<TableWithJoins> = delete.using.clone().unwrap_or_default();
    let returning = read_returning(delete.returning.as_ref(), !using.is_empty(), &target)?;
    let values = vec![None; target.table.columns.len()];
    let query = change_rows(values, using, delete.selection.clone(), returning.as_ref(), &target)?;
    Ok(Shape { kind: ChangeKind::Delete, target, query, conflict: None, returning })
}

fn change_rows(
    values: Vec<Option<Expr>>,
    from: Vec<TableWithJoins>,
    selection: Option<Expr>,
    returning: Option<&Returning>,
    target: &Target,
) -> Result<Query, SqlError> {
    let more = returning.map(|returning| returning.more.clone()).unwrap_or_default();
    update::rows(values, from, selection, more, target)
}

/// Names and expressions of the CHECK constraints of a table.
fn checks_of(target: &Target) -> impl Iterator<Item = (&str, &str)> {
    let constraints = target.table.relational.iter().flat_map(|relational| &relational.constraints);
    constraints.filter_map(|constraint| match &constraint.rule {
        Rule::Check { expression } => Some((constraint.name.as_str(), expression.as_str())),
        _ => None,
    })
}

/// DELETE asks no CHECK.
fn checks(shape: &Shape) -> impl Iterator<Item = (&str, &str)> {
    checks_of(&shape.target).filter(|_| shape.kind != ChangeKind::Delete)
}

/// The query with generated columns filled and CHECK constraints asked.
fn finished(shape: &Shape, types: &dyn Spelling) -> Result<Query, SqlError> {
    let others = shape.returning.as_ref().map_or(0, |returning| returning.more.len());
    let has_key = shape.kind != ChangeKind::Insert;
    let is_changed = shape.kind != ChangeKind::Delete;
    finish(shape.query.clone(), &shape.target, (has_key, is_changed, others), checks(shape), types)
}

/// See [`finished`]; `layout` tells whether there is a key, whether columns are computed, and how many columns of
/// other tables there are.
fn finish<'a>(
    mut query: Query,
    target: &Target,
    (has_key, is_changed, others): (bool, bool, usize),
    checks: impl Iterator<Item = (&'a str, &'a str)>,
    types: &dyn Spelling,
) -> Result<Query, SqlError> {
    let table = exact(&target.table.name);
    let key = has_key.then(|| named(column(&table, ROW_KEY), ROW_KEY));
    let others: Vec<String> = (0..others).map(|place| format!("__other_{place}")).collect();
    let others = || others.iter().map(|name| named(column(&table, name), name));
    if is_changed && target.table.columns.iter().any(|column| column.generated.is_some()) {
        let columns = target.table.columns.iter().map(|facts| match &facts.generated {
            Some(text) => Ok(named(assigned(expression(text)?, facts, types)?, &facts.name)),
            None => Ok(named(column(&table, &facts.name), &facts.name)),
        });
        let columns = columns.collect::<Result<Vec<_>, SqlError>>()?;
        let items = key.clone().into_iter().chain(columns).chain(others()).collect();
        query = select(items, vec![derived(query, &table, &[])])?;
    }
    let asked = checks.enumerate().map(|(place, (_, text))| {
        let asked = Expr::IsNotFalse(Box::new(Expr::Nested(Box::new(expression(text)?))));
        Ok(named(asked, &format!("__check_{place}")))
    });
    let asked = asked.collect::<Result<Vec<_>, SqlError>>()?;
    if asked.is_empty() {
        return Ok(query);
    }
    let columns = target.table.columns.iter().map(|facts| named(column(&table, &facts.name), &facts.name));
    let items = key.into_iter().chain(columns).chain(others()).chain(asked).collect();
    select(items, vec![derived(query, &table, &[])])
}
