//! PREPARE and EXECUTE of SQL: declared types by their names, arguments as values.

use std::sync::Arc;

use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::common::ScalarValue;

use crate::planner::{InnerQuery, ParsedStatement, Statement};
use crate::types::{Code, SqlError, SqlType};

use super::Session;
use super::commands::done;
use super::interrupt::Interrupt;
use super::rows::Execution;
use super::statements::Prepared;

/// Most arguments of a prepared statement, as in the protocol.
const ARGUMENTS_MAX: usize = 65_535;

impl Session {
    /// PREPARE.
    pub(super) async fn prepare_by_sql(
        &mut self,
        name: &str,
        types: &[String],
        inner: &InnerQuery,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        self.statements.check_new(name)?;
        let hints = types.iter().map(|written| type_by_name(written).map(Some)).collect::<Result<Vec<_>, _>>()?;
        let parsed = ParsedStatement {
            statement: Statement::Query,
            sql: inner.sql.clone(),
            position_offset: inner.position_offset,
        };
        let prepared = self.describe(&parsed, &hints, interrupt).await?;
        self.statements.add_prepared(name, prepared)?;
        Ok(done("PREPARE"))
    }

    /// EXECUTE.
    pub(super) async fn execute_prepared(
        &mut self,
        name: &str,
        arguments: &[String],
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let prepared = Arc::clone(self.statements.prepared(name)?);
        if prepared.parsed.statement != Statement::Query {
            let text = format!("EXECUTE of prepared statement \"{name}\", which is not a query, is not supported");
            return Err(SqlError::new(Code::FeatureNotSupported, text));
        }
        let parameters = self.evaluate(name, &prepared, arguments, interrupt).await?;
        self.run_query(&prepared.parsed.sql, parameters, interrupt).await
    }

    async fn evaluate(
        &mut self,
        name: &str,
        prepared: &Prepared,
        arguments: &[String],
        interrupt: &Arc<Interrupt>,
    ) -> Result<Vec<ScalarValue>, SqlError> {
        let wanted = prepared.parameters.len();
        if arguments.len() != wanted || wanted > ARGUMENTS_MAX {
            let text = format!("wrong number of parameters for prepared statement \"{name}\"");
            let detail = format!("expected {wanted} parameters but got {}", arguments.len());
            return Err(SqlError::new(Code::SyntaxError, text).with_detail(detail));
        }
        if arguments.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {}", arguments.join(", "));
        let Execution::Rows(mut rows) = self.run_query(&sql, Vec::new(), interrupt).await? else {
            return Err(SqlError::new(Code::Internal, "a query gave no rows"));
        };
        let Some(batch) = rows.next(1).await? else {
            return Err(SqlError::new(Code::Internal, "the arguments gave no row"));
        };
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let typed = batch.columns().iter().zip(&prepared.parameters).map(|(column, kind)| {
            let cast = cast_with_options(column, &kind.arrow(), &strict).ok();
            cast.and_then(|column| ScalarValue::try_from_array(&column, 0).ok()).ok_or_else(|| {
                let text = format!("an argument cannot be read as type {}", kind.name());
                SqlError::new(Code::DatatypeMismatch, text)
            })
        });
        typed.collect()
    }
}

/// A type as SQL spells it: its own words, PostgreSQL's short name, either with a length behind.
fn type_by_name(written: &str) -> Result<SqlType, SqlError> {
    let lower = written.to_lowercase();
    let (before, behind) = match (lower.find('('), lower.find(')')) {
        (Some(open), Some(close)) if open < close => {
            (lower.get(..open).unwrap_or_default(), lower.get(close + 1..).unwrap_or_default())
        }
        _ => (lower.as_str(), ""),
    };
    let words: Vec<&str> = before.split_whitespace().chain(behind.split_whitespace()).collect();
    let name = words.join(" ");
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    let (item, is_array) = name.strip_suffix("[]").map_or((name, false), |item| (item.trim_end(), true));
    let short = match item {
        "boolean" => "bool",
        "int" | "integer" => "int4",
        "smallint" => "int2",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" | "float" => "float8",
        "decimal" => "numeric",
        "character varying" => "varchar",
        "character" | "char" => "bpchar",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time without time zone" => "time",
        other => other,
    };
    let found = if is_array { SqlType::from_name(&format!("_{short}")) } else { SqlType::from_name(short) };
    found.ok_or_else(|| {
        let shown: String = written.chars().take(80).collect();
        SqlError::new(Code::UndefinedObject, format!("type \"{shown}\" does not exist"))
    })
}

#[cfg(test)]
mod tests {
    use super::type_by_name;
    use crate::types::SqlType;

    #[test]
    fn types_are_known_by_their_sql_words() {
        for (written, expected) in [
            ("int", SqlType::Int4),
            ("VARCHAR(10)", SqlType::Varchar),
            ("timestamp(3) with time zone", SqlType::Timestamptz),
            ("double precision", SqlType::Float8),
            ("text[]", SqlType::TextArray),
        ] {
            assert_eq!(type_by_name(written).ok(), Some(expected), "{written}");
        }
        assert!(type_by_name("no_such").is_err());
    }
}
