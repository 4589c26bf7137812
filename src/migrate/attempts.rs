//! Runs one transaction with a bounded wait for each lock, and again while others hold locks.
//!
//! A statement that waits for an exclusive lock makes everybody else wait behind it. Therefore each wait is short, all locks
//! are given back after it, and the whole attempt is repeated until a time limit.

use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::migrate::{Migrate, MigrateError};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::store::{self, LockHolder};
use crate::config::Config;
use crate::error::{Error, Result};

/// How long an attempt waits for a lock that an autovacuum worker holds: longer than PostgreSQL's `deadlock_timeout` of a
/// second, after which the worker is cancelled for the benefit of the waiting process.
const AUTOVACUUM_WAIT: Duration = Duration::from_millis(1500);

/// Pause before the second attempt; later pauses are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// How long a migration waits for locks.
#[derive(Debug, Clone, Copy)]
pub struct LockWait {
    /// The longest wait for one lock.
    pub each: Duration,
    /// The longest time between the first and the last attempt.
    pub total: Duration,
}

impl LockWait {
    /// Returns the waits that the settings name.
    pub fn of(config: &Config) -> LockWait {
        let milliseconds = Duration::from_millis;
        LockWait { each: milliseconds(config.lock_timeout_ms.max(1)), total: milliseconds(config.lock_wait_ms) }
    }
}

impl Default for LockWait {
    fn default() -> Self {
        LockWait { each: Duration::from_millis(500), total: Duration::from_secs(60) }
    }
}

/// What every transaction of a migration needs.
pub(super) struct Attempts<'a> {
    pub pool: &'a PgPool,
    pub wait: LockWait,
    pub stop: &'a CancellationToken,
    /// Receives a line for the user when another connection has locked something.
    pub on_wait: &'a (dyn Fn(&str) + Sync),
    /// Whether an earlier step has changed the database.
    pub has_changed: AtomicBool,
    /// The connection of the last transaction, for the next one.
    idle: Mutex<Option<PgConnection>>,
}

impl<'a> Attempts<'a> {
    pub fn new(
        pool: &'a PgPool,
        wait: LockWait,
        stop: &'a CancellationToken,
        on_wait: &'a (dyn Fn(&str) + Sync),
    ) -> Attempts<'a> {
        Attempts { pool, wait, stop, on_wait, has_changed: AtomicBool::new(false), idle: Mutex::new(None) }
    }

    /// Returns a connection that holds the lock of migrations until it is closed.
    ///
    /// # Errors
    /// [`Error::Failed`] when another migration runs for too long; the message names it.
    pub async fn guard(&self) -> Result<PgConnection> {
        let lock = async |connection: &mut PgConnection| Ok(connection.lock().await?);
        self.repeat(lock, self.wait.each).await.map(|((), connection)| connection)
    }

    /// Runs `work` in a transaction of its own, again while others hold locks.
    ///
    /// # Errors
    /// Those of `work`, [`Error::Cancelled`] when stopped, [`Error::Failed`] when the locks stay. In all cases nothing that
    /// `work` did is left.
    pub async fn transaction<T>(&self, work: impl AsyncFn(&mut PgConnection) -> Result<T>) -> Result<T> {
        let (result, mut connection) = self.run_transaction(work).await?;
        // Its statements are prepared again, because tables may have changed.
        connection.clear_cached_statements().await?;
        self.keep(connection);
        Ok(result)
    }

    /// Like [`transaction`](Self::transaction), for one of many of the same statements, which stay prepared. None of them
    /// changes a table.
    pub async fn transaction_of_series<T>(&self, work: impl AsyncFn(&mut PgConnection) -> Result<T>) -> Result<T> {
        let (result, connection) = self.run_transaction(work).await?;
        self.keep(connection);
        Ok(result)
    }

    async fn run_transaction<T>(
        &self,
        work: impl AsyncFn(&mut PgConnection) -> Result<T>,
    ) -> Result<(T, PgConnection)> {
        let attempt = async |connection: &mut PgConnection| {
            let mut transaction = connection.begin().await?;
            let result = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(result)
        };
        self.repeat(attempt, self.wait.each).await
    }

    /// Runs `work` outside a transaction. A wait for a lock may take the whole time, because no other connection waits behind it.
    pub async fn patiently<T>(&self, work: impl AsyncFn(&mut PgConnection) -> Result<T>) -> Result<T> {
        let (result, mut connection) = self.repeat(work, self.wait.total).await?;
        connection.clear_cached_statements().await?;
        self.keep(connection);
        Ok(result)
    }

    /// Keeps a connection for the next transaction.
    fn keep(&self, connection: PgConnection) {
        if let Ok(mut idle) = self.idle.lock() {
            *idle = Some(connection);
        }
    }

    /// `usual`: the longest wait for a lock that no autovacuum worker holds.
    async fn repeat<T>(
        &self,
        work: impl AsyncFn(&mut PgConnection) -> Result<T>,
        usual: Duration,
    ) -> Result<(T, PgConnection)> {
        let deadline = Instant::now() + self.wait.total;
        let (mut pause, mut is_reported) = (FIRST_PAUSE, false);
        let holder = Mutex::new(None);
        let mut each = usual;
        loop {
            match self.attempt(&work, each, &holder).await {
                Err(error) if is_blocked(&error) => {
                    let holder = holder.lock().ok().and_then(|seen| seen.clone());
                    let is_autovacuum = holder.as_ref().is_some_and(LockHolder::is_autovacuum);
                    each = if is_autovacuum { usual.max(AUTOVACUUM_WAIT) } else { usual };
                    if Instant::now() + pause >= deadline {
                        let has_changed = self.has_changed.load(Ordering::Relaxed);
                        return Err(Error::Failed(blocked_message(holder.as_ref(), self.wait.total, has_changed)));
                    }
                    if !std::mem::replace(&mut is_reported, true) {
                        let limit = self.wait.total.as_secs_f32();
                        let line = format!("waiting for {}: trying again for {limit} s", blocked_by(holder.as_ref()));
                        (self.on_wait)(&line);
                    }
                    if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                        return Err(Error::Cancelled);
                    }
                    pause = (pause * 2).min(MAX_PAUSE);
                }
                ended => return ended,
            }
        }
    }

    /// Runs `work` once, on a connection of its own. After a failure it is closed, which gives back every lock.
    async fn attempt<T>(
        &self,
        work: &impl AsyncFn(&mut PgConnection) -> Result<T>,
        each: Duration,
        holder: &Mutex<Option<LockHolder>>,
    ) -> Result<(T, PgConnection)> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.take());
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.pool.acquire().await?.detach(),
        };
        let milliseconds = u64::try_from(each.as_millis()).unwrap_or(u64::MAX).min(i32::MAX as u64);
        let process = store::prepare(&mut connection, &program_name(), milliseconds).await?;
        let ended = tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::Cancelled),
            ended = work(&mut connection) => ended,
            never = watch(self.pool, process, each, holder) => match never {},
        };
        match ended {
            Ok(result) => Ok((result, connection)),
            Err(Error::Cancelled) => {
                let _ = store::cancel_statement(self.pool, process).await;
                Err(Error::Cancelled)
            }
            Err(error) => {
                connection.close().await?;
                Err(error)
            }
        }
    }
}

