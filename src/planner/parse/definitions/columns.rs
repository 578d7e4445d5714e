//! Columns and constraints of CREATE TABLE, ALTER TABLE and CREATE DOMAIN.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{ColumnDefinition, ColumnRule, Reference, Rule, TableConstraint, TableRule};
use super::super::super::statement::InnerQuery;
use super::super::Reader;
use super::types::type_reference;
use super::{column_list, parenthesized, qualified_name, sequences, storage_parameters, unsupported};
use crate::catalog::{ForeignAction, Identity};
use crate::types::SqlError;

/// Words that end the expression of a DEFAULT.
const DEFAULT_ENDS: &[&str] = &[
    "CONSTRAINT",
    "NOT",
    "NULL",
    "CHECK",
    "UNIQUE",
    "PRIMARY",
    "REFERENCES",
    "GENERATED",
    "COLLATE",
    "DEFERRABLE",
    "INITIALLY",
];

/// Takes a column: name, type and rules.
pub(super) fn column(reader: &mut Reader<'_>) -> Result<ColumnDefinition, SqlError> {
    let name = reader.free_name()?;
    let kind = type_reference(reader)?;
    Ok(ColumnDefinition { name, kind, rules: rules(reader)? })
}

/// Takes the rules behind a type.
pub(super) fn rules(reader: &mut Reader<'_>) -> Result<Vec<ColumnRule>, SqlError> {
    let mut rules = Vec::new();
    loop {
        if reader.take_keyword("COLLATE") {
            collation(reader)?;
            continue;
        }
        if reader.take_keyword("COMPRESSION") || reader.take_keyword("STORAGE") {
            reader.name()?;
            continue;
        }
        let name = if reader.take_keyword("CONSTRAINT") { Some(reader.name()?) } else { None };
        match rule(reader)? {
            Some(rule) => rules.push(ColumnRule { name, rule }),
            None if name.is_some() => return Err(reader.error()),
            None => return Ok(rules),
        }
        deferral(reader)?;
    }
}

/// A collation says how texts are ordered; here that is always by their bytes.
fn collation(reader: &mut Reader<'_>) -> Result<(), SqlError> {
    let name = qualified_name(reader)?;
    match name.name.as_str() {
        "default" | "C" | "POSIX" | "ucs_basic" => Ok(()),
        other => Err(unsupported(format!("collation \"{other}\"")).at(name.position)),
    }
}

fn rule(reader: &mut Reader<'_>) -> Result<Option<Rule>, SqlError> {
    let rule = match reader.peek_keyword().as_str() {
        "NOT" if reader.take_keywords(&["NOT", "NULL"]) => Rule::NotNull,
        "NULL" if reader.take_keyword("NULL") => Rule::Null,
        "DEFAULT" if reader.take_keyword("DEFAULT") => Rule::Default(default_expression(reader)?),
        "CHECK" if reader.take_keyword("CHECK") => {
            let check = parenthesized(reader)?;
            reader.take_keywords(&["NO", "INHERIT"]);
            Rule::Check(check)
        }
        "UNIQUE" if reader.take_keyword("UNIQUE") => {
            let nulls_not_distinct = nulls_not_distinct(reader);
            index_parameters(reader)?;
            Rule::Unique { nulls_not_distinct }
        }
        "PRIMARY" if reader.take_keywords(&["PRIMARY", "KEY"]) => {
            index_parameters(reader)?;
            Rule::PrimaryKey
        }
        "REFERENCES" if reader.take_keyword("REFERENCES") => Rule::References(reference(reader)?),
        "GENERATED" if reader.take_keyword("GENERATED") => generated(reader)?,
        _ => return Ok(None),
    };
    Ok(Some(rule))
}

/// Takes the expression of a DEFAULT up to the next rule.
pub(super) fn default_expression(reader: &mut Reader<'_>) -> Result<InnerQuery, SqlError> {
    reader.expression(DEFAULT_ENDS)
}

fn generated(reader: &mut Reader<'_>) -> Result<Rule, SqlError> {
    let identity = identity_kind(reader)?;
    reader.expect_keyword("AS")?;
    if reader.take_keyword("IDENTITY") {
        let options =
            if reader.peek() == Some(&Token::LParen) { sequences::in_parentheses(reader)? } else { Default::default() };
        return Ok(Rule::Identity(identity, Box::new(options)));
    }
    let expression = parenthesized(reader)?;
    reader.expect_keyword("STORED")?;
    Ok(Rule::Generated(expression))
}

/// Takes ALWAYS or BY DEFAULT.
pub(super) fn identity_kind(reader: &mut Reader<'_>) -> Result<Identity, SqlError> {
    if reader.take_keyword("ALWAYS") {
        return Ok(Identity::Always);
    }
    reader.expect_keyword("BY")?;
    reader.expect_keyword("DEFAULT")?;
    Ok(Identity::ByDefault)
}

