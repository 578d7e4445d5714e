//! What a statement is planned in: the schemas of its catalog snapshot, facts for system tables, functions.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::SchemaProvider;
use datafusion::datasource::ViewTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;

use super::changes::{ChangeRows, ROWS_SCHEMA};
use super::relations::{CatalogOnly, SEARCH_PATH, StatementViews};
use super::{DeclaredType, InnerQuery, Names, Relations, WrittenQuery, sql_error_from_engine, written};
use super::{Planner, StatementContext, functions, logical_plan, parse_statement, resolve, shown_columns};
use crate::catalog::{Catalog, Column, DEFAULT_DATABASE, PUBLIC};
use crate::execution::{CoverageReport, MissingNodes, StatementCatalog};
use crate::system::{
    CatalogFacts, INFORMATION_SCHEMA, InformationSchema, PG_CATALOG, PgCatalog, SessionFacts, SessionObjects,
};
use crate::types::{FragmentSettings, QueryId, SqlError, SqlType};

/// Most snapshots whose facts are kept.
const FACTS_MAX: usize = 8;

/// The facts of a database in one snapshot.
#[derive(Debug)]
pub(super) struct KnownFacts {
    catalog: Arc<Catalog>,
    facts: Arc<CatalogFacts>,
}

/// The built-in views: their plans, and their columns as clients see them, by object id.
#[derive(Debug, Default)]
pub(super) struct BuiltInViews {
    pub(super) plans: Arc<BTreeMap<u32, Arc<ViewTable>>>,
    pub(super) columns: BTreeMap<u32, SchemaRef>,
}

impl Planner {
    /// What is known of the statement's database; made once per snapshot.
    pub(super) fn facts_of(&self, context: &StatementContext) -> Arc<CatalogFacts> {
        let (catalog, database) = (context.relations.catalog(), &context.settings.current_database);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place =
            known.iter().position(|known| Arc::ptr_eq(&known.catalog, &catalog) && known.facts.database == *database);
        if let Some(place) = place {
            let found = known.remove(place);
            let facts = Arc::clone(&found.facts);
            known.push(found);
            return facts;
        }
        let facts = Arc::new(self.new_facts(Arc::clone(&catalog), database));
        if known.len() >= FACTS_MAX {
            known.remove(0);
        }
        known.push(KnownFacts { catalog, facts: Arc::clone(&facts) });
        facts
    }

    /// Writes a query the way the catalog keeps it, with these names for its first columns.
    pub fn write_query(
        &self,
        context: &StatementContext,
        names: Names<'_>,
        query: &InnerQuery,
        columns: &[String],
    ) -> Result<WrittenQuery, SqlError> {
        let facts = self.facts_of(context);
        let outside = |schema: Option<&str>, name: &str| {
            let relation = facts.relation_named(schema, name, &[])?;
            let attributes = facts.attributes(&relation).into_iter();
            let columns = attributes.map(|attribute| {
                let kind = SqlType::from_oid(attribute.type_oid).map(DeclaredType::plain);
                (attribute.name, kind)
            });
            Some((relation.schema.to_owned(), columns.collect()))
        };
        written::write_query(query, columns, names, &outside)
    }

    fn new_facts(&self, catalog: Arc<Catalog>, database: &str) -> CatalogFacts {
        let mut columns = self.views.columns.clone();
        let schemas = catalog.databases.get(database).into_iter().flat_map(|database| database.schemas.values());
        for view in schemas.flat_map(|schema| schema.views.values()).filter(|view| view.owner.is_some()) {
            let fields: Vec<Field> = view.columns.iter().map(Column::field).collect();
            columns.insert(view.oid, Arc::new(Schema::new(fields)));
        }
        CatalogFacts::new(catalog, database, self.node.roles.clone(), columns)
    }

    /// The engine's session for one statement.
    pub(super) fn session(&self, context: &StatementContext) -> Result<SessionState, SqlError> {
        self.session_with(context, None)
    }

    /// The same with the tables of a change.
    pub(super) fn session_with(
        &self,
        context: &StatementContext,
        change: Option<Arc<ChangeRows>>,
    ) -> Result<SessionState, SqlError> {
        let database = &context.settings.current_database;
        let facts = self.facts_of(context);
        let session = Arc::new(self.session_facts(context, &facts));
        let path = context.search_path.clone();
        let views = Arc::new(StatementViews::new(Arc::clone(&facts.catalog), database, path.clone()));
        let mut schemas = self.schemas(context, &facts, &views);
        let pg_catalog = PgCatalog::new(Arc::clone(&facts), Arc::clone(&session));
        schemas.insert(PG_CATALOG.to_owned(), Arc::new(pg_catalog));
        let information_schema = InformationSchema::new(Arc::clone(&facts), Arc::clone(&session));
        schemas.insert(INFORMATION_SCHEMA.to_owned(), Arc::new(information_schema));
        let searched = context.search_path.iter().filter_map(|schema| schemas.get(schema)).map(Arc::clone);
        let searched = resolve::SearchedSchemas(searched.collect());
        schemas.insert(SEARCH_PATH.to_owned(), Arc::new(searched));
        if let Some(rows) = change {
            schemas.insert(ROWS_SCHEMA.to_owned(), rows);
        }
        let functions =
            Arc::new(functions::FunctionContext { catalog: facts, session, control: context.control.clone() });
        let tables = StatementCatalog::new(database, schemas);
        let state = self.engine.session_from(&self.base, tables, &context.settings);
        let mut state = state.map_err(|error| sql_error_from_engine(&error))?;
        state.config_mut().options_mut().catalog.default_schema = SEARCH_PATH.to_owned();
        state.config_mut().set_extension(views);
        functions::register_of_session(&mut state, &functions).map_err(|error| sql_error_from_engine(&error))?;
        Ok(state)
    }

