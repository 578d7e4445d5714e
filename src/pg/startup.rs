//! Login: who is it, to which database; then a session with everything a client waits for.

use std::net::SocketAddr;

use bytes::Bytes;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::{Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey};

use crate::session::{Login, Session};
use crate::tls::PostgresPeer;
use crate::types::{Code, SqlError};

use super::config::{CertificateUse, TlsUse, Trust, UserConfig};
use super::guard::{Phase, violation};
use super::listener::Shared;
use super::negotiate::{self, Startup};
use super::output::Failure;
use super::scram::{Binding, Exchange, MECHANISM, MECHANISM_PLUS, ScramError};
use super::wire::Wire;

/// The protocol that this server speaks; clients read both halves of the number.
const PROTOCOL_3_0: i32 = 3 << 16;
/// The role whose users may have the last connections.
const ADMIN: &str = "admin";

/// Checks the startup packet and the password; the session starts out idle.
pub(super) async fn log_in(startup: &mut Startup, client: SocketAddr, shared: &Shared) -> Result<Session, Failure> {
    check_packet(startup, client, shared)?;
    negotiate_version(startup);
    let user = startup.parameter("user").unwrap_or_default().to_owned();
    let database = startup.parameter("database").filter(|name| !name.is_empty()).unwrap_or(&user).to_owned();
    let known = shared.users.get(&user);
    let trusted = shared.config.trust == Trust::Loopback && client.ip().to_canonical().is_loopback();
    if trusted {
        if known.is_none() {
            return Err(SqlError::new(Code::InvalidAuthorization, format!("role \"{user}\" does not exist")).into());
        }
    } else {
        let certificate = known.map(|user| user.certificate).unwrap_or_default();
        check_certificate(startup.tls.as_ref(), &user, certificate)?;
        if certificate != CertificateUse::Enough {
            let end_point = startup.tls.as_ref().and_then(|tls| tls.server_end_point.as_deref());
            authenticate(&mut startup.wire, &user, known, end_point, shared).await?;
        }
    }
    let is_admin = known.is_some_and(|user| user.roles.iter().any(|role| role == ADMIN));
    if !is_admin && shared.free_slots() < shared.config.limits.reserved {
        let text = "remaining connection slots are reserved for non-replication superuser connections";
        return Err(SqlError::new(Code::TooManyConnections, text).into());
    }
    if !shared.config.databases.exists(&database) {
        return Err(SqlError::new(Code::InvalidCatalogName, format!("database \"{database}\" does not exist")).into());
    }
    let login = Login {
        facts: facts(shared),
        configured: shared.config.settings.clone(),
        settings: settings(startup)?,
        user,
        roles: known.map(|user| user.roles.clone()).unwrap_or_default(),
        database,
        client: Some(client),
    };
    let session = Session::open(shared.session.clone(), login)?;
    startup.wire.send(PgWireBackendMessage::Authentication(Authentication::Ok));
    for (name, value) in session.settings().reported() {
        startup.wire.send(parameter_status(name, value));
    }
    let key = session.cancel_key();
    let key = BackendKeyData::new(key.pid, SecretKey::I32(key.secret));
    startup.wire.send(PgWireBackendMessage::BackendKeyData(key));
    Ok(session)
}

/// What settings tell of this listener.
fn facts(shared: &Shared) -> Vec<(&'static str, String)> {
    let on = |on: bool| String::from(if on { "on" } else { "off" });
    vec![
        ("listen_addresses", shared.config.listen.ip().to_string()),
        ("port", shared.config.listen.port().to_string()),
        ("max_connections", shared.config.limits.connections_max.to_string()),
        ("superuser_reserved_connections", shared.config.limits.reserved.to_string()),
        ("ssl", on(shared.config.tls.is_some())),
    ]
}

/// The message that tells a setting's value.
pub(super) fn parameter_status(name: &str, value: &str) -> PgWireBackendMessage {
    PgWireBackendMessage::ParameterStatus(ParameterStatus::new(name.to_owned(), value.replace('\0', "")))
}

fn check_packet(startup: &Startup, client: SocketAddr, shared: &Shared) -> Result<(), SqlError> {
    if startup.major != 3 {
        let text = format!("unsupported frontend protocol {}.{}: server supports 3.0", startup.major, startup.minor);
        return Err(SqlError::new(Code::FeatureNotSupported, text));
    }
    let outside = !client.ip().to_canonical().is_loopback();
    let encrypted = match shared.config.tls_use {
        TlsUse::Optional => true,
        TlsUse::RequiredFromOutside => startup.tls.is_some() || !outside,
        TlsUse::Required => startup.tls.is_some(),
    };
    if !encrypted {
        return Err(SqlError::new(Code::InvalidAuthorization, "connections without TLS are not allowed"));
    }
    if startup.parameter("user").is_none_or(str::is_empty) {
        let text = "no PostgreSQL user name specified in startup packet";
        return Err(SqlError::new(Code::InvalidAuthorization, text));
    }
    if negotiate::is_ambiguous(&startup.parameters) {
        return Err(violation("user or database is given twice in startup packet"));
    }
    let replication = startup.parameter("replication").unwrap_or("off").to_ascii_lowercase();
    if !matches!(replication.as_str(), "off" | "false" | "no" | "0") {
        return Err(SqlError::new(Code::FeatureNotSupported, "replication connections are not supported"));
    }
    Ok(())
}

