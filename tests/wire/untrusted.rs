//! Bytes that no client of good will sends: nothing may panic, hang or take the server along.

use armorlake::env::{Random, SeededRandom};

use super::raw::{Raw, bind, describe, execute, kinds, message, packet, parse, query, startup, sync};
use super::server::{PATIENCE, Server, config};

#[tokio::test]
async fn garbage_before_login_ends_that_connection_only() {
    let server = Server::start(config()).await;
    let mut bystander = Raw::log_in(server.address).await;
    let huge = [0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0];
    let cases: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        huge.to_vec(),
        packet(&[0, 3, 0]),
        packet(b"\0\x03\0\0user\0reader"),
        packet(b"\0\x03\0\0\0\0\0\0"),
        packet(&[&[0, 3, 0, 0][..], &[b'x'; 20_000]].concat()),
        packet(&80_877_102_i32.to_be_bytes()),
        vec![0xff; 64],
        startup(&[("database", "kubearmor")]),
        startup(&[("user", "reader"), ("replication", "database")]),
    ];
    for bytes in cases {
        let mut raw = Raw::connect(server.address).await;
        raw.bytes_unless_closed(&bytes).await;
        let answers = raw.until_closed().await;
        assert!(answers.iter().all(|answer| answer.kind == 'E'), "{bytes:?}: {answers:?}");
    }
    assert_eq!(kinds(&bystander.query("select 1").await), "TDCZ");
    server.stop().await;
}

#[tokio::test]
async fn messages_of_a_session_are_refused_during_login() {
    let mut config = config();
    config.trust = armorlake::pg::Trust::Nobody;
    let server = Server::start(config).await;
    let frames = [
        message(b'B', b"\0\0\0\x01"),
        message(b'E', b"\0"),
        query("select 1"),
        message(b'p', b"SCRAM-SHA-256\0\x7f\xff\xff\xff"),
        message(b'p', b"SCRAM-SHA-1\0\0\0\0\0"),
        message(b'p', b""),
        vec![b'p', 0x7f, 0, 0, 0],
        message(b'X', b""),
    ];
    for frame in frames {
        let mut raw = Raw::connect(server.address).await;
        raw.bytes(&startup(&[("user", "reader"), ("database", "kubearmor")])).await;
        assert_eq!(raw.next().await.expect("the mechanisms").kind, 'R');
        raw.bytes_unless_closed(&frame).await;
        let answers = raw.until_closed().await;
        assert!(answers.iter().all(|answer| answer.kind == 'E'), "{frame:?}: {answers:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn malformed_messages_are_errors_and_the_connection_goes_on() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for body in [&b"\0\0\0\x01"[..], b"\0\0\0\0\xff\xff", b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0", b""] {
        raw.bytes(&[message(b'B', body), message(b'E', b"\0\0"), sync()].concat()).await;
        let answers = raw.until('Z').await;
        assert_eq!(kinds(&answers), "EZ", "{body:?}");
        assert_eq!(answers[0].field(b'C').as_deref(), Some("08P01"));
    }
    for (kind, body) in [(b'E', &b"portal"[..]), (b'P', b"\0select\0\0\x09"), (b'D', b"Zx\0"), (b'C', b"")] {
        raw.bytes(&[message(kind, body), sync()].concat()).await;
        assert_eq!(kinds(&raw.until('Z').await), "EZ");
    }
    raw.bytes(&message(b'Q', b"select '\xff\xfe'\0")).await;
    let answers = raw.until('Z').await;
    assert_eq!((kinds(&answers).as_str(), answers[0].field(b'C').as_deref()), ("EZ", Some("22021")));
    raw.bytes(&message(b'F', b"\0\0\0\x01")).await;
    assert_eq!(raw.until('Z').await[0].field(b'C').as_deref(), Some("0A000"));
    // Data of a COPY that nobody started is passed over.
    raw.bytes(&[message(b'd', b"1\t2\n"), message(b'c', b"")].concat()).await;
    assert_eq!(kinds(&raw.query("select 1").await), "TDCZ");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_cannot_be_followed_is_closed() {
    let server = Server::start(config()).await;
    for bytes in
        [vec![b'?', 0, 0, 0, 4], vec![b'Q', 0xff, 0xff, 0xff, 0xff], vec![b'Q', 0, 0, 0, 1], vec![b'B', 0x7f, 0, 0, 0]]
    {
        let mut raw = Raw::log_in(server.address).await;
        raw.bytes(&bytes).await;
        let answers = raw.until_closed().await;
        assert_eq!(kinds(&answers), "E", "{bytes:?}");
        assert_eq!(answers[0].field(b'S').as_deref(), Some("FATAL"));
    }
    server.stop().await;
}

#[tokio::test]
async fn deep_and_long_statements_are_refused() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for sql in [
        format!("select {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("select 1{}", "+1".repeat(100_000)),
        format!("select '{}'", "x".repeat(2 << 20)),
    ] {
        let answers = raw.query(&sql).await;
        assert_eq!(answers[0].field(b'C').as_deref(), Some("54001"), "{}", &sql[..20]);
    }
    server.stop().await;
}

/// Valid conversations with some bytes changed, at every stage: no panic, no hang, nobody else disturbed.
/// A failure prints the seed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_bytes_do_no_harm() {
    let mut config = config();
    config.limits.login_timeout = std::time::Duration::from_millis(500);
    let server = Server::start(config).await;
    let mut bystander = Raw::log_in(server.address).await;
    let opening = startup(&[("user", "reader"), ("database", "kubearmor"), ("options", "-c a.b=c")]);
    let session = [
        parse("s", "select $1::int, 'x' limit 3"),
        bind("p", "s", &[Some("7")], 1),
        describe('P', "p"),
        execute("p", 1),
        message(b'C', b"Sp\0"),
        sync(),
        query("begin; declare c cursor for select 1; copy (select 1) to stdout; rollback"),
        message(b'd', b"1\n"),
        message(b'F', b"\0\0\0\x07\0\0\0\0\0\0"),
    ]
    .concat();
    for seed in 0..120_u64 {
        let mut numbers = SeededRandom::new(seed);
        let mut bytes = if seed % 3 == 0 { opening.clone() } else { [opening.clone(), session.clone()].concat() };
        let first = if seed % 3 == 0 { 0 } else { opening.len() };
        for _ in 0..=seed % 7 {
            let place = first + below(&mut numbers, bytes.len() - first);
            bytes[place] = [0, 1, 0x7f, 0xff, b'S', b'\0'][below(&mut numbers, 6)];
        }
        bytes.truncate(first.max(1) + below(&mut numbers, bytes.len()));
        let mut raw = Raw::connect(server.address).await;
        raw.bytes_unless_closed(&bytes).await;
        raw.no_more_bytes().await;
        let ended = tokio::time::timeout(PATIENCE, raw.until_closed()).await;
        assert!(ended.is_ok(), "seed {seed}");
        if seed % 20 == 0 {
            assert_eq!(kinds(&bystander.query("select 1").await), "TDCZ", "seed {seed}");
        }
    }
    server.stop().await;
}

/// A number below a bound that is not 0.
fn below(random: &mut SeededRandom, bound: usize) -> usize {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    u32::from_le_bytes(bytes) as usize % bound
}
