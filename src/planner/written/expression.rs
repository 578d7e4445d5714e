//! Prints one expression, and finds out its type on the way.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, DateTimeField, Expr, Ident, TypedString, UnaryOperator, Value,
};

use super::super::names::{DeclaredType, Names};
use super::super::parse::type_of_text;
use super::super::rewrite::folded;
use super::Purpose;
use super::kinds::{Open, Printed, bare, cast, coerced, common, escaped_literal, literal};
use super::query::Outside;
use crate::catalog::{Column, quote_for_engine};
use crate::types::{Code, SqlError, SqlType};

/// Something in FROM, or the table that an expression is of.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The name that its columns have before them.
    pub(super) alias: String,
    /// Its columns with their types as far as they are known.
    pub(super) columns: Vec<(String, Option<DeclaredType>)>,
}

/// What names of columns can mean.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) sources: Vec<Source>,
    /// Columns that a JOIN ... USING has in common, which have no table's name before them.
    pub(super) merged: Vec<String>,
}

/// Prints expressions.
pub(super) struct Writer<'a> {
    pub(super) names: Names<'a>,
    /// Columns of relations that are no user's.
    pub(super) outside: Outside<'a>,
    /// Blanks before the lines of the query that is being written.
    pub(super) depth: usize,
    /// A temporary relation was named.
    pub(super) reads_temporary: bool,
    /// Names for the columns of the next query.
    pub(super) output: Vec<String>,
    /// What an expression is for; none inside a query.
    pub(super) purpose: Option<Purpose>,
    /// The innermost last.
    pub(super) scopes: Vec<Scope>,
    /// Common table expressions, the innermost last.
    pub(super) common: Vec<Source>,
    pub(super) columns_read: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    /// For an expression over columns of one table.
    pub(super) fn over_columns(names: Names<'a>, columns: &[Column], purpose: Purpose) -> Self {
        let columns = columns.iter().map(|column| (column.name.clone(), Some(DeclaredType::of_column(column))));
        let source = Source { alias: String::new(), columns: columns.collect() };
        let scopes = vec![Scope { sources: vec![source], merged: Vec::new() }];
        Self { purpose: Some(purpose), scopes, ..Self::of_query(names, &|_, _| None) }
    }

    /// For a query.
    pub(super) fn of_query(names: Names<'a>, outside: Outside<'a>) -> Self {
        Self {
            names,
            outside,
            depth: 0,
            reads_temporary: false,
            output: Vec::new(),
            purpose: None,
            scopes: Vec::new(),
            common: Vec::new(),
            columns_read: BTreeSet::new(),
        }
    }

    /// The expression in parentheses where it is more than a name, a literal or a call.
    pub(super) fn print(&mut self, expr: &Expr) -> Result<Printed, SqlError> {
        match expr {
            Expr::Nested(inner) => self.print(inner),
            Expr::Identifier(ident) => self.column(std::slice::from_ref(ident)),
            Expr::CompoundIdentifier(idents) => self.column(idents),
            Expr::Value(value) => self.value(&value.value),
            Expr::TypedString(TypedString { data_type, value, .. }) => {
                let text = value.value.clone().into_string().unwrap_or_default();
                let kind = self.type_of(data_type)?;
                Ok(Printed::of(literal(&Open::Text(text), &kind, self.names), kind))
            }
            Expr::Interval(interval) => {
                let inner = self.print(&interval.value)?;
                let unit = interval.leading_field.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
                let kind = DeclaredType::plain(SqlType::Interval);
                let text = match inner.open {
                    Some(Open::Text(text)) => Open::Text(format!("{text}{}", unit.to_lowercase())),
                    _ => return Ok(Printed::of(cast(&inner.text, &kind, self.names), kind)),
                };
                Ok(Printed::of(literal(&text, &kind, self.names), kind))
            }
            Expr::Cast { expr, data_type, .. } => self.cast_to(expr, data_type),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::Function(call) => self.call(call),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Expr::Array(array) => self.array(&array.elem),
            _ => self.print_tests(expr),
        }
    }

    /// Conditions written with words.
    fn print_tests(&mut self, expr: &Expr) -> Result<Printed, SqlError> {
        let suffix = match expr {
            Expr::IsNull(inner) => Some((inner, "IS NULL")),
            Expr::IsNotNull(inner) => Some((inner, "IS NOT NULL")),
            Expr::IsTrue(inner) => Some((inner, "IS TRUE")),
            Expr::IsNotTrue(inner) => Some((inner, "IS NOT TRUE")),
            Expr::IsFalse(inner) => Some((inner, "IS FALSE")),
            Expr::IsNotFalse(inner) => Some((inner, "IS NOT FALSE")),
            Expr::IsUnknown(inner) => Some((inner, "IS UNKNOWN")),
            Expr::IsNotUnknown(inner) => Some((inner, "IS NOT UNKNOWN")),
            _ => None,
        };
        if let Some((inner, suffix)) = suffix {
            let inner = self.print(inner)?;
            return Ok(Printed::plain(format!("({} {suffix})", self.settled(&inner).text), SqlType::Bool));
        }
        match expr {
            Expr::IsDistinctFrom(left, right) => self.compared(left, "IS DISTINCT FROM", right),
            // PostgreSQL turns this around.
            Expr::IsNotDistinctFrom(left, right) => {
                let distinct = self.compared(left, "IS DISTINCT FROM", right)?;
                Ok(Printed::plain(format!("(NOT {})", distinct.text), SqlType::Bool))
            }
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Expr::Between { expr, negated, low, high } => {
                let (first, second, word) = if *negated { ("<", ">", "OR") } else { (">=", "<=", "AND") };
                let (low, high) = (self.compared(expr, first, low)?, self.compared(expr, second, high)?);
                Ok(Printed::plain(format!("({} {word} {})", low.text, high.text), SqlType::Bool))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.texts(expr, if *negated { "!~~" } else { "~~" }, pattern, SqlType::Bool)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.texts(expr, if *negated { "!~~*" } else { "~~*" }, pattern, SqlType::Bool)
            }
            Expr::AnyOp { left, compare_op, right, .. } => self.any(left, &compare_op.to_string(), "ANY", right),
            Expr::AllOp { left, compare_op, right } => self.any(left, &compare_op.to_string(), "ALL", right),
            Expr::AtTimeZone { timestamp, time_zone } => {
                let (value, zone) = (self.print(timestamp)?, self.print(time_zone)?);
                let kind = match value.sql_type() {
                    Some(SqlType::Timestamptz) => SqlType::Timestamp,
                    _ => SqlType::Timestamptz,
                };
                let (value, zone) = (self.settled(&value).text, self.settled(&zone).text);
                Ok(Printed::plain(format!("({value} AT TIME ZONE {zone})"), kind))
            }
            Expr::Extract { field, expr, .. } => {
                let value = self.print(expr)?;
                let field = match field {
                    DateTimeField::Custom(ident) => ident.value.to_lowercase(),
                    field => field.to_string().to_lowercase(),
                };
                let text = format!("EXTRACT({field} FROM {})", self.settled(&value).text);
                Ok(Printed::plain(text, SqlType::Numeric))
            }
            other => self.print_special(other),
        }
    }

    /// A column by its name, with the table's before it where there may be several.
    fn column(&mut self, idents: &[Ident]) -> Result<Printed, SqlError> {
        let parts: Vec<String> = idents.iter().map(folded).collect();
        let Some((name, before)) = parts.split_last() else {
            return Err(SqlError::new(Code::SyntaxError, "a name without parts"));
        };
        if self.purpose == Some(Purpose::Default) && name != "value" {
            return Err(SqlError::new(Code::FeatureNotSupported, "cannot use column reference in DEFAULT expression"));
        }
        let table = before.last();
        for scope in self.scopes.iter().rev() {
            let mut found = scope.sources.iter().filter_map(|source| {
                if table.is_some_and(|table| *table != source.alias && !source.alias.is_empty()) {
                    return None;
                }
                let (_, kind) = source.columns.iter().find(|(column, _)| column == name)?;
                Some((source.alias.clone(), kind.clone()))
            });
            let Some((alias, kind)) = found.next() else { continue };
            let merged = table.is_none() && scope.merged.contains(name);
            if found.next().is_some() && !merged {
                let text = format!("column reference \"{name}\" is ambiguous");
                return Err(SqlError::new(Code::AmbiguousColumn, text));
            }
            self.columns_read.insert(name.clone());
            let quoted =
                if name == "value" && self.is_domain() { String::from("VALUE") } else { quote_for_engine(name) };
            let text =
                if alias.is_empty() || merged { quoted } else { format!("{}.{quoted}", quote_for_engine(&alias)) };
            return Ok(Printed::of(text, kind));
        }
        let written = parts.join(".");
        let text = if before.is_empty() { format!("\"{name}\"") } else { written };
        Err(SqlError::new(Code::UndefinedColumn, format!("column {text} does not exist")))
    }

    /// The one column is the value of a domain.
    fn is_domain(&self) -> bool {
        self.purpose == Some(Purpose::Check)
            && self
                .scopes
                .first()
                .and_then(|scope| scope.sources.first())
                .is_some_and(|source| source.columns.len() == 1)
    }

    fn value(&self, value: &Value) -> Result<Printed, SqlError> {
        Ok(match value {
            Value::Number(digits, _) => number(digits),
            Value::Boolean(truth) => Printed::plain(truth.to_string(), SqlType::Bool),
            Value::Null => Printed { open: Some(Open::Null), ..Printed::of(String::from("NULL"), None) },
            Value::Placeholder(name) => {
                let text = format!("there is no parameter {name}");
                return Err(SqlError::new(Code::UndefinedParameter, text));
            }
            other => match other.clone().into_string() {
                Some(text) => {
                    Printed { text: escaped_literal(&text), kind: None, open: Some(Open::Text(text)), number: false }
                }
                None => Printed::of(other.to_string(), None),
            },
        })
    }

    /// What a name of a type in an expression means.
    pub(super) fn type_of(&self, data_type: &DataType) -> Result<DeclaredType, SqlError> {
        let reference = type_of_text(&data_type.to_string())?;
        let object_types = ["regclass", "regtype", "regproc", "regnamespace", "regrole", "oidvector", "name"];
        if !reference.is_array
            && object_types.contains(&reference.name.name.as_str())
            && let Some(kind) = SqlType::from_name(&reference.name.name)
        {
            return Ok(DeclaredType::plain(kind));
        }
        self.names.declared_type(&reference).map_err(|mut error| {
            error.position = None;
            error
        })
    }

    fn cast_to(&mut self, expr: &Expr, data_type: &DataType) -> Result<Printed, SqlError> {
        let (inner, kind) = (self.print(expr)?, self.type_of(data_type)?);
        if let Some(open) = &inner.open {
            if kind.sql_type == SqlType::Regclass
                && let Open::Text(name) = open
            {
                return self.relation_literal(name);
            }
            return Ok(Printed::of(literal(open, &kind, self.names), kind));
        }
        if inner.kind.as_ref().is_some_and(|own| *own == kind) && !inner.number {
            return Ok(inner);
        }
        Ok(Printed::of(cast(&inner.text, &kind, self.names), kind))
    }

    /// `'schema.name'::regclass`.
    pub(super) fn relation_literal(&self, name: &str) -> Result<Printed, SqlError> {
        let (schema, bare) =
            crate::system::split_name(name).ok_or_else(|| SqlError::new(Code::SyntaxError, "invalid name syntax"))?;
        let wanted = super::super::definition::QualifiedName { database: None, schema, name: bare, position: 0 };
        let found = self.names.relation(&wanted)?;
        let text = format!("{}.{}", quote_for_engine(found.schema()), quote_for_engine(found.name()));
        Ok(Printed::plain(format!("{}::regclass", crate::catalog::quote_literal(&text)), SqlType::Regclass))
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Printed, SqlError> {
        use BinaryOperator as Op;
        match op {
            Op::And | Op::Or => self.joined(left, op, right),
            Op::Eq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => self.compared(left, &op.to_string(), right),
            Op::NotEq => self.compared(left, "<>", right),
            Op::PGRegexMatch | Op::PGRegexIMatch | Op::PGRegexNotMatch | Op::PGRegexNotIMatch => {
                self.texts(left, &op.to_string(), right, SqlType::Bool)
            }
            Op::StringConcat => self.concatenated(left, right),
            Op::Arrow | Op::LongArrow | Op::HashArrow | Op::HashLongArrow | Op::Question => {
                let (left, right) = (self.print(left)?, self.print(right)?);
                let path = matches!(op, Op::HashArrow | Op::HashLongArrow);
                let key = match &right.open {
                    Some(open) => {
                        let kind = DeclaredType::plain(if path { SqlType::TextArray } else { SqlType::Text });
                        literal(open, &kind, self.names)
                    }
                    None => right.text.clone(),
                };
                let kind = match op {
                    Op::Arrow | Op::HashArrow => left.kind.clone(),
                    Op::Question => Some(DeclaredType::plain(SqlType::Bool)),
                    _ => Some(DeclaredType::plain(SqlType::Text)),
                };
                Ok(Printed::of(format!("({} {op} {key})", self.settled(&left).text), kind))
            }
            _ => self.arithmetic(left, op, right),
        }
    }

    /// `a AND b AND c` is one list to PostgreSQL.
    fn joined(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Printed, SqlError> {
        let mut parts = Vec::new();
        self.links(left, op, &mut parts)?;
        self.links(right, op, &mut parts)?;
        Ok(Printed::plain(format!("({})", parts.join(&format!(" {op} "))), SqlType::Bool))
    }

    fn links(&mut self, expr: &Expr, op: &BinaryOperator, parts: &mut Vec<String>) -> Result<(), SqlError> {
        match expr {
            Expr::BinaryOp { left, op: inner, right } if inner == op => {
                self.links(left, op, parts)?;
                self.links(right, op, parts)
            }
            other => {
                let printed = self.print(other)?;
                parts.push(self.assigned(&printed, &DeclaredType::plain(SqlType::Bool)));
                Ok(())
            }
        }
    }

    fn compared(&mut self, left: &Expr, op: &str, right: &Expr) -> Result<Printed, SqlError> {
        let (left, right) = (self.print(left)?, self.print(right)?);
        let (left, right) = self.unified(&left, &right);
        Ok(Printed::plain(format!("({} {op} {})", left.text, right.text), SqlType::Bool))
    }

    /// Both sides as one type, as PostgreSQL finds the operator.
    fn unified(&self, left: &Printed, right: &Printed) -> (Printed, Printed) {
        match (&left.open, &right.open) {
            (Some(_), Some(_)) => (self.settled(left), self.settled(right)),
            (None, Some(open)) => {
                let (left, kind) = self.beside(left);
                (left, self.taken(open, kind, right))
            }
            (Some(open), None) => {
                let (right, kind) = self.beside(right);
                (self.taken(open, kind, left), right)
            }
            (None, None) => match (left.sql_type(), right.sql_type()) {
                (Some(first), Some(second)) => match common(first, second) {
                    Some(kind) => {
                        let one = |side: &Printed| Printed::plain(coerced(side, kind, self.names), kind);
                        (one(left), one(right))
                    }
                    None => (left.clone(), right.clone()),
                },
                _ => (left.clone(), right.clone()),
            },
        }
    }

    /// A side as it stands beside a literal, and the type that the literal takes.
    fn beside(&self, side: &Printed) -> (Printed, Option<DeclaredType>) {
        match &side.kind {
            Some(kind) if kind.user_type.is_none() && kind.sql_type == SqlType::Varchar => {
                let text = coerced(side, SqlType::Text, self.names);
                (Printed::plain(text, SqlType::Text), Some(DeclaredType::plain(SqlType::Text)))
            }
            kind => (side.clone(), kind.as_ref().map(bare)),
        }
    }

    fn taken(&self, open: &Open, kind: Option<DeclaredType>, otherwise: &Printed) -> Printed {
        match kind {
            Some(kind) => Printed::of(literal(open, &kind, self.names), kind),
            None => otherwise.clone(),
        }
    }

    /// A literal that nothing gives a type is a text.
    pub(super) fn settled(&self, printed: &Printed) -> Printed {
        match &printed.open {
            Some(open) => Printed::plain(literal(open, &DeclaredType::plain(SqlType::Text), self.names), SqlType::Text),
            None => printed.clone(),
        }
    }

    /// The piece as a column of that type takes it: a literal gets the type, everything else stays as it is, since
    /// casts that an assignment makes are not shown.
    pub(super) fn assigned(&self, printed: &Printed, kind: &DeclaredType) -> String {
        match &printed.open {
            Some(open) => literal(open, &bare(kind), self.names),
            None => printed.text.clone(),
        }
    }

    fn texts(&mut self, left: &Expr, op: &str, right: &Expr, kind: SqlType) -> Result<Printed, SqlError> {
        let (left, right) = (self.print(left)?, self.print(right)?);
        // char(n) has such operators of its own.
        let side = |side: &Printed| match side.sql_type() {
            Some(SqlType::Bpchar) if side.open.is_none() => side.text.clone(),
            None if side.open.is_none() => side.text.clone(),
            _ => coerced(side, SqlType::Text, self.names),
        };
        Ok(Printed::plain(format!("({} {op} {})", side(&left), side(&right)), kind))
    }

    fn concatenated(&mut self, left: &Expr, right: &Expr) -> Result<Printed, SqlError> {
        let (left, right) = (self.print(left)?, self.print(right)?);
        let own = |side: &Printed| {
            side.kind.clone().filter(|kind| kind.sql_type == SqlType::Jsonb || kind.sql_type.item().is_some())
        };
        if let Some(kind) = own(&left).or_else(|| own(&right)) {
            let side = |side: &Printed| self.assigned(side, &kind);
            return Ok(Printed::of(format!("({} || {})", side(&left), side(&right)), bare(&kind)));
        }
        let side = |side: &Printed| match side.sql_type() {
            None if side.open.is_none() => side.text.clone(),
            Some(kind) if !kind.is_text() => side.text.clone(),
            _ => coerced(side, SqlType::Text, self.names),
        };
        Ok(Printed::plain(format!("({} || {})", side(&left), side(&right)), SqlType::Text))
    }

    fn arithmetic(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Printed, SqlError> {
        let (left, right) = (self.print(left)?, self.print(right)?);
        let moment = |side: &Printed| {
            let kind = side.sql_type();
            kind.filter(|kind| {
                matches!(kind, SqlType::Timestamp | SqlType::Timestamptz | SqlType::Date | SqlType::Time)
            })
        };
        if let (Some(kind), Some(open), BinaryOperator::Plus) = (moment(&left), &right.open, op) {
            let span = literal(open, &DeclaredType::plain(SqlType::Interval), self.names);
            return Ok(Printed::plain(format!("({} + {span})", left.text), kind));
        }
        let kind = result_kind(&left, op, &right);
        let (left, right) = match (moment(&left), moment(&right)) {
            (None, None) => self.unified(&left, &right),
            _ => (self.settled(&left), self.settled(&right)),
        };
        let kind = kind.or_else(|| left.sql_type().filter(|kind| Some(*kind) == right.sql_type()));
        Ok(Printed::of(format!("({} {op} {})", left.text, right.text), kind.map(DeclaredType::plain)))
    }

    fn unary(&mut self, op: UnaryOperator, expr: &Expr) -> Result<Printed, SqlError> {
        let inner = self.print(expr)?;
        match op {
            UnaryOperator::Not => {
                let inner = self.assigned(&inner, &DeclaredType::plain(SqlType::Bool));
                Ok(Printed::plain(format!("(NOT {inner})"), SqlType::Bool))
            }
            UnaryOperator::Minus if inner.number && !inner.text.starts_with('\'') => {
                let kind = inner.kind.clone().unwrap_or(DeclaredType::plain(SqlType::Numeric));
                let text = format!("'-{}'::{}", inner.text, self.names.spelled(&kind));
                Ok(Printed { number: true, ..Printed::of(text, kind) })
            }
            UnaryOperator::Plus if inner.number => Ok(inner),
            op => {
                let inner = self.settled(&inner);
                Ok(Printed::of(format!("({op} {})", inner.text), inner.kind))
            }
        }
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Printed, SqlError> {
        let value = self.print(expr)?;
        let items = list.iter().map(|item| self.print(item)).collect::<Result<Vec<_>, _>>()?;
        if let [item] = items.as_slice() {
            let (left, right) = self.unified(&value, item);
            let op = if negated { "<>" } else { "=" };
            return Ok(Printed::plain(format!("({} {op} {})", left.text, right.text), SqlType::Bool));
        }
        let (op, word) = if negated { ("<>", "ALL") } else { ("=", "ANY") };
        let constants = items.iter().all(|item| item.open.is_some());
        // A varchar is compared as text, its list as an array of texts.
        let varchar = value.kind.as_ref().filter(|kind| kind.user_type.is_none() && kind.sql_type == SqlType::Varchar);
        if let Some(kind) = varchar.filter(|_| constants) {
            let list: Vec<String> = items.iter().map(|item| self.assigned(item, kind)).collect();
            let left = coerced(&value, SqlType::Text, self.names);
            return Ok(Printed::plain(
                format!("({left} {op} {word} ((ARRAY[{}])::text[]))", list.join(", ")),
                SqlType::Bool,
            ));
        }
        let pairs: Vec<(Printed, Printed)> = items.iter().map(|item| self.unified(&value, item)).collect();
        let left = pairs.first().map_or_else(|| value.text.clone(), |(left, _)| left.text.clone());
        let list: Vec<String> = pairs.into_iter().map(|(_, item)| item.text).collect();
        Ok(Printed::plain(format!("({left} {op} {word} (ARRAY[{}]))", list.join(", ")), SqlType::Bool))
    }

    fn any(&mut self, left: &Expr, op: &str, word: &str, right: &Expr) -> Result<Printed, SqlError> {
        if let Expr::Subquery(query) = right {
            let left = self.print(left)?;
            let left = self.settled(&left).text;
            let query = self.subquery(query)?;
            return Ok(Printed::plain(format!("({left} {op} {word} ({query}))"), SqlType::Bool));
        }
        let (left, right) = (self.print(left)?, self.print(right)?);
        let item = left.kind.as_ref().and_then(|kind| Some(DeclaredType::plain(kind.sql_type.array()?)));
        let list = match (&right.open, item) {
            (Some(open), Some(kind)) => literal(open, &kind, self.names),
            _ => right.text.clone(),
        };
        Ok(Printed::plain(format!("({} {op} {word} ({list}))", self.settled(&left).text), SqlType::Bool))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Printed, SqlError> {
        let operand = operand.map(|operand| self.print(operand)).transpose()?;
        let mut branches = Vec::new();
        for CaseWhen { condition, result } in conditions {
            let condition = self.print(condition)?;
            let condition = match &operand {
                Some(operand) => self.unified(operand, &condition).1.text,
                None => self.assigned(&condition, &DeclaredType::plain(SqlType::Bool)),
            };
            branches.push((condition, self.print(result)?));
        }
        let otherwise = otherwise.map(|otherwise| self.print(otherwise)).transpose()?;
        let kind = branches.iter().map(|(_, result)| result).chain(&otherwise).find_map(|result| result.kind.clone());
        let kind = kind.map_or_else(|| DeclaredType::plain(SqlType::Text), |kind| bare(&kind));
        let mut text = String::from("\nCASE");
        if let Some(operand) = operand {
            text = format!("{text} {}", self.settled(&operand).text);
        }
        for (condition, result) in &branches {
            text += &format!("\n    WHEN {condition} THEN {}", self.assigned(result, &kind));
        }
        let last = otherwise
            .map_or_else(|| literal(&Open::Null, &kind, self.names), |otherwise| self.assigned(&otherwise, &kind));
        Ok(Printed::of(format!("{text}\n    ELSE {last}\nEND"), kind))
    }

    fn array(&mut self, items: &[Expr]) -> Result<Printed, SqlError> {
        let items = items.iter().map(|item| self.print(item)).collect::<Result<Vec<_>, _>>()?;
        let kind = items.iter().find_map(|item| item.kind.clone());
        let kind = kind.unwrap_or_else(|| DeclaredType::plain(SqlType::Text));
        let list: Vec<String> = items.iter().map(|item| self.assigned(item, &kind)).collect();
        let array = match kind.user_type.and_then(|oid| self.names.catalog.type_by_oid(oid)) {
            Some(user) => kind
                .sql_type
                .array()
                .map(|sql_type| DeclaredType { user_type: Some(user.array_oid), ..DeclaredType::plain(sql_type) }),
            None => kind.sql_type.array().map(DeclaredType::plain),
        };
        Ok(Printed::of(format!("ARRAY[{}]", list.join(", ")), array))
    }
}

/// A number as PostgreSQL types it: by its digits.
fn number(digits: &str) -> Printed {
    let kind = match digits {
        whole if whole.parse::<i32>().is_ok() => SqlType::Int4,
        whole if whole.parse::<i64>().is_ok() => SqlType::Int8,
        _ => SqlType::Numeric,
    };
    let text = if kind == SqlType::Int8 { format!("'{digits}'::bigint") } else { digits.to_owned() };
    Printed { number: true, ..Printed::plain(text, kind) }
}

/// The type of an arithmetic result that its operands' types tell.
fn result_kind(left: &Printed, op: &BinaryOperator, right: &Printed) -> Option<SqlType> {
    use SqlType::{Date, Float8, Int2, Int4, Int8, Interval, Numeric, Time, Timestamp, Timestamptz};
    let (left, right) = (left.sql_type()?, right.sql_type()?);
    let minus = *op == BinaryOperator::Minus;
    Some(match (left, right) {
        (Timestamp | Timestamptz, Timestamp | Timestamptz) | (Time, Time) if minus => Interval,
        (Date, Date) if minus => Int4,
        (Date, Int4 | Int2) | (Int4 | Int2, Date) => Date,
        (Date, Interval) | (Interval, Date) => Timestamp,
        (moment @ (Timestamp | Timestamptz | Time), Interval)
        | (Interval, moment @ (Timestamp | Timestamptz | Time)) => moment,
        (Interval, _) | (_, Interval) => Interval,
        (Int2, Int2) => Int2,
        (Int2 | Int4, Int2 | Int4) => Int4,
        (Int2 | Int4 | Int8, Int2 | Int4 | Int8) => Int8,
        (Numeric, Int2 | Int4 | Int8 | Numeric) | (Int2 | Int4 | Int8, Numeric) => Numeric,
        (one, other) if one.is_number() && other.is_number() => Float8,
        (one, other) if one == other => one,
        _ => return None,
    })
}
