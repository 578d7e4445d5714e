//! Functions and operators over addresses: what is in what, and parts of an address.
//!
//! An address is a text in one spelling; a prefix that covers the whole address is left out.

use std::net::IpAddr;

use datafusion::arrow::array::StringArray;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use super::datum::{Datum, Row};
use super::function::sql_error;
use super::typed::{Kind, Typed};
use crate::types::{Code, SqlType};

use Kind::{Int, Text};

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let mut functions = inclusion();
    functions.extend(parts());
    functions.extend(arithmetic());
    functions.into_iter().map(Typed::udf).collect()
}

/// An address with the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Net {
    address: IpAddr,
    prefix: u8,
}

impl Net {
    fn read(text: &str) -> Result<Self> {
        let wrong = || {
            let shown: String = text.chars().take(60).collect();
            sql_error(Code::InvalidTextRepresentation, format!("invalid input syntax for type inet: \"{shown}\""))
        };
        let (address, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => whole,
            Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= whole).ok_or_else(wrong)?,
        };
        Ok(Self { address, prefix })
    }

    fn width(self) -> u8 {
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    fn bits(self) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        }
    }

    fn with_bits(self, bits: u128) -> Self {
        let address = match self.address {
            #[allow(clippy::cast_possible_truncation, reason = "only the lower bits are set")]
            IpAddr::V4(_) => IpAddr::V4((bits as u32).into()),
            IpAddr::V6(_) => IpAddr::V6(bits.into()),
        };
        Self { address, ..self }
    }

    /// Ones where the host's part is.
    fn host_bits(self) -> u128 {
        let width = u32::from(self.width() - self.prefix);
        if width == 128 { u128::MAX } else { (1 << width) - 1 }
    }

    fn all_bits(self) -> u128 {
        if self.address.is_ipv4() { u128::from(u32::MAX) } else { u128::MAX }
    }

    fn network(self) -> Self {
        self.with_bits(self.bits() & !self.host_bits() & self.all_bits())
    }

    /// The address alone.
    fn whole(self) -> Self {
        Self { prefix: self.width(), ..self }
    }

    /// As inet is shown.
    fn text(self) -> String {
        if self.prefix == self.width() { self.address.to_string() } else { self.with_prefix() }
    }

    fn with_prefix(self) -> String {
        format!("{}/{}", self.address, self.prefix)
    }

    fn covers(self, other: Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.prefix <= other.prefix
            && self.network().bits() == (Self { prefix: self.prefix, ..other }).network().bits()
    }
}

/// Addresses as a cast shows them: with the prefix in any case.
pub(super) fn with_prefixes(addresses: &StringArray) -> Result<StringArray> {
    addresses.iter().map(|text| text.map(|text| Ok(Net::read(text)?.with_prefix())).transpose()).collect()
}

/// Texts or addresses as networks: a written one has no bits behind its prefix, those of an address are cleared.
pub(super) fn networks_of(texts: &StringArray, source: SqlType) -> Result<StringArray> {
    let read = |text: &str| match source {
        SqlType::Inet => Ok(Net::read(text)?.network().with_prefix()),
        SqlType::Cidr => Ok(text.to_owned()),
        _ => network(text).map(Net::with_prefix),
    };
    texts.iter().map(|text| text.map(read).transpose()).collect()
}

/// A network as it may be written: `10.1` is `10.1.0.0/16`.
fn network(text: &str) -> Result<Net> {
    let shown = || text.chars().take(60).collect::<String>();
    let wrong = |told: String| sql_error(Code::InvalidTextRepresentation, told);
    let invalid = || wrong(format!("invalid input syntax for type cidr: \"{}\"", shown()));
    let (address, prefix) =
        text.trim().split_once('/').map_or((text.trim(), None), |(address, prefix)| (address, Some(prefix)));
    if address.contains(':') {
        let net = Net::read(text).map_err(|_| invalid())?;
        return is_clear(net).ok_or_else(|| wrong(format!("invalid cidr value: \"{}\"", shown())));
    }
    let parts: Vec<u8> = address.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| invalid())?;
    let mut octets = [0; 4];
    octets.get_mut(..parts.len()).ok_or_else(invalid)?.copy_from_slice(&parts);
    let prefix = match prefix {
        Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= 32).ok_or_else(invalid)?,
        None => prefix_of_class(octets[0], parts.len()),
    };
    let net = Net { address: IpAddr::from(octets), prefix };
    is_clear(net).ok_or_else(|| wrong(format!("invalid cidr value: \"{}\"", shown())))
}

fn is_clear(net: Net) -> Option<Net> {
    (net.network() == net).then_some(net)
}

/// The prefix of a network whose text has none: that of its class, or of the parts that are written.
fn prefix_of_class(first: u8, parts: usize) -> u8 {
    let of_class: u8 = match first {
        240.. => 32,
        224.. => 8,
        192.. => 24,
        128.. => 16,
        _ => 8,
    };
    let written = u8::try_from(parts * 8).unwrap_or(32);
    match of_class.max(written) {
        8 if first == 224 => 4,
        prefix => prefix,
    }
}

