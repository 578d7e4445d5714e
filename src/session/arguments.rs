//! PREPARE and EXECUTE of SQL: declared types by their names, arguments as values.

use std::sync::Arc;

use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::util::display::FormatOptions;
use datafusion::common::ScalarValue;

use crate::planner::{InnerQuery, ParsedStatement, Statement};
use crate::types::{Code, SqlError, SqlType};

use super::Session;
use super::commands::done;
use super::interrupt::Interrupt;
use super::rows::Execution;
use super::run::shifted;
use super::statements::Prepared;

/// Most arguments of a prepared statement, as in the protocol.
const ARGUMENTS_MAX: usize = 65_535;

impl Session {
    /// PREPARE.
    pub(super) async fn prepare_by_sql(
        &mut self,
        name: &str,
        types: &[InnerQuery],
        (inner, source): (&InnerQuery, &str),
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        self.statements.check_new(name)?;
        let known = |written: &InnerQuery| type_by_name(&written.sql).map(Some).map_err(|error| placed(error, written));
        let hints = types.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        let parsed = ParsedStatement {
            statement: Statement::Query,
            sql: inner.sql.clone(),
            position_offset: inner.position_offset,
        };
        let prepared = self.describe(&parsed, &hints, interrupt).await;
        let prepared = prepared.map_err(|error| shifted(error, inner.position_offset))?;
        let prepared = Prepared { source: source.to_owned(), from_sql: true, ..prepared };
        self.statements.add_prepared(name, prepared)?;
        Ok(done("PREPARE"))
    }

    /// EXECUTE.
    pub(super) async fn execute_prepared(
        &mut self,
        name: &str,
        arguments: &[InnerQuery],
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let (prepared, parameters) = self.bound(name, arguments, interrupt).await?;
        // Boxed: a prepared statement may be any statement, this one included.
        let run = Box::pin(self.run(&prepared.parsed, prepared.query.as_ref(), parameters, interrupt)).await;
        // The text that an error could point into is not the one that the client sent now.
        run.map_err(|error| SqlError { position: None, ..error })
    }

    /// What EXPLAIN EXECUTE explains.
    pub(super) async fn explained(
        &mut self,
        name: &str,
        arguments: &[InnerQuery],
        interrupt: &Arc<Interrupt>,
    ) -> Result<(String, Vec<ScalarValue>), SqlError> {
        let (prepared, parameters) = self.bound(name, arguments, interrupt).await?;
        if prepared.parsed.statement != Statement::Query {
            let text = format!("EXPLAIN of prepared statement \"{name}\", which is not a query, is not supported");
            return Err(SqlError::new(Code::FeatureNotSupported, text));
        }
        Ok((prepared.parsed.sql.clone(), parameters))
    }

    /// A prepared statement with the values of its parameters.
    async fn bound(
        &mut self,
        name: &str,
        arguments: &[InnerQuery],
        interrupt: &Arc<Interrupt>,
    ) -> Result<(Arc<Prepared>, Vec<ScalarValue>), SqlError> {
        let prepared = Arc::clone(self.statements.prepared(name)?);
        if matches!(prepared.parsed.statement, Statement::Execute { .. }) {
            let text = format!("prepared statement \"{name}\" is EXECUTE itself");
            return Err(SqlError::new(Code::FeatureNotSupported, text));
        }
        let wanted = prepared.parameters.len();
        if arguments.len() != wanted || wanted > ARGUMENTS_MAX {
            let text = format!("wrong number of parameters for prepared statement \"{name}\"");
            let detail = format!("Expected {wanted} parameters but got {}.", arguments.len());
            return Err(SqlError::new(Code::SyntaxError, text).with_detail(detail));
        }
        let mut parameters = Vec::with_capacity(wanted);
        for (place, (argument, kind)) in arguments.iter().zip(&prepared.parameters).enumerate() {
            parameters.push(self.argument(place + 1, argument, *kind, interrupt).await?);
        }
        Ok((prepared, parameters))
    }

    /// The value of one argument, brought to its parameter's type as an INSERT would.
    async fn argument(
        &mut self,
        number: usize,
        argument: &InnerQuery,
        kind: SqlType,
        interrupt: &Arc<Interrupt>,
    ) -> Result<ScalarValue, SqlError> {
        let written = argument.sql.as_str();
        let is_literal = written.starts_with('\'') || written.starts_with("E'") || written.starts_with("e'");
        let own = self.describe_argument(argument, interrupt).await?;
        if !is_literal && !is_assignable(own, kind) {
            let text = format!(
                "parameter ${number} of type {} cannot be coerced to the expected type {}",
                own.spelling(),
                kind.spelling()
            );
            let error = SqlError::new(Code::DatatypeMismatch, text);
            let error = error.with_hint("You will need to rewrite or cast the expression.");
            return Err(placed(error, argument));
        }
        let cast = own != kind;
        let (before, behind) = if cast { ("CAST((", format!(") AS {})", kind.spelling())) } else { ("(", ")".into()) };
        let sql = format!("SELECT {before}{written}{behind}");
        let mut rows = self.query_rows(&sql, Vec::new(), interrupt).await.map_err(|error| placed(error, argument))?;
        let batch = rows.next(1).await.map_err(|error| placed(error, argument))?;
        self.finish(rows);
        let value = batch.and_then(|batch| {
            let column = cast_with_options(batch.column(0), &kind.arrow(), &STRICT).ok()?;
            ScalarValue::try_from_array(&column, 0).ok()
        });
        value.ok_or_else(|| SqlError::new(Code::Internal, "an argument gave no value of its type"))
    }

    async fn describe_argument(
        &mut self,
        argument: &InnerQuery,
        interrupt: &Arc<Interrupt>,
    ) -> Result<SqlType, SqlError> {
        let sql = format!("SELECT ({})", argument.sql);
        let described = self.describe_query(&sql, &[], interrupt).await;
        let described = described.map_err(|error| placed(error, argument))?;
        Ok(described.columns.fields().first().map_or(SqlType::Unknown, |field| SqlType::of_field(field)))
    }
}

const STRICT: CastOptions<'static> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// The error with the place where the argument or type is written.
fn placed(mut error: SqlError, written: &InnerQuery) -> SqlError {
    error.position = Some(u32::try_from(written.position_offset + 1).unwrap_or(1));
    error
}

/// Whether PostgreSQL brings a value of one type to another without a cast in an assignment.
fn is_assignable(from: SqlType, to: SqlType) -> bool {
    const NUMBERS: [SqlType; 6] =
        [SqlType::Int2, SqlType::Int4, SqlType::Int8, SqlType::Float4, SqlType::Float8, SqlType::Numeric];
    const TEXTS: [SqlType; 4] = [SqlType::Text, SqlType::Varchar, SqlType::Bpchar, SqlType::Name];
    const INSTANTS: [SqlType; 3] = [SqlType::Date, SqlType::Timestamp, SqlType::Timestamptz];
    let both = |family: &[SqlType]| family.contains(&from) && family.contains(&to);
    from == to
        || from == SqlType::Unknown
        || TEXTS.contains(&to)
        || both(&NUMBERS)
        || both(&INSTANTS)
        || (NUMBERS.contains(&from) && matches!(to, SqlType::Oid | SqlType::Regclass | SqlType::Regtype))
        || (INSTANTS.contains(&from) && to == SqlType::Time)
        || matches!((from, to), (SqlType::Json, SqlType::Jsonb) | (SqlType::Jsonb, SqlType::Json))
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
