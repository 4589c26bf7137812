//! Keeps the read model up to date with PostgreSQL.
//!
//! Every change of the catalogue is in a log, which names the changed records ([`store::changes`]). A look at the log is one
//! statement. What it names is read in one snapshot, and applied to the current model, which the result replaces
//! atomically. A reader that is awake looks every few milliseconds; one that sleeps is notified ([`listen`]).
//!
//! Every wait is bounded, because a host may vanish silently. Without the database the current model stays.

mod link;
mod listen;
pub mod recent;
mod resume;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use self::link::{Link, bounded};
use self::recent::RecentChanges;
use super::ReadModel;
use super::touched::Touched;
use crate::error::{Error, Result};
use crate::search::store;
use crate::search::store::changes::{self, Changes, Look, Position};

/// The longest time for a look at the log.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time for reading what was touched. It waits for locks on the tables.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for reading everything.
const LOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Share of the store products above which everything is read instead: one in this number.
const MANY: usize = 4;
/// Touched store products that are applied in any case.
const FEW: usize = 500;

/// The current read model, shared by all request handlers.
#[derive(Clone, Debug)]
pub struct Follower {
    pool: PgPool,
    current: watch::Sender<Arc<ReadModel>>,
    /// Locked while the model is replaced, so that an older snapshot never replaces a newer one.
    state: Arc<Mutex<FollowState>>,
    /// When the model was last known to be the catalogue of the database; none until it is loaded.
    verified: Arc<std::sync::Mutex<Verified>>,
    recent: RecentChanges,
    /// The data folder in which the rows are stored; none if they are not.
    folder: Option<Arc<Path>>,
}

#[derive(Debug)]
struct FollowState {
    link: Link,
    /// Up to where the log is applied; none until everything is loaded.
    position: Option<Position>,
    /// What was touched since the merge in the background began; none if there is none.
    unmerged: Option<Touched>,
    /// Whether the last use of the link was given up.
    is_interrupted: bool,
    /// The version of the rows that are stored in the data folder.
    stored_version: Option<i64>,
}

#[derive(Clone, Debug, Default)]
struct Verified {
    at: Option<Instant>,
    is_away: bool,
    /// Up to where the log was applied then.
    position: Option<Position>,
}

