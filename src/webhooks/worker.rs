//! The worker of the inbox: applies received deliveries until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;

use super::{Applied, InboxItem, InboxState, store};
use crate::backoff::retry_delay;
use crate::config::Config;
use crate::error::Result;

/// How often an empty inbox is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Pause after the database could not be used.
const OUTAGE_PAUSE: Duration = Duration::from_secs(15);

/// How often old deliveries are deleted.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// Applies and purges deliveries until stopped.
pub async fn run_worker(pool: PgPool, config: Arc<Config>, stop: CancellationToken) {
    tokio::join!(apply_all(&pool, &config, &stop), purge(&pool, &config, &stop));
}

async fn purge(pool: &PgPool, config: &Config, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = store::purge_applied(pool, config.sync.webhook_days.into()).await {
            tracing::error!(%error, "old webhooks could not be deleted");
        }
        stop.run_until_cancelled(tokio::time::sleep(PURGE_INTERVAL)).await;
    }
}

async fn apply_all(pool: &PgPool, config: &Config, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match apply_due(pool, config).await {
            Ok(_) => POLL_INTERVAL,
            Err(error) => {
                tracing::error!(%error, "the inbox of webhooks could not be read");
                OUTAGE_PAUSE
            }
        };
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

/// Applies all due deliveries. Returns the number of attempts.
///
/// # Errors
/// The inbox cannot be read. The error of a single delivery is stored with it.
pub async fn apply_due(pool: &PgPool, config: &Config) -> Result<usize> {
    let mut attempts = 0;
    while apply_next(pool, config).await? {
        attempts += 1;
    }
    Ok(attempts)
}

async fn apply_next(pool: &PgPool, config: &Config) -> Result<bool> {
    let mut tx = pool.begin().await?;
    let Some(item) = store::next_due(&mut tx).await? else { return Ok(false) };
    // A savepoint: a failed attempt is rolled back alone, and the claim stays until the failure is recorded.
    let mut attempt = tx.begin().await?;
    let applied = match crate::webhooks::apply(&mut attempt, &item, &config.zone()).await {
        Ok(applied) => applied,
        Err(error) => {
            drop(attempt);
            drop(tx);
            let wait = retry_delay(item.attempts + 1, config.retry_base_ms).unwrap_or_default();
            store::mark_failed(pool, item.id, &error.to_string(), wait.as_secs_f64()).await?;
            tracing::warn!(%error, id = item.id, "a webhook could not be applied");
            return Ok(true);
        }
    };
    attempt.commit().await?;
    let (state, note) = match &applied {
        Applied::Done(note) => (InboxState::Applied, note),
        Applied::Dead(reason) => (InboxState::Dead, reason),
    };
    store::mark(&mut tx, item.id, state, note).await?;
    tx.commit().await?;
    log_result(&item, &applied);
    Ok(true)
}

fn log_result(item: &InboxItem, applied: &Applied) {
    match applied {
        Applied::Done(note) => tracing::info!(id = item.id, note, "webhook applied"),
        Applied::Dead(reason) => tracing::warn!(id = item.id, reason, "webhook needs attention"),
    }
}
