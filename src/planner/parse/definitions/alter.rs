//! ALTER of databases, schemas, tables, views, indexes, sequences, types and domains.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{
    ColumnChange, Definition, ObjectChange, ObjectKind, QualifiedName, SequenceOptions, TableChange,
};
use super::super::Reader;
use super::columns::{column, default_expression, identity_kind, table_constraint};
use super::{
    cascade, if_exists, if_not_exists, object_kind, parenthesized, qualified_name, role, sequences, storage_parameters,
    types, unsupported,
};
use crate::types::SqlError;

/// What follows ALTER.
pub(super) fn alter(reader: &mut Reader<'_>) -> Result<Option<Definition>, SqlError> {
    let Some(kind) = object_kind(reader) else { return Ok(None) };
    let if_exists = if_exists(reader);
    if kind == ObjectKind::Table {
        reader.take_keyword("ONLY");
    }
    let name = qualified_name(reader)?;
    reader.take(&Token::Mul);
    if let Some(change) = common_change(reader, kind)? {
        return Ok(Some(Definition::Alter { kind, name, if_exists, change: Box::new(change) }));
    }
    let change = match kind {
        ObjectKind::Table => return table(reader, name, if_exists).map(Some),
        ObjectKind::View | ObjectKind::MaterializedView => view(reader)?,
        ObjectKind::Sequence => sequence(reader)?,
        ObjectKind::Type => enumeration(reader)?,
        ObjectKind::Domain => domain(reader)?,
        ObjectKind::Index => parameters(reader)?,
        ObjectKind::Database | ObjectKind::Schema => {
            reader.rest();
            ObjectChange::Nothing
        }
    };
    Ok(Some(Definition::Alter { kind, name, if_exists, change: Box::new(change) }))
}

/// What several kinds of objects have in common.
fn common_change(reader: &mut Reader<'_>, kind: ObjectKind) -> Result<Option<ObjectChange>, SqlError> {
    if kind == ObjectKind::Type && reader.take_keywords(&["RENAME", "VALUE"]) {
        let old = reader.text_literal()?;
        reader.expect_keyword("TO")?;
        return Ok(Some(ObjectChange::RenameLabel(old, reader.text_literal()?)));
    }
    if reader.take_keyword("RENAME") {
        return renaming(reader).map(Some);
    }
    // In ALTER TABLE this may be one of several changes.
    if kind != ObjectKind::Table && reader.take_keywords(&["OWNER", "TO"]) {
        return Ok(Some(ObjectChange::Owner(role(reader)?)));
    }
    if reader.take_keywords(&["SET", "SCHEMA"]) {
        return Ok(Some(ObjectChange::SetSchema(reader.name()?)));
    }
    Ok(None)
}

fn renaming(reader: &mut Reader<'_>) -> Result<ObjectChange, SqlError> {
    if reader.take_keyword("TO") {
        return Ok(ObjectChange::Rename(reader.free_name()?));
    }
    if reader.take_keyword("CONSTRAINT") {
        let old = reader.name()?;
        reader.expect_keyword("TO")?;
        return Ok(ObjectChange::RenameConstraint(old, reader.name()?));
    }
    reader.take_keyword("COLUMN");
    let old = reader.name()?;
    reader.expect_keyword("TO")?;
    Ok(ObjectChange::RenameColumn(old, reader.free_name()?))
}

fn parameters(reader: &mut Reader<'_>) -> Result<ObjectChange, SqlError> {
    if reader.take_keywords(&["SET", "TABLESPACE"]) {
        reader.name()?;
    } else if reader.take_keyword("SET") || reader.take_keyword("RESET") {
        storage_parameters(reader)?;
    } else {
        return Err(reader.error());
    }
    Ok(ObjectChange::Nothing)
}

fn view(reader: &mut Reader<'_>) -> Result<ObjectChange, SqlError> {
    if reader.take_keyword("ALTER") {
        return Err(unsupported("ALTER VIEW ... ALTER COLUMN"));
    }
    parameters(reader)
}

fn sequence(reader: &mut Reader<'_>) -> Result<ObjectChange, SqlError> {
    let options = sequences::options(reader)?;
    if options == SequenceOptions::default() {
        Err(reader.error())
    } else {
        Ok(ObjectChange::Sequence(Box::new(options)))
    }
}

