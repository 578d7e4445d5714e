//! Names in the place of object ids: where a value of a registry type, such as `regclass`, is text.
//!
//! [`RegistryReader`] sees every expression with its type: a cast to text, a concatenation or a function
//! over texts takes the name, and a text beside such a value is read as a name. [`with_names`] does the same
//! for the columns of a result.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::{BinaryExpr, Cast, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Operator, Projection, ScalarUDF, lit};

use super::literals::{is_comparison, literal_text};
use super::registry::{KINDS, SHOWN_TYPES};
use crate::types::SqlType;

/// Functions that write their arguments out as text.
const WRITING: &[&str] =
    &["concat", "concat_ws", "format", "quote_literal", "quote_nullable", "text_concat", "to_json", "to_jsonb"];

/// Puts names where texts are wanted.
#[derive(Debug)]
pub(super) struct RegistryReader {
    /// Per type, the function from id to name.
    pub(super) texts: HashMap<SqlType, Arc<ScalarUDF>>,
    /// Per type, the function from name to id.
    pub(super) ids: HashMap<SqlType, Arc<ScalarUDF>>,
    /// Gives a list that counts from 1 for a vector of a system table.
    pub(super) as_list: Arc<ScalarUDF>,
}

impl FunctionRewrite for RegistryReader {
    fn name(&self) -> &'static str {
        "registry_reader"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Cast(Cast { expr, field }) if field.data_type().is_string() => {
                let inner = self.named(*expr, schema);
                Ok(Transformed::yes(Expr::Cast(Cast { expr: Box::new(inner), field })))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                let (left, right) = (self.named(*left, schema), self.named(*right, schema));
                let binary = BinaryExpr { left: Box::new(left), op: Operator::StringConcat, right: Box::new(right) };
                Ok(Transformed::yes(Expr::BinaryExpr(binary)))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
                let (of_left, of_right) = (kind_of(&left, schema), kind_of(&right, schema));
                let (left, right) = (self.read(*left, of_right), self.read(*right, of_left));
                let binary = BinaryExpr { left: Box::new(left), op, right: Box::new(right) };
                Ok(Transformed::yes(Expr::BinaryExpr(binary)))
            }
            Expr::InList(InList { expr, list, negated }) => {
                let kind = kind_of(&expr, schema);
                let list = list.into_iter().map(|item| self.read(item, kind)).collect();
                Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) if WRITING.contains(&func.name()) => {
                let args = args.into_iter().map(|argument| self.named(argument, schema)).collect();
                Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })))
            }
            Expr::ScalarFunction(ScalarFunction { func, args })
                if COUNTING.contains(&func.name()) && args.first().is_some_and(|array| is_vector(array, schema)) =>
            {
                Ok(Transformed::yes(self.counted_from_zero(func, args)))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Functions over the places of an array's elements.
const COUNTING: &[&str] = &["array_element", ARRAY_ITEM, "array_upper", "array_lower"];
/// `a[i]`
const ARRAY_ITEM: &str = "array_item";

/// The vectors of system tables count from 0, lists count from 1.
fn is_vector(expr: &Expr, schema: &DFSchema) -> bool {
    let sql_type = expr.to_field(schema).map(|(_, field)| SqlType::of_field(&field));
    matches!(sql_type, Ok(SqlType::Int2Vector | SqlType::OidVector))
}

impl RegistryReader {
    /// The vector becomes a list, so that this is done once only.
    fn counted_from_zero(&self, function: Arc<ScalarUDF>, mut arguments: Vec<Expr>) -> Expr {
        if let Some(vector) = arguments.first_mut() {
            *vector = call(&self.as_list, std::mem::take(vector));
        }
        let is_element = matches!(function.name(), "array_element" | ARRAY_ITEM);
        if let Some(place) = arguments.get_mut(1).filter(|_| is_element) {
            *place = std::mem::take(place) + lit(1_i64);
        }
        let counted = Expr::ScalarFunction(ScalarFunction { func: function, args: arguments });
        if is_element { counted } else { counted - lit(1_i32) }
    }

    /// The name of an object; every other value as it is.
    fn named(&self, expr: Expr, schema: &DFSchema) -> Expr {
        match kind_of(&expr, schema).and_then(|kind| self.texts.get(&kind)) {
            Some(function) => call(function, expr),
            None => expr,
        }
    }

    /// A text literal as the object that it names.
    fn read(&self, expr: Expr, wanted: Option<SqlType>) -> Expr {
        match wanted.and_then(|kind| self.ids.get(&kind)) {
            Some(function) if literal_text(&expr).is_some() => call(function, expr),
            _ => expr,
        }
    }
}

fn call(function: &Arc<ScalarUDF>, argument: Expr) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![argument]))
}

/// The registry type of an expression that is an object id.
fn kind_of(expr: &Expr, schema: &DFSchema) -> Option<SqlType> {
    kind_of_field(expr.to_field(schema).ok()?.1.as_ref())
}

fn kind_of_field(field: &Field) -> Option<SqlType> {
    Some(SqlType::of_field(field)).filter(|kind| kind.is_registry() && field.data_type() == &DataType::Int32)
}

/// The same query with names in the columns of object ids that are shown as names.
pub(in crate::planner) fn with_names(plan: LogicalPlan, functions: &dyn FunctionRegistry) -> Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    if !schema.fields().iter().any(|field| shown_by(field).is_some()) {
        return Ok(plan);
    }
    let column = |(qualifier, field): (Option<&datafusion::common::TableReference>, &Arc<Field>)| -> Result<Expr> {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let Some(shown) = shown_by(field) else { return Ok(column) };
        Ok(call(&functions.udf(shown)?, column).alias_qualified(qualifier.cloned(), field.name()))
    };
    let columns = schema.iter().map(column).collect::<Result<Vec<_>>>()?;
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}

/// The function that gives what a client is shown of a column, where that is not the column itself.
fn shown_by(field: &Field) -> Option<&'static str> {
    if SqlType::of_field(field) == SqlType::RegtypeArray && field.data_type() == &SqlType::RegtypeArray.arrow() {
        return Some(SHOWN_TYPES);
    }
    let kind = kind_of_field(field)?;
    KINDS.iter().find(|(known, ..)| *known == kind).map(|(.., shown)| *shown)
}
