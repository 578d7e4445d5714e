//! Patterns that say the same as LIKE, `=` or IN, and beginnings that every match of a pattern has.
//!
//! Statistics of segments know ranges, LIKE and equality, not regular expressions. So the optimiser puts
//! these in the place of a pattern, or beside it, where it reads nothing but plain ASCII characters.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, Like, ScalarFunction};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ScalarUDF, lit};

/// What a pattern asks of a text.
#[derive(Debug, PartialEq, Eq)]
enum Shape<'a> {
    Contains(&'a str),
    Begins(&'a str),
    Ends(&'a str),
    Is(&'a str),
    OneOf(Vec<&'a str>),
    /// It begins so, and the pattern asks more.
    BeginsAndMore(String),
}

/// A match of a text with a written pattern and no options; `matches` is the function that is left to decide
/// where a beginning alone does not.
pub(super) fn match_as_comparison(
    arguments: &[Expr],
    context: &SimplifyContext,
    matches: &Arc<ScalarUDF>,
) -> Option<Expr> {
    let [text, pattern, options] = arguments else { return None };
    if !literal(options)?.is_empty() || !is_text(text, context) {
        return None;
    }
    let value = || Box::new(text.clone());
    Some(match shape(literal(pattern)?)? {
        Shape::Contains(part) => like(text, format!("%{part}%")),
        Shape::Begins(part) => like(text, format!("{part}%")),
        Shape::Ends(part) => like(text, format!("%{part}")),
        Shape::Is(whole) => text.clone().eq(lit(whole)),
        Shape::OneOf(all) => {
            Expr::InList(InList { expr: value(), list: all.into_iter().map(lit).collect(), negated: false })
        }
        Shape::BeginsAndMore(begin) => {
            // Anything but a column would be computed twice.
            let Expr::Column(_) = text else { return None };
            let call = ScalarFunction::new_udf(Arc::clone(matches), arguments.to_vec());
            begins(text, &begin)?.and(Expr::ScalarFunction(call))
        }
    })
}

/// `starts_with(text, 'begin')` as LIKE.
pub(super) fn start_as_comparison(arguments: &[Expr], context: &SimplifyContext) -> Option<Expr> {
    let [text, begin] = arguments else { return None };
    let begin = literal(begin)?;
    (is_text(text, context) && !begin.is_empty() && begin.chars().all(is_plain))
        .then(|| like(text, format!("{begin}%")))
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text),
        _ => None,
    }
}

fn is_text(expr: &Expr, context: &SimplifyContext) -> bool {
    !matches!(expr, Expr::Literal(..)) && context.get_data_type(expr).is_ok_and(|found| found == DataType::Utf8)
}

fn like(text: &Expr, pattern: String) -> Expr {
    Expr::Like(Like::new(false, Box::new(text.clone()), Box::new(lit(pattern)), None, false))
}

/// All texts that begin so, in the order of bytes, which is the order of texts here.
fn begins(text: &Expr, begin: &str) -> Option<Expr> {
    let mut behind = begin.to_owned();
    let last = behind.pop().filter(char::is_ascii)?;
    behind.push(char::from_u32(u32::from(last) + 1)?);
    Some(text.clone().gt_eq(lit(begin)).and(text.clone().lt(lit(behind))))
}

/// A character that stands for itself in a pattern and in LIKE.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '/' | ' ' | ':' | ',' | '@' | '=')
}

fn shape(pattern: &str) -> Option<Shape<'_>> {
    let (anchored, rest) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
    let (closed, inner) = rest.strip_suffix('$').map_or((false, rest), |inner| (true, inner));
    let is_word = |word: &str| !word.is_empty() && word.chars().all(is_plain);
    if is_word(inner) {
        return Some(match (anchored, closed) {
            (false, false) => Shape::Contains(inner),
            (true, false) => Shape::Begins(inner),
            (false, true) => Shape::Ends(inner),
            (true, true) => Shape::Is(inner),
        });
    }
    if anchored && closed {
        let group = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
        let group = group.map(|group| group.strip_prefix("?:").unwrap_or(group));
        if let Some(words) = group.map(|group| group.split('|').collect::<Vec<_>>())
            && words.iter().all(|word| is_word(word))
        {
            return Some(Shape::OneOf(words));
        }
    }
    (anchored && !rest.contains('|')).then(|| beginning(rest)).flatten().map(Shape::BeginsAndMore)
}

/// The plain characters that a pattern without branches begins with.
fn beginning(rest: &str) -> Option<String> {
    let mut found = String::new();
    let mut characters = rest.chars().peekable();
    while let Some(character) = characters.next() {
        let meant = match character {
            plain if is_plain(plain) || plain == '_' || plain == '%' => plain,
            // `\.` is a point; a letter behind a backslash is something else.
            '\\' => match characters.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => escaped,
                _ => break,
            },
            _ => break,
        };
        // What may be missing or repeated is not certain.
        if matches!(characters.peek(), Some('*' | '+' | '?' | '{')) {
            break;
        }
        found.push(meant);
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::{Shape, shape};

    #[test]
    fn patterns_have_the_shape_that_they_ask_for() {
        let more = |begin: &str| Some(Shape::BeginsAndMore(begin.to_owned()));
        for (pattern, expected) in [
            ("etc", Some(Shape::Contains("etc"))),
            ("^/etc/", Some(Shape::Begins("/etc/"))),
            ("conf$", Some(Shape::Ends("conf"))),
            ("^curl$", Some(Shape::Is("curl"))),
            ("^(curl|wget)$", Some(Shape::OneOf(vec!["curl", "wget"]))),
            ("^/etc/.*passwd", more("/etc/")),
            ("^kube_proxy", more("kube_proxy")),
            (r"^10\.0\.", more("10.0.")),
            ("^abc+", more("ab")),
            ("^abc?d", more("ab")),
            (r"^ab\d", more("ab")),
            ("^ab{2}", more("a")),
            ("^(abc)", None),
            ("^a|b", None),
            ("^*", None),
            ("a.c", None),
            ("", None),
            ("^$", None),
            ("^ä", None),
            ("***=a", None),
        ] {
            assert_eq!(shape(pattern), expected, "{pattern}");
        }
    }
}
