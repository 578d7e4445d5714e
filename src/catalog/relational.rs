//! What users create: tables with constraints and indexes, sequences, types.
//!
//! These are records that storage keeps and nodes exchange, so fields are only ever added. Object ids are given
//! once, when the object is created, and are unique in the whole mesh.

use serde::{Deserialize, Serialize};

use crate::types::NodeName;

/// What only a relational table has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relational {
    /// The node that holds its rows.
    pub home: NodeName,
    /// Name of the role that owns it.
    pub owner: String,
    /// Its constraints, in the order of their creation. A primary key or UNIQUE also has an index.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    /// Its indexes, in the order of their creation.
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// The highest number that a column ever had; storage keeps it, so that no number is given twice.
    #[serde(default)]
    pub columns_made: i16,
    /// It is dropped at the end of the session that made it, and seen by that session only.
    #[serde(default)]
    pub temporary: bool,
}

/// A constraint of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its name, unique in its table.
    pub name: String,
    /// What it demands.
    pub rule: Rule,
    /// Numbers of the columns that it is about, in the order of its declaration.
    pub columns: Vec<i16>,
    /// What it is for.
    #[serde(default)]
    pub comment: String,
}

/// What a constraint demands of every row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// The columns are never NULL and no two rows have the same values; by the index with this object id.
    PrimaryKey {
        /// Object id of the index.
        index: u32,
    },
    /// No two rows have the same values; by the index with this object id.
    Unique {
        /// Object id of the index.
        index: u32,
    },
    /// The expression is true or NULL.
    Check {
        /// SQL text over the table's columns.
        expression: String,
    },
    /// Another table has a row with these values, or one of them is NULL.
    ForeignKey {
        /// Object id of the other table.
        table: u32,
        /// Numbers of its columns.
        referenced: Vec<i16>,
        /// What happens here when the other row changes its values.
        on_update: ForeignAction,
        /// What happens here when the other row goes.
        on_delete: ForeignAction,
    },
}

/// What happens to the rows that refer to a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForeignAction {
    /// They must not exist at the end of the statement.
    #[default]
    NoAction,
    /// They must not exist.
    Restrict,
    /// They change or go as well.
    Cascade,
    /// Their columns become NULL.
    SetNull,
    /// Their columns take their defaults.
    SetDefault,
}

/// An index of a table. It is ordered by its keys; `btree` is the only method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its name, unique among the relations of its schema.
    pub name: String,
    /// No two rows have the same keys; rows with a NULL among them are not compared.
    pub unique: bool,
    /// With `unique`: NULL counts as a value like any other.
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// What it is ordered by.
    pub keys: Vec<IndexKey>,
    /// Numbers of the columns that it only carries (INCLUDE).
    #[serde(default)]
    pub include: Vec<i16>,
    /// SQL text of the condition of a partial index.
    #[serde(default)]
    pub predicate: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub comment: String,
}

/// One key of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexKey {
    /// Number of the column; none for an expression.
    pub column: Option<i16>,
    /// SQL text of the expression, where it is no plain column.
    #[serde(default)]
    pub expression: Option<String>,
    /// Largest first.
    #[serde(default)]
    pub descending: bool,
    /// NULL first.
    #[serde(default)]
    pub nulls_first: bool,
}

/// Whether an identity column takes values of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// Only with OVERRIDING SYSTEM VALUE.
    Always,
    /// Yes.
    ByDefault,
}

/// A sequence. Its value lies with its home's rows and is not part of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The node that holds its value.
    pub home: NodeName,
    /// Name of the role that owns it.
    pub owner: String,
    /// Object id of its type: int2, int4 or int8.
    pub type_oid: u32,
    /// First value.
    pub start: i64,
    /// Step, never 0.
    pub increment: i64,
    /// Smallest value.
    pub minimum: i64,
    /// Largest value.
    pub maximum: i64,
    /// Values that a session takes at once.
    pub cache: i64,
    /// Begins again after its last value.
    pub cycle: bool,
    /// The column that it belongs to: object id of the table and number of the column.
    #[serde(default)]
    pub owned_by: Option<(u32, i16)>,
    /// It is part of an identity column, not just owned by a serial one.
    #[serde(default)]
    pub internal: bool,
    /// What it is for.
    #[serde(default)]
    pub comment: String,
}

/// A type that a user made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserType {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Object id of the type of its arrays.
    pub array_oid: u32,
    /// Its schema's name.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Name of the role that owns it.
    pub owner: String,
    /// What it is made of.
    pub kind: UserTypeKind,
    /// What it is for.
    #[serde(default)]
    pub comment: String,
}

/// What a user's type is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserTypeKind {
    /// One of these labels; they compare by their order.
    Enum {
        /// Labels, smallest first.
        labels: Vec<EnumLabel>,
    },
    /// A type with conditions.
    Domain {
        /// Object id of the type that it is over.
        base: u32,
        /// Type modifier of that type; -1 where there is none.
        modifier: i32,
        /// Never NULL.
        not_null: bool,
        /// SQL text of its default.
        default: Option<String>,
        /// Its CHECK constraints, over `VALUE`.
        checks: Vec<Constraint>,
    },
}

/// A label of an enum type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumLabel {
    /// Object id, for ever the same.
    pub oid: u32,
    /// Its text.
    pub label: String,
}
