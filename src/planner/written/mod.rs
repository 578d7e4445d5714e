//! Expressions and queries that the catalog keeps, written the way PostgreSQL prints them.
//!
//! Every operator is in parentheses, every literal and every cast that PostgreSQL would add is there, every
//! relation, sequence and type of a user has its schema. So a text means the same whatever the search path is, and
//! system functions show it as PostgreSQL shows its own.

mod calls;
mod expression;
mod kinds;
mod query;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::Expr;

use super::names::{DeclaredType, Names};
use super::parse::parser;
use super::statement::InnerQuery;
use crate::catalog::Column;
use crate::types::{Code, SqlError};

pub use query::WrittenQuery;
pub(in crate::planner) use query::write_query;

use expression::Writer;

/// Where an expression stands; errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// DEFAULT of a column or domain.
    Default,
    /// GENERATED ALWAYS AS.
    Generated,
    /// CHECK of a table or domain.
    Check,
    /// A key of an index.
    IndexKey,
    /// The condition of a partial index.
    IndexPredicate,
    /// ALTER COLUMN ... TYPE ... USING.
    Using,
    /// COPY ... FROM ... WHERE.
    CopyWhere,
}

impl Purpose {
    fn named(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT expression",
            Self::Generated => "column generation expression",
            Self::Check => "check constraint",
            Self::IndexKey => "index expression",
            Self::IndexPredicate => "index predicate",
            Self::Using => "transform expression",
            Self::CopyWhere => "COPY FROM WHERE condition",
        }
    }
}

/// An expression that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenExpression {
    /// Its text.
    pub sql: String,
    /// Names of the columns that it reads.
    pub columns: BTreeSet<String>,
    /// Its type, as far as it can be told without planning it.
    pub kind: Option<DeclaredType>,
    /// The function that the whole of it is a call of.
    pub function: Option<String>,
}

/// Writes an expression over these columns; `wanted` is the type that a literal without one takes.
pub fn write_expression(
    text: &InnerQuery,
    purpose: Purpose,
    columns: &[Column],
    wanted: Option<&DeclaredType>,
    names: Names<'_>,
) -> Result<WrittenExpression, SqlError> {
    let expr = parsed(text)?;
    let mut writer = Writer::over_columns(names, columns, purpose);
    let printed = writer.print(&expr)?;
    let function = match &expr {
        Expr::Function(call) if !printed.text.starts_with('(') => {
            super::rewrite::last_name(&call.name).filter(|_| printed.text.ends_with(')'))
        }
        _ => None,
    };
    let sql = match wanted {
        Some(wanted) => writer.assigned(&printed, wanted),
        None => writer.settled(&printed).text,
    };
    Ok(WrittenExpression { sql, columns: writer.columns_read, kind: printed.kind, function })
}

fn parsed(text: &InnerQuery) -> Result<Expr, SqlError> {
    let unreadable = |error: datafusion::sql::sqlparser::parser::ParserError| {
        let text_of_error = error.to_string();
        let near = text_of_error.rsplit("found: ").next().unwrap_or_default();
        let near = near.split(" at Line").next().unwrap_or_default();
        let message = match near {
            "EOF" | "" => String::from("syntax error at end of input"),
            near => format!("syntax error at or near \"{near}\""),
        };
        SqlError::new(Code::SyntaxError, message).at(u32::try_from(text.position_offset + 1).unwrap_or_default())
    };
    let mut parser = parser(&text.sql).map_err(unreadable)?;
    let expr = parser.parse_expr().map_err(unreadable)?;
    parser.expect_token(&datafusion::sql::sqlparser::tokenizer::Token::EOF).map_err(unreadable)?;
    Ok(expr)
}
