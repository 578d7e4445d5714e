//! How a sequence counts: in CREATE and ALTER SEQUENCE and in identity columns.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::SequenceOptions;
use super::super::Reader;
use super::{qualified_name, types, unsupported, whole_number};
use crate::types::SqlError;

/// Takes the options that come next.
pub(super) fn options(reader: &mut Reader<'_>) -> Result<SequenceOptions, SqlError> {
    let mut options = SequenceOptions::default();
    while option(reader, &mut options)? {}
    Ok(options)
}

/// Takes options in parentheses.
pub(super) fn in_parentheses(reader: &mut Reader<'_>) -> Result<SequenceOptions, SqlError> {
    reader.expect(&Token::LParen)?;
    let options = options(reader)?;
    reader.expect(&Token::RParen)?;
    Ok(options)
}

/// Takes one option if it comes next.
pub(super) fn option(reader: &mut Reader<'_>, options: &mut SequenceOptions) -> Result<bool, SqlError> {
    let word = reader.peek_keyword();
    match word.as_str() {
        "AS" if reader.take_keyword("AS") => options.kind = Some(types::type_reference(reader)?),
        "INCREMENT" if reader.take_keyword("INCREMENT") => {
            reader.take_keyword("BY");
            options.increment = Some(whole_number(reader)?);
        }
        "MINVALUE" if reader.take_keyword("MINVALUE") => options.minimum = Some(Some(whole_number(reader)?)),
        "MAXVALUE" if reader.take_keyword("MAXVALUE") => options.maximum = Some(Some(whole_number(reader)?)),
        "NO" if reader.take_keywords(&["NO", "MINVALUE"]) => options.minimum = Some(None),
        "NO" if reader.take_keywords(&["NO", "MAXVALUE"]) => options.maximum = Some(None),
        "NO" if reader.take_keywords(&["NO", "CYCLE"]) => options.cycle = Some(false),
        "CYCLE" if reader.take_keyword("CYCLE") => options.cycle = Some(true),
        "CACHE" if reader.take_keyword("CACHE") => options.cache = Some(whole_number(reader)?),
        "START" if reader.take_keyword("START") => {
            reader.take_keyword("WITH");
            options.start = Some(whole_number(reader)?);
        }
        "RESTART" if reader.take_keyword("RESTART") => {
            let with = reader.take_keyword("WITH");
            let is_number = matches!(reader.peek(), Some(Token::Number(..) | Token::Minus | Token::Plus));
            options.restart = Some(if with || is_number { Some(whole_number(reader)?) } else { None });
        }
        "SEQUENCE" if reader.take_keywords(&["SEQUENCE", "NAME"]) => options.name = Some(qualified_name(reader)?),
        "OWNED" if reader.take_keywords(&["OWNED", "BY"]) => {
            options.owned_by = Some(if reader.take_keyword("NONE") { None } else { Some(owner(reader)?) });
        }
        "UNLOGGED" | "LOGGED" => return Err(unsupported(format!("{word} of a sequence"))),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Takes `[schema.]table.column`.
fn owner(reader: &mut Reader<'_>) -> Result<(super::QualifiedName, String), SqlError> {
    super::column_name(reader, "invalid OWNED BY option", Some("Specify OWNED BY table.column or OWNED BY NONE."))
}
