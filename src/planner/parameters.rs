//! The types of `$1..$n` that nobody declared: found out from where they stand, as PostgreSQL does.
//!
//! Beside a value of a type a parameter is of that type, under a cast of the cast's, as an argument of what
//! the function takes, in LIMIT an int8; what nothing tells is text. The plan that is looked at was made
//! without these types; the statement is planned again once they are known.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Operator};

use crate::types::{Code, SqlError, SqlType};

/// What functions take, by name: the types of their first arguments.
const ARGUMENTS: &[(&str, &[SqlType])] = &[
    ("lower", &[SqlType::Text]),
    ("upper", &[SqlType::Text]),
    ("length", &[SqlType::Text]),
    ("character_length", &[SqlType::Text]),
    ("char_length", &[SqlType::Text]),
    ("octet_length", &[SqlType::Text]),
    ("btrim", &[SqlType::Text, SqlType::Text]),
    ("ltrim", &[SqlType::Text, SqlType::Text]),
    ("rtrim", &[SqlType::Text, SqlType::Text]),
    ("replace", &[SqlType::Text, SqlType::Text, SqlType::Text]),
    ("split_part", &[SqlType::Text, SqlType::Text, SqlType::Int4]),
    ("strpos", &[SqlType::Text, SqlType::Text]),
    ("starts_with", &[SqlType::Text, SqlType::Text]),
    ("left", &[SqlType::Text, SqlType::Int4]),
    ("right", &[SqlType::Text, SqlType::Int4]),
    ("lpad", &[SqlType::Text, SqlType::Int4, SqlType::Text]),
    ("rpad", &[SqlType::Text, SqlType::Int4, SqlType::Text]),
    ("repeat", &[SqlType::Text, SqlType::Int4]),
    ("reverse", &[SqlType::Text]),
    ("substr", &[SqlType::Text, SqlType::Int4, SqlType::Int4]),
    ("substring", &[SqlType::Text, SqlType::Int4, SqlType::Int4]),
    ("md5", &[SqlType::Text]),
    ("date_trunc", &[SqlType::Text]),
    ("date_trunc_in_zone", &[SqlType::Text, SqlType::Timestamptz, SqlType::Text]),
    ("date_part", &[SqlType::Text]),
    ("date_bin", &[SqlType::Interval, SqlType::Timestamptz, SqlType::Timestamptz]),
    ("timezone", &[SqlType::Text]),
    ("to_timestamp", &[SqlType::Float8]),
    ("to_char", &[SqlType::Timestamptz, SqlType::Text]),
    ("round", &[SqlType::Numeric, SqlType::Int4]),
    (
        "make_interval",
        &[SqlType::Int4, SqlType::Int4, SqlType::Int4, SqlType::Int4, SqlType::Int4, SqlType::Int4, SqlType::Float8],
    ),
    ("as_oid", &[SqlType::Oid]),
    ("as_uuid", &[SqlType::Uuid]),
    ("as_inet", &[SqlType::Inet]),
    ("as_json", &[SqlType::Json]),
    ("as_jsonb", &[SqlType::Jsonb]),
    ("current_setting", &[SqlType::Text, SqlType::Bool]),
    ("pg_table_is_visible", &[SqlType::Oid]),
    ("format_type", &[SqlType::Oid, SqlType::Int4]),
    ("obj_description", &[SqlType::Oid, SqlType::Name]),
    ("col_description", &[SqlType::Oid, SqlType::Int4]),
    ("pg_get_viewdef", &[SqlType::Oid]),
    ("jsonb_get", &[SqlType::Jsonb, SqlType::Text]),
    ("jsonb_get_text", &[SqlType::Jsonb, SqlType::Text]),
    ("jsonb_get_path", &[SqlType::Jsonb, SqlType::TextArray]),
    ("jsonb_get_path_text", &[SqlType::Jsonb, SqlType::TextArray]),
    ("jsonb_contains", &[SqlType::Jsonb, SqlType::Jsonb]),
    ("jsonb_exists", &[SqlType::Jsonb, SqlType::Text]),
    ("jsonb_exists_any", &[SqlType::Jsonb, SqlType::TextArray]),
    ("jsonb_exists_all", &[SqlType::Jsonb, SqlType::TextArray]),
    ("jsonb_path_exists", &[SqlType::Jsonb]),
    ("text_matches", &[SqlType::Text, SqlType::Text, SqlType::Text]),
    ("similar_to_escape", &[SqlType::Text, SqlType::Text]),
    ("regexp_replace", &[SqlType::Text, SqlType::Text, SqlType::Text]),
    ("regexp_match", &[SqlType::Text, SqlType::Text, SqlType::Text]),
    ("regexp_split_to_array", &[SqlType::Text, SqlType::Text, SqlType::Text]),
    ("position", &[SqlType::Text, SqlType::Text]),
    ("initcap", &[SqlType::Text]),
    ("translate", &[SqlType::Text, SqlType::Text, SqlType::Text]),
    ("to_date", &[SqlType::Text, SqlType::Text]),
    ("to_number", &[SqlType::Text, SqlType::Text]),
    ("make_date", &[SqlType::Int4, SqlType::Int4, SqlType::Int4]),
    ("extract", &[SqlType::Text]),
    ("array_to_string", &[SqlType::TextArray, SqlType::Text]),
    ("string_to_array", &[SqlType::Text, SqlType::Text]),
];

