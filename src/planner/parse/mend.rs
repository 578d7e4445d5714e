//! What the engine's parser does not read, in tokens that it reads and that mean the same.
//!
//! - `a JOIN b JOIN c ON x ON y`: the inner join gets parentheses;
//! - `FOR NO KEY UPDATE`, `FOR KEY SHARE`: the locks that it knows, since a read locks nothing here;
//! - `inet '10.0.0.1'`: a type that it does not know before a text stands behind it, `'10.0.0.1'::inet`;
//! - `(TABLE t)`, `UNION TABLE t`: `SELECT * FROM t`;
//! - `x IN (VALUES (1))`: a SELECT of these;
//! - `pg_catalog.substring(a, 1)`: behind a schema, such a word is the name of a plain function.
//!
//! Tokens that are added have the place of a neighbour, so that errors point into the client's text.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

/// A parser of a text whose tokens are mended.
pub(in crate::planner) fn parser(sql: &str) -> Result<Parser<'static>, ParserError> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location()?;
    let told = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    Ok(parser_of(told.collect()))
}

/// The same for tokens, blanks and comments left out.
pub(super) fn parser_of(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(&PostgreSqlDialect {}).with_tokens_with_locations(mended(tokens))
}

fn mended(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let tokens = with_casts_behind(with_whole_tables(with_known_locks(tokens)));
    with_joins_in_parentheses(with_plain_functions(tokens))
}

fn keyword(token: Option<&TokenWithSpan>) -> Keyword {
    match token.map(|token| &token.token) {
        Some(Token::Word(Word { quote_style: None, keyword, .. })) => *keyword,
        _ => Keyword::NoKeyword,
    }
}

fn with_known_locks(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut known = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((token, behind)) = rest.split_first() {
        known.push(token.clone());
        rest = behind;
        if keyword(Some(token)) == Keyword::FOR {
            let ahead = [0, 1, 2].map(|place| keyword(behind.get(place)));
            let skipped = match ahead {
                [Keyword::NO, Keyword::KEY, Keyword::UPDATE] => 2,
                [Keyword::KEY, Keyword::SHARE, _] => 1,
                _ => 0,
            };
            rest = behind.get(skipped..).unwrap_or_default();
        }
    }
    known
}

/// Types that the parser does not read before a text.
const PREFIXES: [&str; 10] =
    ["inet", "cidr", "name", "oid", "bpchar", "regclass", "regtype", "regproc", "regrole", "regnamespace"];

fn with_casts_behind(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut place = 0;
    while place + 1 < tokens.len() {
        let is_prefix = match &tokens[place].token {
            Token::Word(word) => {
                word.quote_style.is_none() && PREFIXES.contains(&word.value.to_ascii_lowercase().as_str())
            }
            _ => false,
        };
        let is_text = matches!(tokens[place + 1].token, Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_));
        // Behind a dot it is a column, behind AS an alias.
        let before = place.checked_sub(1).and_then(|before| tokens.get(before));
        let is_named = before.is_some_and(|token| token.token == Token::Period) || keyword(before) == Keyword::AS;
        if is_prefix && is_text && !is_named {
            tokens.swap(place, place + 1);
            let cast = TokenWithSpan { token: Token::DoubleColon, span: tokens[place].span };
            tokens.insert(place + 1, cast);
        }
        place += 1;
    }
    tokens
}

/// `TABLE t` where a query may begin inside a statement, and VALUES behind `IN (`.
fn with_whole_tables(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const UNITING: [Keyword; 3] = [Keyword::UNION, Keyword::EXCEPT, Keyword::INTERSECT];
    let mut whole = Vec::with_capacity(tokens.len());
    for (place, token) in tokens.iter().enumerate() {
        let before = |back: usize| place.checked_sub(back).and_then(|place| tokens.get(place));
        let is_united = match keyword(before(1)) {
            Keyword::ALL | Keyword::DISTINCT => UNITING.contains(&keyword(before(2))),
            word => UNITING.contains(&word),
        };
        let is_inside = before(1).is_some_and(|before| before.token == Token::LParen);
        let names_relation = matches!(tokens.get(place + 1).map(|next| &next.token), Some(Token::Word(_)));
        if keyword(Some(token)) == Keyword::TABLE && names_relation && (is_united || is_inside) {
            let words = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM")];
            whole.extend(words.map(|word| TokenWithSpan { token: word, span: token.span }));
        } else {
            whole.push(token.clone());
        }
    }
    with_values_in_lists(whole)
}

