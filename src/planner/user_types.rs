//! Casts to types that users made: enums check their labels, domains their conditions.
//!
//! Names of such types mean something only in a session, so this is done for every statement, after everything
//! that looks at a statement's words alone.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Statement, Value, VisitMut, VisitorMut, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::functions::{DOMAIN_VALUE, ENUM_ARRAY, ENUM_VALUE};
use super::names::Names;
use super::parse::type_of_text;
use crate::catalog::{Rule, UserType, UserTypeKind};
use crate::system::format_type;
use crate::types::SqlError;

/// Puts functions where a statement casts to users' types.
pub(super) fn rewrite(statement: &mut Statement, names: Names<'_>) -> Result<(), SqlError> {
    if names.database.schemas.values().all(|schema| schema.types.is_empty()) {
        return Ok(());
    }
    match statement.visit(&mut Rewriter { names }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Rewriter<'a> {
    names: Names<'a>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = SqlError;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        let Expr::Cast { expr: inner, data_type, .. } = expr else { return ControlFlow::Continue(()) };
        if !is_custom(data_type) {
            return ControlFlow::Continue(());
        }
        let Ok(reference) = type_of_text(&data_type.to_string()) else { return ControlFlow::Continue(()) };
        let Ok(Some(user)) = self.names.find_type(&reference.name) else { return ControlFlow::Continue(()) };
        match self.value(inner, &user, reference.is_array) {
            Ok(value) => {
                *expr = value;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Rewriter<'_> {
    fn value(&self, inner: &Expr, user: &UserType, is_array: bool) -> Result<Expr, SqlError> {
        let (base, modifier, checks) = match &user.kind {
            UserTypeKind::Enum { .. } => {
                let (function, oid) = if is_array { (ENUM_ARRAY, user.array_oid) } else { (ENUM_VALUE, user.oid) };
                return Ok(call(function, vec![inner.clone(), number(oid)]));
            }
            UserTypeKind::Domain { base, modifier, checks, .. } => (*base, *modifier, checks),
        };
        let based = match self.names.catalog.type_by_oid(base) {
            Some(under) => self.value(inner, under, base == under.array_oid)?,
            None => {
                let spelled = format_type(base, Some(modifier).filter(|modifier| *modifier >= 0));
                let array = if is_array { "[]" } else { "" };
                cast(inner.clone(), &format!("{spelled}{array}"))?
            }
        };
        if is_array {
            return Ok(based);
        }
        let mut arguments = vec![based.clone(), number(user.oid)];
        for check in checks {
            if let Rule::Check { expression } = &check.rule {
                let mut condition = parsed(expression)?;
                let _ = visit_expressions_mut(&mut condition, |part| {
                    if matches!(part, Expr::Identifier(ident) if ident.value.eq_ignore_ascii_case("value")) {
                        *part = based.clone();
                    }
                    ControlFlow::<()>::Continue(())
                });
                let mut statement = wrapped(condition)?;
                super::rewrite::rewrite_statement(&mut statement);
                arguments.extend(unwrapped(statement));
            }
        }
        Ok(call(DOMAIN_VALUE, arguments))
    }
}

fn is_custom(data_type: &DataType) -> bool {
    match data_type {
        DataType::Custom(..) => true,
        DataType::Array(
            datafusion::sql::sqlparser::ast::ArrayElemTypeDef::SquareBracket(item, _)
            | datafusion::sql::sqlparser::ast::ArrayElemTypeDef::AngleBracket(item)
            | datafusion::sql::sqlparser::ast::ArrayElemTypeDef::Parenthesis(item),
        ) => is_custom(item),
        _ => false,
    }
}

fn unreadable(error: &impl std::fmt::Display) -> SqlError {
    SqlError::new(crate::types::Code::Internal, format!("a stored expression cannot be read: {error}"))
}

fn parsed(text: &str) -> Result<Expr, SqlError> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).map_err(|error| unreadable(&error))?;
    parser.parse_expr().map_err(|error| unreadable(&error))
}

/// A cast that the rewrites of statements have seen.
fn cast(inner: Expr, spelled: &str) -> Result<Expr, SqlError> {
    let mut expr = parsed(&format!("NULL::{spelled}"))?;
    if let Expr::Cast { expr: value, kind, .. } = &mut expr {
        **value = inner;
        *kind = CastKind::DoubleColon;
    }
    let statement = {
        let mut statement = wrapped(expr)?;
        super::rewrite::rewrite_statement(&mut statement);
        statement
    };
    unwrapped(statement).ok_or_else(|| unreadable(&"no expression"))
}

/// SELECT of one expression, for rewrites of statements.
fn wrapped(expr: Expr) -> Result<Statement, SqlError> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql("SELECT 1").map_err(|error| unreadable(&error))?;
    let mut query = parser.parse_query().map_err(|error| unreadable(&error))?;
    if let datafusion::sql::sqlparser::ast::SetExpr::Select(select) = query.body.as_mut() {
        select.projection = vec![datafusion::sql::sqlparser::ast::SelectItem::UnnamedExpr(expr)];
    }
    Ok(Statement::Query(query))
}

fn unwrapped(statement: Statement) -> Option<Expr> {
    use datafusion::sql::sqlparser::ast::{SelectItem, SetExpr};
    let Statement::Query(query) = statement else { return None };
    let SetExpr::Select(select) = *query.body else { return None };
    match select.projection.into_iter().next()? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

fn number(oid: u32) -> Expr {
    Expr::Value(Value::Number(oid.to_string(), false).into())
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)));
    let list = FunctionArgumentList { duplicate_treatment: None, args: args.collect(), clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
