//! Names of objects in the SQL texts that the catalog keeps.
//!
//! Those texts name every relation, sequence and type of a user with its schema: as `schema.name`, or inside a
//! literal such as `nextval('schema.name'::regclass)`. So what a text depends on, what a renaming changes and what
//! can be shown without its schema is found here without a parser.

use std::ops::Range;

use super::ident::{quote_ident, split_quoted};
use super::model::Database;

/// `schema.name` in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    range: Range<usize>,
    schema: String,
    name: String,
}

/// What may be objects of schemas in a text: every `a.b`, also such as are a table and its column.
pub fn named_objects(sql: &str) -> Vec<(String, String)> {
    pairs(sql).into_iter().map(|pair| (pair.schema, pair.name)).collect()
}

/// The text with another schema and name for an object; a relation in FROM keeps its old name for its columns.
pub fn with_object_renamed(sql: &str, old: (&str, &str), new: (&str, &str)) -> String {
    let mut renamed = String::with_capacity(sql.len() + 16);
    let mut done = 0;
    for pair in pairs(sql).into_iter().filter(|pair| pair.schema == old.0 && pair.name == old.1) {
        renamed += &sql[done..pair.range.start];
        renamed += &format!("{}.{}", quote_ident(new.0), quote_ident(new.1));
        let before = sql[..pair.range.start].trim_end();
        let is_relation = ["FROM", "JOIN", ",", "("].iter().any(|word| before.ends_with(word));
        let after = sql[pair.range.end..].chars().find(|character| *character != ' ');
        let has_alias = after.is_some_and(|after| after.is_ascii_lowercase() || after == '"' || after == '_');
        if old.1 != new.1 && is_relation && !has_alias {
            renamed += &format!(" {}", quote_ident(old.1));
        }
        done = pair.range.end;
    }
    renamed + &sql[done..]
}

/// The text as a session with this search path is shown it: without schemas where the bare name means the same.
pub fn shown_text(sql: &str, database: &Database, search_path: &[String]) -> String {
    let mut shown = String::with_capacity(sql.len());
    let mut done = 0;
    for pair in pairs(sql) {
        let holds = |schema: &String| {
            database.schemas.get(schema).is_some_and(|schema| {
                schema.tables.contains_key(&pair.name)
                    || schema.views.contains_key(&pair.name)
                    || schema.sequences.contains_key(&pair.name)
                    || schema.types.contains_key(&pair.name)
            })
        };
        let first = search_path.iter().find(|schema| holds(schema));
        if first.is_some_and(|first| *first == pair.schema) {
            shown += &sql[done..pair.range.start];
            shown += &quote_ident(&pair.name);
            done = pair.range.end;
        }
    }
    shown + &sql[done..]
}

fn pairs(sql: &str) -> Vec<Pair> {
    let mut found = Vec::new();
    let mut place = 0;
    let mut last: Option<(Range<usize>, String)> = None;
    let mut dotted = false;
    while let Some(character) = sql[place..].chars().next() {
        let start = place;
        if character == '\'' {
            let end = end_of_literal(sql, place);
            // A literal that is the name of a relation.
            if sql[end..].starts_with("::regclass") {
                let inside = start + 1..end - 1;
                let text = sql[inside.clone()].replace("''", "'");
                found.extend(pairs(&text).into_iter().map(|pair| Pair {
                    range: inside.start + pair.range.start..inside.start + pair.range.end,
                    ..pair
                }));
            }
            (last, dotted, place) = (None, false, end);
        } else if character == '"' || character.is_alphabetic() || character == '_' {
            let (end, name) = identifier(sql, place);
            place = end;
            match last.take() {
                Some((range, schema)) if dotted => found.push(Pair { range: range.start..end, schema, name }),
                _ => last = Some((start..end, name)),
            }
            dotted = false;
        } else {
            dotted = character == '.' && last.is_some();
            if !dotted {
                last = None;
            }
            place += character.len_utf8();
        }
    }
    found
}

fn end_of_literal(sql: &str, start: usize) -> usize {
    let escapes = sql[..start].ends_with('E');
    let mut characters = sql[start + 1..].char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' if escapes => drop(characters.next()),
            '\'' if characters.peek().is_some_and(|(_, next)| *next == '\'') => drop(characters.next()),
            '\'' => return start + 1 + index + 1,
            _ => {}
        }
    }
    sql.len()
}

fn identifier(sql: &str, start: usize) -> (usize, String) {
    let rest = &sql[start..];
    if let Some(quoted) = rest.strip_prefix('"') {
        let (name, after) = split_quoted(quoted).unwrap_or_else(|| (quoted.to_owned(), ""));
        return (sql.len() - after.len(), name);
    }
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == '$';
    let length = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
    (start + length, rest[..length].to_owned())
}

#[cfg(test)]
mod tests {
    use super::{named_objects, with_object_renamed};

    #[test]
    fn objects_are_found_in_names_and_literals() {
        let pair = |schema: &str, name: &str| (schema.to_owned(), name.to_owned());
        assert_eq!(named_objects("'low'::public.level"), [pair("public", "level")]);
        assert_eq!(named_objects("nextval('public.t_id_seq'::regclass)"), [pair("public", "t_id_seq")]);
        assert_eq!(named_objects("'a.b'::text || \"S\".\"x y\""), [pair("S", "x y")]);
    }

    #[test]
    fn a_renamed_table_keeps_its_name_for_columns() {
        let sql = "SELECT a.x FROM public.a JOIN public.b z ON ((a.x = z.x))";
        let renamed = with_object_renamed(sql, ("public", "a"), ("public", "c"));
        assert_eq!(renamed, "SELECT a.x FROM public.c a JOIN public.b z ON ((a.x = z.x))");
        let renamed = with_object_renamed(sql, ("public", "b"), ("s", "d"));
        assert_eq!(renamed, "SELECT a.x FROM public.a JOIN s.d z ON ((a.x = z.x))");
        let default = with_object_renamed("nextval('public.s'::regclass)", ("public", "s"), ("public", "t"));
        assert_eq!(default, "nextval('public.t'::regclass)");
    }
}
