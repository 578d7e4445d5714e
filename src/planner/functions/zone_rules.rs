//! Puts the functions of `zoned` where an expression mixes instants with days, local times, texts
//! or spans, so that they meet in the session's zone.
//!
//! Runs with types at hand three times: while SQL is planned (sums), before the engine's coercion
//! (what is written) and after it (what the engine added). In UTC the engine's own casts and sums
//! mean the same and stay. What no rule makes right in another zone is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::expr::{BinaryExpr, Cast, InList, ScalarFunction, WindowFunction};
use datafusion::logical_expr::expr_rewriter::{FunctionRewrite, NamePreserver};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, Case, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF, WindowFrameBound, WindowFrameUnits, lit,
};
use datafusion::optimizer::analyzer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::calendar::{DAY_US, Unit, ZONES_SPAN_US, days_of};
use super::convert::{AS_TYPE, Target};
use super::function::sql_error;
use super::literals::{is_comparison, literal_text};
use super::moments::{Moment, constant};
use crate::types::{Code, SqlType};

/// Functions that depend on the session: the rules put them into expressions, and in the place of
/// those that a view was planned with.
const FUNCTIONS: &[&str] = &[
    AS_TYPE,
    "as_date",
    "as_time",
    "as_timestamp",
    "as_timestamptz",
    "time_text",
    "time_json_text",
    "timestamptz_plus",
    "timestamptz_minus",
    "timestamptz_offset",
    "timezone",
    "date_trunc_in_zone",
    "date_trunc",
    "date_part",
    "extract",
    "age",
    "overlaps",
    "make_timestamptz",
    "to_char",
    "to_timestamp",
    "series_list",
    "to_json",
    "to_jsonb",
    "row_to_json",
    "array_to_json",
    "json_build_object",
    "jsonb_build_object",
    "json_build_array",
    "jsonb_build_array",
    "json_of_items",
    "jsonb_of_items",
    "json_of_pairs",
    "jsonb_of_pairs",
    "localtimestamp",
    "localtime",
    "now",
    "fixed_span",
];

/// The rules of one session.
#[derive(Debug)]
pub(super) struct ZoneRules {
    moment: Moment,
    functions: BTreeMap<&'static str, Arc<ScalarUDF>>,
}

impl ZoneRules {
    /// The rules with the functions that the session knows.
    pub(super) fn new(moment: &Moment, state: &SessionState) -> Result<Self> {
        let find = |name: &&'static str| state.udf(name).map(|function| (*name, function));
        Ok(Self { moment: moment.clone(), functions: FUNCTIONS.iter().map(find).collect::<Result<_>>()? })
    }

