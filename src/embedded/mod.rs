//! The private PostgreSQL, which runs when no database is named.
//!
//! The cluster is in the data folder and listens on a Unix socket in a folder that only its user can enter, never on
//! TCP. Checksums and fsync are on. The first process starts the server, other processes connect to it, and it stops
//! with the process that started it, even if that process is killed; a process that still needs it then starts it again.
//! Binaries of another major version are refused.
//!
//! This module does not install PostgreSQL (`make` does) and does not upgrade a cluster. It deletes nothing except a
//! cluster whose creation was interrupted.

mod access;
mod binaries;
mod cluster;
mod create;
mod folders;
mod log;
mod owner;
mod server;
mod store;
mod supervisor;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use access::{Reachability, database_state};
use cluster::{Cluster, SERVER_TIMEOUT};
pub use cluster::{ClusterOptions, NAME, Notify};
use folders::{ClusterLock, create_socket_folder, log_file, prepare_data_dir, socket_folder};
use owner::Owner;
use supervisor::{Owned, Supervisor};

/// Characters that are encoded in a value of a URL query; `/` and others stay readable.
const URL_VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'&').add(b'#').add(b'+').add(b'?').add(b'"');

/// Time after which a process that waits for another one reports this.
const REPORT_AFTER: Duration = Duration::from_secs(2);

/// Reports whether a data folder contains a cluster, or something in its place.
pub fn is_created(data_dir: &Path) -> bool {
    let cluster = data_dir.join(cluster::FOLDER);
    !matches!(folders::inspect_cluster(&cluster), Ok(folders::ClusterFolder::Absent))
}

/// Returns the folder of the server programs with which a new cluster would be created.
///
/// # Errors
/// [`Error::Prerequisite`] where no suitable PostgreSQL is installed.
pub fn find_server(bin: &Path) -> Result<PathBuf> {
    binaries::find_binaries(bin, None, &Owner::for_this_process()?)
}

/// A connection to the running cluster, started by this or another process.
#[derive(Debug)]
pub struct Embedded {
    sockets: PathBuf,
    supervisor: Arc<Supervisor>,
    task: JoinHandle<()>,
}

impl Embedded {
    /// Connects to the running cluster of a data folder, or creates and starts it.
    ///
    /// # Errors
    /// Without a suitable PostgreSQL, with a folder that cannot be used, or when the server does not start.
    pub async fn start(options: &ClusterOptions) -> Result<Embedded> {
        Self::start_with(options, &|_| ()).await
    }

    /// Like [`Embedded::start`]; `notify` receives what the command waits for.
    ///
    /// # Errors
    /// Like [`Embedded::start`].
    pub async fn start_with(options: &ClusterOptions, notify: &Notify) -> Result<Embedded> {
        let owner = Owner::for_this_process()?;
        let data_dir = prepare_data_dir(&options.data_dir, &owner)?;
        let mut lock = ClusterLock::open(&data_dir)?;
        let mut waiting = Waiting::new();
        loop {
            if let Some(sockets) = socket_folder(&data_dir, &owner)? {
                let cluster = Cluster::new(options, &data_dir, sockets, &owner);
                match database_state(&cluster.sockets, &cluster.path, &owner).await {
                    Reachability::Ready => return Ok(Self::supervised(cluster, None)),
                    Reachability::Foreign(reason) => {
                        return Err(Error::Failed(format!("{reason}: stop that server, or choose another --data-dir")));
                    }
                    Reachability::Starting(reason) => waiting.is_recovering(&reason),
                    Reachability::Incomplete(reason) | Reachability::Absent(reason) => waiting.is_silent(&reason),
                }
            }
            if lock.try_lock() {
                break;
            }
            waiting.report(&data_dir, &mut lock, notify)?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let sockets = create_socket_folder(&data_dir, &owner)?;
        let cluster = Cluster::new(options, &data_dir, sockets, &owner);
        let server = supervisor::start(&cluster, notify).await?;
        Ok(Self::supervised(cluster, Some(Owned { server, lock })))
    }

    fn supervised(cluster: Cluster, owned: Option<Owned>) -> Embedded {
        let sockets = cluster.sockets.clone();
        let supervisor = Arc::new(Supervisor::new(cluster, owned));
        let task = tokio::spawn(supervisor.clone().run());
        Embedded { sockets, supervisor, task }
    }

    /// Returns the URL of the database for clients on this machine that can enter the folder of the socket.
    pub fn url(&self) -> String {
        self.url_of(NAME)
    }

    /// Returns the URL of another database of the cluster.
    pub fn url_of(&self, database: &str) -> String {
        self.url_as(NAME, database)
    }

    /// Returns the URL of a database for the superuser of the cluster. No command uses it.
    pub fn admin_url_of(&self, database: &str) -> String {
        self.url_as(store::ADMIN, database)
    }

    fn url_as(&self, role: &str, database: &str) -> String {
        let folder = self.sockets.to_string_lossy();
        let host = utf8_percent_encode(&folder, URL_VALUE);
        format!("postgresql://{role}@localhost:{}/{database}?host={host}", store::PORT)
    }

    /// Waits until the server has ended and could not be started again for a long time. Returns the reason.
    pub async fn lost(&self) -> Error {
        let mut failed = self.supervisor.failed();
        match failed.wait_for(Option::is_some).await {
            Ok(reason) => Error::Failed(reason.clone().unwrap_or_default()),
            Err(_) => std::future::pending().await,
        }
    }

    /// Stops the server if this process started it. Connected clients have ten seconds to finish.
    pub async fn stop(mut self) {
        self.supervisor.stopping.cancel();
        let _ = (&mut self.task).await;
        if let Some(Owned { server, lock }) = self.supervisor.take() {
            let stopped = tokio::task::spawn_blocking(move || server.stop(Duration::from_secs(10))).await;
            if stopped.is_ok() {
                // Removes the folder only if it is empty. No other process can start a server yet.
                let _ = fs::remove_dir(&self.sockets);
            }
            drop(lock);
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(owned) = self.supervisor.take() {
            owned.server.stop(Duration::from_millis(500));
        }
    }
}

/// What a process waits for while another one has locked the data folder.
struct Waiting {
    since: Instant,
    /// Since when the server has not reported that it starts.
    silent_since: Instant,
    reason: String,
    is_reported: bool,
}

impl Waiting {
    fn new() -> Waiting {
        let now = Instant::now();
        Waiting { since: now, silent_since: now, reason: "it does not run".into(), is_reported: false }
    }

    fn is_recovering(&mut self, reason: &str) {
        self.silent_since = Instant::now();
        reason.clone_into(&mut self.reason);
    }

    fn is_silent(&mut self, reason: &str) {
        reason.clone_into(&mut self.reason);
    }

    /// Reports once what the process waits for.
    ///
    /// # Errors
    /// When the server has not responded for a long time.
    fn report(&mut self, data_dir: &Path, lock: &mut ClusterLock, notify: &Notify) -> Result<()> {
        let folder = data_dir.display();
        if self.silent_since.elapsed() > SERVER_TIMEOUT {
            return Err(Error::Failed(format!(
                "{} runs the private database in {folder}, but the database does not respond ({}): see {}, or stop that \
                 process",
                lock.holder(),
                self.reason,
                log_file(data_dir).display()
            )));
        }
        if !self.is_reported && self.since.elapsed() > REPORT_AFTER {
            self.is_reported = true;
            notify(&format!(
                "waiting for the private database in {folder}: {} is starting or stopping it ({})",
                lock.holder(),
                self.reason
            ));
        }
        Ok(())
    }
}
