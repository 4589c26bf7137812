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
const LOOK_EVERY: Duration = Duration::from_secs(5);
const FIRST_BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

/// The read model as it stands now, shared by everybody who answers from it.
#[derive(Clone, Debug)]
pub struct Follower {
    pool: PgPool,
    current: watch::Sender<Arc<ReadModel>>,
    /// Held while reading, so that an older snapshot never replaces a newer one.
    reading: Arc<Mutex<()>>,
}

impl Follower {
    /// Reads the catalogue for the first time.
    pub async fn open(pool: PgPool) -> Result<Self> {
        let model = read(&pool).await?;
        Ok(Self { pool, current: watch::Sender::new(Arc::new(model)), reading: Arc::default() })
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
        let _reading = self.reading.lock().await;
        let held = self.current().version;
        let mut connection = self.pool.acquire().await?;
        if store::version(&mut connection).await? == held {
            return Ok(held);
        }
        drop(connection);
        let model = read(&self.pool).await?;
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
        stop.run_until_cancelled(self.follow_for_ever()).await;
    }

    async fn follow_for_ever(&self) {
        let mut back_off = FIRST_BACK_OFF;
        loop {
            let began = Instant::now();
            if let Err(error) = self.listen().await
                && back_off == FIRST_BACK_OFF
            {
                tracing::warn!(%error, "the catalogue is not followed while the database is away");
            }
            if began.elapsed() > LONGEST_BACK_OFF {
                back_off = FIRST_BACK_OFF;
            }
            tokio::time::sleep(back_off).await;
            back_off = (back_off * 2).min(LONGEST_BACK_OFF);
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
            match tokio::time::timeout(LOOK_EVERY, listener.try_recv()).await {
                Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
                // The connection was lost; the listener takes it up again at the next call.
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }
}

async fn read(pool: &PgPool) -> Result<ReadModel> {
    let rows = store::load(pool).await?;
    let built = tokio::task::spawn_blocking(move || ReadModel::build(rows)).await;
    built.map_err(|error| crate::error::Error::Failed(format!("the search index could not be built: {error}")))
}
