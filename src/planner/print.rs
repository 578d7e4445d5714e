//! Prints an optimised expression as SQL that an owner parses back to the same expression.
//!
//! Every literal carries its type, so that an owner whose planner would guess otherwise cannot. What
//! cannot be printed exactly gives none; such an expression stays on the coordinator. The engine's own
//! unparser is not used: it prints a timestamptz literal without its zone and renames columns.

use chrono::Datelike;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{AggregateFunction, Case, InList, Like, Sort};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, Volatility};

use super::functions::symbol;
use crate::catalog::{quote_for_engine, quote_literal};

/// Deepest nesting that is printed; an owner's parser takes up to 50 levels, of which one of ours may need three.
const NESTING_MAX: usize = 13;

/// Functions whose bare names an owner's parser reads as syntax of their own.
const SPELLED: &[&str] = &["extract", "overlay", "position", "substr", "substring", "trim"];

/// Prints expressions over the columns of one table.
#[derive(Clone, Copy)]
pub(super) struct Printer<'a> {
    /// Whether owners have a scalar function of this name.
    pub(super) owners_have: &'a dyn Fn(&str) -> bool,
}

impl Printer<'_> {
    /// The expression as SQL; none when owners could not evaluate exactly the same.
    pub(super) fn print(&self, expr: &Expr) -> Option<String> {
        (nesting(expr) <= NESTING_MAX).then(|| self.text(expr))?
    }

    fn text(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Alias(alias) => self.text(&alias.expr),
            Expr::Column(column) => Some(quote_for_engine(&column.name)),
            Expr::Literal(value, _) => literal(value),
            Expr::BinaryExpr(binary) => self.binary(binary),
            Expr::Not(inner) => Some(format!("NOT ({})", self.text(inner)?)),
            Expr::Negative(inner) => Some(format!("(- {})", self.operand(inner)?)),
            Expr::IsNull(inner) => self.suffixed(inner, "IS NULL"),
            Expr::IsNotNull(inner) => self.suffixed(inner, "IS NOT NULL"),
            Expr::IsTrue(inner) => self.suffixed(inner, "IS TRUE"),
            Expr::IsFalse(inner) => self.suffixed(inner, "IS FALSE"),
            Expr::IsUnknown(inner) => self.suffixed(inner, "IS UNKNOWN"),
            Expr::IsNotTrue(inner) => self.suffixed(inner, "IS NOT TRUE"),
            Expr::IsNotFalse(inner) => self.suffixed(inner, "IS NOT FALSE"),
            Expr::IsNotUnknown(inner) => self.suffixed(inner, "IS NOT UNKNOWN"),
            Expr::Like(like) => self.like(like),
            Expr::Between(between) => {
                let not = if between.negated { "NOT " } else { "" };
                let (low, high) = (self.operand(&between.low)?, self.operand(&between.high)?);
                Some(format!("{} {not}BETWEEN {low} AND {high}", self.operand(&between.expr)?))
            }
            Expr::Case(case) => self.case(case),
            Expr::Cast(cast) => Some(cast_text("CAST", &self.text(&cast.expr)?, cast.field.data_type())),
            Expr::TryCast(cast) => sql_type_name(cast.field.data_type())
                .and_then(|name| Some(format!("TRY_CAST({} AS {name})", self.text(&cast.expr)?))),
            Expr::InList(list) => self.in_list(list),
            Expr::ScalarFunction(call) => {
                if let Some((symbol, left, right)) = arithmetic(expr) {
                    return self.arithmetic(symbol, left, right);
                }
                let known = (self.owners_have)(call.func.name());
                let steady = call.func.signature().volatility != Volatility::Volatile;
                (known && steady).then_some(())?;
                let name = call.func.name();
                let name = if SPELLED.contains(&name) { format!("\"{name}\"") } else { quote_for_engine(name) };
                Some(format!("{name}({})", self.list(&call.args)?))
            }
            Expr::AggregateFunction(call) => self.aggregate(call),
            _ => None,
        }
    }

    /// One key of an ORDER BY.
    pub(super) fn sort_key(&self, sort: &Sort) -> Option<String> {
        let direction = if sort.asc { "ASC" } else { "DESC" };
        let nulls = if sort.nulls_first { "FIRST" } else { "LAST" };
        Some(format!("{} {direction} NULLS {nulls}", self.print(&sort.expr)?))
    }

    fn aggregate(&self, call: &AggregateFunction) -> Option<String> {
        let distinct = if call.params.distinct { "DISTINCT " } else { "" };
        let all_rows = call.func.name() == "count"
            && !call.params.distinct
            && matches!(call.params.args.as_slice(), [Expr::Literal(ScalarValue::Int64(Some(1)), _)]);
        let arguments = if all_rows { "*".to_owned() } else { self.list(&call.params.args)? };
        let filter = match &call.params.filter {
            Some(filter) => format!(" FILTER (WHERE {})", self.text(filter)?),
            None => String::new(),
        };
        (call.params.order_by.is_empty() && call.params.null_treatment.is_none()).then_some(())?;
        Some(format!("{}({distinct}{arguments}){filter}", quote_for_engine(call.func.name())))
    }

    fn binary(&self, binary: &BinaryExpr) -> Option<String> {
        let (left, right) = joins(binary);
        let side = |side: &Expr, bare: bool| if bare { self.text(side) } else { self.operand(side) };
        let operator = match binary.op {
            Operator::LikeMatch
            | Operator::ILikeMatch
            | Operator::NotLikeMatch
            | Operator::NotILikeMatch
            | Operator::Question
            | Operator::QuestionAnd
            | Operator::QuestionPipe
            | Operator::IntegerDivide
            | Operator::HashArrow
            | Operator::HashLongArrow
            | Operator::AtAt
            | Operator::HashMinus
            | Operator::Arrow
            | Operator::LongArrow
            | Operator::AtQuestion
            | Operator::Colon => return None,
            Operator::BitwiseXor => "#".to_owned(),
            ref other => other.to_string(),
        };
        let text = format!("{} {operator} {}", side(&binary.left, left)?, side(&binary.right, right)?);
        // The parser takes all that follows IS DISTINCT FROM, an AND too, for its right side.
        let greedy = matches!(binary.op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
        Some(if greedy { format!("({text})") } else { text })
    }

    fn arithmetic(&self, symbol: &str, left: &Expr, right: &Expr) -> Option<String> {
        let left = if continues(left, symbol) { self.text(left)? } else { self.operand(left)? };
        Some(format!("{left} {symbol} {}", self.operand(right)?))
    }

    /// An operand: in parentheses unless it binds tightly by itself.
    fn operand(&self, expr: &Expr) -> Option<String> {
        let text = self.text(expr)?;
        let tight = match expr {
            Expr::Alias(alias) => return self.operand(&alias.expr),
            Expr::ScalarFunction(_) if arithmetic(expr).is_some() => false,
            Expr::Column(_)
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::ScalarFunction(_)
            | Expr::Negative(_)
            | Expr::AggregateFunction(_) => true,
            Expr::Literal(_, _) => !text.starts_with('-'),
            _ => false,
        };
        Some(if tight { text } else { format!("({text})") })
    }

    fn suffixed(&self, inner: &Expr, suffix: &str) -> Option<String> {
        Some(format!("{} {suffix}", self.operand(inner)?))
    }

    fn like(&self, like: &Like) -> Option<String> {
        let not = if like.negated { "NOT " } else { "" };
        let operator = if like.case_insensitive { "ILIKE" } else { "LIKE" };
        let escape = match like.escape_char {
            Some(character) => format!(" ESCAPE {}", quote_literal(&character.to_string())),
            None => String::new(),
        };
        Some(format!("{} {not}{operator} {}{escape}", self.operand(&like.expr)?, self.operand(&like.pattern)?))
    }

    fn case(&self, case: &Case) -> Option<String> {
        let mut text = String::from("CASE");
        if let Some(subject) = &case.expr {
            text += &format!(" {}", self.operand(subject)?);
        }
        for (when, then) in &case.when_then_expr {
            text += &format!(" WHEN {} THEN {}", self.text(when)?, self.text(then)?);
        }
        if let Some(otherwise) = &case.else_expr {
            text += &format!(" ELSE {}", self.text(otherwise)?);
        }
        Some(text + " END")
    }

    fn in_list(&self, list: &InList) -> Option<String> {
        let not = if list.negated { "NOT " } else { "" };
        Some(format!("{} {not}IN ({})", self.operand(&list.expr)?, self.list(&list.list)?))
    }

    fn list(&self, list: &[Expr]) -> Option<String> {
        let items: Option<Vec<String>> = list.iter().map(|item| self.text(item)).collect();
        Some(items?.join(", "))
    }
}

