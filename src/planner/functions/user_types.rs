//! Values of users' types: labels of enums, values of domains, and the order of labels.
//!
//! An enum travels as text that says the object id of its type in its field. Its labels compare by their order, so
//! comparisons and ORDER BY go by `enum_key(value, type)`. These functions know the session's catalog and run at
//! the coordinator only: rows with such values lie in relational tables.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int32Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::FunctionContext;
use super::function::sql_error;
use super::literals::literal_text;
use crate::catalog::{Catalog, UserType, UserTypeKind};
use crate::planner::rewrite::array_literal;
use crate::types::{Code, ErrorObject, SQL_TYPE_KEY, SqlError, SqlType, USER_TYPE_KEY};

/// `enum_value(value, type)`: the text as a label of the type.
pub(in crate::planner) const ENUM_VALUE: &str = "enum_value";
/// `enum_array(value, type)`: the text or list as an array of labels; the type is that of the arrays.
pub(in crate::planner) const ENUM_ARRAY: &str = "enum_array";
/// `domain_value(value, type, condition, ...)`: the value if no condition is false.
pub(in crate::planner) const DOMAIN_VALUE: &str = "domain_value";
/// `enum_key(value, type)`: the place of the label among the type's.
const ENUM_KEY: &str = "enum_key";
/// `enum_label(place, type)`: the label at a place.
const ENUM_LABEL: &str = "enum_label";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Value,
    Array,
    Domain,
    Key,
    Label,
}

/// A function of this file.
#[derive(Debug)]
struct TypeFunction {
    kind: Kind,
    signature: Signature,
    context: Arc<FunctionContext>,
}

impl PartialEq for TypeFunction {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && Arc::ptr_eq(&self.context, &other.context)
    }
}

impl Eq for TypeFunction {}

impl Hash for TypeFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
    }
}

/// The functions of this file.
pub(super) fn functions(context: &Arc<FunctionContext>) -> Vec<ScalarUDF> {
    let kinds = [Kind::Value, Kind::Array, Kind::Domain, Kind::Key, Kind::Label];
    let function = |kind| {
        let signature = match kind {
            Kind::Domain => Signature::variadic_any(Volatility::Immutable),
            _ => Signature::any(2, Volatility::Immutable),
        };
        ScalarUDF::new_from_impl(TypeFunction { kind, signature, context: Arc::clone(context) })
    };
    kinds.into_iter().map(function).collect()
}

impl TypeFunction {
    fn catalog(&self) -> &Catalog {
        &self.context.catalog.catalog
    }

    fn user_type(&self, oid: Option<&ScalarValue>) -> Result<&UserType> {
        let oid = oid.and_then(|oid| oid.cast_to(&DataType::Int64).ok()).and_then(|oid| match oid {
            ScalarValue::Int64(Some(oid)) => u32::try_from(oid).ok(),
            _ => None,
        });
        let found = oid.and_then(|oid| self.catalog().type_by_oid(oid));
        found.map(AsRef::as_ref).ok_or_else(|| sql_error(Code::UndefinedObject, "the type does not exist"))
    }
}

impl ScalarUDFImpl for TypeFunction {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Value => ENUM_VALUE,
            Kind::Array => ENUM_ARRAY,
            Kind::Domain => DOMAIN_VALUE,
            Kind::Key => ENUM_KEY,
            Kind::Label => ENUM_LABEL,
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Value | Kind::Label => DataType::Utf8,
            Kind::Array => SqlType::TextArray.arrow(),
            Kind::Domain => arguments.first().cloned().unwrap_or(DataType::Null),
            Kind::Key => DataType::Int32,
        })
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let data_type = self.return_type(&types)?;
        if self.kind == Kind::Key {
            return Ok(Arc::new(Field::new(self.name(), data_type, true)));
        }
        let user = self.user_type(arguments.scalar_arguments.get(1).copied().flatten())?;
        let (oid, plain) = match self.kind {
            Kind::Array => (user.array_oid, Field::new(self.name(), data_type, true)),
            Kind::Domain => {
                let of = arguments.arg_fields.first().map(|field| field.as_ref().clone());
                let field = of.unwrap_or_else(|| Field::new(self.name(), data_type, true));
                (user.oid, field.with_name(self.name()).with_nullable(true))
            }
            _ => (user.oid, Field::new(self.name(), data_type, true)),
        };
        let mut field = plain;
        let sql_type = SqlType::of_field(&field);
        field.metadata_mut().insert(SQL_TYPE_KEY.to_owned(), sql_type.name().to_owned());
        field.metadata_mut().insert(USER_TYPE_KEY.to_owned(), oid.to_string());
        Ok(Arc::new(field))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let type_oid = match arguments.args.get(1) {
            Some(ColumnarValue::Scalar(oid)) => Some(oid.clone()),
            Some(ColumnarValue::Array(oids)) if !oids.is_empty() => Some(ScalarValue::try_from_array(oids, 0)?),
            _ => None,
        };
        if arguments.number_rows == 0 {
            let wanted = arguments.return_field.data_type();
            return Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(wanted)));
        }
        let user = self.user_type(type_oid.as_ref())?;
        let mut arrays = Vec::with_capacity(arguments.args.len());
        for argument in &arguments.args {
            arrays.push(argument.to_array(arguments.number_rows)?);
        }
        let Some(value) = arrays.first() else { return Err(DataFusionError::Internal("no argument".to_owned())) };
        let result: ArrayRef = match self.kind {
            Kind::Value => Arc::new(labels_of(value, user)?),
            Kind::Array => Arc::new(label_lists(value, user)?),
            Kind::Key => Arc::new(keys_of(value, user)?),
            Kind::Label => Arc::new(labels_at(value, user)?),
            Kind::Domain => {
                self.check_domain(user, value, arrays.get(2..).unwrap_or_default())?;
                Arc::clone(value)
            }
        };
        Ok(ColumnarValue::Array(result))
    }
}

