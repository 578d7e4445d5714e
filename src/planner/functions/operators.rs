//! Operators that need the types of their operands: arrays, JSON, addresses, identities, spans.
//!
//! Plugged into the engine's SQL planner. Each becomes a call of a function that owners have, too.
//! Operators over numbers, texts and instants stay the engine's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::events::{canonical_address, is_uuid};
use super::function::sql_error;
use super::json_value::Json;
use crate::planner::rewrite::array_literal;
use crate::types::{Code, SqlType};

/// The functions that operators become.
const FUNCTIONS: &[&str] = &[
    "array_append",
    "array_concat",
    "array_contains",
    "array_overlaps",
    "array_prepend",
    "as_uuid",
    "bytes_concat",
    "date_with_time",
    "inet_and",
    "inet_below",
    "inet_below_or_equal",
    "inet_distance",
    "inet_key",
    "inet_minus",
    "inet_or",
    "inet_overlaps",
    "inet_plus",
    "interval_of_time",
    "json_get",
    "json_get_path",
    "json_get_path_text",
    "json_get_text",
    "jsonb_concat",
    "jsonb_contains",
    "jsonb_delete",
    "jsonb_delete_keys",
    "jsonb_delete_path",
    "jsonb_exists",
    "jsonb_exists_all",
    "jsonb_exists_any",
    "jsonb_get",
    "jsonb_get_path",
    "jsonb_get_path_text",
    "jsonb_get_text",
    "jsonb_order",
    "jsonb_path_exists",
    "jsonb_path_holds",
    "text_concat",
    "time_difference",
    "time_minus",
    "time_plus",
    "uuid_text",
];

/// Plans the operators of this file.
#[derive(Debug)]
pub(super) struct OperatorPlanner {
    functions: BTreeMap<&'static str, Arc<ScalarUDF>>,
}

impl OperatorPlanner {
    /// With the functions that the session knows.
    pub(super) fn new(state: &SessionState) -> Result<Self> {
        let find = |name: &&'static str| state.udf(name).map(|function| (*name, function));
        Ok(Self { functions: FUNCTIONS.iter().map(find).collect::<Result<_>>()? })
    }

    fn call(&self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let function = self
            .functions
            .get(name)
            .ok_or_else(|| sql_error(Code::Internal, format!("the operator function {name} is missing")))?;
        Ok(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), arguments)))
    }
}

/// What an operand is to the operators of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Jsonb,
    Inet,
    List,
    Bytes,
    Span,
    Clock,
    Day,
    Moment,
    Number,
    Text,
    Other,
}

fn kind_of(field: &FieldRef) -> Kind {
    use DataType::{Date32, Date64, Duration, Interval, LargeList, List, Time32, Time64, Timestamp};
    match SqlType::of_field(field) {
        SqlType::Json => return Kind::Json,
        SqlType::Jsonb => return Kind::Jsonb,
        SqlType::Inet | SqlType::Cidr => return Kind::Inet,
        _ => {}
    }
    match field.data_type() {
        List(_) | LargeList(_) => Kind::List,
        Interval(_) | Duration(_) => Kind::Span,
        Time32(_) | Time64(_) => Kind::Clock,
        Date32 | Date64 => Kind::Day,
        Timestamp(..) => Kind::Moment,
        data_type if data_type.is_string() => Kind::Text,
        data_type if data_type.is_numeric() => Kind::Number,
        data_type if data_type.is_binary() => Kind::Bytes,
        _ => Kind::Other,
    }
}