/// Which sides of an operator need no parentheses because they are the same operator: AND and OR in a row,
/// and what is read from left to right anyway. Long chains must not nest deeply.
fn joins(binary: &BinaryExpr) -> (bool, bool) {
    let same = |side: &Expr| matches!(side, Expr::BinaryExpr(inner) if inner.op == binary.op);
    match binary.op {
        Operator::And | Operator::Or => (same(&binary.left), same(&binary.right)),
        Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::StringConcat => {
            (same(&binary.left), false)
        }
        _ => (false, false),
    }
}

/// An operator between numbers, which the planner keeps as a function: its symbol and operands.
fn arithmetic(expr: &Expr) -> Option<(&'static str, &Expr, &Expr)> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    Some((symbol(call.func.name())?, left, right))
}

/// Whether an operator may follow this left operand without parentheses: it is the same operator.
fn continues(left: &Expr, symbol: &str) -> bool {
    symbol != "%" && arithmetic(left).is_some_and(|(inner, ..)| inner == symbol)
}

/// How deeply the text of an expression nests, as the parser counts.
fn nesting(expr: &Expr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(expr, 1)];
    while let Some((expr, depth)) = open.pop() {
        deepest = deepest.max(depth);
        if let Expr::BinaryExpr(binary) = expr {
            let (left, right) = joins(binary);
            open.push((&binary.left, if left { depth } else { depth + 1 }));
            open.push((&binary.right, if right { depth } else { depth + 1 }));
            continue;
        }
        if let Some((symbol, left, right)) = arithmetic(expr) {
            open.push((left, if continues(left, symbol) { depth } else { depth + 1 }));
            open.push((right, depth + 1));
            continue;
        }
        let _ = expr.apply_children(|child| {
            open.push((child, depth + 1));
            Ok(TreeNodeRecursion::Continue)
        });
    }
    deepest
}

