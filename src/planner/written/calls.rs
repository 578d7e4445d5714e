//! Prints calls of functions, with the casts of arguments that PostgreSQL shows.

use datafusion::sql::sqlparser::ast::{
    CeilFloorKind, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, OrderByExpr, TrimWhereField, WindowType,
};

use super::super::names::DeclaredType;
use super::super::rewrite::last_name;
use super::Purpose;
use super::expression::Writer;
use super::kinds::{Open, Printed, bare, cast, literal};
use crate::catalog::quote_for_engine;
use crate::system::{FunctionFacts, functions_called};
use crate::types::{Code, SqlError, SqlType};

/// Functions that SQL writes without parentheses, and what they give.
const BARE: &[(&str, SqlType)] = &[
    ("current_timestamp", SqlType::Timestamptz),
    ("current_date", SqlType::Date),
    ("current_time", SqlType::Time),
    ("localtimestamp", SqlType::Timestamp),
    ("localtime", SqlType::Time),
    ("current_user", SqlType::Name),
    ("session_user", SqlType::Name),
    ("user", SqlType::Name),
    ("current_role", SqlType::Name),
    ("current_catalog", SqlType::Name),
    ("current_schema", SqlType::Name),
];
/// Functions whose arguments are all of one type, which is that of the result.
const ALIKE: &[&str] = &["coalesce", "greatest", "least", "nullif"];

