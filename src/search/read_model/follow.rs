//! How the read model follows PostgreSQL.
//!
//! A notice arrives after every commit that touched the catalogue; then everything is read again in one snapshot and the
//! new model takes the old one's place at once, in one step. Notices that arrive meanwhile are answered by one more
//! reading. A lost connection is taken up again with back-off, and the model is read again then, since notices may have
//! been missed; a look at the version every few seconds catches whatever else can go wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::ReadModel;
use crate::error::Result;
use crate::search::store;

/// How often the version is looked at although no notice came.
const VERSION_POLL_INTERVAL: Duration = Duration::from_secs(5);
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// The read model as it stands now, shared by everybody who answers from it.
#[derive(Clone, Debug)]
pub struct Follower {
    pool: PgPool,
    current: watch::Sender<Arc<ReadModel>>,
    /// Held while reading, so that an older snapshot never replaces a newer one.
    reload_lock: Arc<Mutex<()>>,
}

impl Follower {
    /// Reads the catalogue for the first time.
    pub async fn open(pool: PgPool) -> Result<Self> {
        let model = load_model(&pool).await?;
        Ok(Self { pool, current: watch::Sender::new(Arc::new(model)), reload_lock: Arc::default() })
    }

    /// The model as it stands now; it stays whole while it is held, whatever comes after.
    pub fn current(&self) -> Arc<ReadModel> {
        self.current.borrow().clone()
    }

    /// Tells of every newer model.
    pub fn changes(&self) -> watch::Receiver<Arc<ReadModel>> {
        self.current.subscribe()
    }

    /// Makes the model hold everything that was committed before the call, and gives its version. For a request that
    /// wrote to the catalogue, after its commit and before its answer.
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

    /// Whether the database answers; for readiness.
    pub async fn ping(&self) -> Result<()> {
        store::ping(&self.pool).await
    }

    /// Follows until stopped. Errors are logged once per outage and waited out.
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
                tracing::warn!(%error, "the catalogue is not followed while the database is away");
            }
            if started.elapsed() > MAX_BACKOFF {
                backoff = INITIAL_BACKOFF;
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Listens on one connection until it breaks.
    async fn listen(&self) -> Result<()> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(store::CHANNEL).await?;
        store::compact_versions(&self.pool, true).await?;
        loop {
            // First of all and after every wait: what was committed before we listened sent us no notice.
            self.reload_now().await?;
            store::compact_versions(&self.pool, false).await?;
            match tokio::time::timeout(VERSION_POLL_INTERVAL, listener.try_recv()).await {
                Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
                // The connection was lost; the listener takes it up again at the next call.
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }
}

async fn load_model(pool: &PgPool) -> Result<ReadModel> {
    let rows = store::load(pool).await?;
    let result = tokio::task::spawn_blocking(move || ReadModel::build(rows)).await;
    result.map_err(|error| crate::error::Error::Failed(format!("the search index could not be built: {error}")))
}