/// A literal that reads back as the same value of the same type.
fn literal(value: &ScalarValue) -> Option<String> {
    let data_type = value.data_type();
    if value.is_null() {
        return Some(cast_text("CAST", "NULL", &data_type));
    }
    let cast = |text: String| Some(cast_text("CAST", &text, &data_type));
    match value {
        ScalarValue::Boolean(Some(value)) => Some(value.to_string()),
        ScalarValue::Int64(Some(value)) if *value != i64::MIN => Some(value.to_string()),
        ScalarValue::Int8(_)
        | ScalarValue::Int16(_)
        | ScalarValue::Int32(_)
        | ScalarValue::Int64(_)
        | ScalarValue::UInt8(_)
        | ScalarValue::UInt16(_)
        | ScalarValue::UInt32(_)
        | ScalarValue::UInt64(_)
        | ScalarValue::Float32(_)
        | ScalarValue::Float64(_)
        | ScalarValue::Date32(_)
        | ScalarValue::Decimal128(..) => cast(quote_literal(&scalar_text(value)?)),
        ScalarValue::Utf8(Some(text)) => Some(quote_literal(text)),
        ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => cast(quote_literal(text)),
        ScalarValue::TimestampMicrosecond(Some(micros), zone) => {
            let instant = chrono::DateTime::from_timestamp_micros(*micros).filter(has_plain_year);
            let offset = if zone.is_some() { "+00:00" } else { "" };
            let Some(instant) = instant else {
                return Some(arrow_cast(&literal(&ScalarValue::Int64(Some(*micros)))?, &data_type));
            };
            cast(quote_literal(&format!("{}{offset}", instant.format("%Y-%m-%d %H:%M:%S%.6f"))))
        }
        ScalarValue::TimestampNanosecond(Some(nanos), zone) => {
            let instant = chrono::DateTime::from_timestamp_nanos(*nanos);
            let offset = if zone.is_some() { "+00:00" } else { "" };
            cast(quote_literal(&format!("{}{offset}", instant.format("%Y-%m-%d %H:%M:%S%.9f"))))
        }
        ScalarValue::IntervalMonthDayNano(Some(span)) => {
            Some(format!("INTERVAL '{} months {} days {} nanoseconds'", span.months, span.days, span.nanoseconds))
        }
        ScalarValue::DurationMicrosecond(Some(count)) => cast(count.to_string()),
        ScalarValue::FixedSizeBinary(_, Some(bytes)) | ScalarValue::Binary(Some(bytes)) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            cast(format!("X'{hex}'"))
        }
        ScalarValue::List(list) => {
            let items = list.value(0);
            let items: Option<Vec<String>> = (0..items.len())
                .map(|index| ScalarValue::try_from_array(&items, index).ok().and_then(|item| literal(&item)))
                .collect();
            cast(format!("make_array({})", items?.join(", ")))
        }
        ScalarValue::Dictionary(_, value) => literal(value),
        _ => None,
    }
}

fn scalar_text(value: &ScalarValue) -> Option<String> {
    let text = value.cast_to(&DataType::Utf8).ok()?;
    match text {
        ScalarValue::Utf8(text) => text,
        _ => None,
    }
}

