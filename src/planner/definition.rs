//! Statements that define things, in our own words: `planner::parse` makes them, `session` carries them out.
//!
//! Names are folded as PostgreSQL folds them. Expressions and queries are kept as they were written, with their
//! place in the statement's text: they mean something only beside a catalog.

use super::statement::InnerQuery;
use crate::catalog::{ForeignAction, Identity};

/// A name as it was written: with a schema, and a database before that, or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualifiedName {
    /// The database.
    pub database: Option<String>,
    /// The schema.
    pub schema: Option<String>,
    /// The name itself.
    pub name: String,
    /// Where it stands: a count of characters, from 1.
    pub position: u32,
}

impl QualifiedName {
    /// A name without a schema that nobody wrote.
    pub fn bare(name: &str) -> Self {
        Self { database: None, schema: None, name: name.to_owned(), position: 0 }
    }

    /// As error messages repeat it.
    pub fn written(&self) -> String {
        let parts = [self.database.as_deref(), self.schema.as_deref(), Some(self.name.as_str())];
        parts.into_iter().flatten().collect::<Vec<_>>().join(".")
    }
}

/// A type as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeReference {
    /// Its name; what SQL spells with words of its own has the schema `pg_catalog` and PostgreSQL's short name.
    pub name: QualifiedName,
    /// The numbers behind it in parentheses.
    pub modifiers: Vec<i64>,
    /// Whether it is an array of that type.
    pub is_array: bool,
}

/// A statement that defines something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition {
    /// CREATE DATABASE.
    CreateDatabase {
        /// Its name.
        name: String,
        /// Its owner.
        owner: Option<String>,
        /// The other options by name; they change nothing.
        options: Vec<(String, String)>,
    },
    /// CREATE SCHEMA.
    CreateSchema {
        /// Its name; that of the owner when none is given.
        name: Option<String>,
        /// Its owner.
        owner: Option<String>,
        /// An existing one is no error.
        if_not_exists: bool,
    },
    /// CREATE TABLE.
    CreateTable(Box<CreateTable>),
    /// CREATE TABLE ... AS and SELECT ... INTO.
    CreateTableAs(Box<CreateTableAs>),
    /// CREATE VIEW.
    CreateView(Box<CreateView>),
    /// CREATE INDEX.
    CreateIndex(Box<CreateIndex>),
    /// CREATE SEQUENCE.
    CreateSequence {
        /// Its name.
        name: QualifiedName,
        /// How it counts.
        options: Box<SequenceOptions>,
        /// It goes with the session.
        temporary: bool,
        /// An existing one is no error.
        if_not_exists: bool,
    },
    /// CREATE TYPE ... AS ENUM.
    CreateEnum {
        /// Its name.
        name: QualifiedName,
        /// Its labels, smallest first.
        labels: Vec<String>,
    },
    /// CREATE DOMAIN.
    CreateDomain {
        /// Its name.
        name: QualifiedName,
        /// What it is over.
        base: TypeReference,
        /// Its default and conditions.
        rules: Vec<ColumnRule>,
    },
    /// ALTER of one object.
    Alter {
        /// What kind of object.
        kind: ObjectKind,
        /// Its name.
        name: QualifiedName,
        /// One that does not exist is no error.
        if_exists: bool,
        /// What becomes of it.
        change: Box<ObjectChange>,
    },
    /// ALTER TABLE with changes of columns and constraints.
    AlterTable {
        /// Its name.
        name: QualifiedName,
        /// One that does not exist is no error.
        if_exists: bool,
        /// What becomes of it, in order.
        changes: Vec<TableChange>,
    },
    /// DROP.
    Drop {
        /// What kind of objects.
        kind: ObjectKind,
        /// Their names.
        names: Vec<QualifiedName>,
        /// One that does not exist is no error.
        if_exists: bool,
        /// What depends on them goes as well.
        cascade: bool,
    },
    /// COMMENT ON.
    Comment {
        /// What it is on.
        target: CommentTarget,
        /// The comment; none takes it away.
        text: Option<String>,
    },
    /// ANALYZE, VACUUM, REINDEX, CLUSTER: nothing to do, but the names must exist.
    Maintain {
        /// What the client is told on success.
        tag: &'static str,
        /// What is named, and the columns of it.
        targets: Vec<(ObjectKind, QualifiedName, Vec<String>)>,
        /// It cannot run inside a transaction block.
        alone: bool,
    },
    /// LOCK TABLE.
    Lock {
        /// The tables.
        names: Vec<QualifiedName>,
    },
}

/// The kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// Database.
    Database,
    /// Schema.
    Schema,
    /// Table.
    Table,
    /// View.
    View,
    /// Materialized view; there are none.
    MaterializedView,
    /// Index.
    Index,
    /// Sequence.
    Sequence,
    /// Type, a domain among them.
    Type,
    /// Domain.
    Domain,
}

