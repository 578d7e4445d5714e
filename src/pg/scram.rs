//! SCRAM-SHA-256 (RFC 5802, RFC 7677) from stored verifiers.
//!
//! A verifier can check a password but is none: it holds StoredKey and ServerKey only. Unknown
//! users get an exchange of the same shape and length, which always fails.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use pgwire::api::auth::sasl::scram::gen_salted_password;
use ring::{digest, hmac};
use subtle::ConstantTimeEq;

use crate::env::Random;

/// The mechanism's name.
pub(super) const MECHANISM: &str = "SCRAM-SHA-256";
/// Its name with channel binding.
pub(super) const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// What the client's first message says when it binds to the channel; the only kind that is served.
const END_POINT_HEADER: &str = "p=tls-server-end-point,,";
/// Iterations of new verifiers, as PostgreSQL's.
pub const ITERATIONS: u32 = 4_096;
const ITERATIONS_MAX: u32 = 10_000_000;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 18;
const CLIENT_NONCE_MAX: usize = 512;

/// What a server keeps of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

impl std::fmt::Debug for ScramVerifier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ScramVerifier").finish_non_exhaustive()
    }
}

/// A text that is no verifier; the text itself is a secret and is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SCRAM verifier: expected SCRAM-SHA-256$iterations:salt$stored key:server key")]
pub struct VerifierError;

impl ScramVerifier {
    /// The verifier of a password with a salt of its own. Takes milliseconds of CPU.
    pub fn from_password(password: &str, random: &dyn Random) -> Self {
        let mut salt = vec![0; SALT_BYTES];
        random.fill(&mut salt);
        Self::derive(password, salt, ITERATIONS)
    }

    fn derive(password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let rounds = usize::try_from(iterations).unwrap_or(usize::MAX);
        let salted = gen_salted_password(password, &salt, rounds);
        let client_key = sign(&salted, b"Client Key");
        Self { iterations, salt, stored_key: hash(&client_key), server_key: sign(&salted, b"Server Key") }
    }

    /// The text form that PostgreSQL keeps in pg_authid.
    pub fn to_text(&self) -> String {
        format!(
            "{MECHANISM}${}:{}${}:{}",
            self.iterations,
            BASE64.encode(&self.salt),
            BASE64.encode(self.stored_key),
            BASE64.encode(self.server_key)
        )
    }

    /// Reads the text form.
    pub fn from_text(text: &str) -> Result<Self, VerifierError> {
        Self::read(text).ok_or(VerifierError)
    }

    fn read(text: &str) -> Option<Self> {
        let (mechanism, rest) = text.split_once('$')?;
        let (salting, keys) = rest.split_once('$')?;
        let ((iterations, salt), (stored, server)) = (salting.split_once(':')?, keys.split_once(':')?);
        let iterations = iterations.parse().ok().filter(|number| (1..=ITERATIONS_MAX).contains(number))?;
        let salt = BASE64.decode(salt).ok().filter(|salt| !salt.is_empty() && salt.len() <= 1_024)?;
        let stored_key = BASE64.decode(stored).ok()?.try_into().ok()?;
        let server_key = BASE64.decode(server).ok()?.try_into().ok()?;
        (mechanism == MECHANISM).then_some(Self { iterations, salt, stored_key, server_key })
    }
}

/// Makes exchanges for users that do not exist; the same user always gets the same salt.
pub(super) struct Mock([u8; 32]);

impl std::fmt::Debug for Mock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Mock").finish_non_exhaustive()
    }
}

