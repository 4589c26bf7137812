//! The private PostgreSQL, which runs when no database is named.
//!
//! The cluster is in the data folder and listens on a Unix socket in a folder that only its user can enter, never on
//! TCP. Checksums and fsync are on. The first process starts the server, other processes connect to it, and it stops
//! with the process that started it, even if that process is killed. Binaries of another major version are refused.
//!
//! This module does not install PostgreSQL (`make` does) and does not upgrade a cluster.

mod binaries;
mod folders;
mod owner;
mod server;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::error::{Error, Result};
use folders::{log_file, open_lock, prepare_data_dir, socket_folder};
use owner::Owner;
use server::ServerProcess;

/// Characters that are encoded in a value of a URL query; `/` and others stay readable.
const URL_VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'&').add(b'#').add(b'+').add(b'?').add(b'"');

/// User and database inside the private cluster.
pub const NAME: &str = "lectern";

/// The longest time to wait until a server has started or stopped.
const SERVER_TIMEOUT: Duration = Duration::from_secs(60);

/// Location and options of the private cluster.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Lectern's data folder. The cluster is in its folder `postgres`.
    pub data_dir: PathBuf,
    /// Folder of `initdb` and `postgres`. Empty: the usual places are searched.
    pub bin: PathBuf,
    /// Whether commits wait for the disk. Off only for databases of tests.
    pub durable: bool,
}

/// A connection to the running cluster, started by this or another process.
#[derive(Debug)]
pub struct Embedded {
    sockets: PathBuf,
    /// The server and the lock of the data folder, if this process started the server.
    owned: Option<(ServerProcess, File)>,
}

impl Embedded {
    /// Connects to the running cluster of a data folder, or creates and starts it.
    ///
    /// # Errors
    /// Without a suitable PostgreSQL, with a folder that cannot be used, or when the server does not start.
    pub async fn start(options: &ClusterOptions) -> Result<Embedded> {
        let owner = Owner::for_this_process()?;
        prepare_data_dir(&options.data_dir, &owner)?;
        let sockets = socket_folder(&options.data_dir, &owner)?;
        let lock = open_lock(&options.data_dir)?;
        let mut waited = Duration::ZERO;
        loop {
            if is_reachable(&sockets).await {
                return Ok(Embedded { sockets, owned: None });
            }
            if lock.try_lock().is_ok() {
                break;
            }
            if waited > SERVER_TIMEOUT {
                return Err(Error::Failed(format!(
                    "another process has locked {} but its database does not respond: see {}",
                    options.data_dir.display(),
                    log_file(&options.data_dir).display()
                )));
            }
            let pause = Duration::from_millis(50);
            tokio::time::sleep(pause).await;
            waited += pause;
        }
        let running = server::start(options, &sockets, &owner).await?;
        let embedded = Embedded { sockets, owned: Some((running, lock)) };
        embedded.create_database().await?;
        Ok(embedded)
    }

    /// Returns the URL of the database for clients on this machine that can enter the folder of the socket.
    pub fn url(&self) -> String {
        self.url_of(NAME)
    }

    /// Returns the URL of another database of the cluster.
    pub fn url_of(&self, database: &str) -> String {
        let folder = self.sockets.to_string_lossy();
        let host = utf8_percent_encode(&folder, URL_VALUE);
        format!("postgresql://{NAME}@localhost/{database}?host={host}")
    }

    /// Reports whether this process started the server. If so, the server stops with it.
    pub fn is_owner(&self) -> bool {
        self.owned.is_some()
    }

    /// Stops the server if this process started it. Connected clients have ten seconds to finish.
    pub async fn stop(mut self) {
        if let Some((running, _lock)) = self.owned.take() {
            let _ = tokio::task::spawn_blocking(move || running.stop(Duration::from_secs(10))).await;
            // Removes the folder only if it is empty.
            let _ = fs::remove_dir(&self.sockets);
        }
    }

    async fn create_database(&self) -> Result<()> {
        let mut connection = PgConnection::connect_with(&connect_options(&self.sockets)).await?;
        let existing: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(NAME)
            .fetch_optional(&mut connection)
            .await?;
        if existing.is_none() {
            sqlx::query("CREATE DATABASE lectern").execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok(())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some((running, _lock)) = self.owned.take() {
            running.stop(Duration::from_millis(500));
        }
    }
}

fn connect_options(sockets: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(sockets).username(NAME).database("postgres")
}

/// Reports whether a server accepts connections on the socket.
async fn is_reachable(sockets: &Path) -> bool {
    match PgConnection::connect_with(&connect_options(sockets)).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}
