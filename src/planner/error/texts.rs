//! The engine's texts, translated: which PostgreSQL error one of them stands for.
//!
//! The engine tells most of its errors by text alone. Each rule here knows one of them; a text that
//! no rule knows keeps its words, and gets a kind from a few telling ones.

use crate::types::{Code, SqlError};

use super::super::relations::SEARCH_PATH;
use super::kinds::{fits, sql_name};

/// The hint of PostgreSQL for operators that it does not have.
const OPERATOR_HINT: &str =
    "No operator matches the given name and argument types. You might need to add explicit type casts.";
/// Its hint for functions.
pub(super) const FUNCTION_HINT: &str =
    "No function matches the given name and argument types. You might need to add explicit type casts.";

/// The part of a text between two others.
fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(behind).map(|(found, _)| found)
}

fn error(code: Code, message: impl Into<String>) -> Option<SqlError> {
    Some(SqlError::new(code, message))
}

/// What PostgreSQL says in place of one of the engine's texts.
pub(super) fn translated(text: &str) -> Option<SqlError> {
    let rules: [fn(&str) -> Option<SqlError>; 9] =
        [relations, operators, casts, grouping, clauses, calls, names, numbers, expressions];
    rules.iter().find_map(|rule| rule(text))
}

fn relations(text: &str) -> Option<SqlError> {
    if let Some(name) = text.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        // The engine fills in database and schema; the place in the text tells what was written.
        let short = name.rsplit_once('.').map_or(name, |(schema, table)| {
            if schema.ends_with(SEARCH_PATH) || schema.ends_with("public") {
                table
            } else {
                name.split_once('.').map_or(name, |(_, rest)| rest)
            }
        });
        return error(Code::UndefinedTable, format!("relation \"{short}\" does not exist"));
    }
    if let Some(name) = text.strip_prefix("Invalid qualifier ") {
        return error(Code::UndefinedTable, format!("missing FROM-clause entry for table \"{name}\""));
    }
    if let Some(rest) = text.strip_prefix("Schema contains duplicate qualified field name ") {
        let name = rest.split('.').next().unwrap_or_default().trim_matches('"');
        return error(Code::DuplicateAlias, format!("table name \"{name}\" specified more than once"));
    }
    (text.starts_with("WITH query name ") && text.ends_with("specified more than once"))
        .then(|| SqlError::new(Code::DuplicateAlias, text))
}

fn operators(text: &str) -> Option<SqlError> {
    let expression = between(text, "arithmetic expression ", " to valid types")
        .or_else(|| between(text, "temporal operation ", ": "))
        .or_else(|| text.split_once("comparison operation ").map(|(_, rest)| rest));
    if let Some(expression) = expression
        && let Some((left, operator, right)) = operands(expression)
    {
        let text = format!("operator does not exist: {} {operator} {}", sql_name(left), sql_name(right));
        return Some(SqlError::new(Code::UndefinedFunction, text).with_hint(OPERATOR_HINT));
    }
    if let Some((_, found)) = text.split_once("'NOT' requires a boolean expression, got ") {
        let text = format!("argument of NOT must be type boolean, not type {}", sql_name(found));
        return error(Code::DatatypeMismatch, text);
    }
    if text.starts_with("Unary operator '-' only supports") {
        return error(Code::UndefinedFunction, "operator does not exist: - on a value that is no number or interval");
    }
    None
}

/// Cuts `Int32 + Timestamp(µs, "UTC")` at the operator outside all parentheses.
pub(super) fn operands(expression: &str) -> Option<(&str, &str, &str)> {
    let mut depth = 0_usize;
    let mut blanks = Vec::new();
    for (place, next) in expression.char_indices() {
        match next {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => blanks.push(place),
            _ => {}
        }
    }
    let (first, last) = (*blanks.first()?, *blanks.get(1)?);
    Some((
        expression.get(..first)?,
        expression.get(first + 1..last)?,
        expression.get(last + 1..)?.trim_end_matches('.'),
    ))
}

