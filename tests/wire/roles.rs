//! ALTER ROLE ... SET and ALTER DATABASE ... SET.

use super::raw::{Raw, startup};
use super::server::{Server, config};

async fn zone(server: &Server) -> String {
    Raw::log_in(server.address).await.rows("show timezone").await.remove(0)
}

#[tokio::test]
async fn stored_settings_are_what_new_sessions_start_with() {
    let mut config = config();
    config.users[1].roles = vec!["admin".into()];
    let server = Server::start(config).await;
    let mut admin = Raw::log_in_as(server.address, "keyless").await;
    let mut raw = Raw::log_in(server.address).await;
    assert_eq!(admin.tags("alter database kubearmor set timezone = 'Asia/Tokyo'").await, ["ALTER DATABASE"]);
    assert_eq!(zone(&server).await, "Asia/Tokyo");
    assert_eq!(raw.tags("alter role reader set time zone 'Europe/Paris'").await, ["ALTER ROLE"]);
    assert_eq!(zone(&server).await, "Europe/Paris");
    assert_eq!(raw.rows("show timezone").await, ["UTC"], "only later sessions are concerned");
    raw.tags("alter user current_user in database kubearmor set timezone to 'America/Lima'").await;
    assert_eq!(zone(&server).await, "America/Lima");
    // What the client sends wins, and RESET goes back to what was stored.
    let mut own = Raw::connect(server.address).await;
    own.bytes(&startup(&[("user", "reader"), ("database", "kubearmor"), ("search_path", "mesh")])).await;
    own.until('Z').await;
    assert_eq!(
        own.rows("set timezone = 'UTC'; reset timezone; show timezone; show search_path").await,
        ["America/Lima", "mesh"]
    );
    raw.tags("begin; alter role reader reset all; rollback").await;
    assert_eq!(zone(&server).await, "America/Lima");
    raw.tags("alter role reader in database kubearmor reset timezone; alter role reader reset all").await;
    assert_eq!(zone(&server).await, "Asia/Tokyo");
    raw.tags("set search_path = mesh, public; alter role reader set search_path from current").await;
    assert_eq!(Raw::log_in(server.address).await.rows("show search_path").await, ["mesh, public"]);
    server.stop().await;
}

#[tokio::test]
async fn roles_change_their_own_settings_only() {
    let server = Server::start(config()).await;
    let mut raw = Raw::log_in(server.address).await;
    for (sql, state) in [
        ("alter role all set work_mem = '4MB'", "42501"),
        ("alter database kubearmor set work_mem = '4MB'", "42501"),
        ("alter role nosuch set work_mem = 1", "42704"),
        ("alter database nosuch set work_mem = '4MB'", "3D000"),
        ("alter role reader set nosuch = 1", "42704"),
        ("alter role reader set work_mem = 'abc'", "22023"),
        ("alter role reader set server_version = '9'", "55P02"),
        ("alter role reader with password 'x'", "0A000"),
    ] {
        assert_eq!(raw.error(sql).await[0], state, "{sql}");
    }
    server.stop().await;
}