impl Writer<'_> {
    /// A call.
    pub(super) fn call(&mut self, call: &Function) -> Result<Printed, SqlError> {
        let name = last_name(&call.name).unwrap_or_default();
        self.check_allowed(&name, call)?;
        let FunctionArguments::List(list) = &call.args else {
            return Ok(match BARE.iter().find(|(known, _)| *known == name) {
                Some((name, kind)) => Printed::plain(name.to_uppercase(), *kind),
                None => Printed::of(name, None),
            });
        };
        if let Some((_, kind)) = BARE.iter().find(|(known, _)| *known == name)
            && name.contains('_') != name.ends_with("schema")
        {
            let digits = list.args.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let digits = if digits.is_empty() { digits } else { format!("({digits})") };
            return Ok(Printed::plain(format!("{}{digits}", name.to_uppercase()), *kind));
        }
        let mut arguments = Vec::new();
        for argument in &list.args {
            arguments.push(match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.print(expr)?,
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Printed::of(String::from("*"), None),
                other => {
                    let text = format!("argument {other} is not supported here");
                    return Err(SqlError::new(Code::FeatureNotSupported, text));
                }
            });
        }
        let distinct = if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) { "DISTINCT " } else { "" };
        let (shown, arguments, kind) = self.typed_arguments(&name, arguments)?;
        let order = list.clauses.iter().find_map(|clause| match clause {
            FunctionArgumentClause::OrderBy(keys) => Some(keys),
            _ => None,
        });
        let order = match order {
            Some(keys) => format!(" ORDER BY {}", self.sort_keys(keys)?),
            None => String::new(),
        };
        let mut text = format!("{shown}({distinct}{}{order})", arguments.join(", "));
        if !call.within_group.is_empty() {
            text += &format!(" WITHIN GROUP (ORDER BY {})", self.sort_keys(&call.within_group)?);
        }
        if let Some(filter) = &call.filter {
            let filter = self.print(filter)?;
            text += &format!(" FILTER (WHERE {})", filter.text);
        }
        match &call.over {
            None => {}
            Some(WindowType::NamedWindow(window)) => text += &format!(" OVER {}", quote_for_engine(&window.value)),
            Some(WindowType::WindowSpec(window)) => {
                let mut parts = Vec::new();
                if !window.partition_by.is_empty() {
                    let keys = window.partition_by.iter().map(|key| Ok(self.print(key)?.text));
                    parts.push(format!("PARTITION BY {}", keys.collect::<Result<Vec<_>, SqlError>>()?.join(", ")));
                }
                if !window.order_by.is_empty() {
                    parts.push(format!("ORDER BY {}", self.sort_keys(&window.order_by)?));
                }
                parts.extend(window.window_frame.as_ref().map(|frame| match &frame.end_bound {
                    Some(end) => format!("{} BETWEEN {} AND {end}", frame.units, frame.start_bound),
                    None => format!("{} {}", frame.units, frame.start_bound),
                }));
                text += &format!(" OVER ({})", parts.join(" "));
            }
        }
        Ok(Printed::of(text, kind))
    }

    /// What may not stand in such an expression.
    fn check_allowed(&self, name: &str, call: &Function) -> Result<(), SqlError> {
        let Some(purpose) = self.purpose else { return Ok(()) };
        let plural = match purpose {
            Purpose::Check => "check constraints",
            Purpose::Default => "DEFAULT expressions",
            Purpose::Generated => "column generation expressions",
            Purpose::IndexKey => "index expressions",
            Purpose::IndexPredicate => "index predicates",
            Purpose::Using => "transform expressions",
            Purpose::CopyWhere => "COPY FROM WHERE conditions",
        };
        if call.over.is_some() {
            let text = format!("window functions are not allowed in {plural}");
            return Err(SqlError::new(Code::WindowingError, text));
        }
        let facts = functions_called(name);
        if facts.iter().any(|facts| facts.kind() == 'a') {
            let text = format!("aggregate functions are not allowed in {plural}");
            return Err(SqlError::new(Code::GroupingError, text));
        }
        let immutable = facts.is_empty() || facts.iter().any(|facts| facts.is_immutable());
        let wants_immutable = match purpose {
            Purpose::Generated => Some("generation expression is not immutable"),
            Purpose::IndexKey => Some("functions in index expression must be marked IMMUTABLE"),
            Purpose::IndexPredicate => Some("functions in index predicate must be marked IMMUTABLE"),
            _ => None,
        };
        match wants_immutable {
            Some(text) if !immutable => Err(SqlError::new(Code::InvalidObjectDefinition, text)),
            _ => Ok(()),
        }
    }

    /// The name as it is shown, the arguments with their casts, and the type of the result.
    fn typed_arguments(
        &self,
        name: &str,
        arguments: Vec<Printed>,
    ) -> Result<(String, Vec<String>, Option<DeclaredType>), SqlError> {
        if ALIKE.contains(&name) {
            let kind = arguments.iter().find_map(|argument| argument.kind.clone());
            let kind = kind.map_or_else(|| DeclaredType::plain(SqlType::Text), |kind| bare(&kind));
            let texts = arguments.iter().map(|argument| self.assigned(argument, &kind)).collect();
            return Ok((name.to_uppercase(), texts, Some(kind)));
        }
        let candidates = functions_called(name);
        let fitting = candidates.iter().copied().filter(|facts| fits(facts, arguments.len()));
        let best = fitting.max_by_key(|facts| score(facts, &arguments));
        let Some(facts) = best else {
            let texts = arguments.iter().map(|argument| self.settled(argument).text).collect();
            return Ok((quote_for_engine(name), texts, None));
        };
        let inputs: Vec<u32> = facts.input_types().collect();
        let mut texts = Vec::with_capacity(arguments.len());
        for (index, argument) in arguments.iter().enumerate() {
            let wanted = inputs.get(index).or(inputs.last()).copied().and_then(SqlType::from_oid);
            texts.push(self.argument(argument, wanted)?);
        }
        let result = SqlType::from_oid(facts.result());
        let result =
            result.filter(|kind| !matches!(kind, SqlType::AnyArray | SqlType::Record)).map(DeclaredType::plain);
        let kind = result.or_else(|| arguments.first().and_then(|first| first.kind.clone()));
        Ok((quote_for_engine(name), texts, kind))
    }

    fn argument(&self, argument: &Printed, wanted: Option<SqlType>) -> Result<String, SqlError> {
        let Some(wanted) = wanted else { return Ok(self.settled(argument).text) };
        match (&argument.open, argument.sql_type()) {
            (Some(Open::Text(name)), _) if wanted == SqlType::Regclass => Ok(self.relation_literal(name)?.text),
            (Some(open), _) => Ok(literal(open, &DeclaredType::plain(wanted), self.names)),
            (None, Some(SqlType::Varchar | SqlType::Bpchar | SqlType::Name)) if wanted == SqlType::Text => {
                Ok(cast(&argument.text, &DeclaredType::plain(SqlType::Text), self.names))
            }
            (None, Some(own)) if own != wanted && own.is_number() && wanted.is_number() => {
                Ok(cast(&argument.text, &DeclaredType::plain(wanted), self.names))
            }
            _ => Ok(argument.text.clone()),
        }
    }

    /// Keys of an ORDER BY.
    pub(super) fn sort_keys(&mut self, keys: &[OrderByExpr]) -> Result<String, SqlError> {
        let mut texts = Vec::with_capacity(keys.len());
        for key in keys {
            let text = self.print(&key.expr)?;
            let descending = key.options.asc == Some(false);
            let order = match (descending, key.options.nulls_first) {
                (true, Some(false)) => " DESC NULLS LAST",
                (true, _) => " DESC",
                (false, Some(true)) => " NULLS FIRST",
                (false, _) => "",
            };
            texts.push(format!("{}{order}", self.settled(&text).text));
        }
        Ok(texts.join(", "))
    }

    /// What SQL writes with words between the arguments, and queries inside expressions.
    pub(super) fn print_special(&mut self, expr: &Expr) -> Result<Printed, SqlError> {
        let text = DeclaredType::plain(SqlType::Text);
        match expr {
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.print_substring(expr, [("FROM", substring_from), ("FOR", substring_for)])
            }
            Expr::Trim { trim_where, trim_what, expr, .. } => {
                let value = self.print(expr)?;
                let value = self.argument(&value, Some(SqlType::Text))?;
                let what = match trim_what {
                    Some(what) => {
                        let what = self.print(what)?;
                        format!(" {}", self.settled(&what).text)
                    }
                    None => String::new(),
                };
                let side = match trim_where {
                    Some(TrimWhereField::Leading) => "LEADING",
                    Some(TrimWhereField::Trailing) => "TRAILING",
                    _ => "BOTH",
                };
                Ok(Printed::of(format!("TRIM({side}{what} FROM {value})"), text))
            }
            Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(_) } => self.one_argument("ceil", expr),
            Expr::Floor { expr, field: CeilFloorKind::DateTimeField(_) } => self.one_argument("floor", expr),
            Expr::Position { expr, r#in } => {
                let (what, value) = (self.print(expr)?, self.print(r#in)?);
                let (what, value) =
                    (self.argument(&what, Some(SqlType::Text))?, self.argument(&value, Some(SqlType::Text))?);
                Ok(Printed::plain(format!("POSITION(({what}) IN ({value}))"), SqlType::Int4))
            }
            Expr::Collate { expr, .. } => self.print(expr),
            Expr::Tuple(items) => {
                let items = items.iter().map(|item| self.print(item)).collect::<Result<Vec<_>, _>>()?;
                let items: Vec<String> = items.iter().map(|item| self.settled(item).text).collect();
                Ok(Printed::of(format!("ROW({})", items.join(", ")), None))
            }
            Expr::Subquery(query) => {
                let query = self.subquery(query)?;
                Ok(Printed::of(format!("( {query})"), None))
            }
            Expr::Exists { subquery, negated } => {
                let query = self.subquery(subquery)?;
                let text = format!("(EXISTS ( {query}))");
                Ok(Printed::plain(if *negated { format!("(NOT {text})") } else { text }, SqlType::Bool))
            }
            Expr::InSubquery { expr, subquery, negated } => {
                let value = self.print(expr)?;
                let value = self.settled(&value).text;
                let query = self.subquery(subquery)?;
                let text = format!("({value} IN ( {query}))");
                Ok(Printed::plain(if *negated { format!("(NOT {text})") } else { text }, SqlType::Bool))
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                let value = self.print(root)?;
                let mut shown = value.text.clone();
                for access in access_chain {
                    shown += &access.to_string();
                }
                let item = value.kind.as_ref().and_then(|kind| kind.sql_type.item()).map(DeclaredType::plain);
                Ok(Printed::of(shown, item))
            }
            other => {
                let text = format!("expression {other} is not supported here");
                Err(SqlError::new(Code::FeatureNotSupported, text))
            }
        }
    }

    fn print_substring(&mut self, expr: &Expr, parts: [(&str, &Option<Box<Expr>>); 2]) -> Result<Printed, SqlError> {
        let value = self.print(expr)?;
        let mut shown = self.argument(&value, Some(SqlType::Text))?;
        for (word, part) in parts {
            if let Some(part) = part {
                let part = self.print(part)?;
                shown += &format!(" {word} {}", self.settled(&part).text);
            }
        }
        Ok(Printed::of(format!("SUBSTRING({shown})"), DeclaredType::plain(SqlType::Text)))
    }

    fn one_argument(&mut self, name: &str, expr: &Expr) -> Result<Printed, SqlError> {
        let value = self.print(expr)?;
        let (shown, arguments, kind) = self.typed_arguments(name, vec![value])?;
        Ok(Printed::of(format!("{shown}({})", arguments.join(", ")), kind))
    }
}

/// A function can be called with so many arguments.
fn fits(facts: &FunctionFacts, count: usize) -> bool {
    let inputs = facts.input_types().count();
    inputs == count || (facts.is_variadic() && count >= inputs)
}

/// How well the arguments' types fit a function: the more are exactly as it wants them, the better.
fn score(facts: &FunctionFacts, arguments: &[Printed]) -> i32 {
    let points = facts.input_types().zip(arguments).map(|(oid, argument)| {
        let wanted = SqlType::from_oid(oid);
        match (wanted, argument.sql_type()) {
            (Some(wanted), Some(own)) if wanted == own => 8,
            (Some(SqlType::Text), Some(own)) if own.is_text() => 6,
            (Some(SqlType::Text | SqlType::Regclass), None) => 3,
            (Some(SqlType::Float8), Some(own)) if own.is_number() => 4,
            (Some(wanted), Some(own)) if own.is_number() && wanted.is_number() => 2,
            (None, _) => 1,
            (_, None) => 2,
            _ => -20,
        }
    });
    points.sum()
}
