//! Every wrong certificate, every stranger and every slow or broken handshake is refused, says why,
//! and disturbs nobody else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use armorlake::env::{ManualClock, SystemClock, SystemRandom};
use armorlake::mesh::{
    Fleet, FragmentRequest, FragmentRunner, KnownMember, Member, MemberStatus, Mesh, MeshConfig, MeshError,
    ReplyStream, Role,
};
use armorlake::tasks::Tasks;
use armorlake::tls::{CertificateRequest, IssuedFiles, TlsMaterial, ca_init, ca_issue};
use armorlake::types::{Code, NodeName};
use async_trait::async_trait;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{interval, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn name(text: &str) -> NodeName {
    NodeName::new(text).expect("name")
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut look = interval(Duration::from_millis(10));
    let waited = timeout(PATIENCE, async {
        while !condition() {
            look.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// Has no rows and says so.
#[derive(Debug)]
struct NoRows;

#[async_trait]
impl FragmentRunner for NoRows {
    async fn run(&self, _caller: &NodeName, _request: FragmentRequest) -> Result<ReplyStream, MeshError> {
        Err(MeshError::Refused { code: Code::UndefinedTable, message: String::from("no rows here") })
    }
}

/// A directory with two CAs: the mesh's and a stranger's.
struct Ground(tempfile::TempDir);

impl Ground {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        for ca in ["ca", "stranger"] {
            ca_init(&directory.path().join(ca), &SystemClock::new()).expect("CA");
        }
        Self(directory)
    }

    fn path(&self, part: &str) -> PathBuf {
        self.0.path().join(part)
    }

    fn issue(&self, node: &str) -> IssuedFiles {
        self.issue_with(&CertificateRequest::new(name(node), Role::Edge), "ca")
    }

    fn issue_with(&self, request: &CertificateRequest, ca: &str) -> IssuedFiles {
        let home = self.path(request.name.as_str());
        ca_issue(&self.path(ca), request, &home, &SystemClock::new()).expect("certificate")
    }

    /// A certificate of the mesh's CA that ended long ago.
    fn issue_expired(&self, node: &str) -> IssuedFiles {
        let request = CertificateRequest { valid_for: DAY, ..CertificateRequest::new(name(node), Role::Edge) };
        let year_2020 = ManualClock::at(1_577_836_800_000_000);
        ca_issue(&self.path("ca"), &request, &self.path(node), &year_2020).expect("certificate")
    }

    /// Trusts the mesh's CA but shows a certificate of the stranger's.
    fn issue_by_stranger(&self, node: &str) -> IssuedFiles {
        let files = self.issue_with(&CertificateRequest::new(name(node), Role::Edge), "stranger");
        std::fs::copy(self.path("ca").join("ca.crt"), &files.ca).expect("copied");
        files
    }

    /// Signed by the mesh's CA for somebody who is no node: without a role.
    fn issue_without_role(&self, node: &str) -> (PathBuf, PathBuf) {
        let read = |path: &Path| std::fs::read_to_string(path).expect("read");
        let ca_key = rcgen::KeyPair::from_pem(&read(&self.path("ca/ca.key"))).expect("key");
        let issuer = rcgen::Issuer::from_ca_cert_pem(&read(&self.path("ca/ca.crt")), ca_key).expect("issuer");
        let key = rcgen::KeyPair::generate().expect("key");
        let parameters = rcgen::CertificateParams::new(vec![node.to_owned()]).expect("parameters");
        let certificate = parameters.signed_by(&key, &issuer).expect("certificate");
        let (certificate_path, key_path) = (self.path("roleless.crt"), self.path("roleless.key"));
        std::fs::write(&certificate_path, certificate.pem()).expect("written");
        std::fs::write(&key_path, key.serialize_pem()).expect("written");
        (certificate_path, key_path)
    }
}

struct Node {
    mesh: Arc<Mesh>,
    tls: TlsMaterial,
    tasks: Tasks,
    _summaries: watch::Sender<BTreeMap<String, armorlake::types::TableSummary>>,
}

impl Node {
    async fn start(files: &IssuedFiles, seeds: Vec<String>, known: Vec<KnownMember>) -> Self {
        let tls = TlsMaterial::load(&files.ca, &files.certificate, &files.key).expect("material");
        let tasks = Tasks::new();
        let config = MeshConfig {
            name: tls.identity().name,
            role: tls.identity().role,
            listen: "127.0.0.1:0".parse().expect("address"),
            advertise: None,
            seeds,
            version: String::from("0.1.0"),
        };
        let summaries = watch::Sender::new(BTreeMap::new());
        let (watched, clock) = (summaries.subscribe(), Arc::new(SystemClock::new()));
        let (runner, random) = (Arc::new(NoRows), Arc::new(SystemRandom));
        let mesh = Mesh::start(config, tls.clone(), runner, watched, known, clock, random, &tasks).await;
        Self { mesh: mesh.expect("mesh"), tls, tasks, _summaries: summaries }
    }

    fn seed(&self) -> Vec<String> {
        vec![self.mesh.local_addr().to_string()]
    }

    fn member(&self, of: &str) -> Option<Member> {
        self.mesh.members().into_iter().find(|member| member.name.as_str() == of)
    }

    fn sees_up(&self, of: &str) -> bool {
        self.member(of).is_some_and(|member| member.status == MemberStatus::Up)
    }

    fn reason(&self, of: &str) -> String {
        self.member(of).and_then(|member| member.reason).unwrap_or_default()
    }

    async fn stop(self) {
        assert!(self.tasks.stop(PATIENCE).await, "a task of the mesh did not stop");
        assert_eq!(self.tasks.panics(), 0);
    }
}

fn known_at(node: &str, address: &str) -> KnownMember {
    KnownMember {
        name: name(node),
        address: address.to_owned(),
        role: Role::Edge,
        version: String::new(),
        tables: BTreeMap::new(),
    }
}

/// A good node joins as if nothing had happened.
async fn others_are_not_disturbed(ground: &Ground, one: &Node) {
    let honest = Node::start(&ground.issue("honest"), one.seed(), vec![]).await;
    until("an honest node joins", || one.sees_up("honest") && honest.sees_up("edge-1")).await;
    honest.stop().await;
}

/// Connects with what the configuration shows; true when the node hung up without a byte of ours.
async fn is_refused(config: rustls::ClientConfig, node: &Node) -> bool {
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let tcp = TcpStream::connect(node.mesh.local_addr()).await.expect("TCP");
    let Ok(mut stream) = connector.connect(ServerName::try_from("edge-1").expect("name"), tcp).await else {
        return true;
    };
    let _ = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let mut answer = [0; 64];
    matches!(timeout(PATIENCE, stream.read(&mut answer)).await.expect("no hang"), Ok(0) | Err(_))
}

type Verified = rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert>;

fn trusting(ca: &Path) -> Verified {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("CA")).expect("root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots)
}

#[tokio::test]
async fn a_client_without_certificate_is_refused() {
    let ground = Ground::new();
    let files = ground.issue("edge-1");
    let one = Node::start(&files, vec![], vec![]).await;
    assert!(is_refused(trusting(&files.ca).with_no_client_auth(), &one).await);
    until("it was counted", || one.mesh.counts().handshakes_refused == 1).await;
    others_are_not_disturbed(&ground, &one).await;
    one.stop().await;
}

#[tokio::test]
async fn a_certificate_that_is_of_no_node_is_refused() {
    let ground = Ground::new();
    let files = ground.issue("edge-1");
    let one = Node::start(&files, vec![], vec![]).await;
    let (certificate, key) = ground.issue_without_role("edge-2");
    let chain = vec![CertificateDer::from_pem_file(&certificate).expect("certificate")];
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(&key).expect("key");
    let config = trusting(&files.ca).with_client_auth_cert(chain, key).expect("configuration");
    assert!(is_refused(config, &one).await);
    until("it was counted", || one.mesh.counts().handshakes_refused == 1).await;
    one.stop().await;
}

#[tokio::test]
async fn a_node_of_another_ca_is_refused_by_either_side() {
    let ground = Ground::new();
    let one = Node::start(&ground.issue("edge-1"), vec![], vec![]).await;
    let stranger = Node::start(&ground.issue_by_stranger("edge-2"), one.seed(), vec![]).await;
    until("its certificate was refused", || one.mesh.counts().handshakes_refused > 0).await;
    until("it was told so", || stranger.reason("edge-1") == "certificate refused by the node").await;
    assert!(one.member("edge-2").is_none());

    let address = stranger.mesh.local_addr().to_string();
    let two = Node::start(&ground.issue("edge-3"), vec![], vec![known_at("edge-2", &address)]).await;
    until("it was refused", || two.reason("edge-2") == "certificate refused: not of this mesh's CA").await;
    others_are_not_disturbed(&ground, &one).await;
    for node in [one, stranger, two] {
        node.stop().await;
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_until_it_is_replaced() {
    let ground = Ground::new();
    let one = Node::start(&ground.issue("edge-1"), vec![], vec![]).await;
    let expired = Node::start(&ground.issue_expired("edge-2"), one.seed(), vec![]).await;
    until("its certificate was refused", || one.mesh.counts().handshakes_refused > 0).await;
    let address = expired.mesh.local_addr().to_string();
    let three = Node::start(&ground.issue("edge-3"), vec![], vec![known_at("edge-2", &address)]).await;
    until("it was refused", || three.reason("edge-2") == "certificate refused: it has expired").await;
    assert!(one.member("edge-2").is_none());

    ground.issue("edge-2");
    expired.tls.reload().expect("reload");
    until("it joins with the new one", || one.sees_up("edge-2") && expired.sees_up("edge-1")).await;
    until("the others accept it", || three.sees_up("edge-2")).await;
    for node in [one, expired, three] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_cannot_pass_for_another() {
    let ground = Ground::new();
    // It was even given a certificate that lists the other's name among its hosts.
    let mut request = CertificateRequest::new(name("edge-9"), Role::Edge);
    request.hosts = vec![String::from("edge-2")];
    let other = Node::start(&ground.issue_with(&request, "ca"), vec![], vec![]).await;
    let address = other.mesh.local_addr().to_string();
    let one = Node::start(&ground.issue("edge-1"), vec![], vec![known_at("edge-2", &address)]).await;
    until("it was found out", || one.reason("edge-2") == "certificate refused: it is of another node").await;
    assert_eq!(one.member("edge-2").expect("member").status, MemberStatus::Down);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn plain_text_is_refused() {
    let ground = Ground::new();
    let one = Node::start(&ground.issue("edge-1"), vec![], vec![]).await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4_096], &[0xff; 70_000]] {
        let mut tcp = TcpStream::connect(one.mesh.local_addr()).await.expect("TCP");
        let _ = tcp.write_all(garbage).await;
        let mut answer = Vec::new();
        // At most a TLS alert comes back, then the end.
        let _ = timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.expect("the node hangs up");
        assert!(answer.len() < 64, "{answer:?}");
    }
    until("they were counted", || one.mesh.counts().handshakes_refused == 3).await;
    others_are_not_disturbed(&ground, &one).await;
    one.stop().await;
}

#[tokio::test]
async fn slow_handshakes_end_and_keep_nobody_out() {
    let ground = Ground::new();
    let one = Node::start(&ground.issue("edge-1"), vec![], vec![]).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut tcp = TcpStream::connect(one.mesh.local_addr()).await.expect("TCP");
        tcp.write_all(&[22]).await.expect("the first byte of a handshake");
        slow.push(tcp);
    }
    until("too many are dropped", || one.mesh.counts().handshakes_dropped > 0).await;
    others_are_not_disturbed(&ground, &one).await;
    for mut tcp in slow {
        let ended = timeout(PATIENCE, tcp.read(&mut [0; 1])).await.expect("the node hangs up");
        assert!(matches!(ended, Ok(0) | Err(_)));
    }
    one.stop().await;
}