/// `IN (VALUES (1), (2))` as `IN (SELECT * FROM (VALUES (1), (2)) AS in_list)`.
fn with_values_in_lists(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_list = |place: usize| {
        keyword(tokens.get(place)) == Keyword::IN
            && tokens.get(place + 1).is_some_and(|next| next.token == Token::LParen)
            && keyword(tokens.get(place + 2)) == Keyword::VALUES
    };
    if !(0..tokens.len()).any(is_list) {
        return tokens;
    }
    let mut whole = Vec::with_capacity(tokens.len() + 8);
    // How many parentheses are open, and at which of these depths a list of values is.
    let (mut depth, mut lists) = (0_usize, Vec::new());
    for (place, token) in tokens.iter().enumerate() {
        let added = |token_added: Token| TokenWithSpan { token: token_added, span: token.span };
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                if lists.last() == Some(&depth) {
                    lists.pop();
                    let name = Token::make_word("in_list", Some('"'));
                    whole.extend([Token::RParen, Token::make_keyword("AS"), name].map(added));
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        whole.push(token.clone());
        if token.token == Token::LParen && place > 0 && is_list(place - 1) {
            lists.push(depth);
            let words = [Token::make_keyword("SELECT"), Token::Mul, Token::make_keyword("FROM"), Token::LParen];
            whole.extend(words.map(added));
        }
    }
    whole
}

fn with_plain_functions(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for place in 1..tokens.len().saturating_sub(1) {
        let is_call = tokens[place - 1].token == Token::Period && tokens[place + 1].token == Token::LParen;
        if !is_call || keyword(tokens.get(place)) == Keyword::NoKeyword {
            continue;
        }
        if let Token::Word(word) = &mut tokens[place].token {
            word.value = word.value.to_lowercase();
            word.quote_style = Some('"');
            word.keyword = Keyword::NoKeyword;
        }
    }
    tokens
}

/// A join that waits for its condition.
struct Open {
    /// Where the table on its right side begins.
    right: usize,
    /// Another join has begun there.
    holds_join: bool,
}

fn with_joins_in_parentheses(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let (mut outer, mut open) = (Vec::new(), Vec::<Open>::new());
    // Where parentheses are to be put: before which token, and which one.
    let mut added: Vec<(usize, Token)> = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen | Token::LBracket => outer.push(std::mem::take(&mut open)),
            Token::RParen | Token::RBracket => open = outer.pop().unwrap_or_default(),
            _ => {}
        }
        match keyword(Some(token)) {
            Keyword::JOIN => {
                if let Some(waiting) = open.last_mut() {
                    waiting.holds_join = true;
                }
                if takes_condition(&tokens[..place]) {
                    open.push(Open { right: place + 1, holds_join: false });
                }
            }
            Keyword::ON | Keyword::USING => {
                if let Some(Open { right, holds_join: true }) = open.pop() {
                    added.push((right, Token::LParen));
                    added.push((place, Token::RParen));
                }
            }
            Keyword::SELECT | Keyword::WHERE | Keyword::GROUP | Keyword::ORDER => open.clear(),
            _ => {}
        }
    }
    if added.is_empty() {
        return tokens;
    }
    added.sort_by_key(|(place, _)| *place);
    let mut added = added.into_iter().peekable();
    let mut whole = Vec::new();
    for (place, token) in tokens.into_iter().enumerate() {
        while let Some((_, parenthesis)) = added.next_if(|(before, _)| *before == place) {
            whole.push(TokenWithSpan { token: parenthesis, span: token.span });
        }
        whole.push(token);
    }
    whole
}

