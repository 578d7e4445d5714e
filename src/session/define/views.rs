//! CREATE VIEW.

use super::Definer;
use super::columns::typed;
use super::expressions::declared;
use crate::catalog::{Column, Object, View};
use crate::planner::definition::CreateView;
use crate::planner::{InnerQuery, Relation, WrittenQuery};
use crate::types::{Code, SqlError, SqlType};

impl Definer {
    /// CREATE VIEW.
    pub(super) async fn create_view(&mut self, create: &CreateView) -> Result<(), SqlError> {
        // The query as it was written tells mistakes with their places.
        let columns = Box::pin(self.query_columns(&create.query)).await?;
        if create.columns.len() > columns.len() {
            let text = "CREATE VIEW specifies more column names than columns";
            return Err(SqlError::new(Code::SyntaxError, text));
        }
        let written = self.written_query(&create.query, &create.columns)?;
        let mut temporary = create.temporary;
        if written.is_temporary && !temporary {
            let text = format!("view \"{}\" will be a temporary view", create.name.name);
            self.notices.push(super::Notice::told(text));
            temporary = true;
        }
        let schema = self.target_schema(&create.name, temporary)?;
        let columns = named_columns(columns, &written.columns)?;
        let replaced = self.replaced(create, &schema, &columns)?;
        let oid = match &replaced {
            Some(view) => view.oid,
            None => self.new_oid()?,
        };
        let view = View {
            oid,
            schema,
            name: create.name.name.clone(),
            sql: written.sql,
            comment: replaced.as_ref().map(|view| view.comment.clone()).unwrap_or_default(),
            owner: Some(self.user.clone()),
            columns,
        };
        self.check_not_itself(&view)?;
        self.put(oid, Object::View(view))
    }

    /// A query with every name resolved.
    pub(super) fn written_query(&self, query: &InnerQuery, columns: &[String]) -> Result<WrittenQuery, SqlError> {
        let catalog = self.catalog();
        let names = self.names(&catalog)?;
        self.planner.write_query(&self.context, names, query, columns)
    }

    /// The columns that a query gives, under the names that it gives them.
    pub(super) async fn query_columns(&self, query: &InnerQuery) -> Result<Vec<Column>, SqlError> {
        let moved = |error| super::super::run::shifted(error, query.position_offset);
        let parsed = self.planner.parse_query(&query.sql).map_err(moved)?;
        let context = self.context_over(&self.catalog());
        let described = Box::pin(self.planner.describe(&parsed, &context, &[])).await.map_err(moved)?;
        if !described.parameters.is_empty() {
            return Err(SqlError::new(Code::UndefinedParameter, "there is no parameter $1"));
        }
        let column = |(number, field): (i16, &std::sync::Arc<datafusion::arrow::datatypes::Field>)| {
            let mut kind = declared(field);
            if kind.sql_type == SqlType::Unknown {
                kind.sql_type = SqlType::Text;
            }
            typed(number, field.name(), &kind)
        };
        Ok((1..).zip(described.columns.fields()).map(column).collect())
    }

    /// The view that OR REPLACE replaces, whose columns must stay as they are.
    fn replaced(
        &mut self,
        create: &CreateView,
        schema: &str,
        columns: &[Column],
    ) -> Result<Option<std::sync::Arc<View>>, SqlError> {
        let catalog = self.catalog();
        let names = self.names(&catalog)?;
        let found = names.relation_in(schema, &create.name.name);
        let view = match found {
            None => {
                self.is_taken(schema, &create.name.name, false)?;
                return Ok(None);
            }
            Some(_) if !create.or_replace => {
                let text = format!("relation \"{}\" already exists", create.name.name);
                return Err(SqlError::new(Code::DuplicateTable, text));
            }
            Some(Relation::View(view)) => view,
            Some(_) => {
                let text = format!("\"{}\" is not a view", create.name.name);
                return Err(SqlError::new(Code::WrongObjectType, text));
            }
        };
        if view.owner.is_none() {
            let text = format!("view \"{}\" is built in and cannot be replaced", view.name);
            return Err(SqlError::new(Code::InsufficientPrivilege, text));
        }
        let refused = |text: String| SqlError::new(Code::InvalidTableDefinition, text);
        if columns.len() < view.columns.len() {
            return Err(refused(String::from("cannot drop columns from view")));
        }
        for (old, new) in view.columns.iter().zip(columns) {
            if old.name != new.name {
                let text = format!("cannot change name of view column \"{}\" to \"{}\"", old.name, new.name);
                let hint = "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.";
                return Err(refused(text).with_hint(hint));
            }
            let (before, after) =
                (crate::planner::DeclaredType::of_column(old), crate::planner::DeclaredType::of_column(new));
            if before != after {
                let text = format!(
                    "cannot change data type of view column \"{}\" from {} to {}",
                    old.name,
                    names.spelled(&before),
                    names.spelled(&after)
                );
                return Err(refused(text));
            }
        }
        Ok(Some(view))
    }

    /// A view that reads from itself would never end.
    fn check_not_itself(&self, view: &View) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let mut next = vec![view.sql.clone()];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(sql) = next.pop() {
            for (schema, name) in crate::catalog::named_objects(&sql) {
                if schema == view.schema && name == view.name {
                    let text = format!("infinite recursion detected in rules for relation \"{}\"", view.name);
                    return Err(SqlError::new(Code::InvalidObjectDefinition, text));
                }
                let found = database.schemas.get(&schema).and_then(|schema| schema.views.get(&name));
                if let Some(other) = found.filter(|other| seen.insert(other.oid)) {
                    next.push(other.sql.clone());
                }
            }
        }
        Ok(())
    }
}

fn named_columns(columns: Vec<Column>, names: &[String]) -> Result<Vec<Column>, SqlError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            let text = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(Code::DuplicateColumn, text));
        }
    }
    if names.len() != columns.len() {
        return Err(SqlError::new(Code::Internal, "a view's query is written with other columns than it has"));
    }
    Ok(columns.into_iter().zip(names).map(|(column, name)| Column { name: name.clone(), ..column }).collect())
}
