//! What the results of CASE, COALESCE and UNION say of their types, in a plan that was just made.
//!
//! `cast_rules` does the same for expressions when a plan is analysed. That is too late for two things: columns of
//! objects get names before (`with_names`), and the sides of a UNION are united by their Arrow types alone.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union};

use super::cast_rules::{CastReader, Checks};
use super::marks::{check_common, has_no_type, is_untold, marked_as};
use crate::types::{SqlType, USER_TYPE_KEY};

/// The same query, whose choices and unions say the common type of what they are made of.
pub(in crate::planner) fn with_common_types(
    plan: LogicalPlan,
    functions: &dyn FunctionRegistry,
) -> Result<LogicalPlan> {
    if !needs_common_types(&plan)? {
        return Ok(plan);
    }
    let choices = CastReader::of(functions, Checks::Types)?;
    let mut any = false;
    let told = plan.transform_up_with_subqueries(|node| {
        let told = match node {
            LogicalPlan::Union(union) => united(union, &choices)?,
            node if has_choice(&node) => chosen(node, &choices)?,
            node => Transformed::no(node),
        };
        any |= told.transformed;
        // What stands above has to see what its inputs say now.
        if any { told.map_data(LogicalPlan::recompute_schema) } else { Ok(told) }
    })?;
    Ok(told.data)
}

fn needs_common_types(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found = matches!(node, LogicalPlan::Union(_)) || has_choice(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn has_choice(node: &LogicalPlan) -> bool {
    node.expressions().iter().any(|expr| expr.exists(|inner| Ok(is_choice(inner))).unwrap_or(false))
}

fn is_choice(expr: &Expr) -> bool {
    match expr {
        Expr::Case(_) => true,
        Expr::ScalarFunction(call) => matches!(call.func.name(), "coalesce" | "greatest" | "least" | "nullif"),
        _ => false,
    }
}

/// A node whose choices say their types.
fn chosen(node: LogicalPlan, choices: &CastReader) -> Result<Transformed<LogicalPlan>> {
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = &node {
        schema.merge(&scan.projected_schema);
    }
    let names = NamePreserver::new(&node);
    node.map_expressions(|expr| {
        let name = names.save(&expr);
        let told = expr.transform_up(|inner| {
            if !is_choice(&inner) {
                return Ok(Transformed::no(inner));
            }
            let told = choices.choice(inner.clone(), &schema)?.data;
            Ok(if told == inner { Transformed::no(inner) } else { Transformed::yes(told) })
        })?;
        Ok(told.update_data(|expr| name.restore(expr)))
    })
}

/// What a side of a union says of a column.
struct Side {
    kind: SqlType,
    modifier: i32,
    is_user_type: bool,
}

impl Side {
    fn of(field: &Field) -> Self {
        Self {
            kind: SqlType::of_field(field),
            modifier: SqlType::modifier_of_field(field),
            is_user_type: field.metadata().contains_key(USER_TYPE_KEY),
        }
    }
}

/// A union whose sides say the types of its columns.
fn united(union: Union, casts: &CastReader) -> Result<Transformed<LogicalPlan>> {
    let sides: Vec<Vec<Option<Side>>> = union.inputs.iter().map(|input| sides_of(input)).collect();
    let columns = union.schema.fields().len();
    for column in 0..columns {
        let sides: Vec<&Side> = sides.iter().filter_map(|side| side.get(column)?.as_ref()).collect();
        if !sides.iter().any(|side| side.is_user_type) {
            check_common(sides.iter().map(|side| side.kind), "UNION")?;
        }
    }
    let wanted: Vec<Option<(SqlType, i32)>> =
        (0..columns).map(|column| common(sides.iter().filter_map(|side| side.get(column)?.as_ref()))).collect();
    let mut any = false;
    let mut inputs = Vec::with_capacity(union.inputs.len());
    for (input, side) in union.inputs.iter().zip(&sides) {
        let told = told(input, side, &wanted, casts)?;
        any |= told.transformed;
        inputs.push(told.data);
    }
    Ok(if any {
        Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?))
    } else {
        Transformed::no(LogicalPlan::Union(union))
    })
}

/// The columns of one side; none for a literal without a type.
fn sides_of(input: &LogicalPlan) -> Vec<Option<Side>> {
    let literals: &[Expr] = match input {
        LogicalPlan::Projection(projection) => &projection.expr,
        _ => &[],
    };
    let is_open = |column: usize| literals.get(column).is_some_and(has_no_type);
    let fields = input.schema().fields().iter().enumerate();
    fields.map(|(column, field)| (!is_open(column)).then(|| Side::of(field))).collect()
}

/// The type of a column; none where it is left as the engine has it.
fn common<'a>(sides: impl Iterator<Item = &'a Side>) -> Option<(SqlType, i32)> {
    let sides: Vec<&Side> = sides.collect();
    if sides.iter().any(|side| side.is_user_type) {
        return None;
    }
    let kind = SqlType::common(sides.iter().map(|side| side.kind))?;
    let first = sides.first()?;
    let is_alike = sides.iter().all(|side| side.kind == kind && side.modifier == first.modifier);
    Some((kind, if is_alike { first.modifier } else { -1 }))
}

/// A side whose columns say the types of the union.
fn told(
    input: &Arc<LogicalPlan>,
    sides: &[Option<Side>],
    wanted: &[Option<(SqlType, i32)>],
    casts: &CastReader,
) -> Result<Transformed<Arc<LogicalPlan>>> {
    let mut any = false;
    let schema: &DFSchema = input.schema();
    let columns = schema.iter().enumerate().map(|(place, (qualifier, field))| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let side = sides.get(place).and_then(Option::as_ref);
        let Some(Some((kind, modifier))) = wanted.get(place) else { return column };
        let Some(side) = side else {
            // A written text is read as what the other sides are.
            if !is_read(*kind, field.data_type()) {
                return column;
            }
            any = true;
            return casts.read_as(column, *kind).alias_qualified(qualifier.cloned(), field.name());
        };
        match mark_of(side, *kind, *modifier, field.data_type()) {
            Some(kind) => {
                any = true;
                marked_as(column, kind, *modifier, &casts.marked).alias_qualified(qualifier.cloned(), field.name())
            }
            None => column,
        }
    });
    let columns: Vec<Expr> = columns.collect();
    if !any {
        return Ok(Transformed::no(Arc::clone(input)));
    }
    let projection = Projection::try_new(columns, Arc::clone(input))?;
    Ok(Transformed::yes(Arc::new(LogicalPlan::Projection(projection))))
}

/// Whether a written text becomes such a value here; the engine reads days and times itself.
fn is_read(kind: SqlType, data_type: &DataType) -> bool {
    data_type.is_string() && (kind.is_number() || matches!(kind, SqlType::Bool | SqlType::Uuid))
}

/// What a column must say so that the union says its type; none where it does already, or cannot.
fn mark_of(side: &Side, kind: SqlType, modifier: i32, data_type: &DataType) -> Option<SqlType> {
    // Decimals are shown by the digits that their column has.
    if kind == SqlType::Numeric {
        return None;
    }
    if side.kind == kind {
        return (side.modifier != modifier).then_some(kind);
    }
    let says_nothing = SqlType::from_arrow(data_type) == Some(kind);
    (says_nothing || is_untold(kind, data_type)).then_some(kind)
}
