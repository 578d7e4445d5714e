//! EXPLAIN, and what statements are known to give before they run.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;

use crate::planner::{
    ExplainFormat, ExplainOptions, Explained, Explanation, FetchRows, InnerQuery, ParsedQuery, ParsedStatement,
    PlanDetail, Statement,
};
use crate::types::{Code, SqlError, SqlType};

use super::Session;
use super::definitions::Access;
use super::interrupt::Interrupt;
use super::plan_document::{self, Summary};
use super::rows::{Execution, RowStream};
use super::run::shifted;
use super::settings;
use super::statements::Prepared;

/// Rows that EXPLAIN ANALYZE takes at once.
const ANALYZE_ROWS: usize = 8_192;

impl Session {
    /// EXPLAIN; with ANALYZE the query runs to its end, and its steps tell rows and times.
    pub(super) async fn explain(
        &mut self,
        what: &Explained,
        options: ExplainOptions,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let (sql, parameters) = match what {
            Explained::Query(inner) => (inner.sql.clone(), parameters),
            Explained::Execute { name, arguments } => self.explained(name, arguments, interrupt).await?,
        };
        let context = self.context(interrupt);
        let planner = Arc::clone(&self.shared.planner);
        let offset = if let Explained::Query(inner) = what { inner.position_offset } else { 0 };
        let explanation = interrupt.guard(planner.explain(&sql, &context, parameters)).await;
        let explanation = explanation.map_err(|error| shifted(error, offset))?;
        let mut summary = Summary {
            settings: options.settings.then(|| self.changed_settings()),
            planning_ms: options.summary.then_some(explanation.planning.as_secs_f64() * 1_000.0),
            execution_ms: None,
        };
        if options.analyze {
            let milliseconds = self.measure(&explanation, interrupt).await?;
            summary.execution_ms = options.summary.then_some(milliseconds);
        }
        let detail = if options.verbose { PlanDetail::Verbose } else { PlanDetail::Usual };
        let lines = plan_document::write(&explanation.tree(detail), &summary, options);
        let schema = one_column("QUERY PLAN", column_type(options.format));
        let column = Arc::new(StringArray::from(lines)) as ArrayRef;
        let batch = RecordBatch::try_new(schema, vec![column])
            .map_err(|_| SqlError::new(Code::Internal, "a plan does not fit its column"))?;
        Ok(Execution::Rows(Box::new(RowStream::made(batch, "EXPLAIN", Arc::clone(interrupt)))))
    }

    /// Runs a plan to its end; tells the milliseconds that it took.
    async fn measure(&mut self, explanation: &Explanation, interrupt: &Arc<Interrupt>) -> Result<f64, SqlError> {
        let started = self.shared.clock.monotonic();
        let mut rows =
            RowStream::of_query(explanation.start()?, Arc::clone(interrupt)).with_control(self.control.clone());
        loop {
            match rows.next(ANALYZE_ROWS).await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    self.abandon(rows);
                    return Err(error);
                }
            }
        }
        let milliseconds = self.shared.clock.monotonic().since(started).as_secs_f64() * 1_000.0;
        self.finish(rows);
        Ok(milliseconds)
    }

    fn changed_settings(&self) -> Vec<(String, String)> {
        let changed = self.settings.all().filter(|(setting, value)| {
            setting.access == Access::User && setting.default != *value && !setting.name.starts_with("transaction_")
        });
        changed.map(|(setting, value)| (setting.name.to_owned(), value.to_owned())).collect()
    }

    /// Parameters and columns of a statement before it runs.
    pub(super) async fn describe(
        &mut self,
        parsed: &ParsedStatement,
        hints: &[Option<SqlType>],
        interrupt: &Arc<Interrupt>,
    ) -> Result<Prepared, SqlError> {
        let (mut parameters, mut query) = (Vec::new(), None);
        let columns = match &parsed.statement {
            Statement::Query => {
                let parsed = self.shared.planner.parse_query(&parsed.sql)?;
                let description = self.describe_parsed(&parsed, hints, interrupt).await?;
                query = Some(parsed.described(&description));
                parameters = description.parameters;
                Some(description.columns)
            }
            Statement::Change(_) => {
                let parsed = self.shared.planner.parse_query(&parsed.sql)?;
                let context = self.context(interrupt);
                let planner = Arc::clone(&self.shared.planner);
                let described = interrupt.guard(planner.describe_change(&parsed, &context, hints)).await?;
                parameters = described.parameters.clone();
                query = Some(parsed.described(&described));
                described.returns.then_some(described.columns)
            }
            Statement::Explain { options, what } => {
                if let Explained::Query(inner) = what {
                    parameters = self.describe_inner(parsed, inner, hints, interrupt).await?;
                }
                Some(one_column("QUERY PLAN", column_type(options.format)))
            }
            Statement::Declare { inner, .. } => {
                parameters = self.describe_inner(parsed, inner, hints, interrupt).await?;
                None
            }
            Statement::Show(name) => {
                let (name, _) = self.settings.show(name).ok_or_else(|| settings::unknown(name))?;
                Some(one_column(name, SqlType::Text))
            }
            Statement::ShowAll => Some(Arc::new(Schema::new(
                ["name", "setting", "description"].map(|name| SqlType::Text.field(name, true)).to_vec(),
            ))),
            Statement::Fetch { name, rows: FetchRows::Send, .. } => self.statements.portal(name)?.columns.clone(),
            Statement::Execute { name, .. } => self.statements.prepared(name)?.columns.clone(),
            _ => None,
        };
        let (source, prepared_us) = (String::new(), self.shared.clock.now_us());
        Ok(Prepared { parsed: parsed.clone(), query, parameters, columns, source, from_sql: false, prepared_us })
    }

    /// The parameters of a query inside a statement.
    async fn describe_inner(
        &mut self,
        parsed: &ParsedStatement,
        inner: &InnerQuery,
        hints: &[Option<SqlType>],
        interrupt: &Arc<Interrupt>,
    ) -> Result<Vec<SqlType>, SqlError> {
        let described = self.describe_query(&inner.sql, hints, interrupt).await;
        let described = described.map_err(|error| shifted(error, inner.position_offset - parsed.position_offset))?;
        Ok(described.parameters)
    }

    pub(super) async fn describe_query(
        &mut self,
        sql: &str,
        hints: &[Option<SqlType>],
        interrupt: &Arc<Interrupt>,
    ) -> Result<crate::planner::Description, SqlError> {
        let parsed = self.shared.planner.parse_query(sql)?;
        self.describe_parsed(&parsed, hints, interrupt).await
    }

    async fn describe_parsed(
        &mut self,
        query: &ParsedQuery,
        hints: &[Option<SqlType>],
        interrupt: &Arc<Interrupt>,
    ) -> Result<crate::planner::Description, SqlError> {
        let context = self.context(interrupt);
        let planner = Arc::clone(&self.shared.planner);
        interrupt.guard(planner.describe(query, &context, hints)).await
    }
}

/// The type of the answer's column.
fn column_type(format: ExplainFormat) -> SqlType {
    if format == ExplainFormat::Json { SqlType::Json } else { SqlType::Text }
}

fn one_column(name: &str, kind: SqlType) -> SchemaRef {
    Arc::new(Schema::new(vec![kind.field(name, true)]))
}
