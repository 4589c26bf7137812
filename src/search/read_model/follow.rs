//! Keeps the read model up to date with PostgreSQL.
//!
//! PostgreSQL sends a notification after every commit that changed the catalogue. The follower then loads all rows in one
//! snapshot and replaces the model atomically. Notifications that arrive during a load cause one more load. After a lost
//! connection the follower reconnects with backoff and reloads, because notifications may have been missed. It also polls
//! the version every few seconds, in case a notification is lost for another reason.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::ReadModel;
use crate::error::Result;
use crate::search::store;

/// How often the version is read when no notification arrives.
const VERSION_POLL_INTERVAL: Duration = Duration::from_secs(5);
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// The current read model, shared by all request handlers.
#[derive(Clone, Debug)]
pub struct Follower {
    pool: PgPool,
    current: watch::Sender<Arc<ReadModel>>,
    /// Locked during a reload, so that an older snapshot never replaces a newer one.
    reload_lock: Arc<Mutex<()>>,
    /// When the model was last known to be the catalogue of the database; none until it is loaded.
    verified: Arc<std::sync::Mutex<Option<Instant>>>,
}

/// How current the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The version of the model.
    pub version: i64,
    /// The version of the database; none if it did not respond.
    pub database_version: Option<i64>,
    /// The time since the model was last known to be current; none until it is loaded.
    pub age: Option<Duration>,
}

impl Follower {
    /// Loads the catalogue for the first time.
    pub async fn open(pool: PgPool) -> Result<Self> {
        let follower = Self::unloaded(pool);
        follower.reload_now().await?;
        Ok(follower)
    }

    /// Loads the catalogue for the first time, but waits for it at most this long. [`follow`](Self::follow) loads it later.
    pub async fn start(pool: PgPool, patience: Duration) -> Self {
        let follower = Self::unloaded(pool);
        match tokio::time::timeout(patience, follower.reload_now()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the catalogue cannot be loaded yet"),
            Err(_) => tracing::warn!("the catalogue cannot be loaded yet: the database does not respond in time"),
        }
        follower
    }

    fn unloaded(pool: PgPool) -> Self {
        let empty = Arc::new(ReadModel::default());
        Self { pool, current: watch::Sender::new(empty), reload_lock: Arc::default(), verified: Arc::default() }
    }

    /// Returns the current model. The returned model does not change when a newer one replaces it.
    pub fn current(&self) -> Arc<ReadModel> {
        self.current.borrow().clone()
    }

    /// Reports whether the catalogue was loaded. Until then the model is empty.
    pub fn is_loaded(&self) -> bool {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Compares the model with the database, which may take this long to respond.
    pub async fn freshness(&self, timeout: Duration) -> Freshness {
        let database_version = match tokio::time::timeout(timeout, self.database_version()).await {
            Ok(Ok(version)) => Some(version),
            Ok(Err(_)) | Err(_) => None,
        };
        let version = self.current().version;
        if self.is_loaded() && database_version == Some(version) {
            self.mark_verified();
        }
        let verified = *self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        Freshness { version, database_version, age: verified.map(|at| at.elapsed()) }
    }

    fn mark_verified(&self) {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    async fn database_version(&self) -> Result<i64> {
        let mut connection = self.pool.acquire().await?;
        store::version(&mut connection).await
    }

    /// Returns a channel that receives every newer model.
    pub fn changes(&self) -> watch::Receiver<Arc<ReadModel>> {
        self.current.subscribe()
    }

    /// Reloads the model if the catalogue has changed, and returns its version.
    ///
    /// The model then contains everything committed before the call. A handler that wrote to the catalogue calls this
    /// after its commit and before its response.
    pub async fn reload_now(&self) -> Result<i64> {
        let _guard = self.reload_lock.lock().await;
        let loaded = self.current().version;
        if self.is_loaded() && self.database_version().await? == loaded {
            self.mark_verified();
            return Ok(loaded);
        }
        let model = load_model(&self.pool).await?;
        let version = model.version;
        self.current.send_replace(Arc::new(model));
        self.mark_verified();
        Ok(version)
    }

    /// Follows the catalogue until `stop` is cancelled. Errors are logged once per outage and retried.
    pub async fn follow(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.follow_forever()).await;
    }

    async fn follow_forever(&self) {
        let mut backoff = INITIAL_BACKOFF;
        loop {
            let started = Instant::now();
            if let Err(error) = self.listen().await
                && backoff == INITIAL_BACKOFF
            {
                tracing::warn!(%error, "cannot follow the catalogue: the database is unreachable, retrying");
            }
            if started.elapsed() > MAX_BACKOFF {
                backoff = INITIAL_BACKOFF;
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Listens on one connection until it fails.
    async fn listen(&self) -> Result<()> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(store::CHANNEL).await?;
        store::compact_versions(&self.pool, true).await?;
        loop {
            // Reload before the first wait too: commits before LISTEN sent no notification to this connection.
            self.reload_now().await?;
            store::compact_versions(&self.pool, false).await?;
            match tokio::time::timeout(VERSION_POLL_INTERVAL, listener.try_recv()).await {
                Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
                // `None` means a lost connection: the listener reconnects at the next call.
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }
}

async fn load_model(pool: &PgPool) -> Result<ReadModel> {
    let rows = store::load(pool).await?;
    let model = tokio::task::spawn_blocking(move || ReadModel::build(rows)).await;
    model.map_err(|error| crate::error::Error::Failed(format!("the search index could not be built: {error}")))
}
