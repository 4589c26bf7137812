//! The schedule: syncs that `lectern serve` enqueues at the times in the settings.
//!
//! Of several processes that wake at a due time, one enqueues the sync. Due times that passed while no process ran are
//! skipped, and a sync whose last scheduled run has not ended is not enqueued again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::Entity;
use super::job::SyncRequest;
use crate::config::Config;
use crate::config::cron::CronSchedule;
use crate::error::Result;
use crate::jobs;

/// The longest sleep: a change of the system clock is noticed within it.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// Reports whether the settings name a scheduled sync.
pub fn is_set(config: &Config) -> bool {
    [&config.schedule.sync_all, &config.schedule.sync_events].iter().any(|expression| !expression.trim().is_empty())
}

/// Enqueues the syncs that the settings name, until `stop` is cancelled.
pub async fn run_schedule(pool: PgPool, config: Arc<Config>, stop: CancellationToken) {
    let schedule = &config.schedule;
    tokio::join!(
        run_entry(&pool, &config, None, &schedule.sync_all, &stop),
        run_entry(&pool, &config, Some(Entity::Events), &schedule.sync_events, &stop),
    );
}

async fn run_entry(pool: &PgPool, config: &Config, entity: Option<Entity>, expression: &str, stop: &CancellationToken) {
    if expression.trim().is_empty() {
        return;
    }
    // An invalid expression was refused when the settings were loaded.
    let Ok(schedule) = CronSchedule::parse(expression, &config.time_zone) else { return };
    let mut after = Timestamp::now();
    while let Some(due) = schedule.next_after(after) {
        if stop.run_until_cancelled(sleep_until(due)).await.is_none() {
            return;
        }
        match enqueue_due(pool, entity, due).await {
            Ok(Some(run)) => tracing::info!(run, due = %due, "scheduled sync enqueued"),
            Ok(None) => {
                tracing::debug!(due = %due, "scheduled sync not enqueued: already enqueued or still running")
            }
            Err(error) => tracing::error!(%error, due = %due, "scheduled sync could not be enqueued"),
        }
        after = due.max(Timestamp::now());
    }
}

async fn sleep_until(due: Timestamp) {
    while let Ok(left) = Duration::try_from(due.duration_since(Timestamp::now())) {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(MAX_SLEEP)).await;
    }
}

/// Enqueues the sync of a due time, of one entity or of all, and returns its run.
///
/// Returns none if another process has enqueued it or the last run has not ended.
///
/// # Errors
/// The database's.
pub async fn enqueue_due(pool: &PgPool, entity: Option<Entity>, due: Timestamp) -> Result<Option<i64>> {
    let request = SyncRequest { entity, ..SyncRequest::default() };
    jobs::enqueue_due(pool, &request.job()?, due).await
}
