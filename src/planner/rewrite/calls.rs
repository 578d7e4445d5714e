//! Functions: spellings that the engine does not parse into a plain call.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, GroupByExpr, Ident, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, ObjectName,
    ObjectNamePart, OneOrManyWithParens, OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins,
    TrimWhereField, visit_expressions,
};

use super::build::{array, call, folded, last_part, number, parse_query, plain_arguments, text, with_jsonb};
use super::names::unqualify;
use super::sets;
use crate::types::SqlType;

/// Arguments of `make_interval`, in its order.
const INTERVAL_PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];

/// Functions that are called without parentheses, and that the parser takes for columns.
const BARE_CALLS: [&str; 2] = ["current_role", "current_schema"];

/// Types whose names are called as functions: `date(x)` is a cast.
const CASTS: [&str; 21] = [
    "bool",
    "bpchar",
    "bytea",
    "cidr",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "name",
    "numeric",
    "oid",
    "regclass",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "varchar",
];

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    if let Expr::AtTimeZone { timestamp, time_zone } = expr {
        let (value, zone) = (timestamp.as_ref().clone(), time_zone.as_ref().clone());
        *expr = call("timezone", vec![zone, value]);
        return;
    }
    if let Expr::Extract { field, expr: value, .. } = expr {
        // By name, so that the session's own function answers.
        let (field, value) = (field.to_string(), value.as_ref().clone());
        *expr = call("extract", vec![text(field.trim_matches(['\'', '"'])), value]);
        return;
    }
    if let Some(plain) = spelled_out(expr) {
        *expr = plain;
        return;
    }
    if is_bare_call(expr)
        && let Expr::Identifier(ident) = expr
    {
        *expr = call(&ident.value.to_ascii_lowercase(), Vec::new());
        return;
    }
    let Expr::Function(function) = expr else { return };
    unqualify(&mut function.name);
    let Some(name) = last_part(&function.name) else { return };
    if let FunctionArguments::Subquery(query) = &function.args
        && name == "array"
    {
        if let Some(rewritten) = array_of_subquery(query) {
            *expr = rewritten;
        }
        return;
    }
    if let Some(rewritten) = by_name(function, &name) {
        *expr = rewritten;
    }
}

/// A function without parentheses, which the parser took for a column.
pub(super) fn is_bare_call(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => {
            ident.quote_style.is_none() && BARE_CALLS.contains(&ident.value.to_ascii_lowercase().as_str())
        }
        _ => false,
    }
}

/// PostgreSQL's other names of a unit, as the engine knows it.
fn one_unit(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(unit))) = list.args.first_mut() else { return };
    let Some(written) = super::build::text_of(unit) else { return };
    let name = match written.trim().to_ascii_lowercase().as_str() {
        "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" => "microsecond",
        "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" => "millisecond",
        "seconds" | "s" | "sec" | "secs" => "second",
        "minutes" | "m" | "min" | "mins" => "minute",
        "hours" | "h" | "hr" | "hrs" => "hour",
        "days" | "d" => "day",
        "weeks" | "w" => "week",
        "months" | "mon" | "mons" => "month",
        "qtr" => "quarter",
        "years" | "y" | "yr" | "yrs" => "year",
        _ => return,
    };
    *unit = text(name);
}

/// `date(x)`, `bool(x)`: a cast that is written as a call.
fn called_cast(function: &Function, name: &str) -> Option<Expr> {
    let data_type = match name {
        "bool" => DataType::Boolean,
        "date" => DataType::Date,
        "int2" => DataType::SmallInt(None),
        "int4" => DataType::Int(None),
        "int8" => DataType::BigInt(None),
        "float4" => DataType::Real,
        "float8" => DataType::DoublePrecision,
        _ => return None,
    };
    let arguments = plain_arguments(function)?;
    let [value] = arguments.as_slice() else { return None };
    let mut cast = Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new((*value).clone()),
        data_type,
        array: false,
        format: None,
    };
    super::types::rewrite(&mut cast);
    Some(cast)
}

