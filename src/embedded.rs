//! The private PostgreSQL that runs when no database is named.
//!
//! Promises: a cluster of Lectern's own in the data folder, on a Unix socket in a folder that nobody else may enter, no
//! TCP, checksums and fsync on; the first process starts it, others find it running and join; it ends with the process
//! that started it, even when that is killed. Never starts a data folder with another major's binaries.
//!
//! Does not: install PostgreSQL (`make` and the sentence of the error do), upgrade a cluster, or listen on the network.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::error::{Error, Result};

/// User and database inside the private cluster.
pub const NAME: &str = "lectern";

/// A socket's path must fit into `sockaddr_un`; PostgreSQL appends `/.s.PGSQL.5432`.
const LONGEST_SOCKET_FOLDER: usize = 80;

/// How long another process may take to start or stop the cluster before we give up waiting for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the cluster lies and how it is run.
#[derive(Debug, Clone)]
pub struct Options {
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

#[derive(Debug)]
struct Running {
    pid: Pid,
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Embedded {
    /// Joins the cluster of this data folder, or creates and starts it.
    pub async fn start(options: &Options) -> Result<Embedded> {
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
        let running = start_cluster(options, &sockets, &owner).await?;
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

impl Running {
    /// Waits until the server has ended, at most this long.
    fn ended_within(&self, patience: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(patience) != Err(mpsc::RecvTimeoutError::Timeout)
    }

    /// SIGTERM lets connected clients finish, SIGINT ends them and checkpoints.
    fn stop(&self, patience: Duration) {
        let _ = kill(self.pid, Signal::SIGTERM);
        if !self.ended_within(patience) {
            let _ = kill(self.pid, Signal::SIGINT);
            self.ended_within(PATIENCE);
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

/// Who owns the cluster's files. PostgreSQL refuses to run as root, so root lends it to a lesser user.
struct Owner {
    lent_to: Option<User>,
}

impl Owner {
    fn for_this_process() -> Result<Owner> {
        if !Uid::effective().is_root() {
            return Ok(Owner { lent_to: None });
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Owner { lent_to: Some(user) });
            }
        }
        Err(Error::Failed(
            "PostgreSQL refuses to run as root and there is neither a user postgres nor nobody: \
             run Lectern as an ordinary user, or name a database with --database-url"
                .into(),
        ))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(user) = &self.lent_to {
            command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
        }
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Makes a folder that only the cluster's user may enter.
    fn private_folder(&self, path: &Path) -> Result<()> {
        let made = fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
            .and_then(|()| match &self.lent_to {
                Some(user) => chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
                None => Ok(()),
            });
        made.map_err(|error| Error::io("preparing the folder", path, &error))
    }
}

fn prepare_data_dir(data_dir: &Path, owner: &Owner) -> Result<()> {
    fs::create_dir_all(data_dir).map_err(|error| Error::io("preparing the data folder", data_dir, &error))?;
    let probe = data_dir.join(".writable");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| Error::io("the data folder cannot be written:", data_dir, &error))?;
    if owner.lent_to.is_some() {
        let closed = data_dir.canonicalize().unwrap_or_else(|_| data_dir.into());
        if let Some(folder) = closed.ancestors().find(|folder| !others_may_pass(folder)) {
            return Err(Error::Failed(format!(
                "as root the database runs as another user, who may not pass {}: choose another --data-dir",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn others_may_pass(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
}

/// `run` in the data folder, or, where a socket's path would be too long, a folder of its own under `/tmp`.
fn socket_folder(data_dir: &Path, owner: &Owner) -> Result<PathBuf> {
    let data_dir = data_dir.canonicalize().map_err(|error| Error::io("reading", data_dir, &error))?;
    let near = data_dir.join("run");
    let folder = if near.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
        near
    } else {
        let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Path::new("/tmp").join(format!("lectern-{}-{name}", Uid::effective()))
    };
    owner.private_folder(&folder)?;
    Ok(folder)
}

fn open_lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("cluster.lock");
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| Error::io("opening", &path, &error))
}

fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.log")
}

async fn start_cluster(options: &Options, sockets: &Path, owner: &Owner) -> Result<Running> {
    let cluster = options.data_dir.join("postgres");
    let version = fs::read_to_string(cluster.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
    let bin = find_binaries(&options.bin, version.as_deref())?;
    if version.is_none() {
        create_cluster(&bin, &cluster, owner)?;
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_file(&options.data_dir))
        .map_err(|error| Error::io("opening", &log_file(&options.data_dir), &error))?;
    let mut command = owner.command(&bin.join("postgres"));
    command
        .arg("-D")
        .arg(&cluster)
        .args(["-c", "listen_addresses=", "-c", "max_connections=100", "-c", "log_min_messages=warning"])
        .args(["-c", if options.durable { "fsync=on" } else { "fsync=off" }])
        .arg("-c")
        .arg(format!("unix_socket_directories={}", sockets.display()))
        .stdout(Stdio::null())
        .stderr(log);
    let running = spawn_and_watch(command)?;
    let mut waited = Duration::ZERO;
    while !reachable(sockets).await {
        let pause = Duration::from_millis(20);
        if running.ended_within(pause) || waited > PATIENCE {
            return Err(Error::Failed(format!(
                "the private database did not start; the reason stands at the end of {}",
                log_file(&options.data_dir).display()
            )));
        }
        waited += pause;
    }
    Ok(running)
}

/// Starts the server on a thread that lives as long as it: where the system can tie a child's life to its parent, it
/// is tied to the thread that started it.
fn spawn_and_watch(mut command: Command) -> Result<Running> {
    die_with_parent(&mut command);
    let (started, start) = mpsc::channel();
    let (finished, ended) = mpsc::channel();
    std::thread::spawn(move || match command.spawn() {
        Ok(child) => wait_for(child, &started, &finished),
        Err(error) => drop(started.send(Err(error))),
    });
    match start.recv() {
        Ok(Ok(pid)) => Ok(Running { pid, ended: Mutex::new(ended) }),
        Ok(Err(error)) => Err(Error::Failed(format!("the database server cannot be run: {error}"))),
        Err(_) => Err(Error::Failed("the database server cannot be run".into())),
    }
}

fn wait_for(mut child: Child, started: &mpsc::Sender<std::io::Result<Pid>>, finished: &mpsc::Sender<()>) {
    let _ = started.send(Ok(Pid::from_raw(child.id().cast_signed())));
    let _ = child.wait();
    let _ = finished.send(());
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let set = || nix::sys::prctl::set_pdeathsig(Signal::SIGQUIT).map_err(std::io::Error::from);
    // SAFETY: the closure runs between fork and exec and makes one system call, which is async-signal-safe.
    unsafe {
        command.pre_exec(set);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

fn create_cluster(bin: &Path, cluster: &Path, owner: &Owner) -> Result<()> {
    // A half-made cluster has no PG_VERSION or never ran: nothing of anybody's is in it.
    if let Err(error) = fs::remove_dir_all(cluster)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(Error::io("clearing", cluster, &error));
    }
    owner.private_folder(cluster)?;
    let made = owner
        .command(&bin.join("initdb"))
        .arg("-D")
        .arg(cluster)
        .args([
            "-U",
            NAME,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--data-checksums",
            "--no-sync",
            "--no-instructions",
        ])
        .stdout(Stdio::null())
        .output()
        .map_err(|error| Error::io("running", &bin.join("initdb"), &error))?;
    if made.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&made.stderr);
    let reason = said.lines().rev().find(|line| line.contains("error")).unwrap_or("no reason given").trim();
    Err(Error::Failed(format!("the private database could not be created in {}: {reason}", cluster.display())))
}

/// Looks for the server's binaries; an existing cluster wants exactly its own major.
fn find_binaries(named: &Path, version: Option<&str>) -> Result<PathBuf> {
    if !named.as_os_str().is_empty() {
        return match major(named) {
            Some(found) if version.is_none_or(|wanted| wanted == found) => Ok(named.into()),
            Some(found) => Err(Error::Failed(format!(
                "the data folder was made by PostgreSQL {}, but {} holds {found}",
                version.unwrap_or_default(),
                named.display()
            ))),
            None => Err(Error::Failed(format!("there is no PostgreSQL server in {}", named.display()))),
        };
    }
    let mut found: Vec<(u32, PathBuf)> = candidates()
        .into_iter()
        .filter_map(|bin| major(&bin).map(|major| (major, bin)))
        .filter(|(found, _)| version.is_none_or(|wanted| wanted == found))
        .filter_map(|(major, bin)| Some((major.parse().ok()?, bin)))
        .filter(|(major, _)| *major >= 15)
        .collect();
    found.sort_by_key(|(major, _)| *major);
    let wanted = version.map_or("15 or newer".into(), |v| format!("{v}, which made this data folder,"));
    found.pop().map(|(_, bin)| bin).ok_or_else(|| {
        Error::Prerequisite(format!(
            "no PostgreSQL server {wanted} is installed: install it (Debian, Ubuntu: apt-get install postgresql; \
             Fedora: dnf install postgresql-server; macOS: brew install postgresql), or name a database with --database-url"
        ))
    })
}

fn candidates() -> Vec<PathBuf> {
    let mut places = Vec::new();
    for (folder, below) in [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin")] {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        places.extend(entries.map(|entry| entry.path().join(below)));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A link on the PATH may stand alone; beside what it points to stand initdb and the libraries.
    places.extend(std::env::split_paths(&path).filter_map(|folder| {
        let server = folder.join("postgres").canonicalize().ok()?;
        server.parent().map(Path::to_path_buf)
    }));
    places.retain(|bin| bin.join("postgres").is_file() && bin.join("initdb").is_file());
    places
}

/// The major version of the server in this folder, e.g. `15`.
fn major(bin: &Path) -> Option<String> {
    let said = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}
