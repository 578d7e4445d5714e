//! Who a peer is, as its certificate says.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::parse_x509_certificate;

use super::TlsError;
use crate::types::NodeName;

/// The roles that a node may act as when its certificate was asked for without any.
pub const DEFAULT_ACT_AS: &str = "reader";

/// Most act-as roles that are read out of one certificate.
const ACT_AS_MAX: usize = 256;
const ROLE_PREFIX: &str = "armorlake:role:";
const ACT_AS_PREFIX: &str = "armorlake:act-as:";

/// What a node's certificate allows it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Pulls feeds, stores events, serves SQL.
    Edge,
    /// Serves SQL.
    Query,
    /// Serves SQL and may publish shared metadata.
    Admin,
}

impl Role {
    /// Its name in certificates, configuration and `mesh.nodes`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Query => "query",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Edge, Self::Query, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// A node as its certificate describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// The first DNS name.
    pub name: NodeName,
    /// The role URI.
    pub role: Role,
    /// The act-as URIs, sorted; the SQL roles that this node may state for its users.
    pub act_as: Vec<String>,
    /// End of the certificate's validity: microseconds since 1970 UTC.
    pub valid_until_us: i64,
}

impl NodeIdentity {
    /// Reads the identity out of an X.509 certificate in DER; does not verify who signed it.
    pub fn from_certificate(der: &[u8]) -> Result<Self, TlsError> {
        let refused = |what: &str| TlsError::NotANode { what: what.to_owned() };
        let (_, certificate) = parse_x509_certificate(der).map_err(|_| refused("it cannot be parsed"))?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| refused("its names cannot be parsed"))?
            .ok_or_else(|| refused("it has no alternative names"))?;
        let (mut name, mut role, mut act_as) = (None, None, Vec::new());
        for general in &names.value.general_names {
            match general {
                GeneralName::DNSName(text) if name.is_none() => name = Some(*text),
                GeneralName::URI(uri) => {
                    if let Some(text) = uri.strip_prefix(ROLE_PREFIX) {
                        let read = Role::from_name(text).ok_or_else(|| refused("its role is unknown"))?;
                        if role.replace(read).is_some_and(|other| other != read) {
                            return Err(refused("it has two roles"));
                        }
                    } else if let Some(text) = uri.strip_prefix(ACT_AS_PREFIX) {
                        act_as.push(text.to_owned());
                    }
                }
                _ => {}
            }
        }
        if act_as.len() > ACT_AS_MAX {
            return Err(refused("it has too many act-as roles"));
        }
        act_as.sort();
        act_as.dedup();
        let name = name.ok_or_else(|| refused("it has no DNS name"))?;
        let name = NodeName::new(name).map_err(|_| refused("its first DNS name is no node name"))?;
        let role = role.ok_or_else(|| refused("it has no role"))?;
        let valid_until_us = certificate.validity().not_after.timestamp().saturating_mul(1_000_000);
        Ok(Self { name, role, act_as, valid_until_us })
    }

    /// Those of `roles` that this node may act as.
    pub fn allowed_of(&self, roles: &[String]) -> Vec<String> {
        roles.iter().filter(|role| self.act_as.binary_search(role).is_ok()).cloned().collect()
    }
}

/// The URI name that states a role.
pub(super) fn role_uri(role: Role) -> String {
    format!("{ROLE_PREFIX}{}", role.as_str())
}

/// The URI name that allows to act as a SQL role; none for a text that cannot stand in a URI.
pub(super) fn act_as_uri(role: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let valid = !role.is_empty() && role.len() <= 63 && role.bytes().all(fits);
    valid.then(|| format!("{ACT_AS_PREFIX}{role}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NodeIdentity, Role, act_as_uri};

    #[test]
    fn roles_survive_their_names() {
        for role in [Role::Edge, Role::Query, Role::Admin] {
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
        assert_eq!(act_as_uri("two words"), None);
        assert_eq!(act_as_uri("reader").as_deref(), Some("armorlake:act-as:reader"));
    }

    proptest! {
        #[test]
        fn random_bytes_are_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            prop_assert!(NodeIdentity::from_certificate(&bytes).is_err());
        }
    }
}
