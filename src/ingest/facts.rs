//! Reads the words of Data, Resource and EventData: `key=value`, in any order.
//!
//! Words are separated by blanks; DNS details of older daemons by commas. A comma only separates
//! when a new `key=` or a blank follows, so that comma lists stay whole, and never inside the options
//! of a mount. The daemon's own EventData glues comma-separated DNS words together; they are taken
//! apart here too.

use std::net::IpAddr;

/// The words of one text.
pub(super) struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

fn starts_word(text: &str) -> bool {
    let name = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    name > 0 && text.as_bytes().get(name) == Some(&b'=')
}

/// Where a value ends that stands at the start of `text`.
fn value_end(key: &str, text: &str) -> usize {
    let blank = text.find(char::is_whitespace).unwrap_or(text.len());
    if ["source", "target", "data"].iter().any(|mount| key.eq_ignore_ascii_case(mount)) {
        return blank;
    }
    let separates = |position: &usize| {
        let after = &text[position + 1..blank];
        after.is_empty() || starts_word(after)
    };
    text[..blank].match_indices(',').map(|(position, _)| position).find(separates).unwrap_or(blank)
}

impl<'a> Iterator for Words<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rest = self.rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
            if self.rest.is_empty() {
                return None;
            }
            let blank = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
            let Some(equals) = self.rest[..blank].find('=').filter(|equals| *equals > 0) else {
                self.rest = &self.rest[blank..];
                continue;
            };
            let key = &self.rest[..equals];
            let after = &self.rest[equals + 1..];
            let end = value_end(key, after);
            self.rest = &after[end..];
            return Some((key, &after[..end]));
        }
    }
}

/// What the words of an event say; the first to say something wins.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts<'a> {
    syscall: Option<&'a str>,
    probe: Option<&'a str>,
    flags: Option<&'a str>,
    remote_ip: Option<&'a str>,
    sin_addr: Option<&'a str>,
    daddr: Option<&'a str>,
    port: Option<&'a str>,
    sin_port: Option<&'a str>,
    protocol: Option<&'a str>,
    domain: Option<&'a str>,
    qtype: Option<&'a str>,
    source_ip: Option<&'a str>,
    source_port: Option<&'a str>,
    destination_ip: Option<&'a str>,
    destination_port: Option<&'a str>,
}

/// Longest key that means something here.
const KEY_BYTES_MAX: usize = 16;

impl<'a> Facts<'a> {
    /// Takes in one word.
    pub(super) fn note(&mut self, key: &str, value: &'a str) {
        let mut lower = [0_u8; KEY_BYTES_MAX];
        let Some(lower) = lower.get_mut(..key.len()) else { return };
        lower.copy_from_slice(key.as_bytes());
        lower.make_ascii_lowercase();
        let slot = match &*lower {
            b"syscall" => &mut self.syscall,
            b"kprobe" => &mut self.probe,
            b"flags" => &mut self.flags,
            b"remoteip" => &mut self.remote_ip,
            b"sin_addr" => &mut self.sin_addr,
            b"daddr" => &mut self.daddr,
            b"port" => &mut self.port,
            b"sin_port" => &mut self.sin_port,
            b"protocol" => &mut self.protocol,
            b"domain" => &mut self.domain,
            b"qtype" => &mut self.qtype,
            b"sourceip" => &mut self.source_ip,
            b"sourceport" => &mut self.source_port,
            b"destinationip" => &mut self.destination_ip,
            b"destinationport" => &mut self.destination_port,
            _ => return,
        };
        if slot.is_none() && !value.is_empty() {
            *slot = Some(value);
        }
    }

    /// Takes in one pair of EventData; its value may carry further words after a comma.
    pub(super) fn note_pair(&mut self, key: &'a str, value: &'a str) {
        let end = value_end(key, value);
        self.note(key, &value[..end]);
        Words::new(&value[end..]).for_each(|(key, value)| self.note(key, value));
    }

    /// The system call.
    pub(super) fn syscall(&self) -> Option<&'a str> {
        self.syscall
    }

    /// The flags of an open; other calls have flags of other kinds.
    pub(super) fn open_flags(&self) -> Option<&'a str> {
        let opens = |syscall: &str| syscall.to_ascii_uppercase().contains("OPEN");
        self.flags.filter(|_| self.syscall.is_none_or(opens))
    }

    /// The address of bind() is one's own.
    fn is_local(&self) -> bool {
        self.syscall.is_some_and(|syscall| syscall.eq_ignore_ascii_case("SYS_BIND"))
    }

    /// The peer's address in its canonical spelling.
    pub(super) fn peer_address(&self, direction: Direction) -> Option<IpAddr> {
        let text = match direction {
            Direction::Connection if self.is_local() => None,
            Direction::Connection => self.remote_ip.or(self.sin_addr).or(self.daddr),
            Direction::Egress => self.destination_ip,
            Direction::Ingress => self.source_ip,
        };
        text?.parse().ok()
    }

    /// The peer's port.
    pub(super) fn peer_port(&self, direction: Direction) -> Option<u16> {
        let text = match direction {
            Direction::Connection if self.is_local() => None,
            Direction::Connection => self.port.or(self.sin_port),
            Direction::Egress => self.destination_port,
            Direction::Ingress => self.source_port,
        };
        text?.parse().ok()
    }

    /// The transport protocol.
    pub(super) fn protocol(&self) -> Option<&'a str> {
        self.protocol
    }

    /// The name that was asked for; sockets use the same word for their address family.
    pub(super) fn domain(&self) -> Option<&'a str> {
        let is_family = |text: &str| text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("AF_"));
        self.domain.filter(|domain| self.syscall.is_none() && self.probe.is_none() && !is_family(domain))
    }

    /// The record type that was asked for.
    pub(super) fn qtype(&self) -> Option<&'a str> {
        self.qtype
    }
}

