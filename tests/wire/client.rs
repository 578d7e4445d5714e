//! Clients by driver.

use armorlake::tasks::Tasks;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::server::{PATIENCE, Server};

/// The settings of a driver's connection as `reader`.
pub(super) fn driver_config(server: &Server) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(server.address.port()).user("reader").dbname("kubearmor");
    config
}

/// Connects a driver; its task ends when the client is dropped.
pub(super) async fn connect(config: &Config, tasks: &Tasks) -> Result<Client, Error> {
    let (client, connection) = tokio::time::timeout(PATIENCE, config.connect(NoTls)).await.expect("in time")?;
    tasks.spawn_session("driver", async move {
        let _ = connection.await;
    });
    Ok(client)
}

/// The SQLSTATE of a driver's error.
pub(super) fn state(error: &Error) -> &str {
    error.code().map_or("none", tokio_postgres::error::SqlState::code)
}
