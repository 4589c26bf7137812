//! The environment of the benchmarks: a private PostgreSQL with fsync on, copies of databases, and the simulator.

use std::path::{Path, PathBuf};
use std::time::Duration;

use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};
use lectern::config::Config;
use lectern::embedded::{self, Embedded};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::process::Command;

use crate::Result;

/// A cluster, a folder and the measured programs.
pub struct Stage {
    cluster: Embedded,
    folder: PathBuf,
    program: PathBuf,
    peer_program: Option<PathBuf>,
    python: PathBuf,
}

impl Stage {
    pub async fn start(program: &Path, peer_program: Option<&Path>, python: &Path) -> Result<Stage> {
        let folder = std::env::temp_dir().join(format!("lectern-bench-{}", std::process::id()));
        let options = embedded::ClusterOptions { data_dir: folder.clone(), bin: PathBuf::new(), durable: true };
        let cluster = Embedded::start(&options).await?;
        let absolute = |path: &Path| std::path::absolute(path);
        let peer_program = peer_program.map(absolute).transpose()?;
        Ok(Stage { cluster, folder, program: absolute(program)?, peer_program, python: absolute(python)? })
    }

    pub async fn end(self) {
        self.cluster.stop().await;
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} cannot be deleted: {error}", self.folder.display());
        }
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    }

    /// Creates a folder in the folder, unless it exists.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    pub fn url(&self, database: &str) -> String {
        self.cluster.url_of(database)
    }

    pub fn admin_url(&self, database: &str) -> String {
        self.cluster.admin_url_of(database)
    }

    pub async fn connect(&self, database: &str) -> Result<PgPool> {
        Ok(PgPool::connect(&self.url(database)).await?)
    }

    /// Executes SQL as the superuser.
    pub async fn execute(&self, sql: String) -> Result<()> {
        let mut connection = PgConnection::connect(&self.cluster.admin_url_of("postgres")).await?;
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    pub async fn drop(&self, name: &str) -> Result<()> {
        self.execute(format!("DROP DATABASE {name} WITH (FORCE)")).await
    }

    /// Returns what the server has logged since this position, and the position after it.
    pub fn log_since(&self, position: usize) -> Result<(String, usize)> {
        let log = std::fs::read(self.folder.join("postgres.log"))?;
        // A large log is put aside, and a new one begun.
        let position = if position > log.len() { 0 } else { position };
        Ok((String::from_utf8_lossy(&log[position..]).into_owned(), log.len()))
    }

    pub async fn create_empty(&self, name: &str) -> Result<()> {
        self.execute(format!("CREATE DATABASE {name} OWNER lectern")).await
    }

    /// Creates a database with Lectern's schema.
    pub async fn create(&self, name: &str) -> Result<PgPool> {
        self.create_empty(name).await?;
        let pool = self.connect(name).await?;
        lectern::migrate::apply(&pool).await?;
        Ok(pool)
    }

    /// Copies a database without connections and replaces an earlier copy. A checkpoint follows, so that its writes do
    /// not slow down the measurement.
    pub async fn copy(&self, name: &str, template: &str) -> Result<()> {
        self.execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        self.execute(format!("CREATE DATABASE {name} OWNER lectern TEMPLATE {template}")).await?;
        self.execute("CHECKPOINT".to_owned()).await
    }

    /// Returns settings with a database and without Administrate.
    pub fn config(&self, database: &str) -> Result<Config> {
        let folder = self.folder.to_string_lossy().into_owned();
        let find = |name: &str| match name {
            "DATABASE_URL" => Some(self.url(database)),
            "LECTERN_DATA_DIR" => Some(folder.clone()),
            _ => None,
        };
        Ok(Config::load(None, find, &[])?)
    }

    /// Returns a command that runs the program with a database and, optionally, a simulator. It does not inherit the
    /// environment.
    pub fn program(&self, database: &str, simulator: Option<&RunningSimulator>, arguments: &[&str]) -> Command {
        self.run_program(&self.program, database, simulator, arguments)
    }

    /// Returns the measured program.
    pub fn program_path(&self) -> &Path {
        &self.program
    }

    /// Returns an earlier build of the program, if one was named.
    pub fn peer_program(&self) -> Option<&Path> {
        self.peer_program.as_deref()
    }

    /// Returns a command that runs a peer in Python, in the same environment.
    pub fn peer(&self, database: &str, simulator: Option<&RunningSimulator>, arguments: &[&str]) -> Command {
        self.run_program(&self.python, database, simulator, arguments)
    }

    /// Returns a command that runs any program in the same environment.
    pub fn run_program(
        &self,
        program: &Path,
        database: &str,
        simulator: Option<&RunningSimulator>,
        arguments: &[&str],
    ) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.folder);
        command.env("DATABASE_URL", self.url(database)).env("LECTERN_DATA_DIR", &self.folder);
        command.env("ADMINISTRATE_RATE_LIMIT", "1000000");
        if let Some(simulator) = simulator {
            command.env("ADMINISTRATE_API_URL", simulator.graphql_url());
            command.env("ADMINISTRATE_AUTH_URL", simulator.auth_url());
            command.env("ADMINISTRATE_INSTANCE_URL", simulator.instance_url());
            command.env("ADMINISTRATE_CLIENT_ID", simulator.client_id());
            command.env("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret());
        }
        command.args(arguments);
        command
    }
}

/// Starts a simulator on a free port of loopback.
pub async fn simulator(tenant: Tenant, latency: Duration) -> Result<RunningSimulator> {
    Ok(Simulator::start(Options { latency, ..Options::default() }, tenant).await?)
}

/// Returns the path of a peer program.
pub fn peer_file(name: &str) -> String {
    format!("{}/peer/{name}", env!("CARGO_MANIFEST_DIR"))
}
