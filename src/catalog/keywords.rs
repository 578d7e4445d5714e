//! The key words that cannot stand for a name everywhere (PostgreSQL's documentation, appendix "SQL Key Words").

/// Whether PostgreSQL reserves the word, and it stands for no value: it is never a name without quotes.
pub fn is_reserved(word: &str) -> bool {
    holds(RESERVED, word)
}

/// Whether nothing can be called by the word without quotes: also one that stands for a value.
pub fn names_nothing(word: &str) -> bool {
    [RESERVED, VALUES].iter().any(|words| holds(words, word))
}

/// Whether a name that is this word is written in quotes by PostgreSQL.
pub(super) fn is_quoted(word: &str) -> bool {
    [RESERVED, VALUES, FUNCTIONS_AND_TYPES, COLUMNS].iter().any(|words| holds(words, word))
}

/// Whether the engine's parser takes the word, no key word of PostgreSQL's, for more than a name.
pub(super) fn is_quoted_for_engine(word: &str) -> bool {
    holds(ENGINE, word)
}

/// Each list is sorted.
fn holds(words: &[&str], word: &str) -> bool {
    words.binary_search(&word).is_ok()
}

/// Reserved words that stand for nothing by themselves.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "not",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "union",
    "unique",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// Reserved words that are values.
const VALUES: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "false",
    "localtime",
    "localtimestamp",
    "null",
    "session_user",
    "true",
    "user",
];

/// Words that may be names of functions and types only.
const FUNCTIONS_AND_TYPES: &[&str] = &[
    "authorization",
    "binary",
    "collation",
    "concurrently",
    "cross",
    "current_schema",
    "freeze",
    "full",
    "ilike",
    "inner",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "natural",
    "notnull",
    "outer",
    "overlaps",
    "right",
    "similar",
    "tablesample",
    "verbose",
];

/// Words that may be names of columns and tables, not of functions and types.
const COLUMNS: &[&str] = &[
    "between",
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "coalesce",
    "dec",
    "decimal",
    "exists",
    "extract",
    "float",
    "greatest",
    "grouping",
    "inout",
    "int",
    "integer",
    "interval",
    "least",
    "national",
    "nchar",
    "none",
    "normalize",
    "nullif",
    "numeric",
    "out",
    "overlay",
    "position",
    "precision",
    "real",
    "row",
    "setof",
    "smallint",
    "substring",
    "time",
    "timestamp",
    "treat",
    "trim",
    "values",
    "varchar",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// Words that the engine's parser trips over.
const ENGINE: &[&str] = &["by", "date", "filter", "over", "partition", "qualify", "set", "settings", "top", "view"];

#[cfg(test)]
mod tests {
    use super::{COLUMNS, ENGINE, FUNCTIONS_AND_TYPES, RESERVED, VALUES};

    #[test]
    fn lists_are_sorted_for_the_search() {
        for words in [RESERVED, VALUES, FUNCTIONS_AND_TYPES, COLUMNS, ENGINE] {
            assert!(words.is_sorted(), "{words:?}");
        }
    }
}