/// Whether the JOIN behind these tokens is followed by ON or USING: it is neither CROSS nor NATURAL.
fn takes_condition(before: &[TokenWithSpan]) -> bool {
    let kinds = [Keyword::INNER, Keyword::LEFT, Keyword::RIGHT, Keyword::FULL, Keyword::OUTER];
    let first = before.iter().rev().map(|token| keyword(Some(token))).find(|word| !kinds.contains(word));
    !matches!(first, Some(Keyword::CROSS | Keyword::NATURAL))
}

#[cfg(test)]
mod tests {
    use super::parser;

    fn read(sql: &str) -> String {
        let mut parser = parser(sql).expect(sql);
        parser.parse_query().map_or_else(|error| error.to_string(), |query| query.to_string())
    }

    #[test]
    fn a_join_inside_of_a_join_needs_no_parentheses() {
        let nested = [
            ("SELECT 1 FROM a JOIN b JOIN c ON x ON y", "SELECT 1 FROM a JOIN (b JOIN c ON x) ON y"),
            (
                "SELECT 1 FROM a LEFT JOIN b FULL OUTER JOIN c JOIN d USING (i) ON x ON y",
                "SELECT 1 FROM a LEFT JOIN (b FULL JOIN (c JOIN d USING(i)) ON x) ON y",
            ),
            ("SELECT 1 FROM a JOIN b CROSS JOIN c ON x", "SELECT 1 FROM a JOIN (b CROSS JOIN c) ON x"),
            ("SELECT 1 FROM a JOIN b NATURAL JOIN c ON x", "SELECT 1 FROM a JOIN (b NATURAL JOIN c) ON x"),
            ("SELECT 1 FROM a JOIN b ON x JOIN c ON y", "SELECT 1 FROM a JOIN b ON x JOIN c ON y"),
            ("SELECT 1 FROM a JOIN (b JOIN c ON x) ON y", "SELECT 1 FROM a JOIN (b JOIN c ON x) ON y"),
            (
                "SELECT DISTINCT ON (i) 1 FROM a JOIN b ON (SELECT 1 FROM c JOIN d JOIN e ON p ON q)",
                "SELECT DISTINCT ON (i) 1 FROM a JOIN b ON (SELECT 1 FROM c JOIN (d JOIN e ON p) ON q)",
            ),
        ];
        for (sql, same) in nested {
            assert_eq!(read(sql), same);
        }
    }

    #[test]
    fn a_type_before_a_text_is_a_cast() {
        assert_eq!(read("SELECT inet '10.0.0.1', CIDR '10/8'"), "SELECT '10.0.0.1'::inet, '10/8'::CIDR");
        assert_eq!(read("SELECT a.name, 'x' AS name"), "SELECT a.name, 'x' AS name");
    }

    #[test]
    fn all_row_locks_are_read() {
        assert_eq!(read("SELECT 1 FROM a FOR NO KEY UPDATE"), "SELECT 1 FROM a FOR UPDATE");
        assert_eq!(read("SELECT 1 FROM a FOR KEY SHARE NOWAIT"), "SELECT 1 FROM a FOR SHARE NOWAIT");
    }

    #[test]
    fn whole_tables_and_lists_of_values_are_queries() {
        let same = [
            ("SELECT 1 FROM (TABLE a) AS t", "SELECT 1 FROM (SELECT * FROM a) AS t"),
            ("SELECT 1 UNION ALL TABLE a", "SELECT 1 UNION ALL SELECT * FROM a"),
            (
                "SELECT 1 WHERE x IN (VALUES (1), (f(2))) AND (y)",
                "SELECT 1 WHERE x IN (SELECT * FROM (VALUES (1), (f(2))) AS \"in_list\") AND (y)",
            ),
        ];
        for (sql, read_as) in same {
            assert_eq!(read(sql), read_as);
        }
    }

    #[test]
    fn a_word_behind_a_schema_names_a_function() {
        assert_eq!(
            read("SELECT pg_catalog.Substring('a', 1), pg_catalog.current_user()"),
            "SELECT pg_catalog.\"substring\"('a', 1), pg_catalog.\"current_user\"()"
        );
    }
}