fn pair(row: &Row<'_>) -> Result<(Net, Net)> {
    Ok((Net::read(row.text(0))?, Net::read(row.text(1))?))
}

fn inclusion() -> Vec<Typed> {
    let test = |name, holds: fn(Net, Net) -> bool| {
        Typed::new(name).takes(&[Text, Text], SqlType::Bool, move |row| {
            let (one, other) = pair(row)?;
            Ok(holds(one, other).into())
        })
    };
    vec![
        test("inet_below", |one, other| other.covers(one) && other.prefix < one.prefix),
        test("inet_below_or_equal", |one, other| other.covers(one)),
        test("inet_overlaps", |one, other| one.covers(other) || other.covers(one)),
        test("inet_same_family", |one, other| one.address.is_ipv4() == other.address.is_ipv4()),
    ]
}

fn parts() -> Vec<Typed> {
    let text = |name, sql_type, part: fn(Net) -> String| {
        Typed::new(name).takes(&[Text], sql_type, move |row| Ok(part(Net::read(row.text(0))?).into()))
    };
    let number = |name, part: fn(Net) -> i32| {
        Typed::new(name).takes(&[Text], SqlType::Int4, move |row| Ok(part(Net::read(row.text(0))?).into()))
    };
    vec![
        text("host", SqlType::Text, |net| net.address.to_string()),
        // A network is shown with its prefix in any case.
        text("network", SqlType::Cidr, |net| net.network().with_prefix()),
        text("broadcast", SqlType::Inet, |net| net.with_bits(net.bits() | net.host_bits()).text()),
        text("netmask", SqlType::Inet, |net| net.with_bits(net.all_bits() & !net.host_bits()).whole().text()),
        text("hostmask", SqlType::Inet, |net| net.with_bits(net.host_bits()).whole().text()),
        text("abbrev", SqlType::Text, Net::text),
        number("masklen", |net| i32::from(net.prefix)),
        number("family", |net| if net.address.is_ipv4() { 4 } else { 6 }),
        Typed::new("set_masklen").takes(&[Text, Int], SqlType::Inet, |row| {
            let net = Net::read(row.text(0))?;
            let prefix = match row.int(1) {
                -1 => Some(net.width()),
                length => u8::try_from(length).ok().filter(|length| *length <= net.width()),
            };
            let Some(prefix) = prefix else {
                return Err(sql_error(Code::InvalidParameterValue, format!("invalid mask length: {}", row.int(1))));
            };
            Ok(Net { prefix, ..net }.text().into())
        }),
        Typed::new("inet_merge").takes(&[Text, Text], SqlType::Cidr, |row| {
            let (one, other) = pair(row)?;
            if one.address.is_ipv4() != other.address.is_ipv4() {
                return Err(sql_error(Code::InvalidParameterValue, "cannot merge addresses from different families"));
            }
            let prefixes = (0..=one.prefix.min(other.prefix)).rev();
            let covering = prefixes.map(|prefix| Net { prefix, ..one }).find(|net| net.covers(other));
            Ok(covering.map(|net| net.network().with_prefix()).into())
        }),
    ]
}

fn out_of_range() -> datafusion::error::DataFusionError {
    sql_error(Code::NumericValueOutOfRange, "result is out of range")
}

fn arithmetic() -> Vec<Typed> {
    let moved = |net: Net, by: i64| -> Result<Datum> {
        let bits = if by < 0 {
            net.bits().checked_sub(u128::from(by.unsigned_abs()))
        } else {
            net.bits().checked_add(u128::from(by.unsigned_abs()))
        };
        let bits = bits.filter(|bits| *bits <= net.all_bits()).ok_or_else(out_of_range)?;
        Ok(net.with_bits(bits).text().into())
    };
    let combined = |name, combine: fn(u128, u128) -> u128| {
        Typed::new(name).takes(&[Text, Text], SqlType::Inet, move |row| {
            let (one, other) = pair(row)?;
            if one.address.is_ipv4() != other.address.is_ipv4() {
                return Err(sql_error(Code::InvalidParameterValue, "cannot combine inet values of different sizes"));
            }
            let net = Net { prefix: one.prefix.max(other.prefix), ..one };
            Ok(net.with_bits(combine(one.bits(), other.bits())).text().into())
        })
    };
    vec![
        Typed::new("inet_plus")
            .takes(&[Text, Int], SqlType::Inet, move |row| moved(Net::read(row.text(0))?, row.int(1))),
        Typed::new("inet_minus").takes(&[Text, Int], SqlType::Inet, move |row| {
            moved(Net::read(row.text(0))?, row.int(1).checked_neg().ok_or_else(out_of_range)?)
        }),
        Typed::new("inet_distance").takes(&[Text, Text], SqlType::Int8, |row| {
            let (one, other) = pair(row)?;
            let (one, other) = (one.bits(), other.bits());
            let distance = i64::try_from(one.abs_diff(other)).map_err(|_| out_of_range())?;
            Ok(if one < other { -distance } else { distance }.into())
        }),
        combined("inet_and", |one, other| one & other),
        combined("inet_or", |one, other| one | other),
    ]
}
