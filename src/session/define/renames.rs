//! New names and schemas, also in the texts of views, defaults and conditions that use the old ones.

use super::Definer;
use super::object_names::is_relation;
use crate::catalog::{
    Column, Object, Rule, Scope, Sequence, Table, UserType, UserTypeKind, View, named_objects, quote_for_engine,
    with_object_renamed,
};
use crate::planner::{Relation, no_schema};
use crate::types::{Code, SqlError};

impl Definer {
    /// Fails when a relation or type of the schema has the name.
    pub(super) fn check_free(&self, schema: &str, name: &str, what: &str) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        let has_type = database.schemas.get(schema).is_some_and(|schema| schema.types.contains_key(name));
        if what == "type" && (has_type || is_relation(database, schema, name)) {
            return Err(SqlError::new(Code::DuplicateObject, format!("type \"{name}\" already exists")));
        }
        if is_relation(database, schema, name) {
            return Err(SqlError::new(Code::DuplicateTable, format!("relation \"{name}\" already exists")));
        }
        Ok(())
    }

    /// A schema that exists, by its name.
    pub(super) fn checked_schema(&self, name: &str) -> Result<String, SqlError> {
        let catalog = self.catalog();
        if self.database(&catalog)?.schemas.contains_key(name) { Ok(name.to_owned()) } else { Err(no_schema(name)) }
    }

    /// RENAME TO.
    pub(super) fn rename_relation(&self, found: &Relation, new: &str) -> Result<(), SqlError> {
        self.check_free(found.schema(), new, "relation")?;
        let (schema, old) = (found.schema().to_owned(), found.name().to_owned());
        match found {
            Relation::Table(table) => self.put_table(Table { name: new.to_owned(), ..table.as_ref().clone() })?,
            Relation::View(view) => {
                let view = View { name: new.to_owned(), ..view.as_ref().clone() };
                self.put(view.oid, Object::View(view))?;
            }
            Relation::Sequence(sequence) => {
                let sequence = Sequence { name: new.to_owned(), ..sequence.as_ref().clone() };
                self.put(sequence.oid, Object::Sequence(sequence))?;
            }
            Relation::Index(table, index) => {
                let mut table = table.as_ref().clone();
                if let Some(relational) = &mut table.relational {
                    for known in relational.indexes.iter_mut().filter(|known| known.oid == index.oid) {
                        new.clone_into(&mut known.name);
                    }
                    for constraint in &mut relational.constraints {
                        if matches!(constraint.rule, Rule::PrimaryKey { index: own } | Rule::Unique { index: own } if own == index.oid)
                        {
                            new.clone_into(&mut constraint.name);
                        }
                    }
                }
                return self.put_table(table);
            }
        }
        self.rename_in_texts((&schema, &old), (&schema, new))
    }

    /// SET SCHEMA.
    pub(super) fn move_relation(&self, found: &Relation, new: &str) -> Result<(), SqlError> {
        let new = self.checked_schema(new)?;
        let (old, name) = (found.schema().to_owned(), found.name().to_owned());
        if old == new {
            return Ok(());
        }
        self.check_free(&new, &name, "relation")?;
        match found {
            Relation::Table(table) => {
                for index in table.indexes() {
                    self.check_free(&new, &index.name, "relation")?;
                }
                self.put_table(Table { schema: new.clone(), ..table.as_ref().clone() })?;
                let catalog = self.catalog();
                for sequence in catalog.sequences_of(table.oid) {
                    self.check_free(&new, &sequence.name, "relation")?;
                    let moved = Sequence { schema: new.clone(), ..sequence.as_ref().clone() };
                    self.put(moved.oid, Object::Sequence(moved))?;
                    self.rename_in_texts((&old, &sequence.name), (&new, &sequence.name))?;
                }
            }
            Relation::View(view) => {
                let view = View { schema: new.clone(), ..view.as_ref().clone() };
                self.put(view.oid, Object::View(view))?;
            }
            Relation::Sequence(sequence) => {
                if sequence.owned_by.is_some() {
                    let text = "cannot move an owned sequence into another schema";
                    return Err(SqlError::new(Code::FeatureNotSupported, text));
                }
                let sequence = Sequence { schema: new.clone(), ..sequence.as_ref().clone() };
                self.put(sequence.oid, Object::Sequence(sequence))?;
            }
            Relation::Index(..) => {
                let text = format!("cannot move index \"{name}\": it is where its table is");
                return Err(SqlError::new(Code::WrongObjectType, text));
            }
        }
        self.rename_in_texts((&old, &name), (&new, &name))
    }

    /// Another name for an object in every text of the database.
    pub(super) fn rename_in_texts(&self, old: (&str, &str), new: (&str, &str)) -> Result<(), SqlError> {
        let is_named = |sql: &str| named_objects(sql).iter().any(|(schema, name)| schema == old.0 && name == old.1);
        self.change_texts(&is_named, &|sql| with_object_renamed(sql, old, new))
    }

    /// Another name for a schema in every text of the database.
    pub(super) fn rename_schema_in_texts(&self, old: &str, new: &str) -> Result<(), SqlError> {
        let is_named = |sql: &str| named_objects(sql).iter().any(|(schema, _)| schema == old);
        self.change_texts(&is_named, &|sql| {
            let mut changed = sql.to_owned();
            for (schema, name) in named_objects(sql) {
                if schema == old {
                    changed = with_object_renamed(&changed, (old, &name), (new, &name));
                }
            }
            changed
        })
    }

    fn change_texts(&self, is_named: &dyn Fn(&str) -> bool, changed: &dyn Fn(&str) -> String) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let database = self.database(&catalog)?;
        for schema in database.schemas.values() {
            for view in schema.views.values().filter(|view| view.owner.is_some() && is_named(&view.sql)) {
                let view = View { sql: changed(&view.sql), ..view.as_ref().clone() };
                self.put(view.oid, Object::View(view))?;
            }
            for table in schema.tables.values().filter(|table| table.scope == Scope::Relational) {
                let mut copy = table.as_ref().clone();
                for_each_text(&mut copy, &mut |text| {
                    if is_named(text) {
                        *text = changed(text);
                    }
                });
                if copy != **table {
                    self.put_table(copy)?;
                }
            }
            for kind in schema.types.values() {
                let mut copy = kind.as_ref().clone();
                for_each_text_of_type(&mut copy, &mut |text| {
                    if is_named(text) {
                        *text = changed(text);
                    }
                });
                if copy != **kind {
                    self.put(copy.oid, Object::Type(copy))?;
                }
            }
        }
        Ok(())
    }

    /// RENAME COLUMN.
    pub(super) fn rename_column(&self, found: &Relation, old: &str, new: &str) -> Result<(), SqlError> {
        match found {
            Relation::Table(table) => self.rename_table_column(table, old, new),
            Relation::View(view) => {
                let mut view = view.as_ref().clone();
                renamed_column(&mut view.columns, &view.name, old, new)?;
                self.check_unused_column(&view.schema, &view.name, old)?;
                // The text gives the column under its new name as well.
                let names: Vec<String> = view.columns.iter().map(|column| column.name.clone()).collect();
                let query = crate::planner::InnerQuery { sql: view.sql.clone(), position_offset: 0 };
                view.sql = self.written_query(&query, &names)?.sql;
                self.put(view.oid, Object::View(view))
            }
            found => {
                let text = format!("cannot rename columns of relation \"{}\"", found.name());
                Err(SqlError::new(Code::WrongObjectType, text))
            }
        }
    }

    fn rename_table_column(&self, table: &Table, old: &str, new: &str) -> Result<(), SqlError> {
        let mut changed = table.clone();
        renamed_column(&mut changed.columns, &table.name, old, new)?;
        self.check_unused_column(&table.schema, &table.name, old)?;
        // Expressions of the table itself name its columns alone.
        for_each_text(&mut changed, &mut |text| *text = with_column_renamed(text, old, new));
        self.put_table(super::tables::refreshed(changed))
    }

    /// A view that reads a column keeps it by its name.
    fn check_unused_column(&self, schema: &str, name: &str, column: &str) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let views = self.database(&catalog)?.schemas.values().flat_map(|schema| schema.views.values());
        for view in views.filter(|view| view.owner.is_some()) {
            let objects = named_objects(&view.sql);
            let reads = objects.iter().any(|(one, other)| one == schema && other == name)
                && objects.iter().any(|(_, other)| other == column);
            if reads {
                let text = format!("column \"{column}\" cannot be renamed while view \"{}\" reads it", view.name);
                let hint = "Drop the view, rename the column, and create the view again.";
                return Err(SqlError::new(Code::FeatureNotSupported, text).with_hint(hint));
            }
        }
        Ok(())
    }

    /// RENAME CONSTRAINT.
    pub(super) fn rename_constraint(&self, found: &Relation, old: &str, new: &str) -> Result<(), SqlError> {
        let Relation::Table(table) = found else {
            let text = format!("\"{}\" is not a table", found.name());
            return Err(SqlError::new(Code::WrongObjectType, text));
        };
        let mut table = table.as_ref().clone();
        let name = table.name.clone();
        let Some(relational) = &mut table.relational else { return Ok(()) };
        if relational.constraints.iter().any(|constraint| constraint.name == new) {
            let text = format!("constraint \"{new}\" for relation \"{name}\" already exists");
            return Err(SqlError::new(Code::DuplicateObject, text));
        }
        let Some(constraint) = relational.constraints.iter_mut().find(|constraint| constraint.name == old) else {
            let text = format!("constraint \"{old}\" for table \"{name}\" does not exist");
            return Err(SqlError::new(Code::UndefinedObject, text));
        };
        new.clone_into(&mut constraint.name);
        if let Rule::PrimaryKey { index } | Rule::Unique { index } = constraint.rule {
            for known in relational.indexes.iter_mut().filter(|known| known.oid == index) {
                new.clone_into(&mut known.name);
            }
        }
        self.put_table(table)
    }
}