    /// The schemas of the statement's database.
    fn schemas(
        &self,
        context: &StatementContext,
        facts: &Arc<CatalogFacts>,
        views: &Arc<StatementViews>,
    ) -> BTreeMap<String, Arc<dyn SchemaProvider>> {
        let database = &context.settings.current_database;
        let names = facts.catalog.databases.get(database).into_iter().flat_map(|database| database.schemas.keys());
        let provider = |schema: &String| resolve::UserSchema {
            catalog: Arc::clone(&facts.catalog),
            relations: Arc::clone(&context.relations),
            database: database.clone(),
            schema: schema.clone(),
            built_in: Arc::clone(&self.views.plans),
            views: Arc::clone(views),
            fleet: Arc::clone(&self.fleet),
            last_coverage: context.last_coverage.clone(),
        };
        names.map(|schema| (schema.clone(), Arc::new(provider(schema)) as Arc<dyn SchemaProvider>)).collect()
    }

    fn session_facts(&self, context: &StatementContext, facts: &CatalogFacts) -> SessionFacts {
        let database = facts.catalog.databases.get(&facts.database);
        // The schema of temporary objects is searched, but not told of.
        let exists = |schema: &&String| {
            !schema.starts_with("pg_temp_") && database.is_some_and(|database| database.schemas.contains_key(*schema))
        };
        SessionFacts {
            current_user: context.settings.current_user.clone(),
            session_user: context.settings.current_user.clone(),
            search_path: context.search_path.iter().filter(exists).cloned().collect(),
            backend_pid: context.backend_pid,
            now_us: context.settings.now_us,
            started_us: self.node.started_us,
            version: self.node.version.clone(),
            settings: Arc::clone(&context.shown_settings),
            table_bytes: self.table_bytes(&facts.catalog),
            activity: self.node.activity.clone(),
            objects: context.control.clone().map(|control| control as Arc<dyn SessionObjects>),
            ..SessionFacts::default()
        }
    }

    /// Bytes of the event tables on all known nodes, by object id.
    fn table_bytes(&self, catalog: &Catalog) -> BTreeMap<u32, i64> {
        let mut bytes = BTreeMap::new();
        for member in self.fleet.members() {
            for (name, summary) in member.tables.iter() {
                if let Some(table) = catalog.event_table(name) {
                    *bytes.entry(table.oid).or_default() += i64::try_from(summary.bytes).unwrap_or(i64::MAX);
                }
            }
        }
        bytes
    }

    /// Plans the built-in views, and notes their columns for the system tables.
    pub(super) async fn plan_built_in_views(&self) -> Result<BuiltInViews, DataFusionError> {
        let context = built_in_context(Arc::new(CatalogOnly(Arc::clone(&self.built_in))));
        let session = self.session(&context).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let (mut plans, mut columns) = (BTreeMap::new(), BTreeMap::new());
        let database = self.built_in.databases.get(DEFAULT_DATABASE);
        for view in database.iter().flat_map(|database| database.schemas.values()).flat_map(|s| s.views.values()) {
            let plan = logical_plan(&session, &parse_statement(&view.sql)?, &[]).await?;
            let analysed = session.analyzer().execute_and_check(plan.clone(), session.config_options(), |_, _| {})?;
            columns.insert(view.oid, Arc::new(shown_columns(analysed.schema().as_arrow(), &[], &session)));
            plans.insert(view.oid, Arc::new(ViewTable::new(plan, Some(view.sql.clone()))));
        }
        Ok(BuiltInViews { plans: Arc::new(plans), columns })
    }
}

/// Nobody's statement: for planning the built-in views, which depend on no session.
fn built_in_context(relations: Arc<dyn Relations>) -> StatementContext {
    StatementContext {
        query_id: QueryId(uuid::Uuid::nil()),
        settings: FragmentSettings { current_database: DEFAULT_DATABASE.to_owned(), ..FragmentSettings::default() },
        roles: Vec::new(),
        search_path: vec![PUBLIC.to_owned()],
        relations,
        missing_nodes: MissingNodes::Warn,
        pruning: true,
        node_timeout: std::time::Duration::from_secs(5),
        deadline: None,
        cancel: tokio_util::sync::CancellationToken::new(),
        last_coverage: CoverageReport::default(),
        backend_pid: 0,
        shown_settings: Arc::default(),
        control: None,
    }
}
