//! The entry points for fuzzers on changed messages: first what once failed, then new changes until the time is up.
//!
//! `ARMORLAKE_FUZZ_SECONDS` says how long each target runs (5 by default), `ARMORLAKE_FUZZ_SEED` where it
//! begins (else at a random place, which is printed). What fails is printed in hexadecimal digits; mended,
//! it becomes a line of `tests/fuzz/<target>.hex`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use armorlake::env::{Clock, Random, SeededRandom, SystemClock, SystemRandom, random_u64};
use armorlake::pg::fuzz::{Broken, bind_parameter, messages, scram, startup_packet};

/// Longest input that a change makes, in bytes.
const BYTES_MAX: usize = 4_096;
/// Bytes and numbers at the edge of what they may be.
const EDGES: &[&[u8]] = &[
    &[0],
    &[1],
    &[0x7f],
    &[0x80],
    &[0xff],
    &[0, 0],
    &[0xff, 0xff],
    &[0, 0, 0, 0],
    &[0, 0, 0, 4],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff],
    b"'",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b",",
    b"=",
    b"9999999999",
    b"NaN",
    b"infinity",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Runs a target; fails at the first input for which it breaks a promise.
fn run(name: &str, target: fn(&[u8]) -> Result<(), Broken>, known: &str, seeds: &[Vec<u8>]) {
    for line in known.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        check(name, target, &bytes_of(line), "a line of its file");
    }
    for seed in seeds {
        check(name, target, seed, "a seed");
    }
    let seconds = Duration::from_secs(number("ARMORLAKE_FUZZ_SECONDS").unwrap_or(5));
    let seed = number("ARMORLAKE_FUZZ_SEED").unwrap_or_else(|| random_u64(&SystemRandom));
    let (clock, numbers) = (SystemClock::new(), Numbers(SeededRandom::new(seed)));
    let started = clock.monotonic();
    let mut inputs = 0_u64;
    while clock.monotonic().since(started) < seconds {
        // The clock costs more than a small input.
        for _ in 0..64 {
            let input = numbers.changed(seeds);
            check(name, target, &input, &format!("ARMORLAKE_FUZZ_SEED={seed}"));
            inputs += 1;
        }
    }
    println!("{name}: {inputs} inputs in {} s from seed {seed}", seconds.as_secs());
    assert!(inputs > 0, "{name} was not tried");
}

fn check(name: &str, target: fn(&[u8]) -> Result<(), Broken>, input: &[u8], origin: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
    let broken = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(broken)) => broken,
        Err(_) => String::from("it panicked"),
    };
    let digits: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
    panic!("{name} ({origin}): {broken}\n{digits}");
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexadecimal digits")).collect()
}

struct Numbers(SeededRandom);

impl Numbers {
    /// A number below a bound that is not 0.
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes) as usize % bound
    }

    fn one_of<'a, T: ?Sized>(&self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A seed with up to eight changes.
    fn changed(&self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut bytes, seeds);
        }
        bytes.truncate(BYTES_MAX);
        bytes
    }

    fn change(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let place = self.below(bytes.len() + 1);
        let end = place + self.below(bytes.len() - place + 1).min(16);
        match self.below(7) {
            0 if place < bytes.len() => bytes[place] ^= 1 << self.below(8),
            1 if place < bytes.len() => bytes[place] = u8::try_from(self.below(256)).expect("a byte"),
            2 => drop(bytes.splice(place..place, self.one_of(EDGES).iter().copied())),
            3 => {
                let edge = self.one_of(EDGES);
                let until = (place + edge.len()).min(bytes.len());
                bytes.splice(place..until, edge.iter().copied());
            }
            4 => drop(bytes.drain(place..end)),
            5 => {
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
            6 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(place);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {}
        }
    }
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    [&[kind], &length[..], body].concat()
}

#[test]
fn startup_packets() {
    let packet = |body: &[u8]| framed(0, body).split_off(1);
    let seeds = [
        packet(&80_877_103_i32.to_be_bytes()),
        packet(b"\0\x03\0\0user\0reader\0database\0kubearmor\0\0"),
        packet(b"\0\x03\0\x02user\0u\0options\0-c statement_timeout=5s --search-path=a,\\ b\0_pq_.x\0y\0\0"),
        packet(b"\0\x03\0\0user\0u\0replication\0database\0client_encoding\0UTF8\0\0"),
        packet(b"\x04\xd2\x16.\0\0\0\x07\0\0\0\x09"),
        packet(b"\0\x02\0\0\0"),
    ];
    run("startup_packet", startup_packet, include_str!("fuzz/startup_packet.hex"), &seeds);
}

