//! Looks at the bytes of a client before the library decodes them.
//!
//! The library's decoder trusts lengths and counts inside a message and panics on short ones, so
//! every frame is cut to its stated length, and every string, count and length in it is walked
//! here first. Bounds: 10 kB before login, a configured size after.

use crate::types::{Code, SqlError};

/// Largest message before login, in bytes.
pub(super) const LOGIN_BYTES_MAX: usize = 10_000;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client has yet to prove who it is.
    Login,
    /// The client may send statements.
    Session,
}

/// Types of message that a client may send after login.
const SESSION_TYPES: &[u8] = b"QPBEDCSHXFdcfp";

/// Length of the frame that starts here, type byte included; none until its length is there.
///
/// Fails on an unknown type or a length that is out of bounds: the stream cannot be followed then.
pub(super) fn frame_length(buffer: &[u8], phase: Phase, session_bytes_max: usize) -> Result<Option<usize>, SqlError> {
    let Some(kind) = buffer.first() else { return Ok(None) };
    let allowed = match phase {
        Phase::Login => matches!(kind, b'p' | b'X'),
        Phase::Session => SESSION_TYPES.contains(kind),
    };
    if !allowed {
        return Err(violation(format!("invalid frontend message type {kind}")));
    }
    let Some(length) = buffer.get(1..5).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()) else { return Ok(None) };
    let bytes_max = match phase {
        Phase::Login => LOGIN_BYTES_MAX,
        Phase::Session => session_bytes_max,
    };
    match usize::try_from(i32::from_be_bytes(length)) {
        Ok(length) if (4..=bytes_max).contains(&length) => Ok(Some(length + 1)),
        _ => Err(violation("invalid message length")),
    }
}

/// Walks a whole message after login; what passes is safe to decode.
pub(super) fn check(frame: &[u8]) -> Result<(), SqlError> {
    let (Some(kind), Some(body)) = (frame.first(), frame.get(5..)) else {
        return Err(violation("invalid message format"));
    };
    let mut body = Body(body);
    match kind {
        b'Q' => body.text()?,
        b'P' => {
            body.text()?;
            body.text()?;
            let types = body.count()?;
            body.skip(usize::from(types) * 4)?;
        }
        b'B' => {
            body.text()?;
            body.text()?;
            let formats = body.count()?;
            body.skip(usize::from(formats) * 2)?;
            for _ in 0..body.count()? {
                body.value()?;
            }
            let formats = body.count()?;
            body.skip(usize::from(formats) * 2)?;
        }
        b'E' => {
            body.text()?;
            body.skip(4)?;
        }
        b'D' | b'C' => {
            if !matches!(body.0.first(), Some(b'S' | b'P')) {
                return Err(violation("invalid DESCRIBE or CLOSE message subtype"));
            }
            body.skip(1)?;
            body.text()?;
        }
        b'f' => body.text()?,
        // Data of a COPY that does not run and the body of a function call are never decoded.
        b'd' | b'F' | b'p' => return Ok(()),
        _ => {}
    }
    if body.0.is_empty() { Ok(()) } else { Err(violation("invalid message format")) }
}

/// What is left of a message.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    /// Skips a text that ends with a zero byte.
    fn text(&mut self) -> Result<(), SqlError> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or_else(|| violation("invalid string in message"))?;
        let (text, rest) = self.0.split_at(end);
        if std::str::from_utf8(text).is_err() {
            let message = "invalid byte sequence for encoding \"UTF8\"";
            return Err(SqlError::new(Code::CharacterNotInRepertoire, message));
        }
        self.0 = rest.get(1..).unwrap_or_default();
        Ok(())
    }

    fn count(&mut self) -> Result<u16, SqlError> {
        let bytes = self.take(2)?;
        <[u8; 2]>::try_from(bytes).map(u16::from_be_bytes).map_err(|_| violation("insufficient data left in message"))
    }

    /// Skips a length and so many bytes; -1 stands for NULL.
    fn value(&mut self) -> Result<(), SqlError> {
        let bytes = self.take(4)?;
        let length = <[u8; 4]>::try_from(bytes).map(i32::from_be_bytes).unwrap_or(-2);
        match usize::try_from(length) {
            Ok(length) => self.skip(length),
            Err(_) if length == -1 => Ok(()),
            Err(_) => Err(violation("invalid argument size in bind message")),
        }
    }

    fn skip(&mut self, bytes: usize) -> Result<(), SqlError> {
        self.take(bytes).map(|_| ())
    }

    fn take(&mut self, bytes: usize) -> Result<&[u8], SqlError> {
        let (taken, rest) =
            self.0.split_at_checked(bytes).ok_or_else(|| violation("insufficient data left in message"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// The error for bytes that break the protocol.
pub(super) fn violation(message: impl Into<String>) -> SqlError {
    SqlError::new(Code::ProtocolViolation, message)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use pgwire::messages::{DecodeContext, PgWireFrontendMessage, ProtocolVersion};
    use proptest::prelude::*;

    use super::{Phase, check, frame_length};

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![kind];
        frame.extend(i32::try_from(body.len() + 4).expect("short").to_be_bytes());
        frame.extend(body);
        frame
    }

    #[test]
    fn short_and_long_messages_are_refused() {
        for (kind, body) in [
            (b'B', &b"\0\0\0\x01"[..]),
            (b'B', b"\0\0\0\0\0\x01\0\0\0\x09ab\0\0"),
            (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"),
            (b'B', b"\0\0\0\0\0\0\0\0extra"),
            (b'E', b"\0\0"),
            (b'E', b"portal"),
            (b'P', b"\0select\0\x00\x05"),
            (b'D', b"X\0"),
            (b'Q', b"no end"),
            (b'Q', b"\xff\xfe\0"),
            (b'S', b"body"),
        ] {
            assert!(check(&frame(kind, body)).is_err(), "{} {body:?}", char::from(kind));
        }
        assert!(check(&frame(b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xff\0\0")).is_ok());
    }

    #[test]
    fn lengths_are_bounded_by_phase() {
        let long = [b'p', 0, 0, 0x40, 0];
        assert!(frame_length(&long, Phase::Login, 1 << 20).is_err());
        assert_eq!(frame_length(&long, Phase::Session, 1 << 20).expect("allowed"), Some(0x4001));
        assert!(frame_length(&[b'Q', 0xff, 0xff, 0xff, 0xff], Phase::Session, 1 << 20).is_err());
        assert!(frame_length(b"B\0\0\0\x08", Phase::Login, 1 << 20).is_err());
        assert!(frame_length(b"GET / HTTP", Phase::Session, 1 << 20).is_err());
        assert_eq!(frame_length(b"Q\0", Phase::Session, 1 << 20).expect("unfinished"), None);
    }

    proptest! {
        /// Whatever passes the guard, the library decodes without a panic.
        #[test]
        fn what_passes_is_safe_to_decode(kind in prop::sample::select(b"QPBEDCSHXcf".to_vec()),
                                         body in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..40)) {
            let frame = frame(kind, &body);
            if check(&frame).is_ok() {
                let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
                context.awaiting_frontend_ssl = false;
                context.awaiting_frontend_startup = false;
                let mut bytes = BytesMut::from(frame.as_slice());
                let decoded = PgWireFrontendMessage::decode(&mut bytes, &context);
                prop_assert!(decoded.is_ok());
            }
        }
    }
}