fn renamed_column(columns: &mut [Column], relation: &str, old: &str, new: &str) -> Result<(), SqlError> {
    if columns.iter().any(|column| column.name == new) {
        let text = format!("column \"{new}\" of relation \"{relation}\" already exists");
        return Err(SqlError::new(Code::DuplicateColumn, text));
    }
    let unknown = || SqlError::new(Code::UndefinedColumn, format!("column \"{old}\" does not exist"));
    let column = columns.iter_mut().find(|column| column.name == old).ok_or_else(unknown)?;
    new.clone_into(&mut column.name);
    Ok(())
}

/// Every expression that a table keeps.
fn for_each_text(table: &mut Table, act: &mut dyn FnMut(&mut String)) {
    for column in &mut table.columns {
        column.default.iter_mut().chain(&mut column.generated).for_each(&mut *act);
    }
    let Some(relational) = &mut table.relational else { return };
    for constraint in &mut relational.constraints {
        if let Rule::Check { expression } = &mut constraint.rule {
            act(expression);
        }
    }
    for index in &mut relational.indexes {
        index.keys.iter_mut().filter_map(|key| key.expression.as_mut()).chain(&mut index.predicate).for_each(&mut *act);
    }
}

fn for_each_text_of_type(kind: &mut UserType, act: &mut dyn FnMut(&mut String)) {
    let UserTypeKind::Domain { default, checks, .. } = &mut kind.kind else { return };
    default.iter_mut().for_each(&mut *act);
    for check in checks {
        if let Rule::Check { expression } = &mut check.rule {
            act(expression);
        }
    }
}

