//! Functions: spellings that the engine does not parse into a plain call.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, ObjectName,
    ObjectNamePart, OneOrManyWithParens, OrderByKind, Query, SelectItem, SetExpr, TableFactor, TableWithJoins,
    TrimWhereField,
};

use super::build::{array, call, folded, last_part, number, plain_arguments, text, with_jsonb};
use super::names::unqualify;

/// Arguments of `make_interval`, in its order.
const INTERVAL_PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];

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
    match name.as_str() {
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
        "date_trunc" if plain_arguments(function).is_some_and(|arguments| arguments.len() == 3) => {
            function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new("date_trunc_in_zone"))]);
        }
        "current_timestamp" | "transaction_timestamp" | "statement_timestamp" => *expr = call("now", Vec::new()),
        // A set of rows in the select list: the engine knows unnest only.
        "_pg_expandarray" => *expr = call("unnest", vec![expr.clone()]),
        _ => {
            if let Some(rows) = super::sets::in_select_list(function, &name) {
                *expr = rows;
                return;
            }
            if name.starts_with("jsonb_")
                && let Some(arguments) = plain_arguments(function)
            {
                let arguments = with_jsonb(&name, arguments.into_iter().cloned().collect());
                if let FunctionArguments::List(list) = &mut function.args {
                    let unnamed = |argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument));
                    list.args = arguments.into_iter().map(unnamed).collect();
                }
                return;
            }
            if matches!(function.args, FunctionArguments::None) {
                function.args = FunctionArguments::List(FunctionArgumentList {
                    duplicate_treatment: None,
                    args: Vec::new(),
                    clauses: Vec::new(),
                });
            }
        }
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
    let mut query = query.clone();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    if super::subqueries::select_reads_nothing(select) {
        return Some(empty_array());
    }
    let [item] = select.projection.as_mut_slice() else { return None };
    if query.limit_clause.is_some() || query.fetch.is_some() || select.distinct.is_some() {
        return super::subqueries::listed(&query);
    }
    let value = match item {
        SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. } => value.clone(),
        _ => return None,
    };
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
    *item = SelectItem::UnnamedExpr(super::build::call_with("array_agg", vec![value], clauses));
    Some(call("array_or_empty", vec![Expr::Subquery(Box::new(query))]))
}

fn empty_array() -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(array(Vec::new())),
        data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None)),
        array: false,
        format: None,
    }
}

/// `ARRAY(SELECT f(x) FROM unnest(list) x)` -> `array_transform(list, x -> f(x))`.
fn mapped_array(from: &[TableWithJoins], filtered: bool, value: &Expr) -> Option<Expr> {
    let [TableWithJoins { relation, joins }] = from else { return None };
    let (list, alias) = match relation {
        TableFactor::UNNEST { array_exprs, alias, with_ordinality: false, .. } => match array_exprs.as_slice() {
            [list] => (list.clone(), alias.as_ref()?),
            _ => return None,
        },
        TableFactor::Table { name, args: Some(arguments), alias, with_ordinality: false, .. }
            if last_part(name).as_deref() == Some("unnest") =>
        {
            match arguments.args.as_slice() {
                [FunctionArg::Unnamed(FunctionArgExpr::Expr(list))] => (list.clone(), alias.as_ref()?),
                _ => return None,
            }
        }
        _ => return None,
    };
    if !joins.is_empty() || filtered {
        return None;
    }
    let item = alias.columns.first().map_or_else(|| alias.name.clone(), |column| column.name.clone());
    let lambda = Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(LambdaFunctionParameter { name: item, data_type: None }),
        body: Box::new(value.clone()),
        syntax: LambdaSyntax::Arrow,
    });
    Some(call("array_transform", vec![list, lambda]))
}
