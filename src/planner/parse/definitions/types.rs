//! Types as SQL spells them.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{QualifiedName, TypeReference};
use super::super::Reader;
use super::qualified_name;
use crate::types::{Code, SqlError};

/// Spellings of several words, and what PostgreSQL calls them; the longest of a start first.
const SPELLED: &[(&[&str], &str)] = &[
    (&["DOUBLE", "PRECISION"], "float8"),
    (&["CHARACTER", "VARYING"], "varchar"),
    (&["CHAR", "VARYING"], "varchar"),
    (&["NATIONAL", "CHARACTER", "VARYING"], "varchar"),
    (&["NATIONAL", "CHAR", "VARYING"], "varchar"),
    (&["NATIONAL", "CHARACTER"], "bpchar"),
    (&["NATIONAL", "CHAR"], "bpchar"),
    (&["NCHAR", "VARYING"], "varchar"),
    (&["BIT", "VARYING"], "varbit"),
    (&["NCHAR"], "bpchar"),
    (&["CHARACTER"], "bpchar"),
    (&["CHAR"], "bpchar"),
    (&["VARCHAR"], "varchar"),
    (&["BOOLEAN"], "bool"),
    (&["SMALLINT"], "int2"),
    (&["INTEGER"], "int4"),
    (&["INT"], "int4"),
    (&["BIGINT"], "int8"),
    (&["REAL"], "float4"),
    (&["FLOAT"], "float"),
    (&["DECIMAL"], "numeric"),
    (&["DEC"], "numeric"),
    (&["NUMERIC"], "numeric"),
    (&["BIT"], "bit"),
    (&["TIMESTAMP"], "timestamp"),
    (&["TIME"], "time"),
    (&["INTERVAL"], "interval"),
];
/// Most digits of a real; a float of more is a double precision.
const REAL_BITS_MAX: i64 = 24;
/// The words of an interval's fields.
const INTERVAL_FIELDS: &[&str] = &["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO"];

/// Takes a type.
pub(super) fn type_reference(reader: &mut Reader<'_>) -> Result<TypeReference, SqlError> {
    let position = reader.position();
    reader.take_keyword("SETOF");
    let spelled = SPELLED.iter().find(|(words, _)| reader.take_keywords(words)).map(|(_, name)| *name);
    let (name, modifiers) = match spelled {
        Some(name) => spelled_type(reader, name, position)?,
        None => (qualified_name(reader)?, modifiers(reader)?),
    };
    Ok(TypeReference { name, modifiers, is_array: dimensions(reader)? })
}

fn spelled_type(
    reader: &mut Reader<'_>,
    name: &'static str,
    position: u32,
) -> Result<(QualifiedName, Vec<i64>), SqlError> {
    let mut modifiers = modifiers(reader)?;
    let mut short = name;
    match name {
        "timestamp" | "time" => {
            if reader.take_keywords(&["WITH", "TIME", "ZONE"]) {
                short = if name == "time" { "timetz" } else { "timestamptz" };
            } else {
                reader.take_keywords(&["WITHOUT", "TIME", "ZONE"]);
            }
        }
        "interval" => {
            while INTERVAL_FIELDS.iter().any(|word| reader.take_keyword(word)) {}
            if modifiers.is_empty() {
                modifiers = self::modifiers(reader)?;
            }
        }
        "float" => short = float(&std::mem::take(&mut modifiers), position)?,
        "bpchar" if modifiers.is_empty() => modifiers.push(1),
        _ => {}
    }
    let schema = Some(String::from("pg_catalog"));
    Ok((QualifiedName { database: None, schema, name: short.to_owned(), position }, modifiers))
}

fn float(bits: &[i64], position: u32) -> Result<&'static str, SqlError> {
    let refused = |text: &str| Err(SqlError::new(Code::InvalidParameterValue, text).at(position));
    match bits.first() {
        None => Ok("float8"),
        Some(bits) if *bits < 1 => refused("precision for type float must be at least 1 bit"),
        Some(bits) if *bits <= REAL_BITS_MAX => Ok("float4"),
        Some(bits) if *bits <= 53 => Ok("float8"),
        Some(_) => refused("precision for type float must be less than 54 bits"),
    }
}

/// Takes `(n, m)` if it comes next.
fn modifiers(reader: &mut Reader<'_>) -> Result<Vec<i64>, SqlError> {
    let mut modifiers = Vec::new();
    if !reader.take(&Token::LParen) {
        return Ok(modifiers);
    }
    loop {
        modifiers.push(super::whole_number(reader)?);
        if reader.take(&Token::RParen) {
            return Ok(modifiers);
        }
        reader.expect(&Token::Comma)?;
    }
}

/// Takes `[]`, `[3]` or ARRAY behind a type.
fn dimensions(reader: &mut Reader<'_>) -> Result<bool, SqlError> {
    let mut is_array = false;
    if reader.take_keyword("ARRAY") {
        is_array = true;
    }
    while reader.take(&Token::LBracket) {
        is_array = true;
        reader.take_count();
        reader.expect(&Token::RBracket)?;
    }
    Ok(is_array)
}