impl ExprPlanner for OperatorPlanner {
    fn plan_binary_op(&self, mut raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if let BinaryOperator::Custom(symbol) = &raw.op
            && let Some(plain) = hidden_operator(symbol)
        {
            raw.op = plain;
        }
        let (Ok((_, left)), Ok((_, right))) = (raw.left.to_field(schema), raw.right.to_field(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        let kinds = (kind_of(&left), kind_of(&right));
        let planned = match kinds {
            (Kind::Json | Kind::Jsonb, _) | (_, Kind::Jsonb) => self.json(&raw, kinds)?,
            (Kind::Text, _) if is_json_access(&raw.op) => self.json(&raw, (Kind::Jsonb, kinds.1))?,
            (Kind::List, _) | (_, Kind::List) => self.lists(&raw, &left, &right)?,
            (Kind::Inet, _) | (_, Kind::Inet) => self.addresses(&raw, kinds)?,
            _ => None,
        };
        let planned = match planned {
            Some(planned) => Some(planned),
            None => self.spans(&raw, kinds)?,
        };
        if let Some(planned) = planned {
            return Ok(PlannerResult::Planned(planned));
        }
        if !is_comparison(&raw.op) {
            return Ok(PlannerResult::Original(raw));
        }
        // An identity in a fragment is plain bytes: both sides are of one type already.
        if is_uuid(&left) != is_uuid(&right) && left.data_type() != right.data_type() {
            return Ok(PlannerResult::Original(self.compare_uuid(raw, &left, &right)?));
        }
        if let Some(rewritten) = compare_list(&raw, &left, &right) {
            return Ok(PlannerResult::Original(rewritten));
        }
        if kinds.0 == Kind::Inet || kinds.1 == Kind::Inet {
            return Ok(PlannerResult::Original(self.compare_inet(raw)?));
        }
        Ok(PlannerResult::Original(raw))
    }
}

/// Operators that the rewrite hides from the engine's own planner of arrays, which is asked first.
fn hidden_operator(symbol: &str) -> Option<BinaryOperator> {
    Some(match symbol {
        "||" => BinaryOperator::StringConcat,
        "@>" => BinaryOperator::AtArrow,
        "<@" => BinaryOperator::ArrowAt,
        _ => return None,
    })
}

fn is_jsonb(side: &Expr, kind: Kind) -> bool {
    kind == Kind::Jsonb || (kind == Kind::Text && literal_text(side).is_some())
}

fn is_json_access(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{Arrow, HashArrow, HashLongArrow, LongArrow, Question, QuestionAnd, QuestionPipe};
    matches!(operator, Arrow | HashArrow | HashLongArrow | LongArrow | Question | QuestionAnd | QuestionPipe)
}

impl OperatorPlanner {
    fn json(&self, raw: &RawBinaryExpr, kinds: (Kind, Kind)) -> Result<Option<Expr>> {
        use BinaryOperator as Op;
        let plain = kinds.0 == Kind::Json;
        let both = || vec![raw.left.clone(), raw.right.clone()];
        let turned = || vec![raw.right.clone(), raw.left.clone()];
        let named = |json: &'static str, jsonb: &'static str| if plain { json } else { jsonb };
        let name = match raw.op {
            Op::Arrow => named("json_get", "jsonb_get"),
            Op::LongArrow => named("json_get_text", "jsonb_get_text"),
            Op::HashArrow => named("json_get_path", "jsonb_get_path"),
            Op::HashLongArrow => named("json_get_path_text", "jsonb_get_path_text"),
            _ if plain => return Ok(None),
            Op::AtArrow => "jsonb_contains",
            Op::ArrowAt => return self.call("jsonb_contains", turned()).map(Some),
            Op::Question => "jsonb_exists",
            Op::QuestionPipe => "jsonb_exists_any",
            Op::QuestionAnd => "jsonb_exists_all",
            // A written text beside jsonb is jsonb.
            Op::StringConcat if is_jsonb(&raw.left, kinds.0) && is_jsonb(&raw.right, kinds.1) => "jsonb_concat",
            Op::Minus if kinds.1 == Kind::List => "jsonb_delete_keys",
            Op::Minus => "jsonb_delete",
            Op::HashMinus => "jsonb_delete_path",
            Op::AtQuestion => "jsonb_path_exists",
            Op::AtAt => "jsonb_path_holds",
            ref op if is_comparison(op) => return self.compare_jsonb(raw).map(Some),
            _ => return Ok(None),
        };
        self.call(name, both()).map(Some)
    }

    /// Equality with a constant compares the one spelling, unless numbers in it have several.
    fn compare_jsonb(&self, raw: &RawBinaryExpr) -> Result<Expr> {
        let spelled = |side: &Expr| -> Result<Expr> {
            match literal_text(side) {
                Some(text) => Ok(lit(Json::read(text)?.text())),
                None => Ok(side.clone()),
            }
        };
        let order = self.call("jsonb_order", vec![spelled(&raw.left)?, spelled(&raw.right)?])?;
        let zero = lit(0_i32);
        Ok(match raw.op {
            BinaryOperator::Eq => order.eq(zero),
            BinaryOperator::NotEq => order.not_eq(zero),
            BinaryOperator::Lt => order.lt(zero),
            BinaryOperator::LtEq => order.lt_eq(zero),
            BinaryOperator::Gt => order.gt(zero),
            _ => order.gt_eq(zero),
        })
    }

    fn lists(&self, raw: &RawBinaryExpr, left: &FieldRef, right: &FieldRef) -> Result<Option<Expr>> {
        // A text beside an array spells one, and NULL is one.
        let rewritten = compare_list(raw, left, right);
        let (one, other) = match &rewritten {
            Some(raw) => (raw.left.clone(), raw.right.clone()),
            None => (raw.left.clone(), raw.right.clone()),
        };
        let is_list = |field: &FieldRef| matches!(field.data_type(), DataType::List(_) | DataType::LargeList(_));
        let lists = rewritten.is_some() || (is_list(left) && is_list(right));
        let planned = match raw.op {
            BinaryOperator::AtArrow if lists => self.call("array_contains", vec![one, other])?,
            BinaryOperator::ArrowAt if lists => self.call("array_contains", vec![other, one])?,
            BinaryOperator::PGOverlap if lists => self.call("array_overlaps", vec![one, other])?,
            BinaryOperator::StringConcat if left.data_type().is_null() => other,
            BinaryOperator::StringConcat if right.data_type().is_null() => one,
            // A written text is an array, as the other side is.
            BinaryOperator::StringConcat if literal_text(&one).is_some() => {
                self.call("array_concat", vec![Expr::Cast(Cast::new(Box::new(one), right.data_type().clone())), other])?
            }
            BinaryOperator::StringConcat if literal_text(&other).is_some() => {
                self.call("array_concat", vec![one, Expr::Cast(Cast::new(Box::new(other), left.data_type().clone()))])?
            }
            BinaryOperator::StringConcat if lists => self.call("array_concat", vec![one, other])?,
            BinaryOperator::StringConcat if is_list(left) => self.call("array_append", vec![one, other])?,
            BinaryOperator::StringConcat => self.call("array_prepend", vec![one, other])?,
            _ => return Ok(None),
        };
        Ok(Some(planned))
    }

    fn addresses(&self, raw: &RawBinaryExpr, kinds: (Kind, Kind)) -> Result<Option<Expr>> {
        use BinaryOperator as Op;
        let both = || vec![raw.left.clone(), raw.right.clone()];
        let turned = || vec![raw.right.clone(), raw.left.clone()];
        let symbol = match &raw.op {
            Op::Custom(symbol) => symbol.as_str(),
            Op::PGCustomBinaryOperator(parts) => parts.last().map_or("", String::as_str),
            Op::PGBitwiseShiftLeft => "<<",
            Op::PGBitwiseShiftRight => ">>",
            _ => "",
        };
        let planned = match (symbol, &raw.op) {
            ("<<", _) => self.call("inet_below", both())?,
            (">>", _) => self.call("inet_below", turned())?,
            ("<<=", _) => self.call("inet_below_or_equal", both())?,
            (">>=", _) => self.call("inet_below_or_equal", turned())?,
            (_, Op::PGOverlap) => self.call("inet_overlaps", both())?,
            (_, Op::BitwiseAnd) => self.call("inet_and", both())?,
            (_, Op::BitwiseOr) => self.call("inet_or", both())?,
            (_, Op::Plus) if kinds.1 == Kind::Number => self.call("inet_plus", both())?,
            (_, Op::Plus) if kinds.0 == Kind::Number => self.call("inet_plus", turned())?,
            (_, Op::Minus) if kinds.1 == Kind::Number => self.call("inet_minus", both())?,
            (_, Op::Minus) => self.call("inet_distance", both())?,
            _ => return Ok(None),
        };
        Ok(Some(planned))
    }

    /// Sums of spans, times and days, and texts of other values.
    fn spans(&self, raw: &RawBinaryExpr, kinds: (Kind, Kind)) -> Result<Option<Expr>> {
        use BinaryOperator as Op;
        let (left, right) = (raw.left.clone(), raw.right.clone());
        let local = |day: Expr| Expr::Cast(Cast::new(Box::new(day), SqlType::Timestamp.arrow()));
        let sum = |left: Expr, right: Expr| if raw.op == Op::Plus { left + right } else { left - right };
        let planned = match (&raw.op, kinds) {
            (Op::Plus, (Kind::Clock, Kind::Clock)) => {
                let text = "operator is not unique: time without time zone + time without time zone";
                return Err(sql_error(Code::AmbiguousFunction, text));
            }
            (Op::Minus, (Kind::Clock, Kind::Clock)) => self.call("time_difference", vec![left, right])?,
            (Op::Plus, (Kind::Clock, Kind::Span)) => self.call("time_plus", vec![left, right])?,
            (Op::Plus, (Kind::Span, Kind::Clock)) => self.call("time_plus", vec![right, left])?,
            (Op::Minus, (Kind::Clock, Kind::Span)) => self.call("time_minus", vec![left, right])?,
            (Op::Plus, (Kind::Day, Kind::Clock)) => self.call("date_with_time", vec![left, right])?,
            (Op::Plus, (Kind::Clock, Kind::Day)) => self.call("date_with_time", vec![right, left])?,
            (Op::Plus | Op::Minus, (Kind::Moment, Kind::Clock)) => {
                let span = self.call("interval_of_time", vec![right])?;
                sum(left, span)
            }
            (Op::Plus | Op::Minus, (Kind::Day, Kind::Span)) => sum(local(left), right),
            (Op::Plus, (Kind::Span, Kind::Day)) => local(right) + left,
            (Op::StringConcat, (Kind::Bytes, Kind::Bytes)) => self.call("bytes_concat", vec![left, right])?,
            (Op::StringConcat, (Kind::Text, Kind::Inet) | (Kind::Inet, Kind::Text)) => {
                // As a cast shows it: with its prefix.
                let [left, right] = [(left, kinds.0), (right, kinds.1)].map(|(side, kind)| match kind {
                    Kind::Inet => Expr::Cast(Cast::new(Box::new(side), DataType::Utf8)),
                    _ => side,
                });
                self.call("text_concat", vec![left, right])?
            }
            (Op::StringConcat, (Kind::Text, other) | (other, Kind::Text)) if other != Kind::Text => {
                if matches!(other, Kind::Moment | Kind::Json | Kind::Jsonb | Kind::Other) {
                    return Ok(None);
                }
                self.call("text_concat", vec![left, right])?
            }
            _ => return Ok(None),
        };
        Ok(Some(planned))
    }

    /// A text beside a uuid is read as one; anything else is compared as text.
    fn compare_uuid(&self, mut raw: RawBinaryExpr, left: &FieldRef, right: &FieldRef) -> Result<RawBinaryExpr> {
        let is_parameter = |expr: &Expr| matches!(expr, Expr::Placeholder(_));
        let has_text =
            is_text_field(left) || is_text_field(right) || is_parameter(&raw.left) || is_parameter(&raw.right);
        for (side, field) in [(&mut raw.left, left), (&mut raw.right, right)] {
            // A parameter is a text or an identity, as the client sends it; as_uuid takes both.
            if !is_uuid(field) && (is_text_field(field) || is_parameter(side)) {
                *side = self.call("as_uuid", vec![side.clone()])?;
            } else if is_uuid(field) && !has_text {
                *side = self.call("uuid_text", vec![side.clone()])?;
            }
        }
        Ok(raw)
    }

    /// Equality compares the one spelling, so that statistics can prune; order needs a key.
    fn compare_inet(&self, mut raw: RawBinaryExpr) -> Result<RawBinaryExpr> {
        let equality = matches!(raw.op, BinaryOperator::Eq | BinaryOperator::NotEq);
        for side in [&mut raw.left, &mut raw.right] {
            if let Some(spelling) = literal_text(side).and_then(canonical_address) {
                *side = lit(spelling);
            }
            if !equality {
                *side = self.call("inet_key", vec![side.clone()])?;
            }
        }
        Ok(raw)
    }
}

/// `array = '{a,b}'`: the literal is an array of the same kind.
fn compare_list(raw: &RawBinaryExpr, left: &FieldRef, right: &FieldRef) -> Option<RawBinaryExpr> {
    let mut rewritten = raw.clone();
    let read = |expr: &Expr, other: &FieldRef| -> Option<Expr> {
        let DataType::List(item) = other.data_type() else { return None };
        let elements = array_literal(literal_text(expr)?)?;
        let texts: Vec<ScalarValue> = elements.into_iter().map(ScalarValue::Utf8).collect();
        let list = ScalarValue::List(ScalarValue::new_list(&texts, &DataType::Utf8, true));
        let wanted = DataType::List(Arc::clone(item));
        list.cast_to(&wanted).ok().map(|list| Expr::Literal(list, None))
    };
    if let Some(list) = read(&raw.right, left) {
        rewritten.right = list;
        return Some(rewritten);
    }
    rewritten.left = read(&raw.left, right)?;
    Some(rewritten)
}

fn is_text_field(field: &FieldRef) -> bool {
    matches!(field.data_type(), DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

fn is_comparison(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => Some(text),
        _ => None,
    }
}
