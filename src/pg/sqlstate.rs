//! Errors and notices as messages; what a client may see of them.

use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

use crate::session::Notice;
use crate::types::{Code, SqlError};

/// Longest text of one field of an error.
const FIELD_CHARS_MAX: usize = 4_000;

/// How bad an error is for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorSeverity {
    /// The statement failed.
    Error,
    /// The connection ends.
    Fatal,
}

impl ErrorSeverity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// The ErrorResponse for an error.
pub(super) fn error_message(error: &SqlError, severity: ErrorSeverity) -> PgWireBackendMessage {
    let shown = |text: &str| cut(&if hides(error.code) { scrub(text) } else { text.to_owned() });
    let mut fields = head(severity.as_str(), error.code.sqlstate());
    fields.push((b'M', shown(&error.message)));
    if let Some(detail) = &error.detail {
        fields.push((b'D', shown(detail)));
    }
    if let Some(hint) = &error.hint {
        fields.push((b'H', shown(hint)));
    }
    if let Some(position) = error.position {
        fields.push((b'P', position.to_string()));
    }
    if let Some(context) = &error.context {
        fields.push((b'W', shown(context)));
    }
    if let Some(object) = error.object.as_deref() {
        let names = [
            (b's', &object.schema),
            (b't', &object.table),
            (b'c', &object.column),
            (b'd', &object.data_type),
            (b'n', &object.constraint),
        ];
        fields.extend(names.into_iter().filter_map(|(field, name)| Some((field, shown(name.as_deref()?)))));
    }
    PgWireBackendMessage::ErrorResponse(ErrorResponse::new(fields))
}

/// The NoticeResponse for a notice.
pub(super) fn notice_message(notice: &Notice) -> PgWireBackendMessage {
    let mut fields = head(notice.severity.as_str(), notice.sqlstate);
    fields.push((b'M', cut(&notice.message)));
    fields.extend(notice.detail.as_deref().map(|detail| (b'D', cut(detail))));
    PgWireBackendMessage::NoticeResponse(NoticeResponse::new(fields))
}

fn head(severity: &str, sqlstate: &str) -> Vec<(u8, String)> {
    vec![(b'S', severity.to_owned()), (b'V', severity.to_owned()), (b'C', sqlstate.to_owned())]
}

/// Errors of these kinds carry texts of other parts and crates, which may name files and hosts.
fn hides(code: Code) -> bool {
    matches!(code, Code::Internal | Code::IoError | Code::DataCorrupted | Code::Unavailable)
}

/// Replaces what looks like a path or an address, and keeps the first line only.
fn scrub(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let words: Vec<&str> = line.split(' ').map(|word| if is_place(word) { "[...]" } else { word }).collect();
    words.join(" ")
}

fn is_place(word: &str) -> bool {
    let plain = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '\\' | '[' | ']' | ':'));
    let plain = plain.trim_end_matches(':');
    let address = plain.parse::<std::net::SocketAddr>().is_ok() || plain.parse::<std::net::IpAddr>().is_ok();
    let path = plain.len() > 1 && (plain.contains('/') || plain.contains('\\'));
    let host_and_port = plain.rsplit_once(':').is_some_and(|(host, port)| {
        host.contains('.') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    address || path || host_and_port
}

/// Bounds a text and takes zero bytes out, which would end it early.
fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(FIELD_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn paths_and_addresses_are_taken_out() {
        assert_eq!(
            scrub("open \"/var/lib/x/node.redb\": denied by 10.1.2.3:5432 (edge.local:6000)\nstack"),
            "open [...] denied by [...] [...]"
        );
        assert_eq!(scrub("expected Int64 but found Utf8 at [::1]:80"), "expected Int64 but found Utf8 at [...]");
        assert_eq!(scrub("a :: b - c / d"), "a :: b - c / d");
    }
}
