//! The delivery worker of `lectern serve`: carries out what comes due, until it is stopped.

use std::sync::Arc;
use std::time::Duration;

use administrate::Client;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{Worker, drain};
use crate::backoff;
use crate::config::Config;
use crate::error::Result;
use crate::outbox::State;

/// How often the outbox is looked at when it was empty.
const REST: Duration = Duration::from_secs(1);

/// Works until stopped; an effect that is under way ends between two steps. Where the database or Administrate could not
/// be used it begins anew after a rest, with a new connection for its claims.
pub async fn work(pool: PgPool, client: Client, config: Config, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = work_on(&pool, &client, &config, &stop).await {
            tracing::error!(%error, "the delivery worker could not work");
        }
        tokio::select! {
            () = tokio::time::sleep(backoff::after_outage(config.retry_base_ms)) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Works until a drain ends early.
async fn work_on(pool: &PgPool, client: &Client, config: &Config, stop: &CancellationToken) -> Result<()> {
    let worker = Arc::new(Worker::new(pool, client.clone(), config).await?);
    while !drain(worker.clone(), None, stop, tell).await?.ended_early {
        tokio::select! {
            () = tokio::time::sleep(REST) => {}
            () = stop.cancelled() => break,
        }
    }
    match Arc::into_inner(worker) {
        Some(worker) => worker.close().await,
        None => Ok(()),
    }
}

fn tell(outcome: &crate::delivery::Outcome) {
    let why = outcome.why.as_deref().unwrap_or_default();
    match outcome.state {
        State::Delivered => tracing::info!(event = outcome.subject, "delivered"),
        State::Pending => tracing::info!(event = outcome.subject, why, "not delivered yet"),
        State::Failed | State::Unknown => tracing::warn!(event = outcome.subject, why, "not delivered"),
    }
}