fn casts(text: &str) -> Option<SqlError> {
    let quoted = text.strip_prefix("Cannot cast string '").or_else(|| text.strip_prefix("Cannot cast value '"));
    if let Some(rest) = quoted
        && let Some((value, kind)) = rest.rsplit_once("' to value of ")
    {
        return Some(unreadable(value, sql_name(kind.trim_end_matches(" type"))));
    }
    if let Some((_, kind)) = text.strip_prefix("Can't cast value ").and_then(|rest| rest.split_once(" to type ")) {
        return error(Code::NumericValueOutOfRange, format!("{} out of range", sql_name(kind)));
    }
    if let Some((from, to)) = text.strip_prefix("Unsupported CAST from ").and_then(|rest| rest.split_once(" to ")) {
        return error(Code::CannotCoerce, format!("cannot cast type {} to {}", sql_name(from), sql_name(to)));
    }
    if let Some(rest) = text.strip_prefix("Invalid input syntax for type ") {
        return own_words(SqlError::new(
            Code::InvalidTextRepresentation,
            format!("invalid input syntax for type {rest}"),
        ));
    }
    if let Some(name) = text.strip_prefix("Unsupported SQL type ") {
        let name = name.to_lowercase();
        let bare = name.split('(').next().unwrap_or(&name).trim();
        return match super::kinds::is_postgresql_type(bare) {
            true => error(Code::FeatureNotSupported, format!("type \"{name}\" is not supported")),
            false => error(Code::UndefinedObject, format!("type \"{name}\" does not exist")),
        };
    }
    None
}

/// A text that is no value of a type, or one that is too large for it.
fn unreadable(value: &str, kind: String) -> SqlError {
    if matches!(kind.as_str(), "smallint" | "integer" | "bigint") && value.trim().parse::<i128>().is_ok() {
        let text = format!("value \"{value}\" is out of range for type {kind}");
        return SqlError::new(Code::NumericValueOutOfRange, text);
    }
    let error =
        SqlError::new(Code::InvalidTextRepresentation, format!("invalid input syntax for type {kind}: \"{value}\""));
    own_words(error.clone()).unwrap_or(error)
}

/// Texts that are no dates or times have a kind of their own, and those that name no day or hour another.
pub(super) fn own_words(mut error: SqlError) -> Option<SqlError> {
    const TIMES: [&str; 4] = ["date", "time", "timestamp", "interval"];
    let rest = error.message.strip_prefix("invalid input syntax for type ")?;
    if !TIMES.iter().any(|kind| rest.starts_with(kind)) {
        return None;
    }
    let value = rest.split_once(": \"").and_then(|(_, value)| value.strip_suffix('"')).map(str::to_owned);
    let out_of_range = value.as_deref().is_some_and(names_no_moment) || error.code == Code::DatetimeFieldOverflow;
    match value {
        Some(value) if out_of_range && !rest.starts_with("interval") => {
            error.code = Code::DatetimeFieldOverflow;
            error.message = format!("date/time field value out of range: \"{value}\"");
            if has_no_such_month_or_day(&value) {
                error.hint = Some(String::from("Perhaps you need a different \"datestyle\" setting."));
            }
        }
        _ => error.code = Code::InvalidDatetimeFormat,
    }
    Some(error)
}

/// Whether a text has the form of a time of day with an hour or minute that does not exist.
fn names_no_moment(value: &str) -> bool {
    let time = value.rsplit(' ').next().unwrap_or(value);
    let parts: Vec<Option<u32>> = time.split(':').map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [Some(hours), Some(minutes)] | [Some(hours), Some(minutes), _] => *hours > 24 || *minutes > 59,
        _ => false,
    }
}

fn has_no_such_month_or_day(value: &str) -> bool {
    let day = value.split([' ', 'T']).next().unwrap_or(value);
    let numbers: Vec<u32> = day.split('-').filter_map(|part| part.parse().ok()).collect();
    matches!(numbers.as_slice(), [_, month, day] if !(1..=12).contains(month) || !(1..=31).contains(day))
}