/// What a function of this name becomes, where it is more than a change within the call.
fn by_name(function: &mut Function, name: &str) -> Option<Expr> {
    if name == "date_trunc" {
        one_unit(function);
    }
    match name {
        "make_interval" => positional(function),
        // A stride has no months; the engine would take them.
        "date_bin" => {
            if let FunctionArguments::List(list) = &mut function.args
                && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(stride))) = list.args.first_mut()
            {
                let written = super::intervals::of_text(stride).unwrap_or_else(|| stride.clone());
                *stride = call("fixed_span", vec![written]);
            }
        }
        "bool" | "date" | "int2" | "int4" | "int8" | "float4" | "float8" => return called_cast(function, name),
        "regr_count" if function.over.is_none() => {
            let call = Expr::Function(function.clone());
            return Some(Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(call),
                data_type: DataType::BigInt(None),
                array: false,
                format: None,
            });
        }
        "date_trunc" if plain_arguments(function).is_some_and(|arguments| arguments.len() == 3) => {
            function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new("date_trunc_in_zone"))]);
        }
        "current_timestamp" | "localtimestamp" | "current_time" | "localtime" => return Some(moment(function, name)),
        "gen_random_uuid" if plain_arguments(function).is_some_and(|arguments| arguments.is_empty()) => {
            return cast_to("uuid", call("uuid", Vec::new()));
        }
        _ if CASTS.contains(&name) => {
            let arguments = plain_arguments(function)?;
            let [value] = arguments.as_slice() else { return None };
            return cast_to(name, (*value).clone());
        }
        "transaction_timestamp" | "statement_timestamp" => return Some(call("now", Vec::new())),
        _ => {
            // A set of rows in the select list: the engine knows unnest only.
            if let Some(rows) = sets::in_select_list(function, name) {
                return Some(rows);
            }
            if name.starts_with("jsonb_")
                && let Some(arguments) = plain_arguments(function)
            {
                let arguments = with_jsonb(name, arguments.into_iter().cloned().collect());
                if let FunctionArguments::List(list) = &mut function.args {
                    let unnamed = |argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument));
                    list.args = arguments.into_iter().map(unnamed).collect();
                }
            } else if matches!(function.args, FunctionArguments::None) {
                function.args = FunctionArguments::List(FunctionArgumentList {
                    duplicate_treatment: None,
                    args: Vec::new(),
                    clauses: Vec::new(),
                });
            }
        }
    }
    None
}

/// A cast to a type by its name.
fn cast_to(name: &str, value: Expr) -> Option<Expr> {
    let query = parse_query(&format!("SELECT CAST(NULL AS {name})"))?;
    let SetExpr::Select(mut select) = *query.body else { return None };
    let Some(SelectItem::UnnamedExpr(mut cast)) = select.projection.pop() else { return None };
    if let Expr::Cast { expr, .. } = &mut cast {
        **expr = value;
    }
    Some(cast)
}

/// `current_timestamp`, or `localtime(2)` with so many digits of a second.
fn moment(function: &Function, name: &str) -> Expr {
    let moment = call(if name == "current_timestamp" { "now" } else { name }, Vec::new());
    let arguments = plain_arguments(function).unwrap_or_default();
    match arguments.first() {
        Some(digits) => {
            let mut digits = (*digits).clone();
            super::numbers::bare(&mut digits);
            call("rounded_time", vec![moment, digits])
        }
        None => moment,
    }
}

