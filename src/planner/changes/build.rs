//! Pieces of the queries that stand for INSERT, UPDATE and DELETE.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, Value, ValueWithSpan,
};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Span;

use super::super::parse::parser;
use crate::types::{Code, SqlError};

/// The schema of what a change reads beside the client's own tables.
pub(in crate::planner) const ROWS_SCHEMA: &str = "armorlake_rows";

/// A name that is taken as it is.
pub(super) fn exact(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

pub(super) fn object(parts: &[&str]) -> ObjectName {
    ObjectName(parts.iter().map(|part| ObjectNamePart::Identifier(exact(part))).collect())
}

pub(super) fn column(table: &Ident, name: &str) -> Expr {
    Expr::CompoundIdentifier(vec![table.clone(), exact(name)])
}

pub(super) fn named(expr: Expr, name: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: exact(name) }
}

pub(super) fn null() -> Expr {
    Expr::Value(ValueWithSpan { value: Value::Null, span: Span::empty() })
}

/// SELECT `items` FROM `from`.
pub(super) fn select(items: Vec<SelectItem>, from: Vec<TableWithJoins>) -> Result<Query, SqlError> {
    let mut query = parsed("SELECT 1", |parser| parser.parse_query())?;
    let select = select_of(&mut query)?;
    select.projection = items;
    select.from = from;
    Ok(*query)
}

/// The one SELECT of a query that [`select`] made.
pub(super) fn select_of(query: &mut Query) -> Result<&mut Select, SqlError> {
    match query.body.as_mut() {
        SetExpr::Select(select) => Ok(select),
        _ => Err(SqlError::new(Code::Internal, "the query is no SELECT")),
    }
}

/// A table of [`ROWS_SCHEMA`] under an alias.
pub(super) fn rows_table(name: &str, alias: &Ident) -> TableWithJoins {
    let alias = TableAlias { explicit: true, name: alias.clone(), columns: Vec::new(), at: None };
    plain(TableFactor::Table {
        name: object(&[ROWS_SCHEMA, name]),
        alias: Some(alias),
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    })
}

/// A query in FROM, its columns renamed where names are given.
pub(super) fn derived(query: Query, alias: &Ident, columns: &[String]) -> TableWithJoins {
    let columns = columns.iter().map(|name| TableAliasColumnDef { name: exact(name), data_type: None });
    let alias = TableAlias { explicit: true, name: alias.clone(), columns: columns.collect(), at: None };
    plain(TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(alias), sample: None })
}

fn plain(relation: TableFactor) -> TableWithJoins {
    TableWithJoins { relation, joins: Vec::new() }
}

/// An expression that the catalog keeps as text.
pub(super) fn expression(text: &str) -> Result<Expr, SqlError> {
    parsed(text, |parser| parser.parse_expr())
}

fn parsed<T>(
    text: &str,
    read: impl FnOnce(&mut Parser<'_>) -> Result<T, datafusion::sql::sqlparser::parser::ParserError>,
) -> Result<T, SqlError> {
    let unreadable = |error: datafusion::sql::sqlparser::parser::ParserError| {
        SqlError::new(Code::Internal, "a stored expression cannot be read").with_detail(error.to_string())
    };
    let mut parser = parser(text).map_err(unreadable)?;
    read(&mut parser).map_err(unreadable)
}

pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)));
    Expr::Function(Function {
        name: object(&[name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

pub(super) fn text(value: &str) -> Expr {
    Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(value.to_owned()), span: Span::empty() })
}

pub(super) fn number(value: i64) -> Expr {
    Expr::Value(ValueWithSpan { value: Value::Number(value.to_string(), false), span: Span::empty() })
}

/// A cast as `::` writes it.
pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::DoubleColon, expr: Box::new(expr), data_type, array: false, format: None }
}

/// A type from its spelling.
pub(super) fn type_of(spelling: &str) -> Result<DataType, SqlError> {
    parsed(spelling, |parser| parser.parse_data_type())
}
