//! Expressions of definitions: written as PostgreSQL prints them, and planned to find mistakes.

use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use futures::StreamExt;

use super::Definer;
use crate::catalog::{Catalog, Column, Entry, Object, Table, quote_for_engine};
use crate::planner::{
    CatalogOnly, DeclaredType, InnerQuery, Names, Purpose, StatementContext, WrittenExpression, sql_error_from_engine,
    write_expression,
};
use crate::types::{Code, SqlError, SqlType};

/// What stands before an expression in the query that tries it.
const TRIAL: &str = "SELECT ";

impl Definer {
    /// The catalog as it would be with this table.
    pub(super) fn with_table(&self, table: &Table) -> Result<Arc<Catalog>, SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?.oid;
        let entry = Entry { oid: table.oid, database, object: Object::Table(table.clone()) };
        Ok(Arc::new(catalog.with_entry(&entry)))
    }

    /// The statement's context over another catalog.
    pub(super) fn context_over(&self, catalog: &Arc<Catalog>) -> StatementContext {
        StatementContext { relations: Arc::new(CatalogOnly(Arc::clone(catalog))), ..self.context.clone() }
    }

    /// An expression over a table, and its type; the table is in `catalog`.
    pub(super) async fn expression(
        &self,
        text: &InnerQuery,
        purpose: Purpose,
        table: &Table,
        wanted: Option<&DeclaredType>,
        catalog: &Arc<Catalog>,
    ) -> Result<(WrittenExpression, DeclaredType), SqlError> {
        let names = Names { catalog, database: self.database(catalog)?, ..self.names(catalog)? };
        let is_default = purpose == Purpose::Default;
        if is_default {
            write_expression(text, purpose, &table.columns, wanted, names)?;
        }
        let from = format!(" FROM {}.{}", quote_for_engine(&table.schema), quote_for_engine(&table.name));
        let from = if is_default { String::new() } else { from };
        let field = Box::pin(self.tried(text, &from, catalog)).await?;
        let written = write_expression(text, purpose, &table.columns, wanted, names)?;
        Ok((written, declared(&field)))
    }

    /// Plans an expression as it was written by the client; errors point into the client's text.
    pub(super) async fn tried(&self, text: &InnerQuery, from: &str, catalog: &Arc<Catalog>) -> Result<Field, SqlError> {
        let sql = format!("{TRIAL}{}{from}", text.sql);
        let context = self.context_over(catalog);
        let moved = |mut error: SqlError| {
            let before = i64::try_from(TRIAL.len()).unwrap_or_default();
            let place = |position: u32| {
                let moved = i64::from(position) - before + text.position_offset;
                u32::try_from(moved).ok().filter(|_| i64::from(position) > before)
            };
            error.position = error.position.and_then(place);
            error
        };
        let query = self.planner.parse_query(&sql).map_err(moved)?;
        let described = Box::pin(self.planner.describe(&query, &context, &[])).await.map_err(moved)?;
        if !described.parameters.is_empty() {
            return Err(SqlError::new(Code::UndefinedParameter, "there is no parameter $1"));
        }
        let first = described.columns.fields().first().map(|field| field.as_ref().clone());
        first.ok_or_else(|| SqlError::new(Code::SyntaxError, "an expression is wanted"))
    }

    /// Runs a constant, so that a literal that its type cannot have is told at once.
    pub(super) async fn check_constant(&self, sql: &str) -> Result<(), SqlError> {
        let sql = format!("{TRIAL}{sql}");
        let mut run = Box::pin(self.planner.run(&sql, &self.context, Vec::new())).await.map_err(placeless)?;
        while let Some(batch) = run.rows.next().await {
            batch.map_err(|error| placeless(sql_error_from_engine(&error)))?;
        }
        Ok(())
    }

    /// The default of a column, written.
    pub(super) async fn default_of(
        &self,
        text: &InnerQuery,
        column: &Column,
        table: &Table,
        catalog: &Arc<Catalog>,
    ) -> Result<String, SqlError> {
        let wanted = DeclaredType::of_column(column);
        let (written, planned) =
            Box::pin(self.expression(text, Purpose::Default, table, Some(&wanted), catalog)).await?;
        if written.kind.is_none() && is_literal(&written.sql) {
            let placed = |error: SqlError| error.at(beginning(text));
            self.check_constant(&written.sql).await.map_err(placed)?;
        } else {
            let kind = written.kind.clone().unwrap_or(planned);
            self.check_assignable(&column.name, &wanted, &kind, "default expression", catalog)?;
        }
        Ok(written.sql)
    }

    /// A value of a type may be put into a column of another.
    pub(super) fn check_assignable(
        &self,
        column: &str,
        wanted: &DeclaredType,
        kind: &DeclaredType,
        what: &str,
        catalog: &Arc<Catalog>,
    ) -> Result<(), SqlError> {
        if is_assignable(wanted, kind) {
            return Ok(());
        }
        let names = self.names(catalog)?;
        let text =
            format!("column \"{column}\" is of type {} but {what} is of type {}", names.told(wanted), names.told(kind));
        let hint = "You will need to rewrite or cast the expression.";
        Err(SqlError::new(Code::DatatypeMismatch, text).with_hint(hint))
    }
}

/// What a field of a plan says of its type.
pub(super) fn declared(field: &Field) -> DeclaredType {
    let user_type = field.metadata().get(crate::types::USER_TYPE_KEY).and_then(|oid| oid.parse().ok());
    DeclaredType {
        modifier: SqlType::modifier_of_field(field),
        user_type,
        ..DeclaredType::plain(SqlType::of_field(field))
    }
}

/// Where a text begins, as errors count it.
pub(super) fn beginning(text: &InnerQuery) -> u32 {
    u32::try_from(text.position_offset + 1).unwrap_or_default()
}

fn is_literal(sql: &str) -> bool {
    sql.starts_with('\'') || sql.starts_with("E'") || sql.starts_with("NULL::")
}

/// Its place would be one in a text that the client never wrote.
fn placeless(mut error: SqlError) -> SqlError {
    error.position = None;
    error
}

/// PostgreSQL casts one to the other in an assignment.
fn is_assignable(wanted: &DeclaredType, kind: &DeclaredType) -> bool {
    use SqlType::{Cidr, Date, Inet, Interval, Json, Jsonb, Time, Timestamp, Timestamptz};
    let (to, from) = (wanted.sql_type, kind.sql_type);
    if wanted.user_type.is_some() && wanted.user_type == kind.user_type {
        return true;
    }
    if to.is_text() && wanted.user_type.is_none() {
        return true;
    }
    let moments = |one: SqlType| matches!(one, Date | Timestamp | Timestamptz);
    let same = to == from || (from == SqlType::Unknown);
    let castable = (to.is_number() && from.is_number())
        || (moments(to) && moments(from))
        || (to == Time && matches!(from, Timestamp | Timestamptz | Interval))
        || (to == Interval && from == Time)
        || matches!((to, from), (Json, Jsonb) | (Jsonb, Json) | (Inet, Cidr) | (Cidr, Inet))
        || (to == SqlType::Oid && from.is_number())
        || match (to.item(), from.item()) {
            (Some(to), Some(from)) => is_assignable(&DeclaredType::plain(to), &DeclaredType::plain(from)),
            _ => false,
        };
    // An enum takes nothing but its own labels.
    if wanted.user_type.is_some() && to.is_text() {
        kind.user_type.is_none() && from == SqlType::Unknown
    } else {
        same || castable
    }
}