/// Takes a constraint of a table, its name first.
pub(super) fn table_constraint(reader: &mut Reader<'_>) -> Result<TableConstraint, SqlError> {
    let name = if reader.take_keyword("CONSTRAINT") { Some(reader.name()?) } else { None };
    let rule = if reader.take_keyword("CHECK") {
        let check = parenthesized(reader)?;
        reader.take_keywords(&["NO", "INHERIT"]);
        TableRule::Check(check)
    } else if reader.take_keywords(&["PRIMARY", "KEY"]) {
        key(reader, true)?
    } else if reader.take_keyword("UNIQUE") {
        key(reader, false)?
    } else if reader.take_keywords(&["FOREIGN", "KEY"]) {
        let columns = column_list(reader)?;
        reader.expect_keyword("REFERENCES")?;
        TableRule::ForeignKey { columns, reference: reference(reader)? }
    } else if reader.take_keyword("EXCLUDE") {
        return Err(unsupported("EXCLUDE"));
    } else {
        return Err(reader.error());
    };
    deferral(reader)?;
    if reader.take_keywords(&["NOT", "VALID"]) {
        return Err(unsupported("NOT VALID"));
    }
    Ok(TableConstraint { name, rule })
}

fn key(reader: &mut Reader<'_>, primary: bool) -> Result<TableRule, SqlError> {
    let nulls_not_distinct = !primary && nulls_not_distinct(reader);
    if reader.take_keywords(&["USING", "INDEX"]) {
        return Err(unsupported("a constraint USING INDEX"));
    }
    let columns = column_list(reader)?;
    let include = if reader.take_keyword("INCLUDE") { column_list(reader)? } else { Vec::new() };
    index_parameters(reader)?;
    Ok(TableRule::Key { primary, nulls_not_distinct, columns, include })
}

/// Takes `NULLS [NOT] DISTINCT`.
pub(super) fn nulls_not_distinct(reader: &mut Reader<'_>) -> bool {
    !reader.take_keywords(&["NULLS", "DISTINCT"]) && reader.take_keywords(&["NULLS", "NOT", "DISTINCT"])
}

/// Takes storage parameters and a tablespace of an index; they change nothing.
pub(super) fn index_parameters(reader: &mut Reader<'_>) -> Result<(), SqlError> {
    if reader.take_keyword("WITH") {
        storage_parameters(reader)?;
    }
    if reader.take_keywords(&["USING", "INDEX", "TABLESPACE"]) {
        reader.name()?;
    }
    Ok(())
}

/// Takes `[NOT] DEFERRABLE` and `INITIALLY`; constraints are checked at the end of each statement.
fn deferral(reader: &mut Reader<'_>) -> Result<(), SqlError> {
    loop {
        if reader.take_keywords(&["NOT", "DEFERRABLE"]) || reader.take_keywords(&["INITIALLY", "IMMEDIATE"]) {
            continue;
        }
        if reader.take_keyword("DEFERRABLE") || reader.take_keywords(&["INITIALLY", "DEFERRED"]) {
            return Err(unsupported("a deferrable constraint"));
        }
        return Ok(());
    }
}

fn reference(reader: &mut Reader<'_>) -> Result<Reference, SqlError> {
    let table = qualified_name(reader)?;
    let columns = if reader.peek() == Some(&Token::LParen) { column_list(reader)? } else { Vec::new() };
    if reader.take_keyword("MATCH") && !reader.take_keyword("SIMPLE") {
        reader.name()?;
        return Err(unsupported("MATCH of another kind than SIMPLE"));
    }
    let (mut on_update, mut on_delete) = (ForeignAction::NoAction, ForeignAction::NoAction);
    while reader.take_keyword("ON") {
        if reader.take_keyword("UPDATE") {
            on_update = action(reader)?;
        } else {
            reader.expect_keyword("DELETE")?;
            on_delete = action(reader)?;
            if reader.peek() == Some(&Token::LParen) {
                return Err(unsupported("ON DELETE SET with a list of columns"));
            }
        }
    }
    Ok(Reference { table, columns, on_update, on_delete })
}

fn action(reader: &mut Reader<'_>) -> Result<ForeignAction, SqlError> {
    let actions: [(&[&str], ForeignAction); 5] = [
        (&["NO", "ACTION"], ForeignAction::NoAction),
        (&["RESTRICT"], ForeignAction::Restrict),
        (&["CASCADE"], ForeignAction::Cascade),
        (&["SET", "NULL"], ForeignAction::SetNull),
        (&["SET", "DEFAULT"], ForeignAction::SetDefault),
    ];
    let found = actions.into_iter().find(|(words, _)| reader.take_keywords(words));
    found.map(|(_, action)| action).ok_or_else(|| reader.error())
}
