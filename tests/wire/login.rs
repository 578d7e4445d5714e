//! Who gets in: passwords, databases, TLS, limits.

use std::time::Duration;

use armorlake::pg::{PgLimits, Trust};
use armorlake::tasks::Tasks;

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
    assert_eq!(client.query_one("select 1", &[]).await.expect("a row").get::<_, i32>(0), 1);
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
    for (setting, value) in [("statement_timeout", "300ms"), ("search_path", "edge,public")] {
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

#[tokio::test]
async fn there_are_only_so_many_slots_and_so_much_time() {
    let limits =
        PgLimits { connections_max: 2, reserved: 0, login_timeout: Duration::from_millis(300), ..PgLimits::default() };
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

/// The last slots are for administrators, whoever comes first.
#[tokio::test]
async fn some_slots_are_kept_for_administrators() {
    let mut config = config();
    config.users[1].roles = vec!["admin".into()];
    config.limits = PgLimits { connections_max: 3, reserved: 1, ..PgLimits::default() };
    let server = Server::start(config).await;
    let open = |user: &'static str| async {
        let mut raw = Raw::connect(server.address).await;
        raw.bytes(&startup(&[("user", user), ("database", "kubearmor")])).await;
        let answers = raw.next().await.expect("an answer");
        (raw, answers)
    };
    let (_first, _) = open("reader").await;
    let (_second, second) = open("reader").await;
    assert_eq!(second.kind, 'R');
    let (_third, refused) = open("reader").await;
    assert_eq!((refused.kind, refused.field(b'C').as_deref()), ('E', Some("53300")));
    assert_eq!(
        refused.field(b'M').as_deref(),
        Some("remaining connection slots are reserved for non-replication superuser connections")
    );
    let mut admin = Raw::log_in_as(server.address, "keyless").await;
    assert_eq!(kinds(&admin.query("select 1").await), "TDCZ");
    assert_eq!(admin.query("show superuser_reserved_connections").await[1].values(), [Some("1".to_owned())]);
    server.stop().await;
}