impl TypeFunction {
    fn check_domain(&self, user: &UserType, value: &ArrayRef, conditions: &[ArrayRef]) -> Result<()> {
        let UserTypeKind::Domain { not_null, checks, .. } = &user.kind else { return Ok(()) };
        if *not_null && value.null_count() > 0 {
            let text = format!("domain {} does not allow null values", user.name);
            return Err(broken(user, SqlError::new(Code::NotNullViolation, text), None));
        }
        for (check, condition) in checks.iter().zip(conditions) {
            let Some(truths) = condition.as_boolean_opt() else { continue };
            if truths.iter().any(|truth| truth == Some(false)) {
                let text = format!("value for domain {} violates check constraint \"{}\"", user.name, check.name);
                return Err(broken(user, SqlError::new(Code::CheckViolation, text), Some(&check.name)));
            }
        }
        Ok(())
    }
}

fn broken(user: &UserType, error: SqlError, constraint: Option<&str>) -> DataFusionError {
    let object = ErrorObject {
        schema: Some(user.schema.clone()),
        data_type: Some(user.name.clone()),
        constraint: constraint.map(str::to_owned),
        ..ErrorObject::default()
    };
    DataFusionError::External(Box::new(error.about(object)))
}

fn place(user: &UserType, label: &str) -> Option<usize> {
    match &user.kind {
        UserTypeKind::Enum { labels } => labels.iter().position(|known| known.label == label),
        UserTypeKind::Domain { .. } => None,
    }
}

fn checked(user: &UserType, label: &str) -> Result<usize> {
    place(user, label).ok_or_else(|| {
        let shown: String = label.chars().take(200).collect();
        let text = format!("invalid input value for enum {}: \"{shown}\"", user.name);
        sql_error(Code::InvalidTextRepresentation, text)
    })
}

