//! The first packets of a connection: TLS or not, cancel request, startup.

use std::collections::HashMap;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::session::CancelKey;
use crate::tls::{PostgresAcceptor, PostgresPeer};
use crate::types::SqlError;

use super::guard::{LOGIN_BYTES_MAX, violation};
use super::wire::{Transport, Wire, WireError};

const CANCEL_CODE: i32 = 80_877_102;
const SSL_CODE: i32 = 80_877_103;
const GSS_CODE: i32 = 80_877_104;
/// The first byte of a TLS handshake; no packet starts with it, since packets are shorter.
const TLS_HANDSHAKE: u8 = 0x16;
/// Most requests before the startup packet: one for TLS, one for GSS, and the packet inside TLS.
const ROUNDS_MAX: usize = 4;

/// What a new connection wants.
#[derive(Debug)]
pub(super) enum Opening {
    /// To log in.
    Startup(Startup),
    /// To end another connection's statement.
    Cancel(CancelKey),
}

/// A startup packet.
#[derive(Debug)]
pub(super) struct Startup {
    /// The stream, encrypted or not.
    pub(super) wire: Wire,
    /// What the TLS handshake told; none without encryption.
    pub(super) tls: Option<PostgresPeer>,
    /// Protocol version.
    pub(super) major: u16,
    /// Its second part.
    pub(super) minor: u16,
    /// Parameters in the order of the packet.
    pub(super) parameters: Vec<(String, String)>,
}

