//! The worker of the inbox: applies received deliveries until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;

use super::{Applied, InboxItem, InboxState, store};
use crate::backoff::retry_delay;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::history::{self, Interface};
use crate::sync::ApplyContext;

/// How often an empty inbox is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Pause after the database could not be used.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// Deliveries that are applied in one transaction.
const BATCH: i64 = 50;

/// Pause before a delivery whose records another process has locked is tried again, in seconds.
const BUSY_SECONDS: f64 = 1.0;

/// Applies deliveries until stopped.
pub async fn run_worker(pool: PgPool, config: Arc<Config>, stop: CancellationToken) {
    let mut last: Option<Error> = None;
    while !stop.is_cancelled() {
        let result = apply_until(&pool, &config, &stop).await;
        let pause = match &result {
            Ok(_) => POLL_INTERVAL,
            Err(error) => {
                // An outage is logged once, and so is what keeps failing, as on a standby.
                let is_outage = |other: &Error| error.is_lost_database() && other.is_lost_database();
                if !last.as_ref().is_some_and(|other| is_outage(other) || error.to_string() == other.to_string()) {
                    tracing::error!(%error, "the inbox of webhooks could not be read");
                }
                OUTAGE_PAUSE
            }
        };
        last = result.err();
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

/// Applies all due deliveries. Returns the number of attempts.
///
/// # Errors
/// The inbox cannot be read. The error of a single delivery is stored with it.
pub async fn apply_due(pool: &PgPool, config: &Config) -> Result<usize> {
    apply_until(pool, config, &CancellationToken::new()).await
}

/// Applies due deliveries until there are none, or until stopped between two batches.
async fn apply_until(pool: &PgPool, config: &Config, stop: &CancellationToken) -> Result<usize> {
    let mut attempts = 0;
    loop {
        if stop.is_cancelled() {
            return Ok(attempts);
        }
        match apply_batch(pool, config).await {
            Ok(0) => return Ok(attempts),
            Ok(more) => attempts += more,
            // Another worker applies deliveries about the same events.
            Err(error) if is_busy(&error) => tokio::time::sleep(POLL_INTERVAL).await,
            Err(error) => return Err(error),
        }
    }
}

/// Applies the next due deliveries in one transaction. Returns the number of attempts.
async fn apply_batch(pool: &PgPool, config: &Config) -> Result<usize> {
    let (zone, mut context) = (config.zone(), ApplyContext::default());
    let mut tx = pool.begin().await?;
    history::sign(&mut tx, "Administrate", Interface::Sync).await?;
    store::bound_lock_waits(&mut tx).await?;
    let mut attempts = 0;
    for item in store::claim_due(&mut tx, BATCH).await? {
        attempts += 1;
        // A savepoint: a failed attempt is rolled back alone.
        let mut attempt = tx.begin().await?;
        match crate::webhooks::apply(&mut attempt, &item, &zone, &mut context).await {
            Ok(applied) => {
                attempt.commit().await?;
                let (state, note) = match &applied {
                    Applied::Done(note) => (InboxState::Applied, note),
                    Applied::Dead(reason) => (InboxState::Dead, reason),
                };
                store::mark(&mut tx, item.id, state, note).await?;
                log_result(&item, &applied);
            }
            Err(error) if error.is_lost_database() => return Err(error),
            Err(error) if is_busy(&error) => {
                attempt.rollback().await?;
                store::postpone(&mut tx, item.id, BUSY_SECONDS).await?;
                tracing::debug!(id = item.id, "the records of a webhook are locked");
                // The other process may wait for the rows of this transaction.
                break;
            }
            Err(error) => {
                attempt.rollback().await?;
                let wait = retry_delay(item.attempts + 1, config.retry_base_ms).unwrap_or_default();
                store::mark_failed(&mut tx, item.id, &error.to_string(), wait.as_secs_f64()).await?;
                tracing::warn!(%error, id = item.id, "a webhook could not be applied");
            }
        }
    }
    tx.commit().await?;
    Ok(attempts)
}

/// Reports whether another process has locked what a delivery changes.
fn is_busy(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    matches!(code.as_deref(), Some("55P03" | "40P01"))
}

fn log_result(item: &InboxItem, applied: &Applied) {
    match applied {
        Applied::Done(note) => tracing::info!(id = item.id, note, "webhook applied"),
        Applied::Dead(reason) => tracing::warn!(id = item.id, reason, "webhook needs attention"),
    }
}