/// Newer clients are told that this server speaks 3.0, and which options it does not know.
fn negotiate_version(startup: &mut Startup) {
    let unknown: Vec<String> =
        startup.parameters.iter().map(|(name, _)| name).filter(|name| name.starts_with("_pq_.")).cloned().collect();
    if startup.minor > 0 || !unknown.is_empty() {
        let answer = NegotiateProtocolVersion::new(PROTOCOL_3_0, unknown);
        startup.wire.send(PgWireBackendMessage::NegotiateProtocolVersion(answer));
    }
}

/// Settings from the packet; what `options` says comes first, as in PostgreSQL.
fn settings(startup: &Startup) -> Result<Vec<(String, String)>, SqlError> {
    let mut settings = negotiate::options(startup.parameter("options").unwrap_or_default())?;
    settings.extend(startup.parameters.iter().filter(|(name, _)| negotiate::is_setting(name)).cloned());
    Ok(settings)
}

/// The certificate that a user needs: of the configured CA, which the handshake saw to, and in its name.
fn check_certificate(tls: Option<&PostgresPeer>, user: &str, wanted: CertificateUse) -> Result<(), SqlError> {
    if wanted == CertificateUse::Ignored {
        return Ok(());
    }
    let refused = |text: String| Err(SqlError::new(Code::InvalidAuthorization, text));
    match tls.and_then(|tls| tls.common_name.as_deref()) {
        None => refused(String::from("connection requires a valid client certificate")),
        Some(name) if name == user => Ok(()),
        Some(_) => refused(format!("certificate authentication failed for user \"{user}\"")),
    }
}

/// The SCRAM exchange: two messages each way. Unknown users and users without a password get a mock one.
async fn authenticate(
    wire: &mut Wire,
    user: &str,
    known: Option<&UserConfig>,
    end_point: Option<&[u8]>,
    shared: &Shared,
) -> Result<(), Failure> {
    let plus = end_point.map(|_| MECHANISM_PLUS.to_owned());
    let mechanisms = plus.into_iter().chain([MECHANISM.to_owned()]).collect();
    wire.send(PgWireBackendMessage::Authentication(Authentication::SASL(mechanisms)));
    wire.flush().await?;
    let first = password_message(wire).await?;
    let (binding, first) = initial_response(&first, end_point)?;
    let verifier = known.and_then(|user| user.verifier.as_ref());
    let random = shared.session.random.as_ref();
    let exchange =
        Exchange::start(verifier, user, &shared.mock, binding, first, random).map_err(|error| refusal(&error, user))?;
    let answer = Bytes::from(exchange.server_first().to_owned());
    wire.send(PgWireBackendMessage::Authentication(Authentication::SASLContinue(answer)));
    wire.flush().await?;
    let last = password_message(wire).await?;
    let answer = exchange.finish(&last).map_err(|error| refusal(&error, user))?;
    wire.send(PgWireBackendMessage::Authentication(Authentication::SASLFinal(Bytes::from(answer))));
    Ok(())
}

/// The body of a message of the password family.
async fn password_message(wire: &mut Wire) -> Result<Bytes, Failure> {
    let frame = wire.next_frame(Phase::Login).await?;
    if frame.first() != Some(&b'p') {
        return Err(Failure::Wire(super::wire::WireError::Closed));
    }
    Ok(frame.freeze().slice(5..))
}

/// The client's first message inside SASLInitialResponse: mechanism, length, bytes.
pub(super) fn initial_response<'a>(
    body: &'a [u8],
    end_point: Option<&'a [u8]>,
) -> Result<(Binding<'a>, &'a [u8]), SqlError> {
    let malformed = || violation("malformed SASL initial response");
    let end = body.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
    let (mechanism, rest) = body.split_at(end);
    let binding = match end_point {
        Some(end_point) if mechanism == MECHANISM_PLUS.as_bytes() => Binding::Used(end_point),
        Some(_) if mechanism == MECHANISM.as_bytes() => Binding::Offered,
        None if mechanism == MECHANISM.as_bytes() => Binding::Absent,
        _ => return Err(violation("client selected an invalid SASL authentication mechanism")),
    };
    let (length, first) = rest.get(1..).and_then(|rest| rest.split_at_checked(4)).ok_or_else(malformed)?;
    let length = <[u8; 4]>::try_from(length).map(i32::from_be_bytes).map_err(|_| malformed())?;
    if usize::try_from(length) == Ok(first.len()) { Ok((binding, first)) } else { Err(malformed()) }
}

pub(super) fn refusal(error: &ScramError, user: &str) -> SqlError {
    match error {
        ScramError::Malformed(what) => violation(format!("malformed SCRAM message: {what}")),
        ScramError::Negotiation => SqlError::new(Code::InvalidAuthorization, "SCRAM channel binding negotiation error")
            .with_detail(
                "The client supports SCRAM channel binding but thinks the server does not.  \
                 However, this server does support channel binding.",
            ),
        ScramError::Refused => {
            SqlError::new(Code::InvalidPassword, format!("password authentication failed for user \"{user}\""))
        }
    }
}