/// Who the peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The other end of a connection.
    Connection,
    /// The destination of a packet that leaves.
    Egress,
    /// The source of a packet that arrives.
    Ingress,
}

#[cfg(test)]
mod tests {
    use super::{Direction, Facts, Words};

    fn words(text: &str) -> Vec<(&str, &str)> {
        Words::new(text).collect()
    }

    fn facts(text: &str) -> Facts<'_> {
        let mut facts = Facts::default();
        Words::new(text).for_each(|(key, value)| facts.note(key, value));
        facts
    }

    #[test]
    fn words_are_split_at_blanks_and_at_commas_before_a_key() {
        assert_eq!(
            words("kfunc=UDP_SENDMSG,domain=google.com,daddr=10.43.0.10,qtype="),
            [("kfunc", "UDP_SENDMSG"), ("domain", "google.com"), ("daddr", "10.43.0.10"), ("qtype", "")]
        );
        assert_eq!(words("kfunc=A, domain=b,  qtype=AAAA"), [("kfunc", "A"), ("domain", "b"), ("qtype", "AAAA")]);
        assert_eq!(words("lsm=CAPABLE CAP_NET_RAW"), [("lsm", "CAPABLE")]);
        assert_eq!(words("a=1,2,3 b=x=y"), [("a", "1,2,3"), ("b", "x=y")]);
        assert_eq!(
            words("source=none target=/mnt data=size=1k,mode=755"),
            [("source", "none"), ("target", "/mnt"), ("data", "size=1k,mode=755")]
        );
        assert_eq!(words("PROT_READ,PROT_EXEC"), []);
        assert_eq!(words(" = =x ,,, \t"), []);
    }

    #[test]
    fn peers_are_found_in_any_word_order() {
        for text in [
            "sa_family=AF_INET sin_port=443 sin_addr=10.0.0.1 syscall=SYS_CONNECT fd=10",
            "sin_port=443 syscall=SYS_CONNECT sin_addr=10.0.0.1",
            "remoteip=10.0.0.1 port=443 protocol=TCP kprobe=tcp_connect domain=AF_INET",
        ] {
            let facts = facts(text);
            assert_eq!(facts.peer_address(Direction::Connection).map(|ip| ip.to_string()).as_deref(), Some("10.0.0.1"));
            assert_eq!(facts.peer_port(Direction::Connection), Some(443));
            assert_eq!(facts.domain(), None);
        }
    }

    #[test]
    fn an_own_address_is_no_peer_and_a_bad_one_is_none() {
        assert_eq!(facts("syscall=SYS_BIND sin_addr=10.0.0.1 sin_port=80").peer_address(Direction::Connection), None);
        assert_eq!(facts("remoteip=300.0.0.1 port=70000").peer_address(Direction::Connection), None);
        assert_eq!(facts("remoteip=300.0.0.1 port=70000").peer_port(Direction::Connection), None);
        let long = facts("remoteip=2001:0DB8:0:0:0:0:0:1").peer_address(Direction::Connection);
        assert_eq!(long.map(|ip| ip.to_string()).as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn firewall_peers_follow_the_direction() {
        let facts = facts("SourceIP=10.0.0.1 SourcePort=1 DestinationIP=10.0.0.2 DestinationPort=2 Protocol=TCP");
        assert_eq!(facts.peer_port(Direction::Egress), Some(2));
        assert_eq!(facts.peer_port(Direction::Ingress), Some(1));
        assert_eq!(facts.protocol(), Some("TCP"));
    }

    #[test]
    fn glued_event_data_is_taken_apart() {
        let mut facts = Facts::default();
        facts.note_pair("Kfunc", "UDP_SENDMSG,domain=google.com,daddr=10.43.0.10,qtype=AAAA");
        assert_eq!((facts.domain(), facts.qtype()), (Some("google.com"), Some("AAAA")));
    }

    #[test]
    fn flags_belong_to_open_only() {
        assert_eq!(facts("syscall=SYS_OPENAT flags=O_RDONLY").open_flags(), Some("O_RDONLY"));
        assert_eq!(facts("syscall=SYS_UNLINKAT flags=AT_REMOVEDIR").open_flags(), None);
    }
}
