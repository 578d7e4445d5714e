//! A plain engine over the built-in catalog.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::CatalogProvider;
use datafusion::catalog::{MemTable, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider};
use datafusion::datasource::ViewTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParser, Statement as ParsedStatement};
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;

use crate::catalog::{self, Table};
use crate::planner::functions::{FunctionContext, OF_OWNERS, register_of_session, register_tables};
use crate::planner::rewrite::{rewrite_statement, shown_name};
use crate::system::{
    CatalogFacts, InformationSchema, PgCatalog, RoleFacts, SequenceValues, SessionFacts, SettingFacts,
};
use crate::types::{FragmentSettings, SqlType};

/// 2026-11-23 12:00 UTC.
pub(super) const NOW_US: i64 = 1_795_435_200_000_000;

/// An engine under test.
pub(super) struct Harness {
    engine: SessionContext,
}

/// Rows as text: column names, then values; NULL is `NULL`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) columns: Vec<String>,
    pub(super) types: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Answer {
    /// One column of all rows.
    pub(super) fn column(&self, name: &str) -> Vec<&str> {
        let index = self.columns.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}: {self:?}"));
        self.rows.iter().map(|row| row[index].as_str()).collect()
    }
}

impl Harness {
    /// An engine whose event tables hold these batches, none where a table is not named.
    pub(super) async fn new(batches: BTreeMap<String, RecordBatch>) -> Self {
        Self::in_zone("UTC", batches).await
    }

    /// The same with a session's zone.
    pub(super) async fn in_zone(zone: &str, batches: BTreeMap<String, RecordBatch>) -> Self {
        Self::over(catalog::builtin().expect("built-in catalog"), "kubearmor", zone, batches).await
    }

    /// An engine over one database of a catalog.
    pub(super) async fn over(
        catalog: catalog::Catalog,
        name: &str,
        zone: &str,
        batches: BTreeMap<String, RecordBatch>,
    ) -> Self {
        let engine = SessionContext::new_with_config(config(name));
        let catalog = Arc::new(catalog);
        let provider = Arc::new(MemoryCatalogProvider::new());
        let database = &catalog.databases[name];
        for (name, schema) in &database.schemas {
            let tables = Arc::new(MemorySchemaProvider::new());
            for table in schema.tables.values() {
                let rows = batches
                    .get(&table.name)
                    .cloned()
                    .unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&table.arrow)));
                let memory = MemTable::try_new(Arc::clone(&table.arrow), vec![vec![rows]]).expect("table");
                tables.register_table(table.name.clone(), Arc::new(memory)).expect("register");
            }
            provider.register_schema(name, tables).expect("schema");
        }
        engine.register_catalog(name, Arc::<MemoryCatalogProvider>::clone(&provider));
        let session = Arc::new(session());
        let settings = settings(zone);
        let bare = Arc::new(FunctionContext {
            catalog: facts(&catalog, name, BTreeMap::new()),
            session: Arc::clone(&session),
            control: None,
        });
        {
            let state = engine.state_ref();
            let mut state = state.write();
            (OF_OWNERS.lasting)(&mut state).expect("functions");
            (OF_OWNERS.of_statement)(&mut state, &settings).expect("functions of the moment");
        }
        let mut state = engine.state();
        register_tables(&mut state).expect("functions in FROM");
        register_of_session(&mut state, &bare).expect("functions of the session");
        let harness = Self { engine: SessionContext::new_with_state(state) };
        let mut view_columns = BTreeMap::new();
        for (schema, entry) in &database.schemas {
            for view in entry.views.values() {
                let plan = harness.plan(&view.sql).await.unwrap_or_else(|error| panic!("view {}: {error}", view.name));
                view_columns.insert(view.oid, Arc::new(plan.schema().as_arrow().clone()) as SchemaRef);
                let table = ViewTable::new(plan, Some(view.sql.clone()));
                let provider = provider.schema(schema).expect("schema");
                provider.register_table(view.name.clone(), Arc::new(table)).expect("view");
            }
        }
        let facts = facts(&catalog, name, view_columns);
        let context =
            Arc::new(FunctionContext { catalog: Arc::clone(&facts), session: Arc::clone(&session), control: None });
        register_of_session(&mut harness.engine.state_ref().write(), &context).expect("functions");
        let system = PgCatalog::new(Arc::clone(&facts), Arc::clone(&session));
        provider.register_schema("pg_catalog", Arc::new(system)).expect("pg_catalog");
        let standard = InformationSchema::new(facts, session);
        provider.register_schema("information_schema", Arc::new(standard)).expect("information_schema");
        harness
    }

    /// Plans one statement as the planner would.
    pub(super) async fn plan(&self, sql: &str) -> Result<LogicalPlan> {
        self.plan_parsed(parse(sql)?).await
    }

    /// The optimised plan as text.
    pub(super) async fn optimised(&self, sql: &str) -> Result<String> {
        let plan = self.plan(sql).await?;
        Ok(self.engine.state().optimize(&plan)?.display_indent().to_string())
    }

    async fn plan_parsed(&self, mut statement: Statement) -> Result<LogicalPlan> {
        rewrite_statement(&mut statement);
        let state = self.engine.state();
        let plan = state.statement_to_plan(ParsedStatement::Statement(Box::new(statement))).await?;
        crate::planner::functions::with_names(plan, &state)
    }

    /// Runs one statement.
    pub(super) async fn run(&self, sql: &str) -> Result<Answer> {
        self.run_parsed(parse(sql)?).await
    }

    /// Runs one parsed statement.
    pub(super) async fn run_parsed(&self, statement: Statement) -> Result<Answer> {
        let plan = self.plan_parsed(statement).await?;
        let names: Vec<String> =
            plan.schema().fields().iter().map(|field| shown_name(field.name()).to_owned()).collect();
        let types = plan.schema().fields().iter().map(|field| SqlType::of_field(field).name()).collect();
        let batches = self.engine.execute_logical_plan(plan).await?.collect().await?;
        let mut rows = Vec::new();
        for batch in &batches {
            rows.extend(texts(batch)?);
        }
        Ok(Answer { columns: names, types, rows })
    }

    /// Runs one statement that must succeed.
    pub(super) async fn ask(&self, sql: &str) -> Answer {
        self.run(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }
}