fn enumeration(reader: &mut Reader<'_>) -> Result<ObjectChange, SqlError> {
    if !reader.take_keywords(&["ADD", "VALUE"]) {
        reader.rest();
        return Err(unsupported("ALTER TYPE of this kind"));
    }
    let if_not_exists = if_not_exists(reader);
    let label = reader.text_literal()?;
    let beside = if reader.take_keyword("BEFORE") {
        Some((reader.text_literal()?, true))
    } else if reader.take_keyword("AFTER") {
        Some((reader.text_literal()?, false))
    } else {
        None
    };
    Ok(ObjectChange::AddLabel { label, if_not_exists, beside })
}

fn domain(reader: &mut Reader<'_>) -> Result<ObjectChange, SqlError> {
    if reader.take_keywords(&["SET", "DEFAULT"]) {
        return Ok(ObjectChange::Default(Some(default_expression(reader)?)));
    }
    if reader.take_keywords(&["DROP", "DEFAULT"]) {
        return Ok(ObjectChange::Default(None));
    }
    if reader.take_keywords(&["SET", "NOT", "NULL"]) {
        return Ok(ObjectChange::NotNull(true));
    }
    if reader.take_keywords(&["DROP", "NOT", "NULL"]) {
        return Ok(ObjectChange::NotNull(false));
    }
    if reader.take_keywords(&["DROP", "CONSTRAINT"]) {
        let if_exists = if_exists(reader);
        let name = reader.name()?;
        cascade(reader);
        return Ok(ObjectChange::DropCheck { name, if_exists });
    }
    if reader.take_keywords(&["VALIDATE", "CONSTRAINT"]) {
        reader.name()?;
        return Ok(ObjectChange::Nothing);
    }
    reader.expect_keyword("ADD")?;
    let name = if reader.take_keyword("CONSTRAINT") { Some(reader.name()?) } else { None };
    reader.expect_keyword("CHECK")?;
    let check = parenthesized(reader)?;
    if reader.take_keywords(&["NOT", "VALID"]) {
        return Err(unsupported("NOT VALID"));
    }
    Ok(ObjectChange::AddCheck(name, check))
}

fn table(reader: &mut Reader<'_>, name: QualifiedName, if_exists: bool) -> Result<Definition, SqlError> {
    let mut changes = vec![table_change(reader)?];
    while reader.take(&Token::Comma) {
        changes.push(table_change(reader)?);
    }
    Ok(Definition::AlterTable { name, if_exists, changes })
}

fn table_change(reader: &mut Reader<'_>) -> Result<TableChange, SqlError> {
    match reader.peek_keyword().as_str() {
        "ADD" if reader.take_keyword("ADD") => addition(reader),
        "DROP" if reader.take_keyword("DROP") => removal(reader),
        "ALTER" if reader.take_keyword("ALTER") => {
            reader.take_keyword("COLUMN");
            let name = reader.name()?;
            Ok(TableChange::Column(name, column_change(reader)?))
        }
        "OWNER" if reader.take_keywords(&["OWNER", "TO"]) => Ok(TableChange::Owner(role(reader)?)),
        "VALIDATE" if reader.take_keywords(&["VALIDATE", "CONSTRAINT"]) => {
            Ok(TableChange::ValidateConstraint(reader.name()?))
        }
        "CLUSTER" if reader.take_keywords(&["CLUSTER", "ON"]) => {
            reader.name()?;
            Ok(TableChange::Nothing)
        }
        "REPLICA" if reader.take_keywords(&["REPLICA", "IDENTITY"]) => {
            reader.take_keywords(&["USING", "INDEX"]);
            reader.name()?;
            Ok(TableChange::Nothing)
        }
        "SET" | "RESET" => table_parameters(reader),
        word @ ("ENABLE" | "DISABLE" | "FORCE" | "NO" | "INHERIT" | "ATTACH" | "DETACH" | "OF") => {
            Err(unsupported(format!("ALTER TABLE ... {word}")))
        }
        _ => Err(reader.error()),
    }
}

fn table_parameters(reader: &mut Reader<'_>) -> Result<TableChange, SqlError> {
    let nothing: [&[&str]; 5] = [
        &["SET", "WITHOUT", "CLUSTER"],
        &["SET", "WITHOUT", "OIDS"],
        &["SET", "LOGGED"],
        &["SET", "UNLOGGED"],
        &["SET", "ACCESS", "METHOD", "HEAP"],
    ];
    if nothing.iter().any(|words| reader.take_keywords(words)) {
        return Ok(TableChange::Nothing);
    }
    parameters(reader).map(|_| TableChange::Nothing)
}