impl ObjectKind {
    /// The word for it in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Index => "index",
            Self::Sequence => "sequence",
            Self::Type => "type",
            Self::Domain => "domain",
        }
    }

    /// What the client is told when a command of this first word is done.
    pub fn tag(self, command: &str) -> String {
        format!("{command} {}", self.word().to_uppercase())
    }
}

/// CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTable {
    /// Its name.
    pub name: QualifiedName,
    /// It goes with the session.
    pub temporary: bool,
    /// An existing one is no error.
    pub if_not_exists: bool,
    /// Columns, conditions and patterns, in order.
    pub elements: Vec<TableElement>,
    /// Storage parameters by name.
    pub options: Vec<(String, String)>,
    /// It goes with the transaction (ON COMMIT DROP).
    pub dropped_on_commit: bool,
}

/// One element of CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableElement {
    /// A column.
    Column(ColumnDefinition),
    /// A constraint of the table.
    Constraint(TableConstraint),
    /// LIKE: the columns of another table.
    Like {
        /// The other table.
        table: QualifiedName,
        /// What is taken besides names, types and NOT NULL.
        including: Including,
    },
}

/// What LIKE takes besides names, types and NOT NULL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Including {
    /// Comments.
    pub comments: bool,
    /// CHECK constraints.
    pub constraints: bool,
    /// Defaults.
    pub defaults: bool,
    /// Expressions of generated columns.
    pub generated: bool,
    /// Identity.
    pub identity: bool,
    /// Indexes, primary keys and UNIQUE constraints.
    pub indexes: bool,
}

/// A column of CREATE TABLE and ALTER TABLE ... ADD COLUMN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: TypeReference,
    /// Its rules, in order.
    pub rules: Vec<ColumnRule>,
}

/// A rule of a column or domain, with its name where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRule {
    /// Name of the constraint.
    pub name: Option<String>,
    /// What it says.
    pub rule: Rule,
}

/// What a rule of a column says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// NOT NULL.
    NotNull,
    /// NULL.
    Null,
    /// DEFAULT.
    Default(InnerQuery),
    /// GENERATED ALWAYS AS (...) STORED.
    Generated(InnerQuery),
    /// GENERATED ... AS IDENTITY.
    Identity(Identity, Box<SequenceOptions>),
    /// CHECK.
    Check(InnerQuery),
    /// UNIQUE.
    Unique {
        /// NULL counts as a value like any other.
        nulls_not_distinct: bool,
    },
    /// PRIMARY KEY.
    PrimaryKey,
    /// REFERENCES.
    References(Reference),
}

/// The other side of a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The other table.
    pub table: QualifiedName,
    /// Its columns; none for its primary key.
    pub columns: Vec<String>,
    /// What happens here when the other row changes its values.
    pub on_update: ForeignAction,
    /// What happens here when the other row goes.
    pub on_delete: ForeignAction,
}

/// A constraint of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableConstraint {
    /// Its name, where it is given one.
    pub name: Option<String>,
    /// What it demands.
    pub rule: TableRule,
}

/// What a constraint of a table demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableRule {
    /// CHECK.
    Check(InnerQuery),
    /// UNIQUE and PRIMARY KEY.
    Key {
        /// Whether it is the primary key.
        primary: bool,
        /// NULL counts as a value like any other.
        nulls_not_distinct: bool,
        /// Its columns.
        columns: Vec<String>,
        /// Columns that its index only carries.
        include: Vec<String>,
    },
    /// FOREIGN KEY.
    ForeignKey {
        /// Its columns.
        columns: Vec<String>,
        /// The other side.
        reference: Reference,
    },
}

/// CREATE TABLE ... AS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTableAs {
    /// Its name.
    pub name: QualifiedName,
    /// It goes with the session.
    pub temporary: bool,
    /// An existing one is no error.
    pub if_not_exists: bool,
    /// Names of the first columns.
    pub columns: Vec<String>,
    /// Storage parameters by name.
    pub options: Vec<(String, String)>,
    /// It goes with the transaction (ON COMMIT DROP).
    pub dropped_on_commit: bool,
    /// What gives the columns, and the rows.
    pub query: InnerQuery,
    /// Whether the rows are wanted.
    pub with_data: bool,
}

/// CREATE VIEW.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateView {
    /// Its name.
    pub name: QualifiedName,
    /// It goes with the session.
    pub temporary: bool,
    /// An existing one is replaced.
    pub or_replace: bool,
    /// Names of the first columns.
    pub columns: Vec<String>,
    /// What it shows.
    pub query: InnerQuery,
}

/// CREATE INDEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateIndex {
    /// Its name, where it is given one.
    pub name: Option<String>,
    /// The table.
    pub table: QualifiedName,
    /// No two rows may have the same keys.
    pub unique: bool,
    /// NULL counts as a value like any other.
    pub nulls_not_distinct: bool,
    /// An existing one is no error.
    pub if_not_exists: bool,
    /// It cannot run inside a transaction block.
    pub concurrently: bool,
    /// How it finds rows, such as `btree`.
    pub method: Option<String>,
    /// What it is ordered by.
    pub keys: Vec<IndexedKey>,
    /// Columns that it only carries.
    pub include: Vec<String>,
    /// The condition of a partial index.
    pub predicate: Option<InnerQuery>,
}

