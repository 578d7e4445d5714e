//! TLS as clients use it: asked for, at once, required, with certificates, bound to the password.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use armorlake::pg::{CertificateUse, PgConfig, TlsUse, Trust};
use armorlake::tasks::Tasks;
use armorlake::tls::{PostgresAcceptor, ServerCertificate};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::config::{ChannelBinding as Wanted, SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types};

use super::client::{driver_config, state};
use super::raw::{Raw, SSL_REQUEST, kinds, packet, startup};
use super::server::{PASSWORD, PATIENCE, Server, config};

/// A CA, the server's files and what clients need.
struct Authority {
    directory: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    own: rcgen::Certificate,
    server: rcgen::Certificate,
}

impl Authority {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test CA");
        let key = KeyPair::generate().expect("a key");
        let own = params.self_signed(&key).expect("a CA");
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let names = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        let server = names.signed_by(&key, &issuer).expect("a certificate");
        for (name, text) in [("ca.pem", own.pem()), ("server.pem", server.pem()), ("server.key", key.serialize_pem())] {
            std::fs::write(directory.path().join(name), text).expect("written");
        }
        Self { directory, issuer, own, server }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn acceptor(&self) -> PostgresAcceptor {
        let certificate = ServerCertificate::load(&self.file("server.pem"), &self.file("server.key")).expect("loaded");
        PostgresAcceptor::new(certificate, Some(&self.file("ca.pem"))).expect("an acceptor")
    }

    /// A client that shows a certificate with this common name, or none, and may name the protocol.
    fn connector(&self, common_name: Option<&str>, protocol: Option<&[u8]>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.own.der().clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match common_name {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = KeyPair::generate().expect("a key");
                let mut params = CertificateParams::new(Vec::new()).expect("parameters");
                params.distinguished_name.push(DnType::CommonName, name);
                let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
                let key = pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
                builder.with_client_auth_cert(vec![certificate.der().clone()], key).expect("a configuration")
            }
        };
        config.alpn_protocols = protocol.iter().map(|name| name.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    fn maker(&self, common_name: Option<&str>) -> Maker {
        let hash = ::ring::digest::digest(&::ring::digest::SHA256, self.server.der());
        Maker { connector: self.connector(common_name, Some(b"postgresql")), end_point: hash.as_ref().to_vec() }
    }
}

/// TLS for the driver, which tells it what to bind the password to.
#[derive(Clone)]
struct Maker {
    connector: TlsConnector,
    end_point: Vec<u8>,
}

impl MakeTlsConnect<tokio_postgres::Socket> for Maker {
    type Stream = EncryptedSocket;
    type TlsConnect = Self;
    type Error = std::io::Error;

    fn make_tls_connect(&mut self, _domain: &str) -> Result<Self, std::io::Error> {
        Ok(self.clone())
    }
}

/// The same over the driver's own socket.
struct EncryptedSocket(tokio_rustls::client::TlsStream<tokio_postgres::Socket>, Vec<u8>);

impl TlsStream for EncryptedSocket {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::tls_server_end_point(self.1.clone())
    }
}

impl AsyncRead for EncryptedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for EncryptedSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl TlsConnect<tokio_postgres::Socket> for Maker {
    type Stream = EncryptedSocket;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<EncryptedSocket>> + Send>>;

    fn connect(self, stream: tokio_postgres::Socket) -> Self::Future {
        Box::pin(async move {
            let name = pki_types::ServerName::try_from("localhost").map_err(std::io::Error::other)?;
            Ok(EncryptedSocket(self.connector.connect(name, stream).await?, self.end_point))
        })
    }
}

async fn log_in(config: &tokio_postgres::Config, maker: Maker, tasks: &Tasks) -> Result<String, tokio_postgres::Error> {
    let connecting = tokio::time::timeout(PATIENCE, config.connect(maker));
    let (client, connection) = connecting.await.expect("in time")?;
    tasks.spawn_session("driver", async move {
        let _ = connection.await;
    });
    Ok(client.query_one("show ssl", &[]).await?.get(0))
}

fn with_tls(authority: &Authority) -> PgConfig {
    PgConfig { tls: Some(authority.acceptor()), trust: Trust::Nobody, ..config() }
}

#[tokio::test]
async fn a_password_can_be_bound_to_the_certificate() {
    let authority = Authority::new();
    let (server, tasks) = (Server::start(with_tls(&authority)).await, Tasks::new());
    let mut config = driver_config(&server);
    config.password(PASSWORD).ssl_mode(SslMode::Require).channel_binding(Wanted::Require);
    for negotiation in [SslNegotiation::Postgres, SslNegotiation::Direct] {
        config.ssl_negotiation(negotiation);
        assert_eq!(log_in(&config, authority.maker(None), &tasks).await.expect("in"), "on");
    }
    // Bound to another certificate, as behind somebody in the middle.
    let elsewhere = Maker { end_point: vec![7; 32], ..authority.maker(None) };
    let refused = log_in(&config, elsewhere, &tasks).await.expect_err("refused");
    assert_eq!(state(&refused), "08P01", "{refused}");
    config.channel_binding(Wanted::Disable);
    assert_eq!(log_in(&config, authority.maker(None), &tasks).await.expect("in without"), "on");
    server.stop().await;
}

