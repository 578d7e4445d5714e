//! What a client is told besides results and errors.

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Notice,
    /// Something is not as the user may think.
    Warning,
}

impl Severity {
    /// As PostgreSQL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
        }
    }

    /// Whether a client with this `client_min_messages` wants it.
    pub(super) fn passes(self, least: &str) -> bool {
        match least {
            "error" => false,
            "warning" => self >= Self::Warning,
            _ => true,
        }
    }
}

/// One message to the client that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// The SQLSTATE that goes with it.
    pub sqlstate: &'static str,
    /// One line.
    pub message: String,
    /// More facts, or nothing.
    pub detail: Option<String>,
}

impl Notice {
    /// A notice.
    pub(super) fn told(message: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, sqlstate: "00000", message: message.into(), detail: None }
    }

    /// A warning.
    pub(super) fn warning(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, sqlstate, message: message.into(), detail: None }
    }

    /// The same with more facts.
    pub(super) fn with_detail(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }
}