fn grouping(text: &str) -> Option<SqlError> {
    const REST: &str = "must appear in the GROUP BY clause or be used in an aggregate function";
    if let Some(column) = between(text, "column \"", "\" must appear in the GROUP BY clause") {
        return error(Code::GroupingError, format!("column \"{column}\" {REST}"));
    }
    if let Some(condition) = between(text, "HAVING clause references: ", " must appear in the GROUP BY") {
        let column =
            condition.split([' ', ',', ')']).next().and_then(|first| first.rsplit('(').next()).unwrap_or(condition);
        return error(Code::GroupingError, format!("column \"{column}\" {REST}"));
    }
    if text.starts_with("Aggregate functions are not allowed in the WHERE clause") {
        return error(Code::GroupingError, "aggregate functions are not allowed in WHERE");
    }
    let outer = ["Accessing outer reference columns is not allowed", "Correlated scalar subquery can only be used"];
    if outer.iter().any(|begin| text.starts_with(begin)) || text.contains("a mixed of outer references") {
        return error(Code::FeatureNotSupported, "a subquery about the outer row is not supported in this place");
    }
    if text.starts_with("Granularity of `date_trunc` must be") {
        return error(Code::FeatureNotSupported, "date_trunc() with a unit that is not a constant is not supported");
    }
    if text.starts_with("Scalar subquery returned more than one row") {
        let told = "more than one row returned by a subquery used as an expression";
        return error(Code::CardinalityViolation, told);
    }
    if text.starts_with("Aggregate function calls cannot be nested") {
        return error(Code::GroupingError, "aggregate function calls cannot be nested");
    }
    let lower = text.to_lowercase();
    (lower.contains("must appear in the group by") || lower.contains("must be part of group by"))
        .then(|| SqlError::new(Code::GroupingError, text))
}

fn clauses(text: &str) -> Option<SqlError> {
    if let Some(number) = between(text, "Cannot find column with position ", " in SELECT clause") {
        return error(Code::InvalidColumnReference, format!("GROUP BY position {number} is not in select list"));
    }
    if let Some(number) = between(text, "Order by column out of bounds, specified: ", ",") {
        return error(Code::InvalidColumnReference, format!("ORDER BY position {number} is not in select list"));
    }
    if text.starts_with("Scalar subquery returned more than one row") {
        let text = "more than one row returned by a subquery used as an expression";
        return error(Code::CardinalityViolation, text);
    }
    if text.starts_with("In an aggregate with DISTINCT, ORDER BY") {
        let text = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
        return error(Code::InvalidColumnReference, text);
    }
    if text.starts_with("SELECT DISTINCT ON expressions must match") {
        let text = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
        return error(Code::InvalidColumnReference, text);
    }
    if text.starts_with("Invalid window frame: start bound") {
        return error(Code::WindowingError, "frame cannot start after it ends");
    }
    if let Some(name) = between(text, "The window ", " is not defined") {
        return error(Code::UndefinedObject, format!("window \"{name}\" does not exist"));
    }
    if text.starts_with("For SELECT DISTINCT, ORDER BY expressions") {
        let text = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
        return error(Code::InvalidColumnReference, text);
    }
    if let Some((operation, _)) = text.split_once(" queries have different number of columns") {
        let operation = operation.split(' ').next().unwrap_or(operation);
        return error(Code::SyntaxError, format!("each {operation} query must have the same number of columns"));
    }
    if let Some((_, kind)) = text.split_once("' returning ").filter(|_| text.contains("non-boolean predicate")) {
        let text = format!("argument of WHERE must be type boolean, not type {}", sql_name(kind));
        return error(Code::DatatypeMismatch, text);
    }
    if text.starts_with("Too many columns! The subquery should only return one column") {
        return error(Code::SyntaxError, "subquery must return only one column");
    }
    if text.starts_with("LIMIT must be >=") {
        return error(Code::InvalidRowCountInLimit, "LIMIT must not be negative");
    }
    if text.starts_with("OFFSET must be >=") {
        return error(Code::InvalidRowCountInOffset, "OFFSET must not be negative");
    }
    if let Some((_, kind)) = text.split_once("Expected LIMIT to be an integer or null, but got ") {
        let text = format!("argument of LIMIT must be type bigint, not type {}", sql_name(kind));
        return error(Code::DatatypeMismatch, text);
    }
    if let Some((there, named)) = text
        .strip_prefix("Source table contains ")
        .and_then(|rest| rest.strip_suffix(" names given as column alias"))
        .and_then(|rest| rest.split_once(" columns but only "))
    {
        let counts = (there.parse::<usize>().ok(), named.parse::<usize>().ok());
        return match counts {
            (Some(there), Some(named)) if named < there => {
                error(Code::FeatureNotSupported, "names for some of the columns only are not supported")
            }
            _ => {
                let text = format!("a table has {there} columns available but {named} columns specified");
                error(Code::InvalidColumnReference, text)
            }
        };
    }
    text.starts_with("Inconsistent data length across values list")
        .then(|| SqlError::new(Code::SyntaxError, "VALUES lists must all be the same length"))
}

