//! Host addresses with a prefix length.

use std::net::IpAddr;

use bytes::{BufMut, BytesMut};

/// Family numbers of PostgreSQL's binary form.
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 3;

/// Reads `10.0.0.1`, `10.0.0.0/8`, `fe80::1/64`.
pub(in crate::pg) fn parse(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) =
        text.trim().split_once('/').map_or((text.trim(), None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => longest,
        Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= longest)?,
    };
    Some((address, prefix))
}

/// Family, prefix length, whether it is a network, length, address.
pub(super) fn binary(address: IpAddr, prefix: u8, network: bool, out: &mut BytesMut) {
    match address {
        IpAddr::V4(address) => {
            out.put_slice(&[FAMILY_V4, prefix, u8::from(network), 4]);
            out.put_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.put_slice(&[FAMILY_V6, prefix, u8::from(network), 16]);
            out.put_slice(&address.octets());
        }
    }
}

/// Reads the binary form.
pub(in crate::pg) fn from_binary(bytes: &[u8]) -> Option<(IpAddr, u8)> {
    let (head, address) = bytes.split_at_checked(4)?;
    let [family, prefix, _, length] = <[u8; 4]>::try_from(head).ok()?;
    if usize::from(length) != address.len() {
        return None;
    }
    let (address, longest): (IpAddr, u8) = match family {
        FAMILY_V4 => (<[u8; 4]>::try_from(address).ok()?.into(), 32),
        FAMILY_V6 => (<[u8; 16]>::try_from(address).ok()?.into(), 128),
        _ => return None,
    };
    (prefix <= longest).then_some((address, prefix))
}

/// The text form: the prefix is left out where it covers the whole address.
pub(in crate::pg) fn text(address: IpAddr, prefix: u8) -> String {
    let longest = if address.is_ipv4() { 32 } else { 128 };
    if prefix == longest { address.to_string() } else { format!("{address}/{prefix}") }
}
