//! What a statement sees besides events: the catalog of its moment, rows of relational tables, users' views.
//!
//! Views of users are planned for the statement that names them, in its own session: what `now()`, a zone or a
//! role means in a view is what it means in the statement. Their texts name every relation with its schema, so a
//! search path changes nothing in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::TableReference;
use datafusion::datasource::ViewTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::parser::Statement as EngineStatement;
use futures::future::BoxFuture;

use super::names::Names;
use super::{parse_statement, plan_of};
use crate::catalog::{Catalog, Schema, Table, UserTypeKind, View};
use crate::execution::{RelationBatches, RelationRequest, RelationRows};
use crate::types::{Code, NodeName, SqlError};

/// The name that stands for the search path where the engine asks for a schema; no schema can have it.
pub(super) const SEARCH_PATH: &str = "$search_path";
/// Most views that stand upon each other.
const DEPTH_MAX: usize = 64;

/// The relational part of one transaction, as it is when a statement begins; `session` implements it.
pub trait Relations: Debug + Send + Sync {
    /// What exists, with the transaction's own definitions.
    fn catalog(&self) -> Arc<Catalog>;
    /// The other node that holds the rows of a relational table; none when they are here.
    fn home_of(&self, table: &Table) -> Option<NodeName>;
    /// The rows of a relational table, with the transaction's own.
    fn rows(&self, table: &Arc<Table>) -> std::result::Result<Arc<dyn RelationRows>, SqlError>;
}

/// A catalog whose relational tables nobody can read: for planning only.
#[derive(Debug)]
pub struct CatalogOnly(pub Arc<Catalog>);

impl Relations for CatalogOnly {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0)
    }

    fn home_of(&self, _: &Table) -> Option<NodeName> {
        None
    }

    fn rows(&self, table: &Arc<Table>) -> std::result::Result<Arc<dyn RelationRows>, SqlError> {
        Ok(Arc::new(Unreadable(table.name.clone())))
    }
}

/// Rows that are planned with and never read.
#[derive(Debug)]
struct Unreadable(String);

impl RelationRows for Unreadable {
    fn row_count(&self) -> u64 {
        0
    }

    fn batches(&self, _: &RelationRequest) -> std::result::Result<RelationBatches, SqlError> {
        Err(SqlError::new(Code::Internal, format!("nobody reads the table {}", self.0)))
    }
}

/// What a client is told who would change an object of another node.
pub fn lives_elsewhere(kind: &str, name: &str, home: &NodeName) -> SqlError {
    let text = format!("{kind} \"{name}\" lives on node \"{home}\"");
    let hint = format!("Connect to node \"{home}\" to change it.");
    SqlError::new(Code::FeatureNotSupported, text).with_hint(hint)
}

/// Users' views as far as one statement needs them; part of its session.
#[derive(Debug)]
pub(super) struct StatementViews {
    catalog: Arc<Catalog>,
    database: String,
    search_path: Vec<String>,
    planned: Mutex<BTreeMap<u32, Arc<ViewTable>>>,
    under_way: Mutex<BTreeSet<u32>>,
}

impl StatementViews {
    /// No view yet, of the relations that this search path finds.
    pub(super) fn new(catalog: Arc<Catalog>, database: &str, search_path: Vec<String>) -> Self {
        let (planned, under_way) = (Mutex::default(), Mutex::default());
        Self { catalog, database: database.to_owned(), search_path, planned, under_way }
    }

    /// Whether clients are told of this type: of a domain they are told what it is over.
    pub(super) fn is_told(&self, oid: u32) -> bool {
        self.catalog.type_by_oid(oid).is_some_and(|found| matches!(found.kind, UserTypeKind::Enum { .. }))
    }

    /// A view that was planned for this statement.
    pub(super) fn planned(&self, oid: u32) -> Option<Arc<ViewTable>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).get(&oid).map(Arc::clone)
    }

    /// The names of the statement's database.
    pub(super) fn names(&self) -> Option<Names<'_>> {
        let database = self.catalog.databases.get(&self.database)?;
        Some(Names { catalog: &self.catalog, database, search_path: &self.search_path, temporary: "" })
    }

    fn schema(&self, name: &str) -> Option<&Schema> {
        self.catalog.databases.get(&self.database)?.schemas.get(name)
    }

    /// The user's view that a name means.
    fn meant(&self, reference: &TableReference) -> Option<Arc<View>> {
        let name = reference.table();
        let schema = match reference.schema() {
            Some(schema) => self.schema(schema)?,
            None => self
                .search_path
                .iter()
                .filter_map(|schema| self.schema(schema))
                .find(|schema| schema.tables.contains_key(name) || schema.views.contains_key(name))?,
        };
        schema.views.get(name).filter(|view| view.owner.is_some()).map(Arc::clone)
    }
}

/// Plans the users' views that a statement names, and those that these name.
pub(super) async fn plan_views(session: &SessionState, statement: &EngineStatement) -> Result<()> {
    let Some(views) = session.config().get_extension::<StatementViews>() else { return Ok(()) };
    for reference in session.resolve_table_references(statement)? {
        let Some(view) = views.meant(&reference) else { continue };
        if views.planned(view.oid).is_some() {
            continue;
        }
        let count = {
            let mut under_way = views.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            if !under_way.insert(view.oid) {
                let text = format!("infinite recursion detected in rules for relation \"{}\"", view.name);
                return Err(external(SqlError::new(Code::InvalidObjectDefinition, text)));
            }
            under_way.len()
        };
        if count > DEPTH_MAX {
            return Err(external(SqlError::new(Code::StatementTooComplex, "views are nested too deeply")));
        }
        let plan = plan_of_view(session, Arc::clone(&view)).await;
        views.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&view.oid);
        let planned = Arc::new(ViewTable::new(plan?, Some(view.sql.clone())));
        views.planned.lock().unwrap_or_else(PoisonError::into_inner).insert(view.oid, planned);
    }
    Ok(())
}

/// The view's query under the names of the view's columns.
fn plan_of_view(session: &SessionState, view: Arc<View>) -> BoxFuture<'_, Result<LogicalPlan>> {
    Box::pin(async move {
        let plan = plan_of(session, &parse_statement(&view.sql)?, &[]).await?;
        let given = plan.schema().columns();
        if given.len() != view.columns.len() {
            return Err(DataFusionError::Internal(format!("view {} does not give its columns", view.name)));
        }
        let named = given.into_iter().zip(&view.columns).map(|(given, column)| Expr::Column(given).alias(&column.name));
        LogicalPlanBuilder::from(plan).project(named.collect::<Vec<_>>())?.build()
    })
}

fn external(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