/// The expression with another name for a column, which stands alone there: never behind a point, nor before a
/// parenthesis.
fn with_column_renamed(sql: &str, old: &str, new: &str) -> String {
    let (old, new) = (quote_for_engine(old), quote_for_engine(new));
    let mut renamed = String::with_capacity(sql.len());
    let mut rest = sql;
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$' | '"' | '.' | ':');
    while let Some(place) = rest.find(['\'']).map_or_else(
        || rest.find(old.as_str()),
        |quote| rest.find(old.as_str()).filter(|place| *place < quote).or(Some(quote)),
    ) {
        if rest[place..].starts_with('\'') {
            let end = rest[place + 1..].find('\'').map_or(rest.len(), |end| place + 1 + end + 1);
            renamed += &rest[..end];
            rest = &rest[end..];
            continue;
        }
        let (before, after) = (rest[..place].chars().next_back(), rest[place + old.len()..].chars().next());
        let previous = before.or_else(|| renamed.chars().next_back());
        let alone =
            !previous.is_some_and(is_part) && !after.is_some_and(|next| is_part(next) && next != ':' || next == '(');
        renamed += &rest[..place];
        renamed += if alone { &new } else { &old };
        rest = &rest[place + old.len()..];
    }
    renamed + rest
}

#[cfg(test)]
mod tests {
    use super::with_column_renamed;

    #[test]
    fn a_column_is_renamed_where_it_stands_alone() {
        let renamed = |sql| with_column_renamed(sql, "a", "b c");
        assert_eq!(renamed("((a > 0) AND (aa < 1))"), "((\"b c\" > 0) AND (aa < 1))");
        assert_eq!(
            renamed("(x <> 'a'::text) OR ((a)::text = 'it''s a'::text)"),
            "(x <> 'a'::text) OR ((\"b c\")::text = 'it''s a'::text)"
        );
        assert_eq!(renamed("a(s.a, a)"), "a(s.a, \"b c\")");
    }
}
