//! Entry points for fuzzers: all that reads a client's bytes, over any bytes.
//!
//! Each function takes bytes as a client may send them and fails with a sentence when a promise is
//! broken: what is refused is refused with a SQLSTATE of its kind, what is read stays within its
//! bounds, and what is read and written again is the same. A panic is a failure as well.
//! `tests/fuzz.rs` runs them on changed messages, `fuzz/` under cargo-fuzz.

use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::ScalarValue;
use pgwire::messages::{DecodeContext, PgWireFrontendMessage, ProtocolVersion};

use crate::env::SystemRandom;
use crate::session::FormatSettings;
use crate::types::{SQL_TYPE_KEY, SqlError, SqlType};

use super::encode::{Format, RowEncoder};
use super::guard::{self, Phase};
use super::negotiate::{is_ambiguous, options, parameters, take_packet};
use super::params;
use super::scram::{Binding, Exchange, Mock, ScramVerifier};
use super::startup::{initial_response, refusal};

/// Largest message of the session that [`messages`] plays, in bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 16;
/// The user of the exchange that [`scram`] plays.
const USER: &str = "somebody";

/// What was promised and is not so.
pub type Broken = String;

/// Packets before login: lengths, names, values and `options`.
pub fn startup_packet(bytes: &[u8]) -> Result<(), Broken> {
    let mut input = BytesMut::from(bytes);
    loop {
        let before = input.len();
        let packet = match take_packet(&mut input) {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(()),
            Err(error) => return refused_with(&error, &["08"]),
        };
        if input.len() >= before || packet.len() > guard::LOGIN_BYTES_MAX {
            return Err(format!("a packet of {} bytes was taken from {before}", packet.len()));
        }
        let body = packet.get(4..).unwrap_or_default();
        let pairs = match parameters(body) {
            Ok(pairs) => pairs,
            Err(error) => return refused_with(&error, &["08"]),
        };
        let mut written: Vec<u8> =
            pairs.iter().flat_map(|(name, value)| [name, "\0", value, "\0"].concat().into_bytes()).collect();
        written.push(0);
        if written != body {
            return Err(format!("the parameters {pairs:?} are not what was sent"));
        }
        is_ambiguous(&pairs);
        for (_, value) in pairs.iter().filter(|(name, _)| name == "options") {
            if let Err(error) = options(value) {
                refused_with(&error, &["42"])?;
            }
        }
    }
}

/// Messages of a session: frames, the walk over their parts, the library's decoder.
pub fn messages(bytes: &[u8]) -> Result<(), Broken> {
    let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
    (context.awaiting_frontend_ssl, context.awaiting_frontend_startup) = (false, false);
    let mut rest = bytes;
    loop {
        let length = match guard::frame_length(rest, Phase::Session, MESSAGE_BYTES_MAX) {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(()),
            Err(error) => return refused_with(&error, &["08"]),
        };
        if length > MESSAGE_BYTES_MAX + 1 {
            return Err(format!("a frame of {length} bytes is beyond the bound"));
        }
        let Some((frame, behind)) = rest.split_at_checked(length) else { return Ok(()) };
        rest = behind;
        if let Err(error) = guard::check(frame) {
            refused_with(&error, &["08", "22"])?;
            continue;
        }
        // Passed over without a look: the body of a function call, and of a password out of place.
        if matches!(frame.first(), Some(b'F' | b'p')) {
            continue;
        }
        let mut input = BytesMut::from(frame);
        let message = match PgWireFrontendMessage::decode(&mut input, &context) {
            Ok(Some(message)) if input.is_empty() => message,
            other => return Err(format!("what was checked is not decoded: {other:?}, {} bytes left", input.len())),
        };
        let mut written = BytesMut::new();
        message.encode(&mut written).map_err(|error| format!("{message:?} is not encoded: {error}"))?;
        if written != frame {
            return Err(format!("{message:?} is encoded as {written:?}"));
        }
    }
}

