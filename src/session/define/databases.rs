//! CREATE of databases and schemas.

use super::Definer;
use crate::catalog::{DatabaseEntry, Entry, Object, SchemaEntry};
use crate::types::{Code, SqlError};

impl Definer {
    /// CREATE DATABASE.
    pub(super) fn create_database(
        &mut self,
        name: &str,
        owner: Option<&str>,
        options: &[(String, String)],
    ) -> Result<(), SqlError> {
        let catalog = self.catalog();
        for (option, value) in options {
            self.check_database_option(option, value)?;
        }
        if catalog.databases.contains_key(name) {
            return Err(SqlError::new(Code::DuplicateDatabase, format!("database \"{name}\" already exists")));
        }
        let owner = owner.map_or(Ok(self.user.clone()), |owner| self.role(owner))?;
        let oid = self.new_oid()?;
        let database = DatabaseEntry { name: name.to_owned(), owner: Some(owner), comment: String::new() };
        let entry = Entry { oid, database: oid, object: Object::Database(database) };
        self.data.put(entry)
    }

    fn check_database_option(&self, option: &str, value: &str) -> Result<(), SqlError> {
        let refused = |text: String| Err(SqlError::new(Code::FeatureNotSupported, text));
        match option {
            "encoding" if !matches!(value.to_lowercase().as_str(), "utf8" | "utf-8" | "unicode" | "default" | "6") => {
                refused(format!("encoding \"{value}\" is not supported: every database is UTF8"))
            }
            "template" if !matches!(value, "template0" | "template1" | "default") => {
                refused(format!("template \"{value}\" is not supported"))
            }
            "encoding" | "template" | "lc_collate" | "lc_ctype" | "locale" | "icu_locale" | "locale_provider"
            | "collation_version" | "tablespace" | "allow_connections" | "connection limit" | "is_template" | "oid"
            | "strategy" => Ok(()),
            other => Err(SqlError::new(Code::SyntaxError, format!("option \"{other}\" not recognized"))),
        }
    }

    /// CREATE SCHEMA.
    pub(super) fn create_schema(
        &mut self,
        name: Option<&str>,
        owner: Option<&str>,
        if_not_exists: bool,
    ) -> Result<(), SqlError> {
        let owner = owner.map_or(Ok(self.user.clone()), |owner| self.role(owner))?;
        let name = name.unwrap_or(&owner).to_owned();
        if name.starts_with("pg_") {
            return Err(SqlError::new(Code::ReservedName, format!("unacceptable schema name \"{name}\""))
                .with_detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        let catalog = self.catalog();
        if self.database(&catalog)?.schemas.contains_key(&name) || name == crate::system::INFORMATION_SCHEMA {
            let text = format!("schema \"{name}\" already exists");
            if if_not_exists {
                self.notice(Code::DuplicateSchema, format!("{text}, skipping"));
                return Ok(());
            }
            return Err(SqlError::new(Code::DuplicateSchema, text));
        }
        let oid = self.new_oid()?;
        let schema = SchemaEntry { name, owner: Some(owner), comment: String::new(), is_gone: false };
        self.put(oid, Object::Schema(schema))
    }
}