/// One key of CREATE INDEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedKey {
    /// The column; none for an expression.
    pub column: Option<String>,
    /// The expression.
    pub expression: Option<InnerQuery>,
    /// Largest first.
    pub descending: bool,
    /// NULL first.
    pub nulls_first: bool,
}

/// How a sequence counts; what is not given stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceOptions {
    /// Its name, in an identity column.
    pub name: Option<QualifiedName>,
    /// Its type.
    pub kind: Option<TypeReference>,
    /// Its step.
    pub increment: Option<i64>,
    /// Its smallest value; `Some(None)` for the type's.
    pub minimum: Option<Option<i64>>,
    /// Its largest value; `Some(None)` for the type's.
    pub maximum: Option<Option<i64>>,
    /// Its first value.
    pub start: Option<i64>,
    /// Its next value; `Some(None)` for the first.
    pub restart: Option<Option<i64>>,
    /// Values that a session takes at once.
    pub cache: Option<i64>,
    /// Whether it begins again after its last value.
    pub cycle: Option<bool>,
    /// The column that it goes with; `Some(None)` for none.
    pub owned_by: Option<Option<(QualifiedName, String)>>,
}

/// What becomes of an object by ALTER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectChange {
    /// RENAME TO.
    Rename(String),
    /// RENAME COLUMN.
    RenameColumn(String, String),
    /// RENAME CONSTRAINT.
    RenameConstraint(String, String),
    /// OWNER TO.
    Owner(String),
    /// SET SCHEMA.
    SetSchema(String),
    /// The options of a sequence.
    Sequence(Box<SequenceOptions>),
    /// ADD VALUE of an enum.
    AddLabel {
        /// The new label.
        label: String,
        /// An existing one is no error.
        if_not_exists: bool,
        /// The label beside which it stands, and whether it stands before that.
        beside: Option<(String, bool)>,
    },
    /// RENAME VALUE of an enum.
    RenameLabel(String, String),
    /// SET DEFAULT and DROP DEFAULT of a domain, or of a view's column.
    Default(Option<InnerQuery>),
    /// SET NOT NULL and DROP NOT NULL of a domain.
    NotNull(bool),
    /// ADD CONSTRAINT of a domain.
    AddCheck(Option<String>, InnerQuery),
    /// DROP CONSTRAINT of a domain.
    DropCheck {
        /// Its name.
        name: String,
        /// One that does not exist is no error.
        if_exists: bool,
    },
    /// Parameters that change nothing here.
    Nothing,
}

/// One change of ALTER TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// ADD COLUMN.
    AddColumn {
        /// The column.
        column: ColumnDefinition,
        /// An existing one is no error.
        if_not_exists: bool,
    },
    /// DROP COLUMN.
    DropColumn {
        /// Its name.
        name: String,
        /// One that does not exist is no error.
        if_exists: bool,
        /// What depends on it goes as well.
        cascade: bool,
    },
    /// A change of one column.
    Column(String, ColumnChange),
    /// ADD CONSTRAINT.
    AddConstraint(TableConstraint),
    /// DROP CONSTRAINT.
    DropConstraint {
        /// Its name.
        name: String,
        /// One that does not exist is no error.
        if_exists: bool,
        /// What depends on it goes as well.
        cascade: bool,
    },
    /// VALIDATE CONSTRAINT; all are.
    ValidateConstraint(String),
    /// OWNER TO.
    Owner(String),
    /// Parameters that change nothing here.
    Nothing,
}

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnChange {
    /// SET DEFAULT and DROP DEFAULT.
    Default(Option<InnerQuery>),
    /// SET NOT NULL and DROP NOT NULL.
    NotNull(bool),
    /// TYPE.
    Type {
        /// The new type.
        kind: TypeReference,
        /// What gives the new values.
        using: Option<InnerQuery>,
    },
    /// ADD GENERATED ... AS IDENTITY.
    AddIdentity(Identity, Box<SequenceOptions>),
    /// SET GENERATED and options of the sequence.
    SetIdentity(Option<Identity>, Box<SequenceOptions>),
    /// DROP IDENTITY.
    DropIdentity {
        /// A column without one is no error.
        if_exists: bool,
    },
    /// DROP EXPRESSION.
    DropExpression {
        /// A column without one is no error.
        if_exists: bool,
    },
    /// Statistics, storage, compression: nothing here.
    Nothing,
}

/// What a comment is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommentTarget {
    /// An object by its name.
    Object(ObjectKind, QualifiedName),
    /// A column of a table or view.
    Column(QualifiedName, String),
    /// A constraint of a table.
    Constraint(String, QualifiedName),
    /// A constraint of a domain.
    DomainConstraint(String, QualifiedName),
}
