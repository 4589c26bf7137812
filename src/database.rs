//! Opens the database: the one that the settings name, or the private one.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use crate::config::Config;
use crate::embedded::{ClusterOptions, Embedded};
use crate::error::{Error, Result};
use crate::migrate;

/// Oldest PostgreSQL that is supported, as `server_version_num`.
const MIN_SERVER_VERSION: i32 = 150_000;

/// A connection that was used within this time is not tested before its next use.
const NO_PING_WITHIN: Duration = Duration::from_secs(1);

/// How long a request over HTTP waits for a connection.
const HTTP_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

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
            return Ok(Database { pool: connect(&url, config.database_connections).await?, url, embedded: None });
        }
        let options =
            ClusterOptions { data_dir: config.data_dir.clone(), bin: config.postgres_bin.clone(), durable: true };
        let embedded = Embedded::start(&options).await?;
        let url = embedded.url();
        Ok(Database { pool: connect(&url, config.database_connections).await?, url, embedded: Some(embedded) })
    }

    /// Opens the database and checks that its schema is the one of this program.
    ///
    /// The private database is migrated. A named database is not.
    ///
    /// # Errors
    /// [`Error::Prerequisite`] when a named database has pending steps.
    pub async fn open_ready(config: &Config) -> Result<Database> {
        let database = Self::open(config).await?;
        if migrate::pending(&database.pool).await? == 0 {
            return Ok(database);
        }
        if database.embedded.is_none() {
            return Err(Error::Prerequisite(
                "the database schema is older than this program: run `lectern migrate` first".into(),
            ));
        }
        migrate::apply(&database.pool).await?;
        Ok(database)
    }

    /// Opens a second pool for requests over HTTP, so that they and the workers never wait for each other's connections.
    /// Its statements end after a timeout.
    pub fn http_pool(&self, config: &Config) -> Result<PgPool> {
        let timeout = config.http.statement_timeout_ms;
        let settings = pool_options(config.http.database_connections).acquire_timeout(HTTP_ACQUIRE_TIMEOUT);
        let settings = settings.after_connect(move |connection, _| {
            Box::pin(async move { set_statement_timeout(connection, timeout).await })
        });
        Ok(settings.connect_lazy_with(connect_options(&self.url)?))
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

async fn set_statement_timeout(connection: &mut PgConnection, milliseconds: u32) -> sqlx::Result<()> {
    // A startup parameter would be refused by poolers.
    let sql = format!("SET statement_timeout = {milliseconds}");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

fn connect_options(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?.application_name("lectern"))
}

fn pool_options(connections: u32) -> PgPoolOptions {
    // A recently used connection is not tested, because the test would double the time of short statements.
    let settings = PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(10));
    settings.test_before_acquire(false).before_acquire(|connection, used| {
        Box::pin(async move {
            if used.idle_for > NO_PING_WITHIN {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}

async fn connect(url: &str, connections: u32) -> Result<PgPool> {
    let pool = pool_options(connections).connect_with(connect_options(url)?).await?;
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&pool).await?;
    if version < MIN_SERVER_VERSION {
        return Err(Error::Failed(format!(
            "the database is PostgreSQL {}: use PostgreSQL 15 or newer",
            version / 10_000
        )));
    }
    Ok(pool)
}
