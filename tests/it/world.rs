//! The world of a test: a migrated database of its own in one cluster that all tests of a run share.
//!
//! The cluster lives as long as the test process and its folder goes with it, however the process ends. Nothing is
//! mocked: PostgreSQL is real, Administrate is our strict simulator behind a real socket.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use lectern::config::Config;
use lectern::embedded::{ClusterOptions, Embedded};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::OnceCell;

/// One test's world.
pub struct World {
    /// Connections to the test's own database.
    pub pool: PgPool,
    /// Its address.
    pub url: String,
    name: String,
    folder: tempfile::TempDir,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

struct Cluster {
    postgres: Embedded,
}

impl World {
    /// A database at this program's schema, with nothing in it.
    pub async fn new() -> World {
        let cluster = CLUSTER.get_or_init(Cluster::start).await;
        let name = format!("world_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster.run(&format!("CREATE DATABASE {name} TEMPLATE template_world")).await;
        let url = cluster.postgres.url_of(&name);
        let pool = PgPool::connect(&url).await.expect("the database was just made");
        World { pool, url, name, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A database with nothing at all in it, not even our schema.
    pub async fn bare() -> World {
        let cluster = CLUSTER.get_or_init(Cluster::start).await;
        let name = format!("bare_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster.run(&format!("CREATE DATABASE {name}")).await;
        let url = cluster.postgres.url_of(&name);
        let pool = PgPool::connect(&url).await.expect("the database was just made");
        World { pool, url, name, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A folder of this test's own, gone after it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Settings that name this world's database; `more` are environment variables.
    pub fn config(&self, more: &[(&str, &str)]) -> Config {
        let folder = self.folder().to_string_lossy().into_owned();
        let find = |name: &str| match name {
            "DATABASE_URL" => Some(self.url.clone()),
            "LECTERN_DATA_DIR" => Some(folder.clone()),
            _ => more.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()),
        };
        let defaults = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.default.toml");
        Config::load(Some(&defaults), find, &[]).expect("valid settings")
    }

    /// The program itself, pointed at this world; nothing of the caller's environment reaches it.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.folder());
        command.env("DATABASE_URL", &self.url).env("LECTERN_DATA_DIR", self.folder());
        command.current_dir(self.folder()).args(arguments).stdin(Stdio::null());
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let Some(cluster) = CLUSTER.get() else { return };
        let url = cluster.postgres.url_of("postgres");
        let name = std::mem::take(&mut self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await?;
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                sqlx::query(sqlx::AssertSqlSafe(drop)).execute(&mut connection).await?;
                connection.close().await
            })?;
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        });
        let _ = dropped.join();
    }
}

impl Cluster {
    async fn start() -> Cluster {
        let folder = std::env::temp_dir().join(format!("lectern-it-{}", std::process::id()));
        remove_after_this_process(&folder);
        let options = ClusterOptions { data_dir: folder, bin: PathBuf::new(), durable: false };
        let postgres = Embedded::start(&options).await.expect("a private PostgreSQL");
        let cluster = Cluster { postgres };
        cluster.run("CREATE DATABASE template_world").await;
        let pool = PgPool::connect(&cluster.postgres.url_of("template_world")).await.expect("the template");
        lectern::migrate::apply(&pool).await.expect("the schema");
        pool.close().await;
        cluster
    }

    async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.postgres.url_of("postgres")).await.expect("the cluster");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect(sql);
        connection.close().await.expect("closed");
    }
}

/// A child that waits for the end of this process, which it sees as the end of its input, and removes the folder.
#[expect(clippy::zombie_processes, reason = "it outlives us on purpose")]
fn remove_after_this_process(folder: &Path) {
    let mut child = Command::new("sh")
        .args(["-c", "cat >/dev/null; sleep 1; rm -rf \"$0\""])
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut input = child.stdin.take().expect("its input");
    input.flush().expect("open");
    std::mem::forget(input);
}
