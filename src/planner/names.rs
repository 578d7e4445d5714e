//! Names -> objects of one database: by their schema, or through the search path.
//!
//! Used for statements that define things, and for expressions and views that are kept. A name that means nothing
//! is an error in PostgreSQL's words.

use std::sync::Arc;

use super::definition::{QualifiedName, TypeReference};
use crate::catalog::{Catalog, Column, Database, Index, Schema, Sequence, Table, UserType, UserTypeKind, View};
use crate::system::{INFORMATION_SCHEMA, PG_CATALOG, format_type, type_oid};
use crate::types::{Code, SqlError, SqlType};

/// The schema that stands for the session's own temporary one.
pub const TEMPORARY: &str = "pg_temp";
/// Most characters that a varchar or char can be declared with.
const LENGTH_MAX: i64 = 10_485_760;
/// Most digits of a numeric.
const PRECISION_MAX: i64 = 38;

/// The database that names are looked up in, and the search path.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// What exists.
    pub catalog: &'a Catalog,
    /// The database.
    pub database: &'a Database,
    /// Schemas in which bare names are looked up, in order.
    pub search_path: &'a [String],
    /// The schema of the session's temporary objects.
    pub temporary: &'a str,
}

/// What a relation's name means.
#[derive(Debug, Clone)]
pub enum Relation {
    /// A table of any kind.
    Table(Arc<Table>),
    /// A view.
    View(Arc<View>),
    /// A sequence.
    Sequence(Arc<Sequence>),
    /// An index, with its table.
    Index(Arc<Table>, Box<Index>),
}

impl Relation {
    /// Object id.
    pub fn oid(&self) -> u32 {
        match self {
            Self::Table(table) => table.oid,
            Self::View(view) => view.oid,
            Self::Sequence(sequence) => sequence.oid,
            Self::Index(_, index) => index.oid,
        }
    }

    /// Its schema's name.
    pub fn schema(&self) -> &str {
        match self {
            Self::Table(table) | Self::Index(table, _) => &table.schema,
            Self::View(view) => &view.schema,
            Self::Sequence(sequence) => &sequence.schema,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::View(view) => &view.name,
            Self::Sequence(sequence) => &sequence.name,
            Self::Index(_, index) => &index.name,
        }
    }

    /// The word for its kind.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::View(_) => "view",
            Self::Sequence(_) => "sequence",
            Self::Index(..) => "index",
        }
    }
}

/// The type of a column as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredType {
    /// The type that carries the values.
    pub sql_type: SqlType,
    /// PostgreSQL's type modifier; -1 where there is none.
    pub modifier: i32,
    /// Object id of a user's type.
    pub user_type: Option<u32>,
    /// It was written as `serial`: the column takes its values from a sequence.
    pub is_serial: bool,
}

impl DeclaredType {
    /// A type of PostgreSQL's own.
    pub fn plain(sql_type: SqlType) -> Self {
        Self { sql_type, modifier: -1, user_type: None, is_serial: false }
    }

    /// The type of a column.
    pub fn of_column(column: &Column) -> Self {
        Self { sql_type: column.sql_type, modifier: column.modifier, user_type: column.user_type, is_serial: false }
    }
}

