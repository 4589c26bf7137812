//! When a follower looks at the log: often while there are changes; when it is notified, and every few seconds, while there
//! are none.

use std::time::{Duration, Instant};

use sqlx::postgres::PgListener;

use super::link::bounded;
use super::{Follower, LOOK_TIMEOUT};
use crate::error::Result;
use crate::search::store;
use crate::search::store::changes::{self, Position, Unlogged};

/// How long a follower that is awake waits between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a look takes if everything is read.
const LONG: Duration = Duration::from_millis(200);
/// How long it stays awake after a change.
const AWAKE: Duration = Duration::from_secs(1);
/// How often a follower that sleeps looks.
const SLEEP: Duration = Duration::from_secs(2);
/// How often it looks for changes that are not in the log.
const UNLOGGED_INTERVAL: Duration = Duration::from_secs(2);
/// The longest time for deleting old rows of the log.
const PURGE_TIMEOUT: Duration = Duration::from_secs(10);
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Follows the catalogue. Errors are logged once per outage and retried.
pub async fn follow_forever(follower: &Follower) {
    let mut backoff = INITIAL_BACKOFF;
    loop {
        let started = Instant::now();
        if let Err(error) = follow(follower).await {
            follower.mark_away();
            follower.state.lock().await.link.close();
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
    let mut unlogged = UnloggedChanges { is_standby, ..UnloggedChanges::default() };
    if is_standby {
        // A standby refuses LISTEN and the lock of sleepers, so that its reader stays awake.
        loop {
            follower.reload_now().await?;
            unlogged.look(follower).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }
    bounded(PURGE_TIMEOUT, changes::purge(&follower.pool)).await?;
    let mut listener = {
        let state = follower.state.lock().await;
        state.link.listener().await?
    };
    loop {
        stay_awake(follower, &mut unlogged).await?;
        sleep(follower, &mut listener, &mut unlogged).await?;
    }
}

/// Looks every few milliseconds until nothing has changed for a while.
async fn stay_awake(follower: &Follower, unlogged: &mut UnloggedChanges) -> Result<()> {
    let (mut changed, mut version) = (Instant::now(), follower.current().version);
    while changed.elapsed() < AWAKE {
        let started = Instant::now();
        let newer = follower.reload_now().await?;
        if newer != version {
            (changed, version) = (Instant::now(), newer);
            // Older programs do not hold the lock of sleepers.
            let mut state = follower.state.lock().await;
            bounded(LOOK_TIMEOUT, changes::notify(state.link.open().await?)).await?;
        }
        unlogged.look(follower).await?;
        // Reading everything must not occupy the processor all the time.
        let elapsed = started.elapsed();
        tokio::time::sleep(if elapsed > LONG { elapsed } else { PAUSE }).await;
    }
    Ok(())
}

/// Sleeps until there is something new. Writers notify as long as a sleeper holds its lock.
async fn sleep(follower: &Follower, listener: &mut PgListener, unlogged: &mut UnloggedChanges) -> Result<()> {
    bounded(LOOK_TIMEOUT, async { Ok(listener.listen(store::CHANNEL).await?) }).await?;
    bounded(LOOK_TIMEOUT, changes::sleep(&mut *listener)).await?;
    wait_for_change(follower, listener, unlogged).await?;
    bounded(LOOK_TIMEOUT, changes::wake(&mut *listener)).await?;
    // A follower that is awake does not read them.
    bounded(LOOK_TIMEOUT, async { Ok(listener.unlisten(store::CHANNEL).await?) }).await?;
    while listener.next_buffered().is_some() {}
    Ok(())
}

async fn wait_for_change(follower: &Follower, listener: &mut PgListener, unlogged: &mut UnloggedChanges) -> Result<()> {
    let version = follower.current().version;
    let asleep = {
        let mut state = follower.state.lock().await;
        bounded(LOOK_TIMEOUT, changes::position(state.link.open().await?)).await?
    };
    // Transactions that stored a change before the lock do not notify.
    while has_writers_before(follower, &asleep).await? {
        if follower.reload_now().await? != version {
            return Ok(());
        }
        unlogged.look(follower).await?;
        tokio::time::sleep(PAUSE).await;
    }
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
    is_standby: bool,
    last: Option<Unlogged>,
    looked: Option<Instant>,
}

impl UnloggedChanges {
    async fn look(&mut self, follower: &Follower) -> Result<()> {
        if self.is_standby || self.looked.is_some_and(|at| at.elapsed() < UNLOGGED_INTERVAL) {
            return Ok(());
        }
        let mut state = follower.state.lock().await;
        let link = state.link.open().await?;
        let now = bounded(LOOK_TIMEOUT, changes::unlogged(link)).await?;
        let is_suspect = self
            .last
            .as_ref()
            .is_some_and(|last| last.triggers != now.triggers || now.is_unlogged && last.written != now.written);
        if is_suspect {
            // Every process reads everything then, with a new version.
            bounded(LOOK_TIMEOUT, changes::log_everything(link)).await?;
        }
        (self.last, self.looked) = (Some(now), Some(Instant::now()));
        Ok(())
    }
}