/// Functions that give back one of their arguments, which are all of one type.
const ALIKE: &[&str] = &["coalesce", "nullif", "greatest", "least", "make_array"];
/// Functions of one number, which is a float when nothing says what it is.
const OF_FLOATS: &[&str] = &["abs", "ceil", "floor", "round", "trunc", "sqrt", "exp", "ln", "log", "sign", "power"];

/// The types that a plan tells, by the parameters' numbers from 1; `declared` are known without it.
pub(super) fn inferred(
    plan: &LogicalPlan,
    declared: impl Fn(usize) -> bool,
) -> Result<BTreeMap<usize, Option<SqlType>>> {
    let mut found = Found::default();
    plan.apply_with_subqueries(|node| {
        let mut schema = merge_schema(&node.inputs());
        if let LogicalPlan::TableScan(scan) = node {
            schema.merge(&scan.projected_schema);
        }
        if let LogicalPlan::Limit(limit) = node {
            for bound in [&limit.skip, &limit.fetch].into_iter().flatten() {
                found.take(bound, Some(SqlType::Int8))?;
            }
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                found.look_at(expr, &schema)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    let untold = found.1.iter().find(|number| !declared(**number) && found.0.get(number).copied().flatten().is_none());
    if let Some(number) = untold {
        let text = format!("could not determine data type of parameter ${number}");
        return Err(DataFusionError::External(Box::new(SqlError::new(Code::IndeterminateDatatype, text))));
    }
    Ok(found.0)
}

/// What is known of the parameters that were seen, and which were only asked for being NULL.
#[derive(Default)]
struct Found(BTreeMap<usize, Option<SqlType>>, BTreeSet<usize>);

impl Found {
    /// Notes a type for a parameter; the first one stays, another one is an error.
    fn take(&mut self, expr: &Expr, kind: Option<SqlType>) -> Result<()> {
        let Some(number) = number_of(expr) else { return Ok(()) };
        let kind = kind.filter(|kind| !matches!(kind, SqlType::Unknown | SqlType::Void));
        let known = self.0.entry(number).or_default();
        match (*known, kind) {
            (None, Some(kind)) => *known = Some(kind),
            (Some(first), Some(second)) if conflict(first, second) => {
                let text = format!("inconsistent types deduced for parameter ${number}");
                let detail = format!("{} versus {}", first.spelling(), second.spelling());
                let error = SqlError::new(Code::AmbiguousParameter, text).with_detail(detail);
                return Err(DataFusionError::External(Box::new(error)));
            }
            _ => {}
        }
        Ok(())
    }

    fn alike(&mut self, values: &[&Expr], schema: &DFSchema) -> Result<()> {
        let kind = values.iter().find_map(|value| kind_of(value, schema));
        values.iter().try_for_each(|value| self.take(value, kind))
    }

    fn look_at(&mut self, expr: &Expr, schema: &DFSchema) -> Result<()> {
        match expr {
            Expr::BinaryExpr(binary) => {
                let (left, right) = (kind_of(&binary.left, schema), kind_of(&binary.right, schema));
                self.take(&binary.left, beside(binary.op, right))?;
                self.take(&binary.right, beside(binary.op, left))
            }
            Expr::Between(between) => self.alike(&[&between.expr, &between.low, &between.high], schema),
            Expr::InList(list) => {
                let values: Vec<&Expr> = std::iter::once(list.expr.as_ref()).chain(&list.list).collect();
                self.alike(&values, schema)
            }
            Expr::Like(like) | Expr::SimilarTo(like) => {
                self.take(&like.expr, Some(SqlType::Text))?;
                self.take(&like.pattern, Some(SqlType::Text))
            }
            Expr::Case(case) => {
                let results: Vec<&Expr> = case
                    .when_then_expr
                    .iter()
                    .map(|(_, then)| then.as_ref())
                    .chain(case.else_expr.as_deref())
                    .collect();
                let tests: Vec<&Expr> = case
                    .expr
                    .as_deref()
                    .into_iter()
                    .chain(case.when_then_expr.iter().map(|(when, _)| when.as_ref()))
                    .collect();
                self.alike(&results, schema)?;
                if case.expr.is_some() {
                    self.alike(&tests, schema)
                } else {
                    tests.iter().try_for_each(|test| self.take(test, Some(SqlType::Bool)))
                }
            }
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
                self.1.extend(number_of(inner));
                Ok(())
            }
            Expr::Not(inner) => self.take(inner, Some(SqlType::Bool)),
            Expr::Cast(cast) => self.take(&cast.expr, Some(SqlType::of_field(&cast.field))),
            Expr::ScalarFunction(call) => self.call(call, schema),
            Expr::Placeholder(Placeholder { field, .. }) => {
                self.take(expr, field.as_ref().and_then(|field| told(field)))
            }
            _ => Ok(()),
        }
    }

    fn call(&mut self, call: &ScalarFunction, schema: &DFSchema) -> Result<()> {
        let name = call.func.name();
        let kind = |index: usize| call.args.get(index).and_then(|argument| kind_of(argument, schema));
        match (name, call.args.as_slice()) {
            ("array_has", [list, item]) => {
                self.take(list, kind(1).and_then(SqlType::array))?;
                self.take(item, kind(0).and_then(SqlType::item))
            }
            ("compare_any" | "compare_all", [operator, item, list]) => {
                let of_texts = matches!(operator, Expr::Literal(symbol, _) if symbol.to_string().contains('~'));
                let item_kind = if of_texts { Some(SqlType::Text) } else { kind(1) };
                self.take(list, item_kind.and_then(SqlType::array))?;
                self.take(item, kind(2).and_then(SqlType::item).or(item_kind))
            }
            (name, _) if ALIKE.contains(&name) || name.starts_with("number_") => {
                self.alike(&call.args.iter().collect::<Vec<_>>(), schema)
            }
            (name, arguments) if OF_FLOATS.contains(&name) && (arguments.len() == 1 || name == "power") => {
                let kind = arguments.iter().find_map(|argument| kind_of(argument, schema)).unwrap_or(SqlType::Float8);
                arguments.iter().try_for_each(|argument| self.take(argument, Some(kind)))
            }
            _ => {
                let known = ARGUMENTS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, types)| types);
                call.args.iter().zip(known).try_for_each(|(argument, kind)| self.take(argument, Some(*kind)))
            }
        }
    }
}