/// `CAST(text AS type)`; types without an SQL name go through the engine's `arrow_cast`.
fn cast_text(keyword: &str, text: &str, data_type: &DataType) -> String {
    match sql_type_name(data_type) {
        Some(name) => format!("{keyword}({text} AS {name})"),
        None => arrow_cast(text, data_type),
    }
}

fn arrow_cast(text: &str, data_type: &DataType) -> String {
    format!("arrow_cast({text}, {})", quote_literal(&data_type.to_string()))
}

/// Whether the year has four digits; parsers do not agree on others.
fn has_plain_year(instant: &chrono::DateTime<chrono::Utc>) -> bool {
    (1..=9999).contains(&instant.year())
}

/// The SQL name that the owner's parser reads as exactly this Arrow type.
fn sql_type_name(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Float32 => "REAL".to_owned(),
        DataType::Float64 => "DOUBLE PRECISION".to_owned(),
        DataType::Utf8 => "TEXT".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Decimal128(precision, scale) if *scale >= 0 => format!("DECIMAL({precision}, {scale})"),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            "TIMESTAMP(6) WITH TIME ZONE".to_owned()
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => "TIMESTAMP(6)".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::arrow::datatypes::IntervalMonthDayNano;
    use datafusion::common::ScalarValue;
    use datafusion::physical_plan::collect;
    use proptest::prelude::*;

    use super::literal;
    use crate::execution::{Engine, EngineConfig, StatementCatalog};
    use crate::planner::functions::OF_OWNERS;
    use crate::types::FragmentSettings;

    /// The value that an owner gets when it parses and evaluates the text.
    fn evaluate(text: &str) -> ScalarValue {
        let engine = Engine::new(&EngineConfig::default(), OF_OWNERS).expect("engine");
        let tables = StatementCatalog::new("kubearmor", BTreeMap::new());
        let session = engine.session(tables, &FragmentSettings::default()).expect("session");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let batches = runtime.block_on(async {
            let dialect = datafusion::config::Dialect::PostgreSQL;
            let statement = session.sql_to_statement(&format!("SELECT {text} AS v"), &dialect).expect(text);
            let plan = session.statement_to_plan(statement).await.expect(text);
            let plan = session.create_physical_plan(&plan).await.expect(text);
            collect(plan, session.task_ctx()).await.expect(text)
        });
        ScalarValue::try_from_array(batches[0].column(0), 0).expect("one value")
    }

    fn check(value: &ScalarValue) {
        let text = literal(value).unwrap_or_else(|| panic!("{value:?} does not print"));
        assert_eq!(&evaluate(&text), value, "{text}");
    }

    #[test]
    fn literals_of_every_type_read_back_as_themselves() {
        let utc = || Some("UTC".into());
        for value in [
            ScalarValue::Boolean(Some(true)),
            ScalarValue::Boolean(None),
            ScalarValue::Int8(Some(-5)),
            ScalarValue::Int16(Some(i16::MIN)),
            ScalarValue::Int32(Some(7)),
            ScalarValue::Int64(Some(i64::MIN)),
            ScalarValue::UInt64(Some(u64::MAX)),
            ScalarValue::Float32(Some(0.1)),
            ScalarValue::Float64(Some(1e300)),
            ScalarValue::Float64(Some(f64::INFINITY)),
            ScalarValue::Decimal128(Some(-12_345), 10, 2),
            ScalarValue::from("it's"),
            ScalarValue::Utf8(None),
            ScalarValue::Utf8View(Some("view".to_owned())),
            ScalarValue::TimestampMicrosecond(Some(1_700_000_000_123_456), utc()),
            ScalarValue::TimestampMicrosecond(Some(-1), None),
            ScalarValue::TimestampNanosecond(Some(1_700_000_000_123_456_789), utc()),
            ScalarValue::Date32(Some(20_000)),
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(-3, 4, -5_000_000_001))),
            ScalarValue::FixedSizeBinary(16, Some((0..16).collect())),
            ScalarValue::Binary(Some(vec![0, 255])),
        ] {
            check(&value);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn any_text_and_number_reads_back(text in "\\PC{0,40}", float in any::<f64>(), micros in any::<i64>()) {
            check(&ScalarValue::from(text));
            if !float.is_nan() {
                check(&ScalarValue::Float64(Some(float)));
            }
            for micros in [micros, micros / 100, micros / 10_000] {
                check(&ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
                check(&ScalarValue::TimestampMicrosecond(Some(micros), None));
            }
        }
    }
}