fn texts(value: &ArrayRef) -> Result<StringArray> {
    Ok(cast(value, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn labels_of(value: &ArrayRef, user: &UserType) -> Result<StringArray> {
    let texts = texts(value)?;
    for label in texts.iter().flatten() {
        checked(user, label)?;
    }
    Ok(texts)
}

fn keys_of(value: &ArrayRef, user: &UserType) -> Result<Int32Array> {
    let texts = texts(value)?;
    let key = |label: Option<&str>| label.map(|label| Ok(checked(user, label)? as i32)).transpose();
    texts.iter().map(key).collect()
}

fn labels_at(value: &ArrayRef, user: &UserType) -> Result<StringArray> {
    let places = cast(value, &DataType::Int32)?;
    let UserTypeKind::Enum { labels } = &user.kind else { return Err(not_an_enum(user)) };
    let label = |place: Option<i32>| {
        let label = labels.get(usize::try_from(place?).ok()?)?;
        Some(label.label.clone())
    };
    Ok(places.as_primitive::<Int32Type>().iter().map(label).collect())
}

fn not_an_enum(user: &UserType) -> DataFusionError {
    sql_error(Code::WrongObjectType, format!("{} is not an enum", user.name))
}

fn label_lists(value: &ArrayRef, user: &UserType) -> Result<ListArray> {
    let wanted = SqlType::TextArray.arrow();
    if let DataType::List(_) = value.data_type() {
        let lists = cast(value, &wanted)?;
        let lists = lists.as_list::<i32>().clone();
        labels_of(lists.values(), user)?;
        return Ok(lists);
    }
    let mut rows = Vec::with_capacity(value.len());
    for text in texts(value)?.iter() {
        let Some(text) = text else {
            rows.push(None);
            continue;
        };
        let items = array_literal(text).ok_or_else(|| {
            sql_error(Code::InvalidTextRepresentation, format!("malformed array literal: \"{text}\""))
        })?;
        for label in items.iter().flatten() {
            checked(user, label)?;
        }
        rows.push(Some(items));
    }
    let mut builder = datafusion::arrow::array::ListBuilder::new(datafusion::arrow::array::StringBuilder::new());
    for row in rows {
        match row {
            Some(items) => builder.append_value(items),
            None => builder.append_null(),
        }
    }
    Ok(cast(&(Arc::new(builder.finish()) as ArrayRef), &wanted)?.as_list::<i32>().clone())
}

/// Puts the order of labels where values of enums are compared or sorted.
#[derive(Debug)]
pub(super) struct LabelOrder {
    pub(super) catalog: Arc<Catalog>,
    pub(super) value: Arc<ScalarUDF>,
    pub(super) key: Arc<ScalarUDF>,
    pub(super) label: Arc<ScalarUDF>,
}

impl LabelOrder {
    /// The enum that a field's values are of.
    fn enum_of(&self, field: &Field) -> Option<&UserType> {
        let oid: u32 = field.metadata().get(USER_TYPE_KEY)?.parse().ok()?;
        let user = self.catalog.type_by_oid(oid)?;
        (user.oid == oid && matches!(user.kind, UserTypeKind::Enum { .. })).then_some(user)
    }

    fn enum_of_expr(&self, expr: &Expr, schema: &DFSchema) -> Option<&UserType> {
        let (_, field) = expr.to_field(schema).ok()?;
        self.enum_of(&field)
    }

    fn call(function: &Arc<ScalarUDF>, value: Expr, user: &UserType) -> Expr {
        let arguments = vec![value, lit(i64::from(user.oid))];
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments))
    }

    /// An error for a written text beside values of an enum that is no label of it.
    fn check_labels<'a>(&self, values: impl Iterator<Item = &'a Expr> + Clone, schema: &DFSchema) -> Result<()> {
        let Some(user) = values.clone().find_map(|value| self.enum_of_expr(value, schema)) else { return Ok(()) };
        values.filter_map(literal_text).try_for_each(|text| checked(user, text).map(drop))
    }

    /// The other side of a comparison with a value of an enum.
    fn side(&self, expr: Expr, user: &UserType, operator: &str, schema: &DFSchema) -> Result<Expr> {
        if let Some(text) = literal_text(&expr) {
            checked(user, text)?;
            return Ok(expr);
        }
        if let Expr::Placeholder(_) = expr {
            return Ok(Self::call(&self.value, expr, user));
        }
        let Ok((_, field)) = expr.to_field(schema) else { return Ok(expr) };
        let same = self.enum_of(&field).is_some_and(|other| other.oid == user.oid);
        if same || field.data_type().is_null() {
            return Ok(expr);
        }
        let other =
            self.enum_of(&field).map_or_else(|| SqlType::of_field(&field).spelling(), |other| other.name.clone());
        let text = format!("operator does not exist: {} {operator} {other}", user.name);
        Err(sql_error(Code::UndefinedFunction, text))
    }
}

impl ExprPlanner for LabelOrder {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
        if !matches!(raw.op, Eq | NotEq | Lt | LtEq | Gt | GtEq) {
            return Ok(PlannerResult::Original(raw));
        }
        let user = self.enum_of_expr(&raw.left, schema).or_else(|| self.enum_of_expr(&raw.right, schema));
        let Some(user) = user else { return Ok(PlannerResult::Original(raw)) };
        let operator = raw.op.to_string();
        let (mut left, mut right) =
            (self.side(raw.left, user, &operator, schema)?, self.side(raw.right, user, &operator, schema)?);
        if !matches!(raw.op, Eq | NotEq) {
            (left, right) = (Self::call(&self.key, left, user), Self::call(&self.key, right, user));
        }
        Ok(PlannerResult::Original(RawBinaryExpr { left, right, ..raw }))
    }
}