impl<'a> Names<'a> {
    /// The schema that a name stands for; `pg_temp` is the session's own.
    pub fn schema_name(&self, written: &'a str) -> &'a str {
        if written == TEMPORARY { self.temporary } else { written }
    }

    /// The schema with this name.
    pub fn schema(&self, name: &'a str) -> Result<&'a Schema, SqlError> {
        let found = self.database.schemas.get(self.schema_name(name));
        found.ok_or_else(|| no_schema(name))
    }

    /// The schemas where a name is looked up.
    fn places(&self, name: &'a QualifiedName) -> Result<Vec<(&'a str, &'a Schema)>, SqlError> {
        self.check_database(name)?;
        if let Some(schema) = &name.schema {
            if matches!(schema.as_str(), PG_CATALOG | INFORMATION_SCHEMA) {
                return Ok(Vec::new());
            }
            return Ok(vec![(self.schema_name(schema), self.schema(schema)?)]);
        }
        let temporary = std::iter::once(self.temporary);
        let path = temporary.chain(self.search_path.iter().map(String::as_str));
        Ok(path
            .filter_map(|name| self.database.schemas.get_key_value(name))
            .map(|(name, s)| (name.as_str(), s))
            .collect())
    }

    fn check_database(&self, name: &QualifiedName) -> Result<(), SqlError> {
        match &name.database {
            Some(database) if *database != self.database.name => {
                let text = format!("cross-database references are not implemented: \"{}\"", name.written());
                Err(SqlError::new(Code::FeatureNotSupported, text))
            }
            _ => Ok(()),
        }
    }

    /// The schema in which something of this name is made.
    pub fn target_schema(&self, name: &'a QualifiedName) -> Result<&'a str, SqlError> {
        self.check_database(name)?;
        match &name.schema {
            Some(schema) if matches!(schema.as_str(), PG_CATALOG | INFORMATION_SCHEMA) => {
                let text = format!("permission denied to create \"{}.{}\"", schema, name.name);
                Err(SqlError::new(Code::InsufficientPrivilege, text)
                    .with_detail("System catalog modifications are currently disallowed."))
            }
            Some(schema) => {
                self.schema(schema)?;
                Ok(self.schema_name(schema))
            }
            None => {
                let mut lasting = self.search_path.iter().filter(|schema| *schema != self.temporary);
                let first = lasting.find(|schema| self.database.schemas.contains_key(*schema));
                let none = || SqlError::new(Code::InvalidSchemaName, "no schema has been selected to create in");
                first.map(String::as_str).ok_or_else(none)
            }
        }
    }

    /// The relation that a name means, if there is one.
    pub fn find_relation(&self, name: &'a QualifiedName) -> Result<Option<Relation>, SqlError> {
        Ok(self.places(name)?.into_iter().find_map(|(_, schema)| relation_in(schema, &name.name)))
    }

    /// The relation that a name means.
    pub fn relation(&self, name: &'a QualifiedName) -> Result<Relation, SqlError> {
        let unknown = || SqlError::new(Code::UndefinedTable, format!("relation \"{}\" does not exist", name.written()));
        self.find_relation(name)?.ok_or_else(unknown)
    }

    /// The relation of this name in a schema.
    pub fn relation_in(&self, schema: &str, name: &str) -> Option<Relation> {
        relation_in(self.database.schemas.get(schema)?, name)
    }

    /// The user's type that a name means, if there is one.
    pub fn find_type(&self, name: &'a QualifiedName) -> Result<Option<Arc<UserType>>, SqlError> {
        Ok(self.places(name)?.into_iter().find_map(|(_, schema)| schema.types.get(&name.name)).map(Arc::clone))
    }

    /// The type that was written.
    pub fn declared_type(&self, reference: &'a TypeReference) -> Result<DeclaredType, SqlError> {
        let unknown = || {
            let name = reference.name.written();
            let array = if reference.is_array { "[]" } else { "" };
            SqlError::new(Code::UndefinedObject, format!("type \"{name}{array}\" does not exist"))
                .at(reference.name.position)
        };
        let built_in = matches!(reference.name.schema.as_deref(), None | Some(PG_CATALOG));
        if let Some(serial) = serial_type(&reference.name)
            && built_in
        {
            if reference.is_array {
                let text = "array of serial is not implemented";
                return Err(SqlError::new(Code::FeatureNotSupported, text).at(reference.name.position));
            }
            return Ok(DeclaredType { is_serial: true, ..DeclaredType::plain(serial) });
        }
        let own = type_oid(&crate::catalog::quote_for_engine(&reference.name.name)).filter(|_| built_in);
        match own {
            Some(oid) => self.built_in_type(oid, reference),
            None => {
                let user = self.find_type(&reference.name)?.ok_or_else(unknown)?;
                self.user_type(&user, reference)
            }
        }
    }

    fn built_in_type(&self, oid: u32, reference: &TypeReference) -> Result<DeclaredType, SqlError> {
        let refused = || {
            let text = format!("type {} is not supported", format_type(oid, None));
            SqlError::new(Code::FeatureNotSupported, text).at(reference.name.position)
        };
        let base = SqlType::from_oid(oid).filter(|kind| is_storable(*kind)).ok_or_else(refused)?;
        let modifier = modifier(base, &reference.modifiers).map_err(|error| error.at(reference.name.position))?;
        let sql_type = if reference.is_array { base.array().ok_or_else(refused)? } else { base };
        Ok(DeclaredType { modifier, ..DeclaredType::plain(sql_type) })
    }

    fn user_type(&self, user: &UserType, reference: &TypeReference) -> Result<DeclaredType, SqlError> {
        if !reference.modifiers.is_empty() {
            let text = format!("type modifier is not allowed for type \"{}\"", user.name);
            return Err(SqlError::new(Code::SyntaxError, text).at(reference.name.position));
        }
        let declared = of_user_type(user)?;
        if !reference.is_array {
            return Ok(declared);
        }
        let refused =
            || SqlError::new(Code::FeatureNotSupported, format!("arrays of type {} are not supported", user.name));
        let sql_type = declared.sql_type.array().ok_or_else(refused)?;
        Ok(DeclaredType { sql_type, user_type: Some(user.array_oid), ..declared })
    }

    /// A type as SQL names it, a user's with its schema.
    pub fn spelled(&self, declared: &DeclaredType) -> String {
        if let Some(user) = declared.user_type.and_then(|oid| self.catalog.type_by_oid(oid)) {
            let array = if declared.user_type == Some(user.array_oid) { "[]" } else { "" };
            let quote = crate::catalog::quote_for_engine;
            return format!("{}.{}{array}", quote(&user.schema), quote(&user.name));
        }
        // `character` alone would mean one character.
        if declared.sql_type == SqlType::Bpchar && declared.modifier < 0 {
            return String::from("bpchar");
        }
        format_type(declared.sql_type.oid(), Some(declared.modifier).filter(|modifier| *modifier >= 0))
    }

    /// A type as error messages name it.
    pub fn told(&self, declared: &DeclaredType) -> String {
        let user = declared.user_type.and_then(|oid| self.catalog.type_by_oid(oid));
        match user {
            Some(user) if declared.user_type == Some(user.array_oid) => format!("{}[]", user.name),
            Some(user) => user.name.clone(),
            None => format_type(declared.sql_type.oid(), None),
        }
    }
}

/// The error for a schema that is not there.
pub fn no_schema(name: &str) -> SqlError {
    SqlError::new(Code::InvalidSchemaName, format!("schema \"{name}\" does not exist"))
}

fn relation_in(schema: &Schema, name: &str) -> Option<Relation> {
    if let Some(table) = schema.tables.get(name) {
        return Some(Relation::Table(Arc::clone(table)));
    }
    if let Some(view) = schema.views.get(name) {
        return Some(Relation::View(Arc::clone(view)));
    }
    if let Some(sequence) = schema.sequences.get(name) {
        return Some(Relation::Sequence(Arc::clone(sequence)));
    }
    schema.tables.values().find_map(|table| {
        let index = table.indexes().iter().find(|index| index.name == name)?;
        Some(Relation::Index(Arc::clone(table), Box::new(index.clone())))
    })
}

/// What a user's type is carried as.
pub fn of_user_type(user: &UserType) -> Result<DeclaredType, SqlError> {
    let plain = match &user.kind {
        UserTypeKind::Enum { .. } => DeclaredType::plain(SqlType::Text),
        UserTypeKind::Domain { base, modifier, .. } => {
            let unknown = || SqlError::new(Code::Internal, format!("domain {} is over no known type", user.name));
            let sql_type = SqlType::from_oid(*base).unwrap_or(SqlType::Text);
            if SqlType::from_oid(*base).is_none() && *base < 16_384 {
                return Err(unknown());
            }
            DeclaredType { modifier: *modifier, ..DeclaredType::plain(sql_type) }
        }
    };
    Ok(DeclaredType { user_type: Some(user.oid), ..plain })
}

fn serial_type(name: &QualifiedName) -> Option<SqlType> {
    match name.name.as_str() {
        "serial" | "serial4" => Some(SqlType::Int4),
        "bigserial" | "serial8" => Some(SqlType::Int8),
        "smallserial" | "serial2" => Some(SqlType::Int2),
        _ => None,
    }
}

/// A column of a table can have this type.
fn is_storable(kind: SqlType) -> bool {
    !matches!(
        kind,
        SqlType::Unknown
            | SqlType::Void
            | SqlType::Record
            | SqlType::AnyArray
            | SqlType::NodeTree
            | SqlType::Aclitem
            | SqlType::AclitemArray
            | SqlType::Tid
            | SqlType::Cid
            | SqlType::PgLsn
            | SqlType::OidVector
            | SqlType::Int2Vector
    ) && !kind.is_registry()
}

/// The type modifier that numbers behind a type make.
fn modifier(kind: SqlType, numbers: &[i64]) -> Result<i32, SqlError> {
    let refused = |text: String| Err(SqlError::new(Code::InvalidParameterValue, text));
    let small = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let Some(first) = numbers.first().copied() else { return Ok(-1) };
    match kind {
        SqlType::Varchar | SqlType::Bpchar => {
            let name = if kind == SqlType::Varchar { "varchar" } else { "char" };
            match first {
                length if length < 1 => refused(format!("length for type {name} must be at least 1")),
                length if length > LENGTH_MAX => refused(format!("length for type {name} cannot exceed {LENGTH_MAX}")),
                length => Ok(SqlType::length_modifier(small(length))),
            }
        }
        SqlType::Numeric => {
            let scale = numbers.get(1).copied().unwrap_or(0);
            if !(1..=1_000).contains(&first) {
                return refused(format!("NUMERIC precision {first} must be between 1 and 1000"));
            }
            if first > PRECISION_MAX || !(0..=first).contains(&scale) {
                let text = format!("NUMERIC({first},{scale}) is not supported: at most {PRECISION_MAX} digits");
                return Err(SqlError::new(Code::FeatureNotSupported, text));
            }
            Ok(SqlType::numeric_modifier(small(first), small(scale)))
        }
        SqlType::Time | SqlType::Timestamp | SqlType::Timestamptz => Ok(small(first.clamp(0, 6))),
        SqlType::Interval => Ok((0x7fff << 16) | small(first.clamp(0, 6))),
        other => {
            let text = format!("type modifier is not allowed for type \"{}\"", other.name());
            Err(SqlError::new(Code::SyntaxError, text))
        }
    }
}
