//! `[mesh]`: the door for other nodes, and where to find the first of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::address::{HostPort, parse_listen};
use super::findings::Findings;
use super::raw::{RawMesh, RawMeshTls};

const SEEDS_MAX: usize = 64;

/// The CA that the nodes of a mesh trust, and this node's own certificate: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshTls {
    /// The CA's certificate.
    pub ca: PathBuf,
    /// This node's certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl MeshTls {
    /// The name of the CA's certificate in a directory of certificates.
    pub const CA_FILE: &'static str = "ca.crt";
    /// The name of the node's certificate there.
    pub const CERT_FILE: &'static str = "node.crt";
    /// The name of its private key there.
    pub const KEY_FILE: &'static str = "node.key";
}

/// How this node takes part in a mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshConfig {
    /// Where to listen; port 0 lets the machine choose.
    pub listen: SocketAddr,
    /// What other nodes call; none means the address that it listens on.
    pub advertise: Option<HostPort>,
    /// Nodes to ask for the others; none for the first node of a mesh.
    pub seeds: Vec<HostPort>,
    /// Its certificates.
    pub tls: MeshTls,
}

impl MeshConfig {
    pub(super) fn check(raw: RawMesh, data_dir: Option<&Path>, findings: &mut Findings) -> Option<Self> {
        let listen = findings.keep("mesh.listen", parse_listen(&raw.listen));
        let advertise =
            raw.advertise.as_deref().map(|address| findings.keep("mesh.advertise", HostPort::parse(address)));
        if raw.advertise.is_none() && listen.is_some_and(|address| address.ip().is_unspecified()) {
            findings.wrong("mesh.advertise", "missing; other nodes cannot call every address of a machine");
        }
        let seeds = check_seeds(&raw.seeds, findings);
        let tls = check_tls(raw.tls, data_dir, findings);
        Some(Self {
            listen: listen?,
            advertise: advertise.map_or(Some(None), |address| address.map(Some))?,
            seeds,
            tls: tls?,
        })
    }
}

fn check_seeds(seeds: &[String], findings: &mut Findings) -> Vec<HostPort> {
    if seeds.len() > SEEDS_MAX {
        findings.wrong(
            "mesh.seeds",
            format!("{} are too many; a few nodes know all others: at most {SEEDS_MAX}", seeds.len()),
        );
    }
    let mut checked: Vec<HostPort> =
        seeds.iter().filter_map(|seed| findings.keep("mesh.seeds", HostPort::parse(seed))).collect();
    checked.sort();
    checked.dedup();
    checked
}

fn check_tls(raw: RawMeshTls, data_dir: Option<&Path>, findings: &mut Findings) -> Option<MeshTls> {
    let dir = match &raw.dir {
        Some(dir) => Some(findings.path(dir)),
        None => data_dir.map(|data_dir| data_dir.join("tls")),
    };
    let mut file = |key: &str, given: Option<String>, name: &str| {
        let path = match (given, &dir) {
            (Some(path), _) => findings.path(&path),
            (None, Some(dir)) => dir.join(name),
            // Without a data directory nobody knows where to look; that mistake is noted already.
            (None, None) => return None,
        };
        findings.file(format!("mesh.tls.{key}"), &path)
    };
    let ca = file("ca", raw.ca, MeshTls::CA_FILE);
    let cert = file("cert", raw.cert, MeshTls::CERT_FILE);
    let key = file("key", raw.key, MeshTls::KEY_FILE);
    Some(MeshTls { ca: ca?, cert: cert?, key: key? })
}
