//! Opens the database: the one that the settings name, or the private one.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::embedded::{ClusterOptions, Embedded};
use crate::error::{Error, Result};
use crate::migrate;

/// Oldest PostgreSQL that is supported, as `server_version_num`.
const MIN_SERVER_VERSION: i32 = 150_000;

/// A connection that was used within this time is not tested before its next use.
const NO_PING_WITHIN: Duration = Duration::from_secs(1);

/// The connection pool of a command and, if the command uses it, the private cluster.
#[derive(Debug)]
pub struct Database {
    pub pool: PgPool,
    /// URL with which other commands can connect.
    pub url: String,
    embedded: Option<Embedded>,
}

impl Database {
    /// Opens the database that the settings name, else the private one, which is started if necessary.
    pub async fn open(config: &Config) -> Result<Database> {
        if !config.database_url.is_empty() {
            let url = config.database_url.reveal().to_owned();
            return Ok(Database { pool: connect(&url).await?, url, embedded: None });
        }
        let options =
            ClusterOptions { data_dir: config.data_dir.clone(), bin: config.postgres_bin.clone(), durable: true };
        let embedded = Embedded::start(&options).await?;
        let url = embedded.url();
        Ok(Database { pool: connect(&url).await?, url, embedded: Some(embedded) })
    }

    /// Opens the database and checks that its schema is the one of this program.
    ///
    /// The private database is migrated. A named database is not.
    ///
    /// # Errors
    /// [`Error::Prerequisite`] when a named database has pending steps.
    pub async fn open_ready(config: &Config, stop: &CancellationToken) -> Result<Database> {
        let database = Self::open(config).await?;
        if migrate::pending(&database.pool).await? == 0 {
            return Ok(database);
        }
        if database.embedded.is_none() {
            return Err(Error::Prerequisite(
                "the database schema is older than this program: run `lectern migrate` first".into(),
            ));
        }
        migrate::apply_with(&database.pool, migrate::LockWait::of(config), stop, |_| ()).await?;
        Ok(database)
    }

    /// Reports whether the database is the private one.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Closes the connections and stops the private cluster if this process started it.
    pub async fn close(self) {
        self.pool.close().await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

async fn connect(url: &str) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?.application_name("lectern");
    // A recently used connection is not tested, because the test would double the time of short statements.
    let settings = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(10));
    let settings = settings.test_before_acquire(false).before_acquire(|connection, used| {
        Box::pin(async move {
            if used.idle_for > NO_PING_WITHIN {
                connection.ping().await?;
            }
            Ok(true)
        })
    });
    let pool = settings.connect_with(options).await?;
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&pool).await?;
    if version < MIN_SERVER_VERSION {
        return Err(Error::Failed(format!(
            "the database is PostgreSQL {}: use PostgreSQL 15 or newer",
            version / 10_000
        )));
    }
    Ok(pool)
}