    fn call(&self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let function = self.functions.get(name).ok_or_else(|| refused(name))?;
        Ok(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments)))
    }

    fn is_utc(&self) -> bool {
        self.moment.zone.is_utc()
    }

    fn change(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Cast(cast) => self.cast(cast, schema),
            Expr::ScalarFunction(function) => self.function(function, schema),
            Expr::Case(case) => self.case(case, schema),
            _ if self.is_utc() => Ok(Transformed::no(expr)),
            Expr::BinaryExpr(binary) if is_comparison(binary.op) => self.comparison(binary, schema),
            Expr::BinaryExpr(binary) => self.sum(binary, schema),
            Expr::Between(between) => self.between(between, schema),
            Expr::InList(InList { expr, list, negated }) => {
                let mut values = self.alike(std::iter::once(*expr).chain(list).collect(), schema)?;
                let expr = Box::new(values.remove(0));
                Ok(Transformed::yes(Expr::InList(InList { expr, list: values, negated })))
            }
            Expr::TryCast(ref cast) => {
                let from = kind_of(&cast.expr, schema);
                let to = Kind::of(cast.field.data_type());
                let moves = (from == Kind::Instant) != (to == Kind::Instant);
                if moves && from != Kind::Other && to != Kind::Other {
                    Err(refused("TRY_CAST"))
                } else {
                    Ok(Transformed::no(expr))
                }
            }
            Expr::WindowFunction(window) => {
                refuse_calendar_frame(&window, schema)?;
                Ok(Transformed::no(Expr::WindowFunction(window)))
            }
            other => Ok(Transformed::no(other)),
        }
    }

    fn cast(&self, cast: Cast, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let to = cast.field.data_type().clone();
        let (from, into) = (kind_of(&cast.expr, schema), Kind::of(&to));
        if let Some(text) = literal_text(&cast.expr) {
            let value = match into {
                Kind::Instant => Some(constant(self.moment.read(text)?)),
                Kind::Local => Some(ScalarValue::TimestampMicrosecond(Some(self.moment.read_local(text)?), None)),
                Kind::Day => Some(ScalarValue::Date32(Some(self.moment.read_date(text)?))),
                _ => None,
            };
            return match value {
                Some(value) => Ok(Transformed::yes(as_type(Expr::Literal(value, None), &to))),
                None => Ok(Transformed::no(Expr::Cast(cast))),
            };
        }
        let name = match (from, into) {
            (Kind::Instant | Kind::Local | Kind::Clock | Kind::Span, Kind::Text) => "time_text",
            (Kind::Text, Kind::Instant) => "as_timestamptz",
            (Kind::Text, Kind::Local) => "as_timestamp",
            (Kind::Text, Kind::Day) => "as_date",
            _ if self.is_utc() => return Ok(Transformed::no(Expr::Cast(cast))),
            (Kind::Instant, Kind::Day) => "as_date",
            (Kind::Instant, Kind::Clock) => "as_time",
            (Kind::Instant, Kind::Local) => "as_timestamp",
            (Kind::Day | Kind::Local, Kind::Instant) => "as_timestamptz",
            (Kind::Instants, Kind::Text) => return Err(refused("a cast of an array of instants to text")),
            _ => return Ok(Transformed::no(Expr::Cast(cast))),
        };
        let value = self.call(name, vec![*cast.expr])?;
        let target = Target::of_field(&cast.field);
        if into == Kind::Text && target.modifier != -1 {
            // A bound of its characters cuts the text.
            let arguments = vec![value, lit(target.kind.name()), lit(i64::from(target.modifier))];
            return Ok(Transformed::yes(self.call(AS_TYPE, arguments)?));
        }
        Ok(Transformed::yes(as_type(value, &to)))
    }

    /// Days and local times beside an instant become instants; so do texts that are written out.
    fn alike(&self, values: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
        if !values.iter().any(|value| kind_of(value, schema) == Kind::Instant) {
            return Ok(values);
        }
        let alike = |value: Expr| match kind_of(&value, schema) {
            Kind::Day | Kind::Local => self.call("as_timestamptz", vec![value]),
            Kind::Text => match literal_text(&value) {
                Some(text) => Ok(Expr::Literal(constant(self.moment.read(text)?), None)),
                None => Ok(value),
            },
            _ => Ok(value),
        };
        values.into_iter().map(alike).collect()
    }

    fn comparison(&self, binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let BinaryExpr { left, op, right } = binary;
        let mut sides = self.alike(vec![*left, *right], schema)?.into_iter();
        let (Some(left), Some(right)) = (sides.next(), sides.next()) else { return Err(refused("a comparison")) };
        let bounds = match (limits(&left, &right), limits(&right, &left)) {
            (Some(limits), _) => limits.bounds(op),
            (_, Some(limits)) => op.swap().and_then(|op| limits.bounds(op)),
            _ => None,
        };
        let comparison = Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) });
        Ok(Transformed::yes(match bounds {
            Some(bounds) => comparison.and(bounds),
            None => comparison,
        }))
    }

    fn between(&self, between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let Between { expr, negated, low, high } = between;
        let least = limits(&expr, &low).and_then(|limits| limits.bounds(Operator::GtEq));
        let most = limits(&expr, &high).and_then(|limits| limits.bounds(Operator::LtEq));
        let bounds = least.into_iter().chain(most).reduce(Expr::and).filter(|_| !negated);
        let mut values = self.alike(vec![*expr, *low, *high], schema)?.into_iter().map(Box::new);
        let (Some(expr), Some(low), Some(high)) = (values.next(), values.next(), values.next()) else {
            return Err(refused("BETWEEN"));
        };
        let between = Expr::Between(Between { expr, negated, low, high });
        Ok(Transformed::yes(match bounds {
            Some(bounds) => between.and(bounds),
            None => between,
        }))
    }

    fn case(&self, case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let Case { expr, when_then_expr, else_expr } = case;
        let (whens, thens): (Vec<_>, Vec<_>) = when_then_expr.into_iter().map(|(when, then)| (*when, *then)).unzip();
        let has_else = else_expr.is_some();
        let mut results = self.alike(thens.into_iter().chain(else_expr.map(|other| *other)).collect(), schema)?;
        let else_expr = if has_else { results.pop().map(Box::new) } else { None };
        let mut tests = self.alike(expr.iter().map(|expr| expr.as_ref().clone()).chain(whens).collect(), schema)?;
        let expr = if expr.is_some() { Some(Box::new(tests.remove(0))) } else { None };
        let when_then_expr =
            tests.into_iter().zip(results).map(|(when, then)| (Box::new(when), Box::new(then))).collect();
        Ok(Transformed::yes(Expr::Case(Case { expr, when_then_expr, else_expr })))
    }

    fn sum(&self, binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let BinaryExpr { left, op, right } = binary;
        let name = match op {
            Operator::Plus => "timestamptz_plus",
            Operator::Minus => "timestamptz_minus",
            _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
        };
        match (kind_of(&left, schema), kind_of(&right, schema), op) {
            (Kind::Instant, Kind::Span, _) if !is_short(&right) => {
                Ok(Transformed::yes(self.call(name, vec![*left, *right])?))
            }
            (Kind::Span, Kind::Instant, Operator::Plus) if !is_short(&left) => {
                Ok(Transformed::yes(self.call(name, vec![*right, *left])?))
            }
            (Kind::Instant, Kind::Day | Kind::Local, Operator::Minus)
            | (Kind::Day | Kind::Local, Kind::Instant, Operator::Minus) => {
                let mut sides = self.alike(vec![*left, *right], schema)?.into_iter().map(Box::new);
                let (Some(left), Some(right)) = (sides.next(), sides.next()) else { return Err(refused("a sum")) };
                Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right })))
            }
            _ => Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
        }
    }

    fn function(&self, mut function: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let name = function.name().to_owned();
        if let Some(own) = self.functions.get(name.as_str())
            && *own != function.func
        {
            function.func = Arc::clone(own);
            return Ok(Transformed::yes(Expr::ScalarFunction(function)));
        }
        match name.as_str() {
            "format" | "quote_literal" | "quote_nullable" | "concat" | "concat_ws" => {
                self.shown(&mut function, "time_text", schema)?
            }
            "coalesce" | "greatest" | "least" | "nullif" => function.args = self.alike(function.args, schema)?,
            // A day is an instant to date_trunc, as in PostgreSQL; other zones' own function knows.
            "date_trunc" if self.is_utc() && kinds_of(&function, schema).as_slice() == [Kind::Text, Kind::Day] => {
                let day = function.args.remove(1);
                function.args.push(self.call("as_timestamptz", vec![day])?);
            }
            _ if self.is_utc() => return Ok(Transformed::no(Expr::ScalarFunction(function))),
            _ => return self.function_in_zone(&name, function, schema),
        }
        Ok(Transformed::yes(Expr::ScalarFunction(function)))
    }

    /// What only another zone than UTC changes. A type costs a walk over the whole argument: only rules that
    /// need it ask for it.
    fn function_in_zone(
        &self,
        name: &str,
        mut function: ScalarFunction,
        schema: &DFSchema,
    ) -> Result<Transformed<Expr>> {
        match name {
            // A constant at once, so that what it is compared with can be bounded.
            "current_date" => {
                let today = ScalarValue::Date32(Some(days_of(self.moment.local_now()?)?));
                Ok(Transformed::yes(Expr::Literal(today, None)))
            }
            "date_bin" => {
                let kinds = kinds_of(&function, schema);
                if kinds.get(1) != Some(&Kind::Instant) {
                    return Ok(Transformed::no(Expr::ScalarFunction(function)));
                }
                let mut arguments = function.args.into_iter();
                let stride = arguments.next().ok_or_else(|| refused("date_bin"))?;
                let fixed = matches!(&stride, Expr::ScalarFunction(inner) if inner.name() == "fixed_span");
                let stride = if fixed || kinds.first() == Some(&Kind::Text) {
                    stride
                } else {
                    self.call("fixed_span", vec![stride])?
                };
                let rest = self.alike(arguments.collect(), schema)?;
                function.args = std::iter::once(stride).chain(rest).collect();
                Ok(Transformed::yes(Expr::ScalarFunction(function)))
            }
            "to_local_time" | "generate_series" | "range" | "arrow_cast"
                if kinds_of(&function, schema).contains(&Kind::Instant) && !is_cast_to_utc(&function) =>
            {
                Err(refused(&format!("{name} of an instant")))
            }
            "to_unixtime" if kinds_of(&function, schema).first() == Some(&Kind::Text) => {
                Err(refused("to_unixtime of a text"))
            }
            _ => Ok(Transformed::no(Expr::ScalarFunction(function))),
        }
    }

    /// Arguments that a function would put into a text.
    fn shown(&self, function: &mut ScalarFunction, by: &str, schema: &DFSchema) -> Result<()> {
        for argument in &mut function.args {
            let kind = kind_of(argument, schema);
            if matches!(kind, Kind::Instant | Kind::Local) {
                *argument = self.call(by, vec![argument.clone()])?;
            } else if kind == Kind::Instants {
                return Err(refused("an array of instants in a text"));
            }
        }
        Ok(())
    }

    fn change_plan(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let mut schema = merge_schema(&plan.inputs());
        if let LogicalPlan::TableScan(scan) = &plan {
            schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
        }
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|expr| self.change(expr, &schema))?;
            Ok(changed.update_data(|expr| name.restore(expr)))
        })?
        .map_data(LogicalPlan::recompute_schema)
    }
}