impl Mock {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Self(secret)
    }

    fn verifier(&self, user: &str) -> ScramVerifier {
        let part = |label: &str| sign(&self.0, format!("{label}:{user}").as_bytes());
        let mut salt = part("salt").to_vec();
        salt.truncate(SALT_BYTES);
        ScramVerifier { iterations: ITERATIONS, salt, stored_key: part("stored"), server_key: part("server") }
    }
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScramError {
    /// A message is not what the mechanism prescribes.
    Malformed(&'static str),
    /// The client thinks that the server has no channel binding, though it was offered.
    Negotiation,
    /// The password is wrong or the user unknown; the client is not told which.
    Refused,
}

/// Whether the exchange is bound to the TLS channel below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding<'a> {
    /// There is nothing to bind to.
    Absent,
    /// It was offered, and the client chose the mechanism without.
    Offered,
    /// To the hash of the server's certificate.
    Used(&'a [u8]),
}

/// One exchange with one client.
pub(super) struct Exchange {
    verifier: ScramVerifier,
    known: bool,
    /// What the client's final message must repeat: its header, and what it binds to.
    bound: Vec<u8>,
    client_first_bare: String,
    nonce: String,
    server_first: String,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl Exchange {
    /// Reads the client's first message; [`Exchange::server_first`] is the answer to it.
    pub(super) fn start(
        verifier: Option<&ScramVerifier>,
        user: &str,
        mock: &Mock,
        binding: Binding<'_>,
        client_first: &[u8],
        random: &dyn Random,
    ) -> Result<Self, ScramError> {
        let first = std::str::from_utf8(client_first).map_err(|_| ScramError::Malformed("not UTF-8"))?;
        let (bound, bare) = split_first(first, binding)?;
        let nonce = bare
            .split(',')
            .nth(1)
            .and_then(|part| part.strip_prefix("r="))
            .ok_or(ScramError::Malformed("nonce is missing"))?;
        let printable = nonce.bytes().all(|byte| byte.is_ascii_graphic());
        if nonce.is_empty() || nonce.len() > CLIENT_NONCE_MAX || !printable {
            return Err(ScramError::Malformed("invalid nonce"));
        }
        let mut own = [0; NONCE_BYTES];
        random.fill(&mut own);
        let nonce = format!("{nonce}{}", BASE64.encode(own));
        // Made for known users too, so that both take the same time.
        let mocked = mock.verifier(user);
        let known = verifier.is_some();
        let verifier = verifier.cloned().unwrap_or(mocked);
        let server_first = format!("r={nonce},s={},i={}", BASE64.encode(&verifier.salt), verifier.iterations);
        Ok(Self { verifier, known, bound, client_first_bare: bare.to_owned(), nonce, server_first })
    }

    /// The server's first message.
    pub(super) fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Reads the client's final message; gives the server's final one.
    pub(super) fn finish(&self, client_final: &[u8]) -> Result<String, ScramError> {
        let last = std::str::from_utf8(client_final).map_err(|_| ScramError::Malformed("not UTF-8"))?;
        let (without_proof, proof) = last.rsplit_once(",p=").ok_or(ScramError::Malformed("proof is missing"))?;
        let mut parts = without_proof.split(',');
        let binding = parts.next().and_then(|part| part.strip_prefix("c="));
        let nonce = parts.next().and_then(|part| part.strip_prefix("r="));
        if binding != Some(BASE64.encode(&self.bound).as_str()) {
            return Err(ScramError::Malformed("channel binding does not match"));
        }
        if nonce != Some(self.nonce.as_str()) {
            return Err(ScramError::Malformed("nonce does not match"));
        }
        let proof: [u8; 32] = BASE64
            .decode(proof)
            .ok()
            .and_then(|proof| proof.try_into().ok())
            .ok_or(ScramError::Malformed("invalid proof"))?;
        let message = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let signature = sign(&self.verifier.stored_key, message.as_bytes());
        let mut client_key = proof;
        client_key.iter_mut().zip(signature).for_each(|(byte, mask)| *byte ^= mask);
        let matches: bool = hash(&client_key).ct_eq(&self.verifier.stored_key).into();
        let answer = sign(&self.verifier.server_key, message.as_bytes());
        if matches && self.known { Ok(format!("v={}", BASE64.encode(answer))) } else { Err(ScramError::Refused) }
    }
}

/// Takes the header off that tells about channel binding.
fn split_first<'a>(first: &'a str, binding: Binding<'_>) -> Result<(Vec<u8>, &'a str), ScramError> {
    let headers: &[&str] = match binding {
        Binding::Used(_) => &[END_POINT_HEADER],
        Binding::Offered if first.starts_with("y,") => return Err(ScramError::Negotiation),
        Binding::Absent | Binding::Offered => &["n,,", "y,,"],
    };
    for header in headers {
        let Some(bare) = first.strip_prefix(header) else { continue };
        if !bare.starts_with("n=") {
            return Err(ScramError::Malformed("user is missing"));
        }
        let mut bound = header.as_bytes().to_vec();
        if let Binding::Used(end_point) = binding {
            bound.extend(end_point);
        }
        return Ok((bound, bare));
    }
    Err(ScramError::Malformed("the channel binding does not fit the mechanism, or it has an authorization identity"))
}

fn sign(key: &[u8], message: &[u8]) -> [u8; 32] {
    to_array(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    to_array(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn to_array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    array
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BASE64, Binding, Engine, Exchange, Mock, ScramError, ScramVerifier};
    use crate::env::SeededRandom;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_standards_example_is_accepted() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let verifier = ScramVerifier::derive("pencil", salt, 4096);
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let exchange = Exchange {
            verifier,
            known: true,
            bound: b"n,,".to_vec(),
            client_first_bare: "n=user,r=rOprNGfwEbeRWgbNEkqO".into(),
            nonce: nonce.into(),
            server_first: format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        };
        let last = format!("c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let answer = exchange.finish(last.as_bytes()).expect("accepted");
        assert_eq!(answer, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn the_text_form_is_read_back() {
        let verifier = ScramVerifier::derive("secret", vec![7; 16], 10);
        assert_eq!(ScramVerifier::from_text(&verifier.to_text()).as_ref(), Ok(&verifier));
        assert!(!format!("{verifier:?}").contains("stored"));
        for text in ["", "md5abc", "SCRAM-SHA-256$0:AA==$AA==:AA==", "SCRAM-SHA-1$1:AA==$AA==:AA=="] {
            assert!(ScramVerifier::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_user_gets_the_same_salt_each_time() {
        let (random, mock) = (SeededRandom::new(1), Mock::new(&SeededRandom::new(2)));
        let salt = |user: &str| {
            let exchange =
                Exchange::start(None, user, &mock, Binding::Absent, b"n,,n=,r=abc", &random).expect("starts");
            exchange.server_first().split(',').nth(1).map(str::to_owned)
        };
        assert_eq!(salt("nobody"), salt("nobody"));
        assert_ne!(salt("nobody"), salt("somebody"));
    }

    #[test]
    fn a_bound_exchange_takes_no_other_channel_and_no_downgrade() {
        let (random, mock) = (SeededRandom::new(1), Mock::new(&SeededRandom::new(2)));
        let verifier = ScramVerifier::derive("secret", vec![7; 16], 1);
        let start = |binding, first: &str| {
            Exchange::start(Some(&verifier), "u", &mock, binding, first.as_bytes(), &random)
                .map(|exchange| exchange.bound)
        };
        let header = "p=tls-server-end-point,,";
        let bound = start(Binding::Used(b"hash"), &format!("{header}n=,r=abc")).expect("starts");
        assert_eq!(bound, [header.as_bytes(), b"hash"].concat());
        assert_eq!(start(Binding::Offered, "y,,n=,r=abc"), Err(ScramError::Negotiation));
        for (binding, first) in [
            (Binding::Used(b"hash"), "n,,n=,r=abc"),
            (Binding::Used(b"hash"), "p=tls-unique,,n=,r=abc"),
            (Binding::Offered, "p=tls-server-end-point,,n=,r=abc"),
            (Binding::Absent, "p=tls-server-end-point,,n=,r=abc"),
            (Binding::Absent, "n,a=admin,n=,r=abc"),
        ] {
            assert!(matches!(start(binding, first), Err(ScramError::Malformed(_))), "{first}");
        }
    }

    proptest! {
        /// No message makes the exchange panic, and none but the right proof passes.
        #[test]
        fn nonsense_is_refused(first in "[ny],,n=,r=[a-z]{1,8}", last in ".{0,80}") {
            let (random, mock) = (SeededRandom::new(1), Mock::new(&SeededRandom::new(2)));
            let verifier = ScramVerifier::derive("secret", vec![7; 16], 1);
            let exchange = Exchange::start(Some(&verifier), "u", &mock, Binding::Absent, first.as_bytes(), &random).expect("starts");
            prop_assert!(exchange.finish(last.as_bytes()).is_err());
            let guess = format!("c=biws,r={},p={}", exchange.nonce, BASE64.encode([0; 32]));
            prop_assert!(matches!(exchange.finish(guess.as_bytes()), Err(ScramError::Refused | ScramError::Malformed(_))));
        }

        /// Whatever the two messages are: no panic, and no way in.
        #[test]
        fn any_messages_are_refused(first in prop::collection::vec(any::<u8>(), 0..60), middle in "[a-z,=]{0,30}",
                                    last in prop::collection::vec(any::<u8>(), 0..60), kind in 0..3_usize) {
            let (random, mock) = (SeededRandom::new(1), Mock::new(&SeededRandom::new(2)));
            let verifier = ScramVerifier::derive("secret", vec![7; 16], 1);
            let binding = [Binding::Absent, Binding::Offered, Binding::Used(b"hash")][kind];
            for first in [first, format!("n,,n=,r=abc{middle}").into_bytes()] {
                if let Ok(exchange) = Exchange::start(Some(&verifier), "u", &mock, binding, &first, &random) {
                    prop_assert!(exchange.server_first().len() < 1_024);
                    prop_assert!(exchange.finish(&last).is_err());
                }
            }
        }
    }
}
