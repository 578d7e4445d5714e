//! Names and ids as types of their own, checked when they are made.

use std::fmt;
use std::sync::Arc;

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a name: 1 to 63 of a-z, 0-9, '-' and '.', starting with a letter or digit")]
pub struct NameError {
    /// The refused text, cut to 80 characters.
    pub text: String,
}

fn checked(text: &str) -> Result<Arc<str>, NameError> {
    let first_fits = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let all_fit =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.');
    if first_fits && all_fit && text.len() <= 63 {
        Ok(Arc::from(text))
    } else {
        Err(NameError { text: text.chars().take(80).collect() })
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                checked(text).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name_type! {
    /// The name of a node: one in the mesh, the DNS name in its certificate.
    NodeName
}
name_type! {
    /// The configured name of one KubeArmor endpoint that a node pulls from.
    FeedName
}

/// One statement of one client, the same on every node that takes part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryId(pub uuid::Uuid);

impl fmt::Display for QueryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::NodeName;

    #[test]
    fn names_are_checked() {
        assert!(NodeName::new("edge-1").is_ok());
        for refused in ["", "Edge", "-edge", "a b", "a\"b", &"x".repeat(64)] {
            assert!(NodeName::new(refused).is_err(), "{refused}");
        }
    }
}
