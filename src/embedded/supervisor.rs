//! Keeps the server running: every process that uses the private database starts it again when it has ended.
//!
//! The process that started the server notices its end at once. All other processes try to lock the data folder: they get
//! the lock when the process that started the server ends. The lock is released between two attempts, so that another
//! command reports the reason itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::access::{Reachability, database_state};
use super::cluster::{Cluster, Notify};
use super::folders::ClusterLock;
use super::server::{self, ServerProcess};
use super::store;
use crate::error::{Error, Result};

/// How often a process that did not start the server checks whether it has to.
const LOCK_INTERVAL: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// A command ends when the server could not be started for this time.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// The server and the lock of the data folder.
#[derive(Debug)]
pub(super) struct Owned {
    pub server: ServerProcess,
    pub lock: ClusterLock,
}

/// Starts the server again when it has ended.
#[derive(Debug)]
pub(super) struct Supervisor {
    cluster: Cluster,
    /// None if another process started the server.
    owned: Mutex<Option<Owned>>,
    /// The reason why it gave up.
    failed: watch::Sender<Option<String>>,
    pub stopping: CancellationToken,
}

impl Supervisor {
    pub(super) fn new(cluster: Cluster, owned: Option<Owned>) -> Supervisor {
        let failed = watch::Sender::new(None);
        Supervisor { cluster, owned: Mutex::new(owned), failed, stopping: CancellationToken::new() }
    }

    /// Takes the server, if this process started it.
    pub(super) fn take(&self) -> Option<Owned> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns a channel with the reason why the server cannot be started again.
    pub(super) fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    fn ended(&self) -> Option<watch::Receiver<bool>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|owned| owned.server.ended())
    }

    /// Supervises until `stopping` is cancelled or the server cannot be started again.
    pub(super) async fn run(self: Arc<Self>) {
        let stopping = self.stopping.clone();
        stopping.run_until_cancelled(self.run_forever()).await;
    }

    async fn run_forever(&self) {
        loop {
            if let Some(mut ended) = self.ended() {
                let _ = ended.wait_for(|ended| *ended).await;
                if let Some(owned) = self.take() {
                    let reason = owned.server.reason();
                    tracing::warn!(reason, "the private database has ended: starting it again");
                }
            }
            if let Err(reason) = self.start_again().await {
                tracing::error!(reason, "the private database cannot be started again");
                self.failed.send_replace(Some(reason));
                return;
            }
        }
    }

    /// Waits for the lock and starts the server. Returns the reason if that failed for a long time.
    async fn start_again(&self) -> Result<(), String> {
        let mut pause = LOCK_INTERVAL;
        // Since when attempts fail, and why.
        let mut failing: Option<(Instant, String)> = None;
        loop {
            match self.try_start().await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    // Another process starts the server or has started it.
                    pause = LOCK_INTERVAL;
                    if failing.is_some() && self.is_ready().await {
                        failing = None;
                    }
                }
                Err(error) => {
                    let reason = error.to_string();
                    let since = failing.as_ref().map_or_else(Instant::now, |(since, _)| *since);
                    if failing.as_ref().is_none_or(|(_, before)| *before != reason) {
                        tracing::error!(reason, "the private database cannot be started: trying again");
                    }
                    if since.elapsed() > GIVE_UP_AFTER {
                        return Err(reason);
                    }
                    failing = Some((since, reason));
                    pause = (pause * 2).min(MAX_BACKOFF);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Starts the server if no other process has locked the data folder; returns whether it did.
    async fn try_start(&self) -> Result<bool> {
        let mut lock = ClusterLock::open(&self.cluster.data_dir)?;
        if !lock.try_lock() {
            return Ok(false);
        }
        let server = start(&self.cluster, &|message| tracing::warn!("{message}")).await?;
        tracing::info!(folder = %self.cluster.path.display(), "the private database was started");
        *self.owned.lock().unwrap_or_else(PoisonError::into_inner) = Some(Owned { server, lock });
        Ok(true)
    }

    async fn is_ready(&self) -> bool {
        let Cluster { sockets, path, owner, .. } = &self.cluster;
        matches!(database_state(sockets, path, owner).await, Reachability::Ready)
    }
}

/// Starts the server and completes its roles and its database.
pub(super) async fn start(cluster: &Cluster, notify: &Notify) -> Result<ServerProcess> {
    let sockets = super::folders::create_socket_folder(&cluster.data_dir, &cluster.owner)?;
    if sockets != cluster.sockets {
        return Err(Error::Failed(format!(
            "the folder {} of the private database's socket is lost: run the command again",
            cluster.sockets.display()
        )));
    }
    let server = server::start(cluster, notify).await?;
    store::prepare(&cluster.sockets).await.map_err(|error| {
        let reason = match &error {
            Error::Database(sqlx::Error::Database(refusal)) => refusal.message().to_owned(),
            error => error.to_string(),
        };
        Error::Failed(format!(
            "the roles of the private database in {} are not complete: {reason}",
            cluster.path.display()
        ))
    })?;
    Ok(server)
}
