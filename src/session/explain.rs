//! EXPLAIN as lines of text or as one JSON document, and what statements are known to give.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;
use serde_json::{Map, Value, json};

use crate::planner::{ExplainFormat, FetchRows, InnerQuery, ParsedStatement, Statement};
use crate::types::{Code, SqlError, SqlType};

use super::Session;
use super::interrupt::Interrupt;
use super::rows::{Execution, RowStream};
use super::settings;
use super::statements::Prepared;

/// Rows that EXPLAIN ANALYZE takes at once.
const ANALYZE_ROWS: usize = 8_192;

impl Session {
    /// EXPLAIN; with ANALYZE the query runs to its end and its rows are counted.
    pub(super) async fn explain(
        &mut self,
        inner: &InnerQuery,
        analyze: bool,
        format: ExplainFormat,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let context = self.context(interrupt);
        let planner = Arc::clone(&self.shared.planner);
        let mut lines = interrupt.guard(planner.explain(&inner.sql, &context, parameters.clone())).await?;
        let measured = if analyze { Some(self.measure(inner, parameters, interrupt).await?) } else { None };
        let field = match format {
            ExplainFormat::Text => SqlType::Text.field("QUERY PLAN", true),
            ExplainFormat::Json => SqlType::Json.field("QUERY PLAN", true),
        };
        match format {
            ExplainFormat::Text => {
                if let Some(measured) = &measured {
                    lines.push(format!("Rows: {}", measured.rows));
                    lines.push(format!("Execution Time: {:.3} ms", measured.milliseconds));
                }
            }
            ExplainFormat::Json => lines = vec![json_document(&lines, measured.as_ref())],
        }
        let column = Arc::new(StringArray::from(lines)) as ArrayRef;
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column])
            .map_err(|_| SqlError::new(Code::Internal, "a plan does not fit its column"))?;
        Ok(Execution::Rows(Box::new(RowStream::made(batch, "EXPLAIN", Arc::clone(interrupt)))))
    }

    async fn measure(
        &mut self,
        inner: &InnerQuery,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Measured, SqlError> {
        let started = self.shared.clock.monotonic();
        let Execution::Rows(mut rows) = self.run_query(&inner.sql, parameters, interrupt).await? else {
            return Err(SqlError::new(Code::Internal, "a query gave no rows"));
        };
        let mut counted = 0;
        loop {
            match rows.next(ANALYZE_ROWS).await {
                Ok(Some(batch)) => counted += batch.num_rows(),
                Ok(None) => break,
                Err(error) => {
                    self.abandon(*rows);
                    return Err(error);
                }
            }
        }
        let milliseconds = self.shared.clock.monotonic().since(started).as_secs_f64() * 1_000.0;
        self.finish(*rows);
        Ok(Measured { rows: counted, milliseconds })
    }

    /// Parameters and columns of a statement before it runs.
    pub(super) async fn describe(
        &mut self,
        parsed: &ParsedStatement,
        hints: &[Option<SqlType>],
        interrupt: &Arc<Interrupt>,
    ) -> Result<Prepared, SqlError> {
        let mut parameters: Vec<SqlType> = Vec::new();
        let columns = match &parsed.statement {
            Statement::Query => {
                let description = self.describe_query(&parsed.sql, hints, interrupt).await?;
                parameters = description.parameters;
                Some(description.columns)
            }
            Statement::Explain { inner, format, .. } => {
                parameters = self.describe_query(&inner.sql, hints, interrupt).await?.parameters;
                let kind = if *format == ExplainFormat::Json { SqlType::Json } else { SqlType::Text };
                Some(one_column("QUERY PLAN", kind))
            }
            Statement::Declare { inner, .. } => {
                parameters = self.describe_query(&inner.sql, hints, interrupt).await?.parameters;
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
        Ok(Prepared { parsed: parsed.clone(), parameters, columns })
    }

    async fn describe_query(
        &mut self,
        sql: &str,
        hints: &[Option<SqlType>],
        interrupt: &Arc<Interrupt>,
    ) -> Result<crate::planner::Description, SqlError> {
        let context = self.context(interrupt);
        let planner = Arc::clone(&self.shared.planner);
        interrupt.guard(planner.describe(sql, &context, hints)).await
    }
}

struct Measured {
    rows: usize,
    milliseconds: f64,
}

fn one_column(name: &str, kind: SqlType) -> SchemaRef {
    Arc::new(Schema::new(vec![kind.field(name, true)]))
}

/// A plan's lines as a tree, by their indentation.
fn json_document(lines: &[String], measured: Option<&Measured>) -> String {
    let mut places = lines.iter().filter(|line| !line.trim().is_empty()).peekable();
    let mut plans = Vec::new();
    while places.peek().is_some() {
        plans.push(plan_node(&mut places));
    }
    let mut document = Map::new();
    let root = if plans.len() == 1 { plans.remove(0) } else { json!({ "Node Type": "Plan", "Plans": plans }) };
    document.insert("Plan".to_owned(), root);
    if let Some(measured) = measured {
        document.insert("Actual Rows".to_owned(), json!(measured.rows));
        document.insert("Execution Time".to_owned(), json!(measured.milliseconds));
    }
    Value::Array(vec![Value::Object(document)]).to_string()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn plan_node<'a>(lines: &mut std::iter::Peekable<impl Iterator<Item = &'a String>>) -> Value {
    let mut open: Vec<(usize, String, Vec<Value>)> = Vec::new();
    while let Some(line) = lines.peek() {
        let depth = indentation(line);
        if !open.is_empty() && depth <= open.first().map_or(0, |(first, ..)| *first) {
            break;
        }
        while open.last().is_some_and(|(last, ..)| *last >= depth) {
            close_node(&mut open);
        }
        open.push((depth, line.trim().to_owned(), Vec::new()));
        lines.next();
    }
    while open.len() > 1 {
        close_node(&mut open);
    }
    open.pop().map_or(Value::Null, |(_, name, plans)| node(name, plans))
}

fn close_node(open: &mut Vec<(usize, String, Vec<Value>)>) {
    if let Some((_, name, plans)) = open.pop() {
        let closed = node(name, plans);
        if let Some((.., parents)) = open.last_mut() {
            parents.push(closed);
        }
    }
}

fn node(name: String, plans: Vec<Value>) -> Value {
    if plans.is_empty() { json!({ "Node Type": name }) } else { json!({ "Node Type": name, "Plans": plans }) }
}

#[cfg(test)]
mod tests {
    use super::json_document;

    #[test]
    fn a_plan_becomes_a_tree() {
        let lines = ["Join", "  Scan a", "    Filter", "  Scan b"].map(String::from);
        let document: serde_json::Value = serde_json::from_str(&json_document(&lines, None)).expect("JSON");
        assert_eq!(document[0]["Plan"]["Node Type"], "Join");
        assert_eq!(document[0]["Plan"]["Plans"][0]["Plans"][0]["Node Type"], "Filter");
        assert_eq!(document[0]["Plan"]["Plans"][1]["Node Type"], "Scan b");
    }
}