/// Calls that have words among their arguments.
fn spelled_out(expr: &Expr) -> Option<Expr> {
    let unboxed = |expr: &Option<Box<Expr>>| expr.iter().map(|expr| expr.as_ref().clone()).collect::<Vec<_>>();
    Some(match expr {
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let mut arguments = vec![expr.as_ref().clone()];
            arguments.push(substring_from.as_ref().map_or_else(|| number("1"), |from| from.as_ref().clone()));
            arguments.extend(unboxed(substring_for));
            call("substring", arguments)
        }
        Expr::Position { expr, r#in } => call("position", vec![r#in.as_ref().clone(), expr.as_ref().clone()]),
        Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
            let mut arguments =
                vec![expr.as_ref().clone(), overlay_what.as_ref().clone(), overlay_from.as_ref().clone()];
            arguments.extend(unboxed(overlay_for));
            call("overlay", arguments)
        }
        Expr::Trim { expr, trim_where, trim_what, trim_characters } => {
            let name = match trim_where {
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            };
            let mut arguments = vec![expr.as_ref().clone()];
            arguments.extend(unboxed(trim_what));
            arguments.extend(trim_characters.iter().flatten().cloned());
            call(name, arguments)
        }
        _ => return None,
    })
}

/// `make_interval(secs => x)` -> all seven arguments in order.
fn positional(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    let mut values: Vec<Expr> = vec![number("0"); INTERVAL_PARTS.len()];
    for (index, argument) in list.args.iter().enumerate() {
        let (index, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(index), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => (part(&folded(name)), value),
            FunctionArg::ExprNamed { name: Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), .. } => {
                (part(&folded(name)), value)
            }
            _ => return,
        };
        // An unknown name or too many arguments: left as it is, so that the engine says so.
        let Some(slot) = index.and_then(|index| values.get_mut(index)) else { return };
        *slot = value.clone();
    }
    list.args = values.into_iter().map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value))).collect();
}

fn part(name: &str) -> Option<usize> {
    INTERVAL_PARTS.iter().position(|part| *part == name)
}

/// `ARRAY(SELECT x FROM ... ORDER BY y)` -> `(SELECT array_agg(x ORDER BY y) FROM ...)`, never NULL.
fn array_of_subquery(query: &Query) -> Option<Expr> {
    if let Some(walk) = super::subqueries::role_walk(query) {
        return Some(walk);
    }
    if let Some(columns) = super::outer_rows::index_columns(query) {
        return Some(columns);
    }
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return array_of_whole(&query) };
    let value = match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] => value.clone(),
        _ => return None,
    };
    if super::subqueries::select_reads_nothing(select) {
        let item = super::subqueries::column_type(select, &value).and_then(SqlType::array);
        return Some(empty_array_of(item.unwrap_or(SqlType::TextArray)));
    }
    if must_stay_whole(select, &value) || query.limit_clause.is_some() || query.fetch.is_some() || query.with.is_some()
    {
        return array_of_whole(&query);
    }
    if let Some(mapped) = mapped_array(&select.from, select.selection.is_some(), &value) {
        return Some(call("array_or_empty", vec![mapped]));
    }
    let mut clauses = Vec::new();
    if let Some(order) = query.order_by.take() {
        let OrderByKind::Expressions(mut keys) = order.kind else { return None };
        for key in &mut keys {
            // ORDER BY 1 means the only column; inside the aggregate it would be a constant.
            if matches!(&key.expr, Expr::Value(_)) {
                key.expr = value.clone();
            }
        }
        clauses.push(FunctionArgumentClause::OrderBy(keys));
    }
    select.projection = vec![SelectItem::UnnamedExpr(super::build::call_with("array_agg", vec![value], clauses))];
    Some(call("array_or_empty", vec![Expr::Subquery(Box::new(query))]))
}

/// Rows that are more than one value per row of FROM: the aggregate must see the result, not its input.
fn must_stay_whole(select: &Select, value: &Expr) -> bool {
    let mut changes_rows = select.distinct.is_some() || select.having.is_some();
    changes_rows |= !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let _ = visit_expressions(value, |inner| {
        if let Expr::Function(function) = inner {
            let name = last_part(&function.name).unwrap_or_default();
            changes_rows |= name == "unnest" || super::aggregates::is_aggregate(&name) || function.over.is_some();
        }
        ControlFlow::<()>::Continue(())
    });
    changes_rows
}

