//! now(), current_date and their kin: the statement's moment; texts read as instants.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::calendar::{DAY_US, days_of, out_of_range};
use super::function::sql_error;
use super::instants::{DateOrder, Reading, instant_of, local_of};
use crate::types::{Code, FragmentSettings, SqlType, Zone};

/// What instants depend on: the session's zone and the statement's moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Moment {
    pub(super) zone: Zone,
    pub(super) now_us: i64,
    /// DateStyle is ISO: the only one in which instants can be cast to text.
    pub(super) style: TextStyle,
    /// How spans look when an expression casts them to text: only in the style `postgres`.
    pub(super) span_style: TextStyle,
    /// The order that DateStyle has for day, month and year.
    pub(super) order: DateOrder,
}

/// How instants look when an expression casts them to text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TextStyle {
    /// `2025-12-08 19:00:00+01`, `1 day 02:03:04`.
    Iso,
    /// One that expressions do not know.
    Other,
}

impl Moment {
    /// The moment of a statement; an unknown zone is an error, never another zone.
    pub(super) fn of(settings: &FragmentSettings) -> Result<Self> {
        let zone = Zone::of_engine_name(&settings.time_zone).ok_or_else(|| unknown_zone(&settings.time_zone))?;
        let iso = settings.date_style.trim_start().get(..3).is_some_and(|style| style.eq_ignore_ascii_case("iso"));
        let order = DateOrder::of_style(&settings.date_style);
        let style = |is_known: bool| if is_known { TextStyle::Iso } else { TextStyle::Other };
        let span_style = style(settings.interval_style.eq_ignore_ascii_case("postgres"));
        Ok(Self { zone, now_us: settings.now_us, style: style(iso), span_style, order })
    }

    fn reading(&self) -> Reading<'_> {
        Reading { zone: &self.zone, now_us: self.now_us, order: self.order }
    }

    /// A text as an instant.
    pub(super) fn read(&self, text: &str) -> Result<i64> {
        instant_of(text, self.reading()).ok_or_else(|| wrong(text, SqlType::Timestamptz))
    }

    /// A text as a local time.
    pub(super) fn read_local(&self, text: &str) -> Result<i64> {
        local_of(text, self.reading()).ok_or_else(|| wrong(text, SqlType::Timestamp))
    }

    /// A text as a day.
    pub(super) fn read_date(&self, text: &str) -> Result<i32> {
        days_of(local_of(text, self.reading()).ok_or_else(|| wrong(text, SqlType::Date))?)
    }

    /// The statement's moment in the session's zone.
    pub(super) fn local_now(&self) -> Result<i64> {
        self.zone.local_us(self.now_us).ok_or_else(out_of_range)
    }
}

/// The error for a name that is no zone.
pub(super) fn unknown_zone(name: &str) -> DataFusionError {
    let shown: String = name.chars().take(60).collect();
    sql_error(Code::InvalidParameterValue, format!("time zone \"{shown}\" not recognized"))
}

fn wrong(text: &str, wanted: SqlType) -> DataFusionError {
    let shown: String = text.chars().take(60).collect();
    let name = match wanted {
        SqlType::Date => "date",
        SqlType::Timestamp => "timestamp",
        _ => "timestamp with time zone",
    };
    if matches!(text.trim().to_ascii_lowercase().as_str(), "infinity" | "-infinity" | "+infinity") {
        return sql_error(Code::FeatureNotSupported, format!("infinite values of type {name} are not supported"));
    }
    // A word with a slash can only be the name of a zone.
    let last = text.split_whitespace().last().unwrap_or_default();
    let names_zone = last.contains('/') && last.starts_with(|first: char| first.is_ascii_alphabetic());
    if wanted != SqlType::Date && names_zone && text.trim() != last {
        return unknown_zone(&last.to_ascii_lowercase());
    }
    let message = format!("invalid input syntax for type {name}: \"{shown}\"");
    // A text of the right form names an instant that does not exist.
    let has_year = text.trim_start().get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    let day: Vec<&str> = text.split_whitespace().next().unwrap_or_default().split(['-', '/', '.']).collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let looks_like_one = (has_year && text.contains('-')) || (day.len() == 3 && day.iter().all(is_number));
    let code = if looks_like_one { Code::DatetimeFieldOverflow } else { Code::InvalidDatetimeFormat };
    sql_error(code, message)
}

/// An instant as a constant.
pub(super) fn constant(us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()))
}

/// The functions of this file.
pub(super) fn functions(moment: &Moment) -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::new_from_impl(Now::new(moment.now_us)),
        ScalarUDF::new_from_impl(Today::new("current_date", SqlType::Date, moment)),
        ScalarUDF::new_from_impl(Today::new("localtimestamp", SqlType::Timestamp, moment)),
        ScalarUDF::new_from_impl(Today::new("localtime", SqlType::Time, moment)),
        ScalarUDF::new_from_impl(Today::new("current_time", SqlType::Time, moment)),
    ]
}

/// The statement's moment as the session's calendar and clock show it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Today {
    name: &'static str,
    result: SqlType,
    moment: Moment,
    signature: Signature,
}

impl Today {
    fn new(name: &'static str, result: SqlType, moment: &Moment) -> Self {
        let signature = Signature::new(TypeSignature::Nullary, Volatility::Stable);
        Self { name, result, moment: moment.clone(), signature }
    }

    fn value(&self) -> Result<ScalarValue> {
        let local = self.moment.local_now()?;
        Ok(match self.result {
            SqlType::Date => ScalarValue::Date32(Some(days_of(local)?)),
            SqlType::Timestamp => ScalarValue::TimestampMicrosecond(Some(local), None),
            // A time of day with its zone is a type that there is not.
            _ if self.name == "current_time" && !self.moment.zone.is_utc() => {
                return Err(sql_error(
                    Code::FeatureNotSupported,
                    "current_time is supported in UTC only: use localtime instead",
                ));
            }
            _ => ScalarValue::Time64Microsecond(Some(local.rem_euclid(DAY_US))),
        })
    }
}

impl ScalarUDFImpl for Today {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.result.arrow())
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(self.result.field(self.name, false)))
    }

    fn simplify(&self, _arguments: Vec<Expr>, _context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(self.value()?, None)))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value()?))
    }
}

/// The same instant everywhere in a statement, on every node that takes part in it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Now {
    now_us: i64,
    signature: Signature,
    aliases: Vec<String>,
}

impl Now {
    fn new(now_us: i64) -> Self {
        let signature = Signature::new(TypeSignature::Nullary, Volatility::Stable);
        let aliases = ["current_timestamp", "transaction_timestamp", "statement_timestamp", "clock_timestamp"];
        Self { now_us, signature, aliases: aliases.map(str::to_owned).to_vec() }
    }
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &'static str {
        "now"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(SqlType::Timestamptz.arrow())
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(SqlType::Timestamptz.field(self.name(), false)))
    }

    fn simplify(&self, _arguments: Vec<Expr>, _context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(constant(self.now_us), None)))
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(constant(self.now_us)))
    }
}
