//! Who gets in: passwords, databases, TLS, limits.

use std::sync::Arc;
use std::time::Duration;

use armorlake::pg::{PgLimits, TlsUse, Trust};
use armorlake::tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring, pki_types};

use super::client::{connect, driver_config, state};
use super::raw::{Raw, SSL_REQUEST, kinds, packet, startup};
use super::server::{PASSWORD, Server, config};

fn with_passwords() -> armorlake::pg::PgConfig {
    armorlake::pg::PgConfig { trust: Trust::Nobody, ..config() }
}

#[tokio::test]
async fn the_right_password_opens_and_wrong_ones_do_not() {
    let server = Server::start(with_passwords()).await;
    let tasks = Tasks::new();
    let client = connect(driver_config(&server).password(PASSWORD), &tasks).await.expect("the right password");
    assert_eq!(client.query_one("select 1", &[]).await.expect("a row").get::<_, i64>(0), 1);
    for (user, password) in [("reader", "wrong"), ("nobody", PASSWORD), ("keyless", ""), ("keyless", "x")] {
        let error = connect(driver_config(&server).user(user).password(password), &tasks).await;
        let error = error.err().unwrap_or_else(|| panic!("{user} got in"));
        assert_eq!(state(&error), "28P01", "{user}: {error}");
        assert!(error.as_db_error().expect("from the server").message().contains(user));
    }
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn databases_and_trusted_users_must_exist() {
    let server = Server::start(config()).await;
    let tasks = Tasks::new();
    for (user, database, expected) in [("reader", "absent", "3D000"), ("nobody", "kubearmor", "28000")] {
        let error = connect(driver_config(&server).user(user).dbname(database), &tasks).await;
        assert_eq!(state(&error.expect_err("refused")), expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn startup_parameters_become_settings() {
    let server = Server::start(config()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&startup(&[
        ("user", "reader"),
        ("database", "kubearmor"),
        ("client_encoding", "'utf-8'"),
        ("DateStyle", "ISO"),
        ("TimeZone", "Asia/Tokyo"),
        ("extra_float_digits", "2"),
        ("no_such_setting", "x"),
        ("options", "-c statement_timeout=300 --search_path=edge,public"),
    ]))
    .await;
    let told: Vec<String> =
        raw.until('Z').await.iter().filter(|answer| answer.kind == 'S').map(|answer| answer.text()).collect();
    assert_eq!(told.len(), 13, "{told:?}");
    for expected in ["TimeZone\0Asia/Tokyo", "client_encoding\0UTF8", "server_version\x0015.0", "DateStyle\0ISO, MDY"] {
        assert!(told.iter().any(|text| text == expected), "{expected:?} is not in {told:?}");
    }
    for (setting, value) in [("statement_timeout", "300ms"), ("search_path", "edge, public")] {
        assert_eq!(raw.query(&format!("show {setting}")).await[1].values(), [Some(value.to_owned())]);
    }
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&startup(&[("user", "reader"), ("database", "kubearmor"), ("TimeZone", "Mars")])).await;
    let answers = raw.until_closed().await;
    assert_eq!((kinds(&answers).as_str(), answers[0].field(b'C').as_deref()), ("E", Some("22023")));
    server.stop().await;
}

#[tokio::test]
async fn requests_for_encryption_are_answered_and_newer_protocols_negotiated() {
    let server = Server::start(config()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&packet(&80_877_104_i32.to_be_bytes())).await;
    assert_eq!(raw.byte().await, b'N');
    raw.bytes(&SSL_REQUEST).await;
    assert_eq!(raw.byte().await, b'N');
    let mut newer = startup(&[("user", "reader"), ("database", "kubearmor"), ("_pq_.new", "1")]);
    newer[7] = 2;
    raw.bytes(&newer).await;
    let answers = raw.until('Z').await;
    assert_eq!(answers[0].kind, 'v');
    assert_eq!(answers[0].body, b"\0\x03\0\0\0\0\0\x01_pq_.new\0");
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&packet(&[0, 2, 0, 0, 0])).await;
    assert_eq!(raw.until_closed().await[0].field(b'C').as_deref(), Some("0A000"));
    server.stop().await;
}

/// A server configuration and a client's that trusts it.
fn tls_pair() -> (tokio_rustls::TlsAcceptor, tokio_rustls::TlsConnector) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a server configuration");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (tokio_rustls::TlsAcceptor::from(Arc::new(server)), tokio_rustls::TlsConnector::from(Arc::new(client)))
}

#[tokio::test]
async fn a_connection_can_be_encrypted_and_may_have_to_be() {
    let (acceptor, connector) = tls_pair();
    let server =
        Server::start(armorlake::pg::PgConfig { tls: Some(acceptor), tls_use: TlsUse::Required, ..config() }).await;
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&startup(&[("user", "reader"), ("database", "kubearmor")])).await;
    assert_eq!(raw.until_closed().await[0].field(b'C').as_deref(), Some("28000"));
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&SSL_REQUEST).await;
    assert_eq!(raw.byte().await, b'S');
    let name = pki_types::ServerName::try_from("localhost").expect("a name");
    let mut stream = connector.connect(name, raw.into_stream()).await.expect("a handshake");
    stream.write_all(&startup(&[("user", "reader"), ("database", "kubearmor")])).await.expect("write");
    let mut first = [0; 9];
    stream.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"R\0\0\0\x08\0\0\0\0");
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn bytes_ahead_of_tls_are_refused() {
    let (acceptor, _) = tls_pair();
    let server = Server::start(armorlake::pg::PgConfig { tls: Some(acceptor), ..config() }).await;
    let mut raw = Raw::connect(server.address).await;
    let mut smuggled = SSL_REQUEST.to_vec();
    smuggled.extend(startup(&[("user", "reader"), ("database", "kubearmor")]));
    raw.bytes(&smuggled).await;
    let answers = raw.until_closed().await;
    assert_eq!((kinds(&answers).as_str(), answers[0].field(b'C').as_deref()), ("E", Some("08P01")));
    server.stop().await;
}

#[tokio::test]
async fn there_are_only_so_many_slots_and_so_much_time() {
    let limits = PgLimits { connections_max: 2, login_timeout: Duration::from_millis(300), ..PgLimits::default() };
    let server = Server::start(armorlake::pg::PgConfig { limits, ..config() }).await;
    let (first, second) = (Raw::log_in(server.address).await, Raw::log_in(server.address).await);
    let mut third = Raw::connect(server.address).await;
    third.bytes(&startup(&[("user", "reader"), ("database", "kubearmor")])).await;
    let answers = third.until_closed().await;
    assert_eq!(answers[0].field(b'C').as_deref(), Some("53300"));
    drop(second);
    server.until("a free slot", |sessions| sessions.len() == 1).await;
    // Says nothing, and is hung up on.
    let mut silent = Raw::connect(server.address).await;
    assert!(silent.until_closed().await.is_empty());
    drop(first);
    server.stop().await;
}
