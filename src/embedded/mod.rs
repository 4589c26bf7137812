//! The private PostgreSQL that runs when no database is named.
//!
//! Promises: a cluster of Lectern's own in the data folder, on a Unix socket in a folder that nobody else may enter, no
//! TCP, checksums and fsync on; the first process starts it, others find it running and join; it ends with the process
//! that started it, even when that is killed. Never starts a data folder with another major's binaries.
//!
//! Does not: install PostgreSQL (`make` and the sentence of the error do), upgrade a cluster, or listen on the network.

mod binaries;
mod folders;
mod owner;
mod server;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::error::{Error, Result};
use folders::{log_file, open_lock, prepare_data_dir, socket_folder};
use owner::Owner;
use server::Running;

/// User and database inside the private cluster.
pub const NAME: &str = "lectern";

/// How long another process may take to start or stop the cluster before we give up waiting for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the cluster lies and how it is run.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Lectern's data folder; the cluster stands in `postgres` below it.
    pub data_dir: PathBuf,
    /// Folder of `initdb` and `postgres`; empty: looked for.
    pub bin: PathBuf,
    /// Whether commits wait for the disk. Off only for databases that live as long as a test.
    pub durable: bool,
}

/// The running cluster, ours or joined.
#[derive(Debug)]
pub struct Embedded {
    sockets: PathBuf,
    // Held as long as we are the process that runs the cluster.
    owned: Option<(Running, File)>,
}

impl Embedded {
    /// Joins the cluster of this data folder, or creates and starts it.
    pub async fn start(options: &ClusterOptions) -> Result<Embedded> {
        let owner = Owner::for_this_process()?;
        prepare_data_dir(&options.data_dir, &owner)?;
        let sockets = socket_folder(&options.data_dir, &owner)?;
        let lock = open_lock(&options.data_dir)?;
        let mut waited = Duration::ZERO;
        loop {
            if reachable(&sockets).await {
                return Ok(Embedded { sockets, owned: None });
            }
            if lock.try_lock().is_ok() {
                break;
            }
            if waited > PATIENCE {
                return Err(Error::Failed(format!(
                    "another process holds {} but its database does not answer; see {}",
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

    /// Address of the database, usable by any client on this machine that may enter the socket's folder.
    pub fn url(&self) -> String {
        self.url_of(NAME)
    }

    /// Address of another database of the cluster.
    pub fn url_of(&self, database: &str) -> String {
        let host: String = self.sockets.to_string_lossy().replace('%', "%25").replace(' ', "%20");
        format!("postgresql://{NAME}@localhost/{database}?host={host}")
    }

    /// Whether this process started the cluster, so that it ends with it.
    pub fn is_ours(&self) -> bool {
        self.owned.is_some()
    }

    /// Ends the cluster if it is ours: first without disturbing others that are connected, after ten seconds firmly.
    pub async fn stop(mut self) {
        if let Some((running, _lock)) = self.owned.take() {
            let _ = tokio::task::spawn_blocking(move || running.stop(Duration::from_secs(10))).await;
            // Empty by now, and of no use to anybody; where it is not, it stays.
            let _ = fs::remove_dir(&self.sockets);
        }
    }

    async fn create_database(&self) -> Result<()> {
        let mut connection = PgConnection::connect_with(&connect_options(&self.sockets)).await?;
        let known: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(NAME)
            .fetch_optional(&mut connection)
            .await?;
        if known.is_none() {
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

/// Whether a server answers on the socket and takes new connections.
async fn reachable(sockets: &Path) -> bool {
    match PgConnection::connect_with(&connect_options(sockets)).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}