fn calls(text: &str) -> Option<SqlError> {
    if text.starts_with("NTILE requires a positive integer") {
        return error(Code::InvalidNtileArgument, "argument of ntile must be greater than zero");
    }
    if text.starts_with("Cannot access field at argument") {
        return error(Code::WrongObjectType, "column notation applied to a value that is not a composite type");
    }
    if let Some(columns) = between(text, "Source table contains ", " columns but only ") {
        let given = between(text, " columns but only ", " names given").unwrap_or_default();
        if given.parse::<usize>().ok() < columns.parse().ok() {
            // The engine names the column of a subquery after IN.
            return error(Code::SyntaxError, "subquery has too many columns");
        }
        let text = format!("a table has {columns} columns available but {given} columns specified");
        return error(Code::InvalidColumnReference, text);
    }
    if text.starts_with("Cannot cast to Interval(MonthDayNano). Overflowing on") {
        return error(Code::DatetimeFieldOverflow, "date out of range");
    }
    if let Some((left, right)) = text
        .strip_prefix("Cannot infer common string type for string concat operation ")
        .and_then(|rest| rest.split_once(" || "))
    {
        let text = format!("operator does not exist: {} || {}", sql_name(left), sql_name(right));
        return Some(SqlError::new(Code::UndefinedFunction, text).with_hint(OPERATOR_HINT));
    }
    None
}

fn names(text: &str) -> Option<SqlError> {
    if let Some(number) = between(text, "Placeholder '", "' was not provided a value") {
        return error(Code::UndefinedParameter, format!("there is no parameter {number}"));
    }
    let unit = between(text, "Date part '", "' not supported")
        .or_else(|| between(text, "Unsupported date_trunc granularity: '", "'"))?;
    let text = format!("unit \"{unit}\" not recognized for type timestamp with time zone");
    error(Code::InvalidParameterValue, text)
}

fn numbers(text: &str) -> Option<SqlError> {
    if let Some(happened) = text.split_once("Overflow happened on: ").map(|(_, rest)| rest) {
        return error(Code::NumericValueOutOfRange, format!("{} out of range", overflown(happened)));
    }
    let lower = text.to_lowercase();
    let known = [
        ("cannot take square root of a negative number", Code::InvalidPowerArgument),
        ("zero raised to a negative power is undefined", Code::InvalidPowerArgument),
        ("cannot take logarithm of zero", Code::InvalidLogarithmArgument),
        ("cannot take logarithm of a negative number", Code::InvalidLogarithmArgument),
        ("factorial of a negative number is undefined", Code::NumericValueOutOfRange),
        ("negative substring length not allowed", Code::SubstringError),
        ("count must be greater than zero", Code::InvalidWidthBucketArgument),
        ("division by zero", Code::DivisionByZero),
    ];
    if let Some((words, code)) = known.iter().find(|(words, _)| lower.contains(words)) {
        return error(*code, *words);
    }
    if lower.starts_with("negative count not allowed") {
        return error(Code::SubstringError, "negative substring length not allowed");
    }
    if lower.starts_with("divide by zero") {
        return error(Code::DivisionByZero, "division by zero");
    }
    if lower.starts_with("step can't be 0") || lower.starts_with("step cannot be zero") {
        return error(Code::InvalidParameterValue, "step size cannot equal zero");
    }
    between(text, "Percentile value must be between 0.0 and 1.0 inclusive, ", " is invalid").and_then(|value| {
        error(Code::NumericValueOutOfRange, format!("percentile value {value} is not between 0 and 1"))
    })
}

