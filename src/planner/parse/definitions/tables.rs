//! CREATE TABLE.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::super::definition::{CreateTable, CreateTableAs, Definition, Including, TableElement};
use super::super::Reader;
use super::{column_list, columns, create, if_not_exists, qualified_name, storage_parameters, unsupported};
use crate::types::{Code, SqlError};

/// What follows CREATE TABLE.
pub(super) fn table(reader: &mut Reader<'_>, temporary: bool) -> Result<Definition, SqlError> {
    let if_not_exists = if_not_exists(reader);
    let name = qualified_name(reader)?;
    if matches!(reader.peek_keyword().as_str(), "OF" | "PARTITION") {
        return Err(unsupported(format!("CREATE TABLE {}", reader.peek_keyword())));
    }
    let is_names = reader.peek() == Some(&Token::LParen) && reader.is_list_of_names();
    if is_names || reader.peek() != Some(&Token::LParen) {
        let columns = if is_names { column_list(reader)? } else { Vec::new() };
        return table_as(
            reader,
            CreateTableAs {
                name,
                temporary,
                if_not_exists,
                columns,
                options: Vec::new(),
                dropped_on_commit: false,
                query: Default::default(),
                with_data: true,
            },
        );
    }
    reader.expect(&Token::LParen)?;
    let mut elements = Vec::new();
    if !reader.take(&Token::RParen) {
        elements.push(element(reader)?);
        while reader.take(&Token::Comma) {
            elements.push(element(reader)?);
        }
        reader.expect(&Token::RParen)?;
    }
    for word in ["INHERITS", "PARTITION"] {
        if reader.take_keyword(word) {
            return Err(unsupported(word));
        }
    }
    let (options, dropped_on_commit) = tail(reader, temporary)?;
    let table = CreateTable { name, temporary, if_not_exists, elements, options, dropped_on_commit };
    Ok(Definition::CreateTable(Box::new(table)))
}

fn table_as(reader: &mut Reader<'_>, mut table: CreateTableAs) -> Result<Definition, SqlError> {
    (table.options, table.dropped_on_commit) = tail(reader, table.temporary)?;
    reader.expect_keyword("AS")?;
    if reader.peek_keyword() == "EXECUTE" {
        return Err(unsupported("CREATE TABLE AS EXECUTE"));
    }
    table.query = create::query(reader, &["DATA", "NO"])?;
    if reader.take_keyword("WITH") {
        table.with_data = !reader.take_keyword("NO");
        reader.expect_keyword("DATA")?;
    }
    Ok(Definition::CreateTableAs(Box::new(table)))
}

/// Takes what stands behind the columns; gives the storage parameters, and whether it goes with the transaction.
fn tail(reader: &mut Reader<'_>, temporary: bool) -> Result<(Vec<(String, String)>, bool), SqlError> {
    let (mut options, mut dropped) = (Vec::new(), false);
    loop {
        if reader.take_keyword("USING") {
            reader.name()?;
        } else if reader.take_keywords(&["WITHOUT", "OIDS"]) {
        } else if reader.take_keyword("WITH") {
            options = storage_parameters(reader)?;
        } else if reader.take_keyword("TABLESPACE") {
            reader.name()?;
        } else if reader.take_keywords(&["ON", "COMMIT"]) {
            if !temporary {
                let text = "ON COMMIT can only be used on temporary tables";
                return Err(SqlError::new(Code::InvalidTableDefinition, text));
            }
            dropped = reader.take_keyword("DROP");
            if !dropped && !reader.take_keywords(&["PRESERVE", "ROWS"]) {
                return Err(unsupported("ON COMMIT DELETE ROWS"));
            }
        } else {
            return Ok((options, dropped));
        }
    }
}

fn element(reader: &mut Reader<'_>) -> Result<TableElement, SqlError> {
    match reader.peek_keyword().as_str() {
        "CONSTRAINT" | "CHECK" | "UNIQUE" | "PRIMARY" | "FOREIGN" => {
            Ok(TableElement::Constraint(columns::table_constraint(reader)?))
        }
        "EXCLUDE" if matches!(reader.peek_second_keyword().as_str(), "USING" | "") => Err(unsupported("EXCLUDE")),
        "LIKE" if reader.take_keyword("LIKE") => {
            let table = qualified_name(reader)?;
            Ok(TableElement::Like { table, including: including(reader)? })
        }
        _ => Ok(TableElement::Column(columns::column(reader)?)),
    }
}

fn including(reader: &mut Reader<'_>) -> Result<Including, SqlError> {
    let mut taken = Including::default();
    loop {
        let wanted = reader.take_keyword("INCLUDING");
        if !wanted && !reader.take_keyword("EXCLUDING") {
            return Ok(taken);
        }
        match reader.name()?.as_str() {
            "all" => {
                taken = Including {
                    comments: wanted,
                    constraints: wanted,
                    defaults: wanted,
                    generated: wanted,
                    identity: wanted,
                    indexes: wanted,
                }
            }
            "comments" => taken.comments = wanted,
            "constraints" => taken.constraints = wanted,
            "defaults" => taken.defaults = wanted,
            "generated" => taken.generated = wanted,
            "identity" => taken.identity = wanted,
            "indexes" => taken.indexes = wanted,
            "compression" | "statistics" | "storage" => {}
            _ => return Err(reader.error()),
        }
    }
}