/// `ARRAY(query)` for any query: its rows are numbered, so that the array keeps their order.
fn array_of_whole(query: &Query) -> Option<Expr> {
    if let Some(sorted) = array_sorted_by_itself(query) {
        return Some(sorted);
    }
    let mut whole = parse_query(
        "SELECT array_agg(item ORDER BY place) FROM (SELECT item, row_number() OVER () AS place FROM (SELECT 1) AS listed (item)) AS numbered",
    )?;
    let SetExpr::Select(select) = whole.body.as_mut() else { return None };
    let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation else { return None };
    let SetExpr::Select(numbered) = subquery.body.as_mut() else { return None };
    let TableFactor::Derived { subquery, .. } = &mut numbered.from.first_mut()?.relation else { return None };
    **subquery = query.clone();
    Some(call("array_or_empty", vec![Expr::Subquery(Box::new(whole))]))
}

/// The same for a query that is sorted by its only column: the aggregate does that.
fn array_sorted_by_itself(query: &Query) -> Option<Expr> {
    let mut query = query.clone();
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return None;
    }
    let OrderByKind::Expressions(keys) = query.order_by.take()?.kind else { return None };
    let [key] = keys.as_slice() else { return None };
    let named = match (&key.expr, query.body.as_ref()) {
        (Expr::Value(_), _) => true,
        (Expr::Identifier(name), SetExpr::Select(select)) => match select.projection.as_slice() {
            [SelectItem::ExprWithAlias { alias, .. }] => folded(alias) == folded(name),
            [SelectItem::UnnamedExpr(Expr::Identifier(column))] => folded(column) == folded(name),
            _ => false,
        },
        _ => false,
    };
    if !named {
        return None;
    }
    let mut whole = parse_query("SELECT 1 FROM (SELECT 1) AS listed (item)")?;
    let SetExpr::Select(select) = whole.body.as_mut() else { return None };
    let item = Expr::Identifier(Ident::new("item"));
    let mut key = key.clone();
    key.expr = item.clone();
    let clauses = vec![FunctionArgumentClause::OrderBy(vec![key])];
    select.projection = vec![SelectItem::UnnamedExpr(super::build::call_with("array_agg", vec![item], clauses))];
    let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation else { return None };
    **subquery = query;
    Some(call("array_or_empty", vec![Expr::Subquery(Box::new(whole))]))
}

/// An array of texts without elements.
pub(super) fn empty_array() -> Expr {
    empty_array_of(SqlType::TextArray)
}

/// An array of this type without elements.
fn empty_array_of(kind: SqlType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(array(Vec::new())),
        data_type: DataType::Custom(ObjectName::from(vec![Ident::with_quote('"', kind.name())]), Vec::new()),
        array: false,
        format: None,
    }
}

/// `ARRAY(SELECT f(x) FROM unnest(list) x)` -> `array_transform(list, x -> f(x))`.
fn mapped_array(from: &[TableWithJoins], filtered: bool, value: &Expr) -> Option<Expr> {
    let [TableWithJoins { relation, joins }] = from else { return None };
    let (list, item) = match relation {
        TableFactor::UNNEST { array_exprs, alias, with_ordinality: false, .. } => match array_exprs.as_slice() {
            [list] => {
                let alias = alias.as_ref()?;
                let column = alias.columns.first();
                (list.clone(), column.map_or_else(|| alias.name.clone(), |column| column.name.clone()))
            }
            _ => return None,
        },
        other => sets::only_unnest(other)?,
    };
    if !joins.is_empty() || filtered {
        return None;
    }
    let lambda = Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(LambdaFunctionParameter { name: item, data_type: None }),
        body: Box::new(value.clone()),
        syntax: LambdaSyntax::Arrow,
    });
    Some(call("array_transform", vec![list, lambda]))
}
