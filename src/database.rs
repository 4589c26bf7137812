//! Opens the database: the one that the settings name, or the private one.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::console::Console;
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
    /// Opens the database that the settings name, else the private one, which is started if necessary. The console
    /// receives what the command waits for.
    pub async fn open(config: &Config, console: &Console) -> Result<Database> {
        if !config.database_url.is_empty() {
            let url = config.database_url.reveal().to_owned();
            return Ok(Database { pool: connect(&url, config.database_connections).await?, url, embedded: None });
        }
        let options =
            ClusterOptions { data_dir: config.data_dir.clone(), bin: config.postgres_bin.clone(), durable: true };
        let console = console.clone();
        let notify = move |message: &str| console.notify(format_args!("lectern: {message}"));
        let embedded = Embedded::start_with(&options, &notify).await?;
        let url = embedded.url();
        Ok(Database { pool: connect(&url, config.database_connections).await?, url, embedded: Some(embedded) })
    }

    /// Opens the database and checks that its schema is the one of this program.
    ///
    /// The private database is migrated. A named database is not.
    ///
    /// # Errors
    /// [`Error::Prerequisite`] when a named database has pending steps, or when a newer program has migrated the database
    /// and a step does not allow this version beside it.
    pub async fn open_ready(config: &Config, console: &Console, stop: &CancellationToken) -> Result<Database> {
        let database = Self::open(config, console).await?;
        migrate::check_newer_steps(&database.pool).await?;
        if migrate::pending(&database.pool).await? == 0 {
            return Ok(database);
        }
        if database.embedded.is_none() {
            return Err(Error::Prerequisite(
                "the database schema is older than this program: run `lectern migrate` first".into(),
            ));
        }
        let options = migrate::Options { wait: migrate::LockWait::of(config), ..migrate::Options::default() };
        migrate::apply_with(&database.pool, &options, stop, &|_| ()).await?;
        Ok(database)
    }

    /// Opens a second pool for requests over HTTP, so that they and the workers never wait for each other's connections.
    /// Its statements end after a timeout.
    pub fn http_pool(&self, config: &Config) -> Result<PgPool> {
        let timeout = config.http.statement_timeout_ms;
        let settings = pool_options(config.http.database_connections).acquire_timeout(HTTP_ACQUIRE_TIMEOUT);
        let settings =
            settings.after_connect(move |connection, _| Box::pin(async move { prepare(connection, timeout).await }));
        Ok(settings.connect_lazy_with(connect_options(&self.url)?))
    }

    /// Reports whether the database is the private one.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Waits until the private database has ended and could not be started again for a long time. Returns the reason.
    /// Waits for ever if the settings name the database.
    pub async fn lost(&self) -> Error {
        match &self.embedded {
            Some(embedded) => embedded.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Closes the connections and stops the private cluster if this process started it.
    pub async fn close(self) {
        self.pool.close().await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// The longest time until a database accepts a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Gives a connection the settings that statements rely on, whatever is set for the role or the database: a timeout that is
/// meant for other programs would end a migration, and other quoting would change what the catalogue says.
async fn prepare(connection: &mut PgConnection, statement_timeout_ms: u32) -> sqlx::Result<()> {
    // Startup parameters would be refused by poolers.
    sqlx::query(
        "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', '0', false),
                set_config('idle_in_transaction_session_timeout', '0', false),
                set_config('default_transaction_isolation', 'read committed', false),
                set_config('quote_all_identifiers', 'off', false), set_config('standard_conforming_strings', 'on', false),
                set_config('transform_null_equals', 'off', false), set_config('array_nulls', 'on', false),
                set_config('IntervalStyle', 'postgres', false), set_config('bytea_output', 'hex', false),
                set_config('xmloption', 'content', false), set_config('check_function_bodies', 'on', false),
                set_config('lectern.interface', 'cli', false), set_config('lectern.actor', $2, false)",
    )
    .bind(statement_timeout_ms.to_string())
    .bind(user_name())
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the name of the user of this process, whom the history names where no token is used.
fn user_name() -> String {
    let uid = nix::unistd::Uid::effective();
    nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

fn connect_options(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?.application_name("lectern"))
}

fn pool_options(connections: u32) -> PgPoolOptions {
    // A recently used connection is not tested, because the test would double the time of short statements.
    let settings = PgPoolOptions::new().max_connections(connections).acquire_timeout(CONNECT_TIMEOUT);
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
    let options = connect_options(url)?;
    check_server(&options).await?;
    let settings = pool_options(connections);
    let settings = settings.after_connect(|connection, _| Box::pin(prepare(connection, 0)));
    Ok(settings.connect_lazy_with(options))
}

/// Connects once, so that an error names the server and the reason, and checks the version.
async fn check_server(options: &PgConnectOptions) -> Result<()> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
    let timeout = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    let mut connection =
        connected.unwrap_or_else(|_| Err(timeout())).map_err(|error| unreachable_error(options, error))?;
    let version = sqlx::query_scalar("SELECT current_setting('server_version_num')::int");
    let version: i32 = version.fetch_one(&mut connection).await?;
    connection.close().await?;
    if version < MIN_SERVER_VERSION {
        return Err(Error::Failed(format!(
            "the database at {} is PostgreSQL {}: use PostgreSQL 15 or newer",
            location(options),
            version / 10_000
        )));
    }
    Ok(())
}

/// Returns where the database of a URL is: host, port and name, never the password.
pub fn address(url: &str) -> String {
    PgConnectOptions::from_str(url).map(|options| location(&options)).unwrap_or_default()
}

/// Returns where a database is: host, port and name, never the password.
fn location(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    format!("{host}:{}, database {database}", options.get_port())
}

/// Describes why a connection failed.
fn unreachable_error(options: &PgConnectOptions, error: sqlx::Error) -> Error {
    use std::io::ErrorKind::{ConnectionRefused, NotFound, TimedOut};
    let (reason, advice) = match &error {
        sqlx::Error::Database(refusal) => match refusal.code().as_deref() {
            Some("28P01" | "28000") => (refusal.message().to_owned(), "check the user and password in DATABASE_URL"),
            Some("3D000") => (refusal.message().to_owned(), "create it, or correct DATABASE_URL"),
            Some("57P03") => (refusal.message().to_owned(), "try again when it is ready"),
            Some("53300") => (refusal.message().to_owned(), "raise max_connections or end other programs"),
            _ => (refusal.message().to_owned(), "check DATABASE_URL"),
        },
        sqlx::Error::Io(cause) => match cause.kind() {
            ConnectionRefused => {
                ("connection refused".to_owned(), "check that PostgreSQL runs and DATABASE_URL is right")
            }
            NotFound => ("no such socket".to_owned(), "check that PostgreSQL runs and DATABASE_URL is right"),
            TimedOut => ("it does not respond".to_owned(), "check the network, the firewall and DATABASE_URL"),
            _ => (cause.to_string(), "check that PostgreSQL runs and DATABASE_URL is right"),
        },
        sqlx::Error::Tls(cause) => (format!("TLS: {cause}"), "check sslmode and sslrootcert in DATABASE_URL"),
        _ => return error.into(),
    };
    Error::Failed(format!("cannot reach PostgreSQL at {}: {reason}: {advice}", location(options)))
}

/// Names the database in the error of a command that has lost it.
pub fn with_location(error: Error, config: &Config) -> Error {
    if !error.is_lost_database() {
        return error;
    }
    let reason = match &error {
        Error::Database(sqlx::Error::PoolTimedOut) => "no connection within 10 s".to_owned(),
        Error::Database(sqlx::Error::Database(refusal)) => refusal.message().to_owned(),
        Error::Database(cause) => cause.to_string(),
        error => error.to_string(),
    };
    let url = config.database_url.reveal();
    Error::Failed(match PgConnectOptions::from_str(url) {
        Ok(options) if !url.is_empty() => format!(
            "the connection to PostgreSQL at {} was lost: {reason}: check that it runs, then run the command again",
            location(&options)
        ),
        _ => format!(
            "the connection to the private database in {} was lost: {reason}: run the command again; its log is {}",
            config.data_dir.display(),
            config.data_dir.join("postgres.log").display()
        ),
    })
}

/// Returns a URL without its password.
pub fn without_password(url: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, ""), |(address, query)| (address, query));
    let address = match address.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
        Some((scheme, (user, server))) => format!("{scheme}://{}@{server}", user.split(':').next().unwrap_or_default()),
        None => address.to_owned(),
    };
    let query: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("password=")).collect();
    if query.is_empty() { address } else { format!("{address}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_removed_from_url() {
        for (url, expected) in [
            ("postgres://a:s3:c/ret@db/acted", "postgres://a@db/acted"),
            ("postgres://a:s3cret@db:5433/acted?sslmode=require", "postgres://a@db:5433/acted?sslmode=require"),
            ("postgresql://a:p@x@db/acted?password=b&host=/run", "postgresql://a@db/acted?host=/run"),
            (
                "postgresql://lectern@localhost:5432/lectern?host=/d/run",
                "postgresql://lectern@localhost:5432/lectern?host=/d/run",
            ),
            ("postgres://db", "postgres://db"),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }

    #[test]
    fn location_has_no_password() {
        let options = PgConnectOptions::from_str("postgres://a:s3cret@db.example:5433/acted").expect("an address");
        let error = unreachable_error(&options, sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into()));
        let message = error.to_string();
        assert!(message.starts_with("cannot reach PostgreSQL at db.example:5433, database acted: connection refused"));
        assert!(!message.contains("s3cret"), "{message}");
    }
}
