//! Addresses: where to listen, and whom to call.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::units::shorten;

/// A host (name or IP address) and a port that can be called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// Reads `host:port` or `[ipv6]:port`; the port is not 0.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = || format!("\"{}\" is no address; write host:port", shorten(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(shape)?;
        let port: u16 = port.parse().map_err(|_| format!("\"{}\" is no port: 1 to 65535", shorten(port)))?;
        if port == 0 {
            return Err("port 0 cannot be called: 1 to 65535".to_owned());
        }
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(inside) => inside.parse::<Ipv6Addr>().map_err(|_| shape())?.to_string(),
            None if is_host(host) => host.to_ascii_lowercase(),
            None => return Err(shape()),
        };
        if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
            return Err(format!("{host} is every address of a machine, and none that can be called"));
        }
        Ok(Self { host, port })
    }

    /// Host name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads an address to listen on; port 0 lets the machine choose one.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "\"{}\" is no address to listen on; write an IP address and a port, such as 127.0.0.1:5432",
            shorten(text)
        )
    })
}

fn is_host(host: &str) -> bool {
    let part_fits = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let all_digits = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if all_digits {
        return host.parse::<std::net::Ipv4Addr>().is_ok();
    }
    host.len() <= 253 && host.trim_end_matches('.').split('.').all(part_fits)
}

#[cfg(test)]
mod tests {
    use super::{HostPort, parse_listen};

    #[test]
    fn addresses_to_call_are_checked() {
        for (text, shown) in [
            ("127.0.0.1:7400", "127.0.0.1:7400"),
            ("Kubearmor.kube-system.svc:32767", "kubearmor.kube-system.svc:32767"),
            ("[::1]:7400", "[::1]:7400"),
        ] {
            assert_eq!(HostPort::parse(text).expect(text).to_string(), shown);
        }
        for refused in [
            "",
            "edge",
            "edge:",
            ":7400",
            "edge:0",
            "edge:65536",
            "::1:7400",
            "[::1:7400",
            "1.2.3:1",
            "a b:1",
            "0.0.0.0:1",
            "http://edge:1",
        ] {
            assert!(HostPort::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn addresses_to_listen_on_are_ip_addresses() {
        for taken in ["127.0.0.1:0", "0.0.0.0:5432", "[::]:5432"] {
            assert_eq!(parse_listen(taken).expect(taken).to_string(), taken);
        }
        for refused in ["localhost:5432", "5432", "127.0.0.1", "127.0.0.1:99999"] {
            assert!(parse_listen(refused).is_err(), "{refused}");
        }
    }
}
