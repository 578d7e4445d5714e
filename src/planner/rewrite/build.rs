//! Small pieces of syntax trees.

use datafusion::sql::sqlparser::ast::{
    Array, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, Value, ValueWithSpan,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Span;

/// A text literal.
pub(super) fn text(value: &str) -> Expr {
    literal(Value::SingleQuotedString(value.to_owned()))
}

/// A number literal.
pub(super) fn number(value: &str) -> Expr {
    literal(Value::Number(value.to_owned(), false))
}

/// TRUE or FALSE.
pub(super) fn truth(value: bool) -> Expr {
    literal(Value::Boolean(value))
}

/// NULL.
pub(super) fn null() -> Expr {
    literal(Value::Null)
}

fn literal(value: Value) -> Expr {
    Expr::Value(ValueWithSpan { value, span: Span::empty() })
}

/// The text of a text literal.
pub(super) fn text_of(expr: &Expr) -> Option<&str> {
    let Expr::Value(value) = expr else { return None };
    match &value.value {
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
        _ => None,
    }
}

/// A call with plain arguments.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    call_with(name, arguments, Vec::new())
}

/// A call with plain arguments and clauses such as ORDER BY.
pub(super) fn call_with(name: &str, arguments: Vec<Expr>, clauses: Vec<FunctionArgumentClause>) -> Expr {
    let args = arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)));
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses,
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// An array of expressions.
pub(super) fn array(items: Vec<Expr>) -> Expr {
    Expr::Array(Array { elem: items, named: true })
}

/// The parts of a name, lower case where they are not quoted.
pub(in crate::planner) fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(ObjectNamePart::as_ident).map(folded).collect()
}

/// An identifier as the engine reads it.
pub(in crate::planner) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The last part of a name.
pub(in crate::planner) fn last_part(name: &ObjectName) -> Option<String> {
    parts(name).pop()
}

/// The plain arguments of a call; none when one is named or `*`.
pub(super) fn plain_arguments(function: &Function) -> Option<Vec<&Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let plain =
        |argument: &'_ FunctionArg| -> bool { matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(_))) };
    if !list.args.iter().all(plain) {
        return None;
    }
    Some(
        list.args
            .iter()
            .filter_map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                _ => None,
            })
            .collect(),
    )
}

/// Arguments of a function over jsonb: a text that is written out is jsonb there.
pub(super) fn with_jsonb(function: &str, mut arguments: Vec<Expr>) -> Vec<Expr> {
    if let Some(first) = arguments.first_mut()
        && function.starts_with("jsonb_")
        && !function.starts_with("jsonb_build")
        && function != "jsonb_object"
        && text_of(first).is_some()
    {
        *first = call("as_jsonb", vec![first.clone()]);
    }
    arguments
}

/// A query from its text, for trees that are easier to read as one.
pub(super) fn parse_query(text: &str) -> Option<Query> {
    Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?.parse_query().ok().map(|query| *query)
}

/// The elements of an array literal in PostgreSQL's text form, `{a,"b c",NULL}`.
pub(in crate::planner) fn array_literal(text: &str) -> Option<Vec<Option<String>>> {
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if inside.trim().is_empty() {
        return Some(elements);
    }
    let mut characters = inside.chars().peekable();
    loop {
        let (mut element, mut quoted) = (String::new(), false);
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        if characters.next_if_eq(&'"').is_some() {
            quoted = true;
            loop {
                match characters.next()? {
                    '"' => break,
                    '\\' => element.push(characters.next()?),
                    character => element.push(character),
                }
            }
        }
        while let Some(character) = characters.next_if(|character| *character != ',') {
            match character {
                '{' | '}' | '"' => return None,
                '\\' => element.push(characters.next()?),
                character if quoted && character.is_whitespace() => {}
                character => element.push(character),
            }
        }
        let is_null = !quoted && element.trim().eq_ignore_ascii_case("null");
        let element = if quoted { element } else { element.trim().to_owned() };
        elements.push((!is_null).then_some(element));
        if characters.next().is_none() {
            return Some(elements);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::array_literal;

    #[test]
    fn array_literals_are_read() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(array_literal("{}"), Some(vec![]));
        assert_eq!(array_literal("{a, \"b,c\" ,NULL}"), Some(vec![some("a"), some("b,c"), None]));
        assert_eq!(array_literal("{\"NULL\",\"q\\\"\"}"), Some(vec![some("NULL"), some("q\"")]));
        assert_eq!(array_literal("{{1}}"), None);
        assert_eq!(array_literal("a"), None);
    }
}