/// The type of a parameter beside a value of this type.
fn beside(operator: Operator, other: Option<SqlType>) -> Option<SqlType> {
    match (operator, other) {
        (Operator::And | Operator::Or, _) => Some(SqlType::Bool),
        (Operator::Plus, Some(SqlType::Timestamptz | SqlType::Timestamp | SqlType::Date | SqlType::Time)) => {
            Some(SqlType::Interval)
        }
        (
            Operator::StringConcat
            | Operator::LikeMatch
            | Operator::ILikeMatch
            | Operator::NotLikeMatch
            | Operator::NotILikeMatch
            | Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch,
            _,
        ) => Some(SqlType::Text),
        (_, other) => other,
    }
}

fn conflict(first: SqlType, second: SqlType) -> bool {
    let family = |kind: SqlType| match kind {
        kind if kind.is_number() => 1,
        kind if kind.is_text() => 2,
        SqlType::Date | SqlType::Timestamp | SqlType::Timestamptz => 3,
        _ => 0,
    };
    first != second && family(first) != family(second) && family(first) != 0 && family(second) != 0
}

fn number_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Placeholder(Placeholder { id, .. }) => id.strip_prefix('$')?.parse().ok(),
        Expr::Alias(alias) => number_of(&alias.expr),
        _ => None,
    }
}

/// The type of an expression that is no parameter and no literal of a type still open.
fn kind_of(expr: &Expr, schema: &DFSchema) -> Option<SqlType> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Null, None) => return None,
        _ if number_of(expr).is_some() => return None,
        _ => {}
    }
    let (_, field) = expr.to_field(schema).ok()?;
    told(&field)
}

/// What a field tells; nothing where it has no type yet.
fn told(field: &Field) -> Option<SqlType> {
    (field.data_type() != &DataType::Null).then(|| SqlType::of_field(field)).filter(|kind| *kind != SqlType::Record)
}