#[test]
fn messages_of_a_session() {
    let seeds = [
        framed(b'Q', b"select 1; select 'a'\0"),
        framed(b'P', b"s\0select $1::int\0\0\x02\0\0\0\x17\0\0\0\0"),
        framed(b'B', b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff\0\x02\0\0\0\x01"),
        framed(b'D', b"Sp\0"),
        framed(b'E', b"p\0\0\0\0\x64"),
        framed(b'C', b"Pp\0"),
        [framed(b'S', b""), framed(b'H', b""), framed(b'X', b"")].concat(),
        [framed(b'd', b"1\t2\n"), framed(b'c', b""), framed(b'f', b"no\0")].concat(),
        framed(b'F', b"\0\0\0\x07\0\0\0\0\0\0"),
        framed(b'p', b"secret\0"),
    ];
    run("messages", messages, include_str!("fuzz/messages.hex"), &seeds);
}

#[test]
fn bound_parameters() {
    let texts: &[&[u8]] = &[
        b"",
        b"1",
        b"-32768",
        b"t",
        b"-12.5e3",
        b"12345678901234567890.123456789",
        b"2024-02-29 10:00:00.123456+02",
        b"2024-02-29",
        b"10:00:00",
        b"1 year -2 mons 3 days 04:05:06.7",
        b"P1Y2M3DT4H5M6S",
        b"infinity",
        b"192.168.0.1/24",
        b"::ffff:10.0.0.1",
        b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        b"\\x00ff",
        b"{1,NULL,\"a\\\"b\"}",
        b"{{1,2},{3,4}}",
        b"[0:1]={1,2}",
        b"{\"a\": [1, null, \"\\u00e9\"]}",
        b"pg_catalog.pg_class",
        b"(1,abc,)",
    ];
    let binaries: &[&[u8]] = &[
        b"\x01",
        b"\0\x07",
        b"\0\0\0\x07",
        b"\0\0\0\0\0\0\0\x07",
        b"\0\0\0\0\0\0\0\x01\0\0\0\x02\0\0\0\x03",
        b"\0\x02\0\0\0\0\0\x02\0\x01\x13\x88",
        b"\x02\x20\0\x04\x0a\0\0\x01",
        b"\x01{\"a\": 1}",
        b"\0\0\0\x01\0\0\0\x01\0\0\0\x17\0\0\0\x02\0\0\0\x01\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff",
        b"\0\0\0\0\0\0\0\0\0\0\0\x19",
    ];
    let kinds = u8::try_from(armorlake::types::SqlType::ALL.len()).expect("fewer types than bytes");
    let of_kind = |kind: u8| {
        let text = texts.iter().map(move |value| [&[kind, 0], *value].concat());
        text.chain(binaries.iter().map(move |value| [&[kind, 1], *value].concat()))
    };
    let seeds: Vec<Vec<u8>> = (0..kinds).flat_map(of_kind).collect();
    run("bind_parameter", bind_parameter, include_str!("fuzz/bind_parameter.hex"), &seeds);
}

#[test]
fn scram_messages() {
    let proof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let firsts = ["n,,n=,r=rOprNGfwEbeRWgbNEkqO", "y,,n=a,r=abc", "p=tls-server-end-point,,n=,r=abc", "n,a=b,n=,r=x"];
    let seeds: Vec<Vec<u8>> = firsts
        .iter()
        .flat_map(|first| {
            let length = u32::try_from(first.len()).expect("short").to_be_bytes();
            let initial = [b"SCRAM-SHA-256\0", &length[..], first.as_bytes()].concat();
            let plus = [b"SCRAM-SHA-256-PLUS\0", &length[..], first.as_bytes()].concat();
            let last = format!(",p={proof}");
            let whole = format!("c=biws,r=rOprNGfwEbeRWgbNEkqO,p={proof}");
            [initial, plus, first.as_bytes().to_vec()].into_iter().flat_map(move |first| {
                [[&first, &b"\xff"[..], last.as_bytes()].concat(), [&first, &b"\xff"[..], whole.as_bytes()].concat()]
            })
        })
        .collect();
    run("scram", scram, include_str!("fuzz/scram.hex"), &seeds);
}