impl FunctionRewrite for ZoneRules {
    fn name(&self) -> &'static str {
        "zone_rules"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        self.change(expr, schema)
    }
}

impl AnalyzerRule for ZoneRules {
    fn name(&self) -> &'static str {
        "zone_rules"
    }

    fn analyze(&self, plan: LogicalPlan, _options: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| self.change_plan(plan)).map(|changed| changed.data)
    }
}

/// Arguments of functions in FROM are folded before any rule runs: their sums are planned rightly at once.
impl ExprPlanner for ZoneRules {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match raw.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            _ => return Ok(PlannerResult::Original(raw)),
        };
        if self.is_utc() {
            return Ok(PlannerResult::Original(raw));
        }
        let binary = BinaryExpr { left: Box::new(raw.left.clone()), op, right: Box::new(raw.right.clone()) };
        let changed = self.sum(binary, schema)?;
        Ok(if changed.transformed { PlannerResult::Planned(changed.data) } else { PlannerResult::Original(raw) })
    }
}

/// What a type is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Instant,
    Instants,
    Local,
    Day,
    Clock,
    Span,
    Text,
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Timestamp(_, Some(_)) => Self::Instant,
            DataType::Timestamp(_, None) => Self::Local,
            DataType::Date32 | DataType::Date64 => Self::Day,
            DataType::Time32(_) | DataType::Time64(_) => Self::Clock,
            DataType::Interval(_) | DataType::Duration(_) => Self::Span,
            DataType::List(item) | DataType::LargeList(item) if Self::of(item.data_type()) == Self::Instant => {
                Self::Instants
            }
            text if text.is_string() => Self::Text,
            _ => Self::Other,
        }
    }
}

