//! Applies pending steps: in one transaction, with a bounded wait for each lock, and again while others hold locks.
//!
//! A statement that waits for an exclusive lock makes everybody else wait behind it. Therefore each wait is short, all locks
//! are given back after it, and the whole attempt is repeated until a time limit.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sqlx::migrate::{Migrate, MigrateError};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use super::store::{LockHolder, STEPS};
use super::{migrator, shape, store};
use crate::config::Config;
use crate::error::{Error, Result};

/// Pause before the second attempt; later pauses are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

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

/// Applies every pending step.
pub async fn apply(pool: &PgPool) -> Result<()> {
    apply_with(pool, LockWait::default(), &CancellationToken::new(), |_| ()).await
}

/// Applies every pending step. `on_wait` receives a line for the user when another connection has locked something.
///
/// # Errors
/// [`Error::NeedsAttention`] when a table has another shape, [`Error::Cancelled`] when stopped, [`Error::Failed`] when the
/// locks stay. In all cases nothing is changed.
pub async fn apply_with(pool: &PgPool, wait: LockWait, stop: &CancellationToken, on_wait: impl Fn(&str)) -> Result<()> {
    let deadline = Instant::now() + wait.total;
    let (mut pause, mut is_reported) = (FIRST_PAUSE, false);
    let holder = Mutex::new(None);
    loop {
        match attempt(pool, wait, stop, &holder).await {
            Err(error) if is_blocked(&error) => {
                let holder = holder.lock().ok().and_then(|seen| seen.clone());
                if Instant::now() + pause >= deadline {
                    return Err(Error::Failed(blocked_message(holder.as_ref(), wait.total)));
                }
                if !std::mem::replace(&mut is_reported, true) {
                    let limit = wait.total.as_secs_f32();
                    on_wait(&format!("waiting for {}: trying again for {limit} s", blocked_by(holder.as_ref())));
                }
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return Err(Error::Cancelled);
                }
                pause = (pause * 2).min(MAX_PAUSE);
            }
            ended => return ended,
        }
    }
}

/// Applies the pending steps if each lock that they need is free within the wait.
async fn attempt(
    pool: &PgPool,
    wait: LockWait,
    stop: &CancellationToken,
    holder: &Mutex<Option<LockHolder>>,
) -> Result<()> {
    // A connection of its own: closing it gives back every lock, whatever happened.
    let mut connection = pool.acquire().await?.detach();
    let milliseconds = u64::try_from(wait.each.as_millis()).unwrap_or(u64::MAX).min(i32::MAX as u64);
    let process = store::prepare(&mut connection, &program_name(), milliseconds).await?;
    let mut transaction = connection.begin().await?;
    let ended = tokio::select! {
        biased;
        () = stop.cancelled() => Err(Error::Cancelled),
        ended = apply_pending(&mut transaction) => ended,
        () = watch(pool, process, wait.each, holder) => Ok(()),
    };
    match ended {
        Ok(()) => {
            transaction.commit().await?;
            connection.unlock().await?;
        }
        Err(Error::Cancelled) => {
            let _ = store::cancel_statement(pool, process).await;
            return Err(Error::Cancelled);
        }
        Err(error) => {
            transaction.rollback().await?;
            connection.close().await?;
            return Err(error);
        }
    }
    Ok(connection.close().await?)
}

async fn apply_pending(db: &mut PgConnection) -> Result<()> {
    db.lock().await?;
    db.create_schema_if_not_exists("lectern").await?;
    db.ensure_migrations_table(STEPS).await?;
    if let Some(version) = db.dirty_version(STEPS).await? {
        return Err(MigrateError::Dirty(version).into());
    }
    let applied = db.list_applied_migrations(STEPS).await?;
    let migrator = migrator();
    if let Some(unknown) = applied.iter().find(|step| !migrator.version_exists(step.version)) {
        return Err(MigrateError::VersionMissing(unknown.version).into());
    }
    let mut pending = Vec::new();
    for migration in migrator.iter() {
        match applied.iter().find(|step| step.version == migration.version) {
            Some(step) if step.checksum != migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version).into());
            }
            Some(_) => {}
            None => pending.push(migration),
        }
    }
    let created: Vec<_> = pending.iter().flat_map(|migration| shape::created_tables(migration.sql.as_str())).collect();
    let found = store::found_tables(db, &created).await?;
    let problem =
        |table: &shape::TableShape| shape::problem(table, found.iter().find(|found| found.name == table.name)?);
    let problems: Vec<String> = created.iter().filter_map(problem).collect();
    if !problems.is_empty() {
        return Err(Error::NeedsAttention(format!("nothing was changed: {}", problems.join("; "))));
    }
    for migration in pending {
        db.apply(STEPS, migration).await?;
        store::check_constraints(db).await?;
    }
    Ok(())
}

/// Remembers the connection for which a server process waits; never ends.
async fn watch(pool: &PgPool, process: i32, wait: Duration, seen: &Mutex<Option<LockHolder>>) {
    let interval = (wait / 5).clamp(Duration::from_millis(1), Duration::from_millis(100));
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

/// Reports whether another connection had a lock for too long, or two programs waited for each other.
fn is_blocked(error: &Error) -> bool {
    use MigrateError::{Execute, ExecuteMigration};
    let (Error::Database(error) | Error::Migration(Execute(error)) | Error::Migration(ExecuteMigration(error, _))) =
        error
    else {
        return false;
    };
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    matches!(code.as_deref(), Some("55P03" | "40P01"))
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

fn blocked_message(holder: Option<&LockHolder>, total: Duration) -> String {
    format!(
        "nothing was changed: after {} s of trying, the database still waits for {}: let it finish or end it, then run \
         `lectern migrate` again",
        total.as_secs_f32(),
        blocked_by(holder)
    )
}
