//! DROP and COMMENT ON.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{CommentTarget, Definition, ObjectKind};
use super::super::Reader;
use super::{cascade, column_name, if_exists, object_kind, qualified_name, qualified_names};
use crate::types::SqlError;

/// What follows DROP.
pub(super) fn drop_objects(reader: &mut Reader<'_>) -> Result<Option<Definition>, SqlError> {
    let Some(kind) = object_kind(reader) else { return Ok(None) };
    if kind == ObjectKind::Index {
        reader.take_keyword("CONCURRENTLY");
    }
    let if_exists = if_exists(reader);
    let names = if kind == ObjectKind::Database { vec![qualified_name(reader)?] } else { qualified_names(reader)? };
    if kind == ObjectKind::Database {
        reader.take_keyword("WITH");
        if reader.take(&Token::LParen) {
            reader.expect_keyword("FORCE")?;
            reader.expect(&Token::RParen)?;
        }
    }
    Ok(Some(Definition::Drop { kind, names, if_exists, cascade: cascade(reader) }))
}

/// What follows COMMENT.
pub(super) fn comment(reader: &mut Reader<'_>) -> Result<Option<Definition>, SqlError> {
    reader.expect_keyword("ON")?;
    let target = if reader.take_keyword("COLUMN") {
        let (table, column) = column_name(reader, "column name must be qualified", None)?;
        CommentTarget::Column(table, column)
    } else if reader.take_keyword("CONSTRAINT") {
        let name = reader.name()?;
        reader.expect_keyword("ON")?;
        let on_domain = reader.take_keyword("DOMAIN");
        let object = qualified_name(reader)?;
        if on_domain { CommentTarget::DomainConstraint(name, object) } else { CommentTarget::Constraint(name, object) }
    } else if let Some(kind) = object_kind(reader) {
        CommentTarget::Object(kind, qualified_name(reader)?)
    } else {
        return Ok(None);
    };
    reader.expect_keyword("IS")?;
    let text = if reader.take_keyword("NULL") { None } else { Some(reader.text_literal()?) };
    Ok(Some(Definition::Comment { target, text: text.filter(|text| !text.is_empty()) }))
}