/// A bound parameter. The first byte chooses the type, the second the format, the rest is the value.
pub fn bind_parameter(bytes: &[u8]) -> Result<(), Broken> {
    let [kind, format, value @ ..] = bytes else { return Ok(()) };
    let kind = SqlType::ALL[usize::from(*kind) % SqlType::ALL.len()];
    let format = if format % 2 == 0 { Format::Text } else { Format::Binary };
    let settings = FormatSettings::default();
    let read = match params::read(Some(value), kind, format, &settings) {
        Ok(read) => read,
        Err(error) => return refused_with(&error, &["08", "22", "0A", "42", "54"]),
    };
    if read.data_type() != kind.arrow() {
        return Ok(());
    }
    for format in [Format::Text, Format::Binary] {
        // A value that the other form cannot hold, such as a year beyond what is written, is refused.
        let Some(written) = encoded(kind, &read, format, &settings)? else { continue };
        let back = params::read(Some(&written), kind, format, &settings)
            .map_err(|error| format!("{kind:?} {read:?} is written as {written:?}, which is refused: {error}"))?;
        if encoded(kind, &back, Format::Text, &settings)? != encoded(kind, &read, Format::Text, &settings)? {
            return Err(format!("{kind:?} {read:?} is written as {written:?} and read as {back:?}"));
        }
    }
    Ok(())
}

/// The two messages of a SCRAM exchange, the first up to the byte 0xff, which UTF-8 does not have. The
/// client does not know the password, so it must not get in.
pub fn scram(bytes: &[u8]) -> Result<(), Broken> {
    static VERIFIER: LazyLock<ScramVerifier> = LazyLock::new(|| ScramVerifier::from_password("secret", &SystemRandom));
    static MOCK: LazyLock<Mock> = LazyLock::new(|| Mock::new(&SystemRandom));
    let end = bytes.iter().position(|byte| *byte == 0xff).unwrap_or(bytes.len());
    let (first, last) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    for (verifier, end_point) in [(None, None), (Some(&*VERIFIER), None), (Some(&*VERIFIER), Some(&[7; 32][..]))] {
        let (binding, first) = match initial_response(first, end_point) {
            Ok((binding, first)) => (binding, first),
            // The bare message as well: the length before it is hard to hit.
            Err(error) => {
                refused_with(&error, &["08"])?;
                (end_point.map_or(Binding::Absent, Binding::Used), first)
            }
        };
        let exchange = match Exchange::start(verifier, USER, &MOCK, binding, first, &SystemRandom) {
            Ok(exchange) => exchange,
            Err(error) => {
                refused_with(&refusal(&error, USER), &["08", "28"])?;
                continue;
            }
        };
        // A final message that repeats the nonce gets further; its proof stays a guess.
        let nonce = exchange.server_first().split(',').next().unwrap_or_default();
        let repeated = [b"c=biws,", nonce.as_bytes(), last].concat();
        for last in [last, &repeated] {
            match exchange.finish(last) {
                Ok(answer) => return Err(format!("a client without the password got in: {answer}")),
                Err(error) => refused_with(&refusal(&error, USER), &["08", "28"])?,
            }
        }
    }
    Ok(())
}

/// The error must be of one of these classes of SQLSTATE.
fn refused_with(error: &SqlError, classes: &[&str]) -> Result<(), Broken> {
    let state = error.code.sqlstate();
    match classes.iter().any(|class| state.starts_with(class)) {
        true => Ok(()),
        false => Err(format!("refused with {state}: {}", error.message)),
    }
}

/// The value as rows hold it; none where this form cannot say it.
fn encoded(
    kind: SqlType,
    value: &ScalarValue,
    format: Format,
    settings: &FormatSettings,
) -> Result<Option<Vec<u8>>, Broken> {
    let array = value.to_array().map_err(|error| format!("{value:?} is no array: {error}"))?;
    let metadata = [(SQL_TYPE_KEY.to_owned(), kind.name().to_owned())];
    let field = Field::new("value", array.data_type().clone(), true).with_metadata(metadata.into());
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).map_err(|error| error.to_string())?;
    let encoder = RowEncoder::new(&schema, &[format], settings.clone());
    let mut out = BytesMut::new();
    let written = encoder.batch(&batch).and_then(|rows| rows.value(0, 0, &mut out));
    match written {
        Ok(true) => Ok(Some(out.to_vec())),
        Ok(false) => Err(format!("{kind:?} {value:?} is written as NULL")),
        Err(error) => refused_with(&error, &["22", "0A"]).map(|()| None),
    }
}