impl Startup {
    /// The last value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why a connection got no further. `Refused` is told to the client.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpeningError {
    #[error("the connection ended before login")]
    Wire(#[from] WireError),
    #[error("the connection was refused: {error}")]
    Refused { wire: Box<Wire>, error: SqlError },
}

impl From<std::io::Error> for OpeningError {
    fn from(error: std::io::Error) -> Self {
        Self::Wire(WireError::Io(error))
    }
}

/// Reads packets until one says what the client wants.
pub(super) async fn open(
    tcp: TcpStream,
    tls: Option<&PostgresAcceptor>,
    message_bytes_max: usize,
) -> Result<Opening, OpeningError> {
    let (mut stream, mut peer) = start(tcp, tls).await?;
    let mut input = BytesMut::with_capacity(1_024);
    for _ in 0..ROUNDS_MAX {
        let packet = match read_packet(&mut stream, &mut input).await? {
            Ok(packet) => packet,
            Err(error) => return Err(refused(stream, error)),
        };
        let Some(code) = packet.get(..4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(i32::from_be_bytes)
        else {
            return Err(refused(stream, violation("invalid length of startup packet")));
        };
        match code {
            SSL_CODE | GSS_CODE => {
                // Bytes sent ahead would count as encrypted later, though anybody could have put them there.
                if !input.is_empty() {
                    return Err(refused(stream, violation("received unencrypted data after encryption request")));
                }
                match tls.filter(|_| code == SSL_CODE && peer.is_none()) {
                    None => stream.write_all(b"N").await?,
                    Some(acceptor) => {
                        stream.write_all(b"S").await?;
                        stream.flush().await?;
                        let (encrypted, told) = acceptor.accept(stream).await?;
                        (stream, peer) = (Box::new(encrypted), Some(told));
                    }
                }
                stream.flush().await?;
            }
            CANCEL_CODE => {
                let mut body = packet.get(4..).unwrap_or_default();
                if body.len() != 8 {
                    return Err(refused(stream, violation("invalid length of cancel request packet")));
                }
                return Ok(Opening::Cancel(CancelKey { pid: body.get_i32(), secret: body.get_i32() }));
            }
            version => {
                let parameters = match parameters(packet.get(4..).unwrap_or_default()) {
                    Ok(parameters) => parameters,
                    Err(error) => return Err(refused(stream, error)),
                };
                let [major_high, major_low, minor_high, minor_low] = version.to_be_bytes();
                let wire = Wire::new(stream, input, message_bytes_max);
                return Ok(Opening::Startup(Startup {
                    wire,
                    tls: peer,
                    major: u16::from_be_bytes([major_high, major_low]),
                    minor: u16::from_be_bytes([minor_high, minor_low]),
                    parameters,
                }));
            }
        }
    }
    Err(refused(stream, violation("too many encryption requests")))
}

/// The stream to read packets from: as it is, or inside TLS when the client starts with a handshake
/// right away. Such a client must name the protocol, so that no other one can be talked into it.
async fn start(
    tcp: TcpStream,
    tls: Option<&PostgresAcceptor>,
) -> Result<(Box<dyn Transport>, Option<PostgresPeer>), OpeningError> {
    let mut first = [0];
    if tcp.peek(&mut first).await? == 0 {
        return Err(WireError::Closed.into());
    }
    let Some(acceptor) = tls.filter(|_| first == [TLS_HANDSHAKE]) else { return Ok((Box::new(tcp), None)) };
    let (encrypted, told) = acceptor.accept(tcp).await?;
    let stream: Box<dyn Transport> = Box::new(encrypted);
    if told.named_protocol {
        Ok((stream, Some(told)))
    } else {
        let text = "received direct SSL connection request without ALPN protocol negotiation extension";
        Err(refused(stream, violation(text)))
    }
}

fn refused(stream: Box<dyn Transport>, error: SqlError) -> OpeningError {
    OpeningError::Refused { wire: Box::new(Wire::new(stream, BytesMut::new(), 0)), error }
}

/// One packet without its length, or why it cannot be one.
async fn read_packet(
    stream: &mut Box<dyn Transport>,
    input: &mut BytesMut,
) -> Result<Result<BytesMut, SqlError>, WireError> {
    loop {
        match take_packet(input) {
            Ok(None) => {}
            Ok(Some(packet)) => return Ok(Ok(packet)),
            Err(error) => return Ok(Err(error)),
        }
        if stream.read_buf(input).await? == 0 {
            return Err(WireError::Closed);
        }
    }
}

/// The packet that `input` starts with, without its length; none until all of it is there.
pub(super) fn take_packet(input: &mut BytesMut) -> Result<Option<BytesMut>, SqlError> {
    let Some(length) = input.get(..4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()) else { return Ok(None) };
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or_default();
    if !(8..=LOGIN_BYTES_MAX).contains(&length) {
        return Err(violation("invalid length of startup packet"));
    }
    if input.len() < length {
        return Ok(None);
    }
    let mut packet = input.split_to(length);
    packet.advance(4);
    Ok(Some(packet))
}

/// Names and values, each with a zero byte behind, and one more at the end.
pub(super) fn parameters(body: &[u8]) -> Result<Vec<(String, String)>, SqlError> {
    let wrong = || violation("invalid startup packet layout: expected terminator as last byte");
    let body = body.strip_suffix(&[0]).ok_or_else(wrong)?;
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let body = body.strip_suffix(&[0]).ok_or_else(wrong)?;
    let texts = body
        .split(|byte| *byte == 0)
        .map(|text| std::str::from_utf8(text).map(str::to_owned))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| violation("startup packet is not in UTF-8"))?;
    let mut pairs = Vec::with_capacity(texts.len() / 2);
    let mut texts = texts.into_iter();
    while let Some(name) = texts.next() {
        let value = texts.next().ok_or_else(wrong)?;
        if name.is_empty() {
            return Err(wrong());
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// The settings in `options`: `-c name=value` and `--name=value`, blanks escaped by a backslash.
pub(super) fn options(text: &str) -> Result<Vec<(String, String)>, SqlError> {
    let wrong = |word: &str| {
        let shown: String = word.chars().take(80).collect();
        SqlError::new(
            crate::types::Code::SyntaxError,
            format!("invalid command-line argument for server process: {shown}"),
        )
    };
    let mut settings = Vec::new();
    let mut words = words(text).into_iter();
    while let Some(word) = words.next() {
        let assignment = if word == "-c" {
            words.next().ok_or_else(|| wrong(&word))?
        } else if let Some(rest) = word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            rest.to_owned()
        } else {
            return Err(wrong(&word));
        };
        let (name, value) = assignment.split_once('=').ok_or_else(|| wrong(&assignment))?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut open) = (Vec::new(), String::new(), false);
    let mut characters = text.chars();
    while let Some(next) = characters.next() {
        if next.is_whitespace() {
            if open {
                words.push(std::mem::take(&mut word));
            }
            open = false;
            continue;
        }
        open = true;
        word.push(if next == '\\' { characters.next().unwrap_or('\\') } else { next });
    }
    if open {
        words.push(word);
    }
    words
}

/// Parameters that are no settings.
pub(super) fn is_setting(name: &str) -> bool {
    !matches!(name, "user" | "database" | "options" | "replication") && !name.starts_with("_pq_.")
}

/// Counts parameters by name, for the check that none comes twice with another meaning.
pub(super) fn is_ambiguous(parameters: &[(String, String)]) -> bool {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    parameters
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "user" | "database"))
        .any(|(name, value)| seen.insert(name, value).is_some_and(|before| before != value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{options, parameters};

    #[test]
    fn options_are_read_like_a_command_line() {
        let read = options("-c statement_timeout=5s --search-path=a,\\ b  -cjit=off").expect("settings");
        let pairs: Vec<(&str, &str)> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("statement_timeout", "5s"), ("search_path", "a, b"), ("jit", "off")]);
        assert!(options("-d 5").is_err());
        assert!(options("-c").is_err());
    }

    #[test]
    fn a_startup_packet_needs_its_terminators() {
        assert_eq!(parameters(b"user\0u\0\0").expect("one").len(), 1);
        assert!(parameters(b"\0").expect("none").is_empty());
        for body in [&b""[..], b"user\0u\0", b"user\0\0", b"user", b"\0u\0\0"] {
            assert!(parameters(body).is_err(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(body in prop::collection::vec(any::<u8>(), 0..60), text in ".{0,40}") {
            let _ = parameters(&body);
            let _ = options(&text);
        }
    }
}