/// How the planner sets the engine up, as far as SQL's meaning goes.
fn config(database: &str) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(database, "public")
        .with_target_partitions(1)
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.dialect = datafusion::config::Dialect::PostgreSQL;
    config
}

fn facts(catalog: &Arc<catalog::Catalog>, database: &str, view_columns: BTreeMap<u32, SchemaRef>) -> Arc<CatalogFacts> {
    let reader = RoleFacts {
        oid: 16_500,
        name: "reader".to_owned(),
        is_superuser: false,
        can_login: false,
        can_create_role: false,
        can_create_database: false,
        comment: Some("may look".to_owned()),
        member_of: Vec::new(),
    };
    let analyst = RoleFacts {
        oid: 16_501,
        name: "analyst".to_owned(),
        can_login: true,
        comment: None,
        member_of: vec![16_500],
        ..reader.clone()
    };
    let roles = vec![RoleFacts::owner("armorlake"), reader, analyst];
    Arc::new(CatalogFacts::new(Arc::clone(catalog), database, roles, view_columns))
}

/// Every sequence has given the value 300.
#[derive(Debug)]
struct Sequences;

impl SequenceValues for Sequences {
    fn last_value(&self, _sequence: u32) -> Option<i64> {
        Some(300)
    }
}

fn settings(zone: &str) -> FragmentSettings {
    FragmentSettings { now_us: NOW_US, time_zone: zone.to_owned(), ..FragmentSettings::default() }
}

fn session() -> SessionFacts {
    let setting = |name: &str, value: &str| SettingFacts {
        name: name.to_owned(),
        value: value.to_owned(),
        kind: "string".to_owned(),
        context: "user".to_owned(),
        source: "default".to_owned(),
        boot_value: value.to_owned(),
        reset_value: value.to_owned(),
        ..SettingFacts::default()
    };
    SessionFacts {
        current_user: "armorlake".to_owned(),
        session_user: "armorlake".to_owned(),
        search_path: vec!["public".to_owned()],
        backend_pid: 7,
        now_us: NOW_US,
        started_us: NOW_US,
        version: "PostgreSQL 15.0 (Armorlake)".to_owned(),
        settings: Arc::new(vec![
            setting("search_path", "\"$user\", public"),
            setting("TimeZone", "UTC"),
            setting("server_version_num", "150000"),
            setting("max_index_keys", "32"),
            setting("default_table_access_method", "heap"),
        ]),
        activity: None,
        sequences: Some(Arc::new(Sequences)),
        objects: None,
        table_bytes: BTreeMap::from([(16_384, 20_480)]),
        application_name: "test".to_owned(),
    }
}