/// Remembers the connection for which a server process waits; never ends.
async fn watch(pool: &PgPool, process: i32, wait: Duration, seen: &Mutex<Option<LockHolder>>) -> Infallible {
    let interval = (wait / 10).clamp(Duration::from_millis(1), Duration::from_millis(50));
    loop {
        tokio::time::sleep(interval).await;
        if let Ok(Some(holder)) = store::lock_holder(pool, process).await
            && let Ok(mut seen) = seen.lock()
        {
            *seen = Some(holder);
        }
    }
}

/// The name under which this process is seen in the database.
fn program_name() -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let name = format!("lectern migrate, process {} on {}", std::process::id(), host.to_string_lossy());
    // PostgreSQL cuts longer names.
    name.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(63).collect()
}

/// Reports whether another connection had a lock for too long, or two programs waited for each other. The only statement with
/// a timeout of its own is the one that takes locks.
fn is_blocked(error: &Error) -> bool {
    use MigrateError::{Execute, ExecuteMigration};
    let (Error::Database(error) | Error::Migration(Execute(error)) | Error::Migration(ExecuteMigration(error, _))) =
        error
    else {
        return false;
    };
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    matches!(code.as_deref(), Some("55P03" | "40P01" | "57014"))
}

fn blocked_by(holder: Option<&LockHolder>) -> String {
    let Some(holder) = holder else { return "a lock that another connection holds".to_owned() };
    let what = match &holder.table_name {
        Some(table) => format!("the table {table}"),
        None => "a lock".to_owned(),
    };
    if holder.process == 0 {
        return format!("{what} that a prepared transaction holds");
    }
    if holder.is_autovacuum() {
        return format!("{what} that server process (pid) {} holds, an autovacuum worker", holder.process);
    }
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    format!(
        "{what} that server process (pid) {} holds since {}: user {}, host {}, program \"{}\"",
        holder.process,
        known(&holder.since),
        known(&holder.user_name),
        known(&holder.host),
        known(&holder.program)
    )
}

fn blocked_message(holder: Option<&LockHolder>, total: Duration, has_changed: bool) -> String {
    let changed = if has_changed { "the finished steps stay, nothing else was changed" } else { "nothing was changed" };
    format!(
        "{changed}: after {} s of trying, the database still waits for {}: let it finish or end it, then run \
         `lectern migrate` again",
        total.as_secs_f32(),
        blocked_by(holder)
    )
}
