//! Our own types <-> protobuf and Arrow IPC; every decoder is bounded and panics on nothing.
//!
//! Bytes of a peer are not trusted although the peer is authenticated: sizes and counts are checked
//! before anything is allocated for them, offsets before they are followed, and what the Arrow
//! library may still trip over is caught and becomes [`MeshError::BadReply`].

mod batch;
mod entries;
mod fragment;
mod summary;

pub(super) use batch::{BatchEncoder, slices};
pub(super) use entries::{Digest, EntriesDecoder, EntriesMessages};
pub(super) use fragment::{ReplyDecoder, decode_request, encode_failure, encode_request, encode_trailer};
pub(super) use summary::{SummaryDecoder, SummaryEncoder, SummaryOrigin, is_urgent};

use super::MeshError;

/// Longest address, host:port, that a peer may state.
const ADDRESS_BYTES_MAX: usize = 260;

fn bad(what: impl Into<String>) -> MeshError {
    MeshError::BadReply { what: what.into() }
}

/// Whether a text is an address that can be dialled: a host name or IP address, a colon, a port.
pub(super) fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let port_fits = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0);
    text.len() <= ADDRESS_BYTES_MAX && !host.is_empty() && host.bytes().all(fits) && port_fits
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_are_a_host_and_a_port() {
        for good in ["127.0.0.1:7070", "[::1]:7070", "edge-1.fleet:1"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "host", "host:", ":1", "host:0", "host:65536", "host:+1", "a b:1", "host/x:1"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