fn addition(reader: &mut Reader<'_>) -> Result<TableChange, SqlError> {
    if matches!(reader.peek_keyword().as_str(), "CONSTRAINT" | "CHECK" | "UNIQUE" | "PRIMARY" | "FOREIGN" | "EXCLUDE") {
        return Ok(TableChange::AddConstraint(table_constraint(reader)?));
    }
    reader.take_keyword("COLUMN");
    let if_not_exists = if_not_exists(reader);
    Ok(TableChange::AddColumn { column: column(reader)?, if_not_exists })
}

fn removal(reader: &mut Reader<'_>) -> Result<TableChange, SqlError> {
    let constraint = reader.take_keyword("CONSTRAINT");
    if !constraint {
        reader.take_keyword("COLUMN");
    }
    let if_exists = if_exists(reader);
    let name = reader.name()?;
    let cascade = cascade(reader);
    Ok(if constraint {
        TableChange::DropConstraint { name, if_exists, cascade }
    } else {
        TableChange::DropColumn { name, if_exists, cascade }
    })
}

fn column_change(reader: &mut Reader<'_>) -> Result<ColumnChange, SqlError> {
    if reader.take_keyword("DROP") {
        return dropped(reader);
    }
    if reader.take_keywords(&["SET", "DATA", "TYPE"]) || reader.take_keyword("TYPE") {
        let kind = types::type_reference(reader)?;
        if reader.take_keyword("COLLATE") {
            qualified_name(reader)?;
        }
        let using = if reader.take_keyword("USING") { Some(reader.expression(&[])?) } else { None };
        return Ok(ColumnChange::Type { kind, using });
    }
    if reader.take_keywords(&["ADD", "GENERATED"]) {
        let identity = identity_kind(reader)?;
        reader.expect_keyword("AS")?;
        reader.expect_keyword("IDENTITY")?;
        let is_listed = reader.peek() == Some(&Token::LParen);
        let options = if is_listed { sequences::in_parentheses(reader)? } else { SequenceOptions::default() };
        return Ok(ColumnChange::AddIdentity(identity, Box::new(options)));
    }
    if reader.take_keywords(&["SET", "DEFAULT"]) {
        return Ok(ColumnChange::Default(Some(reader.expression(&[])?)));
    }
    if reader.take_keywords(&["SET", "NOT", "NULL"]) {
        return Ok(ColumnChange::NotNull(true));
    }
    for word in ["STATISTICS", "STORAGE", "COMPRESSION"] {
        if reader.take_keywords(&["SET", word]) {
            if reader.take_count().is_none() && !reader.take(&Token::Minus) {
                reader.name()?;
            }
            reader.take_count();
            return Ok(ColumnChange::Nothing);
        }
    }
    identity_change(reader)
}

fn dropped(reader: &mut Reader<'_>) -> Result<ColumnChange, SqlError> {
    if reader.take_keyword("DEFAULT") {
        return Ok(ColumnChange::Default(None));
    }
    if reader.take_keywords(&["NOT", "NULL"]) {
        return Ok(ColumnChange::NotNull(false));
    }
    if reader.take_keyword("IDENTITY") {
        return Ok(ColumnChange::DropIdentity { if_exists: if_exists(reader) });
    }
    reader.expect_keyword("EXPRESSION")?;
    Ok(ColumnChange::DropExpression { if_exists: if_exists(reader) })
}

/// Takes `SET GENERATED ...`, `SET <option of a sequence>` and RESTART, as many as come.
fn identity_change(reader: &mut Reader<'_>) -> Result<ColumnChange, SqlError> {
    let (mut kind, mut options, mut any) = (None, SequenceOptions::default(), false);
    loop {
        if reader.take_keywords(&["SET", "GENERATED"]) {
            kind = Some(identity_kind(reader)?);
        } else if reader.peek_keyword() == "RESTART" {
            sequences::option(reader, &mut options)?;
        } else if reader.take_keyword("SET") {
            if reader.peek() == Some(&Token::LParen) {
                storage_parameters(reader)?;
                return Ok(ColumnChange::Nothing);
            }
            if !sequences::option(reader, &mut options)? {
                return Err(reader.error());
            }
        } else if any {
            return Ok(ColumnChange::SetIdentity(kind, Box::new(options)));
        } else {
            return Err(reader.error());
        }
        any = true;
    }
}
