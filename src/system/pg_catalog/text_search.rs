//! Text search: which dictionary reads which kind of token, for every configuration that comes with
//! PostgreSQL.

use crate::system::named::{text_search_name, text_search_oid, text_search_oids};
use crate::system::rows::{Rows, Value};

/// The kinds of tokens of PostgreSQL's parser: number, short name, what it is.
pub const TOKEN_TYPES: &[(i32, &str, &str)] = &[
    (1, "asciiword", "Word, all ASCII"),
    (2, "word", "Word, all letters"),
    (3, "numword", "Word, letters and digits"),
    (4, "email", "Email address"),
    (5, "url", "URL"),
    (6, "host", "Host"),
    (7, "sfloat", "Scientific notation"),
    (8, "version", "Version number"),
    (9, "hword_numpart", "Hyphenated word part, letters and digits"),
    (10, "hword_part", "Hyphenated word part, all letters"),
    (11, "hword_asciipart", "Hyphenated word part, all ASCII"),
    (12, "blank", "Space symbols"),
    (13, "tag", "XML tag"),
    (14, "protocol", "Protocol head"),
    (15, "numhword", "Hyphenated word, letters and digits"),
    (16, "asciihword", "Hyphenated word, all ASCII"),
    (17, "hword", "Hyphenated word, all letters"),
    (18, "url_path", "URL path"),
    (19, "file", "File or path name"),
    (20, "float", "Decimal notation"),
    (21, "int", "Signed integer"),
    (22, "uint", "Unsigned integer"),
    (23, "entity", "XML entity"),
];

/// Tokens that no dictionary reads.
const UNREAD: &[&str] = &["blank", "tag", "protocol", "entity"];
/// Tokens that the language's own dictionary reads.
const OF_LANGUAGE: &[&str] = &["word", "hword_part", "hword"];
/// Tokens that are words in ASCII: in languages written otherwise, these are English.
const OF_ASCII: &[&str] = &["asciiword", "hword_asciipart", "asciihword"];
const NOT_IN_ASCII: &[&str] = &["hindi", "russian"];

/// pg_ts_config_map.
pub(super) fn config_map(rows: &mut Rows) {
    for config in text_search_oids("pg_ts_config") {
        let Some(name) = text_search_name("pg_ts_config", config) else { continue };
        for (token, alias, _) in TOKEN_TYPES.iter().filter(|(_, alias, _)| !UNREAD.contains(alias)) {
            let stem = match *alias {
                _ if name == "simple" => "simple".to_owned(),
                alias if OF_ASCII.contains(&alias) && NOT_IN_ASCII.contains(&name.as_str()) => {
                    "english_stem".to_owned()
                }
                alias if OF_ASCII.contains(&alias) || OF_LANGUAGE.contains(&alias) => format!("{name}_stem"),
                _ => "simple".to_owned(),
            };
            let Some(dictionary) = text_search_oid("pg_ts_dict", &stem) else { continue };
            rows.push(&[
                ("mapcfg", config.into()),
                ("maptokentype", Value::Integer(i64::from(*token))),
                ("mapseqno", Value::Integer(1)),
                ("mapdict", dictionary.into()),
            ]);
        }
    }
}
