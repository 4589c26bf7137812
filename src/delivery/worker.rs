//! The delivery worker of `lectern serve`: carries out what comes due, until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use administrate::Client;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{DeliveryWorker, drain};
use crate::backoff;
use crate::config::Config;
use crate::error::Result;
use crate::outbox::DeliveryState;

/// How often the outbox is looked at when it was empty.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Works until stopped; an effect that is under way ends between two steps. Where the database or Administrate could not
/// be used it begins anew after a rest, with a new connection for its claims.
pub async fn run_worker(pool: PgPool, client: Client, config: Config, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = deliver_all_due(&pool, &client, &config, &stop).await {
            tracing::error!(%error, "the delivery worker could not work");
        }
        tokio::select! {
            () = tokio::time::sleep(backoff::outage_delay(config.retry_base_ms)) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Works until a drain ends early.
async fn deliver_all_due(pool: &PgPool, client: &Client, config: &Config, stop: &CancellationToken) -> Result<()> {
    let worker = Arc::new(DeliveryWorker::new(pool, client.clone(), config).await?);
    while !drain(worker.clone(), None, stop, tell).await?.ended_early {
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => break,
        }
    }
    match Arc::into_inner(worker) {
        Some(worker) => worker.close().await,
        None => Ok(()),
    }
}

fn tell(outcome: &crate::delivery::DeliveryOutcome) {
    let why = outcome.reason.as_deref().unwrap_or_default();
    match outcome.state {
        DeliveryState::Delivered => tracing::info!(event = outcome.subject, "delivered"),
        DeliveryState::Pending => tracing::info!(event = outcome.subject, why, "not delivered yet"),
        DeliveryState::Failed | DeliveryState::Unknown => tracing::warn!(event = outcome.subject, why, "not delivered"),
    }
}
