//! Aggregates that the engine lacks, as functions of an array of all values.
//!
//! `percentile_cont(f) WITHIN GROUP (ORDER BY x)` and its kin, `json_agg`, `json_object_agg`, `string_agg`: their
//! order, filter and DISTINCT stay with `array_agg`.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArgumentClause, FunctionArguments, Ident, ObjectName,
    ObjectNamePart,
};

use super::build::{call, call_with, last_part, plain_arguments, truth};

/// `joined_items(values, delimiter)`: what `string_agg` makes of its values.
const JOINED: &str = "joined_items";

/// Rewrites one expression whose operands are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    let Expr::Function(function) = expr else { return };
    let Some(name) = last_part(&function.name) else { return };
    if function.over.is_some() {
        return;
    }
    let rewritten = match name.as_str() {
        "percentile_cont" | "percentile_disc" | "mode" if !function.within_group.is_empty() => ordered(function, &name),
        "json_agg" | "jsonb_agg" => items(function, &name),
        "json_object_agg" | "jsonb_object_agg" => pairs(function, &name),
        "array_agg" => distinct_items(function),
        "string_agg" => joined(function),
        "every" => renamed(function, "bool_and"),
        "variance" => renamed(function, "var_samp"),
        _ => None,
    };
    if let Some(rewritten) = rewritten {
        *expr = rewritten;
    }
}

fn renamed(function: &Function, name: &str) -> Option<Expr> {
    let mut function = function.clone();
    function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]);
    Some(Expr::Function(function))
}

/// `array_agg(value ...)` with the clauses of another aggregate.
fn collected(
    value: &Expr,
    function: &Function,
    clauses: Vec<FunctionArgumentClause>,
    filter: Option<Box<Expr>>,
) -> Expr {
    let mut collected = call_with("array_agg", vec![value.clone()], clauses);
    if let Expr::Function(inner) = &mut collected {
        inner.filter = filter;
        if let (FunctionArguments::List(list), FunctionArguments::List(given)) = (&mut inner.args, &function.args) {
            list.duplicate_treatment = given.duplicate_treatment;
        }
    }
    collected
}

/// Aggregates over an order do not count NULL.
fn ordered(function: &Function, name: &str) -> Option<Expr> {
    let [key] = function.within_group.as_slice() else { return None };
    let filter = restricted(function, Expr::IsNotNull(Box::new(key.expr.clone())));
    let clauses = vec![FunctionArgumentClause::OrderBy(vec![key.clone()])];
    let sorted = call_with("array_agg", vec![key.expr.clone()], clauses);
    let Expr::Function(mut sorted) = sorted else { return None };
    sorted.filter = Some(Box::new(filter));
    let mut arguments = vec![Expr::Function(sorted)];
    arguments.extend(plain_arguments(function)?.into_iter().cloned());
    Some(call(&format!("{name}_of"), arguments))
}

/// `array_agg(DISTINCT x ORDER BY x)`: the engine's order of distinct values cannot be relied on.
fn distinct_items(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    if list.duplicate_treatment != Some(DuplicateTreatment::Distinct) {
        return None;
    }
    let mut plain = function.clone();
    let FunctionArguments::List(inner) = &mut plain.args else { return None };
    let (mut descending, mut nulls_first) = (false, false);
    for clause in inner.clauses.drain(..) {
        let FunctionArgumentClause::OrderBy(keys) = clause else { return None };
        let [key] = keys.as_slice() else { return None };
        // The engine says what is wrong with another key.
        if plain_arguments(function)?.first() != Some(&&key.expr) {
            return None;
        }
        descending = key.options.asc == Some(false);
        nulls_first = key.options.nulls_first.unwrap_or(descending);
    }
    Some(call("array_in_order", vec![Expr::Function(plain), truth(descending), truth(nulls_first)]))
}

/// `string_agg(x, d)`: its values as arrays, each with the order that is written at it alone.
fn joined(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments = plain_arguments(function)?;
    let [value, delimiter] = arguments.as_slice() else { return None };
    let is_there = Expr::IsNotNull(Box::new(Expr::Nested(Box::new((*value).clone()))));
    let filter = Some(Box::new(restricted(function, is_there)));
    let values = collected(value, function, clauses_of(function)?, filter.clone());
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        // Values and delimiters are distinct together.
        let Expr::Function(values) = values else { return None };
        let sorted = distinct_items(&values).unwrap_or(Expr::Function(values));
        return is_constant(delimiter).then(|| call(JOINED, vec![sorted, (*delimiter).clone()]));
    }
    let delimiter = match is_constant(delimiter) {
        true => (*delimiter).clone(),
        false => collected(delimiter, function, clauses_of(function)?, filter),
    };
    Some(call(JOINED, vec![values, delimiter]))
}

fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list) if list.duplicate_treatment == Some(DuplicateTreatment::Distinct))
}

/// A written text or NULL, cast or not.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::Cast { expr, .. } | Expr::Nested(expr) => is_constant(expr),
        _ => false,
    }
}

/// The filter of an aggregate together with another condition.
fn restricted(function: &Function, condition: Expr) -> Expr {
    match &function.filter {
        Some(filter) => Expr::BinaryOp {
            left: Box::new(Expr::Nested(filter.clone())),
            op: BinaryOperator::And,
            right: Box::new(condition),
        },
        None => condition,
    }
}

fn clauses_of(function: &Function) -> Option<Vec<FunctionArgumentClause>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    Some(list.clauses.clone())
}

fn items(function: &Function, name: &str) -> Option<Expr> {
    let arguments = plain_arguments(function)?;
    let [value] = arguments.as_slice() else { return None };
    if name == "jsonb_agg" && is_distinct(function) {
        // Values are distinct, and in order, before they are JSON.
        let Expr::Function(values) = collected(value, function, clauses_of(function)?, function.filter.clone()) else {
            return None;
        };
        return Some(call("to_jsonb", vec![distinct_items(&values).unwrap_or(Expr::Function(values))]));
    }
    // Each value as JSON at once: an array does not tell json from text.
    let value = call(if name == "json_agg" { "to_json" } else { "to_jsonb" }, vec![(*value).clone()]);
    let all = collected(&value, function, clauses_of(function)?, function.filter.clone());
    Some(call(if name == "json_agg" { "json_of_items" } else { "jsonb_of_items" }, vec![all]))
}

fn pairs(function: &Function, name: &str) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments = plain_arguments(function)?;
    let [key, value] = arguments.as_slice() else { return None };
    // Two arrays of distinct keys and distinct values would not belong together.
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        return None;
    }
    let clauses = clauses_of(function)?;
    let keys = collected(key, function, clauses.clone(), function.filter.clone());
    let value = call(if name == "json_object_agg" { "to_json" } else { "to_jsonb" }, vec![(*value).clone()]);
    let values = collected(&value, function, clauses, function.filter.clone());
    Some(call(if name == "json_object_agg" { "json_of_pairs" } else { "jsonb_of_pairs" }, vec![keys, values]))
}

/// A function of this name is an aggregate, or gives a set.
pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

const AGGREGATES: &[&str] = &[
    "approx_distinct",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "every",
    "first_value",
    "json_agg",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "last_value",
    "max",
    "median",
    "min",
    "mode",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "unnest",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
];