/// All plain statements of a text; nothing when it does not parse.
pub(super) fn parse_all(sql: &str) -> Vec<Statement> {
    let statements = DFParser::parse_sql_with_dialect(sql, &PostgreSqlDialect {}).unwrap_or_default();
    let plain = statements.into_iter().filter_map(|statement| match statement {
        ParsedStatement::Statement(statement) => Some(*statement),
        _ => None,
    });
    plain.collect()
}

/// The one statement of a text.
pub(super) fn parse(sql: &str) -> Result<Statement> {
    let mut statements = DFParser::parse_sql_with_dialect(sql, &PostgreSqlDialect {})?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(ParsedStatement::Statement(statement)), true) => Ok(*statement),
        _ => Err(DataFusionError::Plan("one plain statement is wanted".to_owned())),
    }
}

fn texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>> {
    let options = FormatOptions::default().with_null("NULL");
    let formatters: Vec<ArrayFormatter<'_>> =
        batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options)).collect::<Result<_, _>>()?;
    Ok((0..batch.num_rows())
        .map(|row| formatters.iter().map(|formatter| formatter.value(row).to_string()).collect())
        .collect())
}

/// Rows of an event table from texts by column name; other columns are zero or NULL.
pub(super) fn events(table: &Table, rows: &[&[(&str, &str)]]) -> RecordBatch {
    let arrays: Vec<ArrayRef> = table
        .arrow
        .fields()
        .iter()
        .map(|field| {
            let texts: Vec<Option<&str>> = rows
                .iter()
                .map(|row| row.iter().find(|(name, _)| name == field.name()).map(|(_, text)| *text))
                .collect();
            event_column(field, &texts)
        })
        .collect();
    RecordBatch::try_new(Arc::clone(&table.arrow), arrays).expect("batch")
}

fn event_column(field: &datafusion::arrow::datatypes::Field, texts: &[Option<&str>]) -> ArrayRef {
    use datafusion::arrow::array::{FixedSizeBinaryArray, ListBuilder, StringBuilder};
    use datafusion::arrow::datatypes::DataType;
    match field.data_type() {
        DataType::FixedSizeBinary(16) => {
            let values = texts.iter().enumerate().map(|(row, _)| [u8::try_from(row).expect("few rows"); 16]);
            Arc::new(FixedSizeBinaryArray::try_from_iter(values).expect("uuids"))
        }
        DataType::List(_) => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for text in texts {
                match text {
                    Some(text) => builder.append_value(text.split(',').filter(|item| !item.is_empty()).map(Some)),
                    None => builder.append_null(),
                }
            }
            cast(&builder.finish(), field.data_type()).expect("list")
        }
        _ if field.is_nullable() || texts.iter().all(Option::is_some) => {
            if texts.iter().all(Option::is_none) {
                return new_null_array(field.data_type(), texts.len());
            }
            cast(&StringArray::from(texts.to_vec()), field.data_type()).expect("cast")
        }
        DataType::Utf8 => Arc::new(StringArray::from_iter_values(texts.iter().map(|text| text.unwrap_or("edge-1")))),
        DataType::Timestamp(..) => {
            let values: Vec<&str> = texts.iter().map(|text| text.unwrap_or("2026-11-23T11:59:00Z")).collect();
            cast(&StringArray::from(values), field.data_type()).expect("instants")
        }
        other => {
            let values: Vec<&str> = texts.iter().map(|text| text.unwrap_or("0")).collect();
            cast(&StringArray::from(values), other).expect("numbers")
        }
    }
}

/// The folder of shared material, where this checkout has it.
pub(super) fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("ARMORLAKE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    folder.is_dir().then_some(folder)
}