impl FunctionRewrite for LabelOrder {
    fn name(&self) -> &'static str {
        "label_order"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Between(between) => {
                let Some(user) = self.enum_of_expr(&between.expr, schema) else {
                    return Ok(Transformed::no(Expr::Between(between)));
                };
                let keyed = |expr: Box<Expr>| Ok::<_, DataFusionError>(Box::new(Self::call(&self.key, *expr, user)));
                let (low, high) = (keyed(between.low)?, keyed(between.high)?);
                let expr = keyed(between.expr)?;
                Ok(Transformed::yes(Expr::Between(Between { expr, low, high, negated: between.negated })))
            }
            Expr::InList(list) => {
                if let Some(user) = self.enum_of_expr(&list.expr, schema) {
                    for item in &list.list {
                        self.side(item.clone(), user, "=", schema)?;
                    }
                }
                Ok(Transformed::no(Expr::InList(list)))
            }
            // Written texts among the results of a choice are labels.
            Expr::ScalarFunction(call) if matches!(call.name(), "coalesce" | "greatest" | "least" | "nullif") => {
                self.check_labels(call.args.iter(), schema)?;
                Ok(Transformed::no(Expr::ScalarFunction(call)))
            }
            Expr::Case(case) => {
                let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
                self.check_labels(results.map(AsRef::as_ref), schema)?;
                Ok(Transformed::no(Expr::Case(case)))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

impl AnalyzerRule for LabelOrder {
    fn name(&self) -> &'static str {
        "label_order"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let types = self.catalog.databases.values().flat_map(|database| database.schemas.values());
        if types.into_iter().all(|schema| schema.types.is_empty()) {
            return Ok(plan);
        }
        plan.transform_up_with_subqueries(|plan| self.ordered(plan)).map(|transformed| transformed.data)
    }
}

impl LabelOrder {
    fn ordered(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Sort(mut sort) => {
                let schema = Arc::clone(sort.input.schema());
                let mut any = false;
                for key in &mut sort.expr {
                    if let Some(user) = self.enum_of_expr(&key.expr, &schema) {
                        key.expr = Self::call(&self.key, key.expr.clone(), user);
                        any = true;
                    }
                }
                let plan = LogicalPlan::Sort(sort);
                Ok(if any { Transformed::yes(plan) } else { Transformed::no(plan) })
            }
            LogicalPlan::Aggregate(aggregate) => {
                let schema = merge_schema(&[&aggregate.input]);
                let extreme = aggregate.aggr_expr.iter().any(|expr| self.extreme(expr, &schema).is_some());
                if !extreme {
                    return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
                }
                self.extremes(aggregate, &schema).map(Transformed::yes)
            }
            other => Ok(Transformed::no(other)),
        }
    }

    /// The enum of `min(x)` or `max(x)`.
    fn extreme(&self, expr: &Expr, schema: &DFSchema) -> Option<&UserType> {
        match expr {
            Expr::Alias(alias) => self.extreme(&alias.expr, schema),
            Expr::AggregateFunction(call) if matches!(call.func.name(), "min" | "max") => {
                self.enum_of_expr(call.params.args.first()?, schema)
            }
            _ => None,
        }
    }

    /// `max(x)` is the label of the greatest key.
    fn extremes(&self, mut aggregate: datafusion::logical_expr::Aggregate, schema: &DFSchema) -> Result<LogicalPlan> {
        let old = Arc::clone(&aggregate.schema);
        let keys = old.fields().len() - aggregate.aggr_expr.len();
        let mut users = Vec::with_capacity(aggregate.aggr_expr.len());
        for expr in &mut aggregate.aggr_expr {
            let user = self.extreme(expr, schema);
            if let (Some(user), Expr::AggregateFunction(call)) = (user, unaliased(expr)) {
                for argument in &mut call.params.args {
                    *argument = Self::call(&self.key, argument.clone(), user);
                }
            }
            users.push(user);
        }
        let inner =
            datafusion::logical_expr::Aggregate::try_new(aggregate.input, aggregate.group_expr, aggregate.aggr_expr)?;
        let inner_columns = inner.schema.columns();
        let outputs = inner_columns.into_iter().enumerate().map(|(place, column)| {
            let (qualifier, field) = old.qualified_field(place);
            let value = match place.checked_sub(keys).and_then(|place| users.get(place).copied().flatten()) {
                Some(user) => Self::call(&self.label, Expr::Column(column), user),
                None => Expr::Column(column),
            };
            value.alias_qualified(qualifier.cloned(), field.name())
        });
        let outputs: Vec<Expr> = outputs.collect();
        datafusion::logical_expr::LogicalPlanBuilder::from(LogicalPlan::Aggregate(inner)).project(outputs)?.build()
    }
}

fn unaliased(expr: &mut Expr) -> &mut Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&mut alias.expr),
        other => other,
    }
}