/// How current the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The version of the model.
    pub version: i64,
    /// Whether the model is the catalogue of the database; none if the database did not respond.
    pub is_current: Option<bool>,
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

    /// Begins to load the catalogue for the first time, and waits for it at most this long. Where the rows are stored in a
    /// data folder, they are read from there.
    pub async fn start(pool: PgPool, data_folder: Option<PathBuf>, patience: Duration) -> Self {
        let follower = Self { folder: data_folder.map(Arc::from), ..Self::unloaded(pool) };
        let loaded = follower.clone();
        let loading = tokio::spawn(async move {
            if let Err(error) = loaded.reload_now().await {
                tracing::warn!(%error, "the catalogue cannot be loaded yet");
            }
        });
        // It goes on behind the first responses.
        let _ = tokio::time::timeout(patience, loading).await;
        follower
    }

    /// Creates a follower without the catalogue. [`follow`](Self::follow) loads it.
    pub fn unloaded(pool: PgPool) -> Self {
        let state = FollowState {
            link: Link::new(&pool),
            position: None,
            unmerged: None,
            is_interrupted: false,
            stored_version: None,
        };
        Self {
            pool,
            current: watch::Sender::new(Arc::new(ReadModel::default())),
            state: Arc::new(Mutex::new(state)),
            verified: Arc::default(),
            recent: RecentChanges::default(),
            folder: None,
        }
    }

    /// Returns the current model. The returned model does not change when a newer one replaces it.
    pub fn current(&self) -> Arc<ReadModel> {
        self.current.borrow().clone()
    }

    /// Reports whether the catalogue was loaded. Until then the model is empty.
    pub fn is_loaded(&self) -> bool {
        self.verified().at.is_some()
    }

    /// Returns the time since the model was last known to be current, if the database does not respond now.
    pub fn outage_age(&self) -> Option<Duration> {
        let verified = self.verified();
        verified.at.filter(|_| verified.is_away).map(|at| at.elapsed())
    }

    /// Compares the model with the database, which may take this long to respond.
    pub async fn freshness(&self, timeout: Duration) -> Freshness {
        let is_current = match tokio::time::timeout(timeout, self.is_current()).await {
            Ok(Ok(is_current)) => Some(is_current),
            Ok(Err(_)) | Err(_) => None,
        };
        Freshness { version: self.current().version, is_current, age: self.verified().at.map(|at| at.elapsed()) }
    }

    async fn is_current(&self) -> Result<bool> {
        let mut connection = self.pool.acquire().await?;
        let Some(position) = self.verified().position else {
            changes::position(&mut connection).await?;
            return Ok(false);
        };
        let Look::Unchanged(now) = changes::look(&mut connection, &position).await? else { return Ok(false) };
        self.mark_verified(now);
        Ok(true)
    }

    fn verified(&self) -> Verified {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn mark_verified(&self, position: Position) {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner) =
            Verified { at: Some(Instant::now()), is_away: false, position: Some(position) };
    }

    fn mark_away(&self) {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).is_away = true;
    }

    /// Returns a channel that receives every newer model.
    pub fn changes(&self) -> watch::Receiver<Arc<ReadModel>> {
        self.current.subscribe()
    }

    /// Returns what changed recently.
    pub fn recent(&self) -> &RecentChanges {
        &self.recent
    }

    /// Returns what the last changes were, from the log. None if the log does not contain that many.
    pub async fn last_changes(&self, count: i64) -> Result<Option<Changes>> {
        let mut tx = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let changes = changes::read_last(&mut tx, count).await?;
        tx.commit().await?;
        Ok(changes)
    }

    /// Applies what has changed, and returns the version of the model.
    ///
    /// The model then contains everything committed before the call. A handler that wrote to the catalogue calls this
    /// after its commit and before its response.
    pub async fn reload_now(&self) -> Result<i64> {
        let mut state = self.state.lock().await;
        // A caller that no longer waits leaves a statement without its answer.
        if std::mem::replace(&mut state.is_interrupted, true) {
            state.link.close();
        }
        let result = self.apply_changes(&mut state).await;
        state.is_interrupted = false;
        match &result {
            Ok(()) => {
                if let Some(position) = &state.position {
                    self.mark_verified(position.clone());
                }
            }
            Err(_) => {
                state.link.close();
                self.mark_away();
            }
        }
        result.map(|()| self.current().version)
    }

    async fn apply_changes(&self, state: &mut FollowState) -> Result<()> {
        let Some(position) = state.position.clone() else { return self.load_first(state).await };
        let link = state.link.open().await?;
        match bounded(LOOK_TIMEOUT, changes::look(link, &position)).await? {
            Look::Unchanged(position) => {
                state.position = Some(position);
                return Ok(());
            }
            Look::Lost => return self.load_everything(state).await,
            Look::Changed => {}
        }
        let model = self.current();
        let limit = (model.totals().store_products / MANY).max(FEW);
        let read = bounded(READ_TIMEOUT, link::read_touched(link, &position, model.version, limit)).await?;
        let Some((changes, rows)) = read else { return self.load_everything(state).await };
        if let Some(unmerged) = &mut state.unmerged {
            unmerged.extend(changes.touched.clone());
        }
        let (touched, version) = (changes.touched.clone(), changes.version);
        let newer = compute(move || model.apply(rows, &touched, version)).await?;
        self.recent.add(&changes);
        self.replace(newer);
        state.position = Some(changes.position);
        if state.unmerged.is_none() && self.current().needs_merge() {
            state.unmerged = Some(Touched::default());
            tokio::spawn(self.clone().merge());
        }
        Ok(())
    }

    async fn load_first(&self, state: &mut FollowState) -> Result<()> {
        if self.resume(state).await { Ok(()) } else { self.load_everything(state).await }
    }

    /// Reads everything.
    async fn load_everything(&self, state: &mut FollowState) -> Result<()> {
        let (position, rows) = bounded(LOAD_TIMEOUT, store::load(&self.pool)).await?;
        let model = compute(move || ReadModel::build(rows)).await?;
        self.recent.reset(model.version);
        self.replace(model);
        state.position = Some(position);
        // The model of a merge in the background is older.
        state.unmerged = None;
        Ok(())
    }

    fn replace(&self, model: ReadModel) {
        self.current.send_replace(Arc::new(model));
    }

    /// Brings the model into its fastest form, and then applies what was touched meanwhile.
    async fn merge(self) {
        let model = self.current();
        let merged = compute(move || model.merged()).await;
        let mut state = self.state.lock().await;
        let Some(unmerged) = state.unmerged.take() else { return };
        let result = match merged {
            Ok(merged) => self.finish_merge(&mut state, merged, unmerged).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            // The current model stays right. The next change begins another merge.
            tracing::warn!(%error, "the catalogue in memory could not be merged");
        }
    }

    async fn finish_merge(&self, state: &mut FollowState, merged: ReadModel, unmerged: Touched) -> Result<()> {
        let Some(position) = state.position.clone() else { return Ok(()) };
        let link = state.link.open().await?;
        let read =
            bounded(READ_TIMEOUT, link::read_unmerged(link, &position, self.current().version, unmerged)).await?;
        let Some((changes, rows)) = read else { return self.load_everything(state).await };
        let (touched, version) = (changes.touched.clone(), changes.version);
        let newer = compute(move || merged.apply(rows, &touched, version)).await?;
        self.recent.add(&changes);
        self.replace(newer);
        state.position = Some(changes.position);
        Ok(())
    }

    /// Follows the catalogue until `stop` is cancelled. Errors are logged once per outage and retried.
    pub async fn follow(self, stop: CancellationToken) {
        stop.run_until_cancelled(async { tokio::join!(listen::follow_forever(&self), resume::store_forever(&self)) })
            .await;
    }
}

/// Runs a computation on a thread where it delays no request.
async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let computed = tokio::task::spawn_blocking(work).await;
    computed.map_err(|error| Error::Failed(format!("the search index could not be built: {error}")))
}