fn kind_of(expr: &Expr, schema: &DFSchema) -> Kind {
    expr.get_type(schema).map_or(Kind::Other, |data_type| Kind::of(&data_type))
}

fn kinds_of(function: &ScalarFunction, schema: &DFSchema) -> Vec<Kind> {
    function.args.iter().map(|argument| kind_of(argument, schema)).collect()
}

/// An expression as exactly this type.
fn as_type(expr: Expr, wanted: &DataType) -> Expr {
    let exact = match &expr {
        Expr::Literal(value, _) => &value.data_type() == wanted,
        Expr::ScalarFunction(call) => match call.name() {
            "as_date" => *wanted == SqlType::Date.arrow(),
            "as_time" => *wanted == SqlType::Time.arrow(),
            "as_timestamp" => *wanted == SqlType::Timestamp.arrow(),
            "as_timestamptz" => *wanted == SqlType::Timestamptz.arrow(),
            _ => *wanted == DataType::Utf8,
        },
        _ => false,
    };
    if exact { expr } else { Expr::Cast(Cast::new(Box::new(expr), wanted.clone())) }
}

/// A span that has no days or months, and so means the same in every zone.
fn is_short(span: &Expr) -> bool {
    match span {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), _) => span.months == 0 && span.days == 0,
        _ => false,
    }
}