/// The type whose range an operation left: the widest one that is too narrow for the result.
fn overflown(operation: &str) -> &'static str {
    let words: Vec<&str> = operation.split_whitespace().collect();
    let result = match words.as_slice() {
        [left, operator, right] => match (left.parse::<i128>(), right.parse::<i128>()) {
            (Ok(left), Ok(right)) => match *operator {
                "+" => left.checked_add(right),
                "-" => left.checked_sub(right),
                "*" => left.checked_mul(right),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    match result {
        Some(result) if fits::<i32>(result) => "smallint",
        Some(result) if fits::<i64>(result) => "integer",
        _ => "bigint",
    }
}

fn expressions(text: &str) -> Option<SqlError> {
    if !text.to_lowercase().contains("regex parse error") {
        return None;
    }
    let why = text.lines().find_map(|line| line.trim().strip_prefix("error: ")).unwrap_or("it cannot be read");
    let why = match why {
        "unclosed group" | "unopened group" => "parentheses () not balanced",
        "unclosed character class" => "brackets [] not balanced",
        "repetition operator missing expression" => "quantifier operand invalid",
        other => other,
    };
    error(Code::InvalidRegularExpression, format!("invalid regular expression: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{operands, translated};

    #[test]
    fn texts_of_the_engine_become_postgresqls() {
        for (text, state, message) in [
            (
                "Cannot coerce arithmetic expression Int32 + Boolean to valid types",
                "42883",
                "operator does not exist: integer + boolean",
            ),
            (
                "Cannot get result type for temporal operation Timestamp(µs, \"UTC\") + Timestamp(µs, \"UTC\"): Invalid",
                "42883",
                "operator does not exist: timestamp with time zone + timestamp with time zone",
            ),
            (
                "Cannot cast string 'abc' to value of Int32 type",
                "22P02",
                "invalid input syntax for type integer: \"abc\"",
            ),
            (
                "Cannot cast string '99999999999' to value of Int32 type",
                "22003",
                "value \"99999999999\" is out of range for type integer",
            ),
            (
                "Cannot cast string 'x' to value of Time64(ns) type",
                "22007",
                "invalid input syntax for type time: \"x\"",
            ),
            (
                "Cannot cast string '25:00' to value of Time64(ns) type",
                "22008",
                "date/time field value out of range: \"25:00\"",
            ),
            ("Can't cast value 99999 to type Int16", "22003", "smallint out of range"),
            ("Unsupported CAST from Boolean to Date32", "42846", "cannot cast type boolean to date"),
            ("Overflow happened on: 2147483647 + 1", "22003", "integer out of range"),
            ("Overflow happened on: 9223372036854775807 + 1", "22003", "bigint out of range"),
            ("Overflow happened on: -32768 - 1", "22003", "smallint out of range"),
            (
                "Order by column out of bounds, specified: 5, max: 1",
                "42P10",
                "ORDER BY position 5 is not in select list",
            ),
            (
                "Cannot create filter with non-boolean predicate 'a.x' returning Utf8",
                "42804",
                "argument of WHERE must be type boolean, not type text",
            ),
            (
                "regex parse error:\n    (\n    ^\nerror: unclosed group",
                "2201B",
                "invalid regular expression: parentheses () not balanced",
            ),
            (
                "HAVING clause references: logs.pid > Int64(1) must appear in the GROUP BY clause or be used in an aggregate function",
                "42803",
                "column \"logs.pid\" must appear in the GROUP BY clause or be used in an aggregate function",
            ),
        ] {
            let found = translated(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.code.sqlstate(), found.message.as_str()), (state, message), "{text}");
        }
        assert_eq!(translated("something else"), None);
        assert_eq!(operands("Int32"), None);
    }
}
