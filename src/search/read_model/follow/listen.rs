//! When a follower looks at the log: often while there are changes; when it is notified, and every few seconds, while there
//! are none.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use sqlx::postgres::PgListener;

use super::link::bounded;
use super::{Follower, LOOK_TIMEOUT};
use crate::error::Result;
use crate::search::store;
use crate::search::store::changes::{self, Position, Unlogged};

/// How long a follower that is awake waits between two looks.
const PAUSE: Duration = Duration::from_millis(15);
/// How long it stays awake after a change.
const AWAKE: Duration = Duration::from_secs(1);
/// How often a follower that sleeps looks.
const SLEEP: Duration = Duration::from_secs(5);
/// How often it looks for changes that are not in the log.
const UNLOGGED_INTERVAL: Duration = Duration::from_secs(4);
/// The time between two readings of everything because of changes that are not in the log, at least.
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Follows the catalogue. Errors are logged once per outage and retried.
pub async fn follow_forever(follower: &Follower) {
    let mut backoff = INITIAL_BACKOFF;
    loop {
        let started = Instant::now();
        if let Err(error) = follow(follower).await {
            follower.mark_away();
            if backoff == INITIAL_BACKOFF {
                tracing::warn!(%error, "cannot follow the catalogue: the database is unreachable, retrying");
            }
        }
        if started.elapsed() > MAX_BACKOFF {
            backoff = INITIAL_BACKOFF;
        }
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

/// Follows until a connection fails.
async fn follow(follower: &Follower) -> Result<()> {
    let is_standby = {
        let mut state = follower.state.lock().await;
        bounded(LOOK_TIMEOUT, changes::is_standby(state.link.open().await?)).await?
    };
    if !is_standby {
        compact(&follower.pool, true).await?;
    }
    let mut unlogged = UnloggedChanges::default();
    loop {
        stay_awake(follower, &mut unlogged, is_standby).await?;
        // A standby refuses LISTEN and the lock of sleepers, so that its reader stays awake.
        if !is_standby {
            compact(&follower.pool, false).await?;
            sleep(follower).await?;
        }
    }
}

async fn compact(pool: &PgPool, is_start: bool) -> Result<()> {
    let compacting = async {
        store::compact_versions(pool, is_start).await?;
        if is_start {
            changes::purge(pool).await?;
        }
        Ok(())
    };
    bounded(LOOK_TIMEOUT * 5, compacting).await
}

/// Looks every few milliseconds until nothing has changed for a while.
async fn stay_awake(follower: &Follower, unlogged: &mut UnloggedChanges, is_standby: bool) -> Result<()> {
    let mut changed = Instant::now();
    while is_standby || changed.elapsed() < AWAKE {
        let (started, version) = (Instant::now(), follower.current().version);
        if follower.reload_now().await? != version {
            changed = Instant::now();
            // Others may sleep, among them older programs, which do not hold the lock.
            let mut state = follower.state.lock().await;
            if !is_standby {
                bounded(LOOK_TIMEOUT, changes::notify(state.link.open().await?)).await?;
            }
        }
        unlogged.look(follower).await?;
        // Reading everything takes long: it must not occupy the processor all the time.
        tokio::time::sleep(PAUSE.max(started.elapsed())).await;
    }
    Ok(())
}

/// Sleeps until there is something new. Writers notify as long as a sleeper holds its lock.
async fn sleep(follower: &Follower) -> Result<()> {
    let mut listener = {
        let state = follower.state.lock().await;
        state.link.listener().await?
    };
    bounded(LOOK_TIMEOUT, changes::sleep(&mut listener)).await?;
    let result = sleep_with(follower, &mut listener).await;
    // The connection ends with the listener's pool; until then the lock would make every writer notify.
    if result.is_ok() {
        bounded(LOOK_TIMEOUT, changes::wake(&mut listener)).await?;
    }
    result
}

async fn sleep_with(follower: &Follower, listener: &mut PgListener) -> Result<()> {
    let asleep = {
        let mut state = follower.state.lock().await;
        bounded(LOOK_TIMEOUT, changes::position(state.link.open().await?)).await?
    };
    // Transactions that stored a change before the lock was held do not notify.
    while has_writers_before(follower, &asleep).await? {
        let version = follower.current().version;
        if follower.reload_now().await? != version {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    let version = follower.current().version;
    let mut unlogged = UnloggedChanges::default();
    while follower.reload_now().await? == version {
        unlogged.look(follower).await?;
        match tokio::time::timeout(SLEEP, listener.try_recv()).await {
            Ok(Ok(Some(_))) => while listener.next_buffered().is_some() {},
            // `None`: the connection is lost.
            Ok(Ok(None)) => return Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()).into()),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(())
}

async fn has_writers_before(follower: &Follower, position: &Position) -> Result<bool> {
    let mut state = follower.state.lock().await;
    bounded(LOOK_TIMEOUT, changes::has_writers_before(state.link.open().await?, position)).await
}

/// Finds changes of tables whose triggers were switched off, and of tables that another server replicates.
#[derive(Debug, Default)]
struct UnloggedChanges {
    last: Option<Unlogged>,
    looked: Option<Instant>,
}

impl UnloggedChanges {
    async fn look(&mut self, follower: &Follower) -> Result<()> {
        if self.looked.is_some_and(|at| at.elapsed() < UNLOGGED_INTERVAL) {
            return Ok(());
        }
        let mut state = follower.state.lock().await;
        let now = bounded(LOOK_TIMEOUT, changes::unlogged(state.link.open().await?)).await?;
        let is_suspect = self.last.as_ref().is_some_and(|last| {
            last.triggers != now.triggers || now.is_unlogged && last.written != now.written
        });
        if is_suspect {
            follower.load_everything(&mut state).await?;
        }
        (self.last, self.looked) = (Some(now), Some(Instant::now()));
        Ok(())
    }
}
