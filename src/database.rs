//! The database: reaching it, wherever it runs.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

use crate::config::Config;
use crate::embedded::{ClusterOptions, Embedded};
use crate::error::{Error, Result};
use crate::migrate;

/// Oldest PostgreSQL that is supported, as `server_version_num`.
const OLDEST: i32 = 150_000;

/// How long after its last use a connection is not asked whether it still stands.
const SOUND_FOR: Duration = Duration::from_secs(1);

/// The database of this run, and the private cluster if it lives in one.
#[derive(Debug)]
pub struct Database {
    /// Connections to it.
    pub pool: PgPool,
    /// Its address, for other commands to join.
    pub url: String,
    embedded: Option<Embedded>,
}

impl Database {
    /// Reaches the database that the settings name, or the private one.
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

    /// Like [`open`](Self::open), and makes sure that the schema is this program's: the private database is brought
    /// there, a named one has to be (exit 3 says how).
    pub async fn open_ready(config: &Config) -> Result<Database> {
        let database = Self::open(config).await?;
        if migrate::pending(&database.pool).await? == 0 {
            return Ok(database);
        }
        if database.embedded.is_none() {
            return Err(Error::Prerequisite(
                "the database is not at the schema of this program: run `lectern migrate` first".into(),
            ));
        }
        migrate::apply(&database.pool).await?;
        Ok(database)
    }

    /// Whether the database is the private one.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Closes the connections and, where this process started it, the private cluster.
    pub async fn close(self) {
        self.pool.close().await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

async fn connect(url: &str) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?.application_name("lectern");
    // A connection that has just been used is taken for sound: asking first would double what short statements cost.
    let settings = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(10));
    let settings = settings.test_before_acquire(false).before_acquire(|connection, used| {
        Box::pin(async move {
            if used.idle_for > SOUND_FOR {
                connection.ping().await?;
            }
            Ok(true)
        })
    });
    let pool = settings.connect_with(options).await?;
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&pool).await?;
    if version < OLDEST {
        return Err(Error::Failed(format!("the database is PostgreSQL {}; 15 or newer is needed", version / 10_000)));
    }
    Ok(pool)
}
