//! CREATE INDEX.

use super::Definer;
use super::object_names::{free_name, is_relation};
use super::tables::column_named;
use crate::catalog::{Index, IndexKey, Scope, Table};
use crate::planner::definition::CreateIndex;
use crate::planner::{DeclaredType, Purpose, Relation};
use crate::types::{Code, SqlError, SqlType};

/// Kinds of indexes that PostgreSQL has and we do not.
const OTHER_METHODS: &[&str] = &["hash", "gin", "gist", "spgist", "brin"];

impl Definer {
    /// CREATE INDEX.
    pub(super) async fn create_index(&mut self, create: &CreateIndex) -> Result<(), SqlError> {
        check_method(create)?;
        let mut table = self.indexed_table(create)?;
        if let Some(name) = &create.name
            && self.is_taken(&table.schema, name, create.if_not_exists)?
        {
            return Ok(());
        }
        let trial = self.with_table(&table)?;
        let (mut keys, mut parts) = (Vec::new(), Vec::new());
        for key in &create.keys {
            let (mut column, mut expression) = (None, None);
            if let Some(name) = &key.column {
                column = Some(indexed_column(&table, name)?);
                parts.push(name.clone());
            } else if let Some(text) = &key.expression {
                let (written, _) = self.expression(text, Purpose::IndexKey, &table, None, &trial).await?;
                parts.push(written.function.clone().unwrap_or_else(|| String::from("expr")));
                expression = Some(written.sql);
            }
            let (descending, nulls_first) = (key.descending, key.nulls_first);
            keys.push(IndexKey { column, expression, descending, nulls_first });
        }
        let include = create.include.iter().map(|name| indexed_column(&table, name)).collect::<Result<Vec<_>, _>>()?;
        let predicate = match &create.predicate {
            Some(text) => {
                let truth = DeclaredType::plain(SqlType::Bool);
                let (written, planned) =
                    self.expression(text, Purpose::IndexPredicate, &table, Some(&truth), &trial).await?;
                if planned.sql_type != SqlType::Bool {
                    let text = "argument of WHERE must be type boolean";
                    return Err(SqlError::new(Code::DatatypeMismatch, text));
                }
                Some(written.sql)
            }
            None => None,
        };
        let name = match &create.name {
            Some(name) => name.clone(),
            None => self.index_name(&table, &parts, &create.include)?,
        };
        let index = Index {
            oid: self.new_oid()?,
            name,
            unique: create.unique,
            nulls_not_distinct: create.nulls_not_distinct,
            keys,
            include,
            predicate,
            comment: String::new(),
        };
        if let Some(relational) = &mut table.relational {
            relational.indexes.push(index);
        }
        self.put_table(table)
    }

    /// An index like that of another table.
    pub(super) fn add_index_like(&self, table: &mut Table, other: &Table, index: &Index) -> Result<(), SqlError> {
        let own = |number: i16| {
            let name = other.column(number).map(|column| column.name.as_str()).unwrap_or_default();
            column_named(table, name).map(|column| (column.number, name.to_owned()))
        };
        let (mut keys, mut parts, mut include) = (Vec::new(), Vec::new(), Vec::new());
        for key in &index.keys {
            let found = key.column.map(own).transpose()?;
            parts.push(found.as_ref().map_or_else(|| String::from("expr"), |(_, name)| name.clone()));
            keys.push(IndexKey { column: found.map(|(number, _)| number), ..key.clone() });
        }
        for number in &index.include {
            include.push(own(*number)?);
        }
        let carried: Vec<String> = include.iter().map(|(_, name)| name.clone()).collect();
        let name = self.index_name(table, &parts, &carried)?;
        let include = include.into_iter().map(|(number, _)| number).collect();
        let made = Index { oid: self.new_oid()?, name, keys, include, comment: String::new(), ..index.clone() };
        if let Some(relational) = &mut table.relational {
            relational.indexes.push(made);
        }
        Ok(())
    }

    fn indexed_table(&self, create: &CreateIndex) -> Result<Table, SqlError> {
        let catalog = self.catalog();
        match self.names(&catalog)?.relation(&create.table)? {
            Relation::Table(table) if table.scope == Scope::Relational => Ok(table.as_ref().clone()),
            Relation::Table(table) => {
                let text = format!("\"{}\" has no indexes: its rows lie on every node", table.name);
                Err(SqlError::new(Code::FeatureNotSupported, text))
            }
            found => {
                let text = format!("cannot create index on relation \"{}\"", found.name());
                let kind = if found.word() == "index" { "indexes" } else { "views" };
                Err(SqlError::new(Code::WrongObjectType, text)
                    .with_detail(format!("This operation is not supported for {kind}.")))
            }
        }
    }

    /// `table_column_column_idx`, `expr` or the function's name for an expression.
    fn index_name(&self, table: &Table, keys: &[String], include: &[String]) -> Result<String, SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let mut parts: Vec<String> = Vec::new();
        for part in keys.iter().chain(include) {
            let mut name = part.clone();
            let mut number = 1;
            while parts.contains(&name) {
                name = format!("{part}{number}");
                number += 1;
            }
            parts.push(name);
        }
        let taken = |name: &str| is_relation(database, &table.schema, name);
        Ok(free_name(&table.name, Some(&parts.join("_")), "idx", taken))
    }
}

fn check_method(create: &CreateIndex) -> Result<(), SqlError> {
    match create.method.as_deref() {
        None | Some("btree") => Ok(()),
        Some(method) if OTHER_METHODS.contains(&method) => {
            let text = format!("access method \"{method}\" is not supported");
            Err(SqlError::new(Code::FeatureNotSupported, text).with_hint("Indexes are of the kind btree."))
        }
        Some(method) => Err(SqlError::new(Code::UndefinedObject, format!("access method \"{method}\" does not exist"))),
    }
}

fn indexed_column(table: &Table, name: &str) -> Result<i16, SqlError> {
    let unknown = |_| SqlError::new(Code::UndefinedColumn, format!("column \"{name}\" does not exist"));
    column_named(table, name).map(|column| column.number).map_err(unknown)
}
