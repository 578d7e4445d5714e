//! The error that a client of the PostgreSQL protocol is told.
//!
//! Rooms have their own error enums; whatever reaches a statement ends as one of these.

use super::Code;

/// An error with everything PostgreSQL's ErrorResponse can say about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// The kind; becomes the SQLSTATE.
    pub code: Code,
    /// One line, lower case, no full stop.
    pub message: String,
    /// More facts, or nothing.
    pub detail: Option<String>,
    /// What the user can do, or nothing.
    pub hint: Option<String>,
    /// Where in the statement's text: a count of characters, from 1.
    pub position: Option<u32>,
    /// What it is about, where PostgreSQL names that in fields of its own.
    pub object: Option<Box<ErrorObject>>,
    /// Where in the data of a COPY, or nothing.
    pub context: Option<Box<str>>,
}

/// The names of what an error is about; programs read them instead of the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorObject {
    /// The schema.
    pub schema: Option<String>,
    /// The table.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// The type.
    pub data_type: Option<String>,
    /// The constraint, or the index that stands for it.
    pub constraint: Option<String>,
}

impl SqlError {
    /// An error of one kind with one line of text.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, hint: None, position: None, object: None, context: None }
    }

    /// The same error with a hint for the user.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with more facts.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same error with the names of what it is about.
    #[must_use]
    pub fn about(mut self, object: ErrorObject) -> Self {
        self.object = Some(Box::new(object));
        self
    }

    /// The same error with the place in a COPY's data.
    #[must_use]
    pub fn in_context(mut self, context: impl Into<Box<str>>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// The same error with the place in the statement's text (characters, from 1).
    #[must_use]
    pub fn at(mut self, position: u32) -> Self {
        self.position = Some(position);
        self
    }
}
