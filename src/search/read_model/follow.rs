//! Keeps the read model up to date with PostgreSQL.
//!
//! PostgreSQL sends a notification after every commit that changed the catalogue. The follower then loads all rows in one
//! snapshot and replaces the model atomically. Notifications that arrive during a load, or soon after it, cause one more load,
//! so that a stream of small changes does not load the catalogue for each of them. After a lost
//! connection the follower reconnects with backoff and reloads, because notifications may have been missed. It also polls
//! the version every few seconds, in case a notification is lost for another reason.

use std::sync::Arc;
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
/// Shortest time between the beginnings of two loads that notifications cause. Others see a change within 250 ms.
const MIN_RELOAD_INTERVAL: Duration = Duration::from_millis(200);
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// The current read model, shared by all request handlers.
#[derive(Clone, Debug)]
pub struct Follower {
    pool: PgPool,
    current: watch::Sender<Arc<ReadModel>>,
    /// Locked during a reload, so that an older snapshot never replaces a newer one.
    reload_lock: Arc<Mutex<()>>,
}

impl Follower {
    /// Loads the catalogue for the first time.
    pub async fn open(pool: PgPool) -> Result<Self> {
        let model = load_model(&pool).await?;
        Ok(Self { pool, current: watch::Sender::new(Arc::new(model)), reload_lock: Arc::default() })
    }

    /// Returns the current model. The returned model does not change when a newer one replaces it.
    pub fn current(&self) -> Arc<ReadModel> {
        self.current.borrow().clone()
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
        let mut connection = self.pool.acquire().await?;
        if store::version(&mut connection).await? == loaded {
            return Ok(loaded);
        }
        drop(connection);
        let model = load_model(&self.pool).await?;
        let version = model.version;
        self.current.send_replace(Arc::new(model));
        Ok(version)
    }

    /// Checks that the database is reachable, for the readiness probe.
    pub async fn ping(&self) -> Result<()> {
        store::ping(&self.pool).await
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
            let loading = Instant::now();
            let is_reloaded = self.current().version != self.reload_now().await?;
            store::compact_versions(&self.pool, false).await?;
            if is_reloaded {
                tokio::time::sleep(MIN_RELOAD_INTERVAL.saturating_sub(loading.elapsed())).await;
            }
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