#[tokio::test]
async fn certificates_count_as_the_user_says() {
    let authority = Authority::new();
    let mut served = with_tls(&authority);
    served.users[0].certificate = CertificateUse::Required;
    served.users[1].certificate = CertificateUse::Enough;
    let (server, tasks) = (Server::start(served).await, Tasks::new());
    let mut config = driver_config(&server);
    config.ssl_mode(SslMode::Require);
    for (user, password, shown, expected) in [
        ("keyless", "", Some("keyless"), "in"),
        ("keyless", "", Some("reader"), "28000"),
        ("keyless", PASSWORD, None, "28000"),
        ("reader", PASSWORD, Some("reader"), "in"),
        ("reader", "wrong", Some("reader"), "28P01"),
        ("reader", PASSWORD, None, "28000"),
        ("reader", PASSWORD, Some("keyless"), "28000"),
    ] {
        config.user(user).password(password);
        let logged_in = log_in(&config, authority.maker(shown), &tasks).await;
        let found = logged_in.as_ref().map_or_else(|error| state(error).to_owned(), |_| "in".to_owned());
        assert_eq!(found, expected, "{user} {shown:?}");
    }
    // A certificate of another CA does not get through the handshake.
    let other = Authority::new();
    let mut stranger = other.maker(Some("keyless"));
    let mut roots = RootCertStore::empty();
    roots.add(authority.own.der().clone()).expect("a root");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name.push(DnType::CommonName, "keyless");
    let shown = params.signed_by(&key, &other.issuer).expect("a certificate");
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![shown.der().clone()], pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a configuration");
    stranger.connector = TlsConnector::from(Arc::new(client));
    config.user("keyless");
    let refused = log_in(&config, stranger, &tasks).await.expect_err("refused");
    assert_eq!(state(&refused), "none", "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_at_once_must_name_the_protocol() {
    let authority = Authority::new();
    let server = Server::start(PgConfig { trust: Trust::Loopback, ..with_tls(&authority) }).await;
    for (protocol, expected) in [(Some(&b"postgresql"[..]), b'R'), (None, b'E')] {
        let tcp = TcpStream::connect(server.address).await.expect("connect");
        let name = pki_types::ServerName::try_from("localhost").expect("a name");
        let mut stream = authority.connector(None, protocol).connect(name, tcp).await.expect("a handshake");
        stream.write_all(&startup(&[("user", "reader"), ("database", "kubearmor")])).await.expect("write");
        assert_eq!(stream.read_u8().await.expect("an answer"), expected);
    }
    let tcp = TcpStream::connect(server.address).await.expect("connect");
    let name = pki_types::ServerName::try_from("localhost").expect("a name");
    assert!(authority.connector(None, Some(b"http/1.1")).connect(name, tcp).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_connection_can_be_encrypted_and_may_have_to_be() {
    let authority = Authority::new();
    let served = PgConfig { tls_use: TlsUse::Required, trust: Trust::Loopback, ..with_tls(&authority) };
    let server = Server::start(served).await;
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&startup(&[("user", "reader"), ("database", "kubearmor")])).await;
    assert_eq!(raw.until_closed().await[0].field(b'C').as_deref(), Some("28000"));
    let mut raw = Raw::connect(server.address).await;
    raw.bytes(&packet(&80_877_104_i32.to_be_bytes())).await;
    assert_eq!(raw.byte().await, b'N');
    raw.bytes(&SSL_REQUEST).await;
    assert_eq!(raw.byte().await, b'S');
    let name = pki_types::ServerName::try_from("localhost").expect("a name");
    let mut stream = authority.connector(None, None).connect(name, raw.into_stream()).await.expect("a handshake");
    stream.write_all(&startup(&[("user", "reader"), ("database", "kubearmor")])).await.expect("write");
    let mut first = [0; 9];
    stream.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"R\0\0\0\x08\0\0\0\0");
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn bytes_ahead_of_tls_are_refused() {
    let authority = Authority::new();
    let server = Server::start(with_tls(&authority)).await;
    let mut raw = Raw::connect(server.address).await;
    let mut smuggled = SSL_REQUEST.to_vec();
    smuggled.extend(startup(&[("user", "reader"), ("database", "kubearmor")]));
    raw.bytes(&smuggled).await;
    let answers = raw.until_closed().await;
    assert_eq!((kinds(&answers).as_str(), answers[0].field(b'C').as_deref()), ("E", Some("08P01")));
    server.stop().await;
}