/// `arrow_cast(instant, 'Timestamp(.., UTC)')` does not move it; the printer of fragments writes so.
fn is_cast_to_utc(function: &ScalarFunction) -> bool {
    function.name() == "arrow_cast" && function.args.get(1).and_then(literal_text).is_some_and(|to| to.contains("UTC"))
}

fn refuse_calendar_frame(window: &WindowFunction, schema: &DFSchema) -> Result<()> {
    let frame = &window.params.window_frame;
    let by_instant = window.params.order_by.iter().any(|key| kind_of(&key.expr, schema) == Kind::Instant);
    let has_days = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(span) | WindowFrameBound::Following(span) => match span {
            ScalarValue::IntervalMonthDayNano(Some(span)) => span.months != 0 || span.days != 0,
            span => {
                span.try_as_str().flatten().is_some()
                    || matches!(span.data_type(), DataType::Interval(_)) && !span.is_null()
            }
        },
        WindowFrameBound::CurrentRow => false,
    };
    if frame.units == WindowFrameUnits::Range
        && by_instant
        && (has_days(&frame.start_bound) || has_days(&frame.end_bound))
    {
        return Err(refused("RANGE with a span of days or months over instants"));
    }
    Ok(())
}

/// Instants whose day or truncation is compared with a constant, and where they can lie.
struct Limits {
    instant: Expr,
    /// No instant before it is of the constant's day or unit, whatever the zone.
    begin: i64,
    /// No instant at or after it is.
    end: i64,
}

/// `as_date(x)` or `date_trunc(unit, x)` beside a constant.
fn limits(value: &Expr, beside: &Expr) -> Option<Limits> {
    let Expr::ScalarFunction(call) = value else { return None };
    let (instant, start, length) = match (call.name(), call.args.as_slice(), beside) {
        ("as_date", [instant], Expr::Literal(ScalarValue::Date32(Some(days)), _)) => {
            (instant, i64::from(*days).checked_mul(DAY_US)?, DAY_US)
        }
        ("date_trunc", [unit, instant], Expr::Literal(ScalarValue::TimestampMicrosecond(Some(start), Some(_)), _)) => {
            (instant, *start, Unit::of_name(literal_text(unit)?)?.longest_us())
        }
        _ => return None,
    };
    matches!(instant, Expr::Column(_)).then_some(())?;
    let begin = start.checked_sub(ZONES_SPAN_US)?;
    let end = start.checked_add(length)?.checked_add(ZONES_SPAN_US)?;
    Some(Limits { instant: instant.clone(), begin, end })
}

impl Limits {
    /// A condition that holds wherever the comparison does, and that statistics can prune by.
    fn bounds(&self, operator: Operator) -> Option<Expr> {
        let least = self.instant.clone().gt_eq(Expr::Literal(constant(self.begin), None));
        let most = self.instant.clone().lt(Expr::Literal(constant(self.end), None));
        match operator {
            Operator::Eq => Some(least.and(most)),
            Operator::Lt | Operator::LtEq => Some(most),
            Operator::Gt | Operator::GtEq => Some(least),
            _ => None,
        }
    }
}

fn refused(what: &str) -> datafusion::error::DataFusionError {
    let text = format!("{what} is not supported with a TimeZone other than UTC");
    sql_error(Code::FeatureNotSupported, text)
}
